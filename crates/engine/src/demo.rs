//! What only a demo does: let time pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use scrip_domain::{Clock, Span, Timestamp};

use crate::{Engine, Outcome};

/// 2100-01-01T00:00:00Z: no demo goes further, so that every sum of times stays a date.
const END: Timestamp = Timestamp::from_millis(4_102_444_800_000);

/// A clock that runs ahead of another one by as much as it was advanced. It is the clock of the
/// engine and of its writer alike; a new start sets it right again.
pub struct DemoClock {
    clock: Arc<dyn Clock>,
    /// Milliseconds.
    ahead: AtomicI64,
}

impl std::fmt::Debug for DemoClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DemoClock").field("ahead", &self.ahead).finish_non_exhaustive()
    }
}

impl DemoClock {
    /// A clock that shows what `clock` showed so long ago.
    pub fn behind(clock: Arc<dyn Clock>, span: Span) -> Self {
        Self { clock, ahead: AtomicI64::new(-span.as_millis()) }
    }

    fn advance(&self, span: Span) {
        self.ahead.fetch_add(span.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead.load(Ordering::SeqCst);
        Timestamp::from_millis(self.clock.now().millis().saturating_add(ahead))
    }
}

/// Why no time passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoRefusal {
    /// This server is not a demo.
    NoDemo,
    /// So far no demo goes.
    TooFar,
}

impl Engine {
    /// The same engine, whose clock is `clock` and can be advanced.
    #[must_use]
    pub fn with_demo_clock(self, clock: Arc<DemoClock>) -> Self {
        Self { clock: clock.clone(), demo_clock: Some(clock), ..self }
    }

    /// Lets time pass, and tells the time.
    pub async fn advance_clock(&self, span: Span) -> Outcome<Timestamp, DemoRefusal> {
        let Some(clock) = &self.demo_clock else { return Ok(Err(DemoRefusal::NoDemo)) };
        if self.now().plus(span) > END {
            return Ok(Err(DemoRefusal::TooFar));
        }
        clock.advance(span);
        // Ids are minted by the new time, and only as far as they are leased.
        self.renew_lease().await?;
        Ok(Ok(self.now()))
    }
}
