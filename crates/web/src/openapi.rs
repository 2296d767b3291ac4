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
    for (address, path) in &mut document.paths.paths {
        let operations = [
            ("get", &mut path.get),
            ("put", &mut path.put),
            ("post", &mut path.post),
            ("delete", &mut path.delete),
            ("head", &mut path.head),
            ("patch", &mut path.patch),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            operation.operation_id = Some(operation_id(method, address));
            let needs_caller = operation.security.is_some();
            let has_body = operation.request_body.is_some();
            let has_input =
                has_body || operation.parameters.as_ref().is_some_and(|all| !all.is_empty());
            add_common(&mut operation.responses, needs_caller, has_body, has_input);
        }
    }
    (router, document)
}

/// A name that no other operation has: `get_products_slug`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty() && *word != "v1");
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let (_, document) = split(crate::api::routes());
        let document = serde_json::to_value(&document).unwrap();
        let mut names = BTreeSet::new();
        for (address, path) in document["paths"].as_object().unwrap() {
            for (method, operation) in path.as_object().unwrap() {
                let Some(name) = operation["operationId"].as_str() else { continue };
                assert!(names.insert(name.to_owned()), "{method} {address}: {name} is taken");
            }
        }
        assert!(names.len() > 50 && names.contains("get_products_slug"), "{names:?}");
    }
}
