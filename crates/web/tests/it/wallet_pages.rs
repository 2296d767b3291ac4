//! The wallet in a browser: what it says, the statement, adding funds, topping up by itself.

use scrip_domain::sale::Limits;
use scrip_domain::settings::{Flow, Pack, Threshold, UnitValue};
use scrip_domain::{Amount, Money, Span, Unit};
use scrip_testkit::{Shop, settings};
use serde_json::json;

use crate::account_pages::give_card;
use crate::library_pages::ada;
use crate::licensed::buy;

fn amount(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

fn money(units: u64, currency: &str) -> Money {
    Money { amount: amount(units), unit: Unit::parse(currency).unwrap() }
}

#[tokio::test]
async fn an_empty_wallet_says_how_much_opens_ordering_and_leads_there() {
    let mut settings = settings();
    settings.flow = Flow::RegisterFirst;
    settings.threshold = Threshold::Fixed { amount: amount(1500) };
    let shop = Shop::open_with(settings).await;
    let session = shop.buyer("ada@example.com", 0).await;
    let mut browser = ada(&shop).await;
    let page = browser.open("/wallet").await;
    assert!(page.html.contains("Your wallet is empty"), "{}", page.html);
    assert!(page.html.contains("<strong>15.00 AUR</strong> more opens ordering"), "{}", page.html);
    let link = "/wallet/top-up?tokens=15.00&amp;next=%2Fwallet";
    assert!(page.html.contains(link), "{}", page.html);
    let page = browser.open(&link.replace("&amp;", "&")).await;
    assert!(page.html.contains("You need <strong>15.00 AUR</strong> more"), "{}", page.html);
    assert_eq!(page.input("next"), "/wallet");
    let key = page.input("key").to_owned();
    let form = [("tokens", "15.00"), ("way", "demo:demo_approved"), ("key", &key)];
    let form = [form.as_slice(), &[("next", "/wallet")]].concat();
    let page = browser.send("/wallet/top-up", &form).await;
    assert_eq!((page.status, page.location()), (303, "/wallet"), "{}", page.html);
    let page = browser.open("/wallet").await;
    assert!(page.html.contains("Ordering is open"), "{}", page.html);
    assert!(page.html.contains("Worth 15.00 EUR"), "{}", page.html);
    assert_eq!(shop.available(&session).await, 1500);
    shop.sound().await;
}

#[tokio::test]
async fn the_statement_is_paged_and_leads_to_what_each_line_was_for() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 100).await;
    let session = shop.buyer("ada@example.com", 10_000).await;
    let mut last = String::new();
    for number in 0..25 {
        last = buy(&shop, &offer, &session, &format!("k{number}")).await.order;
    }
    let mut browser = ada(&shop).await;
    let page = browser.open("/wallet").await;
    assert!(page.html.contains(&format!("href=\"/orders/{last}\">order")), "{}", page.html);
    assert_eq!(page.html.matches(">order</a>").count(), 20);
    let next = page.html.split("href=\"/wallet?after=").nth(1).unwrap();
    let next = format!("/wallet?after={}", next.split(['"', '#']).next().unwrap());
    let page = browser.open(&next).await;
    assert_eq!(page.html.matches(">order</a>").count(), 5, "{}", page.html);
    assert!(page.html.contains("Adjusted by the vendor"), "{}", page.html);
    assert!(page.html.contains("The newest"), "{}", page.html);
    assert_eq!(browser.open("/wallet?after=x").await.status, 404);
}

#[tokio::test]
async fn the_statement_is_saved_as_a_table() {
    let shop = Shop::open().await;
    shop.buyer("ada@example.com", 500).await;
    let mut browser = ada(&shop).await;
    assert_eq!(browser.open("/wallet/statement").await.status, 200);
    let table = browser.open("/wallet/statement.csv?from=&to=").await;
    let header = |name| table.answer.header(name).to_owned();
    assert_eq!(header("content-disposition"), "attachment; filename=\"statement.csv\"");
    assert!(table.html.starts_with("at,id,reason,subject,"), "{}", table.html);
    assert!(table.html.contains("closing_balance,,,,5.00,"), "{}", table.html);
    for (query, field) in
        [("from=x", "from"), ("to=2026-13-01", "to"), ("from=2026-02-02&to=2026-02-01", "to")]
    {
        let page = browser.open(&format!("/wallet/statement.csv?{query}")).await;
        assert_eq!(page.status, 400, "{query}");
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{query}: {}", page.html);
    }
}

#[tokio::test]
async fn tokens_that_end_soon_are_marked() {
    let shop = Shop::open().await;
    let session = shop.buyer("ada@example.com", 0).await;
    let account = shop.get("/v1/account", &session).await.at("/id").to_owned();
    for (key, until) in [("g1", "2026-12-01T00:00:00.000Z"), ("g2", "2027-12-01T00:00:00.000Z")] {
        let tokens = json!({ "amount": 100, "unit": "AUR" });
        let body =
            json!({ "tokens": tokens, "reason": "welcome", "kind": "promo", "expires_at": until });
        let path = format!("/v1/admin/accounts/{account}/adjust");
        let granted = shop.post(&path, &shop.admin, key, body).await;
        assert_eq!(granted.status, 201, "{granted:?}");
    }
    let page = ada(&shop).await.open("/wallet").await;
    assert_eq!(page.html.matches("a gift").count(), 2, "{}", page.html);
    assert_eq!(page.html.matches(">soon</span>").count(), 1, "{}", page.html);
}

#[tokio::test]
async fn packs_currencies_and_money_are_taken_as_they_were_shown() {
    let mut settings = settings();
    settings.packs = vec![Pack { tokens: amount(5000), pay: money(4500, "EUR") }];
    settings.prices = vec![UnitValue { tokens: amount(100), money: money(125, "USD") }];
    settings.top_up_limits = Limits { min: Some(amount(200)), max: None };
    let shop = Shop::open_with(settings.clone()).await;
    let session = shop.buyer("ada@example.com", 0).await;
    let mut browser = ada(&shop).await;
    let page = browser.open("/wallet/top-up").await;
    assert!(page.html.contains("value=\"5000-4500-EUR\" checked"), "{}", page.html);
    assert!(page.html.contains("or 1.25 USD for 1.00 AUR"), "{}", page.html);
    let way = ("way", "demo:demo_approved");
    for (form, tokens, paid) in [
        (vec![("choice", "5000-4500-EUR"), way, ("key", "a")], 5000, "45.00 EUR"),
        (vec![("tokens", "2.50"), ("unit", "USD"), way, ("key", "b")], 200, "2.50 USD"),
        (
            vec![("tokens", "2,00"), ("unit", "AUR"), ("currency", "USD"), way, ("key", "c")],
            200,
            "2.50 USD",
        ),
    ] {
        let before = shop.available(&session).await;
        let page = browser.send("/wallet/top-up", &form).await;
        assert_eq!(page.status, 303, "{form:?}: {}", page.html);
        assert_eq!(shop.available(&session).await - before, tokens, "{form:?}");
        let page = browser.open(page.location()).await;
        assert!(page.html.contains("Funds added") && page.html.contains(paid), "{}", page.html);
    }
    for (form, field) in [
        (vec![("choice", "5000-x-EUR"), way], "choice"),
        (vec![("tokens", "1"), way], "tokens"),
        (vec![("tokens", "5"), ("unit", "GBP"), way], "tokens"),
        (vec![("tokens", "5"), ("unit", "eur"), way], "tokens"),
        (vec![("tokens", "5"), ("currency", "GBP"), way], "currency"),
        (vec![("tokens", "5"), ("way", "")], "way"),
        (vec![("way", "voucher"), ("voucher", " ")], "voucher"),
        (vec![("way", "voucher"), ("voucher", "7GQ2H-TN5W0-06BQ3-V8K2M")], "voucher"),
    ] {
        let page = browser.send("/wallet/top-up", &form).await;
        assert!(matches!(page.status, 400 | 422), "{form:?}: {}", page.status);
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{form:?}: {}", page.html);
    }
    settings.packs.clear();
    shop.app.engine.put_settings(scrip_engine::Staff::OPERATOR, settings).await.unwrap().unwrap();
    let page =
        browser.send("/wallet/top-up", &[("choice", "5000-4500-EUR"), way, ("key", "d")]).await;
    assert_eq!(page.status, 409, "a pack that is gone: {}", page.html);
    assert!(page.html.contains("Tokens cost something else now"), "{}", page.html);
    shop.sound().await;
}

#[tokio::test]
async fn a_declined_top_up_offers_a_second_look_and_another_way() {
    let shop = Shop::open().await;
    shop.buyer("ada@example.com", 0).await;
    let mut browser = ada(&shop).await;
    let form = [("tokens", "5"), ("way", "demo:demo_declined"), ("key", "d"), ("next", "/account")];
    let page = browser.send("/wallet/top-up", &form).await;
    assert_eq!(page.status, 402);
    let path = page.html.split("href=\"/wallet/top-ups/").nth(1).unwrap();
    let path = format!("/wallet/top-ups/{}", path.split('"').next().unwrap());
    let page = browser.open(&format!("{path}?next=%2Faccount")).await;
    assert!(page.html.contains("/wallet/top-up?tokens=5.00&amp;next=%2Faccount"), "{}", page.html);
    assert!(page.html.contains("Ask for a second look"), "{}", page.html);
    let page = browser.send(&format!("{path}/appeal"), &[("message", " ")]).await;
    assert_eq!(page.status, 400);
    assert!(page.html.contains("id=\"message-error\""), "{}", page.html);
    let asked = [("message", "Call me."), ("next", "/account")];
    let page = browser.send(&format!("{path}/appeal"), &asked).await;
    assert_eq!(page.location(), format!("{path}?next=%2Faccount"));
    let page = browser.open(page.location()).await;
    assert!(page.html.contains("Somebody looks at it"), "{}", page.html);
    shop.sound().await;
}

#[tokio::test]
async fn an_offline_top_up_says_what_to_send_and_can_be_given_up() {
    let mut settings = settings();
    settings.offline_instructions = "To our account at the First Bank.".into();
    let shop = Shop::open_with(settings).await;
    shop.buyer("ada@example.com", 0).await;
    let mut browser = ada(&shop).await;
    let page = browser.open("/wallet/top-ups").await;
    assert!(page.html.contains("Nothing yet"), "{}", page.html);
    let form = [("tokens", "5"), ("way", "offline"), ("key", "d")];
    let path = browser.send("/wallet/top-up", &form).await.location().to_owned();
    let page = browser.open(&path).await;
    for shown in ["Your turn", "<strong>5.00 EUR</strong>", "First Bank", "id=\"reference\""] {
        assert!(page.html.contains(shown), "{shown}: {}", page.html);
    }
    shop.buyer("bob@example.com", 0).await;
    let mut bob = scrip_testkit::Browser::on(&shop);
    bob.send("/sign-in", &[("email", "bob@example.com"), ("password", "correct horse")]).await;
    assert_eq!(bob.send(&format!("{path}/cancel"), &[]).await.status, 404);
    let page = browser.send(&format!("{path}/cancel"), &[]).await;
    assert_eq!((page.status, page.location()), (303, path.as_str()));
    let page = browser.open(&path).await;
    assert!(page.html.contains("Nothing was charged."), "{}", page.html);
    let page = browser.open("/wallet/top-ups").await;
    for shown in ["Cancelled", "5.00 AUR<p class=\"small\">for 5.00 EUR</p>"] {
        assert!(page.html.contains(shown), "{shown}: {}", page.html);
    }
    let page = browser.send(&format!("{path}/appeal"), &[("message", "But why?")]).await;
    assert_eq!(page.status, 409, "nobody declined it");
    assert!(page.html.contains("role=\"alert\""), "{}", page.html);
    assert_eq!(browser.open("/wallet/top-ups?after=x").await.status, 404);
}

#[tokio::test]
async fn a_wallet_is_filled_by_itself_as_its_owner_wants() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 400).await;
    let session = shop.buyer("ada@example.com", 500).await;
    let mut browser = ada(&shop).await;
    let page = browser.open("/wallet/automatic").await;
    assert!(page.html.contains("There is no card to pay with"), "{}", page.html);
    give_card(&mut browser, "demo_approved").await;
    for (form, field) in [
        ([("below", ""), ("to", "10")], "below"),
        ([("below", "0"), ("to", "10")], "below"),
        ([("below", "5"), ("to", "x")], "to"),
        ([("below", "5"), ("to", "5")], "to"),
    ] {
        let page = browser.send("/wallet/automatic", &form).await;
        assert_eq!(page.status, 400, "{form:?}");
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{form:?}: {}", page.html);
    }
    for more in [("payment_method", "pm_of_somebody"), ("monthly_limit", "-1")] {
        let page = browser.send("/wallet/automatic", &[("below", "3"), ("to", "9"), more]).await;
        assert_eq!(page.status, 400, "{more:?}");
        assert!(page.html.contains(&format!("id=\"{}-error\"", more.0)), "{}", page.html);
    }
    let form = [("below", "3"), ("to", "9,00"), ("payment_method", ""), ("monthly_limit", "50")];
    let page = browser.send("/wallet/automatic", &form).await;
    assert_eq!((page.status, page.location()), (303, "/wallet"), "{}", page.html);
    let page = browser.open("/wallet").await;
    assert!(page.html.contains("Below 3.00 AUR it is filled up to 9.00 AUR."), "{}", page.html);
    let page = browser.open("/wallet/automatic").await;
    assert!(page.html.contains("value=\"9.00\"") && page.html.contains("value=\"50.00\""));
    let total = json!({ "amount": 400, "unit": "AUR" });
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": total });
    assert_eq!(shop.post("/v1/purchases", &session, "p", body).await.status, 201);
    for _ in 0..4 {
        shop.app.engine.run_auto_top_ups().await.unwrap();
        shop.run_errands().await;
        shop.advance(Span::seconds(5)).await;
    }
    assert_eq!(shop.available(&session).await, 900);
    let page = browser.send("/wallet/automatic/off", &[]).await;
    assert_eq!(page.location(), "/wallet");
    let page = browser.open("/wallet").await;
    assert!(page.html.contains("A card can keep your wallet filled"), "{}", page.html);
    shop.sound().await;
}
