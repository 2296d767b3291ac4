//! Top-ups by card: what the processor says, in every order and however often, moves them once.

use std::sync::Mutex;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use scrip_domain::Span;
use scrip_engine::processor::demo::{Answer as BankAnswer, Fate, Mishaps};
use scrip_engine::processor::{PaymentName, Verb};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

async fn card(shop: &Shop, who: &str, key: &str, units: u64, method: &str) -> Answer {
    let tokens = json!({ "amount": units, "unit": "AUR" });
    let body = json!({ "tokens": tokens, "method": "card", "payment_method": method });
    shop.post("/v1/top-ups", who, key, body).await
}

fn path(answer: &Answer) -> String {
    format!("/v1/top-ups/{}", answer.json["id"].as_str().unwrap())
}

/// The books balance, and the processor keeps no more than was credited.
async fn sound(shop: &Shop, credited: u64) {
    let engine = &shop.app.engine;
    let report = scrip_engine::doctor::examine(engine.store(), &engine.keys()).await.unwrap();
    let unsound: Vec<_> = report.unsound().collect();
    assert!(unsound.is_empty(), "{unsound:?}");
    let totals = shop.processor.totals().unwrap();
    let kept = totals.captured.checked_sub(totals.refunded).unwrap();
    assert_eq!(kept.units(), credited, "a token costs a cent");
    for payment in shop.processor.payments() {
        let reserved = payment.state == scrip_engine::processor::PaymentState::Authorized;
        assert!(!reserved, "{payment:?} is still reserved");
    }
}

/// Carries the processor's messages to the server.
async fn deliver(shop: &Shop) {
    for hook in shop.processor.hooks() {
        let mut request = http::Request::builder().method("POST").uri("/v1/hooks/demo");
        for (name, value) in &hook.headers {
            request = request.header(*name, value);
        }
        let answer = shop.raw(request.body(hook.body.into()).unwrap()).await;
        assert!([204, 503].contains(&answer.status), "{answer:?}");
    }
}

#[tokio::test]
async fn a_card_is_reserved_assessed_taken_and_credited() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    assert_eq!(shop.get("/v1/account", &ada).await.json["credit_status"], Value::Null);
    let begun = card(&shop, &ada, "k1", 500, "demo_approved").await;
    assert_eq!((begun.status, &begun.json["state"]), (201, &json!("authorizing")));
    assert_eq!(begun.json["pay"]["display"], "5.00 EUR");
    assert_eq!(shop.available(&ada).await, 0);
    shop.run_errands().await;
    let done = shop.get(&path(&begun), &ada).await;
    assert_eq!(done.json["state"], "credited", "{done:?}");
    assert_eq!(done.json["assessment"]["source"], "processor");
    let account = shop.get("/v1/account", &ada).await;
    assert_eq!(account.json["credit_status"], done.json["assessment"]);
    assert_eq!(shop.available(&ada).await, 500);
    let again = card(&shop, &ada, "k1", 500, "demo_approved").await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.json, begun.json);
    deliver(&shop).await;
    deliver(&shop).await;
    shop.run_errands().await;
    assert_eq!(shop.available(&ada).await, 500);
    sound(&shop, 500).await;
}

#[tokio::test]
async fn a_declined_card_charges_nothing_and_says_why() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let begun = card(&shop, &ada, "k1", 500, "demo_declined").await;
    shop.run_errands().await;
    let done = shop.get(&path(&begun), &ada).await;
    assert_eq!(done.json["state"], "failed");
    assert!(done.json["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{done:?}");
    let unknown = card(&shop, &ada, "k2", 500, "pm/../x").await;
    assert_eq!((unknown.status, unknown.code()), (400, "invalid_field"));
    let missing = json!({ "tokens": { "amount": 5, "unit": "AUR" }, "method": "card" });
    let missing = shop.post("/v1/top-ups", &ada, "k3", missing).await;
    assert_eq!((missing.status, missing.code()), (400, "invalid_field"));
    sound(&shop, 0).await;
}

#[tokio::test]
async fn the_bank_may_want_to_see_the_buyer() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let passed = card(&shop, &ada, "k1", 500, "demo_action").await;
    let missed = card(&shop, &ada, "k2", 300, "demo_action").await;
    let left = card(&shop, &ada, "k3", 200, "demo_action").await;
    shop.run_errands().await;
    for begun in [&passed, &missed, &left] {
        let waiting = shop.get(&path(begun), &ada).await;
        assert_eq!(waiting.json["state"], "requires_action");
        assert_eq!(waiting.json["next_action"]["type"], "redirect", "{waiting:?}");
    }
    let payment = |begun: &Answer| {
        let id = begun.json["id"].as_str().unwrap().to_owned();
        let payments = shop.processor.payments();
        let found = payments.into_iter().find(|payment| payment.top_up.unwrap().to_string() == id);
        found.unwrap().name
    };
    let answer = |name: &PaymentName, answer| shop.processor.answer(name, answer).unwrap();
    answer(&payment(&passed), BankAnswer::Passed);
    answer(&payment(&missed), BankAnswer::Missed);
    deliver(&shop).await;
    shop.run_errands().await;
    assert_eq!(shop.get(&path(&passed), &ada).await.json["state"], "credited");
    assert_eq!(shop.get(&path(&missed), &ada).await.json["state"], "failed");
    for _ in 0..30 {
        shop.advance(Span::hours(1)).await;
        shop.run_errands().await;
    }
    let left = shop.get(&path(&left), &ada).await;
    assert_eq!(
        (&left.json["state"], &left.json["reason"]),
        (&json!("cancelled"), &json!("abandoned"))
    );
    assert_eq!(left.json["next_action"], Value::Null);
    sound(&shop, 500).await;
}

#[tokio::test]
async fn staff_decide_what_the_processor_doubts() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let good = card(&shop, &ada, "k1", 500, "demo_review").await;
    let bad = card(&shop, &ada, "k2", 300, "demo_review").await;
    shop.run_errands().await;
    let queue = shop.get("/v1/admin/assessments", &shop.admin).await;
    let waiting: Vec<_> =
        queue.json["data"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(waiting, [&good.json["id"], &bad.json["id"]]);
    assert_eq!(queue.json["data"][0]["assessments"][1]["reasons"], json!(["risk_elevated"]));
    let decide = async |begun: &Answer, approve: bool| {
        let path = format!("/v1/admin/top-ups/{}/decide", begun.json["id"].as_str().unwrap());
        shop.post(&path, &shop.admin, "", json!({ "approve": approve, "reason": "called" })).await
    };
    assert_eq!(decide(&good, true).await.json["state"], "capturing");
    assert_eq!(decide(&bad, false).await.json["state"], "declined");
    let again = decide(&bad, true).await;
    assert_eq!((again.status, again.code()), (409, "not_in_review"));
    shop.run_errands().await;
    assert_eq!(shop.get(&path(&good), &ada).await.json["state"], "credited");
    assert_eq!(shop.get(&path(&bad), &ada).await.json["state"], "declined");
    assert_eq!(shop.get("/v1/admin/assessments", &shop.admin).await.json["data"], json!([]));
    sound(&shop, 500).await;
}

#[tokio::test]
async fn the_vendors_rules_are_asked_first() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let credit = json!({
        "decline_above": { "amount": 1000, "unit": "AUR" }, "review_above": { "amount": 400, "unit": "AUR" },
        "top_ups_per_day": 3,
    });
    let patch = json!({ "credit": credit });
    let headers = [("authorization", format!("Bearer {}", shop.admin))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let set = shop.send("PATCH", "/v1/admin/settings", &headers, patch).await;
    assert_eq!(set.json["credit"]["version"], 1, "{set:?}");
    let large = card(&shop, &ada, "k1", 1001, "demo_approved").await;
    assert_eq!((large.status, large.code()), (402, "credit_declined"));
    assert_eq!(large.json["top_up"]["assessment"]["reasons"][0], "amount_above_limit");
    let looked_at = card(&shop, &ada, "k2", 401, "demo_approved").await;
    assert_eq!(looked_at.json["state"], "in_review");
    assert_eq!(card(&shop, &ada, "k3", 100, "demo_approved").await.json["state"], "authorizing");
    assert_eq!(card(&shop, &ada, "k4", 100, "demo_approved").await.json["state"], "authorizing");
    let fourth = card(&shop, &ada, "k5", 100, "demo_approved").await;
    assert_eq!(fourth.json["top_up"]["assessment"]["reasons"], json!(["top_ups_per_day"]));
    shop.run_errands().await;
    sound(&shop, 200).await;
}

#[tokio::test]
async fn a_frozen_account_gets_its_money_back() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let begun = card(&shop, &ada, "k1", 500, "demo_approved").await;
    let account = shop.get("/v1/account", &ada).await.json["id"].as_str().unwrap().to_owned();
    let freeze = format!("/v1/admin/accounts/{account}/freeze");
    assert_eq!(shop.post(&freeze, &shop.admin, "", Value::Null).await.status, 200);
    shop.run_errands().await;
    let path = format!("/v1/admin{}", path(&begun).trim_start_matches("/v1"));
    let done = shop.get(&path, &shop.admin).await;
    assert_eq!(
        (&done.json["state"], &done.json["reason"]),
        (&json!("cancelled"), &json!("account_frozen"))
    );
    assert_eq!(shop.processor.totals().unwrap().refunded.units(), 500);
    sound(&shop, 0).await;
}

#[tokio::test]
async fn what_is_not_signed_is_not_heard() {
    let shop = Shop::open().await;
    let post = async |path: &str| {
        let request = http::Request::builder().method("POST").uri(path);
        shop.raw(request.body("{}".into()).unwrap()).await
    };
    let forged = post("/v1/hooks/demo").await;
    assert_eq!((forged.status, forged.code()), (400, "malformed"));
    let nobody = post("/v1/hooks/nobody").await;
    assert_eq!((nobody.status, nobody.code()), (404, "not_found"));
    let long = async |path: &str| {
        let request = http::Request::builder().method("POST").uri(path);
        shop.raw(request.body("x".repeat((256 << 10) + 1).into()).unwrap()).await.status
    };
    assert_eq!(long("/v1/hooks/demo").await, 413);
    assert_eq!(long("/v1/hooks/nobody").await, 404, "it is not read for nobody");
}

/// A processor of which three answers in ten are lost, some of them after the effect.
#[derive(Debug)]
struct Unreliable(Mutex<ChaCha12Rng>);

impl Mishaps for Unreliable {
    fn call(&self, _: Verb) -> Fate {
        match self.0.lock().unwrap().next_u32() % 10 {
            0 => Fate::LostBefore,
            1 | 2 => Fate::LostAfter,
            _ => Fate::Answered,
        }
    }

    fn hook(&self) -> Vec<Span> {
        let chance = self.0.lock().unwrap().next_u32();
        (0..chance % 3).map(|late| Span::minutes(late * (chance % 97))).collect()
    }
}

#[tokio::test]
async fn lost_answers_and_doubled_hooks_neither_lose_nor_double_a_token() {
    for seed in 0..20 {
        let chance = ChaCha12Rng::seed_from_u64(seed);
        let shop = Shop::open_amid(Unreliable(Mutex::new(chance))).await;
        let ada = shop.buyer("ada@example.com", 0).await;
        let methods = ["demo_approved", "demo_declined", "demo_review", "demo_action"];
        let mut begun = Vec::new();
        for (number, method) in (0_u64..).zip(methods.iter().cycle().take(12)) {
            begun.push(card(&shop, &ada, &format!("k{number}"), 100 + number, method).await);
        }
        for _ in 0..60 {
            shop.run_errands().await;
            deliver(&shop).await;
            let queue = shop.get("/v1/admin/assessments", &shop.admin).await;
            for one in queue.json["data"].as_array().unwrap() {
                let path = format!("/v1/admin/top-ups/{}/decide", one["id"].as_str().unwrap());
                let approve = one["tokens"]["amount"].as_u64().unwrap() % 2 == 0;
                let body = json!({ "approve": approve, "reason": "seen" });
                assert_eq!(shop.post(&path, &shop.admin, "", body).await.status, 200);
            }
            shop.advance(Span::hours(1)).await;
        }
        let mut credited = 0;
        for one in &begun {
            let done = shop.get(&path(one), &ada).await;
            let state = done.json["state"].as_str().unwrap();
            assert!(
                ["credited", "failed", "declined", "cancelled"].contains(&state),
                "seed {seed}: {done:?}"
            );
            if state == "credited" {
                credited += done.json["tokens"]["amount"].as_u64().unwrap();
            }
        }
        assert!(credited > 0, "seed {seed} credited nothing");
        assert_eq!(shop.available(&ada).await, credited, "seed {seed}");
        sound(&shop, credited).await;
        assert_eq!(shop.app.engine.run_errands().await.unwrap(), 0, "an errand is left");
    }
}

#[tokio::test]
async fn another_server_goes_on_where_one_stopped() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let begun = card(&shop, &ada, "k1", 500, "demo_approved").await;
    // The first server takes the errand and dies before its call.
    let taken = shop.app.engine.store().errands_due(shop.app.engine.now(), 10).await.unwrap();
    assert_eq!(taken.len(), 1);
    let second = shop.another().await;
    second.run_errands().await;
    assert_eq!(second.get(&path(&begun), &ada).await.json["state"], "credited");
    shop.run_errands().await;
    sound(&second, 500).await;
}
