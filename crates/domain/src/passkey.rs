//! Passkeys: keys that somebody's device keeps, and uses once it has recognized who holds it (W3C Web Authentication,
//! Level 3). One of them signs in without the password and without a code of the second factor: it is both.
//!
//! ```text
//! none ──password, and a code where there is one; the device makes a key──▶ kept ──answers a challenge──▶ a session
//!                                                                            └─ removed, or a new password by mail ─▶ none
//! ```
//! Nothing secret is kept of them. A challenge is answered once, because each answer is for a later one than the last.

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::time::Timestamp;

/// How many an account has at most.
pub const PASSKEYS: usize = 10;

/// A passkey of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// Its name here.
    pub id: Id<Passkey>,
    /// What its owner calls it.
    pub name: String,
    /// What the device calls it, in base64url.
    pub credential: String,
    /// What proves its signatures.
    pub key: PublicKey,
    /// How often the device said that it has signed; zero where it does not count.
    pub counter: u32,
    /// Whether it is kept by more than one device.
    pub synced: bool,
    /// When the latest challenge was given out that it has answered, if it has answered one.
    pub asked_at: Option<Timestamp>,
    /// Since when it is kept.
    pub created_at: Timestamp,
    /// When it signed in last.
    pub used_at: Option<Timestamp>,
}

/// A public key as a JSON Web Key has it (RFC 7517, RFC 8037): numbers in base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicKey {
    /// ECDSA on P-256 with SHA-256: what nearly every device has.
    #[serde(rename = "EC")]
    P256 {
        /// A point.
        x: String,
        /// Its other half.
        y: String,
    },
    /// Ed25519.
    #[serde(rename = "OKP")]
    Ed25519 {
        /// The key.
        x: String,
    },
    /// RSA with SHA-256 (PKCS #1, version 1.5): what older computers have.
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
}

/// What a device said beside its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// How often it has signed.
    pub counter: u32,
    /// Whether more than one device keeps the key.
    pub synced: bool,
}

impl Passkey {
    /// As it is once it has answered, at `at`, the challenge of `asked_at`; `None` when it has answered that one or a later
    /// one before, or when its count went back, for then there are two of it (section 6.1.1).
    pub fn answered(&self, asked_at: Timestamp, said: Said, at: Timestamp) -> Option<Self> {
        let counts = said.counter > 0 || self.counter > 0;
        let alone = !counts || said.counter > self.counter;
        let (asked_at, Said { counter, synced }) = (Some(asked_at), said);
        let after = Self { counter, synced, asked_at, used_at: Some(at), ..self.clone() };
        (alone && asked_at > self.asked_at).then_some(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passkey(counter: u32) -> Passkey {
        Passkey {
            id: Id::new(7).unwrap(),
            name: "Phone".into(),
            credential: "AQ".into(),
            key: PublicKey::Ed25519 { x: "AA".into() },
            counter,
            synced: false,
            asked_at: Some(Timestamp::from_millis(1000)),
            created_at: Timestamp::from_millis(1500),
            used_at: None,
        }
    }

    fn answered(passkey: &Passkey, asked: i64, counter: u32) -> Option<Passkey> {
        let said = Said { counter, synced: true };
        passkey.answered(Timestamp::from_millis(asked), said, Timestamp::from_millis(3000))
    }

    #[test]
    fn a_challenge_is_answered_once() {
        let fresh = passkey(0);
        let after = answered(&fresh, 2000, 0).unwrap();
        assert_eq!(after.used_at, Some(Timestamp::from_millis(3000)));
        assert!(after.synced);
        assert_eq!(answered(&after, 2000, 0), None, "it was answered");
        assert_eq!(answered(&after, 1999, 0), None, "and so is whatever was given out before it");
        assert!(answered(&after, 2001, 0).is_some());
    }

    #[test]
    fn a_count_that_goes_back_is_refused() {
        assert!(answered(&passkey(0), 2000, 5).is_some(), "it begins to count");
        assert!(answered(&passkey(5), 2000, 6).is_some());
        for counter in [5, 4, 0] {
            assert_eq!(answered(&passkey(5), 2000, counter), None, "{counter}");
        }
    }

    #[test]
    fn it_is_written_as_a_json_web_key_has_it() {
        let written = serde_json::to_value(passkey(0)).unwrap();
        assert_eq!(written["key"], serde_json::json!({ "kty": "OKP", "x": "AA" }));
        assert_eq!(serde_json::from_value::<Passkey>(written).unwrap(), passkey(0));
    }
}
