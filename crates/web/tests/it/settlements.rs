//! Two vendors that close cycles, agree on them and settle them: what one tells the other goes signed through its router.
//!
//! The exchanges are written into both books as they stand when they are done; how they come to that, is tested elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};

use scrip_domain::agreement::Figures;
use scrip_domain::document::exchange::Paid;
use scrip_domain::exchange::{Exchange, ExchangeState, Incoming, IncomingState};
use scrip_domain::partner::{EntryKind, Partner, PartnerEntry, Side};
use scrip_domain::{Amount, Id, Money, Span, Timestamp, Unit};
use scrip_engine::partner::SettlementNews;
use scrip_testkit::rows::{Books, Change, Changes, Command, Decision, Fault, Wants};
use scrip_testkit::{Answer, Shop, Way};
use serde_json::{Value, json};

use crate::partners::{AURORA, BELLE, Vendors};

/// Checks of the doctor that are about what is tested here.
const CHECKS: [&str; 8] = [
    "statement-sums",
    "statement-chain",
    "statement-states",
    "statement-entries",
    "statement-documents",
    "settlements",
    "feed",
    "index-events",
];

static NUMBERS: AtomicU64 = AtomicU64::new(1 << 40);

pub fn number() -> u64 {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

pub fn id<T>(number: u64) -> Id<T> {
    Id::new(number).unwrap()
}

pub fn amount(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

/// Writes what a partner's row becomes, and what hangs from it.
struct Write<F> {
    partner: Id<Partner>,
    write: F,
}

impl<F> Command for Write<F>
where
    F: Fn(&Partner, &mut Changes, Timestamp) -> Partner + Send + 'static,
{
    type Receipt = Partner;
    type Refusal = ();

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Partner, ()>, Fault> {
        let partner = books.partners.get(&(self.partner,))?.unwrap();
        let mut changes = Changes::default();
        let after = (self.write)(partner, &mut changes, at);
        changes.partners.push(Change::Update(after.clone()));
        Ok(Decision::done(after, changes))
    }
}

pub async fn write(
    shop: &Shop,
    partner: Id<Partner>,
    write: impl Fn(&Partner, &mut Changes, Timestamp) -> Partner + Send + 'static,
) -> Partner {
    shop.app.engine.store().submit(Write { partner, write }).await.unwrap().unwrap()
}

pub fn figures(micros: u64) -> Figures {
    let one = amount(1);
    Figures { give: one, receive: one, compensation: amount(micros), numerator: 1, denominator: 1 }
}

fn entry(
    partner: &Partner,
    side: Side,
    micros: u64,
    subject: u64,
    cycle: u32,
    at: Timestamp,
) -> PartnerEntry {
    let (id, kind) = (id(number()), EntryKind::Exchange);
    PartnerEntry { partner: partner.id, id, side, kind, amount: amount(micros), subject, cycle, at }
}

/// An exchange that was committed at `shop`, fulfilled or not answered yet. Gives the cycle to which it belongs.
pub async fn commit(
    shop: &Shop,
    of: Id<Partner>,
    exchange: u64,
    micros: u64,
    answered: bool,
) -> u32 {
    let partner = write(shop, of, move |partner, changes, at| {
        let state = if answered { ExchangeState::Fulfilled } else { ExchangeState::Committed };
        changes.exchanges.push(Change::Insert(Exchange {
            id: id(exchange),
            account: id(1),
            partner: partner.id,
            agreement: partner.agreement.unwrap(),
            quote: id(exchange),
            figures: figures(micros),
            state,
            hold: id(exchange),
            reason: None,
            prepared: Some(String::new()),
            commit: Some(String::new()),
            answer: answered.then(String::new),
            transfer: Some(id(exchange)),
            cycle: Some(partner.cycle),
            at,
            committed_at: Some(at),
            answered_at: answered.then_some(at),
            written_off_at: None,
            told: None,
            due_at: None,
            attempts: 0,
        }));
        let entry = entry(partner, Side::Payable, micros, exchange, partner.cycle, at);
        changes.partner_entries.push(Change::Insert(entry));
        let payable = partner.payable.credited(amount(micros)).unwrap();
        Partner { payable, ..partner.clone() }
    });
    partner.await.cycle
}

/// The same at the partner, which has issued for it.
pub async fn fulfil(shop: &Shop, of: Id<Partner>, exchange: u64, micros: u64, cycle: u32) {
    write(shop, of, move |partner, changes, at| {
        changes.incoming_exchanges.push(Change::Insert(Incoming {
            partner: partner.id,
            exchange: id(exchange),
            quote: format!("q{exchange}"),
            offer: None,
            account: Some(id(1)),
            agreement: partner.agreement,
            figures: Some(figures(micros)),
            state: IncomingState::Fulfilled,
            prepared: Some(String::new()),
            commit: Some(String::new()),
            answer: Some(String::new()),
            transfer: Some(id(exchange)),
            lot: None,
            cycle: Some(cycle),
            at,
            until: at,
            answered_at: Some(at),
        }));
        let entry = entry(partner, Side::Receivable, micros, exchange, cycle, at);
        changes.partner_entries.push(Change::Insert(entry));
        let receivable = partner.receivable.debited(amount(micros)).unwrap();
        Partner { receivable, ..partner.clone() }
    })
    .await;
}

/// Two vendors under an agreement.
pub struct Two(Vendors);

impl std::ops::Deref for Two {
    type Target = Vendors;

    fn deref(&self) -> &Vendors {
        &self.0
    }
}

impl Two {
    pub async fn open() -> Self {
        Self(Vendors::agreed().await)
    }

    pub fn ids(&self) -> [Id<Partner>; 2] {
        [self.partners[0].parse().unwrap(), self.partners[1].parse().unwrap()]
    }

    /// What the first gives the second's buyers for, in millionths: done on both sides.
    pub async fn a_owes(&self, micros: u64) -> u64 {
        let ([b, a], exchange) = (self.ids(), number());
        let cycle = commit(&self.a, b, exchange, micros, true).await;
        fulfil(&self.b, a, exchange, micros, cycle).await;
        exchange
    }

    /// The other way round.
    pub async fn b_owes(&self, micros: u64) -> u64 {
        let ([b, a], exchange) = (self.ids(), number());
        let cycle = commit(&self.b, a, exchange, micros, true).await;
        fulfil(&self.a, b, exchange, micros, cycle).await;
        exchange
    }

    pub async fn agreement(&self, shop: &Shop) -> String {
        let all = shop.get("/v1/admin/agreements", &shop.admin).await;
        all.at("/data/0/id").to_owned()
    }

    pub async fn close(&self, shop: &Shop) -> Answer {
        let path = format!("/v1/admin/agreements/{}/close-cycle", self.agreement(shop).await);
        let answer = shop.post(&path, &shop.admin, "", json!({})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    /// Both do what is due, now and again a little later, until nothing is.
    pub async fn settle_down(&self) {
        for _ in 0..4 {
            for shop in [&self.a, &self.b] {
                shop.app.engine.run_settlements().await.unwrap();
            }
            self.a.advance(Span::seconds(40)).await;
            self.b.advance(Span::millis(0)).await;
        }
    }

    /// The statement of a cycle, at both.
    pub async fn statements(&self, cycle: u32) -> [Value; 2] {
        [statement(&self.a, cycle).await, statement(&self.b, cycle).await]
    }

    pub async fn states(&self, cycle: u32) -> [String; 2] {
        self.statements(cycle).await.map(|row| row["state"].as_str().unwrap_or_default().to_owned())
    }

    /// What each owes the other by its own books: payable and receivable of the first, then of the second.
    pub async fn owed(&self) -> [u64; 4] {
        let [b, a] = self.ids();
        let at = async |shop: &Shop, partner| {
            let row = shop.app.engine.store().partner(partner).await.unwrap().unwrap();
            [row.owed_to_it().units(), row.owed_by_it().units()]
        };
        let ([out, back], [there_out, there_back]) = (at(&self.a, b).await, at(&self.b, a).await);
        [out, back, there_out, there_back]
    }

    pub async fn suspended(&self, shop: &Shop) -> Option<String> {
        let [b, a] = self.ids();
        let partner = if shop.app.public_url == AURORA { b } else { a };
        let row = shop.app.engine.store().partner(partner).await.unwrap().unwrap();
        row.suspended.map(|why| why.to_string())
    }

    pub async fn checked(&self) {
        for shop in [&self.a, &self.b] {
            checked(shop).await;
        }
    }

    /// The partner's row at the first, and at the second.
    pub async fn rows(&self) -> [Partner; 2] {
        let [b, a] = self.ids();
        [
            self.a.app.engine.store().partner(b).await.unwrap().unwrap(),
            self.b.app.engine.store().partner(a).await.unwrap().unwrap(),
        ]
    }
}

pub async fn checked(shop: &Shop) {
    let report = shop.app.engine.doctor().await.unwrap();
    let unsound: Vec<_> =
        report.unsound().filter(|check| CHECKS.contains(&check.name.as_str())).collect();
    assert!(unsound.is_empty(), "{unsound:?}");
}

pub async fn statement(shop: &Shop, cycle: u32) -> Value {
    let list = shop.get("/v1/admin/statements", &shop.admin).await;
    assert_eq!(list.status, 200, "{list:?}");
    let all = list.json["data"].as_array().unwrap();
    let found = all.iter().find(|row| row["cycle"] == cycle).cloned().unwrap_or_default();
    let Some(id) = found["id"].as_str() else { return found };
    shop.get(&format!("/v1/admin/statements/{id}"), &shop.admin).await.json
}

pub async fn compare(shop: &Shop, statement: &str) -> Answer {
    let path = format!("/v1/admin/statements/{statement}/compare");
    let authorization = format!("Bearer {}", shop.admin);
    shop.send("POST", &path, &[("authorization", &authorization)], Value::Null).await
}

pub async fn instruct(shop: &Shop, cycle: u32, method: &str) -> Answer {
    let row = statement(shop, cycle).await;
    let mut body = json!({ "statement": row["id"] });
    if !method.is_empty() {
        body["method"] = method.into();
    }
    shop.post("/v1/admin/settlements", &shop.admin, "", body).await
}

async fn act(shop: &Shop, settlement: &str, what: &str) -> Answer {
    let path = format!("/v1/admin/settlements/{settlement}/{what}");
    shop.send("POST", &path, &[("authorization", &format!("Bearer {}", shop.admin))], Value::Null)
        .await
}

pub async fn received(shop: &Shop, settlement: &str, key: &str, cents: u64, unit: &str) -> Answer {
    let path = format!("/v1/admin/settlements/{settlement}/received");
    let body = json!({ "money": { "amount": cents, "unit": unit }, "reference": "line 4" });
    shop.post(&path, &shop.admin, key, body).await
}

async fn events(shop: &Shop) -> Vec<String> {
    while shop.app.engine.publish().await.unwrap() > 0 {}
    let feed = shop.get("/v1/events?limit=100", &shop.admin).await;
    let all = feed.json["data"].as_array().unwrap().iter();
    let ours = all.filter(|event| event["data"]["object"] == "statement");
    ours.map(|event| {
        assert_eq!(event["account"], Value::Null);
        event["type"].as_str().unwrap().to_owned()
    })
    .collect()
}

#[tokio::test]
async fn a_cycle_is_closed_agreed_paid_and_settled() {
    let two = Two::open().await;
    two.a_owes(12_345_678).await;
    two.b_owes(2_000_009).await;
    two.a_owes(5).await;
    let closed = two.close(&two.a).await;
    assert_eq!((closed.at("/state"), closed.json["cycle"].as_u64()), ("agreed", Some(1)));
    let [here, there] = two.statements(1).await;
    assert_eq!((here["state"].as_str(), there["state"].as_str()), (Some("agreed"), Some("agreed")));
    assert_eq!(here["gross_out"]["display"], "12.345683 EUR");
    assert_eq!(here["gross_in"]["display"], "2.000009 EUR");
    assert_eq!((&here["count_out"], &here["count_in"]), (&json!(2), &json!(1)));
    assert_eq!(
        (&here["net"]["display"], &there["net"]["display"]),
        (&json!("10.34 EUR"), &json!("-10.34 EUR"))
    );
    assert_eq!(here["carried_out"]["display"], "0.005674 EUR");
    assert_eq!(there["carried_out"]["display"], "-0.005674 EUR");
    assert_eq!(here["lines"]["data"].as_array().unwrap().len(), 3);
    assert_eq!(here["lines"]["data"][2]["way"], "in");
    let repeated = json!({ "cycle": 1 });
    let path = format!("/v1/admin/agreements/{}/close-cycle", two.agreement(&two.a).await);
    let again = two.a.post(&path, &two.a.admin, "", repeated).await;
    assert_eq!(again.json["statement"], closed.json["statement"]);
    let early = two.a.post(&path, &two.a.admin, "", json!({ "cycle": 3 })).await;
    assert_eq!(early.status, 404);

    // Only who owes instructs.
    assert_eq!(instruct(&two.b, 1, "recorded").await.code(), "settlement_side");
    assert_eq!(instruct(&two.a, 1, "").await.code(), "settlement_side");
    let made = instruct(&two.a, 1, "recorded").await;
    assert_eq!((made.status, made.at("/state"), made.at("/direction")), (201, "instructed", "pay"));
    assert_eq!(instruct(&two.a, 1, "recorded").await.json, made.json);
    assert_eq!(instruct(&two.a, 1, "pain001").await.code(), "settlement_exists");
    let id = made.at("/id").to_owned();
    assert_eq!(received(&two.a, &id, "k", 1034, "EUR").await.code(), "settlement_side");
    assert_eq!(act(&two.a, &id, "write-off").await.code(), "settlement_side");
    two.settle_down().await;
    let there = two.b.get("/v1/admin/settlements", &two.b.admin).await;
    assert_eq!(there.at("/data/0/reference"), made.at("/reference"));
    assert_eq!(
        (there.at("/data/0/state"), there.at("/data/0/direction")),
        ("instructed", "receive")
    );
    let there_id = there.at("/data/0/id").to_owned();
    assert_eq!(act(&two.b, &there_id, "sent").await.code(), "settlement_side");
    assert_eq!(act(&two.a, &id, "sent").await.at("/state"), "sent");
    assert_eq!(act(&two.a, &id, "sent").await.at("/state"), "sent");
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["sent", "sent"]);

    nothing_else_is_taken(&two, &there_id).await;
    let paid = received(&two.b, &there_id, "k", 1034, "EUR").await;
    assert_eq!((paid.status, paid.at("/state")), (200, "settled"), "{paid:?}");
    let again = received(&two.b, &there_id, "k", 1034, "EUR").await;
    assert_eq!((again.header("idempotency-replayed"), &again.json), ("true", &paid.json));
    assert_eq!(
        received(&two.b, &there_id, "k", 1033, "EUR").await.code(),
        "idempotency_key_reused"
    );
    assert_eq!(received(&two.b, &there_id, "other", 1034, "EUR").await.code(), "statement_state");
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["settled", "settled"]);
    assert_eq!(two.owed().await, [5_674, 0, 0, 5_674], "what is carried is owed still");
    let receipt = two.a.get(&format!("/v1/admin/settlements/{id}"), &two.a.admin).await;
    assert!(receipt.at("/receipt").split('.').count() == 3 && !receipt.at("/ended_at").is_empty());
    for shop in [&two.a, &two.b] {
        assert_eq!(events(shop).await, ["settlement.agreed", "settlement.settled"]);
    }
    let audit = two.b.get("/v1/admin/audit", &two.b.admin).await;
    assert_eq!(audit.at("/data/0/act"), "settlement.received");
    two.checked().await;
}

/// Exactly what was to be paid settles a payment: 10.34 EUR.
async fn nothing_else_is_taken(two: &Two, there_id: &str) {
    for (cents, unit) in [(1033, "EUR"), (1035, "EUR"), (1034, "USD")] {
        let wrong = received(&two.b, there_id, "k", cents, unit).await;
        assert_eq!((wrong.status, wrong.code()), (409, "settlement_amount"), "{wrong:?}");
        assert_eq!(wrong.at("/due/display"), "10.34 EUR");
    }
    assert_eq!(two.owed().await, [12_345_683, 2_000_009, 2_000_009, 12_345_683], "nothing moved");
}

#[tokio::test]
async fn what_evens_out_is_settled_at_once() {
    let two = Two::open().await;
    two.a_owes(5_000_000).await;
    two.b_owes(4_999_999).await;
    two.close(&two.b).await;
    assert_eq!(two.states(1).await, ["settled", "settled"]);
    assert_eq!(two.owed().await, [1, 0, 0, 1]);
    let [here, _] = two.statements(1).await;
    assert_eq!((&here["settlement"], &here["pay_until"]), (&Value::Null, &Value::Null));
    assert_eq!(instruct(&two.a, 1, "recorded").await.code(), "statement_state");
    // An empty cycle carries on what was carried.
    two.close(&two.a).await;
    let [here, there] = two.statements(2).await;
    assert_eq!(
        (&here["carried_out"]["amount"], &there["carried_in"]["amount"]),
        (&json!(1), &json!(-1))
    );
    assert_eq!(two.states(2).await, ["settled", "settled"]);
    two.checked().await;
}

#[tokio::test]
async fn every_message_may_be_lost_or_come_twice() {
    for way in [Way::Lost, Way::AnswerLost] {
        let two = Two::open().await;
        two.a_owes(7_000_000).await;
        two.b_owes(9_000_000).await;
        two.network.fate("/accounts/1", &[way, way, way]);
        two.close(&two.a).await;
        two.settle_down().await;
        assert_eq!(two.states(1).await, ["agreed", "agreed"], "{way:?}");
        two.network.fate("/settlements/1", &[way, way, way, way]);
        let made = instruct(&two.b, 1, "recorded").await;
        two.settle_down().await;
        act(&two.b, made.at("/id"), "sent").await;
        two.settle_down().await;
        let there = two.a.get("/v1/admin/settlements", &two.a.admin).await;
        assert_eq!(there.at("/data/0/state"), "sent", "{way:?}");
        two.network.fate("/settlements/1", &[way, way]);
        let paid = received(&two.a, there.at("/data/0/id"), "k", 200, "EUR").await;
        assert_eq!(paid.status, 200, "{paid:?}");
        two.settle_down().await;
        assert_eq!(two.states(1).await, ["settled", "settled"], "{way:?}");
        assert_eq!(two.owed().await, [0, 0, 0, 0]);
        two.checked().await;
    }
}

#[tokio::test]
async fn only_the_creditors_own_receipt_is_believed() {
    let two = Two::open().await;
    two.a_owes(7_000_000).await;
    two.close(&two.a).await;
    let made = instruct(&two.a, 1, "recorded").await;
    let (reference, money) = (
        made.at("/reference").to_owned(),
        Money { amount: amount(700), unit: Unit::parse("EUR").unwrap() },
    );
    let [partner, back] = two.rows().await;
    let paid = Paid {
        issuer: BELLE.into(),
        audience: AURORA.into(),
        issued_at: 1,
        cycle: 1,
        reference: reference.clone(),
        money,
    };
    let by_b = |paid: &Paid| two.b.app.engine.sign_document(paid).unwrap();
    let less = Money { amount: amount(699), ..money };
    for forged in [
        by_b(&Paid { money: less, ..paid.clone() }),
        by_b(&Paid { reference: "SCRIP-OTHER".into(), ..paid.clone() }),
        by_b(&Paid { cycle: 2, ..paid.clone() }),
        by_b(&Paid { audience: BELLE.into(), ..paid.clone() }),
        by_b(&Paid { issuer: AURORA.into(), ..paid.clone() }),
        two.a.app.engine.sign_document(&paid).unwrap(),
        "a.b.c".to_owned(),
    ] {
        let heard =
            two.a.app.engine.hear_settlement(&partner, 1, SettlementNews::Received(forged)).await;
        assert!(heard.unwrap().is_err());
        assert_eq!(
            (two.states(1).await[0].as_str(), two.owed().await[0]),
            ("instructed", 7_000_000)
        );
    }
    // The creditor is not told by anything but its own side that it has been paid.
    let own = two
        .a
        .app
        .engine
        .sign_document(&Paid { issuer: AURORA.into(), audience: BELLE.into(), ..paid.clone() })
        .unwrap();
    for news in [
        SettlementNews::Received(own),
        SettlementNews::Sent("SCRIP-OTHER".into()),
        SettlementNews::Instructed(String::new()),
    ] {
        assert!(two.b.app.engine.hear_settlement(&back, 1, news).await.unwrap().is_err());
    }
    // The true one is believed, also before anything was told to the creditor, and twice.
    for _ in 0..2 {
        let news = SettlementNews::Received(by_b(&paid));
        two.a.app.engine.hear_settlement(&partner, 1, news).await.unwrap().unwrap();
        assert_eq!((two.states(1).await[0].as_str(), two.owed().await[0]), ("settled", 0));
    }
    two.checked().await;
}

#[tokio::test]
async fn who_does_not_pay_is_reminded_and_suspended_until_it_does() {
    let two = Two::open().await;
    two.a_owes(7_000_000).await;
    two.close(&two.a).await;
    two.pass(Span::days(14)).await;
    two.settle_down().await;
    for shop in [&two.a, &two.b] {
        assert_eq!(events(shop).await[..2], ["settlement.agreed", "settlement.overdue"]);
    }
    assert_eq!((two.suspended(&two.a).await, two.suspended(&two.b).await), (None, None));
    two.pass(Span::days(7)).await;
    two.settle_down().await;
    two.work().await;
    assert_eq!(
        two.suspended(&two.b).await.as_deref(),
        Some("overdue"),
        "the creditor waits no longer"
    );
    assert_eq!(two.suspended(&two.a).await, None);
    assert!(two.rows().await[0].suspended_there);
    // It pays without having said so before.
    let entered = instruct(&two.b, 1, "").await;
    assert_eq!((entered.status, entered.at("/direction")), (201, "receive"), "{entered:?}");
    let paid = received(&two.b, entered.at("/id"), "k", 700, "EUR").await;
    assert_eq!(paid.status, 200, "{paid:?}");
    two.settle_down().await;
    two.work().await;
    assert_eq!(two.states(1).await, ["settled", "settled"]);
    assert_eq!(two.suspended(&two.b).await, None);
    assert!(!two.rows().await[0].suspended_there);
    two.checked().await;
}

#[tokio::test]
async fn what_is_given_up_may_come_after_all() {
    let two = Two::open().await;
    two.a_owes(7_000_009).await;
    two.b_owes(1_000_000).await;
    two.close(&two.a).await;
    let made = instruct(&two.b, 1, "").await;
    let id = made.at("/id").to_owned();
    for _ in 0..2 {
        let given_up = act(&two.b, &id, "write-off").await;
        assert_eq!((given_up.status, given_up.at("/state")), (200, "written_off"));
    }
    assert_eq!(two.owed().await, [7_000_009, 1_000_000, 0, 9], "only the creditor has given up");
    two.checked().await;
    let paid = received(&two.b, &id, "k", 600, "EUR").await;
    assert_eq!((paid.status, paid.at("/state")), (200, "written_off"), "{paid:?}");
    assert_eq!(received(&two.b, &id, "other", 600, "EUR").await.code(), "statement_state");
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["settled", "written_off"]);
    assert_eq!(two.owed().await, [9, 0, 0, 9]);
    two.checked().await;
}

async fn put(shop: &Shop, path: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {}", shop.admin);
    shop.send("PUT", path, &[("authorization", &authorization)], body).await
}

#[tokio::test]
async fn a_bank_gets_a_file() {
    let two = Two::open().await;
    two.a_owes(12_345_678).await;
    two.close(&two.a).await;
    let missing = instruct(&two.a, 1, "pain001").await;
    assert_eq!((missing.status, missing.code()), (409, "bank_details_missing"));
    let theirs = format!("/v1/admin/partners/{}/bank", two.partners[0]);
    assert_eq!(two.a.get("/v1/admin/bank", &two.a.admin).await.status, 404);
    for (field, body) in [
        ("iban", json!({ "name": "A", "iban": "DE88370400440532013000" })),
        ("iban", json!({ "name": "A", "iban": "" })),
        ("bic", json!({ "name": "A", "iban": "DE89370400440532013000", "bic": "X" })),
        ("name", json!({ "name": "日本", "iban": "DE89370400440532013000" })),
        ("name", json!({ "name": "", "iban": "DE89370400440532013000" })),
    ] {
        let wrong = put(&two.a, "/v1/admin/bank", body).await;
        assert_eq!(
            (wrong.code(), wrong.at("/errors/0/field")),
            ("invalid_field", field),
            "{wrong:?}"
        );
    }
    let own = json!({ "name": "Müller & Söhne", "iban": "DE89 3704 0044 0532 0130 00", "bic": "cobadeffxxx" });
    let kept = put(&two.a, "/v1/admin/bank", own).await;
    assert_eq!(
        (kept.status, kept.at("/iban"), kept.at("/bic")),
        (200, "DE89370400440532013000", "COBADEFFXXX")
    );
    assert_eq!(instruct(&two.a, 1, "pain001").await.code(), "bank_details_missing");
    let kept =
        put(&two.a, &theirs, json!({ "name": "Belle <Isle>", "iban": "NL91ABNA0417164300" })).await;
    assert_eq!((kept.status, &kept.json["bic"]), (200, &Value::Null));
    assert_eq!(two.a.get(&theirs, &two.a.admin).await.json, kept.json);
    let made = instruct(&two.a, 1, "pain001").await;
    assert_eq!((made.status, made.at("/method")), (201, "pain001"), "{made:?}");
    let path = format!("/v1/admin/settlements/{}/pain001", made.at("/id"));
    let file = two.a.get(&path, &two.a.admin).await;
    assert_eq!((file.status, file.header("content-type")), (200, "application/xml"));
    let text = String::from_utf8(file.bytes.clone()).unwrap();
    let reference = made.at("/reference");
    assert!(text.contains(&format!("<EndToEndId>{reference}</EndToEndId>")), "{text}");
    assert!(
        text.contains("<InstdAmt Ccy=\"EUR\">12.34</InstdAmt>") && text.contains("Muller + Sohne")
    );
    assert!(text.contains("<Nm>Belle .Isle.</Nm>"));
    assert_eq!(
        two.a.get(&path, &two.a.admin).await.bytes,
        file.bytes,
        "asked again it is the same"
    );
    assert_eq!(two.a.get(&path, "").await.status, 401);
    // Once it is paid, nobody is to pay it again.
    two.settle_down().await;
    let there = two.b.get("/v1/admin/settlements", &two.b.admin).await;
    received(&two.b, there.at("/data/0/id"), "k", 1234, "EUR").await;
    two.settle_down().await;
    assert_eq!(two.a.get(&path, &two.a.admin).await.code(), "statement_state");
    let audit = two.a.get("/v1/admin/audit?limit=100", &two.a.admin).await;
    let acts = audit.json["data"].as_array().unwrap().iter();
    assert_eq!(acts.filter(|act| act["act"] == "bank_details.changed").count(), 2);
}

#[tokio::test]
async fn over_many_cycles_all_that_is_owed_is_paid() {
    let two = Two::open().await;
    let mut chance = 7_u64;
    let mut next = |most: u64| {
        chance =
            chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % most
    };
    let (mut owed, mut paid) = (0_i64, 0_i64);
    for cycle in 1..=12 {
        for _ in 0..next(4) {
            let micros = 1 + next(40_000);
            owed += i64::try_from(micros).unwrap();
            two.a_owes(micros).await;
        }
        for _ in 0..next(4) {
            let micros = 1 + next(40_000);
            owed -= i64::try_from(micros).unwrap();
            two.b_owes(micros).await;
        }
        let by = if next(2) == 0 { &two.a } else { &two.b };
        two.close(by).await;
        two.settle_down().await;
        let [here, there] = two.statements(cycle).await;
        let net = here["net"]["amount"].as_i64().unwrap();
        assert_eq!(there["net"]["amount"].as_i64().unwrap(), -net);
        paid += net * 10_000;
        if net != 0 {
            let (debtor, creditor) = if net > 0 { (&two.a, &two.b) } else { (&two.b, &two.a) };
            assert_eq!(instruct(debtor, cycle, "recorded").await.status, 201);
            two.settle_down().await;
            let row = statement(creditor, cycle).await;
            let id = row["settlement"].as_str().unwrap();
            let done =
                received(creditor, id, &format!("k{cycle}"), net.unsigned_abs(), "EUR").await;
            assert_eq!(done.status, 200, "{done:?}");
            two.settle_down().await;
        }
        assert_eq!(two.states(cycle).await, ["settled", "settled"], "cycle {cycle}");
        let carried = here["carried_out"]["amount"].as_i64().unwrap();
        assert_eq!(paid + carried, owed);
        let [out, back, there_out, there_back] =
            two.owed().await.map(|micros| i64::try_from(micros).unwrap());
        assert_eq!((out - back, there_out - there_back), (carried, -carried));
    }
    two.checked().await;
}

#[tokio::test]
async fn strangers_hear_nothing_of_what_two_owe() {
    let two = Two::open().await;
    two.a_owes(7_000_000).await;
    for (method, path) in [
        ("PUT", "/v1/peer/accounts/1"),
        ("GET", "/v1/peer/accounts/1/out"),
        ("POST", "/v1/peer/settlements/1"),
    ] {
        let body = if method == "GET" { Value::Null } else { json!({}) };
        let refused = two.a.send(method, path, &[], body).await;
        assert_eq!((refused.status, refused.code()), (401, "signature_refused"), "{path}");
    }
    let buyer = two.a.buyer("ada@example.com", 0).await;
    for path in ["statements", "settlements", "bank", "settlements/stl_0000000000001/pain001"] {
        let path = format!("/v1/admin/{path}");
        assert_eq!(two.a.get(&path, "").await.status, 401, "{path}");
        assert_eq!(two.a.get(&path, &buyer).await.status, 403, "{path}");
    }
    for path in ["statements/stm_0000000000001", "settlements/stl_0000000000001"] {
        assert_eq!(two.a.get(&format!("/v1/admin/{path}"), &two.a.admin).await.status, 404);
    }
    let events = two.a.get("/v1/events?limit=100", &buyer).await;
    assert!(
        events.json["data"].as_array().unwrap().iter().all(|event| event["account"] != Value::Null)
    );
}

/// The vendors of buyers' own exchanges.
pub fn two(linked: crate::exchanges::Linked) -> (Two, String) {
    (Two(linked.vendors), linked.ada)
}

pub async fn exchange(two: &Two, ada: &str, give: u64) {
    let body = json!({ "partner": two.partners[0], "give": { "amount": give, "unit": "AUR" } });
    let quote = two.a.post("/v1/exchange-quotes", ada, "", body).await;
    assert_eq!(quote.status, 201, "{quote:?}");
    let body = json!({ "quote": quote.at("/id") });
    let done = two.a.post("/v1/exchanges", ada, &format!("x{}", number()), body).await;
    assert!([200, 202].contains(&done.status), "{done:?}");
    for shop in [&two.a, &two.b] {
        shop.app.engine.run_exchanges().await.unwrap();
    }
}

/// Pays what the first owes for a cycle.
async fn pay(two: &Two, cycle: u32) -> u64 {
    let cents = statement(&two.a, cycle).await["net"]["amount"].as_u64().unwrap();
    assert_eq!(instruct(&two.a, cycle, "recorded").await.status, 201);
    two.settle_down().await;
    let row = statement(&two.b, cycle).await;
    let id = row["settlement"].as_str().unwrap();
    let paid = received(&two.b, id, &format!("pay{cycle}"), cents, "EUR").await;
    assert_eq!(paid.status, 200, "{paid:?}");
    two.settle_down().await;
    cents
}

#[tokio::test]
async fn what_buyers_exchange_is_settled_to_nothing() {
    let (two, ada) = two(crate::exchanges::Linked::open().await);
    let mut owed = 0;
    for (cycle, gives) in [(1, vec![1_000, 250, 333]), (2, vec![100]), (3, vec![777, 101])] {
        for give in gives {
            exchange(&two, &ada, give).await;
            // A hundred units are a euro.
            owed += give;
        }
        two.close(if cycle == 2 { &two.b } else { &two.a }).await;
        two.settle_down().await;
        assert_eq!(two.states(cycle).await, ["agreed", "agreed"]);
        owed -= pay(&two, cycle).await;
        assert_eq!(
            (two.states(cycle).await, owed),
            (["settled".to_owned(), "settled".to_owned()], 0)
        );
        assert_eq!(two.owed().await, [0, 0, 0, 0]);
        two.sound().await;
    }
}

#[tokio::test]
async fn each_exchange_may_be_settled_by_itself() {
    let mut terms = crate::partners::terms(AURORA);
    terms["cycle"] = json!({ "kind": "each" });
    let (two, ada) = two(crate::exchanges::Linked::under(terms).await);
    for cycle in 1..=3_u32 {
        exchange(&two, &ada, 100 * u64::from(cycle)).await;
    }
    two.settle_down().await;
    for cycle in 1..=3_u32 {
        assert_eq!(two.states(cycle).await, ["agreed", "agreed"], "cycle {cycle}");
        assert_eq!(statement(&two.b, cycle).await["count_in"], 1);
        assert_eq!(pay(&two, cycle).await, 100 * u64::from(cycle));
    }
    assert_eq!(two.owed().await, [0, 0, 0, 0]);
    assert_eq!(two.states(4).await, ["", ""], "nothing is in the open cycle");
    two.sound().await;
}
