//! Books in and out of SQLite and PostgreSQL.
//!
//! Writing: a [`Command`] says which rows it [`Wants`], decides on the loaded [`Books`], and gives
//! [`Changes`]; [`batch`] takes many of them through one commit. The two databases differ, for
//! writes, in loading and saving only. Reading: named methods of [`Store`], one SQL text each.
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

pub mod batch;
pub mod books;
mod cells;
pub mod copy;
mod fault;
mod fields;
pub mod index;
mod migrate;
mod postgres;
pub mod reads;
mod rows;
mod sql;
mod sqlite;
mod store;
mod stream;
mod table;

pub use batch::{Command, Decision, MAX_ROWS, Observer};
pub use books::{Books, Changes, Wants};
pub use fault::Fault;
pub use sqlite::{Checkpointer, Memory};
pub use store::{Blocking, CommitFate, Store, Writer};
pub use stream::Rows;
