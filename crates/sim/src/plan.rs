//! What a seed draws before its world begins: who does what how often, and how much goes wrong.
//!
//! A swarm: each seed leaves some kinds of steps and faults out altogether, so that what would be
//! rare beside all the others gets worlds in which it is common.

use scrip_domain::Amount;
use scrip_domain::settings::{Flow, Threshold};

use crate::chance::Chance;
use crate::step::Step;

/// What one seed means.
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
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
    /// The way from visitor to order.
    pub flow: Flow,
    /// The balance that opens ordering.
    pub threshold: Threshold,
    /// Of a thousand commits, so many are lost with the process,
    pub lost: u64,
    /// so many happen before the process dies untold,
    pub untold: u64,
    /// and so many are refused.
    pub refused: u64,
    /// The process dies about this often, in milliseconds; zero for never.
    pub crash_every: u64,
    /// A link goes bad about this often, in milliseconds; zero for never.
    pub cut_every: u64,
    /// A message takes at most this many milliseconds.
    pub latency: u64,
    /// Of a thousand requests, so many are given up within moments.
    pub impatience: u64,
    /// So many times in a thousand, ten times a second, something becomes of a card's payment: it is disputed, a
    /// dispute is decided, money is given back in the dashboard. Zero where no card is taken.
    pub cards: u64,
    /// Of a thousand calls to the card processor, so many are lost, and of as many the answer.
    pub mislaid: u64,
    /// Of a thousand steps beside such a call, at so many the process dies.
    pub dying: u64,
    /// Whether a dispute freezes its account.
    pub freezes: bool,
    /// Whether a person looks at top-ups of disputed accounts; else they are declined.
    pub reviews: bool,
    /// Whether a bureau is asked.
    pub bureau: bool,
    /// Of more tokens than this it is asked.
    pub ask_bureau_above: Option<Amount>,
    /// Above this many, who says nothing closes the door: for good (true), or until a person has looked (false).
    pub fail_closed_above: Option<(Amount, bool)>,
    /// Whether the shop grants at once what its policy for refunds covers.
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
    /// Some commits are answered and never happen.
    ForgetsCommits,
    /// Some requests reach the server twice, the second time without their idempotency key's word.
    DoublesTopUps,
    /// Some answers lack a license that was paid for.
    HidesLicenses,
    /// Some codes come from another license.
    SwapsCodes,
    /// Wallets are shown fuller than they are.
    FlattersWallets,
    /// A refusal is answered where a purchase was made.
    DeniesPurchases,
    /// The shop never hears of disputes.
    HidesDisputes,
    /// What is owed on credit is shown smaller.
    FlattersDebtors,
    /// What a bureau says arrives as its approval.
    BendsOpinions,
    /// An automatic top-up is made for whoever takes it back.
    TopsUpUnasked,
    /// Some processings are taken twice, the second time under another key.
    DoublesProcessings,
}

impl Plan {
    /// What `seed` means, for so many steps in all.
    pub fn of(seed: u64, steps: u64) -> Self {
        let mut chance = Chance::of(seed, "plan");
        // A stream of its own: worlds without cards are what they were.
        let mut cards = Chance::of(seed, "cards");
        let by_card = cards.permille(600);
        // And one more: worlds without credit are what they were, too.
        let mut credit = Chance::of(seed, "credit");
        let (lends, wishes) = (credit.permille(500), credit.permille(500) && by_card);
        let bureau = credit.permille(500) && (lends || by_card);
        let mut people = Chance::of(seed, "people");
        let buyers = chance.between(1, 6);
        let seldom = |chance: &mut Chance, most: u64| {
            if chance.permille(500) { 0 } else { chance.between(1, most) }
        };
        Self {
            seed,
            buyers,
            steps: (steps / buyers).max(1),
            lost: seldom(&mut chance, 60),
            untold: seldom(&mut chance, 60),
            refused: seldom(&mut chance, 60),
            crash_every: seldom(&mut chance, 12) * 500,
            cut_every: seldom(&mut chance, 6) * 500,
            impatience: seldom(&mut chance, 300),
            latency: chance.between(4, 80),
            weights: {
                let mut weights = weights(&mut chance);
                let new = Step::FOR_MONEY.iter().filter(|_| by_card);
                weights.extend(new.map(|step| (*step, cards.between(3, 12))));
                let new = Step::ON_CREDIT.iter().filter(|_| lends);
                weights.extend(new.map(|step| (*step, credit.between(3, 10))));
                let new = Step::BY_ITSELF.iter().filter(|_| wishes);
                weights.extend(new.map(|step| (*step, credit.between(1, 5))));
                if credit.permille(600) && (lends || bureau) {
                    weights.push((Step::Decide, credit.between(1, 6)));
                }
                weights
            },
            flow: *chance.pick(Flow::ALL).unwrap_or(&Flow::BrowseFirst),
            threshold: match chance.below(3) {
                0 => Threshold::Fixed { amount: Amount::new(500).unwrap_or_default() },
                _ => Threshold::CheapestOffer,
            },
            cards: if by_card { cards.between(20, 300) } else { 0 },
            mislaid: seldom(&mut cards, 150),
            dying: seldom(&mut cards, 60),
            freezes: cards.permille(300),
            reviews: cards.permille(500),
            bureau,
            ask_bureau_above: some(&mut credit, 300, 2000),
            fail_closed_above: some(&mut credit, 500, 4000)
                .map(|most| (most, credit.permille(500))),
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

/// An amount so often in a thousand, up to this many.
fn some(chance: &mut Chance, times: u64, most: u64) -> Option<Amount> {
    let amount = chance.between(1, most);
    if chance.permille(times) { Amount::new(amount) } else { None }
}

/// Top-ups and purchases always, of the others two in three.
fn weights(chance: &mut Chance) -> Vec<(Step, u64)> {
    let weight = |step: &Step| {
        let always = matches!(step, Step::TopUp | Step::Purchase);
        let weight = chance.between(1, 9);
        let dropped = chance.permille(330) && !always;
        (*step, if dropped { 0 } else { weight })
    };
    Step::ALL.iter().map(weight).collect()
}
