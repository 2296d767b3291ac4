//! What is wrong in a folder, and where.

use std::error::Error;
use std::fmt;

/// Something wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line of `catalog.toml`; 0 when it is about the file as a whole.
    pub line: usize,
    /// The path of the key, such as `products[0].offers[1].price`.
    pub key: String,
    /// What is wrong.
    pub text: String,
}

/// Everything that is wrong in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes {
    /// The file that the lines count in.
    pub file: String,
    /// In the order of their lines.
    pub all: Vec<Mistake>,
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = self.all.len();
        writeln!(f, "the folder has {many} mistake{}:", if many == 1 { "" } else { "s" })?;
        for Mistake { line, key, text } in &self.all {
            write!(f, "\n  {}", self.file)?;
            if *line > 0 {
                write!(f, ":{line}")?;
            }
            if !key.is_empty() {
                write!(f, ": {key}")?;
            }
            write!(f, ": {text}")?;
        }
        Ok(())
    }
}

impl Error for Mistakes {}
