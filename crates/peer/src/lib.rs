//! Other servers of Scrip behind the engine's ports, by signed HTTP.
//!
//! ```text
//! engine ──▶ Provider, Herald, Archive, Partners ──▶ Line: signs, sends, reads ──▶ Transport ──▶ the other server
//! engine ──▶ PeerPort ──▶ PublicReader: reads what is public ──▶ Transport
//! ```
//! An answer is not signed: what of it is worth anything are the other server's documents, which are, and which
//! are read with the keys that the engine knows of it. What did not come whole, or came with a word that
//! says nothing about the question (a proxy's, an overload), is no answer: the engine asks again. Nothing is repeated here.
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

mod archive;
mod document;
mod herald;
mod history;
mod line;
mod partner;
mod provider;
mod public;
mod shape;
mod transport;

pub use archive::HttpArchive;
pub use herald::HttpHerald;
pub use line::Line;
pub use partner::HttpPartners;
pub use provider::HttpProvider;
pub use public::PublicReader;
pub use transport::Transport;
