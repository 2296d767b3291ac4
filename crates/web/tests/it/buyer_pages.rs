//! The pages of a buyer's account: registering, signing in, the wallet, adding funds.

use scrip_domain::account::Field;
use scrip_testkit::{Browser, Shop, settings};

const ADA: [(&str, &str); 2] = [("email", "ada@example.com"), ("password", "correct horse")];

async fn registered(shop: &Shop) -> Browser<'_> {
    let mut browser = Browser::on(shop);
    let page = browser.send("/register", &ADA).await;
    assert_eq!((page.status, page.location()), (303, "/wallet"), "{}", page.html);
    browser
}

#[tokio::test]
async fn a_stranger_registers_on_the_way_and_goes_on_where_they_were() {
    let shop = Shop::open().await;
    let mut browser = Browser::on(&shop);
    let page = browser.open("/wallet/top-up?tokens=12.50").await;
    assert_eq!(page.status, 303);
    assert_eq!(page.location(), "/sign-in?next=%2Fwallet%2Ftop-up%3Ftokens%3D12.50");
    let page = browser.open(page.location()).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.answer.header("cache-control"), "no-store");
    let register = "/register?next=%2Fwallet%2Ftop-up%3Ftokens%3D12.50";
    assert!(page.html.contains(&format!("href=\"{register}\"")), "{}", page.html);
    let page = browser.open(register).await;
    let next = page.input("next").to_owned();
    assert_eq!(next, "/wallet/top-up?tokens=12.50");
    let page = browser.send("/register", &[ADA[0], ADA[1], ("next", &next)]).await;
    assert_eq!((page.status, page.location()), (303, next.as_str()));
    let cookie = page.answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-scrip-vnd_"), "{cookie}");
    for word in ["; Path=/;", "; Secure;", "; HttpOnly;", "SameSite=Lax"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let page = browser.open(page.location()).await;
    assert!(page.html.contains("Price: 12.50 EUR for 12.50 AUR."), "{}", page.html);
    assert!(page.html.contains("ada@example.com"));
}

#[tokio::test]
async fn what_registration_requires_is_asked_for_and_mistakes_are_named() {
    let mut settings = settings();
    settings.registration = vec![Field::Name, Field::Address];
    let shop = Shop::open_with(settings).await;
    let mut browser = Browser::on(&shop);
    let page = browser.send("/register", &[("email", "ada"), ("password", "correct horse")]).await;
    assert_eq!(page.status, 400);
    assert!(
        page.html.contains("id=\"email-error\">This is not an e-mail address"),
        "{}",
        page.html
    );
    let all = [("email", "ada"), ("password", "short"), ("address", "\u{7}")];
    let page = browser.send("/register", &all).await;
    for told in [
        "id=\"email-error\">This is not an e-mail address",
        "id=\"password-error\">8 to 200 characters",
        "id=\"name-error\">This is required",
        "id=\"address-error\">No control characters",
    ] {
        assert!(page.html.contains(told), "{told}: {}", page.html);
    }
    let page = browser.send("/register", &ADA).await;
    assert!(page.html.contains("id=\"name-error\">This is required"), "{}", page.html);
    assert!(!page.html.contains("correct horse"), "a password is never shown");
    let name = ("name", "Ada <b>");
    let page = browser.send("/register", &[ADA[0], ADA[1], name, ("address", "\u{7}")]).await;
    assert!(page.html.contains("id=\"address-error\">No control characters"), "{}", page.html);
    assert!(page.html.contains("value=\"Ada &lt;b&gt;\""), "what was typed stays");
    let page =
        browser.send("/register", &[ADA[0], ADA[1], name, ("address", "1 Way\r\nTown")]).await;
    assert_eq!(page.status, 303);
    let page =
        Browser::on(&shop).send("/register", &[ADA[0], ADA[1], name, ("address", "x")]).await;
    assert_eq!(page.status, 409);
    assert!(page.html.contains("This address has an account"), "{}", page.html);
}

#[tokio::test]
async fn signing_in_tells_nothing_and_signing_out_ends_the_session() {
    let shop = Shop::open().await;
    registered(&shop).await;
    let mut browser = Browser::on(&shop);
    let mut told = Vec::new();
    for (email, password) in
        [("ada@example.com", "wrong horse"), ("bob@example.com", "wrong horse")]
    {
        let page = browser.send("/sign-in", &[("email", email), ("password", password)]).await;
        assert_eq!(page.status, 422);
        told.push(page.html.replace(email, "…"));
    }
    assert_eq!(told[0], told[1]);
    let page = browser.send("/sign-in", &[ADA[0], ADA[1], ("next", "//evil.example")]).await;
    assert_eq!((page.status, page.location()), (303, "/wallet"));
    assert_eq!(browser.open("/wallet").await.status, 200);
    // The cookie opens pages, and nothing of the API.
    assert_eq!(browser.open("/v1/wallet").await.status, 401);
    let page = browser.send("/sign-out", &[]).await;
    assert_eq!(page.location(), "/sign-in");
    assert_eq!(browser.open("/wallet").await.status, 303);
}

#[tokio::test]
async fn who_sends_a_form_after_the_session_is_told_that_nothing_was_done() {
    let shop = Shop::open().await;
    let mut browser = Browser::on(&shop);
    let page = browser.send("/account", &[("name", "Ada")]).await;
    assert_eq!((page.status, page.location()), (303, "/sign-in?lost=true&next=%2F"));
    let page = browser.open(page.location()).await;
    let told = "Your session has ended; what you sent was not done.";
    assert!(page.html.contains(told), "{}", page.html);
    assert!(!browser.open("/sign-in").await.html.contains(told), "nothing was sent");
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let shop = Shop::open().await;
    let mut browser = registered(&shop).await;
    let page = browser.send_from("cross-site", "/sign-out", &[]).await;
    assert_eq!(page.status, 403);
    assert_eq!(page.answer.header("content-type"), "text/html; charset=utf-8");
    assert!(page.html.contains("This form was sent from another site"), "{}", page.html);
    assert_eq!(browser.open("/wallet").await.status, 200, "still signed in");
    let form = [("tokens", "5"), ("way", "demo:demo_approved"), ("key", "k")];
    assert_eq!(browser.send_from("same-site", "/wallet/top-up", &form).await.status, 403);
    assert!(browser.open("/wallet").await.html.contains("<p class=\"balance\">0.00 AUR</p>"));
}

#[tokio::test]
async fn funds_are_added_once_however_often_the_form_is_sent() {
    let shop = Shop::open().await;
    let mut browser = registered(&shop).await;
    let key = browser.open("/wallet/top-up").await.input("key").to_owned();
    assert_eq!(key.len(), 22);
    let form = [
        ("tokens", "12,5"),
        ("way", "demo:demo_approved"),
        ("key", key.as_str()),
        ("next", "/account"),
    ];
    for _ in 0..2 {
        let page = browser.send("/wallet/top-up", &form).await;
        assert_eq!((page.status, page.location()), (303, "/account"), "{}", page.html);
    }
    let page = browser.open("/wallet").await;
    assert!(page.html.contains("<p class=\"balance\">12.50 AUR</p>"), "{}", page.html);
    assert!(page.html.contains("Funds added"), "{}", page.html);
    shop.sound().await;
}

#[tokio::test]
async fn a_top_up_that_is_not_credited_says_why_or_what_is_left_to_do() {
    let mut settings = settings();
    settings.offline_instructions = "To our account at the First Bank.".into();
    let shop = Shop::open_with(settings).await;
    let mut browser = registered(&shop).await;
    for (tokens, field) in
        [("", "tokens"), ("many", "tokens"), ("-1", "tokens"), ("0", "tokens"), ("1.234", "tokens")]
    {
        let page = browser
            .send("/wallet/top-up", &[("tokens", tokens), ("way", "offline"), ("key", "a")])
            .await;
        assert_eq!(page.status, 400, "{tokens}");
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{tokens}: {}", page.html);
    }
    let page =
        browser.send("/wallet/top-up", &[("tokens", "5"), ("way", "gold"), ("key", "b")]).await;
    assert!(page.html.contains("Choose how to pay."), "{}", page.html);
    let page = browser
        .send("/wallet/top-up", &[("way", "voucher"), ("voucher", "nothing"), ("key", "c")])
        .await;
    assert_eq!(page.status, 422);
    let page = browser
        .send("/wallet/top-up", &[("tokens", "5"), ("way", "demo:demo_declined"), ("key", "d")])
        .await;
    assert_eq!(page.status, 402);
    assert!(page.html.contains("This was not approved; nothing was charged."), "{}", page.html);
    assert_ne!(page.input("key"), "d", "the next try is another one");

    let page = browser
        .send(
            "/wallet/top-up",
            &[("tokens", "5"), ("way", "offline"), ("key", "e"), ("next", "/account")],
        )
        .await;
    assert!(page.location().starts_with("/wallet/top-ups/top_"), "{}", page.location());
    assert!(page.location().ends_with("?next=%2Faccount"));
    let path = page.location().to_owned();
    let page = browser.open(&path).await;
    assert!(page.html.contains("To our account at the First Bank."), "{}", page.html);
    let mut other = Browser::on(&shop);
    other.send("/register", &[("email", "bob@example.com"), ADA[1]]).await;
    assert_eq!(other.open(&path).await.status, 404, "another buyer's top-up");
    let page = other.open("/wallet/top-ups/nothing").await;
    assert_eq!(page.status, 404);
    assert!(page.html.starts_with("<!DOCTYPE html>"), "{}", page.html);
    shop.sound().await;
}

#[tokio::test]
async fn an_account_is_completed_and_changed() {
    let shop = Shop::open().await;
    let mut browser = registered(&shop).await;
    let mut required = settings();
    required.registration = vec![Field::Name];
    shop.app.engine.put_settings(scrip_engine::Staff::OPERATOR, required).await.unwrap().unwrap();
    let page = browser.open("/account?next=%2Fwallet").await;
    assert!(page.html.contains("Before you can buy, please add: your name."), "{}", page.html);
    let page = browser.send("/account", &[("name", "   "), ("next", "/wallet")]).await;
    assert_eq!(page.status, 400);
    let page =
        browser.send("/account", &[("name", "Ada"), ("phone", "1"), ("next", "/wallet")]).await;
    assert_eq!((page.status, page.location()), (303, "/wallet"));
    let page = browser.send("/account", &[("name", "Ada")]).await;
    assert_eq!(page.location(), "/account?done=saved");
    let page = browser.open(page.location()).await;
    assert!(page.html.contains("<div role=\"status\"><div class=\"notice good\">Saved."));
    assert!(!page.html.contains("Before you can buy"), "{}", page.html);
    assert!(page.html.contains("value=\"Ada\""), "{}", page.html);
}

#[tokio::test]
async fn a_merchant_sends_people_to_its_provider_for_their_accounts() {
    let (shop, _provider) = Shop::merchant(settings()).await;
    let mut browser = Browser::on(&shop);
    for path in ["/wallet", "/wallet/top-up", "/account"] {
        let page = browser.open(path).await;
        assert_eq!((page.status, page.location()), (303, &*format!("https://pay.test{path}")));
    }
    for path in ["/sign-in", "/register"] {
        assert_eq!(browser.open(path).await.location(), "/connect");
        assert_eq!(browser.send(path, &ADA).await.location(), "/connect", "no account is opened");
    }
}

#[tokio::test]
async fn a_merchants_goods_are_found_and_mistakes_are_told() {
    let (shop, _provider) = Shop::merchant(settings()).await;
    let offer = shop.service("tuning", 250).await;
    let mut browser = Browser::on(&shop);
    let page = browser.open("/products?q=tuning").await;
    assert!(
        page.html.contains("<p class=\"from\"><span class=\"price\">2.50 AUR"),
        "{}",
        page.html
    );
    let page = browser.open("/products?q=nothing+like+it").await;
    assert!(page.html.contains("Nothing is found"), "{}", page.html);
    assert_eq!(browser.open("/products?after=x").await.status, 404);
    assert_eq!(browser.open("/products/nothing").await.status, 404);
    assert!(browser.open("/products/tuning").await.html.contains(&offer));
}
