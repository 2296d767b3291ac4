//! How far a long command is, on standard error: for people who watch, not for logs.

use std::io::{self, IsTerminal, Read, Write};
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

/// How a long command tells what it does.
#[derive(Clone, Copy, Debug, Args)]
pub struct Telling {
    /// Say nothing on the way
    #[arg(long)]
    pub quiet: bool,
    /// A JSON object instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// Between two lines.
const PAUSE: Duration = Duration::from_millis(500);

/// What was done of what.
#[derive(Debug)]
pub struct Progress {
    shown: bool,
    told: Option<Instant>,
    bytes: u64,
}

impl Progress {
    /// Told to whoever sits at the terminal; to nobody when `quiet`, or where there is none.
    pub fn new(quiet: bool) -> Self {
        Self { shown: !quiet && io::stderr().is_terminal(), told: None, bytes: 0 }
    }

    /// A table and how many of its rows were gone through.
    pub fn rows(&mut self, table: &str, rows: u64) {
        self.tell(|| format!("{table}: {rows} rows"));
    }

    /// Counts what is read.
    pub fn reading<'a, R: Read>(&'a mut self, what: &'static str, inner: R) -> Reading<'a, R> {
        Reading { inner, what, progress: self }
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        let is_due = self.told.is_none_or(|told| told.elapsed() >= PAUSE);
        if self.shown && is_due {
            self.told = Some(Instant::now());
            let mut out = io::stderr().lock();
            // Nobody needs to read it.
            let _ = write!(out, "\r\x1b[K{}", what());
            let _ = out.flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown && self.told.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// A reader that tells how far it is.
#[derive(Debug)]
pub struct Reading<'a, R> {
    inner: R,
    what: &'static str,
    progress: &'a mut Progress,
}

impl<R: Read> Read for Reading<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.progress.bytes += count as u64;
        let (what, megabytes) = (self.what, self.progress.bytes >> 20);
        self.progress.tell(|| format!("{what}: {megabytes} MiB"));
        Ok(count)
    }
}
