//! Suspending, resuming and revoking: what the vendor's staff does to a license that was handed out.
//!
//! ```text
//! valid ──suspend──▶ suspended ──resume──▶ valid
//!   └──────revoke───────┴──▶ revoked, for good
//! ```
//! Nothing goes back with it: a refund is an act of its own, and ends the licenses of what it gives back itself. What was
//! owned for good is not owned while it is revoked, and can be bought again; a suspended one is still owned.

use scrip_domain::audit::Act;
use scrip_domain::event::{Event, EventType};
use scrip_domain::license::{License, LicenseState};
use scrip_domain::{Id, Timestamp};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use super::{change, want_listed, wanted};
use crate::audit::{Note, Staff};
use crate::ledger::Buyer;
use crate::{Engine, Outcome, event};

/// What staff does to a license.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not in force for the time being.
    Suspend,
    /// It is in force again.
    Resume,
    /// It is taken back for good.
    Revoke,
}

impl Verdict {
    /// The state that it leads to.
    fn state(self) -> LicenseState {
        match self {
            Self::Suspend => LicenseState::Suspended,
            Self::Resume => LicenseState::Valid,
            Self::Revoke => LicenseState::Revoked,
        }
    }

    /// Whether a license in this state can be led there.
    fn fits(self, from: LicenseState) -> bool {
        match self {
            Self::Suspend => from == LicenseState::Valid,
            Self::Resume => from == LicenseState::Suspended,
            Self::Revoke => matches!(from, LicenseState::Valid | LicenseState::Suspended),
        }
    }

    fn words(self) -> (Act, EventType) {
        match self {
            Self::Suspend => (Act::LicenseSuspended, EventType::LicenseSuspended),
            Self::Resume => (Act::LicenseResumed, EventType::LicenseResumed),
            Self::Revoke => (Act::LicenseRevoked, EventType::LicenseRevoked),
        }
    }
}

/// Why a license was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LicenseRefusal {
    /// There is no such license.
    NoSuchLicense,
    /// In this state it is not done.
    NotFrom(LicenseState),
    /// No further issue has a number.
    TooManyIssues,
    /// The idempotency key was used for something else.
    KeyReused,
}

impl Engine {
    /// Suspends, resumes or revokes a license. Doing it again changes nothing.
    pub async fn judge_license(
        &self,
        by: Staff,
        license: Id<License>,
        verdict: Verdict,
        reason: String,
    ) -> Outcome<License, LicenseRefusal> {
        let Some(license) = self.store.license(license).await? else {
            return Ok(Err(LicenseRefusal::NoSuchLicense));
        };
        let buyer = self.buyer_of(license.account).await?;
        let (note, event) = (self.note(by)?, self.mint()?);
        self.submit(Judge { license, buyer, verdict, reason, note, event }).await
    }
}

struct Judge {
    /// As it was before: what is wanted goes by what never changes of it.
    license: License,
    buyer: Buyer,
    verdict: Verdict,
    reason: String,
    note: Note,
    event: Id<Event>,
}

impl Command for Judge {
    type Receipt = License;
    type Refusal = LicenseRefusal;

    fn wants(&self, wants: &mut Wants) {
        // No purchase is decided beside what makes it possible.
        wants.wallets.guard((self.buyer.wallet,));
        wants.licenses.guard((self.license.id,));
        want_listed(wants, &self.license);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<License, LicenseRefusal>, Fault> {
        let license = wanted(books, self.license.id)?;
        let mut changes = Changes::default();
        let (from, to) = (license.state, self.verdict.state());
        if from == to {
            return Ok(Decision::done(license.clone(), changes));
        }
        if !self.verdict.fits(from) {
            return Ok(Decision::refused(LicenseRefusal::NotFrom(from)));
        }
        let judged = License { state: to, ..license.clone() };
        change(books, &mut changes, license, judged.clone(), at)?;
        let (act, kind) = self.verdict.words();
        let what = json!({ "state": { "from": from, "to": to }, "reason": { "to": self.reason } });
        self.note.write(&mut changes, act, judged.id, what, at);
        tell(&mut changes, self.event, kind, &judged, at);
        Ok(Decision::done(judged, changes))
    }
}

/// Tells of something that happened to a license.
pub(super) fn tell(
    changes: &mut Changes,
    id: Id<Event>,
    kind: EventType,
    license: &License,
    at: Timestamp,
) {
    let event = Event::new(id, kind, license.account, license.id.into(), at);
    event::tell(changes, event);
}
