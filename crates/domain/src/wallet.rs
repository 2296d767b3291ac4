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
    /// Until when tokens wait at the latest that joined a lot which could have been exchanged sooner. A lot that
    /// opens again counts this as its own time: its record does not tell what has joined it.
    pub joined_until: Option<Timestamp>,
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
            joined_until: None,
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
    /// it would, of those to the one whose seasoning is nearest to its own, the newest; so nobody's tokens
    /// last less than was said. What can never be exchanged joins nothing that can.
    pub fn place_for(&self, lot: &Lot) -> Place<'_> {
        let ends = |at: Option<Timestamp>| at.unwrap_or(Timestamp::from_millis(i64::MAX));
        let seasons = |at: Option<Timestamp>| at.map_or(0, Timestamp::millis);
        let apart = |at| seasons(at).abs_diff(seasons(lot.exchangeable_at));
        let alike = |open: &&OpenLot| {
            open.kind == lot.kind && open.exchangeable_at.is_some() == lot.exchangeable_at.is_some()
        };
        let mut same = self.lots.iter().filter(alike).peekable();
        if self.lots.len() < MAX_OPEN_LOTS || same.peek().is_none() {
            return Place::Own;
        }
        let lasting = same.filter(|open| ends(open.expires_at) >= ends(lot.expires_at));
        let next = lasting.min_by_key(|open| {
            (ends(open.expires_at), apart(open.exchangeable_at), Reverse(open.lot))
        });
        next.map_or(Place::Full, Place::With)
    }

    /// With the tokens of `lot` joined to an open one, of which all can be exchanged when the last can; `None`
    /// out of range.
    pub fn with_joined(mut self, home: Id<Lot>, lot: &Lot) -> Option<Self> {
        let open = self.lots.iter_mut().find(|open| open.lot == home)?;
        open.remaining = open.remaining.checked_add(lot.amount)?;
        if open.exchangeable_at < lot.exchangeable_at {
            open.exchangeable_at = lot.exchangeable_at;
            self.joined_until = self.joined_until.max(lot.exchangeable_at);
        }
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
                let joined = self.joined_until.filter(|until| *until > at);
                let exchangeable_at =
                    lot.exchangeable_at.map(|own| joined.map_or(own, |until| own.max(until)));
                let open =
                    OpenLot { remaining: amount, expires_at, exchangeable_at, ..lot.opened() };
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
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::lot::{LotKind, consume};
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
        let more = full.with_joined(paid.id, &lot(300, LotKind::Paid, 4, None)).unwrap();
        assert_eq!(more.lots.iter().map(|lot| lot.remaining.units()).sum::<u64>(), 104);
    }

    /// What befalls a wallet.
    #[derive(Clone, Debug)]
    enum Step {
        /// Tokens come in, exchangeable in so many hours.
        Bring(u32),
        /// The lot in this place is spent whole.
        Spend(usize),
        /// What was spent of a lot comes back to it.
        GiveBack(usize),
        /// So many hours pass.
        Wait(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0_u32..50).prop_map(Step::Bring),
            2 => (0_usize..10).prop_map(Step::Spend),
            2 => (0_usize..10).prop_map(Step::GiveBack),
            1 => (0_u32..20).prop_map(Step::Wait),
        ]
    }

    proptest! {
        /// In a wallet with few places for bought lots: whatever joins, is spent and comes back, no lot can be
        /// exchanged before all the tokens that ever came into it could be by what was said of them.
        #[test]
        fn tokens_can_never_be_exchanged_sooner_than_was_said(steps in proptest::collection::vec(step(), 1..60)) {
            let gifts: Vec<_> = (1..=97).map(|id| lot(id, LotKind::Promo, 1, None)).collect();
            let (mut wallet, mut now) = (filled(&gifts), NOON);
            let mut records: BTreeMap<Id<Lot>, Lot> = BTreeMap::new();
            let mut said: BTreeMap<Id<Lot>, Timestamp> = BTreeMap::new();
            let mut spent: Vec<(Id<Lot>, Amount)> = Vec::new();
            for (number, step) in (1000..).zip(steps) {
                let bought = |wallet: &Wallet, place: usize| {
                    wallet.lots.iter().filter(|open| open.kind == LotKind::Paid).nth(place).cloned()
                };
                match step {
                    Step::Bring(hours) => {
                        let at = now.plus(Span::hours(hours));
                        let new = Lot { exchangeable_at: Some(at), ..lot(number, LotKind::Paid, 5, None) };
                        let home = match wallet.place_for(&new) {
                            Place::With(open) => open.lot,
                            Place::Own | Place::Full => new.id,
                        };
                        wallet = if home == new.id { wallet.with(&new) } else { wallet.with_joined(home, &new).unwrap() };
                        records.entry(home).or_insert(new);
                        said.entry(home).and_modify(|before| *before = at.max(*before)).or_insert(at);
                    }
                    Step::Spend(place) => if let Some(open) = bought(&wallet, place) {
                        let part = Part { lot: open.lot, kind: open.kind, amount: open.remaining };
                        wallet = wallet.without(&[part]).unwrap();
                        spent.push((open.lot, open.remaining));
                    },
                    Step::GiveBack(place) if place < spent.len() => {
                        let (lot, amount) = spent.swap_remove(place);
                        wallet = wallet.with_back(&records[&lot], amount, now).unwrap();
                    }
                    Step::GiveBack(_) => {}
                    Step::Wait(hours) => now = now.plus(Span::hours(hours)),
                }
                for open in wallet.lots.iter().filter(|open| open.kind == LotKind::Paid) {
                    let (at, said) = (open.exchangeable_at.unwrap(), said[&open.lot]);
                    prop_assert!(at >= said || said <= now, "{at} instead of {said}");
                    prop_assert!(at >= records[&open.lot].exchangeable_at.unwrap());
                }
                for open in wallet.lots.iter().filter(|open| open.kind == LotKind::Promo) {
                    prop_assert_eq!(open.exchangeable_at, None);
                }
            }
        }
    }

    #[test]
    fn tokens_join_the_lot_whose_seasoning_is_nearest_and_never_one_without() {
        let hours = |hours| Some(NOON.plus(Span::hours(hours)));
        let paid = |id, exchangeable_at| Lot { exchangeable_at, ..lot(id, LotKind::Paid, 5, None) };
        let mut lots: Vec<_> = (1..=97).map(|id| lot(id, LotKind::Promo, 1, None)).collect();
        lots.extend([paid(201, hours(0)), paid(202, hours(100)), paid(203, None)]);
        let wallet = filled(&lots);
        let home = |hour| match wallet.place_for(&paid(300, hours(hour))) {
            Place::With(open) => open.lot.number(),
            Place::Own | Place::Full => 0,
        };
        assert_eq!([0, 49, 51, 100, 999].map(home), [201, 201, 202, 202, 202]);
        let (first, home) = (lots[97].clone(), lots[97].id);
        let joined = wallet.with_joined(home, &paid(300, hours(49))).unwrap();
        assert_eq!((joined.lots[97].exchangeable_at, joined.joined_until), (hours(49), hours(49)));
        let more = joined.clone().with_joined(home, &paid(301, hours(3))).unwrap();
        assert_eq!((more.lots[97].exchangeable_at, more.joined_until), (hours(49), hours(49)));
        let spent = Part { lot: home, kind: LotKind::Paid, amount: amount(15) };
        let reopened = |at| {
            let wallet = more.clone().without(&[spent]).unwrap();
            wallet.with_back(&first, amount(15), at).unwrap().lots[97].exchangeable_at
        };
        assert_eq!((reopened(NOON), reopened(NOON.plus(Span::hours(49)))), (hours(49), hours(0)));
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

    proptest! {
        #[test]
        fn what_is_held_comes_free_or_goes_and_touches_nothing_else(
            remaining in proptest::collection::vec((1_u64..100, any::<bool>()), 1..8), units in 1_u64..500,
        ) {
            let mut wallet = Wallet::empty(Id::new(100).unwrap(), Id::new(1).unwrap());
            for ((units, promo), id) in remaining.into_iter().zip(1..) {
                let kind = if promo { LotKind::Promo } else { LotKind::Paid };
                let end = promo.then(|| NOON.plus(Span::days(1)));
                wallet = wallet.with(&lot(id, kind, units, end));
            }
            let Some(parts) = consume(&wallet.lots, amount(units), NOON) else { return Ok(()) };
            let holding = wallet.clone().holding(&parts).unwrap();
            let held: u64 = holding.lots.iter().map(|lot| lot.held.units()).sum();
            prop_assert_eq!(held, units);
            // Held tokens pay nothing else, are not held twice, and do not expire.
            let free: u64 = wallet.lots.iter().map(|lot| lot.remaining.units()).sum();
            prop_assert!(consume(&holding.lots, amount(free - units + 1), NOON).is_none());
            let late = NOON.plus(Span::days(2));
            for part in holding.expired(late) {
                let lot = holding.lots.iter().find(|lot| lot.lot == part.lot).unwrap();
                prop_assert_eq!(part.amount, lot.unheld());
            }
            prop_assert_eq!(holding.clone().freed(&parts), Some(wallet.clone()));
            prop_assert_eq!(holding.clone().without_held(&parts), wallet.clone().without(&parts));
            prop_assert_eq!(wallet.freed(&parts), None);
        }
    }
}
