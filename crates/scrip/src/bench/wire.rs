//! HTTP/1.1 as far as a load generator needs it: send prepared bytes, find the end of the answer.
//!
//! Why not hyper: its client took 11.6 us of CPU per request (10.0 to 13.3) where this takes 7.5 us
//! (6.6 to 9.1), six sevenths of it in the kernel. Both read 1 KiB from axum over 256 connections,
//! on one thread, five times in turns. The difference would be missing from the server that is
//! measured.

use std::cell::RefCell;
use std::io::{self, ErrorKind};

use scrip_client::BaseUrl;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A head longer than this is none.
const MAX_HEAD: usize = 16 * 1024;
/// What a buffer begins with: an answer to a read or a purchase fits, a longer one makes it grow
/// once.
const BUFFER: usize = MAX_HEAD;
/// The longest answer that is held in memory.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// The start of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// How long the head itself is: where the body begins.
    pub(super) size: usize,
    /// How long the body is.
    pub(super) length: u64,
}

/// Why bytes from a server are no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    #[error("the server closed the connection in the middle of an answer")]
    Closed,
    #[error("the answer is not HTTP/1.1")]
    NotHttp,
    #[error("the answer is chunked; the bench wants a Content-Length")]
    Chunked,
    #[error("the answer has no Content-Length")]
    NoLength,
    #[error("the answer is too long")]
    TooLong,
}

impl WireError {
    /// The name under which it is counted.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "connection_broken",
            Self::Closed => "connection_closed",
            Self::NotHttp => "not_http",
            Self::Chunked => "chunked",
            Self::NoLength => "no_content_length",
            Self::TooLong => "too_long",
        }
    }
}

/// Reads the head of an answer; `None` while it is incomplete.
pub(super) fn scan(bytes: &[u8]) -> Result<Option<Head>, WireError> {
    let Some(mut line_end) = line_end(bytes, 0) else { return incomplete(bytes) };
    let status = status(&bytes[..line_end])?;
    let mut length = None;
    loop {
        let start = line_end + 1;
        let Some(end) = self::line_end(bytes, start) else { return incomplete(bytes) };
        line_end = end;
        let line = bytes[start..end].strip_suffix(b"\r").unwrap_or(&bytes[start..end]);
        if line.is_empty() {
            break;
        }
        if let Some(value) = header(line, b"content-length:") {
            let digits = std::str::from_utf8(value).map_err(|_| WireError::NotHttp)?;
            length = Some(digits.trim().parse().map_err(|_| WireError::NotHttp)?);
        } else if header(line, b"transfer-encoding:").is_some() {
            return Err(WireError::Chunked);
        }
    }
    let bodiless = matches!(status, 204 | 304);
    let length = if bodiless { 0 } else { length.ok_or(WireError::NoLength)? };
    Ok(Some(Head { status, size: line_end + 1, length }))
}

fn incomplete(bytes: &[u8]) -> Result<Option<Head>, WireError> {
    if bytes.len() > MAX_HEAD { Err(WireError::TooLong) } else { Ok(None) }
}

fn line_end(bytes: &[u8], from: usize) -> Option<usize> {
    bytes[from..].iter().position(|&byte| byte == b'\n').map(|at| from + at)
}

fn status(line: &[u8]) -> Result<u16, WireError> {
    let after = line.strip_prefix(b"HTTP/1.1 ").ok_or(WireError::NotHttp)?;
    let digits = after.first_chunk::<3>().ok_or(WireError::NotHttp)?;
    let digits = std::str::from_utf8(digits).map_err(|_| WireError::NotHttp)?;
    digits.parse().map_err(|_| WireError::NotHttp)
}

/// The value of a header if the line is that header.
fn header<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(value)
}

/// A connection with its buffer, which is filled anew by each answer.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer as it lies in the buffer of its connection.
#[derive(Debug)]
pub(super) struct Answer<'b> {
    pub(super) status: u16,
    pub(super) body: &'b [u8],
}

impl Connection {
    /// Connects.
    pub(super) async fn open(server: &BaseUrl) -> io::Result<Self> {
        let stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER] })
    }

    /// Sends a request and waits for the whole answer.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, WireError> {
        let (head, mut filled) = self.begin(request).await?;
        let length = usize::try_from(head.length).unwrap_or(usize::MAX);
        if length > MAX_ANSWER {
            return Err(WireError::TooLong);
        }
        let end = head.size + length;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        while filled < end {
            filled += read(&mut self.stream, &mut self.buffer[filled..end]).await?;
        }
        // More than was announced: the next answer would begin in the wrong place.
        if filled > end { Err(WireError::NotHttp) } else { Ok(self.answer(head, end)) }
    }

    /// Sends a request, throws the body of the answer away as it comes in, and tells how much came
    /// each time. The status comes back; the caller may stop listening at any time, and drops the
    /// connection then.
    pub(super) async fn drain(
        &mut self,
        request: &[u8],
        sink: &Sink,
        mut came: impl FnMut(u64),
    ) -> Result<u16, WireError> {
        let (head, filled) = self.begin(request).await?;
        let first = (filled - head.size) as u64;
        let mut left = head.length.checked_sub(first).ok_or(WireError::NotHttp)?;
        came(first);
        while left > 0 {
            self.stream.readable().await?;
            let got = match sink.read(&self.stream, left) {
                Ok(0) => return Err(WireError::Closed),
                Ok(got) => got as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            };
            came(got);
            left -= got;
            // A server that is faster than this thread must not keep it from the other connections.
            tokio::task::coop::consume_budget().await;
        }
        Ok(head.status)
    }

    async fn begin(&mut self, request: &[u8]) -> Result<(Head, usize), WireError> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                return Err(WireError::TooLong);
            }
            filled += read(&mut self.stream, &mut self.buffer[filled..]).await?;
            if let Some(head) = scan(&self.buffer[..filled])? {
                return Ok((head, filled));
            }
        }
    }

    fn answer(&self, head: Head, end: usize) -> Answer<'_> {
        Answer { status: head.status, body: &self.buffer[head.size..end] }
    }
}

/// Where downloads go: one buffer for all connections, since nobody looks into it.
#[derive(Debug)]
pub(super) struct Sink(RefCell<Vec<u8>>);

impl Sink {
    pub(super) fn new(size: usize) -> Self {
        Self(RefCell::new(vec![0; size]))
    }

    /// Reads what is there, at most so many bytes, without waiting.
    fn read(&self, stream: &TcpStream, most: u64) -> io::Result<usize> {
        let mut buffer = self.0.borrow_mut();
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(buffer.len());
        stream.try_read(&mut buffer[..most])
    }
}

async fn read(stream: &mut TcpStream, into: &mut [u8]) -> Result<usize, WireError> {
    match stream.read(into).await? {
        0 => Err(WireError::Closed),
        read => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nContent-LENGTH: 4\r\n\r\nbody";

    #[test]
    fn a_head_is_found_only_when_it_is_whole() {
        let size = ANSWER.len() - 4;
        for end in 0..size {
            assert!(scan(&ANSWER[..end]).expect("no mistake in it").is_none(), "{end}");
        }
        let head = scan(ANSWER).expect("no mistake in it");
        assert_eq!(head, Some(Head { status: 201, size, length: 4 }));
    }

    #[test]
    fn what_has_no_body_needs_no_length() {
        let head = scan(b"HTTP/1.1 204 No Content\r\n\r\n").expect("no mistake in it");
        assert_eq!(head.map(|head| head.length), Some(0));
    }

    #[test]
    fn other_answers_are_refused_by_name() {
        for (answer, code) in [
            (&b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"[..], "chunked"),
            (b"HTTP/1.1 200 OK\r\nserver: x\r\n\r\n", "no_content_length"),
            (b"HTTP/1.0 200 OK\r\n\r\n", "not_http"),
            (b"HTTP/1.1 2x0 OK\r\n\r\n", "not_http"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "not_http"),
            ("x".repeat(MAX_HEAD + 1).as_bytes(), "too_long"),
        ] {
            let error = scan(answer).expect_err("refused");
            assert_eq!(error.code(), code);
        }
    }

    /// A connection to a server that sends these pieces, one packet each, after each request.
    async fn connected(pieces: Vec<Vec<u8>>) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("open");
            while stream.read_u8().await.is_ok() {
                for piece in &pieces {
                    stream.write_all(piece).await.expect("a listener");
                    tokio::task::yield_now().await;
                }
            }
        });
        let server = server.parse().expect("valid");
        Connection::open(&server).await.expect("connected")
    }

    #[tokio::test]
    async fn an_answer_may_come_in_any_pieces() {
        for size in [1, 7, 90, ANSWER.len()] {
            let mut wire = connected(ANSWER.chunks(size).map(<[u8]>::to_vec).collect()).await;
            for _ in 0..3 {
                let answer = wire.exchange(b"?").await.expect("an answer");
                assert_eq!((answer.status, answer.body), (201, &b"body"[..]));
            }
        }
    }

    #[tokio::test]
    async fn an_answer_may_outgrow_the_buffer() {
        let mut long = b"HTTP/1.1 200 OK\r\ncontent-length: 50000\r\n\r\n".to_vec();
        long.resize(long.len() + 50_000, b'x');
        let mut wire = connected(vec![long]).await;
        assert_eq!(wire.exchange(b"?").await.expect("an answer").body.len(), 50_000);
        let mut came = 0;
        assert_eq!(
            wire.drain(b"?", &Sink::new(99), |bytes| came += bytes).await.expect("an answer"),
            200
        );
        assert_eq!(came, 50_000);
    }

    #[tokio::test]
    async fn more_than_was_announced_is_a_mistake() {
        let mut wire =
            connected(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxyz".to_vec()]).await;
        assert!(matches!(wire.exchange(b"?").await, Err(WireError::NotHttp)));
    }
}
