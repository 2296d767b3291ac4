//! Is it alive, can it serve, what does it count: `/healthz`, `/readyz`, `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use scrip_domain::api_key::Scope;
use scrip_domain::{Span, Timestamp};
use scrip_engine::Fault;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::Caller;
use crate::metrics::{CONTENT_TYPE, Metrics};
use crate::problem::Problem;

/// A writer that has committed nothing for so long is not alive: the lease on ids alone makes it
/// commit each second.
const SILENCE: Span = Span::seconds(5);
/// In milliseconds.
const SECOND: i64 = 1000;
/// A database that has not answered by then does not serve.
const PATIENCE: Duration = Duration::from_secs(2);

/// Watches over a server.
#[derive(Debug)]
pub struct Watch {
    app: App,
    /// What is counted.
    pub metrics: Metrics,
    committed: AtomicI64,
    /// Whether the database is known to be away.
    away: AtomicBool,
    /// When it was last told that something has no answer.
    told: AtomicI64,
    stopping: AtomicBool,
}

impl Watch {
    /// Watches over `app`, whose writer has just committed.
    pub fn over(app: App) -> Self {
        let committed = AtomicI64::new(app.engine.now().millis());
        let (metrics, told) = (Metrics::default(), AtomicI64::new(i64::MIN));
        let (away, stopping) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { app, metrics, committed, away, told, stopping }
    }

    /// What is watched.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The writer has committed something now.
    pub fn committed(&self) {
        self.committed.store(self.app.engine.now().millis(), Ordering::Relaxed);
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the database answers again");
        }
    }

    /// The writer could not commit: said once, until it can again.
    pub fn lost(&self, fault: &Fault) {
        self.metrics.fault(fault);
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::error!(%fault, "the database does not answer: until it does, what needs it is refused and only counted");
        }
    }

    /// Counts a fault. Gives whether a line in the log is due to it: that the database is away is said once, and what
    /// cannot be had of it before that is known once a second, and so are objects that are not at hand.
    pub fn is_news(&self, fault: &Fault) -> bool {
        self.metrics.fault(fault);
        match fault {
            Fault::Unavailable(_) | Fault::Unknown(_) if self.away.load(Ordering::Relaxed) => {
                return false;
            }
            Fault::Unavailable(_) | Fault::Unknown(_) | Fault::Objects(_) => {}
            _ => return true,
        }
        let now = self.app.engine.now().millis();
        let told = self.told.load(Ordering::Relaxed);
        let is_due = now.saturating_sub(told) >= SECOND;
        if is_due {
            self.told.store(now, Ordering::Relaxed);
        }
        is_due
    }

    /// The server is about to stop: new requests should go elsewhere.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    async fn readiness(&self) -> Readiness {
        let last = Timestamp::from_millis(self.committed.load(Ordering::Relaxed));
        let read = tokio::time::timeout(PATIENCE, self.app.engine.store().vendor()).await;
        let checks = [
            ("database", matches!(read, Ok(Ok(Some(_))))),
            ("writer", self.app.engine.now() < last.plus(SILENCE)),
            ("stopping", !self.stopping.load(Ordering::Relaxed)),
        ];
        let failing: Vec<_> =
            checks.iter().filter(|(_, good)| !good).map(|(name, _)| *name).collect();
        Readiness { ready: failing.is_empty(), failing }
    }
}

/// That the server is alive.
#[derive(Debug, Serialize, ToSchema)]
struct Alive {
    alive: bool,
}

/// Whether the server can serve.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "ready": true, "failing": [] }))]
struct Readiness {
    ready: bool,
    /// `database`: it does not answer; `writer`: it does not commit; `stopping`.
    failing: Vec<&'static str>,
}

/// The routes for those who run the server, on an address of their own.
pub fn own_address(watch: Arc<Watch>) -> Router {
    Router::from(health()).route("/metrics", get(metrics)).with_state(watch)
}

/// The same beside the API, where metrics are for those with a key.
pub(crate) fn routes(watch: Arc<Watch>) -> OpenApiRouter<App> {
    health().routes(routes!(metrics_by_key)).with_state(watch)
}

fn health() -> OpenApiRouter<Arc<Watch>> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz))
}

/// Whether the process is alive.
#[utoipa::path(
    get, path = "/healthz", tag = "server",
    responses((status = 200, description = "it is", body = Alive))
)]
async fn healthz() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(Alive { alive: true })).into_response()
}

/// Whether the server can serve.
#[utoipa::path(
    get, path = "/readyz", tag = "server",
    responses(
        (status = 200, description = "it can", body = Readiness),
        (status = 503, description = "it cannot: `failing` says why", body = Readiness),
    )
)]
async fn readyz(State(watch): State<Arc<Watch>>) -> Response {
    let readiness = watch.readiness().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(readiness)).into_response()
}

async fn metrics(State(watch): State<Arc<Watch>>) -> Response {
    let text = watch.metrics.render(&watch.app.engine);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}

/// What is counted, in the Prometheus text format, for a key with the scope `metrics`.
///
/// Where the server has an address of its own for those who run it, it is there without a key.
#[utoipa::path(
    get, path = "/metrics", tag = "server", security(("bearer" = [])),
    responses((
        status = 200, description = "the figures", body = String,
        content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ))
)]
async fn metrics_by_key(
    State(watch): State<Arc<Watch>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    match Caller::from_request_parts(&mut parts, &watch.app).await?.0 {
        Some(signed) if signed.may(Scope::Metrics) => Ok(metrics(State(watch)).await),
        Some(_) => Err(Problem::forbidden("this needs a key with the scope metrics")),
        None => Err(Problem::invalid_credentials("send a key with the scope metrics")),
    }
}
