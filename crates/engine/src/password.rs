//! A new password: with the old one, or with a link that was sent to the account's address.
//!
//! ```text
//! asked for ──the worker looks──▶ letter with a link, if the address has an account
//! link, within an hour, while the password is the same ─▶ new password, every session ended, every key revoked, no passkey left, letter
//! old password, and a code where there is a second factor ─▶ new password, every other session ended, letter
//! ```
//! Who needs the link has perhaps lost the account to somebody: nothing that was opened with the old password stays open. The
//! second factor stays in any case.
//!
//! Whoever asks for a link learns nothing: the address is put into a queue, and looked up by the worker.

use scrip_domain::account::{Account, Login};
use scrip_domain::api_key::ApiKey;
use scrip_domain::factor::Proof;
use scrip_domain::letter::{About, Letter};
use scrip_domain::session::{Session, TokenHash};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::api_key::{RevokeAll, revoke};
use crate::factor::buyer::{OwnerRefusal, Shown};
use crate::ledger::Buyer;
use crate::mail::{Pass, RESET};
use crate::session::{EndSessions, hash};
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome};

/// Sessions that are ended in one commit, and keys that are revoked.
const ENDED: u32 = 300;

/// Why no link is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetRefusal {
    /// This server sends no mail.
    NoMail,
    /// Too many from this source.
    RateLimited(RetryAfter),
}

/// Why the password is the old one still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRefusal {
    /// The link opens nothing (any more).
    Link,
    /// The old password is wrong, or the account has none.
    InvalidCredentials,
    /// Too many tries, or too many at once.
    RateLimited(RetryAfter),
}

/// By what right a password is replaced.
#[derive(Clone, Copy)]
enum Right {
    /// A link: all that was opened ends. It signs nobody in, so nothing is asked of the second factor.
    Link,
    /// The old one: the session with this token stays, and keys of programs do.
    Old(Option<TokenHash>),
}

impl Engine {
    /// Asks for a link to a new password. Nothing is looked up here, so the answer and its time tell nothing.
    pub fn ask_reset(&self, email: &str, source: &str) -> Result<(), ResetRefusal> {
        if !self.has_mail() {
            return Err(ResetRefusal::NoMail);
        }
        let (email, now) = (Login::fold(email), self.now());
        let from = [(Limited::ResetSource, source)];
        self.throttle.take(from, now).map_err(ResetRefusal::RateLimited)?;
        // Nobody's mailbox is filled by others; whoever asks too often for one gets the same answer.
        if self.throttle.take([(Limited::ResetAddress, &*email)], now).is_ok() {
            self.asked.push(email);
        }
        Ok(())
    }

    /// Writes the letters that were asked for.
    pub(crate) async fn write_resets(&self) -> Result<(), Fault> {
        while let Some(email) = self.asked.pop() {
            let Some(login) = self.store.login(&email).await? else { continue };
            let Some(account) = self.store.account(login.account).await? else { continue };
            let password = self.mark_of_password(&login);
            let letter = self.letter(&account, About::Reset { password }).await?;
            self.put_letters(letter.into_iter().collect()).await?;
        }
        Ok(())
    }

    /// Whether a link is good still, for the page that asks for the password.
    pub async fn may_reset(&self, token: &str) -> Result<bool, Fault> {
        Ok(self.login_of_link(token).await?.is_some())
    }

    /// Puts a new password in the place of the one that the link is for. Every session of the account ends, every key
    /// of its programs is revoked, and its passkeys are gone.
    pub async fn reset_password(&self, token: &str, new: &str) -> Outcome<(), PasswordRefusal> {
        let Some(login) = self.login_of_link(token).await? else {
            return Ok(Err(PasswordRefusal::Link));
        };
        self.set_password(login, new, Right::Link, None).await
    }

    /// Changes the password of an account, by whoever shows the old one. Every session ends but the one with `kept`.
    pub async fn change_password(
        &self,
        buyer: Buyer,
        shown: Shown<'_>,
        new: &str,
        kept: Option<&str>,
    ) -> Outcome<(), OwnerRefusal> {
        let (login, proof) = match self.shown_owner(buyer, shown).await? {
            Ok(owner) => owner,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let set = self.set_password(login, new, Right::Old(kept.map(hash)), proof).await?;
        Ok(set.map_err(OwnerRefusal::Password))
    }

    /// The address of an account, once its password is shown.
    pub(crate) async fn verified_login(
        &self,
        buyer: Buyer,
        password: &str,
        source: &str,
    ) -> Outcome<Login, PasswordRefusal> {
        let refused = PasswordRefusal::InvalidCredentials;
        let Some(member) = self.member(buyer.account).await? else { return Ok(Err(refused)) };
        let (email, now) = (Login::fold(&member.account.email), self.now());
        let limits = [(Limited::SignInAddress, email.as_str()), (Limited::SignInSource, source)];
        let guess = match self.throttle.guess(limits, now) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(PasswordRefusal::RateLimited(wait))),
        };
        let login = self.store.login(&email).await?;
        let login = login.filter(|login| login.account == buyer.account);
        let phc = login.as_ref().map(|login| login.password.as_str());
        let Ok(right) = self.passwords.verify(password, phc, source).await? else {
            return Ok(Err(PasswordRefusal::RateLimited(RetryAfter(5))));
        };
        let Some(login) = login.filter(|_| right) else {
            guess.wrong();
            return Ok(Err(refused));
        };
        Ok(Ok(login))
    }

    /// The login that a link is for, if it opens it still.
    async fn login_of_link(&self, token: &str) -> Result<Option<Login>, Fault> {
        let Some(pass) = self.unseal::<Pass>(RESET, token) else { return Ok(None) };
        let Some(account) = self.store.account(pass.account).await? else { return Ok(None) };
        let login = self.login_of(&account).await?;
        Ok(login.filter(|login| self.mark_of_password(login) == pass.mark))
    }

    /// The address that signs in to an account, as it is now.
    pub(crate) async fn login_of(&self, account: &Account) -> Result<Option<Login>, Fault> {
        let login = self.store.login(&Login::fold(&account.email)).await?;
        Ok(login.filter(|login| login.account == account.id))
    }

    async fn set_password(
        &self,
        login: Login,
        new: &str,
        right: Right,
        proof: Option<Proof>,
    ) -> Outcome<(), PasswordRefusal> {
        let (kept, stale) = match right {
            Right::Link => (None, PasswordRefusal::Link),
            Right::Old(kept) => (kept, PasswordRefusal::InvalidCredentials),
        };
        let lost = || Fault::Bug("an account is gone".into());
        let account = self.store.account(login.account).await?.ok_or_else(lost)?;
        let Some(password) = self.hashed(new, &login.email).await? else {
            return Ok(Err(PasswordRefusal::RateLimited(RetryAfter(5))));
        };
        let about = About::PasswordChanged { at: self.now() };
        let letter = self.letter(&account, about).await?;
        let ended = self.sessions_but(account.id, kept).await?;
        let revoked = self.keys_ended_by(right, account.id).await?;
        let email = login.email.clone();
        let set = SetPassword { login, password, right, proof, ended, revoked, letter };
        if self.submit(set).await?.is_err() {
            return Ok(Err(stale));
        }
        self.throttle.forgive(Limited::SignInAddress, &email, self.now());
        // What was opened while this was decided, or did not fit.
        loop {
            let revoked = self.keys_ended_by(right, account.id).await?;
            if revoked.is_empty() {
                break;
            }
            let Ok(()) = self.submit(RevokeAll(revoked)).await?;
        }
        self.end_sessions_but(account.id, kept).await.map(Ok)
    }

    /// The keys of an account that do not outlive a password which is replaced by this right.
    async fn keys_ended_by(
        &self,
        right: Right,
        account: Id<Account>,
    ) -> Result<Vec<Id<ApiKey>>, Fault> {
        let keys = match right {
            Right::Link => self.store.good_api_keys_of(account, ENDED).await?,
            Right::Old(_) => Vec::new(),
        };
        Ok(keys.into_iter().map(|key| key.id).collect())
    }

    /// The sessions of an account that have not ended, the newest first, at most so many.
    pub async fn open_sessions(&self, buyer: Buyer, most: u32) -> Result<Vec<Session>, Fault> {
        self.store.open_sessions_of(buyer.account, self.now(), most).await
    }

    /// Ends every session of an account but the one with `kept`. Doing it again changes nothing.
    pub async fn end_other_sessions(&self, buyer: Buyer, kept: Option<&str>) -> Result<(), Fault> {
        self.end_sessions_but(buyer.account, kept.map(hash)).await
    }

    pub(crate) async fn end_sessions_but(
        &self,
        account: Id<Account>,
        kept: Option<TokenHash>,
    ) -> Result<(), Fault> {
        loop {
            let ended = self.sessions_but(account, kept).await?;
            if ended.0.is_empty() {
                return Ok(());
            }
            let Ok(()) = self.submit(ended).await?;
        }
    }

    /// The sessions of an account, but for one.
    pub(crate) async fn sessions_but(
        &self,
        account: Id<Account>,
        kept: Option<TokenHash>,
    ) -> Result<EndSessions, Fault> {
        let sessions = self.store.sessions_of(account, ENDED).await?;
        let tokens = sessions.into_iter().map(|session| session.token);
        Ok(EndSessions(tokens.filter(|token| Some(*token) != kept).collect()))
    }
}

/// The password was changed meanwhile, or the code was used.
struct Stale;

struct SetPassword {
    /// As it was looked at.
    login: Login,
    password: String,
    right: Right,
    proof: Option<Proof>,
    ended: EndSessions,
    revoked: Vec<Id<ApiKey>>,
    letter: Option<Letter>,
}

impl Command for SetPassword {
    type Receipt = ();
    type Refusal = Stale;

    fn wants(&self, wants: &mut Wants) {
        wants.logins.guard((self.login.email.clone(),));
        self.ended.wants(wants);
        self.revoked.iter().for_each(|key| wants.api_keys.guard((*key,)));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Stale>, Fault> {
        let login = books.logins.get(&(self.login.email.clone(),))?;
        let Some(login) = login.filter(|login| login.is_as_proved(&self.login)) else {
            return Ok(Decision::refused(Stale));
        };
        let (factor, passkeys) = match self.right {
            // Who has the password may have added a passkey of their own.
            Right::Link => (Some(login.factor.clone()), Vec::new()),
            Right::Old(_) => (login.factor.shown(self.proof.as_ref()), login.passkeys.clone()),
        };
        let Some(factor) = factor else { return Ok(Decision::refused(Stale)) };
        let mut changes = Changes::default();
        // Whoever asked for another address with the old one may not be the owner.
        let (password, new_email) = (self.password.clone(), None);
        let new = Login { password, new_email, factor, passkeys, ..login.clone() };
        changes.logins.push(Change::Update(new));
        self.ended.write(books, &mut changes)?;
        revoke(books, &mut changes, &self.revoked, at)?;
        changes.letters.extend(self.letter.clone().map(Change::Insert));
        Ok(Decision::done((), changes))
    }
}
