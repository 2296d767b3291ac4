//! Accounts, sessions, wallet, top-ups.

use scrip_domain::Span;
use scrip_testkit::{Browser, Shop};
use serde_json::{Value, json};

fn ada() -> serde_json::Value {
    json!({ "email": "Ada@example.com", "password": "correct horse" })
}

#[tokio::test]
async fn nobody_keeps_an_account_s_own_browser_out_by_guessing() {
    let shop = Shop::open().await;
    shop.post("/v1/accounts", "", "", ada()).await;
    let right = [("email", "ada@example.com"), ("password", "correct horse")];
    let wrong = [("email", "ada@example.com"), ("password", "wrong horse")];
    let mut own = Browser::on(&shop);
    assert_eq!(own.send("/sign-in", &right).await.status, 303);
    own.send("/sign-out", &[]).await;
    let mut other = Browser::on(&shop);
    for _ in 0..10 {
        assert_ne!(other.send("/sign-in", &wrong).await.status, 429);
    }
    assert_eq!(other.send("/sign-in", &right).await.status, 429);
    assert_eq!(own.send("/sign-in", &right).await.status, 303, "its own tries are few");
    assert_eq!(other.send("/sign-in", &right).await.status, 429, "and free nobody else's");
    own.send("/sign-out", &[]).await;
    for _ in 0..10 {
        assert_ne!(own.send("/sign-in", &wrong).await.status, 429);
    }
    assert_eq!(
        own.send("/sign-in", &right).await.status,
        429,
        "whoever has it now guesses no more"
    );
}

#[tokio::test]
async fn a_server_that_cannot_write_asks_nobody_for_a_key() {
    let shop = Shop::open().await;
    // Its lease on ids is not renewed, as when the database is away: nothing is handed in.
    shop.clock.advance(Span::hours(1));
    let answer = shop.post("/v1/accounts", "", "", ada()).await;
    assert_eq!((answer.status, answer.code()), (503, "busy"), "{answer:?}");
    assert_eq!(answer.at("/detail"), "the server cannot answer just now: try again in a moment");
    let form = [("email", "ada@example.com"), ("password", "correct horse")];
    for (languages, told) in [
        ("en", "The server cannot answer just now"),
        ("de", "Der Server kann gerade nicht antworten"),
    ] {
        let page = Browser::on(&shop).reading(languages).send("/register", &form).await;
        assert_eq!(page.status, 503, "{}", page.html);
        assert!(page.html.contains(told), "{}", page.html);
    }
}

#[tokio::test]
async fn the_scope_accounts_is_for_accounts_and_no_more() {
    let shop = Shop::open().await;
    let account = shop.post("/v1/accounts", "", "", ada()).await.at("/account/id").to_owned();
    let scopes = vec![scrip_domain::api_key::Scope::Accounts];
    let made = shop.app.engine.make_key(scrip_engine::Staff::OPERATOR, scopes, "crm".into()).await;
    let key = made.unwrap().token;
    let path = format!("/v1/admin/accounts/{account}");
    assert_eq!(shop.get("/v1/admin/accounts", &key).await.at("/data/0/id"), account);
    assert_eq!(shop.get(&path, &key).await.at("/id"), account);
    let body = json!({ "tokens": { "amount": 5, "unit": "AUR" }, "reason": "sorry" });
    assert_eq!(shop.post(&format!("{path}/adjust"), &key, "k", body).await.status, 201);
    for verb in ["freeze", "thaw"] {
        assert_eq!(shop.post(&format!("{path}/{verb}"), &key, "", json!({})).await.status, 200);
    }
    let body = json!({ "reason": "why" });
    assert_eq!(shop.post(&format!("{path}/erase"), &key, "", body).await.code(), "forbidden");
    assert_eq!(shop.get("/v1/admin/settings", &key).await.code(), "forbidden");
}

#[tokio::test]
async fn a_stranger_becomes_a_buyer_and_signs_in_and_out() {
    let shop = Shop::open().await;
    let opened = shop.post("/v1/accounts", "", "", ada()).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    assert!(opened.header("x-request-id").starts_with("req_"));
    let token = opened.at("/token");
    let own = shop.get("/v1/account", token).await;
    assert_eq!(own.at("/email"), "Ada@example.com");
    assert_eq!(own.at("/standing"), "funded", "no offer has a price: the threshold is zero");

    let again = shop
        .post(
            "/v1/accounts",
            "",
            "",
            json!({ "email": "ada@EXAMPLE.com", "password": "other horse" }),
        )
        .await;
    assert_eq!((again.status, again.code()), (409, "email_taken"));

    let wrong = shop
        .post(
            "/v1/sessions",
            "",
            "",
            json!({ "email": "ada@example.com", "password": "wrong horse" }),
        )
        .await;
    let nobody = shop
        .post(
            "/v1/sessions",
            "",
            "",
            json!({ "email": "eve@example.com", "password": "wrong horse" }),
        )
        .await;
    assert_eq!((wrong.status, wrong.code()), (401, "invalid_credentials"));
    assert_eq!(
        wrong.at("/detail"),
        nobody.at("/detail"),
        "sign-in never tells which addresses exist"
    );

    let session = shop
        .post(
            "/v1/sessions",
            "",
            "",
            json!({ "email": "ada@example.com", "password": "correct horse" }),
        )
        .await;
    assert_eq!(session.status, 201);
    let token = session.at("/token");
    let out = shop
        .send(
            "DELETE",
            "/v1/sessions/current",
            &[("authorization", &format!("Bearer {token}"))],
            json!(null),
        )
        .await;
    assert_eq!(out.status, 204);
    assert_eq!(shop.get("/v1/account", token).await.code(), "invalid_credentials");
}

/// A key is no session: it goes on until whoever made it takes it back.
#[tokio::test]
async fn a_key_does_not_sign_out() {
    let shop = Shop::open().await;
    let bearer = format!("Bearer {}", shop.admin);
    let headers = [("authorization", bearer.as_str())];
    let refused = shop.send("DELETE", "/v1/sessions/current", &headers, Value::Null).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"), "{refused:?}");
    assert!(refused.at("/detail").contains("takes it back"), "{refused:?}");
    assert_eq!(shop.get("/v1/admin/accounts", &shop.admin).await.status, 200);
    let nobody = shop.send("DELETE", "/v1/sessions/current", &[], Value::Null).await;
    assert_eq!((nobody.status, nobody.code()), (401, "account_required"));
}

#[tokio::test]
async fn a_code_of_no_second_factor_is_not_looked_at() {
    let shop = Shop::open().await;
    assert_eq!(shop.post("/v1/accounts", "", "", ada()).await.status, 201);
    let mut body = ada();
    body["otp"] = Value::Null;
    assert_eq!(shop.post("/v1/sessions", "", "", body.clone()).await.status, 201);
    body["otp"] = json!("123456");
    assert_eq!(shop.post("/v1/sessions", "", "", body).await.status, 201);
}

#[tokio::test]
async fn sessions_end_and_guesses_are_throttled() {
    let shop = Shop::open().await;
    let token = shop.buyer("ada@example.com", 0).await;
    let guess = json!({ "email": "ada@example.com", "password": "guess" });
    for _ in 0..10 {
        assert_eq!(shop.post("/v1/sessions", "", "", guess.clone()).await.status, 401);
    }
    let waits = shop.post("/v1/sessions", "", "", guess).await;
    assert_eq!(
        (waits.status, waits.code(), waits.header("retry-after")),
        (429, "rate_limited", "300")
    );
    assert_eq!(
        (waits.header("ratelimit-remaining"), waits.header("ratelimit-reset")),
        ("0", "300")
    );
    shop.advance(Span::days(31)).await;
    assert_eq!(shop.get("/v1/account", &token).await.status, 401);
}

#[tokio::test]
async fn bad_registrations_name_the_field_and_change_nothing() {
    let shop = Shop::open().await;
    let cases = [
        (json!({ "email": "ada", "password": "correct horse" }), "invalid_field", "email"),
        (
            json!({ "email": "a@b.example\u{0}", "password": "correct horse" }),
            "invalid_field",
            "email",
        ),
        (json!({ "email": "ada@example.com", "password": "short" }), "invalid_field", "password"),
        (json!({ "email": "ada@example.com" }), "invalid_field", "password"),
        (json!({ "email": 7, "password": "correct horse" }), "invalid_field", "email"),
        (
            json!({ "email": "ada@example.com", "password": "correct horse", "admin": true }),
            "unknown_field",
            "admin",
        ),
        (
            json!({ "email": "ada@example.com", "password": "correct horse", "name": "a\u{7}b" }),
            "invalid_field",
            "name",
        ),
    ];
    for (body, code, field) in cases {
        let answer = shop.post("/v1/accounts", "", "", body.clone()).await;
        assert_eq!(
            (answer.status, answer.code(), answer.at("/errors/0/field")),
            (400, code, field),
            "{body}"
        );
    }
    let accounts = shop.get("/v1/admin/accounts", &shop.admin).await;
    assert_eq!(accounts.json["data"], json!([]));
}

#[tokio::test]
async fn a_page_of_accounts_has_of_each_what_its_own_page_has() {
    let shop = Shop::open().await;
    let mut all = Vec::new();
    for (name, tokens) in [("ada", 70), ("bob", 70), ("eve", 0)] {
        let token = shop.buyer(&format!("{name}@example.com"), tokens).await;
        let account = shop.get("/v1/account", &token).await;
        let id = account.at("/id").to_owned();
        // What one has, another lacks: tokens of a card that brought some, or was declined; a limit; a freeze; an address to come.
        let number = if name == "ada" { "demo_approved" } else { "demo_declined" };
        let card = json!({ "tokens": { "amount": 30, "unit": "AUR" }, "method": "demo", "payment_method": number });
        if name != "eve" {
            shop.post("/v1/top-ups", &token, "k1", card).await;
        }
        let path = format!("/v1/admin/accounts/{id}");
        if name == "bob" {
            let limit = json!({ "limit": { "amount": 500, "unit": "EUR" } });
            let bearer = format!("Bearer {}", shop.admin);
            let headers = [("authorization", bearer.as_str())];
            let set = shop.send("PUT", &format!("{path}/credit-limit"), &headers, limit).await;
            assert_eq!(set.status, 200, "{set:?}");
            let frozen = shop.post(&format!("{path}/freeze"), &shop.admin, "", json!({})).await;
            assert_eq!(frozen.status, 200, "{frozen:?}");
        }
        all.push(path);
    }
    let list = shop.get("/v1/admin/accounts?limit=2", &shop.admin).await;
    let next = format!("/v1/admin/accounts?limit=2&after={}", list.at("/next"));
    let rest = shop.get(&next, &shop.admin).await;
    let pages = [&list, &rest].into_iter().flat_map(|page| page.json["data"].as_array().unwrap());
    let mut shown = Vec::new();
    for path in all.iter().rev() {
        shown.push(shop.get(path, &shop.admin).await.json);
    }
    assert_eq!(pages.cloned().collect::<Vec<_>>(), shown);
    assert_ne!(shown[1]["credit_line"], Value::Null, "{}", shown[1]);
    assert_ne!(shown[1]["frozen_at"], Value::Null);
    assert_eq!((&shown[0]["credit_status"], &shown[0]["frozen_at"]), (&Value::Null, &Value::Null));
    assert_ne!(shown[2]["credit_status"], Value::Null);
    assert_eq!(shown[2]["available"]["amount"], 100);
}

#[tokio::test]
async fn a_top_up_credits_once_and_a_declined_one_is_on_record() {
    let shop = Shop::open().await;
    let token = shop.buyer("ada@example.com", 0).await;
    let body = json!({ "tokens": { "amount": 500, "unit": "AUR" }, "method": "demo" });
    let first = shop.post("/v1/top-ups", &token, "k1", body.clone()).await;
    assert_eq!((first.status, first.at("/state")), (201, "credited"), "{first:?}");
    let second = shop.post("/v1/top-ups", &token, "k1", body.clone()).await;
    assert_eq!((second.status, second.header("idempotency-replayed")), (201, "true"));
    assert_eq!(first.json, second.json);
    let other = json!({ "tokens": { "amount": 501, "unit": "AUR" }, "method": "demo" });
    assert_eq!(
        shop.post("/v1/top-ups", &token, "k1", other).await.code(),
        "idempotency_key_reused"
    );
    assert_eq!(shop.post("/v1/top-ups", &token, "", body).await.code(), "idempotency_key_missing");

    let declined = json!({ "tokens": { "amount": 500, "unit": "AUR" }, "method": "demo", "payment_method": "demo_declined" });
    for round in 0..2 {
        let answer = shop.post("/v1/top-ups", &token, "k2", declined.clone()).await;
        assert_eq!((answer.status, answer.code()), (402, "credit_declined"), "{round}");
        assert_eq!(answer.at("/top_up/state"), "declined");
    }
    let wallet = shop.get("/v1/wallet", &token).await;
    assert_eq!(wallet.at("/available/display"), "5.00 AUR");
    assert_eq!(wallet.json["lots"].as_array().map(Vec::len), Some(1));
    let lines = shop.get("/v1/wallet/transfers", &token).await;
    assert_eq!(lines.json["data"].as_array().map(Vec::len), Some(1));
    let top_ups = shop.get("/v1/top-ups?limit=1", &token).await;
    assert_eq!(top_ups.at("/data/0/state"), "declined");
    let next = top_ups.at("/next").to_owned();
    let rest = shop.get(&format!("/v1/top-ups?limit=1&after={next}"), &token).await;
    assert_eq!(rest.at("/data/0/state"), "credited");
}

#[tokio::test]
async fn amounts_are_whole_numbers_of_the_right_unit() {
    let shop = Shop::open().await;
    let token = shop.buyer("ada@example.com", 0).await;
    let bodies = [
        (r#"{"tokens":{"amount":1.0,"unit":"AUR"},"method":"demo"}"#, "tokens.amount"),
        (r#"{"tokens":{"amount":1e3,"unit":"AUR"},"method":"demo"}"#, "tokens.amount"),
        (r#"{"tokens":{"amount":-1,"unit":"AUR"},"method":"demo"}"#, "tokens.amount"),
        (r#"{"tokens":{"amount":"5","unit":"AUR"},"method":"demo"}"#, "tokens.amount"),
        (r#"{"tokens":{"amount":0,"unit":"AUR"},"method":"demo"}"#, "tokens.amount"),
        (r#"{"tokens":{"amount":1000000000000001,"unit":"AUR"},"method":"demo"}"#, "tokens.amount"),
        (
            r#"{"tokens":{"amount":99999999999999999999,"unit":"AUR"},"method":"demo"}"#,
            "tokens.amount",
        ),
        (r#"{"tokens":{"amount":5,"unit":"EUR"},"method":"demo"}"#, "tokens.unit"),
        (r#"{"tokens":{"amount":5,"unit":"aur"},"method":"demo"}"#, "tokens.unit"),
        (r#"{"method":"demo"}"#, "tokens"),
    ];
    for (body, field) in bodies {
        let request = http::Request::post("/v1/top-ups")
            .header("authorization", format!("Bearer {token}"))
            .header("idempotency-key", "k")
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body))
            .expect("a request");
        let answer = shop.raw(request).await;
        assert_eq!(
            (answer.status, answer.code(), answer.at("/errors/0/field")),
            (400, "invalid_field", field),
            "{body}"
        );
    }
    assert_eq!(shop.get("/v1/wallet", &token).await.at("/available/display"), "0.00 AUR");
}

#[tokio::test]
async fn guesses_that_come_at_once_do_not_get_past_the_limit() {
    let shop = Shop::open_on_threads().await;
    shop.buyer("ada@example.com", 0).await;
    let guess = json!({ "email": "ada@example.com", "password": "wrong horse" });
    let guesses = (0..30).map(|_| shop.post("/v1/sessions", "", "", guess.clone()));
    let answers = futures_util::future::join_all(guesses).await;
    let of = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(401), of(429)), (10, 20));
}

#[tokio::test]
async fn two_first_sign_ins_at_once_are_both_right() {
    let shop = Shop::open().await;
    shop.buyer("ada@example.com", 0).await;
    let sign_in = || shop.post("/v1/sessions", "", "", ada());
    let (one, other) = tokio::join!(sign_in(), sign_in());
    assert_eq!((one.status, other.status), (201, 201), "{one:?} {other:?}");
    assert_ne!(one.at("/token"), other.at("/token"));
    shop.sound().await;
}

#[tokio::test]
async fn a_first_sign_in_beside_a_new_password_does_not_make_the_old_one_wrong() {
    let shop = Shop::open().await;
    let buyer = shop.buyer("ada@example.com", 0).await;
    let change = json!({ "old": "correct horse", "new": "battery staple" });
    let (signed, changed) = tokio::join!(
        shop.post("/v1/sessions", "", "", ada()),
        shop.post("/v1/account/password", &buyer, "", change),
    );
    assert!(changed.status < 300, "{changed:?}");
    assert!([201, 401].contains(&signed.status), "before it, or after: {signed:?}");
    let with_new = json!({ "email": "ada@example.com", "password": "battery staple" });
    assert_eq!(shop.post("/v1/sessions", "", "", with_new).await.status, 201);
    assert_eq!(shop.post("/v1/sessions", "", "", ada()).await.status, 401);
    shop.sound().await;
}

#[tokio::test]
async fn what_is_not_named_of_a_person_stays() {
    let shop = Shop::open().await;
    let session = shop.buyer("ada@example.com", 0).await;
    let authorization = format!("Bearer {session}");
    let change = async |body: Value| {
        let headers = [("authorization", authorization.as_str())];
        let changed = shop.send("PATCH", "/v1/account", &headers, body).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        let json = changed.json;
        ["name", "address", "phone", "language"].map(|field| json[field].clone())
    };
    let all = json!({ "name": "Ada", "address": "1 Sea Road", "phone": "+44 1", "language": "de" });
    assert_eq!(change(all).await, [json!("Ada"), json!("1 Sea Road"), json!("+44 1"), json!("de")]);
    let [name, address, phone, language] = change(json!({ "name": null })).await;
    assert_eq!((name, address), (Value::Null, json!("1 Sea Road")));
    assert_eq!((phone, language), (json!("+44 1"), json!("de")));
    // The account's page asks for no language.
    let mut browser = Browser::on(&shop);
    browser.send("/sign-in", &[("email", "ada@example.com"), ("password", "correct horse")]).await;
    let form = [("name", "Ada L."), ("address", ""), ("phone", "+44 2")];
    assert_eq!(browser.send("/account", &form).await.status, 303);
    let now = change(json!({})).await;
    assert_eq!(now, [json!("Ada L."), Value::Null, json!("+44 2"), json!("de")]);
}
