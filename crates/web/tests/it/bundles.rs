//! Bundles: several offers at one price, a license for each.

use scrip_domain::visibility::Level;
use scrip_license::Terms;
use scrip_testkit::{Answer, Browser, Shop};
use serde_json::{Value, json};

use crate::library_pages::ada as signed_in;
use crate::license_changes::{aur, buy, month};

pub async fn put(shop: &Shop, path: &str, body: Value) -> Answer {
    let bearer = format!("Bearer {}", shop.admin);
    shop.send("PUT", &format!("/v1/admin/products/{path}"), &[("authorization", &bearer)], body)
        .await
}

pub async fn put_items(shop: &Shop, path: &str, price: u64, items: Value) -> Answer {
    let terms = json!({ "kind": "perpetual" });
    put(shop, path, json!({ "price": aur(price), "terms": terms, "items": items })).await
}

/// A published bundle of these offers; gives its offer.
pub async fn bundle(shop: &Shop, slug: &str, price: u64, items: Value) -> String {
    let product = put(shop, slug, json!({ "kind": "bundle", "title": "All of it" })).await;
    assert_eq!(product.status, 201, "{product:?}");
    let offer = put_items(shop, &format!("{slug}/offers/standard"), price, items).await;
    assert_eq!(offer.status, 201, "{offer:?}");
    let path = format!("/v1/admin/products/{slug}/publish");
    assert_eq!(shop.post(&path, &shop.admin, "", json!({})).await.status, 200);
    offer.at("/id").to_owned()
}

fn prices(answer: &Answer) -> Vec<u64> {
    let lines = answer.json["lines"].as_array().unwrap().iter();
    lines.map(|line| line["price"]["amount"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_bundle_is_a_license_for_each_thing_in_it() {
    let shop = Shop::open().await;
    let tides = shop.product("tides", 600, month()).await;
    let maps = shop.service("maps", 300).await;
    let all = bundle(&shop, "harbour", 500, json!(["tides/standard", "maps/standard"])).await;
    let ada = shop.buyer("ada@example.com", 5000).await;
    let lines = json!([{ "offer": all, "quantity": 2 }]);
    let quote = shop.post("/v1/quotes", &ada, "", json!({ "lines": lines })).await;
    assert_eq!((quote.status, quote.at("/total/display")), (200, "10.00 AUR"), "{quote:?}");
    assert_eq!(prices(&quote), [333, 167], "by the price of each, to the last unit");
    let paid = buy(&shop, &ada, "k1", lines.clone(), 1000).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    assert_eq!(prices(&paid), [333, 167]);
    let offers: Vec<_> =
        paid.json["lines"].as_array().unwrap().iter().map(|line| &line["offer"]).collect();
    assert_eq!(offers, [&json!(tides), &json!(maps)]);
    assert_eq!(paid.at("/lines/1/bundle"), all);
    let kinds: Vec<_> =
        paid.json["licenses"].as_array().unwrap().iter().map(|one| &one["terms"]["kind"]).collect();
    assert_eq!(kinds, ["rental", "rental", "perpetual", "perpetual"]);
    let replay = buy(&shop, &ada, "k1", lines, 1000).await;
    assert_eq!((replay.header("idempotency-replayed"), &replay.bytes), ("true", &paid.bytes));

    let alone = shop.service("sounds", 100).await;
    let lines = json!([{ "offer": all }, { "offer": alone }]);
    let owned = buy(&shop, &ada, "k2", lines, 600).await;
    assert_eq!((owned.code(), owned.at("/errors/0/field")), ("already_owned", "lines[0].offer"));
    let lines = json!([{ "offer": alone }, { "offer": all }]);
    let owned = shop.post("/v1/orders", &ada, "d1", json!({ "lines": lines })).await;
    assert_eq!((owned.code(), owned.at("/errors/0/field")), ("already_owned", "lines[1].offer"));

    // One thing of it goes back, for its share.
    let part = json!({ "reason": "no sea", "lines": [{ "line": paid.at("/lines/1/id") }] });
    let path = format!("/v1/admin/orders/{}/refunds", paid.at("/id"));
    let back = shop.post(&path, &shop.admin, "f1", part).await;
    assert_eq!(back.at("/amount/display"), "3.34 AUR", "{back:?}");
    shop.sound().await;
}

#[tokio::test]
async fn a_page_shows_what_is_inside_and_no_price_of_it() {
    let shop = Shop::open().await;
    shop.product("tides", 600, month()).await;
    shop.service("maps", 300).await;
    bundle(&shop, "harbour", 500, json!(["tides/standard", "maps/standard"])).await;
    let page = shop.get("/v1/products/harbour", "").await;
    assert_eq!(
        (page.at("/kind"), page.at("/price_from/display")),
        ("bundle", "5.00 AUR"),
        "{page:?}"
    );
    let items = page.json["offers"][0]["items"].as_array().unwrap().clone();
    let slugs: Vec<_> = items.iter().map(|item| item["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs, ["tides", "maps"]);
    assert_eq!(items[0]["terms"]["kind"], "rental");
    assert!(items.iter().all(|item| item.get("price").is_none()), "{items:?}");
    assert!(shop.get("/v1/products/maps", "").await.json["offers"][0].get("items").is_none());
    let admin = shop.get("/v1/admin/products/harbour", &shop.admin).await;
    assert_eq!(admin.json["offers"][0]["items"], json!(["tides/standard", "maps/standard"]));
    // What a visitor does not see is not seen through a bundle either.
    let hidden =
        json!({ "kind": "service", "title": "Maps", "visibility": { "product": "member" } });
    assert_eq!(put(&shop, "maps", hidden).await.status, 200);
    let page = shop.get("/v1/products/harbour", "").await;
    assert_eq!(page.json["offers"][0]["items"].as_array().map(Vec::len), Some(1), "{page:?}");
    let archived = shop.post("/v1/admin/products/tides/archive", &shop.admin, "", json!({})).await;
    assert_eq!(archived.status, 200);
    let page = shop.get("/v1/products/harbour", "").await;
    assert_eq!(page.json["offers"], json!([]), "it lacks something");
}

#[tokio::test]
async fn shares_are_told_only_to_who_sees_the_prices_behind_them() {
    let shop = Shop::open().await;
    shop.service("tides", 600).await;
    shop.service("maps", 300).await;
    let all = bundle(&shop, "harbour", 500, json!(["tides/standard", "maps/standard"])).await;
    let quote =
        async || shop.post("/v1/quotes", "", "", json!({ "lines": [{ "offer": all }] })).await;
    assert_eq!(quote().await.status, 200);
    let hidden =
        json!({ "kind": "service", "title": "Maps", "visibility": { "price": Level::Member } });
    assert_eq!(put(&shop, "maps", hidden).await.status, 200);
    let refused = quote().await;
    let errors = refused.json["errors"].as_array().unwrap();
    let hidden = errors.iter().find(|error| error["code"] == "price_hidden").unwrap();
    assert_eq!(hidden["field"], "lines[0].offer", "of the bundle");
    let ada = shop.buyer("ada@example.com", 1000).await;
    assert_eq!(buy(&shop, &ada, "k1", json!([{ "offer": all }]), 500).await.status, 201);
}

/// What is not sold yet says so before the button, and says what sells it.
#[tokio::test]
async fn a_bundle_with_something_hidden_shows_no_price_and_no_button() {
    for hides in ["price", "product"] {
        let shop = Shop::open().await;
        shop.service("tides", 600).await;
        let maps = shop.service("maps", 300).await;
        let all = bundle(&shop, "harbour", 500, json!(["tides/standard", "maps/standard"])).await;
        let ada = shop.buyer("ada@example.com", 2000).await;
        let bought = buy(&shop, &ada, "k0", json!([{ "offer": maps }]), 300).await;
        assert_eq!(bought.status, 201, "{bought:?}");
        let eve = shop.buyer("eve@example.com", 1000).await;
        let hidden =
            json!({ "kind": "service", "title": "Maps", "visibility": { hides: "funded" } });
        assert_eq!(put(&shop, "maps", hidden).await.status, 200);
        let bearer = format!("Bearer {}", shop.admin);
        let far = json!({ "threshold": { "policy": "fixed", "amount": aur(5000) } });
        let set =
            shop.send("PATCH", "/v1/admin/settings", &[("authorization", &bearer)], far).await;
        assert_eq!(set.status, 200, "{set:?}");
        for who in ["", &eve] {
            let seen = shop.get("/v1/products/harbour", who).await;
            let fields = json!(["price_from", "offers.price", "payment"]);
            assert_eq!(seen.json["hidden"][0]["fields"], fields, "{hides}: {seen:?}");
            assert_eq!(seen.at("/hidden/0/needs"), "funded", "{hides}: {seen:?}");
            assert!(seen.json["offers"][0].get("price").is_none(), "{hides}: {seen:?}");
            let body = json!({ "lines": [{ "offer": all }] });
            let refused = shop.post("/v1/quotes", who, "", body).await;
            assert_eq!(refused.at("/hidden/0/needs"), "funded", "{hides}: {refused:?}");
        }
        let page = Browser::on(&shop).open("/products/harbour").await;
        assert!(page.html.contains("The price is shown once"), "{hides}: {}", page.html);
        assert!(page.html.contains("Tides") || page.html.contains("tides"), "{}", page.html);
        assert!(!page.html.contains("Buy now") && !page.html.contains("5.00 AUR"), "{}", page.html);
        // Who owns what is hidden of it sees all of it.
        let seen = shop.get("/v1/products/harbour", &ada).await;
        assert_eq!(
            (seen.json["hidden"].clone(), seen.at("/price_from/display")),
            (json!([]), "5.00 AUR")
        );
        let page = signed_in(&shop).await.open("/products/harbour").await;
        assert!(page.html.contains("Buy now"), "{hides}: {}", page.html);
        let again = json!({ "lines": [{ "offer": all }], "expected_total": aur(500), "allow_duplicate": true });
        assert_eq!(shop.post("/v1/purchases", &ada, "k1", again).await.status, 201, "{hides}");
    }
}

/// Of several offers those are sold that are seen whole.
#[tokio::test]
async fn an_offer_beside_one_that_is_locked_is_sold() {
    let shop = Shop::open().await;
    for (slug, price) in [("tides", 600), ("maps", 300), ("sounds", 100)] {
        shop.service(slug, price).await;
    }
    bundle(&shop, "harbour", 200, json!(["tides/standard", "maps/standard"])).await;
    let items = json!(["tides/standard", "sounds/standard"]);
    let open = put_items(&shop, "harbour/offers/other", 500, items).await;
    assert_eq!(open.status, 201, "{open:?}");
    let hidden = json!({ "kind": "service", "title": "Maps", "visibility": { "price": "member" } });
    assert_eq!(put(&shop, "maps", hidden).await.status, 200);
    let seen = shop.get("/v1/products/harbour", "").await;
    let told = json!([["offers.price"], "member"]);
    assert_eq!(json!([seen.json["hidden"][0]["fields"], seen.json["hidden"][0]["needs"]]), told);
    assert_eq!(seen.at("/price_from/display"), "5.00 AUR", "{seen:?}");
    let page = Browser::on(&shop).open("/products/harbour").await;
    assert!(page.html.contains("The price is shown to members"), "{}", page.html);
    assert!(
        page.html.contains(&format!("name=\"offer\" value=\"{}\"", open.at("/id"))),
        "{}",
        page.html
    );
    assert!(page.html.contains("Buy now") && !page.html.contains("2.00 AUR"), "{}", page.html);
}

/// What was chosen by itself does not lie in the cart, and a page does not send there.
#[tokio::test]
async fn a_stop_names_the_cart_only_to_who_comes_from_it() {
    let shop = Shop::open().await;
    shop.service("tides", 600).await;
    shop.service("maps", 300).await;
    let all = bundle(&shop, "harbour", 500, json!(["tides/standard", "maps/standard"])).await;
    shop.buyer("ada@example.com", 2000).await;
    let mut browser = signed_in(&shop).await;
    browser.send("/cart", &[("offer", all.as_str()), ("quantity", "1"), ("then", "cart")]).await;
    let archived = shop.post("/v1/admin/products/maps/archive", &shop.admin, "", json!({})).await;
    assert_eq!(archived.status, 200);
    let alone = browser.send("/checkout", &[("key", "k1"), ("offer", all.as_str())]).await;
    assert_eq!(alone.status, 409, "{}", alone.html);
    assert!(alone.html.contains("Look what there is today"), "{}", alone.html);
    assert!(!alone.html.contains("out of the cart"), "{}", alone.html);
    assert!(!alone.html.contains("Back to the cart"), "{}", alone.html);
    let cart = browser.send("/checkout", &[("key", "k2")]).await;
    assert!(cart.html.contains("Take it out of the cart"), "{}", cart.html);
}

#[tokio::test]
async fn free_things_at_a_price_and_a_bundle_for_nothing() {
    let shop = Shop::open().await;
    for slug in ["one", "two", "three"] {
        shop.product(slug, 0, Terms::Uses { count: 1 }).await;
    }
    let items = json!(["one/standard", "two/standard", "three/standard"]);
    let dear = bundle(&shop, "dear", 100, items.clone()).await;
    let free = bundle(&shop, "free", 0, items).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = buy(&shop, &ada, "k1", json!([{ "offer": dear }]), 100).await;
    assert_eq!(prices(&paid), [34, 33, 33], "{paid:?}");
    let nothing = buy(&shop, &ada, "k2", json!([{ "offer": free }]), 0).await;
    assert_eq!((nothing.status, prices(&nothing)), (201, vec![0, 0, 0]), "{nothing:?}");
    let coupon = json!({ "code": "TEN", "percent": 10, "offers": [dear] });
    assert_eq!(shop.post("/v1/admin/coupons", &shop.admin, "", coupon).await.status, 201);
    let body = json!({ "lines": [{ "offer": dear }], "coupon": "TEN" });
    let quote = shop.post("/v1/quotes", &ada, "", body).await;
    assert_eq!(quote.at("/discount/amount"), "", "{quote:?}");
    assert_eq!(quote.json["total"]["amount"], 91, "ten in a hundred of each share, rounded down");
    shop.sound().await;
}

#[tokio::test]
async fn what_is_no_bundle_is_refused_by_its_field() {
    let shop = Shop::open().await;
    shop.service("tides", 600).await;
    shop.service("maps", 300).await;
    bundle(&shop, "harbour", 500, json!(["tides/standard", "maps/standard"])).await;
    put(&shop, "other", json!({ "kind": "bundle", "title": "Other" })).await;
    let offer = "other/offers/standard";
    let refused = async |items: Value, field: &str| {
        let answer = put_items(&shop, offer, 1, items).await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, field), "{answer:?}");
    };
    refused(json!([]), "items").await;
    refused(json!(vec!["tides/standard"; 21]), "items").await;
    refused(json!(["tides/nothing"]), "items[0]").await;
    refused(json!(["tides/standard", "tides"]), "items[1]").await;
    refused(json!(["tides/standard", "tides/standard"]), "items[1]").await;
    refused(json!(["harbour/standard"]), "items[0]").await;
    let plain = put_items(&shop, "tides/offers/standard", 600, json!(["maps/standard"])).await;
    assert_eq!(plain.at("/errors/0/field"), "items", "only a bundle has items");
    let terms = json!({ "price": aur(1), "terms": { "kind": "uses", "count": 1 }, "items": ["maps/standard"] });
    assert_eq!(put(&shop, offer, terms).await.at("/errors/0/field"), "terms");
    let other = put_items(&shop, "harbour/offers/standard", 500, json!(["tides/standard"])).await;
    assert_eq!((other.status, other.at("/errors/0/field")), (400, "items"), "it never changes");
    let price = put_items(
        &shop,
        "harbour/offers/standard",
        400,
        json!(["tides/standard", "maps/standard"]),
    )
    .await;
    assert_eq!(
        (price.status, &price.json["price"]["amount"]),
        (200, &json!(400)),
        "but its price does"
    );
    let kind = put(&shop, "harbour", json!({ "kind": "service", "title": "All" })).await;
    assert_eq!(kind.at("/errors/0/field"), "kind", "{kind:?}");
    let bearer = format!("Bearer {}", shop.admin);
    let path = "/v1/admin/products/maps/offers/standard";
    shop.send("DELETE", path, &[("authorization", &bearer)], Value::Null).await;
    refused(json!(["maps/standard"]), "items[0]").await;
}

#[tokio::test]
async fn a_bundle_is_sold_while_all_of_it_is() {
    let shop = Shop::open().await;
    shop.service("tides", 600).await;
    shop.service("maps", 300).await;
    let all = bundle(&shop, "harbour", 500, json!(["tides/standard", "maps/standard"])).await;
    let ada = shop.buyer("ada@example.com", 100_000).await;
    let archive = shop.post("/v1/admin/products/maps/archive", &shop.admin, "", json!({})).await;
    assert_eq!(archive.status, 200);
    let lines = json!([{ "offer": all }]);
    let gone = buy(&shop, &ada, "k1", lines.clone(), 500).await;
    assert_eq!((gone.code(), gone.at("/errors/0/field")), ("not_for_sale", "lines[0].offer"));
    let quote = shop.post("/v1/quotes", &ada, "", json!({ "lines": lines })).await;
    assert_eq!(quote.code(), "not_for_sale");
    shop.post("/v1/admin/products/maps/publish", &shop.admin, "", json!({})).await;
    let many = json!([{ "offer": all, "quantity": 51 }]);
    let refused = buy(&shop, &ada, "k2", many, 25_500).await;
    assert_eq!((refused.status, refused.at("/errors/0/field")), (400, "lines"), "102 units");
    let extending = json!([{ "offer": all, "license": "lic_0000000000001" }]);
    let refused = buy(&shop, &ada, "k3", extending, 500).await;
    assert_eq!((refused.code(), refused.at("/reason")), ("not_extendable", "other_terms"));
    assert_eq!(buy(&shop, &ada, "k4", lines, 500).await.status, 201);
    shop.sound().await;
}
