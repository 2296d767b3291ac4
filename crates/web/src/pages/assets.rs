//! What pages load: the stylesheet, the scripts and the logo, each under an address that changes with it.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderValue, Uri, header};
use scrip_domain::catalog::Picture;
use sha2::{Digest, Sha256};

use super::theme::{self, THEME};
use crate::App;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route(STYLE, get(style))
        .route(THEME, get(theme::show))
        .route(LOGO, get(logo))
        .route(COPY, get(copy))
        .route(UPLOAD, get(upload))
        .route(SUGGEST, get(suggest))
}

const STYLE: &str = "/style.css";
const LOGO: &str = "/logo";
const SHEET: &str = include_str!("style.css");
const COPY: &str = "/copy.js";
const SCRIPT: &str = include_str!("copy.js");
const UPLOAD: &str = "/upload.js";
const UPLOAD_SCRIPT: &str = include_str!("upload.js");
const SUGGEST: &str = "/suggest.js";
const SUGGEST_SCRIPT: &str = include_str!("suggest.js");

/// The stylesheet's address with its digest: a new sheet has a new address, so that each can be kept for
/// ever, and a page never meets an old one.
pub static STYLE_NOW: LazyLock<String> = LazyLock::new(|| addressed(STYLE, SHEET));

/// The same of the script that copies a code and prints a page.
pub static COPY_NOW: LazyLock<String> = LazyLock::new(|| addressed(COPY, SCRIPT));

/// The same of the script that shows how far an upload is.
pub static UPLOAD_NOW: LazyLock<String> = LazyLock::new(|| addressed(UPLOAD, UPLOAD_SCRIPT));

/// The same of the script that offers what a search would find.
pub static SUGGEST_NOW: LazyLock<String> = LazyLock::new(|| addressed(SUGGEST, SUGGEST_SCRIPT));

fn addressed(path: &str, content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{path}?{digest}")
}

async fn style(uri: Uri) -> Response {
    asset(&uri, &STYLE_NOW, "text/css; charset=utf-8", SHEET)
}

async fn upload(uri: Uri) -> Response {
    asset(&uri, &UPLOAD_NOW, "text/javascript; charset=utf-8", UPLOAD_SCRIPT)
}

async fn suggest(uri: Uri) -> Response {
    asset(&uri, &SUGGEST_NOW, "text/javascript; charset=utf-8", SUGGEST_SCRIPT)
}

async fn copy(uri: Uri) -> Response {
    asset(&uri, &COPY_NOW, "text/javascript; charset=utf-8", SCRIPT)
}

fn asset(uri: &Uri, now: &str, media_type: &'static str, content: &'static str) -> Response {
    // Another version of the server beside this one may have named another one.
    let current = uri.path_and_query().is_some_and(|asked| asked.as_str() == now);
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, keep),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content).into_response()
}

/// The logo's address, which changes with it.
pub fn logo_now(logo: &Picture) -> String {
    format!("{LOGO}?{}", logo.object.get(..16).unwrap_or(&logo.object))
}

async fn logo(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let shown = app.engine.show_logo().await?.ok_or_else(Problem::not_found)?;
    let now = vendor.settings.look.logo.as_ref().map(logo_now);
    let current = uri.path_and_query().map(http::uri::PathAndQuery::as_str) == now.as_deref();
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let size = shown.object.size();
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(shown.media_type)),
        (header::CONTENT_LENGTH, HeaderValue::from(size)),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    // The chunks' memory itself, without a copy.
    let bytes = shown.object.chunks(0..size).map(|chunk| chunk.map(Bytes::from_owner));
    Ok((headers, Body::from_stream(bytes)).into_response())
}
