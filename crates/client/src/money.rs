//! An amount of tokens or money as the API writes it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in the smallest unit of a token or currency. Arithmetic on it is the server's
/// business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// How many of the smallest unit.
    pub amount: u64,
    /// Token code or ISO 4217 code.
    pub unit: String,
    /// How a person reads it; only the server writes it.
    #[serde(default, skip_serializing)]
    pub display: String,
}

impl Money {
    /// An amount for a request.
    pub fn new(amount: u64, unit: &str) -> Self {
        Self { amount, unit: unit.to_owned(), display: String::new() }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.display.is_empty() {
            write!(f, "{} smallest units of {}", self.amount, self.unit)
        } else {
            f.write_str(&self.display)
        }
    }
}
