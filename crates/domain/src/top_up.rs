//! Top-ups: adding funds to a wallet.
//!
//! ```text
//!             ┌▶ declined                                    ┌▶ failed
//! (assessing) ┼▶ in_review ─▶ declined                       ├▶ cancelled
//!             │      └───────┐                               │
//!             └──────────────┴▶ authorizing ─▶ requires_action ─▶ authorized ─▶ capturing ─▶ credited
//!                                    └──────── unknown ────────────────┘
//! ```
//! Assessing is one decision, so it is never stored by itself. By card, a processor is asked between the
//! states, and whatever it answers, or says unasked, is a picture of the payment that moves the top-up
//! (`scrip_engine::top_up`). `unknown` is where nobody knows: it is left by asking, never by guessing.
//! Authorized is where the processor's own assessment is looked at, which may put it to review, too.
//! What is paid by hand, by voucher or to the demo needs no processor and goes from assessing to its end.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::amount::{Amount, Money};
use crate::credit::{Assessment, CreditDecision};
use crate::id::Id;
use crate::lot::Lot;
use crate::request::Request;
use crate::time::Timestamp;
use crate::words;

words! {
    /// Where a top-up stands.
    pub enum TopUpState {
        /// The credit assessment said no; nothing was charged, or it is given back.
        Declined = "declined",
        /// The credit assessment wants a person to look.
        InReview = "in_review",
        /// The processor is to reserve the money.
        Authorizing = "authorizing",
        /// The buyer must do something first.
        RequiresAction = "requires_action",
        /// The money is reserved.
        Authorized = "authorized",
        /// The processor is to take the money.
        Capturing = "capturing",
        /// The tokens are in the wallet.
        Credited = "credited",
        /// The card was declined, or the processor refused; nothing was charged.
        Failed = "failed",
        /// Given up; nothing was charged, or it is given back.
        Cancelled = "cancelled",
        /// Nobody knows; the processor is asked.
        Unknown = "unknown",
    }
}

impl TopUpState {
    /// Whether nothing more can come of it but a refund or a dispute.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Declined | Self::Credited | Self::Failed | Self::Cancelled)
    }
}

words! {
    /// How it is paid for.
    pub enum TopUpMethod {
        /// By card, through the vendor's processor.
        Card = "card",
        /// The demo's approvals; in demo mode only.
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
    /// Why it failed, was cancelled or is unknown, as a stable word.
    pub reason: Option<String>,
    /// How it is paid for.
    pub method: TopUpMethod,
    /// With which of the account's payment methods.
    pub payment_method: Option<String>,
    /// The tokens it brings.
    pub tokens: Amount,
    /// What is paid for them.
    pub pay: Option<Money>,
    /// The recorded credit status, oldest first; never empty, and the last one decides.
    pub assessments: Vec<Assessment>,
    /// The payment at the processor, once it is known.
    pub payment: Option<Payment>,
    /// The lots that it brought.
    pub lots: Vec<Id<Lot>>,
    /// What the administrator noted.
    pub note: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the tokens came.
    pub credited_at: Option<Timestamp>,
    /// The request that it answers.
    pub request: Option<Request>,
}

/// What a processor has to be asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// To reserve the money; the same call again when nobody knows whether it did.
    Authorize,
    /// To take it.
    Capture,
    /// To let it go.
    Cancel,
    /// To give back what was taken and is not to be kept.
    Refund,
    /// What became of the payment.
    Ask,
}

impl TopUp {
    /// What the processor has to be asked, if anything.
    pub fn next_call(&self) -> Option<Call> {
        let left = self.pay.and_then(|pay| pay.amount.checked_sub(self.payment.as_ref()?.refunded));
        match (self.state, &self.payment) {
            (TopUpState::Credited | TopUpState::InReview, _) => None,
            (TopUpState::Authorizing | TopUpState::Unknown, None) => Some(Call::Authorize),
            (TopUpState::Capturing, Some(_)) => Some(Call::Capture),
            (TopUpState::Declined | TopUpState::Failed | TopUpState::Cancelled, payment) => {
                let payment = payment.as_ref()?;
                let taken = payment.charge.is_some() && left.is_some_and(|left| !left.is_zero());
                if taken { Some(Call::Refund) } else { payment.open.then_some(Call::Cancel) }
            }
            (_, _) => Some(Call::Ask),
        }
    }

    /// When somebody last decided that it may go on.
    pub fn decided_at(&self) -> Timestamp {
        self.assessment().map_or(self.created_at, |assessment| assessment.decided_at)
    }

    /// The assessment that decides.
    pub fn assessment(&self) -> Option<&Assessment> {
        self.assessments.last()
    }

    /// As it was when it was asked for, whatever became of it since: what a replay shows.
    #[must_use]
    pub fn at_first(mut self) -> Self {
        self.assessments.truncate(1);
        let first = self.assessment().map(|assessment| assessment.decision);
        self.state = match (first, self.method) {
            (Some(CreditDecision::Declined), _) => TopUpState::Declined,
            (Some(CreditDecision::Review), _) => TopUpState::InReview,
            (_, TopUpMethod::Card) => TopUpState::Authorizing,
            (_, TopUpMethod::Demo | TopUpMethod::Administrator) => TopUpState::Credited,
        };
        if self.state != TopUpState::Credited {
            self.credited_at = None;
        }
        self.reason = None;
        self.payment = None;
        self
    }
}

/// What is known of the payment at the processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// Which processor.
    pub processor: String,
    /// The processor's name of it.
    pub name: String,
    /// Whether money is reserved there, or still may be.
    pub open: bool,
    /// What the buyer must do, while it must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The processor's name of the charge, once the money was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// What was given back.
    pub refunded: Amount,
}

/// What the buyer must do for a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Go to the bank's page.
    Redirect {
        /// Its address.
        url: String,
    },
    /// Answer the bank through the processor's script.
    Confirm {
        /// What the script is given. It completes this one payment and nothing else.
        client_secret: String,
    },
}

/// One charge of a processor, and what it was credited to: one row, so one credit, ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Which processor.
    pub processor: String,
    /// Its name of the charge.
    pub name: String,
    /// The top-up that it paid.
    pub top_up: Id<TopUp>,
    /// What was taken.
    pub money: Money,
    /// When it was booked.
    pub at: Timestamp,
}

/// A top-up for which the processor has to be asked something: what, follows from its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// For which top-up.
    pub top_up: Id<TopUp>,
    /// When. Whoever runs it moves this ahead first, so that nobody else does meanwhile.
    pub due_at: Timestamp,
    /// How often it was tried without an answer.
    pub attempts: u32,
}
