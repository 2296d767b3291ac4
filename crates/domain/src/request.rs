//! Idempotency: a caller's key names what went on record under it.
//!
//! What is kept of a request is small: a number for the key, within the account, and a number for
//! what was asked (method, path and the JSON value, independent of its spelling). The answer itself
//! is rebuilt from the rows that the key names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A request that is carried out at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// 63 bits of the SHA-256 of the `Idempotency-Key`.
    pub key: u64,
    /// 63 bits of the SHA-256 of method, path and JSON value.
    pub fingerprint: u64,
    /// The name of this one try: what a replay repeats of the first answer's problem.
    pub id: RequestId,
}

impl Request {
    /// The request that came with `key` and asked for `what` (a canonical rendering of method, path and body).
    pub fn new(key: &str, what: &[u8], id: RequestId) -> Self {
        Self { key: digest63(key.as_bytes()), fingerprint: digest63(what), id }
    }
}

/// The name of one request: on its answer, in the log, and with what it put on record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestId(u64);

impl RequestId {
    /// No request.
    pub const NONE: Self = Self(0);

    /// A name made of chance; 63 bits of it, so that every database holds it as a number.
    pub const fn of_chance(bits: u64) -> Self {
        Self(bits >> 1)
    }

    /// The name with this number; `None` above 63 bits.
    pub const fn new(number: u64) -> Option<Self> {
        if number <= u64::MAX >> 1 { Some(Self(number)) } else { None }
    }

    /// The bare number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "req_{:016x}", self.0)
    }
}

impl FromStr for RequestId {
    type Err = NotARequestId;

    fn from_str(text: &str) -> Result<Self, NotARequestId> {
        let digits = text.strip_prefix("req_").filter(|digits| digits.len() == 16);
        let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        number.and_then(Self::new).ok_or(NotARequestId)
    }
}

/// The text is no request's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a request")]
pub struct NotARequestId;

impl Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn digest63(bytes: &[u8]) -> u64 {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_names_round_trip_through_text() {
        let name = RequestId::of_chance(u64::MAX);
        assert_eq!(name.to_string(), "req_7fffffffffffffff");
        assert_eq!(name.to_string().parse(), Ok(name));
        for bad in ["", "req_", "req_ffffffffffffffff", "req_1", "ord_7fffffffffffffff"] {
            assert_eq!(bad.parse::<RequestId>(), Err(NotARequestId), "{bad}");
        }
    }
}
