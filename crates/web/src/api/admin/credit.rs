//! The vendor's credit policy, as a part of its settings.

use scrip_domain::Amount;
use scrip_domain::credit::Policy;
use scrip_domain::seasoning::Seasoning;
use scrip_domain::settings::Token;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::{MoneyIn, MoneyOut};
use crate::problem::Problem;

/// How an account's credit is judged before it adds funds. A limit that is absent does not bind.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditSetting<M> {
    /// Counted up with every change, and kept with each assessment. Ignored in a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    /// More tokens than this in one top-up are looked at by a person.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    review_above: Option<M>,
    /// More tokens than this in one top-up are declined.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    decline_above: Option<M>,
    /// More tokens than this in a day are declined.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    tokens_per_day: Option<M>,
    /// More top-ups than this in a day are declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    top_ups_per_day: Option<u32>,
    /// While an account is younger than this, a person looks at every top-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 87_600)]
    review_younger_than_hours: Option<u32>,
    /// Above this many tokens a card of which the processor says nothing is looked at by a person, and so is a
    /// buyer of whom the bureau says nothing.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    fail_closed_above: Option<M>,
    /// Of more tokens than this the external bureau is asked, where one is configured; without it, of any.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    ask_bureau_above: Option<M>,
    /// Whether a buyer of whom the bureau says nothing is declined above `fail_closed_above`; else looked at.
    #[serde(default)]
    decline_on_error: bool,
    /// Whether an account whose buyer's bank took money back is looked at; else it is declined.
    #[serde(default)]
    review_disputed: bool,
    /// Whether an account is frozen as long as a buyer's bank disputes one of its top-ups; it is thawed when
    /// all of its disputes are won.
    #[serde(default)]
    freeze_disputed: bool,
    /// How long bought tokens wait before they can be exchanged for another vendor's.
    #[serde(default)]
    seasoning: SeasoningSetting,
}

/// How many hours bought tokens wait, from the moment they come in, before they can be exchanged for another
/// vendor's; they can be spent at once. A change holds for tokens that come in later. What is left out has
/// its usual value.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = SeasoningSetting)]
#[expect(clippy::struct_field_names, reason = "each says its unit")]
pub struct SeasoningSetting {
    /// Those paid by card.
    #[schema(maximum = 87_600, default = 72)]
    card_hours: u32,
    /// Those paid offline, with a voucher that was bought, or booked by an administrator.
    #[schema(maximum = 87_600, default = 0)]
    offline_hours: u32,
    /// At least, those of a top-up that somebody doubted, or of which whoever was asked said nothing.
    #[schema(maximum = 87_600, default = 336)]
    doubtful_hours: u32,
}

impl Default for SeasoningSetting {
    fn default() -> Self {
        Seasoning::default().into()
    }
}

impl From<Seasoning> for SeasoningSetting {
    fn from(seasoning: Seasoning) -> Self {
        let Seasoning { card_hours, offline_hours, doubtful_hours } = seasoning;
        Self { card_hours, offline_hours, doubtful_hours }
    }
}

impl SeasoningSetting {
    fn read(self) -> Result<Seasoning, Problem> {
        let hours = |hours: u32, name: &str| match hours {
            hours if hours <= LONGEST => Ok(hours),
            _ => {
                let field = format!("credit.seasoning.{name}");
                Err(Problem::field(field, format!("at most {LONGEST} hours")))
            }
        };
        Ok(Seasoning {
            card_hours: hours(self.card_hours, "card_hours")?,
            offline_hours: hours(self.offline_hours, "offline_hours")?,
            doubtful_hours: hours(self.doubtful_hours, "doubtful_hours")?,
        })
    }
}

// The derived default would demand one of `M`.
fn none<M>() -> Option<M> {
    None
}

/// So many hours are ten years: the longest time for which an account is young, or tokens wait.
const LONGEST: u32 = 87_600;

impl CreditSetting<MoneyOut> {
    /// The policy in force.
    pub fn new(policy: &Policy, token: &Token) -> Self {
        let money = |amount: Option<Amount>| amount.map(|amount| MoneyOut::tokens(amount, token));
        Self {
            version: Some(policy.version),
            review_above: money(policy.review_above),
            decline_above: money(policy.decline_above),
            tokens_per_day: money(policy.tokens_per_day),
            top_ups_per_day: policy.top_ups_per_day,
            review_younger_than_hours: policy.review_younger_than_hours,
            fail_closed_above: money(policy.fail_closed_above),
            ask_bureau_above: money(policy.ask_bureau_above),
            decline_on_error: policy.decline_on_error,
            review_disputed: policy.review_disputed,
            freeze_disputed: policy.freeze_disputed,
            seasoning: policy.seasoning.into(),
        }
    }
}

impl CreditSetting<MoneyIn> {
    /// The policy that is asked for.
    pub fn read(self, token: &Token) -> Result<Policy, Problem> {
        let amount = |money: Option<MoneyIn>, field: &str| {
            money.map(|money| money.in_tokens(token, &format!("credit.{field}"))).transpose()
        };
        if self.review_younger_than_hours.is_some_and(|hours| hours > LONGEST) {
            let detail = format!("at most {LONGEST} hours");
            return Err(Problem::field("credit.review_younger_than_hours", detail));
        }
        Ok(Policy {
            version: self.version.unwrap_or_default(),
            review_above: amount(self.review_above, "review_above")?,
            decline_above: amount(self.decline_above, "decline_above")?,
            tokens_per_day: amount(self.tokens_per_day, "tokens_per_day")?,
            top_ups_per_day: self.top_ups_per_day,
            review_younger_than_hours: self.review_younger_than_hours,
            fail_closed_above: amount(self.fail_closed_above, "fail_closed_above")?,
            ask_bureau_above: amount(self.ask_bureau_above, "ask_bureau_above")?,
            decline_on_error: self.decline_on_error,
            review_disputed: self.review_disputed,
            freeze_disputed: self.freeze_disputed,
            seasoning: self.seasoning.read()?,
        })
    }
}
