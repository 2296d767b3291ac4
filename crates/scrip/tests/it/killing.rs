//! Killed in the middle of purchases: what was answered stands, and what was not is settled by asking
//! again with the same key. On both databases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use http::Method;
use rustix::process::Signal;
use scrip_client::{Client, Error};
use serde_json::{Value, json};

use crate::shop::{Folder, Server, run, said};

const BUYERS: u64 = 6;
const DEATHS: u64 = 3;
const PRICE: u64 = 7;
/// More purchases than any buyer makes before the server is killed.
const MANY: u64 = 200;

#[test]
fn killed_on_sqlite_each_purchase_happens_once() {
    killed(&Folder::new(), 0x5c81);
}

#[test]
fn killed_on_postgresql_each_purchase_happens_once() {
    killed(&Folder::on_postgres("killed"), 0x5c82);
}

/// A buyer, and what it was told.
struct Buyer {
    token: String,
    funds: u64,
    /// How many purchases it began.
    begun: u64,
    /// The purchase that was not answered.
    open: Option<String>,
    /// The answers, by key, without the request's own id.
    told: BTreeMap<String, (u16, Value)>,
}

/// When the server is killed: with this request on its way, or after this answer.
struct Doom<'a> {
    server: Option<&'a Server>,
    sent: AtomicU64,
    answered: AtomicU64,
    at: (u64, u64),
}

impl Doom<'_> {
    fn count(&self, counter: &AtomicU64, at: u64) {
        if counter.fetch_add(1, Ordering::SeqCst) + 1 == at
            && let Some(server) = self.server
        {
            server.signal(Signal::KILL);
        }
    }
}

fn killed(folder: &Folder, seed: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut chance = seed;
    let mut draw = |most: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        1 + (chance >> 33) % most
    };
    let mut server = folder.serve();
    let offer = server.offers(folder, PRICE, &json!({ "kind": "uses", "count": 5 }));
    let mut buyers: Vec<Buyer> =
        (0..BUYERS).map(|number| register(&server, folder, number)).collect();
    for death in 0..DEATHS {
        let at = if death % 2 == 0 { (draw(100), 0) } else { (0, draw(100)) };
        let (sent, answered) = (AtomicU64::new(0), AtomicU64::new(0));
        let doom = Doom { server: Some(&server), sent, answered, at };
        let living = buyers.iter_mut().map(|buyer| buyer.live(&server.url, &offer, &doom));
        runtime.block_on(join_all(living));
        assert!(buyers.iter().any(|buyer| buyer.open.is_some()), "it died at {at:?}");
        server.end();
        server = folder.serve();
    }
    runtime.block_on(join_all(buyers.iter_mut().map(|buyer| buyer.settle(&server.url, &offer))));
    buyers.iter().for_each(|buyer| buyer.compare(&server));
    let (text, code) = said(&run(&["doctor", "--config", &folder.config()]));
    assert_eq!((code, text.contains("The books are whole.")), (0, true), "{text}");
}

/// A buyer with tokens enough; the first one soon has none left.
fn register(server: &Server, folder: &Folder, number: u64) -> Buyer {
    let email = format!("buyer-{number}@example.org");
    let body = json!({ "email": email, "password": "correct horse" });
    let opened = server.call(Method::POST, "/v1/accounts", "", "-", &body);
    let account = opened["account"]["id"].as_str().expect("an account");
    let funds = if number == 0 { 3 * PRICE + 1 } else { MANY * PRICE * DEATHS };
    let body = json!({ "tokens": { "amount": funds, "unit": "TOK" }, "reason": "a test" });
    let path = format!("/v1/admin/accounts/{account}/adjust");
    server.call(Method::POST, &path, &folder.admin_key, &email, &body);
    let token = opened["token"].as_str().expect("a token").to_owned();
    Buyer { token, funds, begun: 0, open: None, told: BTreeMap::new() }
}

impl Buyer {
    /// Buys until the server is killed.
    async fn live(&mut self, url: &str, offer: &str, doom: &Doom<'_>) {
        for _ in 0..MANY {
            let key = self.open.take().unwrap_or_else(|| {
                self.begun += 1;
                format!("key-{}", self.begun)
            });
            let asking = ask(url, &self.token, &key, offer);
            let ((), answer) =
                futures_util::join!(async { doom.count(&doom.sent, doom.at.0) }, asking);
            let Some((status, _, body)) = answer else {
                self.open = Some(key);
                return;
            };
            self.told.insert(key, (status, body));
            doom.count(&doom.answered, doom.at.1);
        }
        panic!("the server was not killed");
    }

    /// Settles what is open, and asks everything again: the answers are the first ones.
    async fn settle(&mut self, url: &str, offer: &str) {
        if let Some(key) = self.open.take() {
            let (status, _, body) = ask(url, &self.token, &key, offer).await.expect("an answer");
            self.told.insert(key, (status, body));
        }
        for (key, told) in &self.told {
            let (status, replayed, body) =
                ask(url, &self.token, key, offer).await.expect("an answer");
            assert!(replayed, "{key} was done twice");
            assert_eq!(&(status, body), told, "{key}");
        }
    }

    /// Compares what was told with what is there.
    fn compare(&self, server: &Server) {
        let paid: Vec<&Value> =
            self.told.values().filter(|(status, _)| *status == 201).map(|(_, body)| body).collect();
        assert_eq!(self.told.len() as u64, self.begun);
        let spent = PRICE * paid.len() as u64;
        let wallet = server.call(Method::GET, "/v1/wallet", &self.token, "-", &Value::Null);
        assert_eq!(wallet["available"]["amount"], self.funds - spent);
        let there = all(server, "/v1/orders", &self.token);
        assert_eq!(there.len(), self.told.len(), "an order per key, declined ones too");
        for order in &paid {
            assert!(there.contains(order), "{order}");
        }
        let code = |license: &Value| license["code"].to_string();
        let codes: BTreeSet<_> =
            all(server, "/v1/licenses", &self.token).iter().map(code).collect();
        let told: BTreeSet<_> =
            paid.iter().flat_map(|order| order["licenses"].as_array().unwrap()).map(code).collect();
        assert_eq!((codes.len(), &codes), (paid.len(), &told));
    }
}

/// Buys one; the status, whether it says that it was done before, and the body. `None` is silence.
async fn ask(url: &str, token: &str, key: &str, offer: &str) -> Option<(u16, bool, Value)> {
    let body = json!({
        "lines": [{ "offer": offer }],
        "expected_total": { "amount": PRICE, "unit": "TOK" }
    });
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    let client = Client::new(url).unwrap().bearer(token);
    let body = body.to_string().into_bytes();
    let answer = match client.request(Method::POST, "/v1/purchases", &headers, body).await {
        Ok(answer) => answer,
        Err(Error::Lost(_) | Error::Unreachable { .. }) => return None,
        Err(other) => panic!("{other}"),
    };
    let status = answer.status.as_u16();
    let mut body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert!(matches!(status, 201 | 402), "{status} {body}");
    body.as_object_mut().expect("an object").remove("request_id");
    Some((status, answer.replayed(), body))
}

/// Everything in a list.
fn all(server: &Server, path: &str, token: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("{path}?limit=100{after}");
        let page = server.call(Method::GET, &path, token, "-", &Value::Null);
        rows.extend(page["data"].as_array().expect("a list").clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return rows,
        }
    }
}
