//! The card processor of a world, and its bank: the demo's processor behind the engine's own port, and what goes
//! wrong between the two. It outlives the shop's process, as a processor does.

use std::future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use http::Method;
use scrip_client::{Client, Connector};
use scrip_domain::account::Account;
use scrip_domain::{Amount, Id, Money, Span, Timestamp};
use scrip_engine::processor::demo::{Answer, DemoHook, DemoProcessor, Fate, Mishaps};
use scrip_engine::processor::{
    Asked, Authorization, CardAsk, CustomerName, DisputeState, Headers, Hook, HookRefusal,
    MethodName, Payment, PaymentMethod, PaymentName, PaymentState, Processor, RefundAsk, Search,
    Verb,
};
use tokio::sync::Notify;

use crate::chance::Chance;
use crate::clock::{Elapsed, SimClock};
use crate::plan::{Defect, Plan};
use crate::trace::Trace;

/// What every part of the bank knows: whether the storm is over, and the seed's chance.
#[derive(Debug)]
struct Luck {
    chance: Mutex<Chance>,
    calm: AtomicBool,
    plan: Plan,
}

impl Luck {
    fn new(plan: &Plan, purpose: &str) -> Self {
        let chance = Mutex::new(Chance::of(plan.seed, purpose));
        Self { chance, calm: AtomicBool::new(false), plan: plan.clone() }
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.chance.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct Ills(Arc<Luck>);

impl Mishaps for Ills {
    fn call(&self, _: Verb) -> Fate {
        let mislaid = self.0.plan.mislaid;
        match self.0.draw(|chance| chance.below(1000)) {
            _ if self.0.is_calm() => Fate::Answered,
            draw if draw < mislaid => Fate::LostBefore,
            draw if draw < mislaid * 2 => Fate::LostAfter,
            _ => Fate::Answered,
        }
    }

    fn hook(&self) -> Vec<Span> {
        let late =
            |chance: &mut Chance| Span::millis(u32::try_from(chance.between(0, 5000)).unwrap_or(0));
        self.0.draw(|chance| match chance.below(1000) {
            draw if draw < self.0.plan.mislaid * 2 => Vec::new(),
            draw if draw < self.0.plan.mislaid * 4 => vec![late(chance), late(chance)],
            _ => vec![late(chance)],
        })
    }
}

/// The processor as the shop reaches it: the shop's process may die before each call and after it.
#[derive(Debug)]
pub struct Bank {
    processor: DemoProcessor,
    ills: Arc<Luck>,
    deaths: Luck,
    died: Notify,
    trace: Trace,
}

impl Bank {
    /// The bank of `plan`.
    pub fn new(plan: &Plan, elapsed: &Elapsed, trace: Trace) -> Self {
        let ills = Arc::new(Luck::new(plan, "mishaps"));
        let clock = Arc::new(SimClock::new(elapsed.clone()));
        let processor = DemoProcessor::new(clock, [3; 32], Box::new(Ills(ills.clone())));
        let deaths = Luck::new(plan, "deaths");
        Self { processor, ills, deaths, died: Notify::new(), trace }
    }

    /// Nothing goes wrong any more.
    pub fn calm(&self) {
        self.ills.calm.store(true, Ordering::SeqCst);
        self.deaths.calm.store(true, Ordering::SeqCst);
    }

    /// Every payment, as it is.
    pub fn payments(&self) -> Vec<Payment> {
        self.processor.payments()
    }

    /// Waits until the process is to die.
    pub async fn died(&self) {
        self.died.notified().await;
    }

    /// Whether nothing goes wrong any more.
    pub fn is_calm(&self) -> bool {
        self.deaths.is_calm()
    }

    /// Somebody outside did something.
    pub fn tells(&self, what: &str) {
        self.trace.act("bank", what);
    }

    /// A step between two others, at which the process may die.
    pub async fn stands_at(&self, step: &str) {
        let dying = self.deaths.plan.dying;
        if self.deaths.draw(|chance| chance.permille(dying)) && !self.deaths.is_calm() {
            self.trace.note("shop", &format!("is to die {step}"));
            self.died.notify_one();
            future::pending::<()>().await;
        }
    }

    async fn step(&self, when: &str, verb: Verb) {
        self.stands_at(&format!("{when} {verb}")).await;
    }

    fn around<'a, T: Send + 'a>(&'a self, verb: Verb, call: Asked<'a, T>) -> Asked<'a, T> {
        Box::pin(async move {
            self.step("before", verb).await;
            let answer = call.await;
            let how = if answer.is_ok() { "answers" } else { "does not answer" };
            self.trace.act("bank", &format!("{how} {verb}"));
            self.step("after", verb).await;
            answer
        })
    }
}

impl Processor for Bank {
    fn name(&self) -> &'static str {
        self.processor.name()
    }

    fn authorize<'a>(&'a self, ask: &'a Authorization) -> Asked<'a, Payment> {
        self.around(Verb::Authorize, self.processor.authorize(ask))
    }

    fn capture<'a>(&'a self, payment: &'a PaymentName, money: Money) -> Asked<'a, Payment> {
        self.around(Verb::Capture, self.processor.capture(payment, money))
    }

    fn cancel<'a>(&'a self, payment: &'a PaymentName) -> Asked<'a, Payment> {
        self.around(Verb::Cancel, self.processor.cancel(payment))
    }

    fn refund<'a>(&'a self, ask: &'a RefundAsk) -> Asked<'a, Payment> {
        self.around(Verb::Refund, self.processor.refund(ask))
    }

    fn payment<'a>(&'a self, payment: &'a PaymentName) -> Asked<'a, Payment> {
        let hides = self.deaths.plan.defect == Defect::HidesDisputes;
        let picture = self.processor.payment(payment).map(move |picture| {
            let seen = |picture: Payment| Payment { disputes: Vec::new(), ..picture };
            if hides { picture.map(seen) } else { picture }
        });
        self.around(Verb::Ask, Box::pin(picture))
    }

    fn find<'a>(&'a self, search: &'a Search) -> Asked<'a, Option<Payment>> {
        self.around(Verb::Ask, self.processor.find(search))
    }

    fn customer(&self, account: Id<Account>) -> Asked<'_, CustomerName> {
        self.around(Verb::Customer, self.processor.customer(account))
    }

    fn attach<'a>(
        &'a self,
        customer: &'a CustomerName,
        method: &'a MethodName,
    ) -> Asked<'a, PaymentMethod> {
        self.around(Verb::Attach, self.processor.attach(customer, method))
    }

    fn card_page<'a>(&'a self, ask: &'a CardAsk) -> Asked<'a, String> {
        self.around(Verb::AskForCard, self.processor.card_page(ask))
    }

    fn detach<'a>(&'a self, method: &'a MethodName) -> Asked<'a, ()> {
        self.around(Verb::Detach, self.processor.detach(method))
    }

    fn payment_methods<'a>(&'a self, customer: &'a CustomerName) -> Asked<'a, Vec<PaymentMethod>> {
        self.around(Verb::Ask, self.processor.payment_methods(customer))
    }

    fn hook(&self, headers: Headers<'_>, body: &[u8], now: Timestamp) -> Result<Hook, HookRefusal> {
        self.processor.hook(headers, body, now)
    }
}

/// The bank's people: they carry its messages to the shop, answer for buyers, and dispute.
#[derive(Debug)]
pub struct Clerk {
    bank: Arc<Bank>,
    client: Client,
    chance: Chance,
    waiting: Vec<DemoHook>,
    disputes: u64,
    acting: u64,
}

/// How long the clerk rests between two looks around.
const BREATH: Duration = Duration::from_millis(100);

impl Clerk {
    /// The clerk of `bank`.
    pub fn new(plan: &Plan, bank: Arc<Bank>) -> Result<Self, String> {
        let connector = Connector::new(|host: String, port| async move {
            turmoil::net::TcpStream::connect((host, port)).await
        });
        let client = Client::with_connector("http://shop", connector);
        let client = client.map_err(|error| error.to_string())?;
        let chance = Chance::of(plan.seed, "clerk");
        Ok(Self { bank, client, chance, waiting: Vec::new(), disputes: 0, acting: plan.cards })
    }

    /// Acts until `calm` says that the storm is over; then carries what still waits.
    pub async fn live(&mut self, calm: impl Fn() -> bool) {
        while !calm() {
            self.act();
            self.carry().await;
            tokio::time::sleep(BREATH).await;
        }
        for _ in 0..100 {
            self.carry().await;
            tokio::time::sleep(BREATH).await;
        }
    }

    /// Carries what is due. What is not taken is carried again.
    async fn carry(&mut self) {
        let mut due = std::mem::take(&mut self.waiting);
        due.extend(self.bank.processor.hooks());
        for hook in due {
            let headers: Vec<_> =
                hook.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let request =
                self.client.request(Method::POST, "/v1/hooks/demo", &headers, hook.body.clone());
            let taken = match tokio::time::timeout(Duration::from_secs(2), request).await {
                Ok(Ok(answer)) => answer.status.is_success(),
                Ok(Err(_)) | Err(_) => false,
            };
            let what = String::from_utf8_lossy(&hook.body).into_owned();
            let how = if taken { "is told of" } else { "hears nothing of" };
            self.bank.trace.act("shop", &format!("{how} {what}"));
            if !taken {
                self.waiting.push(hook);
            }
        }
    }

    /// Something happens to a payment, now and then.
    fn act(&mut self) {
        let payments = self.bank.payments();
        for payment in &payments {
            if matches!(payment.state, PaymentState::RequiresAction(_)) && self.chance.permille(200)
            {
                let answer =
                    if self.chance.permille(700) { Answer::Passed } else { Answer::Missed };
                self.note(&format!("{answer:?}"), &payment.name);
                drop(self.bank.processor.answer(&payment.name, answer));
            }
        }
        if !self.chance.permille(self.acting) {
            return;
        }
        let Some(payment) = self.chance.pick(&payments).cloned() else { return };
        let PaymentState::Captured { amount, .. } = payment.state else { return };
        let part = Amount::new(self.chance.between(1, amount.units())).unwrap_or(amount);
        let whole = self.chance.permille(500);
        let part = if whole { amount } else { part };
        match self.chance.below(6) {
            0 | 1 => {
                self.disputes += 1;
                let name = format!("d{}", self.disputes);
                self.note(&format!("disputes {} of", part.units()), &payment.name);
                drop(self.bank.processor.dispute(&payment.name, &name, part));
            }
            2 | 3 => {
                let won = self.chance.permille(500);
                let state = if won { DisputeState::Won } else { DisputeState::Lost };
                self.note(&format!("decides {state:?} for"), &payment.name);
                drop(self.bank.processor.close_dispute(&payment.name, &state));
            }
            4 => {
                self.note(&format!("gives {} back of", part.units()), &payment.name);
                drop(self.bank.processor.refund_by_hand(&payment.name, part));
            }
            _ => {}
        }
    }

    fn note(&self, what: &str, payment: &PaymentName) {
        self.bank.trace.act("bank", &format!("{what} {payment}"));
    }
}
