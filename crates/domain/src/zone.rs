//! Time zones: by which clock the people around a vendor tell the time.
//!
//! Their rules come with the program and not from the machine, so that every server, and every test, tells the same time.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Timestamp;

static ALL: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A time as a clock in some zone shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// The day, `2026-11-29`.
    pub day: String,
    /// Hour and minute, `23:30`.
    pub time: String,
    /// What the zone is called then, `CET`; where it has no such name, how far it is from UTC, `UTC+0545`.
    pub zone: String,
}

impl Zone {
    /// The zone with this name, such as `Europe/Berlin`.
    pub fn parse(name: &str) -> Option<Self> {
        if name == "UTC" {
            return Some(Self::default());
        }
        ALL.get(name).ok().filter(|zone| zone.iana_name().is_some()).map(Self)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Every name, in the order of the alphabet; `UTC` first.
    pub fn names() -> Vec<String> {
        let mut names: Vec<String> = ALL.available().map(|name| name.to_string()).collect();
        names.retain(|name| name != "UTC" && Self::parse(name).is_some());
        names.sort_unstable();
        names.insert(0, "UTC".to_owned());
        names
    }

    /// The time as a clock there shows it; `None` beyond the year 9999.
    pub fn local(&self, at: Timestamp) -> Option<Local> {
        let at = jiff::Timestamp::from_millisecond(at.millis()).ok()?.to_zoned(self.0.clone());
        let name = at.strftime("%Z").to_string();
        // Some zones have numbers in the place of a name.
        let numeric = name.starts_with(['+', '-']);
        Some(Local {
            day: at.date().to_string(),
            time: at.strftime("%H:%M").to_string(),
            zone: if numeric { format!("UTC{name}") } else { name },
        })
    }

    /// The first instant of a day there, `2026-11-22`; `None` when it is none.
    pub fn first_of(&self, day: &str) -> Option<Timestamp> {
        self.beginning(date(day)?)
    }

    /// The first instant after a day there.
    pub fn end_of(&self, day: &str) -> Option<Timestamp> {
        self.beginning(date(day)?.tomorrow().ok()?)
    }

    /// Reads a day, as its first instant, or a time as a clock there shows it, `2026-11-22 12:00`; or RFC 3339, which says
    /// itself how far it is from UTC. A time that a clock leaves out counts as if the clock had not been put forward, and of
    /// one that it shows twice the first is meant.
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        self.first_of(text).or_else(|| Timestamp::parse(text)).or_else(|| {
            let is_time = text.len() >= 16 && date(text.get(..10)?).is_some();
            let time: DateTime = is_time.then(|| text.parse().ok()).flatten()?;
            self.instant(time)
        })
    }

    fn beginning(&self, date: Date) -> Option<Timestamp> {
        self.instant(date.to_datetime(jiff::civil::Time::midnight()))
    }

    fn instant(&self, time: DateTime) -> Option<Timestamp> {
        let zoned = time.to_zoned(self.0.clone()).ok()?;
        Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
    }
}

fn date(text: &str) -> Option<Date> {
    let is_date = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    is_date.then(|| text.parse().ok()).flatten()
}

impl Default for Zone {
    /// UTC.
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| serde::de::Error::custom("not a time zone"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::parse(name).unwrap_or_else(|| panic!("{name} is a zone"))
    }

    fn told(name: &str, at: &str) -> String {
        let Local { day, time, zone } = zone(name).local(Timestamp::parse(at).unwrap()).unwrap();
        format!("{day} {time} {zone}")
    }

    #[test]
    fn a_clock_shows_summer_and_winter_and_half_hours() {
        for (name, at, shown) in [
            ("UTC", "2026-11-29T22:30:00Z", "2026-11-29 22:30 UTC"),
            ("Europe/Berlin", "2026-11-29T23:30:59Z", "2026-11-30 00:30 CET"),
            ("Europe/Berlin", "2026-07-01T22:30:00Z", "2026-07-02 00:30 CEST"),
            ("Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29 01:59 CET"),
            ("Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29 03:00 CEST"),
            ("Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25 02:30 CEST"),
            ("Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25 02:30 CET"),
            ("America/New_York", "2026-01-01T00:00:00Z", "2025-12-31 19:00 EST"),
            ("Asia/Kolkata", "2026-11-29T18:30:00Z", "2026-11-30 00:00 IST"),
            ("Asia/Kathmandu", "2026-11-29T18:15:00Z", "2026-11-30 00:00 UTC+0545"),
            ("Europe/Berlin", "1969-12-31T22:59:00Z", "1969-12-31 23:59 CET"),
        ] {
            assert_eq!(told(name, at), shown);
        }
        assert_eq!(zone("Europe/Berlin").local(Timestamp::from_millis(i64::MAX)), None);
    }

    #[test]
    fn days_begin_and_end_by_the_clock() {
        let berlin = zone("Europe/Berlin");
        let at = |text| Timestamp::parse(text);
        assert_eq!(berlin.first_of("2026-11-22"), at("2026-11-21T23:00:00Z"));
        // The longest and the shortest day.
        assert_eq!(berlin.first_of("2026-10-25"), at("2026-10-24T22:00:00Z"));
        assert_eq!(berlin.end_of("2026-10-25"), at("2026-10-25T23:00:00Z"));
        assert_eq!(berlin.end_of("2026-03-29"), at("2026-03-29T22:00:00Z"));
        // Where clocks are put forward at midnight, a day begins at one.
        let santiago = zone("America/Santiago");
        assert_eq!(santiago.first_of("2026-09-06"), at("2026-09-06T04:00:00Z"));
        assert_eq!(Zone::default().first_of("2026-11-22"), Timestamp::parse_date("2026-11-22"));
        for bad in ["2026-11-31", "2026-1-1", "20261122", "22.11.2026", "", "9999-99-99"] {
            assert_eq!(berlin.first_of(bad), None, "{bad}");
        }
        assert_eq!(berlin.end_of("9999-12-31"), None);
    }

    #[test]
    fn what_a_clock_leaves_out_or_shows_twice_is_read_as_people_mean_it() {
        let berlin = zone("Europe/Berlin");
        for (text, at) in [
            ("2026-11-22", "2026-11-21T23:00:00Z"),
            ("2026-11-22 12:00", "2026-11-22T11:00:00Z"),
            ("2026-11-22T12:00:30", "2026-11-22T11:00:30Z"),
            ("2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"),
            ("2026-11-22T12:00:00+05:30", "2026-11-22T06:30:00Z"),
            // Left out: between two and three nothing is shown.
            ("2026-03-29 02:30", "2026-03-29T01:30:00Z"),
            // Twice: the first, which is summer's.
            ("2026-10-25 02:30", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(berlin.read(text), Timestamp::parse(at), "{text}");
        }
        for bad in ["", "noon", "2026-11-22 25:00", "2026-11-22 1", "2026-13-01 12:00", "12:00"] {
            assert_eq!(berlin.read(bad), None, "{bad}");
        }
    }

    #[test]
    fn zones_are_known_by_their_names() {
        assert_eq!(Zone::parse("Europe/Berlin").unwrap().name(), "Europe/Berlin");
        for bad in ["", "Berlin", "Europe/Aurora", "CET+1", "../etc/localtime", "+01:00"] {
            assert_eq!(Zone::parse(bad), None, "{bad}");
        }
        let names = Zone::names();
        assert!(names.len() > 400 && names[0] == "UTC" && names.contains(&"Asia/Tokyo".to_owned()));
        let json = serde_json::to_string(&zone("Asia/Tokyo")).unwrap();
        assert_eq!(
            (&*json, serde_json::from_str::<Zone>(&json).unwrap()),
            ("\"Asia/Tokyo\"", zone("Asia/Tokyo"))
        );
        assert!(serde_json::from_str::<Zone>("\"Europe/Aurora\"").is_err());
    }
}
