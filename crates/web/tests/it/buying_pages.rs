//! Buying in the browser: cart, checkout, what comes of it, and the way past everything that stands in it.

use scrip_domain::account::Field;
use scrip_domain::settings::{Flow, Settings, Threshold};
use scrip_domain::visibility::{Level, Visibility};
use scrip_domain::{Amount, Span};
use scrip_license::Terms;
use scrip_testkit::{Browser, Page, Shop, settings};
use serde_json::{Value, json};

use crate::bundles::bundle;
use crate::goods;
use crate::license_changes::month;

pub const PASSWORD: (&str, &str) = ("password", "correct horse");

pub fn with_flow(flow: Flow) -> Settings {
    Settings {
        flow,
        threshold: Threshold::Fixed { amount: Amount::new(500).unwrap() },
        ..settings()
    }
}

pub fn link(page: &Page, beginning: &str) -> String {
    let rest = page.html.split(&format!("href=\"{beginning}")).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("no {beginning}: {}", page.html));
    format!("{beginning}{}", rest.split('"').next().unwrap()).replace("&amp;", "&")
}

pub fn says(page: &Page, status: u16, told: &[&str]) {
    assert_eq!(page.status, status, "{}", page.html);
    crate::desk::says(&page.html, told);
    assert_eq!(page.html.matches("<h1").count(), 1, "{}", page.html);
}

/// The page sends the browser to an address that begins so; gives it.
pub fn leads(page: &Page, beginning: &str) -> String {
    let to = page.location().to_owned();
    assert!(page.status == 303 && to.starts_with(beginning), "{} {to} {}", page.status, page.html);
    to
}

pub async fn add(browser: &mut Browser<'_>, offer: &str, quantity: &str) {
    let page = browser.send("/cart", &[("offer", offer), ("quantity", quantity)]).await;
    leads(&page, "/cart");
}

async fn register(browser: &mut Browser<'_>, email: &str, next: &str) -> String {
    let form = [("email", email), PASSWORD, ("next", next)];
    let page = browser.send("/register", &form).await;
    leads(&page, "/")
}

/// A browser in which an account is signed in, with so many tokens in the wallet.
async fn member<'s>(shop: &'s Shop, email: &str, tokens: u64) -> Browser<'s> {
    shop.buyer(email, tokens).await;
    let mut browser = Browser::on(shop);
    let page = browser.send("/sign-in", &[("email", email), PASSWORD]).await;
    leads(&page, "/");
    browser
}

/// Adds funds by the page that `address` leads to, and gives where it goes on.
async fn top_up(browser: &mut Browser<'_>, address: &str) -> String {
    let page = browser.open(address).await;
    let key = page.input("key").to_owned();
    let next = page.input("next").replace("&amp;", "&");
    let tokens = address.split(['?', '&']).find_map(|pair| pair.strip_prefix("tokens="));
    let form = [
        ("tokens", tokens.unwrap_or("9")),
        ("way", "demo:demo_approved"),
        ("key", &key),
        ("next", &next),
    ];
    let page = browser.send("/wallet/top-up", &form).await;
    leads(&page, "/")
}

/// Sends the cart to the checkout.
pub async fn check_out(browser: &mut Browser<'_>) -> Page {
    let page = browser.open("/cart").await;
    let key = page.input("key").to_owned();
    assert_eq!(key.len(), 22, "{}", page.html);
    browser.send("/checkout", &[("key", &key)]).await
}

/// Confirms, and gives the page of the order.
async fn pay(browser: &mut Browser<'_>, checkout: &str) -> Page {
    let done = browser.send(checkout, &[]).await;
    let order = leads(&done, "/orders/ord_");
    browser.open(&order).await
}

#[tokio::test]
async fn browse_first_leads_a_stranger_from_the_cart_to_the_codes() {
    let shop = Shop::open().await;
    let (tuning, strings) = (shop.service("tuning", 250).await, shop.service("strings", 99).await);
    let mut browser = Browser::on(&shop);
    add(&mut browser, &tuning, "2").await;
    add(&mut browser, &strings, "1").await;
    let cart = browser.open("/cart").await;
    says(&cart, 200, &["The tuning", "5.00 AUR", "5.99 AUR", "≈ 5.99 EUR", "Check out"]);
    assert!(cart.html.contains("<span class=\"count\">3</span>"), "{}", cart.html);

    // Who one is comes first; what was chosen stays.
    let asked = check_out(&mut browser).await;
    says(&asked, 200, &["Sign in or open an account", "3 things are in your cart"]);
    let register_at = link(&asked, "/register?next=");
    let form = browser.open(&register_at).await;
    says(&form, 200, &["3 things are in your cart"]);
    let next = form.input("next").replace("&amp;", "&");
    let on = register(&mut browser, "ada@example.com", &next).await;
    assert!(on.starts_with("/checkout?key="), "{on}");

    // Exactly what is missing, and then on by itself.
    let short = browser.open(&on).await;
    says(&short, 402, &["Add funds to pay", "Missing", "Add 5.99 AUR"]);
    let add_at = link(&short, "/wallet/top-up?");
    assert!(add_at.starts_with("/wallet/top-up?tokens=5.99&"), "{add_at}");
    assert_eq!(top_up(&mut browser, &add_at).await, on);
    let checkout = leads(&browser.open(&on).await, "/checkout/ord_");
    assert_eq!(leads(&browser.open(&on).await, "/"), checkout, "the same draft");
    let summary = browser.open(&checkout).await;
    says(
        &summary,
        200,
        &[
            "Confirm your order",
            "2 × 2.50 AUR",
            "Pay 5.99 AUR",
            "ada@example.com",
            "(version 1)",
            "delivery at once",
            "These prices hold until",
            "0.00 AUR",
        ],
    );

    let order = pay(&mut browser, &checkout).await;
    says(
        &order,
        200,
        &["Approved", "role=\"status\"", "Call us.", "eyJ", "/receipt\"", "/library\""],
    );
    assert_eq!(order.html.matches("class=\"handed card\"").count(), 3, "{}", order.html);
    assert!(!order.html.contains("class=\"count\""), "the cart is empty");
    let again = pay(&mut browser, &checkout).await;
    assert_eq!(again.html, order.html, "two clicks are one payment");
    says(&browser.open("/cart").await, 200, &["Nothing in it yet"]);
    shop.sound().await;
}

#[tokio::test]
async fn register_first_opens_at_the_threshold_and_goes_on() {
    let shop = Shop::open_with(with_flow(Flow::RegisterFirst)).await;
    let offer = shop.service("tuning", 250).await;
    let mut browser = Browser::on(&shop);
    add(&mut browser, &offer, "1").await;
    let cart = browser.open("/cart").await;
    says(&cart, 200, &["Sign in or open an account", "The tuning"]);
    assert!(!cart.html.contains("Check out"), "{}", cart.html);
    let page = browser.open(&link(&cart, "/register?next=")).await;
    let next = page.input("next").replace("&amp;", "&");
    let on = register(&mut browser, "ada@example.com", &next).await;
    let short = browser.open(&on).await;
    says(&short, 402, &["Ordering opens when your balance reaches a threshold", "Add 5.00 AUR"]);
    assert_eq!(top_up(&mut browser, &link(&short, "/wallet/top-up?")).await, on);
    let checkout = leads(&browser.open(&on).await, "/checkout/ord_");
    says(&pay(&mut browser, &checkout).await, 200, &["Approved", "2.50 AUR"]);
    shop.sound().await;
}

#[tokio::test]
async fn members_only_shows_what_was_chosen_after_registration() {
    let shop = Shop::open_with(with_flow(Flow::MembersOnly)).await;
    let offer = shop.service("tuning", 250).await;
    let mut browser = Browser::on(&shop);
    add(&mut browser, &offer, "1").await;
    let cart = browser.open("/cart").await;
    says(&cart, 200, &["shown when you are signed in", "Open an account"]);
    assert!(!cart.html.contains("tuning") && !cart.html.contains("2.50"), "{}", cart.html);
    let page = browser.open(&link(&cart, "/register?next=")).await;
    let next = page.input("next").replace("&amp;", "&");
    let on = register(&mut browser, "ada@example.com", &next).await;
    let short = browser.open(&on).await;
    says(&short, 402, &["Add 2.50 AUR"]);
    top_up(&mut browser, &link(&short, "/wallet/top-up?")).await;
    let checkout = leads(&browser.open(&on).await, "/checkout/ord_");
    says(&pay(&mut browser, &checkout).await, 200, &["Approved"]);
    shop.sound().await;
}

#[tokio::test]
async fn a_hidden_price_is_nowhere_and_what_shows_it_is_told() {
    for (level, told) in [
        (Level::Member, "Sign in or open an account"),
        (Level::Funded, "Sign in or open an account"),
        (Level::Covered, "Sign in or open an account"),
    ] {
        let visibility = Visibility { price: Some(level), ..Visibility::default() };
        let shop = Shop::open_with(Settings { visibility, ..with_flow(Flow::BrowseFirst) }).await;
        let offer = shop.service("tuning", 777).await;
        let mut browser = Browser::on(&shop);
        add(&mut browser, &offer, "1").await;
        for path in ["/cart".to_owned(), format!("/buy/{offer}")] {
            let page = browser.open(&path).await;
            says(&page, 200, &[told, "The tuning"]);
            assert!(!page.html.contains("7.77"), "{path}: {}", page.html);
        }
        register(&mut browser, "ada@example.com", "/cart").await;
        let page = browser.open("/cart").await;
        if level == Level::Member {
            says(&page, 200, &["7.77 AUR"]);
            continue;
        }
        says(&page, 200, &["A price is not shown yet", "href=\"/wallet/top-up?next="]);
        let stopped = browser.open("/checkout?key=abcdefghijklmnopqrstuv").await;
        says(&stopped, 402, &["A price is not shown yet"]);
        for page in [page, stopped] {
            assert!(!page.html.contains("7.77"), "{}", page.html);
        }
        let to = top_up(&mut browser, "/wallet/top-up?tokens=7.77&next=%2Fcart").await;
        says(&browser.open(&to).await, 200, &["7.77 AUR", "Check out"]);
    }
}

#[tokio::test]
async fn a_coupon_is_kept_with_the_cart_and_a_bad_one_is_told() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 1000).await;
    let coupon = json!({ "code": "spring", "percent": 20 });
    let made = shop.post("/v1/admin/coupons", &shop.admin, "", coupon).await;
    assert_eq!(made.status, 201, "{made:?}");
    let mut browser = member(&shop, "ada@example.com", 2000).await;
    add(&mut browser, &offer, "1").await;
    for bad in ["winter", "", "a b", "<b>"] {
        let page = browser.send("/cart/coupon", &[("coupon", bad)]).await;
        says(&page, 422, &["id=\"coupon-error\"", "not good for what is in the cart", "10.00 AUR"]);
        assert!(!page.html.contains("value=\"<b>"), "{}", page.html);
    }
    leads(&browser.send("/cart/coupon", &[("coupon", " Spring ")]).await, "/cart");
    says(&browser.open("/cart").await, 200, &["SPRING", "−2.00 AUR", "8.00 AUR"]);
    let checkout = leads(&check_out(&mut browser).await, "/checkout/ord_");
    says(&browser.open(&checkout).await, 200, &["Coupon", "Pay 8.00 AUR"]);
    says(&pay(&mut browser, &checkout).await, 200, &["−2.00 AUR", "8.00 AUR"]);

    // Closed meanwhile: taken off, and told once.
    add(&mut browser, &offer, "1").await;
    leads(&browser.send("/cart/coupon", &[("coupon", "SPRING")]).await, "/cart");
    let path = format!("/v1/admin/coupons/{}/close", made.at("/id"));
    assert_eq!(shop.post(&path, &shop.admin, "", json!({})).await.status, 200);
    says(&browser.open("/cart").await, 200, &["was taken off", "10.00 AUR"]);
    assert!(!browser.open("/cart").await.html.contains("was taken off"));
    shop.sound().await;
}

#[tokio::test]
async fn too_many_coupons_are_refused_for_a_while_and_the_cart_stays() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 1000).await;
    let mut browser = member(&shop, "ada@example.com", 2000).await;
    add(&mut browser, &offer, "1").await;
    let mut limited = None;
    for n in 0..100 {
        let page = browser.send("/cart/coupon", &[("coupon", &format!("WORD{n}"))]).await;
        if page.status == 429 {
            limited = Some(page);
            break;
        }
        assert_eq!(page.status, 422, "{}", page.html);
    }
    says(&limited.unwrap(), 429, &["Too many tries: wait ", "10.00 AUR", "Check out"]);
    let form = [("key", "k"), ("offer", offer.as_str()), ("coupon", "WORD")];
    let stopped = browser.send("/checkout", &form).await;
    says(&stopped, 429, &["Too many coupons were tried", "Go on without it"]);
    let checkout = leads(&check_out(&mut browser).await, "/checkout/ord_");
    says(&pay(&mut browser, &checkout).await, 200, &["Approved"]);
}

#[tokio::test]
async fn a_license_is_extended_and_a_bundle_is_ordered_once_more() {
    let shop = Shop::open().await;
    let tides = shop.product("tides", 600, month()).await;
    shop.service("maps", 300).await;
    let items = json!(["tides/standard", "maps/standard"]);
    let all = bundle(&shop, "harbour", 500, items).await;
    let mut browser = member(&shop, "ada@example.com", 5000).await;
    add(&mut browser, &all, "2").await;
    says(
        &browser.open("/cart").await,
        200,
        &["All of it", "Bundle of 2", "5.00 AUR each", "10.00 AUR"],
    );
    let checkout = leads(&check_out(&mut browser).await, "/checkout/ord_");
    says(&browser.open(&checkout).await, 200, &["in a bundle", "Pay 10.00 AUR"]);
    leads(&browser.send(&format!("{checkout}/cancel"), &[]).await, "/cart");
    let page = browser.open(&checkout).await;
    let form = [("key", page.input("key")), ("order", page.input("order"))];
    let checkout = leads(&browser.send("/checkout", &form).await, "/checkout/ord_");
    says(&browser.open(&checkout).await, 200, &["Pay 10.00 AUR"]);
    let page = pay(&mut browser, &checkout).await;
    assert_eq!(page.html.matches("<details class=\"handed\"").count(), 4, "{}", page.html);
    says(&browser.open("/cart").await, 200, &["Nothing in it yet"]);

    let library = shop.get("/v1/licenses", &session(&shop, "ada@example.com").await).await;
    let licenses = library.json["data"].as_array().unwrap();
    let rental = licenses.iter().find(|one| one["terms"]["kind"] == "rental").unwrap();
    let rental = rental["id"].as_str().unwrap();
    let page = browser.open(&format!("/buy/{tides}?license={rental}")).await;
    says(&page, 200, &["6.00 AUR", "For 30 days"]);
    assert!(!page.html.contains("into the cart"), "{}", page.html);
    let form = [("key", page.input("key")), ("offer", &tides), ("license", page.input("license"))];
    let checkout = leads(&browser.send("/checkout", &form).await, "/checkout/ord_");
    says(&browser.open(&checkout).await, 200, &["extends a license", "Pay 6.00 AUR"]);
    let page = pay(&mut browser, &checkout).await;
    says(&page, 200, &["Approved", "The tides", "eyJ", &format!("short-{rental}")]);
    let twice = [("key", "k"), ("offer", &*tides), ("license", rental), ("quantity", "1")];
    let none = [twice[0], twice[1], ("license", "lic_00000000000zz"), twice[3]];
    assert_eq!(browser.send("/checkout", &none).await.status, 404);
    shop.sound().await;
}

#[tokio::test]
async fn a_coupon_that_goes_before_the_draft_is_left_out_on_request() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 1000).await;
    let mut browser = member(&shop, "ada@example.com", 2000).await;
    let form = [("key", "k"), ("offer", &offer), ("coupon", "winter")];
    let stopped = browser.send("/checkout", &form).await;
    says(&stopped, 422, &["The coupon cannot be used", "Go on without it"]);
    let form = [("key", "k"), ("offer", &offer), ("coupon", "winter"), ("without", "yes")];
    let checkout = leads(&browser.send("/checkout", &form).await, "/checkout/ord_");
    says(&browser.open(&checkout).await, 200, &["Pay 10.00 AUR"]);
}

#[tokio::test]
async fn a_cart_is_changed_emptied_and_bounded() {
    let shop = Shop::open().await;
    let (tuning, strings) = (shop.service("tuning", 250).await, shop.service("strings", 99).await);
    let mut browser = Browser::on(&shop);
    says(&browser.open("/cart").await, 200, &["Nothing in it yet", "href=\"/products\""]);
    leads(&browser.open("/checkout?key=abc").await, "/cart");
    for (offer, quantity, status) in [
        ("nothing", "1", 400),
        (tuning.as_str(), "many", 400),
        (&tuning, "0", 400),
        (&tuning, "101", 400),
        ("ofr_00000000000zz", "1", 409),
    ] {
        let page = browser.send("/cart", &[("offer", offer), ("quantity", quantity)]).await;
        assert_eq!(page.status, status, "{offer} {quantity}: {}", page.html);
    }
    add(&mut browser, &tuning, "99").await;
    add(&mut browser, &strings, "1").await;
    let page = browser.send("/cart", &[("offer", &strings)]).await;
    says(&page, 422, &["This was not added", "at most 50 different things and 100 units"]);
    for (quantity, status, told) in [("x", 400, "from 0 to 100"), ("3", 422, "too many")] {
        let page =
            browser.send("/cart/lines", &[("offer", &strings), ("quantity", quantity)]).await;
        says(&page, status, &[told, &format!("value=\"{quantity}\""), "aria-invalid=\"true\""]);
    }
    leads(&browser.send("/cart/lines", &[("offer", &tuning), ("quantity", "2")]).await, "/cart");
    says(&browser.open("/cart").await, 200, &["5.99 AUR"]);
    let form = [("offer", strings.as_str()), ("quantity", "1"), ("remove", "yes")];
    leads(&browser.send("/cart/lines", &form).await, "/cart");
    let page = browser.open("/cart").await;
    says(&page, 200, &["5.00 AUR"]);
    assert!(!page.html.contains("strings"), "{}", page.html);
    // Straight on from a product's page: this alone.
    let page = browser.send("/cart", &[("offer", &strings), ("then", "checkout")]).await;
    assert!(leads(&page, "/checkout?key=").contains(&format!("&offer={strings}&quantity=1")));
    let page = browser.send_from("cross-site", "/cart", &[("offer", &strings)]).await;
    assert_eq!(page.status, 403);
}

#[tokio::test]
async fn what_is_withdrawn_is_shown_as_such_and_taken_out() {
    let shop = Shop::open().await;
    let (tuning, strings) = (shop.service("tuning", 250).await, shop.service("strings", 99).await);
    let mut browser = member(&shop, "ada@example.com", 1000).await;
    add(&mut browser, &tuning, "1").await;
    add(&mut browser, &strings, "1").await;
    let bearer = format!("Bearer {}", shop.admin);
    let retired = shop
        .send(
            "DELETE",
            "/v1/admin/products/tuning/offers/standard",
            &[("authorization", &bearer)],
            Value::Null,
        )
        .await;
    assert!(retired.status < 300, "{retired:?}");
    let page = browser.open("/cart").await;
    says(&page, 200, &["no longer for sale", "The strings", "Take it out"]);
    assert!(!page.html.contains("Check out"), "{}", page.html);
    let stopped = browser.open("/checkout?key=k").await;
    says(&stopped, 409, &["is not for sale any more", "href=\"/cart\""]);
    let form = [("offer", tuning.as_str()), ("remove", "yes")];
    leads(&browser.send("/cart/lines", &form).await, "/cart");
    let checkout = leads(&check_out(&mut browser).await, "/checkout/ord_");
    says(&pay(&mut browser, &checkout).await, 200, &["Approved"]);
    says(&browser.open(&format!("/buy/{tuning}")).await, 404, &["Not for sale", "/products"]);
}

#[tokio::test]
async fn an_account_is_completed_on_the_way_and_a_frozen_one_is_told() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let mut browser = member(&shop, "ada@example.com", 1000).await;
    let mut required = settings();
    required.registration = vec![Field::Name, Field::Phone];
    shop.app.engine.put_settings(scrip_engine::Staff::OPERATOR, required).await.unwrap().unwrap();
    add(&mut browser, &offer, "1").await;
    let stopped = check_out(&mut browser).await;
    says(&stopped, 403, &["Complete your account", "id=\"name\"", "id=\"phone\""]);
    let next = stopped.input("next").replace("&amp;", "&");
    let page = browser.send("/account", &[("name", "Ada"), ("phone", "1"), ("next", &next)]).await;
    let checkout = leads(&browser.open(&leads(&page, "/checkout?key=")).await, "/checkout/ord_");

    let account = shop.get("/v1/admin/accounts", &shop.admin).await;
    let path = format!("/v1/admin/accounts/{}/freeze", account.at("/data/0/id"));
    let frozen = shop.post(&path, &shop.admin, "", json!({ "reason": "test" })).await;
    assert_eq!(frozen.status, 200, "{frozen:?}");
    says(&browser.send(&checkout, &[]).await, 403, &["Your account is frozen", "Aurora"]);
    says(&check_out(&mut browser).await, 403, &["Your account is frozen"]);
    shop.sound().await;
}

#[tokio::test]
async fn what_is_owned_is_sold_again_only_to_who_insists() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let mut browser = member(&shop, "ada@example.com", 1000).await;
    add(&mut browser, &offer, "1").await;
    let checkout = leads(&check_out(&mut browser).await, "/checkout/ord_");
    // Two drafts of the same, in two tabs.
    let other = leads(&check_out(&mut browser).await, "/checkout/ord_");
    assert_ne!(checkout, other);
    says(&pay(&mut browser, &checkout).await, 200, &["Approved"]);
    let told = browser.send(&other, &[]).await;
    says(&told, 409, &["You own this already", "The tuning", "Buy it again anyway", "/library"]);
    let form = [("key", told.input("key")), ("order", told.input("order")), ("again", "yes")];
    let anyway = leads(&browser.send("/checkout", &form).await, "/checkout/ord_");
    assert_eq!(shop.available(&session(&shop, "ada@example.com").await).await, 750);
    says(&pay(&mut browser, &anyway).await, 200, &["Approved"]);

    add(&mut browser, &offer, "1").await;
    let cart = browser.open("/cart").await;
    says(&cart, 200, &["You have this already: it is in"]);
    let buy = browser.open(&format!("/checkout?key=again&offer={offer}&quantity=3")).await;
    says(&buy, 409, &["You own this already"]);
    let mut visitor = Browser::on(&shop);
    add(&mut visitor, &offer, "1").await;
    assert!(!visitor.open("/cart").await.html.contains("You have this already"));
    let told = check_out(&mut browser).await;
    says(&told, 409, &["You own this already"]);
    let form = [("key", told.input("key")), ("again", told.input("again"))];
    leads(&browser.send("/checkout", &form).await, "/checkout/ord_");
    shop.sound().await;
}

/// A session of the API for an account of a browser.
async fn session(shop: &Shop, email: &str) -> String {
    let body = json!({ "email": email, "password": "correct horse" });
    let session = shop.post("/v1/sessions", "", "", body).await;
    session.at("/token").to_owned()
}

#[tokio::test]
async fn an_order_is_its_buyers_alone() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let mut ada = member(&shop, "ada@example.com", 1000).await;
    add(&mut ada, &offer, "1").await;
    let checkout = leads(&check_out(&mut ada).await, "/checkout/ord_");
    let order = checkout.replace("/checkout/", "/orders/");
    let mut bob = member(&shop, "bob@example.com", 1000).await;
    let mut nobody = Browser::on(&shop);
    for path in [checkout.clone(), order.clone(), format!("{order}/receipt")] {
        assert_eq!(bob.open(&path).await.status, 404, "{path}");
        let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let asked = leads(&nobody.open(&path).await, "/sign-in?next=");
        assert_eq!(asked, format!("/sign-in?next={next}"));
    }
    for path in [checkout.clone(), format!("{checkout}/cancel")] {
        assert_eq!(bob.send(&path, &[]).await.status, 404, "{path}");
        assert_eq!(ada.send_from("cross-site", &path, &[]).await.status, 403, "{path}");
    }
    let signed_out = nobody.send(&checkout, &[]).await;
    assert_eq!(
        signed_out.location(),
        checkout.replace("/checkout/", "/sign-in?next=%2Fcheckout%2F")
    );
    let of_other = [("key", "k"), ("order", order.trim_start_matches("/orders/"))];
    assert_eq!(bob.send("/checkout", &of_other).await.status, 404);
    assert_eq!(bob.open("/orders/nothing").await.status, 404);
    // A draft has no receipt and no page of its own.
    assert_eq!(leads(&ada.open(&format!("{order}/receipt")).await, "/"), order);
    assert_eq!(leads(&ada.open(&order).await, "/"), checkout);
    says(&pay(&mut ada, &checkout).await, 200, &["Approved"]);
    assert_eq!(bob.open(&order).await.status, 404);
    shop.sound().await;
}

#[tokio::test]
async fn a_draft_that_expired_or_was_given_up_leads_to_another() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let mut browser = member(&shop, "ada@example.com", 1000).await;
    add(&mut browser, &offer, "1").await;
    let checkout = leads(&check_out(&mut browser).await, "/checkout/ord_");
    shop.advance(Span::minutes(30)).await;
    let late = browser.send(&checkout, &[]).await;
    assert_eq!(leads(&late, "/"), checkout);
    let page = browser.open(&checkout).await;
    says(&page, 200, &["This took too long", "Nothing was charged", "Order the same at today"]);
    let form = [("key", page.input("key")), ("order", page.input("order"))];
    let next = leads(&browser.send("/checkout", &form).await, "/checkout/ord_");
    assert_ne!(next, checkout);
    leads(&browser.send(&format!("{next}/cancel"), &[]).await, "/cart");
    says(&browser.open(&next).await, 200, &["You gave this up", "The tuning"]);
    says(&browser.open("/cart").await, 200, &["The tuning"]);
    assert_eq!(leads(&browser.send(&format!("{checkout}/cancel"), &[]).await, "/"), checkout);
    shop.sound().await;
}

#[tokio::test]
async fn a_decline_has_a_reason_and_a_way_on() {
    let shop = Shop::open().await;
    let offer = shop.product("tuning", 600, Terms::Uses { count: 5 }).await;
    let mut browser = member(&shop, "ada@example.com", 1000).await;
    add(&mut browser, &offer, "1").await;
    let first = leads(&check_out(&mut browser).await, "/checkout/ord_");
    let second = leads(&check_out(&mut browser).await, "/checkout/ord_");
    says(&pay(&mut browser, &first).await, 200, &["Approved", "4.00 AUR"]);
    let summary = browser.open(&second).await;
    says(&summary, 200, &["Missing", "Add 2.00 AUR"]);
    assert!(!summary.html.contains("Pay 6.00"), "{}", summary.html);
    let declined = pay(&mut browser, &second).await;
    says(
        &declined,
        200,
        &["Declined", "Nothing was charged", "6.00 AUR", "4.00 AUR", "Add 2.00 AUR"],
    );
    assert!(!declined.html.contains("eyJ"), "{}", declined.html);
    let on = top_up(&mut browser, &link(&declined, "/wallet/top-up?")).await;
    assert_eq!(on, second);
    says(&browser.open(&second).await, 200, &["was declined", "Pay 6.00 AUR"]);
    says(&pay(&mut browser, &second).await, 200, &["Approved"]);
    let list = browser.open("/orders").await;
    says(&list, 200, &["The tuning", "Paid", "Newest first"]);
    shop.sound().await;
}

#[tokio::test]
async fn a_link_from_anywhere_leads_to_the_checkout_and_changes_nothing() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let mut browser = member(&shop, "ada@example.com", 1000).await;
    let page = browser.open(&format!("/buy/{offer}?quantity=2&coupon=nothing")).await;
    says(
        &page,
        200,
        &["Buy <bdi>The tuning</bdi>", "5.00 AUR", "is not good for this", "value=\"2\""],
    );
    for (quantity, status) in [("0", 400), ("x", 400), ("101", 400), ("", 200)] {
        let page = browser.open(&format!("/buy/{offer}?quantity={quantity}")).await;
        assert_eq!(page.status, status, "{quantity}: {}", page.html);
        assert_eq!(page.html.contains("id=\"quantity-error\""), status == 400, "{quantity}");
    }
    assert_eq!(browser.open("/buy/nothing").await.status, 404);
    says(&browser.open("/orders").await, 200, &["No orders yet"]);
    // What another site leads to asks before it opens anything.
    let asked = browser.open("/checkout").await;
    leads(&asked, "/cart");
    let asked = browser.open(&format!("/checkout?offer={offer}")).await;
    says(&asked, 200, &["Go on to the checkout", "Nothing is charged before that"]);
    let foreign = format!("/checkout?key=abc&offer={offer}");
    says(&browser.open_from("cross-site", &foreign).await, 200, &["Go on to the checkout"]);
    // But who was on the way there, and was led past a bank or a provider, goes on.
    let page = browser.open(&format!("/buy/{offer}")).await;
    let led = format!("/checkout?key={}&offer={offer}", page.input("key"));
    leads(&browser.open_from("cross-site", &led).await, "/checkout/ord_");
    let form = [("key", page.input("key")), ("offer", page.input("offer")), ("quantity", "2")];
    let checkout = leads(&browser.send("/checkout", &form).await, "/checkout/ord_");
    add(&mut browser, &offer, "3").await;
    says(&pay(&mut browser, &checkout).await, 200, &["2 × 2.50 AUR"]);
    says(&browser.open("/cart").await, 200, &["value=\"1\""]);
    for bad in [("offer", "x"), ("license", "x"), ("quantity", "x"), ("order", "x")] {
        let form = [("key", "k"), ("offer", &offer), bad];
        let form = if bad.0 == "offer" { vec![form[0], bad] } else { form.to_vec() };
        let form = if bad.0 == "order" { vec![form[0], bad] } else { form };
        let page = browser.send("/checkout", &form).await;
        assert!(page.status == 400 || page.status == 404, "{bad:?}: {}", page.html);
    }
}

#[tokio::test]
async fn files_are_received_from_the_page_and_the_receipt_is_numbered() {
    let shop = Shop::open().await;
    let offer = goods::product(&shop, "tallow", Terms::Perpetual, None).await;
    let content = goods::bytes(2000);
    goods::release(&shop, "tallow", "stable", "1.0", &[("tallow & 1.zip", &content)]).await;
    let mut browser = member(&shop, "ada@example.com", 1000).await;
    add(&mut browser, &offer, "2").await;
    let checkout = leads(&check_out(&mut browser).await, "/checkout/ord_");
    let page = pay(&mut browser, &checkout).await;
    says(&page, 200, &["tallow &amp; 1.zip", "2 kB, about a second", "scrip get ", "hidden"]);
    let policy = page.answer.header("content-security-policy");
    assert!(policy.contains("style-src 'self'; script-src 'self';"), "{policy}");
    let script = page.html.split("src=\"").nth(1).unwrap().split('"').next().unwrap();
    let script = browser.open(script).await;
    assert_eq!(script.answer.header("content-type"), "text/javascript; charset=utf-8");
    let ticket = browser.open(&link(&page, "/library/lic_")).await;
    let file = browser.open(&leads(&ticket, "/v1/downloads/")).await;
    assert!(file.status == 200 && file.answer.bytes == content);
    let at = checkout.replace("/checkout/", "/orders/");
    for _ in 0..2 {
        let receipt = browser.open(&format!("{at}/receipt")).await;
        says(&receipt, 200, &["Receipt 1<", "Aurora Instruments", "ada@example.com", "2.00 AUR"]);
        assert!(!receipt.html.contains('≈'), "it says the same for ever");
    }
    let path = format!("/v1/admin{at}/refunds");
    let back = shop.post(&path, &shop.admin, "r", json!({ "reason": "does not start" })).await;
    assert_eq!(back.status, 201, "{back:?}");
    let page = browser.open(&at).await;
    says(&page, 200, &["Refunded", "back in your wallet", "Given back on"]);
    assert!(!page.html.contains("eyJ"), "{}", page.html);
    says(&browser.open(&format!("{at}/receipt")).await, 200, &["Given back"]);
    shop.sound().await;
}

#[tokio::test]
async fn many_units_and_many_orders_have_room() {
    let shop = Shop::open().await;
    let offer = shop.product("tuning", 1, Terms::Uses { count: 5 }).await;
    let mut browser = member(&shop, "ada@example.com", 1000).await;
    add(&mut browser, &offer, "5").await;
    let checkout = leads(&check_out(&mut browser).await, "/checkout/ord_");
    let page = pay(&mut browser, &checkout).await;
    assert_eq!(page.html.matches("<details class=\"handed\"").count(), 5, "{}", page.html);
    for n in 0..21 {
        let form = [("key", &*format!("k{n}")), ("offer", offer.as_str())];
        let checkout = leads(&browser.send("/checkout", &form).await, "/checkout/ord_");
        leads(&browser.send(&checkout, &[]).await, "/orders/ord_");
    }
    let first = browser.open("/orders").await;
    assert_eq!(first.html.matches("href=\"/orders/ord_").count(), 20);
    let second = browser.open(&link(&first, "/orders?after=")).await;
    assert_eq!(second.html.matches("href=\"/orders/ord_").count(), 2);
    says(&second, 200, &["The newest"]);
    assert_eq!(browser.open("/orders?after=x").await.status, 404);
    shop.sound().await;
}
