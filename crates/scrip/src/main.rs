//! Scrip: a self-hosted store for digital goods, paid for with the vendor's own tokens.

mod bench;
mod catalog;

use std::error::Error;
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
            eprintln!("scrip bench: {}", with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and what caused it, in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
