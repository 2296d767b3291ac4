//! SQLite: one writer, a few readers, checkpoints beside them.
//!
//! WAL with `synchronous = FULL`: every answer comes after its commit is on the disk. The writer
//! never checkpoints (that would be the whole latency tail); a [`Checkpointer`] does, passively, and
//! the writer itself only restarts a log that has grown past its bound, between two batches.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};
use scrip_domain::Amount;

use crate::batch::Backend;
use crate::books::{Asked, Books, Change, Shelf, Wants, each_table};
use crate::cells::{Cell, Reader, Source};
use crate::fault::Fault;
use crate::migrate;
use crate::sql;
use crate::table::{Keys, Row, Table};

/// The log may grow to this before the writer restarts it between two batches.
const WAL_BOUND: u64 = 64 << 20;
/// Writes stop when less than this is free on the disk.
const DISK_RESERVE: u64 = 64 << 20;
/// Statements kept prepared per connection.
const STATEMENTS: usize = 256;

/// Where a database lies.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    uri: String,
    path: Option<PathBuf>,
}

impl Place {
    /// The file at `path`.
    pub fn file(path: &Path) -> Self {
        Self { uri: path.to_string_lossy().into_owned(), path: Some(path.to_owned()) }
    }

    /// In memory, under a name of its own, shared by all connections of this process.
    pub fn memory(name: &str) -> Self {
        Self { uri: format!("file:/{name}?vfs=memdb"), path: None }
    }

    /// Whether it lies in a file.
    pub fn is_file(&self) -> bool {
        self.path.is_some()
    }

    fn connect(&self) -> Result<Connection, Fault> {
        let flags = OpenFlags::default() | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(&self.uri, flags).map_err(|e| fault(&e))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection
            .execute_batch(
                "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;
                 PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;",
            )
            .map_err(|e| fault(&e))?;
        Ok(connection)
    }

    fn wal(&self) -> Option<PathBuf> {
        let mut wal = self.path.clone()?.into_os_string();
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
    /// An empty database in memory called `name`.
    pub fn new(name: &str) -> Result<Self, Fault> {
        let keeper = Place::memory(name).connect()?;
        Ok(Self { name: name.to_owned(), _keeper: keeper })
    }

    pub(crate) fn place(&self) -> Place {
        Place::memory(&self.name)
    }
}

/// The connection that writes.
#[derive(Debug)]
pub struct SqliteWriter {
    connection: Connection,
    place: Place,
    // One process owns a folder: the lock lives as long as the writer.
    _lock: Option<File>,
}

impl SqliteWriter {
    /// Opens (and creates) the database at `place`, locks it, and brings its schema up to date.
    pub(crate) fn open(place: Place) -> Result<Self, Fault> {
        let lock = place.path.as_deref().map(lock).transpose()?;
        if rusqlite::version_number() < 3_051_003 {
            return Err(Fault::Bug("SQLite 3.51.3 or later is needed".into()));
        }
        let mut connection = place.connect()?;
        connection
            .execute_batch("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;")
            .map_err(|e| fault(&e))?;
        migrate(&mut connection)?;
        Ok(Self { connection, place, _lock: lock })
    }

    fn load_table<R: Row>(&self, asked: &Asked<R>, shelf: &mut Shelf<R>) -> Result<(), Fault> {
        if asked.guarded.is_empty() && asked.read.is_empty() {
            return Ok(());
        }
        let text = &R::table().sqlite.load;
        let mut statement = self.connection.prepare_cached(text).map_err(|e| fault(&e))?;
        for group in asked.guarded.iter().chain(asked.only_read()) {
            shelf.open(group.clone());
            let mut cells = Vec::with_capacity(4);
            group.write(&mut cells);
            let mut rows =
                statement.query(rusqlite::params_from_iter(&cells)).map_err(|e| fault(&e))?;
            while let Some(row) = rows.next().map_err(|e| fault(&e))? {
                shelf.put(R::read(&mut Reader::new(row, R::table().name, 0))?);
            }
        }
        Ok(())
    }

    fn save_table<R: Row>(&self, shelf: &Shelf<R>) -> Result<(), Fault> {
        let table: &Table = R::table();
        for change in shelf.written() {
            let mut cells = Vec::with_capacity(table.columns.len());
            let text = match change {
                Change::Insert(_) => &table.sqlite.insert,
                Change::Update(_) => &table.sqlite.update,
                Change::Delete(_) => &table.sqlite.delete,
            };
            let key = change.row().key();
            match change {
                Change::Insert(row) | Change::Update(row) => row.write(&mut cells),
                Change::Delete(_) => key.write(&mut cells),
            }
            let mut statement = self.connection.prepare_cached(text).map_err(|e| fault(&e))?;
            let count =
                statement.execute(rusqlite::params_from_iter(&cells)).map_err(|e| fault(&e))?;
            if count != 1 {
                return Err(Fault::Conflict);
            }
        }
        Ok(())
    }

    fn execute(&self, text: &str) -> Result<(), Fault> {
        let mut statement = self.connection.prepare_cached(text).map_err(|e| fault(&e))?;
        statement.execute([]).map(drop).map_err(|e| fault(&e))
    }

    fn one_int(&self, text: &str) -> Result<Option<i64>, Fault> {
        let mut statement = self.connection.prepare_cached(text).map_err(|e| fault(&e))?;
        statement.query_row([], |row| row.get(0)).map_err(|e| fault(&e))
    }

    fn load_now(&mut self, wants: &Wants) -> Result<Books, Fault> {
        self.place.path.as_deref().map_or(Ok(()), room_on_disk)?;
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
        macro_rules! save {
            ($field:ident) => {
                self.save_table(&books.$field)?;
            };
        }
        each_table!(save);
        for (house, added) in &books.house {
            let mut statement =
                self.connection.prepare_cached(sql::ADD_TO_HOUSE).map_err(|e| fault(&e))?;
            let (debits, credits) = (i64::try_from(added.debits), i64::try_from(added.credits));
            let (Ok(debits), Ok(credits)) = (debits, credits) else {
                return Err(Fault::Bug("a counter is full".into()));
            };
            statement.execute((house.as_str(), debits, credits)).map_err(|e| fault(&e))?;
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
            // Refused before anything was made durable: nothing happened.
            Err(refused @ (Fault::Full | Fault::Conflict)) => {
                self.rollback().await;
                Err(refused)
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

    fn between(&mut self) {
        let size = |wal: PathBuf| std::fs::metadata(wal).map(|meta| meta.len()).unwrap_or(0);
        if self.place.wal().map_or(0, size) > WAL_BOUND {
            checkpoint(&self.connection, "RESTART");
        }
    }
}

/// Moves what was committed from the log into the database, beside the writer.
#[derive(Debug)]
pub struct Checkpointer(Connection);

impl Checkpointer {
    pub(crate) fn open(place: &Place) -> Result<Self, Fault> {
        place.connect().map(Self)
    }

    /// Moves what can be moved without waiting for anybody. Call it each second.
    pub fn run(&self) {
        checkpoint(&self.0, "PASSIVE");
    }
}

fn checkpoint(connection: &Connection, mode: &str) {
    // A checkpoint that could not finish is tried again a second later.
    let result = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
    if let Err(error) = result {
        tracing::warn!(%error, "a checkpoint did not finish");
    }
}

/// Connections that read, as many as were ever needed at once.
#[derive(Debug)]
pub(crate) struct SqliteReaders {
    place: Place,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl SqliteReaders {
    pub fn new(place: Place) -> Self {
        Self { place, idle: Arc::default() }
    }

    /// Runs `text` and maps its rows. Blocks for as long as SQLite takes.
    pub fn query<T>(
        &self,
        text: &str,
        cells: &[Cell<'_>],
        map: impl Fn(&mut Reader<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let connection = self.place.connect()?;
                connection
                    .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192;")
                    .map_err(|e| fault(&e))?;
                connection
            }
        };
        let rows = query(&connection, text, cells, map);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        rows
    }
}

fn query<T>(
    connection: &Connection,
    text: &str,
    cells: &[Cell<'_>],
    map: impl Fn(&mut Reader<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = connection.prepare_cached(text).map_err(|e| fault(&e))?;
    let mut rows = statement.query(rusqlite::params_from_iter(cells)).map_err(|e| fault(&e))?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().map_err(|e| fault(&e))? {
        out.push(map(&mut Reader::new(row, "query", 0))?);
    }
    Ok(out)
}

fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(|e| fault(&e))?;
    transaction.execute_batch(migrate::TABLE).map_err(|e| fault(&e))?;
    let applied = query(&transaction, migrate::APPLIED, &[], |cells| {
        Ok((cells.text()?.unwrap_or_default(), cells.text()?.unwrap_or_default()))
    })?;
    for migration in migrate::pending(migrate::SQLITE, &applied)? {
        transaction.execute_batch(migration.sql).map_err(|e| fault(&e))?;
        transaction
            .execute(migrate::REMEMBER, (migration.name, migration.digest()))
            .map_err(|e| fault(&e))?;
    }
    transaction.commit().map_err(|e| fault(&e))
}

/// Takes the folder's lock for as long as the file is open.
fn lock(database: &Path) -> Result<File, Fault> {
    let path = database.with_extension("lock");
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

fn room_on_disk(database: &Path) -> Result<(), Fault> {
    let Ok(disk) = rustix::fs::statvfs(database) else { return Ok(()) };
    if disk.f_bavail.saturating_mul(disk.f_frsize) < DISK_RESERVE {
        Err(Fault::Full)
    } else {
        Ok(())
    }
}

fn fault(error: &rusqlite::Error) -> Fault {
    use rusqlite::ErrorCode::{ConstraintViolation, DiskFull};
    match error.sqlite_error_code() {
        Some(DiskFull) => Fault::Full,
        Some(ConstraintViolation) if !error.to_string().contains("CHECK") => Fault::Conflict,
        Some(ConstraintViolation) => Fault::Bug(error.to_string()),
        _ => Fault::Unavailable(error.to_string()),
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Source for rusqlite::Row<'_> {
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
