//! The vendor's clock: on pages, in letters, and in what people type. Programs are told UTC, whatever it is.

use scrip_domain::Span;
use scrip_domain::staff::StaffRole;
use scrip_domain::zone::Zone;
use scrip_testkit::{Answer, Browser, Shop, settings};
use serde_json::json;

use crate::desk::{says, silent};
use crate::licensed::buy;

const ADA: &str = "ada@example.com";

async fn set(shop: &Shop, zone: &str) -> Answer {
    let key = format!("Bearer {}", shop.admin);
    let body = json!({ "look": { "time_zone": zone } });
    shop.send("PATCH", "/v1/admin/settings", &[("authorization", &key)], body).await
}

async fn signed_in<'s>(shop: &'s Shop, languages: &str) -> Browser<'s> {
    let mut browser = Browser::on(shop).reading(languages);
    let form = [("email", ADA), ("password", "correct horse")];
    assert_eq!(browser.send("/sign-in", &form).await.status, 303);
    browser
}

#[tokio::test]
async fn pages_and_letters_tell_the_vendors_time_and_the_api_utc() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 100).await;
    shop.buyer(ADA, 1000).await;
    assert_eq!(set(&shop, "Europe/Berlin").await.at("/look/time_zone"), "Europe/Berlin");
    let token = shop.buyer("bob@example.com", 1000).await;
    let order = buy(&shop, &offer, &token, "k").await.order;
    shop.run_mail().await;

    // Noon in UTC.
    let mut english = signed_in(&shop, "en").await;
    says(
        &english.open("/wallet").await.html,
        &[" 13:00 CET</time>", "datetime=\"2026-11-22T12:00:00"],
    );
    let mut german = signed_in(&shop, "de").await;
    says(&german.open("/wallet").await.html, &[">22.11.2026, 13:00 CET</time>"]);
    let letters = shop.run_mail().await;
    let text = letters.last().unwrap().words.text.replace('\n', " ");
    assert!(text.contains("2026-11-22 13:00 CET"), "{text}");
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let page = owner.open(&format!("/admin/orders/{order}")).await;
    says(&page.html, &["2026-11-22 13:00 CET</time>"]);
    silent(&page.html, &[" UTC</time>"]);
    let told = shop.get(&format!("/v1/orders/{order}"), &token).await;
    let told = String::from_utf8(told.bytes).unwrap();
    says(&told, &["\"2026-11-22T12:00:00.000Z\""]);
    silent(&told, &["CET", "T13:00", "+01:00"]);

    // A zone with no name of its own, and three quarters of an hour.
    set(&shop, "Asia/Kathmandu").await;
    says(&english.open("/wallet").await.html, &["2026-11-22 17:45 UTC+0545</time>"]);
    // What is not said is as it was before there were zones.
    let key = format!("Bearer {}", shop.admin);
    let body = json!({ "look": { "tagline": "Tools" } });
    let answer = shop.send("PATCH", "/v1/admin/settings", &[("authorization", &key)], body).await;
    assert_eq!(answer.at("/look/time_zone"), "UTC");
    says(&english.open("/wallet").await.html, &["2026-11-22 12:00 UTC</time>"]);
}

#[tokio::test]
async fn an_unknown_zone_is_refused_with_its_field() {
    let shop = Shop::open().await;
    for bad in ["Europe/Aurora", "", "CET+1", "../../etc/localtime", "+01:00"] {
        let answer = set(&shop, bad).await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, "look.time_zone"), "{bad}");
    }
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let to = "/admin/settings/look";
    let page = owner.open(to).await;
    says(&page.html, &["<option value=\"UTC\" selected>", "<option value=\"America/New_York\">"]);
    let page = owner.send(to, &[("look.time_zone", "Europe/Aurora")]).await;
    assert_eq!(page.status, 400);
    says(&page.html, &["id=\"look.time_zone-error\""]);
    let page = owner.send(to, &[("look.time_zone", "America/New_York")]).await;
    assert_eq!((page.status, page.location()), (303, "/admin/settings/look?done=saved"));
    says(&owner.open("/admin/audit").await.html, &[" 07:00 EST</time>"]);
    // Whoever leaves the field out leaves the zone.
    owner.send(to, &[("look.tagline", "Tools")]).await;
    let page = owner.open(to).await;
    says(&page.html, &["<option value=\"America/New_York\" selected>"]);
}

#[tokio::test]
async fn days_that_people_type_are_the_vendors() {
    let mut berlin = settings();
    berlin.look.time_zone = Zone::parse("Europe/Berlin").unwrap();
    let shop = Shop::open_with(berlin).await;
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;

    // The last day is the longest of the year.
    let page = owner.open("/admin/coupons/new").await;
    says(&page.html, &["Empty: no end. Days are those of Europe/Berlin."]);
    let form = [
        ("key", page.input("key")),
        ("code", "AUTUMN"),
        ("percent", "10"),
        ("starts_at", "2027-07-01"),
        ("ends_at", "2027-10-31"),
    ];
    assert_eq!(owner.send("/admin/coupons", &form).await.status, 303);
    let made = shop.get("/v1/admin/coupons", &shop.admin).await;
    assert_eq!(made.at("/data/0/starts_at"), "2027-06-30T22:00:00.000Z");
    assert_eq!(made.at("/data/0/ends_at"), "2027-10-31T23:00:00.000Z");

    // A statement of a day has what happened in it by that clock.
    // Half past eleven in the evening in UTC is tomorrow there.
    shop.advance(Span::minutes(690)).await;
    shop.buyer(ADA, 1000).await;
    let mut ada = signed_in(&shop, "en").await;
    says(&ada.open("/wallet/statement").await.html, &["Days are those of Europe/Berlin."]);
    for (day, there) in [("2026-11-22", false), ("2026-11-23", true), ("2026-11-24", false)] {
        let csv = ada.open(&format!("/wallet/statement.csv?from={day}&to={day}")).await;
        assert_eq!(csv.html.contains(",adjustment,"), there, "{day}: {}", csv.html);
    }
    let wrong = ada.open("/wallet/statement.csv?from=2026-11-31").await;
    assert_eq!(wrong.status, 400);
}
