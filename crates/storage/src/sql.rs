//! SQL texts that write. Loading and saving by key follow from what a row type says of its table;
//! only what is not a row by its key has a text of its own here. Texts that read stand in `reads`.

use crate::cells::Kind;
use crate::table::Table;

/// The lowest current price above zero.
pub const CHEAPEST: &str = "SELECT MIN(price) AS price FROM offers WHERE current = 1 AND price > 0";
/// The highest receipt number.
pub const LAST_RECEIPT: &str = "SELECT MAX(number) AS number FROM receipts";
/// PostgreSQL: waits until no other batch numbers receipts. `MAX` locks nothing, so two loops would
/// find the same number, and one of them would have decided in vain.
pub const LOCK_RECEIPTS: &str = "SELECT pg_advisory_xact_lock(7307498)";
/// The vendor's own ledger accounts.
pub const HOUSE: &str = "SELECT name, debits, credits FROM house ORDER BY name";
/// Adds to one of the vendor's own ledger accounts.
pub const ADD_TO_HOUSE: &str = "INSERT INTO house (name, debits, credits) VALUES ($1, $2, $3)
     ON CONFLICT (name) DO UPDATE SET
         debits = house.debits + excluded.debits, credits = house.credits + excluded.credits";

/// How often what servers remember has changed.
pub const GENERATION: &str = "SELECT number FROM generation";
/// It has changed once more.
pub const NEXT_GENERATION: &str = "UPDATE generation SET number = number + 1";

/// The texts that load and save one table.
#[derive(Debug, Default)]
pub struct Texts {
    /// The rows of a group, sorted by key.
    pub load: String,
    /// The same, locked until the commit.
    pub lock: String,
    /// New rows.
    pub insert: String,
    /// Rows with new values, found by key.
    pub update: String,
    /// Rows that go, found by key.
    pub delete: String,
}

/// Whether `$n` first occur in the order of their numbers. SQLite takes `$n` for names and counts
/// them as they come; `PostgreSQL` takes them for numbers. Only then they mean the same.
pub fn ascending(text: &str) -> bool {
    let mut seen = 0_usize;
    text.split('$').skip(1).all(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest.get(..digits).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        let next = seen.saturating_add(1);
        seen = seen.max(number);
        (1..=next).contains(&number)
    })
}

type Columns = [(String, Kind)];

impl Texts {
    /// Every text.
    pub fn all(&self) -> [&str; 5] {
        [&self.load, &self.lock, &self.insert, &self.update, &self.delete]
    }

    /// For SQLite: one row at a time. There is one writer, so nothing is locked.
    pub fn sqlite(table: &Table) -> Self {
        let name = table.name;
        let load = format!(
            "SELECT {} FROM {name} WHERE {} ORDER BY {}",
            names(&table.columns),
            each(table.group_columns(), 1, " AND "),
            names(table.key_columns()),
        );
        let only_key = table.key == table.columns.len();
        let first_value = if only_key { 1 } else { table.key.saturating_add(1) };
        let by_key = each(table.key_columns(), 1, " AND ");
        Self {
            lock: load.clone(),
            load,
            insert: format!(
                "INSERT INTO {name} ({}) VALUES ({})",
                names(&table.columns),
                numbered(table.columns.len()),
            ),
            update: format!(
                "UPDATE {name} SET {} WHERE {by_key}",
                each(table.value_columns(), first_value, ", "),
            ),
            delete: format!("DELETE FROM {name} WHERE {by_key}"),
        }
    }

    /// For PostgreSQL: any number of rows at once, as one array per column.
    pub fn postgres(table: &Table) -> Self {
        let name = table.name;
        let load = format!(
            "SELECT {} FROM {name} t JOIN UNNEST({}) AS k({}) ON {} ORDER BY {}",
            prefixed(&table.columns),
            arrays(table.group_columns()),
            names(table.group_columns()),
            matching(table.group_columns()),
            prefixed(table.key_columns()),
        );
        let sets: Vec<String> =
            table.value_columns().iter().map(|(name, _)| format!("{name} = k.{name}")).collect();
        let by_key = matching(table.key_columns());
        Self {
            lock: format!("{load} FOR NO KEY UPDATE OF t"),
            load,
            insert: format!(
                "INSERT INTO {name} ({}) SELECT * FROM UNNEST({})",
                names(&table.columns),
                arrays(&table.columns),
            ),
            update: format!(
                "UPDATE {name} t SET {} FROM UNNEST({}) AS k({}) WHERE {by_key}",
                sets.join(", "),
                arrays(&table.columns),
                names(&table.columns),
            ),
            delete: format!(
                "DELETE FROM {name} t USING UNNEST({}) AS k({}) WHERE {by_key}",
                arrays(table.key_columns()),
                names(table.key_columns()),
            ),
        }
    }
}

/// The column names.
fn names(columns: &Columns) -> String {
    columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The column names as those of `t`.
pub fn prefixed(columns: &Columns) -> String {
    columns.iter().map(|(name, _)| format!("t.{name}")).collect::<Vec<_>>().join(", ")
}

/// `$1, $2, …`.
fn numbered(count: usize) -> String {
    (1..=count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// `column = ?n` for each, numbered from `first`. SQLite's `?n` may stand in any order.
fn each(columns: &Columns, first: usize, between: &str) -> String {
    let parts: Vec<String> = columns
        .iter()
        .zip(first..)
        .map(|((name, _), number)| format!("{name} = ?{number}"))
        .collect();
    parts.join(between)
}

/// `$1::bigint[], …`.
fn arrays(columns: &Columns) -> String {
    let mut texts = Vec::with_capacity(columns.len());
    for ((_, kind), number) in columns.iter().zip(1..) {
        let array = match kind {
            Kind::Int => "bigint[]",
            Kind::Text => "text[]",
            Kind::Bytes => "bytea[]",
        };
        texts.push(format!("${number}::{array}"));
    }
    texts.join(", ")
}

/// `t.column = k.column AND …`.
fn matching(columns: &Columns) -> String {
    columns.iter().map(|(name, _)| format!("t.{name} = k.{name}")).collect::<Vec<_>>().join(" AND ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{books, migrate};

    #[test]
    fn shared_texts_number_their_parameters_in_order() {
        assert!(ascending("a = $1 AND b = $2 AND c = $1"));
        assert!(!ascending("a = $2 AND b = $1"));
        assert!(!ascending("a = $1 AND b = $3"));
        for text in [CHEAPEST, LAST_RECEIPT, HOUSE, ADD_TO_HOUSE, migrate::REMEMBER] {
            assert!(ascending(text), "{text}");
        }
    }

    #[test]
    fn every_text_for_sqlite_can_be_prepared() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for migration in migrate::SQLITE {
            connection.execute_batch(migration.sql).unwrap();
        }
        for table in books::tables() {
            for text in table.sqlite.all() {
                connection.prepare(text).unwrap();
            }
        }
        for text in [CHEAPEST, LAST_RECEIPT, HOUSE, ADD_TO_HOUSE] {
            connection.prepare(text).unwrap();
        }
    }
}
