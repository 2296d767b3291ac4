//! Bodies of requests: empty, whole, or read from somewhere while they are sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, ReadBuf};

/// How much of a reader is held in memory at a time.
const CHUNK: usize = 64 * 1024;

/// The body of a request.
#[derive(Debug)]
pub struct Body(pub(crate) UnsyncBoxBody<Bytes, io::Error>);

impl Body {
    /// No body.
    pub fn empty() -> Self {
        Self(Empty::new().map_err(|never| match never {}).boxed_unsync())
    }

    /// A body of so many bytes from a reader, in constant memory. A reader that ends early ends the
    /// request in an error: a shorter file is never taken for the whole one.
    pub fn reader(reader: impl AsyncRead + Send + Unpin + 'static, length: u64) -> Self {
        Self(Reading { reader, left: length, buffer: BytesMut::new() }.boxed_unsync())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Full::new(bytes).map_err(|never| match never {}).boxed_unsync())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

struct Reading<R> {
    reader: R,
    left: u64,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> hyper::body::Body for Reading<R> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let most = usize::try_from(this.left).unwrap_or(CHUNK).min(CHUNK);
        this.buffer.resize(most, 0);
        let mut into = ReadBuf::new(&mut this.buffer);
        ready!(Pin::new(&mut this.reader).poll_read(cx, &mut into))?;
        let filled = into.filled().len();
        if filled == 0 {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        this.left -= filled as u64;
        Poll::Ready(Some(Ok(Frame::data(this.buffer.split_to(filled).freeze()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
