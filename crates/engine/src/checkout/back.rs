//! Giving back at a merchant: the tokens are at the provider, so it is asked, and its signed word is booked.
//!
//! ```text
//! paid ──asked: one command writes what is to go back──▶ refund_pending ──the provider's refund──▶ partially_refunded, refunded
//!                                                            └──refused──▶ as before
//! ```
//! What goes back of which line is decided here, once, before the provider is asked; so a lost answer changes nothing. What
//! the provider's own people give back is spread over the lines, and ends licenses only when nothing is left. If it took
//! what was asked for of a line, before the provider heard of that, what was asked for is spread as well.

use scrip_domain::audit::{Act, Actor};
use scrip_domain::checkout::{Checkout, PendingLine, PendingRefund};
use scrip_domain::document::Refunding;
use scrip_domain::event::{Event, EventType};
use scrip_domain::license::License;
use scrip_domain::order::{Line, Order, OrderState};
use scrip_domain::refund::{self, Extent, LicensePolicy, Refund, RefundLine, Share};
use scrip_domain::request::Request;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use super::drive::Came;
use super::seen::Minted;
use crate::audit::{Note, Staff, difference};
use crate::license::want_listed;
use crate::purchase::{Answered, Paid};
use crate::refund::{
    RefundAsk, RefundRefusal, Refunded, end_licenses, left_of, licenses_back, lines_back,
};
use crate::refund_request::{Cause, accept_asked};
use crate::{Engine, Outcome};

impl Engine {
    /// Asks the provider to give tokens of an order back. Busy while it has not answered.
    pub(crate) async fn refund_at_provider(
        &self,
        by: Staff,
        ask: RefundAsk,
        paid: Paid,
        request: Request,
        cause: Cause,
    ) -> Outcome<Answered<Refunded>, RefundRefusal> {
        let no_account = || Fault::Bug("an order that was paid is nobody's".into());
        let order = paid.order.id;
        let asked = self.mint_many(paid.lines.len())?;
        let command = AskBack {
            account: paid.order.account.ok_or_else(no_account)?,
            id: self.mint()?,
            note: self.note(by)?,
            event: self.mint()?,
            asked,
            licenses: paid.licenses,
            lines: paid.lines,
            ask,
            by,
            request,
            cause,
        };
        let (id, first) = match self.submit(command).await? {
            Ok(Asked::Now(id) | Asked::Waiting(id)) => (id, true),
            Ok(Asked::Before(id)) => (id, false),
            Err(refusal) => return Ok(Err(refusal)),
        };
        if first {
            self.drive(order, Came::Unasked).await?;
        }
        let all = self.refunds_of(order).await?;
        if let Some(refunded) = all.into_iter().find(|refunded| refunded.refund.id == id) {
            let answer = if first { Answered::First } else { Answered::Replayed };
            return Ok(Ok(answer(refunded)));
        }
        let checkout = self.store.checkout(order).await?;
        let waits =
            |checkout: &Checkout| checkout.refund.as_ref().is_some_and(|refund| refund.id == id);
        if checkout.as_ref().is_some_and(waits) {
            return Err(Fault::Away);
        }
        let code = checkout.and_then(|checkout| checkout.reason).unwrap_or_default();
        Ok(Err(if code == "already_refunded" {
            RefundRefusal::AlreadyRefunded(None)
        } else {
            RefundRefusal::ProviderRefused(code)
        }))
    }
}

/// What the command answers.
enum Asked {
    /// The provider is to be asked.
    Now(Id<Refund>),
    /// It is being asked already, by the same request.
    Waiting(Id<Refund>),
    /// It gave back before.
    Before(Id<Refund>),
}

struct AskBack {
    account: Id<scrip_domain::account::Account>,
    id: Id<Refund>,
    note: Note,
    event: Id<Event>,
    /// Tell of requests that it accepts: one for each line.
    asked: Vec<Id<Event>>,
    licenses: Vec<License>,
    lines: Vec<Line>,
    ask: RefundAsk,
    by: Staff,
    request: Request,
    cause: Cause,
}

impl Command for AskBack {
    type Receipt = Asked;
    type Refusal = RefundRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.orders.guard((self.ask.order,));
        wants.checkouts.read((self.ask.order,));
        wants.refund_lines.read((self.ask.order,));
        wants.by_account.read((self.account, index::REQUEST, self.request.key));
        for license in &self.licenses {
            wants.licenses.guard((license.id,));
            want_listed(wants, license);
        }
        self.cause.wants(wants, self.ask.order);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Asked, RefundRefusal>, Fault> {
        let request = self.request;
        let key = (self.account, index::REQUEST, request.key);
        if let Some(entry) = books.by_account.get(&key)? {
            return Ok(match Id::new(entry.target) {
                Some(id) if entry.note == request.fingerprint => {
                    Decision::done(Asked::Before(id), Changes::default())
                }
                _ => Decision::refused(RefundRefusal::KeyReused),
            });
        }
        let id = (self.ask.order,);
        let (Some(order), Some(checkout)) = (books.orders.get(&id)?, books.checkouts.get(&id)?)
        else {
            return Ok(Decision::refused(RefundRefusal::NoSuchOrder));
        };
        if let Some(pending) = &checkout.refund {
            return match pending {
                same if same.key == request.key && same.fingerprint == request.fingerprint => {
                    Ok(Decision::done(Asked::Waiting(same.id), Changes::default()))
                }
                same if same.key == request.key => Ok(Decision::refused(RefundRefusal::KeyReused)),
                // One after the other: the provider's answer says what is left.
                _ => Err(Fault::Away),
            };
        }
        if !order.is_released() {
            return Ok(Decision::refused(RefundRefusal::NotPaid(order.state_at(at))));
        }
        if let Err(refusal) = self.cause.holds(books, order, at)? {
            return Ok(Decision::refused(refusal));
        }
        let left = left_of(&self.lines, books.refund_lines.all(&id)?)?;
        let lines = match lines_back(self.id, &self.ask, &self.lines, &left) {
            Ok(lines) => lines,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let amount = Amount::try_sum(lines.iter().map(|line| line.amount));
        let amount = amount.ok_or_else(|| Fault::Bug("an order cost too much".into()))?;
        if amount.is_zero() {
            return self.for_nothing(books, order, &lines, at);
        }
        // From here on the provider is asked.
        let refund = PendingRefund {
            id: self.id,
            lines: lines.iter().map(PendingLine::from).collect(),
            amount,
            licenses: self.ask.licenses,
            reason: self.ask.reason.clone(),
            actor: self.by.actor().to_string(),
            request_id: request.id,
            key: request.key,
            fingerprint: request.fingerprint,
        };
        let mut changes = Changes::default();
        let state = OrderState::RefundPending;
        changes.orders.push(Change::Update(Order { state, ..order.clone() }));
        changes.checkouts.push(Change::Update(Checkout {
            refund: Some(refund),
            reason: None,
            attempts: 0,
            due_at: Some(at.plus(Checkout::patience(state, 1))),
            ..checkout.clone()
        }));
        Ok(Decision::done(Asked::Now(self.id), changes))
    }
}

impl AskBack {
    /// Units that cost nothing go back without a token, so that there is nothing to ask the provider.
    fn for_nothing(
        &self,
        books: &Books,
        order: &Order,
        back: &[RefundLine],
        at: Timestamp,
    ) -> Result<Decision<Asked, RefundRefusal>, Fault> {
        let giving = Giving {
            id: self.id,
            lines: back.iter().map(PendingLine::from).collect(),
            amount: Some(Amount::ZERO),
            licenses: self.ask.licenses,
            reason: self.ask.reason.clone(),
            asked: Some((self.note, self.request)),
            events: self.asked.clone(),
        };
        let licenses: Vec<_> = self.licenses.iter().map(|license| license.id).collect();
        let before = books.refund_lines.all(&(order.id,))?;
        let desk = (&self.lines[..], &licenses[..], before);
        let mut changes = Changes::default();
        let state = give_back(books, &mut changes, order, desk, &giving, at)?;
        changes.orders.push(Change::Update(Order { state, ..order.clone() }));
        let (id, kind, subject) = (self.event, EventType::OrderRefunded, order.id.into());
        let account = self.account;
        crate::event::tell(&mut changes, Event::new(id, kind, account, subject, at));
        Ok(Decision::done(Asked::Now(self.id), changes))
    }
}

/// What goes back of an order, as it is to be booked.
pub(super) struct Giving {
    id: Id<Refund>,
    /// Which lines; none where only an amount is told.
    lines: Vec<PendingLine>,
    /// How much; none for all that is left.
    amount: Option<Amount>,
    licenses: LicensePolicy,
    reason: String,
    /// Who asked for it here, with which request.
    asked: Option<(Note, Request)>,
    /// Tell of buyers' requests that it accepts: one for each line.
    events: Vec<Id<Event>>,
}

impl Giving {
    /// All of an order that was never delivered.
    pub fn all(reason: &str, minted: &Minted) -> Self {
        let licenses = LicensePolicy::Revoke;
        let (id, lines, reason) = (minted.refund, Vec::new(), reason.to_owned());
        let events = minted.asked.clone();
        Self { id, lines, amount: None, licenses, reason, asked: None, events }
    }

    /// What was asked for here.
    pub fn asked(asked: PendingRefund, minted: &Minted) -> Self {
        let actor = asked.actor.parse().unwrap_or(Actor::Operator);
        let PendingRefund { key, fingerprint, request_id: id, .. } = asked;
        let note = Note::of(minted.note, Staff::new(actor, id));
        Self {
            id: asked.id,
            lines: asked.lines,
            amount: Some(asked.amount),
            licenses: asked.licenses,
            reason: asked.reason,
            asked: Some((note, Request { key, fingerprint, id })),
            events: minted.asked.clone(),
        }
    }

    /// What was given back without being asked for here.
    pub fn elsewhere(read: &Refunding, minted: &Minted) -> Self {
        Self { amount: Some(read.amount), ..Self::all(&read.reason, minted) }
    }
}

/// Books what went back, and gives the order's state after it. `desk` is the order's lines, its licenses, and what went back
/// of it before.
pub(super) fn give_back(
    books: &Books,
    changes: &mut Changes,
    order: &Order,
    desk: (&[Line], &[Id<License>], &[RefundLine]),
    giving: &Giving,
    at: Timestamp,
) -> Result<OrderState, Fault> {
    let (lines, licenses, before) = desk;
    let left = left_of(lines, before)?;
    let back = rows(order.id, lines, &left, giving)?;
    let after = left_of(lines, &[before, &back].concat())?;
    let state = refund::state_after(&after);
    // Nobody here said what becomes of the licenses: they end with the last token.
    let policy = match (&giving.asked, state) {
        (None, OrderState::PartiallyRefunded) => LicensePolicy::Keep,
        _ => giving.licenses,
    };
    let ended = licenses_back(books, licenses, policy, &back)?;
    let amount = Amount::try_sum(back.iter().map(|row| row.amount));
    let amount = amount.ok_or_else(|| Fault::Bug("an order cost too much".into()))?;
    let refund = Refund {
        order: order.id,
        id: giving.id,
        transfer: None,
        amount,
        licenses: policy,
        reason: giving.reason.clone(),
        at,
    };
    // From here on it is booked.
    end_licenses(books, changes, &ended, at)?;
    if let (Some((note, request)), Some(account)) = (giving.asked, order.account) {
        changes.by_account.push(Change::Insert(Entry::request(account, request, refund.id.into())));
        let what = json!({ "refund": refund.id, "amount": amount, "licenses": policy, "reason": refund.reason });
        let what = difference(&serde_json::Value::Null, &what);
        note.write(changes, Act::OrderRefunded, order.id, what, at);
    }
    accept_asked(books, changes, (lines, &giving.events), &after, refund.id, at)?;
    changes.refunds.push(Change::Insert(refund));
    changes.refund_lines.extend(back.into_iter().map(Change::Insert));
    Ok(state)
}

/// What goes back of which line.
fn rows(
    order: Id<Order>,
    lines: &[Line],
    left: &[Extent],
    giving: &Giving,
) -> Result<Vec<RefundLine>, Fault> {
    let refund = giving.id;
    let row = |line, extent: Extent| {
        let Extent { quantity, amount } = extent;
        RefundLine { order, refund, line, quantity, amount }
    };
    let fits = |asked: &PendingLine| {
        let left = lines.iter().zip(left).find(|(line, _)| line.id == asked.line);
        left.is_some_and(|(_, left)| asked.quantity <= left.quantity && asked.amount <= left.amount)
    };
    if !giving.lines.is_empty() && giving.lines.iter().all(fits) {
        let of = |asked: &PendingLine| {
            let PendingLine { line, quantity, amount } = *asked;
            row(line, Extent { quantity, amount })
        };
        return Ok(giving.lines.iter().map(of).collect());
    }
    let all = Amount::try_sum(left.iter().map(|left| left.amount));
    let mut due = match giving.amount {
        Some(amount) if Some(amount) != all => amount,
        // All that is left, units without a price among it.
        _ => {
            let some = lines.iter().zip(left).filter(|(_, left)| !left.is_empty());
            return Ok(some.map(|(line, left)| row(line.id, *left)).collect());
        }
    };
    let mut rows = Vec::new();
    let more = || Fault::Bug("more went back than was left of an order".into());
    for (line, left) in lines.iter().zip(left) {
        let part = due.min(left.amount);
        if !part.is_zero() {
            let whole = Extent::of(line).ok_or_else(more)?;
            let extent = left.take(Share::Amount(part), whole).map_err(|_| more())?;
            due = due.checked_sub(part).ok_or_else(more)?;
            rows.push(row(line.id, extent));
        }
    }
    if due.is_zero() { Ok(rows) } else { Err(more()) }
}
