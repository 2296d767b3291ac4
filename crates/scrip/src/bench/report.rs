//! The figures, for people and for scripts.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::record::Record;

/// What a run has shown.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// What was asked for.
    pub(super) load: &'static str,
    pub(super) server: String,
    pub(super) connections: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accounts: Option<u32>,
    pub(super) seconds: f64,
    /// The rate of the open loop.
    pub(super) asked_per_second: Option<u32>,
    pub(super) answers: u64,
    pub(super) per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mib_per_second: Option<f64>,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) p999_ms: f64,
    pub(super) max_ms: f64,
    pub(super) errors: BTreeMap<String, u64>,
    /// Requests of the open loop that were due and could not be sent: the latencies are then lower
    /// bounds.
    pub(super) unsent: u64,
    /// What the generator itself took for each request.
    pub(super) generator_cpu_us: f64,
}

/// What was run, as the report's first line tells it.
#[derive(Debug)]
pub(super) struct About {
    pub(super) load: &'static str,
    pub(super) server: String,
    pub(super) connections: u32,
    pub(super) accounts: Option<u32>,
    pub(super) rate: Option<u32>,
}

impl Report {
    pub(super) fn new(about: About, record: &Record, cpu: Duration) -> Self {
        let (seconds, answers) = (record.seconds(), record.answers());
        let millis = |latency: Duration| latency.as_secs_f64() * 1e3;
        let bytes = Some(record.bytes()).filter(|&bytes| bytes > 0);
        Self {
            load: about.load,
            server: about.server,
            connections: about.connections,
            accounts: about.accounts,
            seconds,
            asked_per_second: about.rate,
            answers,
            per_second: float(answers) / seconds,
            mib_per_second: bytes.map(|bytes| float(bytes) / seconds / f64::from(1 << 20)),
            p50_ms: millis(record.percentile(50.0)),
            p99_ms: millis(record.percentile(99.0)),
            p999_ms: millis(record.percentile(99.9)),
            max_ms: millis(record.max()),
            errors: record.errors().clone(),
            unsent: record.unsent_requests(),
            generator_cpu_us: cpu.as_secs_f64() * 1e6 / float(record.exchanges().max(1)),
        }
    }

    /// How many requests were not answered as they should be.
    pub(super) fn failures(&self) -> u64 {
        self.errors.values().sum::<u64>() + self.unsent
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures are read to four digits")]
fn float(count: u64) -> f64 {
    count as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {} connections", self.load, self.server, self.connections)?;
        if let Some(accounts) = self.accounts {
            write!(f, ", {} accounts", grouped(accounts.into()))?;
        }
        match self.asked_per_second {
            Some(rate) => write!(f, ", {} asked per second", grouped(rate.into()))?,
            None => write!(f, ", each as fast as it is answered")?,
        }
        writeln!(f, ", {} s\n", self.seconds)?;
        let mut line =
            |name: &str, value: String, unit: &str| writeln!(f, "  {name:<9} {value:>12} {unit}");
        if let Some(mib) = self.mib_per_second {
            line("rate", format!("{mib:.0}"), "MiB/s")?;
            line("files", rate(self.per_second), "/s")?;
        } else {
            line("rate", rate(self.per_second), "/s")?;
        }
        for (name, millis) in [
            ("p50", self.p50_ms),
            ("p99", self.p99_ms),
            ("p99.9", self.p999_ms),
            ("max", self.max_ms),
        ] {
            line(name, format!("{millis:.2}"), "ms")?;
        }
        line("answers", grouped(self.answers), "")?;
        line("generator", format!("{:.1}", self.generator_cpu_us), "us of CPU for each")?;
        if self.unsent > 0 {
            line("unsent", grouped(self.unsent), "were due: latencies are lower bounds")?;
        }
        if self.errors.is_empty() {
            return line("errors", "none".to_owned(), "");
        }
        self.errors.iter().try_for_each(|(code, count)| line("error", grouped(*count), code))
    }
}

fn rate(per_second: f64) -> String {
    if per_second < 100.0 {
        return format!("{per_second:.2}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive rate")]
    grouped(per_second.round() as u64)
}

/// Digits in groups of three, as a person reads them.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn report(record: &Record) -> Report {
        let about = About {
            load: "purchases",
            server: "http://localhost".to_owned(),
            connections: 8,
            accounts: Some(100_000),
            rate: Some(2000),
        };
        Report::new(about, record, Duration::from_millis(2))
    }

    fn record() -> Record {
        let now = Instant::now();
        let mut record = Record::new(now - Duration::from_secs(2)..now + Duration::from_secs(2));
        for _ in 0..1000 {
            record.answered(now - Duration::from_secs(1));
        }
        record
    }

    #[tokio::test]
    async fn rates_are_of_the_window() {
        let report = report(&record());
        assert!((report.per_second - 250.0).abs() < 1e-9);
        assert!((report.generator_cpu_us - 2.0).abs() < 1e-9);
        assert!(report.p50_ms >= 1000.0 && report.p50_ms < 1100.0);
        assert_eq!(report.failures(), 0);
        assert!(report.to_string().contains("100 000 accounts, 2 000 asked per second, 4 s"));
    }

    #[tokio::test]
    async fn failures_are_told() {
        let mut record = record();
        record.failed("busy");
        (0..3).for_each(|_| record.unsent(Instant::now()));
        let report = report(&record);
        assert_eq!(report.failures(), 4);
        let text = report.to_string();
        assert!(text.contains("1 busy") && text.contains("3 were due"), "{text}");
    }

    #[test]
    fn numbers_are_grouped() {
        let grouped: Vec<_> = [0, 999, 1000, 1_234_567].into_iter().map(grouped).collect();
        assert_eq!(grouped, ["0", "999", "1 000", "1 234 567"]);
    }
}
