//! Scrip: a self-hosted store for digital goods, paid for with the vendor's own tokens.

fn main() {}
