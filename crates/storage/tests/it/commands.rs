//! Commands for tests: a small bank, and any command at all from two closures.

use scrip_domain::account::Account;
use scrip_domain::event::Subject;
use scrip_domain::ledger::{Counters, House, LedgerAccount, Reason, Transfer};
use scrip_domain::request::{Request, RequestId};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Store, Wants};

pub fn id<T>(number: u64) -> Id<T> {
    Id::new(number).unwrap()
}

pub fn amount(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

/// Wallet `n` belongs to account `n`. Numbers below 100 are those of house accounts.
pub fn wallet(number: u64, balance: u64) -> Wallet {
    let free = Counters { debits: 0, credits: balance };
    Wallet { free, ..Wallet::empty(id(number), id(number)) }
}

/// Any command: what it wants, and how it decides.
pub struct Act<W, D> {
    wants: W,
    decide: D,
}

pub fn act<W, D, R>(wants: W, decide: D) -> Act<W, D>
where
    W: Fn(&mut Wants) + Send + 'static,
    D: Fn(&Books) -> Result<Decision<R, &'static str>, Fault> + Send + 'static,
{
    Act { wants, decide }
}

impl<W, D, R> Command for Act<W, D>
where
    W: Fn(&mut Wants) + Send + 'static,
    D: Fn(&Books) -> Result<Decision<R, &'static str>, Fault> + Send + 'static,
    R: Send + 'static,
{
    type Receipt = R;
    type Refusal = &'static str;

    fn wants(&self, wants: &mut Wants) {
        (self.wants)(wants);
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<R, &'static str>, Fault> {
        (self.decide)(books)
    }
}

/// A command that wants nothing and writes this.
pub fn write(
    changes: impl Fn(&mut Changes) + Send + 'static,
) -> impl Command<Receipt = (), Refusal = &'static str> {
    change(|_| {}, changes)
}

/// A command that wants this and writes that.
pub fn change(
    wants: impl Fn(&mut Wants) + Send + 'static,
    changes: impl Fn(&mut Changes) + Send + 'static,
) -> impl Command<Receipt = (), Refusal = &'static str> {
    act(wants, move |_| {
        let mut written = Changes::default();
        changes(&mut written);
        Ok(Decision::done((), written))
    })
}

/// A command that wants this and tells what it saw.
pub fn look<R: Send + 'static>(
    wants: impl Fn(&mut Wants) + Send + 'static,
    see: impl Fn(&Books) -> Result<R, Fault> + Send + 'static,
) -> impl Command<Receipt = R, Refusal = &'static str> {
    act(wants, move |books| Ok(Decision::done(see(books)?, Changes::default())))
}

/// Opens an empty wallet.
pub fn open(number: u64) -> impl Command<Receipt = (), Refusal = &'static str> {
    write(move |changes| changes.wallets.push(Change::Insert(wallet(number, 0))))
}

/// Moves tokens in (above zero) or out of a wallet, once per key.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    pub wallet: u64,
    pub tokens: i64,
    pub key: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoWallet,
    TooPoor,
    KeyReused,
}

impl Move {
    fn group(self) -> index::Group {
        (id(self.wallet), index::REQUEST, self.key)
    }

    fn request(self) -> Request {
        Request { key: self.key, fingerprint: self.tokens.unsigned_abs(), id: RequestId::default() }
    }

    fn entry(self, subject: u64) -> Change<Entry> {
        Change::Insert(Entry::request(id(self.wallet), self.request(), Subject(subject)))
    }
}

/// Zero names a request that was refused.
const REFUSED: u64 = 0;

impl Command for Move {
    type Receipt = u64;
    type Refusal = Refusal;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((id(self.wallet),));
        wants.by_account.read(self.group());
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<u64, Refusal>, Fault> {
        match books.by_account.get(&self.group())? {
            Some(entry) if entry.note != self.request().fingerprint => {
                return Ok(Decision::refused(Refusal::KeyReused));
            }
            Some(entry) if entry.target == REFUSED => {
                return Ok(Decision::refused(Refusal::TooPoor));
            }
            Some(entry) => return Ok(Decision::done(entry.target, Changes::default())),
            None => {}
        }
        let Some(wallet) = books.wallets.get(&(id(self.wallet),))? else {
            return Ok(Decision::refused(Refusal::NoWallet));
        };
        let mut changes = Changes::default();
        let moved = amount(self.tokens.unsigned_abs());
        let user = LedgerAccount::Free(wallet.id);
        let (free, house, debit, credit, added) = if self.tokens > 0 {
            let issued = Counters { debits: moved.units(), credits: 0 };
            let house = LedgerAccount::House(House::Issued);
            (wallet.free.credited(moved), House::Issued, house, user, issued)
        } else {
            let earned = Counters { debits: 0, credits: moved.units() };
            let house = LedgerAccount::House(House::Revenue);
            (wallet.free.debited(moved), House::Revenue, user, house, earned)
        };
        let Some(free) = free.filter(|free| free.above_floor()) else {
            changes.by_account.push(self.entry(REFUSED));
            return Ok(Decision::refused_on_record(Refusal::TooPoor, changes));
        };
        let transfer = Transfer {
            id: id((self.wallet << 32) | self.key),
            debit,
            credit,
            amount: moved,
            reason: Reason::Adjustment,
            subject: Subject(self.key),
            at,
        };
        let receipt = transfer.id.number();
        changes.wallets.push(Change::Update(Wallet { free, ..wallet.clone() }));
        changes.by_account.push(Change::Insert(Entry::transfer(wallet.account, transfer.id)));
        changes.by_account.push(self.entry(receipt));
        changes.transfers.push(Change::Insert(transfer));
        changes.house.push((house, added));
        Ok(Decision::done(receipt, changes))
    }
}

/// What a wallet can spend.
pub async fn balance(store: &Store, number: u64) -> Option<u64> {
    store.wallet(id(number)).await.unwrap().map(|wallet| wallet.available().units())
}

/// What the vendor's accounts hold together: less than zero while tokens are outstanding.
pub async fn house(store: &Store) -> i128 {
    let accounts = store.house().await.unwrap();
    accounts.iter().map(|(_, sums)| i128::from(sums.credits) - i128::from(sums.debits)).sum()
}

pub fn account(number: u64) -> Id<Account> {
    id(number)
}
