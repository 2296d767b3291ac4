//! The verbs of Scrip, one file per use case. Only here is anything decided.
//!
//! Read [`purchase`] first: a purchase from the request to the rows, top to bottom.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

pub mod account;
pub mod account_statement;
pub mod agreement;
pub mod api_key;
pub mod audit;
pub mod auto_top_up;
pub mod bureau;
pub mod catalog;
pub mod checkout;
pub mod code;
pub mod connection;
pub mod coupon;
pub mod credit_line;
pub mod demo;
pub mod doctor;
pub mod download;
pub mod email;
pub mod erasure;
pub mod event;
pub mod evidence;
pub mod exchange;
pub mod expiry;
pub mod export;
pub mod factor;
pub mod fresh;
pub mod grant;
pub mod identity;
mod ids;
pub mod imprint;
pub mod invitation;
pub mod keys;
mod ledger;
pub mod legal;
pub mod library;
pub mod license;
pub mod link;
pub mod mail;
pub mod memory;
pub mod merchant;
pub mod objects;
pub mod order;
pub mod partner;
pub mod passkey;
pub mod password;
mod passwords;
pub mod payment_method;
pub mod peer;
pub mod processor;
pub mod provider;
pub mod purchase;
pub mod purchase_request;
pub mod quote;
pub mod refund;
pub mod refund_request;
pub mod register;
pub mod report;
pub mod restore;
pub mod reversal;
mod round;
pub mod seal;
pub mod selection;
pub mod session;
pub mod settlement;
pub mod signature;
pub mod staff;
pub mod statement;
mod texts;
pub mod throttle;
pub mod top_up;
pub mod update;
pub mod vendor;
pub mod verification;
pub mod voucher;
pub mod webhook;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use scrip_domain::account::Account;
use scrip_domain::id::Kind;
use scrip_domain::role::Roles;
use scrip_domain::settings::Vendor;
use scrip_domain::{Clock, Entropy, Id, Timestamp};
use scrip_storage::{Blocking, Command, Store};
use tokio::sync::Notify;

pub use audit::Staff;
pub use ledger::Buyer;
pub use memory::Memory;
pub use objects::Objects;
pub use scrip_storage::Fault;
pub use scrip_storage::reads::journal::Period;
pub use scrip_storage::reads::{Page, Told};

use crate::bureau::Bureau;
use crate::demo::DemoClock;
use crate::download::{Slots, Tickets};
use crate::ids::IdMint;
use crate::keys::{KeyHome, Keys};
use crate::license::revocations::Lists;
use crate::mail::{Asked, Mail};
use crate::partner::Partners;
use crate::passwords::Passwords;
use crate::peer::Peers;
use crate::processor::Processor;
use crate::provider::Provider;
use crate::purchase_request::notice::Herald;
use crate::restore::{Archive, Restoring};
use crate::throttle::Throttle;
use crate::webhook::Sender;

/// Rows by what they hang from, each group in the order in which they came.
fn grouped<K: Ord, T>(rows: Vec<T>, key: impl Fn(&T) -> K) -> BTreeMap<K, Vec<T>> {
    let mut groups: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}

/// An answer: done or refused; a [`Fault`] when nobody knows.
pub type Outcome<T, E> = Result<Result<T, E>, Fault>;

/// Everything that a vendor's server can do.
pub struct Engine {
    store: Store,
    clock: Arc<dyn Clock>,
    demo_clock: Option<Arc<DemoClock>>,
    entropy: Arc<dyn Entropy>,
    keys: Arc<RwLock<Arc<Keys>>>,
    key_home: Option<Arc<dyn KeyHome>>,
    ids: Mutex<IdMint>,
    passwords: Passwords,
    throttle: Throttle,
    memory: Arc<Memory>,
    objects: Objects,
    tickets: Tickets,
    slots: Arc<Slots>,
    lists: Lists,
    /// Who has it reads an object for its second digest.
    digesting: tokio::sync::Mutex<()>,
    /// Who has it makes a signing key.
    rotating: tokio::sync::Mutex<()>,
    processor: Option<Arc<dyn Processor>>,
    bureau: Option<Arc<dyn Bureau>>,
    herald: Option<Arc<dyn Herald>>,
    archive: Option<Arc<dyn Archive>>,
    restoring: Restoring,
    provider: Option<Arc<dyn Provider>>,
    partners: Option<Arc<dyn Partners>>,
    peers: Peers,
    roles: Roles,
    public_url: String,
    sender: Option<Arc<dyn Sender>>,
    mail: Option<Mail>,
    asked: Asked,
    errands: Notify,
    mode: Mode,
}

/// What the engine stands on.
pub struct Ground {
    /// Books in and out. Its writer must be running.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Signing keys and secrets.
    pub keys: Keys,
    /// This server's number among those on the same database.
    pub server: u8,
    /// The bytes of the catalogue's files.
    pub objects: Objects,
    /// Where passwords are hashed.
    pub blocking: Blocking,
    /// What it is run for.
    pub mode: Mode,
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").field("server", &self.server).finish_non_exhaustive()
    }
}

/// What a server is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For money.
    Live,
    /// For show: the demo processor takes part, and passwords cost little.
    Demo,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine on `ground`, which shares `memory` with the writer that it observes.
    ///
    /// Leases a range of ids; fails when the database does not answer.
    pub async fn start(ground: Ground, memory: Arc<Memory>) -> Result<Self, Fault> {
        let now = ground.clock.now();
        let lease = ids::lease(&ground.store, ground.server, now).await?;
        let restoring = Restoring::look(&ground.store).await?;
        memory.serve(&ground.store);
        memory.hear(ground.store.generation().await?, now);
        Ok(Self {
            ids: Mutex::new(lease),
            passwords: Passwords::new(ground.mode, ground.blocking),
            throttle: Throttle::default(),
            store: ground.store,
            clock: ground.clock,
            demo_clock: None,
            entropy: ground.entropy,
            keys: Arc::new(RwLock::new(Arc::new(ground.keys))),
            key_home: None,
            memory,
            objects: ground.objects,
            tickets: Tickets::default(),
            slots: Arc::default(),
            lists: Lists::default(),
            digesting: tokio::sync::Mutex::default(),
            rotating: tokio::sync::Mutex::default(),
            processor: None,
            bureau: None,
            herald: None,
            archive: None,
            restoring,
            provider: None,
            partners: None,
            peers: Peers::default(),
            roles: Roles::default(),
            public_url: String::new(),
            sender: None,
            mail: None,
            asked: Asked::default(),
            errands: Notify::new(),
            mode: ground.mode,
        })
    }

    /// With a card processor.
    #[must_use]
    pub fn with_processor(mut self, processor: Arc<dyn Processor>) -> Self {
        self.processor = Some(processor);
        self
    }

    /// With an external bureau.
    #[must_use]
    pub fn with_bureau(mut self, bureau: Arc<dyn Bureau>) -> Self {
        self.bureau = Some(bureau);
        self
    }

    /// With these roles; a vendor without them.
    #[must_use]
    pub fn with_roles(mut self, roles: Roles) -> Self {
        self.roles = roles;
        self
    }

    /// With the provider of a merchant.
    #[must_use]
    pub fn with_provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// With a way to other vendors.
    #[must_use]
    pub fn with_partners(mut self, partners: Arc<dyn Partners>) -> Self {
        self.partners = Some(partners);
        self
    }

    /// With a way to tell webhooks.
    #[must_use]
    pub fn with_sender(mut self, sender: Arc<dyn Sender>) -> Self {
        self.sender = Some(sender);
        self
    }

    /// With the address under which buyers reach this server, without a slash at the end.
    #[must_use]
    pub fn with_public_url(mut self, public_url: String) -> Self {
        self.public_url = public_url;
        self
    }

    /// The card processor, when one is set up.
    pub fn processor(&self) -> Option<&dyn Processor> {
        self.processor.as_deref()
    }

    /// Who keeps the accounts of this merchant's buyers.
    pub fn provider(&self) -> Option<&dyn Provider> {
        self.provider.as_deref()
    }

    /// The way to other vendors.
    pub fn partners(&self) -> Option<&dyn Partners> {
        self.partners.as_deref()
    }

    /// What this server is among servers.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The address under which buyers and other servers reach this one, without a slash at the end: its name in
    /// documents.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The account's own keys to everything that is guarded by its wallet.
    pub(crate) async fn buyer_of(&self, account: Id<Account>) -> Result<Buyer, Fault> {
        let lost = || Fault::Bug("an account is gone".into());
        let member = self.member(account).await?.ok_or_else(lost)?;
        Ok(Buyer { account, wallet: member.account.wallet })
    }

    /// What this server is run for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Signing keys and secrets, as they are now.
    pub fn keys(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The name of the key that signs codes now.
    pub(crate) fn license_kid(&self) -> Result<String, Fault> {
        let no_key = || Fault::Bug("there is no license key".into());
        Ok(self.keys().current().ok_or_else(no_key)?.kid().to_owned())
    }

    /// The bytes of the catalogue's files.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// How many commands wait for the writer.
    pub fn waiting(&self) -> usize {
        self.store.waiting()
    }

    /// Fills `bytes` with chance.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.entropy.fill(bytes);
    }

    /// The rows, to be read.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A new id.
    pub(crate) fn mint<T: Kind>(&self) -> Result<Id<T>, Fault> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).mint(self.clock.now())
    }

    /// `count` new ids.
    pub(crate) fn mint_many<T: Kind>(&self, count: usize) -> Result<Vec<Id<T>>, Fault> {
        (0..count).map(|_| self.mint()).collect()
    }

    /// Mints nothing from now on that is not later than `id`.
    pub(crate) async fn stay_above<T>(&self, id: Id<T>) -> Result<(), Fault> {
        let beyond = {
            let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
            ids.stay_above(id.number());
            ids.is_beyond()
        };
        if beyond { self.renew_lease().await } else { Ok(()) }
    }

    /// Keeps the lease on ids ahead of the clock. Call it each second.
    pub async fn renew_lease(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        let (server, reach, gone_back) = {
            let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
            (ids.server(), ids.reach(), ids.has_gone_back(now))
        };
        // Ahead of what was minted, too: after a restore that may be ahead of a clock that was set back.
        let extended = ids::extend(&self.store, server, now.max(reach)).await;
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).renewed(&extended);
        extended?;
        if gone_back { self.reopen_days().await } else { Ok(()) }
    }

    /// Looks whether another server on the same database has changed what this one remembers. Call it
    /// each second.
    pub async fn catch_up(&self) -> Result<(), Fault> {
        if !self.store.is_exclusive() {
            let now = self.clock.now();
            self.memory.hear(self.store.generation().await?, now);
        }
        Ok(())
    }

    /// Ends the lease on ids in order: nothing more can be made. The last thing to do before a stop.
    pub async fn end_lease(&self) -> Result<(), Fault> {
        ids::give_back(&self.store, &self.ids).await
    }

    /// The vendor; a fault when the server has not been set up.
    pub async fn vendor(&self) -> Result<Arc<Vendor>, Fault> {
        let now = self.clock.now();
        if let Some(vendor) = self.memory.vendor(now) {
            return Ok(vendor);
        }
        let epoch = self.memory.epoch();
        let not_set_up = || Fault::Unfit("there is no shop in the database".into());
        let vendor = Arc::new(self.store.vendor().await?.ok_or_else(not_set_up)?);
        self.memory.remember_vendor(vendor.clone(), epoch);
        Ok(vendor)
    }

    /// Hands a command to the writer.
    pub(crate) fn submit<C: Command>(
        &self,
        command: C,
    ) -> impl Future<Output = Outcome<C::Receipt, C::Refusal>> + Send {
        self.store.submit(command)
    }
}
