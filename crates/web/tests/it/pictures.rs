//! Pictures of products: for whoever sees them, and for nobody else.

use scrip_domain::settings::{Flow, Settings};
use scrip_domain::visibility::{Level, Visibility};
use scrip_testkit::{Answer, Shop, settings};
use serde_json::{Value, json};

use crate::goods::{hex, upload};

/// Not a picture, but nobody looks inside: the type is what staff says, and nothing is sniffed.
const BYTES: &[u8] = b"\x89PNG <script>";

fn body(object: &str, visibility: &Value) -> Value {
    let picture = json!({ "object": object, "media_type": "image/png", "alt": "A recorder" });
    json!({
        "kind": "service", "title": "Recorder", "pictures": [picture], "visibility": visibility,
    })
}

async fn put(shop: &Shop, body: Value) -> Answer {
    let key = format!("Bearer {}", shop.admin);
    let headers = [("authorization", key.as_str())];
    shop.send("PUT", "/v1/admin/products/recorder", &headers, body).await
}

/// A published product with one picture.
async fn show(shop: &Shop, visibility: Value) {
    assert_eq!(upload(shop, &hex(BYTES), BYTES).await.status, 201);
    assert_eq!(put(shop, body(&hex(BYTES), &visibility)).await.status, 201);
    let publish = "/v1/admin/products/recorder/publish";
    assert_eq!(shop.post(publish, &shop.admin, "", Value::Null).await.status, 200);
}

fn path() -> String {
    format!("/v1/products/recorder/pictures/{}", hex(BYTES))
}

#[tokio::test]
async fn a_picture_is_where_the_product_says() {
    let shop = Shop::open().await;
    show(&shop, json!({})).await;
    let product = shop.get("/v1/products/recorder", "").await;
    let picture = json!([{
        "url": format!("http://shop.test{}", path()), "media_type": "image/png", "alt": "A recorder"
    }]);
    assert_eq!(product.json["pictures"], picture);
    let list = shop.get("/v1/products", "").await;
    assert_eq!(list.json["data"][0]["pictures"], picture);

    let etag = format!("\"{}\"", hex(BYTES));
    for method in ["GET", "HEAD"] {
        let answer = shop.send(method, &path(), &[], Value::Null).await;
        assert_eq!(answer.status, 200, "{method}");
        assert_eq!(answer.bytes, if method == "GET" { BYTES } else { b"" });
        for (name, value) in [
            ("content-type", "image/png"),
            ("content-length", "13"),
            ("x-content-type-options", "nosniff"),
            ("etag", &etag),
            ("vary", "Authorization, Cookie"),
            ("cache-control", "public, max-age=15"),
        ] {
            assert_eq!(answer.header(name), value, "{method} {name}");
        }
    }
    let same = shop.send("GET", &path(), &[("if-none-match", &etag)], Value::Null).await;
    assert_eq!((same.status, same.bytes.len()), (304, 0));
    let ada = shop.buyer("ada@example.com", 0).await;
    let hers = shop.get(&path(), &ada).await;
    assert_eq!((hers.status, hers.header("cache-control")), (200, "private, no-cache"));
}

#[tokio::test]
async fn a_hidden_picture_is_not_there() {
    let shop = Shop::open().await;
    show(&shop, json!({ "pictures": "funded" })).await;
    let offer = json!({
        "price": { "amount": 100, "unit": "AUR" }, "terms": { "kind": "perpetual" }
    });
    let key = format!("Bearer {}", shop.admin);
    let headers = [("authorization", key.as_str())];
    let to = "/v1/admin/products/recorder/offers/standard";
    assert_eq!(shop.send("PUT", to, &headers, offer).await.status, 201);
    let poor = shop.buyer("poor@example.com", 99).await;
    let rich = shop.buyer("rich@example.com", 100).await;
    let etag = format!("\"{}\"", hex(BYTES));
    for (who, status) in [("", 404), (&*poor, 404), (&*rich, 200)] {
        let answer = shop.get(&path(), who).await;
        assert_eq!(answer.status, status);
        let product = shop.get("/v1/products/recorder", who).await;
        assert_eq!(product.json.get("pictures").is_some(), status == 200, "{product:?}");
        let headers = [("if-none-match", etag.as_str())];
        let again = shop.send("GET", &path(), &headers, Value::Null).await;
        assert_eq!(again.status, 404, "nobody learns of it by what they name");
    }
    let missing = shop.get(&path(), "").await;
    assert_eq!((missing.code(), missing.header("cache-control")), ("not_found", "no-store"));
}

#[tokio::test]
async fn only_what_a_product_shows_is_served() {
    let shop = Shop::open().await;
    show(&shop, json!({})).await;
    let other = b"goods that somebody sells";
    upload(&shop, &hex(other), other).await;
    for path in [
        format!("/v1/products/recorder/pictures/{}", hex(other)),
        format!("/v1/products/none/pictures/{}", hex(BYTES)),
        "/v1/products/recorder/pictures/..%2F..%2Fkeys".to_owned(),
        format!("/v1/products/recorder/pictures/{}", hex(BYTES).to_uppercase()),
    ] {
        assert_eq!(shop.get(&path, "").await.code(), "not_found", "{path}");
    }
    let archive = "/v1/admin/products/recorder/archive";
    assert_eq!(shop.post(archive, &shop.admin, "", Value::Null).await.status, 200);
    assert_eq!(shop.get(&path(), "").await.status, 404);
}

#[tokio::test]
async fn members_only_keeps_pictures_for_members() {
    let visibility = Visibility { product: Some(Level::Member), ..Visibility::default() };
    let flow = Flow::MembersOnly;
    let shop = Shop::open_with(Settings { flow, visibility, ..settings() }).await;
    show(&shop, json!({})).await;
    assert_eq!(shop.get(&path(), "").await.code(), "account_required");
    let ada = shop.buyer("ada@example.com", 0).await;
    assert_eq!(shop.get(&path(), &ada).await.status, 200);
}

#[tokio::test]
async fn what_was_not_uploaded_is_no_picture() {
    let shop = Shop::open().await;
    let refused = put(&shop, body(&hex(BYTES), &json!({}))).await;
    assert_eq!((refused.status, refused.code()), (400, "invalid_field"));
    assert_eq!(refused.at("/errors/0/field"), "pictures[0].object");
}
