//! `doctor`: proves on a live database that the books are whole.
//!
//! Each check is one statement, so each sees one state of the books, whatever is written meanwhile;
//! no check compares what two statements saw. What no database can reckon, the digests of documents, is read in pages; each row
//! is held against itself alone.

mod chain;

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_license::{Digest, jws};
use scrip_storage::reads::doctor::{self, Examined, MAX_FINDINGS, Probe, Replication};
use scrip_storage::reads::exchange::Documents;
use scrip_storage::{Fault, Store};
use serde::Serialize;
use serde_json::Value;

use crate::Engine;
use crate::keys::Keys;
use crate::objects::Objects;

/// What the doctor found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Every check, in the order in which it was made.
    pub checks: Vec<Check>,
    /// What is not wrong, and should be known.
    pub notes: Vec<String>,
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
        checks.push(answered(&probe, store.examine(&probe).await)?);
    }
    checks.push(chain::requests(store).await?);
    checks.push(chain::checkouts(store).await?);
    checks.push(exchange_documents(store).await?);
    checks.push(crate::statement::proof::prove(store).await?);
    checks.push(signing_keys(store, keys).await?);
    checks.push(master_secret(store, keys).await?);
    let notes = store.replication().await?.iter().flat_map(durability).collect();
    Ok(Report { checks, notes })
}

/// What came of asking a probe. That a value cannot be read or reckoned with is a finding; that the database did not answer,
/// or took too long, says nothing about the books.
fn answered(probe: &Probe, answer: Result<Examined, Fault>) -> Result<Check, Fault> {
    let (rows, findings) = match answer {
        Ok(examined) => {
            (examined.rows, examined.findings.iter().map(ToString::to_string).collect())
        }
        Err(fault @ (Fault::Corrupt { .. } | Fault::Bug(_))) => (0, vec![fault.to_string()]),
        Err(Fault::Unavailable(why)) => {
            return Err(Fault::Unavailable(format!("{} could not be asked: {why}", probe.name)));
        }
        Err(fault) => return Err(fault),
    };
    let (name, proves) = (probe.name.to_owned(), probe.proves.to_owned());
    Ok(Check { name, proves, rows, findings })
}

/// What a failover to another PostgreSQL may lose, and what a power cut.
fn durability(replication: &Replication) -> Vec<String> {
    let Replication { awaited, connected, syncs } = replication;
    let standbys = if awaited.is_empty() {
        "synchronous replication is off (synchronous_standby_names is empty): a failover to a standby can lose purchases that \
         were acknowledged"
            .to_owned()
    } else if *connected > 0 {
        format!(
            "synchronous replication is on (synchronous_standby_names is '{awaited}', {connected} connected): a failover to one \
             of these standbys loses no acknowledged purchase"
        )
    } else {
        format!(
            "synchronous replication is on (synchronous_standby_names is '{awaited}'), but no such standby is seen: commits wait \
             for one, or this user may not see it (GRANT pg_monitor)"
        )
    };
    let disk = "fsync is off: a power cut can leave the whole database in ruins".to_owned();
    std::iter::once(standbys).chain((!syncs).then_some(disk)).collect()
}

/// Whether a SQLite file is whole, which the books need not show: what no check looks at may be damaged. None on PostgreSQL,
/// which looks after its files itself.
pub async fn examine_file(store: &Store) -> Result<Option<Check>, Fault> {
    let Some(damages) = store.damages(MAX_FINDINGS).await? else { return Ok(None) };
    Ok(Some(Check {
        name: "file".to_owned(),
        proves: "the file's pages are whole, and its indices agree with its rows".to_owned(),
        rows: store.pages().await?,
        findings: damages,
    }))
}

/// Whether the bytes of every file and picture are there, where the objects lie. Not of the books, so it is no part of
/// [`examine`]: a backup may leave the goods out.
pub async fn examine_objects(store: &Store, objects: &Objects) -> Result<Check, Fault> {
    let named = store.named_objects().await?;
    let there = objects.all().await?;
    let mut check = Check {
        name: "objects".to_owned(),
        proves:
            "the bytes of every file and picture are there, and of files as many as there must be"
                .to_owned(),
        rows: u64::try_from(named.len()).unwrap_or(u64::MAX),
        findings: Vec::new(),
    };
    let most = usize::try_from(MAX_FINDINGS).unwrap_or(usize::MAX);
    for (name, size) in named {
        let found = name.parse().ok().and_then(|digest: Digest| there.get(&digest));
        let what = match (found, size) {
            (None, _) => format!("{name} is missing"),
            (Some(found), Some(size)) if *found != size => {
                format!("{name} has {found} bytes instead of {size}")
            }
            _ => continue,
        };
        if check.findings.len() < most {
            check.findings.push(what);
        }
    }
    Ok(check)
}

/// How many exchanges are read at a time.
const PAGE: u32 = 200;

/// Each document of an exchange names the one before it, on both sides.
async fn exchange_documents(store: &Store) -> Result<Check, Fault> {
    let mut check = Check {
        name: "exchange-documents".to_owned(),
        proves: "each signed document of an exchange names the one before it by its digest"
            .to_owned(),
        rows: 0,
        findings: Vec::new(),
    };
    let mut after = None;
    loop {
        let page = store.exchange_documents(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.exchange);
        page.iter().for_each(|documents| check.hold(documents));
    }
    let mut after = None;
    loop {
        let page = store.incoming_documents(after, PAGE).await?;
        let Some((partner, last)) = page.last() else { break };
        after = Some((*partner, last.exchange));
        page.iter().for_each(|(_, documents)| check.hold(documents));
    }
    Ok(check)
}

impl Check {
    fn hold(&mut self, documents: &Documents) {
        self.rows = self.rows.saturating_add(1);
        let most = usize::try_from(MAX_FINDINGS).unwrap_or(usize::MAX);
        if let Some(broken) = broken(documents)
            && self.findings.len() < most
        {
            let exchange = documents.exchange;
            self.findings
                .push(format!("{exchange}: the {broken} does not follow from what was before it"));
        }
    }
}

/// The first document of an exchange that does not name the one before it.
fn broken(documents: &Documents) -> Option<&'static str> {
    let Documents { quote, prepared, commit, answer, .. } = documents;
    let follows = |before: &Option<String>, after: &Option<String>, member: &str| {
        let (Some(before), Some(after)) = (before, after) else { return true };
        said(after, member).as_deref() == Some(jws::digest(before).as_str())
    };
    // A commit that is of something else is just what was rejected for it.
    let is_rejected = |answer: &String| said(answer, "outcome").as_deref() == Some("rejected");
    let rejected = answer.as_ref().is_some_and(is_rejected);
    if !follows(quote, prepared, "quote") {
        return Some("preparation");
    }
    if !rejected && !follows(prepared, commit, "prepared") {
        return Some("commit");
    }
    (!follows(commit, answer, "commit")).then_some("answer")
}

/// What a document says under this name; whether its signature is right was asked when it came.
fn said(document: &str, member: &str) -> Option<String> {
    let claims = Base64UrlUnpadded::decode_vec(document.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims.get(member)?.as_str().map(str::to_owned)
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

/// The master secret must be the one with which short codes were made, and all else that is derived from it.
async fn master_secret(store: &Store, keys: &Keys) -> Result<Check, Fault> {
    let imprint = store.vendor().await?.and_then(|vendor| vendor.imprint);
    let is_other = imprint.is_some_and(|imprint| imprint != keys.imprint());
    let what = "keys/master.secret is another shop's: short codes that were sold, webhooks and second factors need this shop's";
    Ok(Check {
        name: "master-secret".to_owned(),
        proves: "the master secret is the one that this shop began with".to_owned(),
        rows: u64::from(imprint.is_some()),
        findings: is_other.then(|| what.to_owned()).into_iter().collect(),
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

    #[test]
    fn a_document_that_does_not_follow_is_found() {
        let key = scrip_license::SigningKey::from_seed([3; 32]);
        let sign = |claims: Value| Some(jws::sign(&key, "test+jwt", &claims).unwrap());
        let digest = |document: &Option<String>| jws::digest(document.as_deref().unwrap());
        let quote = sign(serde_json::json!({ "jti": "1" }));
        let prepared = sign(serde_json::json!({ "quote": digest(&quote) }));
        let commit = sign(serde_json::json!({ "prepared": digest(&prepared) }));
        let answer = sign(serde_json::json!({ "commit": digest(&commit), "outcome": "late" }));
        let rejected =
            sign(serde_json::json!({ "commit": digest(&commit), "outcome": "rejected" }));
        let other = sign(serde_json::json!({ "jti": "2" }));
        let exchange = Id::new(1).unwrap();
        let whole = Documents { exchange, quote, prepared, commit, answer };
        assert_eq!(broken(&whole), None);
        let early = Documents { commit: None, answer: None, ..whole.clone() };
        assert_eq!(broken(&early), None, "what is not there yet breaks nothing");
        let with = |change: &dyn Fn(&mut Documents)| {
            let mut changed = whole.clone();
            change(&mut changed);
            broken(&changed)
        };
        assert_eq!(with(&|one| one.quote = other.clone()), Some("preparation"));
        assert_eq!(with(&|one| one.commit = other.clone()), Some("commit"));
        assert_eq!(with(&|one| one.answer = other.clone()), Some("answer"));
        assert_eq!(with(&|one| one.answer = Some("no document".into())), Some("answer"));
        assert_eq!(
            with(&|one| {
                one.quote = None;
                one.prepared = other.clone();
                one.answer = rejected.clone();
            }),
            None,
            "a commit of something else was rejected"
        );
    }

    #[test]
    fn a_probe_that_could_not_be_asked_is_no_finding() {
        let probe = doctor::probes().remove(0);
        let timed_out = Fault::Unavailable("canceling statement due to statement timeout".into());
        let fault = answered(&probe, Err(timed_out)).unwrap_err().to_string();
        assert!(
            fault.contains(&format!("{} could not be asked: canceling", probe.name)),
            "{fault}"
        );
        for fault in [Fault::Busy, Fault::Full] {
            assert!(answered(&probe, Err(fault)).is_err());
        }
        let (column, row) = ("lots".to_owned(), "1".to_owned());
        let corrupt = Fault::Corrupt { table: "wallets", column, row };
        for fault in [corrupt, Fault::Bug("bigint out of range".into())] {
            assert_eq!(answered(&probe, Err(fault.clone())).unwrap().findings, [fault.to_string()]);
        }
    }

    #[test]
    fn what_a_failover_may_lose_is_told() {
        let told = |awaited: &str, connected, syncs| {
            let awaited = awaited.to_owned();
            durability(&Replication { awaited, connected, syncs })
        };
        assert!(told("", 0, true)[0].contains("is off"));
        assert!(told("ANY 1 (a, b)", 2, true)[0].contains("loses no acknowledged purchase"));
        assert!(told("a", 0, true)[0].contains("no such standby is seen"));
        assert_eq!(told("a", 1, false).len(), 2);
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
        let keys = report.checks.iter().find(|check| check.name == "signing-keys").unwrap();
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
