//! The OpenAPI 3.1 document: made from the handlers' own types, finished here with what the derive
//! cannot say, served at `/openapi.json`. The page at `/docs` shows it to people.

mod answers;
mod examples;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{
    AdditionalProperties, AllOfBuilder, KnownFormat, OneOfBuilder, SchemaType, Type,
};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Object, ObjectBuilder, RefOr, Schema, SchemaFormat};
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::answer;
use crate::cors;
use crate::packed::{self, takes_gzip};
use crate::problem::{FieldError, ProblemOut};

pub use examples::example;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Scrip",
        description = "A store for digital goods, paid for with the vendor's own tokens.\n\n\
            Bodies are JSON in UTF-8. A field that a route does not know is refused, and so is a query or a body \
            where none is taken. Times are RFC 3339 in UTC. Ids are names, not secrets. An amount is a whole number of the smallest unit of a token or \
            currency.\n\n\
            Send a session's token or an API key as `Authorization: Bearer <token>`. What must not happen \
            twice takes an `Idempotency-Key`: the same request with the same key gets the first answer again, \
            with `Idempotency-Replayed: true`.\n\n\
            Errors are problem documents (RFC 9457) with a stable `code`; every answer has an `X-Request-Id`. \
            Lists take `limit` and `after`, and end when `next` is null.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "vendor", description = "Who sells here, in which token, by which rules, with which keys."),
        (name = "accounts", description = "Registering, signing in, an account's own data."),
        (name = "wallet", description = "What an account can spend, and adding to it."),
        (name = "products", description = "What is for sale, as far as the caller's standing sees it."),
        (name = "orders", description = "Selecting, confirming, buying; history and receipts."),
        (name = "licenses", description = "What an account owns, and whether a code is valid."),
        (name = "downloads", description = "The bytes that a code opens."),
        (name = "updates", description = "Where the updater of a program looks for a newer release."),
        (name = "payments", description = "At a provider: what merchants ask a buyer to pay, and to know."),
        (name = "partners", description = "Other vendors: whose tokens can become ours and ours theirs, and linking accounts."),
        (name = "servers", description = "Between servers: what a merchant asks its provider, a restored provider its merchants, and partners each other, signed as RFC 9421 says."),
        (name = "events", description = "What happened, in order, for who missed it."),
        (name = "hooks", description = "What card processors tell the server unasked."),
        (name = "admin", description = "What the vendor's staff manages, with the vendor's API keys: of the scope `admin`, or of `catalog` or `accounts` where that is enough."),
        (name = "demo", description = "In demo mode only."),
        (name = "server", description = "For those who run the server, and for programs that read this document."),
    ),
    paths(published),
    components(schemas(ProblemOut, FieldError))
)]
struct Document;

/// Bodies in which exactly one of two fields is given.
const EITHER: &[(&str, [(&str, Type); 2])] = &[
    ("OrderBody", [("lines", Type::Array), ("selection", Type::String)]),
    ("CouponBody", [("percent", Type::Integer), ("amount", Type::Object)]),
    ("ReplayBody", [("delivery", Type::String), ("since", Type::String)]),
];

/// The router and its document, finished.
pub fn split(routes: OpenApiRouter<App>) -> (Router<App>, utoipa::openapi::OpenApi) {
    let (router, mut document) =
        OpenApiRouter::with_openapi(Document::openapi()).merge(routes).split_for_parts();
    let mut components = document.components.take().unwrap_or_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.examples = answers::examples();
    for schema in components.schemas.values_mut() {
        each_field(schema, say_comment);
        each_field(schema, say_time);
        each_field(schema, say_words);
        each_field(schema, examples::usual);
        say_closed(schema);
    }
    for (body, fields) in EITHER {
        say_either(&mut components, body, fields);
    }
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations_mut(item) {
            // The derive takes the handler's name, and many are called `show`.
            operation.operation_id = Some(name(method, path));
            answers::complete(path, method, operation);
            examples::give(operation, &components);
        }
    }
    document.components = Some(components);
    (router, document)
}

/// `post_orders_id_confirm` for `POST /v1/orders/{id}/confirm`.
fn name(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words = words.filter(|word| *word != "v1");
    words.fold(method.to_owned(), |name, word| format!("{name}_{word}"))
}

/// The operations of a path, each with its method.
pub fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let PathItem { get, head, post, put, patch, delete, .. } = item;
    let all = [
        ("get", get),
        ("head", head),
        ("post", post),
        ("put", put),
        ("patch", patch),
        ("delete", delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, head, post, put, patch, delete, .. } = item;
    let all = [
        ("get", get),
        ("head", head),
        ("post", post),
        ("put", put),
        ("patch", patch),
        ("delete", delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Every field of a schema, and of its parts, with its name.
fn each_field(schema: &mut RefOr<Schema>, change: fn(&str, &mut RefOr<Schema>)) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            for (name, field) in &mut object.properties {
                change(name, field);
                each_field(field, change);
            }
        }
        Schema::OneOf(one_of) => one_of.items.iter_mut().for_each(|item| each_field(item, change)),
        Schema::AllOf(all_of) => all_of.items.iter_mut().for_each(|item| each_field(item, change)),
        _ => {}
    }
}

/// A field called `at`, `..._at` or `..._until` is a time, wherever it is not said to be something else.
fn say_time(name: &str, field: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(time)) = field
        && time.format.is_none()
        && (name == "at" || name.ends_with("_at") || name.ends_with("_until"))
    {
        time.format = Some(SchemaFormat::KnownFormat(KnownFormat::DateTime));
    }
}

/// Of a field with a comment and a type that stands in its place, the derive makes "this, and an object
/// with that comment", which nothing is.
fn say_comment(_: &str, field: &mut RefOr<Schema>) {
    let RefOr::T(Schema::AllOf(all_of)) = field else { return };
    if let [RefOr::T(Schema::Object(kind)), RefOr::T(Schema::Object(comment))] = &mut *all_of.items
        && comment.properties.is_empty()
    {
        kind.description = comment.description.take();
        kind.example = comment.example.take();
        *field = RefOr::T(Schema::Object(std::mem::take(kind)));
    }
}

/// A field of which nothing is said but "`one`, `two` or `three`" holds one of these words.
fn say_words(_: &str, field: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(field)) = field else { return };
    let (kinds, nullable) = types(&field.schema_type);
    let text = field.description.as_deref().unwrap_or_default();
    let between = |text: &str| matches!(text.trim(), "" | "," | "or" | ".");
    if kinds == [&Type::String] && text.contains('`') && text.split('`').step_by(2).all(between) {
        let words = text.split('`').skip(1).step_by(2).map(Value::from);
        field.enum_values = Some(words.chain(nullable.then_some(Value::Null)).collect());
    }
}

/// A value that is one of several objects has the fields of that one only.
fn say_closed(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::OneOf(one_of)) = schema else { return };
    for item in &mut one_of.items {
        if let RefOr::T(Schema::Object(object)) = item {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

/// Says that the body called `name` has exactly one of two fields. The other may be null.
fn say_either(components: &mut Components, name: &str, [one, other]: &[(&str, Type); 2]) {
    let Some(body) = components.schemas.get_mut(name) else { return };
    let only = |(given, kind): &(&str, Type), (absent, _): &(&str, Type)| {
        ObjectBuilder::new()
            .property(*given, Object::with_type(kind.clone()))
            .property(*absent, Object::with_type(Type::Null))
            .required(*given)
            .build()
    };
    let either = OneOfBuilder::new().item(only(one, other)).item(only(other, one)).build();
    let example = match body {
        RefOr::T(Schema::Object(object)) => object.example.take(),
        _ => None,
    };
    let both = AllOfBuilder::new().item(body.clone()).item(Schema::OneOf(either)).examples(example);
    *body = RefOr::T(Schema::AllOf(both.build()));
}

/// Whether the schema takes null, and what else it takes.
pub fn types(kind: &SchemaType) -> (Vec<&Type>, bool) {
    let all = match kind {
        SchemaType::Type(kind) => std::slice::from_ref(kind),
        SchemaType::Array(all) => all.as_slice(),
        SchemaType::AnyValue => &[],
    };
    let (null, other): (Vec<_>, Vec<_>) = all.iter().partition(|kind| **kind == Type::Null);
    (other, !null.is_empty())
}

/// Whether an operation is for the vendor's staff, who come with the vendor's keys.
pub fn is_for_staff(operation: &Operation) -> bool {
    let staff = ["admin", "demo", "server"];
    operation.tags.iter().flatten().any(|tag| staff.contains(&tag.as_str()))
}

/// Whether an operation refuses what it does not know. Between servers only what must not be ignored is refused; what processors
/// send is theirs to say, how a server is watched is no part of the API, and updaters add words of their own to an address
/// (electron-updater: `noCache`).
pub fn is_strict(operation: &Operation) -> bool {
    let lenient = ["server", "servers", "hooks", "updates"];
    !operation.tags.iter().flatten().any(|tag| lenient.contains(&tag.as_str()))
}

/// What an operation takes besides its body.
pub fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

/// Whether an operation takes a parameter in this place.
pub fn has(operation: &Operation, place: &ParameterIn) -> bool {
    parameters(operation).any(|parameter| parameter.parameter_in == *place)
}

/// What a reference stands for.
pub fn resolve<'a>(components: &'a Components, schema: &'a RefOr<Schema>) -> Option<&'a Schema> {
    match schema {
        RefOr::T(schema) => Some(schema),
        RefOr::Ref(reference) => resolve(components, components.schemas.get(target(reference))?),
    }
}

/// The name that a reference ends with.
pub fn target(reference: &utoipa::openapi::Ref) -> &str {
    reference.ref_location.rsplit('/').next().unwrap_or_default()
}

/// The document as it is sent: large, and the same for everybody. Made when it is first asked for.
struct Published {
    json: Bytes,
    tag: OnceLock<String>,
    packed: OnceLock<Bytes>,
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "server",
    responses(
        (status = 200, description = "the document", body = Object),
        (status = 304, description = "as the `If-None-Match` has it"),
    )
)]
async fn published(State(document): State<Arc<Published>>, asked: HeaderMap) -> Response {
    let Published { json, tag, packed } = &*document;
    let tag = tag.get_or_init(|| answer::tag(&[json]));
    let mut headers = HeaderMap::new();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let packed = Some(packed).filter(|_| takes_gzip(&asked));
    match packed.map(|packed| packed.get_or_init(|| packed::packed(json))) {
        Some(packed) if !packed.is_empty() => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            // Other bytes than the document itself, so another validator.
            let tag = tag.replacen('"', "\"gzip-", 1);
            answer::public(&asked, &tag, headers, packed.clone())
        }
        _ => answer::public(&asked, tag, headers, json.clone()),
    }
}

/// `GET /openapi.json`.
pub fn routes(document: &utoipa::openapi::OpenApi) -> Router<App> {
    let json = Bytes::from(document.to_json().unwrap_or_default());
    let published_at = get(published).options(cors::preflight_of_reads);
    let router = Router::new().route("/openapi.json", published_at);
    let published = Published { json, tag: OnceLock::new(), packed: OnceLock::new() };
    router.layer(axum::middleware::from_fn(cors::allow)).with_state(Arc::new(published))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> utoipa::openapi::OpenApi {
        split(crate::api::routes()).1
    }

    #[test]
    fn an_operation_is_named_by_what_it_does() {
        assert_eq!(name("post", "/v1/orders/{id}/confirm"), "post_orders_id_confirm");
        assert_eq!(name("get", "/.well-known/jwks.json"), "get_well_known_jwks_json");
    }

    #[test]
    fn every_operation_has_a_name_a_group_and_a_summary() {
        let document = document();
        let groups: Vec<_> = document.tags.iter().flatten().map(|tag| tag.name.as_str()).collect();
        let mut names = std::collections::BTreeSet::new();
        for (path, item) in &document.paths.paths {
            for (method, operation) in operations(item) {
                let tags = operation.tags.as_deref().unwrap_or_default();
                assert!(tags.len() == 1 && groups.contains(&tags[0].as_str()), "{method} {path}");
                assert!(operation.summary.is_some(), "{method} {path}");
                assert!(names.insert(operation.operation_id.clone()), "{method} {path}");
            }
        }
    }

    #[test]
    fn a_body_with_either_field_says_so() {
        let document = document();
        let schemas = &document.components.as_ref().unwrap().schemas;
        for (body, _) in EITHER {
            assert!(matches!(&schemas[*body], RefOr::T(Schema::AllOf(_))), "{body}");
        }
    }

    #[test]
    fn times_are_times_and_words_are_words() {
        let json = serde_json::to_value(document()).unwrap();
        let order = &json["components"]["schemas"]["Order"]["properties"];
        let states = scrip_domain::order::OrderState::ALL;
        assert_eq!(order["state"]["enum"], serde_json::json!(states));
        assert_eq!(order["selected_at"]["format"], "date-time");
    }
}
