//! The files that a folder names: found inside it and nowhere else, read once, known by digest.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Object;

/// How much of a file is in memory at a time.
const CHUNK: usize = 256 * 1024;
/// The longest text that is read from a file; the server's bounds are stricter.
const TEXT: u64 = 1024 * 1024;
/// The longest `catalog.toml`: a hundred thousand products at two and a half KiB.
const DOCUMENT: u64 = 256 * 1024 * 1024;

/// The files of a folder.
#[derive(Debug)]
pub struct Goods {
    root: PathBuf,
    known: BTreeMap<PathBuf, String>,
    /// What was found, by SHA-256.
    pub objects: BTreeMap<String, Object>,
}

impl Goods {
    /// The files below `root`.
    pub fn open(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        Ok(Self { root, known: BTreeMap::new(), objects: BTreeMap::new() })
    }

    /// The SHA-256 of the file at `path`, or why it cannot be had.
    pub fn object(&mut self, path: &str) -> Result<String, String> {
        let path = self.find(path)?;
        if let Some(sha256) = self.known.get(&path) {
            return Ok(sha256.clone());
        }
        let (sha256, size) = digest(&path).map_err(|error| format!("cannot be read: {error}"))?;
        self.known.insert(path.clone(), sha256.clone());
        self.objects.entry(sha256.clone()).or_insert(Object { path, size });
        Ok(sha256)
    }

    /// The document at `path` that names all the others, or why it cannot be had.
    pub fn document(&self, path: &str) -> Result<String, String> {
        self.at_most(DOCUMENT, path)
    }

    /// The text in the file at `path`, or why it cannot be had.
    pub fn text(&self, path: &str) -> Result<String, String> {
        self.at_most(TEXT, path)
    }

    fn at_most(&self, most: u64, path: &str) -> Result<String, String> {
        let path = self.find(path)?;
        let mut text = String::new();
        let file = File::open(&path).map_err(|error| format!("cannot be read: {error}"))?;
        match file.take(most + 1).read_to_string(&mut text) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err("is not a text in UTF-8".into())
            }
            Err(error) => Err(format!("cannot be read: {error}")),
            Ok(_) if text.len() as u64 > most => Err("is too long for a text".into()),
            Ok(_) => Ok(text),
        }
    }

    /// The regular file at `path`, which is below the root however it is reached.
    fn find(&self, path: &str) -> Result<PathBuf, String> {
        let relative = Path::new(path);
        let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if path.is_empty() || path.contains(['\\', '\0']) || !plain {
            return Err("must be the path of a file inside the folder, without `..`".into());
        }
        let found =
            self.root.join(relative).canonicalize().map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => format!("there is no file {path}"),
                _ => format!("{path} cannot be found: {error}"),
            })?;
        if !found.starts_with(&self.root) {
            return Err(format!("{path} leads out of the folder"));
        }
        // Asked before it is opened: opening a pipe would wait for a writer.
        match fs::metadata(&found) {
            Ok(about) if about.is_file() => Ok(found),
            Ok(_) => Err(format!("{path} is not a regular file")),
            Err(error) => Err(format!("{path} cannot be found: {error}")),
        }
    }
}

/// The SHA-256 of a file, and its bytes.
fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            let digest: [u8; 32] = hasher.finalize().into();
            return Ok((scrip_license::Digest(digest).to_string(), size));
        }
        hasher.update(&buffer[..read]);
        size += read as u64;
    }
}

/// The ending of a picture's name that suggests its media type.
pub fn ending(picture: &str) -> &'static str {
    match picture {
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        "image/avif" => "avif",
        "image/gif" => "gif",
        _ => "png",
    }
}

/// The media type that a file's name suggests.
pub fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match &*ending {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "mp4" => "video/mp4",
        "pdf" => "application/pdf",
        "epub" => "application/epub+zip",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "json" => "application/json",
        "csv" => "text/csv",
        "txt" => "text/plain",
        "md" => "text/markdown",
        "html" => "text/html",
        _ => "application/octet-stream",
    }
}
