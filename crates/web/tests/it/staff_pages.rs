//! The console of the vendor's staff: coming in, staying out, and who may do what.

use scrip_domain::Span;
use scrip_domain::settings::SecondFactor;
use scrip_domain::staff::{StaffMember, StaffRole};
use scrip_engine::Staff;
use scrip_engine::staff::Invitee;
use scrip_testkit::{Browser, CLERK_PASSWORD, Page, Shop, settings};

const OWNER: &str = "owner@shop.test";

async fn enter(browser: &mut Browser<'_>, email: &str, password: &str) -> Page {
    browser.send("/admin/sign-in", &[("email", email), ("password", password)]).await
}

async fn member(shop: &Shop, of: &StaffMember) -> StaffMember {
    shop.app.engine.store().staff_member(of.id).await.unwrap().unwrap()
}

#[tokio::test]
async fn one_comes_in_by_an_invitation_and_comes_back_by_the_password() {
    let shop = Shop::open().await;
    let mut browser = Browser::on(&shop);
    let page = browser.open("/admin/me?x=1").await;
    assert_eq!((page.status, page.location()), (303, "/admin/sign-in?next=%2Fadmin%2Fme%3Fx%3D1"));
    let page = browser.open(page.location()).await;
    assert_eq!((page.status, page.input("next")), (200, "/admin/me?x=1"));
    assert_eq!(page.answer.header("cache-control"), "no-store");
    assert!(page.answer.header("content-security-policy").contains("form-action 'self'"));
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let page = owner.open("/admin/me").await;
    assert!(page.html.contains(OWNER) && page.html.contains("Sign out"), "{}", page.html);
    let form = [("email", "OWNER@shop.test "), ("password", CLERK_PASSWORD), ("next", "/admin/me")];
    let page = browser.send("/admin/sign-in", &form).await;
    assert_eq!((page.status, page.location()), (303, "/admin/me"), "{}", page.html);
    let cookie = page.answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-scrip-staff-vnd_"), "{cookie}");
    for word in ["; Path=/;", "; Max-Age=43200;", "; Secure;", "; HttpOnly;", "SameSite=Strict"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert_eq!(browser.open("/admin/me").await.status, 200);
    // Who has signed in goes on at once.
    let page = browser.open("/admin/sign-in?next=%2Fadmin%2Fme").await;
    assert_eq!((page.status, page.location()), (303, "/admin/me"));
    // A session lasts for twelve hours, in whatever browser.
    shop.advance(Span::hours(12)).await;
    assert_eq!(browser.open("/admin/me").await.location(), "/admin/sign-in?next=%2Fadmin%2Fme");
    enter(&mut browser, OWNER, CLERK_PASSWORD).await;
    let page = browser.send("/admin/sign-out", &[]).await;
    assert_eq!((page.status, page.location()), (303, "/admin/sign-in"));
    assert_eq!(browser.open("/admin/me").await.status, 303);
    assert_eq!(owner.open("/admin/me").await.status, 303, "the first one is over too");
}

/// A buyer's session is not one of the staff, and the other way round; nor is an API key.
#[tokio::test]
async fn a_session_of_the_one_side_is_nothing_on_the_other() {
    let shop = Shop::open().await;
    let buyer = shop.buyer("ada@example.com", 0).await;
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let vendor = shop.app.engine.vendor().await.unwrap().id;
    for token in [buyer.as_str(), shop.admin.as_str()] {
        let cookie = format!("__Host-scrip-staff-{vendor}={token}");
        let cookie = [("cookie", cookie.as_str())];
        assert_eq!(shop.send("GET", "/admin/me", &cookie, serde_json::Value::Null).await.status, 303);
    }
    let page = enter(&mut owner, OWNER, CLERK_PASSWORD).await;
    let cookie = page.answer.header("set-cookie").to_owned();
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    let answer = shop.get("/v1/account", token).await;
    assert_eq!((answer.status, answer.code()), (401, "invalid_credentials"));
    let answer = shop.get("/v1/admin/settings", token).await;
    assert_eq!((answer.status, answer.code()), (401, "invalid_credentials"));
    let bought = format!("__Host-scrip-{vendor}={token}");
    let answer = shop.send("GET", "/wallet", &[("cookie", &bought)], serde_json::Value::Null).await;
    assert_eq!(answer.header("location"), "/sign-in?next=%2Fwallet");
}

#[tokio::test]
async fn an_invitation_is_good_once_and_for_three_days() {
    let shop = Shop::open().await;
    let invite = async |email: &str| {
        let who = Invitee { email: email.into(), name: "Bea".into(), role: StaffRole::Finance };
        shop.app.engine.invite_staff(Staff::OPERATOR, who).await.unwrap().unwrap()
    };
    let first = invite("bea@shop.test").await;
    let token = first.token.reveal();
    let mut browser = Browser::on(&shop);
    let page = browser.open(&format!("/admin/welcome?token={token}")).await;
    assert_eq!(page.status, 200);
    for word in ["Hello Bea", "bea@shop.test", "Finance"] {
        assert!(page.html.contains(word), "{}", page.html);
    }
    // A short password, and two that differ.
    for (password, again, wrong) in
        [("short", "short", "password-error"), (CLERK_PASSWORD, "another one", "again-error")]
    {
        let form = [("token", token), ("password", password), ("again", again)];
        let page = browser.send("/admin/welcome", &form).await;
        assert_eq!(page.status, 400);
        assert!(page.html.contains(wrong) && !page.html.contains(password), "{}", page.html);
    }
    let form = [("token", token), ("password", CLERK_PASSWORD), ("again", CLERK_PASSWORD)];
    assert_eq!(browser.send("/admin/welcome", &form).await.status, 303);
    assert_eq!(browser.open("/admin/me").await.status, 200);
    // Once: neither the page nor the form is there any more.
    let again = Browser::on(&shop).open(&format!("/admin/welcome?token={token}")).await;
    assert_eq!(again.status, 404);
    assert!(again.html.contains("has lapsed"), "{}", again.html);
    assert_eq!(Browser::on(&shop).send("/admin/welcome", &form).await.status, 404);
    let late = invite("late@shop.test").await;
    shop.advance(Span::hours(72)).await;
    let path = format!("/admin/welcome?token={}", late.token.reveal());
    assert_eq!(Browser::on(&shop).open(&path).await.status, 404);
}

#[tokio::test]
async fn guessing_tells_nothing_and_is_slowed_down() {
    let shop = Shop::open().await;
    shop.clerk(StaffRole::Owner).await;
    let mut told = Vec::new();
    for email in [OWNER, "nobody@shop.test"] {
        let page = enter(&mut Browser::on(&shop), email, "wrong password").await;
        assert_eq!(page.status, 422);
        assert!(!page.html.contains("wrong password"));
        told.push(page.html.replace(email, ""));
    }
    assert_eq!(told[0], told[1]);
    for _ in 0..9 {
        enter(&mut Browser::on(&shop), OWNER, "wrong password").await;
    }
    let page = enter(&mut Browser::on(&shop), OWNER, CLERK_PASSWORD).await;
    assert_eq!(page.status, 429, "{}", page.html);
    shop.advance(Span::minutes(5)).await;
    assert_eq!(enter(&mut Browser::on(&shop), OWNER, CLERK_PASSWORD).await.status, 303);
    // Wrong invitations are counted by where they come from.
    for _ in 0..60 {
        let form = [("token", "x"), ("password", CLERK_PASSWORD), ("again", CLERK_PASSWORD)];
        assert_eq!(Browser::on(&shop).send("/admin/welcome", &form).await.status, 404);
    }
    assert_eq!(enter(&mut Browser::on(&shop), OWNER, CLERK_PASSWORD).await.status, 429);
}

#[tokio::test]
async fn another_password_ends_every_other_session() {
    let shop = Shop::open().await;
    let (mut here, _) = shop.clerk(StaffRole::Support).await;
    let mut there = Browser::on(&shop);
    enter(&mut there, "support@shop.test", CLERK_PASSWORD).await;
    assert_eq!(there.open("/admin/me").await.status, 200);
    let new = "a better password";
    let form = |old, again| [("old", old), ("password", new), ("again", again)];
    let page = here.send("/admin/me/password", &form("wrong", new)).await;
    assert_eq!(page.status, 400);
    assert!(page.html.contains("id=\"old-error\">this is not your password"), "{}", page.html);
    let page = here.send("/admin/me/password", &form(CLERK_PASSWORD, "other")).await;
    assert!(page.html.contains("again-error"), "{}", page.html);
    let page = here.send("/admin/me/password", &form(CLERK_PASSWORD, new)).await;
    assert_eq!((page.status, page.location()), (303, "/admin/me"), "{}", page.html);
    assert_eq!(here.open("/admin/me").await.status, 200);
    assert_eq!(there.open("/admin/me").await.status, 303);
    assert_eq!(enter(&mut there, "support@shop.test", CLERK_PASSWORD).await.status, 422);
    assert_eq!(enter(&mut there, "support@shop.test", new).await.status, 303);
}

/// The code of this secret now, as an authenticator shows it: the server's own arithmetic is held against the standard's
/// vectors beside it, and here against its own pages.
fn code(shop: &Shop, page: &Page) -> String {
    let secret = page.html.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    scrip_testkit::totp(secret, shop.clock.as_ref())
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_no_code_is_taken_twice() {
    let shop = Shop::open().await;
    let (mut owner, row) = shop.clerk(StaffRole::Owner).await;
    let page = owner.send("/admin/me/second-factor", &[]).await;
    assert_eq!((page.status, page.location()), (303, "/admin/me/second-factor"));
    let page = owner.open(page.location()).await;
    assert!(page.html.contains("otpauth://totp/Aurora%20Instruments:owner%40shop.test?secret="));
    assert!(page.html.contains("<svg class=\"qr\""), "{}", page.html);
    assert!(!member(&shop, &row).await.has_factor(), "it counts when a code was seen");
    let wrong = owner.send("/admin/me/second-factor/on", &[("code", "000000")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.html.contains("code-error"), "{}", wrong.html);
    let on = owner.send("/admin/me/second-factor/on", &[("code", &code(&shop, &page))]).await;
    assert_eq!(on.status, 200, "{}", on.html);
    let codes: Vec<_> = on.html.split("<li><code>").skip(1).collect();
    let codes: Vec<_> = codes.iter().map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(codes.len(), 8);
    let shown = owner.open("/admin/me/second-factor").await;
    assert!(!shown.html.contains("secret="), "it is told no more");

    let mut browser = Browser::on(&shop);
    let half = enter(&mut browser, OWNER, CLERK_PASSWORD).await;
    assert_eq!(half.status, 200);
    assert_eq!(browser.open("/admin/me").await.status, 303, "half way is not in");
    let word = half.input("word").to_owned();
    let finish = async |browser: &mut Browser<'_>, word: &str, code: &str| {
        browser.send("/admin/sign-in/code", &[("word", word), ("code", code)]).await
    };
    // The code that turned it on is used, and so is every earlier one.
    let used = finish(&mut browser, &word, &code(&shop, &page)).await;
    assert_eq!(used.status, 422, "{}", used.html);
    shop.advance(Span::seconds(30)).await;
    let next = code(&shop, &page);
    let inside = finish(&mut browser, &word, &next).await;
    assert_eq!((inside.status, inside.location()), (303, "/admin"), "{}", inside.html);
    assert_eq!(browser.open("/admin/me").await.status, 200);
    let replayed = finish(&mut Browser::on(&shop), &word, &next).await;
    assert_eq!(replayed.status, 422, "{}", replayed.html);
    // A recovery code opens once; and a word is good for five minutes.
    let recovery = finish(&mut Browser::on(&shop), &word, &codes[3].to_uppercase()).await;
    assert_eq!(recovery.status, 303, "{}", recovery.html);
    assert_eq!(finish(&mut Browser::on(&shop), &word, codes[3]).await.status, 422);
    assert_eq!(member(&shop, &row).await.recovery.len(), 7);
    shop.advance(Span::minutes(5)).await;
    assert_eq!(finish(&mut Browser::on(&shop), &word, codes[4]).await.status, 422);
    // It is turned off by a code, and then the password is enough.
    let off = owner.send("/admin/me/second-factor/off", &[("code", codes[5])]).await;
    assert_eq!((off.status, off.location()), (303, "/admin/me"), "{}", off.html);
    assert_eq!(enter(&mut browser, OWNER, CLERK_PASSWORD).await.status, 303);
}

#[tokio::test]
async fn codes_are_not_guessed() {
    let shop = Shop::open().await;
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    owner.send("/admin/me/second-factor", &[]).await;
    let page = owner.open("/admin/me/second-factor").await;
    owner.send("/admin/me/second-factor/on", &[("code", &code(&shop, &page))]).await;
    let mut browser = Browser::on(&shop);
    let word = enter(&mut browser, OWNER, CLERK_PASSWORD).await.input("word").to_owned();
    for _ in 0..10 {
        let form = [("word", word.as_str()), ("code", "12 34")];
        assert_eq!(browser.send("/admin/sign-in/code", &form).await.status, 422);
    }
    shop.advance(Span::seconds(60)).await;
    let right = code(&shop, &page);
    let page = browser.send("/admin/sign-in/code", &[("word", &word), ("code", &right)]).await;
    assert_eq!(page.status, 429, "{}", page.html);
}

#[tokio::test]
async fn where_a_second_factor_is_required_it_is_set_up_first() {
    let mut settings = settings();
    settings.second_factor = SecondFactor::Required;
    let shop = Shop::open_with(settings).await;
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    assert_eq!(owner.open("/admin").await.location(), "/admin/me/second-factor");
    owner.send("/admin/me/second-factor", &[]).await;
    let page = owner.open("/admin/me/second-factor").await;
    assert!(page.html.contains("requires a second factor"), "{}", page.html);
    owner.send("/admin/me/second-factor/on", &[("code", &code(&shop, &page))]).await;
    assert_ne!(owner.open("/admin").await.location(), "/admin/me/second-factor");
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let shop = Shop::open().await;
    let (mut owner, row) = shop.clerk(StaffRole::Owner).await;
    let page = owner.send_from("cross-site", "/admin/me/second-factor", &[]).await;
    assert_eq!(page.status, 403);
    assert!(page.html.contains("from another site"), "{}", page.html);
    assert_eq!(member(&shop, &row).await.factor_issue, 0);
}
