//! The API over the real router.

mod accounts;
mod audit;
mod bad_input;
mod catalog;
mod codes;
mod coupons;
mod demo;
mod disputes;
mod downloads;
mod evidence;
mod expiry;
mod gate;
mod goods;
mod objects;
mod offline;
mod orders;
mod pages;
mod payment_methods;
mod pictures;
mod prices;
mod refunds;
mod replays;
mod routes;
mod top_ups;
mod vouchers;
