//! Telling owners of tokens that expire soon.

use futures_util::future::try_join_all;
use scrip_domain::account::Account;
use scrip_domain::letter::{Letter, Recipient, WARNED_BEFORE, Warned};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::is_gone;
use crate::Engine;

/// Wallets that are looked at in one go.
const PAGE: u32 = 100;

impl Engine {
    /// Writes to all owners of tokens that expire soon, and gives how many wallets it looked at. That is a round, which goes
    /// through them once, by when they expire. One that ends with a fault, or the process, begins anew an hour later: who was
    /// told has a row about it in the commit of the letter, and is passed over. So is found then what has come to expire sooner
    /// than where this round was already.
    pub async fn warn_of_expiry(&self) -> Result<usize, Fault> {
        let (mut sum, mut after) = (0_usize, None);
        if !self.has_mail() {
            return Ok(sum);
        }
        let soon = self.now().plus(WARNED_BEFORE);
        loop {
            let wallets = self.store.wallets_to_warn(soon, after, PAGE).await?;
            let Some(last) = wallets.last() else { return Ok(sum) };
            after = Some((last.next_expiry.unwrap_or(soon), last.id));
            self.warn(&wallets).await?;
            sum = sum.saturating_add(wallets.len());
        }
    }

    /// Writes to the owners of these wallets.
    async fn warn(&self, wallets: &[Wallet]) -> Result<(), Fault> {
        let mut commands = Vec::with_capacity(wallets.len());
        for wallet in wallets {
            let member = self.member(wallet.account).await?;
            let recipient = member.and_then(|member| self.at_address(&member.account.email));
            let (account, wallet) = (wallet.account, wallet.id);
            commands.push(self.submit(Warn { id: self.mint()?, account, wallet, recipient }));
        }
        // Together, so that they share commits.
        for told in try_join_all(commands).await? {
            let Ok(()) = told;
        }
        Ok(())
    }
}

struct Warn {
    id: Id<Letter>,
    account: Id<Account>,
    wallet: Id<Wallet>,
    recipient: Option<Recipient>,
}

impl Command for Warn {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.read((self.wallet,));
        wants.warned.guard((self.account,));
        wants.accounts.read((self.account,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let Some(wallet) = books.wallets.get(&(self.wallet,))? else {
            return Ok(Decision::done((), changes));
        };
        if is_gone(books, self.account)? {
            return Ok(Decision::done((), changes));
        }
        let old = books.warned.get(&(self.account,))?;
        let told = old.map(|old| old.until);
        let (about, warned) = Warned::next(self.account, told, &wallet.lots, at);
        if old != Some(&warned) {
            let change =
                if old.is_some() { Change::Update(warned) } else { Change::Insert(warned) };
            changes.warned.push(change);
        }
        if let (Some(about), Some(recipient)) = (about, self.recipient.clone()) {
            let letter = Letter::new(self.id, Some(self.account), recipient, about, at);
            changes.letters.push(Change::Insert(letter));
        }
        Ok(Decision::done((), changes))
    }
}
