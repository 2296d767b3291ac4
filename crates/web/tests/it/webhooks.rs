//! Webhooks: what an endpoint is told, how it is signed, what becomes of tries, and what staff can do about it.

use scrip_domain::Span;
use scrip_engine::signature::Key;
use scrip_engine::webhook::{Message, Reply, Unsent};
use scrip_testkit::{Answer, Shop, reply};
use serde_json::{Value, json};

const PATH: &str = "/v1/admin/webhook-endpoints";
const URL: &str = "https://hooks.example/scrip";

async fn admin(shop: &Shop, method: &str, path: &str, body: Value) -> Answer {
    let bearer = format!("Bearer {}", shop.admin);
    shop.send(method, &format!("{PATH}{path}"), &[("authorization", &bearer)], body).await
}

/// An endpoint that is told of `events`: its path below [`PATH`], and its secret.
async fn endpoint(shop: &Shop, events: Value) -> (String, String) {
    let body = json!({ "url": URL, "events": events, "label": "books" });
    let made = admin(shop, "POST", "", body).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{made:?}");
    (format!("/{}", made.at("/id")), made.at("/secret").to_owned())
}

fn body(message: &Message) -> Value {
    serde_json::from_str(&message.body).unwrap()
}

fn types(sent: &[Message]) -> Vec<String> {
    sent.iter().map(|message| body(message)["type"].as_str().unwrap().to_owned()).collect()
}

fn is_signed(message: &Message, secret: &str) -> bool {
    let Message { id, timestamp, signature, body, .. } = message;
    Key::parse(secret).unwrap().verifies(id, timestamp, body.as_bytes(), signature)
}

async fn log(shop: &Shop, endpoint: &str) -> Vec<Value> {
    let list = admin(shop, "GET", &format!("{endpoint}/deliveries"), Value::Null).await;
    assert_eq!(list.status, 200, "{list:?}");
    list.json["data"].as_array().unwrap().clone()
}

/// The acts on record about webhooks, oldest first, each with who acted.
async fn acts(shop: &Shop) -> Vec<(String, String)> {
    let list = shop.get("/v1/admin/audit?limit=100", &shop.admin).await;
    let rows = list.json["data"].as_array().unwrap().iter().rev();
    let text = |row: &Value, member: &str| row[member].as_str().unwrap().to_owned();
    let act = |row: &Value| (text(row, "act"), text(row, "actor"));
    rows.map(act).filter(|(act, _)| act.starts_with("webhook.")).collect()
}

async fn buy(shop: &Shop, buyer: &str, key: &str) -> Answer {
    let offers = shop.get("/v1/products/tuning", buyer).await;
    let offer = offers.at("/offers/0/id").to_owned();
    let body = json!({ "lines": [{ "offer": offer }], "allow_duplicate": true,
        "expected_total": { "amount": 250, "unit": "AUR" } });
    shop.post("/v1/purchases", buyer, key, body).await
}

#[tokio::test]
async fn an_endpoint_is_told_what_it_wants_and_signed_for_it() {
    let shop = Shop::open().await;
    shop.service("tuning", 250).await;
    let early = shop.buyer("early@example.com", 0).await;
    shop.run_webhooks().await;
    let (paid, secret) = endpoint(&shop, json!(["order.paid"])).await;
    let (all, _) = endpoint(&shop, json!([])).await;
    let ada = shop.buyer("ada@example.com", 300).await;
    let order = buy(&shop, &ada, "one").await;
    assert_eq!(buy(&shop, &early, "none").await.status, 402);
    assert!(shop.sender.sent().is_empty(), "nothing is sent before it is committed and published");
    shop.run_webhooks().await;
    let sent = shop.sender.sent();
    let mut kinds = types(&sent);
    kinds.sort_unstable();
    let expected = [
        "account.opened",
        "license.issued",
        "order.declined",
        "order.paid",
        "order.paid",
        "top_up.credited",
    ];
    assert_eq!(kinds, expected);
    let of_paid = sent.iter().find(|message| is_signed(message, &secret)).unwrap();
    assert_eq!(sent.iter().filter(|message| is_signed(message, &secret)).count(), 1);
    assert_eq!(of_paid.url, URL);
    assert!(of_paid.id.starts_with("evt_"));
    assert_eq!(of_paid.timestamp, shop.app.engine.now().seconds().to_string());
    let told = body(of_paid);
    assert_eq!(told["data"]["object"], "order");
    assert_eq!(told["data"]["id"], order.json["id"]);
    assert_eq!(told["data"]["state"], "paid");
    assert_eq!(told["data"]["event"], of_paid.id);
    let rows = log(&shop, &paid).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["event"], of_paid.id);
    assert_eq!((&rows[0]["state"], &rows[0]["status"]), (&json!("delivered"), &json!(204)));
    assert_eq!((&rows[0]["attempts"], &rows[0]["next_at"]), (&json!(1), &Value::Null));
    assert_eq!(log(&shop, &all).await.len(), 5);
    shop.run_webhooks().await;
    assert!(shop.sender.sent().is_empty(), "everything once");
    shop.sound().await;
}

#[tokio::test]
async fn what_fails_is_tried_again_until_the_endpoint_is_given_up() {
    let shop = Shop::open().await;
    let (endpoint, _) = endpoint(&shop, json!([])).await;
    shop.buyer("ada@example.com", 0).await;
    let slow =
        Reply { status: 503, retry_after: Some(Span::minutes(10)), beginning: "later".into() };
    shop.sender.answer([Err(Unsent("no route".into())), Ok(slow), reply(302)]);
    shop.run_webhooks().await;
    let row = log(&shop, &endpoint).await.remove(0);
    assert_eq!((&row["state"], &row["status"]), (&json!("pending"), &Value::Null));
    assert_eq!(row["answer"], "no route");
    let failing = admin(&shop, "GET", &endpoint, Value::Null).await;
    assert!(failing.json["failing_since"].is_string());
    shop.advance(Span::seconds(4)).await;
    shop.run_webhooks().await;
    assert_eq!(shop.sender.sent().len(), 1, "not yet");
    shop.advance(Span::seconds(2)).await;
    shop.run_webhooks().await;
    let row = log(&shop, &endpoint).await.remove(0);
    assert_eq!(
        (&row["attempts"], &row["status"], &row["answer"]),
        (&json!(2), &json!(503), &json!("later"))
    );
    shop.advance(Span::minutes(9)).await;
    shop.run_webhooks().await;
    assert_eq!(shop.sender.sent().len(), 1, "it asked for ten minutes");
    shop.advance(Span::minutes(1)).await;
    shop.run_webhooks().await;
    assert_eq!(log(&shop, &endpoint).await[0]["status"], 302, "no redirection is followed");
    let ids: Vec<_> = shop.sender.sent().into_iter().map(|message| message.id).collect();
    shop.advance(Span::hours(3)).await;
    shop.run_webhooks().await;
    let arrived = shop.sender.sent();
    assert_eq!(arrived[0].id, ids[0], "the same message");
    assert_eq!(log(&shop, &endpoint).await[0]["state"], "delivered");
    let well = admin(&shop, "GET", &endpoint, Value::Null).await;
    assert_eq!(well.json["failing_since"], Value::Null);

    shop.buyer("bob@example.com", 0).await;
    shop.sender.answer((0..20).map(|_| reply(500)));
    for _ in 0..10 {
        shop.run_webhooks().await;
        shop.advance(Span::hours(27)).await;
    }
    let row = log(&shop, &endpoint).await.remove(0);
    assert_eq!(row["attempts"], 6, "then nothing has arrived for five days");
    assert_eq!(row["state"], "pending", "it waits for the endpoint");
    let dead = admin(&shop, "GET", &endpoint, Value::Null).await;
    assert_eq!(dead.json["disabled"], "failing");
    shop.sound().await;
}

#[tokio::test]
async fn a_dead_endpoint_is_disabled_and_goes_on_where_it_stopped() {
    let shop = Shop::open().await;
    let (gone, _) = endpoint(&shop, json!([])).await;
    shop.buyer("ada@example.com", 0).await;
    shop.sender.answer([reply(410)]);
    shop.run_webhooks().await;
    assert_eq!(log(&shop, &gone).await[0]["state"], "failed");
    let shown = admin(&shop, "GET", &gone, Value::Null).await;
    assert_eq!(shown.json["disabled"], "gone");
    assert!(shown.json["disabled_at"].is_string());
    let key = shop.admin.split_once('.').unwrap().0.to_owned();
    let made = ("webhook.made".to_owned(), key.clone());
    let disabled = ("webhook.disabled".to_owned(), "server".to_owned());
    assert_eq!(acts(&shop).await, [made.clone(), disabled.clone()]);
    shop.sender.sent();
    shop.buyer("bob@example.com", 0).await;
    shop.run_webhooks().await;
    assert!(shop.sender.sent().is_empty());
    for _ in 0..2 {
        let enabled = admin(&shop, "POST", &format!("{gone}/enable"), Value::Null).await;
        assert_eq!((enabled.status, &enabled.json["disabled"]), (200, &Value::Null));
    }
    shop.run_webhooks().await;
    assert_eq!(types(&shop.sender.sent()), ["account.opened"], "bob, and ada not again");
    for _ in 0..2 {
        let off = admin(&shop, "POST", &format!("{gone}/disable"), Value::Null).await;
        assert_eq!((off.status, &off.json["disabled"]), (200, &json!("staff")));
    }
    let acted: Vec<String> = acts(&shop).await.into_iter().map(|(act, _)| act).collect();
    assert_eq!(acted[2..], ["webhook.enabled", "webhook.disabled"], "once more changes nothing");
    shop.sound().await;
}

#[tokio::test]
async fn two_secrets_sign_for_a_day_after_a_rotation() {
    let shop = Shop::open().await;
    let (endpoint, old) = endpoint(&shop, json!([])).await;
    let rotated = admin(&shop, "POST", &format!("{endpoint}/rotate"), Value::Null).await;
    assert_eq!((rotated.status, rotated.header("cache-control")), (200, "no-store"));
    let new = rotated.at("/secret").to_owned();
    assert_ne!(old, new);
    assert!(rotated.json["previous_until"].is_string());
    shop.buyer("ada@example.com", 0).await;
    shop.run_webhooks().await;
    let sent = shop.sender.sent();
    assert!(is_signed(&sent[0], &old) && is_signed(&sent[0], &new));
    assert_eq!(sent[0].signature.split(' ').count(), 2);
    shop.advance(Span::hours(24)).await;
    shop.buyer("bob@example.com", 0).await;
    // Another server signs alike: the secret lies nowhere.
    let another = shop.another().await;
    another.run_webhooks().await;
    let sent = another.sender.sent();
    assert!(!is_signed(&sent[0], &old) && is_signed(&sent[0], &new));
    for path in ["", "/deliveries"] {
        let shown = admin(&shop, "GET", &format!("{endpoint}{path}"), Value::Null).await;
        assert!(!String::from_utf8_lossy(&shown.bytes).contains("whsec_"), "{path}");
    }
}

#[tokio::test]
async fn what_was_missed_is_told_once_more_by_the_same_ids() {
    let shop = Shop::open().await;
    let (first, _) = endpoint(&shop, json!(["account.opened"])).await;
    shop.buyer("ada@example.com", 0).await;
    shop.run_webhooks().await;
    let ada = shop.sender.sent().remove(0);
    shop.advance(Span::hours(1)).await;
    let since = shop.app.engine.now();
    for name in ["bob", "eve"] {
        shop.buyer(&format!("{name}@example.com"), 0).await;
    }
    shop.run_webhooks().await;
    let later: Vec<_> = shop.sender.sent().into_iter().map(|message| message.id).collect();
    let replay = format!("{first}/replay");
    let replayed = admin(&shop, "POST", &replay, json!({ "since": since })).await;
    assert_eq!((replayed.status, &replayed.json["events"]), (202, &json!(2)), "{replayed:?}");
    shop.run_webhooks().await;
    let mut again: Vec<_> = shop.sender.sent().into_iter().map(|message| message.id).collect();
    again.sort_unstable();
    let mut expected = later.clone();
    expected.sort_unstable();
    assert_eq!(again, expected);
    let oldest = log(&shop, &first).await.pop().unwrap();
    assert_eq!(oldest["event"], ada.id);
    let one = admin(&shop, "POST", &replay, json!({ "delivery": oldest["id"] })).await;
    assert_eq!((one.status, &one.json["events"]), (202, &json!(1)));
    shop.run_webhooks().await;
    assert_eq!(shop.sender.sent().remove(0).id, ada.id);
    assert_eq!(log(&shop, &first).await.len(), 6, "each telling is in the log");

    let (second, _) = endpoint(&shop, json!([])).await;
    let foreign =
        admin(&shop, "POST", &format!("{second}/replay"), json!({ "delivery": oldest["id"] }))
            .await;
    assert_eq!((foreign.status, foreign.code()), (404, "not_found"));
    for bad in
        [json!({}), json!({ "delivery": oldest["id"], "since": since }), json!({ "delivery": "x" })]
    {
        let refused = admin(&shop, "POST", &replay, bad).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_field"), "{refused:?}");
    }
    shop.sound().await;
}

#[tokio::test]
async fn a_test_says_that_the_endpoint_is_there() {
    let shop = Shop::open().await;
    let (endpoint, secret) = endpoint(&shop, json!(["order.paid"])).await;
    let asked = admin(&shop, "POST", &format!("{endpoint}/test"), Value::Null).await;
    assert_eq!((asked.status, &asked.json["state"]), (202, &json!("pending")));
    shop.run_webhooks().await;
    let sent = shop.sender.sent();
    assert!(is_signed(&sent[0], &secret));
    assert_eq!((types(&sent), &*sent[0].id), (vec!["webhook.test".to_owned()], asked.at("/id")));
    let row = log(&shop, &endpoint).await.remove(0);
    assert_eq!((&row["event"], &row["state"]), (&Value::Null, &json!("delivered")));
}

#[tokio::test]
async fn endpoints_are_changed_removed_and_bounded() {
    let shop = Shop::open().await;
    let (endpoint, _) = endpoint(&shop, json!(["order.paid", "order.paid"])).await;
    let shown = admin(&shop, "GET", &endpoint, Value::Null).await;
    assert_eq!(
        (&shown.json["events"], &shown.json["label"]),
        (&json!(["order.paid"]), &json!("books"))
    );
    let change = json!({ "events": [], "label": "all" });
    for _ in 0..2 {
        let changed = admin(&shop, "PATCH", &endpoint, change.clone()).await;
        assert_eq!((&changed.json["events"], &changed.json["url"]), (&json!([]), &json!(URL)));
    }
    for bad in [
        "http://hooks.example/",
        "https://user@hooks.example/",
        "ftp://hooks.example/",
        "https://hooks.example/#x",
        "",
    ] {
        let refused = admin(&shop, "PATCH", &endpoint, json!({ "url": bad })).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_field"), "{bad}");
        assert_eq!(refused.at("/errors/0/field"), "url");
    }
    let unknown = json!({ "url": URL, "events": ["order.lost"] });
    let refused = admin(&shop, "POST", "", unknown).await;
    assert_eq!((refused.status, refused.at("/errors/0/field")), (400, "events[0]"));
    // A demo may tell what runs beside it.
    let here = json!({ "url": "http://127.0.0.1:8080/hook" });
    assert_eq!(admin(&shop, "PATCH", &endpoint, here).await.status, 200);

    shop.buyer("ada@example.com", 0).await;
    let removed = admin(&shop, "DELETE", &endpoint, Value::Null).await;
    assert_eq!(removed.status, 200);
    shop.run_webhooks().await;
    assert!(shop.sender.sent().is_empty());
    for (method, path) in [
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/deliveries"),
        ("POST", "/enable"),
        ("POST", "/test"),
    ] {
        let answer = admin(&shop, method, &format!("{endpoint}{path}"), Value::Null).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{method} {path}");
    }
    for number in 0..21 {
        let made = admin(&shop, "POST", "", json!({ "url": URL })).await;
        match number {
            20 => assert_eq!((made.status, made.code()), (409, "too_many_webhook_endpoints")),
            _ => assert_eq!(made.status, 201),
        }
    }
    let page = admin(&shop, "GET", "?limit=15", Value::Null).await;
    let next = page.at("/next").to_owned();
    let rest = admin(&shop, "GET", &format!("?limit=15&after={next}"), Value::Null).await;
    assert_eq!(rest.json["data"].as_array().unwrap().len(), 5);
    let acted: Vec<String> = acts(&shop).await.into_iter().map(|(act, _)| act).collect();
    assert_eq!(
        acted[..4],
        ["webhook.made", "webhook.changed", "webhook.changed", "webhook.removed"]
    );
    shop.sound().await;
}

#[tokio::test]
async fn only_the_vendors_staff_sees_webhooks() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    for (who, code) in [("", "invalid_credentials"), (&*ada, "forbidden")] {
        assert_eq!(shop.get(PATH, who).await.code(), code);
        assert_eq!(shop.post(PATH, who, "", json!({ "url": URL })).await.code(), code);
    }
}

#[tokio::test]
async fn deliveries_of_long_ago_are_forgotten() {
    let shop = Shop::open().await;
    let (endpoint, _) = endpoint(&shop, json!([])).await;
    shop.buyer("ada@example.com", 0).await;
    shop.run_webhooks().await;
    shop.advance(Span::days(29)).await;
    shop.buyer("bob@example.com", 0).await;
    shop.run_webhooks().await;
    assert_eq!(shop.app.engine.prune_deliveries().await.unwrap(), 0);
    shop.advance(Span::days(2)).await;
    assert_eq!(shop.app.engine.prune_deliveries().await.unwrap(), 1);
    assert_eq!(log(&shop, &endpoint).await.len(), 1);
    shop.sound().await;
}
