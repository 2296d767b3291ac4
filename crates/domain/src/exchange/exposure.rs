//! How far two vendors trust each other: what buyers may exchange in a day, and what may come to be owed.
//!
//! ```text
//! reserve ──▶ reserved, counted for the day ──book──▶ owed ──unbook──▶ owed no more, not counted
//!                      └──release──▶ neither
//! ```
//! Both sides keep the same figures, each its own: the issuing vendor what it owes (*out*), the honouring one what it is owed
//! (*in*). A limit is the most that is allowed: exactly so much is. What is given up on the day on which it
//! began no longer counts for that day; a later day has begun at zero.

use super::ExchangeDay;
use crate::account::Account;
use crate::agreement::{Figures, Way};
use crate::amount::Amount;
use crate::id::Id;
use crate::partner::Partner;
use crate::time::Timestamp;
use crate::words;

words! {
    /// Where tokens of an exchange go, as seen from here.
    pub enum Going {
        /// Our buyer gives our tokens.
        Out = "out",
        /// We issue our tokens.
        In = "in",
    }
}

words! {
    /// Which limit an exchange would pass.
    pub enum Limit {
        /// What one buyer may exchange in a day.
        BuyerDay = "buyer_day",
        /// What all buyers may exchange in a day.
        Day = "day",
        /// What one vendor may owe the other.
        Cap = "cap",
    }
}

/// What was counted for `counted_for` and is `before`, with `amount` more at `at`; `None` above `most`.
/// A clock that goes back over midnight goes on counting for the later day.
fn counted(
    before: Amount,
    counted_for: Timestamp,
    amount: Amount,
    most: Amount,
    at: Timestamp,
) -> Option<Amount> {
    let before = if counted_for < at.midnight() { Amount::ZERO } else { before };
    before.checked_add(amount).filter(|sum| *sum <= most)
}

/// What is still counted for `counted_for` without `amount`, which began at `began`.
fn uncounted(before: Amount, counted_for: Timestamp, amount: Amount, began: Timestamp) -> Amount {
    if counted_for == began.midnight() {
        before.checked_sub(amount).unwrap_or(Amount::ZERO)
    } else {
        before
    }
}

impl Partner {
    /// What is owed, or may come to be, in millionths of the currency.
    pub fn exposure(&self, going: Going) -> Option<Amount> {
        match going {
            Going::Out => self.owed_to_it().checked_add(self.payable_reserved),
            Going::In => self.owed_by_it().checked_add(self.receivable_reserved),
        }
    }

    /// With an exchange of these figures reserved at `at`, if the limits of `way` allow it.
    pub fn with_reserved(
        &self,
        going: Going,
        figures: &Figures,
        way: &Way,
        at: Timestamp,
    ) -> Result<Self, Limit> {
        let exposure = self.exposure(going).and_then(|now| now.checked_add(figures.compensation));
        if exposure.is_none_or(|exposure| exposure > way.cap) {
            return Err(Limit::Cap);
        }
        let day = |before| counted(before, self.day, figures.give, way.day, at).ok_or(Limit::Day);
        let mut after = self.clone();
        if after.day < at.midnight() {
            after.day = at.midnight();
            (after.day_given, after.day_taken) = (Amount::ZERO, Amount::ZERO);
        }
        match going {
            Going::Out => {
                after.day_given = day(self.day_given)?;
                let reserved = self.payable_reserved.checked_add(figures.compensation);
                after.payable_reserved = reserved.ok_or(Limit::Cap)?;
            }
            Going::In => {
                after.day_taken = day(self.day_taken)?;
                let reserved = self.receivable_reserved.checked_add(figures.compensation);
                after.receivable_reserved = reserved.ok_or(Limit::Cap)?;
            }
        }
        Ok(after)
    }

    /// With an exchange given up that was reserved at `began`; `None` when less was reserved.
    #[must_use]
    pub fn released(&self, going: Going, figures: &Figures, began: Timestamp) -> Option<Self> {
        Some(self.unreserved(going, figures)?.not_counting(going, figures, began))
    }

    /// With what was reserved owed; `None` when less was reserved, or a counter is full.
    #[must_use]
    pub fn booked(&self, going: Going, figures: &Figures) -> Option<Self> {
        let mut after = self.unreserved(going, figures)?;
        match going {
            Going::Out => after.payable = after.payable.credited(figures.compensation)?,
            Going::In => after.receivable = after.receivable.debited(figures.compensation)?,
        }
        Some(after)
    }

    /// With what we owe for an exchange that began at `began` owed no more, because the partner will never issue for it; `None`
    /// when less is owed.
    #[must_use]
    pub fn unbooked(&self, figures: &Figures, began: Timestamp) -> Option<Self> {
        let payable = self.payable.debited(figures.compensation)?;
        let after = Self { payable, ..self.clone() };
        payable.above_floor().then(|| after.not_counting(Going::Out, figures, began))
    }

    fn unreserved(&self, going: Going, figures: &Figures) -> Option<Self> {
        let mut after = self.clone();
        let reserved = match going {
            Going::Out => &mut after.payable_reserved,
            Going::In => &mut after.receivable_reserved,
        };
        *reserved = reserved.checked_sub(figures.compensation)?;
        Some(after)
    }

    fn not_counting(mut self, going: Going, figures: &Figures, began: Timestamp) -> Self {
        let day = match going {
            Going::Out => &mut self.day_given,
            Going::In => &mut self.day_taken,
        };
        *day = uncounted(*day, self.day, figures.give, began);
        self
    }
}

impl ExchangeDay {
    /// Nothing yet.
    pub fn new(partner: Id<Partner>, account: Id<Account>, at: Timestamp) -> Self {
        let (given, taken) = (Amount::ZERO, Amount::ZERO);
        Self { partner, account, day: at.midnight(), given, taken }
    }

    /// With so much more at `at`; `None` above `most`.
    pub fn counting(
        &self,
        going: Going,
        amount: Amount,
        most: Amount,
        at: Timestamp,
    ) -> Option<Self> {
        let mut after = self.clone();
        if after.day < at.midnight() {
            after = Self::new(self.partner, self.account, at);
        }
        let before = match going {
            Going::Out => &mut after.given,
            Going::In => &mut after.taken,
        };
        *before = counted(*before, after.day, amount, most, at)?;
        Some(after)
    }

    /// Without so much that began at `began`.
    #[must_use]
    pub fn not_counting(&self, going: Going, amount: Amount, began: Timestamp) -> Self {
        let mut after = self.clone();
        let before = match going {
            Going::Out => &mut after.given,
            Going::In => &mut after.taken,
        };
        *before = uncounted(*before, after.day, amount, began);
        after
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::agreement::Rate;
    use crate::time::Span;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn figures(give: u64, compensation: u64) -> Figures {
        let (give, compensation) = (amount(give), amount(compensation));
        Figures { give, receive: give, compensation, numerator: 1, denominator: 1 }
    }

    fn way() -> Way {
        Way {
            rate: Rate::UnitValues,
            spread_basis_points: 0,
            min: Amount::ONE,
            max: amount(1000),
            buyer_day: amount(60),
            day: amount(100),
            cap: amount(500),
            lots: Vec::new(),
        }
    }

    fn partner() -> Partner {
        let (url, name) = (String::new(), String::new());
        let partner = Partner::entered(Id::new(1).unwrap(), url, name, NOON);
        Partner { day: NOON.midnight(), ..partner }
    }

    #[test]
    fn exactly_the_cap_is_enough_and_one_more_is_not() {
        for going in [Going::Out, Going::In] {
            let exact = partner().with_reserved(going, &figures(10, 500), &way(), NOON).unwrap();
            assert_eq!(exact.exposure(going), Some(amount(500)), "{going}");
            let more = figures(10, 1);
            assert_eq!(exact.with_reserved(going, &more, &way(), NOON), Err(Limit::Cap), "{going}");
            let owed = exact.booked(going, &figures(10, 500)).unwrap();
            assert_eq!(owed.exposure(going), Some(amount(500)), "what is owed counts, {going}");
            assert_eq!(owed.with_reserved(going, &more, &way(), NOON), Err(Limit::Cap), "{going}");
            let over = figures(10, 501);
            assert_eq!(partner().with_reserved(going, &over, &way(), NOON), Err(Limit::Cap));
        }
    }

    #[test]
    fn the_two_directions_have_a_cap_each() {
        let full = partner().with_reserved(Going::Out, &figures(10, 500), &way(), NOON).unwrap();
        let both = full.with_reserved(Going::In, &figures(10, 500), &way(), NOON).unwrap();
        assert_eq!(both.exposure(Going::In), Some(amount(500)));
        let netted = both.booked(Going::In, &figures(10, 500)).unwrap();
        let more = netted.with_reserved(Going::Out, &figures(1, 1), &way(), NOON);
        assert_eq!(more, Err(Limit::Cap), "what is owed to us makes nothing free");
    }

    #[test]
    fn a_day_has_its_limit_and_the_next_one_begins_anew() {
        let after = partner().with_reserved(Going::Out, &figures(60, 1), &way(), NOON).unwrap();
        let over = after.with_reserved(Going::Out, &figures(41, 1), &way(), NOON);
        assert_eq!(over, Err(Limit::Day));
        let exact = after.with_reserved(Going::Out, &figures(40, 1), &way(), NOON).unwrap();
        assert_eq!(exact.day_given, amount(100));
        let next = NOON.plus(Span::hours(12));
        let tomorrow = exact.with_reserved(Going::In, &figures(1, 1), &way(), next).unwrap();
        assert_eq!((tomorrow.day_given, tomorrow.day_taken), (Amount::ZERO, amount(1)));
        let back = tomorrow.with_reserved(Going::In, &figures(2, 1), &way(), NOON).unwrap();
        assert_eq!((back.day, back.day_taken), (next.midnight(), amount(3)), "a clock gone back");
    }

    #[test]
    fn a_buyer_has_a_day_too() {
        let none = ExchangeDay::new(Id::new(1).unwrap(), Id::new(2).unwrap(), NOON);
        let most = way().buyer_day;
        let exact = none.counting(Going::Out, amount(60), most, NOON).unwrap();
        assert_eq!(exact.counting(Going::Out, amount(1), most, NOON), None);
        assert!(exact.counting(Going::In, amount(60), most, NOON).is_some(), "the other way");
        let next = NOON.plus(Span::hours(12));
        let tomorrow = exact.counting(Going::Out, amount(60), most, next).unwrap();
        assert_eq!((tomorrow.given, tomorrow.taken), (amount(60), Amount::ZERO));
        let freed = exact.not_counting(Going::Out, amount(60), NOON);
        assert_eq!(freed.given, Amount::ZERO);
        let kept = tomorrow.not_counting(Going::Out, amount(60), NOON);
        assert_eq!(kept.given, amount(60), "what began yesterday was never counted today");
    }

    #[test]
    fn what_is_given_up_is_neither_reserved_nor_counted() {
        let reserved = partner().with_reserved(Going::In, &figures(60, 7), &way(), NOON).unwrap();
        assert_eq!(reserved.released(Going::In, &figures(60, 7), NOON), Some(partner()));
        assert_eq!(reserved.released(Going::In, &figures(60, 8), NOON), None, "less is reserved");
        assert_eq!(partner().booked(Going::Out, &figures(1, 1)), None);
        let reserved = partner().with_reserved(Going::Out, &figures(60, 7), &way(), NOON).unwrap();
        let owed = reserved.booked(Going::Out, &figures(60, 7)).unwrap();
        assert_eq!((owed.owed_to_it(), owed.payable_reserved), (amount(7), Amount::ZERO));
        let reversed = owed.unbooked(&figures(60, 7), NOON).unwrap();
        assert_eq!((reversed.owed_to_it(), reversed.day_given), (Amount::ZERO, Amount::ZERO));
        assert_eq!(reversed.unbooked(&figures(60, 7), NOON), None, "nothing is owed");
    }

    proptest! {
        /// Whatever is reserved, booked and given up: no limit is ever passed, and all of it can be undone.
        #[test]
        fn no_limit_is_ever_passed(steps in proptest::collection::vec((1_u64..80, 1_u64..300, 0_u8..3), 0..40)) {
            let way = way();
            let mut now = partner();
            let mut open: Vec<Figures> = Vec::new();
            for (give, compensation, what) in steps {
                let one = figures(give, compensation);
                match (what, open.pop()) {
                    (0, last) => {
                        open.extend(last);
                        if let Ok(after) = now.with_reserved(Going::Out, &one, &way, NOON) {
                            now = after;
                            open.push(one);
                        }
                    }
                    (1, Some(last)) => now = now.booked(Going::Out, &last).unwrap(),
                    (_, Some(last)) => now = now.released(Going::Out, &last, NOON).unwrap(),
                    _ => {}
                }
                prop_assert!(now.exposure(Going::Out).unwrap() <= way.cap);
                prop_assert!(now.day_given <= way.day);
            }
        }
    }
}
