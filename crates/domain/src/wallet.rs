//! Wallets: an account's tokens, as two ledger accounts and what is left of its lots, in one row.
//!
//! What can be spent is the first account, what holds have reserved is the second. Counters only
//! grow; balances are derived. `posted = available + held`, and it is the sum of the open lots.

use crate::account::Account;
use crate::amount::Amount;
use crate::id::Id;
use crate::ledger::Counters;
use crate::lot::{OpenLot, Part};

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
    /// What is left of its lots, oldest first; none that is used up.
    pub lots: Vec<OpenLot>,
}

impl Wallet {
    /// A wallet with nothing in it.
    pub fn empty(id: Id<Self>, account: Id<Account>) -> Self {
        let (free, held) = (Counters::default(), Counters::default());
        Self { id, account, free, held, lots: Vec::new() }
    }

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
        Some(self)
    }
}
