//! The JSON API of Scrip: thin handlers over the engine. Extract, call, map, reply.

pub mod api;
mod caller;
mod extract;
mod money;
mod openapi;
pub mod problem;
mod request_id;

use std::sync::Arc;

use axum::Router;
use scrip_engine::Engine;

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
