//! Refunds that buyers ask for: by the policy that was shown, granted at once or by staff, or declined with a word.

use futures_util::future::join_all;
use scrip_domain::Span;
use scrip_domain::staff::StaffRole;
use scrip_license::{Limits, Terms};
use scrip_testkit::{Answer, Browser, Shop, settings};
use serde_json::{Value, json};

use crate::dealings_pages::clerk_again;
use crate::goods::Sold;
use crate::library_pages::ada;
use crate::licensed::{buy as buy_license, machines, offer as license_offer};
use crate::two_servers::Pair;

fn aur(amount: u64) -> Value {
    json!({ "amount": amount, "unit": "AUR" })
}

/// A shop that promises so many days, for what was opened too or not, and grants at once or not.
async fn promising(days: u32, opened: bool, at_once: bool) -> Shop {
    let mut settings = settings();
    settings.refund_policy = scrip_domain::refund_request::RefundPolicy { days, opened };
    settings.refunds_at_once = at_once;
    settings.mail.staff = "staff@shop.test".into();
    Shop::open_with(settings).await
}

async fn buy(shop: &Shop, buyer: &str, offer: &str, quantity: u32, total: u64) -> Answer {
    let body = json!({ "lines": [{ "offer": offer, "quantity": quantity }], "expected_total": aur(total),
        "allow_duplicate": true });
    let paid = shop.post("/v1/purchases", buyer, &format!("buy-{total}"), body).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    paid
}

async fn ask(shop: &Shop, buyer: &str, order: &Answer, key: &str) -> Answer {
    let path = format!("/v1/orders/{}/refund-requests", order.at("/id"));
    let body = json!({ "line": order.at("/lines/0/id"), "reason": "does not start" });
    shop.post(&path, buyer, key, body).await
}

async fn decide(shop: &Shop, request: &Answer, verb: &str, body: Value) -> Answer {
    let path = format!("/v1/admin/refund-requests/{}/{verb}", request.at("/id"));
    shop.post(&path, &shop.admin, "", body).await
}

#[tokio::test]
async fn what_is_asked_waits_is_accepted_once_and_brings_the_tokens_back() {
    let shop = promising(14, false, false).await;
    let offer = shop.service("tuning", 250).await;
    let buyer = shop.buyer("ada@example.com", 1000).await;
    let order = buy(&shop, &buyer, &offer, 2, 500).await;
    assert_eq!(order.json["refund_policy"], json!({ "days": 14, "opened": false }));
    assert_eq!(shop.get("/v1/vendor", "").await.json["refund_policy"]["days"], 14);
    let asked = ask(&shop, &buyer, &order, "r1").await;
    assert_eq!((asked.status, asked.at("/state")), (201, "open"), "{asked:?}");
    assert_eq!((&asked.json["covered"], &asked.json["refund"]), (&json!(true), &Value::Null));
    let again = ask(&shop, &buyer, &order, "r1").await;
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), ("true", &asked.bytes));
    let second = ask(&shop, &buyer, &order, "r2").await;
    assert_eq!((second.code(), second.at("/request")), ("refund_request_open", asked.at("/id")));
    assert_eq!(shop.available(&buyer).await, 500, "nothing moves before the word");
    let waits = shop.get("/v1/admin/refund-requests", &shop.admin).await;
    assert_eq!(waits.json["data"], json!([asked.json]));

    shop.advance(Span::minutes(1)).await;
    let accepted = decide(&shop, &asked, "accept", json!({})).await;
    assert_eq!((accepted.status, accepted.at("/state")), (200, "accepted"), "{accepted:?}");
    assert_eq!(decide(&shop, &asked, "accept", json!({})).await.json, accepted.json, "once");
    let late = decide(&shop, &asked, "decline", json!({ "word": "no" })).await;
    assert_eq!((late.code(), late.at("/state")), ("refund_request_decided", "accepted"));
    assert_eq!(shop.available(&buyer).await, 1000);
    let shown = shop.get(&format!("/v1/orders/{}", order.at("/id")), &buyer).await;
    assert_eq!(
        (shown.at("/state"), shown.at("/refunds/0/id")),
        ("refunded", accepted.at("/refund"))
    );
    assert_eq!(shown.at("/refunds/0/reason"), "does not start");
    let replay = ask(&shop, &buyer, &order, "r1").await;
    assert_eq!(replay.bytes, asked.bytes, "the first answer, whatever came of it");
    assert_eq!(ask(&shop, &buyer, &order, "r3").await.code(), "already_refunded");
    let audit = shop.get("/v1/admin/audit", &shop.admin).await;
    assert_eq!(audit.at("/data/0/act"), "order.refunded");
    shop.sound().await;
}

#[tokio::test]
async fn a_decline_has_a_word_a_letter_and_no_end() {
    let shop = promising(14, false, false).await;
    let offer = shop.service("tuning", 250).await;
    let buyer = shop.buyer("ada@example.com", 1000).await;
    let order = buy(&shop, &buyer, &offer, 1, 250).await;
    shop.run_mail().await;
    let asked = ask(&shop, &buyer, &order, "r1").await;
    let sent = shop.run_mail().await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(
        (sent[0].to.as_str(), sent[0].words.subject.as_str()),
        ("staff@shop.test", "A buyer asks for a refund")
    );
    assert!(sent[0].words.text.contains("does not start"), "{}", sent[0].words.text);
    shop.advance(Span::minutes(1)).await;
    for body in [json!({ "word": "" }), json!({}), json!({ "word": "x".repeat(501) })] {
        assert_eq!(decide(&shop, &asked, "decline", body).await.code(), "invalid_field");
    }
    let declined = decide(&shop, &asked, "decline", json!({ "word": "It was used." })).await;
    assert_eq!((declined.at("/state"), declined.at("/word")), ("declined", "It was used."));
    let again = decide(&shop, &asked, "decline", json!({ "word": "Another." })).await;
    assert_eq!(again.at("/word"), "It was used.", "said once");
    assert_eq!(decide(&shop, &asked, "accept", json!({})).await.code(), "refund_request_decided");
    let sent = shop.run_mail().await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].words.subject, "Declined: your request for a refund");
    assert!(sent[0].words.text.contains("It was used."), "{}", sent[0].words.text);
    assert_eq!(shop.available(&buyer).await, 750);
    let asked = ask(&shop, &buyer, &order, "r2").await;
    assert_eq!(asked.at("/state"), "open", "who was declined may ask once more");
    let path = format!("/v1/orders/{}/refund-requests", order.at("/id"));
    let all = shop.get(&path, &buyer).await;
    assert_eq!((all.at("/data/0/state"), all.at("/data/1/state")), ("declined", "open"));
    shop.sound().await;
}

#[tokio::test]
async fn what_is_covered_is_granted_at_once_and_the_rest_waits() {
    let shop = promising(14, false, true).await;
    let offer = license_offer(&shop, "editor", Terms::Perpetual, machines(2)).await;
    let buyer = shop.buyer("ada@example.com", 1000).await;
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": aur(100), "allow_duplicate": true });
    let bought = async |key: &str| shop.post("/v1/purchases", &buyer, key, body.clone()).await;
    let order = bought("fresh").await;
    let granted = ask(&shop, &buyer, &order, "r1").await;
    assert_eq!((granted.status, granted.at("/state")), (201, "accepted"), "{granted:?}");
    assert_eq!(shop.available(&buyer).await, 1000);
    let again = ask(&shop, &buyer, &order, "r1").await;
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), ("true", &granted.bytes));
    let code = json!({ "code": order.at("/licenses/0/code/short") });
    assert_eq!(shop.post("/v1/licenses/validate", "", "", code).await.at("/code"), "REFUNDED");

    // A machine opens it, also one that was let go since.
    let order = bought("opened").await;
    let code = order.at("/licenses/0/code/jws");
    let machine = json!({ "code": code, "fingerprint": "desk" });
    assert_eq!(
        shop.post("/v1/licenses/activate", "", "", machine.clone()).await.json["valid"],
        true
    );
    shop.post("/v1/licenses/deactivate", "", "", machine).await;
    let asked = ask(&shop, &buyer, &order, "r2").await;
    assert_eq!((asked.at("/state"), &asked.json["covered"]), ("open", &json!(false)), "{asked:?}");

    // To the last moment, and not beyond.
    let order = bought("late").await;
    shop.advance(Span::days(14)).await;
    let last = bought("late").await;
    assert_eq!(last.at("/id"), order.at("/id"));
    shop.advance(Span::millis(1)).await;
    let asked = ask(&shop, &buyer, &order, "r3").await;
    assert_eq!((asked.at("/state"), &asked.json["covered"]), ("open", &json!(false)), "{asked:?}");
    assert_eq!(shop.available(&buyer).await, 800);
    shop.sound().await;
}

#[tokio::test]
async fn an_order_keeps_the_policy_that_was_shown_with_it() {
    let shop = promising(20, true, false).await;
    let offer = shop.service("tuning", 250).await;
    let buyer = shop.buyer("ada@example.com", 1000).await;
    let order = buy(&shop, &buyer, &offer, 1, 250).await;
    let bearer = format!("Bearer {}", shop.admin);
    let body = json!({ "refund_policy": { "days": 0 } });
    let set = shop.send("PATCH", "/v1/admin/settings", &[("authorization", &bearer)], body).await;
    assert_eq!(set.json["refund_policy"], json!({ "days": 0, "opened": false, "at_once": false }));
    shop.advance(Span::days(20)).await;
    assert_eq!(ask(&shop, &buyer, &order, "r1").await.json["covered"], true);
    let order = buy(&shop, &buyer, &offer, 2, 500).await;
    assert_eq!(
        ask(&shop, &buyer, &order, "r2").await.json["covered"],
        false,
        "nothing is promised any more"
    );
    let body = json!({ "refund_policy": { "days": 3651 } });
    let wrong = shop.send("PATCH", "/v1/admin/settings", &[("authorization", &bearer)], body).await;
    assert_eq!(wrong.at("/errors/0/field"), "refund_policy.days");
    shop.sound().await;
}

#[tokio::test]
async fn only_what_was_paid_and_is_ones_own_can_be_asked_back() {
    let shop = promising(14, false, false).await;
    let (offer, free) = (shop.service("tuning", 250).await, shop.service("gift", 0).await);
    let (buyer, eve) =
        (shop.buyer("ada@example.com", 1000).await, shop.buyer("eve@example.com", 1000).await);
    let order = buy(&shop, &buyer, &offer, 1, 250).await;
    assert_eq!(ask(&shop, &eve, &order, "r1").await.code(), "not_found");
    assert_eq!(ask(&shop, "", &order, "r1").await.code(), "account_required");
    assert_eq!(ask(&shop, &buyer, &order, "").await.code(), "idempotency_key_missing");
    let path = format!("/v1/orders/{}/refund-requests", order.at("/id"));
    assert_eq!(shop.get(&path, &eve).await.code(), "not_found");
    for (line, reason, field) in [
        ("lin_0000000000001", "why", "line"),
        ("nothing", "why", "line"),
        (order.at("/lines/0/id"), "", "reason"),
        (order.at("/lines/0/id"), &"x".repeat(501), "reason"),
    ] {
        let wrong = shop.post(&path, &buyer, "w", json!({ "line": line, "reason": reason })).await;
        assert_eq!((wrong.status, wrong.at("/errors/0/field")), (400, field), "{wrong:?}");
    }
    let given = buy(&shop, &buyer, &free, 1, 0).await;
    assert_eq!(ask(&shop, &buyer, &given, "r2").await.at("/errors/0/field"), "line");
    let draft = shop
        .post(
            "/v1/orders",
            &buyer,
            "d",
            json!({ "lines": [{ "offer": offer, "quantity": 1 }], "allow_duplicate": true }),
        )
        .await;
    assert_eq!(ask(&shop, &buyer, &draft, "r3").await.code(), "order_not_paid");
    let one = "/v1/admin/refund-requests/rfq_0000000000001";
    assert_eq!(shop.get(one, &shop.admin).await.code(), "not_found");
    assert_eq!(shop.get("/v1/admin/refund-requests", &buyer).await.code(), "forbidden");
    shop.sound().await;
}

#[tokio::test]
async fn whatever_comes_at_once_nothing_goes_back_twice() {
    let shop = promising(14, false, false).await;
    let offer = shop.service("tuning", 250).await;
    let buyer = shop.buyer("ada@example.com", 1000).await;
    let order = buy(&shop, &buyer, &offer, 1, 250).await;
    let keys: Vec<_> = (0..8).map(|number| format!("r{number}")).collect();
    let asked = join_all(keys.iter().map(|key| ask(&shop, &buyer, &order, key))).await;
    let (made, refused): (Vec<_>, Vec<_>) = asked.into_iter().partition(|one| one.status == 201);
    assert_eq!((made.len(), refused.len()), (1, 7));
    assert!(refused.iter().all(|one| one.code() == "refund_request_open"), "{refused:?}");
    let refund = format!("/v1/admin/orders/{}/refunds", order.at("/id"));
    let (accepted, declined, refunded) = tokio::join!(
        decide(&shop, &made[0], "accept", json!({})),
        decide(&shop, &made[0], "decline", json!({ "word": "no" })),
        shop.post(&refund, &shop.admin, "by-hand", json!({ "reason": "by hand" })),
    );
    let shown = shop.get(&refund, &shop.admin).await;
    assert_eq!(
        shown.json["data"].as_array().unwrap().len(),
        1,
        "{accepted:?} {declined:?} {refunded:?}"
    );
    assert_eq!(shop.available(&buyer).await, 1000);
    let row =
        shop.get(&format!("/v1/admin/refund-requests/{}", made[0].at("/id")), &shop.admin).await;
    assert_ne!(row.at("/state"), "open", "what went back by hand is not waited for");
    shop.sound().await;
}

#[tokio::test]
async fn a_download_that_is_over_is_not_covered() {
    let sold = Sold::with(10, Terms::Perpetual, Some(3)).await;
    let shop = &sold.shop;
    let order = shop.get("/v1/orders", &sold.buyer).await.json["data"][0].clone();
    let path = format!("/v1/orders/{}/refund-requests", order["id"].as_str().unwrap());
    let license = shop.get("/v1/licenses", &sold.buyer).await;
    let (code, file) = (license.at("/data/0/code/jws"), license.at("/data/0/files/0/id"));
    let ticket =
        shop.post("/v1/downloads/tickets", "", "", json!({ "code": code, "file": file })).await;
    let url = ticket.at("/url").replace("http://shop.test", "");
    assert_eq!(shop.get(&url, "").await.status, 200);
    let body = json!({ "line": order["lines"][0]["id"], "reason": "why" });
    let asked = shop.post(&path, &sold.buyer, "r", body).await;
    assert_eq!((asked.status, &asked.json["covered"]), (201, &json!(false)), "{asked:?}");
    shop.sound().await;
}

#[tokio::test]
async fn a_buyer_asks_from_the_library_and_sees_how_it_stands() {
    let shop = promising(14, false, false).await;
    let offer = license_offer(&shop, "editor", Terms::Perpetual, Limits::default()).await;
    let session = shop.buyer("ada@example.com", 1000).await;
    let draft =
        shop.post("/v1/orders", &session, "d", json!({ "lines": [{ "offer": offer }] })).await;
    let mut browser = ada(&shop).await;
    let checkout = browser.open(&format!("/checkout/{}", draft.at("/id"))).await;
    let promise = "Refunds: within 14 days, if it was not downloaded, activated or used.";
    assert!(checkout.html.contains(promise), "{}", checkout.html);
    let bought = buy_license(&shop, &offer, &session, "k1").await;
    let page = browser.open(&format!("/library/{}", bought.license)).await;
    let link = page.html.split("href=\"").find(|part| part.contains("/refund/lin_")).unwrap();
    let link = link.split('"').next().unwrap().to_owned();
    let form = browser.open(&link).await;
    assert!(form.html.contains(promise) && form.html.contains("1.00 AUR"), "{}", form.html);
    let key = form.input("key").to_owned();
    for (key, reason, told) in [(key.as_str(), " ", "reason-error"), ("", "why", "lacked its key")]
    {
        let wrong = browser.send(&link, &[("key", key), ("reason", reason)]).await;
        assert_eq!(wrong.status, 400, "{}", wrong.html);
        assert!(wrong.html.contains(told), "{}", wrong.html);
    }
    let good = [("key", key.as_str()), ("reason", "It does <not> start")];
    for _ in 0..2 {
        let sent = browser.send(&link, &good).await;
        assert_eq!(
            (sent.status, sent.location()),
            (303, format!("/orders/{}#refunds", bought.order).as_str())
        );
    }
    let order = browser.open(&format!("/orders/{}", bought.order)).await;
    assert_eq!(order.html.matches("Waits for the vendor").count(), 1, "{}", order.html);
    assert!(order.html.contains("It does &lt;not&gt; start"), "{}", order.html);
    assert!(!order.html.contains("/refund/lin_"), "it is asked for once");

    let mut other = Browser::on(&shop);
    shop.buyer("eve@example.com", 0).await;
    other.send("/sign-in", &[("email", "eve@example.com"), ("password", "correct horse")]).await;
    assert_eq!(other.open(&link).await.status, 404);
    assert_eq!(other.send(&link, &good).await.status, 404);
    assert_eq!(browser.send_from("cross-site", &link, &good).await.status, 403);
    shop.sound().await;
}

#[tokio::test]
async fn the_form_says_what_becomes_of_the_code() {
    let shop = promising(14, false, false).await;
    let offer = license_offer(&shop, "editor", Terms::Uses { count: 3 }, Limits::default()).await;
    let session = shop.buyer("ada@example.com", 1000).await;
    let bought = buy_license(&shop, &offer, &session, "k1").await;
    let path = format!("/v1/licenses/{}/extend", bought.license);
    let body = json!({ "offer": offer, "expected_total": aur(100) });
    let extended = shop.post(&path, &session, "x", body).await;
    assert_eq!(extended.status, 201, "{extended:?}");
    let mut browser = ada(&shop).await;
    let (ends, stays) = ("its codes open nothing any more", "The license keeps its code.");
    for (order, told, not) in
        [(bought.order.as_str(), ends, stays), (extended.at("/id"), stays, ends)]
    {
        let page = browser.open(&format!("/orders/{order}")).await;
        let link = page.html.split("href=\"").find(|part| part.contains("/refund/lin_")).unwrap();
        let form = browser.open(link.split('"').next().unwrap()).await;
        assert!(form.html.contains(told) && !form.html.contains(not), "{order}: {}", form.html);
    }
}

#[tokio::test]
async fn a_merchants_promise_is_read_before_its_buyers_pay_elsewhere() {
    let mut settings = settings();
    settings.refund_policy.days = 21;
    let pair = Pair::with(settings).await;
    let promise = "Refunds: within 21 days, if it was not downloaded, activated or used.";
    let mut browser = Browser::on(&pair.shop);
    let form = [("offer", pair.offer.as_str()), ("quantity", "1")];
    assert_eq!(browser.send("/cart", &form).await.status, 303);
    for path in ["/products/tuning", "/cart", &format!("/buy/{}", pair.offer)] {
        let page = browser.open(path).await;
        assert!(page.html.contains(promise), "{path}: {}", page.html);
    }
    // Who sells and keeps the wallets shows it at the checkout.
    let shop = promising(14, false, false).await;
    shop.service("tuning", 250).await;
    let page = Browser::on(&shop).open("/products/tuning").await;
    assert!(!page.html.contains("Refunds:"), "{}", page.html);
}

#[tokio::test]
async fn staff_decide_in_the_console_by_their_roles() {
    let shop = promising(14, false, false).await;
    let offer = shop.service("tuning", 250).await;
    let buyer = shop.buyer("ada@example.com", 5000).await;
    let first = buy(&shop, &buyer, &offer, 1, 250).await;
    let second = buy(&shop, &buyer, &offer, 2, 500).await;
    let mut asked = Vec::new();
    for (number, order) in [&first, &second].into_iter().enumerate() {
        asked.push(ask(&shop, &buyer, order, &format!("r{number}")).await.at("/id").to_owned());
    }
    shop.advance(Span::minutes(1)).await;
    let path = |id: &str, verb: &str| format!("/admin/refund-requests/{id}{verb}");
    for (role, may) in [
        (StaffRole::ReadOnly, false),
        (StaffRole::Catalogue, false),
        (StaffRole::Support, true),
        (StaffRole::Finance, true),
    ] {
        let (mut browser, _) = shop.clerk(role).await;
        let list = browser.open("/admin/refund-requests").await;
        assert!(list.html.contains(&asked[0]) && list.html.contains(&asked[1]), "{}", list.html);
        assert_eq!(list.html.matches("<bdi>The tuning</bdi>").count(), 2, "{}", list.html);
        assert!(list.html.contains("ada@example.com"), "{}", list.html);
        let page = browser.open(&path(&asked[0], "")).await;
        assert_eq!(page.html.contains(&path(&asked[0], "/accept")), may, "{role}");
        assert_eq!(page.html.contains("value=\"revoke\" checked"), may, "{role}: {}", page.html);
        let nothing = browser.send(&path(&asked[0], "/decline"), &[("word", "")]).await;
        assert_eq!(nothing.status, if may { 400 } else { 403 }, "{role}");
        let neither = browser.send(&path(&asked[0], "/accept"), &[("licenses", "burn")]).await;
        assert_eq!(neither.status, if may { 400 } else { 403 }, "{role}");
        assert_eq!(neither.html.contains("id=\"licenses-error\""), may, "{}", neither.html);
        if role == StaffRole::Support {
            let sent = browser.send(&path(&asked[0], "/accept"), &[("licenses", "revoke")]).await;
            assert_eq!(sent.location(), path(&asked[0], "?done=accept"), "{}", sent.html);
            let page = browser.open(sent.location()).await;
            assert!(page.html.contains("The tokens are back with the buyer"), "{}", page.html);
            // For the roles that come next.
            let bought = buy(&shop, &buyer, &offer, 3, 750).await;
            asked[0] = ask(&shop, &buyer, &bought, "r9").await.at("/id").to_owned();
        }
    }
    let mut finance = clerk_again(&shop, StaffRole::Finance).await;
    assert!(finance.open("/admin").await.html.contains("requests for refunds wait"));
    assert!(finance.open("/admin/orders").await.html.contains("2 open"));
    let one = format!("/admin/refund-requests/{}", asked[1]);
    let sent = finance.send(&format!("{one}/decline"), &[("word", "It was <used>.")]).await;
    assert_eq!(sent.location(), format!("{one}?done=decline"));
    let page = finance.open(&one).await;
    assert!(
        page.html.contains("It was &lt;used&gt;.") && !page.html.contains("/decline"),
        "{}",
        page.html
    );
    let late = finance.send(&format!("{one}/accept"), &[("licenses", "keep")]).await;
    assert_eq!(late.status, 409, "{}", late.html);
    let list = finance.open("/admin/refund-requests?state=declined").await;
    assert!(list.html.contains(&asked[1]) && !list.html.contains(&asked[0]), "{}", list.html);
    shop.sound().await;
}

/// What the feed has of requests for refunds: type, state by now, and which.
async fn told(shop: &Shop, who: &str) -> Vec<(String, String, String)> {
    shop.run_webhooks().await;
    let feed = shop.get("/v1/events?limit=100", who).await;
    let events = feed.json["data"].as_array().unwrap().iter();
    let about = events.filter(|event| event["data"]["object"] == "refund_request");
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let told = |event: &Value| {
        let data = event["data"].as_object().unwrap();
        assert_eq!(data.len(), 3, "nothing of the buyer's words: {event}");
        (word(&event["type"]), word(&data["state"]), word(&data["id"]))
    };
    about.map(told).collect()
}

#[tokio::test]
async fn each_step_of_a_request_is_told_once_to_whom_it_belongs() {
    let shop = promising(14, false, false).await;
    let offer = shop.service("tuning", 250).await;
    let (ada, eve) =
        (shop.buyer("ada@example.com", 1000).await, shop.buyer("eve@example.com", 0).await);
    let order = buy(&shop, &ada, &offer, 1, 250).await;
    let first = ask(&shop, &ada, &order, "r1").await;
    assert_eq!(ask(&shop, &ada, &order, "r1").await.bytes, first.bytes);
    for _ in 0..2 {
        decide(&shop, &first, "decline", json!({ "word": "It was used." })).await;
    }
    let second = ask(&shop, &ada, &order, "r2").await;
    for _ in 0..2 {
        decide(&shop, &second, "accept", json!({})).await;
    }
    let event = |kind: &str, state: &str, request: &Answer| {
        (format!("refund_request.{kind}"), state.to_owned(), request.at("/id").to_owned())
    };
    let all = [
        event("opened", "declined", &first),
        event("declined", "declined", &first),
        event("opened", "accepted", &second),
        event("accepted", "accepted", &second),
    ];
    assert_eq!(told(&shop, &ada).await, all);
    assert_eq!(told(&shop, &shop.admin).await, all);
    assert!(told(&shop, &eve).await.is_empty());
    // What goes back otherwise accepts what waits, and tells it.
    let order = buy(&shop, &ada, &offer, 2, 500).await;
    let third = ask(&shop, &ada, &order, "r3").await;
    let path = format!("/v1/admin/orders/{}/refunds", order.at("/id"));
    let back = shop.post(&path, &shop.admin, "hand", json!({ "reason": "by hand" })).await;
    assert_eq!(back.status, 201, "{back:?}");
    let rest = [event("opened", "accepted", &third), event("accepted", "accepted", &third)];
    assert_eq!(told(&shop, &ada).await[4..], rest);
    shop.sound().await;
}

#[tokio::test]
async fn what_is_granted_at_once_is_told_as_accepted_and_never_as_open() {
    let shop = promising(14, true, true).await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let order = buy(&shop, &ada, &offer, 1, 250).await;
    let granted = ask(&shop, &ada, &order, "r1").await;
    assert_eq!(granted.at("/state"), "accepted", "{granted:?}");
    let id = granted.at("/id").to_owned();
    let all = [("refund_request.accepted".to_owned(), "accepted".to_owned(), id)];
    assert_eq!(told(&shop, &ada).await, all);
    shop.sound().await;
}

#[tokio::test]
async fn the_largest_order_goes_back_whole_with_all_that_was_asked() {
    let shop = promising(14, false, false).await;
    let offer = license_offer(&shop, "editor", Terms::Perpetual, Limits::default()).await;
    let ada = shop.buyer("ada@example.com", 10_000).await;
    let lines = vec![json!({ "offer": offer, "quantity": 2 }); 50];
    let body = json!({ "lines": lines, "expected_total": aur(10_000), "allow_duplicate": true });
    let order = shop.post("/v1/purchases", &ada, "all", body).await;
    assert_eq!(order.json["licenses"].as_array().map(Vec::len), Some(100), "{order:?}");
    let path = format!("/v1/orders/{}/refund-requests", order.at("/id"));
    for (number, line) in order.json["lines"].as_array().unwrap().iter().enumerate() {
        let wish = json!({ "line": line["id"], "reason": "all of it" });
        let asked = shop.post(&path, &ada, &format!("r{number}"), wish).await;
        assert_eq!(asked.status, 201, "{asked:?}");
    }
    let refunds = format!("/v1/admin/orders/{}/refunds", order.at("/id"));
    let back = shop.post(&refunds, &shop.admin, "hand", json!({ "reason": "all" })).await;
    assert_eq!((back.status, back.at("/amount/display")), (201, "100.00 AUR"), "{back:?}");
    let all = shop.get(&path, &ada).await;
    let all = all.json["data"].as_array().unwrap();
    assert!(all.iter().all(|row| row["state"] == "accepted"), "{all:?}");
    assert_eq!(all.len(), 50);
    shop.sound().await;
}
