//! Seals: what the server gives out and takes back unchanged, and believes for a while.
//!
//! Download tickets, list cursors and kept selections are sealed: readable, but not writable, and
//! each only good for its purpose.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::Engine;
use crate::keys::mac;

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    #[serde(rename = "v")]
    value: T,
    #[serde(rename = "x")]
    expires_at: i64,
}

/// Bytes of the MAC that are kept.
const MAC: usize = 16;

impl Engine {
    /// `value`, sealed for `purpose` until `expires_at`.
    pub fn seal(&self, purpose: &str, value: &impl Serialize, expires_at: Timestamp) -> String {
        let sealed = Sealed { value, expires_at: expires_at.millis() };
        // Plain data with string keys: serialization cannot fail.
        let mut bytes = serde_json::to_vec(&sealed).unwrap_or_default();
        let tag = self.tag(purpose, &bytes);
        bytes.extend_from_slice(&tag);
        Base64UrlUnpadded::encode_string(&bytes)
    }

    /// What was sealed for `purpose`; `None` when it was not, or has expired.
    pub fn unseal<T: DeserializeOwned>(&self, purpose: &str, sealed: &str) -> Option<T> {
        let (value, expires_at) = self.unseal_any_age(purpose, sealed)?;
        (self.now() < expires_at).then_some(value)
    }

    /// What was sealed for `purpose`, and until when it was good.
    pub(crate) fn unseal_any_age<T: DeserializeOwned>(
        &self,
        purpose: &str,
        sealed: &str,
    ) -> Option<(T, Timestamp)> {
        let bytes = Base64UrlUnpadded::decode_vec(sealed).ok()?;
        let (body, tag) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
        if !bool::from(self.tag(purpose, body).as_slice().ct_eq(tag)) {
            return None;
        }
        let sealed: Sealed<T> = serde_json::from_slice(body).ok()?;
        Some((sealed.value, Timestamp::from_millis(sealed.expires_at)))
    }

    fn tag(&self, purpose: &str, body: &[u8]) -> Vec<u8> {
        let mut message = Vec::with_capacity(purpose.len().saturating_add(body.len()));
        message.extend_from_slice(purpose.as_bytes());
        message.push(0);
        message.extend_from_slice(body);
        mac(self.keys().seal_secret(), &message).into_iter().take(MAC).collect()
    }
}
