//! Letters: which event becomes which, once; what they say; links that verify addresses and change passwords.

use scrip_domain::{Amount, Span};
use scrip_engine::mail::{Message, Posted};
use scrip_testkit::{Answer, Browser, Place, Shop, settings, told_after};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";

async fn buy(shop: &Shop, slug: &str, buyer: &str, key: &str) -> Answer {
    let offers = shop.get(&format!("/v1/products/{slug}"), buyer).await;
    let (offer, price) = (offers.at("/offers/0/id").to_owned(), &offers.json["offers"][0]["price"]);
    let body = json!({ "lines": [{ "offer": offer }], "allow_duplicate": true,
        "expected_total": { "amount": price["amount"], "unit": "AUR" } });
    shop.post("/v1/purchases", buyer, key, body).await
}

fn subjects(sent: &[Message]) -> Vec<&str> {
    sent.iter().map(|message| message.words.subject.as_str()).collect()
}

/// The token of the link in a letter.
fn token(message: &Message) -> String {
    told_after(message, "?token=").to_owned()
}

async fn set(shop: &Shop, mail: Value) -> Answer {
    let bearer = format!("Bearer {}", shop.admin);
    let body = json!({ "mail": mail });
    shop.send("PATCH", "/v1/admin/settings", &[("authorization", &bearer)], body).await
}

async fn status(shop: &Shop, method: &str, path: &str, body: Value) -> (u16, String) {
    let answer = shop.send(method, path, &[], body).await;
    let code = if answer.status < 400 { String::new() } else { answer.at("/code").to_owned() };
    (answer.status, code)
}

async fn sign_in(shop: &Shop, password: &str) -> Answer {
    shop.post("/v1/sessions", "", "", json!({ "email": ADA, "password": password })).await
}

#[tokio::test]
async fn each_event_becomes_one_letter_and_a_paid_order_brings_its_code() {
    let shop = Shop::open().await;
    shop.service("tuning", 250).await;
    let ada = shop.buyer(ADA, 600).await;
    shop.advance(Span::minutes(1)).await;
    let order = buy(&shop, "tuning", &ada, "one").await;
    assert_eq!(
        buy(&shop, "tuning", &shop.buyer("bob@example.com", 0).await, "two").await.status,
        402
    );
    let sent = shop.run_mail().await;
    let expected = [
        "Your account with Aurora Instruments",
        "Added: 6.00 AUR",
        "Approved: The tuning",
        "Your account with Aurora Instruments",
        "Declined: your order",
    ];
    assert_eq!(subjects(&sent), expected);
    let paid = &sent[2];
    assert_eq!(paid.to, ADA);
    let (short, jws) = (order.at("/licenses/0/code/short"), order.at("/licenses/0/code/jws"));
    for part in [&paid.words.text, &paid.words.html] {
        for told in
            [short, jws, "2.50 AUR", "3.50 AUR", order.at("/id"), "http://shop.test/orders/"]
        {
            assert!(part.contains(told), "{told} is not in {part}");
        }
    }
    let verified = shop
        .post("/v1/licenses/validate", "", "", json!({ "code": told_after(paid, "To copy:\n") }))
        .await;
    assert_eq!(verified.json["valid"], true, "{verified:?}");
    assert!(shop.run_mail().await.is_empty(), "everything once");
    shop.sound().await;
}

/// An address may be somebody else's: where nobody verifies them, anybody can open an account with it, and be declined for
/// nothing as often as they like.
#[tokio::test]
async fn no_mailbox_is_filled_by_orders_that_are_declined() {
    let shop = Shop::open().await;
    shop.service("tuning", 250).await;
    let eve = shop.buyer(ADA, 0).await;
    for n in 0..9 {
        assert_eq!(buy(&shop, "tuning", &eve, &format!("k{n}")).await.status, 402);
    }
    let sent = shop.run_mail().await;
    assert_eq!(subjects(&sent).iter().filter(|said| said.starts_with("Declined")).count(), 5);
    shop.advance(Span::hours(1)).await;
    assert_eq!(buy(&shop, "tuning", &eve, "later").await.status, 402);
    assert_eq!(subjects(&shop.run_mail().await), ["Declined: your order"]);
}

#[tokio::test]
async fn refunds_and_new_codes_are_told_and_seeded_accounts_are_not_written_to() {
    let shop = Shop::open().await;
    shop.service("tuning", 250).await;
    let ada = shop.buyer(ADA, 600).await;
    let order = buy(&shop, "tuning", &ada, "one").await;
    let license = order.at("/licenses/0/id").to_owned();
    shop.run_mail().await;
    let again =
        shop.post(&format!("/v1/licenses/{license}/reissue"), &ada, "again", Value::Null).await;
    assert!(again.status < 300, "{again:?}");
    let path = format!("/v1/admin/orders/{}/refunds", order.at("/id"));
    let refund = shop.post(&path, &shop.admin, "back", json!({ "reason": "test" })).await;
    assert_eq!(refund.status, 201, "{refund:?}");
    shop.app.engine.seed_accounts(2).await.unwrap();
    let sent = shop.run_mail().await;
    assert_eq!(
        subjects(&sent),
        ["Refunded: 2.50 AUR"],
        "the code that was issued again is dead by now"
    );
    shop.sound().await;
}

#[tokio::test]
async fn a_code_that_was_issued_again_is_in_the_letter() {
    let shop = Shop::open().await;
    shop.service("tuning", 250).await;
    let ada = shop.buyer(ADA, 600).await;
    let order = buy(&shop, "tuning", &ada, "one").await;
    shop.run_mail().await;
    let path = format!("/v1/licenses/{}/reissue", order.at("/licenses/0/id"));
    let again = shop.post(&path, &ada, "again", json!({})).await;
    let sent = shop.run_mail().await;
    assert_eq!(subjects(&sent), ["A new code for The tuning"]);
    assert!(sent[0].words.text.contains(again.at("/code/jws")), "{again:?}");
}

#[tokio::test]
async fn small_purchases_come_in_one_letter_a_day() {
    let mut settings = settings();
    settings.mail.digest_below = Amount::new(300).unwrap();
    let shop = Shop::open_with(settings).await;
    shop.service("tuning", 250).await;
    shop.service("organ", 300).await;
    let ada = shop.buyer(ADA, 5000).await;
    shop.run_mail().await;
    for key in ["one", "two", "three"] {
        assert_eq!(buy(&shop, "tuning", &ada, key).await.status, 201);
        shop.run_mail().await;
        shop.advance(Span::hours(1)).await;
    }
    let dear = buy(&shop, "organ", &ada, "dear").await;
    let sent = shop.run_mail().await;
    assert_eq!(subjects(&sent), ["Approved: The organ"]);
    assert!(sent[0].words.text.contains(dear.at("/licenses/0/code/short")));
    shop.sound().await;
    shop.advance(Span::hours(20)).await;
    assert!(shop.run_mail().await.is_empty());
    shop.advance(Span::hours(1)).await;
    let sent = shop.run_mail().await;
    assert_eq!(subjects(&sent), ["Your 3 small purchases"]);
    assert_eq!(sent[0].words.text.matches("The tuning (ord_").count(), 3);
    assert!(sent[0].words.text.contains("Total: 7.50 AUR"), "{}", sent[0].words.text);
    shop.advance(Span::hours(30)).await;
    assert!(shop.run_mail().await.is_empty(), "and none for a day without");
    shop.sound().await;
}

#[tokio::test]
async fn what_fails_is_sent_later_with_the_same_name_and_given_up_when_it_is_refused() {
    let shop = Shop::open().await;
    shop.buyer(ADA, 0).await;
    shop.post.answer([Posted::Later("451 later".into())]);
    let first = shop.run_mail().await;
    assert_eq!(first.len(), 1);
    assert!(shop.run_mail().await.is_empty());
    shop.advance(Span::minutes(2)).await;
    let second = shop.run_mail().await;
    assert_eq!(second, first, "the same message");
    shop.advance(Span::days(3)).await;
    assert!(shop.run_mail().await.is_empty());
    shop.buyer("bob@example.com", 0).await;
    shop.post.answer([Posted::Refused("550 who?".into())]);
    assert_eq!(shop.run_mail().await.len(), 1);
    shop.advance(Span::days(3)).await;
    assert!(shop.run_mail().await.is_empty(), "given up");
    shop.sound().await;
}

#[tokio::test]
async fn a_crash_between_two_steps_doubles_and_loses_nothing() {
    let shop = Shop::open().await;
    shop.buyer(ADA, 0).await;
    shop.app.engine.collect_letters().await.unwrap();
    // The process is gone, and another one goes on.
    let second = shop.another().await;
    second.app.engine.collect_letters().await.unwrap();
    assert_eq!(second.run_mail().await.len(), 1);
    assert!(shop.run_mail().await.is_empty() && second.run_mail().await.is_empty());
    // Two servers at the same feed.
    second.buyer("bob@example.com", 0).await;
    let (one, other) =
        tokio::join!(shop.app.engine.collect_letters(), second.app.engine.collect_letters());
    one.unwrap();
    other.unwrap();
    let sent = [shop.run_mail().await, second.run_mail().await].concat();
    assert_eq!(sent.len(), 1, "{sent:?}");
    second.sound().await;
}

#[tokio::test]
async fn without_mail_nothing_is_written_and_later_nothing_of_the_past() {
    let shop = Shop::open_at(Place { mail: false, ..Place::default() }, settings()).await;
    let ada = shop.buyer(ADA, 100).await;
    assert!(shop.run_mail().await.is_empty());
    assert_eq!(shop.app.engine.store().postbox().await.unwrap(), None);
    let refused = set(&shop, json!({ "verify": true })).await;
    assert_eq!((refused.status, refused.at("/errors/0/field")), (400, "mail.verify"));
    let body = json!({ "email": ADA });
    assert_eq!(status(&shop, "POST", "/v1/password-resets", body).await.0, 404);
    assert_eq!(shop.post("/v1/account/verification", &ada, "", Value::Null).await.status, 404);
    let with = shop.another_with_mail(true).await;
    assert!(with.run_mail().await.is_empty(), "the past is not told");
    with.buyer("bob@example.com", 0).await;
    assert_eq!(with.run_mail().await.len(), 1);
    with.buyer("cy@example.com", 0).await;
    let without = with.another_with_mail(false).await;
    assert!(without.run_mail().await.is_empty());
    let again = without.another_with_mail(true).await;
    assert!(again.run_mail().await.is_empty(), "nor what happened meanwhile");
    again.sound().await;
}

#[tokio::test]
async fn what_waits_when_mail_is_taken_away_goes_when_it_is_back() {
    let shop = Shop::open().await;
    shop.buyer(ADA, 0).await;
    while shop.app.engine.publish().await.unwrap() > 0 {}
    shop.app.engine.collect_letters().await.unwrap();
    let without = shop.another_with_mail(false).await;
    assert!(without.run_mail().await.is_empty());
    let again = without.another_with_mail(true).await;
    assert_eq!(subjects(&again.run_mail().await), ["Your account with Aurora Instruments"]);
    again.sound().await;
}

#[tokio::test]
async fn an_address_is_verified_by_the_button_behind_the_link() {
    let mut settings = settings();
    settings.mail.verify = true;
    let shop = Shop::open_with(settings).await;
    shop.service("tuning", 250).await;
    let ada = shop.buyer(ADA, 600).await;
    let account = shop.get("/v1/account", &ada).await;
    assert_eq!(account.json["missing"], json!(["email_verified"]));
    assert_eq!(
        (account.at("/standing"), account.at("/permits/reason")),
        ("visitor", "account_incomplete")
    );
    let refused = buy(&shop, "tuning", &ada, "early").await;
    assert_eq!((refused.status, refused.at("/code")), (403, "account_incomplete"), "{refused:?}");
    assert_eq!(refused.at("/errors/0/field"), "email_verified");
    let sent = shop.run_mail().await;
    assert_eq!(subjects(&sent), ["Verify your address for Aurora Instruments", "Added: 6.00 AUR"]);
    let link = told_after(&sent[0], "http://shop.test").to_owned();
    let mut browser = Browser::on(&shop);
    let page = browser.open(&link).await;
    assert_eq!(page.status, 200);
    assert_eq!(
        shop.get("/v1/account", &ada).await.json["verified_at"],
        Value::Null,
        "a look verifies nothing"
    );
    let token = page.input("token").to_owned();
    let page = browser.send("/verify", &[("token", &token)]).await;
    assert!(page.status == 200 && page.html.contains(ADA), "{}", page.html);
    assert_eq!(shop.get("/v1/account", &ada).await.json["missing"], json!([]));
    assert_eq!(buy(&shop, "tuning", &ada, "late").await.status, 201);
    let body = json!({ "token": token });
    assert_eq!(
        status(&shop, "POST", "/v1/verifications", body).await.0,
        204,
        "again changes nothing"
    );
    shop.sound().await;
}

#[tokio::test]
async fn a_verification_is_sent_again_and_ends() {
    let mut settings = settings();
    settings.mail.verify = true;
    let shop = Shop::open_with(settings).await;
    let ada = shop.buyer(ADA, 0).await;
    let first = token(&shop.run_mail().await[0]);
    assert_eq!(shop.post("/v1/account/verification", &ada, "", Value::Null).await.status, 202);
    shop.advance(Span::days(8)).await;
    assert!(shop.run_mail().await.is_empty(), "what is of no use any more is not sent");
    let refused = (403, "link_refused".to_owned());
    for body in [json!({ "token": first }), json!({ "token": "x" })] {
        assert_eq!(status(&shop, "POST", "/v1/verifications", body).await, refused);
    }
    for _ in 0..5 {
        assert_eq!(shop.post("/v1/account/verification", &ada, "", Value::Null).await.status, 202);
    }
    assert_eq!(shop.post("/v1/account/verification", &ada, "", Value::Null).await.status, 429);
    let body = json!({ "token": token(&shop.run_mail().await[0]) });
    assert_eq!(status(&shop, "POST", "/v1/verifications", body.clone()).await.0, 204);
    assert_eq!(shop.post("/v1/account/verification", &ada, "", Value::Null).await.status, 202);
    assert!(shop.run_mail().await.is_empty(), "who is verified gets none");
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_once_and_every_session_ends() {
    let shop = Shop::open().await;
    let ada = shop.buyer(ADA, 0).await;
    let other = sign_in(&shop, "correct horse").await.at("/token").to_owned();
    shop.run_mail().await;
    let mut browser = Browser::on(&shop);
    let known = browser.send("/forgot", &[("email", " Ada@Example.com ")]).await;
    let unknown = browser.send("/forgot", &[("email", "eve@example.com")]).await;
    assert_eq!((known.status, unknown.status), (200, 200));
    assert_eq!(
        known.html.replace("Ada@Example.com", ""),
        unknown.html.replace("eve@example.com", "")
    );
    let sent = shop.run_mail().await;
    assert_eq!(sent.iter().map(|message| message.to.as_str()).collect::<Vec<_>>(), [ADA]);
    let page = browser.open(told_after(&sent[0], "http://shop.test")).await;
    let token = page.input("token").to_owned();
    assert_eq!(page.status, 200);
    let short = browser.send("/reset", &[("token", &token), ("password", "short")]).await;
    assert_eq!(short.status, 400);
    let key = own_key(&shop).await;
    assert_eq!(shop.get("/v1/account", &key).await.status, 200);
    shop.run_mail().await;
    let done = browser.send("/reset", &[("token", &token), ("password", "another horse")]).await;
    assert_eq!(done.status, 200, "{}", done.html);
    assert_eq!(shop.get("/v1/account", &key).await.status, 401, "every key is revoked");
    for session in [&ada, &other] {
        assert_eq!(shop.get("/v1/account", session).await.status, 401, "every session has ended");
    }
    assert_eq!(browser.open(&format!("/reset?token={token}")).await.status, 403);
    let body = json!({ "token": token, "password": "a third horse" });
    let refused = (403, "link_refused".to_owned());
    assert_eq!(status(&shop, "POST", "/v1/password-resets/complete", body).await, refused);
    assert_eq!(sign_in(&shop, "correct horse").await.status, 401);
    assert_eq!(sign_in(&shop, "another horse").await.status, 201);
    assert_eq!(subjects(&shop.run_mail().await), ["Your password was changed"]);
    shop.sound().await;
}

/// What somebody was buying is where the new password leads back to, in the browser in which the old one was forgotten.
#[tokio::test]
async fn a_forgotten_password_leads_back_to_what_was_begun() {
    let shop = Shop::open().await;
    shop.buyer(ADA, 0).await;
    shop.run_mail().await;
    let mut browser = Browser::on(&shop);
    let back = "/buy/ofr_1?quantity=2";
    let asked = "%2Fbuy%2Fofr_1%3Fquantity%3D2";
    let sign_in = browser.open(&format!("/sign-in?next={asked}")).await;
    assert!(sign_in.html.contains(&format!("/forgot?next={asked}")), "{}", sign_in.html);
    let forgot = browser.open(&format!("/forgot?next={asked}")).await;
    assert_eq!(forgot.input("next"), back);
    browser.send("/forgot", &[("email", ADA), ("next", back)]).await;
    let sent = shop.run_mail().await;
    let link = told_after(&sent[0], "http://shop.test").to_owned();
    let token = browser.open(&link).await.input("token").to_owned();
    let done = browser.send("/reset", &[("token", &token), ("password", "another horse")]).await;
    assert!(done.html.contains(&format!("/sign-in?next={asked}")), "{}", done.html);

    let elsewhere = browser.send("/forgot", &[("email", ADA), ("next", "//evil.example")]).await;
    assert_eq!(elsewhere.status, 200);
    let sent = shop.run_mail().await;
    let link = told_after(&sent[1], "http://shop.test").to_owned();
    let mut other = Browser::on(&shop);
    let token = other.open(&link).await.input("token").to_owned();
    let done = other.send("/reset", &[("token", &token), ("password", "a third horse")]).await;
    assert!(done.html.contains("href=\"/sign-in\""), "another browser knows nothing of it");
}

/// A key that the account's owner has made.
async fn own_key(shop: &Shop) -> String {
    let mut browser = Browser::on(shop);
    browser.send("/sign-in", &[("email", ADA), ("password", "correct horse")]).await;
    let form = browser.open("/account/keys").await.input("key").to_owned();
    let what = [("key", form.as_str()), ("label", "till"), ("scope", "purchase")];
    let fields = [&what[..], &[("password", "correct horse")]].concat();
    let made = browser.send("/account/keys", &fields).await;
    told_of_key(&made.html).to_owned()
}

fn told_of_key(html: &str) -> &str {
    let after =
        html.split("<code class=\"big\" id=\"secret\">").nth(1).unwrap_or_else(|| panic!("{html}"));
    after.split('<').next().unwrap()
}

#[tokio::test]
async fn a_link_to_a_new_password_is_good_for_an_hour_and_for_one_password() {
    let shop = Shop::open().await;
    let ada = shop.buyer(ADA, 0).await;
    shop.run_mail().await;
    let ask = async || status(&shop, "POST", "/v1/password-resets", json!({ "email": ADA })).await;
    assert_eq!(ask().await.0, 202);
    let late = token(&shop.run_mail().await[0]);
    shop.advance(Span::minutes(61)).await;
    let body = json!({ "token": late, "password": "another horse" });
    assert_eq!(status(&shop, "POST", "/v1/password-resets/complete", body).await.0, 403);
    assert_eq!(ask().await.0, 202);
    shop.post.answer([Posted::Later("later".into())]);
    let delayed = token(&shop.run_mail().await[0]);
    let change = json!({ "old": "correct horse", "new": "another horse" });
    assert_eq!(shop.post("/v1/account/password", &ada, "", change).await.status, 204);
    shop.advance(Span::minutes(2)).await;
    let sent = shop.run_mail().await;
    assert_eq!(subjects(&sent), ["Your password was changed"], "no link to what is changed");
    let body = json!({ "token": delayed, "password": "a third horse" });
    assert_eq!(status(&shop, "POST", "/v1/password-resets/complete", body).await.0, 403);
    let mut letters = 0;
    for _ in 0..10 {
        assert_eq!(ask().await.0, 202);
        letters += shop.run_mail().await.len();
    }
    assert_eq!(letters, 4, "five in an hour, one of which was before");
    let body = json!({ "email": "nobody" });
    assert_eq!(status(&shop, "POST", "/v1/password-resets", body).await.0, 400);
}

#[tokio::test]
async fn an_unknown_address_does_nothing_and_answers_the_same() {
    let shop = Shop::open().await;
    shop.buyer(ADA, 0).await;
    shop.run_mail().await;
    let ask = async |email: &str| {
        shop.post("/v1/password-resets", "", "", json!({ "email": email })).await
    };
    let (known, unknown) = (ask(ADA).await, ask("eve@example.com").await);
    assert_eq!((known.status, &known.bytes), (unknown.status, &unknown.bytes));
    assert_eq!(known.headers.len(), unknown.headers.len());
    assert_eq!(shop.run_mail().await.len(), 1);
    for number in 0..60 {
        let status = ask(&format!("eve{number}@example.com")).await.status;
        assert_eq!(status, if number < 58 { 202 } else { 429 }, "{number}");
    }
    assert!(shop.run_mail().await.is_empty());
}

#[tokio::test]
async fn a_password_is_changed_with_the_old_one_and_other_sessions_end() {
    let shop = Shop::open().await;
    let ada = shop.buyer(ADA, 0).await;
    let other = sign_in(&shop, "correct horse").await.at("/token").to_owned();
    let change = |old: &str| json!({ "old": old, "new": "another horse" });
    let wrong = shop.post("/v1/account/password", &ada, "", change("wrong horse")).await;
    assert_eq!((wrong.status, wrong.at("/code")), (401, "invalid_credentials"));
    assert_eq!(
        shop.post("/v1/account/password", &ada, "", change("correct horse")).await.status,
        204
    );
    assert_eq!(shop.get("/v1/account", &ada).await.status, 200, "the caller's own goes on");
    assert_eq!(shop.get("/v1/account", &other).await.status, 401);
    assert_eq!(
        shop.post("/v1/account/password", &ada, "", change("correct horse")).await.status,
        401
    );
    let short = json!({ "old": "another horse", "new": "short" });
    assert_eq!(shop.post("/v1/account/password", &ada, "", short).await.status, 400);
    shop.sound().await;
}

#[tokio::test]
async fn staff_hears_of_reviews_and_of_dead_webhooks() {
    let shop = Shop::open().await;
    assert_eq!(set(&shop, json!({ "staff": "staff@example.com" })).await.status, 200);
    let ada = shop.buyer(ADA, 0).await;
    shop.run_mail().await;
    let tokens = json!({ "amount": 500, "unit": "AUR" });
    let body = json!({ "tokens": tokens, "method": "demo", "payment_method": "demo_review" });
    let review = shop.post("/v1/top-ups", &ada, "review", body).await;
    let hook = json!({ "url": "https://hooks.example/", "events": [], "label": "" });
    let hook = shop.post("/v1/admin/webhook-endpoints", &shop.admin, "", hook).await;
    shop.buyer("bob@example.com", 0).await;
    shop.sender.answer([scrip_testkit::reply(410)]);
    shop.run_webhooks().await;
    let sent = shop.run_mail().await;
    let staff: Vec<_> = sent.iter().filter(|message| message.to == "staff@example.com").collect();
    let all: Vec<_> = staff.iter().map(|message| message.words.subject.as_str()).collect();
    assert_eq!(
        all,
        ["A webhook endpoint is told nothing any more", "A top-up of 5.00 AUR waits for you"]
    );
    assert!(
        staff[0].words.text.contains(hook.at("/id"))
            && staff[1].words.text.contains(review.at("/id"))
    );
    let wrong = set(&shop, json!({ "staff": "nobody" })).await;
    assert_eq!((wrong.status, wrong.at("/errors/0/field")), (400, "mail.staff"));
    shop.sound().await;
}

#[tokio::test]
async fn a_demo_lists_what_it_sent() {
    let shop = Shop::open().await;
    shop.buyer(ADA, 100).await;
    shop.run_mail().await;
    let list = shop.get("/v1/demo/mail?to=ada@example.com", "").await;
    assert_eq!(list.json["data"].as_array().unwrap().len(), 2, "{list:?}");
    assert_eq!(list.at("/data/0/subject"), "Added: 1.00 AUR", "newest first");
    assert_eq!(shop.get("/v1/demo/mail?to=eve@example.com", "").await.json["data"], json!([]));
    assert_eq!(shop.get("/v1/demo/mail", "").await.status, 400);
}

#[tokio::test]
async fn old_letters_are_forgotten_and_waiting_ones_are_not() {
    let shop = Shop::open().await;
    shop.buyer(ADA, 0).await;
    shop.run_mail().await;
    shop.advance(Span::days(89)).await;
    assert_eq!(shop.app.engine.prune_letters().await.unwrap(), 0);
    shop.advance(Span::days(2)).await;
    assert_eq!(shop.app.engine.prune_letters().await.unwrap(), 1);
    assert_eq!(shop.app.engine.prune_letters().await.unwrap(), 0);
    shop.buyer("bob@example.com", 0).await;
    while shop.app.engine.publish().await.unwrap() > 0 {}
    shop.app.engine.collect_letters().await.unwrap();
    shop.advance(Span::days(91)).await;
    assert_eq!(shop.app.engine.prune_letters().await.unwrap(), 0, "it waits");
    assert_eq!(shop.run_mail().await.len(), 1);
    shop.sound().await;
}

#[tokio::test]
async fn owners_are_told_of_tokens_that_expire_a_week_before() {
    let shop = Shop::open().await;
    let ada = shop.buyer(ADA, 100).await;
    let account = shop.get("/v1/account", &ada).await.at("/id").to_owned();
    let grant = async |days: u32, tokens: u64| {
        let at = shop.app.engine.now().plus(Span::days(days)).to_string();
        let body = json!({ "tokens": { "amount": tokens, "unit": "AUR" }, "kind": "promo",
            "expires_at": at, "reason": "test" });
        let path = format!("/v1/admin/accounts/{account}/adjust");
        let answer = shop.post(&path, &shop.admin, &format!("grant-{tokens}"), body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    };
    grant(10, 300).await;
    grant(12, 200).await;
    shop.run_mail().await;
    let warn = async || shop.app.engine.warn_of_expiry().await.unwrap();
    assert_eq!(warn().await, 0);
    assert!(shop.run_mail().await.is_empty(), "too early");
    shop.advance(Span::days(4)).await;
    assert_eq!((warn().await, warn().await), (1, 0));
    let sent = shop.run_mail().await;
    assert_eq!(subjects(&sent), ["5.00 AUR expire soon"]);
    assert!(sent[0].words.text.contains("expire until 2026-12-04"), "{}", sent[0].words.text);
    shop.advance(Span::days(3)).await;
    warn().await;
    assert!(shop.run_mail().await.is_empty(), "once");
    shop.sound().await;
}

/// Signs in with a browser that keeps nothing and says this of itself.
async fn sign_in_with(shop: &Shop, agent: &str, email: &str) -> Answer {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("email", email), ("password", "correct horse")])
        .finish();
    let request = http::Request::post("/sign-in")
        .header("host", "shop.test")
        .header("sec-fetch-site", "same-origin")
        .header("user-agent", agent)
        .header("content-type", "application/x-www-form-urlencoded");
    shop.raw(request.body(form.into()).unwrap()).await
}

#[tokio::test]
async fn a_sign_in_from_elsewhere_is_told_and_one_from_a_known_browser_is_not() {
    let shop = Shop::open().await;
    shop.buyer(ADA, 0).await;
    shop.buyer("bob@example.com", 0).await;
    shop.run_mail().await;
    let form = |email| [("email", email), ("password", "correct horse")];
    let mut first = Browser::on(&shop);
    let page = first.send("/sign-in", &form(ADA)).await;
    let set: Vec<_> = page.answer.headers.get_all("set-cookie").iter().collect();
    let known = set.iter().find(|set| set.to_str().unwrap().starts_with("__Host-scrip-known-"));
    let known = known.unwrap().to_str().unwrap();
    assert!(
        known.contains("HttpOnly") && known.contains("Secure") && !known.contains(ADA),
        "{known}"
    );
    assert!(shop.run_mail().await.is_empty(), "the very first is no news");
    // Whoever else signs in with it, it knows both.
    for email in [ADA, "bob@example.com", ADA, "bob@example.com"] {
        first.send("/sign-out", &[]).await;
        assert_eq!(first.send("/sign-in", &form(email)).await.status, 303);
    }
    assert!(shop.run_mail().await.is_empty(), "a known browser is no news");
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    assert_eq!(sign_in_with(&shop, agent, ADA).await.status, 303);
    let sent = shop.run_mail().await;
    assert_eq!(subjects(&sent), ["A new sign-in to your account"]);
    assert_eq!(sent[0].to, ADA);
    let text = sent[0].words.text.replace('\n', " ");
    assert!(text.contains("on 2026-11-22 12:00 UTC, with Firefox,"), "{text}");
    assert!(text.contains("http://shop.test/forgot"), "{text}");
    assert_eq!(sign_in(&shop, "wrong horse").await.status, 401);
    assert!(shop.run_mail().await.is_empty(), "nobody is in by a wrong password");
    for _ in 0..9 {
        assert_eq!(sign_in(&shop, "correct horse").await.status, 201);
    }
    assert!(shop.run_mail().await.is_empty(), "a program is its owner's own");
    // No mailbox is filled by browsers.
    for _ in 0..9 {
        sign_in_with(&shop, agent, ADA).await;
    }
    assert_eq!(shop.run_mail().await.len(), 4, "five an hour");
    shop.sound().await;
}

#[tokio::test]
async fn the_browser_that_registers_is_known_and_another_is_news() {
    let shop = Shop::open().await;
    let mut browser = Browser::on(&shop);
    let form = [("email", ADA), ("password", "correct horse")];
    assert_eq!(browser.send("/register", &form).await.status, 303);
    shop.run_mail().await;
    browser.send("/sign-out", &[]).await;
    browser.send("/sign-in", &form).await;
    assert!(shop.run_mail().await.is_empty(), "it is known from its registration on");
    sign_in_with(&shop, "curl/8", ADA).await;
    let sent = shop.run_mail().await;
    assert_eq!(subjects(&sent), ["A new sign-in to your account"]);
    assert!(sent[0].words.text.replace('\n', " ").contains("a browser that does not say which"));
    shop.sound().await;
}
