//! Throttling: so many tries per source and while, then a pause.
//!
//! Kept in memory, bounded, per process: it slows guessing down, it does not count money.

use quick_cache::sync::Cache;
use scrip_domain::{Span, Timestamp};
use sha2::{Digest, Sha256};

/// Something that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Wrong passwords for one address.
    SignInAddress,
    /// Wrong passwords from one source.
    SignInSource,
    /// Registrations from one source.
    Register,
    /// Wrong codes from one source.
    Codes,
    /// Wrong codes for one license.
    License,
    /// Vouchers that one account tries.
    VoucherAccount,
    /// Vouchers that are tried from one source.
    VoucherSource,
    /// Coupons that one account tries in vain.
    CouponAccount,
    /// Coupons that are tried in vain from one source.
    CouponSource,
    /// Cards that one account tries to keep.
    CardAccount,
    /// Cards that are tried from one source.
    CardSource,
    /// Quotes for an exchange that one account asks for: each is a question to a partner.
    QuoteAccount,
    /// Wrong passwords for one address of the staff.
    StaffAddress,
    /// Wrong passwords of the staff, and wrong invitations, from one source.
    StaffSource,
    /// Wrong codes of one member's second factor.
    StaffFactor,
    /// Links to a new password that are asked for from one source.
    ResetSource,
    /// The same for one address.
    ResetAddress,
    /// Letters that one account asks for.
    LetterAccount,
    /// Letters about sign-ins to one account.
    SignInLetter,
    /// Orders that visitors of a merchant send to its provider from one source.
    VisitorOrder,
}

impl Limited {
    /// So many, in so long.
    const fn limit(self) -> (u32, Span) {
        match self {
            Self::SignInAddress | Self::StaffAddress | Self::StaffFactor => (10, Span::minutes(5)),
            Self::SignInSource | Self::StaffSource => (60, Span::minutes(5)),
            Self::Register => (100, Span::hours(1)),
            Self::Codes => (60, Span::minutes(1)),
            Self::License => (600, Span::minutes(10)),
            Self::VoucherAccount | Self::CouponAccount => (20, Span::minutes(10)),
            Self::VoucherSource | Self::CouponSource => (100, Span::minutes(10)),
            Self::CardAccount => (20, Span::hours(1)),
            Self::CardSource | Self::ResetSource => (60, Span::hours(1)),
            Self::QuoteAccount | Self::VisitorOrder => (60, Span::minutes(10)),
            Self::ResetAddress | Self::LetterAccount | Self::SignInLetter => (5, Span::hours(1)),
        }
    }
}

/// How long to wait before the next try, in whole seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u64);

/// Counters of tries.
#[derive(Debug)]
pub struct Throttle {
    counters: Cache<[u8; 16], (u32, Timestamp)>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { counters: Cache::new(100_000) }
    }
}

impl Throttle {
    /// Whether `who` may still try `what` at `now`.
    pub fn check(&self, what: Limited, who: &str, now: Timestamp) -> Result<(), RetryAfter> {
        let (limit, window) = what.limit();
        match self.counters.get(&key(what, who)) {
            Some((count, since)) if count >= limit && now < since.plus(window) => {
                let left = since.plus(window).since(now).as_millis();
                Err(RetryAfter(u64::try_from(left.saturating_add(999) / 1000).unwrap_or(1).max(1)))
            }
            _ => Ok(()),
        }
    }

    /// Counts a try.
    pub fn count(&self, what: Limited, who: &str, now: Timestamp) {
        let (_, window) = what.limit();
        let key = key(what, who);
        let counter = match self.counters.get(&key) {
            Some((count, since)) if now < since.plus(window) => (count.saturating_add(1), since),
            _ => (1, now),
        };
        self.counters.insert(key, counter);
    }

    /// Forgets the tries: the right one was found.
    pub fn forgive(&self, what: Limited, who: &str) {
        self.counters.remove(&key(what, who));
    }
}

fn key(what: Limited, who: &str) -> [u8; 16] {
    let digest = Sha256::digest(format!("{what:?} {who}").as_bytes());
    let mut key = [0; 16];
    key.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_guess_waits_and_the_right_one_clears() {
        let throttle = Throttle::default();
        let now = Timestamp::from_millis(1_000_000);
        for _ in 0..10 {
            assert!(throttle.check(Limited::SignInAddress, "ada", now).is_ok());
            throttle.count(Limited::SignInAddress, "ada", now);
        }
        let wait = throttle.check(Limited::SignInAddress, "ada", now.plus(Span::seconds(1)));
        assert_eq!(wait, Err(RetryAfter(299)));
        assert!(throttle.check(Limited::SignInAddress, "bob", now).is_ok());
        assert!(throttle.check(Limited::SignInAddress, "ada", now.plus(Span::minutes(5))).is_ok());
        throttle.forgive(Limited::SignInAddress, "ada");
        assert!(throttle.check(Limited::SignInAddress, "ada", now).is_ok());
    }
}
