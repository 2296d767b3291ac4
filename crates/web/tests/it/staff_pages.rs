//! The console of the vendor's staff: coming in, staying out, and who may do what.

#![expect(clippy::too_many_lines, reason = "a way through several pages is told in one piece")]

use std::collections::BTreeSet;

use scrip_domain::refund_request::RefundPolicy;
use scrip_domain::settings::{SecondFactor, Threshold};
use scrip_domain::staff::{Power, StaffMember, StaffRole};
use scrip_domain::visibility::Level;
use scrip_domain::{Amount, Span};
use scrip_engine::Staff;
use scrip_engine::staff::Invitee;
use scrip_testkit::{Answer, Browser, CLERK_PASSWORD, Page, Shop, settings};
use serde_json::{Value, json};

use crate::routes::console;

const OWNER: &str = "owner@shop.test";

async fn enter(browser: &mut Browser<'_>, email: &str, password: &str) -> Page {
    browser.send("/admin/sign-in", &[("email", email), ("password", password)]).await
}

/// A call with the administrator's key.
async fn ask(shop: &Shop, method: &str, path: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {}", shop.admin);
    shop.send(method, path, &[("authorization", &authorization)], body).await
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
    let lost = browser.send("/admin/me/password", &[("password", "x")]).await;
    let page = browser.open(lost.location()).await;
    assert!(page.html.contains("what you sent was not done"), "{}", page.html);
    assert_eq!(enter(&mut browser, OWNER, CLERK_PASSWORD).await.status, 303);
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
        assert_eq!(shop.send("GET", "/admin/me", &cookie, Value::Null).await.status, 303);
    }
    let page = enter(&mut owner, OWNER, CLERK_PASSWORD).await;
    let cookie = page.answer.header("set-cookie").to_owned();
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    let answer = shop.get("/v1/account", token).await;
    assert_eq!((answer.status, answer.code()), (401, "invalid_credentials"));
    let answer = shop.get("/v1/admin/settings", token).await;
    assert_eq!((answer.status, answer.code()), (401, "invalid_credentials"));
    let bought = format!("__Host-scrip-{vendor}={token}");
    let answer = shop.send("GET", "/wallet", &[("cookie", &bought)], Value::Null).await;
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
    assert!(page.html.contains("id=\"old-error\">This is not your password"), "{}", page.html);
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
    assert!(!member(&shop, &row).await.factor.is_on(), "it counts when a code was seen");
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
    assert_eq!(member(&shop, &row).await.factor.recovery.len(), 7);
    shop.advance(Span::minutes(5)).await;
    assert_eq!(finish(&mut Browser::on(&shop), &word, codes[4]).await.status, 422);
    // It is turned off by a code, and then the password is enough.
    let off = owner.send("/admin/me/second-factor/off", &[("code", codes[5])]).await;
    assert_eq!((off.status, off.location()), (303, "/admin/me"), "{}", off.html);
    assert_eq!(enter(&mut browser, OWNER, CLERK_PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_second_factor_ends_what_the_password_alone_has_opened() {
    let shop = Shop::open().await;
    let (mut owner, row) = shop.clerk(StaffRole::Owner).await;
    let mut elsewhere = Browser::on(&shop);
    assert_eq!(enter(&mut elsewhere, OWNER, CLERK_PASSWORD).await.status, 303);
    owner.send("/admin/me/second-factor", &[]).await;
    let page = owner.open("/admin/me/second-factor").await;
    owner.send("/admin/me/second-factor/on", &[("code", "000000")]).await;
    assert_eq!(elsewhere.open("/admin/me").await.status, 200, "a wrong code ends nothing");
    let series = member(&shop, &row).await.series;
    owner.send("/admin/me/second-factor/on", &[("code", &code(&shop, &page))]).await;
    assert_eq!(elsewhere.open("/admin/me").await.status, 303);
    assert_eq!(owner.open("/admin/me").await.status, 200, "who did it goes on");
    assert_eq!(member(&shop, &row).await.series, series + 1);
    let again = owner.send("/admin/me/second-factor/on", &[("code", &code(&shop, &page))]).await;
    assert_eq!(again.status, 404, "it is on: {}", again.html);
    assert_eq!(owner.open("/admin/me").await.status, 200);
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
    assert_eq!(member(&shop, &row).await.factor.issue, 0);
}

#[tokio::test]
async fn nobody_is_led_to_what_is_not_theirs() {
    let shop = Shop::open().await;
    let sections = ["/admin/staff", "/admin/keys", "/admin/settings", "/admin/webhooks"];
    for role in StaffRole::ALL {
        let (mut browser, _) = shop.clerk(*role).await;
        let home = browser.open("/admin/audit").await;
        for path in sections {
            let linked = home.html.contains(&format!("href=\"{path}\""));
            assert_eq!(linked, role.has(Power::Settings), "{role} is led to {path}");
        }
    }
}

#[tokio::test]
async fn an_owner_invites_changes_and_ends_people() {
    let shop = Shop::open().await;
    let (mut owner, boss) = shop.clerk(StaffRole::Owner).await;
    let form = |email, name, role| [("email", email), ("name", name), ("role", role)];
    for (email, name, role, wrong) in [
        ("bea", "Bea", "support", "id=\"email-error\""),
        ("bea@shop.test", " ", "support", "id=\"name-error\""),
        ("bea@shop.test", "Bea", "boss", "Choose one"),
    ] {
        let page = owner.send("/admin/staff", &form(email, name, role)).await;
        assert_eq!(page.status, 400, "{wrong}");
        assert!(page.html.contains(wrong), "{wrong}: {}", page.html);
    }
    let page = owner.send("/admin/staff", &form(" Bea@shop.test", "Bea <b>", "support")).await;
    assert_eq!(page.status, 200);
    assert!(page.html.contains("Bea &lt;b&gt;"), "{}", page.html);
    let link = page.html.split("/admin/welcome?token=").nth(1).unwrap();
    let token = link.split('<').next().unwrap().to_owned();
    let taken = owner.send("/admin/staff", &form("bea@SHOP.test", "Bea", "finance")).await;
    assert_eq!(taken.status, 409);
    assert!(taken.html.contains("has this address"), "{}", taken.html);
    let roster = owner.open("/admin/staff").await;
    assert!(roster.html.contains("invited") && !roster.html.contains(&token), "{}", roster.html);

    let mut bea = Browser::on(&shop);
    let join = [("token", token.as_str()), ("password", CLERK_PASSWORD), ("again", CLERK_PASSWORD)];
    bea.send("/admin/welcome", &join).await;
    assert_eq!(bea.open("/admin/staff").await.status, 403);
    let row = shop.app.engine.store().staff_login("bea@shop.test").await.unwrap().unwrap();
    let at = |verb: &str| format!("/admin/staff/{}{verb}", row.member);
    assert_eq!(owner.open(&at("")).await.status, 200);
    let page = owner.send(&at("/role"), &[("role", "king")]).await;
    assert_eq!(page.status, 400, "{}", page.html);
    let page = owner.send(&at("/role"), &[("role", "owner")]).await;
    assert_eq!((page.status, page.location()), (303, at("").as_str()));
    assert_eq!(bea.open("/admin/staff").await.status, 200, "a role works at once");

    // A reset takes the password away, and the session; the new link brings both back.
    let page = owner.send(&at("/reset"), &[]).await;
    let link = page.html.split("/admin/welcome?token=").nth(1).unwrap();
    let token = link.split('<').next().unwrap();
    assert_eq!(bea.open("/admin/me").await.status, 303);
    assert_eq!(enter(&mut bea, "bea@shop.test", CLERK_PASSWORD).await.status, 422);
    let join = [("token", token), ("password", CLERK_PASSWORD), ("again", CLERK_PASSWORD)];
    assert_eq!(bea.send("/admin/welcome", &join).await.status, 303);
    assert_eq!(bea.open("/admin/me").await.status, 200);

    let page = owner.send(&at("/end"), &[]).await;
    assert_eq!((page.status, page.location()), (303, "/admin/staff"));
    assert_eq!(bea.open("/admin/me").await.status, 303, "her session ends with her");
    assert_eq!(enter(&mut bea, "bea@shop.test", CLERK_PASSWORD).await.status, 422);
    assert_eq!(owner.send(&at("/role"), &[("role", "owner")]).await.status, 404);
    assert_eq!(owner.send(&at("/end"), &[]).await.status, 303, "again changes nothing");
    // The last owner stays, by whatever hand.
    for (verb, fields) in [("role", &[("role", "finance")][..]), ("end", &[])] {
        let page = owner.send(&format!("/admin/staff/{}/{verb}", boss.id), fields).await;
        assert_eq!(page.status, 409, "{}", page.html);
        assert!(page.html.contains("This is the last owner"), "{}", page.html);
    }
    assert_eq!(owner.open("/admin/staff").await.status, 200);
    let again = owner.send("/admin/staff", &form("bea@shop.test", "Bea", "support")).await;
    assert_eq!(again.status, 200, "the address is free: {}", again.html);
}

#[tokio::test]
async fn the_log_names_the_person_and_is_found_by_subject() {
    let shop = Shop::open().await;
    let (mut owner, row) = shop.clerk(StaffRole::Owner).await;
    let once = owner.open("/admin/keys").await.input("key").to_owned();
    let form = [("key", &*once), ("label", "till <1>"), ("catalog", "yes"), ("metrics", "yes")];
    let page = owner.send("/admin/keys", &form).await;
    assert_eq!(page.status, 200);
    let token = page.html.split("<code class=\"big\" id=\"secret\">").nth(1).unwrap();
    let token = token.split('<').next().unwrap();
    let key = token.split('.').next().unwrap();
    assert_eq!(shop.get("/v1/admin/products", token).await.status, 200);
    let log = shop.get("/v1/admin/audit?limit=1", &shop.admin).await;
    let act = &log.json["data"][0];
    assert_eq!((act["act"].as_str(), act["subject"].as_str()), (Some("api_key.made"), Some(key)));
    assert_eq!(act["actor"], row.id.to_string());
    let page = owner.open(&format!("/admin/audit?subject={key}")).await;
    assert!(page.html.contains("The owner") && page.html.contains("api_key.made"), "{}", page.html);
    assert!(page.html.contains("till &lt;1&gt;") && !page.html.contains("staff.joined"));
    let page = owner.open("/admin/audit").await;
    for word in ["staff.joined", "the command line on the server", "api_key.made"] {
        assert!(page.html.contains(word), "{word}");
    }
    let page = owner.send(&format!("/admin/keys/{key}/revoke"), &[]).await;
    assert_eq!((page.status, page.location()), (303, "/admin/keys"));
    assert_eq!(shop.get("/v1/admin/products", token).await.status, 401);
    assert!(owner.open("/admin/keys").await.html.contains("revoked"));
    // A page of the log ends, and the next one begins there.
    for number in 0..30 {
        let label = format!("key {number}");
        let once = owner.open("/admin/keys").await.input("key").to_owned();
        let form = [("key", &*once), ("label", &*label), ("metrics", "yes")];
        assert_eq!(owner.send("/admin/keys", &form).await.status, 200);
    }
    let page = owner.open("/admin/audit?subject=").await;
    let next = page.html.split("after=").nth(1).unwrap().split('"').next().unwrap();
    let second = owner.open(&format!("/admin/audit?subject=&after={next}")).await;
    assert!(second.html.contains("staff.joined") && !second.html.contains("Older"));
    assert_eq!(owner.open("/admin/audit?after=nothing").await.status, 404);
}

#[tokio::test]
async fn keys_are_made_with_scopes_that_fit() {
    let shop = Shop::open().await;
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    shop.buyer("ada@example.com", 0).await;
    let account = shop.get("/v1/admin/accounts", &shop.admin).await.json;
    let account = account["data"][0]["id"].as_str().unwrap();
    let once = owner.open("/admin/keys").await.input("key").to_owned();
    for (fields, wrong) in [
        (&[("label", ""), ("admin", "yes")][..], "id=\"label-error\""),
        (&[("label", "x")][..], "At least one scope"),
        (&[("label", "x"), ("read", "yes")][..], "The scope read needs an account"),
        (
            &[("label", "x"), ("admin", "yes"), ("account", account)][..],
            "cannot have the scope admin",
        ),
        (&[("label", "x"), ("read", "yes"), ("account", "acc_x")][..], "There is no such account"),
    ] {
        let page = owner.send("/admin/keys", &[fields, &[("key", &*once)]].concat()).await;
        assert_eq!(page.status, 400, "{wrong}");
        assert!(page.html.contains(wrong), "{wrong}: {}", page.html);
    }
    let form = [("key", &*once), ("label", "hers"), ("read", "yes"), ("account", account)];
    assert_eq!(owner.send("/admin/keys", &form).await.status, 200);
    let page = owner.open("/admin/keys").await;
    assert!(page.html.contains("hers") && page.html.contains(account), "{}", page.html);
    // Here keys have no home: a new one would be lost.
    let page = owner.send("/admin/keys/rotate", &[("purpose", "license")]).await;
    assert_eq!(page.status, 409, "{}", page.html);
    assert_eq!(owner.open("/admin/keys/rotate?purpose=webhook").await.status, 400);
    assert!(owner.open("/admin/keys/rotate?purpose=protocol").await.html.contains("Leave it"));
}

/// The fields of a form as the page shows them, by the form's address.
fn filled(page: &Page, action: &str) -> Vec<(String, String)> {
    let form = page.html.split(&format!("action=\"{action}\"")).nth(1).unwrap();
    let form = form.split("</form>").next().unwrap();
    let attribute = |tag: &str, name: &str| {
        let value = tag.split(&format!(" {name}=\"")).nth(1)?;
        Some(value.split('"').next()?.replace("&quot;", "\"").replace("&amp;", "&"))
    };
    let mut fields = Vec::new();
    for tag in form.split('<').skip(1) {
        let Some(name) = attribute(tag, "name") else { continue };
        let unticked = tag.contains("type=\"radio\"") || tag.contains("type=\"checkbox\"");
        if tag.starts_with("textarea") {
            fields.push((name, tag.split('>').nth(1).unwrap_or_default().to_owned()));
        } else if tag.starts_with("input") && (!unticked || tag.contains(" checked")) {
            fields.push((name, attribute(tag, "value").unwrap_or_default()));
        }
    }
    fields
}

const GROUPS: [&str; 14] = [
    "name",
    "flow",
    "threshold",
    "visibility",
    "registration",
    "prices",
    "packs",
    "limits",
    "credit",
    "offline",
    "mail",
    "terms",
    "refunds",
    "staff",
];

#[test]
fn every_form_of_a_setting_is_tried() {
    let alone = ["look", "legal", "preview"];
    let words = console().into_iter().filter_map(|route| route.strip_prefix("/admin/settings/"));
    let words = words.filter(|word| !word.contains('/') && !alone.contains(word));
    assert_eq!(words.collect::<BTreeSet<_>>(), BTreeSet::from(GROUPS));
}

#[tokio::test]
async fn settings_that_are_sent_as_shown_stay_as_they_are() {
    let shop = Shop::open().await;
    let euro = |amount: u64| json!({ "amount": amount, "unit": "EUR" });
    let aur = |amount: u64| json!({ "amount": amount, "unit": "AUR" });
    let body = json!({
        "name": "A \"quoted\" & shop", "flow": "members_only",
        "threshold": { "policy": "fixed", "amount": aur(500) },
        "visibility": { "price": "funded", "files": "covered" }, "registration": ["name", "phone"],
        "packs": [{ "tokens": aur(10_000), "pay": euro(9_000) }, { "tokens": aur(50), "pay": euro(50) }],
        "prices": [{ "tokens": aur(100), "money": { "amount": 160, "unit": "JPY" } }],
        "top_up_limits": { "min": aur(100) },
        "credit": { "review_above": aur(70_000), "top_ups_per_day": 3, "freeze_disputed": true,
            "review_younger_than_hours": 24, "seasoning": { "card_hours": 5 } },
        "offline_instructions": "Transfer.\nName it.", "terms_version": "2026-11",
        "mail": { "staff": "staff@example.com", "digest_below": aur(150), "verify": true },
        "refund_policy": { "days": 14, "opened": true, "at_once": true },
    });
    let answer = ask(&shop, "PATCH", "/v1/admin/settings", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let before = shop.app.engine.vendor().await.unwrap().settings.clone();
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let page = owner.open("/admin/settings").await;
    for group in GROUPS {
        let action = format!("/admin/settings/{group}");
        let fields = filled(&page, &action);
        assert!(!fields.is_empty(), "{group}");
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let sent = owner.send(&action, &fields).await;
        let saved = format!("/admin/settings?saved={group}#{group}");
        assert_eq!((sent.status, sent.location()), (303, saved.as_str()), "{group}: {}", sent.html);
        assert_eq!(shop.app.engine.vendor().await.unwrap().settings, before, "{group}");
    }
}

#[tokio::test]
async fn each_setting_is_changed_by_its_form_and_mistakes_are_named() {
    let shop = Shop::open().await;
    let (mut owner, row) = shop.clerk(StaffRole::Owner).await;
    let settings = async || shop.app.engine.vendor().await.unwrap().settings.clone();
    let page = owner.open("/admin/settings").await;
    let credit = filled(&page, "/admin/settings/credit");
    // (the form, a field, what is typed, what the page says where it is wrong)
    for (group, field, typed, wrong) in [
        ("name", "name", " ", "id=\"name-error\""),
        ("name", "token_name", "", "id=\"token_name-error\""),
        ("name", "worth", "100", "id=\"worth-error\">Write it like"),
        ("name", "worth", "0 = 1.00 EUR", "id=\"worth-error\">A ratio with no zero in it"),
        ("flow", "flow", "sideways", "Choose one"),
        ("threshold", "policy", "none", "Choose one"),
        ("threshold", "policy", "fixed", "id=\"amount-error\">This is required"),
        ("visibility", "price", "nobody", "Choose one"),
        ("prices", "prices", "100 = 1 USD\nx", "Line 2: write it like"),
        ("prices", "prices", "100 = 1 EUR", "id=\"prices-error\">A currency that has no price yet"),
        (
            "packs",
            "packs",
            "100 = 1 USD",
            "id=\"packs-error\">A currency that tokens are sold in: EUR",
        ),
        ("limits", "min", "-1", "id=\"min-error\">A number of AUR"),
        ("limits", "max", "0", "id=\"max-error\">Above zero"),
        ("credit", "review_above", "1.001", "id=\"review_above-error\">A number of AUR"),
        ("credit", "top_ups_per_day", "1.5", "id=\"top_ups_per_day-error\">A whole number"),
        ("credit", "card_hours", "", "id=\"card_hours-error\">This is required"),
        ("credit", "doubtful_hours", "87601", "id=\"doubtful_hours-error\">At most 87600"),
        ("offline", "offline_instructions", "\u{7}", "id=\"offline_instructions-error\""),
        ("terms", "terms_version", "", "id=\"terms_version-error\""),
        ("refunds", "refund_days", "x", "id=\"refund_days-error\">A whole number"),
        ("refunds", "refund_days", "3651", "id=\"refund_days-error\">0 to 3650"),
        ("mail", "mail_staff", "nobody", "id=\"mail_staff-error\">An e-mail address"),
        ("mail", "digest_below", "x", "id=\"digest_below-error\">A number of AUR"),
        ("staff", "second_factor", "three", "Choose one"),
    ] {
        let action = format!("/admin/settings/{group}");
        let mut fields = if group == "credit" { credit.clone() } else { filled(&page, &action) };
        fields.retain(|(name, _)| name != field);
        fields.push((field.to_owned(), typed.to_owned()));
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let before = settings().await;
        let sent = owner.send(&action, &fields).await;
        assert_eq!(sent.status, 400, "{group} {field} {typed}");
        assert!(sent.html.contains(wrong), "{group} {field} {typed}: {}", sent.html);
        assert_eq!(settings().await, before);
    }
    let send = async |owner: &mut Browser<'_>, group: &str, fields: &[(&str, &str)]| {
        let sent = owner.send(&format!("/admin/settings/{group}"), fields).await;
        assert_eq!(sent.status, 303, "{group}: {}", sent.html);
    };
    let name = [("name", "Belle Isle"), ("token_name", "Bell"), ("worth", "200 = 1.00 EUR")];
    send(&mut owner, "name", &name).await;
    send(&mut owner, "threshold", &[("policy", "fixed"), ("amount", "12.5")]).await;
    send(&mut owner, "flow", &[("flow", "register_first")]).await;
    send(&mut owner, "prices", &[("prices", "100 = 1.10 USD\r\n\r\n100 = 160 JPY")]).await;
    send(&mut owner, "packs", &[("packs", "1000 = 9.00 EUR")]).await;
    send(&mut owner, "limits", &[("min", "1"), ("max", "")]).await;
    send(&mut owner, "registration", &[("phone", "yes")]).await;
    send(&mut owner, "terms", &[("terms_version", "2")]).await;
    send(&mut owner, "offline", &[("offline_instructions", "Transfer")]).await;
    send(&mut owner, "refunds", &[("refund_days", "14"), ("at_once", "yes")]).await;
    send(&mut owner, "mail", &[("mail_staff", "staff@example.com"), ("digest_below", "1.50")])
        .await;
    let after = settings().await;
    assert_eq!(
        (after.mail.staff.as_str(), after.mail.digest_below.units()),
        ("staff@example.com", 150)
    );
    assert!(!after.mail.verify);
    assert_eq!(after.refund_policy, RefundPolicy { days: 14, opened: false });
    assert!(after.refunds_at_once);
    send(&mut owner, "refunds", &[("refund_days", ""), ("opened", "yes")]).await;
    let none = settings().await;
    assert_eq!(none.refund_policy, RefundPolicy { days: 0, opened: true });
    assert!(!none.refunds_at_once);
    assert_eq!((after.name.as_str(), after.token.name.as_str()), ("Belle Isle", "Bell"));
    assert_eq!(after.token.unit_value.tokens.units(), 20_000);
    assert_eq!(after.threshold, Threshold::Fixed { amount: Amount::new(1250).unwrap() });
    assert_eq!((after.prices.len(), after.packs.len(), after.registration.len()), (2, 1, 1));
    assert_eq!(
        (after.terms_version.as_str(), after.offline_instructions.as_str()),
        ("2", "Transfer")
    );
    let log = shop.get("/v1/admin/audit?limit=20", &shop.admin).await.json;
    let mut acts = log["data"].as_array().unwrap().iter();
    let told = acts.find(|act| act["changes"]["offline_instructions"]["to"] == "Transfer").unwrap();
    assert_eq!(told["actor"], row.id.to_string());
    send(&mut owner, "staff", &[("second_factor", "required")]).await;
    assert_eq!(owner.open("/admin/settings").await.location(), "/admin/me/second-factor");
}

#[tokio::test]
async fn the_preview_hides_what_the_shop_hides() {
    let mut settings = settings();
    settings.visibility.price = Some(Level::Funded);
    settings.visibility.description = Some(Level::Member);
    let shop = Shop::open_with(settings).await;
    shop.service("tuning", 250).await;
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    for (who, price, description) in
        [("visitor", false, false), ("member", false, true), ("funded", true, true)]
    {
        let list = owner.open(&format!("/admin/settings/preview?as={who}")).await;
        assert_eq!(
            list.html.contains("<span class=\"sum\">2.50 AUR"),
            price,
            "{who}: {}",
            list.html
        );
        assert_eq!(list.html.contains("Shown to: funded members."), !price, "{who}");
        let to = format!("/admin/products/tuning/preview?as={who}");
        assert!(list.html.contains(&to), "{who}: {}", list.html);
        let hidden = owner.open(&to).await.html.contains("Hidden: description. Shown to: members.");
        assert_eq!(hidden, !description, "{who}");
    }
    let page = owner.open("/admin/settings/preview?as=owner").await;
    assert_eq!(page.status, 400);
    let accounts = shop.get("/v1/admin/accounts", &shop.admin).await.json;
    assert_eq!(accounts["data"], json!([]), "nobody was made up in the books");
    owner.send("/admin/settings/flow", &[("flow", "members_only")]).await;
    let page = owner.open("/admin/settings/preview?as=visitor").await;
    assert!(page.html.contains("They see nothing"), "{}", page.html);
}

/// The same verbs for programs.
#[tokio::test]
async fn staff_are_kept_through_the_api_too() {
    let shop = Shop::open().await;
    let body = json!({ "email": "bea@shop.test", "name": "Bea", "role": "owner" });
    let made = shop.post("/v1/admin/staff", &shop.admin, "", body.clone()).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{made:?}");
    let link = made.json["invitation"].as_str().unwrap();
    assert!(link.starts_with("http://shop.test/admin/welcome?token=scrip_"), "{link}");
    let (id, state) = (made.json["id"].as_str().unwrap(), &made.json["state"]);
    assert_eq!((state.as_str(), made.json["joined_at"].is_null()), (Some("invited"), true));
    let taken = shop.post("/v1/admin/staff", &shop.admin, "", body).await;
    assert_eq!((taken.status, taken.code()), (409, "email_taken"));
    assert_eq!(taken.json["errors"][0]["field"], "email");
    for (field, value) in [("email", "bea"), ("name", " "), ("role", "king")] {
        let mut body = json!({ "email": "x@shop.test", "name": "X", "role": "support" });
        body[field] = json!(value);
        let answer = shop.post("/v1/admin/staff", &shop.admin, "", body).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_field"), "{field}");
        assert_eq!(answer.json["errors"][0]["field"], field);
    }
    let token = link.split("token=").nth(1).unwrap();
    let join = [("token", token), ("password", CLERK_PASSWORD), ("again", CLERK_PASSWORD)];
    let mut bea = Browser::on(&shop);
    bea.send("/admin/welcome", &join).await;
    let path = format!("/v1/admin/staff/{id}");
    let role = |role: &str| json!({ "role": role });
    let last = ask(&shop, "PATCH", &path, role("finance")).await;
    assert_eq!((last.status, last.code()), (409, "last_owner"));
    let last = ask(&shop, "DELETE", &path, Value::Null).await;
    assert_eq!((last.status, last.code()), (409, "last_owner"));
    shop.clerk(StaffRole::Owner).await;
    let changed = ask(&shop, "PATCH", &path, role("finance")).await;
    assert_eq!((changed.status, changed.json["role"].as_str()), (200, Some("finance")));
    let reset = shop.post(&format!("{path}/reset"), &shop.admin, "", Value::Null).await;
    assert_eq!((reset.status, reset.json["state"].as_str()), (200, Some("invited")), "{reset:?}");
    assert_eq!(bea.open("/admin/me").await.status, 303);
    let ended = ask(&shop, "DELETE", &path, Value::Null).await;
    assert_eq!((ended.status, ended.json["state"].as_str()), (200, Some("ended")));
    let list = shop.get("/v1/admin/staff", &shop.admin).await.json;
    let names: Vec<_> = list["data"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["The owner", "Bea"]);
    let nobody = "/v1/admin/staff/stf_0000000000001";
    assert_eq!(ask(&shop, "DELETE", nobody, Value::Null).await.status, 404);
    let buyer = shop.buyer("ada@example.com", 0).await;
    assert_eq!(shop.get("/v1/admin/staff", &buyer).await.status, 403);
}
