//! Leave to work offline: what a server signs for one machine.
//!
//! A lease says that a license may be used on a machine until a time, and how many of its uses or processings were
//! set apart for that. Its [`Lease::TYP`] keeps it from being taken for a code. An activation is answered with one
//! that has no units.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::claims::{Digest, Unit};
use crate::jws::{self, SignError};
use crate::key::SigningKey;

/// The claims of a lease. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// `iss`: the vendor, as in the code.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// `jti`: this lease, `lea_...`, or the activation that it comes with, `act_...`.
    #[serde(rename = "jti")]
    pub id: String,
    /// `lic`: the license.
    #[serde(rename = "lic")]
    pub license: String,
    /// `prd`: the product.
    #[serde(rename = "prd")]
    pub product: String,
    /// `mac`: the machine, as [`machine`] names it.
    #[serde(rename = "mac")]
    pub machine: Digest,
    /// `iat`: when it was signed. The machine's clock is never earlier than this.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// `exp`: the second from which on it is no longer good.
    #[serde(rename = "exp")]
    pub expires_at: u64,
    /// `cnt`: how many uses or processings it has; absent when it is for a time only.
    #[serde(rename = "cnt", default, skip_serializing_if = "Option::is_none")]
    pub units: Option<u64>,
    /// `unit`: what is processed, where the offer has a name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

impl Lease {
    /// The `typ` of leases.
    pub const TYP: &'static str = "scrip-lease+jwt";

    /// The lease, signed.
    pub fn sign(&self, key: &SigningKey) -> Result<String, SignError> {
        jws::sign(key, Self::TYP, self)
    }
}

/// The name of a machine: the SHA-256 of `scrip machine`, a line feed, and whatever the sold program takes for the
/// machine's fingerprint. Servers keep this and never the fingerprint itself.
pub fn machine(fingerprint: &str) -> Digest {
    let mut hash = Sha256::new_with_prefix(b"scrip machine\n");
    hash.update(fingerprint.as_bytes());
    Digest(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lease_has_this_form() {
        let lease = Lease {
            issuer: "https://shop.example".into(),
            id: "lea_06bq3v8k2m9zc".into(),
            license: "lic_06bq3v8k2m9zc".into(),
            product: "prd_06bq3v8k2m9z0".into(),
            machine: machine("the one under my desk"),
            issued_at: 1_795_000_000,
            expires_at: 1_795_086_400,
            units: Some(500),
            unit: Some("images".parse().unwrap()),
        };
        let expected = json!({
            "iss": "https://shop.example", "jti": "lea_06bq3v8k2m9zc", "lic": "lic_06bq3v8k2m9zc",
            "prd": "prd_06bq3v8k2m9z0",
            // printf 'scrip machine\nthe one under my desk' | sha256sum
            "mac": "0e23321f74fc53e29cf54054d8999729c48b7f84cf114c57faa876b7bd14b5b9",
            "iat": 1_795_000_000, "exp": 1_795_086_400, "cnt": 500, "unit": "images",
        });
        assert_eq!(serde_json::to_value(&lease).unwrap(), expected);
        let plain = Lease { units: None, unit: None, ..lease };
        let plain = serde_json::to_value(plain).unwrap();
        assert!(plain.get("cnt").is_none() && plain.get("unit").is_none());
    }
}
