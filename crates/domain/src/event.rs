//! Events: what happened, one row in the same commit as the thing itself.

use crate::account::Account;
use crate::id::Id;
use crate::time::Timestamp;
use crate::words;

words! {
    /// What can happen.
    pub enum EventType {
        /// An account was opened.
        AccountOpened = "account.opened",
        /// A top-up brought tokens.
        TopUpCredited = "top_up.credited",
        /// A top-up waits for a person to look at it.
        TopUpInReview = "top_up.in_review",
        /// A top-up was declined.
        TopUpDeclined = "top_up.declined",
        /// Money of a top-up went back.
        TopUpRefunded = "top_up.refunded",
        /// A buyer's bank disputes a top-up, or has decided.
        TopUpDisputed = "top_up.disputed",
        /// Automatic top-ups of an account were stopped.
        AutoTopUpStopped = "auto_top_up.stopped",
        /// An order was paid and delivered.
        OrderPaid = "order.paid",
        /// An order was declined.
        OrderDeclined = "order.declined",
        /// Tokens of an order went back.
        OrderRefunded = "order.refunded",
        /// A buyer confirmed a merchant's offer.
        RequestAuthorized = "purchase_request.authorized",
        /// A merchant took what was held for it.
        RequestCaptured = "purchase_request.captured",
        /// Tokens of a merchant's order went back.
        RequestRefunded = "purchase_request.refunded",
    }
}

/// The thing that a row is about: the number of an order, a top-up, an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject(pub u64);

impl<T> From<Id<T>> for Subject {
    fn from(id: Id<T>) -> Self {
        Self(id.number())
    }
}

/// One thing that happened to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name; grows with time.
    pub id: Id<Self>,
    /// What happened.
    pub kind: EventType,
    /// To whom.
    pub account: Id<Account>,
    /// What it is about.
    pub subject: Subject,
    /// When.
    pub at: Timestamp,
}
