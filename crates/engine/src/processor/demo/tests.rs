use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::FutureExt;
use proptest::prelude::*;
use scrip_domain::Unit;

use super::*;

/// A clock that is set by hand.
#[derive(Debug, Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Mishaps from a list; calm once it is used up.
#[derive(Debug, Default)]
struct Script {
    fates: Mutex<Vec<Fate>>,
    hooks: Vec<u32>,
}

impl Mishaps for Script {
    fn call(&self, _: Verb) -> Fate {
        self.fates.lock().unwrap().pop().unwrap_or(Fate::Answered)
    }

    fn hook(&self) -> Vec<Span> {
        self.hooks.iter().map(|late| Span::seconds(*late)).collect()
    }
}

fn bank(script: Script) -> (Arc<Hands>, DemoProcessor) {
    let clock = Arc::new(Hands::default());
    (clock.clone(), DemoProcessor::new(clock, [7; 32], Box::new(script)))
}

fn calm() -> DemoProcessor {
    bank(Script::default()).1
}

fn euros(units: u64) -> Money {
    Money { amount: Amount::new(units).unwrap(), unit: Unit::parse("EUR").unwrap() }
}

fn top_up(number: u64) -> Id<TopUp> {
    Id::new(number).unwrap()
}

fn ask(number: u64, method: &str, units: u64) -> Authorization {
    Authorization {
        top_up: top_up(number),
        money: euros(units),
        customer: CustomerName::new("demo_acc").unwrap(),
        method: MethodName::new(method).unwrap(),
        return_url: "https://shop.example/wallet".to_owned(),
        description: "100 AUR".to_owned(),
    }
}

fn refund(payment: &Payment, name: &str, units: u64) -> RefundAsk {
    RefundAsk { name: name.to_owned(), payment: payment.name.clone(), money: euros(units) }
}

/// The demo answers at once.
fn now<T>(asked: Asked<'_, T>) -> Result<T, ProcessorError> {
    asked.now_or_never().expect("nothing to wait for")
}

#[test]
fn each_payment_method_plays_its_part() {
    let bank = calm();
    let state = |method: &str| {
        let number = method.bytes().map(u64::from).sum();
        now(bank.authorize(&ask(number, method, 500)))
    };
    assert_eq!(state("demo_approved").unwrap().state, PaymentState::Authorized);
    let declined = state("demo_declined").unwrap();
    assert_eq!(declined.state, failed("card_declined", Some("insufficient_funds")));
    let review = state("demo_review").unwrap();
    assert_eq!(
        (review.state, review.risk.unwrap().level),
        (PaymentState::Authorized, RiskLevel::Elevated)
    );
    let waiting = state("demo_action").unwrap();
    assert!(matches!(waiting.state, PaymentState::RequiresAction(Action::Redirect(_))));
    let captured = now(bank.capture(&waiting.name, euros(500))).unwrap();
    assert_eq!(captured, waiting, "what is not authorized is not captured");
    assert_eq!(bank.answer(&waiting.name, Answer::Passed).unwrap().state, PaymentState::Authorized);
    let again = bank.answer(&waiting.name, Answer::Missed).unwrap();
    assert_eq!(again.state, PaymentState::Authorized, "the bank asks once");
    assert!(matches!(state("visa"), Err(ProcessorError::Refused { .. })));
}

#[test]
fn another_sum_than_was_authorized_is_not_captured() {
    let bank = calm();
    let payment = now(bank.authorize(&ask(1, "demo_approved", 1000))).unwrap();
    for units in [0, 999, 1001] {
        assert!(now(bank.capture(&payment.name, euros(units))).is_err());
    }
    assert_eq!(now(bank.payment(&payment.name)), Ok(payment));
}

#[test]
fn a_dispute_opens_with_the_capture_and_is_decided() {
    let bank = calm();
    let payment = now(bank.authorize(&ask(1, "demo_disputed", 1000))).unwrap();
    let captured = now(bank.capture(&payment.name, euros(1000))).unwrap();
    assert_eq!(captured.disputes[0].state, DisputeState::Open);
    assert_eq!(bank.totals().unwrap().disputed.units(), 1000);
    let won = bank.close_dispute(&payment.name, &DisputeState::Won).unwrap();
    assert_eq!(won.disputes[0].state, DisputeState::Won);
    let late = bank.close_dispute(&payment.name, &DisputeState::Lost).unwrap();
    assert_eq!(late.disputes[0].state, DisputeState::Lost, "a bank may change its mind");
    let totals = bank.totals().unwrap();
    assert_eq!(
        (totals.captured.units(), totals.fees.units(), totals.disputed.units()),
        (1000, 40, 1000)
    );
}

#[test]
fn a_lost_call_did_nothing_and_a_lost_answer_can_be_found() {
    let fates = Mutex::new(vec![Fate::LostAfter, Fate::Answered, Fate::LostBefore]);
    let (_, bank) = bank(Script { fates, hooks: vec![0] });
    let ask = ask(1, "demo_approved", 500);
    let search = Search {
        top_up: ask.top_up,
        customer: ask.customer.clone(),
        since: Timestamp::from_millis(0),
    };
    assert!(matches!(now(bank.authorize(&ask)), Err(ProcessorError::Unanswered { .. })));
    assert_eq!(now(bank.find(&search)), Ok(None));
    assert!(matches!(now(bank.authorize(&ask)), Err(ProcessorError::Unanswered { .. })));
    let found = now(bank.find(&search)).unwrap().unwrap();
    assert_eq!(now(bank.authorize(&ask)), Ok(found.clone()), "a repeat is the same call");
    let later = Search { since: Timestamp::from_millis(300_001), ..search };
    assert_eq!(now(bank.find(&later)), Ok(None));
    assert_eq!(bank.hooks().len(), 1, "one for the one thing that happened");
}

#[test]
fn hooks_come_late_and_twice_and_only_signed_ones_are_believed() {
    let (clock, bank) = bank(Script { hooks: vec![60, 5], ..Script::default() });
    let payment = now(bank.authorize(&ask(1, "demo_approved", 500))).unwrap();
    assert_eq!(bank.hooks(), []);
    clock.0.store(60_000, Ordering::SeqCst);
    let hooks = bank.hooks();
    assert_eq!(hooks.iter().map(|hook| hook.due.millis()).collect::<Vec<_>>(), [5_000, 60_000]);
    assert_eq!(bank.hooks(), [], "each is given out once");
    let DemoHook { headers, body, .. } = &hooks[0];
    let at = clock.now();
    let signed = |name: &str| (name == headers[0].0).then_some(headers[0].1.as_str());
    assert_eq!(bank.hook(&signed, body, at), Ok(Hook::Payment(payment.name)));
    assert_eq!(bank.hook(&signed, b"demo_other", at), Err(HookRefusal::Forged));
    assert_eq!(bank.hook(&|_| None, body, at), Err(HookRefusal::Unsigned));
}

#[test]
fn payment_methods_are_kept_and_forgotten() {
    let bank = calm();
    let account = Id::new(3).unwrap();
    let ada = now(bank.customer(account)).unwrap();
    assert_eq!(now(bank.customer(account)), Ok(ada.clone()));
    let method = MethodName::new("demo_approved").unwrap();
    let attached = now(bank.attach(&ada, &method)).unwrap();
    assert_eq!(now(bank.payment_methods(&ada)), Ok(vec![attached]));
    assert_eq!(now(bank.payment_methods(&CustomerName::new("bob").unwrap())), Ok(vec![]));
    now(bank.detach(&method)).unwrap();
    assert_eq!(now(bank.payment_methods(&ada)), Ok(vec![]));
    assert!(now(bank.attach(&ada, &MethodName::new("visa").unwrap())).is_err());
}

/// One thing that is done to a payment.
#[derive(Clone, Debug)]
enum Deed {
    Authorize,
    Capture(u64),
    Cancel,
    Refund(u8, u64),
    Answer(bool),
    Close,
}

fn deeds() -> impl Strategy<Value = (Deed, bool)> {
    let deed = prop_oneof![
        Just(Deed::Authorize),
        prop_oneof![Just(1000), 0..1200u64].prop_map(Deed::Capture),
        Just(Deed::Cancel),
        (0..4u8, 0..700u64).prop_map(|(name, units)| Deed::Refund(name, units)),
        any::<bool>().prop_map(Deed::Answer),
        Just(Deed::Close),
    ];
    (deed, any::<bool>())
}

fn does(bank: &DemoProcessor, ask: &Authorization, deed: &Deed) {
    let payment = name_of(ask.top_up).unwrap();
    // A refusal is as good as anything else here.
    let _ = match deed {
        Deed::Authorize => now(bank.authorize(ask)),
        Deed::Capture(units) => now(bank.capture(&payment, euros(*units))),
        Deed::Cancel => now(bank.cancel(&payment)),
        Deed::Refund(name, units) => {
            let (name, money) = (name.to_string(), euros(*units));
            now(bank.refund(&RefundAsk { name, payment, money }))
        }
        Deed::Answer(true) => bank.answer(&payment, Answer::Passed),
        Deed::Answer(false) => bank.answer(&payment, Answer::Missed),
        Deed::Close => bank.close_dispute(&payment, &DisputeState::Lost),
    };
}

proptest! {
    /// Whatever is done, in whatever order: money is not made, and a repeat changes nothing.
    #[test]
    fn the_books_hold(method in 0..METHODS.len(), deeds in prop::collection::vec(deeds(), 1..40)) {
        let bank = calm();
        let ask = ask(1, METHODS[method].0, 1000);
        for (deed, repeated) in deeds {
            does(&bank, &ask, &deed);
            let after = bank.payments();
            if repeated {
                does(&bank, &ask, &deed);
                prop_assert_eq!(&bank.payments(), &after);
            }
            for payment in &after {
                let captured = match &payment.state {
                    PaymentState::Captured { amount, .. } => *amount,
                    _ => Amount::ZERO,
                };
                prop_assert!(captured <= payment.money.amount);
                prop_assert!(payment.refunded <= captured);
                let totals = bank.totals().unwrap();
                prop_assert_eq!((totals.captured, totals.refunded), (captured, payment.refunded));
                prop_assert!(totals.fees <= captured);
            }
        }
    }
}

#[test]
fn a_refund_is_made_once_under_its_name() {
    let bank = calm();
    let payment = now(bank.authorize(&ask(1, "demo_approved", 1000))).unwrap();
    assert!(now(bank.refund(&refund(&payment, "a", 1))).is_err(), "nothing was captured");
    now(bank.capture(&payment.name, euros(1000))).unwrap();
    for _ in 0..2 {
        let part = now(bank.refund(&refund(&payment, "a", 400))).unwrap();
        assert_eq!(part.refunded.units(), 400);
    }
    assert!(now(bank.refund(&refund(&payment, "a", 500))).is_err(), "the name had another amount");
    assert!(now(bank.refund(&refund(&payment, "b", 601))).is_err(), "more than was captured");
    assert_eq!(now(bank.refund(&refund(&payment, "b", 600))).unwrap().refunded.units(), 1000);
}
