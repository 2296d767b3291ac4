//! PostgreSQL: one statement per table and batch, whatever the batch's size.
//!
//! Guards are locked first (`FOR NO KEY UPDATE`, tables and ids in one order), then the rest is
//! read, all of it pipelined into one round trip; saving is one `UNNEST` statement per table.
//! READ COMMITTED: what hangs from a guard is read in a later statement than the lock.

mod address;
mod writer;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::sync::mpsc;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, IsolationLevel, Statement};

use crate::cells::{Cell, Kind, Reader, Source, Take, fit};
use crate::fault::Fault;
use crate::migrate;
use crate::store::Pace;
use crate::stream::{Ask, Read};

pub(crate) use address::Address;
pub use writer::PostgresWriter;

/// A connection that heals: opened when it is first needed, and again when it was lost.
#[derive(Debug)]
pub(crate) struct Line {
    address: Address,
    setup: String,
    /// Texts prepared before anything else is done.
    texts: Vec<&'static str>,
    patience: Duration,
    opened: Mutex<Opened>,
    /// Held by the one who opens it.
    turn: tokio::sync::Mutex<()>,
}

/// What came of opening a connection.
#[derive(Debug, Default)]
struct Opened {
    tries: u64,
    last: Option<Result<Arc<Live>, Fault>>,
}

impl Opened {
    /// What somebody takes who has come after so many tries: a connection that lives, or why a later try opened none.
    fn answer(&self, after: u64) -> Option<Result<Arc<Live>, Fault>> {
        let takes = |last: &&Result<Arc<Live>, Fault>| match last {
            Ok(live) => !live.is_lost(),
            Err(_) => self.tries != after,
        };
        self.last.as_ref().filter(takes).cloned()
    }
}

/// An open connection and what it has prepared: a new connection begins with neither.
#[derive(Debug)]
pub(crate) struct Live {
    client: Client,
    statements: Mutex<BTreeMap<String, Statement>>,
    patience: Duration,
    // Whether the server has said that it closes the connection, or says nothing any more.
    ended: AtomicBool,
}

/// How long the server may be silent in each step of a batch, which is longer than its own patience with locks; and when
/// it is connected to. TCP does not tell: one whose standby is gone, or that was stopped, still acknowledges what it is sent.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// And in a read so much longer than the server's own bound on it.
const GRACE: Duration = Duration::from_secs(5);

fn silent(patience: Duration) -> Fault {
    Fault::Unavailable(format!("PostgreSQL has not answered for {} s", patience.as_secs()))
}

/// What `work` gives, if the server has not been silent for so long.
async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    tokio::time::timeout(patience, work).await.unwrap_or_else(|_| Err(silent(patience)))
}

impl Line {
    pub(crate) fn new(
        address: Address,
        setup: impl Into<String>,
        texts: Vec<&'static str>,
        patience: Duration,
    ) -> Self {
        let (opened, turn) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { address, setup: setup.into(), texts, patience, opened, turn }
    }

    /// One for reads at this pace.
    fn reading(address: Address, pace: Pace) -> Self {
        Self::new(address, reader_setup(pace), Vec::new(), pace.bound().saturating_add(GRACE))
    }

    /// The connection. Where it is lost one opens it, and whoever comes meanwhile waits for what comes of that: each by
    /// itself they would be as many new connections at once, to a server that has just started.
    pub(crate) async fn live(&self) -> Result<Arc<Live>, Fault> {
        let tries = self.opened().tries;
        if let Some(Ok(live)) = self.opened().answer(tries) {
            return Ok(live);
        }
        let _turn = self.turn.lock().await;
        if let Some(answer) = self.opened().answer(tries) {
            return answer;
        }
        let opened = self.open().await.map(Arc::new);
        let mut known = self.opened();
        known.tries = known.tries.wrapping_add(1);
        known.last = Some(opened.clone());
        opened
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection.
    async fn open(&self) -> Result<Live, Fault> {
        // However long what is then asked may take.
        within(self.patience.min(PATIENCE), self.begin()).await
    }

    async fn begin(&self) -> Result<Live, Fault> {
        let client = self.address.connect().await?;
        client.batch_execute(&self.setup).await.map_err(|e| fault(&e))?;
        let patience = self.patience;
        let (statements, ended) = (Mutex::default(), AtomicBool::new(false));
        let live = Live { client, statements, patience, ended };
        // All or none: what is pipelined later keeps its order only if nothing stops to prepare.
        // Pipelined: a hundred round trips one after the other would make a lost connection felt.
        try_join_all(self.texts.iter().map(|text| live.prepared(text))).await?;
        Ok(live)
    }
}

impl Live {
    /// Whether nothing more will be answered here: the connection is closed, or the server has said
    /// that it is about to close it.
    fn is_lost(&self) -> bool {
        self.ended.load(Ordering::Relaxed) || self.client.is_closed()
    }

    /// What `work` on this connection gives. After silence nothing more is expected of it.
    pub(crate) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        tokio::time::timeout(self.patience, work).await.unwrap_or_else(|_| {
            self.ended.store(true, Ordering::Relaxed);
            Err(silent(self.patience))
        })
    }

    /// What an error here means. One that ends the connection is remembered: the socket is closed only
    /// a moment later.
    fn fault(&self, error: &tokio_postgres::Error) -> Fault {
        let ends = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN];
        if error.code().is_some_and(|state| ends.contains(state)) {
            self.ended.store(true, Ordering::Relaxed);
        }
        fault(error)
    }

    async fn prepared(&self, text: &str) -> Result<Statement, Fault> {
        let known =
            self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(text).await.map_err(|e| self.fault(&e))?;
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        statements.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(crate) async fn query(
        &self,
        text: &str,
        cells: &[Cell<'_>],
    ) -> Result<Vec<tokio_postgres::Row>, Fault> {
        fit(cells)?;
        let statement = self.prepared(text).await?;
        let mut params: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(cells.len());
        for cell in cells {
            params.push(cell);
        }
        self.client.query(&statement, &params).await.map_err(|e| self.fault(&e))
    }

    /// Runs a text without parameters or answer.
    pub(crate) async fn run(&self, text: &str) -> Result<(), Fault> {
        self.client.batch_execute(text).await.map_err(|e| self.fault(&e))
    }

    /// Runs a text that answers nothing.
    pub(crate) async fn execute(
        &self,
        text: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<(), Fault> {
        let statement = self.prepared(text).await?;
        self.client.execute(&statement, params).await.map(drop).map_err(|e| self.fault(&e))
    }
}

/// What a connection for reads at this pace begins with.
pub(crate) fn reader_setup(pace: Pace) -> String {
    let bound = pace.bound().as_millis();
    format!(
        "SET default_transaction_read_only = on; SET jit = off; SET statement_timeout = {bound}"
    )
}

/// One array per column, from cells that stand row by row.
pub(crate) enum Column<'a> {
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

    pub(crate) fn param(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Ints(values) => values,
            Self::Texts(values) => values,
            Self::Bytes(values) => values,
        }
    }
}

pub(crate) fn columns<'a>(
    kinds: &[(String, Kind)],
    cells: &'a [Cell<'a>],
) -> Result<Vec<Column<'a>>, Fault> {
    fit(cells)?;
    let width = kinds.len().max(1);
    let column = |(index, (_, kind)): (usize, &(String, Kind))| {
        Column::gather(*kind, cells.iter().skip(index).step_by(width))
    };
    Ok(kinds.iter().enumerate().map(column).collect())
}

/// Connections that read.
#[derive(Debug)]
pub(crate) struct PostgresReaders {
    address: Address,
    /// For pages. Whoever reads on one holds it, so that it is seen how many do.
    lines: [Arc<Line>; 4],
    /// For what takes long.
    aside: Arc<Line>,
}

impl PostgresReaders {
    pub fn new(address: &Address) -> Self {
        let line = |pace| Arc::new(Line::reading(address.clone(), pace));
        let lines = std::array::from_fn(|_| line(Pace::Page));
        Self { address: address.clone(), lines, aside: line(Pace::Long) }
    }

    /// Where to read at this pace. A page goes where the fewest reads are under way: a connection answers one after the
    /// other, so behind a slow one it would wait although others are idle.
    fn line(&self, pace: Pace) -> Option<Arc<Line>> {
        match pace {
            Pace::Page => self.lines.iter().min_by_key(|line| Arc::strong_count(line)).cloned(),
            Pace::Long => Some(self.aside.clone()),
        }
    }

    /// A long read, on a connection of its own.
    pub fn long_read(&self) -> LongRead {
        LongRead { line: Line::reading(self.address.clone(), Pace::Long) }
    }

    /// Runs `text`, which reads `table`, and hands on its rows.
    pub async fn query(
        &self,
        pace: Pace,
        table: &'static str,
        text: &str,
        cells: &[Cell<'_>],
        take: &mut Take<'_>,
    ) -> Result<(), Fault> {
        let Some(line) = self.line(pace) else {
            return Err(Fault::Bug("no connection reads".into()));
        };
        let live = line.live().await?;
        let rows = match live.within(live.query(text, cells)).await {
            // The server went away and may be back: a read can be asked again.
            Err(Fault::Unavailable(_)) if live.is_lost() => {
                let live = line.live().await?;
                live.within(live.query(text, cells)).await?
            }
            outcome => outcome?,
        };
        rows.iter().try_for_each(|row| take(&mut Reader::new(row, table)))
    }
}

/// A connection for one long read.
pub(crate) struct LongRead {
    line: Line,
}

impl LongRead {
    /// Sends what all of `asks` find in one transaction, page by page, until nobody takes it any more.
    pub async fn run<T: Send>(
        self,
        asks: Vec<Ask<T>>,
        sender: &mpsc::Sender<Read<T>>,
    ) -> Result<(), Fault> {
        let mut live = self.line.open().await?;
        let patience = live.patience;
        let begin = live.client.build_transaction().read_only(true);
        let begin = begin.isolation_level(IsolationLevel::RepeatableRead);
        let transaction = step(patience.min(PATIENCE), begin.start()).await?;
        for ask in asks {
            fit(&ask.cells)?;
            let prepared = transaction.prepare(&ask.text);
            let statement = step(patience.min(PATIENCE), prepared).await?;
            let params: Vec<&(dyn ToSql + Sync)> =
                ask.cells.iter().map(|cell| -> &(dyn ToSql + Sync) { cell }).collect();
            let bound = transaction.bind(&statement, &params);
            let portal = step(patience.min(PATIENCE), bound).await?;
            loop {
                // The first page may be long in coming, where it is sorted.
                let rows = transaction.query_portal(&portal, PAGE_OF_ROWS);
                let rows = step(patience, rows).await?;
                let mut page = Vec::with_capacity(rows.len());
                for row in &rows {
                    page.extend((ask.map)(&mut Reader::new(row, ask.table))?);
                }
                if !page.is_empty() && sender.send(Ok(page)).await.is_err() {
                    return Ok(());
                }
                if rows.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// One step of a long read.
async fn step<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Fault> {
    within(patience, async { work.await.map_err(|e| fault(&e)) }).await
}

/// How many rows a portal gives at once.
const PAGE_OF_ROWS: i32 = 256;

/// Whether there is a vendor in the database, which may well be empty.
pub(crate) async fn has_vendor(live: &Live) -> Result<bool, Fault> {
    let table = "SELECT 1 FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_name = 'vendor'";
    if live.query(table, &[]).await?.is_empty() {
        return Ok(false);
    }
    Ok(!live.query("SELECT id FROM vendor LIMIT 1", &[]).await?.is_empty())
}

/// Brings the schema of the database up to date, one server at a time.
pub(crate) async fn migrate(address: Address) -> Result<(), Fault> {
    let line = Line::new(address, "SET lock_timeout = '60s'", Vec::new(), PATIENCE);
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
    let lost = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::UNIQUE_VIOLATION,
    ];
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    // One line: the server's own words may have several.
    let text = format!("{error}: {cause}").replace('\n', "; ");
    match error.code() {
        Some(state) if lost.contains(state) => Fault::Conflict,
        Some(state) if *state == SqlState::DISK_FULL => Fault::Full,
        // Data exceptions and broken constraints: what no command may try to write.
        Some(state) if ["22", "23"].iter().any(|class| state.code().starts_with(class)) => {
            Fault::Bug(text)
        }
        _ => Fault::Unavailable(text),
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Unfit(why) => Err((*why).into()),
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
    fn column(&self, index: usize) -> String {
        self.columns().get(index).map_or("?", |column| column.name()).to_owned()
    }

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

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://scrip@{}/scrip", silent.local_addr().unwrap());
        let patience = Duration::from_millis(1);
        let line = Line::new(Address::of(&url).unwrap(), "", Vec::new(), patience);
        let fault = line.live().await.unwrap_err();
        assert!(fault.to_string().contains("has not answered"), "{fault}");
    }

    /// A PostgreSQL that answers so many times, and then says nothing.
    async fn falls_silent(after: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://scrip@{}/scrip", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let (mut answer, mut answers) = (Vec::new(), 0);
            // The first message alone has no tag: it is answered as one that is authentic.
            let mut tag = b'R';
            loop {
                let length = usize::try_from(client.read_u32().await.unwrap()).unwrap();
                client.read_exact(&mut vec![0; length - 4]).await.unwrap();
                answer.extend_from_slice(match tag {
                    b'R' => b"R\0\0\0\x08\0\0\0\0",
                    b'Q' | b'E' => b"C\0\0\0\x07OK\0",
                    b'P' => b"1\0\0\0\x04",
                    b'D' => b"t\0\0\0\x06\0\0n\0\0\0\x04",
                    b'B' => b"2\0\0\0\x04",
                    _ => b"",
                });
                if [b'R', b'Q', b'S'].contains(&tag) {
                    if answers == after {
                        std::future::pending::<()>().await;
                    }
                    answers += 1;
                    answer.extend_from_slice(b"Z\0\0\0\x05I");
                    client.write_all(&std::mem::take(&mut answer)).await.unwrap();
                }
                let Ok(next) = client.read_u8().await else { return };
                tag = next;
            }
        });
        url
    }

    #[tokio::test]
    async fn a_long_read_waits_for_silence_in_none_of_its_steps() {
        for answers in 0..7 {
            let address = Address::of(&falls_silent(answers).await).unwrap();
            let line = Line::new(address, "", Vec::new(), Duration::from_millis(50));
            let (sender, _pages) = mpsc::channel(1);
            let asks = vec![Ask::new("vendor", "SELECT", Vec::new(), |_| Ok(Some(())))];
            let run = LongRead { line }.run(asks, &sender);
            let run = tokio::time::timeout(Duration::from_secs(5), run).await;
            let done = run.unwrap_or_else(|_| panic!("waits after {answers} answers"));
            // To be connected, to be set up, to begin, to prepare, to bind, and a page.
            let expected = if answers == 6 { "Ok" } else { "has not answered" };
            assert!(format!("{done:?}").contains(expected), "{answers}: {done:?}");
        }
    }

    #[tokio::test]
    async fn whoever_waits_for_a_connection_takes_what_comes_of_it() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        silent.set_nonblocking(true).unwrap();
        let url = format!("postgres://scrip@{}/scrip", silent.local_addr().unwrap());
        let patience = Duration::from_millis(1);
        let line = Line::new(Address::of(&url).unwrap(), "", Vec::new(), patience);
        for round in 0..2 {
            let all = join_all((0..50).map(|_| line.live())).await;
            assert!(all.iter().all(Result::is_err));
            let tries = std::iter::from_fn(|| silent.accept().ok()).count();
            assert!(tries <= 1, "{tries} tries in round {round}");
        }
    }
}
