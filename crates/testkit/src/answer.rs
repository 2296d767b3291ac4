//! An answer, read whole.

use axum::body::Body;
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use serde_json::Value;

/// An answer of the router.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Answer {
    /// Reads what came.
    pub async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("the body arrives").to_bytes().to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { status: parts.status.as_u16(), headers: parts.headers, bytes, json }
    }

    /// A header's value; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The problem code; empty when it is no problem.
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// The string at a JSON pointer; empty when there is none.
    pub fn at(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}
