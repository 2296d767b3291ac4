//! `doctor`: proves on a live database that the books are whole.
//!
//! Each check is one statement, so each sees one state of the books, whatever is written meanwhile;
//! no check compares what two statements saw.

use scrip_storage::reads::doctor::{self, MAX_FINDINGS};
use scrip_storage::{Fault, Store};
use serde::Serialize;

use crate::Engine;
use crate::keys::Keys;

/// What the doctor found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Every check, in the order in which it was made.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its short name.
    pub name: String,
    /// What holds when there are no findings.
    pub proves: String,
    /// How many rows were gone through.
    pub rows: u64,
    /// The first ten things that are not as they must be.
    pub findings: Vec<String>,
}

impl Report {
    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.unsound().next().is_none()
    }

    /// The checks that found something.
    pub fn unsound(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.findings.is_empty())
    }
}

impl Engine {
    /// Examines the books.
    pub async fn doctor(&self) -> Result<Report, Fault> {
        examine(&self.store, &self.keys()).await
    }
}

/// Examines the books in `store`, whose codes are signed with `keys`.
pub async fn examine(store: &Store, keys: &Keys) -> Result<Report, Fault> {
    let mut checks = Vec::new();
    for probe in doctor::probes() {
        let examined = store.examine(&probe).await?;
        checks.push(Check {
            name: probe.name.to_owned(),
            proves: probe.proves.to_owned(),
            rows: examined.rows,
            findings: examined.findings.iter().map(ToString::to_string).collect(),
        });
    }
    checks.push(signing_keys(store, keys).await?);
    Ok(Report { checks })
}

/// The key of each license must be at hand, or its code can never be shown again.
async fn signing_keys(store: &Store, keys: &Keys) -> Result<Check, Fault> {
    let signed = store.signing_keys().await?;
    let lost = signed.iter().filter(|signed| keys.license_key(&signed.kid).is_none());
    let limit = usize::try_from(MAX_FINDINGS).unwrap_or(usize::MAX);
    let findings = lost.take(limit).map(|signed| {
        let (licenses, kid, first) = (signed.licenses, &signed.kid, signed.first);
        format!("{kid}: no such key, but {licenses} licenses name it, the first {first}")
    });
    Ok(Check {
        name: "signing-keys".to_owned(),
        proves: "the key that signs each license's code is known".to_owned(),
        rows: signed.iter().fold(0, |sum, signed| sum.saturating_add(signed.licenses)),
        findings: findings.collect(),
    })
}
