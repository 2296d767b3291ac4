//! Quotes, drafts, confirming, buying in one step, history, codes.

use scrip_domain::Span;
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

use crate::license_changes::{self, month};

async fn bought(shop: &Shop, who: &str, key: &str, lines: Value, total: u64) -> Answer {
    let paid = license_changes::buy(shop, who, key, lines, total).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    paid
}

fn buy(offer: &str, total: u64) -> Value {
    json!({ "lines": [{ "offer": offer }], "expected_total": { "amount": total, "unit": "AUR" } })
}

#[tokio::test]
async fn a_purchase_is_paid_delivered_and_the_same_again() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = shop.post("/v1/purchases", &ada, "k1", buy(&offer, 250)).await;
    assert_eq!((paid.status, paid.at("/state")), (201, "paid"), "{paid:?}");
    assert_eq!(paid.at("/confirmation/balance_after/display"), "7.50 AUR");
    assert_eq!(paid.at("/lines/0/paid_from/0/amount/display"), "2.50 AUR");
    assert_eq!(paid.json["checks"].as_array().map(Vec::len), Some(2));

    let again = shop.post("/v1/purchases", &ada, "k1", buy(&offer, 250)).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.json, paid.json, "the same request gives the same answer, codes included");
    assert_eq!(shop.get("/v1/wallet", &ada).await.at("/available/display"), "7.50 AUR");

    let order = shop.get(&format!("/v1/orders/{}", paid.at("/id")), &ada).await;
    assert_eq!(order.json, paid.json, "history says everything that the confirmation said");
    let orders = shop.get("/v1/orders", &ada).await;
    assert_eq!(orders.json["data"], json!([paid.json]));
    let library = shop.get("/v1/licenses", &ada).await;
    let (mut shown, told) = (library.json["data"][0].clone(), &paid.json["licenses"][0]);
    for more in ["unit", "left", "used", "leased", "machines"] {
        assert!(
            shown.as_object_mut().unwrap().remove(more).is_some(),
            "how much it is used: {more}"
        );
    }
    assert_eq!(&shown, told, "and else what the confirmation said");

    for code in ["/licenses/0/code/jws", "/licenses/0/code/short"] {
        let verdict =
            shop.post("/v1/licenses/validate", "", "", json!({ "code": paid.at(code) })).await;
        assert_eq!((verdict.at("/code"), verdict.json["valid"].as_bool()), ("VALID", Some(true)));
    }
    let eve = shop.buyer("eve@example.com", 0).await;
    assert_eq!(shop.get(&format!("/v1/orders/{}", paid.at("/id")), &eve).await.status, 404);
}

/// What a webhook or an event names the vendor's own programs can read, without what is its holder's alone.
#[tokio::test]
async fn the_vendors_staff_reads_an_order_without_its_codes() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = shop.post("/v1/purchases", &ada, "k1", buy(&offer, 250)).await;
    let path = format!("/v1/orders/{}", paid.at("/id"));
    let read = shop.get(&path, &shop.admin).await;
    let mut expected = paid.json.clone();
    expected["licenses"][0].as_object_mut().unwrap().remove("code").unwrap();
    assert_eq!((read.status, &read.json), (200, &expected));
    let receipt = shop.get(&format!("{path}/receipt"), &shop.admin).await;
    assert_eq!((receipt.status, &receipt.json["order"]), (200, &expected), "{receipt:?}");
    let own = shop.get(&format!("{path}/receipt"), &ada).await;
    assert_eq!((&own.json["number"], &own.json["order"]), (&receipt.json["number"], &paid.json));
    let scopes = vec![scrip_domain::api_key::Scope::Catalog];
    let engine = &shop.app.engine;
    let key = engine.make_key(scrip_engine::Staff::OPERATOR, scopes, "goods".into()).await.unwrap();
    for path in [path.clone(), format!("{path}/receipt")] {
        assert_eq!(shop.get(&path, &key.token).await.code(), "forbidden", "{path}");
    }
    let cancel = shop.post(&format!("{path}/cancel"), &shop.admin, "", Value::Null).await;
    assert_eq!(cancel.code(), "forbidden", "and cannot change it so");
    shop.sound().await;
}

#[tokio::test]
async fn a_list_says_of_each_order_what_is_said_of_it_alone() {
    let shop = Shop::open().await;
    let (lamp, tides) =
        (shop.service("lamp", 250).await, shop.product("tides", 100, month()).await);
    let ada = shop.buyer("ada@example.com", 5000).await;
    let both = json!([{ "offer": lamp, "quantity": 2 }, { "offer": tides }]);
    let first = bought(&shop, &ada, "k1", both, 600).await;
    let license = first.json["licenses"].as_array().unwrap().last().unwrap()["id"].clone();
    let more = json!([{ "offer": tides, "license": license, "quantity": 2 }, { "offer": tides }]);
    let more = bought(&shop, &ada, "k2", more, 300).await;
    let back = bought(&shop, &ada, "k3", json!([{ "offer": tides, "quantity": 3 }]), 300).await;
    let whole = bought(&shop, &ada, "k4", json!([{ "offer": tides }]), 100).await;
    let part = json!({ "reason": "one too many", "lines": [{ "line": back.at("/lines/0/id"), "quantity": 1 }] });
    let all = json!({ "reason": "does not start" });
    for (order, key, body) in
        [(&back, "r1", part.clone()), (&back, "r2", part), (&whole, "r3", all)]
    {
        let path = format!("/v1/admin/orders/{}/refunds", order.at("/id"));
        assert_eq!(shop.post(&path, &shop.admin, key, body).await.status, 201);
    }
    let draft = json!({ "lines": [{ "offer": tides }] });
    let draft = shop.post("/v1/orders", &ada, "d1", draft).await;
    let bob = shop.buyer("bob@example.com", 1000).await;
    bought(&shop, &bob, "k1", json!([{ "offer": lamp }]), 250).await;

    let listed = shop.get("/v1/orders", &ada).await.json["data"].clone();
    for (place, order) in [&draft, &whole, &back, &more, &first].into_iter().enumerate() {
        let alone = shop.get(&format!("/v1/orders/{}", order.at("/id")), &ada).await;
        assert_eq!(listed[place], alone.json);
    }
    assert_eq!((&listed[0], &listed[3]), (&draft.json, &more.json));
    assert_eq!(listed[4]["lines"], first.json["lines"], "and of a license that was extended since");
    let states = [0, 1, 2, 3].map(|place| listed[place]["state"].as_str().unwrap());
    assert_eq!(states, ["draft", "refunded", "partially_refunded", "paid"]);
    let count = |place: usize, what: &str| listed[place][what].as_array().map(Vec::len);
    assert_eq!((count(2, "refunds"), count(2, "licenses")), (Some(2), Some(3)));
    assert_eq!(
        (count(1, "refunds"), count(3, "extended"), count(4, "licenses")),
        (Some(1), Some(1), Some(3))
    );
    let export = shop.get("/v1/account/export", &ada).await;
    assert_eq!(export.json["orders"], listed, "and so does the export");
}

#[tokio::test]
async fn a_key_names_one_request_only() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let eve = shop.buyer("eve@example.com", 1000).await;
    assert_eq!(shop.post("/v1/purchases", &ada, "k1", buy(&offer, 250)).await.status, 201);
    let mut other = buy(&offer, 250);
    other["allow_duplicate"] = json!(true);
    assert_eq!(
        shop.post("/v1/purchases", &ada, "k1", other).await.code(),
        "idempotency_key_reused"
    );
    assert_eq!(
        shop.post("/v1/purchases", &eve, "k1", buy(&offer, 250)).await.status,
        201,
        "keys are per account"
    );
    assert_eq!(
        shop.post("/v1/purchases", &ada, "", buy(&offer, 250)).await.code(),
        "idempotency_key_missing"
    );
    let long = "k".repeat(129);
    assert_eq!(
        shop.post("/v1/purchases", &ada, &long, buy(&offer, 250)).await.code(),
        "invalid_field"
    );
    // The members of a JSON value have no order: spelled otherwise it is the same request.
    let respelled = format!(
        r#" {{ "expected_total" : {{"unit":"AUR", "amount": 250}}, "lines":[{{"offer":"{offer}"}}] }}"#
    );
    let request = http::Request::post("/v1/purchases")
        .header("authorization", format!("Bearer {ada}"))
        .header("idempotency-key", "k1")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(respelled))
        .expect("a request");
    assert_eq!(shop.raw(request).await.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn a_decline_is_on_record_charges_nothing_and_repeats() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 249).await;
    let first = shop.post("/v1/purchases", &ada, "k1", buy(&offer, 250)).await;
    assert_eq!((first.status, first.code()), (402, "insufficient_balance"), "{first:?}");
    assert_eq!(first.at("/shortfall/display"), "0.01 AUR");
    let order = first.at("/order").to_owned();
    let record = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    assert_eq!((record.at("/state"), record.at("/reason")), ("declined", "insufficient_balance"));

    let fund = json!({ "tokens": { "amount": 1, "unit": "AUR" }, "method": "demo" });
    assert_eq!(shop.post("/v1/top-ups", &ada, "t1", fund).await.status, 201);
    let again = shop.post("/v1/purchases", &ada, "k1", buy(&offer, 250)).await;
    assert_eq!(
        (again.status, again.header("idempotency-replayed")),
        (402, "true"),
        "its key is taken"
    );
    let confirmed = shop.post(&format!("/v1/orders/{order}/confirm"), &ada, "k2", json!({})).await;
    assert_eq!((confirmed.status, confirmed.at("/state")), (200, "paid"), "{confirmed:?}");
    let replay = shop.post("/v1/purchases", &ada, "k1", buy(&offer, 250)).await;
    assert_eq!(
        (replay.status, replay.at("/shortfall/display")),
        (402, "0.01 AUR"),
        "still the first answer"
    );
}

#[tokio::test]
async fn a_draft_holds_its_price_is_confirmed_cancelled_or_expires() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let body = json!({ "lines": [{ "offer": offer, "quantity": 2 }] });
    let draft = shop.post("/v1/orders", &ada, "d1", body.clone()).await;
    assert_eq!(
        (draft.status, draft.at("/state"), draft.at("/total/display")),
        (201, "draft", "5.00 AUR"),
        "{draft:?}"
    );
    let confirm = format!("/v1/orders/{}/confirm", draft.at("/id"));
    let bearer = format!("Bearer {ada}");
    let paid = shop.post(&confirm, &ada, "c1", json!({})).await;
    assert_eq!(
        (paid.status, paid.json["licenses"].as_array().map(Vec::len)),
        (200, Some(2)),
        "{paid:?}"
    );
    assert_eq!(shop.post(&confirm, &ada, "c1", json!({})).await.json, paid.json);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "c1")];
    let bare = shop.send("POST", &confirm, &headers, Value::Null).await;
    assert_eq!((bare.status, bare.json), (200, paid.json), "without a body it is the same request");
    assert_eq!(shop.post(&confirm, &ada, "c2", json!({})).await.code(), "order_not_draft");
    let replay = shop.post("/v1/orders", &ada, "d1", body.clone()).await;
    assert_eq!((replay.header("idempotency-replayed"), &replay.json), ("true", &draft.json));

    assert_eq!(shop.post("/v1/orders", &ada, "d2", body.clone()).await.code(), "already_owned");
    let mut insisted = body.clone();
    insisted["allow_duplicate"] = json!(true);
    let second = shop.post("/v1/orders", &ada, "d3", insisted.clone()).await;
    let cancel = format!("/v1/orders/{}/cancel", second.at("/id"));
    assert_eq!(shop.post(&cancel, &ada, "", Value::Null).await.at("/state"), "cancelled");
    assert_eq!(shop.post(&cancel, &ada, "", Value::Null).await.at("/state"), "cancelled");

    let third = shop.post("/v1/orders", &ada, "d4", insisted).await;
    shop.advance(Span::minutes(30)).await;
    let confirm = format!("/v1/orders/{}/confirm", third.at("/id"));
    assert_eq!(shop.post(&confirm, &ada, "c3", json!({})).await.code(), "order_expired");
    assert_eq!(
        shop.get(&format!("/v1/orders/{}", third.at("/id")), &ada).await.at("/state"),
        "expired"
    );
}

/// Each stays on record: so whoever has no tokens does not fill the books by asking.
#[tokio::test]
async fn who_is_declined_too_often_has_to_wait() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 249).await;
    let draft = shop.buyer("eve@example.com", 250).await;
    let try_it = async |who: &str, key: String| {
        shop.post("/v1/purchases", who, &key, buy(&offer, 250)).await
    };
    for n in 0..60 {
        let declined = try_it(&ada, format!("k{n}")).await;
        assert_eq!((declined.status, declined.code()), (402, "insufficient_balance"), "{n}");
        let again = try_it(&ada, format!("k{n}")).await;
        assert_eq!(
            again.header("idempotency-replayed"),
            "true",
            "an answer that was given counts nothing"
        );
    }
    assert_eq!(try_it(&ada, "k59".into()).await.header("idempotency-replayed"), "true");
    let waits = try_it(&ada, "k60".into()).await;
    assert_eq!((waits.status, waits.code()), (429, "rate_limited"), "{waits:?}");
    assert_eq!(waits.header("retry-after"), "600");
    let orders = shop.get("/v1/orders?limit=100", &ada).await;
    assert_eq!(orders.json["data"].as_array().map(Vec::len), Some(60), "nothing more is on record");
    let body = json!({ "lines": [{ "offer": offer }] });
    let order = orders.at("/data/0/id").to_owned();
    let confirm = shop.post(&format!("/v1/orders/{order}/confirm"), &ada, "c1", json!({})).await;
    assert_eq!(
        confirm.code(),
        "rate_limited",
        "a declined order is not confirmed without end either"
    );
    assert_eq!(try_it(&draft, "k1".into()).await.status, 201, "others buy");
    assert_eq!(shop.post("/v1/quotes", &ada, "", body).await.status, 200);

    shop.advance(Span::minutes(10)).await;
    assert_eq!(try_it(&ada, "k61".into()).await.status, 402);
    for n in 62..121 {
        try_it(&ada, format!("k{n}")).await;
    }
    assert_eq!(try_it(&ada, "k121".into()).await.status, 429);
    let fund = json!({ "tokens": { "amount": 1, "unit": "AUR" }, "method": "demo" });
    assert_eq!(shop.post("/v1/top-ups", &ada, "t1", fund).await.status, 201);
    assert_eq!(try_it(&ada, "k122".into()).await.status, 201, "who can pay does not wait");
}

#[tokio::test]
async fn nobody_is_asked_for_funds_for_what_they_own() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 250).await;
    assert_eq!(shop.post("/v1/purchases", &ada, "k1", buy(&offer, 250)).await.status, 201);
    let mut body = json!({ "lines": [{ "offer": offer }] });
    assert_eq!(shop.post("/v1/orders", &ada, "k2", body.clone()).await.code(), "already_owned");
    body["allow_duplicate"] = json!(true);
    assert_eq!(shop.post("/v1/orders", &ada, "k3", body).await.code(), "insufficient_balance");
}

#[tokio::test]
async fn what_is_owned_for_good_is_not_sold_twice_by_accident() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let uses = shop.product("uses", 10, scrip_license::Terms::Uses { count: 5 }).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    assert_eq!(shop.post("/v1/purchases", &ada, "k1", buy(&offer, 250)).await.status, 201);
    let again = shop.post("/v1/purchases", &ada, "k2", buy(&offer, 250)).await;
    assert_eq!((again.status, again.code()), (409, "already_owned"));
    let mut insist = buy(&offer, 250);
    insist["allow_duplicate"] = json!(true);
    assert_eq!(
        shop.post("/v1/purchases", &ada, "k2", insist).await.status,
        201,
        "a refusal left the key free"
    );
    for key in ["u1", "u2"] {
        assert_eq!(shop.post("/v1/purchases", &ada, key, buy(&uses, 10)).await.status, 201);
    }
}

#[tokio::test]
async fn receipts_are_numbered_without_gaps() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 0).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let mut orders = Vec::new();
    for key in ["a", "b", "c"] {
        let mut body = buy(&offer, 0);
        body["allow_duplicate"] = json!(true);
        let paid = shop.post("/v1/purchases", &ada, key, body).await;
        assert_eq!(paid.status, 201, "what is free is bought like the rest: {paid:?}");
        orders.push(paid.at("/id").to_owned());
    }
    for (order, number) in [(&orders[2], 1), (&orders[0], 2), (&orders[2], 1), (&orders[1], 3)] {
        let receipt = shop.get(&format!("/v1/orders/{order}/receipt"), &ada).await;
        assert_eq!(receipt.json["number"], json!(number));
    }
}

#[tokio::test]
async fn selections_and_bodies_that_cannot_be_are_refused() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let lines = |lines: Value| json!({ "lines": lines });
    let many: Vec<Value> = (0..10_000).map(|_| json!({ "offer": offer })).collect();
    let cases = [
        (lines(json!([])), 400, "invalid_field", "lines"),
        (lines(json!([{ "offer": "ofr_0000000000009" }])), 409, "not_for_sale", "lines[0].offer"),
        (lines(json!([{ "offer": "prd_0000000000009" }])), 400, "invalid_field", "lines[0].offer"),
        (
            lines(json!([{ "offer": offer, "quantity": 0 }])),
            400,
            "invalid_field",
            "lines[0].quantity",
        ),
        (
            lines(json!([{ "offer": offer, "quantity": -1 }])),
            400,
            "invalid_field",
            "lines[0].quantity",
        ),
        (
            lines(json!([{ "offer": offer, "quantity": 1.5 }])),
            400,
            "invalid_field",
            "lines[0].quantity",
        ),
        (lines(json!([{ "offer": offer, "quantity": 101 }])), 400, "invalid_field", "lines"),
        (lines(json!([{ "offer": offer, "price": 1 }])), 400, "unknown_field", "lines[0].price"),
        (json!({ "lines": [{ "offer": offer }], "voucher": "X" }), 400, "unknown_field", "voucher"),
    ];
    for path in ["/v1/quotes", "/v1/orders"] {
        for (body, status, code, field) in &cases {
            let answer = shop.post(path, &ada, "k", body.clone()).await;
            let got = (answer.status, answer.code(), answer.at("/errors/0/field"));
            assert_eq!(got, (*status, *code, *field), "{path} {body}");
        }
        let huge = shop.post(path, &ada, "k", lines(json!(many))).await;
        assert_eq!((huge.status, huge.code()), (413, "too_large"));
    }
    let wrong_total = shop.post("/v1/purchases", &ada, "k", buy(&offer, 249)).await;
    assert_eq!((wrong_total.status, wrong_total.code()), (409, "price_changed"));
    assert_eq!(shop.get("/v1/wallet", &ada).await.at("/available/display"), "10.00 AUR");
    assert_eq!(shop.get("/v1/orders", &ada).await.json["data"], json!([]));
}

#[tokio::test]
async fn damaged_bodies_and_paths_get_a_clear_problem() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let send = async |content_type: &str, body: &str| {
        let request = http::Request::post("/v1/quotes")
            .header("authorization", format!("Bearer {ada}"))
            .header("content-type", content_type)
            .body(axum::body::Body::from(body.to_owned()))
            .expect("a request");
        let answer = shop.raw(request).await;
        assert_eq!(answer.header("content-type"), "application/problem+json");
        (answer.status, answer.code().to_owned())
    };
    assert_eq!(send("application/json", "{").await, (400, "malformed".into()));
    assert_eq!(send("application/json", "{} x").await, (400, "malformed".into()));
    assert_eq!(send("application/json", "").await, (400, "malformed".into()));
    assert_eq!(send("text/plain", "{}").await, (415, "unsupported_media_type".into()));
    assert_eq!(shop.get("/v1/orders/ord_zzz", &ada).await.code(), "not_found");
    assert_eq!(shop.get("/v1/nothing", &ada).await.code(), "not_found");
    let method = shop.send("PUT", "/v1/quotes", &[], Value::Null).await;
    assert_eq!(
        (method.status, method.code(), method.header("allow")),
        (405, "method_not_allowed", "POST")
    );
    assert_eq!(shop.get("/v1/orders?limit=0", &ada).await.code(), "invalid_field");
    assert_eq!(shop.get("/v1/orders?limit=x", &ada).await.code(), "invalid_field");
    assert_eq!(shop.get("/v1/orders?page=2", &ada).await.code(), "unknown_field");
    assert_eq!(shop.get("/v1/orders?after=forged", &ada).await.code(), "not_found");
}

#[tokio::test]
async fn a_vendors_key_lists_all_orders_by_state_or_account_and_never_a_code() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let (ada, bob) =
        (shop.buyer("ada@example.org", 1000).await, shop.buyer("bob@example.org", 1000).await);
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": { "amount": 250, "unit": "AUR" } });
    let paid = shop.post("/v1/purchases", &ada, "p", body).await;
    let draft = json!({ "lines": [{ "offer": offer }] });
    let draft = shop.post("/v1/orders", &bob, "d", draft).await;
    let list = async |query: &str| {
        let page = shop.get(&format!("/v1/admin/orders{query}"), &shop.admin).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(!String::from_utf8_lossy(&page.bytes).contains("\"jws\""), "{page:?}");
        let ids = page.json["data"].as_array().unwrap().iter();
        let ids = ids.map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        (ids, page.json["next"].clone(), page)
    };
    let (paid, draft) = (paid.at("/id").to_owned(), draft.at("/id").to_owned());
    let (all, next, page) = list("").await;
    assert_eq!((all, next), (vec![draft.clone(), paid.clone()], Value::Null));
    let bobs = page.at("/data/0/account").to_owned();
    assert_eq!(list(&format!("?account={bobs}")).await.0, [draft.as_str()]);
    assert_eq!(list("?state=paid").await.0, [paid.as_str()]);
    assert_eq!(list("?state=declined").await.0, [""; 0]);
    let (first, next, _) = list("?limit=1").await;
    assert_eq!(first, [draft.as_str()]);
    let after = next.as_str().unwrap();
    assert_eq!(list(&format!("?limit=1&after={after}")).await.0, [paid.as_str()]);
    // Of an account's page what is in the state, and the way to the next page even from none.
    let second = json!({ "lines": [{ "offer": offer }], "allow_duplicate": true });
    let second = shop.post("/v1/orders", &bob, "e", second).await.at("/id").to_owned();
    assert_eq!(list(&format!("?state=draft&account={bobs}")).await.0, [second.as_str(), &draft]);
    let (none, next, _) = list(&format!("?state=paid&account={bobs}&limit=1")).await;
    assert_eq!(none, [""; 0]);
    let query = format!("?state=paid&account={bobs}&limit=2&after={}", next.as_str().unwrap());
    assert_eq!(list(&query).await.1, Value::Null);
    for (query, field) in [("?state=lost", "state"), ("?account=bob", "account")] {
        let wrong = shop.get(&format!("/v1/admin/orders{query}"), &shop.admin).await;
        assert_eq!((wrong.status, wrong.at("/errors/0/field")), (400, field), "{wrong:?}");
    }
    assert_eq!(shop.get("/v1/admin/orders", &ada).await.status, 403);
    assert_eq!(shop.get("/v1/admin/orders", "").await.status, 401);
}
