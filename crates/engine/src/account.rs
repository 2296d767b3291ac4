//! An account's own data: changing it; and the vendor's hand on accounts: freezing, thawing.

use scrip_domain::account::{Account, Login, Person};
use scrip_domain::audit::Act;
use scrip_domain::credit_line::CreditLine;
use scrip_domain::event::{Event, EventType};
use scrip_domain::language::Language;
use scrip_domain::top_up::TopUp;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use serde_json::json;

use crate::audit::{Note, Staff};
use crate::session::Credentials;
use crate::{Engine, Outcome, event, grouped};

/// What is changed of an account.
#[derive(Clone, Debug)]
enum Edit {
    /// Personal information.
    Person(PersonEdit),
    /// The account is frozen: it permits no transactions.
    Freeze(Note, Option<String>),
    /// It is thawed.
    Thaw(Note, Option<String>),
    /// Mail to this address has arrived.
    Verify(String),
}

/// What of an account's owner is to be changed. What is not named stays as it is, whatever is changed beside; so does
/// the card to pay with, which is no word of the owner's: it must be one of the account's.
#[derive(Clone, Debug, Default)]
pub struct PersonEdit {
    /// The name; none takes it away.
    pub name: Option<Option<String>>,
    /// The postal address.
    pub address: Option<Option<String>>,
    /// The telephone number.
    pub phone: Option<Option<String>>,
    /// The language of letters; none for the vendor's.
    pub language: Option<Option<Language>>,
}

impl PersonEdit {
    fn apply(&self, person: &mut Person) {
        let texts = [
            (&self.name, &mut person.name),
            (&self.address, &mut person.address),
            (&self.phone, &mut person.phone),
        ];
        for (edit, text) in texts {
            if let Some(edit) = edit {
                text.clone_from(edit);
            }
        }
        person.language = self.language.unwrap_or(person.language);
    }
}

/// An account, with what staff sees beside it.
#[derive(Clone, Debug)]
pub struct Held {
    /// The account.
    pub account: Account,
    /// Its wallet as it is now.
    pub wallet: Wallet,
    /// What it has beside address and password.
    pub credentials: Credentials,
    /// Its credit line, if it was granted one.
    pub credit_line: Option<CreditLine>,
    /// Its newest top-up.
    pub latest: Option<TopUp>,
}

/// There is no such account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchAccount;

impl Engine {
    /// These accounts, in their order, each kind of row in one read.
    pub async fn held(&self, accounts: Vec<Account>) -> Result<Vec<Held>, Fault> {
        let ids: Vec<_> = accounts.iter().map(|account| account.id).collect();
        let wallets: Vec<_> = accounts.iter().map(|account| account.wallet).collect();
        let emails: Vec<_> = accounts.iter().map(|account| Login::fold(&account.email)).collect();
        let mut wallets = grouped(self.store.wallets_called(&wallets).await?, |row| row.id);
        let mut logins = grouped(self.store.logins_called(&emails).await?, |row| row.account);
        let mut lines = grouped(self.store.credit_lines_of(&ids).await?, |row| row.account);
        let mut top_ups = grouped(self.store.latest_top_ups(&ids).await?, |row| row.account);
        let now = self.now();
        let held = |account: Account| {
            let no_wallet = || Fault::Bug("an account has no wallet".into());
            let wallet = wallets.remove(&account.wallet).and_then(|mut rows| rows.pop());
            let email = Login::fold(&account.email);
            let login = logins.remove(&account.id).unwrap_or_default();
            let login = login.into_iter().find(|login| login.email == email);
            Ok(Held {
                wallet: wallet.ok_or_else(no_wallet)?.as_of(now),
                credentials: login.map(|login| Credentials::of(login, now)).unwrap_or_default(),
                credit_line: lines.remove(&account.id).and_then(|mut rows| rows.pop()),
                latest: top_ups.remove(&account.id).and_then(|mut rows| rows.pop()),
                account,
            })
        };
        accounts.into_iter().map(held).collect()
    }

    /// Changes what an account says of its owner, and gives it as it is now.
    pub async fn edit_account(
        &self,
        account: Id<Account>,
        edit: PersonEdit,
    ) -> Outcome<Account, NoSuchAccount> {
        self.edit(account, Edit::Person(edit)).await
    }

    /// Freezes an account: it permits no transactions. Doing it again changes nothing. The reason is for the record, and
    /// is not told to the owner.
    pub async fn freeze_account(
        &self,
        by: Staff,
        account: Id<Account>,
        reason: Option<String>,
    ) -> Outcome<Account, NoSuchAccount> {
        self.edit(account, Edit::Freeze(self.note(by)?, reason)).await
    }

    /// Thaws a frozen account. Doing it again changes nothing. The reason is for the record, too.
    pub async fn thaw_account(
        &self,
        by: Staff,
        account: Id<Account>,
        reason: Option<String>,
    ) -> Outcome<Account, NoSuchAccount> {
        self.edit(account, Edit::Thaw(self.note(by)?, reason)).await
    }

    /// Mail to the account's address has arrived.
    pub(crate) async fn account_verified(
        &self,
        account: &Account,
    ) -> Outcome<Account, NoSuchAccount> {
        self.edit(account.id, Edit::Verify(account.email.clone())).await
    }

    async fn edit(&self, account: Id<Account>, edit: Edit) -> Outcome<Account, NoSuchAccount> {
        let Some(member) = self.member(account).await? else { return Ok(Err(NoSuchAccount)) };
        let (wallet, event) = (member.account.wallet, self.mint()?);
        self.submit(EditAccount { account, wallet, edit, event }).await
    }
}

struct EditAccount {
    account: Id<Account>,
    wallet: Id<scrip_domain::wallet::Wallet>,
    edit: Edit,
    /// Tells that it was frozen or thawed, if it was.
    event: Id<Event>,
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
        let Some(old) = books.accounts.get(&(self.account,))? else {
            return Ok(Decision::refused(NoSuchAccount));
        };
        if old.erased_at.is_some() {
            return Ok(Decision::refused(NoSuchAccount));
        }
        let mut account = old.clone();
        let acted = match &self.edit {
            Edit::Person(edit) => {
                edit.apply(&mut account.person);
                None
            }
            Edit::Freeze(note, reason) => {
                account.frozen_at = old.frozen_at.or(Some(at));
                // From now on it is the staff's, and no dispute that is won thaws it.
                account.frozen_by_dispute = false;
                Some((note, Act::AccountFrozen, reason))
            }
            Edit::Verify(email) => {
                if *email == old.email {
                    account.verified_at = old.verified_at.or(Some(at));
                }
                None
            }
            Edit::Thaw(note, reason) => {
                account.frozen_at = None;
                account.frozen_by_dispute = false;
                Some((note, Act::AccountThawed, reason))
            }
        };
        let mut changes = Changes::default();
        if account == *old {
            return Ok(Decision::done(account, changes));
        }
        if let Some((note, act, reason)) = acted {
            let what = match reason {
                Some(reason) => json!({ "reason": { "to": reason } }),
                None => json!({}),
            };
            note.write(&mut changes, act, account.id, what, at);
        }
        tell_frozen(&mut changes, self.event, (old, &account), at);
        changes.accounts.push(Change::Update(account.clone()));
        Ok(Decision::done(account, changes))
    }
}

/// Tells that an account was frozen or thawed, where it was: its owner is written to, and programs hear of it.
pub(crate) fn tell_frozen(
    changes: &mut Changes,
    id: Id<Event>,
    (before, after): (&Account, &Account),
    at: Timestamp,
) {
    let kind = match (before.frozen_at.is_some(), after.frozen_at.is_some()) {
        (false, true) => EventType::AccountFrozen,
        (true, false) => EventType::AccountThawed,
        _ => return,
    };
    event::tell(changes, Event::new(id, kind, after.id, after.id.into(), at));
}
