//! Wallets: an account's tokens, as two ledger accounts in one row.
//!
//! What can be spent is the first account, what holds have reserved is the second. Counters only
//! grow; balances are derived. `posted = available + held`.

use crate::account::Account;
use crate::amount::Amount;
use crate::id::Id;
use crate::ledger::Counters;

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
}

impl Wallet {
    /// What can be spent.
    pub fn available(&self) -> Amount {
        self.free.credit_balance()
    }

    /// What is reserved.
    pub fn held(&self) -> Amount {
        self.held.credit_balance()
    }

    /// Everything in the wallet.
    pub fn posted(&self) -> Amount {
        self.available().checked_add(self.held()).unwrap_or(Amount::MAX)
    }
}
