//! Request ids: on every answer, in every problem, in every log line.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use scrip_domain::request::RequestId;

use crate::App;

tokio::task_local! {
    static REQUEST_ID: RequestId;
}

/// The id of the request that is being answered; zero outside of one.
pub fn current() -> RequestId {
    REQUEST_ID.try_with(|id| *id).unwrap_or_default()
}

/// Gives the request its id, and stamps the answer with it.
pub async fn stamp(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut bytes = [0; 8];
    app.engine.fill(&mut bytes);
    let id = RequestId::of_chance(u64::from_be_bytes(bytes));
    let header = HeaderValue::from_str(&id.to_string());
    let mut response = REQUEST_ID.scope(id, next.run(request)).await;
    if let Ok(header) = header {
        response.headers_mut().insert("x-request-id", header);
    }
    response
}
