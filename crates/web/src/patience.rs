//! Limits in time for slow clients: a body that dribbles in, an answer that nobody takes, a body that
//! goes on coming after it was refused.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// So long a connection takes what still comes, before it is closed on a client in the middle of a body.
const LINGER: Duration = Duration::from_secs(5);
/// A KiB buys a second: whoever sends faster than this is not slow, however long it takes.
const BYTES_PER_SECOND: u64 = 1024;

/// Rings at a deadline that may move away. Moving it costs nothing: the timer is looked at again when
/// it rings too early.
#[derive(Debug, Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    fn poll(&mut self, context: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(timer.as_mut().poll(context));
        if timer.deadline() >= deadline {
            return Poll::Ready(());
        }
        timer.as_mut().reset(deadline);
        timer.as_mut().poll(context)
    }
}

/// Whether a body was not read to its end, because it was refused before: the stream must know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unread(Arc<AtomicBool>);

/// The body of a request, which must keep coming.
#[derive(Debug)]
pub(crate) struct PatientBody {
    inner: Incoming,
    unread: Unread,
    ended: bool,
    patience: Duration,
    begin: Option<Instant>,
    received: u64,
    alarm: Alarm,
}

impl PatientBody {
    /// `body`, which may take as long as `patience`, and longer in so far as it comes.
    pub fn new(body: Incoming, patience: Duration, unread: Unread) -> Self {
        let (ended, begin, alarm) = (body.is_end_stream(), None, Alarm::default());
        Self { inner: body, unread, ended, patience, begin, received: 0, alarm }
    }

    /// As the body of a request to a router.
    pub fn into_request(self) -> axum::body::Body {
        if self.ended {
            axum::body::Body::empty()
        } else {
            axum::body::Body::new(self.map_err(axum::Error::new))
        }
    }
}

impl Body for PatientBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) {
            this.ended = frame.is_none();
            if let Some(Ok(frame)) = &frame {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                this.received = this.received.saturating_add(u64::try_from(bytes).unwrap_or(0));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let begin = *this.begin.get_or_insert_with(Instant::now);
        let earned = Duration::from_secs(this.received / BYTES_PER_SECOND);
        ready!(this.alarm.poll(context, begin + this.patience + earned));
        Poll::Ready(Some(Err("the body came too slowly".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for PatientBody {
    fn drop(&mut self) {
        let ended = self.ended || self.inner.is_end_stream();
        self.unread.0.store(!ended, Ordering::Relaxed);
    }
}

/// A connection whose other end must take what it is sent.
#[derive(Debug)]
pub(crate) struct PatientStream<S> {
    inner: S,
    unread: Unread,
    /// Since when everything is said and nothing more is listened to.
    closing: Option<Instant>,
    patience: Duration,
    /// Since when nothing could be written.
    blocked: Option<Instant>,
    alarm: Alarm,
}

impl<S> PatientStream<S> {
    /// `stream`, on which a write may wait as long as `patience`.
    pub fn new(stream: S, patience: Duration, unread: Unread) -> Self {
        let (closing, blocked) = (None, None);
        Self { inner: stream, unread, closing, patience, blocked, alarm: Alarm::default() }
    }

    fn watched<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.blocked = None;
            return written;
        }
        let since = *self.blocked.get_or_insert_with(Instant::now);
        ready!(self.alarm.poll(context, since + self.patience));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PatientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PatientStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watched(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.watched(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    /// A system that closes a connection with unread bytes in it resets it, and the client may lose the
    /// answer that says why. So what comes of a refused body is taken for a while.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let since = match this.closing {
            Some(since) => since,
            None => {
                ready!(Pin::new(&mut this.inner).poll_shutdown(context))?;
                this.alarm = Alarm::default();
                *this.closing.insert(Instant::now())
            }
        };
        if !this.unread.0.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let mut bytes = [0; 16 * 1024];
        while this.alarm.poll(context, since + LINGER).is_pending() {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut this.inner).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
