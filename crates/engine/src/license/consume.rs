//! Taking uses and processings, once per key for ever.
//!
//! ```text
//! left ──consume──▶ used, all that is asked for or nothing
//! ```
//! The program gives each taking a key of its own. When an answer is lost it asks again with the same key: what was
//! taken is taken once, and the answer says again what was left then. So a key is looked at before anything else, the
//! license's state included.

use scrip_domain::Timestamp;
use scrip_domain::event::{Event, EventType};
use scrip_domain::usage::Consumption;
use scrip_domain::{Id, license::License};
use scrip_license::{Digest, Reason, Terms, machine};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{By, Standing, UseRefusal, want};
use crate::event::tell;
use crate::{Engine, Outcome};

/// What is to be taken.
#[derive(Clone, Copy, Debug)]
pub struct ConsumeFields<'a> {
    /// How many.
    pub units: u64,
    /// What they are, if the program says so: `uses`, `processings`, or the unit's name.
    pub kind: Option<&'a str>,
    /// The program's key.
    pub key: &'a str,
    /// The machine.
    pub fingerprint: Option<&'a str>,
    /// The product that the program is.
    pub product: Option<&'a str>,
}

/// What was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// The license, as it stands now.
    pub standing: Standing,
    /// What was taken, now or when the key was used first; nothing under terms that are not counted.
    pub consumption: Option<Consumption>,
}

impl Engine {
    /// Takes uses or processings. Under terms that are not counted nothing is taken: a program need not know them.
    pub async fn consume(
        &self,
        code: &str,
        source: &str,
        fields: ConsumeFields<'_>,
    ) -> Outcome<Consumed, UseRefusal> {
        let license = match self.by_code(code, source).await? {
            Ok(license) => license,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if fields.kind.is_some_and(|kind| !counts(license.terms, kind)) {
            return Ok(Err(UseRefusal::WrongKind));
        }
        let command = Consume {
            by: By::new(&license, fields.product),
            key: fields.key.to_owned(),
            units: fields.units,
            machine: fields.fingerprint.map(machine),
            event: self.mint()?,
        };
        self.submit(command).await
    }
}

/// Whether what `terms` count can be called `kind`. What is not counted can be called anything that is.
fn counts(terms: Terms, kind: &str) -> bool {
    match terms {
        Terms::Uses { .. } => kind == "uses",
        Terms::Processings { unit, .. } => {
            kind == "processings" || unit.is_some_and(|unit| unit.as_str() == kind)
        }
        Terms::Perpetual | Terms::Rental { .. } | Terms::Trial { .. } => true,
    }
}

struct Consume {
    by: By,
    key: String,
    units: u64,
    machine: Option<Digest>,
    event: Id<Event>,
}

impl Command for Consume {
    type Receipt = Consumed;
    type Refusal = UseRefusal;

    fn wants(&self, wants: &mut Wants) {
        want(wants, self.by.license);
        wants.consumptions.read((self.by.license, self.key.clone()));
        if let Some(machine) = self.machine {
            wants.activations.read((self.by.license, machine));
        }
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Consumed, UseRefusal>, Fault> {
        let mut standing = Standing::of(books, self.by.license)?;
        if let Some(before) = books.consumptions.get(&(self.by.license, self.key.clone()))? {
            return Ok(if before.units == self.units && before.lease.is_none() {
                let consumption = Some(before.clone());
                Decision::done(Consumed { standing, consumption }, Changes::default())
            } else {
                Decision::refused(UseRefusal::KeyReused)
            });
        }
        let reason = match self.by.reason(&standing.license, at) {
            Reason::Valid if standing.left() == Some(0) => standing.exhausted(),
            Reason::Valid if !self.is_on_machine(books, &standing.license)? => Reason::NotActivated,
            reason => reason,
        };
        if reason != Reason::Valid {
            return Ok(Decision::refused(UseRefusal::new(reason, standing)));
        }
        let mut changes = Changes::default();
        if standing.license.terms.count().is_none() {
            return Ok(Decision::done(Consumed { standing, consumption: None }, changes));
        }
        let Some(left) = take(&standing, self.units) else {
            let reason = standing.exhausted();
            return Ok(Decision::refused(UseRefusal::new(reason, standing)));
        };
        standing.usage.used = standing.usage.used.saturating_add(self.units);
        let taken = Consumption {
            license: self.by.license,
            key: self.key.clone(),
            units: self.units,
            lease: None,
            left,
            at,
        };
        changes.consumptions.push(Change::Insert(taken.clone()));
        tell_last(&mut changes, &standing.license, left, self.event, at);
        standing.write(books, &mut changes, at)?;
        Ok(Decision::done(Consumed { standing, consumption: Some(taken) }, changes))
    }
}

impl Consume {
    /// Where machines are limited, only one that is active takes anything.
    fn is_on_machine(&self, books: &Books, license: &License) -> Result<bool, Fault> {
        if license.limits.machines.is_none() {
            return Ok(true);
        }
        let Some(machine) = self.machine else { return Ok(false) };
        let found = books.activations.get(&(license.id, machine))?;
        Ok(found.is_some_and(|found| found.ended_at.is_none()))
    }
}

/// How many are left when `units` are taken; `None` when there are not as many.
pub(super) fn take(standing: &Standing, units: u64) -> Option<u64> {
    standing.left()?.checked_sub(units)
}

/// Tells that nothing is left, once the last was taken.
pub(super) fn tell_last(
    changes: &mut Changes,
    license: &License,
    left: u64,
    event: Id<Event>,
    at: Timestamp,
) {
    if left == 0 {
        let (kind, account) = (EventType::LicenseExhausted, license.account);
        tell(changes, Event::new(event, kind, account, license.id.into(), at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_has_two_names() {
        let images = Terms::Processings { count: 1, unit: "images".parse().ok() };
        assert!(counts(images, "images") && counts(images, "processings"));
        assert!(!counts(images, "uses") && !counts(images, "image") && !counts(images, ""));
        let nameless = Terms::Processings { count: 1, unit: None };
        assert!(counts(nameless, "processings") && !counts(nameless, "images"));
        assert!(counts(Terms::Uses { count: 1 }, "uses"));
        assert!(!counts(Terms::Uses { count: 1 }, "processings"));
        assert!(counts(Terms::Perpetual, "images"));
    }
}
