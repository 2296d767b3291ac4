//! Sending letters: each is taken, written from rows, handed over, and settled by what the mail server or the provider said.

use std::cmp::Reverse;

use scrip_domain::letter::{KEPT, Letter, LetterState, Recipient, wait_after};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::forward::Forwarded;
use super::{Mail, Message, Posted, Words};
use crate::Engine;
use crate::checkout::begin::FOR_NOW;
use crate::peer::PeerError;
use crate::round;

/// For how long a letter that was taken is nobody else's: longer than the post has patience.
const LEASE: Span = Span::minutes(5);
/// Letters that one round takes on, and how many of them are on their way at a time.
const ROUND: u32 = 50;
const AT_ONCE: usize = 4;
/// Of what the mail server says so many characters are kept.
const KEPT_CHARACTERS: usize = 300;
/// Letters that are pruned in one commit.
const PRUNED: u32 = 500;

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailed {
    /// The mail server has taken it.
    Sent,
    /// It has not, and is asked again later.
    Delayed,
    /// It has not, and is not asked again.
    GivenUp(Id<Letter>),
}

impl Mailed {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delayed => "delayed",
            Self::GivenUp(_) => "given_up",
        }
    }
}

impl Engine {
    /// Sends what is due, once. Gives what came of each try.
    pub async fn send_letters(&self) -> Result<Vec<Mailed>, Fault> {
        let mail = self.mail.clone().filter(|_| self.writes_letters());
        let Some(mail) = mail else { return Ok(Vec::new()) };
        let due = self.store.letters_due(self.now(), ROUND).await?;
        let send = |letter: Letter| self.send_letter(&mail, letter.id);
        Ok(round::all(due, AT_ONCE, send).await?.into_iter().flatten().collect())
    }

    /// The last letters to an address, as they are written now, newest first. What is of no use any more is left out.
    pub async fn letters_to(&self, recipient: &str, limit: u32) -> Result<Vec<Message>, Fault> {
        let Some(mail) = self.mail.clone() else { return Ok(Vec::new()) };
        let mut messages = self.post().map(|post| post.remembered(recipient)).unwrap_or_default();
        for letter in self.store.letters_to(recipient, limit).await? {
            if let Some(words) = self.written(&mail, &letter).await? {
                messages.push(message(&letter, recipient, words));
            }
        }
        messages.sort_by_key(|message| Reverse(message.at));
        messages.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(messages)
    }

    /// Forgets letters of long ago. Gives how many; ask again until there are none.
    pub async fn prune_letters(&self) -> Result<usize, Fault> {
        let before = Id::floor(self.now().minus(KEPT));
        let old = self.store.letters_before(before, PRUNED).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let Ok(pruned) =
            self.submit(Prune { ids: old.iter().map(|letter| letter.id).collect() }).await?;
        Ok(pruned)
    }

    /// Sends one letter, unless it is not due any more.
    async fn send_letter(&self, mail: &Mail, id: Id<Letter>) -> Result<Option<Mailed>, Fault> {
        let Ok(letter) = self.submit(Take { id }).await? else { return Ok(None) };
        let came = match self.written(mail, &letter).await {
            Ok(Some(words)) => self.hand_over(&letter, words).await,
            Ok(None) => Posted::Refused("of no use any more".to_owned()),
            // A try like others: it ends once, and holds nobody up.
            Err(fault @ Fault::Bug(_)) => Posted::Later(fault.to_string()),
            Err(fault) => return Err(fault),
        };
        let Ok(mailed) = self.submit(Settle { id, came }).await?;
        Ok(mailed)
    }

    /// What it says; none when it would be of no use.
    async fn written(&self, mail: &Mail, letter: &Letter) -> Result<Option<Words>, Fault> {
        Ok(self.facts(letter).await?.map(|facts| (mail.write)(&facts)))
    }

    /// Gives it to the mail server, or to the provider.
    async fn hand_over(&self, letter: &Letter, words: Words) -> Posted {
        match &letter.recipient {
            Recipient::Address(to) => match self.post() {
                Some(post) => post.send(&message(letter, to, words)).await,
                None => Posted::Later("no mail is set up now".to_owned()),
            },
            Recipient::Subject(subject) => match self.provider() {
                Some(provider) => {
                    let Words { subject: line, text, .. } = words;
                    let letter = Forwarded { name: letter.id.to_string(), subject: line, text };
                    said(provider.forward(subject, &letter).await)
                }
                None => Posted::Later("no provider is set up now".to_owned()),
            },
        }
    }
}

/// A letter of a row's, as a message.
fn message(letter: &Letter, to: &str, words: Words) -> Message {
    let (name, to, at) = (letter.id.to_string(), to.to_owned(), letter.created_at);
    Message { name, to, at, words }
}

/// What a provider says of a letter. Whom it does not know any more is not written to again.
fn said(answer: Result<Posted, PeerError>) -> Posted {
    match answer {
        Ok(posted) => posted,
        Err(PeerError::Refused { code, .. })
            if code != "rate_limited" && !FOR_NOW.contains(&code.as_str()) =>
        {
            Posted::Refused(format!("the provider refuses: {code}"))
        }
        Err(error) => Posted::Later(error.to_string()),
    }
}

/// It is not due any more: done, or somebody else's.
struct NotDue;

struct Take {
    id: Id<Letter>,
}

impl Command for Take {
    type Receipt = Letter;
    type Refusal = NotDue;

    fn wants(&self, wants: &mut Wants) {
        wants.letters.guard((self.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Letter, NotDue>, Fault> {
        let letter = books.letters.get(&(self.id,))?;
        let is_due = |letter: &&Letter| letter.due_at.is_some_and(|due| due <= at);
        let Some(letter) = letter.filter(is_due) else { return Ok(Decision::refused(NotDue)) };
        let taken = Letter { due_at: Some(at.plus(LEASE)), ..letter.clone() };
        let mut changes = Changes::default();
        changes.letters.push(Change::Update(taken.clone()));
        Ok(Decision::done(taken, changes))
    }
}

struct Settle {
    id: Id<Letter>,
    came: Posted,
}

impl Command for Settle {
    type Receipt = Option<Mailed>;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.letters.guard((self.id,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Option<Mailed>, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let letter = books.letters.get(&(self.id,))?.filter(|letter| letter.due_at.is_some());
        let Some(letter) = letter else { return Ok(Decision::done(None, changes)) };
        let (mailed, settled) = settled(letter, &self.came, at);
        changes.letters.push(Change::Update(settled));
        Ok(Decision::done(Some(mailed), changes))
    }
}

/// What came of a try, and the letter after it.
fn settled(old: &Letter, came: &Posted, at: Timestamp) -> (Mailed, Letter) {
    let attempts = old.attempts.saturating_add(1);
    let mut new = Letter { attempts, due_at: None, trouble: None, ..old.clone() };
    let (why, again) = match came {
        Posted::Accepted => {
            new.state = LetterState::Sent;
            new.sent_at = Some(at);
            return (Mailed::Sent, new);
        }
        Posted::Refused(why) => (why, None),
        Posted::Later(why) => (why, wait_after(attempts)),
    };
    new.trouble = Some(clean(why));
    match again {
        Some(wait) => {
            new.due_at = Some(at.plus(wait));
            (Mailed::Delayed, new)
        }
        None => {
            new.state = LetterState::GivenUp;
            (Mailed::GivenUp(old.id), new)
        }
    }
}

/// The beginning of a text that somebody else wrote, on one line.
fn clean(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(KEPT_CHARACTERS).collect::<String>().trim().to_owned()
}

struct Prune {
    ids: Vec<Id<Letter>>,
}

impl Command for Prune {
    /// How many went.
    type Receipt = usize;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        self.ids.iter().for_each(|id| wants.letters.guard((*id,)));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<usize, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        for id in &self.ids {
            changes.letters.extend(books.letters.get(&(*id,))?.cloned().map(Change::Delete));
        }
        Ok(Decision::done(changes.len(), changes))
    }
}

#[cfg(test)]
mod tests {
    use scrip_domain::letter::About;

    use super::*;

    fn letter() -> Letter {
        let ada = Recipient::Address("ada@example.com".into());
        Letter::new(Id::ZERO, None, ada, About::Welcome {}, Timestamp::default())
    }

    #[test]
    fn a_letter_is_sent_delayed_or_given_up() {
        let at = Timestamp::from_millis(9);
        let (mailed, sent) = settled(&letter(), &Posted::Accepted, at);
        assert_eq!((mailed, sent.state, sent.sent_at), (Mailed::Sent, LetterState::Sent, Some(at)));
        assert_eq!((sent.due_at, sent.attempts, sent.trouble), (None, 1, None));
        let (mailed, later) = settled(&letter(), &Posted::Later("451 not\r\nnow".into()), at);
        assert_eq!((mailed, later.state), (Mailed::Delayed, LetterState::Waiting));
        assert_eq!(later.due_at, Some(at.plus(Span::minutes(1))));
        assert_eq!(later.trouble.as_deref(), Some("451 not  now"));
        let (mailed, refused) = settled(&letter(), &Posted::Refused("550 who?".into()), at);
        assert_eq!((mailed, refused.state), (Mailed::GivenUp(Id::ZERO), LetterState::GivenUp));
        assert_eq!((refused.due_at, refused.sent_at), (None, None));
    }

    #[test]
    fn a_providers_refusal_ends_a_letter_unless_it_is_for_now() {
        let refused = |code: &str| {
            said(Err(PeerError::Refused { code: code.into(), detail: String::new(), reason: None }))
        };
        for code in ["rate_limited", "busy", "restoring", "signature_refused"] {
            assert!(matches!(refused(code), Posted::Later(_)), "{code}");
        }
        for code in ["not_found", "invalid_field"] {
            assert!(matches!(refused(code), Posted::Refused(_)), "{code}");
        }
        for error in [PeerError::Unanswered("x".into()), PeerError::Unbelievable("x".into())] {
            assert!(matches!(said(Err(error)), Posted::Later(_)));
        }
        assert_eq!(said(Ok(Posted::Accepted)), Posted::Accepted);
    }

    #[test]
    fn what_is_never_taken_is_given_up_in_the_end() {
        let (mut tried, mut at) = (letter(), Timestamp::default());
        while let Some(due) = tried.due_at {
            at = due;
            tried = settled(&tried, &Posted::Later(String::new()), at).1;
        }
        assert_eq!((tried.state, tried.attempts), (LetterState::GivenUp, 9));
        assert!(at >= Timestamp::default().plus(Span::hours(46)));
    }
}
