//! A world of two or three vendors whose tokens buy each other's, round a ring.
//!
//! ```text
//!        ┌──▶ borealis ──┐          each a whole server with a disk, keys and a clock of its own;
//! aurora ┘◀──────┐       ▼          between any two an agreement: other rates, spreads, caps each way
//!        ▲       └── corona         buyers with linked accounts at all of them, staff of each
//!        └───────────────┘
//! ```
//! First all is calm, until every vendor has agreed with every other, and the buyers are linked. In the storm processes die, at any commit too, links
//! between any two hold back or lose what they carry, what is sent arrives twice, clocks stray, time leaps over
//! deadlines, and a machine is off for a week, or a month. Then it is calm, time leaps over what is left, cycles are closed
//! and paid. The auditor ([`witness`]) reads all disks whenever somebody has taken a step: what always holds, holds between
//! any two steps of the world, however far an exchange has come.

mod buyer;
mod liar;
mod part;
mod plan;
mod spoil;
mod staff;
mod statements;
mod weather;
mod witness;

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use scrip_domain::settings::{Settings, Token, UnitValue};
use scrip_domain::{Amount, Money, Unit};

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
use plan::{CURRENCY, VENDORS, Vendor};
pub use plan::{Defect, Plan};
use spoil::OwesTwice;
use staff::Staff;
use weather::{Stroke, Weather};
use witness::Witness;

/// No world lasts longer than this, leaps apart.
const AGE: Duration = Duration::from_hours(2);

/// The leaps after the storm, in minutes: over quote, commit and what is prepared, and the longest pauses between two tries.
const LEAPS: [u64; 8] = [4, 4, 6, 65, 65, 65, 65, 65];
/// While what is owed is paid, so much time goes by at once.
const HOUR: u64 = 61 * 60_000;
/// So long the servers have after each, in milliseconds.
const REST: u64 = 2_500;
/// So often, at most: nobody is suspended meanwhile for paying late.
const MOST_HOURS: u64 = 150;

/// Names disks: two worlds in one process never share one.
static DISKS: AtomicU64 = AtomicU64::new(0);

/// Who has come how far, and what they wait for.
#[derive(Debug, Default)]
struct Rest {
    agreed: AtomicBool,
    begun: AtomicU64,
    arrived: AtomicU64,
    calm: AtomicBool,
    settled: AtomicU64,
    old: AtomicBool,
    paid: AtomicBool,
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
    let mut hosts = Vec::new();
    for vendor in 0..plan.count() {
        let disk = format!("ring-{number}-{vendor}");
        hosts.push(Arc::new(machine(vendor, &disk, plan, (elapsed, trace))?));
    }
    let square = Arc::new(open_square(plan, &hosts)?);
    let servers = VENDORS.iter().take(plan.count());
    for (name, host) in servers.zip(&hosts) {
        let host = host.clone();
        sim.host(*name, move || serve(host.clone()));
    }
    let rest = Rc::new(Rest::default());
    people(sim, plan, trace, (&hosts, &square), &rest)?;
    World { plan, elapsed, trace, hosts: &hosts, square: &square, rest: &rest }.weather(sim)?;
    for host in &hosts {
        at_once(host.examine())?;
    }
    let ends = at_once(async {
        let ends = square.witness.rests().await.map_err(|why| why.to_string())?;
        let paid = square.witness.is_even().await.map_err(|why| why.to_string())?;
        Ok(format!("{ends}, {paid}"))
    })?;
    trace.note("auditor", &ends);
    Ok(())
}

/// Buyers, and the staff of all vendors.
fn people(
    sim: &mut turmoil::Sim<'_>,
    plan: &Plan,
    trace: &Trace,
    (hosts, square): (&[Arc<Host>], &Arc<Square>),
    rest: &Rc<Rest>,
) -> Result<(), String> {
    let voices = |name: &str| -> Result<Vec<Voice>, String> {
        let servers = VENDORS.iter().take(plan.count());
        servers.map(|server| Voice::to(server, name, trace.clone())).collect()
    };
    for number in 0..plan.buyers {
        let name = buyer_name(number);
        let mut buyer = Buyer::new(&name, voices(&name)?, square.clone());
        let rest = rest.clone();
        sim.client(name, async move {
            buyer.arrive().await?;
            until(&rest.agreed).await;
            buyer.begin().await?;
            rest.begun.fetch_add(1, Ordering::SeqCst);
            buyer.live().await?;
            rest.arrived.fetch_add(1, Ordering::SeqCst);
            until(&rest.calm).await;
            buyer.settle().await?;
            rest.settled.fetch_add(1, Ordering::SeqCst);
            until(&rest.paid).await;
            buyer.close().await?;
            Ok(())
        });
    }
    let mut staff = Staff::new(voices("staff")?, hosts.to_vec(), square.clone());
    let (goes_on, buyers) = (rest.clone(), plan.buyers);
    sim.client("staff", async move {
        staff.open().await?;
        goes_on.agreed.store(true, Ordering::SeqCst);
        staff.live(|| goes_on.arrived.load(Ordering::SeqCst) == buyers).await?;
        until(&goes_on.calm).await;
        staff.calm_down().await?;
        until(&goes_on.old).await;
        staff.settle().await?;
        goes_on.paid.store(true, Ordering::SeqCst);
        Ok(())
    });
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
    hosts: &'a [Arc<Host>],
    square: &'a Square,
    rest: &'a Rest,
}

impl World<'_> {
    /// Steps the world until everybody is done, and lets the weather have its way meanwhile.
    fn weather(&self, sim: &mut turmoil::Sim<'_>) -> Result<(), String> {
        let mut weather = None;
        let (mut seen, mut spoilt) = (0, self.plan.defect != Defect::OwesTwice);
        let mut ages = Ages::default();
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
            if weather.is_none() && everybody(&self.rest.begun) {
                self.trace.note("world", "grows stormy");
                self.hosts.iter().for_each(|host| host.calm(false));
                weather = Some(Weather::new(self.plan, self.trace.clone(), now));
            }
            if let Some(weather) = &mut weather {
                if everybody(&self.rest.arrived) && !self.rest.calm.load(Ordering::SeqCst) {
                    self.becomes_calm(sim, weather);
                }
                self.strike(sim, weather, now)?;
                weather.blows(sim, now);
            }
            if everybody(&self.rest.settled) {
                self.ages(&mut ages, now);
            }
            let taken = self.square.taken.load(Ordering::SeqCst);
            if taken != seen {
                seen = taken;
                spoilt = self.looks(spoilt)?;
            }
        }
    }

    /// The auditor looks at all disks.
    fn looks(&self, spoilt: bool) -> Result<bool, String> {
        at_once(async {
            let sights = self.square.witness.holds().await.map_err(|why| why.to_string())?;
            self.square.witness.mirrors(&sights).await.map_err(|why| why.to_string())?;
            if spoilt {
                return Ok(true);
            }
            let committed = sights.first().and_then(|sight| {
                sight.exchanges.iter().find_map(|(_, one)| one.cycle.map(|cycle| (one, cycle)))
            });
            let (Some((one, cycle)), Some(host)) = (committed, self.hosts.first()) else {
                return Ok(false);
            };
            let (partner, subject) = (one.partner, one.id.number());
            let amount = one.figures.compensation;
            host.carry_out(OwesTwice { partner, subject, amount, cycle }).await?;
            Ok(true)
        })
    }

    fn strike(
        &self,
        sim: &mut turmoil::Sim<'_>,
        weather: &mut Weather,
        now: u64,
    ) -> Result<(), String> {
        let died: Vec<_> = self.hosts.iter().map(|host| host.has_died()).collect();
        for stroke in weather.strikes(now, &died) {
            match stroke {
                Stroke::Crash(server) => {
                    sim.crash(VENDORS[server]);
                    at_once(self.hosts[server].examine())?;
                    self.square.step();
                }
                Stroke::Start(server) => self.start(sim, weather, server),
                Stroke::Ahead(server, skew) => {
                    let what = format!("its clock is {skew} ms ahead");
                    self.trace.note(VENDORS[server], &what);
                    self.hosts[server].is_ahead(skew);
                }
                Stroke::Leap(millis) => self.leap(millis),
            }
        }
        Ok(())
    }

    fn start(&self, sim: &mut turmoil::Sim<'_>, weather: &mut Weather, server: usize) {
        self.hosts[server].restarts(weather.chance());
        sim.bounce(VENDORS[server]);
    }

    fn becomes_calm(&self, sim: &mut turmoil::Sim<'_>, weather: &mut Weather) {
        self.trace.note("world", "is calm");
        for host in self.hosts {
            host.calm(true);
            host.is_ahead(0);
        }
        for server in weather.clears(sim) {
            self.start(sim, weather, server);
        }
        self.rest.calm.store(true, Ordering::SeqCst);
    }

    /// Time leaps over what is left, and then by the hour until everything is paid.
    fn ages(&self, ages: &mut Ages, now: u64) {
        if now < ages.next || self.rest.paid.load(Ordering::SeqCst) {
            return;
        }
        ages.next = now + REST;
        match LEAPS.get(ages.leaps) {
            Some(minutes) => self.leap(minutes * 60_000),
            None if !self.rest.old.swap(true, Ordering::SeqCst) => {}
            None if ages.hours < MOST_HOURS => {
                ages.hours += 1;
                self.leap(HOUR);
            }
            None => {}
        }
        ages.leaps += 1;
    }

    fn leap(&self, millis: u64) {
        self.trace.note("world", &format!("time leaps by {millis} ms"));
        self.hosts.iter().for_each(|host| host.leap(millis));
        *self.square.leapt.lock().unwrap_or_else(PoisonError::into_inner) += millis;
    }
}

/// How far a world has aged after the storm.
#[derive(Debug, Default)]
struct Ages {
    next: u64,
    leaps: usize,
    hours: u64,
}

/// Sets every vendor up, each with a token and goods of its own.
fn open_square(plan: &Plan, hosts: &[Arc<Host>]) -> Result<Square, String> {
    let (mut goods, mut staff, mut books) = (Vec::new(), Vec::new(), Vec::new());
    for ((vendor, host), name) in plan.vendors.iter().zip(hosts).zip(VENDORS) {
        let own = Goods::draw(&mut Chance::of(plan.seed, &format!("goods of {name}")));
        goods.push(own.known());
        let settings = settings(vendor).ok_or_else(|| format!("{name} has no settings"))?;
        staff.push(at_once(host.set_up(settings, Some(own)))?);
        books.push(host.books()?);
    }
    Ok(Square {
        plan: plan.clone(),
        goods,
        staff,
        witness: Witness::of(plan, books),
        partners: Mutex::default(),
        quotes: Mutex::default(),
        accounts: Mutex::default(),
        leapt: Mutex::default(),
        taken: AtomicU64::new(0),
    })
}

fn settings(vendor: &Vendor) -> Option<Settings> {
    let mut settings = scrip_testkit::settings();
    let tokens = Amount::new(vendor.tokens)?;
    let money = Money { amount: Amount::new(vendor.cents)?, unit: Unit::parse(CURRENCY)? };
    settings.token = Token {
        code: Unit::parse(vendor.token)?,
        unit_value: UnitValue { tokens, money },
        ..settings.token
    };
    settings.credit.seasoning.offline_hours = vendor.seasons;
    Some(settings)
}
