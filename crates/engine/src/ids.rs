//! Minting ids under a lease: no two servers on one database ever mint the same.
//!
//! A server's number is leased in a row with a time ceiling a little ahead of the clock. Nothing is
//! minted beyond the ceiling, and a server that starts begins above the old one.
//!
//! So ids run ahead of a clock that was set back, until it has caught up. The lease remembers since when, and how far: whoever
//! looks for what happened in a day by ids looks so far, too.

use std::sync::{Mutex, PoisonError};

use scrip_domain::id::{Id, Kind, Mint};
use scrip_domain::{Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::ServerLease;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Store, Wants};

/// How far ahead of the clock a lease reaches.
const AHEAD: Span = Span::seconds(10);
/// Ids that run ahead of the clock by no more are found as all others are.
const NEAR: Span = Span::minutes(30);
/// What was booked before it was seen that they run ahead, and what is minted before it is seen again how far.
const UNSEEN: Span = Span::hours(1);

#[derive(Debug)]
pub(crate) struct IdMint {
    server: u8,
    mint: Mint,
    ceiling: Timestamp,
    /// What the clock said last.
    seen: Timestamp,
    /// Why the lease was not renewed, the last time that it was tried.
    late: Option<Fault>,
}

impl IdMint {
    pub fn server(&self) -> u8 {
        self.server
    }

    pub fn reach(&self) -> Timestamp {
        self.mint.reach()
    }

    pub fn stay_above(&mut self, number: u64) {
        self.mint.stay_above(number);
    }

    /// Whether the lease ends before what was minted.
    pub fn is_beyond(&self) -> bool {
        self.mint.reach() >= self.ceiling
    }

    /// The lease was renewed up to a ceiling, or was not.
    pub fn renewed(&mut self, extended: &Result<Timestamp, Fault>) {
        self.ceiling = self.ceiling.max(extended.as_ref().copied().unwrap_or_default());
        self.late = extended.as_ref().err().cloned();
    }

    /// Whether the clock, which says `now`, has gone back since this was asked.
    pub fn has_gone_back(&mut self, now: Timestamp) -> bool {
        std::mem::replace(&mut self.seen, now) > now
    }

    /// Mints nothing more; from this instant on nothing was minted.
    fn end(&mut self) -> Timestamp {
        self.ceiling = self.mint.reach();
        self.ceiling.plus(Span::millis(1))
    }

    pub fn mint<T: Kind>(&mut self, now: Timestamp) -> Result<Id<T>, Fault> {
        let number = self.mint.next(now);
        if self.is_beyond() {
            return Err(match &self.late {
                // Nothing was handed in, so it is known that nothing was written.
                Some(Fault::Full) => Fault::Full,
                Some(why) => Fault::Unavailable(format!("the lease on ids has run out: {why}")),
                None => Fault::Unavailable("the lease on ids has run out".into()),
            });
        }
        Id::new(number).ok_or_else(|| Fault::Bug("ids have run out".into()))
    }
}

/// Leases `server`'s number and gives a mint that starts above everything it ever minted.
pub(crate) async fn lease(store: &Store, server: u8, now: Timestamp) -> Result<IdMint, Fault> {
    let old = store.server_lease(server).await?.map_or(now, |lease| lease.ceiling);
    let start = old.max(now);
    let ceiling = extend(store, server, start).await?;
    Ok(IdMint { server, mint: Mint::new(server, start), ceiling, seen: now, late: None })
}

/// Moves the ceiling of `server` ahead of `now` and gives it.
pub(crate) async fn extend(store: &Store, server: u8, now: Timestamp) -> Result<Timestamp, Fault> {
    let ceiling = now.plus(AHEAD);
    let Ok(ceiling) = store.submit(Extend { number: server, ceiling }).await?;
    Ok(ceiling)
}

/// Gives back what is left of a lease, so that the next server of this number need not wait and see
/// whether somebody still renews it.
pub(crate) async fn give_back(store: &Store, mint: &Mutex<IdMint>) -> Result<(), Fault> {
    let back = {
        let mut mint = mint.lock().unwrap_or_else(PoisonError::into_inner);
        GiveBack { number: mint.server(), ceiling: mint.end() }
    };
    let Ok(()) = store.submit(back).await?;
    Ok(())
}

struct Extend {
    number: u8,
    ceiling: Timestamp,
}

impl Command for Extend {
    type Receipt = Timestamp;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.servers.guard((self.number,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Timestamp, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let Self { number, ceiling } = *self;
        let ceiling = match books.servers.get(&(number,))? {
            Some(lease) => {
                let ceiling = lease.ceiling.max(ceiling);
                let lease = ServerLease { ceiling, ..lease.clone() };
                changes.servers.push(Change::Update(running_ahead(lease, at)));
                ceiling
            }
            None => {
                let lease = ServerLease { number, ceiling, ahead_from: None, ahead_until: None };
                changes.servers.push(Change::Insert(lease));
                ceiling
            }
        };
        Ok(Decision::done(ceiling, changes))
    }
}

/// The lease, with what is to be remembered where it reaches far beyond `at`. What was remembered before stays within it: a
/// longer time only costs whoever looks for a day in it.
fn running_ahead(lease: ServerLease, at: Timestamp) -> ServerLease {
    let is_known = lease.ahead_from.is_some_and(|from| from <= at)
        && lease.ahead_until.is_some_and(|until| lease.ceiling <= until);
    if is_known || lease.ceiling <= at.plus(NEAR) {
        return lease;
    }
    let (from, until) = (at.minus(UNSEEN), lease.ceiling.plus(UNSEEN));
    ServerLease {
        ahead_from: Some(lease.ahead_from.map_or(from, |before| before.min(from))),
        ahead_until: Some(lease.ahead_until.map_or(until, |before| before.max(until))),
        ..lease
    }
}

struct GiveBack {
    number: u8,
    ceiling: Timestamp,
}

impl Command for GiveBack {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.servers.guard((self.number,));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        if let Some(lease) = books.servers.get(&(self.number,))? {
            let ceiling = lease.ceiling.min(self.ceiling);
            changes.servers.push(Change::Update(ServerLease { ceiling, ..lease.clone() }));
        }
        Ok(Decision::done((), changes))
    }
}

#[cfg(test)]
mod tests {
    use scrip_domain::account::Account;

    use super::*;

    #[test]
    fn what_runs_ahead_is_remembered_as_long_as_it_is_and_not_before() {
        let hour = |hours: u32| Timestamp::default().plus(Span::hours(hours));
        let lease =
            |ceiling| ServerLease { number: 1, ceiling, ahead_from: None, ahead_until: None };
        let ahead = |lease: &ServerLease| (lease.ahead_from, lease.ahead_until);
        let near = running_ahead(lease(hour(10).plus(NEAR)), hour(10));
        assert_eq!(ahead(&near), (None, None));
        let back = running_ahead(lease(hour(34)), hour(10));
        assert_eq!(ahead(&back), (Some(hour(9)), Some(hour(35))));
        assert_eq!(running_ahead(back.clone(), hour(20)), back, "known");
        let further = ServerLease { ceiling: hour(36), ..back.clone() };
        assert_eq!(ahead(&running_ahead(further, hour(20))), (Some(hour(9)), Some(hour(37))));
        assert_eq!(ahead(&running_ahead(back, hour(5))), (Some(hour(4)), Some(hour(35))));
    }

    #[test]
    fn a_clock_that_goes_back_is_seen_once() {
        let at = Timestamp::from_millis;
        let mint = Mint::new(1, at(5));
        let mut ids = IdMint { server: 1, mint, ceiling: at(9), seen: at(5), late: None };
        let seen: Vec<bool> = [5, 6, 4, 4, 5].map(|now| ids.has_gone_back(at(now))).into();
        assert_eq!(seen, [false, false, true, false, false]);
    }

    #[test]
    fn who_gets_no_id_hears_why_the_lease_was_not_renewed() {
        let at = |millis: i64| Timestamp::from_millis(1_800_000_000_000 + millis);
        let (mint, seen) = (Mint::new(1, at(5)), at(5));
        let mut ids = IdMint { server: 1, mint, ceiling: at(5), seen, late: None };
        ids.renewed(&Err(Fault::Full));
        assert!(matches!(ids.mint::<Account>(at(6)), Err(Fault::Full)));
        ids.renewed(&Ok(at(9)));
        assert!(ids.mint::<Account>(at(6)).is_ok());
    }
}
