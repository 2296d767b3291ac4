//! What tokens cost: in which currencies they are sold, in which packs, and within which limits.
//!
//! One rule of rounding: tokens are rounded down to their smallest unit, and what they cost up to that of
//! the money. Nothing of it is hidden: a top-up says both, and who names the money never pays more than that.
//! What was agreed stays with the top-up, whatever tokens cost later.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::amount::{Amount, Money, Unit};
use crate::settings::{Pack, Settings, UnitValue};
use crate::words;

/// How much can be added at once; packs are the vendor's own word and are not bound by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// So many tokens at least, in smallest units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Amount>,
    /// So many at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Amount>,
}

impl Limits {
    /// The amount nearest to this one that can be added at once.
    pub fn nearest(self, tokens: Amount) -> Amount {
        let (min, max) = (self.min.unwrap_or(Amount::ZERO), self.max.unwrap_or(Amount::MAX));
        tokens.max(min).min(max)
    }

    /// What can be added at once where so much is missing.
    pub fn suggest(self, missing: Amount) -> Suggestion {
        let tokens = self.nearest(missing);
        let limited_by = match tokens.cmp(&missing) {
            Ordering::Greater => Some(Limit::Min),
            Ordering::Less => Some(Limit::Max),
            Ordering::Equal => None,
        };
        Suggestion { tokens, limited_by }
    }
}

words! {
    /// Which of the limits makes another sum of what is missing.
    pub enum Limit {
        /// Less than that cannot be added at once.
        Min = "min",
        /// More than that cannot.
        Max = "max",
    }
}

/// What can be added where tokens are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// So many at once.
    pub tokens: Amount,
    /// What makes that another sum than what is missing, if anything does.
    pub limited_by: Option<Limit>,
}

/// What a buyer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// So many tokens, to be paid in this currency; in that of the token's value without one.
    Tokens(Amount, Option<Unit>),
    /// As many tokens as this money buys.
    Pay(Money),
    /// So many tokens for this money: a pack, or the price that was shown.
    TokensFor(Amount, Money),
}

/// Tokens, and what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    /// In smallest units, above zero.
    pub tokens: Amount,
    /// For so much.
    pub pay: Money,
}

/// Why tokens are not sold so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSale {
    /// They are not sold in this currency.
    Currency,
    /// It comes to nothing.
    Nothing,
    /// It comes to more than an amount can be.
    OutOfRange,
    /// The limits do not allow it.
    Limits,
    /// It is no pack, and costs something else.
    Price(Money),
}

impl Settings {
    /// What tokens cost in each currency that they are sold in; the token's own value comes first.
    pub fn prices(&self) -> impl Iterator<Item = &UnitValue> {
        std::iter::once(&self.token.unit_value).chain(&self.prices)
    }

    fn price_in(&self, currency: Unit) -> Option<&UnitValue> {
        self.prices().find(|price| price.money.unit == currency)
    }

    /// What comes of a wish, or why nothing does.
    pub fn sale(&self, wish: Wish) -> Result<Sale, NoSale> {
        if let Wish::TokensFor(tokens, pay) = wish
            && self.packs.contains(&Pack { tokens, pay })
        {
            return Ok(Sale { tokens, pay });
        }
        let currency = match wish {
            Wish::Tokens(_, currency) => currency.unwrap_or(self.token.unit_value.money.unit),
            Wish::Pay(pay) | Wish::TokensFor(_, pay) => pay.unit,
        };
        let price = self.price_in(currency).ok_or(NoSale::Currency)?;
        let tokens = match wish {
            Wish::Tokens(tokens, _) | Wish::TokensFor(tokens, _) => tokens,
            Wish::Pay(pay) => price.tokens_for(pay.amount).ok_or(NoSale::OutOfRange)?,
        };
        if tokens.is_zero() {
            return Err(NoSale::Nothing);
        }
        let Limits { min, max } = self.top_up_limits;
        if min.is_some_and(|min| tokens < min) || max.is_some_and(|max| tokens > max) {
            return Err(NoSale::Limits);
        }
        let pay = price.price_of(tokens).ok_or(NoSale::OutOfRange)?;
        match wish {
            Wish::TokensFor(_, expected) if expected != pay => Err(NoSale::Price(pay)),
            _ => Ok(Sale { tokens, pay }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::settings::Token;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn money(units: u64, currency: &str) -> Money {
        Money { amount: amount(units), unit: Unit::parse(currency).unwrap() }
    }

    fn ratio(tokens: u64, units: u64, currency: &str) -> UnitValue {
        UnitValue { tokens: amount(tokens), money: money(units, currency) }
    }

    fn settings(value: UnitValue) -> Settings {
        let code = Unit::parse("AUR").unwrap();
        Settings::new("", Token { code, name: String::new(), scale: 2, unit_value: value })
    }

    /// A token of two decimals that costs 1.00 EUR, 160 JPY or 0.330 KWD.
    fn worldly() -> Settings {
        let mut settings = settings(ratio(100, 100, "EUR"));
        settings.prices = vec![ratio(100, 160, "JPY"), ratio(100, 330, "KWD")];
        settings
    }

    #[test]
    fn tokens_are_sold_in_every_currency_by_its_own_smallest_unit() {
        let shop = worldly();
        let pay = |tokens, currency: Option<&str>| {
            let currency = currency.map(|code| Unit::parse(code).unwrap());
            shop.sale(Wish::Tokens(amount(tokens), currency)).map(|sale| sale.pay)
        };
        assert_eq!(pay(250, None), Ok(money(250, "EUR")));
        assert_eq!(pay(250, Some("JPY")), Ok(money(400, "JPY")));
        assert_eq!(pay(250, Some("KWD")), Ok(money(825, "KWD")));
        assert_eq!(pay(1, Some("JPY")), Ok(money(2, "JPY")), "1.6 yen, rounded up");
        assert_eq!(pay(250, Some("USD")), Err(NoSale::Currency));
        let tokens = |pay| shop.sale(Wish::Pay(pay));
        let sold = |tokens, pay| Ok(Sale { tokens: amount(tokens), pay });
        assert_eq!(tokens(money(1000, "JPY")), sold(625, money(1000, "JPY")));
        assert_eq!(tokens(money(999, "JPY")), sold(624, money(999, "JPY")));
        assert_eq!(tokens(money(1, "KWD")), Err(NoSale::Nothing));
        assert_eq!(tokens(money(0, "EUR")), Err(NoSale::Nothing));
        assert_eq!(tokens(money(100, "AUR")), Err(NoSale::Currency));
    }

    #[test]
    fn what_is_missing_is_suggested_unless_a_limit_says_more_or_less() {
        let limits = Limits { min: Some(amount(500)), max: Some(amount(5000)) };
        for (missing, tokens, limited_by) in [
            (1, 500, Some(Limit::Min)),
            (499, 500, Some(Limit::Min)),
            (500, 500, None),
            (5000, 5000, None),
            (5001, 5000, Some(Limit::Max)),
        ] {
            let suggested = Suggestion { tokens: amount(tokens), limited_by };
            assert_eq!(limits.suggest(amount(missing)), suggested, "{missing}");
            let free = Suggestion { tokens: amount(missing), limited_by: None };
            assert_eq!(Limits::default().suggest(amount(missing)), free);
        }
    }

    #[test]
    fn limits_bind_what_is_named_and_not_the_packs() {
        let mut shop = worldly();
        shop.top_up_limits = Limits { min: Some(amount(500)), max: Some(amount(5000)) };
        let pack = Pack { tokens: amount(10_000), pay: money(9000, "EUR") };
        shop.packs = vec![pack];
        let tokens = |units| shop.sale(Wish::Tokens(amount(units), None)).map(|sale| sale.tokens);
        assert_eq!(tokens(499), Err(NoSale::Limits));
        assert_eq!(tokens(500), Ok(amount(500)));
        assert_eq!(tokens(5000), Ok(amount(5000)));
        assert_eq!(tokens(5001), Err(NoSale::Limits));
        assert_eq!(shop.sale(Wish::Pay(money(799, "JPY"))), Err(NoSale::Limits));
        let both = |units, pay| shop.sale(Wish::TokensFor(amount(units), pay));
        let sold = Ok(Sale { tokens: pack.tokens, pay: pack.pay });
        assert_eq!(both(10_000, pack.pay), sold);
        assert_eq!(both(10_000, money(8999, "EUR")), Err(NoSale::Limits));
        assert!(both(1000, money(1000, "EUR")).is_ok(), "the price as it is");
        assert_eq!(both(1000, money(900, "EUR")), Err(NoSale::Price(money(1000, "EUR"))));
        assert_eq!(both(1000, money(900, "USD")), Err(NoSale::Currency));
    }

    proptest! {
        #[test]
        fn a_sale_is_rounded_by_less_than_one_unit_and_never_twice(
            tokens in 1..=Amount::MAX.units(), worth in 1..=Amount::MAX.units(),
            named in 0..=Amount::MAX.units(), by_money in any::<bool>(),
        ) {
            let shop = settings(ratio(tokens, worth, "EUR"));
            let (tokens, worth) = (u128::from(tokens), u128::from(worth));
            let wish = if by_money {
                Wish::Pay(money(named, "EUR"))
            } else {
                Wish::Tokens(amount(named), None)
            };
            if let Ok(sale) = shop.sale(wish) {
                let (got, paid) = (u128::from(sale.tokens.units()), u128::from(sale.pay.amount.units()));
                prop_assert!(got > 0 && paid > 0);
                // What is paid covers the tokens, and one unit of money less would not.
                prop_assert!(paid * tokens >= got * worth);
                prop_assert!((paid - 1) * tokens < got * worth);
                if by_money {
                    prop_assert!(paid <= u128::from(named));
                    // One more token would cost more than what was named.
                    prop_assert!((got + 1) * worth > u128::from(named) * tokens);
                } else {
                    prop_assert_eq!(sale.tokens.units(), named);
                }
                // The same price, named in full, is taken as it is; another one is not.
                prop_assert_eq!(shop.sale(Wish::TokensFor(sale.tokens, sale.pay)), Ok(sale));
                let less = money(sale.pay.amount.units() - 1, "EUR");
                prop_assert_eq!(shop.sale(Wish::TokensFor(sale.tokens, less)), Err(NoSale::Price(sale.pay)));
            }
        }
    }
}
