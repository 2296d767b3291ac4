//! A buyer's own second factor: set up with the password, on by a code, off by both; taken away by staff.
//!
//! It lies with the address that signs in, as the password does. A new password by mail does not take it away: a mailbox alone
//! is not enough.

use std::fmt;

use scrip_domain::account::{Account, Login};
use scrip_domain::audit::Act;
use scrip_domain::factor::Proof;
use scrip_domain::letter::{About, FactorChange, Letter};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use super::FactorRefusal;
use crate::account::NoSuchAccount;
use crate::audit::{Note, Staff};
use crate::identity::TRIES;
use crate::ledger::Buyer;
use crate::password::PasswordRefusal;
use crate::session::{EndSessions, hash};
use crate::{Engine, Outcome};

/// What somebody shows where a session alone is not enough.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The account's password.
    pub password: &'a str,
    /// A code of its second factor; not looked at where that is off.
    pub code: &'a str,
    /// Where the request came from, for throttling.
    pub source: &'a str,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("source", &self.source).finish_non_exhaustive()
    }
}

/// Why it is not believed that the owner asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerRefusal {
    /// The password.
    Password(PasswordRefusal),
    /// The second factor.
    Factor(FactorRefusal),
}

impl From<FactorRefusal> for OwnerRefusal {
    fn from(refusal: FactorRefusal) -> Self {
        Self::Factor(refusal)
    }
}

impl Engine {
    /// The address of an account once its owner is shown, and what to spend for that.
    pub(crate) async fn shown_owner(
        &self,
        buyer: Buyer,
        shown: Shown<'_>,
    ) -> Outcome<(Login, Option<Proof>), OwnerRefusal> {
        let login = match self.verified_login(buyer, shown.password, shown.source).await? {
            Ok(login) => login,
            Err(refusal) => return Ok(Err(OwnerRefusal::Password(refusal))),
        };
        if !login.factor.is_on() {
            return Ok(Ok((login, None)));
        }
        let who = buyer.account.to_string();
        let guess = match self.guess_code(&who) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(FactorRefusal::RateLimited(wait).into())),
        };
        let Some(proof) = self.proof(&who, &login.factor, shown.code) else {
            guess.wrong();
            return Ok(Err(FactorRefusal::WrongCode.into()));
        };
        Ok(Ok((login, Some(proof))))
    }

    /// Begins to set a second factor up. Gives the new secret, in base32, which counts for nothing until a code of it was
    /// seen.
    pub async fn begin_own_factor(
        &self,
        buyer: Buyer,
        (password, source): (&str, &str),
    ) -> Outcome<String, OwnerRefusal> {
        let login = match self.verified_login(buyer, password, source).await? {
            Ok(login) => login,
            Err(refusal) => return Ok(Err(OwnerRefusal::Password(refusal))),
        };
        let begun = match self.submit(SetFactor::new(login, To::Begun)).await? {
            Ok(begun) => begun,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let secret = self.waiting_secret(&buyer.account.to_string(), &begun.factor);
        secret.map(Ok).ok_or_else(|| Fault::Bug("a secret that was begun does not wait".into()))
    }

    /// Turns it on, by a code of the secret that was set up. Gives the recovery codes, which are told once. Every session
    /// ends but the one with `kept`, since a password alone has opened them.
    pub async fn confirm_own_factor(
        &self,
        buyer: Buyer,
        code: &str,
        kept: Option<&str>,
    ) -> Outcome<Vec<String>, FactorRefusal> {
        let (who, kept) = (buyer.account.to_string(), kept.map(hash));
        let Some(member) = self.member(buyer.account).await? else {
            return Ok(Err(FactorRefusal::NotNow));
        };
        let guess = match self.guess_code(&who) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(FactorRefusal::RateLimited(wait))),
        };
        let login = self.login_of(&member.account).await?;
        let Some(login) = login.filter(|login| login.factor.waits()) else {
            return Ok(Err(FactorRefusal::NotNow));
        };
        let Some(proof) = self.proof(&who, &login.factor, code) else {
            guess.wrong();
            return Ok(Err(FactorRefusal::WrongCode));
        };
        drop(guess);
        let (codes, digests) = self.recovery_codes();
        let set = SetFactor {
            proof: Some(proof),
            ended: self.sessions_but(buyer.account, kept).await?,
            letter: self.factor_letter(&member.account, FactorChange::On).await?,
            ..SetFactor::new(login, To::On(digests))
        };
        if let Err(refusal) = self.submit(set).await? {
            return Ok(Err(refusal));
        }
        self.end_sessions_but(buyer.account, kept).await?;
        Ok(Ok(codes))
    }

    /// Turns it off, by the password with a code of it or a recovery code.
    pub async fn remove_own_factor(
        &self,
        buyer: Buyer,
        shown: Shown<'_>,
    ) -> Outcome<(), OwnerRefusal> {
        let (login, proof) = match self.shown_owner(buyer, shown).await? {
            Ok((login, Some(proof))) => (login, Some(proof)),
            Ok((_, None)) => return Ok(Err(FactorRefusal::NotNow.into())),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(member) = self.member(buyer.account).await? else {
            return Ok(Err(FactorRefusal::NotNow.into()));
        };
        let letter = self.factor_letter(&member.account, FactorChange::Off).await?;
        let set = SetFactor { proof, letter, ..SetFactor::new(login, To::Off) };
        Ok(self.submit(set).await?.map(drop).map_err(OwnerRefusal::from))
    }

    /// Takes it away from a buyer who has lost all that it needs. Doing it again changes nothing. The reason is for the record.
    pub async fn reset_own_factor(
        &self,
        by: Staff,
        account: Id<Account>,
        reason: Option<String>,
    ) -> Outcome<(), NoSuchAccount> {
        let note = self.note(by)?;
        for _ in 0..TRIES {
            let Some(row) = self.store.account(account).await? else {
                return Ok(Err(NoSuchAccount));
            };
            let Some(login) = self.login_of(&row).await? else { return Ok(Err(NoSuchAccount)) };
            if !login.factor.is_on() {
                return Ok(Ok(()));
            }
            let letter = self.factor_letter(&row, FactorChange::Reset).await?;
            let by = Some((note, reason.clone()));
            let set = SetFactor { letter, by, ..SetFactor::new(login, To::Off) };
            // What signs in was changed meanwhile: it is looked up anew.
            if self.submit(set).await?.is_ok() {
                return Ok(Ok(()));
            }
        }
        Err(Fault::Conflict)
    }

    async fn factor_letter(
        &self,
        account: &Account,
        change: FactorChange,
    ) -> Result<Option<Letter>, Fault> {
        self.letter(account, About::FactorChanged { at: self.now(), change }).await
    }
}

/// How a factor is to be.
enum To {
    /// Off, with a secret that waits.
    Begun,
    /// On, with the digests of the recovery codes.
    On(Vec<String>),
    Off,
}

struct SetFactor {
    /// As it was looked at.
    seen: Login,
    proof: Option<Proof>,
    to: To,
    ended: EndSessions,
    letter: Option<Letter>,
    /// Of the staff, with the reason; nobody's where the owner does it.
    by: Option<(Note, Option<String>)>,
}

impl SetFactor {
    fn new(seen: Login, to: To) -> Self {
        let ended = EndSessions(Vec::new());
        Self { seen, proof: None, to, ended, letter: None, by: None }
    }
}

impl Command for SetFactor {
    type Receipt = Login;
    type Refusal = FactorRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.logins.guard((self.seen.email.clone(),));
        self.ended.wants(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Login, FactorRefusal>, Fault> {
        let turns_off = matches!(self.to, To::Off);
        let login = books.logins.get(&(self.seen.email.clone(),))?;
        let ready =
            |login: &&Login| login.is_as_proved(&self.seen) && login.factor.is_on() == turns_off;
        let Some(old) = login.filter(ready) else {
            return Ok(Decision::refused(FactorRefusal::NotNow));
        };
        let spent = match &self.proof {
            Some(proof) => old.factor.spent(proof),
            None => Some(old.factor.clone()),
        };
        let Some(factor) = spent else {
            return Ok(Decision::refused(FactorRefusal::WrongCode));
        };
        let factor = match &self.to {
            To::Begun => factor.begun(),
            To::On(recovery) => factor.on(recovery.clone(), at),
            To::Off => factor.off(),
        };
        let login = Login { factor, ..old.clone() };
        let mut changes = Changes::default();
        changes.logins.push(Change::Update(login.clone()));
        self.ended.write(books, &mut changes)?;
        changes.letters.extend(self.letter.clone().map(Change::Insert));
        if let Some((note, reason)) = &self.by {
            let what = match reason {
                Some(reason) => json!({ "reason": { "to": reason } }),
                None => json!({}),
            };
            note.write(&mut changes, Act::AccountFactorReset, login.account, what, at);
        }
        Ok(Decision::done(login, changes))
    }
}
