//! The console's pages about partners, what is settled with them, webhooks and files for accountants: each act through the
//! page, and what is said of wrong input.

use scrip_domain::Span;
use scrip_domain::staff::StaffRole;
use scrip_engine::webhook::Unsent;
use scrip_testkit::{Browser, CLERK_PASSWORD, Page, Shop, reply};
use serde_json::Value;

use crate::desk::clerk;
use crate::exchanges::Linked;
use crate::partners::{AURORA, BELLE, Vendors, terms};
use crate::settlements::Two;

/// The same of a member who was signed in before: sessions end after twelve hours.
pub async fn clerk_again(shop: &Shop, role: StaffRole) -> Browser<'_> {
    let mut browser = Browser::on(shop);
    let email = format!("{role}@shop.test");
    let fields = [("email", email.as_str()), ("password", CLERK_PASSWORD)];
    assert_eq!(sent(&mut browser, "/admin/sign-in", &fields).await, "/admin");
    browser
}

pub async fn opened(browser: &mut Browser<'_>, path: &str) -> Page {
    let page = browser.open(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.html);
    assert_eq!(page.answer.header("cache-control"), "no-store", "{path}");
    assert_eq!(page.html.matches("<h1>").count(), 1, "{path}");
    page
}

/// The form is sent, and leads here.
pub async fn sent(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> String {
    let page = browser.send(path, fields).await;
    assert_eq!(page.status, 303, "{path}: {}", page.html);
    page.location().to_owned()
}

/// The form comes back with this at the field, and with what was typed.
pub async fn wrong(
    browser: &mut Browser<'_>,
    path: &str,
    fields: &[(&str, &str)],
    field: &str,
) -> Page {
    let page = browser.send(path, fields).await;
    assert!((400..500).contains(&page.status), "{path} {field}: {} {}", page.status, page.html);
    let error = format!("id=\"{field}-error\"");
    assert!(page.html.contains(&error), "{path} {field}: {}", page.html);
    assert!(page.html.contains("role=\"alert\""), "{path} {field}");
    page
}

/// `fields` with another value in one of them.
pub fn with<'f>(
    fields: &[(&'f str, &'f str)],
    name: &'f str,
    value: &'f str,
) -> Vec<(&'f str, &'f str)> {
    let others = fields.iter().copied().filter(|(one, _)| *one != name);
    others.chain([(name, value)]).collect()
}

/// Terms as somebody types them, like those of [`terms`].
const TYPED: [(&str, &str); 24] = [
    ("currency", "eur"),
    ("parties[0].micros", "1"),
    ("parties[1].token", "bel"),
    ("parties[1].scale", "2"),
    ("parties[1].micros", "0,25"),
    ("ways[0]", "on"),
    ("ways[0].rate", "unit_values"),
    ("ways[0].rate.give", ""),
    ("ways[0].rate.receive", ""),
    ("ways[0].spread_basis_points", "2.50"),
    ("ways[0].min", "1"),
    ("ways[0].max", "500"),
    ("ways[0].buyer_day", "1000"),
    ("ways[0].day", "10000"),
    ("ways[0].cap", "10000"),
    ("ways[0].lots.paid", "on"),
    ("ways[0].lots.exchange", "on"),
    ("ways[1].rate", "unit_values"),
    ("ways[1].spread_basis_points", ""),
    ("ways[1].min", ""),
    ("cycle", "days"),
    ("cycle.days", "30"),
    ("due_days", "14"),
    ("notice_days", "7"),
];

async fn audit(shop: &Shop, act: &str) -> Value {
    let list = shop.get("/v1/admin/audit?limit=100", &shop.admin).await;
    let rows = list.json["data"].as_array().unwrap().clone();
    rows.into_iter().find(|row| row["act"] == act).unwrap_or_else(|| panic!("no {act}"))
}

#[tokio::test]
async fn a_partner_is_entered_and_agreed_with_on_pages_alone() {
    let network = std::sync::Arc::default();
    let settings = crate::partners::settings_of;
    let a = Shop::vendor_on(&network, AURORA, settings("Aurora", "AUR", 100)).await;
    let b = Shop::vendor_on(&network, BELLE, settings("Belle Isle", "BEL", 25)).await;
    let (mut ours, mut theirs) =
        (clerk(&a, StaffRole::Finance).await, clerk(&b, StaffRole::Owner).await);
    assert!(opened(&mut ours, "/admin/partners").await.html.contains("No partners yet"));
    let new = "/admin/partners/new";
    opened(&mut ours, new).await;
    let good = [("url", BELLE), ("name", "Belle <b>Isle</b>")];
    wrong(&mut ours, new, &with(&good, "url", "belle.test"), "url").await;
    let kept = wrong(&mut ours, new, &with(&good, "name", " "), "name").await;
    assert_eq!(kept.input("url"), "", "the kind stands between name and value");
    assert!(kept.html.contains("value=\"https://belle.test\""), "what was typed stays");
    let here = sent(&mut ours, new, &good).await;
    wrong(&mut ours, new, &good, "url").await;
    let there = sent(&mut theirs, new, &[("url", AURORA), ("name", "Aurora")]).await;

    let page = opened(&mut ours, &here).await;
    assert!(
        page.html.contains("Belle &lt;b&gt;Isle&lt;/b&gt;") && page.html.contains("Nothing agreed")
    );
    assert_eq!(sent(&mut ours, &format!("{here}/name"), &[("name", "Belle Isle")]).await, here);
    wrong(&mut ours, &format!("{here}/name"), &[("name", "")], "name").await;
    let propose = format!("{here}/propose");
    let form = opened(&mut ours, &propose).await;
    assert!(
        form.html.contains("name=\"parties[0].micros\" type=\"text\" value=\"1.00\""),
        "{}",
        form.html
    );
    let agreement = sent(&mut ours, &propose, &TYPED).await;
    let page = opened(&mut ours, &agreement).await;
    for words in [
        "1.00 AUR is worth 1.00 EUR",
        "1.00 BEL is worth 0.25 EUR",
        "1.00 AUR become 4.00 BEL",
        "1.00 AUR to 500.00 AUR",
        "at most 10000.00 EUR",
        "Its tokens buy nothing here.",
        "within 14 days",
        "Proposed by you",
    ] {
        assert!(page.html.contains(words), "{words}: {}", page.html);
    }
    // One proposal at a time.
    let again = ours.send(&propose, &TYPED).await;
    assert_eq!(again.status, 409);
    assert!(again.html.contains("withdraw it first"), "{}", again.html);

    a.app.engine.run_agreements().await.unwrap();
    let page = opened(&mut theirs, &there).await;
    assert!(page.html.contains("Proposed to you"), "{}", page.html);
    let accept = page.html.split("href=\"").find(|rest| rest.contains("/accept\"")).unwrap();
    let accept = accept.split('"').next().unwrap().to_owned();
    let question = opened(&mut theirs, &accept).await;
    assert!(question.html.contains("1.00 AUR become 4.00 BEL"), "one sees what one agrees to");
    let accepted = sent(&mut theirs, &accept, &[]).await;
    assert_eq!(sent(&mut theirs, &accept, &[]).await, accepted, "twice is once");
    b.app.engine.run_agreements().await.unwrap();
    a.app.engine.run_agreements().await.unwrap();
    assert!(opened(&mut ours, &here).await.html.contains("Exchanging"));
    assert!(opened(&mut theirs, &accepted).await.html.contains("In force"));
    let row = audit(&b, "agreement.accepted").await;
    assert!(row["actor"].as_str().unwrap().starts_with("stf_"), "{row}");
    a.sound().await;
    b.sound().await;
}

#[tokio::test]
async fn what_is_wrong_with_terms_is_said_at_the_field() {
    let vendors = Vendors::open().await;
    let mut ours = clerk(&vendors.a, StaffRole::Finance).await;
    let path = format!("/admin/partners/{}/propose", vendors.partners[0]);
    for (field, value) in [
        ("currency", "euro"),
        ("parties[0].micros", "much"),
        ("parties[0].micros", "0"),
        ("parties[1].token", "b"),
        ("parties[1].scale", "7"),
        ("parties[1].micros", "0.0000001"),
        ("ways[0].spread_basis_points", "100"),
        ("ways[0].spread_basis_points", "1.234"),
        ("ways[0].min", ""),
        ("ways[0].min", "0"),
        ("ways[0].max", "0.50"),
        ("ways[0].buyer_day", "499"),
        ("ways[0].day", "999"),
        ("ways[0].cap", "1"),
        ("cycle.days", "0"),
        ("cycle.days", "some"),
        ("due_days", "367"),
        ("notice_days", "-1"),
        ("cycle", "never"),
        ("ways[0].rate", "mine"),
    ] {
        let page = wrong(&mut ours, &path, &with(&TYPED, field, value), field).await;
        assert!(page.html.contains("value=\"0,25\"") || field == "parties[1].micros", "{field}");
    }
    let without: Vec<_> =
        TYPED.into_iter().filter(|(name, _)| !name.starts_with("ways[0].lots")).collect();
    wrong(&mut ours, &path, &without, "ways[0].lots").await;
    let fixed = with(&TYPED, "ways[0].rate", "fixed");
    wrong(&mut ours, &path, &fixed, "ways[0].rate.give").await;
    let neither: Vec<_> = TYPED.into_iter().filter(|(name, _)| *name != "ways[0]").collect();
    let page = ours.send(&path, &neither).await;
    assert_eq!(page.status, 400);
    assert!(page.html.contains("at least one direction"), "{}", page.html);
    assert_eq!(
        vendors.a.get("/v1/admin/agreements", &vendors.a.admin).await.json["data"],
        Value::Array(vec![])
    );

    let fixed = with(&with(&fixed, "ways[0].rate.give", "1"), "ways[0].rate.receive", "3");
    let made = sent(&mut ours, &path, &with(&fixed, "cycle", "each")).await;
    let page = opened(&mut ours, &made).await;
    assert!(page.html.contains("1.00 AUR become 3.00 BEL, fixed"), "{}", page.html);
    assert!(page.html.contains("every exchange by itself"));
    // The next proposal begins with these terms.
    let form = opened(&mut ours, &path).await;
    for (name, value) in
        [("parties[1].token", "BEL"), ("ways[0].rate.receive", "3.00"), ("ways[0].max", "500.00")]
    {
        let field = format!("name=\"{name}\" type=\"text\" value=\"{value}\"");
        assert!(form.html.contains(&field), "{name}: {}", form.html);
    }
    assert_eq!(sent(&mut ours, &format!("{made}/withdraw"), &[]).await, made);
    assert!(opened(&mut ours, &made).await.html.contains("Withdrawn by you"));
}

#[tokio::test]
async fn exchanges_are_suspended_with_a_reason_resumed_and_ended() {
    let vendors = Vendors::agreed().await;
    let mut ours = clerk(&vendors.a, StaffRole::Finance).await;
    let here = format!("/admin/partners/{}", vendors.partners[0]);
    let all = vendors.a.get("/v1/admin/agreements", &vendors.a.admin).await;
    let agreement = format!("/admin/agreements/{}", all.at("/data/0/id"));
    for deed in ["suspend", "resume", "end"] {
        opened(&mut ours, &format!("{agreement}/{deed}")).await;
    }
    assert_eq!(ours.open(&format!("{agreement}/burn")).await.status, 404);
    let long = "x".repeat(501);
    let suspend = format!("{agreement}/suspend");
    wrong(&mut ours, &suspend, &[("reason", &long)], "reason").await;
    sent(&mut ours, &suspend, &[("reason", "their server was broken into")]).await;
    assert!(opened(&mut ours, &here).await.html.contains("Suspended by you"));
    let row = audit(&vendors.a, "partner.suspended").await;
    assert!(row.to_string().contains("their server was broken into"), "{row}");
    vendors.work().await;
    let partners = vendors.b.get("/v1/admin/partners", &vendors.b.admin).await;
    assert_eq!(partners.json["data"][0]["suspended_there"], true);
    sent(&mut ours, &format!("{agreement}/resume"), &[]).await;
    sent(&mut ours, &format!("{agreement}/end"), &[]).await;
    let page = opened(&mut ours, &here).await;
    assert!(page.html.contains("In force, ends"), "{}", page.html);
    // It ends already: what is not possible is said on the page of the question.
    let accept = ours.send(&format!("{agreement}/accept"), &[]).await;
    assert_eq!(accept.status, 409);
    assert!(accept.html.contains("role=\"alert\"") && accept.html.contains("Not now"));
    vendors.sound().await;
}

#[tokio::test]
async fn exchanges_are_listed_and_one_that_nobody_answers_is_given_back() {
    let linked = Linked::under(terms(AURORA)).await;
    let a = &linked.vendors.a;
    let done = linked.exchange(1000, "one").await;
    linked
        .vendors
        .network
        .fate("", &[scrip_testkit::Way::Free, scrip_testkit::Way::Free, scrip_testkit::Way::Lost]);
    let waits = linked.exchange(500, "two").await;
    linked.vendors.network.cut();
    let mut ours = clerk(a, StaffRole::Finance).await;
    let all = opened(&mut ours, "/admin/exchanges").await;
    assert!(
        all.html.contains(done.at("/id")) && all.html.contains(waits.at("/id")),
        "{}",
        all.html
    );
    let some = opened(&mut ours, "/admin/exchanges?state=committed").await;
    assert!(!some.html.contains(done.at("/id")) && some.html.contains(waits.at("/id")));
    let path = format!("/admin/exchanges/{}", waits.at("/id"));
    let page = opened(&mut ours, &path).await;
    assert!(
        page.html.contains("After thirty days of silence") && page.html.contains("5.00 EUR"),
        "{}",
        page.html
    );
    let early = ours.send(&format!("{path}/write-off"), &[]).await;
    assert_eq!(early.status, 409, "{}", early.html);
    assert!(early.html.contains("not_silent"), "{}", early.html);
    a.advance(Span::days(31)).await;
    let mut ours = clerk_again(a, StaffRole::Finance).await;
    assert!(opened(&mut ours, &path).await.html.contains("Give the tokens back"));
    opened(&mut ours, &format!("{path}/write-off")).await;
    assert_eq!(sent(&mut ours, &format!("{path}/write-off"), &[]).await, path);
    assert!(opened(&mut ours, &path).await.html.contains("Written off"));
    let partner =
        opened(&mut ours, &format!("/admin/partners/{}", linked.vendors.partners[0])).await;
    assert!(partner.html.contains("it does not answer"), "{}", partner.html);
    assert!(partner.html.contains("1 of your buyers"), "{}", partner.html);
}

async fn statement_path(shop: &Shop) -> String {
    let list = shop.get("/v1/admin/statements", &shop.admin).await;
    format!("/admin/statements/{}", list.at("/data/0/id"))
}

#[tokio::test]
async fn a_cycle_is_closed_paid_by_a_file_and_received_on_pages() {
    let two = Two::open().await;
    two.a_owes(12_500_000).await;
    two.b_owes(2_000_009).await;
    let (mut ours, mut theirs) =
        (clerk(&two.a, StaffRole::Finance).await, clerk(&two.b, StaffRole::Finance).await);
    let close = format!("/admin/agreements/{}/close-cycle", two.agreement(&two.a).await);
    assert_eq!(opened(&mut ours, &close).await.input("cycle"), "1");
    let here = sent(&mut ours, &close, &[("cycle", "1")]).await;
    assert_eq!(sent(&mut ours, &close, &[("cycle", "1")]).await, here, "twice closes once");
    two.settle_down().await;
    let page = opened(&mut ours, &here).await;
    for words in ["Agreed, to be paid", "12.50 EUR", "2.000009 EUR", "10.49 EUR by you", "Pay it"] {
        assert!(page.html.contains(words), "{words}: {}", page.html);
    }
    let pay = format!("{here}/pay");
    opened(&mut ours, &pay).await;
    wrong(&mut ours, &pay, &[("method", "cash")], "method").await;
    let lacking = ours.send(&pay, &[("method", "pain001")]).await;
    assert_eq!(lacking.status, 409);
    assert!(
        lacking.html.contains("bank account is not known") && lacking.html.contains("/admin/bank")
    );

    let theirs_here = format!("/admin/partners/{}/bank", two.partners[0]);
    let account =
        [("name", "Aurora Instruments"), ("iban", "DE89 3704 0044 0532 0130 00"), ("bic", "")];
    opened(&mut ours, "/admin/bank").await;
    wrong(&mut ours, "/admin/bank", &with(&account, "name", ""), "name").await;
    wrong(&mut ours, "/admin/bank", &with(&account, "name", "日本"), "name").await;
    wrong(&mut ours, "/admin/bank", &with(&account, "iban", "DE00"), "iban").await;
    wrong(&mut ours, "/admin/bank", &with(&account, "bic", "x"), "bic").await;
    assert_eq!(sent(&mut ours, "/admin/bank", &account).await, "/admin/bank");
    opened(&mut ours, &theirs_here).await;
    sent(&mut ours, &theirs_here, &with(&account, "name", "Belle Isle")).await;
    assert!(opened(&mut ours, "/admin/bank").await.html.contains("DE89370400440532013000"));

    let settlement = sent(&mut ours, &pay, &[("method", "pain001")]).await;
    assert!(opened(&mut ours, &settlement).await.html.contains("Download the file for the bank"));
    let file = ours.open(&format!("{settlement}/pain001")).await;
    assert_eq!(file.answer.header("content-type"), "application/xml");
    assert!(file.html.contains("pain.001.001.09") && file.html.contains("10.49"), "{}", file.html);
    opened(&mut ours, &format!("{settlement}/sent")).await;
    assert_eq!(sent(&mut ours, &format!("{settlement}/sent"), &[]).await, settlement);
    two.settle_down().await;

    let list = opened(&mut theirs, "/admin/settlements").await;
    assert!(list.html.contains("Sent") && list.html.contains("10.49 EUR in"), "{}", list.html);
    let row = two.b.get("/v1/admin/settlements", &two.b.admin).await;
    let there = format!("/admin/settlements/{}", row.at("/data/0/id"));
    let received = format!("{there}/received");
    let form = opened(&mut theirs, &received).await;
    let key = form.input("key").to_owned();
    let good = [("key", key.as_str()), ("amount", "10.49"), ("reference", "line 4")];
    wrong(&mut theirs, &received, &with(&good, "amount", "ten"), "amount").await;
    wrong(&mut theirs, &received, &with(&good, "amount", "0"), "amount").await;
    let less = theirs.send(&received, &with(&good, "amount", "10.48")).await;
    assert_eq!(less.status, 409);
    assert!(
        less.html.contains("10.49 EUR are due") && less.html.contains("value=\"10.48\""),
        "{}",
        less.html
    );
    assert_eq!(sent(&mut theirs, &received, &good).await, there);
    assert_eq!(sent(&mut theirs, &received, &good).await, there, "twice is once");
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["settled", "settled"]);
    assert!(opened(&mut ours, &settlement).await.html.contains("Settled"));
    let over = ours.open(&format!("{settlement}/pain001")).await;
    assert_eq!(over.status, 409, "nobody pays it again");
    two.checked().await;
}

#[tokio::test]
async fn a_payment_is_given_up_and_a_dispute_shows_item_by_item() {
    let two = Two::open().await;
    two.a_owes(3_000_000).await;
    two.close(&two.a).await;
    two.settle_down().await;
    let mut theirs = clerk(&two.b, StaffRole::Finance).await;
    let here = statement_path(&two.b).await;
    let page = opened(&mut theirs, &here).await;
    assert!(
        page.html.contains("Enter its payment") && page.html.contains("3.00 EUR by them"),
        "{}",
        page.html
    );
    opened(&mut theirs, &format!("{here}/pay")).await;
    let settlement = sent(&mut theirs, &format!("{here}/pay"), &[]).await;
    let side = theirs.send(&format!("{settlement}/sent"), &[]).await;
    assert_eq!(side.status, 409, "that is for the other side");
    opened(&mut theirs, &format!("{settlement}/write-off")).await;
    assert_eq!(sent(&mut theirs, &format!("{settlement}/write-off"), &[]).await, settlement);
    assert!(opened(&mut theirs, &settlement).await.html.contains("Written off"));

    // An exchange that only the first has booked.
    let [b, _] = two.ids();
    crate::settlements::commit(&two.a, b, crate::settlements::number(), 700_000, true).await;
    two.close(&two.a).await;
    two.settle_down().await;
    let mut ours = clerk(&two.a, StaffRole::Finance).await;
    let page = opened(&mut ours, &statement_path(&two.a).await).await;
    for words in ["Where you differ", "0.70 EUR", "nothing", "Compare again now"] {
        assert!(page.html.contains(words), "{words}: {}", page.html);
    }
    let again = format!("{}/compare", statement_path(&two.a).await);
    assert_eq!(sent(&mut ours, &again, &[]).await, statement_path(&two.a).await);
    let list = opened(&mut ours, "/admin/statements").await;
    assert!(list.html.contains("Disputed"), "{}", list.html);
}

#[tokio::test]
async fn a_webhook_is_made_changed_tested_told_again_and_deleted() {
    let shop = Shop::open().await;
    let mut owner = clerk(&shop, StaffRole::Owner).await;
    assert!(opened(&mut owner, "/admin/webhooks").await.html.contains("Nobody is told yet"));
    let new = "/admin/webhooks/new";
    opened(&mut owner, new).await;
    let good =
        [("url", "https://hooks.example/scrip"), ("label", "books"), ("events.order.paid", "on")];
    wrong(&mut owner, new, &with(&good, "url", "ftp://hooks.example"), "url").await;
    let kept = wrong(&mut owner, new, &with(&good, "label", &"x".repeat(101)), "label").await;
    assert!(kept.html.contains("name=\"events.order.paid\" value=\"on\" checked"), "{}", kept.html);
    let made = owner.send(new, &good).await;
    assert_eq!((made.status, made.answer.header("cache-control")), (200, "no-store"));
    let secret = made.html.split("whsec_").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let here = made.html.split("href=\"/admin/webhooks/whk_").nth(1).unwrap();
    let here = format!("/admin/webhooks/whk_{}", here.split('"').next().unwrap());
    let page = opened(&mut owner, &here).await;
    assert!(page.html.contains("order.paid") && !page.html.contains(&secret), "told once");

    let change = format!("{here}/change");
    let form = opened(&mut owner, &change).await;
    assert!(form.html.contains("name=\"events.order.paid\" value=\"on\" checked"), "{}", form.html);
    wrong(&mut owner, &change, &with(&good, "url", ""), "url").await;
    let everything = [("url", "https://hooks.example/all"), ("label", "")];
    assert_eq!(sent(&mut owner, &change, &everything).await, here);
    assert!(opened(&mut owner, &here).await.html.contains("everything"));

    shop.sender.answer([Err(Unsent("the name is unknown".into())), reply(200), reply(200)]);
    assert_eq!(sent(&mut owner, &format!("{here}/test"), &[]).await, here);
    shop.run_webhooks().await;
    let page = opened(&mut owner, &here).await;
    for words in ["a test", "Pending", "the name is unknown", "Nothing arrives"] {
        assert!(page.html.contains(words), "{words}: {}", page.html);
    }
    let again = page.html.split("action=\"").find(|rest| rest.contains("/deliveries/")).unwrap();
    let again = again.split('"').next().unwrap().to_owned();
    assert_eq!(sent(&mut owner, &again, &[]).await, here);
    shop.run_webhooks().await;
    assert!(opened(&mut owner, &here).await.html.contains("Arrived"));
    let replay = format!("{here}/replay");
    wrong(&mut owner, &replay, &[("since", "yesterday")], "since").await;
    let told = sent(&mut owner, &replay, &[("since", "2026-01-01")]).await;
    assert!(told.starts_with(&format!("{here}?replayed=")), "{told}");
    assert!(opened(&mut owner, &told).await.html.contains("gone through once more"));

    sent(&mut owner, &format!("{here}/disable"), &[]).await;
    assert!(opened(&mut owner, &here).await.html.contains("Disabled"));
    sent(&mut owner, &format!("{here}/enable"), &[]).await;
    let asked = opened(&mut owner, &format!("{here}/rotate")).await;
    let issue = [("issue", asked.input("issue"))];
    let rotated = owner.send(&format!("{here}/rotate"), &issue).await;
    assert!(rotated.html.contains("whsec_") && !rotated.html.contains(&secret), "{}", rotated.html);
    let secret = |page: &Page| page.html.split("whsec_").nth(1).map(|rest| rest[..44].to_owned());
    let twice = owner.send(&format!("{here}/rotate"), &issue).await;
    assert_eq!(secret(&twice), secret(&rotated), "the same form makes no further secret");
    opened(&mut owner, &format!("{here}/delete")).await;
    assert_eq!(sent(&mut owner, &format!("{here}/delete"), &[]).await, "/admin/webhooks");
    assert_eq!(owner.open(&here).await.status, 404);
    assert_eq!(owner.send(&format!("{here}/test"), &[]).await.status, 404);
}

#[tokio::test]
async fn files_for_accountants_are_those_of_the_api() {
    let shop = Shop::open().await;
    shop.buyer("ada@example.com", 500).await;
    let mut reader = clerk(&shop, StaffRole::ReadOnly).await;
    let page = opened(&mut reader, "/admin/export").await;
    assert!(page.html.contains("<span>a spreadsheet (CSV)</span>"), "{}", page.html);
    for format in ["hledger", "beancount", "csv"] {
        let query = format!("format={format}&from=2026-01-01&to=");
        let page = reader.open(&format!("/admin/export/ledger?{query}")).await;
        let api = format!("/v1/admin/export?format={format}&from=2026-01-01");
        let api = shop.get(&api, &shop.admin).await;
        assert_eq!((page.status, &page.answer.bytes), (200, &api.bytes), "{format}");
        let disposition = page.answer.header("content-disposition");
        assert!(disposition.starts_with("attachment"), "{disposition}");
    }
    let orders = reader.open("/admin/export/orders?from=&to=&format=csv").await;
    let api = shop.get("/v1/admin/orders/export", &shop.admin).await;
    assert_eq!(orders.answer.bytes, api.bytes);
    for (query, field) in [
        ("format=xml", "format"),
        ("format=csv&from=today", "from"),
        ("format=csv&from=2026-02-01&to=2026-01-01", "to"),
    ] {
        let page = reader.open(&format!("/admin/export/ledger?{query}")).await;
        assert_eq!(page.status, 400, "{query}");
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{query}: {}", page.html);
    }
    assert_eq!(reader.open("/admin/export/orders?from=x").await.status, 400);
}

#[tokio::test]
async fn a_role_reaches_as_far_as_its_power() {
    let vendors = Vendors::agreed().await;
    let shop = &vendors.a;
    let agreements = shop.get("/v1/admin/agreements", &shop.admin).await;
    let agreement = agreements.at("/data/0/id");
    let partner = &vendors.partners[0];
    let see = [
        "/admin/partners",
        "/admin/exchanges",
        "/admin/statements",
        "/admin/settlements",
        "/admin/export",
        "/admin/restore",
    ];
    let money = [
        "/admin/partners/new".to_owned(),
        format!("/admin/partners/{partner}/propose"),
        format!("/admin/partners/{partner}/bank"),
        format!("/admin/agreements/{agreement}/suspend"),
        format!("/admin/agreements/{agreement}/close-cycle"),
        "/admin/bank".to_owned(),
    ];
    let settings = ["/admin/webhooks", "/admin/webhooks/new", "/admin/restore/skip"];
    for role in StaffRole::ALL.iter().copied() {
        let mut browser = clerk(shop, role).await;
        let may_money = matches!(role, StaffRole::Owner | StaffRole::Finance);
        for path in see {
            let page = opened(&mut browser, path).await;
            let is_led = page.html.contains("href=\"/admin/bank\"");
            assert_eq!(
                is_led,
                may_money && page.html.contains("nav class=\"tabs\""),
                "{role} {path}"
            );
        }
        for path in &money {
            let status = if may_money { 200 } else { 403 };
            assert_eq!(browser.open(path).await.status, status, "{role} {path}");
            if !may_money {
                assert_eq!(
                    browser.send(path, &[("cycle", "1")]).await.status,
                    403,
                    "{role} {path}"
                );
            }
        }
        for path in settings {
            let status = if role == StaffRole::Owner { 200 } else { 403 };
            assert_eq!(browser.open(path).await.status, status, "{role} {path}");
        }
        let page = opened(&mut browser, &format!("/admin/partners/{partner}")).await;
        assert_eq!(page.html.contains("Propose terms"), may_money, "{role}");
    }
    let mut stranger = Browser::on(shop);
    let page = stranger.open("/admin/partners").await;
    assert_eq!(page.location(), "/admin/sign-in?next=%2Fadmin%2Fpartners");
    let mut owner = clerk_again(shop, StaffRole::Owner).await;
    let foreign =
        owner.send_from("cross-site", "/admin/partners/new", &[("url", "x"), ("name", "y")]).await;
    assert_eq!(foreign.status, 403);
    for path in ["/admin/merchants", "/admin/requests", "/admin/provider"] {
        assert_eq!(owner.open(path).await.status, 404, "a vendor has no {path}");
    }
}
