//! Identities: who a provider's buyers are at a merchant.
//!
//! ```text
//! (nothing) ──confirmed a purchase, or signed in through the provider──▶ (issuer, subject) is an account here
//! ```
//! The provider names a buyer to each merchant by another subject, so that no two merchants can compare. The account that it
//! stands for has no address, no password and no tokens: all of that is the provider's.

use crate::account::Account;
use crate::id::Id;
use crate::time::{Span, Timestamp};

/// How long a merchant believes what a buyer shares of their balance.
pub const BELIEVED: Span = Span::seconds(60);

/// A buyer of a provider, and the account that they have here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider's address.
    pub issuer: String,
    /// The provider's name of the buyer, for this merchant only.
    pub subject: String,
    /// Their account here.
    pub account: Id<Account>,
    /// Whether the balance was at or above the threshold; none where the buyer does not share it.
    pub funded: Option<bool>,
    /// When that was heard; none where it never was.
    pub heard_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl Identity {
    /// Whether what is shared is too old to be believed at `at`.
    pub fn is_stale(&self, at: Timestamp) -> bool {
        self.heard_at.is_none_or(|heard| at >= heard.plus(BELIEVED) || at < heard)
    }
}

/// A sign-in through the provider that was begun: here a name only, the key under which the provider opens it once. What
/// comes of it comes with the buyer, and whoever does not come back has left nothing behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection;

/// A visitor's order, by the key with which it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// 63 bits of the SHA-256 of where the visitor came from and of the `Idempotency-Key`.
    pub key: u64,
    /// What was asked.
    pub fingerprint: u64,
    /// The order.
    pub order: Id<crate::order::Order>,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_believed_for_a_minute() {
        let noon = Timestamp::from_millis(1_795_348_800_000);
        let heard = |heard_at| Identity {
            issuer: "https://pay.example".into(),
            subject: "s".into(),
            account: Id::new(1).unwrap(),
            funded: Some(true),
            heard_at,
            created_at: noon,
        };
        let end = noon.plus(BELIEVED);
        assert!(!heard(Some(noon)).is_stale(end.minus(Span::millis(1))));
        assert!(heard(Some(noon)).is_stale(end));
        assert!(heard(None).is_stale(noon));
        assert!(heard(Some(end)).is_stale(noon), "the clock went back");
    }
}
