//! Other servers, as far as a test needs them.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use scrip_domain::{Amount, Timestamp};
use scrip_engine::mail::Posted;
use scrip_engine::mail::forward::Forwarded;
use scrip_engine::peer::PeerError;
use scrip_engine::peer::PeerPort;
use scrip_engine::provider::{
    Accepted, Asked, Earned, Moved, Opened, Picture, Provider, Returned, Standing,
};
use scrip_license::{KeySet, PublicKey};
use serde_json::{Value, json};

/// Servers that are there for nothing but their public keys.
#[derive(Debug, Default)]
pub struct KnownServers(BTreeMap<String, Vec<u8>>);

impl KnownServers {
    /// One more server, at `url`, with these keys.
    #[must_use]
    pub fn with(mut self, url: &str, keys: &[PublicKey]) -> Self {
        let address = format!("{url}/.well-known/protocol-jwks.json");
        let keys: KeySet = keys.iter().cloned().collect();
        let discovery = json!({ "protocol_jwks_uri": address });
        self.0.insert(format!("{url}/.well-known/scrip"), discovery.to_string().into_bytes());
        self.0.insert(address, json!(keys).to_string().into_bytes());
        self
    }
}

impl PeerPort for KnownServers {
    fn read<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        ready(self.0.get(url).cloned().ok_or_else(|| "nobody is there".to_owned())).boxed()
    }
}

/// A provider that never answers: nobody knows what arrived.
#[derive(Debug)]
pub struct AbsentProvider(pub &'static str);

fn silence<'a, T: Send + 'a>() -> Asked<'a, T> {
    ready(Err(PeerError::Unanswered("nobody is there".to_owned()))).boxed()
}

impl Provider for AbsentProvider {
    fn url(&self) -> &str {
        self.0
    }

    fn accept<'a>(&'a self, _: &'a str) -> Asked<'a, Accepted> {
        silence()
    }

    fn open<'a>(&'a self, _: &'a str, _: &'a str) -> Asked<'a, Opened> {
        silence()
    }

    fn request<'a>(&'a self, _: &'a str) -> Asked<'a, Picture> {
        silence()
    }

    fn capture<'a>(&'a self, _: &'a str) -> Asked<'a, Picture> {
        silence()
    }

    fn fulfilled<'a>(&'a self, _: &'a str, _: &'a str) -> Asked<'a, Picture> {
        silence()
    }

    fn cancel<'a>(&'a self, _: &'a str) -> Asked<'a, Picture> {
        silence()
    }

    fn refund<'a>(&'a self, _: &'a str, _: &'a str, _: Amount, _: &'a str) -> Asked<'a, Picture> {
        silence()
    }

    fn connect<'a>(&'a self, _: &'a str, _: &'a str) -> Asked<'a, Opened> {
        silence()
    }

    fn events(&self, _: Timestamp, _: u64) -> Asked<'_, Vec<(u64, Option<String>)>> {
        silence()
    }

    fn redeem<'a>(&'a self, _: &'a str) -> Asked<'a, Returned> {
        silence()
    }

    fn standing<'a>(&'a self, _: &'a str) -> Asked<'a, Standing> {
        silence()
    }

    fn forward<'a>(&'a self, _: &'a str, _: &'a Forwarded) -> Asked<'a, Posted> {
        silence()
    }

    fn balance(&self) -> Asked<'_, Earned> {
        silence()
    }

    fn statement(&self) -> Asked<'_, Vec<Moved>> {
        silence()
    }

    fn read<'a>(&'a self, _: &'a str, _: &'a str) -> Asked<'a, Value> {
        silence()
    }
}
