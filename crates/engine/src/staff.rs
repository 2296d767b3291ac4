//! Staff: inviting people, giving them roles, letting them go. Signing in is [`sign_in`], the second factor [`factor`].
//!
//! ```text
//! (nothing) ──invite──▶ invited ──join──▶ active ──end──▶ ended
//!                          ▲ ◀───reset───────┘
//! ```
//! Each change is decided under the guard of the roll, which counts the owners who have joined: there is always one left
//! once there was one. A session is worthless in the moment in which its member is ended or reset.

pub mod factor;
pub mod sign_in;

use std::sync::Arc;

use scrip_domain::account::{Login, plausible_email};
use scrip_domain::audit::{Act, Actor};
use scrip_domain::factor::Factor;
use scrip_domain::request::RequestId;
use scrip_domain::session::TokenHash;
use scrip_domain::staff::{
    INVITATION, MAX_NAME, StaffLogin, StaffMember, StaffRole, StaffRoll, StaffSession,
};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use crate::audit::{Note, Staff};
use crate::catalog::{Wrong, rules};
use crate::session::{Token, hash};
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome};

/// Somebody who shall work for the vendor.
#[derive(Clone, Debug)]
pub struct Invitee {
    /// The address that will sign in.
    pub email: String,
    /// What the person is called.
    pub name: String,
    /// What the person is in the shop.
    pub role: StaffRole,
}

/// A member with an invitation, which is told once.
#[derive(Clone, Debug)]
pub struct Invited {
    /// The member.
    pub member: StaffMember,
    /// The word of the invitation's link.
    pub token: Token,
}

/// Why the staff stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaffRefusal {
    /// Somebody of the staff has this address.
    EmailTaken,
    /// What was given is out of its bounds.
    Wrong(Wrong),
    /// There is no such member, or it was ended.
    NoSuchMember,
    /// No owner would be left.
    LastOwner,
    /// The invitation was taken, replaced, or has lapsed; or there never was one.
    NoInvitation,
    /// The password is not the member's.
    WrongPassword,
    /// Too many tries, or too many at once.
    RateLimited(RetryAfter),
}

impl Engine {
    /// A member of the staff as a `Staff`, who acts by this request.
    pub fn staff_by(&self, member: &StaffMember, request: RequestId) -> Staff {
        Staff::new(Actor::Staff(member.id), request)
    }

    /// Invites somebody: whoever has the link may choose a password, once, within 72 hours.
    pub async fn invite_staff(&self, by: Staff, who: Invitee) -> Outcome<Invited, StaffRefusal> {
        let Invitee { email, name, role } = who;
        let email = email.trim().to_owned();
        if !plausible_email(&email) {
            let wrong = rules::wrong("email", "an e-mail address");
            return Ok(Err(StaffRefusal::Wrong(wrong)));
        }
        let name = match rules::line(&name, "name", 1, MAX_NAME) {
            Ok(name) => name,
            Err(wrong) => return Ok(Err(StaffRefusal::Wrong(wrong))),
        };
        let (token, now) = (Token::new(self.entropy.as_ref()), self.now());
        let member = StaffMember {
            id: self.mint()?,
            email,
            name,
            role,
            password: None,
            invitation: Some(hash(token.reveal())),
            invited_until: Some(now.plus(INVITATION)),
            series: 0,
            factor: Factor::default(),
            created_at: now,
            joined_at: None,
            ended_at: None,
        };
        let invite = Invite { member, note: self.note(by)? };
        Ok(self.submit(invite).await?.map(|member| Invited { member, token }))
    }

    /// Gives a member another role. It works at once.
    pub async fn change_staff_role(
        &self,
        by: Staff,
        member: Id<StaffMember>,
        role: StaffRole,
    ) -> Outcome<StaffMember, StaffRefusal> {
        self.change_staff(by, member, Edit::Role(role)).await
    }

    /// Ends a member: every session of it is worthless in this moment. Ending it again changes nothing.
    pub async fn end_staff(
        &self,
        by: Staff,
        member: Id<StaffMember>,
    ) -> Outcome<StaffMember, StaffRefusal> {
        self.change_staff(by, member, Edit::End).await
    }

    /// Takes a member's password and second factor away, ends every session, and invites the person anew.
    pub async fn reset_staff(
        &self,
        by: Staff,
        member: Id<StaffMember>,
    ) -> Outcome<Invited, StaffRefusal> {
        let token = Token::new(self.entropy.as_ref());
        let changed = self.change_staff(by, member, Edit::Reset(hash(token.reveal()))).await?;
        Ok(changed.map(|member| Invited { member, token }))
    }

    async fn change_staff(
        &self,
        by: Staff,
        member: Id<StaffMember>,
        edit: Edit,
    ) -> Outcome<StaffMember, StaffRefusal> {
        let Some(row) = self.store.staff_member(member).await? else {
            return Ok(Err(StaffRefusal::NoSuchMember));
        };
        let login = Login::fold(&row.email);
        self.submit(ChangeStaff { member, login, edit, note: self.note(by)? }).await
    }

    /// Whose invitation `token` is, while it is good.
    pub async fn invited_staff(&self, token: &str) -> Result<Option<StaffMember>, Fault> {
        let now = self.now();
        let member = self.store.staff_by_invitation(hash(token)).await?;
        Ok(member.filter(|member| is_invited(member, hash(token), now)))
    }

    /// Takes an invitation: the password is the member's from now on, and the browser is signed in. `source` is where the
    /// request came from.
    pub async fn join_staff(
        &self,
        token: &str,
        password: &str,
        request: RequestId,
        source: &str,
    ) -> Outcome<sign_in::StaffSignedIn, StaffRefusal> {
        let now = self.now();
        let guess = match self.throttle.guess([(Limited::StaffSource, source)], now) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(StaffRefusal::RateLimited(wait))),
        };
        let Some(member) = self.invited_staff(token).await? else {
            guess.wrong();
            return Ok(Err(StaffRefusal::NoInvitation));
        };
        let Some(password) = self.hashed(password, source).await? else {
            return Ok(Err(StaffRefusal::RateLimited(RetryAfter(5))));
        };
        let (opened, session) = self.staff_session(&member, now);
        let note = self.note(self.staff_by(&member, request))?;
        let join = Join { member: member.id, invitation: hash(token), password, session, note };
        Ok(self.submit(join).await?.map(|()| opened))
    }

    /// Puts another password in the place of the member's own. Every session ends; a new one is opened for who did it.
    pub async fn change_staff_password(
        &self,
        member: &StaffMember,
        old: &str,
        new: &str,
        request: RequestId,
    ) -> Outcome<sign_in::StaffSignedIn, StaffRefusal> {
        let (now, who) = (self.now(), Login::fold(&member.email));
        let guess = match self.throttle.guess([(Limited::StaffAddress, &*who)], now) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(StaffRefusal::RateLimited(wait))),
        };
        let phc = member.password.as_deref();
        let Ok(right) = self.passwords.verify(old, phc, &who).await? else {
            return Ok(Err(StaffRefusal::RateLimited(RetryAfter(5))));
        };
        if !right {
            guess.wrong();
            return Ok(Err(StaffRefusal::WrongPassword));
        }
        let Some(password) = self.hashed(new, &who).await? else {
            return Ok(Err(StaffRefusal::RateLimited(RetryAfter(5))));
        };
        let (opened, session) = self.staff_session(member, now);
        let note = self.note(self.staff_by(member, request))?;
        let change = ChangePassword { seen: member.clone(), password, session, note };
        Ok(self.submit(change).await?.map(|()| opened))
    }

    /// A member of the staff; `None` when there is none. It may be an ended one.
    pub async fn staff_member(
        &self,
        id: Id<StaffMember>,
    ) -> Result<Option<Arc<StaffMember>>, Fault> {
        let now = self.now();
        if let Some(member) = self.memory.staff_member(id, now) {
            return Ok(Some(member));
        }
        let epoch = self.memory.epoch();
        let Some(member) = self.store.staff_member(id).await? else { return Ok(None) };
        let member = Arc::new(member);
        self.memory.remember_staff_member(member.clone(), epoch);
        Ok(Some(member))
    }
}

/// Whether a member is invited by a token with this hash at `at`.
fn is_invited(member: &StaffMember, token: TokenHash, at: Timestamp) -> bool {
    member.ended_at.is_none()
        && member.invitation == Some(token)
        && member.invited_until.is_some_and(|until| at < until)
}

struct Invite {
    member: StaffMember,
    note: Note,
}

impl Command for Invite {
    type Receipt = StaffMember;
    type Refusal = StaffRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.staff_logins.read((Login::fold(&self.member.email),));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<StaffMember, StaffRefusal>, Fault> {
        let email = Login::fold(&self.member.email);
        if books.staff_logins.get(&(email.clone(),))?.is_some() {
            return Ok(Decision::refused(StaffRefusal::EmailTaken));
        }
        let member = self.member.clone();
        let what = json!({ "email": { "to": member.email }, "name": { "to": member.name },
            "role": { "to": member.role } });
        let mut changes = Changes::default();
        self.note.write(&mut changes, Act::StaffInvited, member.id, what, at);
        changes.staff_logins.push(Change::Insert(StaffLogin { email, member: member.id }));
        changes.staff.push(Change::Insert(member.clone()));
        Ok(Decision::done(member, changes))
    }
}

/// What is changed of a member by others.
#[derive(Clone, Copy, Debug)]
enum Edit {
    Role(StaffRole),
    /// With the hash of the new invitation's token.
    Reset(TokenHash),
    End,
}

impl Edit {
    /// The member afterwards, and what goes on record.
    fn of(self, old: &StaffMember, at: Timestamp) -> (StaffMember, Act, Value) {
        let series = old.series.saturating_add(1);
        match self {
            Self::Role(role) => {
                let what = json!({ "role": { "from": old.role, "to": role } });
                (StaffMember { role, ..old.clone() }, Act::StaffRoleChanged, what)
            }
            Self::Reset(token) => {
                let member = StaffMember {
                    password: None,
                    invitation: Some(token),
                    invited_until: Some(at.plus(INVITATION)),
                    series,
                    factor: old.factor.off(),
                    ..old.clone()
                };
                (member, Act::StaffReset, json!({}))
            }
            Self::End => {
                let member = StaffMember {
                    password: None,
                    invitation: None,
                    invited_until: None,
                    series,
                    ended_at: Some(at),
                    factor: old.factor.off(),
                    ..old.clone()
                };
                (member, Act::StaffEnded, json!({}))
            }
        }
    }
}

struct ChangeStaff {
    member: Id<StaffMember>,
    /// The folded address, which never changes.
    login: String,
    edit: Edit,
    note: Note,
}

impl Command for ChangeStaff {
    type Receipt = StaffMember;
    type Refusal = StaffRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.staff_roll.guard((StaffRoll::ONLY,));
        wants.staff.guard((self.member,));
        wants.staff_logins.read((self.login.clone(),));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<StaffMember, StaffRefusal>, Fault> {
        let roll = *roll(books)?;
        let Some(old) = books.staff.get(&(self.member,))? else {
            return Ok(Decision::refused(StaffRefusal::NoSuchMember));
        };
        let mut changes = Changes::default();
        if old.ended_at.is_some() {
            return Ok(match self.edit {
                Edit::End => Decision::done(old.clone(), changes),
                Edit::Role(_) | Edit::Reset(_) => Decision::refused(StaffRefusal::NoSuchMember),
            });
        }
        let (member, act, what) = self.edit.of(old, at);
        if member == *old {
            return Ok(Decision::done(member, changes));
        }
        let Some(after) = roll.after(old, &member) else {
            return Ok(Decision::refused(StaffRefusal::LastOwner));
        };
        if after != roll {
            changes.staff_roll.push(Change::Update(after));
        }
        if member.ended_at.is_some()
            && let Some(login) = books.staff_logins.get(&(self.login.clone(),))?
        {
            changes.staff_logins.push(Change::Delete(login.clone()));
        }
        changes.staff.push(Change::Update(member.clone()));
        self.note.write(&mut changes, act, member.id, what, at);
        Ok(Decision::done(member, changes))
    }
}

/// The roll, which was asked for.
fn roll(books: &Books) -> Result<&StaffRoll, Fault> {
    let lost = || Fault::Bug("the row of the staff's roll is gone".into());
    books.staff_roll.get(&(StaffRoll::ONLY,))?.ok_or_else(lost)
}

struct Join {
    member: Id<StaffMember>,
    invitation: TokenHash,
    password: String,
    session: StaffSession,
    note: Note,
}

impl Command for Join {
    type Receipt = ();
    type Refusal = StaffRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.staff_roll.guard((StaffRoll::ONLY,));
        wants.staff.guard((self.member,));
        wants.staff_sessions.read((self.session.token,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), StaffRefusal>, Fault> {
        let roll = *roll(books)?;
        let old = books.staff.get(&(self.member,))?;
        let Some(old) = old.filter(|old| is_invited(old, self.invitation, at)) else {
            return Ok(Decision::refused(StaffRefusal::NoInvitation));
        };
        let series = old.series.saturating_add(1);
        let member = StaffMember {
            password: Some(self.password.clone()),
            invitation: None,
            invited_until: None,
            series,
            joined_at: old.joined_at.or(Some(at)),
            ..old.clone()
        };
        let full = || Fault::Bug("the staff's roll is full".into());
        let after = roll.after(old, &member).ok_or_else(full)?;
        let mut changes = Changes::default();
        if after != roll {
            changes.staff_roll.push(Change::Update(after));
        }
        self.note.write(&mut changes, Act::StaffJoined, member.id, json!({}), at);
        let session = StaffSession { series, ..self.session.clone() };
        changes.staff_sessions.push(Change::Insert(session));
        changes.staff.push(Change::Update(member));
        Ok(Decision::done((), changes))
    }
}

struct ChangePassword {
    /// The member whose old password was right.
    seen: StaffMember,
    password: String,
    session: StaffSession,
    note: Note,
}

impl Command for ChangePassword {
    type Receipt = ();
    type Refusal = StaffRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.staff.guard((self.seen.id,));
        wants.staff_sessions.read((self.session.token,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), StaffRefusal>, Fault> {
        let seen = &self.seen;
        let same = |member: &&StaffMember| {
            member.ended_at.is_none()
                && (member.series, &member.password) == (seen.series, &seen.password)
        };
        let Some(old) = books.staff.get(&(seen.id,))?.filter(same) else {
            return Ok(Decision::refused(StaffRefusal::WrongPassword));
        };
        let series = old.series.saturating_add(1);
        let password = Some(self.password.clone());
        let mut changes = Changes::default();
        self.note.write(&mut changes, Act::StaffPasswordChanged, old.id, json!({}), at);
        changes.staff.push(Change::Update(StaffMember { password, series, ..old.clone() }));
        let session = StaffSession { series, ..self.session.clone() };
        changes.staff_sessions.push(Change::Insert(session));
        Ok(Decision::done((), changes))
    }
}
