//! Ids: 63 bits that grow with time, and their text form.
//!
//! From the top: 43 bits of milliseconds since 2026, 8 bits of server number, 12 bits of sequence.
//! Growing keys keep inserts at the right edge of every index (random 16-byte keys cost a third of
//! the purchase rate). In text an id is its kind's prefix and 13 Crockford symbols, in that one
//! canonical form: `ord_06bq3v8k2m9zc`. Ids are names, not secrets.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use scrip_license::base32;
use serde::{Deserialize, Serialize};

use crate::time::{Span, Timestamp};

/// A kind of thing that has ids.
pub trait Kind {
    /// Three letters before the underscore.
    const PREFIX: &'static str;
}

/// Every kind of id there is, in one list.
macro_rules! kinds {
    ($($kind:path => $prefix:literal),* $(,)?) => {
        $(impl Kind for $kind { const PREFIX: &'static str = $prefix; })*

        #[cfg(test)]
        const PREFIXES: &[&str] = &[$($prefix),*];
    };
}

kinds! {
    crate::account::Account => "acc",
    crate::agreement::Agreement => "agr",
    crate::api_key::ApiKey => "key",
    crate::audit::Audit => "aud",
    crate::coupon::Coupon => "cpn",
    crate::credit::Assessment => "asm",
    crate::credit_line::Repayment => "rep",
    crate::catalog::File => "fil",
    crate::catalog::Offer => "ofr",
    crate::catalog::Product => "prd",
    crate::catalog::Release => "rel",
    crate::connection::Connection => "con",
    crate::event::Event => "evt",
    crate::exchange::Exchange => "exc",
    crate::exchange::ExchangeQuote => "exq",
    crate::hold::Hold => "hld",
    crate::ledger::Transfer => "trf",
    crate::identity::Connection => "cnx",
    crate::usage::Activation => "act",
    crate::usage::Lease => "lea",
    crate::letter::Letter => "let",
    crate::license::License => "lic",
    crate::link::Link => "lnk",
    crate::link::LinkRequest => "lrq",
    crate::lot::Lot => "lot",
    crate::merchant::Merchant => "mer",
    crate::merchant::Payout => "pay",
    crate::order::Line => "lin",
    crate::order::Order => "ord",
    crate::partner::Partner => "par",
    crate::partner::PartnerEntry => "pen",
    crate::passkey::Passkey => "psk",
    crate::purchase_request::PurchaseRequest => "req",
    crate::purchase_request::RequestRefund => "rrf",
    crate::refund::Refund => "rfd",
    crate::refund_request::RefundRequest => "rfq",
    crate::restore::Discrepancy => "dis",
    crate::reversal::Reversal => "rev",
    crate::settings::Vendor => "vnd",
    crate::staff::StaffMember => "stf",
    crate::statement::Settlement => "stl",
    crate::statement::Statement => "stm",
    crate::top_up::Remittance => "rem",
    crate::top_up::TopUp => "top",
    crate::voucher::VoucherBatch => "vch",
    crate::wallet::Wallet => "wal",
    crate::webhook::Delivery => "dlv",
    crate::webhook::WebhookEndpoint => "whk",
}

/// The id of a `T`.
pub struct Id<T> {
    number: u64,
    kind: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The largest number: 63 bits, so that an id is a positive 64-bit integer in every database.
    pub const MAX: u64 = u64::MAX >> 1;

    /// The first number, which is never minted.
    pub const ZERO: Self = Self { number: 0, kind: PhantomData };

    /// The id with this number; `None` above 63 bits.
    pub const fn new(number: u64) -> Option<Self> {
        if number <= Self::MAX { Some(Self { number, kind: PhantomData }) } else { None }
    }

    /// The bare number.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// The id of a `U` with the same number.
    pub const fn same_number<U>(self) -> Id<U> {
        Id { number: self.number, kind: PhantomData }
    }

    /// The lowest id that can have been minted at `at`: where a scan by time starts.
    pub fn floor(at: Timestamp) -> Self {
        Self { number: millis_since_2026(at) << 20, kind: PhantomData }
    }

    /// Where a scan starts that must find what was minted up to `span` before this id.
    #[must_use]
    pub fn before(self, span: Span) -> Self {
        let millis = u64::try_from(span.as_millis()).unwrap_or(0);
        Self { number: self.number.saturating_sub(millis << 20), kind: PhantomData }
    }
}

impl<T: Kind> FromStr for Id<T> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        text.strip_prefix(T::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .and_then(base32::decode)
            .and_then(Self::new)
            .ok_or(NotAnId)
    }
}

/// The text is not the canonical form of an id of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct NotAnId;

impl<T: Kind> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let symbols = base32::encode_lower(self.number);
        // An answer holds dozens of them: by itself each part costs less than through `write!`.
        f.write_str(T::PREFIX)?;
        f.write_char('_')?;
        f.write_str(std::str::from_utf8(&symbols).unwrap_or_default())
    }
}

impl<T: Kind> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T: Kind> Serialize for Id<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: Kind> Deserialize<'de> for Id<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

// Derives would demand the same of `T`, which is only a name here.
impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number.cmp(&other.number)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

/// Where ids come from on one server: always above the last, also when the clock goes back.
#[derive(Debug)]
pub struct Mint {
    server: u8,
    last: u64,
}

impl Mint {
    /// A mint for `server` that starts above everything minted before `after`.
    pub fn new(server: u8, after: Timestamp) -> Self {
        Self { server, last: (millis_since_2026(after) << 20) | (u64::from(server) << 12) }
    }

    /// The next number: the clock's if that is later than the last one, else one further.
    pub fn next(&mut self, now: Timestamp) -> u64 {
        let server = u64::from(self.server) << 12;
        let by_clock = (millis_since_2026(now) << 20) | server;
        self.last = if by_clock > self.last {
            by_clock
        } else if self.last & 0xFFF < 0xFFF {
            self.last.saturating_add(1)
        } else {
            // 4096 ids in one millisecond: borrow from the next one.
            ((self.last >> 20).saturating_add(1) << 20) | server
        };
        self.last
    }

    /// Mints nothing from now on that is not later than this number, whoever minted it.
    pub fn stay_above(&mut self, number: u64) {
        let server = u64::from(self.server) << 12;
        if number >> 20 >= self.last >> 20 {
            self.last = ((number >> 20).saturating_add(1) << 20) | server;
        }
    }

    /// The instant up to which the last number reaches: the lease must cover it.
    pub fn reach(&self) -> Timestamp {
        let millis = i64::try_from(self.last >> 20).unwrap_or(i64::MAX);
        Timestamp::from_millis(EPOCH_MILLIS.saturating_add(millis))
    }
}

/// 2026-01-01T00:00:00Z.
const EPOCH_MILLIS: i64 = 1_767_225_600_000;

fn millis_since_2026(at: Timestamp) -> u64 {
    let millis = at.millis().saturating_sub(EPOCH_MILLIS);
    u64::try_from(millis).unwrap_or(0).min((1 << 43) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{account::Account, order::Order};

    #[test]
    fn every_kind_has_its_own_prefix() {
        let mut prefixes = PREFIXES.to_vec();
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(prefixes.len(), PREFIXES.len());
        assert!(prefixes.iter().all(|prefix| prefix.len() == 3));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let order = Id::<Order>::new(77).unwrap().to_string();
        assert!(order.parse::<Id<Order>>().is_ok());
        assert_eq!(order.parse::<Id<Account>>(), Err(NotAnId));
        assert_eq!(order.to_uppercase().parse::<Id<Order>>(), Err(NotAnId));
    }

    #[test]
    fn a_clock_gone_back_never_repeats_an_id() {
        let noon = Timestamp::from_millis(EPOCH_MILLIS + 1_000_000);
        let mut mint = Mint::new(3, noon);
        let mut last = 0;
        for step in 0..10_000 {
            let now = Timestamp::from_millis(noon.millis() - step % 7);
            let next = mint.next(now);
            assert!(next > last);
            assert_eq!((next >> 12) & 0xFF, 3);
            last = next;
        }
        assert!(mint.reach() >= noon);
    }

    #[test]
    fn nothing_is_minted_below_what_was_seen() {
        let noon = Timestamp::from_millis(EPOCH_MILLIS + 1_000_000);
        let mut mint = Mint::new(3, noon);
        let seen = (1_500_000 << 20) | (7 << 12) | 9;
        mint.stay_above(seen);
        let next = mint.next(noon);
        assert!(next > seen && (next >> 12) & 0xFF == 3, "{next}");
        mint.stay_above(5);
        assert!(mint.next(noon) > next);
    }

    proptest! {
        #[test]
        fn ids_round_trip_through_text(number in 0..=Id::<Order>::MAX) {
            let id = Id::<Order>::new(number).unwrap();
            prop_assert_eq!(id.to_string().parse::<Id<Order>>(), Ok(id));
        }
    }
}
