//! `tallow` draws numbers from a file or from standard input as bars, or as one line of blocks.
//!
//! It is the program that the demo sells: small, useful, and really run by who buys it. It stands
//! alone, as the programs of Scrip's users do.

mod chart;
mod options;
mod series;

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::process::ExitCode;

use options::{Asked, Options};
use series::Series;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("tallow: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let options = match options::read(std::env::args().skip(1))? {
        Asked::Help => return print(options::HELP),
        Asked::Version => return print(concat!("tallow ", env!("CARGO_PKG_VERSION"))),
        Asked::Draw(options) => options,
    };
    let series = Series::read(BufReader::new(open(&options)?), &options)?;
    if series.points.is_empty() {
        return Err("there are no numbers to draw".into());
    }
    let text =
        if options.line { chart::line(&series) } else { chart::bars(&series, options.width) };
    print(text.trim_end())
}

fn open(options: &Options) -> Result<Box<dyn Read>, String> {
    match options.file.as_deref() {
        None | Some("-") => Ok(Box::new(io::stdin())),
        Some(path) => match File::open(path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(format!("cannot read {path}: {error}")),
        },
    }
}

/// A reader that went away (`| head`) is no error.
fn print(text: &str) -> Result<(), String> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}
