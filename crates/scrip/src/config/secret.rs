//! Secrets that no file of the configuration holds.

use std::fmt;
use std::path::{Path, PathBuf};

use super::raw::Raw;
use crate::failure::Outcome;
use crate::vault;

/// Where a secret is.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// In this file, which is read when it is needed.
    File(PathBuf),
    /// In the environment.
    Given(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Given(_) => f.write_str("Given(secret)"),
        }
    }
}

impl Secret {
    /// The one called `key`, of the environment, or else of the file that the option `key` with `_file` names below `folder`.
    pub fn of(raw: &Raw, folder: &Path, key: &str) -> Outcome<Option<Self>> {
        let text = |key: &str| -> Outcome<Option<String>> {
            Ok(raw.text(key)?.filter(|text| !text.is_empty()))
        };
        Ok(match (text(key)?, text(&format!("{key}_file"))?) {
            (Some(secret), _) => Some(Self::Given(secret)),
            (None, Some(file)) => Some(Self::File(folder.join(file))),
            (None, None) => None,
        })
    }

    /// The file, where there is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Given(_) => None,
        }
    }

    /// The secret itself; that of a file without the end of its line.
    pub fn read(&self) -> Outcome<String> {
        match self {
            Self::File(path) => Ok(vault::read(path)?.trim().to_owned()),
            Self::Given(secret) => Ok(secret.clone()),
        }
    }
}
