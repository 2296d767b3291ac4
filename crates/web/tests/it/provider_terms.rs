//! How far a provider trusts merchants, and what it lets them know of buyers.

use std::sync::Arc;

use scrip_domain::Span;
use scrip_testkit::{Answer, KnownServers, Place, settings};
use serde_json::{Value, json};

use crate::provider::{Caller, FIRST, SECOND, SHOP, World, code, key, place};

#[tokio::test]
async fn a_merchant_goes_as_far_as_it_is_trusted() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 9000).await;
    let limit = |answer: &Answer| (answer.status, answer.code().to_owned());
    let over = (403, "merchant_limit".to_owned());
    assert_eq!(limit(&world.send_offer(&world.offer("big", 1001)).await), over);
    let first = world.claimed(&ada, "ord_1", 1000).await;
    let second = world.opened("ord_2", 1).await;
    world.claimed(&ada, "ord_3", 1).await;
    let fourth = world.opened("ord_4", 1).await;
    assert_eq!(world.state(&second).await, "expired", "nobody had signed in for it");
    assert_eq!(world.step(&ada, &fourth, "claim").await.at("/state"), "claimed");
    assert_eq!(limit(&world.send_offer(&world.offer("ord_5", 1)).await), over, "three are claimed");
    assert_eq!(world.call(&first, "cancel").await.at("/state"), "cancelled");
    assert_eq!(world.call(&first, "cancel").await.at("/state"), "cancelled");
    assert_eq!(world.confirm(&ada, &first, "k").await.code(), "request_state");
    world.opened("ord_5", 1).await;
    world.pass(Span::seconds(600)).await;

    for order in ["day_1", "day_2"] {
        let opened = world.captured(&ada, order, 1000).await;
        world.fulfilled(&opened).await;
    }
    let third = world.authorized(&ada, "day_3", 1).await;
    assert_eq!(limit(&world.call(&third, "capture").await), over, "2000 a day");
    assert_eq!(world.funds(&ada).await, (6999, 1), "it is still held");
    world.change(json!({ "limits": { "order": 1000, "open": 3, "day": 2001 } })).await;
    assert_eq!(world.call(&third, "capture").await.at("/state"), "captured");

    let confirmed = world.authorized(&ada, "sus_1", 1).await;
    let claimed = world.claimed(&ada, "sus_2", 1).await;
    assert_eq!(world.change(json!({ "suspended": true })).await.at("/state"), "suspended");
    let suspended = world.send_offer(&world.offer("sus_3", 1)).await;
    assert_eq!((limit(&suspended), suspended.at("/reason")), (over.clone(), "merchant_suspended"));
    assert_eq!(limit(&world.confirm(&ada, &claimed, "k1").await), over);
    assert_eq!(limit(&world.call(&confirmed, "capture").await), over);
    assert_eq!(world.fulfilled(&third).await.at("/state"), "fulfilled", "it can deliver");
    assert_eq!(world.refund(&third, "r1", None).await.at("/state"), "refunded", "and give back");
    assert_eq!(world.call(&confirmed, "cancel").await.at("/state"), "voided");
    world.pass(Span::days(1)).await;
    assert_eq!(world.change(json!({ "suspended": false })).await.at("/state"), "active");
    world.captured(&ada, "day_4", 1).await;
    world.pay.sound().await;
}

/// What the provider answers can be sent back as it came; a bare number is so many smallest units.
#[tokio::test]
async fn what_a_merchant_is_trusted_with_are_amounts() {
    let world = World::open().await;
    let path = format!("/v1/admin/merchants/{}", world.merchant);
    let shown = world.pay.get(&path, &world.pay.admin).await;
    assert_eq!(
        shown.json["limits"]["order"],
        json!({ "amount": 1000, "unit": "AUR", "display": "10.00 AUR" })
    );
    assert_eq!(shown.json["limits"]["open"], 3);
    let sums =
        ["/limits/day", "/fee/fixed", "/threshold"].map(|at| shown.at(&format!("{at}/display")));
    assert_eq!(sums, ["20.00 AUR", "0.01 AUR", "3.00 AUR"]);
    let mut back = json!({});
    for field in ["limits", "fee", "threshold"] {
        back[field] = shown.json[field].clone();
    }
    assert_eq!(world.change(back).await.json, shown.json);
    let less = world.change(json!({ "threshold": { "amount": 100, "unit": "AUR" } })).await;
    assert_eq!(less.at("/threshold/display"), "1.00 AUR");
    assert_eq!(
        world.change(json!({ "threshold": 200 })).await.at("/threshold/display"),
        "2.00 AUR"
    );
    let bearer = format!("Bearer {}", world.pay.admin);
    for (body, field) in [
        (json!({ "threshold": { "amount": 1, "unit": "EUR" } }), "threshold.unit"),
        (json!({ "threshold": { "amount": "1", "unit": "AUR" } }), "threshold.amount"),
        (json!({ "threshold": "1" }), "threshold"),
        (json!({ "threshold": -1 }), "threshold"),
        (json!({ "threshold": 1_000_000_000_000_001_u64 }), "threshold"),
        (
            json!({ "limits": { "order": { "amount": 1 }, "open": 1, "day": 1 } }),
            "limits.order.unit",
        ),
        (
            json!({ "limits": { "order": 1, "open": 1, "day": { "amount": 1, "unit": "EUR" } } }),
            "limits.day.unit",
        ),
        (
            json!({ "fee": { "basis_points": 1, "fixed": { "amount": 1, "unit": "EUR" } } }),
            "fee.fixed.unit",
        ),
    ] {
        let answer = world.pay.send("PATCH", &path, &[("authorization", &bearer)], body).await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, field), "{answer:?}");
    }
}

#[tokio::test]
async fn an_invited_merchant_sells_once_its_server_says_so() {
    let world = World::open().await;
    assert_eq!(world.register(SHOP, json!({})).await.code(), "merchant_taken");
    for (field, body) in [
        ("url", json!({ "url": "shop.example" })),
        ("url", json!({ "url": "https://new.test/" })),
        ("return_origins[0]", json!({ "return_origins": ["https://new.test/return"] })),
        ("fee.basis_points", json!({ "fee": { "basis_points": 10_001 } })),
        ("name", json!({ "name": "" })),
    ] {
        let answer = world.register("https://new.test", body).await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, field), "{answer:?}");
    }
    let peers = KnownServers::default().with("https://new.test", &[key(23).public().clone()]);
    let world = World::open_at(Place { peers: Some(Arc::new(peers)), ..place() }, settings()).await;
    let new = Caller("https://new.test", 23);
    let invited = world.register(new.0, json!({ "invite": true })).await;
    assert_eq!(invited.at("/state"), "invited", "{invited:?}");
    let connect = json!({ "return_url": "https://new.test/return" });
    let answer = world.signed(new, "POST", "/v1/connection-requests", "k", connect.clone()).await;
    assert_eq!(answer.code(), "merchant_limit");
    let redeem = async |token: &str| {
        let body = json!({ "invitation": token });
        world.signed(new, "POST", "/v1/merchant/invitation", "", body).await
    };
    assert_eq!(redeem("guess").await.code(), "not_found");
    for _ in 0..2 {
        assert_eq!(redeem(invited.at("/invitation")).await.at("/state"), "active");
    }
    let answer = world.signed(new, "POST", "/v1/connection-requests", "k", connect).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let listed = world.pay.get("/v1/admin/merchants?limit=1", &world.pay.admin).await;
    assert_eq!(
        (listed.at("/data/0/state"), &listed.json["data"][0]["invitation"]),
        ("active", &Value::Null)
    );
    assert!(listed.json["next"].is_string());
    world.pay.sound().await;
}

#[tokio::test]
async fn a_return_code_opens_once_within_its_minute_for_its_merchant() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 500).await;
    let redeem = async |caller, code: &str| {
        world.signed(caller, "POST", "/v1/return-codes", "", json!({ "code": code })).await
    };
    let opened = world.claimed(&ada, "ord_1", 100).await;
    let code_1 = code(&world.confirm(&ada, &opened, "k1").await);
    assert_eq!(redeem(SECOND, &code_1).await.code(), "not_found", "misdirected");
    assert_eq!(redeem(FIRST, &code_1).await.status, 200);
    assert_eq!(redeem(FIRST, &code_1).await.code(), "not_found", "once");
    let opened = world.claimed(&ada, "ord_2", 100).await;
    let code_2 = code(&world.step(&ada, &opened, "decline").await);
    world.pay.advance(Span::seconds(60)).await;
    assert_eq!(redeem(FIRST, &code_2).await.code(), "not_found", "a minute");
    assert_eq!(redeem(FIRST, "nothing").await.code(), "not_found");
    assert_ne!(code_1, code_2);
}

#[tokio::test]
async fn a_buyer_signs_in_at_a_merchant_and_says_what_it_may_know() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 300).await;
    let bob = world.pay.buyer("bob@example.com", 300).await;
    let body = json!({ "return_url": "https://shop.test/return" });
    let connect = async |caller, key: &str| {
        let body = json!({ "return_url": format!("{}/return", caller_url(caller)) });
        let opened = world.signed(caller, "POST", "/v1/connection-requests", key, body).await;
        assert_eq!(opened.status, 201, "{opened:?}");
        opened
    };
    let elsewhere = json!({ "return_url": "https://evil.test/return" });
    let answer = world.post("/v1/connection-requests", "k0", elsewhere).await;
    assert_eq!(answer.at("/errors/0/field"), "return_url");
    let opened = connect(FIRST, "k1").await;
    assert_eq!(connect(FIRST, "k1").await.json, opened.json);
    let other = world
        .post("/v1/connection-requests", "k1", json!({ "return_url": "https://shop.test/x" }))
        .await;
    assert_eq!(other.code(), "idempotency_key_reused");
    let path = |opened: &Answer| {
        format!("/v1/connections/{}", opened.at("/url").rsplit('/').next().unwrap())
    };
    assert_eq!(world.pay.get(&path(&opened), "").await.at("/state"), "open");
    let approve = format!("{}/approve", path(&opened));
    let share = json!({ "share": ["funded"] });
    assert_eq!(world.pay.post(&approve, "", "", share.clone()).await.code(), "account_required");
    let back = world.pay.post(&approve, &ada, "", share.clone()).await;
    assert_eq!(world.pay.post(&approve, &ada, "", share.clone()).await.bytes, back.bytes);
    assert_eq!(world.pay.post(&approve, &bob, "", share.clone()).await.code(), "not_found");
    assert_eq!(world.pay.get(&path(&opened), &bob).await.code(), "not_found");
    let refuse = format!("{}/decline", path(&opened));
    assert_eq!(world.pay.post(&refuse, &ada, "", Value::Null).await.code(), "request_state");
    let came = world.post("/v1/return-codes", "", json!({ "code": code(&back) })).await;
    assert_eq!(
        (came.at("/connection"), &came.json["funded"]),
        (opened.at("/id"), &json!(true)),
        "{came:?}"
    );
    assert_eq!(came.json["request"], Value::Null);
    let subject = came.at("/subject").to_owned();
    let standing = async |caller| {
        world.signed(caller, "GET", &format!("/v1/subjects/{subject}"), "", Value::Null).await
    };
    assert_eq!(standing(FIRST).await.json, json!({ "subject": subject, "funded": true }));
    assert_eq!(standing(SECOND).await.code(), "not_found", "no other merchant knows it");
    world.authorized(&ada, "ord_1", 1).await;
    world.pay.advance(Span::seconds(2)).await;
    assert_eq!(standing(FIRST).await.json["funded"], false, "299 are left, 300 the threshold");

    let second = connect(SECOND, "k1").await;
    let back = world.pay.post(&format!("{}/approve", path(&second)), &ada, "", json!({})).await;
    let code = back.at("/return_url").split(['=', '&']).nth(1).unwrap().to_owned();
    let came = world.signed(SECOND, "POST", "/v1/return-codes", "", json!({ "code": code })).await;
    assert_eq!(came.json["funded"], Value::Null, "not shared: {came:?}");
    assert_ne!(came.at("/subject"), subject, "merchants cannot compare");
    let third = connect(FIRST, "k3").await;
    let refused = world.pay.post(&format!("{}/decline", path(&third)), &bob, "", Value::Null).await;
    assert!(refused.at("/return_url").contains("error=declined"), "{refused:?}");
    let fourth = connect(FIRST, "k4").await;
    world.pay.advance(Span::minutes(10)).await;
    assert_eq!(world.pay.get(&path(&fourth), "").await.at("/state"), "expired");
    let late = world.pay.post(&format!("{}/approve", path(&fourth)), &bob, "", share).await;
    assert_eq!(late.code(), "request_state");
    drop(body);
    world.pay.sound().await;
}

fn caller_url(caller: Caller) -> &'static str {
    caller.0
}
