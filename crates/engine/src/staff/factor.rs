//! The second factor of the staff (`factor.rs`): one member's own, and taken away with a reset.

use scrip_domain::audit::Act;
use scrip_domain::factor::Proof;
use scrip_domain::request::RequestId;
use scrip_domain::staff::{StaffMember, StaffSession};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use super::sign_in::StaffSignedIn;
use crate::audit::Note;
use crate::factor::FactorRefusal;
use crate::{Engine, Outcome};

impl Engine {
    /// Begins to set a second factor up: a new secret, which counts for nothing until a code of it was seen.
    pub async fn begin_factor(
        &self,
        member: Id<StaffMember>,
    ) -> Outcome<StaffMember, FactorRefusal> {
        self.submit(Begin { member }).await
    }

    /// What the member's authenticator has to know; `None` when nothing was begun, or it is on already and told no more.
    pub fn factor_secret(&self, member: &StaffMember) -> Option<String> {
        self.waiting_secret(&member.id.to_string(), &member.factor)
    }

    /// Turns a second factor on, by a code of the secret that was set up. Gives the recovery codes, which are told once.
    /// Every session ends, since a password alone has opened them; a new one is opened for who did it.
    pub async fn confirm_factor(
        &self,
        member: &StaffMember,
        code: &str,
        request: RequestId,
    ) -> Outcome<(Vec<String>, StaffSignedIn), FactorRefusal> {
        let (codes, recovery) = self.recovery_codes();
        let (opened, session) = self.staff_session(member, self.now());
        let turned = self.turn(member, code, request, Turn::On(recovery, session)).await?;
        Ok(turned.map(|()| (codes, opened)))
    }

    /// Turns it off, by a code of it or a recovery code.
    pub async fn remove_factor(
        &self,
        member: &StaffMember,
        code: &str,
        request: RequestId,
    ) -> Outcome<(), FactorRefusal> {
        self.turn(member, code, request, Turn::Off).await
    }

    async fn turn(
        &self,
        member: &StaffMember,
        code: &str,
        request: RequestId,
        to: Turn,
    ) -> Outcome<(), FactorRefusal> {
        let who = member.id.to_string();
        let guess = match self.guess_code(&who) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(FactorRefusal::RateLimited(wait))),
        };
        let turned = match self.proof(&who, &member.factor, code) {
            Some(proof) => {
                let note = self.note(self.staff_by(member, request))?;
                self.submit(TurnFactor { member: member.id, proof, to, note }).await?
            }
            None => Err(FactorRefusal::WrongCode),
        };
        if turned == Err(FactorRefusal::WrongCode) {
            guess.wrong();
        }
        Ok(turned)
    }
}

struct Begin {
    member: Id<StaffMember>,
}

impl Command for Begin {
    type Receipt = StaffMember;
    type Refusal = FactorRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.staff.guard((self.member,));
    }

    fn decide(
        &self,
        books: &Books,
        _: Timestamp,
    ) -> Result<Decision<StaffMember, FactorRefusal>, Fault> {
        let member = books.staff.get(&(self.member,))?;
        let ready = |member: &&StaffMember| member.ended_at.is_none() && !member.factor.is_on();
        let Some(old) = member.filter(ready) else {
            return Ok(Decision::refused(FactorRefusal::NotNow));
        };
        let member = StaffMember { factor: old.factor.begun(), ..old.clone() };
        let mut changes = Changes::default();
        changes.staff.push(Change::Update(member.clone()));
        Ok(Decision::done(member, changes))
    }
}

enum Turn {
    /// With the digests of the recovery codes, and the session of who does it.
    On(Vec<String>, StaffSession),
    Off,
}

struct TurnFactor {
    member: Id<StaffMember>,
    proof: Proof,
    to: Turn,
    note: Note,
}

impl Command for TurnFactor {
    type Receipt = ();
    type Refusal = FactorRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.staff.guard((self.member,));
        if let Turn::On(_, session) = &self.to {
            wants.staff_sessions.read((session.token,));
        }
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), FactorRefusal>, Fault> {
        let turns_off = matches!(self.to, Turn::Off);
        let member = books.staff.get(&(self.member,))?;
        let ready =
            |member: &&StaffMember| member.ended_at.is_none() && member.factor.is_on() == turns_off;
        let Some(old) = member.filter(ready) else {
            return Ok(Decision::refused(FactorRefusal::NotNow));
        };
        let Some(factor) = old.factor.spent(&self.proof) else {
            return Ok(Decision::refused(FactorRefusal::WrongCode));
        };
        let mut changes = Changes::default();
        let (member, act) = match &self.to {
            Turn::On(recovery, session) => {
                let series = old.series.saturating_add(1);
                let session = StaffSession { series, ..session.clone() };
                changes.staff_sessions.push(Change::Insert(session));
                let factor = factor.on(recovery.clone(), at);
                (StaffMember { factor, series, ..old.clone() }, Act::StaffFactorOn)
            }
            Turn::Off => (StaffMember { factor: factor.off(), ..old.clone() }, Act::StaffFactorOff),
        };
        self.note.write(&mut changes, act, member.id, json!({}), at);
        changes.staff.push(Change::Update(member));
        Ok(Decision::done((), changes))
    }
}
