//! Requests of other servers: who is heard, and what of it can be told.

use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Json, Router};
use http::{Method, Request};
use scrip_domain::Span;
use scrip_domain::role::{Role, Roles};
use scrip_license::SigningKey;
use scrip_signature::{Stamp, sign};
use scrip_testkit::{AbsentProvider, Answer, KnownServers, Place, Shop, settings};
use scrip_web::{App, AtMerchant, AtProvider, Signed, SignedBody};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

const SHOP: &str = "https://shop.test";
const PAY: &str = "https://pay.test";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// A merchant whose provider is known by one key.
async fn merchant() -> Shop {
    let peers = KnownServers::default().with(PAY, &[key(1).public().clone()]);
    let place = Place {
        roles: Roles::new(&[Role::Merchant]).unwrap(),
        url: SHOP.into(),
        provider: Some(Arc::new(AbsentProvider(PAY))),
        peers: Some(Arc::new(peers)),
        ..Place::default()
    };
    Shop::open_at(place, settings()).await
}

#[derive(Deserialize)]
struct Note {
    request: String,
    #[serde(default)]
    hint: Option<String>,
}

async fn note(_: AtMerchant, body: SignedBody<Note>) -> Json<Value> {
    let Note { request, hint } = body.value;
    Json(json!({ "by": body.by.issuer, "request": request, "hint": hint }))
}

async fn look(by: Signed) -> Json<Value> {
    Json(json!({ "by": by.issuer }))
}

/// Routes with nothing but the extractors.
fn routes(app: &App) -> Router {
    let router = Router::new().route("/note", post(note)).route("/look", get(look));
    router.route("/p", get(|_: AtProvider| async {})).with_state(app.clone())
}

/// What a request is made of.
struct Ask {
    method: Method,
    path: &'static str,
    body: String,
    issuer: &'static str,
    to: &'static str,
    key: SigningKey,
    seconds: i64,
    nonce: u8,
}

fn ask() -> Ask {
    Ask {
        method: Method::POST,
        path: "/note",
        body: json!({ "request": "req_1" }).to_string(),
        issuer: PAY,
        to: SHOP,
        key: key(1),
        seconds: 0,
        nonce: 0,
    }
}

impl Ask {
    fn signed(&self, shop: &Shop) -> Request<String> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{}{}", self.to, self.path))
            .body(self.body.clone())
            .unwrap();
        if !self.body.is_empty() {
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        }
        let created = shop.app.engine.now().seconds() + self.seconds;
        let stamp = Stamp { created, nonce: [self.nonce; 16] };
        sign(&mut request, self.body.as_bytes(), &self.key, self.issuer, stamp).unwrap();
        request
    }

    async fn sent(&self, shop: &Shop) -> Answer {
        send(shop, self.signed(shop)).await
    }
}

/// As it comes through a proxy: the address is a path, the host another.
async fn send(shop: &Shop, request: Request<String>) -> Answer {
    let (mut parts, body) = request.into_parts();
    parts.uri = parts.uri.path_and_query().unwrap().as_str().parse().unwrap();
    parts.headers.insert("host", "127.0.0.1:8080".parse().unwrap());
    let request = Request::from_parts(parts, axum::body::Body::from(body));
    Answer::read(routes(&shop.app).oneshot(request).await.unwrap()).await
}

fn refused(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (401, "signature_refused"), "{answer:?}");
    let detail = "this request is not signed by a server that this one deals with";
    assert_eq!(answer.json["detail"], detail, "nothing helps a forger");
    assert_eq!(answer.header("www-authenticate"), "Signature");
}

#[tokio::test]
async fn the_provider_is_heard_by_its_merchant() {
    let shop = merchant().await;
    let answer = ask().sent(&shop).await;
    assert_eq!(answer.json, json!({ "by": PAY, "request": "req_1", "hint": null }), "{answer:?}");
    let look =
        Ask { method: Method::GET, path: "/look?a=b", body: String::new(), nonce: 1, ..ask() };
    assert_eq!(look.sent(&shop).await.json, json!({ "by": PAY }));
}

#[tokio::test]
async fn a_request_is_heard_once_and_for_a_minute() {
    let shop = merchant().await;
    let first = ask().signed(&shop);
    assert_eq!(send(&shop, first.clone()).await.status, 200);
    refused(&send(&shop, first.clone()).await);
    shop.clock.advance(Span::seconds(60));
    refused(&send(&shop, first.clone()).await);
    for (nonce, seconds, status) in [(1, -61, 401), (2, -60, 200), (3, 60, 200), (4, 61, 401)] {
        let answer = Ask { seconds, nonce, ..ask() }.sent(&shop).await;
        assert_eq!(answer.status, status, "{seconds}: {answer:?}");
    }
}

#[tokio::test]
async fn nobody_else_is_heard() {
    let shop = merchant().await;
    refused(&Ask { key: key(2), ..ask() }.sent(&shop).await);
    refused(&Ask { issuer: "https://evil.test", ..ask() }.sent(&shop).await);
    refused(&Ask { issuer: SHOP, ..ask() }.sent(&shop).await);
    refused(&Ask { to: "https://another.test", ..ask() }.sent(&shop).await);
    let mut unsigned = ask().signed(&shop);
    unsigned.headers_mut().remove("signature");
    refused(&send(&shop, unsigned).await);
    let mut altered = ask().signed(&shop);
    *altered.body_mut() = json!({ "request": "req_2" }).to_string();
    refused(&send(&shop, altered).await);
    let mut keyed = ask().signed(&shop);
    keyed.headers_mut().insert("idempotency-key", "k".parse().unwrap());
    refused(&send(&shop, keyed).await);
    let answer = ask().sent(&shop).await;
    assert_eq!(answer.status, 200, "what was refused has used no nonce up: {answer:?}");
}

#[tokio::test]
async fn a_vendor_alone_hears_nobody() {
    let shop = Shop::open().await;
    let look = Ask {
        method: Method::GET,
        path: "/look",
        body: String::new(),
        to: "http://shop.test",
        ..ask()
    };
    refused(&look.sent(&shop).await);
    assert_eq!(ask().sent(&shop).await.code(), "not_found", "it is no merchant");
    let merchant = merchant().await;
    let look = Ask { method: Method::GET, path: "/p", ..ask() };
    assert_eq!(look.sent(&merchant).await.code(), "not_found", "it is no provider");
}

#[tokio::test]
async fn keys_that_cannot_be_read_are_no_refusal() {
    let place = Place {
        roles: Roles::new(&[Role::Merchant]).unwrap(),
        url: SHOP.into(),
        provider: Some(Arc::new(AbsentProvider(PAY))),
        peers: Some(Arc::new(KnownServers::default())),
        ..Place::default()
    };
    let shop = Shop::open_at(place, settings()).await;
    let answer = ask().sent(&shop).await;
    assert_eq!((answer.status, answer.code()), (503, "busy"), "{answer:?}");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn later_versions_may_say_more() {
    let shop = merchant().await;
    let bodies = [
        (json!({ "request": "r", "more": { "a": 1 } }), ""),
        (json!({ "request": "r", "crit": ["hint"], "hint": "h" }), ""),
        (json!({ "request": "r", "crit": ["more"], "more": 1 }), "unknown_field"),
        (json!({ "request": "r", "crit": [] }), "invalid_field"),
        (json!({ "request": "r", "crit": "more" }), "invalid_field"),
        (json!({ "request": 1 }), "invalid_field"),
        (json!({}), "invalid_field"),
    ];
    for ((body, code), nonce) in bodies.into_iter().zip(1..) {
        let answer = Ask { body: body.to_string(), nonce, ..ask() }.sent(&shop).await;
        assert_eq!(answer.code(), code, "{body}: {answer:?}");
    }
    let twice = Ask { body: r#"{"request":"a","request":"b"}"#.into(), nonce: 20, ..ask() };
    assert_eq!(twice.sent(&shop).await.code(), "invalid_field");
    let long = json!({ "request": "r".repeat(100 * 1024) }).to_string();
    assert_eq!(Ask { body: long, nonce: 21, ..ask() }.sent(&shop).await.status, 200);
    let longer = json!({ "request": "r".repeat(129 * 1024) }).to_string();
    assert_eq!(Ask { body: longer, nonce: 22, ..ask() }.sent(&shop).await.status, 413);
}

#[tokio::test]
async fn discovery_leads_to_the_keys_by_which_others_know_this_server() {
    let shop = merchant().await;
    let discovery = shop.get("/.well-known/scrip", "").await;
    assert_eq!(discovery.json["roles"], json!(["merchant"]));
    let path = discovery.at("/protocol_jwks_uri").strip_prefix(SHOP).unwrap();
    let answer = shop.get(path, "").await;
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    let keys: scrip_license::KeySet = serde_json::from_value(answer.json).unwrap();
    let own = shop.app.engine.keys();
    assert_eq!(keys.iter().next(), Some(own.protocol().unwrap().public()));
    assert!(own.public().get(own.protocol().unwrap().kid()).is_none(), "it signs no codes");
}

#[tokio::test]
async fn a_document_is_signed_with_the_protocol_key() {
    use scrip_domain::document::{Document, Fulfilment, Outcome};

    let shop = merchant().await;
    let document = Fulfilment {
        issuer: SHOP.into(),
        audience: PAY.into(),
        issued_at: 1,
        request: "r".into(),
        order: "o".into(),
        receipt: "d".into(),
        codes: "c".into(),
        outcome: Outcome::Fulfilled,
    };
    let signed = shop.app.engine.sign_document(&document).unwrap();
    assert_eq!(shop.app.engine.sign_document(&document).unwrap(), signed);
    let keys = shop.app.engine.keys();
    let read: Fulfilment =
        scrip_license::jws::verify(&signed, Fulfilment::TYP, keys.public_protocol()).unwrap();
    assert_eq!(read, document);
}
