//! What pages load: the stylesheet, the scripts, the logo and the favicon, each under an address that changes with it.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Uri, header};
use scrip_domain::catalog::Picture;
use sha2::{Digest, Sha256};

use super::favicon::{self, ICO, ICON};
use super::theme::{self, THEME};
use crate::App;
use crate::packed::{packed, takes_gzip};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route(STYLE, get(style))
        .route(THEME, get(theme::show))
        .route(LOGO, get(logo))
        .route(ICON, get(favicon::show))
        .route(ICO, get(favicon::lead))
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
    let mut digest = base16ct::lower::encode_string(&Sha256::digest(content.as_bytes()));
    digest.truncate(16);
    format!("{path}?{digest}")
}

/// The same four, compressed.
static PACKED: LazyLock<[Bytes; 4]> = LazyLock::new(|| {
    [SHEET, SCRIPT, UPLOAD_SCRIPT, SUGGEST_SCRIPT].map(|content| packed(content.as_bytes()))
});

async fn style(uri: Uri, headers: HeaderMap) -> Response {
    let [sheet, ..] = &*PACKED;
    asset(&uri, &headers, &STYLE_NOW, "text/css; charset=utf-8", (SHEET, sheet))
}

async fn suggest(uri: Uri, headers: HeaderMap) -> Response {
    let [.., script] = &*PACKED;
    asset(&uri, &headers, &SUGGEST_NOW, "text/javascript; charset=utf-8", (SUGGEST_SCRIPT, script))
}

async fn copy(uri: Uri, headers: HeaderMap) -> Response {
    let [_, script, ..] = &*PACKED;
    asset(&uri, &headers, &COPY_NOW, "text/javascript; charset=utf-8", (SCRIPT, script))
}

async fn upload(uri: Uri, headers: HeaderMap) -> Response {
    let [_, _, script, _] = &*PACKED;
    asset(&uri, &headers, &UPLOAD_NOW, "text/javascript; charset=utf-8", (UPLOAD_SCRIPT, script))
}

fn asset(
    uri: &Uri,
    asked: &HeaderMap,
    now: &str,
    media_type: &'static str,
    (content, packed): (&'static str, &Bytes),
) -> Response {
    // Another version of the server beside this one may have named another one.
    let current = uri.path_and_query().is_some_and(|asked| asked.as_str() == now);
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, keep),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::VARY, "accept-encoding"),
    ];
    if takes_gzip(asked) && !packed.is_empty() {
        return (headers, [(header::CONTENT_ENCODING, "gzip")], packed.clone()).into_response();
    }
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_packed_is_the_same() {
        for (content, packed) in
            [SHEET, SCRIPT, UPLOAD_SCRIPT, SUGGEST_SCRIPT].into_iter().zip(&*PACKED)
        {
            let mut read = String::new();
            flate2::read::GzDecoder::new(packed.as_ref()).read_to_string(&mut read).unwrap();
            assert!(read == content && packed.len() * 2 < content.len() + 200);
        }
    }
}
