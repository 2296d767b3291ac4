//! What pages load: the stylesheet and the logo, under addresses that change with them.

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
    Router::new().route(STYLE, get(style)).route(THEME, get(theme::show)).route(LOGO, get(logo))
}

const STYLE: &str = "/style.css";
const LOGO: &str = "/logo";
const SHEET: &str = include_str!("style.css");

/// The stylesheet's address with its digest: a new sheet has a new address, so that each can be kept for
/// ever, and a page never meets an old one.
pub static STYLE_NOW: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::digest(SHEET.as_bytes());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{STYLE}?{digest}")
});

async fn style(uri: Uri) -> Response {
    // Another version of the server beside this one may have named another sheet.
    let current = uri.path_and_query().is_some_and(|asked| asked.as_str() == *STYLE_NOW);
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, keep),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, SHEET).into_response()
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
