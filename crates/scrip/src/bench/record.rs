//! What came of the requests.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

/// Everything above an hour is an hour.
const LONGEST_MICROS: u64 = 3_600_000_000;

/// Counts the answers that come within the window, and how long those were waited for that were due
/// within it.
#[derive(Debug)]
pub(super) struct Record {
    window: Range<Instant>,
    /// In microseconds, to three digits.
    latencies: Histogram<u64>,
    answers: u64,
    unsent: u64,
    errors: BTreeMap<String, u64>,
    bytes: u64,
    exchanges: u64,
}

impl Record {
    pub(super) fn new(window: Range<Instant>) -> Self {
        let latencies = Histogram::new_with_bounds(1, LONGEST_MICROS, 3);
        let latencies = latencies.expect("constant bounds that make a histogram");
        let errors = BTreeMap::new();
        Self { window, latencies, answers: 0, unsent: 0, errors, bytes: 0, exchanges: 0 }
    }

    /// A right answer has come just now.
    pub(super) fn answered(&mut self, due: Instant) {
        let now = Instant::now();
        self.exchanges += 1;
        self.answers += u64::from(self.window.contains(&now));
        self.waited(due, now);
    }

    /// A request that is due will never be sent. It has waited in vain so far, which counts as its
    /// latency.
    pub(super) fn unsent(&mut self, due: Instant) {
        self.unsent += 1;
        self.waited(due, Instant::now());
    }

    fn waited(&mut self, due: Instant, now: Instant) {
        if self.window.contains(&due) {
            let micros = u64::try_from((now - due).as_micros()).unwrap_or(u64::MAX);
            self.latencies.saturating_record(micros.max(1));
        }
    }

    /// Something else has come, or nothing. It counts even while warming up: no error is an
    /// accident.
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
        self.answers
    }

    pub(super) fn unsent_requests(&self) -> u64 {
        self.unsent
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
    async fn answers_count_by_when_they_come_and_latencies_by_when_they_were_due() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut record = Record::new(now - second..now + second * 3600);
        record.answered(now - second * 2);
        record.answered(now);
        assert_eq!((record.answers(), record.latencies.len()), (2, 1));

        let mut record = Record::new(now - second * 2..now - second);
        record.answered(now - second * 2);
        record.came(7);
        record.unsent(now - second * 2);
        assert_eq!((record.answers(), record.bytes(), record.exchanges()), (0, 0, 1));
        assert_eq!((record.latencies.len(), record.unsent_requests()), (2, 1));
        assert!((record.seconds() - 1.0).abs() < f64::EPSILON);
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
