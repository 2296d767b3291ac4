//! Options as they were written, each with its place, so that a mistake can be pointed at.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::Environment;
use crate::failure::{Failure, Outcome};

/// What was written for an option.
#[derive(Clone, Debug)]
pub struct Value {
    content: Content,
    place: String,
}

#[derive(Clone, Debug)]
enum Content {
    Text(String),
    Number(i64),
    Flag(bool),
    List(Vec<String>),
    /// From the environment, where everything is text.
    Loose(String),
    /// Something that no option is.
    Other,
}

/// Options by name, `table.key`.
#[derive(Debug, Default)]
pub struct Raw {
    values: BTreeMap<String, Value>,
    warnings: Vec<String>,
}

impl Value {
    /// A text.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) | Content::Loose(text) => Some(text),
            _ => None,
        }
    }

    /// A list of texts; in the environment divided by commas.
    pub fn list(&self) -> Option<Vec<String>> {
        match &self.content {
            Content::List(list) => Some(list.clone()),
            Content::Loose(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(parts.map(str::to_owned).collect())
            }
            _ => None,
        }
    }

    fn number(&self) -> Option<i64> {
        match &self.content {
            Content::Number(number) => Some(*number),
            Content::Loose(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn flag(&self) -> Option<bool> {
        match &self.content {
            Content::Flag(flag) => Some(*flag),
            Content::Loose(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

impl Raw {
    /// Takes the options of a file. One that is not in `keys` is refused.
    pub fn read_file(&mut self, path: &str, text: &str, keys: &[&str]) -> Outcome {
        let place = |at: usize| {
            let before = text.as_bytes().iter().take(at);
            format!("{path}, line {}", before.filter(|byte| **byte == b'\n').count() + 1)
        };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or_else(|| path.to_owned(), |span| place(span.start));
            Failure::new(format!("{at}: this is not TOML: {}", error.message()))
        })?;
        let mut flat = Vec::new();
        flatten("", table.get_ref(), &mut flat);
        for (name, start, content) in flat {
            let place = place(start);
            if !keys.contains(&name.as_str()) {
                return Err(unknown(&place, &name, keys));
            }
            self.values.insert(name, Value { content, place });
        }
        Ok(())
    }

    /// Takes the options of the environment. An unknown one is only warned of: whoever starts us may
    /// put names there that begin like ours.
    pub fn read_environment(&mut self, environment: &Environment, keys: &[&str], others: &[&str]) {
        for (variable, value) in environment {
            let Some(name) = variable.strip_prefix("SCRIP_") else { continue };
            let key = keys.iter().find(|key| key.to_uppercase().replace('.', "_") == name);
            match key {
                Some(key) => {
                    let content = Content::Loose(value.clone());
                    let place = format!("the environment, {variable}");
                    if *key == "database" || *key == "database_file" {
                        // The environment wins over both ways in which the file may name it.
                        self.values.remove("database");
                        self.values.remove("database_file");
                    }
                    self.values.insert((*key).to_owned(), Value { content, place });
                }
                None if others.contains(&variable.as_str()) => {}
                None => self.warnings.push(format!("{variable} in the environment is no option")),
            }
        }
    }

    /// Takes a secret of the environment under a name that no file can give it.
    pub fn take_secret(&mut self, environment: &Environment, (name, variable): (&str, &str)) {
        if let Some(value) = environment.get(variable) {
            let content = Content::Loose(value.clone());
            let place = format!("the environment, {variable}");
            self.values.insert(name.to_owned(), Value { content, place });
        }
    }

    /// What is not wrong, but probably not meant.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The option called `key`, read by `read`, which must be `expected`. The value is not repeated in
    /// the refusal: it may be a secret in the wrong place.
    pub fn read<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Outcome<Option<T>> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        match read(value) {
            Some(read) => Ok(Some(read)),
            None => Err(Failure::new(format!("{}: {key} must be {expected}", value.place))),
        }
    }

    pub fn text(&self, key: &str) -> Outcome<Option<String>> {
        self.read(key, "a text", |value| value.text().map(str::to_owned))
    }

    pub fn flag(&self, key: &str) -> Outcome<Option<bool>> {
        self.read(key, "true or false", Value::flag)
    }

    pub fn number<T: TryFrom<i64>>(
        &self,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Outcome<Option<T>> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(key, &expected, |value| {
            let number = value.number().filter(|number| range.contains(number))?;
            T::try_from(number).ok()
        })
    }

    pub fn seconds(&self, key: &str, range: RangeInclusive<i64>) -> Outcome<Option<Duration>> {
        Ok(self.number(key, range)?.map(Duration::from_secs))
    }

    pub fn socket(&self, key: &str) -> Outcome<Option<SocketAddr>> {
        let expected = "an address and port such as 127.0.0.1:8080";
        self.read(key, expected, |value| value.text()?.parse().ok())
    }
}

/// The leaves of a table, with the place where each key stands.
fn flatten(prefix: &str, table: &DeTable<'_>, out: &mut Vec<(String, usize, Content)>) {
    for (key, value) in table {
        let name = format!("{prefix}{}", key.get_ref());
        let content = match value.get_ref() {
            DeValue::Table(inner) => {
                flatten(&format!("{name}."), inner, out);
                continue;
            }
            DeValue::String(text) => Content::Text(text.to_string()),
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix());
                number.map_or(Content::Other, Content::Number)
            }
            DeValue::Boolean(flag) => Content::Flag(*flag),
            DeValue::Array(list) => {
                let texts = list.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
                texts.collect::<Option<_>>().map_or(Content::Other, Content::List)
            }
            DeValue::Float(_) | DeValue::Datetime(_) => Content::Other,
        };
        out.push((name, key.span().start, content));
    }
}

fn unknown(place: &str, name: &str, keys: &[&str]) -> Failure {
    let failure = Failure::new(format!("{place}: there is no option {name}"));
    match nearest(name, keys) {
        Some(near) => failure.advise(format!("Do you mean {near}?")),
        None => failure.advise("`scrip config print-default` shows every option."),
    }
}

/// The key that `name` was probably meant to be.
fn nearest<'k>(name: &str, keys: &[&'k str]) -> Option<&'k str> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let far = |key: &str| distance(name, key).min(distance(&last(name), &last(key)) + 1);
    let near = keys.iter().min_by_key(|key| far(key))?;
    (far(near) <= 1 + name.len() / 3).then_some(near)
}

/// How many letters must be put in, taken out or exchanged to make one word of the other
/// (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        for (j, b) in other.iter().enumerate() {
            let above = row[j + 1];
            let cost = usize::from(a != *b);
            row[j] = left;
            left = (diagonal + cost).min(above + 1).min(left + 1);
            diagonal = above;
        }
        row[other.len()] = left;
    }
    row[other.len()]
}
