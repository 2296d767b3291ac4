//! What came of the requests.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

/// Everything above an hour is an hour.
const LONGEST_MICROS: u64 = 3_600_000_000;

/// Counts answers and their latency; only requests that were due within the window count.
#[derive(Debug)]
pub(super) struct Record {
    window: Range<Instant>,
    /// In microseconds, to three digits.
    latencies: Histogram<u64>,
    errors: BTreeMap<String, u64>,
    bytes: u64,
    exchanges: u64,
}

impl Record {
    pub(super) fn new(window: Range<Instant>) -> Self {
        let latencies = Histogram::new_with_bounds(1, LONGEST_MICROS, 3);
        let latencies = latencies.expect("constant bounds that make a histogram");
        Self { window, latencies, errors: BTreeMap::new(), bytes: 0, exchanges: 0 }
    }

    /// A right answer has come just now.
    pub(super) fn answered(&mut self, due: Instant) {
        self.exchanges += 1;
        if self.window.contains(&due) {
            let micros = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.latencies.saturating_record(micros.max(1));
        }
    }

    /// Something else has come, or nothing. It counts even while warming up: no error is an accident.
    pub(super) fn failed(&mut self, code: &str) {
        self.exchanges += 1;
        if let Some(count) = self.errors.get_mut(code) {
            *count += 1;
        } else {
            self.errors.insert(code.to_owned(), 1);
        }
    }

    /// So many bytes of a body have come just now.
    pub(super) fn came(&mut self, bytes: u64) {
        if self.window.contains(&Instant::now()) {
            self.bytes += bytes;
        }
    }

    pub(super) fn seconds(&self) -> f64 {
        (self.window.end - self.window.start).as_secs_f64()
    }

    pub(super) fn answers(&self) -> u64 {
        self.latencies.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All requests that ended in some way, those of the warm-up too.
    pub(super) fn exchanges(&self) -> u64 {
        self.exchanges
    }

    pub(super) fn errors(&self) -> &BTreeMap<String, u64> {
        &self.errors
    }

    /// The latency that so many percent of the answers did not exceed.
    pub(super) fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.latencies.value_at_percentile(percent))
    }

    pub(super) fn max(&self) -> Duration {
        Duration::from_micros(self.latencies.max())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_window_counts() {
        let start = Instant::now() - Duration::from_secs(10);
        let mut record = Record::new(start..start + Duration::from_secs(5));
        let second = Duration::from_secs(1);
        record.answered(start - second);
        record.answered(start);
        record.answered(start + second);
        record.answered(start + second * 5);
        assert_eq!((record.answers(), record.exchanges()), (2, 4));
        assert!((record.seconds() - 5.0).abs() < f64::EPSILON);
        record.came(7);
        assert_eq!(record.bytes(), 0);
    }

    #[tokio::test]
    async fn latency_counts_from_when_a_request_was_due() {
        let now = Instant::now();
        let mut record = Record::new(now - Duration::from_mins(1)..now);
        for millis in 1..=1000 {
            record.answered(now - Duration::from_millis(millis));
        }
        let close = |got: Duration, meant: u64| got.as_millis().abs_diff(u128::from(meant)) < 20;
        assert!(close(record.percentile(50.0), 500), "{:?}", record.percentile(50.0));
        assert!(close(record.percentile(99.0), 990), "{:?}", record.percentile(99.0));
        assert!(close(record.max(), 1000), "{:?}", record.max());
    }

    #[tokio::test]
    async fn errors_are_counted_by_code() {
        let now = Instant::now();
        let mut record = Record::new(now..now);
        for code in ["busy", "busy", "connection_broken"] {
            record.failed(code);
        }
        let counted: Vec<_> = record.errors().iter().map(|(code, n)| (code.as_str(), *n)).collect();
        assert_eq!(counted, [("busy", 2), ("connection_broken", 1)]);
    }
}
