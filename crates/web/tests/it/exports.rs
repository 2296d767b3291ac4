//! Journals, statements and lists: what is in them balances, is the same each time, and is a formula to nobody.

use std::collections::BTreeMap;

use scrip_domain::Span;
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

use crate::expiry::{gift, in_days};

fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    String::from_utf8(answer.bytes.clone()).unwrap()
}

fn rows(table: &str) -> Vec<Vec<String>> {
    let split = |row: &str| row.split(',').map(str::to_owned).collect();
    table.split_terminator("\r\n").skip(1).map(split).collect()
}

async fn buy(shop: &Shop, who: &str, key: &str, offer: &str, price: u64) -> Answer {
    let body = json!({
        "lines": [{ "offer": offer }], "expected_total": { "amount": price, "unit": "AUR" }, "allow_duplicate": true,
    });
    let bought = shop.post("/v1/purchases", who, key, body).await;
    assert_eq!(bought.status, 201, "{bought:?}");
    bought
}

/// A buyer who paid by card and got a gift that has expired, and bought twice.
async fn shop() -> (Shop, String) {
    let shop = Shop::open().await;
    let offer = shop.service("call", 250).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let body = json!({
        "tokens": { "amount": 1000, "unit": "AUR" }, "method": "card", "payment_method": "demo_approved",
    });
    assert_eq!(shop.post("/v1/top-ups", &ada, "card", body).await.status, 201);
    shop.run_errands().await;
    gift(&shop, &ada, "gift", 70, Some(&in_days(&shop, 3))).await;
    buy(&shop, &ada, "one", &offer, 250).await;
    shop.advance(Span::days(5)).await;
    gift(&shop, &ada, "later", 30, Some(&in_days(&shop, 1))).await;
    shop.advance(Span::days(2)).await;
    buy(&shop, &ada, "two", &offer, 250).await;
    (shop, ada)
}

#[tokio::test]
async fn a_journal_balances_and_is_the_same_each_time() {
    let (shop, ada) = shop().await;
    let account = shop.get("/v1/account", &ada).await.at("/id").replace("acc_", "Acc-");
    let table = text(&shop.get("/v1/admin/export?format=csv", &shop.admin).await);
    assert!(table.starts_with("at,entry,reason,subject,account,amount,unit\r\n"), "{table}");
    let mut entries = BTreeMap::<(String, String), i64>::new();
    let mut accounts = BTreeMap::<String, i64>::new();
    for row in rows(&table) {
        let [_, entry, _, _, account, amount, unit] = &row[..] else { panic!("{row:?}") };
        let units: i64 = amount.replace('.', "").parse().unwrap();
        *entries.entry((entry.clone(), unit.clone())).or_default() += units;
        *accounts.entry(account.clone()).or_default() += units;
    }
    assert!(entries.values().all(|sum| *sum == 0), "{entries:?}");
    let has = |name: &str| accounts.get(name).copied();
    assert_eq!(has(&format!("Liabilities:Wallets:{account}:Available")), Some(-570));
    assert_eq!(has("Equity:Issued"), Some(1000));
    assert_eq!((has("Equity:Granted"), has("Income:Breakage")), (Some(100), Some(-30)));
    assert_eq!(has("Income:Sales"), Some(-500));
    // Ten euros less what the processor keeps.
    assert_eq!((has("Assets:Money:Demo"), has("Expenses:Processing")), (Some(960), Some(40)));
    assert_eq!(has("Liabilities:TokensSold"), Some(-1000));
    assert_eq!(shop.available(&ada).await, 570);

    for (format, begins, ends) in [
        ("hledger", "; Aurora Instruments\ndecimal-mark .\ncommodity", "= 0.40 EUR\n"),
        (
            "beancount",
            "option \"title\" \"Aurora Instruments\"\n2026-01-01 commodity",
            "0.40 ~ 0 EUR\n",
        ),
    ] {
        let path = format!("/v1/admin/export?format={format}");
        let answer = shop.get(&path, &shop.admin).await;
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert!(answer.header("content-disposition").starts_with("attachment; filename=\"ledger."));
        let journal = text(&answer);
        assert!(journal.starts_with(begins) && journal.ends_with(ends), "{journal}");
        shop.advance(Span::hours(5)).await;
        assert_eq!(text(&shop.get(&path, &shop.admin).await), journal, "the same bytes");
    }
    // From the day of the second gift on: what was before opens.
    let later = text(&shop.get("/v1/admin/export?format=csv&from=2026-11-27", &shop.admin).await);
    let opening: Vec<_> =
        rows(&later).into_iter().filter(|row| row[2] == "opening_balances").collect();
    assert_eq!(opening.len(), 7, "{later}");
    assert!(opening.iter().all(|row| row[0] == "2026-11-27T00:00:00.000Z"));
    let day = text(
        &shop.get("/v1/admin/export?format=csv&from=2026-11-22&to=2026-11-22", &shop.admin).await,
    );
    assert!(rows(&day).iter().all(|row| row[0].starts_with("2026-11-22T")), "both included: {day}");
    assert_eq!(rows(&day).len(), 10);
    shop.sound().await;
}

#[tokio::test]
async fn a_statement_opens_moves_and_closes() {
    let (shop, ada) = shop().await;
    let whole = shop.get("/v1/wallet/statement", &ada).await;
    assert_eq!(
        (whole.at("/opening/available/display"), whole.at("/closing/available/display")),
        ("0.00 AUR", "5.70 AUR")
    );
    let line = |line: &Value| {
        let (transfer, after) = (&line["transfer"], &line["after"]["available"]["amount"]);
        format!(
            "{} {} {after}",
            transfer["direction"].as_str().unwrap(),
            transfer["reason"].as_str().unwrap()
        )
    };
    let lines: Vec<_> = whole.json["lines"].as_array().unwrap().iter().map(line).collect();
    let first = ["in top_up 1000", "in grant 1070", "out purchase 820"];
    let last = ["in grant 850", "out expiry 820", "out purchase 570"];
    assert_eq!(lines, [first, last].concat());
    let part = shop.get("/v1/wallet/statement?from=2026-11-27&to=2026-11-27", &ada).await;
    assert_eq!(part.at("/opening/available/display"), "8.20 AUR");
    assert_eq!(part.at("/closing/available/display"), "8.50 AUR");
    assert_eq!(
        (part.at("/from"), part.at("/to")),
        ("2026-11-27T00:00:00.000Z", "2026-11-28T00:00:00.000Z")
    );

    let table = shop.get("/v1/wallet/statement?format=csv", &ada).await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    let table = rows(&text(&table));
    assert_eq!(table.len(), 8);
    assert_eq!(table[0].join(","), ",,opening_balance,,,,0.00,0.00,0.00,AUR");
    assert_eq!(table[7].join(","), ",,closing_balance,,,,5.70,0.00,0.00,AUR");
    assert_eq!(table[3][2..7].join(" "), format!("purchase {} out 2.50 8.20", table[3][3]));
    // Of somebody else nothing is in it.
    let bob = shop.buyer("bob@example.com", 0).await;
    assert_eq!(shop.get("/v1/wallet/statement", &bob).await.json["lines"], json!([]));
    shop.sound().await;
}

#[tokio::test]
async fn a_list_of_orders_has_each_line_and_no_formulas() {
    let shop = Shop::open().await;
    let offer = shop.service("call", 250).await;
    let change = json!({ "kind": "service", "title": "=HYPERLINK(\"x\"), \"a\"" });
    let bearer = format!("Bearer {}", shop.admin);
    let headers = [("authorization", bearer.as_str())];
    let changed = shop.send("PUT", "/v1/admin/products/call", &headers, change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let ada = shop.buyer("ada@example.com", 1000).await;
    let order = buy(&shop, &ada, "one", &offer, 250).await;
    let path = format!("/v1/admin/orders/{}/refunds", order.at("/id"));
    let amount = json!({ "amount": 100, "unit": "AUR" });
    let lines = json!([{ "line": order.at("/lines/0/id"), "amount": amount }]);
    let body = json!({ "lines": lines, "reason": "kind" });
    let part = shop.post(&path, &shop.admin, "back", body).await;
    assert_eq!(part.status, 201, "{part:?}");
    let answer = shop.get("/v1/admin/orders/export", &shop.admin).await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    let table = text(&answer);
    let (_, row) = table.split_once("\r\n").unwrap();
    assert!(row.starts_with(order.at("/id")), "{table}");
    assert!(
        row.contains(",partially_refunded,2026-11-22T12:00:00.000Z,2026-11-22T12:00:00.000Z,,lin_"),
        "{row}"
    );
    assert!(
        row.ends_with(",\"'=HYPERLINK(\"\"x\"\"), \"\"a\"\"\",1,2.50,0.00,2.50,1.00,AUR\r\n"),
        "{row}"
    );
    let none = text(&shop.get("/v1/admin/orders/export?to=2026-11-21", &shop.admin).await);
    assert_eq!(rows(&none).len(), 0);
}

#[tokio::test]
async fn files_are_for_those_whose_they_are_and_mistakes_name_their_field() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    for path in ["/v1/admin/export?format=csv", "/v1/admin/orders/export"] {
        assert_eq!(shop.get(path, "").await.code(), "invalid_credentials", "{path}");
        assert_eq!(shop.get(path, &ada).await.code(), "forbidden", "{path}");
    }
    assert_eq!(shop.get("/v1/wallet/statement", "").await.code(), "account_required");
    for (path, field) in [
        ("/v1/admin/export", "format"),
        ("/v1/admin/export?format=pdf", "format"),
        ("/v1/admin/export?format=csv&from=today", "from"),
        ("/v1/admin/export?format=csv&to=2026-02-30", "to"),
        ("/v1/admin/orders/export?from=2026-11-02&to=2026-11-01", "to"),
    ] {
        let wrong = shop.get(path, &shop.admin).await;
        assert_eq!((wrong.code(), wrong.at("/errors/0/field")), ("invalid_field", field), "{path}");
    }
    let wrong = shop.get("/v1/wallet/statement?format=xls", &ada).await;
    assert_eq!((wrong.code(), wrong.at("/errors/0/field")), ("invalid_field", "format"));
}
