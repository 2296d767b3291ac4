//! Other servers: whom this one hears, and by which keys it knows them.
//!
//! ```text
//! request ──▶ is the issuer one of ours? ──▶ its key: in memory? ──yes──▶ signature ──▶ nonce new? ──▶ heard
//!                    │ no                          │ no                      │ wrong        │ seen
//!                    ▼                             ▼                         ▼              ▼
//!                 refused       {issuer}/.well-known/scrip ──▶ protocol keys, refused       refused
//!                               at most once a minute, by one at a time
//! ```
//! Keys and nonces are kept in memory, bounded, per process. A nonce that another process has seen, or this one before a
//! restart, is taken once more there: what a request does is guarded by its idempotency key, and a nonce only keeps
//! a recorded request from being asked again and again.

mod keys;
mod nonces;
mod pen;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use scrip_domain::role::Role;
use scrip_license::PublicKey;
use scrip_storage::Fault;

use crate::{Engine, Mode, Outcome};

pub use keys::PeerKeys;
pub use nonces::{Nonces, Seen};
pub use pen::Pen;

/// What other servers make public, as it is fetched: a port.
pub trait PeerPort: Send + Sync + fmt::Debug {
    /// Reads a JSON document of some tens of kilobytes at most; without one, a sentence says why.
    fn read<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, String>>;
}

/// What is known of other servers.
#[derive(Debug, Default)]
pub struct Peers {
    keys: Arc<PeerKeys>,
    nonces: Nonces,
}

/// Why another server is not heard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerRefusal {
    /// It is none of ours.
    #[error("the issuer is none that this server deals with")]
    Stranger,
    /// It has no such key.
    #[error("the issuer has no such key")]
    UnknownKey,
    /// Its keys could not be asked for, so nobody knows.
    #[error("the issuer's keys could not be read: {0}")]
    Unreachable(String),
    /// The same request was heard before.
    #[error("the nonce was used before")]
    Replayed,
    /// It asks more than can be remembered.
    #[error("too many requests at once")]
    TooMany,
}

/// Why there is no answer, or not the one that was hoped for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// Nobody knows whether it arrived: ask again.
    #[error("the other server did not answer: {0}")]
    Unanswered(String),
    /// It refuses, by a stable code.
    #[error("the other server refuses: {code}: {detail}")]
    Refused {
        /// The code.
        code: String,
        /// A sentence.
        detail: String,
        /// A word that says more than the code, where there is one.
        reason: Option<String>,
    },
    /// What came cannot be believed: no signature of its own, or not the form of an answer.
    #[error("its answer is not to be believed: {0}")]
    Unbelievable(String),
}

impl Engine {
    /// With a way to read what other servers make public.
    #[must_use]
    pub fn with_peer_port(mut self, port: Arc<dyn PeerPort>) -> Self {
        self.peers.keys = Arc::new(PeerKeys::through(port));
        self
    }

    /// The key called `kid` of another server that this one deals with.
    pub async fn peer_key(&self, issuer: &str, kid: &str) -> Outcome<PublicKey, PeerRefusal> {
        if !self.deals_with(issuer).await? {
            return Ok(Err(PeerRefusal::Stranger));
        }
        Ok(self.peers.keys.key(issuer, kid, self.now()).await)
    }

    /// Notes that a proven request of `issuer` came with this nonce, and refuses it if one came before.
    pub fn hear(&self, issuer: &str, nonce: &str) -> Result<(), PeerRefusal> {
        match self.peers.nonces.note(issuer, nonce, self.now()) {
            Seen::New => Ok(()),
            Seen::Before => Err(PeerRefusal::Replayed),
            Seen::Full => Err(PeerRefusal::TooMany),
        }
    }

    /// The public keys of other servers, for what they have signed.
    pub fn peer_keys(&self) -> &Arc<PeerKeys> {
        &self.peers.keys
    }

    /// Whether signed requests of this server are heard at all. What it may ask, the routes say: a partner nothing of a
    /// merchant's, and the other way round.
    async fn deals_with(&self, issuer: &str) -> Result<bool, Fault> {
        if self.roles.has(Role::Merchant) {
            return Ok(self.provider().is_some_and(|provider| provider.url() == issuer));
        }
        if self.roles.has(Role::Provider) && self.knows_merchant(issuer).await? {
            return Ok(true);
        }
        Ok(self.roles.may_have_partners() && self.knows_partner(issuer).await?)
    }

    /// Whether a merchant with this address is registered here.
    async fn knows_merchant(&self, issuer: &str) -> Result<bool, Fault> {
        Ok(self.merchant_at(issuer).await?.is_some())
    }

    /// Whether an administrator has entered a partner with this address.
    async fn knows_partner(&self, issuer: &str) -> Result<bool, Fault> {
        Ok(self.partner_at(issuer).await?.is_some())
    }
}

/// Whether another server can be reached under this address: `https://`, a host, perhaps a port and a path, no slash
/// at the end. In a demo also in the clear on this very machine.
pub fn is_address(url: &str, mode: Mode) -> bool {
    let (rest, is_clear) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (_, Some(rest)) => (rest, true),
        _ => return false,
    };
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(a, p)| (a, Some(p)));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_named =
        if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            inner.parse::<std::net::Ipv6Addr>().is_ok()
        } else {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
            !host.is_empty() && host.bytes().all(is_name)
        };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    let is_path = path.is_none_or(|path| {
        !path.is_empty()
            && !path.ends_with('/')
            && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte))
    });
    let may_be_clear = mode == Mode::Demo && matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    is_named && is_port && is_path && (!is_clear || may_be_clear)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_and_nothing_that_leads_elsewhere() {
        for good in ["https://pay.example", "https://pay.example:8443/eu", "https://[2001:db8::1]"]
        {
            assert!(is_address(good, Mode::Live), "{good}");
        }
        for bad in [
            "",
            "pay.example",
            "http://pay.example",
            "ftp://pay.example",
            "https://",
            "https://pay.example/",
            "https://u@pay.example",
            "https://pay.example?x",
            "https://pay.example#x",
            "https://pay.example:0",
            "https://pay.example:x",
            "https://pay.example/a b",
            "https://[x]",
            "https://pay.example/%2e",
        ] {
            assert!(!is_address(bad, Mode::Demo), "{bad}");
        }
        for here in ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1"] {
            assert!(is_address(here, Mode::Demo) && !is_address(here, Mode::Live), "{here}");
        }
    }
}
