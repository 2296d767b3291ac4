//! Minting ids under a lease: no two servers on one database ever mint the same.
//!
//! A server's number is leased in a row with a time ceiling a little ahead of the clock. Nothing is
//! minted beyond the ceiling, and a server that starts begins above the old one.

use std::sync::{Mutex, PoisonError};

use scrip_domain::id::{Id, Kind, Mint};
use scrip_domain::{Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::ServerLease;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Store, Wants};

/// How far ahead of the clock a lease reaches.
const AHEAD: Span = Span::seconds(10);

#[derive(Debug)]
pub(crate) struct IdMint {
    server: u8,
    mint: Mint,
    ceiling: Timestamp,
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

    pub fn reach_to(&mut self, ceiling: Timestamp) {
        self.ceiling = self.ceiling.max(ceiling);
    }

    /// Mints nothing more; from this instant on nothing was minted.
    fn end(&mut self) -> Timestamp {
        self.ceiling = self.mint.reach();
        self.ceiling.plus(Span::millis(1))
    }

    pub fn mint<T: Kind>(&mut self, now: Timestamp) -> Result<Id<T>, Fault> {
        let number = self.mint.next(now);
        if self.is_beyond() {
            return Err(Fault::Unavailable("the lease on ids has run out".into()));
        }
        Id::new(number).ok_or_else(|| Fault::Bug("ids have run out".into()))
    }
}

/// Leases `server`'s number and gives a mint that starts above everything it ever minted.
pub(crate) async fn lease(store: &Store, server: u8, now: Timestamp) -> Result<IdMint, Fault> {
    let old = store.server_lease(server).await?.map_or(now, |lease| lease.ceiling);
    let start = old.max(now);
    let ceiling = extend(store, server, start).await?;
    Ok(IdMint { server, mint: Mint::new(server, start), ceiling })
}

/// Moves the ceiling of `server` ahead of `now` and gives it.
pub(crate) async fn extend(store: &Store, server: u8, now: Timestamp) -> Result<Timestamp, Fault> {
    let ceiling = now.plus(AHEAD);
    match store.submit(Extend(ServerLease { number: server, ceiling })).await? {
        Ok(ceiling) => Ok(ceiling),
        Err(never) => match never {},
    }
}

/// Gives back what is left of a lease, so that the next server of this number need not wait and see
/// whether somebody still renews it.
pub(crate) async fn give_back(store: &Store, mint: &Mutex<IdMint>) -> Result<(), Fault> {
    let lease = {
        let mut mint = mint.lock().unwrap_or_else(PoisonError::into_inner);
        ServerLease { number: mint.server(), ceiling: mint.end() }
    };
    match store.submit(GiveBack(lease)).await? {
        Ok(()) => Ok(()),
        Err(never) => match never {},
    }
}

struct Extend(ServerLease);

impl Command for Extend {
    type Receipt = Timestamp;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.servers.guard((self.0.number,));
    }

    fn decide(
        &self,
        books: &Books,
        _: Timestamp,
    ) -> Result<Decision<Timestamp, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let ceiling = match books.servers.get(&(self.0.number,))? {
            Some(lease) => {
                let ceiling = lease.ceiling.max(self.0.ceiling);
                changes.servers.push(Change::Update(ServerLease { ceiling, ..lease.clone() }));
                ceiling
            }
            None => {
                changes.servers.push(Change::Insert(self.0.clone()));
                self.0.ceiling
            }
        };
        Ok(Decision::done(ceiling, changes))
    }
}

struct GiveBack(ServerLease);

impl Command for GiveBack {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.servers.guard((self.0.number,));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        if let Some(lease) = books.servers.get(&(self.0.number,))? {
            let ceiling = lease.ceiling.min(self.0.ceiling);
            changes.servers.push(Change::Update(ServerLease { ceiling, ..lease.clone() }));
        }
        Ok(Decision::done((), changes))
    }
}
