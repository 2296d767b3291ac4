//! A world: one shop, some buyers, a network between them, and the weather.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use scrip_domain::settings::Settings;

use crate::bank::{Bank, Clerk};
use crate::buyer::{Buyer, Market};
use crate::chance::Chance;
use crate::clock::{Elapsed, SimClock};
use crate::faults::{Stroke, TICK, Weather, buyer_name};
use crate::goods::Goods;
use crate::guest::Guest;
use crate::leavers::Gone;
use crate::plan::Plan;
use crate::program::Workshop;
use crate::server::{Machine, serve};
use crate::tenant::Tenant;
use crate::trace::Trace;
use crate::voice::Voice;

/// No world lasts longer than this.
const AGE: Duration = Duration::from_hours(4);

/// What became of a world.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed it came from.
    pub seed: u64,
    /// The hash of its trace.
    pub hash: String,
    /// How many lines that has.
    pub lines: u64,
    /// How many operations there were: requests, calls to the card processor, its messages, deeds of the bank.
    pub operations: u64,
    /// How long it lasted, in its own time.
    pub lasted: Duration,
    /// What the auditor objected to.
    pub violation: Option<String>,
    /// The last lines of the trace.
    pub tail: Vec<String>,
}

/// Names disks: two worlds in one process never share one.
static DISKS: AtomicU64 = AtomicU64::new(0);

/// Who has come to rest, and whether the storm is over.
#[derive(Debug, Default)]
struct Rest {
    arrived: AtomicU64,
    calm: AtomicBool,
}

/// Lets the world of `plan` run to its end; a loud one prints its trace.
pub fn run(plan: &Plan, loud: bool) -> Outcome {
    Outcome::of(plan.seed, plan.latency, AGE, loud, |world, elapsed, trace| {
        live(world, plan, elapsed, trace)
    })
}

impl Outcome {
    /// What becomes of a world in which messages take up to `latency` milliseconds.
    pub(crate) fn of(
        seed: u64,
        latency: u64,
        age: Duration,
        loud: bool,
        live: impl FnOnce(&mut turmoil::Sim<'_>, &Elapsed, &Trace) -> Result<(), String>,
    ) -> Self {
        let elapsed = Elapsed::default();
        let trace = Trace::new(elapsed.clone(), loud);
        let mut world = turmoil::Builder::new()
            .rng_seed(seed)
            .tick_duration(TICK)
            .simulation_duration(age)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(latency))
            .tcp_capacity(4096)
            .build();
        let violation = live(&mut world, &elapsed, &trace).err();
        let lasted = world.elapsed();
        if let Some(violation) = &violation {
            trace.note("auditor", violation);
        }
        let (hash, lines, tail) = trace.sum();
        Self { seed, hash, lines, operations: trace.operations(), lasted, violation, tail }
    }
}

fn live(
    sim: &mut turmoil::Sim<'_>,
    plan: &Plan,
    elapsed: &Elapsed,
    trace: &Trace,
) -> Result<(), String> {
    let clock = Arc::new(SimClock::new(elapsed.clone()));
    let name = format!("world-{}", DISKS.fetch_add(1, Ordering::Relaxed));
    let bank = Arc::new(Bank::new(plan, elapsed, trace.clone()));
    let machine = Arc::new(Machine::new(&name, plan, clock, bank.clone(), trace.clone())?);
    let market = Arc::new(open_market(plan, &machine)?);
    let host = machine.clone();
    sim.host("shop", move || serve(host.clone()));
    let rest = Rc::new(Rest::default());
    for number in 0..plan.buyers {
        let name = buyer_name(number);
        let voice = Voice::new(&name, trace.clone())?;
        let mut buyer = Buyer::new(&name, voice, market.clone());
        let rest = rest.clone();
        sim.client(name, async move {
            buyer.live().await?;
            rest.arrived.fetch_add(1, Ordering::SeqCst);
            while !rest.calm.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            buyer.settle().await?;
            Ok(())
        });
    }
    let gone = known_by_heart(sim, trace, &market, &rest)?;
    if plan.cards > 0 {
        let mut clerk = Clerk::new(plan, bank)?;
        let rest = rest.clone();
        sim.client("clerk", async move {
            clerk.live(|| rest.calm.load(Ordering::SeqCst)).await;
            Ok(())
        });
    }
    weather(sim, plan, elapsed, trace, &machine, &rest)?;
    at_once(machine.examine())?;
    let gone = gone.lock().unwrap_or_else(PoisonError::into_inner).clone();
    at_once(machine.grow_old(&gone))?;
    at_once(machine.examine())
}

/// Those who know exactly what must come of what they do: tenant, workshop and guest. Gives which accounts the guest leaves.
fn known_by_heart(
    sim: &mut turmoil::Sim<'_>,
    trace: &Trace,
    market: &Arc<Market>,
    rest: &Rc<Rest>,
) -> Result<Arc<Mutex<Vec<Gone>>>, String> {
    let gone = Arc::<Mutex<Vec<Gone>>>::default();
    let mut tenant = Tenant::new(Voice::new("tenant", trace.clone())?, market.clone());
    let until = rest.clone();
    sim.client("tenant", async move {
        tenant.live().await?;
        while !until.calm.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tenant.settle().await?;
        Ok(())
    });
    let mut workshop = Workshop::new(market.clone(), trace)?;
    let until = rest.clone();
    sim.client("workshop", async move {
        workshop.live().await?;
        while !until.calm.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        workshop.settle().await?;
        Ok(())
    });
    let mut guest = Guest::new(Voice::new("guest", trace.clone())?, market.clone(), gone.clone());
    let until = rest.clone();
    sim.client("guest", async move {
        guest.live().await?;
        while !until.calm.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        guest.settle().await?;
        Ok(())
    });
    Ok(gone)
}

/// Steps the world until all buyers are done, and lets the weather have its way meanwhile.
fn weather(
    sim: &mut turmoil::Sim<'_>,
    plan: &Plan,
    elapsed: &Elapsed,
    trace: &Trace,
    machine: &Arc<Machine>,
    rest: &Rest,
) -> Result<(), String> {
    let mut weather = Weather::new(plan, trace.clone());
    loop {
        let done = sim.step().map_err(|error| error.to_string())?;
        elapsed.set(sim.elapsed());
        if machine.has_panicked() {
            return Err("the server panicked".to_owned());
        }
        if done {
            return Ok(());
        }
        if rest.arrived.load(Ordering::SeqCst) == plan.buyers && !rest.calm.load(Ordering::SeqCst) {
            trace.note("world", "is calm");
            machine.calm();
            if weather.clears(sim) {
                machine.restarts(weather.chance());
                sim.bounce("shop");
            }
            rest.calm.store(true, Ordering::SeqCst);
        }
        let now = elapsed.millis();
        match weather.strikes(now, machine.has_died()) {
            Stroke::None => {}
            Stroke::Crash => {
                sim.crash("shop");
                at_once(machine.examine())?;
            }
            Stroke::Start => {
                machine.restarts(weather.chance());
                sim.bounce("shop");
            }
        }
        weather.blows(sim, now);
    }
}

/// Sets up the shop of `plan`.
fn open_market(plan: &Plan, machine: &Arc<Machine>) -> Result<Market, String> {
    let goods = Goods::draw(&mut Chance::of(plan.seed, "goods"));
    let (known, threshold) = (goods.known(), plan.threshold.effective(goods.cheapest()));
    let (flow, threshold_policy) = (plan.flow, plan.threshold);
    let mut settings = Settings { flow, threshold: threshold_policy, ..scrip_testkit::settings() };
    settings.refunds_at_once = plan.grants;
    settings.credit.freeze_disputed = plan.freezes;
    settings.credit.review_disputed = plan.reviews;
    settings.credit.ask_bureau_above = plan.ask_bureau_above;
    settings.credit.fail_closed_above = plan.fail_closed_above.map(|(most, _)| most);
    settings.credit.decline_on_error = plan.fail_closed_above.is_some_and(|(_, declines)| declines);
    settings.offline_instructions = "Transfer it.".into();
    let (admin, vouchers) = at_once(machine.set_up(settings, goods))?;
    Ok(Market { plan: plan.clone(), goods: known, admin, vouchers, threshold: threshold.units() })
}

/// Runs what needs no network and no time.
pub(crate) fn at_once<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.map_err(|error| error.to_string())?.block_on(work)
}
