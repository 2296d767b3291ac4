//! Tables: what a row type says once, so that loading and saving are written once per database.

use crate::cells::{Cell, Kind, Reader};
use crate::fault::Fault;
use crate::sql::Texts;

/// A table: its name and columns, the leading ones its primary key, and the texts that load and save it.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Column names, quoted, and kinds.
    pub columns: Vec<(String, Kind)>,
    /// How many leading columns make a group: what is asked for.
    pub group: usize,
    /// How many leading columns make the primary key.
    pub key: usize,
    /// What SQLite is told, row by row.
    pub sqlite: Texts,
    /// What PostgreSQL is told, for any number of rows at once.
    pub postgres: Texts,
}

impl Table {
    /// A table of these columns, of which so many make the group and the key.
    pub fn new(name: &'static str, columns: Vec<(String, Kind)>, group: usize, key: usize) -> Self {
        let mut table = Self {
            name,
            columns,
            group,
            key,
            sqlite: Texts::default(),
            postgres: Texts::default(),
        };
        table.sqlite = Texts::sqlite(&table);
        table.postgres = Texts::postgres(&table);
        table
    }

    /// The columns of the group.
    pub fn group_columns(&self) -> &[(String, Kind)] {
        self.columns.get(..self.group).unwrap_or_default()
    }

    /// The columns of the key.
    pub fn key_columns(&self) -> &[(String, Kind)] {
        self.columns.get(..self.key).unwrap_or_default()
    }

    /// The columns that are not in the key; those of the key when there are no others.
    pub fn value_columns(&self) -> &[(String, Kind)] {
        match self.columns.get(self.key..) {
            Some(values) if !values.is_empty() => values,
            _ => self.key_columns(),
        }
    }
}

/// A text, and the cells of all the rows that it is to be run for, one after the other.
#[derive(Debug)]
pub struct Bulk<'a> {
    /// What is run.
    pub text: &'static str,
    /// The columns that the cells are of: as many cells make a row.
    pub columns: &'static [(String, Kind)],
    /// The cells.
    pub cells: Vec<Cell<'a>>,
}

impl<'a> Bulk<'a> {
    /// No rows yet.
    pub fn new(text: &'static str, columns: &'static [(String, Kind)]) -> Self {
        Self { text, columns, cells: Vec::new() }
    }

    /// A row for each of these keys.
    pub fn keyed<K: Keys>(
        text: &'static str,
        columns: &'static [(String, Kind)],
        keys: impl Iterator<Item = &'a K>,
    ) -> Self {
        let mut bulk = Self::new(text, columns);
        keys.for_each(|key| key.write(&mut bulk.cells));
        bulk
    }

    /// The cells of each row.
    pub fn rows(&self) -> std::slice::Chunks<'_, Cell<'a>> {
        self.cells.chunks(self.columns.len().max(1))
    }
}

/// A domain type that is kept as a row.
pub trait Row: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// What is asked for: the primary key, or its first columns when rows are loaded as a set.
    type Group: Keys;
    /// The primary key.
    type Key: Keys;
    /// Name, columns, key.
    fn table() -> &'static Table;
    /// The group it belongs to.
    fn group(&self) -> Self::Group;
    /// Its primary key.
    fn key(&self) -> Self::Key;
    /// Appends a cell for each column, in order.
    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>);
    /// Reads them back.
    fn read(cells: &mut Reader<'_>) -> Result<Self, Fault>;
}

/// A tuple of key fields.
pub trait Keys: Clone + Ord + std::fmt::Debug + Send + Sync + 'static {
    /// Appends a cell for each.
    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>);
}

macro_rules! keys {
    ($(($($part:ident . $index:tt),*);)*) => {$(
        impl<$($part),*> Keys for ($($part,)*)
        where
            $($part: crate::fields::Field + Clone + Ord + std::fmt::Debug + Send + Sync + 'static),*
        {
            fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
                $(self.$index.write(out);)*
            }
        }
    )*};
}

keys! {
    (A.0);
    (A.0, B.1);
    (A.0, B.1, C.2);
    (A.0, B.1, C.2, D.3);
}

/// Says how a domain type is kept: its table, the fields of its group and of its key, and all its
/// fields in column order, those of the key first. What follows `as` stands before the names of a field's columns, in the
/// place of the field's own.
macro_rules! row {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    ($type:ty, $table:literal, group($($gf:ident: $gt:ty),*), key($($kf:ident: $kt:ty),*),
     {$($field:ident $(as $name:literal)?: $ft:ty),* $(,)?}) => {
        impl $crate::table::Row for $type {
            type Group = ($($gt,)*);
            type Key = ($($kt,)*);

            fn table() -> &'static $crate::table::Table {
                static TABLE: std::sync::OnceLock<$crate::table::Table> = std::sync::OnceLock::new();
                TABLE.get_or_init(|| {
                    let mut columns = Vec::new();
                    $(for (suffix, kind) in <$ft as $crate::fields::Field>::COLUMNS {
                        columns.push((format!("\"{}{}\"", $crate::table::row!(@name $field $($name)?), suffix), *kind));
                    })*
                    let width = |columns: &[&[(&str, $crate::cells::Kind)]]| columns.iter().map(|c| c.len()).sum();
                    let group = width(&[$(<$gt as $crate::fields::Field>::COLUMNS),*]);
                    let key = width(&[$(<$kt as $crate::fields::Field>::COLUMNS),*]);
                    $crate::table::Table::new($table, columns, group, key)
                })
            }

            fn group(&self) -> Self::Group {
                ($(self.$gf.clone(),)*)
            }

            fn key(&self) -> Self::Key {
                ($(self.$kf.clone(),)*)
            }

            fn write<'a>(&'a self, out: &mut Vec<$crate::cells::Cell<'a>>) {
                $($crate::fields::Field::write(&self.$field, out);)*
            }

            fn read(cells: &mut $crate::cells::Reader<'_>) -> Result<Self, $crate::fault::Fault> {
                Ok(Self {
                    $($field: match <$ft as $crate::fields::Field>::read(cells)? {
                        Some(value) => value,
                        None => return Err(cells.corrupt()),
                    },)*
                })
            }
        }
    };
}
pub(crate) use row;
