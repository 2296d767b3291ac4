//! The store: where commands are handed in and rows are read, the same for both databases.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use scrip_domain::{Clock, TRACES};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tracing::{Instrument, trace_span};

use crate::batch::{self, Answer, Backend, Command, Deciding, Observer, Queue, Waiting};
use crate::books::{Books, Wants};
use crate::cells::{Cell, Reader, Take};
use crate::fault::Fault;
use crate::migrate::{self, Migration};
use crate::postgres::{self, Address, Line, PATIENCE, PostgresReaders, PostgresWriter};
use crate::sqlite::{self, Checkpointer, Memory, Place, SqliteReaders, SqliteWriter};

/// Commands that may wait; one more is answered [`Fault::Busy`] at once.
const QUEUE: usize = 4096;
/// Reads that may run on threads of their own at once.
const READS: usize = 8;
/// Loops side by side on one PostgreSQL: one decides while the other commits.
const LOOPS: usize = 2;

/// Where work that blocks its thread is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// On the calling task: deterministic, for tests and the simulator.
    Inline,
    /// On a pool of blocking threads.
    Threads,
}

/// How long a read may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As long as somebody waits for a page, who has long gone when it is ended.
    Page,
    /// As a question takes that goes through all books. It keeps no page waiting.
    Long,
}

impl Pace {
    /// When a read is ended; a long one on PostgreSQL only, since on SQLite there is no server that could be silent.
    pub const fn bound(self) -> Duration {
        match self {
            Self::Page => Duration::from_mins(1),
            Self::Long => Duration::from_mins(30),
        }
    }
}

/// Books in and out: commands are submitted here, rows are read here.
#[derive(Debug)]
pub struct Store {
    queue: mpsc::Sender<Waiting>,
    pub(crate) readers: Readers,
    /// Held by the one long read.
    pub(crate) long_reads: Arc<Semaphore>,
}

#[derive(Debug)]
pub(crate) enum Readers {
    Sqlite { readers: Arc<SqliteReaders>, blocking: Blocking, threads: Arc<Semaphore> },
    Postgres(Box<PostgresReaders>),
}

/// The other half of a store: what carries the commands out. Somebody must [`Writer::run`] it.
pub struct Writer {
    backends: Backends,
    queue: Queue,
}

enum Backends {
    Sqlite(Box<SqliteWriter>),
    Postgres(Vec<PostgresWriter>),
}

impl Store {
    /// Opens the SQLite database in the file at `path`; creates it when it is missing.
    pub fn sqlite(path: &Path, blocking: Blocking) -> Result<(Self, Writer), Fault> {
        Self::at(Place::File(path.to_owned()), blocking)
    }

    /// Opens a SQLite database in memory.
    pub fn memory(memory: &Memory) -> Result<(Self, Writer), Fault> {
        Self::at(memory.place(), Blocking::Inline)
    }

    fn at(place: Place, blocking: Blocking) -> Result<(Self, Writer), Fault> {
        let writer = Box::new(SqliteWriter::open(place.clone())?);
        let readers = Readers::Sqlite {
            readers: Arc::new(SqliteReaders::new(place)),
            blocking,
            threads: Arc::new(Semaphore::new(READS)),
        };
        Ok(Self::over(readers, Backends::Sqlite(writer)))
    }

    /// Whether `url` can name a PostgreSQL database; nothing is asked of the network.
    pub fn is_postgres_url(url: &str) -> Result<(), Fault> {
        Address::of(url).map(drop)
    }

    /// Whether there is a vendor in the PostgreSQL database at `url`. Only reads, and wants no schema.
    pub async fn postgres_has_vendor(url: &str) -> Result<bool, Fault> {
        let line =
            Line::new(Address::of(url)?, postgres::reader_setup(Pace::Page), Vec::new(), PATIENCE);
        let live = line.live().await?;
        live.within(postgres::has_vendor(&live)).await
    }

    /// Whether there is a vendor in the SQLite database in the file at `path`. Only reads, wants no schema, and makes no
    /// files beside it.
    pub fn sqlite_has_vendor(path: &Path) -> Result<bool, Fault> {
        sqlite::has_vendor(&sqlite::glance(path)?)
    }

    /// The imprint of a master secret that the SQLite database in the file at `path` keeps; a fault where this program
    /// cannot serve it. Reads as [`Self::sqlite_has_vendor`] does.
    pub fn sqlite_imprint(path: &Path) -> Result<Option<[u8; 16]>, Fault> {
        sqlite::imprint(&sqlite::glance(path)?)
    }

    /// Opens the PostgreSQL database at `url` (`postgres://user:password@host/database`), over TLS as `sslmode` in it says.
    pub async fn postgres(url: &str) -> Result<(Self, Writer), Fault> {
        let address = Address::of(url)?;
        postgres::migrate(address.clone()).await?;
        let mut writers = Vec::with_capacity(LOOPS);
        for _ in 0..LOOPS {
            writers.push(PostgresWriter::open(address.clone()).await?);
        }
        Ok(Self::over(
            Readers::Postgres(Box::new(PostgresReaders::new(&address))),
            Backends::Postgres(writers),
        ))
    }

    /// Opens the SQLite database in the file at `path` only to read it: also beside the process that
    /// writes it, whose lock is for writers.
    pub async fn sqlite_read_only(path: &Path) -> Result<Self, Fault> {
        if !path.is_file() {
            return Err(Fault::Unavailable(format!("there is no file {}", path.display())));
        }
        let readers = Readers::Sqlite {
            readers: Arc::new(SqliteReaders::new(Place::File(path.to_owned()))),
            blocking: Blocking::Threads,
            threads: Arc::new(Semaphore::new(READS)),
        };
        Self::reading(readers, migrate::SQLITE).await
    }

    /// Opens the PostgreSQL database at `url` only to read it.
    pub async fn postgres_read_only(url: &str) -> Result<Self, Fault> {
        let address = Address::of(url)?;
        Self::reading(
            Readers::Postgres(Box::new(PostgresReaders::new(&address))),
            migrate::POSTGRES,
        )
        .await
    }

    async fn reading(readers: Readers, known: &'static [Migration]) -> Result<Self, Fault> {
        // Nobody takes anything out of this queue: a command is refused at once.
        let (queue, _) = mpsc::channel(1);
        let store = Self { queue, readers, long_reads: one_at_a_time() };
        let text = migrate::APPLIED.to_owned();
        let applied = store.query("migrations", text, vec![], |cells| {
            Ok((cells.text()?.unwrap_or_default(), cells.text()?.unwrap_or_default()))
        });
        migrate::up_to_date(known, &applied.await?)?;
        Ok(store)
    }

    fn over(readers: Readers, backends: Backends) -> (Self, Writer) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let queue = Arc::new(Mutex::new(receiver));
        (Self { queue: sender, readers, long_reads: one_at_a_time() }, Writer { backends, queue })
    }

    /// Hands in a command and waits until the batch that holds it has committed.
    ///
    /// The inner result is the decision; a [`Fault`] means that nobody knows: ask again.
    pub async fn submit<C: Command>(&self, command: C) -> Answer<C> {
        let (waiting, back) = Waiting::new(Box::new(Deciding::new(command)));
        let span = trace_span!(target: TRACES, "commit", "scrip.command" = name_of::<C>());
        self.hand_in(waiting)?;
        let stopped = |_| Fault::Unknown("the writer has stopped".into());
        // The wait and nothing around it: so it is compiled once, and not for each kind of command.
        Deciding::<C>::answer(back.instrument(span).await.map_err(stopped)??)
    }

    fn hand_in(&self, waiting: Waiting) -> Result<(), Fault> {
        self.queue.try_send(waiting).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Fault::Busy,
            mpsc::error::TrySendError::Closed(_) => {
                Fault::Unavailable("the writer has stopped".into())
            }
        })
    }

    /// How many commands wait.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity().saturating_sub(self.queue.capacity())
    }

    /// Whether this process is the only one that writes here.
    pub fn is_exclusive(&self) -> bool {
        self.is_sqlite()
    }

    /// Whether this is SQLite: the texts that search differ.
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.readers, Readers::Sqlite { .. })
    }

    /// Runs a text that reads `table`, and maps its rows.
    pub(crate) async fn query<T: Send + 'static>(
        &self,
        table: &'static str,
        text: String,
        cells: Vec<Cell<'static>>,
        map: impl Fn(&mut Reader<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<Vec<T>, Fault> {
        self.query_at(Pace::Page, table, text, cells, map).await
    }

    /// The same, at another pace.
    pub(crate) async fn query_at<T: Send + 'static>(
        &self,
        pace: Pace,
        table: &'static str,
        text: String,
        cells: Vec<Cell<'static>>,
        map: impl Fn(&mut Reader<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<Vec<T>, Fault> {
        let rows = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mapped = rows.clone();
        let take = move |row: &mut Reader<'_>| {
            let row = map(row)?;
            mapped.lock().unwrap_or_else(PoisonError::into_inner).push(row);
            Ok(())
        };
        self.read(pace, table, text, cells, Box::new(take)).await?;
        Ok(std::mem::take(&mut *rows.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The same, whatever becomes of the rows: here and not in each caller is what reads them compiled.
    fn read(
        &self,
        pace: Pace,
        table: &'static str,
        text: String,
        cells: Vec<Cell<'static>>,
        mut take: Box<Take<'static>>,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        let span = trace_span!(target: TRACES, "read", "db.collection.name" = table);
        let read = async move {
            match &self.readers {
                Readers::Postgres(readers) => {
                    readers.query(pace, table, &text, &cells, take.as_mut()).await
                }
                Readers::Sqlite { readers, blocking: Blocking::Inline, .. } => {
                    readers.query(pace, table, &text, &cells, take.as_mut())
                }
                Readers::Sqlite { readers, threads, .. } => {
                    let stopped = |_| Fault::Unavailable("the readers have stopped".into());
                    let permit = threads.clone().acquire_owned().await.map_err(stopped)?;
                    let readers = readers.clone();
                    let read = tokio::task::spawn_blocking(move || {
                        let done = readers.query(pace, table, &text, &cells, take.as_mut());
                        drop(permit);
                        done
                    });
                    read.await.map_err(|_| Fault::Bug("a read panicked".into()))?
                }
            }
        };
        Box::pin(read.instrument(span))
    }
}

/// The name of a command, as traces have it: `purchase::Purchase`.
fn name_of<C>() -> &'static str {
    let name = std::any::type_name::<C>();
    name.split_once("::").map_or(name, |(_, name)| name)
}

fn one_at_a_time() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(1))
}

/// What becomes of a commit, in the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFate {
    /// It happens and is answered.
    Answered,
    /// The process dies before it happens.
    Lost,
    /// The process dies after it happened, before anybody was told.
    Untold,
    /// It is refused; the process goes on.
    Refused,
    /// It is answered and never happens: a disk that lies, by which an auditor is shown to see.
    Forgotten,
}

impl Writer {
    /// Carries commands out until the store is dropped, or until a commit's outcome is unknown.
    ///
    /// Boxed here, so that what saves and loads each table is compiled once, and not by everybody who runs it.
    pub fn run(
        self,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        Box::pin(self.carry_out(clock, observer))
    }

    async fn carry_out(
        self,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Result<(), Fault> {
        match self.backends {
            Backends::Sqlite(mut writer) => {
                batch::run(writer.as_mut(), self.queue, clock, observer).await
            }
            Backends::Postgres(writers) => {
                let mut loops = tokio::task::JoinSet::new();
                for mut writer in writers {
                    let (queue, clock) = (self.queue.clone(), clock.clone());
                    let observer = observer.clone();
                    loops.spawn(async move {
                        Box::pin(batch::run(&mut writer, queue, clock, observer)).await
                    });
                }
                while let Some(ended) = loops.join_next().await {
                    ended.map_err(|_| Fault::Bug("the writer panicked".into()))??;
                }
                Ok(())
            }
        }
    }

    /// The same, on SQLite, with commits that meet the fates that `fate` gives them.
    pub fn run_with_fates(
        self,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
        fate: Box<dyn FnMut() -> CommitFate + Send>,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        Box::pin(async move {
            match self.backends {
                Backends::Sqlite(writer) => {
                    let mut fated = Fated { inner: *writer, fate };
                    batch::run(&mut fated, self.queue, clock, observer).await
                }
                Backends::Postgres(_) => Err(Fault::Bug("only SQLite is simulated".into())),
            }
        })
    }

    /// What moves SQLite's log into its database, to be run beside the writer; `None` elsewhere.
    pub fn checkpointer(&self) -> Result<Option<Checkpointer>, Fault> {
        match &self.backends {
            Backends::Sqlite(writer) => Checkpointer::beside(writer),
            Backends::Postgres(_) => Ok(None),
        }
    }

    /// Whether the writer blocks its thread, and so wants one of its own.
    pub fn blocks(&self) -> bool {
        matches!(self.backends, Backends::Sqlite(..))
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

/// A backend whose commits meet their fate.
struct Fated<B> {
    inner: B,
    fate: Box<dyn FnMut() -> CommitFate + Send>,
}

impl<B: Backend> Backend for Fated<B> {
    async fn load(&mut self, wants: &Wants) -> Result<Books, Fault> {
        self.inner.load(wants).await
    }

    async fn save(&mut self, books: &Books) -> Result<(), Fault> {
        self.inner.save(books).await
    }

    async fn commit(&mut self) -> Result<(), Fault> {
        match (self.fate)() {
            CommitFate::Answered => self.inner.commit().await,
            CommitFate::Lost => {
                self.inner.rollback().await;
                Err(Fault::Unknown("died before the commit".into()))
            }
            CommitFate::Untold => {
                self.inner.commit().await?;
                Err(Fault::Unknown("died after the commit".into()))
            }
            CommitFate::Refused => {
                self.inner.rollback().await;
                Err(Fault::Busy)
            }
            CommitFate::Forgotten => {
                self.inner.rollback().await;
                Ok(())
            }
        }
    }

    async fn rollback(&mut self) {
        self.inner.rollback().await;
    }

    fn is_alone(&self) -> bool {
        self.inner.is_alone()
    }

    fn heals(&self) -> bool {
        self.inner.heals()
    }

    fn between(&mut self) {
        self.inner.between();
    }
}
