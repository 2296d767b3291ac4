//! When the next request is due.
//!
//! In the closed loop that is as soon as a connection is free: it shows the highest rate, but a
//! server that stalls also stalls the questions, so that few requests see the stall. In the open
//! loop requests fall due at a fixed rate whatever the server does. They wait in one queue for the
//! next free connection, and their latency counts from when they were due: a stall then shows in
//! every request that fell into it.

use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::alarm::Alarm;

/// The open loop wakes no oftener: a timer costs about as much as a request. Requests leave up to
/// this much late, which counts as their latency.
const TICK: Duration = Duration::from_micros(200);
/// How long after the end requests that are due may still be sent.
const GRACE: Duration = Duration::from_secs(2);

/// Hands out the times at which requests are due, until the end.
#[derive(Debug)]
pub(super) enum Arrivals {
    Closed { end: Instant },
    Open(Open),
}

/// A fixed rate.
#[derive(Debug)]
pub(super) struct Open {
    run: Range<Instant>,
    rate: u32,
    /// How many were handed out.
    taken: Cell<u64>,
    /// A permit for each that is due and not handed out. Fair: who waits longest is next.
    due: Semaphore,
}

impl Arrivals {
    pub(super) fn new(run: Range<Instant>, rate: Option<u32>) -> Self {
        match rate {
            None => Self::Closed { end: run.end },
            Some(rate) => {
                Self::Open(Open { run, rate, taken: Cell::new(0), due: Semaphore::new(0) })
            }
        }
    }

    /// Waits until a request is due, and says since when it is. None after the end.
    pub(super) async fn next(&self) -> Option<Instant> {
        match self {
            Self::Closed { end } => Some(Instant::now()).filter(|now| now < end),
            Self::Open(open) => {
                open.due.acquire().await.ok()?.forget();
                let number = open.taken.replace(open.taken.get() + 1);
                Some(open.due_at(number))
            }
        }
    }

    /// Lets requests fall due, until the end. Afterwards no more are handed out.
    pub(super) async fn pace(&self) -> io::Result<()> {
        match self {
            Self::Closed { .. } => Ok(()),
            Self::Open(open) => open.pace().await,
        }
    }

    /// Since when each request is due that was never sent, since the server could not keep up.
    pub(super) fn unsent(&self) -> impl Iterator<Item = Instant> {
        let open = match self {
            Self::Closed { .. } => None,
            Self::Open(open) => Some(open),
        };
        open.into_iter().flat_map(|open| (open.taken.get()..open.total()).map(|n| open.due_at(n)))
    }
}

impl Open {
    async fn pace(&self) -> io::Result<()> {
        let alarm = Alarm::new()?;
        let total = self.total();
        let mut released = 0;
        while released < total {
            let now = Instant::now();
            let due_now = due(now.saturating_duration_since(self.run.start), self.rate).min(total);
            self.due.add_permits(usize::try_from(due_now - released).unwrap_or(usize::MAX));
            released = due_now;
            alarm.sleep(self.due_at(released).saturating_duration_since(now).max(TICK)).await?;
        }
        let patience = Instant::now() + GRACE;
        while self.taken.get() < total && Instant::now() < patience {
            alarm.sleep(Duration::from_millis(10)).await?;
        }
        self.due.close();
        Ok(())
    }

    fn total(&self) -> u64 {
        due(self.run.end - self.run.start, self.rate)
    }

    fn due_at(&self, number: u64) -> Instant {
        self.run.start + offset(number, self.rate)
    }
}

/// When the request of this number is due, counted from the start.
fn offset(number: u64, rate: u32) -> Duration {
    let rate = u64::from(rate);
    let nanos = (number % rate) * 1_000_000_000 / rate;
    Duration::from_secs(number / rate) + Duration::from_nanos(nanos)
}

/// How many requests are due in a time from the start, the one at its beginning included and at its
/// end not.
fn due(elapsed: Duration, rate: u32) -> u64 {
    let rate = u64::from(rate);
    elapsed.as_secs() * rate + (u64::from(elapsed.subsec_nanos()) * rate).div_ceil(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn as_many_are_due_as_have_an_offset_before() {
        for rate in [1, 3, 7, 1000, 12_345, 1_000_000] {
            assert_eq!(due(Duration::from_mins(1), rate), u64::from(rate) * 60);
            for number in [0, 1, 2, 10, 99_999] {
                let at = offset(number, rate);
                assert_eq!(
                    due(at + Duration::from_nanos(1), rate),
                    number + 1,
                    "{number} at {rate}"
                );
                assert!(due(at, rate) <= number + 1);
            }
        }
    }

    #[tokio::test]
    async fn the_open_loop_never_waits_for_the_server() {
        let start = Instant::now();
        let arrivals = Rc::new(Arrivals::new(start..start + Duration::from_millis(50), Some(1000)));
        let paced = Rc::clone(&arrivals);
        let consumer = async {
            let mut dues = Vec::new();
            while let Some(due) = arrivals.next().await {
                dues.push(due - start);
            }
            dues
        };
        let (paced, dues) = tokio::join!(paced.pace(), consumer);
        paced.expect("a timer");
        let meant: Vec<_> = (0..50).map(Duration::from_millis).collect();
        assert_eq!(dues, meant);
        assert_eq!(arrivals.unsent().count(), 0);
    }

    #[tokio::test]
    async fn what_was_never_sent_is_known() {
        let start = Instant::now();
        let arrivals = Arrivals::new(start..start + Duration::from_secs(1), Some(4));
        let unsent: Vec<_> = arrivals.unsent().map(|due| (due - start).as_millis()).collect();
        assert_eq!(unsent, [0, 250, 500, 750]);
    }

    #[tokio::test]
    async fn the_closed_loop_ends() {
        let start = Instant::now();
        let open = Arrivals::new(start..start + Duration::from_hours(1), None);
        assert!(open.next().await.is_some());
        let over = Arrivals::new(start..start, None);
        assert!(over.next().await.is_none());
    }
}
