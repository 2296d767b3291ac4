//! The OpenAPI 3.1 document: made from the handlers' own types, served at `/openapi.json`.

use axum::Router;
use axum::routing::get;
use http::header;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, Ref, RefOr, ResponseBuilder, Responses};
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::problem::{FieldError, ProblemOut};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Scrip",
        description = "A store for digital goods, paid for with the vendor's own tokens."
    ),
    components(schemas(ProblemOut, FieldError))
)]
struct Document;

/// The router and its document, finished.
pub fn split(routes: OpenApiRouter<App>) -> (Router<App>, utoipa::openapi::OpenApi) {
    let (router, mut document) =
        OpenApiRouter::with_openapi(Document::openapi()).merge(routes).split_for_parts();
    let components = document.components.get_or_insert_with(Components::default);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    for path in document.paths.paths.values_mut() {
        let operations = [
            &mut path.get,
            &mut path.put,
            &mut path.post,
            &mut path.delete,
            &mut path.head,
            &mut path.patch,
        ];
        for operation in operations.into_iter().flatten() {
            let needs_caller = operation.security.is_some();
            let has_body = operation.request_body.is_some();
            let has_input =
                has_body || operation.parameters.as_ref().is_some_and(|all| !all.is_empty());
            add_common(&mut operation.responses, needs_caller, has_body, has_input);
        }
    }
    (router, document)
}

/// The answers that every route can give.
fn add_common(responses: &mut Responses, needs_caller: bool, has_body: bool, has_input: bool) {
    let mut common = vec![
        ("429", "`rate_limited`: wait as long as `Retry-After` says"),
        ("500", "`internal`: ask again with the same key"),
        ("503", "`busy`: the outcome is unknown, ask again with the same key"),
    ];
    // A public route reads a caller's token too, and says when that has ended.
    common.push(("401", "`invalid_credentials` or `account_required`"));
    if needs_caller {
        common.push(("403", "`forbidden`"));
    }
    if has_input {
        common.push((
            "400",
            "`malformed`, `unknown_field`, `invalid_field`, `idempotency_key_missing`",
        ));
        common.push(("404", "`not_found`"));
    }
    if has_body {
        common.push(("413", "`too_large`"));
        common.push(("415", "`unsupported_media_type`"));
        common.push(("507", "`storage_full`: nothing was written"));
    }
    for (status, description) in common {
        responses.responses.entry(status.to_owned()).or_insert_with(|| problem(description));
    }
    for (status, response) in &mut responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && response.content.is_empty()
        {
            response
                .content
                .insert("application/problem+json".to_owned(), RefOr::T(problem_content()));
        }
    }
}

fn problem_content() -> utoipa::openapi::Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build()
}

fn problem(description: &str) -> RefOr<utoipa::openapi::Response> {
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", problem_content())
        .build();
    RefOr::T(response)
}

/// `GET /openapi.json`.
pub fn routes(document: &utoipa::openapi::OpenApi) -> Router<App> {
    let json = document.to_json().unwrap_or_default();
    let show = move || async move { ([(header::CONTENT_TYPE, "application/json")], json.clone()) };
    Router::new().route("/openapi.json", get(show))
}
