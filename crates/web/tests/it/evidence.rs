//! The evidence of an order: complete, the same again, and nobody else's.

use scrip_domain::Span;
use scrip_engine::Staff;
use scrip_license::Terms;
use scrip_testkit::Shop;
use serde_json::{Value, json};

use crate::goods::{Sold, hex};

/// Every row of `evidence`, with its digest and the list that it is in.
fn rows(evidence: &Value) -> Vec<(String, Value, String)> {
    let mut rows = Vec::new();
    for (list, value) in evidence.as_object().expect("an object") {
        let proofs = match value {
            Value::Array(proofs) => proofs.clone(),
            Value::Null => Vec::new(),
            proof => vec![proof.clone()],
        };
        for proof in proofs {
            let digest = proof["sha256"].as_str().expect("a digest").to_owned();
            rows.push((list.clone(), proof["row"].clone(), digest));
        }
    }
    rows
}

fn path(order: &str) -> String {
    format!("/v1/orders/{order}/evidence")
}

/// The id of the only order of `buyer`.
async fn order_of(shop: &Shop, buyer: &str) -> String {
    shop.get("/v1/orders", buyer).await.at("/data/0/id").to_owned()
}

#[tokio::test]
async fn the_evidence_leads_from_the_offer_to_the_code() {
    let sold = Sold::new(1000).await;
    let (shop, ada) = (&sold.shop, &sold.buyer);
    let order = order_of(shop, ada).await;
    assert_eq!(sold.get(&[]).await.status, 200);
    assert_eq!(sold.counted().await, 1);
    assert_eq!(shop.get(&path(&order), ada).await.json["receipt"], Value::Null);
    let receipt = shop.get(&format!("/v1/orders/{order}/receipt"), ada).await;

    let answer = shop.get(&path(&order), ada).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let rows = rows(&answer.json);
    let of = |list: &str| {
        let rows = rows.iter().filter(|(name, ..)| name == list);
        rows.map(|(_, row, _)| row.clone()).collect::<Vec<_>>()
    };
    let history = shop.get(&format!("/v1/orders/{order}"), ada).await.json;
    let (confirmation, license) = (&history["confirmation"], &history["licenses"][0]);
    assert_eq!(of("order")[0]["paid_at"], confirmation["at"]);
    assert_eq!(of("lines")[0]["offer"], history["lines"][0]["offer"]);
    assert_eq!(of("lines")[0]["release"], of("releases")[0]["id"]);
    assert_eq!(of("files")[0]["sha256"], json!(hex(&sold.content)));
    assert_eq!(json!(of("checks")), history["checks"]);
    assert_eq!(of("requests").len(), 1);
    assert_eq!(of("transfers")[0]["amount"], history["total"]);
    assert_eq!(of("transfers")[0]["credit"], "revenue");
    assert_eq!(of("lots")[0]["id"], history["lines"][0]["paid_from"][0]["lot"]);
    assert_eq!(of("payments")[0]["amount"], history["total"]);
    assert_eq!(of("licenses")[0]["id"], license["id"]);
    let jws = license["code"]["jws"].as_str().expect("a code");
    assert_eq!(of("licenses")[0]["code_sha256"], json!(hex(jws.as_bytes())));
    assert_eq!(of("downloads")[0]["file"], json!(sold.file));
    assert_eq!(of("events")[0]["type"], "order.paid");
    assert_eq!(of("receipt")[0]["number"], receipt.json["number"]);

    // The digest of a row is that of its canonical form, which anybody can write.
    let (_, event, digest) = rows.iter().find(|(list, ..)| list == "events").expect("an event");
    let (at, id) = (event["at"].as_str().unwrap(), event["id"].as_str().unwrap());
    let canonical = format!(r#"{{"at":"{at}","id":"{id}","type":"order.paid"}}"#);
    assert_eq!(*digest, hex(canonical.as_bytes()));
}

#[tokio::test]
async fn the_evidence_is_the_same_until_something_happens() {
    let sold = Sold::with(1000, Terms::Trial { seconds: 60 }, None).await;
    let order = order_of(&sold.shop, &sold.buyer).await;
    let before = rows(&sold.shop.get(&path(&order), &sold.buyer).await.json);
    sold.shop.advance(Span::hours(1)).await;
    let after = rows(&sold.shop.get(&path(&order), &sold.buyer).await.json);
    assert_eq!(before, after, "time alone changes no row");
}

#[tokio::test]
async fn a_declined_order_has_its_evidence_too() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 249).await;
    let body = json!({
        "lines": [{ "offer": offer }], "expected_total": { "amount": 250, "unit": "AUR" }
    });
    assert_eq!(shop.post("/v1/purchases", &ada, "k1", body).await.status, 402);
    let order = order_of(&shop, &ada).await;
    let evidence = shop.get(&path(&order), &ada).await.json;
    assert_eq!(evidence["order"]["row"]["reason"], "insufficient_balance");
    assert_eq!(evidence["checks"][0]["row"]["result"], "failed");
    assert_eq!(evidence["events"][0]["row"]["type"], "order.declined");
    for list in ["transfers", "lots", "payments", "licenses", "downloads"] {
        assert_eq!(evidence[list], json!([]), "{list}");
    }
}

#[tokio::test]
async fn evidence_is_for_the_owner_and_the_vendor() {
    let sold = Sold::new(10).await;
    let (shop, order) = (&sold.shop, order_of(&sold.shop, &sold.buyer).await);
    let own = shop.get(&path(&order), &sold.buyer).await;
    let staff = shop.get(&path(&order), &shop.admin).await;
    assert_eq!((staff.status, &staff.json), (200, &own.json));
    let eve = shop.buyer("eve@example.com", 1000).await;
    assert_eq!(shop.get(&path(&order), &eve).await.code(), "not_found");
    assert_eq!(shop.get(&path(&order), "").await.code(), "account_required");
    assert_eq!(shop.get(&path("ord_0000000000009"), &shop.admin).await.code(), "not_found");
    let scopes = vec![scrip_domain::api_key::Scope::Catalog];
    let key = shop.app.engine.make_key(Staff::OPERATOR, scopes, "goods".into()).await.unwrap();
    assert_eq!(shop.get(&path(&order), &key.token).await.code(), "forbidden");
}
