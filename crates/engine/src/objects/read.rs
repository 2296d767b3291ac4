//! Reading: large chunks, from the page cache at once, from the disk ahead of the reader.
//!
//! A chunk that lies in the page cache is copied on the calling task: that costs less than waking a
//! thread. Only what must wait for the disk goes to a thread (`RWF_NOWAIT` of preadv2(2) tells), and
//! from then on the next chunk is read while the current one is sent.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::Stream;
use scrip_storage::Blocking;

use super::folder::Job;

/// Bytes that are read at once: few calls, and still in the processor's cache when they are sent.
const CHUNK: usize = 256 << 10;
/// Buffers that are kept for the next reader.
const KEPT: usize = 16;

/// An object, open.
#[derive(Clone, Debug)]
pub struct Opened {
    file: Arc<File>,
    size: u64,
    pool: Arc<Pool>,
    blocking: Blocking,
}

impl Opened {
    pub fn new(file: File, size: u64, pool: Arc<Pool>, blocking: Blocking) -> Self {
        Self { file: Arc::new(file), size, pool, blocking }
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes in `range`, in order. Two buffers of memory, however many bytes.
    pub fn chunks(&self, range: Range<u64>) -> Chunks {
        Chunks { object: self.clone(), next: range.start, end: range.end, ahead: None, cold: false }
    }

    /// Fills `chunk` with what the page cache has from `at` on; `None` when that is nothing.
    #[cfg(target_os = "linux")]
    fn read_cached(&self, at: u64, chunk: &mut Buffer) -> Option<usize> {
        use rustix::io::{ReadWriteFlags, preadv2};
        let mut buffers = [io::IoSliceMut::new(chunk.room())];
        let read = preadv2(&self.file, &mut buffers, at, ReadWriteFlags::NOWAIT);
        // No support, nothing there, an error: a thread finds out.
        read.ok().filter(|bytes| *bytes > 0)
    }

    #[cfg(not(target_os = "linux"))]
    fn read_cached(&self, _: u64, _: &mut Buffer) -> Option<usize> {
        None
    }

    /// Reads a whole chunk, from wherever it is.
    fn read(&self, at: u64, want: usize) -> Job<io::Result<Buffer>> {
        let (file, mut chunk) = (self.file.clone(), self.pool.clone().take(want));
        Job::start(self.blocking, move || {
            file.read_exact_at(chunk.room(), at)?;
            Ok(chunk)
        })
    }
}

/// A stream of an object's bytes.
#[derive(Debug)]
pub struct Chunks {
    object: Opened,
    /// Where the next chunk begins, those under way not counted.
    next: u64,
    end: u64,
    ahead: Option<Job<io::Result<Buffer>>>,
    /// Whether something had to be fetched from the disk.
    cold: bool,
}

impl Chunks {
    /// How many bytes are still to come.
    pub fn remaining(&self) -> u64 {
        self.end.saturating_sub(self.next)
    }

    fn want(&self, from: u64) -> usize {
        usize::try_from(self.end.saturating_sub(from)).map_or(CHUNK, |left| left.min(CHUNK))
    }

    /// The next chunk, if it need not be waited for.
    fn cached(&mut self) -> Option<Buffer> {
        let reads_at_once = !self.cold && self.object.blocking == Blocking::Threads;
        if !reads_at_once {
            return None;
        }
        let mut chunk = self.object.pool.clone().take(self.want(self.next));
        let read = self.object.read_cached(self.next, &mut chunk);
        self.cold = read.is_none();
        chunk.cut(read?);
        Some(chunk)
    }

    fn passed(&mut self, chunk: &Buffer) {
        let read = u64::try_from(chunk.as_ref().len()).unwrap_or(u64::MAX);
        self.next = self.next.saturating_add(read);
    }
}

impl Stream for Chunks {
    type Item = io::Result<Buffer>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.remaining() == 0 {
            return Poll::Ready(None);
        }
        if self.ahead.is_none() {
            if let Some(chunk) = self.cached() {
                self.passed(&chunk);
                return Poll::Ready(Some(Ok(chunk)));
            }
            let (at, want) = (self.next, self.want(self.next));
            self.ahead = Some(self.object.read(at, want));
        }
        let read = match self.ahead.take() {
            Some(Job::Running(mut handle)) => match Pin::new(&mut handle).poll(context) {
                Poll::Ready(read) => read.unwrap_or_else(|panic| Err(io::Error::other(panic))),
                Poll::Pending => {
                    self.ahead = Some(Job::Running(handle));
                    return Poll::Pending;
                }
            },
            Some(Job::Done(read)) => read,
            None => return Poll::Ready(None),
        };
        if let Ok(chunk) = &read {
            self.passed(chunk);
            if self.cold && self.remaining() > 0 {
                let (at, want) = (self.next, self.want(self.next));
                self.ahead = Some(self.object.read(at, want));
            }
        }
        Poll::Ready(Some(read))
    }
}

/// Some bytes of an object. Their memory goes back to the pool when they have been sent.
#[derive(Debug)]
pub struct Buffer {
    memory: Vec<u8>,
    length: usize,
    pool: Arc<Pool>,
}

impl Buffer {
    /// What is to be filled.
    fn room(&mut self) -> &mut [u8] {
        self.memory.get_mut(..self.length).unwrap_or_default()
    }

    /// Only so much was filled.
    fn cut(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.memory.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.pool.put_back(std::mem::take(&mut self.memory));
    }
}

/// Buffers out of use: zeroed once, and often still in the processor's cache.
#[derive(Debug, Default)]
pub struct Pool(Mutex<Vec<Vec<u8>>>);

impl Pool {
    fn take(self: Arc<Self>, length: usize) -> Buffer {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut memory = kept.unwrap_or_default();
        if memory.len() < length {
            // A small object does not take a whole chunk of memory.
            memory = vec![0; length];
        }
        Buffer { memory, length, pool: self }
    }

    fn put_back(&self, buffer: Vec<u8>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.len() == CHUNK && kept.len() < KEPT {
            kept.push(buffer);
        }
    }
}
