//! Objects: the bytes of files, uploaded before a release names them.

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use scrip_engine::objects::PutRefusal;
use scrip_license::Digest;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::Cataloguer;
use crate::problem::{Problem, kind};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(put, get, probe))
}

/// The digest in the path. Anything else never comes near the file system.
#[derive(Debug)]
struct Name(Digest);

impl FromRequestParts<App> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let wrong = || Problem::field("sha256", "64 lower-case hexadecimal digits");
        let Path(text) =
            Path::<String>::from_request_parts(parts, app).await.map_err(|_| wrong())?;
        text.parse().map(Self).map_err(|_| wrong())
    }
}

/// An object that is there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoredObject)]
struct ObjectOut {
    sha256: String,
    #[schema(example = 1_048_576)]
    size: u64,
}

/// Uploads the bytes that have this SHA-256, as a stream of any length.
///
/// Sending them again changes nothing; an upload that is cut, or has another digest, leaves nothing.
#[utoipa::path(
    put, path = "/v1/admin/objects/{sha256}", tag = "admin", security(("bearer" = [])),
    params(("sha256" = String, Path, description = "lower-case hexadecimal", example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", pattern = "^[0-9a-f]{64}$")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = ObjectOut, description = "stored"),
        (status = 200, body = ObjectOut, description = "it was there"),
        (status = 400, description = "`invalid_field`: no digest, or that of other bytes; `malformed`: the body did not arrive whole"),
    )
)]
async fn put(
    _: Cataloguer,
    State(app): State<App>,
    Name(sha256): Name,
    body: Body,
) -> Result<(StatusCode, Json<ObjectOut>), Problem> {
    let objects = app.engine.objects();
    let there = objects.size(sha256).await?.is_some();
    let stored = match objects.put(body.into_data_stream(), sha256).await? {
        Ok(stored) => stored,
        Err(PutRefusal::Cut) => {
            let detail = "the body did not arrive whole; nothing was stored";
            return Err(Problem::new(&kind::MALFORMED, detail));
        }
        Err(PutRefusal::OtherDigest(digest)) => {
            let detail = format!("the bytes have the digest {digest}; nothing was stored");
            return Err(Problem::field("sha256", detail));
        }
    };
    let status = if there { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(ObjectOut { sha256: sha256.to_string(), size: stored.size })))
}

/// The bytes with this SHA-256, for an export of the catalogue.
#[utoipa::path(
    get, path = "/v1/admin/objects/{sha256}", tag = "admin", security(("bearer" = [])),
    params(("sha256" = String, Path, description = "lower-case hexadecimal", example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", pattern = "^[0-9a-f]{64}$")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 400, description = "`invalid_field`: no digest"),
    )
)]
async fn get(
    _: Cataloguer,
    State(app): State<App>,
    Name(sha256): Name,
) -> Result<Response, Problem> {
    let object = app.engine.objects().get(sha256).await?.ok_or_else(Problem::not_found)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_LENGTH, HeaderValue::from(object.size())),
    ];
    // The chunks' memory itself, without a copy.
    let bytes = object.chunks(0..object.size()).map(|chunk| chunk.map(Bytes::from_owner));
    Ok((headers, Body::from_stream(bytes)).into_response())
}

/// Whether the bytes with this SHA-256 are there, and how many.
#[utoipa::path(
    head, path = "/v1/admin/objects/{sha256}", tag = "admin", security(("bearer" = [])),
    params(("sha256" = String, Path, description = "lower-case hexadecimal", example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", pattern = "^[0-9a-f]{64}$")),
    responses(
        (status = 200, description = "there, `Content-Length` bytes"),
        (status = 400, description = "`invalid_field`: no digest"),
    )
)]
async fn probe(
    _: Cataloguer,
    State(app): State<App>,
    Name(sha256): Name,
) -> Result<Response, Problem> {
    let size = app.engine.objects().size(sha256).await?.ok_or_else(Problem::not_found)?;
    let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from(size))]);
    Ok((StatusCode::OK, headers).into_response())
}
