//! `doctor`: proves on a live database that the books are whole.
//!
//! Each check is one statement, so each sees one state of the books, whatever is written meanwhile;
//! no check compares what two statements saw. What SQL cannot read, signed documents, is read here, row by row.

mod chain;

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
    /// Examines the books, with everything booked that has expired.
    pub async fn doctor(&self) -> Result<Report, Fault> {
        while self.expire_due().await? > 0 {}
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
    checks.push(chain::requests(store).await?);
    checks.push(chain::checkouts(store).await?);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use scrip_domain::license::{License, LicenseState};
    use scrip_domain::{Clock, Id, Timestamp};
    use scrip_license::{Limits, Terms};
    use scrip_storage::books::Change;
    use scrip_storage::{Books, Changes, Command, Decision, Wants};

    use super::*;

    /// A license out of nowhere, signed by this key.
    struct Forge(String);

    impl Command for Forge {
        type Receipt = ();
        type Refusal = ();

        fn wants(&self, _: &mut Wants) {}

        fn decide(&self, _: &Books, at: Timestamp) -> Result<Decision<(), ()>, Fault> {
            let license = License {
                id: Id::new(8001).unwrap(),
                order: Id::new(1).unwrap(),
                line: Id::new(1).unwrap(),
                account: Id::new(1).unwrap(),
                product: Id::new(1).unwrap(),
                offer: Id::new(1).unwrap(),
                terms: Terms::Perpetual,
                limits: Limits::default(),
                release: None,
                state: LicenseState::Valid,
                issue: 1,
                kid: self.0.clone(),
                issued_at: at,
                expires_at: None,
            };
            let mut changes = Changes::default();
            changes.licenses.push(Change::Insert(license));
            Ok(Decision::done((), changes))
        }
    }

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_795_348_800_000)
        }
    }

    async fn examined(name: &str, kid: Option<String>) -> Report {
        let keys = Keys::new(&[[1; 32]], &[2; 32]).unwrap();
        let memory = scrip_storage::Memory::new(name).unwrap();
        let (store, writer) = Store::memory(&memory).unwrap();
        tokio::spawn(writer.run(Arc::new(Noon), Arc::new(crate::Memory::default())));
        if let Some(kid) = kid {
            store.submit(Forge(kid)).await.unwrap().unwrap();
        }
        examine(&store, &keys).await.unwrap()
    }

    #[tokio::test]
    async fn empty_books_are_sound() {
        let report = examined("doctor-empty", None).await;
        assert!(report.is_sound());
        assert!(report.checks.len() > 20);
    }

    #[tokio::test]
    async fn a_license_out_of_nowhere_is_found_and_so_is_its_lost_key() {
        let report = examined("doctor-forged", Some("lost".to_owned())).await;
        let unsound: Vec<&str> = report.unsound().map(|check| check.name.as_str()).collect();
        assert_eq!(unsound, ["license-lines", "index-licenses", "signing-keys"]);
        let keys = report.checks.last().unwrap();
        assert_eq!(keys.rows, 1);
        assert!(keys.findings[0].starts_with("lost: no such key, but 1 licenses name it"));
    }

    #[tokio::test]
    async fn a_known_key_is_no_finding() {
        let keys = Keys::new(&[[1; 32]], &[2; 32]).unwrap();
        let kid = keys.current().unwrap().kid().to_owned();
        let report = examined("doctor-known", Some(kid)).await;
        assert!(report.unsound().all(|check| check.name != "signing-keys"));
    }
}
