//! Credit lines: drawn on up to the limit, owed in money, repaid in parts; nothing goes over, whatever crosses.

use futures_util::future::join_all;
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

pub async fn draw(shop: &Shop, who: &str, key: &str, units: u64) -> Answer {
    let tokens = json!({ "amount": units, "unit": "AUR" });
    let body = json!({ "tokens": tokens, "method": "credit_line" });
    shop.post("/v1/top-ups", who, key, body).await
}

async fn account(shop: &Shop, who: &str) -> String {
    shop.get("/v1/account", who).await.json["id"].as_str().unwrap().to_owned()
}

pub async fn limit(shop: &Shop, who: &str, units: u64, unit: &str) -> Answer {
    let path = format!("/v1/admin/accounts/{}/credit-limit", account(shop, who).await);
    let headers = [("authorization", format!("Bearer {}", shop.admin))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let body = json!({ "limit": { "amount": units, "unit": unit } });
    shop.send("PUT", &path, &headers, body).await
}

pub async fn repay(shop: &Shop, who: &str, key: &str, units: u64, unit: &str) -> Answer {
    let path = format!("/v1/admin/accounts/{}/repayments", account(shop, who).await);
    let body = json!({ "money": { "amount": units, "unit": unit }, "note": "statement 14" });
    shop.post(&path, &shop.admin, key, body).await
}

/// Limit, owed and left, as the buyer's wallet says.
async fn line(shop: &Shop, who: &str) -> [u64; 3] {
    let wallet = shop.get("/v1/wallet", who).await;
    let of = |name: &str| wallet.json["credit_line"][name]["amount"].as_u64().unwrap();
    ["limit", "owed", "left"].map(of)
}

#[tokio::test]
async fn a_limit_is_drawn_on_and_repaid_in_parts() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    assert_eq!(shop.get("/v1/wallet", &ada).await.json["credit_line"], Value::Null);
    let granted = limit(&shop, &ada, 1000, "EUR").await;
    assert_eq!(
        (granted.status, &granted.json["credit_line"]["left"]["amount"]),
        (200, &json!(1000))
    );
    let drawn = draw(&shop, &ada, "k1", 600).await;
    assert_eq!((drawn.status, &drawn.json["state"]), (201, &json!("credited")), "{drawn:?}");
    assert_eq!(drawn.json["assessment"]["source"], "credit_line");
    assert_eq!(drawn.json["pay"]["display"], "6.00 EUR");
    assert_eq!((shop.available(&ada).await, line(&shop, &ada).await), (600, [1000, 600, 400]));
    let wallet = shop.get("/v1/wallet", &ada).await;
    assert_eq!(wallet.json["lots"][0]["kind"], "credit");
    let again = draw(&shop, &ada, "k1", 600).await;
    assert_eq!((again.header("idempotency-replayed"), &again.json), ("true", &drawn.json));
    let part = repay(&shop, &ada, "r1", 250, "EUR").await;
    assert_eq!((part.status, &part.json["owed"]["amount"]), (201, &json!(350)), "{part:?}");
    let rest = repay(&shop, &ada, "r2", 350, "EUR").await;
    assert_eq!(rest.json["owed"]["amount"], 0);
    let again = repay(&shop, &ada, "r1", 250, "EUR").await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.json, part.json, "what was owed then, not now");
    let reused = repay(&shop, &ada, "r1", 251, "EUR").await;
    assert_eq!((reused.status, reused.code()), (409, "idempotency_key_reused"));
    assert_eq!(line(&shop, &ada).await, [1000, 0, 1000]);
    assert_eq!(shop.available(&ada).await, 600, "what was drawn stays");
    let path = format!("/v1/admin/accounts/{}/repayments", account(&shop, &ada).await);
    let listed = shop.get(&path, &shop.admin).await;
    assert_eq!(listed.json["data"], json!([rest.json, part.json]));
    shop.sound().await;
}

#[tokio::test]
async fn beyond_the_limit_it_is_declined_on_record() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let none = draw(&shop, &ada, "k0", 1).await;
    assert_eq!((none.status, none.code()), (402, "credit_declined"), "no line was granted");
    limit(&shop, &ada, 500, "EUR").await;
    let over = draw(&shop, &ada, "k1", 501).await;
    assert_eq!((over.status, over.code()), (402, "credit_declined"));
    assert_eq!(over.json["reasons"], json!(["over_limit"]));
    let again = draw(&shop, &ada, "k1", 501).await;
    assert_eq!((again.header("idempotency-replayed"), &again.json), ("true", &over.json));
    assert_eq!(draw(&shop, &ada, "k2", 500).await.status, 201);
    assert_eq!(draw(&shop, &ada, "k3", 1).await.status, 402);
    // A lower limit stops further draws, and takes nothing away.
    let lower = limit(&shop, &ada, 100, "EUR").await;
    assert_eq!(lower.json["credit_line"]["left"]["amount"], 0);
    assert_eq!(line(&shop, &ada).await, [100, 500, 0]);
    assert_eq!(draw(&shop, &ada, "k4", 1).await.status, 402);
    repay(&shop, &ada, "r1", 450, "EUR").await;
    assert_eq!(draw(&shop, &ada, "k5", 50).await.status, 201);
    assert_eq!(draw(&shop, &ada, "k6", 1).await.status, 402);
    shop.sound().await;
}

#[tokio::test]
async fn draws_that_cross_do_not_overshoot() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    limit(&shop, &ada, 1000, "EUR").await;
    let keys: Vec<_> = (0..20).map(|number| format!("k{number}")).collect();
    let draws = join_all(keys.iter().map(|key| draw(&shop, &ada, key, 300))).await;
    let drawn = draws.iter().filter(|answer| answer.status == 201).count();
    assert_eq!((drawn, line(&shop, &ada).await), (3, [1000, 900, 100]));
    let keys: Vec<_> = (0..8).map(|number| format!("r{number}")).collect();
    let repaid = join_all(keys.iter().map(|key| repay(&shop, &ada, key, 400, "EUR"))).await;
    let booked = repaid.iter().filter(|answer| answer.status == 201).count();
    assert_eq!((booked, line(&shop, &ada).await), (2, [1000, 100, 900]));
    shop.sound().await;
}

#[tokio::test]
async fn what_waits_for_a_person_is_held_to_the_limit_when_it_is_approved() {
    let mut settings = scrip_testkit::settings();
    settings.credit.review_above = scrip_domain::Amount::new(400);
    let shop = Shop::open_with(settings).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    limit(&shop, &ada, 600, "EUR").await;
    let waiting = draw(&shop, &ada, "k1", 500).await;
    assert_eq!((waiting.status, &waiting.json["state"]), (201, &json!("in_review")));
    assert_eq!(draw(&shop, &ada, "k2", 300).await.status, 201, "nothing is reserved by a review");
    let path = format!("/v1/admin/top-ups/{}/decide", waiting.json["id"].as_str().unwrap());
    let yes = json!({ "approve": true, "reason": "known" });
    let over = shop.post(&path, &shop.admin, "", yes.clone()).await;
    assert_eq!((over.status, over.code()), (409, "credit_limit"), "{over:?}");
    repay(&shop, &ada, "r1", 300, "EUR").await;
    let decided = shop.post(&path, &shop.admin, "", yes).await;
    assert_eq!((decided.status, &decided.json["state"]), (200, &json!("credited")));
    assert_eq!(line(&shop, &ada).await, [600, 500, 100]);
    shop.sound().await;
}

#[tokio::test]
async fn bad_input_is_refused_and_changes_nothing() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let foreign = limit(&shop, &ada, 100, "USD").await;
    assert_eq!((foreign.status, foreign.at("/errors/0/field")), (400, "limit.unit"));
    let nothing = repay(&shop, &ada, "r1", 5, "EUR").await;
    assert_eq!((nothing.status, nothing.code()), (409, "nothing_owed"), "there is no line");
    limit(&shop, &ada, 100, "EUR").await;
    draw(&shop, &ada, "k1", 60).await;
    for (units, unit) in [(0, "EUR"), (61, "EUR"), (10, "USD")] {
        let refused = repay(&shop, &ada, "r1", units, unit).await;
        assert_eq!(
            (refused.status, refused.at("/errors/0/field")),
            (400, "money"),
            "{units} {unit}"
        );
    }
    let path = format!("/v1/admin/accounts/{}/repayments", account(&shop, &ada).await);
    let body = json!({ "money": { "amount": 5, "unit": "EUR" }, "note": "x" });
    assert_eq!(
        shop.post(&path, &shop.admin, "", body.clone()).await.code(),
        "idempotency_key_missing"
    );
    assert_eq!(shop.post(&path, &ada, "r1", body.clone()).await.status, 403);
    let nobody = "/v1/admin/accounts/acc_0000000000000/repayments";
    assert_eq!(shop.post(nobody, &shop.admin, "r1", body).await.status, 404);
    assert_eq!(line(&shop, &ada).await, [100, 60, 40]);
    // What the vendor does is on record.
    let audit = shop.get("/v1/admin/audit", &shop.admin).await;
    assert_eq!(audit.json["data"][0]["act"], "credit_limit.set", "{audit:?}");
    shop.sound().await;
}

#[tokio::test]
async fn a_debt_stays_in_its_currency_and_at_its_price() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    limit(&shop, &ada, 1000, "EUR").await;
    draw(&shop, &ada, "k1", 600).await;
    let value = |money: u64, unit: &str| {
        json!({ "token": { "code": "AUR", "name": "Aurum", "scale": 2,
        "unit_value": { "tokens": { "amount": 100, "unit": "AUR" }, "money": { "amount": money, "unit": unit } } } })
    };
    let admin = format!("Bearer {}", shop.admin);
    let headers = [("authorization", admin.as_str())];
    let dearer = shop.send("PATCH", "/v1/admin/settings", &headers, value(200, "EUR")).await;
    assert_eq!(dearer.status, 200, "{dearer:?}");
    assert_eq!(line(&shop, &ada).await, [1000, 600, 400], "a new price changes no debt");
    assert_eq!(draw(&shop, &ada, "k2", 201).await.status, 402, "4.02 EUR are too much");
    shop.send("PATCH", "/v1/admin/settings", &headers, value(100, "USD")).await;
    assert_eq!(draw(&shop, &ada, "k3", 1).await.status, 402, "the line is in euros");
    let moved = limit(&shop, &ada, 50, "USD").await;
    assert_eq!((moved.status, moved.at("/errors/0/field")), (400, "limit.unit"), "{moved:?}");
    repay(&shop, &ada, "r1", 600, "EUR").await;
    assert_eq!(limit(&shop, &ada, 50, "USD").await.status, 200);
    assert_eq!(draw(&shop, &ada, "k4", 50).await.status, 201);
    assert_eq!(line(&shop, &ada).await, [50, 50, 0]);
    shop.sound().await;
}
