//! Merchants: those for whom a provider keeps accounts and takes payments.
//!
//! ```text
//! invited ──the server at its address redeems the invitation──▶ active ◀──administrator──▶ suspended
//!                                      (registered without one) ─▶┘
//! ```
//! A merchant is known by the address that signs its calls. What it has earned is a ledger account of its own, which a later
//! refund may take below zero: a debt. The row is the guard of the merchant's limits, and of the order of its events.

use crate::amount::{Amount, Money};
use crate::id::Id;
use crate::ledger::{Counters, Transfer};
use crate::purchase_request::PurchaseRequest;
use crate::request::Request;
use crate::time::Timestamp;
use crate::words;

/// The most characters of a merchant's name.
pub const MAX_NAME: usize = 100;
/// The most return origins of a merchant.
pub const MAX_ORIGINS: usize = 10;
/// The longest address.
pub const MAX_URL: usize = 2000;
/// Basis points of a whole.
const WHOLE: u64 = 10_000;

words! {
    /// Where a merchant stands.
    pub enum MerchantState {
        /// It has not redeemed its invitation.
        Invited = "invited",
        /// It sells.
        Active = "active",
        /// It opens and captures nothing; it can deliver and give back.
        Suspended = "suspended",
    }
}

/// What the provider keeps of each capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fee {
    /// Hundredths of a percent, rounded down; at most 10,000.
    pub basis_points: u32,
    /// Tokens beside that.
    pub fixed: Amount,
}

impl Fee {
    /// The fee of a capture of so much; never more than all of it.
    pub fn of(self, amount: Amount) -> Amount {
        let share = amount.share(u64::from(self.basis_points), WHOLE).unwrap_or(amount);
        share.checked_add(self.fixed).unwrap_or(amount).min(amount)
    }
}

/// How far a merchant is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MerchantLimits {
    /// The largest order, in tokens.
    pub order: Amount,
    /// How many requests may wait for a buyer, or for a capture, at a time. One more takes the place of one that nobody has
    /// signed in for.
    pub open: u32,
    /// How much may be captured in a day (UTC), in tokens.
    pub day: Amount,
}

/// Somebody who sells here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// Its name among the provider's rows.
    pub id: Id<Self>,
    /// What buyers know it by.
    pub name: String,
    /// The address that signs its calls.
    pub url: String,
    /// Where buyers may be sent back to: scheme, host and port.
    pub return_origins: Vec<String>,
    /// How far it is trusted.
    pub limits: MerchantLimits,
    /// What the provider keeps.
    pub fee: Fee,
    /// The balance from which on a buyer counts as funded.
    pub threshold: Amount,
    /// Where it stands.
    pub state: MerchantState,
    /// The SHA-256 of the token with which the invitation is redeemed; none once it is, or without one.
    pub invitation: Option<[u8; 32]>,
    /// Its ledger account: credits are captures, debits fees, refunds and payouts.
    pub balance: Counters,
    /// The number of its latest event.
    pub seq: u64,
    /// How many of its requests are open, claimed or authorized.
    pub open: u32,
    /// The day on which it last captured.
    pub day: Timestamp,
    /// What it captured on that day.
    pub day_captured: Amount,
    /// When it was entered.
    pub created_at: Timestamp,
}

impl Merchant {
    /// What can be captured on the day of `at` still. A clock gone back does not begin an earlier day anew.
    pub fn left_of_day(&self, at: Timestamp) -> Amount {
        let captured = if self.day >= at.midnight() { self.day_captured } else { Amount::ZERO };
        captured.shortfall(self.limits.day)
    }

    /// With a capture of so much at `at`; `None` above what is left of the day.
    pub fn with_capture(&self, amount: Amount, at: Timestamp) -> Option<Self> {
        let left = self.left_of_day(at).checked_sub(amount)?;
        let day_captured = self.limits.day.checked_sub(left)?;
        Some(Self { day: self.day.max(at.midnight()), day_captured, ..self.clone() })
    }

    /// With a capture of so much at a time that is over: the limit of that day is not asked.
    #[must_use]
    pub fn having_captured(&self, amount: Amount, at: Timestamp) -> Self {
        let (day, before) = match at.midnight().cmp(&self.day) {
            std::cmp::Ordering::Less => return self.clone(),
            std::cmp::Ordering::Equal => (self.day, self.day_captured),
            std::cmp::Ordering::Greater => (at.midnight(), Amount::ZERO),
        };
        let day_captured = before.checked_add(amount).unwrap_or(Amount::MAX);
        Self { day, day_captured, ..self.clone() }
    }

    /// Credits less debits, in smallest units: below zero is a debt.
    pub fn net(&self) -> i64 {
        let side = |units: u64| i64::try_from(units).unwrap_or(i64::MAX);
        side(self.balance.credits).saturating_sub(side(self.balance.debits))
    }

    /// What can be paid out while so much still waits for delivery, or for the end of its refund window.
    pub fn payable(&self, pending: Amount) -> Amount {
        let pending = i64::try_from(pending.units()).unwrap_or(i64::MAX);
        let left = u64::try_from(self.net().saturating_sub(pending)).unwrap_or(0);
        Amount::new(left).unwrap_or(Amount::MAX)
    }
}

/// Who a server's address names, so that it names one merchant at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantUrl {
    /// The address.
    pub url: String,
    /// The merchant.
    pub merchant: Id<Merchant>,
}

/// A line of a merchant's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantTransfer {
    /// Whose.
    pub merchant: Id<Merchant>,
    /// What moved.
    pub transfer: Id<Transfer>,
}

words! {
    /// What can happen to a merchant.
    pub enum MerchantEventKind {
        /// A buyer has confirmed.
        Authorized = "purchase_request.authorized",
        /// A buyer has declined.
        Declined = "purchase_request.declined",
        /// Nobody confirmed in time.
        Expired = "purchase_request.expired",
        /// The merchant took a request back before anybody confirmed.
        Cancelled = "purchase_request.cancelled",
        /// The hold ended without a capture.
        Voided = "purchase_request.voided",
        /// The tokens are the merchant's.
        Captured = "purchase_request.captured",
        /// The merchant has delivered.
        Fulfilled = "purchase_request.fulfilled",
        /// Tokens went back.
        Refunded = "purchase_request.refunded",
        /// A payment to the merchant was recorded.
        PaidOut = "merchant.paid_out",
    }
}

/// Something that happened to a merchant; numbered without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantEvent {
    /// To whom.
    pub merchant: Id<Merchant>,
    /// Its number, from one on.
    pub seq: u64,
    /// What happened.
    pub kind: MerchantEventKind,
    /// To which request; none for a payout.
    pub request: Option<Id<PurchaseRequest>>,
    /// When.
    pub at: Timestamp,
}

words! {
    /// Whose idempotency key it is.
    pub enum KeyOwner {
        /// The merchant's own.
        Merchant = "merchant",
        /// The provider's staff, about the merchant.
        Staff = "staff",
    }
}

/// An idempotency key of a call between servers, or of staff about a merchant; it is kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantKey {
    /// Which merchant.
    pub merchant: Id<Merchant>,
    /// Whose key.
    pub owner: KeyOwner,
    /// 63 bits of its SHA-256.
    pub key: u64,
    /// 63 bits of the SHA-256 of what was asked.
    pub fingerprint: u64,
    /// The number of what it names.
    pub target: u64,
}

impl MerchantKey {
    /// `request` names `target`.
    pub fn new<T>(
        merchant: Id<Merchant>,
        owner: KeyOwner,
        request: Request,
        target: Id<T>,
    ) -> Self {
        let Request { key, fingerprint, .. } = request;
        Self { merchant, owner, key, fingerprint, target: target.number() }
    }
}

/// A recorded payment to a merchant of what it has earned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// Its name.
    pub id: Id<Self>,
    /// To whom.
    pub merchant: Id<Merchant>,
    /// For so many of its tokens.
    pub tokens: Amount,
    /// This much money was paid.
    pub money: Money,
    /// Where it stands in the provider's own papers.
    pub reference: String,
    /// The transfer that took the tokens.
    pub transfer: Id<Transfer>,
    /// When.
    pub at: Timestamp,
}

/// Scheme, host and port of an address to which browsers may be sent; `None` when it is none, or has a user's name, a
/// fragment, or a character that an address has not.
pub fn origin_of(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let host = rest.get(..end)?;
    let visible =
        url.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte));
    let is_host =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    let sound = matches!(scheme, "https" | "http")
        && !host.is_empty()
        && host.bytes().all(is_host)
        && visible
        && url.len() <= MAX_URL;
    if sound { url.get(..url.len().checked_sub(rest.len().checked_sub(end)?)?) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Span;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn merchant() -> Merchant {
        Merchant {
            id: Id::new(1).unwrap(),
            name: "Shop".into(),
            url: "https://shop.example".into(),
            return_origins: Vec::new(),
            limits: MerchantLimits { order: amount(10), open: 1, day: amount(100) },
            fee: Fee { basis_points: 250, fixed: amount(3) },
            threshold: Amount::ZERO,
            state: MerchantState::Active,
            invitation: None,
            balance: Counters::default(),
            seq: 0,
            open: 0,
            day: Timestamp::from_millis(0),
            day_captured: Amount::ZERO,
            created_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_day_has_its_limit_and_the_next_one_begins_anew() {
        let noon = Timestamp::from_millis(1_795_348_800_000);
        let after = merchant().with_capture(amount(60), noon).unwrap();
        assert_eq!(after.left_of_day(noon), amount(40));
        assert!(after.with_capture(amount(41), noon).is_none());
        assert_eq!(after.with_capture(amount(40), noon).unwrap().left_of_day(noon), Amount::ZERO);
        let next = noon.plus(Span::hours(12));
        assert_eq!(after.left_of_day(next), amount(100));
        let tomorrow = after.with_capture(amount(1), next).unwrap();
        assert_eq!(tomorrow.day_captured, amount(1));
        assert_eq!(tomorrow.with_capture(amount(2), noon).unwrap().day_captured, amount(3));
    }

    #[test]
    fn a_debt_is_not_payable_and_neither_is_what_waits() {
        let with =
            |credits, debits| Merchant { balance: Counters { debits, credits }, ..merchant() };
        assert_eq!(with(100, 30).payable(amount(20)), amount(50));
        assert_eq!(with(100, 30).payable(amount(71)), Amount::ZERO);
        assert_eq!(with(30, 100).net(), -70);
        assert_eq!(with(30, 100).payable(Amount::ZERO), Amount::ZERO);
    }

    #[test]
    fn origins_are_told_from_what_only_looks_like_one() {
        assert_eq!(origin_of("https://shop.example/return?a=b"), Some("https://shop.example"));
        assert_eq!(origin_of("http://127.0.0.1:8080"), Some("http://127.0.0.1:8080"));
        assert_eq!(origin_of("https://[::1]:1/x"), Some("https://[::1]:1"));
        for bad in [
            "",
            "shop.example",
            "ftp://shop.example/",
            "https:///x",
            "https://a@shop.example/",
            "https://SHOP.example/",
            "https://shop.example/#x",
            "https://shop.example/ x",
            "https://shop.example\\x",
            "javascript://x/",
        ] {
            assert_eq!(origin_of(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_fee_is_never_more_than_the_amount(units in 0_u64..=Amount::MAX.units(), points in 0_u32..=10_000, fixed in 0_u64..1000) {
            let fee = Fee { basis_points: points, fixed: amount(fixed) }.of(amount(units));
            prop_assert!(fee <= amount(units));
        }
    }
}
