//! Amounts as they cross the API: a whole number of smallest units, its unit, and how people write it.

use scrip_domain::partner::MICRO_SCALE;
use scrip_domain::settings::Token;
use scrip_domain::{Amount, Money, Unit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// An amount in an answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Money, example = json!({ "amount": 1250, "unit": "AUR", "display": "12.50 AUR" }))]
pub struct MoneyOut {
    /// Smallest units.
    #[schema(value_type = u64, maximum = 1_000_000_000_000_000u64)]
    amount: Amount,
    /// A token code, or an ISO 4217 currency code.
    #[schema(value_type = String)]
    unit: Unit,
    /// The same for people, with all decimals.
    display: String,
}

impl MoneyOut {
    /// So many of the vendor's tokens.
    pub fn tokens(amount: Amount, token: &Token) -> Self {
        Self::scaled(amount, token.code, token.scale)
    }

    /// So much of a token that may be another vendor's.
    pub fn scaled(amount: Amount, unit: Unit, scale: u8) -> Self {
        Self { amount, unit, display: format!("{} {unit}", amount.decimal(scale)) }
    }

    /// Money in a currency.
    pub fn currency(money: Money) -> Self {
        Self::scaled(money.amount, money.unit, money.unit.currency_scale())
    }
}

/// An amount of money that is finer than its currency: what vendors owe each other before it is settled.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({ "amount": 12_345_678, "unit": "EUR", "scale": 6, "display": "12.345678 EUR" }))]
pub struct FineMoney {
    /// Millionths. Below zero: the other side owes it.
    amount: i64,
    /// An ISO 4217 currency code.
    #[schema(value_type = String)]
    unit: Unit,
    /// The decimals of `amount`.
    #[schema(example = 6)]
    scale: u8,
    /// The same for people.
    display: String,
}

impl FineMoney {
    /// So many millionths.
    pub fn new(amount: i64, unit: Unit) -> Self {
        Self { amount, unit, scale: MICRO_SCALE, display: signed(amount, MICRO_SCALE, unit) }
    }

    /// The same of an amount that is never below zero.
    pub fn of(amount: Amount, unit: Unit) -> Self {
        Self::new(i64::try_from(amount.units()).unwrap_or(i64::MAX), unit)
    }
}

/// An amount of money that somebody pays: we above zero, the other side below.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({ "amount": -1250, "unit": "EUR", "display": "-12.50 EUR" }))]
pub struct NetMoney {
    /// Smallest units.
    amount: i64,
    /// An ISO 4217 currency code.
    #[schema(value_type = String)]
    unit: Unit,
    /// The same for people.
    display: String,
}

impl NetMoney {
    /// So many smallest units.
    pub fn new(amount: i64, unit: Unit) -> Self {
        Self { amount, unit, display: signed(amount, unit.currency_scale(), unit) }
    }
}

fn signed(amount: i64, scale: u8, unit: Unit) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let digits = Amount::new(amount.unsigned_abs()).unwrap_or(Amount::MAX).decimal(scale);
    format!("{sign}{digits} {unit}")
}

/// As people read it in a sentence: of the decimals, those that say something, and two at least.
impl std::fmt::Display for MoneyOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.display.split(' ').next().unwrap_or_default();
        let digits = match digits.split_once('.') {
            Some((whole, parts)) => {
                let says = parts.trim_end_matches('0').len().max(2).min(parts.len());
                digits.get(..whole.len() + 1 + says).unwrap_or(digits)
            }
            None => digits,
        };
        write!(f, "{digits} {}", self.unit)
    }
}

impl std::fmt::Display for NetMoney {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.display)
    }
}

/// An amount in a request. `display` is ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with amount and unit")]
#[schema(as = MoneyBody, example = json!({ "amount": 1250, "unit": "AUR" }))]
pub struct MoneyIn {
    /// Smallest units: a JSON integer literal.
    #[schema(value_type = u64, maximum = 1_000_000_000_000_000u64)]
    pub amount: Amount,
    /// The unit.
    #[schema(value_type = String, pattern = "^[A-Z][A-Z0-9]{2,7}$")]
    pub unit: Unit,
    /// Ignored: answers can be sent back as they came.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored, as the contract says")]
    display: Option<String>,
}

/// An amount above zero in a request. `display` is ignored.
#[derive(ToSchema)]
#[schema(as = MoneyAboveZero, example = json!({ "amount": 5000, "unit": "AUR" }))]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes such an amount; `MoneyIn` reads it")]
pub struct AboveZero {
    /// Smallest units: a JSON integer literal.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000u64)]
    amount: u64,
    /// The unit.
    #[schema(pattern = "^[A-Z][A-Z0-9]{2,7}$")]
    unit: String,
    /// Ignored: answers can be sent back as they came.
    display: Option<String>,
}

impl MoneyIn {
    /// The amount, which must be in the vendor's token.
    pub fn in_tokens(&self, token: &Token, field: &str) -> Result<Amount, Problem> {
        if self.unit == token.code {
            Ok(self.amount)
        } else {
            let detail = format!("prices here are in {}", token.code);
            Err(Problem::field(format!("{field}.unit"), detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_that_say_nothing_are_for_programs() {
        let unit = Unit::parse("AUR").unwrap();
        let told = |units, scale| MoneyOut::scaled(Amount::new(units).unwrap(), unit, scale);
        assert_eq!(told(125_000, 4).to_string(), "12.50 AUR");
        assert_eq!(told(125_000, 4).display, "12.5000 AUR");
        assert_eq!(told(125_010, 4).to_string(), "12.501 AUR");
        assert_eq!(told(1, 4).to_string(), "0.0001 AUR");
        assert_eq!(told(0, 4).to_string(), "0.00 AUR");
        assert_eq!(told(5, 1).to_string(), "0.5 AUR");
        assert_eq!(told(100, 0).to_string(), "100 AUR");
    }
}
