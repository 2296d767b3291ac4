//! The way to another server.

use std::fmt;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;
use scrip_https::{Https, Strangers, Unanswered};

/// Brings one request to the server that its address names, and the whole answer back, within bounds of its own of
/// size and time.
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends a request to an absolute address.
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, Unanswered>>;
}

/// To the server that the administrator has named, wherever it is.
impl Transport for Https {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, Unanswered>> {
        async move {
            let (head, body) = Self::send(self, request.map(Full::new)).await?;
            Ok(Response::from_parts(head, body))
        }
        .boxed()
    }
}

/// To servers that name their address themselves. What is longer than allowed is cut.
impl Transport for Strangers {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, Unanswered>> {
        async move {
            let (head, body) = Self::send(self, request.map(Full::new)).await?;
            Ok(Response::from_parts(head, body))
        }
        .boxed()
    }
}
