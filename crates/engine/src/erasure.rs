//! Erasing an account: what tells of a person goes, and what others rest upon stays without a name.
//!
//! ```text
//! open ──by its owner, with password and second factor; by staff, with a reason──▶ erased, for good
//!                                                                      └─swept at once, and once more a minute later─▶ nothing is left
//! ```
//! Nothing may be under way: no hold, no top-up, no dispute, no exchange, no payment to a merchant, no wish for a refund, and
//! nothing owed. What is left in the wallet is given up only where that is said expressly; it goes where expired tokens go.
//! Address, name, cards, keys, sessions and letters go; wallet, ledger, orders and licenses keep the account's id, and codes
//! go on working. The address can open another account. What its owner wrote for a refund or an appeal stays, since refunds
//! and signed documents repeat it; so do names of machines, which a code that goes on working brings anew.
//!
//! What is under way is looked up before; what can change beside it is looked at again under the wallet's guard. An erased
//! account is frozen too, so whatever a late answer brings is given back as for every frozen one, and a partner's commit for it
//! is rejected ([`crate::exchange`]). Links are cut once it is erased, and not before: whoever is refused has lost nothing.
//!
//! What one commit cannot take is swept after it. The row says that it is to be swept until a worker has done so, a while
//! later: whatever has stopped the first sweep, and whatever another server was writing in that moment, goes then.

use scrip_domain::account::{Account, Login, Obstacle, Person};
use scrip_domain::api_key::ApiKey;
use scrip_domain::audit::Act;
use scrip_domain::event::{Event, EventType};
use scrip_domain::factor::Proof;
use scrip_domain::ledger::Transfer;
use scrip_domain::letter::Letter;
use scrip_domain::link::LinkState;
use scrip_domain::payment_method::PaymentMethod;
use scrip_domain::session::TokenHash;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use crate::audit::{Note, Staff};
use crate::factor::buyer::{OwnerRefusal, Shown};
use crate::identity::TRIES;
use crate::ledger::{self, Buyer};
use crate::password::PasswordRefusal;
use crate::round::{self, IN_TURN};
use crate::{Engine, Outcome, Page, event};

/// Sessions, keys and letters of each that go in one commit; what is beyond goes after it.
const TOGETHER: u32 = 150;
/// How long after its erasure an account is swept again: nothing that began before it is under way still.
const AGAIN: Span = Span::minutes(1);
/// How many accounts are swept in a round.
const ROUND: u32 = 20;

/// What becomes of tokens that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// They are in the way.
    Keep,
    /// They are given up.
    Forfeit,
}

/// Why an account stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EraseRefusal {
    /// There is no such account.
    NoSuchAccount,
    /// It is not shown that the owner asks.
    Owner(OwnerRefusal),
    /// This is in the way; and what is in the wallet.
    Open(Vec<Obstacle>, Amount),
}

/// Address, password or second factor were changed meanwhile, or the code was used: as if the password had been wrong.
const STALE: EraseRefusal =
    EraseRefusal::Owner(OwnerRefusal::Password(PasswordRefusal::InvalidCredentials));

impl Engine {
    /// Erases a buyer's account in the buyer's own name.
    pub async fn erase_account(
        &self,
        buyer: Buyer,
        shown: Shown<'_>,
        leftover: Leftover,
    ) -> Outcome<Account, EraseRefusal> {
        let (login, proof) = match self.shown_owner(buyer, shown).await? {
            Ok(owner) => owner,
            Err(refusal) => return Ok(Err(EraseRefusal::Owner(refusal))),
        };
        self.erase(buyer, Some(login), leftover, By::Owner(proof)).await
    }

    /// Erases an account in the name of staff. Doing it again takes what is there still. The reason is for the
    /// record.
    pub async fn erase_account_of(
        &self,
        by: Staff,
        account: Id<Account>,
        leftover: Leftover,
        reason: String,
    ) -> Outcome<Account, EraseRefusal> {
        let note = self.note(by)?;
        for _ in 0..TRIES {
            let Some(row) = self.store.account(account).await? else {
                return Ok(Err(EraseRefusal::NoSuchAccount));
            };
            let buyer = Buyer { account, wallet: row.wallet };
            if row.erased_at.is_some() {
                // A server may have stopped amid it.
                self.sweep(buyer).await?;
                return Ok(Ok(row));
            }
            let login = self.login_of(&row).await?;
            let by = By::Staff(note, reason.clone());
            match self.erase(buyer, login, leftover, by).await? {
                // The address was changed meanwhile: what signs in is looked up anew.
                Err(EraseRefusal::Owner(_)) => {}
                erased => return Ok(erased),
            }
        }
        Err(Fault::Conflict)
    }

    /// What is in the way of erasing a buyer's account, the balance aside: for the page that asks.
    pub async fn in_the_way(&self, buyer: Buyer) -> Result<Vec<Obstacle>, Fault> {
        Ok(self.obstacles(buyer, Leftover::Forfeit).await?.0)
    }

    /// All that is in the way, in the order of their words, and what is in the wallet.
    async fn obstacles(
        &self,
        buyer: Buyer,
        leftover: Leftover,
    ) -> Result<(Vec<Obstacle>, Amount), Fault> {
        let lost = || Fault::Bug("a buyer has no wallet".into());
        let (store, now) = (&self.store, self.now());
        let wallet = store.wallet(buyer.wallet).await?.ok_or_else(lost)?.as_of(now);
        let line = store.credit_line(buyer.account).await?;
        let owes = line.is_some_and(|line| !line.owed().amount.is_zero());
        let mut all = of_wallet(&wallet, owes, leftover);
        all.extend(store.under_way(buyer.account, now).await?);
        all.sort_unstable();
        Ok((all, wallet.available()))
    }

    /// Takes what is left of accounts that were erased a while ago, those first that wait longest. Gives how many there were;
    /// ask again until there are none.
    pub async fn finish_erasures(&self) -> Result<usize, Fault> {
        let due = self.store.accounts_to_sweep(self.now(), ROUND).await?;
        let sweep =
            |account: Account| self.sweep(Buyer { account: account.id, wallet: account.wallet });
        Ok(round::all(due, IN_TURN, sweep).await?.len())
    }

    async fn erase(
        &self,
        buyer: Buyer,
        login: Option<Login>,
        leftover: Leftover,
        by: By,
    ) -> Outcome<Account, EraseRefusal> {
        let (obstacles, left) = self.obstacles(buyer, leftover).await?;
        if !obstacles.is_empty() {
            return Ok(Err(EraseRefusal::Open(obstacles, left)));
        }
        let kept = self.kept_of(buyer.account).await?;
        let (gone, forfeited, event) = (self.mint()?, self.mint()?, self.mint()?);
        let command = Erase { buyer, login, leftover, by, kept, gone, forfeited, event };
        let account = match self.submit(command).await? {
            Ok(account) => account,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.sweep(buyer).await?;
        Ok(Ok(account))
    }

    /// Takes what is there still of an account that is erased: links, what did not fit into the commit, and what came
    /// while that was decided. Doing it again changes nothing, so it goes on where a server has stopped. Once it is due, it is
    /// over with this.
    async fn sweep(&self, buyer: Buyer) -> Result<(), Fault> {
        for link in self.store.links_of(buyer.account).await? {
            if link.state != LinkState::Ended {
                // What is no link any more is none.
                let _ = self.unlink(buyer, link.partner).await?;
            }
        }
        loop {
            let kept = self.kept_of(buyer.account).await?;
            // What there is one of at most is not counted, and goes with the last ones.
            let last = kept.is_empty();
            let Ok(()) = self.submit(Clear { buyer, kept, last }).await?;
            if last {
                break;
            }
        }
        // A processor is told of the cards that left.
        self.errands.notify_one();
        Ok(())
    }

    async fn kept_of(&self, account: Id<Account>) -> Result<Kept, Fault> {
        let sessions = self.store.sessions_of(account, TOGETHER).await?;
        let keys = self.store.api_keys_of(account, Page { after: None, limit: TOGETHER }).await?;
        let letters = self.store.letters_of(account, TOGETHER).await?;
        Ok(Kept {
            sessions: sessions.into_iter().map(|row| row.token).collect(),
            keys: keys.into_iter().map(|row| row.id).collect(),
            letters: letters.into_iter().map(|row| row.id).collect(),
        })
    }
}

/// What is in the way of a wallet as it is now.
fn of_wallet(wallet: &Wallet, owes: bool, leftover: Leftover) -> Vec<Obstacle> {
    let balance = leftover == Leftover::Keep && !wallet.available().is_zero();
    let all = [
        (balance, Obstacle::Balance),
        (!wallet.held().is_zero(), Obstacle::Holds),
        (!wallet.owed().is_zero(), Obstacle::Debts),
        (owes, Obstacle::CreditLine),
    ];
    all.into_iter().filter_map(|(is, obstacle)| is.then_some(obstacle)).collect()
}

/// Rows of their own that tell of a person, as they were looked up.
#[derive(Debug, Default)]
struct Kept {
    sessions: Vec<TokenHash>,
    keys: Vec<Id<ApiKey>>,
    letters: Vec<Id<Letter>>,
}

impl Kept {
    fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.keys.is_empty() && self.letters.is_empty()
    }

    fn wants(&self, wants: &mut Wants, account: Id<Account>) {
        self.sessions.iter().for_each(|token| wants.sessions.read((*token,)));
        self.keys.iter().for_each(|key| wants.api_keys.guard((*key,)));
        self.letters.iter().for_each(|letter| wants.letters.guard((*letter,)));
        wants.digests.guard((account,));
        wants.warned.read((account,));
    }

    fn clear(
        &self,
        books: &Books,
        changes: &mut Changes,
        account: Id<Account>,
    ) -> Result<(), Fault> {
        for token in &self.sessions {
            changes.sessions.extend(books.sessions.get(&(*token,))?.cloned().map(Change::Delete));
        }
        for key in &self.keys {
            changes.api_keys.extend(books.api_keys.get(&(*key,))?.cloned().map(Change::Delete));
        }
        for letter in &self.letters {
            changes.letters.extend(books.letters.get(&(*letter,))?.cloned().map(Change::Delete));
        }
        changes.digests.extend(books.digests.get(&(account,))?.cloned().map(Change::Delete));
        changes.warned.extend(books.warned.get(&(account,))?.cloned().map(Change::Delete));
        Ok(())
    }
}

/// Takes what is kept beside an account that is erased.
struct Clear {
    buyer: Buyer,
    kept: Kept,
    /// Nothing more was found.
    last: bool,
}

impl Command for Clear {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        // An account is changed under its wallet's guard.
        wants.wallets.guard((self.buyer.wallet,));
        wants.accounts.read((self.buyer.account,));
        self.kept.wants(wants, self.buyer.account);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        self.kept.clear(books, &mut changes, self.buyer.account)?;
        let account = books.accounts.get(&(self.buyer.account,))?;
        let due = |account: &&Account| account.sweep_at.is_some_and(|due| due <= at);
        if let Some(account) = account.filter(due).filter(|_| self.last) {
            let swept = Account { sweep_at: None, ..account.clone() };
            changes.accounts.push(Change::Update(swept));
        }
        Ok(Decision::done((), changes))
    }
}

/// Who erases.
enum By {
    /// Its owner, who has shown this of the second factor.
    Owner(Option<Proof>),
    /// The staff, with the reason.
    Staff(Note, String),
}

impl By {
    /// Whether this erases what `login` signs in to, now that it is another row than the one that was looked at, perhaps.
    fn may(&self, login: Option<&Login>, proved: Option<&Login>) -> bool {
        match (self, login, proved) {
            (Self::Staff(..), ..) => true,
            (Self::Owner(proof), Some(login), Some(proved)) => {
                login.is_as_proved(proved) && login.factor.shown(proof.as_ref()).is_some()
            }
            (Self::Owner(_), ..) => false,
        }
    }
}

struct Erase {
    buyer: Buyer,
    /// As it was when it was looked at.
    login: Option<Login>,
    leftover: Leftover,
    by: By,
    kept: Kept,
    /// Books what had expired before.
    gone: Id<Transfer>,
    /// Books what is given up.
    forfeited: Id<Transfer>,
    event: Id<Event>,
}

impl Command for Erase {
    type Receipt = Account;
    type Refusal = EraseRefusal;

    fn wants(&self, wants: &mut Wants) {
        let Buyer { account, wallet } = self.buyer;
        wants.wallets.guard((wallet,));
        wants.accounts.read((account,));
        wants.credit_lines.read((account,));
        wants.payment_methods.read((account,));
        wants.auto_top_ups.read((account,));
        wants.auto_errands.read((account,));
        if let Some(login) = &self.login {
            wants.logins.guard((login.email.clone(),));
        }
        self.kept.wants(wants, account);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Account, EraseRefusal>, Fault> {
        let id = self.buyer.account;
        let Some(account) = books.accounts.get(&(id,))? else {
            return Ok(Decision::refused(EraseRefusal::NoSuchAccount));
        };
        if account.erased_at.is_some() {
            return Ok(Decision::done(account.clone(), Changes::default()));
        }
        let login = match &self.login {
            Some(proved) => {
                let there = books.logins.get(&(proved.email.clone(),))?;
                there.filter(|there| there.account == id)
            }
            None => None,
        };
        let moved = |proved: &Login| proved.email != Login::fold(&account.email);
        let proved = self.login.as_ref();
        if proved.is_some_and(moved) || !self.by.may(login, proved) {
            return Ok(Decision::refused(STALE));
        }
        let lost = || Fault::Bug("an account has no wallet".into());
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(lost)?;
        let line = books.credit_lines.get(&(id,))?;
        let owes = line.is_some_and(|line| !line.owed().amount.is_zero());
        let now = wallet.clone().as_of(at);
        let obstacles = of_wallet(&now, owes, self.leftover);
        if !obstacles.is_empty() {
            return Ok(Decision::refused(EraseRefusal::Open(obstacles, now.available())));
        }

        // From here on it is erased.
        let mut changes = Changes::default();
        let given_up = now.available();
        self.empty(&mut changes, wallet, at)?;
        let erased = Account {
            email: String::new(),
            person: Person::default(),
            verified_at: None,
            frozen_at: account.frozen_at.or(Some(at)),
            frozen_by_dispute: false,
            erased_at: Some(at),
            sweep_at: Some(at.plus(AGAIN)),
            ..account.clone()
        };
        changes.accounts.push(Change::Update(erased.clone()));
        changes.logins.extend(login.cloned().map(Change::Delete));
        self.kept.clear(books, &mut changes, id)?;
        self.forget_cards(books, &mut changes, at)?;
        let kind = EventType::AccountErased;
        event::tell(&mut changes, Event::new(self.event, kind, id, id.into(), at));
        if let By::Staff(note, reason) = &self.by {
            let what = json!({ "reason": { "to": reason }, "forfeited": { "to": given_up } });
            note.write(&mut changes, Act::AccountErased, id, what, at);
        }
        Ok(Decision::done(erased, changes))
    }
}

impl Erase {
    /// Books what is given up, and waits for no purchase any more.
    fn empty(&self, changes: &mut Changes, wallet: &Wallet, at: Timestamp) -> Result<(), Fault> {
        let quiet = Wallet { alarm: None, ..wallet.clone() };
        if quiet != *wallet {
            changes.wallets.push(Change::Update(quiet.clone()));
        }
        let left = ledger::expire(changes, &quiet, self.gone, at)?;
        ledger::forfeit(changes, &left, self.forfeited, at)?;
        Ok(())
    }

    /// Cards leave, and nothing is topped up by itself; of what the processor is still to be told, only its own name stays.
    fn forget_cards(
        &self,
        books: &Books,
        changes: &mut Changes,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let id = self.buyer.account;
        let nameless = |card: &PaymentMethod| PaymentMethod {
            brand: String::new(),
            last_four: String::new(),
            detach_at: card.detach_at.or(Some(at)),
            ..card.clone()
        };
        let cards = books.payment_methods.all(&(id,))?.iter().map(nameless).map(Change::Update);
        changes.payment_methods.extend(cards);
        if let Some(auto) = books.auto_top_ups.get(&(id,))? {
            changes.auto_top_ups.push(Change::Update(auto.removed()));
        }
        changes.auto_errands.extend(books.auto_errands.get(&(id,))?.cloned().map(Change::Delete));
        Ok(())
    }
}
