//! The body of a download: chunks as they are read, and the count when the last one went out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body, Frame, SizeHint};
use scrip_domain::Timestamp;
use scrip_engine::download::Grant;
use scrip_engine::objects::Chunks;

use crate::App;

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
}

impl Sending {
    /// `chunks` of the file of `grant`; `to_the_end` if they include its last byte.
    pub fn new(app: App, grant: Grant, chunks: Chunks, to_the_end: bool) -> Self {
        let mut sending = Self { app, grant, chunks, started: None, sent: 0, counts: to_the_end };
        // Of an empty file nothing is ever asked for.
        sending.passed();
        sending
    }

    /// After the last byte the download counts. Nobody waits for that: the buyer has the goods.
    fn passed(&mut self) {
        if self.chunks.remaining() > 0 || !std::mem::take(&mut self.counts) {
            return;
        }
        let (app, grant) = (self.app.clone(), self.grant.clone());
        tokio::spawn(async move {
            if let Err(fault) = app.engine.finished(&grant).await {
                tracing::error!(license = %grant.license, %fault, "a download was not counted");
            }
        });
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Some(read) = ready!(Pin::new(&mut self.chunks).poll_next(context)) else {
            return Poll::Ready(None);
        };
        if self.started.is_none() {
            self.started = Some(self.app.engine.now());
            self.app.engine.started(&self.grant);
        }
        match read {
            Ok(chunk) => {
                let bytes = u64::try_from(chunk.as_ref().len()).unwrap_or(u64::MAX);
                self.sent = self.sent.saturating_add(bytes);
                self.passed();
                // The chunk's memory itself, without a copy.
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(chunk)))))
            }
            Err(error) => {
                let file = self.grant.file.id;
                tracing::error!(%file, %error, "a download broke off");
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.chunks.remaining())
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(since) = self.started {
            self.app.engine.sent(&self.grant, self.sent, since);
        }
    }
}
