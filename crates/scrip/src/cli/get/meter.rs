//! How far a download is: one line on a terminal, which is written over.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tokio::time::Instant;

/// Between two lines.
const PAUSE: Duration = Duration::from_millis(200);
/// Over which time the rate is reckoned.
const WINDOW: Duration = Duration::from_secs(5);
/// Signs of the bar.
const BAR: usize = 20;

/// What is shown to whoever sits at the terminal.
#[derive(Debug)]
pub struct Meter {
    shown: bool,
    name: String,
    size: u64,
    at: u64,
    told: Option<Instant>,
    /// When the window began, and how far it was then.
    since: (Instant, u64),
}

impl Meter {
    /// Shown on a terminal, unless `quiet`.
    pub fn new(quiet: bool) -> Self {
        let shown = !quiet && io::stderr().is_terminal();
        Self { shown, name: String::new(), size: 0, at: 0, told: None, since: (Instant::now(), 0) }
    }

    /// A file is gone on with.
    pub fn begin(&mut self, name: &str, at: u64, size: u64) {
        (self.name, self.size) = (name.to_owned(), size);
        self.back_to(at);
    }

    /// It begins anew from there.
    pub fn back_to(&mut self, at: u64) {
        (self.at, self.since) = (at, (Instant::now(), at));
    }

    /// So much is there.
    pub fn at(&mut self, at: u64) {
        self.at = at;
        if !self.shown || self.told.is_some_and(|told| told.elapsed() < PAUSE) {
            return;
        }
        let line = line(&self.name, at, self.size, self.rate());
        self.write(&line);
        if self.since.0.elapsed() > WINDOW {
            self.since = (Instant::now(), at);
        }
    }

    /// Something is waited for.
    pub fn wait(&mut self, why: &str) {
        if self.shown {
            let line = format!("{}: {why}", self.name);
            self.write(&line);
        }
        self.back_to(self.at);
    }

    /// Bytes a second.
    fn rate(&self) -> u64 {
        let millis = u64::try_from(self.since.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.at.saturating_sub(self.since.1).saturating_mul(1000) / millis.max(1)
    }

    fn write(&mut self, line: &str) {
        self.told = Some(Instant::now());
        let mut out = io::stderr().lock();
        // Nobody needs to read it.
        let _ = write!(out, "\r\x1b[K{line}");
        let _ = out.flush();
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.told.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// The line: a bar, how much of how much, how fast, how long still.
fn line(name: &str, at: u64, size: u64, rate: u64) -> String {
    let percent = at.saturating_mul(100).checked_div(size).unwrap_or(100).min(100);
    let full = usize::try_from(percent).unwrap_or(100) * BAR / 100;
    let bar = format!("{}{}", "#".repeat(full), "-".repeat(BAR - full));
    let left = size.saturating_sub(at).checked_div(rate);
    let left = left.map_or_else(String::new, |seconds| format!(", {} left", span(seconds)));
    format!("{name} [{bar}] {percent}% of {}, {}/s{left}", bytes(size), bytes(rate))
}

fn bytes(count: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = count.saturating_mul(10) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{} KiB", tenths(1 << 10)),
        1_048_576..1_073_741_824 => format!("{} MiB", tenths(1 << 20)),
        _ => format!("{} GiB", tenths(1 << 30)),
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is() {
        assert_eq!(
            line("noise.wav", 53 << 20, 212 << 20, 10 << 20),
            "noise.wav [#####---------------] 25% of 212.0 MiB, 10.0 MiB/s, 15 s left"
        );
        assert_eq!(line("x", 0, 0, 0), "x [####################] 100% of 0 B, 0 B/s");
        assert_eq!(span(61), "2 min");
    }
}
