//! `tallow` draws numbers from a file or from standard input as bars, or as one line of blocks.
//!
//! It is the program that the demo sells: small, useful, and really run by who buys it. It stands
//! alone, as the programs of Scrip's users do. It has no network: what it needs is carried to it.

mod chart;
mod license;
mod options;
mod series;
mod vendor;

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use license::License;
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
    let (options, asked) = options::read(std::env::args().skip(1))?;
    let path = options.license.as_deref();
    match asked {
        Asked::Help => return print(options::HELP),
        Asked::Version => return print(concat!("tallow ", env!("CARGO_PKG_VERSION"))),
        Asked::Request => return print(&license::request(path)?),
        Asked::GiveBack => return print(&license::give_back(path)?),
        Asked::Status => return print(&License::find(path, now())?.status()),
        Asked::Draw => {}
    }
    let mut license = License::find(path, now())?;
    let series = Series::read(BufReader::new(open(&options)?), &options)?;
    if series.points.is_empty() {
        return Err("there are no numbers to draw".into());
    }
    license.draw()?;
    let text =
        if options.line { chart::line(&series) } else { chart::bars(&series, options.width) };
    print(text.trim_end())
}

#[expect(clippy::disallowed_methods, reason = "a program that is sold has a real clock")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
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
