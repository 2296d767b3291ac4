//! Another address for an account: asked for by whoever is signed in, with the password, and a code of the second factor
//! where there is one.
//!
//! ```text
//! asked for ─(no mail, or the same address in other letters)─▶ changed
//!     └─(mail)─▶ letter with a link to the new address, letter to the old one; asked for again: only the last one counts
//! link, within a day, while addresses and password are the same ─▶ changed, the new address is verified, letter to the old one
//! changed ─▶ every other session ended; links that were sent to the old address open nothing any more
//! ```
//! The old address stays in force until mail to the new one has arrived. Where mail is sent, nobody learns by asking whether an
//! address has an account: that is told behind the link, to whoever reads its mail.

use scrip_domain::Timestamp;
use scrip_domain::account::{Account, Login, NewEmail};
use scrip_domain::factor::Proof;
use scrip_domain::letter::{About, Letter};
use scrip_domain::session::TokenHash;
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::factor::buyer::{OwnerRefusal, Shown};
use crate::ledger::Buyer;
use crate::mail::{NEW_EMAIL, Pass};
use crate::password::PasswordRefusal;
use crate::session::{EndSessions, hash};
use crate::throttle::{Limited, RetryAfter};
use crate::verification::VerifyRefusal;
use crate::{Engine, Outcome};

/// What came of asking for another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailAsked {
    /// It is the account's now.
    Changed,
    /// It will be, when the link that was sent there is opened.
    Sent,
}

/// Why the address stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailRefusal {
    /// It is not shown that the owner asks.
    Owner(OwnerRefusal),
    /// The address has an account. Told only where no mail is sent.
    Taken,
    /// It was asked for too often.
    RateLimited(RetryAfter),
}

impl Engine {
    /// Puts another address in the place of the account's, or sends a link to it that does. The session of `kept` stays.
    pub async fn change_email(
        &self,
        buyer: Buyer,
        new: &str,
        shown: Shown<'_>,
        kept: Option<&str>,
    ) -> Outcome<EmailAsked, EmailRefusal> {
        let (login, proof) = match self.shown_owner(buyer, shown).await? {
            Ok(owner) => owner,
            Err(refusal) => return Ok(Err(EmailRefusal::Owner(refusal))),
        };
        let (new, who) = (new.trim(), buyer.account.to_string());
        let folded = Login::fold(new);
        let is_same = folded == login.email;
        let limits = if self.has_mail() {
            // Nobody's mailbox is filled by others.
            vec![(Limited::LetterAccount, &*who), (Limited::LetterAddress, &*folded)]
        } else {
            vec![(Limited::Register, shown.source)]
        };
        if !is_same && let Err(wait) = self.throttle.take(limits, self.now()) {
            return Ok(Err(EmailRefusal::RateLimited(wait)));
        }
        if self.has_mail() && !is_same {
            let asked = self.ask_new_email(login, proof, new).await?;
            return Ok(asked.map(|()| EmailAsked::Sent));
        }
        let replace = Replace { proof, ..Replace::new(buyer, login, new) };
        Ok(match self.replace_email(replace, kept.map(hash)).await? {
            Ok(_) => Ok(EmailAsked::Changed),
            Err(VerifyRefusal::EmailTaken) => Err(EmailRefusal::Taken),
            Err(VerifyRefusal::Link) => Err(STALE),
        })
    }

    /// Keeps the address that is wished for, in the place of one that was before, and writes to both.
    async fn ask_new_email(
        &self,
        login: Login,
        proof: Option<Proof>,
        new: &str,
    ) -> Outcome<(), EmailRefusal> {
        let lost = || Fault::Bug("an account is gone".into());
        let account = self.store.account(login.account).await?.ok_or_else(lost)?;
        let asked_at = self.now();
        let new_email = Some(NewEmail { email: new.to_owned(), asked_at });
        let wished = Login { new_email, ..login };
        let mark = self.mark_of_new_email(&wished).unwrap_or_default();
        let there = self.letter_to(account.id, new, About::NewEmail { mark })?;
        let here = self.letter(&account, About::NewEmailAsked { at: asked_at }).await?;
        let letters = there.into_iter().chain(here).collect();
        let asked = self.submit(Ask { wished, proof, letters }).await?;
        Ok(asked.map_err(|Stale| STALE))
    }

    /// The login whose new address a link was sent to, if it opens it still.
    pub(crate) async fn login_of_new_email(&self, token: &str) -> Result<Option<Login>, Fault> {
        let Some(pass) = self.unseal::<Pass>(NEW_EMAIL, token) else { return Ok(None) };
        let Some(account) = self.store.account(pass.account).await? else { return Ok(None) };
        let login = self.login_of(&account).await?;
        Ok(login.filter(|login| self.mark_of_new_email(login).as_ref() == Some(&pass.mark)))
    }

    /// Puts the address that a link was sent to in the place of the account's. The session of `kept` stays.
    pub(crate) async fn open_new_email(
        &self,
        login: Login,
        kept: Option<&str>,
    ) -> Outcome<Account, VerifyRefusal> {
        let account = self.store.account(login.account).await?;
        let (Some(account), Some(new)) = (account, login.new_email.clone()) else {
            return Ok(Err(VerifyRefusal::Link));
        };
        let buyer = Buyer { account: account.id, wallet: account.wallet };
        let letter = self.letter(&account, About::EmailChanged { at: self.now() }).await?;
        let replace = Replace::new(buyer, login, &new.email);
        self.replace_email(Replace { is_verified: true, letter, ..replace }, kept.map(hash)).await
    }

    async fn replace_email(
        &self,
        mut replace: Replace,
        kept: Option<TokenHash>,
    ) -> Outcome<Account, VerifyRefusal> {
        let (account, moves) = (replace.buyer.account, replace.moves());
        if moves {
            replace.ended = self.sessions_but(account, kept).await?;
        }
        let replaced = self.submit(replace).await?;
        if moves && replaced.is_ok() {
            // What was opened while this was decided, or did not fit.
            self.end_sessions_but(account, kept).await?;
        }
        Ok(replaced)
    }
}

/// The address, the password or the second factor was changed meanwhile, or the code was used.
struct Stale;

/// What is answered then: as if the password had been wrong.
const STALE: EmailRefusal =
    EmailRefusal::Owner(OwnerRefusal::Password(PasswordRefusal::InvalidCredentials));

struct Ask {
    /// As it was looked at, with the address that is wished for.
    wished: Login,
    proof: Option<Proof>,
    letters: Vec<Letter>,
}

impl Command for Ask {
    type Receipt = ();
    type Refusal = Stale;

    fn wants(&self, wants: &mut Wants) {
        wants.logins.guard((self.wished.email.clone(),));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Stale>, Fault> {
        let login = books.logins.get(&(self.wished.email.clone(),))?;
        let Some(login) = login.filter(|login| login.is_as_proved(&self.wished)) else {
            return Ok(Decision::refused(Stale));
        };
        let Some(factor) = login.factor.shown(self.proof.as_ref()) else {
            return Ok(Decision::refused(Stale));
        };
        let mut changes = Changes::default();
        let new_email = self.wished.new_email.clone();
        changes.logins.push(Change::Update(Login { new_email, factor, ..login.clone() }));
        changes.letters.extend(self.letters.iter().cloned().map(Change::Insert));
        Ok(Decision::done((), changes))
    }
}

struct Replace {
    buyer: Buyer,
    /// As it was looked at.
    login: Login,
    /// As typed, trimmed.
    new: String,
    /// What was shown of the second factor; by a link nothing is asked for, for it was asked for before it was sent.
    proof: Option<Proof>,
    /// Whether somebody has shown, by a link, that mail to it arrives.
    is_verified: bool,
    ended: EndSessions,
    letter: Option<Letter>,
}

impl Replace {
    fn new(buyer: Buyer, login: Login, new: &str) -> Self {
        let (new, ended) = (new.to_owned(), EndSessions(Vec::new()));
        Self { buyer, login, new, proof: None, is_verified: false, ended, letter: None }
    }

    /// Whether it is another address, and not the same in other letters.
    fn moves(&self) -> bool {
        Login::fold(&self.new) != self.login.email
    }
}

impl Command for Replace {
    type Receipt = Account;
    type Refusal = VerifyRefusal;

    fn wants(&self, wants: &mut Wants) {
        // The wallet guards its account.
        wants.wallets.guard((self.buyer.wallet,));
        wants.accounts.read((self.buyer.account,));
        wants.logins.guard((self.login.email.clone(),));
        if self.moves() {
            wants.logins.read((Login::fold(&self.new),));
        }
        self.ended.wants(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Account, VerifyRefusal>, Fault> {
        let login = books.logins.get(&(self.login.email.clone(),))?;
        let same = |login: &&Login| {
            login.is_as_proved(&self.login) && login.new_email == self.login.new_email
        };
        let account = books.accounts.get(&(self.buyer.account,))?;
        let (Some(login), Some(account)) = (login.filter(same), account) else {
            return Ok(Decision::refused(VerifyRefusal::Link));
        };
        let shown = || login.factor.shown(self.proof.as_ref());
        let factor = if self.is_verified { Some(login.factor.clone()) } else { shown() };
        let Some(factor) = factor else { return Ok(Decision::refused(VerifyRefusal::Link)) };
        let mut changes = Changes::default();
        let (email, moves) = (Login::fold(&self.new), self.moves());
        let new = Login { email: email.clone(), new_email: None, factor, ..login.clone() };
        if !moves {
            changes.logins.push(Change::Update(new));
        } else if books.logins.get(&(email,))?.is_none() {
            changes.logins.push(Change::Delete(login.clone()));
            changes.logins.push(Change::Insert(new));
        } else {
            return Ok(Decision::refused(VerifyRefusal::EmailTaken));
        }
        let verified_at = if moves { self.is_verified.then_some(at) } else { account.verified_at };
        let account = Account { email: self.new.clone(), verified_at, ..account.clone() };
        changes.accounts.push(Change::Update(account.clone()));
        self.ended.write(books, &mut changes)?;
        changes.letters.extend(self.letter.clone().map(Change::Insert));
        Ok(Decision::done(account, changes))
    }
}
