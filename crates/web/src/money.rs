//! Amounts as they cross the API: a whole number of smallest units, its unit, and how people write it.

use std::borrow::Cow;

use scrip_domain::partner::MICRO_SCALE;
use scrip_domain::sale::{Limit, Suggestion};
use scrip_domain::settings::{Settings, Token};
use scrip_domain::{Amount, Money, Unit};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::schema::{OneOfBuilder, Type};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::language::{number, spoken};
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

/// As people read it in a sentence, in their language: of the decimals, those that say something, and two at least.
impl std::fmt::Display for MoneyOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.display.split(' ').next().unwrap_or_default();
        write!(f, "{} {}", number(telling(digits)), self.unit)
    }
}

/// Of the decimals those that say something, and two at least.
fn telling(digits: &str) -> &str {
    let Some((whole, parts)) = digits.split_once('.') else { return digits };
    let says = parts.trim_end_matches('0').len().max(2).min(parts.len());
    digits.get(..whole.len() + 1 + says).unwrap_or(digits)
}

impl std::fmt::Display for NetMoney {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.display)
    }
}

/// Reads an amount as people write it, with at most `scale` decimals: `12.50` and `12,50`, `1.234,50` and `1,234.50`.
/// What could mean two amounts is none: `1,234` in English, `1.234` in German.
pub fn typed(text: &str, scale: u8) -> Option<Amount> {
    let text = text.trim();
    let marks: Vec<char> = text.chars().filter(|sign| matches!(sign, '.' | ',')).collect();
    let (mark, group) = match marks.as_slice() {
        [] => (None, None),
        [only] if *only == spoken().unwrap_or_default().decimal_mark() => (Some(*only), None),
        [only] if are_groups(text, *only) => return None,
        [only] => (Some(*only), None),
        [group, .., last] if group == last => (None, Some(*group)),
        [group, .., last] => (Some(*last), Some(*group)),
    };
    let (whole, parts) = mark.and_then(|mark| text.split_once(mark)).unwrap_or((text, "0"));
    let whole = match group {
        Some(group) if whole.contains(group) && !are_groups(whole, group) => return None,
        Some(group) => whole.replace(group, ""),
        None => whole.to_owned(),
    };
    Amount::parse_decimal(&format!("{whole}.{parts}"), scale)
}

/// Whether digits stand in groups of three, as in `1.234`; no number begins so with a zero.
fn are_groups(text: &str, mark: char) -> bool {
    let mut groups = text.split(mark);
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && groups.all(|group| group.len() == 3)
}

/// An amount as it stands in a field, to be changed and sent back: without marks between its digits.
pub fn in_field(amount: Amount, scale: u8) -> String {
    let mark = spoken().unwrap_or_default().decimal_mark();
    telling(&amount.decimal(scale).to_string()).replace('.', &mark.to_string())
}

/// Shows how an amount is written in a unit with `scale` decimals: 12.50, or what of that there is.
pub fn example(scale: u8) -> String {
    let (units, scale) = match scale {
        0 => (12, 0),
        1 => (125, 1),
        _ => (1250, 2),
    };
    in_field(Amount::new(units).unwrap_or_default(), scale)
}

/// What can be added at once where tokens are missing: so much of them, or what the vendor's `top_up_limits` make of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TopUpSuggestion)]
pub struct SuggestionOut {
    tokens: MoneyOut,
    /// What that costs, in the currency of the token's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pay: Option<MoneyOut>,
    /// Why it is another sum than what is missing: `min`, no less can be added at once; `max`, no more can.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "min")]
    limited_by: Option<&'static str>,
}

impl SuggestionOut {
    /// Where so much is missing.
    pub fn new(missing: Amount, settings: &Settings) -> Self {
        let Suggestion { tokens, limited_by } = settings.top_up_limits.suggest(missing);
        Self {
            tokens: MoneyOut::tokens(tokens, &settings.token),
            pay: settings.token.unit_value.price_of(tokens).map(MoneyOut::currency),
            limited_by: limited_by.map(Limit::as_str),
        }
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

/// An amount of the vendor's tokens in a request: with its unit, or so many smallest units.
#[derive(Clone, Debug)]
pub enum TokensIn {
    /// With its unit.
    Money(MoneyIn),
    /// Smallest units.
    Bare(Amount),
}

impl PartialSchema for TokensIn {
    fn schema() -> RefOr<Schema> {
        let most = Amount::MAX.units();
        let bare = ObjectBuilder::new().schema_type(Type::Integer);
        let bare =
            bare.minimum(Some(0_u64)).maximum(Some(most)).description(Some("Smallest units."));
        let money = Ref::from_schema_name(MoneyIn::name());
        RefOr::T(Schema::OneOf(OneOfBuilder::new().item(money).item(bare).build()))
    }
}

impl ToSchema for TokensIn {
    fn name() -> Cow<'static, str> {
        "TokensBody".into()
    }

    fn schemas(all: &mut Vec<(String, RefOr<Schema>)>) {
        all.push((MoneyIn::name().into_owned(), MoneyIn::schema()));
    }
}

impl TokensIn {
    /// The amount, which is in the vendor's token.
    pub fn in_tokens(&self, token: &Token, field: &str) -> Result<Amount, Problem> {
        match self {
            Self::Money(money) => money.in_tokens(token, field),
            Self::Bare(amount) => Ok(*amount),
        }
    }
}

// Serde's own reader of what is one or the other would lose the place of what is wrong.
impl<'de> Deserialize<'de> for TokensIn {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = TokensIn;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object with amount and unit")
            }

            fn visit_u64<E: Error>(self, units: u64) -> Result<TokensIn, E> {
                Amount::deserialize(units.into_deserializer()).map(TokensIn::Bare)
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<TokensIn, A::Error> {
                MoneyIn::deserialize(MapAccessDeserializer::new(members)).map(TokensIn::Money)
            }
        }

        from.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use scrip_domain::language::Language;

    use super::*;
    use crate::language::written;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let read = |language, text| written(language, || typed(text, 4).map(Amount::units));
        for (text, english, german) in [
            ("12", Some(120_000), Some(120_000)),
            (" 12.50 ", Some(125_000), Some(125_000)),
            ("12,50", Some(125_000), Some(125_000)),
            ("0,125", Some(1250), Some(1250)),
            ("0.125", Some(1250), Some(1250)),
            ("1,234.50", Some(12_345_000), Some(12_345_000)),
            ("1.234,50", Some(12_345_000), Some(12_345_000)),
            ("1.234.567", Some(12_345_670_000), Some(12_345_670_000)),
            ("1,234,567.5", Some(12_345_675_000), Some(12_345_675_000)),
            ("1234,5", Some(12_345_000), Some(12_345_000)),
            ("1234.567", Some(12_345_670), Some(12_345_670)),
            // Two amounts, unless the language writes its decimals so.
            ("1.234", Some(12_340), None),
            ("1,234", None, Some(12_340)),
        ] {
            assert_eq!(read(Language::English, text), english, "{text} in English");
            assert_eq!(read(Language::German, text), german, "{text} in German");
        }
        for bad in [
            "",
            ".",
            ",",
            "1,23,4",
            "12.34,50",
            "1,234.50.1",
            "1.2.3",
            ".5",
            "5,",
            "-1",
            "1 000",
            "a",
            "1,23456",
        ] {
            for language in Language::ALL {
                assert_eq!(read(language, bad), None, "{bad}");
            }
        }
        assert_eq!(typed("12,50", 2).map(Amount::units), Some(1250), "where nobody set a language");
    }

    #[test]
    fn what_stands_in_a_field_is_read_again() {
        for language in Language::ALL {
            for units in [0, 1, 12_345, 12_345_678, 123_456_789_012] {
                let amount = Amount::new(units).unwrap();
                let again = written(language, || typed(&in_field(amount, 4), 4));
                assert_eq!(again, Some(amount), "{language} {units}");
            }
        }
    }

    #[test]
    fn an_example_is_an_amount_of_its_unit() {
        for (scale, told) in [(0, "12"), (1, "12,5"), (2, "12,50"), (4, "12,50")] {
            let (example, read) = written(Language::German, || {
                let example = example(scale);
                let read = typed(&example, scale);
                (example, read)
            });
            assert_eq!((example.as_str(), read.is_some()), (told, true), "{scale}");
        }
        assert_eq!(example(4), "12.50", "at the console");
    }

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
