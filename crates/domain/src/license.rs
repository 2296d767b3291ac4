//! Licenses: the right that an authorization code stands for, with limits and state.
//!
//! ```text
//! valid ──rental or trial over──▶ expired (derived from `expires_at`, never stored)
//!   └──▶ revoked, suspended, refunded, superseded (later chapters)
//! ```

use scrip_license::{Limits, Terms};

use crate::account::Account;
use crate::catalog::{Offer, Product, Release};
use crate::id::Id;
use crate::order::{Line, Order};
use crate::time::Timestamp;
use crate::words;

words! {
    /// Where a license stands.
    pub enum LicenseState {
        /// In force.
        Valid = "valid",
        /// Taken back by the vendor.
        Revoked = "revoked",
    }
}

/// The right to one unit of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// Its name.
    pub id: Id<Self>,
    /// The order that it was bought with.
    pub order: Id<Order>,
    /// The line of that order.
    pub line: Id<Line>,
    /// Whose it is.
    pub account: Id<Account>,
    /// To what.
    pub product: Id<Product>,
    /// Under which offer.
    pub offer: Id<Offer>,
    /// What its owner may do.
    pub terms: Terms,
    /// How many machines and downloads.
    pub limits: Limits,
    /// The release as sold, for a download; a published release never changes.
    pub release: Option<Id<Release>>,
    /// Where it stands.
    pub state: LicenseState,
    /// The issue of its code: a re-issue counts it up.
    pub issue: u32,
    /// The key that signs its code.
    pub kid: String,
    /// When that code was issued.
    pub issued_at: Timestamp,
    /// Until when it is in force, for terms that end by time from purchase.
    pub expires_at: Option<Timestamp>,
}
