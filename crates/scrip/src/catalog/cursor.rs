//! A strict reader of TOML tables: every key is asked for or refused, nothing stops at the first
//! mistake, and every mistake has its line.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use toml::de::{DeTable, DeValue};

use super::{FILE, Mistake, Mistakes};

/// Where mistakes are gathered, and the lines of all keys.
#[derive(Debug, Default)]
pub struct Desk {
    lines: BTreeMap<String, usize>,
    mistakes: RefCell<Vec<Mistake>>,
}

/// A table that is being read.
#[derive(Debug)]
pub struct Table<'a> {
    desk: &'a Desk,
    /// Its path from the top, empty for the top.
    pub path: String,
    entries: &'a DeTable<'a>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl Desk {
    /// A desk for `source`, with the syntax errors that `document` was parsed with.
    pub fn new(source: &str, document: &DeTable<'_>, errors: &[toml::de::Error]) -> Self {
        let desk = Self { lines: lines(source, document), mistakes: RefCell::default() };
        for error in errors {
            let line = error.span().map_or(0, |span| line_of(&starts(source), span.start));
            let text = error.message().to_owned();
            desk.mistakes.borrow_mut().push(Mistake { line, key: String::new(), text });
        }
        desk
    }

    /// Notes a mistake at the key `path`, or at the nearest key above it.
    pub fn mistake(&self, path: &str, text: impl Into<String>) {
        let mistake = Mistake { line: self.line(path), key: path.to_owned(), text: text.into() };
        self.mistakes.borrow_mut().push(mistake);
    }

    /// Whether nothing is wrong so far.
    pub fn is_clean(&self) -> bool {
        self.mistakes.borrow().is_empty()
    }

    /// Everything that is wrong, in the order of lines.
    pub fn mistakes(self) -> Mistakes {
        let mut all = self.mistakes.into_inner();
        all.sort();
        all.dedup();
        Mistakes { file: FILE.to_owned(), all }
    }

    fn line(&self, path: &str) -> usize {
        // A text can stand in a file of its own: then the key that names the file is to blame.
        let exact = self.lines.get(path).or_else(|| self.lines.get(&format!("{path}_file")));
        match (exact, path.rfind(['.', '['])) {
            (Some(line), _) => *line,
            (None, Some(end)) => self.line(&path[..end]),
            (None, None) => 0,
        }
    }
}

impl<'a> Table<'a> {
    /// The top of a document.
    pub fn top(desk: &'a Desk, table: &'a DeTable<'a>) -> Self {
        Self { desk, path: String::new(), entries: table, asked: RefCell::default() }
    }

    /// The path of a key in this table.
    pub fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Notes a mistake at a key.
    pub fn mistake(&self, key: &str, text: impl Into<String>) {
        self.desk.mistake(&self.at(key), text);
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<&'a str> {
        self.read(key, "a text in quotes", DeValue::as_str)
    }

    /// A text that must be there.
    pub fn needed(&self, key: &'static str) -> Option<&'a str> {
        if !self.has(key) {
            self.asked.borrow_mut().insert(key);
            self.mistake(key, "is missing");
        }
        self.text(key)
    }

    /// One word of several; `None` where the key is absent or wrong.
    pub fn word<T: Copy>(
        &self,
        key: &'static str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<T> {
        let text = self.text(key)?;
        let found = all.iter().copied().find(|word| name(*word) == text);
        if found.is_none() {
            let all: Vec<_> = all.iter().map(|word| name(*word)).collect();
            self.mistake(key, format!("{text:?} is not one of {}", all.join(", ")));
        }
        found
    }

    /// A whole number.
    pub fn number<T: TryFrom<i128>>(&self, key: &'static str) -> Option<T> {
        self.read(key, "a whole number, zero or more and not too large", |value| {
            let integer = value.as_integer()?;
            let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok()?;
            T::try_from(number).ok()
        })
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &'static str) -> Option<bool> {
        self.read(key, "true or false", DeValue::as_bool)
    }

    /// A list of texts; empty where there is none.
    pub fn texts(&self, key: &'static str) -> Vec<String> {
        let texts = self.read(key, "a list of texts", |value| {
            value
                .as_array()?
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        });
        texts.unwrap_or_default()
    }

    /// A table within.
    pub fn table(&self, key: &'static str) -> Option<Table<'a>> {
        let entries = self.read(key, "a table", DeValue::as_table)?;
        Some(Table { desk: self.desk, path: self.at(key), entries, asked: RefCell::default() })
    }

    /// A list of tables within; empty where there is none.
    pub fn tables(&self, key: &'static str) -> Vec<Table<'a>> {
        let items = self.read(key, "a list of tables", |value| {
            let items = value.as_array()?.iter().map(|item| item.get_ref().as_table());
            items.collect::<Option<Vec<_>>>()
        });
        let table = |(index, entries)| Table {
            desk: self.desk,
            path: format!("{}[{index}]", self.at(key)),
            entries,
            asked: RefCell::default(),
        };
        items.unwrap_or_default().into_iter().enumerate().map(table).collect()
    }

    /// Whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Refuses what was never asked for.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for key in self.entries.keys().map(|key| key.get_ref().as_ref()) {
            if !asked.contains(key) {
                let known = asked.iter().copied().collect::<Vec<_>>().join(", ");
                self.mistake(key, format!("is not known here; there are {known}"));
            }
        }
    }

    fn read<T>(
        &self,
        key: &'static str,
        must: &str,
        read: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        self.asked.borrow_mut().insert(key);
        let value = self.entries.get(key)?;
        let read = read(value.get_ref());
        if read.is_none() {
            self.mistake(key, format!("must be {must}"));
        }
        read
    }
}

/// The line of every key of a document, by its path.
fn lines(source: &str, document: &DeTable<'_>) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    index(document, "", &starts(source), &mut lines);
    lines
}

fn index(table: &DeTable<'_>, path: &str, starts: &[usize], lines: &mut BTreeMap<String, usize>) {
    for (key, value) in table {
        let name = key.get_ref();
        let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        lines.insert(path.clone(), line_of(starts, key.span().start));
        if let Some(table) = value.get_ref().as_table() {
            index(table, &path, starts, lines);
        }
        for (at, item) in value.get_ref().as_array().into_iter().flatten().enumerate() {
            let path = format!("{path}[{at}]");
            lines.insert(path.clone(), line_of(starts, item.span().start));
            if let Some(table) = item.get_ref().as_table() {
                index(table, &path, starts, lines);
            }
        }
    }
}

/// Where each line begins.
fn starts(source: &str) -> Vec<usize> {
    let ends = source.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).collect()
}

fn line_of(starts: &[usize], offset: usize) -> usize {
    starts.partition_point(|start| *start <= offset)
}
