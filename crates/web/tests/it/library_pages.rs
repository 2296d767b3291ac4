//! The library in a browser: what is owned, a page for each license, and what is done there.

use scrip_domain::Span;
use scrip_license::{ActivationRequest, Limits, RentalStart, Terms};
use scrip_testkit::{Browser, Shop};
use serde_json::json;

use crate::goods::{Sold, release};
use crate::licensed::{Licensed, buy, images, machines, offer};

const DAY: u64 = 86_400;

/// Ada's browser, signed in.
pub async fn ada(shop: &Shop) -> Browser<'_> {
    let mut browser = Browser::on(shop);
    let form = [("email", "ada@example.com"), ("password", "correct horse")];
    let page = browser.send("/sign-in", &form).await;
    assert_eq!(page.status, 303, "{}", page.html);
    browser
}

fn month() -> Terms {
    Terms::Rental { seconds: 30 * DAY, from: RentalStart::Purchase }
}

#[tokio::test]
async fn a_new_account_is_told_what_to_do_first() {
    let shop = Shop::open().await;
    shop.buyer("ada@example.com", 0).await;
    let mut stranger = Browser::on(&shop);
    assert_eq!(stranger.open("/library").await.location(), "/sign-in?next=%2Flibrary");
    let page = ada(&shop).await.open("/library").await;
    assert_eq!((page.status, page.answer.header("cache-control")), (200, "no-store"));
    assert!(page.html.contains("Nothing here yet"), "{}", page.html);
    assert!(page.html.contains("href=\"/products\">Look at the products"), "{}", page.html);
}

#[tokio::test]
async fn what_is_owned_is_listed_found_and_told_apart() {
    let shop = Shop::open().await;
    let rented = offer(&shop, "lens", month(), Limits::default()).await;
    let counted = offer(&shop, "mixer", images(3), Limits::default()).await;
    let session = shop.buyer("ada@example.com", 10_000).await;
    buy(&shop, &rented, &session, "k1").await;
    let mixer = buy(&shop, &counted, &session, "k2").await;
    shop.advance(Span::days(31)).await;
    let mut browser = ada(&shop).await;
    let page = browser.open("/library").await;
    assert!(page.html.contains("For 30 days") && page.html.contains("Ended "), "{}", page.html);
    assert!(page.html.contains("3 images left"), "{}", page.html);
    let titles = |html: &str| (html.contains(">lens<"), html.contains(">mixer<"));
    assert_eq!(titles(&page.html), (true, true));
    for (query, found) in [
        ("?show=active", (false, true)),
        ("?show=ended", (true, false)),
        ("?q=LENS", (true, false)),
        ("?q=nothing", (false, false)),
        (&format!("?q={}", mixer.license), (false, true)),
    ] {
        let page = browser.open(&format!("/library{query}")).await;
        assert_eq!((page.status, titles(&page.html)), (200, found), "{query}");
    }
    let page = browser.open("/library?q=nothing").await;
    assert!(page.html.contains("Nothing is found"), "{}", page.html);
    assert_eq!(browser.open("/library?after=x").await.status, 404);
    assert_eq!(browser.open(&format!("/library?q={}", "a".repeat(201))).await.status, 400);
    let used = json!({ "code": mixer.jws, "units": 3, "key": "all" });
    assert_eq!(shop.post("/v1/licenses/consume", "", "", used).await.code(), "VALID");
    let page = browser.open("/library?show=ended").await;
    assert_eq!(titles(&page.html), (true, true), "what is used up has ended, too");
    assert!(page.html.contains("Used up"), "{}", page.html);
}

#[tokio::test]
async fn orders_are_found_from_every_page_of_a_buyer() {
    let shop = Shop::open().await;
    let bought = offer(&shop, "lens", month(), Limits::default()).await;
    let session = shop.buyer("ada@example.com", 10_000).await;
    buy(&shop, &bought, &session, "k1").await;
    assert!(!Browser::on(&shop).open("/products").await.html.contains("href=\"/orders\""));
    let mut browser = ada(&shop).await;
    let page = browser.open("/orders").await;
    assert!(page.html.contains("href=\"/orders\" aria-current=\"page\">Orders"), "{}", page.html);
    let page = browser.open("/products").await;
    assert!(page.html.contains("href=\"/orders\">Orders"), "{}", page.html);
    for (path, link) in
        [("/library", "your orders"), ("/account", "What you bought, with its receipts")]
    {
        let page = browser.open(path).await;
        assert!(page.html.contains(&format!("href=\"/orders\">{link}")), "{path}: {}", page.html);
    }
}

#[tokio::test]
async fn a_long_library_is_read_page_by_page() {
    let shop = Shop::open().await;
    let counted = offer(&shop, "mixer", images(3), Limits::default()).await;
    let session = shop.buyer("ada@example.com", 100_000).await;
    for number in 0..60 {
        buy(&shop, &counted, &session, &format!("k{number}")).await;
    }
    let mut browser = ada(&shop).await;
    let (mut path, mut tiles, mut pages) = ("/library?q=mixer".to_owned(), 0, 0);
    while !path.is_empty() {
        let page = browser.open(&path).await;
        assert_eq!(page.status, 200, "{path}");
        tiles += page.html.matches("/library/lic_").count();
        pages += 1;
        let next = page.html.split("href=\"/library?").nth(1).unwrap_or_default();
        let next = next.split('"').next().unwrap_or_default().replace("&amp;", "&");
        path = if next.is_empty() { String::new() } else { format!("/library?{next}") };
    }
    assert_eq!((tiles, pages), (60, 3));
}

#[tokio::test]
async fn a_license_shows_its_codes_and_nobody_elses() {
    let sold = Licensed::new(month(), machines(2)).await;
    let mut browser = ada(&sold.shop).await;
    let path = format!("/library/{}", sold.program.license);
    let page = browser.open(&path).await;
    assert_eq!(page.status, 200, "{}", page.html);
    for shown in [&sold.program.jws, &sold.program.short, &sold.program.order] {
        assert!(page.html.contains(shown.as_str()), "{shown}");
    }
    assert!(page.html.contains("0 of 2 in use."), "{}", page.html);
    assert_eq!(page.html.matches("<h1>").count(), 1);
    sold.shop.buyer("bob@example.com", 0).await;
    let mut bob = Browser::on(&sold.shop);
    bob.send("/sign-in", &[("email", "bob@example.com"), ("password", "correct horse")]).await;
    for below in
        ["", "/extend", "/reissue", "/machines/act_0000000000001", "/files/fil_0000000000001"]
    {
        assert_eq!(bob.open(&format!("{path}{below}")).await.status, 404, "{below}");
    }
    for below in ["/extend", "/reissue", "/machines/act_0000000000001"] {
        let form = [("key", "k"), ("offer", sold.offer.as_str()), ("quantity", "1")];
        let page = bob.send(&format!("{path}{below}"), &form).await;
        assert_eq!(page.status, 404, "{below}: {}", page.html);
    }
    assert_eq!(browser.open("/library/lic_0000000000001").await.status, 404);
    sold.change(|license| license.state = scrip_domain::license::LicenseState::Refunded).await;
    let page = browser.open(&path).await;
    assert!(page.html.contains("This license was refunded."), "{}", page.html);
    assert!(!page.html.contains(&sold.program.short), "its code is told no more");
}

#[tokio::test]
async fn files_come_by_a_ticket_and_a_refusal_says_why() {
    let sold = Sold::with(3000, Terms::Perpetual, Some(1)).await;
    let (shop, mut browser) = (&sold.shop, ada(&sold.shop).await);
    let newer = release(shop, "tool", "stable", "1.1", &[("tool 1.1.zip", &[7; 2000])]).await;
    let later = release(shop, "tool", "beta", "2.0", &[("beta.zip", &[8; 10])]).await;
    let list = browser.open("/library").await;
    let license = list.html.split("href=\"/library/").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/library/{license}");
    let page = browser.open(&path).await;
    assert!(page.html.contains("as you bought it"), "{}", page.html);
    assert!(page.html.contains("Version <bdi>1.1</bdi>"), "{}", page.html);
    assert!(!page.html.contains("beta.zip"), "another channel is not opened");
    assert!(page.html.contains("0 of 1 downloads are used."), "{}", page.html);
    assert!(!page.html.contains("ticket="), "no page holds a ticket");
    let page = browser.open(&format!("{path}/files/{}", sold.file)).await;
    assert_eq!((page.status, page.answer.header("cache-control")), (303, "no-store"));
    let to = page.location().to_owned();
    assert!(to.starts_with(&format!("/v1/downloads/{}?ticket=", sold.file)), "{to}");
    assert_eq!(shop.get(&to, "").await.bytes, sold.content);
    assert_eq!(sold.counted().await, 1);
    let page = browser.open(&format!("{path}/files/{}", newer[0])).await;
    assert_eq!(page.status, 403);
    assert!(page.html.contains("downloads of this license are used up"), "{}", page.html);
    assert!(page.html.contains("Back to the license"), "{}", page.html);
    assert_eq!(browser.open(&format!("{path}/files/{}", later[0])).await.status, 403);
    assert_eq!(browser.open(&format!("{path}/files/nothing")).await.status, 404);
}

#[tokio::test]
async fn a_machine_is_deactivated_after_a_question() {
    let limits = Limits { machines: Some(2), moves: Some(1), ..Limits::default() };
    let sold = Licensed::new(Terms::Perpetual, limits).await;
    for (machine, name) in [("desk", "The desk <1>"), ("lap", "")] {
        let body = json!({ "fingerprint": machine, "name": name });
        assert_eq!(sold.ask("activate", body).await.code(), "VALID");
    }
    let mut browser = ada(&sold.shop).await;
    let path = format!("/library/{}", sold.program.license);
    let page = browser.open(&path).await;
    assert!(page.html.contains("2 of 2 in use."), "{}", page.html);
    assert!(page.html.contains("<bdi>The desk &lt;1&gt;</bdi>"), "{}", page.html);
    let links: Vec<String> = page
        .html
        .split(&format!("href=\"{path}/machines/"))
        .skip(1)
        .map(|rest| format!("{path}/machines/{}", rest.split('"').next().unwrap()))
        .collect();
    assert_eq!(links.len(), 2);
    let page = browser.open(&links[1]).await;
    assert!(page.html.contains("0 of 1 within a year are made"), "{}", page.html);
    let gone = browser.send(&links[1], &[]).await;
    assert_eq!((gone.status, gone.location()), (303, path.as_str()));
    assert_eq!(browser.send(&links[1], &[]).await.status, 303, "again changes nothing");
    assert_eq!(sold.code("validate", json!({ "fingerprint": "desk" })).await, "NOT_ACTIVATED");
    let refused = browser.send(&links[0], &[]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.html.contains("as often as it may within a year"), "{}", refused.html);
    assert_eq!(sold.code("validate", json!({ "fingerprint": "lap" })).await, "VALID");
    assert_eq!(browser.send_from("cross-site", &links[0], &[]).await.status, 403);
}

#[tokio::test]
async fn a_new_code_kills_the_old_one_once() {
    let sold = Licensed::new(Terms::Perpetual, Limits::default()).await;
    let mut browser = ada(&sold.shop).await;
    let path = format!("/library/{}", sold.program.license);
    let page = browser.open(&format!("{path}/reissue")).await;
    assert!(page.html.contains("stops working at once"), "{}", page.html);
    let key = page.input("key").to_owned();
    for _ in 0..2 {
        let done = browser.send(&format!("{path}/reissue"), &[("key", &key)]).await;
        assert_eq!((done.status, done.location()), (303, path.as_str()));
    }
    assert_eq!(sold.code("validate", json!({})).await, "SUPERSEDED");
    let page = browser.open(&path).await;
    assert!(page.html.contains("(issue 2)"), "issued once more, not twice: {}", page.html);
    sold.change(|license| license.state = scrip_domain::license::LicenseState::Suspended).await;
    let refused = browser.send(&format!("{path}/reissue"), &[("key", "other")]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.html.contains("Back to the license"), "{}", refused.html);
    let page = browser.open(&path).await;
    assert!(page.html.contains("The vendor has suspended this license."), "{}", page.html);
}

#[tokio::test]
async fn an_extension_becomes_an_order_to_be_confirmed() {
    let sold = Licensed::new(month(), Limits::default()).await;
    let mut browser = ada(&sold.shop).await;
    let path = format!("/library/{}/extend", sold.program.license);
    let page = browser.open(&path).await;
    assert!(page.html.contains("30 days more"), "{}", page.html);
    assert!(page.html.contains("1.00 AUR"), "{}", page.html);
    let key = page.input("key").to_owned();
    let form = |quantity| [("offer", sold.offer.as_str()), ("quantity", quantity), ("key", &key)];
    for quantity in ["", "0", "101", "many"] {
        let page = browser.send(&path, &form(quantity)).await;
        assert_eq!(page.status, 400, "{quantity}");
        assert!(page.html.contains("id=\"quantity-error\""), "{quantity}: {}", page.html);
    }
    for offer in ["", "nothing", "ofr_00000000000zz"] {
        let page = browser.send(&path, &[("offer", offer), ("quantity", "1"), ("key", "k")]).await;
        assert_eq!(page.status, 400, "{offer}");
        assert!(page.html.contains("id=\"offer-error\""), "{offer}: {}", page.html);
    }
    let page = browser.send(&path, &form("2")).await;
    assert_eq!(page.status, 303, "{}", page.html);
    let order = page.location().strip_prefix("/checkout/").unwrap().to_owned();
    let again = browser.send(&path, &form("2")).await;
    assert_eq!(again.location(), format!("/checkout/{order}"), "the same form, the same order");
    let ada = sold.sign_in().await;
    let before = sold.shown().await;
    let confirm = format!("/v1/orders/{order}/confirm");
    assert_eq!(sold.shop.post(&confirm, &ada, "c", json!({})).await.status, 200);
    assert_ne!(sold.shown().await["expires_at"], before["expires_at"]);
    sold.shop.sound().await;
}

#[tokio::test]
async fn what_lasts_for_good_is_not_extended() {
    let sold = Licensed::new(Terms::Perpetual, Limits::default()).await;
    let mut browser = ada(&sold.shop).await;
    let path = format!("/library/{}", sold.program.license);
    let page = browser.open(&path).await;
    assert!(!page.html.contains("/extend"), "{}", page.html);
    let page = browser.open(&format!("{path}/extend")).await;
    assert!(page.html.contains("This license cannot be extended"), "{}", page.html);
    let form = [("offer", sold.offer.as_str()), ("quantity", "1"), ("key", "k")];
    assert_eq!(browser.send(&format!("{path}/extend"), &form).await.status, 400);
}

fn carried(code: &str, fingerprint: &str) -> String {
    let (code, fingerprint) = (code.to_owned(), fingerprint.to_owned());
    let name = Some("the one in the cellar".to_owned());
    ActivationRequest { code, fingerprint, name, product: None }.to_string()
}

#[tokio::test]
async fn a_machine_without_a_network_gets_its_answer_as_text_and_as_a_file() {
    let sold = Licensed::new(Terms::Perpetual, machines(1)).await;
    let mut browser = Browser::on(&sold.shop);
    let page = browser.open("/activate").await;
    assert_eq!(page.status, 200, "whoever has the code may ask: {}", page.html);
    let request = carried(&sold.program.jws, "cellar");
    // Mail programs break lines.
    let broken = format!(" {}\r\n{}\n", &request[..50], &request[50..]);
    let page = browser.send("/activate", &[("request", &broken)]).await;
    assert_eq!(page.status, 200, "{}", page.html);
    assert!(page.html.contains("<bdi>the one in the cellar</bdi> may be offline until"));
    let lease = page.html.split("id=\"lease\">").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(lease.split('.').count(), 3, "{lease}");
    assert!(!page.html.contains("/library/"), "a stranger is led nowhere private");
    let file = browser.send("/activate", &[("request", &request), ("as", "file")]).await;
    assert_eq!(file.html, lease, "the same leave again");
    assert_eq!(file.answer.header("content-disposition"), "attachment; filename=\"lease.txt\"");
    let page = ada(&sold.shop).await.send("/activate", &[("request", &request)]).await;
    assert!(page.html.contains(&format!("/library/{}", sold.program.license)), "{}", page.html);
    let other = carried(&sold.program.short, "attic");
    let page = browser.send("/activate", &[("request", &other)]).await;
    assert_eq!(page.status, 409);
    assert!(page.html.contains("in use on as many machines as it may be"), "{}", page.html);
    assert!(page.html.contains(&other), "what was pasted stays");
}

#[tokio::test]
async fn code_and_fingerprint_can_be_typed_and_each_mistake_is_named() {
    let sold = Licensed::new(Terms::Perpetual, machines(2)).await;
    let mut browser = Browser::on(&sold.shop);
    let code = ("code", sold.program.short.as_str());
    let form = [code, ("fingerprint", "desk"), ("name", "My desk")];
    let page = browser.send("/activate", &form).await;
    assert_eq!(page.status, 200, "{}", page.html);
    assert_eq!(sold.code("validate", json!({ "fingerprint": "desk" })).await, "VALID");
    let long = "x".repeat(1025);
    for (form, at) in [
        (vec![], "request"),
        (vec![("request", "not one")], "request"),
        (vec![("request", carried("a.b.c", "").as_str())], "request"),
        (vec![("fingerprint", "desk")], "code"),
        (vec![code], "fingerprint"),
        (vec![code, ("fingerprint", &long)], "fingerprint"),
        (vec![code, ("fingerprint", "desk"), ("name", "a\u{7}")], "name"),
        (vec![("code", "x".repeat(4097).as_str()), ("fingerprint", "d")], "code"),
    ] {
        let page = browser.send("/activate", &form).await;
        assert_eq!(page.status, 400, "{form:?}");
        assert!(page.html.contains(&format!("id=\"{at}-error\"")), "{form:?}: {}", page.html);
    }
    let page = browser.send("/activate", &[("code", "wrong"), ("fingerprint", "desk")]).await;
    assert_eq!(page.status, 409);
    assert!(page.html.contains("This is no code of this shop"), "{}", page.html);
}

#[tokio::test]
async fn guessing_codes_on_the_page_is_limited() {
    let sold = Licensed::new(Terms::Perpetual, machines(2)).await;
    let mut browser = Browser::on(&sold.shop);
    let mut last = 0;
    for number in 0..200 {
        let code = format!("06BQ3-V8K2M-9ZC7X-4GQ2H-{number:05}");
        last = browser.send("/activate", &[("code", &code), ("fingerprint", "d")]).await.status;
        if last == 429 {
            break;
        }
        assert_eq!(last, 409, "{number}");
    }
    assert_eq!(last, 429);
}
