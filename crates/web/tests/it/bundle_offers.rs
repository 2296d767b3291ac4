//! A bundle is offered while everything in it is: in lists, on its page, and for the threshold.

use futures_util::future::join_all;
use scrip_domain::settings::{Flow, Settings, Threshold};
use scrip_testkit::{Answer, Shop, settings};
use serde_json::{Value, json};

use crate::bundles::{bundle, put, put_items};
use crate::license_changes::aur;

/// A shop that opens for whoever can pay for the cheapest thing: two services, and a bundle of both for less than either.
async fn shop() -> Shop {
    let settings =
        Settings { flow: Flow::RegisterFirst, threshold: Threshold::CheapestOffer, ..settings() };
    let shop = Shop::open_with(settings).await;
    shop.service("one", 500).await;
    shop.service("two", 600).await;
    bundle(&shop, "bun", 7, json!(["one/standard", "two/standard"])).await;
    shop
}

async fn turn(shop: &Shop, slug: &str, how: &str) -> Answer {
    shop.post(&format!("/v1/admin/products/{slug}/{how}"), &shop.admin, "", json!({})).await
}

async fn withdraw(shop: &Shop, path: &str) -> Answer {
    let bearer = format!("Bearer {}", shop.admin);
    let path = format!("/v1/admin/products/{path}");
    shop.send("DELETE", &path, &[("authorization", &bearer)], Value::Null).await
}

/// The product as staff sees it.
async fn entered(shop: &Shop, slug: &str) -> Value {
    shop.get(&format!("/v1/admin/products/{slug}"), &shop.admin).await.json
}

async fn is_offered(shop: &Shop, slug: &str) -> bool {
    entered(shop, slug).await["offers"][0]["current"] == true
}

/// Whether the bundle stands for sale, which its page, the list and the threshold say alike.
async fn stands(shop: &Shop) -> bool {
    let page = shop.get("/v1/products/bun", "").await;
    let offers = page.json["offers"].as_array().unwrap().len();
    let list = shop.get("/v1/products?sort=price", "").await;
    let row = list.json["data"].as_array().unwrap().iter().find(|row| row["slug"] == "bun");
    let prices = [&page.json["price_from"], &row.unwrap()["price_from"]];
    let threshold = &shop.get("/v1/vendor", "").await.json["threshold"]["amount"]["amount"];
    let lowest = threshold.as_u64().unwrap();
    let stands = is_offered(shop, "bun").await;
    let (price, least) = if stands { (json!(7), 7) } else { (Value::Null, 500) };
    assert!(prices.iter().all(|found| found["amount"] == price), "{prices:?}");
    assert_eq!((offers, lowest), (usize::from(stands), least), "{page:?}");
    stands
}

#[tokio::test]
async fn a_bundle_closes_and_opens_with_what_is_in_it() {
    let shop = shop().await;
    let ada = shop.buyer("ada@example.com", 7).await;
    let standing = async || shop.get("/v1/account", &ada).await.at("/standing").to_owned();
    assert!(stands(&shop).await);
    assert_eq!(standing().await, "funded");
    assert_eq!(turn(&shop, "two", "archive").await.status, 200);
    assert!(!stands(&shop).await);
    assert_eq!(standing().await, "member", "nothing can be bought for 7");
    assert_eq!(turn(&shop, "two", "publish").await.status, 200);
    assert!(stands(&shop).await);
    assert_eq!(standing().await, "funded");
    assert_eq!(withdraw(&shop, "two/offers/standard").await.status, 200);
    assert!(!stands(&shop).await);
    assert_eq!(turn(&shop, "one", "archive").await.status, 200);
    let again =
        json!({ "price": aur(600), "terms": { "kind": "perpetual" }, "limits": {}, "items": [] });
    assert_eq!(put(&shop, "two/offers/standard", again).await.status, 200);
    assert!(!is_offered(&shop, "bun").await, "the other is not back yet");
    assert_eq!(turn(&shop, "one", "publish").await.status, 200);
    assert!(stands(&shop).await);
    shop.sound().await;
}

#[tokio::test]
async fn a_bundle_of_drafts_waits_for_the_last_of_them() {
    let shop = Shop::open().await;
    for slug in ["one", "two"] {
        put(&shop, slug, json!({ "kind": "service", "title": slug })).await;
        let offer = json!({ "price": aur(500), "terms": { "kind": "perpetual" } });
        assert_eq!(put(&shop, &format!("{slug}/offers/standard"), offer).await.status, 201);
    }
    bundle(&shop, "bun", 7, json!(["one/standard", "two/standard"])).await;
    let page = shop.get("/v1/products/bun", "").await;
    assert_eq!((page.at("/state"), &page.json["offers"]), ("published", &json!([])));
    assert_eq!(turn(&shop, "one", "publish").await.status, 200);
    assert!(!is_offered(&shop, "bun").await);
    assert_eq!(turn(&shop, "two", "publish").await.status, 200);
    assert!(is_offered(&shop, "bun").await);
    assert_eq!(turn(&shop, "bun", "archive").await.status, 200);
    assert_eq!(turn(&shop, "one", "archive").await.status, 200);
    assert_eq!(turn(&shop, "bun", "publish").await.status, 200);
    assert!(!is_offered(&shop, "bun").await, "it came back without one");
    shop.sound().await;
}

#[tokio::test]
async fn a_bundle_keeps_its_version_where_nothing_of_it_changes() {
    let shop = shop().await;
    let version = async |slug| entered(&shop, slug).await["version"].as_u64().unwrap();
    let (one, bun) = (version("one").await, version("bun").await);
    let offer = json!({ "price": aur(400), "terms": { "kind": "perpetual" } });
    assert_eq!(put(&shop, "one/offers/standard", offer.clone()).await.status, 200);
    assert_eq!(put(&shop, "one/offers/other", offer).await.status, 201);
    assert_eq!(withdraw(&shop, "one/offers/other").await.status, 200);
    assert_eq!(turn(&shop, "one", "publish").await.status, 200);
    assert_eq!((version("one").await, version("bun").await), (one + 3, bun));
    assert_eq!(turn(&shop, "one", "archive").await.status, 200);
    assert_eq!(turn(&shop, "two", "archive").await.status, 200);
    assert_eq!(version("bun").await, bun + 1, "closed once");
    shop.sound().await;
}

#[tokio::test]
async fn commands_that_meet_leave_no_bundle_behind() {
    let shop = shop().await;
    let other = shop.another().await;
    let items = json!(["one/standard", "two/standard"]);
    put(&shop, "new", json!({ "kind": "bundle", "title": "New" })).await;
    assert_eq!(turn(&shop, "new", "publish").await.status, 200);
    // The one commits first, and the other had looked up before which bundles there are.
    let (came, archived) = tokio::join!(
        put_items(&shop, "new/offers/standard", 5, items.clone()),
        turn(&other, "two", "archive")
    );
    assert_eq!((archived.status, came.status), (200, 201), "{came:?}");
    assert!(!is_offered(&shop, "new").await);
    assert_eq!(withdraw(&shop, "new/offers/standard").await.status, 200);
    // So with one that comes back at this moment.
    let (came, published) = tokio::join!(
        put_items(&shop, "new/offers/standard", 5, items),
        turn(&other, "two", "publish")
    );
    assert_eq!((published.status, came.status), (200, 200), "{came:?}");
    assert!(is_offered(&shop, "new").await && is_offered(&shop, "bun").await);
    // Two things of one bundle go at once, and the bundle is archived.
    let (one, two, bun) = tokio::join!(
        turn(&shop, "one", "archive"),
        turn(&other, "two", "archive"),
        turn(&shop, "bun", "archive")
    );
    assert_eq!([one.status, two.status, bun.status], [200; 3]);
    let (one, bun) = tokio::join!(turn(&other, "one", "publish"), turn(&shop, "bun", "publish"));
    assert_eq!((one.status, bun.status), (200, 200));
    assert!(!is_offered(&shop, "bun").await);
    let all = ["one", "two", "bun"].map(|slug| turn(&shop, slug, "publish"));
    assert!(join_all(all).await.iter().all(|answer| answer.status == 200));
    assert!(is_offered(&shop, "new").await && is_offered(&shop, "bun").await);
    shop.sound().await;
}

#[tokio::test]
async fn a_thing_is_in_so_many_bundles_and_no_more() {
    let shop = Shop::open().await;
    shop.service("one", 500).await;
    shop.service("two", 600).await;
    let many = json!((0..20).map(|tag| format!("tag {tag}")).collect::<Vec<_>>());
    let labels = json!({ "kind": "bundle", "title": "One", "tags": many, "categories": many });
    let key = |number: u64| format!("bun-{number}/offers/standard");
    for number in 0..50 {
        bundle(&shop, &format!("bun-{number}"), 7, json!(["one/standard"])).await;
    }
    put(&shop, "bun-50", json!({ "kind": "bundle", "title": "One" })).await;
    let items = json!(["two/standard", "one/standard"]);
    let refused = put_items(&shop, &key(50), 7, items.clone()).await;
    assert_eq!((refused.status, refused.at("/errors/0/field")), (400, "items[1]"), "{refused:?}");
    assert_eq!(turn(&shop, "one", "archive").await.status, 200, "all of them close");
    assert!(!is_offered(&shop, "bun-0").await && !is_offered(&shop, "bun-49").await);
    assert_eq!(turn(&shop, "one", "publish").await.status, 200);
    assert!(is_offered(&shop, "bun-0").await && is_offered(&shop, "bun-49").await);
    assert_eq!(withdraw(&shop, &key(0)).await.status, 200);
    assert_eq!(put_items(&shop, &key(50), 7, items).await.status, 201, "there is room again");
    let back = put_items(&shop, &key(0), 7, json!(["one/standard"])).await;
    assert_eq!((back.status, back.at("/errors/0/field")), (400, "items[0]"), "{back:?}");
    // Each label is a row that says the price: with all that they can have, fewer bundles close at once.
    for number in 1..50 {
        put(&shop, &format!("bun-{number}"), labels.clone()).await;
    }
    let refused = turn(&shop, "one", "archive").await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_bundles"), "{refused:?}");
    let refused = withdraw(&shop, "one/offers/standard").await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_bundles"), "{refused:?}");
    for number in 1..40 {
        assert_eq!(withdraw(&shop, &key(number)).await.status, 200);
    }
    assert_eq!(turn(&shop, "one", "archive").await.status, 200);
    shop.sound().await;
}
