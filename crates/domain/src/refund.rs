//! Refunds: tokens of a paid order go back, whole or in part, into the very lots that paid.
//!
//! What is given back is counted per line (units and amount) and per lot, and never exceeds what was
//! sold and paid, whatever is asked. What comes back to a promotional lot that has expired is gone
//! at once; any other lot that has expired opens again for a while.

use crate::amount::Amount;
use crate::id::Id;
use crate::ledger::Transfer;
use crate::lot::{Lot, Part};
use crate::order::{Line, LinePayment, Order, OrderState};
use crate::time::Timestamp;
use crate::words;

words! {
    /// What becomes of the licenses of what is given back.
    pub enum LicensePolicy {
        /// They end.
        Revoke = "revoke",
        /// The buyer keeps them.
        Keep = "keep",
    }
}

/// Tokens of an order that went back. This never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Of which order.
    pub order: Id<Order>,
    /// Its name.
    pub id: Id<Self>,
    /// The movement; none where nothing had been paid.
    pub transfer: Option<Id<Transfer>>,
    /// How much.
    pub amount: Amount,
    /// What became of the licenses.
    pub licenses: LicensePolicy,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What a refund gave back of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundLine {
    /// The order.
    pub order: Id<Order>,
    /// The refund.
    pub refund: Id<Refund>,
    /// The line.
    pub line: Id<Line>,
    /// How many of its units are given back with it.
    pub quantity: u32,
    /// How much.
    pub amount: Amount,
}

/// What a refund gave back to one lot, of what that paid for one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundLot {
    /// The order.
    pub order: Id<Order>,
    /// The refund.
    pub refund: Id<Refund>,
    /// The line that the lot had paid.
    pub line: Id<Line>,
    /// The lot.
    pub lot: Id<Lot>,
    /// How much.
    pub amount: Amount,
    /// How much of that had expired meanwhile, and was gone at once.
    pub expired: Amount,
}

/// What is asked back of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All that is left.
    Rest,
    /// So many units.
    Quantity(u32),
    /// So much.
    Amount(Amount),
}

/// How much of a line, in units and in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Units.
    pub quantity: u32,
    /// Tokens.
    pub amount: Amount,
}

/// More was asked back than is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeds;

impl Extent {
    /// The whole of a line; `None` out of range.
    pub fn of(line: &Line) -> Option<Self> {
        Some(Self { quantity: line.quantity, amount: line.total()? })
    }

    /// What is left of a line after these refunds; `None` when they gave back more than was sold.
    pub fn left(line: &Line, before: &[RefundLine]) -> Option<Self> {
        let of_line = before.iter().filter(|refunded| refunded.line == line.id);
        of_line.into_iter().try_fold(Self::of(line)?, |left, refunded| {
            Some(Self {
                quantity: left.quantity.checked_sub(refunded.quantity)?,
                amount: left.amount.checked_sub(refunded.amount)?,
            })
        })
    }

    /// What is left of a line after these refunds, for whoever only shows it: of what cannot be, nothing.
    pub fn left_to_show(line: &Line, before: &[RefundLine]) -> Self {
        Self::left(line, before).unwrap_or(Self { quantity: 0, amount: Amount::ZERO })
    }

    /// Whether nothing is left.
    pub fn is_empty(self) -> bool {
        self.quantity == 0
    }

    /// What `share` takes of this, which is left of the `whole` of a line. Units take what was paid for
    /// as many, rounded down, and the last of them all that is left. An amount takes no unit before it
    /// takes the last token; whatever takes that takes all units.
    pub fn take(self, share: Share, whole: Self) -> Result<Self, Exceeds> {
        let (quantity, amount) = match share {
            Share::Rest => (self.quantity, self.amount),
            Share::Quantity(quantity) if quantity == self.quantity => (quantity, self.amount),
            Share::Quantity(quantity) => {
                let units = (u64::from(quantity), u64::from(whole.quantity));
                let amount = whole.amount.share(units.0, units.1).ok_or(Exceeds)?;
                // A part may have gone back before.
                (quantity, amount.min(self.amount))
            }
            Share::Amount(amount) => (0, amount),
        };
        if quantity > self.quantity || amount > self.amount {
            return Err(Exceeds);
        }
        let last = amount == self.amount && !amount.is_zero();
        Ok(Self { quantity: if last { self.quantity } else { quantity }, amount })
    }
}

/// Where an order stands whose lines have this left, after something was given back.
pub fn state_after(left: &[Extent]) -> OrderState {
    if left.iter().all(|left| left.is_empty()) {
        OrderState::Refunded
    } else {
        OrderState::PartiallyRefunded
    }
}

/// Which lots get `amount` of a line back, of the `payments` in the order in which they were made: the
/// last to pay gets back first, each no more than it paid and has not got back `before`. `None` when
/// that is less than `amount`.
pub fn give_back(
    amount: Amount,
    line: Id<Line>,
    payments: &[LinePayment],
    before: &[RefundLot],
) -> Option<Vec<Part>> {
    let mut due = amount;
    let mut parts = Vec::new();
    for payment in payments.iter().rev().filter(|payment| payment.line == line) {
        let of_lot = before.iter().filter(|back| back.line == line && back.lot == payment.lot);
        let back = Amount::try_sum(of_lot.map(|back| back.amount))?;
        let amount = payment.amount.checked_sub(back)?.min(due);
        if !amount.is_zero() {
            due = due.checked_sub(amount)?;
            parts.push(Part { lot: payment.lot, kind: payment.kind, amount });
        }
    }
    due.is_zero().then_some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lot::LotKind;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn extent(quantity: u32, units: u64) -> Extent {
        Extent { quantity, amount: amount(units) }
    }

    #[test]
    fn a_share_is_never_more_than_is_left() {
        let left = extent(2, 50);
        let whole = extent(2, 60);
        assert_eq!(left.take(Share::Rest, whole), Ok(left));
        assert_eq!(left.take(Share::Quantity(1), whole), Ok(extent(1, 30)));
        assert_eq!(left.take(Share::Quantity(2), whole), Ok(left), "ten went back before");
        assert_eq!(left.take(Share::Quantity(3), whole), Err(Exceeds));
        assert_eq!(left.take(Share::Amount(amount(49)), whole), Ok(extent(0, 49)));
        assert_eq!(left.take(Share::Amount(amount(50)), whole), Ok(left), "the last token");
        assert_eq!(left.take(Share::Amount(amount(51)), whole), Err(Exceeds));
        let free = extent(2, 0);
        assert_eq!(free.take(Share::Quantity(1), free), Ok(extent(1, 0)));
    }

    #[test]
    fn a_unit_of_a_lessened_line_brings_what_was_paid_for_it() {
        let whole = extent(3, 40);
        assert_eq!(whole.take(Share::Quantity(1), whole), Ok(extent(1, 13)));
        assert_eq!(whole.take(Share::Quantity(2), whole), Ok(extent(2, 26)));
        assert_eq!(extent(1, 14).take(Share::Quantity(1), whole), Ok(extent(1, 14)));
    }

    proptest! {
        #[test]
        fn whatever_is_asked_of_a_line_in_the_end_all_that_was_paid_went_back_and_no_more(
            units in 1_u32..20, paid in 0_u64..1000,
            asked in proptest::collection::vec((any::<bool>(), 1_u32..20, 1_u64..400), 0..12),
        ) {
            let whole = extent(units, paid);
            let (mut left, mut back) = (whole, extent(0, 0));
            let shares = asked.iter().map(|(by_unit, quantity, units)| {
                if *by_unit { Share::Quantity(*quantity) } else { Share::Amount(amount(*units)) }
            });
            for share in shares.chain([Share::Rest]) {
                let Ok(taken) = left.take(share, whole) else { continue };
                left.quantity -= taken.quantity;
                left.amount = left.amount.checked_sub(taken.amount).unwrap();
                back.quantity += taken.quantity;
                back.amount = back.amount.checked_add(taken.amount).unwrap();
                prop_assert!(back.amount <= whole.amount && back.quantity <= whole.quantity);
                prop_assert!(!left.is_empty() || left.amount.is_zero(), "nothing stays without a unit");
            }
            prop_assert_eq!((back, left), (whole, extent(0, 0)));
        }
    }

    #[test]
    fn an_order_is_refunded_when_nothing_is_left_of_any_line() {
        assert_eq!(state_after(&[extent(0, 0), extent(0, 0)]), OrderState::Refunded);
        assert_eq!(state_after(&[extent(0, 0), extent(1, 0)]), OrderState::PartiallyRefunded);
    }

    #[test]
    fn the_last_lot_to_pay_is_the_first_to_get_back() {
        let line = Id::new(7).unwrap();
        let paid = |lot, units| LinePayment {
            line,
            lot: Id::new(lot).unwrap(),
            kind: LotKind::Paid,
            amount: amount(units),
            place: 0,
        };
        let payments = [paid(3, 20), paid(1, 40)];
        let parts = |units, before: &[RefundLot]| {
            let parts = give_back(amount(units), line, &payments, before)?;
            Some(parts.iter().map(|p| (p.lot.number(), p.amount.units())).collect::<Vec<_>>())
        };
        assert_eq!(parts(50, &[]), Some(vec![(1, 40), (3, 10)]));
        let back = RefundLot {
            order: Id::new(9).unwrap(),
            refund: Id::new(8).unwrap(),
            line,
            lot: Id::new(1).unwrap(),
            amount: amount(35),
            expired: Amount::ZERO,
        };
        assert_eq!(parts(10, std::slice::from_ref(&back)), Some(vec![(1, 5), (3, 5)]));
        assert_eq!(parts(26, &[back]), None);
    }
}
