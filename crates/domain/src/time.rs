//! Instants and spans. Time is an argument: nothing in this crate knows what time it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970 in UTC. Shown and written as RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The day with which instants are counted.
const EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);

impl Timestamp {
    /// The instant `millis` milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down, as JOSE claims want them.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The same for what counts no seconds before 1970.
    pub const fn unix_seconds(self) -> u64 {
        let seconds = self.seconds();
        if seconds < 0 { 0 } else { seconds.unsigned_abs() }
    }

    /// The instant so many seconds after 1970, as signed documents tell it; the end of time for what is out of range.
    pub fn from_unix_seconds(seconds: u64) -> Self {
        Self(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000))
    }

    /// The same of milliseconds.
    pub fn from_unix_millis(millis: u64) -> Self {
        Self(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    /// The instant `span` later; the end of time instead of an overflow.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The instant `span` earlier.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The time from `earlier` to this instant; nothing when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        let millis = self.0.saturating_sub(earlier.0);
        Span(if millis < 0 { 0 } else { millis })
    }

    /// Its day in UTC, `2026-11-22`.
    pub fn date(self) -> String {
        let days = self.0.div_euclid(86_400_000);
        let since = jiff::SignedDuration::from_secs(days.saturating_mul(86_400));
        EPOCH.checked_add(since).map_or_else(|_| self.to_string(), |date| date.to_string())
    }

    /// The beginning of a day in UTC, `2026-11-22`; `None` when it is none.
    pub fn parse_date(date: &str) -> Option<Self> {
        let is_date = date.len() == 10 && date.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let date: jiff::civil::Date = is_date.then(|| date.parse().ok()).flatten()?;
        let since = date.duration_since(EPOCH);
        Some(Self(since.as_secs().saturating_mul(1000)))
    }

    /// The beginning of its day (UTC).
    #[must_use]
    pub const fn midnight(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(Span::days(1).0)))
    }

    /// Reads RFC 3339; `None` when it is not that.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

/// An instant as its milliseconds, where bytes count: for `#[serde(with = "time::millis")]`. Reads RFC 3339, too.
pub mod millis {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Timestamp;

    #[expect(missing_docs, reason = "named by serde")]
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.millis())
    }

    #[expect(missing_docs, reason = "named by serde")]
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Millis(i64),
            Text(Timestamp),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Millis(millis) => Timestamp::from_millis(millis),
            Either::Text(at) => at,
        })
    }
}

/// A length of time in milliseconds, never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(i64);

impl Span {
    /// `millis` milliseconds.
    pub const fn millis(millis: u32) -> Self {
        Self(widen(millis))
    }

    /// `seconds` seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(widen(seconds).saturating_mul(1000))
    }

    /// `minutes` minutes.
    pub const fn minutes(minutes: u32) -> Self {
        Self(widen(minutes).saturating_mul(60_000))
    }

    /// `hours` hours.
    pub const fn hours(hours: u32) -> Self {
        Self(widen(hours).saturating_mul(3_600_000))
    }

    /// `days` days of 24 hours.
    pub const fn days(days: u32) -> Self {
        Self(widen(days).saturating_mul(86_400_000))
    }

    /// How many milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

#[expect(clippy::as_conversions, reason = "`i64::from` is not const yet; widening loses nothing")]
const fn widen(count: u32) -> i64 {
    count as i64
}

/// Where the time comes from. The real clock lives in the binary; tests and the simulator bring theirs.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Where chance comes from. The operating system's lives in the binary; tests bring a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_rfc_3339() {
        let at = Timestamp::from_millis(1_795_390_200_123);
        assert_eq!(at.to_string(), "2026-11-22T23:30:00.123Z");
        assert_eq!(Timestamp::parse("2026-11-22T23:30:00.123Z"), Some(at));
        assert_eq!(Timestamp::parse("yesterday"), None);
        assert_eq!(at.date(), "2026-11-22");
        let midnight = Timestamp::parse_date("2026-11-22");
        assert_eq!(midnight, Timestamp::parse("2026-11-22T00:00:00Z"));
        for day in ["0001-01-01", "1969-12-31", "9999-12-31"] {
            assert_eq!(Timestamp::parse_date(day).unwrap().date(), day);
        }
        assert_eq!(Timestamp::from_millis(-1).date(), "1969-12-31");
        for bad in ["2026-11-31", "2026-1-1", "20261122", "2026-11-22T00:00:00Z", "+026-11-22"] {
            assert_eq!(Timestamp::parse_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn spans_never_run_backwards() {
        let noon = Timestamp::from_millis(43_200_000);
        assert_eq!(noon.plus(Span::hours(1)).since(noon), Span::minutes(60));
        assert_eq!(noon.since(noon.plus(Span::days(1))), Span::millis(0));
        assert_eq!(noon.minus(Span::seconds(1)).seconds(), 43_199);
    }
}
