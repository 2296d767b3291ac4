//! Purchase requests: what a merchant asks a provider to have paid by a buyer.
//!
//! ```text
//! open ──claim──▶ claimed ──confirm──▶ authorized ──capture──▶ captured ──fulfilled──▶ fulfilled
//!  │ ▲──release────┘ │ │                │                        │                       │
//!  │                 │ └─▶ declined     └─hold over, cancel      └─deadline, merchant,   └─merchant, provider
//!  └─▶ expired, cancelled ◀┘                 ──▶ voided               provider                ──▶ partially_refunded
//!                                                                     ──▶ refunded                 ──▶ refunded
//! ```
//! The provider's row alone says where a purchase stands. Only `captured` and `fulfilled` have a choice of what comes next that two
//! servers could see differently: so the provider decides it, under the request's guard, and signs what it decided.

use crate::account::Account;
use crate::amount::{Amount, Unit};
use crate::connection::ReturnCode;
use crate::document::{GivenBackBy, Offer};
use crate::hold::Hold;
use crate::id::Id;
use crate::ledger::Transfer;
use crate::lot::Lot;
use crate::merchant::{MAX_URL, Merchant, origin_of};
use crate::time::{Span, Timestamp};
use crate::words;

words! {
    /// Where a purchase request stands at the provider.
    pub enum RequestState {
        /// Nobody has it yet.
        Open = "open",
        /// An account has it, and has not decided.
        Claimed = "claimed",
        /// The buyer has confirmed; the tokens are held for the merchant.
        Authorized = "authorized",
        /// The tokens are the merchant's, if it delivers.
        Captured = "captured",
        /// The merchant delivers.
        Fulfilled = "fulfilled",
        /// The buyer, or the provider, said no.
        Declined = "declined",
        /// Nobody confirmed in time.
        Expired = "expired",
        /// The merchant took it back before anybody confirmed.
        Cancelled = "cancelled",
        /// It was confirmed, and the hold ended without capture.
        Voided = "voided",
        /// A part of what was captured went back.
        PartiallyRefunded = "partially_refunded",
        /// All of it went back.
        Refunded = "refunded",
    }
}

impl RequestState {
    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Declined | Self::Expired | Self::Cancelled | Self::Voided | Self::Refunded
        )
    }
}

/// What is kept of one purchase at the provider. The row is the guard of its refunds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseRequest {
    /// Its name.
    pub id: Id<Self>,
    /// Who sells.
    pub merchant: Id<Merchant>,
    /// The merchant's name of the order.
    pub order: String,
    /// Who has claimed it; who decided, once somebody has.
    pub account: Option<Id<Account>>,
    /// Where it stands, as far as anybody has booked it; see [`Self::state_at`].
    pub state: RequestState,
    /// What it costs, in tokens.
    pub amount: Amount,
    /// The signed offer.
    pub offer: String,
    /// The signed confirmation, once there was a decision.
    pub confirmation: Option<String>,
    /// The signed receipt, once it was captured.
    pub receipt: Option<String>,
    /// The signed fulfilment, once the merchant has reported.
    pub fulfilment: Option<String>,
    /// The SHA-256 of the reference under which the buyer finds it.
    pub reference: [u8; 32],
    /// The code with which the buyer goes back, while it is good.
    pub code: Option<ReturnCode>,
    /// The hold; none before the buyer has confirmed, and none of nothing.
    pub hold: Option<Id<Hold>>,
    /// What the provider kept of the capture.
    pub fee: Amount,
    /// What has gone back of it.
    pub refunded: Amount,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When the buyer decided.
    pub decided_at: Option<Timestamp>,
    /// When it was captured.
    pub captured_at: Option<Timestamp>,
    /// When the merchant reported that it delivers, and that was right.
    pub fulfilled_at: Option<Timestamp>,
    /// Until when the buyer can confirm.
    pub pay_until: Timestamp,
    /// Until when the merchant can capture.
    pub hold_until: Option<Timestamp>,
    /// Until when the merchant must have delivered.
    pub fulfil_until: Option<Timestamp>,
    /// From when on it can be paid out.
    pub refund_until: Option<Timestamp>,
    /// When the clock next changes something: it follows from the others, so that the janitor finds what is due.
    pub due_at: Option<Timestamp>,
}

impl PurchaseRequest {
    /// Where it stands at `at`: what has run out is over, booked or not.
    pub fn state_at(&self, at: Timestamp) -> RequestState {
        let over = |until: Option<Timestamp>| until.is_some_and(|until| until <= at);
        match self.state {
            RequestState::Open | RequestState::Claimed if self.pay_until <= at => {
                RequestState::Expired
            }
            RequestState::Authorized if over(self.hold_until) => RequestState::Voided,
            state => state,
        }
    }

    /// What can still go back.
    pub fn left(&self) -> Amount {
        self.amount.checked_sub(self.refunded).unwrap_or(Amount::ZERO)
    }

    /// Whether tokens were captured, and not all of them went back.
    pub fn is_captured(&self) -> bool {
        matches!(
            self.state,
            RequestState::Captured | RequestState::Fulfilled | RequestState::PartiallyRefunded
        )
    }

    /// When the clock next changes something.
    pub fn next_due(&self) -> Option<Timestamp> {
        match self.state {
            RequestState::Open | RequestState::Claimed => Some(self.pay_until),
            RequestState::Authorized => self.hold_until,
            RequestState::Captured | RequestState::PartiallyRefunded
                if self.fulfilled_at.is_none() =>
            {
                self.fulfil_until
            }
            _ => None,
        }
    }

    /// With what follows from the rest.
    #[must_use]
    pub fn settled(mut self) -> Self {
        self.due_at = self.next_due();
        self
    }

    /// How long is left of the time in which the buyer can confirm.
    pub fn expires_in(&self, at: Timestamp) -> Span {
        self.pay_until.since(at)
    }
}

/// Tokens of a purchase request that went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRefund {
    /// Of which request.
    pub request: Id<PurchaseRequest>,
    /// Its name.
    pub id: Id<Self>,
    /// The transfer; none of nothing.
    pub transfer: Option<Id<Transfer>>,
    /// How much.
    pub amount: Amount,
    /// Who gave it back.
    pub by: GivenBackBy,
    /// Why.
    pub reason: String,
    /// The signed document.
    pub document: String,
    /// When.
    pub at: Timestamp,
}

/// What came back to one lot. This never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRefundLot {
    /// Of which request.
    pub request: Id<PurchaseRequest>,
    /// By which refund.
    pub refund: Id<RequestRefund>,
    /// The lot.
    pub lot: Id<Lot>,
    /// How much.
    pub amount: Amount,
    /// How much of that had expired meanwhile, and was gone at once.
    pub expired: Amount,
}

/// What the merchant has to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// About which request.
    pub request: Id<PurchaseRequest>,
    /// When to try.
    pub due_at: Timestamp,
    /// After this it is not tried any more.
    pub until: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
}

/// What is wrong with an offer: a member of it, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferFlaw {
    /// The member, as the offer calls it.
    pub member: &'static str,
    /// A sentence for the merchant's people.
    pub why: &'static str,
}

/// The most lines, and the most units, of an offer.
pub const MAX_LINES: usize = 50;
const MAX_UNITS: u32 = 100;
/// How much two servers' clocks may differ.
const SKEW: u64 = 60;
const DAY: u32 = 86_400;

/// Whether an offer of `merchant`, whose signature is right, can be asked of a buyer at `at`: it is for this provider, adds
/// up, is priced in its token, and its spans and addresses are such as this provider lets a merchant have.
pub fn check(
    offer: &Offer,
    merchant: &Merchant,
    provider: &str,
    token: Unit,
    at: Timestamp,
) -> Result<(), OfferFlaw> {
    let flaw = |member, why| Err(OfferFlaw { member, why });
    let now = at.unix_seconds();
    let lines = &offer.lines;
    if merchant.url != offer.issuer {
        return flaw("iss", "not the merchant that sent it");
    }
    if offer.audience != provider {
        return flaw("aud", "for another provider");
    }
    if offer.issued_at > now.saturating_add(SKEW) {
        return flaw("iat", "written in the future");
    }
    if offer.issued_at.saturating_add(u64::from(offer.pay_seconds)).saturating_add(SKEW) < now {
        return flaw("iat", "written too long ago");
    }
    if !(1..=128).contains(&offer.nonce.len()) {
        return flaw("jti", "1 to 128 bytes");
    }
    if !is_order(&offer.order) {
        return flaw("order", "1 to 100 of letters, digits, `_`, `-`, `.` and `~`");
    }
    if offer.token != token {
        return flaw("token", "not the token of this provider");
    }
    if !(1..=MAX_LINES).contains(&lines.len()) {
        return flaw("lines", "1 to 50 lines");
    }
    if lines.iter().any(|line| !(1..=200).contains(&line.title.chars().count())) {
        return flaw("lines", "a title has 1 to 200 characters");
    }
    let units = lines.iter().try_fold(0_u32, |sum, line| sum.checked_add(line.quantity));
    let whole = lines.iter().all(|line| line.quantity > 0);
    if !whole || units.is_none_or(|units| units > MAX_UNITS) {
        return flaw("lines", "1 to 100 units");
    }
    if lines.iter().any(|line| line.line.is_empty() || line.line.len() > 128) {
        return flaw("lines", "a line's name has 1 to 128 bytes");
    }
    if offer.sum() != Some(offer.total) {
        return flaw("total", "not the sum of the lines");
    }
    let within = |seconds: u32, least: u32, most: u32| (least..=most).contains(&seconds);
    if !within(offer.pay_seconds, 30, DAY) {
        return flaw("pay_seconds", "30 seconds to a day");
    }
    if !within(offer.hold_seconds, 30, DAY) {
        return flaw("hold_seconds", "30 seconds to a day");
    }
    if !within(offer.fulfil_seconds, 60, DAY.saturating_mul(30)) {
        return flaw("fulfil_seconds", "a minute to 30 days");
    }
    if !within(offer.refund_seconds, 0, DAY.saturating_mul(365)) {
        return flaw("refund_seconds", "at most a year");
    }
    if !may_return(merchant, &offer.return_url) {
        return flaw("return_url", "not at an origin that is registered for the merchant");
    }
    Ok(())
}

/// Whether buyers may be sent back to this address of a merchant's.
pub fn may_return(merchant: &Merchant, url: &str) -> bool {
    let origin = origin_of(url).filter(|_| url.len() <= MAX_URL);
    origin.is_some_and(|origin| merchant.return_origins.iter().any(|known| known == origin))
}

/// Whether it can be a merchant's name of an order: it stands in addresses as it is.
pub fn is_order(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte);
    (1..=100).contains(&text.len()) && text.bytes().all(plain)
}
