//! Promotional tokens: given with an expiry, spent first, gone in time.

use scrip_domain::{Clock, Span};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

/// So many days from now, as the API writes it.
pub fn in_days(shop: &Shop, days: u32) -> String {
    shop.clock.now().plus(Span::days(days)).to_string()
}

/// The books are whole, with everything booked that is due.
async fn adjust(shop: &Shop, buyer: &str, key: &str, body: Value) -> Answer {
    let account = shop.get("/v1/account", buyer).await;
    let path = format!("/v1/admin/accounts/{}/adjust", account.at("/id"));
    shop.post(&path, &shop.admin, key, body).await
}

fn promo(tokens: u64, expires_at: Option<&str>) -> Value {
    json!({
        "tokens": { "amount": tokens, "unit": "AUR" }, "reason": "welcome", "kind": "promo", "expires_at": expires_at
    })
}

/// Gives a buyer promotional tokens.
pub async fn gift(
    shop: &Shop,
    buyer: &str,
    key: &str,
    tokens: u64,
    expires_at: Option<&str>,
) -> Answer {
    let given = adjust(shop, buyer, key, promo(tokens, expires_at)).await;
    assert_eq!(given.status, 201, "{given:?}");
    given
}

async fn statement(shop: &Shop, buyer: &str) -> Vec<String> {
    let lines = shop.get("/v1/wallet/transfers", buyer).await;
    let line = |line: &Value| {
        let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", word("direction"), word("reason"), line["amount"]["amount"])
    };
    lines.json["data"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn a_gift_is_on_record_and_given_once() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let end = in_days(&shop, 7);
    let given = gift(&shop, &ada, "g1", 500, Some(&end)).await;
    assert_eq!((given.at("/kind"), given.at("/state")), ("promo", "credited"));
    assert_eq!((given.at("/tokens/display"), given.at("/expires_at")), ("5.00 AUR", end.as_str()));
    let again = adjust(&shop, &ada, "g1", promo(500, Some(&end))).await;
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), ("true", &given.bytes));
    shop.advance(Span::days(8)).await;
    let later = adjust(&shop, &ada, "g1", promo(500, Some(&end))).await;
    assert_eq!(later.bytes, given.bytes, "also after they have expired");
    assert_eq!(adjust(&shop, &ada, "g1", promo(501, None)).await.code(), "idempotency_key_reused");
    assert_eq!(statement(&shop, &ada).await, ["in grant 500"]);
    let audit = shop.get("/v1/admin/audit", &shop.admin).await;
    assert_eq!(audit.at("/data/0/act"), "account.adjusted");
    assert_eq!(audit.at("/data/0/changes/lot/to"), given.at("/lot"));

    let past = adjust(&shop, &ada, "g2", promo(1, Some(&in_days(&shop, 0)))).await;
    assert_eq!((past.code(), past.at("/errors/0/field")), ("invalid_field", "expires_at"));
    let no_time = adjust(&shop, &ada, "g2", promo(1, Some("tomorrow"))).await;
    assert_eq!(no_time.at("/errors/0/field"), "expires_at");
    let mut paid = promo(1, Some(&in_days(&shop, 1)));
    paid["kind"] = json!("paid");
    let paid = adjust(&shop, &ada, "g2", paid).await;
    assert_eq!(paid.at("/errors/0/field"), "expires_at", "{paid:?}");
    shop.sound().await;
}

#[tokio::test]
async fn what_has_expired_is_seen_nowhere_and_pays_nothing() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 100).await;
    gift(&shop, &ada, "g1", 200, Some(&in_days(&shop, 1))).await;
    let ask = json!({ "lines": [{ "offer": offer }] });
    let quoted = shop.post("/v1/quotes", &ada, "", ask.clone()).await;
    assert_eq!(quoted.at("/remaining/display"), "0.50 AUR");
    assert_eq!(shop.get("/v1/wallet", &ada).await.at("/standing"), "funded");

    shop.advance(Span::days(1)).await;
    let quoted = shop.post("/v1/quotes", &ada, "", ask.clone()).await;
    assert_eq!(quoted.at("/shortfall/display"), "1.50 AUR", "{quoted:?}");
    let wallet = shop.get("/v1/wallet", &ada).await;
    assert_eq!(
        (wallet.at("/available/display"), wallet.at("/posted/display")),
        ("1.00 AUR", "1.00 AUR")
    );
    assert_eq!(
        (wallet.at("/standing"), wallet.json["lots"].as_array().map(Vec::len)),
        ("member", Some(1))
    );
    assert_eq!(shop.get("/v1/account", &ada).await.at("/standing"), "member");
    let product = shop.get("/v1/products/tuning", &ada).await;
    assert_eq!(product.at("/payment/available/display"), "1.00 AUR", "{product:?}");
    let mut buy = ask.clone();
    buy["expected_total"] = json!({ "amount": 250, "unit": "AUR" });
    let short = shop.post("/v1/purchases", &ada, "k1", buy).await;
    assert_eq!((short.code(), short.at("/balance/display")), ("insufficient_balance", "1.00 AUR"));
    assert_eq!(shop.post("/v1/orders", &ada, "d1", ask).await.code(), "insufficient_balance");
    assert_eq!(statement(&shop, &ada).await.len(), 2, "a refusal books nothing");
    shop.sound().await;
    assert_eq!(statement(&shop, &ada).await[0], "out expiry 200");
}

#[tokio::test]
async fn spending_and_crediting_book_what_has_expired_first() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 300).await;
    gift(&shop, &ada, "g1", 40, Some(&in_days(&shop, 1))).await;
    gift(&shop, &ada, "g2", 50, Some(&in_days(&shop, 2))).await;
    shop.advance(Span::days(1)).await;
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": { "amount": 250, "unit": "AUR" } });
    let paid = shop.post("/v1/purchases", &ada, "k1", body).await;
    assert_eq!(paid.at("/confirmation/balance_after/display"), "1.00 AUR", "{paid:?}");
    assert_eq!(statement(&shop, &ada).await[..2], ["out purchase 250", "out expiry 40"]);
    gift(&shop, &ada, "g3", 60, Some(&in_days(&shop, 1))).await;
    shop.advance(Span::days(1)).await;
    let fund = json!({ "tokens": { "amount": 5, "unit": "AUR" }, "method": "demo" });
    assert_eq!(shop.post("/v1/top-ups", &ada, "t1", fund).await.status, 201);
    assert_eq!(statement(&shop, &ada).await[..2], ["in top_up 5", "out expiry 60"]);
    shop.sound().await;
}

#[tokio::test]
async fn a_sweep_books_what_is_due_and_nothing_else() {
    let shop = Shop::open().await;
    let mut buyers = Vec::new();
    for number in 0..60_u32 {
        let buyer = shop.buyer(&format!("buyer-{number}@example.com"), 0).await;
        let days = if number < 55 { 1 } else { 3 };
        gift(&shop, &buyer, "g1", 10, Some(&in_days(&shop, days))).await;
        buyers.push(buyer);
    }
    let engine = &shop.app.engine;
    assert_eq!(engine.expire_due().await.unwrap(), 0);
    shop.advance(Span::days(2)).await;
    assert_eq!(engine.expire_due().await.unwrap(), 50, "a page");
    assert_eq!(engine.expire_due().await.unwrap(), 5);
    assert_eq!(engine.expire_due().await.unwrap(), 0);
    assert_eq!(statement(&shop, &buyers[54]).await, ["out expiry 10", "in grant 10"]);
    assert_eq!(statement(&shop, &buyers[55]).await, ["in grant 10"]);
    shop.sound().await;
}

#[tokio::test]
async fn a_wallet_with_a_hundred_lots_takes_more_into_those() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 30).await;
    let mut lots = Vec::new();
    for days in 1..=99 {
        let given = gift(&shop, &ada, &format!("g{days}"), 10, Some(&in_days(&shop, days))).await;
        lots.push(given.at("/lot").to_owned());
    }
    let half = shop.clock.now().plus(Span::days(7)).plus(Span::hours(1)).to_string();
    let joined = gift(&shop, &ada, "more", 5, Some(&half)).await;
    assert_eq!(joined.at("/lot"), lots[7], "the one that ends next");
    assert_eq!(joined.at("/expires_at"), in_days(&shop, 8));
    assert_eq!(gift(&shop, &ada, "more", 5, Some(&half)).await.bytes, joined.bytes);
    let long = adjust(&shop, &ada, "long", promo(5, Some(&in_days(&shop, 100)))).await;
    assert_eq!((long.code(), long.at("/errors/0/field")), ("invalid_field", "expires_at"));
    let paid = json!({ "tokens": { "amount": 20, "unit": "AUR" }, "reason": "by cheque" });
    assert_eq!(adjust(&shop, &ada, "paid", paid).await.status, 201);
    let wallet = shop.get("/v1/wallet", &ada).await;
    let shown = wallet.json["lots"].as_array().unwrap();
    assert_eq!(shown.len(), 100);
    assert_eq!(
        (shown[0]["remaining"]["amount"].as_u64(), wallet.at("/available/display")),
        (Some(50), "10.45 AUR")
    );
    shop.sound().await;
    shop.advance(Span::days(8)).await;
    shop.sound().await;
    assert_eq!(shop.get("/v1/wallet", &ada).await.at("/available/display"), "9.60 AUR");
}
