//! Drawings in text.

use std::fmt::Write;

use crate::series::Series;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// A bar's end, in eighths of a character.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Everything in one line, each number a block between the smallest and the largest.
pub fn line(series: &Series) -> String {
    let (low, high) = series.range();
    series.points.iter().map(|(_, number)| BLOCKS[share(*number, low, high, 7)]).collect()
}

/// A bar for each number, from zero to the right; one below zero has its number only.
pub fn bars(series: &Series, width: usize) -> String {
    let (_, high) = series.range();
    let longest = series.points.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, number) in &series.points {
        let eighths = share(number.max(0.0), 0.0, high.max(0.0), width * 8);
        let bar = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
        let gap = if longest == 0 { "" } else { "  " };
        let space = if bar.is_empty() { "" } else { " " };
        let _ = writeln!(text, "{name:longest$}{gap}{bar}{space}{number}");
    }
    text
}

/// Where `number` lies between `low` and `high`, from 0 to `most`.
fn share(number: f64, low: f64, high: f64, most: usize) -> usize {
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let part = if high > low { (number - low) / (high - low) } else { 0.0 };
    // Counted up to instead of cast: a drawing is small.
    let wanted = part * f64::from(most);
    (1..=most).take_while(|step| f64::from(*step) - 0.5 <= wanted).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(numbers: &[f64]) -> Series {
        let points = numbers.iter().enumerate().map(|(at, number)| (format!("n{at}"), *number));
        Series { points: points.collect() }
    }

    #[test]
    fn a_line_reaches_from_the_lowest_block_to_the_highest() {
        assert_eq!(line(&series(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])), "▁▂▃▄▅▆▇█");
        assert_eq!(line(&series(&[-1.0, 1.0])), "▁█");
        assert_eq!(line(&series(&[5.0, 5.0])), "▁▁");
    }

    #[test]
    fn bars_start_at_zero() {
        let expected = "n0  ████ 4\nn1  ██ 2\nn2  ▌ 0.5\nn3  0\nn4  -3\n";
        assert_eq!(bars(&series(&[4.0, 2.0, 0.5, 0.0, -3.0]), 4), expected);
    }
}
