//! Forms that carry files (RFC 7578), read as they come: a piece at a time, however large they are.
//!
//! ```text
//! --boundary ⏎ headers ⏎⏎ bytes ⏎ --boundary ⏎ headers ⏎⏎ bytes ⏎ --boundary--
//! ```
//! Nothing is kept but what may be the beginning of a boundary. A form without its end did not arrive whole.

use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequest, Request};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use http::header;
use memchr::memmem::Finder;

use super::form::{elsewhere, from_here};
use crate::App;
use crate::problem::{Problem, kind};

/// The most bytes of the headers of one part.
const HEAD: usize = 8 * 1024;
/// The longest boundary (RFC 2046).
const BOUNDARY: usize = 70;

/// A form with files that was sent from a page of this server. What it brings is read from it part by part, in order.
#[derive(Debug)]
pub struct Parts {
    body: BodyDataStream,
    /// What came and was not given away.
    buffer: BytesMut,
    /// What ends a part.
    end: Finder<'static>,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In a part, or before the first.
    Bytes,
    /// Behind what ended a part.
    End,
    /// Behind the last part.
    Over,
}

/// What stands before the bytes of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The field's name.
    pub name: String,
    /// The name of the file, where it is one; empty when no file was chosen.
    pub file: Option<String>,
    /// Its media type, as the browser guesses it.
    pub media_type: Option<String>,
}

/// The form ended too early, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl From<Broken> for Problem {
    fn from(_: Broken) -> Self {
        let detail =
            "what you sent did not arrive whole, and nothing of it was kept: send it again";
        Self::new(&kind::MALFORMED, detail)
    }
}

impl FromRequest<App> for Parts {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        if !from_here(&head.headers) {
            return Err(elsewhere());
        }
        let content_type = head.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some(boundary) = boundary(content_type) else {
            let detail = "this is sent as a form with files (multipart/form-data)";
            return Err(Problem::new(&kind::UNSUPPORTED_MEDIA_TYPE, detail));
        };
        Ok(Self::new(boundary, body))
    }
}

impl Parts {
    fn new(boundary: &str, body: Body) -> Self {
        let end = format!("\r\n--{boundary}");
        Self {
            body: body.into_data_stream(),
            // The first boundary has no line before it.
            buffer: BytesMut::from(&b"\r\n"[..]),
            end: Finder::new(end.as_bytes()).into_owned(),
            at: At::Bytes,
        }
    }

    /// The next part; what was not read of the one before is passed over. `None` behind the last.
    pub async fn next(&mut self) -> Result<Option<Head>, Broken> {
        while self.chunk().await?.is_some() {}
        if self.at == At::Over {
            return Ok(None);
        }
        while self.buffer.len() < 2 {
            self.more().await?;
        }
        if self.buffer.starts_with(b"--") {
            self.at = At::Over;
            return Ok(None);
        }
        // The line of the boundary may end in blanks; its end begins what ends the headers, if there are none.
        let head = loop {
            if let Some(length) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                let head = self.buffer.split_to(length);
                self.buffer.advance(4);
                break head;
            }
            if self.buffer.len() > HEAD {
                return Err(Broken);
            }
            self.more().await?;
        };
        self.at = At::Bytes;
        Ok(Some(read_head(std::str::from_utf8(&head).map_err(|_| Broken)?)))
    }

    /// The next bytes of this part; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
        if self.at != At::Bytes {
            return Ok(None);
        }
        loop {
            if let Some(length) = self.end.find(&self.buffer) {
                if length > 0 {
                    return Ok(Some(self.buffer.split_to(length).freeze()));
                }
                self.buffer.advance(self.end.needle().len());
                self.at = At::End;
                return Ok(None);
            }
            // The rest may be the beginning of what ends it.
            let sure = self.buffer.len().saturating_sub(self.end.needle().len());
            if sure > 0 {
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            self.more().await?;
        }
    }

    /// The bytes of this part, to be put away.
    pub fn bytes(&mut self) -> impl Stream<Item = Result<Bytes, Broken>> {
        stream::try_unfold(self, |parts| async move {
            Ok(parts.chunk().await?.map(|chunk| (chunk, parts)))
        })
    }

    /// This part as a text of at most so many bytes.
    pub async fn text(&mut self, most: usize) -> Result<String, Problem> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if text.len().saturating_add(chunk.len()) > most {
                let detail = format!("a field of this form has at most {most} bytes");
                return Err(Problem::new(&kind::TOO_LARGE, detail));
            }
            text.extend_from_slice(&chunk);
        }
        String::from_utf8(text).map_err(|_| Broken.into())
    }

    async fn more(&mut self) -> Result<(), Broken> {
        match self.body.next().await {
            Some(Ok(bytes)) => {
                self.buffer.extend_from_slice(&bytes);
                Ok(())
            }
            Some(Err(_)) | None => Err(Broken),
        }
    }
}

/// What stands between the parts, from a content type that is a form's.
fn boundary(content_type: &str) -> Option<&str> {
    let (essence, parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (1..=BOUNDARY).contains(&boundary.len()).then_some(boundary)
}

fn read_head(lines: &str) -> Head {
    let mut head = Head::default();
    for line in lines.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-disposition") {
            head.name = quoted(value, "name").unwrap_or_default();
            head.file = quoted(value, "filename");
        } else if name.eq_ignore_ascii_case("content-type") {
            let essence = value.split(';').next().unwrap_or_default().trim();
            head.media_type = Some(essence.to_owned()).filter(|essence| !essence.is_empty());
        }
    }
    head
}

/// A parameter of a disposition. Browsers write `"` and line ends in it as `%22`, `%0D` and `%0A` (HTML, multipart form
/// data), and nothing else.
fn quoted(disposition: &str, name: &str) -> Option<String> {
    let begin = format!("; {name}=\"");
    let (_, rest) = disposition.split_once(&begin)?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a form says, its body coming in pieces of so many bytes.
    async fn read(body: &[u8], piece: usize) -> Result<Vec<(Head, Vec<u8>)>, Broken> {
        let pieces: Vec<_> =
            body.chunks(piece).map(Bytes::copy_from_slice).map(Ok::<_, Broken>).collect();
        let mut parts = Parts::new(
            "XX",
            Body::from_stream(stream::iter(
                pieces.into_iter().map(|piece| piece.map_err(|_| std::io::Error::other("cut"))),
            )),
        );
        let mut all = Vec::new();
        while let Some(head) = parts.next().await? {
            let mut bytes = Vec::new();
            while let Some(chunk) = parts.chunk().await? {
                bytes.extend_from_slice(&chunk);
            }
            all.push((head, bytes));
        }
        Ok(all)
    }

    fn form(bytes: &[u8]) -> Vec<u8> {
        let mut body =
            b"--XX\r\nContent-Disposition: form-data; name=\"platform\"\r\n\r\nlinux\r\n\
            --XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a %22b%22.zip\"\r\n\
            Content-Type: application/zip\r\n\r\n"
                .to_vec();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--XX--\r\n");
        body
    }

    #[tokio::test]
    async fn fields_and_files_come_in_order_however_they_are_cut_into_pieces() {
        let bytes = b"\r\n--X and \r\n--X\r\n\r\n--\0";
        let body = form(bytes);
        for piece in 1..body.len() {
            let parts = read(&body, piece).await.unwrap();
            let file = Head {
                name: "file".into(),
                file: Some("a \"b\".zip".into()),
                media_type: Some("application/zip".into()),
            };
            let platform = Head { name: "platform".into(), ..Head::default() };
            assert_eq!(parts, [(platform, b"linux".to_vec()), (file, bytes.to_vec())], "{piece}");
        }
    }

    #[tokio::test]
    async fn a_form_without_its_end_is_broken_wherever_it_is_cut() {
        let body = form(b"bytes");
        let whole = body.len() - "--\r\n".len();
        for length in 0..whole + 2 {
            assert_eq!(read(&body[..length], 7).await, Err(Broken), "{length}");
        }
        assert!(read(&body[..whole + 2], 7).await.is_ok());
        assert_eq!(read(&vec![b'-'; 100_000], 999).await, Err(Broken));
        let mut endless = b"--XX\r\n".to_vec();
        endless.resize(20_000, b'a');
        assert_eq!(read(&endless, 999).await, Err(Broken), "headers have an end");
    }

    #[tokio::test]
    async fn an_empty_file_and_an_empty_form_are_whole() {
        let parts = read(&form(b""), 5).await.unwrap();
        assert_eq!(parts[1].1, b"");
        assert_eq!(read(b"--XX--", 1).await.unwrap(), []);
    }

    #[test]
    fn a_boundary_is_that_of_a_form() {
        assert_eq!(boundary("multipart/form-data; boundary=XX"), Some("XX"));
        assert_eq!(boundary("Multipart/Form-Data; charset=utf-8; boundary=\"a b\""), Some("a b"));
        for bad in
            ["", "multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=XX"]
        {
            assert_eq!(boundary(bad), None, "{bad}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))), None);
    }

    proptest! {
        #[test]
        fn whatever_is_in_a_file_comes_out(
            // Of few letters, so that beginnings of boundaries are common.
            bytes in proptest::collection::vec(prop::sample::select(b"\r\n-Xa".to_vec()), 0..200),
            piece in 1..50_usize,
        ) {
            prop_assume!(memchr::memmem::find(&bytes, b"\r\n--XX").is_none());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let parts = runtime.block_on(read(&form(&bytes), piece)).unwrap();
            prop_assert_eq!(&parts[1].1, &bytes);
        }
    }
}
