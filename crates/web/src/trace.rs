//! One line per request: what was asked, what came of it, how long it took. Never a path, a query or
//! a header as they came: they hold ids, codes and tokens. The route's pattern says enough, and the
//! request id finds the rest.

use std::sync::Arc;

use axum::extract::MatchedPath;
use axum::response::Response;
use http::Method;
use scrip_engine::Fault;
use tokio::time::Instant;

use crate::health::Watch;
use crate::request_id;

tokio::task_local! {
    static WATCH: Arc<Watch>;
}

/// Logs and counts the request that `answer` is for.
pub async fn observe(
    watch: &Arc<Watch>,
    method: Method,
    route: Option<MatchedPath>,
    answer: impl Future<Output = Response>,
) -> Response {
    let begin = Instant::now();
    let response = WATCH.scope(watch.clone(), answer).await;
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

/// Counts that the request of this moment gets no answer, and logs why: where that is news, and what was meant to happen.
pub fn no_answer(fault: &Fault) {
    // Outside of a request nothing tells what is known already.
    let is_news = WATCH.try_with(|watch| watch.is_news(fault)).unwrap_or(true);
    let request_id = request_id::current();
    match fault {
        Fault::Busy | Fault::Conflict | Fault::Full => {}
        _ if is_news => tracing::error!(%request_id, %fault, "a request has no answer"),
        _ => tracing::debug!(%request_id, %fault, "a request has no answer"),
    }
}
