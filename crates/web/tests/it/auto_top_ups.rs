//! Automatic top-ups: one for a storm of purchases, none without need, ever later after a decline.

use futures_util::future::join_all;
use scrip_domain::Span;
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

const PATH: &str = "/v1/account/auto-top-up";

async fn set(
    shop: &Shop,
    who: &str,
    below: u64,
    to: u64,
    card: &str,
    limit: Option<u64>,
) -> Answer {
    let tokens = |units: u64| json!({ "amount": units, "unit": "AUR" });
    let mut body = json!({ "below": tokens(below), "to": tokens(to), "payment_method": card });
    if let Some(limit) = limit {
        body["monthly_limit"] = json!({ "amount": limit, "unit": "EUR" });
    }
    put(shop, who, body).await
}

pub async fn put(shop: &Shop, who: &str, body: Value) -> Answer {
    let bearer = format!("Bearer {who}");
    shop.send("PUT", PATH, &[("authorization", &bearer)], body).await
}

async fn buy(shop: &Shop, who: &str, key: &str, offer: &str) -> Answer {
    let total = json!({ "amount": 10, "unit": "AUR" });
    let lines = json!([{ "offer": offer }]);
    let body = json!({ "lines": lines, "allow_duplicate": true, "expected_total": total });
    shop.post("/v1/purchases", who, key, body).await
}

/// Everything that is due, as a server does it each second.
async fn work(shop: &Shop) {
    shop.app.engine.run_auto_top_ups().await.unwrap();
    shop.run_errands().await;
}

async fn later(shop: &Shop, span: Span) {
    shop.advance(span).await;
    work(shop).await;
}

async fn top_ups(shop: &Shop, who: &str) -> Vec<(String, u64)> {
    let listed = shop.get("/v1/top-ups?limit=100", who).await;
    let cards = listed.json["data"].as_array().unwrap().clone().into_iter();
    let cards = cards.filter(|top_up| top_up["method"] == "card");
    let seen = |top_up: Value| {
        let units = top_up["tokens"]["amount"].as_u64().unwrap();
        (top_up["state"].as_str().unwrap().to_owned(), units)
    };
    cards.map(seen).collect()
}

#[tokio::test]
async fn two_hundred_purchases_side_by_side_give_one_top_up() {
    let shop = Shop::open().await;
    let offer = shop.service("tide", 10).await;
    let ada = shop.buyer("ada@example.com", 2500).await;
    let set = set(&shop, &ada, 1000, 5000, "demo_approved", None).await;
    assert_eq!((set.status, set.at("/state")), (200, "active"), "{set:?}");
    work(&shop).await;
    assert_eq!(top_ups(&shop, &ada).await, [], "there is enough");
    let keys: Vec<_> = (0..200).map(|number| format!("p{number}")).collect();
    let bought = join_all(keys.iter().map(|key| buy(&shop, &ada, key, &offer))).await;
    assert!(bought.iter().all(|answer| answer.status == 201), "{:?}", bought[0]);
    assert_eq!(shop.available(&ada).await, 500);
    let due = shop.app.engine.store().auto_errands_due(shop.app.engine.now(), 10).await.unwrap();
    assert_eq!(due.len(), 1, "one of them rang");
    let another = shop.another().await;
    let (one, other) = (shop.app.engine.run_auto_top_ups(), another.app.engine.run_auto_top_ups());
    let (one, other) = futures_util::join!(one, other);
    assert_eq!((one.is_ok(), other.is_ok()), (true, true));
    assert_eq!(
        top_ups(&shop, &ada).await,
        [("authorizing".to_owned(), 4500)],
        "sized to the target"
    );
    // While it is under way, purchases go on and ask for nothing.
    for key in ["q1", "q2"] {
        assert_eq!(buy(&shop, &ada, key, &offer).await.status, 201);
    }
    work(&shop).await;
    assert_eq!(top_ups(&shop, &ada).await.len(), 1);
    assert_eq!(shop.available(&ada).await, 4980);
    later(&shop, Span::seconds(15)).await;
    shop.sound().await;
    // It is armed again: the next time that it falls below, there is one more.
    let keys: Vec<_> = (0..399).map(|number| format!("r{number}")).collect();
    for chunk in keys.chunks(100) {
        join_all(chunk.iter().map(|key| buy(&shop, &ada, key, &offer))).await;
    }
    assert_eq!(shop.available(&ada).await, 990);
    work(&shop).await;
    assert_eq!(top_ups(&shop, &ada).await.len(), 2);
    assert_eq!(shop.available(&ada).await, 5000);
    shop.sound().await;
}

#[tokio::test]
async fn what_comes_by_others_is_counted() {
    let shop = Shop::open().await;
    let offer = shop.service("tide", 10).await;
    let ada = shop.buyer("ada@example.com", 100).await;
    set(&shop, &ada, 100, 500, "demo_approved", None).await;
    let body = json!({ "tokens": { "amount": 300, "unit": "AUR" }, "method": "card", "payment_method": "demo_action" });
    shop.post("/v1/top-ups", &ada, "k1", body).await;
    shop.run_errands().await;
    buy(&shop, &ada, "p1", &offer).await;
    work(&shop).await;
    assert_eq!(top_ups(&shop, &ada).await, [("requires_action".to_owned(), 300)]);
    shop.sound().await;
    // It is given up after a day, and then it is time.
    for _ in 0..26 {
        later(&shop, Span::hours(1)).await;
    }
    let all = top_ups(&shop, &ada).await;
    assert_eq!(all, [("credited".to_owned(), 410), ("cancelled".to_owned(), 300)]);
    shop.sound().await;
}

/// Whose last tokens expire can buy nothing any more, so no purchase would ever ring.
#[tokio::test]
async fn what_expires_rings_as_a_purchase_does() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let end = shop.app.engine.now().plus(Span::hours(1)).to_string();
    let tokens = json!({ "amount": 1000, "unit": "AUR" });
    let gift = json!({ "tokens": tokens, "reason": "welcome", "kind": "promo", "expires_at": end });
    let account = shop.get("/v1/account", &ada).await.at("/id").to_owned();
    let path = format!("/v1/admin/accounts/{account}/adjust");
    assert_eq!(shop.post(&path, &shop.admin, "g", gift).await.status, 201);
    assert_eq!(set(&shop, &ada, 500, 1000, "demo_approved", None).await.status, 200);
    work(&shop).await;
    assert_eq!(top_ups(&shop, &ada).await, []);
    shop.advance(Span::hours(1)).await;
    assert_eq!(shop.app.engine.expire_due().await.unwrap(), 1);
    work(&shop).await;
    assert_eq!(top_ups(&shop, &ada).await, [("credited".to_owned(), 1000)]);
    shop.sound().await;
}

#[tokio::test]
async fn a_declined_card_is_tried_ever_later_and_then_no_more() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 50).await;
    set(&shop, &ada, 100, 500, "demo_declined", None).await;
    work(&shop).await;
    assert_eq!(
        top_ups(&shop, &ada).await,
        [("failed".to_owned(), 450)],
        "at once: there is too little"
    );
    later(&shop, Span::seconds(15)).await;
    assert_eq!(shop.get(PATH, &ada).await.json["declines"], 1);
    later(&shop, Span::minutes(59)).await;
    assert_eq!(top_ups(&shop, &ada).await.len(), 1);
    later(&shop, Span::minutes(1)).await;
    assert_eq!(top_ups(&shop, &ada).await.len(), 2);
    later(&shop, Span::seconds(15)).await;
    later(&shop, Span::hours(5)).await;
    assert_eq!(top_ups(&shop, &ada).await.len(), 2);
    later(&shop, Span::hours(1)).await;
    later(&shop, Span::seconds(15)).await;
    let stopped = shop.get(PATH, &ada).await;
    assert_eq!((stopped.at("/state"), stopped.at("/reason")), ("stopped", "declined"));
    for _ in 0..48 {
        later(&shop, Span::hours(1)).await;
    }
    assert_eq!(top_ups(&shop, &ada).await.len(), 3);
    shop.sound().await;
    // Set anew with a better card, it begins anew.
    set(&shop, &ada, 100, 500, "demo_approved", None).await;
    work(&shop).await;
    assert_eq!(shop.available(&ada).await, 500);
    shop.sound().await;
}

#[tokio::test]
async fn limits_hold_by_month_and_day() {
    let shop = Shop::open().await;
    let offer = shop.service("tide", 10).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    set(&shop, &ada, 10, 11, "demo_approved", Some(60)).await;
    let spend = async |key: String| {
        work(&shop).await;
        later(&shop, Span::seconds(15)).await;
        buy(&shop, &ada, &key, &offer).await.status
    };
    let mut bought = Vec::new();
    for number in 0..7 {
        bought.push(spend(format!("p{number}")).await);
    }
    // 11, then 10 each: five in the day.
    assert_eq!(bought, [201, 201, 201, 201, 201, 402, 402]);
    later(&shop, Span::hours(24)).await;
    let paid = || shop.processor.totals().unwrap().captured.units();
    assert_eq!(paid(), 51, "a sixth would cost 61 in all");
    shop.sound().await;
    later(&shop, Span::days(30)).await;
    assert_eq!(paid(), 61);
    shop.sound().await;
}

#[tokio::test]
async fn the_vendors_limits_hold_for_it_too() {
    let shop = Shop::open().await;
    let bearer = format!("Bearer {}", shop.admin);
    for (name, limits, brought) in
        [("ada", json!({ "min": 200 }), vec![200]), ("bob", json!({ "max": 50 }), vec![50, 50])]
    {
        let mut body = limits;
        for amount in body.as_object_mut().unwrap().values_mut() {
            *amount = json!({ "amount": amount, "unit": "AUR" });
        }
        let body = json!({ "top_up_limits": body });
        let headers = [("authorization", bearer.as_str())];
        let changed = shop.send("PATCH", "/v1/admin/settings", &headers, body).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        let who = shop.buyer(&format!("{name}@example.com"), 5).await;
        set(&shop, &who, 100, 150, "demo_approved", None).await;
        work(&shop).await;
        later(&shop, Span::minutes(1)).await;
        later(&shop, Span::minutes(1)).await;
        let came: Vec<u64> = top_ups(&shop, &who).await.into_iter().map(|one| one.1).collect();
        assert_eq!(came, brought, "{name}");
    }
    shop.sound().await;
}

#[tokio::test]
async fn never_for_a_frozen_account_nor_when_it_was_taken_back() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 5).await;
    set(&shop, &ada, 100, 500, "demo_approved", None).await;
    let id = shop.get("/v1/account", &ada).await.at("/id").to_owned();
    let hand = async |what: &str| {
        let path = format!("/v1/admin/accounts/{id}/{what}");
        shop.post(&path, &shop.admin, "", Value::Null).await;
    };
    hand("freeze").await;
    work(&shop).await;
    assert_eq!(top_ups(&shop, &ada).await, []);
    assert_eq!(set(&shop, &ada, 100, 500, "demo_approved", None).await.code(), "account_frozen");
    hand("thaw").await;
    let bearer = format!("Bearer {ada}");
    for _ in 0..2 {
        let gone = shop.send("DELETE", PATH, &[("authorization", &bearer)], Value::Null).await;
        assert_eq!(gone.status, 204);
    }
    later(&shop, Span::hours(1)).await;
    assert_eq!(top_ups(&shop, &ada).await, []);
    assert_eq!(shop.get(PATH, &ada).await.status, 404);
    shop.sound().await;
}

#[tokio::test]
async fn taking_it_back_and_asking_anew_lifts_no_limit() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 10).await;
    let ada = shop.buyer("ada@example.com", 10).await;
    let bearer = format!("Bearer {ada}");
    for round in 0..8 {
        set(&shop, &ada, 10, 11, "demo_approved", None).await;
        work(&shop).await;
        buy(&shop, &ada, &format!("b{round}"), &offer).await;
        later(&shop, Span::minutes(1)).await;
        let gone = shop.send("DELETE", PATH, &[("authorization", &bearer)], Value::Null).await;
        assert_eq!((gone.status, shop.get(PATH, &ada).await.status), (204, 404));
        buy(&shop, &ada, &format!("c{round}"), &offer).await;
    }
    assert_eq!(top_ups(&shop, &ada).await.len(), 5, "in a day");
    later(&shop, Span::hours(24)).await;
    set(&shop, &ada, 10, 11, "demo_approved", Some(1)).await;
    later(&shop, Span::hours(1)).await;
    assert_eq!(top_ups(&shop, &ada).await.len(), 5, "more than that was paid in the month");
    set(&shop, &ada, 10, 11, "demo_approved", None).await;
    later(&shop, Span::minutes(1)).await;
    assert_eq!(top_ups(&shop, &ada).await.len(), 6);
    shop.sound().await;
}

#[tokio::test]
async fn bad_input_names_its_field() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 5).await;
    let tokens = |units: u64, unit: &str| json!({ "amount": units, "unit": unit });
    let body = |below: Value, to: Value| json!({ "below": below, "to": to, "payment_method": "demo_approved" });
    let mut limited = body(tokens(1, "AUR"), tokens(2, "AUR"));
    limited["monthly_limit"] = tokens(1, "USD");
    let mut nothing = body(tokens(1, "AUR"), tokens(2, "AUR"));
    nothing["monthly_limit"] = tokens(0, "EUR");
    let mut odd = body(tokens(1, "AUR"), tokens(2, "AUR"));
    odd["payment_method"] = json!("../x");
    for (bad, field) in [
        (body(tokens(0, "AUR"), tokens(2, "AUR")), "below.amount"),
        (body(tokens(2, "AUR"), tokens(2, "AUR")), "to.amount"),
        (body(tokens(1, "EUR"), tokens(2, "AUR")), "below.unit"),
        (limited, "monthly_limit.unit"),
        (nothing, "monthly_limit.amount"),
        (odd, "payment_method"),
        (json!({ "below": tokens(1, "AUR"), "to": tokens(2, "AUR") }), "payment_method"),
    ] {
        let refused = put(&shop, &ada, bad).await;
        assert_eq!((refused.status, refused.at("/errors/0/field")), (400, field), "{refused:?}");
    }
    assert_eq!(shop.get(PATH, &ada).await.status, 404);
    shop.sound().await;
}
