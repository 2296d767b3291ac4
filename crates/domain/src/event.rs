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
use crate::license::License;
use crate::order::Order;
use crate::purchase_request::PurchaseRequest;
use crate::refund_request::RefundRequest;
use crate::statement::Statement;
use crate::time::Timestamp;
use crate::top_up::TopUp;
use crate::words;

words! {
    /// What can happen.
    pub enum EventType {
        /// An account was opened.
        AccountOpened = "account.opened",
        /// An account was frozen, by the vendor or by a dispute.
        AccountFrozen = "account.frozen",
        /// It is frozen no more.
        AccountThawed = "account.thawed",
        /// An account was erased.
        AccountErased = "account.erased",
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
        /// A buyer asks for a refund, and the vendor is to decide.
        RefundRequestOpened = "refund_request.opened",
        /// What a buyer asked for went back.
        RefundRequestAccepted = "refund_request.accepted",
        /// Nothing goes back for what a buyer asked for.
        RefundRequestDeclined = "refund_request.declined",
        /// A buyer confirmed a merchant's offer.
        RequestAuthorized = "purchase_request.authorized",
        /// A merchant took what was held for it.
        RequestCaptured = "purchase_request.captured",
        /// Tokens of a merchant's order went back.
        RequestRefunded = "purchase_request.refunded",
        /// Two vendors say the same of what they owe each other for a cycle.
        SettlementAgreed = "settlement.agreed",
        /// That is not paid, though its day has passed.
        SettlementOverdue = "settlement.overdue",
        /// It is paid, or there was nothing to pay.
        SettlementSettled = "settlement.settled",
        /// Tokens were given for a partner's.
        ExchangeCommitted = "exchange.committed",
        /// A partner has issued its tokens for ours, or we ours for its.
        ExchangeFulfilled = "exchange.fulfilled",
        /// What was given for a partner's tokens came back.
        ExchangeReversed = "exchange.reversed",
        /// It became its buyer's: its order is paid, and its code is out.
        LicenseIssued = "license.issued",
        /// A machine was activated.
        LicenseActivated = "license.activated",
        /// The last use or processing was taken.
        LicenseExhausted = "license.exhausted",
        /// A license ends soon.
        LicenseExpiring = "license.expiring",
        /// Its code was issued again.
        LicenseReissued = "license.reissued",
        /// It is not in force for the time being.
        LicenseSuspended = "license.suspended",
        /// It is in force again.
        LicenseResumed = "license.resumed",
        /// The vendor took it back.
        LicenseRevoked = "license.revoked",
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
    /// A buyer's request for a refund.
    RefundRequest,
    /// A purchase request at a provider.
    PurchaseRequest,
    /// What two vendors owe each other for a cycle.
    Statement,
    /// An exchange, under the issuing vendor's name of it.
    Exchange,
    /// A license.
    License,
}

impl Object {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::TopUp => "top_up",
            Self::Order => "order",
            Self::RefundRequest => "refund_request",
            Self::PurchaseRequest => "purchase_request",
            Self::Statement => "statement",
            Self::Exchange => "exchange",
            Self::License => "license",
        }
    }
}

impl EventType {
    /// What it is about.
    pub const fn object(self) -> Object {
        match self {
            Self::AccountOpened
            | Self::AccountFrozen
            | Self::AccountThawed
            | Self::AccountErased
            | Self::AutoTopUpStopped => Object::Account,
            Self::TopUpCredited
            | Self::TopUpInReview
            | Self::TopUpDeclined
            | Self::TopUpRefunded
            | Self::TopUpDisputed => Object::TopUp,
            Self::OrderPaid | Self::OrderDeclined | Self::OrderRefunded => Object::Order,
            Self::RefundRequestOpened
            | Self::RefundRequestAccepted
            | Self::RefundRequestDeclined => Object::RefundRequest,
            Self::RequestAuthorized | Self::RequestCaptured | Self::RequestRefunded => {
                Object::PurchaseRequest
            }
            Self::SettlementAgreed | Self::SettlementOverdue | Self::SettlementSettled => {
                Object::Statement
            }
            Self::ExchangeCommitted | Self::ExchangeFulfilled | Self::ExchangeReversed => {
                Object::Exchange
            }
            Self::LicenseIssued
            | Self::LicenseActivated
            | Self::LicenseExhausted
            | Self::LicenseExpiring
            | Self::LicenseReissued
            | Self::LicenseSuspended
            | Self::LicenseResumed
            | Self::LicenseRevoked => Object::License,
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

/// One thing that happened to an account, or to the vendor alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name; grows with time.
    pub id: Id<Self>,
    /// What happened.
    pub kind: EventType,
    /// To whom; see [`Event::owner`].
    pub account: Id<Account>,
    /// What it is about.
    pub subject: Subject,
    /// When.
    pub at: Timestamp,
    /// Its place in the order of all events, from 1 on; none until it is published.
    pub seq: Option<u64>,
}

/// Whose events are the vendor's own. No account is ever called so: ids are minted from the year 2026 on.
const NOBODY: Id<Account> = Id::ZERO;

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

    /// An event that is the vendor's own and no account's.
    pub fn of_vendor(id: Id<Self>, kind: EventType, subject: Subject, at: Timestamp) -> Self {
        Self::new(id, kind, NOBODY, subject, at)
    }

    /// Whose it is; nobody's but the vendor's without.
    pub fn owner(&self) -> Option<Id<Account>> {
        Some(self.account).filter(|account| *account != NOBODY)
    }

    /// What it is about, as people know it.
    pub fn subject_name(&self) -> String {
        let Subject(number) = self.subject;
        let named = match self.kind.object() {
            Object::Account => Id::<Account>::new(number).map(|id| id.to_string()),
            Object::TopUp => Id::<TopUp>::new(number).map(|id| id.to_string()),
            Object::Order => Id::<Order>::new(number).map(|id| id.to_string()),
            Object::RefundRequest => Id::<RefundRequest>::new(number).map(|id| id.to_string()),
            Object::PurchaseRequest => Id::<PurchaseRequest>::new(number).map(|id| id.to_string()),
            Object::Statement => Id::<Statement>::new(number).map(|id| id.to_string()),
            Object::Exchange => Id::<Exchange>::new(number).map(|id| id.to_string()),
            Object::License => Id::<License>::new(number).map(|id| id.to_string()),
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
