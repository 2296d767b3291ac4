//! The API over the real router.

mod accounts;
mod bad_input;
mod catalog;
mod codes;
mod downloads;
mod gate;
mod goods;
mod objects;
mod orders;
