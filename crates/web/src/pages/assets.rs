//! What pages load: the stylesheet, the scripts, the logo and the favicon, each under an address that changes with it.

use std::sync::OnceLock;

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
        .merge(served(&STYLE))
        .merge(served(&COPY))
        .merge(served(&UPLOAD))
        .merge(served(&SUGGEST))
        .merge(served(&PASSKEY))
        .route(THEME, get(theme::show))
        .route(LOGO, get(logo))
        .route(ICON, get(favicon::show))
        .route(ICO, get(favicon::lead))
}

const LOGO: &str = "/logo";

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// What all pages look like.
pub static STYLE: Asset = Asset::new("/style.css", CSS, include_str!("style.css"));
/// Copies a code and prints a page.
pub static COPY: Asset = Asset::new("/copy.js", JAVASCRIPT, include_str!("copy.js"));
/// Shows how far an upload is.
pub static UPLOAD: Asset = Asset::new("/upload.js", JAVASCRIPT, include_str!("upload.js"));
/// Offers what a search would find.
pub static SUGGEST: Asset = Asset::new("/suggest.js", JAVASCRIPT, include_str!("suggest.js"));
/// Has a device make a passkey, or use one.
pub static PASSKEY: Asset = Asset::new("/passkey.js", JAVASCRIPT, include_str!("passkey.js"));

/// A stylesheet or a script.
#[derive(Debug)]
pub struct Asset {
    path: &'static str,
    media_type: &'static str,
    content: &'static str,
    /// Its address, and the same content compressed.
    made: OnceLock<(String, Bytes)>,
}

impl Asset {
    const fn new(path: &'static str, media_type: &'static str, content: &'static str) -> Self {
        Self { path, media_type, content, made: OnceLock::new() }
    }

    fn made(&self) -> &(String, Bytes) {
        self.made.get_or_init(|| {
            let mut digest = base16ct::lower::encode_string(&Sha256::digest(self.content));
            digest.truncate(16);
            (format!("{}?{digest}", self.path), packed(self.content.as_bytes()))
        })
    }

    /// Its address, with its digest: what is new has a new address, so that each can be kept for ever, and a page never
    /// meets an old one.
    pub fn now(&self) -> &str {
        &self.made().0
    }

    fn answer(&'static self, uri: &Uri, asked: &HeaderMap) -> Response {
        let (now, packed) = self.made();
        // Another version of the server beside this one may have named another one.
        let current = uri.path_and_query().is_some_and(|asked| asked.as_str() == now);
        let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
        let headers = [
            (header::CONTENT_TYPE, self.media_type),
            (header::CACHE_CONTROL, keep),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::VARY, "accept-encoding"),
        ];
        if takes_gzip(asked) && !packed.is_empty() {
            let packed = packed.clone();
            return (headers, [(header::CONTENT_ENCODING, "gzip")], packed).into_response();
        }
        (headers, self.content).into_response()
    }
}

fn served(asset: &'static Asset) -> Router<App> {
    let answer = async |uri: Uri, headers: HeaderMap| asset.answer(&uri, &headers);
    Router::new().route(asset.path, get(answer))
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
        for asset in [&STYLE, &COPY, &UPLOAD, &SUGGEST, &PASSKEY] {
            let (content, packed) = (asset.content, &asset.made().1);
            let mut read = String::new();
            flate2::read::GzDecoder::new(packed.as_ref()).read_to_string(&mut read).unwrap();
            assert!(read == content && packed.len() * 2 < content.len() + 200);
        }
    }
}
