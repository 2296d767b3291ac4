//! A merchant's letters to its buyers, at their provider: put into a frame, and handed to the provider's mail server while
//! the merchant waits.
//!
//! ```text
//! merchant's letter is due ─▶ asked, signed ─▶ the buyer is known to it, and wants its letters ─▶ framed ─▶ sent
//!        ▲                                                                                         │
//!        └─────────────── its row waits, is done, or given up ◀── what the mail server said ◀──────┘
//! ```
//! Nothing is kept here, neither words nor codes, and the merchant never learns the address. What the buyer has decided, it
//! cannot tell from an address where nothing arrives.

use scrip_domain::connection::SubjectName;
use scrip_domain::merchant::{Merchant, MerchantState};

use super::facts::{Facts, What};
use super::{Message, Posted, arrives};
use crate::purchase_request::subject_text;
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome};

/// The longest name of a letter, in bytes.
pub const NAME: usize = 40;
/// The longest subject line, in characters.
pub const SUBJECT: usize = 200;
/// The longest text, in bytes.
pub const TEXT: usize = 64 * 1024;

/// What a merchant writes to a buyer: what of a letter goes to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// What no other letter of the merchant's is called.
    pub name: String,
    /// One line.
    pub subject: String,
    /// All of it as plain text.
    pub text: String,
}

/// Why a merchant's letter is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardRefusal {
    /// The merchant knows nobody by this name, or may not write to anybody.
    NoSuchSubject,
    /// Too many to this buyer.
    RateLimited(RetryAfter),
}

impl Engine {
    /// Sends what a merchant writes to one of its buyers, and says what became of it.
    pub async fn forward(
        &self,
        merchant: &Merchant,
        subject: SubjectName,
        letter: Forwarded,
    ) -> Outcome<Posted, ForwardRefusal> {
        let row = match merchant.state {
            MerchantState::Active => self.store.merchant_subject(merchant.id, subject).await?,
            MerchantState::Invited | MerchantState::Suspended => None,
        };
        let Some(row) = row else { return Ok(Err(ForwardRefusal::NoSuchSubject)) };
        let who = format!("{} {}", merchant.id, subject_text(subject));
        let limits = [(Limited::Forwarded, &*who)];
        let place = match self.throttle.guess(limits, self.now()) {
            Ok(place) => place,
            Err(wait) => return Ok(Err(ForwardRefusal::RateLimited(wait))),
        };
        let refused = |why: &str| Ok(Ok(Posted::Refused(why.to_owned())));
        let Some(mail) = self.mail.as_ref() else { return refused("no mail is set up") };
        let Some(post) = &mail.post else { return refused("no mail is set up") };
        let account = self.store.account(row.account).await?;
        let account = account.filter(|account| account.erased_at.is_none());
        let account = account.filter(|account| !row.muted && arrives(&account.email));
        let Some(account) = account else { return refused("it reaches nobody") };
        let vendor = self.vendor().await?;
        let own = vendor.settings.look.language;
        let name = format!("{}.{}", merchant.id, letter.name);
        let merchant = Box::new(merchant.clone());
        let facts = Facts {
            vendor,
            url: self.public_url.clone(),
            language: account.person.language.unwrap_or(own),
            provider: None,
            what: What::Forwarded { merchant, letter },
        };
        let words = (mail.write)(&facts);
        let message = Message { name, to: account.email, at: self.now(), words };
        let came = post.send(&message).await;
        // What comes again because the mail server had no time for it is no further letter.
        if !matches!(came, Posted::Later(_)) {
            place.wrong();
        }
        Ok(Ok(came))
    }
}
