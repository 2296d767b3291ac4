//! One line per request: what was asked, what came of it, how long it took. Never a path, a query or
//! a header as they came: they hold ids, codes and tokens. The route's pattern says enough, and the
//! request id finds the rest.
//!
//! The same is told as the first span of what happens in this server, where traces are wanted; whoever asked may have begun
//! the trace.

use std::sync::Arc;

use axum::extract::MatchedPath;
use axum::response::Response;
use http::{HeaderMap, Method};
use scrip_domain::TRACES;
use scrip_engine::Fault;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span, trace_span};

use crate::health::Watch;
use crate::traceparent::Traceparent;
use crate::{metrics, request_id};

tokio::task_local! {
    static WATCH: Arc<Watch>;
}

/// The span of a request, which begins now.
pub fn span(method: &Method, route: Option<&MatchedPath>, headers: &HeaderMap) -> Span {
    let route = route.map(MatchedPath::as_str);
    let method = metrics::known(method);
    trace_span!(
        target: TRACES,
        parent: None,
        "request",
        "otel.kind" = "server",
        "otel.name" = route.map_or(method.to_owned(), |route| format!("{method} {route}")),
        "traceparent" = Traceparent::of(headers).map(display),
        "http.request.method" = method,
        "http.route" = route,
        "http.response.status_code" = Empty,
        "error.type" = Empty,
        "scrip.request_id" = Empty,
    )
}

/// Logs and counts the request that `answer` is for, and ends its `span`.
pub async fn observe(
    watch: &Arc<Watch>,
    span: Span,
    method: Method,
    route: Option<MatchedPath>,
    answer: impl Future<Output = Response>,
) -> Response {
    let begin = Instant::now();
    let response = WATCH.scope(watch.clone(), answer).instrument(span.clone()).await;
    let took = begin.elapsed();
    let status = response.status();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    watch.metrics.answered(&method, route, status, took);
    let id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    span.record("http.response.status_code", status.as_u16());
    span.record("scrip.request_id", id);
    if status.is_server_error() {
        span.record("error.type", status.as_str());
    }
    tracing::info!(
        target: "scrip_web::request",
        %method,
        route,
        status = status.as_u16(),
        ms = took.as_secs_f64() * 1000.0,
        request_id = id.unwrap_or_default(),
        "answered"
    );
    response
}

/// Counts that the request of this moment gets no answer, and logs why: where that is news, and what was meant to happen.
pub fn no_answer(fault: &Fault) {
    // Outside of a request nothing tells what is known already.
    let is_news = WATCH.try_with(|watch| watch.is_news(fault)).unwrap_or(true);
    let request_id = request_id::current();
    match fault {
        Fault::Busy | Fault::Away | Fault::Conflict | Fault::Full => {}
        _ if is_news => tracing::error!(%request_id, %fault, "a request has no answer"),
        _ => tracing::debug!(%request_id, %fault, "a request has no answer"),
    }
}
