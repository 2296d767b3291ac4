//! The API over the real router.

mod accounts;
mod gate;
mod orders;
mod downloads;
mod goods;
mod objects;
