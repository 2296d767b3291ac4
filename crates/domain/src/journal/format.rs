//! How each format writes what a journal is made of.

use std::fmt;

use super::{Figure, Format, Posting};
use crate::amount::{Amount, Unit};
use crate::time::{Span, Timestamp};

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        let width = scale.saturating_add(1);
        let digits = format!("{:0>width$}", self.units.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(scale));
        let sign = if self.units < 0 { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

impl Figure {
    /// None of `unit`.
    pub(super) fn zero(self) -> Self {
        Self { units: 0, ..self }
    }

    /// With its unit. hledger reads a unit with digits in it only in quotes.
    pub(super) fn with_unit(self, format: Format) -> String {
        let unit = self.unit.as_str();
        if format == Format::Hledger && !unit.bytes().all(|b| b.is_ascii_alphabetic()) {
            format!("{self} \"{unit}\"")
        } else {
            format!("{self} {unit}")
        }
    }
}

/// The largest amount of a unit, as a pattern of how it is written.
pub(super) fn pattern(unit: Unit, scale: u8) -> String {
    let figure = Figure { units: i128::from(Amount::MAX.units()), unit, scale };
    let text = figure.with_unit(Format::Hledger);
    // A whole number says by a point at its end that it has no decimals.
    if scale == 0 { text.replacen(' ', ". ", 1) } else { text }
}

/// A text in quotes, on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text after `;`, on one line; a comma would end a tag.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == ',' { ' ' } else { c }).collect()
}

/// A line of an entry.
pub(super) fn posting(posting: &Posting, format: Format) -> String {
    format!("    {}  {}\n", posting.account, posting.figure.with_unit(format))
}

/// The day after.
pub(super) fn next_day(at: Timestamp) -> String {
    at.plus(Span::days(1)).date()
}

/// A field of CSV. What a spreadsheet would take for a formula is kept from it by an apostrophe.
pub fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r', ';']) || text != text.trim() {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}
