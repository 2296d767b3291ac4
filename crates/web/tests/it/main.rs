//! The API over the real router.

mod accounts;
mod audit;
mod auto_top_ups;
mod bad_input;
mod bureau;
mod catalog;
mod codes;
mod credit_lines;
mod demo;
mod downloads;
mod evidence;
mod expiry;
mod gate;
mod goods;
mod objects;
mod offline;
mod orders;
mod pages;
mod pictures;
mod refunds;
mod replays;
mod routes;
mod top_ups;
mod vouchers;
