//! What tokens cost: in several currencies, in packs, within limits; and later, at another price.

use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

fn money(amount: u64, unit: &str) -> Value {
    json!({ "amount": amount, "unit": unit })
}

fn price(tokens: u64, amount: u64, unit: &str) -> Value {
    json!({ "tokens": money(tokens, "AUR"), "money": money(amount, unit) })
}

async fn set(shop: &Shop, settings: Value) -> Answer {
    let authorization = format!("Bearer {}", shop.admin);
    let headers = [("authorization", authorization.as_str())];
    shop.send("PATCH", "/v1/admin/settings", &headers, settings).await
}

/// A vendor that sells in three currencies, in one pack, and not too much at once.
async fn worldly() -> Shop {
    let shop = Shop::open().await;
    let set = set(
        &shop,
        json!({
            "prices": [price(100, 160, "JPY"), price(100, 330, "KWD")],
            "packs": [{ "tokens": money(10_000, "AUR"), "pay": money(9_000, "EUR") },
                { "tokens": money(10_000, "AUR"), "pay": money(15_000, "JPY") }],
            "top_up_limits": { "min": money(100, "AUR"), "max": money(5_000, "AUR") },
        }),
    )
    .await;
    assert_eq!(set.status, 200, "{set:?}");
    shop
}

async fn ask(shop: &Shop, who: &str, key: &str, body: Value) -> Answer {
    let mut body = body;
    body["method"] = json!("card");
    body["payment_method"] = json!("demo_approved");
    shop.post("/v1/top-ups", who, key, body).await
}

#[tokio::test]
async fn tokens_are_sold_in_every_currency_and_the_vendor_says_so() {
    let shop = worldly().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let vendor = shop.get("/v1/vendor", "").await.json;
    assert_eq!(vendor["prices"][0]["money"]["display"], "160 JPY");
    assert_eq!(vendor["prices"][1]["money"]["display"], "0.330 KWD");
    assert_eq!(vendor["packs"][1]["pay"]["display"], "15000 JPY");
    assert_eq!(vendor["top_up_limits"]["max"]["display"], "50.00 AUR");
    let cases = [
        (json!({ "tokens": money(250, "AUR") }), 250, "2.50 EUR"),
        (json!({ "tokens": money(250, "AUR"), "currency": "EUR" }), 250, "2.50 EUR"),
        (json!({ "tokens": money(101, "AUR"), "currency": "JPY" }), 101, "162 JPY"),
        (json!({ "tokens": money(250, "AUR"), "currency": "KWD" }), 250, "0.825 KWD"),
        (json!({ "pay": money(1_000, "JPY") }), 625, "1000 JPY"),
        (json!({ "pay": money(999, "JPY") }), 624, "999 JPY"),
        (json!({ "tokens": money(250, "AUR"), "pay": money(250, "EUR") }), 250, "2.50 EUR"),
        (
            json!({ "tokens": money(10_000, "AUR"), "pay": money(9_000, "EUR") }),
            10_000,
            "90.00 EUR",
        ),
        (
            json!({ "tokens": money(10_000, "AUR"), "pay": money(15_000, "JPY") }),
            10_000,
            "15000 JPY",
        ),
    ];
    let mut bought = 0;
    for (number, (body, tokens, paid)) in (0..).zip(cases) {
        let begun = ask(&shop, &ada, &format!("k{number}"), body.clone()).await;
        assert_eq!((begun.status, begun.at("/pay/display")), (201, paid), "{body}: {begun:?}");
        assert_eq!(begun.json["tokens"]["amount"], tokens, "{body}");
        bought += tokens;
    }
    shop.run_errands().await;
    assert_eq!(shop.available(&ada).await, bought);
    let charged = shop.processor.payments();
    assert!(charged.iter().any(|payment| payment.money.unit.as_str() == "KWD"));
}

#[tokio::test]
async fn what_is_not_sold_so_is_refused_and_says_how_it_is() {
    let shop = worldly().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let cases = [
        (json!({ "pay": money(1_000, "USD") }), "invalid_field", "pay.unit", "EUR, JPY, KWD"),
        (json!({ "pay": money(1_000, "AUR") }), "invalid_field", "pay.unit", "EUR, JPY, KWD"),
        (
            json!({ "tokens": money(500, "AUR"), "currency": "USD" }),
            "invalid_field",
            "currency",
            "EUR, JPY, KWD",
        ),
        (
            json!({ "tokens": money(500, "AUR"), "currency": "yen" }),
            "invalid_field",
            "currency",
            "code",
        ),
        (
            json!({ "pay": money(500, "EUR"), "currency": "EUR" }),
            "invalid_field",
            "currency",
            "leave it out",
        ),
        (json!({ "tokens": money(500, "EUR") }), "invalid_field", "tokens.unit", "AUR"),
        (
            json!({ "tokens": money(99, "AUR") }),
            "invalid_field",
            "tokens.amount",
            "1.00 AUR to 50.00 AUR",
        ),
        (
            json!({ "tokens": money(5_001, "AUR") }),
            "invalid_field",
            "tokens.amount",
            "1.00 AUR to 50.00 AUR",
        ),
        (
            json!({ "pay": money(50_010, "KWD") }),
            "invalid_field",
            "pay.amount",
            "1.00 AUR to 50.00 AUR",
        ),
        (json!({ "pay": money(0, "JPY") }), "invalid_field", "pay.amount", "more than nothing"),
        (json!({}), "invalid_field", "tokens", "give tokens"),
        (json!({ "currency": "EUR" }), "invalid_field", "tokens", "give tokens"),
        (json!({ "tokens": money(500, "AUR"), "pay": money(400, "EUR") }), "price_changed", "", ""),
    ];
    for (number, (body, code, field, said)) in (0..).zip(cases) {
        let refused = ask(&shop, &ada, &format!("k{number}"), body.clone()).await;
        assert_eq!(refused.code(), code, "{body}: {refused:?}");
        assert_eq!(refused.at("/errors/0/field"), field, "{body}");
        assert!(refused.json.to_string().contains(said), "{body}: {refused:?}");
    }
    let changed = json!({ "tokens": money(500, "AUR"), "pay": money(400, "EUR") });
    let changed = ask(&shop, &ada, "k", changed).await;
    assert_eq!((changed.status, changed.at("/pay/display")), (409, "5.00 EUR"));
    let foreign = ask(&shop, &ada, "k", json!({ "pay": money(1_000, "USD") })).await;
    assert_eq!(foreign.json["currencies"], json!(["EUR", "JPY", "KWD"]));
    let small = ask(&shop, &ada, "k", json!({ "tokens": money(1, "AUR") })).await;
    assert_eq!(small.json["limits"]["min"]["amount"], 100);
    assert_eq!(shop.get("/v1/top-ups", &ada).await.json["data"], json!([]));
}

#[tokio::test]
async fn a_top_up_keeps_the_price_that_it_was_asked_at() {
    let shop = worldly().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let body = json!({ "tokens": money(1_000, "AUR"), "currency": "JPY" });
    let begun = ask(&shop, &ada, "k1", body.clone()).await;
    let pack = json!({ "tokens": money(10_000, "AUR"), "pay": money(9_000, "EUR") });
    let packed = ask(&shop, &ada, "k2", pack.clone()).await;
    // Meanwhile tokens cost ten times as much, yen are not taken any more, and the pack is gone.
    let dear = json!({ "code": "AUR", "name": "Aurum", "scale": 2, "unit_value": price(100, 1_000, "EUR") });
    let set = set(&shop, json!({ "token": dear, "prices": [], "packs": [] })).await;
    assert_eq!(set.status, 200, "{set:?}");
    shop.run_errands().await;
    for (begun, paid) in [(&begun, "1600 JPY"), (&packed, "90.00 EUR")] {
        let done = shop.get(&format!("/v1/top-ups/{}", begun.at("/id")), &ada).await;
        assert_eq!((done.at("/state"), done.at("/pay/display")), ("credited", paid), "{done:?}");
    }
    assert_eq!(shop.available(&ada).await, 11_000);
    let charged: Vec<_> = shop.processor.payments();
    let charged: Vec<_> = charged.iter().map(|payment| payment.money.amount.units()).collect();
    assert_eq!(charged, [1_600, 9_000]);
    // The same requests again get their first answers, and new ones the new price.
    for (key, body, first) in [("k1", &body, &begun), ("k2", &pack, &packed)] {
        let again = ask(&shop, &ada, key, body.clone()).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
        assert_eq!(again.json, first.json);
    }
    assert_eq!(ask(&shop, &ada, "k3", body).await.code(), "invalid_field");
    assert_eq!(
        ask(&shop, &ada, "k4", pack).await.code(),
        "invalid_field",
        "beyond the limits, and no pack"
    );
    let now = ask(&shop, &ada, "k5", json!({ "tokens": money(1_000, "AUR") })).await;
    assert_eq!(now.at("/pay/display"), "100.00 EUR");
}

#[tokio::test]
async fn prices_that_cannot_be_are_refused() {
    let shop = worldly().await;
    let tokens = money(100, "AUR");
    let cases = [
        (json!({ "prices": [price(100, 1, "EUR")] }), "prices[0].money.unit"),
        (json!({ "prices": [price(100, 1, "USD"), price(100, 1, "USD")] }), "prices[1].money.unit"),
        (json!({ "prices": [price(100, 0, "USD")] }), "prices[0]"),
        (json!({ "prices": [price(0, 1, "USD")] }), "prices[0]"),
        (json!({ "prices": [price(100, 1, "TOKENS")] }), "prices[0].money.unit"),
        (
            json!({ "prices": [{ "tokens": money(1, "EUR"), "money": money(1, "USD") }] }),
            "prices[0].tokens.unit",
        ),
        (json!({ "prices": [] }), "packs[1].pay.unit"),
        (json!({ "packs": [{ "tokens": tokens, "pay": money(1, "USD") }] }), "packs[0].pay.unit"),
        (json!({ "packs": [{ "tokens": tokens, "pay": money(0, "EUR") }] }), "packs[0].pay"),
        (
            json!({ "top_up_limits": { "min": money(2, "AUR"), "max": money(1, "AUR") } }),
            "top_up_limits.max",
        ),
        (json!({ "top_up_limits": { "max": money(0, "AUR") } }), "top_up_limits.max"),
        (json!({ "top_up_limits": { "min": money(2, "EUR") } }), "top_up_limits.min.unit"),
        (json!({ "top_up_limits": null }), "top_up_limits"),
    ];
    for (body, field) in cases {
        let refused = set(&shop, body.clone()).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_field"), "{body}: {refused:?}");
        assert_eq!(refused.at("/errors/0/field"), field, "{body}");
    }
    let none = set(&shop, json!({ "top_up_limits": {} })).await;
    assert_eq!(none.json["top_up_limits"], json!({}));
}
