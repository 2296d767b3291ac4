//! Partners as a vendor's engine sees them: a port, and no I/O of its own.
//!
//! Every verb can be repeated without a second effect, and is repeated until there is an answer. What is worth anything in an
//! answer is a document, which the engine believes when the partner's protocol key has signed it.

mod staff;
mod tell;

use std::fmt;

use futures_util::future::BoxFuture;
use scrip_domain::partner::Partner;
use scrip_domain::{Amount, Timestamp};
use scrip_storage::Fault;

use crate::Engine;
use crate::checkout::begin::FOR_NOW;
use crate::peer::PeerError;
use crate::provider::{Asked, Opened};

pub use staff::PartnerRefusal;
pub(crate) use tell::{LEASE, MOST_PATIENT};

/// Other vendors, each called by its address.
pub trait Partners: Send + Sync + fmt::Debug {
    /// Hands in a signed proposal, or again one that is known.
    fn propose<'a>(&'a self, url: &'a str, proposal: &'a str) -> Asked<'a, ()>;

    /// Hands in the signed acceptance of its proposal.
    fn accept<'a>(&'a self, url: &'a str, acceptance: &'a str) -> Asked<'a, ()>;

    /// Says what else has become of an agreement, called by the digest of its proposal, or of the partnership.
    fn tell<'a>(&'a self, url: &'a str, notice: &'a Notice) -> Asked<'a, ()>;

    /// Opens a link, by which a buyer shows which account there is theirs. `link` is the idempotency key.
    fn link<'a>(&'a self, url: &'a str, link: &'a str, return_url: &'a str) -> Asked<'a, Opened>;

    /// Redeems the code with which a buyer came back.
    fn redeem<'a>(&'a self, url: &'a str, return_code: &'a str) -> Asked<'a, Linked>;

    /// Says that a link is no more.
    fn unlink<'a>(&'a self, url: &'a str, subject: &'a str) -> Asked<'a, ()>;

    /// Asks for a firm offer; the signed quote.
    fn quote<'a>(&'a self, url: &'a str, subject: &'a str, give: Amount) -> Asked<'a, String>;

    /// Has an exchange prepared by its quote; the signed word that it is. `exchange` is the idempotency key.
    fn prepare<'a>(&'a self, url: &'a str, exchange: &'a str, quote: &'a str) -> Asked<'a, String>;

    /// Hands in a signed commit; the signed final word.
    fn fulfil<'a>(&'a self, url: &'a str, exchange: &'a str, commit: &'a str) -> Asked<'a, String>;

    /// Says that an exchange will not be committed.
    fn cancel<'a>(&'a self, url: &'a str, exchange: &'a str) -> Asked<'a, ()>;

    /// Hands in the signed account of a cycle; the partner's own, when it has closed the cycle too.
    fn account<'a>(
        &'a self,
        url: &'a str,
        cycle: u32,
        account: &'a str,
    ) -> Asked<'a, Option<String>>;

    /// The exchanges that the partner has booked for a cycle, in order of their names, after one of them; a page.
    fn items<'a>(
        &'a self,
        url: &'a str,
        cycle: u32,
        way: Way,
        after: Option<&'a str>,
    ) -> Asked<'a, Vec<Item>>;

    /// Says what has become of the payment of a cycle.
    fn settle<'a>(&'a self, url: &'a str, cycle: u32, news: &'a SettlementNews) -> Asked<'a, ()>;

    /// What the partner has of what the two have signed from `since` on, after `after`, which is empty at the beginning; a page.
    fn history<'a>(&'a self, url: &'a str, since: Timestamp, after: &'a str) -> Asked<'a, History>;

    /// Reads a document of the partner's: its claims, if its signature is right.
    fn read<'a>(
        &'a self,
        url: &'a str,
        typ: &'a str,
        document: &'a str,
    ) -> BoxFuture<'a, Result<serde_json::Value, PeerError>>;
}

/// What one vendor tells the other of their partnership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The proposal with this digest was declined.
    Declined(String),
    /// It was withdrawn.
    Withdrawn(String),
    /// It will end then: Unix seconds.
    Ends(String, u64),
    /// The teller does not exchange, since then by its clock: Unix milliseconds. What it said of an earlier time counts no more.
    Suspended(u64),
    /// It does again, since then.
    Resumed(u64),
}

/// A buyer has shown which account is theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Our name of the link.
    pub link: String,
    /// The account, under a name that only we know.
    pub subject: String,
}

/// Whose commits: those of the vendor that is asked, or of the one that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The one that is asked has committed them.
    Out,
    /// The one that asks has.
    In,
}

/// One exchange, as it is booked for a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The issuing vendor's name of it.
    pub exchange: String,
    /// The compensation, in millionths of the currency.
    pub compensation: Amount,
}

/// What one vendor tells the other of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettlementNews {
    /// The debtor pays under this reference.
    Instructed(String),
    /// The money has gone out.
    Sent(String),
    /// The creditor has it: the signed document.
    Received(String),
}

/// A page of what one vendor has of what the two have signed, told to the other after a restore: its own word, found again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Whether the two exchange; on the first page.
    pub standing: Option<Standing>,
    /// The agreements that both have signed, in the order of their numbers; on the first page.
    pub agreements: Vec<Agreed>,
    /// Exchanges that are committed, in the order of their names: first those of who is asked, then those of who asks.
    pub exchanges: Vec<Exchanged>,
    /// Cycles that are closed, in order.
    pub cycles: Vec<Closed>,
    /// Where the next page begins; none on the last one.
    pub next: Option<String>,
}

/// Whether two vendors exchange, as the one that is asked knows it. Times are Unix milliseconds, by the clock of who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the one that is asked does not exchange.
    pub suspended: bool,
    /// Since when that is so, or not so.
    pub since: u64,
    /// Whether the one that asks had said that it does not.
    pub told: bool,
    /// Since when, as it had said.
    pub told_since: u64,
}

/// An agreement that both have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// What one has proposed.
    pub proposal: String,
    /// That the other accepts.
    pub acceptance: String,
    /// When it ends, if one of them has ended it: Unix seconds.
    pub ends_at: Option<u64>,
}

/// The documents of one exchange, each on top of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchanged {
    /// Who has committed it.
    pub way: Way,
    /// The quote.
    pub quote: Option<String>,
    /// That it was prepared.
    pub prepared: Option<String>,
    /// The commit.
    pub commit: String,
    /// The final word.
    pub answer: Option<String>,
}

/// What is known of a closed cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The cycle.
    pub cycle: u32,
    /// The account that the one that is asked has signed.
    pub account: Option<String>,
    /// The one that the one that asks had signed.
    pub heard: Option<String>,
    /// What has become of the payment.
    pub payment: Option<SettlementNews>,
}

/// What telling a partner comes to: whether it has heard it, or says no for good, or is to be told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It has.
    Yes,
    /// It has, and says no, by a stable code.
    Refused(String),
    /// Nobody knows.
    NotYet,
}

impl Heard {
    /// What an answer means to an errand; it goes on record. A refusal for now is none: a partner that has not entered
    /// this server yet does not believe its signature.
    pub fn of(partner: &Partner, answer: Result<(), PeerError>) -> Self {
        let partner = partner.id;
        match answer {
            Ok(()) => Self::Yes,
            Err(PeerError::Refused { code, detail, .. }) if !FOR_NOW.contains(&code.as_str()) => {
                tracing::info!(%partner, code, detail, "a partner refuses");
                Self::Refused(code)
            }
            Err(error @ PeerError::Unbelievable(_)) => {
                tracing::warn!(target: "security", %partner, %error, "a partner's answer is not believed");
                Self::NotYet
            }
            Err(error) => {
                tracing::info!(%partner, %error, "a partner was not told");
                Self::NotYet
            }
        }
    }
}

impl Engine {
    /// The partner whose server is at `issuer`.
    pub async fn partner_at(&self, issuer: &str) -> Result<Option<Partner>, Fault> {
        self.store.partner_by_url(issuer).await
    }
}
