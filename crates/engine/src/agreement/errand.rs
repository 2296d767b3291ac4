//! The errand of an agreement: what the clock does to it, and telling the partner what it does not know yet.
//!
//! ```text
//! due ─▶ taken (moved ahead, so that no other server runs it; the clock's part booked) ─▶ told ─▶ heard ─▶ due by the clock, or not
//!                                                                                          └─▶ not heard: due again, later
//! ```
//! It is told for ever, with growing pauses: a partner that has not entered this server yet does not hear it either.

use scrip_domain::agreement::{Agreement, AgreementState, Untold};
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Timestamp};
use scrip_license::jws;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::scene::Scene;
use super::{AgreementRefusal, Known};
use crate::Engine;
use crate::partner::{Heard, LEASE, MOST_PATIENT, Notice, Partners};
use crate::peer::PeerError;
use crate::purchase_request::notice::pause;
use crate::round::{self, AT_ONCE};

/// What one round takes on.
const ROUND: u32 = 50;

impl Engine {
    /// Tells partners whatever is due, once, and books what the clock has done to agreements. Gives how much was done.
    pub async fn run_agreements(&self) -> Result<usize, Fault> {
        let Some(partners) = self.partners() else { return Ok(0) };
        let now = self.now();
        let due = self.store.agreements_due(now, ROUND).await?;
        let run = |agreement| self.run_agreement(partners, agreement);
        let ran = round::count(due, AT_ONCE, run).await;
        let due = self.store.partners_due(now, ROUND).await?;
        let tell = |partner: Partner| self.tell_partner(partners, partner.id);
        let told = round::count(due, AT_ONCE, tell).await?;
        Ok(ran?.saturating_add(told))
    }

    async fn run_agreement(
        &self,
        partners: &dyn Partners,
        agreement: Agreement,
    ) -> Result<bool, Fault> {
        let id = agreement.id;
        let taken = self.agree(agreement.partner, |known| Ok(Take { known: known.with(id), id }));
        let Ok(agreement) = taken.await? else { return Ok(false) };
        let Some(untold) = agreement.untold else { return Ok(true) };
        let lost = || Fault::Bug("an agreement has no partner".into());
        let partner = self.store.partner(agreement.partner).await?.ok_or_else(lost)?;
        let answer = say(partners, &partner.url, &agreement, untold).await;
        let heard = Heard::of(&partner, answer);
        let attempt = agreement.attempts;
        let told = self.agree(agreement.partner, |known| {
            Ok(Told { known: known.with(id), id, untold, attempt, heard: heard.clone() })
        });
        // It has become something else meanwhile: what that asks for is due.
        let _ = told.await?;
        Ok(true)
    }
}

impl Known {
    /// With an agreement that may be over, and is to be told of all the same.
    fn with(mut self, id: Id<Agreement>) -> Self {
        if !self.alive.contains(&id) {
            self.alive.push(id);
        }
        self
    }
}

async fn say(
    partners: &dyn Partners,
    url: &str,
    agreement: &Agreement,
    untold: Untold,
) -> Result<(), PeerError> {
    let called = || jws::digest(&agreement.proposal);
    let notice = match untold {
        Untold::Proposal => return partners.propose(url, &agreement.proposal).await,
        Untold::Acceptance => {
            let acceptance = agreement.acceptance.as_deref().unwrap_or_default();
            return partners.accept(url, acceptance).await;
        }
        Untold::Decline => Notice::Declined(called()),
        Untold::Withdrawal => Notice::Withdrawn(called()),
        Untold::End => {
            let ends_at = agreement.ends_at.map_or(0, Timestamp::unix_seconds);
            Notice::Ends(called(), ends_at)
        }
    };
    partners.tell(url, &notice).await
}

struct Take {
    known: Known,
    id: Id<Agreement>,
}

impl Command for Take {
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
        let row = books.agreements.get(&(self.id,))?;
        let is_due = row.is_some_and(|row| row.due_at.is_some_and(|due| due <= at));
        let mut scene = match Scene::set(books, &self.known, at)? {
            Ok(scene) if is_due => scene,
            Ok(_) => return Ok(Decision::refused(AgreementRefusal::NoSuchAgreement)),
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let lost = || Fault::Bug("an agreement is gone".into());
        let agreement = scene.alive.get_mut(&self.id).ok_or_else(lost)?;
        if agreement.untold.is_some() {
            agreement.attempts = agreement.attempts.saturating_add(1);
            agreement.due_at = Some(at.plus(LEASE));
        }
        let taken = agreement.clone();
        let mut changes = Changes::default();
        scene.close(&mut changes);
        Ok(Decision::done(taken, changes))
    }
}

struct Told {
    known: Known,
    id: Id<Agreement>,
    untold: Untold,
    attempt: u32,
    heard: Heard,
}

impl Told {
    fn turn(&self, agreement: &mut Agreement, at: Timestamp) {
        match &self.heard {
            Heard::NotYet => {
                if agreement.attempts == self.attempt {
                    agreement.due_at = Some(at.plus(pause(self.attempt.min(MOST_PATIENT))));
                }
                return;
            }
            Heard::Yes => {}
            Heard::Refused(_) => {
                let state = match (self.untold, agreement.state) {
                    (Untold::Proposal, AgreementState::Proposed) => Some(AgreementState::Declined),
                    // The proposer will not have it any more.
                    (Untold::Acceptance, AgreementState::Accepted) => {
                        Some(AgreementState::Withdrawn)
                    }
                    _ => None,
                };
                if let Some(state) = state {
                    agreement.state = state;
                    agreement.decided_at = Some(at);
                }
            }
        }
        agreement.untold = None;
    }
}

impl Command for Told {
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
        let told = scene.alive.get_mut(&self.id);
        // What is to be told by now is something else.
        if let Some(agreement) = told.filter(|row| row.untold == Some(self.untold)) {
            self.turn(agreement, at);
        }
        let mut changes = Changes::default();
        scene.close(&mut changes);
        Ok(Decision::done((), changes))
    }
}
