//! The connection that writes: a batch is loaded in one round trip and saved in another.
//!
//! Only what a batch asks for or writes is sent, and each statement is awaited in the order in which it was sent, which
//! is that in which the server answers: joined, all of them would be looked at whenever one is answered.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt, MaybeDone, maybe_done};
use futures_util::poll;
use scrip_domain::Amount;
use tokio_postgres::Row as Found;
use tokio_postgres::types::ToSql;

use super::{Address, Column, Line, Live, PATIENCE, columns};
use crate::batch::Backend;
use crate::books::{Asked, Books, Shelf, Wants, each_table};
use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::sql;
use crate::table::{Bulk, Row};

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
impl PostgresWriter {
    /// A writer on a database whose schema is up to date.
    pub(crate) async fn open(address: Address) -> Result<Self, Fault> {
        let tables = crate::books::tables();
        let mut texts: Vec<_> = tables.iter().flat_map(|table| table.postgres.all()).collect();
        texts.extend([sql::CHEAPEST, sql::LOCK_RECEIPTS, sql::LAST_RECEIPT]);
        texts.extend([sql::ADD_TO_HOUSE, sql::NEXT_GENERATION]);
        let writer = Self { line: Line::new(address, WRITER_SETUP, texts, PATIENCE), live: None };
        writer.line.live().await?;
        Ok(writer)
    }

    fn current(&self) -> Result<Arc<Live>, Fault> {
        self.live.clone().ok_or_else(|| Fault::Bug("no transaction is open".into()))
    }
}

/// Statements that are on their way.
struct Pipeline<'a, T>(Vec<MaybeDone<BoxFuture<'a, Result<T, Fault>>>>);

impl<'a, T: Send + 'a> Pipeline<'a, T> {
    /// Nothing is on its way yet.
    fn new() -> Self {
        Self(Vec::new())
    }

    /// Sends one more. What is looked at for the first time is sent: every text of a writer is prepared already.
    async fn send(&mut self, statement: impl Future<Output = Result<T, Fault>> + Send + 'a) {
        let mut statement = maybe_done(statement.boxed());
        // Answered or not: the answer is taken in its turn.
        let _ = poll!(&mut statement);
        self.0.push(statement);
    }

    /// The answers, in order; the first fault ends it.
    async fn answers(self) -> Result<Vec<T>, Fault> {
        let mut answers = Vec::with_capacity(self.0.len());
        for mut statement in self.0 {
            (&mut statement).await;
            let answer = std::pin::Pin::new(&mut statement).take_output();
            answers.push(answer.ok_or_else(|| Fault::Bug("an answer was taken twice".into()))??);
        }
        Ok(answers)
    }
}

/// Runs a text for all of its rows at once, and gives what it finds.
async fn run(live: &Live, bulk: &Bulk<'_>) -> Result<Vec<Found>, Fault> {
    let columns = columns(bulk.columns, &bulk.cells)?;
    let params: Vec<&(dyn ToSql + Sync)> = columns.iter().map(Column::param).collect();
    let statement = live.prepared(bulk.text).await?;
    live.client.query(&statement, &params).await.map_err(|e| live.fault(&e))
}

/// Runs a text for all of its rows at once, and checks that so many rows were written.
async fn write(live: &Live, bulk: &Bulk<'_>) -> Result<(), Fault> {
    let columns = columns(bulk.columns, &bulk.cells)?;
    let params: Vec<&(dyn ToSql + Sync)> = columns.iter().map(Column::param).collect();
    let statement = live.prepared(bulk.text).await?;
    let count = live.client.execute(&statement, &params).await.map_err(|e| live.fault(&e))?;
    if u64::try_from(bulk.rows().len()) == Ok(count) { Ok(()) } else { Err(Fault::Conflict) }
}

fn locks<'a, R: Row>(asked: &'a Asked<R>, all: &mut Vec<Bulk<'a>>) {
    if asked.has_guards() {
        all.push(asked.locks(&R::table().postgres));
    }
}

fn plain<'a, R: Row>(asked: &'a Asked<R>, all: &mut Vec<Bulk<'a>>) {
    if asked.has_plain() {
        all.push(asked.plain_loads(&R::table().postgres));
    }
}

fn shelve<R: Row>(shelf: &mut Shelf<R>, rows: Option<Vec<Found>>) -> Result<(), Fault> {
    let rows = rows.ok_or_else(|| Fault::Bug("a statement was not answered".into()))?;
    let name = R::table().name;
    rows.iter().try_for_each(|row| {
        shelf.put(R::read(&mut Reader::new(row, name))?);
        Ok(())
    })
}

fn writes<'a, R: Row>(shelf: &'a Shelf<R>, all: &mut Vec<Bulk<'a>>) {
    shelf.writes(&R::table().postgres, all);
}

fn number(rows: Option<Vec<Found>>) -> Option<u64> {
    let number = rows?.first()?.get::<_, Option<i64>>(0)?;
    u64::try_from(number).ok()
}

/// Begins, locks the guards, and reads the rest in later statements, all in one round trip.
async fn load(live: &Live, wants: &Wants) -> Result<Books, Fault> {
    let (mut guarded, mut read) = (Vec::new(), Vec::new());
    macro_rules! ask {
        ($field:ident) => {
            locks(&wants.$field, &mut guarded);
            plain(&wants.$field, &mut read);
        };
    }
    each_table!(ask);
    if wants.last_receipt {
        guarded.push(Bulk::new(sql::LOCK_RECEIPTS, &[]));
        read.push(Bulk::new(sql::LAST_RECEIPT, &[]));
    }
    if wants.cheapest {
        read.push(Bulk::new(sql::CHEAPEST, &[]));
    }
    let answers = answers(live, guarded.iter().chain(&read)).await?;
    let mut answers = answers.into_iter();
    let mut books = Books::default();
    macro_rules! take {
        ($field:ident) => {
            if !wants.$field.is_empty() {
                books.$field.open(&wants.$field);
            }
            if wants.$field.has_guards() {
                shelve(&mut books.$field, answers.next())?;
            }
        };
    }
    each_table!(take);
    if wants.last_receipt {
        drop(answers.next());
    }
    macro_rules! take_plain {
        ($field:ident) => {
            if wants.$field.has_plain() {
                shelve(&mut books.$field, answers.next())?;
            }
        };
    }
    each_table!(take_plain);
    if wants.last_receipt {
        books.last_receipt = Some(number(answers.next()).unwrap_or(0));
    }
    if wants.cheapest {
        books.cheapest = Some(number(answers.next()).and_then(Amount::new));
    }
    Ok(books)
}

/// Begins, and runs all of these.
async fn answers<'a>(
    live: &'a Live,
    asks: impl Iterator<Item = &'a Bulk<'a>>,
) -> Result<Vec<Vec<Found>>, Fault> {
    let mut pipeline = Pipeline::new();
    let begin = async {
        live.client.batch_execute("BEGIN").await.map_err(|e| live.fault(&e))?;
        Ok(Vec::new())
    };
    pipeline.send(begin).await;
    for ask in asks {
        pipeline.send(run(live, ask)).await;
    }
    let mut answers = pipeline.answers().await?;
    answers.remove(0);
    Ok(answers)
}

/// Writes everything: a value that must be unique is free before it is used again, and the rows that everybody shares
/// come last, so that they are locked for the shortest time.
async fn save(live: &Live, books: &Books) -> Result<(), Fault> {
    let mut all = Vec::new();
    macro_rules! save {
        ($field:ident) => {
            writes(&books.$field, &mut all);
        };
    }
    each_table!(save);
    let added: Vec<_> = (books.house.iter())
        .map(|(house, counters)| {
            let (debits, credits) = (Cell::number(counters.debits), Cell::number(counters.credits));
            [Cell::text(house.as_str()), debits, credits]
        })
        .collect();
    let mut pipeline = Pipeline::new();
    for bulk in &all {
        pipeline.send(write(live, bulk)).await;
    }
    for cells in &added {
        pipeline.send(live.query(sql::ADD_TO_HOUSE, cells).map(|done| done.map(drop))).await;
    }
    if books.changes_remembered() {
        // Nobody else writes to a SQLite folder, so only here others must be told.
        pipeline.send(live.query(sql::NEXT_GENERATION, &[]).map(|done| done.map(drop))).await;
    }
    pipeline.answers().await.map(drop)
}

impl Backend for PostgresWriter {
    async fn load(&mut self, wants: &Wants) -> Result<Books, Fault> {
        let live = self.live.insert(self.line.live().await?).clone();
        match live.within(load(&live, wants)).await {
            // Lost while nothing was written: on a new connection nobody need hear of it.
            Err(Fault::Unavailable(_)) if live.is_lost() => {
                let live = self.live.insert(self.line.live().await?).clone();
                live.within(load(&live, wants)).await
            }
            outcome => outcome,
        }
    }

    async fn save(&mut self, books: &Books) -> Result<(), Fault> {
        let live = self.current()?;
        live.within(save(&live, books)).await
    }

    async fn commit(&mut self) -> Result<(), Fault> {
        let live = self.current()?;
        live.within(live.run("COMMIT")).await.map_err(|fault| match fault {
            Fault::Conflict => Fault::Conflict,
            other => Fault::Unknown(other.to_string()),
        })
    }

    async fn rollback(&mut self) {
        // A lost connection has rolled back by itself.
        if let Some(live) = self.live.take().filter(|live| !live.is_lost()) {
            drop(live.within(live.run("ROLLBACK")).await);
        }
    }

    fn is_alone(&self) -> bool {
        false
    }

    fn heals(&self) -> bool {
        // The server knows what it committed, and every batch loads from there what it needs.
        true
    }
}
