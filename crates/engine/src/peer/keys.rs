//! The public protocol keys of other servers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use scrip_domain::{Span, Timestamp};
use scrip_license::{KeySet, PublicKey};
use serde::Deserialize;

use super::{PeerPort, PeerRefusal};

/// For how long what was read is believed without looking again.
const FRESH: Span = Span::hours(1);

/// How long after a look the same server is not asked again for a key that it did not have.
const PAUSE: Span = Span::minutes(1);

/// The same after a look that failed.
const PAUSE_AFTER_FAILURE: Span = Span::seconds(5);

/// For how long keys are good while their server cannot be asked.
const GOOD: Span = Span::hours(24);

/// How many servers are remembered; with more of them all are read again.
const MOST: usize = 1024;

/// Keys by server, read when they are needed.
#[derive(Debug, Default)]
pub struct PeerKeys {
    port: Option<Arc<dyn PeerPort>>,
    known: Mutex<HashMap<String, Arc<Known>>>,
}

/// What is known of one server.
#[derive(Debug, Default)]
struct Known {
    last: Mutex<Last>,
    /// Held by who is asking, so that the others wait for its answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Last {
    keys: Arc<KeySet>,
    read_at: Option<Timestamp>,
    failed: Option<(Timestamp, String)>,
}

impl PeerKeys {
    /// Reads keys through this port.
    pub(super) fn through(port: Arc<dyn PeerPort>) -> Self {
        Self { port: Some(port), known: Mutex::default() }
    }

    /// The key called `kid` of the server at `issuer`. Whoever calls has made sure that it is one of ours.
    pub async fn key(
        &self,
        issuer: &str,
        kid: &str,
        now: Timestamp,
    ) -> Result<PublicKey, PeerRefusal> {
        let found = |last: &Last| last.keys.get(kid).cloned().filter(|_| last.is_within(GOOD, now));
        let known = self.known(issuer);
        let last = known.last();
        if last.is_within(FRESH, now)
            && let Some(key) = found(&last)
        {
            return Ok(key);
        }
        let _one_asks = known.asking.lock().await;
        let mut last = known.last();
        // What somebody else has just read is as good.
        let is_there = last.is_within(FRESH, now) && last.keys.get(kid).is_some();
        if !is_there && !last.rests(now) {
            last = self.look(issuer, last, now).await;
            known.keep(last.clone());
        }
        match (found(&last), last.failed) {
            (Some(key), _) => Ok(key),
            (None, Some((_, why))) => Err(PeerRefusal::Unreachable(why)),
            (None, None) => Err(PeerRefusal::UnknownKey),
        }
    }

    fn known(&self, issuer: &str) -> Arc<Known> {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(issuer) {
            all.clear();
        }
        all.entry(issuer.to_owned()).or_default().clone()
    }

    async fn look(&self, issuer: &str, before: Last, now: Timestamp) -> Last {
        match self.read(issuer).await {
            Ok(keys) => Last { keys: Arc::new(keys), read_at: Some(now), failed: None },
            Err(why) => {
                tracing::warn!(issuer, why, "the keys of another server could not be read");
                Last { failed: Some((now, why)), ..before }
            }
        }
    }

    /// What the server says that its keys are. It may name no other place than one of its own.
    async fn read(&self, issuer: &str) -> Result<KeySet, String> {
        #[derive(Deserialize)]
        struct Discovery {
            protocol_jwks_uri: String,
        }
        let port = self.port.as_deref().ok_or("this server cannot ask others")?;
        let document = port.read(&format!("{issuer}/.well-known/scrip")).await?;
        let discovery: Discovery =
            serde_json::from_slice(&document).map_err(|_| "its discovery document is none")?;
        let address = discovery.protocol_jwks_uri;
        if !address.starts_with(&format!("{issuer}/")) {
            return Err("it says that its keys are elsewhere".to_owned());
        }
        let keys = port.read(&address).await?;
        serde_json::from_slice(&keys).map_err(|error| format!("its keys cannot be read: {error}"))
    }
}

impl Known {
    fn last(&self) -> Last {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, last: Last) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }
}

impl Last {
    fn is_within(&self, span: Span, now: Timestamp) -> bool {
        self.read_at.is_some_and(|read_at| now.since(read_at) < span)
    }

    /// Whether it is too early to ask again.
    fn rests(&self, now: Timestamp) -> bool {
        match &self.failed {
            Some((at, _)) => now.since(*at) < PAUSE_AFTER_FAILURE,
            None => self.is_within(PAUSE, now),
        }
    }
}

#[cfg(test)]
mod tests;
