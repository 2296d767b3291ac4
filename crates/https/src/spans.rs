//! A span for each exchange: who was asked, and what came of it. Never a path or a header, which hold ids and secrets.

use bytes::Bytes;
use http::header::HeaderName;
use http::response::Parts;
use http::{HeaderValue, Request};
use http_body_util::Full;
use scrip_domain::TRACES;
use tracing::field::Empty;
use tracing::{Instrument, Span, trace_span};

use crate::Unanswered;

/// What a server is told of a span, so that its own spans hang from it: the value of the header `traceparent`; nothing
/// where there are no traces.
pub type Traceparent = fn(&Span) -> Option<HeaderValue>;

/// The header (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Sends `request` by `exchange`, within a span.
pub(crate) async fn told<B, E: Future<Output = Result<(Parts, B), Unanswered>>>(
    mut request: Request<Full<Bytes>>,
    traceparent: Option<Traceparent>,
    exchange: impl FnOnce(Request<Full<Bytes>>) -> E,
) -> Result<(Parts, B), Unanswered> {
    let span = of(&request);
    if let Some(value) = traceparent.and_then(|traceparent| traceparent(&span)) {
        request.headers_mut().insert(TRACEPARENT, value);
    }
    let answer = exchange(request).instrument(span.clone()).await;
    match &answer {
        Ok((head, _)) => {
            span.record("http.response.status_code", head.status.as_u16());
            if head.status.is_client_error() || head.status.is_server_error() {
                span.record("error.type", head.status.as_str());
            }
        }
        Err(Unanswered(_)) => {
            span.record("error.type", "unanswered");
        }
    }
    answer
}

fn of<B>(request: &Request<B>) -> Span {
    trace_span!(
        target: TRACES,
        "call",
        "otel.kind" = "client",
        "otel.name" = request.method().as_str(),
        "http.request.method" = request.method().as_str(),
        "server.address" = request.uri().host(),
        "server.port" = request.uri().port_u16(),
        "http.response.status_code" = Empty,
        "error.type" = Empty,
    )
}
