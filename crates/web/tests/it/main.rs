//! The API over the real router.

mod accounts;
mod audit;
mod catalog;
mod demo;
mod downloads;
mod evidence;
mod gate;
mod goods;
mod objects;
mod orders;
mod pictures;
mod replays;
