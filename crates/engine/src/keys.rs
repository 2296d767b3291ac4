//! Keys and secrets, one purpose each. They lie outside the database.
//!
//! A license key is never taken away: a rotation puts a new one before the others, and what the old
//! ones signed is verified, and signed again, with them. So it is with protocol keys, by which servers know each other:
//! what they signed is evidence, and other servers need time to hear of a new one. One that was stolen is taken out of
//! the keys' home by hand.

use std::sync::{Arc, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use scrip_domain::Id;
use scrip_domain::audit::Act;
use scrip_domain::document::{self, Document};
use scrip_domain::webhook::WebhookEndpoint;
use scrip_license::{KeySet, SigningKey, jws};
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
    /// Every key that has signed for other servers; the first one signs now.
    protocol: Arc<Vec<SigningKey>>,
    public_protocol: Arc<KeySet>,
    code_secret: [u8; 32],
    seal_secret: [u8; 32],
    subject_secret: [u8; 32],
    webhook_secret: [u8; 32],
    factor_secret: [u8; 32],
    imprint: [u8; 16],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Keys from the seeds of the license keys, newest first, and one master secret, from which the
    /// secrets of short codes, tickets, cursors, webhooks and second factors are derived. `None` without any seed.
    pub fn new(seeds: &[[u8; 32]], secret: &[u8; 32]) -> Option<Self> {
        let (licenses, public) = ring(seeds);
        if licenses.is_empty() {
            return None;
        }
        Some(Self {
            licenses: Arc::new(licenses),
            public: Arc::new(public),
            protocol: Arc::default(),
            public_protocol: Arc::default(),
            code_secret: derive(secret, b"scrip short codes"),
            seal_secret: derive(secret, b"scrip seals"),
            subject_secret: derive(secret, b"scrip pairwise subjects"),
            webhook_secret: derive(secret, b"scrip webhooks"),
            factor_secret: derive(secret, b"scrip second factors"),
            imprint: derive(secret, b"scrip imprint").first_chunk().copied().unwrap_or_default(),
        })
    }

    /// The same, with protocol keys from these seeds, newest first.
    #[must_use]
    pub fn with_protocol(self, seeds: &[[u8; 32]]) -> Self {
        let (protocol, public) = ring(seeds);
        Self { protocol: Arc::new(protocol), public_protocol: Arc::new(public), ..self }
    }

    /// By what the master secret is known again. Nobody finds the secret from it.
    pub fn imprint(&self) -> [u8; 16] {
        self.imprint
    }

    /// The key that signs documents and requests for other servers.
    pub fn protocol(&self) -> Option<&SigningKey> {
        self.protocol.first()
    }

    /// The protocol key called `kid`.
    pub fn protocol_key(&self, kid: &str) -> Option<&SigningKey> {
        self.protocol.iter().find(|key| key.kid() == kid)
    }

    /// The public halves of all protocol keys, former ones included.
    pub fn public_protocol(&self) -> &KeySet {
        &self.public_protocol
    }

    /// The key that signs new license codes.
    pub fn current(&self) -> Option<&SigningKey> {
        self.licenses.first()
    }

    /// The key called `kid`.
    pub fn license_key(&self, kid: &str) -> Option<&SigningKey> {
        self.licenses.iter().find(|key| key.kid() == kid)
    }

    /// Every license key, newest first.
    pub(crate) fn licenses(&self) -> &[SigningKey] {
        &self.licenses
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

    /// The secret that is shared with somebody's authenticator: derived from the name of the member or the account and the
    /// number of the secret, so that it lies nowhere.
    pub(crate) fn factor_secret(&self, whom: &str, issue: u32) -> [u8; 20] {
        let derived = mac(&self.factor_secret, format!("{whom} {issue}").as_bytes());
        let mut secret = [0; 20];
        secret.iter_mut().zip(derived).for_each(|(to, from)| *to = from);
        secret
    }

    /// The secret of what the server gives out and takes back: tickets, cursors, selections.
    pub(crate) fn seal_secret(&self) -> &[u8; 32] {
        &self.seal_secret
    }

    /// The secret of the names by which merchants know buyers.
    pub(crate) fn subject_secret(&self) -> &[u8; 32] {
        &self.subject_secret
    }
}

/// Where the keys lie for good: on a disk, beside the database.
pub trait KeyHome: Send + Sync {
    /// Keeps the seed of a new key, durably, before anything is signed with it; gives all
    /// keys, the new one first.
    fn keep(&self, purpose: Purpose, seed: [u8; 32]) -> Result<Keys, Fault>;
}

/// What a key signs. None signs for two purposes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// License codes.
    #[default]
    License,
    /// Documents and requests for other servers.
    Protocol,
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

    /// Makes a new key, which signs from now on, and gives its name.
    ///
    /// It lies outside the database, so the act goes on record first: a key that signs has its row.
    pub async fn rotate_key(&self, by: Staff, purpose: Purpose) -> Outcome<String, NoKeyHome> {
        let _turn = self.rotating.lock().await;
        self.rotate(by, purpose).await
    }

    /// The same for who saw `seen` sign: where another key signs by now, it was made already, and none is made.
    pub async fn rotate_key_from(
        &self,
        by: Staff,
        purpose: Purpose,
        seen: &str,
    ) -> Outcome<String, NoKeyHome> {
        if self.key_home.is_none() {
            return Ok(Err(NoKeyHome));
        }
        let _turn = self.rotating.lock().await;
        match self.signs_now(purpose) {
            Some(kid) if kid != seen => Ok(Ok(kid)),
            _ => self.rotate(by, purpose).await,
        }
    }

    /// The name of the key that signs now.
    pub fn signs_now(&self, purpose: Purpose) -> Option<String> {
        let keys = self.keys();
        let key = match purpose {
            Purpose::License => keys.current(),
            Purpose::Protocol => keys.protocol(),
        };
        key.map(|key| key.kid().to_owned())
    }

    async fn rotate(&self, by: Staff, purpose: Purpose) -> Outcome<String, NoKeyHome> {
        let Some(home) = &self.key_home else { return Ok(Err(NoKeyHome)) };
        let mut seed = [0; 32];
        self.fill(&mut seed);
        let kid = SigningKey::from_seed(seed).kid().to_owned();
        let act = match purpose {
            Purpose::License => Act::LicenseKeyRotated,
            Purpose::Protocol => Act::ProtocolKeyRotated,
        };
        self.record(by, act, kid.clone(), json!({})).await?;
        self.use_keys(home.keep(purpose, seed)?);
        Ok(Ok(kid))
    }

    /// Signs a document for another server, with the protocol key of today. The same document signed by the same key
    /// has the same bytes.
    pub fn sign_document<T: Document>(&self, document: &T) -> Result<String, Fault> {
        let keys = self.keys();
        let lacking = || Fault::Unavailable("this server has no protocol key".into());
        let key = keys.protocol().ok_or_else(lacking)?;
        jws::sign_within(document::MAX_LENGTH, key, T::TYP, document)
            .map_err(|error| Fault::Bug(format!("a document cannot be signed: {error}")))
    }

    /// Works with `keys` from now on. What is being signed is signed with the old ones.
    pub fn use_keys(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

/// Keys and their public halves.
fn ring(seeds: &[[u8; 32]]) -> (Vec<SigningKey>, KeySet) {
    let keys: Vec<_> = seeds.iter().map(|seed| SigningKey::from_seed(*seed)).collect();
    let public = keys.iter().map(|key| key.public().clone()).collect();
    (keys, public)
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
