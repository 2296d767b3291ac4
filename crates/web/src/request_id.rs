//! Request ids: on every answer, in every problem, in every log line.

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

/// Gives the request that `answer` is for its id, and stamps the answer with it.
pub async fn stamp(app: &App, answer: impl Future<Output = Response>) -> Response {
    let mut bytes = [0; 8];
    app.engine.fill(&mut bytes);
    let id = RequestId::of_chance(u64::from_be_bytes(bytes));
    let header = HeaderValue::from_str(&id.to_string());
    let mut response = REQUEST_ID.scope(id, answer).await;
    if let Ok(header) = header {
        response.headers_mut().insert("x-request-id", header);
    }
    response
}
