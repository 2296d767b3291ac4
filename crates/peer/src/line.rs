//! One signed request, and its answer.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, Response};
use scrip_engine::peer::{PeerError, Pen};
use scrip_https::Unanswered;
use scrip_signature::{IDEMPOTENCY_KEY, Stamp, sign};
use serde_json::Value;

use crate::Transport;
use crate::shape::{self, Shape};

/// What we call ourselves.
pub(crate) const AGENT: &str = concat!("Scrip/", env!("CARGO_PKG_VERSION"));

/// The way to other servers, on which everything is signed.
#[derive(Clone, Debug)]
pub struct Line {
    transport: Arc<dyn Transport>,
    pen: Pen,
}

/// What is asked of another server.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub method: Method,
    pub url: String,
    /// What it must not do twice.
    pub idempotency: Option<String>,
    pub body: Option<Value>,
}

impl Line {
    /// Signs with `pen` what goes through `transport`.
    pub fn new(transport: Arc<dyn Transport>, pen: Pen) -> Self {
        Self { transport, pen }
    }

    pub(crate) fn pen(&self) -> &Pen {
        &self.pen
    }

    /// Signs a request as of now, and sends it.
    pub(crate) async fn ask(&self, question: Question) -> Result<Response<Bytes>, Unanswered> {
        let request = self.signed(question).map_err(Unanswered)?;
        self.transport.send(request).await
    }

    /// The same; what is answered, read as a `T`.
    pub(crate) async fn hear<T: Shape>(&self, question: Question) -> Result<T::Of, PeerError> {
        let answer = self.ask(question).await;
        let answer = answer.map_err(|Unanswered(why)| PeerError::Unanswered(why))?;
        shape::read::<T>(answer.status(), answer.body())
    }

    fn signed(&self, question: Question) -> Result<Request<Bytes>, String> {
        let Question { method, url, idempotency, body } = question;
        let mut request = Request::builder().method(method).uri(url).header(USER_AGENT, AGENT);
        if let Some(key) = idempotency {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        let bytes = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let mut request = request.body(bytes.clone()).map_err(|error| error.to_string())?;
        let keys = self.pen.keys();
        let key = keys.protocol().ok_or("this server has no protocol key")?;
        let stamp = Stamp { created: self.pen.now().seconds(), nonce: self.pen.nonce() };
        sign(&mut request, &bytes, key, self.pen.issuer(), stamp)
            .map_err(|error| error.to_string())?;
        Ok(request)
    }
}
