//! What pages load: the stylesheet, under an address that changes with it.

use std::sync::LazyLock;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{Uri, header};
use sha2::{Digest, Sha256};

use crate::App;

pub fn routes() -> Router<App> {
    Router::new().route(STYLE, get(style))
}

const STYLE: &str = "/style.css";
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
