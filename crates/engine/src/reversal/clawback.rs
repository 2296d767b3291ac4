//! What reversals do to a wallet: tokens are taken, owed, given back.
//!
//! Everything here works on the rows of one top-up under the guard of its wallet, and is written at the
//! end: so one command can book several refunds and disputes, each seeing what those before it took.

use std::vec::IntoIter;

use scrip_domain::event::{Event, EventType};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::lot::{Lot, Part};
use scrip_domain::reversal::{
    DebtPayment, Reversal, ReversalKind, ReversalLot, ReversalState, Worth,
};
use scrip_domain::top_up::TopUp;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Fault, Wants};

use crate::ledger::{self, Buyer};
use crate::{Engine, event};

/// The ids that reversals may need.
#[derive(Clone, Debug)]
pub(crate) struct Supply {
    transfers: Vec<Id<Transfer>>,
    reversals: Vec<Id<Reversal>>,
    events: Vec<Id<Event>>,
    /// The lots that may be given back to.
    lots: Vec<Id<Lot>>,
}

/// Transfers that one step of a reversal makes at most: what has expired, what is taken or given back, what is
/// owed or owed no more, what was paid of that.
const TRANSFERS: usize = 5;

impl Engine {
    /// What is needed to change the reversals of a top-up, and to begin `new` ones.
    pub(crate) async fn supply(
        &self,
        top_up: &TopUp,
        buyer: Buyer,
        new: usize,
    ) -> Result<Supply, Fault> {
        let there = self.store.reversals_of(top_up.id).await?.len();
        let steps = there.saturating_add(new).saturating_add(1);
        let mut lots = top_up.lots.clone();
        // What paid debts may come back; without a reversal there is nothing that could.
        if there > 0 {
            let paid = self.store.debt_payments(buyer.wallet).await?;
            lots.extend(paid.into_iter().map(|paid| paid.lot));
        }
        Ok(Supply {
            transfers: self.mint_many(steps.saturating_mul(TRANSFERS))?,
            reversals: self.mint_many(new)?,
            events: self.mint_many(steps)?,
            lots,
        })
    }
}

impl Supply {
    /// The rows that are looked at.
    pub fn wants(&self, wants: &mut Wants, top_up: Id<TopUp>, wallet: Id<Wallet>) {
        wants.reversals.read((top_up,));
        wants.reversal_lots.read((top_up,));
        wants.debt_payments.read((wallet,));
        for lot in &self.lots {
            wants.lots.read((*lot,));
        }
    }
}

/// The reversals of one top-up, while a command changes them.
pub(crate) struct Clawback<'a> {
    books: &'a Books,
    changes: &'a mut Changes,
    top_up: TopUp,
    wallet: Wallet,
    reversals: Vec<Reversal>,
    lots: Vec<ReversalLot>,
    at: Timestamp,
    transfer_ids: IntoIter<Id<Transfer>>,
    reversal_ids: IntoIter<Id<Reversal>>,
    event_ids: IntoIter<Id<Event>>,
}

/// Others have changed more than this command was prepared for: it is asked again.
fn outrun<T>(id: Option<T>) -> Result<T, Fault> {
    id.ok_or(Fault::Conflict)
}

fn impossible(what: &str) -> Fault {
    Fault::Bug(what.to_owned())
}

impl<'a> Clawback<'a> {
    /// The reversals of `top_up`, with what the same command has changed of `wallet` before.
    pub fn open(
        books: &'a Books,
        changes: &'a mut Changes,
        top_up: TopUp,
        wallet: Id<Wallet>,
        supply: &Supply,
        at: Timestamp,
    ) -> Result<Self, Fault> {
        let Supply { transfers, reversals, events, .. } = supply.clone();
        let mut transfer_ids = transfers.into_iter();
        let earlier = changes.wallets.last().map(|change| change.row().clone());
        let wallet = match earlier {
            Some(wallet) => Some(wallet),
            None => books.wallets.get(&(wallet,))?.cloned(),
        };
        let wallet = wallet.ok_or_else(|| impossible("a top-up has no wallet"))?;
        let wallet = ledger::expire(changes, &wallet, outrun(transfer_ids.next())?, at)?;
        Ok(Self {
            reversals: books.reversals.all(&(top_up.id,))?.to_vec(),
            lots: books.reversal_lots.all(&(top_up.id,))?.to_vec(),
            books,
            changes,
            top_up,
            wallet,
            at,
            transfer_ids,
            reversal_ids: reversals.into_iter(),
            event_ids: events.into_iter(),
        })
    }

    /// All of them, oldest first.
    pub fn all(&self) -> &[Reversal] {
        &self.reversals
    }

    /// What the top-up was paid with and brought, and what of it no reversal has taken.
    pub fn worth(&self) -> Result<(Worth, Worth), Fault> {
        let whole = self.top_up.worth().unwrap_or_default();
        let left = whole.without(&self.reversals);
        Ok((whole, left.ok_or_else(|| impossible("more was taken back than was paid"))?))
    }

    /// What is unspent in the lots of the top-up.
    pub fn unspent(&self) -> Amount {
        let own = self.wallet.lots.iter().filter(|lot| self.top_up.lots.contains(&lot.lot));
        Amount::try_sum(own.map(|lot| lot.spendable(self.at))).unwrap_or(Amount::MAX)
    }

    /// Begins a reversal that claims so much money and takes `part`. Gives its name.
    pub fn begin(&mut self, new: Reversal, part: Worth) -> Result<Id<Reversal>, Fault> {
        let id = outrun(self.reversal_ids.next())?;
        self.reversals.push(Reversal {
            id,
            money: Amount::ZERO,
            tokens: Amount::ZERO,
            owed: Amount::ZERO,
            ..new
        });
        self.take(id, part)?;
        Ok(id)
    }

    /// A reversal of this top-up that has taken nothing yet.
    pub fn blank(&self, kind: ReversalKind, state: ReversalState, claimed: Amount) -> Reversal {
        Reversal {
            top_up: self.top_up.id,
            id: Id::floor(self.at),
            kind,
            state,
            name: None,
            claimed,
            money: Amount::ZERO,
            tokens: Amount::ZERO,
            owed: Amount::ZERO,
            reason: String::new(),
            request: None,
            at: self.at,
            settled_at: None,
        }
    }

    /// Takes `part` for a reversal: what is unspent in the lots of its top-up; the rest is owed.
    fn take(&mut self, id: Id<Reversal>, part: Worth) -> Result<(), Fault> {
        let mut due = part.tokens;
        let mut parts = Vec::new();
        for lot in self.wallet.lots.iter().filter(|lot| self.top_up.lots.contains(&lot.lot)) {
            let amount = lot.spendable(self.at).min(due);
            if !amount.is_zero() {
                due = due.checked_sub(amount).unwrap_or(Amount::ZERO);
                parts.push(Part { lot: lot.lot, kind: lot.kind, amount });
            }
        }
        let taken = Amount::try_sum(parts.iter().map(|part| part.amount)).unwrap_or(Amount::MAX);
        let (free, owed) =
            (LedgerAccount::Free(self.wallet.id), LedgerAccount::Owed(self.wallet.id));
        let reclaimed = LedgerAccount::House(House::Reclaimed);
        if !taken.is_zero() {
            let transfer = self.transfer(free, reclaimed, taken, Reason::Clawback)?;
            self.wallet = ledger::take(self.changes, &self.wallet, &parts, transfer)?;
        }
        if !due.is_zero() {
            let transfer = self.transfer(owed, reclaimed, due, Reason::Clawback)?;
            self.wallet = ledger::post(self.changes, &self.wallet, transfer)?;
        }
        for Part { lot, amount, .. } in parts {
            let of = |row: &&mut ReversalLot| row.reversal == id && row.lot == lot;
            match self.lots.iter_mut().find(of) {
                Some(row) => row.amount = sum(row.amount, amount)?,
                None => {
                    let top_up = self.top_up.id;
                    self.lots.push(ReversalLot { top_up, reversal: id, lot, amount });
                }
            }
        }
        let reversal = self.get(id)?;
        reversal.money = sum(reversal.money, part.money)?;
        reversal.tokens = sum(reversal.tokens, part.tokens)?;
        reversal.owed = sum(reversal.owed, due)?;
        Ok(())
    }

    /// Gives back what a reversal took: to the very lots; what was owed for it is owed no more, and
    /// what was paid beyond that goes back to the lots that paid.
    fn restore(&mut self, id: Id<Reversal>) -> Result<(), Fault> {
        let owed = self.get(id)?.owed;
        let debt = LedgerAccount::Owed(self.wallet.id);
        let reclaimed = LedgerAccount::House(House::Reclaimed);
        let taken = self.lots.iter().filter(|row| row.reversal == id);
        let taken: Vec<_> = taken.map(|row| (row.lot, row.amount)).collect();
        self.give_back(&taken, reclaimed, Reason::Restored)?;
        let paid = owed.checked_sub(owed.min(self.wallet.owed())).unwrap_or(Amount::ZERO);
        if !paid.is_zero() {
            let parts = self.unpay(paid)?;
            self.give_back(&parts, debt, Reason::Debt)?;
        }
        if !owed.is_zero() {
            let transfer = self.transfer(reclaimed, debt, owed, Reason::Restored)?;
            self.wallet = ledger::post(self.changes, &self.wallet, transfer)?;
        }
        let expiry = outrun(self.transfer_ids.next())?;
        self.wallet = ledger::expire(self.changes, &self.wallet, expiry, self.at)?;
        Ok(())
    }

    /// Takes `amount` out of what lots have paid of debts, from those that paid last. Gives which.
    fn unpay(&mut self, amount: Amount) -> Result<Vec<(Id<Lot>, Amount)>, Fault> {
        let mut due = amount;
        let mut parts = Vec::new();
        let paid = ledger::debts(self.changes, self.books, self.wallet.id)?;
        for DebtPayment { wallet, lot, amount } in paid.into_iter().rev() {
            let part = amount.min(due);
            if let (false, Some(left)) = (part.is_zero(), amount.checked_sub(part)) {
                due = due.checked_sub(part).unwrap_or(Amount::ZERO);
                parts.push((lot, part));
                let row = DebtPayment { wallet, lot, amount: left };
                self.changes.debt_payments.push(Change::Update(row));
            }
        }
        let less = || impossible("less was paid of a debt than is missing from it");
        due.is_zero().then_some(parts).ok_or_else(less)
    }

    fn give_back(
        &mut self,
        parts: &[(Id<Lot>, Amount)],
        from: LedgerAccount,
        reason: Reason,
    ) -> Result<(), Fault> {
        let amount = Amount::try_sum(parts.iter().map(|(_, amount)| *amount));
        let amount = amount.ok_or_else(|| impossible("lots gave more than there is"))?;
        if amount.is_zero() {
            return Ok(());
        }
        let mut lots = Vec::with_capacity(parts.len());
        for (lot, amount) in parts {
            lots.push((self.lot(*lot)?, *amount));
        }
        let lots: Vec<_> = lots.iter().map(|(lot, amount)| (lot, *amount)).collect();
        let to = LedgerAccount::Free(self.wallet.id);
        let transfer = self.transfer(from, to, amount, reason)?;
        self.wallet = ledger::give_back(self.changes, &self.wallet, &lots, transfer)?;
        Ok(())
    }

    /// A lot as it came in; a new one is in the same command's changes.
    fn lot(&self, id: Id<Lot>) -> Result<Lot, Fault> {
        let mut new = self.changes.lots.iter().map(Change::row);
        if let Some(lot) = new.find(|lot| lot.id == id) {
            return Ok(lot.clone());
        }
        // Not asked for: it has paid a debt since the command was prepared.
        let lot = self.books.lots.get(&(id,)).map_err(|_| Fault::Conflict)?;
        lot.cloned().ok_or_else(|| impossible("a lot is gone"))
    }

    fn transfer(
        &mut self,
        debit: LedgerAccount,
        credit: LedgerAccount,
        amount: Amount,
        reason: Reason,
    ) -> Result<Transfer, Fault> {
        let id = outrun(self.transfer_ids.next())?;
        let subject = self.top_up.id.into();
        Ok(Transfer { id, debit, credit, amount, reason, subject, at: self.at })
    }

    fn get(&mut self, id: Id<Reversal>) -> Result<&mut Reversal, Fault> {
        let found = self.reversals.iter_mut().find(|reversal| reversal.id == id);
        found.ok_or_else(|| impossible("a reversal is gone"))
    }

    /// Moves a reversal to another state: what comes to nothing gives back what it took.
    pub fn go(&mut self, id: Id<Reversal>, state: ReversalState) -> Result<(), Fault> {
        let at = self.at;
        let reversal = self.get(id)?;
        let was = reversal.state;
        reversal.state = state;
        if state != ReversalState::Open {
            reversal.settled_at = Some(at);
        }
        if was.in_force() && !state.in_force() { self.restore(id) } else { Ok(()) }
    }

    /// A dispute claims more than before.
    pub fn claims(&mut self, id: Id<Reversal>, claimed: Amount) -> Result<(), Fault> {
        let reversal = self.get(id)?;
        reversal.claimed = reversal.claimed.max(claimed);
        Ok(())
    }

    /// Takes what was claimed before and could not be taken, as another reversal had it.
    pub fn catch_up(&mut self) -> Result<(), Fault> {
        let short = self.reversals.iter().filter(|one| one.state.in_force());
        let short: Vec<_> = short
            .filter_map(|one| Some((one.id, one.claimed.checked_sub(one.money)?)))
            .filter(|(_, missing)| !missing.is_zero())
            .collect();
        for (id, missing) in short {
            let (whole, left) = self.worth()?;
            if !left.money.is_zero() {
                self.take(id, whole.for_money(left, missing.min(left.money)))?;
            }
        }
        Ok(())
    }

    /// Tells of what happened.
    pub fn tell(&mut self, kind: EventType) -> Result<(), Fault> {
        let (account, subject, at) = (self.top_up.account, self.top_up.id.into(), self.at);
        let id = outrun(self.event_ids.next())?;
        event::tell(self.changes, Event::new(id, kind, account, subject, at));
        Ok(())
    }

    /// What a reversal took, lot by lot.
    pub fn lots_of(&self, id: Id<Reversal>) -> Vec<ReversalLot> {
        self.lots.iter().filter(|row| row.reversal == id).cloned().collect()
    }

    /// Pays what is owed, writes what has changed, and gives the top-up, which says so.
    pub fn close(mut self) -> Result<TopUp, Fault> {
        let debt = outrun(self.transfer_ids.next())?;
        ledger::settle(self.changes, self.books, &self.wallet, debt, self.at)?;
        let before = self.books.reversals.all(&(self.top_up.id,))?;
        for row in &self.reversals {
            match before.iter().find(|old| old.id == row.id) {
                None => self.changes.reversals.push(Change::Insert(row.clone())),
                Some(old) if old != row => {
                    self.changes.reversals.push(Change::Update(row.clone()));
                }
                Some(_) => {}
            }
        }
        let before = self.books.reversal_lots.all(&(self.top_up.id,))?;
        for row in self.lots {
            match before.iter().find(|old| (old.reversal, old.lot) == (row.reversal, row.lot)) {
                None => self.changes.reversal_lots.push(Change::Insert(row)),
                Some(old) if *old != row => self.changes.reversal_lots.push(Change::Update(row)),
                Some(_) => {}
            }
        }
        Ok(self.top_up.reversed_by(&self.reversals))
    }
}

fn sum(one: Amount, other: Amount) -> Result<Amount, Fault> {
    one.checked_add(other).ok_or_else(|| impossible("a reversal takes more than there is"))
}
