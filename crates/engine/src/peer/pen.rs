//! What this server signs with when it asks others.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use scrip_domain::{Clock, Entropy, Timestamp};

use crate::Engine;
use crate::keys::Keys;

/// This server's name, its keys as they are at the moment of signing, the time, and chance.
#[derive(Clone)]
pub struct Pen {
    issuer: String,
    keys: Arc<RwLock<Arc<Keys>>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Pen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pen").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Pen {
    /// The server's own address, under which its keys are found.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The keys, which a rotation may change between two requests.
    pub fn keys(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What no other request has.
    pub fn nonce(&self) -> [u8; 16] {
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce);
        nonce
    }
}

impl Engine {
    /// What requests of this server are signed with. Take it once its address is known.
    pub fn pen(&self) -> Pen {
        Pen {
            issuer: self.public_url.clone(),
            keys: self.keys.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        }
    }
}
