//! A buyer's second factor: set up, asked for, used once, taken away; and what a mailbox alone cannot do.

use scrip_domain::Span;
use scrip_domain::staff::StaffRole;
use scrip_testkit::{Answer, Browser, Place, Shop, settings, told_after};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const PASSWORD: &str = "correct horse";
const PATH: &str = "/v1/account/second-factor";

async fn sign_in(shop: &Shop, otp: Option<&str>) -> Answer {
    let body = json!({ "email": ADA, "password": PASSWORD, "otp": otp });
    shop.post("/v1/sessions", "", "", body).await
}

fn code(shop: &Shop, secret: &str) -> String {
    scrip_testkit::totp(secret, shop.clock.as_ref())
}

/// Turns it on. Gives the secret and the recovery codes.
async fn turn_on(shop: &Shop, session: &str) -> (String, Vec<String>) {
    let begun = shop.post(PATH, session, "", json!({ "password": PASSWORD })).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let secret = begun.at("/secret").to_owned();
    assert!(begun.at("/uri").contains(&secret), "{begun:?}");
    let confirmed = confirm(shop, session, &code(shop, &secret)).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    let codes = confirmed.json["recovery_codes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    (secret, codes)
}

async fn confirm(shop: &Shop, session: &str, otp: &str) -> Answer {
    shop.post(&format!("{PATH}/confirm"), session, "", json!({ "otp": otp })).await
}

async fn remove(shop: &Shop, session: &str, password: &str, otp: &str) -> Answer {
    let bearer = format!("Bearer {session}");
    let body = json!({ "password": password, "otp": otp });
    shop.send("DELETE", PATH, &[("authorization", &bearer)], body).await
}

async fn is_on(shop: &Shop, session: &str) -> bool {
    shop.get("/v1/account", session).await.json["second_factor"] == true
}

#[tokio::test]
async fn it_is_asked_for_after_the_right_password_and_each_code_opens_once() {
    let shop = Shop::open().await;
    let session = shop.buyer(ADA, 0).await;
    let other = sign_in(&shop, None).await.at("/token").to_owned();
    shop.run_mail().await;
    let wrong = shop.post(PATH, &session, "", json!({ "password": "wrong horse" })).await;
    assert_eq!((wrong.status, wrong.code()), (401, "invalid_credentials"));
    assert_eq!(confirm(&shop, &session, "123456").await.status, 404, "nothing was begun");
    let (secret, codes) = turn_on(&shop, &session).await;
    assert_eq!(codes.len(), 8);
    assert!(is_on(&shop, &session).await);
    assert_eq!(shop.get("/v1/account", &other).await.status, 401, "every other session ends");
    let told = shop.run_mail().await;
    assert_eq!(told[0].words.subject, "Your second factor is on");
    let again = shop.post(PATH, &session, "", json!({ "password": PASSWORD })).await;
    assert_eq!((again.status, again.code()), (404, "not_found"), "it is on");

    let body = json!({ "email": ADA, "password": "wrong horse" });
    assert_eq!(shop.post("/v1/sessions", "", "", body).await.code(), "invalid_credentials");
    let asked = sign_in(&shop, None).await;
    assert_eq!((asked.status, asked.code()), (401, "second_factor_required"));
    let long = sign_in(&shop, Some(&"0".repeat(41))).await;
    assert_eq!((long.status, long.at("/errors/0/field")), (400, "otp"), "{long:?}");
    let used = sign_in(&shop, Some(&code(&shop, &secret))).await;
    assert_eq!((used.status, used.code()), (401, "invalid_credentials"), "it turned it on");
    shop.advance(Span::seconds(30)).await;
    let next = code(&shop, &secret);
    assert_eq!(sign_in(&shop, Some(&next)).await.status, 201);
    assert_eq!(sign_in(&shop, Some(&next)).await.status, 401, "once");
    assert_eq!(sign_in(&shop, Some(&codes[0].to_uppercase())).await.status, 201);
    assert_eq!(sign_in(&shop, Some(&codes[0])).await.status, 401, "once");
    for _ in 0..10 {
        sign_in(&shop, Some("000000")).await;
    }
    assert_eq!(sign_in(&shop, Some(&codes[1])).await.status, 429, "codes are not guessed");
    shop.advance(Span::minutes(6)).await;
    assert_eq!(sign_in(&shop, Some(&codes[1])).await.status, 201);
    shop.sound().await;
}

#[tokio::test]
async fn it_is_turned_off_by_password_and_code_and_not_by_a_mailbox() {
    let shop = Shop::open().await;
    let session = shop.buyer(ADA, 0).await;
    let (_, codes) = turn_on(&shop, &session).await;
    shop.run_mail().await;
    let reset = shop.post("/v1/password-resets", "", "", json!({ "email": ADA })).await;
    assert_eq!(reset.status, 202);
    let token = told_after(&shop.run_mail().await[0], "?token=").to_owned();
    let body = json!({ "token": token, "password": PASSWORD });
    assert_eq!(shop.post("/v1/password-resets/complete", "", "", body).await.status, 204);
    assert_eq!(sign_in(&shop, None).await.code(), "second_factor_required");
    let session = sign_in(&shop, Some(&codes[0])).await.at("/token").to_owned();
    let wrong = remove(&shop, &session, "wrong horse", &codes[1]).await;
    assert_eq!((wrong.status, wrong.code()), (401, "invalid_credentials"));
    let wrong = remove(&shop, &session, PASSWORD, &codes[0]).await;
    assert_eq!((wrong.status, wrong.at("/errors/0/field")), (400, "otp"), "it was used");
    assert_eq!(remove(&shop, &session, PASSWORD, &codes[1]).await.status, 204);
    assert_eq!(remove(&shop, &session, PASSWORD, &codes[2]).await.status, 404, "it is off");
    assert_eq!(sign_in(&shop, None).await.status, 201);
    let told = shop.run_mail().await;
    assert_eq!(told.last().unwrap().words.subject, "Your second factor is off");
    shop.sound().await;
}

#[tokio::test]
async fn pages_set_it_up_ask_for_it_and_make_no_key_without_it() {
    let shop = Shop::open().await;
    shop.buyer(ADA, 0).await;
    let mut browser = Browser::on(&shop);
    let right = [("email", ADA), ("password", PASSWORD), ("next", "/library")];
    browser.send("/sign-in", &right).await;
    let page = browser.open("/account/second-factor").await;
    assert!(!page.html.contains("secret="), "{}", page.html);
    let page = browser.send("/account/second-factor", &[("password", "wrong horse")]).await;
    assert!(page.status == 400 && page.html.contains("This is not your password"), "{}", page.html);
    let page = browser.send("/account/second-factor", &[("password", PASSWORD)]).await;
    assert!(page.html.contains("<svg class=\"qr\""), "{}", page.html);
    let secret = page.html.split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let page = browser.send("/account/second-factor/on", &[("code", "000000")]).await;
    assert!(page.status == 400 && page.html.contains("code-error"), "{}", page.html);
    assert!(!page.html.contains("secret="), "nobody learns it by a wrong code: {}", page.html);
    let page = browser.send("/account/second-factor/on", &[("code", &code(&shop, &secret))]).await;
    assert_eq!(page.status, 200, "{}", page.html);
    let codes: Vec<_> = page.html.split("<li><code>").skip(1).collect();
    let codes: Vec<_> = codes.iter().map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(codes.len(), 8);
    assert!(browser.open("/account").await.html.contains("Turn the second factor off"));

    let mut there = Browser::on(&shop);
    let half = there.send("/sign-in", &right).await;
    assert_eq!(half.status, 200, "{}", half.html);
    assert_eq!(there.open("/account").await.status, 303, "half way is not in");
    let (word, next) = (half.input("word").to_owned(), half.input("next").to_owned());
    let wrong = [("word", &*word), ("code", "123 456"), ("next", &*next)];
    assert_eq!(there.send("/sign-in/code", &wrong).await.status, 422);
    let right = [("word", &*word), ("code", codes[0]), ("next", &*next)];
    let inside = there.send("/sign-in/code", &right).await;
    assert_eq!((inside.status, inside.location()), (303, "/library"), "{}", inside.html);

    let form = there.open("/account/keys").await.input("key").to_owned();
    let what =
        [("key", form.as_str()), ("label", "till"), ("scope", "read"), ("password", PASSWORD)];
    let refused = there.send("/account/keys", &what).await;
    assert!(refused.status == 400 && refused.html.contains("code-error"), "{}", refused.html);
    let with = [&what[..], &[("code", codes[1])]].concat();
    let made = there.send("/account/keys", &with).await;
    assert!(made.status == 200 && made.html.contains("key_"), "{}", made.html);
    let off = [("password", PASSWORD), ("code", codes[2])];
    let page = there.send("/account/second-factor/off", &off).await;
    assert_eq!((page.status, page.location()), (303, "/account?done=factor"), "{}", page.html);
    shop.sound().await;
}

#[tokio::test]
async fn another_address_takes_a_code_as_well() {
    for mail in [true, false] {
        let shop = Shop::open_at(Place { mail, ..Place::default() }, settings()).await;
        let session = shop.buyer(ADA, 0).await;
        let (_, codes) = turn_on(&shop, &session).await;
        let ask = async |otp: Option<&str>| {
            let body = json!({ "email": "ada@example.org", "password": PASSWORD, "otp": otp });
            shop.post("/v1/account/email", &session, "", body).await
        };
        let without = ask(None).await;
        assert_eq!((without.status, without.at("/errors/0/field")), (400, "otp"), "{without:?}");
        assert_eq!(ask(Some(&codes[0])).await.status, if mail { 202 } else { 204 });
        assert_eq!(ask(Some(&codes[0])).await.status, 400, "once");
        let address = if mail { ADA } else { "ada@example.org" };
        assert_eq!(shop.get("/v1/account", &session).await.at("/email"), address);
        let mut browser = Browser::on(&shop);
        let half = browser.send("/sign-in", &[("email", address), ("password", PASSWORD)]).await;
        let (word, code) = (half.input("word").to_owned(), codes[1].as_str());
        browser.send("/sign-in/code", &[("word", &*word), ("code", code)]).await;
        assert!(browser.open("/account/email").await.html.contains("one-time-code"));
        let form = [("email", "ada@example.net"), ("password", PASSWORD)];
        let page = browser.send("/account/email", &form).await;
        assert!(page.status == 400 && page.html.contains("code-error"), "{}", page.html);
        let form = [&form[..], &[("code", &codes[2])]].concat();
        let page = browser.send("/account/email", &form).await;
        assert_eq!(page.status, if mail { 200 } else { 303 }, "{}", page.html);
        shop.sound().await;
    }
}

#[tokio::test]
async fn a_new_password_and_the_end_of_the_account_take_a_code_as_well() {
    let shop = Shop::open().await;
    let session = shop.buyer(ADA, 0).await;
    let (_, codes) = turn_on(&shop, &session).await;
    let bearer = format!("Bearer {session}");
    let change = async |otp: Option<&str>| {
        let body = json!({ "old": PASSWORD, "new": PASSWORD, "otp": otp });
        shop.post("/v1/account/password", &session, "", body).await
    };
    let erase = async |otp: Option<&str>| {
        let body = json!({ "password": PASSWORD, "otp": otp });
        shop.send("DELETE", "/v1/account", &[("authorization", &bearer)], body).await
    };
    for refused in [change(None).await, erase(None).await] {
        assert_eq!((refused.status, refused.at("/errors/0/field")), (400, "otp"), "{refused:?}");
    }
    assert_eq!(change(Some(&codes[0])).await.status, 204);
    for refused in [change(Some(&codes[0])).await, erase(Some(&codes[0])).await] {
        assert_eq!((refused.status, refused.at("/errors/0/field")), (400, "otp"), "once");
    }
    let mut browser = Browser::on(&shop);
    let half = browser.send("/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
    let word = half.input("word").to_owned();
    browser.send("/sign-in/code", &[("word", &*word), ("code", &codes[1])]).await;
    for (path, form) in [
        ("/account/password", &[("old", PASSWORD), ("new", PASSWORD)][..]),
        ("/account/erase", &[("password", PASSWORD)][..]),
    ] {
        assert!(browser.open(path).await.html.contains("one-time-code"));
        let page = browser.send(path, form).await;
        assert!(page.status == 400 && page.html.contains("code-error"), "{}", page.html);
    }
    let change = [("old", PASSWORD), ("new", PASSWORD), ("code", &codes[2])];
    let page = browser.send("/account/password", &change).await;
    assert!(page.html.contains("Your password was changed"), "{}", page.html);
    let page = browser.send("/account/erase", &[("password", PASSWORD), ("code", &codes[3])]).await;
    assert!(page.html.contains("The account is erased"), "{}", page.html);
    shop.sound().await;
}

#[tokio::test]
async fn staff_takes_it_away_from_who_has_lost_all_of_it() {
    let shop = Shop::open().await;
    let session = shop.buyer(ADA, 0).await;
    let account = shop.get("/v1/account", &session).await.at("/id").to_owned();
    turn_on(&shop, &session).await;
    shop.run_mail().await;
    let (mut support, _) = shop.clerk(StaffRole::Support).await;
    let path = format!("/admin/accounts/{account}");
    assert!(support.open(&path).await.html.contains("Take the second factor away"));
    let (mut finance, _) = shop.clerk(StaffRole::Finance).await;
    let why = [("reason", "Showed her passport")];
    assert_eq!(finance.send(&format!("{path}/second-factor"), &why).await.status, 403);
    let done = support.send(&format!("{path}/second-factor"), &why).await;
    assert_eq!(done.status, 303, "{}", done.html);
    assert_eq!(sign_in(&shop, None).await.status, 201);
    let told = shop.run_mail().await;
    assert_eq!(told[0].words.subject, "Your second factor was taken away");
    let audit = shop.get(&format!("/v1/admin/audit?subject={account}"), &shop.admin).await;
    assert_eq!(audit.at("/data/0/act"), "account.factor_reset", "{audit:?}");
    assert!(audit.json.to_string().contains("Showed her passport"), "{audit:?}");
    // Programs do the same; done again it changes nothing.
    turn_on(&shop, &session).await;
    let path = format!("/v1{path}/reset-second-factor");
    for _ in 0..2 {
        let reset = shop.post(&path, &shop.admin, "", Value::Null).await;
        assert_eq!((reset.status, &reset.json["second_factor"]), (200, &json!(false)));
    }
    shop.sound().await;
}

#[tokio::test]
async fn a_merchants_buyer_has_none() {
    let (shop, _) = Shop::merchant(settings()).await;
    let answer = shop.post(PATH, "", "", json!({ "password": PASSWORD })).await;
    assert_eq!((answer.status, answer.code()), (404, "not_found"));
    let without = Shop::open_at(Place { mail: false, ..Place::default() }, settings()).await;
    let session = without.buyer(ADA, 0).await;
    turn_on(&without, &session).await;
    assert!(is_on(&without, &session).await, "it needs no mail");
}
