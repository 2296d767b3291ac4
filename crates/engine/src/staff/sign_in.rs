//! Signing in at the console, and out.
//!
//! ```text
//! (nobody) ──address and password──▶ signed in
//!              └─(has a second factor)─▶ half way, 5 minutes ──code, never used before──▶ signed in ──12 hours──▶ (nobody)
//! ```
//! Half way is no row: it is a sealed word that the browser brings back. What decides is decided under the member's guard: a
//! code is taken once, and whoever was ended or reset meanwhile is not signed in.

use std::sync::Arc;

use scrip_domain::account::Login;
use scrip_domain::audit::Act;
use scrip_domain::factor::Proof;
use scrip_domain::request::RequestId;
use scrip_domain::staff::{LIFETIME, StaffMember, StaffSession};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use crate::audit::Note;
use crate::session::{Entered, HALF_WAY, SignInRefusal, Token, hash};
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome};

const PURPOSE: &str = "staff half way";
/// How many sessions that have ended are cleared away when one is opened.
const CLEARED: u32 = 20;

/// A session of the staff that was opened.
#[derive(Clone, Debug)]
pub struct StaffSignedIn {
    /// Its token.
    pub token: Token,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A member in a browser.
#[derive(Clone, Debug)]
pub struct StaffVisit {
    /// Who.
    pub member: Arc<StaffMember>,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Engine {
    /// Signs a member in with address and password, or half way. `source` is where the request came from.
    pub async fn sign_in_staff(
        &self,
        email: &str,
        password: &str,
        request: RequestId,
        source: &str,
    ) -> Outcome<Entered<StaffSignedIn>, SignInRefusal> {
        let now = self.now();
        let email = Login::fold(email);
        let limits = [(Limited::StaffAddress, email.as_str()), (Limited::StaffSource, source)];
        let guess = match self.throttle.guess(limits, now) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(SignInRefusal::RateLimited(wait))),
        };
        let member = match self.store.staff_login(&email).await? {
            Some(login) => self.store.staff_member(login.member).await?,
            None => None,
        };
        let phc = member.as_ref().and_then(|member| member.password.as_deref());
        let Ok(right) = self.passwords.verify(password, phc, source).await? else {
            return Ok(Err(SignInRefusal::RateLimited(RetryAfter(5))));
        };
        let Some(member) = member.filter(|_| right) else {
            guess.wrong();
            return Ok(Err(SignInRefusal::InvalidCredentials));
        };
        drop(guess);
        self.throttle.forgive(Limited::StaffAddress, &email, now);
        if member.factor.is_on() {
            let word = (member.id, member.series);
            return Ok(Ok(Entered::HalfWay(self.seal(PURPOSE, &word, now.plus(HALF_WAY)))));
        }
        Ok(self.open_staff(&member, None, request, now).await?.map(Entered::In))
    }

    /// Goes the other half of the way with a code of the second factor, or with a recovery code.
    pub async fn finish_sign_in_staff(
        &self,
        word: &str,
        code: &str,
        request: RequestId,
    ) -> Outcome<StaffSignedIn, SignInRefusal> {
        let now = self.now();
        let half_way: Option<(Id<StaffMember>, u32)> = self.unseal(PURPOSE, word);
        let member = match half_way {
            Some((id, _)) => self.store.staff_member(id).await?,
            None => None,
        };
        let same = |member: &StaffMember| half_way == Some((member.id, member.series));
        let Some(member) = member.filter(same) else {
            return Ok(Err(SignInRefusal::InvalidCredentials));
        };
        let who = member.id.to_string();
        let guess = match self.guess_code(&who) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(SignInRefusal::RateLimited(wait))),
        };
        let opened = match self.proof(&who, &member.factor, code) {
            Some(proof) => self.open_staff(&member, Some(proof), request, now).await?,
            None => Err(SignInRefusal::InvalidCredentials),
        };
        match &opened {
            Ok(_) => self.throttle.forgive(Limited::Factor, &who, now),
            Err(_) => guess.wrong(),
        }
        Ok(opened)
    }

    async fn open_staff(
        &self,
        member: &StaffMember,
        proof: Option<Proof>,
        request: RequestId,
        now: Timestamp,
    ) -> Outcome<StaffSignedIn, SignInRefusal> {
        let (opened, session) = self.staff_session(member, now);
        let old = self.store.staff_sessions_of(member.id, CLEARED).await?;
        let ended = old.into_iter().filter(|session| !member.holds(session, now)).collect();
        let note = self.note(self.staff_by(member, request))?;
        let seen = member.clone();
        let open = Open { seen, proof, session, ended, note };
        Ok(self.submit(open).await?.map(|()| opened))
    }

    /// A new session of `member`, and its token.
    pub(super) fn staff_session(
        &self,
        member: &StaffMember,
        now: Timestamp,
    ) -> (StaffSignedIn, StaffSession) {
        let token = Token::new(self.entropy.as_ref());
        let expires_at = now.plus(LIFETIME);
        let session = StaffSession {
            token: hash(token.reveal()),
            member: member.id,
            series: member.series,
            created_at: now,
            expires_at,
        };
        (StaffSignedIn { token, expires_at }, session)
    }

    /// Ends the session of `token`. Ending it again changes nothing.
    pub async fn sign_out_staff(&self, token: &str) -> Result<(), Fault> {
        let Some(session) = self.store.staff_session(hash(token)).await? else { return Ok(()) };
        let Ok(()) = self.submit(SignOut(session)).await?;
        Ok(())
    }

    /// Which member holds `token`; `None` when nobody does any more.
    pub async fn authenticate_staff(&self, token: &str) -> Result<Option<StaffVisit>, Fault> {
        let (now, token) = (self.now(), hash(token));
        let session = match self.memory.staff_session(&token, now) {
            Some(session) => session,
            None => {
                let epoch = self.memory.epoch();
                let Some(session) = self.store.staff_session(token).await? else {
                    return Ok(None);
                };
                self.memory.remember_staff_session(session.clone(), epoch);
                session
            }
        };
        let member = self.staff_member(session.member).await?;
        let member = member.filter(|member| member.holds(&session, now));
        Ok(member.map(|member| StaffVisit { member, expires_at: session.expires_at }))
    }
}

struct Open {
    /// The member whose password was right.
    seen: StaffMember,
    /// What was shown of the second factor, if it has one.
    proof: Option<Proof>,
    session: StaffSession,
    ended: Vec<StaffSession>,
    note: Note,
}

impl Command for Open {
    type Receipt = ();
    type Refusal = SignInRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.staff.guard((self.seen.id,));
        wants.staff_sessions.read((self.session.token,));
        self.ended.iter().for_each(|session| wants.staff_sessions.read((session.token,)));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), SignInRefusal>, Fault> {
        let seen = &self.seen;
        let same = |member: &&StaffMember| {
            member.ended_at.is_none()
                && (member.series, &member.password) == (seen.series, &seen.password)
                && member.factor.is_on() == self.proof.is_some()
        };
        let Some(member) = books.staff.get(&(seen.id,))?.filter(same) else {
            return Ok(Decision::refused(SignInRefusal::InvalidCredentials));
        };
        let mut changes = Changes::default();
        if let Some(proof) = &self.proof {
            let Some(factor) = member.factor.spent(proof) else {
                return Ok(Decision::refused(SignInRefusal::InvalidCredentials));
            };
            changes.staff.push(Change::Update(StaffMember { factor, ..member.clone() }));
        }
        for session in &self.ended {
            if books.staff_sessions.get(&(session.token,))?.is_some() {
                changes.staff_sessions.push(Change::Delete(session.clone()));
            }
        }
        changes.staff_sessions.push(Change::Insert(self.session.clone()));
        let what = self.proof.as_ref().map_or(json!({}), |proof| json!({ "by": proof.as_str() }));
        self.note.write(&mut changes, Act::StaffSignedIn, member.id, what, at);
        Ok(Decision::done((), changes))
    }
}

struct SignOut(StaffSession);

impl Command for SignOut {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.staff_sessions.read((self.0.token,));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        if books.staff_sessions.get(&(self.0.token,))?.is_some() {
            changes.staff_sessions.push(Change::Delete(self.0.clone()));
        }
        Ok(Decision::done((), changes))
    }
}
