//! Agreements: under which terms two vendors exchange each other's tokens.
//!
//! ```text
//! proposed ──the other accepts──▶ accepted ──its day comes──▶ in force ──a later one comes into force──▶ superseded
//!  │  └─the proposer withdraws─▶ withdrawn                        └─either ends it, with notice─▶ ended
//!  └─the other declines─▶ declined
//! ```
//! An agreement is two documents: the proposal, with the terms, signed by one side, and the acceptance, which names the
//! proposal by its digest, signed by the other. That digest is the agreement's name between the two servers. Nothing
//! is exchanged before both are there, and a change is a whole new agreement with the next number.
//!
//! The proposer's row decides: an acceptance that it has not heard yet holds nowhere, and one that finds the proposal
//! withdrawn is refused, so that two who cross come to the same. At most one proposal of each side is open, and at most one
//! agreement waits for its day.

mod check;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::amount::{Amount, Unit};
use crate::id::Id;
use crate::lot::LotKind;
use crate::partner::Partner;
use crate::time::Timestamp;
use crate::words;

pub use check::{Flaw, View};

/// Basis points of a whole.
const WHOLE: u128 = 10_000;
/// The most days of a cycle, of the time to pay, and of notice.
pub const MAX_DAYS: u32 = 366;

words! {
    /// Where an agreement stands.
    pub enum AgreementState {
        /// One side has signed.
        Proposed = "proposed",
        /// Both have signed; whether it is in force already, its day and the partner's row say.
        Accepted = "accepted",
        /// The other side will not.
        Declined = "declined",
        /// The proposer has thought better of it.
        Withdrawn = "withdrawn",
        /// A later agreement holds.
        Superseded = "superseded",
        /// It was ended.
        Ended = "ended",
    }
}

words! {
    /// One of the two servers, as seen from here.
    pub enum By {
        /// This one.
        Us = "us",
        /// The partner.
        Them = "them",
    }
}

words! {
    /// What the partner is yet to be told of an agreement.
    pub enum Untold {
        /// The proposal.
        Proposal = "proposal",
        /// That it is accepted. Before the proposer has heard it, it does not hold.
        Acceptance = "acceptance",
        /// That it is declined.
        Decline = "decline",
        /// That it is withdrawn.
        Withdrawal = "withdrawal",
        /// That it ends, and when.
        End = "end",
    }
}

/// What is kept of an agreement. Its documents are kept as they were signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Its name here.
    pub id: Id<Self>,
    /// With whom.
    pub partner: Id<Partner>,
    /// Counted up by partner, from 1 on.
    pub version: u32,
    /// Who proposed it.
    pub proposed_by: By,
    /// Where it stands.
    pub state: AgreementState,
    /// What it says.
    pub terms: Terms,
    /// The signed proposal.
    pub proposal: String,
    /// The SHA-256 of the proposal: its name between the two.
    pub digest: [u8; 32],
    /// The signed acceptance.
    pub acceptance: Option<String>,
    /// When it came here.
    pub proposed_at: Timestamp,
    /// When it was accepted, declined or withdrawn.
    pub decided_at: Option<Timestamp>,
    /// From when on it holds.
    pub effective_at: Option<Timestamp>,
    /// From when on it holds no more.
    pub ends_at: Option<Timestamp>,
    /// What the partner is yet to be told.
    pub untold: Option<Untold>,
    /// When that is tried next, or the clock changes something.
    pub due_at: Option<Timestamp>,
    /// How often that was tried.
    pub attempts: u32,
}

/// What two vendors agree on. The proposer is the first of each pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The two.
    pub parties: [Party; 2],
    /// The currency in which they settle (ISO 4217).
    pub currency: Unit,
    /// What the first one's tokens buy at the second, and the second one's at the first; none: not that way.
    pub ways: [Option<Way>; 2],
    /// What is settled at once.
    pub cycle: Cycle,
    /// How many days the net amount may be owed after both have agreed on it.
    pub due_days: u32,
    /// How many days before a change or an end is to be told.
    pub notice_days: u32,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Its address.
    pub url: String,
    /// Its token.
    pub token: Unit,
    /// The token's decimals.
    pub scale: u8,
    /// So many smallest units of the token…
    pub tokens: Amount,
    /// …are worth so many millionths of the currency.
    pub micros: Amount,
}

/// One direction: the *issuing* vendor's tokens buy tokens of the *honouring* vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// What a token buys, before the spread.
    pub rate: Rate,
    /// What the buyer receives less, in hundredths of a percent; it never lowers the compensation.
    pub spread_basis_points: u32,
    /// The least that may be given at once, in the issuing vendor's smallest units, like all up to the cap.
    pub min: Amount,
    /// The most that may be given at once.
    pub max: Amount,
    /// The most that one buyer may give in a day (UTC).
    pub buyer_day: Amount,
    /// The most that all buyers may give in a day.
    pub day: Amount,
    /// The most that the issuing vendor may owe, in millionths of the currency.
    pub cap: Amount,
    /// Which lots may move, when they are seasoned.
    pub lots: Vec<LotKind>,
}

/// Where the rate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rate {
    /// From what both tokens are worth in the agreement.
    UnitValues,
    /// So many smallest units given are so many received.
    Fixed {
        /// Given.
        give: Amount,
        /// Received.
        receive: Amount,
    },
}

/// What is settled at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Cycle {
    /// Every exchange by itself, gross.
    Each,
    /// What was committed in so many days.
    Days {
        /// The days.
        days: u32,
    },
}

// What serde makes of a tag would lose the place of what is wrong below it. So their members are read, and then chosen.

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Source {
            UnitValues,
            Fixed,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            source: Source,
            give: Option<Amount>,
            receive: Option<Amount>,
        }
        let Members { source, give, receive } = Members::deserialize(from)?;
        match (source, give, receive) {
            (Source::UnitValues, None, None) => Ok(Self::UnitValues),
            (Source::UnitValues, Some(_), _) => Err(D::Error::unknown_field("give", &[])),
            (Source::UnitValues, None, Some(_)) => Err(D::Error::unknown_field("receive", &[])),
            (Source::Fixed, Some(give), Some(receive)) => Ok(Self::Fixed { give, receive }),
            (Source::Fixed, None, _) => Err(D::Error::missing_field("give")),
            (Source::Fixed, _, None) => Err(D::Error::missing_field("receive")),
        }
    }
}

impl<'de> Deserialize<'de> for Cycle {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Kind {
            Each,
            Days,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            kind: Kind,
            days: Option<u32>,
        }
        let Members { kind, days } = Members::deserialize(from)?;
        match (kind, days) {
            (Kind::Each, None) => Ok(Self::Each),
            (Kind::Each, Some(_)) => Err(D::Error::unknown_field("days", &[])),
            (Kind::Days, Some(days)) => Ok(Self::Days { days }),
            (Kind::Days, None) => Err(D::Error::missing_field("days")),
        }
    }
}

/// What an exchange comes to: final once it is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// What the buyer gives, in the issuing vendor's smallest units.
    pub give: Amount,
    /// What the buyer receives, in the honouring vendor's smallest units; rounded down.
    pub receive: Amount,
    /// What the issuing vendor owes the honouring one for it, in millionths of the currency; rounded down.
    pub compensation: Amount,
    /// The rate before the spread, in lowest terms: received…
    pub numerator: u64,
    /// …for given.
    pub denominator: u64,
}

/// Why an amount cannot be exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFigures {
    /// These tokens cannot be exchanged in this direction.
    NotThisWay,
    /// Less than the least that may be given.
    BelowMin(Amount),
    /// More than the most that may be given at once.
    AboveMax(Amount),
    /// It would buy less than the smallest unit of the other token, or be worth less than a millionth.
    TooSmall,
    /// The figures are too large to reckon with.
    OutOfRange,
}

impl Terms {
    /// The way on which tokens of the vendor at `issuer` are given, with both parties: issuing, honouring.
    pub fn way(&self, issuer: &str) -> Option<(&Way, &Party, &Party)> {
        let [first, second] = &self.parties;
        let [there, back] = &self.ways;
        if first.url == issuer {
            there.as_ref().map(|way| (way, first, second))
        } else if second.url == issuer {
            back.as_ref().map(|way| (way, second, first))
        } else {
            None
        }
    }

    /// What giving so much of the issuer's tokens comes to.
    pub fn figures(&self, issuer: &str, give: Amount) -> Result<Figures, NoFigures> {
        let (way, from, to) = self.way(issuer).ok_or(NoFigures::NotThisWay)?;
        if give < way.min {
            return Err(NoFigures::BelowMin(way.min));
        }
        if give > way.max {
            return Err(NoFigures::AboveMax(way.max));
        }
        reckon(way, from, to, give).ok_or(NoFigures::OutOfRange).and_then(|figures| {
            let is_nothing = figures.receive.is_zero() || figures.compensation.is_zero();
            if is_nothing { Err(NoFigures::TooSmall) } else { Ok(figures) }
        })
    }
}

/// `None` out of range.
fn reckon(way: &Way, from: &Party, to: &Party, give: Amount) -> Option<Figures> {
    let wide = |amount: Amount| u128::from(amount.units());
    let (numerator, denominator) = match way.rate {
        Rate::Fixed { give, receive } => (wide(receive), wide(give)),
        Rate::UnitValues => (
            wide(from.micros).checked_mul(wide(to.tokens))?,
            wide(from.tokens).checked_mul(wide(to.micros))?,
        ),
    };
    let shared = gcd(numerator, denominator);
    let (numerator, denominator) =
        (numerator.checked_div(shared)?, denominator.checked_div(shared)?);
    let left = WHOLE.checked_sub(u128::from(way.spread_basis_points))?;
    let above = wide(give).checked_mul(numerator)?.checked_mul(left)?;
    let receive = above.checked_div(denominator.checked_mul(WHOLE)?)?;
    let compensation = wide(give).checked_mul(wide(from.micros))?.checked_div(wide(from.tokens))?;
    let amount = |units: u128| u64::try_from(units).ok().and_then(Amount::new);
    // What databases keep in 63 bits.
    let ratio = |units: u128| u64::try_from(units).ok().filter(|units| *units <= u64::MAX >> 1);
    Some(Figures {
        give,
        receive: amount(receive)?,
        compensation: amount(compensation)?,
        numerator: ratio(numerator)?,
        denominator: ratio(denominator)?,
    })
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn party(url: &str, token: &str, tokens: u64, micros: u64) -> Party {
        let token = Unit::parse(token).unwrap();
        Party { url: url.into(), token, scale: 2, tokens: amount(tokens), micros: amount(micros) }
    }

    pub(crate) fn way(rate: Rate, spread_basis_points: u32) -> Way {
        let most = amount(1_000_000_000);
        Way {
            rate,
            spread_basis_points,
            min: amount(10),
            max: most,
            buyer_day: most,
            day: most,
            cap: most,
            lots: vec![LotKind::Paid],
        }
    }

    pub(crate) fn terms(there: Option<Way>, back: Option<Way>) -> Terms {
        Terms {
            parties: [party("a", "AUR", 100, 1_000_000), party("b", "BEL", 100, 250_000)],
            currency: Unit::parse("EUR").unwrap(),
            ways: [there, back],
            cycle: Cycle::Days { days: 30 },
            due_days: 14,
            notice_days: 7,
        }
    }

    #[test]
    fn a_spread_lowers_what_is_received_and_never_the_compensation() {
        let free = terms(Some(way(Rate::UnitValues, 0)), None);
        let figures = free.figures("a", amount(1000)).unwrap();
        assert_eq!((figures.receive, figures.compensation), (amount(4000), amount(10_000_000)));
        assert_eq!((figures.numerator, figures.denominator), (4, 1));
        let spread = terms(Some(way(Rate::UnitValues, 250)), None);
        let figures = spread.figures("a", amount(1000)).unwrap();
        assert_eq!((figures.receive, figures.compensation), (amount(3900), amount(10_000_000)));
    }

    #[test]
    fn each_way_has_its_own_terms() {
        let fixed = Rate::Fixed { give: amount(7), receive: amount(2) };
        let both = terms(Some(way(Rate::UnitValues, 0)), Some(way(fixed, 0)));
        let back = both.figures("b", amount(100)).unwrap();
        assert_eq!((back.receive, back.compensation), (amount(28), amount(250_000)));
        assert_eq!(both.figures("c", amount(100)), Err(NoFigures::NotThisWay));
        let one = terms(Some(way(Rate::UnitValues, 0)), None);
        assert_eq!(one.figures("b", amount(100)), Err(NoFigures::NotThisWay));
    }

    #[test]
    fn too_little_too_much_and_less_than_a_unit_are_told_apart() {
        let fixed = Rate::Fixed { give: amount(100), receive: amount(1) };
        let small = terms(Some(way(fixed, 0)), None);
        assert_eq!(small.figures("a", amount(9)), Err(NoFigures::BelowMin(amount(10))));
        let above = amount(1_000_000_001);
        assert_eq!(small.figures("a", above), Err(NoFigures::AboveMax(amount(1_000_000_000))));
        assert_eq!(small.figures("a", amount(99)), Err(NoFigures::TooSmall));
        assert_eq!(small.figures("a", amount(100)).unwrap().receive, Amount::ONE);
        let mut huge = terms(Some(way(Rate::UnitValues, 0)), None);
        huge.parties[0].micros = Amount::MAX;
        huge.parties[1].tokens = Amount::MAX;
        huge.parties[1].micros = amount(7);
        assert_eq!(huge.figures("a", amount(1_000_000)), Err(NoFigures::OutOfRange));
    }

    proptest! {
        /// There and back again never makes more of it, and no unit comes from rounding.
        #[test]
        fn nobody_gains_by_going_round(
            give in 10_u64..1_000_000,
            values in [1_u64..10_000, 1_u64..10_000_000, 1_u64..10_000, 1_u64..10_000_000],
            spread in 0_u32..5000,
        ) {
            let mut both = terms(Some(way(Rate::UnitValues, spread)), Some(way(Rate::UnitValues, 0)));
            let [tokens_a, micros_a, tokens_b, micros_b] = values;
            both.parties = [party("a", "AUR", tokens_a, micros_a), party("b", "BEL", tokens_b, micros_b)];
            let Ok(there) = both.figures("a", amount(give)) else { return Ok(()) };
            let Ok(back) = both.figures("b", there.receive) else { return Ok(()) };
            prop_assert!(back.receive <= there.give);
            prop_assert!(back.compensation <= there.compensation);
        }
    }
}
