//! What comes in: strict bodies, queries, ids, idempotency keys. Every mistake names its field.

use axum::body::HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use scrip_domain::Id;
use scrip_domain::id::Kind;
use scrip_domain::payment_method::holds_card_number;
use scrip_domain::request::Request as IdempotentRequest;
use serde::de::DeserializeOwned;

use crate::App;
use crate::network;
use crate::problem::{Problem, kind};
use crate::read::json::{self, Unambiguous};
use crate::read::{Misread, Wrong, pairs};
use crate::request_id;

/// The largest JSON body, put into the request by whoever accepted the connection.
#[derive(Clone, Copy, Debug)]
pub struct MaxBody(pub usize);

impl Default for MaxBody {
    fn default() -> Self {
        Self(64 * 1024)
    }
}

/// A JSON body, read strictly: no unknown fields, no wrong types, no other content type.
#[derive(Debug)]
pub struct Body<T> {
    /// The body.
    pub value: T,
    asked: Asked,
}

/// What was asked, for the idempotency key.
#[derive(Debug)]
pub(crate) struct Asked {
    method: Method,
    path: String,
    pub json: Unambiguous,
}

impl Asked {
    /// What `parts` and a JSON body ask for.
    pub fn of(parts: &Parts, body: &[u8]) -> Result<Self, Problem> {
        if !is_sent_as(&parts.headers, "application/json") {
            return Err(Problem::new(&kind::UNSUPPORTED_MEDIA_TYPE, "send application/json"));
        }
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        Ok(Self { method, path, json: parse(body)? })
    }

    async fn whole(request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let MaxBody(max_body) = parts.extensions.get().copied().unwrap_or_default();
        Self::of(&parts, &whole(body, max_body).await?)
    }

    fn read<T: DeserializeOwned>(self) -> Result<Body<T>, Problem> {
        let value = read(&self.json)?;
        Ok(Body { value, asked: self })
    }

    /// The request as its idempotency key names it.
    pub fn request(&self, key: &IdempotencyKey) -> IdempotentRequest {
        // The value and not its bytes: spelling and order of members do not matter.
        let Asked { method, path, json: Unambiguous(value) } = self;
        let mut what = format!("{method} {path} ").into_bytes();
        what.extend(serde_json::to_vec(value).unwrap_or_default());
        IdempotentRequest::new(&key.0, &what, request_id::current())
    }
}

impl<T> Body<T> {
    /// The request as its idempotency key names it: the same key with the same method, path and
    /// JSON value is the same request.
    pub fn request(&self, key: &IdempotencyKey) -> IdempotentRequest {
        self.asked.request(key)
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        Asked::whole(request).await?.read()
    }
}

/// A body that need not be sent: none, null and `{}` are the same request.
#[derive(Debug)]
pub struct OrEmpty<T>(pub Body<T>);

impl<T: DeserializeOwned> FromRequest<App> for OrEmpty<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let empty = || Unambiguous(serde_json::Value::Object(serde_json::Map::new()));
        if request.body().is_end_stream() {
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            return Asked { method, path, json: empty() }.read().map(Self);
        }
        let asked = Asked::whole(request).await?;
        let asked = if asked.json.0.is_null() { Asked { json: empty(), ..asked } } else { asked };
        asked.read().map(Self)
    }
}

/// Whether a body says that it is of this media type, with whatever parameters.
pub(crate) fn is_sent_as(headers: &HeaderMap, media_type: &str) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|said| said.to_str().ok());
    let essence = said.and_then(|said| said.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(media_type)
}

/// A whole body of at most so many bytes.
pub(crate) async fn whole(body: axum::body::Body, most: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let detail = format!("a body has at most {most} bytes");
            Err(Problem::new(&kind::TOO_LARGE, detail))
        }
        Err(_) => Err(Problem::new(&kind::MALFORMED, "the body did not arrive whole")),
    }
}

/// The same, with room for a catalogue's long texts.
#[derive(Debug)]
pub struct LongBody<T>(pub T);

/// The largest description with every character escaped, and the rest. Forms of the console hold as much.
const LONG_BODY: usize = 2 * 1024 * 1024;

/// Makes room for long texts in a request that is not read yet.
pub(crate) fn make_room(extensions: &mut Extensions) {
    let MaxBody(max_body) = extensions.get().copied().unwrap_or_default();
    extensions.insert(MaxBody(max_body.max(LONG_BODY)));
}

impl<T: DeserializeOwned> FromRequest<App> for LongBody<T> {
    type Rejection = Problem;

    async fn from_request(mut request: Request, app: &App) -> Result<Self, Problem> {
        make_room(request.extensions_mut());
        let body = <Body<T> as FromRequest<App>>::from_request(request, app).await?;
        Ok(Self(body.value))
    }
}

/// Reads JSON, in which no name may stand twice in one object.
pub(crate) fn parse(bytes: &[u8]) -> Result<Unambiguous, Problem> {
    serde_json::from_slice(bytes).map_err(|error| match json::named_twice(&error) {
        Some(name) => {
            // Read once more to find the place: what is well need not be followed.
            let mut again = serde_json::Deserializer::from_slice(bytes);
            let again = serde_path_to_error::deserialize::<_, Unambiguous>(&mut again);
            let place = again.err().map(|wrong| wrong.path().to_string());
            let twice = Misread::twice(&name);
            match place.filter(|place| place != ".") {
                Some(place) => twice.within(&place).into(),
                None => twice.into(),
            }
        }
        None => malformed(&error.to_string()),
    })
}

/// Reads a value, and names the field that is wrong.
pub(crate) fn read<T: DeserializeOwned>(json: &Unambiguous) -> Result<T, Problem> {
    Ok(json.read()?)
}

impl From<Misread> for Problem {
    fn from(misread: Misread) -> Self {
        let field = misread.path();
        if holds_card_number(&misread.to_string()) {
            // What is shown may be kept somewhere.
            return Self::card_number("body");
        }
        match misread.wrong() {
            Wrong::Unknown => {
                let detail = misread.to_string();
                Self::new(&kind::UNKNOWN_FIELD, detail.clone()).with_error(field, "unknown", detail)
            }
            Wrong::Otherwise(words) => Self::field(field, words),
        }
    }
}

fn malformed(detail: &str) -> Problem {
    Problem::new(&kind::MALFORMED, format!("the body is not JSON: {detail}"))
}

/// A query string, read strictly.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        // No text that is kept has NUL in it, and not every database can be asked for one.
        if let Some(field) = parts.uri.query().and_then(nul) {
            return Err(Problem::field(field, "a text without NUL in it"));
        }
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(pairs::read(query.as_bytes())?))
    }
}

/// The parameter of a query that has NUL in it, if one has.
fn nul(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(_, value)| value.contains('\0')).map(|(name, _)| name.replace('\0', ""))
}

/// The names in the path. What is no text, or holds NUL, which no name does and no database can be
/// asked for, names nothing.
#[derive(Debug)]
pub struct NamePath<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for NamePath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if parts.uri.path().contains("%00") {
            return Err(Problem::not_found());
        }
        let path = Path::<T>::from_request_parts(parts, app).await;
        path.map(|Path(names)| Self(names)).map_err(|_| Problem::not_found())
    }
}

/// The id in the path. What is no id names nothing.
#[derive(Debug)]
pub struct IdPath<T: Kind>(pub Id<T>);

impl<T: Kind + Send> FromRequestParts<App> for IdPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let NamePath(text) = NamePath::<String>::from_request_parts(parts, app).await?;
        text.parse().map(Self).map_err(|_| Problem::not_found())
    }
}

/// The `Idempotency-Key`: 1 to 128 visible characters.
#[derive(Debug)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of a request that must have one.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else {
            return Err(Problem::new(
                &kind::IDEMPOTENCY_KEY_MISSING,
                "send an Idempotency-Key, a new one for each new request",
            ));
        };
        if values.next().is_some() {
            return Err(Problem::field("Idempotency-Key", "one key, not several"));
        }
        let key = value.to_str().ok().filter(|key| (1..=128).contains(&key.len()));
        key.filter(|key| key.bytes().all(|b| b.is_ascii_graphic()))
            .map(|key| Self(key.to_owned()))
            .ok_or_else(|| Problem::field("Idempotency-Key", "1 to 128 visible characters"))
    }
}

impl IdempotencyKey {
    /// The key as it counts for whoever has no account: with where it came from.
    pub fn of_visitor(&self, source: &Source) -> Self {
        Self(format!("{} {}", source.0, self.0))
    }
}

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

/// Where a request came from, for throttling: the peer's address, or its network.
#[derive(Debug)]
pub struct Source(pub String);

/// The peer's address, put into the request by whoever accepted the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub std::net::IpAddr);

impl FromRequestParts<App> for Source {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<Peer>();
        Ok(Self(
            peer.map_or_else(|| "local".to_owned(), |peer| network::source(peer.0).to_string()),
        ))
    }
}
