//! Scrip: a self-hosted store for digital goods, paid for with the vendor's own tokens.

mod bench;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A self-hosted store for digital goods, paid for with the vendor's own tokens.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Load a running server, and print its rate and latency
    Bench(bench::BenchArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Bench(args) = Cli::parse().command;
    match bench::run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scrip bench: {error}");
            ExitCode::FAILURE
        }
    }
}
