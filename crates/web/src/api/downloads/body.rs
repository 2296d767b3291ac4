//! The body of a download: chunks as they are read, and the count when the last one goes out.
//!
//! The last chunk waits for the count, and never goes out when there was no download left, or when the license was
//! refunded, revoked or suspended meanwhile. Where nothing is limited, a fault of this server breaks off no download.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use hyper::body::{Body, Frame, SizeHint};
use scrip_domain::Timestamp;
use scrip_engine::download::{Grant, Slot, Unfinished};
use scrip_engine::objects::Chunks;

use crate::App;

/// What a poll gives.
type Sent = Poll<Option<Result<Frame<Bytes>, io::Error>>>;

/// A download that is being sent. Dropped before its end, it has cost nothing.
pub struct Sending {
    app: App,
    grant: Grant,
    chunks: Chunks,
    /// When the first bytes went out.
    started: Option<Timestamp>,
    sent: u64,
    /// Whether these bytes reach the end of the file and have not been counted yet.
    counts: bool,
    /// The last chunk, while it waits for its count.
    last: Option<(Bytes, BoxFuture<'static, io::Result<()>>)>,
    /// Ends with this answer.
    _slot: Option<Slot>,
}

impl Sending {
    /// `chunks` of the file of `grant`; `to_the_end` if they include its last byte.
    pub fn new(
        app: App,
        grant: Grant,
        chunks: Chunks,
        to_the_end: bool,
        slot: Option<Slot>,
    ) -> Self {
        let (started, sent, counts, last) = (None, 0, to_the_end, None);
        if to_the_end && chunks.remaining() == 0 {
            // Of an empty file nothing is ever asked for.
            tokio::spawn(count(app.clone(), grant.clone()));
        }
        Self { app, grant, chunks, started, sent, counts, last, _slot: slot }
    }

    /// The first bytes go out.
    fn start(&mut self) {
        if self.started.is_some() {
            return;
        }
        self.started = Some(self.app.engine.now());
        if self.app.engine.is_first_use(&self.grant) {
            let (app, grant) = (self.app.clone(), self.grant.clone());
            tokio::spawn(async move {
                if let Err(fault) = app.engine.started(&grant).await {
                    tracing::error!(license = %grant.license, %fault, "a ticket was not kept");
                }
            });
        }
    }

    /// Hands `bytes` over.
    fn send(&mut self, bytes: Bytes) -> Sent {
        self.start();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.sent = self.sent.saturating_add(length);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    /// Hands the last chunk over once it has counted.
    fn poll_last(&mut self, context: &mut Context<'_>) -> Sent {
        let Some((_, count)) = &mut self.last else { return Poll::Ready(None) };
        let counted = ready!(count.as_mut().poll(context));
        match (self.last.take(), counted) {
            (Some((bytes, _)), Ok(())) => self.send(bytes),
            (_, Err(error)) => Poll::Ready(Some(Err(error))),
            (None, Ok(())) => Poll::Ready(None),
        }
    }
}

/// Counts a download, and says whether it may be sent to its end.
async fn count(app: App, grant: Grant) -> io::Result<()> {
    match app.engine.finished(&grant).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Unfinished::UsedUp)) => {
            Err(io::Error::other("the downloads of this license are used up"))
        }
        Ok(Err(Unfinished::Stopped)) => {
            Err(io::Error::other("this license is not in force any more"))
        }
        Err(fault) => {
            tracing::error!(license = %grant.license, %fault, "a download was not counted");
            if !grant.is_limited() {
                return Ok(());
            }
            Err(io::Error::other("whether this download counts is unknown"))
        }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Sent {
        if self.last.is_some() {
            return self.poll_last(context);
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
        if self.chunks.remaining() > 0 || !std::mem::take(&mut self.counts) {
            return self.send(bytes);
        }
        let count = count(self.app.clone(), self.grant.clone());
        self.last = Some((bytes, Box::pin(count)));
        self.poll_last(context)
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.remaining() == 0 && self.last.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.last.as_ref().map_or(0, |(bytes, _)| bytes.len());
        let held = u64::try_from(held).unwrap_or(u64::MAX);
        SizeHint::with_exact(self.chunks.remaining().saturating_add(held))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(since) = self.started {
            self.app.engine.sent(&self.grant, self.sent, since);
        }
    }
}
