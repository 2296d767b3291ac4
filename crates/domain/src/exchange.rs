//! Exchanges: a buyer turns tokens of one vendor into tokens of another.
//!
//! At the *issuing* vendor, whose tokens are given:
//! ```text
//! reserved ──prepared there──▶ prepared ──▶ committed ──signed: fulfilled──▶ fulfilled
//!   ├─refused there─▶ refused      │           ├─signed: late or rejected──▶ reversed
//!   └─time───────────▶ expired ◀───┘           └─30 days of silence, staff─▶ written_off ──its answer──▶ (the same, noted)
//! ```
//! At the *honouring* vendor, which issues its own tokens for them:
//! ```text
//! prepared ──commit in time──▶ fulfilled
//!    ├──commit too late, or after a cancel──▶ late
//!    ├──time, cancel──▶ lapsed ──a commit comes all the same──▶ late
//! (a commit of which nothing is known here) ──▶ rejected
//! ```
//! The commit at the issuing vendor is the one decision: held tokens are retired and the compensation is booked in that
//! transaction. `fulfilled`, `late` and `rejected` are signed, kept for ever, and given again to whoever asks again; so a
//! commit is repeated until there is one of them, and only the last two reverse it. No clock of one server is compared
//! with a clock of the other: each counts from what it did itself.

use crate::account::Account;
use crate::agreement::{Agreement, Figures};
use crate::amount::Amount;
use crate::hold::Hold;
use crate::id::Id;
use crate::ledger::Transfer;
use crate::partner::Partner;
use crate::time::{Span, Timestamp};
use crate::words;

/// For how long a quote is good, from when it was asked for.
pub const QUOTE: Span = Span::seconds(60);
/// For how long after its beginning an exchange can be committed.
pub const COMMIT_WITHIN: Span = Span::seconds(120);
/// For how long the honouring vendor keeps what it has prepared: longer than the commit can take to be decided, so that it
/// has a minute to arrive.
pub const PREPARED: Span = Span::seconds(180);
/// For how long the tokens are held at most: longer than anybody can commit.
pub const HOLD: Span = Span::seconds(300);
/// After how long without any answer a commit may be written off.
pub const SILENCE: Span = Span::days(30);

/// A partner's firm offer to a buyer, kept where it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeQuote {
    /// Its name here.
    pub id: Id<Self>,
    /// Who asked.
    pub account: Id<Account>,
    /// Who offers.
    pub partner: Id<Partner>,
    /// Under which agreement.
    pub agreement: Id<Agreement>,
    /// What it says.
    pub figures: Figures,
    /// The signed quote.
    pub document: String,
    /// The exchange that has used it up.
    pub exchange: Option<Id<Exchange>>,
    /// When it was asked for.
    pub at: Timestamp,
}

impl ExchangeQuote {
    /// Until when it is good.
    pub fn expires_at(&self) -> Timestamp {
        self.at.plus(QUOTE)
    }
}

words! {
    /// Where an exchange stands at the issuing vendor.
    pub enum ExchangeState {
        /// The tokens are held.
        Reserved = "reserved",
        /// The partner has reserved what it will issue.
        Prepared = "prepared",
        /// It is done here: the tokens are retired, the compensation is owed.
        Committed = "committed",
        /// The partner has issued.
        Fulfilled = "fulfilled",
        /// The partner did not prepare it; the tokens are free again.
        Refused = "refused",
        /// It was not committed in time; the tokens are free again.
        Expired = "expired",
        /// The partner will never issue, and has signed that; the tokens came back.
        Reversed = "reversed",
        /// The partner said nothing for so long that the tokens were given back at our risk.
        WrittenOff = "written_off",
    }
}

/// What is kept at the issuing vendor. It changes under the wallet's guard until it is committed, and with the partner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its name, also between the two.
    pub id: Id<Self>,
    /// Whose tokens.
    pub account: Id<Account>,
    /// With whom.
    pub partner: Id<Partner>,
    /// Under which agreement.
    pub agreement: Id<Agreement>,
    /// The quote that it takes.
    pub quote: Id<ExchangeQuote>,
    /// What it comes to.
    pub figures: Figures,
    /// Where it stands.
    pub state: ExchangeState,
    /// What holds the tokens.
    pub hold: Id<Hold>,
    /// Why it was refused, reversed: a stable word.
    pub reason: Option<String>,
    /// The partner's word that it has prepared.
    pub prepared: Option<String>,
    /// Our commit.
    pub commit: Option<String>,
    /// The partner's final word.
    pub answer: Option<String>,
    /// The transfer of the commit.
    pub transfer: Option<Id<Transfer>>,
    /// The cycle to which the commit belongs.
    pub cycle: Option<u32>,
    /// When it began; every deadline before the commit counts from here.
    pub at: Timestamp,
    /// When it was committed.
    pub committed_at: Option<Timestamp>,
    /// When the partner's final word came.
    pub answered_at: Option<Timestamp>,
    /// When it was written off.
    pub written_off_at: Option<Timestamp>,
    /// When something is to be done next.
    pub due_at: Option<Timestamp>,
    /// How often that was tried without an answer.
    pub attempts: u32,
}

impl Exchange {
    /// Until when it can be committed.
    pub fn commit_until(&self) -> Timestamp {
        self.at.plus(COMMIT_WITHIN)
    }

    /// Whether a commit of it waits for the partner's final word.
    pub fn is_unanswered(&self) -> bool {
        self.commit.is_some() && self.answer.is_none()
    }
}

words! {
    /// Where an exchange stands at the honouring vendor.
    pub enum IncomingState {
        /// What is to be issued is reserved under the cap.
        Prepared = "prepared",
        /// It was issued.
        Fulfilled = "fulfilled",
        /// Nobody committed it, as far as is known here.
        Lapsed = "lapsed",
        /// A commit came too late: for good.
        Late = "late",
        /// A commit came of something that was never prepared, or not like that: for good.
        Rejected = "rejected",
    }
}

/// What is kept at the honouring vendor, under the issuing vendor's name of it. It changes under the partner's guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// From whom.
    pub partner: Id<Partner>,
    /// The issuing vendor's name of the exchange.
    pub exchange: Id<Exchange>,
    /// Our name of the quote, which is used up by it.
    pub quote: String,
    /// Who receives; none when it was rejected unseen.
    pub account: Option<Id<Account>>,
    /// Under which agreement.
    pub agreement: Option<Id<Agreement>>,
    /// What it comes to.
    pub figures: Option<Figures>,
    /// Where it stands.
    pub state: IncomingState,
    /// Our signed word that it is prepared.
    pub prepared: Option<String>,
    /// The partner's commit.
    pub commit: Option<String>,
    /// Our final word.
    pub answer: Option<String>,
    /// The transfer that issued.
    pub transfer: Option<Id<Transfer>>,
    /// The partner's cycle to which it belongs.
    pub cycle: Option<u32>,
    /// When it was prepared.
    pub at: Timestamp,
    /// Until when a commit may come.
    pub until: Timestamp,
    /// When the final word was said.
    pub answered_at: Option<Timestamp>,
}

/// What a buyer has given in a day, to one partner or from one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeDay {
    /// The partner.
    pub partner: Id<Partner>,
    /// The buyer.
    pub account: Id<Account>,
    /// The day (UTC).
    pub day: Timestamp,
    /// Given here.
    pub given: Amount,
    /// Given there, for tokens of ours.
    pub taken: Amount,
}
