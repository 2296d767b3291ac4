//! Both databases have the same tables with the same columns of the same kinds.

use std::collections::BTreeSet;

use crate::home::{Home, client, in_memory, on_postgres};

type Column = (String, String, &'static str, bool);

fn kind(name: &str) -> &'static str {
    match name.to_lowercase().as_str() {
        "integer" | "bigint" => "integer",
        "text" => "text",
        "blob" | "bytea" => "bytes",
        "tsvector" => "search",
        other => panic!("a column of kind {other}"),
    }
}

/// What serves the search differs by design.
fn is_shared((table, _, kind, _): &Column) -> bool {
    !(table == "search" || table.starts_with("search_")) && *kind != "search"
}

fn sqlite(home: &Home) -> BTreeSet<Column> {
    let connection = home.connection();
    // Every column of a primary key is given, whether the text says so or not.
    let text = "SELECT t.name, c.name, c.type, c.\"notnull\" OR c.pk > 0
        FROM pragma_table_list t, pragma_table_info(t.name) c
        WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite%'";
    let mut statement = connection.prepare(text).unwrap();
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, kind(&row.get::<_, String>(2)?), row.get(3)?))
    });
    rows.unwrap().map(Result::unwrap).filter(is_shared).collect()
}

async fn postgres(home: &Home) -> BTreeSet<Column> {
    let text = "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO'
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    let rows = client(home.url()).await.query(text, &[]).await.unwrap();
    let column = |row: &tokio_postgres::Row| {
        (row.get(0), row.get(1), kind(&row.get::<_, String>(2)), row.get(3))
    };
    rows.iter().map(column).filter(is_shared).collect()
}

#[tokio::test]
async fn both_databases_have_the_same_tables() {
    in_memory("same_tables", async |memory: &Home| {
        drop(memory.open().await.unwrap());
        on_postgres("same_tables", async |server: &Home| {
            drop(server.open().await.unwrap());
            let (ours, theirs) = (sqlite(memory), postgres(server).await);
            assert!(ours.len() > 100);
            let only = |a: &BTreeSet<Column>, b| a.difference(b).cloned().collect::<Vec<_>>();
            assert_eq!((only(&ours, &theirs), only(&theirs, &ours)), (vec![], vec![]));
        })
        .await;
    })
    .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a line for each step of each database")]
async fn every_index_is_on_both_databases() {
    let sqlite = concat!(
        include_str!("../../migrations/sqlite/0001_start.sql"),
        include_str!("../../migrations/sqlite/0002_records.sql"),
        include_str!("../../migrations/sqlite/0003_funding.sql"),
        include_str!("../../migrations/sqlite/0004_refunds.sql"),
        include_str!("../../migrations/sqlite/0005_vouchers.sql"),
        include_str!("../../migrations/sqlite/0006_disputes.sql"),
        include_str!("../../migrations/sqlite/0007_payment_methods.sql"),
        include_str!("../../migrations/sqlite/0008_credit_line.sql"),
        include_str!("../../migrations/sqlite/0009_coupons.sql"),
        include_str!("../../migrations/sqlite/0010_seasoning.sql"),
        include_str!("../../migrations/sqlite/0011_provider.sql"),
        include_str!("../../migrations/sqlite/0012_merchant.sql"),
        include_str!("../../migrations/sqlite/0013_webhooks.sql"),
        include_str!("../../migrations/sqlite/0014_epoch.sql"),
        include_str!("../../migrations/sqlite/0015_partners.sql"),
        include_str!("../../migrations/sqlite/0016_exchanges.sql"),
        include_str!("../../migrations/sqlite/0017_settlements.sql"),
        include_str!("../../migrations/sqlite/0018_visits.sql"),
        include_str!("../../migrations/sqlite/0019_partner_errands.sql"),
        include_str!("../../migrations/sqlite/0020_histories.sql"),
        include_str!("../../migrations/sqlite/0021_usage.sql"),
        include_str!("../../migrations/sqlite/0022_updates.sql"),
        include_str!("../../migrations/sqlite/0023_license_counts.sql"),
        include_str!("../../migrations/sqlite/0024_reissues.sql"),
        include_str!("../../migrations/sqlite/0025_letters.sql"),
        include_str!("../../migrations/sqlite/0026_staff.sql"),
        include_str!("../../migrations/sqlite/0027_figures.sql"),
        include_str!("../../migrations/sqlite/0028_legal_texts.sql"),
        include_str!("../../migrations/sqlite/0031_connections.sql"),
        include_str!("../../migrations/sqlite/0032_refund_requests.sql"),
        include_str!("../../migrations/sqlite/0033_erasure.sql"),
        include_str!("../../migrations/sqlite/0034_sign_ins.sql"),
        include_str!("../../migrations/sqlite/0035_texts.sql"),
        include_str!("../../migrations/sqlite/0037_sessions.sql"),
        include_str!("../../migrations/sqlite/0038_exchanges_of_partner.sql"),
        include_str!("../../migrations/sqlite/0039_new_emails.sql"),
        include_str!("../../migrations/sqlite/0040_factors.sql"),
        include_str!("../../migrations/sqlite/0041_imprint.sql"),
        include_str!("../../migrations/sqlite/0042_muted_merchants.sql"),
        include_str!("../../migrations/sqlite/0043_promises.sql"),
        include_str!("../../migrations/sqlite/0044_passkeys.sql"),
        include_str!("../../migrations/sqlite/0045_nobodys_drafts.sql"),
        include_str!("../../migrations/sqlite/0048_bundles_on_sale.sql")
    );
    let postgres = concat!(
        include_str!("../../migrations/postgres/0001_start.sql"),
        include_str!("../../migrations/postgres/0002_records.sql"),
        include_str!("../../migrations/postgres/0003_funding.sql"),
        include_str!("../../migrations/postgres/0004_refunds.sql"),
        include_str!("../../migrations/postgres/0005_vouchers.sql"),
        include_str!("../../migrations/postgres/0006_disputes.sql"),
        include_str!("../../migrations/postgres/0007_payment_methods.sql"),
        include_str!("../../migrations/postgres/0008_credit_line.sql"),
        include_str!("../../migrations/postgres/0009_coupons.sql"),
        include_str!("../../migrations/postgres/0010_seasoning.sql"),
        include_str!("../../migrations/postgres/0011_provider.sql"),
        include_str!("../../migrations/postgres/0012_merchant.sql"),
        include_str!("../../migrations/postgres/0013_webhooks.sql"),
        include_str!("../../migrations/postgres/0014_epoch.sql"),
        include_str!("../../migrations/postgres/0015_partners.sql"),
        include_str!("../../migrations/postgres/0016_exchanges.sql"),
        include_str!("../../migrations/postgres/0017_settlements.sql"),
        include_str!("../../migrations/postgres/0018_visits.sql"),
        include_str!("../../migrations/postgres/0019_partner_errands.sql"),
        include_str!("../../migrations/postgres/0020_histories.sql"),
        include_str!("../../migrations/postgres/0021_usage.sql"),
        include_str!("../../migrations/postgres/0022_updates.sql"),
        include_str!("../../migrations/postgres/0023_license_counts.sql"),
        include_str!("../../migrations/postgres/0024_reissues.sql"),
        include_str!("../../migrations/postgres/0025_letters.sql"),
        include_str!("../../migrations/postgres/0026_staff.sql"),
        include_str!("../../migrations/postgres/0027_figures.sql"),
        include_str!("../../migrations/postgres/0028_legal_texts.sql"),
        include_str!("../../migrations/postgres/0031_connections.sql"),
        include_str!("../../migrations/postgres/0032_refund_requests.sql"),
        include_str!("../../migrations/postgres/0033_erasure.sql"),
        include_str!("../../migrations/postgres/0034_sign_ins.sql"),
        include_str!("../../migrations/postgres/0035_texts.sql"),
        include_str!("../../migrations/postgres/0037_sessions.sql"),
        include_str!("../../migrations/postgres/0038_exchanges_of_partner.sql"),
        include_str!("../../migrations/postgres/0039_new_emails.sql"),
        include_str!("../../migrations/postgres/0040_factors.sql"),
        include_str!("../../migrations/postgres/0041_imprint.sql"),
        include_str!("../../migrations/postgres/0042_muted_merchants.sql"),
        include_str!("../../migrations/postgres/0043_promises.sql"),
        include_str!("../../migrations/postgres/0044_passkeys.sql"),
        include_str!("../../migrations/postgres/0045_nobodys_drafts.sql"),
        include_str!("../../migrations/postgres/0048_bundles_on_sale.sql")
    );
    let indices = |text: &str| {
        let lines = text.lines().filter(|line| {
            line.starts_with("CREATE INDEX") || line.starts_with("CREATE UNIQUE INDEX")
        });
        lines.filter(|line| !line.contains("search")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(indices(sqlite), indices(postgres));
    let checks = |text: &str| text.matches("CHECK (").count();
    assert_eq!(checks(sqlite), checks(postgres));
}
