//! Exchanges between two vendors that are both whole: what a buyer sees, what may move and how much, and what is refused.

use axum::Router;
use axum::routing::any;
use scrip_domain::document::exchange::Quote;
use scrip_domain::exchange::Exchange;
use scrip_domain::partner::Partner;
use scrip_domain::{Amount, Id, Span};
use scrip_testkit::{Answer, Browser, Shop, Way};
use serde_json::{Value, json};

use crate::partners::{AURORA, BELLE, Vendors, terms};

/// Two vendors, and a buyer of both whose accounts are linked: with 1000.00 AUR at the first, and nothing at the second.
pub struct Linked {
    pub vendors: Vendors,
    /// The buyer's session at the first vendor.
    pub ada: String,
    /// The same person's session at the second.
    pub ada_there: String,
}

/// Has both agree on these terms.
pub async fn agree(vendors: &Vendors, terms: Value) {
    let body = json!({ "partner": vendors.partners[0], "terms": terms });
    let proposed = vendors.a.post("/v1/admin/agreements", &vendors.a.admin, "", body).await;
    assert_eq!(proposed.status, 201, "{proposed:?}");
    vendors.work().await;
    let all = vendors.b.get("/v1/admin/agreements", &vendors.b.admin).await;
    let path = format!("/v1/admin/agreements/{}/accept", all.at("/data/0/id"));
    let accepted = vendors.b.post(&path, &vendors.b.admin, "", Value::Null).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    vendors.work().await;
}

/// Links an account at the first vendor to one at the second.
pub async fn link(vendors: &Vendors, here: &str, there: &str) {
    let path = format!("/v1/partners/{}/link", vendors.partners[0]);
    let opened = vendors.a.post(&path, here, "", json!({})).await;
    assert!([200, 201].contains(&opened.status), "{opened:?}");
    let approve = format!("/v1/links/{}/approve", opened.at("/reference"));
    let approved = vendors.b.post(&approve, there, "", Value::Null).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let url = approved.at("/return_url");
    let code = url.split(['?', '&']).find_map(|part| part.strip_prefix("code=")).unwrap();
    let linked = vendors.a.post(&path, here, "", json!({ "return_code": code })).await;
    assert_eq!(linked.status, 200, "{linked:?}");
}

impl Linked {
    pub async fn open() -> Self {
        Self::under(terms(AURORA)).await
    }

    /// Under these terms.
    pub async fn under(terms: Value) -> Self {
        let vendors = Vendors::open().await;
        agree(&vendors, terms).await;
        let ada = vendors.a.buyer("ada@example.com", 100_000).await;
        let ada_there = vendors.b.buyer("ada@example.com", 0).await;
        link(&vendors, &ada, &ada_there).await;
        Self { vendors, ada, ada_there }
    }

    pub async fn try_quote(&self, give: u64) -> Answer {
        let give = json!({ "amount": give, "unit": "AUR" });
        let body = json!({ "partner": self.vendors.partners[0], "give": give });
        self.vendors.a.post("/v1/exchange-quotes", &self.ada, "", body).await
    }

    /// The buyer signs in anew at both: sessions end after a month.
    pub async fn sign_in(&mut self) {
        let body = json!({ "email": "ada@example.com", "password": "correct horse" });
        let Vendors { a, b, .. } = &self.vendors;
        let here = a.post("/v1/sessions", "", "", body.clone()).await;
        let there = b.post("/v1/sessions", "", "", body).await;
        here.at("/token").clone_into(&mut self.ada);
        there.at("/token").clone_into(&mut self.ada_there);
    }

    /// A quote's name.
    pub async fn quote(&self, give: u64) -> String {
        let quote = self.try_quote(give).await;
        assert_eq!(quote.status, 201, "{quote:?}");
        quote.at("/id").to_owned()
    }

    pub async fn take(&self, quote: &str, key: &str) -> Answer {
        self.vendors.a.post("/v1/exchanges", &self.ada, key, json!({ "quote": quote })).await
    }

    /// An exchange of so much, as it is first answered.
    pub async fn exchange(&self, give: u64, key: &str) -> Answer {
        let quote = self.quote(give).await;
        self.take(&quote, key).await
    }

    pub async fn look(&self, exchange: &Answer) -> Answer {
        let path = format!("/v1/exchanges/{}", exchange.at("/id"));
        self.vendors.a.get(&path, &self.ada).await
    }

    /// What can be spent and is held at the first, and what can be spent at the second.
    pub async fn funds(&self) -> (u64, u64, u64) {
        let here = self.vendors.a.get("/v1/wallet", &self.ada).await;
        let held = here.json["held"]["amount"].as_u64().unwrap();
        let there = self.vendors.b.available(&self.ada_there).await;
        (here.json["available"]["amount"].as_u64().unwrap(), held, there)
    }

    /// What the first owes the second, and what the second says that it is owed.
    pub async fn owed(&self) -> (u64, u64) {
        let Vendors { a, b, partners, .. } = &self.vendors;
        let at = |partner: &Answer, side: &str| partner.json[side]["amount"].as_u64().unwrap();
        let here = a.get(&format!("/v1/admin/partners/{}", partners[0]), &a.admin).await;
        let there = b.get(&format!("/v1/admin/partners/{}", partners[1]), &b.admin).await;
        (at(&here, "payable"), at(&there, "receivable"))
    }

    /// Both do what is due of exchanges.
    pub async fn work(&self) {
        for _ in 0..3 {
            self.vendors.a.app.engine.run_exchanges().await.unwrap();
            self.vendors.b.app.engine.run_exchanges().await.unwrap();
        }
    }

    /// Time passes at both, and they do what is due.
    pub async fn pass(&self, span: Span) {
        self.vendors.a.advance(span).await;
        self.vendors.b.advance(Span::millis(0)).await;
        self.work().await;
    }

    /// The second vendor, as the first knows it.
    pub async fn there(&self) -> Partner {
        self.vendors.a.app.engine.partner_at(BELLE).await.unwrap().unwrap()
    }

    /// The first vendor, as the second knows it.
    pub async fn here(&self) -> Partner {
        self.vendors.b.app.engine.partner_at(AURORA).await.unwrap().unwrap()
    }
}

pub fn id(exchange: &Answer) -> Id<Exchange> {
    exchange.at("/id").parse().unwrap()
}

#[tokio::test]
async fn a_buyer_gives_tokens_here_and_spends_what_comes_there() {
    let linked = Linked::open().await;
    let quote = linked.try_quote(1000).await;
    assert_eq!(quote.status, 201, "{quote:?}");
    let shown = ["give", "receive", "compensation"].map(|name| &quote.json[name]["display"]);
    assert_eq!(shown, ["10.00 AUR", "39.00 BEL", "10.000000 EUR"]);
    let rate =
        json!({ "numerator": 4, "denominator": 1, "spread_basis_points": 250, "rounding": "down" });
    assert_eq!(quote.json["rate"], rate);
    assert_eq!(linked.funds().await, (100_000, 0, 0), "a quote holds nothing");
    let exchange = linked.take(quote.at("/id"), "e1").await;
    assert_eq!((exchange.status, exchange.at("/state")), (200, "fulfilled"), "{exchange:?}");
    for name in ["give", "receive", "compensation"] {
        assert_eq!(exchange.json[name], quote.json[name], "{name}");
    }
    assert_eq!(linked.funds().await, (99_000, 0, 3900));
    assert_eq!(linked.owed().await, (10_000_000, 10_000_000));
    let wallet = linked.vendors.b.get("/v1/wallet", &linked.ada_there).await;
    let lot = &wallet.json["lots"][0];
    assert_eq!((&lot["kind"], &lot["from"]), (&json!("exchange"), &json!("Aurora")));
    assert!(lot["expires_at"].is_null() && lot["exchangeable_at"].is_string(), "{lot}");
    let line = linked.vendors.b.get("/v1/wallet/transfers", &linked.ada_there).await;
    assert_eq!(line.at("/data/0/subject"), exchange.at("/id"));
    assert_eq!((line.at("/data/0/direction"), line.at("/data/0/reason")), ("in", "exchange"));
    let offer = linked.vendors.b.service("tuning", 3000).await;
    let total = json!({ "amount": 3000, "unit": "BEL" });
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": total });
    let bought = linked.vendors.b.post("/v1/purchases", &linked.ada_there, "p", body).await;
    assert_eq!(bought.status, 201, "{bought:?}");
    let list = linked.vendors.a.get("/v1/exchanges", &linked.ada).await;
    assert_eq!(list.json["data"][0], exchange.json, "{list:?}");
    linked.vendors.sound().await;
}

#[tokio::test]
async fn what_happened_is_told_to_both_buyers() {
    let linked = Linked::open().await;
    let exchange = linked.exchange(1000, "e1").await;
    let Vendors { a, b, .. } = &linked.vendors;
    a.run_webhooks().await;
    b.run_webhooks().await;
    let told = async |shop: &Shop, buyer: &str, kind: &str| {
        let events = shop.get(&format!("/v1/events?type={kind}"), buyer).await;
        assert_eq!(events.status, 200, "{events:?}");
        let data = &events.json["data"][0]["data"];
        (data["id"].clone(), data["state"].clone())
    };
    let done = (exchange.json["id"].clone(), json!("fulfilled"));
    assert_eq!(told(a, &linked.ada, "exchange.committed").await, done);
    assert_eq!(told(a, &linked.ada, "exchange.fulfilled").await, done);
    assert_eq!(told(b, &linked.ada_there, "exchange.fulfilled").await, done);
}

#[tokio::test]
async fn the_same_request_is_answered_the_same_and_another_is_refused() {
    let linked = Linked::open().await;
    let quote = linked.quote(1000).await;
    let first = linked.take(&quote, "e1").await;
    linked.pass(Span::hours(2)).await;
    let again = linked.take(&quote, "e1").await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"));
    assert_eq!(again.bytes, first.bytes);
    let other = linked.quote(1000).await;
    let reused = linked.take(&other, "e1").await;
    assert_eq!((reused.status, reused.code()), (409, "idempotency_key_reused"));
    assert_eq!(linked.funds().await, (99_000, 0, 3900));
    linked.vendors.sound().await;
}

#[tokio::test]
async fn a_quote_is_used_once_by_whoever_comes_first() {
    let linked = Linked::open().await;
    let quote = linked.quote(1000).await;
    let (one, two) = tokio::join!(linked.take(&quote, "e1"), linked.take(&quote, "e2"));
    let mut states = [(one.status, one.code()), (two.status, two.code())];
    states.sort_unstable();
    assert_eq!(states, [(200, ""), (409, "quote_expired")], "{one:?} {two:?}");
    assert_eq!(linked.funds().await, (99_000, 0, 3900));
    linked.vendors.sound().await;
}

#[tokio::test]
async fn a_quote_is_good_for_a_minute_and_not_for_another_account() {
    let linked = Linked::open().await;
    let (first, second) = (linked.quote(1000).await, linked.quote(1000).await);
    let bob = linked.vendors.a.buyer("bob@example.com", 5000).await;
    let foreign =
        linked.vendors.a.post("/v1/exchanges", &bob, "e", json!({ "quote": first })).await;
    assert_eq!((foreign.status, foreign.code()), (404, "not_found"));
    linked.pass(Span::millis(59_999)).await;
    assert_eq!(linked.take(&first, "e1").await.status, 200);
    linked.pass(Span::millis(1)).await;
    let late = linked.take(&second, "e2").await;
    assert_eq!((late.status, late.code()), (409, "quote_expired"), "{late:?}");
    assert_eq!(linked.funds().await, (99_000, 0, 3900));
}

#[tokio::test]
async fn what_was_given_lent_or_is_unseasoned_does_not_move() {
    let linked = Linked::open().await;
    let a = &linked.vendors.a;
    let bob = a.buyer("bob@example.com", 300).await;
    let bob_there = linked.vendors.b.buyer("bob@example.com", 0).await;
    link(&linked.vendors, &bob, &bob_there).await;
    let account = a.get("/v1/account", &bob).await;
    let path = format!("/v1/admin/accounts/{}/adjust", account.at("/id"));
    let gift =
        json!({ "tokens": { "amount": 5000, "unit": "AUR" }, "reason": "gift", "kind": "promo" });
    assert_eq!(a.post(&path, &a.admin, "gift", gift).await.status, 201);
    let card = json!({ "tokens": { "amount": 2000, "unit": "AUR" }, "method": "card", "payment_method": "demo_approved" });
    assert_eq!(a.post("/v1/top-ups", &bob, "card", card).await.status, 201);
    a.run_errands().await;
    assert_eq!(a.available(&bob).await, 7300);
    let bob = Linked { ada: bob, ada_there: bob_there, ..linked };
    let none = bob.exchange(301, "e1").await;
    assert_eq!((none.status, none.code()), (409, "not_exchangeable"), "{none:?}");
    assert_eq!(none.at("/exchangeable/display"), "3.00 AUR");
    let short = bob.exchange(7301, "e2").await;
    assert_eq!((short.status, short.code()), (402, "insufficient_balance"), "{short:?}");
    assert_eq!(bob.exchange(300, "e3").await.at("/state"), "fulfilled");
    bob.pass(Span::hours(72)).await;
    assert_eq!(bob.exchange(2000, "e4").await.at("/state"), "fulfilled", "seasoned by now");
    let never = bob.exchange(100, "e5").await;
    assert_eq!(never.code(), "not_exchangeable", "gifts never are");
    assert_eq!(bob.funds().await.0, 5000);
    bob.vendors.sound().await;
}

#[tokio::test]
async fn amounts_have_bounds_and_buy_at_least_a_unit() {
    let mut scarce = terms(AURORA);
    scarce["ways"][0]["rate"] = json!({ "source": "fixed", "give": 200, "receive": 1 });
    // Less would buy nothing after the spread, and is not agreed to.
    scarce["ways"][0]["min"] = json!(206);
    let linked = Linked::under(scarce).await;
    for (give, bound, shown) in
        [(205, "/min/display", "2.06 AUR"), (50_001, "/max/display", "500.00 AUR")]
    {
        let refused = linked.try_quote(give).await;
        assert_eq!((refused.status, refused.code()), (422, "amount_out_of_bounds"), "{give}");
        assert_eq!(refused.at(bound), shown, "{refused:?}");
    }
    // 206 is 1.004 after the spread.
    assert_eq!(linked.try_quote(206).await.at("/receive/display"), "0.01 BEL");
    let mut one_way = terms(AURORA);
    one_way["ways"][0] = Value::Null;
    let linked = Linked::under(one_way).await;
    let refused = linked.try_quote(1000).await;
    assert_eq!((refused.status, refused.at("/reason")), (409, "not_this_way"), "{refused:?}");
}

#[tokio::test]
async fn exactly_the_cap_is_exchanged_and_one_millionth_more_is_not() {
    let mut capped = terms(AURORA);
    capped["ways"][0]["max"] = json!(1000);
    capped["ways"][0]["cap"] = json!(20_000_000);
    let linked = Linked::under(capped).await;
    assert_eq!(linked.exchange(1000, "e1").await.at("/state"), "fulfilled");
    let (one, two) = (linked.quote(1000).await, linked.quote(100).await);
    assert_eq!(linked.take(&one, "e2").await.at("/state"), "fulfilled", "exactly");
    let more = linked.take(&two, "e3").await;
    assert_eq!((more.status, more.code(), more.at("/limit")), (409, "exchange_limit", "cap"));
    let quote = linked.try_quote(100).await;
    assert_eq!(
        (quote.code(), quote.at("/reason")),
        ("exchange_refused", "exchange_limit"),
        "{quote:?}"
    );
    assert_eq!(linked.owed().await, (20_000_000, 20_000_000));
    linked.vendors.sound().await;
}

#[tokio::test]
async fn a_buyer_and_a_day_have_limits_also_side_by_side() {
    let mut limited = terms(AURORA);
    limited["ways"][0]["max"] = json!(1000);
    limited["ways"][0]["buyer_day"] = json!(1500);
    limited["ways"][0]["day"] = json!(2000);
    let linked = Linked::under(limited).await;
    let quotes = [linked.quote(1000).await, linked.quote(1000).await];
    let (one, two) = tokio::join!(linked.take(&quotes[0], "e1"), linked.take(&quotes[1], "e2"));
    let mut ends = [(one.status, one.at("/limit")), (two.status, two.at("/limit"))];
    ends.sort_unstable();
    assert_eq!(ends, [(200, ""), (409, "buyer_day")], "{one:?} {two:?}");
    let bob = linked.vendors.a.buyer("bob@example.com", 5000).await;
    let bob_there = linked.vendors.b.buyer("bob@example.com", 0).await;
    link(&linked.vendors, &bob, &bob_there).await;
    let bob = Linked { ada: bob, ada_there: bob_there, ..linked };
    let quotes = [bob.quote(1000).await, bob.quote(100).await];
    assert_eq!(bob.take(&quotes[0], "e1").await.at("/state"), "fulfilled", "exactly the day");
    let more = bob.take(&quotes[1], "e2").await;
    assert_eq!((more.status, more.at("/limit")), (409, "day"), "{more:?}");
    bob.pass(Span::hours(24)).await;
    assert_eq!(bob.exchange(1000, "e3").await.at("/state"), "fulfilled", "another day");
    bob.vendors.sound().await;
}

#[tokio::test]
async fn who_is_not_linked_or_frozen_or_suspended_exchanges_nothing() {
    let linked = Linked::open().await;
    let Vendors { a, b, partners, .. } = &linked.vendors;
    let bob = a.buyer("bob@example.com", 5000).await;
    let give = json!({ "amount": 1000, "unit": "AUR" });
    let body = json!({ "partner": partners[0], "give": give });
    let unlinked = a.post("/v1/exchange-quotes", &bob, "", body).await;
    assert_eq!((unlinked.status, unlinked.code()), (409, "not_linked"));
    let quotes = [linked.quote(1000).await, linked.quote(1000).await, linked.quote(1000).await];
    let account = a.get("/v1/account", &linked.ada).await.at("/id").to_owned();
    let freeze = |verb: &str| format!("/v1/admin/accounts/{account}/{verb}");
    let reason = json!({ "reason": "looked odd" });
    assert!(a.post(&freeze("freeze"), &a.admin, "", reason.clone()).await.status < 300);
    let frozen = linked.take(&quotes[0], "e1").await;
    assert_eq!((frozen.status, frozen.code()), (403, "account_frozen"));
    assert_eq!(linked.try_quote(1000).await.code(), "account_frozen");
    assert!(a.post(&freeze("thaw"), &a.admin, "", reason.clone()).await.status < 300);
    // Frozen there: neither offered nor prepared.
    let account = b.get("/v1/account", &linked.ada_there).await.at("/id").to_owned();
    let path = format!("/v1/admin/accounts/{account}/freeze");
    assert!(b.post(&path, &b.admin, "", reason.clone()).await.status < 300);
    let refused = linked.take(&quotes[0], "e2").await;
    assert_eq!((refused.status, refused.at("/state")), (200, "refused"), "{refused:?}");
    assert_eq!(linked.try_quote(1000).await.at("/reason"), "exchange_refused");
    let path = format!("/v1/admin/accounts/{account}/thaw");
    assert!(b.post(&path, &b.admin, "", reason).await.status < 300);
    // Cut here between quote and exchange.
    let bearer = format!("Bearer {}", linked.ada);
    let headers = [("authorization", bearer.as_str())];
    let path = format!("/v1/partners/{}/link", partners[0]);
    a.send("DELETE", &path, &headers, Value::Null).await;
    let cut = linked.take(&quotes[1], "e3").await;
    assert_eq!((cut.status, cut.code()), (409, "not_linked"), "{cut:?}");
    assert_eq!(linked.funds().await, (100_000, 0, 0));
    linked.vendors.sound().await;
}

#[tokio::test]
async fn a_partner_that_is_suspended_after_the_quote_takes_nothing() {
    let linked = Linked::open().await;
    let Vendors { a, b, .. } = &linked.vendors;
    let (first, second) = (linked.quote(1000).await, linked.quote(1000).await);
    let agreement = b.get("/v1/admin/agreements", &b.admin).await.at("/data/0/id").to_owned();
    let path = format!("/v1/admin/agreements/{agreement}/suspend");
    assert_eq!(b.post(&path, &b.admin, "", Value::Null).await.status, 200);
    // The first has not heard of it.
    let refused = linked.take(&first, "e1").await;
    assert_eq!((refused.status, refused.at("/state")), (200, "refused"), "{refused:?}");
    assert_eq!(refused.at("/reason"), "partner_suspended");
    linked.vendors.work().await;
    let heard = linked.take(&second, "e2").await;
    assert_eq!((heard.status, heard.code()), (409, "partner_suspended"), "{heard:?}");
    assert_eq!((linked.funds().await, linked.owed().await), ((100_000, 0, 0), (0, 0)));
    a.sound().await;
    b.sound().await;
}

/// Answers every question of the first vendor's with this document, in the second's place.
pub fn answering(linked: &Linked, member: &str, document: &str) {
    let answer = json!({ member: document }).to_string();
    let router = Router::new().fallback(any(move || {
        let answer = answer.clone();
        async move { ([("content-type", "application/json")], answer) }
    }));
    linked.vendors.network.join(BELLE, router);
}

fn claims(document: &str) -> Value {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let claims = document.split('.').nth(1).unwrap();
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(claims).unwrap()).unwrap()
}

/// The quote that the second vendor would sign, changed.
async fn altered(linked: &Linked, change: impl FnOnce(&mut Quote)) -> Quote {
    let store = linked.vendors.a.app.engine.store();
    let quote: Id<scrip_domain::exchange::ExchangeQuote> =
        linked.quote(1000).await.parse().unwrap();
    let row = store.exchange_quote(quote).await.unwrap().unwrap();
    let mut quote: Quote = serde_json::from_value(claims(&row.document)).unwrap();
    change(&mut quote);
    quote
}

/// How a quote differs from what would be signed.
type Change = Box<dyn Fn(&mut Quote)>;

#[tokio::test]
async fn a_quote_that_is_not_what_the_agreement_says_is_not_believed() {
    let linked = Linked::open().await;
    let one = |amount: &mut Amount| *amount = amount.checked_add(Amount::ONE).unwrap();
    let cases: [(&str, Change); 8] = [
        ("received", Box::new(move |quote| one(&mut quote.figures.receive))),
        ("given", Box::new(move |quote| one(&mut quote.figures.give))),
        ("owed", Box::new(move |quote| one(&mut quote.figures.compensation))),
        ("rate", Box::new(|quote| quote.figures.numerator += 1)),
        ("spread", Box::new(|quote| quote.spread_basis_points = 0)),
        ("subject", Box::new(|quote| quote.subject.push('A'))),
        ("agreement", Box::new(|quote| quote.agreement.push('A'))),
        ("audience", Box::new(|quote| quote.audience = "https://else.test".to_owned())),
    ];
    for (what, change) in cases {
        let quote = altered(&linked, |quote| change(quote)).await;
        let document = linked.vendors.b.app.engine.sign_document(&quote).unwrap();
        answering(&linked, "quote", &document);
        let refused = linked.try_quote(1000).await;
        assert_eq!((refused.status, refused.code()), (503, "busy"), "{what}: {refused:?}");
        linked.vendors.network.join(BELLE, linked.vendors.b.router());
    }
    let quote = altered(&linked, |_| {}).await;
    let document = linked.vendors.a.app.engine.sign_document(&quote).unwrap();
    answering(&linked, "quote", &document);
    assert_eq!(linked.try_quote(1000).await.status, 503, "signed by somebody else");
    assert_eq!(linked.funds().await, (100_000, 0, 0));
}

#[tokio::test]
async fn only_our_own_quote_is_prepared_once_and_within_its_minute() {
    let linked = Linked::open().await;
    let (here, engine) = (linked.here().await, &linked.vendors.b.app.engine);
    let prepare = async |exchange: u64, quote: &str| {
        let answer = engine.prepare_for_partner(&here, Id::new(exchange).unwrap(), quote).await;
        answer.unwrap().map_err(|refusal| format!("{refusal:?}"))
    };
    let quote = altered(&linked, |_| {}).await;
    let foreign = linked.vendors.a.app.engine.sign_document(&quote).unwrap();
    assert!(prepare(1, &foreign).await.unwrap_err().contains("quote_unknown"));
    let ours = engine.sign_document(&quote).unwrap();
    let (one, two) = tokio::join!(prepare(1, &ours), prepare(2, &ours));
    let refused = [&one, &two].map(|answer| answer.as_ref().err().cloned());
    let refused: Vec<String> = refused.into_iter().flatten().collect();
    assert!(refused.len() == 1 && refused[0].contains("quote_used"), "{refused:?}");
    let (name, prepared) = if let Ok(prepared) = one { (1, prepared) } else { (2, two.unwrap()) };
    linked.pass(Span::hours(1)).await;
    assert_eq!(
        prepare(name, &ours).await.unwrap(),
        prepared,
        "the same again, whatever the clock says"
    );
    let late = engine.sign_document(&Quote { nonce: "another".into(), ..quote.clone() }).unwrap();
    assert!(prepare(3, &late).await.unwrap_err().contains("QuoteOver"));
    let other = Quote { nonce: "third".into(), issued_at: quote.issued_at + 3600, ..quote };
    let other = engine.sign_document(&other).unwrap();
    assert!(prepare(name, &other).await.unwrap_err().contains("exchange_known"));
    assert_eq!(linked.here().await.receivable_reserved, Amount::ZERO, "it has lapsed");
    linked.vendors.b.sound().await;
}

#[tokio::test]
async fn a_quote_of_terms_that_hold_no_more_is_over() {
    let linked = Linked::open().await;
    let Vendors { a, b, .. } = &linked.vendors;
    let agreement = b.get("/v1/admin/agreements", &b.admin).await.at("/data/0/id").to_owned();
    let path = format!("/v1/admin/agreements/{agreement}/end");
    assert_eq!(b.post(&path, &b.admin, "", Value::Null).await.status, 200);
    linked.vendors.work().await;
    linked.vendors.pass(Span::days(7).minus_a_second()).await;
    let quote = linked.quote(1000).await;
    linked.vendors.pass(Span::seconds(2)).await;
    let over = linked.take(&quote, "e1").await;
    assert_eq!((over.status, over.code()), (409, "partner_suspended"), "{over:?}");
    a.sound().await;
}

trait MinusASecond {
    fn minus_a_second(self) -> Self;
}

impl MinusASecond for Span {
    fn minus_a_second(self) -> Self {
        let seconds = u32::try_from(self.as_millis() / 1000).unwrap();
        Self::seconds(seconds - 1)
    }
}

#[tokio::test]
async fn staff_find_exchanges_by_state_and_partner() {
    let linked = Linked::open().await;
    let exchange = linked.exchange(1000, "e1").await;
    let a = &linked.vendors.a;
    let find = async |query: &str| {
        let found = a.get(&format!("/v1/admin/exchanges{query}"), &a.admin).await;
        assert_eq!(found.status, 200, "{found:?}");
        let data = found.json["data"].as_array().unwrap().clone();
        data.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let ours = vec![exchange.at("/id").to_owned()];
    let partner = &linked.vendors.partners[0];
    assert_eq!(find("").await, ours);
    assert_eq!(find(&format!("?state=fulfilled&partner={partner}")).await, ours);
    assert!(find("?state=committed").await.is_empty());
    let one = a.get(&format!("/v1/admin/exchanges/{}", exchange.at("/id")), &a.admin).await;
    assert_eq!((one.status, one.at("/id"), one.at("/state")), (200, &*ours[0], "fulfilled"));
    let missing = a.get("/v1/admin/exchanges/exc_0000000000001", &a.admin).await;
    assert_eq!(missing.status, 404);
    let wrong = a.get("/v1/admin/exchanges?state=lost", &a.admin).await;
    assert_eq!((wrong.status, wrong.code()), (400, "invalid_field"));
    let foreign = linked.vendors.b.get("/v1/exchanges", &linked.ada_there).await;
    assert!(foreign.json["data"].as_array().unwrap().is_empty(), "its own only");
}

#[tokio::test]
async fn a_browser_sees_the_offer_confirms_it_and_sees_the_end() {
    let linked = Linked::open().await;
    let Vendors { a, partners, .. } = &linked.vendors;
    let mut browser = Browser::on(a);
    let who = [("email", "ada@example.com"), ("password", "correct horse")];
    assert_eq!(browser.send("/sign-in", &who).await.status, 303);
    let here = format!("/partners/{}", partners[0]);
    let page = browser.open(&here).await;
    assert!(page.html.contains("How many AUR do you give?"), "{}", page.html);
    let wrong = browser.send(&format!("{here}/quote"), &[("give", "ten")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.html.contains("A number of AUR, such as 12.50"), "{}", wrong.html);
    let small = browser.send(&format!("{here}/quote"), &[("give", "0.99")]).await;
    assert!(
        small.status == 422 && small.html.contains("id=\"give-error\">At least 1.00 AUR."),
        "{}",
        small.html
    );
    let much = browser.send(&format!("{here}/quote"), &[("give", "500.01")]).await;
    assert!(much.status == 422 && much.html.contains("value=\"500.01\""), "{}", much.html);
    let offer = browser.send(&format!("{here}/quote"), &[("give", "10,00")]).await;
    assert_eq!(offer.status, 200, "{}", offer.html);
    for shown in [
        "10.00 AUR",
        "39.00 BEL",
        "1.00 AUR become 4.00 BEL, less 2.50 percent, rounded down",
        "990.00 AUR",
    ] {
        assert!(offer.html.contains(shown), "{shown}: {}", offer.html);
    }
    assert_eq!(linked.funds().await, (100_000, 0, 0), "nothing before the confirmation");
    let fields = [("quote", offer.input("quote")), ("key", offer.input("key"))];
    let done = browser.send(&format!("{here}/exchange"), &fields).await;
    assert_eq!(done.status, 303, "{}", done.html);
    let again = browser.send(&format!("{here}/exchange"), &fields).await;
    assert_eq!(again.location(), done.location(), "sent twice is once");
    let end = browser.open(done.location()).await;
    assert!(end.html.contains("Done: 39.00 BEL are in your account"), "{}", end.html);
    assert_eq!(end.answer.header("refresh"), "");
    let used = browser.send(&format!("{here}/exchange"), &[fields[0], ("key", "another")]).await;
    assert!(used.status == 409 && used.html.contains("ask for a new one"), "{}", used.html);
    assert_eq!(linked.funds().await, (99_000, 0, 3900));
    linked.vendors.network.fate("", &[Way::Free, Way::Free, Way::Lost]);
    let offer = browser.send(&format!("{here}/quote"), &[("give", "10")]).await;
    let fields = [("quote", offer.input("quote")), ("key", offer.input("key"))];
    let waits = browser.send(&format!("{here}/exchange"), &fields).await;
    let waits = browser.open(waits.location()).await;
    assert!(waits.html.contains("has not answered yet"), "{}", waits.html);
    assert_eq!(waits.answer.header("refresh"), "3");
    let mut stranger = Browser::on(a);
    assert_eq!(stranger.open(done.location()).await.status, 303, "to sign in first");
}

#[tokio::test]
async fn quotes_are_asked_for_at_a_humane_rate_and_forgotten_when_nobody_takes_them() {
    let linked = Linked::open().await;
    assert_eq!(linked.exchange(1000, "e1").await.at("/state"), "fulfilled");
    for _ in 1..60 {
        assert_eq!(linked.try_quote(100).await.status, 201);
    }
    let many = linked.try_quote(100).await;
    assert_eq!((many.status, many.code()), (429, "rate_limited"), "{many:?}");
    linked.pass(Span::minutes(10)).await;
    let kept = linked.quote(100).await;
    let engine = &linked.vendors.a.app.engine;
    assert_eq!(engine.forget_quotes().await.unwrap(), 0, "still known");
    linked.pass(Span::days(2)).await;
    let engine = &linked.vendors.a.app.engine;
    assert_eq!(engine.forget_quotes().await.unwrap(), 59, "the last is not old enough");
    linked.pass(Span::minutes(1)).await;
    let engine = &linked.vendors.a.app.engine;
    assert_eq!(engine.forget_quotes().await.unwrap(), 1);
    let gone = engine.store().exchange_quote(kept.parse().unwrap()).await.unwrap();
    assert_eq!(gone, None);
    assert_eq!(engine.forget_quotes().await.unwrap(), 0);
    linked.vendors.sound().await;
}
