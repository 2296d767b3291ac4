//! What the server remembers between requests: sessions, members, the vendor.
//!
//! It serves reads and sign-in only; what decides money is loaded in the batch. The writer forgets
//! for us: every commit passes here before it is answered. Where several servers share a database,
//! another one's commits do not, and so nothing is believed for longer than a second.
//!
//! A read that began before a commit must not be remembered after it: a reader notes the
//! [`Memory::epoch`] first, and what it brings is dropped when the epoch has moved on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use scrip_domain::account::Account;
use scrip_domain::api_key::ApiKey;
use scrip_domain::catalog::{Offer, Product, Release};
use scrip_domain::estimate::Speed;
use scrip_domain::session::{Session, TokenHash};
use scrip_domain::settings::Vendor;
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_license::Digest;
use scrip_storage::books::Change;
use scrip_storage::{Books, Observer, Store};

use crate::catalog::parts::Parts;

/// How many bytes of products are remembered.
const PRODUCTS: u64 = 64 << 20;

/// How long what is remembered is believed, where another server may have changed it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryLimits {
    believe: Option<Span>,
}

impl MemoryLimits {
    pub fn for_store(store: &Store) -> Self {
        Self { believe: if store.is_exclusive() { None } else { Some(Span::seconds(1)) } }
    }
}

/// An account and what it can spend.
#[derive(Clone, Debug)]
pub struct Member {
    /// The account.
    pub account: Arc<Account>,
    /// What its wallet can spend.
    pub available: Amount,
}

#[derive(Clone, Debug)]
struct Kept<T> {
    value: T,
    since: Timestamp,
}

/// Weighs a product by the bytes that it takes.
#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Id<Product>, Kept<Arc<Parts>>> for ByBytes {
    fn weight(&self, _: &Id<Product>, kept: &Kept<Arc<Parts>>) -> u64 {
        kept.value.bytes()
    }
}

/// What is remembered.
#[derive(Debug)]
pub struct Memory {
    limits: OnceLock<MemoryLimits>,
    epoch: AtomicU64,
    sessions: Cache<TokenHash, Kept<Session>>,
    members: Cache<Id<Account>, Kept<Member>>,
    api_keys: Cache<Id<ApiKey>, Kept<Arc<ApiKey>>>,
    products_of: Cache<Id<Offer>, Id<Product>>,
    manifests: Cache<Id<Release>, Digest>,
    slugs: Cache<String, Id<Product>>,
    products: Cache<Id<Product>, Kept<Arc<Parts>>, ByBytes>,
    speeds: Cache<Id<Account>, Speed>,
    vendor: RwLock<Option<Kept<Arc<Vendor>>>>,
    cheapest: RwLock<Option<Kept<Option<Amount>>>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            limits: OnceLock::new(),
            epoch: AtomicU64::new(0),
            sessions: Cache::new(200_000),
            members: Cache::new(200_000),
            api_keys: Cache::new(10_000),
            products_of: Cache::new(100_000),
            manifests: Cache::new(10_000),
            slugs: Cache::new(100_000),
            products: Cache::with_weighter(10_000, PRODUCTS, ByBytes),
            speeds: Cache::new(10_000),
            vendor: RwLock::default(),
            cheapest: RwLock::default(),
        }
    }
}

impl Memory {
    pub(crate) fn limit(&self, limits: MemoryLimits) {
        self.limits.get_or_init(|| limits);
    }

    fn believed<T>(&self, kept: Kept<T>, now: Timestamp) -> Option<T> {
        match self.limits.get().and_then(|limits| limits.believe) {
            Some(span) if now >= kept.since.plus(span) => None,
            _ => Some(kept.value),
        }
    }

    pub(crate) fn session(&self, token: &TokenHash, now: Timestamp) -> Option<Session> {
        self.believed(self.sessions.get(token)?, now)
    }

    /// Changes whenever something that is remembered was changed by a commit.
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// Keeps what was read since `epoch`, unless a commit came in between.
    fn keep(&self, epoch: Epoch, keep: impl FnOnce(), drop_again: impl FnOnce()) {
        if self.epoch() != epoch {
            return;
        }
        keep();
        if self.epoch() != epoch {
            drop_again();
        }
    }

    pub(crate) fn remember_session(&self, session: Session, since: Timestamp, epoch: Epoch) {
        let token = session.token;
        let kept = Kept { value: session, since };
        self.keep(epoch, || self.sessions.insert(token, kept), || _ = self.sessions.remove(&token));
    }

    pub(crate) fn member(&self, account: Id<Account>, now: Timestamp) -> Option<Member> {
        self.believed(self.members.get(&account)?, now)
    }

    /// Remembers what was read, unless the writer has put a newer balance there meanwhile.
    pub(crate) fn remember_member(&self, member: Member, since: Timestamp, epoch: Epoch) {
        let id = member.account.id;
        let old = self.members.peek(&id);
        if old.is_some_and(|kept| self.believed(kept, since).is_none()) {
            self.members.remove(&id);
        }
        let kept = Kept { value: member, since };
        let keep = || drop(self.members.get_or_insert_with(&id, || Ok::<_, ()>(kept)));
        self.keep(epoch, keep, || _ = self.members.remove(&id));
    }

    pub(crate) fn api_key(&self, id: Id<ApiKey>, now: Timestamp) -> Option<Arc<ApiKey>> {
        self.believed(self.api_keys.get(&id)?, now)
    }

    pub(crate) fn remember_api_key(&self, key: Arc<ApiKey>, since: Timestamp, epoch: Epoch) {
        let id = key.id;
        let kept = Kept { value: key, since };
        self.keep(epoch, || self.api_keys.insert(id, kept), || _ = self.api_keys.remove(&id));
    }

    pub(crate) fn product_of(&self, offer: Id<Offer>) -> Option<Id<Product>> {
        self.products_of.get(&offer)
    }

    pub(crate) fn remember_product_of(&self, offer: Id<Offer>, product: Id<Product>) {
        self.products_of.insert(offer, product);
    }

    pub(crate) fn manifest(&self, release: Id<Release>) -> Option<Digest> {
        self.manifests.get(&release)
    }

    pub(crate) fn remember_manifest(&self, release: Id<Release>, manifest: Digest) {
        self.manifests.insert(release, manifest);
    }

    /// The product at `slug`. What has moved to another slug since is not found here.
    pub(crate) fn product(&self, slug: &str, now: Timestamp) -> Option<Arc<Parts>> {
        let parts = self.believed(self.products.get(&self.slugs.get(slug)?)?, now)?;
        (parts.product.slug == slug).then_some(parts)
    }

    pub(crate) fn remember_product(&self, parts: Arc<Parts>, since: Timestamp, epoch: Epoch) {
        let id = parts.product.id;
        self.slugs.insert(parts.product.slug.clone(), id);
        let kept = Kept { value: parts, since };
        self.keep(epoch, || self.products.insert(id, kept), || drop(self.products.remove(&id)));
    }

    pub(crate) fn speed(&self, account: Id<Account>) -> Option<Speed> {
        self.speeds.get(&account)
    }

    pub(crate) fn remember_speed(&self, account: Id<Account>, speed: Speed) {
        self.speeds.insert(account, speed);
    }

    pub(crate) fn vendor(&self, now: Timestamp) -> Option<Arc<Vendor>> {
        let kept = self.vendor.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        self.believed(kept, now)
    }

    pub(crate) fn remember_vendor(&self, vendor: Arc<Vendor>, since: Timestamp, epoch: Epoch) {
        let set = |kept| *self.vendor.write().unwrap_or_else(PoisonError::into_inner) = kept;
        self.keep(epoch, || set(Some(Kept { value: vendor, since })), || set(None));
    }

    pub(crate) fn cheapest(&self, now: Timestamp) -> Option<Option<Amount>> {
        let kept = self.cheapest.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        self.believed(kept, now)
    }

    pub(crate) fn remember_cheapest(
        &self,
        cheapest: Option<Amount>,
        since: Timestamp,
        epoch: Epoch,
    ) {
        let set = |kept| *self.cheapest.write().unwrap_or_else(PoisonError::into_inner) = kept;
        self.keep(epoch, || set(Some(Kept { value: cheapest, since })), || set(None));
    }
}

/// A moment between two commits that changed what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl Observer for Memory {
    fn committed(&self, books: &Books) {
        let catalog = books.offers.is_written() || books.products.is_written();
        let seen_before =
            books.sessions.rewrites() || books.api_keys.rewrites() || books.accounts.rewrites();
        if catalog || seen_before || books.vendor.is_written() {
            // First the epoch, so that a reader who is late drops what it brings.
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        // Who has just come will be back in a moment: a new session and a new account are remembered.
        for change in books.sessions.written() {
            match change {
                Change::Insert(session) => {
                    let kept = Kept { value: session.clone(), since: session.created_at };
                    self.sessions.insert(session.token, kept);
                }
                Change::Update(session) | Change::Delete(session) => {
                    self.sessions.remove(&session.token);
                }
            }
        }
        for change in books.api_keys.written() {
            self.api_keys.remove(&change.row().id);
        }
        for change in books.accounts.written() {
            match change {
                Change::Insert(account) => {
                    let member =
                        Member { account: Arc::new(account.clone()), available: Amount::ZERO };
                    let kept = Kept { value: member, since: account.created_at };
                    self.members.insert(account.id, kept);
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
            let Some(mut kept) = self.members.peek(&wallet.account) else { continue };
            kept.value.available = wallet.available();
            // Its age stays: the account beside the balance was read back then.
            self.members.insert(wallet.account, kept);
        }
        if books.vendor.is_written() {
            *self.vendor.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        if catalog {
            *self.cheapest.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}
