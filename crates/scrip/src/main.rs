//! Scrip: a self-hosted store for digital goods, paid for with the vendor's own tokens.
//!
//! Here the program meets the world: configuration, the real clock, chance and network, the command
//! line. Nothing is decided here; that happens in `scrip-engine`.

mod backup;
mod bench;
mod catalog;
mod cli;
mod clock;
mod config;
mod demo;
mod entropy;
mod failure;
mod keep;
mod server;
mod vault;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::Cli::given().run() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("scrip: {failure}");
            failure.exit_code()
        }
    }
}
