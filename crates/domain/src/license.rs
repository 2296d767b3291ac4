//! Licenses: the right that an authorization code stands for, with limits and state.
//!
//! ```text
//! withheld ──released──▶ valid (at a merchant, until the provider has had its last word)
//!   └──given back before──▶ refunded
//! valid ──rental or trial over──▶ expired (derived from `expires_at`, never stored)
//!   ├──refund──▶ refunded
//!   ├──revoke──▶ revoked
//!   └──suspend──▶ suspended ──resume──▶ valid
//! ```

use scrip_license::{Limits, RentalStart, Terms};

use crate::account::Account;
use crate::catalog::{Offer, Product, Release};
use crate::id::Id;
use crate::order::{Line, Order};
use crate::time::{Span, Timestamp};
use crate::usage::Reminder;
use crate::words;

/// How long before its end the holder of a license is reminded, the earliest first.
pub const REMINDED_BEFORE: [Span; 2] = [Span::days(7), Span::days(1)];

words! {
    /// Where a license stands.
    pub enum LicenseState {
        /// Made, and not handed out: its code is nobody's yet.
        Withheld = "withheld",
        /// In force.
        Valid = "valid",
        /// Taken back by the vendor.
        Revoked = "revoked",
        /// Not in force for the time being.
        Suspended = "suspended",
        /// Ended by a refund.
        Refunded = "refunded",
    }
}

/// The right to one unit of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// Its name.
    pub id: Id<Self>,
    /// The order that it was bought with.
    pub order: Id<Order>,
    /// The line of that order.
    pub line: Id<Line>,
    /// Whose it is.
    pub account: Id<Account>,
    /// To what.
    pub product: Id<Product>,
    /// Under which offer.
    pub offer: Id<Offer>,
    /// What its owner may do.
    pub terms: Terms,
    /// How many machines and downloads.
    pub limits: Limits,
    /// The release as sold, for a download; a published release never changes.
    pub release: Option<Id<Release>>,
    /// Where it stands.
    pub state: LicenseState,
    /// The issue of its code: a re-issue counts it up.
    pub issue: u32,
    /// The key that signs its code.
    pub kid: String,
    /// When that code was issued.
    pub issued_at: Timestamp,
    /// Until when it is in force, for terms that end by time: set when that begins, and moved by extensions.
    pub expires_at: Option<Timestamp>,
}

/// A later issue of a license's code. The one before is dead from then on; what it was signed with stands here, so that
/// an answer that told it can be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reissue {
    /// Of which license.
    pub license: Id<License>,
    /// The number of this issue: 2 or more.
    pub issue: u32,
    /// The key that signed the issue before.
    pub former_kid: String,
    /// When that was issued.
    pub former_at: Timestamp,
    /// When this one was issued.
    pub at: Timestamp,
    /// When the license ended then.
    pub expires_at: Option<Timestamp>,
    /// The number of the idempotency key that asked for it.
    pub request: u64,
}

impl License {
    /// Whether it is over for good.
    pub fn is_over(&self) -> bool {
        matches!(self.state, LicenseState::Revoked | LicenseState::Refunded)
    }

    /// Whether it is in the place of its account where what is not sold twice is listed: what is owned for good, a
    /// suspended one too, and a trial, whatever became of it since it was withheld.
    pub fn is_kept(&self) -> bool {
        match self.terms {
            Terms::Perpetual => {
                matches!(self.state, LicenseState::Valid | LicenseState::Suspended)
            }
            Terms::Trial { .. } => self.state != LicenseState::Withheld,
            Terms::Rental { .. } | Terms::Uses { .. } | Terms::Processings { .. } => false,
        }
    }

    /// The same with a new code, signed by this key; `None` when no further issue has a number.
    pub fn reissued(&self, kid: String, at: Timestamp) -> Option<Self> {
        let issue = self.issue.checked_add(1)?;
        Some(Self { issue, kid, issued_at: at, ..self.clone() })
    }

    /// When its holder is to be reminded of its end next, after `at`.
    pub fn reminder(&self, at: Timestamp) -> Option<Reminder> {
        let end = self.expires_at.filter(|_| !self.is_over())?;
        let times = REMINDED_BEFORE.iter().map(|before| end.minus(*before));
        let due_at = times.into_iter().find(|due_at| *due_at > at)?;
        Some(Reminder { license: self.id, due_at })
    }

    /// Whether its code may be told to its owner.
    pub fn tells_its_code(&self) -> bool {
        !matches!(self.state, LicenseState::Withheld | LicenseState::Refunded)
    }

    /// The license to a unit of `line` of `account`'s order, as it is first issued at `at`.
    pub fn first_issue(
        id: Id<Self>,
        line: &Line,
        account: Id<Account>,
        kid: String,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            order: line.order,
            line: line.id,
            account,
            product: line.product,
            offer: line.offer,
            terms: line.terms,
            limits: line.limits,
            release: line.release,
            state: LicenseState::Valid,
            issue: 1,
            kid,
            issued_at: at,
            expires_at: ends_at(line.terms, at),
        }
    }
}

/// When terms that run from the purchase end.
fn ends_at(terms: Terms, at: Timestamp) -> Option<Timestamp> {
    let seconds = match terms {
        Terms::Rental { seconds, from: RentalStart::Purchase } | Terms::Trial { seconds } => {
            seconds
        }
        Terms::Rental { from: RentalStart::FirstActivation, .. }
        | Terms::Perpetual
        | Terms::Uses { .. }
        | Terms::Processings { .. } => return None,
    };
    Some(at.plus(Span::seconds(u32::try_from(seconds).unwrap_or(u32::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn license(expires_at: Option<Timestamp>) -> License {
        let one = || Id::new(1).unwrap();
        License {
            id: Id::new(1).unwrap(),
            order: Id::new(1).unwrap(),
            line: Id::new(1).unwrap(),
            account: Id::new(1).unwrap(),
            product: one(),
            offer: Id::new(1).unwrap(),
            terms: Terms::Trial { seconds: 1 },
            limits: Limits::default(),
            release: None,
            state: LicenseState::Valid,
            issue: 1,
            kid: "a".into(),
            issued_at: Timestamp::default(),
            expires_at,
        }
    }

    #[test]
    fn a_holder_is_reminded_a_week_and_a_day_before() {
        let day = |number: u32| Timestamp::default().plus(Span::days(number));
        let ends = license(Some(day(30)));
        let due = |at| ends.reminder(at).map(|reminder| reminder.due_at);
        assert_eq!(due(day(0)), Some(day(23)));
        assert_eq!(due(day(23)), Some(day(29)), "the first one is over");
        assert_eq!(due(day(29)), None);
        let short = license(Some(day(3)));
        assert_eq!(short.reminder(day(0)).map(|reminder| reminder.due_at), Some(day(2)));
        assert_eq!(license(Some(day(1))).reminder(day(0)), None, "a term as long as that");
        assert_eq!(license(None).reminder(day(0)), None);
        let revoked = License { state: LicenseState::Revoked, ..ends };
        assert_eq!(revoked.reminder(day(0)), None);
    }

    #[test]
    fn a_code_can_be_issued_again_until_the_numbers_end() {
        let first = license(None);
        let second = first.reissued("b".into(), Timestamp::from_millis(7)).unwrap();
        assert_eq!((second.issue, &*second.kid, second.issued_at.millis()), (2, "b", 7));
        assert_eq!(
            License { issue: u32::MAX, ..first }.reissued("b".into(), second.issued_at),
            None
        );
    }
}
