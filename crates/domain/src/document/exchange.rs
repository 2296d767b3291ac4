//! What two vendors sign for each other: an agreement, each exchange under it, and what they owe.
//!
//! ```text
//! Proposal (either) ◀─ Acceptance (the other)
//!     ▲
//!     └─ Quote (honouring) ◀─ Prepared (honouring) ◀─ Commit (issuing) ◀─ Answer (honouring)
//!
//! Account (each, for one cycle), the two naming the same figures      Paid (creditor, for one settlement)
//! ```
//! An exchange is called by the issuing vendor's name of it, an agreement by the digest of its proposal.

use serde::{Deserialize, Serialize};

use super::Document;
use crate::agreement::{Figures, Terms};
use crate::amount::{Amount, Money, Unit};
use crate::words;

documents! {
    Proposal => "scrip-proposal+jwt",
    Acceptance => "scrip-acceptance+jwt",
    Quote => "scrip-quote+jwt",
    Prepared => "scrip-prepared+jwt",
    Commit => "scrip-commit+jwt",
    Answer => "scrip-answer+jwt",
    Account => "scrip-account+jwt",
    Paid => "scrip-paid+jwt",
}

/// Terms that one vendor would agree to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Who proposes.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// To whom.
    #[serde(rename = "aud")]
    pub audience: String,
    /// Chance: no two proposals are the same document.
    #[serde(rename = "jti")]
    pub nonce: String,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The number of this agreement between the two.
    pub version: u32,
    /// The terms.
    pub terms: Terms,
}

/// That the other vendor agrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// Who accepts.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// Who had proposed.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The digest of the proposal.
    pub proposal: String,
    /// From when on it holds: Unix seconds.
    pub effective_at: u64,
}

/// A firm offer to one buyer: good for a minute from when it was written, by the honouring vendor's clock, and once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The honouring vendor.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The issuing vendor.
    #[serde(rename = "aud")]
    pub audience: String,
    /// The buyer, under the name by which the issuing vendor knows the linked account.
    #[serde(rename = "sub")]
    pub subject: String,
    /// Its name; chance.
    #[serde(rename = "jti")]
    pub nonce: String,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The agreement.
    pub agreement: String,
    /// The token that is given.
    pub give_token: Unit,
    /// The token that is received.
    pub receive_token: Unit,
    /// What it comes to: rounded already, and final.
    pub figures: Figures,
    /// The spread in it.
    pub spread_basis_points: u32,
    /// The currency of the compensation, which is in millionths.
    pub currency: Unit,
    /// For how long it is good.
    pub expires_seconds: u32,
}

/// That the honouring vendor has reserved what it will issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// The honouring vendor.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The issuing vendor.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The exchange.
    pub exchange: String,
    /// The digest of the quote.
    pub quote: String,
    /// For how long a commit may come, from when it was prepared.
    pub commit_seconds: u32,
}

/// The decision: the tokens are retired, and the compensation is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The issuing vendor.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The honouring vendor.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was decided.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The exchange.
    pub exchange: String,
    /// The digest of what the honouring vendor had prepared.
    pub prepared: String,
    /// What it comes to.
    pub figures: Figures,
    /// The currency of the compensation.
    pub currency: Unit,
    /// The issuing vendor's cycle to which it belongs.
    pub cycle: u32,
}

words! {
    /// What the honouring vendor does with a commit, for good.
    pub enum Answered {
        /// The tokens are issued, and the compensation is claimed.
        Fulfilled = "fulfilled",
        /// It came too late; nothing is issued, and nothing claimed.
        Late = "late",
        /// There was nothing prepared that it fits; the same.
        Rejected = "rejected",
    }
}

/// The honouring vendor's final word on a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The honouring vendor.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The issuing vendor.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The exchange.
    pub exchange: String,
    /// The digest of the commit.
    pub commit: String,
    /// What holds.
    pub outcome: Answered,
    /// Why not: a stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What one side has booked for a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Who says it.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// To whom.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The cycle.
    pub cycle: u32,
    /// The currency; all but the net amount is in millionths.
    pub currency: Unit,
    /// What the sayer owes for it.
    pub gross_out: Amount,
    /// For how many exchanges.
    pub count_out: u64,
    /// The digest over those, in order.
    pub digest_out: String,
    /// What the other owes.
    pub gross_in: Amount,
    /// For how many.
    pub count_in: u64,
    /// The digest over those.
    pub digest_in: String,
    /// What rounding left of the cycle before: above zero the sayer owes it.
    pub carried_in: i64,
    /// What it leaves of this one.
    pub carried_out: i64,
    /// The net amount in the currency's smallest unit: above zero the sayer pays.
    pub net: i64,
}

/// That the creditor has the money of a settlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// The creditor.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The debtor.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The cycle that is settled.
    pub cycle: u32,
    /// The reference under which it came.
    pub reference: String,
    /// How much.
    pub money: Money,
}
