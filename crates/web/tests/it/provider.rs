//! A provider as its merchants and their buyers see it: one purchase from the offer to the payout.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use http::Request;
use scrip_domain::document::{
    Confirmation, Decided, Document, Fulfilment, GivenBackBy, MAX_LENGTH, Offer, OfferLine,
    Outcome, Receipt, Refunding,
};
use scrip_domain::role::{Role, Roles};
use scrip_domain::settings::Settings;
use scrip_domain::{Amount, Span, Unit};
use scrip_license::{KeySet, SigningKey, jws};
use scrip_signature::{Stamp, sign};
use scrip_testkit::{Answer, KnownServers, Place, Shop, settings};
use serde_json::{Value, json};

pub const PAY: &str = "https://pay.test";
pub const SHOP: &str = "https://shop.test";
pub const OTHER: &str = "https://other.test";

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

pub fn amount(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

pub fn aur(units: u64) -> Value {
    json!({ "amount": units, "unit": "AUR" })
}

/// A provider with two merchants.
pub struct World {
    pub pay: Shop,
    pub merchant: String,
    nonce: AtomicU64,
}

/// A merchant's server: its address and key.
#[derive(Clone, Copy)]
pub struct Caller(pub &'static str, pub u8);

/// The merchant, and another one.
pub const FIRST: Caller = Caller(SHOP, 21);
pub const SECOND: Caller = Caller(OTHER, 22);

pub fn place() -> Place {
    let peers = KnownServers::default()
        .with(SHOP, &[key(21).public().clone()])
        .with(OTHER, &[key(22).public().clone()]);
    Place {
        roles: Roles::new(&[Role::Provider]).unwrap(),
        url: PAY.into(),
        peers: Some(Arc::new(peers)),
        ..Place::default()
    }
}

impl World {
    pub async fn open() -> Self {
        Self::open_with(settings()).await
    }

    pub async fn open_with(settings: Settings) -> Self {
        Self::open_at(place(), settings).await
    }

    pub async fn open_at(place: Place, settings: Settings) -> Self {
        let pay = Shop::open_at(place, settings).await;
        let mut world = Self { pay, merchant: String::new(), nonce: AtomicU64::new(0) };
        for url in [OTHER, SHOP] {
            let answer = world.register(url, json!({})).await;
            assert_eq!(answer.status, 201, "{answer:?}");
            world.merchant = answer.at("/id").to_owned();
        }
        world
    }

    /// Registers a merchant with more to it.
    pub async fn register(&self, url: &str, more: Value) -> Answer {
        let mut body = json!({
            "url": url, "name": "Field Sounds", "return_origins": [url],
            "limits": { "order": 1000, "open": 3, "day": 2000 },
            "fee": { "basis_points": 1000, "fixed": 1 }, "threshold": 300,
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.pay.post("/v1/admin/merchants", &self.pay.admin, "", body).await
    }

    pub async fn change(&self, body: Value) -> Answer {
        let path = format!("/v1/admin/merchants/{}", self.merchant);
        let bearer = format!("Bearer {}", self.pay.admin);
        let answer = self.pay.send("PATCH", &path, &[("authorization", &bearer)], body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    /// Lets the merchant do what it likes.
    pub async fn trust_much(&self) {
        let much = 1_000_000;
        self.change(json!({ "limits": { "order": much, "open": 100, "day": much } })).await;
    }

    /// A request that `caller` signs.
    pub async fn signed(
        &self,
        caller: Caller,
        method: &str,
        path: &str,
        idempotency: &str,
        body: Value,
    ) -> Answer {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{PAY}{path}"))
            .body(text.clone())
            .unwrap();
        if !text.is_empty() {
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        }
        if !idempotency.is_empty() {
            request.headers_mut().insert("idempotency-key", idempotency.parse().unwrap());
        }
        let mut nonce = [caller.1; 16];
        nonce[..8].copy_from_slice(&self.nonce.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let stamp = Stamp { created: self.pay.app.engine.now().seconds(), nonce };
        sign(&mut request, text.as_bytes(), &key(caller.1), caller.0, stamp).unwrap();
        let (mut parts, body) = request.into_parts();
        parts.uri = path.parse().unwrap();
        self.pay.raw(Request::from_parts(parts, axum::body::Body::from(body))).await
    }

    pub async fn post(&self, path: &str, idempotency: &str, body: Value) -> Answer {
        self.signed(FIRST, "POST", path, idempotency, body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.signed(FIRST, "GET", path, "", Value::Null).await
    }

    /// An offer of the merchant's for `total`, written now.
    pub fn offer(&self, order: &str, total: u64) -> Offer {
        Offer {
            issuer: SHOP.into(),
            audience: PAY.into(),
            nonce: format!("nonce of {order}"),
            issued_at: u64::try_from(self.pay.app.engine.now().seconds()).unwrap(),
            order: order.into(),
            token: Unit::parse("AUR").unwrap(),
            lines: vec![OfferLine {
                line: "lin_1".into(),
                title: "Field recorder".into(),
                quantity: 1,
                price: amount(total),
                discount: None,
                size: Some(1024),
                digest: None,
                download_seconds: Some(2),
            }],
            total: amount(total),
            return_url: format!("{SHOP}/return"),
            pay_seconds: 600,
            hold_seconds: 600,
            fulfil_seconds: 86_400,
            refund_seconds: 1_209_600,
        }
    }

    pub async fn send_offer(&self, offer: &Offer) -> Answer {
        self.send_document(&offer.order, &document(21, offer)).await
    }

    async fn send_document(&self, order: &str, offer: &str) -> Answer {
        self.post("/v1/purchase-requests", order, json!({ "offer": offer })).await
    }

    /// Opens a request.
    pub async fn opened(&self, order: &str, total: u64) -> Opened {
        self.opened_for(&self.offer(order, total)).await
    }

    async fn opened_for(&self, offer: &Offer) -> Opened {
        let answer = self.send_offer(offer).await;
        assert_eq!((answer.status, answer.at("/state")), (201, "open"), "{answer:?}");
        let reference = answer.at("/url").rsplit('/').next().unwrap().to_owned();
        Opened { id: answer.at("/id").to_owned(), reference }
    }

    /// A request that `buyer` has claimed.
    pub async fn claimed(&self, buyer: &str, order: &str, total: u64) -> Opened {
        let opened = self.opened(order, total).await;
        let answer = self.step(buyer, &opened, "claim").await;
        assert_eq!((answer.status, answer.at("/state")), (200, "claimed"), "{answer:?}");
        opened
    }

    /// A request that `buyer` has confirmed.
    pub async fn authorized(&self, buyer: &str, order: &str, total: u64) -> Opened {
        let opened = self.claimed(buyer, order, total).await;
        let answer = self.confirm(buyer, &opened, order).await;
        assert_eq!((answer.status, answer.at("/state")), (200, "authorized"), "{answer:?}");
        opened
    }

    /// A request that was captured.
    pub async fn captured(&self, buyer: &str, order: &str, total: u64) -> Opened {
        let opened = self.authorized(buyer, order, total).await;
        let answer = self.call(&opened, "capture").await;
        assert_eq!((answer.status, answer.at("/state")), (200, "captured"), "{answer:?}");
        opened
    }

    pub async fn step(&self, buyer: &str, opened: &Opened, step: &str) -> Answer {
        let path = format!("/v1/payments/{}/{step}", opened.reference);
        self.pay.post(&path, buyer, "", Value::Null).await
    }

    pub async fn confirm(&self, buyer: &str, opened: &Opened, key: &str) -> Answer {
        let path = format!("/v1/payments/{}/confirm", opened.reference);
        self.pay.post(&path, buyer, key, json!({})).await
    }

    pub async fn view(&self, buyer: &str, opened: &Opened) -> Answer {
        self.pay.get(&format!("/v1/payments/{}", opened.reference), buyer).await
    }

    pub async fn call(&self, opened: &Opened, verb: &str) -> Answer {
        self.post(&format!("/v1/purchase-requests/{}/{verb}", opened.id), "", json!({})).await
    }

    pub async fn fulfilled(&self, opened: &Opened) -> Answer {
        let path = format!("/v1/purchase-requests/{}/fulfilled", opened.id);
        self.post(&path, "", json!({ "codes": "c".repeat(43) })).await
    }

    pub async fn refund(&self, opened: &Opened, key: &str, amount: Option<u64>) -> Answer {
        let path = format!("/v1/purchase-requests/{}/refunds", opened.id);
        self.post(&path, key, json!({ "amount": amount, "reason": "does not start" })).await
    }

    pub async fn picture(&self, opened: &Opened) -> Answer {
        self.get(&format!("/v1/purchase-requests/{}", opened.id)).await
    }

    pub async fn state(&self, opened: &Opened) -> String {
        self.picture(opened).await.at("/state").to_owned()
    }

    /// Balance, what waits and what can be paid out.
    pub async fn earned(&self) -> (i64, u64, u64) {
        let answer = self.get("/v1/merchant/balance").await;
        let number = |pointer: &str| answer.json.pointer(pointer).unwrap().clone();
        (
            number("/balance/amount").as_i64().unwrap(),
            number("/pending/amount").as_u64().unwrap(),
            number("/payable/amount").as_u64().unwrap(),
        )
    }

    async fn pay_out(&self, key: &str, units: u64) -> Answer {
        let path = format!("/v1/admin/merchants/{}/payouts", self.merchant);
        let money = json!({ "amount": 100, "unit": "EUR" });
        let body = json!({ "tokens": aur(units), "money": money, "reference": "Statement 4" });
        self.pay.post(&path, &self.pay.admin, key, body).await
    }

    /// What happened to the merchant, as words.
    async fn events(&self) -> Vec<String> {
        let answer = self.get("/v1/merchant/events?limit=100").await;
        let data = answer.json["data"].as_array().unwrap().clone();
        let seq: Vec<u64> = data.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(seq, (1..=data.len() as u64).collect::<Vec<_>>(), "no gap");
        let word = |event: &Value| event["type"].as_str().unwrap().replace("purchase_request.", "");
        data.iter().map(word).collect()
    }

    /// What the clock and the worker do.
    pub async fn pass(&self, span: Span) {
        self.pay.advance(span).await;
        while self.pay.app.engine.lapse_requests().await.unwrap() > 0 {}
    }

    async fn held(&self, buyer: &str) -> u64 {
        self.pay.get("/v1/wallet", buyer).await.json["held"]["amount"].as_u64().unwrap()
    }

    pub async fn funds(&self, buyer: &str) -> (u64, u64) {
        (self.pay.available(buyer).await, self.held(buyer).await)
    }
}

/// A request, as both sides know it.
pub struct Opened {
    pub id: String,
    pub reference: String,
}

fn document<D: Document>(seed: u8, document: &D) -> String {
    jws::sign_within(MAX_LENGTH, &key(seed), D::TYP, document).unwrap()
}

/// What a document of the provider's says.
fn read<D: Document>(world: &World, answer: &Answer, pointer: &str) -> D {
    let text = answer.at(pointer);
    let keys = world.pay.app.engine.keys();
    let public: &KeySet = keys.public_protocol();
    jws::verify_within(MAX_LENGTH, text, D::TYP, public)
        .unwrap_or_else(|e| panic!("{e}: {answer:?}"))
}

fn digest(document: &str) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    use sha2::Digest;
    Base64UrlUnpadded::encode_string(&sha2::Sha256::digest(document.as_bytes()))
}

/// The code in the address with which a buyer goes back.
pub fn code(answer: &Answer) -> String {
    let url = answer.at("/return_url");
    let query =
        url.strip_prefix("https://shop.test/return?code=").unwrap_or_else(|| panic!("{url}"));
    query.split('&').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_purchase_goes_from_the_offer_to_the_payout() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 1000).await;
    let offer = world.offer("ord_1", 400);
    let opened = world.opened_for(&offer).await;
    let seen = world.view("", &opened).await;
    assert_eq!(
        (seen.at("/state"), seen.at("/merchant/name")),
        ("open", "Field Sounds"),
        "{seen:?}"
    );
    assert_eq!(seen.at("/lines/0/title"), "Field recorder");
    assert_eq!(seen.json["offer"], serde_json::to_value(&offer).unwrap());
    assert_eq!((&seen.json["balance"], &seen.json["expires_in"]), (&Value::Null, &json!(600)));
    world.step(&ada, &opened, "claim").await;
    assert_eq!(world.view(&ada, &opened).await.at("/balance/display"), "10.00 AUR");

    let confirmed = world.confirm(&ada, &opened, "k1").await;
    assert_eq!(confirmed.at("/state"), "authorized", "{confirmed:?}");
    assert_eq!(world.funds(&ada).await, (600, 400));
    let back = world.post("/v1/return-codes", "", json!({ "code": code(&confirmed) })).await;
    assert_eq!((back.at("/request/id"), &back.json["funded"]), (&*opened.id, &Value::Null));
    let picture = world.picture(&opened).await;
    assert_eq!(back.json["request"], picture.json);
    let confirmation: Confirmation = read(&world, &picture, "/confirmation");
    assert_eq!(confirmation.offer, digest(&document(21, &offer)));
    assert_eq!(confirmation.subject.as_deref(), Some(back.at("/subject")));
    assert_eq!((confirmation.decision, confirmation.amount), (Decided::Approved, amount(400)));
    assert_eq!((&*confirmation.issuer, &*confirmation.audience), (PAY, SHOP));

    let captured = world.call(&opened, "capture").await;
    let receipt: Receipt = read(&world, &captured, "/receipt");
    assert_eq!(receipt.confirmation, digest(picture.at("/confirmation")));
    assert_eq!((receipt.amount, receipt.fee), (amount(400), amount(41)), "10 % and 1");
    assert_eq!(world.funds(&ada).await, (600, 0));
    assert_eq!(world.earned().await, (359, 359, 0));
    let fulfilled = world.fulfilled(&opened).await;
    let fulfilment: Fulfilment = read(&world, &fulfilled, "/fulfilment");
    assert_eq!(fulfilment.receipt, digest(captured.at("/receipt")));
    assert_eq!((fulfilment.outcome, &*fulfilment.codes), (Outcome::Fulfilled, &*"c".repeat(43)));
    assert_eq!(world.earned().await, (359, 359, 0), "it can still go back");
    assert_eq!(world.pay_out("p1", 1).await.code(), "invalid_field");

    world.pass(Span::days(14)).await;
    assert_eq!(world.earned().await, (359, 0, 359));
    let paid = world.pay_out("p1", 300).await;
    assert_eq!((paid.status, paid.at("/tokens/display")), (201, "3.00 AUR"), "{paid:?}");
    let again = world.pay_out("p1", 300).await;
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), ("true", &paid.bytes));
    assert_eq!(world.pay_out("p1", 1).await.code(), "idempotency_key_reused");
    assert_eq!(world.pay_out("p2", 60).await.code(), "invalid_field", "59 are left");
    assert_eq!(world.earned().await, (59, 0, 59));

    let events = ["authorized", "captured", "fulfilled", "merchant.paid_out"];
    assert_eq!(world.events().await, events);
    let lines = world.get("/v1/merchant/transfers").await;
    let reasons: Vec<&str> = lines.json["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["payout", "fee", "capture"]);
    let own = world.pay.get("/v1/wallet/transfers", &ada).await;
    assert_eq!((own.at("/data/0/reason"), own.at("/data/0/subject")), ("capture", &*opened.id));
    assert_eq!(world.pay.get("/v1/payments", &ada).await.at("/data/0/state"), "fulfilled");
    let audit = world.pay.get("/v1/admin/audit", &world.pay.admin).await;
    assert_eq!(audit.at("/data/0/act"), "merchant.paid_out");
    world.pay.sound().await;
}

#[tokio::test]
async fn every_verb_can_be_repeated() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 1000).await;
    let offer = document(21, &world.offer("ord_1", 400));
    let first = world.send_document("ord_1", &offer).await;
    let again = world.send_document("ord_1", &offer).await;
    assert_eq!((again.status, &again.json), (201, &first.json), "one order, one request");
    let reference = first.at("/url").rsplit('/').next().unwrap().to_owned();
    let opened = Opened { id: first.at("/id").into(), reference };
    for _ in 0..2 {
        assert_eq!(world.step(&ada, &opened, "claim").await.at("/state"), "claimed");
    }
    let confirmed = world.confirm(&ada, &opened, "k1").await;
    let again = world.confirm(&ada, &opened, "k1").await;
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), ("true", &confirmed.bytes));
    assert_eq!(world.funds(&ada).await, (600, 400));
    let captured = world.call(&opened, "capture").await;
    assert_eq!(world.call(&opened, "capture").await.bytes, captured.bytes);
    let again = world.confirm(&ada, &opened, "k1").await;
    assert_eq!(again.bytes, confirmed.bytes, "whatever became of it since");
    let fulfilled = world.fulfilled(&opened).await;
    assert_eq!(world.fulfilled(&opened).await.bytes, fulfilled.bytes);
    assert_eq!(world.call(&opened, "capture").await.at("/receipt"), captured.at("/receipt"));
    let refunded = world.refund(&opened, "r1", Some(100)).await;
    assert_eq!(refunded.at("/state"), "partially_refunded", "{refunded:?}");
    assert_eq!(world.refund(&opened, "r1", Some(100)).await.bytes, refunded.bytes);
    assert_eq!(world.refund(&opened, "r1", Some(99)).await.code(), "idempotency_key_reused");
    assert_eq!(world.call(&opened, "cancel").await.bytes, refunded.bytes, "too late for that");
    assert_eq!(world.funds(&ada).await, (700, 0));
    assert_eq!(world.events().await, ["authorized", "captured", "fulfilled", "refunded"]);
    world.pay.sound().await;
}

#[tokio::test]
async fn two_tabs_confirm_once() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 500).await;
    let opened = world.claimed(&ada, "ord_1", 400).await;
    let tabs = ["k1", "k2", "k1"].map(|key| world.confirm(&ada, &opened, key));
    for answer in join_all(tabs).await {
        assert_eq!((answer.status, answer.at("/state")), (200, "authorized"), "{answer:?}");
    }
    assert_eq!(world.funds(&ada).await, (100, 400));
    assert_eq!(world.step(&ada, &opened, "decline").await.code(), "request_state");
    let another = world.claimed(&ada, "ord_2", 50).await;
    assert_eq!(world.confirm(&ada, &another, "k1").await.code(), "idempotency_key_reused");
    let (yes, no) =
        tokio::join!(world.confirm(&ada, &another, "k9"), world.step(&ada, &another, "decline"));
    assert_eq!((yes.status == 200) as u8 + (no.status == 200) as u8, 1, "{yes:?} {no:?}");
    world.pay.sound().await;
}

#[tokio::test]
async fn a_request_is_one_accounts_from_the_claim_on() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 500).await;
    let bob = world.pay.buyer("bob@example.com", 500).await;
    let opened = world.opened("ord_1", 400).await;
    assert_eq!(world.confirm(&ada, &opened, "k").await.code(), "request_state", "claim it first");
    assert_eq!(world.step("", &opened, "claim").await.code(), "account_required");
    let (one, other) =
        tokio::join!(world.step(&ada, &opened, "claim"), world.step(&bob, &opened, "claim"));
    let (winner, loser) = if one.status == 200 { (&ada, &bob) } else { (&bob, &ada) };
    assert_eq!([one.status, other.status].iter().filter(|status| **status == 200).count(), 1);
    for step in ["claim", "release", "decline"] {
        assert_eq!(world.step(loser, &opened, step).await.code(), "not_found", "{step}");
    }
    assert_eq!(world.confirm(loser, &opened, "k").await.code(), "not_found");
    for stranger in ["", loser] {
        assert_eq!(world.view(stranger, &opened).await.code(), "not_found");
    }
    assert_eq!(world.step(winner, &opened, "release").await.at("/state"), "open");
    assert_eq!(world.step(loser, &opened, "claim").await.status, 200);
    let declined = world.step(loser, &opened, "decline").await;
    assert_eq!(declined.at("/state"), "declined", "{declined:?}");
    assert_eq!(world.step(loser, &opened, "decline").await.bytes, declined.bytes);
    let picture = world.picture(&opened).await;
    let confirmation: Confirmation = read(&world, &picture, "/confirmation");
    assert_eq!(confirmation.decision, Decided::Declined);
    assert_eq!(
        (confirmation.reason.as_deref(), confirmation.amount),
        (Some("buyer"), Amount::ZERO)
    );
    assert_eq!(world.call(&opened, "capture").await.code(), "request_state");
    assert_eq!(world.funds(loser).await, (500, 0));
    let nothing = Opened { id: opened.id.clone(), reference: "nothing".into() };
    assert_eq!(world.view(&ada, &nothing).await.code(), "not_found");
    world.pay.sound().await;
}

#[tokio::test]
async fn an_offer_that_is_not_right_opens_nothing() {
    let world = World::open().await;
    let wrong: [(&str, fn(&mut Offer)); 16] = [
        ("iss", |o| o.issuer = OTHER.into()),
        ("aud", |o| o.audience = OTHER.into()),
        ("iat", |o| o.issued_at += 61),
        ("iat", |o| o.issued_at -= 661),
        ("jti", |o| o.nonce = String::new()),
        ("order", |o| o.order = "a/b".into()),
        ("token", |o| o.token = Unit::parse("EUR").unwrap()),
        ("lines", |o| o.lines.clear()),
        ("lines", |o| o.lines[0].quantity = 0),
        ("lines", |o| o.lines[0].title = String::new()),
        ("total", |o| o.total = amount(399)),
        ("total", |o| o.lines[0].discount = Some(amount(401))),
        ("pay_seconds", |o| o.pay_seconds = 29),
        ("hold_seconds", |o| o.hold_seconds = 86_401),
        ("fulfil_seconds", |o| o.fulfil_seconds = 59),
        ("return_url", |o| o.return_url = "https://shop.test.evil.test/return".into()),
    ];
    for (member, change) in wrong {
        let mut offer = world.offer("ord_1", 400);
        change(&mut offer);
        let answer = world.send_offer(&offer).await;
        assert_eq!((answer.status, answer.code()), (422, "offer_refused"), "{member}: {answer:?}");
        assert_eq!(answer.at("/errors/0/field"), format!("offer.{member}"));
    }
    let good = world.offer("ord_1", 400);
    let altered = document(21, &good).replace('.', "..");
    let receipt = jws::sign_within(MAX_LENGTH, &key(21), Receipt::TYP, &good).unwrap();
    let long = "x".repeat(MAX_LENGTH + 1);
    for bad in [document(22, &good), altered, receipt, long, String::new(), "a.b.c".into()] {
        let answer = world.send_document("ord_1", &bad).await;
        assert_eq!((answer.code(), answer.at("/errors/0/field")), ("offer_refused", "offer"));
    }
    assert_eq!(world.send_document("ord_2", &document(21, &good)).await.code(), "offer_refused");
    let unkeyed = json!({ "offer": document(21, &good) });
    let unkeyed = world.post("/v1/purchase-requests", "", unkeyed).await;
    assert_eq!(unkeyed.code(), "idempotency_key_missing");
    let opened = world.opened_for(&good).await;
    let other = world.offer("ord_1", 500);
    assert_eq!(world.send_offer(&other).await.code(), "idempotency_key_reused");

    // Whose it is not.
    let path = format!("/v1/purchase-requests/{}", opened.id);
    assert_eq!(world.signed(SECOND, "GET", &path, "", Value::Null).await.code(), "not_found");
    for verb in ["capture", "cancel", "fulfilled", "refunds"] {
        let body = json!({ "codes": "c".repeat(43), "reason": "r" });
        let answer = world.signed(SECOND, "POST", &format!("{path}/{verb}"), "k", body).await;
        assert_eq!(answer.code(), "not_found", "{verb}");
    }
    let misdirected = json!({ "offer": document(21, &good) });
    let answer = world.signed(SECOND, "POST", "/v1/purchase-requests", "ord_1", misdirected).await;
    assert_eq!(answer.code(), "offer_refused", "replayed by another merchant");
    let stranger = Caller("https://evil.test", 21);
    assert_eq!(
        world.signed(stranger, "GET", &path, "", Value::Null).await.code(),
        "signature_refused"
    );
    assert_eq!(world.pay.get(&path, &world.pay.admin).await.code(), "signature_refused");
    assert_eq!(world.state(&opened).await, "open");
    world.pay.sound().await;
}

#[tokio::test]
async fn who_is_short_tops_up_and_confirms_again() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 100).await;
    let opened = world.claimed(&ada, "ord_1", 400).await;
    let seen = world.view(&ada, &opened).await;
    assert_eq!(seen.at("/shortfall/display"), "3.00 AUR");
    let short = world.confirm(&ada, &opened, "k1").await;
    assert_eq!((short.status, short.code()), (402, "insufficient_balance"), "{short:?}");
    assert_eq!(short.at("/shortfall/display"), "3.00 AUR");
    assert_eq!(world.state(&opened).await, "claimed", "that was no decision");
    let body = json!({ "tokens": aur(300), "method": "demo", "payment_method": "demo_approved" });
    assert_eq!(world.pay.post("/v1/top-ups", &ada, "t1", body).await.status, 201);
    let confirmed = world.confirm(&ada, &opened, "k1").await;
    assert_eq!((confirmed.status, confirmed.at("/state")), (200, "authorized"), "{confirmed:?}");
    assert_eq!(world.funds(&ada).await, (0, 400));

    let account = world.pay.get("/v1/account", &ada).await.at("/id").to_owned();
    let path = format!("/v1/admin/accounts/{account}/freeze");
    assert_eq!(world.pay.post(&path, &world.pay.admin, "", json!({})).await.status, 200);
    let free = world.claimed(&ada, "ord_2", 0).await;
    assert_eq!(world.confirm(&ada, &free, "k2").await.code(), "account_frozen");
    assert_eq!(world.call(&opened, "capture").await.at("/state"), "captured", "it was confirmed");
    world.pay.sound().await;
}

#[tokio::test]
async fn what_costs_nothing_moves_nothing() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 0).await;
    let opened = world.captured(&ada, "ord_1", 0).await;
    assert_eq!(world.fulfilled(&opened).await.at("/state"), "fulfilled");
    assert_eq!(world.refund(&opened, "r1", None).await.at("/state"), "refunded");
    let undelivered = world.captured(&ada, "ord_2", 0).await;
    world.pass(Span::days(1)).await;
    assert_eq!(world.state(&undelivered).await, "refunded");
    assert_eq!(world.earned().await, (0, 0, 0));
    world.pay.sound().await;
}

#[tokio::test]
async fn nobody_confirms_when_the_time_is_over() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 500).await;
    let claimed = world.claimed(&ada, "ord_1", 400).await;
    let open = world.opened("ord_2", 400).await;
    world.pay.advance(Span::seconds(599)).await;
    assert_eq!(world.view(&ada, &claimed).await.json["expires_in"], 1);
    world.pay.advance(Span::seconds(1)).await;
    // Nobody has worked yet: who looks sees the truth.
    assert_eq!(world.confirm(&ada, &claimed, "k1").await.code(), "request_state");
    assert_eq!(world.view(&ada, &claimed).await.at("/state"), "expired");
    let picture = world.picture(&open).await;
    assert_eq!(picture.at("/state"), "expired");
    let confirmation: Confirmation = read(&world, &picture, "/confirmation");
    assert_eq!((confirmation.subject, confirmation.decision), (None, Decided::Declined));
    assert_eq!(confirmation.reason.as_deref(), Some("expired"));
    assert_eq!(world.call(&open, "capture").await.code(), "request_state");
    assert_eq!(world.step(&ada, &open, "claim").await.code(), "request_state");
    assert_eq!(world.events().await, ["expired", "expired"]);
    world.pay.sound().await;
}

#[tokio::test]
async fn a_capture_and_the_end_of_a_hold_are_decided_by_the_clock() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 500).await;
    let early = world.authorized(&ada, "ord_1", 100).await;
    let late = world.authorized(&ada, "ord_2", 200).await;
    world.pay.advance(Span::seconds(599)).await;
    assert_eq!(world.call(&early, "capture").await.at("/state"), "captured");
    world.pass(Span::seconds(1)).await;
    assert_eq!(world.state(&early).await, "captured", "the worker leaves it");
    let refused = world.call(&late, "capture").await;
    assert_eq!((refused.status, refused.code()), (409, "hold_expired"), "{refused:?}");
    assert_eq!((world.state(&late).await, world.funds(&ada).await), ("voided".into(), (400, 0)));
    let unbooked = world.authorized(&ada, "ord_3", 300).await;
    world.pay.advance(Span::seconds(600)).await;
    assert_eq!(world.call(&unbooked, "capture").await.code(), "hold_expired", "before any worker");
    assert_eq!(world.funds(&ada).await, (400, 0));
    world.pay.sound().await;
}

#[tokio::test]
async fn delivery_and_the_deadline_have_one_winner() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 500).await;
    let delivered = world.captured(&ada, "ord_1", 100).await;
    let forgotten = world.captured(&ada, "ord_2", 200).await;
    assert_eq!(world.fulfilled(&delivered).await.at("/state"), "fulfilled");
    world.pass(Span::days(1)).await;
    assert_eq!(world.state(&delivered).await, "fulfilled");
    let picture = world.picture(&forgotten).await;
    assert_eq!(picture.at("/state"), "refunded", "{picture:?}");
    let refund: Refunding = read(&world, &picture, "/refunds/0");
    assert_eq!((refund.by, refund.amount), (GivenBackBy::Deadline, amount(200)));
    assert_eq!(refund.receipt, digest(picture.at("/receipt")));
    let report = world.fulfilled(&forgotten).await;
    assert_eq!(report.at("/state"), "refunded");
    let fulfilment: Fulfilment = read(&world, &report, "/fulfilment");
    assert_eq!(fulfilment.outcome, Outcome::AlreadyRefunded, "it must not deliver");
    assert_eq!(world.fulfilled(&forgotten).await.bytes, report.bytes, "that is final");

    // Late, and before the worker: the merchant has come.
    let late = world.captured(&ada, "ord_3", 50).await;
    world.pay.advance(Span::days(1)).await;
    assert_eq!(world.fulfilled(&late).await.at("/state"), "fulfilled");
    world.pass(Span::seconds(1)).await;
    assert_eq!(world.state(&late).await, "fulfilled");
    // Captured, of which the merchant gave a part back: what is left goes back, too.
    let partly = world.captured(&ada, "ord_4", 40).await;
    world.refund(&partly, "r1", Some(10)).await;
    world.pass(Span::days(1)).await;
    assert_eq!(world.state(&partly).await, "refunded");
    assert_eq!(world.funds(&ada).await, (350, 0));
    assert_eq!(world.earned().await.0, 100 - 11 - 21 + 50 - 6 - 5, "fees stay");
    world.pay.sound().await;
}

#[tokio::test]
async fn no_more_goes_back_than_was_captured_and_a_merchant_may_owe() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 1000).await;
    let authorized = world.authorized(&ada, "ord_0", 10).await;
    assert_eq!(world.refund(&authorized, "r0", None).await.code(), "request_state");
    assert_eq!(world.fulfilled(&authorized).await.code(), "request_state");
    let opened = world.captured(&ada, "ord_1", 400).await;
    world.fulfilled(&opened).await;
    assert_eq!(world.refund(&opened, "r1", Some(401)).await.code(), "already_refunded");
    assert_eq!(world.refund(&opened, "r1", Some(0)).await.code(), "invalid_field");
    let both = ["r1", "r2"].map(|key| world.refund(&opened, key, Some(300)));
    let both = join_all(both).await;
    let mut codes: Vec<&str> = both.iter().map(Answer::code).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["", "already_refunded"]);
    world.pass(Span::days(14)).await;
    assert_eq!(world.earned().await, (59, 0, 59));
    assert_eq!(world.pay_out("p1", 59).await.status, 201);
    let path = format!("/v1/admin/purchase-requests/{}/refunds", opened.id);
    let body = json!({ "reason": "the merchant is gone" });
    let back = world.pay.post(&path, &world.pay.admin, "a1", body.clone()).await;
    assert_eq!((back.status, back.at("/state")), (200, "refunded"), "{back:?}");
    assert_eq!(world.pay.post(&path, &world.pay.admin, "a1", body.clone()).await.bytes, back.bytes);
    let more = world.pay.post(&path, &world.pay.admin, "a2", body).await;
    assert_eq!(more.code(), "already_refunded");
    let refund: Refunding = read(&world, &back, "/refunds/1");
    assert_eq!((refund.by, refund.refunded), (GivenBackBy::Provider, amount(400)));
    assert_eq!(world.earned().await, (-100, 0, 0), "a debt");
    let balance = world.get("/v1/merchant/balance").await;
    assert_eq!(balance.at("/balance/display"), "-1.00 AUR");
    assert_eq!(world.pay.available(&ada).await, 1000);
    assert_eq!(world.pay_out("p2", 1).await.code(), "invalid_field");
    let audit = world.pay.get("/v1/admin/audit", &world.pay.admin).await;
    assert_eq!(audit.at("/data/0/act"), "purchase_request.refunded");
    world.pay.sound().await;
}
