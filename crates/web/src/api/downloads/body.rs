//! The body of a download: chunks as they are read, and what must be on record before one goes out.
//!
//! The first chunk waits until it is known that the download has begun, the first one of the file's tail until it has
//! counted. Neither goes out when there was no download left, or when the license was refunded, revoked or suspended
//! meanwhile. Where nothing is limited, a fault of this server breaks off no download.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use hyper::body::{Body, Frame, SizeHint};
use scrip_domain::Timestamp;
use scrip_engine::download::{Grant, Slot, Unfinished};
use scrip_engine::objects::Chunks;
use scrip_engine::{Engine, Outcome};

use crate::App;

/// What a poll gives.
type Sent = Poll<Option<Result<Frame<Bytes>, io::Error>>>;

/// A download that is being sent. Dropped before the file's tail, it has cost nothing.
pub struct Sending {
    app: App,
    grant: Grant,
    chunks: Chunks,
    /// Where in the file the next chunk begins.
    next: u64,
    /// Whether the first bytes went out.
    started: bool,
    sent: u64,
    /// From when on, and after how many bytes, its speed says something of the client's line.
    steady: Option<(Timestamp, u64)>,
    /// Whether these bytes enter the tail of the file and have not been counted yet.
    counts: bool,
    /// A chunk, while it waits for what must be on record before.
    waiting: Option<(Bytes, BoxFuture<'static, io::Result<()>>)>,
    /// Ends with this answer.
    _slot: Option<Slot>,
}

impl Sending {
    /// `chunks` of the file of `grant`, which are these `bytes` of it.
    pub fn new(
        app: App,
        grant: Grant,
        chunks: Chunks,
        bytes: Range<u64>,
        slot: Option<Slot>,
    ) -> Self {
        let counts = grant.enters_tail(bytes.end);
        if counts && bytes.is_empty() {
            // Of an empty file nothing is ever asked for.
            tokio::spawn(record(app.clone(), grant.clone(), true));
        }
        let next = bytes.start;
        Self {
            app,
            grant,
            chunks,
            next,
            started: false,
            sent: 0,
            steady: None,
            counts,
            waiting: None,
            _slot: slot,
        }
    }

    /// Hands `bytes` over.
    fn send(&mut self, bytes: Bytes) -> Sent {
        self.started = true;
        if self.steady.is_none() && Engine::is_steady(self.sent) {
            self.steady = Some((self.app.engine.now(), self.sent));
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.sent = self.sent.saturating_add(length);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    /// Hands the chunk over that waits, once it may go out.
    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Sent {
        let Some((_, recorded)) = &mut self.waiting else { return Poll::Ready(None) };
        let recorded = ready!(recorded.as_mut().poll(context));
        match (self.waiting.take(), recorded) {
            (Some((bytes, _)), Ok(())) => self.send(bytes),
            (_, Err(error)) => Poll::Ready(Some(Err(error))),
            (None, Ok(())) => Poll::Ready(None),
        }
    }
}

/// Puts on record that a download has begun, and counts it if it `counts`; says whether it may go on.
async fn record(app: App, grant: Grant, counts: bool) -> io::Result<()> {
    let counted = async { if counts { app.engine.finished(&grant).await } else { Ok(Ok(())) } };
    let (begun, counted) = tokio::join!(app.engine.begun(&grant), counted);
    may_go_on(&grant, begun).and(may_go_on(&grant, counted))
}

fn may_go_on(grant: &Grant, recorded: Outcome<(), Unfinished>) -> io::Result<()> {
    match recorded {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Unfinished::UsedUp)) => {
            Err(io::Error::other("the downloads of this license are used up"))
        }
        Ok(Err(Unfinished::Stopped)) => {
            Err(io::Error::other("this license is not in force any more"))
        }
        Err(fault) => {
            tracing::error!(license = %grant.license, %fault, "a download was not recorded");
            if !grant.is_limited() {
                return Ok(());
            }
            Err(io::Error::other("whether this download may go on is unknown"))
        }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Sent {
        if self.waiting.is_some() {
            return self.poll_waiting(context);
        }
        let chunk = match ready!(Pin::new(&mut self.chunks).poll_next(context)) {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => {
                let file = self.grant.file.id;
                tracing::error!(%file, %error, "a download broke off");
                return Poll::Ready(Some(Err(error)));
            }
            None => return Poll::Ready(None),
        };
        // The chunk's memory itself, without a copy.
        let bytes = Bytes::from_owner(chunk);
        self.next = self.next.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let counts = self.counts && self.grant.enters_tail(self.next);
        if self.started && !counts {
            return self.send(bytes);
        }
        self.counts &= !counts;
        let recorded = record(self.app.clone(), self.grant.clone(), counts);
        self.waiting = Some((bytes, Box::pin(recorded)));
        self.poll_waiting(context)
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.remaining() == 0 && self.waiting.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.waiting.as_ref().map_or(0, |(bytes, _)| bytes.len());
        let held = u64::try_from(held).unwrap_or(u64::MAX);
        SizeHint::with_exact(self.chunks.remaining().saturating_add(held))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some((since, before)) = self.steady {
            self.app.engine.sent(&self.grant, self.sent.saturating_sub(before), since);
        }
    }
}
