//! What goes wrong around the two servers: crashes of either, links between any two, time that leaps.

use crate::chance::Chance;
use crate::links::Links;
use crate::trace::Trace;

use super::plan::Plan;

/// The two servers, as the network calls them.
pub(crate) const SERVERS: [&str; 2] = ["merchant", "provider"];

/// Minutes and a day, each a little more than a deadline.
const LEAPS: [u64; 3] = [70_000, 11 * 60_000, 25 * 3_600_000];
/// Not more often than this: whatever is over after two weeks is not to be over in the storm.
const MOST_LEAPS: u64 = 5;

/// What the weather does in this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stroke {
    /// This server is struck down.
    Crash(usize),
    /// This server comes up again.
    Start(usize),
}

/// The weather of one world.
#[derive(Debug)]
pub(crate) struct Weather {
    chance: Chance,
    plan: Plan,
    trace: Trace,
    next_crash: u64,
    next_cut: u64,
    next_leap: u64,
    leaps: u64,
    /// When each server starts again; none while it runs.
    down_until: [Option<u64>; 2],
    links: Links,
}

fn first(chance: &mut Chance, every: u64) -> u64 {
    if every == 0 { u64::MAX } else { chance.between(1, every * 2) }
}

impl Weather {
    /// The weather of `plan`.
    pub fn new(plan: &Plan, trace: Trace) -> Self {
        let mut chance = Chance::of(plan.seed, "weather of two");
        let next_crash = first(&mut chance, plan.crash_every);
        let next_cut = first(&mut chance, plan.cut_every);
        let next_leap = first(&mut chance, plan.leap_every);
        let (plan, links) = (plan.clone(), Links::new(trace.clone()));
        let down_until = [None, None];
        Self { chance, plan, trace, next_crash, next_cut, next_leap, leaps: 0, down_until, links }
    }

    /// What happens to the servers at `now`; `died` says whose process has ended by itself.
    pub fn strikes(&mut self, now: u64, died: [bool; 2]) -> Vec<Stroke> {
        let mut strokes = Vec::new();
        let struck = (now >= self.next_crash).then(|| usize::from(self.chance.permille(500)));
        if struck.is_some() {
            self.next_crash = now + self.chance.between(1, self.plan.crash_every * 2);
        }
        for (server, name) in SERVERS.iter().enumerate() {
            let (Some(down), Some(died)) = (self.down_until.get_mut(server), died.get(server))
            else {
                continue;
            };
            if let Some(until) = *down {
                if now >= until {
                    *down = None;
                    strokes.push(Stroke::Start(server));
                }
            } else if *died || struck == Some(server) {
                *down = Some(now + self.chance.between(1, 2500));
                self.trace.note(name, if *died { "is switched off" } else { "crashes" });
                strokes.push(Stroke::Crash(server));
            }
        }
        strokes
    }

    /// By how much time leaps at `now`, in milliseconds.
    pub fn leaps(&mut self, now: u64) -> Option<u64> {
        if now < self.next_leap || self.leaps >= MOST_LEAPS {
            return None;
        }
        self.leaps += 1;
        self.next_leap = now + self.chance.between(1, self.plan.leap_every * 2);
        self.chance.pick(&LEAPS).copied()
    }

    /// Makes links bad and good again.
    pub fn blows(&mut self, sim: &turmoil::Sim<'_>, now: u64) {
        self.links.mend(sim, now);
        if now < self.next_cut {
            return;
        }
        self.next_cut = now + self.chance.between(1, self.plan.cut_every * 2);
        // Every second time between the servers.
        let [merchant, provider] = SERVERS;
        let (a, b) = if self.chance.permille(500) {
            (merchant.to_owned(), provider)
        } else {
            let name = crate::faults::buyer_name(self.chance.below(self.plan.buyers));
            (name, if self.chance.permille(500) { merchant } else { provider })
        };
        if self.links.is_bad(&a, b) {
            return;
        }
        let held = self.chance.permille(500);
        let until = now + self.chance.between(20, 5000);
        self.links.spoil(sim, (&a, b), held, until);
    }

    /// The storm is over: every link is good. Gives the servers that must be started.
    pub fn clears(&mut self, sim: &turmoil::Sim<'_>) -> Vec<usize> {
        self.links.mend(sim, u64::MAX);
        (self.next_crash, self.next_cut, self.next_leap) = (u64::MAX, u64::MAX, u64::MAX);
        let down = self.down_until.iter_mut().enumerate();
        down.filter_map(|(server, until)| until.take().map(|_| server)).collect()
    }

    /// Chance for a server's next start.
    pub fn chance(&mut self) -> &mut Chance {
        &mut self.chance
    }
}
