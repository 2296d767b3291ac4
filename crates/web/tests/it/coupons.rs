//! Coupons: what they take off, to whom they open, and that no more is used than there is.

use futures_util::future::join_all;
use proptest::prelude::*;
use scrip_domain::settings::{Flow, Threshold};
use scrip_domain::visibility::{Level, Visibility};
use scrip_domain::{Amount, Span};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

fn aur(amount: u64) -> Value {
    json!({ "amount": amount, "unit": "AUR" })
}

/// A coupon with these fields.
async fn coupon(shop: &Shop, fields: Value) -> Answer {
    let made = shop.post("/v1/admin/coupons", &shop.admin, "", fields).await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

async fn uses(shop: &Shop, made: &Answer) -> u64 {
    let path = format!("/v1/admin/coupons/{}", made.at("/id"));
    shop.get(&path, &shop.admin).await.json["uses"].as_u64().unwrap()
}

async fn quote(shop: &Shop, who: &str, offer: &str, quantity: u32, code: &str) -> Answer {
    let lines = json!([{ "offer": offer, "quantity": quantity }]);
    shop.post("/v1/quotes", who, "", json!({ "lines": lines, "coupon": code })).await
}

/// A purchase of one unit for so much.
fn body(offer: &str, code: &str, total: u64) -> Value {
    json!({ "lines": [{ "offer": offer }], "coupon": code, "expected_total": aur(total), "allow_duplicate": true })
}

async fn buy(shop: &Shop, who: &str, key: &str, offer: &str, code: &str, total: u64) -> Answer {
    shop.post("/v1/purchases", who, key, body(offer, code, total)).await
}

async fn draft(shop: &Shop, who: &str, key: &str, offer: &str, code: &str) -> Answer {
    let lines = json!([{ "offer": offer }]);
    let body = json!({ "lines": lines, "coupon": code, "allow_duplicate": true });
    shop.post("/v1/orders", who, key, body).await
}

async fn confirm(shop: &Shop, who: &str, key: &str, order: &Answer) -> Answer {
    let path = format!("/v1/orders/{}/confirm", order.at("/id"));
    shop.post(&path, who, key, json!({})).await
}

fn is_refused(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (422, "coupon_refused"), "{answer:?}");
    assert_eq!(answer.at("/detail"), "this coupon cannot be used for this selection");
}

#[tokio::test]
async fn a_coupon_takes_off_what_it_says_from_quote_to_receipt() {
    let shop = Shop::open().await;
    let (tuning, strings) = (shop.service("tuning", 255).await, shop.service("strings", 99).await);
    let ada = shop.buyer("ada@example.com", 1000).await;
    let made = coupon(&shop, json!({ "code": "spring-25", "percent": 25 })).await;
    assert_eq!((made.at("/code"), &made.json["percent"]), ("SPRING-25", &json!(25)));
    let lines = json!([{ "offer": tuning }, { "offer": strings, "quantity": 2 }]);
    let basket = json!({ "lines": lines, "coupon": " Spring-25 " });
    let quoted = shop.post("/v1/quotes", &ada, "", basket.clone()).await;
    let off = |answer: &Answer, at: &str| {
        let of =
            |place: &str| answer.json.pointer(&format!("{at}{place}/amount")).cloned().unwrap();
        let lines = ["/lines/0/discount", "/lines/0/total", "/lines/1/discount", "/lines/1/total"];
        let figures: Vec<_> = lines.into_iter().chain(["/discount", "/total"]).map(of).collect();
        (figures, answer.json.pointer(&format!("{at}/coupon")).cloned().unwrap())
    };
    // A quarter of each line, rounded down: 63 of 255, 49 of 198.
    let expected =
        ([63, 192, 49, 149, 112, 341].map(|units| json!(units)).to_vec(), json!("SPRING-25"));
    assert_eq!(off(&quoted, ""), expected);
    assert_eq!(quoted.json["remaining"]["amount"], 659);

    let drafted = shop.post("/v1/orders", &ada, "k1", basket.clone()).await;
    assert_eq!(off(&drafted, ""), expected, "{drafted:?}");
    assert_eq!(uses(&shop, &made).await, 0, "a draft uses nothing up");
    let paid = confirm(&shop, &ada, "k2", &drafted).await;
    assert_eq!((paid.status, paid.at("/state")), (200, "paid"), "{paid:?}");
    assert_eq!((off(&paid, ""), off(&paid, "/confirmation")), (expected.clone(), expected.clone()));
    assert_eq!((shop.available(&ada).await, uses(&shop, &made).await), (659, 1));
    let path = format!("/v1/orders/{}", paid.at("/id"));
    assert_eq!(off(&shop.get(&format!("{path}/receipt"), &ada).await, "/order"), expected);
    let evidence = shop.get(&format!("{path}/evidence"), &ada).await;
    assert_eq!(evidence.at("/order/row/coupon/code"), "SPRING-25");
    assert_eq!(evidence.at("/order/row/coupon/id"), made.at("/id"));
    assert_eq!(evidence.at("/lines/0/row/discount/display"), "0.63 AUR");

    let mut one_step = basket;
    one_step["expected_total"] = aur(341);
    one_step["allow_duplicate"] = json!(true);
    let bought = shop.post("/v1/purchases", &ada, "k3", one_step.clone()).await;
    assert_eq!((bought.status, off(&bought, "")), (201, expected), "{bought:?}");
    let again = shop.post("/v1/purchases", &ada, "k3", one_step.clone()).await;
    assert_eq!((again.bytes, uses(&shop, &made).await), (bought.bytes, 2));
    one_step.as_object_mut().unwrap().remove("coupon");
    let other = shop.post("/v1/purchases", &ada, "k3", one_step.clone()).await;
    assert_eq!(other.code(), "idempotency_key_reused");
    let full = shop.post("/v1/purchases", &ada, "k4", one_step).await;
    assert_eq!((full.code(), full.at("/total/display")), ("price_changed", "4.53 AUR"));
    shop.sound().await;
}

#[tokio::test]
async fn without_a_coupon_no_answer_speaks_of_one() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": aur(250) });
    let paid = shop.post("/v1/purchases", &ada, "k", body).await;
    let evidence = shop.get(&format!("/v1/orders/{}/evidence", paid.at("/id")), &ada).await;
    for answer in [&paid, &evidence] {
        let text = String::from_utf8_lossy(&answer.bytes);
        assert!(!text.contains("coupon") && !text.contains("discount"), "{text}");
    }
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same_and_nothing_is_used() {
    let shop = Shop::open().await;
    let (offer, other) = (shop.service("tuning", 250).await, shop.service("strings", 4).await);
    let ada = shop.buyer("ada@example.com", 1000).await;
    let at = |hours| shop.app.engine.now().plus(Span::hours(hours)).to_string();
    let made = [
        coupon(&shop, json!({ "code": "EARLY", "percent": 10, "starts_at": at(2) })).await,
        coupon(&shop, json!({ "code": "LATE", "percent": 10, "ends_at": at(1) })).await,
        coupon(&shop, json!({ "code": "DEAR", "percent": 10, "min_total": aur(251) })).await,
        coupon(&shop, json!({ "code": "OTHER", "percent": 10, "offers": [other] })).await,
        coupon(&shop, json!({ "code": "GONE", "percent": 10 })).await,
    ];
    let close = format!("/v1/admin/coupons/{}/close", made[4].at("/id"));
    let closed = shop.post(&close, &shop.admin, "", Value::Null).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    shop.advance(Span::hours(1)).await;
    assert_eq!(shop.post(&close, &shop.admin, "", Value::Null).await.bytes, closed.bytes);
    for code in ["EARLY", "LATE", "DEAR", "OTHER", "GONE", "NOTHING", "not a word"] {
        is_refused(&quote(&shop, &ada, &offer, 1, code).await);
        is_refused(&buy(&shop, &ada, "k", &offer, code, 225).await);
        shop.advance(Span::minutes(15)).await;
        is_refused(&draft(&shop, &ada, "k", &offer, code).await);
    }
    // Of so little nothing comes off, which is no use of it.
    is_refused(&quote(&shop, &ada, &other, 1, "OTHER").await);
    for made in &made {
        assert_eq!(uses(&shop, made).await, 0);
    }
    // The key is free, for nothing went on record under it; and these open where they fit.
    assert_eq!(buy(&shop, &ada, "k", &offer, "EARLY", 225).await.status, 201);
    assert_eq!(quote(&shop, &ada, &offer, 2, "DEAR").await.json["total"]["amount"], 450);
    assert_eq!(quote(&shop, &ada, &other, 5, "OTHER").await.json["total"]["amount"], 18);
    shop.sound().await;
}

#[tokio::test]
async fn a_word_names_one_open_coupon_and_is_free_when_that_is_closed() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let first = coupon(&shop, json!({ "code": "SPRING", "percent": 10 })).await;
    let bought = buy(&shop, &ada, "k1", &offer, "spring", 225).await;
    assert_eq!(bought.status, 201, "{bought:?}");
    let drafted = draft(&shop, &ada, "k2", &offer, "SPRING").await;
    let taken = json!({ "code": "spring", "percent": 50 });
    let taken = shop.post("/v1/admin/coupons", &shop.admin, "", taken).await;
    assert_eq!((taken.status, taken.code()), (409, "coupon_taken"));
    let close = format!("/v1/admin/coupons/{}/close", first.at("/id"));
    assert_eq!(shop.post(&close, &shop.admin, "", Value::Null).await.json["uses"], 1);
    let second = coupon(&shop, json!({ "code": "SPRING", "percent": 50 })).await;
    assert_eq!(quote(&shop, &ada, &offer, 1, "SPRING").await.json["total"]["amount"], 125);
    // What was answered before is answered again, and what was selected before keeps its price.
    assert_eq!(buy(&shop, &ada, "k1", &offer, "spring", 225).await.bytes, bought.bytes);
    assert_eq!(draft(&shop, &ada, "k2", &offer, "SPRING").await.bytes, drafted.bytes);
    let paid = confirm(&shop, &ada, "k3", &drafted).await;
    assert_eq!((paid.status, &paid.json["total"]["amount"]), (200, &json!(225)), "{paid:?}");
    assert_eq!((uses(&shop, &first).await, uses(&shop, &second).await), (2, 0));
    let list = shop.get("/v1/admin/coupons", &shop.admin).await;
    assert_eq!((list.at("/data/0/id"), list.at("/data/1/id")), (second.at("/id"), first.at("/id")));
    let log = shop.get("/v1/admin/audit", &shop.admin).await;
    let acts = ["/data/0/act", "/data/1/act", "/data/2/act"].map(|at| log.at(at));
    assert_eq!(acts, ["coupon.made", "coupon.closed", "coupon.made"]);
    assert_eq!(log.json["data"][0]["changes"]["percent"]["to"], 50);
    shop.sound().await;
}

#[tokio::test]
async fn a_generated_word_is_found_however_it_is_typed() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let made = coupon(&shop, json!({ "amount": aur(50) })).await;
    let typed = made.at("/code").to_lowercase().replace('-', " ");
    let quoted = quote(&shop, "", &offer, 1, &typed).await;
    assert_eq!(
        (quoted.at("/coupon"), &quoted.json["total"]["amount"]),
        (made.at("/code"), &json!(200))
    );
}

#[tokio::test]
async fn of_many_who_buy_at_once_no_more_use_it_than_may() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let made = coupon(&shop, json!({ "code": "FEW", "percent": 50, "max_uses": 3 })).await;
    let mut buyers = Vec::new();
    for number in 0..8 {
        buyers.push(shop.buyer(&format!("b{number}@example.com"), 1000).await);
    }
    let tries = buyers.iter().map(|buyer| buy(&shop, buyer, "k", &offer, "FEW", 125));
    let answers = join_all(tries).await;
    let (paid, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|one| one.status == 201);
    assert_eq!((paid.len(), uses(&shop, &made).await), (3, 3));
    refused.into_iter().for_each(is_refused);
    shop.sound().await;
}

#[tokio::test]
async fn one_account_uses_it_no_more_often_than_it_may() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let (ada, bob) =
        (shop.buyer("ada@example.com", 1000).await, shop.buyer("bob@example.com", 1000).await);
    let fields = json!({ "code": "ONCE", "percent": 50, "max_uses_per_account": 1 });
    let made = coupon(&shop, fields).await;
    // Selected in time, both of them; but only one can be the first.
    let drafts = [
        draft(&shop, &ada, "d1", &offer, "ONCE").await,
        draft(&shop, &ada, "d2", &offer, "ONCE").await,
    ];
    let both = [confirm(&shop, &ada, "c1", &drafts[0]), confirm(&shop, &ada, "c2", &drafts[1])];
    let both = join_all(both).await;
    let mut statuses = [both[0].status, both[1].status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422]);
    let late = both.iter().find(|answer| answer.status == 422).unwrap();
    assert_eq!(late.code(), "coupon_refused");
    assert!(late.at("/detail").contains("used up"), "{late:?}");
    is_refused(&quote(&shop, &ada, &offer, 1, "ONCE").await);
    is_refused(&buy(&shop, &ada, "k", &offer, "ONCE", 125).await);
    assert_eq!(buy(&shop, &bob, "k", &offer, "ONCE", 125).await.status, 201);
    assert_eq!((shop.available(&ada).await, uses(&shop, &made).await), (875, 2));
    shop.sound().await;
}

#[tokio::test]
async fn a_draft_keeps_its_price_but_no_use() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let (ada, bob) =
        (shop.buyer("ada@example.com", 1000).await, shop.buyer("bob@example.com", 1000).await);
    let ends = shop.app.engine.now().plus(Span::minutes(10)).to_string();
    let fields = json!({ "code": "LAST", "amount": aur(50), "max_uses": 1, "ends_at": ends });
    let made = coupon(&shop, fields).await;
    let drafted = draft(&shop, &ada, "d", &offer, "LAST").await;
    let other = draft(&shop, &bob, "d", &offer, "LAST").await;
    shop.advance(Span::minutes(20)).await;
    is_refused(&quote(&shop, &bob, &offer, 1, "LAST").await);
    let paid = confirm(&shop, &bob, "c", &other).await;
    assert_eq!((paid.status, &paid.json["total"]["amount"]), (200, &json!(200)), "{paid:?}");
    let late = confirm(&shop, &ada, "c", &drafted).await;
    assert_eq!((late.status, late.code()), (422, "coupon_refused"), "{late:?}");
    let path = format!("/v1/orders/{}", drafted.at("/id"));
    assert_eq!(shop.get(&path, &ada).await.at("/state"), "draft");
    assert_eq!((shop.available(&ada).await, uses(&shop, &made).await), (1000, 1));
    shop.sound().await;
}

#[tokio::test]
async fn what_is_declined_uses_nothing_up_and_is_short_of_the_lessened_total() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 199).await;
    let made = coupon(&shop, json!({ "code": "OFF", "amount": aur(50), "max_uses": 1 })).await;
    let quoted = quote(&shop, &ada, &offer, 1, "OFF").await;
    assert_eq!(quoted.at("/shortfall/display"), "0.01 AUR");
    let order = draft(&shop, &ada, "d", &offer, "OFF").await;
    assert_eq!(
        (order.code(), &order.json["shortfall"]["amount"]),
        ("insufficient_balance", &json!(1))
    );
    let declined = buy(&shop, &ada, "k1", &offer, "OFF", 200).await;
    assert_eq!((declined.status, &declined.json["required"]["amount"]), (402, &json!(200)));
    assert_eq!(buy(&shop, &ada, "k1", &offer, "OFF", 200).await.bytes, declined.bytes);
    assert_eq!(uses(&shop, &made).await, 0);
    shop.sound().await;
    let fund = json!({ "tokens": aur(1), "method": "demo" });
    assert_eq!(shop.post("/v1/top-ups", &ada, "t", fund).await.status, 201);
    let path = format!("/v1/orders/{}/confirm", declined.at("/order"));
    let paid = shop.post(&path, &ada, "k2", json!({})).await;
    assert_eq!((paid.status, shop.available(&ada).await), (200, 0), "{paid:?}");
    assert_eq!(uses(&shop, &made).await, 1);
    shop.sound().await;
}

#[tokio::test]
async fn all_of_the_price_may_come_off_and_no_more() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    coupon(&shop, json!({ "code": "ALL", "percent": 100 })).await;
    coupon(&shop, json!({ "code": "MUCH", "amount": aur(1_000_000) })).await;
    for (key, code) in [("k1", "ALL"), ("k2", "MUCH")] {
        let paid = buy(&shop, &ada, key, &offer, code, 0).await;
        assert_eq!((paid.status, &paid.json["total"]["amount"]), (201, &json!(0)), "{paid:?}");
        assert_eq!(paid.json["discount"]["amount"], 250);
        let code = json!({ "code": paid.at("/licenses/0/code/short") });
        let valid = shop.post("/v1/licenses/validate", "", "", code).await;
        assert_eq!(valid.at("/code"), "VALID");
    }
    assert_eq!(shop.get("/v1/wallet/transfers", &ada).await.json["data"], json!([]));
    shop.sound().await;
}

#[tokio::test]
async fn a_refund_brings_back_what_was_paid_and_the_use_stays_used() {
    let shop = Shop::open().await;
    let offer = shop.product("hours", 33, scrip_license::Terms::Uses { count: 1 }).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let fields = json!({ "code": "TEN", "percent": 10, "max_uses": 1 });
    let made = coupon(&shop, fields).await;
    let body = json!({
        "lines": [{ "offer": offer, "quantity": 3 }], "coupon": "TEN", "expected_total": aur(90)
    });
    let paid = shop.post("/v1/purchases", &ada, "k", body).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    let path = format!("/v1/admin/orders/{}/refunds", paid.at("/id"));
    let line = paid.at("/lines/0/id");
    let back = async |key: &str, share: Value| {
        let mut lines = json!({ "line": line });
        lines.as_object_mut().unwrap().extend(share.as_object().unwrap().clone());
        shop.post(&path, &shop.admin, key, json!({ "lines": [lines], "reason": "x" })).await
    };
    let over = back("r0", json!({ "amount": aur(91) })).await;
    assert_eq!((over.status, over.at("/errors/0/field")), (400, "lines[0]"), "{over:?}");
    assert_eq!(back("r1", json!({ "quantity": 1 })).await.json["amount"]["amount"], 30);
    assert_eq!(back("r2", json!({ "quantity": 2 })).await.json["amount"]["amount"], 60);
    assert_eq!(back("r3", json!({})).await.code(), "already_refunded");
    assert_eq!((shop.available(&ada).await, uses(&shop, &made).await), (1000, 1));
    is_refused(&quote(&shop, &ada, &offer, 1, "TEN").await);
    let order = shop.get(&format!("/v1/orders/{}", paid.at("/id")), &ada).await;
    assert_eq!((order.at("/state"), order.at("/coupon")), ("refunded", "TEN"));
    shop.sound().await;
}

/// A quote with a coupon, without what is its own each time.
async fn told(shop: &Shop, path: &str, who: &str, offer: &str, code: Option<&str>) -> Value {
    let mut body = json!({ "lines": [{ "offer": offer }] });
    if let Some(code) = code {
        body["coupon"] = json!(code);
    }
    if path == "/v1/purchases" {
        body["expected_total"] = aur(1);
    }
    let mut answer = shop.post(path, who, "k", body).await;
    assert!(answer.status >= 400, "{answer:?}");
    for own in ["request_id", "selection"] {
        answer.json.as_object_mut().unwrap().remove(own);
    }
    answer.json
}

/// Who may not see a price hears the same with any coupon as without.
#[tokio::test]
async fn no_coupon_tells_a_hidden_price() {
    let mut settings = scrip_testkit::settings();
    settings.flow = Flow::BrowseFirst;
    settings.threshold = Threshold::Fixed { amount: Amount::new(500).unwrap() };
    settings.visibility = Visibility { price: Some(Level::Funded), ..Visibility::default() };
    let shop = Shop::open_with(settings).await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 100).await;
    for (code, least) in [("UNDER", 250), ("OVER", 251)] {
        let fields = json!({ "code": code, "percent": 90, "min_total": aur(least) });
        coupon(&shop, fields).await;
    }
    coupon(&shop, json!({ "code": "FREE", "percent": 100 })).await;
    for who in ["", &ada] {
        for path in ["/v1/quotes", "/v1/orders", "/v1/purchases"] {
            let without = told(&shop, path, who, &offer, None).await;
            for code in ["UNDER", "OVER", "FREE", "NOTHING"] {
                assert_eq!(
                    told(&shop, path, who, &offer, Some(code)).await,
                    without,
                    "{path} {code}"
                );
            }
        }
    }
}

/// What is seen when the balance covers the selection is seen when it covers it with the coupon.
#[tokio::test]
async fn covered_means_the_lessened_total() {
    let mut settings = scrip_testkit::settings();
    settings.visibility = Visibility { price: Some(Level::Covered), ..Visibility::default() };
    let shop = Shop::open_with(settings).await;
    let offer = shop.service("tuning", 250).await;
    coupon(&shop, json!({ "code": "OFF", "amount": aur(50) })).await;
    let (less, enough) =
        (shop.buyer("less@example.com", 199).await, shop.buyer("enough@example.com", 200).await);
    let shut = told(&shop, "/v1/quotes", &less, &offer, Some("OFF")).await;
    assert_eq!(shut, told(&shop, "/v1/quotes", &less, &offer, None).await);
    assert_eq!(quote(&shop, &enough, &offer, 1, "OFF").await.json["total"]["amount"], 200);
    let shut = told(&shop, "/v1/quotes", &enough, &offer, Some("NOTHING")).await;
    assert_eq!(shut, told(&shop, "/v1/quotes", &enough, &offer, None).await);
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_who_knows_does_not() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let (ada, bob) =
        (shop.buyer("ada@example.com", 1000).await, shop.buyer("bob@example.com", 1000).await);
    coupon(&shop, json!({ "code": "SPRING", "percent": 10 })).await;
    for _ in 0..30 {
        assert_eq!(quote(&shop, &ada, &offer, 1, "SPRING").await.status, 200);
    }
    for number in 0..20 {
        is_refused(&quote(&shop, &ada, &offer, 1, &format!("GUESS{number}")).await);
    }
    for waits in [
        quote(&shop, &ada, &offer, 1, "SPRING").await,
        buy(&shop, &ada, "k", &offer, "SPRING", 225).await,
        draft(&shop, &ada, "k", &offer, "SPRING").await,
    ] {
        assert_eq!((waits.status, waits.header("retry-after")), (429, "600"), "{waits:?}");
    }
    let plain = json!({ "lines": [{ "offer": offer }] });
    assert_eq!(shop.post("/v1/quotes", &ada, "", plain).await.status, 200, "without one");
    assert_eq!(quote(&shop, &bob, &offer, 1, "SPRING").await.status, 200);
    // All of one source together, visitors too, have more, but an end.
    for number in 0..80 {
        is_refused(&quote(&shop, "", &offer, 1, &format!("GUESS{number}")).await);
    }
    assert_eq!(quote(&shop, &bob, &offer, 1, "SPRING").await.status, 429);
    shop.advance(Span::minutes(10)).await;
    assert_eq!(quote(&shop, &ada, &offer, 1, "SPRING").await.status, 200);
}

#[tokio::test]
async fn a_kept_selection_keeps_its_coupon() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    coupon(&shop, json!({ "code": "TEN", "percent": 10 })).await;
    coupon(&shop, json!({ "code": "HALF", "percent": 50 })).await;
    let kept = draft(&shop, "", "", &offer, "TEN").await;
    assert_eq!(kept.status, 401);
    let ada = shop.buyer("ada@example.com", 1000).await;
    let kept = kept.at("/selection");
    let order = shop.post("/v1/orders", &ada, "k1", json!({ "selection": kept })).await;
    assert_eq!((order.status, &order.json["total"]["amount"]), (201, &json!(225)), "{order:?}");
    let other = json!({ "selection": kept, "coupon": "HALF" });
    let order = shop.post("/v1/orders", &ada, "k2", other).await;
    assert_eq!((order.at("/coupon"), &order.json["total"]["amount"]), ("HALF", &json!(125)));
}

/// Tokens that are bought with a discount would be credited in full: a top-up knows no coupon.
#[tokio::test]
async fn a_top_up_takes_no_coupon() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    coupon(&shop, json!({ "code": "HALF", "percent": 50 })).await;
    for how in
        [json!({ "method": "demo" }), json!({ "method": "offline" }), json!({ "method": "card" })]
    {
        let mut body = json!({ "tokens": aur(100), "coupon": "HALF" });
        body.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
        let refused = shop.post("/v1/top-ups", &ada, "k", body).await;
        assert_eq!((refused.status, refused.code()), (400, "unknown_field"), "{refused:?}");
        assert_eq!(refused.at("/errors/0/field"), "coupon");
    }
    assert_eq!(shop.available(&ada).await, 0);
}

#[tokio::test]
async fn bad_input_names_its_field_and_buyers_make_no_coupons() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let bundle = json!({ "kind": "bundle", "title": "All of it" });
    let admin = [("authorization", &*format!("Bearer {}", shop.admin))];
    let made = shop.send("PUT", "/v1/admin/products/all", &admin, bundle).await;
    let bundle = made.at("/id").to_owned();
    let early = json!({ "percent": 1, "starts_at": "2027-01-02T00:00:00Z", "ends_at": "2027-01-02T00:00:00Z" });
    let many: Vec<_> = (0..101).map(|_| offer.clone()).collect();
    for (wrong, field) in [
        (json!({}), "percent"),
        (json!({ "percent": 10, "amount": aur(1) }), "percent"),
        (json!({ "percent": 0 }), "percent"),
        (json!({ "percent": 101 }), "percent"),
        (json!({ "percent": 256 }), "percent"),
        (json!({ "percent": 12.5 }), "percent"),
        (json!({ "percent": "10" }), "percent"),
        (json!({ "amount": aur(0) }), "amount.amount"),
        (json!({ "amount": { "amount": 1, "unit": "EUR" } }), "amount.unit"),
        (json!({ "percent": 1, "code": "AB" }), "code"),
        (json!({ "percent": 1, "code": "TWO WORDS" }), "code"),
        (json!({ "percent": 1, "code": "X".repeat(41) }), "code"),
        (json!({ "percent": 1, "code": "" }), "code"),
        (json!({ "percent": 1, "max_uses": 0 }), "max_uses"),
        (json!({ "percent": 1, "max_uses": 1_000_000_001 }), "max_uses"),
        (json!({ "percent": 1, "max_uses_per_account": 0 }), "max_uses_per_account"),
        (json!({ "percent": 1, "max_uses_per_account": 101 }), "max_uses_per_account"),
        (json!({ "percent": 1, "min_total": { "amount": 1, "unit": "EUR" } }), "min_total.unit"),
        (json!({ "percent": 1, "products": [offer] }), "products[0]"),
        (json!({ "percent": 1, "products": [bundle] }), "products[0]"),
        (json!({ "percent": 1, "offers": ["ofr_0000000000009"] }), "offers[0]"),
        (json!({ "percent": 1, "offers": many }), "offers"),
        (json!({ "percent": 1, "ends_at": "tomorrow" }), "ends_at"),
        (early, "ends_at"),
    ] {
        let refused = shop.post("/v1/admin/coupons", &shop.admin, "", wrong.clone()).await;
        let got = (refused.status, refused.at("/errors/0/field"));
        assert_eq!(got, (400, field), "{wrong}: {refused:?}");
    }
    let unknown = json!({ "percent": 1, "cents": 1 });
    let unknown = shop.post("/v1/admin/coupons", &shop.admin, "", unknown).await;
    assert_eq!(unknown.code(), "unknown_field");
    assert_eq!(shop.get("/v1/admin/coupons", &shop.admin).await.json["data"], json!([]));
    let own = shop.post("/v1/admin/coupons", &ada, "", json!({ "percent": 100 })).await;
    assert_eq!((own.status, own.code()), (403, "forbidden"));
    for path in ["/v1/admin/coupons/cpn_0000000000009", "/v1/admin/coupons/SPRING"] {
        assert_eq!(shop.get(path, &shop.admin).await.code(), "not_found");
    }
    let close = "/v1/admin/coupons/cpn_0000000000009/close";
    assert_eq!(shop.post(close, &shop.admin, "", Value::Null).await.code(), "not_found");
    for bad in [json!(""), json!("X".repeat(101)), json!("A\nB"), json!(7)] {
        let body = json!({ "lines": [{ "offer": offer }], "coupon": bad });
        for path in ["/v1/quotes", "/v1/orders"] {
            let refused = shop.post(path, &ada, "k", body.clone()).await;
            assert_eq!(
                (refused.code(), refused.at("/errors/0/field")),
                ("invalid_field", "coupon")
            );
        }
    }
}

/// What is bought with any coupon, and given back in any parts, adds up to the unit.
#[test]
fn figures_add_up_and_all_that_was_paid_comes_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let line = (0_u64..400, 1_u32..4);
    let cases = (
        proptest::collection::vec(line, 1..5),
        any::<bool>(),
        1_u64..=100,
        proptest::collection::vec((0_usize..4, 1_u32..3), 0..4),
    );
    proptest!(ProptestConfig::with_cases(24), |((lines, by_percent, size, backs) in cases)| {
        runtime.block_on(async {
            let shop = Shop::open().await;
            let ada = shop.buyer("ada@example.com", 10_000).await;
            let discount = if by_percent { json!({ "percent": size }) } else { json!({ "amount": aur(size * 7) }) };
            let made = coupon(&shop, discount).await;
            let mut wanted = Vec::new();
            for (number, (price, quantity)) in lines.iter().enumerate() {
                let offer = shop.service(&format!("s{number}"), *price).await;
                wanted.push(json!({ "offer": offer, "quantity": quantity }));
            }
            let mut basket = json!({ "lines": wanted, "coupon": made.at("/code") });
            let quoted = shop.post("/v1/quotes", &ada, "", basket.clone()).await;
            if quoted.status == 422 {
                return;
            }
            basket["expected_total"] = quoted.json["total"].clone();
            let paid = shop.post("/v1/purchases", &ada, "k", basket).await;
            assert_eq!(paid.status, 201, "{paid:?}");
            let units = |value: &Value| value["amount"].as_u64().unwrap();
            let mut sum = 0;
            for line in paid.json["lines"].as_array().unwrap() {
                let whole = units(&line["price"]) * line["quantity"].as_u64().unwrap();
                assert_eq!(units(&line["total"]) + units(&line["discount"]), whole);
                sum += units(&line["total"]);
            }
            assert_eq!((sum, shop.available(&ada).await), (units(&paid.json["total"]), 10_000 - sum));
            let path = format!("/v1/admin/orders/{}/refunds", paid.at("/id"));
            for (number, (line, quantity)) in backs.iter().enumerate() {
                let line = paid.json["lines"][line % lines.len()]["id"].clone();
                let body = json!({ "lines": [{ "line": line, "quantity": quantity }], "reason": "x" });
                shop.post(&path, &shop.admin, &format!("r{number}"), body).await;
            }
            shop.post(&path, &shop.admin, "rest", json!({ "reason": "x" })).await;
            assert_eq!(shop.available(&ada).await, 10_000);
            shop.sound().await;
        });
    });
}
