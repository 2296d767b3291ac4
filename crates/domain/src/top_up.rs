//! Top-ups: adding funds to a wallet.
//!
//! ```text
//! created ─▶ assessing ─▶ declined
//!                      └▶ in_review
//!                      └▶ credited
//! ```
//! The demo processor answers at once, so only the last three are ever stored yet. Card and offline
//! processors bring the states between.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::amount::{Amount, Money};
use crate::id::Id;
use crate::request::Request;
use crate::time::Timestamp;
use crate::words;

words! {
    /// Where a top-up stands.
    pub enum TopUpState {
        /// The credit assessment said no; nothing was charged.
        Declined = "declined",
        /// The credit assessment wants a person to look.
        InReview = "in_review",
        /// The tokens are in the wallet.
        Credited = "credited",
    }
}

words! {
    /// How it is paid for.
    pub enum TopUpMethod {
        /// The demo processor; in demo mode only.
        Demo = "demo",
        /// By hand, by an administrator.
        Administrator = "administrator",
    }
}

/// Funds added, or the attempt to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// Its name.
    pub id: Id<Self>,
    /// Whose wallet.
    pub account: Id<Account>,
    /// Where it stands.
    pub state: TopUpState,
    /// How it is paid for.
    pub method: TopUpMethod,
    /// With which of the account's payment methods.
    pub payment_method: Option<String>,
    /// The tokens it brings.
    pub tokens: Amount,
    /// What is paid for them.
    pub pay: Option<Money>,
    /// The recorded credit status.
    pub assessment: Assessment,
    /// What the administrator noted.
    pub note: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the tokens came.
    pub credited_at: Option<Timestamp>,
    /// The request that it answers.
    pub request: Option<Request>,
}

/// The recorded credit status of an account for one top-up, and the decision it led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// What was found.
    pub status: CreditStatus,
    /// What was decided.
    pub decision: CreditDecision,
    /// Why, as stable words.
    pub reasons: Vec<String>,
    /// When it was obtained.
    pub obtained_at: Timestamp,
    /// When it was decided upon.
    pub decided_at: Timestamp,
    /// Until when it counts.
    pub valid_until: Timestamp,
}

words! {
    /// What a credit assessment found.
    pub enum CreditStatus {
        /// Nothing against it.
        Good = "good",
        /// Something to look at.
        Doubtful = "doubtful",
        /// Not creditworthy.
        Bad = "bad",
    }
}

words! {
    /// What a credit assessment led to.
    pub enum CreditDecision {
        /// Accepted.
        Approved = "approved",
        /// Refused.
        Declined = "declined",
        /// A person decides.
        Review = "review",
    }
}
