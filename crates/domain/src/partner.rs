//! Partners: other vendors, whose tokens can be exchanged for ours, and what the two owe each other.
//!
//! ```text
//! entered ──agreement in force──▶ exchanging ◀──▶ suspended (by us, by them, or both)
//!                                     └──agreement ended──▶ entered
//! ```
//! An administrator on each side enters the other by its address; before that neither hears the other. The row is the
//! guard of the exposure, of the limits of a day and of the number of the cycle. What is owed is money of the agreement's
//! currency in millionths ([`MICRO_SCALE`]): two pairs of counters that only grow, each change of which has an entry.

use crate::agreement::Agreement;
use crate::amount::{Amount, Unit};
use crate::exchange::Exchange;
use crate::id::Id;
use crate::ledger::Counters;
use crate::statement::Statement;
use crate::time::{Span, Timestamp};
use crate::words;

/// The decimals of what partners owe each other.
pub const MICRO_SCALE: u8 = 6;
/// The most characters of a partner's name.
pub const MAX_NAME: usize = 100;

words! {
    /// Why we do not exchange with a partner at the moment.
    pub enum Suspended {
        /// Staff said so.
        Staff = "staff",
        /// The partner has not paid what is overdue.
        Overdue = "overdue",
        /// The two do not agree on what they owe for a cycle.
        Disputed = "disputed",
        /// The partner has not answered a commit for so long that it was written off.
        Silent = "silent",
    }
}

/// Another vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Its name here.
    pub id: Id<Self>,
    /// Its address, which signs its calls and documents.
    pub url: String,
    /// What buyers know it by.
    pub name: String,
    /// The agreement in force, if there is one.
    pub agreement: Option<Id<Agreement>>,
    /// The currency in which the two settle; it stays until nothing is owed.
    pub currency: Option<Unit>,
    /// Why we do not exchange with it, if we do not.
    pub suspended: Option<Suspended>,
    /// Since when that is so, or not so: what the partner is told by, so that an older word never counts after a newer one.
    pub suspended_at: Timestamp,
    /// Whether it has told us that it does not exchange with us.
    pub suspended_there: bool,
    /// Since when that is so, or not so, by its clock.
    pub suspended_there_at: Timestamp,
    /// The highest number of an agreement with it, proposed or in force.
    pub version: u32,
    /// What we owe: credits are compensation for what it issued, debits reversals, settlement and write-off.
    pub payable: Counters,
    /// What it owes us: debits are compensation for what we issued, credits settlement and write-off.
    pub receivable: Counters,
    /// Compensation of our buyers' exchanges that are reserved and not committed: what we may come to owe.
    pub payable_reserved: Amount,
    /// Compensation of exchanges that are prepared here and not fulfilled: what it may come to owe.
    pub receivable_reserved: Amount,
    /// The cycle to which our next commit belongs, from 1 on.
    pub cycle: u32,
    /// When that cycle began.
    pub cycle_began_at: Timestamp,
    /// The day (UTC) for which the next two count.
    pub day: Timestamp,
    /// What our buyers gave on that day, in our tokens.
    pub day_given: Amount,
    /// What its buyers gave on that day, in its tokens.
    pub day_taken: Amount,
    /// When it was entered.
    pub created_at: Timestamp,
    /// When it is told next whether we exchange with it.
    pub due_at: Option<Timestamp>,
    /// How often that was tried.
    pub attempts: u32,
}

impl Partner {
    /// A partner that was just entered: nothing is agreed, and nothing owed.
    pub fn entered(id: Id<Self>, url: String, name: String, at: Timestamp) -> Self {
        let none = Timestamp::from_millis(0);
        Self {
            id,
            url,
            name,
            agreement: None,
            currency: None,
            suspended: None,
            suspended_at: none,
            suspended_there: false,
            suspended_there_at: none,
            version: 0,
            payable: Counters::default(),
            receivable: Counters::default(),
            payable_reserved: Amount::ZERO,
            receivable_reserved: Amount::ZERO,
            cycle: 1,
            cycle_began_at: at,
            day: none,
            day_given: Amount::ZERO,
            day_taken: Amount::ZERO,
            created_at: at,
            due_at: None,
            attempts: 0,
        }
    }

    /// The partner, suspended for this reason, or not any more; it is to be told.
    #[must_use]
    pub fn with_suspended(self, suspended: Option<Suspended>, at: Timestamp) -> Self {
        if suspended == self.suspended {
            return self;
        }
        let told = suspended.is_some() == self.suspended.is_some();
        let since = self.suspended_at.plus(Span::millis(1)).max(at);
        Self {
            suspended,
            suspended_at: if told { self.suspended_at } else { since },
            due_at: if told { self.due_at } else { Some(at) },
            attempts: if told { self.attempts } else { 0 },
            ..self
        }
    }

    /// Whether nothing is owed or may come to be: then the two may settle in another currency.
    pub fn is_even(&self) -> bool {
        let owed =
            [self.owed_to_it(), self.owed_by_it(), self.payable_reserved, self.receivable_reserved];
        owed.iter().all(|amount| amount.is_zero())
    }

    /// What we owe, in millionths.
    pub fn owed_to_it(&self) -> Amount {
        self.payable.credit_balance()
    }

    /// What it owes us, in millionths.
    pub fn owed_by_it(&self) -> Amount {
        let Counters { debits, credits } = self.receivable;
        Amount::new(debits.saturating_sub(credits)).unwrap_or(Amount::MAX)
    }

    /// Whether the two exchange at the moment.
    pub fn is_open(&self) -> bool {
        self.agreement.is_some() && self.suspended.is_none() && !self.suspended_there
    }
}

/// Whom an address names, so that it names one partner at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerUrl {
    /// The address.
    pub url: String,
    /// The partner.
    pub partner: Id<Partner>,
}

words! {
    /// Which of the two pairs of counters.
    pub enum Side {
        /// What we owe.
        Payable = "payable",
        /// What the partner owes.
        Receivable = "receivable",
    }
}

words! {
    /// Why what is owed changed. The first makes it more, all others less.
    pub enum EntryKind {
        /// An exchange was committed, or fulfilled here.
        Exchange = "exchange",
        /// The partner refused a commit for good.
        Reversal = "reversal",
        /// What each owes the other went up in one payment.
        Netting = "netting",
        /// It was paid.
        Payment = "payment",
        /// It will not be paid.
        WriteOff = "write_off",
    }
}

/// One change of what is owed. This never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerEntry {
    /// With whom.
    pub partner: Id<Partner>,
    /// Its name.
    pub id: Id<Self>,
    /// Which counters.
    pub side: Side,
    /// Why.
    pub kind: EntryKind,
    /// How much, in millionths of the currency; above zero.
    pub amount: Amount,
    /// The exchange, or the statement that was settled: the number of its id.
    pub subject: u64,
    /// The cycle that it belongs to.
    pub cycle: u32,
    /// When.
    pub at: Timestamp,
}

impl PartnerEntry {
    /// Whether it makes what is owed more.
    pub fn adds(&self) -> bool {
        self.kind == EntryKind::Exchange
    }

    /// What it belongs to, by its name.
    pub fn subject_name(&self) -> String {
        let name = match self.kind {
            EntryKind::Exchange | EntryKind::Reversal => {
                Id::<Exchange>::new(self.subject).map(|id| id.to_string())
            }
            EntryKind::Netting | EntryKind::Payment | EntryKind::WriteOff => {
                Id::<Statement>::new(self.subject).map(|id| id.to_string())
            }
        };
        name.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_turn_of_a_suspension_is_told_by_a_later_time() {
        let at = Timestamp::from_millis(1_795_348_800_000);
        let partner = Partner::entered(Id::new(1).unwrap(), "u".into(), "n".into(), at);
        assert!(partner.is_even() && !partner.is_open());
        let silent = partner.clone().with_suspended(Some(Suspended::Silent), at);
        assert_eq!((silent.suspended_at, silent.due_at), (at, Some(at)));
        let staff = Partner { due_at: None, ..silent.clone() };
        let staff = staff.with_suspended(Some(Suspended::Staff), at);
        assert_eq!((staff.suspended_at, staff.due_at), (at, None), "the partner knows already");
        let resumed = silent.with_suspended(None, at);
        assert_eq!(resumed.suspended_at, at.plus(Span::millis(1)), "in the same moment");
        let same = resumed.clone().with_suspended(None, at.plus(Span::days(1)));
        assert_eq!(same, resumed);
    }
}
