//! Checkouts: what a merchant remembers of an order that is paid at a provider.
//!
//! ```text
//! order: draft ─▶ open ─▶ claimed ─▶ authorized ─▶ captured ─▶ paid ─▶ (watched until its refund window ends)
//! call:           open    ask        capture, or   fulfilled   ask, refund
//!                                    cancel where it is not sold to whoever confirmed: declined
//! ```
//! One row beside the order, made by its confirmation: the documents as they came, and the errand: what the state of the
//! order asks for is asked for when it is due, again and again, until the provider's picture moves the order on. Every
//! call can be repeated without a second effect, so a merchant that dies between any two steps loses nothing but time.

use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::id::Id;
use crate::order::{Order, OrderState};
use crate::refund::{LicensePolicy, Refund, RefundLine};
use crate::request::{Request, RequestId};
use crate::time::{Span, Timestamp};

/// How long the buyer may take to confirm at the provider.
pub const PAY: Span = Span::minutes(10);
/// How long the provider holds the tokens for the merchant to take.
pub const HOLD: Span = Span::minutes(10);
/// How long the merchant may take to deliver after it has taken them.
pub const FULFIL: Span = Span::hours(24);
/// How long the merchant may give back.
pub const REFUND: Span = Span::days(14);
/// How long after its prices were good a merchant goes on telling the provider of an offer that it does not answer.
pub const OPENING: Span = Span::minutes(10);

/// What a merchant remembers of an order that is paid at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The order.
    pub order: Id<Order>,
    /// The provider's address.
    pub provider: String,
    /// The provider's name of the purchase request, once it is opened.
    pub request: Option<String>,
    /// Where the buyer goes, once it is opened.
    pub url: Option<String>,
    /// Until when the buyer may confirm there, by this server's clock and the provider's word.
    pub pay_until: Option<Timestamp>,
    /// The confirmation of the order: its idempotency key and what it asked.
    pub asked: Request,
    /// What was offered: a signed document of the merchant's.
    pub offer: String,
    /// What the buyer decided: a signed document of the provider's, as the following ones.
    pub confirmation: Option<String>,
    /// That the tokens were taken.
    pub receipt: Option<String>,
    /// The provider's last word on the delivery.
    pub fulfilment: Option<String>,
    /// What went back, oldest first.
    pub refunds: Vec<String>,
    /// Who confirmed, by the provider's name for this merchant.
    pub subject: Option<String>,
    /// Why it came to nothing, in a word.
    pub reason: Option<String>,
    /// What is to be given back, while the provider has not said that it was.
    pub refund: Option<PendingRefund>,
    /// When the provider is asked again; never, when there is nothing left to ask.
    pub due_at: Option<Timestamp>,
    /// How often it was asked since anything was new.
    pub attempts: u32,
}

/// A refund that the provider is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRefund {
    /// Its name, and the key under which the provider carries it out once.
    pub id: Id<Refund>,
    /// What goes back of which line: units and tokens.
    pub lines: Vec<PendingLine>,
    /// Their sum.
    pub amount: Amount,
    /// What becomes of the licenses.
    pub licenses: LicensePolicy,
    /// Why.
    pub reason: String,
    /// Who asked, as the audit log names them.
    pub actor: String,
    /// With which request.
    pub request_id: RequestId,
    /// Its idempotency key.
    pub key: u64,
    /// What it asked.
    pub fingerprint: u64,
}

/// What a refund that is asked for gives back of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingLine {
    /// The line.
    pub line: Id<crate::order::Line>,
    /// How many of its units.
    pub quantity: u32,
    /// How much.
    pub amount: Amount,
}

impl From<&RefundLine> for PendingLine {
    fn from(row: &RefundLine) -> Self {
        Self { line: row.line, quantity: row.quantity, amount: row.amount }
    }
}

/// What the provider is asked for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// To open the request.
    Open,
    /// How it stands.
    Ask,
    /// To take what is held.
    Capture,
    /// To let go of what is held: it is not sold to whoever confirmed.
    Cancel,
    /// To say its last word on the delivery.
    Fulfilled,
    /// To give back.
    Refund,
}

impl Checkout {
    /// What the order's state asks for; `None` when nothing is left to ask.
    pub fn next_call(
        &self,
        state: OrderState,
        at: Timestamp,
        paid_at: Option<Timestamp>,
    ) -> Option<Call> {
        match state {
            OrderState::Open if self.request.is_none() => Some(Call::Open),
            OrderState::Open | OrderState::Claimed => Some(Call::Ask),
            OrderState::Authorized if self.reason.is_some() => Some(Call::Cancel),
            OrderState::Authorized => Some(Call::Capture),
            OrderState::Captured => Some(Call::Fulfilled),
            OrderState::RefundPending => Some(Call::Refund),
            // What the provider's own people give back is told in a notice, which can be lost.
            OrderState::Paid | OrderState::PartiallyRefunded => {
                paid_at.filter(|paid| at < paid.plus(REFUND)).map(|_| Call::Ask)
            }
            OrderState::Draft
            | OrderState::Refunded
            | OrderState::Declined
            | OrderState::Cancelled
            | OrderState::Expired => None,
        }
    }

    /// How long to wait before the next call after so many that brought nothing new. A buyer who is still to confirm is
    /// looked for every two minutes at least: what they confirm is held for a short time only.
    pub fn patience(state: OrderState, attempts: u32) -> Span {
        let waiting =
            matches!(state, OrderState::Open | OrderState::Claimed | OrderState::Authorized);
        match (state, attempts) {
            (OrderState::Paid | OrderState::PartiallyRefunded, _) => Span::days(1),
            (_, 0) => Span::seconds(1),
            (_, 1) => Span::seconds(5),
            (_, 2) => Span::seconds(30),
            (_, 3) => Span::minutes(2),
            _ if waiting => Span::minutes(2),
            (_, 4) => Span::minutes(5),
            (_, 5..=28) => Span::hours(1),
            _ => Span::days(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buyer_is_looked_for_more_often_than_the_hold_lasts() {
        let mut waited = Span::millis(0);
        for attempts in 0..100 {
            let wait = Checkout::patience(OrderState::Claimed, attempts);
            assert!(wait >= waited && wait < HOLD, "{attempts}");
            waited = wait;
        }
    }

    #[test]
    fn a_delivery_is_reported_ever_more_seldom_but_never_given_up() {
        let mut waited = Span::millis(0);
        for attempts in 0..100 {
            let wait = Checkout::patience(OrderState::Captured, attempts);
            assert!(wait >= waited);
            waited = wait;
        }
        assert_eq!(waited, Span::days(1));
    }
}
