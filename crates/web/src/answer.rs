//! What goes out as JSON.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use scrip_engine::Fault;
use serde::Serialize;

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
