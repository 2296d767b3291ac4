//! The catalogue, from the vendor's hand to each visitor's eyes.

use std::fmt::Write as _;

use scrip_domain::gate::Standing;
use scrip_domain::settings::{Flow, Settings};
use scrip_domain::visibility::{Level, Visibility};
use scrip_engine::Staff;
use scrip_testkit::{Answer, Shop, settings};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn tokens(units: u64) -> Value {
    json!({ "amount": units, "unit": "AUR" })
}

/// A request of the vendor's staff.
async fn staff(shop: &Shop, method: &str, path: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {}", shop.admin);
    let path = format!("/v1/admin{path}");
    shop.send(method, &path, &[("authorization", &authorization)], body).await
}

fn product(title: &str) -> Value {
    json!({
        "kind": "download", "title": title, "summary": format!("About {title}"),
        "description": "Made of *secret* ingredients", "categories": ["Audio"], "tags": ["wav"],
    })
}

/// A published product with one offer at `price`; gives the offer's id.
async fn sell(shop: &Shop, slug: &str, price: u64, body: Value) -> String {
    let put = staff(shop, "PUT", &format!("/products/{slug}"), body).await;
    assert!(put.status < 300, "{put:?}");
    let offer = json!({ "price": tokens(price), "terms": { "kind": "perpetual" } });
    let offer = staff(shop, "PUT", &format!("/products/{slug}/offers/standard"), offer).await;
    assert!(offer.status < 300, "{offer:?}");
    let path = format!("/products/{slug}/publish");
    assert_eq!(staff(shop, "POST", &path, Value::Null).await.status, 200);
    offer.at("/id").to_owned()
}

async fn upload(shop: &Shop, bytes: &[u8]) -> String {
    let mut sha256 = String::new();
    Sha256::digest(bytes).iter().for_each(|byte| write!(sha256, "{byte:02x}").unwrap());
    let request = http::Request::builder()
        .method("PUT")
        .uri(format!("/v1/admin/objects/{sha256}"))
        .header("authorization", format!("Bearer {}", shop.admin))
        .body(axum::body::Body::from(bytes.to_vec()))
        .unwrap();
    assert!(shop.raw(request).await.status < 300);
    sha256
}

fn slugs(list: &Answer) -> Vec<String> {
    assert_eq!(list.status, 200, "{list:?}");
    let data = list.json["data"].as_array().unwrap();
    data.iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_product_comes_to_the_shelf_and_leaves_it() {
    let shop = Shop::open().await;
    let put = staff(&shop, "PUT", "/products/recorder", product("Field recorder")).await;
    assert_eq!((put.status, put.at("/state")), (201, "draft"), "{put:?}");
    assert_eq!(shop.get("/v1/products/recorder", "").await.status, 404);
    assert_eq!(slugs(&shop.get("/v1/products", "").await), [""; 0]);

    sell(&shop, "recorder", 500, product("Field recorder")).await;
    let seen = shop.get("/v1/products/recorder", "").await;
    assert_eq!(seen.status, 200, "{seen:?}");
    assert_eq!(seen.json["price_from"]["display"], "5.00 AUR");
    assert_eq!(seen.json["offers"][0]["price"]["amount"], 500);
    assert_eq!(seen.at("/description_html"), "<p>Made of <em>secret</em> ingredients</p>\n");
    assert_eq!(seen.json["hidden"], json!([]));
    assert!(seen.json.get("instructions").is_none());
    assert_eq!(slugs(&shop.get("/v1/products?q=reco", "").await), ["recorder"]);

    let gone = staff(&shop, "POST", "/products/recorder/archive", Value::Null).await;
    assert_eq!((gone.status, gone.at("/state")), (200, "archived"));
    assert_eq!(gone.json["offers"][0]["current"], false);
    assert!(gone.json.get("price_from").is_none());
    assert_eq!(shop.get("/v1/products/recorder", "").await.status, 404);
    assert_eq!(slugs(&shop.get("/v1/products?q=reco", "").await), [""; 0]);
}

#[tokio::test]
async fn putting_what_is_there_changes_nothing() {
    let shop = Shop::open().await;
    sell(&shop, "tool", 100, product("Tool")).await;
    let sha256 = upload(&shop, b"bytes").await;
    let release = json!({ "notes": "First", "files": [{ "name": "tool.zip", "sha256": sha256 }], "publish": true });
    let path = "/products/tool/releases/stable/1.0";
    assert_eq!(staff(&shop, "PUT", path, release.clone()).await.status, 201);
    let before = staff(&shop, "GET", "/products/tool", Value::Null).await;
    assert_eq!(before.json["release"], before.json["releases"][0]["id"]);

    shop.clock.advance(scrip_domain::Span::hours(1));
    shop.app.engine.renew_lease().await.unwrap();
    assert_eq!(staff(&shop, "PUT", path, release).await.status, 200);
    sell(&shop, "tool", 100, product("Tool")).await;
    let after = staff(&shop, "GET", "/products/tool", Value::Null).await;
    assert_eq!(before.json, after.json);

    let changed = staff(&shop, "PUT", "/products/tool", product("Tool 2")).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json["version"], before.json["version"].as_u64().unwrap() + 1);
    assert_eq!(changed.json["state"], "published");
}

#[tokio::test]
async fn prices_follow_the_offers() {
    let shop = Shop::open().await;
    sell(&shop, "tool", 700, product("Tool")).await;
    let put = async |key: &str, price: u64| {
        let body = json!({ "price": tokens(price), "terms": { "kind": "uses", "count": 3 }, "limits": { "machines": 2 } });
        staff(&shop, "PUT", &format!("/products/tool/offers/{key}"), body).await
    };
    let price =
        async || shop.get("/v1/products/tool", "").await.json["price_from"]["amount"].as_u64();
    let threshold =
        async || shop.get("/v1/vendor", "").await.json["threshold"]["amount"]["amount"].as_u64();
    assert_eq!((price().await, threshold().await), (Some(700), Some(700)));
    assert_eq!(put("cheap", 300).await.status, 201);
    assert_eq!((price().await, threshold().await), (Some(300), Some(300)));
    assert_eq!(put("cheap", 0).await.status, 200);
    assert_eq!(
        (price().await, threshold().await),
        (Some(0), Some(700)),
        "what is free opens nothing"
    );
    let retired = staff(&shop, "DELETE", "/products/tool/offers/cheap", Value::Null).await;
    assert_eq!((retired.status, retired.json["current"].as_bool()), (200, Some(false)));
    assert_eq!(price().await, Some(700));
    assert_eq!(
        staff(&shop, "DELETE", "/products/tool/offers/cheap", Value::Null).await.status,
        200
    );
    let again = put("cheap", 50).await;
    assert_eq!((again.status, again.json["id"].as_str()), (200, Some(retired.at("/id"))));
    assert_eq!(price().await, Some(50));
}

#[tokio::test]
async fn a_changed_price_touches_no_order() {
    let shop = Shop::open().await;
    let offer = sell(&shop, "tool", 100, product("Tool")).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let body = json!({ "lines": [{ "offer": offer }] });
    let draft = shop.post("/v1/orders", &ada, "draft", body.clone()).await;
    assert_eq!(draft.status, 201, "{draft:?}");
    assert_eq!(sell(&shop, "tool", 900, product("Tool")).await, offer, "the offer keeps its id");
    let quote = shop.post("/v1/quotes", &ada, "", body).await;
    assert_eq!(quote.json["total"]["amount"], 900);
    let path = format!("/v1/orders/{}", draft.at("/id"));
    assert_eq!(shop.get(&path, &ada).await.json["total"]["amount"], 100);
}

#[tokio::test]
async fn a_published_release_is_fixed() {
    let shop = Shop::open().await;
    sell(&shop, "tool", 100, product("Tool")).await;
    let (one, two) = (upload(&shop, b"one").await, upload(&shop, b"twotwo").await);
    let put = async |path: &str, files: Value, publish: bool| {
        let body = json!({ "notes": "N", "files": files, "publish": publish });
        staff(&shop, "PUT", &format!("/products/tool/releases/{path}"), body).await
    };
    let file = |name: &str, sha256: &str| json!([{ "name": name, "sha256": sha256, "media_type": "application/zip" }]);
    let open = put("stable/1.0", file("a.zip", &one), false).await;
    assert_eq!((open.status, open.json.get("published_at")), (201, None), "{open:?}");
    assert!(shop.get("/v1/products/tool", "").await.json.get("release").is_none());
    let changed = put("stable/1.0", file("a.zip", &two), true).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json["files"][0]["id"], open.json["files"][0]["id"]);
    assert_eq!(changed.json["files"][0]["size"], 6);
    assert_ne!(changed.json["manifest"], open.json["manifest"]);
    let fixed = put("stable/1.0", file("a.zip", &one), true).await;
    assert_eq!((fixed.status, fixed.code()), (409, "release_published"));
    assert_eq!(put("beta/2.0", file("b.zip", &one), true).await.status, 201);
    let seen = shop.get("/v1/products/tool", "").await;
    assert_eq!(seen.at("/release/version"), "1.0", "only `stable` is everybody's");
    assert_eq!(seen.json["size"], 6);
    assert_eq!(put("stable/1.1", file("b.zip", &one), true).await.status, 201);
    let seen = shop.get("/v1/products/tool", "").await;
    assert_eq!((seen.at("/release/version"), seen.at("/files/0/name")), ("1.1", "b.zip"));
    let absent = put("stable/3.0", file("c.zip", &"0".repeat(64)), false).await;
    assert_eq!((absent.status, absent.at("/errors/0/field")), (400, "files[0].sha256"));
    let twice = json!([{ "name": "A", "sha256": one }, { "name": "a", "sha256": one }]);
    assert_eq!(put("stable/3.0", twice, false).await.at("/errors/0/field"), "files[1].name");
}

#[tokio::test]
async fn bad_input_names_its_field_and_changes_nothing() {
    let shop = Shop::open().await;
    sell(&shop, "tool", 100, product("Tool")).await;
    let with = |field: &str, value: Value| {
        let mut body = product("Tool");
        body[field] = value;
        body
    };
    for (field, value, named) in [
        ("title", json!(""), "title"),
        ("title", json!("x".repeat(201)), "title"),
        ("title", json!("a\u{0}b"), "title"),
        ("summary", json!("x".repeat(501)), "summary"),
        ("description", json!("x".repeat(100_001)), "description"),
        ("kind", json!("bundle"), "kind"),
        ("tags", json!(["ok", "x".repeat(41)]), "tags[1]"),
        ("categories", json!(vec!["x"; 21]), "categories"),
        ("slug", json!("Not A Slug"), "slug"),
        ("visibility", json!({ "price": "nobody" }), "visibility.price"),
        ("pictures", json!([{ "object": "x", "media_type": "image/png" }]), "pictures[0].object"),
        (
            "pictures",
            json!([{ "object": "0".repeat(64), "media_type": "image/svg+xml" }]),
            "pictures[0].media_type",
        ),
    ] {
        let answer = staff(&shop, "PUT", "/products/tool", with(field, value.clone())).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_field"), "{field} {value}");
        assert_eq!(answer.at("/errors/0/field"), named);
    }
    let unknown = staff(&shop, "PUT", "/products/tool", with("colour", json!("red"))).await;
    assert_eq!((unknown.status, unknown.code()), (400, "unknown_field"));
    let long = staff(
        &shop,
        "PUT",
        "/products/tool",
        with("description", json!("\u{1F980}".repeat(25_000))),
    )
    .await;
    assert_eq!(long.status, 200, "100 kB are allowed");
    assert_eq!(shop.get("/v1/products/tool", "").await.json["price_from"]["amount"], 100);
}

#[tokio::test]
async fn bad_offers_and_unknown_names_change_nothing() {
    let shop = Shop::open().await;
    sell(&shop, "tool", 100, product("Tool")).await;
    for (offer, named) in [
        (
            json!({ "price": { "amount": 1, "unit": "EUR" }, "terms": { "kind": "perpetual" } }),
            "price.unit",
        ),
        (
            json!({ "price": { "amount": -1, "unit": "AUR" }, "terms": { "kind": "perpetual" } }),
            "price.amount",
        ),
        (
            json!({ "price": { "amount": 1.0, "unit": "AUR" }, "terms": { "kind": "perpetual" } }),
            "price.amount",
        ),
        (json!({ "price": tokens(1), "terms": { "kind": "uses", "count": 0 } }), "terms.count"),
        (
            json!({ "price": tokens(1), "terms": { "kind": "perpetual" }, "limits": { "machines": 0 } }),
            "limits.machines",
        ),
    ] {
        let answer = staff(&shop, "PUT", "/products/tool/offers/standard", offer.clone()).await;
        assert_eq!(answer.status, 400, "{offer}: {answer:?}");
        assert_eq!(answer.at("/errors/0/field"), named, "{answer:?}");
    }
    let mut taken = product("Tool");
    taken["slug"] = json!("tool");
    let taken = staff(&shop, "POST", "/products", taken).await;
    assert_eq!((taken.status, taken.code()), (409, "slug_taken"));
    for path in ["/products/none", "/products/none/publish", "/products/tool/offers/none"] {
        let method = if path.ends_with("publish") {
            "POST"
        } else if path.contains("offers") {
            "DELETE"
        } else {
            "GET"
        };
        assert_eq!(staff(&shop, method, path, Value::Null).await.status, 404, "{path}");
    }
    assert_eq!(shop.get("/v1/products/tool", "").await.json["price_from"]["amount"], 100);
}

#[tokio::test]
async fn only_staff_changes_the_catalogue() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 100).await;
    let put = async |bearer: &str| {
        let authorization = format!("Bearer {bearer}");
        let headers = [("authorization", authorization.as_str())];
        let headers = if bearer.is_empty() { &[][..] } else { &headers[..] };
        shop.send("PUT", "/v1/admin/products/tool", headers, product("Tool")).await.status
    };
    assert_eq!(put("").await, 401);
    assert_eq!(put(&ada).await, 403);
    let scope = |scope| shop.app.engine.make_key(Staff::OPERATOR, vec![scope], "key".into());
    let catalog = scope(scrip_domain::api_key::Scope::Catalog).await.unwrap().token;
    let accounts = scope(scrip_domain::api_key::Scope::Accounts).await.unwrap().token;
    assert_eq!(put(&accounts).await, 403);
    assert_eq!(put(&catalog).await, 201);
}

#[tokio::test]
async fn a_slug_can_move_and_be_taken_by_another() {
    let shop = Shop::open().await;
    sell(&shop, "old", 100, product("First")).await;
    assert_eq!(shop.get("/v1/products/old", "").await.at("/title"), "First");
    let mut moved = product("First");
    moved["slug"] = json!("new");
    assert_eq!(staff(&shop, "PUT", "/products/old", moved).await.at("/slug"), "new");
    assert_eq!(shop.get("/v1/products/old", "").await.status, 404);
    assert_eq!(shop.get("/v1/products/new", "").await.at("/title"), "First");
    sell(&shop, "old", 50, product("Second")).await;
    assert_eq!(shop.get("/v1/products/old", "").await.at("/title"), "Second");
    let mut back = product("First");
    back["slug"] = json!("old");
    let taken = staff(&shop, "PUT", "/products/new", back).await;
    assert_eq!((taken.status, taken.code()), (409, "slug_taken"));
}

#[tokio::test]
async fn commands_that_meet_keep_every_offer() {
    let shop = Shop::open().await;
    sell(&shop, "tool", 100, product("Tool")).await;
    let put = async |key: u64| {
        let body = json!({ "price": tokens(100 - key), "terms": { "kind": "perpetual" } });
        staff(&shop, "PUT", &format!("/products/tool/offers/k{key}"), body).await.status
    };
    let (a, b, c) = tokio::join!(put(1), put(2), put(3));
    assert_eq!((a, b, c), (201, 201, 201), "stale ones look again");
    assert_eq!(shop.get("/v1/products/tool", "").await.json["price_from"]["amount"], 97);
    let new = async || staff(&shop, "PUT", "/products/both", product("Both")).await.status;
    let (a, b) = tokio::join!(new(), new());
    assert_eq!(a + b, 401, "one creates, the other finds it");
}

fn hiding(visibility: Visibility) -> Settings {
    Settings { visibility, ..settings() }
}

#[tokio::test]
async fn each_standing_sees_its_part_on_every_surface() {
    let hidden = Visibility {
        price: Some(Level::Member),
        description: Some(Level::Funded),
        files: Some(Level::Covered),
        ..Visibility::default()
    };
    let shop = Shop::open_with(hiding(hidden)).await;
    sell(&shop, "cheap", 100, product("Cheap")).await;
    sell(&shop, "dear", 900, product("Dear")).await;
    let poor = shop.buyer("poor@example.com", 99).await;
    let funded = shop.buyer("funded@example.com", 100).await;
    let rich = shop.buyer("rich@example.com", 900).await;
    for (bearer, standing, fields) in [
        (
            "",
            Standing::Visitor,
            vec![
                "price_from",
                "offers.price",
                "payment",
                "description",
                "description_html",
                "files",
                "size",
            ],
        ),
        (&poor, Standing::Member, vec!["description", "description_html", "files", "size"]),
        (&funded, Standing::Funded, vec!["files", "size"]),
        (&rich, Standing::Funded, vec![]),
    ] {
        let seen = shop.get("/v1/products/dear", bearer).await;
        let named: Vec<&str> = seen.json["hidden"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|entry| entry["fields"].as_array().unwrap())
            .map(|field| field.as_str().unwrap())
            .collect();
        assert_eq!(named, fields, "{standing:?}");
        for field in &fields {
            assert!(seen.json.get(field).is_none(), "{field} {standing:?}");
        }
        let price = standing != Standing::Visitor;
        assert_eq!(seen.json["offers"][0].get("price").is_some(), price);
        let found = slugs(&shop.get("/v1/products?q=ingredients", bearer).await);
        assert_eq!(found.len(), if standing == Standing::Funded { 2 } else { 0 }, "{standing:?}");
        let order = slugs(&shop.get("/v1/products?sort=price", bearer).await);
        let sorted = if price { ["cheap", "dear"] } else { ["dear", "cheap"] };
        assert_eq!(order, sorted, "an order tells no hidden price");
        let down = slugs(&shop.get("/v1/products?sort=-price", bearer).await);
        assert_eq!(down, ["dear", "cheap"]);
    }
    let visitor = shop.get("/v1/products/dear", "").await;
    assert_eq!(visitor.json["hidden"][0]["needs"], "member");
    assert_eq!(visitor.at("/hidden/0/links/register"), "/v1/accounts");
    assert_eq!(visitor.at("/hidden/1/links/top_up"), "/v1/top-ups");
}

#[tokio::test]
async fn what_is_owned_stays_visible() {
    let shop = Shop::open().await;
    let mut body = product("Tool");
    let offer = sell(&shop, "tool", 100, body.clone()).await;
    let ada = shop.buyer("ada@example.com", 100).await;
    let eve = shop.buyer("eve@example.com", 100).await;
    let bought = shop
        .post(
            "/v1/purchases",
            &ada,
            "buy",
            json!({ "lines": [{ "offer": offer }], "expected_total": tokens(100) }),
        )
        .await;
    assert_eq!(bought.status, 201, "{bought:?}");
    body["visibility"] = json!({ "product": "covered", "price": "covered" });
    assert_eq!(staff(&shop, "PUT", "/products/tool", body).await.status, 200);
    sell(&shop, "dear", 900, product("Dear")).await;
    // Ada has nothing left; Eve is covered; a visitor is nobody.
    assert_eq!(shop.get("/v1/products/tool", &ada).await.json["hidden"], json!([]));
    assert_eq!(slugs(&shop.get("/v1/products?q=tool", &ada).await), ["tool"]);
    assert_eq!(slugs(&shop.get("/v1/products?sort=price", &ada).await), ["tool", "dear"]);
    assert_eq!(shop.get("/v1/products/tool", &eve).await.status, 200);
    assert_eq!(shop.get("/v1/products/tool", "").await.status, 404);
    assert_eq!(slugs(&shop.get("/v1/products", "").await), ["dear"]);
    assert_eq!(staff(&shop, "POST", "/products/tool/archive", Value::Null).await.status, 200);
    let archived = shop.get("/v1/products/tool", &ada).await;
    assert_eq!((archived.status, archived.at("/state")), (200, "archived"));
    assert_eq!(shop.get("/v1/products/tool", &eve).await.status, 404);
}

#[tokio::test]
async fn members_only_shops_show_nothing_to_visitors() {
    let shop = Shop::open_with(Settings { flow: Flow::MembersOnly, ..settings() }).await;
    sell(&shop, "tool", 100, product("Tool")).await;
    for path in ["/v1/products", "/v1/products/tool", "/v1/products/none"] {
        let turned_away = shop.get(path, "").await;
        assert_eq!((turned_away.status, turned_away.code()), (401, "account_required"));
    }
    let ada = shop.buyer("ada@example.com", 0).await;
    assert_eq!(shop.get("/v1/products/tool", &ada).await.status, 200);
}

#[tokio::test]
async fn a_payment_says_what_a_purchase_means_for_the_wallet() {
    let shop = Shop::open().await;
    sell(&shop, "tool", 250, product("Tool")).await;
    let ada = shop.buyer("ada@example.com", 100).await;
    let payment = &shop.get("/v1/products/tool", &ada).await.json["payment"];
    assert_eq!(payment["available"]["amount"], 100);
    assert!(payment.get("remaining").is_none());
    assert_eq!(payment["top_up"]["tokens"]["amount"], 150);
    assert_eq!(payment["top_up"]["pay"]["display"], "1.50 EUR");
    let eve = shop.buyer("eve@example.com", 300).await;
    let payment = &shop.get("/v1/products/tool", &eve).await.json["payment"];
    assert_eq!(payment["remaining"]["amount"], 50);
    assert!(payment.get("top_up").is_none());
}

#[tokio::test]
async fn a_download_time_says_where_it_comes_from() {
    let shop = Shop::open().await;
    sell(&shop, "tool", 100, product("Tool")).await;
    let sha256 = upload(&shop, &vec![0; 1_000_000]).await;
    let files = json!([{ "name": "tool.zip", "sha256": sha256 }]);
    let release = json!({ "files": files, "publish": true });
    staff(&shop, "PUT", "/products/tool/releases/stable/1.0", release).await;
    let estimate = async |path: &str, bearer: &str| {
        shop.get(path, bearer).await.json["files"][0]["estimated_download"].clone()
    };
    let usual = estimate("/v1/products/tool", "").await;
    assert_eq!(
        (&usual["basis"], &usual["seconds"], &usual["mbps"]),
        (&json!("reference"), &json!(1), &json!(50.0))
    );
    assert_eq!(usual["usual"].as_array().unwrap().len(), 3);
    let hint = estimate("/v1/products/tool?mbps=0.5", "").await;
    assert_eq!(hint, json!({ "seconds": 16, "basis": "hint", "mbps": 0.5 }));
    let ada = shop.buyer("ada@example.com", 0).await;
    let account = shop.get("/v1/account", &ada).await.at("/id").parse().unwrap();
    shop.app.engine.measured(account, 1_000_000, 4_000);
    let measured = estimate("/v1/products/tool?mbps=0.5", &ada).await;
    assert_eq!(measured, json!({ "seconds": 4, "basis": "measured", "mbps": 2.0 }));
    for bad in ["0", "-1", "NaN", "inf", "x", "1e99"] {
        let answer = shop.get(&format!("/v1/products/tool?mbps={bad}"), "").await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, "mbps"), "{bad}");
    }
}

#[tokio::test]
async fn caches_keep_a_visitors_view_and_no_others() {
    let shop = Shop::open().await;
    sell(&shop, "tool", 100, product("Tool")).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    for path in ["/v1/products", "/v1/products/tool"] {
        let visitor = shop.get(path, "").await;
        assert_eq!(visitor.header("cache-control"), "public, max-age=15");
        assert!(visitor.header("vary").contains("Authorization"));
        let tag = visitor.header("etag");
        let again = shop.send("GET", path, &[("if-none-match", tag)], Value::Null).await;
        assert_eq!((again.status, again.bytes.len(), again.header("etag")), (304, 0, tag));
        let other = shop.send("GET", path, &[("if-none-match", "\"x\"")], Value::Null).await;
        assert_eq!(other.status, 200);
        let member = shop.get(path, &ada).await;
        assert_eq!(member.header("cache-control"), "private, no-store");
        assert_eq!(
            (member.header("etag"), member.header("vary").contains("Authorization")),
            ("", true)
        );
    }
}

#[tokio::test]
async fn what_visitors_see_of_a_list_follows_every_change() {
    let shop = Shop::open().await;
    let session = shop.buyer("ada@example.com", 0).await;
    let seen = async |who: &str| {
        let list = shop.get("/v1/products?category=audio", who).await;
        let items = list.json["data"].as_array().unwrap().clone();
        let item = |item: &Value| {
            let price = item["price_from"]["amount"].as_u64();
            (item["title"].as_str().unwrap().to_owned(), price)
        };
        items.iter().map(item).collect::<Vec<_>>()
    };
    let named = |title: &str, price| (title.to_owned(), price);
    sell(&shop, "recorder", 500, product("Recorder")).await;
    sell(&shop, "flute", 300, product("Flute")).await;
    let both = vec![named("Flute", Some(300)), named("Recorder", Some(500))];
    // Twice each: what is remembered, and what was read.
    for _ in 0..2 {
        assert_eq!((seen("").await, seen(&session).await), (both.clone(), both.clone()));
    }
    let offer = json!({ "price": tokens(200), "terms": { "kind": "perpetual" } });
    staff(&shop, "PUT", "/products/flute/offers/standard", offer).await;
    assert_eq!(seen("").await[0], named("Flute", Some(200)));
    staff(&shop, "PUT", "/products/flute", product("Alto flute")).await;
    assert_eq!(seen("").await[0], named("Alto flute", Some(200)));
    let hidden = json!({ "visibility": { "price": "member" } });
    assert_eq!(staff(&shop, "PATCH", "/settings", hidden).await.status, 200);
    assert_eq!(seen("").await[0], named("Alto flute", None));
    assert_eq!(seen(&session).await[0], named("Alto flute", Some(200)));
    let mut body = product("Alto flute");
    body["visibility"] = json!({ "product": "member" });
    staff(&shop, "PUT", "/products/flute", body).await;
    assert_eq!(seen("").await, [named("Recorder", None)]);
    staff(&shop, "POST", "/products/recorder/archive", Value::Null).await;
    assert_eq!(seen("").await, []);
    let flow = json!({ "flow": "members_only" });
    assert_eq!(staff(&shop, "PATCH", "/settings", flow).await.status, 200);
    assert_eq!(shop.get("/v1/products?category=audio", "").await.status, 401);
}

#[tokio::test]
async fn a_list_is_walked_to_its_end_in_every_order() {
    let shop = Shop::open_with(hiding(Visibility::default())).await;
    for number in 0..7_u64 {
        let mut body = product(&format!("Tool {}", number % 3));
        if number % 2 == 1 {
            body["visibility"] = json!({ "price": "member" });
        }
        sell(&shop, &format!("tool-{number}"), number / 2 * 10, body).await;
    }
    for (sort, expected) in [
        ("newest", [6, 5, 4, 3, 2, 1, 0]),
        ("title", [0, 3, 6, 1, 4, 2, 5]),
        // The odd ones' prices are hidden: they come last, newest first.
        ("price", [0, 2, 4, 6, 5, 3, 1]),
        ("-price", [6, 4, 2, 0, 5, 3, 1]),
    ] {
        let expected: Vec<String> =
            expected.iter().map(|number| format!("tool-{number}")).collect();
        for limit in 1..=8 {
            let mut path = format!("/v1/products?q=tool&category=audio&sort={sort}&limit={limit}");
            let base = path.clone();
            let mut got = Vec::new();
            loop {
                let page = shop.get(&path, "").await;
                got.extend(slugs(&page));
                let Some(next) = page.json["next"].as_str() else { break };
                path = format!("{base}&after={next}");
            }
            assert_eq!(got, expected, "{sort} {limit}");
        }
    }
    let page = shop.get("/v1/products?sort=price&limit=1", "").await;
    let next = page.at("/next");
    for other in ["sort=title", "sort=price&q=tool", "sort=price&tag=wav"] {
        let answer = shop.get(&format!("/v1/products?{other}&after={next}"), "").await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (404, "after"), "{other}");
    }
}

#[tokio::test]
async fn any_question_is_answered() {
    let shop = Shop::open().await;
    sell(&shop, "tool", 100, product("Tool")).await;
    for q in ["%22", "*", "%27%27", "a%20OR%20b", "NEAR(", "%F0%9F%A6%80", "(((", "-", "words:tool"]
    {
        let answer = shop.get(&format!("/v1/products?q={q}&category={q}"), "").await;
        assert_eq!(answer.status, 200, "{q}: {answer:?}");
    }
    for q in ["", "%20", "too", "TOOL", "t%C3%B6ol", "tool%20abo", "wav", "audio"] {
        assert_eq!(slugs(&shop.get(&format!("/v1/products?q={q}"), "").await), ["tool"], "{q}");
    }
    for q in ["categories", "tags", "abo%20tool", "---", "ool"] {
        assert_eq!(slugs(&shop.get(&format!("/v1/products?q={q}"), "").await), [""; 0], "{q}");
    }
    for (query, field) in [
        ("kind=boat", "kind"),
        ("sort=random", "sort"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("after=x", "after"),
    ] {
        let answer = shop.get(&format!("/v1/products?{query}"), "").await;
        // A cursor that nobody gave out names no page.
        let status = if field == "after" { 404 } else { 400 };
        assert_eq!((answer.status, answer.at("/errors/0/field")), (status, field), "{answer:?}");
    }
    let unknown = shop.get("/v1/products?colour=red", "").await;
    assert_eq!((unknown.status, unknown.code()), (400, "unknown_field"));
}
