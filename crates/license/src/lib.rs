//! Authorization codes of Scrip: encode, sign, verify, offline.
//!
//! A vendor's server signs a code for everything that it sells; the sold program checks the code with
//! this crate, without a network. The crate is synchronous, has no clock and no randomness: time is an
//! argument in Unix seconds, keys are made from seeds that the caller provides.
//!
//! # Checking a code in a sold program
//!
//! Ship the vendor's key set (the document at `/.well-known/jwks.json` of the vendor's server) with the
//! program, and ask [`check`] whether a code is good at this moment:
//!
//! ```
//! use scrip_license::{Expect, KeySet, Reason, check};
//!
//! # fn main() -> Result<(), scrip_license::KeyError> {
//! # let now_unix_seconds = 1_795_000_000;
//! let keys: KeySet = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA",
//!     "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#.parse()?;
//! let expect = Expect { issuer: Some("https://shop.example"), product: Some("prd_06bq3v8k2m9zc") };
//!
//! let verdict = check("not a code", &keys, &expect, now_unix_seconds);
//! assert!(!verdict.is_valid());
//! assert_eq!(verdict.reason, Reason::UnknownCode);
//! # Ok(())
//! # }
//! ```
//!
//! # Issuing a code
//!
//! ```
//! use scrip_license::{Claims, Limits, SigningKey, Terms, jws};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let seed = [7; 32];
//! let key = SigningKey::from_seed(seed);
//! let code = Claims {
//!     issuer: "https://shop.example".into(),
//!     subject: "ZVGaSiSvYXkQaoXFFxyA7cG-w2sFO4vo".into(),
//!     id: Claims::issue_id("lic_06bq3v8k2m9zc", 1),
//!     license: "lic_06bq3v8k2m9zc".into(),
//!     issued_at: 1_795_000_000,
//!     not_before: 1_795_000_000,
//!     expires_at: None,
//!     order: "ord_06bq3v8k2m9zb".into(),
//!     product: "prd_06bq3v8k2m9z0".into(),
//!     offer: "ofr_06bq3v8k2m9z1".into(),
//!     terms: Terms::Perpetual,
//!     limits: Limits { machines: Some(3), ..Limits::default() },
//!     manifest: None,
//!     activation: None,
//! }
//! .sign(&key)?;
//!
//! let keys = [key.public().clone()].into_iter().collect();
//! let claims: Claims = jws::verify(&code, Claims::TYP, &keys)?;
//! assert_eq!(claims.terms, Terms::Perpetual);
//! # Ok(())
//! # }
//! ```
//!
//! # What is inside
//!
//! | | |
//! |---|---|
//! | [`check`], [`Verdict`], [`Reason`] | is this code good now, for this product? |
//! | [`Claims`], [`Terms`], [`Limits`] | what a code says |
//! | [`jws`] | signed documents of any claims: RFC 7515 compact form, `EdDSA` of RFC 8037 |
//! | [`Lease`], [`machine`] | leave for one machine to work offline |
//! | [`Revocations`] | what is good no more |
//! | [`Successor`], [`KeySet::follow`] | from the key that was shipped to those of today |
//! | [`SigningKey`], [`PublicKey`], [`KeySet`] | Ed25519 (RFC 8032), JWK and JWK sets (RFC 7517), `kid` (RFC 7638) |
//! | [`ShortCode`] | the 25 symbols that a person types |
//! | [`Typed`] | other symbols that people type, with the same check symbol |
//! | [`base32`] | the 13 symbols of an identifier |
//!
//! The JWS form can be checked as well by any stock JOSE library: demand `alg` `EdDSA`, the `typ`
//! `scrip-license+jwt`, and take the key by `kid` from the vendor's key set.

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

pub mod base32;
mod chain;
mod check;
mod claims;
mod clock;
mod file;
pub mod jws;
mod key;
mod lease;
mod meter;
mod offline;
mod place;
mod request;
mod revocations;
mod short;
mod typed;

pub use chain::Successor;
pub use check::{Expect, Reason, Verdict, check};
pub use claims::{
    Activation, Claims, DEFAULT_OFFLINE_DAYS, Digest, DigestError, Limits, RentalStart, Terms,
    Unit, UnitError,
};
pub use clock::ClockFile;
pub use file::{LicenseFile, LicenseFileError};
pub use key::{KeyError, KeySet, PublicKey, SigningKey};
pub use lease::{Lease, machine};
pub use meter::{Meter, MeterError};
pub use offline::{LastAnswer, Offline, Permit, Policy, Rollback, Unreachable};
pub use request::{ActivationRequest, ActivationRequestError};
pub use revocations::Revocations;
pub use short::{ShortCode, ShortCodeError};
pub use typed::Typed;
