//! `scrip backup`: everything that a server needs, in one file.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use rustix::fs::{FlockOperation, flock};
use scrip_domain::role::Role;
use scrip_domain::{Clock, Timestamp};
use scrip_storage::copy::{self, Blank, Snapshot};
use serde_json::json;

use super::doctor::read_only;
use super::one_thread;
use super::remote::print;
use super::serve::ConfigFile;
use crate::backup::passphrase::PassphraseArgs;
use crate::backup::progress::{Progress, Telling};
use crate::backup::{self, Contents, End, FORM, Manifest, Unusable};
use crate::clock::SystemClock;
use crate::config::{self, Config, Database};
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome};
use crate::server::objects;
use crate::vault::Vault;

/// What to back up, and where to.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip backup /backups/shop-2026-11-29.age --config shop/scrip.toml --passphrase-file /etc/scrip/passphrase
  scrip backup --verify /backups/shop-2026-11-29.age --passphrase-file /etc/scrip/passphrase

In it: the books as they are in one moment, keys, master secret, configuration and the secret files in its folder; with
--with-files also the goods. The server may go on serving. The file is age v1 (age-encryption.org) to a passphrase, and
inside a tar: `age --decrypt FILE | tar -t` looks into it. Exit code 0 when it was written, or is good; 1 when not; 2 when the
command cannot work; 3 when the file to verify cannot be opened or is damaged. docs/backup.md says the rest.")]
pub struct BackupArgs {
    /// The file, which must not be there yet; with --verify the one to look at
    file: PathBuf,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// The bytes of the goods, too
    #[arg(long)]
    with_files: bool,
    /// Where the copy of the books lies meanwhile, unencrypted; the server's data folder without it
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Read a backup whole and say whether it is good; nothing is written
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    telling: Telling,
}

impl BackupArgs {
    pub fn run(&self) -> Outcome {
        if self.verify { self.look() } else { self.make() }
    }

    fn look(&self) -> Outcome {
        let passphrase = self.passphrase.know()?;
        let mut progress = Progress::new(self.telling.quiet);
        let read = backup::verify(&self.file, &passphrase, &mut progress);
        let read = read.map_err(|unusable| unusable_file(&self.file, &unusable))?;
        drop(progress);
        self.tell("is whole", &read.manifest, read.end);
        Ok(())
    }

    fn make(&self) -> Outcome {
        let config = self.config.load()?;
        if fs::symlink_metadata(&self.file).is_ok() {
            let what = format!("{} is there already", self.file.display());
            return Err(Failure::new(what).advise("Name another file: nothing is written over."));
        }
        let passphrase = self.passphrase.choose()?;
        let mut progress = Progress::new(self.telling.quiet);
        let scratch = Scratch::take(self.scratch.as_ref().unwrap_or(&config.data))?;
        room_for(&config.database, &scratch.folder)?;
        let mut manifest = one_thread(manifest_of(&config))?;
        let books = scratch.folder.join("books.db");
        manifest.tables = one_thread(books_of(&config.database, &books, &mut progress))?;
        // After the books: what was made since is more than they name, and never less.
        let contents = Contents {
            books,
            keys: Vault::within(&config.data).contents()?,
            config: self.config_of(&config)?,
            objects: self.with_files.then(|| objects::look(&config)).transpose()?,
        };
        manifest.with_files = self.with_files;
        let packed = backup::pack(
            &self.file,
            &passphrase,
            manifest,
            &contents,
            &SystemEntropy,
            &mut progress,
        );
        let (manifest, end) = packed.map_err(|error| {
            Failure::new(format!("cannot write {}: {error}", self.file.display()))
        })?;
        drop(progress);
        self.tell("is written", &manifest, end);
        Ok(())
    }

    /// The configuration as it stands, and those of its secret files that lie in its folder.
    fn config_of(&self, config: &Config) -> Outcome<Vec<(String, Vec<u8>)>> {
        let path = self.config.path();
        let text = fs::read(path)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
        let mut all = vec![(config::FILE.to_owned(), text)];
        let folder = path.parent().unwrap_or(Path::new(""));
        for secret in config.secret_files() {
            match secret.strip_prefix(folder).ok().and_then(Path::to_str) {
                Some(name) if !name.split('/').any(|part| part == ".." || part.is_empty()) => {
                    let read = fs::read(&secret).map_err(|error| {
                        Failure::new(format!("cannot read {}: {error}", secret.display()))
                    });
                    all.push((name.to_owned(), read?));
                }
                _ => eprintln!(
                    "warning: {} lies outside the configuration's folder, and is not in the backup",
                    secret.display()
                ),
            }
        }
        Ok(all)
    }

    fn tell(&self, what: &str, manifest: &Manifest, end: End) {
        if self.telling.json {
            print(&json!({
                "file": self.file, "at": manifest.at, "server": manifest.server, "name": manifest.name,
                "roles": manifest.roles, "epoch": manifest.epoch, "schema": manifest.schema,
                "rows": manifest.rows(), "with_files": manifest.with_files, "objects": end.objects,
            }));
            return;
        }
        let goods = if manifest.with_files {
            format!("{} files of goods", end.objects)
        } else {
            "no goods (--with-files)".to_owned()
        };
        print(&format!(
            "{} {what}: {} as of {}, {} rows, {goods}.",
            self.file.display(),
            manifest.name,
            manifest.at,
            manifest.rows(),
        ));
    }
}

/// Why a backup cannot be used, and what to do about it.
pub fn unusable_file(path: &Path, unusable: &Unusable) -> Failure {
    use crate::backup::age::Unopened;
    let failure = Failure::new(format!("{}: {unusable}", path.display())).with_code(3);
    match unusable {
        Unusable::Unopened(Unopened::Passphrase) => {
            failure.advise("It is the passphrase that the backup was made with.")
        }
        Unusable::Unopened(Unopened::Damaged(_)) | Unusable::Wrong(_) => {
            failure.advise("Nothing of it was used. Take another copy, or an older backup.")
        }
        Unusable::Unwritten { .. } => failure.with_code(1),
        _ => failure,
    }
}

/// What the manifest says of the server; the time is taken before the books are.
async fn manifest_of(config: &Config) -> Outcome<Manifest> {
    let at = SystemClock.now();
    let store = read_only(&config.database).await?;
    let failed = |fault| Failure::of(&fault);
    let vendor = store.vendor().await.map_err(failed)?;
    let vendor = vendor.ok_or_else(|| Failure::new("there is no vendor in this database yet"))?;
    let epoch = store.epoch().await.map_err(failed)?;
    Ok(Manifest {
        form: FORM,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema: copy::schema().to_owned(),
        server: vendor.id.to_string(),
        name: vendor.settings.name,
        roles: config.roles.iter().map(Role::as_str).map(str::to_owned).collect(),
        provider: config.provider.clone(),
        epoch: epoch.map_or(scrip_domain::restore::FIRST_EPOCH, |epoch| epoch.number),
        at: at.to_string(),
        with_files: false,
        members: Vec::new(),
        tables: Vec::new(),
    })
}

/// The books as they are now, in a SQLite file of their own.
async fn books_of(
    database: &Database,
    into: &Path,
    progress: &mut Progress,
) -> Outcome<Vec<backup::InTable>> {
    let failed = |fault| Failure::new(format!("cannot copy the books: {fault}"));
    let mut told = |table: &str, rows| progress.rows(table, rows);
    let copied = match database {
        Database::Sqlite(path) => {
            copy::duplicate(path, into).map_err(failed)?;
            None
        }
        Database::Postgres(url) => {
            let snapshot = Snapshot::postgres(url).await.map_err(failed)?;
            let mut blank = Blank::sqlite(into).map_err(failed)?;
            let sums = snapshot.copy(&mut blank, &mut told).await.map_err(failed)?;
            blank.finish().await.map_err(failed)?;
            Some(sums)
        }
    };
    let snapshot = Snapshot::sqlite(into).map_err(failed)?;
    let sums = snapshot.sums(&mut told).await.map_err(failed)?;
    if let Some(difference) = copied.and_then(|copied| copy::difference(&copied, &sums)) {
        return Err(Failure::new(format!("the copy of the books is not the same: {difference}")));
    }
    Ok(sums.into_iter().map(backup::InTable::from).collect())
}

/// The room that is left to the server whose books are copied.
const SPARE: u64 = 512 << 20;

/// Refuses a copy for which there is no room: a full disk would stop the shop.
fn room_for(database: &Database, folder: &Path) -> Outcome {
    let Database::Sqlite(path) = database else { return Ok(()) };
    let size = fs::metadata(path).map_or(0, |file| file.len());
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    match lack(free, size) {
        None => Ok(()),
        Some(what) => {
            Err(Failure::new(what).advise("Name a folder on another disk with --scratch."))
        }
    }
}

/// What is said where a copy of `size` bytes does not fit: never less than is asked for.
fn lack(free: u64, size: u64) -> Option<String> {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    (free < size.saturating_add(SPARE)).then(|| {
        format!(
            "{} MiB are free, and {} are needed: {} for the copy of the books, and {} that are left to the server",
            free >> 20,
            mib(size) + mib(SPARE),
            mib(size),
            mib(SPARE),
        )
    })
}

/// Where the copy of the books lies while it is packed: beside the books, behind the same door. One at a time.
struct Scratch {
    folder: PathBuf,
    _lock: fs::File,
}

impl Scratch {
    fn take(data: &Path) -> Outcome<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let folder = data.join(".backup");
        let cannot = |error| Failure::new(format!("cannot write to {}: {error}", data.display()));
        // The folder itself: a file of root's would shut out everybody else later.
        let lock = fs::File::open(data).map_err(cannot)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| Failure::new("another backup of this server is under way"))?;
        // What one that was killed has left.
        drop(fs::remove_dir_all(&folder));
        fs::DirBuilder::new().mode(0o700).create(&folder).map_err(cannot)?;
        Ok(Self { folder, _lock: lock })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is taken away by the next one.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The time in a manifest.
pub fn time_of(manifest: &Manifest) -> Outcome<Timestamp> {
    Timestamp::parse(&manifest.at)
        .ok_or_else(|| Failure::new("the backup does not say of when it is").with_code(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_too_full_is_told_with_all_that_is_needed() {
        assert_eq!(lack(SPARE + 10, 10), None);
        assert_eq!(
            lack(700 << 10, 300 << 10).unwrap(),
            "0 MiB are free, and 513 are needed: 1 for the copy of the books, and 512 that are left to the server"
        );
    }
}
