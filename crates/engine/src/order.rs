//! Draft orders: selected and priced, not yet confirmed; and giving them up.

use scrip_domain::gate::Act;
use scrip_domain::order::{Line, Order, OrderState};
use scrip_domain::request::Request;
use scrip_domain::settings::Vendor;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry, Receipt};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::ledger::Buyer;
use crate::license::extend::extensions;
use crate::purchase::{
    Answered, Desk, Picked, Priced, PurchaseRefusal, already_owned, trial_used, want_buyer,
    want_owned,
};
use crate::selection::Selection;
use crate::{Engine, Outcome};

/// A draft and its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drafted {
    /// The order.
    pub order: Order,
    /// Its lines.
    pub lines: Vec<Line>,
}

impl Engine {
    /// Opens a draft that holds today's prices for half an hour; of a kept selection while that is
    /// good.
    pub async fn draft(
        &self,
        buyer: Buyer,
        selection: &Selection,
        kept_until: Option<Timestamp>,
        again: bool,
        source: &str,
        request: Request,
    ) -> Outcome<Answered<Drafted>, PurchaseRefusal> {
        let opening = self.open_draft(buyer, selection, kept_until, again, request);
        self.trying(selection, Some(buyer.account), source, opening).await
    }

    async fn open_draft(
        &self,
        buyer: Buyer,
        selection: &Selection,
        kept_until: Option<Timestamp>,
        again: bool,
        request: Request,
    ) -> Outcome<Answered<Drafted>, PurchaseRefusal> {
        let picked = match self.pick(selection, Some(buyer.account)).await? {
            Ok(picked) => picked,
            Err(line) => return Ok(Err(self.no_such_offer(buyer, Act::Order, line).await?)),
        };
        let vendor = self.vendor().await?.id;
        let command = Draft { buyer, vendor, picked, kept_until, again, request };
        let order = match self.submit(command).await? {
            Ok(Ok(drafted)) => return Ok(Ok(Answered::First(drafted))),
            Ok(Err(before)) => before,
            Err(refusal) => return Ok(Err(refusal)),
        };
        Ok(Ok(Answered::Replayed(self.first_draft(order).await?)))
    }

    /// An order as it was when it was a draft.
    async fn first_draft(&self, order: Id<Order>) -> Result<Drafted, Fault> {
        let lost = || Fault::Bug("an idempotency key names no order".into());
        let row = self.store.order(order).await?.ok_or_else(lost)?;
        let lines = self.store.order_lines(order).await?;
        Ok(Drafted { order: as_selected(row), lines })
    }

    /// Gives up a draft. Doing it again changes nothing.
    pub async fn cancel(
        &self,
        buyer: Buyer,
        order: Id<Order>,
    ) -> Outcome<Drafted, PurchaseRefusal> {
        match self.submit(Cancel { buyer, order }).await? {
            Ok(order) => {
                let lines = self.store.order_lines(order.id).await?;
                Ok(Ok(Drafted { order, lines }))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The receipt of a paid order, issued when it is first asked for.
    pub async fn receipt(&self, order: &Order) -> Outcome<Receipt, PurchaseRefusal> {
        match self.store.receipt(order.id).await? {
            Some(receipt) => Ok(Ok(receipt)),
            None => self.submit(IssueReceipt { order: order.id }).await,
        }
    }
}

/// The order as it was when it was selected, whatever became of it.
pub(crate) fn as_selected(order: Order) -> Order {
    let checks = order.checks.into_iter().filter(|check| check.request.is_none());
    Order {
        state: OrderState::Draft,
        reason: None,
        checks: checks.collect(),
        paid_at: None,
        balance_after: None,
        payment_method: None,
        ..order
    }
}

struct Draft {
    buyer: Buyer,
    vendor: Id<Vendor>,
    picked: Picked,
    kept_until: Option<Timestamp>,
    again: bool,
    request: Request,
}

impl Command for Draft {
    /// The draft, or the name of the order that the same request opened before.
    type Receipt = Result<Drafted, Id<Order>>;
    type Refusal = PurchaseRefusal;

    fn wants(&self, wants: &mut Wants) {
        want_buyer(wants, self.buyer, self.vendor, self.request);
        self.picked.wants(wants, self.buyer);
        want_owned(wants, self.buyer.account, self.picked.products(false));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, PurchaseRefusal>, Fault> {
        let key = (self.buyer.account, index::REQUEST, self.request.key);
        if let Some(entry) = books.by_account.get(&key)? {
            return Ok(match Id::new(entry.target) {
                Some(order) if entry.note == self.request.fingerprint => {
                    Decision::done(Err(order), Changes::default())
                }
                _ => Decision::refused(PurchaseRefusal::KeyReused),
            });
        }
        if self.kept_until.is_some_and(|until| until <= at) {
            return Ok(Decision::refused(PurchaseRefusal::SelectionTooOld));
        }
        let desk = Desk::on(books, self.buyer, self.vendor, at)?;
        // The account first, without a total: a shut gate tells no price.
        if let Err(shut) = desk.gate(Act::Order, Amount::ZERO, at) {
            return Ok(Decision::refused(PurchaseRefusal::Gate(shut)));
        }
        let Priced { lines, total, coupon } = match self.picked.price(books, &desk, at)? {
            Ok(priced) => priced,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let account = desk.account;
        // Before what it costs is missing: nobody adds funds for what they own.
        if !self.again
            && let Some(line) = already_owned(books, account.id, &lines)?
        {
            let refusal = PurchaseRefusal::AlreadyOwned(line);
            return Ok(Decision::refused(self.picked.as_chosen(refusal)));
        }
        let checks = match desk.gate(Act::Order, total, at) {
            Ok(checks) => checks,
            Err(shut) => return Ok(Decision::refused(PurchaseRefusal::Gate(shut))),
        };
        if let Some(line) = trial_used(books, account.id, &lines)? {
            let refusal = PurchaseRefusal::TrialUsed(line);
            return Ok(Decision::refused(self.picked.as_chosen(refusal)));
        }
        if let Err(refusal) = extensions(books, account.id, &lines, at)? {
            return Ok(Decision::refused(self.picked.as_chosen(refusal)));
        }
        // From here on the draft is opened.
        let order = Order::draft(self.picked.order, Some(account.id), total, self.again, at);
        let refund_policy = Some(desk.settings.refund_policy);
        let terms_version = Some(desk.settings.terms_version.clone());
        let order = Order { coupon, checks, refund_policy, terms_version, ..order };
        let mut changes = Changes::default();
        changes.orders.push(Change::Insert(order.clone()));
        changes.order_lines.extend(lines.iter().cloned().map(Change::Insert));
        changes.by_account.push(Change::Insert(Entry::order(account.id, order.id)));
        changes.by_account.push(Change::Insert(Entry::request(
            account.id,
            self.request,
            order.id.into(),
        )));
        Ok(Decision::done(Ok(Drafted { order, lines }), changes))
    }
}

struct Cancel {
    buyer: Buyer,
    order: Id<Order>,
}

impl Command for Cancel {
    type Receipt = Order;
    type Refusal = PurchaseRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.orders.read((self.order,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Order, PurchaseRefusal>, Fault> {
        let order =
            books.orders.get(&(self.order,))?.filter(|order| order.is_of(self.buyer.account));
        let Some(order) = order else { return Ok(Decision::refused(PurchaseRefusal::NoSuchOrder)) };
        match order.state_at(at) {
            OrderState::Draft => {}
            OrderState::Cancelled => return Ok(Decision::done(order.clone(), Changes::default())),
            OrderState::Expired => return Ok(Decision::refused(PurchaseRefusal::Expired)),
            state @ (OrderState::Paid
            | OrderState::PartiallyRefunded
            | OrderState::Refunded
            | OrderState::Declined
            | OrderState::Open
            | OrderState::Claimed
            | OrderState::Authorized
            | OrderState::Captured
            | OrderState::RefundPending) => {
                return Ok(Decision::refused(PurchaseRefusal::NotDraft(state)));
            }
        }
        let order = Order { state: OrderState::Cancelled, ..order.clone() };
        let mut changes = Changes::default();
        changes.orders.push(Change::Update(order.clone()));
        Ok(Decision::done(order, changes))
    }
}

struct IssueReceipt {
    order: Id<Order>,
}

impl Command for IssueReceipt {
    type Receipt = Receipt;
    type Refusal = PurchaseRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.orders.read((self.order,));
        wants.receipts.read((self.order,));
        wants.last_receipt = true;
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Receipt, PurchaseRefusal>, Fault> {
        let Some(order) = books.orders.get(&(self.order,))? else {
            return Ok(Decision::refused(PurchaseRefusal::NoSuchOrder));
        };
        if !order.is_released() {
            return Ok(Decision::refused(PurchaseRefusal::NotPaid(order.state_at(at))));
        }
        if let Some(receipt) = books.receipts.get(&(self.order,))? {
            return Ok(Decision::done(receipt.clone(), Changes::default()));
        }
        let number = books.last_receipt()?.saturating_add(1);
        let receipt = Receipt { number, order: order.id, issued_at: at };
        let mut changes = Changes::default();
        changes.receipts.push(Change::Insert(receipt.clone()));
        Ok(Decision::done(receipt, changes))
    }
}
