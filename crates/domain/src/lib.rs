//! The nouns of Scrip and their arithmetic: no I/O, no async, no clock, no chance.
//!
//! Read [`amount`], [`ledger`], [`lot`] and [`gate`] first: money, its two sides, which tokens pay,
//! and who may order.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

pub mod account;
pub mod account_statement;
pub mod agreement;
pub mod amount;
pub mod api_key;
pub mod audit;
pub mod auto_top_up;
pub mod bank;
pub mod bundle;
pub mod catalog;
pub mod checkout;
pub mod connection;
pub mod coupon;
pub mod credit;
pub mod credit_line;
pub mod document;
pub mod estimate;
pub mod event;
pub mod exchange;
pub mod extension;
pub mod factor;
pub mod gate;
pub mod hold;
pub mod id;
pub mod identity;
pub mod journal;
pub mod language;
pub mod ledger;
pub mod legal;
pub mod letter;
pub mod license;
pub mod link;
pub mod listing;
pub mod look;
pub mod lot;
pub mod merchant;
pub mod order;
pub mod pain001;
pub mod partner;
pub mod passkey;
pub mod payment_method;
pub mod purchase_request;
pub mod refund;
pub mod refund_request;
pub mod report;
pub mod request;
pub mod restore;
pub mod reversal;
pub mod role;
pub mod sale;
pub mod seasoning;
pub mod session;
pub mod settings;
pub mod staff;
pub mod statement;
pub mod texts;
pub mod time;
pub mod top_up;
pub mod usage;
pub mod visibility;
pub mod voucher;
pub mod wallet;
pub mod webhook;
pub mod zone;

pub use amount::{Amount, Money, Unit};
pub use id::Id;
pub use time::{Clock, Entropy, Span, Timestamp};

/// The target of every span of a trace, by which they are told from the lines of the log. All are of the level TRACE: where
/// no traces are wanted their places are switched off, and cost a look at one word.
pub const TRACES: &str = "scrip::span";

/// A closed list of names: an enum whose values are stored and shown as short words.
///
/// Gives `as_str`, `parse`, `Display`, and serde by the same words.
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$vmeta])* $variant),* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// Reads the word; `None` for any other.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&word).ok_or_else(|| {
                    let all: Vec<_> = Self::ALL.iter().map(|value| value.as_str()).collect();
                    serde::de::Error::custom(format!("expected one of {}", all.join(", ")))
                })
            }
        }
    };
}
pub(crate) use words;
