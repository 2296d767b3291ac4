//! What pages load: the stylesheet and the few scripts, each under an address that changes with it.

use std::sync::LazyLock;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{Uri, header};
use sha2::{Digest, Sha256};

use crate::App;

pub fn routes() -> Router<App> {
    Router::new().route(STYLE, get(style)).route(UPLOAD, get(upload))
}

const STYLE: &str = "/style.css";
const SHEET: &str = include_str!("style.css");
const UPLOAD: &str = "/upload.js";
const UPLOAD_SCRIPT: &str = include_str!("upload.js");

/// The stylesheet's address with its digest: a new sheet has a new address, so that each can be kept for
/// ever, and a page never meets an old one.
pub static STYLE_NOW: LazyLock<String> = LazyLock::new(|| address(STYLE, SHEET));

/// The same of the script that shows how far an upload is.
pub static UPLOAD_NOW: LazyLock<String> = LazyLock::new(|| address(UPLOAD, UPLOAD_SCRIPT));

fn address(path: &str, text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{path}?{digest}")
}

async fn style(uri: Uri) -> Response {
    asset(&uri, &STYLE_NOW, "text/css; charset=utf-8", SHEET)
}

async fn upload(uri: Uri) -> Response {
    asset(&uri, &UPLOAD_NOW, "text/javascript; charset=utf-8", UPLOAD_SCRIPT)
}

fn asset(uri: &Uri, now: &str, media_type: &'static str, text: &'static str) -> Response {
    // Another version of the server beside this one may have named another one.
    let current = uri.path_and_query().is_some_and(|asked| asked.as_str() == now);
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, keep),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}
