//! SQLite: one writer, a few readers, checkpoints beside them.
//!
//! WAL with `synchronous = FULL`: every answer comes after its commit is on the disk. The writer
//! never checkpoints (that would be the whole latency tail); a [`Checkpointer`] does, passively, and
//! the writer itself only restarts a log that has grown past its bound, between two batches.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql, ffi};
use scrip_domain::Amount;
use tokio::time::Instant;

use crate::batch::Backend;
use crate::books::{Asked, Books, Shelf, Wants, each_table};
use crate::cells::{Cell, Reader, Source, Take, fit};
use crate::fault::Fault;
use crate::migrate;
use crate::sql;
use crate::store::Pace;
use crate::stream::{Ask, PAGE as PAGE_OF_ROWS, Read};
use crate::table::{Bulk, Row};

mod glance;

pub(crate) use glance::{glance, has_vendor, imprint};

/// The log may grow to this before the writer empties it between two batches, come what may.
const WAL_BOUND: u64 = 192 << 20;
/// From this on the writer empties it right after a checkpoint beside it has finished: what is left
/// to move is then little, and the batch that waits does not wait long.
const WAL_EASY: u64 = 48 << 20;
/// When a reader kept the log from being emptied, it may grow by this before the next try.
const WAL_STEP: u64 = 16 << 20;
/// So much of the log is worth a checkpoint at once: some fifty purchases.
const WAL_WORTH: u64 = 256 << 10;
/// Less than that waits for so many beats of the checkpointer: a second.
const BEATS: u32 = 100;
/// How long the writer waits for readers before it leaves the log as it is: long enough for any
/// page, short enough that a long read (an export, a backup) does not stop the shop.
const WAL_PATIENCE: Duration = Duration::from_millis(100);
/// Bytes of a page of a new database. A purchase touches some three randomly placed pages, and each
/// goes whole into the log, through its checksum and later into the database: half the page is nearly
/// half the bytes. A separate bench of such rows on an idle machine gave 2 KiB 4 to 13 % more than
/// 4 KiB. Ours (`benches/batch.rs`) has run on a busy machine only, where 1, 2 and 4 KiB could not be
/// told apart: of two rounds one was for 2 KiB, one against. To be measured again on an idle one.
pub(crate) const PAGE: u32 = 2048;
/// How long a connection waits for a lock that another one holds.
const BUSY: Duration = Duration::from_secs(5);
/// Writes stop when less than this is free on the disk.
const DISK_RESERVE: u64 = 64 << 20;
/// A long read is ended when the log has grown to this beside it.
const WAL_MOST: u64 = 4 << 30;
/// Statements kept prepared per connection.
const STATEMENTS: usize = 256;

/// Where a database lies.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In a file.
    File(PathBuf),
    /// In memory, under a name of its own, shared by all connections of this process.
    Memory(String),
}

impl Place {
    /// The file, if it lies in one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory(_) => None,
        }
    }

    pub(crate) fn connect(&self) -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self {
            // A file that is gone is not made anew: an empty shop is no answer.
            Self::File(path) => Connection::open_with_flags(path, flags),
            Self::Memory(name) => {
                let uri = format!("file:/{name}?vfs=memdb");
                let flags = flags | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI;
                Connection::open_with_flags(uri, flags)
            }
        };
        let connection = connection.map_err(|e| fault(&e))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.busy_timeout(BUSY).map_err(|e| fault(&e))?;
        connection
            .execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;
                 PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;",
            )
            .map_err(|e| fault(&e))?;
        Ok(connection)
    }

    /// Which files stand for it: device and inode of the database, its log and its lock.
    fn files(&self) -> Option<[Option<(u64, u64)>; 3]> {
        let file = |path: &Path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
        let database = self.file()?;
        Some([file(database), file(&self.wal()?), file(&lock_of(database))])
    }

    pub(crate) fn wal(&self) -> Option<PathBuf> {
        let mut wal = self.file()?.as_os_str().to_owned();
        wal.push("-wal");
        Some(wal.into())
    }
}

/// Keeps a database in memory alive while no server runs on it: the disk of a simulated machine.
#[derive(Debug)]
pub struct Memory {
    name: String,
    _keeper: Connection,
}

impl Memory {
    /// An empty database in memory called `name`, of letters, digits, `-` and `_`.
    pub fn new(name: &str) -> Result<Self, Fault> {
        let keeper = Place::Memory(name.to_owned()).connect()?;
        Ok(Self { name: name.to_owned(), _keeper: keeper })
    }

    pub(crate) fn place(&self) -> Place {
        Place::Memory(self.name.clone())
    }
}

/// The connection that writes.
#[derive(Debug)]
pub struct SqliteWriter {
    connection: Connection,
    place: Place,
    // What it opened. SQLite goes on writing to a file that was deleted or replaced.
    files: Option<[Option<(u64, u64)>; 3]>,
    // How many bytes of the log are in use, which is less than its file once it was restarted.
    wal_used: Arc<AtomicU64>,
    // How many were committed since the last checkpoint began.
    wal_fresh: Arc<AtomicU64>,
    // How many it takes for the writer to restart it.
    wal_bound: u64,
    disk_reserve: u64,
    // Whether a checkpoint has finished since the last batch.
    caught_up: Arc<AtomicBool>,
    unsynced: Unsynced,
    // One process owns a folder: the lock lives as long as the writer.
    _lock: Option<File>,
}

impl SqliteWriter {
    /// Opens (and creates) the database at `place`, locks it, and brings its schema up to date.
    pub(crate) fn open(place: Place) -> Result<Self, Fault> {
        let lock = place.file().map(lock).transpose()?;
        place.file().map(create).transpose()?;
        if rusqlite::version_number() < 3_051_003 {
            return Err(Fault::Bug("SQLite 3.51.3 or later is needed".into()));
        }
        let mut connection = place.connect()?;
        connection
            .execute_batch(&format!("PRAGMA page_size = {PAGE}; PRAGMA journal_mode = WAL;"))
            .map_err(|e| fault(&e))?;
        migrate(&mut connection)?;
        let (wal_used, wal_fresh) = watch_log(&mut connection)?;
        Ok(Self {
            connection,
            files: place.files(),
            place,
            wal_used,
            wal_fresh,
            wal_bound: WAL_BOUND,
            disk_reserve: DISK_RESERVE,
            caught_up: Arc::default(),
            unsynced: Unsynced::default(),
            _lock: lock,
        })
    }

    /// Loads what is asked of one table.
    fn load_table<R: Row>(&self, asked: &Asked<R>, shelf: &mut Shelf<R>) -> Result<(), Fault> {
        if asked.is_empty() {
            return Ok(());
        }
        let table = R::table();
        shelf.open(asked);
        self.look_up(&asked.loads(&table.sqlite), table.name, &mut |row| {
            shelf.put(R::read(row)?);
            Ok(())
        })
    }

    /// Runs a text once for each row of cells, and hands on what it finds.
    fn look_up(
        &self,
        bulk: &Bulk<'_>,
        table: &'static str,
        put: &mut dyn FnMut(&mut Reader<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        fit(&bulk.cells)?;
        let mut statement = self.prepared(bulk.text)?;
        for cells in bulk.rows() {
            let found = statement.query(rusqlite::params_from_iter(cells));
            let mut rows = found.map_err(|e| fault(&e))?;
            while let Some(row) = rows.next().map_err(|e| fault(&e))? {
                put(&mut Reader::new(row, table))?;
            }
        }
        Ok(())
    }

    /// Runs a text once for each row of cells, and checks that each time one row was written.
    fn write(&self, bulk: &Bulk<'_>) -> Result<(), Fault> {
        fit(&bulk.cells)?;
        let mut statement = self.prepared(bulk.text)?;
        for cells in bulk.rows() {
            let done = statement.execute(rusqlite::params_from_iter(cells));
            if done.map_err(|e| fault(&e))? != 1 {
                return Err(Fault::Conflict);
            }
        }
        Ok(())
    }

    fn prepared(&self, text: &str) -> Result<CachedStatement<'_>, Fault> {
        self.connection.prepare_cached(text).map_err(|e| fault(&e))
    }

    fn execute(&self, text: &str) -> Result<(), Fault> {
        let mut statement = self.prepared(text)?;
        statement.execute([]).map(drop).map_err(|e| fault(&e))
    }

    fn one_int(&self, text: &str) -> Result<Option<i64>, Fault> {
        let mut statement = self.prepared(text)?;
        statement.query_row([], |row| row.get(0)).map_err(|e| fault(&e))
    }

    fn load_now(&mut self, wants: &Wants) -> Result<Books, Fault> {
        if self.unsynced.is_so() {
            return Err(Fault::Unknown("the database could not be synced".into()));
        }
        if let Some(file) = self.place.file() {
            if self.place.files() != self.files {
                return Err(Fault::Unavailable(format!(
                    "{}, its log or its lock was deleted or replaced under the running server",
                    file.display()
                )));
            }
            room_on_disk(file, self.disk_reserve)?;
        }
        self.execute("BEGIN IMMEDIATE")?;
        let mut books = Books::default();
        macro_rules! load {
            ($field:ident) => {
                self.load_table(&wants.$field, &mut books.$field)?;
            };
        }
        each_table!(load);
        if wants.cheapest {
            let cheapest = self.one_int(sql::CHEAPEST)?;
            books.cheapest =
                Some(cheapest.and_then(|units| Amount::new(u64::try_from(units).ok()?)));
        }
        if wants.last_receipt {
            let last = self.one_int(sql::LAST_RECEIPT)?;
            books.last_receipt =
                Some(last.and_then(|number| u64::try_from(number).ok()).unwrap_or(0));
        }
        Ok(books)
    }

    fn save_now(&self, books: &Books) -> Result<(), Fault> {
        let mut writes = Vec::new();
        macro_rules! save {
            ($field:ident) => {
                writes_of(&books.$field, &mut writes);
            };
        }
        each_table!(save);
        writes.iter().try_for_each(|bulk| self.write(bulk))?;
        for (house, added) in &books.house {
            let cells = [
                Cell::text(house.as_str()),
                Cell::number(added.debits),
                Cell::number(added.credits),
            ];
            fit(&cells)?;
            let mut statement = self.prepared(sql::ADD_TO_HOUSE)?;
            statement.execute(rusqlite::params_from_iter(&cells)).map_err(|e| fault(&e))?;
        }
        Ok(())
    }
}

impl Backend for SqliteWriter {
    async fn load(&mut self, wants: &Wants) -> Result<Books, Fault> {
        self.load_now(wants)
    }

    async fn save(&mut self, books: &Books) -> Result<(), Fault> {
        self.save_now(books)
    }

    async fn commit(&mut self) -> Result<(), Fault> {
        match self.execute("COMMIT") {
            Ok(()) => Ok(()),
            // The transaction is still open (somebody held a lock), or there was no room for it:
            // nothing was made durable. Anything else, a failed sync above all, may have been.
            Err(fault) if !self.connection.is_autocommit() || matches!(fault, Fault::Full) => {
                self.rollback().await;
                Err(fault)
            }
            Err(other) => Err(Fault::Unknown(other.to_string())),
        }
    }

    async fn rollback(&mut self) {
        if !self.connection.is_autocommit() {
            // A rollback that fails leaves the transaction open, and the next BEGIN says so.
            drop(self.execute("ROLLBACK"));
        }
    }

    fn is_alone(&self) -> bool {
        // A database in memory is shared by whoever names it.
        matches!(self.place, Place::File(_))
    }

    fn heals(&self) -> bool {
        // After a failed sync nobody knows which pages of the log are on the disk; only reading it
        // anew does.
        false
    }

    fn between(&mut self) {
        let used = self.wal_used.load(Ordering::Relaxed);
        let easy = self.caught_up.swap(false, Ordering::Relaxed) && used > WAL_EASY;
        if self.unsynced.is_so() || !easy && used <= self.wal_bound {
            return;
        }
        // A file of the usual size is written over again: truncated, the file system must find each
        // block anew (commits took 42 % of the writer's samples that way, 32 % this way). One that a
        // long read made large gives its room back.
        let size = self.place.wal().and_then(|wal| std::fs::metadata(wal).ok());
        let large = size.is_some_and(|meta| meta.len() > WAL_BOUND.saturating_mul(2));
        drop(self.connection.busy_timeout(WAL_PATIENCE));
        let mode = if large { "TRUNCATE" } else { "RESTART" };
        let done = checkpoint(&self.connection, mode, &self.unsynced);
        drop(self.connection.busy_timeout(BUSY));
        if done {
            self.wal_used.store(0, Ordering::Relaxed);
            self.wal_bound = self.wal_bound.min(WAL_BOUND);
        } else {
            self.wal_bound = used.saturating_add(WAL_STEP);
        }
    }
}

fn writes_of<'a, R: Row>(shelf: &'a Shelf<R>, all: &mut Vec<Bulk<'a>>) {
    shelf.writes(&R::table().sqlite, all);
}

/// Keeps count of the bytes of the log: those in use, and those that no checkpoint has looked at. Each commit tells.
fn watch_log(connection: &mut Connection) -> Result<(Arc<AtomicU64>, Arc<AtomicU64>), Fault> {
    let used = Arc::new(AtomicU64::new(0));
    // What an earlier process has left in the log is to be moved, too.
    let fresh = Arc::new(AtomicU64::new(1));
    let page: u64 = connection
        .query_row("PRAGMA page_size", [], |row| row.get::<_, u32>(0))
        .map_err(|e| fault(&e))?
        .into();
    let told = (used.clone(), fresh.clone());
    let tell = move |_: &mut rusqlite::hooks::Wal, pages| {
        let (used, fresh) = &told;
        let bytes = u64::try_from(pages).unwrap_or(0).saturating_mul(page);
        let before = used.swap(bytes, Ordering::Relaxed);
        // Each commit makes the log longer, but for the first one after it was restarted, as it is whenever all of it
        // was moved.
        let more = if bytes > before { bytes.saturating_sub(before) } else { bytes };
        fresh.fetch_add(more, Ordering::Relaxed);
        Ok(())
    };
    connection.wal_hook(Some(tell)).map_err(|e| fault(&e))?;
    Ok((used, fresh))
}

/// Whether a sync of the database has failed. The kernel takes the pages that it could not write for written, and SQLite
/// those that it has moved for moved: the next sync would succeed, the log begin anew, and what was lost be nowhere. So
/// from then on nothing is moved and the log stays as it is; the writer ends, and the next start moves all of it again.
#[derive(Clone, Debug, Default)]
struct Unsynced(Arc<AtomicBool>);

impl Unsynced {
    fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn note(&self, error: &dyn std::fmt::Display) {
        tracing::error!(%error, "the database could not be synced: the server has to start anew");
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Moves what was committed from the log into the database, beside the writer.
#[derive(Debug)]
pub struct Checkpointer {
    // None once a sync has failed.
    connection: Option<Connection>,
    // Never closed: with it the locks would go that SQLite holds on the same file (POSIX).
    database: ManuallyDrop<File>,
    wal_fresh: Arc<AtomicU64>,
    caught_up: Arc<AtomicBool>,
    unsynced: Unsynced,
    // Beats since the last checkpoint.
    rested: u32,
}

impl Checkpointer {
    /// One that tells `writer` when it has caught up; `None` where there is no file.
    pub(crate) fn beside(writer: &SqliteWriter) -> Result<Option<Self>, Fault> {
        let Some(path) = writer.place.file() else { return Ok(None) };
        let cannot = |error| Fault::Unavailable(format!("cannot open {}: {error}", path.display()));
        Ok(Some(Self {
            connection: Some(writer.place.connect()?),
            database: ManuallyDrop::new(File::open(path).map_err(cannot)?),
            wal_fresh: writer.wal_fresh.clone(),
            caught_up: writer.caught_up.clone(),
            unsynced: writer.unsynced.clone(),
            rested: 0,
        }))
    }

    /// Moves what is worth it, and says whether it tried. Call it each [`Self::BEAT`].
    ///
    /// The sync of the database competes with that of the log, for which buyers wait: so it is never let grow.
    /// With a checkpoint each second, p99 of a purchase was 17 to 19 ms at half of the top rate, with one each 10 ms
    /// 7.5 ms; the top rate stayed. What little a quiet shop writes waits for a second, and nothing for nothing.
    pub fn beat(&mut self) -> bool {
        self.rested = self.rested.saturating_add(1);
        let fresh = self.wal_fresh.load(Ordering::Relaxed);
        let is_due = fresh >= WAL_WORTH || (fresh > 0 && self.rested >= BEATS);
        if is_due {
            self.run();
        }
        is_due
    }

    /// Between two beats.
    pub const BEAT: Duration = Duration::from_millis(10);

    /// Moves what can be moved without waiting for anybody.
    ///
    /// SQLite syncs the database only in a checkpoint that gets to the end of the log, which beside a
    /// busy writer none does: it would be left to the writer, as the whole latency tail (60 ms a
    /// second were seen). So the database is synced here; and twice, because what is left is what was
    /// written meanwhile, and the second time that is little.
    pub fn run(&mut self) {
        self.rested = 0;
        self.wal_fresh.store(0, Ordering::Relaxed);
        for _ in 0..2 {
            let Some(connection) = &self.connection else { return };
            if !self.unsynced.is_so() {
                checkpoint(connection, "PASSIVE", &self.unsynced);
            }
            if let Err(error) = self.database.sync_data() {
                self.unsynced.note(&error);
            }
            if self.unsynced.is_so() {
                // Never closed: the last connection to be closed moves the log, and deletes it.
                let _ = ManuallyDrop::new(self.connection.take());
                return;
            }
        }
        self.caught_up.store(true, Ordering::Relaxed);
    }
}

/// Whether it did all that `mode` asks for.
fn checkpoint(connection: &Connection, mode: &str, unsynced: &Unsynced) -> bool {
    let text = format!("PRAGMA wal_checkpoint({mode})");
    let error = match connection.query_row(&text, [], |row| row.get::<_, i64>(0)) {
        Ok(busy) => return busy == 0,
        Err(error) => error,
    };
    let code = error.sqlite_error().map(|code| code.extended_code);
    if code == Some(ffi::SQLITE_IOERR_FSYNC) {
        unsynced.note(&error);
    } else {
        // It is tried again: a second later, or after some more batches.
        tracing::warn!(%error, "a checkpoint did not finish");
    }
    false
}

/// Connections that read, as many as were ever needed at once.
#[derive(Debug)]
pub(crate) struct SqliteReaders {
    place: Place,
    idle: Arc<Mutex<Vec<SqliteReader>>>,
    /// When the read of a page is ended.
    bound: Duration,
}

impl SqliteReaders {
    pub fn new(place: Place) -> Self {
        Self { place, idle: Arc::default(), bound: Pace::Page.bound() }
    }

    /// Runs `text`, which reads `table`, and hands on its rows. Blocks for as long as SQLite takes.
    pub fn query(
        &self,
        pace: Pace,
        table: &'static str,
        text: &str,
        cells: &[Cell<'_>],
        take: &mut Take<'_>,
    ) -> Result<(), Fault> {
        debug_assert!(sql::ascending(text), "parameters out of order: {text}");
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = idle.map_or_else(|| SqliteReader::open(&self.place), Ok)?;
        reader.ends_at(match pace {
            Pace::Page => Instant::now().checked_add(self.bound),
            // It keeps nobody waiting but who asked, who can end it.
            Pace::Long => None,
        });
        let done = each(&reader.connection, table, text, cells, take);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        done
    }
}

/// A connection that reads, and when it is to end what it runs.
#[derive(Debug)]
struct SqliteReader {
    connection: Connection,
    end: Arc<Mutex<Option<Instant>>>,
}

/// So many steps of SQLite's machine are run between two looks at the clock: a millisecond at most, and most reads are done by
/// then.
const STEPS: i32 = 10_000;

impl SqliteReader {
    fn open(place: &Place) -> Result<Self, Fault> {
        let mut connection = place.connect()?;
        connection
            .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192;")
            .map_err(|e| fault(&e))?;
        let end: Arc<Mutex<Option<Instant>>> = Arc::default();
        let known = end.clone();
        let is_over = move || {
            let end = *known.lock().unwrap_or_else(PoisonError::into_inner);
            end.is_some_and(|end| Instant::now() >= end)
        };
        connection.progress_handler(STEPS, Some(is_over)).map_err(|e| fault(&e))?;
        Ok(Self { connection, end })
    }

    fn ends_at(&self, end: Option<Instant>) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}

impl SqliteReaders {
    /// Reads what all of `asks` find in one transaction, and hands it to `take` page by page, until it says that
    /// it wants no more. A fault is the last that it is handed.
    pub fn stream<T>(&self, asks: &[Ask<T>], take: &mut dyn FnMut(Read<T>) -> bool) {
        if let Err(fault) = self.long_read(asks, take) {
            take(Err(fault));
        }
    }

    fn long_read<T>(
        &self,
        asks: &[Ask<T>],
        take: &mut dyn FnMut(Read<T>) -> bool,
    ) -> Result<(), Fault> {
        // A connection of its own, closed afterwards: what it sorts goes to files.
        let connection = self.place.connect()?;
        connection
            .execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = FILE; BEGIN")
            .map_err(|e| fault(&e))?;
        for ask in asks {
            debug_assert!(sql::ascending(&ask.text), "parameters out of order: {}", ask.text);
            fit(&ask.cells)?;
            let mut statement = connection.prepare(&ask.text).map_err(|e| fault(&e))?;
            let mut rows =
                statement.query(rusqlite::params_from_iter(&ask.cells)).map_err(|e| fault(&e))?;
            let mut page = Vec::with_capacity(PAGE_OF_ROWS);
            while let Some(row) = rows.next().map_err(|e| fault(&e))? {
                page.extend((ask.map)(&mut Reader::new(row, ask.table))?);
                if page.len() < PAGE_OF_ROWS {
                    continue;
                }
                self.wal_is_bearable()?;
                if !take(Ok(std::mem::take(&mut page))) {
                    return Ok(());
                }
            }
            if !page.is_empty() && !take(Ok(page)) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn wal_is_bearable(&self) -> Result<(), Fault> {
        let wal = self.place.wal().and_then(|wal| std::fs::metadata(wal).ok());
        if wal.is_some_and(|wal| wal.len() > WAL_MOST) {
            let why = "the log has grown to 4 GiB beside a long read, which was ended";
            return Err(Fault::Unavailable(why.into()));
        }
        Ok(())
    }
}

/// Runs `text`, which reads `table`, and hands on its rows.
fn each(
    connection: &Connection,
    table: &'static str,
    text: &str,
    cells: &[Cell<'_>],
    take: &mut Take<'_>,
) -> Result<(), Fault> {
    fit(cells)?;
    let mut statement = connection.prepare_cached(text).map_err(|e| fault(&e))?;
    let mut rows = statement.query(rusqlite::params_from_iter(cells)).map_err(|e| fault(&e))?;
    while let Some(row) = rows.next().map_err(|e| fault(&e))? {
        take(&mut Reader::new(row, table))?;
    }
    Ok(())
}

/// The migrations that were applied: their names and digests.
pub(crate) fn applied(connection: &Connection) -> Result<Vec<(String, String)>, Fault> {
    let mut all = Vec::new();
    each(connection, "migrations", migrate::APPLIED, &[], &mut |cells| {
        all.push((cells.text()?.unwrap_or_default(), cells.text()?.unwrap_or_default()));
        Ok(())
    })?;
    Ok(all)
}

pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(|e| fault(&e))?;
    transaction.execute_batch(migrate::TABLE).map_err(|e| fault(&e))?;
    let applied = applied(&transaction)?;
    for migration in migrate::pending(migrate::SQLITE, &applied)? {
        transaction.execute_batch(migration.sql).map_err(|e| fault(&e))?;
        transaction
            .execute(migrate::REMEMBER, (migration.name, migration.digest()))
            .map_err(|e| fault(&e))?;
    }
    transaction.commit().map_err(|e| fault(&e))
}

fn lock_of(database: &Path) -> PathBuf {
    database.with_extension("lock")
}

/// Takes the folder's lock for as long as the file is open.
fn lock(database: &Path) -> Result<File, Fault> {
    let path = lock_of(database);
    let unavailable = |e: std::io::Error| Fault::Unavailable(format!("{}: {e}", path.display()));
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(unavailable)?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(
        |_| Fault::Unavailable(format!("another process is using {}", database.display())),
    )?;
    Ok(file)
}

/// Makes an empty file, which is an empty database, where there is none. It is nobody else's to read, whatever its folder
/// allows; SQLite gives its log the same mode.
pub(crate) fn create(database: &Path) -> Result<(), Fault> {
    let unavailable = |e| Fault::Unavailable(format!("{}: {e}", database.display()));
    let made = File::options().create(true).append(true).mode(0o600).open(database);
    made.map(drop).map_err(unavailable)
}

fn room_on_disk(database: &Path, reserve: u64) -> Result<(), Fault> {
    let Ok(disk) = rustix::fs::statvfs(database) else { return Ok(()) };
    if disk.f_bavail.saturating_mul(disk.f_frsize) < reserve { Err(Fault::Full) } else { Ok(()) }
}

pub(crate) fn fault(error: &rusqlite::Error) -> Fault {
    use rusqlite::ErrorCode::{
        ConstraintViolation, DiskFull, OperationInterrupted, TooBig, TypeMismatch, Unknown,
    };
    let Some(code) = error.sqlite_error() else {
        return Fault::Bug(error.to_string());
    };
    let taken = [
        ffi::SQLITE_CONSTRAINT_UNIQUE,
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
        ffi::SQLITE_CONSTRAINT_ROWID,
    ];
    // What cannot be reckoned from what is stored: SQLite has one code for that and for much else.
    let unreckoned = ["integer overflow", "malformed JSON"];
    match code.code {
        Unknown if unreckoned.iter().any(|what| error.to_string().contains(what)) => {
            Fault::Bug(error.to_string())
        }
        DiskFull => Fault::Full,
        OperationInterrupted => {
            let bound = Pace::Page.bound().as_secs();
            Fault::Unavailable(format!("a read was ended after {bound} s"))
        }
        ConstraintViolation if taken.contains(&code.extended_code) => Fault::Conflict,
        // A floor, a missing or a foreign value: what no command may try to write.
        ConstraintViolation | TypeMismatch | TooBig => Fault::Bug(error.to_string()),
        _ => Fault::Unavailable(error.to_string()),
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Unfit(why) => {
                return Err(rusqlite::Error::ToSqlConversionFailure((*why).into()));
            }
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Source for rusqlite::Row<'_> {
    fn column(&self, index: usize) -> String {
        self.as_ref().column_name(index).unwrap_or("?").to_owned()
    }

    fn int(&self, index: usize) -> Result<Option<i64>, String> {
        self.get(index).map_err(|e| e.to_string())
    }

    fn text(&self, index: usize) -> Result<Option<String>, String> {
        self.get(index).map_err(|e| e.to_string())
    }

    fn bytes(&self, index: usize) -> Result<Option<Vec<u8>>, String> {
        self.get(index).map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests;
