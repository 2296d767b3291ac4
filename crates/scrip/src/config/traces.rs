//! The collector of traces.

use std::path::Path;

use super::is_public;
use super::raw::Raw;
use super::secret::Secret;
use crate::failure::{Failure, Outcome};

/// A collector, and how much it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracesAccount {
    /// Where spans are sent.
    pub endpoint: String,
    /// How many of a hundred traces, 1 to 100.
    pub percent: u8,
    /// What the collector wants in the header `Authorization`, if anything.
    pub authorization: Option<Secret>,
}

impl TracesAccount {
    /// The collector, if one is configured.
    pub fn of(raw: &Raw, folder: &Path) -> Outcome<Option<Self>> {
        let percent = raw.number("traces.percent", 1..=100)?.unwrap_or(100);
        let authorization = Secret::of(raw, folder, "traces.authorization")?;
        let expected = "the full address of a collector such as http://127.0.0.1:4318/v1/traces";
        let endpoint = raw.read("traces.endpoint", expected, |value| {
            let url = value.text()?.to_owned();
            (url.is_empty() || is_public(&url)).then_some(url)
        })?;
        let Some(endpoint) = endpoint.filter(|url| !url.is_empty()) else {
            return match authorization.as_ref().and_then(Secret::file) {
                Some(_) => {
                    Err(Failure::new("traces.authorization_file is given, and no traces.endpoint")
                        .advise("Without an endpoint there are no traces."))
                }
                None => Ok(None),
            };
        };
        Ok(Some(Self { endpoint, percent, authorization }))
    }
}
