//! Authorization codes of Scrip: encode, sign, verify, offline.
//!
//! A vendor's server signs a code for everything that it sells; the sold program checks the code with
//! this crate, without a network. The crate is synchronous, has no clock and no randomness: time is an
//! argument in Unix seconds, keys are made from seeds that the caller provides. It touches the disk in three
//! types only: [`LicenseFile`], [`ClockFile`] and [`Meter`].
//!
//! # A sold program, whole
//!
//! The papers are made here with a key of our own; in a program they are read with [`LicenseFile::load`], and the
//! vendor's key set is in its source. `docs/offline.md` is the guide, `examples/guard.rs` a file to be copied.
//!
//! ```
//! use scrip_license::{ClockFile, Expect, KeySet, LicenseFile, Meter, Offline, Policy, machine};
//! # use scrip_license::{Activation, Claims, Lease, Limits, SigningKey, Terms};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (folder, now) = (tempfile::tempdir()?, 1_795_000_000);
//! # let folder = folder.path();
//! # let key = SigningKey::from_seed([7; 32]);
//! # let shipped: KeySet = [key.public().clone()].into_iter().collect();
//! # let code = Claims {
//! #     issuer: "vnd_06bq3v8k2m9za".into(), subject: "b".into(), id: "lic_1.1".into(),
//! #     license: "lic_1".into(), issued_at: now, not_before: now, expires_at: None,
//! #     order: "ord_1".into(), product: "prd_1".into(), offer: "ofr_1".into(),
//! #     terms: Terms::Uses { count: 10 }, limits: Limits::default(), manifest: None,
//! #     activation: Some(Activation::Required),
//! # };
//! # let lease = Lease {
//! #     issuer: "vnd_06bq3v8k2m9za".into(), id: "lea_1".into(), license: "lic_1".into(),
//! #     product: "prd_1".into(), machine: machine("4c4c4544-0042"), issued_at: now,
//! #     expires_at: now + 60, units: Some(2), unit: None,
//! # };
//! # let file = LicenseFile { lease: Some(lease.sign(&key)?), ..LicenseFile::of_code(code.sign(&key)?) };
//! let shop = "vnd_06bq3v8k2m9za";
//! let policy = Policy { grace_seconds: 86_400, ..Policy::default() };
//! let machine = machine("4c4c4544-0042");
//! let keys = file.keys_from(&shipped, shop);
//! let offline = Offline {
//!     keys: &keys,
//!     expect: Expect { issuer: Some(shop), product: Some("prd_1") },
//!     machine,
//!     revocations: None,
//!     policy,
//! };
//!
//! let mut clock = ClockFile::open(folder.join("clock"), machine)?;
//! let now = clock.at(now, &policy)?.expect("the clock was not set back");
//!
//! let permit = offline.check(&file.code, file.lease.as_deref(), now);
//! assert!(permit.is_valid());
//!
//! // Where units are counted, take one before the work is done.
//! let lease = permit.lease.expect("this code needs one");
//! let path = Meter::path_in(folder, &lease);
//! let mut meter = Meter::open_or_begin(&path, &lease, now, policy.begin_within_seconds)?;
//! assert_eq!(meter.take(1)?, 1);
//! # Ok(())
//! # }
//! ```
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
//! let expect = Expect { issuer: Some("vnd_06bq3v8k2m9za"), product: Some("prd_06bq3v8k2m9zc") };
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
//!     issuer: "vnd_06bq3v8k2m9za".into(),
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
//! | [`check()`], [`Verdict`], [`Reason`] | is this code good now, for this product? |
//! | [`Offline`], [`Permit`], [`Policy`] | may this program run here, now, with these papers? |
//! | [`LicenseFile`], [`ActivationRequest`] | what is carried to and fro |
//! | [`ClockFile`] | the latest time that was seen |
//! | [`Meter`] | counts the units of a lease |
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
