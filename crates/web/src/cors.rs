//! Which routes scripts of other sites may call (CORS): public reads, and what is public by code. They
//! get no credentials, so such a script sees what any visitor sees. All other routes stay closed by
//! saying nothing.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::options;
use http::{HeaderValue, StatusCode, header};
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::openapi::operations;

/// Opens these routes to the scripts of every site.
pub fn open(routes: OpenApiRouter<App>) -> OpenApiRouter<App> {
    let paths = routes.get_openapi().paths.paths.iter();
    let paths: Vec<_> = paths.map(|(path, item)| (path.clone(), allowed(item))).collect();
    let answered = paths.into_iter().fold(routes, |routes, (path, methods)| {
        routes.route(&path, options(move || async move { preflight(methods) }))
    });
    answered.layer(from_fn(allow))
}

/// The methods of a path, for `Allow`.
fn allowed(item: &utoipa::openapi::path::PathItem) -> HeaderValue {
    let mut methods: Vec<_> =
        operations(item).map(|(method, _)| method.to_ascii_uppercase()).collect();
    if item.get.is_some() && item.head.is_none() {
        methods.push("HEAD".to_owned());
    }
    methods.push("OPTIONS".to_owned());
    HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

/// What a browser asks before it lets a script send JSON or a condition. GET, HEAD and POST need no
/// leave of their own, and no other header gets one: above all not `Authorization`.
fn preflight(methods: HeaderValue) -> Response {
    let headers = [
        (header::ALLOW, methods),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("content-type, if-none-match"),
        ),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// The same where there is nothing but to read.
pub async fn preflight_of_reads() -> Response {
    preflight(HeaderValue::from_static("GET, HEAD, OPTIONS"))
}

/// Lets scripts of every site read the answer.
pub async fn allow(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let read = HeaderValue::from_static("etag, retry-after, x-request-id");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, read);
    response
}
