//! Standard Webhooks signatures: `v1,` and the base64 of HMAC-SHA-256 over `id.time.body`.
//!
//! What is told to webhooks is signed so, and what a bureau is asked and answers.

use std::fmt;

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// The header with the name of a message.
pub const ID: &str = "webhook-id";
/// The header with the time of sending, in seconds since 1970.
pub const TIME: &str = "webhook-timestamp";
/// The header with the signatures.
pub const SIGNATURE: &str = "webhook-signature";

/// How many seconds the other side's clock may be from ours.
pub const TOLERANCE: u64 = 300;

/// What the scheme asks of a secret at least.
const SHORTEST: usize = 24;

/// A secret that both sides share.
pub struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// Reads `whsec_…`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Base64::decode_vec(text.strip_prefix("whsec_")?).ok()?;
        (bytes.len() >= SHORTEST).then_some(Self(bytes))
    }

    /// The secret with these bytes.
    pub fn of(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec())
    }

    /// It as `whsec_…`, for who shares it.
    pub fn reveal(&self) -> String {
        format!("whsec_{}", Base64::encode_string(&self.0))
    }

    /// Signs a message.
    pub fn sign(&self, id: &str, time: &str, body: &[u8]) -> String {
        // A key of any length is one (RFC 2104).
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
            mac.update(part);
        }
        format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes()))
    }

    /// Whether one of the signatures, which are divided by spaces, is right.
    pub fn verifies(&self, id: &str, time: &str, body: &[u8], signatures: &str) -> bool {
        let right = self.sign(id, time, body);
        // All are compared, so that the time it takes tells nothing.
        let equal = signatures
            .split(' ')
            .fold(Choice::from(0), |equal, given| equal | given.as_bytes().ct_eq(right.as_bytes()));
        !right.is_empty() && bool::from(equal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification and its libraries.
    #[test]
    fn the_schemes_own_example_is_reproduced() {
        let key = Key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, time) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
        let body = br#"{"test": 2432232314}"#;
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(key.sign(id, time, body), signature);
        assert!(key.verifies(id, time, body, signature));
        assert!(!key.verifies(id, time, b"{}", signature));
        assert!(!key.verifies(id, time, body, ""));
        assert_eq!(key.reveal(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }
}
