//! Is this code good, now, for this product? Answered offline, with a stable reason.
//!
//! ```text
//! not a license code ........ UNKNOWN_CODE     another vendor's ...... UNKNOWN_CODE
//! no known key signed it .... BAD_SIGNATURE    another product's ..... WRONG_PRODUCT
//! before nbf ................ NOT_STARTED      from exp on ........... EXPIRED
//! needs an activation ....... NOT_ACTIVATED    otherwise ............. VALID
//! ```
//!
//! The first that applies is the answer. What only the server knows (revocation, counts, machines) is asked of the
//! server, which answers with the same reasons, or brought as signed papers to [`Offline`](crate::Offline).

use serde::{Deserialize, Serialize};

use crate::claims::{Activation, Claims};
use crate::jws::{self, VerifyError};
use crate::key::KeySet;

/// What the program that asks demands of a code, besides its being genuine.
///
/// `Expect::default()` demands nothing; a sold program should name both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expect<'a> {
    /// The vendor's id, exactly as in the code's `iss`.
    pub issuer: Option<&'a str>,
    /// The product's id, exactly as in the code's `prd`.
    pub product: Option<&'a str>,
}

/// The answer of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    /// [`Reason::Valid`], or why not.
    pub reason: Reason,
    /// What the code says, if it is genuine: good or not, so that a program can tell since when a code
    /// has been expired. `None` exactly for [`Reason::BadSignature`] and [`Reason::UnknownCode`].
    pub claims: Option<Claims>,
}

/// Why a code is good or not: the same names from this crate and from the server, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// The code is good.
    Valid,
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotStarted,
    /// The vendor revoked the license.
    Revoked,
    /// The license has a newer code.
    Superseded,
    /// The license is suspended for the time being.
    Suspended,
    /// The purchase was refunded.
    Refunded,
    /// This machine must be activated first.
    NotActivated,
    /// As many machines as the license allows are active.
    MachineLimit,
    /// All uses are used.
    UsesExhausted,
    /// All processings are used.
    ProcessingsExhausted,
    /// The machine's leave to work offline is over.
    LeaseExpired,
    /// The code is for another product.
    WrongProduct,
    /// The activation or lease is another machine's.
    WrongMachine,
    /// The machine's clock was set back.
    ClockRollback,
    /// No license code, or none that this program or this vendor knows.
    UnknownCode,
    /// Not signed by a known key of the vendor, or changed since.
    BadSignature,
}

/// Checks a code without a network.
///
/// `code` is the JWS form, with or without whitespace around it; a short code needs the server and is
/// [`Reason::UnknownCode`] here. `keys` is the vendor's key set. `now_unix_seconds` is the caller's
/// clock, compared to the second: a code is good from its `nbf` until just before its `exp`.
pub fn check(code: &str, keys: &KeySet, expect: &Expect<'_>, now_unix_seconds: u64) -> Verdict {
    match jws::verify::<Claims>(code.trim(), Claims::TYP, keys) {
        Ok(claims) => Verdict::of(claims, expect, now_unix_seconds),
        Err(error) => Verdict { reason: reason_of(&error), claims: None },
    }
}

impl Verdict {
    /// Whether the code is good.
    pub fn is_valid(&self) -> bool {
        self.reason == Reason::Valid
    }

    fn of(claims: Claims, expect: &Expect<'_>, now: u64) -> Self {
        if expect.issuer.is_some_and(|issuer| issuer != claims.issuer) {
            return Self { reason: Reason::UnknownCode, claims: None };
        }
        let reason = if expect.product.is_some_and(|product| product != claims.product) {
            Reason::WrongProduct
        } else if now < claims.not_before {
            Reason::NotStarted
        } else if claims.expires_at.is_some_and(|end| now >= end) {
            Reason::Expired
        } else if claims.activation == Some(Activation::Required) {
            Reason::NotActivated
        } else {
            Reason::Valid
        };
        Self { reason, claims: Some(claims) }
    }
}

/// What could not be read is unknown; what could be read and was not signed as it says is forged.
pub(crate) fn reason_of(error: &VerifyError) -> Reason {
    match error {
        VerifyError::UnknownKey | VerifyError::Signature => Reason::BadSignature,
        VerifyError::TooLong
        | VerifyError::Form
        | VerifyError::Header
        | VerifyError::Typ
        | VerifyError::Claims(_) => Reason::UnknownCode,
    }
}

impl Reason {
    /// All reasons, in the order of the documentation.
    pub const ALL: [Self; 17] = [
        Self::Valid,
        Self::Expired,
        Self::NotStarted,
        Self::Revoked,
        Self::Superseded,
        Self::Suspended,
        Self::Refunded,
        Self::NotActivated,
        Self::MachineLimit,
        Self::UsesExhausted,
        Self::ProcessingsExhausted,
        Self::LeaseExpired,
        Self::WrongProduct,
        Self::WrongMachine,
        Self::ClockRollback,
        Self::UnknownCode,
        Self::BadSignature,
    ];

    /// The stable name, such as `NOT_ACTIVATED`; the same as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Expired => "EXPIRED",
            Self::NotStarted => "NOT_STARTED",
            Self::Revoked => "REVOKED",
            Self::Superseded => "SUPERSEDED",
            Self::Suspended => "SUSPENDED",
            Self::Refunded => "REFUNDED",
            Self::NotActivated => "NOT_ACTIVATED",
            Self::MachineLimit => "MACHINE_LIMIT",
            Self::UsesExhausted => "USES_EXHAUSTED",
            Self::ProcessingsExhausted => "PROCESSINGS_EXHAUSTED",
            Self::LeaseExpired => "LEASE_EXPIRED",
            Self::WrongProduct => "WRONG_PRODUCT",
            Self::WrongMachine => "WRONG_MACHINE",
            Self::ClockRollback => "CLOCK_ROLLBACK",
            Self::UnknownCode => "UNKNOWN_CODE",
            Self::BadSignature => "BAD_SIGNATURE",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_documentation() {
        let documented = "VALID EXPIRED NOT_STARTED REVOKED SUPERSEDED SUSPENDED REFUNDED \
            NOT_ACTIVATED MACHINE_LIMIT USES_EXHAUSTED PROCESSINGS_EXHAUSTED LEASE_EXPIRED \
            WRONG_PRODUCT WRONG_MACHINE CLOCK_ROLLBACK UNKNOWN_CODE BAD_SIGNATURE";
        assert_eq!(Reason::ALL.map(Reason::as_str).join(" "), documented);
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
