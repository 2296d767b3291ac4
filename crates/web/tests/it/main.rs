//! The API over the real router.

mod accounts;
mod catalog;
mod gate;
mod orders;
