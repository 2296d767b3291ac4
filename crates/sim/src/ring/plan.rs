//! What a seed draws before a ring of vendors begins. A swarm, as in the other worlds.

use std::collections::BTreeMap;

use scrip_domain::agreement::{Cycle, Party, Rate, Terms, Way};
use scrip_domain::lot::LotKind;
use scrip_domain::{Amount, Unit};

use crate::chance::Chance;
use crate::host::url_of;

/// The vendors, as the network calls them.
pub(crate) const VENDORS: [&str; 3] = ["aurora", "borealis", "corona"];
/// Their tokens.
const TOKENS: [&str; 3] = ["AUR", "BOR", "COR"];
/// In which they settle.
pub(crate) const CURRENCY: &str = "EUR";
/// Millionths of a cent.
pub(crate) const CENT: u64 = 10_000;

/// One kind of step that a buyer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Has a vendor's staff put tokens in.
    Fund,
    /// Has a vendor's staff give tokens that soon expire, and never move.
    Gift,
    /// Asks for a quote, and takes it, later, or never.
    Exchange,
    /// Takes all that moves once round, from vendor to vendor.
    Round,
    /// Takes one quote twice at once.
    Twice,
    /// Takes another's quote, or one that was taken.
    Meddle,
    /// Asks again what was answered, or was not.
    Again,
    /// Looks at an exchange.
    Look,
    /// Buys with what there is.
    Purchase,
    /// Shows two vendors which accounts are one buyer's.
    Link,
    /// Cuts such a link, from either side.
    Unlink,
}

impl Step {
    const ALL: &[Self] = &[
        Self::Fund,
        Self::Gift,
        Self::Exchange,
        Self::Round,
        Self::Twice,
        Self::Meddle,
        Self::Again,
        Self::Look,
        Self::Purchase,
        Self::Link,
        Self::Unlink,
    ];
}

/// One kind of step that staff takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Nothing.
    Rest,
    /// Stops exchanging with a partner.
    Suspend,
    /// Exchanges with it again.
    Resume,
    /// Gives an account up for a moment.
    Freeze,
    /// Closes a cycle.
    Close,
    /// Pays, or says that it was paid.
    Pay,
    /// Gives tokens back for which a partner never answered.
    WriteOff,
}

impl Act {
    const ALL: &[Self] = &[
        Self::Rest,
        Self::Suspend,
        Self::Resume,
        Self::Freeze,
        Self::Close,
        Self::Pay,
        Self::WriteOff,
    ];
}

/// A vendor, as everybody knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vendor {
    /// The token.
    pub token: &'static str,
    /// So many of the token's smallest units…
    pub tokens: u64,
    /// …are worth so many cents.
    pub cents: u64,
    /// How many hours tokens wait before they can move.
    pub seasons: u32,
}

/// What tokens of one vendor buy at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    /// So many given are so many received; none: by what both are worth.
    pub fixed: Option<(u64, u64)>,
    /// In hundredths of a percent.
    pub spread: u32,
    /// The bounds of one exchange.
    pub min: u64,
    /// The most.
    pub max: u64,
    /// What one buyer may give in a day.
    pub buyer_day: u64,
    /// What all may give.
    pub day: u64,
    /// What may be owed, in millionths.
    pub cap: u64,
    /// Whether what came by an exchange may move on.
    pub onward: bool,
}

/// What one seed means.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// The vendors: two or three.
    pub(crate) vendors: Vec<Vendor>,
    /// What their tokens buy at each other.
    pub(crate) lanes: BTreeMap<(usize, usize), Lane>,
    /// How many days are settled at once; zero: each exchange by itself.
    pub(crate) cycle_days: u32,
    /// How many days may pass until what is owed is paid.
    pub(crate) due_days: u32,
    /// How many buyers there are.
    pub buyers: u64,
    /// How many steps each takes.
    pub steps: u64,
    /// How often each kind of step is taken.
    pub(crate) weights: Vec<(Step, u64)>,
    /// How often staff takes each kind of step.
    pub(crate) acts: Vec<(Act, u64)>,
    /// Of a thousand commits of any server, so many are lost with the process,
    pub lost: u64,
    /// so many happen before the process dies untold,
    pub untold: u64,
    /// and so many are refused.
    pub refused: u64,
    /// One of the processes dies about this often, in milliseconds; zero for never.
    pub crash_every: u64,
    /// One of the machines is off for a week about this often; zero for never.
    pub sleep_every: u64,
    /// A link goes bad about this often; zero for never.
    pub cut_every: u64,
    /// Time leaps about this often, by minutes or a day; zero for never.
    pub leap_every: u64,
    /// A clock is half an hour wrong about this often, for a while; zero for never.
    pub stray_every: u64,
    /// A message takes at most this many milliseconds.
    pub latency: u64,
    /// Of a thousand requests, so many are given up within moments.
    pub impatience: u64,
    /// How far each server's clock may be from the truth, in milliseconds, while the others still hear it.
    pub skew: u64,
    /// Of a thousand starts, before so many a protocol key is rotated.
    pub rotates: u64,
    /// Of a thousand answers between the servers, so many are lost.
    pub mislaid: u64,
    /// Of a thousand requests between the servers, so many arrive twice.
    pub doubled: u64,
    /// What is wrong on purpose.
    pub defect: Defect,
}

/// A deliberate defect, to prove that the auditor sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defect {
    /// Nothing is wrong.
    #[default]
    None,
    /// A vendor hears that its commits came too late, signed by the partner, which has fulfilled them.
    ForgesLate,
    /// A vendor books what it owes for an exchange twice.
    OwesTwice,
    /// More may be owed than was agreed.
    RaisesCap,
    /// A vendor answers some commits that never happen.
    ForgetsCommits,
    /// A vendor signs a statement in which its partner owes more.
    LiesInStatement,
}

impl Plan {
    /// What `seed` means, for so many steps in all.
    pub fn of(seed: u64, steps: u64) -> Self {
        let mut chance = Chance::of(seed, "ring");
        let seldom = |chance: &mut Chance, most: u64| {
            if chance.permille(500) { 0 } else { chance.between(1, most) }
        };
        let buyers = chance.between(1, 3);
        let count = if chance.permille(400) { 2 } else { 3 };
        let vendors: Vec<_> =
            TOKENS.iter().take(count).map(|token| vendor(token, &mut chance)).collect();
        let lanes = lanes(&vendors, &mut chance);
        Self {
            seed,
            vendors,
            lanes,
            cycle_days: if chance.permille(250) { 0 } else { days(&mut chance, 40) },
            due_days: days(&mut chance, 20),
            buyers,
            steps: (steps / buyers).max(1),
            weights: Step::ALL.iter().map(|step| (*step, weight(*step, &mut chance))).collect(),
            acts: Act::ALL.iter().map(|act| (*act, share(*act, &mut chance))).collect(),
            lost: seldom(&mut chance, 30),
            untold: seldom(&mut chance, 30),
            refused: seldom(&mut chance, 30),
            crash_every: seldom(&mut chance, 10) * 800,
            sleep_every: seldom(&mut chance, 3) * 20_000,
            cut_every: seldom(&mut chance, 6) * 800,
            leap_every: seldom(&mut chance, 8) * 1500,
            stray_every: seldom(&mut chance, 3) * 8000,
            latency: chance.between(4, 60),
            impatience: seldom(&mut chance, 200),
            skew: seldom(&mut chance, 28) * 1000,
            rotates: seldom(&mut chance, 500),
            mislaid: seldom(&mut chance, 120),
            doubled: seldom(&mut chance, 120),
            defect: Defect::None,
        }
    }

    /// The same with something wrong in it.
    #[must_use]
    pub fn with(self, defect: Defect) -> Self {
        // What a defect forges is signed with a first key.
        Self { defect, rotates: 0, ..self }
    }

    /// How many vendors there are.
    pub(crate) fn count(&self) -> usize {
        self.vendors.len()
    }

    /// Every pair, each once.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let count = self.count();
        (0..count).flat_map(move |a| (a + 1..count).map(move |b| (a, b)))
    }

    /// What giving so much of the one's tokens comes to at the other, by the auditor's own reckoning: received, and owed in
    /// millionths.
    pub(crate) fn figures(&self, from: usize, to: usize, give: u64) -> Option<(u64, u64)> {
        let lane = self.lanes.get(&(from, to))?;
        let (issuing, honouring) = (self.vendors.get(from)?, self.vendors.get(to)?);
        let give = u128::from(give);
        let (above, below) = match lane.fixed {
            Some((give, receive)) => (u128::from(receive), u128::from(give)),
            None => (
                u128::from(issuing.cents) * u128::from(honouring.tokens),
                u128::from(issuing.tokens) * u128::from(honouring.cents),
            ),
        };
        let left = u128::from(10_000 - lane.spread);
        let receive = give * above * left / (below * 10_000);
        let owed = give * u128::from(issuing.cents * CENT) / u128::from(issuing.tokens);
        Some((u64::try_from(receive).ok()?, u64::try_from(owed).ok()?))
    }

    /// What so many tokens of a vendor are worth, in shares of which all vendors have the same.
    pub(crate) fn worth(&self, vendor: usize, tokens: u64) -> i128 {
        let others = self.vendors.iter().enumerate().filter(|(other, _)| *other != vendor);
        let shares: i128 = others.map(|(_, other)| i128::from(other.tokens)).product();
        let cents = self.vendors.get(vendor).map_or(0, |vendor| i128::from(vendor.cents));
        i128::from(tokens) * cents * shares
    }

    /// What the two agree on; the first proposes.
    pub(crate) fn terms(&self, (one, other): (usize, usize)) -> Option<Terms> {
        let unit = |code: &str| Unit::parse(code);
        let party = |vendor: usize| {
            let Vendor { token, tokens, cents, .. } = *self.vendors.get(vendor)?;
            Some(Party {
                url: url_of(VENDORS.get(vendor)?),
                token: unit(token)?,
                scale: 2,
                tokens: Amount::new(tokens)?,
                micros: Amount::new(cents * CENT)?,
            })
        };
        Some(Terms {
            parties: [party(one)?, party(other)?],
            currency: unit(CURRENCY)?,
            ways: [self.way(one, other), self.way(other, one)],
            cycle: match self.cycle_days {
                0 => Cycle::Each,
                days => Cycle::Days { days },
            },
            due_days: self.due_days,
            notice_days: 1,
        })
    }

    fn way(&self, from: usize, to: usize) -> Option<Way> {
        let lane = self.lanes.get(&(from, to))?;
        let amount = Amount::new;
        let cap = if self.defect == Defect::RaisesCap { lane.cap * 50 } else { lane.cap };
        let lots =
            if lane.onward { vec![LotKind::Paid, LotKind::Exchange] } else { vec![LotKind::Paid] };
        Some(Way {
            rate: match lane.fixed {
                Some((give, receive)) => {
                    Rate::Fixed { give: amount(give)?, receive: amount(receive)? }
                }
                None => Rate::UnitValues,
            },
            spread_basis_points: lane.spread,
            min: amount(lane.min)?,
            max: amount(lane.max)?,
            buyer_day: amount(lane.buyer_day)?,
            day: amount(lane.day)?,
            cap: amount(cap)?,
            lots,
        })
    }
}

fn days(chance: &mut Chance, most: u64) -> u32 {
    u32::try_from(chance.between(1, most)).unwrap_or(1)
}

fn vendor(token: &'static str, chance: &mut Chance) -> Vendor {
    let tokens = chance.pick(&[100, 100, 30, 7, 1000]).copied().unwrap_or(100);
    // A token is worth a third of a cent to three cents.
    let cents = chance.between((tokens / 3).max(1), tokens * 3);
    let seasons = if chance.permille(700) { 0 } else { days(chance, 30) };
    Vendor { token, tokens, cents, seasons }
}

/// Round the ring always, back again mostly.
fn lanes(vendors: &[Vendor], chance: &mut Chance) -> BTreeMap<(usize, usize), Lane> {
    let mut lanes = BTreeMap::new();
    for (from, issuing) in vendors.iter().enumerate() {
        for (to, honouring) in vendors.iter().enumerate() {
            let is_round = (from + 1) % vendors.len() == to;
            if from != to && (is_round || chance.permille(850)) {
                lanes.insert((from, to), lane(issuing, honouring, chance));
            }
        }
    }
    lanes
}

fn lane(from: &Vendor, to: &Vendor, chance: &mut Chance) -> Lane {
    let spread = if chance.permille(500) { 0 } else { days(chance, 800) };
    // By what both are worth, and a fixed rate is never better.
    let (above, below) = (from.cents * to.tokens, from.tokens * to.cents);
    let give = chance.between(1, 40);
    let receive = give * above / below;
    let fixed = (receive > 0 && chance.permille(300)).then_some((give, receive));
    let (above, below) = fixed.map_or((above, below), |(give, receive)| (receive, give));
    // So much that it buys something.
    let least = (below * 10_000).div_ceil(above * (10_000 - u64::from(spread)));
    let min = least.max(chance.between(1, 20));
    let max = min + chance.between(50, 3000);
    let buyer_day = if chance.permille(600) { 1_000_000 } else { max + chance.between(0, 4000) };
    let day = if chance.permille(600) { 2_000_000 } else { buyer_day + chance.between(0, 4000) };
    // Little enough to be reached: one to five exchanges of the largest size.
    let most = max * from.cents * CENT / from.tokens + 1;
    let cap = match chance.below(3) {
        0 => most,
        1 => most + chance.between(0, most * 4),
        _ => most * 50,
    };
    Lane { fixed, spread, min, max, buyer_day, day, cap, onward: chance.permille(850) }
}

/// What an exchange cannot do without always, of the others two in three.
fn weight(step: Step, chance: &mut Chance) -> u64 {
    let (weight, dropped) = (chance.between(1, 6), chance.permille(330));
    match step {
        Step::Fund | Step::Round => weight + 1,
        Step::Exchange => weight + 9,
        Step::Unlink if !dropped => 1,
        _ if dropped => 0,
        _ => weight,
    }
}

fn share(act: Act, chance: &mut Chance) -> u64 {
    let (share, dropped) = (chance.between(1, 5), chance.permille(400));
    match act {
        Act::Rest => share + 4,
        Act::Resume | Act::Pay => share + 3,
        _ if dropped => 0,
        Act::Suspend | Act::Freeze => 1,
        _ => share,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_has_terms_that_may_be_agreed_to_and_figures_as_the_terms_say() {
        for seed in 0..200 {
            let plan = Plan::of(seed, 100);
            for pair in plan.pairs() {
                let terms = plan.terms(pair).expect("terms");
                for (from, to) in [pair, (pair.1, pair.0)] {
                    let Some(lane) = plan.lanes.get(&(from, to)) else { continue };
                    let issuer = url_of(VENDORS[from]);
                    for give in [lane.min, lane.min + 7, lane.max] {
                        let figures = terms.figures(&issuer, Amount::new(give).unwrap());
                        let figures = figures.expect("figures");
                        let told = (figures.receive.units(), figures.compensation.units());
                        assert_eq!(plan.figures(from, to, give), Some(told), "seed {seed}");
                        assert!(told.1 <= lane.cap, "seed {seed}: {told:?} of {lane:?}");
                        let [given, received] = [plan.worth(from, give), plan.worth(to, told.0)];
                        assert!(received <= given, "seed {seed}: {received} for {given}");
                    }
                }
            }
        }
    }
}
