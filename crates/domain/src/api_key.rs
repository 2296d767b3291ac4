//! API keys: long-lived credentials with scopes, of the vendor's staff or of a buyer's programs.

use crate::account::Account;
use crate::id::Id;
use crate::time::Timestamp;
use crate::words;

words! {
    /// What an API key may be used for.
    pub enum Scope {
        /// Everything a vendor manages.
        Admin = "admin",
        /// Catalogue: products, offers, releases, files.
        Catalog = "catalog",
        /// Accounts: see, adjust, freeze.
        Accounts = "accounts",
        /// Read the account's own data.
        Read = "read",
        /// Spend the account's tokens: orders, purchases, top-ups.
        Purchase = "purchase",
        /// Metrics.
        Metrics = "metrics",
    }
}

/// A key: its id is public, its secret is told once and kept as a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name.
    pub id: Id<Self>,
    /// Whose it is; the vendor's own when there is none.
    pub account: Option<Id<Account>>,
    /// SHA-256 of the secret.
    pub secret: Vec<u8>,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// What its owner calls it.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is worthless.
    pub revoked_at: Option<Timestamp>,
}
