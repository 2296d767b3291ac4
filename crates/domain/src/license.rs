//! Licenses: the right that an authorization code stands for, with limits and state.
//!
//! ```text
//! withheld ──released──▶ valid (at a merchant, until the provider has had its last word)
//!   └──given back before──▶ refunded
//! valid ──rental or trial over──▶ expired (derived from `expires_at`, never stored)
//!   ├──refund──▶ refunded
//!   ├──revoke──▶ revoked
//!   └──suspend──▶ suspended ──resume──▶ valid
//! ```

use scrip_license::{Limits, RentalStart, Terms};

use crate::account::Account;
use crate::catalog::{Offer, Product, Release};
use crate::id::Id;
use crate::order::{Line, Order};
use crate::time::{Span, Timestamp};
use crate::words;

words! {
    /// Where a license stands.
    pub enum LicenseState {
        /// Made, and not handed out: its code is nobody's yet.
        Withheld = "withheld",
        /// In force.
        Valid = "valid",
        /// Taken back by the vendor.
        Revoked = "revoked",
        /// Not in force for the time being.
        Suspended = "suspended",
        /// Ended by a refund.
        Refunded = "refunded",
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
    /// Until when it is in force, for terms that end by time: set when that begins, and moved by extensions.
    pub expires_at: Option<Timestamp>,
}

impl License {
    /// Whether its code may be told to its owner.
    pub fn tells_its_code(&self) -> bool {
        !matches!(self.state, LicenseState::Withheld | LicenseState::Refunded)
    }

    /// The license to a unit of `line` of `account`'s order, as it is first issued at `at`.
    pub fn first_issue(
        id: Id<Self>,
        line: &Line,
        account: Id<Account>,
        kid: String,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            order: line.order,
            line: line.id,
            account,
            product: line.product,
            offer: line.offer,
            terms: line.terms,
            limits: line.limits,
            release: line.release,
            state: LicenseState::Valid,
            issue: 1,
            kid,
            issued_at: at,
            expires_at: ends_at(line.terms, at),
        }
    }
}

/// When terms that run from the purchase end.
fn ends_at(terms: Terms, at: Timestamp) -> Option<Timestamp> {
    let seconds = match terms {
        Terms::Rental { seconds, from: RentalStart::Purchase } | Terms::Trial { seconds } => {
            seconds
        }
        Terms::Rental { from: RentalStart::FirstActivation, .. }
        | Terms::Perpetual
        | Terms::Uses { .. }
        | Terms::Processings { .. } => return None,
    };
    Some(at.plus(Span::seconds(u32::try_from(seconds).unwrap_or(u32::MAX))))
}
