//! Forms that are sent twice do once what they are for: vouchers, coupons, keys of programs; and keys that a buyer makes.

use scrip_domain::Span;
use scrip_domain::staff::StaffRole;
use scrip_testkit::{Browser, Page, Shop};
use serde_json::json;

use crate::library_pages::ada;

/// What a page tells once, between these.
fn told<'p>(page: &'p Page, before: &str) -> &'p str {
    let rest = page.html.split(before).nth(1).unwrap_or_else(|| panic!("{before}: {}", page.html));
    rest.split('<').next().unwrap()
}

#[tokio::test]
async fn one_form_makes_one_batch_and_tells_its_codes_for_a_while() {
    let shop = Shop::open().await;
    let (mut finance, _) = shop.clerk(StaffRole::Finance).await;
    let key = finance.open("/admin/vouchers/new").await.input("key").to_owned();
    let fields = |label, key| {
        [("key", key), ("label", label), ("tokens", "5"), ("count", "2"), ("kind", "promo")]
    };
    let first = finance.send("/admin/vouchers", &fields("Fair", &key)).await;
    let again = finance.send("/admin/vouchers", &fields("Fair", &key)).await;
    let codes = told(&first, "readonly>");
    assert_eq!((codes.lines().count(), codes), (2, told(&again, "readonly>")));
    let batches = shop.get("/v1/admin/voucher-batches", &shop.admin).await;
    assert_eq!(batches.json["data"].as_array().unwrap().len(), 1, "{batches:?}");
    let other = finance.send("/admin/vouchers", &fields("Another", &key)).await;
    assert_eq!(other.status, 400, "one form is one batch: {}", other.html);
    for word in ["", "nothing", &key[1..]] {
        let wrong = finance.send("/admin/vouchers", &fields("Fair", word)).await;
        assert_eq!(wrong.status, 400, "{word}: {}", wrong.html);
        assert!(!wrong.input("key").is_empty(), "the form comes back with a good one");
    }
    let buyer = shop.buyer("ada@example.com", 0).await;
    let voucher = json!({ "method": "voucher", "voucher": codes.lines().next().unwrap() });
    assert_eq!(shop.post("/v1/top-ups", &buyer, "v", voucher).await.status, 201);
    shop.advance(Span::minutes(11)).await;
    let late = finance.send("/admin/vouchers", &fields("Fair", &key)).await;
    assert_eq!(late.status, 303, "told no more: {}", late.html);
    let page = finance.open(late.location()).await;
    assert!(page.html.contains("told no more") && page.html.contains("1 of 2"), "{}", page.html);
    shop.sound().await;
}

#[tokio::test]
async fn one_form_makes_one_coupon_also_with_a_word_of_chance() {
    let shop = Shop::open().await;
    let (mut finance, _) = shop.clerk(StaffRole::Finance).await;
    for code in ["", "SPRING"] {
        let key = finance.open("/admin/coupons/new").await.input("key").to_owned();
        let fields = [("key", key.as_str()), ("percent", "10"), ("code", code)];
        let first = finance.send("/admin/coupons", &fields).await;
        let again = finance.send("/admin/coupons", &fields).await;
        assert_eq!(first.status, 303, "{}", first.html);
        assert_eq!(first.location(), again.location());
        // Its word is free again, and the form makes nothing of it.
        let path = first.location().split('?').next().unwrap();
        finance.send(&format!("{path}/close"), &[]).await;
        assert_eq!(finance.send("/admin/coupons", &fields).await.location(), first.location());
    }
    let coupons = shop.get("/v1/admin/coupons", &shop.admin).await;
    assert_eq!(coupons.json["data"].as_array().unwrap().len(), 2, "{coupons:?}");
    let without = finance.send("/admin/coupons", &[("percent", "10")]).await;
    assert_eq!(without.status, 400, "{}", without.html);
    shop.sound().await;
}

#[tokio::test]
async fn one_form_makes_one_key_of_a_program() {
    let shop = Shop::open().await;
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let key = owner.open("/admin/keys").await.input("key").to_owned();
    let fields = [("key", key.as_str()), ("label", "till"), ("catalog", "yes")];
    let (first, again) =
        (owner.send("/admin/keys", &fields).await, owner.send("/admin/keys", &fields).await);
    let token = told(&first, "<code class=\"big\" id=\"secret\">");
    assert_eq!(token, told(&again, "<code class=\"big\" id=\"secret\">"));
    assert_eq!(shop.get("/v1/admin/products", token).await.status, 200);
    for word in ["", "nothing", &key[1..]] {
        let fields = [("key", word), ("label", "till"), ("catalog", "yes")];
        let wrong = owner.send("/admin/keys", &fields).await;
        assert!(wrong.status == 400 && wrong.html.contains("lacks its key"), "{}", wrong.html);
        assert!(!wrong.input("key").is_empty(), "the form comes back with a good one");
        assert!(wrong.html.contains("value=\"till\""), "{}", wrong.html);
    }
    let keys = shop.get("/v1/admin/api-keys", &shop.admin).await;
    let made = keys.json["data"].as_array().unwrap().iter().filter(|row| row["label"] == "till");
    assert_eq!(made.count(), 1, "{keys:?}");
    shop.advance(Span::minutes(11)).await;
    let late = owner.send("/admin/keys", &fields).await;
    assert_eq!((late.status, late.location()), (303, "/admin/keys"), "{}", late.html);
}

#[tokio::test]
async fn a_buyer_makes_keys_for_programs_and_takes_them_back() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let session = shop.buyer("ada@example.com", 1000).await;
    let mut browser = ada(&shop).await;
    assert!(browser.open("/account").await.html.contains("href=\"/account/keys\""));
    let page = browser.open("/account/keys").await;
    assert!(page.html.contains("There are none yet."), "{}", page.html);
    let key = page.input("key").to_owned();
    let password = ("password", "correct horse");
    for (fields, wrong) in [
        ([("key", key.as_str()), ("label", " "), ("scope", "read"), password], "label-error"),
        ([("key", key.as_str()), ("label", "till"), ("scope", "admin"), password], "Choose one"),
        ([("key", ""), ("label", "till"), ("scope", "read"), password], "lacks its key"),
        (
            [("key", key.as_str()), ("label", "till"), ("scope", "read"), ("password", "wrong")],
            "This is not your password",
        ),
    ] {
        let page = browser.send("/account/keys", &fields).await;
        assert_eq!(page.status, 400, "{}", page.html);
        assert!(page.html.contains(wrong), "{wrong}\n{}", page.html);
    }
    assert!(shop.get("/v1/account/export", &session).await.json["api_keys"] == json!([]));
    shop.run_mail().await;
    let fields = [("key", key.as_str()), ("label", "till <1>"), ("scope", "read"), password];
    let (first, again) = (
        browser.send("/account/keys", &fields).await,
        browser.send("/account/keys", &fields).await,
    );
    assert_eq!((first.status, first.answer.header("cache-control")), (200, "no-store"));
    let token = told(&first, "<code class=\"big\" id=\"secret\">");
    assert_eq!(token, told(&again, "<code class=\"big\" id=\"secret\">"), "twice is once");
    let letters = shop.run_mail().await;
    let subjects: Vec<_> = letters.iter().map(|letter| letter.words.subject.as_str()).collect();
    assert_eq!(subjects, ["A new key for a program"], "told once, too");
    let list = browser.open("/account/keys").await;
    assert_eq!(list.html.matches("till &lt;1&gt;</bdi>").count(), 1, "{}", list.html);
    assert!(!list.html.contains(token.split('.').nth(1).unwrap()), "the secret is told once");
    assert_eq!(shop.get("/v1/account", token).await.at("/email"), "ada@example.com");
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": { "amount": 250, "unit": "AUR" } });
    assert_eq!(shop.post("/v1/purchases", token, "k", body.clone()).await.code(), "forbidden");
    assert_eq!(shop.get("/v1/admin/settings", token).await.code(), "forbidden");

    let key = list.input("key").to_owned();
    let spends = [("key", key.as_str()), ("label", "buyer"), ("scope", "purchase"), password];
    let spends = browser.send("/account/keys", &spends).await;
    let spender = told(&spends, "<code class=\"big\" id=\"secret\">");
    assert_eq!(shop.post("/v1/purchases", spender, "k", body).await.status, 201);
    let id = token.split('.').next().unwrap();
    let revoke = format!("/account/keys/{id}/revoke");
    shop.buyer("eve@example.com", 0).await;
    let mut eve = Browser::on(&shop);
    eve.send("/sign-in", &[("email", "eve@example.com"), ("password", "correct horse")]).await;
    assert_eq!(eve.send(&revoke, &[]).await.status, 404, "nobody else's");
    assert_eq!(shop.get("/v1/account", token).await.status, 200);
    for _ in 0..2 {
        assert_eq!(browser.send(&revoke, &[]).await.location(), "/account/keys");
    }
    assert_eq!(shop.get("/v1/account", token).await.status, 401);
    let late = browser.send("/account/keys", &fields).await;
    assert_eq!(late.status, 303, "what was taken back is told no more: {}", late.html);
    shop.sound().await;
}

/// Makes a key of one's own with a form of its own; gives the form and what came.
async fn own_key(browser: &mut Browser<'_>, label: &str) -> (String, Page) {
    let form = browser.open("/account/keys").await.input("key").to_owned();
    let password = ("password", "correct horse");
    let fields = [("key", form.as_str()), ("label", label), ("scope", "read"), password];
    let page = browser.send("/account/keys", &fields).await;
    (form, page)
}

#[tokio::test]
async fn twenty_own_keys_are_good_at_a_time_whatever_was_revoked() {
    let shop = Shop::open().await;
    shop.buyer("ada@example.com", 0).await;
    let mut browser = ada(&shop).await;
    // More than a hundred in all, and never many at a time.
    for number in 0..101 {
        let (_, page) = own_key(&mut browser, &format!("key {number}")).await;
        assert_eq!(page.status, 200, "{number}: {}", page.html);
        let id = told(&page, "<code class=\"big\" id=\"secret\">").split('.').next().unwrap();
        browser.send(&format!("/account/keys/{id}/revoke"), &[]).await;
    }
    let mut last = String::new();
    for number in 0..20 {
        let (form, page) = own_key(&mut browser, &format!("good {number}")).await;
        assert_eq!(page.status, 200, "{}", page.html);
        last = form;
    }
    let password = ("password", "correct horse");
    let fields = [("key", last.as_str()), ("label", "good 19"), ("scope", "read"), password];
    let again = browser.send("/account/keys", &fields).await;
    assert_eq!(again.status, 200, "the same form is told again: {}", again.html);
    let (_, full) = own_key(&mut browser, "one more").await;
    assert!(full.status == 400 && full.html.contains("revoke one first"), "{}", full.html);
    let list = browser.open("/account/keys").await;
    for number in 0..20 {
        assert!(list.html.contains(&format!("good {number}</bdi>")), "{}", list.html);
    }
    assert!(list.html.contains("key 100</bdi>") && !list.html.contains("key 1</bdi>"));
    shop.sound().await;
}
