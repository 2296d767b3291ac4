//! Idempotency: a caller's key names what went on record under it.
//!
//! What is kept of a request is small: a number for the key, within the account, and a number for
//! what was asked (method, path and the JSON value, independent of its spelling). The answer itself
//! is rebuilt from the rows that the key names.

use sha2::{Digest, Sha256};

/// A request that is carried out at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// 63 bits of the SHA-256 of the `Idempotency-Key`.
    pub key: u64,
    /// 63 bits of the SHA-256 of method, path and JSON value.
    pub fingerprint: u64,
}

impl Request {
    /// The request that came with `key` and asked for `what` (a canonical rendering of method, path and body).
    pub fn new(key: &str, what: &[u8]) -> Self {
        Self { key: digest63(key.as_bytes()), fingerprint: digest63(what) }
    }
}

fn digest63(bytes: &[u8]) -> u64 {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)) >> 1
}
