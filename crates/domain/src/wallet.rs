//! Wallets: an account's tokens, as two ledger accounts and what is left of its lots, in one row.
//!
//! What can be spent is the first account, what holds have reserved is the second. Counters only
//! grow; balances are derived. `posted = available + held`, and it is the sum of the open lots.

use std::cmp::Reverse;

use crate::account::Account;
use crate::amount::Amount;
use crate::id::Id;
use crate::ledger::Counters;
use crate::lot::{Lot, OpenLot, Part};
use crate::time::Timestamp;

/// How many lots a wallet has before credits join those that are there: each purchase reads and
/// writes all of them.
pub const MAX_OPEN_LOTS: usize = 100;

/// Where tokens go that come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Into a lot of their own.
    Own,
    /// To this lot.
    With(&'a OpenLot),
    /// The wallet has enough lots, and those of their kind all end sooner.
    Full,
}

/// The tokens of one account. The row is the guard of everything that belongs to the account:
/// its lots, holds, orders, licenses and idempotency keys change only under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Its name, and the name of its first ledger account.
    pub id: Id<Self>,
    /// Whose it is.
    pub account: Id<Account>,
    /// Tokens that can be spent.
    pub free: Counters,
    /// Tokens that holds have reserved.
    pub held: Counters,
    /// Tokens that its owner owes: debits are what came to be owed, credits what was paid or is owed no more.
    pub owed: Counters,
    /// What is left of its lots, oldest first; none that is used up.
    pub lots: Vec<OpenLot>,
    /// When the next of its tokens expire. It follows from the lots, and is kept so that a sweep finds
    /// the wallets that are due without looking at any other.
    pub next_expiry: Option<Timestamp>,
    /// A purchase that leaves less than this to spend rings for an automatic top-up; none while there is no
    /// such wish, or somebody is looking after it.
    pub alarm: Option<Amount>,
}

impl Wallet {
    /// A wallet with nothing in it.
    pub fn empty(id: Id<Self>, account: Id<Account>) -> Self {
        let none = Counters::default();
        Self {
            id,
            account,
            free: none,
            held: none,
            owed: none,
            lots: Vec::new(),
            next_expiry: None,
            alarm: None,
        }
    }

    /// What the ledger says that can be spent; what has expired and is not booked yet is in it.
    pub fn available(&self) -> Amount {
        self.free.credit_balance()
    }

    /// What can be spent at `at`.
    pub fn available_at(&self, at: Timestamp) -> Amount {
        let expired = Amount::try_sum(self.expired(at).iter().map(|part| part.amount));
        let left = expired.and_then(|expired| self.available().checked_sub(expired));
        left.unwrap_or(Amount::ZERO)
    }

    /// What is reserved.
    pub fn held(&self) -> Amount {
        self.held.credit_balance()
    }

    /// What its owner owes.
    pub fn owed(&self) -> Amount {
        let Counters { debits, credits } = self.owed;
        Amount::new(debits.saturating_sub(credits)).unwrap_or(Amount::MAX)
    }

    /// Everything in the wallet.
    pub fn posted(&self) -> Amount {
        self.available().checked_add(self.held()).unwrap_or(Amount::MAX)
    }

    /// What has expired at `at` and is not booked yet. Held tokens do not expire until their hold ends.
    pub fn expired(&self, at: Timestamp) -> Vec<Part> {
        let due = self.lots.iter().filter(|lot| lot.has_expired(at) && !lot.unheld().is_zero());
        due.map(|lot| Part { lot: lot.lot, kind: lot.kind, amount: lot.unheld() }).collect()
    }

    /// The wallet as it is at `at`: as if what has expired were booked.
    #[must_use]
    pub fn as_of(self, at: Timestamp) -> Self {
        let (expired, left) = (self.expired(at), self.available_at(at));
        let gone = self.available().checked_sub(left).unwrap_or(Amount::ZERO);
        match (self.free.debited(gone), self.clone().without(&expired)) {
            (Some(free), Some(wallet)) => Self { free, ..wallet },
            // Counters and lots that do not fit each other are the doctor's to find.
            _ => self,
        }
    }

    /// Where `lot` goes: into a wallet that has enough lots, to the lot of its kind that ends next after
    /// it would, the newest of those; so nobody's tokens last less than was said.
    pub fn place_for(&self, lot: &Lot) -> Place<'_> {
        let ends = |at: Option<Timestamp>| at.unwrap_or(Timestamp::from_millis(i64::MAX));
        let mut same = self.lots.iter().filter(|open| open.kind == lot.kind).peekable();
        if self.lots.len() < MAX_OPEN_LOTS || same.peek().is_none() {
            return Place::Own;
        }
        let lasting = same.filter(|open| ends(open.expires_at) >= ends(lot.expires_at));
        let next = lasting.min_by_key(|open| (ends(open.expires_at), Reverse(open.lot)));
        next.map_or(Place::Full, Place::With)
    }

    /// With tokens that joined an open lot; `None` out of range.
    pub fn with_more(mut self, lot: Id<Lot>, amount: Amount) -> Option<Self> {
        let open = self.lots.iter_mut().find(|open| open.lot == lot)?;
        open.remaining = open.remaining.checked_add(amount)?;
        Some(self.settled())
    }

    /// With a lot that came in.
    #[must_use]
    pub fn with(mut self, lot: &Lot) -> Self {
        self.lots.push(lot.opened());
        self.settled()
    }

    /// Without what its lots gave; `None` when one of them had less.
    pub fn without(mut self, parts: &[Part]) -> Option<Self> {
        for part in parts {
            let lot = self.lots.iter_mut().find(|lot| lot.lot == part.lot)?;
            lot.remaining = lot.remaining.checked_sub(part.amount)?;
            if lot.remaining < lot.held {
                return None;
            }
        }
        self.lots.retain(|lot| !lot.remaining.is_zero());
        Some(self.settled())
    }

    /// With these parts of its lots reserved; `None` when one of them has less that is not.
    pub fn holding(mut self, parts: &[Part]) -> Option<Self> {
        for part in parts {
            let lot = self.lots.iter_mut().find(|lot| lot.lot == part.lot)?;
            lot.held = lot.held.checked_add(part.amount)?;
            if lot.held > lot.remaining {
                return None;
            }
        }
        Some(self.settled())
    }

    /// With these parts of its lots, which were reserved, free again; `None` when one of them had less reserved.
    pub fn freed(mut self, parts: &[Part]) -> Option<Self> {
        for part in parts {
            let lot = self.lots.iter_mut().find(|lot| lot.lot == part.lot)?;
            lot.held = lot.held.checked_sub(part.amount)?;
        }
        Some(self.settled())
    }

    /// Without these parts of its lots, which were reserved; `None` when one of them had less reserved.
    pub fn without_held(self, parts: &[Part]) -> Option<Self> {
        self.freed(parts)?.without(parts)
    }

    /// With `amount` of what `lot` had given come back to it at `at`; `None` out of range.
    pub fn with_back(mut self, lot: &Lot, amount: Amount, at: Timestamp) -> Option<Self> {
        match self.lots.iter_mut().find(|open| open.lot == lot.id) {
            Some(open) => {
                open.remaining = open.remaining.checked_add(amount)?;
                open.expires_at = open.kind.lasts_until(open.expires_at, at);
            }
            None => {
                let expires_at = lot.kind.lasts_until(lot.expires_at, at);
                let open = OpenLot { remaining: amount, expires_at, ..lot.opened() };
                let place = self.lots.partition_point(|older| older.lot < lot.id);
                self.lots.insert(place, open);
            }
        }
        Some(self.settled())
    }

    /// With what follows from its lots.
    fn settled(mut self) -> Self {
        let spendable = self.lots.iter().filter(|lot| !lot.unheld().is_zero());
        self.next_expiry = spendable.filter_map(|lot| lot.expires_at).min();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lot::LotKind;
    use crate::time::Span;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn lot(id: u64, kind: LotKind, units: u64, expires_at: Option<Timestamp>) -> Lot {
        Lot {
            id: Id::new(id).unwrap(),
            wallet: Id::new(100).unwrap(),
            kind,
            amount: amount(units),
            priority: kind.priority(),
            expires_at,
            exchangeable_at: None,
            created_at: NOON,
        }
    }

    /// A wallet that holds these lots, whole.
    fn filled(lots: &[Lot]) -> Wallet {
        let sum = Amount::try_sum(lots.iter().map(|lot| lot.amount)).unwrap();
        let empty = Wallet::empty(Id::new(100).unwrap(), Id::new(200).unwrap());
        let free = empty.free.credited(sum).unwrap();
        lots.iter().fold(Wallet { free, ..empty }, Wallet::with)
    }

    #[test]
    fn what_has_expired_cannot_be_spent_and_what_is_held_waits() {
        let soon = NOON.plus(Span::days(1));
        let lots = [lot(1, LotKind::Promo, 30, Some(soon)), lot(2, LotKind::Paid, 70, None)];
        let mut wallet = filled(&lots);
        assert_eq!((wallet.available_at(NOON), wallet.next_expiry), (amount(100), Some(soon)));
        assert_eq!(wallet.available_at(soon), amount(70));
        let later = wallet.clone().as_of(soon);
        assert_eq!((later.available(), later.lots.len(), later.next_expiry), (amount(70), 1, None));
        wallet.lots[0].held = amount(30);
        assert_eq!(wallet.expired(soon), []);
        assert_eq!(wallet.clone().settled().next_expiry, None, "nothing is due while it is held");
    }

    #[test]
    fn a_full_wallet_takes_more_into_the_lot_that_ends_next() {
        let day = |day| NOON.plus(Span::days(day));
        let ends = |day: u32| (day < 99).then_some(NOON.plus(Span::days(day)));
        let paid = lot(200, LotKind::Paid, 1, None);
        let mut lots: Vec<_> =
            (1..=99).map(|id| lot(id.into(), LotKind::Promo, 1, ends(id))).collect();
        let gift = |expires_at| lot(300, LotKind::Promo, 1, expires_at);
        assert_eq!(filled(&lots).place_for(&gift(None)), Place::Own, "99 are not enough");
        lots.push(paid.clone());
        let full = filled(&lots);
        let home = |lot: &Lot| match full.place_for(lot) {
            Place::With(open) => Some(open.lot.number()),
            Place::Own | Place::Full => None,
        };
        assert_eq!(home(&gift(Some(day(7)))), Some(7));
        assert_eq!(home(&gift(Some(day(7).plus(Span::millis(1))))), Some(8));
        assert_eq!(home(&gift(Some(day(99)))), Some(99), "the one that never ends");
        assert_eq!(home(&lot(300, LotKind::Paid, 1, None)), Some(200));
        assert_eq!(full.place_for(&lot(300, LotKind::Credit, 1, None)), Place::Own);
        lots[98].expires_at = Some(day(98));
        assert_eq!(filled(&lots).place_for(&gift(None)), Place::Full);
        let more = full.with_more(paid.id, amount(4)).unwrap();
        assert_eq!(more.lots.iter().map(|lot| lot.remaining.units()).sum::<u64>(), 104);
    }

    #[test]
    fn what_comes_back_lasts_as_long_as_it_may() {
        let over = Some(NOON.minus(Span::days(1)));
        let empty = filled(&[]);
        let paid =
            empty.clone().with_back(&lot(1, LotKind::Paid, 9, over), amount(5), NOON).unwrap();
        assert_eq!(paid.next_expiry, Some(NOON.plus(Span::days(30))), "opened again");
        let promo = empty.with_back(&lot(2, LotKind::Promo, 9, over), amount(5), NOON).unwrap();
        assert_eq!(promo.expired(NOON).len(), 1, "a gift stays expired");
        let soon = NOON.plus(Span::hours(1));
        let more = paid.with_back(&lot(0, LotKind::Paid, 9, Some(soon)), amount(4), NOON).unwrap();
        assert_eq!(
            (more.next_expiry, more.lots[0].remaining),
            (Some(soon), amount(4)),
            "oldest first"
        );
        let more = more.with_back(&lot(1, LotKind::Paid, 9, over), amount(3), NOON).unwrap();
        assert_eq!((more.lots.len(), more.lots[1].remaining), (2, amount(8)));
    }
}
