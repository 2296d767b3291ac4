//! Registering: an address and a password open an account, and the account opens its wallet.

use scrip_domain::account::{Account, Login, Person};
use scrip_domain::event::{Event, EventType};
use scrip_domain::factor::Factor;
use scrip_domain::legal::LegalName;
use scrip_domain::letter::{About, Letter};
use scrip_domain::session::{Browser, Session};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::session::{Signed, Token};
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome, event};

/// Who wants an account. The fields are checked where they come in.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The address that will sign in.
    pub email: String,
    /// The password.
    pub password: String,
    /// What else is told.
    pub person: Person,
    /// Where the request came from, for throttling.
    pub source: String,
    /// With which browser, where it was one: from then on that one is known, and any other is news.
    pub browser: Option<Browser>,
}

/// Why no account was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterRefusal {
    /// The address has an account.
    EmailTaken,
    /// Too many from this source, or too many at once.
    RateLimited(RetryAfter),
}

/// An account with a session on it.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The account.
    pub account: Account,
    /// Its first session's token.
    pub token: Token,
    /// When that ends.
    pub expires_at: Timestamp,
}

impl Engine {
    /// Opens an account with its wallet, and a session on it.
    pub async fn register(&self, who: Registration) -> Outcome<Registered, RegisterRefusal> {
        let now = self.now();
        if let Err(wait) = self.throttle.take([(Limited::Register, &*who.source)], now) {
            return Ok(Err(RegisterRefusal::RateLimited(wait)));
        }
        let Some(password) = self.hashed(&who.password, &who.source).await? else {
            return Ok(Err(RegisterRefusal::RateLimited(RetryAfter(5))));
        };
        let (account, wallet) = (self.mint()?, self.mint()?);
        let token = Token::new(self.entropy.as_ref());
        let account = Account {
            id: account,
            wallet,
            email: who.email.trim().to_owned(),
            person: who.person,
            created_at: now,
            verified_at: None,
            frozen_at: None,
            frozen_by_dispute: false,
            terms_version: self.terms_in_force().await?,
            erased_at: None,
            sweep_at: None,
        };
        let session = token.session(&account, now);
        let expires_at = session.expires_at;
        let verify = self.vendor().await?.settings.mail.verify;
        let letter =
            if verify { self.letter(&account, About::Verification {}).await? } else { None };
        let event = self.mint()?;
        let signed_in_at = who.browser.map(|_| now);
        let command =
            Open { account: account.clone(), password, session, event, letter, signed_in_at };
        match self.submit(command).await? {
            Ok(()) => Ok(Ok(Registered { account, token, expires_at })),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The version of the terms that somebody accepts now, where any are published.
    async fn terms_in_force(&self) -> Result<Option<String>, Fault> {
        let all = self.legal_texts().await?;
        let terms = all.iter().find(|legal| legal.text.name == LegalName::Terms);
        Ok(terms.map(|legal| legal.text.version.clone()))
    }

    /// Opens `count` accounts for load tests, each with a session and without a usable password.
    pub async fn seed_accounts(&self, count: usize) -> Result<Vec<(Signed, Token)>, Fault> {
        let now = self.now();
        let mut opened = Vec::with_capacity(count);
        for chunk in 0..count.div_ceil(256) {
            let size = count.saturating_sub(chunk.saturating_mul(256)).min(256);
            let mut opening = Vec::with_capacity(size);
            for _ in 0..size {
                let (account, wallet, event) = (self.mint()?, self.mint()?, self.mint()?);
                let token = Token::new(self.entropy.as_ref());
                let account = Account {
                    id: account,
                    wallet,
                    email: format!("{account}@seed.invalid"),
                    person: Person::default(),
                    created_at: now,
                    verified_at: None,
                    frozen_at: None,
                    frozen_by_dispute: false,
                    terms_version: None,
                    erased_at: None,
                    sweep_at: None,
                };
                let (session, password) = (token.session(&account, now), String::new());
                opened.push((Signed::of(&session), token));
                let (letter, signed_in_at) = (None, None);
                let open = Open { account, password, session, event, letter, signed_in_at };
                opening.push(self.submit(open));
            }
            for answer in futures_util::future::join_all(opening).await {
                answer?.map_err(|_| Fault::Bug("a seeded address is taken".into()))?;
            }
        }
        Ok(opened)
    }
}

struct Open {
    account: Account,
    password: String,
    session: Session,
    event: Id<Event>,
    /// Asks to verify the address, where that is needed.
    letter: Option<Letter>,
    /// Now, where it is a browser that opens it.
    signed_in_at: Option<Timestamp>,
}

impl Command for Open {
    type Receipt = ();
    type Refusal = RegisterRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.logins.read((Login::fold(&self.account.email),));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), RegisterRefusal>, Fault> {
        let email = Login::fold(&self.account.email);
        if books.logins.get(&(email.clone(),))?.is_some() {
            return Ok(Decision::refused(RegisterRefusal::EmailTaken));
        }
        let account = self.account.id;
        let wallet = Wallet::empty(self.account.wallet, account);
        let kind = EventType::AccountOpened;
        let mut changes = Changes::default();
        let password = self.password.clone();
        changes.logins.push(Change::Insert(Login {
            email,
            account,
            password,
            signed_in_at: self.signed_in_at,
            new_email: None,
            factor: Factor::default(),
            passkeys: Vec::new(),
        }));
        changes.accounts.push(Change::Insert(self.account.clone()));
        changes.wallets.push(Change::Insert(wallet));
        changes.sessions.push(Change::Insert(self.session.clone()));
        changes.letters.extend(self.letter.clone().map(Change::Insert));
        event::tell(&mut changes, Event::new(self.event, kind, account, account.into(), at));
        Ok(Decision::done((), changes))
    }
}
