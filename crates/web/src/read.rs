//! Reading what comes in, into types: JSON, and the pairs of queries and forms. What is wrong names its place.

pub mod json;
pub mod pairs;

use std::fmt;

use serde::de::{self, Error, Expected, Unexpected};

/// What could not be read, and where. Each of a hundred types is read by code of its own, and what follows the place
/// through it is part of all that code: so it is as little as can be, and only what is wrong has a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    path: String,
    wrong: Wrong,
}

/// What is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// There is no such field.
    Unknown,
    /// What is to be there, in the words of the contract.
    Otherwise(String),
}

impl Misread {
    /// Where: `lines[0].quantity`, or `.` when it is the whole.
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "." } else { &self.path }
    }

    /// What is wrong there.
    pub fn wrong(&self) -> &Wrong {
        &self.wrong
    }

    /// The field `name` is given twice.
    pub fn twice(name: &str) -> Self {
        Self::custom("this field is given twice").within(name)
    }

    /// It is wrong in the member `name` of something.
    pub fn within(mut self, name: &str) -> Self {
        let between = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{name}{between}{}", self.path);
        self
    }

    /// It is wrong in the element `index` of something.
    fn at(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wrong {
            Wrong::Unknown => write!(f, "there is no field {}", self.path),
            Wrong::Otherwise(words) => write!(f, "{}: {words}", self.path()),
        }
    }
}

impl std::error::Error for Misread {}

/// Serde would say it in words of Rust: a `u32`, a sequence, a variant. These are JSON's and the contract's.
impl de::Error for Misread {
    fn custom<T: fmt::Display>(words: T) -> Self {
        Self { path: String::new(), wrong: Wrong::Otherwise(words.to_string()) }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {}, not {}", wanted(expected), given(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unsigned(number) => {
                Self::custom(format_args!("expected a smaller whole number, not {number}"))
            }
            found => Self::invalid_type(found, expected),
        }
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {}, not {length}", wanted(expected)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        let words: Vec<_> = expected.iter().map(|word| format!("`{word}`")).collect();
        match words.split_last() {
            Some((last, [])) => Self::custom(format_args!("expected {last}")),
            Some((last, others)) => {
                Self::custom(format_args!("expected {} or {last}", others.join(", ")))
            }
            None => Self::custom("expected nothing"),
        }
    }

    fn unknown_field(name: &str, _: &'static [&'static str]) -> Self {
        Self { path: name.to_owned(), wrong: Wrong::Unknown }
    }

    fn missing_field(name: &'static str) -> Self {
        Self::custom("this field is required").within(name)
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::twice(name)
    }
}

/// What was to be there. A number's width in memory is no word of the contract.
fn wanted(expected: &dyn Expected) -> String {
    let rust = expected.to_string();
    let word = match rust.as_str() {
        "u8" | "u16" | "u32" | "u64" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "a text",
        "a sequence" => "a list",
        "a map" => "an object",
        _ => return rust,
    };
    word.to_owned()
}

/// What is there. No text is repeated.
fn given(found: Unexpected<'_>) -> String {
    let word = match found {
        Unexpected::Bool(value) => return value.to_string(),
        Unexpected::Unsigned(number) => return number.to_string(),
        Unexpected::Signed(number) => return number.to_string(),
        // With its point: 250.0 is no whole number here.
        Unexpected::Float(number) => return format!("{number:?}"),
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq | Unexpected::TupleVariant => "a list",
        Unexpected::Other(word) => word,
        _ => "an object",
    };
    word.to_owned()
}
