//! Writing a backup.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base16ct::lower::encode_string;
use futures_util::StreamExt;
use rustix::fs::{FlockOperation, flock};
use scrip_domain::Entropy;
use scrip_engine::objects::{Chunk, Chunks};
use scrip_engine::{Fault, Objects};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

use super::age::Sealer;
use super::progress::Progress;
use super::{BOOKS, CONFIG, END, End, KEYS, MANIFEST, Manifest, Member, OBJECTS};
use crate::keep::{rename_new, there_already};

/// What goes in, beside the manifest.
#[derive(Debug)]
pub struct Contents {
    /// The books, as a SQLite file that nobody else has.
    pub books: PathBuf,
    /// Keys by name.
    pub keys: Vec<(String, Vec<u8>)>,
    /// Configuration and its secrets by name.
    pub config: Vec<(String, Vec<u8>)>,
    /// The catalogue's bytes, if they are wanted.
    pub objects: Option<Objects>,
}

/// Writes a backup to `path`, where nothing may be: whole and durable, or not at all.
pub fn pack(
    path: &Path,
    passphrase: &str,
    mut manifest: Manifest,
    contents: &Contents,
    entropy: &dyn Entropy,
    progress: &mut Progress,
) -> io::Result<(Manifest, End)> {
    let draft = Draft::begin(path)?;
    let (size, sha256) = digest_of(File::open(&contents.books)?)?;
    manifest.members = vec![Member { name: BOOKS.to_owned(), size, sha256 }];
    let keys = contents.keys.iter().map(|(name, bytes)| (format!("{KEYS}{name}"), bytes));
    let config = contents.config.iter().map(|(name, bytes)| (format!("{CONFIG}{name}"), bytes));
    let small: Vec<(String, &Vec<u8>)> = keys.chain(config).collect();
    for (name, bytes) in &small {
        let (size, sha256) = digest_of(bytes.as_slice())?;
        manifest.members.push(Member { name: name.clone(), size, sha256 });
    }
    let sealer = Sealer::begin(io::BufWriter::new(&draft.file), passphrase, entropy)?;
    let mut tar = tar::Builder::new(sealer);
    tar.mode(tar::HeaderMode::Deterministic);
    let head = serde_json::to_vec_pretty(&manifest)?;
    put(&mut tar, MANIFEST, head.len() as u64, head.as_slice())?;
    for (name, bytes) in &small {
        put(&mut tar, name, bytes.len() as u64, bytes.as_slice())?;
    }
    let books = File::open(&contents.books)?;
    put(&mut tar, BOOKS, size, progress.reading("books", books))?;
    let mut end = End::default();
    if let Some(objects) = &contents.objects {
        put_objects(&mut tar, objects, &mut end, progress)?;
    }
    let tail = serde_json::to_vec(&end)?;
    put(&mut tar, END, tail.len() as u64, tail.as_slice())?;
    let mut written = tar.into_inner()?.finish()?;
    written.flush()?;
    drop(written);
    draft.finish(path)?;
    Ok((manifest, end))
}

/// Under another name until it is whole. One process at a time writes to it.
struct Draft {
    path: PathBuf,
    file: File,
    done: bool,
}

impl Draft {
    fn begin(path: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(there_already(path));
        }
        let mut draft = path.as_os_str().to_owned();
        draft.push(".part");
        let draft = PathBuf::from(draft);
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(&draft)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            io::Error::other(format!("another process is writing {}", draft.display()))
        })?;
        file.set_len(0)?;
        Ok(Self { path: draft, file, done: false })
    }

    fn finish(mut self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        rename_new(&self.path, path)?;
        self.done = true;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.done {
            // Half of a backup helps nobody; one that cannot be removed is written over by the next.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A member. What is longer or shorter than it said has changed while it was read.
fn put<W: Write>(
    tar: &mut tar::Builder<W>,
    name: &str,
    size: u64,
    content: impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    header.set_entry_type(tar::EntryType::Regular);
    let mut content = Exactly { content, left: size };
    tar.append_data(&mut header, name, &mut content)?;
    if content.left > 0 {
        return Err(io::Error::other(format!("{name} became shorter while it was read")));
    }
    Ok(())
}

/// So many bytes and no more, whatever comes.
struct Exactly<R> {
    content: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let count = self.content.read(&mut into[..most])?;
        self.left -= count as u64;
        Ok(count)
    }
}

/// Every object there is by now, one after the other.
fn put_objects<W: Write>(
    tar: &mut tar::Builder<W>,
    objects: &Objects,
    end: &mut End,
    progress: &mut Progress,
) -> io::Result<()> {
    // Of its own: what is written is written by the thread itself.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let failed = |fault: Fault| io::Error::other(fault.to_string());
    for name in runtime.block_on(objects.all()).map_err(failed)?.into_keys() {
        // One that was there a moment ago, and that nobody deletes.
        let gone = || io::Error::other(format!("the object {name} is gone"));
        let object = runtime.block_on(objects.get(name)).map_err(failed)?.ok_or_else(gone)?;
        let size = object.size();
        let pull = Pull { runtime: &runtime, chunks: object.chunks(0..size), chunk: None, at: 0 };
        put(tar, &format!("{OBJECTS}{name}"), size, progress.reading("objects", pull))?;
        end.objects += 1;
        end.bytes += size;
    }
    Ok(())
}

/// Reads an object on this very thread.
struct Pull<'a> {
    runtime: &'a Runtime,
    chunks: Chunks,
    chunk: Option<Chunk>,
    at: usize,
}

impl Read for Pull<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let rest = self.chunk.as_ref().map_or(&[][..], |chunk| &chunk.as_ref()[self.at..]);
            if !rest.is_empty() {
                let count = rest.len().min(into.len());
                into[..count].copy_from_slice(&rest[..count]);
                self.at += count;
                return Ok(count);
            }
            self.at = 0;
            self.chunk = self.runtime.block_on(self.chunks.next()).transpose()?;
            if self.chunk.is_none() {
                return Ok(0);
            }
        }
    }
}

/// Whether a name is a SHA-256 in small hexadecimal.
pub(super) fn is_digest(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The length and the SHA-256 of all that comes.
fn digest_of(mut content: impl Read) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut piece = vec![0; 128 * 1024];
    loop {
        match content.read(&mut piece)? {
            0 => return Ok((size, encode_string(&hash.finalize()))),
            count => {
                hash.update(&piece[..count]);
                size += count as u64;
            }
        }
    }
}
