//! Buying: from a selection to paid tokens, licenses and the order that records it.
//!
//! A purchase comes in two forms that end in the same step. [`Purchase`] does it all at once;
//! [`Confirm`] pays a draft that was shown to the buyer. Both are one command, so one atomic,
//! durable, idempotent step: check, debit the buyer, credit the vendor, order, licenses, event.
//!
//! ```text
//! (nothing) ──Purchase──▶ paid            draft ──Confirm──▶ paid
//!     └────────────────▶ declined             └───────────▶ declined ──Confirm──▶ paid
//! ```
//!
//! Codes are signed after the commit, from the committed rows: Ed25519 is deterministic, so signing
//! again gives the same code, and nothing slow happens inside the batch.

mod lines;
mod refusal;

use std::collections::BTreeMap;

use scrip_domain::account::Account;
use scrip_domain::catalog::Product;
use scrip_domain::event::{Event, EventType};
use scrip_domain::extension::Extended;
use scrip_domain::gate::{self, Act, GateRefusal};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::license::License;
use scrip_domain::lot;
use scrip_domain::order::{self, Check, DeclineReason, Line, LinePayment, Order, OrderState};
use scrip_domain::request::Request;
use scrip_domain::settings::{Settings, Vendor};
use scrip_domain::usage::Extension;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::coupon::Claim;
use crate::event;
use crate::ledger::{self, Buyer};
use crate::license::extend::{self, extensions, want_extended};
use crate::license::remind;
use crate::selection::{Chosen, Selection};
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome, grouped};

pub(crate) use lines::{Picked, Priceable, Priced, already_owned, lines_of, total_of, trial_used};
pub use refusal::PurchaseRefusal;

/// What a buyer asks for in one step.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The selection.
    pub selection: Selection,
    /// What the buyer believes that it costs.
    pub expected_total: Option<Amount>,
    /// Whether the buyer insists on buying again what is already owned.
    pub again: bool,
    /// Where the buyer asks from.
    pub source: String,
}

/// An order that was paid, with everything that a confirmation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The order.
    pub order: Order,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Which lots paid them.
    pub payments: Vec<LinePayment>,
    /// A license per unit of the lines that make any.
    pub licenses: Vec<License>,
    /// What its other lines have added to licenses, each with the license as it was told then.
    pub extended: Vec<(License, Extension)>,
}

impl Paid {
    /// When it was paid.
    pub fn at(&self) -> Timestamp {
        self.order.paid_at.unwrap_or(self.order.selected_at)
    }

    /// With its licenses as they were issued, whatever became of them since.
    async fn at_first(mut self, engine: &Engine) -> Result<Self, Fault> {
        let at = self.at();
        for license in &mut self.licenses {
            if let Some(line) = self.lines.iter().find(|line| line.id == license.line) {
                let License { kid, .. } = engine.as_issued(license, 1).await?;
                *license = License::first_issue(license.id, line, license.account, kid, at);
            }
        }
        Ok(self)
    }
}

/// A first answer, or the same one again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered<T> {
    /// It was done now.
    First(T),
    /// It was done before, under the same idempotency key.
    Replayed(T),
}

/// The ids that a purchase mints before it is submitted, and the key that will sign its codes. In one step its transfer and
/// its event bear the order's number, so that one entry of the index by account lists all three ([`Entry::purchase`]).
#[derive(Debug)]
struct Minted {
    /// What has expired meanwhile is booked by it.
    expiry: Id<Transfer>,
    transfer: Id<Transfer>,
    event: Id<Event>,
    /// In the order of the lines, and after the event: those that tell of them bear their numbers, and come after it.
    licenses: Vec<Id<License>>,
    kid: String,
}

impl Engine {
    /// Buys a selection in one step.
    pub async fn purchase(
        &self,
        buyer: Buyer,
        ask: Ask,
        request: Request,
    ) -> Outcome<Answered<Paid>, PurchaseRefusal> {
        let buying = self.buy(buyer, &ask, request);
        self.trying(&ask.selection, Some(buyer.account), &ask.source, buying).await
    }

    /// Whether one more order of an account may be declined: each stays on record, and costs whoever asks nothing.
    fn may_decline(&self, account: Id<Account>) -> Result<(), RetryAfter> {
        self.throttle.left(Limited::Declined, &account.to_string(), self.now())
    }

    async fn buy(
        &self,
        buyer: Buyer,
        ask: &Ask,
        request: Request,
    ) -> Outcome<Answered<Paid>, PurchaseRefusal> {
        match self.prepare(buyer, ask, request).await? {
            Ok(command) => self.answered(buyer.account, self.submit(command).await?, request).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// What [`Engine::purchase`] submits: everything that is known of a purchase before it is decided.
    pub async fn prepare(
        &self,
        buyer: Buyer,
        ask: &Ask,
        request: Request,
    ) -> Outcome<Purchase, PurchaseRefusal> {
        // Before the order, whose number the transfer bears: so it stands before that on a statement.
        let expiry = self.mint()?;
        let picked = match self.pick(&ask.selection, Some(buyer.account)).await? {
            Ok(picked) => picked,
            Err(line) => return Ok(Err(self.no_such_offer(buyer, Act::Pay, line).await?)),
        };
        let minted = Minted {
            expiry,
            transfer: picked.order.same_number(),
            event: picked.order.same_number(),
            licenses: self.mint_many(picked.licenses())?,
            kid: self.license_kid()?,
        };
        Ok(Ok(Purchase {
            buyer,
            vendor: self.vendor().await?.id,
            minted,
            picked,
            expected_total: ask.expected_total,
            again: ask.again,
            request,
            may_decline: self.may_decline(buyer.account),
        }))
    }

    /// A selection with all that a command needs to price it for `account`; the index of the first line whose offer does
    /// not exist.
    pub(crate) async fn pick(
        &self,
        selection: &Selection,
        account: Option<Id<Account>>,
    ) -> Result<Result<Picked, usize>, Fault> {
        let found = match self.found(selection, account).await? {
            Ok(found) => found,
            Err(line) => return Ok(Err(line)),
        };
        let count = found.chosen.iter().map(Chosen::lines).sum();
        let (order, lines) = (self.mint()?, self.mint_many(count)?);
        Ok(Ok(Picked { order, lines, found, claim: self.claim(selection).await? }))
    }

    /// Confirms and pays a draft, or an order that was declined for funds.
    pub async fn confirm(
        &self,
        buyer: Buyer,
        order: Id<Order>,
        request: Request,
    ) -> Outcome<Answered<Paid>, PurchaseRefusal> {
        let lines = self.store.order_lines(order).await?;
        let making = lines.iter().filter(|line| line.extends.is_none());
        let units = making.filter_map(|line| usize::try_from(line.quantity).ok()).sum();
        let claim = self.claim_of_draft(order, &lines).await?;
        let command = Confirm {
            claim,
            buyer,
            vendor: self.vendor().await?.id,
            order,
            products: lines.iter().map(|line| line.product).collect(),
            extends: lines.iter().filter_map(|line| line.extends).collect(),
            minted: Minted {
                expiry: self.mint()?,
                transfer: self.mint()?,
                event: self.mint()?,
                licenses: self.mint_many(units)?,
                kid: self.license_kid()?,
            },
            request,
            may_decline: self.may_decline(buyer.account),
        };
        self.answered(buyer.account, self.submit(command).await?, request).await
    }

    /// What a draft's coupon is decided on. Which it is never changes, and a draft without one need not be
    /// looked at.
    async fn claim_of_draft(
        &self,
        order: Id<Order>,
        lines: &[Line],
    ) -> Result<Option<Claim>, Fault> {
        if lines.iter().all(|line| line.discount.is_none()) {
            return Ok(None);
        }
        match self.store.order(order).await?.and_then(|order| order.coupon) {
            Some(coupon) => Ok(Some(self.claim_of(&coupon).await?)),
            None => Ok(None),
        }
    }

    /// What is said of an offer that does not exist: the same as of one that the buyer may not see, and
    /// after the same gate.
    pub(crate) async fn no_such_offer(
        &self,
        buyer: Buyer,
        act: Act,
        line: usize,
    ) -> Result<PurchaseRefusal, Fault> {
        let vendor = self.vendor().await?;
        let cheapest = self.cheapest().await?;
        let member = self.member(buyer.account).await?;
        let who = member.as_ref().map(|member| (member.account.as_ref(), member.available));
        let gate = gate::pass(act, who, &vendor.settings, cheapest, Amount::ZERO, self.now());
        // A payment asks for the balance only when it knows the price.
        let shut = gate.err().filter(|shut| act == Act::Order || !shut.is_about_balance());
        Ok(shut.map_or(PurchaseRefusal::NotForSale(line), PurchaseRefusal::Gate))
    }

    /// Rebuilds from its rows what the command only named, and counts what was declined.
    async fn answered(
        &self,
        account: Id<Account>,
        answer: Result<Settled, PurchaseRefusal>,
        request: Request,
    ) -> Outcome<Answered<Paid>, PurchaseRefusal> {
        let order = match answer {
            Ok(Settled::Now(paid)) => return Ok(Ok(Answered::First(*paid))),
            Ok(Settled::Before(order)) => order,
            Err(refusal) => {
                if matches!(refusal, PurchaseRefusal::Declined { .. }) {
                    // Of what was declined side by side the last may find none left: the next one waits in any case.
                    let _ = self
                        .throttle
                        .take([(Limited::Declined, &*account.to_string())], self.now());
                }
                return Ok(Err(refusal));
            }
        };
        let lost = || Fault::Bug("an idempotency key names no order".into());
        let paid = self.paid(order).await?.ok_or_else(lost)?;
        let made = |check: &&Check| check.request == Some(request.key);
        let declined = paid.order.checks.iter().find(made).and_then(|check| {
            Some((GateRefusal::from_check(check)?, check.request_id.unwrap_or_default()))
        });
        Ok(match declined {
            Some((gate, first)) => {
                Err(PurchaseRefusal::Declined { order, gate, replayed: Some(first) })
            }
            None => Ok(Answered::Replayed(paid.at_first(self).await?)),
        })
    }

    /// A paid order with everything that its confirmation says; `None` when there is no such order.
    pub async fn paid(&self, order: Id<Order>) -> Result<Option<Paid>, Fault> {
        let order = self.store.order(order).await?;
        Ok(self.paid_all(order.into_iter().collect()).await?.pop())
    }

    /// The same of each of these orders, in their order, each kind of row in one read. An order that is not paid has its lines.
    pub async fn paid_all(&self, orders: Vec<Order>) -> Result<Vec<Paid>, Fault> {
        let ids: Vec<_> = orders.iter().map(|order| order.id).collect();
        let lines = self.store.lines_of(&ids).await?;
        let of: BTreeMap<_, _> = lines.iter().map(|line| (line.id, line.order)).collect();
        let named: Vec<_> = of.keys().copied().collect();
        let payments = self.store.payments_of(&named).await?;
        let licenses = self.store.licenses_of_orders(&ids).await?;
        let extended = self.extended_by(&lines).await?;
        let mut payments = grouped(payments, |payment| of.get(&payment.line).copied());
        let mut extended = grouped(extended, |(_, made)| of.get(&made.line).copied());
        let mut licenses = grouped(licenses, |license| Some(license.order));
        let mut lines = grouped(lines, |line| Some(line.order));
        let with_rows = |order: Order| Paid {
            lines: lines.remove(&Some(order.id)).unwrap_or_default(),
            payments: payments.remove(&Some(order.id)).unwrap_or_default(),
            licenses: licenses.remove(&Some(order.id)).unwrap_or_default(),
            extended: extended.remove(&Some(order.id)).unwrap_or_default(),
            order,
        };
        Ok(orders.into_iter().map(with_rows).collect())
    }
}

/// What a command answers: the paid order, or the name of the one that was paid before.
#[derive(Debug)]
pub enum Settled {
    /// It was paid now.
    Now(Box<Paid>),
    /// It was paid before, under the same idempotency key.
    Before(Id<Order>),
}

/// A purchase in one step, to be decided.
#[derive(Debug)]
pub struct Purchase {
    buyer: Buyer,
    vendor: Id<Vendor>,
    picked: Picked,
    expected_total: Option<Amount>,
    again: bool,
    minted: Minted,
    request: Request,
    /// Whether its account may be declined once more.
    may_decline: Result<(), RetryAfter>,
}

impl Command for Purchase {
    type Receipt = Settled;
    type Refusal = PurchaseRefusal;

    fn wants(&self, wants: &mut Wants) {
        want_buyer(wants, self.buyer, self.vendor, self.request);
        self.picked.wants(wants, self.buyer);
        // Who insists may own any number of it, and only of a trial there is one all the same.
        want_owned(wants, self.buyer.account, self.picked.products(self.again));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Settled, PurchaseRefusal>, Fault> {
        if let Some(answer) = replay(books, self.buyer, self.request)? {
            return Ok(Decision { answer, changes: Changes::default() });
        }
        let desk = Desk::on(books, self.buyer, self.vendor, at)?;
        // The account first, without a total: a shut gate tells no price.
        if let Err(shut) = desk.gate(Act::Pay, Amount::ZERO, at)
            && !shut.is_about_balance()
        {
            return Ok(Decision::refused(PurchaseRefusal::Gate(shut)));
        }
        let Priced { lines, total, coupon } = match self.picked.price(books, &desk, at)? {
            Ok(priced) => priced,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let order =
            Order::draft(self.picked.order, Some(self.buyer.account), total, self.again, at);
        let refund_policy = Some(desk.settings.refund_policy);
        let order = Order { coupon, refund_policy, ..order };
        let (expected, minted, request) = (self.expected_total, &self.minted, self.request);
        let (claim, may_decline) = (self.picked.claim.as_ref(), self.may_decline);
        let case =
            Case { order, lines, claim, expected, minted, request, may_decline, new: true, at };
        let Decision { answer, changes } = desk.settle(books, case)?;
        let answer = answer.map_err(|refusal| self.picked.as_chosen(refusal));
        Ok(Decision { answer, changes })
    }
}

struct Confirm {
    buyer: Buyer,
    vendor: Id<Vendor>,
    order: Id<Order>,
    claim: Option<Claim>,
    products: Vec<Id<Product>>,
    extends: Vec<Id<License>>,
    minted: Minted,
    request: Request,
    may_decline: Result<(), RetryAfter>,
}

impl Command for Confirm {
    type Receipt = Settled;
    type Refusal = PurchaseRefusal;

    fn wants(&self, wants: &mut Wants) {
        want_buyer(wants, self.buyer, self.vendor, self.request);
        wants.orders.read((self.order,));
        wants.order_lines.read((self.order,));
        want_owned(wants, self.buyer.account, self.products.iter().copied());
        self.extends.iter().for_each(|license| want_extended(wants, *license));
        if let Some(claim) = &self.claim {
            claim.wants(wants, self.buyer.account);
        }
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Settled, PurchaseRefusal>, Fault> {
        if let Some(answer) = replay(books, self.buyer, self.request)? {
            return Ok(Decision { answer, changes: Changes::default() });
        }
        let order =
            books.orders.get(&(self.order,))?.filter(|order| order.is_of(self.buyer.account));
        let Some(order) = order else { return Ok(Decision::refused(PurchaseRefusal::NoSuchOrder)) };
        match order.state_at(at) {
            OrderState::Draft => {}
            OrderState::Declined if at < order.expires_at => {}
            OrderState::Declined | OrderState::Expired => {
                return Ok(Decision::refused(PurchaseRefusal::Expired));
            }
            state @ (OrderState::Paid
            | OrderState::PartiallyRefunded
            | OrderState::Refunded
            | OrderState::Cancelled
            | OrderState::Open
            | OrderState::Claimed
            | OrderState::Authorized
            | OrderState::Captured
            | OrderState::RefundPending) => {
                return Ok(Decision::refused(PurchaseRefusal::NotDraft(state)));
            }
        }
        let lines = books.order_lines.all(&(self.order,))?.to_vec();
        let desk = Desk::on(books, self.buyer, self.vendor, at)?;
        let (order, minted, request) = (order.clone(), &self.minted, self.request);
        let (claim, expected, may_decline) = (self.claim.as_ref(), None, self.may_decline);
        let case =
            Case { order, lines, claim, expected, minted, request, may_decline, new: false, at };
        desk.settle(books, case)
    }
}

/// What lies on the desk: an order to be paid or declined.
struct Case<'a> {
    order: Order,
    lines: Vec<Line>,
    /// What its coupon is decided on.
    claim: Option<&'a Claim>,
    /// What the buyer believes that it costs.
    expected: Option<Amount>,
    minted: &'a Minted,
    request: Request,
    may_decline: Result<(), RetryAfter>,
    /// Whether the order is not in the books yet.
    new: bool,
    at: Timestamp,
}

/// Who stands at the desk: the rows that every order is decided on.
pub(crate) struct Desk<'a> {
    pub account: &'a Account,
    wallet: &'a Wallet,
    /// What can be spent of it: what has expired and is not booked yet cannot.
    pub available: Amount,
    pub settings: &'a Settings,
    pub cheapest: Option<Amount>,
}

impl<'a> Desk<'a> {
    pub fn on(
        books: &'a Books,
        buyer: Buyer,
        vendor: Id<Vendor>,
        at: Timestamp,
    ) -> Result<Self, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a signed-in buyer has no {what}"));
        let wallet = books.wallets.get(&(buyer.wallet,))?.ok_or_else(|| missing("wallet"))?;
        Ok(Self {
            account: books.accounts.get(&(buyer.account,))?.ok_or_else(|| missing("account"))?,
            wallet,
            available: wallet.available_at(at),
            settings: &books.vendor.get(&(vendor,))?.ok_or_else(|| missing("vendor"))?.settings,
            cheapest: books.cheapest()?,
        })
    }

    /// What the gate says to `act`, on a selection that costs `total`.
    pub fn gate(&self, act: Act, total: Amount, at: Timestamp) -> Result<Vec<Check>, GateRefusal> {
        let who = Some((self.account, self.available));
        gate::pass(act, who, self.settings, self.cheapest, total, at)
    }

    /// Pays an order, or declines it.
    fn settle(
        &self,
        books: &Books,
        case: Case<'_>,
    ) -> Result<Decision<Settled, PurchaseRefusal>, Fault> {
        let total = case.order.total;
        let gate = self.gate(Act::Pay, total, case.at);
        if let Err(shut) = &gate
            && !shut.is_about_balance()
        {
            return Ok(Decision::refused(PurchaseRefusal::Gate(shut.clone())));
        }
        // Below the threshold nothing can be ordered, at whatever price: that is said first.
        let below = matches!(gate, Err(GateRefusal::BelowThreshold(_)));
        if !below && case.expected.is_some_and(|expected| expected != total) {
            return Ok(Decision::refused(PurchaseRefusal::PriceChanged(total)));
        }
        if !case.order.again
            && let Some(line) = already_owned(books, self.account.id, &case.lines)?
        {
            return Ok(Decision::refused(PurchaseRefusal::AlreadyOwned(line)));
        }
        if let Some(line) = trial_used(books, self.account.id, &case.lines)? {
            return Ok(Decision::refused(PurchaseRefusal::TrialUsed(line)));
        }
        let extended = match extensions(books, self.account.id, &case.lines, case.at)? {
            Ok(extended) => extended,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        if let Some(claim) = case.claim
            && !claim.is_left(books, self.account.id)?
        {
            return Ok(Decision::refused(PurchaseRefusal::CouponUsedUp));
        }
        match gate {
            Ok(checks) => {
                let checks = case.marked(checks);
                self.pay(books, case, checks, extended)
            }
            Err(short) => Ok(match case.may_decline {
                Ok(()) => case.decline(self.account.id, short),
                Err(wait) => Decision::refused(PurchaseRefusal::DeclinedTooOften(wait)),
            }),
        }
    }

    /// Moves the tokens, and makes the paid order and its licenses.
    fn pay(
        &self,
        books: &Books,
        case: Case<'_>,
        checks: Vec<Check>,
        extended: Vec<Extended>,
    ) -> Result<Decision<Settled, PurchaseRefusal>, Fault> {
        let total = case.order.total;
        let parts = lot::consume(&self.wallet.lots, total, case.at)
            .ok_or_else(|| Fault::Bug("a wallet's lots hold less than its balance".into()))?;
        let totals: Option<Vec<_>> =
            case.lines.iter().map(|line| line.total().map(|total| (line.id, total))).collect();
        let payments = totals
            .and_then(|totals| order::allot(&totals, &parts))
            .ok_or_else(|| Fault::Bug("lines and lots do not add up".into()))?;
        let licenses = case.licenses(self.account.id)?;

        // From here on the purchase succeeds.
        let mut changes = Changes::default();
        let mut after = self.available;
        if !total.is_zero() {
            let transfer = Transfer {
                id: case.minted.transfer,
                debit: LedgerAccount::Free(self.wallet.id),
                credit: LedgerAccount::House(House::Revenue),
                amount: total,
                reason: Reason::Purchase,
                subject: case.order.id.into(),
                at: case.at,
            };
            let wallet = ledger::expire(&mut changes, self.wallet, case.minted.expiry, case.at)?;
            after = ledger::take(&mut changes, &wallet, &parts, transfer)?.available();
        }
        let terms = || Some(self.settings.terms_version.clone());
        let order = Order {
            state: OrderState::Paid,
            reason: None,
            checks: [case.order.checks.clone(), checks].concat(),
            paid_at: Some(case.at),
            balance_after: Some(after),
            // Of a draft what was shown, whatever the vendor has published since.
            terms_version: case.order.terms_version.clone().or_else(terms),
            payment_method: self.account.person.payment_method.clone(),
            ..case.order.clone()
        };
        case.record(&mut changes, self.account.id, &order, EventType::OrderPaid);
        if let Some(claim) = case.claim {
            claim.count(books, &mut changes, self.account.id, &order)?;
        }
        for license in &licenses {
            changes.by_account.push(Change::Insert(Entry::of_license(license)));
            changes.licenses.push(Change::Insert(license.clone()));
            remind::begin(&mut changes, license, case.at);
            event::issued(&mut changes, license.id.same_number(), license, case.at);
        }
        extend::write(books, &mut changes, &extended, case.at)?;
        let extended = extended.into_iter().map(|all| (all.license, all.extension)).collect();
        changes.line_payments.extend(payments.iter().cloned().map(Change::Insert));
        let paid = Paid { order, lines: case.lines, payments, licenses, extended };
        Ok(Decision::done(Settled::Now(Box::new(paid)), changes))
    }
}

impl Case<'_> {
    /// The checks of a confirm, marked with its request: the draft's own stay apart.
    fn marked(&self, mut checks: Vec<Check>) -> Vec<Check> {
        if !self.new {
            checks.iter_mut().for_each(|check| check.request = Some(self.request.key));
        }
        checks
    }

    /// Puts a declined order on record: nothing moves, the key is taken.
    fn decline(
        self,
        account: Id<Account>,
        short: GateRefusal,
    ) -> Decision<Settled, PurchaseRefusal> {
        let Request { key, id, .. } = self.request;
        let (request, request_id) = (Some(key), Some(id));
        let check = Check { request, request_id, ..gate::failed(&short, self.at) };
        let order = Order {
            state: OrderState::Declined,
            reason: Some(match &short {
                GateRefusal::BelowThreshold(_) => DeclineReason::BalanceBelowThreshold,
                _ => DeclineReason::InsufficientBalance,
            }),
            checks: [self.order.checks.clone(), vec![check]].concat(),
            ..self.order.clone()
        };
        let mut changes = Changes::default();
        self.record(&mut changes, account, &order, EventType::OrderDeclined);
        let refusal = PurchaseRefusal::Declined { order: order.id, gate: short, replayed: None };
        Decision::refused_on_record(refusal, changes)
    }

    /// The rows that paying and declining have in common. What is paid in one step is listed as one.
    fn record(&self, changes: &mut Changes, account: Id<Account>, order: &Order, kind: EventType) {
        let subject = order.id.into();
        let told = Event::new(self.minted.event, kind, account, subject, self.at);
        if self.new {
            changes.orders.push(Change::Insert(order.clone()));
            changes.order_lines.extend(self.lines.iter().cloned().map(Change::Insert));
        } else {
            changes.orders.push(Change::Update(order.clone()));
        }
        if self.new && order.state == OrderState::Paid && !order.total.is_zero() {
            changes.by_account.push(Change::Insert(Entry::purchase(account, order.id)));
            changes.events.push(Change::Insert(told));
        } else {
            let listed = self.new.then(|| Entry::order(account, order.id));
            changes.by_account.extend(listed.map(Change::Insert));
            event::tell(changes, told);
        }
        changes.by_account.push(Change::Insert(Entry::request(account, self.request, subject)));
    }

    /// A license for each unit of each line that adds to none.
    fn licenses(&self, account: Id<Account>) -> Result<Vec<License>, Fault> {
        let mut ids = self.minted.licenses.iter();
        let mut licenses = Vec::with_capacity(self.minted.licenses.len());
        for line in self.lines.iter().filter(|line| line.extends.is_none()) {
            for _ in 0..line.quantity {
                let id = ids
                    .next()
                    .ok_or_else(|| Fault::Bug("too few license ids were minted".into()))?;
                let kid = self.minted.kid.clone();
                licenses.push(License::first_issue(*id, line, account, kid, self.at));
            }
        }
        Ok(licenses)
    }
}

/// What every order command wants of its buyer.
pub(crate) fn want_buyer(wants: &mut Wants, buyer: Buyer, vendor: Id<Vendor>, request: Request) {
    wants.wallets.guard((buyer.wallet,));
    wants.accounts.read((buyer.account,));
    wants.vendor.read((vendor,));
    wants.by_account.read((buyer.account, index::REQUEST, request.key));
    wants.cheapest = true;
}

/// What every command wants that must not sell twice what is owned.
pub(crate) fn want_owned(
    wants: &mut Wants,
    account: Id<Account>,
    products: impl Iterator<Item = Id<Product>>,
) {
    for product in products {
        wants.by_account.read((account, index::OWNED, product.number()));
    }
}

/// What the idempotency key names, if it was used before.
fn replay(
    books: &Books,
    buyer: Buyer,
    request: Request,
) -> Result<Option<Result<Settled, PurchaseRefusal>>, Fault> {
    let Some(entry) = books.by_account.get(&(buyer.account, index::REQUEST, request.key))? else {
        return Ok(None);
    };
    if entry.note != request.fingerprint {
        return Ok(Some(Err(PurchaseRefusal::KeyReused)));
    }
    let order =
        Id::new(entry.target).ok_or_else(|| Fault::Bug("an entry names no order".into()))?;
    Ok(Some(Ok(Settled::Before(order))))
}
