//! Links at the vendor that a buyer comes from: which account at a partner is the buyer's own. What the partner does is in
//! [`request`].
//!
//! ```text
//! open ──▶ (at the partner: signs in, approves) ──▶ back with a code, redeemed for the account that began it ──▶ active
//! active ──▶ ended, and the partner is told until it has heard it
//! ```
//! A buyer has one link to a partner. Beginning again within ten minutes goes on with the same one, so that nobody fills the
//! partner's books by clicking.

pub mod request;

use scrip_domain::account::Account;
use scrip_domain::connection::LIFETIME;
use scrip_domain::link::{Link, LinkState};
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::checkout::begin::FOR_NOW;
use crate::identity::not_now;
use crate::ledger::Buyer;
use crate::partner::{Heard, LEASE, MOST_PATIENT, Partners};
use crate::peer::PeerError;
use crate::provider::Opened;
use crate::purchase_request::notice::pause;
use crate::round::{self, AT_ONCE};
use crate::{Engine, Outcome};

/// Links that one round tells of.
const ROUND: u32 = 50;

/// Why something was not done with a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkRefusal {
    /// There is no such partner, or nothing is agreed with it.
    NoSuchPartner,
    /// We do not exchange with it at the moment, or it does not.
    Suspended,
    /// An account there is linked already.
    Linked,
    /// No account there is linked, or none is being linked.
    NotLinked,
    /// The code is not one of the partner's for this account, was used, or is too old.
    CodeRefused,
    /// The partner does not take part; by a word of its own.
    PartnerRefused(String),
}

/// A way to the partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedLink {
    /// The link.
    pub link: Id<Link>,
    /// Where the buyer goes.
    pub url: String,
    /// The last part of that address, by which the partner's API calls it.
    pub reference: String,
    /// For how long it waits for the buyer.
    pub expires_in: Span,
}

impl Engine {
    /// A partner with which buyers have anything to do.
    async fn partner_of_buyers(&self, id: Id<Partner>) -> Outcome<Partner, LinkRefusal> {
        let partner = self.store.partner(id).await?;
        Ok(match partner.filter(|partner| partner.agreement.is_some()) {
            None => Err(LinkRefusal::NoSuchPartner),
            Some(partner) if !partner.is_open() => Err(LinkRefusal::Suspended),
            Some(partner) => Ok(partner),
        })
    }

    fn way_to_partners(&self) -> Result<&dyn Partners, Fault> {
        self.partners().ok_or_else(|| Fault::Unavailable("this server cannot ask others".into()))
    }

    /// Begins a link: the buyer goes to the partner, and comes back to `/partners/{id}`.
    pub async fn open_link(
        &self,
        buyer: Buyer,
        partner: Id<Partner>,
    ) -> Outcome<OpenedLink, LinkRefusal> {
        let partner = match self.partner_of_buyers(partner).await? {
            Ok(partner) => partner,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let partners = self.way_to_partners()?;
        if let Some(row) = self.store.link(buyer.account, partner.id).await?
            && row.state == LinkState::Ended
            && row.subject.is_some()
        {
            // Told late, it would cut what is linked now.
            self.tell_unlinked(partners, &partner, row).await?;
        }
        for anew in [false, true] {
            let id = self.mint()?;
            let command = Begin { account: buyer.account, partner: partner.id, id, anew };
            let link = match self.submit(command).await? {
                Ok(link) => link,
                Err(Unready::Linked) => return Ok(Err(LinkRefusal::Linked)),
                Err(Unready::Untold) => return Err(Fault::Busy),
            };
            let back = format!("{}/partners/{}", self.public_url(), partner.id);
            match partners.link(&partner.url, &link.to_string(), &back).await {
                Ok(opened) => return led(&partner, link, opened).map(Ok),
                // The buyer has decided about this one: the next is a new one.
                Err(PeerError::Refused { code, .. }) if code == "request_state" && !anew => {}
                Err(PeerError::Refused { code, .. }) if !FOR_NOW.contains(&code.as_str()) => {
                    return Ok(Err(LinkRefusal::PartnerRefused(code)));
                }
                Err(error) => return Err(not_now(&error)),
            }
        }
        Err(Fault::Busy)
    }

    /// The buyer is back with a code. `link` is the partner's word for which link it is about, where the buyer brought it.
    /// Coming back twice is coming back once.
    pub async fn redeem_link(
        &self,
        buyer: Buyer,
        partner: Id<Partner>,
        link: Option<Id<Link>>,
        code: &str,
    ) -> Outcome<Link, LinkRefusal> {
        let row = self.store.link(buyer.account, partner).await?;
        // Another account's code is not used up by trying.
        let Some(row) = row.filter(|row| link.is_none_or(|link| link == row.id)) else {
            return Ok(Err(LinkRefusal::CodeRefused));
        };
        match row.state {
            LinkState::Open => {}
            LinkState::Active if link.is_some() => return Ok(Ok(row)),
            LinkState::Active => return Ok(Err(LinkRefusal::Linked)),
            LinkState::Ended => return Ok(Err(LinkRefusal::CodeRefused)),
        }
        let lost = || Fault::Bug("a link has no partner".into());
        let partner = self.store.partner(partner).await?.ok_or_else(lost)?;
        let linked = match self.way_to_partners()?.redeem(&partner.url, code).await {
            Ok(linked) => linked,
            Err(PeerError::Refused { code, .. }) if !FOR_NOW.contains(&code.as_str()) => {
                return Ok(Err(LinkRefusal::CodeRefused));
            }
            Err(error) => return Err(not_now(&error)),
        };
        if linked.link != row.id.to_string() {
            tracing::warn!(target: "security", link = %row.id, "a return code of another link");
            return Ok(Err(LinkRefusal::CodeRefused));
        }
        let command = Activate { link: row, subject: linked.subject };
        self.submit(command).await
    }

    /// Cuts the buyer's link. Doing it again changes nothing.
    pub async fn unlink(&self, buyer: Buyer, partner: Id<Partner>) -> Outcome<(), LinkRefusal> {
        let cut = Cut { account: buyer.account, partner, subject: None };
        let row = match self.submit(cut).await? {
            Ok(row) => row,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // What is cut here is cut; if the partner does not hear it now, it will.
        if let (Some(partners), Some(partner)) =
            (self.partners(), self.store.partner(partner).await?)
            && row.subject.is_some()
        {
            self.tell_unlinked(partners, &partner, row).await?;
        }
        Ok(Ok(()))
    }

    /// The partner says that it knows this account no more: the buyer has cut the link there.
    pub(crate) async fn forget_link(
        &self,
        account: Id<Account>,
        partner: Id<Partner>,
        subject: &str,
    ) -> Result<(), Fault> {
        let subject = Some(subject.to_owned());
        // Another link may be there by now.
        let _ = self.submit(Cut { account, partner, subject }).await?;
        Ok(())
    }

    /// A buyer's link to a partner.
    pub async fn link_of(&self, buyer: Buyer, partner: Id<Partner>) -> Result<Option<Link>, Fault> {
        self.store.link(buyer.account, partner).await
    }

    /// Tells partners of links that have ended, once. Gives how many.
    pub async fn run_links(&self) -> Result<usize, Fault> {
        let Some(partners) = self.partners() else { return Ok(0) };
        let due = self.store.links_due(self.now(), ROUND).await?;
        let tell = async |link: Link| {
            let lost = || Fault::Bug("a link has no partner".into());
            let partner = self.store.partner(link.partner).await?.ok_or_else(lost)?;
            self.tell_unlinked(partners, &partner, link).await
        };
        round::count(due, AT_ONCE, tell).await
    }

    async fn tell_unlinked(
        &self,
        partners: &dyn Partners,
        partner: &Partner,
        link: Link,
    ) -> Result<bool, Fault> {
        let Ok(link) = self.submit(Take { link }).await? else { return Ok(false) };
        let subject = link.subject.clone().unwrap_or_default();
        let heard = Heard::of(partner, partners.unlink(&partner.url, &subject).await);
        let Ok(()) = self.submit(Told { link, heard }).await?;
        Ok(true)
    }
}

/// Where the buyer goes: nowhere but to the partner.
fn led(partner: &Partner, link: Id<Link>, opened: Opened) -> Result<OpenedLink, Fault> {
    let Opened { url, expires_in, .. } = opened;
    let below = url.strip_prefix(&partner.url).and_then(|rest| rest.strip_prefix("/links/"));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match below.filter(|name| !name.is_empty() && name.bytes().all(is_name)) {
        Some(reference) => {
            let reference = reference.to_owned();
            Ok(OpenedLink { link, url, reference, expires_in })
        }
        None => Err(not_now(&PeerError::Unbelievable("an address that is elsewhere".to_owned()))),
    }
}

/// Why nothing begins.
enum Unready {
    Linked,
    /// The partner has not heard yet that the former link has ended.
    Untold,
}

struct Begin {
    account: Id<Account>,
    partner: Id<Partner>,
    id: Id<Link>,
    /// Not with the one that was begun before.
    anew: bool,
}

impl Command for Begin {
    type Receipt = Id<Link>;
    type Refusal = Unready;

    fn wants(&self, wants: &mut Wants) {
        wants.links.guard((self.account, self.partner));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Id<Link>, Unready>, Fault> {
        let before = books.links.get(&(self.account, self.partner))?;
        let mut changes = Changes::default();
        match before {
            Some(row) if row.state == LinkState::Active => {
                return Ok(Decision::refused(Unready::Linked));
            }
            Some(row) if row.subject.is_some() => return Ok(Decision::refused(Unready::Untold)),
            Some(row)
                if row.state == LinkState::Open && !self.anew && at < row.at.plus(LIFETIME) =>
            {
                return Ok(Decision::done(row.id, changes));
            }
            _ => {}
        }
        let link = Link {
            account: self.account,
            partner: self.partner,
            id: self.id,
            state: LinkState::Open,
            subject: None,
            at,
            linked_at: None,
            due_at: None,
            attempts: 0,
        };
        changes.links.push(match before {
            Some(_) => Change::Update(link),
            None => Change::Insert(link),
        });
        Ok(Decision::done(self.id, changes))
    }
}

struct Activate {
    link: Link,
    subject: String,
}

impl Command for Activate {
    type Receipt = Link;
    type Refusal = LinkRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.links.guard((self.link.account, self.link.partner));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Link, LinkRefusal>, Fault> {
        let row = books.links.get(&(self.link.account, self.link.partner))?;
        let Some(row) = row.filter(|row| row.id == self.link.id) else {
            return Ok(Decision::refused(LinkRefusal::CodeRefused));
        };
        let mut changes = Changes::default();
        match row.state {
            LinkState::Active => return Ok(Decision::done(row.clone(), changes)),
            LinkState::Ended => return Ok(Decision::refused(LinkRefusal::CodeRefused)),
            LinkState::Open => {}
        }
        let (state, subject, linked_at) = (LinkState::Active, Some(self.subject.clone()), Some(at));
        let link = Link { state, subject, linked_at, ..row.clone() };
        changes.links.push(Change::Update(link.clone()));
        Ok(Decision::done(link, changes))
    }
}

struct Cut {
    account: Id<Account>,
    partner: Id<Partner>,
    /// Where the partner has cut it: whom it knows no more.
    subject: Option<String>,
}

impl Command for Cut {
    type Receipt = Link;
    type Refusal = LinkRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.links.guard((self.account, self.partner));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Link, LinkRefusal>, Fault> {
        let row = books.links.get(&(self.account, self.partner))?;
        let same = |row: &&Link| self.subject.is_none() || self.subject == row.subject;
        let Some(row) = row.filter(same) else {
            return Ok(Decision::refused(LinkRefusal::NotLinked));
        };
        let mut changes = Changes::default();
        if row.state == LinkState::Ended {
            return Ok(Decision::done(row.clone(), changes));
        }
        let subject = row.subject.clone().filter(|_| self.subject.is_none());
        let due_at = subject.as_ref().map(|_| at);
        let link = Link { state: LinkState::Ended, subject, due_at, attempts: 0, ..row.clone() };
        changes.links.push(Change::Update(link.clone()));
        Ok(Decision::done(link, changes))
    }
}

/// It is not due any more.
struct NotDue;

struct Take {
    link: Link,
}

impl Command for Take {
    type Receipt = Link;
    type Refusal = NotDue;

    fn wants(&self, wants: &mut Wants) {
        wants.links.guard((self.link.account, self.link.partner));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Link, NotDue>, Fault> {
        let row = books.links.get(&(self.link.account, self.link.partner))?;
        let untold = |row: &&Link| row.id == self.link.id && row.due_at.is_some();
        // Whoever asks before it is due had better know that nobody else is asking.
        let due = |row: &&Link| row.due_at.is_some_and(|due| due <= at) || row.attempts == 0;
        let Some(row) = row.filter(untold).filter(due) else {
            return Ok(Decision::refused(NotDue));
        };
        let attempts = row.attempts.saturating_add(1);
        let taken = Link { due_at: Some(at.plus(LEASE)), attempts, ..row.clone() };
        let mut changes = Changes::default();
        changes.links.push(Change::Update(taken.clone()));
        Ok(Decision::done(taken, changes))
    }
}

struct Told {
    /// As it was when it was told.
    link: Link,
    heard: Heard,
}

impl Command for Told {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.links.guard((self.link.account, self.link.partner));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let row = books.links.get(&(self.link.account, self.link.partner))?;
        if let Some(row) = row.filter(|row| **row == self.link) {
            let link = match self.heard {
                // It knows nobody of this name any more, whatever it calls that.
                Heard::Yes | Heard::Refused(_) => {
                    Link { subject: None, due_at: None, attempts: 0, ..row.clone() }
                }
                Heard::NotYet => {
                    let wait = pause(row.attempts.min(MOST_PATIENT));
                    Link { due_at: Some(at.plus(wait)), ..row.clone() }
                }
            };
            changes.links.push(Change::Update(link));
        }
        Ok(Decision::done((), changes))
    }
}
