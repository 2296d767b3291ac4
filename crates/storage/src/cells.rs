//! Cells: the three kinds of value that both databases share.

use std::borrow::Cow;

use crate::fault::Fault;

/// The kind of a column: `INTEGER`/`BIGINT`, `TEXT`, `BLOB`/`BYTEA`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A signed 64-bit integer.
    Int,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// A value on its way into the database.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// An integer.
    Int(i64),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

impl Cell<'_> {
    /// The same value, owned.
    pub fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Int(number) => Cell::Int(number),
            Self::Text(text) => Cell::Text(text.into_owned().into()),
            Self::Bytes(bytes) => Cell::Bytes(bytes.into_owned().into()),
        }
    }
}

/// A row on its way out of either database.
pub trait Source {
    /// The integer at `index`; `None` for NULL; the error is the driver's.
    fn int(&self, index: usize) -> Result<Option<i64>, String>;
    /// The text at `index`.
    fn text(&self, index: usize) -> Result<Option<String>, String>;
    /// The bytes at `index`.
    fn bytes(&self, index: usize) -> Result<Option<Vec<u8>>, String>;
}

/// Reads a row's cells from left to right.
pub struct Reader<'a> {
    source: &'a dyn Source,
    table: &'static str,
    next: usize,
}

impl<'a> Reader<'a> {
    /// A reader of `source`, a row of `table`, from column `first`.
    pub fn new(source: &'a dyn Source, table: &'static str, first: usize) -> Self {
        Self { source, table, next: first }
    }

    /// The next cell as an integer, `None` for NULL.
    pub fn int(&mut self) -> Result<Option<i64>, Fault> {
        self.take(|source, index| source.int(index))
    }

    /// The next cell as text, `None` for NULL.
    pub fn text(&mut self) -> Result<Option<String>, Fault> {
        self.take(|source, index| source.text(index))
    }

    /// The next cell as bytes, `None` for NULL.
    pub fn bytes(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        self.take(|source, index| source.bytes(index))
    }

    fn take<T>(
        &mut self,
        read: impl Fn(&dyn Source, usize) -> Result<Option<T>, String>,
    ) -> Result<Option<T>, Fault> {
        let index = self.next;
        self.next = index.saturating_add(1);
        read(self.source, index).map_err(|_| self.corrupt())
    }

    /// The fault that the cell read last is not one this program writes.
    pub fn corrupt(&self) -> Fault {
        Fault::Corrupt { table: self.table, column: format!("column {}", self.next) }
    }
}
