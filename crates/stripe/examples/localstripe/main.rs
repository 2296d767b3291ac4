//! The adapter against localstripe, somebody else's fake of Stripe, through a proxy that spoils things.
//!
//! `tests/foreign/stripe.py` starts localstripe and runs this with its port. An assertion that does not hold
//! ends the program. With the word `between` it is the proxy alone, for a whole server in
//! `tests/foreign/funds.py`, which says line by line what befalls the next calls.

mod hooks;
mod proxy;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use scrip_domain::{Amount, Id, Money, Span, Timestamp, Unit};
use scrip_engine::processor::{
    Action, Authorization, CardAsk, CustomerName, DisputeState, MethodName, Payment, PaymentState,
    Processor, ProcessorError, RefundAsk, RiskLevel, Search, Secret,
};
use scrip_stripe::{Settings, Stripe};
use tokio::sync::Semaphore;

use proxy::{Mishap, Proxy, ask};

/// Card numbers to which localstripe gives the meaning that they have at Stripe.
const GOOD: &str = "4242424242424242";
const DECLINED: &str = "4000000000000341";
const DECLINED_AT_ONCE: &str = "4000000000000002";
const CHECKED: &str = "4000002500003155";

const SECRET_KEY: &str = "sk_test_localstripe";

/// The webhook secret, which localstripe is told.
const WEBHOOK_SECRET: &str = "whsec_localstripe";

/// One buyer at one shop.
struct World {
    stripe: Stripe,
    proxy: Arc<Proxy>,
    localstripe: SocketAddr,
    customer: CustomerName,
    top_up: Id<scrip_domain::top_up::TopUp>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("a port");
    let localstripe = SocketAddr::from(([127, 0, 0, 1], port));
    if std::env::args().nth(2).as_deref() == Some("between") {
        return stand_between(localstripe).await;
    }
    for number in 1.. {
        let world = World::new(localstripe, number).await;
        let told = match number {
            1 => captured_once_though_every_answer_is_lost(&world).await,
            2 => declined_cards(&world).await,
            3 => cards_that_the_bank_checks(&world).await,
            4 => cancelled(&world).await,
            5 => refunds(&world).await,
            6 => disputes(&world).await,
            7 => risks(&world).await,
            8 => no_answers(&world).await,
            9 => a_wrong_key(&world).await,
            10 => payment_methods(&world).await,
            11 => hooks::told_and_asked(&world).await,
            _ => break,
        };
        println!("  {told}");
    }
}

/// Is the proxy, until nobody says any more what shall happen. Says first where it stands, and then of each
/// word that it was understood.
async fn stand_between(localstripe: SocketAddr) {
    let (proxy, address) = Proxy::start(localstripe).await;
    println!("{address}");
    let obey = move || {
        let mut gate = Arc::new(Semaphore::new(0));
        for line in std::io::stdin().lines() {
            match line.expect("a line").as_str() {
                "answered" => proxy.let_happen([Mishap::Answered]),
                "lost before" => proxy.let_happen([Mishap::LostBefore]),
                "lost after" => proxy.let_happen([Mishap::LostAfter]),
                held @ ("held at authorize" | "held at capture") => {
                    // Who was held before may be gone: its permit is not for the next one.
                    gate = Arc::new(Semaphore::new(0));
                    let end =
                        if held.ends_with("capture") { "/capture" } else { "/payment_intents" };
                    proxy.let_happen([Mishap::HeldAt(end, gate.clone())]);
                }
                "let go" => gate.add_permits(1),
                "elevated" => proxy.assess_next("elevated", 70),
                other => match other.split(' ').collect::<Vec<_>>()[..] {
                    ["dispute", payment, status, units] => {
                        proxy.dispute(payment, status, units.parse().expect("an amount"));
                    }
                    _ => panic!("{other} is no word"),
                },
            }
            println!("understood");
        }
    };
    tokio::task::spawn_blocking(obey).await.expect("it hears to the end");
}

impl World {
    async fn new(localstripe: SocketAddr, number: u64) -> Self {
        let (proxy, api_base) = Proxy::start(localstripe).await;
        let stripe = client(SECRET_KEY, api_base, Duration::from_secs(20));
        let customer = stripe.customer(Id::new(number).expect("an id")).await.expect("a customer");
        let top_up = Id::new(number).expect("an id");
        Self { stripe, proxy, localstripe, customer, top_up }
    }

    /// What a buyer's browser gets from Stripe for a card.
    async fn card(&self, number: &str) -> MethodName {
        let form = format!(
            "type=card&card[number]={number}&card[exp_month]=12&card[exp_year]=2030&card[cvc]=123"
        );
        let made = self.localstripe("POST", "/v1/payment_methods", form).await;
        MethodName::new(made["id"].as_str().expect("it was made")).expect("a name")
    }

    async fn localstripe(&self, method: &str, path: &str, form: String) -> serde_json::Value {
        let reply = ask(self.localstripe, method, path, "Bearer sk_test_direct", form.into()).await;
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.body);
        reply.body
    }

    fn ask(&self, method: MethodName) -> Authorization {
        Authorization {
            top_up: self.top_up,
            money: euros(1250),
            customer: self.customer.clone(),
            method,
            return_url: "https://shop.example/wallet?a=1&b=2".to_owned(),
            description: "125 AUR".to_owned(),
        }
    }

    async fn authorized(&self, number: &str) -> Payment {
        let ask = self.ask(self.card(number).await);
        self.stripe.authorize(&ask).await.expect("a picture")
    }

    async fn captured(&self) -> Payment {
        let payment = self.authorized(GOOD).await;
        self.stripe.capture(&payment.name, payment.money).await.expect("a picture")
    }
}

fn client(key: &str, api_base: String, patience: Duration) -> Stripe {
    let settings = Settings {
        secret_key: Secret::new(key),
        publishable_key: "pk_test_localstripe".to_owned(),
        webhook_secret: Secret::new(WEBHOOK_SECRET),
        api_base,
        patience,
    };
    Stripe::new(&settings).expect("good settings")
}

fn euros(units: u64) -> Money {
    let amount = Amount::new(units).expect("in range");
    Money { amount, unit: Unit::parse("EUR").expect("a currency") }
}

fn is_unanswered<T: std::fmt::Debug>(answer: &Result<T, ProcessorError>) -> bool {
    matches!(answer, Err(ProcessorError::Unanswered { .. }))
}

fn is_captured(payment: &Payment) -> bool {
    matches!(&payment.state, PaymentState::Captured { amount, .. } if *amount == payment.money.amount)
}

async fn captured_once_though_every_answer_is_lost(world: &World) -> &'static str {
    let World { stripe, proxy, .. } = world;
    let ask = world.ask(world.card(GOOD).await);
    let (customer, since) = (ask.customer.clone(), Timestamp::from_millis(0));
    let search = Search { top_up: ask.top_up, customer, since };
    proxy.let_happen([Mishap::LostBefore]);
    assert!(is_unanswered(&stripe.authorize(&ask).await));
    assert_eq!(stripe.find(&search).await, Ok(None));
    proxy.let_happen([Mishap::LostAfter]);
    assert!(is_unanswered(&stripe.authorize(&ask).await));
    let found = stripe.find(&search).await.expect("an answer").expect("it was made");
    assert_eq!(found.state, PaymentState::Authorized);
    let repeated = stripe.authorize(&ask).await.expect("a picture");
    assert_eq!(repeated, found, "a repeat is the same call");
    for mishap in [Mishap::LostBefore, Mishap::LostAfter] {
        proxy.let_happen([mishap]);
        assert!(is_unanswered(&stripe.capture(&found.name, found.money).await));
    }
    let captured = stripe.capture(&found.name, found.money).await.expect("a picture");
    assert!(is_captured(&captured), "{captured:?}");
    assert_eq!(captured.top_up, Some(world.top_up));
    let again = stripe.authorize(&ask).await.expect("a picture");
    assert_eq!(again, captured, "a remembered answer is not believed");
    let of = format!("/v1/charges?customer={}", world.customer);
    let charges = world.localstripe("GET", &of, String::new()).await;
    assert_eq!(charges["total_count"], 1, "charged once");
    "approved and captured once, though every answer is lost once"
}

async fn declined_cards(world: &World) -> &'static str {
    let declined = world.authorized(DECLINED).await;
    let PaymentState::Failed { reason, decline_code } = &declined.state else {
        panic!("{declined:?}")
    };
    assert_eq!(
        (reason.as_str(), decline_code.as_deref()),
        ("card_declined", Some("generic_decline"))
    );
    let ask = world.ask(world.card(DECLINED).await);
    let other = world.stripe.authorize(&ask).await;
    let Err(ProcessorError::Refused { code, .. }) = other else { panic!("{other:?}") };
    assert_eq!(code, "idempotency_error", "another card needs another top-up");
    let method = world.card(DECLINED_AT_ONCE).await;
    let attached = world.stripe.attach(&world.customer, &method).await;
    let Err(ProcessorError::Refused { code, .. }) = attached else { panic!("{attached:?}") };
    assert_eq!(code, "card_declined");
    "a declined card is a picture"
}

async fn cards_that_the_bank_checks(world: &World) -> &'static str {
    for passes in [true, false] {
        let World { stripe, .. } = world;
        let mut ask = world.ask(world.card(CHECKED).await);
        ask.top_up = Id::new(1000 + u64::from(passes)).expect("an id");
        let waiting = stripe.authorize(&ask).await.expect("a picture");
        let PaymentState::RequiresAction(Action::Redirect(url)) = &waiting.state else {
            panic!("{waiting:?}")
        };
        assert!(url.ends_with(&ask.return_url), "{url}");
        assert_eq!(stripe.capture(&waiting.name, waiting.money).await, Ok(waiting.clone()));
        let path = format!("/v1/payment_intents/{}", waiting.name);
        let intent = world.localstripe("GET", &path, String::new()).await;
        let secret = intent["client_secret"].as_str().expect("a secret");
        let answer = format!("client_secret={secret}&success={passes}");
        world.localstripe("POST", &format!("{path}/_authenticate"), answer).await;
        let state = stripe.payment(&waiting.name).await.expect("a picture").state;
        if passes {
            assert_eq!(state, PaymentState::Authorized);
        } else {
            assert!(matches!(state, PaymentState::Failed { .. }), "{state:?}");
        }
    }
    "a card that the bank checks: passed, and not passed"
}

async fn cancelled(world: &World) -> &'static str {
    let World { stripe, proxy, .. } = world;
    let payment = world.authorized(GOOD).await;
    proxy.let_happen([Mishap::LostAfter]);
    assert!(is_unanswered(&stripe.cancel(&payment.name).await));
    for _ in 0..2 {
        let cancelled = stripe.cancel(&payment.name).await.expect("a picture");
        assert_eq!(cancelled.state, PaymentState::Cancelled);
    }
    let late = stripe.capture(&payment.name, payment.money).await.expect("a picture");
    assert_eq!(late.state, PaymentState::Cancelled, "too late to capture, and told so");
    "cancelled for good"
}

async fn refunds(world: &World) -> &'static str {
    let World { stripe, proxy, .. } = world;
    let payment = world.captured().await;
    let refund = |name: &str, units| RefundAsk {
        name: name.to_owned(),
        payment: payment.name.clone(),
        money: euros(units),
    };
    let part = refund("trf_part", 250);
    // The second call is the refund; the first one looks whether it was made.
    for mishap in [Mishap::LostBefore, Mishap::LostAfter] {
        let looked = Mishap::Held(Arc::new(Semaphore::new(1)));
        proxy.let_happen([looked, mishap]);
        assert!(is_unanswered(&stripe.refund(&part).await));
    }
    for _ in 0..2 {
        assert_eq!(stripe.refund(&part).await.expect("a picture").refunded, euros(250).amount);
        proxy.forget_keys();
    }
    let whole = stripe.refund(&refund("trf_rest", 1000)).await.expect("a picture");
    assert_eq!(whole.refunded, euros(1250).amount);
    assert!(is_captured(&whole));
    "refunds of a part and of the rest, each once"
}

async fn disputes(world: &World) -> &'static str {
    let World { stripe, proxy, .. } = world;
    let payment = world.captured().await;
    assert_eq!(payment.disputes, []);
    for (status, state) in [
        ("warning_needs_response", DisputeState::Inquiry),
        ("needs_response", DisputeState::Open),
        ("won", DisputeState::Won),
        ("lost", DisputeState::Lost),
    ] {
        proxy.dispute(payment.name.as_str(), status, 1250);
        let disputes = stripe.payment(&payment.name).await.expect("a picture").disputes;
        assert_eq!((disputes.len(), disputes[0].amount), (1, euros(1250).amount));
        assert_eq!(disputes[0].state, state);
    }
    proxy.let_happen([Mishap::Held(Arc::new(Semaphore::new(1))), Mishap::Status(503)]);
    let half = stripe.payment(&payment.name).await;
    assert!(is_unanswered(&half), "no picture without its disputes");
    "disputes opened, won and lost"
}

async fn risks(world: &World) -> &'static str {
    let payment = world.authorized(GOOD).await;
    assert_eq!(payment.risk.clone().expect("assessed").level, RiskLevel::Normal);
    world.proxy.assess(payment.name.as_str(), "highest", 91);
    let risk = world.stripe.payment(&payment.name).await.expect("a picture").risk;
    let risk = risk.expect("assessed");
    assert_eq!((risk.level, risk.score), (RiskLevel::Highest, Some(91)));
    "the risk that Stripe saw"
}

async fn no_answers(world: &World) -> &'static str {
    let World { stripe, proxy, .. } = world;
    let payment = world.authorized(GOOD).await;
    let garbage = ["", "<html>", "[]", "{}", r#"{"id": "pi_1", "amount": -1}"#, "\0"];
    for text in garbage {
        proxy.let_happen([Mishap::Garbage(text)]);
        assert!(is_unanswered(&stripe.payment(&payment.name).await), "{text}");
    }
    for status in [500, 502, 503, 504, 429, 409, 302] {
        proxy.let_happen([Mishap::Status(status)]);
        let answer = stripe.payment(&payment.name).await;
        let Err(ProcessorError::Unanswered { retry_after, .. }) = answer else {
            panic!("{status}: {answer:?}")
        };
        assert_eq!(retry_after, Some(Span::seconds(9)));
    }
    // A client without patience: the answer waits behind a gate that opens only afterwards.
    let (slow, api_base) = Proxy::start(world.localstripe).await;
    let gate = Arc::new(Semaphore::new(0));
    slow.let_happen([Mishap::Held(gate.clone())]);
    let hasty = client(SECRET_KEY, api_base, Duration::from_millis(300));
    assert!(is_unanswered(&hasty.capture(&payment.name, payment.money).await), "too late");
    gate.add_permits(1);
    let closed = client(SECRET_KEY, "http://127.0.0.1:1".to_owned(), Duration::from_secs(20));
    assert!(is_unanswered(&closed.payment(&payment.name).await), "nobody is there");
    let captured = stripe.payment(&payment.name).await.expect("a picture");
    assert!(is_captured(&captured), "what was answered too late was done: {captured:?}");
    "garbage, errors, silence: nobody knows, until asked again"
}

async fn a_wrong_key(world: &World) -> &'static str {
    let payment = world.authorized(GOOD).await;
    let (_, api_base) = Proxy::start(world.localstripe).await;
    // localstripe takes every sk_ for right, and nothing else.
    let stranger = client("rk_test_wrong", api_base, Duration::from_secs(20));
    for answer in [
        stranger.payment(&payment.name).await,
        stranger.authorize(&world.ask(world.card(GOOD).await)).await,
        stranger.cancel(&payment.name).await,
    ] {
        assert!(matches!(answer, Err(ProcessorError::Refused { .. })), "{answer:?}");
    }
    let unharmed = world.stripe.payment(&payment.name).await.expect("a picture");
    assert_eq!(unharmed.state, PaymentState::Authorized);
    "a wrong key is refused"
}

async fn payment_methods(world: &World) -> &'static str {
    let World { stripe, proxy, customer, .. } = world;
    let method = world.card(GOOD).await;
    proxy.let_happen([Mishap::LostAfter]);
    assert!(is_unanswered(&stripe.attach(customer, &method).await));
    let attached = stripe.attach(customer, &method).await.expect("attached");
    assert_eq!((attached.brand.as_str(), attached.last_four.as_str()), ("visa", "4242"));
    assert_eq!(stripe.payment_methods(customer).await, Ok(vec![attached]));
    stripe.detach(&method).await.expect("detached");
    assert_eq!(stripe.payment_methods(customer).await, Ok(vec![]));
    let nobody = MethodName::new("pm_nobody").expect("a name");
    let refused = stripe.attach(customer, &nobody).await;
    assert!(matches!(refused, Err(ProcessorError::Refused { .. })), "{refused:?}");
    let ask = CardAsk {
        account: Id::new(10).expect("an id"),
        customer: customer.clone(),
        kept_url: "https://shop.example/kept?next=%2Fcart".to_owned(),
        left_url: "https://shop.example/account#cards".to_owned(),
    };
    let page = stripe.card_page(&ask).await.expect("a page");
    let asked = proxy.asked(&page);
    for (name, value) in [
        ("mode", "setup"),
        ("customer", customer.as_str()),
        ("client_reference_id", &ask.account.to_string()),
        ("success_url", &ask.kept_url),
        ("cancel_url", &ask.left_url),
    ] {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
    }
    // What Stripe's page does with the card that it was given.
    let given = world.card(GOOD).await;
    let path = format!("/v1/payment_methods/{given}/attach");
    world.localstripe("POST", &path, format!("customer={customer}")).await;
    let listed = stripe.payment_methods(customer).await.expect("a list");
    assert_eq!(listed.iter().map(|card| &card.name).collect::<Vec<_>>(), [&given]);
    "payment methods are kept and forgotten, and given on a page"
}
