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
pub type TraceHeader = fn(&Span) -> Option<HeaderValue>;

/// The header (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Sends `request` by `exchange`, within a span.
pub(crate) async fn told<B, E: Future<Output = Result<(Parts, B), Unanswered>>>(
    mut request: Request<Full<Bytes>>,
    trace_header: Option<TraceHeader>,
    exchange: impl FnOnce(Request<Full<Bytes>>) -> E,
) -> Result<(Parts, B), Unanswered> {
    let span = of(&request);
    if let Some(value) = trace_header.and_then(|value_of| value_of(&span)) {
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

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Response};

    use super::*;

    /// The headers that a request goes with.
    async fn sent(trace_header: Option<TraceHeader>) -> HeaderMap {
        let request = Request::post("https://peer.example/v1/x").body(Full::default()).unwrap();
        let mut headers = HeaderMap::new();
        let exchange = |request: Request<Full<Bytes>>| {
            headers = request.headers().clone();
            async { Ok((Response::new(()).into_parts().0, ())) }
        };
        told(request, trace_header, exchange).await.unwrap();
        headers
    }

    #[tokio::test]
    async fn only_who_is_to_know_the_trace_is_told_it() {
        let header: TraceHeader = |_| Some(HeaderValue::from_static("00-1-2-01"));
        assert_eq!(sent(Some(header)).await[TRACEPARENT], "00-1-2-01");
        assert!(sent(Some(|_| None)).await.is_empty(), "there are no traces");
        assert!(sent(None).await.is_empty());
    }
}
