//! One file: begun or gone on with, until it is whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{Method, StatusCode, header};
use rustix::fs::{FlockOperation, OFlags, flock};
use scrip_client::{Body, Client, Error, Reply};
use scrip_license::Digest;
use sha2::{Digest as _, Sha256};

use super::meter::Meter;
use super::{AWAY, DISK, WRONG, Wanted, away};
use crate::failure::{Failure, Outcome};
use crate::keep::rename_new;

/// How long nothing may come before the connection is given up.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a server that went away is tried again without a byte coming.
const TRIES: u32 = 6;
/// Before the first of these; doubled each time.
const PAUSE: Duration = Duration::from_millis(500);

/// From where, by which code, and where to.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    pub server: &'a Client,
    pub code: &'a str,
    pub out: &'a Path,
}

/// How a file came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It was there, and whole.
    There,
    /// From its beginning.
    Whole,
    /// From where an earlier call ended.
    Resumed,
}

impl Fetched {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Whole => "downloaded",
            Self::Resumed => "resumed",
        }
    }

    pub fn sentence(self) -> &'static str {
        match self {
            Self::There => "was there, and is whole",
            Self::Whole => "is downloaded and whole",
            Self::Resumed => "is resumed and whole",
        }
    }
}

impl Way<'_> {
    /// Fetches a file, if it is not there.
    pub async fn fetch(&self, file: &Wanted, meter: &mut Meter) -> Outcome<Fetched> {
        let path = self.out.join(&file.name);
        if path.symlink_metadata().is_ok() {
            return is_it(&path, file).map(|()| Fetched::There);
        }
        let mut part = Part::open(self.out, file)?;
        meter.begin(&file.name, part.at, file.size);
        loop {
            self.fill(&mut part, file, meter).await?;
            if part.digest() == file.sha256 {
                break;
            }
            // What an earlier call left may be damaged; what comes in one piece is wrong itself.
            let was_resumed = part.is_resumed;
            part.start_over().map_err(|error| disk(&part.path, &error))?;
            if !was_resumed {
                part.remove();
                let what = format!("{} has not the SHA-256 that it must have", file.name);
                return Err(Failure::new(what)
                    .advise("Nothing of it was kept. Try again; if it stays so, tell the vendor.")
                    .with_code(WRONG));
            }
        }
        let fetched = if part.is_resumed { Fetched::Resumed } else { Fetched::Whole };
        part.keep(&path).map_err(|error| disk(&path, &error))?;
        Ok(fetched)
    }

    /// Fetches until the part is as long as the file, over as many connections as that takes.
    async fn fill(&self, part: &mut Part, file: &Wanted, meter: &mut Meter) -> Outcome {
        let mut tries: u32 = 0;
        while part.at < file.size {
            let before = part.at;
            let Err(stopped) = self.go_on(part, file, meter).await else { continue };
            match stopped {
                Stopped::Disk(error) => return Err(disk(&part.path, &error)),
                Stopped::Refused(failure) => return Err(failure),
                Stopped::Lost(failure) => {
                    tries = if part.at > before { 0 } else { tries + 1 };
                    if tries >= TRIES {
                        return Err(failure);
                    }
                    meter.wait("the connection was lost, and is tried again");
                    tokio::time::sleep(PAUSE * 2_u32.pow(tries)).await;
                }
            }
        }
        Ok(())
    }

    /// One request from where the part ends.
    async fn go_on(
        &self,
        part: &mut Part,
        file: &Wanted,
        meter: &mut Meter,
    ) -> Result<(), Stopped> {
        let path = format!("/v1/downloads/{}", file.id);
        let (license, range) = (format!("License {}", self.code), format!("bytes={}-", part.at));
        let etag = format!("\"{}\"", file.sha256);
        let mut headers = vec![("authorization", license.as_str())];
        if part.at > 0 {
            headers.extend([("range", range.as_str()), ("if-range", etag.as_str())]);
        }
        let asked = self.server.stream(Method::GET, &path, &headers, Body::empty());
        let reply = patiently(asked).await?;
        if part.at > 0 && !continues(&reply, part.at) {
            if reply.status == StatusCode::RANGE_NOT_SATISFIABLE || reply.status == StatusCode::OK {
                // It is another file, or the server knows no ranges: what is there is of no use.
                part.start_over().map_err(Stopped::Disk)?;
                meter.back_to(0);
            }
            if reply.status != StatusCode::OK {
                return match reply.accepted().await {
                    Ok(_) => Err(Stopped::lost("the server sent another part than was asked for")),
                    Err(error) if part.at == 0 => Err(Stopped::Lost(away(&error))),
                    Err(error) => Err(error.into()),
                };
            }
        }
        let mut reply = reply.accepted().await?;
        while let Some(bytes) = patiently(reply.chunk()).await? {
            if bytes.len() as u64 > file.size - part.at {
                part.remove();
                let what = format!("{} is longer than the server said", file.name);
                return Err(Stopped::Refused(Failure::new(what).with_code(WRONG)));
            }
            part.write(&bytes).map_err(Stopped::Disk)?;
            meter.at(part.at);
        }
        if part.at < file.size { Err(Stopped::lost("the server sent too little")) } else { Ok(()) }
    }
}

/// Whether an answer goes on where the part ends.
fn continues(reply: &Reply, at: u64) -> bool {
    let range = reply.headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let begins = range.is_some_and(|range| range.starts_with(&format!("bytes {at}-")));
    reply.status == StatusCode::PARTIAL_CONTENT && begins
}

/// Why a request did not bring all.
enum Stopped {
    /// Nothing can be written.
    Disk(io::Error),
    /// The server refuses: asking again would not help.
    Refused(Failure),
    /// The connection was lost.
    Lost(Failure),
}

impl Stopped {
    fn lost(what: &str) -> Self {
        Self::Lost(
            Failure::new(what)
                .advise("What is there stays: the same command goes on from it.")
                .with_code(AWAY),
        )
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        let passes = match &error {
            Error::Unreachable { .. } | Error::Lost(_) => true,
            Error::Problem(problem) => problem.status >= 500 || problem.status == 429,
            _ => false,
        };
        let failure = away(&error);
        if passes { Self::Lost(failure) } else { Self::Refused(failure) }
    }
}

async fn patiently<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Stopped> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Stopped::lost("the server sends nothing any more")),
    }
}

/// What cannot be written, and what to do about it.
fn disk(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    if full {
        return Failure::new(format!("the disk is full: {path} cannot grow"))
            .advise("What is there stays. Make room, or name another folder with --out.")
            .with_code(DISK);
    }
    Failure::new(format!("cannot write {path}: {error}")).with_code(DISK)
}

/// Whether what has the name is the file.
fn is_it(path: &Path, file: &Wanted) -> Outcome {
    let another = || {
        Failure::new(format!("{} is there already, and is another file", path.display()))
            .advise("Nothing is written over: move it, or name another folder with --out.")
            .with_code(DISK)
    };
    let read = || -> io::Result<bool> {
        let mut content = File::open(path)?;
        let metadata = content.metadata()?;
        if !metadata.is_file() || metadata.len() != file.size {
            return Ok(false);
        }
        let mut hash = Sha256::new();
        io::copy(&mut content, &mut Hashing(&mut hash))?;
        Ok(Digest(hash.finalize().into()) == file.sha256)
    };
    if read().unwrap_or(false) { Ok(()) } else { Err(another()) }
}

/// Feeds a digest.
struct Hashing<'a>(&'a mut Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is not whole yet.
struct Part {
    path: PathBuf,
    content: File,
    hash: Sha256,
    at: u64,
    /// Whether its beginning is of an earlier call.
    is_resumed: bool,
}

impl Part {
    /// What an earlier call left, or a new one. Nobody else writes to it meanwhile.
    fn open(out: &Path, file: &Wanted) -> Outcome<Self> {
        let digest = file.sha256.to_string();
        let path = out.join(format!("{}.{}.part", file.name, &digest[..12]));
        let cannot = |error: io::Error| disk(&path, &error);
        let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).custom_flags(flags);
        let content = options.open(&path).map_err(cannot)?;
        flock(&content, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Failure::new(format!("another `scrip get` is writing {}", path.display()))
        })?;
        let mut part =
            Self { path: path.clone(), content, hash: Sha256::new(), at: 0, is_resumed: false };
        part.read_on(file.size).map_err(cannot)?;
        part.is_resumed = part.at > 0;
        part.room_for(file.size - part.at)?;
        Ok(part)
    }

    /// Reads what is there; what is longer than the file is of no use.
    fn read_on(&mut self, most: u64) -> io::Result<()> {
        if self.content.metadata()?.len() > most {
            return self.start_over();
        }
        let mut piece = vec![0; 128 * 1024];
        loop {
            match self.content.read(&mut piece)? {
                0 => return Ok(()),
                count => {
                    self.hash.update(&piece[..count]);
                    self.at += count as u64;
                }
            }
        }
    }

    /// Refuses before the first byte what the disk has no room for.
    fn room_for(&self, bytes: u64) -> Outcome {
        let Ok(disk) = rustix::fs::fstatvfs(&self.content) else { return Ok(()) };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free >= bytes {
            return Ok(());
        }
        let what = format!("the disk has {free} bytes left, and {bytes} are to come");
        Err(Failure::new(what)
            .advise("Make room, or name another folder with --out.")
            .with_code(DISK))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.content.write_all(bytes) {
            // Some of it may stand there: only what is counted is gone on from.
            self.content.set_len(self.at)?;
            return Err(error);
        }
        self.hash.update(bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn start_over(&mut self) -> io::Result<()> {
        self.content.set_len(0)?;
        self.content.seek(SeekFrom::Start(0))?;
        self.hash = Sha256::new();
        self.at = 0;
        self.is_resumed = false;
        Ok(())
    }

    /// Leaves nothing of it.
    fn remove(&self) {
        drop(std::fs::remove_file(&self.path));
    }

    fn digest(&self) -> Digest {
        Digest(self.hash.clone().finalize().into())
    }

    /// Gives it its name, on the disk for good.
    fn keep(self, path: &Path) -> io::Result<()> {
        self.content.sync_all()?;
        rename_new(&self.path, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}
