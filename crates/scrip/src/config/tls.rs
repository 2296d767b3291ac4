//! The certificate by which the server itself speaks TLS.

use std::path::{Path, PathBuf};

use super::raw::Raw;
use crate::failure::{Failure, Outcome};

/// A certificate and its key, both in PEM files, which are read when the server starts and again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Where the certificate is, and after it what leads to an authority.
    pub certificate: PathBuf,
    /// Where its key is.
    pub key: PathBuf,
}

impl TlsFiles {
    /// The files, if they are configured. One of the two is a mistake.
    pub fn of(raw: &Raw, folder: &Path) -> Outcome<Option<Self>> {
        let file = |name: &str| -> Outcome<Option<PathBuf>> {
            let text = raw.text(&format!("tls.{name}"))?.filter(|text| !text.is_empty());
            Ok(text.map(|text| folder.join(text)))
        };
        let lacks = |name: &str| {
            Failure::new(format!("tls lacks {name}"))
                .advise("TLS needs the certificate and its key; without both a proxy speaks it.")
        };
        match (file("certificate_file")?, file("key_file")?) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (Some(_), None) => Err(lacks("key_file")),
            (None, Some(_)) => Err(lacks("certificate_file")),
            (None, None) => Ok(None),
        }
    }
}
