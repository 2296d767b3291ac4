//! A vendor that goes back to a backup, with its partner as it was, or gone back too: what the two have exchanged is booked
//! once on both sides, or listed.

use axum::Router;
use axum::routing::any;
use scrip_domain::document::exchange::Commit;
use scrip_domain::exchange::{Exchange, Incoming};
use scrip_domain::partner::{Partner, Suspended};
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_engine::partner::{Exchanged, Way as By};
use scrip_testkit::{Answer, Backup, Shop, Way};
use serde_json::{Value, json};

use crate::exchanges::{Linked, agree, link};
use crate::partners::{AURORA, BELLE, Vendors, terms};
use crate::settlements::{instruct, received, statement};

/// Any request, next in order: each exchange asks to prepare, then to fulfil.
const ANY: &str = "";

impl Linked {
    /// The first vendor goes back to this backup; its partner was not heard yet.
    async fn first_goes_back(&mut self, to: &Backup) {
        self.vendors.a = self.vendors.a.restored(to).await;
    }

    async fn second_goes_back(&mut self, to: &Backup) {
        self.vendors.b = self.vendors.b.restored(to).await;
    }

    /// Exchanges so much; it comes to its end at once.
    async fn exchanged(&self, give: u64, key: &str) -> Answer {
        let done = self.exchange(give, key).await;
        assert_eq!((done.status, done.at("/state")), (200, "fulfilled"), "{done:?}");
        done
    }

    /// What an exchange is at both.
    async fn rows(&self, exchange: &Answer) -> (Option<Exchange>, Option<Incoming>) {
        let id: Id<Exchange> = exchange.at("/id").parse().unwrap();
        let partner = self.here().await.id;
        let Vendors { a, b, .. } = &self.vendors;
        let here = a.app.engine.store().exchange(id).await.unwrap();
        (here, b.app.engine.store().incoming_exchange(partner, id).await.unwrap())
    }

    /// Both say the same of an exchange, by the same documents.
    async fn agrees_on(&self, exchange: &Answer, state: &str) {
        let (here, there) = self.rows(exchange).await;
        let (here, there) = (here.unwrap(), there.unwrap());
        assert_eq!(here.state.as_str(), state);
        assert_eq!(Some(here.figures), there.figures);
        assert_eq!((here.prepared, here.commit), (there.prepared, there.commit));
        assert_eq!(here.answer, there.answer);
        assert_eq!(here.cycle.filter(|_| state == "fulfilled"), there.cycle);
        let (owes, is_owed) = self.owed().await;
        assert_eq!(owes, is_owed);
    }

    /// Both close the cycle and come to say the same; what they say then.
    async fn closed(&self, cycle: u32) -> [String; 2] {
        let a = &self.vendors.a;
        let all = a.get("/v1/admin/agreements", &a.admin).await;
        let path = format!("/v1/admin/agreements/{}/close-cycle", all.at("/data/0/id"));
        let closed = a.post(&path, &a.admin, "", json!({ "cycle": cycle })).await;
        assert_eq!(closed.status, 200, "{closed:?}");
        self.settle_down().await;
        self.states(cycle).await
    }

    async fn states(&self, cycle: u32) -> [String; 2] {
        let Vendors { a, b, .. } = &self.vendors;
        let rows = [statement(a, cycle).await, statement(b, cycle).await];
        rows.map(|row| row["state"].as_str().unwrap_or_default().to_owned())
    }

    async fn settle_down(&self) {
        for _ in 0..4 {
            for shop in [&self.vendors.a, &self.vendors.b] {
                shop.app.engine.run_settlements().await.unwrap();
            }
            self.vendors.a.advance(Span::seconds(40)).await;
            self.vendors.b.advance(Span::millis(0)).await;
        }
    }

    /// Another buyer of both, with so many tokens at the first.
    async fn other(&self, name: &str, tokens: u64) -> (String, String) {
        let email = format!("{name}@example.com");
        let here = self.vendors.a.buyer(&email, tokens).await;
        let there = self.vendors.b.buyer(&email, 0).await;
        link(&self.vendors, &here, &there).await;
        (here, there)
    }

    async fn exchanged_by(&self, buyer: &str, give: u64, key: &str) -> Answer {
        let a = &self.vendors.a;
        let give = json!({ "amount": give, "unit": "AUR" });
        let body = json!({ "partner": self.vendors.partners[0], "give": give });
        let quote = a.post("/v1/exchange-quotes", buyer, "", body).await;
        assert_eq!(quote.status, 201, "{quote:?}");
        let done = a.post("/v1/exchanges", buyer, key, json!({ "quote": quote.at("/id") })).await;
        assert_eq!((done.status, done.at("/state")), (200, "fulfilled"), "{done:?}");
        done
    }
}

/// What an administrator sees of a restore.
async fn report(shop: &Shop) -> Value {
    let report = shop.get("/v1/admin/restore", &shop.admin).await;
    assert_eq!(report.status, 200, "{report:?}");
    report.json
}

/// The partner's state, how many were booked and listed, and why what is listed is.
async fn told(shop: &Shop) -> (String, u64, u64, Vec<String>) {
    let report = report(shop).await;
    let peer = &report["peers"][0];
    assert_eq!(peer["kind"], "partner", "{report}");
    let lacks = report["discrepancies"]["data"].as_array().unwrap();
    let lacks = lacks
        .iter()
        .map(|row| format!("{} {}", row["lack"].as_str().unwrap(), row["amount"]["amount"]));
    let count = |name: &str| peer[name].as_u64().unwrap();
    (peer["state"].as_str().unwrap().to_owned(), count("booked"), count("listed"), lacks.collect())
}

fn reconciled(booked: u64, listed: &[&str]) -> (String, u64, u64, Vec<String>) {
    let all: Vec<_> = listed.iter().map(|&lack| lack.to_owned()).collect();
    ("reconciled".to_owned(), booked, u64::try_from(all.len()).unwrap(), all)
}

fn is_restoring(answer: &Answer) -> bool {
    (answer.status, answer.code()) == (503, "restoring")
}

#[tokio::test]
async fn who_gave_books_again_what_the_partner_has_before_anybody_spends_it_twice() {
    let mut linked = Linked::open().await;
    let before = linked.exchanged(1000, "e1").await;
    let backup = linked.vendors.a.backed_up().await;
    linked.pass(Span::hours(2)).await;
    let after = linked.exchanged(2000, "e2").await;
    let (funds, owed) = (linked.funds().await, linked.owed().await);
    assert_eq!((funds, owed), ((97_000, 0, 11_700), (30_000_000, 30_000_000)));
    let (was, _) = linked.rows(&after).await;

    linked.first_goes_back(&backup).await;
    assert_eq!(linked.funds().await.0, 99_000, "as the backup has it");
    let a = &linked.vendors.a;
    assert!(is_restoring(&linked.try_quote(1000).await));
    let body = json!({ "tokens": { "amount": 100, "unit": "AUR" }, "method": "demo" });
    assert!(is_restoring(&a.post("/v1/top-ups", &linked.ada, "t", body).await));
    assert!(is_restoring(&a.post("/v1/peer/exchange-quotes", "", "", json!({})).await));
    assert_eq!(a.app.engine.run_exchanges().await.unwrap(), 0);
    assert_eq!(a.app.engine.run_settlements().await.unwrap(), 0);

    a.run_restore().await;
    assert_eq!(told(a).await, reconciled(1, &[]));
    assert_eq!((linked.funds().await, linked.owed().await), (funds, owed));
    linked.agrees_on(&before, "fulfilled").await;
    linked.agrees_on(&after, "fulfilled").await;
    let (now, _) = linked.rows(&after).await;
    let (now, was) = (now.unwrap(), was.unwrap());
    assert_eq!((now.account, now.agreement, now.cycle), (was.account, was.agreement, was.cycle));
    assert_eq!(linked.look(&after).await.json["give"], after.json["give"]);
    let list = a.get("/v1/exchanges", &linked.ada).await;
    assert_eq!(list.json["data"].as_array().map(Vec::len), Some(2));
    let audit = a.get("/v1/admin/audit", &a.admin).await;
    assert_eq!(audit.at("/data/0/act"), "exchange.rebooked");
    linked.vendors.sound().await;

    // Nothing more is waited for, and both agree on the cycle.
    linked.exchanged(500, "e3").await;
    linked.vendors.sound().await;
    // Once more, and what was booked before is booked once.
    linked.first_goes_back(&backup).await;
    linked.vendors.a.run_restore().await;
    assert_eq!(told(&linked.vendors.a).await, reconciled(2, &[]));
    assert_eq!(linked.funds().await.0, 96_500);
    assert_eq!(linked.closed(1).await, ["agreed", "agreed"]);
    linked.vendors.sound().await;
}

#[tokio::test]
async fn who_gave_takes_what_it_holds_for_an_exchange_that_was_begun() {
    let mut linked = Linked::open().await;
    let quote = linked.quote(1000).await;
    linked.vendors.network.fate(ANY, &[Way::Lost]);
    let begun = linked.take(&quote, "e1").await;
    assert_eq!((begun.status, begun.at("/state")), (202, "reserved"), "{begun:?}");
    let backup = linked.vendors.a.backed_up().await;
    linked.pass(Span::seconds(5)).await;
    assert_eq!(linked.look(&begun).await.at("/state"), "fulfilled");
    linked.first_goes_back(&backup).await;
    assert_eq!(linked.funds().await, (99_000, 1000, 3900));
    linked.vendors.a.run_restore().await;
    assert_eq!(told(&linked.vendors.a).await, reconciled(1, &[]));
    assert_eq!(
        (linked.funds().await, linked.owed().await),
        ((99_000, 0, 3900), (10_000_000, 10_000_000))
    );
    linked.agrees_on(&begun, "fulfilled").await;
    linked.pass(Span::minutes(10)).await;
    assert_eq!(linked.funds().await, (99_000, 0, 3900), "nothing is due of it");
    linked.vendors.sound().await;
}

#[tokio::test]
async fn a_commit_without_a_known_answer_is_asked_about_as_ever() {
    let mut linked = Linked::open().await;
    let quote = linked.quote(1000).await;
    linked.vendors.network.fate(ANY, &[Way::Free, Way::AnswerLost]);
    let begun = linked.take(&quote, "e1").await;
    assert_eq!(begun.at("/state"), "committed", "{begun:?}");
    let backup = linked.vendors.a.backed_up().await;
    linked.first_goes_back(&backup).await;
    linked.vendors.a.run_restore().await;
    assert_eq!(told(&linked.vendors.a).await, reconciled(0, &[]));
    linked.pass(Span::seconds(5)).await;
    linked.agrees_on(&begun, "fulfilled").await;
    assert_eq!(linked.funds().await, (99_000, 0, 3900));
    linked.vendors.sound().await;
}

#[tokio::test]
async fn what_the_partner_never_issued_for_moves_nothing_whatever_was_known_of_it() {
    for known in [false, true] {
        let mut linked = Linked::open().await;
        let early = linked.vendors.a.backed_up().await;
        let quote = linked.quote(1000).await;
        linked.vendors.network.fate(ANY, &[Way::Lost]);
        let begun = linked.take(&quote, "e1").await;
        assert_eq!(begun.at("/state"), "reserved", "{begun:?}");
        let late = linked.vendors.a.backed_up().await;
        // Prepared and committed; then nobody answers for longer than the partner keeps it.
        linked.vendors.network.mend();
        linked.vendors.network.fate("/fulfil", &[Way::Lost; 40]);
        linked.pass(Span::seconds(5)).await;
        assert_eq!(linked.look(&begun).await.at("/state"), "committed");
        linked.pass(Span::minutes(4)).await;
        linked.vendors.network.mend();
        linked.pass(Span::minutes(10)).await;
        assert_eq!(linked.look(&begun).await.at("/state"), "reversed");
        assert_eq!((linked.funds().await, linked.owed().await), ((100_000, 0, 0), (0, 0)));
        linked.first_goes_back(if known { &late } else { &early }).await;
        linked.vendors.a.run_restore().await;
        assert_eq!(told(&linked.vendors.a).await, reconciled(u64::from(known), &[]), "{known}");
        linked.pass(Span::minutes(1)).await;
        assert_eq!((linked.funds().await, linked.owed().await), ((100_000, 0, 0), (0, 0)));
        if known {
            linked.agrees_on(&begun, "reversed").await;
        }
        assert_eq!(linked.exchange(1000, "e2").await.at("/state"), "fulfilled");
        linked.vendors.sound().await;
    }
}

/// A buyer has paid for so many tokens, outside of the shop.
pub async fn credit(shop: &Shop, buyer: &str, tokens: u64, key: &str) {
    let account = shop.get("/v1/account", buyer).await;
    let path = format!("/v1/admin/accounts/{}/adjust", account.at("/id"));
    let unit = if shop.app.public_url == AURORA { "AUR" } else { "BEL" };
    let more = json!({ "tokens": { "amount": tokens, "unit": unit }, "reason": "by cheque" });
    let credited = shop.post(&path, &shop.admin, key, more).await;
    assert_eq!(credited.status, 201, "{credited:?}");
}

#[tokio::test]
async fn what_the_books_cannot_take_is_listed_and_booked_once_that_is_mended() {
    let mut linked = Linked::open().await;
    let (carol, _) = linked.other("carol", 1000).await;
    let backup = linked.vendors.a.backed_up().await;
    credit(&linked.vendors.a, &carol, 5000, "more").await;
    let short = linked.exchanged_by(&carol, 4000, "c1").await;
    let (bob, _) = linked.other("bob", 700).await;
    linked.exchanged_by(&bob, 500, "b1").await;
    linked.exchanged(100, "e1").await;

    linked.first_goes_back(&backup).await;
    let a = &linked.vendors.a;
    a.run_restore().await;
    let lacks = ["unknown_link 500", "insufficient_funds 4000"];
    assert_eq!(told(a).await, reconciled(1, &lacks));
    assert_eq!((a.available(&carol).await, linked.funds().await.0), (1000, 99_900));
    assert_eq!(linked.owed().await, (1_000_000, 46_000_000), "the partner's right either way");
    linked.vendors.sound().await;

    // The cycle shows what is missing.
    assert_eq!(linked.closed(1).await, ["disputed", "disputed"]);
    let differs = statement(&linked.vendors.a, 1).await;
    let differs = differs["differences"].as_array().unwrap();
    assert_eq!(differs.len(), 2, "{differs:?}");
    assert!(differs.iter().all(|row| row["here"].is_null()), "{differs:?}");
    linked.vendors.sound().await;

    let a = &linked.vendors.a;
    credit(a, &carol, 5000, "again").await;
    let body = json!({ "peer": BELLE });
    let again = a.post("/v1/admin/restore/again", &a.admin, "", body.clone()).await;
    assert_eq!((again.status, again.at("/state")), (200, "asking"), "{again:?}");
    let twice = a.post("/v1/admin/restore/again", &a.admin, "", body).await;
    assert_eq!(twice.json, again.json);
    let none = a.post("/v1/admin/restore/again", &a.admin, "", json!({ "peer": AURORA })).await;
    assert_eq!(none.status, 404);
    a.run_restore().await;
    assert_eq!(told(a).await, reconciled(2, &["statement_differs 0", "unknown_link 500"]));
    assert_eq!(a.available(&carol).await, 2000);
    linked.agrees_on_all_but(&short, 5_000_000).await;
    linked.vendors.sound().await;
}

impl Linked {
    /// Both say the same of an exchange; of others the second is owed so much more than the first knows.
    async fn agrees_on_all_but(&self, exchange: &Answer, more: u64) {
        let (here, there) = self.rows(exchange).await;
        assert_eq!(here.unwrap().answer, there.unwrap().answer);
        let (owes, is_owed) = self.owed().await;
        assert_eq!(owes + more, is_owed);
    }
}

#[tokio::test]
async fn a_dispute_ends_once_what_was_listed_is_booked() {
    let mut linked = Linked::open().await;
    let (carol, _) = linked.other("carol", 1000).await;
    let backup = linked.vendors.a.backed_up().await;
    credit(&linked.vendors.a, &carol, 5000, "more").await;
    linked.exchanged_by(&carol, 4000, "c1").await;
    linked.first_goes_back(&backup).await;
    linked.vendors.a.run_restore().await;
    assert_eq!(linked.closed(1).await, ["disputed", "disputed"]);
    let a = &linked.vendors.a;
    credit(a, &carol, 5000, "again").await;
    let again = a.post("/v1/admin/restore/again", &a.admin, "", json!({ "peer": BELLE })).await;
    assert_eq!(again.status, 200, "{again:?}");
    a.run_restore().await;
    linked.settle_down().await;
    linked.pass(Span::hours(1)).await;
    linked.settle_down().await;
    assert_eq!(linked.states(1).await, ["agreed", "agreed"]);
    assert_eq!(linked.owed().await, (40_000_000, 40_000_000));
    linked.vendors.sound().await;
}

/// A newer protocol key before the one that a vendor on the network begins with.
fn rotate(shop: &Shop) {
    let mut first = [28; 32];
    first.iter_mut().zip(shop.app.public_url.bytes().rev()).for_each(|(to, byte)| *to = byte);
    let keys = (*shop.app.engine.keys()).clone().with_protocol(&[[52; 32], first]);
    shop.app.engine.use_keys(keys);
}

#[tokio::test]
async fn what_a_forgotten_key_has_signed_is_listed_and_not_believed() {
    for first in [true, false] {
        let mut linked = Linked::open().await;
        let Vendors { a, b, .. } = &linked.vendors;
        let backups = (a.backed_up().await, b.backed_up().await);
        rotate(if first { a } else { b });
        linked.pass(Span::seconds(65)).await;
        linked.exchanged(1000, "e1").await;
        let (shop, listed) = if first {
            linked.first_goes_back(&backups.0).await;
            (&linked.vendors.a, "key_lost 1000")
        } else {
            linked.second_goes_back(&backups.1).await;
            (&linked.vendors.b, "key_lost 3900")
        };
        shop.run_restore().await;
        assert_eq!(told(shop).await, reconciled(0, &[listed]));
        linked.vendors.sound().await;
    }
}

#[tokio::test]
async fn who_received_issues_again_what_it_had_fulfilled() {
    let mut linked = Linked::open().await;
    linked.exchanged(1000, "e1").await;
    let backup = linked.vendors.b.backed_up().await;
    linked.pass(Span::hours(2)).await;
    let after = linked.exchanged(2000, "e2").await;
    let (funds, owed) = (linked.funds().await, linked.owed().await);
    let (_, was) = linked.rows(&after).await;

    linked.second_goes_back(&backup).await;
    assert_eq!(linked.funds().await, (97_000, 0, 3900));
    // Meanwhile the first waits: nothing is prepared, and nothing decided.
    let waits = linked.try_quote(100).await;
    assert_eq!((waits.status, waits.code()), (503, "busy"), "{waits:?}");
    linked.vendors.b.run_restore().await;
    assert_eq!(told(&linked.vendors.b).await, reconciled(1, &[]));
    assert_eq!((linked.funds().await, linked.owed().await), (funds, owed));
    linked.agrees_on(&after, "fulfilled").await;
    let (was, (_, now)) = (was.unwrap(), linked.rows(&after).await);
    let now = now.unwrap();
    assert_eq!((now.quote, now.offer, now.account), (was.quote, was.offer, was.account));
    let wallet = linked.vendors.b.get("/v1/wallet", &linked.ada_there).await;
    assert_eq!(wallet.json["lots"][0]["kind"], "exchange");
    linked.vendors.sound().await;
    linked.exchanged(500, "e3").await;
    linked.second_goes_back(&backup).await;
    linked.vendors.b.run_restore().await;
    assert_eq!(told(&linked.vendors.b).await, reconciled(2, &[]));
    assert_eq!(linked.funds().await, (96_500, 0, 13_650));
    assert_eq!(linked.closed(1).await, ["agreed", "agreed"]);
    linked.vendors.sound().await;
}

#[tokio::test]
async fn who_received_knows_a_buyer_who_linked_since_and_lists_one_who_opened_an_account() {
    let mut linked = Linked::open().await;
    let carol_there = linked.vendors.b.buyer("carol@example.com", 0).await;
    let backup = linked.vendors.b.backed_up().await;
    let carol = linked.vendors.a.buyer("carol@example.com", 1000).await;
    link(&linked.vendors, &carol, &carol_there).await;
    linked.exchanged_by(&carol, 400, "c1").await;
    let (bob, _) = linked.other("bob", 1000).await;
    linked.exchanged_by(&bob, 200, "b1").await;
    linked.second_goes_back(&backup).await;
    linked.vendors.b.run_restore().await;
    assert_eq!(told(&linked.vendors.b).await, reconciled(1, &["unknown_buyer 780"]));
    assert_eq!(linked.vendors.b.available(&carol_there).await, 1560);
    assert_eq!(linked.owed().await, (6_000_000, 4_000_000));
    linked.vendors.sound().await;
    linked.exchanged_by(&carol, 100, "c2").await;
    linked.vendors.sound().await;
}

#[tokio::test]
async fn an_answer_that_nobody_has_heard_is_given_anew_and_both_end_the_same() {
    for (wait, state, funds) in [
        (Span::seconds(30), "fulfilled", (99_000, 0, 3900)),
        (Span::minutes(10), "reversed", (100_000, 0, 0)),
    ] {
        let mut linked = Linked::open().await;
        let quote = linked.quote(1000).await;
        linked.vendors.network.fate(ANY, &[Way::Free, Way::Lost]);
        let begun = linked.take(&quote, "e1").await;
        assert_eq!(begun.at("/state"), "committed", "{begun:?}");
        let backup = linked.vendors.b.backed_up().await;
        linked.vendors.network.mend();
        linked.vendors.network.fate("/fulfil", &[Way::AnswerLost]);
        linked.vendors.a.advance(Span::seconds(2)).await;
        linked.vendors.a.app.engine.run_exchanges().await.unwrap();
        assert_eq!(linked.funds().await, (99_000, 0, 3900), "issued, and the answer is lost");
        linked.second_goes_back(&backup).await;
        linked.pass(wait).await;
        assert_eq!(linked.look(&begun).await.at("/state"), "committed", "it waits");
        linked.vendors.b.run_restore().await;
        assert_eq!(told(&linked.vendors.b).await, reconciled(0, &[]));
        linked.pass(Span::minutes(2)).await;
        linked.pass(Span::minutes(10)).await;
        assert_eq!((linked.look(&begun).await.at("/state"), linked.funds().await), (state, funds));
        linked.agrees_on(&begun, state).await;
        linked.vendors.sound().await;
    }
}

#[tokio::test]
async fn a_partner_that_does_not_answer_is_waited_for_or_skipped_by_name() {
    let mut linked = Linked::open().await;
    let backup = linked.vendors.a.backed_up().await;
    let skipped = linked.exchanged(1000, "e1").await;
    linked.first_goes_back(&backup).await;
    linked.vendors.network.cut();
    let a = &linked.vendors.a;
    a.app.engine.run_restore().await.unwrap();
    let waiting = report(a).await;
    assert_eq!(
        (&waiting["restoring"], &waiting["peers"][0]["state"]),
        (&json!(true), &json!("asking"))
    );
    assert_eq!(waiting["peers"][0]["trouble"], "the other server did not answer: nobody is there");
    let body = json!({ "peer": BELLE, "reason": "closed down" });
    let answer = a.post("/v1/admin/restore/skip", &a.admin, "", body).await;
    assert_eq!((answer.status, answer.at("/state")), (200, "skipped"), "{answer:?}");
    linked.vendors.network.mend();
    assert_eq!(linked.funds().await, (100_000, 0, 3900), "what it had is not booked");
    linked.exchanged(500, "e2").await;
    let (here, there) = linked.rows(&skipped).await;
    assert_eq!((here, there.is_some()), (None, true));
    linked.vendors.sound().await;

    // Of before the next restore it books nothing, whatever is shown.
    linked.pass(Span::hours(3)).await;
    let latest = linked.vendors.a.backed_up().await;
    linked.first_goes_back(&latest).await;
    shows_all(&linked, |_| {}).await;
    linked.vendors.a.run_restore().await;
    assert_eq!(told(&linked.vendors.a).await, reconciled(0, &[]));
    assert_eq!(linked.funds().await.0, 99_500);
    linked.vendors.a.sound().await;
}

/// In the second vendor's place: it shows what it has, from the beginning of time on, changed.
async fn shows_all(linked: &Linked, change: impl Fn(&mut Exchanged)) {
    let b = &linked.vendors.b;
    let here: Partner = linked.here().await;
    let page = b.app.engine.history_for(&here, Timestamp::from_millis(0), "in").await;
    let mut page = page.unwrap().unwrap();
    page.exchanges.iter_mut().for_each(change);
    let exchanges: Vec<Value> = page
        .exchanges
        .iter()
        .map(|one| {
            let way = if one.way == By::In { "in" } else { "out" };
            json!({ "way": way, "quote": one.quote, "prepared": one.prepared, "commit": one.commit, "answer": one.answer })
        })
        .collect();
    let answer = json!({ "exchanges": exchanges, "next": null }).to_string();
    let liar = any(move || {
        let answer = answer.clone();
        async move { ([("content-type", "application/json")], answer) }
    });
    let router = Router::new().route("/v1/peer/history", liar).fallback_service(b.router());
    linked.vendors.network.join(BELLE, router);
}

type Lie = Box<dyn Fn(&mut Exchanged)>;

#[tokio::test]
async fn a_partner_that_lies_books_nothing_that_was_not_signed() {
    let mut linked = Linked::open().await;
    let (carol, _) = linked.other("carol", 1000).await;
    let backup = linked.vendors.a.backed_up().await;
    let done = linked.exchanged(1000, "e1").await;
    let carols = linked.exchanged_by(&carol, 100, "c1").await;
    let (row, carols) = (linked.rows(&done).await, linked.rows(&carols).await);
    let (row, carols) = (row.0.unwrap(), carols.0.unwrap());
    let claims = |commit: &Option<String>| -> Commit {
        use base64ct::{Base64UrlUnpadded, Encoding};
        let text = commit.as_deref().unwrap().split('.').nth(1).unwrap();
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(text).unwrap()).unwrap()
    };
    let Vendors { a, b, .. } = &linked.vendors;
    let commit = claims(&row.commit);
    let mut more = commit.clone();
    more.figures.give = Amount::new(50_000).unwrap();
    let forged = b.app.engine.sign_document(&more).unwrap();
    let foreign = Commit { audience: "https://other.test".to_owned(), ..commit.clone() };
    let foreign = a.app.engine.sign_document(&foreign).unwrap();
    let store = b.app.engine.store();
    let carols = store.incoming_exchange(linked.here().await.id, carols.id).await.unwrap().unwrap();
    let altered = row.commit.clone().unwrap().replace('.', ".A");
    let nothing: &[&str] = &[];
    let lies: Vec<(Lie, &[&str])> = vec![
        (Box::new(move |one| one.commit.clone_from(&forged)), &["key_lost 50000"]),
        (Box::new(move |one| one.commit.clone_from(&foreign)), nothing),
        (Box::new(move |one| one.commit.clone_from(&altered)), nothing),
        (Box::new(|one| one.commit = "a.b.c".to_owned()), nothing),
        // Our own word, and another buyer's quote below it.
        (Box::new(move |one| one.quote.clone_from(&carols.offer)), &["conflict 1000"]),
        (Box::new(|one| one.prepared = None), &["unknown_link 100", "unknown_link 1000"]),
    ];
    for (number, (lie, listed)) in lies.into_iter().enumerate() {
        linked.first_goes_back(&backup).await;
        shows_all(&linked, lie).await;
        linked.vendors.a.run_restore().await;
        let now = told(&linked.vendors.a).await;
        let carols = u64::from(*listed == ["conflict 1000"]);
        assert_eq!(now, reconciled(carols, listed), "{number}");
        assert_eq!(linked.funds().await.0, 100_000, "{number}");
        assert_eq!(linked.vendors.a.available(&carol).await, 1000 - 100 * carols, "{number}");
        linked.vendors.a.sound().await;
    }
    // A last word that it has not signed is none: the commit is booked, and asked about.
    let own = linked.vendors.a.app.engine.sign_document(&commit).unwrap();
    linked.first_goes_back(&backup).await;
    shows_all(&linked, move |one| one.answer = Some(own.clone())).await;
    linked.vendors.a.run_restore().await;
    assert_eq!(told(&linked.vendors.a).await, reconciled(2, &[]));
    assert_eq!(linked.look(&done).await.at("/state"), "committed");
    linked.vendors.network.join(BELLE, linked.vendors.b.router());
    linked.pass(Span::seconds(1)).await;
    linked.agrees_on(&done, "fulfilled").await;
    linked.vendors.sound().await;
}

#[tokio::test]
async fn two_vendors_that_were_both_restored_do_not_wait_for_each_other() {
    let mut linked = Linked::open().await;
    let early = linked.vendors.a.backed_up().await;
    let known_there = linked.exchanged(1000, "e1").await;
    let late = linked.vendors.b.backed_up().await;
    let forgotten = linked.exchanged(2000, "e2").await;
    linked.pass(Span::minutes(30)).await;
    linked.first_goes_back(&early).await;
    linked.second_goes_back(&late).await;
    for _ in 0..3 {
        linked.vendors.a.run_restore().await;
        linked.vendors.b.run_restore().await;
        linked.pass(Span::seconds(30)).await;
    }
    assert_eq!(told(&linked.vendors.a).await, reconciled(1, &[]));
    assert_eq!(told(&linked.vendors.b).await, reconciled(0, &[]));
    assert_eq!(linked.rows(&forgotten).await, (None, None), "nobody knows it");
    assert_eq!(
        (linked.funds().await, linked.owed().await),
        ((99_000, 0, 3900), (10_000_000, 10_000_000))
    );
    linked.agrees_on(&known_there, "fulfilled").await;
    linked.exchanged(500, "e3").await;
    assert_eq!(linked.closed(1).await, ["agreed", "agreed"]);
    linked.vendors.sound().await;
}

#[tokio::test]
async fn exchanges_of_both_directions_come_back_together() {
    let mut linked = Linked::open().await;
    // What came from the second is given back to it: the first must issue before it takes.
    let back = linked.vendors.b.buyer("dan@example.com", 0).await;
    credit(&linked.vendors.b, &back, 10_000, "paid").await;
    let dan = linked.vendors.a.buyer("dan@example.com", 0).await;
    link_back(&linked, &back, &dan).await;
    link(&linked.vendors, &dan, &back).await;
    let backup = linked.vendors.a.backed_up().await;
    let b = &linked.vendors.b;
    let body =
        json!({ "partner": linked.vendors.partners[1], "give": { "amount": 4000, "unit": "BEL" } });
    let quote = b.post("/v1/exchange-quotes", &back, "", body).await;
    assert_eq!(quote.status, 201, "{quote:?}");
    let given = b.post("/v1/exchanges", &back, "d1", json!({ "quote": quote.at("/id") })).await;
    assert_eq!(given.at("/state"), "fulfilled", "{given:?}");
    assert_eq!(linked.vendors.a.available(&dan).await, 975);
    linked.pass(Span::hours(73)).await;
    linked.exchanged_by(&dan, 500, "d2").await;
    linked.first_goes_back(&backup).await;
    assert_eq!(linked.vendors.a.available(&dan).await, 0);
    linked.vendors.a.run_restore().await;
    assert_eq!(told(&linked.vendors.a).await, reconciled(2, &[]));
    assert_eq!(linked.vendors.a.available(&dan).await, 475);
    linked.vendors.sound().await;
}

/// Links an account at the second vendor to one at the first.
async fn link_back(linked: &Linked, here: &str, there: &str) {
    let Vendors { a, b, partners, .. } = &linked.vendors;
    let path = format!("/v1/partners/{}/link", partners[1]);
    let opened = b.post(&path, here, "", json!({})).await;
    let approve = format!("/v1/links/{}/approve", opened.at("/reference"));
    let approved = a.post(&approve, there, "", Value::Null).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let url = approved.at("/return_url");
    let code = url.split(['?', '&']).find_map(|part| part.strip_prefix("code=")).unwrap();
    let done = b.post(&path, here, "", json!({ "return_code": code })).await;
    assert_eq!(done.status, 200, "{done:?}");
}

/// The number of the agreement in force, at both.
async fn in_force(linked: &Linked) -> [Option<u32>; 2] {
    let Vendors { a, b, .. } = &linked.vendors;
    let (here, there) = (linked.there().await, linked.here().await);
    let number = async |shop: &Shop, partner: Partner| {
        let id = partner.agreement?;
        let row = shop.app.engine.store().agreement(id).await.unwrap();
        row.map(|row| row.version)
    };
    [number(a, here).await, number(b, there).await]
}

#[tokio::test]
async fn agreements_from_after_the_backup_are_taken_over_as_both_have_signed_them() {
    for first in [true, false] {
        let mut linked = Linked::open().await;
        let Vendors { a, b, .. } = &linked.vendors;
        let backup = if first { a.backed_up().await } else { b.backed_up().await };
        agree(&linked.vendors, terms(AURORA)).await;
        linked.vendors.pass(Span::days(8)).await;
        linked.sign_in().await;
        assert_eq!(in_force(&linked).await, [Some(2), Some(2)]);
        let done = linked.exchanged(1000, "e1").await;
        if first {
            linked.first_goes_back(&backup).await;
            linked.vendors.a.run_restore().await;
            assert_eq!(told(&linked.vendors.a).await, reconciled(1, &[]));
        } else {
            linked.second_goes_back(&backup).await;
            linked.vendors.b.run_restore().await;
            assert_eq!(told(&linked.vendors.b).await, reconciled(1, &[]));
        }
        assert_eq!(in_force(&linked).await, [Some(2), Some(2)]);
        linked.agrees_on(&done, "fulfilled").await;
        linked.vendors.work().await;
        linked.vendors.sound().await;
    }
}

#[tokio::test]
async fn a_suspension_that_was_forgotten_holds_until_staff_ends_it() {
    let mut linked = Linked::open().await;
    let backup = linked.vendors.a.backed_up().await;
    linked.pass(Span::minutes(1)).await;
    let a = &linked.vendors.a;
    let all = a.get("/v1/admin/agreements", &a.admin).await;
    let turn = |what: &str| format!("/v1/admin/agreements/{}/{what}", all.at("/data/0/id"));
    assert_eq!(a.post(&turn("suspend"), &a.admin, "", Value::Null).await.status, 200);
    linked.vendors.work().await;
    linked.first_goes_back(&backup).await;
    assert!(linked.there().await.is_open(), "the backup knows nothing of it");
    linked.vendors.a.run_restore().await;
    assert_eq!(linked.there().await.suspended, Some(Suspended::Staff));
    assert_eq!(linked.try_quote(100).await.code(), "partner_suspended");
    linked.pass(Span::seconds(1)).await;
    let a = &linked.vendors.a;
    assert_eq!(a.post(&turn("resume"), &a.admin, "", Value::Null).await.status, 200);
    linked.vendors.work().await;
    linked.exchanged(1000, "e1").await;
    linked.vendors.sound().await;
}

#[tokio::test]
async fn cycles_that_were_closed_and_paid_are_so_again_whoever_paid() {
    for first in [true, false] {
        let mut linked = Linked::open().await;
        let Vendors { a, b, .. } = &linked.vendors;
        let backup = if first { a.backed_up().await } else { b.backed_up().await };
        linked.exchanged(1000, "e1").await;
        assert_eq!(linked.closed(1).await, ["agreed", "agreed"]);
        let Vendors { a, b, .. } = &linked.vendors;
        assert_eq!(instruct(a, 1, "recorded").await.status, 201);
        linked.settle_down().await;
        let row = statement(b, 1).await;
        let paid = received(b, row["settlement"].as_str().unwrap(), "paid", 1000, "EUR").await;
        assert_eq!(paid.status, 200, "{paid:?}");
        linked.settle_down().await;
        assert_eq!(linked.states(1).await, ["settled", "settled"]);
        let second = linked.exchanged(500, "e2").await;
        let shop = if first {
            linked.first_goes_back(&backup).await;
            &linked.vendors.a
        } else {
            linked.second_goes_back(&backup).await;
            &linked.vendors.b
        };
        shop.run_restore().await;
        assert_eq!(told(shop).await, reconciled(2, &[]), "{first}");
        assert_eq!(linked.states(1).await, ["settled", "settled"], "{first}");
        assert_eq!(linked.owed().await, (5_000_000, 5_000_000), "{first}");
        linked.agrees_on(&second, "fulfilled").await;
        linked.exchanged(100, "e3").await;
        assert_eq!(linked.closed(2).await, ["agreed", "agreed"], "{first}");
        linked.vendors.sound().await;
    }
}

#[tokio::test]
async fn a_payment_that_was_under_way_is_listed_before_it_is_made_twice() {
    let mut linked = Linked::open().await;
    linked.exchanged(1000, "e1").await;
    assert_eq!(linked.closed(1).await, ["agreed", "agreed"]);
    let backup = linked.vendors.a.backed_up().await;
    assert_eq!(instruct(&linked.vendors.a, 1, "recorded").await.status, 201);
    linked.settle_down().await;
    linked.first_goes_back(&backup).await;
    linked.vendors.a.run_restore().await;
    assert_eq!(told(&linked.vendors.a).await, reconciled(0, &["payment_unclear 0"]));
    assert_eq!(linked.states(1).await, ["agreed", "instructed"]);
    linked.vendors.sound().await;
}

#[tokio::test]
async fn only_the_partner_is_shown_what_lies_between_the_two() {
    let linked = Linked::open().await;
    linked.exchanged(1000, "e1").await;
    let b = &linked.vendors.b;
    let path = "/v1/peer/history?since=2020-01-01T00:00:00Z";
    let unsigned = b.get(path, "").await;
    assert_eq!((unsigned.status, unsigned.code()), (401, "signature_refused"));
    let stranger = Partner { id: Id::new(7).unwrap(), ..linked.here().await };
    for place in ["out", "in", "cycles"] {
        let page = b.app.engine.history_for(&stranger, Timestamp::from_millis(0), place).await;
        let page = page.unwrap().unwrap();
        assert_eq!((page.exchanges.len(), page.cycles.len()), (0, 0), "{place}");
    }
    let nowhere =
        b.app.engine.history_for(&linked.here().await, Timestamp::from_millis(0), "x").await;
    assert!(nowhere.unwrap().is_err());
}
