//! Leave to work offline, with uses or processings set apart; and its return.
//!
//! ```text
//! left ──lease──▶ leased ──return──▶ used, and the rest is left again
//!                   └──never returned──▶ leased for ever, which is as good as used
//! ```
//! A lease is given to a machine that is active; one that is not becomes so first, if there is room. It is named by the
//! program's key, in the same table as what is consumed: the same key, machine and units bring the same lease again.
//!
//! A return is booked whatever has become of the license meanwhile, also a year later: it only says what was used. That
//! cannot be proven; what keeps the count honest is that no more can be said than was leased, and nothing twice.

use scrip_domain::event::Event;
use scrip_domain::usage::{Consumption, Lease, offline_until};
use scrip_domain::{Id, Span, Timestamp};
use scrip_license::Reason;
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::activate::Machine;
use super::consume::{take, tell_last};
use super::{By, Standing, UseRefusal, want};
use crate::{Engine, Outcome};

/// What is to be leased.
#[derive(Clone, Copy, Debug)]
pub struct LeaseFields<'a> {
    /// Whatever the program takes for the machine's fingerprint.
    pub fingerprint: &'a str,
    /// What the program calls the machine, should it have to be activated.
    pub name: &'a str,
    /// The program's key.
    pub key: &'a str,
    /// For how long; as long as can be without it, and never longer.
    pub span: Option<Span>,
    /// How many uses or processings; zero for the time only.
    pub units: u64,
    /// The product that the program is.
    pub product: Option<&'a str>,
}

/// A lease.
#[derive(Clone, Debug)]
pub struct Leased {
    /// The license, as it stands now.
    pub standing: Standing,
    /// How many were left when it was made; `None` for terms that are not counted.
    pub left: Option<u64>,
    /// The lease.
    pub lease: Lease,
    /// The same, signed.
    pub leave: String,
}

/// A lease that was returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The license, as it stands now.
    pub standing: Standing,
    /// The lease.
    pub lease: Lease,
}

impl Engine {
    /// Leases a license to a machine. Under terms that are not counted no units are set apart.
    pub async fn lease(
        &self,
        code: &str,
        source: &str,
        fields: LeaseFields<'_>,
    ) -> Outcome<Leased, UseRefusal> {
        let license = match self.by_code(code, source).await? {
            Ok(license) => license,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let is_counted = license.terms.count().is_some();
        let machine = Machine::new(self, &license, fields.fingerprint, fields.name)?;
        let digest = machine.digest;
        let command = Take {
            by: By::new(&license, fields.product),
            machine,
            key: fields.key.to_owned(),
            span: fields.span,
            units: if is_counted { fields.units } else { 0 },
            id: self.mint()?,
            event: self.mint()?,
        };
        let (standing, taken) = match self.submit(command).await? {
            Ok(taken) => taken,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let lost = || Fault::Bug("a lease is gone".into());
        let id = taken.lease.ok_or_else(lost)?;
        let lease = self.store.lease(license.id, id).await?.ok_or_else(lost)?;
        if lease.machine != digest {
            return Ok(Err(UseRefusal::KeyReused));
        }
        let units = Some(lease.units).filter(|units| *units > 0);
        let times = (lease.at, lease.expires_at);
        let leave =
            self.sign_leave(&standing.license, id.to_string(), lease.machine, times, units).await?;
        let left = Some(taken.left).filter(|_| is_counted);
        Ok(Ok(Leased { standing, left, lease, leave }))
    }

    /// Returns a lease of which `used` were used. Doing it again changes nothing.
    pub async fn return_lease(
        &self,
        code: &str,
        source: &str,
        lease: Id<Lease>,
        used: u64,
    ) -> Outcome<Returned, UseRefusal> {
        let license = match self.by_code(code, source).await? {
            Ok(license) => license,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let by = By::new(&license, None);
        self.submit(Return { by, lease, used }).await
    }
}

struct Take {
    by: By,
    machine: Machine,
    key: String,
    span: Option<Span>,
    units: u64,
    id: Id<Lease>,
    event: Id<Event>,
}

impl Command for Take {
    /// The license, and what was taken for the lease, now or when the key was used first.
    type Receipt = (Standing, Consumption);
    type Refusal = UseRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.machine.want(wants, self.by);
        wants.consumptions.read((self.by.license, self.key.clone()));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, UseRefusal>, Fault> {
        let mut standing = Standing::of(books, self.by.license)?;
        if let Some(before) = books.consumptions.get(&(self.by.license, self.key.clone()))? {
            return Ok(if before.units == self.units && before.lease.is_some() {
                Decision::done((standing, before.clone()), Changes::default())
            } else {
                Decision::refused(UseRefusal::KeyReused)
            });
        }
        let reason = match self.by.reason(&standing.license, at) {
            Reason::Valid if standing.left() == Some(0) => standing.exhausted(),
            reason => reason,
        };
        if reason != Reason::Valid {
            return Ok(Decision::refused(UseRefusal::new(reason, standing)));
        }
        // A refusal changes nothing of what is shown of the license either.
        let before = standing.clone();
        let mut changes = Changes::default();
        if let Err(reason) = self.machine.activate(books, &mut changes, &mut standing, at)? {
            return Ok(Decision::refused(UseRefusal::new(reason, before)));
        }
        let left = match standing.left() {
            None => 0,
            Some(_) => match take(&standing, self.units) {
                Some(left) => left,
                None => {
                    let reason = before.exhausted();
                    return Ok(Decision::refused(UseRefusal::new(reason, before)));
                }
            },
        };
        standing.usage.leased = standing.usage.leased.saturating_add(self.units);
        let taken = self.book(&mut changes, &standing, left, at);
        standing.write(books, &mut changes, at)?;
        Ok(Decision::done((standing, taken), changes))
    }
}

impl Take {
    fn book(
        &self,
        changes: &mut Changes,
        standing: &Standing,
        left: u64,
        at: Timestamp,
    ) -> Consumption {
        let license = self.by.license;
        let lease = Lease {
            license,
            id: self.id,
            machine: self.machine.digest,
            units: self.units,
            used: None,
            at,
            expires_at: offline_until(&standing.license, self.span, at),
            returned_at: None,
        };
        let (key, units) = (self.key.clone(), self.units);
        let taken = Consumption { license, key, units, lease: Some(self.id), left, at };
        changes.leases.push(Change::Insert(lease));
        changes.consumptions.push(Change::Insert(taken.clone()));
        if units > 0 {
            tell_last(changes, &standing.license, left, self.event, at);
        }
        taken
    }
}

struct Return {
    by: By,
    lease: Id<Lease>,
    used: u64,
}

impl Command for Return {
    type Receipt = Returned;
    type Refusal = UseRefusal;

    fn wants(&self, wants: &mut Wants) {
        want(wants, self.by.license);
        wants.leases.read((self.by.license, self.lease));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Returned, UseRefusal>, Fault> {
        let mut standing = Standing::of(books, self.by.license)?;
        if standing.license.issue != self.by.issue {
            let refusal = UseRefusal::new(Reason::Superseded, standing);
            return Ok(Decision::refused(refusal));
        }
        let Some(lease) = books.leases.get(&(self.by.license, self.lease))? else {
            return Ok(Decision::refused(UseRefusal::NoSuchLease));
        };
        if self.used > lease.units {
            return Ok(Decision::refused(UseRefusal::MoreThanLeased(lease.units)));
        }
        if let Some(used) = lease.used {
            return Ok(if used == self.used {
                let lease = lease.clone();
                Decision::done(Returned { standing, lease }, Changes::default())
            } else {
                Decision::refused(UseRefusal::ReturnedOtherwise)
            });
        }
        let mut changes = Changes::default();
        standing.usage.leased = standing.usage.leased.saturating_sub(lease.units);
        standing.usage.used = standing.usage.used.saturating_add(self.used);
        let lease = Lease { used: Some(self.used), returned_at: Some(at), ..lease.clone() };
        changes.leases.push(Change::Update(lease.clone()));
        standing.write(books, &mut changes, at)?;
        Ok(Decision::done(Returned { standing, lease }, changes))
    }
}
