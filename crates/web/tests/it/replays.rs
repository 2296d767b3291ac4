//! The same key again gives the first status and body, byte for byte, whatever became of the rest.

use scrip_domain::Span;
use scrip_license::{RentalStart, Terms};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

/// A request that can be sent again, with its first answer.
struct Sent {
    path: String,
    bearer: String,
    key: &'static str,
    body: Value,
    first: Answer,
}

async fn send(shop: &Shop, path: &str, bearer: &str, key: &'static str, body: Value) -> Sent {
    let first = shop.post(path, bearer, key, body.clone()).await;
    assert_eq!(first.header("idempotency-replayed"), "", "{path} {key}");
    Sent { path: path.to_owned(), bearer: bearer.to_owned(), key, body, first }
}

impl Sent {
    /// The path to confirm the order of the first answer.
    fn confirm(&self) -> String {
        format!("/v1/orders/{}/confirm", self.first.at("/id"))
    }

    async fn is_the_same_again(&self, shop: &Shop) {
        let again = shop.post(&self.path, &self.bearer, self.key, self.body.clone()).await;
        let text = |answer: &Answer| String::from_utf8_lossy(&answer.bytes).into_owned();
        assert_eq!(text(&again), text(&self.first), "{} {}", self.path, self.key);
        assert_eq!(again.status, self.first.status, "{} {}", self.path, self.key);
        assert_eq!(again.header("idempotency-replayed"), "true", "{} {}", self.path, self.key);
        assert_eq!(again.header("content-type"), self.first.header("content-type"));
        assert_ne!(again.header("x-request-id"), self.first.header("x-request-id"));
    }
}

fn tokens(amount: u64) -> Value {
    json!({ "amount": amount, "unit": "AUR" })
}

fn lines(offer: &str) -> Value {
    json!({ "lines": [{ "offer": offer, "quantity": 2 }] })
}

fn purchase(offer: &str, total: u64) -> Value {
    json!({ "lines": [{ "offer": offer }], "expected_total": tokens(total) })
}

/// Everything that now could change: two days pass, drafts expire, rentals end, the vendor has
/// another name, tokens another price, the account is frozen.
async fn time_goes_by(shop: &Shop, account: &str) {
    shop.advance(Span::days(2)).await;
    let settings = json!({
        "name": "Borealis",
        "token": { "code": "AUR", "name": "Aurum", "scale": 2, "unit_value": {
            "tokens": tokens(100), "money": { "amount": 7, "unit": "CHF" }
        } },
    });
    let key = format!("Bearer {}", shop.admin);
    let headers = [("authorization", key.as_str())];
    let changed = shop.send("PATCH", "/v1/admin/settings", &headers, settings).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let freeze = format!("/v1/admin/accounts/{account}/freeze");
    assert_eq!(shop.post(&freeze, &shop.admin, "", Value::Null).await.status, 200);
}

#[tokio::test]
async fn what_was_paid_is_replayed_as_it_was() {
    let shop = Shop::open().await;
    let hour = Terms::Rental { seconds: 3600, from: RentalStart::Purchase };
    let rental = shop.product("rental", 100, hour).await;
    let trial = shop.product("trial", 0, Terms::Trial { seconds: 60 }).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let account = shop.get("/v1/account", &ada).await.at("/id").to_owned();

    let bought = send(&shop, "/v1/purchases", &ada, "p1", purchase(&rental, 100)).await;
    let tried = send(&shop, "/v1/purchases", &ada, "p2", purchase(&trial, 0)).await;
    let drafted = send(&shop, "/v1/orders", &ada, "d1", lines(&rental)).await;
    let confirmed = send(&shop, &drafted.confirm(), &ada, "c1", json!({})).await;
    let left = send(&shop, "/v1/orders", &ada, "d2", lines(&rental)).await;
    let adjusted = send(
        &shop,
        &format!("/v1/admin/accounts/{account}/adjust"),
        &shop.admin,
        "a1",
        json!({ "tokens": tokens(5), "reason": "a gift" }),
    )
    .await;
    let sent = [bought, tried, drafted, confirmed, left, adjusted];
    for (sent, status) in sent.iter().zip([201, 201, 201, 200, 201, 201]) {
        assert_eq!(sent.first.status, status, "{:?}", sent.first);
    }

    time_goes_by(&shop, &account).await;
    for sent in &sent {
        sent.is_the_same_again(&shop).await;
    }
    // History tells what is so now; the confirmation names the vendor as it was called.
    let order = shop.get(&format!("/v1/orders/{}", sent[0].first.at("/id")), &ada).await;
    assert_eq!(order.at("/licenses/0/state"), "expired");
    assert_eq!(order.json["confirmation"], sent[0].first.json["confirmation"]);
    let draft = shop.get(&format!("/v1/orders/{}", sent[4].first.at("/id")), &ada).await;
    assert_eq!(draft.at("/state"), "expired");
}

#[tokio::test]
async fn a_decline_stays_one_after_another_key_has_paid() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 500).await;
    let account = shop.get("/v1/account", &ada).await.at("/id").to_owned();
    let drafted = send(&shop, "/v1/orders", &ada, "d1", lines(&offer)).await;
    let (dear, other) = (shop.service("dear", 600).await, shop.service("other", 1).await);
    assert_eq!(shop.post("/v1/purchases", &ada, "p", purchase(&other, 1)).await.status, 201);

    let declined = send(&shop, &drafted.confirm(), &ada, "c1", json!({})).await;
    let at_once = send(&shop, "/v1/purchases", &ada, "p1", purchase(&dear, 600)).await;
    let second = send(&shop, &drafted.confirm(), &ada, "c2", json!({})).await;
    let topped_up = send(
        &shop,
        "/v1/top-ups",
        &ada,
        "t1",
        json!({ "pay": { "amount": 500, "unit": "EUR" }, "method": "demo" }),
    )
    .await;
    let body = json!({ "tokens": tokens(9), "method": "demo", "payment_method": "demo_declined" });
    let not_topped_up = send(&shop, "/v1/top-ups", &ada, "t2", body).await;
    let body = json!({ "tokens": tokens(9), "method": "demo", "payment_method": "demo_review" });
    let in_review = send(&shop, "/v1/top-ups", &ada, "t3", body).await;
    let third = send(&shop, &drafted.confirm(), &ada, "c3", json!({})).await;

    let sent = [drafted, declined, at_once, second, topped_up, not_topped_up, in_review, third];
    let statuses: Vec<u16> = sent.iter().map(|sent| sent.first.status).collect();
    assert_eq!(statuses, [201, 402, 402, 402, 201, 402, 201, 200]);
    for _ in 0..2 {
        for sent in &sent {
            sent.is_the_same_again(&shop).await;
        }
        time_goes_by(&shop, &account).await;
    }
}

#[tokio::test]
async fn an_order_from_a_kept_selection_is_replayed_after_that_has_ended() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let visitor = shop.post("/v1/orders", "", "v", lines(&offer)).await;
    assert_eq!(visitor.code(), "account_required");
    let ada = shop.buyer("ada@example.com", 500).await;
    shop.advance(Span::hours(23)).await;
    let kept = json!({ "selection": visitor.at("/selection") });
    let drafted = send(&shop, "/v1/orders", &ada, "d1", kept.clone()).await;
    assert_eq!(drafted.first.status, 201, "{:?}", drafted.first);

    shop.advance(Span::hours(2)).await;
    drafted.is_the_same_again(&shop).await;
    let late = shop.post("/v1/orders", &ada, "d2", kept.clone()).await;
    assert_eq!((late.status, late.code()), (400, "invalid_field"));
    let mut other = kept;
    other["allow_duplicate"] = json!(true);
    let reused = shop.post("/v1/orders", &ada, "d1", other).await;
    assert_eq!((reused.status, reused.code()), (409, "idempotency_key_reused"));
}
