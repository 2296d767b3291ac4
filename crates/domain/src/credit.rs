//! Credit: what is known of an account when it adds funds, and what is made of it.
//!
//! Every top-up, by every method, gets assessments of its own before the money decision. The first is
//! made by the vendor's policy from the account's credit file; what a processor says of the card makes
//! another, and a person who decides a third. Each is kept for good; the last one decides.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::amount::Amount;
use crate::id::Id;
use crate::seasoning::Seasoning;
use crate::time::{Span, Timestamp};
use crate::top_up::TopUpState;
use crate::words;

/// The recorded credit status of an account for one top-up, and the decision it led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// Its name.
    pub id: Id<Self>,
    /// Who made it.
    pub source: Source,
    /// What was found.
    pub status: CreditStatus,
    /// What was decided.
    pub decision: CreditDecision,
    /// Why, as stable words.
    pub reasons: Vec<String>,
    /// From 0, nothing against it, to 100; where the source gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// The version of the policy that was applied.
    pub policy: u32,
    /// When it was obtained.
    pub obtained_at: Timestamp,
    /// When it was decided upon.
    pub decided_at: Timestamp,
    /// Until when it counts.
    pub valid_until: Timestamp,
    /// What the source can be held to, where it is outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// What somebody outside said, so that it can be asked for again and told from anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Their own name of it, if they gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The SHA-256 of the answer as it came, in hexadecimal.
    pub sha256: String,
}

impl Assessment {
    /// What `source` finds at `at`, by the policy of this version; decided upon at once.
    pub fn made(
        id: Id<Self>,
        source: Source,
        status: CreditStatus,
        reasons: Vec<String>,
        policy: u32,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            source,
            status,
            decision: status.decision(),
            reasons,
            score: None,
            policy,
            obtained_at: at,
            decided_at: at,
            valid_until: at.plus(VALID),
            evidence: None,
        }
    }
}

words! {
    /// Who assesses.
    pub enum Source {
        /// The vendor's policy, from the account's credit file.
        Rules = "rules",
        /// The limit that the vendor granted, and what is owed of it.
        CreditLine = "credit_line",
        /// The external bureau that the vendor asks.
        Bureau = "bureau",
        /// The demo processor, as its payment methods say.
        Demo = "demo",
        /// The card processor, from what it knows of the card.
        Processor = "processor",
        /// A person of the vendor's.
        Staff = "staff",
    }
}

words! {
    /// What a credit assessment found.
    pub enum CreditStatus {
        /// Nothing against it.
        Good = "good",
        /// Something to look at.
        Doubtful = "doubtful",
        /// Not creditworthy.
        Bad = "bad",
        /// Whoever was asked gave no answer that can be used.
        Error = "error",
    }
}

words! {
    /// What a credit assessment led to.
    pub enum CreditDecision {
        /// Accepted.
        Approved = "approved",
        /// Refused.
        Declined = "declined",
        /// A person decides.
        Review = "review",
    }
}

impl CreditStatus {
    /// What a status leads to when nobody else is asked.
    pub const fn decision(self) -> CreditDecision {
        match self {
            Self::Good => CreditDecision::Approved,
            Self::Doubtful | Self::Error => CreditDecision::Review,
            Self::Bad => CreditDecision::Declined,
        }
    }
}

impl CreditDecision {
    /// What two that are asked together decide: the first decline wins, and a review stays one.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Declined, _) | (_, Self::Declined) => Self::Declined,
            (Self::Review, _) | (_, Self::Review) => Self::Review,
            (Self::Approved, Self::Approved) => Self::Approved,
        }
    }

    /// What somebody must have found who decides so.
    pub const fn status(self) -> CreditStatus {
        match self {
            Self::Approved => CreditStatus::Good,
            Self::Declined => CreditStatus::Bad,
            Self::Review => CreditStatus::Doubtful,
        }
    }
}

/// How long an assessment counts.
const VALID: Span = Span::hours(1);

/// The vendor's rules. A limit that is absent does not bind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Counted up with every change, and kept with each assessment.
    pub version: u32,
    /// More tokens than this in one top-up are looked at by a person.
    pub review_above: Option<Amount>,
    /// More tokens than this in one top-up are declined.
    pub decline_above: Option<Amount>,
    /// More tokens than this in a day are declined.
    pub tokens_per_day: Option<Amount>,
    /// More top-ups than this in a day are declined.
    pub top_ups_per_day: Option<u32>,
    /// While an account is younger than this, a person looks at every top-up.
    pub review_younger_than_hours: Option<u32>,
    /// Above this many tokens a card of which the processor says nothing is looked at by a person, and so is
    /// a buyer of whom the bureau says nothing.
    pub fail_closed_above: Option<Amount>,
    /// Of more tokens than this the bureau is asked, where there is one.
    pub ask_bureau_above: Option<Amount>,
    /// Above [`Self::fail_closed_above`] a buyer of whom the bureau says nothing is declined, not looked at.
    pub decline_on_error: bool,
    /// An account whose buyer's bank took money back is looked at (true) or declined (false).
    pub review_disputed: bool,
    /// Whether an account is frozen as long as a buyer's bank disputes one of its top-ups.
    pub freeze_disputed: bool,
    /// How long bought tokens wait before they can be exchanged.
    pub seasoning: Seasoning,
}

/// What is known of an account's credit: one row, changed under the guard of its wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditFile {
    /// Whose.
    pub account: Id<Account>,
    /// When the day began that is being counted.
    pub day: Timestamp,
    /// Top-ups asked for in that day, declined ones not.
    pub day_count: u32,
    /// Tokens asked for in that day, declined ones not.
    pub day_tokens: Amount,
    /// Top-ups that were credited, ever.
    pub credited: u32,
    /// Top-ups that were declined or failed, ever.
    pub declined: u32,
    /// Disputes that are open or were lost.
    pub disputed: u32,
}

impl CreditFile {
    /// The file of an account of which nothing is known.
    pub fn empty(account: Id<Account>) -> Self {
        Self {
            account,
            day: Timestamp::default(),
            day_count: 0,
            day_tokens: Amount::ZERO,
            credited: 0,
            declined: 0,
            disputed: 0,
        }
    }

    /// With another top-up asked for at `at`.
    #[must_use]
    pub fn asked(&self, tokens: Amount, at: Timestamp) -> Self {
        let today = self.at(at);
        Self {
            day_count: today.day_count.saturating_add(1),
            day_tokens: today.day_tokens.checked_add(tokens).unwrap_or(Amount::MAX),
            ..today
        }
    }

    /// With a top-up that came to `state`: one that was credited counts, and one that came to nothing by
    /// the word of whoever judged it.
    #[must_use]
    pub fn came_to(&self, state: TopUpState) -> Self {
        let mut file = self.clone();
        let count = match state {
            TopUpState::Credited => &mut file.credited,
            TopUpState::Declined | TopUpState::Failed => &mut file.declined,
            _ => return file,
        };
        *count = count.saturating_add(1);
        file
    }

    /// With a dispute that was opened, or lost without having been seen open.
    #[must_use]
    pub fn with_dispute(&self) -> Self {
        Self { disputed: self.disputed.saturating_add(1), ..self.clone() }
    }

    /// Without one that was won.
    #[must_use]
    pub fn without_dispute(&self) -> Self {
        Self { disputed: self.disputed.saturating_sub(1), ..self.clone() }
    }

    /// As it is read at `at`: a day that is over counts for nothing.
    fn at(&self, at: Timestamp) -> Self {
        if at < self.day.plus(Span::hours(24)) {
            return self.clone();
        }
        Self { day: at, day_count: 0, day_tokens: Amount::ZERO, ..self.clone() }
    }
}

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The account's credit file, without this top-up.
    pub file: &'a CreditFile,
    /// When the account was opened.
    pub opened_at: Timestamp,
    /// How many tokens are asked for.
    pub tokens: Amount,
    /// When.
    pub at: Timestamp,
}

impl Policy {
    /// What is decided where a bureau that was asked has no answer: closed above the set amount, open below.
    pub fn without_bureau(&self, tokens: Amount) -> CreditDecision {
        match self.fail_closed_above {
            Some(most) if tokens > most && self.decline_on_error => CreditDecision::Declined,
            Some(most) if tokens > most => CreditDecision::Review,
            _ => CreditDecision::Approved,
        }
    }

    /// What the rules find, with every reason, the worst of which decides.
    pub fn assess(&self, facts: Facts<'_>) -> (CreditStatus, Vec<String>) {
        let with = facts.file.asked(facts.tokens, facts.at);
        let young = self
            .review_younger_than_hours
            .is_some_and(|hours| facts.at < facts.opened_at.plus(Span::hours(hours)));
        let above = |limit: Option<Amount>, amount| limit.is_some_and(|limit| amount > limit);
        let disputed = facts.file.disputed > 0;
        let bad = [
            (above(self.decline_above, facts.tokens), "amount_above_limit"),
            (above(self.tokens_per_day, with.day_tokens), "tokens_per_day"),
            (self.top_ups_per_day.is_some_and(|most| with.day_count > most), "top_ups_per_day"),
            (disputed && !self.review_disputed, "disputed"),
        ];
        let doubtful = [
            (above(self.review_above, facts.tokens), "large_amount"),
            (young, "new_account"),
            (disputed && self.review_disputed, "disputed"),
        ];
        let reasons = |rules: &[(bool, &str)]| -> Vec<String> {
            rules.iter().filter(|(met, _)| *met).map(|(_, reason)| (*reason).to_owned()).collect()
        };
        let (bad, doubtful) = (reasons(&bad), reasons(&doubtful));
        match (bad.is_empty(), doubtful.is_empty()) {
            (true, true) => (CreditStatus::Good, vec!["rules_passed".to_owned()]),
            (true, false) => (CreditStatus::Doubtful, doubtful),
            (false, _) => (CreditStatus::Bad, [bad, doubtful].concat()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn hours(hours: u32) -> Timestamp {
        Timestamp::from_millis(0).plus(Span::hours(hours))
    }

    fn find(
        policy: &Policy,
        file: &CreditFile,
        tokens: u64,
        at: Timestamp,
    ) -> (CreditStatus, String) {
        let facts = Facts { file, opened_at: hours(1000), tokens: amount(tokens), at };
        let (status, reasons) = policy.assess(facts);
        (status, reasons.join(" "))
    }

    #[test]
    fn each_rule_has_its_reason_and_the_worst_decides() {
        let file = CreditFile::empty(Id::new(1).unwrap());
        let policy = Policy {
            review_above: Some(amount(100)),
            decline_above: Some(amount(1000)),
            review_younger_than_hours: Some(24),
            ..Policy::default()
        };
        let later = hours(1024);
        assert_eq!(find(&policy, &file, 100, later), (CreditStatus::Good, "rules_passed".into()));
        assert_eq!(
            find(&policy, &file, 101, later),
            (CreditStatus::Doubtful, "large_amount".into())
        );
        assert_eq!(
            find(&policy, &file, 1001, later),
            (CreditStatus::Bad, "amount_above_limit large_amount".into())
        );
        assert_eq!(
            find(&policy, &file, 1, hours(1023)),
            (CreditStatus::Doubtful, "new_account".into())
        );
        let disputed = CreditFile { disputed: 1, ..file };
        assert_eq!(find(&policy, &disputed, 1, later), (CreditStatus::Bad, "disputed".into()));
        let lenient = Policy { review_disputed: true, ..policy };
        assert_eq!(
            find(&lenient, &disputed, 1, later),
            (CreditStatus::Doubtful, "disputed".into())
        );
    }

    #[test]
    fn a_day_counts_what_was_asked_for_in_it() {
        let policy = Policy {
            tokens_per_day: Some(amount(100)),
            top_ups_per_day: Some(2),
            ..Policy::default()
        };
        let file = CreditFile::empty(Id::new(1).unwrap()).asked(amount(60), hours(2000));
        assert_eq!(find(&policy, &file, 40, hours(2023)).0, CreditStatus::Good);
        assert_eq!(find(&policy, &file, 41, hours(2023)).1, "tokens_per_day");
        assert_eq!(find(&policy, &file, 100, hours(2024)).0, CreditStatus::Good);
        let file = file.asked(amount(1), hours(2001));
        assert_eq!(find(&policy, &file, 1, hours(2002)).1, "top_ups_per_day");
    }

    #[test]
    fn the_first_decline_wins_and_a_review_stays_one() {
        use CreditDecision::{Approved, Declined, Review};
        for (one, other, both) in [
            (Approved, Approved, Approved),
            (Approved, Review, Review),
            (Review, Review, Review),
            (Review, Declined, Declined),
            (Approved, Declined, Declined),
            (Declined, Declined, Declined),
        ] {
            assert_eq!((one.and(other), other.and(one)), (both, both), "{one} and {other}");
            assert_eq!(both.status().decision(), both);
        }
    }

    #[test]
    fn without_an_answer_small_amounts_pass_and_large_ones_do_not() {
        let open = Policy::default();
        assert_eq!(open.without_bureau(Amount::MAX), CreditDecision::Approved);
        let policy = Policy { fail_closed_above: Some(amount(100)), ..Policy::default() };
        assert_eq!(policy.without_bureau(amount(100)), CreditDecision::Approved);
        assert_eq!(policy.without_bureau(amount(101)), CreditDecision::Review);
        let strict = Policy { decline_on_error: true, ..policy };
        assert_eq!(strict.without_bureau(amount(100)), CreditDecision::Approved);
        assert_eq!(strict.without_bureau(amount(101)), CreditDecision::Declined);
    }
}
