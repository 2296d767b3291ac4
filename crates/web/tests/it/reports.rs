//! Figures over time: each day once, whenever and however often they are summed.

use scrip_domain::Span;
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

use crate::expiry::{gift, in_days};
use crate::goods::{Sold, buy_as, settle};

async fn report(shop: &Shop, query: &str) -> Answer {
    let answer = shop.get(&format!("/v1/admin/reports{query}"), &shop.admin).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// A day of a report, in short.
fn short(day: &Value) -> String {
    let tokens = |place: &str| day.pointer(place).and_then(Value::as_u64).unwrap();
    format!(
        "{} {} sold {} spent {} in {}/{} back {} gone {} bytes {} new {} left {}",
        day["day"].as_str().unwrap(),
        if day["closed"] == true { "closed" } else { "open" },
        tokens("/top_ups/tokens/amount"),
        tokens("/sales/tokens/amount"),
        tokens("/sales/orders"),
        tokens("/sales/lines"),
        tokens("/refunds/amount"),
        tokens("/breakage/amount"),
        tokens("/downloads/bytes"),
        tokens("/new_accounts"),
        tokens("/outstanding/amount"),
    )
}

fn days(report: &Answer) -> Vec<String> {
    report.json["days"].as_array().unwrap().iter().map(short).collect()
}

/// Closes what is over, as the worker does.
async fn close(shop: &Shop) -> usize {
    let mut closed = 0;
    loop {
        match shop.app.engine.close_days().await.unwrap() {
            0 => return closed,
            days => closed += days,
        }
    }
}

/// On Sunday Ada is given 1000, buys for 100, and downloads; tops up 500 for 5 EUR. On Monday she gets 70 that expire on
/// Wednesday, and 40 of the order back. On Wednesday Bob comes, and buys.
async fn week() -> Sold {
    let sold = Sold::new(300).await;
    let shop = &sold.shop;
    assert_eq!(sold.get(&[]).await.status, 200);
    settle().await;
    let body = json!({
        "tokens": { "amount": 500, "unit": "AUR" }, "method": "card", "payment_method": "demo_approved",
    });
    assert_eq!(shop.post("/v1/top-ups", &sold.buyer, "card", body).await.status, 201);
    shop.run_errands().await;
    shop.advance(Span::days(1)).await;
    gift(shop, &sold.buyer, "gift", 70, Some(&in_days(shop, 2))).await;
    let orders = shop.get("/v1/orders", &sold.buyer).await;
    let (order, line) = (orders.at("/data/0/id"), orders.at("/data/0/lines/0/id"));
    let lines = json!([{ "line": line, "amount": { "amount": 40, "unit": "AUR" } }]);
    let back = json!({ "lines": lines, "reason": "kind" });
    let path = format!("/v1/admin/orders/{order}/refunds");
    assert_eq!(shop.post(&path, &shop.admin, "back", back).await.status, 201);
    shop.advance(Span::days(2)).await;
    while shop.app.engine.expire_due().await.unwrap() > 0 {}
    let bob = shop.buyer("bob@example.com", 300).await;
    let offers = shop.get("/v1/products/tool", &bob).await;
    buy_as(shop, offers.at("/offers/0/id"), &bob).await;
    sold
}

const WEEK: [&str; 4] = [
    "2026-11-22 closed sold 500 spent 100 in 1/1 back 0 gone 0 bytes 300 new 1 left 1400",
    "2026-11-23 closed sold 0 spent 0 in 0/0 back 40 gone 0 bytes 0 new 0 left 1510",
    "2026-11-24 closed sold 0 spent 0 in 0/0 back 0 gone 0 bytes 0 new 0 left 1510",
    "2026-11-25 open sold 0 spent 100 in 1/1 back 0 gone 70 bytes 0 new 1 left 1640",
];

#[tokio::test]
async fn each_day_is_summed_once_and_the_running_one_when_it_is_asked_for() {
    let sold = week().await;
    let shop = &sold.shop;
    assert_eq!(close(shop).await, 3);
    let whole = report(shop, "").await;
    assert_eq!(days(&whole), WEEK);
    assert_eq!((whole.at("/from"), whole.at("/to")), ("2026-10-27", "2026-11-25"));
    assert_eq!((whole.at("/closed_until"), &whole.json["complete"]), ("2026-11-24", &json!(true)));
    let money = json!([{ "amount": 500, "unit": "EUR", "display": "5.00 EUR" }]);
    assert_eq!(whole.json["totals"]["top_ups"]["money"], money);
    assert_eq!(whole.json["totals"]["sales"]["orders"], 2);
    assert_eq!(whole.at("/totals/refunds/display"), "0.40 AUR");
    let part = report(shop, "?from=2026-11-23&to=2026-11-24").await;
    assert_eq!(days(&part), WEEK[1..3]);
    assert_eq!(part.json["totals"]["sales"]["orders"], 0);
    // Again, and by another server on the same books: the same, and nothing is closed twice.
    assert_eq!(close(shop).await, 0);
    let other = shop.another().await;
    assert_eq!(close(&other).await, 0);
    assert_eq!(report(&other, "").await.bytes, whole.bytes);
    shop.sound().await;
}

#[tokio::test]
async fn a_day_is_closed_when_nothing_can_be_written_into_it_any_more() {
    let sold = week().await;
    let shop = &sold.shop;
    close(shop).await;
    // It is noon: twelve hours are left, and the margin.
    shop.advance(Span::hours(12)).await;
    shop.advance(Span::minutes(14)).await;
    assert_eq!(close(shop).await, 0);
    let both = report(shop, "?from=2026-11-25&to=2026-11-26").await;
    assert_eq!(days(&both)[0], WEEK[3], "over, and open still");
    assert!(days(&both)[1].starts_with("2026-11-26 open sold 0"), "{both:?}");
    shop.advance(Span::minutes(1)).await;
    assert_eq!(close(shop).await, 1);
    let closed = report(shop, "?from=2026-11-25&to=2026-11-25").await;
    assert_eq!(days(&closed), [WEEK[3].replace("open", "closed")]);
    shop.sound().await;
}

#[tokio::test]
async fn old_books_are_summed_little_by_little() {
    let sold = week().await;
    let shop = &sold.shop;
    shop.advance(Span::days(40)).await;
    let before = report(shop, "?from=2026-11-22&to=2027-01-04").await;
    assert_eq!(before.json["complete"], false);
    assert_eq!(days(&before).len(), 3, "no more than that at once");
    assert_eq!(shop.app.engine.close_days().await.unwrap(), 31, "a round is bounded");
    // Somebody else does the same at the same time.
    let other = shop.another().await;
    let (one, two) = tokio::join!(shop.app.engine.close_days(), other.app.engine.close_days());
    assert_eq!((one.unwrap(), two.unwrap()), (12, 12));
    assert_eq!(close(shop).await, 0);
    let after = report(shop, "?from=2026-11-22&to=2027-01-04").await;
    assert_eq!((&after.json["complete"], days(&after).len()), (&json!(true), 44));
    assert_eq!(after.json["days"][43]["outstanding"]["amount"], 1640);
    assert_eq!(days(&after)[..3], WEEK[..3]);
    shop.sound().await;
}

#[tokio::test]
async fn a_report_is_a_table_too() {
    let sold = week().await;
    close(&sold.shop).await;
    let table = report(&sold.shop, "?from=2026-11-22&to=2026-11-23&format=csv").await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        String::from_utf8(table.bytes).unwrap(),
        "day,closed,orders,lines,sales,tokens_sold,refunds,breakage,clawed_back,downloads,bytes,new_accounts,outstanding,unit,paid_EUR\r\n\
         2026-11-22,true,1,1,1.00,5.00,0.00,0.00,0.00,1,300,1,14.00,AUR,5.00\r\n\
         2026-11-23,true,0,0,0.00,0.00,0.40,0.00,0.00,0,0,0,15.10,AUR,0.00\r\n"
    );
}

#[tokio::test]
async fn what_cannot_be_told_names_its_field() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    assert_eq!(shop.get("/v1/admin/reports", "").await.code(), "invalid_credentials");
    assert_eq!(shop.get("/v1/admin/reports", &ada).await.code(), "forbidden");
    for (query, field) in [
        ("?from=today", "from"),
        ("?from=2026-11-23&to=2026-11-22", "to"),
        ("?from=2025-10-18&to=2026-11-22", "from"),
        ("?format=pdf", "format"),
    ] {
        let wrong = shop.get(&format!("/v1/admin/reports{query}"), &shop.admin).await;
        assert_eq!(
            (wrong.code(), wrong.at("/errors/0/field")),
            ("invalid_field", field),
            "{query}"
        );
    }
    let longest = report(&shop, "?from=2025-10-19&to=2026-11-22").await;
    assert_eq!(days(&longest).len(), 1, "none from before there was anything");
}

#[tokio::test]
async fn books_without_anything_have_no_days() {
    let shop = Shop::open().await;
    assert_eq!(close(&shop).await, 0);
    let empty = report(&shop, "").await;
    assert_eq!((days(&empty), &empty.json["closed_until"]), (vec![], &Value::Null));
    assert_eq!(empty.json["complete"], true);
    shop.advance(Span::days(3)).await;
    assert_eq!(close(&shop).await, 0);
}

/// Buys the tuning for 250.
async fn tuning(shop: &Shop, buyer: &str, offer: &str, key: &str) {
    let body = json!({ "lines": [{ "offer": offer }], "allow_duplicate": true,
        "expected_total": { "amount": 250, "unit": "AUR" } });
    let paid = shop.post("/v1/purchases", buyer, key, body).await;
    assert_eq!(paid.status, 201, "{paid:?}");
}

/// A clock that is a day ahead: on what it takes for Monday and Tuesday Ada comes, is given 1000, and buys. Then somebody sets
/// it back to Sunday.
async fn ahead() -> (Shop, String, String) {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    shop.advance(Span::days(1)).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    tuning(&shop, &ada, &offer, "monday").await;
    shop.advance(Span::hours(13)).await;
    assert_eq!(close(&shop).await, 1, "of a Monday that has not begun");
    tuning(&shop, &ada, &offer, "tuesday").await;
    shop.sound().await;
    shop.clock.set_back(Span::hours(37));
    (shop, ada, offer)
}

/// What is reported from that Sunday on.
async fn from_sunday(shop: &Shop) -> Vec<String> {
    days(&report(shop, "?from=2026-11-22&to=2026-12-01").await)
}

fn day(day: &str, state: &str, spent: u64, orders: u64, left: u64) -> String {
    format!(
        "{day} {state} sold 0 spent {spent} in {orders}/{orders} back 0 gone 0 bytes 0 new {} left {left}",
        u32::from(day == "2026-11-23")
    )
}

/// Sunday and the days after it, lived once more.
async fn lived_again(shop: &Shop, ada: &str, offer: &str) {
    shop.sound().await;
    tuning(shop, ada, offer, "sunday").await;
    let sunday = day("2026-11-22", "open", 250, 1, 0);
    assert_eq!(from_sunday(shop).await, [sunday.as_str()], "spent before it came in");
    shop.sound().await;
    assert_eq!(close(shop).await, 0);
    shop.advance(Span::days(1)).await;
    assert_eq!(close(shop).await, 1);
    shop.sound().await;
    tuning(shop, ada, offer, "monday-again").await;
    let sunday = sunday.replace("open", "closed");
    let monday = day("2026-11-23", "open", 500, 2, 250);
    assert_eq!(from_sunday(shop).await, [sunday.as_str(), &monday], "what was booked for it, too");
    shop.sound().await;
    shop.advance(Span::days(2)).await;
    assert_eq!(close(shop).await, 2);
    let monday = monday.replace("open", "closed");
    let tuesday = day("2026-11-24", "closed", 250, 1, 0);
    let wednesday = day("2026-11-25", "open", 0, 0, 0);
    assert_eq!(from_sunday(shop).await, [sunday, monday, tuesday, wednesday]);
    shop.sound().await;
}

#[tokio::test]
async fn a_clock_that_was_a_day_ahead_and_is_set_back_leaves_every_day_right() {
    let (shop, ada, offer) = ahead().await;
    shop.app.engine.renew_lease().await.unwrap();
    lived_again(&shop, &ada, &offer).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_while_the_server_is_stopped_leaves_every_day_right() {
    let (shop, ada, offer) = ahead().await;
    shop.app.engine.end_lease().await.unwrap();
    let again = shop.another().await;
    assert_eq!(close(&again).await, 0, "as a worker does at the start");
    lived_again(&again, &ada, &offer).await;
}
