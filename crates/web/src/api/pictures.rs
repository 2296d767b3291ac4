//! Pictures of products, for whoever sees them: a hidden one is not there.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use scrip_engine::memory::Member;
use scrip_license::Digest;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::VISITORS;
use crate::api::downloads::conditions::{self, Verdict};
use crate::api::products::{VARY, looker};
use crate::caller::Caller;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// A member's browser may keep a picture, but must ask each time whether it is still shown.
const MEMBERS: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A picture of a product: the address is in the product's `pictures`.
#[utoipa::path(
    method(get, head), path = "/v1/products/{slug}/pictures/{sha256}", tag = "products",
    security((), ("bearer" = [])),
    params(
        ("slug" = String, Path, example = "field-recorder"),
        ("sha256" = String, Path, description = "lower-case hexadecimal", example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", pattern = "^[0-9a-f]{64}$"),
    ),
    responses(
        (
            status = 200, description = "the picture",
            content(
                (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"),
                (Vec<u8> = "image/avif"), (Vec<u8> = "image/gif"),
            )
        ),
        (status = 304, description = "as the `If-None-Match` has it"),
        (status = 403, description = "`forbidden`: a vendor's key buys nothing"),
        (status = 412, description = "`precondition_failed`: it is another picture than you named"),
    )
)]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((slug, sha256)): Path<(String, String)>,
    method: Method,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let member = looker(&app, &caller).await?;
    send(&app, member.as_ref(), &slug, &sha256, &method, &asked).await
}

/// The picture, if `member`, or a visitor, sees it: as far as it is not there already.
pub async fn send(
    app: &App,
    member: Option<&Member>,
    slug: &str,
    sha256: &str,
    method: &Method,
    asked: &HeaderMap,
) -> Result<Response, Problem> {
    let sha256: Digest = sha256.parse().map_err(|_| Problem::not_found())?;
    let shown = match app.engine.show_picture(member, slug, sha256).await? {
        Ok(shown) => shown.ok_or_else(Problem::not_found)?,
        Err(shut) => {
            let vendor = app.engine.vendor().await?;
            return Err(Problem::gate(&shut, &vendor.settings));
        }
    };
    let etag = format!("\"{sha256}\"");
    let verdict = conditions::check(asked, &etag);
    if verdict == Verdict::Failed {
        return Err(Problem::precondition_failed("the picture is another than the one you named"));
    }
    let mut headers = HeaderMap::new();
    headers.extend(HeaderValue::from_str(&etag).map(|etag| (header::ETAG, etag)));
    headers.insert(header::VARY, VARY);
    let cache = if member.is_some() { MEMBERS } else { VISITORS };
    headers.insert(header::CACHE_CONTROL, cache);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if verdict == Verdict::NotModified {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let size = shown.object.size();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(shown.media_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    if *method == Method::HEAD {
        return Ok(headers.into_response());
    }
    // The chunks' memory itself, without a copy.
    let bytes = shown.object.chunks(0..size).map(|chunk| chunk.map(Bytes::from_owner));
    Ok((headers, Body::from_stream(bytes)).into_response())
}
