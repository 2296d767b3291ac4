//! The account in a browser: cards, the data to take along, what a frozen account is told.

use scrip_testkit::{Browser, Shop, settings};
use serde_json::{Value, json};

use crate::library_pages::ada;
use crate::licensed::buy;

#[tokio::test]
async fn cards_are_kept_chosen_and_removed_after_a_question() {
    let shop = Shop::open().await;
    let session = shop.buyer("ada@example.com", 0).await;
    let mut browser = ada(&shop).await;
    let page = browser.open("/account").await;
    assert!(page.html.contains("No card is kept with this account."), "{}", page.html);
    for name in ["demo_approved", "demo_review"] {
        let page = browser.send("/account/cards", &[("payment_method", name)]).await;
        assert_eq!((page.status, page.location()), (303, "/account#cards"), "{}", page.html);
    }
    for name in ["pm_1", "4242424242424242", ""] {
        assert_eq!(browser.send("/account/cards", &[("payment_method", name)]).await.status, 400);
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
    let mut browser = ada(&shop).await;
    let page = browser.open("/account").await;
    assert!(page.html.contains("href=\"/account/data\""), "{}", page.html);
    let saved = browser.open("/account/data").await;
    assert_eq!(serde_json::from_str::<Value>(&saved.html).unwrap(), *data);
    assert_eq!(shop.get("/v1/account/export", "").await.status, 401);
    assert_eq!(Browser::on(&shop).open("/account/data").await.status, 303);
}

#[tokio::test]
async fn an_empty_account_is_a_whole_file_too() {
    let shop = Shop::open().await;
    let session = shop.buyer("ada@example.com", 0).await;
    let answer = shop.get("/v1/account/export", &session).await;
    assert_eq!(answer.json["orders"], json!([]), "{answer:?}");
    assert_eq!(answer.json["exchanges"], json!([]), "{answer:?}");
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
