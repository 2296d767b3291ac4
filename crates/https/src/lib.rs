//! One exchange with somebody outside: a request goes, an answer of bounded size comes in bounded time, or
//! nobody knows. Nothing is repeated here, and no redirection is followed.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

mod dial;
mod long;
mod spans;
mod strangers;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

pub use dial::Dialer;
pub use long::{Coming, Long};
pub use spans::TraceHeader;
pub use strangers::{Reach, Strangers};

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// What is sent would go in the clear.
    #[error("the address must begin with https://, or with http:// on this very machine")]
    Address,
    /// Without them nobody's certificate can be checked.
    #[error("this machine has no certificate authorities (Debian: ca-certificates)")]
    Authorities(#[source] std::io::Error),
}

/// No answer came, or none that was whole: whether the request arrived is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unanswered(pub String);

/// The way to somebody outside.
pub struct Https {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    patience: Duration,
    most: usize,
    trace_header: Option<TraceHeader>,
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Https").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Https {
    /// A client of `address`, which waits for an answer so long in all and takes at most so many bytes of it.
    /// Nothing is asked of the network yet.
    ///
    /// TLS with the authorities of this machine, which its administrator keeps. In the clear only to this
    /// very machine, where a fake may stand in.
    pub fn to(address: &str, patience: Duration, most: usize) -> Result<Self, SetupError> {
        Ok(Self { client: client_of(address)?, patience, most, trace_header: None })
    }

    /// The same, for a server that is told the trace which the request is in.
    #[must_use]
    pub fn with_trace_header(self, trace_header: TraceHeader) -> Self {
        Self { trace_header: Some(trace_header), ..self }
    }

    /// Sends a request, and reads the whole answer.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<(Parts, Bytes), Unanswered> {
        spans::told(request, self.trace_header, |request| self.send_untold(request)).await
    }

    /// The same, and no span tells of it: for what carries spans, which would never end.
    pub async fn send_untold(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Parts, Bytes), Unanswered> {
        let exchange = async {
            let (head, body) = self.client.request(request).await?.into_parts();
            let body = Limited::new(body, self.most).collect().await?.to_bytes();
            Ok::<_, Box<dyn Error + Send + Sync>>((head, body))
        };
        match tokio::time::timeout(self.patience, exchange).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Unanswered(chain(error.as_ref()))),
            Err(_) => Err(Unanswered("it took too long".to_owned())),
        }
    }
}

/// A client of `address`, over TLS or to this very machine.
fn client_of(
    address: &str,
) -> Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>, SetupError> {
    let uri: Uri = address.parse().map_err(|_| SetupError::Address)?;
    let here = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if here => {}
        _ => return Err(SetupError::Address),
    }
    let builder = HttpsConnectorBuilder::new().with_native_roots();
    let builder = builder.map_err(SetupError::Authorities)?;
    let connector = builder.https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// An error with what caused it: hyper's own says little.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_in_the_clear() {
        let to = |address| Https::to(address, Duration::from_secs(1), 1);
        for good in ["https://bureau.example/ask", "http://127.0.0.1:8420/x", "http://localhost:1"]
        {
            assert!(to(good).is_ok(), "{good}");
        }
        for bad in ["http://bureau.example", "http://127.0.0.1.example", "ftp://localhost", "x", ""]
        {
            assert!(matches!(to(bad), Err(SetupError::Address)), "{bad}");
        }
    }
}
