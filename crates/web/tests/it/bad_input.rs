//! Whatever comes in is answered with a problem that names the field, and changes nothing.

use axum::body::Body;
use http::Request;
use scrip_domain::staff::StaffRole;
use scrip_testkit::{Answer, Browser, Shop};
use serde_json::{Value, json};

/// Sends bytes as they are, as the holder of `bearer`.
async fn send(shop: &Shop, method: &str, path: &str, bearer: &str, body: &[u8]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !bearer.is_empty() {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    let request = request
        .header("idempotency-key", "key")
        .header("content-type", "application/json")
        .body(Body::from(body.to_vec()));
    shop.raw(request.unwrap()).await
}

/// Everything that a buyer's wallet and history say.
async fn state(shop: &Shop, bearer: &str) -> [Value; 5] {
    let mut all = [const { Value::Null }; 5];
    let paths = [
        "/v1/account",
        "/v1/wallet",
        "/v1/wallet/transfers?limit=100",
        "/v1/orders?limit=100",
        "/v1/licenses?limit=100",
    ];
    for (value, path) in all.iter_mut().zip(paths) {
        *value = shop.get(path, bearer).await.json;
    }
    all
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, field: &str, what: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{what}: {answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    assert!(answer.header("x-request-id").starts_with("req_"), "{what}");
    assert_eq!(answer.at("/request_id"), answer.header("x-request-id"), "{what}");
    assert_eq!(answer.at("/type"), format!("/problems/{code}"), "{what}");
    assert_eq!(answer.at("/errors/0/field"), field, "{what}: {answer:?}");
}

#[tokio::test]
async fn bodies_that_are_no_json_or_not_the_one_asked_for() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let before = state(&shop, &ada).await;
    let total = r#""expected_total":{"amount":250,"unit":"AUR"}"#;
    let line = format!(r#"{{"offer":"{offer}"}}"#);
    let deep = "[".repeat(50_000);
    let cases = [
        ("{".to_owned(), "malformed", ""),
        (String::new(), "malformed", ""),
        ("{} {}".to_owned(), "malformed", ""),
        (format!("\u{feff}{{\"lines\":[{line}],{total}}}"), "malformed", ""),
        (format!(r#"{{"lines":[{line}],{total},}}"#), "malformed", ""),
        (r#"{"lines":[{"offer":"\ud800"}]}"#.to_owned(), "malformed", ""),
        (deep.clone(), "malformed", ""),
        (format!(r#"{{"lines":{deep}"#), "malformed", ""),
        ("null".to_owned(), "invalid_field", "."),
        (r#""lines""#.to_owned(), "invalid_field", "."),
        (format!(r#"[[{line}],{{"amount":250,"unit":"AUR"}}]"#), "invalid_field", "."),
        (format!(r#"{{"lines":[["{offer}",1]],{total}}}"#), "invalid_field", "lines[0]"),
        (format!(r#"{{"lines":{line},{total}}}"#), "invalid_field", "lines"),
        (format!(r#"{{"lines":null,{total}}}"#), "invalid_field", "lines"),
        (
            format!(r#"{{"lines":[{line}],"expected_total":[250,"AUR"]}}"#),
            "invalid_field",
            "expected_total",
        ),
        (format!(r#"{{"lines":[{line}]}}"#), "invalid_field", "expected_total"),
        (format!(r#"{{"lines":[],"lines":[{line}],{total}}}"#), "invalid_field", "lines"),
        (format!(r#"{{"lines":[{line}],{total},{total}}}"#), "invalid_field", "expected_total"),
        (
            format!(r#"{{"lines":[{{"offer":"{offer}","offer":"{offer}"}}],{total}}}"#),
            "invalid_field",
            "lines[0].offer",
        ),
        (format!(r#"{{"lines":[{line}],{total},"Lines":[]}}"#), "unknown_field", "Lines"),
        (
            format!(r#"{{"lines":[{{"offer":"{offer}","a\u0000":1}}],{total}}}"#),
            "unknown_field",
            "lines[0].a\0",
        ),
        (
            format!(r#"{{"lines":[{{"offer":"{offer}\u0000"}}],{total}}}"#),
            "invalid_field",
            "lines[0].offer",
        ),
        (
            format!(r#"{{"lines":[{line}],{total},"allow_duplicate":"true"}}"#),
            "invalid_field",
            "allow_duplicate",
        ),
    ];
    for (body, code, field) in &cases {
        let answer = send(&shop, "POST", "/v1/purchases", &ada, body.as_bytes()).await;
        refused(&answer, 400, code, field, body);
        for secret in ["struct", "u32", "u64", "sequence", "map", "unit", "string", "integer"] {
            assert!(!answer.at("/detail").contains(secret), "{body}: {}", answer.at("/detail"));
        }
    }
    let no_text = send(&shop, "POST", "/v1/purchases", &ada, b"{\"lines\":\"\xff\"}").await;
    refused(&no_text, 400, "malformed", "", "bytes that are no UTF-8");
    assert_eq!(state(&shop, &ada).await, before);
}

#[tokio::test]
async fn amounts_of_a_purchase_are_whole_numbers_of_the_right_unit() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let before = state(&shop, &ada).await;
    let amount = |amount: &str| {
        let lines = format!(r#"[{{"offer":"{offer}"}}]"#);
        format!(r#"{{"lines":{lines},"expected_total":{{"amount":{amount},"unit":"AUR"}}}}"#)
    };
    for number in [
        "250.0",
        "2.5e2",
        "25e1",
        "-250",
        "-0",
        "\"250\"",
        "null",
        "true",
        "[250]",
        "1000000000000001",
        "18446744073709551616",
        "1e400",
    ] {
        let answer = send(&shop, "POST", "/v1/purchases", &ada, amount(number).as_bytes()).await;
        let out_of_range = number == "1e400";
        let (code, field) = if out_of_range {
            ("malformed", "")
        } else {
            ("invalid_field", "expected_total.amount")
        };
        refused(&answer, 400, code, field, number);
    }
    for number in ["0250", "+250", "0xfa", "250_0", ".5"] {
        let answer = send(&shop, "POST", "/v1/purchases", &ada, amount(number).as_bytes()).await;
        refused(&answer, 400, "malformed", "", number);
    }
    for unit in ["EUR", "aur", "", "AUR ", "AU", "AUR\\u0000"] {
        let body = amount("250").replace(r#""unit":"AUR""#, &format!(r#""unit":"{unit}""#));
        let answer = send(&shop, "POST", "/v1/purchases", &ada, body.as_bytes()).await;
        refused(&answer, 400, "invalid_field", "expected_total.unit", unit);
    }
    assert_eq!(state(&shop, &ada).await, before);
}

#[tokio::test]
async fn names_in_paths_and_queries_that_are_no_names() {
    let shop = Shop::open().await;
    shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    for name in ["%00", "tuning%00", "%ff", "%c3%28", "..%2f..%2ftuning", "a%2Fb", "TUNING", "%20"]
    {
        let shop = &shop;
        let asked = async |method, path: String, bearer| {
            let answer = shop.send(method, &path, &[("authorization", bearer)], Value::Null).await;
            refused(&answer, 404, "not_found", "", &path);
        };
        let (own, staff) = (format!("Bearer {ada}"), format!("Bearer {}", shop.admin));
        asked("GET", format!("/v1/products/{name}"), &own).await;
        asked("GET", format!("/v1/orders/{name}"), &own).await;
        asked("POST", format!("/v1/orders/{name}/cancel"), &own).await;
        asked("GET", format!("/v1/licenses/{name}"), &own).await;
        asked("GET", format!("/v1/top-ups/{name}"), &own).await;
        asked("GET", format!("/v1/downloads/{name}"), "License x").await;
        asked("GET", format!("/v1/admin/products/{name}"), &staff).await;
        asked("POST", format!("/v1/admin/products/{name}/publish"), &staff).await;
        asked("DELETE", format!("/v1/admin/products/tuning/offers/{name}"), &staff).await;
        asked("POST", format!("/v1/admin/accounts/{name}/freeze"), &staff).await;
    }
    for (path, field) in [
        ("/v1/products?limit=1&limit=2", "limit"),
        ("/v1/products?sort=x", "sort"),
        ("/v1/products?kind=%00", "kind"),
        ("/v1/orders?limit=1&limit=1", "limit"),
        ("/v1/products/tuning?mbps=NaN", "mbps"),
        ("/v1/products/tuning?mbps=1&mbps=1", "mbps"),
    ] {
        refused(&shop.get(path, &ada).await, 400, "invalid_field", field, path);
    }
    for field in ["q", "category", "tag"] {
        let path = format!("/v1/products?{field}=%ff%00");
        refused(&shop.get(&path, &ada).await, 400, "invalid_field", field, &path);
    }
    let path = "/v1/admin/accounts?email=ada%40example.com%00";
    refused(&shop.get(path, &shop.admin).await, 400, "invalid_field", "email", path);
    for email in ["ada", "%ff"] {
        let answer = shop.get(&format!("/v1/admin/accounts?email={email}"), &shop.admin).await;
        assert_eq!((answer.status, &answer.json["data"]), (200, &json!([])), "{email}");
    }
}

#[tokio::test]
async fn people_s_words_have_bounds() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let before = state(&shop, &ada).await;
    let authorization = format!("Bearer {ada}");
    let change = async |body: Value| {
        shop.send("PATCH", "/v1/account", &[("authorization", &authorization)], body).await
    };
    for (field, text) in [
        ("name", "a\nb".to_owned()),
        ("name", "a\u{0}".to_owned()),
        ("name", "a\u{85}b".to_owned()),
        ("name", " \t ".to_owned()),
        ("name", "a".repeat(201)),
        ("address", "a\u{7}b".to_owned()),
        ("address", "a".repeat(501)),
        ("phone", "1\n2".to_owned()),
        ("phone", "1".repeat(41)),
    ] {
        refused(&change(json!({ field: text })).await, 400, "invalid_field", field, &text);
    }
    assert_eq!(state(&shop, &ada).await, before);
    let address = change(json!({ "address": "1 High Street\nOxford" })).await;
    assert_eq!((address.status, address.at("/address")), (200, "1 High Street\nOxford"));

    let sign_in = async |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        let answer = shop.post("/v1/sessions", "", "", body).await;
        (answer.status, answer.code().to_owned(), answer.at("/detail").to_owned())
    };
    let wrong = sign_in("ada@example.com", "wrong horse").await;
    assert_eq!((wrong.0, wrong.1.as_str()), (401, "invalid_credentials"));
    for email in ["ada@example.com\0", "\0", "ada", "", &format!("{}@b.example", "a".repeat(300))] {
        assert_eq!(sign_in(email, "correct horse").await, wrong, "{email:?}");
    }
    assert_eq!(sign_in("ada@example.com", "correct horse\0").await, wrong);
    assert_eq!(sign_in("ada@example.com", &"a".repeat(201)).await, wrong);
}

/// What a `kind`, a `policy` or a `source` chooses is read as strictly as all else, and what is wrong has its whole path.
#[tokio::test]
async fn what_is_wrong_below_a_tag_is_named() {
    let shop = Shop::open().await;
    shop.service("tuning", 250).await;
    let before = shop.get("/v1/admin/products/tuning", &shop.admin).await.json;
    let check = async |method: &str, path: &str, body: String, code: &str, field: &str| {
        let answer = send(&shop, method, path, &shop.admin, body.as_bytes()).await;
        refused(&answer, 400, code, field, &body);
    };
    for (terms, code, field) in [
        (r#"{"kind":"rental","seconds":"30","from":"purchase"}"#, "invalid_field", "seconds"),
        (r#"{"kind":"rental","seconds":30,"from":"today"}"#, "invalid_field", "from"),
        (r#"{"kind":"rental","seconds":30}"#, "invalid_field", "from"),
        (r#"{"kind":"uses"}"#, "invalid_field", "count"),
        (r#"{"kind":"uses","count":1,"seconds":1}"#, "unknown_field", "seconds"),
        (r#"{"kind":"processings","count":1,"unit":"A b"}"#, "invalid_field", "unit"),
        (r#"{"kind":"trial","seconds":-1}"#, "invalid_field", "seconds"),
        (r#"{"kind":"perpetual","unit":"images"}"#, "unknown_field", "unit"),
        (r#"{"kind":"perpetual","bogus":1}"#, "unknown_field", "bogus"),
        (r#"{"kind":"for_ever"}"#, "invalid_field", "kind"),
        ("{}", "invalid_field", "kind"),
    ] {
        let path = "/v1/admin/products/tuning/offers/two";
        let body = format!(r#"{{"price":{{"amount":1,"unit":"AUR"}},"terms":{terms}}}"#);
        check("PUT", path, body, code, &format!("terms.{field}")).await;
    }
    for (threshold, code, field) in [
        (
            r#"{"policy":"fixed","amount":{"amount":"5","unit":"AUR"}}"#,
            "invalid_field",
            "amount.amount",
        ),
        (r#"{"policy":"fixed"}"#, "invalid_field", "amount"),
        (
            r#"{"policy":"cheapest_offer","amount":{"amount":5,"unit":"AUR"}}"#,
            "unknown_field",
            "amount",
        ),
        (r#"{"policy":"none"}"#, "invalid_field", "policy"),
    ] {
        let body = format!(r#"{{"threshold":{threshold}}}"#);
        check("PATCH", "/v1/admin/settings", body, code, &format!("threshold.{field}")).await;
    }
    for (cycle, code, field) in [
        (r#"{"kind":"days","days":"30"}"#, "invalid_field", "days"),
        (r#"{"kind":"days"}"#, "invalid_field", "days"),
        (r#"{"kind":"each","days":30}"#, "unknown_field", "days"),
    ] {
        let body = format!(r#"{{"terms":{{"cycle":{cycle}}}}}"#);
        check("POST", "/v1/admin/agreements", body, code, &format!("terms.cycle.{field}")).await;
    }
    assert_eq!(shop.get("/v1/admin/products/tuning", &shop.admin).await.json, before);
}

/// What is no id at all is a wrong field, and not something that is missing.
#[tokio::test]
async fn what_is_no_id_is_a_wrong_field() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let quote = json!({ "partner": "x", "give": { "amount": 1, "unit": "AUR" } });
    let quote = shop.post("/v1/exchange-quotes", &ada, "", quote).await;
    refused(&quote, 400, "invalid_field", "partner", "a quote");
    let taken = shop.post("/v1/exchanges", &ada, "key", json!({ "quote": "x" })).await;
    refused(&taken, 400, "invalid_field", "quote", "an exchange");
}

/// A query or a body where none is taken would be believed to do something.
#[tokio::test]
async fn what_no_operation_asked_for_is_refused() {
    let shop = Shop::open().await;
    let document = shop.get("/openapi.json", "").await.json;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let lenient = ["server", "servers", "hooks", "updates"].map(|tag| json!([tag]));
            if lenient.contains(&operation["tags"]) {
                continue;
            }
            let path = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            let method = method.to_uppercase();
            let parameters = operation["parameters"].as_array();
            if !parameters.into_iter().flatten().any(|parameter| parameter["in"] == "query") {
                let answer = send(&shop, &method, &format!("{path}?bogus=1"), "", b"").await;
                let code = if method == "HEAD" { "" } else { "unknown_field" };
                assert_eq!((answer.status, answer.code()), (400, code), "{method} {path}");
            }
            if operation["requestBody"].is_null() && method != "HEAD" {
                let answer = send(&shop, &method, &path, "", br#"{"bogus":1}"#).await;
                refused(&answer, 400, "unknown_field", "bogus", &format!("{method} {path}"));
            }
        }
    }
    let ada = shop.buyer("ada@example.com", 0).await;
    for body in ["this is not json", "[]", "1", &"[".repeat(70_000)] {
        let answer = send(&shop, "GET", "/v1/account", &ada, body.as_bytes()).await;
        refused(&answer, 400, "unknown_field", ".", body);
    }
    for (path, body) in [
        ("/v1/account", "{}"),
        ("/v1/account", "null"),
        ("/v1/account", " \n"),
        ("/v1/account?", ""),
    ] {
        let answer = send(&shop, "GET", path, &ada, body.as_bytes()).await;
        assert_eq!(answer.status, 200, "{path} {body:?}");
    }
    for path in ["/healthz?probe=1", "/openapi.json?v=2"] {
        assert_eq!(shop.get(path, "").await.status, 200, "{path}");
    }
    let updater = shop.get("/v1/updates/none/latest.yml?noCache=1k8lrk573", "").await;
    assert_eq!(updater.code(), "invalid_credentials", "updaters add words of their own");
}

/// Where a body need not be sent, one that is sent is read as strictly as others.
#[tokio::test]
async fn what_an_account_is_frozen_for_goes_on_record() {
    let shop = Shop::open().await;
    shop.buyer("ada@example.com", 0).await;
    let staff = shop.admin.clone();
    let account = shop.get("/v1/admin/accounts", &staff).await.at("/data/0/id").to_owned();
    for (verb, reason) in [("freeze", "The card was stolen"), ("thaw", "It was found again")] {
        let path = format!("/v1/admin/accounts/{account}/{verb}");
        let more = json!({ "reason": reason, "bogus": 1 });
        refused(&shop.post(&path, &staff, "", more).await, 400, "unknown_field", "bogus", verb);
        let empty = shop.post(&path, &staff, "", json!({ "reason": " " })).await;
        refused(&empty, 400, "invalid_field", "reason", verb);
        let answer = send(&shop, "POST", &path, &staff, b"this is not json").await;
        assert_eq!((answer.status, answer.code()), (400, "malformed"), "{verb}");
        let done = shop.post(&path, &staff, "", json!({ "reason": reason })).await;
        assert_eq!((done.status, done.json["frozen_at"].is_null()), (200, verb == "thaw"));
        let record = shop.get("/v1/admin/audit?limit=1", &staff).await;
        assert_eq!(record.json["data"][0]["changes"]["reason"]["to"], reason, "{record:?}");
        assert_eq!(send(&shop, "POST", &path, &staff, b"null").await.status, 200, "{verb}");
    }
}

#[tokio::test]
async fn an_idempotency_key_is_one_visible_word() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let before = state(&shop, &ada).await;
    let body = json!({ "tokens": { "amount": 5, "unit": "AUR" }, "method": "demo" }).to_string();
    let long = "k".repeat(129);
    for keys in [&["a b"][..], &[""], &["a\tb"], &["caf\u{e9}"], &[&long], &["a", "b"], &["a", "a"]]
    {
        let mut request = Request::post("/v1/top-ups")
            .header("authorization", format!("Bearer {ada}"))
            .header("content-type", "application/json");
        for key in keys {
            request = request.header("idempotency-key", key.as_bytes());
        }
        let answer = shop.raw(request.body(Body::from(body.clone())).unwrap()).await;
        refused(&answer, 400, "invalid_field", "Idempotency-Key", &keys.join(" and "));
    }
    assert_eq!(state(&shop, &ada).await, before);
}

#[tokio::test]
async fn settings_keep_their_bounds_and_no_change_is_lost() {
    let shop = Shop::open().await;
    let authorization = format!("Bearer {}", shop.admin);
    let staff = [("authorization", authorization.as_str())];
    let before = shop.get("/v1/admin/settings", &shop.admin).await.json;
    let change = async |body: &str| {
        send(&shop, "PATCH", "/v1/admin/settings", &shop.admin, body.as_bytes()).await
    };
    for (body, code, field) in [
        (r#"{"name":""}"#, "invalid_field", "name"),
        (r#"{"name":"a\u0000b"}"#, "invalid_field", "name"),
        (r#"{"name":"a","name":"b"}"#, "invalid_field", "name"),
        (r#"{"terms_version":"\n"}"#, "invalid_field", "terms_version"),
        (r#"{"look":{"accent":"red"}}"#, "invalid_field", "look.accent"),
        (r##"{"look":{"accent":"#12345"}}"##, "invalid_field", "look.accent"),
        (r#"{"look":{"time_zone":"Europe/Aurora"}}"#, "invalid_field", "look.time_zone"),
        (r#"{"look":{"tagline":"a\nb"}}"#, "invalid_field", "look.tagline"),
        (
            r#"{"look":{"logo":{"object":"x","media_type":"image/png"}}}"#,
            "invalid_field",
            "look.logo.object",
        ),
        (r#"{"look":{"colour":"red"}}"#, "unknown_field", "look.colour"),
        (r#"{"flow":"sideways"}"#, "invalid_field", "flow"),
        (r#"{"visibility":{"price":"rich"}}"#, "invalid_field", "visibility.price"),
        (r#"{"visibility":[]}"#, "invalid_field", "visibility"),
        (r#"{"registration":["shoe_size"]}"#, "invalid_field", "registration[0]"),
        (r#"{"token":null}"#, "invalid_field", "token"),
        (r#"{"colour":"red"}"#, "unknown_field", "colour"),
    ] {
        refused(&change(body).await, 400, code, field, body);
    }
    assert_eq!(shop.get("/v1/admin/settings", &shop.admin).await.json, before);
    let one = shop.send("PATCH", "/v1/admin/settings", &staff, json!({ "name": "One" }));
    let two = shop.send("PATCH", "/v1/admin/settings", &staff, json!({ "terms_version": "2" }));
    let (one, two) = futures_util::future::join(one, two).await;
    assert_eq!((one.status, two.status), (200, 200));
    let after = shop.get("/v1/admin/settings", &shop.admin).await;
    assert_eq!((after.at("/name"), after.at("/terms_version")), ("One", "2"));
}

#[tokio::test]
async fn only_who_sits_at_the_console_sends_long_forms() {
    let shop = Shop::open().await;
    let long = "x".repeat(100_000);
    let fields =
        [("slug", "tool"), ("title", "Tool"), ("kind", "download"), ("description", &long)];
    let nobody = Browser::on(&shop).send("/admin/new-product", &fields).await;
    assert_eq!(nobody.location(), "/admin/sign-in?lost=true", "whoever it is comes first");
    let (mut clerk, _) = shop.clerk(StaffRole::Owner).await;
    let page = clerk.send("/admin/new-product", &fields).await;
    assert_ne!(page.status, 413, "{}", page.html);
    assert_eq!(Browser::on(&shop).send("/language", &[("language", &long)]).await.status, 413);
}

#[tokio::test]
async fn a_form_that_no_page_made_is_refused() {
    let shop = Shop::open().await;
    shop.buyer("ada@example.com", 0).await;
    let form = "application/x-www-form-urlencoded";
    let filled = "email=ada%40example.com&password=correct+horse";
    let long = format!("{filled}&next={}", "x".repeat(64 << 10));
    for (media_type, body, status) in [
        ("application/X-www-form-urlencoded; charset=UTF-8", filled, 303),
        ("text/plain", filled, 400),
        (form, "email=ada%40example.com", 400),
        (form, long.as_str(), 413),
    ] {
        let request = Request::post("/sign-in")
            .header("host", "shop.test")
            .header("sec-fetch-site", "same-origin")
            .header("content-type", media_type);
        let answer = shop.raw(request.body(body.to_owned().into()).unwrap()).await;
        assert_eq!(answer.status, status, "{media_type}: {} bytes", body.len());
    }
}
