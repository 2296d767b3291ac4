//! Objects: the bytes of the catalogue, each under the SHA-256 of its content, in a folder or in a bucket.
//!
//! ```text
//! in a folder: objects/upload-0-17      being written; gone when the upload is cut, or at the next start
//!              objects/ab/abcdef…       whole, synced, never changed
//! in a bucket: uploads/0-17-abcdef…     empty: that an upload in parts is under way; goes with it, or at the next start
//!              uploads/0-17-nameless…   the bytes of an upload whose digest was not declared, until they are known
//!              objects/ab/abcdef…       whole, never changed
//! ```
//!
//! A name is made from a [`Digest`] only, so no path from outside is ever joined. What has its name
//! is whole: in a folder the bytes are synced before they get it, and the name is synced before anybody is told; a bucket
//! shows an object only when all its parts are there, and is asked to only once their digest is known.

pub mod bucket;
mod folder;
mod read;
mod write;

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64ct::{Base64, Encoding};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use quick_cache::sync::Cache;
use scrip_license::Digest;
use scrip_storage::{Blocking, Fault};
use sha2::{Digest as _, Sha256, Sha512};

use self::bucket::{Bucket, InBucket};
use self::folder::InFolder;
use crate::Outcome;

/// How many objects' second digests are remembered after their upload.
const REMEMBERED: usize = 4096;

/// Where objects lie.
#[derive(Clone, Debug)]
pub struct Objects {
    place: Place,
    /// Of what was uploaded lately: a release that names it need not read it once more.
    sha512: Arc<Cache<Digest, String>>,
}

#[derive(Clone, Debug)]
enum Place {
    Folder(InFolder),
    Bucket(InBucket),
}

/// An object that was put away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub sha256: Digest,
    /// SHA-512 in base64, which some updaters go by.
    pub sha512: String,
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
        Ok(Self::at(Place::Folder(InFolder::open(folder, server, blocking)?)))
    }

    /// The objects in `folder`, to be looked at beside a server that is running.
    pub fn look(folder: &Path, blocking: Blocking) -> Self {
        Self::at(Place::Folder(InFolder::look(folder, blocking)))
    }

    /// The objects in a bucket, as the server of this number has them. Nothing is asked of it yet.
    pub fn in_bucket(bucket: Arc<dyn Bucket>, server: u8) -> Self {
        Self::at(Place::Bucket(InBucket::new(bucket, server)))
    }

    /// Removes from a bucket what an earlier process of the same server was uploading when it died. A folder is cleared
    /// when it is opened.
    pub async fn clear(&self) -> Result<(), Fault> {
        match &self.place {
            Place::Folder(_) => Ok(()),
            Place::Bucket(bucket) => bucket.clear().await,
        }
    }

    fn at(place: Place) -> Self {
        Self { place, sha512: Arc::new(Cache::new(REMEMBERED)) }
    }

    /// Begins an upload of the bytes with this digest. Dropped before it is finished, it leaves nothing.
    pub fn upload(&self, sha256: Digest) -> Upload {
        Upload(match &self.place {
            Place::Folder(folder) => Uploading::Folder(folder.upload(Some(sha256))),
            Place::Bucket(bucket) => Uploading::Bucket(bucket.upload(sha256)),
        })
    }

    /// Puts away what `bytes` bring, in constant memory; `declared` is what their digest must be.
    pub async fn put<B: AsRef<[u8]>, E>(
        &self,
        bytes: impl Stream<Item = Result<B, E>>,
        declared: Digest,
    ) -> Outcome<Stored, PutRefusal> {
        self.fill(self.upload(declared), bytes).await
    }

    /// Puts away what `bytes` bring, under whatever digest they have: who sends a form from a browser cannot declare it.
    /// Constant memory too. A bucket has to be sent large ones twice, since it is told the name before the bytes.
    pub async fn take<B: AsRef<[u8]>, E>(
        &self,
        bytes: impl Stream<Item = Result<B, E>>,
    ) -> Outcome<Stored, PutRefusal> {
        let upload = Upload(match &self.place {
            Place::Folder(folder) => Uploading::Folder(folder.upload(None)),
            Place::Bucket(bucket) => Uploading::Nameless(bucket.nameless()),
        });
        self.fill(upload, bytes).await
    }

    async fn fill<B: AsRef<[u8]>, E>(
        &self,
        mut upload: Upload,
        bytes: impl Stream<Item = Result<B, E>>,
    ) -> Outcome<Stored, PutRefusal> {
        let mut bytes = std::pin::pin!(bytes);
        while let Some(part) = bytes.next().await {
            match part {
                Ok(part) => upload.write(part.as_ref()).await?,
                Err(_) => return Ok(Err(PutRefusal::Cut)),
            }
        }
        let stored = upload.finish().await?;
        if let Ok(stored) = &stored {
            self.sha512.insert(stored.sha256, stored.sha512.clone());
        }
        Ok(stored)
    }

    /// How many bytes the object has; `None` when there is none of this name.
    pub async fn size(&self, sha256: Digest) -> Result<Option<u64>, Fault> {
        Ok(self.get(sha256).await?.map(|object| object.size()))
    }

    /// The object, to be read; `None` when there is none of this name.
    pub async fn get(&self, sha256: Digest) -> Result<Option<Object>, Fault> {
        let kept = match &self.place {
            Place::Folder(folder) => folder.get(sha256).await?.map(Kept::File),
            Place::Bucket(bucket) => bucket.get(sha256).await?.map(Kept::Bucket),
        };
        Ok(kept.map(Object))
    }

    /// Every object that is there, with its bytes.
    pub async fn all(&self) -> Result<BTreeMap<Digest, u64>, Fault> {
        match &self.place {
            Place::Folder(folder) => folder.all().await,
            Place::Bucket(bucket) => bucket.all().await,
        }
    }

    /// SHA-512 in base64 of what was uploaded lately; `None` when it is not remembered.
    pub fn known_sha512(&self, sha256: Digest) -> Option<String> {
        self.sha512.get(&sha256)
    }

    /// SHA-512 in base64 of an object: remembered, or read; `None` when there is none of this name, or it breaks off.
    pub async fn sha512(&self, sha256: Digest) -> Result<Option<String>, Fault> {
        if let Some(known) = self.known_sha512(sha256) {
            return Ok(Some(known));
        }
        let Some(object) = self.get(sha256).await? else { return Ok(None) };
        let mut hashes = Hashes::default();
        let mut chunks = object.chunks(0..object.size());
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| Fault::Objects(format!("an object: {error}")))?;
            hashes.update(chunk.as_ref());
            // A large object in the page cache is never waited for, and others want their turn.
            tokio::task::yield_now().await;
        }
        let stored = hashes.finish();
        if stored.sha256 != sha256 {
            return Err(Fault::Objects(format!("the object {sha256} is damaged")));
        }
        self.sha512.insert(sha256, stored.sha512.clone());
        Ok(Some(stored.sha512))
    }
}

/// Where an object lies below the folder or the prefix. Two symbols make 256 folders, so that none holds too many names.
fn path_of(sha256: Digest) -> String {
    let name = sha256.to_string();
    format!("{}/{name}", name.get(..2).unwrap_or_default())
}

/// Both digests of what goes by, and its length.
#[derive(Clone, Debug, Default)]
struct Hashes {
    sha256: Sha256,
    sha512: Sha512,
    size: u64,
}

impl Hashes {
    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sha512.update(bytes);
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    fn finish(self) -> Stored {
        Stored {
            sha256: Digest(self.sha256.finalize().into()),
            sha512: Base64::encode_string(&self.sha512.finalize()),
            size: self.size,
        }
    }
}

/// An upload under way: two parts of memory, however large the object is.
#[derive(Debug)]
pub struct Upload(Uploading);

#[derive(Debug)]
enum Uploading {
    Folder(write::Upload),
    Bucket(bucket::Upload),
    Nameless(bucket::Nameless),
}

impl Upload {
    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        match &mut self.0 {
            Uploading::Folder(upload) => upload.write(bytes).await,
            Uploading::Bucket(upload) => upload.write(bytes).await,
            Uploading::Nameless(upload) => upload.write(bytes).await,
        }
    }

    /// Puts the object away under its digest, which must be the one that was declared, if one was.
    ///
    /// Putting the same bytes away again changes nothing.
    pub async fn finish(self) -> Outcome<Stored, PutRefusal> {
        match self.0 {
            Uploading::Folder(upload) => upload.finish().await,
            Uploading::Bucket(upload) => upload.finish().await,
            Uploading::Nameless(upload) => Ok(Ok(upload.finish().await?)),
        }
    }
}

/// An object, open.
#[derive(Clone, Debug)]
pub struct Object(Kept);

#[derive(Clone, Debug)]
enum Kept {
    File(read::Opened),
    Bucket(bucket::Kept),
}

impl Object {
    /// Bytes.
    pub fn size(&self) -> u64 {
        match &self.0 {
            Kept::File(file) => file.size(),
            Kept::Bucket(kept) => kept.size(),
        }
    }

    /// The bytes in `range`, in order. A little memory, however many bytes.
    pub fn chunks(&self, range: Range<u64>) -> Chunks {
        Chunks(match &self.0 {
            Kept::File(file) => Reading::File(file.chunks(range)),
            Kept::Bucket(kept) => Reading::Bucket(kept.chunks(range)),
        })
    }
}

/// A stream of an object's bytes. It ends with an error where it does not bring all of them.
#[derive(Debug)]
pub struct Chunks(Reading);

#[derive(Debug)]
enum Reading {
    File(read::Chunks),
    Bucket(bucket::Chunks),
}

impl Chunks {
    /// How many bytes are still to come.
    pub fn remaining(&self) -> u64 {
        match &self.0 {
            Reading::File(chunks) => chunks.remaining(),
            Reading::Bucket(chunks) => chunks.remaining(),
        }
    }
}

impl Stream for Chunks {
    type Item = io::Result<Chunk>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            Reading::File(chunks) => {
                Pin::new(chunks).poll_next(context).map_ok(|buffer| Chunk(Bits::Buffer(buffer)))
            }
            Reading::Bucket(chunks) => {
                Pin::new(chunks).poll_next(context).map_ok(|bytes| Chunk(Bits::Bytes(bytes)))
            }
        }
    }
}

/// Some bytes of an object. Where they came from a file, their memory goes back to the pool when they have been sent.
#[derive(Debug)]
pub struct Chunk(Bits);

#[derive(Debug)]
enum Bits {
    Buffer(read::Buffer),
    Bytes(Bytes),
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Bits::Buffer(buffer) => buffer.as_ref(),
            Bits::Bytes(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests;
