//! Licenses in use: machines, uses and processings, leave to work offline, extensions.
//!
//! A machine:
//! ```text
//! (unknown) ──activate──▶ active ──deactivate (a move)──▶ ended ──activate──▶ active …
//! ```
//! A use or a processing:
//! ```text
//! left ──consume──▶ used
//!  └──lease──▶ leased ──returned──▶ used, and the rest is left again
//!                └──never returned──▶ leased for ever, which is as good as used
//! ```
//! [`Usage`] counts it all in one row per license, which exists once something happened: so nothing here costs more with
//! the number of machines, or of what was consumed. `granted = used + leased + left`, in every row, always, but after a
//! refund of an extension that was used up: then nothing is left.

use scrip_license::{DEFAULT_OFFLINE_DAYS, Digest, Limits, Terms};

use crate::catalog::Product;
use crate::id::Id;
use crate::license::License;
use crate::order::Line;
use crate::time::{Span, Timestamp};

/// Within which time moves are counted.
pub const MOVES_WITHIN: Span = Span::days(365);
/// The longest key of a consumption or lease, in characters.
pub const MAX_KEY: usize = 128;
/// The longest fingerprint of a machine, in characters.
pub const MAX_FINGERPRINT: usize = 1024;
/// The most that one consumption or lease takes.
pub const MAX_UNITS: u64 = 1_000_000_000;

/// How much a license was used: one row, changed under the license's guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Of which license.
    pub license: Id<License>,
    /// What extensions have added to the terms: uses or processings; or seconds of a rental from the first activation,
    /// until that begins. Then they go into the license's end, and nothing is added here any more.
    pub added: u64,
    /// Uses or processings that are gone.
    pub used: u64,
    /// Uses or processings that are set apart for leases which have not been returned.
    pub leased: u64,
    /// Machines that are active.
    pub machines: u32,
    /// Moves since `moves_since`.
    pub moves: u32,
    /// When the first of them was.
    pub moves_since: Timestamp,
}

/// A machine of a license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Of which license.
    pub license: Id<License>,
    /// The machine, as [`scrip_license::machine`] names it.
    pub machine: Digest,
    /// Its name: the same for all times that this machine is active.
    pub id: Id<Self>,
    /// What the program calls the machine, for its owner's eyes.
    pub name: String,
    /// When it was activated last.
    pub activated_at: Timestamp,
    /// Until when it may be offline, by what was signed for it last.
    pub offline_until: Timestamp,
    /// When it was deactivated; none while it is active.
    pub ended_at: Option<Timestamp>,
}

/// Uses or processings that were taken, by the key that the program gave: once, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumption {
    /// Of which license.
    pub license: Id<License>,
    /// The program's key.
    pub key: String,
    /// How many.
    pub units: u64,
    /// The lease that they were set apart for, if they were.
    pub lease: Option<Id<Lease>>,
    /// How many were left then.
    pub left: u64,
    /// When.
    pub at: Timestamp,
}

/// Leave for a machine to work offline, for a time, with a number of uses or processings or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Of which license.
    pub license: Id<License>,
    /// Its name.
    pub id: Id<Self>,
    /// For which machine.
    pub machine: Digest,
    /// How many uses or processings were set apart; zero when it is for a time only.
    pub units: u64,
    /// How many of them were used, once it was returned.
    pub used: Option<u64>,
    /// When it began.
    pub at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was returned.
    pub returned_at: Option<Timestamp>,
}

/// What an order line added to a license that was there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The line, which buys it.
    pub line: Id<Line>,
    /// The license.
    pub license: Id<License>,
    /// Uses, processings, or seconds: what is left of it after refunds of a part.
    pub amount: u64,
    /// When the license ended then, for terms that end by time: what the buyer was told.
    pub expires_at: Option<Timestamp>,
    /// How many uses or processings were left then.
    pub left: Option<u64>,
    /// The issue of the license's code then.
    pub issue: u32,
    /// When.
    pub at: Timestamp,
    /// When it was taken back by a refund.
    pub refunded_at: Option<Timestamp>,
}

/// When the holder of a license that ends is reminded next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// Of which license.
    pub license: Id<License>,
    /// When.
    pub due_at: Timestamp,
}

/// A machine that has had its trial of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The product.
    pub product: Id<Product>,
    /// The machine.
    pub machine: Digest,
    /// By which license.
    pub license: Id<License>,
}

impl Usage {
    /// Of a license that nobody has used.
    pub fn none(license: Id<License>) -> Self {
        Self {
            license,
            added: 0,
            used: 0,
            leased: 0,
            machines: 0,
            moves: 0,
            moves_since: Timestamp::default(),
        }
    }

    /// How many uses or processings are left; `None` for terms that are not counted.
    pub fn left(&self, terms: Terms) -> Option<u64> {
        let granted = terms.count()?.saturating_add(self.added);
        Some(granted.saturating_sub(self.used).saturating_sub(self.leased))
    }

    /// How many moves were made within the last 365 days, as seen at `at`.
    pub fn moves_at(&self, at: Timestamp) -> u32 {
        if at < self.moves_since.plus(MOVES_WITHIN) { self.moves } else { 0 }
    }

    /// Whether one machine more can be active.
    pub fn has_room(&self, limits: Limits) -> bool {
        limits.machines.is_none_or(|most| self.machines < most)
    }

    /// Whether a machine can be deactivated by whoever has the code.
    pub fn can_move(&self, limits: Limits, at: Timestamp) -> bool {
        limits.moves.is_none_or(|most| self.moves_at(at) < most)
    }

    /// The same with one machine less, and one move more.
    #[must_use]
    pub fn moved(&self, at: Timestamp) -> Self {
        let moves = self.moves_at(at);
        Self {
            machines: self.machines.saturating_sub(1),
            moves: moves.saturating_add(1),
            moves_since: if moves == 0 { at } else { self.moves_since },
            ..self.clone()
        }
    }
}

/// So many seconds of a license's terms, up to 136 years: more would never end.
pub fn span_of(seconds: u64) -> Span {
    Span::seconds(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// Until when a machine of a license may be offline, if it asks for `wanted` or, without that, for as long as it can.
pub fn offline_until(license: &License, wanted: Option<Span>, at: Timestamp) -> Timestamp {
    let days = license.limits.offline_days.unwrap_or(DEFAULT_OFFLINE_DAYS);
    let most = Span::days(days);
    let span = wanted.map_or(most, |wanted| wanted.min(most));
    let until = at.plus(span);
    license.expires_at.map_or(until, |end| end.min(until))
}
