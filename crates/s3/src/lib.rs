//! Buckets of S3, and of whatever speaks its protocol, behind the engine's port.
//!
//! Requests are signed in their address (AWS Signature Version 4), which `rusty-s3` does; they go through our own client.
//! An address is good for a quarter of an hour, and stands in no log and no error.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

mod xml;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{StreamExt, try_unfold};
use futures_util::{FutureExt, TryFutureExt};
use http::response::Parts;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use rusty_s3::{Method, UrlStyle, signing};
use scrip_domain::Clock;
use scrip_engine::Fault;
use scrip_engine::objects::bucket::{Asked, Bucket, Flow, Listed};
use scrip_https::{Coming, Long, Unanswered};

/// How long the head of an answer is waited for, and each piece of its body.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many seconds a signed address is good for: requests are sent at once.
const GOOD_FOR: u64 = 900;
/// The slowest line on which a part still arrives, in bytes a second.
const SLOWEST: u64 = 64 << 10;
/// An answer that is no object: a page of a list is the longest, 1000 keys of at most 1024 bytes.
const MOST: usize = 4 << 20;
/// How often a request is sent.
const TRIES: u32 = 3;
/// Before it is sent again; longer each time.
const PAUSE: Duration = Duration::from_millis(200);

/// Which bucket, and who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the service stands, such as `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// What all keys begin with: empty, or with a slash at its end.
    pub prefix: String,
    /// Whether the bucket's name stands in the path and not in the host.
    pub path_style: bool,
    /// The name of the key.
    pub access_key: String,
    /// The key.
    pub secret_key: String,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Why there can be no bucket.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The service cannot be reached by this address.
    #[error(transparent)]
    Address(#[from] scrip_https::SetupError),
    /// Endpoint and name make no address.
    #[error(
        "the endpoint must be an address such as https://s3.example, and the bucket a plain name"
    )]
    Bucket,
}

/// A bucket.
pub struct S3 {
    long: Long,
    bucket: rusty_s3::Bucket,
    settings: Settings,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

impl S3 {
    /// The bucket of `settings`. Requests are signed by the time of `clock`, which must be the world's. Nothing is
    /// asked of the network yet.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if settings.bucket.is_empty() || !settings.bucket.chars().all(is_plain) {
            return Err(SetupError::Bucket);
        }
        let long = Long::to(&settings.endpoint, PATIENCE)?;
        let endpoint = settings.endpoint.parse().map_err(|_| SetupError::Bucket)?;
        let style = if settings.path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let (name, region) = (settings.bucket.clone(), settings.region.clone());
        let bucket = rusty_s3::Bucket::new(endpoint, style, name, region);
        let bucket = bucket.map_err(|_| SetupError::Bucket)?;
        Ok(Self { long, bucket, settings, clock })
    }

    /// The address of a request, signed. `query` is in the order of its names.
    fn signed(
        &self,
        method: Method,
        key: Option<&str>,
        query: &[(&str, &str)],
    ) -> Result<String, Fault> {
        let at = jiff::Timestamp::from_millisecond(self.clock.now().millis());
        let url = match key {
            Some(key) => self.bucket.object_url(&format!("{}{key}", self.settings.prefix)),
            None => self.bucket.base_url().clone(),
        };
        let url = signing::sign(
            &at.map_err(|_| Fault::Bug("the time cannot be written".into()))?,
            method,
            url,
            &self.settings.access_key,
            &self.settings.secret_key,
            None,
            self.bucket.region(),
            GOOD_FOR,
            query.iter().copied(),
            std::iter::empty(),
        );
        Ok(url.into())
    }

    /// Sends a request, again where the service has no time, and reads the head of the answer.
    async fn ask(&self, asked: &Ask<'_>) -> Result<(Parts, Coming), Fault> {
        let length = u64::try_from(asked.body.len()).unwrap_or(u64::MAX);
        let longer = Duration::from_secs(length.checked_div(SLOWEST).unwrap_or(0));
        let mut tries: u32 = 0;
        loop {
            let mut request = Request::builder().method(asked.method.to_str()).uri(self.signed(
                asked.method,
                asked.key,
                asked.query,
            )?);
            if let Some(range) = &asked.range {
                let last = range.end.saturating_sub(1);
                request = request.header(header::RANGE, format!("bytes={}-{last}", range.start));
            }
            let request = request.body(Full::new(asked.body.clone()));
            let request = request.map_err(|_| Fault::Bug("a request cannot be written".into()))?;
            let answer = self.long.send(request, longer).await;
            tries = tries.saturating_add(1);
            let has_time = answer.as_ref().is_ok_and(|(head, _)| {
                !head.status.is_server_error() && head.status != StatusCode::TOO_MANY_REQUESTS
            });
            if has_time || tries >= TRIES {
                return answer.map_err(|Unanswered(why)| unavailable(&why));
            }
            tokio::time::sleep(PAUSE.saturating_mul(tries)).await;
        }
    }

    /// The whole body of an answer, which must be a success.
    async fn whole(&self, asked: &Ask<'_>) -> Result<(Parts, Bytes), Fault> {
        let (head, body) = self.ask(asked).await?;
        let body = body.whole(MOST).await.map_err(|Unanswered(why)| unavailable(&why))?;
        if head.status.is_success() { Ok((head, body)) } else { Err(refused(&head, &body)) }
    }

    async fn document(&self, asked: &Ask<'_>) -> Result<String, Fault> {
        let (_, body) = self.whole(asked).await?;
        String::from_utf8(body.into()).map_err(|_| unavailable("its answer is no text"))
    }

    async fn size_of(&self, key: &str) -> Result<Option<u64>, Fault> {
        let (head, _) = self.ask(&Ask::of(Method::Head, key)).await?;
        match head.status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => {
                let length = head.headers.get(header::CONTENT_LENGTH);
                let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
                length.map(Some).ok_or_else(|| unavailable("it does not say how long an object is"))
            }
            _ => Err(refused(&head, &[])),
        }
    }

    async fn read_from(&self, key: &str, range: Range<u64>) -> Result<Option<Flow>, Fault> {
        let from = range.start;
        let asked = Ask { range: Some(range), ..Ask::of(Method::Get, key) };
        let (head, body) = self.ask(&asked).await?;
        let begins = || {
            let range = head.headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
            range.strip_prefix("bytes ")?.split('-').next()?.parse::<u64>().ok()
        };
        match head.status {
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::PARTIAL_CONTENT if begins() == Some(from) => {}
            // Who is asked for all may say so.
            StatusCode::OK if from == 0 => {}
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => {
                return Err(unavailable("it gave other bytes than were asked for"));
            }
            _ => {
                let body = body.whole(MOST).await.unwrap_or_default();
                return Err(refused(&head, &body));
            }
        }
        let pieces = try_unfold(body, |mut body| async move {
            let piece = body.next().await;
            let piece = piece.map_err(|Unanswered(why)| std::io::Error::other(why))?;
            Ok(piece.map(|piece| (piece, body)))
        });
        Ok(Some(pieces.boxed()))
    }

    async fn page(&self, prefix: &str, after: Option<String>) -> Result<Listed, Fault> {
        let prefix = format!("{}{prefix}", self.settings.prefix);
        let mut query = vec![("list-type", "2"), ("prefix", prefix.as_str())];
        if let Some(after) = &after {
            query.insert(0, ("continuation-token", after));
        }
        let asked = Ask { query: &query, key: None, ..Ask::of(Method::Get, "") };
        let mut page = xml::listed(&self.document(&asked).await?)?;
        for (key, _) in &mut page.objects {
            let below = key.strip_prefix(self.settings.prefix.as_str());
            *key = below.ok_or_else(|| unavailable("it lists what was not asked for"))?.to_owned();
        }
        Ok(page)
    }

    async fn put_part(&self, asked: &Ask<'_>) -> Result<String, Fault> {
        let (head, _) = self.whole(asked).await?;
        let tag = head.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
        tag.map(str::to_owned).ok_or_else(|| unavailable("it gave a part no tag"))
    }

    async fn make_whole(
        &self,
        key: &str,
        upload: &str,
        tags: &[String],
        size: u64,
    ) -> Result<(), Fault> {
        let query = [("uploadId", upload)];
        let body = xml::parts(tags).into();
        let asked = Ask { query: &query, body, ..Ask::of(Method::Post, key) };
        let (head, body) = self.ask(&asked).await?;
        let body = body.whole(MOST).await.map_err(|Unanswered(why)| unavailable(&why))?;
        // A success may turn into an error while it is waited for: the status says nothing then.
        if head.status.is_success() && xml::is_completed(&body) {
            return Ok(());
        }
        // Where the first answer was lost, there is no such upload any more, but the object. One of another length is the
        // one that was to be repaired.
        if head.status == StatusCode::NOT_FOUND && self.size_of(key).await? == Some(size) {
            return Ok(());
        }
        Err(refused(&head, &body))
    }

    async fn throw_away(&self, key: &str, query: &[(&str, &str)]) -> Result<(), Fault> {
        let asked = Ask { query, ..Ask::of(Method::Delete, key) };
        let (head, body) = self.ask(&asked).await?;
        if head.status.is_success() || head.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        Err(refused(&head, &body.whole(MOST).await.unwrap_or_default()))
    }
}

/// What is asked of the service.
struct Ask<'a> {
    method: Method,
    key: Option<&'a str>,
    query: &'a [(&'a str, &'a str)],
    range: Option<Range<u64>>,
    body: Bytes,
}

impl<'a> Ask<'a> {
    fn of(method: Method, key: &'a str) -> Self {
        Self { method, key: Some(key), query: &[], range: None, body: Bytes::new() }
    }
}

impl Bucket for S3 {
    fn size<'a>(&'a self, key: &'a str) -> Asked<'a, Option<u64>> {
        self.size_of(key).boxed()
    }

    fn read<'a>(&'a self, key: &'a str, range: Range<u64>) -> Asked<'a, Option<Flow>> {
        self.read_from(key, range).boxed()
    }

    fn put<'a>(&'a self, key: &'a str, bytes: Bytes) -> Asked<'a, ()> {
        async move {
            let asked = Ask { body: bytes, ..Ask::of(Method::Put, key) };
            self.whole(&asked).await.map(drop)
        }
        .boxed()
    }

    fn delete<'a>(&'a self, key: &'a str) -> Asked<'a, ()> {
        self.throw_away(key, &[]).boxed()
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<String>) -> Asked<'a, Listed> {
        self.page(prefix, after).boxed()
    }

    fn begin<'a>(&'a self, key: &'a str) -> Asked<'a, String> {
        async move {
            let query = [("uploads", "")];
            let asked = Ask { query: &query, ..Ask::of(Method::Post, key) };
            xml::upload(&self.document(&asked).await?)
        }
        .boxed()
    }

    fn part<'a>(
        &'a self,
        key: &'a str,
        upload: &'a str,
        part: u16,
        bytes: Bytes,
    ) -> Asked<'a, String> {
        async move {
            let part = part.to_string();
            let query = [("partNumber", part.as_str()), ("uploadId", upload)];
            let asked = Ask { query: &query, body: bytes, ..Ask::of(Method::Put, key) };
            self.put_part(&asked).await
        }
        .boxed()
    }

    fn complete<'a>(
        &'a self,
        key: &'a str,
        upload: &'a str,
        tags: &'a [String],
        size: u64,
    ) -> Asked<'a, ()> {
        self.make_whole(key, upload, tags, size).boxed()
    }

    fn abort<'a>(&'a self, key: &'a str, upload: &'a str) -> Asked<'a, ()> {
        async move { self.throw_away(key, &[("uploadId", upload)]).await }.boxed()
    }

    fn uploads<'a>(&'a self, key: &'a str) -> Asked<'a, Vec<String>> {
        async move {
            let whole = format!("{}{key}", self.settings.prefix);
            let query = [("prefix", whole.as_str()), ("uploads", "")];
            let asked = Ask { query: &query, key: None, ..Ask::of(Method::Get, "") };
            self.document(&asked).and_then(async |text| xml::uploads(&text, &whole)).await
        }
        .boxed()
    }
}

fn unavailable(why: &str) -> Fault {
    Fault::Objects(format!("the bucket of objects: {why}"))
}

/// A refusal, by its code where it has one: the sentence beside it may say more than a log should know.
fn refused(head: &Parts, body: &[u8]) -> Fault {
    let code = std::str::from_utf8(body).ok().and_then(xml::code);
    match code {
        Some(code) if code.contains("Quota") || code.contains("StorageFull") => Fault::Full,
        Some(code) => unavailable(&format!("{} {code}", head.status.as_u16())),
        None => unavailable(&format!("status {}", head.status.as_u16())),
    }
}
