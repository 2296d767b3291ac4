//! Expiry: booking what has expired and no command has booked yet.
//!
//! Nothing depends on it being done soon: whoever reads a wallet subtracts what has expired, and every
//! command that spends or credits books it first. A sweep does it for wallets that nobody touches, so
//! that the books say what is outstanding.

use futures_util::future::try_join_all;
use scrip_domain::ledger::Transfer;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Id, Timestamp};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::{Engine, ledger};

/// How many wallets are booked at once: a few commits' worth, so that buyers hardly wait.
const PAGE: u32 = 50;

impl Engine {
    /// Books what has expired in a page of wallets, those first that are due longest. Gives how many
    /// there were; ask again until there are none.
    pub async fn expire_due(&self) -> Result<usize, Fault> {
        if self.holds_tokens_still() {
            return Ok(0);
        }
        let due = self.store.wallets_due(self.now(), PAGE).await?;
        let mut commands = Vec::with_capacity(due.len());
        for wallet in &due {
            commands.push(self.submit(Expire { wallet: wallet.id, transfer: self.mint()? }));
        }
        let booked = try_join_all(commands).await?;
        Ok(booked.into_iter().filter(|booked| *booked == Ok(true)).count())
    }
}

struct Expire {
    wallet: Id<Wallet>,
    transfer: Id<Transfer>,
}

impl Command for Expire {
    /// Whether anything was due still.
    type Receipt = bool;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.wallet,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<bool, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        if let Some(wallet) = books.wallets.get(&(self.wallet,))? {
            ledger::expire(&mut changes, wallet, self.transfer, at)?;
        }
        Ok(Decision::done(!changes.is_empty(), changes))
    }
}
