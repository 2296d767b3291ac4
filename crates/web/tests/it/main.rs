//! The API over the real router.

mod accounts;
mod downloads;
mod goods;
mod objects;
