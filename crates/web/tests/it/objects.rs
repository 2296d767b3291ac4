//! Uploads: whole and by their right name, or not at all.

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::Request;
use scrip_testkit::Shop;
use serde_json::Value;

use crate::goods::{bytes, hex, upload};

/// How many files lie in the folder of objects.
fn files(shop: &Shop) -> usize {
    let count = |folder: &std::path::Path| std::fs::read_dir(folder).unwrap().count();
    let entries = std::fs::read_dir(shop.objects()).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn an_upload_is_stored_once_and_told_of() {
    let shop = Shop::open().await;
    let content = bytes(1_500_000);
    let name = hex(&content);
    let path = format!("/v1/admin/objects/{name}");
    let admin = format!("Bearer {}", shop.admin);
    let admin = [("authorization", admin.as_str())];
    assert_eq!(shop.send("HEAD", &path, &admin, Value::Null).await.status, 404);
    let first = upload(&shop, &name, &content).await;
    assert_eq!((first.status, first.at("/sha256")), (201, name.as_str()));
    assert_eq!(first.json["size"], 1_500_000);
    assert_eq!(upload(&shop, &name, &content).await.status, 200);
    let head = shop.send("HEAD", &path, &admin, Value::Null).await;
    assert_eq!((head.status, head.header("content-length")), (200, "1500000"));
    assert_eq!(files(&shop), 1);
    let whole = Request::get(&path).header(admin[0].0, admin[0].1).body(Body::empty()).unwrap();
    let whole = shop.raw(whole).await;
    assert_eq!((whole.status, whole.header("content-length")), (200, "1500000"));
    assert_eq!(whole.bytes, content);
}

#[tokio::test]
async fn a_wrong_name_or_a_cut_upload_leaves_nothing() {
    let shop = Shop::open().await;
    let other = upload(&shop, &hex(b"declared"), b"sent").await;
    assert_eq!((other.status, other.code()), (400, "invalid_field"));
    let upper = hex(b"sent").to_uppercase();
    let long = hex(b"sent") + "0";
    let climbing = "..%2F..%2F..%2Fetc%2Fpasswd";
    for name in [upper.as_str(), &long, "abc", "%2e%2e", climbing, "..%5C..%5Cx", "a%00b"] {
        let refused = upload(&shop, name, b"sent").await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_field"), "{name}");
    }
    let content = bytes(1_500_000);
    let parts = [Ok(Bytes::from(content.clone())), Err(std::io::Error::other("reset"))];
    let cut = Request::put(format!("/v1/admin/objects/{}", hex(&content)))
        .header("authorization", format!("Bearer {}", shop.admin))
        .body(Body::from_stream(stream::iter(parts)));
    let cut = shop.raw(cut.unwrap()).await;
    assert_eq!((cut.status, cut.code()), (400, "malformed"));
    assert_eq!(files(&shop), 0);
}

#[tokio::test]
async fn only_staff_uploads() {
    let shop = Shop::open().await;
    let path = format!("/v1/admin/objects/{}", hex(b"x"));
    let buyer = shop.buyer("ada@example.com", 0).await;
    for (bearer, status) in [("", 401), (buyer.as_str(), 403)] {
        let request = Request::put(&path).header("authorization", format!("Bearer {bearer}"));
        let answer = shop.raw(request.body(Body::from("x")).unwrap()).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    assert_eq!(files(&shop), 0);
}
