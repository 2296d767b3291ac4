//! Buying at a merchant in the browser: the cart here, the payment at its provider, and the way back.

use scrip_domain::Span;
use scrip_domain::settings::Flow;
use scrip_testkit::{Browser, Shop, settings};

use crate::buying_pages::{PASSWORD, add, check_out, leads, link, says, with_flow};
use crate::two_servers::Pair;

#[tokio::test]
async fn a_merchants_cart_is_paid_at_the_provider_and_received_here() {
    let pair = Pair::open().await;
    let strings = pair.shop.service("strings", 99).await;
    let mut browser = Browser::on(&pair.shop);
    add(&mut browser, &pair.offer, "2").await;
    add(&mut browser, &strings, "1").await;
    let cart = browser.open("/cart").await;
    says(&cart, 200, &["5.99 AUR", "You pay from your wallet at <bdi>pay.test</bdi>", "Check out"]);
    assert!(
        !cart.html.contains("coupon") && !cart.html.contains("In your wallet"),
        "{}",
        cart.html
    );
    let policy = cart.answer.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://pay.test;"), "{policy}");
    let page = browser.send("/cart/coupon", &[("coupon", "SPRING")]).await;
    assert_eq!(page.status, 422, "{}", page.html);
    let key = cart.input("key").to_owned();
    let sent = browser.send("/checkout", &[("key", &key)]).await;
    let to = leads(&sent, "https://pay.test/pay/");
    let again = browser.send("/checkout", &[("key", &key)]).await;
    assert_eq!(again.location(), to, "two clicks are one order");

    let path = to.strip_prefix("https://pay.test").unwrap();
    let mut payer = Browser::on(&pair.pay);
    payer.send("/sign-in", &[("email", "ada@example.com"), PASSWORD]).await;
    says(&payer.open(path).await, 200, &["Pay 5.99 AUR"]);
    let back = payer.send(path, &[("decision", "confirm")]).await;
    let back = leads(&back, "https://shop.test/return?").replace("https://shop.test", "");
    let shown = leads(&browser.open(&back).await, "/orders/ord_");
    let order = browser.open(&shown).await;
    says(&order, 200, &["Approved", "eyJ", "5.99 AUR", "The strings", "Call us."]);
    says(&browser.open("/cart").await, 200, &["Nothing in it yet"]);
    says(&browser.open("/orders").await, 200, &["The tuning", "and 1 more", "Paid"]);
    says(&browser.open(&format!("{shown}/receipt")).await, 200, &["Receipt 1<", "5.99 AUR"]);
    let old = format!("/return?order={}", shown.trim_start_matches("/orders/"));
    assert_eq!(leads(&browser.open(&old).await, "/"), shown);

    let stranger = Browser::on(&pair.shop).open(&shown).await;
    says(&stranger, 404, &["This order is not shown here", "/connect?next=%2Forders%2F"]);
    assert!(!stranger.html.contains("eyJ"), "{}", stranger.html);
    pair.sound().await;
}

#[tokio::test]
async fn a_merchants_buyer_declines_and_keeps_the_cart() {
    let pair = Pair::open().await;
    let mut browser = Browser::on(&pair.shop);
    add(&mut browser, &pair.offer, "1").await;
    let to = leads(&check_out(&mut browser).await, "https://pay.test/pay/");
    let path = to.strip_prefix("https://pay.test").unwrap();
    let mut payer = Browser::on(&pair.pay);
    payer.send("/sign-in", &[("email", "ada@example.com"), PASSWORD]).await;
    payer.open(path).await;
    let back = payer.send(path, &[("decision", "decline")]).await;
    let back = leads(&back, "https://shop.test/return?").replace("https://shop.test", "");
    let shown = leads(&browser.open(&back).await, "/orders/ord_");
    let page = browser.open(&shown).await;
    says(&page, 200, &["Declined", "Nothing was charged", "Order the same again"]);
    says(&browser.open("/cart").await, 200, &["The tuning"]);
    let form = [("key", page.input("key")), ("order", page.input("order"))];
    let anew = leads(&browser.send("/checkout", &form).await, "https://pay.test/pay/");
    assert_ne!(anew, to);
    pair.sound().await;
}

#[tokio::test]
async fn an_order_at_a_merchant_is_given_up_before_it_is_decided() {
    let pair = Pair::open().await;
    let mut browser = Browser::on(&pair.shop);
    let opened = browser.send("/connect", &[("next", "/cart")]).await;
    let path = leads(&opened, "https://pay.test/connect/").replace("https://pay.test", "");
    let mut payer = Browser::on(&pair.pay);
    payer.send("/sign-in", &[("email", "ada@example.com"), PASSWORD]).await;
    payer.open(&path).await;
    let back = payer.send(&path, &[("decision", "approve")]).await;
    let back = leads(&back, "https://shop.test/return?").replace("https://shop.test", "");
    assert_eq!(leads(&browser.open(&back).await, "/"), "/cart");
    add(&mut browser, &pair.offer, "1").await;
    leads(&check_out(&mut browser).await, "https://pay.test/pay/");
    let order = link(&browser.open("/orders").await, "/orders/ord_");
    assert_eq!(leads(&browser.open(&order.replace("/orders/", "/checkout/")).await, "/"), order);
    let page = browser.open(&order).await;
    says(&page, 200, &["Not decided yet", "Go on at the provider", "Give the order up"]);
    assert_eq!(page.answer.header("refresh"), "3");
    let cancel = format!("{}/cancel", order.replace("/orders/", "/checkout/"));
    assert_eq!(leads(&browser.send(&cancel, &[]).await, "/"), order);
    says(&browser.open(&order).await, 200, &["Cancelled", "Order the same again"]);
    pair.sound().await;
}

#[tokio::test]
async fn a_merchant_for_members_sends_to_the_provider_first_and_goes_on() {
    let pair = Pair::with(with_flow(Flow::RegisterFirst)).await;
    let mut browser = Browser::on(&pair.shop);
    add(&mut browser, &pair.offer, "1").await;
    let cart = browser.open("/cart").await;
    says(&cart, 200, &["Sign in through the provider", "One thing is in your cart"]);
    let ask = browser.open(&link(&cart, "/connect?next=")).await;
    says(&ask, 200, &["One thing is in your cart", "Go on to the provider"]);
    let next = ask.input("next").replace("&amp;", "&");
    let opened = browser.send("/connect", &[("next", &next)]).await;
    let path = leads(&opened, "https://pay.test/connect/").replace("https://pay.test", "");
    let mut payer = Browser::on(&pair.pay);
    payer.send("/sign-in", &[("email", "ada@example.com"), PASSWORD]).await;
    payer.open(&path).await;
    let back = payer.send(&path, &[("decision", "approve")]).await;
    let back = leads(&back, "https://shop.test/return?").replace("https://shop.test", "");
    let on = leads(&browser.open_from("cross-site", &back).await, "/checkout?key=");
    // The provider does not say whether it is enough: it is asked to.
    let stopped = browser.open_from("cross-site", &on).await;
    says(&stopped, 402, &["Sign in and share that"]);
    let ask = browser.open(&link(&stopped, "/connect?next=")).await;
    let next = ask.input("next").replace("&amp;", "&");
    let opened = browser.send("/connect", &[("next", &next)]).await;
    let path = leads(&opened, "https://pay.test/connect/").replace("https://pay.test", "");
    payer.open(&path).await;
    let form = [("decision", "approve"), ("share", "funded")];
    let back = payer.send(&path, &form).await;
    let back = leads(&back, "https://shop.test/return?").replace("https://shop.test", "");
    let on = leads(&browser.open(&back).await, "/checkout?key=");
    leads(&browser.open(&on).await, "https://pay.test/pay/");
    pair.sound().await;
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_asked_again() {
    let pair = Pair::open().await;
    let mut browser = Browser::on(&pair.shop);
    add(&mut browser, &pair.offer, "1").await;
    pair.network.fate("/v1/purchase-requests", &[scrip_testkit::Way::Lost]);
    let waits = check_out(&mut browser).await;
    says(&waits, 503, &["One moment", "nothing is ordered twice"]);
    let again = waits.answer.header("refresh").strip_prefix("3; url=").unwrap().to_owned();
    pair.pass(Span::seconds(5)).await;
    leads(&browser.open(&again).await, "https://pay.test/pay/");
    pair.sound().await;
}

#[tokio::test]
async fn a_provider_alone_sells_nothing() {
    let (provider, _, _) = Shop::pair(settings()).await;
    let mut browser = Browser::on(&provider);
    for path in ["/cart", "/checkout", "/orders", "/buy/ofr_00000000000zz"] {
        assert_eq!(browser.open(path).await.status, 404, "{path}");
    }
}
