//! `scrip export`: the ledger for accountants' programs, through the running server.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use scrip_domain::Timestamp;

use super::one_thread;
use super::remote::Remote;
use crate::failure::{Failure, Outcome};

/// Which journal, and where to.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  export SCRIP_SERVER=http://127.0.0.1:8080 SCRIP_ADMIN_KEY=key_...
  scrip export --format hledger --out ledger.journal
  hledger -f ledger.journal check --strict
  scrip export --format beancount --from 2026-01-01 --to 2026-12-31 --out 2026.beancount

Days are UTC, and both included. What is written is whole, or there is no file and the exit code is not 0. What
the accounts mean is in docs/accounting.md.")]
pub struct ExportArgs {
    #[command(flatten)]
    remote: Remote,
    /// For which program
    #[arg(long, value_enum)]
    format: Format,
    /// The first day; what was before is an opening balance
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<String>,
    /// The last day
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<String>,
    /// The file; standard output without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Hledger,
    Beancount,
    Csv,
}

impl Format {
    fn word(self) -> &'static str {
        match self {
            Self::Hledger => "hledger",
            Self::Beancount => "beancount",
            Self::Csv => "csv",
        }
    }
}

impl ExportArgs {
    pub fn run(&self) -> Outcome {
        one_thread(async {
            match &self.out {
                Some(out) => self.write_file(out).await,
                None => self.write(&mut std::io::stdout().lock(), Path::new("-")).await,
            }
        })
    }

    /// Into a file beside `out`, which takes its place once it is whole.
    async fn write_file(&self, out: &Path) -> Outcome {
        let mut part = out.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut file = File::create(&part).map_err(|error| cannot_write(&part, &error))?;
        let written = match self.write(&mut file, &part).await {
            Ok(()) => file.sync_all().and_then(|()| std::fs::rename(&part, out)),
            Err(failure) => {
                let _ = std::fs::remove_file(&part);
                return Err(failure);
            }
        };
        written.map_err(|error| cannot_write(out, &error))
    }

    async fn write(&self, out: &mut impl Write, name: &Path) -> Outcome {
        let days = [("from", &self.from), ("to", &self.to)];
        let days = days.map(|(field, day)| day.as_ref().map(|day| format!("&{field}={day}")));
        let days: String = days.into_iter().flatten().collect();
        let path = format!("export?format={}{days}", self.format.word());
        let mut reply = self.remote.admin()?.get_file(&path).await?;
        loop {
            let broke = |error| {
                let failure = Failure::of(&error);
                failure.advise("The export broke off and is not whole: ask again.")
            };
            let Some(chunk) = reply.chunk().await.map_err(broke)? else { break };
            out.write_all(&chunk).map_err(|error| cannot_write(name, &error))?;
        }
        out.flush().map_err(|error| cannot_write(name, &error))
    }
}

/// A day as it is written, `2026-11-22`.
fn day(text: &str) -> Result<String, String> {
    let day = Timestamp::parse_date(text).map(|_| text.to_owned());
    day.ok_or_else(|| "a day such as 2026-11-22".to_owned())
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", path.display()))
}
