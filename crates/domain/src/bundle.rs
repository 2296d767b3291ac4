//! Bundles: several offers at one price. Each is a line of its own, at its share of that price.

use std::cmp::Reverse;

use crate::amount::Amount;

/// The most offers in a bundle.
pub const MOST_ITEMS: usize = 20;

/// The shares of `price` of items that cost so much by themselves: by their prices, and equal ones when all are free.
/// What rounding down leaves goes to those that lost most by it, the first of equals first: one unit each. The sum is
/// exactly `price`. `None` without items, or out of range.
pub fn shares(price: Amount, items: &[Amount]) -> Option<Vec<Amount>> {
    let total = Amount::try_sum(items.iter().copied())?;
    let weigh = |item: &Amount| if total.is_zero() { 1 } else { item.units() };
    let whole = if total.is_zero() { u64::try_from(items.len()).ok()? } else { total.units() };
    if whole == 0 {
        return None;
    }
    let mut shares = Vec::with_capacity(items.len());
    let mut rests = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let (share, rest) = price.share_and_rest(weigh(item), whole)?;
        shares.push(share);
        rests.push((Reverse(rest), place));
    }
    let spent = Amount::try_sum(shares.iter().copied())?;
    let left = usize::try_from(price.checked_sub(spent)?.units()).ok()?;
    rests.sort_unstable();
    let one = Amount::new(1)?;
    for (_, place) in rests.into_iter().take(left) {
        let share = shares.get_mut(place)?;
        *share = share.checked_add(one)?;
    }
    Some(shares)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn units(price: u64, items: &[u64]) -> Option<Vec<u64>> {
        let items: Vec<_> = items.iter().map(|item| Amount::new(*item).unwrap()).collect();
        let shares = shares(Amount::new(price).unwrap(), &items)?;
        Some(shares.iter().map(|share| share.units()).collect())
    }

    #[test]
    fn a_price_is_shared_by_prices() {
        assert_eq!(units(900, &[1000, 500]), Some(vec![600, 300]));
        assert_eq!(units(100, &[1, 1, 1]), Some(vec![34, 33, 33]));
        assert_eq!(units(100, &[0, 0, 0]), Some(vec![34, 33, 33]), "equal shares of free items");
        assert_eq!(units(7, &[0, 10]), Some(vec![0, 7]), "what is free stays free");
        assert_eq!(units(0, &[10, 20]), Some(vec![0, 0]));
        assert_eq!(units(0, &[0]), Some(vec![0]));
        assert_eq!(units(5, &[]), None);
    }

    proptest! {
        #[test]
        fn shares_add_up(price in 0_u64..1_000_000_000_000, items in proptest::collection::vec(0_u64..1_000_000_000, 1..20)) {
            let shares = units(price, &items).unwrap();
            prop_assert_eq!(shares.iter().sum::<u64>(), price);
            prop_assert_eq!(&shares, &units(price, &items).unwrap(), "always the same");
            if price <= items.iter().sum() {
                for (share, item) in shares.iter().zip(&items) {
                    prop_assert!(share <= item, "a bundle that saves something saves it on each item");
                }
            }
        }
    }
}
