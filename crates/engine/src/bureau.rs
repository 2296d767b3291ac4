//! The port for an external bureau: somebody outside who is asked what they think of a buyer.
//!
//! It is told the least that an opinion needs: no name and no address, only our own ids, the amount, and what
//! the account's credit file counts. Whatever it answers, or does not, becomes an assessment of the top-up
//! that it was asked for ([`crate::top_up`]).

use std::fmt;

use futures_util::future::BoxFuture;
use scrip_domain::account::Account;
use scrip_domain::credit::{Assessment, CreditDecision, CreditFile, Evidence};
use scrip_domain::top_up::{TopUp, TopUpMethod};
use scrip_domain::{Amount, Id, Money, Timestamp, Unit};

/// Somebody outside with an opinion.
pub trait Bureau: Send + Sync + fmt::Debug {
    /// Asks once, within a time that is bounded in all.
    fn assess<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<Opinion, BureauError>>;
}

/// What a bureau is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// The assessment that its answer becomes.
    pub assessment: Id<Assessment>,
    /// The top-up; the same when it is asked again because an answer was lost.
    pub top_up: Id<TopUp>,
    /// Who adds funds.
    pub account: Id<Account>,
    /// Since when there is the account.
    pub opened_at: Timestamp,
    /// How it is to be paid.
    pub method: TopUpMethod,
    /// How many tokens are asked for, and of which kind.
    pub tokens: (Amount, Unit),
    /// What is to be paid for them.
    pub pay: Option<Money>,
    /// What is known of the account's credit, with this top-up.
    pub file: CreditFile,
    /// What our own rules say.
    pub rules: Option<(CreditDecision, Vec<String>)>,
    /// When it was asked.
    pub at: Timestamp,
}

/// What a bureau thinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// What it would do.
    pub decision: CreditDecision,
    /// From 0, nothing against it, to 100.
    pub score: Option<u8>,
    /// Why, in its own words.
    pub reasons: Vec<String>,
    /// Until when it stands by it.
    pub valid_until: Option<Timestamp>,
    /// What it can be held to.
    pub evidence: Evidence,
}

/// Why there is no opinion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BureauError {
    /// No answer came in time.
    #[error("no answer: {0}")]
    Unanswered(String),
    /// The answer is not signed with our secret, or was signed long ago, or for another question.
    #[error("an answer that is not believed: {0}")]
    Forged(&'static str),
    /// The answer is none that the schema knows.
    #[error("no answer of the schema: {0}")]
    Garbled(String),
    /// A top-up waits for a bureau, and none is configured any more.
    #[error("no bureau is configured")]
    NotSetUp,
}

impl BureauError {
    /// The same as a stable word, for the record.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unanswered(_) => "bureau_unanswered",
            Self::Forged(_) => "bureau_forged",
            Self::Garbled(_) => "bureau_garbled",
            Self::NotSetUp => "bureau_not_set_up",
        }
    }
}
