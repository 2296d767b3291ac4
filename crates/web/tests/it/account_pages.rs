//! The account in a browser: cards, the data to take along, what a frozen account is told.

use scrip_domain::account::Account;
use scrip_domain::session::LIFETIME;
use scrip_domain::{Id, Span};
use scrip_testkit::{Browser, Shop, settings};
use serde_json::{Value, json};

use crate::auto_top_ups::put;
use crate::credit_lines::{draw, limit, repay};
use crate::exchanges::Linked;
use crate::library_pages::ada;
use crate::licensed::buy;
use crate::two_servers::Pair;

#[tokio::test]
async fn cards_are_kept_chosen_and_removed_after_a_question() {
    let shop = Shop::open().await;
    let session = shop.buyer("ada@example.com", 0).await;
    let mut browser = ada(&shop).await;
    let page = browser.open("/account").await;
    assert!(page.html.contains("No card is kept with this account."), "{}", page.html);
    for name in ["demo_approved", "demo_review"] {
        give_card(&mut browser, name).await;
    }
    let page = browser.open("/account").await;
    assert_eq!(page.html.matches(">pays</span>").count(), 1, "{}", page.html);
    let choice = [("payment_method", "demo_review"), ("next", "/wallet/top-up")];
    let page = browser.send("/account/payment-method", &choice).await;
    assert_eq!(page.location(), "/wallet/top-up");
    let top_up = browser.open("/wallet/top-up").await;
    assert!(top_up.html.contains("value=\"card:demo_review\" checked"), "{}", top_up.html);
    let page = browser.open("/account/cards/demo_review").await;
    assert!(page.html.contains("Nothing is paid with it any more."), "{}", page.html);
    assert_eq!(browser.send("/account/cards/demo_review", &[]).await.status, 303);
    assert_eq!(browser.open("/account/cards/demo_review").await.status, 404);
    let cards = shop.get("/v1/payment-methods", &session).await;
    assert_eq!(cards.json["data"].as_array().unwrap().len(), 1, "{cards:?}");
    assert_eq!(
        browser.send_from("cross-site", "/account/cards/demo_approved", &[]).await.status,
        403
    );
}

/// The page on which the processor asks for a card, as it is called here.
async fn asked_for_card(browser: &mut Browser<'_>, next: &str) -> String {
    let page = browser.send("/account/cards/new", &[("next", next)]).await;
    assert_eq!(page.status, 200, "{}", page.html);
    let (_, link) = page.html.split_once("/demo/bank/cards/").expect("a way there");
    let name = link.split('"').next().expect("an end");
    let refresh = page.answer.header("refresh");
    assert!(refresh.ends_with(&format!("/demo/bank/cards/{name}")), "{refresh}");
    format!("/demo/bank/cards/{name}")
}

/// Gives a card on the processor's page, and comes back with it.
pub async fn give_card(browser: &mut Browser<'_>, card: &str) {
    let asked = asked_for_card(browser, "").await;
    let page = browser.send(&asked, &[("card", card)]).await;
    assert_eq!(page.status, 303, "{}", page.html);
    let (_, back) = page.location().split_once("/account/").expect("back to the account");
    let page = browser.open(&format!("/account/{back}")).await;
    assert_eq!((page.status, page.location()), (303, "/account#cards"), "{}", page.html);
}

#[tokio::test]
async fn a_card_is_given_where_its_processor_asks_and_kept_though_nobody_comes_back() {
    let shop = Shop::open().await;
    let session = shop.buyer("ada@example.com", 0).await;
    let mut browser = ada(&shop).await;
    let asked = asked_for_card(&mut browser, "/wallet/top-up?tokens=5").await;
    let page = browser.open(&asked).await;
    assert!(page.html.contains("A card of the demo"), "{}", page.html);
    assert!(page.html.contains("/wallet/top-up?tokens=5\">Back without a card"), "{}", page.html);
    for card in ["pm_1", "4242424242424242", ""] {
        assert_eq!(browser.send(&asked, &[("card", card)]).await.status, 400, "{card}");
    }
    let from_elsewhere = browser.send_from("cross-site", &asked, &[("card", "demo_action")]).await;
    assert_eq!(from_elsewhere.status, 403);
    assert_eq!(browser.open("/demo/bank/cards/00").await.status, 404);
    let cards = async || shop.get("/v1/payment-methods", &session).await.json["data"].clone();
    // Nothing was given: whoever comes back has no card, and goes on all the same.
    let page = browser.open("/account/cards/kept?next=/cart").await;
    assert_eq!((page.status, page.location()), (303, "/cart"));
    assert_eq!(cards().await, json!([]));
    let page = browser.send(&asked, &[("card", "demo_action")]).await;
    assert!(page.location().ends_with("/account/cards/kept?next=%2Fwallet%2Ftop-up%3Ftokens%3D5"));
    assert_eq!(cards().await, json!([]), "the browser has not come back yet");
    for _ in 0..2 {
        let page = browser.open("/account/cards/kept?next=%2Fwallet%2Ftop-up%3Ftokens%3D5").await;
        assert_eq!((page.status, page.location()), (303, "/wallet/top-up?tokens=5"));
        assert_eq!(cards().await.as_array().unwrap().len(), 1);
    }
    assert_eq!(cards().await[0]["default"], true);
    let page = browser.open("/account/cards/kept?next=https://elsewhere.example/").await;
    assert_eq!(page.location(), "/account#cards");
    // One page was asked for, and four times somebody came back.
    for _ in 0..15 {
        assert_eq!(browser.send("/account/cards/new", &[]).await.status, 200);
    }
    let page = browser.send("/account/cards/new", &[]).await;
    assert_eq!(page.status, 429, "who has many cards to try has stolen them");
    assert_eq!(browser.open("/account/cards/kept").await.status, 429);
}

#[tokio::test]
async fn everything_about_an_account_comes_in_one_file() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 100).await;
    let session = shop.buyer("ada@example.com", 10_000).await;
    let bob = shop.buyer("bob@example.com", 10_000).await;
    let other = buy(&shop, &offer, &bob, "bob").await;
    let mut bought = Vec::new();
    for number in 0..53 {
        bought.push(buy(&shop, &offer, &session, &format!("k{number}")).await);
    }
    let mut browser = ada(&shop).await;
    let answer = shop.get("/v1/account/export", &session).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"account.json\"");
    let data = &answer.json;
    assert_eq!(data["account"]["email"], "ada@example.com");
    assert_eq!(data["wallet"]["available"]["amount"], 10_000 - 53 * 100);
    let count = |list: &str| data[list].as_array().unwrap().len();
    assert_eq!((count("orders"), count("licenses"), count("transfers")), (53, 53, 54));
    assert_eq!((count("top_ups"), count("payment_methods"), count("exchanges")), (1, 0, 0));
    let codes: Vec<&Value> =
        data["licenses"].as_array().unwrap().iter().map(|one| &one["code"]["short"]).collect();
    for one in &bought {
        assert!(codes.contains(&&json!(one.short)), "{}", one.license);
    }
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    assert!(!text.contains(&other.license) && !text.contains("bob@"), "nobody else's");
    let page = browser.open("/account").await;
    assert!(page.html.contains("href=\"/account/data\""), "{}", page.html);
    let saved = browser.open("/account/data").await;
    assert_eq!(serde_json::from_str::<Value>(&saved.html).unwrap(), *data);
    assert_eq!(shop.get("/v1/account/export", "").await.status, 401);
    assert_eq!(Browser::on(&shop).open("/account/data").await.status, 303);
}

/// Every part that an account can have, by its name in the file.
#[tokio::test]
async fn each_part_of_an_account_is_in_its_file() {
    let shop = Shop::open().await;
    let who = shop.buyer("bea@example.com", 1000).await;
    limit(&shop, &who, 1000, "EUR").await;
    assert_eq!(draw(&shop, &who, "d", 600).await.status, 201);
    assert_eq!(repay(&shop, &who, "r", 250, "EUR").await.status, 201);
    let money = |units: u64| json!({ "amount": units, "unit": "AUR" });
    let body = json!({ "below": money(100), "to": money(500), "payment_method": "demo_approved" });
    let set = put(&shop, &who, body).await;
    assert_eq!(set.status, 200, "{set:?}");
    let body = json!({ "tokens": money(300), "method": "card", "payment_method": "demo_approved" });
    let card = shop.post("/v1/top-ups", &who, "c", body).await;
    shop.run_errands().await;
    let path = format!("/v1/admin/top-ups/{}/refunds", card.at("/id"));
    let back = shop.post(&path, &shop.admin, "b", json!({ "reason": "our own affair" })).await;
    assert_eq!(back.status, 201, "{back:?}");
    let answer = shop.get("/v1/account/export", &who).await;
    let data = &answer.json;
    assert_eq!(data["sessions"].as_array().unwrap().len(), 1, "{data}");
    assert_eq!(data["auto_top_up"]["below"]["amount"], 100, "{data}");
    assert_eq!(data["credit_line"]["owed"]["amount"], 350, "{data}");
    assert_eq!(data["repayments"][0]["money"]["amount"], 250, "{data}");
    assert_eq!(data["reversals"][0]["top_up"], card.at("/id"), "{data}");
    assert_eq!(data["reversals"][0]["tokens"]["amount"], 300, "{data}");
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    assert!(!text.contains("our own affair") && !text.contains("statement 14"), "the vendor's own");

    let pair = Pair::open().await;
    let sent = pair.send().await;
    pair.confirm(&sent).await;
    let data = pair.pay.get("/v1/account/export", &pair.buyer).await.json;
    assert_eq!(data["merchant_orders"][0]["merchant"], "Field Sounds", "{data}");
    assert_eq!(data["merchant_orders"][0]["total"]["amount"], 250, "{data}");
    assert_eq!(data["merchants"][0]["name"], "Field Sounds", "{data}");

    let linked = Linked::open().await;
    let here = linked.vendors.a.get("/v1/account/export", &linked.ada).await.json;
    assert_eq!(
        (here["links"].as_array().unwrap().len(), &here["links"][0]["way"]),
        (1, &json!("there"))
    );
    let there = linked.vendors.b.get("/v1/account/export", &linked.ada_there).await.json;
    assert_eq!(there["links"][0]["way"], "here", "{there}");
}

#[tokio::test]
async fn what_was_asked_back_and_ones_own_keys_and_sessions_are_in_the_file() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 100).await;
    let session = shop.buyer("ada@example.com", 1000).await;
    let bought = buy(&shop, &offer, &session, "k").await;
    let order = shop.get(&format!("/v1/orders/{}", bought.order), &session).await;
    let path = format!("/v1/orders/{}/refund-requests", bought.order);
    let body = json!({ "line": order.at("/lines/0/id"), "reason": "It hums." });
    let asked = shop.post(&path, &session, "r", body).await;
    assert_eq!(asked.status, 201, "{asked:?}");
    let mut browser = ada(&shop).await;
    let key = browser.open("/account/keys").await.input("key").to_owned();
    let password = ("password", "correct horse");
    let fields = [("key", key.as_str()), ("label", "backup"), ("scope", "read"), password];
    let made = browser.send("/account/keys", &fields).await;
    let token = made.html.split("<code class=\"big\" id=\"secret\">").nth(1).unwrap();
    let (id, secret) = token.split('<').next().unwrap().split_once('.').unwrap();
    browser.send(&format!("/account/keys/{id}/revoke"), &[]).await;

    let answer = shop.get("/v1/account/export", &session).await;
    let data = &answer.json;
    assert_eq!(data["refund_requests"], json!([asked.json]), "{data}");
    let key = &data["api_keys"][0];
    assert_eq!((&key["id"], &key["label"]), (&json!(id), &json!("backup")), "{data}");
    assert_eq!(key["scopes"], json!(["read"]), "{data}");
    assert!(key["revoked_at"].is_string(), "{data}");
    let sessions = data["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{data}");
    assert!(sessions.iter().all(|one| one["until"].as_str() > one["since"].as_str()), "{data}");
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    let opens = session.split('.').next_back().unwrap();
    assert!(!text.contains(secret) && !text.contains(opens), "nothing that opens the account");
}

#[tokio::test]
async fn sessions_that_have_ended_hide_no_open_one_and_go_when_another_is_opened() {
    let shop = Shop::open().await;
    let first = shop.buyer("ada@example.com", 0).await;
    let account: Id<Account> = shop.get("/v1/account", &first).await.at("/id").parse().unwrap();
    let store = shop.app.engine.store();
    let sign_in = async || {
        let body = json!({ "email": "ada@example.com", "password": "correct horse" });
        shop.post("/v1/sessions", "", "", body).await.at("/token").to_owned()
    };
    for _ in 1..25 {
        sign_in().await;
    }
    assert_eq!(store.sessions_of(account, 99).await.unwrap().len(), 25);
    shop.advance(LIFETIME).await;
    let mut here = ada(&shop).await;
    assert_eq!(store.sessions_of(account, 99).await.unwrap().len(), 6, "twenty are cleared away");
    shop.advance(Span::days(1)).await;
    let second = sign_in().await;
    assert_eq!(store.sessions_of(account, 99).await.unwrap().len(), 2);
    let answer = shop.get("/v1/account/export", &second).await;
    let since = answer.json["sessions"].as_array().unwrap().iter();
    let since: Vec<_> = since.map(|one| one["since"].as_str().unwrap()).collect();
    assert!(since.len() == 2 && since.is_sorted_by(|one, next| one > next), "{since:?}");
    assert_eq!(here.open("/account").await.status, 200);
    let page = here.open("/account").await;
    assert!(page.html.contains("Signed in elsewhere, too (1)"), "{}", page.html);
}

#[tokio::test]
async fn an_empty_account_is_a_whole_file_too() {
    let shop = Shop::open().await;
    let session = shop.buyer("ada@example.com", 0).await;
    let answer = shop.get("/v1/account/export", &session).await;
    assert_eq!(answer.json["orders"], json!([]), "{answer:?}");
    for list in [
        "exchanges",
        "merchant_orders",
        "reversals",
        "repayments",
        "refund_requests",
        "api_keys",
        "links",
        "merchants",
    ] {
        assert_eq!(answer.json[list], json!([]), "{list}: {answer:?}");
    }
    for none in ["auto_top_up", "credit_line"] {
        assert!(answer.json.as_object().unwrap()[none].is_null(), "{none}: {answer:?}");
    }
}

#[tokio::test]
async fn a_frozen_account_is_told_so_wherever_it_looks() {
    let shop = Shop::open_with(settings()).await;
    let session = shop.buyer("ada@example.com", 0).await;
    let account = shop.get("/v1/account", &session).await.at("/id").to_owned();
    let mut browser = ada(&shop).await;
    let path = format!("/v1/admin/accounts/{account}/freeze");
    let frozen = shop.post(&path, &shop.admin, "", json!({ "reason": "asked" })).await;
    assert_eq!(frozen.status, 200, "{frozen:?}");
    let page = browser.open("/account").await;
    assert!(page.html.contains("This account is frozen."), "{}", page.html);
    let page = browser.open("/wallet").await;
    assert!(page.html.contains("This account is frozen: nothing can be bought"), "{}", page.html);
    let form = [("tokens", "5"), ("way", "demo:demo_approved"), ("key", "d")];
    let page = browser.send("/wallet/top-up", &form).await;
    assert_eq!(page.status, 403, "{}", page.html);
    assert!(page.html.contains("role=\"alert\""), "{}", page.html);
}

#[tokio::test]
async fn a_frozen_account_is_told_by_letter_and_so_is_a_thawed_one_without_the_reason() {
    let shop = Shop::open_with(settings()).await;
    let session = shop.buyer("ada@example.com", 0).await;
    shop.run_mail().await;
    let account = shop.get("/v1/account", &session).await.at("/id").to_owned();
    for (verb, subject) in [
        ("freeze", "Your account with Aurora Instruments is frozen"),
        ("thaw", "Your account with Aurora Instruments is open again"),
    ] {
        let path = format!("/v1/admin/accounts/{account}/{verb}");
        // The second time changes nothing, and is no news.
        for _ in 0..2 {
            let done = shop.post(&path, &shop.admin, "", json!({ "reason": "Suspicious" })).await;
            assert_eq!(done.status, 200, "{done:?}");
        }
        let sent = shop.run_mail().await;
        let told: Vec<_> = sent.iter().map(|one| (&*one.to, &*one.words.subject)).collect();
        assert_eq!(told, [("ada@example.com", subject)]);
        assert!(!sent[0].words.text.contains("Suspicious"), "{}", sent[0].words.text);
    }
    let events = shop.get("/v1/events", &session).await;
    let kinds: Vec<_> =
        events.json["data"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
    assert_eq!(kinds, ["account.opened", "account.frozen", "account.thawed"]);
    shop.sound().await;
}

#[tokio::test]
async fn a_new_password_keeps_this_browser_and_ends_the_others() {
    let shop = Shop::open().await;
    shop.buyer("ada@example.com", 0).await;
    let (mut here, mut there) = (ada(&shop).await, ada(&shop).await);
    let page = here.open("/account").await;
    assert!(page.html.contains("Signed in elsewhere, too (2)"), "{}", page.html);
    for (old, new, field) in [
        ("wrong horse", "staple correct", "old"),
        ("correct horse", "short", "new"),
        ("correct horse", "", "new"),
    ] {
        let page = here.send("/account/password", &[("old", old), ("new", new)]).await;
        assert_eq!(page.status, 400, "{new}");
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{new}: {}", page.html);
        assert!(!page.html.contains("horse"), "no password is shown");
    }
    assert_eq!(there.open("/account").await.status, 200);
    let form = [("old", "correct horse"), ("new", "staple correct")];
    let page = here.send("/account/password", &form).await;
    assert!(page.html.contains("Your password was changed"), "{}", page.html);
    assert_eq!(
        (here.open("/account").await.status, there.open("/account").await.status),
        (200, 303)
    );
    let page = here.open("/account").await;
    assert!(!page.html.contains("Signed in elsewhere"), "{}", page.html);
}

#[tokio::test]
async fn every_other_session_is_ended_at_once() {
    let shop = Shop::open().await;
    let session = shop.buyer("ada@example.com", 0).await;
    let (mut here, mut there) = (ada(&shop).await, ada(&shop).await);
    shop.buyer("bob@example.com", 0).await;
    let mut bob = Browser::on(&shop);
    bob.send("/sign-in", &[("email", "bob@example.com"), ("password", "correct horse")]).await;
    let page = here.send("/account/sessions/end", &[]).await;
    assert_eq!((page.status, page.location()), (303, "/account"));
    let statuses = (here.open("/account").await.status, there.open("/account").await.status);
    assert_eq!(statuses, (200, 303));
    assert_eq!(shop.get("/v1/account", &session).await.status, 401);
    assert_eq!(bob.open("/account").await.status, 200, "nobody else's");
    assert_eq!(here.send("/account/sessions/end", &[]).await.status, 303, "again");
}
