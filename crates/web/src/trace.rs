//! One line per request: what was asked, what came of it, how long it took. Never a path, a query or
//! a header as they came: they hold ids, codes and tokens. The route's pattern says enough, and the
//! request id finds the rest.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use crate::health::Watch;

/// Logs and counts the request.
pub async fn observe(State(watch): State<Arc<Watch>>, request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let took = begin.elapsed();
    let status = response.status();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    watch.metrics.answered(&method, route, status, took);
    let id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok());
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
