//! `scrip catalog apply` and `scrip catalog export`: the catalogue as a folder.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use scrip_client::Admin;
use serde_json::{Value, json};

use super::one_thread;
use super::remote::{Remote, print};
use crate::catalog::diff::{Difference, diff};
use crate::catalog::folder::{self, Token};
use crate::catalog::{Catalog, apply, export, remote, show};
use crate::demo::goods;
use crate::failure::{Failure, Outcome};

/// The catalogue as a folder.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip catalog sample goods/
  scrip catalog apply goods/")]
pub struct CatalogArgs {
    #[command(subcommand)]
    command: CatalogCommand,
}

#[derive(Debug, Subcommand)]
enum CatalogCommand {
    /// Make a running server's catalogue equal to a folder
    #[command(after_help = APPLY_EXAMPLE)]
    Apply(ApplyArgs),
    /// Write a running server's catalogue as a folder
    #[command(after_help = EXPORT_EXAMPLE)]
    Export(ExportArgs),
    /// Write the sample catalogue that the demo sells
    #[command(after_help = SAMPLE_EXAMPLE)]
    Sample(SampleArgs),
}

const APPLY_EXAMPLE: &str = "\
Shows what would change, then asks. What the folder has no more is archived, never deleted.

Example:
  scrip catalog apply shop/ --server https://shop.example --admin-key key_...

Exit codes: 0 done, or nothing to do; 1 not done, and why; 2 called in a way that cannot work";

const EXPORT_EXAMPLE: &str = "\
The folder can be applied again, here or on another server.

Example:
  scrip catalog export copy-of-shop/ --server https://shop.example --admin-key key_...";

const SAMPLE_EXAMPLE: &str = "\
Real goods to start from or to try things with: a program, data, sounds, textures, a book, a service,
and 212 MB of noise, made on the spot. Its prices are in AUR with four decimals.

Example:
  scrip catalog sample goods/
  scrip catalog apply goods/ --dry-run";

#[derive(Debug, Args)]
struct SampleArgs {
    /// The folder to write; it must be empty, or not there yet
    dir: PathBuf,
}

#[derive(Debug, Args)]
struct ApplyArgs {
    /// The folder with catalog.toml
    dir: PathBuf,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, Args)]
struct ExportArgs {
    /// The folder to write; it must be empty, or not there yet
    dir: PathBuf,
    #[command(flatten)]
    remote: Remote,
}

impl CatalogArgs {
    /// Does it.
    pub fn run(self) -> Outcome {
        match self.command {
            CatalogCommand::Apply(args) => one_thread(args.run()),
            CatalogCommand::Export(args) => one_thread(args.run()),
            CatalogCommand::Sample(args) => args.run(),
        }
    }
}

impl ApplyArgs {
    async fn run(self) -> Outcome {
        let admin = self.remote.admin()?;
        let token = remote::token(&admin).await?;
        let wanted = read(&self.dir, &token).await?;
        let there = remote::catalog(&admin).await?;
        let difference = diff(&there, &wanted);
        if !difference.impossible.is_empty() {
            let all = difference.impossible.join("\n  ");
            return Err(Failure::new(format!("the folder asks for what cannot be:\n  {all}")));
        }
        let missing = apply::missing(&admin, &wanted, &difference).await?;
        let uploads = show::uploads(missing.values().copied());
        let bytes: u64 = missing.values().map(|object| object.size).sum();
        let told = json!({
            "difference": difference.products,
            "upload": {"files": missing.len(), "bytes": bytes},
        });
        if difference.is_empty() {
            self.say(&told, false, "nothing to do: the catalogue is like the folder");
            return Ok(());
        }
        if !self.remote.json {
            print(&format!("{}, {uploads}", show::difference(&difference, &wanted)));
        }
        if self.dry_run {
            self.say(&told, false, "nothing was changed: this was a dry run");
            return Ok(());
        }
        self.consent()?;
        self.apply(&admin, &wanted, &token, &difference).await?;
        self.say(&told, true, "done: the catalogue is like the folder");
        Ok(())
    }

    async fn apply(
        &self,
        admin: &Admin,
        wanted: &Catalog,
        token: &Token,
        difference: &Difference,
    ) -> Outcome {
        let progress = |step: &str| {
            if !self.remote.json {
                print(&format!("{step} ..."));
            }
        };
        let applied = apply::apply(admin, wanted, token, difference, &progress).await;
        applied.map_err(|failure| {
            failure.advise("What was done so far stays; the same command goes on from there.")
        })
    }

    fn say(&self, told: &Value, applied: bool, sentence: &str) {
        if !self.remote.json {
            return print(sentence);
        }
        let mut told = told.clone();
        told["applied"] = applied.into();
        print(&told);
    }

    /// Asks the person, unless told not to.
    fn consent(&self) -> Outcome {
        if self.yes {
            return Ok(());
        }
        if self.remote.json || !std::io::stdin().is_terminal() {
            return Err(Failure::usage("nobody can be asked here, and nothing was changed")
                .advise("Give --yes to apply the difference, or --dry-run to see it."));
        }
        let mut out = std::io::stdout().lock();
        let _ = write!(out, "Apply? [y/N] ").and_then(|()| out.flush());
        let mut answer = String::new();
        let _ = std::io::stdin().read_line(&mut answer);
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        Err(Failure::new("nothing was changed"))
    }
}

/// Reads the folder on a thread that may block: files are large.
async fn read(dir: &Path, token: &Token) -> Outcome<Catalog> {
    let (dir, token) = (dir.to_owned(), token.clone());
    let read = tokio::task::spawn_blocking(move || folder::read(&dir, &token)).await;
    let catalog = read.map_err(|error| Failure::of(&error))?;
    catalog.map_err(|mistakes| {
        Failure::new(mistakes.to_string()).advise("Nothing was sent. Mend it, and apply it again.")
    })
}

fn must_be_empty(dir: &Path) -> Outcome {
    match folder::is_empty(dir) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::usage(format!("{} is not empty", dir.display()))
            .advise("Nothing is ever written over: give a new folder.")),
        Err(error) => Err(Failure::new(format!("cannot read {}: {error}", dir.display()))),
    }
}

impl SampleArgs {
    fn run(&self) -> Outcome {
        must_be_empty(&self.dir)?;
        let dir = self.dir.display();
        goods::prepare(&self.dir, goods::Shelf::Whole, "AUR", None)
            .map_err(|error| Failure::new(format!("cannot write {dir}: {error}")))?;
        print(&format!("{dir} can be applied: scrip catalog apply {dir}"));
        Ok(())
    }
}

impl ExportArgs {
    async fn run(self) -> Outcome {
        must_be_empty(&self.dir)?;
        let admin = self.remote.admin()?;
        let token = remote::token(&admin).await?;
        let catalog = remote::catalog(&admin).await?;
        export::export(&admin, &catalog, &token, &self.dir).await?;
        let (products, path) = (catalog.products.len(), self.dir.display().to_string());
        let told = json!({"folder": path, "products": products});
        self.remote.tell(&told, |_| format!("{products} products in {path}"));
        Ok(())
    }
}
