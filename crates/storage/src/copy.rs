//! The books from one database into another, whole: for backups, restores and moves, in any direction.
//!
//! ```text
//! Snapshot (one state of the books, also while others write) ──pages of rows──▶ Blank (a transaction) ──finish──▶ there
//!     └── Sum of each table: how many rows, and their digest ── equal on both sides ──┘
//! ```
//! Rows are copied cell by cell, table by table, as the row types say: what one database holds is what the other gets,
//! and a table that has a row type cannot be forgotten. Pages are bounded, so the size of the books does not matter.
//! A digest of a table does not depend on the order of its rows: two databases sort texts differently.
//!
//! This works on its own connections and blocks its thread: it is for the command line, not for a serving process.

mod postgres;
mod sqlite;

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::cells::{Cell, Kind, Reader};
use crate::fault::Fault;
use crate::sqlite::Memory;
use crate::table::Table;
use crate::{books, sql};

use self::postgres::{PostgresBlank, PostgresSnapshot};
pub use self::sqlite::duplicate;
use self::sqlite::{SqliteBlank, SqliteSnapshot};

/// Rows of one page. The longest have some hundred kilobytes.
const PAGE: usize = 256;

/// What migrations put into a table: replaced by what is copied.
const SEEDED: &[&str] = &["feed", "staff_roll"];

/// Told of a table and how many of its rows were gone through.
pub type Progress<'a> = &'a mut dyn FnMut(&str, u64);

/// What a table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// The table.
    pub table: String,
    /// How many rows.
    pub rows: u64,
    /// The sum of the SHA-256 of its rows, in hexadecimal.
    pub digest: String,
}

/// One state of the books, to be read.
#[derive(Debug)]
pub struct Snapshot(Source);

#[derive(Debug)]
enum Source {
    Sqlite(SqliteSnapshot),
    Postgres(PostgresSnapshot),
}

/// A database with the schema and without rows. Dropped before it is finished, it stays so.
#[derive(Debug)]
pub struct Blank(Target);

#[derive(Debug)]
enum Target {
    Sqlite(SqliteBlank),
    Postgres(PostgresBlank),
}

impl Snapshot {
    /// The books in the SQLite file at `path`, as they are now.
    pub fn sqlite(path: &Path) -> Result<Self, Fault> {
        SqliteSnapshot::of_file(path).map(Source::Sqlite).map(Self)
    }

    /// The books in memory.
    pub fn memory(memory: &Memory) -> Result<Self, Fault> {
        SqliteSnapshot::of_memory(memory).map(Source::Sqlite).map(Self)
    }

    /// The books behind a `postgres://` URL, as they are now.
    pub async fn postgres(url: &str) -> Result<Self, Fault> {
        PostgresSnapshot::open(url).await.map(Source::Postgres).map(Self)
    }

    /// What each table holds.
    pub async fn sums(&self, told: Progress<'_>) -> Result<Vec<Sum>, Fault> {
        self.through(None, told).await
    }

    /// Copies all rows; gives what each table holds. Nothing is there before [`Blank::finish`].
    pub async fn copy(&self, into: &mut Blank, told: Progress<'_>) -> Result<Vec<Sum>, Fault> {
        self.through(Some(into), told).await
    }

    async fn through(
        &self,
        mut into: Option<&mut Blank>,
        told: Progress<'_>,
    ) -> Result<Vec<Sum>, Fault> {
        let mut sums = Vec::new();
        for table in &tables() {
            let mut counted = Counted::default();
            let mut after: Option<Vec<Cell<'static>>> = None;
            loop {
                let cells = self.page(table, after.as_deref()).await?;
                let width = table.columns.len();
                cells.chunks(width).for_each(|row| counted.add(row));
                let rows = cells.chunks(width).len();
                let last = cells.chunks(width).next_back().and_then(|row| row.get(..table.key));
                after = last.map(<[_]>::to_vec);
                if let (Some(into), true) = (into.as_deref_mut(), rows > 0) {
                    into.put(table, &cells).await?;
                }
                told(table.name, counted.rows);
                if rows < PAGE {
                    break;
                }
            }
            sums.push(counted.sum(table.name));
        }
        Ok(sums)
    }

    /// The rows after that key, in the order of the key, cell by cell.
    async fn page(
        &self,
        table: &Table,
        after: Option<&[Cell<'static>]>,
    ) -> Result<Vec<Cell<'static>>, Fault> {
        match &self.0 {
            Source::Sqlite(snapshot) => snapshot.page(table, after),
            Source::Postgres(snapshot) => snapshot.page(table, after).await,
        }
    }
}

impl Blank {
    /// A new SQLite file at `path`, which must not be there.
    pub fn sqlite(path: &Path) -> Result<Self, Fault> {
        SqliteBlank::in_file(path).map(Target::Sqlite).map(Self)
    }

    /// A database in memory.
    pub fn memory(memory: &Memory) -> Result<Self, Fault> {
        SqliteBlank::in_memory(memory).map(Target::Sqlite).map(Self)
    }

    /// The database behind a `postgres://` URL, which must be empty.
    pub async fn postgres(url: &str) -> Result<Self, Fault> {
        PostgresBlank::open(url).await.map(Target::Postgres).map(Self)
    }

    async fn put(&mut self, table: &Table, cells: &[Cell<'static>]) -> Result<(), Fault> {
        match &mut self.0 {
            Target::Sqlite(blank) => blank.put(table, cells),
            Target::Postgres(blank) => blank.put(table, cells).await,
        }
    }

    /// Keeps what was copied, durably.
    pub async fn finish(self) -> Result<(), Fault> {
        match self.0 {
            Target::Sqlite(blank) => blank.finish(),
            Target::Postgres(blank) => blank.finish().await,
        }
    }
}

/// The name of the latest step of the schema that this program knows.
pub fn schema() -> &'static str {
    crate::migrate::latest()
}

/// Every table: those of rows, and the vendor's own ledger accounts.
fn tables() -> Vec<Table> {
    let columns = |table: &Table| (table.columns.clone(), table.group, table.key);
    let mut all: Vec<Table> = books::tables()
        .into_iter()
        .map(|table| {
            let (columns, group, key) = columns(table);
            Table::new(table.name, columns, group, key)
        })
        .collect();
    let house = [("name", Kind::Text), ("debits", Kind::Int), ("credits", Kind::Int)];
    let house = house.map(|(name, kind)| (format!("\"{name}\""), kind)).to_vec();
    all.push(Table::new("house", house, 1, 1));
    all
}

/// The cells of a row that has the columns of `table`.
fn cells(
    table: &Table,
    reader: &mut Reader<'_>,
    out: &mut Vec<Cell<'static>>,
) -> Result<(), Fault> {
    for (_, kind) in &table.columns {
        out.push(match kind {
            Kind::Int => reader.int()?.map_or(Cell::Null, Cell::Int),
            Kind::Text => reader.text()?.map_or(Cell::Null, |text| Cell::Text(text.into())),
            Kind::Bytes => reader.bytes()?.map_or(Cell::Null, |bytes| Cell::Bytes(bytes.into())),
        });
    }
    Ok(())
}

/// The text of one page; `typed` where parameters need a type.
fn page_text(table: &Table, is_first: bool, typed: bool) -> String {
    let key = sql::prefixed(table.key_columns());
    let parameter = |((_, kind), number): (&(String, Kind), u32)| match (typed, kind) {
        (false, _) => format!("${number}"),
        (true, Kind::Int) => format!("${number}::bigint"),
        (true, Kind::Text) => format!("${number}::text"),
        (true, Kind::Bytes) => format!("${number}::bytea"),
    };
    let parameters: Vec<_> = table.key_columns().iter().zip(1..).map(parameter).collect();
    let after = if is_first {
        String::new()
    } else {
        format!("WHERE ({key}) > ({})", parameters.join(", "))
    };
    let (columns, name) = (sql::prefixed(&table.columns), table.name);
    format!("SELECT {columns} FROM {name} t {after} ORDER BY {key} LIMIT {PAGE}")
}

/// How many rows a table has.
fn count_text(table: &Table) -> String {
    format!("SELECT COUNT(*) AS rows FROM {}", table.name)
}

/// Takes away what a migration put there.
fn clear_text(table: &str) -> String {
    format!("DELETE FROM {table}")
}

/// That a database is none to copy into.
fn not_empty(table: &Table) -> Fault {
    Fault::Unfit(format!("the database is not empty: there are rows in {}", table.name))
}

/// Counts rows, and adds up their digests: lane by lane, so that the order does not show.
#[derive(Default)]
struct Counted {
    rows: u64,
    lanes: [u64; 4],
}

impl Counted {
    fn add(&mut self, row: &[Cell<'_>]) {
        let mut digest = Sha256::new();
        for cell in row {
            let (tag, bytes): (u8, &[u8]) = match cell {
                Cell::Null | Cell::Unfit(_) => (0, &[]),
                Cell::Int(number) => {
                    digest.update([1]);
                    digest.update(number.to_be_bytes());
                    continue;
                }
                Cell::Text(text) => (2, text.as_bytes()),
                Cell::Bytes(bytes) => (3, bytes),
            };
            digest.update([tag]);
            digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(bytes);
        }
        let digest: [u8; 32] = digest.finalize().into();
        for (lane, part) in self.lanes.iter_mut().zip(digest.as_chunks().0) {
            *lane = lane.wrapping_add(u64::from_be_bytes(*part));
        }
        self.rows = self.rows.saturating_add(1);
    }

    fn sum(&self, table: &str) -> Sum {
        let digest = self.lanes.iter().map(|lane| format!("{lane:016x}")).collect();
        Sum { table: table.to_owned(), rows: self.rows, digest }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} rows, {}", self.table, self.rows, self.digest)
    }
}

/// The first table that is not the same on both sides.
pub fn difference(one: &[Sum], other: &[Sum]) -> Option<String> {
    let pairs = one.iter().zip(other).find(|(one, other)| one != other);
    match pairs {
        Some((one, other)) => Some(format!("{one}; and there {other}")),
        None if one.len() != other.len() => Some("the tables are not the same".to_owned()),
        None => None,
    }
}
