//! The real clock. The only place that asks the machine for the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use scrip_domain::{Clock, Timestamp};

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let millis = since_1970().as_millis();
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

/// The same as finely as the machine has it.
#[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is given")]
pub fn since_1970() -> Duration {
    // A clock before 1970 is a machine without a battery: ids count on from their lease.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
