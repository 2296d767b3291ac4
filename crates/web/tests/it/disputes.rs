//! Refunds and disputes of top-ups: whatever the processor says, in whatever order, no more is taken back than
//! was paid, and everything that was taken is given back where it was.

use std::collections::VecDeque;
use std::sync::Mutex;

use scrip_domain::settings::Settings;
use scrip_domain::{Amount, Span};
use scrip_engine::processor::demo::{Fate, Mishaps};
use scrip_engine::processor::{DisputeState, PaymentName, Verb};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

/// A top-up by card that was credited, for a token a cent.
struct Paid {
    id: String,
    payment: PaymentName,
}

async fn paid(shop: &Shop, who: &str, key: &str, units: u64) -> Paid {
    let tokens = json!({ "amount": units, "unit": "AUR" });
    let body = json!({ "tokens": tokens, "method": "card", "payment_method": "demo_approved" });
    let begun = shop.post("/v1/top-ups", who, key, body).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    shop.run_errands().await;
    let id = begun.json["id"].as_str().unwrap().to_owned();
    let paid = Paid { payment: PaymentName::new(format!("demo_{id}")).unwrap(), id };
    assert_eq!(paid.state(shop).await, "credited");
    paid
}

impl Paid {
    async fn show(&self, shop: &Shop) -> Value {
        shop.get(&format!("/v1/admin/top-ups/{}", self.id), &shop.admin).await.json
    }

    async fn state(&self, shop: &Shop) -> String {
        self.show(shop).await["state"].as_str().unwrap().to_owned()
    }

    async fn refund(&self, shop: &Shop, key: &str, amount: Value) -> Answer {
        let body = json!({ "amount": amount, "reason": "asked for" });
        shop.post(&format!("/v1/admin/top-ups/{}/refunds", self.id), &shop.admin, key, body).await
    }

    /// `kind state money tokens owed` of each reversal.
    async fn reversals(&self, shop: &Shop) -> Vec<String> {
        let held = shop.get(&format!("/v1/admin/top-ups/{}", self.id), &shop.admin).await;
        let all = held.json["reversals"].as_array().cloned().unwrap_or_default();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let line = |one: &Value| {
            let [money, tokens, owed] =
                ["money", "tokens", "owed"].map(|what| &one[what]["amount"]);
            format!("{} {} {money} {tokens} {owed}", word(&one["kind"]), word(&one["state"]))
        };
        all.iter().map(line).collect()
    }

    fn dispute(&self, shop: &Shop, name: &str, units: u64) {
        shop.processor.dispute(&self.payment, name, Amount::new(units).unwrap()).unwrap();
    }

    fn close(&self, shop: &Shop, state: &DisputeState) {
        shop.processor.close_dispute(&self.payment, state).unwrap();
    }
}

/// What can be spent, and what is owed.
async fn wallet(shop: &Shop, who: &str) -> (u64, u64) {
    let wallet = shop.get("/v1/wallet", who).await.json;
    let amount = |what: &str| wallet[what]["amount"].as_u64().unwrap();
    (amount("available"), amount("owed"))
}

async fn account(shop: &Shop, who: &str) -> String {
    shop.get("/v1/account", who).await.json["id"].as_str().unwrap().to_owned()
}

/// Carries the processor's messages to the server, and runs what follows.
pub async fn deliver(shop: &Shop) {
    for hook in shop.processor.hooks() {
        let mut request = http::Request::builder().method("POST").uri("/v1/hooks/demo");
        for (name, value) in &hook.headers {
            request = request.header(*name, value);
        }
        let answer = shop.raw(request.body(hook.body.into()).unwrap()).await;
        assert!([204, 503].contains(&answer.status), "{answer:?}");
    }
    shop.run_errands().await;
    shop.sound().await;
}

async fn spend(shop: &Shop, who: &str, units: u64) -> Answer {
    let offer = shop.service(&format!("thing-{units}"), units).await;
    let body = json!({
        "lines": [{ "offer": offer }], "expected_total": { "amount": units, "unit": "AUR" }
    });
    let bought = shop.post("/v1/purchases", who, &format!("buy-{units}"), body).await;
    assert_eq!(bought.status, 201, "{bought:?}");
    bought
}

#[tokio::test]
async fn a_refund_takes_the_tokens_first_and_then_gives_the_money_back_once() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let top_up = paid(&shop, &ada, "k1", 500).await;
    let part = json!({ "amount": 200, "unit": "AUR" });
    let made = top_up.refund(&shop, "r1", part.clone()).await;
    assert_eq!((made.status, &made.json["state"]), (201, &json!("pending")), "{made:?}");
    assert_eq!(made.json["money"]["display"], "2.00 EUR");
    assert_eq!(made.json["lots"][0]["amount"]["amount"], 200);
    assert_eq!(made.json["by_hand"], false);
    assert_eq!(wallet(&shop, &ada).await, (300, 0));
    assert_eq!(shop.processor.totals().unwrap().refunded.units(), 0);
    shop.run_errands().await;
    shop.run_errands().await;
    deliver(&shop).await;
    assert_eq!(shop.processor.totals().unwrap().refunded.units(), 200);
    assert_eq!(top_up.reversals(&shop).await, ["refund done 200 200 0"]);
    let shown = top_up.show(&shop).await;
    assert_eq!((&shown["state"], &shown["refunded"]["amount"]), (&json!("credited"), &json!(200)));
    let own = shop.get(&format!("/v1/top-ups/{}", top_up.id), &ada).await.json;
    assert_eq!((&own["refunded"], own.get("reversals")), (&shown["refunded"], None));
    let again = top_up.refund(&shop, "r1", part).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.json, made.json);
    let reused = top_up.refund(&shop, "r1", json!({ "amount": 201, "unit": "AUR" })).await;
    assert_eq!((reused.status, reused.code()), (409, "idempotency_key_reused"));
    let rest = top_up.refund(&shop, "r2", Value::Null).await;
    assert_eq!((rest.status, &rest.json["tokens"]["amount"]), (201, &json!(300)));
    shop.run_errands().await;
    assert_eq!(top_up.state(&shop).await, "refunded");
    let none = top_up.refund(&shop, "r3", Value::Null).await;
    assert_eq!((none.status, none.code()), (409, "already_refunded"));
    deliver(&shop).await;
    assert_eq!(shop.processor.totals().unwrap().refunded.units(), 500);
    let audit = shop.get("/v1/admin/audit", &shop.admin).await.json;
    let acts =
        audit["data"].as_array().unwrap().iter().filter(|row| row["act"] == "top_up.refunded");
    assert_eq!(acts.count(), 2);
}

#[tokio::test]
async fn no_more_is_refunded_than_is_unspent_and_bad_input_is_named() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let top_up = paid(&shop, &ada, "k1", 500).await;
    spend(&shop, &ada, 400).await;
    let spent = top_up.refund(&shop, "r1", json!({ "amount": 101, "unit": "AUR" })).await;
    assert_eq!((spent.status, spent.code()), (409, "tokens_spent"), "{spent:?}");
    assert_eq!(spent.json["available"]["amount"], 100);
    let field = async |amount: Value| {
        let answer = top_up.refund(&shop, "bad", amount).await;
        let field = answer.json["errors"][0]["field"].as_str().unwrap_or_default().to_owned();
        (answer.status, answer.code().to_owned(), field)
    };
    let invalid = |field: &str| (400, "invalid_field".to_owned(), field.to_owned());
    assert_eq!(field(json!({ "amount": 1, "unit": "USD" })).await, invalid("amount.unit"));
    assert_eq!(field(json!({ "amount": 0, "unit": "AUR" })).await, invalid("amount.amount"));
    assert_eq!(field(json!({ "amount": "1", "unit": "AUR" })).await.0, 400);
    let over = top_up.refund(&shop, "r2", json!({ "amount": 501, "unit": "EUR" })).await;
    assert_eq!((over.status, over.code()), (409, "already_refunded"));
    let path = format!("/v1/admin/top-ups/{}/refunds", top_up.id);
    let nameless = shop.post(&path, &shop.admin, "", json!({ "reason": "x" })).await;
    assert_eq!(nameless.code(), "idempotency_key_missing");
    let buyers = shop.post(&path, &ada, "r3", json!({ "reason": "x" })).await;
    assert_eq!(buyers.status, 403);
    let silent = shop.post(&path, &shop.admin, "r3", json!({})).await;
    assert_eq!(silent.status, 400);
    let rest = top_up.refund(&shop, "r4", Value::Null).await;
    assert_eq!((rest.status, &rest.json["money"]["amount"]), (201, &json!(100)));
    let none = top_up.refund(&shop, "r5", Value::Null).await;
    assert_eq!((none.status, none.code()), (409, "tokens_spent"));
    deliver(&shop).await;
    let nobody = shop
        .post(
            "/v1/admin/top-ups/top_0000000000000/refunds",
            &shop.admin,
            "r6",
            json!({ "reason": "x" }),
        )
        .await;
    assert_eq!(nobody.status, 404);
}

#[tokio::test]
async fn what_no_processor_took_goes_back_by_hand() {
    let settings =
        Settings { offline_instructions: "Transfer.".into(), ..scrip_testkit::settings() };
    let shop = Shop::open_with(settings).await;
    let ada = shop.buyer("ada@example.com", 700).await;
    let all = shop.get("/v1/admin/top-ups", &shop.admin).await.json;
    let id = all["data"][0]["id"].as_str().unwrap().to_owned();
    let payment = PaymentName::new("none").unwrap();
    let given = Paid { id, payment: payment.clone() };
    let made = given.refund(&shop, "r1", json!({ "amount": 300, "unit": "AUR" })).await;
    assert_eq!((made.status, &made.json["state"]), (201, &json!("done")));
    assert_eq!((&made.json["by_hand"], &made.json["money"]), (&json!(true), &Value::Null));
    assert_eq!(wallet(&shop, &ada).await, (400, 0));
    let body = json!({ "tokens": { "amount": 300, "unit": "AUR" }, "method": "offline" });
    let begun = shop.post("/v1/top-ups", &ada, "k1", body).await.json;
    let id = begun["id"].as_str().unwrap().to_owned();
    let offline = Paid { id, payment };
    let early = offline.refund(&shop, "r2", Value::Null).await;
    assert_eq!((early.status, early.code()), (409, "top_up_state"));
    let came = json!({ "money": { "amount": 100, "unit": "EUR" }, "note": "a part" });
    let path = format!("/v1/admin/top-ups/{}", offline.id);
    shop.post(&format!("{path}/received"), &shop.admin, "m1", came).await;
    shop.post(&format!("{path}/cancel"), &shop.admin, "", json!({ "reason": "no more" })).await;
    let back = offline.refund(&shop, "r2", Value::Null).await;
    assert_eq!((back.status, &back.json["money"]["amount"]), (201, &json!(100)), "{back:?}");
    assert_eq!(offline.state(&shop).await, "cancelled");
    assert_eq!(wallet(&shop, &ada).await, (400, 0));
    shop.sound().await;
}

#[tokio::test]
async fn a_dispute_takes_what_is_unspent_and_winning_it_gives_all_back() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let top_up = paid(&shop, &ada, "k1", 500).await;
    spend(&shop, &ada, 300).await;
    let before = shop.get("/v1/wallet", &ada).await.json["lots"].clone();
    top_up.dispute(&shop, "d1", 500);
    deliver(&shop).await;
    deliver(&shop).await;
    assert_eq!(top_up.state(&shop).await, "disputed");
    assert_eq!(top_up.reversals(&shop).await, ["dispute open 500 500 300"]);
    assert_eq!(wallet(&shop, &ada).await, (0, 300));
    let refused = top_up.refund(&shop, "r1", Value::Null).await;
    assert_eq!((refused.status, refused.code()), (409, "already_refunded"));
    let lines = shop.get("/v1/wallet/transfers", &ada).await.json["data"].clone();
    let lines: Vec<_> = lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| format!("{} {}", line["direction"].as_str().unwrap(), line["amount"]["amount"]))
        .collect();
    assert_eq!(lines, ["owed 300", "out 200", "out 300", "in 500"]);
    top_up.close(&shop, &DisputeState::Won);
    deliver(&shop).await;
    assert_eq!(top_up.state(&shop).await, "dispute_won");
    assert_eq!(wallet(&shop, &ada).await, (200, 0));
    assert_eq!(shop.get("/v1/wallet", &ada).await.json["lots"], before);
    top_up.close(&shop, &DisputeState::Lost);
    deliver(&shop).await;
    assert_eq!(
        top_up.reversals(&shop).await,
        ["dispute won 500 500 300", "dispute lost 500 500 300"]
    );
    assert_eq!(wallet(&shop, &ada).await, (0, 300));
    top_up.close(&shop, &DisputeState::Won);
    deliver(&shop).await;
    assert_eq!(wallet(&shop, &ada).await, (200, 0));
    let events = shop.app.engine.store().events_of_order(
        scrip_domain::Id::new(
            top_up.id.parse::<scrip_domain::Id<scrip_domain::top_up::TopUp>>().unwrap().number(),
        )
        .unwrap(),
    );
    let kinds = events.await.unwrap().into_iter().map(|event| event.kind.as_str());
    assert_eq!(kinds.filter(|kind| *kind == "top_up.disputed").count(), 4);
}

#[tokio::test]
async fn what_is_owed_is_paid_by_later_top_ups_and_comes_back_when_the_dispute_is_won() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let top_up = paid(&shop, &ada, "k1", 500).await;
    let bought = spend(&shop, &ada, 500).await;
    top_up.dispute(&shop, "d1", 500);
    deliver(&shop).await;
    assert_eq!(wallet(&shop, &ada).await, (0, 500));
    // A gift is no payment.
    let path = format!("/v1/admin/accounts/{}/adjust", account(&shop, &ada).await);
    let gift = json!({ "kind": "promo", "tokens": { "amount": 50, "unit": "AUR" }, "reason": "x" });
    shop.post(&path, &shop.admin, "g1", gift).await;
    assert_eq!(wallet(&shop, &ada).await, (50, 500));
    let later = json!({ "tokens": { "amount": 200, "unit": "AUR" }, "reason": "paid in cash" });
    shop.post(&path, &shop.admin, "g2", later).await;
    assert_eq!(wallet(&shop, &ada).await, (50, 300));
    let refund = format!("/v1/admin/orders/{}/refunds", bought.json["id"].as_str().unwrap());
    let back = shop.post(&refund, &shop.admin, "o1", json!({ "reason": "broken" })).await;
    assert_eq!(back.status, 201, "{back:?}");
    assert_eq!(wallet(&shop, &ada).await, (250, 0));
    shop.sound().await;
    top_up.close(&shop, &DisputeState::Won);
    deliver(&shop).await;
    assert_eq!(wallet(&shop, &ada).await, (750, 0));
    let admin = shop.get(&path.replace("/adjust", ""), &shop.admin).await.json;
    assert_eq!(admin["owed"]["amount"], 0);
}

#[tokio::test]
async fn refunds_and_disputes_together_never_take_more_than_was_paid() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let top_up = paid(&shop, &ada, "k1", 500).await;
    top_up.refund(&shop, "r1", json!({ "amount": 200, "unit": "EUR" })).await;
    shop.run_errands().await;
    top_up.dispute(&shop, "d1", 400);
    top_up.dispute(&shop, "d2", 400);
    deliver(&shop).await;
    let taken = ["refund done 200 200 0", "dispute open 300 300 0", "dispute open 0 0 0"];
    assert_eq!(top_up.reversals(&shop).await, taken);
    assert_eq!(wallet(&shop, &ada).await, (0, 0));
    top_up.close(&shop, &DisputeState::Lost);
    deliver(&shop).await;
    assert_eq!(top_up.state(&shop).await, "dispute_lost");
    top_up.close(&shop, &DisputeState::Won);
    deliver(&shop).await;
    assert_eq!(wallet(&shop, &ada).await, (300, 0));
    assert_eq!(top_up.state(&shop).await, "dispute_won");
}

#[tokio::test]
async fn a_refund_that_a_dispute_overtakes_fails_and_the_dispute_takes_its_place() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let top_up = paid(&shop, &ada, "k1", 500).await;
    top_up.refund(&shop, "r1", Value::Null).await;
    top_up.dispute(&shop, "d1", 500);
    deliver(&shop).await;
    assert_eq!(
        top_up.reversals(&shop).await,
        ["refund failed 500 500 0", "dispute open 500 500 0"]
    );
    assert_eq!(wallet(&shop, &ada).await, (0, 0));
    top_up.close(&shop, &DisputeState::Won);
    deliver(&shop).await;
    assert_eq!(wallet(&shop, &ada).await, (500, 0));
}

#[tokio::test]
async fn a_refund_in_the_dashboard_is_booked_like_one_of_ours_and_what_is_spent_is_owed() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let top_up = paid(&shop, &ada, "k1", 500).await;
    spend(&shop, &ada, 450).await;
    top_up.refund(&shop, "r1", json!({ "amount": 20, "unit": "EUR" })).await;
    shop.processor.refund_by_hand(&top_up.payment, Amount::new(100).unwrap()).unwrap();
    deliver(&shop).await;
    let booked = ["refund done 20 20 0", "processor_refund done 100 100 70"];
    assert_eq!(top_up.reversals(&shop).await, booked);
    assert_eq!(wallet(&shop, &ada).await, (0, 70));
    deliver(&shop).await;
    assert_eq!(top_up.reversals(&shop).await, booked);
    assert_eq!(top_up.show(&shop).await["refunded"]["amount"], 120);
}

#[tokio::test]
async fn a_dispute_freezes_where_the_vendor_wants_it_and_thaws_only_what_it_froze() {
    let mut settings = scrip_testkit::settings();
    settings.credit.freeze_disputed = true;
    let shop = Shop::open_with(settings).await;
    for by_staff in [false, true] {
        let email = format!("ada-{by_staff}@example.com");
        let ada = shop.buyer(&email, 0).await;
        let path = format!("/v1/admin/accounts/{}", account(&shop, &ada).await);
        let frozen = async || {
            let held = shop.get(&path, &shop.admin).await.json;
            (held["frozen_at"].is_string(), held["frozen_by_dispute"] == true)
        };
        let (one, other) = (paid(&shop, &ada, "k1", 500).await, paid(&shop, &ada, "k2", 100).await);
        one.dispute(&shop, "d1", 500);
        other.dispute(&shop, "d1", 100);
        deliver(&shop).await;
        assert_eq!(frozen().await, (true, true));
        one.close(&shop, &DisputeState::Won);
        deliver(&shop).await;
        assert_eq!(frozen().await, (true, true));
        if by_staff {
            shop.post(&format!("{path}/freeze"), &shop.admin, "", Value::Null).await;
        }
        other.close(&shop, &DisputeState::Won);
        deliver(&shop).await;
        assert_eq!(frozen().await, (by_staff, false));
        assert_eq!(wallet(&shop, &ada).await, (600, 0));
        let sent = shop.run_mail().await;
        let told = |word: &str| sent.iter().filter(|one| one.words.subject.ends_with(word)).count();
        assert_eq!((told("is frozen"), told("is open again")), (1, usize::from(!by_staff)));
    }
}

#[tokio::test]
async fn a_dispute_of_which_no_hook_tells_is_learnt_by_asking() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let top_up = paid(&shop, &ada, "k1", 500).await;
    top_up.dispute(&shop, "d1", 500);
    drop(shop.processor.hooks());
    shop.advance(Span::hours(23)).await;
    shop.run_errands().await;
    assert_eq!(top_up.state(&shop).await, "credited");
    shop.advance(Span::hours(1)).await;
    shop.run_errands().await;
    assert_eq!(top_up.state(&shop).await, "disputed");
    shop.advance(Span::days(150)).await;
    shop.run_errands().await;
    top_up.close(&shop, &DisputeState::Won);
    drop(shop.processor.hooks());
    shop.advance(Span::days(30)).await;
    shop.run_errands().await;
    assert_eq!(top_up.state(&shop).await, "dispute_won");
    let engine = &shop.app.engine;
    let far = engine.now().plus(Span::days(1000));
    assert_eq!(engine.store().errands_due(far, 10).await.unwrap(), []);
    shop.sound().await;
}

/// Fates for refunds, from a list.
#[derive(Debug)]
struct Fates(Mutex<VecDeque<Fate>>);

impl Mishaps for Fates {
    fn call(&self, verb: Verb) -> Fate {
        if verb != Verb::Refund {
            return Fate::Answered;
        }
        self.0.lock().unwrap().pop_front().unwrap_or(Fate::Answered)
    }

    fn hook(&self) -> Vec<Span> {
        vec![Span::millis(0); 2]
    }
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_asked_for_again_and_made_once() {
    for lost in [Fate::LostBefore, Fate::LostAfter] {
        let shop = Shop::open_amid(Fates(Mutex::new([lost, lost].into()))).await;
        let ada = shop.buyer("ada@example.com", 0).await;
        let top_up = paid(&shop, &ada, "k1", 500).await;
        top_up.refund(&shop, "r1", json!({ "amount": 100, "unit": "AUR" })).await;
        top_up.refund(&shop, "r2", json!({ "amount": 50, "unit": "AUR" })).await;
        deliver(&shop).await;
        for _ in 0..5 {
            assert_eq!(wallet(&shop, &ada).await, (350, 0));
            shop.advance(Span::minutes(5)).await;
            deliver(&shop).await;
        }
        assert_eq!(top_up.reversals(&shop).await, ["refund done 100 100 0", "refund done 50 50 0"]);
        assert_eq!(shop.processor.totals().unwrap().refunded.units(), 150);
    }
}

#[tokio::test]
async fn two_refunds_at_once_take_no_more_than_there_is() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let top_up = paid(&shop, &ada, "k1", 500).await;
    let part = json!({ "amount": 300, "unit": "AUR" });
    let (one, other) = futures_util::join!(
        top_up.refund(&shop, "r1", part.clone()),
        top_up.refund(&shop, "r2", part)
    );
    let mut codes = [one.status, other.status];
    codes.sort_unstable();
    assert_eq!(codes, [201, 409]);
    deliver(&shop).await;
    assert_eq!(wallet(&shop, &ada).await, (200, 0));
}
