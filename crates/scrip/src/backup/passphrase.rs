//! The passphrase of a backup: from a file, from the environment, or typed unseen.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;

use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::config;
use crate::failure::{Failure, Outcome};
use crate::vault;

/// Shorter ones are guessed.
const SHORTEST: usize = 12;

/// Where it is in the environment. No option has it: other users see the words of a command.
const VARIABLE: &str = "SCRIP_PASSPHRASE";

/// Where the passphrase is.
#[derive(Debug, Args)]
pub struct PassphraseArgs {
    /// A file with the passphrase, closed to other users; without it, `SCRIP_PASSPHRASE` in the environment, or it is asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// The passphrase of a new backup: not too short, and when typed, typed twice.
    pub fn choose(&self) -> Outcome<String> {
        let passphrase = match self.given()? {
            Some(passphrase) => passphrase,
            None => {
                let first = typed("Passphrase of the backup: ")?;
                if typed("Once more: ")? != first {
                    return Err(Failure::new("these are two passphrases"));
                }
                first
            }
        };
        if passphrase.chars().count() < SHORTEST {
            return Err(Failure::usage(format!(
                "a passphrase of a backup has {SHORTEST} characters at least"
            ))
            .advise(
                "Everything that is secret about the server is behind it: take several words.",
            ));
        }
        Ok(passphrase)
    }

    /// The passphrase of a backup that is there.
    pub fn know(&self) -> Outcome<String> {
        match self.given()? {
            Some(passphrase) => Ok(passphrase),
            None => typed("Passphrase of the backup: "),
        }
    }

    fn given(&self) -> Outcome<Option<String>> {
        if let Some(path) = &self.passphrase_file {
            let text = vault::read(path)?;
            return Ok(Some(text.lines().next().unwrap_or_default().to_owned()));
        }
        let environment = config::environment().remove(VARIABLE);
        Ok(environment.filter(|passphrase| !passphrase.is_empty()))
    }
}

/// Asks at the terminal, which shows nothing of it.
fn typed(question: &str) -> Outcome<String> {
    let ask = || -> io::Result<String> {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        (&terminal).write_all(question.as_bytes())?;
        tcsetattr(&terminal, OptionalActions::Flush, &unseen)?;
        let mut line = String::new();
        let read = BufReader::new(&terminal).read_line(&mut line);
        tcsetattr(&terminal, OptionalActions::Flush, &before)?;
        (&terminal).write_all(b"\n")?;
        read?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    };
    ask().map_err(|_| {
        Failure::usage("there is no terminal to ask for the passphrase")
            .advise("Give it with --passphrase-file, or SCRIP_PASSPHRASE in the environment.")
    })
}
