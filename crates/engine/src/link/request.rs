//! Links at the vendor whose account is linked: a partner sends its buyer, who signs in here and says yes or no.
//!
//! ```text
//! (partner) open ──▶ (buyer) approve, decline ──▶ back with a code ──▶ (partner) redeem: the account's name there
//! ```
//! The partner learns of an account nothing but a name that no other partner has. A code names nobody by itself: only the
//! partner that it was made for learns by it whose account is linked, once, within a minute.

use scrip_domain::account::Account;
use scrip_domain::connection::{ConnectionState, LIFETIME, SubjectName};
use scrip_domain::link::{Link, LinkRequest, PartnerSubject};
use scrip_domain::merchant::origin_of;
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::keys::mac;
use crate::ledger::Buyer;
use crate::purchase_request::{code_at, hash, with_code};
use crate::{Engine, Outcome};

/// What references and return codes of links are reckoned from.
const REFERENCE: &str = "link reference";
const CODE: &str = "link return code";

/// Why something was not done with a partner's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkRequestRefusal {
    /// There is none, or it is somebody else's, or the code was used before.
    NoSuchRequest,
    /// Its time is over, or it was decided otherwise.
    Over,
    /// The link is called by a name that is none.
    Link,
    /// Buyers may not be sent back there.
    ReturnUrl,
    /// We do not exchange with the partner at the moment.
    Suspended,
}

/// A request that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedRequest {
    /// The request.
    pub request: LinkRequest,
    /// Where the buyer goes.
    pub url: String,
    /// For how long it waits.
    pub expires_in: Span,
}

/// A request, as a buyer sees it.
#[derive(Clone, Debug)]
pub struct LinkView {
    /// The request.
    pub request: LinkRequest,
    /// Who sent the buyer.
    pub partner: Partner,
    /// Whether it waits for a decision still.
    pub waits: bool,
}

impl Engine {
    /// Opens a request for a partner's buyer. One link has one request: asking again brings it, as long as it waits.
    pub async fn open_link_request(
        &self,
        partner: &Partner,
        link: &str,
        return_url: &str,
    ) -> Outcome<OpenedRequest, LinkRequestRefusal> {
        let Ok(link) = link.parse::<Id<Link>>() else { return Ok(Err(LinkRequestRefusal::Link)) };
        let home = origin_of(&partner.url);
        if home.is_none() || origin_of(return_url) != home {
            return Ok(Err(LinkRequestRefusal::ReturnUrl));
        }
        if !partner.is_open() {
            return Ok(Err(LinkRequestRefusal::Suspended));
        }
        if self.store.link_request_of(partner.id, link).await?.is_none() {
            let id: Id<LinkRequest> = self.mint()?;
            let now = self.now();
            let request = LinkRequest {
                id,
                partner: partner.id,
                link,
                return_url: return_url.to_owned(),
                reference: hash(&self.secret_name(REFERENCE, &id.to_string())),
                state: ConnectionState::Open,
                account: None,
                code: None,
                at: now,
                expires_at: now.plus(LIFETIME),
            };
            match self.submit(Open { request }).await {
                // Somebody else has just opened the same.
                Ok(Ok(())) | Err(Fault::Conflict) => {}
                Err(fault) => return Err(fault),
            }
        }
        let lost = || Fault::Bug("a link request is gone".into());
        let request = self.store.link_request_of(partner.id, link).await?.ok_or_else(lost)?;
        let now = self.now();
        if request.state != ConnectionState::Open
            || request.expires_at <= now
            || request.return_url != return_url
        {
            return Ok(Err(LinkRequestRefusal::Over));
        }
        let reference = self.secret_name(REFERENCE, &request.id.to_string());
        let url = format!("{}/links/{reference}", self.public_url());
        let expires_in = request.expires_at.since(now);
        Ok(Ok(OpenedRequest { request, url, expires_in }))
    }

    /// What is behind a reference: once it was decided, for the account that decided only.
    pub async fn link_request(
        &self,
        reference: &str,
        buyer: Option<Buyer>,
    ) -> Outcome<LinkView, LinkRequestRefusal> {
        let request = self.store.link_request_by_reference(hash(reference)).await?;
        let asking = buyer.map(|buyer| buyer.account);
        let shown = |row: &LinkRequest| row.account.is_none() || row.account == asking;
        let Some(request) = request.filter(shown) else {
            return Ok(Err(LinkRequestRefusal::NoSuchRequest));
        };
        let lost = || Fault::Bug("a link request has no partner".into());
        let partner = self.store.partner(request.partner).await?.ok_or_else(lost)?;
        let waits = request.state == ConnectionState::Open && self.now() < request.expires_at;
        Ok(Ok(LinkView { request, partner, waits }))
    }

    /// The buyer approves or declines, and gets the address to go back to. The same decision again gives the same address.
    pub async fn decide_link(
        &self,
        buyer: Buyer,
        reference: &str,
        decision: ConnectionState,
    ) -> Outcome<String, LinkRequestRefusal> {
        let Some(row) = self.store.link_request_by_reference(hash(reference)).await? else {
            return Ok(Err(LinkRequestRefusal::NoSuchRequest));
        };
        let code = self.secret_name(CODE, &row.id.to_string());
        let state = match decision {
            ConnectionState::Approved => ConnectionState::Approved,
            ConnectionState::Open | ConnectionState::Declined => ConnectionState::Declined,
        };
        let account = buyer.account;
        let decided = self.submit(Decide { account, request: row.id, state, code: code.clone() });
        Ok(decided.await?.map(|()| {
            let link = row.link.to_string();
            if state == ConnectionState::Approved {
                return with_code(&row.return_url, &code, "link", &link);
            }
            let joint = if row.return_url.contains('?') { '&' } else { '?' };
            format!("{}{joint}error=declined&link={link}", row.return_url)
        }))
    }

    /// A partner redeems the code with which its buyer came back: its own name of the link, and the account's name there.
    pub async fn redeem_link_code(
        &self,
        partner: &Partner,
        code: &str,
    ) -> Outcome<(Id<Link>, SubjectName), LinkRequestRefusal> {
        let hash = hash(code);
        let row = self.store.link_request_by_code(hash).await?;
        let Some((request, account)) = row.and_then(|row| Some((row.id, row.account?))) else {
            return Ok(Err(LinkRequestRefusal::NoSuchRequest));
        };
        let subject = self.partner_subject_of(account, partner.id);
        self.submit(Redeem { request, partner: partner.id, account, subject, hash }).await
    }

    /// The partners that know an account here, with what they are.
    pub async fn linked_partners(
        &self,
        account: Id<Account>,
    ) -> Result<Vec<(PartnerSubject, Partner)>, Fault> {
        let rows = self.store.partner_subjects_of(account).await?;
        let mut linked = Vec::with_capacity(rows.len());
        for row in rows {
            let lost = || Fault::Bug("a linked account has no partner".into());
            let partner = self.store.partner(row.partner).await?.ok_or_else(lost)?;
            linked.push((row, partner));
        }
        Ok(linked)
    }

    /// An account is known to a partner no more: its owner says so here. Doing it again changes nothing.
    pub async fn cut_link(&self, buyer: Buyer, partner: Id<Partner>) -> Result<(), Fault> {
        let subject = self.partner_subject_of(buyer.account, partner);
        self.end_subject(partner, subject).await
    }

    /// The same, as the partner tells it.
    pub async fn end_subject(
        &self,
        partner: Id<Partner>,
        subject: SubjectName,
    ) -> Result<(), Fault> {
        let Ok(()) = self.submit(End { partner, subject }).await?;
        Ok(())
    }

    /// An account, as only this partner knows it.
    pub(crate) fn partner_subject_of(
        &self,
        account: Id<Account>,
        partner: Id<Partner>,
    ) -> SubjectName {
        let message = [
            b"partner subject".as_slice(),
            &account.number().to_be_bytes(),
            &partner.number().to_be_bytes(),
        ];
        let tag = mac(self.keys().subject_secret(), &message.concat());
        let mut bits = [0; 16];
        bits.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
        bits
    }
}

struct Open {
    request: LinkRequest,
}

impl Command for Open {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, _: &mut Wants) {}

    fn decide(&self, _: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        changes.link_requests.push(Change::Insert(self.request.clone()));
        Ok(Decision::done((), changes))
    }
}

struct Decide {
    account: Id<Account>,
    request: Id<LinkRequest>,
    state: ConnectionState,
    code: String,
}

impl Command for Decide {
    type Receipt = ();
    type Refusal = LinkRequestRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.link_requests.guard((self.request,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<(), LinkRequestRefusal>, Fault> {
        let lost = || Fault::Bug("a link request is gone".into());
        let row = books.link_requests.get(&(self.request,))?.ok_or_else(lost)?;
        let mine = Some(self.account);
        if row.account.is_some() && row.account != mine {
            return Ok(Decision::refused(LinkRequestRefusal::NoSuchRequest));
        }
        let mut changes = Changes::default();
        if row.state != ConnectionState::Open {
            return Ok(if row.state == self.state {
                Decision::done((), changes)
            } else {
                Decision::refused(LinkRequestRefusal::Over)
            });
        }
        if row.expires_at <= at {
            return Ok(Decision::refused(LinkRequestRefusal::Over));
        }
        let code = (self.state == ConnectionState::Approved).then(|| code_at(&self.code, at));
        let decided = LinkRequest { state: self.state, account: mine, code, ..row.clone() };
        changes.link_requests.push(Change::Update(decided));
        Ok(Decision::done((), changes))
    }
}

struct Redeem {
    request: Id<LinkRequest>,
    partner: Id<Partner>,
    account: Id<Account>,
    subject: SubjectName,
    hash: [u8; 32],
}

impl Command for Redeem {
    type Receipt = (Id<Link>, SubjectName);
    type Refusal = LinkRequestRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.link_requests.guard((self.request,));
        wants.partner_subjects.guard((self.partner, self.subject));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, LinkRequestRefusal>, Fault> {
        let row = books.link_requests.get(&(self.request,))?;
        let row = row.filter(|row| {
            row.partner == self.partner
                && row.account == Some(self.account)
                && row.code.is_some_and(|code| code.opens(&self.hash, at))
        });
        let Some(row) = row else {
            return Ok(Decision::refused(LinkRequestRefusal::NoSuchRequest));
        };
        let mut changes = Changes::default();
        changes.link_requests.push(Change::Update(LinkRequest { code: None, ..row.clone() }));
        let (partner, subject, account) = (self.partner, self.subject, self.account);
        if books.partner_subjects.get(&(partner, subject))?.is_none() {
            let known = PartnerSubject { partner, subject, account, at };
            changes.partner_subjects.push(Change::Insert(known));
        }
        Ok(Decision::done((row.link, subject), changes))
    }
}

struct End {
    partner: Id<Partner>,
    subject: SubjectName,
}

impl Command for End {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.partner_subjects.guard((self.partner, self.subject));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        if let Some(row) = books.partner_subjects.get(&(self.partner, self.subject))? {
            changes.partner_subjects.push(Change::Delete(row.clone()));
        }
        Ok(Decision::done((), changes))
    }
}
