//! Objects in a local folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use scrip_license::Digest;
use scrip_storage::{Blocking, Fault};

use super::read::{Opened, Pool};
use super::{path_of, write};

/// A folder of objects.
#[derive(Clone, Debug)]
pub struct InFolder {
    shelf: Arc<Shelf>,
    pool: Arc<Pool>,
    blocking: Blocking,
}

/// Where things lie.
#[derive(Debug)]
pub struct Shelf {
    pub folder: PathBuf,
    server: u8,
    uploads: AtomicU64,
}

impl InFolder {
    /// The objects in `folder`, which is made if it is missing and cleared of what was left unfinished.
    pub fn open(folder: &Path, server: u8, blocking: Blocking) -> Result<Self, Fault> {
        let shelf = Shelf { folder: folder.to_owned(), server, uploads: AtomicU64::new(0) };
        shelf.prepare().map_err(|error| fault(&error))?;
        Ok(Self { shelf: Arc::new(shelf), pool: Arc::default(), blocking })
    }

    /// The objects in `folder`, which is left as it is.
    pub fn look(folder: &Path, blocking: Blocking) -> Self {
        let shelf = Shelf { folder: folder.to_owned(), server: 0, uploads: AtomicU64::new(0) };
        Self { shelf: Arc::new(shelf), pool: Arc::default(), blocking }
    }

    pub fn upload(&self, sha256: Option<Digest>) -> write::Upload {
        write::Upload::begin(self.shelf.clone(), self.blocking, sha256)
    }

    pub async fn get(&self, sha256: Digest) -> Result<Option<Opened>, Fault> {
        let path = self.shelf.path(sha256);
        let opened = Job::start(self.blocking, move || open(&path));
        match opened.wait().await? {
            Ok((file, size)) => Ok(Some(Opened::new(file, size, self.pool.clone(), self.blocking))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(&error)),
        }
    }

    pub async fn all(&self) -> Result<BTreeMap<Digest, u64>, Fault> {
        let shelf = self.shelf.clone();
        let all = Job::start(self.blocking, move || shelf.all());
        all.wait().await?.map_err(|error| fault(&error))
    }
}

impl Shelf {
    /// Makes the folder, and clears away what was left unfinished.
    fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let unfinished = self.unfinished();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&unfinished)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// How the names of this server's unfinished uploads begin.
    fn unfinished(&self) -> String {
        format!("upload-{}-", self.server)
    }

    /// A new name for an upload.
    pub fn draft(&self) -> PathBuf {
        let number = self.uploads.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("{}{number}", self.unfinished()))
    }

    /// Where the object lies.
    pub fn path(&self, sha256: Digest) -> PathBuf {
        self.folder.join(path_of(sha256))
    }

    fn all(&self) -> io::Result<BTreeMap<Digest, u64>> {
        let mut all = BTreeMap::new();
        for shelf in fs::read_dir(&self.folder)? {
            let shelf = shelf?.path();
            if !shelf.is_dir() {
                continue;
            }
            for entry in fs::read_dir(shelf)? {
                let entry = entry?;
                let name = entry.file_name().to_str().and_then(|name| name.parse().ok());
                if let Some(name) = name {
                    all.insert(name, entry.metadata()?.len());
                }
            }
        }
        Ok(all)
    }
}

/// Work that blocks its thread, done or under way.
#[derive(Debug)]
pub enum Job<T> {
    Done(T),
    Running(tokio::task::JoinHandle<T>),
}

impl<T: Send + 'static> Job<T> {
    pub fn start(blocking: Blocking, work: impl FnOnce() -> T + Send + 'static) -> Self {
        match blocking {
            Blocking::Inline => Self::Done(work()),
            Blocking::Threads => Self::Running(tokio::task::spawn_blocking(work)),
        }
    }

    pub async fn wait(self) -> Result<T, Fault> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Running(handle) => {
                handle.await.map_err(|_| Fault::Bug("work on an object panicked".into()))
            }
        }
    }
}

/// Opens the file at `path`, with its size.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        Ok((file, metadata.len()))
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// An I/O error of the folder: a full disk is told from all others.
pub fn fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Fault::Full
        }
        _ => Fault::Objects(format!("the folder of objects: {error}")),
    }
}
