//! Keys and secrets, one purpose each. They lie outside the database.
//!
//! A license key is never taken away: a rotation puts a new one before the others, and what the old
//! ones signed is verified, and signed again, with them.

use std::sync::{Arc, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use scrip_domain::Id;
use scrip_domain::audit::Act;
use scrip_domain::webhook::WebhookEndpoint;
use scrip_license::{KeySet, SigningKey};
use scrip_storage::Fault;
use serde_json::json;
use sha2::Sha256;

use crate::audit::Staff;
use crate::signature::Key;
use crate::{Engine, Outcome};

/// What a server signs and seals with.
#[derive(Clone)]
pub struct Keys {
    /// Every key that has ever signed license codes; the first one signs new ones.
    licenses: Arc<Vec<SigningKey>>,
    public: Arc<KeySet>,
    code_secret: [u8; 32],
    seal_secret: [u8; 32],
    webhook_secret: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Keys from the seeds of the license keys, newest first, and one master secret, from which the
    /// secrets of short codes, tickets, cursors and webhooks are derived. `None` without any seed.
    pub fn new(seeds: &[[u8; 32]], secret: &[u8; 32]) -> Option<Self> {
        let licenses: Vec<SigningKey> =
            seeds.iter().map(|seed| SigningKey::from_seed(*seed)).collect();
        let public = licenses.iter().map(|key| key.public().clone()).collect();
        if licenses.is_empty() {
            return None;
        }
        Some(Self {
            licenses: Arc::new(licenses),
            public: Arc::new(public),
            code_secret: derive(secret, b"scrip short codes"),
            seal_secret: derive(secret, b"scrip seals"),
            webhook_secret: derive(secret, b"scrip webhooks"),
        })
    }

    /// The key that signs new license codes.
    pub fn current(&self) -> Option<&SigningKey> {
        self.licenses.first()
    }

    /// The key called `kid`.
    pub fn license_key(&self, kid: &str) -> Option<&SigningKey> {
        self.licenses.iter().find(|key| key.kid() == kid)
    }

    /// The public halves of all license keys, retired ones included.
    pub fn public(&self) -> &KeySet {
        &self.public
    }

    /// The secret of short codes.
    pub(crate) fn code_secret(&self) -> &[u8; 32] {
        &self.code_secret
    }

    /// The secret that is shared with a webhook endpoint: derived from its name and the number of the
    /// secret, so that it lies nowhere.
    pub(crate) fn webhook_key(&self, endpoint: Id<WebhookEndpoint>, issue: u32) -> Key {
        Key::of(mac(&self.webhook_secret, format!("{endpoint} {issue}").as_bytes()))
    }

    /// The secret of what the server gives out and takes back: tickets, cursors, selections.
    pub(crate) fn seal_secret(&self) -> &[u8; 32] {
        &self.seal_secret
    }
}

/// Where the keys lie for good: on a disk, beside the database.
pub trait KeyHome: Send + Sync {
    /// Keeps the seed of a new license key, durably, before anything is signed with it; gives all
    /// keys, the new one first.
    fn keep(&self, seed: [u8; 32]) -> Result<Keys, Fault>;
}

/// This server has no home for keys, so that a new one would be lost with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKeyHome;

impl Engine {
    /// The same engine, with a home for new keys.
    #[must_use]
    pub fn with_key_home(self, home: Arc<dyn KeyHome>) -> Self {
        Self { key_home: Some(home), ..self }
    }

    /// Makes a new license key, which signs from now on, and gives its name.
    ///
    /// It lies outside the database, so the act goes on record first: a key that signs has its row.
    pub async fn rotate_license_key(&self, by: Staff) -> Outcome<String, NoKeyHome> {
        let Some(home) = &self.key_home else { return Ok(Err(NoKeyHome)) };
        let mut seed = [0; 32];
        self.fill(&mut seed);
        let kid = SigningKey::from_seed(seed).kid().to_owned();
        self.record(by, Act::LicenseKeyRotated, kid.clone(), json!({})).await?;
        self.use_keys(home.keep(seed)?);
        Ok(Ok(kid))
    }

    /// Works with `keys` from now on. What is being signed is signed with the old ones.
    pub fn use_keys(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

fn derive(secret: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    mac(secret, purpose)
}

/// HMAC-SHA-256 (RFC 2104).
pub(crate) fn mac(secret: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // A key shorter than the hash's block is padded with zeros (RFC 2104, section 2).
    let mut block = [0; 64];
    block.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}
