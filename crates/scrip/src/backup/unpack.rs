//! Reading a backup: each member is written where it belongs, and its digest looked at.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base16ct::lower::encode_string;
use sha2::{Digest, Sha256};

use super::age::{Opener, Unopened};
use super::pack::is_digest;
use super::progress::Progress;
use super::{
    BOOKS, BOOKS_IN_FOLDER, CONFIG, END, End, FORM, KEYS, MANIFEST, Manifest, OBJECTS, SMALL,
};

/// What was in a backup.
#[derive(Debug)]
pub struct Unpacked {
    /// What it is.
    pub manifest: Manifest,
    /// How many objects were in it.
    pub end: End,
    /// The configuration.
    pub config: Vec<u8>,
}

/// Why a backup is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be opened.
    #[error(transparent)]
    Unopened(#[from] Unopened),
    /// It is of a later version.
    #[error("it was made by a later version ({program}, {what}): restore it with that one")]
    Newer { program: String, what: String },
    /// Something in it is not what it must be.
    #[error("{0}")]
    Wrong(String),
    /// It cannot be written out.
    #[error("cannot write {path}: {error}")]
    Unwritten { path: String, error: io::Error },
}

/// Reads a backup whole, and writes nothing.
pub fn verify(
    path: &Path,
    passphrase: &str,
    progress: &mut Progress,
) -> Result<Unpacked, Unusable> {
    read(path, passphrase, None, progress)
}

/// Writes a backup out into the folder `into`: `books.db`, `keys/`, `objects/` and the secrets of the configuration. The
/// configuration itself is given back, not written: it is the last thing that a folder gets.
pub fn unpack(
    path: &Path,
    passphrase: &str,
    into: &Path,
    progress: &mut Progress,
) -> Result<Unpacked, Unusable> {
    read(path, passphrase, Some(into), progress)
}

fn read(
    path: &Path,
    passphrase: &str,
    into: Option<&Path>,
    progress: &mut Progress,
) -> Result<Unpacked, Unusable> {
    let file = File::open(path).map_err(Unopened::Io)?;
    let opener = Opener::begin(file, passphrase)?;
    let mut tar = tar::Archive::new(progress.reading("read", opener));
    let mut reading: Option<Reading<'_>> = None;
    for entry in tar.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let name = entry.path().map_err(unreadable)?.to_string_lossy().into_owned();
        match &mut reading {
            None if name == MANIFEST => {
                let manifest = manifest_of(&small(&mut entry)?)?;
                reading = Some(Reading::of(manifest, into));
            }
            None => return Err(wrong("it does not begin with a manifest")),
            Some(reading) => reading.member(&name, &mut entry)?,
        }
    }
    // What follows the end of the archive is read, too: the last chunk says that nothing is missing.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(unreadable)?;
    reading.ok_or_else(|| wrong("it is empty"))?.whole()
}

fn manifest_of(bytes: &[u8]) -> Result<Manifest, Unusable> {
    #[derive(serde::Deserialize)]
    struct Form {
        form: u32,
        program: String,
    }
    let unreadable = |_| wrong("its manifest cannot be read");
    let Form { form, program } = serde_json::from_slice(bytes).map_err(unreadable)?;
    if form > FORM {
        return Err(Unusable::Newer { program, what: format!("form {form}") });
    }
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(unreadable)?;
    if manifest.schema.as_str() > scrip_storage::copy::schema() {
        return Err(Unusable::Newer { program, what: manifest.schema });
    }
    Ok(manifest)
}

/// A backup while it is read.
struct Reading<'a> {
    manifest: Manifest,
    into: Option<&'a Path>,
    seen: Vec<String>,
    config: Option<Vec<u8>>,
    objects: End,
    end: Option<End>,
}

impl<'a> Reading<'a> {
    fn of(manifest: Manifest, into: Option<&'a Path>) -> Self {
        let (seen, objects) = (Vec::new(), End::default());
        Self { manifest, into, seen, config: None, objects, end: None }
    }

    fn member(&mut self, name: &str, content: &mut impl Read) -> Result<(), Unusable> {
        if self.end.is_some() {
            return Err(wrong("there is something after its end"));
        }
        if name == END {
            let end = serde_json::from_slice(&small(content)?);
            self.end = Some(end.map_err(|_| wrong("its end cannot be read"))?);
            return Ok(());
        }
        if let Some(digest) = name.strip_prefix(OBJECTS).filter(|digest| is_digest(digest)) {
            let path = self.into.map(|into| into.join("objects").join(&digest[..2]).join(digest));
            let (size, found) = write_out(path.as_deref(), content)?;
            self.objects.objects += 1;
            self.objects.bytes += size;
            return if found == digest { Ok(()) } else { Err(changed(name)) };
        }
        let Some(member) = self.manifest.member(name) else {
            return Err(wrong(&format!("{name} is in it, and not in its manifest")));
        };
        let (size, sha256) = (member.size, member.sha256.clone());
        self.seen.push(name.to_owned());
        let found = if name == format!("{CONFIG}{}", crate::config::FILE) {
            let bytes = small(content)?;
            let digest = encode_string(&Sha256::digest(&bytes));
            let length = bytes.len() as u64;
            self.config = Some(bytes);
            (length, digest)
        } else {
            write_out(self.place(name)?.as_deref(), content)?
        };
        if found == (size, sha256) { Ok(()) } else { Err(changed(name)) }
    }

    /// Where a member goes: into the folder, and nowhere else.
    fn place(&self, name: &str) -> Result<Option<PathBuf>, Unusable> {
        let below = name.strip_prefix(CONFIG).unwrap_or(name);
        let is_ours = name == BOOKS || name.starts_with(KEYS) || name.starts_with(CONFIG);
        let plain =
            |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
        if !is_ours || !Path::new(below).components().all(plain) {
            return Err(wrong(&format!("{name} does not belong into a backup")));
        }
        let below = if name == BOOKS { BOOKS_IN_FOLDER } else { below };
        Ok(self.into.map(|into| into.join(below)))
    }

    fn whole(self) -> Result<Unpacked, Unusable> {
        let lacks = self.manifest.members.iter().find(|member| !self.seen.contains(&member.name));
        if let Some(member) = lacks {
            return Err(wrong(&format!("it lacks {}", member.name)));
        }
        match (self.end, self.config) {
            (Some(end), Some(config)) if end == self.objects => {
                Ok(Unpacked { manifest: self.manifest, end, config })
            }
            (Some(_), Some(_)) => Err(wrong("it lacks objects")),
            _ => Err(wrong("it has no end, or no configuration")),
        }
    }
}

/// Writes a member out, if it is to be; gives length and digest.
fn write_out(path: Option<&Path>, content: &mut impl Read) -> Result<(u64, String), Unusable> {
    let unwritten = |error| {
        let path = path.unwrap_or(Path::new("")).display().to_string();
        Unusable::Unwritten { path, error }
    };
    let mut file = match path {
        Some(path) => Some(create(path).map_err(unwritten)?),
        None => None,
    };
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut piece = vec![0; 128 * 1024];
    loop {
        match content.read(&mut piece).map_err(unreadable)? {
            0 => break,
            count => {
                hash.update(&piece[..count]);
                size += count as u64;
                if let Some(file) = &mut file {
                    file.write_all(&piece[..count]).map_err(unwritten)?;
                }
            }
        }
    }
    if let Some(file) = file {
        file.sync_all().map_err(unwritten)?;
    }
    Ok((size, encode_string(&hash.finalize())))
}

/// A new file that only its owner can read, in folders that only its owner can open.
fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn small(content: &mut impl Read) -> Result<Vec<u8>, Unusable> {
    let mut bytes = Vec::new();
    content.take(SMALL).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// What the reader beneath has told, or what the archive is not.
fn unreadable(error: io::Error) -> Unusable {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(Unopened::Damaged(why)) = error.downcast_ref() {
            return Unusable::Unopened(Unopened::Damaged(why));
        }
        // An error that another one wraps without being its source.
        let inner = error.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        cause = inner.map(|inner| inner as _).or_else(|| error.source());
    }
    Unusable::Unopened(Unopened::Io(error))
}

fn changed(name: &str) -> Unusable {
    wrong(&format!("{name} is not what the manifest says"))
}

fn wrong(what: &str) -> Unusable {
    Unusable::Wrong(format!("this is not a backup that can be used: {what}"))
}
