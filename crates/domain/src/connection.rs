//! Connections: a buyer signs in at a merchant through the provider, and says what the merchant may know.
//!
//! ```text
//! open ──approve──▶ approved ──the merchant redeems the return code──▶ (the subject is known there)
//!  └──decline──▶ declined        └──time──▶ (nothing: expired is read from the clock)
//! ```

use crate::account::Account;
use crate::id::Id;
use crate::merchant::Merchant;
use crate::time::{Span, Timestamp};
use crate::words;

/// For how long a connection waits for the buyer.
pub const LIFETIME: Span = Span::minutes(10);
/// For how long a return code is good.
pub const CODE_LIFETIME: Span = Span::seconds(60);

words! {
    /// Where a connection stands.
    pub enum ConnectionState {
        /// It waits for a buyer.
        Open = "open",
        /// A buyer has agreed.
        Approved = "approved",
        /// A buyer has refused.
        Declined = "declined",
    }
}

/// A way to sign in at a merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its name.
    pub id: Id<Self>,
    /// Where the buyer wants to sign in.
    pub merchant: Id<Merchant>,
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
    pub created_at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

/// What is kept of a code with which a buyer goes back to a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnCode {
    /// Its SHA-256.
    pub hash: [u8; 32],
    /// Until when it is good.
    pub until: Timestamp,
}

impl ReturnCode {
    /// Whether a code with this hash opens at `at`.
    pub fn opens(&self, hash: &[u8; 32], at: Timestamp) -> bool {
        self.hash == *hash && at < self.until
    }
}

/// What a merchant calls a buyer: 128 bits that no other merchant knows.
pub type SubjectName = [u8; 16];

/// A buyer, as one merchant knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantSubject {
    /// The merchant.
    pub merchant: Id<Merchant>,
    /// The buyer's name there.
    pub subject: SubjectName,
    /// The account.
    pub account: Id<Account>,
    /// Whether the merchant may know if the buyer is funded.
    pub share_funded: bool,
    /// Whether the buyer gets no letters of the merchant through here.
    pub muted: bool,
    /// Since when the merchant knows them so.
    pub at: Timestamp,
}

impl MerchantSubject {
    /// Somebody who bought: the merchant learns nothing of their balance, and may write.
    pub fn new(
        merchant: Id<Merchant>,
        subject: SubjectName,
        account: Id<Account>,
        at: Timestamp,
    ) -> Self {
        Self { merchant, subject, account, share_funded: false, muted: false, at }
    }
}
