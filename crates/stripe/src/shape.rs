//! What Stripe answers, as far as we read it, and the pictures made of it. Unknown members are passed over,
//! unknown states become values of their own; what is missing or cannot be makes the whole unreadable.

use std::collections::BTreeMap;

use scrip_domain::top_up::TopUp;
use scrip_domain::{Amount, Id, Money, Unit};
use scrip_engine::processor::{
    Action, ChargeName, Dispute, DisputeName, DisputeState, Expiry, MethodName, Payment,
    PaymentMethod, PaymentName, PaymentState, Risk, RiskLevel, Secret,
};
use serde::Deserialize;

use crate::money;

/// A piece of a list.
#[derive(Deserialize)]
pub struct Page<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

/// A `PaymentIntent`, with its last charge.
#[derive(Deserialize)]
pub struct Intent {
    pub id: String,
    amount: u64,
    amount_received: Option<u64>,
    currency: String,
    status: String,
    client_secret: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    next_action: Option<NextAction>,
    last_payment_error: Option<PaymentError>,
    latest_charge: Option<Charge>,
}

#[derive(Deserialize)]
struct NextAction {
    redirect_to_url: Option<Redirect>,
}

#[derive(Deserialize)]
struct Redirect {
    url: Option<String>,
}

#[derive(Deserialize)]
struct PaymentError {
    code: Option<String>,
    decline_code: Option<String>,
}

#[derive(Deserialize)]
struct Charge {
    id: String,
    amount_refunded: u64,
    #[serde(default)]
    disputed: bool,
    outcome: Option<OutcomeOfCharge>,
    balance_transaction: Option<BalanceTransaction>,
}

#[derive(Deserialize)]
struct OutcomeOfCharge {
    risk_level: Option<String>,
    risk_score: Option<u8>,
}

#[derive(Deserialize)]
struct BalanceTransaction {
    fee: u64,
    currency: String,
}

impl Intent {
    /// Whether it was made for this top-up.
    pub fn is_for(&self, top_up: Id<TopUp>) -> bool {
        self.top_up() == Some(top_up)
    }

    /// Whether a bank wants or wanted money back.
    pub fn is_disputed(&self) -> bool {
        self.latest_charge.as_ref().is_some_and(|charge| charge.disputed)
    }

    fn top_up(&self) -> Option<Id<TopUp>> {
        self.metadata.get("top_up")?.parse().ok()
    }

    /// The picture, without the disputes.
    pub fn picture(self) -> Option<Payment> {
        let unit = money::unit(&self.currency)?;
        let amount = money::from_wire(self.amount, unit)?;
        let state = self.state(amount, unit)?;
        // Stripe counts what a cancelled authorization releases as refunded, too.
        let refunded = match (&state, &self.latest_charge) {
            (PaymentState::Captured { .. }, Some(charge)) => {
                money::from_wire(charge.amount_refunded, unit)?
            }
            _ => Amount::ZERO,
        };
        Some(Payment {
            top_up: self.top_up(),
            name: PaymentName::new(self.id)?,
            state,
            money: Money { amount, unit },
            refunded,
            risk: self.latest_charge.and_then(|charge| charge.outcome?.risk()),
            disputes: Vec::new(),
        })
    }

    fn state(&self, amount: Amount, unit: Unit) -> Option<PaymentState> {
        let unknown = || Some(PaymentState::Unknown(self.status.clone()));
        match self.status.as_str() {
            "requires_action" => self.action().map(PaymentState::RequiresAction),
            "processing" => Some(PaymentState::Processing),
            "requires_capture" => Some(PaymentState::Authorized),
            "canceled" => Some(PaymentState::Cancelled),
            "requires_payment_method" => match &self.last_payment_error {
                Some(error) => Some(PaymentState::Failed {
                    reason: error.code.clone().unwrap_or_else(|| "declined".to_owned()),
                    decline_code: error.decline_code.clone(),
                }),
                // Never tried: not made by us in one step.
                None => unknown(),
            },
            "succeeded" if money::from_wire(self.amount_received?, unit)? == amount => {
                self.captured(amount)
            }
            // By hand, at Stripe: the rest would look like a refund.
            "succeeded" => Some(PaymentState::Unknown("captured_in_part".to_owned())),
            _ => unknown(),
        }
    }

    fn captured(&self, amount: Amount) -> Option<PaymentState> {
        let charge = self.latest_charge.as_ref()?;
        let fee = match &charge.balance_transaction {
            Some(BalanceTransaction { fee, currency }) => {
                let unit = money::unit(currency)?;
                Some(Money { amount: money::from_wire(*fee, unit)?, unit })
            }
            None => None,
        };
        Some(PaymentState::Captured { charge: ChargeName::new(&charge.id)?, amount, fee })
    }

    fn action(&self) -> Option<Action> {
        let redirect = self.next_action.as_ref().and_then(|next| next.redirect_to_url.as_ref());
        if let Some(url) = redirect.and_then(|redirect| redirect.url.clone()) {
            return Some(Action::Redirect(url));
        }
        self.client_secret.clone().map(|secret| Action::Confirm(Secret::new(secret)))
    }
}

impl OutcomeOfCharge {
    fn risk(self) -> Option<Risk> {
        let level = match self.risk_level?.as_str() {
            "normal" => RiskLevel::Normal,
            "elevated" => RiskLevel::Elevated,
            "highest" => RiskLevel::Highest,
            // Stripe's own words for knowing nothing.
            "not_assessed" | "unknown" => return None,
            other => RiskLevel::Unknown(other.to_owned()),
        };
        Some(Risk { level, score: self.risk_score })
    }
}

/// Disputes of one payment.
pub type Disputes = Page<DisputeShape>;

#[derive(Deserialize)]
pub struct DisputeShape {
    id: String,
    amount: u64,
    currency: String,
    status: String,
    reason: String,
}

impl Disputes {
    /// Stripe lists the newest first.
    pub fn oldest_first(self) -> Option<Vec<Dispute>> {
        self.data.into_iter().rev().map(DisputeShape::dispute).collect()
    }
}

impl DisputeShape {
    fn dispute(self) -> Option<Dispute> {
        let state = match self.status.as_str() {
            "warning_needs_response" | "warning_under_review" => DisputeState::Inquiry,
            "needs_response" | "under_review" => DisputeState::Open,
            "won" | "warning_closed" => DisputeState::Won,
            "lost" => DisputeState::Lost,
            _ => DisputeState::Unknown(self.status),
        };
        Some(Dispute {
            name: DisputeName::new(self.id)?,
            amount: money::from_wire(self.amount, money::unit(&self.currency)?)?,
            state,
            reason: self.reason,
        })
    }
}

/// A refund, as far as it says whose it is.
#[derive(Deserialize)]
pub struct Refund {
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl Refund {
    /// Whether it was made under this name of ours.
    pub fn is(&self, name: &str) -> bool {
        self.metadata.get("refund").is_some_and(|own| own == name)
    }
}

/// A customer.
#[derive(Deserialize)]
pub struct Customer {
    pub id: String,
}

/// A Checkout Session: a page of Stripe's.
#[derive(Deserialize)]
pub struct CardPage {
    pub url: Option<String>,
}

/// A payment method of the kind `card`.
#[derive(Deserialize)]
pub struct Card {
    id: String,
    card: CardFace,
}

#[derive(Deserialize)]
struct CardFace {
    brand: String,
    last4: String,
    exp_year: u16,
    exp_month: u8,
}

impl Card {
    /// What the buyer knows it by.
    pub fn payment_method(self) -> Option<PaymentMethod> {
        let CardFace { brand, last4, exp_year, exp_month } = self.card;
        Some(PaymentMethod {
            name: MethodName::new(self.id)?,
            brand,
            last_four: last4,
            expires: Expiry { year: exp_year, month: exp_month },
        })
    }
}

#[cfg(test)]
mod tests;
