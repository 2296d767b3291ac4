//! The API over the real router.

mod accounts;
mod gate;
mod orders;
