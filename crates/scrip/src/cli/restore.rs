//! `scrip restore`: a server's folder from a backup, in an empty place.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use scrip_domain::restore::Epoch;
use scrip_domain::role::{Role, Roles};
use scrip_domain::{Clock, Timestamp};
use scrip_engine::doctor::{Report, examine};
use scrip_engine::{Fault, Objects, restore};
use scrip_storage::Blocking;
use scrip_storage::copy::{self, Blank, Snapshot};
use serde_json::json;

use super::backup::{time_of, unusable_file};
use super::doctor::{read_only, show};
use super::init::{clear, empty, write_private};
use super::one_thread;
use super::remote::print;
use crate::backup::passphrase::PassphraseArgs;
use crate::backup::progress::{Progress, Telling};
use crate::backup::{self, Manifest};
use crate::clock::SystemClock;
use crate::config::{self, Config, Database};
use crate::failure::{Failure, Outcome};
use crate::server::books::Books;
use crate::server::objects;
use crate::vault::Vault;

/// Which backup, and where to.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip restore /backups/shop-2026-11-29.age shop --passphrase-file /etc/scrip/passphrase
  scrip restore shop.age shop --database postgres://scrip@db.example/scrip

Whatever database the backup was made from, it is restored into either: a SQLite file in the folder, or an empty PostgreSQL
database. Older backups are brought up to date. The books are examined first; backups whose books are not whole are refused,
with what is wrong. A new epoch begins: a server that deals with others hears from them what happened since the backup before it
goes on (`scrip admin restore`). Exit code 0 when the folder can be served; 1 when it could not be made; 2 when the command cannot
work; 3 when the backup cannot be opened, is damaged, or is of a later version; 4 when its books are not whole.")]
pub struct RestoreArgs {
    /// The backup
    file: PathBuf,
    /// The folder, which must be empty or new
    dir: PathBuf,
    /// The URL of an empty PostgreSQL database; a SQLite file in the folder without it
    #[arg(long, value_name = "URL", hide_env_values = true)]
    database: Option<String>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    telling: Telling,
}

/// What was made.
struct Made {
    manifest: Manifest,
    epoch: Epoch,
    waits: usize,
    objects: u64,
}

impl RestoreArgs {
    pub fn run(&self) -> Outcome {
        if let Some(url) = &self.database
            && !url.starts_with("postgres://")
            && !url.starts_with("postgresql://")
        {
            return Err(Failure::usage("--database is a postgres:// URL")
                .advise("Without it, a SQLite file in the folder is made."));
        }
        if let Some(variable) = config::database_variable(&config::environment()) {
            return Err(Failure::usage(format!(
                "{variable} in the environment names a database, whatever the restored configuration will say; nothing was \
                 changed"
            ))
            .advise(format!(
                "Restore without {variable}, and say with --database where the books are to be. Take it from where the \
                 server is started, too, or have it name the same."
            )));
        }
        let passphrase = self.passphrase.know()?;
        let is_new = empty(&self.dir)?;
        let made = self.make(&passphrase);
        if made.is_err() {
            // It was empty before, and half a server helps nobody.
            clear(&self.dir, is_new);
        }
        self.tell(&made?);
        Ok(())
    }

    fn make(&self, passphrase: &str) -> Outcome<Made> {
        let mut progress = Progress::new(self.telling.quiet);
        let read = backup::unpack(&self.file, passphrase, &self.dir, &mut progress);
        let read = read.map_err(|unusable| unusable_file(&self.file, &unusable))?;
        let (manifest, at) = (read.manifest, SystemClock.now());
        let since = time_of(&manifest)?;
        if at < since {
            return Err(Failure::new(format!(
                "the clock of this machine says {at}, which is before the backup ({since})"
            ))
            .advise("Set the clock right: new ids must come after those that were given."));
        }
        let objects = self.dir.join("objects");
        fs::create_dir_all(&objects)
            .map_err(|error| Failure::new(format!("cannot make {}: {error}", objects.display())))?;
        let books = self.dir.join(backup::BOOKS_IN_FOLDER);
        let (epoch, waits) = one_thread(self.books(&manifest, &books, (since, at), &mut progress))?;
        let (database, value) = match &self.database {
            Some(url) => {
                forget(&books);
                (Database::Postgres(url.clone()), url.as_str())
            }
            None => (Database::Sqlite(books), backup::BOOKS_IN_FOLDER),
        };
        self.configure(&read.config, value, &database)?;
        if read.end.objects > 0 {
            self.put_in_bucket(&objects);
        }
        Ok(Made { manifest, epoch, waits, objects: read.end.objects })
    }

    /// The books brought up to date, examined, and in a new epoch; and then where they are to be.
    async fn books(
        &self,
        manifest: &Manifest,
        books: &Path,
        (since, at): (Timestamp, Timestamp),
        progress: &mut Progress,
    ) -> Outcome<(Epoch, usize)> {
        let failed = |fault| Failure::of(&fault);
        let file = Database::Sqlite(books.to_owned());
        // Opened once as a server does, which brings older books up to date.
        let Books { store, writing, .. } = Books::open(&file, Arc::new(SystemClock)).await?;
        drop(store);
        writing.close().await?;
        let keys = Vault::within(&self.dir).open()?;
        let report = examine(&read_only(&file).await?, &keys).await.map_err(failed)?;
        if !report.is_sound() {
            return Err(not_whole(&report));
        }
        let place = match &self.database {
            None => file,
            Some(url) => {
                move_books(&Snapshot::sqlite(books).map_err(failed)?, url, progress).await?;
                let database = Database::Postgres(url.clone());
                let there = examine(&read_only(&database).await?, &keys).await.map_err(failed)?;
                if !there.is_sound() {
                    return Err(not_whole(&there));
                }
                database
            }
        };
        let Books { store, writing, .. } = Books::open(&place, Arc::new(SystemClock)).await?;
        let roles = roles_of(manifest)?;
        let provider = manifest.provider.as_deref();
        let epoch = restore::begin(&store, since, at, &roles, provider).await.map_err(failed)?;
        let waits = store.reunions(epoch.number).await.map_err(failed)?.len();
        drop(store);
        writing.close().await?;
        Ok((epoch, waits))
    }

    /// Where the goods are to lie in a bucket, those that it lacks are put there, and the folder is emptied.
    fn put_in_bucket(&self, folder: &Path) {
        let path = self.dir.join(config::FILE);
        let config = Config::load(&path, &config::environment());
        let put = config.and_then(|config| match objects::bucket(&config)? {
            None => Ok(()),
            Some(bucket) => {
                let there = Objects::in_bucket(bucket, config.server_number);
                one_thread(objects::copy(&Objects::look(folder, Blocking::Inline), &there))?;
                fs::remove_dir_all(folder).and_then(|()| fs::create_dir(folder)).map_err(|error| {
                    Failure::new(format!("cannot empty {}: {error}", folder.display()))
                })
            }
        });
        if let Err(failure) = put {
            // Everything else is restored, and they are at hand.
            eprintln!("warning: the goods are not in the bucket: {failure}");
            let folder = folder.display();
            eprintln!(
                "  Copy {folder}/ there, below objects/, by any tool: the names are the same."
            );
        }
    }

    /// The configuration, with the database where it is now. Last: without it nothing is served.
    fn configure(&self, text: &[u8], value: &str, database: &Database) -> Outcome {
        let text = String::from_utf8(text.to_vec())
            .map_err(|_| Failure::new("the configuration in the backup is no text").with_code(3))?;
        let text = config::with_database(&text, value, true);
        let path = self.dir.join(config::FILE);
        write_private(&path, &text)
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
        let read = Config::load(&path, &config::Environment::new());
        if read.is_ok_and(|config| config.database == *database) {
            return Ok(());
        }
        let path = path.display();
        eprintln!("warning: look at {path}: it must name database = {value:?} and data = \".\"");
        Ok(())
    }

    fn tell(&self, made: &Made) {
        let Made { manifest, epoch, waits, objects } = made;
        let config = self.dir.join(config::FILE);
        if self.telling.json {
            print(&json!({
                "config": config, "server": manifest.server, "name": manifest.name, "at": manifest.at,
                "rows": manifest.rows(), "objects": objects, "epoch": epoch.number, "peers": waits,
            }));
            return;
        }
        let mut lines = vec![format!(
            "{} is {} as of {}: {} rows, and the books are whole. Epoch {}.",
            self.dir.display(),
            manifest.name,
            manifest.at,
            manifest.rows(),
            epoch.number,
        )];
        if !manifest.with_files {
            lines.push(format!(
                "The goods are not in the backup: copy objects/ of the old server into {}.",
                self.dir.display()
            ));
        }
        if *waits > 0 {
            lines.push(format!(
                "It asks {waits} other servers what happened since: `scrip admin restore` shows how far that is."
            ));
        }
        lines.push(format!("\nNext:\n  scrip serve --config {}", config.display()));
        print(&lines.join("\n"));
    }
}

fn roles_of(manifest: &Manifest) -> Outcome<Roles> {
    let unknown = || Failure::new("the backup is of a server in a role that is unknown here");
    let roles = manifest.roles.iter().map(|word| Role::parse(word)).collect::<Option<Vec<_>>>();
    Roles::new(&roles.ok_or_else(unknown)?).map_err(|_| unknown())
}

/// Takes away the SQLite file whose books are on PostgreSQL now, and what lies beside it.
fn forget(books: &Path) {
    for ending in ["db", "lock", "db-wal", "db-shm"] {
        // What stays is not named by the configuration, and read by nobody.
        drop(fs::remove_file(books.with_extension(ending)));
    }
}

/// The refusal of books that are not whole, with what is wrong.
pub fn not_whole(report: &Report) -> Failure {
    let names: Vec<_> = report.unsound().map(|check| check.name.as_str()).collect();
    eprintln!("{}", show(report));
    Failure::new(format!("the books are not whole: {}", names.join(", ")))
        .advise("Nothing was restored. Take an older backup, or have the books looked at.")
        .with_code(4)
}

/// Copies the books into an empty PostgreSQL database, and proves that they are the same.
pub async fn move_books(from: &Snapshot, url: &str, progress: &mut Progress) -> Outcome {
    let failed = |fault| Failure::new(format!("cannot copy the books: {fault}"));
    let mut told = |table: &str, rows| progress.rows(table, rows);
    let mut blank = Blank::postgres(url).await.map_err(|fault| match fault {
        Fault::Unfit(_) => failed(fault).advise("Name an empty database; this one is as it was."),
        fault => failed(fault),
    })?;
    let here = from.copy(&mut blank, &mut told).await.map_err(failed)?;
    blank.finish().await.map_err(failed)?;
    let there = Snapshot::postgres(url).await.map_err(failed)?;
    let there = there.sums(&mut told).await.map_err(failed)?;
    match copy::difference(&here, &there) {
        None => Ok(()),
        Some(what) => Err(Failure::new(format!("the copy is not the same: {what}"))
            .advise("Empty that database and try again; nothing else was changed.")),
    }
}
