//! Purchase requests at a provider: a merchant asks, a buyer decides, tokens are held, captured, given back.
//!
//! ```text
//! open.rs ─▶ claim.rs ─▶ confirm.rs ─▶ capture.rs ─▶ fulfil.rs ─▶ refund.rs
//!                                └──── lapse.rs: what the clock does, at any step ────┘
//! ```
//! The states are those of [`scrip_domain::purchase_request`]. Each step is one command under the guards of the request, its
//! merchant and, where tokens move, the buyer's wallet. A command asks for the request's state at the time of its batch;
//! so two that cross are decided one after the other, and both servers believe what was decided.
//!
//! What the provider signs is signed inside the command, with a key that the command carries, and lies in the same commit as
//! what it says. A command knows only when it decides what is true (how much has gone back, whether the delivery came
//! before the refund), and a replay shows the same bytes, also after the keys were rotated. Signing is pure, and takes
//! a fraction of what the commit takes.

mod capture;
mod claim;
mod confirm;
mod fulfil;
mod lapse;
pub mod notice;
mod open;
pub(crate) mod rebook;
mod refund;
mod view;

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::account::Account;
use scrip_domain::connection::{ReturnCode, SubjectName};
use scrip_domain::document::{self, Document, Offer};
use scrip_domain::event::{Event, EventType};
use scrip_domain::gate::GateRefusal;
use scrip_domain::hold::{Hold, HoldLot};
use scrip_domain::ledger::Transfer;
use scrip_domain::merchant::{Merchant, MerchantEventKind};
use scrip_domain::purchase_request::{
    Notice, OfferFlaw, PurchaseRequest, RequestRefund, RequestState,
};
use scrip_domain::{Id, Span, Timestamp};
use scrip_license::jws;
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Fault, Wants};
use sha2::{Digest, Sha256};

use crate::keys::{Keys, mac};
use crate::ledger::Buyer;
use crate::{Engine, Outcome, merchant};

pub use confirm::Decided;
pub use refund::RequestRefundAsk;
pub use view::PaymentView;

/// How often a command is asked again that looked up what has changed since.
const TRIES: usize = 3;

/// A purchase request, as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The request, with everything booked that was due.
    pub request: PurchaseRequest,
    /// Its refunds, oldest first.
    pub refunds: Vec<RequestRefund>,
}

/// A purchase request that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedRequest {
    /// The request.
    pub picture: Picture,
    /// Where the buyer goes.
    pub url: String,
    /// For how long it waits for the buyer.
    pub expires_in: Span,
}

/// Why something was not done with a purchase request. Nothing moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestRefusal {
    /// There is none, or not of this merchant, or another buyer has it.
    NoSuchRequest,
    /// The offer is not to be believed, or not such as this provider asks of a buyer.
    Offer(OfferFlaw),
    /// The merchant is not trusted as far as this.
    Limit(MerchantLimit),
    /// The request is in another state.
    State(RequestState),
    /// The hold is over: nothing was taken.
    HoldExpired,
    /// Less is left of it than was asked back.
    AlreadyRefunded,
    /// The wallet would hold more than an amount can be.
    WalletFull,
    /// The buyer's account or balance stands before it.
    Gate(GateRefusal),
    /// The idempotency key was used for something else.
    KeyReused,
    /// What was looked up before the command is not so any more: look again. Never told to callers.
    Stale,
}

/// How far a merchant is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MerchantLimit {
    /// Its invitation is not redeemed.
    Invited,
    /// It is suspended.
    Suspended,
    /// The order is larger than its largest.
    Order,
    /// So many of its requests are open.
    Open,
    /// Less is left of what it may capture in a day.
    Day,
}

/// Of whom a command is: the rows that it guards.
#[derive(Clone, Copy, Debug)]
struct Parties {
    request: Id<PurchaseRequest>,
    merchant: Id<Merchant>,
    /// Who has claimed it, where the command moves tokens of theirs.
    buyer: Option<Buyer>,
}

impl Parties {
    fn want(&self, wants: &mut Wants) {
        if let Some(buyer) = self.buyer {
            wants.wallets.guard((buyer.wallet,));
            wants.debt_payments.read((buyer.wallet,));
        }
        wants.merchants.guard((self.merchant,));
        wants.purchase_requests.guard((self.request,));
        wants.notices.read((self.request,));
    }
}

/// What a command does to a request and its merchant; both are written once, at the end.
struct Scene {
    merchant: Merchant,
    request: PurchaseRequest,
    at: Timestamp,
}

impl Scene {
    /// The rows of `parties`, which exist.
    fn set(books: &Books, parties: Parties, at: Timestamp) -> Result<Self, Fault> {
        let lost = |what: &str| Fault::Bug(format!("a {what} is gone"));
        let merchant =
            books.merchants.get(&(parties.merchant,))?.ok_or_else(|| lost("merchant"))?;
        let request = books.purchase_requests.get(&(parties.request,))?;
        let request = request.ok_or_else(|| lost("purchase request"))?;
        Ok(Self { merchant: merchant.clone(), request: request.clone(), at })
    }

    fn state(&self) -> RequestState {
        self.request.state_at(self.at)
    }

    /// Moves the request to `state`, and out of the merchant's open ones if it leaves them.
    fn go(&mut self, state: RequestState) {
        let counts = |state| {
            matches!(state, RequestState::Open | RequestState::Claimed | RequestState::Authorized)
        };
        if counts(self.request.state) && !counts(state) {
            self.merchant.open = self.merchant.open.saturating_sub(1);
        }
        self.request.state = state;
    }

    /// Puts it into the merchant's feed.
    fn tell(&mut self, changes: &mut Changes, kind: MerchantEventKind) -> Result<(), Fault> {
        let (merchant, request) = (self.merchant.clone(), Some(self.request.id));
        self.merchant = merchant::tell(changes, merchant, kind, request, self.at)?;
        Ok(())
    }

    /// Has the merchant told, for at most `span`.
    fn notify(&self, books: &Books, changes: &mut Changes, span: Span) -> Result<(), Fault> {
        let (request, due_at, until) = (self.request.id, self.at, self.at.plus(span));
        let notice = Notice { request, due_at, until, attempts: 0 };
        let before = books.notices.get(&(request,))?;
        changes.notices.push(match before {
            Some(_) => Change::Update(notice),
            None => Change::Insert(notice),
        });
        Ok(())
    }

    /// Puts it among the events of the buyer's account.
    fn record(&self, changes: &mut Changes, id: Id<Event>, kind: EventType) {
        if let Some(account) = self.request.account {
            let (subject, at) = (self.request.id.into(), self.at);
            crate::event::tell(changes, Event::new(id, kind, account, subject, at));
        }
    }

    /// Writes both rows; gives the request as it is now.
    fn close(self, changes: &mut Changes) -> PurchaseRequest {
        let request = self.request.settled();
        changes.merchants.push(Change::Update(self.merchant));
        changes.purchase_requests.push(Change::Update(request.clone()));
        request
    }
}

/// What signs for this server, as a command carries it.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    keys: Arc<Keys>,
    /// The server's own address.
    issuer: String,
}

impl Signer {
    /// This server's address.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The document, signed with the newest protocol key.
    pub fn sign<D: Document>(&self, document: &D) -> Result<String, Fault> {
        let none = || Fault::Unavailable("this server has no protocol key".into());
        let key = self.keys.protocol().ok_or_else(none)?;
        jws::sign_within(document::MAX_LENGTH, key, D::TYP, document)
            .map_err(|error| Fault::Bug(format!("a document cannot be signed: {error}")))
    }
}

/// The digest of the document that must be there by now.
fn digest_of(document: Option<&String>) -> Result<String, Fault> {
    let lost = || Fault::Bug("a purchase request has lost a document".into());
    document.map(|document| jws::digest(document)).ok_or_else(lost)
}

/// What a kept offer says. It was verified when it came.
fn offer_of(request: &PurchaseRequest) -> Result<Offer, Fault> {
    let corrupt = || Fault::Bug(format!("the offer of {} cannot be read", request.id));
    let claims = request.offer.split('.').nth(1).ok_or_else(corrupt)?;
    let claims = Base64UrlUnpadded::decode_vec(claims).map_err(|_| corrupt())?;
    serde_json::from_slice(&claims).map_err(|_| corrupt())
}

/// What a hold has reserved, looked up before the command: it never changes.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub hold: Id<Hold>,
    pub lots: Vec<HoldLot>,
}

impl Held {
    pub fn want(&self, wants: &mut Wants) {
        wants.holds.read((self.hold,));
        for lot in &self.lots {
            wants.lots.read((lot.lot,));
        }
    }
}

/// The transfers of a command that frees tokens or brings them back, in the order in which they are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moves {
    /// Books what had expired before.
    pub due: Id<Transfer>,
    /// Brings the tokens.
    pub back: Id<Transfer>,
    /// Books what expires as it comes.
    pub gone: Id<Transfer>,
    /// Pays what is owed from what came.
    pub debt: Id<Transfer>,
}

/// What a command that is about a confirmed request looked up before.
struct Known {
    parties: Parties,
    held: Option<Held>,
}

impl Known {
    fn want(&self, wants: &mut Wants) {
        self.parties.want(wants);
        if let Some(held) = &self.held {
            held.want(wants);
        }
    }

    /// Whether the request is still what it was when these were looked up.
    fn is_so(&self, request: &PurchaseRequest) -> bool {
        request.hold == self.held.as_ref().map(|held| held.hold)
            && (request.hold.is_none()
                || request.account == self.parties.buyer.map(|buyer| buyer.account))
    }
}

impl Engine {
    /// What signs as of now.
    pub(crate) fn signer(&self) -> Signer {
        Signer { keys: self.keys(), issuer: self.public_url().to_owned() }
    }

    pub(crate) fn moves(&self) -> Result<Moves, Fault> {
        Ok(Moves { due: self.mint()?, back: self.mint()?, gone: self.mint()?, debt: self.mint()? })
    }

    /// What a command about `request` has to know.
    async fn know(&self, request: &PurchaseRequest) -> Result<Known, Fault> {
        let buyer = match request.account {
            Some(account) => Some(self.buyer_of(account).await?),
            None => None,
        };
        let held = match request.hold {
            Some(hold) => Some(Held { hold, lots: self.store.hold_lots(hold).await? }),
            None => None,
        };
        let parties = Parties { request: request.id, merchant: request.merchant, buyer };
        Ok(Known { parties, held })
    }

    /// Has a request moved by the command that `made` makes of what is known of it: made anew when that has changed
    /// meanwhile.
    async fn moved<C>(
        &self,
        id: Id<PurchaseRequest>,
        made: impl Fn(Known) -> Result<C, Fault>,
    ) -> Outcome<Picture, RequestRefusal>
    where
        C: Command<Receipt = PurchaseRequest, Refusal = RequestRefusal>,
    {
        for _ in 0..TRIES {
            let Some(request) = self.store.purchase_request(id).await? else {
                return Ok(Err(RequestRefusal::NoSuchRequest));
            };
            match self.submit(made(self.know(&request).await?)?).await? {
                Ok(request) => return Ok(Ok(self.picture(request).await?)),
                Err(RequestRefusal::Stale) => {}
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        Err(Fault::Busy)
    }

    /// A merchant's own request, with everything booked that is due.
    async fn request_of(
        &self,
        merchant: Id<Merchant>,
        id: Id<PurchaseRequest>,
    ) -> Outcome<PurchaseRequest, RequestRefusal> {
        let request = self.store.purchase_request(id).await?;
        match request.filter(|request| request.merchant == merchant) {
            Some(request) => Ok(Ok(self.booked(request).await?)),
            None => Ok(Err(RequestRefusal::NoSuchRequest)),
        }
    }

    /// A request with its refunds.
    async fn picture(&self, request: PurchaseRequest) -> Result<Picture, Fault> {
        let refunds = self.store.request_refunds(request.id).await?;
        Ok(Picture { request, refunds })
    }

    /// A merchant's own request as it is now.
    pub async fn look_at_request(
        &self,
        merchant: Id<Merchant>,
        id: Id<PurchaseRequest>,
    ) -> Outcome<Picture, RequestRefusal> {
        match self.request_of(merchant, id).await? {
            Ok(request) => Ok(Ok(self.picture(request).await?)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The reference in the address of something called `id`: nothing of it is stored in the clear, and it is the same
    /// whenever it is asked for.
    pub(crate) fn secret_name(&self, purpose: &str, id: &str) -> String {
        Base64UrlUnpadded::encode_string(&self.secret_of(purpose, id))
    }

    /// 128 bits that only this server can reckon.
    fn secret_of(&self, purpose: &str, id: &str) -> [u8; 16] {
        let message = format!("{purpose}\0{id}");
        let mut bits = [0; 16];
        let tag = mac(self.keys().seal_secret(), message.as_bytes());
        bits.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
        bits
    }

    /// A buyer, as only this merchant knows them.
    pub(crate) fn subject_of(&self, account: Id<Account>, merchant: Id<Merchant>) -> SubjectName {
        let message = [
            b"subject".as_slice(),
            &account.number().to_be_bytes(),
            &merchant.number().to_be_bytes(),
        ];
        let tag = mac(self.keys().subject_secret(), &message.concat());
        let mut bits = [0; 16];
        bits.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
        bits
    }
}

/// A merchant's name of a buyer, in text.
pub fn subject_text(subject: SubjectName) -> String {
    Base64UrlUnpadded::encode_string(&subject)
}

/// The name that stands in a text; none for what is none.
pub fn subject_from(text: &str) -> Option<SubjectName> {
    Base64UrlUnpadded::decode_vec(text).ok()?.try_into().ok()
}

/// SHA-256 of a reference or a code: what is kept of it.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// An address with two more parameters, none of which needs escaping.
pub(crate) fn with_code(url: &str, code: &str, name: &str, value: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}code={code}&{name}={value}")
}

/// A code of which only the hash is kept, good for a minute from `at`.
pub(crate) fn code_at(code: &str, at: Timestamp) -> ReturnCode {
    ReturnCode { hash: hash(code), until: at.plus(scrip_domain::connection::CODE_LIFETIME) }
}
