//! A world of two servers: a merchant, its provider, and buyers who go to and fro.
//!
//! ```text
//! buyers ──▶ merchant ──signed──▶ provider        all on one simulated network; each server has a disk, keys
//!    └───────────────────────────────▲            and a clock of its own, which goes wrong when it starts
//! ```
//! In the storm processes die, at any commit too, links between any two hold back or lose what they carry, and time leaps
//! over deadlines. Then it is calm, time leaps over what is left, and everything must have come to one end on both sides
//! ([`witness`]). A code that anybody sees is looked up on the provider's disk in the same moment.

mod buyer;
mod part;
mod plan;
mod spoil;
mod weather;
mod witness;

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use scrip_domain::role::Role;
use scrip_domain::settings::Settings;

use crate::chance::Chance;
use crate::clock::Elapsed;
use crate::faults::buyer_name;
use crate::goods::Goods;
use crate::host::serve;
use crate::trace::Trace;
use crate::voice::Voice;
use crate::world::{Outcome, at_once};

use buyer::{Buyer, Square};
use part::{Host, machine};
pub use plan::{Defect, Plan};
use weather::{SERVERS, Stroke, Weather};
use witness::Witness;

/// No world lasts longer than this, leaps apart.
const AGE: Duration = Duration::from_hours(1);

/// The leaps after the storm, in minutes: over payment, hold, the longest waits, and the deadline of delivery. After each
/// long one another, since whoever asks in the moment of a leap may find the other without ids for it.
const LEAPS: [u64; 10] = [11, 11, 121, 11, 1_500, 70, 1_500, 70, 1_500, 70];
/// So long both servers have after each, in milliseconds.
const REST: u64 = 2_500;

/// Names disks: two worlds in one process never share one.
static DISKS: AtomicU64 = AtomicU64::new(0);

/// Who has come to rest, and what they wait for.
#[derive(Debug, Default)]
struct Rest {
    arrived: AtomicU64,
    calm: AtomicBool,
    settled: AtomicU64,
    old: AtomicBool,
}

/// Lets the world of `plan` run to its end; a loud one prints its trace.
pub fn run(plan: &Plan, loud: bool) -> Outcome {
    Outcome::of(plan.seed, plan.latency, AGE, loud, |sim, elapsed, trace| {
        live(sim, plan, elapsed, trace)
    })
}

fn live(
    sim: &mut turmoil::Sim<'_>,
    plan: &Plan,
    elapsed: &Elapsed,
    trace: &Trace,
) -> Result<(), String> {
    let number = DISKS.fetch_add(1, Ordering::Relaxed);
    let host = |role: Role| {
        let disk = format!("pair-{number}-{role}");
        machine(role, &disk, plan, (elapsed, trace)).map(Arc::new)
    };
    let hosts = [host(Role::Merchant)?, host(Role::Provider)?];
    let square = Arc::new(open_square(plan, &hosts)?);
    for (name, host) in SERVERS.into_iter().zip(&hosts) {
        let host = host.clone();
        sim.host(name, move || serve(host.clone()));
    }
    let rest = Rc::new(Rest::default());
    for number in 0..plan.buyers {
        let name = buyer_name(number);
        let [merchant, provider] = SERVERS.map(|server| Voice::to(server, &name, trace.clone()));
        let mut buyer = Buyer::new(&name, [merchant?, provider?], square.clone());
        let rest = rest.clone();
        sim.client(name, async move {
            buyer.live().await?;
            rest.arrived.fetch_add(1, Ordering::SeqCst);
            until(&rest.calm).await;
            buyer.settle().await?;
            rest.settled.fetch_add(1, Ordering::SeqCst);
            until(&rest.old).await;
            buyer.close().await?;
            Ok(())
        });
    }
    World { plan, elapsed, trace, hosts: &hosts, square: &square, rest: &rest }.weather(sim)?;
    at_once(hosts[0].examine())?;
    at_once(hosts[1].examine())?;
    let orders = square.orders.lock().unwrap_or_else(PoisonError::into_inner);
    let orders = orders.keys().cloned().collect();
    let spent = *square.spent.lock().unwrap_or_else(PoisonError::into_inner);
    let verdicts = square.verdicts.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let ends = square.witness.agrees(orders, verdicts, spent);
    let ends = at_once(async { ends.await.map_err(|why| why.to_string()) })?;
    trace.note("auditor", &ends);
    Ok(())
}

async fn until(this: &AtomicBool) {
    while !this.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A world on its way.
struct World<'a> {
    plan: &'a Plan,
    elapsed: &'a Elapsed,
    trace: &'a Trace,
    hosts: &'a [Arc<Host>; 2],
    square: &'a Square,
    rest: &'a Rest,
}

impl World<'_> {
    /// Steps the world until all buyers are done, and lets the weather have its way meanwhile.
    fn weather(&self, sim: &mut turmoil::Sim<'_>) -> Result<(), String> {
        let mut weather = Weather::new(self.plan, self.trace.clone());
        let (mut leaps, mut next_leap) = (LEAPS.iter(), u64::MAX);
        loop {
            let done = sim.step().map_err(|error| error.to_string())?;
            self.elapsed.set(sim.elapsed());
            if self.hosts.iter().any(|host| host.has_panicked()) {
                return Err("a server panicked".to_owned());
            }
            if done {
                return Ok(());
            }
            let now = self.elapsed.millis();
            let everybody = |count: &AtomicU64| count.load(Ordering::SeqCst) == self.plan.buyers;
            if everybody(&self.rest.arrived) && !self.rest.calm.load(Ordering::SeqCst) {
                self.becomes_calm(sim, &mut weather);
            }
            if everybody(&self.rest.settled) && next_leap == u64::MAX {
                next_leap = now;
            }
            if now >= next_leap && !self.rest.old.load(Ordering::SeqCst) {
                match leaps.next() {
                    Some(minutes) => self.leap(minutes * 60_000),
                    None => self.rest.old.store(true, Ordering::SeqCst),
                }
                next_leap = now + REST;
            }
            self.strike(sim, &mut weather, now)?;
            if let Some(millis) = weather.leaps(now) {
                self.leap(millis);
            }
            weather.blows(sim, now);
        }
    }

    fn strike(
        &self,
        sim: &mut turmoil::Sim<'_>,
        weather: &mut Weather,
        now: u64,
    ) -> Result<(), String> {
        let died = [self.hosts[0].has_died(), self.hosts[1].has_died()];
        for stroke in weather.strikes(now, died) {
            match stroke {
                Stroke::Crash(server) => {
                    sim.crash(SERVERS[server]);
                    at_once(self.hosts[server].examine())?;
                }
                Stroke::Start(server) => self.start(sim, weather, server),
            }
        }
        Ok(())
    }

    fn start(&self, sim: &mut turmoil::Sim<'_>, weather: &mut Weather, server: usize) {
        self.hosts[server].restarts(weather.chance());
        sim.bounce(SERVERS[server]);
    }

    fn becomes_calm(&self, sim: &mut turmoil::Sim<'_>, weather: &mut Weather) {
        self.trace.note("world", "is calm");
        self.hosts.iter().for_each(|host| host.calm(true));
        for server in weather.clears(sim) {
            self.start(sim, weather, server);
        }
        self.rest.calm.store(true, Ordering::SeqCst);
    }

    fn leap(&self, millis: u64) {
        self.trace.note("world", &format!("time leaps by {millis} ms"));
        self.hosts.iter().for_each(|host| host.leap(millis));
        *self.square.leapt.lock().unwrap_or_else(PoisonError::into_inner) += millis;
    }
}

/// Sets both servers up: one token, and what the merchant sells for it.
fn open_square(plan: &Plan, hosts: &[Arc<Host>; 2]) -> Result<Square, String> {
    let goods = Goods::draw(&mut Chance::of(plan.seed, "goods"));
    let known = goods.known();
    let (flow, refunds_at_once) = (plan.flow, plan.grants);
    let settings = Settings { flow, refunds_at_once, ..scrip_testkit::settings() };
    let merchant_staff = at_once(hosts[0].set_up(settings, Some(goods)))?;
    let provider_staff = at_once(hosts[1].set_up(scrip_testkit::settings(), None))?;
    Ok(Square {
        plan: plan.clone(),
        goods: known,
        merchant_staff,
        provider_staff,
        witness: Witness::of(hosts[0].clone(), hosts[1].clone()),
        orders: Mutex::default(),
        verdicts: Mutex::default(),
        leapt: Mutex::default(),
        spent: Mutex::default(),
    })
}
