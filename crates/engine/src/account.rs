//! An account's own data: changing it; and the vendor's hand on accounts: freezing, thawing.

use scrip_domain::account::{Account, Person};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::{Engine, Outcome};

/// What is changed of an account.
#[derive(Clone, Debug)]
pub enum Edit {
    /// The personal information as it shall be.
    Person(Person),
    /// The account is frozen: it permits no transactions.
    Freeze,
    /// It is thawed.
    Thaw,
}

/// There is no such account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchAccount;

impl Engine {
    /// Changes an account and gives it as it is now.
    pub async fn edit_account(
        &self,
        account: Id<Account>,
        edit: Edit,
    ) -> Outcome<Account, NoSuchAccount> {
        let Some(member) = self.member(account).await? else { return Ok(Err(NoSuchAccount)) };
        let wallet = member.account.wallet;
        self.submit(EditAccount { account, wallet, edit }).await
    }
}

struct EditAccount {
    account: Id<Account>,
    wallet: Id<scrip_domain::wallet::Wallet>,
    edit: Edit,
}

impl Command for EditAccount {
    type Receipt = Account;
    type Refusal = NoSuchAccount;

    fn wants(&self, wants: &mut Wants) {
        // The wallet guards its account: no purchase is decided beside a freeze.
        wants.wallets.guard((self.wallet,));
        wants.accounts.read((self.account,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Account, NoSuchAccount>, Fault> {
        let Some(account) = books.accounts.get(&(self.account,))? else {
            return Ok(Decision::refused(NoSuchAccount));
        };
        let mut account = account.clone();
        match &self.edit {
            Edit::Person(person) => account.person = person.clone(),
            Edit::Freeze => account.frozen_at = account.frozen_at.or(Some(at)),
            Edit::Thaw => account.frozen_at = None,
        }
        let mut changes = Changes::default();
        changes.accounts.push(Change::Update(account.clone()));
        Ok(Decision::done(account, changes))
    }
}
