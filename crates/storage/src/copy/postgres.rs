//! PostgreSQL as either side of a copy.

use tokio_postgres::types::ToSql;

use super::{SEEDED, cells, clear_text, count_text, not_empty, page_text, tables};
use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::migrate;
use crate::postgres::{Address, Column, Line, Live, PATIENCE, columns, has_vendor};
use crate::table::Table;

/// No statement's time is limited: the books may be large.
const SETUP: &str = "SET jit = off; SET statement_timeout = 0; SET lock_timeout = '60s'";
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const WRITE: &str = "BEGIN";

/// One state of a PostgreSQL database: a transaction that only reads.
#[derive(Debug)]
pub(super) struct PostgresSnapshot(std::sync::Arc<Live>);

impl PostgresSnapshot {
    pub async fn open(url: &str) -> Result<Self, Fault> {
        let live = Line::new(Address::of(url)?, SETUP, Vec::new(), PATIENCE).live().await?;
        live.run(READ).await?;
        let rows = live.query(migrate::APPLIED, &[]).await?;
        let applied: Vec<_> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        migrate::up_to_date(migrate::POSTGRES, &applied)?;
        Ok(Self(live))
    }

    pub async fn page(
        &self,
        table: &Table,
        after: Option<&[Cell<'static>]>,
    ) -> Result<Vec<Cell<'static>>, Fault> {
        let text = page_text(table, after.is_none(), true);
        let rows = self.0.query(&text, after.unwrap_or_default()).await?;
        let mut out = Vec::new();
        for row in &rows {
            cells(table, &mut Reader::new(row, table.name), &mut out)?;
        }
        Ok(out)
    }
}

/// An empty PostgreSQL database, in a transaction.
#[derive(Debug)]
pub(super) struct PostgresBlank(std::sync::Arc<Live>);

impl PostgresBlank {
    pub async fn open(url: &str) -> Result<Self, Fault> {
        let address = Address::of(url)?;
        let live = Line::new(address.clone(), SETUP, Vec::new(), PATIENCE).live().await?;
        // Before anything is done to it: another shop's database stays as it is.
        if has_vendor(&live).await? {
            let what = "the database is not empty: it holds a shop already";
            return Err(Fault::Unfit(what.to_owned()));
        }
        crate::postgres::migrate(address).await?;
        live.run(WRITE).await?;
        for table in tables() {
            let rows = live.query(&count_text(&table), &[]).await?;
            let count = rows.first().map_or(0, |row| row.get::<_, i64>(0));
            if SEEDED.contains(&table.name) {
                live.run(&clear_text(table.name)).await?;
            } else if count > 0 {
                return Err(not_empty(&table));
            }
        }
        Ok(Self(live))
    }

    pub async fn put(&mut self, table: &Table, cells: &[Cell<'static>]) -> Result<(), Fault> {
        let columns = columns(&table.columns, cells)?;
        let params: Vec<&(dyn ToSql + Sync)> = columns.iter().map(Column::param).collect();
        self.0.execute(&table.postgres.insert, &params).await
    }

    pub async fn finish(self) -> Result<(), Fault> {
        self.0.run("COMMIT").await
    }
}
