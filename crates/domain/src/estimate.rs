//! How long a download takes: from the client's measured throughput, else from its hint, else from
//! a reference speed. Which of them is said.

use crate::words;

words! {
    /// Where a speed comes from.
    pub enum Basis {
        /// From this client's own downloads.
        Measured = "measured",
        /// From what the client says.
        Hint = "hint",
        /// From a usual connection.
        Reference = "reference",
    }
}

/// A throughput in kilobits (1000 bits) a second, above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Speed(u32);

/// Usual connections: mobile, the one that an estimate is made for, fibre.
pub const REFERENCES: [Speed; 3] = [Speed(16_000), REFERENCE, Speed(250_000)];
/// The usual connection.
pub const REFERENCE: Speed = Speed(50_000);

impl Speed {
    /// So many kilobits a second; `None` for nothing.
    pub fn kilobits(kilobits: u32) -> Option<Self> {
        (kilobits > 0).then_some(Self(kilobits))
    }

    /// What a download of `bytes` in `millis` milliseconds ran at. Too short ones tell nothing.
    pub fn of(bytes: u64, millis: u64) -> Option<Self> {
        if bytes < 65_536 || millis == 0 {
            return None;
        }
        // Bits a millisecond are kilobits a second.
        let kilobits = bytes.saturating_mul(8).checked_div(millis)?;
        Self::kilobits(u32::try_from(kilobits).unwrap_or(u32::MAX))
    }

    /// Megabits a second.
    pub fn mbps(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// How many seconds `bytes` take, rounded up; nothing takes none.
    pub fn seconds_for(self, bytes: u64) -> u64 {
        let bits = u128::from(bytes).saturating_mul(8);
        let seconds = bits.div_ceil(u128::from(self.0).saturating_mul(1000));
        u64::try_from(seconds).unwrap_or(u64::MAX)
    }

    /// This one and a new one, the new one counting for a quarter.
    #[must_use]
    pub fn blend(self, new: Self) -> Self {
        let sum = u64::from(self.0).saturating_mul(3).saturating_add(u64::from(new.0));
        Self(u32::try_from(sum.div_ceil(4)).unwrap_or(u32::MAX))
    }
}

/// A speed, and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The speed.
    pub speed: Speed,
    /// Where it comes from.
    pub basis: Basis,
}

impl Pace {
    /// The best that is known.
    pub fn best(measured: Option<Speed>, hint: Option<Speed>) -> Self {
        match (measured, hint) {
            (Some(speed), _) => Self { speed, basis: Basis::Measured },
            (None, Some(speed)) => Self { speed, basis: Basis::Hint },
            (None, None) => Self { speed: REFERENCE, basis: Basis::Reference },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up() {
        let speed = Speed::kilobits(8_000).unwrap(); // a megabyte a second
        let seconds = [0, 1, 1_000_000, 1_000_001].map(|bytes| speed.seconds_for(bytes));
        assert_eq!(seconds, [0, 1, 1, 2]);
        assert_eq!(REFERENCE.seconds_for(200 << 20), 34);
        assert_eq!(Speed(1).seconds_for(u64::MAX), 147_573_952_589_676_413);
    }

    #[test]
    fn what_was_measured_counts_before_what_was_said() {
        let (slow, fast) = (Speed::kilobits(1).unwrap(), Speed::kilobits(9).unwrap());
        assert_eq!(Pace::best(Some(slow), Some(fast)).basis, Basis::Measured);
        assert_eq!(Pace::best(None, Some(fast)), Pace { speed: fast, basis: Basis::Hint });
        assert_eq!(Pace::best(None, None).basis, Basis::Reference);
    }

    #[test]
    fn a_measurement_needs_something_to_measure() {
        assert_eq!(Speed::of(1000, 10), None);
        assert_eq!(Speed::of(1 << 20, 0), None);
        assert_eq!(Speed::of(1_000_000, 1000), Speed::kilobits(8_000));
        assert_eq!(Speed::of(u64::MAX, 1), Speed::kilobits(u32::MAX));
    }
}
