//! HTTP message signatures (RFC 9421) with Ed25519, in the one form that servers of Scrip accept from each other.
//!
//! ```text
//! sender:    sign ──▶ Scrip-Issuer, Content-Digest, Signature-Input, Signature
//! receiver:  Claim::read (form, time, digest) ──▶ find the issuer's key ──▶ Claim::proven_by ──▶ Proof
//! ```
//! A signature covers method, address, the body's digest (RFC 9530), who sends it, and content type and idempotency
//! key where there are any; it carries its time and a nonce, so that the receiver can refuse what it saw before.
//! [`base()`] and [`Message`] are the scheme itself, and know more of it than the one form needs: the RFC's own vectors
//! are checked with them.
//!
//! No clock, no chance and no network is in here: times and nonces are arguments.
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

mod base;
mod digest;
mod sign;
mod verify;

pub use base::{Message, base};
pub use digest::content_digest;
pub use sign::{SignError, Stamp, sign};
pub use verify::{Claim, Proof, Refusal};

/// The name of the signature among others that a request may have.
pub const LABEL: &str = "scrip";

/// What the signature is for: one made for something else is not ours.
pub const TAG: &str = "scrip";

/// The only algorithm.
pub const ALGORITHM: &str = "ed25519";

/// The header with the address of the server that sends.
pub const ISSUER: &str = "scrip-issuer";

/// The header of a request that must not happen twice.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// How many seconds the sender's clock may be from the receiver's, either way. A nonce can so be used within twice
/// this time, and need not be remembered for longer.
pub const TOLERANCE: u64 = 60;

const CONTENT_DIGEST: &str = "content-digest";
const CONTENT_TYPE: &str = "content-type";
const SIGNATURE: &str = "signature";
const SIGNATURE_INPUT: &str = "signature-input";

/// What is always covered.
const ALWAYS: [&str; 4] = ["@method", "@target-uri", CONTENT_DIGEST, ISSUER];

/// What is covered when the request has it.
const WHERE_PRESENT: [&str; 2] = [CONTENT_TYPE, IDEMPOTENCY_KEY];
