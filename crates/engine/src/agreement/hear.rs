//! What a partner says of agreements: its proposals, its acceptances of ours, and what else becomes of them.
//!
//! Everything can come twice, late, and in another order. A document counts when the partner has signed it for this server;
//! a notice is the partner's own signed request, and moves only what the partner may move.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::agreement::{Agreement, AgreementState, By, Untold};
use scrip_domain::document::Document;
use scrip_domain::document::exchange::{Acceptance, Proposal};
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::scene::{Scene, notice};
use super::{AgreementRefusal, Known, digest};
use crate::identity::not_now;
use crate::partner::Notice;
use crate::peer::PeerError;
use crate::{Engine, Outcome};

/// How far a partner's number of a proposal may be ahead of what is known here: it counts those too that never came.
const AHEAD: u32 = 100;
/// The latest day on which what was told can hold: the longest notice, and a day for clocks.
const LATEST: Span = Span::days(367);

/// What a partner tells, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The proposal with this digest is declined.
    Declined(String),
    /// It is withdrawn.
    Withdrawn(String),
    /// The agreement with this digest ends then: Unix seconds.
    Ends(String, u64),
    /// The partner does not exchange with us, since then by its clock: Unix milliseconds.
    Suspended(u64),
    /// It does again, since then.
    Resumed(u64),
}

impl From<Told> for Notice {
    fn from(told: Told) -> Self {
        match told {
            Told::Declined(agreement) => Self::Declined(agreement),
            Told::Withdrawn(agreement) => Self::Withdrawn(agreement),
            Told::Ends(agreement, at) => Self::Ends(agreement, at),
            Told::Suspended(since) => Self::Suspended(since),
            Told::Resumed(since) => Self::Resumed(since),
        }
    }
}

impl Engine {
    /// A document that a partner has signed for this server.
    pub(crate) async fn of_partner<D: Document>(
        &self,
        partner: &Partner,
        document: &str,
    ) -> Outcome<D, String> {
        let none = || Fault::Unavailable("this server cannot ask others".into());
        let partners = self.partners().ok_or_else(none)?;
        let claims = match partners.read(&partner.url, D::TYP, document).await {
            Ok(claims) => claims,
            Err(PeerError::Unbelievable(why)) => return Ok(Err(why)),
            Err(error) => return Err(not_now(&error)),
        };
        let read: D = match serde_json::from_value(claims) {
            Ok(read) => read,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if read.issuer() != partner.url || read.audience() != self.public_url() {
            return Ok(Err("a document for or from somebody else".to_owned()));
        }
        Ok(Ok(read))
    }

    /// A partner proposes.
    pub async fn hear_proposal(
        &self,
        partner: &Partner,
        proposal: &str,
    ) -> Outcome<(), AgreementRefusal> {
        let digest = digest(proposal);
        if let Some(known) = self.store.agreement_by_digest(digest).await? {
            let is_its = known.partner == partner.id;
            return Ok(if is_its { Ok(()) } else { Err(AgreementRefusal::NoSuchAgreement) });
        }
        let read: Proposal = match self.of_partner(partner, proposal).await? {
            Ok(read) => read,
            Err(why) => return Ok(Err(AgreementRefusal::Unbelievable(why))),
        };
        if let Err(refusal) = self.check_terms(partner, &read.terms, &partner.url).await? {
            return Ok(Err(refusal));
        }
        let id = self.mint()?;
        self.agree(partner.id, |known| {
            let agreement = Agreement {
                id,
                partner: partner.id,
                version: read.version,
                proposed_by: By::Them,
                state: AgreementState::Proposed,
                terms: read.terms.clone(),
                proposal: proposal.to_owned(),
                digest,
                acceptance: None,
                proposed_at: self.now(),
                decided_at: None,
                effective_at: None,
                ends_at: None,
                untold: None,
                due_at: None,
                attempts: 0,
            };
            Ok(Receive { known, agreement })
        })
        .await
    }

    /// A partner accepts a proposal of ours.
    pub async fn hear_acceptance(
        &self,
        partner: &Partner,
        acceptance: &str,
    ) -> Outcome<(), AgreementRefusal> {
        let read: Acceptance = match self.of_partner(partner, acceptance).await? {
            Ok(read) => read,
            Err(why) => return Ok(Err(AgreementRefusal::Unbelievable(why))),
        };
        let Some(row) = self.agreement_called(partner, &read.proposal).await? else {
            return Ok(Err(AgreementRefusal::NoSuchAgreement));
        };
        if row.acceptance.as_deref() == Some(acceptance) {
            return Ok(Ok(()));
        }
        let answer = self.agree(partner.id, |known| {
            let (id, acceptance, read) = (row.id, acceptance.to_owned(), read.clone());
            Ok(TakeAcceptance { known, id, acceptance, read })
        });
        match answer.await? {
            Err(AgreementRefusal::NoSuchAgreement) => Ok(Err(AgreementRefusal::State(row.state))),
            answer => Ok(answer),
        }
    }

    /// A partner says what else has become of an agreement, or of the partnership. What is known already, or is about
    /// nothing that is known here, changes nothing.
    pub async fn hear_notice(
        &self,
        partner: &Partner,
        told: Told,
    ) -> Outcome<(), AgreementRefusal> {
        let (called, then) = match told {
            Told::Declined(called) => (called, Then::Declined),
            Told::Withdrawn(called) => (called, Then::Withdrawn),
            Told::Ends(called, at) => (called, Then::Ends(Timestamp::from_unix_seconds(at))),
            Told::Suspended(since) => {
                return self
                    .hear_suspension(partner, true, Timestamp::from_unix_millis(since))
                    .await
                    .map(Ok);
            }
            Told::Resumed(since) => {
                return self
                    .hear_suspension(partner, false, Timestamp::from_unix_millis(since))
                    .await
                    .map(Ok);
            }
        };
        let Some(row) = self.agreement_called(partner, &called).await? else { return Ok(Ok(())) };
        let made = |known| Ok(Turned { known, id: row.id, then });
        self.agree(partner.id, made).await
    }

    /// The agreement with a partner whose proposal has this digest.
    pub(crate) async fn agreement_called(
        &self,
        partner: &Partner,
        digest: &str,
    ) -> Result<Option<Agreement>, Fault> {
        let bytes = Base64UrlUnpadded::decode_vec(digest).ok();
        let Some(bytes) = bytes.and_then(|bytes| bytes.try_into().ok()) else { return Ok(None) };
        let row = self.store.agreement_by_digest(bytes).await?;
        Ok(row.filter(|row| row.partner == partner.id))
    }
}

struct Receive {
    known: Known,
    agreement: Agreement,
}

impl Command for Receive {
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
        let (latest, version) = (scene.partner.version, self.agreement.version);
        if version <= latest || version > latest.saturating_add(AHEAD) {
            return Ok(Decision::refused(AgreementRefusal::Version));
        }
        // Whoever proposes anew has thought better of what it had proposed.
        for former in scene.open_by(By::Them) {
            former.state = AgreementState::Withdrawn;
            former.decided_at = Some(at);
        }
        scene.partner.version = version;
        let agreement = Agreement { proposed_at: at, ..self.agreement.clone() };
        scene.alive.insert(agreement.id, agreement);
        let mut changes = Changes::default();
        scene.close(&mut changes);
        Ok(Decision::done((), changes))
    }
}

struct TakeAcceptance {
    known: Known,
    id: Id<Agreement>,
    acceptance: String,
    read: Acceptance,
}

impl Command for TakeAcceptance {
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
        let waits = scene.waits();
        let soonest = Timestamp::from_unix_seconds(self.read.issued_at).plus(notice(&scene));
        let latest = scene.in_force().map_or(0, |agreement| agreement.version);
        let effective_at = Timestamp::from_unix_seconds(self.read.effective_at);
        let agreement = match scene.agreement(self.id) {
            Ok(agreement) => agreement,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let refusal = match (agreement.state, agreement.proposed_by) {
            (AgreementState::Accepted, By::Us) => {
                // An acceptance that was signed once more, with another day, is not the one that holds.
                return Ok(if agreement.acceptance.as_deref() == Some(&self.acceptance) {
                    Decision::done((), Changes::default())
                } else {
                    Decision::refused(AgreementRefusal::State(agreement.state))
                });
            }
            (AgreementState::Proposed, By::Us) if waits => Some(AgreementRefusal::Waits),
            (AgreementState::Proposed, By::Us) if agreement.version <= latest => {
                Some(AgreementRefusal::Version)
            }
            (AgreementState::Proposed, By::Us)
                if effective_at < soonest || effective_at > at.plus(LATEST) =>
            {
                Some(AgreementRefusal::Notice)
            }
            (AgreementState::Proposed, By::Us) => None,
            (state, _) => Some(AgreementRefusal::State(state)),
        };
        if let Some(refusal) = refusal {
            return Ok(Decision::refused(refusal));
        }
        agreement.state = AgreementState::Accepted;
        agreement.acceptance = Some(self.acceptance.clone());
        agreement.decided_at = Some(at);
        agreement.effective_at = Some(effective_at);
        // Who accepts has seen the proposal.
        agreement.untold = None;
        let mut changes = Changes::default();
        scene.close(&mut changes);
        Ok(Decision::done((), changes))
    }
}

/// What has become of an agreement there.
#[derive(Clone, Copy)]
enum Then {
    Declined,
    Withdrawn,
    Ends(Timestamp),
}

struct Turned {
    known: Known,
    id: Id<Agreement>,
    then: Then,
}

impl Turned {
    fn turn(&self, agreement: &mut Agreement, at: Timestamp) {
        let (state, by) = (agreement.state, agreement.proposed_by);
        match self.then {
            Then::Declined if (state, by) == (AgreementState::Proposed, By::Us) => {
                agreement.state = AgreementState::Declined;
                agreement.decided_at = Some(at);
                agreement.untold = None;
            }
            // The proposer's row decides: it had not heard our acceptance when it withdrew.
            Then::Withdrawn
                if by == By::Them
                    && (state == AgreementState::Proposed
                        || agreement.untold == Some(Untold::Acceptance)) =>
            {
                agreement.state = AgreementState::Withdrawn;
                agreement.decided_at = Some(at);
                agreement.untold = None;
            }
            Then::Ends(ends_at) if state == AgreementState::Accepted => {
                let ends_at = ends_at.max(at).min(at.plus(LATEST));
                let sooner = agreement.ends_at.map_or(ends_at, |ours| ours.min(ends_at));
                agreement.ends_at = Some(sooner);
            }
            _ => {}
        }
    }
}

impl Command for Turned {
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
        // One that is over stays so.
        if let Ok(agreement) = scene.agreement(self.id) {
            self.turn(agreement, at);
        }
        let mut changes = Changes::default();
        scene.close(&mut changes);
        Ok(Decision::done((), changes))
    }
}
