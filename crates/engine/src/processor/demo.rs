//! A processor that moves no money: for the demo, and for the simulator, which lets things go wrong in it.
//!
//! The payment method says what happens:
//!
//! | payment method | what the bank does |
//! |---|---|
//! | `demo_approved` | approves |
//! | `demo_declined` | declines |
//! | `demo_review` | approves, at an elevated risk |
//! | `demo_action` | wants to see the buyer, who answers with [`DemoProcessor::answer`] |
//! | `demo_disputed` | approves, and takes the money back once it is captured |
//!
//! The same calls give the same names and pictures, so that a run can be repeated. It keeps books of its
//! own, by which an auditor can tell whether the engine's are right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future;
use scrip_domain::account::Account;
use scrip_domain::merchant::origin_of;
use scrip_domain::top_up::TopUp;
use scrip_domain::{Amount, Clock, Id, Money, Span, Timestamp};
use subtle::ConstantTimeEq;

use crate::keys::mac;

use super::{
    Action, Asked, Authorization, CardAsk, ChargeName, CustomerName, Dispute, DisputeName,
    DisputeState, Expiry, Headers, Hook, HookRefusal, MethodName, Payment, PaymentMethod,
    PaymentName, PaymentState, Processor, ProcessorError, RefundAsk, Risk, RiskLevel, Search, Verb,
};

/// What it is called.
const NAME: &str = "demo";

/// The header that carries a hook's signature.
const SIGNATURE: &str = "demo-signature";

/// What the demo's bank keeps of a capture: 1.5 % and 25 of the smallest unit.
const FEE_PERMILLE: u64 = 15;
const FEE_FIXED: u64 = 25;

/// How far the shop's clock may be ahead of the processor's.
const SKEW: Span = Span::minutes(5);

/// The payment methods that there are, each with its last four digits.
const METHODS: &[(&str, &str)] = &[
    ("demo_approved", "0001"),
    ("demo_declined", "0002"),
    ("demo_review", "0003"),
    ("demo_action", "0004"),
    ("demo_disputed", "0005"),
];

/// Whether a card of this processor is everybody's, attached or not: the demo's are.
pub fn is_everybodys(processor: &str, method: &str) -> bool {
    processor == NAME && METHODS.iter().any(|(name, _)| *name == method)
}

/// What goes wrong between the engine and the processor. The simulator decides by its seed.
pub trait Mishaps: Send + Sync + fmt::Debug {
    /// What becomes of a call.
    fn call(&self, verb: Verb) -> Fate;

    /// How late each copy of a hook comes: none for a lost one, two for one that comes twice.
    fn hook(&self) -> Vec<Span>;
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is answered.
    Answered,
    /// It never arrives.
    LostBefore,
    /// It is carried out, and its answer is lost.
    LostAfter,
}

/// Nothing goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct Calm;

impl Mishaps for Calm {
    fn call(&self, _: Verb) -> Fate {
        Fate::Answered
    }

    fn hook(&self) -> Vec<Span> {
        vec![Span::millis(0)]
    }
}

/// A hook on its way, for whoever carries it to `POST /v1/hooks/demo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoHook {
    /// When it arrives.
    pub due: Timestamp,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Sums of the processor's own books. They tell nothing of currencies: a demo has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DemoTotals {
    /// Taken.
    pub captured: Amount,
    /// Given back.
    pub refunded: Amount,
    /// Kept.
    pub fees: Amount,
    /// Taken back by banks, for now or for good.
    pub disputed: Amount,
}

/// The processor of the demo.
pub struct DemoProcessor {
    clock: Arc<dyn Clock>,
    secret: [u8; 32],
    mishaps: Box<dyn Mishaps>,
    /// Whether the bank has a page; without one the buyer comes straight back.
    has_page: bool,
    books: Mutex<Books>,
}

/// What the bank asks its customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The payment, as it is now.
    pub payment: Payment,
    /// What the buyer reads beside it.
    pub description: String,
    /// Where the browser goes after the answer.
    pub return_url: String,
}

/// How the buyer answers the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The bank believes that it is the buyer.
    Passed,
    /// It does not.
    Missed,
}

#[derive(Debug, Default)]
struct Books {
    payments: BTreeMap<PaymentName, Card>,
    attached: BTreeSet<(CustomerName, MethodName)>,
    /// Pages that ask for a card, by their names, which nobody can guess.
    pages: BTreeMap<String, CardAsk>,
    hooks: Vec<DemoHook>,
}

/// A payment, and what the picture of it does not say.
#[derive(Debug)]
struct Card {
    payment: Payment,
    customer: CustomerName,
    method: MethodName,
    made_at: Timestamp,
    description: String,
    return_url: String,
    /// What was given back, by our names of the refunds.
    refunds: BTreeMap<String, Amount>,
}

impl fmt::Debug for DemoProcessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DemoProcessor").field("mishaps", &self.mishaps).finish_non_exhaustive()
    }
}

impl DemoProcessor {
    /// A processor with empty books that signs its hooks with `secret`.
    pub fn new(clock: Arc<dyn Clock>, secret: [u8; 32], mishaps: Box<dyn Mishaps>) -> Self {
        Self { clock, secret, mishaps, has_page: false, books: Mutex::default() }
    }

    /// With a page on which the buyer answers the bank: `/demo/bank/` and the payment's name, on the server
    /// that the browser comes back to.
    #[must_use]
    pub fn with_page(mut self) -> Self {
        self.has_page = true;
        self
    }

    /// What the bank asks the buyer of a payment, or has asked.
    pub fn question(&self, payment: &PaymentName) -> Option<Question> {
        let books = self.books();
        let card = books.payments.get(payment)?;
        Some(Question {
            payment: card.payment.clone(),
            description: card.description.clone(),
            return_url: card.return_url.clone(),
        })
    }

    /// The buyer answers the bank, where it has asked.
    pub fn answer(&self, payment: &PaymentName, answer: Answer) -> Result<Payment, ProcessorError> {
        self.change(&mut self.books(), payment, |card| {
            if matches!(card.payment.state, PaymentState::RequiresAction(_)) {
                card.payment.state = match answer {
                    Answer::Passed => PaymentState::Authorized,
                    Answer::Missed => failed("authentication_failed", None),
                };
                card.payment.risk = Some(risk(RiskLevel::Normal, 10));
            }
            Ok(())
        })
    }

    /// What the page of that name asks.
    pub fn asked_card(&self, page: &str) -> Option<CardAsk> {
        self.books().pages.get(page).cloned()
    }

    /// The buyer gives a card on the page of that name.
    pub fn give_card(&self, page: &str, method: MethodName) -> Result<(), ProcessorError> {
        let gone = || ProcessorError::refused("no_such_page", "there is no such page");
        let mut books = self.books();
        let customer = books.pages.get(page).ok_or_else(gone)?.customer.clone();
        described(&method).ok_or_else(no_such_method)?;
        books.attached.insert((customer, method));
        Ok(())
    }

    /// The buyer's bank wants `amount` back, and takes it for now. `name` tells it from other disputes of the payment.
    pub fn dispute(
        &self,
        payment: &PaymentName,
        name: &str,
        amount: Amount,
    ) -> Result<Payment, ProcessorError> {
        self.change(&mut self.books(), payment, |card| {
            let PaymentState::Captured { amount: captured, .. } = card.payment.state else {
                return Err(ProcessorError::refused("wrong_state", "nothing was captured"));
            };
            let name = DisputeName::new(format!("{payment}_{name}")).ok_or_else(nameless)?;
            let known = card.payment.disputes.iter().any(|dispute| dispute.name == name);
            if !known {
                card.payment.disputes.push(Dispute {
                    name,
                    amount: amount.min(captured),
                    state: DisputeState::Open,
                    reason: "fraudulent".to_owned(),
                });
            }
            Ok(())
        })
    }

    /// Somebody of the vendor's gives money back in the processor's own dashboard.
    pub fn refund_by_hand(
        &self,
        payment: &PaymentName,
        amount: Amount,
    ) -> Result<Payment, ProcessorError> {
        self.change(&mut self.books(), payment, |card| {
            let money = Money { amount, unit: card.payment.money.unit };
            let name = format!("dashboard_{}", card.refunds.len());
            card.refund(&RefundAsk { name, payment: payment.clone(), money })
        })
    }

    /// The bank decides what is in dispute, or decides anew.
    pub fn close_dispute(
        &self,
        payment: &PaymentName,
        state: &DisputeState,
    ) -> Result<Payment, ProcessorError> {
        self.change(&mut self.books(), payment, |card| {
            let disputes = card.payment.disputes.iter_mut();
            disputes.for_each(|dispute| dispute.state = state.clone());
            Ok(())
        })
    }

    /// The hooks that have become due, in the order in which they arrive. Each is given out once.
    pub fn hooks(&self) -> Vec<DemoHook> {
        let now = self.clock.now();
        let mut books = self.books();
        let waiting = std::mem::take(&mut books.hooks).into_iter();
        let (mut due, later): (Vec<_>, Vec<_>) = waiting.partition(|hook| hook.due <= now);
        books.hooks = later;
        due.sort_by_key(|hook| hook.due);
        due
    }

    /// Every payment as it is, for an auditor.
    pub fn payments(&self) -> Vec<Payment> {
        self.books().payments.values().map(|card| card.payment.clone()).collect()
    }

    /// What has been moved in all; `None` beyond the range of an amount.
    pub fn totals(&self) -> Option<DemoTotals> {
        let mut totals = DemoTotals::default();
        for payment in self.payments() {
            if let PaymentState::Captured { amount, fee, .. } = payment.state {
                let fee = fee.map_or(Amount::ZERO, |fee| fee.amount);
                totals.captured = totals.captured.checked_add(amount)?;
                totals.fees = totals.fees.checked_add(fee)?;
            }
            totals.refunded = totals.refunded.checked_add(payment.refunded)?;
            for dispute in payment.disputes {
                if matches!(dispute.state, DisputeState::Open | DisputeState::Lost) {
                    totals.disputed = totals.disputed.checked_add(dispute.amount)?;
                }
            }
        }
        Some(totals)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call on its way: what it does happens when it is awaited, unless it is lost.
    fn call<'a, T: Send + 'a>(
        &'a self,
        verb: Verb,
        effect: impl FnOnce(&mut Books) -> Result<T, ProcessorError> + Send + 'a,
    ) -> Asked<'a, T> {
        Box::pin(future::lazy(move |_| {
            let fate = self.mishaps.call(verb);
            if fate == Fate::LostBefore {
                return Err(ProcessorError::unanswered("the call was lost"));
            }
            let answer = effect(&mut self.books());
            if fate == Fate::LostAfter {
                return Err(ProcessorError::unanswered("the answer was lost"));
            }
            answer
        }))
    }

    /// Changes a payment, and sends hooks of it if it is no longer what it was.
    fn change(
        &self,
        books: &mut Books,
        payment: &PaymentName,
        change: impl FnOnce(&mut Card) -> Result<(), ProcessorError>,
    ) -> Result<Payment, ProcessorError> {
        let unknown = || ProcessorError::refused("no_such_payment", "there is no such payment");
        let card = books.payments.get_mut(payment).ok_or_else(unknown)?;
        let before = card.payment.clone();
        change(card)?;
        let after = card.payment.clone();
        if after != before {
            books.hooks.extend(self.hooks_of(payment));
        }
        Ok(after)
    }

    fn hooks_of(&self, payment: &PaymentName) -> Vec<DemoHook> {
        let now = self.clock.now();
        let late = self.mishaps.hook().into_iter();
        late.map(|late| DemoHook {
            due: now.plus(late),
            headers: vec![(SIGNATURE, self.sign(payment.as_str().as_bytes()))],
            body: payment.as_str().as_bytes().to_vec(),
        })
        .collect()
    }

    fn sign(&self, body: &[u8]) -> String {
        base16ct::lower::encode_string(&mac(&self.secret, body))
    }
}

impl Processor for DemoProcessor {
    fn name(&self) -> &'static str {
        NAME
    }

    fn authorize<'a>(&'a self, ask: &'a Authorization) -> Asked<'a, Payment> {
        self.call(Verb::Authorize, |books| {
            let name = name_of(ask.top_up)?;
            if let Some(card) = books.payments.get(&name) {
                let same = card.payment.money == ask.money
                    && (&card.customer, &card.method) == (&ask.customer, &ask.method);
                let other = || ProcessorError::refused("key_reused", "the key had another call");
                return same.then(|| card.payment.clone()).ok_or_else(other);
            }
            let payment = authorized(ask, name.clone(), self.has_page)?;
            let card = Card {
                payment: payment.clone(),
                customer: ask.customer.clone(),
                method: ask.method.clone(),
                made_at: self.clock.now(),
                description: ask.description.clone(),
                return_url: ask.return_url.clone(),
                refunds: BTreeMap::new(),
            };
            books.payments.insert(name.clone(), card);
            books.hooks.extend(self.hooks_of(&name));
            Ok(payment)
        })
    }

    fn capture<'a>(&'a self, payment: &'a PaymentName, money: Money) -> Asked<'a, Payment> {
        self.call(Verb::Capture, move |books| {
            self.change(books, payment, |card| card.capture(money))
        })
    }

    fn cancel<'a>(&'a self, payment: &'a PaymentName) -> Asked<'a, Payment> {
        self.call(Verb::Cancel, move |books| {
            self.change(books, payment, |card| {
                let state = &mut card.payment.state;
                if matches!(state, PaymentState::RequiresAction(_) | PaymentState::Authorized) {
                    *state = PaymentState::Cancelled;
                }
                Ok(())
            })
        })
    }

    fn refund<'a>(&'a self, ask: &'a RefundAsk) -> Asked<'a, Payment> {
        self.call(Verb::Refund, move |books| {
            self.change(books, &ask.payment, |card| card.refund(ask))
        })
    }

    fn payment<'a>(&'a self, payment: &'a PaymentName) -> Asked<'a, Payment> {
        self.call(Verb::Ask, move |books| self.change(books, payment, |_| Ok(())))
    }

    fn find<'a>(&'a self, search: &'a Search) -> Asked<'a, Option<Payment>> {
        self.call(Verb::Ask, move |books| {
            let found = books.payments.get(&name_of(search.top_up)?);
            let since = search.since.minus(SKEW);
            let found =
                found.filter(|card| card.customer == search.customer && card.made_at >= since);
            Ok(found.map(|card| card.payment.clone()))
        })
    }

    fn customer(&self, account: Id<Account>) -> Asked<'_, CustomerName> {
        self.call(Verb::Customer, move |_| {
            CustomerName::new(format!("demo_{account}")).ok_or_else(nameless)
        })
    }

    fn attach<'a>(
        &'a self,
        customer: &'a CustomerName,
        method: &'a MethodName,
    ) -> Asked<'a, PaymentMethod> {
        self.call(Verb::Attach, move |books| {
            let attached = described(method).ok_or_else(no_such_method)?;
            books.attached.insert((customer.clone(), method.clone()));
            Ok(attached)
        })
    }

    fn card_page<'a>(&'a self, ask: &'a CardAsk) -> Asked<'a, String> {
        self.call(Verb::AskForCard, |books| {
            let home = origin_of(&ask.kept_url).ok_or_else(nameless)?;
            let name = self.sign(format!("page {} {}", books.pages.len(), ask.customer).as_bytes());
            books.pages.insert(name.clone(), ask.clone());
            Ok(format!("{home}/demo/bank/cards/{name}"))
        })
    }

    fn detach<'a>(&'a self, method: &'a MethodName) -> Asked<'a, ()> {
        self.call(Verb::Detach, move |books| {
            books.attached.retain(|(_, attached)| attached != method);
            Ok(())
        })
    }

    fn payment_methods<'a>(&'a self, customer: &'a CustomerName) -> Asked<'a, Vec<PaymentMethod>> {
        self.call(Verb::Ask, move |books| {
            let own = books.attached.iter().filter(|(owner, _)| owner == customer);
            Ok(own.filter_map(|(_, method)| described(method)).collect())
        })
    }

    fn demo_bank(&self) -> Option<&DemoProcessor> {
        Some(self)
    }

    fn hook(&self, headers: Headers<'_>, body: &[u8], _: Timestamp) -> Result<Hook, HookRefusal> {
        let signature = headers(SIGNATURE).ok_or(HookRefusal::Unsigned)?;
        if !bool::from(signature.as_bytes().ct_eq(self.sign(body).as_bytes())) {
            return Err(HookRefusal::Forged);
        }
        let name = std::str::from_utf8(body).ok().and_then(PaymentName::new);
        name.map(Hook::Payment).ok_or(HookRefusal::Unreadable)
    }
}

impl Card {
    /// Takes the money once; a repeat, and a payment that can no longer be captured, change nothing.
    fn capture(&mut self, money: Money) -> Result<(), ProcessorError> {
        if self.payment.state != PaymentState::Authorized {
            return Ok(());
        }
        if money != self.payment.money {
            return Err(ProcessorError::refused("wrong_amount", "not what was authorized"));
        }
        let Money { amount, unit } = money;
        let fee = fee(amount).map(|amount| Money { amount, unit });
        let name = &self.payment.name;
        let charge = ChargeName::new(format!("{name}_charge")).ok_or_else(nameless)?;
        if self.method.as_str() == "demo_disputed" {
            self.payment.disputes.push(Dispute {
                name: DisputeName::new(format!("{name}_dispute")).ok_or_else(nameless)?,
                amount,
                state: DisputeState::Open,
                reason: "fraudulent".to_owned(),
            });
        }
        self.payment.state = PaymentState::Captured { charge, amount, fee };
        Ok(())
    }

    /// Gives money back once under each name, and never more than was taken.
    fn refund(&mut self, ask: &RefundAsk) -> Result<(), ProcessorError> {
        let refused = |why: &str| Err(ProcessorError::refused("wrong_amount", why));
        let PaymentState::Captured { amount: captured, .. } = self.payment.state else {
            return refused("nothing was captured");
        };
        match self.refunds.get(&ask.name) {
            Some(amount) if *amount == ask.money.amount => return Ok(()),
            Some(_) => return refused("this refund had another amount"),
            None => {}
        }
        let refunded = self.payment.refunded.checked_add(ask.money.amount);
        let taken = refunded.and_then(|refunded| refunded.checked_add(self.payment.disputed()));
        let (Some(refunded), true) = (refunded, taken.is_some_and(|taken| taken <= captured))
        else {
            return refused("more than was captured, or is left beside a dispute");
        };
        if ask.money.unit != self.payment.money.unit || ask.money.amount.is_zero() {
            return refused("nothing, or another currency");
        }
        self.refunds.insert(ask.name.clone(), ask.money.amount);
        self.payment.refunded = refunded;
        Ok(())
    }
}

/// The payment as the bank of the payment method answers; to see the buyer it has a page, or none.
fn authorized(
    ask: &Authorization,
    name: PaymentName,
    has_page: bool,
) -> Result<Payment, ProcessorError> {
    if ask.money.amount.is_zero() {
        return Err(ProcessorError::refused("wrong_amount", "there is nothing to pay"));
    }
    let normal = || Some(risk(RiskLevel::Normal, 10));
    let (state, risk) = match ask.method.as_str() {
        "demo_approved" | "demo_disputed" => (PaymentState::Authorized, normal()),
        "demo_declined" => (failed("card_declined", Some("insufficient_funds")), normal()),
        "demo_review" => (PaymentState::Authorized, Some(risk(RiskLevel::Elevated, 70))),
        "demo_action" => {
            let home = origin_of(&ask.return_url).filter(|_| has_page);
            let page = home.map(|home| format!("{home}/demo/bank/{name}"));
            let page = page.unwrap_or_else(|| ask.return_url.clone());
            (PaymentState::RequiresAction(Action::Redirect(page)), None)
        }
        _ => return Err(no_such_method()),
    };
    Ok(Payment {
        name,
        top_up: Some(ask.top_up),
        state,
        money: ask.money,
        refunded: Amount::ZERO,
        risk,
        disputes: Vec::new(),
    })
}

/// Made from our id, so that a repeat finds it and a replayed run has the same names.
fn name_of(top_up: Id<TopUp>) -> Result<PaymentName, ProcessorError> {
    PaymentName::new(format!("demo_{top_up}")).ok_or_else(nameless)
}

fn described(method: &MethodName) -> Option<PaymentMethod> {
    let (_, last_four) = METHODS.iter().find(|(name, _)| *name == method.as_str())?;
    Some(PaymentMethod {
        name: method.clone(),
        brand: "demo".to_owned(),
        last_four: (*last_four).to_owned(),
        expires: Expiry { year: 2099, month: 12 },
    })
}

/// Rounded up, and never more than what was taken.
fn fee(amount: Amount) -> Option<Amount> {
    let share = amount.checked_mul(FEE_PERMILLE)?.units().div_ceil(1000);
    Amount::new(share.checked_add(FEE_FIXED)?).map(|fee| fee.min(amount))
}

fn risk(level: RiskLevel, score: u8) -> Risk {
    Risk { level, score: Some(score) }
}

fn failed(reason: &str, decline_code: Option<&str>) -> PaymentState {
    PaymentState::Failed {
        reason: reason.to_owned(),
        decline_code: decline_code.map(str::to_owned),
    }
}

fn no_such_method() -> ProcessorError {
    ProcessorError::refused("no_such_payment_method", "the demo has no such payment method")
}

/// Our ids fit into a name, so this is never seen.
fn nameless() -> ProcessorError {
    ProcessorError::refused("no_name", "an id that is no name")
}

#[cfg(test)]
mod tests;
