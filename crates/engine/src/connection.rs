//! Connections at a provider: a buyer signs in at a merchant, and says what the merchant may know. And what merchants ask
//! about buyers later.
//!
//! ```text
//! (merchant) open ──▶ (buyer) approve, decline ──▶ back with a code ──▶ (merchant) redeem: the subject
//!                             ├──mute──▶ (it knows as much, and no letter of it comes through here)
//!                             └──disconnect──▶ (the merchant learns nothing more, nor does a letter of it come)
//! ```
//! A return code, from a connection or a purchase, names nobody by itself: only the merchant that it was made for learns by it
//! who came back, once, within a minute. After 30 days a connection is forgotten.

use scrip_domain::account::Account;
use scrip_domain::connection::{
    Connection, ConnectionState, LIFETIME, MerchantSubject, SubjectName,
};
use scrip_domain::merchant::{KeyOwner, Merchant, MerchantKey, MerchantState};
use scrip_domain::purchase_request::{PurchaseRequest, may_return};
use scrip_domain::request::Request;
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::ledger::Buyer;
use crate::purchase_request::{Picture, code_at, hash, with_code};
use crate::{Engine, Outcome};

/// For how long a connection is kept: it is of no use an hour later, but to who looks for what went wrong.
const KEPT: Span = Span::days(30);
/// How many are forgotten by one command.
const PAGE: u32 = 500;
/// What references and return codes of connections are reckoned from.
const REFERENCE: &str = "connection reference";
const CODE: &str = "connection return code";

/// A connection that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedConnection {
    /// The connection.
    pub connection: Connection,
    /// Where the buyer goes.
    pub url: String,
    /// For how long it waits.
    pub expires_in: Span,
}

/// A connection, as a buyer sees it.
#[derive(Clone, Debug)]
pub struct ConnectionView {
    /// The connection.
    pub connection: Connection,
    /// Where the buyer wants to sign in.
    pub merchant: Merchant,
    /// Whether it waits for a decision still.
    pub waits: bool,
    /// For how long.
    pub expires_in: Span,
}

/// What the buyer says to a merchant that wants to know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// The merchant may know them, and if they are funded.
    ShareFunded,
    /// The merchant may know them, and nothing more.
    ShareNothing,
    /// The merchant may not know them.
    Refuse,
}

/// Why something was not done with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionRefusal {
    /// There is none, or it is somebody else's, or the code was used before.
    NoSuchConnection,
    /// Its time is over, or it was decided otherwise.
    Over,
    /// Buyers may not be sent back there.
    ReturnUrl,
    /// The merchant is not active.
    Suspended,
    /// The idempotency key was used for something else.
    KeyReused,
}

/// Who came back to a merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameBack {
    /// The buyer, as the merchant knows them.
    pub subject: SubjectName,
    /// The request that they decided.
    pub request: Option<Picture>,
    /// The connection that they approved.
    pub connection: Option<Id<Connection>>,
    /// Whether they are funded; none where that is not shared.
    pub funded: Option<bool>,
}

impl Engine {
    /// Opens a connection for a merchant.
    pub async fn open_connection(
        &self,
        merchant: &Merchant,
        return_url: String,
        request: Request,
    ) -> Outcome<OpenedConnection, ConnectionRefusal> {
        if !may_return(merchant, &return_url) {
            return Ok(Err(ConnectionRefusal::ReturnUrl));
        }
        if merchant.state != MerchantState::Active {
            return Ok(Err(ConnectionRefusal::Suspended));
        }
        let id: Id<Connection> = self.mint()?;
        let now = self.now();
        let connection = Connection {
            id,
            merchant: merchant.id,
            return_url,
            reference: hash(&self.secret_name(REFERENCE, &id.to_string())),
            state: ConnectionState::Open,
            account: None,
            code: None,
            created_at: now,
            expires_at: now.plus(LIFETIME),
        };
        let opened = match self.submit(Open { connection, request }).await? {
            Ok(opened) => opened,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(connection) = self.store.connection(opened).await? else {
            return Ok(Err(ConnectionRefusal::KeyReused));
        };
        let reference = self.secret_name(REFERENCE, &connection.id.to_string());
        let url = format!("{}/connect/{reference}", self.public_url());
        let expires_in = connection.expires_at.since(self.now());
        Ok(Ok(OpenedConnection { connection, url, expires_in }))
    }

    /// What is behind a reference: once it was decided, for the account that decided only.
    pub async fn connection(
        &self,
        reference: &str,
        buyer: Option<Buyer>,
    ) -> Outcome<ConnectionView, ConnectionRefusal> {
        let connection = self.store.connection_by_reference(hash(reference)).await?;
        let asking = buyer.map(|buyer| buyer.account);
        let shown = |row: &Connection| row.account.is_none() || row.account == asking;
        let Some(connection) = connection.filter(shown) else {
            return Ok(Err(ConnectionRefusal::NoSuchConnection));
        };
        let lost = || Fault::Bug("a connection has no merchant".into());
        let merchant = self.store.merchant(connection.merchant).await?.ok_or_else(lost)?;
        let now = self.now();
        let waits = connection.state == ConnectionState::Open && now < connection.expires_at;
        let expires_in = connection.expires_at.since(now);
        Ok(Ok(ConnectionView { connection, merchant, waits, expires_in }))
    }

    /// The buyer decides, and gets the address to go back to. The same decision again gives the same address.
    pub async fn decide_connection(
        &self,
        buyer: Buyer,
        reference: &str,
        consent: Consent,
    ) -> Outcome<String, ConnectionRefusal> {
        let Some(row) = self.store.connection_by_reference(hash(reference)).await? else {
            return Ok(Err(ConnectionRefusal::NoSuchConnection));
        };
        let code = self.secret_name(CODE, &row.id.to_string());
        let command = Decide {
            buyer,
            connection: row.id,
            merchant: row.merchant,
            consent,
            subject: self.subject_of(buyer.account, row.merchant),
            code: code.clone(),
        };
        let decided = self.submit(command).await?;
        Ok(decided.map(|state| match state {
            ConnectionState::Approved => {
                with_code(&row.return_url, &code, "connection", &row.id.to_string())
            }
            ConnectionState::Open | ConnectionState::Declined => {
                let joint = if row.return_url.contains('?') { '&' } else { '?' };
                format!("{}{joint}error=declined&connection={}", row.return_url, row.id)
            }
        }))
    }

    /// A merchant redeems the code with which a buyer came back.
    pub async fn redeem_return_code(
        &self,
        merchant: &Merchant,
        code: &str,
    ) -> Outcome<CameBack, ConnectionRefusal> {
        let hash = hash(code);
        if let Some(row) = self.store.purchase_request_by_code(hash).await? {
            let command = RedeemRequest { request: row.id, merchant: merchant.id, hash };
            let row = match self.submit(command).await? {
                Ok(row) => row,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let Some(account) = row.account else {
                return Ok(Err(ConnectionRefusal::NoSuchConnection));
            };
            let request = self.look_at_request(merchant.id, row.id).await?;
            return Ok(Ok(CameBack {
                request: request.ok(),
                ..self.back(merchant, account).await?
            }));
        }
        let Some(row) = self.store.connection_by_code(hash).await? else {
            return Ok(Err(ConnectionRefusal::NoSuchConnection));
        };
        let command = RedeemConnection { connection: row.id, merchant: merchant.id, hash };
        Ok(match self.submit(command).await? {
            Ok((id, account)) => {
                Ok(CameBack { connection: Some(id), ..self.back(merchant, account).await? })
            }
            Err(refusal) => Err(refusal),
        })
    }

    /// The merchants that know an account, with what they may know.
    pub async fn merchants_knowing(
        &self,
        account: Id<Account>,
    ) -> Result<Vec<(MerchantSubject, Merchant)>, Fault> {
        let rows = self.store.merchant_subjects_of(account).await?;
        let mut known = Vec::with_capacity(rows.len());
        for row in rows {
            let lost = || Fault::Bug("a known account has no merchant".into());
            let merchant = self.store.merchant(row.merchant).await?.ok_or_else(lost)?;
            known.push((row, merchant));
        }
        Ok(known)
    }

    /// A merchant may know nothing more of an account: its owner says so. A further purchase there, or signing in there, makes
    /// it known again, under the same name. Doing it again changes nothing.
    pub async fn disconnect(&self, buyer: Buyer, merchant: Id<Merchant>) -> Result<(), Fault> {
        let subject = self.subject_of(buyer.account, merchant);
        let Ok(()) = self.submit(Forget { merchant, subject }).await?;
        Ok(())
    }

    /// Says whether a merchant's letters come to their reader through here. Doing it again changes nothing; `false` where the
    /// merchant does not know the account.
    pub async fn mute(
        &self,
        buyer: Buyer,
        merchant: Id<Merchant>,
        muted: bool,
    ) -> Result<bool, Fault> {
        let subject = self.subject_of(buyer.account, merchant);
        let Ok(known) = self.submit(Mute { merchant, subject, muted }).await?;
        Ok(known)
    }

    async fn back(&self, merchant: &Merchant, account: Id<Account>) -> Result<CameBack, Fault> {
        let subject = self.subject_of(account, merchant.id);
        let funded = self.standing_of(merchant, subject).await?.flatten();
        Ok(CameBack { subject, request: None, connection: None, funded })
    }

    /// Whether a merchant's buyer is funded: none where the merchant knows no such buyer, and none inside where that is
    /// not shared.
    pub async fn standing_of(
        &self,
        merchant: &Merchant,
        subject: SubjectName,
    ) -> Result<Option<Option<bool>>, Fault> {
        let Some(row) = self.store.merchant_subject(merchant.id, subject).await? else {
            return Ok(None);
        };
        if !row.share_funded {
            return Ok(Some(None));
        }
        let registration = self.vendor().await?.settings.required().into_owned();
        let member = self.member(row.account).await?;
        let funded = member.is_some_and(|member| {
            member.account.permits(&registration).is_ok() && member.available >= merchant.threshold
        });
        Ok(Some(Some(funded)))
    }

    /// Forgets a page of connections of long ago, however they ended. What came of them stays: merchants know the buyers
    /// who approved. Gives how many; ask again until there are none.
    pub async fn forget_connections(&self) -> Result<usize, Fault> {
        let before = Id::floor(self.now().minus(KEPT));
        let old = self.store.connections_before(before, PAGE).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let connections = old.into_iter().map(|connection| connection.id).collect();
        let Ok(forgotten) = self.submit(ForgetOld { connections }).await?;
        Ok(forgotten)
    }
}

struct Open {
    connection: Connection,
    request: Request,
}

impl Command for Open {
    /// The connection, new or of before.
    type Receipt = Id<Connection>;
    type Refusal = ConnectionRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.merchants.guard((self.connection.merchant,));
        wants.merchant_keys.read((self.connection.merchant, KeyOwner::Merchant, self.request.key));
    }

    fn decide(
        &self,
        books: &Books,
        _: Timestamp,
    ) -> Result<Decision<Id<Connection>, ConnectionRefusal>, Fault> {
        let Connection { id, merchant, .. } = self.connection;
        let key = (merchant, KeyOwner::Merchant, self.request.key);
        if let Some(known) = books.merchant_keys.get(&key)? {
            return Ok(match Id::new(known.target) {
                Some(id) if known.fingerprint == self.request.fingerprint => {
                    Decision::done(id, Changes::default())
                }
                _ => Decision::refused(ConnectionRefusal::KeyReused),
            });
        }
        let mut changes = Changes::default();
        changes.connections.push(Change::Insert(self.connection.clone()));
        let key = MerchantKey::new(merchant, KeyOwner::Merchant, self.request, id);
        changes.merchant_keys.push(Change::Insert(key));
        Ok(Decision::done(id, changes))
    }
}

struct Decide {
    buyer: Buyer,
    connection: Id<Connection>,
    merchant: Id<Merchant>,
    consent: Consent,
    subject: SubjectName,
    code: String,
}

impl Command for Decide {
    type Receipt = ConnectionState;
    type Refusal = ConnectionRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.connections.guard((self.connection,));
        wants.merchant_subjects.guard((self.merchant, self.subject));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<ConnectionState, ConnectionRefusal>, Fault> {
        let lost = || Fault::Bug("a connection is gone".into());
        let row = books.connections.get(&(self.connection,))?.ok_or_else(lost)?;
        let mine = Some(self.buyer.account);
        if row.account.is_some() && row.account != mine {
            return Ok(Decision::refused(ConnectionRefusal::NoSuchConnection));
        }
        let state = match self.consent {
            Consent::Refuse => ConnectionState::Declined,
            Consent::ShareFunded | Consent::ShareNothing => ConnectionState::Approved,
        };
        let mut changes = Changes::default();
        if row.state != ConnectionState::Open {
            return Ok(if row.state == state {
                Decision::done(state, changes)
            } else {
                Decision::refused(ConnectionRefusal::Over)
            });
        }
        if row.expires_at <= at {
            return Ok(Decision::refused(ConnectionRefusal::Over));
        }
        let code = (state == ConnectionState::Approved).then(|| code_at(&self.code, at));
        let decided = Connection { state, account: mine, code, ..row.clone() };
        changes.connections.push(Change::Update(decided));
        if state == ConnectionState::Approved {
            self.introduce(books, &mut changes, at)?;
        }
        Ok(Decision::done(state, changes))
    }
}

impl Decide {
    /// What the buyer lets the merchant know, from now on.
    fn introduce(&self, books: &Books, changes: &mut Changes, at: Timestamp) -> Result<(), Fault> {
        let (merchant, subject, account) = (self.merchant, self.subject, self.buyer.account);
        let share_funded = self.consent == Consent::ShareFunded;
        let new = MerchantSubject::new(merchant, subject, account, at);
        changes.merchant_subjects.push(
            match books.merchant_subjects.get(&(merchant, subject))? {
                // Who wanted no letters wants none still.
                Some(old) => {
                    Change::Update(MerchantSubject { share_funded, muted: old.muted, ..new })
                }
                None => Change::Insert(MerchantSubject { share_funded, ..new }),
            },
        );
        Ok(())
    }
}

struct Forget {
    merchant: Id<Merchant>,
    subject: SubjectName,
}

impl Command for Forget {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.merchant_subjects.guard((self.merchant, self.subject));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        if let Some(row) = books.merchant_subjects.get(&(self.merchant, self.subject))? {
            changes.merchant_subjects.push(Change::Delete(row.clone()));
        }
        Ok(Decision::done((), changes))
    }
}

struct ForgetOld {
    connections: Vec<Id<Connection>>,
}

impl Command for ForgetOld {
    /// How many went.
    type Receipt = usize;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        self.connections.iter().for_each(|id| wants.connections.guard((*id,)));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<usize, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        for id in &self.connections {
            let known = books.connections.get(&(*id,))?;
            changes.connections.extend(known.cloned().map(Change::Delete));
        }
        Ok(Decision::done(changes.connections.len(), changes))
    }
}

struct Mute {
    merchant: Id<Merchant>,
    subject: SubjectName,
    muted: bool,
}

impl Command for Mute {
    /// Whether the merchant knows the account.
    type Receipt = bool;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.merchant_subjects.guard((self.merchant, self.subject));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<bool, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let row = books.merchant_subjects.get(&(self.merchant, self.subject))?;
        if let Some(row) = row.filter(|row| row.muted != self.muted) {
            let row = MerchantSubject { muted: self.muted, ..row.clone() };
            changes.merchant_subjects.push(Change::Update(row));
        }
        Ok(Decision::done(row.is_some(), changes))
    }
}

struct RedeemRequest {
    request: Id<PurchaseRequest>,
    merchant: Id<Merchant>,
    hash: [u8; 32],
}

impl Command for RedeemRequest {
    type Receipt = PurchaseRequest;
    type Refusal = ConnectionRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.purchase_requests.guard((self.request,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<PurchaseRequest, ConnectionRefusal>, Fault> {
        let row = books.purchase_requests.get(&(self.request,))?;
        let row = row.filter(|row| {
            row.merchant == self.merchant && row.code.is_some_and(|code| code.opens(&self.hash, at))
        });
        let Some(row) = row else {
            return Ok(Decision::refused(ConnectionRefusal::NoSuchConnection));
        };
        let row = PurchaseRequest { code: None, ..row.clone() };
        let mut changes = Changes::default();
        changes.purchase_requests.push(Change::Update(row.clone()));
        Ok(Decision::done(row, changes))
    }
}

struct RedeemConnection {
    connection: Id<Connection>,
    merchant: Id<Merchant>,
    hash: [u8; 32],
}

impl Command for RedeemConnection {
    type Receipt = (Id<Connection>, Id<Account>);
    type Refusal = ConnectionRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.connections.guard((self.connection,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, ConnectionRefusal>, Fault> {
        let row = books.connections.get(&(self.connection,))?;
        let row = row.filter(|row| {
            row.merchant == self.merchant && row.code.is_some_and(|code| code.opens(&self.hash, at))
        });
        let Some((row, account)) = row.and_then(|row| Some((row, row.account?))) else {
            return Ok(Decision::refused(ConnectionRefusal::NoSuchConnection));
        };
        let mut changes = Changes::default();
        changes.connections.push(Change::Update(Connection { code: None, ..row.clone() }));
        Ok(Decision::done((row.id, account), changes))
    }
}
