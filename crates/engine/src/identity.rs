//! A provider's buyers at a merchant: who they are here, signing in, and what they share of their balance.
//!
//! ```text
//! connection opened at the provider ──buyer approves there──▶ return code ──redeemed──▶ (issuer, subject) ─▶ account, session
//! ```
//! The account is made in whichever command first sees the buyer: the one that books a confirmation, or this one.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::account::{Account, Person};
use scrip_domain::event::{Event, EventType};
use scrip_domain::identity::{Connection, Identity};
use scrip_domain::order::Order;
use scrip_domain::session::Session;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use subtle::ConstantTimeEq;

use crate::checkout::Stale;
use crate::checkout::begin::FOR_NOW;
use crate::keys::mac;
use crate::memory::Member;
use crate::peer::PeerError;
use crate::provider::{Opened, Returned, Standing};
use crate::session::{EndSessions, SignedIn, Token};
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome};

/// How often a command is decided on what was just read again.
pub(crate) const TRIES: u32 = 3;

/// Why nobody is sent to the provider, or signed in by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectRefusal {
    /// This server is no merchant.
    NoProvider,
    /// The code is not one of the provider's for this merchant, was used, or is too old.
    CodeRefused,
    /// The provider does not open a connection; by a word of its own.
    ProviderRefused(String),
    /// Too many from this source.
    RateLimited(RetryAfter),
}

/// Somebody who came back from the provider.
#[derive(Clone, Debug)]
pub struct CameBack {
    /// The session that they have now.
    pub session: SignedIn,
    /// Their account here.
    pub account: Id<Account>,
    /// The order that they decided on, if they come from one.
    pub order: Option<Id<Order>>,
    /// The connection that they approved, by the provider's name of it, if they come from one.
    pub connection: Option<String>,
}

/// A provider's buyer, as they are known here or will be.
pub(crate) struct Guest {
    issuer: String,
    subject: String,
    known: Option<Account>,
    account: Id<Account>,
    wallet: Id<Wallet>,
    event: Id<Event>,
}

impl Guest {
    /// Their account, which may not be there yet.
    pub fn account(&self) -> Id<Account> {
        self.known.as_ref().map_or(self.account, |known| known.id)
    }

    fn wallet(&self) -> Id<Wallet> {
        self.known.as_ref().map_or(self.wallet, |known| known.wallet)
    }

    /// The rows by which they are known.
    pub fn wants(&self, wants: &mut Wants) {
        wants.identities.guard((self.issuer.clone(), self.subject.clone()));
    }

    /// Their account, opened if this is the first that is seen of them. What they share is kept. Stale when they
    /// became known since they were looked up.
    pub fn admit(
        &self,
        books: &Books,
        changes: &mut Changes,
        standing: Option<Standing>,
        at: Timestamp,
    ) -> Result<Result<Id<Account>, Stale>, Fault> {
        let key = (self.issuer.clone(), self.subject.clone());
        let heard = |identity: Identity| match standing {
            Some(Standing { funded }) => Identity { funded, heard_at: Some(at), ..identity },
            None => identity,
        };
        match (books.identities.get(&key)?, &self.known) {
            (Some(row), Some(known)) if row.account == known.id => {
                if standing.is_some() {
                    changes.identities.push(Change::Update(heard(row.clone())));
                }
                Ok(Ok(known.id))
            }
            (Some(_), _) | (None, Some(_)) => Ok(Err(Stale)),
            (None, None) => {
                let (issuer, subject) = key;
                let (account, funded, heard_at) = (self.account, None, None);
                let row = Identity { issuer, subject, account, funded, heard_at, created_at: at };
                changes.identities.push(Change::Insert(heard(row)));
                self.open(changes, at);
                Ok(Ok(self.account))
            }
        }
    }

    /// An account without an address, which nothing but the provider signs in.
    fn open(&self, changes: &mut Changes, at: Timestamp) {
        let account = Account {
            id: self.account,
            wallet: self.wallet,
            email: String::new(),
            person: Person::default(),
            created_at: at,
            verified_at: None,
            frozen_at: None,
            frozen_by_dispute: false,
            terms_version: None,
            erased_at: None,
            sweep_at: None,
        };
        changes.wallets.push(Change::Insert(Wallet::empty(self.wallet, self.account)));
        changes.accounts.push(Change::Insert(account));
        let (account, subject) = (self.account, self.account.into());
        let (id, kind) = (self.event, EventType::AccountOpened);
        crate::event::tell(changes, Event::new(id, kind, account, subject, at));
    }
}

impl Engine {
    /// Who the provider's buyer is here, or will be.
    pub(crate) async fn guest(&self, issuer: &str, subject: &str) -> Result<Guest, Fault> {
        let known = match self.store.identity(issuer, subject).await? {
            Some(identity) => {
                let lost = || Fault::Bug("the account of a provider's buyer is gone".into());
                Some(self.store.account(identity.account).await?.ok_or_else(lost)?)
            }
            None => None,
        };
        Ok(Guest {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            known,
            account: self.mint()?,
            wallet: self.mint()?,
            event: self.mint()?,
        })
    }

    /// Opens a connection at the provider, for a buyer to sign in through it and come back to `/return`. `source` is where
    /// they came from: the provider keeps a row for each that asks.
    pub async fn connect(&self, source: &str) -> Outcome<Opened, ConnectRefusal> {
        let Some(provider) = self.provider() else { return Ok(Err(ConnectRefusal::NoProvider)) };
        if let Err(wait) = self.throttle.take([(Limited::VisitorSignIn, source)], self.now()) {
            return Ok(Err(ConnectRefusal::RateLimited(wait)));
        }
        let id: Id<Connection> = self.mint()?;
        let back = format!("{}/return", self.public_url());
        match provider.connect(&id.to_string(), &back).await {
            Ok(opened) => Ok(Ok(opened)),
            Err(PeerError::Refused { code, .. }) => Ok(Err(ConnectRefusal::ProviderRefused(code))),
            Err(error) => Err(not_now(&error)),
        }
    }

    /// Signs in whoever comes back with this code, and goes on with the order that they decided on.
    pub async fn come_back(&self, return_code: &str) -> Outcome<CameBack, ConnectRefusal> {
        let Some(provider) = self.provider() else { return Ok(Err(ConnectRefusal::NoProvider)) };
        let returned = match provider.redeem(return_code).await {
            Ok(returned) => returned,
            Err(PeerError::Refused { code, .. }) if !FOR_NOW.contains(&code.as_str()) => {
                return Ok(Err(ConnectRefusal::CodeRefused));
            }
            Err(error) => return Err(not_now(&error)),
        };
        let (account, session) = self.sign_in_guest(provider.url(), &returned).await?;
        let order = match &returned.request {
            Some(picture) => self.store.checkout_by_request(&picture.id).await?,
            None => None,
        };
        let order = order.map(|checkout| checkout.order);
        let connection = returned.connection;
        if let (Some(order), Some(picture)) = (order, returned.request) {
            self.shown(order, picture).await?;
        }
        Ok(Ok(CameBack { session, account, order, connection }))
    }

    async fn sign_in_guest(
        &self,
        issuer: &str,
        returned: &Returned,
    ) -> Result<(Id<Account>, SignedIn), Fault> {
        let Returned { subject, standing, .. } = returned;
        for _ in 0..TRIES {
            let guest = self.guest(issuer, subject).await?;
            let token = Token::new(self.entropy.as_ref());
            let session = token.session_of(guest.account(), guest.wallet(), self.now());
            let expires_at = session.expires_at;
            let account = session.account;
            let ended = self.ended_sessions(account).await?;
            let command = Enter { guest, session, ended, standing: *standing };
            if self.submit(command).await?.is_ok() {
                return Ok((account, SignedIn { token, expires_at, account }));
            }
        }
        Err(Fault::Conflict)
    }

    /// Whether a member's balance is at or above the threshold, as the provider says it; none where it is not shared, or not
    /// known. Asked again when it is older than a minute.
    pub async fn funded(&self, member: Option<&Member>) -> Result<Option<bool>, Fault> {
        let (Some(provider), Some(member)) = (self.provider(), member) else { return Ok(None) };
        let Some(identity) = self.store.identity_of(member.account.id).await? else {
            return Ok(None);
        };
        if identity.issuer != provider.url() {
            return Ok(None);
        }
        if !identity.is_stale(self.now()) {
            return Ok(identity.funded);
        }
        match provider.standing(&identity.subject).await {
            Ok(standing) => {
                let guest = self.guest(&identity.issuer, &identity.subject).await?;
                // Somebody else heard it in the same moment: that is as good.
                let _ = self.submit(Hear { guest, standing }).await?;
                Ok(standing.funded)
            }
            Err(error) => {
                tracing::info!(%error, "what a buyer shares is not known now");
                Ok(None)
            }
        }
    }

    /// What lets a visitor confirm and cancel their order, and look at it, but never at a code.
    pub fn order_token(&self, order: Id<Order>) -> String {
        let tag = mac(self.keys().seal_secret(), format!("order token {order}").as_bytes());
        Base64UrlUnpadded::encode_string(tag.get(..16).unwrap_or(&tag))
    }

    /// Whether `token` is that of `order`.
    pub fn holds_order(&self, token: &str, order: Id<Order>) -> bool {
        self.order_token(order).as_bytes().ct_eq(token.as_bytes()).into()
    }
}

/// The provider did not answer, or not believably: the caller may ask again.
pub(crate) fn not_now(error: &PeerError) -> Fault {
    match error {
        PeerError::Unbelievable(_) => {
            tracing::warn!(target: "security", %error, "an answer in the provider's name is not believed");
        }
        PeerError::Unanswered(_) | PeerError::Refused { .. } => {
            tracing::info!(%error, "the provider cannot be asked now");
        }
    }
    Fault::Away
}

struct Enter {
    guest: Guest,
    session: Session,
    ended: EndSessions,
    standing: Standing,
}

impl Command for Enter {
    type Receipt = ();
    type Refusal = Stale;

    fn wants(&self, wants: &mut Wants) {
        self.guest.wants(wants);
        self.ended.wants(wants);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Stale>, Fault> {
        let mut changes = Changes::default();
        let admitted = self.guest.admit(books, &mut changes, Some(self.standing), at)?;
        if admitted.is_err() {
            return Ok(Decision::refused(Stale));
        }
        self.ended.write(books, &mut changes)?;
        changes.sessions.push(Change::Insert(self.session.clone()));
        Ok(Decision::done((), changes))
    }
}

struct Hear {
    guest: Guest,
    standing: Standing,
}

impl Command for Hear {
    type Receipt = ();
    type Refusal = Stale;

    fn wants(&self, wants: &mut Wants) {
        self.guest.wants(wants);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Stale>, Fault> {
        let mut changes = Changes::default();
        match self.guest.admit(books, &mut changes, Some(self.standing), at)? {
            Ok(_) => Ok(Decision::done((), changes)),
            Err(Stale) => Ok(Decision::refused(Stale)),
        }
    }
}
