//! Mail: what happened becomes letters, which are written and sent one by one.
//!
//! ```text
//! event beyond the postbox's position ─▶ letter, or one purchase more in a digest (and the position moves,
//!                                        in the same commit)
//! verb without an event ─▶ letter, in its own commit       digest of a day ─▶ letter
//! letter due ─▶ taken (moved ahead, so that no other server sends it) ─▶ written from rows ─▶ sent, due
//!               again, or given up
//! ```
//! So a purchase writes nothing for its letter: the event is there anyway, and [`follow`] reads it later. Without
//! mail nothing is written at all, and once it is set up it begins at the feed's end: nobody is told of the past.
//! A merchant writes to its provider's buyers without mail of its own: the provider forwards ([`forward`]), and keeps
//! nothing of it, so that the merchant's letter is the only one that waits.
//! A worker that dies between two of these steps costs a little time, and perhaps a message that comes twice: its
//! name says that it is the same.

pub mod facts;
pub mod follow;
pub mod forward;
pub mod send;
pub mod warn;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use scrip_domain::account::{Account, Login};
use scrip_domain::event::Feed;
use scrip_domain::letter::{
    About, Letter, NEW_EMAIL_LIFETIME, Postbox, RESET_LIFETIME, Recipient, VERIFICATION_LIFETIME,
};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde::{Deserialize, Serialize};

use crate::Engine;
use crate::event::feed;
use crate::keys::mac;
use crate::mail::facts::Facts;

/// The way to the mail server.
pub trait Post: Send + Sync + fmt::Debug {
    /// Hands over one message, within a time that is bounded in all.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Posted>;

    /// What it knows still of messages to this address that no row tells of, newest first: a demo's alone knows any.
    fn remembered(&self, _: &str) -> Vec<Message> {
        Vec::new()
    }
}

/// One message to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What no other message is called: that of the letter, so that a message that is sent twice has the same name.
    pub name: String,
    /// Where to.
    pub to: String,
    /// When the letter was made, or came.
    pub at: Timestamp,
    /// What it says.
    pub words: Words,
}

/// What a letter says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub subject: String,
    /// All of it as plain text.
    pub text: String,
    /// The same as a page.
    pub html: String,
}

/// What the mail server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It has taken the message.
    Accepted,
    /// It never will: why.
    Refused(String),
    /// Not now, or nobody knows: why.
    Later(String),
}

/// What letters need: the way, and who finds the words.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The way to the mail server; none where only a provider forwards letters.
    pub post: Option<Arc<dyn Post>>,
    /// Finds the words for what a letter is about.
    pub write: fn(&Facts) -> Words,
}

/// The post of a demo: all arrives, and nothing is sent. What was sent is listed from its row, and the last messages that
/// have none are remembered.
#[derive(Debug, Default)]
pub struct DemoPost(std::sync::Mutex<VecDeque<Message>>);

/// So many messages without a row a demo remembers.
const REMEMBERED: usize = 100;

impl Post for DemoPost {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Posted> {
        if message.name.parse::<Id<Letter>>().is_err() {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|other| other.name != message.name);
            known.push_front(message.clone());
            known.truncate(REMEMBERED);
        }
        async { Posted::Accepted }.boxed()
    }

    fn remembered(&self, to: &str) -> Vec<Message> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter(|message| message.to == to).cloned().collect()
    }
}

/// Addresses for which a link to a new password was asked, until the worker looks after them. Whoever asks gets the
/// same answer in the same time, whether the address has an account or not: nothing is looked up before.
#[derive(Debug, Default)]
pub(crate) struct Asked(std::sync::Mutex<VecDeque<String>>);

/// So many wait at most; further ones have to ask again.
const WAITING: usize = 1000;

impl Asked {
    pub fn push(&self, email: String) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING && !waiting.contains(&email) {
            waiting.push_back(email);
        }
    }

    pub fn pop(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// What a link in a letter opens.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pass {
    /// Whose it is.
    #[serde(rename = "a")]
    pub account: Id<Account>,
    /// What must still be so: the address, or what is replaced.
    #[serde(rename = "m")]
    pub mark: String,
}

/// What the seal of a link that verifies an address is for.
pub(crate) const VERIFICATION: &str = "letter: verification";
/// What the seal of a link to a new password is for.
pub(crate) const RESET: &str = "letter: reset";
/// What the seal of a link is for that puts an address in the place of another.
pub(crate) const NEW_EMAIL: &str = "letter: new address";

impl Engine {
    /// With mail.
    #[must_use]
    pub fn with_mail(mut self, mail: Mail) -> Self {
        self.mail = Some(mail);
        self
    }

    /// Whether mail to addresses is sent.
    pub fn has_mail(&self) -> bool {
        self.post().is_some()
    }

    /// Whether letters are written: to addresses, or to buyers to whom the provider forwards them.
    pub fn writes_letters(&self) -> bool {
        self.mail.as_ref().is_some_and(|mail| mail.post.is_some() || self.provider.is_some())
    }

    fn post(&self) -> Option<&Arc<dyn Post>> {
        self.mail.as_ref().and_then(|mail| mail.post.as_ref())
    }

    /// Says whether events become letters from now on. The first thing to do after a start: where they were just set
    /// up, nothing of the past becomes a letter, nor after it was taken away and set up again.
    pub async fn open_postbox(&self) -> Result<(), Fault> {
        let is_open = self.store.postbox().await?.is_some();
        if is_open == self.writes_letters() {
            return Ok(());
        }
        let Ok(()) = self.submit(TurnPostbox { open: self.writes_letters() }).await?;
        Ok(())
    }

    /// An address as a recipient; none without mail, or where nothing arrives.
    fn at_address(&self, email: &str) -> Option<Recipient> {
        (self.has_mail() && arrives(email)).then(|| Recipient::Address(email.to_owned()))
    }

    /// Where a letter to an account goes: to its address, or to the provider's buyer who has it; else nowhere.
    async fn recipient(
        &self,
        account: &Account,
        about: &About,
    ) -> Result<Option<Recipient>, Fault> {
        if let Some(address) = self.at_address(&account.email) {
            return Ok(Some(address));
        }
        let provider = self.provider().filter(|_| self.writes_letters() && about.is_for_guests());
        let Some(provider) = provider else { return Ok(None) };
        let identity = self.store.identity_of(account.id).await?;
        let present = identity.filter(|identity| identity.issuer == provider.url());
        Ok(present.map(|identity| Recipient::Subject(identity.subject)))
    }

    /// A letter to an account about something that no event tells of; none where it would go nowhere.
    pub(crate) async fn letter(
        &self,
        account: &Account,
        about: About,
    ) -> Result<Option<Letter>, Fault> {
        let recipient = self.recipient(account, &about).await?;
        self.letter_of(Some(account.id), recipient, about)
    }

    /// The same to an address that is not the account's, or not yet.
    pub(crate) fn letter_to(
        &self,
        account: Id<Account>,
        email: &str,
        about: About,
    ) -> Result<Option<Letter>, Fault> {
        self.letter_of(Some(account), self.at_address(email), about)
    }

    /// The same to the vendor's staff.
    pub(crate) async fn staff_letter(&self, about: About) -> Result<Option<Letter>, Fault> {
        let vendor = self.vendor().await?;
        self.letter_of(None, self.at_address(&vendor.settings.mail.staff), about)
    }

    fn letter_of(
        &self,
        account: Option<Id<Account>>,
        recipient: Option<Recipient>,
        about: About,
    ) -> Result<Option<Letter>, Fault> {
        let Some(recipient) = recipient else { return Ok(None) };
        Ok(Some(Letter::new(self.mint()?, account, recipient, about, self.now())))
    }

    /// Puts letters on their way.
    pub(crate) async fn put_letters(&self, letters: Vec<Letter>) -> Result<(), Fault> {
        let Ok(()) = self.submit(PutLetters(letters)).await?;
        Ok(())
    }

    /// The secret in a link that verifies an account's address: the same for the same letter.
    fn verification_token(&self, account: &Account, letter: &Letter) -> String {
        let mark = self.mark_of_address(account);
        let until = letter.created_at.plus(VERIFICATION_LIFETIME);
        self.seal(VERIFICATION, &Pass { account: account.id, mark }, until)
    }

    /// The secret in a link to a new password in the place of the one with this mark.
    fn reset_token(&self, account: Id<Account>, mark: &str, letter: &Letter) -> String {
        let until = letter.created_at.plus(RESET_LIFETIME);
        self.seal(RESET, &Pass { account, mark: mark.to_owned() }, until)
    }

    /// The secret in a link that puts an address in the place of another, while the wish for it has this mark.
    fn new_email_token(&self, account: Id<Account>, mark: &str, letter: &Letter) -> String {
        let until = letter.created_at.plus(NEW_EMAIL_LIFETIME);
        self.seal(NEW_EMAIL, &Pass { account, mark: mark.to_owned() }, until)
    }

    /// What tells an account's address from every other, and tells nobody else anything.
    pub(crate) fn mark_of_address(&self, account: &Account) -> String {
        self.mark(&format!("address {} {}", account.id, account.email))
    }

    /// The same of an address with its password, as it is kept: no link outlives either.
    pub(crate) fn mark_of_password(&self, login: &Login) -> String {
        let Login { email, account, password, .. } = login;
        self.mark(&format!("password {account} {email} {password}"))
    }

    /// The same of an address that is to take the place of this one, if one is.
    pub(crate) fn mark_of_new_email(&self, login: &Login) -> Option<String> {
        let new = login.new_email.as_ref()?;
        let (old, asked_at) = (self.mark_of_password(login), new.asked_at.millis());
        Some(self.mark(&format!("new address {old} {} {asked_at}", new.email)))
    }

    fn mark(&self, of: &str) -> String {
        let mark = mac(self.keys().seal_secret(), format!("mark {of}").as_bytes());
        let mut mark = base16ct::lower::encode_string(&mark);
        mark.truncate(16);
        mark
    }
}

/// Whether mail to this address can arrive: it is one, and not of those that load tests make up (RFC 2606).
pub(crate) fn arrives(email: &str) -> bool {
    !email.is_empty() && !email.ends_with(".invalid")
}

/// Whether an account is erased: nobody is written to there any more.
pub(crate) fn is_gone(books: &Books, account: Id<Account>) -> Result<bool, Fault> {
    Ok(books.accounts.get(&(account,))?.is_some_and(|account| account.erased_at.is_some()))
}

/// Begins at the feed's end, or ends.
struct TurnPostbox {
    open: bool,
}

impl Command for TurnPostbox {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.feed.read((Feed::ONLY,));
        wants.postbox.guard((Postbox::ONLY,));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        match books.postbox.get(&(Postbox::ONLY,))? {
            None if self.open => {
                let position = feed(books)?.last;
                changes.postbox.push(Change::Insert(Postbox { number: Postbox::ONLY, position }));
            }
            Some(old) if !self.open => changes.postbox.push(Change::Delete(old.clone())),
            Some(_) | None => {}
        }
        Ok(Decision::done((), changes))
    }
}

struct PutLetters(Vec<Letter>);

impl Command for PutLetters {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        for account in self.0.iter().filter_map(|letter| letter.account) {
            wants.accounts.read((account,));
        }
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        for letter in &self.0 {
            if let Some(account) = letter.account
                && is_gone(books, account)?
            {
                continue;
            }
            changes.letters.push(Change::Insert(letter.clone()));
        }
        Ok(Decision::done((), changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_twice_waits_once_and_a_crowd_is_bounded() {
        let asked = Asked::default();
        asked.push("ada@example.com".into());
        asked.push("ada@example.com".into());
        assert_eq!(asked.pop().as_deref(), Some("ada@example.com"));
        assert_eq!(asked.pop(), None);
        for number in 0..2000 {
            asked.push(number.to_string());
        }
        assert_eq!(std::iter::from_fn(|| asked.pop()).count(), WAITING);
    }

    #[tokio::test]
    async fn a_demo_remembers_the_last_messages_that_have_no_row() {
        let post = DemoPost::default();
        let words = Words { subject: String::new(), text: String::new(), html: String::new() };
        let at = Timestamp::default();
        let message =
            |name: String| Message { name, to: "ada@example.com".into(), at, words: words.clone() };
        post.send(&message(Id::<Letter>::ZERO.to_string())).await;
        assert!(post.remembered("ada@example.com").is_empty(), "its row tells of it");
        for number in 0..=REMEMBERED {
            post.send(&message(format!("mer_1.{number}"))).await;
        }
        post.send(&message("mer_1.50".into())).await;
        let known = post.remembered("ada@example.com");
        assert_eq!((known.len(), &*known[0].name, &*known[99].name), (100, "mer_1.50", "mer_1.1"));
        assert!(post.remembered("bob@example.com").is_empty());
    }

    #[test]
    fn nothing_goes_where_nothing_arrives() {
        assert!(arrives("ada@example.com"));
        assert!(!arrives("") && !arrives("acc_1@seed.invalid"));
    }
}
