//! What was seen of a purchase request moves its order: one command for every source and order of news.
//!
//! ```text
//! picture ─▶ confirmation? authorized, and whose it is ─▶ receipt? captured, codes made and withheld ─▶
//!            last word? paid and released, or refunded ─▶ refunds? booked ─▶ over at the provider? over here
//! ```
//! A visitor's order is anybody's until the confirmation says whose it is. What they own for good, or have tried, or another
//! order is about to deliver to them, is not sold to them then either: the order is authorized with that reason, the provider
//! lets go of the tokens instead of being asked for them, and the order ends as declined. From being authorized until its codes
//! are out, or never will be, what an order sells is listed as promised.
//!
//! Each step is taken once: the document that it rests on is kept in the same commit. A picture that was seen before changes
//! nothing, and one that is older than what is known cannot undo it.

use scrip_domain::account::Account;
use scrip_domain::checkout::Checkout;
use scrip_domain::document::{Decided, GivenBackBy, Outcome};
use scrip_domain::event::{Event, EventType};
use scrip_domain::license::{License, LicenseState};
use scrip_domain::order::{Line, Order, OrderState};
use scrip_domain::purchase_request::RequestState;
use scrip_domain::refund::{Refund, RefundLine};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::Stale;
use super::back::{Giving, give_back};
use super::documents::Believed;
use super::drive::{Came, tell};
use crate::identity::{Guest, TRIES};
use crate::license::{change, remind, wanted};
use crate::provider::Picture;
use crate::purchase::{already_owned, trial_used, want_owned};
use crate::{Engine, event};

impl Engine {
    /// Books a picture of an order's request, if it is to be believed.
    pub(super) async fn saw(
        &self,
        order: Id<Order>,
        picture: Picture,
        came: Came,
    ) -> Result<(), Fault> {
        for _ in 0..TRIES {
            let Some((before, checkout)) = self.order_and_checkout(order).await? else {
                return Ok(());
            };
            let licenses = self.store.licenses_of_orders(&[order]).await?;
            let believed = self.believe(&before, &checkout, &licenses, picture.clone()).await?;
            let believed = match believed {
                Ok(believed) => believed,
                Err(error) => {
                    tell(order, &error);
                    return self.later(order, came).await;
                }
            };
            let lines = self.store.order_lines(order).await?;
            let subject =
                believed.confirmation.as_ref().and_then(|(_, read)| read.subject.as_deref());
            let guest = match subject {
                Some(subject) => Some(self.guest(&checkout.provider, subject).await?),
                None => None,
            };
            let units = lines.iter().filter_map(|line| usize::try_from(line.quantity).ok()).sum();
            let minted = Minted {
                licenses: self.mint_many(units)?,
                refund: self.mint()?,
                event: self.mint()?,
                issued: self.mint_many(units)?,
                asked: self.mint_many(lines.len())?,
                kid: self.license_kid()?,
                note: self.mint()?,
            };
            let seen = Seen { before, checkout, lines, licenses, believed, guest, came, minted };
            if self.submit(seen).await?.is_ok() {
                return Ok(());
            }
        }
        Err(Fault::Conflict)
    }
}

/// The ids that a picture can need, and the key that will sign its codes.
pub(super) struct Minted {
    licenses: Vec<Id<License>>,
    pub refund: Id<Refund>,
    event: Id<Event>,
    /// Tell of the licenses, after that. Their own numbers are from when they were made, which can be long before they are
    /// handed out, and an event's place is looked for near its name.
    issued: Vec<Id<Event>>,
    /// Tell of buyers' requests for refunds that are accepted: one for each line.
    pub asked: Vec<Id<Event>>,
    kid: String,
    pub note: Id<scrip_domain::audit::Audit>,
}

/// Order, checkout, lines and licenses as they were when the picture was read: it is decided on nothing else.
struct Seen {
    before: Order,
    checkout: Checkout,
    lines: Vec<Line>,
    licenses: Vec<License>,
    believed: Believed,
    guest: Option<Guest>,
    came: Came,
    minted: Minted,
}

/// The rows as they become.
struct Becoming {
    order: Order,
    checkout: Checkout,
    changes: Changes,
    event: Option<EventType>,
}

impl Command for Seen {
    type Receipt = ();
    type Refusal = Stale;

    fn wants(&self, wants: &mut Wants) {
        let order = self.before.id;
        wants.orders.guard((order,));
        wants.checkouts.read((order,));
        wants.refunds.read((order,));
        wants.refund_lines.read((order,));
        wants.refund_requests.read((order,));
        if let Some(guest) = &self.guest {
            guest.wants(wants);
            let products = self.lines.iter().map(|line| line.product);
            want_owned(wants, guest.account(), products);
        }
        for account in
            self.before.account.into_iter().chain(self.guest.as_ref().map(Guest::account))
        {
            for entry in self.promises(account) {
                wants.by_account.read((account, index::PROMISED, entry.key));
            }
        }
        for license in &self.licenses {
            wants.licenses.guard((license.id,));
            remind::want(wants, license);
            let (account, product) = (license.account, license.product.number());
            wants.by_account.read((account, index::OWNED, product));
            wants.by_account.read((account, index::LICENSED, product));
        }
        if let Some(account) = self.before.account {
            wants.by_account.read((account, index::ORDER, order.number()));
        }
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Stale>, Fault> {
        let id = (self.before.id,);
        let (Some(order), Some(checkout)) = (books.orders.get(&id)?, books.checkouts.get(&id)?)
        else {
            return Ok(Decision::refused(Stale));
        };
        // When it is due, and how often it was asked, is no news.
        let known = Checkout {
            due_at: checkout.due_at,
            attempts: checkout.attempts,
            ..self.checkout.clone()
        };
        if *order != self.before || *checkout != known {
            return Ok(Decision::refused(Stale));
        }
        let (changes, event) = (Changes::default(), None);
        let mut now = Becoming { order: order.clone(), checkout: known, changes, event };
        if self.confirmed(books, &mut now, at)? == Err(Stale) {
            return Ok(Decision::refused(Stale));
        }
        self.captured(&mut now, at)?;
        self.settled(books, &mut now, at)?;
        self.given_back(books, &mut now, at)?;
        self.over(&mut now);
        self.promise(books, &mut now)?;
        Ok(Decision::done((), self.written(checkout, now, at)))
    }
}

impl Seen {
    /// Somebody has decided: the order is theirs, and the tokens are held, or it comes to nothing.
    fn confirmed(
        &self,
        books: &Books,
        now: &mut Becoming,
        at: Timestamp,
    ) -> Result<Result<(), Stale>, Fault> {
        let waits = matches!(now.order.state, OrderState::Open | OrderState::Claimed);
        let Some((text, read)) = self.believed.confirmation.as_ref().filter(|_| waits) else {
            return Ok(Ok(()));
        };
        if let Some(guest) = &self.guest {
            match guest.admit(books, &mut now.changes, None, at)? {
                Ok(account) => self.belong(now, account),
                Err(Stale) => return Ok(Err(Stale)),
            }
        }
        now.checkout.confirmation = Some(text.clone());
        now.checkout.subject.clone_from(&read.subject);
        match read.decision {
            Decided::Approved => {
                now.order.state = OrderState::Authorized;
                now.checkout.reason = self.not_sold(books)?.map(str::to_owned);
            }
            Decided::Declined => {
                now.order.state = OrderState::Declined;
                let reason = read.reason.as_deref().unwrap_or("declined");
                now.checkout.reason = Some(reason.to_owned());
                now.event = Some(EventType::OrderDeclined);
            }
        }
        Ok(Ok(()))
    }

    /// Why whoever has confirmed is not sold this, so that the tokens are not taken.
    fn not_sold(&self, books: &Books) -> Result<Option<&'static str>, Fault> {
        // What was taken before, as after a restore from a backup, is delivered.
        let due = self.guest.as_ref().filter(|_| self.believed.receipt.is_none());
        let Some(account) = due.map(Guest::account) else { return Ok(None) };
        let owned = already_owned(books, account, &self.lines)?.is_some();
        if !self.before.again && (owned || self.promised(books, account, 0)?) {
            return Ok(Some("already_owned"));
        }
        let tried = trial_used(books, account, &self.lines)?.is_some();
        let tried = tried || self.promised(books, account, index::TRIAL)?;
        Ok(tried.then_some("trial_used"))
    }

    /// What the order promises to whoever has confirmed it.
    fn promises(&self, account: Id<Account>) -> impl Iterator<Item = Entry> {
        self.lines.iter().filter_map(move |line| Entry::promised(account, line))
    }

    /// Whether another order promises them the same.
    fn promised(&self, books: &Books, account: Id<Account>, note: u64) -> Result<bool, Fault> {
        for entry in self.promises(account).filter(|entry| entry.note == note) {
            let others = books.by_account.all(&(account, index::PROMISED, entry.key))?;
            if others.iter().any(|other| other.note == note) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Lists what the order promises once it does, and no longer than that.
    fn promise(&self, books: &Books, now: &mut Becoming) -> Result<(), Fault> {
        let open = |order: &Order, checkout: &Checkout| {
            matches!(order.state, OrderState::Authorized | OrderState::Captured)
                && checkout.reason.is_none()
        };
        let before = open(&self.before, &self.checkout);
        let after = open(&now.order, &now.checkout);
        let Some(account) = now.order.account.filter(|_| before != after) else { return Ok(()) };
        for entry in self.promises(account) {
            if after {
                now.changes.by_account.push(Change::Insert(entry));
            // A server of the version before lists none, and may have booked the hold.
            } else if books.by_account.all(&(account, index::PROMISED, entry.key))?.contains(&entry)
            {
                now.changes.by_account.push(Change::Delete(entry));
            }
        }
        Ok(())
    }

    /// The order belongs to whoever decided, not to the browser that opened it.
    fn belong(&self, now: &mut Becoming, account: Id<Account>) {
        let order = self.before.id;
        if now.order.account == Some(account) {
            return;
        }
        if let Some(former) = now.order.account {
            now.changes.by_account.push(Change::Delete(Entry::order(former, order)));
        }
        now.changes.by_account.push(Change::Insert(Entry::order(account, order)));
        now.order.account = Some(account);
    }

    /// The provider has taken the tokens: the codes are made, and withheld.
    fn captured(&self, now: &mut Becoming, at: Timestamp) -> Result<(), Fault> {
        let due = now.order.state == OrderState::Authorized;
        let Some((text, _)) = self.believed.receipt.as_ref().filter(|_| due) else {
            return Ok(());
        };
        let whose = || Fault::Bug("an order that is confirmed is nobody's".into());
        let account = now.order.account.ok_or_else(whose)?;
        now.checkout.receipt = Some(text.clone());
        now.order.state = OrderState::Captured;
        let mut ids = self.minted.licenses.iter();
        let too_few = || Fault::Bug("too few license ids were minted".into());
        for line in &self.lines {
            for _ in 0..line.quantity {
                let (id, kid) = (*ids.next().ok_or_else(too_few)?, self.minted.kid.clone());
                let license = License::first_issue(id, line, account, kid, at);
                let license = License { state: LicenseState::Withheld, ..license };
                now.changes.by_account.push(Change::Insert(Entry::of_license(&license)));
                now.changes.licenses.push(Change::Insert(license));
            }
        }
        Ok(())
    }

    /// The provider has had its last word: the codes are the buyer's, or are nobody's for ever.
    fn settled(&self, books: &Books, now: &mut Becoming, at: Timestamp) -> Result<(), Fault> {
        let due = self.before.state == OrderState::Captured;
        let Some((text, read)) = self.believed.fulfilment.as_ref().filter(|_| due) else {
            return Ok(());
        };
        now.checkout.fulfilment = Some(text.clone());
        match read.outcome {
            Outcome::Fulfilled => {
                now.order.state = OrderState::Paid;
                now.order.paid_at = Some(at);
                now.event = Some(EventType::OrderPaid);
                // From now on its codes are their owner's, and what is perpetual is owned.
                let mut issued = self.minted.issued.iter();
                let too_few = || Fault::Bug("too few names of events were minted".into());
                for license in &self.licenses {
                    let license = wanted(books, license.id)?;
                    let released = License { state: LicenseState::Valid, ..license.clone() };
                    let id = *issued.next().ok_or_else(too_few)?;
                    event::issued(&mut now.changes, id, &released, at);
                    change(books, &mut now.changes, license, released, at)?;
                }
            }
            Outcome::AlreadyRefunded => {
                now.event = Some(EventType::OrderRefunded);
                now.checkout.reason = Some("already_refunded".to_owned());
                let why = self.believed.refunds.last();
                let why = why.map_or("not delivered in time", |(_, read)| read.reason.as_str());
                now.checkout.refunds = self.texts();
                let giving = Giving::all(why, &self.minted);
                let state = self.book(books, now, &giving, at)?;
                now.order.state = state;
            }
        }
        Ok(())
    }

    fn texts(&self) -> Vec<String> {
        self.believed.refunds.iter().map(|(text, _)| text.clone()).collect()
    }

    /// Books what went back of a delivered order since it was last looked at.
    fn given_back(&self, books: &Books, now: &mut Becoming, at: Timestamp) -> Result<(), Fault> {
        let delivered = self.before.is_released();
        let new = self.believed.refunds.get(self.checkout.refunds.len()..).unwrap_or_default();
        // One at a time: each changes what is left for the next, which is asked for at once.
        let Some((text, read)) = new.first().filter(|_| delivered) else { return Ok(()) };
        now.checkout.refunds.push(text.clone());
        now.event = Some(EventType::OrderRefunded);
        let ours = now
            .checkout
            .refund
            .take_if(|asked| read.by == GivenBackBy::Merchant && asked.amount == read.amount);
        let giving = match ours {
            Some(asked) => Giving::asked(asked, &self.minted),
            None => Giving::elsewhere(read, &self.minted),
        };
        let state = self.book(books, now, &giving, at)?;
        let waits = now.checkout.refund.is_some() && state != OrderState::Refunded;
        now.order.state = if waits { OrderState::RefundPending } else { state };
        if !waits {
            now.checkout.refund = None;
        }
        Ok(())
    }

    fn book(
        &self,
        books: &Books,
        now: &mut Becoming,
        giving: &Giving,
        at: Timestamp,
    ) -> Result<OrderState, Fault> {
        let before: Vec<RefundLine> = books.refund_lines.all(&(self.before.id,))?.to_vec();
        let licenses: Vec<_> = self.licenses.iter().map(|license| license.id).collect();
        let desk = (&self.lines[..], &licenses[..], &before[..]);
        give_back(books, &mut now.changes, &now.order, desk, giving, at)
    }

    /// It is over at the provider, without a document that says more.
    fn over(&self, now: &mut Becoming) {
        let before = matches!(now.order.state, OrderState::Open | OrderState::Claimed);
        let held = now.order.state == OrderState::Authorized;
        if held && now.checkout.reason.is_some() && self.believed.state == RequestState::Voided {
            now.order.state = OrderState::Declined;
            now.event = Some(EventType::OrderDeclined);
            return;
        }
        let (state, reason) = match self.believed.state {
            RequestState::Open if before => (OrderState::Open, None),
            RequestState::Claimed if before => (OrderState::Claimed, None),
            RequestState::Expired if before => (OrderState::Expired, Some("not_confirmed")),
            RequestState::Cancelled if before => (OrderState::Cancelled, Some("cancelled")),
            RequestState::Voided if before || held => {
                if self.came == Came::Cancelling {
                    (OrderState::Cancelled, Some("cancelled"))
                } else {
                    (OrderState::Expired, Some("hold_expired"))
                }
            }
            _ => return,
        };
        now.order.state = state;
        if let Some(reason) = reason {
            now.checkout.reason = Some(reason.to_owned());
        }
    }

    /// The changes, with the errand as it goes on: at once after a step, later without one, not at all at the end.
    fn written(&self, known: &Checkout, now: Becoming, at: Timestamp) -> Changes {
        let Becoming { order, mut checkout, mut changes, event } = now;
        let more = self.believed.refunds.len() > checkout.refunds.len() && order.is_released();
        let moved = order.state != self.before.state || more;
        let asked = self.came == Came::OnErrand;
        if moved {
            checkout.attempts = 0;
        } else if asked {
            checkout.attempts = known.attempts.saturating_add(1);
        }
        if moved || asked {
            let call = checkout.next_call(order.state, at, order.paid_at);
            let wait = if more {
                scrip_domain::Span::millis(0)
            } else {
                Checkout::patience(order.state, checkout.attempts)
            };
            checkout.due_at = call.map(|_| at.plus(wait));
        }
        if let (Some(account), Some(kind)) = (order.account, event) {
            let (id, subject) = (self.minted.event, order.id.into());
            event::tell(&mut changes, Event::new(id, kind, account, subject, at));
        }
        if order != self.before {
            changes.orders.push(Change::Update(order));
        }
        if checkout != *known {
            changes.checkouts.push(Change::Update(checkout));
        }
        changes
    }
}
