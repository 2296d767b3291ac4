//! Objects in a bucket, such as S3 has: a port, and what is done over it.
//!
//! ```text
//! small:  put ─────────────────────────────────────────▶ whole
//! large:  marker ─▶ begin ─▶ part ─▶ part ─▶ … ─▶ complete ─▶ marker deleted
//!                     └─ cut, another digest, gone ─▶ abort ─▶ marker deleted
//!                     └─ the process dies ─▶ the next start finds the marker, and aborts
//! ```
//! The digest is declared before the first byte comes, so the parts are uploaded under the object's own name, and
//! nothing has to be copied: an upload shows nothing before it is completed, and it is completed only when the digest is
//! the declared one. The marker is there before the upload is, so no part is forgotten, whenever the process dies.
//!
//! A digest that is not declared is known when the last byte has come. What fits into one part waits for that in memory.
//! The rest is uploaded beside its own marker, where nobody looks for objects, and sent once more under its name:
//!
//! ```text
//! nameless: marker ─▶ begin ─▶ part ─▶ … ─▶ complete ─▶ read, and uploaded as above ─▶ deleted, and the marker
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, Stream, StreamExt, try_unfold};
use scrip_license::Digest;
use scrip_storage::Fault;

use super::{Hashes, PutRefusal, Stored, path_of};
use crate::Outcome;

/// What a bucket answers with.
pub type Asked<'a, T> = BoxFuture<'a, Result<T, Fault>>;
/// The bytes of an object as they come in.
pub type Flow = BoxStream<'static, io::Result<Bytes>>;

/// What keeps objects by their keys. Every verb is safe to repeat.
pub trait Bucket: Send + Sync + fmt::Debug {
    /// How many bytes the object has; `None` when there is none.
    fn size<'a>(&'a self, key: &'a str) -> Asked<'a, Option<u64>>;
    /// The bytes in `range`, which is not empty; `None` when there is no such object.
    fn read<'a>(&'a self, key: &'a str, range: Range<u64>) -> Asked<'a, Option<Flow>>;
    /// Puts a small object away.
    fn put<'a>(&'a self, key: &'a str, bytes: Bytes) -> Asked<'a, ()>;
    /// Deletes an object; one that is not there is deleted.
    fn delete<'a>(&'a self, key: &'a str) -> Asked<'a, ()>;
    /// A page of the objects whose keys begin with `prefix`.
    fn list<'a>(&'a self, prefix: &'a str, after: Option<String>) -> Asked<'a, Listed>;
    /// Begins an upload in parts, and names it.
    fn begin<'a>(&'a self, key: &'a str) -> Asked<'a, String>;
    /// Uploads a part, the first of which is 1, and gives its tag.
    fn part<'a>(
        &'a self,
        key: &'a str,
        upload: &'a str,
        part: u16,
        bytes: Bytes,
    ) -> Asked<'a, String>;
    /// Makes an object of `size` bytes of the parts with these tags.
    fn complete<'a>(
        &'a self,
        key: &'a str,
        upload: &'a str,
        tags: &'a [String],
        size: u64,
    ) -> Asked<'a, ()>;
    /// Throws an upload away; one that is not there is thrown away.
    fn abort<'a>(&'a self, key: &'a str, upload: &'a str) -> Asked<'a, ()>;
    /// The names of the uploads of this very key that are under way.
    fn uploads<'a>(&'a self, key: &'a str) -> Asked<'a, Vec<String>>;
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Keys with their bytes.
    pub objects: Vec<(String, u64)>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// Where objects begin.
const OBJECTS: &str = "objects/";
/// Where the markers of uploads begin.
const UPLOADS: &str = "uploads/";
/// How a marker ends whose upload has no declared digest.
const NAMELESS: &str = "-nameless";
/// The most parts of an upload.
const PARTS: usize = 10_000;
/// How often the same bytes are asked for.
const TRIES: u32 = 3;

/// How many bytes a part has, of which `before` were sent already. They grow: with parts of 8 MiB an object could have
/// no more than 80 GiB.
fn part_size(before: usize) -> usize {
    match before {
        0..1000 => 8 << 20,
        1000..4000 => 16 << 20,
        _ => 32 << 20,
    }
}

/// The objects in a bucket.
#[derive(Clone, Debug)]
pub struct InBucket {
    bucket: Arc<dyn Bucket>,
    server: u8,
    uploads: Arc<AtomicU64>,
}

impl InBucket {
    /// The objects in `bucket`, as the server of this number has them.
    pub fn new(bucket: Arc<dyn Bucket>, server: u8) -> Self {
        Self { bucket, server, uploads: Arc::default() }
    }

    /// Aborts what an earlier process of the same number was uploading. An object that another server uploads, too, is
    /// left to that one: whose an upload is cannot be told.
    pub async fn clear(&self) -> Result<(), Fault> {
        let own = format!("{UPLOADS}{}-", self.server);
        let (mine, others): (Vec<_>, Vec<_>) =
            self.markers().await?.into_iter().partition(|marker| marker.starts_with(&own));
        for marker in mine.iter().filter(|marker| marker.ends_with(NAMELESS)) {
            let key = beside(marker);
            for upload in self.bucket.uploads(&key).await? {
                self.bucket.abort(&key, &upload).await?;
            }
        }
        // What was uploaded beside a marker begins like it, and goes like it.
        let digest_of = |marker: &str| marker.rsplit('-').next().and_then(|it| it.parse().ok());
        let others: BTreeSet<Digest> = others.iter().filter_map(|it| digest_of(it)).collect();
        for marker in &mine {
            if let Some(digest) = digest_of(marker).filter(|digest| !others.contains(digest)) {
                let key = key_of(digest);
                for upload in self.bucket.uploads(&key).await? {
                    self.bucket.abort(&key, &upload).await?;
                }
            }
            self.bucket.delete(marker).await?;
        }
        Ok(())
    }

    /// The markers of all uploads, of whichever server.
    async fn markers(&self) -> Result<Vec<String>, Fault> {
        let (mut markers, mut after) = (Vec::new(), None);
        loop {
            let page = self.bucket.list(UPLOADS, after).await?;
            markers.extend(page.objects.into_iter().map(|(marker, _)| marker));
            after = page.next;
            if after.is_none() {
                return Ok(markers);
            }
        }
    }

    /// Begins an upload.
    pub fn upload(&self, declared: Digest) -> Upload {
        Upload {
            declared,
            sender: Sender::new(self.draft(key_of(declared), &format!("-{declared}"))),
        }
    }

    /// Begins an upload whose digest is not known yet.
    pub fn nameless(&self) -> Nameless {
        let mut draft = self.draft(String::new(), NAMELESS);
        draft.key = beside(&draft.marker);
        Nameless { home: self.clone(), sender: Sender::new(draft) }
    }

    /// An upload under this key, whose marker ends so.
    fn draft(&self, key: String, end: &str) -> Draft {
        let number = self.uploads.fetch_add(1, Ordering::Relaxed);
        Draft {
            bucket: self.bucket.clone(),
            key,
            marker: format!("{UPLOADS}{}-{number}{end}", self.server),
            upload: None,
            tags: Vec::new(),
            size: 0,
            is_whole: false,
        }
    }

    /// The object, to be read.
    pub async fn get(&self, sha256: Digest) -> Result<Option<Kept>, Fault> {
        let key = key_of(sha256);
        let size = self.bucket.size(&key).await?;
        Ok(size.map(|size| Kept { bucket: self.bucket.clone(), key: key.into(), size }))
    }

    /// Every object, with its bytes.
    pub async fn all(&self) -> Result<BTreeMap<Digest, u64>, Fault> {
        let mut all = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self.bucket.list(OBJECTS, after).await?;
            for (key, size) in page.objects {
                if let Some(Ok(digest)) = key.rsplit('/').next().map(str::parse) {
                    all.insert(digest, size);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }
}

fn key_of(sha256: Digest) -> String {
    format!("{OBJECTS}{}", path_of(sha256))
}

/// Where bytes lie beside their marker, until they have a name.
fn beside(marker: &str) -> String {
    format!("{marker}/bytes")
}

/// An upload under way.
#[derive(Debug)]
pub struct Upload {
    declared: Digest,
    sender: Sender,
}

impl Upload {
    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.sender.write(bytes).await
    }

    /// Puts the object away under its digest, which must be the one that was declared.
    pub async fn finish(self) -> Outcome<Stored, PutRefusal> {
        let Sent { stored, draft, rest } = self.sender.end().await?;
        if stored.sha256 != self.declared {
            return Ok(Err(PutRefusal::OtherDigest(stored.sha256)));
        }
        draft.end(rest).await?;
        Ok(Ok(stored))
    }
}

/// An upload under way whose digest is known when it has ended.
#[derive(Debug)]
pub struct Nameless {
    home: InBucket,
    sender: Sender,
}

impl Nameless {
    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.sender.write(bytes).await
    }

    /// Puts the object away under its digest.
    pub async fn finish(self) -> Result<Stored, Fault> {
        let Sent { stored, mut draft, rest } = self.sender.end().await?;
        if draft.upload.is_none() {
            draft.key = key_of(stored.sha256);
            draft.end(rest).await?;
            return Ok(stored);
        }
        let beside = Beside(Some((draft.bucket.clone(), draft.key.clone())));
        let kept = Kept {
            bucket: draft.bucket.clone(),
            key: draft.key.as_str().into(),
            size: stored.size,
        };
        draft.end(rest).await?;
        if self.home.get(stored.sha256).await?.is_none() {
            let mut named = self.home.upload(stored.sha256);
            let mut chunks = kept.chunks(0..stored.size);
            while let Some(chunk) = chunks.next().await {
                let broken = |error| Fault::Objects(format!("an upload: {error}"));
                named.write(&chunk.map_err(broken)?).await?;
            }
            if named.finish().await?.is_err() {
                return Err(Fault::Objects("a bucket gave other bytes than it got".into()));
            }
        }
        beside.delete().await;
        Ok(stored)
    }
}

/// What lies beside a marker. Dropped, it is deleted.
struct Beside(Option<(Arc<dyn Bucket>, String)>);

impl Beside {
    async fn delete(mut self) {
        if let Some((bucket, key)) = self.0.take() {
            // What cannot be deleted now is deleted at the next start.
            drop(bucket.delete(&key).await);
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let (Some((bucket, key)), Ok(runtime)) =
            (self.0.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(async move { drop(bucket.delete(&key).await) });
        }
    }
}

/// Cuts bytes into parts. While one part is sent the next is gathered.
#[derive(Debug)]
struct Sender {
    hashes: Hashes,
    gathered: Vec<u8>,
    /// How many parts were handed over.
    sent: usize,
    sending: Sending,
}

/// Whether a part is on its way.
#[derive(Debug)]
enum Sending {
    Idle(Draft),
    /// In a task of its own, so that it goes on while the next part is gathered.
    Part(tokio::task::JoinHandle<Result<Draft, Fault>>),
    Failed,
}

/// What is left to be done when all bytes have come.
#[derive(Debug)]
struct Sent {
    stored: Stored,
    draft: Draft,
    /// The last part.
    rest: Bytes,
}

impl Sender {
    fn new(draft: Draft) -> Self {
        Self {
            hashes: Hashes::default(),
            gathered: Vec::new(),
            sent: 0,
            sending: Sending::Idle(draft),
        }
    }

    /// Takes the next bytes.
    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        self.hashes.update(bytes);
        while !bytes.is_empty() {
            let size = part_size(self.sent);
            if self.gathered.len() >= size {
                self.send().await?;
                continue;
            }
            let room = size.saturating_sub(self.gathered.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.gathered.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Hands the gathered part over, when the one before has arrived.
    async fn send(&mut self) -> Result<(), Fault> {
        let draft = self.idle().await?;
        if draft.tags.len() >= PARTS {
            return Err(Fault::Full);
        }
        let part = Bytes::from(std::mem::take(&mut self.gathered));
        self.sent = self.sent.saturating_add(1);
        self.sending = Sending::Part(tokio::spawn(draft.send(part)));
        Ok(())
    }

    /// The draft, once no part of it is on its way.
    async fn idle(&mut self) -> Result<Draft, Fault> {
        match std::mem::replace(&mut self.sending, Sending::Failed) {
            Sending::Idle(draft) => Ok(draft),
            Sending::Part(task) => {
                task.await.map_err(|_| Fault::Bug("work on an object panicked".into()))?
            }
            Sending::Failed => Err(Fault::Bug("an upload went on after it failed".into())),
        }
    }

    /// No more bytes come.
    async fn end(mut self) -> Result<Sent, Fault> {
        let draft = self.idle().await?;
        let stored = std::mem::take(&mut self.hashes).finish();
        Ok(Sent { stored, draft, rest: Bytes::from(std::mem::take(&mut self.gathered)) })
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // The task of a part holds the draft, which ends with it.
        if let Sending::Part(task) = &self.sending {
            task.abort();
        }
    }
}

/// An upload in parts, before it is an object. Dropped, it is thrown away.
#[derive(Debug)]
struct Draft {
    bucket: Arc<dyn Bucket>,
    key: String,
    marker: String,
    /// Its name, once it was begun.
    upload: Option<String>,
    tags: Vec<String>,
    /// Bytes of the parts that have arrived.
    size: u64,
    is_whole: bool,
}

impl Draft {
    async fn send(mut self, part: Bytes) -> Result<Self, Fault> {
        let upload = match &self.upload {
            Some(upload) => upload.clone(),
            None => {
                self.bucket.put(&self.marker, Bytes::new()).await?;
                let upload = self.bucket.begin(&self.key).await?;
                self.upload.insert(upload).clone()
            }
        };
        let number = u16::try_from(self.tags.len().saturating_add(1)).map_err(|_| Fault::Full)?;
        let length = u64::try_from(part.len()).map_err(|_| Fault::Full)?;
        let tag = self.bucket.part(&self.key, &upload, number, part).await?;
        self.tags.push(tag);
        self.size = self.size.saturating_add(length);
        Ok(self)
    }

    /// Makes an object of what was sent and the last part; of that alone, when nothing was.
    async fn end(mut self, rest: Bytes) -> Result<(), Fault> {
        if self.upload.is_none() {
            return self.bucket.put(&self.key, rest).await;
        }
        if !rest.is_empty() {
            self = self.send(rest).await?;
        }
        self.complete().await
    }

    async fn complete(mut self) -> Result<(), Fault> {
        if let Some(upload) = &self.upload {
            self.bucket.complete(&self.key, upload, &self.tags, self.size).await?;
            self.is_whole = true;
            // One that stays aborts nothing at the next start: there is no upload any more.
            drop(self.bucket.delete(&self.marker).await);
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.is_whole {
            return;
        }
        // What cannot be thrown away now is thrown away at the next start.
        let (Some(upload), Ok(runtime)) =
            (self.upload.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let (bucket, key, marker) =
            (self.bucket.clone(), std::mem::take(&mut self.key), std::mem::take(&mut self.marker));
        runtime.spawn(async move {
            if bucket.abort(&key, &upload).await.is_ok() {
                drop(bucket.delete(&marker).await);
            }
        });
    }
}

/// An object in a bucket.
#[derive(Clone, Debug)]
pub struct Kept {
    bucket: Arc<dyn Bucket>,
    key: Arc<str>,
    size: u64,
}

impl Kept {
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes in `range`. What breaks off is asked for again from there, a few times: a bucket ends what a slow
    /// reader leaves lying.
    pub fn chunks(&self, range: Range<u64>) -> Chunks {
        let remaining = range.end.saturating_sub(range.start);
        let tail = Tail { kept: self.clone(), next: range.start, end: range.end, flow: None };
        Chunks { remaining, flow: try_unfold(tail, Tail::step).boxed() }
    }
}

/// What is still to be read.
struct Tail {
    kept: Kept,
    next: u64,
    end: u64,
    flow: Option<Flow>,
}

impl Tail {
    async fn step(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let mut tries: u32 = 0;
        while self.next < self.end {
            let flow = match self.flow.take() {
                Some(flow) => flow,
                // A bucket tries for itself before it says that it cannot: only a flow that broke is worth another one.
                None => self.open().await?,
            };
            match self.pull(flow).await {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Ok(Some((bytes, self))),
                Err(error) => {
                    tries = tries.saturating_add(1);
                    if tries >= TRIES {
                        return Err(error);
                    }
                }
            }
        }
        Ok(None)
    }

    async fn open(&mut self) -> io::Result<Flow> {
        let read = self.kept.bucket.read(&self.kept.key, self.next..self.end).await;
        let read = read.map_err(|fault| io::Error::other(fault.to_string()))?;
        Ok(read.ok_or(io::ErrorKind::NotFound)?)
    }

    /// The next bytes of a flow, which is kept for more if it gives some.
    async fn pull(&mut self, mut flow: Flow) -> io::Result<Bytes> {
        let bytes = flow.next().await.ok_or(io::ErrorKind::UnexpectedEof)??;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > self.end.saturating_sub(self.next) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more than was asked for"));
        }
        self.next = self.next.saturating_add(length);
        self.flow = Some(flow);
        Ok(bytes)
    }
}

/// A stream of an object's bytes.
pub struct Chunks {
    remaining: u64,
    flow: Flow,
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("remaining", &self.remaining).finish_non_exhaustive()
    }
}

impl Chunks {
    /// How many bytes are still to come.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }
}

impl Stream for Chunks {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.flow.as_mut().poll_next(context);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.remaining = self.remaining.saturating_sub(length);
        }
        next
    }
}
