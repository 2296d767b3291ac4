//! The JSON API of Scrip and its pages: two thin sides over the engine. Extract, call, map, reply.

mod answer;
pub mod api;
mod authenticator;
mod caller;
mod cors;
mod extract;
mod health;
mod language;
pub mod mail;
mod metrics;
mod money;
mod network;
mod openapi;
mod packed;
mod pages;
mod passkey;
mod patience;
pub mod problem;
mod read;
mod request_id;
mod restoring;
mod serve;
mod signed;
mod text;
mod trace;
mod traceparent;
mod unasked;

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header;
use scrip_engine::Engine;

pub use caller::{AtMerchant, AtPartner, AtProvider};
pub use health::{Watch, own_address};
pub use metrics::Metrics;
pub use network::{Network, NotANetwork};
pub use serve::{Limits, listen, serve};
pub use signed::{OfPartner, PartnerBody, Signed, SignedBody};
pub use traceparent::{NotATraceparent, Traceparent};

use unasked::Operations;

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

/// Every route, ready to be served; what is answered is logged and counted.
pub fn router(watch: &Arc<Watch>) -> Router {
    let app = watch.app().clone();
    let (router, document) = openapi::split(api::routes().merge(health::routes(watch.clone())));
    let door = Door { watch: watch.clone(), operations: Arc::new(Operations::of(&document)) };
    router
        .merge(openapi::routes(&document))
        .merge(pages::routes(&app, document))
        .fallback(pages::nowhere)
        .method_not_allowed_fallback(pages::no_method)
        .with_state(app.clone())
        .layer(from_fn_with_state(door, enter))
}

/// What stands behind the door through which every request comes.
#[derive(Clone, Debug)]
struct Door {
    watch: Arc<Watch>,
    operations: Arc<Operations>,
}

/// What every request passes on its way to its handler, and every answer on its way back.
///
/// One layer for all of it: each layer costs every request a boxed copy of its route.
async fn enter(State(door): State<Door>, request: Request, next: Next) -> Response {
    let Door { watch, operations } = door;
    let app = watch.app();
    let method = request.method().clone();
    let is_private = request.headers().contains_key(header::AUTHORIZATION);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = trace::span(&method, route.as_ref(), request.headers());
    let at = route.clone();
    let answer = async move {
        if let Some(answer) = api::elsewhere(app, at.as_ref()) {
            return answer;
        }
        let (method, path) = (request.method(), request.uri().path());
        if let Some(answer) = restoring::hold_still(app, method, path, request.headers()).await {
            return answer;
        }
        match operations.check(at.as_ref(), request).await {
            Ok(request) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    };
    let answer = request_id::stamp(app, answer);
    let mut answer = trace::observe(&watch, span, method, route, answer).await;
    if is_private {
        // Where nothing else was said: what somebody in particular is told is for nobody else to keep.
        answer.headers_mut().entry(header::CACHE_CONTROL).or_insert(answer::PRIVATE);
    }
    answer
}
