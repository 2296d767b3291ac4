//! Numbers with names.

use std::io::BufRead;

use crate::options::Options;

/// The most numbers of one drawing.
const MOST: usize = 100_000;

/// Numbers in their order.
#[derive(Debug, Default, PartialEq)]
pub struct Series {
    /// Names and numbers.
    pub points: Vec<(String, f64)>,
}

impl Series {
    /// Reads lines; those without a number are passed over.
    pub fn read(lines: impl BufRead, options: &Options) -> Result<Self, String> {
        let mut points = Vec::new();
        for line in lines.lines() {
            let line = line.map_err(|error| format!("cannot read: {error}"))?;
            if let Some(point) = point(&line, options) {
                points.push(point);
            }
            if points.len() > MOST {
                return Err(format!("there are more than {MOST} numbers"));
            }
        }
        Ok(Self { points })
    }

    /// The smallest and the largest.
    pub fn range(&self) -> (f64, f64) {
        let numbers = self.points.iter().map(|(_, number)| *number);
        numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
            (low.min(number), high.max(number))
        })
    }
}

fn point(line: &str, options: &Options) -> Option<(String, f64)> {
    let cell = |column: usize| line.split(',').nth(column - 1).map(str::trim);
    let number = match options.column {
        Some(column) => cell(column)?,
        None => line.trim(),
    };
    let number: f64 = number.parse().ok().filter(|number: &f64| number.is_finite())?;
    let label = options.label.and_then(cell).unwrap_or_default();
    Some((label.to_owned(), number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::read;

    fn series(args: &str, text: &str) -> Series {
        let (options, _) = read(args.split_whitespace().map(str::to_owned)).unwrap();
        Series::read(text.as_bytes(), &options).unwrap()
    }

    #[test]
    fn headings_and_what_is_no_number_are_passed_over() {
        let text = "# tides\ntime,metres\n00:00, 1.5\n01:00,inf\n02:00\n03:00,-2\n";
        let points = vec![("00:00".to_owned(), 1.5), ("03:00".to_owned(), -2.0)];
        assert_eq!(series("-c 2 -l 1", text), Series { points });
        assert_eq!(series("", "1\n\nx\n2.5").range(), (1.0, 2.5));
    }
}
