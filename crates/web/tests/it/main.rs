//! The API over the real router.

mod accounts;
mod downloads;
mod gate;
mod goods;
mod objects;
mod orders;
