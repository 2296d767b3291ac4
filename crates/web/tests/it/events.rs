//! The feed of events: everything once, in order, to whom it belongs.

use scrip_testkit::{Answer, Shop};
use serde_json::Value;

async fn feed(shop: &Shop, who: &str, query: &str) -> Answer {
    let page = shop.get(&format!("/v1/events?{query}"), who).await;
    assert_eq!(page.status, 200, "{page:?}");
    page
}

fn types(page: &Answer) -> Vec<&str> {
    let events = page.json["data"].as_array().unwrap().iter();
    events.map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_account_sees_its_own_and_the_vendor_sees_all() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    assert!(types(&feed(&shop, &ada, "").await).is_empty(), "committed, but not published yet");
    let bob = shop.buyer("bob@example.com", 0).await;
    shop.run_webhooks().await;
    let own = feed(&shop, &ada, "").await;
    assert_eq!(types(&own), ["account.opened"]);
    let event = &own.json["data"][0];
    assert!(own.at("/data/0/id").starts_with("evt_"));
    assert_eq!(event["account"], event["data"]["id"]);
    assert_eq!((&event["data"]["object"], event["data"].get("state")), (&"account".into(), None));
    assert_eq!(own.json["more"], false);
    let all = feed(&shop, &shop.admin, "").await;
    assert_eq!(types(&all), ["account.opened", "account.opened"]);
    assert_eq!(all.json["data"][0], *event, "the older first");
    assert_eq!(shop.get("/v1/events", "").await.code(), "account_required");
    let cursor = own.at("/next");
    let foreign = shop.get(&format!("/v1/events?after={cursor}"), &bob).await;
    assert_eq!((foreign.status, foreign.code()), (404, "not_found"), "a cursor is one reader's");
    for bad in ["type=order.lost", "limit=0", "limit=101"] {
        let refused = shop.get(&format!("/v1/events?{bad}"), &ada).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_field"), "{bad}");
    }
    shop.sound().await;
}

#[tokio::test]
async fn who_goes_on_with_next_misses_nothing_and_sees_nothing_twice() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 1).await;
    let ada = shop.buyer("ada@example.com", 100).await;
    let buy = async |key: &str| {
        let body = serde_json::json!({ "lines": [{ "offer": offer }], "allow_duplicate": true,
            "expected_total": { "amount": 1, "unit": "AUR" } });
        let bought = shop.post("/v1/purchases", &ada, key, body).await;
        assert_eq!(bought.status, 201, "{bought:?}");
        bought.json["id"].clone()
    };
    let (mut bought, mut seen): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for who in [&ada, &shop.admin] {
        let mut after = String::new();
        for round in 0..4 {
            for number in 0..3 {
                bought.push(buy(&format!("{who}-{round}-{number}")).await);
            }
            shop.run_webhooks().await;
            loop {
                let page = feed(&shop, who, &format!("limit=2{after}")).await;
                seen.extend(page.json["data"].as_array().unwrap().iter().cloned());
                after = format!("&after={}", page.at("/next"));
                if page.json["more"] == false && page.json["data"].as_array().unwrap().len() < 2 {
                    break;
                }
            }
        }
        let orders: Vec<Value> = seen
            .drain(..)
            .filter(|event| event["type"] == "order.paid")
            .map(|event| event["data"]["id"].clone())
            .collect();
        assert_eq!(orders, bought, "{who}");
    }
    let paid = feed(&shop, &ada, "type=order.paid&limit=100").await;
    assert_eq!(paid.json["data"].as_array().unwrap().len(), bought.len());
    assert_eq!(paid.json["data"][0]["data"]["state"], "paid");
    let none = feed(&shop, &ada, "type=order.declined").await;
    assert!(types(&none).is_empty());
    shop.sound().await;
}

#[tokio::test]
async fn two_servers_publish_each_event_once() {
    let shop = Shop::open().await;
    let another = shop.another().await;
    for name in ["ada", "bob", "eve"] {
        shop.buyer(&format!("{name}@example.com"), 0).await;
    }
    let (one, other) = tokio::join!(shop.app.engine.publish(), another.app.engine.publish());
    assert_eq!(one.unwrap() + other.unwrap(), 3);
    let page = feed(&another, &shop.admin, "").await;
    assert_eq!(types(&page).len(), 3);
    shop.sound().await;
}
