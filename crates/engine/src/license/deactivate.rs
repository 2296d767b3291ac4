//! Deactivating a machine: its place is free for another one.
//!
//! ```text
//! active ──deactivate──▶ ended
//!    by whoever has the code, or the holder: a move, of which there are so many within 365 days
//!    by staff: whenever, and it counts as none
//! ```
//! What was signed for the machine lasts longer than it: the revocation list tells of it until then.

use scrip_domain::audit::Act;
use scrip_domain::license::License;
use scrip_domain::usage::{Activation, MOVES_WITHIN};
use scrip_domain::{Id, Timestamp};
use scrip_license::{Digest, Reason, machine};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use super::{By, Refused, Standing, UseRefusal, want};
use crate::audit::{Note, Staff};
use crate::{Engine, Outcome};

/// A machine that is active no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deactivated {
    /// The license, as it stands now.
    pub standing: Standing,
    /// The machine.
    pub activation: Activation,
}

/// Why a machine is not deactivated by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeactivateRefusal {
    /// The license has no such machine.
    NoSuchMachine,
    /// The machine is not active, the moves are used up, or the license is not in force.
    Refused(Box<Refused>),
}

impl Engine {
    /// Deactivates the machine from which this is asked for.
    pub async fn deactivate(
        &self,
        code: &str,
        source: &str,
        fingerprint: &str,
    ) -> Outcome<Deactivated, UseRefusal> {
        let license = match self.by_code(code, source).await? {
            Ok(license) => license,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let hand = Hand::Code(By::new(&license, None));
        let command = Deactivate { license: license.id, machine: machine(fingerprint), hand };
        let done = self.submit(command).await?;
        Ok(done.map_err(|refused| UseRefusal::Refused(Box::new(refused))))
    }

    /// Deactivates a machine of the holder's own license.
    pub async fn deactivate_own(
        &self,
        license: &License,
        activation: Id<Activation>,
    ) -> Outcome<Deactivated, DeactivateRefusal> {
        self.deactivate_called(license, activation, Hand::Holder).await
    }

    /// Deactivates a machine whatever has been moved before.
    pub async fn deactivate_by_staff(
        &self,
        by: Staff,
        license: &License,
        activation: Id<Activation>,
        reason: String,
    ) -> Outcome<Deactivated, DeactivateRefusal> {
        let hand = Hand::Staff { note: self.note(by)?, reason };
        self.deactivate_called(license, activation, hand).await
    }

    async fn deactivate_called(
        &self,
        license: &License,
        activation: Id<Activation>,
        hand: Hand,
    ) -> Outcome<Deactivated, DeactivateRefusal> {
        let Some(row) = self.store.activation_called(license.id, activation).await? else {
            return Ok(Err(DeactivateRefusal::NoSuchMachine));
        };
        let command = Deactivate { license: license.id, machine: row.machine, hand };
        let done = self.submit(command).await?;
        Ok(done.map_err(|refused| DeactivateRefusal::Refused(Box::new(refused))))
    }
}

/// Who deactivates.
enum Hand {
    Code(By),
    Holder,
    Staff { note: Note, reason: String },
}

struct Deactivate {
    license: Id<License>,
    machine: Digest,
    hand: Hand,
}

impl Command for Deactivate {
    type Receipt = Deactivated;
    type Refusal = Refused;

    fn wants(&self, wants: &mut Wants) {
        want(wants, self.license);
        wants.activations.read((self.license, self.machine));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Deactivated, Refused>, Fault> {
        let mut standing = Standing::of(books, self.license)?;
        let refused = |reason, standing| Ok(Decision::refused(Refused::new(reason, standing)));
        let reason = match &self.hand {
            Hand::Code(by) => by.reason(&standing.license, at),
            Hand::Holder => super::state_at(&standing.license, at),
            Hand::Staff { .. } => Reason::Valid,
        };
        if reason != Reason::Valid {
            return refused(reason, standing);
        }
        let active = books.activations.get(&(self.license, self.machine))?;
        let Some(active) = active.filter(|active| active.ended_at.is_none()) else {
            return refused(Reason::NotActivated, standing);
        };
        let mut changes = Changes::default();
        let ended = Activation { ended_at: Some(at), ..active.clone() };
        match &self.hand {
            Hand::Staff { note, reason } => {
                standing.usage.machines = standing.usage.machines.saturating_sub(1);
                let what = json!({ "activation": ended.id, "name": ended.name, "reason": reason });
                note.write(&mut changes, Act::MachineDeactivated, self.license, what, at);
            }
            Hand::Code(_) | Hand::Holder => {
                let limits = standing.license.limits;
                if !standing.usage.can_move(limits, at) {
                    // None at all may be included: then there is no such day.
                    let since = standing.usage.moves_since;
                    let again = limits.moves.filter(|most| *most > 0);
                    let can_move_at = again.map(|_| since.plus(MOVES_WITHIN));
                    let refused = Refused::new(Reason::MachineLimit, standing);
                    return Ok(Decision::refused(Refused { can_move_at, ..refused }));
                }
                standing.usage = standing.usage.moved(at);
            }
        }
        changes.activations.push(Change::Update(ended.clone()));
        standing.write(books, &mut changes, at)?;
        Ok(Decision::done(Deactivated { standing, activation: ended }, changes))
    }
}
