//! Writing: bytes come in small parts, are gathered, and go to disk and hash in large ones.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrip_license::Digest;
use scrip_storage::{Blocking, Fault};

use super::folder::{Job, Shelf, fault};
use super::{Hashes, PutRefusal, Stored};
use crate::Outcome;

/// Bytes that are hashed and written at once.
const PART: usize = 1 << 20;
/// What stays free on the disk for the books: the same that stops the writer.
const DISK_RESERVE: u64 = 64 << 20;

/// An upload under way. While one part is written, the next one is gathered: two parts of memory,
/// however large the object is.
#[derive(Debug)]
pub struct Upload {
    blocking: Blocking,
    declared: Option<Digest>,
    gathered: Vec<u8>,
    /// The part before.
    writing: Option<Job<Written>>,
}

impl Upload {
    pub fn begin(shelf: Arc<Shelf>, blocking: Blocking, declared: Option<Digest>) -> Self {
        let create = move || {
            let draft = Draft::create(shelf).map_err(|error| fault(&error))?;
            Ok((draft, Vec::with_capacity(PART)))
        };
        let writing = Some(Job::start(blocking, create));
        Self { blocking, declared, gathered: Vec::with_capacity(PART), writing }
    }

    /// Takes the next bytes.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let room = PART.saturating_sub(self.gathered.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.gathered.extend_from_slice(now);
            bytes = later;
            if self.gathered.len() >= PART {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Puts the object away under its digest, which must be the one that was declared, if one was.
    pub async fn finish(mut self) -> Outcome<Stored, PutRefusal> {
        self.flush().await?;
        let (draft, _) = self.written().await?;
        let declared = self.declared;
        let publish = Job::start(self.blocking, move || draft.publish(declared));
        publish.wait().await?.map_err(|error| fault(&error))
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        let (mut draft, empty) = self.written().await?;
        let mut part = std::mem::replace(&mut self.gathered, empty);
        let write = move || {
            draft.write(&part).map_err(|error| fault(&error))?;
            part.clear();
            Ok((draft, part))
        };
        self.writing = Some(Job::start(self.blocking, write));
        Ok(())
    }

    async fn written(&mut self) -> Written {
        let failed = || Fault::Bug("an upload went on after it failed".into());
        self.writing.take().ok_or_else(failed)?.wait().await?
    }
}

/// The draft, and an empty part to gather the next bytes in.
type Written = Result<(Draft, Vec<u8>), Fault>;

/// A file without its name yet.
#[derive(Debug)]
struct Draft {
    shelf: Arc<Shelf>,
    file: File,
    path: Unfinished,
    hashes: Hashes,
}

impl Draft {
    fn create(shelf: Arc<Shelf>) -> io::Result<Self> {
        let path = shelf.draft();
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok(Self { shelf, file, path: Unfinished(path), hashes: Hashes::default() })
    }

    fn write(&mut self, part: &[u8]) -> io::Result<()> {
        room_on_disk(&self.shelf.folder)?;
        self.hashes.update(part);
        self.file.write_all(part)
    }

    fn publish(self, declared: Option<Digest>) -> io::Result<Result<Stored, PutRefusal>> {
        let stored = self.hashes.finish();
        if declared.is_some_and(|declared| stored.sha256 != declared) {
            return Ok(Err(PutRefusal::OtherDigest(stored.sha256)));
        }
        self.file.sync_all()?;
        let path = self.shelf.path(stored.sha256);
        let folder = path.parent().unwrap_or(&self.shelf.folder);
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            File::open(&self.shelf.folder)?.sync_all()?;
        }
        // Over an older copy too: the same bytes, and a damaged copy is repaired by sending it again.
        fs::rename(&self.path.0, &path)?;
        File::open(folder)?.sync_all()?;
        Ok(Ok(stored))
    }
}

/// Removes the file when it goes out of use; after a rename there is nothing left to remove.
#[derive(Debug)]
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        drop(fs::remove_file(&self.0));
    }
}

/// Goods must not take the room that the books need.
fn room_on_disk(folder: &Path) -> io::Result<()> {
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    if disk.f_bavail.saturating_mul(disk.f_frsize) < DISK_RESERVE {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}
