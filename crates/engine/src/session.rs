//! Signing in and out, and finding out who calls.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::account::{Account, Login, NewEmail};
use scrip_domain::api_key::{ApiKey, Scope};
use scrip_domain::audit::Actor;
use scrip_domain::factor::{Factor, Proof};
use scrip_domain::letter::{About, Letter};
use scrip_domain::passkey::Passkey;
use scrip_domain::request::RequestId;
use scrip_domain::session::{Browser, LIFETIME, Session, TokenHash};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Entropy, Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use sha2::{Digest, Sha256};

use crate::audit::Staff;
use crate::ledger::Buyer;
use crate::mail::Pass;
use crate::memory::Member;
use crate::passkey::Answer;
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome};

/// A bearer token: 256 bits of chance, told once.
#[derive(Clone)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(secret)")
    }
}

impl Token {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        Self(format!("scrip_{}", Base64UrlUnpadded::encode_string(&bytes)))
    }

    /// The token itself, for its owner only.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn session(&self, account: &Account, now: Timestamp) -> Session {
        self.session_of(account.id, account.wallet, now)
    }

    pub(crate) fn session_of(
        &self,
        account: Id<Account>,
        wallet: Id<Wallet>,
        now: Timestamp,
    ) -> Session {
        Session {
            token: hash(&self.0),
            account,
            wallet,
            created_at: now,
            expires_at: now.plus(LIFETIME),
        }
    }
}

pub(crate) fn hash(token: &str) -> TokenHash {
    let digest = Sha256::digest(token.as_bytes());
    let mut hash = [0; 16];
    hash.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    hash
}

/// A caller who is known.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The account and wallet of a buyer; `None` for the vendor's own API keys.
    pub buyer: Option<Buyer>,
    /// What an API key may be used for; a session may do all that its account may.
    pub scopes: Option<Vec<Scope>>,
    /// The API key.
    pub key: Option<Id<ApiKey>>,
}

impl Signed {
    pub(crate) fn of(session: &Session) -> Self {
        let buyer = Buyer { account: session.account, wallet: session.wallet };
        Self { buyer: Some(buyer), scopes: None, key: None }
    }

    /// The vendor's staff, if it may do what needs `scope` there: a buyer's key is always a buyer's.
    pub fn staff(&self, scope: Scope, request: RequestId) -> Option<Staff> {
        let key = self.key.filter(|_| self.buyer.is_none() && self.may(scope))?;
        Some(Staff::new(Actor::Key(key), request))
    }

    /// Whether it may do what needs `scope`.
    pub fn may(&self, scope: Scope) -> bool {
        match &self.scopes {
            // A session acts for its account, never for the vendor.
            None => matches!(scope, Scope::Read | Scope::Purchase),
            Some(scopes) => {
                scopes.contains(&scope) || (self.buyer.is_none() && scopes.contains(&Scope::Admin))
            }
        }
    }
}

/// Why nobody was signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInRefusal {
    /// The address or the password is wrong; which of them is not told.
    InvalidCredentials,
    /// Too many tries.
    RateLimited(RetryAfter),
}

/// What the right password brings.
#[derive(Clone, Debug)]
pub enum Entered<S> {
    /// A session.
    In(S),
    /// A word to bring back with a code of the second factor, good for 5 minutes.
    HalfWay(String),
}

/// How long one may look for a code.
pub(crate) const HALF_WAY: Span = Span::minutes(5);
/// What the seal of the word is for that a buyer brings back.
const HALF: &str = "sign-in half way";

/// What an account has beside its address and its password, for its owner and for staff.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The address that is to take the place of its own, while that link is good.
    pub new_email: Option<NewEmail>,
    /// The second factor.
    pub factor: Factor,
    /// What signs in without both.
    pub passkeys: Vec<Passkey>,
}

impl Credentials {
    /// What signs in at `now` beside address and password.
    pub(crate) fn of(login: Login, now: Timestamp) -> Self {
        let Login { new_email, factor, passkeys, .. } = login;
        Self { new_email: new_email.filter(|new| now < new.until()), factor, passkeys }
    }
}

/// From what somebody signs in.
#[derive(Clone, Copy, Debug)]
pub struct From<'a> {
    /// Its family.
    pub browser: Browser,
    /// What it keeps since somebody signed in with it ([`Engine::known_browser`]), if it does.
    pub known: Option<&'a str>,
}

/// What the seal of a browser that is known is for.
const KNOWN: &str = "known browser";
/// For how long a browser is known: what browsers keep at the longest.
pub const KNOWN_FOR: Span = Span::days(400);
/// Of so many accounts one browser is known at once.
const ACCOUNTS: usize = 5;
/// How many sessions that have ended are cleared away when one is opened.
const CLEARED: u32 = 20;

/// A session that was opened.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Its token.
    pub token: Token,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub account: Id<Account>,
}

impl Engine {
    /// Signs in with address and password, or half way. `source` is where the request came from. Of a browser that is not
    /// known the account is told by letter, but for the first one; a program's sign-ins are its owner's own.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        source: &str,
        from: From<'_>,
    ) -> Outcome<Entered<SignedIn>, SignInRefusal> {
        let now = self.now();
        let email = Login::fold(email);
        let login = self.store.login(&email).await?;
        // Whoever guesses elsewhere does not keep out a browser with which the owner has signed in before.
        let account = login.as_ref().map(|login| login.account);
        let known = from.known.filter(|known| account.is_some_and(|who| self.knows(known, who)));
        let address = known.map_or_else(|| email.clone(), |known| format!("{email} {known}"));
        let limits = [(Limited::SignInAddress, address.as_str()), (Limited::SignInSource, source)];
        let guess = match self.throttle.guess(limits, now) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(SignInRefusal::RateLimited(wait))),
        };
        let phc = login.as_ref().map(|login| login.password.as_str());
        let Ok(right) = self.passwords.verify(password, phc, source).await? else {
            return Ok(Err(SignInRefusal::RateLimited(RetryAfter(5))));
        };
        let account = match login.as_ref().filter(|_| right) {
            Some(login) => self.store.account(login.account).await?,
            None => None,
        };
        let (Some(account), Some(login)) = (account, login) else {
            guess.wrong();
            return Ok(Err(SignInRefusal::InvalidCredentials));
        };
        drop(guess);
        self.throttle.forgive(Limited::SignInAddress, &address, now);
        if login.factor.is_on() {
            let half = Pass { account: account.id, mark: self.mark_of_password(&login) };
            return Ok(Ok(Entered::HalfWay(self.seal(HALF, &half, now.plus(HALF_WAY)))));
        }
        Ok(self.open_session(&account, login, By::Password(None), from).await?.map(Entered::In))
    }

    /// Goes the other half of the way with a code of the second factor, or with a recovery code.
    pub async fn finish_sign_in(
        &self,
        word: &str,
        code: &str,
        from: From<'_>,
    ) -> Outcome<SignedIn, SignInRefusal> {
        let refused = SignInRefusal::InvalidCredentials;
        let Some(half) = self.unseal::<Pass>(HALF, word) else { return Ok(Err(refused)) };
        let Some(account) = self.store.account(half.account).await? else {
            return Ok(Err(refused));
        };
        let login = self.login_of(&account).await?;
        let same = |login: &Login| self.mark_of_password(login) == half.mark;
        let Some(login) = login.filter(same) else { return Ok(Err(refused)) };
        let who = account.id.to_string();
        let guess = match self.guess_code(&who) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(SignInRefusal::RateLimited(wait))),
        };
        let opened = match self.proof(&who, &login.factor, code) {
            Some(proof) => {
                self.open_session(&account, login, By::Password(Some(proof)), from).await?
            }
            None => Err(refused),
        };
        match &opened {
            Ok(_) => self.throttle.forgive(Limited::Factor, &who, self.now()),
            Err(_) => guess.wrong(),
        }
        Ok(opened)
    }

    pub(crate) async fn open_session(
        &self,
        account: &Account,
        login: Login,
        by: By,
        from: From<'_>,
    ) -> Outcome<SignedIn, SignInRefusal> {
        let token = Token::new(self.entropy.as_ref());
        let session = token.session(account, self.now());
        let expires_at = session.expires_at;
        let letter = self.sign_in_letter(account, &login, from).await?;
        let ended = self.ended_sessions(account.id).await?;
        let opened = self.submit(OpenSession { login, by, session, ended, letter }).await?;
        Ok(opened.map(|()| SignedIn { token, expires_at, account: account.id }))
    }

    /// What an account has beside its address and its password; nothing, where nobody signs in to it here.
    pub async fn credentials(&self, account: &Account) -> Result<Credentials, Fault> {
        let login = self.login_of(account).await?;
        Ok(login.map(|login| Credentials::of(login, self.now())).unwrap_or_default())
    }

    /// Sessions of an account that have ended, to be cleared away where one is opened.
    pub(crate) async fn ended_sessions(&self, account: Id<Account>) -> Result<EndSessions, Fault> {
        let sessions = self.store.ended_sessions_of(account, self.now(), CLEARED).await?;
        Ok(EndSessions(sessions.into_iter().map(|session| session.token).collect()))
    }

    /// The letter about a sign-in that its account does not know of; a few of them, whatever is tried.
    async fn sign_in_letter(
        &self,
        account: &Account,
        login: &Login,
        from: From<'_>,
    ) -> Result<Option<Letter>, Fault> {
        let (now, who) = (self.now(), account.id.to_string());
        let known = from.known.is_some_and(|known| self.knows(known, account.id));
        // A program keeps nothing, and so would be news each time.
        let program = from.browser == Browser::Program;
        let news = login.signed_in_at.is_some() && !program && !known;
        if !news || self.throttle.take([(Limited::SignInLetter, &*who)], now).is_err() {
            return Ok(None);
        }
        self.letter(account, About::SignedIn { at: now, browser: from.browser }).await
    }

    fn knows(&self, known: &str, account: Id<Account>) -> bool {
        self.unseal::<Vec<Id<Account>>>(KNOWN, known).is_some_and(|all| all.contains(&account))
    }

    /// What a browser is to keep in the place of `known`, now that somebody has signed in to `account` with it.
    pub fn known_browser(&self, known: Option<&str>, account: Id<Account>) -> String {
        let before = known.and_then(|known| self.unseal::<Vec<Id<Account>>>(KNOWN, known));
        let others = before.unwrap_or_default().into_iter().filter(|other| *other != account);
        let all: Vec<_> = std::iter::once(account).chain(others).take(ACCOUNTS).collect();
        self.seal(KNOWN, &all, self.now().plus(KNOWN_FOR))
    }

    /// Ends the session of `token`. Ending it again changes nothing.
    pub async fn sign_out(&self, token: &str) -> Result<(), Fault> {
        let Some(session) = self.store.session(hash(token)).await? else { return Ok(()) };
        let Ok(()) = self.submit(EndSessions(vec![session.token])).await?;
        Ok(())
    }

    /// Who holds `token` (a session's or an API key's); `None` when nobody does any more.
    pub async fn authenticate(&self, token: &str) -> Result<Option<Signed>, Fault> {
        if token.starts_with("key_") {
            return self.authenticate_key(token).await;
        }
        let now = self.now();
        let token = hash(token);
        let session = match self.memory.session(&token, now) {
            Some(session) => session,
            None => {
                let epoch = self.memory.epoch();
                let Some(session) = self.store.session(token).await? else { return Ok(None) };
                self.memory.remember_session(session.clone(), epoch);
                session
            }
        };
        Ok((session.expires_at > now).then(|| Signed::of(&session)))
    }

    /// An account and what it can spend; `None` when there is no such account.
    pub async fn member(&self, account: Id<Account>) -> Result<Option<Member>, Fault> {
        let now = self.now();
        if let Some(member) = self.memory.member(account, now) {
            return Ok(Some(member));
        }
        let epoch = self.memory.epoch_of(account);
        let Some(account) = self.store.account(account).await? else { return Ok(None) };
        let no_wallet = || Fault::Bug("an account has no wallet".into());
        let wallet = self.store.wallet(account.wallet).await?.ok_or_else(no_wallet)?;
        let member = Member::new(Arc::new(account), wallet, now);
        self.memory.remember_member(member.clone(), now, epoch);
        Ok(Some(member))
    }
}

/// By what somebody signs in.
pub(crate) enum By {
    /// The password, with what was shown of the second factor, if it is on.
    Password(Option<Proof>),
    /// A passkey, which is both.
    Passkey(Answer),
}

impl By {
    /// What signs in, once this is taken; `None` when it is not what it was when it was looked at.
    fn taken(&self, seen: &Login, login: &Login, at: Timestamp) -> Option<Login> {
        match self {
            Self::Password(proof) => {
                let factor = login.factor.shown(proof.as_ref())?;
                login.is_as_proved(seen).then(|| Login { factor, ..login.clone() })
            }
            Self::Passkey(answer) => {
                let passkeys = answer.taken(&login.passkeys, at)?;
                Some(Login { passkeys, ..login.clone() })
            }
        }
    }
}

/// Opens a session with what still signs in: none outlives a change beside it.
struct OpenSession {
    /// As it was looked at.
    login: Login,
    by: By,
    session: Session,
    ended: EndSessions,
    letter: Option<Letter>,
}

impl Command for OpenSession {
    type Receipt = ();
    type Refusal = SignInRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.logins.guard((self.login.email.clone(),));
        self.ended.wants(wants);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), SignInRefusal>, Fault> {
        let login = books.logins.get(&(self.login.email.clone(),))?;
        let mine = login.filter(|login| login.account == self.login.account);
        let opens = mine.and_then(|login| Some((login, self.by.taken(&self.login, login, at)?)));
        let Some((login, taken)) = opens else {
            return Ok(Decision::refused(SignInRefusal::InvalidCredentials));
        };
        let after = Login { signed_in_at: login.signed_in_at.or(Some(at)), ..taken };
        let mut changes = Changes::default();
        self.ended.write(books, &mut changes)?;
        changes.sessions.push(Change::Insert(self.session.clone()));
        if after != *login {
            changes.logins.push(Change::Update(after));
        }
        changes.letters.extend(self.letter.clone().map(Change::Insert));
        Ok(Decision::done((), changes))
    }
}

/// Ends these sessions, as far as they have not ended.
pub(crate) struct EndSessions(pub Vec<TokenHash>);

impl EndSessions {
    /// Does it beside what else a command changes.
    pub fn write(&self, books: &Books, changes: &mut Changes) -> Result<(), Fault> {
        for token in &self.0 {
            changes.sessions.extend(books.sessions.get(&(*token,))?.cloned().map(Change::Delete));
        }
        Ok(())
    }
}

impl Command for EndSessions {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        self.0.iter().for_each(|token| wants.sessions.read((*token,)));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        self.write(books, &mut changes)?;
        Ok(Decision::done((), changes))
    }
}
