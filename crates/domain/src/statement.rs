//! Statements and settlements: what two vendors owe each other for a cycle, and how it is paid.
//!
//! ```text
//! (open: commits belong to it) ──close──▶ closing ──all our commits are answered──▶ closed, told to the partner
//!    closed ──both say the same──▶ agreed ──nothing to pay──▶ settled
//!       └──they differ──▶ disputed ──mended, compared again──▶ agreed
//!    agreed ──the debtor instructs──▶ instructed ──it has gone out──▶ sent ──the creditor has it──▶ settled
//!                    └──────────────────────────────────────────────┴──creditor gives up──▶ written_off
//! ```
//! A cycle is a number that counts up. Either side closes it: then its own next commit belongs to the next number, and as soon as
//! none of its commits in the closed one waits for an answer, it signs what it has booked. The other does the same when it hears of
//! it. What both owe is compared item by item, netted, and rounded towards zero to the currency's smallest unit;
//! what that leaves is carried into the next statement.

use crate::agreement::Agreement;
use crate::amount::{Amount, Money};
use crate::exchange::Exchange;
use crate::id::Id;
use crate::partner::Partner;
use crate::time::Timestamp;
use crate::words;

words! {
    /// Where a statement stands.
    pub enum StatementState {
        /// Commits of ours in this cycle wait for their answers.
        Closing = "closing",
        /// It is signed here, and the partner has not said the same yet.
        Closed = "closed",
        /// Both say the same.
        Agreed = "agreed",
        /// They differ; the items are listed.
        Disputed = "disputed",
        /// The debtor has told its bank.
        Instructed = "instructed",
        /// The money has gone out.
        Sent = "sent",
        /// The creditor has it, or there was nothing to pay.
        Settled = "settled",
        /// The creditor has given up.
        WrittenOff = "written_off",
    }
}

/// What is owed for one cycle, in millionths of the currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its name here.
    pub id: Id<Self>,
    /// With whom.
    pub partner: Id<Partner>,
    /// The cycle.
    pub cycle: u32,
    /// The agreement in force when it was closed.
    pub agreement: Id<Agreement>,
    /// Where it stands.
    pub state: StatementState,
    /// When the cycle began here.
    pub from: Timestamp,
    /// When it was closed here.
    pub to: Timestamp,
    /// What we owe for it, and for how many exchanges.
    pub gross_out: Amount,
    /// How many.
    pub count_out: u64,
    /// The SHA-256 over those, in order.
    pub digest_out: [u8; 32],
    /// What the partner owes for it.
    pub gross_in: Amount,
    /// For how many.
    pub count_in: u64,
    /// The SHA-256 over those.
    pub digest_in: [u8; 32],
    /// What rounding left of the cycle before: above zero we owe it, below the partner does. Millionths.
    pub carried_in: i64,
    /// What rounding leaves of this one.
    pub carried_out: i64,
    /// The net amount in the currency's smallest unit: above zero we pay, below the partner does.
    pub net: i64,
    /// What we have signed.
    pub ours: Option<String>,
    /// What the partner has signed.
    pub theirs: Option<String>,
    /// When both agreed.
    pub agreed_at: Option<Timestamp>,
    /// Until when it is to be paid.
    pub pay_until: Option<Timestamp>,
    /// When something is to be done next.
    pub due_at: Option<Timestamp>,
    /// How often that was tried.
    pub attempts: u32,
}

/// An exchange about which two statements differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of which statement.
    pub statement: Id<Statement>,
    /// Whether it is one that we committed.
    pub ours: bool,
    /// The issuing vendor's name of it.
    pub exchange: Id<Exchange>,
    /// What we have booked for it, in millionths; none: nothing.
    pub here: Option<Amount>,
    /// What the partner says that it has booked.
    pub there: Option<Amount>,
}

words! {
    /// How a statement is paid.
    pub enum SettlementMethod {
        /// Somebody pays, and records it.
        Recorded = "recorded",
        /// A file for a bank (ISO 20022 pain.001.001.09).
        Pain001 = "pain001",
    }
}

words! {
    /// Where a payment between partners stands.
    pub enum SettlementState {
        /// The debtor has told its bank.
        Instructed = "instructed",
        /// The money has gone out.
        Sent = "sent",
        /// The creditor has it.
        Settled = "settled",
        /// The creditor has given up.
        WrittenOff = "written_off",
    }
}

/// The payment of a statement's net amount, kept on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Its name here.
    pub id: Id<Self>,
    /// Of which statement.
    pub statement: Id<Statement>,
    /// With whom.
    pub partner: Id<Partner>,
    /// What it is found by on a bank's statement, the same on both sides (`EndToEndId`): at most 35 characters.
    pub reference: String,
    /// How it is paid; known to the debtor.
    pub method: Option<SettlementMethod>,
    /// Where it stands.
    pub state: SettlementState,
    /// How much.
    pub money: Money,
    /// When it was instructed, or came to be known here.
    pub at: Timestamp,
    /// When it was settled or given up.
    pub ended_at: Option<Timestamp>,
    /// What the creditor has signed that it has it.
    pub receipt: Option<String>,
    /// When the partner is told next.
    pub due_at: Option<Timestamp>,
    /// How often that was tried.
    pub attempts: u32,
}
