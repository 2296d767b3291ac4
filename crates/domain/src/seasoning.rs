//! Seasoning: how long bought tokens wait before they can be exchanged for another vendor's.
//!
//! Tokens can be spent at once. What has left for another vendor cannot be taken back when the money turns out
//! to be stolen; so they wait as long as money paid that way is likely to be asked back.

use serde::{Deserialize, Serialize};

use crate::credit::CreditStatus;
use crate::lot::LotKind;
use crate::time::{Span, Timestamp};
use crate::top_up::{TopUp, TopUpMethod};

/// How many hours tokens wait, from the moment they came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seasoning {
    /// Those paid by card.
    pub card_hours: u32,
    /// Those paid offline, with a voucher that was bought, or booked by an administrator: the vendor has the money.
    pub offline_hours: u32,
    /// At least, those of a top-up that somebody doubted, or of which whoever was asked said nothing.
    pub doubtful_hours: u32,
}

/// Three days by card, no time otherwise, two weeks in doubt.
impl Default for Seasoning {
    fn default() -> Self {
        Self { card_hours: 72, offline_hours: 0, doubtful_hours: 336 }
    }
}

impl Seasoning {
    /// From when on tokens of this kind can be exchanged that `top_up` brings at `at`; none: never.
    pub fn exchangeable_at(
        &self,
        kind: LotKind,
        top_up: &TopUp,
        at: Timestamp,
    ) -> Option<Timestamp> {
        if !kind.can_be_exchanged() {
            return None;
        }
        let hours = match top_up.method {
            TopUpMethod::Card | TopUpMethod::Demo => self.card_hours,
            TopUpMethod::Offline
            | TopUpMethod::Voucher
            | TopUpMethod::CreditLine
            | TopUpMethod::Administrator => self.offline_hours,
        };
        let doubted = top_up
            .assessments
            .iter()
            .any(|one| matches!(one.status, CreditStatus::Doubtful | CreditStatus::Error));
        let hours = if doubted { hours.max(self.doubtful_hours) } else { hours };
        Some(at.plus(Span::hours(hours)))
    }

    /// From when on tokens can be exchanged that were issued at `at` for a partner's: they were seasoned there, and
    /// the partner owes for them, so they wait as long as what is paid offline.
    pub fn exchanged(&self, at: Timestamp) -> Timestamp {
        at.plus(Span::hours(self.offline_hours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credit::{Assessment, Source};
    use crate::id::Id;
    use crate::top_up::TopUpState;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    fn top_up(method: TopUpMethod, found: &[CreditStatus]) -> TopUp {
        let made = |status: &CreditStatus| {
            Assessment::made(Id::floor(NOON), Source::Rules, *status, Vec::new(), 0, NOON)
        };
        TopUp {
            id: Id::floor(NOON),
            account: Id::floor(NOON),
            state: TopUpState::Credited,
            reason: None,
            method,
            payment_method: None,
            tokens: crate::Amount::ZERO,
            pay: None,
            assessments: found.iter().map(made).collect(),
            payment: None,
            due: None,
            lots: Vec::new(),
            reversed: None,
            appeal: None,
            note: None,
            created_at: NOON,
            credited_at: None,
            request: None,
        }
    }

    #[test]
    fn who_can_ask_for_the_money_back_waits_and_who_was_doubted_waits_longer() {
        use CreditStatus::{Doubtful, Error, Good};
        use TopUpMethod::{Administrator, Card, Demo, Offline, Voucher};
        let seasoning = Seasoning { card_hours: 10, offline_hours: 1, doubtful_hours: 5 };
        let hours = |kind, method, found: &[CreditStatus]| {
            let at = seasoning.exchangeable_at(kind, &top_up(method, found), NOON);
            at.map(|at| at.since(NOON).as_millis() / 3_600_000)
        };
        let paid = LotKind::Paid;
        assert_eq!(hours(paid, Card, &[Good]), Some(10));
        assert_eq!(hours(paid, Demo, &[Good]), Some(10));
        assert_eq!(hours(paid, Card, &[Doubtful, Good]), Some(10), "doubt shortens nothing");
        for method in [Offline, Voucher, Administrator] {
            assert_eq!(hours(paid, method, &[Good]), Some(1), "{method}");
            assert_eq!(hours(paid, method, &[Doubtful, Good]), Some(5), "{method}");
            assert_eq!(hours(paid, method, &[Good, Error, Good]), Some(5), "{method}");
        }
        assert_eq!(hours(LotKind::Promo, Voucher, &[Good]), None);
        assert_eq!(hours(LotKind::Credit, TopUpMethod::CreditLine, &[Good]), None);
    }

    #[test]
    fn settings_that_say_nothing_of_it_have_the_usual_hours() {
        let read = |text: &str| serde_json::from_str::<Seasoning>(text).unwrap();
        assert_eq!(read("{}"), Seasoning::default());
        assert_eq!(
            read(r#"{"card_hours":1}"#),
            Seasoning { card_hours: 1, ..Seasoning::default() }
        );
    }
}
