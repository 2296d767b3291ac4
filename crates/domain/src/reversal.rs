//! Reversals: money of a top-up that goes back to the buyer, or may, and the tokens that are taken for it.
//!
//! ```text
//! refund            pending ─▶ done           by hand: done at once
//!                      └─────▶ failed         the processor refused: the tokens are given back
//! processor_refund  done                      made in the processor's own dashboard
//! dispute           open ─▶ lost ─▶ won       won: the tokens are given back
//!                     └────────────▶
//! ```
//! A bank that changes its mind is followed: a dispute that was won and is lost after all is another
//! reversal under the same name. Of a top-up no more is ever taken than it was paid with, whatever is
//! refunded and disputed at once: what one reversal has taken, another cannot ([`Worth::without`]).
//! Tokens that are spent already cannot be taken; they are owed, and paid from bought tokens as
//! soon as there are any.

use crate::amount::Amount;
use crate::id::Id;
use crate::lot::Lot;
use crate::request::Request;
use crate::time::Timestamp;
use crate::top_up::TopUp;
use crate::wallet::Wallet;
use crate::words;

words! {
    /// Why money goes back.
    pub enum ReversalKind {
        /// The vendor's staff gives it back.
        Refund = "refund",
        /// It was given back in the processor's own dashboard.
        ProcessorRefund = "processor_refund",
        /// The buyer's bank took it back, for now or for good.
        Dispute = "dispute",
    }
}

words! {
    /// Where a reversal stands.
    pub enum ReversalState {
        /// The processor is to give the money back.
        Pending = "pending",
        /// The money went back.
        Done = "done",
        /// The processor refused: it did not, and the buyer has the tokens again.
        Failed = "failed",
        /// The bank has the money for now.
        Open = "open",
        /// The vendor has the money again, and the buyer the tokens.
        Won = "won",
        /// The buyer has the money.
        Lost = "lost",
    }
}

impl ReversalState {
    /// Whether the tokens are taken: the money is not the vendor's, or will not be.
    pub const fn in_force(self) -> bool {
        !matches!(self, Self::Failed | Self::Won)
    }
}

/// Money of a top-up that goes back, or may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversal {
    /// Of which top-up.
    pub top_up: Id<TopUp>,
    /// Its name; grows with time.
    pub id: Id<Self>,
    /// Why.
    pub kind: ReversalKind,
    /// Where it stands.
    pub state: ReversalState,
    /// The processor's name of a dispute.
    pub name: Option<String>,
    /// The money that goes back, in the unit in which the top-up was paid; none where none is on record.
    pub claimed: Amount,
    /// What of that no other reversal had taken before: what this one counts for.
    pub money: Amount,
    /// The tokens for it, of which some may have been spent.
    pub tokens: Amount,
    /// What of them was spent already, and is owed.
    pub owed: Amount,
    /// Why, for the record.
    pub reason: String,
    /// The request that it answers.
    pub request: Option<Request>,
    /// When it began.
    pub at: Timestamp,
    /// When it came to its end.
    pub settled_at: Option<Timestamp>,
}

/// What a reversal took from one lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReversalLot {
    /// Of which top-up.
    pub top_up: Id<TopUp>,
    /// The reversal.
    pub reversal: Id<Reversal>,
    /// The lot.
    pub lot: Id<Lot>,
    /// How much.
    pub amount: Amount,
}

/// What a lot has paid of what its wallet owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebtPayment {
    /// Whose debt.
    pub wallet: Id<Wallet>,
    /// The lot.
    pub lot: Id<Lot>,
    /// How much; less when a dispute was won and more was paid than is owed.
    pub amount: Amount,
}

/// Money, and the tokens that it brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    /// The money; zero where none is on record.
    pub money: Amount,
    /// The tokens.
    pub tokens: Amount,
}

impl Worth {
    /// What is left of it after these; `None` when they took more.
    pub fn without<'a>(self, taken: impl IntoIterator<Item = &'a Reversal>) -> Option<Self> {
        let mut left = self;
        for reversal in taken.into_iter().filter(|reversal| reversal.state.in_force()) {
            left.money = left.money.checked_sub(reversal.money)?;
            left.tokens = left.tokens.checked_sub(reversal.tokens)?;
        }
        Some(left)
    }

    /// The part for `money` of what is `left` of this: its share of the tokens, rounded down; all that is
    /// left with the last of the money.
    #[must_use]
    pub fn for_money(self, left: Self, money: Amount) -> Self {
        if money >= left.money {
            return left;
        }
        let tokens = share(self.tokens, money, self.money).unwrap_or(left.tokens);
        Self { money, tokens: tokens.min(left.tokens) }
    }

    /// The part for `tokens` of what is `left` of this: its share of the money, rounded down; all that is
    /// left with the last of the tokens.
    #[must_use]
    pub fn for_tokens(self, left: Self, tokens: Amount) -> Self {
        if tokens >= left.tokens {
            return left;
        }
        let money = share(self.money, tokens, self.tokens).unwrap_or(left.money);
        Self { money: money.min(left.money), tokens }
    }
}

/// `part / whole` of `of`, rounded down; `None` of nothing.
fn share(of: Amount, part: Amount, whole: Amount) -> Option<Amount> {
    let product = u128::from(of.units()).checked_mul(u128::from(part.units()))?;
    let share = product.checked_div(u128::from(whole.units()))?;
    u64::try_from(share).ok().and_then(Amount::new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn worth(money: u64, tokens: u64) -> Worth {
        Worth { money: amount(money), tokens: amount(tokens) }
    }

    fn reversal(state: ReversalState, taken: Worth) -> Reversal {
        Reversal {
            top_up: Id::new(1).unwrap(),
            id: Id::new(2).unwrap(),
            kind: ReversalKind::Dispute,
            state,
            name: None,
            claimed: taken.money,
            money: taken.money,
            tokens: taken.tokens,
            owed: Amount::ZERO,
            reason: String::new(),
            request: None,
            at: Timestamp::default(),
            settled_at: None,
        }
    }

    #[test]
    fn what_came_to_nothing_takes_nothing() {
        let whole = worth(100, 1000);
        let of = |state| whole.without(&[reversal(state, worth(40, 400))]);
        for state in ReversalState::ALL {
            let left = if state.in_force() { worth(60, 600) } else { whole };
            assert_eq!(of(*state), Some(left), "{state}");
        }
        let open = || reversal(ReversalState::Open, worth(60, 0));
        assert_eq!(whole.without(&[open(), open()]), None);
    }

    #[test]
    fn where_no_money_is_on_record_tokens_have_none() {
        assert_eq!(worth(0, 10).for_tokens(worth(0, 10), amount(3)), worth(0, 3));
        assert_eq!(worth(0, 10).for_tokens(worth(0, 4), amount(4)), worth(0, 4));
    }

    proptest! {
        #[test]
        fn parts_are_never_more_than_the_whole_and_the_last_takes_the_rest(
            money in 1..=Amount::MAX.units(), tokens in 1..=Amount::MAX.units(),
            parts in proptest::collection::vec((any::<bool>(), 1..=Amount::MAX.units()), 0..8),
        ) {
            let whole = worth(money, tokens);
            let mut taken = Vec::new();
            for (by_money, size) in parts {
                let left = whole.without(&taken).unwrap();
                let part = if by_money {
                    whole.for_money(left, amount(size))
                } else {
                    whole.for_tokens(left, amount(size))
                };
                prop_assert!(part.money <= left.money && part.tokens <= left.tokens);
                taken.push(reversal(ReversalState::Lost, part));
            }
            let left = whole.without(&taken).unwrap();
            taken.push(reversal(ReversalState::Done, whole.for_money(left, Amount::MAX)));
            prop_assert_eq!(whole.without(&taken), Some(Worth::default()));
        }
    }
}
