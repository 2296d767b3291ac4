//! Links: which account at a partner is the buyer's own.
//!
//! At the vendor that the buyer comes from:
//! ```text
//! open ──the buyer comes back with a code of the partner's──▶ active ──either side──▶ ended
//! ```
//! At the partner:
//! ```text
//! open ──the account that is signed in approves──▶ approved ──the code is redeemed──▶ (its subject is known)
//!  └──declines──▶ declined        └──time──▶ (nothing: expired is read from the clock)
//! ```
//! Nobody types the name of an account. The partner calls it by a subject, 128 bits that no other vendor knows.

use crate::account::Account;
use crate::connection::{ConnectionState, ReturnCode, SubjectName};
use crate::id::Id;
use crate::partner::Partner;
use crate::time::Timestamp;
use crate::words;

words! {
    /// Where a link stands at the vendor that the buyer comes from.
    pub enum LinkState {
        /// The buyer has gone to the partner.
        Open = "open",
        /// The account there is known.
        Active = "active",
        /// It was cut.
        Ended = "ended",
    }
}

/// What is kept of a buyer's link to one partner: the latest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whose.
    pub account: Id<Account>,
    /// With whom.
    pub partner: Id<Partner>,
    /// Its name, also between the two.
    pub id: Id<Self>,
    /// Where it stands.
    pub state: LinkState,
    /// The account at the partner, from when it is known until the partner has heard that the link has ended.
    pub subject: Option<String>,
    /// When the buyer went there.
    pub at: Timestamp,
    /// When the buyer came back.
    pub linked_at: Option<Timestamp>,
    /// When the partner is told next that it has ended.
    pub due_at: Option<Timestamp>,
    /// How often that was tried.
    pub attempts: u32,
}

/// What the partner keeps of a buyer who was sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRequest {
    /// Its name.
    pub id: Id<Self>,
    /// Who sent the buyer.
    pub partner: Id<Partner>,
    /// That vendor's name of the link.
    pub link: Id<Link>,
    /// Where the buyer goes back to.
    pub return_url: String,
    /// The SHA-256 of the reference in its address.
    pub reference: [u8; 32],
    /// Where it stands.
    pub state: ConnectionState,
    /// Who decided.
    pub account: Option<Id<Account>>,
    /// The code with which the buyer goes back, while it is good.
    pub code: Option<ReturnCode>,
    /// When it was opened.
    pub at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

/// An account, as one partner knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerSubject {
    /// The partner.
    pub partner: Id<Partner>,
    /// The account's name there.
    pub subject: SubjectName,
    /// The account.
    pub account: Id<Account>,
    /// Since when.
    pub at: Timestamp,
}
