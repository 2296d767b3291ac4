//! What a seed draws before a world of two servers begins. A swarm, as in worlds of one.

use scrip_domain::settings::Flow;

use crate::chance::Chance;

/// One kind of step that a buyer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Has the provider's staff put tokens in.
    Fund,
    /// Has the provider's staff give tokens that soon expire.
    Gift,
    /// Selects and confirms at the merchant, as a visitor or signed in.
    Order,
    /// Claims and decides at the provider, and may come back.
    Pay,
    /// Comes back with a code that was kept.
    Return,
    /// Looks at an order by its token.
    Look,
    /// Looks at everything at the merchant, and asks for the codes.
    Library,
    /// Signs in at the merchant through the provider.
    Connect,
    /// Takes an order back.
    Cancel,
    /// Has the merchant's staff give back.
    BackAtMerchant,
    /// Has the provider's staff give back.
    BackAtProvider,
    /// Takes up, or looks at, what another buyer began.
    Meddle,
    /// Asks the merchant for a line's tokens back, and has its staff decide, or not.
    AskBack,
    /// Wants to be erased at the provider while tokens are held.
    Leave,
}

impl Step {
    const ALL: &[Self] = &[
        Self::Fund,
        Self::Gift,
        Self::Order,
        Self::Pay,
        Self::Return,
        Self::Look,
        Self::Library,
        Self::Connect,
        Self::Cancel,
        Self::BackAtMerchant,
        Self::BackAtProvider,
        Self::Meddle,
    ];

    /// What came later: drawn from a stream of its own.
    const PEOPLE: &[Self] = &[Self::AskBack, Self::Leave];
}

/// What one seed means.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// How many buyers there are.
    pub buyers: u64,
    /// How many steps each takes.
    pub steps: u64,
    /// How often each kind of step is taken.
    pub(crate) weights: Vec<(Step, u64)>,
    /// The merchant's way from visitor to order.
    pub flow: Flow,
    /// Of a thousand commits of either server, so many are lost with the process,
    pub lost: u64,
    /// so many happen before the process dies untold,
    pub untold: u64,
    /// and so many are refused.
    pub refused: u64,
    /// One of the two processes dies about this often, in milliseconds; zero for never.
    pub crash_every: u64,
    /// A link goes bad about this often, in milliseconds; zero for never.
    pub cut_every: u64,
    /// Time leaps about this often, by minutes or a day, in milliseconds; zero for never.
    pub leap_every: u64,
    /// A message takes at most this many milliseconds.
    pub latency: u64,
    /// Of a thousand requests, so many are given up within moments.
    pub impatience: u64,
    /// How far each server's clock may be from the truth, in milliseconds.
    pub skew: u64,
    /// Of a thousand starts, before so many a protocol key is rotated.
    pub rotates: u64,
    /// Of a thousand answers between the servers, so many are lost.
    pub mislaid: u64,
    /// Whether the merchant grants at once what its policy for refunds covers.
    pub grants: bool,
    /// What is wrong on purpose.
    pub defect: Defect,
}

/// A deliberate defect, to prove that the auditor sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defect {
    /// Nothing is wrong.
    #[default]
    None,
    /// The merchant has a last word of the provider's that the provider never said.
    ForgesLastWord,
    /// The merchant shows whoever asks the order that it showed last.
    ShowsToStrangers,
    /// The provider shows wallets fuller than they are.
    FlattersWallets,
    /// The provider answers some commits that never happen.
    ForgetsCommits,
}

impl Plan {
    /// What `seed` means, for so many steps in all.
    pub fn of(seed: u64, steps: u64) -> Self {
        let (mut chance, mut people) = (Chance::of(seed, "pair"), Chance::of(seed, "people"));
        let seldom = |chance: &mut Chance, most: u64| {
            if chance.permille(500) { 0 } else { chance.between(1, most) }
        };
        let buyers = chance.between(1, 4);
        let flow = match chance.below(10) {
            0 => Flow::RegisterFirst,
            1 | 2 => Flow::MembersOnly,
            _ => Flow::BrowseFirst,
        };
        Self {
            seed,
            buyers,
            steps: (steps / buyers).max(1),
            weights: {
                let old = Step::ALL.iter().map(|step| (*step, weight(*step, &mut chance)));
                let mut all: Vec<_> = old.collect();
                all.extend(Step::PEOPLE.iter().map(|step| (*step, weight(*step, &mut people))));
                all
            },
            flow,
            lost: seldom(&mut chance, 40),
            untold: seldom(&mut chance, 40),
            refused: seldom(&mut chance, 40),
            crash_every: seldom(&mut chance, 10) * 500,
            cut_every: seldom(&mut chance, 6) * 500,
            leap_every: seldom(&mut chance, 8) * 1000,
            latency: chance.between(4, 80),
            impatience: seldom(&mut chance, 200),
            skew: seldom(&mut chance, 30) * 1000,
            rotates: seldom(&mut chance, 500),
            mislaid: seldom(&mut chance, 250),
            grants: people.permille(400),
            defect: Defect::None,
        }
    }

    /// The same with something wrong in it.
    #[must_use]
    pub fn with(self, defect: Defect) -> Self {
        Self { defect, ..self }
    }
}

/// What a purchase cannot do without always, of the others two in three.
fn weight(step: Step, chance: &mut Chance) -> u64 {
    let (weight, dropped) = (chance.between(1, 6), chance.permille(330));
    match step {
        Step::Fund => weight,
        Step::Order | Step::Pay => weight + 4,
        _ if dropped => 0,
        _ => weight,
    }
}
