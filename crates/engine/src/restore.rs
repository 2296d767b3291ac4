//! After a restore: what other servers did with this one since the backup is heard before it goes on.
//!
//! ```text
//! begin ─▶ epoch + a reunion with each peer (asking) ─▶ page after page of what it has ─▶ booked, or listed ─▶ reconciled
//!                                                  └──────────── administrator ────────────▶ skipped
//! reconciled, skipped ── administrator ─▶ asking, from the beginning
//! ```
//! While one peer has not told everything, the server is *restoring*: signed calls of others are answered `restoring`, and
//! where wallets are nothing moves tokens, by nobody: not buyers, not staff, not the clock. Less is not sound. What
//! a merchant captured after the backup is in the wallet again, and whoever spends it first has it: so no wallet is spent
//! from before all merchants were heard, not only those that are known to be touched, because which they are is what is
//! not known. An administrator who cannot wait goes on without a peer, by name, on record.
//!
//! The same holds at a vendor that exchanges: what a buyer had given to a partner since the backup is in the wallet again.
//!
//! A merchant that was restored holds no tokens, and its provider keeps what is worth anything: so its buyers go on, and only
//! calls of its provider wait. A vendor without peers has nobody to ask, and begins at once.
//!
//! A further kind of peer is one more word of [`PeerKind`], one more arm in [`Engine::ask_peer`] that reads a page of
//! what that peer has, and one in [`peers_of`] that says who they are.

mod from_merchants;
mod from_partners;
mod from_provider;
mod history;
mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use scrip_domain::account::Account;
use scrip_domain::audit::Act;
use scrip_domain::connection::SubjectName;
use scrip_domain::id::Kind;
use scrip_domain::merchant::MerchantState;
use scrip_domain::restore::{
    Discrepancy, Epoch, FIRST_EPOCH, Lack, MARGIN, PeerKind, Reunion, ReunionState,
};
use scrip_domain::role::{Role, Roles};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::reads::Page;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Store, Wants};
use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::round::{self, IN_TURN};
use crate::{Engine, Outcome};

pub use from_merchants::{Archive, Bundle, Bundles};
pub(crate) use from_merchants::{Papers, Said};
pub use history::NoSuchPlace;
pub use witness::Witnessed;

/// Reunions that one round looks after.
const ROUND: u32 = 20;
/// Accounts that are looked through at a time for those of whom only a peer's names are known.
const SCAN: u32 = 500;
/// Rows of one command, well below what a command may write.
const CHUNK: usize = 200;

/// Which epoch it is, and whether anybody is still to be heard: as remembered, and looked at each second. A restore happens
/// to a server that does not run, so a server that remembers too long waits too long, and nothing else.
#[derive(Debug)]
pub(crate) struct Restoring {
    epoch: AtomicU32,
    /// When it was restored, in milliseconds; the lowest number of what never was.
    at: AtomicI64,
    waits: AtomicBool,
}

impl Restoring {
    pub(crate) async fn look(store: &Store) -> Result<Self, Fault> {
        let restoring = Self {
            epoch: AtomicU32::new(FIRST_EPOCH),
            at: AtomicI64::new(i64::MIN),
            waits: AtomicBool::new(false),
        };
        restoring.again(store).await?;
        Ok(restoring)
    }

    async fn again(&self, store: &Store) -> Result<(), Fault> {
        if let Some(epoch) = store.epoch().await? {
            self.epoch.store(epoch.number, Ordering::Relaxed);
            self.at.store(epoch.at.millis(), Ordering::Relaxed);
            let waits = store.reunions_due(Timestamp::from_millis(i64::MAX), 1).await?;
            self.waits.store(!waits.is_empty(), Ordering::Relaxed);
        }
        Ok(())
    }
}

/// What a restore looks like from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreReport {
    /// The epoch.
    pub number: u32,
    /// The restore; none of a server that was never restored.
    pub epoch: Option<Epoch>,
    /// Who is asked, and how far that is.
    pub peers: Vec<Reunion>,
    /// A page of what the books lack, newest first.
    pub discrepancies: Vec<Discrepancy>,
}

/// Nobody of this name is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAwaited;

/// Begins a new epoch in the books of a server that does not run: they are those of a backup of `since`.
pub async fn begin(
    store: &Store,
    since: Timestamp,
    at: Timestamp,
    roles: &Roles,
    provider: Option<&str>,
) -> Result<Epoch, Fault> {
    let before = store.epoch().await?;
    let mut over = match &before {
        Some(before) => store.reunions(before.number).await?,
        None => Vec::new(),
    };
    over.retain(|reunion| reunion.state == ReunionState::Asking);
    // Who had not told everything yet has to tell it still.
    let earlier = before.as_ref().filter(|_| !over.is_empty()).map(|before| before.since);
    let since = since.minus(MARGIN);
    let epoch = Epoch {
        number: before.map_or(FIRST_EPOCH, |before| before.number).saturating_add(1),
        since: earlier.map_or(since, |earlier| earlier.min(since)),
        at,
    };
    let over: Vec<_> =
        over.iter().map(|reunion| reunion.ended(ReunionState::Superseded, at)).collect();
    let begun = |(peer, kind)| Reunion::begin(epoch.number, peer, kind, at);
    let peers = peers_of(store, roles, provider).await?;
    let peers: Vec<Reunion> = peers.into_iter().map(begun).collect();
    let mut first = Some(epoch.clone());
    let (mut over, mut peers) = (over.chunks(CHUNK), peers.chunks(CHUNK));
    loop {
        let (over, peers) = (over.next().unwrap_or_default(), peers.next().unwrap_or_default());
        let is_last = first.is_none() && over.is_empty() && peers.is_empty();
        if is_last {
            return Ok(epoch);
        }
        let begin = Begin { epoch: first.take(), over: over.to_vec(), peers: peers.to_vec() };
        let Ok(()) = store.submit(begin).await?;
    }
}

/// Whom a server in these roles has signed documents with.
async fn peers_of(
    store: &Store,
    roles: &Roles,
    provider: Option<&str>,
) -> Result<Vec<(String, PeerKind)>, Fault> {
    let mut peers = Vec::new();
    if roles.has(Role::Merchant) {
        peers.extend(provider.map(|url| (url.to_owned(), PeerKind::Provider)));
    }
    if roles.has(Role::Provider) {
        let mut page = Page { after: None, limit: 100 };
        loop {
            let merchants = store.merchants(page).await?;
            page.after = merchants.last().map(|merchant| merchant.id.number());
            let signing = merchants.into_iter().filter(|m| m.state != MerchantState::Invited);
            peers.extend(signing.map(|merchant| (merchant.url, PeerKind::Merchant)));
            if page.after.is_none() {
                break;
            }
        }
    }
    if roles.may_have_partners() {
        partners(store, &mut peers).await?;
    }
    Ok(peers)
}

/// Adds the partners with which something was proposed, at least: the first agreement may have come after the backup. With
/// one that was only entered nothing can have happened but by entering it there, too.
async fn partners(store: &Store, peers: &mut Vec<(String, PeerKind)>) -> Result<(), Fault> {
    let mut page = Page { after: None, limit: 100 };
    loop {
        let partners = store.partners(page).await?;
        page.after = partners.last().map(|partner| partner.id.number());
        for partner in partners.into_iter().filter(|partner| partner.version > 0) {
            if peers.iter().all(|(url, _)| *url != partner.url) {
                peers.push((partner.url, PeerKind::Partner));
            }
        }
        if page.after.is_none() {
            return Ok(());
        }
    }
}

/// What came of asking a peer for one page.
pub(crate) struct Heard {
    /// Where the next one begins; none when this was the last.
    next: Option<String>,
}

impl Engine {
    /// The accounts that a peer knows by these names. A name can be reckoned of an account by `name_of`, and not the other way:
    /// so all accounts are looked through, once for all names.
    async fn reckoned(
        &self,
        mut names: BTreeSet<SubjectName>,
        name_of: impl Fn(Id<Account>) -> SubjectName,
    ) -> Result<BTreeMap<SubjectName, Id<Account>>, Fault> {
        let mut reckoned = BTreeMap::new();
        let mut page = Page { after: None, limit: SCAN };
        while !names.is_empty() {
            let accounts = self.store.accounts(page).await?;
            let named = accounts.iter().map(|account| (name_of(account.id), account.id));
            reckoned.extend(named.filter(|(name, _)| names.remove(name)));
            page.after = accounts.last().map(|account| account.id.number());
            if page.after.is_none() {
                break;
            }
        }
        Ok(reckoned)
    }

    /// The epoch: counted up by each restore, from one on.
    pub fn epoch(&self) -> u32 {
        self.restoring.epoch.load(Ordering::Relaxed)
    }

    /// When this server was last restored; none if it never was.
    pub(crate) fn restored_at(&self) -> Option<Timestamp> {
        let at = self.restoring.at.load(Ordering::Relaxed);
        (at != i64::MIN).then_some(Timestamp::from_millis(at))
    }

    /// Whether somebody is still to be heard after a restore.
    pub fn is_restoring(&self) -> bool {
        self.restoring.waits.load(Ordering::Relaxed)
    }

    /// Whether tokens must stay where they are, because a merchant that captured some, or a partner for whose tokens some were
    /// given, was not heard yet.
    pub fn holds_tokens_still(&self) -> bool {
        self.is_restoring() && self.roles().may_have_partners()
    }

    /// Asks peers what is due, once each; and looks whether all were heard. Gives how many were asked.
    pub async fn run_restore(&self) -> Result<usize, Fault> {
        if self.epoch() == FIRST_EPOCH {
            return Ok(0);
        }
        if !self.is_restoring() {
            // An administrator may have had somebody asked again, at another server of this database.
            self.restoring.again(&self.store).await?;
            return Ok(0);
        }
        let mut due = self.store.reunions_due(self.now(), ROUND).await?;
        // What came from partners may have been spent at merchants: it is issued again before that is taken.
        if due.iter().any(|reunion| reunion.kind == PeerKind::Partner) {
            due.retain(|reunion| reunion.kind == PeerKind::Partner);
        }
        let asked = due.len();
        let go_on = async |reunion: Reunion| self.go_on_with(&reunion).await;
        let heard = round::all(due, IN_TURN, go_on).await;
        self.restoring.again(&self.store).await?;
        heard?;
        if asked > 0 && !self.is_restoring() {
            tracing::info!(epoch = self.epoch(), "all peers were heard after the restore");
        }
        Ok(asked)
    }

    /// Asks one peer for one page, and notes how far it is.
    async fn go_on_with(&self, reunion: &Reunion) -> Result<(), Fault> {
        let lost = || Fault::Bug("a reunion is of no epoch".into());
        let epoch = self.store.epoch().await?.ok_or_else(lost)?;
        let heard = self.ask_peer(reunion, &epoch).await?;
        if let Err(why) = &heard {
            tracing::warn!(
                peer = reunion.peer,
                why,
                "a peer does not tell what it has: it is asked again"
            );
        }
        let heard = heard.map(|heard| heard.next);
        let Ok(()) =
            self.submit(Went { epoch: epoch.number, peer: reunion.peer.clone(), heard }).await?;
        Ok(())
    }

    /// A page of what a peer has, booked or listed. The sentence says why there is none.
    async fn ask_peer(
        &self,
        reunion: &Reunion,
        epoch: &Epoch,
    ) -> Result<Result<Heard, String>, Fault> {
        match reunion.kind {
            PeerKind::Merchant => self.hear_merchant(reunion, epoch).await,
            PeerKind::Provider => self.hear_provider(reunion, epoch).await,
            PeerKind::Partner => self.hear_partner(reunion, epoch).await,
        }
    }

    /// Goes on without a peer: what it has from after the backup is not booked. Doing it again changes nothing.
    pub async fn skip_peer(
        &self,
        by: Staff,
        peer: String,
        reason: String,
    ) -> Outcome<Reunion, NotAwaited> {
        let (epoch, note) = (self.epoch(), self.note(by)?);
        let skipped = self.submit(Skip { epoch, peer, reason, note }).await?;
        self.restoring.again(&self.store).await?;
        Ok(skipped)
    }

    /// Asks a peer once more from the beginning: what was listed for a lack that is mended by now is booked. Everything waits
    /// meanwhile, as before.
    pub async fn ask_peer_again(&self, by: Staff, peer: String) -> Outcome<Reunion, NotAwaited> {
        let (epoch, note) = (self.epoch(), self.note(by)?);
        let again = self.submit(Again { epoch, peer, note }).await?;
        self.restoring.again(&self.store).await?;
        Ok(again)
    }

    /// How a restore goes on.
    pub async fn restore_report(&self, page: Page) -> Result<RestoreReport, Fault> {
        let epoch = self.store.epoch().await?;
        let number = epoch.as_ref().map_or(FIRST_EPOCH, |epoch| epoch.number);
        let peers = self.store.reunions(number).await?;
        let discrepancies = self.store.discrepancies(page).await?;
        Ok(RestoreReport { number, epoch, peers, discrepancies })
    }

    /// Lists what the books cannot take, once.
    async fn list(&self, reunion: &Reunion, lacking: Lacking) -> Result<(), Fault> {
        let (epoch, peer) = (reunion.epoch, reunion.peer.clone());
        let list = List { epoch, peer, id: self.mint()?, lacking };
        let Ok(()) = self.submit(list).await?;
        Ok(())
    }
}

/// Something that the books cannot take.
#[derive(Clone, Debug)]
struct Lacking {
    name: String,
    order: String,
    lack: Lack,
    amount: Amount,
    detail: String,
}

impl Lacking {
    fn of<T: Kind>(
        name: Id<T>,
        order: &str,
        lack: Lack,
        amount: Amount,
        detail: impl Into<String>,
    ) -> Self {
        let (name, order, detail) = (name.to_string(), order.to_owned(), detail.into());
        Self { name, order, lack, amount, detail }
    }
}

struct Begin {
    epoch: Option<Epoch>,
    over: Vec<Reunion>,
    peers: Vec<Reunion>,
}

impl Command for Begin {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        for reunion in &self.over {
            wants.reunions.guard((reunion.epoch, reunion.peer.clone()));
        }
    }

    fn decide(&self, _: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        changes.epochs.extend(self.epoch.clone().map(Change::Insert));
        changes.reunions.extend(self.over.iter().cloned().map(Change::Update));
        changes.reunions.extend(self.peers.iter().cloned().map(Change::Insert));
        Ok(Decision::done((), changes))
    }
}

/// A peer was asked, and has told a page, or nothing.
struct Went {
    epoch: u32,
    peer: String,
    heard: Result<Option<String>, String>,
}

impl Command for Went {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.reunions.guard((self.epoch, self.peer.clone()));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let reunion = books.reunions.get(&(self.epoch, self.peer.clone()))?;
        // Skipped meanwhile: it stays so.
        let Some(reunion) = reunion.filter(|row| row.state == ReunionState::Asking) else {
            return Ok(Decision::done((), changes));
        };
        changes.reunions.push(Change::Update(match &self.heard {
            Ok(None) => reunion.ended(ReunionState::Reconciled, at),
            Ok(Some(next)) => {
                let (place, trouble) = (next.clone(), None);
                Reunion { place, trouble, attempts: 0, due_at: Some(at), ..reunion.clone() }
            }
            Err(why) => {
                let attempts = reunion.attempts.saturating_add(1);
                let due_at = Some(at.plus(Reunion::pause(attempts)));
                // What another server says has no place here but as a short text.
                let clean = |c: &char| !c.is_control();
                let trouble = Some(why.chars().filter(clean).take(300).collect());
                Reunion { attempts, due_at, trouble, ..reunion.clone() }
            }
        }));
        Ok(Decision::done((), changes))
    }
}

struct Skip {
    epoch: u32,
    peer: String,
    reason: String,
    note: Note,
}

impl Command for Skip {
    type Receipt = Reunion;
    type Refusal = NotAwaited;

    fn wants(&self, wants: &mut Wants) {
        wants.reunions.guard((self.epoch, self.peer.clone()));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Reunion, NotAwaited>, Fault> {
        let Some(reunion) = books.reunions.get(&(self.epoch, self.peer.clone()))? else {
            return Ok(Decision::refused(NotAwaited));
        };
        match reunion.state {
            ReunionState::Asking => {}
            ReunionState::Skipped => {
                return Ok(Decision::done(reunion.clone(), Changes::default()));
            }
            ReunionState::Reconciled | ReunionState::Superseded => {
                return Ok(Decision::refused(NotAwaited));
            }
        }
        let mut changes = Changes::default();
        let skipped = reunion.ended(ReunionState::Skipped, at);
        changes.reunions.push(Change::Update(skipped.clone()));
        let what = json!({ "epoch": self.epoch, "reason": self.reason });
        let what = difference(&Value::Null, &what);
        self.note.write(&mut changes, Act::RestoreSkipped, &self.peer, what, at);
        Ok(Decision::done(skipped, changes))
    }
}

struct Again {
    epoch: u32,
    peer: String,
    note: Note,
}

impl Command for Again {
    type Receipt = Reunion;
    type Refusal = NotAwaited;

    fn wants(&self, wants: &mut Wants) {
        wants.reunions.guard((self.epoch, self.peer.clone()));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Reunion, NotAwaited>, Fault> {
        let Some(reunion) = books.reunions.get(&(self.epoch, self.peer.clone()))? else {
            return Ok(Decision::refused(NotAwaited));
        };
        let mut changes = Changes::default();
        match reunion.state {
            ReunionState::Asking => return Ok(Decision::done(reunion.clone(), changes)),
            ReunionState::Superseded => return Ok(Decision::refused(NotAwaited)),
            ReunionState::Reconciled | ReunionState::Skipped => {}
        }
        let again = reunion.again(at);
        changes.reunions.push(Change::Update(again.clone()));
        let what = difference(&Value::Null, &json!({ "epoch": self.epoch }));
        self.note.write(&mut changes, Act::RestoreAskedAgain, &self.peer, what, at);
        Ok(Decision::done(again, changes))
    }
}

struct List {
    epoch: u32,
    peer: String,
    id: Id<Discrepancy>,
    lacking: Lacking,
}

impl Command for List {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.reunions.guard((self.epoch, self.peer.clone()));
        wants.discrepancies.read((self.peer.clone(), self.lacking.name.clone()));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let reunion = books.reunions.get(&(self.epoch, self.peer.clone()))?;
        let lost = || Fault::Bug("a reunion is gone".into());
        let reunion = reunion.ok_or_else(lost)?;
        let name = (self.peer.clone(), self.lacking.name.clone());
        let Lacking { name: own, order, lack, amount, detail } = self.lacking.clone();
        if let Some(known) = books.discrepancies.get(&name)? {
            // What it lacks may be something else by now.
            if known.lack != lack {
                let now = Discrepancy { lack, amount, detail, at, ..known.clone() };
                changes.discrepancies.push(Change::Update(now));
            }
            return Ok(Decision::done((), changes));
        }
        changes.discrepancies.push(Change::Insert(Discrepancy {
            peer: self.peer.clone(),
            name: own,
            id: self.id,
            epoch: self.epoch,
            order,
            lack,
            amount,
            detail,
            at,
        }));
        let listed = reunion.listed.saturating_add(1);
        changes.reunions.push(Change::Update(Reunion { listed, ..reunion.clone() }));
        Ok(Decision::done((), changes))
    }
}
