//! Developer commands, one home for all of them.
//!
//! `cargo xtask test` sets up what is missing and passes every test; `.ci/run` calls it and nothing
//! else. `cargo xtask tidy` holds the rules that the compiler cannot. `cargo xtask postgres` lends a
//! private `PostgreSQL`. `cargo xtask package` makes what is published: a static binary, and a package for Debian.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::command::{Failure, Outcome};

mod command;
mod foreign;
mod install;
mod package;
mod postgres;
mod test;
mod tidy;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of Scrip", version)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set up what is missing and pass every test
    Test(test::Options),
    /// Check the rules that the compiler cannot: arrows, rooms, lengths, words
    Tidy,
    /// Run a private `PostgreSQL` until Ctrl-C, or for one command
    Postgres {
        /// Print `SCRIP_TEST_POSTGRES=<url>` instead of the bare URL
        #[arg(long)]
        print_env: bool,
        /// Run this command with `SCRIP_TEST_POSTGRES` set, then stop the cluster
        #[arg(long, num_args = 1.., allow_hyphen_values = true, value_name = "CMD")]
        exec: Vec<OsString>,
    },
    /// Make a static binary, and a package for Debian with it
    Package(package::Options),
    /// The process that owns a cluster; started by the others
    #[command(hide = true, name = postgres::GUARD)]
    PostgresGuard,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Task::Test(options) => test::run(&options),
        Task::Tidy => tidy::run(),
        Task::Postgres { print_env, exec } if exec.is_empty() => foreground(print_env),
        Task::Postgres { exec, .. } => lend(&exec),
        Task::Package(options) => package::run(&options),
        Task::PostgresGuard => postgres::guard(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(reason)) => {
            eprintln!("\nxtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn foreground(print_env: bool) -> Outcome {
    let cluster = postgres::Cluster::start()?;
    if print_env {
        println!("{}={}", postgres::URL_VARIABLE, cluster.url());
    } else {
        println!("{}", cluster.url());
    }
    eprintln!("PostgreSQL runs until Ctrl-C; its data is deleted then.");
    cluster.wait()
}

fn lend(command: &[OsString]) -> Outcome {
    let cluster = postgres::Cluster::start()?;
    let (program, arguments) = command.split_first().expect("clap demands one value");
    command::show(
        std::process::Command::new(program)
            .args(arguments)
            .env(postgres::URL_VARIABLE, cluster.url()),
    )
}
