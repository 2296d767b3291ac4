//! Refunds that buyers ask for: asked, granted at once or by staff, or declined.
//!
//! ```text
//! asked ──covered, and the vendor grants at once──▶ accepted     one commit with the refund
//!   └──▶ open ──staff accepts─────────────────────▶ accepted     in the commit of the refund
//!          │    └─▶ at a merchant: when the provider has given back
//!          ├────all of the line goes back otherwise──▶ accepted
//!          └────staff declines, with a word──────────▶ declined
//! ```
//! All of it is decided under the wallet's guard and the order's, as the refund itself is: nothing is accepted twice, nor
//! accepted and declined. What was opened is looked at in the commit that grants, and a download that is carried on beside it
//! is not finished ([`crate::download`]). What was downloaded in part is not opened, but a person decides: nobody knows how
//! much of it is there. At a merchant the provider grants, some moments later: a download that ends in
//! between is kept, and the answer to whoever asks says `open`, as it was when it was asked.

use scrip_domain::audit::Act;
use scrip_domain::event::{Event, EventType};
use scrip_domain::letter::{About, Letter};
use scrip_domain::license::License;
use scrip_domain::order::{Line, Order, OrderState};
use scrip_domain::refund::{Extent, LicensePolicy, Refund, RefundLine, Share};
use scrip_domain::refund_request::{RefundPolicy, RefundRequest, RefundRequestState};
use scrip_domain::request::{Request, RequestId};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use crate::audit::{Note, Staff};
use crate::ledger::Buyer;
use crate::purchase::{Answered, Paid};
use crate::refund::{RefundAsk, RefundRefusal, left_of};
use crate::{Engine, Outcome, event};

/// What a buyer wants back.
#[derive(Clone, Debug)]
pub struct RefundWish {
    /// Of which order.
    pub order: Id<Order>,
    /// All that is left of which line.
    pub line: Id<Line>,
    /// Why.
    pub reason: String,
}

/// Why nothing is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WishRefusal {
    /// The buyer has no such order.
    NoSuchOrder,
    /// The order has no such line.
    NoSuchLine,
    /// Nothing was paid for the order, or it is not delivered yet.
    NotPaid(OrderState),
    /// All of the line went back before.
    AlreadyRefunded,
    /// The line cost nothing.
    Free,
    /// A request for the line waits already.
    Open(Id<RefundRequest>),
    /// The idempotency key was used for something else.
    KeyReused,
}

/// Why a request stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerdictRefusal {
    /// There is no such request.
    NoSuchRequest,
    /// It was decided otherwise before.
    Decided(RefundRequestState),
    /// Nothing goes back.
    Refund(RefundRefusal),
}

impl Engine {
    /// Asks for what is left of a line, in the buyer's name. Where the vendor grants at once what its policy covers, it is
    /// given back in the same commit.
    pub async fn ask_refund(
        &self,
        buyer: Buyer,
        wish: RefundWish,
        request: Request,
    ) -> Outcome<Answered<RefundRequest>, WishRefusal> {
        let paid = self.paid(wish.order).await?;
        let Some(paid) = paid.filter(|paid| paid.order.is_of(buyer.account)) else {
            return Ok(Err(WishRefusal::NoSuchOrder));
        };
        if !paid.order.is_released() {
            return Ok(Err(WishRefusal::NotPaid(paid.order.state_at(self.now()))));
        }
        let Some(line) = paid.lines.iter().find(|line| line.id == wish.line).cloned() else {
            return Ok(Err(WishRefusal::NoSuchLine));
        };
        let asking = self.asking(buyer, wish, line, &paid, request).await?;
        let vendor = self.vendor().await?;
        let here = self.provider().is_none();
        if vendor.settings.refunds_at_once
            && here
            && let Some(answered) = self.grant_at_once(&asking, paid).await?
        {
            return Ok(Ok(answered));
        }
        let staff = vendor.settings.refunds_at_once && !here;
        match self.submit(asking).await? {
            // At a merchant the provider gives back, and cannot in this commit.
            Ok(Asked::Now { row, begun: false }) if staff && row.covered => {
                match self.accept(Staff::SERVER, &row, LicensePolicy::Revoke, request.id).await {
                    // If it is not given back, it waits for a person, who sees why. The answer says what it says
                    // again later: it was open when it was asked.
                    Ok(Ok(_) | Err(_)) | Err(Fault::Busy | Fault::Away | Fault::Unavailable(_)) => {
                    }
                    Err(fault) => return Err(fault),
                }
                Ok(Ok(Answered::First(row)))
            }
            Ok(Asked::Now { row, .. }) => Ok(Ok(Answered::First(row))),
            Ok(Asked::Before(id)) => Ok(Ok(self.asked_before(id).await?)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    async fn asking(
        &self,
        buyer: Buyer,
        wish: RefundWish,
        line: Line,
        paid: &Paid,
        request: Request,
    ) -> Result<Ask, Fault> {
        let policy = match paid.order.refund_policy {
            Some(policy) => policy,
            None => self.vendor().await?.settings.refund_policy,
        };
        let licenses = paid.licenses.iter().filter(|license| license.line == line.id);
        let licenses: Vec<_> = licenses.map(|license| license.id).collect();
        let id = self.mint()?;
        let about = About::RefundAsked { order: wish.order, request: id };
        let letter = self.staff_letter(about).await?;
        let reason = wish.reason;
        Ok(Ask {
            buyer,
            id,
            lines: paid.lines.clone(),
            line,
            licenses,
            policy,
            reason,
            letter,
            event: self.mint()?,
            request,
        })
    }

    /// Gives back what the policy covers; `None` when it does not (any more), or the request is to be told as before.
    async fn grant_at_once(
        &self,
        asking: &Ask,
        paid: Paid,
    ) -> Result<Option<Answered<RefundRequest>>, Fault> {
        let ask = asking.back(LicensePolicy::Revoke);
        let wish = Cause::AtOnce(Box::new(asking.clone()));
        match self.give_tokens_back(Staff::SERVER, ask, paid, asking.request, wish).await? {
            Ok(Answered::First(_)) => {
                let lost = || Fault::Bug("a request that was granted is gone".into());
                let row = self.store.refund_request(asking.id).await?.ok_or_else(lost)?;
                Ok(Some(Answered::First(row)))
            }
            // The rules of asking say why not, or that it was asked before.
            Ok(Answered::Replayed(_)) | Err(_) => Ok(None),
        }
    }

    async fn asked_before(&self, id: Id<RefundRequest>) -> Result<Answered<RefundRequest>, Fault> {
        let lost = || Fault::Bug("an idempotency key names no request for a refund".into());
        let row = self.store.refund_request(id).await?.ok_or_else(lost)?;
        // At a merchant nothing is granted in the commit that asks, however fast the provider is.
        let merchant = self.provider().is_some();
        Ok(Answered::Replayed(if merchant { row.undecided() } else { row.as_asked() }))
    }

    /// Gives back what a buyer asked for. Doing it again changes nothing.
    pub async fn accept_refund(
        &self,
        by: Staff,
        id: Id<RefundRequest>,
        licenses: LicensePolicy,
        request: RequestId,
    ) -> Outcome<RefundRequest, VerdictRefusal> {
        let Some(row) = self.store.refund_request(id).await? else {
            return Ok(Err(VerdictRefusal::NoSuchRequest));
        };
        match row.state {
            RefundRequestState::Accepted => Ok(Ok(row)),
            RefundRequestState::Declined => Ok(Err(VerdictRefusal::Decided(row.state))),
            RefundRequestState::Open => self.accept(by, &row, licenses, request).await,
        }
    }

    async fn accept(
        &self,
        by: Staff,
        row: &RefundRequest,
        licenses: LicensePolicy,
        request: RequestId,
    ) -> Outcome<RefundRequest, VerdictRefusal> {
        let no_order = Err(VerdictRefusal::Refund(RefundRefusal::NoSuchOrder));
        let Some(paid) = self.paid(row.order).await? else { return Ok(no_order) };
        let lines = vec![(row.line, Share::Rest)];
        let ask = RefundAsk { order: row.order, lines, licenses, reason: row.reason.clone() };
        // No key that a buyer can send has a blank in it.
        let request = Request::new(&format!("refund request {}", row.id), b"accept", request);
        let cause = Cause::Asked(row.id);
        let given = if self.provider().is_some() {
            self.refund_at_provider(by, ask, paid, request, cause).await?
        } else {
            self.give_tokens_back(by, ask, paid, request, cause).await?
        };
        let lost = || Fault::Bug("a request for a refund is gone".into());
        let now = self.store.refund_request(row.id).await?.ok_or_else(lost)?;
        Ok(match given {
            Ok(_) => Ok(now),
            // Somebody was faster.
            Err(_) if now.state == RefundRequestState::Accepted => Ok(now),
            Err(_) if now.state == RefundRequestState::Declined => {
                Err(VerdictRefusal::Decided(now.state))
            }
            Err(refusal) => Err(VerdictRefusal::Refund(refusal)),
        })
    }

    /// Declines what a buyer asked for, with a word. Doing it again changes nothing.
    pub async fn decline_refund(
        &self,
        by: Staff,
        id: Id<RefundRequest>,
        word: String,
    ) -> Outcome<RefundRequest, VerdictRefusal> {
        let Some(row) = self.store.refund_request(id).await? else {
            return Ok(Err(VerdictRefusal::NoSuchRequest));
        };
        let lost = || Fault::Bug("a request for a refund is nobody's".into());
        let account = self.store.account(row.account).await?.ok_or_else(lost)?;
        let about = About::RefundRefused { order: row.order, request: id };
        let letter = self.letter(&account, about).await?;
        let buyer = Buyer { account: account.id, wallet: account.wallet };
        let (note, event) = (self.note(by)?, self.mint()?);
        self.submit(Decline { buyer, order: row.order, id, word, letter, note, event }).await
    }
}

/// Why tokens go back.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// Staff says so.
    Staff,
    /// A buyer has asked, and it waits.
    Asked(Id<RefundRequest>),
    /// A buyer asks, and is given at once what the policy covers.
    AtOnce(Box<Ask>),
}

impl Cause {
    /// Asks for the rows that it depends on.
    pub fn wants(&self, wants: &mut Wants, order: Id<Order>) {
        wants.refund_requests.read((order,));
        if let Self::AtOnce(ask) = self {
            ask.want_opened(wants);
        }
    }

    /// Whether it (still) is one, at `at`.
    pub fn holds(
        &self,
        books: &Books,
        order: &Order,
        at: Timestamp,
    ) -> Result<Result<(), RefundRefusal>, Fault> {
        let all = books.refund_requests.all(&(order.id,))?;
        let refused = match self {
            Self::Staff => false,
            Self::Asked(id) => !all.iter().any(|row| row.id == *id && row.is_open()),
            Self::AtOnce(ask) => {
                let waits = all.iter().any(|row| row.line == ask.line.id && row.is_open());
                waits || ask.is_begun(books)? || !ask.is_covered(books, order, at)?
            }
        };
        Ok(if refused { Err(RefundRefusal::NotAsked) } else { Ok(()) })
    }

    /// The subject that the idempotency key names: what was asked for.
    pub fn names(&self, refund: Id<Refund>) -> scrip_domain::event::Subject {
        match self {
            Self::Staff | Self::Asked(_) => refund.into(),
            Self::AtOnce(ask) => ask.id.into(),
        }
    }

    /// Writes what became of the request that it is.
    pub fn write(&self, changes: &mut Changes, refund: Id<Refund>, at: Timestamp) {
        if let Self::AtOnce(ask) = self {
            let row = ask.row(true, at).accepted(refund, at);
            tell(changes, ask.event, EventType::RefundRequestAccepted, &row, at);
            changes.refund_requests.push(Change::Insert(row));
        }
    }
}

/// Accepts the open requests of an order's lines of which `refund` has left nothing. `events` has a name for each line: of
/// one, one is open at most.
pub(crate) fn accept_asked(
    books: &Books,
    changes: &mut Changes,
    (lines, events): (&[Line], &[Id<Event>]),
    left: &[Extent],
    refund: Id<Refund>,
    at: Timestamp,
) -> Result<(), Fault> {
    let all = lines.iter().zip(left).zip(events);
    for ((line, _), event) in all.filter(|((_, left), _)| left.is_empty()) {
        let all = books.refund_requests.all(&(line.order,))?;
        if let Some(row) = all.iter().find(|row| row.line == line.id && row.is_open()) {
            let accepted = row.clone().accepted(refund, at);
            tell(changes, *event, EventType::RefundRequestAccepted, &accepted, at);
            changes.refund_requests.push(Change::Update(accepted));
        }
    }
    Ok(())
}

fn tell(
    changes: &mut Changes,
    event: Id<Event>,
    kind: EventType,
    row: &RefundRequest,
    at: Timestamp,
) {
    event::tell(changes, Event::new(event, kind, row.account, row.id.into(), at));
}

/// What the command answers: the request, with whether a download has begun, or the name of the one that the same key made before.
pub(crate) enum Asked {
    Now { row: RefundRequest, begun: bool },
    Before(Id<RefundRequest>),
}

/// A buyer asks. Lines and licenses of a paid order never change in number, so they are looked up before.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    buyer: Buyer,
    id: Id<RefundRequest>,
    lines: Vec<Line>,
    line: Line,
    licenses: Vec<Id<License>>,
    policy: RefundPolicy,
    reason: String,
    letter: Option<Letter>,
    event: Id<Event>,
    request: Request,
}

impl Ask {
    fn back(&self, licenses: LicensePolicy) -> RefundAsk {
        let lines = vec![(self.line.id, Share::Rest)];
        RefundAsk { order: self.line.order, lines, licenses, reason: self.reason.clone() }
    }

    fn want_opened(&self, wants: &mut Wants) {
        for license in &self.licenses {
            // Its guard: nothing is activated or counted beside it.
            wants.licenses.guard((*license,));
            wants.usages.read((*license,));
            wants.downloads.read((*license,));
            wants.started_tickets.read((*license,));
        }
    }

    /// Whether a download of it has begun: if it is covered, somebody looks before it is given back.
    fn is_begun(&self, books: &Books) -> Result<bool, Fault> {
        let mut begun = false;
        for license in &self.licenses {
            begun |= !books.started_tickets.all(&(*license,))?.is_empty();
        }
        Ok(begun)
    }

    /// Whether the policy covers it at `at`.
    fn is_covered(&self, books: &Books, order: &Order, at: Timestamp) -> Result<bool, Fault> {
        // What was added to a license is put to use at once.
        let mut opened = self.line.extends.is_some();
        for license in &self.licenses {
            opened |= !books.downloads.all(&(*license,))?.is_empty();
            opened |= books.usages.get(&(*license,))?.is_some_and(|usage| {
                usage.machines > 0 || usage.used > 0 || usage.leased > 0 || usage.moves > 0
            });
        }
        Ok(order.paid_at.is_some_and(|paid| self.policy.covers(paid, opened, at)))
    }

    fn row(&self, covered: bool, at: Timestamp) -> RefundRequest {
        RefundRequest {
            order: self.line.order,
            id: self.id,
            line: self.line.id,
            account: self.buyer.account,
            state: RefundRequestState::Open,
            covered,
            reason: self.reason.clone(),
            word: None,
            refund: None,
            at,
            decided_at: None,
        }
    }

    /// Why nothing can be asked for, by what went back before.
    fn refused(
        &self,
        before: &[RefundLine],
        asked: &[RefundRequest],
    ) -> Result<Option<WishRefusal>, Fault> {
        let left = left_of(&self.lines, before)?;
        let all = self.lines.iter().zip(&left);
        let left = all.into_iter().find(|(line, _)| line.id == self.line.id).map(|(_, left)| *left);
        let waits = asked.iter().find(|row| row.line == self.line.id && row.is_open());
        Ok(match (left, waits) {
            (None, _) => Some(WishRefusal::NoSuchLine),
            (_, Some(row)) => Some(WishRefusal::Open(row.id)),
            (Some(left), None) if left.is_empty() => Some(WishRefusal::AlreadyRefunded),
            (Some(left), None) if left.amount.is_zero() => Some(WishRefusal::Free),
            (Some(_), None) => None,
        })
    }
}

impl Command for Ask {
    type Receipt = Asked;
    type Refusal = WishRefusal;

    fn wants(&self, wants: &mut Wants) {
        let order = self.line.order;
        wants.wallets.guard((self.buyer.wallet,));
        wants.orders.guard((order,));
        wants.by_account.read((self.buyer.account, index::REQUEST, self.request.key));
        wants.refund_lines.read((order,));
        wants.refund_requests.read((order,));
        self.want_opened(wants);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Asked, WishRefusal>, Fault> {
        let (account, id) = (self.buyer.account, (self.line.order,));
        if let Some(entry) = books.by_account.get(&(account, index::REQUEST, self.request.key))? {
            return Ok(match Id::new(entry.target) {
                Some(id) if entry.note == self.request.fingerprint => {
                    Decision::done(Asked::Before(id), Changes::default())
                }
                _ => Decision::refused(WishRefusal::KeyReused),
            });
        }
        let order = books.orders.get(&id)?.filter(|order| order.is_of(account));
        let Some(order) = order else { return Ok(Decision::refused(WishRefusal::NoSuchOrder)) };
        if !order.is_released() {
            return Ok(Decision::refused(WishRefusal::NotPaid(order.state_at(at))));
        }
        let before = books.refund_lines.all(&id)?;
        if let Some(refusal) = self.refused(before, books.refund_requests.all(&id)?)? {
            return Ok(Decision::refused(refusal));
        }
        // From here on it is asked.
        let row = self.row(self.is_covered(books, order, at)?, at);
        let mut changes = Changes::default();
        let entry = Entry::request(account, self.request, row.id.into());
        changes.by_account.push(Change::Insert(entry));
        changes.letters.extend(self.letter.clone().map(Change::Insert));
        tell(&mut changes, self.event, EventType::RefundRequestOpened, &row, at);
        changes.refund_requests.push(Change::Insert(row.clone()));
        Ok(Decision::done(Asked::Now { row, begun: self.is_begun(books)? }, changes))
    }
}

struct Decline {
    buyer: Buyer,
    order: Id<Order>,
    id: Id<RefundRequest>,
    word: String,
    letter: Option<Letter>,
    note: Note,
    event: Id<Event>,
}

impl Command for Decline {
    type Receipt = RefundRequest;
    type Refusal = VerdictRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.orders.guard((self.order,));
        wants.checkouts.read((self.order,));
        wants.refund_requests.read((self.order,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<RefundRequest, VerdictRefusal>, Fault> {
        let all = books.refund_requests.all(&(self.order,))?;
        let Some(row) = all.iter().find(|row| row.id == self.id) else {
            return Ok(Decision::refused(VerdictRefusal::NoSuchRequest));
        };
        let mut changes = Changes::default();
        match row.state {
            RefundRequestState::Open => {}
            RefundRequestState::Declined => return Ok(Decision::done(row.clone(), changes)),
            RefundRequestState::Accepted => {
                return Ok(Decision::refused(VerdictRefusal::Decided(row.state)));
            }
        }
        // The provider is being asked for something of the order: its answer may accept this.
        if books.checkouts.get(&(self.order,))?.is_some_and(|checkout| checkout.refund.is_some()) {
            return Err(Fault::Away);
        }
        let declined = row.clone().declined(self.word.clone(), at);
        let what = json!({ "order": self.order, "word": { "to": self.word } });
        self.note.write(&mut changes, Act::RefundDeclined, self.id, what, at);
        changes.letters.extend(self.letter.clone().map(Change::Insert));
        tell(&mut changes, self.event, EventType::RefundRequestDeclined, &declined, at);
        changes.refund_requests.push(Change::Update(declined.clone()));
        Ok(Decision::done(declined, changes))
    }
}
