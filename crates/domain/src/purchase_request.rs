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
