//! Restores: what a server that went back to a backup has to hear from others before it goes on.
//!
//! ```text
//! restore ─▶ a new epoch, and a reunion with each peer:
//!            asking ──all it has signed since is booked or listed──▶ reconciled
//!              ├──administrator──▶ skipped
//!              └──restored once more──▶ superseded
//!            reconciled, skipped ──administrator──▶ asking: from the beginning, once what the books lacked is mended
//! ```
//! A server whose reunions are all over is one like any other. What a peer has and the books cannot take stands in a
//! discrepancy: with its amount, for people.

use crate::amount::Amount;
use crate::id::Id;
use crate::time::{Span, Timestamp};
use crate::words;

/// What was written so long before a backup can be missing in it: other servers' clocks, and what was under way.
pub const MARGIN: Span = Span::hours(1);

/// The epoch of a server that was never restored.
pub const FIRST_EPOCH: u32 = 1;

/// A restore. Servers that were never restored have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its number, from two on.
    pub number: u32,
    /// What peers did from then on may be missing in the books.
    pub since: Timestamp,
    /// When the server was restored.
    pub at: Timestamp,
}

words! {
    /// What a peer is to the server that was restored.
    pub enum PeerKind {
        /// It sells, and its buyers' wallets are here.
        Merchant = "merchant",
        /// It keeps the wallets of the buyers here.
        Provider = "provider",
        /// It exchanges its tokens for ours.
        Partner = "partner",
    }
}

words! {
    /// How far a peer was asked.
    pub enum ReunionState {
        /// It has not told everything yet.
        Asking = "asking",
        /// What it told is booked or listed.
        Reconciled = "reconciled",
        /// An administrator goes on without it.
        Skipped = "skipped",
        /// A later restore asks it again.
        Superseded = "superseded",
    }
}

/// What was heard of one peer after a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reunion {
    /// After which restore.
    pub epoch: u32,
    /// The address of the peer.
    pub peer: String,
    /// What it is to us.
    pub kind: PeerKind,
    /// How far it was asked.
    pub state: ReunionState,
    /// Where its next page begins, in its own words; empty at the beginning.
    pub place: String,
    /// How many purchases and exchanges were booked by what it told.
    pub booked: u32,
    /// How many were listed, because the books cannot take them.
    pub listed: u32,
    /// Since its last answer it was asked so often.
    pub attempts: u32,
    /// When it is asked next; none when it is not asked any more.
    pub due_at: Option<Timestamp>,
    /// Why it has not answered last time.
    pub trouble: Option<String>,
    /// When it was reconciled or skipped.
    pub ended_at: Option<Timestamp>,
}

impl Reunion {
    /// One that begins.
    pub fn begin(epoch: u32, peer: String, kind: PeerKind, at: Timestamp) -> Self {
        Self {
            epoch,
            peer,
            kind,
            state: ReunionState::Asking,
            place: String::new(),
            booked: 0,
            listed: 0,
            attempts: 0,
            due_at: Some(at),
            trouble: None,
            ended_at: None,
        }
    }

    /// The same at its end.
    #[must_use]
    pub fn ended(&self, state: ReunionState, at: Timestamp) -> Self {
        Self { state, due_at: None, trouble: None, ended_at: Some(at), ..self.clone() }
    }

    /// The same, asked from the beginning once more.
    #[must_use]
    pub fn again(&self, at: Timestamp) -> Self {
        let begun = Self::begin(self.epoch, self.peer.clone(), self.kind, at);
        Self { booked: self.booked, listed: self.listed, ..begun }
    }

    /// How long to wait after so many questions without an answer.
    pub fn pause(attempts: u32) -> Span {
        match attempts {
            0..=2 => Span::seconds(2),
            3..=5 => Span::seconds(10),
            6..=20 => Span::minutes(1),
            _ => Span::minutes(5),
        }
    }
}

words! {
    /// Why something that a peer has signed proof of is not in the books.
    pub enum Lack {
        /// The buyer's account was opened after the backup.
        Buyer = "unknown_buyer",
        /// The buyer's wallet holds less than was taken.
        Funds = "insufficient_funds",
        /// Signed by a key that is not in the backup: one that was made later, or somebody else's.
        Key = "key_lost",
        /// The books say otherwise, or the documents do not fit each other.
        Conflict = "conflict",
        /// An order that was captured after the backup, and is unknown here: the provider gives it back at its deadline.
        Order = "unknown_order",
        /// An order that was paid after the backup: its buyer has a code that is unknown here.
        Code = "code_lost",
        /// An exchange of a buyer whose link to the account at the partner is not in the books.
        Link = "unknown_link",
        /// What both had signed for a cycle is not what the books give.
        Statement = "statement_differs",
        /// A payment between partners was under way after the backup.
        Payment = "payment_unclear",
    }
}

/// What a peer has signed proof of, and the books could not take: for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    /// Whose proof it is.
    pub peer: String,
    /// The provider's name of the purchase; the issuing vendor's of an exchange; or of a cycle, or an agreement, with a partner.
    pub name: String,
    /// Its own name; grows with time.
    pub id: Id<Self>,
    /// After which restore it was found.
    pub epoch: u32,
    /// The merchant's name of the order; empty where there is none.
    pub order: String,
    /// Why it is not in the books.
    pub lack: Lack,
    /// What is at stake, in tokens.
    pub amount: Amount,
    /// The same in a sentence.
    pub detail: String,
    /// When it was found.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_does_not_answer_is_asked_more_seldom_and_for_ever() {
        let pauses: Vec<i64> = (0..40).map(|n| Reunion::pause(n).as_millis()).collect();
        assert!(pauses.is_sorted());
        assert_eq!(pauses.last(), Some(&300_000));
    }

    #[test]
    fn a_reunion_that_is_over_is_due_no_more() {
        let at = Timestamp::from_millis(5);
        let begun = Reunion::begin(2, "https://shop.example".into(), PeerKind::Merchant, at);
        assert_eq!((begun.due_at, begun.ended_at), (Some(at), None));
        let over = begun.ended(ReunionState::Skipped, at);
        assert_eq!((over.due_at, over.ended_at), (None, Some(at)));
    }
}
