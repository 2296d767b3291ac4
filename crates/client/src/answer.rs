//! Answers of the server: streaming as they come in, or whole.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use crate::pool::{Connection, Pool};
use crate::{Error, Problem};

/// The longest answer that is held in memory; goods are streamed.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// An answer whose body is still coming in.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    // Given back to the pool at the end of the body; dropped, and so closed, by who stops before.
    connection: Option<(Connection, Arc<Pool>)>,
}

impl Reply {
    pub(crate) fn new(
        response: http::Response<Incoming>,
        connection: Connection,
        pool: Arc<Pool>,
    ) -> Self {
        let (head, body) = response.into_parts();
        let connection = Some((connection, pool));
        Self { status: head.status, headers: head.headers, body, connection }
    }

    /// The next piece of the body; none at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| Error::Lost(error.into()))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        self.give_back();
        Ok(None)
    }

    /// How long the body is, where the server says.
    pub fn content_length(&self) -> Option<u64> {
        self.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// Reads the whole body.
    pub async fn collect(mut self) -> Result<Answer, Error> {
        let body = Limited::new(&mut self.body, MAX_ANSWER).collect().await.map_err(Error::Lost)?;
        self.give_back();
        let headers = std::mem::take(&mut self.headers);
        Ok(Answer { status: self.status, headers, body: body.to_bytes() })
    }

    /// This answer if it is a success, else the problem in it.
    pub async fn accepted(self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(self.collect().await?.refusal())
    }

    fn give_back(&mut self) {
        if let Some((connection, pool)) = self.connection.take() {
            pool.give(connection);
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON of a success, else the problem in it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if !self.status.is_success() {
            return Err(self.refusal());
        }
        serde_json::from_slice(&self.body).map_err(|error| self.unreadable(&error.to_string()))
    }

    /// Whether the server rebuilt the first answer of the same idempotency key.
    pub fn replayed(&self) -> bool {
        self.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
    }

    /// This answer as an error: the problem document in it, or the complaint that there is none.
    pub fn refusal(&self) -> Error {
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(problem) if !problem.code.is_empty() => Error::Problem(Box::new(problem)),
            _ => self.unreadable("it is no success and carries no problem code"),
        }
    }

    fn unreadable(&self, detail: &str) -> Error {
        Error::Unreadable { status: self.status, detail: detail.to_owned() }
    }
}
