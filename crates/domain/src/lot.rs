//! Lots: tokens that came in together, and the order in which they are spent.
//!
//! A lot is two things: the record of how it came in, which never changes, and what is left of it,
//! which lies in its wallet until nothing is left. So a purchase changes one row, the wallet, and
//! reads no more than what can still be spent, however often the buyer has topped up.

use crate::amount::Amount;
use crate::id::Id;
use crate::ledger::Transfer;
use crate::time::{Span, Timestamp};
use crate::wallet::Wallet;
use crate::words;

words! {
    /// Where a lot's tokens came from.
    pub enum LotKind {
        /// Bought with money.
        Paid = "paid",
        /// Given by the vendor.
        Promo = "promo",
        /// Received for another vendor's tokens.
        Exchange = "exchange",
        /// Lent under a credit line.
        Credit = "credit",
    }
}

/// How long a lot opens again that had expired when tokens came back to it.
const REOPENED: Span = Span::days(30);

impl LotKind {
    /// The usual place in the order of spending: promotional tokens before all others.
    pub const fn priority(self) -> u8 {
        match self {
            Self::Promo => 10,
            Self::Paid | Self::Exchange | Self::Credit => 50,
        }
    }

    /// Whether its tokens pay what is owed: what was bought does, what was given or lent does not.
    pub const fn pays_debts(self) -> bool {
        matches!(self, Self::Paid | Self::Exchange)
    }

    /// Whether its tokens can ever be exchanged for another vendor's: what was bought can, what was given or lent
    /// cannot, also not when what was lent has been repaid.
    pub const fn can_be_exchanged(self) -> bool {
        matches!(self, Self::Paid | Self::Exchange)
    }

    /// Until when tokens last that come back at `at` to a lot that lasted until `expires_at`.
    /// A gift that has expired stays expired; what was paid for can be spent once more.
    pub fn lasts_until(self, expires_at: Option<Timestamp>, at: Timestamp) -> Option<Timestamp> {
        let expired = expires_at.is_some_and(|expiry| expiry <= at);
        if expired && self != Self::Promo { Some(at.plus(REOPENED)) } else { expires_at }
    }
}

/// How tokens came in together. This never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Its name; grows with age.
    pub id: Id<Self>,
    /// The wallet that they came into.
    pub wallet: Id<Wallet>,
    /// Where they came from.
    pub kind: LotKind,
    /// How many.
    pub amount: Amount,
    /// Lower is spent first.
    pub priority: u8,
    /// When what is left expires.
    pub expires_at: Option<Timestamp>,
    /// From when on it can be exchanged for another vendor's tokens; none: never. What was bought always says
    /// when, what was given or lent never does.
    pub exchangeable_at: Option<Timestamp>,
    /// When it came in.
    pub created_at: Timestamp,
}

impl Lot {
    /// The lot as it lies in its wallet while nothing of it is spent.
    pub fn opened(&self) -> OpenLot {
        OpenLot {
            lot: self.id,
            kind: self.kind,
            remaining: self.amount,
            held: Amount::ZERO,
            priority: self.priority,
            expires_at: self.expires_at,
            exchangeable_at: self.exchangeable_at,
        }
    }
}

words! {
    /// What befell a lot that was neither its beginning, nor a payment, nor a refund.
    pub enum LotChangeKind {
        /// A later credit joined it, because the wallet had enough lots.
        Joined = "joined",
        /// It has expired.
        Expired = "expired",
    }
}

/// Tokens that came to a lot after its beginning, or that expired in it. This never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotChange {
    /// The transfer that moved them.
    pub transfer: Id<Transfer>,
    /// The lot.
    pub lot: Id<Lot>,
    /// What befell it.
    pub kind: LotChangeKind,
    /// How many.
    pub amount: Amount,
}

/// What is left of a lot, in its wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLot {
    /// Which lot.
    pub lot: Id<Lot>,
    /// Where its tokens came from.
    pub kind: LotKind,
    /// What is left, held tokens included; above zero.
    pub remaining: Amount,
    /// What of that is reserved by holds.
    pub held: Amount,
    /// Lower is spent first.
    pub priority: u8,
    /// When what is left expires.
    pub expires_at: Option<Timestamp>,
    /// From when on it can be exchanged for another vendor's tokens; none: never. It is later than the lot's own
    /// record says when tokens have joined it that have to wait longer.
    pub exchangeable_at: Option<Timestamp>,
}

impl OpenLot {
    /// What no hold has reserved of it.
    pub fn unheld(&self) -> Amount {
        self.remaining.checked_sub(self.held).unwrap_or(Amount::ZERO)
    }

    /// What can be spent of it at `at`.
    pub fn spendable(&self, at: Timestamp) -> Amount {
        if self.has_expired(at) { Amount::ZERO } else { self.unheld() }
    }

    /// Whether its tokens can be exchanged at `at` where lots of these kinds can be: a gift and what was lent never can, and
    /// what was bought not before it is seasoned.
    pub fn is_exchangeable(&self, kinds: &[LotKind], at: Timestamp) -> bool {
        let seasoned = self.exchangeable_at.is_some_and(|from| from <= at);
        seasoned && self.kind.can_be_exchanged() && kinds.contains(&self.kind)
    }

    /// Whether its time is over at `at`.
    pub fn has_expired(&self, at: Timestamp) -> bool {
        self.expires_at.is_some_and(|expiry| expiry <= at)
    }
}

/// What one lot gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The lot.
    pub lot: Id<Lot>,
    /// Of which kind it is.
    pub kind: LotKind,
    /// How much it gives.
    pub amount: Amount,
}

/// Which lots pay `amount`, and how much each: by priority, soonest expiry first, then oldest.
/// `None` when they hold less than that.
pub fn consume(lots: &[OpenLot], amount: Amount, at: Timestamp) -> Option<Vec<Part>> {
    let mut open: Vec<&OpenLot> = lots.iter().filter(|lot| !lot.spendable(at).is_zero()).collect();
    open.sort_by_key(|lot| {
        let expiry = lot.expires_at.map_or(i64::MAX, Timestamp::millis);
        (lot.priority, expiry, lot.lot)
    });
    let mut due = amount;
    let mut parts = Vec::new();
    for lot in open {
        if due.is_zero() {
            break;
        }
        let amount = lot.spendable(at).min(due);
        due = due.checked_sub(amount)?;
        parts.push(Part { lot: lot.lot, kind: lot.kind, amount });
    }
    due.is_zero().then_some(parts)
}

/// Those of `lots` that can be exchanged at `at`, where lots of these kinds can be.
pub fn exchangeable(lots: &[OpenLot], kinds: &[LotKind], at: Timestamp) -> Vec<OpenLot> {
    lots.iter().filter(|lot| lot.is_exchangeable(kinds, at)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lot(id: u64, kind: LotKind, remaining: u64, expires: Option<i64>) -> OpenLot {
        OpenLot {
            lot: Id::new(id).unwrap(),
            kind,
            remaining: Amount::new(remaining).unwrap(),
            held: Amount::ZERO,
            priority: kind.priority(),
            expires_at: expires.map(Timestamp::from_millis),
            exchangeable_at: None,
        }
    }

    fn parts(lots: &[OpenLot], amount: u64) -> Option<Vec<(u64, u64)>> {
        let parts = consume(lots, Amount::new(amount).unwrap(), Timestamp::from_millis(100))?;
        Some(parts.into_iter().map(|part| (part.lot.number(), part.amount.units())).collect())
    }

    #[test]
    fn promotional_first_then_soonest_expiry_then_oldest() {
        let lots = [
            lot(1, LotKind::Paid, 5, None),
            lot(2, LotKind::Paid, 5, Some(900)),
            lot(3, LotKind::Promo, 5, Some(800)),
            lot(4, LotKind::Promo, 5, Some(700)),
            lot(5, LotKind::Paid, 5, None),
        ];
        assert_eq!(parts(&lots, 22), Some(vec![(4, 5), (3, 5), (2, 5), (1, 5), (5, 2)]));
        assert_eq!(parts(&lots, 25).map(|parts| parts.len()), Some(5));
        assert_eq!(parts(&lots, 26), None);
        assert_eq!(parts(&lots, 0), Some(vec![]));
    }

    #[test]
    fn expired_and_held_tokens_do_not_pay() {
        let mut held = lot(2, LotKind::Paid, 5, None);
        held.held = Amount::new(4).unwrap();
        let lots = [lot(1, LotKind::Promo, 5, Some(100)), held];
        assert_eq!(parts(&lots, 1), Some(vec![(2, 1)]));
        assert_eq!(parts(&lots, 2), None);
    }

    fn any_lot(id: u64) -> impl Strategy<Value = OpenLot> {
        let kind = proptest::sample::select(LotKind::ALL.to_vec());
        let expires = proptest::option::of(90_i64..110);
        let seasoned = proptest::option::of(90_i64..110);
        (kind, 0_u64..100, 0_u64..100, expires, seasoned).prop_map(
            move |(kind, remaining, held, expires, seasoned)| OpenLot {
                held: Amount::new(held.min(remaining)).unwrap(),
                exchangeable_at: seasoned.map(Timestamp::from_millis),
                ..lot(id, kind, remaining, expires)
            },
        )
    }

    proptest! {
        /// Whatever lies in a wallet: what is given for a partner's tokens comes from lots that may move, and of
        /// them only what nobody holds.
        #[test]
        fn only_what_may_move_is_exchanged(
            lots in proptest::collection::vec(any_lot(0), 0..12),
            kinds in proptest::sample::subsequence(LotKind::ALL.to_vec(), 0..=LotKind::ALL.len()),
            amount in 1_u64..400,
        ) {
            let now = Timestamp::from_millis(100);
            let numbered = lots.into_iter().zip(1_u64..);
            let lots: Vec<OpenLot> =
                numbered.map(|(lot, id)| OpenLot { lot: Id::new(id).unwrap(), ..lot }).collect();
            let amount = Amount::new(amount).unwrap();
            let movable = exchangeable(&lots, &kinds, now);
            let most = Amount::try_sum(movable.iter().map(|lot| lot.spendable(now))).unwrap();
            let Some(parts) = consume(&movable, amount, now) else {
                prop_assert!(most < amount);
                return Ok(());
            };
            prop_assert_eq!(Amount::try_sum(parts.iter().map(|part| part.amount)), Some(amount));
            for part in parts {
                let lot = lots.iter().find(|lot| lot.lot == part.lot).unwrap();
                prop_assert!(matches!(lot.kind, LotKind::Paid | LotKind::Exchange));
                prop_assert!(kinds.contains(&lot.kind) && !lot.has_expired(now));
                prop_assert!(lot.exchangeable_at.unwrap() <= now && part.amount <= lot.unheld());
            }
        }

        #[test]
        fn what_lots_pay_adds_up(remaining in proptest::collection::vec(0_u64..1000, 0..12), amount in 0_u64..8000) {
            let lots: Vec<OpenLot> = remaining.iter().zip(1..).map(|(r, id)| lot(id, LotKind::Paid, *r, None)).collect();
            match parts(&lots, amount) {
                Some(parts) => prop_assert_eq!(parts.iter().map(|(_, part)| part).sum::<u64>(), amount),
                None => prop_assert!(remaining.iter().sum::<u64>() < amount),
            }
        }
    }
}
