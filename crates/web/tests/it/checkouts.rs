//! Orders of a merchant: taken to the provider, captured, delivered on its word alone, whatever is lost on the way.

use std::sync::Arc;

use scrip_domain::Span;
use scrip_domain::document::{Decided, GivenBackBy};
use scrip_domain::settings::Settings;
use scrip_domain::staff::StaffRole;
use scrip_testkit::{Answer, Browser, Fate, ScriptedProvider, Shop, settings};
use serde_json::{Value, json};

/// A merchant with a service at 250, and its provider.
struct Stage {
    shop: Shop,
    provider: Arc<ScriptedProvider>,
    offer: String,
}

/// An order that somebody is to decide on at the provider.
struct Sent {
    order: String,
    token: String,
}

impl Stage {
    async fn open() -> Self {
        Self::with(settings()).await
    }

    async fn with(settings: Settings) -> Self {
        let (shop, provider) = Shop::merchant(settings).await;
        let offer = shop.service("tuning", 250).await;
        Self { shop, provider, offer }
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

    async fn draft(&self, key: &str) -> Sent {
        let body = json!({ "lines": [{ "offer": self.offer, "quantity": 2 }] });
        let draft = self.shop.post("/v1/orders", "", key, body).await;
        assert_eq!((draft.status, draft.at("/state")), (201, "draft"), "{draft:?}");
        Sent { order: draft.at("/id").to_owned(), token: draft.at("/order_token").to_owned() }
    }

    async fn confirm(&self, sent: &Sent, key: &str) -> Answer {
        let path = format!("/v1/orders/{}/confirm", sent.order);
        self.as_visitor("POST", &path, &sent.token, key).await
    }

    /// A visitor's order, confirmed: at the provider.
    async fn send(&self) -> Sent {
        let sent = self.draft("draft").await;
        let confirmed = self.confirm(&sent, "confirm").await;
        assert_eq!((confirmed.status, confirmed.at("/state")), (202, "open"), "{confirmed:?}");
        sent
    }

    async fn state(&self, sent: &Sent) -> String {
        let seen = self.look(sent).await;
        seen.at("/state").to_owned()
    }

    async fn look(&self, sent: &Sent) -> Answer {
        let path = format!("/v1/orders/{}", sent.order);
        let seen = self.as_visitor("GET", &path, &sent.token, "").await;
        assert_eq!(seen.status, 200, "{seen:?}");
        seen
    }

    /// Signs in with a return code.
    async fn sign_in(&self, code: &str) -> String {
        let session = self.shop.post("/v1/sessions", "", "", json!({ "return_code": code })).await;
        assert_eq!(session.status, 201, "{session:?}");
        session.at("/token").to_owned()
    }

    /// The same for whoever comes back, again until somebody hears it: a code whose answer is lost is used up.
    async fn come_in(&self, subject: &str) -> String {
        loop {
            let body = json!({ "return_code": self.provider.return_code(subject, None) });
            let session = self.shop.post("/v1/sessions", "", "", body).await;
            if session.status == 201 {
                return session.at("/token").to_owned();
            }
            assert!([401, 503].contains(&session.status), "{session:?}");
        }
    }

    /// The types of a page of somebody's events, and where to go on.
    async fn told(&self, who: &str, after: &str) -> (Vec<String>, String) {
        self.shop.run_webhooks().await;
        let page = self.shop.get(&format!("/v1/events?limit=100{after}"), who).await;
        let events = page.json["data"].as_array().unwrap().iter();
        let types = events.map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        (types, page.at("/next").to_owned())
    }

    /// Lets so much time pass, and asks what is due.
    async fn wait(&self, span: Span) {
        self.shop.advance(span).await;
        self.shop.run_checkouts().await;
    }

    /// Waits until there is nothing to ask within minutes.
    async fn settle(&self) {
        for _ in 0..12 {
            self.wait(Span::minutes(2)).await;
        }
    }
}

#[tokio::test]
async fn visitors_of_one_address_send_so_many_orders_and_then_wait() {
    let stage = Stage::open().await;
    let mut drafts = Vec::new();
    for number in 0..61 {
        drafts.push(stage.draft(&format!("draft-{number}")).await);
    }
    let last = drafts.pop().unwrap();
    for sent in &drafts {
        assert_eq!(stage.confirm(sent, "confirm").await.status, 202);
    }
    assert_eq!(stage.confirm(&drafts[0], "confirm").await.status, 202, "it was sent before");
    let refused = stage.confirm(&last, "confirm").await;
    assert_eq!((refused.status, refused.code()), (429, "rate_limited"));
    let way = stage.shop.post("/v1/connections", "", "", json!({})).await;
    assert_eq!(way.status, 201, "who is told to sign in can: {way:?}");
    stage.shop.advance(Span::minutes(10)).await;
    assert_eq!(stage.confirm(&last, "confirm").await.status, 202);
}

fn is_without_codes(answer: &Answer) -> bool {
    !String::from_utf8_lossy(&answer.bytes).contains("\"jws\"")
}

#[tokio::test]
async fn a_visitors_order_is_paid_at_the_provider_and_belongs_to_whoever_decided() {
    let stage = Stage::open().await;
    let sent = stage.send().await;
    let open = stage.look(&sent).await;
    assert_eq!(open.json["approved"], Value::Null);
    assert_eq!(open.at("/next_action/redirect"), "https://pay.test/pay/req_1");

    let code = stage.provider.decide(&sent.order, "ada", Decided::Approved);
    let ada = stage.sign_in(&code).await;
    let order = stage.shop.get(&format!("/v1/orders/{}", sent.order), &ada).await;
    assert_eq!((order.at("/state"), order.json["approved"].as_bool()), ("paid", Some(true)));
    assert_eq!((order.at("/buyer/iss"), order.at("/buyer/sub")), ("https://pay.test", "ada"));
    assert_eq!(order.json["licenses"].as_array().map(Vec::len), Some(2));
    assert_eq!(order.json["confirmation"]["balance_after"], Value::Null, "which only P knows");
    assert_eq!(stage.shop.get("/v1/orders", &ada).await.json["data"], json!([order.json]));
    let jws = order.at("/licenses/0/code/jws");
    let verdict = stage.shop.post("/v1/licenses/validate", "", "", json!({ "code": jws })).await;
    assert_eq!(verdict.at("/code"), "VALID");
    let library = stage.shop.get("/v1/licenses", &ada).await;
    assert_eq!(library.json["data"].as_array().map(Vec::len), Some(2));

    let seen = stage.look(&sent).await;
    assert_eq!(seen.at("/state"), "paid");
    assert!(is_without_codes(&seen) && seen.json["buyer"].is_null(), "a token shows no code");
    let code = stage.provider.return_code("eve", None);
    let eve = stage.sign_in(&code).await;
    let path = format!("/v1/orders/{}", sent.order);
    assert_eq!(stage.shop.get(&path, &eve).await.status, 404, "another buyer");
    assert_eq!(stage.provider.calls(), ["open", "redeem", "capture", "fulfilled", "redeem"]);
    stage.shop.sound().await;
}

#[tokio::test]
async fn an_order_of_one_buyer_that_another_confirms_is_the_others() {
    let stage = Stage::open().await;
    let eve = stage.sign_in(&stage.provider.return_code("eve", None)).await;
    let body = json!({ "lines": [{ "offer": stage.offer }] });
    let draft = stage.shop.post("/v1/orders", &eve, "draft", body.clone()).await;
    let path = format!("/v1/orders/{}", draft.at("/id"));
    let sent = stage.shop.post(&format!("{path}/confirm"), &eve, "confirm", json!({})).await;
    assert_eq!((sent.status, sent.at("/state")), (202, "open"), "{sent:?}");
    let code = stage.provider.decide(draft.at("/id"), "ada", Decided::Approved);
    let ada = stage.sign_in(&code).await;
    assert_eq!(stage.shop.get(&path, &ada).await.at("/state"), "paid");
    assert_eq!(stage.shop.get(&path, &eve).await.status, 404, "it is hers no more");
    // Her key still names what she selected, and shows nothing of what became of it.
    let again = stage.shop.post("/v1/orders", &eve, "draft", body).await;
    assert_eq!((again.status, again.at("/state")), (201, "draft"), "{again:?}");
    assert!(is_without_codes(&again));
    stage.shop.sound().await;
}

#[tokio::test]
async fn the_evidence_has_every_signed_document_and_each_names_the_one_before() {
    let stage = Stage::open().await;
    let sent = stage.send().await;
    let code = stage.provider.decide(&sent.order, "ada", Decided::Approved);
    let ada = stage.sign_in(&code).await;
    stage.provider.give_back(&sent.order, 100, GivenBackBy::Provider);
    stage.wait(Span::days(1)).await;
    let path = format!("/v1/orders/{}/evidence", sent.order);
    let evidence = stage.shop.get(&path, &ada).await;
    assert_eq!(evidence.status, 200, "{evidence:?}");
    let documents = evidence.json["documents"].as_array().expect("documents");
    let kinds: Vec<_> = documents.iter().filter_map(|row| row["kind"].as_str()).collect();
    assert_eq!(kinds, ["offer", "confirmation", "receipt", "fulfilment", "refunding"]);
    for (index, member) in [(1, "offer"), (2, "confirmation"), (3, "receipt"), (4, "receipt")] {
        let before = if index == 4 { 2 } else { index - 1 };
        let claims = claims(documents[index]["jws"].as_str().unwrap());
        assert_eq!(claims[member], documents[before]["digest"], "{member}");
    }
}

fn claims(jws: &str) -> Value {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let body = jws.split('.').nth(1).expect("a compact JWS");
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(body).unwrap()).unwrap()
}

#[tokio::test]
async fn a_confirmation_is_the_same_again_and_opens_one_request() {
    let stage = Stage::open().await;
    let sent = stage.draft("draft").await;
    let again = stage.draft("draft").await;
    assert_eq!((&again.order, &again.token), (&sent.order, &sent.token));
    let first = stage.confirm(&sent, "confirm").await;
    let replay = stage.confirm(&sent, "confirm").await;
    assert_eq!((replay.status, replay.header("idempotency-replayed")), (202, "true"));
    assert_eq!(replay.json, first.json);
    let other = stage.confirm(&sent, "another").await;
    assert_eq!((other.code(), other.at("/state")), ("order_not_draft", "open"));
    let code = stage.provider.decide(&sent.order, "ada", Decided::Approved);
    let ada = stage.sign_in(&code).await;
    let late = stage.confirm(&sent, "confirm").await;
    assert_eq!(late.json, first.json, "the first answer, whatever became of the order");
    let path = format!("/v1/orders/{}/confirm", sent.order);
    assert_eq!(stage.shop.post(&path, &ada, "confirm", json!({})).await.json, first.json);
    assert_eq!(stage.provider.calls().iter().filter(|call| *call == "open").count(), 1);
}

#[tokio::test]
async fn a_buyer_says_no_and_nothing_is_captured() {
    let stage = Stage::open().await;
    let sent = stage.send().await;
    stage.provider.claim(&sent.order);
    stage.wait(Span::seconds(10)).await;
    assert_eq!(stage.state(&sent).await, "claimed");
    let code = stage.provider.decide(&sent.order, "ada", Decided::Declined);
    let ada = stage.sign_in(&code).await;
    let order = stage.shop.get(&format!("/v1/orders/{}", sent.order), &ada).await;
    assert_eq!((order.at("/state"), order.at("/reason")), ("declined", "buyer"));
    assert_eq!(order.json["approved"], false);
    stage.settle().await;
    assert!(!stage.provider.calls().iter().any(|call| call == "capture"));
    stage.shop.sound().await;
}

/// Orders as a visitor, and confirms at the provider as ada.
async fn ada_confirms(stage: &Stage, key: &str, offer: &str, again: bool) -> (Sent, String) {
    let body = json!({ "lines": [{ "offer": offer }], "allow_duplicate": again });
    let draft = stage.shop.post("/v1/orders", "", key, body).await;
    assert_eq!(draft.status, 201, "{draft:?}");
    let [order, token] = ["/id", "/order_token"].map(|at| draft.at(at).to_owned());
    let sent = Sent { order, token };
    assert_eq!(stage.confirm(&sent, "confirm").await.status, 202);
    let code = stage.provider.decide(&sent.order, "ada", Decided::Approved);
    (sent, code)
}

#[tokio::test]
async fn a_visitor_who_turns_out_to_own_it_is_not_charged_again_but_for_the_asking() {
    let stage = Stage::open().await;
    let (first, code) = ada_confirms(&stage, "first", &stage.offer, false).await;
    let ada = stage.sign_in(&code).await;
    assert_eq!(stage.state(&first).await, "paid");
    let (second, code) = ada_confirms(&stage, "second", &stage.offer, false).await;
    let mut browser = Browser::on(&stage.shop);
    // It was begun by a program, so the browser is asked first.
    let asked = browser.open(&format!("/return?code={code}")).await;
    let form = ["session", "order"].map(|name| (name, asked.input(name)));
    assert_eq!(browser.send("/return", &form).await.status, 303);
    let order = stage.shop.get(&format!("/v1/orders/{}", second.order), &ada).await;
    assert_eq!((order.at("/state"), order.at("/reason")), ("declined", "already_owned"));
    assert_eq!(order.json["approved"], false);
    let calls = stage.provider.calls();
    assert_eq!(calls.iter().filter(|call| *call == "capture").count(), 1, "{calls:?}");
    assert_eq!(calls.last().map(String::as_str), Some("cancel"));
    let page = browser.open(&format!("/orders/{}", second.order)).await;
    for told in ["you own it already", "href=\"/library\"", "Buy it again anyway"] {
        assert!(page.html.contains(told), "{told}\n{}", page.html);
    }

    let (third, code) = ada_confirms(&stage, "third", &stage.offer, true).await;
    stage.sign_in(&code).await;
    assert_eq!(stage.state(&third).await, "paid", "whoever insists buys it again");
    stage.settle().await;
    stage.shop.sound().await;
}

#[tokio::test]
async fn a_trial_is_given_once_to_whoever_confirms() {
    let stage = Stage::open().await;
    let terms = scrip_license::Terms::Trial { seconds: 86_400 };
    let trial = stage.shop.product("tried", 0, terms).await;
    let (first, code) = ada_confirms(&stage, "first", &trial, false).await;
    stage.sign_in(&code).await;
    assert_eq!(stage.state(&first).await, "paid");
    let (second, code) = ada_confirms(&stage, "second", &trial, true).await;
    stage.sign_in(&code).await;
    let order = stage.look(&second).await;
    assert_eq!((order.at("/state"), order.at("/reason")), ("declined", "trial_used"));
    stage.shop.sound().await;
}

#[tokio::test]
async fn of_two_orders_that_are_confirmed_in_one_moment_the_first_is_sold() {
    let terms = scrip_license::Terms::Trial { seconds: 86_400 };
    // The first is held, or captured, and nothing is heard of it for a while.
    for (fates, state) in [
        (vec![Fate::Answered, Fate::Lost], "authorized"),
        (vec![Fate::Answered, Fate::Answered, Fate::Lost], "captured"),
    ] {
        let stage = Stage::open().await;
        let trial = stage.shop.product("tried", 0, terms).await;
        for (offer, reason) in [(&stage.offer, "already_owned"), (&trial, "trial_used")] {
            let (first, code) =
                ada_confirms(&stage, &format!("first-{reason}"), offer, false).await;
            stage.provider.fate(&fates);
            stage.sign_in(&code).await;
            assert_eq!(stage.state(&first).await, state);
            let (second, code) =
                ada_confirms(&stage, &format!("second-{reason}"), offer, false).await;
            stage.sign_in(&code).await;
            let order = stage.look(&second).await;
            assert_eq!((order.at("/state"), order.at("/reason")), ("declined", reason));
            stage.settle().await;
            assert_eq!(stage.state(&first).await, "paid");
            stage.shop.sound().await;
        }
    }
}

#[tokio::test]
async fn what_came_to_nothing_is_promised_no_longer() {
    let stage = Stage::open().await;
    let (first, code) = ada_confirms(&stage, "first", &stage.offer, false).await;
    stage.provider.fate(&[Fate::Answered, Fate::Lost]);
    stage.sign_in(&code).await;
    let (other, code) = ada_confirms(&stage, "other", &stage.offer, true).await;
    stage.sign_in(&code).await;
    assert_eq!(stage.state(&other).await, "paid", "whoever insists has both");
    stage.provider.give_back(&other.order, 250, GivenBackBy::Provider);
    stage.provider.end(&first.order);
    stage.wait(Span::days(1)).await;
    assert_eq!(stage.state(&first).await, "expired");
    assert_eq!(stage.state(&other).await, "refunded");
    let (second, code) = ada_confirms(&stage, "second", &stage.offer, false).await;
    stage.sign_in(&code).await;
    assert_eq!(stage.state(&second).await, "paid");
    stage.shop.sound().await;
}

#[tokio::test]
async fn whatever_is_lost_while_tokens_are_let_go_of_the_order_ends_as_declined() {
    for fates in [
        vec![Fate::Answered, Fate::Lost],
        vec![Fate::Answered, Fate::AnswerLost],
        vec![Fate::Answered, Fate::Lost, Fate::Lost, Fate::AnswerLost, Fate::Lost],
    ] {
        let stage = Stage::open().await;
        let (_, code) = ada_confirms(&stage, "first", &stage.offer, false).await;
        let ada = stage.sign_in(&code).await;
        let (second, code) = ada_confirms(&stage, "second", &stage.offer, false).await;
        stage.provider.fate(&fates);
        stage.sign_in(&code).await;
        let held = stage.shop.get(&format!("/v1/orders/{}", second.order), &ada).await;
        assert_eq!((held.at("/state"), held.at("/reason")), ("authorized", "already_owned"));
        assert_eq!(held.json["approved"], false);
        stage.settle().await;
        let order = stage.look(&second).await;
        assert_eq!((order.at("/state"), order.at("/reason")), ("declined", "already_owned"));
        let calls = stage.provider.calls();
        assert_eq!(calls.iter().filter(|call| *call == "capture").count(), 1, "{calls:?}");
        stage.shop.sound().await;
    }
}

#[tokio::test]
async fn what_is_not_sold_stays_in_the_cart_also_before_the_tokens_are_let_go_of() {
    let stage = Stage::open().await;
    let (_, code) = ada_confirms(&stage, "first", &stage.offer, false).await;
    stage.sign_in(&code).await;
    let (_, code) = ada_confirms(&stage, "second", &stage.offer, false).await;
    let mut browser = Browser::on(&stage.shop);
    browser.send("/cart", &[("offer", &stage.offer), ("quantity", "1")]).await;
    stage.provider.fate(&[Fate::Answered, Fate::Lost]);
    let asked = browser.open(&format!("/return?code={code}")).await;
    let form = ["session", "order"].map(|name| (name, asked.input(name)));
    let shown = browser.send("/return", &form).await;
    let page = browser.open(shown.location()).await;
    assert!(page.html.contains("The provider is asked to let go"), "{}", page.html);
    assert!(browser.open("/cart").await.html.contains("The tuning"));
}

#[tokio::test]
async fn tokens_that_are_let_go_of_too_late_are_free_all_the_same() {
    let stage = Stage::open().await;
    let (_, code) = ada_confirms(&stage, "first", &stage.offer, false).await;
    stage.sign_in(&code).await;
    let (second, code) = ada_confirms(&stage, "second", &stage.offer, false).await;
    stage.provider.fate(&[Fate::Answered, Fate::Lost]);
    stage.sign_in(&code).await;
    stage.provider.end(&second.order);
    stage.settle().await;
    let order = stage.look(&second).await;
    assert_eq!((order.at("/state"), order.at("/reason")), ("declined", "already_owned"));
    stage.shop.sound().await;
}

#[tokio::test]
async fn a_browser_that_died_needs_nobody() {
    let stage = Stage::open().await;
    let sent = stage.send().await;
    stage.provider.decide(&sent.order, "ada", Decided::Approved);
    // No code comes back, no notice arrives: the merchant looks by itself, before the hold is over.
    stage.wait(Span::minutes(2)).await;
    assert_eq!(stage.state(&sent).await, "paid");
    let code = stage.provider.return_code("ada", None);
    let ada = stage.sign_in(&code).await;
    let order = stage.shop.get(&format!("/v1/orders/{}", sent.order), &ada).await;
    assert_eq!(order.json["licenses"].as_array().map(Vec::len), Some(2), "{order:?}");
    stage.shop.sound().await;
}

/// Loses any one call, or its answer, or its answer and the three next ones: the order ends the same, and each thing
/// happened once.
#[tokio::test]
async fn whatever_is_lost_between_any_two_steps_the_order_ends_the_same() {
    let fates = [
        vec![Fate::Lost],
        vec![Fate::AnswerLost],
        vec![Fate::AnswerLost, Fate::Lost, Fate::AnswerLost, Fate::AnswerLost],
        vec![Fate::Refused("busy")],
        vec![Fate::AnswerLost, Fate::Refused("restoring")],
        // Two clocks or keys do not agree for a while: that says nothing of what was asked.
        vec![Fate::AnswerLost, Fate::Refused("signature_refused")],
    ];
    for fate in &fates {
        // Which call is the first to be lost: open, request, capture, fulfilled.
        for good in 0..5 {
            let mut stage = Stage::open().await;
            let script: Vec<_> =
                std::iter::repeat_n(Fate::Answered, good).chain(fate.iter().cloned()).collect();
            stage.provider.fate(&script);
            let sent = stage.draft("draft").await;
            let mut status = stage.confirm(&sent, "confirm").await.status;
            while status == 503 {
                stage.shop.advance(Span::seconds(1)).await;
                status = stage.confirm(&sent, "confirm").await.status;
            }
            assert_eq!(status, 202, "{good} {fate:?}");
            stage.provider.decide(&sent.order, "ada", Decided::Approved);
            for _ in 0..5 {
                stage.wait(Span::seconds(7)).await;
                // The merchant dies after whatever step it has come to, and starts again.
                stage.shop = stage.shop.another().await;
            }
            stage.settle().await;
            assert_eq!(stage.state(&sent).await, "paid", "{good} {fate:?}");
            let ada = stage.come_in("ada").await;
            let order = stage.shop.get(&format!("/v1/orders/{}", sent.order), &ada).await;
            assert_eq!(order.json["licenses"].as_array().map(Vec::len), Some(2));
            stage.shop.sound().await;
        }
    }
}

#[tokio::test]
async fn a_code_is_nowhere_before_the_provider_has_had_its_last_word() {
    let stage = Stage::open().await;
    let sent = stage.send().await;
    stage.provider.fate(&[Fate::Answered, Fate::Answered, Fate::AnswerLost]);
    let code = stage.provider.decide(&sent.order, "ada", Decided::Approved);
    let ada = stage.sign_in(&code).await;
    let order = stage.shop.get(&format!("/v1/orders/{}", sent.order), &ada).await;
    assert_eq!((order.at("/state"), order.json["approved"].as_bool()), ("captured", Some(true)));
    assert!(is_without_codes(&order) && order.json["licenses"].is_null());
    let library = stage.shop.get("/v1/licenses", &ada).await;
    assert_eq!(library.at("/data/0/state"), "withheld");
    assert!(is_without_codes(&library), "{library:?}");
    let one = stage.shop.get(&format!("/v1/licenses/{}", library.at("/data/0/id")), &ada).await;
    assert!(one.status == 200 && is_without_codes(&one));
    let path = format!("/v1/orders/{}/receipt", sent.order);
    assert_eq!(stage.shop.get(&path, &ada).await.code(), "order_not_paid");
    // Who guesses the code of a license by signing it like the merchant is told nothing either.
    let id = library.at("/data/0/id").parse().expect("a license");
    let license = stage.shop.app.engine.store().license(id).await.unwrap().unwrap();
    let genuine = stage.shop.app.engine.code(&license).await.unwrap();
    for code in [genuine.jws, genuine.short] {
        let verdict =
            stage.shop.post("/v1/licenses/validate", "", "", json!({ "code": code })).await;
        assert_eq!((verdict.at("/code"), &verdict.json["license"]), ("UNKNOWN_CODE", &Value::Null));
    }
    stage.shop.sound().await;
    let (told, next) = stage.told(&ada, "").await;
    assert_eq!(told, ["account.opened"]);
    // Long after its licenses were made: what tells of them is looked for near the time in which it is told.
    stage.wait(Span::minutes(20)).await;
    assert_eq!(stage.state(&sent).await, "paid");
    let (told, _) = stage.told(&ada, &format!("&after={next}")).await;
    assert_eq!(told, ["order.paid", "license.issued", "license.issued"]);
    stage.shop.sound().await;
}

#[tokio::test]
async fn what_was_given_back_before_it_was_delivered_is_never_delivered() {
    let stage = Stage::open().await;
    let sent = stage.send().await;
    // Captured; then the merchant cannot be heard until the provider's deadline.
    stage.provider.fate(&[Fate::Answered, Fate::Answered, Fate::Lost]);
    let code = stage.provider.decide(&sent.order, "ada", Decided::Approved);
    let ada = stage.sign_in(&code).await;
    assert_eq!(stage.state(&sent).await, "captured");
    stage.provider.give_back(&sent.order, 500, GivenBackBy::Deadline);
    stage.wait(Span::seconds(10)).await;
    let order = stage.shop.get(&format!("/v1/orders/{}", sent.order), &ada).await;
    assert_eq!((order.at("/state"), order.at("/reason")), ("refunded", "already_refunded"));
    assert!(is_without_codes(&order), "{order:?}");
    let library = stage.shop.get("/v1/licenses", &ada).await;
    assert_eq!(library.at("/data/0/state"), "refunded");
    assert!(is_without_codes(&library));
    assert_eq!(stage.told(&ada, "").await.0, ["account.opened", "order.refunded"]);
    stage.shop.sound().await;
}

#[tokio::test]
async fn a_hold_that_is_over_at_capture_ends_the_order_without_a_code() {
    let stage = Stage::open().await;
    let sent = stage.send().await;
    stage.provider.fate(&[Fate::Answered, Fate::Lost]);
    let code = stage.provider.decide(&sent.order, "ada", Decided::Approved);
    let ada = stage.sign_in(&code).await;
    let order = stage.shop.get(&format!("/v1/orders/{}", sent.order), &ada).await;
    assert_eq!(order.at("/state"), "authorized");
    stage.provider.end(&sent.order);
    stage.wait(Span::seconds(10)).await;
    let order = stage.shop.get(&format!("/v1/orders/{}", sent.order), &ada).await;
    assert_eq!((order.at("/state"), order.at("/reason")), ("expired", "hold_expired"));
    assert_eq!(order.json["approved"], false);
    stage.settle().await;
    stage.shop.sound().await;
}

#[tokio::test]
async fn nobody_confirms_and_the_order_expires_by_the_providers_word() {
    let stage = Stage::open().await;
    let sent = stage.send().await;
    stage.provider.end(&sent.order);
    stage.wait(Span::minutes(2)).await;
    let seen = stage.look(&sent).await;
    assert_eq!((seen.at("/state"), seen.at("/reason")), ("expired", "not_confirmed"));
    let calls = stage.provider.calls().len();
    stage.settle().await;
    assert_eq!(stage.provider.calls().len(), calls, "nothing is asked any more");
    stage.shop.sound().await;
}

#[tokio::test]
async fn an_order_is_taken_back_before_it_is_captured_and_not_after() {
    let stage = Stage::open().await;
    let draft = stage.draft("another").await;
    let path = format!("/v1/orders/{}/cancel", draft.order);
    let cancelled = stage.as_visitor("POST", &path, &draft.token, "").await;
    assert_eq!((cancelled.status, cancelled.at("/state")), (200, "cancelled"));

    let sent = stage.send().await;
    let path = format!("/v1/orders/{}/cancel", sent.order);
    stage.provider.fate(&[Fate::AnswerLost]);
    assert_eq!(stage.as_visitor("POST", &path, &sent.token, "").await.status, 503);
    let cancelled = stage.as_visitor("POST", &path, &sent.token, "").await;
    assert_eq!((cancelled.status, cancelled.at("/state")), (200, "cancelled"), "{cancelled:?}");
    assert_eq!(stage.as_visitor("POST", &path, &sent.token, "").await.at("/state"), "cancelled");

    let paid = stage.draft("third").await;
    stage.confirm(&paid, "confirm").await;
    let code = stage.provider.decide(&paid.order, "ada", Decided::Approved);
    stage.sign_in(&code).await;
    let path = format!("/v1/orders/{}/cancel", paid.order);
    let late = stage.as_visitor("POST", &path, &paid.token, "").await;
    assert_eq!((late.code(), late.at("/state")), ("order_not_draft", "paid"));
    stage.shop.sound().await;
}

#[tokio::test]
async fn a_provider_that_takes_no_such_order_declines_it_on_record() {
    let stage = Stage::open().await;
    let sent = stage.draft("draft").await;
    stage.provider.fate(&[Fate::Refused("merchant_limit")]);
    let first = stage.confirm(&sent, "confirm").await;
    assert_eq!((first.status, first.code()), (409, "provider_refused"), "{first:?}");
    assert_eq!(first.at("/reason"), "merchant_limit");
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = stage.confirm(&sent, "confirm").await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (409, "true"), "{again:?}");
    assert_eq!(again.json, first.json, "the first answer, and its request's name");
    let seen = stage.look(&sent).await;
    assert_eq!((seen.at("/state"), seen.at("/reason")), ("declined", "merchant_limit"));
    stage.shop.sound().await;
}

#[tokio::test]
async fn the_staff_of_a_suspended_merchant_finds_out_why_its_orders_are_declined() {
    let stage = Stage::open().await;
    let sent = stage.draft("draft").await;
    stage.provider.fate(&[Fate::Refused("merchant_limit:merchant_suspended")]);
    let refused = stage.confirm(&sent, "confirm").await;
    assert_eq!((refused.status, refused.at("/reason")), (409, "merchant_suspended"), "{refused:?}");
    let seen = stage.look(&sent).await;
    assert_eq!((seen.at("/state"), seen.at("/reason")), ("declined", "merchant_suspended"));
    let (mut staff, _) = stage.shop.clerk(StaffRole::Owner).await;
    let page = staff.open(&format!("/admin/orders/{}", sent.order)).await;
    assert!(page.html.contains("Merchant suspended"), "{}", page.html);
}

#[tokio::test]
async fn a_provider_that_is_away_for_long_is_given_up_on_before_anybody_was_sent_there() {
    let stage = Stage::open().await;
    let sent = stage.draft("draft").await;
    stage.provider.fate(&vec![Fate::Lost; 200]);
    assert_eq!(stage.confirm(&sent, "confirm").await.status, 503);
    for _ in 0..30 {
        stage.wait(Span::minutes(2)).await;
    }
    let seen = stage.look(&sent).await;
    assert_eq!((seen.at("/state"), seen.at("/reason")), ("expired", "provider_unreachable"));
    let late = stage.confirm(&sent, "confirm").await;
    assert_eq!((late.status, late.at("/state")), (409, "expired"), "{late:?}");
    stage.shop.sound().await;
}

/// What somebody did to the provider's row.
type Lie = fn(&ScriptedProvider, &mut scrip_testkit::Row);

/// What a picture must not be believed for: each leaves the order as it was, and is asked for again.
#[tokio::test]
async fn documents_that_are_altered_foreign_or_of_something_else_move_nothing() {
    let lies: [(&str, Lie); 8] = [
        ("no signature of the provider's", |_, row| {
            let text = row.picture.confirmation.as_mut().unwrap();
            let last = text.pop().unwrap();
            text.push(if last == 'A' { 'Q' } else { 'A' });
        }),
        ("another amount", |provider, row| {
            let mut read = provider.confirmation(row, "ada", Decided::Approved, 0);
            read.amount = scrip_domain::Amount::new(1).unwrap();
            row.picture.confirmation = Some(provider.sign(&read));
        }),
        ("another merchant", |provider, row| {
            let mut read = provider.confirmation(row, "ada", Decided::Approved, 0);
            read.audience = "https://other.test".into();
            row.picture.confirmation = Some(provider.sign(&read));
        }),
        ("another provider", |provider, row| {
            let mut read = provider.confirmation(row, "ada", Decided::Approved, 0);
            read.issuer = "https://other.test".into();
            row.picture.confirmation = Some(provider.sign(&read));
        }),
        ("another order", |provider, row| {
            let mut read = provider.confirmation(row, "ada", Decided::Approved, 0);
            read.order = "ord_0000000000001".into();
            row.picture.confirmation = Some(provider.sign(&read));
        }),
        ("another offer", |provider, row| {
            let mut read = provider.confirmation(row, "ada", Decided::Approved, 0);
            read.offer = "x".into();
            row.picture.confirmation = Some(provider.sign(&read));
        }),
        ("nobody", |provider, row| {
            let mut read = provider.confirmation(row, "ada", Decided::Approved, 0);
            read.subject = None;
            row.picture.confirmation = Some(provider.sign(&read));
        }),
        ("another kind of document", |_, row| {
            row.picture.confirmation = Some(row.offer_text.clone());
        }),
    ];
    for (what, lie) in lies {
        let stage = Stage::open().await;
        let sent = stage.send().await;
        stage.provider.decide(&sent.order, "ada", Decided::Approved);
        let truth = stage.provider.row(&sent.order);
        stage.provider.tamper(&sent.order, |row| lie(&stage.provider, row));
        stage.wait(Span::minutes(2)).await;
        assert_eq!(stage.state(&sent).await, "open", "{what}");
        stage.provider.tamper(&sent.order, |row| *row = truth);
        stage.wait(Span::minutes(2)).await;
        assert_eq!(stage.state(&sent).await, "paid", "{what}: it is asked for again");
        stage.shop.sound().await;
    }
}

#[tokio::test]
async fn a_last_word_on_other_codes_delivers_nothing() {
    let stage = Stage::open().await;
    let sent = stage.send().await;
    stage.provider.fate(&[Fate::Answered, Fate::Answered, Fate::AnswerLost]);
    let code = stage.provider.decide(&sent.order, "ada", Decided::Approved);
    stage.sign_in(&code).await;
    let truth = stage.provider.row(&sent.order).picture.fulfilment.unwrap();
    let mut read: scrip_domain::document::Fulfilment =
        serde_json::from_value(claims(&truth)).unwrap();
    read.codes = "other".into();
    let lie = stage.provider.sign(&read);
    stage.provider.tamper(&sent.order, |row| row.picture.fulfilment = Some(lie));
    stage.wait(Span::seconds(10)).await;
    assert_eq!(stage.state(&sent).await, "captured");
    stage.provider.tamper(&sent.order, |row| row.picture.fulfilment = Some(truth));
    stage.wait(Span::minutes(2)).await;
    assert_eq!(stage.state(&sent).await, "paid");
    stage.shop.sound().await;
}

#[tokio::test]
async fn refunds_that_do_not_add_up_are_not_booked() {
    let stage = Stage::open().await;
    let sent = stage.send().await;
    let code = stage.provider.decide(&sent.order, "ada", Decided::Approved);
    stage.sign_in(&code).await;
    stage.provider.give_back(&sent.order, 100, GivenBackBy::Provider);
    let text = stage.provider.row(&sent.order).picture.refunds[0].clone();
    let mut read: scrip_domain::document::Refunding =
        serde_json::from_value(claims(&text)).unwrap();
    read.refunded = scrip_domain::Amount::new(400).unwrap();
    let lie = stage.provider.sign(&read);
    stage.provider.tamper(&sent.order, |row| row.picture.refunds[0] = lie);
    stage.wait(Span::days(1)).await;
    assert_eq!(stage.state(&sent).await, "paid");
    stage.provider.tamper(&sent.order, |row| row.picture.refunds[0] = text);
    stage.wait(Span::days(1)).await;
    assert_eq!(stage.state(&sent).await, "partially_refunded");
    stage.shop.sound().await;
}
