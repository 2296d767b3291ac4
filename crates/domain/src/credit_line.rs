//! Credit lines: a buyer tops up now and pays later, up to a limit that the vendor grants.
//!
//! ```text
//! granted ─▶ drawn on by top-ups (owed grows) ─▶ repaid, wholly or in part (owed shrinks)
//! ```
//! What is owed is money, at the price that a top-up had when it was drawn: a later price of tokens
//! changes no debt. It is a ledger account in that currency, two counters that only grow: the top-ups
//! that drew are its debits, repayments its credits. Changed under the guard of the account's wallet.

use crate::account::Account;
use crate::amount::{Amount, Money};
use crate::id::Id;
use crate::ledger::Counters;
use crate::request::Request;
use crate::time::Timestamp;

/// What an account may owe the vendor, and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditLine {
    /// Whose.
    pub account: Id<Account>,
    /// The most that may be owed. A lower one than what is owed only stops further draws.
    pub limit: Money,
    /// What was ever drawn (debits) and repaid (credits), in the limit's currency.
    pub owed: Counters,
}

/// Money that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repayment {
    /// Its name; grows with time.
    pub id: Id<Self>,
    /// Whose debt it pays.
    pub account: Id<Account>,
    /// How much.
    pub money: Money,
    /// What is still owed after it.
    pub owed: Amount,
    /// What staff noted of it.
    pub note: String,
    /// The request that it answers.
    pub request: Request,
    /// When it was booked.
    pub at: Timestamp,
}

impl CreditLine {
    /// With nothing drawn yet.
    pub fn granted(account: Id<Account>, limit: Money) -> Self {
        Self { account, limit, owed: Counters::default() }
    }

    /// With another limit. In another currency the account begins anew, so there nothing may be owed.
    pub fn limited(&self, limit: Money) -> Option<Self> {
        if limit.unit == self.limit.unit {
            return Some(Self { limit, ..self.clone() });
        }
        self.owed().amount.is_zero().then(|| Self::granted(self.account, limit))
    }

    /// What is owed.
    pub fn owed(&self) -> Money {
        let owed = self.owed.debits.saturating_sub(self.owed.credits);
        Money { amount: Amount::new(owed).unwrap_or(Amount::MAX), unit: self.limit.unit }
    }

    /// What can still be drawn.
    pub fn left(&self) -> Money {
        let left = self.limit.amount.checked_sub(self.owed().amount);
        Money { amount: left.unwrap_or(Amount::ZERO), unit: self.limit.unit }
    }

    /// With `money` drawn; `None` when that is more than is left, or of another currency.
    pub fn drawn(&self, money: Money) -> Option<Self> {
        let left = self.left();
        if money.unit != left.unit || money.amount > left.amount {
            return None;
        }
        Some(Self { owed: self.owed.debited(money.amount)?, ..self.clone() })
    }

    /// With `money` repaid; `None` when less than that is owed, or in another currency.
    pub fn repaid(&self, money: Money) -> Option<Self> {
        let owed = self.owed();
        if money.unit != owed.unit || money.amount > owed.amount {
            return None;
        }
        Some(Self { owed: self.owed.credited(money.amount)?, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::amount::Unit;

    fn money(units: u64, unit: &str) -> Money {
        Money { amount: Amount::new(units).unwrap(), unit: Unit::parse(unit).unwrap() }
    }

    fn line(limit: u64) -> CreditLine {
        CreditLine::granted(Id::new(1).unwrap(), money(limit, "EUR"))
    }

    #[test]
    fn up_to_the_limit_and_not_a_unit_more() {
        let drawn = line(100).drawn(money(60, "EUR")).unwrap();
        assert_eq!((drawn.owed(), drawn.left()), (money(60, "EUR"), money(40, "EUR")));
        assert_eq!(drawn.drawn(money(41, "EUR")), None);
        assert_eq!(drawn.drawn(money(40, "USD")), None);
        assert!(drawn.drawn(money(40, "EUR")).is_some());
        assert_eq!(drawn.repaid(money(61, "EUR")), None);
        assert_eq!(drawn.repaid(money(60, "EUR")).unwrap().left(), money(100, "EUR"));
    }

    #[test]
    fn a_lower_limit_only_stops_further_draws() {
        let drawn = line(100).drawn(money(60, "EUR")).unwrap();
        let lower = drawn.limited(money(10, "EUR")).unwrap();
        assert_eq!((lower.owed(), lower.left()), (money(60, "EUR"), money(0, "EUR")));
        assert_eq!(lower.drawn(money(1, "EUR")), None);
        assert_eq!(lower.repaid(money(55, "EUR")).unwrap().left(), money(5, "EUR"));
        assert_eq!(drawn.limited(money(10, "USD")), None, "a debt stays in its currency");
        let paid = drawn.repaid(money(60, "EUR")).unwrap();
        assert_eq!(paid.limited(money(10, "USD")).unwrap().left(), money(10, "USD"));
    }

    proptest! {
        #[test]
        fn what_is_owed_is_what_was_drawn_without_what_was_repaid(
            limit in 0..1000_u64, steps in proptest::collection::vec((any::<bool>(), 0..600_u64), 0..20),
        ) {
            let (mut line, mut owed) = (line(limit), 0_u64);
            for (draw, units) in steps {
                let next = if draw { line.drawn(money(units, "EUR")) } else { line.repaid(money(units, "EUR")) };
                prop_assert_eq!(next.is_some(), if draw { owed + units <= limit } else { units <= owed });
                if let Some(next) = next {
                    owed = if draw { owed + units } else { owed - units };
                    line = next;
                }
                prop_assert_eq!(line.owed().amount.units(), owed);
            }
        }
    }
}
