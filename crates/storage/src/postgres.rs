//! PostgreSQL: one statement per table and batch, whatever the batch's size.
//!
//! Guards are locked first (`FOR NO KEY UPDATE`, tables and ids in one order), then the rest is
//! read, all of it pipelined into one round trip; saving is one `UNNEST` statement per table.
//! READ COMMITTED: what hangs from a guard is read in a later statement than the lock.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::try_join_all;
use futures_util::{FutureExt, try_join};
use scrip_domain::Amount;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, NoTls, Statement};

use crate::batch::Backend;
use crate::books::{Asked, Books, Change, Shelf, Wants, all_tables, each_table};
use crate::cells::{Cell, Kind, Reader, Source};
use crate::fault::Fault;
use crate::migrate;
use crate::sql;
use crate::table::{Keys, Row};

/// A connection that heals: opened when it is first needed, and again when it was lost.
#[derive(Debug)]
pub(crate) struct Line {
    url: String,
    setup: &'static str,
    live: Mutex<Option<Arc<Live>>>,
}

#[derive(Debug)]
struct Live {
    client: Client,
    statements: Mutex<BTreeMap<String, Statement>>,
}

impl Line {
    pub fn new(url: &str, setup: &'static str) -> Self {
        Self { url: url.to_owned(), setup, live: Mutex::default() }
    }

    async fn live(&self) -> Result<Arc<Live>, Fault> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(live) = live.filter(|live| !live.client.is_closed()) {
            return Ok(live);
        }
        let (client, connection) =
            tokio_postgres::connect(&self.url, NoTls).await.map_err(|e| fault(&e))?;
        // The connection's own task: it ends with the client, and its errors reach the client.
        tokio::spawn(connection.map(drop));
        client.batch_execute(self.setup).await.map_err(|e| fault(&e))?;
        let live = Arc::new(Live { client, statements: Mutex::default() });
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Some(live.clone());
        Ok(live)
    }
}

impl Live {
    async fn prepared(&self, text: &str) -> Result<Statement, Fault> {
        let known =
            self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(text).await.map_err(|e| fault(&e))?;
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        statements.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }

    async fn query(
        &self,
        text: &str,
        cells: &[Cell<'_>],
    ) -> Result<Vec<tokio_postgres::Row>, Fault> {
        let statement = self.prepared(text).await?;
        let params: Vec<&(dyn ToSql + Sync)> = cells.iter().map(|cell| cell as _).collect();
        self.client.query(&statement, &params).await.map_err(|e| fault(&e))
    }
}

/// The connection that writes, one per loop.
#[derive(Debug)]
pub struct PostgresWriter {
    line: Line,
    live: Option<Arc<Live>>,
}

/// A writer looks up by keys only: index scans, whatever the statistics say.
const WRITER_SETUP: &str =
    "SET synchronous_commit = on; SET enable_seqscan = off; SET enable_hashjoin = off;
    SET enable_mergejoin = off; SET jit = off; SET plan_cache_mode = force_generic_plan;
    SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'";
const READER_SETUP: &str =
    "SET default_transaction_read_only = on; SET jit = off; SET statement_timeout = '60s'";

impl PostgresWriter {
    /// A writer on the database at `url`, whose schema is up to date. Prepares every statement, so
    /// that pipelined ones keep their order.
    pub(crate) async fn open(url: &str) -> Result<Self, Fault> {
        let writer = Self { line: Line::new(url, WRITER_SETUP), live: None };
        writer.line.live().await?;
        Ok(writer)
    }

    async fn begin(&mut self) -> Result<Arc<Live>, Fault> {
        let live = self.line.live().await?;
        let first_use = live.statements.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        if first_use {
            for text in crate::books::tables().iter().flat_map(|table| table.postgres.all()) {
                live.prepared(text).await?;
            }
            for text in [sql::CHEAPEST, sql::LAST_RECEIPT, sql::ADD_TO_HOUSE] {
                live.prepared(text).await?;
            }
        }
        self.live = Some(live.clone());
        Ok(live)
    }

    fn current(&self) -> Result<Arc<Live>, Fault> {
        self.live.clone().ok_or_else(|| Fault::Bug("no transaction is open".into()))
    }
}

/// One array per column, from cells that stand row by row.
enum Column<'a> {
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<&'a str>>),
    Bytes(Vec<Option<&'a [u8]>>),
}

impl<'a> Column<'a> {
    fn gather(kind: Kind, cells: impl Iterator<Item = &'a Cell<'a>>) -> Self {
        match kind {
            Kind::Int => Self::Ints(
                cells
                    .map(|cell| if let Cell::Int(number) = cell { Some(*number) } else { None })
                    .collect(),
            ),
            Kind::Text => Self::Texts(
                cells
                    .map(
                        |cell| if let Cell::Text(text) = cell { Some(text.as_ref()) } else { None },
                    )
                    .collect(),
            ),
            Kind::Bytes => {
                Self::Bytes(
                    cells
                        .map(|cell| {
                            if let Cell::Bytes(bytes) = cell { Some(bytes.as_ref()) } else { None }
                        })
                        .collect(),
                )
            }
        }
    }

    fn param(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Ints(values) => values,
            Self::Texts(values) => values,
            Self::Bytes(values) => values,
        }
    }
}

fn columns<'a>(kinds: &[(String, Kind)], cells: &'a [Cell<'a>]) -> Vec<Column<'a>> {
    let width = kinds.len().max(1);
    let column = |(index, (_, kind)): (usize, &(String, Kind))| {
        Column::gather(*kind, cells.iter().skip(index).step_by(width))
    };
    kinds.iter().enumerate().map(column).collect()
}

async fn load_groups<R: Row>(
    live: &Live,
    groups: Vec<&R::Group>,
    lock: bool,
) -> Result<Vec<R>, Fault> {
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let table = R::table();
    let mut cells = Vec::with_capacity(groups.len().saturating_mul(table.group));
    groups.iter().for_each(|group| group.write(&mut cells));
    let columns = columns(table.group_columns(), &cells);
    let params: Vec<&(dyn ToSql + Sync)> = columns.iter().map(Column::param).collect();
    let texts = &table.postgres;
    let statement = live.prepared(if lock { &texts.lock } else { &texts.load }).await?;
    let rows = live.client.query(&statement, &params).await.map_err(|e| fault(&e))?;
    rows.iter().map(|row| R::read(&mut Reader::new(row, table.name, 0))).collect()
}

/// Loads one table's guards.
async fn guards<R: Row>(live: &Live, asked: &Asked<R>) -> Result<Vec<R>, Fault> {
    load_groups(live, asked.guarded.iter().collect(), true).await
}

/// Loads what is only read of one table.
async fn plain<R: Row>(live: &Live, asked: &Asked<R>) -> Result<Vec<R>, Fault> {
    load_groups(live, asked.only_read().collect(), false).await
}

fn shelve<R: Row>(asked: &Asked<R>, shelf: &mut Shelf<R>, rows: Vec<R>) {
    asked.guarded.iter().chain(asked.only_read()).for_each(|group| shelf.open(group.clone()));
    rows.into_iter().for_each(|row| shelf.put(row));
}

async fn one_int(live: &Live, wanted: bool, text: &str) -> Result<Option<Option<i64>>, Fault> {
    if !wanted {
        return Ok(None);
    }
    let rows = live.query(text, &[]).await?;
    Ok(Some(rows.first().and_then(|row| row.get::<_, Option<i64>>(0))))
}

/// Writes one table: an insert, an update and a delete at most, each with its count checked.
async fn save_table<R: Row>(live: &Live, shelf: &Shelf<R>) -> Result<(), Fault> {
    let table = R::table();
    let mut inserts = Vec::new();
    let mut updates = Vec::new();
    let mut keys = Vec::new();
    for change in shelf.written() {
        match change {
            Change::Insert(row) => row.write(&mut inserts),
            Change::Update(row) => row.write(&mut updates),
            Change::Delete(row) => keys.push(row.key()),
        }
    }
    let mut deletes = Vec::new();
    keys.iter().for_each(|key| key.write(&mut deletes));
    try_join!(
        write(live, &table.postgres.insert, &table.columns, &inserts),
        write(live, &table.postgres.update, &table.columns, &updates),
        write(live, &table.postgres.delete, table.key_columns(), &deletes),
    )?;
    Ok(())
}

async fn write(
    live: &Live,
    text: &str,
    kinds: &[(String, Kind)],
    cells: &[Cell<'_>],
) -> Result<(), Fault> {
    if cells.is_empty() {
        return Ok(());
    }
    let rows = cells.len().checked_div(kinds.len()).unwrap_or(0);
    let columns = columns(kinds, cells);
    let params: Vec<&(dyn ToSql + Sync)> = columns.iter().map(Column::param).collect();
    let statement = live.prepared(text).await?;
    let count = live.client.execute(&statement, &params).await.map_err(|e| fault(&e))?;
    if u64::try_from(rows) == Ok(count) { Ok(()) } else { Err(Fault::Conflict) }
}

impl Backend for PostgresWriter {
    async fn load(&mut self, wants: &Wants) -> Result<Books, Fault> {
        let live = self.begin().await?;
        let live = live.as_ref();
        let mut books = Books::default();
        let begin = async { live.client.batch_execute("BEGIN").await.map_err(|e| fault(&e)) };
        // Statements go out in the order in which they are joined.
        macro_rules! lock_then_read {
            ($($field:ident),*) => {{
                let ((), locked, read, cheapest, receipt) = try_join!(
                    begin,
                    async { try_join!($(guards(live, &wants.$field)),*) },
                    async { try_join!($(plain(live, &wants.$field)),*) },
                    one_int(live, wants.cheapest, sql::CHEAPEST),
                    one_int(live, wants.last_receipt, sql::LAST_RECEIPT),
                )?;
                let ($($field,)*) = locked;
                $(shelve(&wants.$field, &mut books.$field, $field);)*
                let ($($field,)*) = read;
                $($field.into_iter().for_each(|row| books.$field.put(row));)*
                (cheapest, receipt)
            }};
        }
        let (cheapest, receipt) = all_tables!(lock_then_read);
        books.cheapest =
            cheapest.map(|units| units.and_then(|units| Amount::new(u64::try_from(units).ok()?)));
        books.last_receipt =
            receipt.map(|number| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0));
        Ok(books)
    }

    async fn save(&mut self, books: &Books) -> Result<(), Fault> {
        let live = self.current()?;
        let live = live.as_ref();
        let house = async {
            // Last, so that the rows everybody shares are locked for the shortest time.
            let mut added = Vec::new();
            for (house, counters) in &books.house {
                let number = |counter: u64| Cell::Int(i64::try_from(counter).unwrap_or(i64::MAX));
                added.push([
                    Cell::Text(house.as_str().into()),
                    number(counters.debits),
                    number(counters.credits),
                ]);
            }
            let adding = added.iter().map(|cells| live.query(sql::ADD_TO_HOUSE, cells));
            try_join_all(adding).await.map(drop)
        };
        let mut saves: Vec<std::pin::Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + '_>>> =
            Vec::new();
        macro_rules! save {
            ($field:ident) => {
                if books.$field.written().next().is_some() {
                    saves.push(Box::pin(save_table(live, &books.$field)));
                }
            };
        }
        each_table!(save);
        saves.push(Box::pin(house));
        try_join_all(saves).await.map(drop)
    }

    async fn commit(&mut self) -> Result<(), Fault> {
        let live = self.current()?;
        live.client.batch_execute("COMMIT").await.map_err(|error| match fault(&error) {
            Fault::Conflict => Fault::Conflict,
            other => Fault::Unknown(other.to_string()),
        })
    }

    async fn rollback(&mut self) {
        if let Some(live) = self.live.take() {
            // A lost connection has rolled back by itself.
            drop(live.client.batch_execute("ROLLBACK").await);
        }
    }
}

/// Connections that read, used in turn.
#[derive(Debug)]
pub(crate) struct PostgresReaders {
    lines: Vec<Line>,
    turn: std::sync::atomic::AtomicUsize,
}

impl PostgresReaders {
    pub fn new(url: &str) -> Self {
        let lines = (0..4).map(|_| Line::new(url, READER_SETUP)).collect();
        Self { lines, turn: std::sync::atomic::AtomicUsize::default() }
    }

    /// Runs `text` and maps its rows.
    pub async fn query<T>(
        &self,
        text: &str,
        cells: &[Cell<'_>],
        map: impl Fn(&mut Reader<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let turn = self.turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let index = turn.checked_rem(self.lines.len()).unwrap_or(0);
        let Some(line) = self.lines.get(index) else {
            return Err(Fault::Bug("no connection reads".into()));
        };
        let rows = line.live().await?.query(text, cells).await?;
        rows.iter().map(|row| map(&mut Reader::new(row, "query", 0))).collect()
    }
}

/// Brings the schema of the database at `url` up to date, one server at a time.
pub(crate) async fn migrate(url: &str) -> Result<(), Fault> {
    let line = Line::new(url, "SET lock_timeout = '60s'");
    let live = line.live().await?;
    let client = &live.client;
    let run = async {
        client.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(7307497)").await?;
        client.batch_execute(migrate::TABLE).await?;
        client.query(migrate::APPLIED, &[]).await
    };
    let rows = run.await.map_err(|e| fault(&e))?;
    let applied: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for migration in migrate::pending(migrate::POSTGRES, &applied)? {
        client.batch_execute(migration.sql).await.map_err(|e| fault(&e))?;
        client
            .execute(migrate::REMEMBER, &[&migration.name, &migration.digest()])
            .await
            .map_err(|e| fault(&e))?;
    }
    client.batch_execute("COMMIT").await.map_err(|e| fault(&e))
}

fn fault(error: &tokio_postgres::Error) -> Fault {
    match error.code() {
        Some(state)
            if [
                &SqlState::T_R_SERIALIZATION_FAILURE,
                &SqlState::T_R_DEADLOCK_DETECTED,
                &SqlState::UNIQUE_VIOLATION,
            ]
            .contains(&state) =>
        {
            Fault::Conflict
        }
        Some(state) if *state == SqlState::DISK_FULL => Fault::Full,
        Some(state) if *state == SqlState::CHECK_VIOLATION => Fault::Bug(error.to_string()),
        _ => {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            Fault::Unavailable(format!("{error}: {cause}"))
        }
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(ty, out),
            Self::Text(text) => text.as_ref().to_sql(ty, out),
            Self::Bytes(bytes) => bytes.as_ref().to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}

impl Source for tokio_postgres::Row {
    fn int(&self, index: usize) -> Result<Option<i64>, String> {
        self.try_get(index).map_err(|e| e.to_string())
    }

    fn text(&self, index: usize) -> Result<Option<String>, String> {
        self.try_get(index).map_err(|e| e.to_string())
    }

    fn bytes(&self, index: usize) -> Result<Option<Vec<u8>>, String> {
        self.try_get(index).map_err(|e| e.to_string())
    }
}
