//! Figures over time: a day is summed once when it is over, and kept; the running one is summed when somebody asks.
//!
//! ```text
//! running ─ midnight, and a margin ─▶ over ─ summed ─▶ closed: a row that never changes
//!    └──────────────────── the clock is set back to before that ◀──┘
//! ```
//! What is booked bears the time of its batch, so nothing is written into a day that is over, but by a batch that began
//! before midnight, or a server whose clock is behind: that is what the margin is for. Days are closed in order, each
//! with what was outstanding when the one before ended; so no report looks at more than its days.
//!
//! A clock that was ahead closes days that are not over. When it has been set back they are open again ([`Reopen`]): what
//! happens then belongs to them. What was booked meanwhile keeps its time, so it is told of the days that the clock had said.

use scrip_domain::report::{DayFigures, next};
use scrip_domain::{Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::{Engine, Outcome};

/// How long after its end nothing can be written into a day any more.
pub const MARGIN: Span = Span::minutes(15);
/// The most days of a report.
pub const MOST_DAYS: usize = 400;
/// How many days are closed in a round: after a start of old books the worker comes again.
const ROUND: usize = 31;
/// How many days are opened again in one commit.
const REOPENED: u32 = 200;
/// How many days that are not closed are summed when somebody asks: the running one, the one before it within the margin,
/// and one that a worker has not come to.
const OPEN: usize = 3;

/// What days came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The first day that was asked for.
    pub from: Timestamp,
    /// The last one.
    pub to: Timestamp,
    /// The days of those that are known, in order. Before the first there was nothing.
    pub days: Vec<DayFigures>,
    /// The last day that is closed; those after it may still change.
    pub closed_until: Option<Timestamp>,
    /// Whether no day is missing that is over or has begun.
    pub is_complete: bool,
}

/// The report would have no days, or more than it can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportRefusal {
    /// It ends before it begins.
    Backwards,
    /// It has more than [`MOST_DAYS`].
    TooLong,
}

impl Engine {
    /// Closes the next days that are over, in order. Gives how many there were; ask again until there are none.
    pub async fn close_days(&self) -> Result<usize, Fault> {
        self.reopen_days().await?;
        let Some((mut day, mut before)) = self.first_open_day().await? else { return Ok(0) };
        let mut closed: usize = 0;
        while closed < ROUND && next(day).plus(MARGIN) <= self.now() {
            let figures = self.sum(day, before).await?;
            before = figures.outstanding;
            let Ok(()) = self.submit(CloseDay(figures)).await?;
            closed = closed.saturating_add(1);
            day = next(day);
        }
        Ok(closed)
    }

    /// Opens days that a clock has closed which was ahead, and are not over. Whoever sees the clock go back calls it.
    pub async fn reopen_days(&self) -> Result<(), Fault> {
        loop {
            let early = self.store.days_kept_from(self.first_unclosed(), REOPENED).await?;
            if early.is_empty() {
                return Ok(());
            }
            let early = Reopen(early.iter().map(|early| early.day).collect());
            let Ok(opened) = self.submit(early).await?;
            if opened == 0 {
                return Ok(());
            }
        }
    }

    /// The first day that cannot be closed yet.
    fn first_unclosed(&self) -> Timestamp {
        self.now().minus(MARGIN).midnight()
    }

    /// What the days from one to another came to, both included. What is not over is told as it is now.
    pub async fn report(&self, from: Timestamp, to: Timestamp) -> Outcome<Report, ReportRefusal> {
        let (from, to) = (from.midnight(), to.midnight());
        if from > to {
            return Ok(Err(ReportRefusal::Backwards));
        }
        let most = u32::try_from(MOST_DAYS).map_or(to, |days| from.plus(Span::days(days)));
        if to >= most {
            return Ok(Err(ReportRefusal::TooLong));
        }
        let open = self.first_unclosed();
        let last = self.store.last_day_before(open).await?;
        // After it: what is closed in between is there then, and is not summed again below.
        let mut days = self.store.day_figures(from, to).await?;
        days.retain(|kept| kept.day < open);
        let mut report = Report {
            from,
            to,
            days: Vec::new(),
            closed_until: last.as_ref().map(|last| last.day),
            is_complete: true,
        };
        let until = to.min(self.now().midnight());
        if let Some((mut day, mut before)) = self.open_day_after(last).await? {
            for _ in 0..OPEN {
                if day > until {
                    break;
                }
                let figures = self.sum(day, before).await?;
                before = figures.outstanding;
                // A worker may have closed it meanwhile; then it is there, and the same.
                if day >= from && days.last().is_none_or(|last| last.day < day) {
                    days.push(figures);
                }
                day = next(day);
            }
            report.is_complete = day > until;
        }
        Ok(Ok(Report { days, ..report }))
    }

    /// What a day comes to, when so much was outstanding before it.
    async fn sum(&self, day: Timestamp, before: i64) -> Result<DayFigures, Fault> {
        let counted = self.store.count_day(day).await?;
        let impossible = || Fault::Bug(format!("wallets held too much on {}", day.date()));
        DayFigures::of(day, counted, before).ok_or_else(impossible)
    }

    /// The first day that is not closed, and what was outstanding before it; `None` while there is nothing to count.
    async fn first_open_day(&self) -> Result<Option<(Timestamp, i64)>, Fault> {
        let last = self.store.last_day_figures().await?;
        self.open_day_after(last).await
    }

    async fn open_day_after(
        &self,
        last: Option<DayFigures>,
    ) -> Result<Option<(Timestamp, i64)>, Fault> {
        if let Some(last) = last {
            return Ok(Some((last.end(), last.outstanding)));
        }
        let first = self.store.first_counted().await?;
        Ok(first.map(|at| (at.midnight(), 0)))
    }
}

/// Forgets what was kept of days that are not over: they are summed again when they are.
struct Reopen(Vec<Timestamp>);

impl Command for Reopen {
    /// How many were open again.
    type Receipt = usize;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        self.0.iter().for_each(|day| wants.day_figures.guard((*day,)));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<usize, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        for day in &self.0 {
            let kept = books.day_figures.get(&(*day,))?;
            let early = kept.filter(|kept| at < kept.end().plus(MARGIN));
            changes.day_figures.extend(early.cloned().map(Change::Delete));
        }
        Ok(Decision::done(changes.day_figures.len(), changes))
    }
}

/// Keeps what a day came to. Whoever comes second has summed the same.
struct CloseDay(DayFigures);

impl Command for CloseDay {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.day_figures.guard((self.0.day,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        if at < self.0.end().plus(MARGIN) {
            return Err(Fault::Bug(format!("{} is not over", self.0.day.date())));
        }
        let mut changes = Changes::default();
        if books.day_figures.get(&(self.0.day,))?.is_none() {
            changes.day_figures.push(Change::Insert(self.0.clone()));
        }
        Ok(Decision::done((), changes))
    }
}
