//! What runs beside the requests, for as long as the server does: what others have to be asked and told, what the clock
//! brings, and housekeeping. Each is apart from the others, and waits for nobody else's world.

use std::sync::Arc;
use std::time::Duration;

use scrip_domain::TRACES;
use scrip_domain::restore::FIRST_EPOCH;
use scrip_domain::role::Role;
use scrip_engine::Fault;
use scrip_web::Watch;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tracing::{Instrument, Span, trace_span};

use super::{mail, webhooks};

/// How often the house is kept.
const HOUSEKEEPING: Duration = Duration::from_hours(1);
/// After a day that was summed others come in between.
const BETWEEN_DAYS: Duration = Duration::from_millis(100);

/// All that runs beside the requests. It ends when this is dropped.
#[derive(Debug, Default)]
pub struct Beside(JoinSet<()>);

impl Beside {
    /// Starts what the server has to do.
    pub fn start(watch: &Arc<Watch>) -> Self {
        let mut all = Self::default();
        let engine = &watch.app().engine;
        all.also(beat(watch.clone()));
        all.also(housekeeping(watch.clone()));
        all.also(errands(watch.clone()));
        all.also(webhooks::tell(watch.clone()));
        all.each_second(
            watch,
            "remind_due",
            "holders of licenses are reminded later",
            async |watch| watch.app().engine.remind_due().await,
        );
        all.ask_others(watch);
        if engine.writes_letters() {
            // Apart: what has happened does not wait for a mail server.
            all.each_second(watch, "collect_letters", "letters are made later", async |watch| {
                watch.app().engine.collect_letters().await
            });
            all.each_second(watch, "send_letters", "letters are sent later", mail::send);
        }
        all
    }

    /// Starts what a server of its roles has to do with others.
    fn ask_others(&mut self, watch: &Arc<Watch>) {
        let engine = &watch.app().engine;
        if engine.roles().has(Role::Provider) {
            self.each_second(
                watch,
                "lapse_requests",
                "what is due of purchase requests waits",
                async |watch| watch.app().engine.lapse_requests().await,
            );
            self.each_second(watch, "send_notices", "merchants are told later", async |watch| {
                watch.app().engine.send_notices().await
            });
        }
        if engine.provider().is_some() {
            self.each_second(
                watch,
                "run_checkouts",
                "what the provider has to be asked waits",
                async |watch| watch.app().engine.run_checkouts().await,
            );
        }
        if engine.epoch() > FIRST_EPOCH {
            self.each_second(
                watch,
                "run_restore",
                "peers are asked at the next try",
                async |watch| watch.app().engine.run_restore().await,
            );
        }
        if engine.partners().is_some() {
            self.each_second(
                watch,
                "run_exchanges",
                "what is due of exchanges waits",
                async |watch| watch.app().engine.run_exchanges().await,
            );
            self.each_second(
                watch,
                "run_agreements",
                "partners are told later of agreements",
                async |watch| watch.app().engine.run_agreements().await,
            );
            self.each_second(
                watch,
                "run_links",
                "partners are told later of links",
                async |watch| watch.app().engine.run_links().await,
            );
        }
        if engine.roles().may_have_partners() {
            self.each_second(
                watch,
                "run_settlements",
                "what is due of statements waits",
                async |watch| watch.app().engine.run_settlements().await,
            );
        }
    }

    /// Starts one more.
    pub fn also(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }

    /// Waits until one of them fails. None does unless it has a defect; then what it would do is done after a new start.
    pub async fn failed(&mut self) -> Fault {
        loop {
            match self.0.join_next().await {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    return Fault::Bug(format!("what runs beside requests: {error}"));
                }
                None => std::future::pending().await,
            }
        }
    }

    /// Does `work` each second, a round that traces know by its `name`. A fault is logged: `waits` says what that means.
    fn each_second<T, W: Future<Output = Result<T, Fault>> + Send>(
        &mut self,
        watch: &Arc<Watch>,
        name: &'static str,
        waits: &'static str,
        work: impl Fn(Arc<Watch>) -> W + Send + 'static,
    ) {
        let watch = watch.clone();
        self.also(async move {
            let mut second = every_second();
            loop {
                second.tick().await;
                let done = work(watch.clone()).instrument(round(name)).await;
                warn(&watch, waits, done);
            }
        });
    }
}

/// Keeps the lease on ids ahead of the clock, which shows that the writer commits; and hears of what
/// other servers have changed.
async fn beat(watch: Arc<Watch>) {
    let engine = &watch.app().engine;
    let mut second = every_second();
    loop {
        second.tick().await;
        match engine.renew_lease().await {
            Ok(()) => watch.committed(),
            Err(fault @ (Fault::Unavailable(_) | Fault::Unknown(_))) => watch.lost(&fault),
            other => warn(&watch, "the lease on ids was not renewed", other),
        }
        warn(
            &watch,
            "nothing is remembered until the database answers again",
            engine.catch_up().await,
        );
    }
}

/// Asks processor and bureau what has to be asked, looks after automatic top-ups, and finishes what erasures have left: when
/// there is something new, and each second.
async fn errands(watch: Arc<Watch>) {
    let engine = &watch.app().engine;
    let mut second = every_second();
    loop {
        tokio::select! {
            () = engine.errand_waits() => {}
            _ = second.tick() => {}
        }
        let done = engine.run_errands().instrument(round("run_errands")).await;
        warn(&watch, "what processor or bureau have to be asked waits", done);
        let done = engine.run_auto_top_ups().instrument(round("run_auto_top_ups")).await;
        warn(&watch, "automatic top-ups wait", done);
        let done = engine.finish_erasures().instrument(round("finish_erasures")).await;
        warn(&watch, "what is left of erased accounts waits", done);
    }
}

/// Each hour books what has expired in wallets that nobody touches, sums the days that are over, warns of what will expire, and
/// forgets what is old.
async fn housekeeping(watch: Arc<Watch>) {
    let engine = &watch.app().engine;
    let mut hour = interval(HOUSEKEEPING);
    hour.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        hour.tick().await;
        let wallets = until_none(&watch, "what has expired is booked at the next try", || {
            engine.expire_due()
        })
        .await;
        if wallets > 0 {
            tracing::info!(wallets, "booked what has expired");
        }
        // After a start on older books that may be years.
        until_none(&watch, "days that are over are summed at the next try", async || {
            let days = engine.close_days().await?;
            sleep(BETWEEN_DAYS).await;
            Ok(days)
        })
        .await;
        until_none(&watch, "old deliveries are forgotten at the next try", || {
            engine.prune_deliveries()
        })
        .await;
        let told = engine.warn_of_expiry().await;
        warn(&watch, "owners of tokens that expire are told at the next try", told);
        until_none(&watch, "old letters are forgotten at the next try", || engine.prune_letters())
            .await;
        until_none(&watch, "old visits are forgotten at the next try", || engine.forget_visits())
            .await;
        until_none(&watch, "drafts of nobody's are forgotten at the next try", || {
            engine.forget_drafts()
        })
        .await;
        until_none(&watch, "old connections are forgotten at the next try", || {
            engine.forget_connections()
        })
        .await;
        until_none(&watch, "old quotes are forgotten at the next try", || engine.forget_quotes())
            .await;
    }
}

/// Does `work` until nothing is left. Gives how much it was; a fault is logged, and ends it for now.
async fn until_none<W: Future<Output = Result<usize, Fault>>>(
    watch: &Watch,
    waits: &'static str,
    work: impl Fn() -> W,
) -> usize {
    let mut sum: usize = 0;
    loop {
        match work().await {
            Ok(0) => return sum,
            Ok(done) => sum = sum.saturating_add(done),
            Err(fault) => {
                warn(watch, waits, Err::<(), _>(fault));
                return sum;
            }
        }
    }
}

/// Logs a fault, where it is news.
pub fn warn<T>(watch: &Watch, waits: &'static str, done: Result<T, Fault>) {
    match done {
        Ok(_) => {}
        Err(fault) if watch.is_news(&fault) => tracing::warn!(%fault, "{waits}"),
        Err(fault) => tracing::debug!(%fault, "{waits}"),
    }
}

/// The span of a round of what is due, which begins a trace. Of one that finds nothing to do nobody is told.
pub fn round(name: &'static str) -> Span {
    trace_span!(target: TRACES, parent: None, "round", "otel.name" = name)
}

/// What takes longer than a second puts off the next.
pub fn every_second() -> Interval {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    second
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_panics_is_noticed_and_what_ends_is_not() {
        let mut all = Beside::default();
        all.also(async {});
        all.also(async { panic!("a defect") });
        let Fault::Bug(why) = all.failed().await else { panic!("another fault") };
        assert!(why.contains("panicked"), "{why}");
    }
}
