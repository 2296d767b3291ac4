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
    /// What no column holds, and why. It reaches no database: altering it in silence (a clamped
    /// number, a cut text) would corrupt the books.
    Unfit(&'static str),
}

impl<'a> Cell<'a> {
    /// A number, which must be below 2^63.
    pub fn number(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Unfit("a number is above 2^63 - 1"), Self::Int)
    }

    /// A text, which must not hold NUL: `PostgreSQL` has no such text, and both databases must agree.
    /// Callers refuse it at the door; here it is a defect.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.as_bytes().contains(&0) {
            Self::Unfit("a text holds NUL")
        } else {
            Self::Text(text)
        }
    }

    /// The same value, owned.
    pub fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Int(number) => Cell::Int(number),
            Self::Text(text) => Cell::Text(text.into_owned().into()),
            Self::Bytes(bytes) => Cell::Bytes(bytes.into_owned().into()),
            Self::Unfit(why) => Cell::Unfit(why),
        }
    }
}

/// Refuses cells that no column holds.
pub fn fit(cells: &[Cell<'_>]) -> Result<(), Fault> {
    match cells.iter().find_map(|cell| if let Cell::Unfit(why) = cell { Some(why) } else { None }) {
        Some(why) => Err(Fault::Bug((*why).to_owned())),
        None => Ok(()),
    }
}

/// A row on its way out of either database.
pub trait Source {
    /// The name of the column at `index`, as the text that read it calls it.
    fn column(&self, index: usize) -> String;
    /// The integer at `index`; `None` for NULL; the error is the driver's.
    fn int(&self, index: usize) -> Result<Option<i64>, String>;
    /// The text at `index`.
    fn text(&self, index: usize) -> Result<Option<String>, String>;
    /// The bytes at `index`.
    fn bytes(&self, index: usize) -> Result<Option<Vec<u8>>, String>;
}

/// What becomes of each row that is found.
pub type Take<'t> = dyn FnMut(&mut Reader<'_>) -> Result<(), Fault> + Send + 't;

/// Reads a row's cells from left to right.
pub struct Reader<'a> {
    source: &'a dyn Source,
    table: &'static str,
    next: usize,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader({}, {})", self.table, self.next)
    }
}

impl<'a> Reader<'a> {
    /// A reader of `source`, which comes from `table`.
    pub fn new(source: &'a dyn Source, table: &'static str) -> Self {
        Self { source, table, next: 0 }
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
        // Numbers only: a key that is an address or a token has no place in a log.
        let row = match self.source.int(0) {
            Ok(Some(number)) => number.to_string(),
            _ => "?".to_owned(),
        };
        let column = self.source.column(self.next.saturating_sub(1));
        Fault::Corrupt { table: self.table, column, row }
    }
}
