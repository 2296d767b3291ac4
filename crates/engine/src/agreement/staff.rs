//! Agreements in the hands of this vendor's staff.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::agreement::{Agreement, AgreementState, By, Terms, Untold};
use scrip_domain::audit::Act;
use scrip_domain::document::exchange::{Acceptance, Proposal};
use scrip_domain::partner::{Partner, Suspended};
use scrip_domain::{Id, Span, Timestamp};
use scrip_license::jws;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::scene::{Scene, notice};
use super::{AgreementRefusal, Known, digest};
use crate::audit::{Note, Staff, difference};
use crate::purchase_request::Signer;
use crate::{Engine, Outcome};

/// What staff does with an agreement that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The partner's proposal is accepted.
    Accept,
    /// It is declined.
    Decline,
    /// Our own proposal is withdrawn.
    Withdraw,
    /// The agreement in force is suspended at once.
    Suspend,
    /// It is taken up again.
    Resume,
    /// It ends, after the days of notice.
    End,
}

impl Engine {
    /// Proposes terms to a partner; it is told by an errand.
    pub async fn propose_agreement(
        &self,
        by: Staff,
        partner: Id<Partner>,
        terms: Terms,
    ) -> Outcome<Agreement, AgreementRefusal> {
        let Some(row) = self.store.partner(partner).await? else {
            return Ok(Err(AgreementRefusal::NoSuchPartner));
        };
        if let Err(refusal) = self.check_terms(&row, &terms, self.public_url()).await? {
            return Ok(Err(refusal));
        }
        let mut nonce = [0; 16];
        self.fill(&mut nonce);
        let (id, note) = (self.mint()?, self.note(by)?);
        self.agree(partner, |known| {
            Ok(Propose {
                known,
                id,
                url: row.url.clone(),
                nonce: Base64UrlUnpadded::encode_string(&nonce),
                terms: terms.clone(),
                signer: self.signer(),
                note,
            })
        })
        .await
    }

    /// Accepts, declines, withdraws, suspends, resumes or ends an agreement; why, goes on record. Doing it again changes
    /// nothing.
    pub async fn turn_agreement(
        &self,
        by: Staff,
        id: Id<Agreement>,
        turn: Turn,
        reason: Option<&str>,
    ) -> Outcome<Agreement, AgreementRefusal> {
        let Some(agreement) = self.store.agreement(id).await? else {
            return Ok(Err(AgreementRefusal::NoSuchAgreement));
        };
        let lost = || Fault::Bug("an agreement has no partner".into());
        let partner = self.store.partner(agreement.partner).await?.ok_or_else(lost)?;
        let is_open =
            (agreement.state, agreement.proposed_by) == (AgreementState::Proposed, By::Them);
        if turn == Turn::Accept && is_open {
            // What is owed, or this vendor's token, may not be what it was when the proposal came.
            let terms = self.check_terms(&partner, &agreement.terms, &partner.url).await?;
            if let Err(refusal) = terms {
                return Ok(Err(refusal));
            }
        }
        let note = self.note(by)?;
        let url = &partner.url;
        let answer = self.agree(agreement.partner, |known| {
            let (signer, url) = (self.signer(), url.clone());
            let reason = reason.map(str::to_owned);
            Ok(Apply { known, id, turn, reason, url, signer, note })
        });
        match answer.await? {
            // It is no longer alive: whether that is what was asked for, its state says.
            Err(AgreementRefusal::NoSuchAgreement) => {
                let agreement = self.store.agreement(id).await?;
                let agreement = agreement.ok_or_else(lost)?;
                Ok(if turn.leads_to(&agreement) {
                    Ok(agreement)
                } else {
                    Err(AgreementRefusal::State(agreement.state))
                })
            }
            answer => Ok(answer),
        }
    }
}

impl Turn {
    /// Whether an agreement that is over is what this makes of one.
    fn leads_to(self, agreement: &Agreement) -> bool {
        let (state, by) = (agreement.state, agreement.proposed_by);
        match self {
            Self::Decline => state == AgreementState::Declined && by == By::Them,
            Self::Withdraw => state == AgreementState::Withdrawn && by == By::Us,
            Self::End => state == AgreementState::Ended,
            Self::Accept | Self::Suspend | Self::Resume => false,
        }
    }

    fn act(self) -> Act {
        match self {
            Self::Accept => Act::AgreementAccepted,
            Self::Decline => Act::AgreementDeclined,
            Self::Withdraw => Act::AgreementWithdrawn,
            Self::Suspend => Act::PartnerSuspended,
            Self::Resume => Act::PartnerResumed,
            Self::End => Act::AgreementEnded,
        }
    }
}

/// What the audit log tells of an agreement.
fn told(agreement: &Agreement) -> Value {
    json!({
        "partner": agreement.partner, "version": agreement.version, "state": agreement.state,
        "proposal": jws::digest(&agreement.proposal), "effective_at": agreement.effective_at,
        "ends_at": agreement.ends_at,
    })
}

struct Propose {
    known: Known,
    id: Id<Agreement>,
    url: String,
    nonce: String,
    terms: Terms,
    signer: Signer,
    note: Note,
}

impl Command for Propose {
    type Receipt = Agreement;
    type Refusal = AgreementRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Agreement, AgreementRefusal>, Fault> {
        let mut scene = match Scene::set(books, &self.known, at)? {
            Ok(scene) => scene,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        if scene.open_by(By::Us).next().is_some() {
            return Ok(Decision::refused(AgreementRefusal::ProposalOpen));
        }
        if scene.waits() {
            return Ok(Decision::refused(AgreementRefusal::Waits));
        }
        let none_left = || Fault::Bug("numbers of agreements have run out".into());
        let version = scene.partner.version.checked_add(1).ok_or_else(none_left)?;
        let proposal = self.signer.sign(&Proposal {
            issuer: self.signer.issuer().to_owned(),
            audience: self.url.clone(),
            nonce: self.nonce.clone(),
            issued_at: at.unix_seconds(),
            version,
            terms: self.terms.clone(),
        })?;

        // From here on it succeeds.
        let mut changes = Changes::default();
        let agreement = Agreement {
            id: self.id,
            partner: scene.partner.id,
            version,
            proposed_by: By::Us,
            state: AgreementState::Proposed,
            terms: self.terms.clone(),
            digest: digest(&proposal),
            proposal,
            acceptance: None,
            proposed_at: at,
            decided_at: None,
            effective_at: None,
            ends_at: None,
            untold: Some(Untold::Proposal),
            due_at: Some(at),
            attempts: 0,
        };
        let what = difference(&Value::Null, &told(&agreement));
        self.note.write(&mut changes, Act::AgreementProposed, self.id, what, at);
        scene.partner.version = version;
        scene.alive.insert(self.id, agreement.clone());
        scene.close(&mut changes);
        Ok(Decision::done(agreement, changes))
    }
}

struct Apply {
    known: Known,
    id: Id<Agreement>,
    turn: Turn,
    reason: Option<String>,
    url: String,
    signer: Signer,
    note: Note,
}

impl Command for Apply {
    type Receipt = Agreement;
    type Refusal = AgreementRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Agreement, AgreementRefusal>, Fault> {
        let mut scene = match Scene::set(books, &self.known, at)? {
            Ok(scene) => scene,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let before = match scene.agreement(self.id) {
            Ok(agreement) => (agreement.clone(), scene.partner.suspended),
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        if let Err(refusal) = self.turn(&mut scene, at)? {
            return Ok(Decision::refused(refusal));
        }
        scene.advance();
        let mut changes = Changes::default();
        let lost = || Fault::Bug("an agreement is gone".into());
        let after = scene.alive.get(&self.id).cloned().ok_or_else(lost)?;
        let suspended = scene.partner.suspended;
        if (&before.0, before.1) != (&after, suspended) {
            let with = |agreement: &Agreement, suspended: Option<Suspended>| {
                let mut all = told(agreement);
                if let Some(all) = all.as_object_mut() {
                    all.insert("suspended".into(), json!(suspended));
                }
                all
            };
            let mut what = difference(&with(&before.0, before.1), &with(&after, suspended));
            if let (Some(what), Some(reason)) = (what.as_object_mut(), &self.reason) {
                what.insert("reason".into(), json!({ "to": reason }));
            }
            self.note.write(&mut changes, self.turn.act(), self.id, what, at);
        }
        scene.close(&mut changes);
        Ok(Decision::done(after, changes))
    }
}

impl Apply {
    fn turn(
        &self,
        scene: &mut Scene,
        at: Timestamp,
    ) -> Result<Result<(), AgreementRefusal>, Fault> {
        match self.turn {
            Turn::Accept => self.accept(scene, at),
            Turn::Decline => {
                Ok(self.give_up(scene, By::Them, AgreementState::Declined, Untold::Decline, at))
            }
            Turn::Withdraw => {
                Ok(self.give_up(scene, By::Us, AgreementState::Withdrawn, Untold::Withdrawal, at))
            }
            Turn::Suspend => Ok(self.suspend(scene, Some(Suspended::Staff), at)),
            Turn::Resume => Ok(self.suspend(scene, None, at)),
            Turn::End => Ok(self.end(scene, at)),
        }
    }

    fn accept(
        &self,
        scene: &mut Scene,
        at: Timestamp,
    ) -> Result<Result<(), AgreementRefusal>, Fault> {
        let notice = notice(scene);
        let waits = scene.waits();
        let latest = scene.in_force().map_or(0, |agreement| agreement.version);
        let agreement = match scene.agreement(self.id) {
            Ok(agreement) => agreement,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match (agreement.state, agreement.proposed_by) {
            (AgreementState::Accepted, By::Them) => return Ok(Ok(())),
            (AgreementState::Proposed, By::Them) => {}
            (state, _) => return Ok(Err(AgreementRefusal::State(state))),
        }
        if waits {
            return Ok(Err(AgreementRefusal::Waits));
        }
        if agreement.version <= latest {
            return Ok(Err(AgreementRefusal::Version));
        }
        // Documents tell whole seconds: what holds here holds there from the same one on.
        let issued_at = at.unix_seconds();
        let effective_at = Timestamp::from_unix_seconds(issued_at).plus(notice);
        agreement.acceptance = Some(self.signer.sign(&Acceptance {
            issuer: self.signer.issuer().to_owned(),
            audience: self.url.clone(),
            issued_at,
            proposal: jws::digest(&agreement.proposal),
            effective_at: effective_at.unix_seconds(),
        })?);
        agreement.state = AgreementState::Accepted;
        agreement.decided_at = Some(at);
        agreement.effective_at = Some(effective_at);
        scene.tell(self.id, Untold::Acceptance);
        Ok(Ok(()))
    }

    /// Declines or withdraws an open proposal.
    fn give_up(
        &self,
        scene: &mut Scene,
        by: By,
        state: AgreementState,
        untold: Untold,
        at: Timestamp,
    ) -> Result<(), AgreementRefusal> {
        let agreement = scene.agreement(self.id)?;
        if (agreement.state, agreement.proposed_by) != (AgreementState::Proposed, by) {
            return Err(AgreementRefusal::State(agreement.state));
        }
        agreement.state = state;
        agreement.decided_at = Some(at);
        scene.tell(self.id, untold);
        Ok(())
    }

    fn suspend(
        &self,
        scene: &mut Scene,
        suspended: Option<Suspended>,
        at: Timestamp,
    ) -> Result<(), AgreementRefusal> {
        let state = scene.agreement(self.id)?.state;
        if scene.partner.agreement != Some(self.id) {
            return Err(AgreementRefusal::State(state));
        }
        scene.partner = scene.partner.clone().with_suspended(suspended, at);
        Ok(())
    }

    fn end(&self, scene: &mut Scene, at: Timestamp) -> Result<(), AgreementRefusal> {
        let agreement = scene.agreement(self.id)?;
        if agreement.state != AgreementState::Accepted
            || agreement.untold == Some(Untold::Acceptance)
        {
            return Err(AgreementRefusal::State(agreement.state));
        }
        if agreement.ends_at.is_some() {
            return Ok(());
        }
        let notice = Span::days(agreement.terms.notice_days);
        agreement.ends_at = Some(Timestamp::from_unix_seconds(at.unix_seconds()).plus(notice));
        scene.tell(self.id, Untold::End);
        Ok(())
    }
}
