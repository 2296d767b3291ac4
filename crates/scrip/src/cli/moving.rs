//! `scrip move`: from SQLite to PostgreSQL.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use scrip_engine::doctor::examine;
use scrip_storage::copy::Snapshot;
use serde_json::json;

use super::doctor::read_only;
use super::init::write_private;
use super::one_thread;
use super::remote::print;
use super::restore::{move_books, not_whole};
use super::serve::ConfigFile;
use crate::backup::progress::{Progress, Telling};
use crate::clock::SystemClock;
use crate::config::{self, Config, Database};
use crate::failure::{Failure, Outcome};
use crate::server::books::Books;
use crate::vault::Vault;

/// Whose books, and where to.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  systemctl stop scrip
  scrip move --to postgres://scrip@db.example/scrip --config shop/scrip.toml
  systemctl start scrip

The server must be stopped, and the PostgreSQL database empty. Every row is copied in one transaction, counted and compared on
both sides, and the books are examined on both. Then the configuration names the new database, and the SQLite file is put
aside as scrip.db.moved, so that nobody serves it by mistake. Exit code 0 when it was moved, 1 when nothing was changed, 2
when the command cannot work, 4 when the books are not whole.")]
pub struct MoveArgs {
    /// The URL of an empty PostgreSQL database
    #[arg(long, value_name = "URL", hide_env_values = true)]
    to: String,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    telling: Telling,
}

impl MoveArgs {
    pub fn run(&self) -> Outcome {
        if !self.to.starts_with("postgres://") && !self.to.starts_with("postgresql://") {
            return Err(Failure::usage("--to is a postgres:// URL"));
        }
        let config = self.config.load()?;
        if let Some(variable) = config::database_variable(&config::environment()) {
            let file = self.config.path().display();
            return Err(Failure::usage(format!(
                "{variable} in the environment names the database, whatever {file} will say; nothing was changed"
            ))
            .advise(format!(
                "Name the database in {file} and move without {variable}. Take it from where the server is started, too, \
                 or give it the new URL there."
            )));
        }
        let Database::Sqlite(path) = config.database.clone() else {
            return Err(Failure::new("the books are on PostgreSQL already").advise(
                "`scrip backup` and `scrip restore` bring them from one database to another.",
            ));
        };
        let mut progress = Progress::new(self.telling.quiet);
        let rows = one_thread(self.move_from(&config, &path, &mut progress))?;
        drop(progress);
        let aside = self.put_aside(&path)?;
        if self.telling.json {
            print(&json!({ "rows": rows, "database": "PostgreSQL", "aside": aside }));
        } else {
            print(&format!(
                "{rows} rows are on PostgreSQL, the same as before, and the books are whole. {} names it now; the \
                 old file is {}.",
                self.config.path().display(),
                aside.display(),
            ));
        }
        Ok(())
    }

    async fn move_from(
        &self,
        config: &Config,
        path: &std::path::Path,
        progress: &mut Progress,
    ) -> Outcome<u64> {
        let failed = |fault| Failure::of(&fault);
        // While it is open nobody else serves it, and what an older version left undone is done.
        let Books { store, writing, .. } =
            Books::open(&config.database, Arc::new(SystemClock)).await?;
        let keys = Vault::within(&config.data).open()?;
        let report = examine(&store, &keys).await.map_err(failed)?;
        if !report.is_sound() {
            return Err(not_whole(&report));
        }
        let snapshot = Snapshot::sqlite(path).map_err(failed)?;
        let sums = snapshot.sums(&mut |table, rows| progress.rows(table, rows)).await;
        let sums = sums.map_err(failed)?;
        move_books(&snapshot, &self.to, progress).await?;
        let there = read_only(&Database::Postgres(self.to.clone())).await?;
        let report = examine(&there, &keys).await.map_err(failed)?;
        if !report.is_sound() {
            return Err(not_whole(&report));
        }
        drop(snapshot);
        drop(store);
        writing.close().await?;
        Ok(sums.iter().fold(0, |sum, table| sum + table.rows))
    }

    /// The configuration names the new database, and the old one is where nobody looks for it.
    fn put_aside(&self, path: &std::path::Path) -> Outcome<PathBuf> {
        let file = self.config.path();
        let cannot = |what: &str, error: &std::io::Error| {
            Failure::new(format!("the books are moved, but {what} could not be: {error}")).advise(
                "Set `database` in the configuration to the new URL, and put the SQLite file aside.",
            )
        };
        let text =
            fs::read_to_string(file).map_err(|error| cannot("the configuration read", &error))?;
        let text = config::with_database(&text, &self.to, false);
        let draft = file.with_extension("toml.new");
        drop(fs::remove_file(&draft));
        write_private(&draft, &text)
            .map_err(|error| cannot("the configuration written", &error))?;
        let mut aside = path.as_os_str().to_owned();
        aside.push(".moved");
        let aside = PathBuf::from(aside);
        fs::rename(path, &aside).map_err(|error| cannot("the old file moved aside", &error))?;
        fs::rename(&draft, file).map_err(|error| cannot("the configuration replaced", &error))?;
        Ok(aside)
    }
}
