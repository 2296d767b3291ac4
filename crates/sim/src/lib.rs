//! Deterministic simulator of Scrip: a whole server, its buyers, a network and a disk, all from one
//! seed.
//!
//! The server is the real one: engine and router behind hyper, on turmoil's network and clock. What
//! fails is drawn from the seed: the process dies (also between any two steps of a payment), commits are lost or happen untold, links hold back
//! or lose what they carry, the card processor loses calls, answers and messages, buyers lose patience and
//! dispute what they paid. An auditor that knows nothing of the engine reckons
//! from the answers what must be true ([`book`]), and asks again with the same key where it heard
//! nothing. Every request, answer and fault goes into a trace; the same seed gives the same trace.
//!
//! Start reading at [`world`]. A second kind of world has two servers, a merchant and its provider: [`pair`]; a third has two
//! or three vendors whose tokens buy each other's: [`ring`].

mod audit;
mod bank;
mod book;
mod borrower;
mod bureau;
mod buyer;
mod chance;
mod clock;
mod faults;
mod goods;
mod guest;
mod host;
mod leavers;
mod ledgers;
mod links;
pub mod pair;
mod plan;
mod process;
mod program;
pub mod ring;
mod server;
mod step;
mod tab;
mod tenant;
mod trace;
mod voice;
mod wire;
mod world;

pub use plan::{Defect, Plan};
pub use world::{Outcome, run};
