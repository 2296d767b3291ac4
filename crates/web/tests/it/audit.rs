//! The audit log: each act of the staff leaves a row of who changed what, and nothing else does.

use scrip_domain::api_key::Scope;
use scrip_engine::Staff;
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

use crate::goods::{hex, upload};

async fn act(shop: &Shop, key: &str, method: &str, path: &str, body: Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", &*bearer), ("idempotency-key", "once")];
    let path = format!("/v1/admin/{path}");
    let answer = shop.send(method, &path, &headers, body).await;
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer
}

/// What is on record, oldest first, without what the shop was opened with.
async fn log(shop: &Shop) -> Vec<Value> {
    let list = shop.get("/v1/admin/audit?limit=100", &shop.admin).await;
    assert_eq!(list.status, 200, "{list:?}");
    let mut rows = list.json["data"].as_array().unwrap().clone();
    rows.reverse();
    rows.retain(|row| row["actor"] != "operator");
    rows
}

/// The acts on record, oldest first.
async fn acts(shop: &Shop) -> Vec<String> {
    let rows = log(shop).await;
    rows.iter().map(|row| row["act"].as_str().unwrap().to_owned()).collect()
}

/// The vendor's key behind a token.
fn key_of(token: &str) -> &str {
    token.split_once('.').unwrap().0
}

#[tokio::test]
async fn every_act_is_on_record_once() {
    let shop = Shop::open().await;
    let admin = shop.admin.clone();
    shop.buyer("ada@example.com", 0).await;
    let accounts = shop.get("/v1/admin/accounts", &admin).await;
    let account = accounts.at("/data/0/id").to_owned();
    let file = upload(&shop, &hex(b"goods"), b"goods").await;
    assert_eq!(file.status, 201);

    let product = json!({ "kind": "download", "title": "Tool" });
    let renamed = json!({ "kind": "download", "title": "Better tool" });
    let offer = |price| json!({ "price": { "amount": price, "unit": "AUR" }, "terms": { "kind": "perpetual" } });
    let release = |notes: &str| {
        json!({
            "notes": notes, "publish": true, "files": [{ "name": "tool.zip", "sha256": hex(b"goods") }]
        })
    };
    let made = json!({ "label": "second", "scopes": ["catalog"] });
    let adjust = json!({ "tokens": { "amount": 5, "unit": "AUR" }, "reason": "a gift" });
    let frozen = format!("accounts/{account}/freeze");
    let thawed = format!("accounts/{account}/thaw");
    let adjusted = format!("accounts/{account}/adjust");
    let steps = [
        ("PATCH", "settings", json!({ "flow": "members_only" }), "settings.changed"),
        ("PUT", "documents/privacy", json!({ "text": "Kept here." }), "legal.published"),
        ("PUT", "products/tool", product, "product.entered"),
        ("PUT", "products/tool", renamed, "product.changed"),
        ("PUT", "products/tool/offers/one", offer(100), "offer.entered"),
        ("PUT", "products/tool/offers/one", offer(120), "offer.changed"),
        ("PUT", "products/tool/releases/stable/1.0", release(""), "release.entered"),
        ("PUT", "products/tool/releases/stable/1.0", release("Notes"), "release.changed"),
        ("POST", "products/tool/publish", Value::Null, "product.published"),
        ("DELETE", "products/tool/offers/one", Value::Null, "offer.retired"),
        ("POST", "products/tool/archive", Value::Null, "product.archived"),
        ("POST", &*adjusted, adjust, "account.adjusted"),
        ("POST", &*frozen, Value::Null, "account.frozen"),
        ("POST", &*thawed, Value::Null, "account.thawed"),
        ("POST", "api-keys", made, "api_key.made"),
    ];
    let mut expected: Vec<&str> = Vec::new();
    for (method, path, body, name) in steps {
        let answer = act(&shop, &admin, method, path, body.clone()).await;
        expected.push(name);
        let rows = log(&shop).await;
        let row = rows.last().unwrap();
        assert_eq!(row["act"], name);
        assert_eq!(row["request_id"], answer.header("x-request-id"), "{name}");
        assert_eq!(row["actor"], key_of(&admin), "{name}");
        // Once more changes nothing, and leaves no row; only keys are made anew.
        if name != "api_key.made" {
            act(&shop, &admin, method, path, body).await;
        }
        assert_eq!(acts(&shop).await, expected);
    }
}

#[tokio::test]
async fn the_row_says_who_changed_what() {
    let shop = Shop::open().await;
    let scopes = vec![Scope::Catalog];
    let engine = &shop.app.engine;
    let key = engine.make_key(Staff::OPERATOR, scopes, "goods".into()).await.unwrap();
    let put = |title: &str, description: String| {
        let body = json!({ "kind": "service", "title": title, "description": description });
        act(&shop, &key.token, "PUT", "products/tool", body)
    };
    let entered = put("Tool", "Short".into()).await;
    put("Tool", "Long ".repeat(1000)).await;
    let revoke = format!("api-keys/{}", key.key.id);
    act(&shop, &shop.admin, "DELETE", &revoke, Value::Null).await;
    act(&shop, &shop.admin, "DELETE", &revoke, Value::Null).await;
    let rows = log(&shop).await;
    assert_eq!(acts(&shop).await, ["product.entered", "product.changed", "api_key.revoked"]);
    for row in &rows[..2] {
        assert_eq!(row["actor"], key.key.id.to_string());
        assert_eq!(row["subject"], entered.json["id"]);
    }
    assert_eq!(rows[0]["changes"]["title"], json!({ "to": "Tool" }));
    let of = async |query: &str| shop.get(&format!("/v1/admin/audit?{query}"), &shop.admin).await;
    let product = entered.at("/id");
    let first = of(&format!("subject={product}&limit=1")).await;
    assert_eq!((first.status, first.at("/data/0/act")), (200, "product.changed"));
    let after = first.at("/next");
    let second = of(&format!("subject={product}&limit=2&after={after}")).await;
    assert_eq!(second.json["data"].as_array().map(Vec::len), Some(1), "{second:?}");
    assert_eq!(second.at("/data/0/act"), "product.entered");
    let other = of(&format!("subject={}&after={after}", key.key.id)).await;
    assert_eq!((other.status, other.code()), (404, "not_found"), "another list's cursor");
    assert_eq!(of("subject=%00").await.at("/errors/0/field"), "subject");
    assert_eq!(of("subject=nothing").await.json["data"], json!([]));
    let changes = rows[1]["changes"].as_object().unwrap();
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["description"]);
    assert_eq!(changes["description"]["from"], "Short");
    assert_eq!(changes["description"]["to"]["bytes"], 5002);
    assert_eq!(rows[2]["subject"], key.key.id.to_string());
    let secret = key.token.split_once('.').unwrap().1;
    let whole = shop.get("/v1/admin/audit", &shop.admin).await;
    assert!(!String::from_utf8_lossy(&whole.bytes).contains(secret));
}

#[tokio::test]
async fn what_is_refused_leaves_no_row() {
    let shop = Shop::open().await;
    let key = format!("Bearer {}", shop.admin);
    let headers = [("authorization", key.as_str())];
    let before = acts(&shop).await;
    for (method, path, body) in [
        ("PUT", "/v1/admin/products/tool", json!({ "kind": "service", "title": "" })),
        ("POST", "/v1/admin/accounts/acc_0000000000009/freeze", Value::Null),
        ("DELETE", "/v1/admin/api-keys/key_0000000000009", Value::Null),
        ("POST", "/v1/admin/keys/rotate", Value::Null),
    ] {
        assert!(shop.send(method, path, &headers, body).await.status >= 400, "{path}");
    }
    assert_eq!(acts(&shop).await, before);
}

#[tokio::test]
async fn the_log_is_the_administrators_and_goes_by_pages() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 5).await;
    let scopes = vec![Scope::Catalog];
    let key = shop.app.engine.make_key(Staff::OPERATOR, scopes, "goods".into()).await;
    let key = key.unwrap().token;
    for (who, code) in [("", "invalid_credentials"), (&*ada, "forbidden"), (&*key, "forbidden")] {
        assert_eq!(shop.get("/v1/admin/audit", who).await.code(), code);
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/admin/audit?limit=1".to_owned());
    loop {
        let page = shop.get(&path, &shop.admin).await;
        let data = page.json["data"].as_array().unwrap();
        seen.extend(data.iter().map(|row| row["act"].as_str().unwrap().to_owned()));
        if page.at("/next").is_empty() {
            break;
        }
        path = format!("/v1/admin/audit?limit=1&after={}", page.at("/next"));
    }
    let expected = ["api_key.made", "account.adjusted", "api_key.made", "settings.changed"];
    assert_eq!(seen, expected, "newest first, and how the shop was opened is there too");
}
