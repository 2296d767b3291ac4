//! Another address for an account: with the password, proved by a link where mail is sent, at once where none is.

use scrip_domain::Span;
use scrip_engine::mail::Message;
use scrip_testkit::{Answer, Browser, Place, Shop, settings, told_after};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const NEW: &str = "ada@example.org";

async fn ask(shop: &Shop, session: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    shop.post("/v1/account/email", session, "", body).await
}

async fn sign_in(shop: &Shop, email: &str) -> u16 {
    let body = json!({ "email": email, "password": "correct horse" });
    shop.post("/v1/sessions", "", "", body).await.status
}

async fn open(shop: &Shop, message: &Message) -> Answer {
    let body = json!({ "token": told_after(message, "?token=") });
    shop.post("/v1/verifications", "", "", body).await
}

/// Whom the letters went to, and what they are called.
fn told(messages: &[Message]) -> Vec<(&str, &str)> {
    messages.iter().map(|one| (one.to.as_str(), one.words.subject.as_str())).collect()
}

#[tokio::test]
async fn a_new_address_counts_once_its_link_was_opened_and_ends_what_the_old_one_had() {
    let shop = Shop::open().await;
    let session = shop.buyer(ADA, 0).await;
    shop.run_mail().await;
    let reset = shop.post("/v1/password-resets", "", "", json!({ "email": ADA })).await;
    assert_eq!(reset.status, 202);
    let reset = shop.run_mail().await.remove(0);
    let mut browser = Browser::on(&shop);
    browser.send("/sign-in", &[("email", ADA), ("password", "correct horse")]).await;
    let wrong = [("email", NEW), ("password", "wrong horse")];
    let page = browser.send("/account/email", &wrong).await;
    assert!(page.html.contains("This is not your password."), "{}", page.html);
    let page = browser.send("/account/email", &[("email", "ada"), ("password", "x")]).await;
    assert!(page.html.contains("This is not an e-mail address."), "{}", page.html);
    let right = [("email", " Ada@Example.org "), ("password", "correct horse")];
    let page = browser.send("/account/email", &right).await;
    assert!(page.html.contains("The letter is on its way"), "{}", page.html);
    let letters = shop.run_mail().await;
    let expected = [
        ("Ada@Example.org", "Verify your new address for Aurora Instruments"),
        (ADA, "Your account is to have another address"),
    ];
    assert_eq!(told(&letters), expected);
    // Nothing has changed so far.
    assert_eq!((sign_in(&shop, ADA).await, sign_in(&shop, NEW).await), (201, 401));
    let account = shop.get("/v1/account", &session).await;
    assert_eq!((account.at("/email"), account.at("/new_email")), (ADA, "Ada@Example.org"));
    assert!(browser.open("/account").await.html.contains("takes its place when you open"));
    let link = told_after(&letters[0], "http://shop.test").to_owned();
    let page = browser.open(&link).await;
    assert!(page.html.contains("in the place of the old one"), "{}", page.html);
    let token = page.input("token").to_owned();
    let page = browser.send("/verify", &[("token", &token)]).await;
    assert!(page.status == 200 && page.html.contains("Ada@Example.org"), "{}", page.html);
    assert_eq!(told(&shop.run_mail().await), [(ADA, "Your account has another address")]);
    assert_eq!((sign_in(&shop, ADA).await, sign_in(&shop, NEW).await), (401, 201));
    assert_eq!(shop.get("/v1/account", &session).await.status, 401, "every other session ends");
    assert!(browser.open("/account").await.html.contains("Ada@Example.org"), "this one goes on");
    let again = shop.post("/v1/verifications", "", "", json!({ "token": token })).await;
    assert_eq!((again.status, again.at("/code")), (403, "link_refused"), "once");
    let body = json!({ "token": told_after(&reset, "?token="), "password": "another horse" });
    let old = shop.post("/v1/password-resets/complete", "", "", body).await;
    assert_eq!((old.status, old.at("/code")), (403, "link_refused"), "nor its links");
    // The old address is anybody's again.
    shop.buyer(ADA, 0).await;
    shop.sound().await;
}

#[tokio::test]
async fn only_the_last_link_counts_for_a_day_and_for_the_same_password() {
    let shop = Shop::open().await;
    let session = shop.buyer(ADA, 0).await;
    shop.run_mail().await;
    let mut links = Vec::new();
    for new in ["one@example.org", "two@example.org"] {
        assert_eq!(ask(&shop, &session, new, "correct horse").await.status, 202);
        links.push(shop.run_mail().await.remove(0));
    }
    assert_eq!(open(&shop, &links[0]).await.status, 403, "asked for again");
    shop.advance(Span::hours(25)).await;
    assert_eq!(open(&shop, &links[1]).await.status, 403, "too old");
    let session =
        shop.post("/v1/sessions", "", "", json!({ "email": ADA, "password": "correct horse" }));
    let session = session.await.at("/token").to_owned();
    assert_eq!(shop.get("/v1/account", &session).await.json["new_email"], Value::Null);
    assert_eq!(ask(&shop, &session, NEW, "correct horse").await.status, 202);
    let link = shop.run_mail().await.remove(0);
    let change = json!({ "old": "correct horse", "new": "another horse" });
    assert_eq!(shop.post("/v1/account/password", &session, "", change).await.status, 204);
    assert_eq!(open(&shop, &link).await.status, 403, "a new password takes it back");
    assert_eq!(shop.get("/v1/account", &session).await.json["new_email"], Value::Null);
    // What waits in the post is not sent either.
    assert_eq!(ask(&shop, &session, NEW, "another horse").await.status, 202);
    assert_eq!(ask(&shop, &session, "two@example.org", "another horse").await.status, 202);
    let letters = shop.run_mail().await;
    assert!(letters.iter().all(|letter| letter.to != NEW), "{letters:?}");
    shop.sound().await;
}

#[tokio::test]
async fn whether_an_address_is_taken_is_told_behind_its_link_alone() {
    let shop = Shop::open().await;
    let session = shop.buyer(ADA, 0).await;
    let bob = shop.buyer("bob@example.com", 0).await;
    shop.run_mail().await;
    let (free, taken) = (
        ask(&shop, &session, NEW, "correct horse").await,
        ask(&shop, &session, "Bob@Example.com", "correct horse").await,
    );
    assert_eq!((free.status, free.json), (taken.status, taken.json));
    let letters = shop.run_mail().await;
    let to_bob = letters.iter().find(|letter| letter.to == "Bob@Example.com").unwrap();
    let refused = open(&shop, to_bob).await;
    assert_eq!((refused.status, refused.at("/code")), (409, "email_taken"));
    assert_eq!(shop.get("/v1/account", &bob).await.at("/email"), "bob@example.com");
    assert_eq!(shop.get("/v1/account", &session).await.at("/email"), ADA);
    for _ in 0..3 {
        assert_eq!(ask(&shop, &session, NEW, "correct horse").await.status, 202);
    }
    assert_eq!(ask(&shop, &session, NEW, "correct horse").await.status, 429, "letters are few");
    let (wrong, nobody) =
        (ask(&shop, &bob, NEW, "wrong").await, ask(&shop, "", NEW, "correct horse").await);
    assert_eq!((wrong.status, wrong.at("/code")), (401, "invalid_credentials"));
    assert_eq!((nobody.status, nobody.at("/code")), (401, "account_required"));
    shop.sound().await;
}

#[tokio::test]
async fn without_mail_an_address_is_changed_at_once() {
    let shop = Shop::open_at(Place { mail: false, ..Place::default() }, settings()).await;
    let session = shop.buyer(ADA, 0).await;
    let other =
        shop.post("/v1/sessions", "", "", json!({ "email": ADA, "password": "correct horse" }));
    let other = other.await.at("/token").to_owned();
    shop.buyer("bob@example.com", 0).await;
    let taken = ask(&shop, &session, "Bob@Example.com", "correct horse").await;
    assert_eq!((taken.status, taken.at("/code")), (409, "email_taken"));
    assert_eq!(ask(&shop, &session, NEW, "correct horse").await.status, 204);
    assert_eq!((sign_in(&shop, ADA).await, sign_in(&shop, NEW).await), (401, 201));
    assert_eq!(shop.get("/v1/account", &session).await.at("/email"), NEW, "the caller's goes on");
    assert_eq!(shop.get("/v1/account", &other).await.status, 401);
    // The same address in other letters moves nothing, and is no news.
    assert_eq!(ask(&shop, &session, "Ada@Example.ORG", "correct horse").await.status, 204);
    assert_eq!(shop.get("/v1/account", &session).await.at("/email"), "Ada@Example.ORG");
    assert_eq!(sign_in(&shop, NEW).await, 201);
    let mut browser = Browser::on(&shop);
    browser.send("/sign-in", &[("email", NEW), ("password", "correct horse")]).await;
    let back = [("email", ADA), ("password", "correct horse")];
    let page = browser.send("/account/email", &back).await;
    assert_eq!((page.status, page.location()), (303, "/account?done=email"), "{}", page.html);
    assert!(browser.open("/account?done=email").await.html.contains("Your address was changed."));
    shop.sound().await;
}

#[tokio::test]
async fn a_merchants_buyer_has_no_address_to_change() {
    let (shop, _) = Shop::merchant(settings()).await;
    let answer = ask(&shop, "", NEW, "correct horse").await;
    assert_eq!((answer.status, answer.at("/code")), (404, "not_found"));
    assert!(answer.json["links"]["provider"].is_string(), "{answer:?}");
}
