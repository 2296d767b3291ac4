//! The pages on which a buyer at a provider decides about a merchant's offer, and signs in at a merchant.

use scrip_domain::Span;
use scrip_testkit::{Browser, Page, Shop};
use serde_json::json;

use crate::provider::{SHOP, World};

const ADA: [(&str, &str); 2] = [("email", "ada@example.com"), ("password", "correct horse")];

async fn registered<'s>(shop: &'s Shop, email: &str) -> Browser<'s> {
    let mut browser = Browser::on(shop);
    let page = browser.send("/register", &[("email", email), ADA[1]]).await;
    assert_eq!(page.status, 303, "{}", page.html);
    browser
}

async fn add(browser: &mut Browser<'_>, tokens: &str) {
    let form = [("tokens", tokens), ("way", "demo:demo_approved"), ("key", tokens)];
    assert_eq!(browser.send("/wallet/top-up", &form).await.status, 303);
}

/// The path of the first link that says this.
fn link<'p>(page: &'p Page, text: &str) -> &'p str {
    let before = page.html.split(&format!("\">{text}")).next().unwrap_or_default();
    before.rsplit("href=\"").next().unwrap_or_default()
}

#[tokio::test]
async fn a_stranger_registers_tops_up_and_pays_on_one_way() {
    let world = World::open().await;
    let opened = world.opened("ord_1", 450).await;
    let path = format!("/pay/{}", opened.reference);
    let mut browser = Browser::on(&world.pay);
    let page = browser.open(&path).await;
    assert_eq!(page.status, 200, "{}", page.html);
    for told in [
        "Buy from Field Sounds",
        "shop.test",
        "Field recorder",
        "4.50 AUR",
        "about 2 seconds to download",
    ] {
        assert!(page.html.contains(told), "{told}: {}", page.html);
    }
    assert!(!page.html.contains("In your wallet"), "a visitor has no balance");
    let policy = page.answer.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://shop.test;"), "{policy}");
    assert_eq!(page.answer.header("referrer-policy"), "same-origin");

    let register = link(&page, "Open an account").to_owned();
    let page = browser.open(&register).await;
    let next = page.input("next").to_owned();
    let page = browser.send("/register", &[ADA[0], ADA[1], ("next", &next)]).await;
    assert_eq!(page.location(), path);
    let page = browser.open(&path).await;
    assert!(
        page.html.contains("Missing</dt><dd><span class=\"price\">4.50 AUR <small>≈ 4.50 EUR"),
        "{}",
        page.html
    );
    assert!(!page.html.contains("value=\"confirm\""), "nothing to pay with yet");
    let top_up = link(&page, "Add 4.50 AUR").replace("&amp;", "&");
    let page = browser.open(&top_up).await;
    assert_eq!(page.input("next"), path);
    assert!(page.html.contains("value=\"4.50\""), "{}", page.html);
    let key = page.input("key").to_owned();
    let form = [("tokens", "4.50"), ("way", "demo:demo_approved"), ("key", &key), ("next", &path)];
    assert_eq!(browser.send("/wallet/top-up", &form).await.location(), path);
    let page = browser.open(&path).await;
    assert!(page.html.contains("Left afterwards</dt><dd>0.00 AUR"), "{}", page.html);
    let letters = "<bdi>Field Sounds</bdi> can write to you about what you buy there";
    assert!(page.html.contains(letters), "before they deal for the first time: {}", page.html);

    // Two tabs, two clicks: one decision, and one way back.
    let first = browser.send(&path, &[("decision", "confirm")]).await;
    let second = browser.send(&path, &[("decision", "confirm")]).await;
    assert_eq!(first.status, 303, "{}", first.html);
    assert!(first.location().starts_with(&format!("{SHOP}/return?code=")), "{}", first.location());
    assert_eq!(first.location(), second.location());
    assert_eq!(first.answer.header("cache-control"), "no-store");
    assert!(browser.open(&path).await.html.contains("You have confirmed this."));
    assert_eq!(world.state(&opened).await, "authorized");
    assert_eq!(world.call(&opened, "capture").await.status, 200);
    assert!(browser.open(&path).await.html.contains("or your tokens come back by themselves"));
    let page = browser.open("/wallet").await;
    for told in [
        "Held for <bdi>Field Sounds</bdi>, ",
        "Taken by <bdi>Field Sounds</bdi>, of what was held, ",
    ] {
        let order = format!("{told}<a href=\"{SHOP}/orders/ord_1\">order</a>");
        assert!(page.html.contains(&order), "{told}: {}", page.html);
    }
    let again = world.opened("ord_2", 450).await;
    let page = browser.open(&format!("/pay/{}", again.reference)).await;
    assert!(
        page.html.contains("Missing") && !page.html.contains(letters),
        "they know: {}",
        page.html
    );
    world.pay.sound().await;
}

#[tokio::test]
async fn a_claimed_purchase_is_nobody_elses_until_it_is_let_go() {
    let world = World::open().await;
    let opened = world.opened("ord_1", 450).await;
    let path = format!("/pay/{}", opened.reference);
    let mut ada = registered(&world.pay, "ada@example.com").await;
    let mut bob = registered(&world.pay, "bob@example.com").await;
    assert_eq!(ada.open(&path).await.status, 200);
    for page in [bob.open(&path).await, Browser::on(&world.pay).open(&path).await] {
        assert_eq!(page.status, 404);
        assert!(!page.html.contains("Field recorder"), "{}", page.html);
    }
    assert_eq!(bob.send(&path, &[("decision", "confirm")]).await.status, 404);
    assert_eq!(bob.send(&path, &[("decision", "decline")]).await.status, 404);
    let page = ada.send(&format!("{path}/release"), &[]).await;
    assert!(page.location().starts_with("/sign-in?next=%2Fpay%2F"), "{}", page.location());
    assert_eq!(ada.open("/wallet").await.status, 303, "signed out");
    assert!(bob.open(&path).await.html.contains("the wallet of bob@example.com"));
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_on_the_page() {
    let world = World::open().await;
    let opened = world.opened("ord_1", 450).await;
    let path = format!("/pay/{}", opened.reference);
    let mut ada = registered(&world.pay, "ada@example.com").await;
    let page = ada.send(&path, &[("decision", "confirm")]).await;
    assert_eq!(page.status, 402);
    assert!(page.html.contains("Your balance does not cover this: top up first."), "{}", page.html);
    assert_eq!(ada.send(&path, &[("decision", "perhaps")]).await.status, 400);
    assert_eq!(ada.send(&path, &[]).await.status, 400);
    assert_eq!(ada.send_from("cross-site", &path, &[("decision", "decline")]).await.status, 403);
    assert_eq!(world.state(&opened).await, "claimed");
    world.pass(Span::minutes(11)).await;
    let page = ada.open(&path).await;
    assert!(page.html.contains("This offer has waited too long."), "{}", page.html);
    let page = ada.send(&path, &[("decision", "confirm")]).await;
    assert_eq!(page.status, 409);
    assert_eq!(ada.open("/pay/nothing").await.status, 404);
}

#[tokio::test]
async fn a_buyer_who_declines_goes_back_too() {
    let world = World::open().await;
    let opened = world.opened("ord_1", 450).await;
    let path = format!("/pay/{}", opened.reference);
    let mut ada = registered(&world.pay, "ada@example.com").await;
    add(&mut ada, "5").await;
    let page = ada.send(&path, &[("decision", "decline")]).await;
    assert!(page.location().starts_with(&format!("{SHOP}/return?code=")), "{}", page.location());
    let page = ada.open(&path).await;
    assert!(page.html.contains("This was declined. Nothing was taken."), "{}", page.html);
    assert!(ada.open("/wallet").await.html.contains("<p class=\"balance\">5.00 AUR</p>"));
    assert_eq!(world.state(&opened).await, "declined");
}

#[tokio::test]
async fn a_merchant_learns_what_the_buyer_lets_it_know() {
    let world = World::open().await;
    let connect = async |key: &str| {
        let body = json!({ "return_url": format!("{SHOP}/return") });
        let answer = world.post("/v1/connection-requests", key, body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.at("/url").strip_prefix("https://pay.test").unwrap().to_owned()
    };
    let path = connect("one").await;
    let mut ada = Browser::on(&world.pay);
    let page = ada.open(&path).await;
    assert!(page.location().starts_with("/sign-in?next=%2Fconnect%2F"), "{}", page.location());
    let mut ada = registered(&world.pay, "ada@example.com").await;
    add(&mut ada, "5").await;
    let page = ada.open(&path).await;
    assert!(page.html.contains("Sign in at Field Sounds"), "{}", page.html);
    assert!(!page.html.contains("checked"), "consent is given, not assumed");
    let page = ada.send(&path, &[("decision", "approve"), ("share", "funded")]).await;
    assert_eq!(page.status, 303, "{}", page.html);
    let code = page.location().strip_prefix("https://shop.test/return?code=").unwrap();
    let code = code.split('&').next().unwrap();
    let answer = world.post("/v1/return-codes", "", json!({ "code": code })).await;
    assert_eq!(answer.json["funded"], true, "{answer:?}");
    let subject = answer.at("/subject").to_owned();

    // The last word counts: this time nothing is shared.
    let path = connect("two").await;
    let page = ada.send(&path, &[("decision", "approve")]).await;
    assert_eq!(page.status, 303);
    let answer = world.get(&format!("/v1/subjects/{subject}")).await;
    assert!(answer.json["funded"].is_null(), "{answer:?}");

    let path = connect("three").await;
    let page = ada.send(&path, &[("decision", "decline")]).await;
    assert!(page.location().contains("error=declined"), "{}", page.location());
    assert!(ada.open(&path).await.html.contains("This was decided already"));
}

#[tokio::test]
async fn a_vendors_server_has_no_such_pages() {
    let shop = Shop::open().await;
    let mut browser = registered(&shop, "ada@example.com").await;
    for path in ["/pay/x", "/connect/x"] {
        assert_eq!(browser.open(path).await.status, 404, "{path}");
    }
}
