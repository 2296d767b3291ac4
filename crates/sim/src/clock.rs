//! Time: how long the world has run, and what the server's clock makes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use scrip_domain::{Clock, Timestamp};

/// 2026-11-22T12:00:00Z, when every world begins.
pub const BEGINNING: Timestamp = Timestamp::from_millis(1_795_348_800_000);

/// How long the world has run; moved by whoever steps it.
#[derive(Clone, Debug, Default)]
pub struct Elapsed(Arc<AtomicU64>);

impl Elapsed {
    /// So many milliseconds.
    pub fn millis(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// The world has run so long.
    pub fn set(&self, elapsed: Duration) {
        self.0.store(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

/// The server's clock. It goes wrong by a few seconds, either way, whenever the machine starts.
#[derive(Debug)]
pub struct SimClock {
    elapsed: Elapsed,
    skew: AtomicI64,
}

impl SimClock {
    /// A clock that is right.
    pub fn new(elapsed: Elapsed) -> Self {
        Self { elapsed, skew: AtomicI64::new(0) }
    }

    /// From now on it is so many milliseconds ahead.
    pub fn set_skew(&self, millis: i64) {
        self.skew.store(millis, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.elapsed.millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(BEGINNING.millis() + elapsed + self.skew.load(Ordering::SeqCst))
    }
}
