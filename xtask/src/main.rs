//! Developer commands: test, tidy, regenerate.

fn main() {}
