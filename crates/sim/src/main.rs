//! Deterministic simulator of Scrip.

fn main() {}
