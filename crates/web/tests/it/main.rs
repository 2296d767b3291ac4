//! The API over the real router.

mod accounts;
mod downloads;
mod catalog;
mod gate;
mod goods;
mod objects;
mod orders;
