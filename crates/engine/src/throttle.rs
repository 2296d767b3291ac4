//! Throttling: so many tries per source and while, then a pause.
//!
//! Kept in memory, bounded, per process: it slows guessing down, it does not count money.
//!
//! ```text
//! take ─▶ counted
//! guess ─▶ under way ──wrong──▶ counted
//!              └─(right, crowded out, a fault, nobody waits any more)─▶ not counted
//! ```
//! What is under way takes a place from the start, so of guesses that come at once none gets past the limit.

use quick_cache::sync::{Cache, EntryAction, EntryResult};
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
    /// Orders of one account that are declined for its balance: each stays on record, and is told of.
    Declined,
    /// Letters about declined orders to one account.
    DeclinedLetter,
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
    /// Wrong codes of one second factor.
    Factor,
    /// Links to a new password that are asked for from one source.
    ResetSource,
    /// The same for one address.
    ResetAddress,
    /// Letters that one account asks for.
    LetterAccount,
    /// Letters that accounts ask for to one address that is none of theirs.
    LetterAddress,
    /// Letters about sign-ins to one account.
    SignInLetter,
    /// Orders that visitors of a merchant send to its provider from one source.
    VisitorOrder,
    /// Sign-ins that they begin there: apart, for who has ordered too often is asked to sign in.
    VisitorSignIn,
    /// Letters of one merchant's that a provider forwards to one of its buyers.
    Forwarded,
}

impl Limited {
    /// So many, in so long.
    const fn limit(self) -> (u32, Span) {
        match self {
            Self::SignInAddress | Self::StaffAddress | Self::Factor => (10, Span::minutes(5)),
            Self::SignInSource | Self::StaffSource => (60, Span::minutes(5)),
            Self::Register => (100, Span::hours(1)),
            Self::Codes => (60, Span::minutes(1)),
            Self::License => (600, Span::minutes(10)),
            Self::VoucherAccount | Self::CouponAccount => (20, Span::minutes(10)),
            Self::VoucherSource | Self::CouponSource => (100, Span::minutes(10)),
            Self::CardAccount => (20, Span::hours(1)),
            Self::CardSource | Self::ResetSource => (60, Span::hours(1)),
            Self::Declined | Self::QuoteAccount | Self::VisitorOrder | Self::VisitorSignIn => {
                (60, Span::minutes(10))
            }
            Self::Forwarded => (30, Span::days(1)),
            Self::DeclinedLetter
            | Self::ResetAddress
            | Self::LetterAccount
            | Self::LetterAddress
            | Self::SignInLetter => (5, Span::hours(1)),
        }
    }
}

/// How long to wait before the next try, in whole seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u64);

/// What is known of somebody's tries.
#[derive(Clone, Copy, Debug)]
struct Counter {
    counted: u32,
    /// When the first of those was.
    since: Timestamp,
    under_way: u32,
}

impl Counter {
    /// Forgets what is too long ago to count.
    fn settle(&mut self, what: Limited, now: Timestamp) {
        let (_, window) = what.limit();
        if self.counted == 0 || now >= self.since.plus(window) {
            (self.counted, self.since) = (0, now);
        }
    }

    /// Whether none is left of `what`, and for how long.
    fn left(&mut self, what: Limited, now: Timestamp) -> Result<(), RetryAfter> {
        self.settle(what, now);
        let (limit, window) = what.limit();
        if self.counted < limit {
            return Ok(());
        }
        let left = self.since.plus(window).since(now).as_millis().saturating_add(999) / 1000;
        Err(RetryAfter(u64::try_from(left).unwrap_or(1).max(1)))
    }

    fn begin(&mut self, what: Limited, now: Timestamp) -> Result<(), RetryAfter> {
        self.left(what, now)?;
        let (limit, _) = what.limit();
        if self.counted.saturating_add(self.under_way) >= limit {
            return Err(RetryAfter(1));
        }
        self.under_way = self.under_way.saturating_add(1);
        Ok(())
    }

    fn is_idle(&self) -> bool {
        self.counted == 0 && self.under_way == 0
    }

    fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    fn count(&mut self, what: Limited, at: Timestamp) {
        self.settle(what, at);
        self.counted = self.counted.saturating_add(1);
    }
}

/// Counters of tries.
#[derive(Debug)]
pub(crate) struct Throttle {
    counters: Cache<[u8; 16], Counter>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { counters: Cache::new(100_000) }
    }
}

impl Throttle {
    /// Counts a try of each of `limits` at `now`, whatever comes of it; none when one of them has none left.
    pub fn take<'a>(
        &self,
        limits: impl IntoIterator<Item = (Limited, &'a str)>,
        now: Timestamp,
    ) -> Result<(), RetryAfter> {
        self.guess(limits, now).map(Guess::wrong)
    }

    /// Begins a try of which only a wrong one counts; none when one of `limits` has none left.
    pub fn guess<'a>(
        &self,
        limits: impl IntoIterator<Item = (Limited, &'a str)>,
        now: Timestamp,
    ) -> Result<Guess<'_>, RetryAfter> {
        let mut guess = Guess { throttle: self, limits: Vec::new(), at: now };
        for (what, who) in limits {
            let key = key(what, who);
            let mut begun = Ok(());
            self.change(key, now, |counter| begun = counter.begin(what, now));
            begun?;
            guess.limits.push((what, key));
        }
        Ok(guess)
    }

    /// Whether any try is left, without taking one: for what may be done as often at once as it likes, and of which only
    /// what comes of it is counted, by [`Throttle::take`].
    pub fn left(&self, what: Limited, who: &str, now: Timestamp) -> Result<(), RetryAfter> {
        let counter = self.counters.get(&key(what, who));
        counter.map_or(Ok(()), |mut counter| counter.left(what, now))
    }

    /// Forgets the tries: the right one was found.
    pub fn forgive(&self, what: Limited, who: &str, now: Timestamp) {
        self.change(key(what, who), now, |counter| counter.counted = 0);
    }

    /// Changes a counter, with nobody in between. One that says nothing is not kept.
    fn change(&self, key: [u8; 16], now: Timestamp, mut change: impl FnMut(&mut Counter)) {
        let found = self.counters.entry(&key, None, |_, counter| {
            change(counter);
            if counter.is_idle() { EntryAction::Remove } else { EntryAction::Retain(()) }
        });
        if let EntryResult::Vacant(vacant) = found {
            let mut counter = Counter { counted: 0, since: now, under_way: 0 };
            change(&mut counter);
            if !counter.is_idle() {
                // Where there is no room it is as if nobody had tried.
                let _ = vacant.insert(counter);
            }
        }
    }
}

/// A try that takes its places until it is dropped.
#[must_use]
#[derive(Debug)]
pub(crate) struct Guess<'a> {
    throttle: &'a Throttle,
    limits: Vec<(Limited, [u8; 16])>,
    at: Timestamp,
}

impl Guess<'_> {
    /// It was wrong, and counts.
    pub fn wrong(self) {
        for (what, key) in &self.limits {
            self.throttle.change(*key, self.at, |counter| counter.count(*what, self.at));
        }
    }
}

impl Drop for Guess<'_> {
    fn drop(&mut self) {
        for (_, key) in &self.limits {
            self.throttle.change(*key, self.at, Counter::end);
        }
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

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);
    const ADA: [(Limited, &str); 1] = [(Limited::SignInAddress, "ada")];

    #[test]
    fn the_eleventh_guess_waits_and_the_right_one_clears() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            throttle.guess(ADA, NOON).unwrap().wrong();
        }
        let wait = |at| throttle.guess(ADA, at).map(drop);
        assert_eq!(wait(NOON.plus(Span::seconds(1))), Err(RetryAfter(299)));
        assert!(throttle.guess([(Limited::SignInAddress, "bob")], NOON).is_ok());
        assert_eq!(
            wait(NOON.plus(Span::minutes(4))),
            Err(RetryAfter(60)),
            "waiting counts nothing"
        );
        throttle.forgive(Limited::SignInAddress, "ada", NOON);
        assert!(throttle.counters.is_empty(), "what says nothing is not kept");
        assert_eq!(wait(NOON.plus(Span::minutes(4))), Ok(()));
    }

    #[test]
    fn what_is_too_long_ago_does_not_count() {
        let throttle = Throttle::default();
        (0..10).for_each(|_| throttle.guess(ADA, NOON).unwrap().wrong());
        let later = NOON.plus(Span::minutes(5));
        (0..10).for_each(|_| throttle.guess(ADA, later).unwrap().wrong());
        assert_eq!(throttle.guess(ADA, later).unwrap_err(), RetryAfter(300));
    }

    #[test]
    fn guesses_that_come_at_once_do_not_get_past_the_limit() {
        let throttle = Throttle::default();
        let mut all: Vec<_> = (0..10).map(|_| throttle.guess(ADA, NOON).unwrap()).collect();
        assert_eq!(
            throttle.guess(ADA, NOON).unwrap_err(),
            RetryAfter(1),
            "one of them may be right"
        );
        drop(all.pop());
        all.push(throttle.guess(ADA, NOON).unwrap());
        assert_eq!(throttle.counters.len(), 1);
        all.into_iter().for_each(Guess::wrong);
        assert_eq!(throttle.guess(ADA, NOON).unwrap_err(), RetryAfter(300));
    }

    #[test]
    fn a_try_that_one_limit_refuses_costs_the_other_nothing() {
        let throttle = Throttle::default();
        let both = [(Limited::SignInSource, "here"), (Limited::SignInAddress, "ada")];
        for _ in 0..100 {
            let _ = throttle.take(both, NOON);
        }
        for _ in 10..60 {
            assert_eq!(throttle.take([(Limited::SignInSource, "here")], NOON), Ok(()));
        }
        assert!(throttle.take([(Limited::SignInSource, "here")], NOON).is_err());
    }

    #[test]
    fn none_is_lost_between_threads() {
        let throttle = Throttle::default();
        let taken = std::thread::scope(|scope| {
            let tries = || {
                (0..1000).filter(|_| throttle.take([(Limited::Codes, "x")], NOON).is_ok()).count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(tries)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(taken, 60);
    }
}
