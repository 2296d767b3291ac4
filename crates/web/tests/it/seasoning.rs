//! Seasoning: bought tokens say when they can be exchanged, never sooner than was said, whatever becomes of them.

use scrip_domain::seasoning::Seasoning;
use scrip_domain::{Amount, Clock, Span};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

use crate::disputes::deliver;
use crate::expiry::{gift, in_days};

async fn shop() -> Shop {
    let mut settings = scrip_testkit::settings();
    settings.offline_instructions = "Transfer".into();
    settings.credit.review_above = Amount::new(9000);
    Shop::open_with(settings).await
}

async fn top_up(shop: &Shop, who: &str, key: &str, units: u64, method: &str) -> Answer {
    let tokens = json!({ "amount": units, "unit": "AUR" });
    let mut body = json!({ "tokens": tokens, "method": method });
    if method == "card" {
        body["payment_method"] = json!("demo_approved");
    }
    let begun = shop.post("/v1/top-ups", who, key, body).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    shop.run_errands().await;
    begun
}

async fn staff(shop: &Shop, top_up: &Answer, verb: &str, key: &str, body: Value) -> Answer {
    let path = format!("/v1/admin/top-ups/{}/{verb}", top_up.at("/id"));
    let done = shop.post(&path, &shop.admin, key, body).await;
    assert!([200, 201].contains(&done.status), "{done:?}");
    done
}

/// In how many hours each lot of the wallet can be exchanged, oldest first; none: never.
async fn hours(shop: &Shop, who: &str) -> Vec<Option<i64>> {
    let wallet = shop.get("/v1/wallet", who).await;
    let read = |lot: &Value| {
        let at = scrip_domain::Timestamp::parse(lot["exchangeable_at"].as_str()?).unwrap();
        Some((at.millis() - shop.clock.now().millis()) / 3_600_000)
    };
    wallet.json["lots"].as_array().unwrap().iter().map(read).collect()
}

async fn change(shop: &Shop, credit: Value) -> Answer {
    let bearer = format!("Bearer {}", shop.admin);
    let headers = [("authorization", bearer.as_str())];
    shop.send("PATCH", "/v1/admin/settings", &headers, json!({ "credit": credit })).await
}

#[tokio::test]
async fn each_way_of_paying_has_its_hours_and_doubt_has_more() {
    let shop = shop().await;
    let ada = shop.buyer("ada@example.com", 50).await;
    top_up(&shop, &ada, "card", 100, "card").await;
    let offline = top_up(&shop, &ada, "offline", 100, "offline").await;
    let came = json!({ "money": { "amount": 40, "unit": "EUR" }, "note": "a statement" });
    staff(&shop, &offline, "received", "r1", came).await;
    let doubted = top_up(&shop, &ada, "large", 9001, "card").await;
    staff(&shop, &doubted, "decide", "d1", json!({ "approve": true, "reason": "known" })).await;
    shop.run_errands().await;
    gift(&shop, &ada, "gift", 10, None).await;
    let usual = [Some(0), Some(72), Some(0), Some(336), None];
    assert_eq!(hours(&shop, &ada).await, usual);

    let changed = change(&shop, json!({ "seasoning": { "card_hours": 5 } })).await;
    let set = json!({ "card_hours": 5, "offline_hours": 0, "doubtful_hours": 336 });
    assert_eq!((changed.status, &changed.json["credit"]["seasoning"]), (200, &set));
    top_up(&shop, &ada, "later", 100, "card").await;
    assert_eq!(
        hours(&shop, &ada).await,
        [&usual[..], &[Some(5)]].concat(),
        "only what comes in later"
    );
    let long = change(&shop, json!({ "seasoning": { "offline_hours": 87_601 } })).await;
    assert_eq!(
        (long.code(), long.at("/errors/0/field")),
        ("invalid_field", "credit.seasoning.offline_hours")
    );
    let none = change(&shop, json!({ "seasoning": { "hours": 1 } })).await;
    assert_eq!(none.code(), "unknown_field");
    let shown = shop.get("/v1/admin/settings", &shop.admin).await;
    assert_eq!(shown.json["credit"]["seasoning"], set);
    shop.sound().await;
}

#[tokio::test]
async fn what_is_lent_can_never_be_exchanged_not_even_when_it_is_repaid() {
    let shop = shop().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let account = format!("/v1/admin/accounts/{}", shop.get("/v1/account", &ada).await.at("/id"));
    let bearer = format!("Bearer {}", shop.admin);
    let limit = json!({ "limit": { "amount": 100, "unit": "EUR" } });
    let headers = [("authorization", bearer.as_str())];
    shop.send("PUT", &format!("{account}/credit-limit"), &headers, limit).await;
    top_up(&shop, &ada, "lent", 100, "credit_line").await;
    let repaid = json!({ "money": { "amount": 100, "unit": "EUR" }, "note": "a statement" });
    let repaid = shop.post(&format!("{account}/repayments"), &shop.admin, "r1", repaid).await;
    assert_eq!((repaid.status, hours(&shop, &ada).await), (201, vec![None]));
}

#[tokio::test]
async fn tokens_that_join_a_lot_wait_as_long_as_they_would_alone() {
    let shop = shop().await;
    let offer = shop.service("everything", 149).await;
    let ada = shop.buyer("ada@example.com", 30).await;
    for days in 1..=99 {
        gift(&shop, &ada, &format!("g{days}"), 1, Some(&in_days(&shop, days))).await;
    }
    assert_eq!(hours(&shop, &ada).await[0], Some(0));
    let card = top_up(&shop, &ada, "card", 20, "card").await;
    assert_eq!(hours(&shop, &ada).await.len(), 100, "it has joined");
    assert_eq!(hours(&shop, &ada).await[0], Some(72));

    shop.advance(Span::hours(2)).await;
    let buy = json!({ "lines": [{ "offer": offer }], "expected_total": { "amount": 149, "unit": "AUR" } });
    let bought = shop.post("/v1/purchases", &ada, "k1", buy).await;
    assert_eq!((bought.status, hours(&shop, &ada).await.len()), (201, 0), "{bought:?}");
    let path = format!("/v1/admin/orders/{}/refunds", bought.at("/id"));
    assert_eq!(shop.post(&path, &shop.admin, "b1", json!({ "reason": "dull" })).await.status, 201);
    assert_eq!(hours(&shop, &ada).await[0], Some(70), "also when the lot has opened again");
    shop.sound().await;

    let back = staff(&shop, &card, "refunds", "b2", json!({ "reason": "asked for" })).await;
    assert_eq!(back.at("/money/display"), "0.20 EUR", "what was paid for these, not for the lot");
    shop.run_errands().await;
    shop.sound().await;
}

#[tokio::test]
async fn a_won_dispute_gives_back_tokens_with_their_time() {
    let shop = shop().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let card = top_up(&shop, &ada, "card", 100, "card").await;
    let payment = format!("demo_{}", card.at("/id"));
    let payment = scrip_engine::processor::PaymentName::new(payment).unwrap();
    shop.processor.dispute(&payment, "d1", Amount::new(100).unwrap()).unwrap();
    deliver(&shop).await;
    assert_eq!(hours(&shop, &ada).await, []);
    shop.advance(Span::hours(10)).await;
    let won = scrip_engine::processor::DisputeState::Won;
    shop.processor.close_dispute(&payment, &won).unwrap();
    deliver(&shop).await;
    let usual = i64::from(Seasoning::default().card_hours);
    assert_eq!(hours(&shop, &ada).await, [Some(usual - 10)]);
    shop.sound().await;
}
