//! Activating a machine: from then on the license is in use there, and the program has leave to work offline.
//!
//! ```text
//! (unknown), ended ──activate──▶ active, while there is room
//! active ──activate──▶ active, with leave anew: a machine activates itself as often as it likes
//! ```
//! The first machine of all begins a rental that counts from the first activation: its end is set, with what was added
//! to it before. A trial is one per machine and product, whatever license it comes by.

use scrip_domain::catalog::Product;
use scrip_domain::event::{Event, EventType};
use scrip_domain::license::License;
use scrip_domain::usage::{Activation, Tried, offline_until, span_of};
use scrip_domain::{Id, Timestamp};
use scrip_license::{Digest, Reason, RentalStart, Terms, machine};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{By, Standing, UseRefusal, remind, want};
use crate::event::tell;
use crate::{Engine, Outcome};

/// What machine is to be activated.
#[derive(Clone, Copy, Debug)]
pub struct MachineFields<'a> {
    /// Whatever the program takes for the machine's fingerprint.
    pub fingerprint: &'a str,
    /// What the program calls it, for its owner's eyes.
    pub name: &'a str,
    /// The product that the program is.
    pub product: Option<&'a str>,
}

/// A machine that is active.
#[derive(Clone, Debug)]
pub struct Activated {
    /// The license, as it stands now.
    pub standing: Standing,
    /// The machine.
    pub activation: Activation,
    /// Leave to work offline, signed.
    pub leave: String,
    /// Until when.
    pub until: Timestamp,
}

impl Engine {
    /// Activates a machine, or gives one that is active leave anew.
    pub async fn activate(
        &self,
        code: &str,
        source: &str,
        fields: MachineFields<'_>,
    ) -> Outcome<Activated, UseRefusal> {
        let license = match self.by_code(code, source).await? {
            Ok(license) => license,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let by = By::new(&license, fields.product);
        let machine = Machine::new(self, &license, fields.fingerprint, fields.name)?;
        let (standing, activation, from) = match self.submit(Activate { by, machine }).await? {
            Ok(done) => done,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let until = offline_until(&standing.license, None, from);
        let leave = self
            .sign_leave(
                &standing.license,
                activation.id.to_string(),
                activation.machine,
                (from, until),
                None,
            )
            .await?;
        Ok(Ok(Activated { standing, activation, leave, until }))
    }
}

/// A machine that is to be active.
#[derive(Debug)]
pub(super) struct Machine {
    pub digest: Digest,
    product: Id<Product>,
    is_trial: bool,
    /// The license, if it begins with its first machine.
    begins: Option<License>,
    name: String,
    id: Id<Activation>,
    event: Id<Event>,
}

impl Machine {
    pub fn new(
        engine: &Engine,
        license: &License,
        fingerprint: &str,
        name: &str,
    ) -> Result<Self, Fault> {
        Ok(Self {
            digest: machine(fingerprint),
            product: license.product,
            is_trial: matches!(license.terms, Terms::Trial { .. }),
            begins: Some(license).filter(|license| begins(license.terms)).cloned(),
            name: name.to_owned(),
            id: engine.mint()?,
            event: engine.mint()?,
        })
    }

    /// Asks for what [`Machine::activate`] looks at.
    pub fn want(&self, wants: &mut Wants, by: By) {
        want(wants, by.license);
        wants.activations.read((by.license, self.digest));
        if self.is_trial {
            wants.tried.read((self.product, self.digest));
        }
        if let Some(license) = &self.begins {
            remind::want(wants, license);
        }
    }

    /// Makes it active, if it is not; `standing` is written by the caller.
    pub fn activate(
        &self,
        books: &Books,
        changes: &mut Changes,
        standing: &mut Standing,
        at: Timestamp,
    ) -> Result<Result<Activation, Reason>, Fault> {
        let license = standing.license.id;
        let before = books.activations.get(&(license, self.digest))?;
        if let Some(active) = before.filter(|before| before.ended_at.is_none()) {
            // What was signed before stays good: the list of what has ended goes by the latest.
            let until = offline_until(&standing.license, None, at).max(active.offline_until);
            let active = Activation { offline_until: until, ..active.clone() };
            if before != Some(&active) {
                changes.activations.push(Change::Update(active.clone()));
            }
            return Ok(Ok(active));
        }
        if !standing.usage.has_room(standing.license.limits)
            || !self.may_try(books, changes, standing)?
        {
            return Ok(Err(Reason::MachineLimit));
        }
        begin(standing, at);
        standing.usage.machines = standing.usage.machines.saturating_add(1);
        let until = offline_until(&standing.license, None, at);
        let active = Activation {
            license,
            machine: self.digest,
            // A machine that comes back keeps its name: when that ends, so does whatever was signed for it under that name; its
            // leases have names of their own, which are listed with it.
            id: before.map_or(self.id, |before| before.id),
            name: self.name.clone(),
            activated_at: at,
            offline_until: before.map_or(until, |before| before.offline_until.max(until)),
            ended_at: None,
        };
        changes.activations.push(match before {
            Some(_) => Change::Update(active.clone()),
            None => Change::Insert(active.clone()),
        });
        let account = standing.license.account;
        let event =
            Event::new(self.event, EventType::LicenseActivated, account, license.into(), at);
        tell(changes, event);
        Ok(Ok(active))
    }

    /// Whether a trial may be had on this machine; it is had from then on. Other terms may be had anywhere.
    fn may_try(
        &self,
        books: &Books,
        changes: &mut Changes,
        standing: &Standing,
    ) -> Result<bool, Fault> {
        if !self.is_trial {
            return Ok(true);
        }
        let (license, product) = (standing.license.id, self.product);
        let tried = books.tried.get(&(product, self.digest))?;
        if tried.is_none() {
            let row = Tried { product, machine: self.digest, license };
            changes.tried.push(Change::Insert(row));
        }
        Ok(tried.is_none_or(|tried| tried.license == license))
    }
}

/// Whether terms count from the first activation.
fn begins(terms: Terms) -> bool {
    matches!(terms, Terms::Rental { from: RentalStart::FirstActivation, .. })
}

/// Begins a rental that counts from the first activation. What was added to it waits no more.
fn begin(standing: &mut Standing, at: Timestamp) {
    let Standing { license, usage } = standing;
    if let Terms::Rental { seconds, from: RentalStart::FirstActivation } = license.terms
        && license.expires_at.is_none()
    {
        license.expires_at = Some(at.plus(span_of(seconds)).plus(span_of(usage.added)));
        usage.added = 0;
    }
}

struct Activate {
    by: By,
    machine: Machine,
}

impl Command for Activate {
    /// The license, the machine, and since when its leave counts.
    type Receipt = (Standing, Activation, Timestamp);
    type Refusal = UseRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.machine.want(wants, self.by);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, UseRefusal>, Fault> {
        let mut standing = Standing::of(books, self.by.license)?;
        let reason = self.by.reason(&standing.license, at);
        if reason != Reason::Valid {
            return Ok(Decision::refused(UseRefusal::new(reason, standing)));
        }
        let mut changes = Changes::default();
        let active = match self.machine.activate(books, &mut changes, &mut standing, at)? {
            Ok(active) => active,
            Err(reason) => return Ok(Decision::refused(UseRefusal::new(reason, standing))),
        };
        standing.write(books, &mut changes, at)?;
        Ok(Decision::done((standing, active, at), changes))
    }
}
