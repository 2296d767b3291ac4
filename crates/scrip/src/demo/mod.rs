//! The demo: a shop with real goods.

pub mod goods;
