//! Refunds of orders: what goes back, to which lots, and what becomes of the licenses.

use futures_util::future::join_all;
use proptest::prelude::*;
use scrip_domain::{Clock, Span};
use scrip_license::Terms;
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

use crate::expiry::{gift, in_days};
use crate::goods::Sold;

fn aur(amount: u64) -> Value {
    json!({ "amount": amount, "unit": "AUR" })
}

/// Buys so many units for so much in all.
async fn buy(
    shop: &Shop,
    buyer: &str,
    key: &str,
    offer: &str,
    quantity: u32,
    total: u64,
) -> Answer {
    let body = json!({ "lines": [{ "offer": offer, "quantity": quantity }], "expected_total": aur(total) });
    let paid = shop.post("/v1/purchases", buyer, key, body).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    paid
}

async fn refund(shop: &Shop, order: &str, key: &str, body: Value) -> Answer {
    shop.post(&format!("/v1/admin/orders/{order}/refunds"), &shop.admin, key, body).await
}

fn all() -> Value {
    json!({ "reason": "does not start" })
}

#[tokio::test]
async fn a_whole_order_goes_back_and_can_be_bought_again() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let before = shop.get("/v1/wallet", &ada).await;
    let paid = buy(&shop, &ada, "k1", &offer, 2, 500).await;
    let order = paid.at("/id");
    let back = refund(&shop, order, "r1", all()).await;
    assert_eq!((back.status, back.at("/amount/display")), (201, "5.00 AUR"), "{back:?}");
    assert_eq!(back.at("/returned/display"), "5.00 AUR");
    assert_eq!(back.at("/expired/display"), "0.00 AUR");
    assert_eq!(back.json["lines"][0]["quantity"], 2);
    assert_eq!(back.at("/lines/0/lots/0/lot"), before.at("/lots/0/id"));
    assert_eq!((back.at("/licenses"), back.at("/reason")), ("revoke", "does not start"));
    assert_eq!(shop.get("/v1/wallet", &ada).await.json, before.json, "as if never spent");
    let line = shop.get("/v1/wallet/transfers", &ada).await;
    assert_eq!((line.at("/data/0/reason"), line.at("/data/0/subject")), ("refund", order));

    let shown = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    assert_eq!((shown.at("/state"), shown.at("/licenses/1/state")), ("refunded", "refunded"));
    assert_eq!(shown.json["refunds"], json!([back.json]));
    let code = json!({ "code": paid.at("/licenses/0/code/short") });
    let verdict = shop.post("/v1/licenses/validate", "", "", code).await;
    assert_eq!((verdict.at("/code"), &verdict.json["valid"]), ("REFUNDED", &json!(false)));
    assert_eq!(shop.get("/v1/licenses", &ada).await.json["data"].as_array().map(Vec::len), Some(2));
    buy(&shop, &ada, "k2", &offer, 1, 250).await;
    shop.sound().await;
}

#[tokio::test]
async fn a_refund_happens_once_and_the_purchase_is_answered_as_at_first() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = buy(&shop, &ada, "k1", &offer, 1, 250).await;
    let order = paid.at("/id");
    let back = refund(&shop, order, "r1", all()).await;
    let again = refund(&shop, order, "r1", all()).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.bytes, back.bytes);
    assert_eq!(refund(&shop, order, "r2", all()).await.code(), "already_refunded");
    let other = refund(&shop, order, "r1", json!({ "reason": "another" })).await;
    assert_eq!(other.code(), "idempotency_key_reused");
    let body = json!({ "lines": [{ "offer": offer, "quantity": 1 }], "expected_total": aur(250) });
    let replay = shop.post("/v1/purchases", &ada, "k1", body).await;
    assert_eq!((replay.header("idempotency-replayed"), &replay.bytes), ("true", &paid.bytes));
    assert_eq!(shop.available(&ada).await, 1000, "nothing moved twice");

    let listed = shop.get(&format!("/v1/admin/orders/{order}/refunds"), &shop.admin).await;
    assert_eq!(listed.json, json!({ "data": [back.json] }));
    let evidence = shop.get(&format!("/v1/orders/{order}/evidence"), &ada).await;
    assert_eq!(evidence.json["refunds"][0]["row"], back.json);
    assert_eq!(evidence.at("/events/1/row/type"), "order.refunded");
    assert_eq!(evidence.at("/transfers/1/row/debit"), "revenue");
    let audit = shop.get("/v1/admin/audit", &shop.admin).await;
    assert_eq!((audit.at("/data/0/act"), audit.at("/data/0/subject")), ("order.refunded", order));
    assert_eq!(audit.at("/data/0/changes/refund/to"), back.at("/id"));
    let receipt = shop.get(&format!("/v1/orders/{order}/receipt"), &ada).await;
    assert_eq!(receipt.status, 200, "it was paid: {receipt:?}");
    shop.sound().await;
}

#[tokio::test]
async fn parts_go_back_until_nothing_is_left() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 100).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = buy(&shop, &ada, "k1", &offer, 3, 300).await;
    let (order, line) = (paid.at("/id"), paid.at("/lines/0/id"));
    let part = |share: Value| {
        let mut one = json!({ "line": line });
        one.as_object_mut().unwrap().extend(share.as_object().unwrap().clone());
        json!({ "lines": [one], "reason": "a part" })
    };
    let states = async || {
        let shown = shop.get(&format!("/v1/orders/{order}"), &ada).await;
        let licenses = shown.json["licenses"].as_array().unwrap();
        let ended = licenses.iter().filter(|license| license["state"] == "refunded").count();
        (shown.at("/state").to_owned(), ended)
    };
    let amount = refund(&shop, order, "r1", part(json!({ "amount": aur(50) }))).await;
    assert_eq!((amount.status, &amount.json["lines"][0]["quantity"]), (201, &json!(0)));
    assert_eq!(states().await, ("partially_refunded".to_owned(), 0), "no unit is given back yet");
    let unit = refund(&shop, order, "r2", part(json!({ "quantity": 1 }))).await;
    assert_eq!(unit.at("/amount/display"), "1.00 AUR");
    assert_eq!(states().await, ("partially_refunded".to_owned(), 1));
    let much = refund(&shop, order, "r3", part(json!({ "amount": aur(151) }))).await;
    assert_eq!((much.status, much.code()), (409, "already_refunded"), "150 are left");
    let units = refund(&shop, order, "r4", part(json!({ "quantity": 3 }))).await;
    assert_eq!(units.code(), "already_refunded", "two units are left");
    let beyond = refund(&shop, order, "r5", part(json!({ "amount": aur(301) }))).await;
    assert_eq!((beyond.status, beyond.at("/errors/0/field")), (400, "lines[0]"));
    let rest = refund(&shop, order, "r6", part(json!({}))).await;
    assert_eq!(
        (rest.at("/amount/display"), &rest.json["lines"][0]["quantity"]),
        ("1.50 AUR", &json!(2))
    );
    assert_eq!(states().await, ("refunded".to_owned(), 3));
    assert_eq!(refund(&shop, order, "r7", part(json!({}))).await.code(), "already_refunded");
    assert_eq!(shop.available(&ada).await, 1000);
    shop.sound().await;
}

#[tokio::test]
async fn licenses_can_be_left_to_the_buyer() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = buy(&shop, &ada, "k1", &offer, 1, 250).await;
    let body = json!({ "reason": "goodwill", "licenses": "keep" });
    let back = refund(&shop, paid.at("/id"), "r1", body).await;
    assert_eq!((back.status, back.at("/licenses")), (201, "keep"), "{back:?}");
    let shown = shop.get(&format!("/v1/orders/{}", paid.at("/id")), &ada).await;
    assert_eq!((shown.at("/state"), shown.at("/licenses/0/state")), ("refunded", "valid"));
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": aur(250) });
    assert_eq!(shop.post("/v1/purchases", &ada, "k2", body).await.code(), "already_owned");
    shop.sound().await;
}

#[tokio::test]
async fn a_refunded_license_downloads_nothing() {
    let sold = Sold::new(1000).await;
    let orders = sold.shop.get("/v1/orders", &sold.buyer).await;
    let ask = json!({ "code": sold.code.short, "file": sold.file });
    let ticket = sold.shop.post("/v1/downloads/tickets", "", "", ask).await;
    let link = ticket.at("/url").trim_start_matches("http://shop.test").to_owned();
    assert_eq!(sold.shop.get(&link, "").await.status, 200);
    let back = refund(&sold.shop, orders.at("/data/0/id"), "r1", all()).await;
    assert_eq!(back.status, 201, "{back:?}");
    let refused = sold.get(&[]).await;
    assert_eq!((refused.code(), refused.at("/license_code")), ("code_refused", "REFUNDED"));
    assert_eq!(
        sold.shop.get(&link, "").await.code(),
        "code_refused",
        "nor does a link given before"
    );
}

#[tokio::test]
async fn the_last_lot_to_pay_gets_back_first_and_an_expired_gift_is_gone() {
    let shop = Shop::open().await;
    let offer = shop.product("tuning", 250, Terms::Uses { count: 9 }).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    gift(&shop, &ada, "g1", 150, Some(&in_days(&shop, 10))).await;
    let paid = buy(&shop, &ada, "k1", &offer, 1, 250).await;
    assert_eq!(paid.at("/lines/0/paid_from/0/kind"), "promo");
    let body = json!({ "lines": [{ "offer": offer, "quantity": 1 }], "expected_total": aur(250) });
    let again = shop.post("/v1/purchases", &ada, "k1", body).await;
    assert_eq!(again.bytes, paid.bytes, "lots are told in the order in which they paid");
    let (order, line) = (paid.at("/id"), paid.at("/lines/0/id"));
    let part =
        |amount| json!({ "lines": [{ "line": line, "amount": aur(amount) }], "reason": "a part" });
    let first = refund(&shop, order, "r1", part(120)).await;
    let lots = first.json["lines"][0]["lots"].as_array().unwrap().clone();
    let amounts: Vec<_> = lots.iter().map(|lot| lot["amount"]["amount"].as_u64()).collect();
    assert_eq!(amounts, [Some(100), Some(20)], "what was paid for, then of the gift");
    let wallet = shop.get("/v1/wallet", &ada).await;
    assert_eq!(wallet.at("/lots/1/expires_at"), in_days(&shop, 10), "it lasts as long as before");

    shop.advance(Span::days(11)).await;
    let rest = refund(&shop, order, "r2", all()).await;
    assert_eq!((rest.status, rest.at("/amount/display")), (201, "1.30 AUR"), "{rest:?}");
    assert_eq!(rest.at("/returned/display"), "0.00 AUR");
    assert_eq!(rest.at("/expired/display"), "1.30 AUR");
    assert_eq!(refund(&shop, order, "r2", all()).await.bytes, rest.bytes);
    let lines = shop.get("/v1/wallet/transfers", &ada).await;
    let lines: Vec<_> = (0..3)
        .map(|n| {
            format!(
                "{} {}",
                lines.at(&format!("/data/{n}/reason")),
                lines.at(&format!("/data/{n}/amount/display"))
            )
        })
        .collect();
    assert_eq!(lines, ["expiry 1.30 AUR", "refund 1.30 AUR", "expiry 0.20 AUR"]);
    assert_eq!(shop.available(&ada).await, 1000);
    shop.sound().await;
}

#[tokio::test]
async fn only_what_was_paid_goes_back_and_only_by_staff() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 300).await;
    let draft = json!({ "lines": [{ "offer": offer }] });
    let draft = shop.post("/v1/orders", &ada, "d1", draft).await;
    let unpaid = refund(&shop, draft.at("/id"), "r1", all()).await;
    assert_eq!(
        (unpaid.status, unpaid.code(), unpaid.at("/state")),
        (409, "order_not_paid", "draft")
    );
    let body = json!({ "lines": [{ "offer": offer, "quantity": 2 }], "expected_total": aur(500) });
    let declined = shop.post("/v1/purchases", &ada, "k1", body).await;
    let unpaid = refund(&shop, declined.at("/order"), "r2", all()).await;
    assert_eq!((unpaid.code(), unpaid.at("/state")), ("order_not_paid", "declined"));
    let cancel = format!("/v1/orders/{}/cancel", draft.at("/id"));
    assert_eq!(shop.post(&cancel, &ada, "", Value::Null).await.status, 200);
    assert_eq!(refund(&shop, draft.at("/id"), "r3", all()).await.code(), "order_not_paid");
    assert_eq!(refund(&shop, "ord_0000000000007", "r4", all()).await.status, 404);

    let paid = buy(&shop, &ada, "k2", &offer, 1, 250).await;
    let (path, line) =
        (format!("/v1/admin/orders/{}/refunds", paid.at("/id")), paid.at("/lines/0/id"));
    assert_eq!(shop.post(&path, &ada, "r5", all()).await.code(), "forbidden");
    assert_eq!(shop.post(&path, &shop.admin, "", all()).await.code(), "idempotency_key_missing");
    let confirmed =
        shop.post(&format!("/v1/orders/{}/confirm", paid.at("/id")), &ada, "c1", json!({})).await;
    assert_eq!(confirmed.code(), "order_not_draft");
    for (lines, field) in [
        (json!([]), "lines"),
        (json!([{ "line": "lin_1" }]), "lines[0].line"),
        (json!([{ "line": "lin_0000000000007" }]), "lines[0].line"),
        (json!([{ "line": line, "quantity": 1 }, { "line": line }]), "lines[1].line"),
        (json!([{ "line": line, "quantity": 0 }]), "lines[0].quantity"),
        (json!([{ "line": line, "quantity": 2 }]), "lines[0]"),
        (json!([{ "line": line, "amount": aur(0) }]), "lines[0].amount.amount"),
        (
            json!([{ "line": line, "amount": { "amount": 1, "unit": "EUR" } }]),
            "lines[0].amount.unit",
        ),
        (json!([{ "line": line, "quantity": 1, "amount": aur(1) }]), "lines[0].amount"),
    ] {
        let bad =
            refund(&shop, paid.at("/id"), "r6", json!({ "lines": lines, "reason": "bad" })).await;
        assert_eq!((bad.code(), bad.at("/errors/0/field")), ("invalid_field", field), "{bad:?}");
    }
    let bad = json!({ "reason": "bad", "licenses": "burn" });
    assert_eq!(refund(&shop, paid.at("/id"), "r6", bad).await.at("/errors/0/field"), "licenses");
    assert_eq!(shop.available(&ada).await, 50);
    assert_eq!(
        refund(&shop, paid.at("/id"), "r6", all()).await.status,
        201,
        "the key is still free"
    );
}

#[tokio::test]
async fn whatever_is_asked_at_once_no_more_goes_back_than_was_paid() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 500).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = buy(&shop, &ada, "k1", &offer, 1, 500).await;
    let line = json!({ "line": paid.at("/lines/0/id"), "amount": aur(200) });
    let body = json!({ "lines": [line], "reason": "at once" });
    let keys: Vec<_> = (0..6).map(|number| format!("r{}", number / 2)).collect();
    let asks = keys.iter().map(|key| refund(&shop, paid.at("/id"), key, body.clone()));
    let answers = join_all(asks).await;
    let given = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(given, 4, "two refunds, each told twice: {answers:?}");
    assert_eq!(shop.available(&ada).await, 900);
    shop.sound().await;
}

#[tokio::test]
async fn lines_are_told_in_their_own_order_at_first_and_again() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    gift(&shop, &ada, "g1", 150, None).await;
    let (one, two) = (shop.service("one", 100).await, shop.service("two", 200).await);
    let lines = json!([{ "offer": one }, { "offer": two }]);
    let body = json!({ "lines": lines, "expected_total": aur(300) });
    let paid = shop.post("/v1/purchases", &ada, "k1", body).await;
    let line = |index: usize| json!({ "line": paid.json["lines"][index]["id"] });
    let body = json!({ "lines": [line(1), line(0)], "reason": "both" });
    let back = refund(&shop, paid.at("/id"), "r1", body.clone()).await;
    assert_eq!(back.at("/lines/0/line"), paid.at("/lines/0/id"), "{back:?}");
    assert_eq!(refund(&shop, paid.at("/id"), "r1", body).await.bytes, back.bytes);
    shop.sound().await;
}

#[tokio::test]
async fn a_free_order_gives_back_its_license_only() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 0).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let paid = buy(&shop, &ada, "k1", &offer, 1, 0).await;
    let back = refund(&shop, paid.at("/id"), "r1", all()).await;
    assert_eq!((back.status, &back.json["amount"]["amount"]), (201, &json!(0)), "{back:?}");
    let shown = shop.get(&format!("/v1/orders/{}", paid.at("/id")), &ada).await;
    assert_eq!((shown.at("/state"), shown.at("/licenses/0/state")), ("refunded", "refunded"));
    assert_eq!(refund(&shop, paid.at("/id"), "r2", all()).await.code(), "already_refunded");
    shop.sound().await;
}

#[tokio::test]
async fn the_largest_order_goes_back_in_one_step() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 10_000).await;
    let end = in_days(&shop, 1);
    for number in 0..99 {
        gift(&shop, &ada, &format!("g{number}"), 7, Some(&end)).await;
    }
    let mut lines = Vec::new();
    for number in 0..50 {
        let offer = shop.service(&format!("tuning-{number}"), 20).await;
        lines.push(json!({ "offer": offer, "quantity": 2 }));
    }
    let body = json!({ "lines": lines, "expected_total": aur(2000) });
    let paid = shop.post("/v1/purchases", &ada, "k1", body).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    shop.advance(Span::days(1)).await;
    let back = refund(&shop, paid.at("/id"), "r1", all()).await;
    assert_eq!((back.status, back.at("/expired/display")), (201, "6.93 AUR"), "{back:?}");
    assert_eq!(refund(&shop, paid.at("/id"), "r1", all()).await.bytes, back.bytes);
    assert_eq!(shop.available(&ada).await, 10_000);
    shop.sound().await;
}

/// What can be done to a wallet.
#[derive(Clone, Debug)]
enum Deed {
    /// So many tokens, for so many hours.
    Gift(u64, u32),
    /// So many units.
    Buy(u32),
    /// So much of one of the orders, or all that is left of it.
    Refund(usize, Option<u64>),
    /// So many hours pass.
    Wait(u32),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        (1..60_u64, 1..20_u32).prop_map(|(tokens, hours)| Deed::Gift(tokens, hours)),
        (1..4_u32).prop_map(Deed::Buy),
        (0..9_usize, proptest::option::of(1..70_u64)).prop_map(|(n, share)| Deed::Refund(n, share)),
        (1..12_u32).prop_map(Deed::Wait),
    ];
    proptest::collection::vec(deed, 1..24)
}

/// Does them all, and proves after each that every lot is within its amount and that the sum is zero.
async fn live(deeds: Vec<Deed>) {
    let shop = Shop::open().await;
    let offer = shop.product("tuning", 33, Terms::Uses { count: 9 }).await;
    let ada = shop.buyer("ada@example.com", 200).await;
    let mut orders = Vec::new();
    for (number, deed) in deeds.into_iter().enumerate() {
        let key = format!("k{number}");
        match deed {
            Deed::Gift(tokens, hours) => {
                let end = shop.clock.now().plus(Span::hours(hours)).to_string();
                gift(&shop, &ada, &key, tokens, Some(&end)).await;
            }
            Deed::Buy(quantity) => {
                let body = json!({
                    "lines": [{ "offer": offer, "quantity": quantity }],
                    "expected_total": aur(33 * u64::from(quantity))
                });
                let paid = shop.post("/v1/purchases", &ada, &key, body).await;
                if paid.status == 201 {
                    orders.push((paid.at("/id").to_owned(), paid.at("/lines/0/id").to_owned()));
                }
            }
            Deed::Refund(chosen, share) if !orders.is_empty() => {
                let (order, line) = &orders[chosen % orders.len()];
                let share = share.map_or(
                    json!({ "line": line }),
                    |amount| json!({ "line": line, "amount": aur(amount) }),
                );
                let back =
                    refund(&shop, order, &key, json!({ "lines": [share], "reason": "by chance" }))
                        .await;
                assert!([201, 400, 409].contains(&back.status), "{back:?}");
            }
            Deed::Refund(..) => {}
            Deed::Wait(hours) => shop.advance(Span::hours(hours)).await,
        }
        let examined =
            scrip_engine::doctor::examine(shop.app.engine.store(), &shop.app.engine.keys()).await;
        let examined = examined.unwrap();
        assert!(examined.is_sound(), "{:?}", examined.unsound().collect::<Vec<_>>());
    }
    shop.sound().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn lots_and_ledger_hold_through_any_life(deeds in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(live(deeds));
    }
}
