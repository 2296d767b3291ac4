//! A provider or a merchant that goes back to a backup, with the other one as it was: nothing is doubled, and nothing is
//! lost without being listed.

use scrip_domain::Span;
use scrip_testkit::{Answer, Backup};
use serde_json::{Value, json};

use crate::two_servers::{Pair, Sent, rotate};

impl Pair {
    /// The provider goes back to this backup; its merchants were not heard yet.
    async fn provider_goes_back(&mut self, to: &Backup) {
        self.pay = self.pay.restored(to).await;
    }

    async fn merchant_goes_back(&mut self, to: &Backup) {
        self.shop = self.shop.restored(to).await;
    }

    /// An order that is paid and delivered; what its buyer holds there.
    async fn bought(&self) -> (Sent, String) {
        let sent = self.send().await;
        let code = self.confirm(&sent).await;
        let session = self.sign_in(&code).await;
        assert_eq!(self.state(&sent).await, "paid");
        (sent, session)
    }

    async fn earned(&self) -> i64 {
        let merchants = self.pay.get("/v1/admin/merchants", &self.pay.admin).await;
        let id = merchants.at("/data/0/id").to_owned();
        let merchant = self.pay.get(&format!("/v1/admin/merchants/{id}"), &self.pay.admin).await;
        merchant.json["balance"]["balance"]["amount"]
            .as_i64()
            .unwrap_or_else(|| panic!("{merchant:?}"))
    }
}

/// What an administrator sees of a restore.
async fn report(shop: &scrip_testkit::Shop) -> Value {
    let report = shop.get("/v1/admin/restore", &shop.admin).await;
    assert_eq!(report.status, 200, "{report:?}");
    report.json
}

/// The peer's state, how many were booked and listed, and why what is listed is.
fn told(report: &Value) -> (String, u64, u64, Vec<String>) {
    let peer = &report["peers"][0];
    let lacks = report["discrepancies"]["data"].as_array().unwrap();
    let lacks = lacks
        .iter()
        .map(|row| format!("{} {}", row["lack"].as_str().unwrap(), row["amount"]["amount"]));
    let count = |name: &str| peer[name].as_u64().unwrap();
    (peer["state"].as_str().unwrap().to_owned(), count("booked"), count("listed"), lacks.collect())
}

fn is_restoring(answer: &Answer) -> bool {
    let waits = !answer.header("retry-after").is_empty();
    (answer.status, answer.code(), waits) == (503, "restoring", true)
}

#[tokio::test]
async fn a_server_that_was_never_restored_has_nobody_to_ask() {
    let pair = Pair::open().await;
    let report = report(&pair.pay).await;
    assert_eq!((&report["epoch"], &report["restoring"]), (&json!(1), &json!(false)));
    assert_eq!(report["restored_at"], Value::Null);
    let discovery = pair.pay.get("/.well-known/scrip", "").await;
    assert_eq!(discovery.json["epoch"], 1);
}

#[tokio::test]
async fn a_vendor_without_peers_serves_at_once() {
    let shop = scrip_testkit::Shop::open().await;
    let ada = shop.buyer("ada@example.com", 10).await;
    let backup = shop.backed_up().await;
    shop.buyer("bob@example.com", 10).await;
    let shop = shop.restored(&backup).await;
    assert_eq!(shop.get("/.well-known/scrip", "").await.json["epoch"], 2);
    assert_eq!(report(&shop).await["restoring"], false);
    assert_eq!(shop.get("/v1/wallet", &ada).await.json["posted"]["amount"], 10);
    shop.buyer("bob@example.com", 10).await;
    shop.sound().await;
}

#[tokio::test]
async fn a_provider_books_what_its_merchant_has_before_anybody_spends_it_again() {
    let mut pair = Pair::open().await;
    let (before, _) = pair.bought().await;
    let backup = pair.pay.backed_up().await;
    pair.pass(Span::hours(2)).await;
    let (after, session) = pair.bought().await;
    let (funds, earned) = (pair.funds().await, pair.earned().await);
    assert_eq!(funds, (500, 0));

    pair.provider_goes_back(&backup).await;
    assert_eq!(pair.funds().await, (750, 0), "as the backup has it");
    let body = json!({ "tokens": { "amount": 100, "unit": "AUR" }, "method": "demo" });
    assert!(is_restoring(&pair.pay.post("/v1/top-ups", &pair.buyer, "t", body).await));
    let path = format!("/v1/payments/{}/claim", after.reference);
    assert!(is_restoring(&pair.pay.post(&path, &pair.buyer, "", json!({})).await));
    let page = pair.pay.send("POST", "/wallet/top-up", &[], Value::Null).await;
    assert_eq!(page.status, 503);
    let html = String::from_utf8(page.bytes).unwrap();
    assert!(html.contains("<h1>Restoring</h1>"), "{html}");
    let body = json!({ "lines": [{ "offer": pair.offer }] });
    let draft = pair.shop.post("/v1/orders", "", "meanwhile", body).await;
    let confirm = format!("/v1/orders/{}/confirm", draft.at("/id"));
    let token = draft.at("/order_token").to_owned();
    let early = pair.as_visitor("POST", &confirm, &token, "early").await;
    assert_eq!(early.status, 503, "{early:?}");

    pair.pay.run_restore().await;
    let report = report(&pair.pay).await;
    assert_eq!((&report["epoch"], &report["restoring"]), (&json!(2), &json!(false)));
    assert_eq!(told(&report), ("reconciled".into(), 1, 0, vec![]));
    assert_eq!((pair.funds().await, pair.earned().await), (funds, earned));
    assert_eq!(
        (pair.state(&before).await, pair.state(&after).await),
        ("paid".into(), "paid".into())
    );
    assert_eq!(pair.shop.get(&after.path, &session).await.at("/state"), "paid");
    pair.sound().await;

    // Nothing more is waited for: the order that was sent meanwhile is opened, and another one is paid.
    pair.pass(Span::minutes(3)).await;
    pair.work().await;
    let sent = pair.as_visitor("POST", &confirm, &token, "early").await;
    assert_eq!(sent.status, 202, "{sent:?}");
    pair.bought().await;
    assert_eq!(pair.funds().await, (250, 0));
    pair.sound().await;

    // Once more, and what was booked before is booked once.
    pair.provider_goes_back(&backup).await;
    pair.pay.run_restore().await;
    assert_eq!(pair.funds().await, (250, 0));
    pair.sound().await;
}

#[tokio::test]
async fn what_went_back_goes_back_once_and_into_the_same_lots() {
    let mut pair = Pair::open().await;
    let backup = pair.pay.backed_up().await;
    let (sent, _) = pair.bought().await;
    let order = sent.path.rsplit('/').next().unwrap().to_owned();
    let path = format!("/v1/admin/orders/{order}/refunds");
    let amount = json!({ "amount": 100, "unit": "AUR" });
    let part = json!({ "lines": [{ "line": line(&pair, &sent).await, "amount": amount }], "reason": "a part" });
    let back = pair.shop.post(&path, &pair.shop.admin, "r", part).await;
    assert_eq!(back.status, 201, "{back:?}");
    let (funds, earned) = (pair.funds().await, pair.earned().await);
    assert_eq!(funds, (850, 0));
    pair.provider_goes_back(&backup).await;
    pair.pay.run_restore().await;
    assert_eq!((pair.funds().await, pair.earned().await), (funds, earned));
    pair.sound().await;
    // The rest of it, by whoever has the order: never more than was captured.
    let rest = pair.shop.post(&path, &pair.shop.admin, "r2", json!({ "reason": "the rest" })).await;
    assert_eq!(rest.status, 201, "{rest:?}");
    assert_eq!(pair.funds().await, (1000, 0));
    pair.sound().await;
}

async fn line(pair: &Pair, sent: &Sent) -> String {
    let order = pair.as_visitor("GET", &sent.path, &sent.token, "").await;
    order.at("/lines/0/id").to_owned()
}

#[tokio::test]
async fn what_was_given_back_undelivered_stays_given_back() {
    let mut pair = Pair::open().await;
    let backup = pair.pay.backed_up().await;
    let sent = pair.send().await;
    pair.confirm(&sent).await;
    pair.network.fate("/fulfilled", &[scrip_testkit::Way::Lost; 40]);
    pair.work().await;
    pair.pass(Span::hours(25)).await;
    while pair.pay.app.engine.lapse_requests().await.unwrap() > 0 {}
    pair.network.mend();
    pair.work().await;
    assert_eq!((pair.state(&sent).await, pair.funds().await), ("refunded".into(), (1000, 0)));
    let earned = pair.earned().await;
    pair.provider_goes_back(&backup).await;
    pair.pay.run_restore().await;
    assert_eq!((pair.funds().await, pair.earned().await), ((1000, 0), earned));
    pair.sound().await;
}

#[tokio::test]
async fn a_hold_that_was_captured_after_the_backup_is_captured_again_with_the_same_receipt() {
    let mut pair = Pair::open().await;
    let sent = pair.send().await;
    let code = pair.confirm(&sent).await;
    let backup = pair.pay.backed_up().await;
    assert_eq!(pair.funds().await, (750, 250));
    let session = pair.sign_in(&code).await;
    let evidence = format!("{}/evidence", sent.path);
    let before = pair.shop.get(&evidence, &session).await.json;
    pair.pass(Span::hours(1)).await;
    pair.provider_goes_back(&backup).await;
    // The clock alone would free what was captured.
    assert_eq!(pair.pay.app.engine.lapse_requests().await.unwrap(), 0);
    let path = format!("/v1/payments/{}", sent.reference);
    assert_eq!(pair.pay.get(&path, &pair.buyer).await.status, 200);
    assert_eq!(pair.funds().await, (750, 250));
    pair.pay.run_restore().await;
    assert_eq!((pair.funds().await, pair.state(&sent).await), ((750, 0), "paid".into()));
    let seen = pair.pay.get(&format!("{path}/evidence"), &pair.buyer).await;
    assert_eq!(seen.status, 200, "{seen:?}");
    assert_eq!(pair.shop.get(&evidence, &session).await.json, before);
    pair.pass(Span::days(2)).await;
    pair.work().await;
    assert_eq!(pair.funds().await, (750, 0), "nothing is due of it");
    pair.sound().await;
}

#[tokio::test]
async fn what_was_only_confirmed_is_held_again_in_time_and_over_later() {
    for (late, state, funds) in [(false, "paid", (750, 0)), (true, "expired", (1000, 0))] {
        let mut pair = Pair::open().await;
        let backup = pair.pay.backed_up().await;
        let sent = pair.send().await;
        pair.confirm(&sent).await;
        pair.network.fate("/capture", &[scrip_testkit::Way::Lost; 40]);
        pair.pay.app.engine.send_notices().await.unwrap();
        pair.pass(Span::minutes(if late { 11 } else { 1 })).await;
        pair.provider_goes_back(&backup).await;
        pair.pay.run_restore().await;
        pair.network.mend();
        for _ in 0..4 {
            pair.pass(Span::minutes(2)).await;
            pair.work().await;
        }
        assert_eq!((pair.state(&sent).await.as_str(), pair.funds().await), (state, funds));
        pair.sound().await;
    }
}

#[tokio::test]
async fn what_a_wallet_cannot_pay_is_listed_and_nobody_goes_below_zero() {
    let mut pair = Pair::open().await;
    pair.bought().await;
    pair.bought().await;
    pair.bought().await;
    let backup = pair.pay.backed_up().await;
    pair.bought().await;
    let accounts = pair.pay.get("/v1/admin/accounts", &pair.pay.admin).await;
    let path = format!("/v1/admin/accounts/{}/adjust", accounts.at("/data/0/id"));
    let more = json!({ "tokens": { "amount": 250, "unit": "AUR" }, "reason": "by cheque" });
    assert_eq!(pair.pay.post(&path, &pair.pay.admin, "more", more).await.status, 201);
    pair.bought().await;
    let who = pair.buyer.clone();
    pair.buyer = pair.pay.buyer("bob@example.com", 250).await;
    pair.bought().await;
    pair.buyer = who;
    pair.provider_goes_back(&backup).await;
    pair.pay.run_restore().await;
    let listed = vec!["unknown_buyer 250".into(), "insufficient_funds 250".into()];
    assert_eq!(told(&report(&pair.pay).await), ("reconciled".into(), 1, 2, listed));
    assert_eq!(pair.funds().await, (0, 0));
    pair.sound().await;
}

#[tokio::test]
async fn who_bought_first_after_the_backup_is_known_by_the_name_that_the_merchant_has() {
    let mut pair = Pair::open().await;
    let bob = pair.pay.buyer("bob@example.com", 1000).await;
    let carol = pair.pay.buyer("carol@example.com", 1000).await;
    let backup = pair.pay.backed_up().await;
    let dora = pair.pay.buyer("dora@example.com", 1000).await;
    let ada = pair.buyer.clone();
    for who in [&bob, &dora, &ada, &bob] {
        pair.buyer.clone_from(who);
        pair.bought().await;
    }
    pair.provider_goes_back(&backup).await;
    pair.pay.run_restore().await;
    let listed = vec!["unknown_buyer 250".into()];
    assert_eq!(told(&report(&pair.pay).await), ("reconciled".into(), 3, 1, listed));
    for (who, left) in [(&ada, 750), (&bob, 500), (&carol, 1000)] {
        assert_eq!(pair.pay.available(who).await, left);
    }
    pair.buyer = bob;
    pair.bought().await;
    pair.sound().await;
}

#[tokio::test]
async fn what_a_forgotten_key_has_signed_is_listed_and_not_believed() {
    let mut pair = Pair::open().await;
    let backup = pair.pay.backed_up().await;
    rotate(&pair.pay, 52, 18);
    pair.pass(Span::seconds(65)).await;
    pair.bought().await;
    pair.provider_goes_back(&backup).await;
    pair.pay.run_restore().await;
    let listed = vec!["key_lost 250".into()];
    assert_eq!(told(&report(&pair.pay).await), ("reconciled".into(), 0, 1, listed));
    assert_eq!(pair.funds().await, (1000, 0));
    pair.sound().await;
}

#[tokio::test]
async fn a_merchant_that_does_not_answer_is_waited_for_or_skipped_by_name() {
    let mut pair = Pair::open().await;
    let backup = pair.pay.backed_up().await;
    pair.bought().await;
    pair.provider_goes_back(&backup).await;
    pair.network.cut();
    pair.pay.app.engine.run_restore().await.unwrap();
    let waiting = report(&pair.pay).await;
    assert_eq!(
        (&waiting["restoring"], &waiting["peers"][0]["state"]),
        (&json!(true), &json!("asking"))
    );
    assert_eq!(waiting["peers"][0]["trouble"], "nobody is there");
    assert_eq!(pair.pay.app.engine.run_restore().await.unwrap(), 0, "not at once again");
    let skip = |peer: &str| json!({ "peer": peer, "reason": "closed down" });
    let path = "/v1/admin/restore/skip";
    let other = pair.pay.post(path, &pair.pay.admin, "", skip("https://other.test")).await;
    assert_eq!(other.status, 404);
    assert_eq!(pair.pay.post(path, &pair.buyer, "", skip("https://shop.test")).await.status, 403);
    let skipped = pair.pay.post(path, &pair.pay.admin, "", skip("https://shop.test")).await;
    assert_eq!((skipped.status, skipped.at("/state")), (200, "skipped"), "{skipped:?}");
    let again = pair.pay.post(path, &pair.pay.admin, "", skip("https://shop.test")).await;
    assert_eq!(again.json, skipped.json);
    assert_eq!(report(&pair.pay).await["restoring"], false);
    let audit = pair.pay.get("/v1/admin/audit", &pair.pay.admin).await;
    assert_eq!(
        (audit.at("/data/0/act"), audit.at("/data/0/subject")),
        ("restore.skipped", "https://shop.test")
    );
    pair.network.mend();
    assert_eq!(pair.funds().await, (1000, 0), "what it had is not booked");
    pair.bought().await;
    pair.sound().await;
}

#[tokio::test]
async fn two_servers_that_were_both_restored_do_not_wait_for_each_other() {
    let mut pair = Pair::open().await;
    let sent = pair.send().await;
    let (pay, shop) = (pair.pay.backed_up().await, pair.shop.backed_up().await);
    pair.confirm(&sent).await;
    pair.pay.app.engine.send_notices().await.unwrap();
    assert_eq!(pair.state(&sent).await, "paid");
    pair.provider_goes_back(&pay).await;
    pair.merchant_goes_back(&shop).await;
    for _ in 0..3 {
        pair.shop.run_restore().await;
        pair.pay.run_restore().await;
        pair.pass(Span::seconds(30)).await;
    }
    assert_eq!(report(&pair.pay).await["restoring"], false);
    assert_eq!(report(&pair.shop).await["restoring"], false);
    // Both have forgotten it, and the buyer confirms once more.
    assert_eq!(pair.funds().await, (1000, 0));
    pair.confirm(&sent).await;
    pair.work().await;
    assert_eq!((pair.state(&sent).await, pair.funds().await), ("paid".into(), (750, 0)));
    pair.sound().await;
}

#[tokio::test]
async fn a_merchant_delivers_anew_what_it_knew_and_lists_what_it_never_heard_of() {
    let mut pair = Pair::open().await;
    let known = pair.send().await;
    let backup = pair.shop.backed_up().await;
    let code = pair.confirm(&known).await;
    let session = pair.sign_in(&code).await;
    let old = pair.shop.get(&known.path, &session).await.at("/licenses/0/code/jws").to_owned();
    let (unknown, _) = pair.bought().await;
    let withheld = pair.send().await;
    pair.network.fate("/fulfilled", &[scrip_testkit::Way::Lost; 40]);
    pair.confirm(&withheld).await;
    pair.pay.app.engine.send_notices().await.unwrap();
    pair.network.mend();
    let funds = pair.funds().await;
    assert_eq!(funds, (250, 0));
    pair.pass(Span::minutes(5)).await;

    pair.merchant_goes_back(&backup).await;
    assert_eq!(pair.shop.get("/.well-known/scrip", "").await.json["epoch"], 2);
    pair.pay.app.engine.send_notices().await.unwrap();
    pair.shop.run_restore().await;
    let lacks = vec!["unknown_order 250".into(), "code_lost 250".into(), "code_lost 250".into()];
    assert_eq!(told(&report(&pair.shop).await), ("reconciled".into(), 0, 3, lacks));
    assert_eq!(pair.state(&known).await, "paid");
    let gone = pair.as_visitor("GET", &unknown.path, &unknown.token, "").await;
    assert_eq!(gone.status, 404, "{gone:?}");
    let order = pair.as_visitor("GET", &known.path, &known.token, "").await;
    assert_eq!(order.at("/state"), "paid");
    let verdict = pair.shop.post("/v1/licenses/validate", "", "", json!({ "code": old })).await;
    assert_ne!(verdict.at("/code"), "VALID", "its license is not in these books");
    assert_eq!(pair.funds().await, funds, "a merchant moves nothing");

    // What nobody delivers goes back by the deadline.
    pair.pass(Span::hours(25)).await;
    pair.work().await;
    assert_eq!(pair.funds().await, (500, 0));
    pair.bought().await;
    pair.sound().await;
}

#[tokio::test]
async fn no_id_is_minted_twice_though_the_clock_was_set_back() {
    let mut pair = Pair::open().await;
    let backup = pair.pay.backed_up().await;
    pair.pass(Span::hours(3)).await;
    pair.bought().await;
    let forgotten = pair.network.sent().iter().rev().find_map(|sent| {
        let name = sent.split("/purchase-requests/").nth(1)?;
        name.split('/').next().map(str::to_owned)
    });
    let forgotten = forgotten.expect("a request was captured");
    pair.pay.clock.set_back(Span::hours(3));
    pair.provider_goes_back(&backup).await;
    pair.pay.run_restore().await;
    assert_eq!(report(&pair.pay).await["restoring"], false);
    pair.pay.app.engine.renew_lease().await.unwrap();
    let opened = pair.pay.buyer("bob@example.com", 10).await;
    let account = pair.pay.get("/v1/account", &opened).await;
    let minted = account.at("/id").split('_').nth(1).unwrap().to_owned();
    assert!(*minted > *forgotten.split('_').nth(1).unwrap(), "{minted} {forgotten}");
    pair.sound().await;
}

#[tokio::test]
async fn who_was_not_heard_after_one_restore_is_heard_after_the_next() {
    let mut pair = Pair::open().await;
    let first = pair.pay.backed_up().await;
    pair.bought().await;
    pair.pass(Span::hours(5)).await;
    pair.provider_goes_back(&first).await;
    let second = pair.pay.backed_up().await;
    pair.pass(Span::hours(5)).await;
    pair.provider_goes_back(&second).await;
    assert_eq!(report(&pair.pay).await["epoch"], 3);
    pair.sound().await;
    pair.pay.run_restore().await;
    assert_eq!(told(&report(&pair.pay).await), ("reconciled".into(), 1, 0, vec![]));
    assert_eq!(pair.funds().await, (750, 0));
    pair.sound().await;
}
