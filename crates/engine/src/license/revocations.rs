//! What is good no more, as one signed list; and the chain of keys, from the first to the one of today.
//!
//! ```text
//! rows of dead codes, ended leaves ──▶ list ──signed──▶ remembered for a second, or until a license changes
//!                                        └─ the same as before? the same bytes, for an hour
//! ```
//! A list that says the same as before keeps its bytes and so its `ETag`: whoever asks again is told that nothing is new.
//! After an hour it is signed anew, so that a program can tell a fresh list from one that was kept from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use scrip_domain::catalog::Product;
use scrip_domain::license::{License, LicenseState};
use scrip_domain::{Id, Span, Timestamp};
use scrip_license::{Reason, Revocations, SigningKey, Successor};
use scrip_storage::Fault;

use crate::Engine;

/// How long a list is given again without a look at the books.
const FRESH: Span = Span::seconds(1);
/// How long a list that says the same keeps its bytes.
const KEPT: Span = Span::hours(1);
/// Of how many products lists are remembered.
const MOST: usize = 256;

/// A signed list.
#[derive(Debug)]
pub struct SignedList {
    /// The compact JWS, of the type `scrip-revocations+jwt`.
    pub jws: String,
    /// Its name among lists: another list has another one.
    pub etag: String,
    list: Revocations,
    kid: String,
    signed_at: Timestamp,
}

/// Lists that were signed a moment ago, by product.
#[derive(Debug, Default)]
pub(crate) struct Lists(Mutex<BTreeMap<Option<Id<Product>>, Remembered>>);

#[derive(Clone, Debug)]
struct Remembered {
    list: Arc<SignedList>,
    /// When the books were looked at, and as of which change.
    looked_at: Timestamp,
    change: u64,
}

impl Lists {
    fn get(&self, product: Option<Id<Product>>) -> Option<Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&product).cloned()
    }

    fn put(&self, product: Option<Id<Product>>, remembered: Remembered) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.len() >= MOST && !lists.contains_key(&product) {
            let oldest = lists.iter().min_by_key(|(_, list)| list.looked_at).map(|(of, _)| *of);
            oldest.and_then(|of| lists.remove(&of));
        }
        lists.insert(product, remembered);
    }
}

impl Engine {
    /// The list of what is good no more, of a product or of all, signed with the key of today.
    pub async fn revocations(
        &self,
        product: Option<Id<Product>>,
    ) -> Result<Arc<SignedList>, Fault> {
        let (now, change) = (self.now(), self.memory.license_changes());
        let no_key = || Fault::Bug("there is no license key".into());
        let keys = self.keys();
        let key = keys.current().ok_or_else(no_key)?;
        let before = self.lists.get(product);
        if let Some(Remembered { list, looked_at, change: seen }) = &before
            && *seen == change
            && now < looked_at.plus(FRESH)
            && now >= *looked_at
            && list.kid == key.kid()
        {
            return Ok(list.clone());
        }
        // Of what nobody sells nothing is dead: nothing is looked for, and nothing kept, whatever is asked.
        if let (None, Some(product)) = (&before, product)
            && self.store.product(product).await?.is_none()
        {
            let none = self.list_of(Some(product), now).await?;
            return Ok(Arc::new(SignedList::sign(none, key, now)?));
        }
        let found = self.dead(product, now).await?;
        let list = match before {
            Some(Remembered { list, .. }) if list.says(&found, key.kid(), now) => list,
            _ => Arc::new(SignedList::sign(found, key, now)?),
        };
        self.lists.put(product, Remembered { list: list.clone(), looked_at: now, change });
        Ok(list)
    }

    async fn dead(
        &self,
        product: Option<Id<Product>>,
        at: Timestamp,
    ) -> Result<Revocations, Fault> {
        let licenses = self.store.dead_codes(product, at).await?;
        let activations = self.store.ended_activations(product, at).await?;
        let returned = self.store.returned_leases(product, at).await?;
        let left = self.store.leases_of_ended(product, at).await?;
        let leases = returned.iter().chain(&left);
        let mut ended: BTreeSet<_> = leases.map(|lease| lease.id.to_string()).collect();
        ended.extend(activations.iter().map(|activation| activation.id.to_string()));
        let dead =
            licenses.iter().filter_map(|license| Some((license.id.to_string(), why(license)?)));
        Ok(Revocations { dead: dead.collect(), ended, ..self.list_of(product, at).await? })
    }

    /// A list with nothing in it.
    async fn list_of(
        &self,
        product: Option<Id<Product>>,
        at: Timestamp,
    ) -> Result<Revocations, Fault> {
        Ok(Revocations {
            issuer: self.vendor().await?.id.to_string(),
            issued_at: at.unix_seconds(),
            product: product.map(|product| product.to_string()),
            dead: BTreeMap::new(),
            ended: BTreeSet::new(),
        })
    }

    /// The announcement of each license key by the one before it, the oldest first. Nothing of it is stored: the same keys
    /// give the same chain.
    pub async fn key_chain(&self) -> Result<Vec<String>, Fault> {
        let issuer = self.vendor().await?.id.to_string();
        let keys = self.keys();
        let oldest_first: Vec<&SigningKey> = keys.licenses().iter().rev().collect();
        let pairs = oldest_first.iter().zip(oldest_first.iter().skip(1));
        let announce = |(before, next): (&&SigningKey, &&SigningKey)| {
            let successor = Successor { issuer: issuer.clone(), jwk: next.public().clone() };
            successor.sign(before).map_err(|error| Fault::Bug(error.to_string()))
        };
        pairs.map(announce).collect()
    }
}

/// The last issue of a license's code that is dead, and why.
fn why(license: &License) -> Option<(u32, Reason)> {
    let whole = |reason| Some((license.issue, reason));
    match license.state {
        LicenseState::Revoked => whole(Reason::Revoked),
        LicenseState::Suspended => whole(Reason::Suspended),
        LicenseState::Refunded => whole(Reason::Refunded),
        LicenseState::Withheld => None,
        LicenseState::Valid => {
            let before = license.issue.checked_sub(1).filter(|before| *before > 0)?;
            Some((before, Reason::Superseded))
        }
    }
}

impl SignedList {
    fn sign(list: Revocations, key: &SigningKey, at: Timestamp) -> Result<Self, Fault> {
        let jws = list.sign(key).map_err(|error| Fault::Bug(error.to_string()))?;
        let etag = format!("\"{}\"", scrip_license::jws::digest(&jws));
        Ok(Self { jws, etag, list, kid: key.kid().to_owned(), signed_at: at })
    }

    /// Whether it says what was `found`, is signed by this key, and not too long ago.
    fn says(&self, found: &Revocations, kid: &str, at: Timestamp) -> bool {
        let Revocations { issuer, product, dead, ended, .. } = &self.list;
        let same = (issuer, product, dead, ended)
            == (&found.issuer, &found.product, &found.dead, &found.ended);
        same && self.kid == kid && at >= self.signed_at && at < self.signed_at.plus(KEPT)
    }
}
