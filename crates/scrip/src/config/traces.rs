//! The collector of traces.

use std::fmt;
use std::path::{Path, PathBuf};

use super::is_public;
use super::raw::Raw;
use crate::failure::{Failure, Outcome};

/// A collector, and how much it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracesAccount {
    /// Where spans are sent.
    pub endpoint: String,
    /// How many of a hundred traces, 1 to 100.
    pub percent: u8,
    /// What the collector wants in the header `Authorization`, if anything.
    pub authorization: Option<Authorization>,
}

/// Where the header's value is.
#[derive(Clone, PartialEq, Eq)]
pub enum Authorization {
    /// In this file, which is read when the server starts.
    File(PathBuf),
    /// In the environment.
    Given(String),
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Given(_) => f.write_str("Given(secret)"),
        }
    }
}

impl TracesAccount {
    /// The collector, if one is configured.
    pub fn of(raw: &Raw, folder: &Path) -> Outcome<Option<Self>> {
        let text = |name: &str| -> Outcome<Option<String>> {
            Ok(raw.text(&format!("traces.{name}"))?.filter(|text| !text.is_empty()))
        };
        let percent = raw.number("traces.percent", 1..=100)?.unwrap_or(100);
        let file = text("authorization_file")?;
        let expected = "the full address of a collector such as http://127.0.0.1:4318/v1/traces";
        let endpoint = raw.read("traces.endpoint", expected, |value| {
            let url = value.text()?.to_owned();
            (url.is_empty() || is_public(&url)).then_some(url)
        })?;
        let Some(endpoint) = endpoint.filter(|url| !url.is_empty()) else {
            return match file {
                Some(_) => {
                    Err(Failure::new("traces.authorization_file is given, and no traces.endpoint")
                        .advise("Without an endpoint there are no traces."))
                }
                None => Ok(None),
            };
        };
        let authorization = match (text("authorization")?, file) {
            (Some(value), _) => Some(Authorization::Given(value)),
            (None, Some(file)) => Some(Authorization::File(folder.join(file))),
            (None, None) => None,
        };
        Ok(Some(Self { endpoint, percent, authorization }))
    }
}
