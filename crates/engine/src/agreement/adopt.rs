//! An agreement that a backup lacks, taken over from the partner after a restore: both have signed it, this vendor too.
//!
//! ```text
//! (unknown), proposed ──both documents──▶ accepted ─▶ scene.rs: in force, or superseded by a later one
//! ```
//! It is what both had agreed on, found again. What only one of them has signed is no agreement, and nothing is adopted of it.

use scrip_domain::agreement::{Agreement, AgreementState, By};
use scrip_domain::audit::Act;
use scrip_domain::document::exchange::{Acceptance, Proposal};
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Timestamp};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::scene::Scene;
use super::{AgreementRefusal, Known, digest};
use crate::audit::{Note, Staff, difference};
use crate::{Engine, Outcome};

/// Both documents, as they came and verified.
#[derive(Clone, Debug)]
pub(crate) struct Both {
    pub by: By,
    pub proposal: (String, Proposal),
    pub acceptance: (String, Acceptance),
}

impl Engine {
    /// Takes over an agreement that both have signed. Doing it again changes nothing.
    pub(crate) async fn adopt_agreement(
        &self,
        partner: &Partner,
        both: Both,
    ) -> Outcome<(), AgreementRefusal> {
        let known = self.store.agreement_by_digest(digest(&both.proposal.0)).await?;
        if let Some(known) = &known
            && known.state != AgreementState::Proposed
        {
            let is_agreed = known.partner == partner.id && known.acceptance.is_some();
            return Ok(if is_agreed { Ok(()) } else { Err(AgreementRefusal::State(known.state)) });
        }
        let id = known.map_or_else(|| self.mint(), |known| Ok(known.id))?;
        let note = self.note(Staff::SERVER)?;
        let row = row(id, partner.id, &both);
        let made = |known| Ok(Adopt { known, row: row.clone(), note });
        self.agree(partner.id, made).await
    }
}

fn row(id: Id<Agreement>, partner: Id<Partner>, both: &Both) -> Agreement {
    let Both { by, proposal, acceptance } = both;
    Agreement {
        id,
        partner,
        version: proposal.1.version,
        proposed_by: *by,
        state: AgreementState::Accepted,
        terms: proposal.1.terms.clone(),
        proposal: proposal.0.clone(),
        digest: digest(&proposal.0),
        acceptance: Some(acceptance.0.clone()),
        proposed_at: Timestamp::from_unix_seconds(proposal.1.issued_at),
        decided_at: Some(Timestamp::from_unix_seconds(acceptance.1.issued_at)),
        effective_at: Some(Timestamp::from_unix_seconds(acceptance.1.effective_at)),
        ends_at: None,
        untold: None,
        due_at: None,
        attempts: 0,
    }
}

struct Adopt {
    known: Known,
    row: Agreement,
    note: Note,
}

impl Command for Adopt {
    type Receipt = ();
    type Refusal = AgreementRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<(), AgreementRefusal>, Fault> {
        let mut scene = match Scene::set(books, &self.known, at)? {
            Ok(scene) => scene,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let mut row = self.row.clone();
        // A later one holds already: this one has held before it.
        if scene.in_force().is_some_and(|holds| holds.version > row.version) {
            row.state = AgreementState::Superseded;
        }
        let others = || scene.alive.values().filter(|other| other.id != row.id);
        if others().any(|other| other.version == row.version) {
            return Ok(Decision::refused(AgreementRefusal::Version));
        }
        // What was proposed before it was decided before it, whatever had become of that.
        let before = |other: &&mut Agreement| {
            other.state == AgreementState::Proposed && other.version < row.version
        };
        for other in scene.alive.values_mut().filter(before) {
            other.state = AgreementState::Withdrawn;
            other.decided_at = Some(at);
            other.untold = None;
        }
        scene.partner.version = scene.partner.version.max(row.version);
        let mut changes = Changes::default();
        let what = json!({ "version": row.version, "proposal": row.proposal });
        let what = difference(&Value::Null, &what);
        self.note.write(&mut changes, Act::AgreementRestored, row.id, what, at);
        scene.alive.insert(row.id, row);
        scene.close(&mut changes);
        Ok(Decision::done((), changes))
    }
}
