//! What the server remembers between requests: sessions, members, staff, the vendor.
//!
//! It serves reads and sign-in only; what decides money is loaded in the batch. The writer forgets
//! for us: every commit passes here before it is answered. Where several servers share a database,
//! another one's commits do not: each second the servers look whether the database's *generation* has
//! moved, and forget everything when it has. A server that cannot look believes nothing after three
//! seconds. Balances, which every purchase moves, are believed for a second there.
//!
//! A read that began before a commit must not be remembered after it: a reader notes the
//! [`Memory::epoch`] first, and what it brings is dropped when the epoch has moved on. That would be with every
//! purchase for balances, so they have epochs of their own ([`Memory::epoch_of`]).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use scrip_domain::account::Account;
use scrip_domain::api_key::ApiKey;
use scrip_domain::catalog::{File, Offer, Product, Release};
use scrip_domain::estimate::Speed;
use scrip_domain::gate::Standing;
use scrip_domain::listing::Category;
use scrip_domain::session::{Session, TokenHash};
use scrip_domain::settings::Vendor;
use scrip_domain::staff::{StaffMember, StaffSession};
use scrip_domain::usage::Activation;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_license::Digest;
use scrip_storage::books::Change;
use scrip_storage::{Books, Observer, Store};

use crate::catalog::list::Shown;
use crate::catalog::parts::Parts;
use crate::legal::Legal;
use crate::selection::Sold;

/// How many bytes of products are remembered.
const PRODUCTS: u64 = 64 << 20;

/// How long a balance is believed, where another server may have moved it.
const BALANCE: Span = Span::seconds(1);
/// How long anything is believed after the last look at the generation.
const DEAF: Span = Span::seconds(3);

/// How many counters the accounts share whose balances move. A prime, since the numbers of ids end alike.
const MOVES: usize = 1021;

/// Who else may change what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    /// Nobody.
    Alone,
    /// Other servers on the same database.
    Shared,
}

/// An account and what it can spend.
#[derive(Clone, Debug)]
pub struct Member {
    /// The account.
    pub account: Arc<Account>,
    /// What its wallet can spend.
    pub available: Amount,
    /// Until when: then something of it expires.
    until: Option<Timestamp>,
}

impl Member {
    /// An account and its wallet as it is at `at`.
    pub(crate) fn new(account: Arc<Account>, wallet: Wallet, at: Timestamp) -> Self {
        let wallet = wallet.as_of(at);
        Self { account, available: wallet.available(), until: wallet.next_expiry }
    }
}

/// What is known of a release, which never changes once it is sold.
#[derive(Debug)]
pub struct Released {
    /// The digest of its manifest.
    pub manifest: Option<Digest>,
    /// Its files.
    pub files: Vec<File>,
}

/// Weighs a product by the bytes that it takes.
#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Id<Product>, Arc<Parts>> for ByBytes {
    fn weight(&self, _: &Id<Product>, parts: &Arc<Parts>) -> u64 {
        parts.bytes()
    }
}

/// What is remembered.
#[derive(Debug)]
pub struct Memory {
    sharing: OnceLock<Sharing>,
    generation: AtomicU64,
    // When the generation was last looked at, in milliseconds since 1970.
    heard_at: AtomicI64,
    epoch: AtomicU64,
    // How often a commit has moved a balance, by account.
    moves: [AtomicU64; MOVES],
    // How often a commit has changed licenses that were there before, their machines or leases.
    licenses: AtomicU64,
    sessions: Cache<TokenHash, Session>,
    // With the time at which each was read.
    members: Cache<Id<Account>, (Member, Timestamp)>,
    api_keys: Cache<Id<ApiKey>, Arc<ApiKey>>,
    staff: Cache<Id<StaffMember>, Arc<StaffMember>>,
    staff_sessions: Cache<TokenHash, StaffSession>,
    sold_by: Cache<Id<Offer>, Sold>,
    releases: Cache<Id<Release>, Arc<Released>>,
    slugs: Cache<String, Id<Product>>,
    products: Cache<Id<Product>, Arc<Parts>, ByBytes>,
    speeds: Cache<Id<Account>, Speed>,
    vendor: RwLock<Option<Arc<Vendor>>>,
    cheapest: RwLock<Option<Option<Amount>>>,
    legal: RwLock<Option<Arc<[Legal]>>>,
    // By the rank of the standing that sees them.
    categories: RwLock<BTreeMap<u8, Arc<[Category]>>>,
    // What visitors' lists begin with, by the language and what was asked.
    first_pages: Cache<String, Arc<Shown>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            sharing: OnceLock::new(),
            generation: AtomicU64::new(0),
            heard_at: AtomicI64::new(i64::MIN),
            epoch: AtomicU64::new(0),
            moves: [const { AtomicU64::new(0) }; MOVES],
            licenses: AtomicU64::new(0),
            sessions: Cache::new(200_000),
            members: Cache::new(200_000),
            api_keys: Cache::new(10_000),
            staff: Cache::new(1_000),
            staff_sessions: Cache::new(10_000),
            sold_by: Cache::new(100_000),
            releases: Cache::new(10_000),
            slugs: Cache::new(100_000),
            products: Cache::with_weighter(10_000, PRODUCTS, ByBytes),
            speeds: Cache::new(10_000),
            vendor: RwLock::default(),
            cheapest: RwLock::default(),
            legal: RwLock::default(),
            categories: RwLock::default(),
            first_pages: Cache::new(200),
        }
    }
}

impl Memory {
    /// Says whose memory it is: of the only server on `store`, or of one among others.
    pub(crate) fn serve(&self, store: &Store) {
        let sharing = if store.is_exclusive() { Sharing::Alone } else { Sharing::Shared };
        self.sharing.get_or_init(|| sharing);
    }

    /// The generation was `generation` at some time after `asked_at`: what was remembered of another
    /// one is forgotten.
    pub(crate) fn hear(&self, generation: u64, asked_at: Timestamp) {
        if self.generation.swap(generation, Ordering::AcqRel) != generation {
            self.forget_all();
        }
        self.heard_at.store(asked_at.millis(), Ordering::Release);
    }

    fn forget_all(&self) {
        // First the epoch, so that a reader who is late drops what it brings.
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.sessions.clear();
        self.members.clear();
        self.api_keys.clear();
        self.staff.clear();
        self.staff_sessions.clear();
        self.slugs.clear();
        self.products.clear();
        self.sold_by.clear();
        *self.vendor.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.cheapest.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.legal.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.categories.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.first_pages.clear();
    }

    /// Whether what is remembered may be believed: nobody else changes it, or we would have heard.
    fn hears(&self, now: Timestamp) -> bool {
        let heard_at = Timestamp::from_millis(self.heard_at.load(Ordering::Acquire));
        self.sharing.get() != Some(&Sharing::Shared) || now < heard_at.plus(DEAF)
    }

    pub(crate) fn session(&self, token: &TokenHash, now: Timestamp) -> Option<Session> {
        self.sessions.get(token).filter(|_| self.hears(now))
    }

    /// Changes whenever something that is remembered was changed by a commit.
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch_with(None)
    }

    /// Changes also whenever a commit has moved what `account` can spend.
    pub(crate) fn epoch_of(&self, account: Id<Account>) -> Epoch {
        self.epoch_with(Some(account))
    }

    fn epoch_with(&self, balance_of: Option<Id<Account>>) -> Epoch {
        let moves = balance_of.and_then(|account| self.moves(account));
        let moves = moves.map_or(0, |moves| moves.load(Ordering::Acquire));
        // Both only grow, so the sum stays what it is while neither has moved.
        Epoch { count: self.epoch.load(Ordering::Acquire).wrapping_add(moves), balance_of }
    }

    fn moves(&self, account: Id<Account>) -> Option<&AtomicU64> {
        self.moves.get(usize::try_from(account.number()).unwrap_or_default() % MOVES)
    }

    /// Keeps what was read since `epoch`, unless a commit came in between.
    fn keep(&self, epoch: Epoch, keep: impl FnOnce(), drop_again: impl FnOnce()) {
        if self.epoch_with(epoch.balance_of) != epoch {
            return;
        }
        keep();
        if self.epoch_with(epoch.balance_of) != epoch {
            drop_again();
        }
    }

    pub(crate) fn remember_session(&self, session: Session, epoch: Epoch) {
        let token = session.token;
        let keep = || self.sessions.insert(token, session);
        self.keep(epoch, keep, || _ = self.sessions.remove(&token));
    }

    pub(crate) fn member(&self, account: Id<Account>, now: Timestamp) -> Option<Member> {
        let (member, since) = self.members.get(&account)?;
        self.is_true(&member, since, now).then_some(member)
    }

    /// Whether a member that was read at `since` may be believed.
    fn is_true(&self, member: &Member, since: Timestamp, now: Timestamp) -> bool {
        member.until.is_none_or(|until| now < until) && self.is_fresh(since, now)
    }

    /// Whether a balance that was read at `since` may be believed.
    fn is_fresh(&self, since: Timestamp, now: Timestamp) -> bool {
        let alone = self.sharing.get() != Some(&Sharing::Shared);
        self.hears(now) && (alone || now < since.plus(BALANCE))
    }

    /// Remembers what was read at `since`. Its balance moves, so the epoch is that of the account.
    pub(crate) fn remember_member(&self, member: Member, since: Timestamp, epoch: Epoch) {
        let id = member.account.id;
        let keep = || self.members.insert(id, (member, since));
        self.keep(epoch, keep, || _ = self.members.remove(&id));
    }

    pub(crate) fn api_key(&self, id: Id<ApiKey>, now: Timestamp) -> Option<Arc<ApiKey>> {
        self.api_keys.get(&id).filter(|_| self.hears(now))
    }

    pub(crate) fn remember_api_key(&self, key: Arc<ApiKey>, epoch: Epoch) {
        let id = key.id;
        self.keep(epoch, || self.api_keys.insert(id, key), || _ = self.api_keys.remove(&id));
    }

    pub(crate) fn staff_session(&self, token: &TokenHash, now: Timestamp) -> Option<StaffSession> {
        self.staff_sessions.get(token).filter(|_| self.hears(now))
    }

    pub(crate) fn remember_staff_session(&self, session: StaffSession, epoch: Epoch) {
        let token = session.token;
        let keep = || self.staff_sessions.insert(token, session);
        self.keep(epoch, keep, || _ = self.staff_sessions.remove(&token));
    }

    pub(crate) fn staff_member(
        &self,
        id: Id<StaffMember>,
        now: Timestamp,
    ) -> Option<Arc<StaffMember>> {
        self.staff.get(&id).filter(|_| self.hears(now))
    }

    pub(crate) fn remember_staff_member(&self, member: Arc<StaffMember>, epoch: Epoch) {
        let id = member.id;
        self.keep(epoch, || self.staff.insert(id, member), || _ = self.staff.remove(&id));
    }

    /// Changes whenever a commit of this server has changed what is dead of licenses.
    pub(crate) fn license_changes(&self) -> u64 {
        self.licenses.load(Ordering::Acquire)
    }

    pub(crate) fn sold_by(&self, offer: Id<Offer>, now: Timestamp) -> Option<Sold> {
        self.sold_by.get(&offer).filter(|_| self.hears(now))
    }

    pub(crate) fn remember_sold_by(&self, offer: Id<Offer>, sold: Sold, epoch: Epoch) {
        let keep = || self.sold_by.insert(offer, sold);
        self.keep(epoch, keep, || drop(self.sold_by.remove(&offer)));
    }

    pub(crate) fn released(&self, release: Id<Release>) -> Option<Arc<Released>> {
        self.releases.get(&release)
    }

    pub(crate) fn remember_released(&self, release: Id<Release>, released: Arc<Released>) {
        self.releases.insert(release, released);
    }

    /// The product at `slug`. What has moved to another slug since is not found here.
    pub(crate) fn product(&self, slug: &str, now: Timestamp) -> Option<Arc<Parts>> {
        let parts = self.products.get(&self.slugs.get(slug)?)?;
        (parts.product.slug == slug && self.hears(now)).then_some(parts)
    }

    pub(crate) fn remember_product(&self, parts: Arc<Parts>, epoch: Epoch) {
        let id = parts.product.id;
        self.slugs.insert(parts.product.slug.clone(), id);
        self.keep(epoch, || self.products.insert(id, parts), || drop(self.products.remove(&id)));
    }

    pub(crate) fn speed(&self, account: Id<Account>) -> Option<Speed> {
        self.speeds.get(&account)
    }

    pub(crate) fn remember_speed(&self, account: Id<Account>, speed: Speed) {
        self.speeds.insert(account, speed);
    }

    pub(crate) fn vendor(&self, now: Timestamp) -> Option<Arc<Vendor>> {
        let vendor = self.vendor.read().unwrap_or_else(PoisonError::into_inner).clone();
        vendor.filter(|_| self.hears(now))
    }

    pub(crate) fn remember_vendor(&self, vendor: Arc<Vendor>, epoch: Epoch) {
        let set = |kept| *self.vendor.write().unwrap_or_else(PoisonError::into_inner) = kept;
        self.keep(epoch, || set(Some(vendor)), || set(None));
    }

    pub(crate) fn cheapest(&self, now: Timestamp) -> Option<Option<Amount>> {
        let cheapest = *self.cheapest.read().unwrap_or_else(PoisonError::into_inner);
        cheapest.filter(|_| self.hears(now))
    }

    pub(crate) fn remember_cheapest(&self, cheapest: Option<Amount>, epoch: Epoch) {
        let set = |kept| *self.cheapest.write().unwrap_or_else(PoisonError::into_inner) = kept;
        self.keep(epoch, || set(Some(cheapest)), || set(None));
    }

    pub(crate) fn legal(&self, now: Timestamp) -> Option<Arc<[Legal]>> {
        let legal = self.legal.read().unwrap_or_else(PoisonError::into_inner).clone();
        legal.filter(|_| self.hears(now))
    }

    pub(crate) fn remember_legal(&self, all: Arc<[Legal]>, epoch: Epoch) {
        let set = |kept| *self.legal.write().unwrap_or_else(PoisonError::into_inner) = kept;
        self.keep(epoch, || set(Some(all)), || set(None));
    }

    pub(crate) fn first_page(&self, asked: &str, now: Timestamp) -> Option<Arc<Shown>> {
        self.first_pages.get(asked).filter(|_| self.hears(now))
    }

    pub(crate) fn remember_first_page(&self, asked: &str, shown: Arc<Shown>, epoch: Epoch) {
        let keep = || self.first_pages.insert(asked.to_owned(), shown);
        self.keep(epoch, keep, || drop(self.first_pages.remove(asked)));
    }

    /// The categories of what `standing` sees.
    pub(crate) fn categories(&self, standing: Standing, now: Timestamp) -> Option<Arc<[Category]>> {
        let all = self.categories.read().unwrap_or_else(PoisonError::into_inner);
        all.get(&standing.rank()).filter(|_| self.hears(now)).cloned()
    }

    pub(crate) fn remember_categories(&self, of: Standing, all: Arc<[Category]>, epoch: Epoch) {
        let lock = || self.categories.write().unwrap_or_else(PoisonError::into_inner);
        self.keep(epoch, || _ = lock().insert(of.rank(), all), || _ = lock().remove(&of.rank()));
    }
}

/// A moment between two commits that changed what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
    count: u64,
    /// Whose balance it is the moment of, too.
    balance_of: Option<Id<Account>>,
}

impl Observer for Memory {
    fn committed(&self, books: &Books) {
        if books.changes_remembered() {
            // First the epoch, so that a reader who is late drops what it brings.
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        // A machine that only renews its leave, as programs do at each start, ends nothing.
        let ends = |change: &Change<Activation>| change.row().ended_at.is_some();
        let ended = books.activations.written().any(ends);
        if ended || books.licenses.rewrites() || books.leases.rewrites() {
            self.licenses.fetch_add(1, Ordering::AcqRel);
        }
        self.let_in(books);
        for change in books.accounts.written() {
            match change {
                Change::Insert(account) => {
                    let created_at = account.created_at;
                    let account = Arc::new(account.clone());
                    let member = Member { account, available: Amount::ZERO, until: None };
                    self.members.insert(change.row().id, (member, created_at));
                }
                Change::Update(account) | Change::Delete(account) => {
                    self.members.remove(&account.id);
                }
            }
        }
        // Every command on offers, releases and files counts its product's version up.
        for change in books.products.written() {
            self.products.remove(&change.row().id);
        }
        for change in books.wallets.written() {
            let wallet = change.row();
            // First the epoch, here as well.
            if let Some(moves) = self.moves(wallet.account) {
                moves.fetch_add(1, Ordering::AcqRel);
            }
            let Some((mut member, read_at)) = self.members.peek(&wallet.account) else { continue };
            // What has expired and is not booked yet is no longer believed, and read again.
            (member.available, member.until) = (wallet.available(), wallet.next_expiry);
            // Its age stays: the account beside the balance was read back then.
            self.members.insert(wallet.account, (member, read_at));
        }
        if books.legal_texts.is_written() {
            *self.legal.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        if books.vendor.is_written() || books.products.is_written() {
            self.categories.write().unwrap_or_else(PoisonError::into_inner).clear();
            self.first_pages.clear();
        }
        if books.vendor.is_written() {
            *self.vendor.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        // A bundle is looked up with the terms of what is in it, and with whether anything of it is hidden.
        if books.offers.rewrites() || books.products.rewrites() || books.vendor.is_written() {
            self.sold_by.clear();
        }
        if books.offers.is_written() || books.products.is_written() {
            *self.cheapest.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl Memory {
    /// What changed of who may come in.
    fn let_in(&self, books: &Books) {
        // Who has just come will be back in a moment: a new session, and above a new account, are remembered.
        for change in books.sessions.written() {
            match change {
                Change::Insert(session) => self.sessions.insert(session.token, session.clone()),
                Change::Update(session) | Change::Delete(session) => {
                    self.sessions.remove(&session.token);
                }
            }
        }
        for change in books.api_keys.written() {
            self.api_keys.remove(&change.row().id);
        }
        for change in books.staff.written() {
            self.staff.remove(&change.row().id);
        }
        for change in books.staff_sessions.written() {
            self.staff_sessions.remove(&change.row().token);
        }
    }
}

#[cfg(test)]
mod tests {
    use scrip_domain::Clock;
    use scrip_domain::account::Person;
    use scrip_domain::ledger::Counters;
    use scrip_storage::{Changes, Command, Decision, Fault, Wants};

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    /// A memory that heard at noon that the generation is 7, and knows a session.
    fn remembers(sharing: Sharing) -> (Memory, TokenHash) {
        let memory = Memory::default();
        memory.sharing.get_or_init(|| sharing);
        memory.hear(7, NOON);
        let id = Id::new(1 << 40).unwrap();
        let token = [1; 16];
        let session = Session {
            token,
            account: id,
            wallet: Id::new(1 << 41).unwrap(),
            created_at: NOON,
            expires_at: NOON,
        };
        memory.remember_session(session, memory.epoch());
        (memory, token)
    }

    #[test]
    fn among_others_all_is_forgotten_when_the_generation_moves() {
        let (memory, token) = remembers(Sharing::Shared);
        memory.hear(7, NOON.plus(Span::seconds(1)));
        assert!(memory.session(&token, NOON.plus(Span::seconds(1))).is_some());
        memory.hear(8, NOON.plus(Span::seconds(2)));
        assert!(memory.session(&token, NOON.plus(Span::seconds(2))).is_none());
    }

    #[test]
    fn who_cannot_look_believes_nothing_after_three_seconds() {
        let (memory, token) = remembers(Sharing::Shared);
        assert!(memory.session(&token, NOON.plus(Span::millis(2999))).is_some());
        assert!(memory.session(&token, NOON.plus(Span::seconds(3))).is_none());
        let (memory, token) = remembers(Sharing::Alone);
        assert!(memory.session(&token, NOON.plus(Span::days(1))).is_some());
    }

    /// Writes an account, or its wallet.
    enum Put {
        Account(Change<Account>),
        Wallet(Change<Wallet>),
    }

    impl Command for Put {
        type Receipt = ();
        type Refusal = ();

        fn wants(&self, wants: &mut Wants) {
            match self {
                Self::Account(change) => wants.accounts.guard((change.row().id,)),
                Self::Wallet(change) => wants.wallets.guard((change.row().id,)),
            }
        }

        fn decide(&self, _: &Books, _: Timestamp) -> Result<Decision<(), ()>, Fault> {
            let mut changes = Changes::default();
            match self {
                Self::Account(change) => changes.accounts.push(change.clone()),
                Self::Wallet(change) => changes.wallets.push(change.clone()),
            }
            Ok(Decision::done((), changes))
        }
    }

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            NOON
        }
    }

    #[tokio::test]
    async fn a_balance_that_was_read_before_a_commit_moved_it_is_not_remembered_after() {
        let disk = scrip_storage::Memory::new("moved-meanwhile").unwrap();
        let (store, writer) = Store::memory(&disk).unwrap();
        let memory = Arc::new(Memory::default());
        memory.serve(&store);
        tokio::spawn(writer.run(Arc::new(Noon), memory.clone()));
        let account = Account {
            id: Id::new(1001).unwrap(),
            wallet: Id::new(2001).unwrap(),
            email: "ada@example.com".into(),
            person: Person::default(),
            created_at: NOON,
            verified_at: None,
            frozen_at: None,
            frozen_by_dispute: false,
            terms_version: None,
            erased_at: None,
            sweep_at: None,
        };
        let (id, empty) = (account.id, Wallet::empty(account.wallet, account.id));
        let put = async |put| store.submit(put).await.unwrap().unwrap();
        put(Put::Account(Change::Insert(account.clone()))).await;
        put(Put::Wallet(Change::Insert(empty.clone()))).await;
        // What is new is remembered at once; what was changed is read again.
        put(Put::Account(Change::Update(account.clone()))).await;
        assert!(memory.member(id, NOON).is_none());
        let epoch = memory.epoch_of(id);
        let read = || Member::new(Arc::new(account.clone()), empty.clone(), NOON);
        let free = Counters { debits: 0, credits: 5 };
        put(Put::Wallet(Change::Update(Wallet { free, ..empty.clone() }))).await;
        memory.remember_member(read(), NOON, epoch);
        assert!(memory.member(id, NOON).is_none(), "it is read again");
        memory.remember_member(read(), NOON, memory.epoch_of(id));
        assert_eq!(memory.member(id, NOON).unwrap().available, Amount::ZERO);
        put(Put::Wallet(Change::Update(Wallet { free, ..empty.clone() }))).await;
        assert_eq!(memory.member(id, NOON).unwrap().available, Amount::new(5).unwrap());
    }

    #[test]
    fn what_was_read_before_the_generation_moved_is_not_remembered_after() {
        let (memory, token) = remembers(Sharing::Shared);
        let session = memory.session(&token, NOON).unwrap();
        let before = memory.epoch();
        memory.hear(8, NOON);
        memory.remember_session(session, before);
        assert!(memory.session(&token, NOON).is_none());
    }
}
