//! Posting: the one way in which tokens move.

use scrip_domain::account::Account;
use scrip_domain::auto_top_up::AutoErrand;
use scrip_domain::ledger::{Counters, House, LedgerAccount, Reason, Transfer};
use scrip_domain::lot::{Lot, LotChange, LotChangeKind, Part, consume};
use scrip_domain::merchant::{Merchant, MerchantTransfer};
use scrip_domain::reversal::DebtPayment;
use scrip_domain::wallet::{Place, Wallet};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::Entry;
use scrip_storage::{Books, Changes, Fault};

/// Puts a new lot into a wallet, from the house account that `transfer` debits. In a wallet that has
/// enough lots its tokens join one that is there: that is on record beside the lot, whose own record
/// never changes. Money that came in is never turned away: it opens one lot more.
///
/// Gives the lot in which the tokens lie afterwards, and the wallet.
pub(crate) fn put(
    changes: &mut Changes,
    wallet: &Wallet,
    lot: Lot,
    transfer: Transfer,
) -> Result<(Id<Lot>, Wallet), Fault> {
    let (home, fuller) = match wallet.place_for(&lot) {
        Place::Own | Place::Full => {
            let opened = (lot.id, wallet.clone().with(&lot));
            changes.lots.push(Change::Insert(lot));
            opened
        }
        Place::With(open) => {
            let (transfer, kind) = (transfer.id, LotChangeKind::Joined);
            let joined = LotChange { transfer, lot: open.lot, kind, amount: lot.amount };
            changes.lot_changes.push(Change::Insert(joined));
            let fuller = wallet.clone().with_joined(open.lot, &lot);
            (open.lot, fuller.ok_or_else(|| Fault::Bug("a lot would hold too much".into()))?)
        }
    };
    Ok((home, post(changes, &fuller, transfer)?))
}

/// Takes what lots give out of a wallet, to the house account that `transfer` credits.
///
/// Gives the wallet as it is afterwards. The caller has checked that there is enough; a lot that
/// would give more than it has is a defect.
pub(crate) fn take(
    changes: &mut Changes,
    wallet: &Wallet,
    parts: &[Part],
    transfer: Transfer,
) -> Result<Wallet, Fault> {
    let emptier = wallet.clone().without(parts);
    let emptier = emptier.ok_or_else(|| Fault::Bug("a lot gave more than it had".into()))?;
    let emptier = ring(changes, emptier, &transfer);
    post(changes, &emptier, transfer)
}

/// Reserves what lots give, from the free to the held account of a wallet.
///
/// Gives the wallet as it is afterwards. The caller has checked that there is enough.
pub(crate) fn hold(
    changes: &mut Changes,
    wallet: &Wallet,
    parts: &[Part],
    transfer: Transfer,
) -> Result<Wallet, Fault> {
    let held = wallet.clone().holding(parts);
    let held = held.ok_or_else(|| Fault::Bug("a lot would hold more than it has".into()))?;
    let held = ring(changes, held, &transfer);
    post(changes, &held, transfer)
}

/// Frees what lots had reserved, from the held to the free account of a wallet. What has expired meanwhile is
/// free then, too, and the caller books it.
pub(crate) fn free(
    changes: &mut Changes,
    wallet: &Wallet,
    parts: &[Part],
    transfer: Transfer,
) -> Result<Wallet, Fault> {
    let freed = wallet.clone().freed(parts);
    let freed = freed.ok_or_else(|| Fault::Bug("a lot had less reserved than that".into()))?;
    post(changes, &freed, transfer)
}

/// Takes what lots had reserved out of the held account of a wallet.
pub(crate) fn capture(
    changes: &mut Changes,
    wallet: &Wallet,
    parts: &[Part],
    transfer: Transfer,
) -> Result<Wallet, Fault> {
    let emptier = wallet.clone().without_held(parts);
    let emptier = emptier.ok_or_else(|| Fault::Bug("a lot had less reserved than that".into()))?;
    post(changes, &emptier, transfer)
}

/// Posts the merchant's side of a transfer: its counters and the line of its statement. Gives the merchant as it is
/// afterwards, which the caller writes, once.
pub(crate) fn post_merchant(
    changes: &mut Changes,
    merchant: Merchant,
    transfer: &Transfer,
) -> Result<Merchant, Fault> {
    let account = LedgerAccount::Merchant(merchant.id);
    let balance = match (transfer.debit == account, transfer.credit == account) {
        (true, false) => merchant.balance.debited(transfer.amount),
        (false, true) => merchant.balance.credited(transfer.amount),
        _ => return Err(Fault::Bug("a transfer of another merchant".into())),
    };
    let balance = balance.ok_or_else(|| Fault::Bug("a ledger counter is full".into()))?;
    let line = MerchantTransfer { merchant: merchant.id, transfer: transfer.id };
    changes.merchant_transfers.push(Change::Insert(line));
    Ok(Merchant { balance, ..merchant })
}

/// Posts a transfer from a merchant to a house account: in no wallet.
pub(crate) fn pay_house(
    changes: &mut Changes,
    merchant: Merchant,
    house: House,
    transfer: Transfer,
) -> Result<Merchant, Fault> {
    if transfer.credit != LedgerAccount::House(house) {
        return Err(Fault::Bug("a transfer to another account".into()));
    }
    let merchant = post_merchant(changes, merchant, &transfer)?;
    changes.house.push((house, Counters { debits: 0, credits: transfer.amount.units() }));
    changes.transfers.push(Change::Insert(transfer));
    Ok(merchant)
}

/// What is spent or expires and leaves less than the wallet's alarm rings, once: it writes an errand and disarms the
/// wallet, under whose guard both are. What leaves enough writes nothing. What is taken back of a top-up does not ring:
/// nobody's card is charged for money that has just gone back to it.
fn ring(changes: &mut Changes, wallet: Wallet, taken: &Transfer) -> Wallet {
    let left = wallet.available().checked_sub(taken.amount).unwrap_or(Amount::ZERO);
    let crossed = wallet.alarm.is_some_and(|alarm| left < alarm);
    let rings = matches!(
        taken.reason,
        Reason::Purchase | Reason::Hold | Reason::ExchangeHold | Reason::Expiry
    );
    if !rings || !crossed {
        return wallet;
    }
    let errand = AutoErrand { account: wallet.account, due_at: taken.at };
    changes.auto_errands.push(Change::Insert(errand));
    Wallet { alarm: None, ..wallet }
}

/// Gives tokens back to the lots that had given them.
///
/// Gives the wallet as it is afterwards: what came back to a lot that stays expired is still in it.
pub(crate) fn give_back(
    changes: &mut Changes,
    wallet: &Wallet,
    parts: &[(&Lot, Amount)],
    transfer: Transfer,
) -> Result<Wallet, Fault> {
    let at = transfer.at;
    let mut fuller = Some(wallet.clone());
    for (lot, amount) in parts {
        fuller = fuller.and_then(|wallet| wallet.with_back(lot, *amount, at));
    }
    let fuller = fuller.ok_or_else(|| Fault::Bug("a lot would hold too much".into()))?;
    post(changes, &fuller, transfer)
}

/// Books what has expired of a wallet at `at`, by the transfer called `id`.
///
/// Gives the wallet as it is afterwards. Every command that spends or credits does this first.
pub(crate) fn expire(
    changes: &mut Changes,
    wallet: &Wallet,
    id: Id<Transfer>,
    at: Timestamp,
) -> Result<Wallet, Fault> {
    let expired = wallet.expired(at);
    to_breakage(changes, wallet.clone(), &expired, id, at)
}

/// Books that all that can be spent of a wallet is given up, by the transfer called `id`: it goes the way of what expires.
pub(crate) fn forfeit(
    changes: &mut Changes,
    wallet: &Wallet,
    id: Id<Transfer>,
    at: Timestamp,
) -> Result<Wallet, Fault> {
    let left = wallet.lots.iter().filter_map(|lot| {
        let amount = lot.remaining.checked_sub(lot.held)?;
        (!amount.is_zero()).then_some(Part { lot: lot.lot, kind: lot.kind, amount })
    });
    let parts: Vec<_> = left.collect();
    to_breakage(changes, wallet.clone(), &parts, id, at)
}

fn to_breakage(
    changes: &mut Changes,
    wallet: Wallet,
    expired: &[Part],
    id: Id<Transfer>,
    at: Timestamp,
) -> Result<Wallet, Fault> {
    let amount = Amount::try_sum(expired.iter().map(|part| part.amount));
    let amount = amount.ok_or_else(|| Fault::Bug("lots hold more than there is".into()))?;
    if amount.is_zero() {
        return Ok(wallet);
    }
    let change = |part: &Part| LotChange {
        transfer: id,
        lot: part.lot,
        kind: LotChangeKind::Expired,
        amount: part.amount,
    };
    changes.lot_changes.extend(expired.iter().map(change).map(Change::Insert));
    let transfer = Transfer {
        id,
        debit: LedgerAccount::Free(wallet.id),
        credit: LedgerAccount::House(House::Breakage),
        amount,
        reason: Reason::Expiry,
        subject: wallet.id.into(),
        at,
    };
    take(changes, &wallet, expired, transfer)
}

/// Pays what a wallet owes from its bought tokens, as far as they go, by the transfer called `id`.
///
/// Gives the wallet as it is afterwards. Every command that brings bought tokens, or takes tokens that
/// are spent already, does this last.
pub(crate) fn settle(
    changes: &mut Changes,
    books: &Books,
    wallet: &Wallet,
    id: Id<Transfer>,
    at: Timestamp,
) -> Result<Wallet, Fault> {
    let bought: Vec<_> = wallet.lots.iter().filter(|lot| lot.kind.pays_debts()).cloned().collect();
    let most = Amount::try_sum(bought.iter().map(|lot| lot.spendable(at)));
    let due = wallet.owed().min(most.unwrap_or(Amount::MAX));
    if due.is_zero() {
        return Ok(wallet.clone());
    }
    let less = || Fault::Bug("lots hold less than they hold".into());
    let parts = consume(&bought, due, at).ok_or_else(less)?;
    let paid = debts(changes, books, wallet.id)?;
    for part in &parts {
        let (wallet, lot) = (wallet.id, part.lot);
        let before = paid.iter().find(|paid| paid.lot == lot);
        let sum = before.map_or(Amount::ZERO, |paid| paid.amount).checked_add(part.amount);
        let amount = sum.ok_or_else(|| Fault::Bug("a lot paid too much".into()))?;
        let row = DebtPayment { wallet, lot, amount };
        changes.debt_payments.push(match before {
            Some(_) => Change::Update(row),
            None => Change::Insert(row),
        });
    }
    let (debit, credit) = (LedgerAccount::Free(wallet.id), LedgerAccount::Owed(wallet.id));
    let subject = wallet.id.into();
    take(
        changes,
        wallet,
        &parts,
        Transfer { id, debit, credit, amount: due, reason: Reason::Debt, subject, at },
    )
}

/// What lots have paid of what `wallet` owes, with what the same command has changed of it.
pub(crate) fn debts(
    changes: &Changes,
    books: &Books,
    wallet: Id<Wallet>,
) -> Result<Vec<DebtPayment>, Fault> {
    let mut all = books.debt_payments.all(&(wallet,))?.to_vec();
    for change in &changes.debt_payments {
        let row = change.row();
        match all.iter_mut().find(|paid| paid.lot == row.lot) {
            Some(paid) => *paid = row.clone(),
            None => all.push(row.clone()),
        }
    }
    Ok(all)
}

/// Posts a transfer that `wallet` has part in: the counters, the statement line, the row. A wallet that
/// would go below its floor, or be owed something, is a defect. Whoever moves tokens of lots calls one of the
/// above, and where a merchant has part in it, [`post_merchant`] too.
pub(crate) fn post(
    changes: &mut Changes,
    wallet: &Wallet,
    transfer: Transfer,
) -> Result<Wallet, Fault> {
    let full = || Fault::Bug("a ledger counter is full".into());
    let once = |debits, credits| Counters { debits, credits };
    let units = transfer.amount.units();
    let mut after = wallet.clone();
    let amount = transfer.amount;
    match transfer.debit {
        LedgerAccount::Free(from) if from == wallet.id => {
            after.free = after.free.debited(amount).ok_or_else(full)?;
        }
        LedgerAccount::Owed(from) if from == wallet.id => {
            after.owed = after.owed.debited(amount).ok_or_else(full)?;
        }
        LedgerAccount::Held(from) if from == wallet.id => {
            after.held = after.held.debited(amount).ok_or_else(full)?;
        }
        LedgerAccount::House(house) => changes.house.push((house, once(units, 0))),
        LedgerAccount::Merchant(_) => {}
        _ => return Err(Fault::Bug("a transfer from another wallet".into())),
    }
    match transfer.credit {
        LedgerAccount::Free(to) if to == wallet.id => {
            after.free = after.free.credited(amount).ok_or_else(full)?;
        }
        LedgerAccount::Owed(to) if to == wallet.id => {
            after.owed = after.owed.credited(amount).ok_or_else(full)?;
        }
        LedgerAccount::Held(to) if to == wallet.id => {
            after.held = after.held.credited(amount).ok_or_else(full)?;
        }
        LedgerAccount::House(house) => changes.house.push((house, once(0, units))),
        LedgerAccount::Merchant(_) => {}
        _ => return Err(Fault::Bug("a transfer to another wallet".into())),
    }
    let sound = after.free.above_floor() && after.held.above_floor();
    if !sound || after.owed.credits > after.owed.debits {
        return Err(Fault::Bug("a wallet would go below zero".into()));
    }
    // What pays an order and bears its number is listed with it: see `Entry::purchase`.
    let listed = transfer.reason == Reason::Purchase && transfer.subject == transfer.id.into();
    if !listed {
        changes.by_account.push(Change::Insert(Entry::transfer(wallet.account, transfer.id)));
    }
    changes.transfers.push(Change::Insert(transfer));
    changes.wallets.push(Change::Update(after.clone()));
    Ok(after)
}

/// The account and wallet of a buyer: what nearly every command begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// The account.
    pub account: Id<Account>,
    /// Its wallet.
    pub wallet: Id<Wallet>,
}
