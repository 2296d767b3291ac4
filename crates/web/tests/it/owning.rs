//! What an account owns stays visible to it, and what is visible to it can be bought.

use scrip_domain::Amount;
use scrip_domain::settings::{Flow, Settings, Threshold};
use scrip_testkit::{Answer, Browser, Shop};
use serde_json::{Value, json};

use crate::library_pages::ada as signed_in;
use crate::license_changes::{buy, month};

/// A shop that opens at 500, and Ada, who has just so many.
async fn opened() -> (Shop, String) {
    let threshold = Threshold::Fixed { amount: Amount::new(500).unwrap() };
    let settings = Settings { flow: Flow::BrowseFirst, threshold, ..scrip_testkit::settings() };
    let shop = Shop::open_with(settings).await;
    let ada = shop.buyer("ada@example.com", 500).await;
    (shop, ada)
}

async fn hide(shop: &Shop, slug: &str, visibility: Value) {
    let bearer = format!("Bearer {}", shop.admin);
    let body = json!({ "kind": "service", "title": slug, "visibility": visibility });
    let path = format!("/v1/admin/products/{slug}");
    let put = shop.send("PUT", &path, &[("authorization", &bearer)], body).await;
    assert_eq!(put.status, 200, "{put:?}");
}

async fn quote(shop: &Shop, who: &str, line: &Value) -> Answer {
    shop.post("/v1/quotes", who, "", json!({ "lines": [line] })).await
}

/// Each hidden thing, once with a balance that does not reach it any more.
#[tokio::test]
async fn who_owns_it_extends_it_and_buys_it_again() {
    for hidden in [
        json!({ "price": "funded" }),
        json!({ "product": "funded" }),
        json!({ "price": "covered", "product": "funded" }),
    ] {
        let (shop, ada) = opened().await;
        let offer = shop.product("lens", 10, month()).await;
        hide(&shop, "lens", hidden.clone()).await;
        let alone = json!({ "offer": offer });
        let paid = buy(&shop, &ada, "k1", json!([alone]), 10).await;
        assert_eq!(paid.status, 201, "{hidden}: {paid:?}");
        let license = paid.at("/licenses/0/id");
        let extending = json!({ "offer": offer, "license": license });
        let eve = shop.buyer("eve@example.com", 490).await;
        for line in [&alone, &extending] {
            let seen = quote(&shop, &ada, line).await;
            assert_eq!(
                (seen.status, seen.at("/total/display")),
                (200, "0.10 AUR"),
                "{hidden}: {seen:?}"
            );
            let seen = quote(&shop, &eve, line).await;
            assert!(seen.status >= 400, "{hidden}: {seen:?}");
        }
        for (key, line) in [("k2", &alone), ("k3", &extending)] {
            let draft = shop.post("/v1/orders", &ada, key, json!({ "lines": [line] })).await;
            assert_eq!(draft.status, 201, "{hidden}: {draft:?}");
            let paid = buy(&shop, &ada, &format!("{key}-paid"), json!([line]), 10).await;
            assert_eq!(paid.status, 201, "{hidden}: {paid:?}");
            let refused = buy(&shop, &eve, key, json!([line]), 10).await;
            assert!(refused.status >= 400, "{hidden}: {refused:?}");
        }
        let path = format!("/v1/licenses/{license}/extend");
        let longer = shop.post(&path, &ada, "k4", json!({ "offer": offer })).await;
        assert_eq!(longer.status, 201, "{hidden}: {longer:?}");
        // It shows nothing but itself.
        let other = shop.product("other", 10, month()).await;
        hide(&shop, "other", hidden.clone()).await;
        let both = json!([alone, { "offer": other }]);
        let refused = shop.post("/v1/quotes", &ada, "", json!({ "lines": both })).await;
        assert_eq!(refused.at("/errors/0/field"), "lines[1].offer", "{hidden}: {refused:?}");
        let other = quote(&shop, &ada, &json!({ "offer": other, "license": license })).await;
        assert!(other.status >= 400, "{hidden}: {other:?}");
        shop.sound().await;
    }
}

/// It was visible to all when it was looked up.
#[tokio::test]
async fn what_is_hidden_later_stays_for_sale_to_its_owner() {
    let (shop, ada) = opened().await;
    let offer = shop.product("lens", 10, month()).await;
    let line = json!([{ "offer": offer }]);
    assert_eq!(buy(&shop, &ada, "k1", line.clone(), 10).await.status, 201);
    hide(&shop, "lens", json!({ "price": "funded" })).await;
    assert_eq!(buy(&shop, &ada, "k2", line.clone(), 10).await.status, 201);
    hide(&shop, "lens", json!({})).await;
    let bearer = format!("Bearer {}", shop.admin);
    let hidden = json!({ "visibility": { "price": "funded" } });
    let set = shop.send("PATCH", "/v1/admin/settings", &[("authorization", &bearer)], hidden).await;
    assert_eq!(set.status, 200, "{set:?}");
    assert_eq!(buy(&shop, &ada, "k3", line, 10).await.status, 201);
}

#[tokio::test]
async fn the_page_that_extends_leads_to_the_checkout() {
    for hidden in [json!({ "price": "funded" }), json!({ "product": "funded" })] {
        let (shop, ada) = opened().await;
        let offer = shop.product("lens", 10, month()).await;
        hide(&shop, "lens", hidden.clone()).await;
        let paid = buy(&shop, &ada, "k1", json!([{ "offer": offer }]), 10).await;
        let mut browser: Browser<'_> = signed_in(&shop).await;
        let path = format!("/library/{}/extend", paid.at("/licenses/0/id"));
        let page = browser.open(&path).await;
        assert!(page.html.contains("0.10 AUR"), "{hidden}: {}", page.html);
        let form = [("key", page.input("key")), ("offer", &offer), ("quantity", "1")];
        let answer = browser.send(&path, &form).await;
        assert_eq!(answer.status, 303, "{hidden}: {}", answer.html);
        let page = browser.open(answer.location()).await;
        assert!(page.html.contains("Confirm your order"), "{hidden}: {}", page.html);
    }
}
