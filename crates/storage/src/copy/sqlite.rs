//! SQLite as either side of a copy.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{SEEDED, cells, clear_text, count_text, not_empty, page_text, tables};
use crate::cells::{Cell, Reader, fit};
use crate::fault::Fault;
use crate::migrate;
use crate::sqlite::{Memory, PAGE, Place, applied, create, fault};
use crate::table::Table;

/// A log of this length is long enough: a backup that holds it longer is broken off.
const LONGEST_LOG: u64 = 4 << 30;
/// How many steps of SQLite's machine lie between two looks at the log.
const STEPS: i32 = 100_000;

/// One state of a SQLite database: a transaction that only reads.
#[derive(Debug)]
pub(super) struct SqliteSnapshot(Connection);

impl SqliteSnapshot {
    pub fn of_file(path: &Path) -> Result<Self, Fault> {
        if !path.is_file() {
            return Err(Fault::Unavailable(format!("there is no file {}", path.display())));
        }
        Self::begin(&Place::File(path.to_owned()))
    }

    pub fn of_memory(memory: &Memory) -> Result<Self, Fault> {
        Self::begin(&memory.place())
    }

    fn begin(place: &Place) -> Result<Self, Fault> {
        let connection = place.connect()?;
        connection.execute_batch("PRAGMA query_only = ON; BEGIN").map_err(|e| fault(&e))?;
        // The first look is the state that all others see.
        migrate::up_to_date(migrate::SQLITE, &applied(&connection)?)?;
        Ok(Self(connection))
    }

    pub fn page(
        &self,
        table: &Table,
        after: Option<&[Cell<'static>]>,
    ) -> Result<Vec<Cell<'static>>, Fault> {
        let text = page_text(table, after.is_none(), false);
        let mut statement = self.0.prepare_cached(&text).map_err(|e| fault(&e))?;
        let key = rusqlite::params_from_iter(after.unwrap_or_default());
        let mut rows = statement.query(key).map_err(|e| fault(&e))?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(|e| fault(&e))? {
            cells(table, &mut Reader::new(row, table.name), &mut out)?;
        }
        Ok(out)
    }
}

/// An empty SQLite database, in a transaction.
#[derive(Debug)]
pub(super) struct SqliteBlank {
    connection: Connection,
    path: Option<PathBuf>,
}

impl SqliteBlank {
    pub fn in_file(path: &Path) -> Result<Self, Fault> {
        if path.exists() {
            return Err(Fault::Unfit(format!("{} is there already", path.display())));
        }
        create(path)?;
        Self::begin(&Place::File(path.to_owned()))
    }

    pub fn in_memory(memory: &Memory) -> Result<Self, Fault> {
        Self::begin(&memory.place())
    }

    fn begin(place: &Place) -> Result<Self, Fault> {
        let mut connection = place.connect()?;
        // Nobody else reads or writes it before it is finished, and half of one is thrown away: nothing to undo.
        let setup = format!(
            "PRAGMA page_size = {PAGE}; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"
        );
        connection.execute_batch(&setup).map_err(|e| fault(&e))?;
        crate::sqlite::migrate(&mut connection)?;
        connection.execute_batch("BEGIN IMMEDIATE").map_err(|e| fault(&e))?;
        let blank = Self { connection, path: place.file().map(Path::to_owned) };
        for table in tables() {
            if SEEDED.contains(&table.name) {
                blank.connection.execute(&clear_text(table.name), []).map_err(|e| fault(&e))?;
            } else if blank.count(&table)? > 0 {
                return Err(not_empty(&table));
            }
        }
        Ok(blank)
    }

    fn count(&self, table: &Table) -> Result<i64, Fault> {
        let text = count_text(table);
        self.connection.query_row(&text, [], |row| row.get(0)).map_err(|e| fault(&e))
    }

    pub fn put(&mut self, table: &Table, cells: &[Cell<'static>]) -> Result<(), Fault> {
        fit(cells)?;
        let text = &table.sqlite.insert;
        let mut statement = self.connection.prepare_cached(text).map_err(|e| fault(&e))?;
        for row in cells.chunks(table.columns.len()) {
            statement.execute(rusqlite::params_from_iter(row)).map_err(|e| fault(&e))?;
        }
        Ok(())
    }

    pub fn finish(self) -> Result<(), Fault> {
        self.connection.execute_batch("COMMIT").map_err(|e| fault(&e))?;
        drop(self.connection);
        match self.path {
            Some(path) => sync(&path),
            None => Ok(()),
        }
    }
}

fn sync(path: &Path) -> Result<(), Fault> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| Fault::Unavailable(format!("{}: {error}", path.display())))
}

/// Writes the SQLite database at `from`, as it is now, into a new file: while its server serves, and faster than row by
/// row. It holds the log for as long as it takes; one that has grown too long breaks it off.
pub fn duplicate(from: &Path, into: &Path) -> Result<(), Fault> {
    let place = Place::File(from.to_owned());
    let mut connection = place.connect()?;
    let log = place.wal();
    let is_too_long = move || {
        let log = log.as_ref().and_then(|log| std::fs::metadata(log).ok());
        log.is_some_and(|log| log.len() > LONGEST_LOG)
    };
    connection.progress_handler(STEPS, Some(is_too_long)).map_err(|e| fault(&e))?;
    let into_text =
        into.to_str().ok_or_else(|| Fault::Unavailable("a path that is no text".into()))?;
    connection.execute("VACUUM INTO ?1", [into_text]).map_err(|e| fault(&e))?;
    sync(into)
}
