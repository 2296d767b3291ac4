//! A merchant and a provider, both whole: every call goes through the provider's router, signed as on the wire.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use futures_util::FutureExt;
use http::Request;
use scrip_domain::document::MAX_LENGTH;
use scrip_domain::purchase_request::RequestState;
use scrip_domain::role::{Role, Roles};
use scrip_domain::{Amount, Span};
use scrip_engine::provider::{Asked, Opened, Picture, Provider, ProviderError, Returned, Standing};
use scrip_license::{KeySet, SigningKey, jws};
use scrip_signature::{Stamp, sign};
use scrip_testkit::{Answer, KnownServers, Place, Shop, settings};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::provider::{PAY, SHOP, World, code};

/// The protocol key of every shop of the testkit.
fn key() -> SigningKey {
    SigningKey::from_seed([8; 32])
}

/// The provider's router, as the merchant reaches it.
struct Link {
    router: Mutex<Router>,
    now: Box<dyn Fn() -> i64 + Send + Sync>,
    keys: KeySet,
    nonce: AtomicU64,
    /// How many of the next answers arrive, and how many after them are lost.
    sparing: AtomicU64,
    losing: AtomicU64,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    async fn send(
        &self,
        method: &str,
        path: String,
        idempotency: &str,
        body: Value,
    ) -> Result<Value, ProviderError> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let mut request =
            Request::builder().method(method).uri(format!("{PAY}{path}")).body(text).unwrap();
        if !body.is_null() {
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        }
        if !idempotency.is_empty() {
            request.headers_mut().insert("idempotency-key", idempotency.parse().unwrap());
        }
        let mut nonce = [9; 16];
        nonce[..8].copy_from_slice(&self.nonce.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let (text, stamp) = (request.body().clone(), Stamp { nonce, created: (self.now)() });
        sign(&mut request, text.as_bytes(), &key(), SHOP, stamp).unwrap();
        let (mut parts, body) = request.into_parts();
        parts.uri = path.parse().unwrap();
        let request = Request::from_parts(parts, axum::body::Body::from(body));
        let router = self.router.lock().unwrap().clone();
        let answer = Answer::read(router.oneshot(request).await.unwrap()).await;
        if self.sparing.load(Ordering::SeqCst) > 0 {
            self.sparing.fetch_sub(1, Ordering::SeqCst);
        } else if self.losing.load(Ordering::SeqCst) > 0 {
            self.losing.fetch_sub(1, Ordering::SeqCst);
            return Err(ProviderError::Unanswered("lost".into()));
        }
        if answer.status < 300 {
            return Ok(answer.json);
        }
        let (code, detail) = (answer.code().to_owned(), answer.at("/detail").to_owned());
        Err(ProviderError::Refused { code, detail })
    }

    async fn picture(
        &self,
        verb: &str,
        request: &str,
        body: Value,
    ) -> Result<Picture, ProviderError> {
        let method = if body.is_null() { "GET" } else { "POST" };
        let path = format!("/v1/purchase-requests/{request}{verb}");
        Ok(picture(&self.send(method, path, "", body).await?))
    }
}

fn text(json: &Value, pointer: &str) -> Option<String> {
    json.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

fn picture(json: &Value) -> Picture {
    let refunds = json["refunds"].as_array().unwrap().iter();
    Picture {
        id: text(json, "/id").unwrap(),
        state: RequestState::parse(&text(json, "/state").unwrap()).unwrap(),
        confirmation: text(json, "/confirmation"),
        receipt: text(json, "/receipt"),
        fulfilment: text(json, "/fulfilment"),
        refunds: refunds.map(|refund| refund.as_str().unwrap().to_owned()).collect(),
    }
}

fn opened(json: &Value) -> Opened {
    let seconds = u32::try_from(json["expires_in"].as_u64().unwrap()).unwrap();
    Opened {
        id: text(json, "/id").unwrap(),
        url: text(json, "/url").unwrap(),
        expires_in: Span::seconds(seconds),
    }
}

impl Provider for Link {
    fn url(&self) -> &str {
        PAY
    }

    fn open<'a>(&'a self, order: &'a str, offer: &'a str) -> Asked<'a, Opened> {
        async move {
            let path = "/v1/purchase-requests".to_owned();
            Ok(opened(&self.send("POST", path, order, json!({ "offer": offer })).await?))
        }
        .boxed()
    }

    fn request<'a>(&'a self, request: &'a str) -> Asked<'a, Picture> {
        self.picture("", request, Value::Null).boxed()
    }

    fn capture<'a>(&'a self, request: &'a str) -> Asked<'a, Picture> {
        self.picture("/capture", request, json!({})).boxed()
    }

    fn fulfilled<'a>(&'a self, request: &'a str, codes: &'a str) -> Asked<'a, Picture> {
        self.picture("/fulfilled", request, json!({ "codes": codes })).boxed()
    }

    fn cancel<'a>(&'a self, request: &'a str) -> Asked<'a, Picture> {
        self.picture("/cancel", request, json!({})).boxed()
    }

    fn refund<'a>(
        &'a self,
        request: &'a str,
        refund: &'a str,
        amount: Amount,
        reason: &'a str,
    ) -> Asked<'a, Picture> {
        async move {
            let path = format!("/v1/purchase-requests/{request}/refunds");
            let body = json!({ "amount": amount, "reason": reason });
            Ok(picture(&self.send("POST", path, refund, body).await?))
        }
        .boxed()
    }

    fn connect<'a>(&'a self, connection: &'a str, return_url: &'a str) -> Asked<'a, Opened> {
        async move {
            let (path, body) = ("/v1/connection-requests", json!({ "return_url": return_url }));
            Ok(opened(&self.send("POST", path.to_owned(), connection, body).await?))
        }
        .boxed()
    }

    fn redeem<'a>(&'a self, return_code: &'a str) -> Asked<'a, Returned> {
        async move {
            let path = "/v1/return-codes".to_owned();
            let json = self.send("POST", path, "", json!({ "code": return_code })).await?;
            Ok(Returned {
                subject: text(&json, "/subject").unwrap(),
                request: json.get("request").filter(|row| !row.is_null()).map(picture),
                connection: text(&json, "/connection"),
                standing: Standing { funded: json["funded"].as_bool() },
            })
        }
        .boxed()
    }

    fn standing<'a>(&'a self, subject: &'a str) -> Asked<'a, Standing> {
        async move {
            let json = self.send("GET", format!("/v1/subjects/{subject}"), "", Value::Null).await?;
            Ok(Standing { funded: json["funded"].as_bool() })
        }
        .boxed()
    }

    fn read<'a>(&'a self, typ: &'a str, document: &'a str) -> Asked<'a, Value> {
        let claims = jws::verify_within::<Value>(MAX_LENGTH, document, typ, &self.keys);
        let claims = claims.map_err(|error| ProviderError::Unbelievable(error.to_string()));
        std::future::ready(claims).boxed()
    }
}

/// Both servers, a service at 250 at the merchant, and a buyer at the provider with 1000.
struct Pair {
    world: World,
    shop: Shop,
    link: Arc<Link>,
    offer: String,
    buyer: String,
}

impl Pair {
    async fn open() -> Self {
        let peers = KnownServers::default().with(SHOP, &[key().public().clone()]);
        let place = Place { peers: Some(Arc::new(peers)), ..crate::provider::place() };
        let world = World::open_at(place, settings()).await;
        let app = world.pay.app.clone();
        let link = Arc::new(Link {
            router: Mutex::new(world.pay.router()),
            now: Box::new(move || app.engine.now().seconds()),
            keys: world.pay.app.engine.keys().public_protocol().clone(),
            nonce: AtomicU64::new(0),
            sparing: AtomicU64::new(0),
            losing: AtomicU64::new(0),
        });
        let peers = KnownServers::default().with(PAY, &[key().public().clone()]);
        let place = Place {
            roles: Roles::new(&[Role::Merchant]).unwrap(),
            url: SHOP.into(),
            provider: Some(link.clone()),
            peers: Some(Arc::new(peers)),
            ..Place::default()
        };
        let shop = Shop::open_at(place, settings()).await;
        let offer = shop.service("tuning", 250).await;
        let buyer = world.pay.buyer("ada@example.com", 1000).await;
        Self { world, shop, link, offer, buyer }
    }

    /// Time passes at both, and both do what is due.
    async fn pass(&self, span: Span) {
        self.world.pass(span).await;
        self.shop.advance(span).await;
        self.shop.run_checkouts().await;
    }

    async fn as_visitor(&self, method: &str, path: &str, token: &str, key: &str) -> Answer {
        let authorization = format!("Order {token}");
        let mut headers = vec![("authorization", authorization.as_str())];
        if !key.is_empty() {
            headers.push(("idempotency-key", key));
        }
        let body = if method == "POST" { json!({}) } else { Value::Null };
        self.shop.send(method, path, &headers, body).await
    }

    /// An order of a visitor's, sent to the provider: its path at the merchant, its token, its path at the provider.
    async fn send(&self) -> (String, String, String) {
        let body = json!({ "lines": [{ "offer": self.offer }] });
        let draft = self.shop.post("/v1/orders", "", "draft", body).await;
        let (order, token) = (draft.at("/id").to_owned(), draft.at("/order_token").to_owned());
        let path = format!("/v1/orders/{order}");
        let mut sent = self.as_visitor("POST", &format!("{path}/confirm"), &token, "c").await;
        if sent.status == 503 {
            sent = self.as_visitor("POST", &format!("{path}/confirm"), &token, "c").await;
        }
        assert_eq!(sent.status, 202, "{sent:?}");
        let url = sent.at("/next_action/redirect");
        let payment = url.strip_prefix("https://pay.test/pay/").unwrap_or_else(|| panic!("{url}"));
        (path, token, format!("/v1/payments/{payment}"))
    }

    async fn confirm(&self, payment: &str) -> String {
        let pay = &self.world.pay;
        let claimed = pay.post(&format!("{payment}/claim"), &self.buyer, "", Value::Null).await;
        assert_eq!(claimed.status, 200, "{claimed:?}");
        let confirmed = pay.post(&format!("{payment}/confirm"), &self.buyer, "k", json!({})).await;
        assert_eq!(
            (confirmed.status, confirmed.at("/state")),
            (200, "authorized"),
            "{confirmed:?}"
        );
        code(&confirmed)
    }

    async fn sign_in(&self, code: &str) -> String {
        let session = self.shop.post("/v1/sessions", "", "", json!({ "return_code": code })).await;
        assert_eq!(session.status, 201, "{session:?}");
        session.at("/token").to_owned()
    }

    async fn sound(&self) {
        self.shop.sound().await;
        self.world.pay.sound().await;
    }
}

#[tokio::test]
async fn an_order_is_paid_at_one_server_and_delivered_by_the_other() {
    let pair = Pair::open().await;
    let (path, _, payment) = pair.send().await;
    let code = pair.confirm(&payment).await;
    let ada = pair.sign_in(&code).await;
    let order = pair.shop.get(&path, &ada).await;
    assert_eq!((order.at("/state"), order.json["approved"].as_bool()), ("paid", Some(true)));
    let jws = order.at("/licenses/0/code/jws");
    let verdict = pair.shop.post("/v1/licenses/validate", "", "", json!({ "code": jws })).await;
    assert_eq!(verdict.at("/code"), "VALID");
    assert_eq!(pair.world.funds(&pair.buyer).await, (750, 0));
    pair.sound().await;

    let path = format!("/v1/admin/orders/{}/refunds", order.at("/id"));
    let body = json!({ "reason": "does not start" });
    let back = pair.shop.post(&path, &pair.shop.admin, "r", body).await;
    assert_eq!((back.status, back.at("/amount/display")), (201, "2.50 AUR"), "{back:?}");
    assert_eq!(pair.world.funds(&pair.buyer).await, (1000, 0));
    pair.sound().await;
}

#[tokio::test]
async fn answers_that_are_lost_at_every_step_change_nothing() {
    for lost in 1..12 {
        let pair = Pair::open().await;
        // The first answers of the whole way, the opening's among them.
        pair.link.losing.store(u64::from(lost == 1), Ordering::SeqCst);
        let (path, token, payment) = pair.send().await;
        pair.confirm(&payment).await;
        pair.link.losing.store(lost - 1, Ordering::SeqCst);
        for _ in 0..8 {
            pair.pass(Span::seconds(65)).await;
        }
        let order = pair.as_visitor("GET", &path, &token, "").await;
        assert_eq!(order.at("/state"), "paid", "{lost}: {order:?}");
        assert_eq!(pair.world.funds(&pair.buyer).await, (750, 0), "{lost}");
        pair.sound().await;
    }
}

#[tokio::test]
async fn a_merchant_that_is_away_gives_back_by_the_deadline_and_delivers_nothing() {
    let pair = Pair::open().await;
    let (path, _, payment) = pair.send().await;
    let code = pair.confirm(&payment).await;
    // The answers to the return code and to the capture arrive; none of those that follow does.
    pair.link.sparing.store(2, Ordering::SeqCst);
    pair.link.losing.store(u64::MAX, Ordering::SeqCst);
    let ada = pair.sign_in(&code).await;
    let order = pair.shop.get(&path, &ada).await;
    assert_eq!(order.at("/state"), "captured", "{order:?}");
    pair.world.pass(Span::days(2)).await;
    assert_eq!(pair.world.funds(&pair.buyer).await, (1000, 0), "the provider gave back");
    pair.link.losing.store(0, Ordering::SeqCst);
    pair.shop.advance(Span::days(2)).await;
    pair.shop.run_checkouts().await;
    let order = pair.shop.get(&path, &ada).await;
    assert_eq!((order.at("/state"), order.at("/reason")), ("refunded", "already_refunded"));
    assert!(order.json["licenses"].is_null());
    pair.sound().await;
}

#[tokio::test]
async fn a_hold_that_ran_out_and_a_buyer_who_said_no_charge_nothing() {
    let pair = Pair::open().await;
    let (path, token, payment) = pair.send().await;
    pair.confirm(&payment).await;
    // Nobody tells the merchant, and it sleeps.
    pair.pass(Span::hours(1)).await;
    let order = pair.as_visitor("GET", &path, &token, "").await;
    assert_eq!((order.at("/state"), order.at("/reason")), ("expired", "hold_expired"));
    assert_eq!(pair.world.funds(&pair.buyer).await, (1000, 0));
    pair.sound().await;

    let pair = Pair::open().await;
    let (path, _, payment) = pair.send().await;
    let pay = &pair.world.pay;
    pay.post(&format!("{payment}/claim"), &pair.buyer, "", Value::Null).await;
    let no = pay.post(&format!("{payment}/decline"), &pair.buyer, "", Value::Null).await;
    assert_eq!((no.status, no.at("/state")), (200, "declined"), "{no:?}");
    let ada = pair.sign_in(&code(&no)).await;
    let order = pair.shop.get(&path, &ada).await;
    assert_eq!((order.at("/state"), order.json["approved"].as_bool()), ("declined", Some(false)));
    pair.sound().await;
}

#[tokio::test]
async fn a_buyer_connects_and_shares_whether_there_is_enough() {
    let pair = Pair::open().await;
    let way = pair.shop.post("/v1/connections", "", "", json!({})).await;
    assert_eq!(way.status, 201, "{way:?}");
    let reference = way.at("/url").rsplit('/').next().unwrap().to_owned();
    let path = format!("/v1/connections/{reference}/approve");
    let yes = pair.world.pay.post(&path, &pair.buyer, "", json!({ "share": ["funded"] })).await;
    assert_eq!(yes.status, 200, "{yes:?}");
    let ada = pair.sign_in(&code(&yes)).await;
    let account = pair.shop.get("/v1/account", &ada).await;
    assert_eq!(account.at("/standing"), "funded", "{account:?}");
    pair.sound().await;
}
