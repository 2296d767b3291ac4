//! Objects: the bytes of the catalogue in a local folder, each under the SHA-256 of its content.
//!
//! ```text
//! objects/upload-0-17        being written; gone when the upload is cut, or at the next start
//! objects/ab/abcdef…         whole, synced, never changed
//! ```
//!
//! A name is made from a [`Digest`] only, so no path from outside is ever joined. What has its name
//! is whole: the bytes are synced before they get it, and the name is synced before anybody is told.

mod read;
mod write;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{Stream, StreamExt};
use scrip_license::Digest;
use scrip_storage::{Blocking, Fault};

pub use read::{Chunk, Chunks, Object};
pub use write::Upload;

use crate::Outcome;
use crate::objects::read::Pool;

/// A folder of objects.
#[derive(Clone, Debug)]
pub struct Objects {
    shelf: Arc<Shelf>,
    pool: Arc<Pool>,
    blocking: Blocking,
}

/// Where things lie.
#[derive(Debug)]
struct Shelf {
    folder: PathBuf,
    server: u8,
    uploads: AtomicU64,
}

/// An object that was put away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub sha256: Digest,
    /// Bytes.
    pub size: u64,
}

/// Why nothing was put away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutRefusal {
    /// The bytes ended too early.
    Cut,
    /// The bytes have another digest than was declared.
    OtherDigest(Digest),
}

impl Objects {
    /// The objects in `folder`, which is made if it is missing.
    ///
    /// What an earlier process of the same `server` number was uploading when it died is removed.
    pub fn open(folder: &Path, server: u8, blocking: Blocking) -> Result<Self, Fault> {
        let shelf = Shelf { folder: folder.to_owned(), server, uploads: AtomicU64::new(0) };
        shelf.prepare().map_err(|error| fault(&error))?;
        Ok(Self { shelf: Arc::new(shelf), pool: Arc::default(), blocking })
    }

    /// Begins an upload. Dropped before it is finished, it leaves nothing.
    pub fn upload(&self) -> Upload {
        Upload::begin(self.shelf.clone(), self.blocking)
    }

    /// Puts away what `bytes` bring, in constant memory; `declared` is what their digest must be.
    pub async fn put<B: AsRef<[u8]>, E>(
        &self,
        bytes: impl Stream<Item = Result<B, E>>,
        declared: Option<Digest>,
    ) -> Outcome<Stored, PutRefusal> {
        let mut upload = self.upload();
        let mut bytes = std::pin::pin!(bytes);
        while let Some(part) = bytes.next().await {
            match part {
                Ok(part) => upload.write(part.as_ref()).await?,
                Err(_) => return Ok(Err(PutRefusal::Cut)),
            }
        }
        upload.finish(declared).await
    }

    /// How many bytes the object has; `None` when there is none of this name.
    pub async fn size(&self, sha256: Digest) -> Result<Option<u64>, Fault> {
        Ok(self.get(sha256).await?.map(|object| object.size()))
    }

    /// The object, to be read; `None` when there is none of this name.
    pub async fn get(&self, sha256: Digest) -> Result<Option<Object>, Fault> {
        let path = self.shelf.path(sha256);
        let opened = Job::start(self.blocking, move || open(&path));
        match opened.wait().await? {
            Ok((file, size)) => Ok(Some(Object::new(file, size, self.pool.clone(), self.blocking))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(&error)),
        }
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
    fn draft(&self) -> PathBuf {
        let number = self.uploads.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("{}{number}", self.unfinished()))
    }

    /// Where the object lies. Two symbols make 256 folders, so that none holds too many names.
    fn path(&self, sha256: Digest) -> PathBuf {
        let name = sha256.to_string();
        self.folder.join(name.get(..2).unwrap_or_default()).join(name)
    }
}

/// Work that blocks its thread, done or under way.
#[derive(Debug)]
enum Job<T> {
    Done(T),
    Running(tokio::task::JoinHandle<T>),
}

impl<T: Send + 'static> Job<T> {
    fn start(blocking: Blocking, work: impl FnOnce() -> T + Send + 'static) -> Self {
        match blocking {
            Blocking::Inline => Self::Done(work()),
            Blocking::Threads => Self::Running(tokio::task::spawn_blocking(work)),
        }
    }

    async fn wait(self) -> Result<T, Fault> {
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
fn fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Fault::Full
        }
        _ => Fault::Unavailable(format!("the folder of objects: {error}")),
    }
}

#[cfg(test)]
mod tests;
