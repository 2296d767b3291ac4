//! Refund requests: a buyer asks for the tokens of an order's line back, and the vendor decides.
//!
//! ```text
//! asked ──the policy covers it, and grants at once──▶ accepted
//!   └───▶ open ──staff accepts, or all of the line went back anyhow──▶ accepted
//!           └────staff declines, with a word to the buyer────────────▶ declined
//! ```
//! It is accepted in the commit that gives back, and never without one; so an open request's line has something left to
//! give. Of a line one request is open at a time. After a decline the buyer may ask once more.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::id::Id;
use crate::order::{Line, Order};
use crate::refund::Refund;
use crate::time::{Span, Timestamp};
use crate::words;

/// The most characters of a buyer's reason, and of the word with which staff declines.
pub const WORDS: usize = 500;
/// The longest time, in days, within which a policy gives back.
pub const MOST_DAYS: u32 = 3650;

words! {
    /// Where a request stands.
    pub enum RefundRequestState {
        /// It waits for the vendor.
        Open = "open",
        /// The tokens went back.
        Accepted = "accepted",
        /// The vendor gives nothing back for it.
        Declined = "declined",
    }
}

/// What the vendor promises to buyers who want their tokens back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundPolicy {
    /// Within so many days of the payment; zero for no promise at all.
    pub days: u32,
    /// Whether also what was downloaded, activated or used.
    pub opened: bool,
}

impl Default for RefundPolicy {
    /// Two weeks, of what was never opened.
    fn default() -> Self {
        Self { days: 14, opened: false }
    }
}

impl RefundPolicy {
    /// Whether it covers, at `at`, what was paid at `paid_at`, and was or was not opened since.
    pub fn covers(self, paid_at: Timestamp, opened: bool, at: Timestamp) -> bool {
        at <= paid_at.plus(Span::days(self.days)) && self.days > 0 && (self.opened || !opened)
    }
}

/// A wish for the tokens of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// Of which order.
    pub order: Id<Order>,
    /// Its name; grows with time.
    pub id: Id<Self>,
    /// Of which line.
    pub line: Id<Line>,
    /// Whose wish it is.
    pub account: Id<Account>,
    /// Where it stands.
    pub state: RefundRequestState,
    /// Whether the policy of the order covered it when it was asked.
    pub covered: bool,
    /// Why, in the buyer's words.
    pub reason: String,
    /// What the vendor said with a decline.
    pub word: Option<String>,
    /// What gave back, once something has.
    pub refund: Option<Id<Refund>>,
    /// When it was asked.
    pub at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
}

impl RefundRequest {
    /// Whether it waits for the vendor.
    pub fn is_open(&self) -> bool {
        self.state == RefundRequestState::Open
    }

    /// As it is once `refund` has given back.
    #[must_use]
    pub fn accepted(self, refund: Id<Refund>, at: Timestamp) -> Self {
        let (state, refund, decided_at) = (RefundRequestState::Accepted, Some(refund), Some(at));
        Self { state, refund, decided_at, ..self }
    }

    /// As it is once staff has declined it.
    #[must_use]
    pub fn declined(self, word: String, at: Timestamp) -> Self {
        let (state, word, decided_at) = (RefundRequestState::Declined, Some(word), Some(at));
        Self { state, word, decided_at, ..self }
    }

    /// As it was when it was asked, where what is granted at once is granted in the same commit: what was decided later is
    /// not in the first answer.
    #[must_use]
    pub fn as_asked(self) -> Self {
        if self.decided_at == Some(self.at) { self } else { self.undecided() }
    }

    /// As it was before it was decided.
    #[must_use]
    pub fn undecided(self) -> Self {
        let state = RefundRequestState::Open;
        Self { state, word: None, refund: None, decided_at: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_covers_to_the_last_moment_and_not_beyond() {
        let paid = Timestamp::from_millis(1_000);
        let end = paid.plus(Span::days(14));
        let policy = RefundPolicy::default();
        assert!(policy.covers(paid, false, paid) && policy.covers(paid, false, end));
        assert!(!policy.covers(paid, false, end.plus(Span::millis(1))), "a moment later");
        assert!(!policy.covers(paid, true, paid), "it was opened");
        let generous = RefundPolicy { opened: true, ..policy };
        assert!(generous.covers(paid, true, end));
        let none = RefundPolicy { days: 0, opened: true };
        assert!(!none.covers(paid, false, paid), "nothing is promised, not even at once");
    }

    #[test]
    fn a_request_is_told_as_it_was_asked() {
        let at = Timestamp::from_millis(5);
        let asked = RefundRequest {
            order: Id::ZERO,
            id: Id::ZERO,
            line: Id::ZERO,
            account: Id::ZERO,
            state: RefundRequestState::Open,
            covered: true,
            reason: "does not start".into(),
            word: None,
            refund: None,
            at,
            decided_at: None,
        };
        let later = at.plus(Span::millis(1));
        assert_eq!(asked.clone().declined("no".into(), later).as_asked(), asked);
        assert_eq!(asked.clone().accepted(Id::ZERO, later).as_asked(), asked);
        let at_once = asked.accepted(Id::ZERO, at);
        assert_eq!(at_once.clone().as_asked(), at_once, "granted in the first answer");
        assert_eq!(at_once.undecided().state, RefundRequestState::Open);
    }
}
