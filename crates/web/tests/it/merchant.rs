//! A merchant: signing in through the provider, what each flow opens, giving back, notices, the page to come back to.

use std::sync::Arc;

use http::Request;
use scrip_domain::Span;
use scrip_domain::document::{Decided, GivenBackBy};
use scrip_domain::session::LIFETIME;
use scrip_domain::settings::{Flow, Settings};
use scrip_domain::visibility::Level;
use scrip_signature::{Stamp, sign};
use scrip_testkit::{Answer, Browser, Fate, ScriptedProvider, Shop, settings};
use serde_json::{Value, json};

async fn merchant(flow: Flow) -> (Shop, Arc<ScriptedProvider>, String) {
    let (shop, provider) = Shop::merchant(Settings { flow, ..settings() }).await;
    let offer = shop.service("tuning", 250).await;
    (shop, provider, offer)
}

fn select(offer: &str) -> Value {
    json!({ "lines": [{ "offer": offer, "quantity": 2 }] })
}

async fn sign_in(shop: &Shop, code: &str) -> String {
    let session = shop.post("/v1/sessions", "", "", json!({ "return_code": code })).await;
    assert_eq!(session.status, 201, "{session:?}");
    session.at("/token").to_owned()
}

/// A buyer with an order that is paid.
async fn paid(shop: &Shop, provider: &ScriptedProvider, offer: &str) -> (String, String) {
    paid_for(shop, provider, select(offer)).await
}

async fn paid_for(shop: &Shop, provider: &ScriptedProvider, what: Value) -> (String, String) {
    let ada = sign_in(shop, &provider.return_code("ada", None)).await;
    let draft = shop.post("/v1/orders", &ada, "draft", what).await;
    assert_eq!(draft.status, 201, "{draft:?}");
    assert!(draft.json["order_token"].is_null(), "a buyer needs none");
    let order = draft.at("/id").to_owned();
    let path = format!("/v1/orders/{order}/confirm");
    assert_eq!(shop.post(&path, &ada, "confirm", json!({})).await.status, 202);
    sign_in(shop, &provider.decide(&order, "ada", Decided::Approved)).await;
    let paid = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    assert_eq!(paid.at("/state"), "paid", "{paid:?}");
    (ada, order)
}

#[tokio::test]
async fn an_invitation_is_accepted_by_the_merchants_own_server() {
    let (shop, provider, _) = merchant(Flow::default()).await;
    let accept = async |who: &str, token: &str| {
        let body = json!({ "invitation": token });
        shop.post("/v1/admin/provider/invitation", who, "", body).await
    };
    let guess = accept(&shop.admin, "guess").await;
    assert_eq!((guess.code(), guess.at("/reason")), ("provider_refused", "not_found"));
    assert_eq!(accept(&shop.admin, "").await.at("/errors/0/field"), "invitation");
    provider.fate(&[Fate::AnswerLost]);
    assert_eq!(accept(&shop.admin, "welcome").await.code(), "busy", "nobody knows: ask again");
    let accepted = accept(&shop.admin, "welcome").await;
    let said = (accepted.at("/provider"), accepted.at("/merchant"), accepted.at("/state"));
    assert_eq!(said, ("https://pay.test", "mer_0000000000001", "active"), "{accepted:?}");
    let audit = shop.get("/v1/admin/audit?limit=1", &shop.admin).await;
    let act = (audit.at("/data/0/act"), audit.at("/data/0/subject"));
    assert_eq!(act, ("invitation.accepted", "https://pay.test"));
    let ada = sign_in(&shop, &provider.return_code("ada", None)).await;
    assert_eq!(accept(&ada, "welcome").await.code(), "forbidden");
    // Nobody but a merchant has a provider.
    let vendor = Shop::open().await;
    let body = json!({ "invitation": "welcome" });
    let nowhere = vendor.post("/v1/admin/provider/invitation", &vendor.admin, "", body).await;
    assert_eq!(nowhere.code(), "not_found");
    assert_eq!(vendor.get("/v1/vendor", "").await.json["provider"], Value::Null);
    assert_eq!(shop.get("/v1/vendor", "").await.at("/provider/url"), "https://pay.test");
}

#[tokio::test]
async fn the_keys_of_visitors_are_forgotten_after_two_days() {
    let (shop, _, offer) = merchant(Flow::default()).await;
    let ask = async || shop.post("/v1/orders", "", "draft", select(&offer)).await;
    let first = ask().await;
    assert_eq!(first.status, 201, "{first:?}");
    let engine = &shop.app.engine;
    shop.advance(Span::days(2)).await;
    assert_eq!(engine.forget_visits().await.unwrap(), 0, "still known");
    assert_eq!(ask().await.at("/id"), first.at("/id"), "the first answer");
    shop.advance(Span::millis(1)).await;
    assert_eq!(engine.forget_visits().await.unwrap(), 1);
    assert_eq!(engine.forget_visits().await.unwrap(), 0);
    let second = ask().await;
    assert_eq!(second.status, 201, "{second:?}");
    assert_ne!(second.at("/id"), first.at("/id"));
    shop.sound().await;
}

#[tokio::test]
async fn drafts_that_nobody_went_on_with_are_forgotten_after_a_month() {
    let (shop, provider, offer) = merchant(Flow::default()).await;
    let ask = async |key: &str| {
        let draft = shop.post("/v1/orders", "", key, select(&offer)).await;
        assert_eq!(draft.status, 201, "{draft:?}");
        (draft.at("/id").to_owned(), draft.at("/order_token").to_owned())
    };
    for number in 0..12 {
        ask(&format!("draft-{number}")).await;
    }
    let (open, token) = ask("open").await;
    let headers = [("authorization", &*format!("Order {token}")), ("idempotency-key", "go")];
    let sent =
        shop.send("POST", &format!("/v1/orders/{open}/confirm"), &headers, Value::Null).await;
    assert_eq!(sent.status, 202, "{sent:?}");
    let ada = sign_in(&shop, &provider.return_code("ada", None)).await;
    let hers = shop.post("/v1/orders", &ada, "hers", select(&offer)).await;
    assert_eq!(hers.status, 201, "{hers:?}");
    let engine = &shop.app.engine;
    shop.advance(Span::days(30)).await;
    assert_eq!(engine.forget_drafts().await.unwrap(), 0, "still known");
    let (fresh, _) = ask("fresh").await;
    shop.advance(Span::hours(1)).await;
    let mut forgotten = Vec::new();
    while forgotten.last() != Some(&0) {
        forgotten.push(engine.forget_drafts().await.unwrap());
    }
    assert_eq!(forgotten, [9, 3, 0]);
    for kept in [&open, hers.at("/id"), &fresh] {
        let path = format!("/v1/orders/{kept}");
        assert_eq!(shop.get(&path, &shop.admin).await.status, 200, "{kept}");
    }
    let left = shop.get("/v1/admin/orders?limit=100", &shop.admin).await;
    assert_eq!(left.json["data"].as_array().unwrap().len(), 3, "{left:?}");
    shop.sound().await;
}

#[tokio::test]
async fn no_source_has_the_provider_open_any_number_of_sign_ins() {
    let (shop, ..) = merchant(Flow::default()).await;
    for _ in 0..59 {
        assert_eq!(shop.post("/v1/connections", "", "", json!({})).await.status, 201);
    }
    let mut browser = Browser::on(&shop);
    assert_eq!(browser.send("/connect", &[]).await.status, 303);
    let refused = shop.post("/v1/connections", "", "", json!({})).await;
    assert_eq!((refused.status, refused.code()), (429, "rate_limited"), "{refused:?}");
    assert_eq!(browser.send("/connect", &[]).await.status, 429);
    shop.advance(Span::minutes(11)).await;
    assert_eq!(browser.send("/connect", &[]).await.status, 303);
}

#[tokio::test]
async fn a_buyer_signs_in_through_the_provider_and_is_the_same_account_every_time() {
    let (shop, provider, _) = merchant(Flow::default()).await;
    let opened = shop.post("/v1/connections", "", "", json!({})).await;
    assert_eq!((opened.status, opened.at("/reference")), (201, "con_1"), "{opened:?}");
    assert_eq!(opened.at("/url"), "https://pay.test/connect/ref_1");
    let code = provider.return_code("ada", None);
    let ada = sign_in(&shop, &code).await;
    let again = shop.post("/v1/sessions", "", "", json!({ "return_code": code })).await;
    assert_eq!((again.status, again.code()), (401, "invalid_credentials"), "good once");
    let account = shop.get("/v1/account", &ada).await;
    assert_eq!((account.at("/standing"), account.json["email"].is_null()), ("member", true));
    let twice = sign_in(&shop, &provider.return_code("ada", None)).await;
    assert_eq!(shop.get("/v1/account", &twice).await.at("/id"), account.at("/id"));
    let eve = sign_in(&shop, &provider.return_code("eve", None)).await;
    assert_ne!(shop.get("/v1/account", &eve).await.at("/id"), account.at("/id"));
    for (body, field) in [
        (json!({ "return_code": "" }), "return_code"),
        (json!({ "return_code": "a", "email": "ada@example.com" }), "return_code"),
        (json!({ "email": "ada@example.com" }), "password"),
        (json!({}), "email"),
    ] {
        let refused = shop.post("/v1/sessions", "", "", body).await;
        assert_eq!((refused.status, refused.at("/errors/0/field")), (400, field), "{refused:?}");
    }
    let body = json!({ "email": "ada@example.com", "password": "correct horse" });
    let elsewhere = shop.post("/v1/sessions", "", "", body).await;
    assert_eq!((elsewhere.status, elsewhere.code()), (404, "not_found"), "no password is here");
    assert_eq!(elsewhere.at("/links/provider"), "https://pay.test");
    shop.sound().await;
}

#[tokio::test]
async fn two_who_come_back_at_once_are_one_account() {
    let (shop, provider, _) = merchant(Flow::default()).await;
    let codes = [provider.return_code("ada", None), provider.return_code("ada", None)];
    let (one, other) = tokio::join!(sign_in(&shop, &codes[0]), sign_in(&shop, &codes[1]));
    let (one, other) = (shop.get("/v1/account", &one).await, shop.get("/v1/account", &other).await);
    assert_eq!(one.at("/id"), other.at("/id"));
    shop.sound().await;
}

#[tokio::test]
async fn each_flow_opens_what_the_contract_says() {
    for (flow, visitor, member, funded) in [
        (Flow::BrowseFirst, [200, 200, 201], [200, 200, 201], [200, 200, 201]),
        (Flow::RegisterFirst, [200, 401, 401], [200, 402, 402], [200, 200, 201]),
        (Flow::MembersOnly, [401, 401, 401], [200, 200, 201], [200, 200, 201]),
    ] {
        let (shop, provider, offer) = merchant(flow).await;
        provider.share("bob", Some(false));
        provider.share("cyd", Some(true));
        let bob = sign_in(&shop, &provider.return_code("bob", None)).await;
        let cyd = sign_in(&shop, &provider.return_code("cyd", None)).await;
        for (who, expected) in [(String::new(), visitor), (bob, member), (cyd, funded)] {
            let products = shop.get("/v1/products", &who).await;
            let quote = shop.post("/v1/quotes", &who, "", select(&offer)).await;
            let order = shop.post("/v1/orders", &who, "k", select(&offer)).await;
            let found = [products.status, quote.status, order.status];
            assert_eq!(found, expected, "{flow}: {quote:?} {order:?}");
            for answer in [quote, order] {
                for member in ["balance", "required", "shortfall"] {
                    assert_eq!(answer.json[member], Value::Null, "{flow}: {member}");
                }
                match answer.status {
                    401 => assert_eq!(answer.at("/links/connect"), "/v1/connections"),
                    402 => assert_eq!(answer.code(), "balance_below_threshold"),
                    _ => {}
                }
            }
        }
    }
}

#[tokio::test]
async fn what_a_buyer_shares_is_believed_for_a_minute() {
    let (shop, provider, offer) = merchant(Flow::RegisterFirst).await;
    let standing = async |who: &str| shop.get("/v1/account", who).await.at("/standing").to_owned();
    provider.share("ada", Some(true));
    let ada = sign_in(&shop, &provider.return_code("ada", None)).await;
    assert_eq!(standing(&ada).await, "funded");
    provider.share("ada", Some(false));
    shop.advance(Span::seconds(59)).await;
    assert_eq!(standing(&ada).await, "funded");
    shop.advance(Span::seconds(1)).await;
    assert_eq!(standing(&ada).await, "member");
    assert_eq!(shop.post("/v1/orders", &ada, "k", select(&offer)).await.status, 402);
    provider.share("ada", Some(true));
    shop.advance(Span::seconds(60)).await;
    provider.fate(&[Fate::Lost]);
    assert_eq!(standing(&ada).await, "member", "who is not heard says nothing");
    assert_eq!(standing(&ada).await, "funded");
    provider.share("ada", None);
    shop.advance(Span::seconds(60)).await;
    let refused = shop.post("/v1/quotes", &ada, "", select(&offer)).await;
    assert_eq!(refused.code(), "balance_below_threshold");
    assert!(refused.at("/detail").contains("share"), "{refused:?}");
}

#[tokio::test]
async fn what_is_about_balances_is_at_the_provider() {
    let (shop, provider, offer) = merchant(Flow::default()).await;
    let ada = sign_in(&shop, &provider.return_code("ada", None)).await;
    for (method, path) in [
        ("GET", "/v1/wallet"),
        ("GET", "/v1/wallet/transfers"),
        ("POST", "/v1/accounts"),
        ("POST", "/v1/top-ups"),
        ("GET", "/v1/payment-methods"),
        ("PUT", "/v1/account/payment-method"),
        ("GET", "/v1/account/auto-top-up"),
        ("POST", "/v1/purchases"),
        ("GET", "/v1/admin/top-ups"),
        ("POST", "/v1/admin/accounts/acc_0000000000001/adjust"),
    ] {
        let authorization = format!("Bearer {ada}");
        let answer =
            shop.send(method, path, &[("authorization", &authorization)], Value::Null).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{method} {path}");
        assert_eq!(answer.at("/links/provider"), "https://pay.test", "{method} {path}");
    }
    for path in ["/wallet", "/wallet/top-up?tokens=5", "/account?a=b"] {
        let there = format!("https://pay.test{path}");
        assert_eq!(shop.get(path, "").await.header("location"), there);
    }
    assert_eq!(shop.get("/sign-in", "").await.header("location"), "/connect");
    let mut coupon = select(&offer);
    coupon["coupon"] = json!("SPRING");
    assert_eq!(shop.post("/v1/orders", &ada, "k", coupon).await.code(), "coupon_refused");
    // Elsewhere nobody has such routes.
    let vendor = Shop::open().await;
    for path in ["/v1/connections", "/v1/hooks/provider"] {
        assert_eq!(vendor.post(path, "", "", json!({})).await.status, 404, "{path}");
    }
    assert_eq!(vendor.get("/return?code=x", "").await.status, 404);
}

#[tokio::test]
async fn what_a_merchant_hides_is_unlocked_at_the_provider_and_no_balance_is_made_up() {
    let mut settings = settings();
    settings.visibility.files = Some(Level::Funded);
    settings.visibility.description = Some(Level::Covered);
    settings.visibility.release_notes = Some(Level::Member);
    let (shop, provider) = Shop::merchant(settings).await;
    shop.service("tuning", 250).await;
    let ada = sign_in(&shop, &provider.return_code("ada", None)).await;
    let there = json!({ "connect": "/v1/connections", "provider": "https://pay.test" });
    for who in ["", &ada] {
        let product = shop.get("/v1/products/tuning", who).await;
        assert_eq!(product.at("/payment/price_from/display"), "2.50 AUR", "{product:?}");
        for unknown in ["available", "remaining", "shortfall", "top_up"] {
            assert_eq!(product.json["payment"][unknown], Value::Null, "{unknown}");
        }
        for hidden in product.json["hidden"].as_array().expect("what is hidden") {
            let links = match hidden["needs"].as_str() {
                // It is shown to who has bought it, and no balance changes that.
                Some("covered") if !who.is_empty() => json!({}),
                _ => there.clone(),
            };
            assert_eq!(hidden["links"], links, "{hidden}");
        }
        assert_eq!(
            product.json["hidden"].as_array().map(Vec::len).unwrap(),
            if who.is_empty() { 3 } else { 2 }
        );
    }
    // What costs nothing is covered by any balance, known or not.
    shop.service("gift", 0).await;
    let free = shop.get("/v1/products/gift", &ada).await;
    assert_eq!(free.json["payment"]["available"], Value::Null, "{free:?}");
    assert!(free.json["description"].is_string(), "{free:?}");
}

#[tokio::test]
async fn who_cannot_reach_the_provider_is_told_so() {
    let (shop, provider, offer) = merchant(Flow::default()).await;
    let says = |answer: &Answer, what: &str| {
        assert_eq!((answer.status, answer.code()), (503, "busy"), "{answer:?}");
        assert!(answer.at("/detail").contains(what), "{answer:?}");
        assert!(!answer.at("/detail").contains("too much"), "{answer:?}");
    };
    let away = "the other server gave no answer";
    let (_, order) = paid(&shop, &provider, &offer).await;
    provider.fate(&[Fate::Lost]);
    says(&refund(&shop, &order, "r", json!({ "reason": "x" })).await, away);
    provider.fate(&[Fate::Lost]);
    says(&shop.post("/v1/connections", "", "", json!({})).await, away);
    provider.fate(&[Fate::Lost]);
    let back = json!({ "return_code": provider.return_code("eve", None) });
    says(&shop.post("/v1/sessions", "", "", back).await, away);
    let draft = shop.post("/v1/orders", "", "k", select(&offer)).await;
    let token = format!("Order {}", draft.at("/order_token"));
    let headers = [("authorization", token.as_str()), ("idempotency-key", "c")];
    for verb in ["confirm", "cancel"] {
        provider.fate(&[Fate::Lost]);
        let path = format!("/v1/orders/{}/{verb}", draft.at("/id"));
        says(&shop.send("POST", &path, &headers, json!({})).await, "goes on by itself");
    }
}

#[tokio::test]
async fn a_visitors_key_is_theirs_and_their_token_opens_one_order() {
    let (shop, _, offer) = merchant(Flow::default()).await;
    let first = shop.post("/v1/orders", "", "k", select(&offer)).await;
    let again = shop.post("/v1/orders", "", "k", select(&offer)).await;
    assert_eq!((again.header("idempotency-replayed"), &again.json), ("true", &first.json));
    let mut other = select(&offer);
    other["lines"][0]["quantity"] = json!(1);
    assert_eq!(
        shop.post("/v1/orders", "", "k", other.clone()).await.code(),
        "idempotency_key_reused"
    );
    let second = shop.post("/v1/orders", "", "k2", other).await;
    let token = format!("Order {}", first.at("/order_token"));
    for (path, status) in [(first.at("/id"), 200), (second.at("/id"), 404)] {
        let path = format!("/v1/orders/{path}");
        let seen = shop.send("GET", &path, &[("authorization", &token)], Value::Null).await;
        assert_eq!(seen.status, status);
        assert!(seen.json["order_token"].is_null(), "told once");
    }
    let path = format!("/v1/orders/{}", first.at("/id"));
    for bad in ["Order ", "Order x", "Bearer x"] {
        let seen = shop.send("GET", &path, &[("authorization", bad)], Value::Null).await;
        assert!([401, 404].contains(&seen.status), "{bad}: {seen:?}");
    }
    for path in ["/v1/orders", "/v1/licenses", "/v1/account"] {
        let seen = shop.send("GET", path, &[("authorization", &token)], Value::Null).await;
        assert_eq!(seen.status, 401, "{path}: a token is for its order only");
    }
}

async fn refund(shop: &Shop, order: &str, key: &str, body: Value) -> Answer {
    shop.post(&format!("/v1/admin/orders/{order}/refunds"), &shop.admin, key, body).await
}

#[tokio::test]
async fn a_refund_is_asked_of_the_provider_and_booked_by_its_word() {
    let (shop, provider, offer) = merchant(Flow::default()).await;
    let (ada, order) = paid(&shop, &provider, &offer).await;
    let line = shop.get(&format!("/v1/orders/{order}"), &ada).await.at("/lines/0/id").to_owned();
    let one = json!({ "reason": "broken", "lines": [{ "line": line, "quantity": 1 }] });
    provider.fate(&[Fate::AnswerLost]);
    let waits = refund(&shop, &order, "r1", one.clone()).await;
    assert_eq!((waits.status, waits.code()), (503, "busy"), "{waits:?}");
    let seen = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    assert_eq!(seen.at("/state"), "refund_pending");
    assert_eq!(seen.json["licenses"].as_array().map(Vec::len), Some(2), "still theirs");
    assert_eq!(refund(&shop, &order, "r2", json!({ "reason": "x" })).await.status, 503);
    let done = refund(&shop, &order, "r1", one.clone()).await;
    assert_eq!((done.status, done.at("/amount/display")), (201, "2.50 AUR"), "{done:?}");
    let again = refund(&shop, &order, "r1", one).await;
    assert_eq!((again.header("idempotency-replayed"), &again.json), ("true", &done.json));
    assert_eq!(provider.row(&order).kept, 250, "once");
    let seen = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    assert_eq!(seen.at("/state"), "partially_refunded");
    let states: Vec<_> = ["/licenses/0/state", "/licenses/1/state"].map(|at| seen.at(at)).into();
    assert_eq!(states, ["valid", "refunded"]);
    let other = refund(&shop, &order, "r1", json!({ "reason": "x" })).await;
    assert_eq!(other.code(), "idempotency_key_reused");
    shop.sound().await;

    let rest = refund(&shop, &order, "r3", json!({ "reason": "all" })).await;
    assert_eq!(rest.status, 201, "{rest:?}");
    assert_eq!(shop.get(&format!("/v1/orders/{order}"), &ada).await.at("/state"), "refunded");
    let more = refund(&shop, &order, "r4", json!({ "reason": "more" })).await;
    assert_eq!(more.code(), "already_refunded");
    shop.sound().await;
}

#[tokio::test]
async fn what_is_granted_at_once_was_open_when_it_was_asked_and_says_so_again() {
    let granting = Settings { refunds_at_once: true, ..settings() };
    let (shop, provider) = Shop::merchant(granting).await;
    let offer = shop.service("tuning", 250).await;
    let (ada, order) = paid(&shop, &provider, &offer).await;
    let seen = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    let wish = json!({ "line": seen.at("/lines/0/id"), "reason": "broken" });
    let path = format!("/v1/orders/{order}/refund-requests");
    let asked = shop.post(&path, &ada, "r1", wish.clone()).await;
    assert_eq!((asked.status, asked.at("/state")), (201, "open"), "{asked:?}");
    let now = shop.get(&path, &ada).await;
    assert_eq!(now.at("/data/0/state"), "accepted", "the provider has given back: {now:?}");
    shop.run_webhooks().await;
    let told = shop.get("/v1/events?limit=100", &ada).await;
    let told = told.json["data"].as_array().unwrap().iter();
    let told: Vec<_> = told.filter(|event| event["data"]["id"] == *asked.at("/id")).collect();
    let told: Vec<_> = told.iter().map(|event| &event["type"]).collect();
    assert_eq!(told, ["refund_request.opened", "refund_request.accepted"]);
    shop.advance(Span::minutes(1)).await;
    let again = shop.post(&path, &ada, "r1", wish).await;
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), ("true", &asked.bytes));
    assert_eq!(provider.row(&order).kept, 0, "once, and all of it");
    shop.sound().await;
}

#[tokio::test]
async fn what_cost_nothing_goes_back_without_asking_anybody() {
    let (shop, provider, _) = merchant(Flow::default()).await;
    let free = shop.service("gift", 0).await;
    let (ada, order) = paid(&shop, &provider, &free).await;
    let calls = provider.calls().len();
    let done = refund(&shop, &order, "r1", json!({ "reason": "mistake" })).await;
    assert_eq!((done.status, done.at("/amount/display")), (201, "0.00 AUR"), "{done:?}");
    let again = refund(&shop, &order, "r1", json!({ "reason": "mistake" })).await;
    assert_eq!((again.header("idempotency-replayed"), &again.json), ("true", &done.json));
    assert!(!provider.calls()[calls..].iter().any(|call| call == "refund"));
    let seen = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    assert_eq!((seen.at("/state"), seen.at("/licenses/0/state")), ("refunded", "refunded"));
    shop.sound().await;
}

#[tokio::test]
async fn what_the_provider_gives_back_by_itself_is_booked_and_leaves_no_more_than_is_there() {
    let (shop, provider, offer) = merchant(Flow::default()).await;
    let (ada, order) = paid(&shop, &provider, &offer).await;
    provider.give_back(&order, 300, GivenBackBy::Provider);
    // Nobody has heard of it here yet: the provider refuses what would be too much, and its picture says why.
    let much = refund(&shop, &order, "r1", json!({ "reason": "all" })).await;
    assert_eq!((much.status, much.code()), (409, "already_refunded"), "{much:?}");
    let seen = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    assert_eq!(seen.at("/state"), "partially_refunded", "{seen:?}");
    assert!(seen.json["reason"].is_null(), "that the staff asked for too much is no reason");
    assert_eq!(seen.at("/refunds/0/amount/display"), "3.00 AUR");
    shop.sound().await;
    provider.give_back(&order, 100, GivenBackBy::Provider);
    provider.give_back(&order, 100, GivenBackBy::Provider);
    shop.advance(Span::days(1)).await;
    while shop.run_checkouts().await > 0 {}
    let seen = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    assert_eq!((seen.at("/state"), seen.at("/licenses/0/state")), ("refunded", "refunded"));
    assert_eq!(seen.json["refunds"].as_array().map(Vec::len), Some(3));
    shop.sound().await;
}

#[tokio::test]
async fn what_the_provider_took_of_a_line_before_it_heard_of_a_refund_goes_back_of_the_others() {
    let (shop, provider, offer) = merchant(Flow::default()).await;
    let other = shop.service("polish", 250).await;
    let both =
        json!({ "lines": [{ "offer": offer, "quantity": 1 }, { "offer": other, "quantity": 1 }] });
    let (ada, order) = paid_for(&shop, &provider, both).await;
    let seen = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    let line = json!([{ "line": seen.at("/lines/0/id"), "quantity": 1 }]);
    provider.give_back(&order, 100, GivenBackBy::Provider);
    let ask = json!({ "lines": line, "reason": "broken" });
    // Two pieces of news: one is booked after the other.
    assert_eq!(refund(&shop, &order, "r1", ask.clone()).await.status, 503);
    while shop.run_checkouts().await > 0 {}
    let back = refund(&shop, &order, "r1", ask).await;
    assert_eq!((back.status, back.at("/amount/display")), (201, "2.50 AUR"), "{back:?}");
    let parts: Vec<_> =
        ["/lines/0/amount/display", "/lines/1/amount/display"].map(|at| back.at(at)).into();
    assert_eq!(parts, ["1.50 AUR", "1.00 AUR"], "what is left of the line, and the rest");
    let seen = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    assert_eq!(seen.at("/state"), "partially_refunded", "{seen:?}");
    assert_eq!(provider.row(&order).kept, 150);
    shop.sound().await;
    let rest = refund(&shop, &order, "r2", json!({ "reason": "all" })).await;
    assert_eq!((rest.status, rest.at("/amount/display")), (201, "1.50 AUR"), "{rest:?}");
    shop.sound().await;
}

/// A notice as the provider signs it.
async fn notice(shop: &Shop, provider: &ScriptedProvider, nonce: u8, request: &str) -> Answer {
    let body = json!({ "type": "purchase_request.authorized", "request": request }).to_string();
    let mut request = Request::builder()
        .method("POST")
        .uri("https://shop.test/v1/hooks/provider")
        .header("content-type", "application/json")
        .body(body.clone())
        .unwrap();
    let stamp = Stamp { created: shop.app.engine.now().seconds(), nonce: [nonce; 16] };
    sign(&mut request, body.as_bytes(), provider.key(), "https://pay.test", stamp).unwrap();
    let (mut parts, body) = request.into_parts();
    parts.uri = "/v1/hooks/provider".parse().unwrap();
    shop.raw(Request::from_parts(parts, axum::body::Body::from(body))).await
}

#[tokio::test]
async fn a_notice_only_makes_the_merchant_ask() {
    let (shop, provider, offer) = merchant(Flow::default()).await;
    let draft = shop.post("/v1/orders", "", "k", select(&offer)).await;
    let token = format!("Order {}", draft.at("/order_token"));
    let order = draft.at("/id").to_owned();
    let headers = [("authorization", token.as_str()), ("idempotency-key", "c")];
    let path = format!("/v1/orders/{order}");
    let confirmed = shop.send("POST", &format!("{path}/confirm"), &headers, json!({})).await;
    assert_eq!(confirmed.status, 202, "{confirmed:?}");
    let request = provider.row(&order).picture.id;
    let state = async || {
        let seen = shop.send("GET", &path, &headers[..1], Value::Null).await;
        seen.at("/state").to_owned()
    };
    // What it says is not believed: the provider's picture still says that nobody has decided.
    assert_eq!(notice(&shop, &provider, 1, &request).await.status, 204);
    assert_eq!(state().await, "open");
    provider.decide(&order, "ada", Decided::Approved);
    provider.fate(&[Fate::Lost]);
    assert_eq!(notice(&shop, &provider, 2, &request).await.status, 503);
    assert_eq!(notice(&shop, &provider, 3, &request).await.status, 204);
    assert_eq!(state().await, "paid");
    assert_eq!(notice(&shop, &provider, 4, &request).await.status, 204, "doubled");
    assert_eq!(notice(&shop, &provider, 5, "req_unknown").await.status, 204);
    assert_eq!(notice(&shop, &provider, 5, &request).await.code(), "signature_refused");
    let body = json!({ "type": "x", "request": request });
    let unsigned = shop.post("/v1/hooks/provider", "", "", body).await;
    assert_eq!(unsigned.code(), "signature_refused");
    shop.sound().await;
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.bytes).into_owned()
}

#[tokio::test]
async fn a_provider_s_buyer_who_comes_again_leaves_no_session_that_has_ended() {
    let (shop, provider, _) = merchant(Flow::default()).await;
    let ada = sign_in(&shop, &provider.return_code("ada", None)).await;
    let account = shop.get("/v1/account", &ada).await.at("/id").parse().unwrap();
    shop.advance(LIFETIME).await;
    sign_in(&shop, &provider.return_code("ada", None)).await;
    let sessions = shop.app.engine.store().sessions_of(account, 9).await.unwrap();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
}

#[tokio::test]
async fn the_page_to_come_back_to_shows_the_order_to_its_buyer_alone() {
    let (shop, provider, offer) = merchant(Flow::default()).await;
    let draft = shop.post("/v1/orders", "", "k", select(&offer)).await;
    let token = format!("Order {}", draft.at("/order_token"));
    let order = draft.at("/id").to_owned();
    let headers = [("authorization", token.as_str()), ("idempotency-key", "c")];
    let path = format!("/v1/orders/{order}/confirm");
    shop.send("POST", &path, &headers, json!({})).await;
    let code = provider.decide(&order, "ada", Decided::Approved);
    // Redeemed and captured; the last word is lost.
    provider.fate(&[Fate::Answered, Fate::Answered, Fate::AnswerLost]);
    // It was begun by a program: whose browser this is, is asked once.
    let mut browser = Browser::on(&shop);
    let asked = browser.open(&format!("/return?code={code}&order={order}")).await;
    assert_eq!((asked.status, asked.answer.header("set-cookie")), (200, ""), "{}", asked.html);
    assert!(asked.html.contains("Is this your order?"), "{}", asked.html);
    assert_eq!(browser.open(&format!("/orders/{order}")).await.status, 404, "not yet");
    let form = [("session", asked.input("session")), ("order", asked.input("order"))];
    assert_eq!(browser.send_from("cross-site", "/return", &form).await.status, 403);
    let back = browser.send("/return", &form).await.answer;
    assert_eq!((back.status, back.header("location")), (303, &*format!("/orders/{order}")));
    let wrong = [("session", shop.admin.as_str()), ("order", asked.input("order"))];
    assert_eq!(Browser::on(&shop).send("/return", &wrong).await.status, 403, "a key is no session");
    let cookie = back.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(back.header("set-cookie").contains("HttpOnly"));
    let page = async |cookie: &str| {
        let path = format!("/orders/{order}");
        shop.send("GET", &path, &[("cookie", cookie)], Value::Null).await
    };
    let waits = page(&cookie).await;
    assert_eq!((waits.status, waits.header("refresh")), (200, "3"), "{}", text(&waits));
    assert!(text(&waits).contains("Approved") && !text(&waits).contains("eyJ"), "no code yet");
    shop.advance(Span::seconds(10)).await;
    shop.run_checkouts().await;
    let done = page(&cookie).await;
    assert_eq!((done.status, done.header("refresh")), (200, ""));
    assert!(text(&done).contains("eyJ") && text(&done).contains("5.00 AUR"), "{}", text(&done));
    assert_eq!(done.header("cache-control"), "no-store");

    // The same address in another browser, in that of another buyer, and the used code once more.
    let nobody = shop.get(&format!("/orders/{order}"), "").await;
    assert_eq!(nobody.status, 404);
    assert!(!text(&nobody).contains("eyJ") && !text(&nobody).contains("tuning"));
    let mut eve = Browser::on(&shop);
    assert_eq!(eve.send("/connect", &[]).await.location(), "https://pay.test/connect/ref_1");
    let way = format!("/return?code={}&connection=con_1", provider.return_code("eve", None));
    let back = eve.open(&way).await;
    assert_eq!((back.status, back.location()), (303, "/return"));
    assert_eq!(eve.open(&format!("/orders/{order}")).await.status, 404);
    // A link that somebody else has begun signs nobody in.
    let way = format!("/return?code={}&connection=con_1", provider.return_code("mal", None));
    let mut victim = Browser::on(&shop);
    let back = victim.open(&way).await;
    assert_eq!((back.status, back.answer.header("set-cookie")), (403, ""));
    assert!(back.html.contains("begun in another browser"), "{}", back.html);
    let used = shop.get(&format!("/return?code={code}&order={order}"), "").await;
    assert_eq!((used.status, used.header("set-cookie")), (303, ""), "a used code signs nobody in");
    assert_eq!(shop.get("/return?code=nonsense", "").await.status, 403);
    provider.fate(&[Fate::Lost]);
    let later = shop.get("/return?code=whatever", "").await;
    assert_eq!((later.status, later.header("refresh")), (503, "3"));
    assert_eq!(shop.get("/return", "").await.status, 403);
    let asked = shop.get("/connect", "").await;
    assert!(text(&asked).contains("pay.test"));
    assert!(asked.header("content-security-policy").contains("https://pay.test"));
    let page = Browser::on(&shop).send_from("cross-site", "/connect", &[]).await;
    assert_eq!(page.status, 403, "nobody is sent to sign in by another site");
}
