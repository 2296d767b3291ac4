//! Posting: the one way in which tokens move.

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::ledger::{Counters, LedgerAccount, Transfer};
use scrip_domain::lot::{Lot, Part};
use scrip_domain::wallet::Wallet;
use scrip_storage::books::Change;
use scrip_storage::index::Entry;
use scrip_storage::{Changes, Fault};

/// Puts a new lot into a wallet, from the house account that `transfer` debits.
///
/// Gives the wallet as it is afterwards.
pub(crate) fn put(
    changes: &mut Changes,
    wallet: &Wallet,
    lot: Lot,
    transfer: Transfer,
) -> Result<Wallet, Fault> {
    let mut fuller = wallet.clone();
    fuller.lots.push(lot.opened());
    changes.lots.push(Change::Insert(lot));
    post(changes, &fuller, transfer)
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
    post(changes, &emptier, transfer)
}

/// Posts a transfer between `wallet` and the house: both counters, the statement line, the row.
/// A wallet that would go below its floor is a defect.
fn post(changes: &mut Changes, wallet: &Wallet, transfer: Transfer) -> Result<Wallet, Fault> {
    let full = || Fault::Bug("a ledger counter is full".into());
    let once = |debits, credits| Counters { debits, credits };
    let units = transfer.amount.units();
    let mut after = wallet.clone();
    match (transfer.debit, transfer.credit) {
        (LedgerAccount::Free(from), LedgerAccount::House(house)) if from == wallet.id => {
            after.free = wallet.free.debited(transfer.amount).ok_or_else(full)?;
            changes.house.push((house, once(0, units)));
        }
        (LedgerAccount::House(house), LedgerAccount::Free(to)) if to == wallet.id => {
            after.free = wallet.free.credited(transfer.amount).ok_or_else(full)?;
            changes.house.push((house, once(units, 0)));
        }
        _ => return Err(Fault::Bug("a transfer that this wallet has no part in".into())),
    }
    if !after.free.above_floor() {
        return Err(Fault::Bug("a wallet would go below zero".into()));
    }
    changes.by_account.push(Change::Insert(Entry::transfer(wallet.account, transfer.id)));
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
