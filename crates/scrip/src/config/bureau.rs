//! The external bureau: where it stands, and how long it may take.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::raw::Raw;
use crate::failure::{Failure, Outcome};

/// A bureau that is asked by signed HTTP. Its secret stands in a file, which is read when the server starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BureauAccount {
    /// Where questions go.
    pub url: String,
    /// Where the secret is that both sides sign with.
    pub secret_file: PathBuf,
    /// How long a question may take in all.
    pub budget: Duration,
}

impl BureauAccount {
    /// The bureau, if one is configured. Half of one is a mistake.
    pub fn of(raw: &Raw, folder: &Path) -> Outcome<Option<Self>> {
        let text = |name: &str| -> Outcome<Option<String>> {
            Ok(raw.text(&format!("bureau.{name}"))?.filter(|text| !text.is_empty()))
        };
        let budget = raw.number("bureau.budget_milliseconds", 100..=60_000)?;
        let budget = budget.map_or(scrip_bureau::BUDGET, Duration::from_millis);
        match (text("url")?, text("secret_file")?) {
            (Some(url), Some(secret)) => {
                Ok(Some(Self { url, secret_file: folder.join(secret), budget }))
            }
            (None, None) => Ok(None),
            (url, _) => {
                let missing = if url.is_some() { "secret_file" } else { "url" };
                Err(Failure::new(format!("bureau lacks {missing}"))
                    .advise("docs/bureau.md says what a bureau needs."))
            }
        }
    }
}
