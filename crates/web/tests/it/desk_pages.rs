//! The console's daily pages: each act through its form, what came of it, and what is said of wrong input.

#![expect(clippy::too_many_lines, reason = "a way through several pages is told in one piece")]

use scrip_domain::staff::StaffRole;
use scrip_domain::{Amount, Id, Span};
use scrip_engine::processor::PaymentName;
use scrip_license::Terms;
use scrip_testkit::{Answer, Browser, Page, Shop, settings};
use serde_json::{Value, json};

use crate::goods::Sold;
use crate::licensed::{buy as buy_license, images, machines, offer as license_offer};

fn aur(amount: u64) -> Value {
    json!({ "amount": amount, "unit": "AUR" })
}

async fn buy(shop: &Shop, buyer: &str, offer: &str, quantity: u32, total: u64) -> Answer {
    let lines = json!([{ "offer": offer, "quantity": quantity }]);
    let body = json!({ "lines": lines, "expected_total": aur(total), "allow_duplicate": true });
    let paid =
        shop.post("/v1/purchases", buyer, &format!("buy {total}").replace(' ', "-"), body).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    paid
}

async fn account(shop: &Shop, buyer: &str) -> String {
    shop.get("/v1/account", buyer).await.at("/id").to_owned()
}

/// Sends the form, and goes where it leads.
async fn done(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Page {
    let sent = browser.send(path, fields).await;
    assert_eq!(sent.status, 303, "{path}: {}", sent.html);
    let page = browser.open(sent.location()).await;
    assert_eq!(page.status, 200, "{}", page.html);
    page
}

/// Sends the form, which comes back with this told of it.
async fn wrong(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)], told: &str) -> Page {
    let page = browser.send(path, fields).await;
    assert!(
        (400..500).contains(&page.status),
        "{path} {fields:?}: {} {}",
        page.status,
        page.location()
    );
    // It begins a sentence, or is in the middle of one.
    let (html, told) = (page.html.to_lowercase(), told.to_lowercase());
    assert!(html.contains(&told), "{path} {fields:?}: {told}\n{}", page.html);
    for (_, value) in
        fields.iter().filter(|(name, value)| *name == "reason" && !value.trim().is_empty())
    {
        assert!(
            page.html.contains(&format!("value=\"{value}\"")),
            "what was typed stays: {}",
            page.html
        );
    }
    page
}

/// Opens a page that is there.
async fn open(browser: &mut Browser<'_>, path: &str) -> String {
    let page = browser.open(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.html);
    assert!(!page.html.contains("style="), "the policy forbids it: {path}");
    page.html
}

#[tokio::test]
async fn the_overview_draws_what_the_report_says_and_tells_what_waits() {
    let sold = Sold::new(300).await;
    let shop = &sold.shop;
    let review = json!({ "tokens": aur(500), "method": "demo", "payment_method": "demo_review" });
    assert_eq!(shop.post("/v1/top-ups", &sold.buyer, "look", review).await.status, 201);
    shop.advance(Span::days(1)).await;
    while shop.app.engine.close_days().await.unwrap() > 0 {}
    let (mut browser, _) = shop.clerk(StaffRole::ReadOnly).await;
    let html = open(&mut browser, "/admin").await;
    for word in [
        "top-up waits for review",
        "<title id=\"sales-title\">Sales</title>",
        "<th scope=\"row\">2026-11-22</th><td class=\"sum\">1.00 AUR</td>",
        "<title id=\"outstanding-title\">Outstanding tokens</title>",
        "Nothing in the 30 days before",
        "The same as a table",
        "aria-current=\"page\">30 days</a>",
    ] {
        assert!(html.contains(word), "{word}\n{html}");
    }
    assert_eq!(html.matches("<th scope=\"row\">2026-").count(), 6 * 30, "each day, six charts");
    let week = open(&mut browser, "/admin?days=7").await;
    assert_eq!(week.matches("<th scope=\"row\">2026-").count(), 6 * 7);
    // What is no choice is the usual one.
    assert!(open(&mut browser, "/admin?days=8").await.contains("The last 30 days"));
    let year = open(&mut browser, "/admin?days=365").await;
    assert!(
        year.contains("The last 365 days") && year.contains("<th scope=\"row\">2025-11-24</th>")
    );
}

#[tokio::test]
async fn orders_are_found_and_shown_with_all_that_is_on_record() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let (ada, bob) =
        (shop.buyer("ada@example.com", 1000).await, shop.buyer("bob@example.com", 1000).await);
    let order = buy(&shop, &ada, &offer, 2, 500).await.at("/id").to_owned();
    let lines = json!({ "lines": [{ "offer": offer }] });
    assert_eq!(shop.post("/v1/orders", &bob, "draft", lines).await.status, 201);
    let (mut browser, _) = shop.clerk(StaffRole::Support).await;
    let all = open(&mut browser, "/admin/orders").await;
    assert!(all.contains(&order) && all.contains("bob@example.com"), "{all}");
    let paid = open(&mut browser, "/admin/orders?state=paid").await;
    assert!(paid.contains(&order) && !paid.contains("bob@example.com"), "{paid}");
    let drafts = open(&mut browser, "/admin/orders?state=draft").await;
    assert!(!drafts.contains(&order) && drafts.contains("bob@example.com"), "{drafts}");
    assert!(open(&mut browser, "/admin/orders?state=refunded").await.contains("There are none"));
    let found = browser.open(&format!("/admin/orders?q={order}")).await;
    assert_eq!(found.location(), format!("/admin/orders/{order}"));
    let found = browser.open("/admin/orders?q=ADA%40example.com").await;
    let own = open(&mut browser, found.location()).await;
    assert!(own.contains(&order) && !own.contains("bob@example.com"), "{own}");
    assert!(open(&mut browser, "/admin/orders?q=nobody").await.contains("Nothing is called"));
    let page = open(&mut browser, &format!("/admin/orders/{order}")).await;
    for word in [
        "The tuning",
        "5.00 AUR paid",
        "lic_",
        "Checks (",
        "order.paid",
        "Give tokens back",
        "ada@example.com",
    ] {
        assert!(page.contains(word), "{word}\n{page}");
    }
    let nothing: Id<scrip_domain::order::Order> = Id::new(1).unwrap();
    assert_eq!(browser.open(&format!("/admin/orders/{nothing}")).await.status, 404);
}

#[tokio::test]
async fn lists_go_on_where_a_page_ends() {
    let shop = Shop::open().await;
    let (mut browser, _) = shop.clerk(StaffRole::ReadOnly).await;
    for number in 0..26 {
        shop.buyer(&format!("b{number}@example.com"), 0).await;
    }
    let first = open(&mut browser, "/admin/accounts").await;
    assert!(first.contains("b25@example.com") && !first.contains("b0@example.com"), "{first}");
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let second = open(&mut browser, &next.replace("&amp;", "&")).await;
    assert!(second.contains("b0@example.com") && !second.contains("rel=\"next\""), "{second}");
    assert_eq!(browser.open("/admin/orders?after=forged").await.status, 404);
}

#[tokio::test]
async fn a_refund_is_looked_at_before_it_is_made() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = buy(&shop, &ada, &offer, 2, 500).await;
    let (order, line) = (paid.at("/id"), paid.at("/lines/0/id"));
    let (units, tokens) = (format!("quantity-{line}"), format!("amount-{line}"));
    let (form, check) =
        (format!("/admin/orders/{order}/refund"), format!("/admin/orders/{order}/refund/check"));
    let (mut browser, _) = shop.clerk(StaffRole::Support).await;
    assert!(open(&mut browser, &form).await.contains("At most 2."));
    let whole = [("extent", "whole"), ("licenses", "revoke")];
    let with = |more: &[(&'static str, &'static str)]| [whole.as_slice(), more].concat();
    wrong(&mut browser, &check, &with(&[]), "1 to 500 characters").await;
    wrong(
        &mut browser,
        &check,
        &[("extent", "whole"), ("reason", "why")],
        "End them, or leave them",
    )
    .await;
    let base = [("extent", "part"), ("licenses", "keep"), ("reason", "it stalls")];
    let one = |name: &str, value: &str| {
        let mut all: Vec<(String, String)> =
            base.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        all.push((name.into(), value.into()));
        all
    };
    for (name, value, told) in [
        ("other", "1", "Say what goes back"),
        (units.as_str(), "3", "a whole number from 1 to 2"),
        (units.as_str(), "half", "a whole number from 1 to 2"),
        (tokens.as_str(), "5.01", "less than this is left"),
        (tokens.as_str(), "lots", "an amount such as"),
    ] {
        let fields = one(name, value);
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        wrong(&mut browser, &check, &fields, told).await;
    }
    assert_eq!(shop.available(&ada).await, 500, "nothing has moved");
    let fields = one(&units, "1");
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let looked = browser.send(&check, &fields).await;
    assert_eq!(looked.status, 200, "{}", looked.html);
    assert!(
        looked.html.contains("Give back 2.50 AUR") && looked.html.contains("it stalls"),
        "{}",
        looked.html
    );
    assert_eq!(shop.available(&ada).await, 500, "it is only looked at");
    assert_eq!(looked.input(&units), "1");
    let key = looked.input("key").to_owned();
    let confirmed = [fields.as_slice(), &[("key", key.as_str())]].concat();
    let page = done(&mut browser, &form, &confirmed).await;
    assert!(
        page.html.contains("The tokens are back") && page.html.contains("Partially refunded"),
        "{}",
        page.html
    );
    assert_eq!(shop.available(&ada).await, 750);
    // Sent twice it is made once.
    done(&mut browser, &form, &confirmed).await;
    assert_eq!(shop.available(&ada).await, 750);
    let key = [("key", "another"), ("reason", "the rest")];
    done(&mut browser, &form, &[whole.as_slice(), &key].concat()).await;
    assert_eq!(shop.available(&ada).await, 1000);
    let shown = shop.get(&format!("/v1/orders/{order}"), &ada).await;
    assert_eq!((shown.at("/state"), shown.at("/refunds/1/reason")), ("refunded", "the rest"));
    let page = open(&mut browser, &format!("/admin/orders/{order}")).await;
    assert!(page.contains("it stalls") && !page.contains("Give tokens back"), "{page}");
    shop.sound().await;
}

#[tokio::test]
async fn accounts_are_frozen_thawed_and_given_tokens() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let id = account(&shop, &ada).await;
    let at = |act: &str| format!("/admin/accounts/{id}/{act}");
    let (mut support, _) = shop.clerk(StaffRole::Support).await;
    let found = support.open("/admin/accounts?q=Ada%40Example.com").await;
    assert_eq!(found.location(), format!("/admin/accounts/{id}"));
    assert!(
        open(&mut support, "/admin/accounts?q=eve%40example.com")
            .await
            .contains("No account is called")
    );
    wrong(&mut support, &at("freeze"), &[("reason", " ")], "1 to 500 characters").await;
    let page = done(&mut support, &at("freeze"), &[("reason", "a stolen card")]).await;
    assert!(
        page.html.contains("Frozen since") && page.html.contains("Thaw the account"),
        "{}",
        page.html
    );
    assert_eq!(shop.get("/v1/account", &ada).await.json["permits"]["transact"], false);
    let log = shop.get("/v1/admin/audit?limit=1", &shop.admin).await;
    assert_eq!(log.at("/data/0/changes/reason/to"), "a stolen card", "{log:?}");
    let (mut finance, _) = shop.clerk(StaffRole::Finance).await;
    let key = [("key", "k1")];
    let given = [("tokens", "12,50"), ("kind", "paid"), ("reason", "by cheque")];
    wrong(&mut finance, &at("adjust"), &[given.as_slice(), &key].concat(), "frozen").await;
    done(&mut support, &at("thaw"), &[("reason", "it was found")]).await;
    for (fields, told) in [
        ([("tokens", "none"), ("kind", "paid"), ("reason", "r")], "an amount such as"),
        ([("tokens", "0"), ("kind", "paid"), ("reason", "r")], "more than nothing"),
        ([("tokens", "1"), ("kind", "paid"), ("reason", "")], "1 to 500 characters"),
    ] {
        wrong(&mut finance, &at("adjust"), &[fields.as_slice(), &key].concat(), told).await;
    }
    wrong(&mut finance, &at("adjust"), &given, "he form lacks its key").await;
    let dated = |day: &'static str| [("expires_at", day), ("key", "k2")];
    wrong(
        &mut finance,
        &at("adjust"),
        &[given.as_slice(), &dated("2026-12-24")].concat(),
        "does not expire",
    )
    .await;
    wrong(
        &mut finance,
        &at("adjust"),
        &[given.as_slice(), &dated("Christmas")].concat(),
        "a day such as",
    )
    .await;
    assert_eq!(shop.available(&ada).await, 0);
    let page = done(&mut finance, &at("adjust"), &[given.as_slice(), &key].concat()).await;
    assert!(
        page.html.contains("12.50 AUR") && page.html.contains("Adjusted by the vendor"),
        "{}",
        page.html
    );
    done(&mut finance, &at("adjust"), &[given.as_slice(), &key].concat()).await;
    assert_eq!(shop.available(&ada).await, 1250, "sent twice, added once");
    let gift = [
        ("tokens", "1"),
        ("kind", "promo"),
        ("reason", "a gift"),
        ("expires_at", "2026-11-24"),
        ("key", "k3"),
    ];
    done(&mut finance, &at("adjust"), &gift).await;
    let lots = shop.get("/v1/wallet", &ada).await;
    let ends = lots.json["lots"]
        .as_array()
        .unwrap()
        .iter()
        .any(|lot| lot["expires_at"] == "2026-11-25T00:00:00.000Z");
    assert!(ends, "the day is included: {lots:?}");
    let past = [
        ("tokens", "1"),
        ("kind", "promo"),
        ("reason", "late"),
        ("expires_at", "2026-11-21"),
        ("key", "k4"),
    ];
    wrong(&mut finance, &at("adjust"), &past, "a time to come").await;
    let moves = open(&mut finance, &at("statement")).await;
    assert!(moves.contains("A gift") && moves.contains("Adjusted by the vendor"), "{moves}");
    shop.sound().await;
}

#[tokio::test]
async fn credit_is_granted_and_repaid_in_the_tokens_currency() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let id = account(&shop, &ada).await;
    let (limit, repay) =
        (format!("/admin/accounts/{id}/credit-limit"), format!("/admin/accounts/{id}/repayment"));
    let (mut browser, _) = shop.clerk(StaffRole::Finance).await;
    wrong(&mut browser, &limit, &[("limit", "much")], "an amount such as").await;
    assert_eq!(
        browser.send(&repay, &[("money", "1"), ("note", "n"), ("key", "k")]).await.status,
        404,
        "no line yet"
    );
    let page = done(&mut browser, &limit, &[("limit", "50")]).await;
    assert!(page.html.contains("0.00 EUR owed of 50.00 EUR"), "{}", page.html);
    let drawn = json!({ "pay": { "amount": 2000, "unit": "EUR" }, "method": "credit_line" });
    assert_eq!(shop.post("/v1/top-ups", &ada, "draw", drawn).await.status, 201);
    assert!(
        open(&mut browser, &format!("/admin/accounts/{id}")).await.contains("Book a repayment")
    );
    for (fields, told) in [
        ([("money", "21"), ("note", "n")], "at most what is owed: 20.00 EUR"),
        ([("money", ""), ("note", "n")], "an amount such as"),
        ([("money", "1"), ("note", "")], "1 to 500 characters"),
    ] {
        wrong(&mut browser, &repay, &[fields.as_slice(), &[("key", "r1")]].concat(), told).await;
    }
    let fields = [("money", "15"), ("note", "statement 14"), ("key", "r1")];
    done(&mut browser, &repay, &fields).await;
    let page = done(&mut browser, &repay, &fields).await;
    assert!(page.html.contains("5.00 EUR owed of 50.00 EUR"), "{}", page.html);
    assert!(page.html.contains("statement 14"), "{}", page.html);
    shop.sound().await;
}

#[tokio::test]
async fn what_waits_for_review_comes_first_and_is_decided() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let mut ids = Vec::new();
    for key in ["one", "two"] {
        let body = json!({ "tokens": aur(500), "method": "demo", "payment_method": "demo_review" });
        ids.push(shop.post("/v1/top-ups", &ada, key, body).await.at("/id").to_owned());
    }
    let (mut browser, _) = shop.clerk(StaffRole::Finance).await;
    let queue = open(&mut browser, "/admin/top-ups").await;
    let waiting = queue.split("All top-ups").next().unwrap();
    let places: Vec<_> = ids.iter().map(|id| waiting.find(id.as_str()).unwrap()).collect();
    assert!(places[0] < places[1], "the oldest first");
    let at = |id: &str| format!("/admin/top-ups/{id}/decide");
    let page = open(&mut browser, &format!("/admin/top-ups/{}", ids[0])).await;
    assert!(page.contains("Approve") && page.contains("What is known of the account"), "{page}");
    wrong(
        &mut browser,
        &at(&ids[0]),
        &[("verdict", "approve"), ("reason", "")],
        "1 to 500 characters",
    )
    .await;
    wrong(
        &mut browser,
        &at(&ids[0]),
        &[("verdict", "maybe"), ("reason", "r")],
        "Approve it, or decline it",
    )
    .await;
    let page =
        done(&mut browser, &at(&ids[0]), &[("verdict", "approve"), ("reason", "known")]).await;
    assert!(
        page.html.contains("Credited") && !page.html.contains("Decline</button>"),
        "{}",
        page.html
    );
    assert_eq!(shop.available(&ada).await, 500);
    done(&mut browser, &at(&ids[1]), &[("verdict", "decline"), ("reason", "unknown")]).await;
    assert_eq!(shop.get(&format!("/v1/top-ups/{}", ids[1]), &ada).await.at("/state"), "declined");
    let late = [("verdict", "approve"), ("reason", "after all")];
    wrong(&mut browser, &at(&ids[1]), &late, "does not wait for review").await;
    assert!(open(&mut browser, "/admin/top-ups").await.contains("Nothing waits."));
    let declined = open(&mut browser, "/admin/top-ups?state=declined").await;
    assert!(declined.contains(&ids[1]) && !declined.contains(&ids[0]), "{declined}");
    let found = browser.open("/admin/top-ups?q=ada%40example.com").await;
    assert!(open(&mut browser, found.location()).await.contains(&ids[0]));
    shop.sound().await;
}

#[tokio::test]
async fn money_that_comes_offline_is_booked_part_by_part() {
    let mut settings = settings();
    settings.offline_instructions = "Transfer".into();
    let shop = Shop::open_with(settings).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let body = json!({ "tokens": aur(1000), "method": "offline" });
    let due = shop.post("/v1/top-ups", &ada, "due", body.clone()).await;
    let other = shop.post("/v1/top-ups", &ada, "other", body).await;
    let at = |act: &str| format!("/admin/top-ups/{}/{act}", due.at("/id"));
    let (mut browser, _) = shop.clerk(StaffRole::Finance).await;
    let reference = due.at("/next_action/reference");
    let found = browser.open(&format!("/admin/top-ups?q={reference}")).await;
    assert_eq!(found.location(), format!("/admin/top-ups/{}", due.at("/id")), "{due:?}");
    for (fields, told) in [
        ([("money", "11"), ("note", "n")], "at most what is due: 10.00 EUR"),
        ([("money", "some"), ("note", "n")], "an amount such as"),
        ([("money", "1"), ("note", " ")], "1 to 500 characters"),
    ] {
        wrong(&mut browser, &at("received"), &[fields.as_slice(), &[("key", "r1")]].concat(), told)
            .await;
    }
    let part = [("money", "4"), ("note", "line 3"), ("key", "r1")];
    done(&mut browser, &at("received"), &part).await;
    let page = done(&mut browser, &at("received"), &part).await;
    assert!(
        page.html.contains("Still due: 6.00 EUR") && page.html.contains("line 3"),
        "{}",
        page.html
    );
    assert_eq!(shop.available(&ada).await, 400);
    let page =
        done(&mut browser, &at("received"), &[("money", "6"), ("note", "line 9"), ("key", "r2")])
            .await;
    assert!(page.html.contains("Credited"), "{}", page.html);
    wrong(
        &mut browser,
        &at("received"),
        &[("money", "1"), ("note", "n"), ("key", "r3")],
        "othing is due",
    )
    .await;
    let cancel = format!("/admin/top-ups/{}/cancel", other.at("/id"));
    wrong(&mut browser, &cancel, &[("reason", "")], "1 to 500 characters").await;
    let page = done(&mut browser, &cancel, &[("reason", "nothing came")]).await;
    assert!(page.html.contains("Cancelled"), "{}", page.html);
    wrong(&mut browser, &at("cancel"), &[("reason", "too late")], "it is credited").await;
    shop.sound().await;
}

#[tokio::test]
async fn money_of_a_top_up_goes_back_and_disputes_are_shown() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let card = json!({ "tokens": aur(1000), "method": "card", "payment_method": "demo_approved" });
    let begun = shop.post("/v1/top-ups", &ada, "card", card).await;
    shop.run_errands().await;
    let id = begun.at("/id");
    let refund = format!("/admin/top-ups/{id}/refund");
    let (mut browser, _) = shop.clerk(StaffRole::Finance).await;
    for (fields, told) in [
        ([("amount", "10.01"), ("reason", "r")], "ess than this is left of the top-up"),
        ([("amount", "all"), ("reason", "r")], "an amount such as"),
        ([("amount", "1"), ("reason", "")], "1 to 500 characters"),
    ] {
        wrong(&mut browser, &refund, &[fields.as_slice(), &[("key", "r1")]].concat(), told).await;
    }
    let part = [("amount", "4"), ("reason", "asked in time"), ("key", "r1")];
    done(&mut browser, &refund, &part).await;
    let page = done(&mut browser, &refund, &part).await;
    assert!(page.html.contains("asked in time") && page.html.contains("4.00 EUR"), "{}", page.html);
    assert_eq!(shop.available(&ada).await, 600);
    shop.run_errands().await;
    let payment = PaymentName::new(format!("demo_{id}")).unwrap();
    shop.processor.dispute(&payment, "dp_1", Amount::new(600).unwrap()).unwrap();
    for hook in shop.processor.hooks() {
        let mut request = http::Request::builder().method("POST").uri("/v1/hooks/demo");
        for (name, value) in &hook.headers {
            request = request.header(*name, value);
        }
        shop.raw(request.body(hook.body.into()).unwrap()).await;
    }
    shop.run_errands().await;
    let page = open(&mut browser, &format!("/admin/top-ups/{id}")).await;
    assert!(page.contains("dp_1") && page.contains("Disputed"), "{page}");
    assert!(open(&mut browser, "/admin").await.contains("top-up is disputed"));
    shop.sound().await;
}

#[tokio::test]
async fn vouchers_are_made_their_codes_told_once_and_the_batch_closed() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let (mut browser, _) = shop.clerk(StaffRole::Finance).await;
    let form = browser.open("/admin/vouchers/new").await;
    let key = form.input("key").to_owned();
    let good = [
        ("key", key.as_str()),
        ("label", "Spring fair"),
        ("tokens", "5"),
        ("count", "3"),
        ("kind", "promo"),
    ];
    for (name, value, told) in [
        ("label", "", "1 to 100 characters"),
        ("tokens", "0", "more than nothing"),
        ("count", "501", "1 to 500"),
        ("count", "", "1 to 500"),
        ("kind", "other", "Paid for, or given away"),
        ("per_account", "0", "a whole number from 1 to 500"),
        ("tokens_expire_after_days", "4000", "a whole number from 1 to 3650"),
        ("starts_at", "soon", "a day such as"),
    ] {
        let mut fields: Vec<_> = good.into_iter().filter(|(field, _)| *field != name).collect();
        fields.push((name, value));
        wrong(&mut browser, "/admin/vouchers", &fields, told).await;
    }
    let order = [("starts_at", "2026-12-02"), ("expires_at", "2026-12-01")];
    wrong(
        &mut browser,
        "/admin/vouchers",
        &[good.as_slice(), &order].concat(),
        "later than starts_at",
    )
    .await;
    assert!(open(&mut browser, "/admin/vouchers").await.contains("No vouchers"));
    let made = browser.send("/admin/vouchers", &good).await;
    assert_eq!(made.status, 200, "{}", made.html);
    assert_eq!(made.answer.header("cache-control"), "no-store");
    let codes = made.html.split("readonly>").nth(1).unwrap().split("</textarea>").next().unwrap();
    assert_eq!(codes.lines().count(), 3, "{}", made.html);
    let code = codes.lines().next().unwrap();
    let csv = browser.send("/admin/vouchers/codes", &[("codes", codes), ("form", "csv")]).await;
    assert_eq!(csv.html, format!("code\r\n{}\r\n", codes.replace('\n', "\r\n")));
    assert!(csv.answer.header("content-disposition").contains("vouchers.csv"));
    let text = [("codes", "7GQ2H-TN5W0\n=cmd()\n"), ("form", "text")];
    assert_eq!(
        browser.send("/admin/vouchers/codes", &text).await.html,
        "7GQ2H-TN5W0\n",
        "codes only"
    );
    let redeemed = json!({ "method": "voucher", "voucher": code });
    assert_eq!(shop.post("/v1/top-ups", &ada, "v", redeemed).await.status, 201);
    let list = open(&mut browser, "/admin/vouchers").await;
    assert!(
        list.contains("Spring fair") && list.contains("1 of 3") && !list.contains(code),
        "{list}"
    );
    let batch = list.split("/admin/vouchers/vch_").nth(1).unwrap().split('"').next().unwrap();
    let page = done(&mut browser, &format!("/admin/vouchers/vch_{batch}/close"), &[]).await;
    assert!(
        page.html.contains("Closed") && !page.html.contains("Close the batch"),
        "{}",
        page.html
    );
    let second = codes.lines().nth(1).unwrap();
    let late = json!({ "method": "voucher", "voucher": second });
    assert_eq!(shop.post("/v1/top-ups", &ada, "w", late).await.code(), "voucher_refused");
    shop.sound().await;
}

#[tokio::test]
async fn coupons_are_made_used_and_closed() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let (mut browser, _) = shop.clerk(StaffRole::Finance).await;
    let key = browser.open("/admin/coupons/new").await.input("key").to_owned();
    for (mut fields, told) in [
        (vec![("code", "X-1")], "either percent or tokens"),
        (vec![("percent", "10"), ("amount", "1")], "either percent or tokens"),
        (vec![("percent", "101")], "a whole number from 1 to 100"),
        (vec![("percent", "10"), ("code", "a b")], "3 to 40"),
        (vec![("percent", "10"), ("products", "tuning nothing")], "there is no product nothing"),
        (vec![("percent", "10"), ("offers", "tuning")], "is no offer"),
        (
            vec![("percent", "10"), ("offers", "ofr_0000000000001")],
            "one of these offers does not exist",
        ),
        (vec![("percent", "10"), ("max_uses", "0")], "a whole number from 1"),
        (vec![("percent", "10"), ("max_uses_per_account", "101")], "a whole number from 1 to 100"),
        (vec![("percent", "10"), ("min_total", "x")], "an amount such as"),
        (vec![("percent", "10"), ("ends_at", "x")], "a day such as"),
    ] {
        fields.push(("key", &key));
        wrong(&mut browser, "/admin/coupons", &fields, told).await;
    }
    let good = [
        ("key", key.as_str()),
        ("code", "spring-25"),
        ("percent", "20"),
        ("products", "tuning"),
        ("max_uses", "5"),
    ];
    let page = done(&mut browser, "/admin/coupons", &good).await;
    for word in ["The coupon is good now", "SPRING-25", "20 %", "The tuning", "0 of 5"] {
        assert!(page.html.contains(word), "{word}\n{}", page.html);
    }
    let again = browser.open("/admin/coupons/new").await.input("key").to_owned();
    let another = [&[("key", again.as_str())], &good[1..]].concat();
    wrong(&mut browser, "/admin/coupons", &another, "n open coupon has this word").await;
    let body =
        json!({ "lines": [{ "offer": offer }], "coupon": "SPRING-25", "expected_total": aur(200) });
    let bought = shop.post("/v1/purchases", &ada, "c", body).await;
    assert_eq!(bought.status, 201, "{bought:?}");
    let list = open(&mut browser, "/admin/coupons").await;
    let coupon = list.split("/admin/coupons/cpn_").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/admin/coupons/cpn_{coupon}");
    let page = open(&mut browser, &path).await;
    assert!(page.contains(bought.at("/id")) && page.contains("1 of 5"), "{page}");
    let order = open(&mut browser, &format!("/admin/orders/{}", bought.at("/id"))).await;
    assert!(order.contains(&path), "the order leads to its coupon");
    let page = done(&mut browser, &format!("{path}/close"), &[]).await;
    assert!(page.html.contains("The coupon is closed"), "{}", page.html);
}

#[tokio::test]
async fn licenses_are_found_by_code_and_judged() {
    let shop = Shop::open().await;
    let offer = license_offer(&shop, "tool", images(20), machines(3)).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let sold = buy_license(&shop, &offer, &ada, "k").await;
    let id = account(&shop, &ada).await;
    let ask = |code: &str, verb: &str, more: Value| {
        let mut body = json!({ "code": code, "fingerprint": "desk" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (format!("/v1/licenses/{verb}"), body)
    };
    let (path, body) = ask(&sold.jws, "activate", json!({ "name": "Ada's desk" }));
    assert_eq!(shop.post(&path, "", "", body).await.at("/code"), "VALID");
    let (path, body) = ask(&sold.jws, "lease", json!({ "key": "l1", "units": 4 }));
    assert_eq!(shop.post(&path, "", "", body).await.at("/code"), "VALID");
    let (mut browser, _) = shop.clerk(StaffRole::Support).await;
    let page = format!("/admin/licenses/{}", sold.license);
    for text in [&sold.jws, &sold.short.to_lowercase(), &sold.license] {
        let found = browser.send("/admin/licenses/find", &[("q", text)]).await;
        assert_eq!(found.location(), page, "{text}");
    }
    for text in [&sold.order, &id, &"ada@example.com".to_owned()] {
        let found = browser.send("/admin/licenses/find", &[("q", text)]).await;
        let list = open(&mut browser, found.location()).await;
        assert!(list.contains(&sold.license), "{text}: {list}");
    }
    let found = browser.send("/admin/licenses/find", &[("q", "AAAAA-AAAAA")]).await;
    assert!(found.status == 400 && found.html.contains("Nothing is called so"), "{}", found.html);
    let shown = open(&mut browser, &page).await;
    for word in ["16 images", "1 of 3", "Ada&#39;s desk", "lea_", "For 20 images"] {
        assert!(
            shown.contains(word) || shown.contains(&word.replace("&#39;", "'")),
            "{word}\n{shown}"
        );
    }
    let at = |act: &str| format!("{page}/{act}");
    let verdict = async || {
        let body = json!({ "code": sold.jws });
        shop.post("/v1/licenses/validate", "", "", body).await.at("/code").to_owned()
    };
    for act in ["suspend", "resume", "revoke", "reissue", "deactivate"] {
        wrong(
            &mut browser,
            &at(act),
            &[("reason", ""), ("key", "k"), ("activation", "act_0000000000001")],
            "1 to 500 characters",
        )
        .await;
    }
    let shown = done(&mut browser, &at("suspend"), &[("reason", "a chargeback")]).await;
    assert!(shown.html.contains("Suspended") && shown.html.contains("Resume"), "{}", shown.html);
    assert_eq!(verdict().await, "SUSPENDED");
    done(&mut browser, &at("resume"), &[("reason", "it was paid")]).await;
    wrong(&mut browser, &at("reissue"), &[("reason", "r")], "he form lacks its key").await;
    let fields = [("reason", "the code leaked"), ("key", "i1")];
    done(&mut browser, &at("reissue"), &fields).await;
    let shown = done(&mut browser, &at("reissue"), &fields).await;
    assert!(shown.html.contains("Issue 2"), "once: {}", shown.html);
    assert_eq!(verdict().await, "SUPERSEDED");
    wrong(
        &mut browser,
        &at("deactivate"),
        &[("activation", "x"), ("reason", "r")],
        "choose a machine",
    )
    .await;
    let gone = [("activation", "act_0000000000001"), ("reason", "r")];
    wrong(&mut browser, &at("deactivate"), &gone, "no such machine").await;
    let machine =
        shown.html.split("<option value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let shown = done(
        &mut browser,
        &at("deactivate"),
        &[("activation", &machine), ("reason", "it was stolen")],
    )
    .await;
    assert!(shown.html.contains("It is active on none."), "{}", shown.html);
    let shown = done(&mut browser, &at("revoke"), &[("reason", "fraud")]).await;
    assert!(
        shown.html.contains("Revoked") && !shown.html.contains("Issue a new code"),
        "{}",
        shown.html
    );
    wrong(&mut browser, &at("suspend"), &[("reason", "r")], "icense is revoked").await;
    shop.sound().await;
}

/// What each role may not do is refused where it is done, and not offered where it is looked at.
#[tokio::test]
async fn roles_are_asked_for_at_every_act() {
    let sold = Sold::with(10, Terms::Perpetual, None).await;
    let shop = &sold.shop;
    let id = account(shop, &sold.buyer).await;
    let order = shop.get("/v1/orders", &sold.buyer).await.at("/data/0/id").to_owned();
    let license = shop.get("/v1/licenses", &sold.buyer).await.at("/data/0/id").to_owned();
    let review = json!({ "tokens": aur(500), "method": "demo", "payment_method": "demo_review" });
    let top_up = shop.post("/v1/top-ups", &sold.buyer, "look", review).await.at("/id").to_owned();
    let people = [
        format!("/admin/accounts/{id}/freeze"),
        format!("/admin/accounts/{id}/thaw"),
        format!("/admin/accounts/{id}/erase"),
        format!("/admin/orders/{order}/refund"),
        format!("/admin/orders/{order}/refund/check"),
        format!("/admin/licenses/{license}/suspend"),
        format!("/admin/licenses/{license}/resume"),
        format!("/admin/licenses/{license}/revoke"),
        format!("/admin/licenses/{license}/reissue"),
        format!("/admin/licenses/{license}/deactivate"),
    ];
    let money = [
        format!("/admin/accounts/{id}/adjust"),
        format!("/admin/accounts/{id}/credit-limit"),
        format!("/admin/accounts/{id}/repayment"),
        format!("/admin/top-ups/{top_up}/decide"),
        format!("/admin/top-ups/{top_up}/received"),
        format!("/admin/top-ups/{top_up}/cancel"),
        format!("/admin/top-ups/{top_up}/refund"),
        "/admin/vouchers".to_owned(),
        "/admin/vouchers/codes".to_owned(),
        "/admin/vouchers/vch_0000000000001/close".to_owned(),
        "/admin/coupons".to_owned(),
        "/admin/coupons/cpn_0000000000001/close".to_owned(),
    ];
    let pages = [
        "/admin".to_owned(),
        "/admin/orders".to_owned(),
        format!("/admin/orders/{order}"),
        "/admin/accounts".to_owned(),
        format!("/admin/accounts/{id}"),
        "/admin/top-ups".to_owned(),
        format!("/admin/top-ups/{top_up}"),
        "/admin/vouchers".to_owned(),
        "/admin/coupons".to_owned(),
        "/admin/licenses".to_owned(),
        format!("/admin/licenses/{license}"),
    ];
    for (role, may) in [
        (StaffRole::ReadOnly, (false, false)),
        (StaffRole::Catalogue, (false, false)),
        (StaffRole::Support, (true, false)),
        (StaffRole::Finance, (false, true)),
    ] {
        let (mut browser, _) = shop.clerk(role).await;
        for page in &pages {
            let html = open(&mut browser, page).await;
            for (acts, may) in [(&people[..], may.0), (&money[..], may.1)] {
                let offered = acts.iter().any(|act| html.contains(&format!("action=\"{act}\"")));
                assert!(may || !offered, "{role} is offered something at {page}");
            }
        }
        for (acts, may) in [(&people[..], may.0), (&money[..], may.1)] {
            for act in acts {
                let status = browser.send(act, &[("reason", "")]).await.status;
                assert_eq!(status != 403, may, "{role} {act} {status}");
            }
        }
    }
    let mut nobody = Browser::on(shop);
    for act in people.iter().chain(&money) {
        assert_eq!(nobody.send(act, &[]).await.location(), "/admin/sign-in?lost=true", "{act}");
    }
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let foreign = owner.send_from("cross-site", &people[0], &[("reason", "r")]).await;
    assert_eq!(foreign.status, 403, "a form of another site");
    assert!(shop.get("/v1/account", &sold.buyer).await.json["permits"]["transact"] == true);
}
