//! Letters: mail to buyers and to the vendor's staff, each a row until long after it was sent. A merchant's buyers, whose
//! addresses their provider keeps to itself, get theirs through it: see [`Recipient`].
//!
//! ```text
//! waiting ─▶ sent
//!   │ ▲ └──▶ given_up (refused for good, of no use any more, or the last of its tries)
//!   └─┘ a try that failed: due again, ever later
//! ```
//! A letter keeps what it is about, and no words and no secrets: it is written when it is sent, from rows. What
//! a commit tells of as an event becomes a letter when the feed is followed: [`Postbox`] says how far that was.
//! Small purchases in one step are gathered for a day, in a [`Digest`] per account.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::amount::Amount;
use crate::id::Id;
use crate::license::License;
use crate::lot::OpenLot;
use crate::order::Order;
use crate::refund_request::RefundRequest;
use crate::session::Browser;
use crate::time::{Span, Timestamp};
use crate::top_up::TopUp;
use crate::webhook::WebhookEndpoint;
use crate::words;

/// For how long a letter is kept after it was made.
pub const KEPT: Span = Span::days(90);
/// For how long small purchases are gathered into one letter.
pub const GATHERED: Span = Span::days(1);
/// So many purchases are named in such a letter; of more it says how many.
pub const NAMED: usize = 100;
/// So long before tokens expire their owner is told.
pub const WARNED_BEFORE: Span = Span::days(7);
/// How long a link is good that lets somebody choose a new password.
pub const RESET_LIFETIME: Span = Span::hours(1);
/// How long a link is good that verifies an address.
pub const VERIFICATION_LIFETIME: Span = Span::days(7);
/// How long a link is good that puts an address in the place of another.
pub const NEW_EMAIL_LIFETIME: Span = Span::days(1);

words! {
    /// How a letter stands.
    pub enum LetterState {
        /// It is due at some time.
        Waiting = "waiting",
        /// The mail server has taken it.
        Sent = "sent",
        /// It is not tried any more.
        GivenUp = "given_up",
    }
}

words! {
    /// What became of a second factor.
    pub enum FactorChange {
        /// Its owner turned it on.
        On = "on",
        /// Its owner turned it off.
        Off = "off",
        /// The vendor's staff took it away.
        Reset = "reset",
    }
}

/// Where a letter goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// To an address, by mail.
    Address(String),
    /// To a buyer of the provider's, by its name of them for this merchant alone: the provider forwards it.
    Subject(String),
}

/// What stands before a provider's name of a buyer where a recipient is a text: no address holds a blank.
const SUBJECT: &str = "subject ";

impl Recipient {
    /// As a text. An address stands for itself.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Address(address) => Cow::Borrowed(address),
            Self::Subject(subject) => Cow::Owned(format!("{SUBJECT}{subject}")),
        }
    }

    /// The recipient that is this text.
    pub fn from_text(text: String) -> Self {
        match text.strip_prefix(SUBJECT) {
            Some(subject) => Self::Subject(subject.to_owned()),
            None => Self::Address(text),
        }
    }
}

/// One letter to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its name, from which that of the message is made; grows with time.
    pub id: Id<Self>,
    /// Whose it is; nobody's but the vendor's staff's without.
    pub account: Option<Id<Account>>,
    /// Where it goes.
    pub recipient: Recipient,
    /// What it is about.
    pub about: About,
    /// How it stands.
    pub state: LetterState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due, while it waits.
    pub due_at: Option<Timestamp>,
    /// When the mail server took it.
    pub sent_at: Option<Timestamp>,
    /// Why the last try failed.
    pub trouble: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Letter {
    /// A letter that is due at once.
    pub fn new(
        id: Id<Self>,
        account: Option<Id<Account>>,
        recipient: Recipient,
        about: About,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            account,
            recipient,
            about,
            state: LetterState::Waiting,
            attempts: 0,
            due_at: Some(at),
            sent_at: None,
            trouble: None,
            created_at: at,
        }
    }

    /// Until when it is of use, if it ends.
    pub fn useful_until(&self) -> Option<Timestamp> {
        match self.about {
            About::Verification {} => Some(self.created_at.plus(VERIFICATION_LIFETIME)),
            About::Reset { .. } => Some(self.created_at.plus(RESET_LIFETIME)),
            About::NewEmail { .. } => Some(self.created_at.plus(NEW_EMAIL_LIFETIME)),
            _ => None,
        }
    }
}

/// What a letter is about: the names by which the rows are found that it is written from, and what no row says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum About {
    /// An account was opened.
    Welcome {},
    /// The address is to be verified.
    Verification {},
    /// Somebody asked for a new password.
    Reset {
        /// A fingerprint of the address and the password that is to be replaced, which tells nothing without the server's
        /// secret.
        password: String,
    },
    /// To the address that is to take the place of the account's.
    NewEmail {
        /// A fingerprint of both addresses, the password and when it was asked for.
        mark: String,
    },
    /// To the old address: a new one is to take its place.
    NewEmailAsked {
        /// When it was asked for.
        at: Timestamp,
    },
    /// To the old address: a new one has taken its place.
    EmailChanged {
        /// When.
        at: Timestamp,
    },
    /// The password was changed.
    PasswordChanged {
        /// When.
        at: Timestamp,
    },
    /// An order was paid.
    OrderPaid {
        /// Which.
        order: Id<Order>,
    },
    /// An order was declined.
    OrderDeclined {
        /// Which.
        order: Id<Order>,
    },
    /// Something of an order was given back.
    OrderRefunded {
        /// Of which.
        order: Id<Order>,
        /// When.
        at: Timestamp,
    },
    /// The vendor gives nothing back that was asked for.
    RefundRefused {
        /// Of which order.
        order: Id<Order>,
        /// Which request.
        request: Id<RefundRequest>,
    },
    /// Somebody signed in from a browser that had not before.
    SignedIn {
        /// When.
        at: Timestamp,
        /// With what.
        browser: Browser,
    },
    /// A key for a program was made by the account's owner.
    KeyMade {
        /// When.
        at: Timestamp,
    },
    /// The account's second factor was turned on or off.
    FactorChanged {
        /// When.
        at: Timestamp,
        /// Which of it.
        change: FactorChange,
    },
    /// A passkey was added to the account.
    PasskeyAdded {
        /// When.
        at: Timestamp,
        /// What its owner calls it.
        name: String,
    },
    /// The account was frozen.
    AccountFrozen {
        /// When.
        at: Timestamp,
    },
    /// It is frozen no more.
    AccountThawed {
        /// Since when.
        at: Timestamp,
    },
    /// Small purchases of a day.
    Digest {
        /// The first of them.
        orders: Vec<Id<Order>>,
        /// How many there were beside these.
        more: u32,
        /// What all of them cost.
        total: Amount,
    },
    /// A top-up brought tokens.
    TopUpCredited {
        /// Which.
        top_up: Id<TopUp>,
    },
    /// A top-up was declined.
    TopUpDeclined {
        /// Which.
        top_up: Id<TopUp>,
    },
    /// Money of a top-up went back.
    TopUpRefunded {
        /// Of which.
        top_up: Id<TopUp>,
    },
    /// Automatic top-ups were stopped.
    AutoTopUpStopped {},
    /// Tokens expire soon.
    TokensExpiring {
        /// How many, of all that expire until then.
        tokens: Amount,
        /// When the first of them do.
        first: Timestamp,
        /// When the last of them do.
        last: Timestamp,
    },
    /// A license ends soon.
    LicenseExpiring {
        /// Which.
        license: Id<License>,
    },
    /// The code of a license was issued again.
    LicenseReissued {
        /// Of which.
        license: Id<License>,
    },
    /// To staff: a top-up waits for a person.
    ReviewWaiting {
        /// Which.
        top_up: Id<TopUp>,
    },
    /// To staff: a buyer's bank disputes a top-up, or has decided.
    Disputed {
        /// Which.
        top_up: Id<TopUp>,
    },
    /// To staff: a buyer asks for a refund.
    RefundAsked {
        /// Of which order.
        order: Id<Order>,
        /// Which request.
        request: Id<RefundRequest>,
    },
    /// To staff: a webhook endpoint is told nothing any more.
    WebhookDisabled {
        /// Which.
        endpoint: Id<WebhookEndpoint>,
    },
}

impl About {
    /// Whether it goes to the vendor's staff and to no account.
    pub fn is_for_staff(&self) -> bool {
        matches!(
            self,
            Self::ReviewWaiting { .. }
                | Self::Disputed { .. }
                | Self::RefundAsked { .. }
                | Self::WebhookDisabled { .. }
        )
    }

    /// Whether a provider's buyer is written of it at a merchant: of orders, of licenses, and of an account that the
    /// merchant has frozen. Address, password and wallet are the provider's, and so are the letters about them.
    pub fn is_for_guests(&self) -> bool {
        matches!(
            self,
            Self::OrderPaid { .. }
                | Self::OrderDeclined { .. }
                | Self::OrderRefunded { .. }
                | Self::RefundRefused { .. }
                | Self::Digest { .. }
                | Self::LicenseExpiring { .. }
                | Self::LicenseReissued { .. }
                | Self::AccountFrozen { .. }
                | Self::AccountThawed { .. }
        )
    }
}

/// How far the feed of events has become letters: one row, there while letters are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postbox {
    /// Its key: [`Postbox::ONLY`].
    pub number: u8,
    /// The place of the last event that was looked at.
    pub position: u64,
}

impl Postbox {
    /// The key of the only row.
    pub const ONLY: u8 = 1;
}

/// Small purchases of one account that become one letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Whose.
    pub account: Id<Account>,
    /// The first [`NAMED`] of them.
    pub orders: Vec<Id<Order>>,
    /// How many there are beside these.
    pub more: u32,
    /// What all of them cost.
    pub total: Amount,
    /// When it becomes a letter.
    pub due_at: Timestamp,
}

impl Digest {
    /// An empty one that begins at `at`.
    pub fn new(account: Id<Account>, at: Timestamp) -> Self {
        let due_at = at.plus(GATHERED);
        Self { account, orders: Vec::new(), more: 0, total: Amount::ZERO, due_at }
    }

    /// With one purchase more. A total that no amount holds stays where it was.
    #[must_use]
    pub fn with(mut self, order: &Order) -> Self {
        if self.orders.len() < NAMED {
            self.orders.push(order.id);
        } else {
            self.more = self.more.saturating_add(1);
        }
        self.total = self.total.checked_add(order.total).unwrap_or(self.total);
        self
    }

    /// The letter that it becomes.
    pub fn about(&self) -> About {
        About::Digest { orders: self.orders.clone(), more: self.more, total: self.total }
    }
}

/// Until when an account's tokens may expire without a further letter: of those its owner has been told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warned {
    /// Whose.
    pub account: Id<Account>,
    /// Of what expires until then.
    pub until: Timestamp,
}

impl Warned {
    /// What is to be told at `at` of lots that expire, if anything is, and what is told then; before, `told` was. One
    /// letter tells of two weeks, a week before the first tokens go: so there is one a week at most.
    pub fn next(
        account: Id<Account>,
        told: Option<Timestamp>,
        lots: &[OpenLot],
        at: Timestamp,
    ) -> (Option<About>, Self) {
        let told = told.unwrap_or(at).max(at);
        let expiring = |until: Timestamp| {
            let left = lots.iter().filter(|lot| !lot.remaining.is_zero());
            let expiring = left.filter_map(|lot| Some((lot.expires_at?, lot.remaining)));
            expiring.filter(move |(end, _)| *end > told && *end <= until)
        };
        let soon = at.plus(WARNED_BEFORE);
        if expiring(soon).next().is_none() {
            return (None, Self { account, until: told.max(soon) });
        }
        let until = soon.plus(WARNED_BEFORE);
        let tokens = Amount::try_sum(expiring(until).map(|(_, tokens)| tokens)).unwrap_or_default();
        let ends = || expiring(until).map(|(end, _)| end);
        let (first, last) = (ends().min().unwrap_or(soon), ends().max().unwrap_or(soon));
        (Some(About::TokensExpiring { tokens, first, last }), Self { account, until })
    }
}

/// How long to wait after so many tries that failed; `None` when it was the last. All tries are within two days
/// and a half.
pub fn wait_after(attempts: u32) -> Option<Span> {
    Some(match attempts {
        0 | 1 => Span::minutes(1),
        2 => Span::minutes(5),
        3 => Span::minutes(15),
        4 => Span::hours(1),
        5 => Span::hours(3),
        6 => Span::hours(6),
        7 => Span::hours(12),
        8 => Span::hours(24),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_the_same_after_it_was_a_text() {
        let (address, subject) = ("ada@example.com", "Qq8UYYdMM1976EFWi990jg");
        for (recipient, text) in [
            (Recipient::Address(address.into()), address.to_owned()),
            (Recipient::Subject(subject.into()), format!("subject {subject}")),
            (Recipient::Subject("subject".into()), "subject subject".to_owned()),
            (Recipient::Address("subject@example.com".into()), "subject@example.com".to_owned()),
        ] {
            assert_eq!(recipient.text(), text);
            assert_eq!(Recipient::from_text(text), recipient);
        }
    }

    #[test]
    fn tries_go_on_for_two_days_and_end() {
        let waits: Vec<Span> = (1..).map_while(wait_after).collect();
        assert!(waits.is_sorted());
        let sum: i64 = waits.iter().map(|wait| wait.as_millis()).sum();
        assert!(sum > Span::hours(46).as_millis() && sum < Span::hours(60).as_millis());
    }

    #[test]
    fn a_digest_names_the_first_and_counts_the_rest() {
        let at = Timestamp::from_millis(0);
        let account = Id::new(1).unwrap();
        let mut digest = Digest::new(account, at);
        assert_eq!(digest.due_at, at.plus(Span::days(1)));
        for number in 1..=103 {
            let total = Amount::new(5).unwrap();
            digest = digest.with(&Order::draft(
                Id::new(number).unwrap(),
                Some(account),
                total,
                false,
                at,
            ));
        }
        let About::Digest { orders, more, total } = digest.about() else { panic!("a digest") };
        assert_eq!((orders.len(), more, total.units()), (NAMED, 3, 515));
    }

    #[test]
    fn what_a_letter_is_about_is_read_as_it_was_written() {
        let about = About::OrderPaid { order: Id::new(7).unwrap() };
        let json = serde_json::to_string(&about).unwrap();
        assert_eq!(json, r#"{"kind":"order_paid","order":"ord_0000000000007"}"#);
        assert_eq!(serde_json::from_str::<About>(&json).unwrap(), about);
        let json = serde_json::to_string(&About::Welcome {}).unwrap();
        assert_eq!(serde_json::from_str::<About>(&json).unwrap(), About::Welcome {});
        assert!(
            About::Disputed { top_up: Id::new(1).unwrap() }.is_for_staff() && !about.is_for_staff()
        );
    }

    #[test]
    fn what_expires_is_told_a_week_before_and_once() {
        let at = Timestamp::from_millis(1_000_000);
        let account = Id::new(1).unwrap();
        let lot = |number, days: u32, tokens| OpenLot {
            lot: Id::new(number).unwrap(),
            kind: crate::lot::LotKind::Promo,
            remaining: Amount::new(tokens).unwrap(),
            held: Amount::ZERO,
            priority: 10,
            expires_at: (days > 0).then(|| at.plus(Span::days(days))),
            exchangeable_at: None,
        };
        let lots = [lot(1, 6, 3), lot(2, 13, 4), lot(3, 16, 5), lot(4, 0, 9), lot(5, 2, 0)];
        let next = |told, days| Warned::next(account, told, &lots, at.plus(Span::days(days)));
        let day = |days| at.plus(Span::days(days));
        let (about, warned) = next(None, 0);
        let told =
            About::TokensExpiring { tokens: Amount::new(7).unwrap(), first: day(6), last: day(13) };
        assert_eq!((about, warned.until), (Some(told), day(14)));
        assert_eq!(next(Some(day(14)), 1), (None, Warned { account, until: day(14) }));
        let (about, warned) = next(Some(day(14)), 9);
        let told = About::TokensExpiring {
            tokens: Amount::new(5).unwrap(),
            first: day(16),
            last: day(16),
        };
        assert_eq!((about, warned.until), (Some(told), day(23)));
        assert_eq!(Warned::next(account, None, &lots[3..], at).0, None);
    }

    #[test]
    fn links_end_and_news_do_not() {
        let at = Timestamp::from_millis(0);
        let letter = |about| {
            let nobody = Recipient::Address(String::new());
            Letter::new(Id::new(1).unwrap(), None, nobody, about, at).useful_until()
        };
        assert_eq!(letter(About::Welcome {}), None);
        assert_eq!(letter(About::Verification {}), Some(at.plus(Span::days(7))));
        assert_eq!(letter(About::Reset { password: String::new() }), Some(at.plus(Span::hours(1))));
        assert_eq!(letter(About::NewEmail { mark: String::new() }), Some(at.plus(Span::days(1))));
    }
}
