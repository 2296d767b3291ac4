//! The command line, a file per command.

mod activate;
mod admin;
mod backup;
mod catalog;
mod check;
mod doctor;
mod export;
mod get;
mod init;
mod moving;
mod remote;
mod restore;
mod serve;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::bench;
use crate::failure::{Failure, Outcome};

/// A self-hosted store for digital goods, paid for with the vendor's own tokens.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "\
Example:
  scrip init shop --name 'Aurora Instruments' --token-code AUR
  scrip serve --config shop/scrip.toml

`scrip demo` opens a shop with real goods and tells the whole story."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open a shop with real goods, tell the whole story once, then serve it
    #[command(after_help = crate::demo::EXAMPLE)]
    Demo(crate::demo::DemoArgs),
    /// Make a new vendor's folder: configuration, keys, database, first administrator
    Init(init::InitArgs),
    /// Serve a vendor's folder
    Serve(serve::ServeArgs),
    /// Look at the configuration
    Config(check::ConfigArgs),
    /// Manage a running server
    Admin(admin::AdminArgs),
    /// Apply or export a catalogue folder
    Catalog(catalog::CatalogArgs),
    /// Download what a code opens: resumed, verified, nothing written over
    Get(get::GetArgs),
    /// Activate a machine without network, by the request that was carried from it
    Activate(activate::ActivateArgs),
    /// Verify an authorization code offline
    Verify(verify::VerifyArgs),
    /// Prove on a live database that the books are whole
    Doctor(doctor::DoctorArgs),
    /// Write the ledger for hledger, Beancount or a spreadsheet
    Export(export::ExportArgs),
    /// Write everything that a server needs into one encrypted file, also while it serves
    Backup(backup::BackupArgs),
    /// Make a server's folder from a backup, in an empty place
    Restore(restore::RestoreArgs),
    /// Move the books from SQLite to PostgreSQL
    Move(moving::MoveArgs),
    /// Load a running server, and print its rate and latency
    Bench(bench::BenchArgs),
}

impl Cli {
    /// What was typed; ends the process where that is no command, or asks for help.
    pub fn given() -> Self {
        let given = flowing(Self::command()).get_matches();
        Self::from_arg_matches(&given).unwrap_or_else(|error| error.exit())
    }

    /// Does what was asked for.
    pub fn run(self) -> Outcome<ExitCode> {
        match self.command {
            Command::Demo(args) => return one_thread(args.run()),
            Command::Init(args) => args.run(),
            Command::Serve(args) => args.run(),
            Command::Config(args) => args.run(),
            Command::Admin(args) => args.run(),
            Command::Catalog(args) => args.run(),
            Command::Get(args) => args.run(),
            // A code that is not good is an answer, not a failure.
            Command::Activate(args) => {
                return args.run().map(|active| ExitCode::from(u8::from(!active)));
            }
            Command::Verify(args) => return args.run().map(|good| ExitCode::from(u8::from(!good))),
            Command::Doctor(args) => {
                return args.run().map(|sound| ExitCode::from(u8::from(!sound)));
            }
            Command::Export(args) => args.run(),
            Command::Backup(args) => args.run(),
            Command::Restore(args) => args.run(),
            Command::Move(args) => args.run(),
            Command::Bench(args) => {
                one_thread(async { bench::run(args).await.map_err(|error| Failure::of(&error)) })
            }
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

/// The same command with each paragraph below its help in one line, and so of all below it: the terminal's width breaks it, and
/// what the source has broken would be broken twice.
fn flowing(command: clap::Command) -> clap::Command {
    let below = command.get_after_help().map(|help| flowed(&help.to_string()));
    let command = match below {
        Some(below) => command.after_help(below),
        None => command,
    };
    command.mut_subcommands(flowing)
}

/// A text whose lines are joined, but for those that are indented or stand below such a one.
fn flowed(text: &str) -> String {
    let stands = |line: &str| line.is_empty() || line.starts_with(' ');
    let mut out = String::new();
    let mut before = "";
    for line in text.lines() {
        if !out.is_empty() {
            out.push(if stands(line) || stands(before) { '\n' } else { ' ' });
        }
        out.push_str(line);
        before = line;
    }
    out
}

/// Runs a command that waits for others most of the time.
fn one_thread<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands below `command` whose help shows no example.
    fn without_example(command: &clap::Command, path: &str) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let own = if help.contains("Example:\n") { Vec::new() } else { vec![path.to_owned()] };
        let below = command.get_subcommands().filter(|command| command.get_name() != "help");
        let below = below.flat_map(|command| {
            without_example(command, &format!("{path} {}", command.get_name()))
        });
        own.into_iter().chain(below).collect()
    }

    #[test]
    fn a_paragraph_of_a_help_is_broken_once() {
        let command = flowing(Cli::command());
        let serve = command.find_subcommand("serve").unwrap().clone();
        let serve = serve.term_width(60).render_help().to_string();
        let (_, below) = serve.split_once("scrip.toml\n\n").unwrap();
        let lines: Vec<_> = below.trim().lines().collect();
        let short: Vec<_> = lines.iter().rev().skip(1).filter(|line| line.len() < 40).collect();
        assert!(lines.len() > 4 && short.is_empty(), "{below}");
        assert_eq!(flowed("E:\n  a\n  b\n\none\ntwo"), "E:\n  a\n  b\n\none two");
    }

    #[test]
    fn the_help_of_every_command_has_an_example() {
        let command = Cli::command();
        command.clone().debug_assert();
        assert_eq!(without_example(&command, "scrip"), Vec::<String>::new());
    }
}
