//! Top-ups that are paid offline: what came is credited part by part, and never twice.

use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

async fn shop() -> Shop {
    let mut settings = scrip_testkit::settings();
    settings.offline_instructions = "Transfer to DE02\n1203".into();
    Shop::open_with(settings).await
}

fn money(units: u64) -> Value {
    json!({ "amount": units, "unit": "EUR" })
}

async fn ask(shop: &Shop, who: &str, key: &str, units: u64) -> Answer {
    let tokens = json!({ "amount": units, "unit": "AUR" });
    shop.post("/v1/top-ups", who, key, json!({ "tokens": tokens, "method": "offline" })).await
}

fn admin(answer: &Answer, verb: &str) -> String {
    format!("/v1/admin/top-ups/{}{verb}", answer.at("/id"))
}

async fn receive(shop: &Shop, asked: &Answer, key: &str, units: u64) -> Answer {
    let body = json!({ "money": money(units), "note": "statement 14" });
    shop.post(&admin(asked, "/received"), &shop.admin, key, body).await
}

/// A vendor whose tokens cost three cents for two.
async fn uneven() -> Shop {
    let mut settings = scrip_testkit::settings();
    settings.offline_instructions = "Transfer".into();
    settings.token.unit_value.tokens = scrip_domain::Amount::new(2).unwrap();
    settings.token.unit_value.money.amount = scrip_domain::Amount::new(3).unwrap();
    Shop::open_with(settings).await
}

#[tokio::test]
async fn the_buyer_is_told_how_to_pay_and_staff_find_it_by_its_reference() {
    let shop = shop().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let asked = ask(&shop, &ada, "k1", 500).await;
    assert_eq!((asked.status, asked.at("/state")), (201, "requires_action"), "{asked:?}");
    let action = &asked.json["next_action"];
    assert_eq!(action["type"], "transfer");
    assert_eq!(action["money"]["display"], "5.00 EUR");
    assert_eq!(action["instructions"], "Transfer to DE02\n1203");
    let reference = action["reference"].as_str().unwrap();
    let find = |text: String| {
        let path = format!("/v1/admin/top-ups?reference={text}");
        let shop = &shop;
        async move { shop.get(&path, &shop.admin).await }
    };
    for typed in [reference.to_owned(), reference.to_lowercase().replace('-', "")] {
        let found = find(typed).await;
        assert_eq!(found.at("/data/0/id"), asked.at("/id"), "{found:?}");
    }
    let mut mistyped = reference.to_owned().into_bytes();
    mistyped[0] = if mistyped[0] == b'7' { b'8' } else { b'7' };
    let mistyped = find(String::from_utf8(mistyped).unwrap()).await;
    assert_eq!((mistyped.status, mistyped.at("/errors/0/field")), (404, "reference"));
    let all = shop.get("/v1/admin/top-ups", &shop.admin).await;
    assert_eq!(all.at("/data/0/account"), shop.get("/v1/account", &ada).await.at("/id"));
    let closed = json!({ "offline_instructions": " \n" });
    let bearer = format!("Bearer {}", shop.admin);
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(shop.send("PATCH", "/v1/admin/settings", &headers, closed).await.status, 200);
    let refused = ask(&shop, &ada, "k2", 500).await;
    assert_eq!((refused.status, refused.at("/errors/0/field")), (400, "method"));
    // The first answer still tells what it told.
    let again = ask(&shop, &ada, "k1", 500).await;
    assert_eq!(
        (again.bytes, again.headers["idempotency-replayed"].as_bytes()),
        (asked.bytes, &b"true"[..])
    );
}

#[tokio::test]
async fn parts_are_credited_rounded_down_and_the_last_brings_the_rest() {
    let shop = uneven().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let asked = ask(&shop, &ada, "k1", 200).await;
    assert_eq!(asked.json["pay"]["amount"], 300);
    let first = receive(&shop, &asked, "r1", 100).await;
    assert_eq!((first.status, first.at("/state")), (200, "requires_action"), "{first:?}");
    assert_eq!(first.json["received"]["amount"], 100);
    assert_eq!(first.json["next_action"]["money"]["amount"], 200);
    assert_eq!(shop.available(&ada).await, 66);
    let second = receive(&shop, &asked, "r2", 100).await;
    assert_eq!(second.json["remittances"][1]["tokens"]["amount"], 66);
    for (wrong, field) in [
        (money(101), "money"),
        (money(0), "money"),
        (json!({ "amount": 1, "unit": "USD" }), "money"),
    ] {
        let body = json!({ "money": wrong, "note": "n" });
        let refused = shop.post(&admin(&asked, "/received"), &shop.admin, "w", body).await;
        assert_eq!((refused.status, refused.at("/errors/0/field")), (400, field), "{refused:?}");
    }
    let last = receive(&shop, &asked, "r3", 100).await;
    assert_eq!((last.at("/state"), &last.json["next_action"]), ("credited", &Value::Null));
    assert_eq!(last.json["remittances"][2]["tokens"]["amount"], 68);
    assert_eq!(shop.available(&ada).await, 200);
    for (key, first) in [("r1", &first), ("r2", &second), ("r3", &last)] {
        let again = receive(&shop, &asked, key, 100).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"));
        assert_eq!(again.bytes, first.bytes, "{key}");
    }
    let reused = receive(&shop, &asked, "r1", 99).await;
    assert_eq!(reused.code(), "idempotency_key_reused");
    let more = receive(&shop, &asked, "r4", 1).await;
    assert_eq!((more.status, more.code(), more.at("/state")), (409, "top_up_state", "credited"));
    assert_eq!(ask(&shop, &ada, "k1", 200).await.bytes, asked.bytes);
    assert_eq!(shop.available(&ada).await, 200);
    shop.sound().await;
}

#[tokio::test]
async fn what_came_of_a_top_up_goes_back_once_the_rest_is_cancelled() {
    let shop = shop().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let asked = ask(&shop, &ada, "k1", 1000).await;
    let refund = async |key: &str| {
        let body = json!({ "reason": "not wanted" });
        shop.post(&admin(&asked, "/refunds"), &shop.admin, key, body).await
    };
    let nothing = refund("b1").await;
    assert_eq!((nothing.status, nothing.code()), (409, "top_up_state"), "{nothing:?}");
    assert!(nothing.at("/detail").contains("nothing came"), "{nothing:?}");
    receive(&shop, &asked, "r1", 333).await;
    let waits = refund("b2").await;
    assert_eq!((waits.status, waits.code()), (409, "top_up_state"), "{waits:?}");
    assert_eq!(
        (waits.at("/detail"), waits.at("/state")),
        ("the rest is still awaited: cancel it first, then refund", "requires_action")
    );
    let body = json!({ "reason": "no more will come" });
    let cancelled = shop.post(&admin(&asked, "/cancel"), &shop.admin, "c", body).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    assert_eq!(refund("b3").await.status, 201);
    shop.sound().await;
}

#[tokio::test]
async fn a_part_too_small_for_a_token_is_not_lost() {
    let mut settings = scrip_testkit::settings();
    settings.offline_instructions = "Transfer".into();
    settings.token.unit_value.tokens = scrip_domain::Amount::new(1).unwrap();
    let shop = Shop::open_with(settings).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let asked = ask(&shop, &ada, "k1", 1).await;
    let small = receive(&shop, &asked, "r1", 99).await;
    assert_eq!(small.json["remittances"][0]["tokens"]["amount"], 0);
    assert_eq!(shop.available(&ada).await, 0);
    assert_eq!(receive(&shop, &asked, "r2", 1).await.at("/state"), "credited");
    assert_eq!(shop.available(&ada).await, 1);
    shop.sound().await;
}

#[tokio::test]
async fn what_never_comes_is_cancelled() {
    let shop = shop().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let (none, some) = (ask(&shop, &ada, "k1", 500).await, ask(&shop, &ada, "k2", 500).await);
    let own = |asked: &Answer| format!("/v1/top-ups/{}/cancel", asked.at("/id"));
    receive(&shop, &some, "r1", 200).await;
    for _ in 0..2 {
        let cancelled = shop.post(&own(&none), &ada, "", Value::Null).await;
        assert_eq!(
            (cancelled.at("/state"), cancelled.at("/reason")),
            ("cancelled", "cancelled_by_buyer")
        );
    }
    let refused = shop.post(&own(&some), &ada, "", Value::Null).await;
    assert_eq!((refused.status, refused.code()), (409, "top_up_state"));
    let bob = shop.buyer("bob@example.com", 0).await;
    assert_eq!(shop.post(&own(&some), &bob, "", Value::Null).await.status, 404);
    let why = json!({ "reason": "a month" });
    let cancelled = shop.post(&admin(&some, "/cancel"), &shop.admin, "", why).await;
    assert_eq!(
        (cancelled.at("/state"), cancelled.at("/reason")),
        ("cancelled", "cancelled_by_staff")
    );
    assert_eq!(receive(&shop, &some, "r2", 300).await.code(), "top_up_state");
    assert_eq!(shop.available(&ada).await, 200);
    let log = shop.get("/v1/admin/audit", &shop.admin).await;
    assert_eq!(
        (log.at("/data/0/act"), log.at("/data/1/act")),
        ("top_up.cancelled", "top_up.received")
    );
    shop.sound().await;
}

#[tokio::test]
async fn an_account_that_is_frozen_gets_nothing_before_it_is_thawed() {
    let shop = shop().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let asked = ask(&shop, &ada, "k1", 500).await;
    let account = shop.get("/v1/account", &ada).await.at("/id").to_owned();
    for (verb, status) in [("freeze", 403), ("thaw", 200)] {
        let path = format!("/v1/admin/accounts/{account}/{verb}");
        shop.post(&path, &shop.admin, "", Value::Null).await;
        assert_eq!(receive(&shop, &asked, "r1", 500).await.status, status);
    }
    assert_eq!(shop.available(&ada).await, 500);
}

#[tokio::test]
async fn the_rules_are_asked_before_anybody_pays() {
    let mut settings = scrip_testkit::settings();
    settings.offline_instructions = "Transfer".into();
    settings.credit.review_above = scrip_domain::Amount::new(400);
    let shop = Shop::open_with(settings).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let asked = ask(&shop, &ada, "k1", 500).await;
    assert_eq!((asked.at("/state"), &asked.json["next_action"]), ("in_review", &Value::Null));
    assert_eq!(receive(&shop, &asked, "r1", 500).await.code(), "top_up_state");
    let approve = json!({ "approve": true, "reason": "known" });
    let decided = shop.post(&admin(&asked, "/decide"), &shop.admin, "", approve).await;
    assert_eq!(decided.at("/next_action/type"), "transfer", "{decided:?}");
    let all = receive(&shop, &asked, "r1", 500).await;
    assert_eq!(all.at("/state"), "credited");
    assert_eq!(receive(&shop, &asked, "r1", 500).await.bytes, all.bytes);
    assert_eq!(ask(&shop, &ada, "k1", 500).await.bytes, asked.bytes);
    shop.sound().await;
}
