//! Events: what happened, one row in the same commit as the thing itself.
//!
//! ```text
//! committed (no place yet) ─▶ published (a place in the order of all events, for good)
//! ```
//! Ids grow with time, but commits overtake each other. So a place is given where nothing overtakes: in the batch
//! by the one writer of a file, elsewhere afterwards, by one publisher at a time. Places have no gaps: who has
//! seen everything up to one has missed nothing.

use crate::account::Account;
use crate::exchange::Exchange;
use crate::id::Id;
use crate::order::Order;
use crate::purchase_request::PurchaseRequest;
use crate::time::Timestamp;
use crate::top_up::TopUp;
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
        /// Tokens were given for a partner's.
        ExchangeCommitted = "exchange.committed",
        /// A partner has issued its tokens for ours, or we ours for its.
        ExchangeFulfilled = "exchange.fulfilled",
        /// What was given for a partner's tokens came back.
        ExchangeReversed = "exchange.reversed",
    }
}

/// What kinds of things events are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// An account.
    Account,
    /// A top-up.
    TopUp,
    /// An order.
    Order,
    /// A purchase request at a provider.
    PurchaseRequest,
    /// An exchange, under the issuing vendor's name of it.
    Exchange,
}

impl Object {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::TopUp => "top_up",
            Self::Order => "order",
            Self::PurchaseRequest => "purchase_request",
            Self::Exchange => "exchange",
        }
    }
}

impl EventType {
    /// What it is about.
    pub const fn object(self) -> Object {
        match self {
            Self::AccountOpened | Self::AutoTopUpStopped => Object::Account,
            Self::TopUpCredited
            | Self::TopUpInReview
            | Self::TopUpDeclined
            | Self::TopUpRefunded
            | Self::TopUpDisputed => Object::TopUp,
            Self::OrderPaid | Self::OrderDeclined | Self::OrderRefunded => Object::Order,
            Self::RequestAuthorized | Self::RequestCaptured | Self::RequestRefunded => {
                Object::PurchaseRequest
            }
            Self::ExchangeCommitted | Self::ExchangeFulfilled | Self::ExchangeReversed => {
                Object::Exchange
            }
        }
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
    /// Its place in the order of all events, from 1 on; none until it is published.
    pub seq: Option<u64>,
}

impl Event {
    /// An event that is committed now.
    pub fn new(
        id: Id<Self>,
        kind: EventType,
        account: Id<Account>,
        subject: Subject,
        at: Timestamp,
    ) -> Self {
        Self { id, kind, account, subject, at, seq: None }
    }

    /// What it is about, as people know it.
    pub fn subject_name(&self) -> String {
        let Subject(number) = self.subject;
        let named = match self.kind.object() {
            Object::Account => Id::<Account>::new(number).map(|id| id.to_string()),
            Object::TopUp => Id::<TopUp>::new(number).map(|id| id.to_string()),
            Object::Order => Id::<Order>::new(number).map(|id| id.to_string()),
            Object::PurchaseRequest => Id::<PurchaseRequest>::new(number).map(|id| id.to_string()),
            Object::Exchange => Id::<Exchange>::new(number).map(|id| id.to_string()),
        };
        named.unwrap_or_default()
    }
}

/// How far events are published: one row, under whose guard places are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Its key: [`Feed::ONLY`].
    pub number: u8,
    /// The last place that was given.
    pub last: u64,
    /// How many webhook endpoints there are.
    pub endpoints: u32,
}

impl Feed {
    /// The key of the only row.
    pub const ONLY: u8 = 1;
}
