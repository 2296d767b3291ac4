//! Reading what comes in, into types: JSON, and the pairs of queries and forms. What is wrong names its place.

pub mod json;
pub mod pairs;

use std::fmt;

use serde::de;

/// What could not be read, and where. Each of a hundred types is read by code of its own, and what follows the place
/// through it is part of all that code: so it is as little as can be, and only what is wrong has a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    path: String,
    message: String,
}

impl Misread {
    /// Where: `lines[0].quantity`, or `.` when it is the whole.
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "." } else { &self.path }
    }

    /// What is wrong, in serde's words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// It is wrong in the member `name` of something.
    fn within(mut self, name: &str) -> Self {
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
        write!(f, "{}: {}", self.path(), self.message)
    }
}

impl std::error::Error for Misread {}

impl de::Error for Misread {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { path: String::new(), message: message.to_string() }
    }
}
