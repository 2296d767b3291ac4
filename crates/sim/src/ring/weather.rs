//! What goes wrong around the vendors: crashes, machines that are off for a week, links between any two, clocks that
//! stray, time that leaps.

use std::collections::VecDeque;

use super::plan::{Plan, VENDORS};
use crate::chance::Chance;
use crate::faults::buyer_name;
use crate::links::Links;
use crate::trace::Trace;

/// A minute, the time for a commit, that for what is prepared, and a day: each a little more.
const LEAPS: [u64; 4] = [61_000, 121_000, 182_000, 25 * 3_600_000];
/// Not more often than this.
const MOST_LEAPS: u64 = 5;
/// So often a machine is off for long.
const MOST_SLEEPS: u64 = 2;
/// A day, and so much of the world's time it takes while a machine is off.
const DAY: u64 = 24 * 3_600_000;
const DAYBREAK: u64 = 700;
/// How far a clock strays, in milliseconds.
const ASTRAY: u64 = 30 * 60_000;

/// What the weather does in this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stroke {
    /// This server is struck down.
    Crash(usize),
    /// It comes up again.
    Start(usize),
    /// Its clock is so many milliseconds ahead.
    Ahead(usize, i64),
    /// Time leaps by so many milliseconds.
    Leap(u64),
}

/// The weather of one world.
#[derive(Debug)]
pub(crate) struct Weather {
    chance: Chance,
    plan: Plan,
    trace: Trace,
    next_crash: u64,
    next_sleep: u64,
    next_cut: u64,
    next_leap: u64,
    next_stray: u64,
    leaps: u64,
    sleeps: u64,
    /// When each server starts again; none while it runs.
    down_until: Vec<Option<u64>>,
    /// When days go by while a machine is off.
    days: VecDeque<u64>,
    /// Whose clock is astray, until when.
    astray: Option<(usize, u64)>,
    links: Links,
}

impl Weather {
    /// The weather of `plan`, from `now` on.
    pub fn new(plan: &Plan, trace: Trace, now: u64) -> Self {
        let mut chance = Chance::of(plan.seed, "weather of a ring");
        let mut first = |every: u64| match every {
            0 => u64::MAX,
            every => now + chance.between(1, every * 2),
        };
        Self {
            next_crash: first(plan.crash_every),
            next_sleep: first(plan.sleep_every),
            next_cut: first(plan.cut_every),
            next_leap: first(plan.leap_every),
            next_stray: first(plan.stray_every),
            leaps: 0,
            sleeps: 0,
            down_until: vec![None; plan.count()],
            days: VecDeque::new(),
            astray: None,
            links: Links::new(trace.clone()),
            chance,
            plan: plan.clone(),
            trace,
        }
    }

    fn any(&mut self) -> usize {
        usize::try_from(self.chance.below(self.plan.count() as u64)).unwrap_or(0)
    }

    /// What happens at `now`; `died` says whose process has ended by itself.
    pub fn strikes(&mut self, now: u64, died: &[bool]) -> Vec<Stroke> {
        let mut strokes = Vec::new();
        let mut struck = None;
        if now >= self.next_crash {
            struck = Some((self.any(), self.chance.between(1, 2500)));
            self.next_crash = now + self.chance.between(1, self.plan.crash_every * 2);
        }
        if now >= self.next_sleep && self.days.is_empty() {
            self.sleeps += 1;
            let days = if self.chance.permille(250) { 31 } else { 7 };
            self.days.extend((1..=days).map(|day| now + day * DAYBREAK));
            struck = Some((self.any(), (days + 1) * DAYBREAK));
            self.next_sleep = match self.sleeps {
                MOST_SLEEPS => u64::MAX,
                _ => now + days * DAYBREAK + self.chance.between(1, self.plan.sleep_every * 2),
            };
        }
        for (server, died) in died.iter().enumerate() {
            let (down, name) = (self.down_until.get(server).copied(), VENDORS.get(server));
            let (Some(down), Some(name)) = (down, name) else { continue };
            let next = match (down, struck) {
                (Some(until), _) if now < until => continue,
                (Some(_), _) => {
                    strokes.push(Stroke::Start(server));
                    None
                }
                (None, Some((this, lasts))) if this == server => {
                    self.trace.note(name, &format!("crashes for {lasts} ms"));
                    strokes.push(Stroke::Crash(server));
                    Some(now + lasts)
                }
                _ if *died => {
                    self.trace.note(name, "is switched off");
                    strokes.push(Stroke::Crash(server));
                    Some(now + self.chance.between(1, 2500))
                }
                _ => continue,
            };
            if let Some(down) = self.down_until.get_mut(server) {
                *down = next;
            }
        }
        self.strays(now, &mut strokes);
        strokes.extend(self.leaps(now).map(Stroke::Leap));
        strokes
    }

    /// One clock at a time is half an hour wrong, and right again.
    fn strays(&mut self, now: u64, strokes: &mut Vec<Stroke>) {
        if let Some((server, until)) = self.astray {
            if now >= until {
                self.astray = None;
                strokes.push(Stroke::Ahead(server, 0));
            }
        } else if now >= self.next_stray {
            let server = self.any();
            let far = i64::try_from(self.chance.below(2 * ASTRAY + 1)).unwrap_or(0);
            let ahead = far - i64::try_from(ASTRAY).unwrap_or(0);
            strokes.push(Stroke::Ahead(server, ahead));
            self.astray = Some((server, now + self.chance.between(500, 5000)));
            self.next_stray = now + self.chance.between(1, self.plan.stray_every * 2);
        }
    }

    /// By how much time leaps at `now`, in milliseconds.
    fn leaps(&mut self, now: u64) -> Option<u64> {
        if self.days.front().is_some_and(|day| now >= *day) {
            self.days.pop_front();
            return Some(DAY);
        }
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
        // Two in three times between servers.
        let server = self.any();
        let a = if self.chance.permille(666) {
            let next = (server + 1) % self.plan.count();
            VENDORS.get(next).copied().unwrap_or_default().to_owned()
        } else {
            buyer_name(self.chance.below(self.plan.buyers))
        };
        let Some(b) = VENDORS.get(server) else { return };
        if self.links.is_bad(&a, b) || self.links.is_bad(b, &a) {
            return;
        }
        let held = self.chance.permille(500);
        let until = now + self.chance.between(20, 5000);
        self.links.spoil(sim, (&a, b), held, until);
    }

    /// The storm is over: every link is good, every clock right. Gives the servers that must be started.
    pub fn clears(&mut self, sim: &turmoil::Sim<'_>) -> Vec<usize> {
        self.links.mend(sim, u64::MAX);
        for next in [
            &mut self.next_crash,
            &mut self.next_sleep,
            &mut self.next_cut,
            &mut self.next_leap,
            &mut self.next_stray,
        ] {
            *next = u64::MAX;
        }
        self.days.clear();
        self.astray = None;
        let down = self.down_until.iter_mut().enumerate();
        down.filter_map(|(server, until)| until.take().map(|_| server)).collect()
    }

    /// Chance for a server's next start.
    pub fn chance(&mut self) -> &mut Chance {
        &mut self.chance
    }
}
