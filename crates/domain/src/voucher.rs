//! Vouchers: codes that bring tokens once, made and closed by the batch.
//!
//! The batch's row is the guard of its vouchers. A code is known by its digest alone, so that nobody
//! who reads the books can redeem what is in them.

use crate::amount::Amount;
use crate::id::Id;
use crate::lot::LotKind;
use crate::time::{Span, Timestamp};
use crate::top_up::TopUp;
use crate::words;

/// The SHA-256 of a code, as it is written out.
pub type CodeDigest = [u8; 32];

/// The most vouchers of one batch: what one command may write.
pub const MOST: u32 = 500;

words! {
    /// What a voucher's tokens are.
    pub enum VoucherKind {
        /// Somebody paid for the voucher.
        Paid = "paid",
        /// The vendor gives it away.
        Promo = "promo",
    }
}

impl VoucherKind {
    /// The lot that its tokens make.
    pub const fn lot(self) -> LotKind {
        match self {
            Self::Paid => LotKind::Paid,
            Self::Promo => LotKind::Promo,
        }
    }
}

/// Vouchers that were made together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherBatch {
    /// Its name.
    pub id: Id<Self>,
    /// What it is for, for staff.
    pub label: String,
    /// What each of its vouchers brings.
    pub tokens: Amount,
    /// How many vouchers it has.
    pub count: u32,
    /// How many of them are redeemed.
    pub redeemed: u32,
    /// What their tokens are.
    pub kind: VoucherKind,
    /// From when on they can be redeemed.
    pub starts_at: Option<Timestamp>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// How many of them one account can redeem.
    pub per_account: Option<u32>,
    /// After how many days their tokens expire.
    pub tokens_expire_after_days: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nobody can redeem any more of it.
    pub closed_at: Option<Timestamp>,
}

impl VoucherBatch {
    /// Whether its vouchers can be redeemed at `at`, by an account that has redeemed `before` of them.
    pub fn opens(&self, before: usize, at: Timestamp) -> bool {
        let most = self.per_account.map_or(Ok(usize::MAX), usize::try_from);
        self.closed_at.is_none()
            && self.starts_at.is_none_or(|start| start <= at)
            && self.expires_at.is_none_or(|end| at < end)
            && most.is_ok_and(|most| before < most)
    }

    /// When tokens expire that come in at `at`.
    pub fn tokens_expire_at(&self, at: Timestamp) -> Option<Timestamp> {
        self.tokens_expire_after_days.map(|days| at.plus(Span::days(days)))
    }
}

/// One voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// What is kept of its code.
    pub code: CodeDigest,
    /// Of which batch it is.
    pub batch: Id<VoucherBatch>,
    /// The top-up that it was redeemed for.
    pub top_up: Option<Id<TopUp>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voucher_opens_within_its_bounds() {
        let at = |hours| Timestamp::from_millis(0).plus(Span::hours(hours));
        let batch = VoucherBatch {
            id: Id::new(1).unwrap(),
            label: String::new(),
            tokens: Amount::ZERO,
            count: 1,
            redeemed: 0,
            kind: VoucherKind::Promo,
            starts_at: Some(at(2)),
            expires_at: Some(at(4)),
            per_account: Some(2),
            tokens_expire_after_days: Some(1),
            created_at: at(0),
            closed_at: None,
        };
        let opens = [1, 2, 3, 4].map(|hours| batch.opens(0, at(hours)));
        assert_eq!(opens, [false, true, true, false]);
        assert!(batch.opens(1, at(2)) && !batch.opens(2, at(2)));
        assert_eq!(batch.tokens_expire_at(at(0)), Some(at(24)));
        let closed = VoucherBatch { closed_at: Some(at(3)), ..batch };
        assert!(!closed.opens(0, at(3)));
    }
}
