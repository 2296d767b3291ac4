//! A merchant and a provider, both whole: what one asks of the other goes signed through its router, as on the wire.

use std::sync::Arc;

use scrip_domain::Span;
use scrip_domain::settings::{Flow, Settings};
use scrip_license::Terms;
use scrip_testkit::{Answer, Browser, Network, Shop, Way, settings};
use serde_json::{Value, json};

use crate::goods;
use crate::provider::code;

/// Both servers, a service at 250 at the merchant, and a buyer at the provider with 1000.
pub struct Pair {
    pub pay: Shop,
    pub shop: Shop,
    pub network: Arc<Network>,
    pub offer: String,
    pub buyer: String,
}

/// An order of a visitor's that was sent to the provider.
pub struct Sent {
    /// Its path at the merchant.
    pub path: String,
    pub token: String,
    /// The name by which the buyer has it at the provider.
    pub reference: String,
}

impl Pair {
    pub async fn open() -> Self {
        Self::with(settings()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let (pay, shop, network) = Shop::pair(settings).await;
        let offer = shop.service("tuning", 250).await;
        let buyer = pay.buyer("ada@example.com", 1000).await;
        Self { pay, shop, network, offer, buyer }
    }

    /// Time passes at both.
    pub async fn pass(&self, span: Span) {
        self.pay.advance(span).await;
        self.shop.advance(Span::millis(0)).await;
    }

    /// Both do what is due.
    pub async fn work(&self) {
        while self.pay.app.engine.lapse_requests().await.unwrap() > 0 {}
        self.pay.app.engine.send_notices().await.unwrap();
        self.shop.run_checkouts().await;
    }

    pub async fn as_visitor(&self, method: &str, path: &str, token: &str, key: &str) -> Answer {
        let authorization = format!("Order {token}");
        let mut headers = vec![("authorization", authorization.as_str())];
        if !key.is_empty() {
            headers.push(("idempotency-key", key));
        }
        let body = if method == "POST" { json!({}) } else { Value::Null };
        self.shop.send(method, path, &headers, body).await
    }

    pub async fn send(&self) -> Sent {
        self.send_for(&self.offer).await
    }

    pub async fn send_for(&self, offer: &str) -> Sent {
        // Its buyer confirms more than one, and has it for good after the first.
        let body = json!({ "lines": [{ "offer": offer }], "allow_duplicate": true });
        // A key of its own for each order.
        let number = self.network.sent().len();
        let (key, yes) = (format!("draft-{number}"), format!("c-{number}"));
        let draft = self.shop.post("/v1/orders", "", &key, body).await;
        let (order, token) = (draft.at("/id").to_owned(), draft.at("/order_token").to_owned());
        let path = format!("/v1/orders/{order}");
        let mut sent = self.as_visitor("POST", &format!("{path}/confirm"), &token, &yes).await;
        if sent.status == 503 {
            sent = self.as_visitor("POST", &format!("{path}/confirm"), &token, &yes).await;
        }
        assert_eq!(sent.status, 202, "{sent:?}");
        let url = sent.at("/next_action/redirect");
        let reference = url.strip_prefix("https://pay.test/pay/");
        let reference = reference.unwrap_or_else(|| panic!("{url}")).to_owned();
        Sent { path, token, reference }
    }

    pub async fn step(&self, sent: &Sent, step: &str) -> Answer {
        let path = format!("/v1/payments/{}/{step}", sent.reference);
        let key = if step == "confirm" { &sent.reference } else { "" };
        self.pay.post(&path, &self.buyer, key, json!({})).await
    }

    /// The buyer confirms; gives the code to go back with.
    pub async fn confirm(&self, sent: &Sent) -> String {
        let claimed = self.step(sent, "claim").await;
        assert_eq!(claimed.status, 200, "{claimed:?}");
        let yes = self.step(sent, "confirm").await;
        assert_eq!((yes.status, yes.at("/state")), (200, "authorized"), "{yes:?}");
        code(&yes)
    }

    pub async fn sign_in(&self, code: &str) -> String {
        let session = self.shop.post("/v1/sessions", "", "", json!({ "return_code": code })).await;
        assert_eq!(session.status, 201, "{session:?}");
        session.at("/token").to_owned()
    }

    pub async fn state(&self, sent: &Sent) -> String {
        let order = self.as_visitor("GET", &sent.path, &sent.token, "").await;
        order.at("/state").to_owned()
    }

    /// What the buyer has, and what of it is held.
    pub async fn funds(&self) -> (u64, u64) {
        let wallet = self.pay.get("/v1/wallet", &self.buyer).await;
        let part = |name: &str| wallet.json[name]["amount"].as_u64().unwrap();
        (part("available"), part("held"))
    }

    pub async fn sound(&self) {
        self.shop.sound().await;
        self.pay.sound().await;
    }
}

#[tokio::test]
async fn an_order_is_paid_at_one_server_and_delivered_by_the_other() {
    let pair = Pair::open().await;
    let sent = pair.send().await;
    let code = pair.confirm(&sent).await;
    assert_eq!(pair.funds().await, (750, 250));
    let ada = pair.sign_in(&code).await;
    let order = pair.shop.get(&sent.path, &ada).await;
    assert_eq!((order.at("/state"), order.json["approved"].as_bool()), ("paid", Some(true)));
    let jws = order.at("/licenses/0/code/jws");
    let verdict = pair.shop.post("/v1/licenses/validate", "", "", json!({ "code": jws })).await;
    assert_eq!(verdict.at("/code"), "VALID");
    assert_eq!(pair.funds().await, (750, 0));
    pair.sound().await;

    let path = format!("/v1/admin/orders/{}/refunds", order.at("/id"));
    let body = json!({ "reason": "does not start" });
    let back = pair.shop.post(&path, &pair.shop.admin, "r", body).await;
    assert_eq!((back.status, back.at("/amount/display")), (201, "2.50 AUR"), "{back:?}");
    assert_eq!(pair.funds().await, (1000, 0));
    let verdict = pair.shop.post("/v1/licenses/validate", "", "", json!({ "code": jws })).await;
    assert_ne!(verdict.at("/code"), "VALID");
    pair.sound().await;
}

/// The path of the first link that begins so.
fn link(html: &str, beginning: &str) -> String {
    let rest = html.split(&format!("href=\"{beginning}")).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("no {beginning}: {html}"));
    format!("{beginning}{}", rest.split('"').next().unwrap()).replace("&amp;", "&")
}

/// What a visitor is told of the merchant's product.
const TOLD: [&str; 6] = [
    "<h1><bdi>tallow</bdi></h1>",
    "1.00 AUR",
    "for good",
    "2 kB",
    "You pay at pay.test",
    "tallow.zip",
];

#[tokio::test]
async fn a_stranger_goes_from_shop_to_provider_and_comes_back_to_a_download() {
    let pair = Pair::open().await;
    let offer = goods::product(&pair.shop, "tallow", Terms::Perpetual, None).await;
    let content = goods::bytes(2000);
    let files = [("tallow.zip", content.as_slice())];
    let file = goods::release(&pair.shop, "tallow", "stable", "1.0", &files).await.remove(0);

    let mut shopper = Browser::on(&pair.shop);
    let page = shopper.open("/products").await;
    assert_eq!(link(&page.html, "/products/"), "/products/tallow");
    let page = shopper.open("/products/tallow").await;
    for told in TOLD {
        assert!(page.html.contains(told), "{told}: {}", page.html);
    }
    let policy = page.answer.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://pay.test;"), "{policy}");
    let form = [("offer", offer.as_str()), ("then", "checkout")];
    let on = shopper.send("/cart", &form).await;
    let sent = shopper.open(on.location()).await;
    assert_eq!(sent.status, 303, "{}", sent.html);
    let again = shopper.open(on.location()).await;
    assert_eq!(sent.location(), again.location(), "two clicks are one order");
    let path = sent.location().strip_prefix("https://pay.test").unwrap().to_owned();
    let mut browser = Browser::on(&pair.pay);
    let page = browser.open(&path).await;
    assert!(page.html.contains("tallow") && page.html.contains("1.00 AUR"), "{}", page.html);
    let register = link(&page.html, "/register");
    let page = browser.open(&register).await;
    let next = page.input("next").to_owned();
    let who = [("email", "bob@example.com"), ("password", "correct horse"), ("next", &next)];
    assert_eq!(browser.send("/register", &who).await.location(), path);
    let page = browser.open(&path).await;
    let page = browser.open(&link(&page.html, "/wallet/top-up")).await;
    let key = page.input("key").to_owned();
    let form = [("tokens", "1.00"), ("way", "demo:demo_approved"), ("key", &key), ("next", &path)];
    assert_eq!(browser.send("/wallet/top-up", &form).await.location(), path);
    let page = browser.send(&path, &[("decision", "confirm")]).await;
    assert_eq!(page.status, 303, "{}", page.html);
    let back = page.location().strip_prefix("https://shop.test").unwrap().to_owned();

    let mut browser = shopper;
    let page = browser.open(&back).await;
    assert_eq!(page.status, 303, "{}", page.html);
    let page = browser.open(page.location()).await;
    assert_eq!(page.status, 200, "{}", page.html);
    assert!(page.html.contains("Approved") && page.html.contains("1.00 AUR"), "{}", page.html);
    let at = page.html.find(">eyJ").unwrap_or_else(|| panic!("no code: {}", page.html)) + 1;
    let is_code = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
    let code: String = page.html[at..].chars().take_while(|sign| is_code(*sign)).collect();
    let license = format!("License {code}");
    let headers = [("authorization", license.as_str())];
    let got = pair.shop.send("GET", &format!("/v1/downloads/{file}"), &headers, Value::Null).await;
    assert_eq!(got.status, 200, "{}", got.code());
    assert!(got.bytes == content);

    // The library is where the goods are, and the wallet where the tokens are.
    let list = browser.open("/library").await;
    let one = list.html.split("href=\"/library/").nth(1).unwrap().split('"').next().unwrap();
    let page = browser.open(&format!("/library/{one}")).await;
    assert!(page.html.contains(&code), "{}", page.html);
    assert!(!page.html.contains("/extend"), "a merchant extends nothing: {}", page.html);
    let page = browser.open(&format!("/library/{one}/files/{file}")).await;
    assert!(pair.shop.get(page.location(), "").await.bytes == content);
    assert_eq!(browser.open("/wallet").await.location(), "https://pay.test/wallet");

    // The way back opens once, and the order to nobody else.
    let again = Browser::on(&pair.shop).open(&back).await;
    assert!(!again.html.contains("eyJ"), "{}", again.html);
    let order = back.split("order=").nth(1).unwrap();
    let other = Browser::on(&pair.shop).open(&format!("/orders/{order}")).await;
    assert_eq!(other.status, 404, "{}", other.html);
    pair.sound().await;
}

#[tokio::test]
async fn answers_that_are_lost_at_every_step_change_nothing() {
    for lost in 0..12 {
        let pair = Pair::open().await;
        // The first answers of the whole way, the opening's among them.
        pair.network.fate("", &[Way::AnswerLost, Way::Lost][..lost.min(1)]);
        let sent = pair.send().await;
        pair.confirm(&sent).await;
        pair.network.fate("", &vec![Way::AnswerLost; lost]);
        for _ in 0..8 {
            pair.pass(Span::seconds(65)).await;
            pair.work().await;
        }
        assert_eq!(pair.state(&sent).await, "paid", "{lost}: {:?}", pair.network.sent());
        assert_eq!(pair.funds().await, (750, 0), "{lost}");
        pair.sound().await;
    }
}

#[tokio::test]
async fn a_notice_alone_brings_the_order_home() {
    let pair = Pair::open().await;
    let sent = pair.send().await;
    pair.confirm(&sent).await;
    pair.network.fate("/v1/hooks/provider", &[Way::Lost]);
    pair.pay.app.engine.send_notices().await.unwrap();
    assert_eq!(pair.state(&sent).await, "open", "it was lost");
    pair.pass(Span::seconds(2)).await;
    pair.pay.app.engine.send_notices().await.unwrap();
    assert_eq!(pair.state(&sent).await, "paid");
    assert_eq!(pair.funds().await, (750, 0));
    pair.sound().await;
}

#[tokio::test]
async fn a_capture_whose_answer_is_lost_takes_once() {
    let pair = Pair::open().await;
    let sent = pair.send().await;
    let code = pair.confirm(&sent).await;
    pair.network.fate("/capture", &[Way::AnswerLost, Way::AnswerLost]);
    let ada = pair.sign_in(&code).await;
    let order = pair.shop.get(&sent.path, &ada).await;
    assert_eq!(order.at("/state"), "authorized", "{order:?}");
    assert_eq!(pair.funds().await, (750, 0), "the provider has taken it");
    for _ in 0..4 {
        pair.pass(Span::seconds(65)).await;
        pair.work().await;
    }
    let order = pair.shop.get(&sent.path, &ada).await;
    assert_eq!(order.at("/state"), "paid", "{order:?}");
    assert_eq!(pair.funds().await, (750, 0));
    pair.sound().await;
}

#[tokio::test]
async fn a_merchant_that_was_started_anew_after_the_capture_delivers() {
    let mut pair = Pair::open().await;
    let sent = pair.send().await;
    let code = pair.confirm(&sent).await;
    pair.network.fate("/fulfilled", &[Way::Lost]);
    let ada = pair.sign_in(&code).await;
    let order = pair.shop.get(&sent.path, &ada).await;
    assert_eq!(order.at("/state"), "captured", "{order:?}");
    assert!(order.json["licenses"].is_null(), "not before the provider's word");
    pair.shop = pair.shop.another().await;
    for _ in 0..4 {
        pair.pass(Span::seconds(65)).await;
        pair.work().await;
    }
    let order = pair.shop.get(&sent.path, &ada).await;
    assert_eq!(order.at("/state"), "paid", "{order:?}");
    let jws = order.at("/licenses/0/code/jws");
    let verdict = pair.shop.post("/v1/licenses/validate", "", "", json!({ "code": jws })).await;
    assert_eq!(verdict.at("/code"), "VALID");
    assert_eq!(pair.funds().await, (750, 0));
    pair.sound().await;
}

#[tokio::test]
async fn a_merchant_that_is_away_gives_back_by_the_deadline_and_delivers_nothing() {
    let pair = Pair::open().await;
    let sent = pair.send().await;
    let code = pair.confirm(&sent).await;
    pair.network.fate("/fulfilled", &[Way::Lost]);
    let ada = pair.sign_in(&code).await;
    let order = pair.shop.get(&sent.path, &ada).await;
    assert_eq!(order.at("/state"), "captured", "{order:?}");
    pair.network.cut();
    pair.pass(Span::days(2)).await;
    pair.work().await;
    assert_eq!(pair.funds().await, (1000, 0), "the provider gave back");
    assert_eq!(pair.state(&sent).await, "captured", "which the merchant does not know");
    pair.network.mend();
    pair.pass(Span::hours(2)).await;
    pair.shop.run_checkouts().await;
    let order = pair.shop.get(&sent.path, &ada).await;
    assert_eq!((order.at("/state"), order.at("/reason")), ("refunded", "already_refunded"));
    assert!(order.json["licenses"].is_null());
    assert_eq!(pair.funds().await, (1000, 0));
    pair.sound().await;
}

#[tokio::test]
async fn a_hold_that_ran_out_charges_nothing() {
    let pair = Pair::open().await;
    let sent = pair.send().await;
    pair.confirm(&sent).await;
    // Nobody tells the merchant, and it sleeps.
    pair.pass(Span::hours(1)).await;
    pair.work().await;
    let order = pair.as_visitor("GET", &sent.path, &sent.token, "").await;
    assert_eq!((order.at("/state"), order.at("/reason")), ("expired", "hold_expired"));
    assert_eq!(pair.funds().await, (1000, 0));
    pair.sound().await;
}

#[tokio::test]
async fn a_buyer_who_says_no_is_heard_at_both() {
    let pair = Pair::open().await;
    let sent = pair.send().await;
    pair.step(&sent, "claim").await;
    let no = pair.step(&sent, "decline").await;
    assert_eq!((no.status, no.at("/state")), (200, "declined"), "{no:?}");
    let ada = pair.sign_in(&code(&no)).await;
    let order = pair.shop.get(&sent.path, &ada).await;
    assert_eq!((order.at("/state"), order.json["approved"].as_bool()), ("declined", Some(false)));
    assert_eq!(pair.funds().await, (1000, 0));
    pair.sound().await;
}

#[tokio::test]
async fn who_is_short_tops_up_and_goes_on() {
    let mut pair = Pair::open().await;
    pair.buyer = pair.pay.buyer("bob@example.com", 200).await;
    let sent = pair.send().await;
    assert_eq!(pair.step(&sent, "claim").await.status, 200);
    let short = pair.step(&sent, "confirm").await;
    assert_eq!((short.status, short.code()), (402, "insufficient_balance"), "{short:?}");
    assert_eq!(pair.state(&sent).await, "open");
    let account = pair.pay.get("/v1/account", &pair.buyer).await;
    let path = format!("/v1/admin/accounts/{}/adjust", account.at("/id"));
    let body = json!({ "tokens": { "amount": 50, "unit": "AUR" }, "reason": "test" });
    assert_eq!(pair.pay.post(&path, &pair.pay.admin, "more", body).await.status, 201);
    let path = format!("/v1/payments/{}/confirm", sent.reference);
    let yes = pair.pay.post(&path, &pair.buyer, "k2", json!({})).await;
    assert_eq!((yes.status, yes.at("/state")), (200, "authorized"), "{yes:?}");
    pair.sign_in(&code(&yes)).await;
    assert_eq!(pair.state(&sent).await, "paid");
    assert_eq!(pair.funds().await, (0, 0));
    pair.sound().await;
}

/// Goes through a connection that the merchant opens, and signs in.
async fn connected(pair: &Pair, share: &[&str]) -> String {
    let way = pair.shop.post("/v1/connections", "", "", Value::Null).await;
    assert_eq!(way.status, 201, "{way:?}");
    let reference = way.at("/url").rsplit('/').next().unwrap().to_owned();
    let path = format!("/v1/connections/{reference}/approve");
    let yes = pair.pay.post(&path, &pair.buyer, "", json!({ "share": share })).await;
    assert_eq!(yes.status, 200, "{yes:?}");
    pair.sign_in(&code(&yes)).await
}

#[tokio::test]
async fn a_buyer_connects_and_shares_whether_there_is_enough() {
    let pair = Pair::open().await;
    let ada = connected(&pair, &["funded"]).await;
    let account = pair.shop.get("/v1/account", &ada).await;
    assert_eq!(account.at("/standing"), "funded", "{account:?}");
    let again = connected(&pair, &[]).await;
    let second = pair.shop.get("/v1/account", &again).await;
    assert_eq!((second.at("/id"), second.at("/standing")), (account.at("/id"), "member"));
    pair.sound().await;
}

#[tokio::test]
async fn connections_are_forgotten_after_a_month_and_what_came_of_them_is_not() {
    let pair = Pair::open().await;
    connected(&pair, &["funded"]).await;
    let left = pair.shop.post("/v1/connections", "", "", json!({})).await;
    assert_eq!(left.status, 201, "nobody answers this one: {left:?}");
    let engine = &pair.pay.app.engine;
    pair.pay.advance(Span::days(30)).await;
    assert_eq!(engine.forget_connections().await.unwrap(), 0, "still known");
    pair.pay.advance(Span::hours(1)).await;
    assert_eq!(engine.forget_connections().await.unwrap(), 2);
    assert_eq!(engine.forget_connections().await.unwrap(), 0);
    let body = json!({ "email": "ada@example.com", "password": "correct horse" });
    let session = pair.pay.post("/v1/sessions", "", "", body).await.at("/token").to_owned();
    let export = pair.pay.get("/v1/account/export", &session).await;
    assert_eq!(export.json["merchants"].as_array().map(Vec::len), Some(1), "{export:?}");
    pair.sound().await;
}

#[tokio::test]
async fn where_one_registers_first_only_who_has_enough_selects() {
    let settings = Settings { flow: Flow::RegisterFirst, ..settings() };
    let mut pair = Pair::with(settings).await;
    let body = json!({ "lines": [{ "offer": pair.offer }] });
    let stranger = pair.shop.post("/v1/orders", "", "k", body.clone()).await;
    assert_eq!(stranger.status, 401, "{stranger:?}");
    let ada = std::mem::take(&mut pair.buyer);
    pair.buyer = pair.pay.buyer("bob@example.com", 299).await;
    let bob = connected(&pair, &["funded"]).await;
    let short = pair.shop.post("/v1/orders", &bob, "k", body.clone()).await;
    assert_eq!((short.status, short.code()), (402, "balance_below_threshold"), "{short:?}");
    pair.buyer = ada;
    let ada = connected(&pair, &["funded"]).await;
    let draft = pair.shop.post("/v1/orders", &ada, "k", body).await;
    assert_eq!(draft.status, 201, "{draft:?}");
    let path = format!("/v1/orders/{}", draft.at("/id"));
    let open = pair.shop.post(&format!("{path}/confirm"), &ada, "c", json!({})).await;
    assert_eq!(open.status, 202, "{open:?}");
    let reference = open.at("/next_action/redirect").rsplit('/').next().unwrap().to_owned();
    let sent = Sent { path: path.clone(), token: String::new(), reference };
    let code = pair.confirm(&sent).await;
    pair.sign_in(&code).await;
    assert_eq!(pair.shop.get(&path, &ada).await.at("/state"), "paid");
    assert_eq!(pair.funds().await, (750, 0));
    pair.sound().await;
}

/// Keys with a newer one before the one that was.
pub fn rotate(shop: &Shop, newer: u8, former: u8) {
    let keys = shop.app.engine.keys();
    let keys = (*keys).clone().with_protocol(&[[newer; 32], [former; 32]]);
    shop.app.engine.use_keys(keys);
}

#[tokio::test]
async fn new_keys_in_the_middle_of_a_purchase_only_take_a_minute() {
    let pair = Pair::open().await;
    let sent = pair.send().await;
    // Each has read the other's keys by now, and does not ask for them again within a minute.
    pair.confirm(&sent).await;
    rotate(&pair.shop, 51, 8);
    rotate(&pair.pay, 52, 18);
    for _ in 0..6 {
        pair.work().await;
        pair.pass(Span::seconds(61)).await;
    }
    assert_eq!(pair.state(&sent).await, "paid", "{:?}", pair.network.sent());
    assert_eq!(pair.funds().await, (750, 0));

    // A provider that does not know the newest key yet has not refused the offer.
    rotate(&pair.shop, 53, 51);
    let body = json!({ "lines": [{ "offer": pair.offer }] });
    let draft = pair.shop.post("/v1/orders", "", "second", body).await;
    let token = draft.at("/order_token");
    let path = format!("/v1/orders/{}", draft.at("/id"));
    pair.as_visitor("POST", &format!("{path}/confirm"), token, "c2").await;
    for _ in 0..2 {
        pair.pass(Span::seconds(61)).await;
        pair.work().await;
    }
    let order = pair.as_visitor("GET", &path, token, "").await;
    assert_eq!(order.at("/state"), "open", "{order:?}");
    assert!(order.at("/next_action/redirect").starts_with("https://pay.test/pay/"), "{order:?}");
    pair.sound().await;
}
