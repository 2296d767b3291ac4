//! `scrip doctor`: are the books whole?

use clap::Args;
use scrip_engine::doctor::{Check, Report, examine, examine_file, examine_objects};
use scrip_storage::Store;
use serde_json::json;

use super::one_thread;
use super::remote::{print, table};
use super::serve::ConfigFile;
use crate::config::Database;
use crate::failure::{Failure, Outcome};
use crate::server::books::{cannot_open, holds_shop};
use crate::server::objects;
use crate::vault::Vault;

/// Which books.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip doctor --config shop/scrip.toml

Only reads, also while the server runs; the goods are counted and measured, not read. A finding says what the thing itself keeps
or a rule wants (expected), and what the rows come to on which it rests (found). Notes are no findings: on PostgreSQL one says
what a failover may lose. Exit code 0 when the books are whole, 1 when they are not, 2 when they could not be examined.")]
pub struct DoctorArgs {
    #[command(flatten)]
    file: ConfigFile,
    /// The books alone: whether the goods are there is not looked at
    #[arg(long)]
    without_files: bool,
    /// A JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl DoctorArgs {
    pub fn run(&self) -> Outcome<bool> {
        let report = self.examine().map_err(|failure| failure.with_code(2))?;
        let sound = report.is_sound();
        if self.json {
            print(&json!({ "sound": sound, "checks": report.checks, "notes": report.notes }));
        } else {
            print(&show(&report));
        }
        Ok(sound)
    }

    fn examine(&self) -> Outcome<Report> {
        let config = self.file.load()?;
        let keys = Vault::within(&config.data).open()?;
        one_thread(async {
            let failed = |fault| Failure::of(&fault);
            let store = read_only(&config.database).await?;
            if store.vendor().await.map_err(failed)?.is_none() {
                return Err(Failure::new(format!("there is no shop in {}", config.database))
                    .advise("Check `database` in the configuration."));
            }
            // First: where the file is damaged, the books may not be readable to their end.
            let file = examine_file(&store).await.map_err(failed)?;
            let damaged = file.as_ref().is_some_and(|check| !check.findings.is_empty());
            let mut report = match examine(&store, &keys).await {
                Err(_) if damaged => Report::default(),
                examined => examined.map_err(failed)?,
            };
            report.checks.splice(..0, file);
            if !self.without_files {
                let objects = objects::look(&config)?;
                report.checks.push(examine_objects(&store, &objects).await.map_err(failed)?);
            }
            Ok(report)
        })
    }
}

/// The books in a file or behind a URL, to be read.
pub async fn read_only(database: &Database) -> Outcome<Store> {
    if let Database::Sqlite(path) = database
        && path.is_file()
    {
        holds_shop(database).await?;
    }
    let opened = match database {
        Database::Sqlite(path) => Store::sqlite_read_only(path).await,
        Database::Postgres(url) => Store::postgres_read_only(url).await,
    };
    opened.map_err(|fault| cannot_open(database, &fault))
}

/// A report as a table, and what is wrong below it.
pub fn show(report: &Report) -> String {
    let row = |check: &Check| {
        let mark = if check.findings.is_empty() { "good" } else { "BAD" };
        vec![mark.to_owned(), check.name.clone(), check.rows.to_string(), check.proves.clone()]
    };
    let rows: Vec<_> = report.checks.iter().map(row).collect();
    let finding = |check: &Check| {
        let name = check.name.clone();
        check.findings.clone().into_iter().map(move |finding| format!("{name}: {finding}"))
    };
    let mut lines = vec![table(&rows)];
    lines.extend(report.unsound().flat_map(finding));
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    let verdict =
        if report.is_sound() { "The books are whole." } else { "The books are NOT whole." };
    lines.push(verdict.to_owned());
    lines.join("\n")
}
