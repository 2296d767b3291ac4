//! Figures over time: what a day came to, and what several days came to together.
//!
//! A day is one of UTC. What happened in it is counted by the time at which it was booked, so that a day that is over
//! never changes: what comes back later is a figure of the later day.

use std::collections::BTreeMap;

use crate::amount::{Amount, Money, Unit};
use crate::time::{Span, Timestamp};

/// What was counted of a day, without what is left of the days before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Orders that were paid.
    pub orders: u64,
    /// Their lines.
    pub lines: u64,
    /// What they came to, in tokens.
    pub spent: Amount,
    /// Tokens that were sold by top-ups.
    pub sold: Amount,
    /// What was paid, or is owed, for those; each currency once, in order.
    pub paid: Vec<Money>,
    /// Tokens that went back to buyers for orders.
    pub refunded: Amount,
    /// Tokens that expired.
    pub expired: Amount,
    /// Tokens that were taken back, or are owed, because the money for them went back.
    pub clawed_back: Amount,
    /// Downloads that came to their end.
    pub downloads: u64,
    /// The bytes of their files.
    pub bytes: u64,
    /// Accounts that were opened.
    pub accounts: u64,
    /// By how much wallets hold more at the end than at the beginning; below zero: less.
    pub grown: i64,
}

/// What a day came to. Once the day is closed it never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayFigures {
    /// Its first instant.
    pub day: Timestamp,
    /// Orders that were paid.
    pub orders: u64,
    /// Their lines.
    pub lines: u64,
    /// What they came to, in tokens.
    pub spent: Amount,
    /// Tokens that were sold by top-ups.
    pub sold: Amount,
    /// What was paid, or is owed, for those; each currency once, in order.
    pub paid: Vec<Money>,
    /// Tokens that went back to buyers for orders.
    pub refunded: Amount,
    /// Tokens that expired.
    pub expired: Amount,
    /// Tokens that were taken back, or are owed, because the money for them went back.
    pub clawed_back: Amount,
    /// Downloads that came to their end.
    pub downloads: u64,
    /// The bytes of their files.
    pub bytes: u64,
    /// Accounts that were opened.
    pub accounts: u64,
    /// Tokens in wallets when the day ended, held ones included, by the times at which they were booked: below zero where
    /// a clock that was set back has booked what was spent into days before what had come in. See
    /// [`DayFigures::in_wallets`].
    pub outstanding: i64,
}

impl DayFigures {
    /// What a day came to, when so much was outstanding before it; `None` when that is more than can be counted.
    pub fn of(day: Timestamp, counted: Counted, before: i64) -> Option<Self> {
        let outstanding = before.checked_add(counted.grown)?;
        Some(Self {
            day,
            orders: counted.orders,
            lines: counted.lines,
            spent: counted.spent,
            sold: counted.sold,
            paid: counted.paid,
            refunded: counted.refunded,
            expired: counted.expired,
            clawed_back: counted.clawed_back,
            downloads: counted.downloads,
            bytes: counted.bytes,
            accounts: counted.accounts,
            outstanding,
        })
    }

    /// Tokens in wallets when the day ended, as it is told: nothing where that would be below zero.
    pub fn in_wallets(&self) -> Amount {
        u64::try_from(self.outstanding).ok().and_then(Amount::new).unwrap_or_default()
    }

    /// The first instant after it.
    pub fn end(&self) -> Timestamp {
        next(self.day)
    }
}

/// The day after one.
#[must_use]
pub fn next(day: Timestamp) -> Timestamp {
    day.plus(Span::days(1))
}

/// Several days together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Orders that were paid.
    pub orders: u64,
    /// Their lines.
    pub lines: u64,
    /// What they came to, in tokens.
    pub spent: Amount,
    /// Tokens that were sold by top-ups.
    pub sold: Amount,
    /// What was paid, or is owed, for those; each currency once, in order.
    pub paid: Vec<Money>,
    /// Tokens that went back to buyers for orders.
    pub refunded: Amount,
    /// Tokens that expired.
    pub expired: Amount,
    /// Tokens that were taken back, or are owed, because the money for them went back.
    pub clawed_back: Amount,
    /// Downloads that came to their end.
    pub downloads: u64,
    /// The bytes of their files.
    pub bytes: u64,
    /// Accounts that were opened.
    pub accounts: u64,
}

impl Figures {
    /// What these days came to together. What is more than an amount can be is told as the largest one.
    pub fn over<'a>(days: impl IntoIterator<Item = &'a DayFigures>) -> Self {
        let mut sum = Self::default();
        let mut paid: BTreeMap<Unit, Amount> = BTreeMap::new();
        for day in days {
            sum.orders = sum.orders.saturating_add(day.orders);
            sum.lines = sum.lines.saturating_add(day.lines);
            sum.spent = add(sum.spent, day.spent);
            sum.sold = add(sum.sold, day.sold);
            sum.refunded = add(sum.refunded, day.refunded);
            sum.expired = add(sum.expired, day.expired);
            sum.clawed_back = add(sum.clawed_back, day.clawed_back);
            sum.downloads = sum.downloads.saturating_add(day.downloads);
            sum.bytes = sum.bytes.saturating_add(day.bytes);
            sum.accounts = sum.accounts.saturating_add(day.accounts);
            for Money { amount, unit } in &day.paid {
                let all = paid.entry(*unit).or_default();
                *all = add(*all, *amount);
            }
        }
        sum.paid = paid.into_iter().map(|(unit, amount)| Money { amount, unit }).collect();
        sum
    }
}

fn add(one: Amount, other: Amount) -> Amount {
    one.checked_add(other).unwrap_or(Amount::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn euros(units: u64) -> Money {
        Money { amount: amount(units), unit: Unit::parse("EUR").unwrap() }
    }

    #[test]
    fn what_is_outstanding_goes_on_from_the_day_before() {
        let day = Timestamp::parse_date("2026-11-22").unwrap();
        let of = |grown, before| {
            let counted = Counted { grown, ..Counted::default() };
            DayFigures::of(day, counted, before)
                .map(|day| (day.outstanding, day.in_wallets().units()))
        };
        assert_eq!(of(5, 10), Some((15, 15)));
        assert_eq!(of(-10, 10), Some((0, 0)));
        assert_eq!(
            of(-11, 10),
            Some((-1, 0)),
            "no wallet is below zero, whatever a clock has said"
        );
        assert_eq!(of(3, -1), Some((2, 2)), "and it goes on from what is right");
        assert_eq!(of(1, i64::MAX), None);
    }

    #[test]
    fn days_add_up_and_each_currency_stands_once() {
        let day = Timestamp::parse_date("2026-11-22").unwrap();
        let dollars = Money { amount: amount(3), unit: Unit::parse("USD").unwrap() };
        let first =
            Counted { orders: 1, spent: amount(7), paid: vec![euros(5)], ..Counted::default() };
        let second =
            Counted { orders: 2, bytes: 9, paid: vec![euros(6), dollars], ..Counted::default() };
        let days =
            [DayFigures::of(day, first, 0).unwrap(), DayFigures::of(next(day), second, 0).unwrap()];
        let sum = Figures::over(&days);
        assert_eq!((sum.orders, sum.spent, sum.bytes), (3, amount(7), 9));
        assert_eq!(sum.paid, [euros(11), dollars]);
        assert_eq!(Figures::over([]), Figures::default());
        assert_eq!(days[0].end(), days[1].day);
    }
}
