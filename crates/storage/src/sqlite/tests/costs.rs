//! What a page costs goes by what is on it, however much there is beside it: counted in the steps of SQLite's machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use scrip_domain::{Id, Timestamp};

use super::{Memory, SqliteReader};
use crate::reads::Page;
use crate::reads::doctor::probes;
use crate::reads::merchant::PENDING;
use crate::store::{Readers, Store};

/// The steps of `read`, where `sql` has filled the tables from the numbers 1 to `rows` in the table `n`.
async fn steps(name: &str, rows: u32, sql: &str, read: impl AsyncFnOnce(&Store)) -> u64 {
    let memory = Memory::new(&format!("costs_of_{name}_{rows}")).unwrap();
    let (store, _writer) = Store::memory(&memory).unwrap();
    let numbers = format!(
        "CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS
             (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT i FROM n; {sql}"
    );
    memory.place().connect().unwrap().execute_batch(&numbers).unwrap();
    let steps = Arc::new(AtomicU64::new(0));
    let counted = steps.clone();
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    let mut connection = memory.place().connect().unwrap();
    connection.progress_handler(1, Some(count)).unwrap();
    let Readers::Sqlite { readers, .. } = &store.readers else { panic!("no SQLite") };
    let end = Arc::default();
    readers.idle.lock().unwrap().push(SqliteReader { connection, end });
    read(&store).await;
    steps.load(Ordering::Relaxed)
}

/// Asserts that `read` takes as many steps among few rows as among many.
async fn costs_the_same(name: &str, sql: &str, read: impl AsyncFn(&Store)) {
    let few = steps(name, 100, sql, async |store| read(store).await).await;
    let many = steps(name, 10_000, sql, async |store| read(store).await).await;
    assert!(few > 20, "{few} steps: nothing was read");
    assert!(many < few * 2, "{name}: {few} steps among 100 rows, {many} among 10000");
}

#[tokio::test]
async fn a_page_of_a_library() {
    let licenses = r#"
        INSERT INTO by_account SELECT 7, 1 + 14 * (i % 2), i, i, 0 FROM n;
        INSERT INTO by_account SELECT 7, 6, 50 - i % 5, i, 0 FROM n;
        INSERT INTO licenses (id, "order", line, account, product, offer, terms, limits, state, issue, kid, issued_at)
            SELECT i, i, i, 7, 50 - i % 5, 1, '{"kind":"perpetual"}', '{}', 'valid', 1, 'a', 0 FROM n"#;
    costs_the_same("library", licenses, async |store| {
        for after in [None, Some(90)] {
            let page = Page { after, limit: 20 };
            assert_eq!(store.licenses_of(Id::new(7).unwrap(), page).await.unwrap().len(), 20);
            let all = store.licenses(Id::new(7), None, page).await.unwrap();
            assert_eq!(all.len(), 20);
        }
    })
    .await;
}

#[tokio::test]
async fn the_exchanges_with_a_partner() {
    let exchanges = "
        INSERT INTO exchanges (id, account, partner, agreement, quote, figures_give, figures_receive, figures_compensation,
                figures_numerator, figures_denominator, state, hold, at, attempts)
            SELECT i, 1, CASE WHEN i <= 30 THEN 7 ELSE 8 END, 1, i, 1, 1, 1, 1, 1, 'reserved', 1, 0, 0 FROM n";
    costs_the_same("exchanges", exchanges, async |store| {
        let page = Page { after: None, limit: 20 };
        let rows = store.exchanges(None, Id::new(7), page).await.unwrap();
        assert_eq!(rows.len(), 20);
    })
    .await;
}

#[tokio::test]
async fn what_a_merchant_waits_for() {
    // One merchant, of whose captures the last 20 wait: ten for delivery, ten for the end of their window.
    let captures = r#"
        INSERT INTO purchase_requests (id, merchant, "order", state, amount, offer, reference, fee, refunded, opened_at,
                pay_until, captured_at, fulfilled_at, refund_until)
            SELECT i, 7, i, 'fulfilled', 10, printf('%500d', i), CAST(i AS BLOB), 1, 0, 0, 0, 1,
                CASE WHEN i > m - 10 THEN NULL ELSE 2 END, CASE WHEN i > m - 20 THEN 9 ELSE 5 END
            FROM n, (SELECT MAX(i) AS m FROM n);
        INSERT INTO purchase_requests (id, merchant, "order", state, amount, offer, reference, fee, refunded, opened_at, pay_until)
            SELECT 20000 + i, 7, 20000 + i, 'opened', 10, '', CAST(20000 + i AS BLOB), 0, 0, 0, 0 FROM n"#;
    costs_the_same("pending", captures, async |store| {
        let at = Timestamp::from_millis(5);
        let pending = store.merchant_pending(Id::new(7).unwrap(), at).await.unwrap();
        assert_eq!(pending.units(), 20 * 9);
    })
    .await;
}

#[test]
fn what_a_merchant_waits_for_is_found_by_indices() {
    let memory = Memory::new("plan_of_pending").unwrap();
    let (_store, _writer) = Store::memory(&memory).unwrap();
    let connection = memory.place().connect().unwrap();
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {PENDING}")).unwrap();
    let steps = plan.query_map((7, 5), |row| row.get(3)).unwrap();
    let steps: Vec<String> = steps.map(Result::unwrap).collect();
    let of_table = steps.iter().filter(|step| step.contains("purchase_requests"));
    let searches = [
        "SEARCH purchase_requests USING INDEX purchase_requests_undelivered (merchant=?)",
        "SEARCH purchase_requests USING COVERING INDEX purchase_requests_by_window (merchant=? AND refund_until>?)",
    ];
    assert_eq!(of_table.collect::<Vec<_>>(), searches, "{steps:?}");
}

#[tokio::test]
async fn a_page_of_those_who_are_told_that_tokens_expire() {
    // All of them in one moment, as a campaign's tokens do.
    let wallets = "INSERT INTO wallets (id, account, lots, free_debits, free_credits, held_debits, held_credits, next_expiry)
        SELECT i, i, '[]', 0, 0, 0, 0, 5 FROM n";
    costs_the_same("warned", wallets, async |store| {
        let soon = Timestamp::from_millis(9);
        for after in [None, Some((Timestamp::from_millis(5), Id::new(60).unwrap()))] {
            let page = store.wallets_to_warn(soon, after, 20).await.unwrap();
            assert_eq!(page.len(), 20);
        }
    })
    .await;
}

#[test]
fn no_probe_of_the_doctor_goes_through_one_table_for_each_row_of_another() {
    let memory = Memory::new("plans").unwrap();
    let (_store, _writer) = Store::memory(&memory).unwrap();
    let connection = memory.place().connect().unwrap();
    for probe in probes() {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", probe.rows)).unwrap();
        let steps = plan.query_map((), |row| Ok((row.get(1)?, row.get(3)?))).unwrap();
        let mut scans: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for (within, step) in steps.map(Result::unwrap) {
            let step: String = step;
            // The JSON of one row has an end that does not move.
            if step.starts_with("SCAN") && !step.contains("VIRTUAL") && !step.contains("CONSTANT") {
                scans.entry(within).or_default().push(step);
            }
        }
        let twice: Vec<_> = scans.values().filter(|scans| scans.len() > 1).collect();
        assert!(twice.is_empty(), "{}: {twice:?}", probe.name);
    }
}
