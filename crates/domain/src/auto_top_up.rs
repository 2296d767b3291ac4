//! Automatic top-ups: when a purchase leaves too little, one top-up by card brings the balance to where the
//! buyer wants it.
//!
//! ```text
//! armed ─▶ due ─▶ under way ─▶ credited ─▶ armed, or due again while there is still too little
//!           ▲         └▶ came to nothing ─┬▶ due again, an hour, then six hours later
//!           └─────────────────────────────┘└▶ the third time in a row: stopped
//! ```
//! Armed is a threshold in the wallet itself ([`crate::wallet::Wallet::alarm`]): a purchase compares, and writes
//! a row, an [`AutoErrand`], only when it crosses it; that disarms the wallet, so that of purchases which cross
//! side by side one rings. Whoever looks after the errand arms it again. At most one is under way.

use crate::account::Account;
use crate::amount::{Amount, Money};
use crate::id::Id;
use crate::time::{Span, Timestamp};
use crate::top_up::TopUp;
use crate::words;

/// So many in a day, whatever is bought.
const MOST_PER_DAY: u32 = 5;
/// So many in a row that come to nothing, and no more is tried.
const MOST_DECLINES: u32 = 3;
/// What a monthly limit counts.
const MONTH: Span = Span::days(30);

words! {
    /// Why no more is tried until the buyer sets it anew.
    pub enum Stopped {
        /// Three in a row came to nothing.
        Declined = "declined",
        /// There is no payment method to pay with.
        PaymentMethod = "payment_method",
        /// It is not wanted any more. What was begun and paid in its day and month is kept: asking anew lifts no
        /// limit.
        Removed = "removed",
    }
}

/// What a buyer wants to be topped up by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoTopUp {
    /// Whose.
    pub account: Id<Account>,
    /// Below this much available it is time.
    pub below: Amount,
    /// This much is to be available afterwards.
    pub target: Amount,
    /// The processor's name of what pays; the account's own without one.
    pub payment_method: Option<String>,
    /// The most that is paid in 30 days.
    pub monthly_limit: Option<Money>,
    /// The one that is under way.
    pub top_up: Option<Id<TopUp>>,
    /// How many came to nothing since the last that was credited.
    pub declines: u32,
    /// Why no more is tried.
    pub stopped: Option<Stopped>,
    /// When the day began that is being counted.
    pub day: Timestamp,
    /// How many were begun in it.
    pub day_count: u32,
    /// When the month began that is being counted.
    pub month: Timestamp,
    /// What they cost that were begun in it.
    pub month_paid: Amount,
}

/// An automatic top-up has to be looked after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoErrand {
    /// Whose.
    pub account: Id<Account>,
    /// When.
    pub due_at: Timestamp,
}

impl AutoTopUp {
    /// As it is read at `at`: a day and a month that are over count for nothing.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> Self {
        let mut now = self.clone();
        if at >= self.day.plus(Span::hours(24)) {
            (now.day, now.day_count) = (at, 0);
        }
        if at >= self.month.plus(MONTH) {
            (now.month, now.month_paid) = (at, Amount::ZERO);
        }
        now
    }

    /// Until when none that costs `pay` may be begun, if any may not.
    pub fn barred(&self, pay: Money) -> Option<Timestamp> {
        if self.day_count >= MOST_PER_DAY {
            return Some(self.day.plus(Span::hours(24)));
        }
        let sum = self.month_paid.checked_add(pay.amount);
        let over =
            |limit: Money| limit.unit != pay.unit || sum.is_none_or(|sum| sum > limit.amount);
        self.monthly_limit.is_some_and(over).then(|| self.month.plus(MONTH))
    }

    /// Whether its buyer wants it.
    pub fn is_wanted(&self) -> bool {
        self.stopped != Some(Stopped::Removed)
    }

    /// Taken back by its buyer.
    #[must_use]
    pub fn removed(&self) -> Self {
        Self { stopped: Some(Stopped::Removed), payment_method: None, ..self.clone() }
    }

    /// With one begun.
    #[must_use]
    pub fn begun(&self, top_up: Id<TopUp>, pay: Money) -> Self {
        Self {
            top_up: Some(top_up),
            day_count: self.day_count.saturating_add(1),
            month_paid: self.month_paid.checked_add(pay.amount).unwrap_or(Amount::MAX),
            ..self.clone()
        }
    }

    /// With the one under way credited.
    #[must_use]
    pub fn credited(&self) -> Self {
        Self { top_up: None, declines: 0, ..self.clone() }
    }

    /// With the one under way come to nothing: when the next may be tried, `None` when none is.
    pub fn declined(&self, at: Timestamp) -> (Self, Option<Timestamp>) {
        let declines = self.declines.saturating_add(1);
        let after = Self { top_up: None, declines, ..self.clone() };
        if declines >= MOST_DECLINES {
            return (Self { stopped: Some(Stopped::Declined), ..after }, None);
        }
        let wait = if declines == 1 { Span::hours(1) } else { Span::hours(6) };
        (after, Some(at.plus(wait)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::Unit;

    fn money(units: u64, unit: &str) -> Money {
        Money { amount: Amount::new(units).unwrap(), unit: Unit::parse(unit).unwrap() }
    }

    fn auto() -> AutoTopUp {
        AutoTopUp {
            account: Id::new(1).unwrap(),
            below: Amount::new(10).unwrap(),
            target: Amount::new(100).unwrap(),
            payment_method: None,
            monthly_limit: Some(money(250, "EUR")),
            top_up: None,
            declines: 0,
            stopped: None,
            day: Timestamp::default(),
            day_count: 0,
            month: Timestamp::default(),
            month_paid: Amount::ZERO,
        }
    }

    fn hours(hours: u32) -> Timestamp {
        Timestamp::from_millis(0).plus(Span::hours(hours))
    }

    #[test]
    fn no_more_than_the_month_allows_is_paid() {
        let top_up = Id::new(7).unwrap();
        let start = auto().at(hours(1000));
        let twice = start.begun(top_up, money(100, "EUR")).begun(top_up, money(100, "EUR"));
        assert_eq!(twice.barred(money(50, "EUR")), None);
        assert_eq!(twice.barred(money(51, "EUR")), Some(hours(1720)));
        assert_eq!(start.barred(money(1, "USD")), Some(hours(1720)), "a limit in another currency");
        assert_eq!(twice.at(hours(1719)).barred(money(51, "EUR")), Some(hours(1720)));
        assert_eq!(twice.at(hours(1720)).barred(money(51, "EUR")), None);
    }

    #[test]
    fn no_more_than_five_are_begun_in_a_day() {
        let mut auto = auto().at(hours(1000));
        for _ in 0..5 {
            assert_eq!(auto.barred(money(1, "EUR")), None);
            auto = auto.begun(Id::new(7).unwrap(), money(1, "EUR"));
        }
        assert_eq!(auto.barred(money(1, "EUR")), Some(hours(1024)));
        assert_eq!(auto.at(hours(1024)).barred(money(1, "EUR")), None);
    }

    #[test]
    fn what_comes_to_nothing_is_tried_ever_later_and_then_no_more() {
        let (once, next) = auto().declined(hours(1));
        assert_eq!((next, once.stopped), (Some(hours(2)), None));
        let (twice, next) = once.declined(hours(2));
        assert_eq!((next, twice.stopped), (Some(hours(8)), None));
        let (thrice, next) = twice.declined(hours(8));
        assert_eq!((next, thrice.stopped), (None, Some(Stopped::Declined)));
        assert_eq!(twice.credited().declines, 0);
    }
}
