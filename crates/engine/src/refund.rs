//! Refunds: giving tokens of a paid order back, whole or in part.
//!
//! One atomic, idempotent command: the tokens go from the revenue into the very lots that paid, the
//! licenses end or stay, the order says so. What was given back before is counted under the wallet's
//! guard, so that no line and no lot ever gives back more than was paid, whatever is asked at once.

use std::collections::BTreeSet;

use scrip_domain::audit::Act;
use scrip_domain::event::{Event, EventType};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::license::{License, LicenseState};
use scrip_domain::lot::{LotChange, Part};
use scrip_domain::order::{Line, LinePayment, Order, OrderState};
use scrip_domain::refund::{
    self, Extent, LicensePolicy, Refund, RefundLine, RefundLot, Share, give_back,
};
use scrip_domain::request::Request;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::event;
use crate::ledger::{self, Buyer};
use crate::license::extend::{take_back, want_taken_back};
use crate::license::{change, want_listed};
use crate::purchase::{Answered, Paid};
use crate::refund_request::{Cause, accept_asked};
use crate::{Engine, Outcome, grouped};

/// What the vendor's staff asks for.
#[derive(Clone, Debug)]
pub struct RefundAsk {
    /// Of which order.
    pub order: Id<Order>,
    /// What of which lines; empty for all that is left of the order.
    pub lines: Vec<(Id<Line>, Share)>,
    /// What becomes of the licenses.
    pub licenses: LicensePolicy,
    /// Why.
    pub reason: String,
}

/// A refund with all that it gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    /// The refund.
    pub refund: Refund,
    /// What it gave back of which line.
    pub lines: Vec<RefundLine>,
    /// What it gave back to which lot.
    pub lots: Vec<RefundLot>,
}

/// Why nothing was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundRefusal {
    /// There is no such order.
    NoSuchOrder,
    /// Nothing was paid for the order.
    NotPaid(OrderState),
    /// The order has no such line; the index of what was asked.
    NoSuchLine(usize),
    /// A line is asked for twice; the index of what was asked.
    TwiceNamed(usize),
    /// More was asked than the line sold or cost; the index of what was asked.
    TooMuch(usize),
    /// All of it was given back before, or so much that this is more than is left; the index of what
    /// was asked, none for the whole order.
    AlreadyRefunded(Option<usize>),
    /// The wallet would hold more than an amount can be.
    WalletFull,
    /// The idempotency key was used for something else.
    KeyReused,
    /// The merchant's provider does not give back; by a word of its own.
    ProviderRefused(String),
    /// The buyer's request that it was for does not wait any more, or is not covered by the policy.
    NotAsked,
}

impl Refunded {
    /// With its rows in the order in which they are read again, so that a repetition says the same.
    pub(crate) fn sorted(
        refund: Refund,
        mut lines: Vec<RefundLine>,
        mut lots: Vec<RefundLot>,
    ) -> Self {
        lines.sort_by_key(|row| row.line);
        lots.sort_by_key(|row| (row.line, row.lot));
        Self { refund, lines, lots }
    }
}

impl Engine {
    /// Gives tokens of an order back.
    pub async fn refund(
        &self,
        by: Staff,
        ask: RefundAsk,
        request: Request,
    ) -> Outcome<Answered<Refunded>, RefundRefusal> {
        let Some(order) = self.paid(ask.order).await? else {
            return Ok(Err(RefundRefusal::NoSuchOrder));
        };
        // An order that was not paid a moment ago has nothing yet that could be given back.
        if !order.order.is_released() {
            return Ok(Err(RefundRefusal::NotPaid(order.order.state_at(self.now()))));
        }
        if self.provider().is_some() {
            return self.refund_at_provider(by, ask, order, request, Cause::Staff).await;
        }
        self.give_tokens_back(by, ask, order, request, Cause::Staff).await
    }

    /// Gives tokens of an order that was paid here back, for a cause.
    pub(crate) async fn give_tokens_back(
        &self,
        by: Staff,
        ask: RefundAsk,
        order: Paid,
        request: Request,
        cause: Cause,
    ) -> Outcome<Answered<Refunded>, RefundRefusal> {
        let named = matches!(cause, Cause::Staff | Cause::Asked(_));
        let no_account = || Fault::Bug("an order has no account".into());
        let account = order.order.account.ok_or_else(no_account)?;
        let account = self.store.account(account).await?.ok_or_else(no_account)?;
        let asked = self.mint_many(order.lines.len())?;
        let command = GiveBack {
            buyer: Buyer { account: account.id, wallet: account.wallet },
            payments: order.payments,
            lines: order.lines,
            licenses: order.licenses,
            ask,
            request,
            note: self.note(by)?,
            id: self.mint()?,
            moves: Moves {
                due: self.mint()?,
                back: self.mint()?,
                gone: self.mint()?,
                debt: self.mint()?,
            },
            event: self.mint()?,
            asked,
            cause,
        };
        let id = match self.submit(command).await? {
            Ok(Given::Now(refunded)) => return Ok(Ok(Answered::First(*refunded))),
            // The key of a buyer names the request and not its refund.
            Ok(Given::Before(_)) if !named => return Ok(Err(RefundRefusal::NotAsked)),
            Ok(Given::Before(id)) => id,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let lost = || Fault::Bug("an idempotency key names no refund".into());
        let refund = self.store.refund(id).await?.ok_or_else(lost)?;
        let all = self.refunds_of(refund.order).await?;
        let refunded = all.into_iter().find(|refunded| refunded.refund.id == id);
        Ok(Ok(Answered::Replayed(refunded.ok_or_else(lost)?)))
    }

    /// What was given back of an order, oldest first.
    pub async fn refunds_of(&self, order: Id<Order>) -> Result<Vec<Refunded>, Fault> {
        self.refunds_of_all(&[order]).await
    }

    /// The same of these orders, each kind of row in one read.
    pub async fn refunds_of_all(&self, orders: &[Id<Order>]) -> Result<Vec<Refunded>, Fault> {
        let refunds = self.store.refunds_of(orders).await?;
        let mut lines = grouped(self.store.refund_lines(orders).await?, |line| line.refund);
        let mut lots = grouped(self.store.refund_lots(orders).await?, |lot| lot.refund);
        let with_rows = |refund: Refund| Refunded {
            lines: lines.remove(&refund.id).unwrap_or_default(),
            lots: lots.remove(&refund.id).unwrap_or_default(),
            refund,
        };
        Ok(refunds.into_iter().map(with_rows).collect())
    }
}

/// What the command answers: the refund, or the name of the one that was made before.
enum Given {
    Now(Box<Refunded>),
    Before(Id<Refund>),
}

/// Lines, payments and licenses of a paid order never change in number, so they are looked up before.
struct GiveBack {
    buyer: Buyer,
    lines: Vec<Line>,
    payments: Vec<LinePayment>,
    licenses: Vec<License>,
    ask: RefundAsk,
    request: Request,
    note: Note,
    id: Id<Refund>,
    moves: Moves,
    event: Id<Event>,
    /// Tell of requests for it that it accepts: one for each line.
    asked: Vec<Id<Event>>,
    cause: Cause,
}

/// The transfers of a refund, in the order in which they are made.
struct Moves {
    /// Books what had expired before.
    due: Id<Transfer>,
    /// Brings the tokens back.
    back: Id<Transfer>,
    /// Books what expires as it comes back.
    gone: Id<Transfer>,
    /// Pays what is owed from what came back.
    debt: Id<Transfer>,
}

impl Command for GiveBack {
    type Receipt = Given;
    type Refusal = RefundRefusal;

    fn wants(&self, wants: &mut Wants) {
        let Buyer { account, wallet } = self.buyer;
        wants.wallets.guard((wallet,));
        wants.by_account.read((account, index::REQUEST, self.request.key));
        wants.orders.read((self.ask.order,));
        wants.debt_payments.read((wallet,));
        wants.refunds.read((self.ask.order,));
        wants.refund_lines.read((self.ask.order,));
        wants.refund_lots.read((self.ask.order,));
        for payment in &self.payments {
            wants.lots.read((payment.lot,));
        }
        for license in &self.licenses {
            wants.licenses.guard((license.id,));
            want_listed(wants, license);
        }
        want_taken_back(wants, &self.lines);
        self.cause.wants(wants, self.ask.order);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Given, RefundRefusal>, Fault> {
        let Buyer { account, wallet } = self.buyer;
        if let Some(entry) = books.by_account.get(&(account, index::REQUEST, self.request.key))? {
            return Ok(match Id::new(entry.target) {
                Some(id) if entry.note == self.request.fingerprint => {
                    Decision::done(Given::Before(id), Changes::default())
                }
                _ => Decision::refused(RefundRefusal::KeyReused),
            });
        }
        let missing = |what: &str| Fault::Bug(format!("a paid order has no {what}"));
        let order = books.orders.get(&(self.ask.order,))?.ok_or_else(|| missing("row"))?;
        let wallet = books.wallets.get(&(wallet,))?.ok_or_else(|| missing("wallet"))?;
        if let Err(refusal) = self.cause.holds(books, order, at)? {
            return Ok(Decision::refused(refusal));
        }
        let before = books.refund_lines.all(&(self.ask.order,))?;
        let left = left_of(&self.lines, before)?;
        let lines = match lines_back(self.id, &self.ask, &self.lines, &left) {
            Ok(lines) => lines,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let amount = Amount::try_sum(lines.iter().map(|line| line.amount));
        let amount = amount.ok_or_else(|| Fault::Bug("an order cost too much".into()))?;
        if wallet.posted().checked_add(amount).is_none() {
            return Ok(Decision::refused(RefundRefusal::WalletFull));
        }
        let parts = self.parts_back(books, &lines)?;
        let licenses: Vec<_> = self.licenses.iter().map(|license| license.id).collect();
        let ended = licenses_back(books, &licenses, self.ask.licenses, &lines)?;

        // From here on the refund succeeds.
        let mut changes = Changes::default();
        let lots = self.pay_back(&mut changes, books, wallet, amount, &parts, at)?;
        let left = left_of(&self.lines, &[before, &lines].concat())?;
        let order = Order { state: refund::state_after(&left), ..order.clone() };
        changes.orders.push(Change::Update(order));
        end_licenses(books, &mut changes, &ended, at)?;
        take_back(books, &mut changes, &self.lines, &lines, self.ask.licenses, at)?;
        let told = (&self.lines[..], &self.asked[..]);
        accept_asked(books, &mut changes, told, &left, self.id, at)?;
        self.cause.write(&mut changes, self.id, at);
        let refund = Refund {
            order: self.ask.order,
            id: self.id,
            transfer: (!amount.is_zero()).then_some(self.moves.back),
            amount,
            licenses: self.ask.licenses,
            reason: self.ask.reason.clone(),
            at,
        };
        let refunded = Refunded::sorted(refund, lines, lots);
        self.record(&mut changes, &refunded, at);
        Ok(Decision::done(Given::Now(Box::new(refunded)), changes))
    }
}

/// What is left of each line of an order after these refunds.
pub(crate) fn left_of(lines: &[Line], before: &[RefundLine]) -> Result<Vec<Extent>, Fault> {
    let left: Option<_> = lines.iter().map(|line| Extent::left(line, before)).collect();
    left.ok_or_else(|| Fault::Bug("more was given back than was sold".into()))
}

/// What goes back of which line by the refund called `id`, of what is `left` of each.
pub(crate) fn lines_back(
    id: Id<Refund>,
    ask: &RefundAsk,
    lines: &[Line],
    left: &[Extent],
) -> Result<Vec<RefundLine>, RefundRefusal> {
    let back = |line: &Line, extent: Extent| RefundLine {
        order: line.order,
        refund: id,
        line: line.id,
        quantity: extent.quantity,
        amount: extent.amount,
    };
    let each = lines.iter().zip(left);
    if ask.lines.is_empty() {
        let lines: Vec<_> = each
            .filter(|(_, left)| !left.is_empty())
            .map(|(line, left)| back(line, *left))
            .collect();
        let nothing = RefundRefusal::AlreadyRefunded(None);
        return if lines.is_empty() { Err(nothing) } else { Ok(lines) };
    }
    let mut named = BTreeSet::new();
    let mut lines = Vec::with_capacity(ask.lines.len());
    for (index, (id, share)) in ask.lines.iter().enumerate() {
        if !named.insert(id) {
            return Err(RefundRefusal::TwiceNamed(index));
        }
        let line = each.clone().find(|(line, _)| line.id == *id);
        let (line, left) = line.ok_or(RefundRefusal::NoSuchLine(index))?;
        let whole = Extent::of(line).ok_or(RefundRefusal::TooMuch(index))?;
        if whole.take(*share, whole).is_err() {
            return Err(RefundRefusal::TooMuch(index));
        }
        match left.take(*share, whole) {
            Ok(extent) if !left.is_empty() => lines.push(back(line, extent)),
            _ => return Err(RefundRefusal::AlreadyRefunded(Some(index))),
        }
    }
    Ok(lines)
}

/// The licenses that end: as many of each line as units go back, those issued last first.
pub(crate) fn licenses_back(
    books: &Books,
    licenses: &[Id<License>],
    policy: LicensePolicy,
    lines: &[RefundLine],
) -> Result<Vec<License>, Fault> {
    let mut ended = Vec::new();
    if policy == LicensePolicy::Keep {
        return Ok(ended);
    }
    for RefundLine { line, quantity, .. } in lines {
        let mut due = usize::try_from(*quantity).unwrap_or(usize::MAX);
        for id in licenses.iter().rev() {
            let license = books.licenses.get(&(*id,))?;
            let license = license.filter(|license| license.line == *line);
            if let Some(license) = license.filter(|license| !license.is_over())
                && due > 0
            {
                ended.push(license.clone());
                due = due.saturating_sub(1);
            }
        }
    }
    Ok(ended)
}

impl GiveBack {
    /// Which lots get what back, of which line.
    fn parts_back(
        &self,
        books: &Books,
        lines: &[RefundLine],
    ) -> Result<Vec<(Id<Line>, Part)>, Fault> {
        let before = books.refund_lots.all(&(self.ask.order,))?;
        let mut all = Vec::new();
        for RefundLine { line, amount, .. } in lines {
            let parts = give_back(*amount, *line, &self.payments, before);
            let parts = parts.ok_or_else(|| Fault::Bug("lots paid less than a line".into()))?;
            all.extend(parts.into_iter().map(|part| (*line, part)));
        }
        Ok(all)
    }

    /// Moves the tokens back into their lots; gives what came back to which, and what of it was gone.
    fn pay_back(
        &self,
        changes: &mut Changes,
        books: &Books,
        wallet: &Wallet,
        amount: Amount,
        parts: &[(Id<Line>, Part)],
        at: Timestamp,
    ) -> Result<Vec<RefundLot>, Fault> {
        if amount.is_zero() {
            return Ok(Vec::new());
        }
        let (order, refund) = (self.ask.order, self.id);
        let mut back = Vec::with_capacity(parts.len());
        for (_, part) in parts {
            let lot = books.lots.get(&(part.lot,))?;
            back.push((lot.ok_or_else(|| Fault::Bug("a lot is gone".into()))?, part.amount));
        }
        let wallet = ledger::expire(changes, wallet, self.moves.due, at)?;
        let transfer = Transfer {
            id: self.moves.back,
            debit: LedgerAccount::House(House::Revenue),
            credit: LedgerAccount::Free(wallet.id),
            amount,
            reason: Reason::Refund,
            subject: order.into(),
            at,
        };
        let wallet = ledger::give_back(changes, &wallet, &back, transfer)?;
        let wallet = ledger::expire(changes, &wallet, self.moves.gone, at)?;
        ledger::settle(changes, books, &wallet, self.moves.debt, at)?;
        let gone = |lot| {
            let expired = |row: &LotChange| row.transfer == self.moves.gone && row.lot == lot;
            changes.lot_changes.iter().any(|change| expired(change.row()))
        };
        // A lot that stays expired has lost all that came back, and one that does not has lost nothing.
        let row = |(line, part): &(Id<Line>, Part)| {
            let Part { lot, amount, .. } = *part;
            let expired = if gone(lot) { amount } else { Amount::ZERO };
            RefundLot { order, refund, line: *line, lot, amount, expired }
        };
        Ok(parts.iter().map(row).collect())
    }

    /// The rows that say what was done, by whom.
    fn record(&self, changes: &mut Changes, refunded: &Refunded, at: Timestamp) {
        let Refunded { refund, lines, lots } = refunded;
        let (account, id, order) = (self.buyer.account, refund.id, refund.order);
        changes.refunds.push(Change::Insert(refund.clone()));
        changes.refund_lines.extend(lines.iter().cloned().map(Change::Insert));
        changes.refund_lots.extend(lots.iter().cloned().map(Change::Insert));
        changes.by_account.push(Change::Insert(Entry::request(
            account,
            self.request,
            self.cause.names(id),
        )));
        let (kind, subject) = (EventType::OrderRefunded, order.into());
        event::tell(changes, Event::new(self.event, kind, account, subject, at));
        let Refund { amount, licenses, reason, .. } = refund;
        let what =
            json!({ "refund": id, "amount": amount, "licenses": licenses, "reason": reason });
        let what = difference(&Value::Null, &what);
        self.note.write(changes, Act::OrderRefunded, order, what, at);
    }
}

/// Ends licenses; what was owned for good can be bought again.
pub(crate) fn end_licenses(
    books: &Books,
    changes: &mut Changes,
    ended: &[License],
    at: Timestamp,
) -> Result<(), Fault> {
    for license in ended {
        let refunded = License { state: LicenseState::Refunded, ..license.clone() };
        change(books, changes, license, refunded, at)?;
    }
    Ok(())
}
