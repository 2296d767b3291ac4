//! Downloads: a file's bytes for its code or ticket, whole or in part.

mod body;
pub mod conditions;
mod disposition;
mod range;

use std::ops::Range;

use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64ct::{Base64, Encoding};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use scrip_domain::Id;
use scrip_domain::catalog::File;
use scrip_engine::download::{Credential, Grant};
use scrip_license::Digest;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::downloads::body::Sending;
use crate::api::downloads::conditions::Verdict;
use crate::api::downloads::range::Part;
use crate::extract::{Body, IdPath, NamePath, Query, Source};
use crate::problem::{Problem, kind};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(download))
        .routes(routes!(download_named))
        .routes(routes!(ticket))
}

/// What opens the file, if it is not in a header.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct TicketQuery {
    /// A ticket, in place of `Authorization: License <code>`.
    ticket: Option<String>,
}

/// A file's bytes, for its code (`Authorization: License <code>`) or a ticket.
///
/// Ranges (RFC 9110, section 14): one range, or several that overlap or touch, are answered with
/// 206; several apart with the whole file. `ETag` is the SHA-256 of the file and strong, so
/// `If-Range` resumes safely; `Repr-Digest` (RFC 9530) is that of the whole file, also with a part.
#[utoipa::path(
    method(get, head), path = "/v1/downloads/{file}", tag = "downloads",
    params(
        ("file" = String, Path, example = "fil_06bq3v8k2m9zc"),
        TicketQuery,
        ("Range" = Option<String>, Header, description = "which bytes", example = "bytes=1000-"),
        ("If-Range" = Option<String>, Header, description = "the ETag of the part that is there"),
    ),
    responses(
        (status = 200, description = "the file", content_type = "*/*", body = Vec<u8>),
        (status = 206, description = "a part of it", content_type = "*/*", body = Vec<u8>),
        (status = 304, description = "the copy that is there is the same"),
        (status = 401, description = "`invalid_credentials`: neither code nor ticket"),
        (status = 403, description = "`code_refused`, with the reason in `license_code` if the code itself is genuine; `download_limit`"),
        (status = 412, description = "`precondition_failed`: it is another file than the one that was begun"),
        (status = 416, description = "`range_not_satisfiable`"),
    )
)]
async fn download(
    State(app): State<App>,
    IdPath(file): IdPath<File>,
    Query(query): Query<TicketQuery>,
    source: Source,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let credential = credential(&headers, query.ticket.as_deref())?;
    let grant = app.engine.authorize_download(credential, file, &source.0).await??;
    answer(app, grant, &method, &headers).await
}

/// The same under an address that ends with the file's name, by which some programs tell what it is.
#[utoipa::path(
    method(get, head), path = "/v1/downloads/{file}/{name}", tag = "downloads",
    params(
        ("file" = String, Path, example = "fil_06bq3v8k2m9zc"),
        ("name" = String, Path, description = "the file's name", example = "field-recorder.zip"),
        TicketQuery,
        ("Range" = Option<String>, Header, description = "which bytes", example = "bytes=1000-"),
        ("If-Range" = Option<String>, Header, description = "the ETag of the part that is there"),
    ),
    responses(
        (status = 200, description = "the file", content_type = "*/*", body = Vec<u8>),
        (status = 206, description = "a part of it", content_type = "*/*", body = Vec<u8>),
        (status = 304, description = "the copy that is there is the same"),
        (status = 401, description = "`invalid_credentials`: neither code nor ticket"),
        (status = 403, description = "`code_refused`, with the reason in `license_code` if the code itself is genuine; `download_limit`"),
        (status = 412, description = "`precondition_failed`: it is another file than the one that was begun"),
        (status = 416, description = "`range_not_satisfiable`"),
    )
)]
async fn download_named(
    State(app): State<App>,
    NamePath((file, name)): NamePath<(String, String)>,
    Query(query): Query<TicketQuery>,
    source: Source,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = file.parse().map_err(|_| Problem::not_found())?;
    let credential = credential(&headers, query.ticket.as_deref())?;
    let grant = app.engine.authorize_download(credential, file, &source.0).await??;
    if grant.file.name != name {
        return Err(Problem::not_found());
    }
    answer(app, grant, &method, &headers).await
}

/// The bytes that a grant opens, as far as the headers ask for them.
async fn answer(
    app: App,
    grant: Grant,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let common = Common::of(&grant.file)?;
    match conditions::check(headers, &common.etag) {
        Verdict::Go => {}
        Verdict::NotModified => return Ok(common.not_modified()),
        Verdict::Failed => {
            return Err(Problem::precondition_failed("the file is another than the one you named"));
        }
    }
    let size = grant.file.size;
    // Ranges are defined for GET only (RFC 9110, section 14.2).
    let asked = (*method == Method::GET && conditions::range_applies(headers, &common.etag))
        .then(|| headers.get(header::RANGE))
        .flatten();
    let part = match asked {
        Some(range) => range::choose(range.as_bytes(), size),
        None => Part::Whole,
    };
    if part == Part::Nothing {
        return Ok(unsatisfiable(size));
    }
    let object = app.engine.open_download(&grant).await?;
    if *method == Method::HEAD {
        return Ok(common.head(size));
    }
    let (status, bytes) = match part {
        Part::Of(bytes) => (StatusCode::PARTIAL_CONTENT, bytes),
        Part::Whole | Part::Nothing => (StatusCode::OK, 0..size),
    };
    // Only what enters the tail will count.
    let counts = grant.enters_tail(bytes.end);
    let slot = if counts { app.engine.hold_slot(&grant).await?? } else { None };
    let body = Sending::new(app, grant, object.chunks(bytes.clone()), bytes.clone(), slot);
    Ok(common.send(status, bytes, size, body))
}

/// The code in the header.
fn in_header(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, code) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("license").then_some(code.trim())
}

/// The code in the header, where nothing else will do.
pub fn code(headers: &HeaderMap) -> Result<&str, Problem> {
    in_header(headers).ok_or_else(|| {
        Problem::invalid_credentials("send Authorization: License <code>").challenged("License")
    })
}

/// The code in the header, or the ticket in the address.
fn credential<'a>(
    headers: &'a HeaderMap,
    ticket: Option<&'a str>,
) -> Result<Credential<'a>, Problem> {
    let code = in_header(headers).map(Credential::Code);
    let ticket = ticket.map(Credential::Ticket);
    code.or(ticket).ok_or_else(|| {
        let detail = "send Authorization: License <code>, or ?ticket=";
        Problem::invalid_credentials(detail).challenged("License")
    })
}

/// What every answer about a file says of it.
struct Common {
    etag: String,
    headers: HeaderMap,
}

impl Common {
    fn of(file: &File) -> Result<Self, Problem> {
        let corrupt = |column: &str| scrip_engine::Fault::Corrupt {
            table: "files",
            column: column.to_owned(),
            row: file.id.to_string(),
        };
        let Digest(digest) = file.sha256.parse().map_err(|_| corrupt("sha256"))?;
        let etag = format!("\"{}\"", file.sha256);
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| corrupt("name"));
        let octets = HeaderValue::from_static("application/octet-stream");
        let digest = format!("sha-256=:{}:", Base64::encode_string(&digest));
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, value(&etag)?);
        headers.insert("repr-digest", value(&digest)?);
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        // Bought bytes stay with the buyer; the ETag makes keeping them safe.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers
            .insert(header::LINK, HeaderValue::from_static(r#"</v1/keys/chain>; rel="key-chain""#));
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_str(&file.media_type).unwrap_or(octets),
        );
        let disposition = value(&disposition::attachment(&file.name))?;
        headers.insert(header::CONTENT_DISPOSITION, disposition);
        Ok(Self { etag, headers })
    }

    fn not_modified(mut self) -> Response {
        self.headers.remove(header::CONTENT_TYPE);
        self.headers.remove(header::CONTENT_DISPOSITION);
        (StatusCode::NOT_MODIFIED, self.headers).into_response()
    }

    fn head(mut self, size: u64) -> Response {
        self.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
        (StatusCode::OK, self.headers).into_response()
    }

    fn send(mut self, status: StatusCode, bytes: Range<u64>, size: u64, body: Sending) -> Response {
        if status == StatusCode::PARTIAL_CONTENT
            && let Some(last) = bytes.end.checked_sub(1)
            && let Ok(range) =
                HeaderValue::from_str(&format!("bytes {}-{last}/{size}", bytes.start))
        {
            self.headers.insert(header::CONTENT_RANGE, range);
        }
        let length = bytes.end.saturating_sub(bytes.start);
        self.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        (status, self.headers, HttpBody::new(body)).into_response()
    }
}

/// None of the bytes asked for are there (RFC 9110, section 15.5.17).
fn unsatisfiable(size: u64) -> Response {
    let detail = format!("the file has {size} bytes");
    let mut response = Problem::new(&kind::RANGE_NOT_SATISFIABLE, detail).into_response();
    if let Ok(range) = HeaderValue::from_str(&format!("bytes */{size}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}

/// What a ticket is asked for with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TicketBody {
    /// The authorization code, in either form.
    #[schema(max_length = 4096)]
    code: String,
    /// The file.
    #[schema(value_type = String, example = "fil_06bq3v8k2m9zc", pattern = "^fil_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    file: Id<File>,
}

/// A link that downloads one file without the code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ticket)]
struct TicketOut {
    /// The link: to be used often, and kept secret.
    url: String,
    /// Until when a download can be begun; one that was begun can be resumed for 24 hours.
    expires_at: String,
}

/// Makes a link for browsers and download managers, which cannot send a code.
#[utoipa::path(
    post, path = "/v1/downloads/tickets", tag = "downloads", request_body = TicketBody,
    responses(
        (status = 201, body = TicketOut),
        (status = 403, description = "`code_refused`, with the reason in `license_code` if the code itself is genuine; `download_limit`"),
    )
)]
async fn ticket(
    State(app): State<App>,
    source: Source,
    body: Body<TicketBody>,
) -> Result<(StatusCode, Json<TicketOut>), Problem> {
    let TicketBody { code, file } = body.value;
    let ticket = app.engine.issue_ticket(code.trim(), file, &source.0).await??;
    let url = format!("{}/v1/downloads/{file}?ticket={}", app.public_url, ticket.text);
    let expires_at = ticket.expires_at.to_string();
    Ok((StatusCode::CREATED, Json(TicketOut { url, expires_at })))
}
