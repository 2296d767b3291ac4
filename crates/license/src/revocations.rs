//! What is good no more, signed by the vendor: small, cached, and enough to turn dead codes away offline.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::check::{Reason, reason_of};
use crate::claims::Claims;
use crate::jws::{self, SignError};
use crate::key::{KeySet, SigningKey};
use crate::lease::Lease;

/// The claims of a revocation list. What has ended by itself is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocations {
    /// `iss`: the vendor, as in its codes.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// `iat`: as of when, in Unix seconds. A program that has a list takes none that is older.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// `prd`: the product that it is limited to; absent when it is of all.
    #[serde(rename = "prd", default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// `dead`: licenses by id, with the last issue of their code that is dead, and why.
    #[serde(default)]
    pub dead: BTreeMap<String, (u32, Reason)>,
    /// `ended`: leases and activations that ended before their time, by id.
    #[serde(default)]
    pub ended: BTreeSet<String>,
}

impl Revocations {
    /// The `typ` of revocation lists.
    pub const TYP: &'static str = "scrip-revocations+jwt";

    /// The longest list that is signed or read, in bytes of its compact form: some fifty thousand licenses.
    pub const MAX_LENGTH: usize = 4 << 20;

    /// The list, signed.
    pub fn sign(&self, key: &SigningKey) -> Result<String, SignError> {
        jws::sign_within(Self::MAX_LENGTH, key, Self::TYP, self)
    }

    /// A list that somebody brought. [`Reason::BadSignature`] or [`Reason::UnknownCode`] when it is not to be trusted;
    /// keep the one that you have then, and also when that is newer ([`Revocations::issued_at`]).
    pub fn read(text: &str, keys: &KeySet) -> Result<Self, Reason> {
        jws::verify_within(Self::MAX_LENGTH, text.trim(), Self::TYP, keys)
            .map_err(|error| reason_of(&error))
    }

    /// Why a code is dead; `None` when the list does not say so.
    pub fn reason(&self, code: &Claims) -> Option<Reason> {
        let (last, reason) = self.dead.get(&code.license)?;
        (code.issue()? <= *last).then_some(*reason)
    }

    /// Whether a lease has ended before its time. A list says nothing of what was signed after it: an activation keeps
    /// its name when the machine is activated again.
    pub fn has_ended(&self, lease: &Lease) -> bool {
        lease.issued_at <= self.issued_at && self.ended.contains(&lease.id)
    }

    /// Whether the list speaks of this vendor's product.
    pub fn is_about(&self, issuer: &str, product: &str) -> bool {
        self.issuer == issuer && self.product.as_deref().is_none_or(|only| only == product)
    }
}
