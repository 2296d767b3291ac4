//! What only a demo does.

use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

async fn advance(shop: &Shop, seconds: Value) -> Answer {
    shop.post("/v1/demo/clock", "", "", json!({ "advance": seconds })).await
}

#[tokio::test]
async fn time_passes_for_everything_at_once() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let order = json!({ "lines": [{ "offer": offer }] });
    let draft = shop.post("/v1/orders", &ada, "d1", order.clone()).await;

    let later = advance(&shop, json!(1799)).await;
    assert_eq!((later.status, later.at("/now")), (200, "2026-11-22T12:29:59.000Z"));
    let path = format!("/v1/orders/{}", draft.at("/id"));
    assert_eq!(shop.get(&path, &ada).await.at("/state"), "draft");
    assert_eq!(advance(&shop, json!(1)).await.status, 200);
    assert_eq!(shop.get(&path, &ada).await.at("/state"), "expired");
    // The writer's clock is the same one, and ids are leased for the new time.
    let confirm = shop.post(&format!("{path}/confirm"), &ada, "c1", json!({})).await;
    assert_eq!(confirm.code(), "order_expired");
    let next = shop.post("/v1/orders", &ada, "d2", order).await;
    assert_eq!((next.status, next.at("/selected_at")), (201, "2026-11-22T12:30:00.000Z"));
    assert_eq!(advance(&shop, json!(30 * 86_400)).await.status, 200);
    assert_eq!(shop.get("/v1/account", &ada).await.code(), "invalid_credentials");
}

#[tokio::test]
async fn time_goes_forward_and_not_for_ever() {
    let shop = Shop::open().await;
    for wrong in
        [json!(0), json!(-1), json!(1.5), json!("1"), json!(null), json!(4_294_967_295_u32)]
    {
        let refused = advance(&shop, wrong.clone()).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_field"), "{wrong}");
    }
    assert_eq!(advance(&shop, json!(1)).await.at("/now"), "2026-11-22T12:00:01.000Z");
}
