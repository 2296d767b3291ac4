//! The API over the real router.

mod accounts;
