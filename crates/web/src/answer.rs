//! What goes out as JSON.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use scrip_engine::Fault;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::api::downloads::conditions::{self, Verdict};
use crate::problem::Problem;

/// What most answers take; a larger one makes itself room.
const USUAL: usize = 2048;

/// An answer in JSON. As axum's own, but written into room that it need not outgrow step by step.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut bytes = Vec::with_capacity(USUAL);
        let written = serde_json::to_writer(&mut bytes, &self.0);
        answer(written, bytes)
    }
}

fn answer(written: serde_json::Result<()>, bytes: Vec<u8>) -> Response {
    match written {
        Ok(()) => {
            let json = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, json)], bytes).into_response()
        }
        Err(error) => Problem::from(Fault::Bug(format!("an answer cannot be written: {error}")))
            .into_response(),
    }
}

/// What is anybody's alone is kept by nobody else.
pub const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");
/// How long what visitors see may be kept. A price that is hidden now is gone everywhere after this.
pub const VISITORS: HeaderValue = HeaderValue::from_static("public, max-age=15");

/// The validator of what is said in these parts.
pub fn tag(parts: &[&[u8]]) -> String {
    let digest = parts.iter().fold(Sha256::new(), Digest::chain_update);
    let mut tag = base16ct::lower::encode_string(&digest.finalize());
    tag.truncate(24);
    format!("\"{tag}\"")
}

/// An answer that is the same for every visitor: caches may keep it, and whoever has it already is told so, in place of it.
pub fn public(asked: &HeaderMap, tag: &str, mut headers: HeaderMap, body: Bytes) -> Response {
    headers.insert(header::CACHE_CONTROL, VISITORS);
    headers.extend(HeaderValue::from_str(tag).map(|tag| (header::ETAG, tag)));
    if conditions::check(asked, tag) == Verdict::NotModified {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (headers, body).into_response()
}

/// The same of a value in JSON.
pub fn public_json(asked: &HeaderMap, value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    public(asked, &tag(&[&body]), HeaderMap::new(), body.into())
}
