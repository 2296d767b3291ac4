//! Coupons: words that take something off what a selection costs.
//!
//! ```text
//! open ──close──▶ closed
//! ```
//! Whether an open one is good now follows from its times and its uses. A use is counted with the payment,
//! under the coupon's guard: a draft holds its price without being one, and a declined order is none. It is
//! never given back, not by a refund either: else a limited coupon could be used, and its goods fetched, again
//! and again.

use std::cmp::Reverse;

use crate::amount::Amount;
use crate::catalog::{Offer, Product};
use crate::id::Id;
use crate::order::Line;
use crate::time::Timestamp;

/// The most uses that a coupon can be limited to.
pub const MOST_USES: u32 = 1_000_000_000;
/// The most uses by one account that a coupon can be limited to: they are counted one by one.
pub const MOST_USES_PER_ACCOUNT: u32 = 100;
/// The most products, and the most offers, that a coupon can be limited to.
pub const MOST_GOODS: usize = 100;

/// What a coupon takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discount {
    /// So many hundredths of each line, 1 to 100, rounded down.
    Percent(u8),
    /// So many tokens of all lines together, or all that they cost.
    Amount(Amount),
}

/// A word that takes something off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coupon {
    /// The word, as [`normal`] writes it. Of those that are open, each has another.
    pub code: String,
    /// Its name.
    pub id: Id<Self>,
    /// What it takes off.
    pub discount: Discount,
    /// From when on it is good.
    pub starts_at: Option<Timestamp>,
    /// Until when.
    pub ends_at: Option<Timestamp>,
    /// How often it can be used.
    pub max_uses: Option<u32>,
    /// How often one account can use it.
    pub max_uses_per_account: Option<u32>,
    /// What a selection must cost without it.
    pub min_total: Option<Amount>,
    /// It is for these products, beside its offers; for everything when it has neither.
    pub products: Vec<Id<Product>>,
    /// It is for these offers.
    pub offers: Vec<Id<Offer>>,
    /// How often it was used.
    pub uses: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is good for no further selection.
    pub closed_at: Option<Timestamp>,
}

/// The coupon of an order, by its name and by the word as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderCoupon {
    /// The coupon.
    pub id: Id<Coupon>,
    /// Its word.
    pub code: String,
}

/// A word as it is kept and compared, however it was typed.
pub fn normal(word: &str) -> String {
    word.trim().to_ascii_uppercase()
}

/// Whether a vendor can give a coupon this word: 3 to 40 letters, digits, `-` and `_`, as [`normal`] writes them.
pub fn is_code(word: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (3..=40).contains(&word.len()) && word.bytes().all(fits)
}

impl Coupon {
    /// Whether it is good for a selection that is made at `at`.
    pub fn opens(&self, at: Timestamp) -> bool {
        self.closed_at.is_none()
            && self.starts_at.is_none_or(|start| start <= at)
            && self.ends_at.is_none_or(|end| at < end)
    }

    /// Whether a use is left for an account that has used it `before` so often.
    pub fn is_left(&self, before: usize) -> bool {
        let most = self.max_uses_per_account.map_or(Ok(usize::MAX), usize::try_from);
        self.max_uses.is_none_or(|most| self.uses < most) && most.is_ok_and(|most| before < most)
    }

    /// What it takes off each of these lines, `None` of those that it is not for. `None` for all of them when
    /// they cost too little for it, or when it would take nothing off.
    pub fn take_off(&self, lines: &[&Line]) -> Option<Vec<Option<Amount>>> {
        let prices = lines.iter().map(|line| line.list_total()).collect::<Option<Vec<_>>>()?;
        let total = Amount::try_sum(prices.iter().copied())?;
        if self.min_total.is_some_and(|least| total < least) {
            return None;
        }
        let fits = lines.iter().map(|line| self.is_for(line));
        let fitting = fits.zip(prices).map(|(fits, price)| fits.then_some(price));
        let off = self.discount.of(&fitting.collect::<Vec<_>>())?;
        off.iter().flatten().any(|off| !off.is_zero()).then_some(off)
    }

    fn is_for(&self, line: &Line) -> bool {
        self.products.is_empty() && self.offers.is_empty()
            || self.products.contains(&line.product)
            || self.offers.contains(&line.offer)
            || line.bundle.is_some_and(|bundle| self.offers.contains(&bundle))
    }

    /// How an order names it.
    pub fn named(&self) -> OrderCoupon {
        OrderCoupon { id: self.id, code: self.code.clone() }
    }
}

impl Discount {
    /// What it takes off each of these prices, and nothing of those that are none.
    fn of(self, prices: &[Option<Amount>]) -> Option<Vec<Option<Amount>>> {
        match self {
            Self::Percent(percent) => {
                let off = |price: &Option<Amount>| match price {
                    Some(price) => price.share(u64::from(percent), 100).map(Some),
                    None => Some(None),
                };
                prices.iter().map(off).collect()
            }
            Self::Amount(amount) => spread(amount, prices),
        }
    }
}

/// Spreads `amount`, or all that they cost, over prices by their size. What rounding down leaves goes to those
/// that lost most by it, the first of equals first: one unit each, so no price goes below zero.
fn spread(amount: Amount, prices: &[Option<Amount>]) -> Option<Vec<Option<Amount>>> {
    let total = Amount::try_sum(prices.iter().copied().flatten())?;
    let amount = amount.min(total);
    if total.is_zero() {
        return Some(prices.to_vec());
    }
    let mut shares = Vec::with_capacity(prices.len());
    let mut rests = Vec::with_capacity(prices.len());
    for (place, price) in prices.iter().enumerate() {
        let Some(price) = price else {
            shares.push(None);
            continue;
        };
        let (share, rest) = amount.share_and_rest(price.units(), total.units())?;
        shares.push(Some(share));
        rests.push((Reverse(rest), place));
    }
    let spent = Amount::try_sum(shares.iter().copied().flatten())?;
    let left = usize::try_from(amount.checked_sub(spent)?.units()).ok()?;
    rests.sort_unstable();
    for (_, place) in rests.into_iter().take(left) {
        if let Some(Some(share)) = shares.get_mut(place) {
            *share = share.checked_add(Amount::ONE)?;
        }
    }
    Some(shares)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scrip_license::{Limits, Terms};

    use super::*;
    use crate::time::Span;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn coupon(discount: Discount) -> Coupon {
        Coupon {
            code: "SPRING".into(),
            id: Id::new(1).unwrap(),
            discount,
            starts_at: None,
            ends_at: None,
            max_uses: None,
            max_uses_per_account: None,
            min_total: None,
            products: vec![],
            offers: vec![],
            uses: 0,
            created_at: Timestamp::from_millis(0),
            closed_at: None,
        }
    }

    /// A line of the product and offer with this number.
    fn line(number: u64, price: u64, quantity: u32) -> Line {
        Line {
            order: Id::new(9).unwrap(),
            id: Id::new(number).unwrap(),
            offer: Id::new(number).unwrap(),
            product: Id::new(number).unwrap(),
            title: String::new(),
            price: amount(price),
            discount: None,
            quantity,
            terms: Terms::Perpetual,
            limits: Limits::default(),
            release: None,
            extends: None,
            bundle: None,
        }
    }

    fn off(coupon: &Coupon, lines: &[Line]) -> Option<Vec<Option<u64>>> {
        let off = coupon.take_off(&lines.iter().collect::<Vec<_>>())?;
        Some(off.into_iter().map(|off| off.map(Amount::units)).collect())
    }

    #[test]
    fn percents_are_rounded_down_line_by_line() {
        let lines = [line(1, 33, 1), line(2, 5, 3), line(3, 0, 1)];
        let ten = coupon(Discount::Percent(10));
        assert_eq!(off(&ten, &lines), Some(vec![Some(3), Some(1), Some(0)]));
        let all = coupon(Discount::Percent(100));
        assert_eq!(off(&all, &lines), Some(vec![Some(33), Some(15), Some(0)]));
        assert_eq!(off(&ten, &[line(1, 9, 1)]), None, "nothing comes off, so nothing is used");
        assert_eq!(off(&ten, &[line(1, 0, 1)]), None);
    }

    #[test]
    fn an_amount_is_spread_by_size_and_ends_at_the_price() {
        let of = |units| coupon(Discount::Amount(amount(units)));
        let lines = [line(1, 10, 1), line(2, 10, 1), line(3, 10, 1)];
        assert_eq!(off(&of(10), &lines), Some(vec![Some(4), Some(3), Some(3)]));
        assert_eq!(off(&of(11), &lines), Some(vec![Some(4), Some(4), Some(3)]));
        assert_eq!(off(&of(31), &lines), Some(vec![Some(10); 3]));
        let lines = [line(1, 1, 1), line(2, 99, 1), line(3, 0, 1)];
        assert_eq!(off(&of(50), &lines), Some(vec![Some(1), Some(49), Some(0)]));
    }

    #[test]
    fn a_coupon_is_for_what_it_names_and_from_its_least_total_on() {
        let lines = [line(1, 40, 1), line(2, 60, 1), line(3, 100, 1)];
        let some = Coupon {
            products: vec![Id::new(1).unwrap()],
            offers: vec![Id::new(3).unwrap()],
            ..coupon(Discount::Percent(50))
        };
        assert_eq!(off(&some, &lines), Some(vec![Some(20), None, Some(50)]));
        assert_eq!(off(&some, &lines[1..2]), None);
        let least = |units| Coupon { min_total: Some(amount(units)), ..some.clone() };
        assert!(off(&least(200), &lines).is_some() && off(&least(201), &lines).is_none());
    }

    #[test]
    fn a_coupon_is_good_within_its_bounds() {
        let at = |hours| Timestamp::from_millis(0).plus(Span::hours(hours));
        let bounded = Coupon {
            starts_at: Some(at(2)),
            ends_at: Some(at(4)),
            max_uses: Some(5),
            max_uses_per_account: Some(2),
            uses: 4,
            ..coupon(Discount::Percent(1))
        };
        let opens = [1, 2, 3, 4].map(|hours| bounded.opens(at(hours)));
        assert_eq!(opens, [false, true, true, false]);
        assert!(bounded.is_left(1) && !bounded.is_left(2));
        assert!(!Coupon { uses: 5, ..bounded.clone() }.is_left(0));
        assert!(!Coupon { closed_at: Some(at(3)), ..bounded }.opens(at(3)));
    }

    #[test]
    fn words_are_compared_in_upper_case() {
        assert_eq!(normal(" spring-25 "), "SPRING-25");
        assert!(is_code("SPRING-25") && is_code("A_1") && is_code(&"X".repeat(40)));
        for bad in ["", "AB", "spring", "A B C", "FRÜHLING", "A\0B"] {
            assert!(!is_code(bad), "{bad}");
        }
        assert!(!is_code(&"X".repeat(41)));
    }

    proptest! {
        #[test]
        fn no_price_goes_below_zero_and_an_amount_comes_off_to_the_last_unit(
            prices in proptest::collection::vec((0_u64..=20_000_000_000_000, 1_u32..3), 1..25),
            percent in 1_u8..=100,
            units in prop_oneof![1_u64..100, 1..=Amount::MAX.units()],
        ) {
            let lines: Vec<Line> =
                prices.iter().zip(1..).map(|((price, quantity), id)| line(id, *price, *quantity)).collect();
            let total: u64 = lines.iter().map(|line| line.total().unwrap().units()).sum();
            for discount in [Discount::Percent(percent), Discount::Amount(amount(units))] {
                let Some(off) = off(&coupon(discount), &lines) else { continue };
                for (line, off) in lines.iter().zip(&off) {
                    let whole = line.total().unwrap().units();
                    prop_assert!(off.unwrap() <= whole);
                    let lessened = Line { discount: off.and_then(Amount::new), ..line.clone() };
                    prop_assert_eq!(lessened.total().unwrap().units(), whole - off.unwrap());
                }
                let sum: u64 = off.iter().flatten().sum();
                match discount {
                    Discount::Percent(percent) => {
                        let exact = u128::from(total) * u128::from(percent) / 100;
                        prop_assert!(u128::from(sum) <= exact && exact - u128::from(sum) <= off.len() as u128);
                    }
                    Discount::Amount(amount) => prop_assert_eq!(sum, amount.units().min(total)),
                }
            }
        }
    }
}
