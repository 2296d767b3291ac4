//! `license.issued`: each license is told of once, beside the payment of its order, in every feed.

use scrip_domain::Span;
use scrip_license::Terms;
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

use crate::bundles::bundle;
use crate::license_changes::{aur, buy, month};

/// A reader's feed, page after page of so many, each from the `next` of the one before.
async fn feed(shop: &Shop, who: &str, limit: u32, more: &str) -> Vec<Value> {
    shop.run_webhooks().await;
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = shop.get(&format!("/v1/events?limit={limit}{more}{after}"), who).await;
        assert_eq!(page.status, 200, "{page:?}");
        let data = page.json["data"].as_array().unwrap();
        all.extend(data.iter().cloned());
        if page.json["more"] == false && data.len() < limit as usize {
            return all;
        }
        after = format!("&after={}", page.at("/next"));
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// The events of an order as they are to be told: that it is paid, then each of its licenses in order.
fn expected(paid: &Answer) -> Vec<(&str, &str)> {
    let licenses = paid.json["licenses"].as_array().into_iter().flatten();
    let issued = licenses.map(|license| ("license.issued", license["id"].as_str().unwrap()));
    std::iter::once(("order.paid", paid.at("/id"))).chain(issued).collect()
}

fn told(events: &[Value]) -> Vec<(&str, &str)> {
    let before =
        |event: &Value| event["type"] == "account.opened" || event["type"] == "top_up.credited";
    events
        .iter()
        .filter(|event| !before(event))
        .map(|event| (event["type"].as_str().unwrap(), event["data"]["id"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn each_license_of_an_order_is_told_of_once_after_its_payment() {
    let shop = Shop::open().await;
    let rent = shop.product("tides", 10, month()).await;
    let maps = shop.service("maps", 30).await;
    let trial = shop.product("sounds", 0, Terms::Trial { seconds: 600 }).await;
    let parts = json!(["tides/standard", "maps/standard"]);
    let all = bundle(&shop, "harbour", 20, parts).await;
    let ada = shop.buyer("ada@example.com", 200).await;
    let bob = shop.buyer("bob@example.com", 0).await;

    // In one step; again under the same key; too dear; a trial for nothing; a bundle; a draft that is confirmed.
    let lines = json!([{ "offer": rent, "quantity": 3 }, { "offer": maps }]);
    let first = buy(&shop, &ada, "k1", lines.clone(), 60).await;
    assert_eq!(first.status, 201, "{first:?}");
    let replay = buy(&shop, &ada, "k1", lines.clone(), 60).await;
    assert_eq!(replay.header("idempotency-replayed"), "true");
    let dear = buy(&shop, &bob, "k1", lines, 60).await;
    assert_eq!((dear.status, dear.code()), (402, "insufficient_balance"), "{dear:?}");
    let tried = buy(&shop, &ada, "k2", json!([{ "offer": trial }]), 0).await;
    let lines = json!([{ "offer": all, "quantity": 2 }]);
    let body = json!({ "lines": lines, "expected_total": aur(40), "allow_duplicate": true });
    let bundled = shop.post("/v1/purchases", &ada, "k3", body).await;
    assert_eq!(bundled.json["licenses"].as_array().map(Vec::len), Some(4), "{bundled:?}");
    let lines = json!({ "lines": [{ "offer": rent, "quantity": 2 }] });
    let draft = shop.post("/v1/orders", &ada, "d1", lines).await;
    let path = format!("/v1/orders/{}/confirm", draft.at("/id"));
    let confirmed = shop.post(&path, &ada, "c1", json!({})).await;
    assert_eq!(confirmed.at("/state"), "paid", "{confirmed:?}");
    assert_eq!(shop.post(&path, &ada, "c1", json!({})).await.bytes, confirmed.bytes);
    let told_first: Vec<_> =
        [&first, &tried, &bundled, &confirmed].into_iter().flat_map(expected).collect();

    // What changes a license is told under its own name.
    let license = first.at("/licenses/0/id");
    let path = format!("/v1/licenses/{license}/extend");
    let more = shop.post(&path, &ada, "e1", json!({ "offer": rent })).await;
    assert_eq!(more.status, 201, "{more:?}");
    let anew = shop.post(&format!("/v1/licenses/{license}/reissue"), &ada, "r1", json!({})).await;
    assert_eq!(anew.status, 200, "{anew:?}");
    let more = [("order.paid", more.at("/id")), ("license.reissued", license)];

    let own = feed(&shop, &ada, 100, "").await;
    let wanted: Vec<_> = told_first.into_iter().chain(more).collect();
    assert_eq!(told(&own), wanted);
    let every = feed(&shop, &shop.admin, 3, "").await;
    let of_ada: Vec<_> =
        every.iter().filter(|event| event["account"] == own[0]["account"]).cloned().collect();
    assert_eq!(of_ada, own, "the vendor's feed has the same in the same order");
    assert!(!types(&feed(&shop, &bob, 100, "").await).contains(&"license.issued"));
    let issued = own.iter().find(|event| event["type"] == "license.issued").unwrap();
    assert_eq!(issued["data"], json!({ "object": "license", "id": license, "state": "valid" }));
    let number = |name: &str| name.split_once('_').unwrap().1.to_owned();
    assert_eq!(number(issued["id"].as_str().unwrap()), number(license), "no name is minted for it");
    let evidence = shop.get(&format!("/v1/orders/{}/evidence", first.at("/id")), &ada).await;
    let events = evidence.json["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "what happened to the order itself: {events:?}");
    shop.sound().await;
}

#[tokio::test]
async fn a_page_of_a_buyers_feed_ends_anywhere_among_an_orders_licenses() {
    let shop = Shop::open().await;
    let rent = shop.product("tides", 1, month()).await;
    let ada = shop.buyer("ada@example.com", 500).await;
    let mut wanted = Vec::new();
    for (key, quantity) in [("k1", 1), ("k2", 100), ("k3", 100), ("k4", 2)] {
        let lines = json!([{ "offer": rent, "quantity": quantity }]);
        wanted.push(buy(&shop, &ada, key, lines, quantity).await);
        shop.advance(Span::minutes(20)).await;
    }
    let wanted: Vec<_> = wanted.iter().flat_map(expected).collect();
    for limit in [1, 7, 100] {
        assert_eq!(told(&feed(&shop, &ada, limit, "").await), wanted, "{limit} at a time");
    }
    let issued = feed(&shop, &ada, 7, "&type=license.issued").await;
    assert_eq!(issued.len(), 203);
    assert_eq!(feed(&shop, &ada, 1, "&type=order.paid").await.len(), 4);
    shop.sound().await;
}

#[tokio::test]
async fn the_largest_order_is_one_command() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let account = shop.get("/v1/account", &ada).await;
    // A lot for each unit, so that each line is paid by as many as can be.
    for number in 0..100 {
        let path = format!("/v1/admin/accounts/{}/adjust", account.at("/id"));
        let body = json!({ "tokens": aur(1), "reason": "test" });
        let funded = shop.post(&path, &shop.admin, &format!("fund-{number}"), body).await;
        assert_eq!(funded.status, 201, "{funded:?}");
    }
    let mut lines = Vec::new();
    for number in 0..50 {
        let offer = shop.product(&format!("tides-{number}"), 1, month()).await;
        lines.push(json!({ "offer": offer, "quantity": 2 }));
    }
    let paid = buy(&shop, &ada, "k1", json!(lines), 100).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    let told = feed(&shop, &ada, 100, "&type=license.issued").await;
    let told: Vec<_> = told.iter().map(|event| &event["data"]["id"]).collect();
    let licenses = paid.json["licenses"].as_array().unwrap().iter();
    assert_eq!(told, licenses.map(|license| &license["id"]).collect::<Vec<_>>());
    let order = paid.at("/id").parse().unwrap();
    let lots = shop.app.engine.store().lots_of_order(order).await.unwrap();
    assert_eq!(lots.len(), 100);
    shop.sound().await;
}

#[tokio::test]
async fn an_endpoint_that_asks_for_it_is_told() {
    let shop = Shop::open().await;
    let rent = shop.product("tides", 1, month()).await;
    let body = json!({ "url": "https://hooks.example/scrip", "events": ["license.issued"] });
    let made = shop.post("/v1/admin/webhook-endpoints", &shop.admin, "", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let ada = shop.buyer("ada@example.com", 10).await;
    let paid = buy(&shop, &ada, "k1", json!([{ "offer": rent, "quantity": 2 }]), 2).await;
    shop.run_webhooks().await;
    let sent = shop.sender.sent();
    let mut told: Vec<Value> =
        sent.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect();
    told.sort_by_key(|one| one["data"]["id"].to_string());
    assert_eq!(types(&told), ["license.issued"; 2]);
    for (one, license) in told.iter().zip(paid.json["licenses"].as_array().unwrap()) {
        assert_eq!((&one["data"]["id"], &one["data"]["state"]), (&license["id"], &json!("valid")));
        assert_eq!(one["data"]["object"], "license");
    }
    shop.sound().await;
}
