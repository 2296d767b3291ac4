//! Vouchers: each is redeemed once, and who guesses learns nothing.

use scrip_domain::Span;
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

/// A batch with these fields more; the answer and its codes.
async fn batch(shop: &Shop, more: Value) -> (Answer, Vec<String>) {
    let mut body = json!({ "label": "fair", "tokens": { "amount": 500, "unit": "AUR" }, "count": 3, "kind": "paid" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = shop.post("/v1/admin/voucher-batches", &shop.admin, "", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let codes =
        made.json["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
    let codes = codes.collect();
    (made, codes)
}

async fn redeem(shop: &Shop, who: &str, key: &str, code: &str) -> Answer {
    shop.post("/v1/top-ups", who, key, json!({ "method": "voucher", "voucher": code })).await
}

/// The lots of a wallet: kind, what is left, expiry.
async fn lots(shop: &Shop, who: &str) -> Vec<Value> {
    let wallet = shop.get("/v1/wallet", who).await;
    let lots = wallet.json["lots"].as_array().unwrap().iter();
    lots.map(|lot| json!([lot["kind"], lot["remaining"]["amount"], lot["expires_at"]])).collect()
}

fn is_refused(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (422, "voucher_refused"), "{answer:?}");
    assert_eq!(answer.at("/detail"), "this voucher cannot be redeemed");
}

#[tokio::test]
async fn a_voucher_brings_its_tokens_once_however_it_is_typed() {
    let shop = Shop::open().await;
    let (ada, bob) =
        (shop.buyer("ada@example.com", 0).await, shop.buyer("bob@example.com", 0).await);
    let (made, codes) = batch(&shop, json!({})).await;
    assert_eq!(made.header("cache-control"), "no-store");
    assert_eq!(codes[0].len(), 23, "four groups of five");
    let typed = codes[0].to_lowercase().replace('-', " ");
    let redeemed = redeem(&shop, &ada, "k1", &typed).await;
    assert_eq!((redeemed.status, redeemed.at("/state")), (201, "credited"), "{redeemed:?}");
    assert_eq!(
        (&redeemed.json["tokens"]["amount"], &redeemed.json["pay"]),
        (&json!(500), &Value::Null)
    );
    assert_eq!(redeemed.at("/assessment/source"), "rules");
    let again = redeem(&shop, &ada, "k1", &typed).await;
    assert_eq!((again.bytes, again.status), (redeemed.bytes, 201));
    is_refused(&redeem(&shop, &ada, "k2", &codes[0]).await);
    is_refused(&redeem(&shop, &bob, "k1", &codes[0]).await);
    assert_eq!(lots(&shop, &ada).await, [json!(["paid", 500, null])]);
    let path = format!("/v1/admin/voucher-batches/{}", made.at("/id"));
    let shown = shop.get(&path, &shop.admin).await;
    assert_eq!((&shown.json["redeemed"], &shown.json["codes"]), (&json!(1), &Value::Null));
    assert_eq!(
        shop.get("/v1/admin/voucher-batches", &shop.admin).await.json["data"],
        json!([shown.json])
    );
    shop.sound().await;
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let shop = Shop::open().await;
    let (ada, bob) =
        (shop.buyer("ada@example.com", 0).await, shop.buyer("bob@example.com", 0).await);
    let now = |hours| shop.app.engine.now().plus(Span::hours(hours)).to_string();
    let (_, early) = batch(&shop, json!({ "starts_at": now(1) })).await;
    let (_, late) = batch(&shop, json!({ "expires_at": now(1) })).await;
    let (_, few) = batch(&shop, json!({ "per_account": 1 })).await;
    let (closed, gone) = batch(&shop, json!({})).await;
    let close = format!("/v1/admin/voucher-batches/{}/close", closed.at("/id"));
    let once = shop.post(&close, &shop.admin, "", Value::Null).await;
    assert_eq!(once.status, 200);
    shop.advance(Span::minutes(1)).await;
    assert_eq!(shop.post(&close, &shop.admin, "", Value::Null).await.bytes, once.bytes);
    assert_eq!(redeem(&shop, &ada, "few", &few[0]).await.status, 201);
    for (number, code) in
        ["no code", "00000-00000-00000-00000", &early[0], &gone[0], &few[1]].iter().enumerate()
    {
        is_refused(&redeem(&shop, &ada, &format!("k{number}"), code).await);
    }
    assert_eq!(redeem(&shop, &bob, "few", &few[1]).await.status, 201);
    shop.advance(Span::hours(1)).await;
    is_refused(&redeem(&shop, &ada, "late", &late[0]).await);
    // The key is free again: nothing went on record under it.
    assert_eq!(redeem(&shop, &ada, "late", &early[0]).await.status, 201);
    shop.sound().await;
}

#[tokio::test]
async fn a_repetition_is_no_guess() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let (_, codes) = batch(&shop, json!({})).await;
    let first = redeem(&shop, &ada, "first", &codes[0]).await;
    assert_eq!(first.status, 201);
    for number in 0..20 {
        redeem(&shop, &ada, "k", &format!("guess {number}")).await;
    }
    assert_eq!(redeem(&shop, &ada, "k", &codes[1]).await.code(), "rate_limited");
    let again = redeem(&shop, &ada, "first", &codes[0]).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.json, first.json);
}

#[tokio::test]
async fn who_guesses_has_to_wait() {
    let shop = Shop::open().await;
    let (ada, bob) =
        (shop.buyer("ada@example.com", 0).await, shop.buyer("bob@example.com", 0).await);
    let (_, codes) = batch(&shop, json!({})).await;
    for number in 0..20 {
        is_refused(&redeem(&shop, &ada, "k", &format!("guess {number}")).await);
    }
    let waits = redeem(&shop, &ada, "k", &codes[0]).await;
    assert_eq!(
        (waits.status, waits.code(), waits.header("retry-after")),
        (429, "rate_limited", "600")
    );
    assert_eq!(redeem(&shop, &bob, "k", &codes[0]).await.status, 201);
    // All accounts of one source together have more, but an end, too.
    for number in 0..4 {
        let other = shop.buyer(&format!("eve{number}@example.com"), 0).await;
        for guess in 0..20 {
            redeem(&shop, &other, "k", &format!("guess {guess}")).await;
        }
    }
    assert_eq!(redeem(&shop, &bob, "k2", &codes[1]).await.status, 429);
    shop.advance(Span::minutes(10)).await;
    assert_eq!(redeem(&shop, &ada, "k", &codes[1]).await.status, 201);
}

#[tokio::test]
async fn what_is_given_is_promotional_and_may_expire() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 100).await;
    let (_, codes) = batch(&shop, json!({ "kind": "promo", "tokens_expire_after_days": 30 })).await;
    assert_eq!(redeem(&shop, &ada, "k1", &codes[0]).await.status, 201);
    let end = shop.app.engine.now().plus(Span::days(30)).to_string();
    assert!(lots(&shop, &ada).await.contains(&json!(["promo", 500, end])));
    let house = shop.app.engine.store().house().await.unwrap();
    let granted = house.iter().find(|(house, _)| house.as_str() == "granted").unwrap();
    assert_eq!(granted.1.debits, 500);
    shop.sound().await;
}

#[tokio::test]
async fn a_voucher_waits_with_its_top_up_and_is_given_back_when_that_is_declined() {
    let mut settings = scrip_testkit::settings();
    settings.credit.review_above = scrip_domain::Amount::new(400);
    settings.credit.decline_above = scrip_domain::Amount::new(1000);
    let shop = Shop::open_with(settings).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let (_, codes) = batch(&shop, json!({ "kind": "promo" })).await;
    let decide = async |answer: &Answer, approve: bool| {
        let path = format!("/v1/admin/top-ups/{}/decide", answer.at("/id"));
        shop.post(&path, &shop.admin, "", json!({ "approve": approve, "reason": "seen" })).await
    };
    let waiting = redeem(&shop, &ada, "k1", &codes[0]).await;
    assert_eq!(waiting.at("/state"), "in_review");
    is_refused(&redeem(&shop, &ada, "k2", &codes[0]).await);
    assert_eq!(decide(&waiting, false).await.at("/state"), "declined");
    shop.sound().await;
    let second = redeem(&shop, &ada, "k3", &codes[0]).await;
    assert_eq!(decide(&second, true).await.at("/state"), "credited");
    assert_eq!(lots(&shop, &ada).await, [json!(["promo", 500, null])]);
    let (_, large) = batch(&shop, json!({ "tokens": { "amount": 1001, "unit": "AUR" } })).await;
    let declined = redeem(&shop, &ada, "k4", &large[0]).await;
    assert_eq!((declined.status, declined.code()), (402, "credit_declined"));
    shop.sound().await;
}

#[tokio::test]
async fn a_batch_has_bounds_and_a_body_by_voucher_has_nothing_else() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let (_, codes) = batch(&shop, json!({ "count": 500 })).await;
    assert_eq!(codes.len(), 500);
    let early =
        json!({ "starts_at": "2027-01-02T00:00:00Z", "expires_at": "2027-01-02T00:00:00Z" });
    for (wrong, field) in [
        (json!({ "count": 501 }), "count"),
        (json!({ "count": 0 }), "count"),
        (json!({ "tokens": { "amount": 0, "unit": "AUR" } }), "tokens.amount"),
        (json!({ "per_account": 0 }), "per_account"),
        (json!({ "per_account": 501 }), "per_account"),
        (json!({ "tokens_expire_after_days": 0 }), "tokens_expire_after_days"),
        (json!({ "kind": "credit" }), "kind"),
        (early, "expires_at"),
    ] {
        let mut body = json!({ "label": "x", "tokens": { "amount": 1, "unit": "AUR" }, "count": 1, "kind": "paid" });
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let refused = shop.post("/v1/admin/voucher-batches", &shop.admin, "", body).await;
        assert_eq!((refused.status, refused.at("/errors/0/field")), (400, field), "{refused:?}");
    }
    let tokens = json!({ "amount": 5, "unit": "AUR" });
    for (body, field) in [
        (json!({ "method": "voucher" }), "voucher"),
        (json!({ "method": "demo", "voucher": codes[0] }), "method"),
        (json!({ "method": "voucher", "voucher": codes[0], "tokens": tokens }), "voucher"),
    ] {
        let refused = shop.post("/v1/top-ups", &ada, "k", body).await;
        assert_eq!((refused.status, refused.at("/errors/0/field")), (400, field), "{refused:?}");
    }
}

#[tokio::test]
async fn of_many_who_redeem_at_once_one_gets_it() {
    let shop = Shop::open().await;
    let (_, codes) = batch(&shop, json!({ "count": 1 })).await;
    let mut buyers = Vec::new();
    for number in 0..8 {
        buyers.push(shop.buyer(&format!("b{number}@example.com"), 0).await);
    }
    let tries = buyers.iter().map(|buyer| redeem(&shop, buyer, "k", &codes[0]));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    shop.sound().await;
}

#[tokio::test]
async fn no_code_is_in_the_books_or_in_the_audit_log() {
    let shop = Shop::open().await;
    let (made, codes) = batch(&shop, json!({})).await;
    let log = shop.get("/v1/admin/audit", &shop.admin).await;
    assert_eq!(
        (log.at("/data/0/act"), log.at("/data/0/subject")),
        ("vouchers.made", made.at("/id"))
    );
    let text = String::from_utf8_lossy(&log.bytes).into_owned();
    assert!(codes.iter().all(|code| !text.contains(code)));
}
