//! Sessions: a bearer token that stands for an account for a while.

use crate::account::Account;
use crate::id::Id;
use crate::time::{Span, Timestamp};
use crate::wallet::Wallet;

/// What is kept of a bearer token: the first 16 bytes of its SHA-256.
pub type TokenHash = [u8; 16];

/// How long a session lives.
pub const LIFETIME: Span = Span::days(30);

/// A signed-in client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The token's hash; the token itself is told once and never kept.
    pub token: TokenHash,
    /// Whose session it is.
    pub account: Id<Account>,
    /// The account's wallet, which never changes: known without reading the account.
    pub wallet: Id<Wallet>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// From when on it is worthless.
    pub expires_at: Timestamp,
}
