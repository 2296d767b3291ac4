//! Holds: tokens of a wallet that are reserved for somebody, lot by lot.
//!
//! ```text
//! open ──capture──▶ posted
//!  └──cancel──▶ voided
//!  └──time──▶ expired
//! ```
//! Which lots a hold has reserved is fixed when it is made. A capture takes exactly those tokens, the end of a hold frees
//! exactly those, and what is given back of them later goes back to those, the last to pay first.

use crate::amount::Amount;
use crate::event::Subject;
use crate::id::Id;
use crate::ledger::Reason;
use crate::lot::{Lot, LotKind, Part};
use crate::time::Timestamp;
use crate::wallet::Wallet;
use crate::words;

words! {
    /// Where a hold stands.
    pub enum HoldState {
        /// The tokens are reserved.
        Open = "open",
        /// They were taken.
        Posted = "posted",
        /// They are free again, because somebody said so.
        Voided = "voided",
        /// They are free again, because its time was over.
        Expired = "expired",
    }
}

/// Tokens that are reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its name.
    pub id: Id<Self>,
    /// Whose tokens.
    pub wallet: Id<Wallet>,
    /// How many; above zero.
    pub amount: Amount,
    /// Why.
    pub reason: Reason,
    /// What for: the purchase request, or the exchange.
    pub subject: Subject,
    /// Where it stands.
    pub state: HoldState,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when at most.
    pub expires_at: Timestamp,
    /// When it stopped being open.
    pub resolved_at: Option<Timestamp>,
}

impl Hold {
    /// The hold after it ended at `at`.
    #[must_use]
    pub fn ended(&self, state: HoldState, at: Timestamp) -> Self {
        Self { state, resolved_at: Some(at), ..self.clone() }
    }
}

/// What a hold has reserved of one lot. This never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldLot {
    /// The hold.
    pub hold: Id<Hold>,
    /// The lot.
    pub lot: Id<Lot>,
    /// Of which kind the lot is.
    pub kind: LotKind,
    /// How much.
    pub amount: Amount,
    /// Its place among the lots of the hold, in the order in which they pay.
    pub place: u32,
}

impl HoldLot {
    /// The rows of a hold that reserves these parts, in order.
    pub fn all(hold: Id<Hold>, parts: &[Part]) -> Vec<Self> {
        let places = 0_u32..;
        let row = |(part, place): (&Part, u32)| {
            let Part { lot, kind, amount } = *part;
            Self { hold, lot, kind, amount, place }
        };
        parts.iter().zip(places).map(row).collect()
    }

    /// The same as what the lot gives.
    pub fn part(&self) -> Part {
        Part { lot: self.lot, kind: self.kind, amount: self.amount }
    }
}

/// Which lots get `amount` of a captured hold back, when so much has come back to each `before`: the last to pay gets
/// back first, each no more than it gave. `None` when that is less than `amount`.
pub fn give_back(
    amount: Amount,
    lots: &[HoldLot],
    before: &[(Id<Lot>, Amount)],
) -> Option<Vec<Part>> {
    let mut order: Vec<&HoldLot> = lots.iter().collect();
    order.sort_by_key(|lot| std::cmp::Reverse(lot.place));
    let mut due = amount;
    let mut parts = Vec::new();
    for lot in order {
        let back = before.iter().filter(|(id, _)| *id == lot.lot).map(|(_, amount)| *amount);
        let left = lot.amount.checked_sub(Amount::try_sum(back)?)?;
        let amount = left.min(due);
        if !amount.is_zero() {
            due = due.checked_sub(amount)?;
            parts.push(Part { amount, ..lot.part() });
        }
    }
    due.is_zero().then_some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn lots(amounts: &[u64]) -> Vec<HoldLot> {
        let part = |(units, id): (&u64, u64)| Part {
            lot: Id::new(id).unwrap(),
            kind: LotKind::Paid,
            amount: amount(*units),
        };
        let parts: Vec<Part> = amounts.iter().zip(1..).map(part).collect();
        HoldLot::all(Id::new(9).unwrap(), &parts)
    }

    #[test]
    fn the_last_lot_to_pay_gets_back_first() {
        let parts = |units, before: &[(u64, u64)]| {
            let before: Vec<_> =
                before.iter().map(|(id, units)| (Id::new(*id).unwrap(), amount(*units))).collect();
            let parts = give_back(amount(units), &lots(&[20, 40]), &before)?;
            Some(parts.iter().map(|p| (p.lot.number(), p.amount.units())).collect::<Vec<_>>())
        };
        assert_eq!(parts(50, &[]), Some(vec![(2, 40), (1, 10)]));
        assert_eq!(parts(10, &[(2, 35)]), Some(vec![(2, 5), (1, 5)]));
        assert_eq!(parts(26, &[(2, 35)]), None);
    }

    proptest! {
        #[test]
        fn no_lot_gets_back_more_than_it_gave(
            held in proptest::collection::vec(1_u64..50, 1..6),
            asked in proptest::collection::vec(1_u64..80, 0..12),
        ) {
            let lots = lots(&held);
            let mut back: Vec<(Id<Lot>, Amount)> = Vec::new();
            for units in asked {
                let Some(parts) = give_back(amount(units), &lots, &back) else { continue };
                prop_assert_eq!(parts.iter().map(|part| part.amount.units()).sum::<u64>(), units);
                back.extend(parts.iter().map(|part| (part.lot, part.amount)));
                for lot in &lots {
                    let sum: u64 = back.iter().filter(|(id, _)| *id == lot.lot).map(|(_, a)| a.units()).sum();
                    prop_assert!(sum <= lot.amount.units());
                }
            }
        }
    }
}
