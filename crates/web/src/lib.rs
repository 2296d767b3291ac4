//! The JSON API of Scrip: thin handlers over the engine. Extract, call, map, reply.

pub mod api;
mod caller;
mod extract;
mod health;
mod json;
mod metrics;
mod money;
mod network;
mod openapi;
mod patience;
pub mod problem;
mod request_id;
mod serve;
mod trace;

use std::sync::Arc;

use axum::Router;
use scrip_engine::Engine;

pub use health::{Watch, own_address};
pub use metrics::Metrics;
pub use network::{Network, NotANetwork};
pub use serve::{Limits, listen, serve};

/// What every handler works with.
pub type App = Arc<Server>;

/// A server: the engine, and how it is reached.
#[derive(Debug)]
pub struct Server {
    /// The verbs.
    pub engine: Engine,
    /// The address under which buyers reach it, without a slash at the end.
    pub public_url: String,
}

/// Every route, ready to be served.
pub fn router(app: App) -> Router {
    let (router, document) = openapi::split(api::routes());
    let router = router.merge(openapi::routes(&document)).with_state(app.clone());
    router
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(axum::middleware::from_fn_with_state(app, request_id::stamp))
}

/// Every route and those of whoever runs the server, logged and counted.
pub fn front(watch: &Arc<Watch>) -> Router {
    let app = watch.app().clone();
    let stamp = axum::middleware::from_fn_with_state(app.clone(), request_id::stamp);
    let observe = axum::middleware::from_fn_with_state(watch.clone(), trace::observe);
    health::beside(watch.clone()).layer(stamp).merge(router(app)).layer(observe)
}
