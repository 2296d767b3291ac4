//! What an operation answers when it does not do what was asked: the codes of each status, in words for
//! people and as a list for programs. A handler names its own in the description of a response, between
//! backticks; what every operation of its kind can answer is added here.

use std::collections::BTreeMap;

use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{
    AllOfBuilder, Content, ContentBuilder, ObjectBuilder, Ref, RefOr, Response, Schema,
};

use super::{has, is_for_staff, is_strict, parameters};
use crate::api::is_of_some_roles;
use crate::problem::Kind;
use crate::problem::kind;

/// The problem types that a text names between backticks.
pub fn kinds(text: &str) -> impl Iterator<Item = &'static Kind> {
    text.split('`').skip(1).step_by(2).filter_map(Kind::of)
}

/// An answer of every type, for responses to point to.
pub fn examples() -> BTreeMap<String, RefOr<Example>> {
    let example = |kind: &&Kind| {
        let example = ExampleBuilder::new().summary(kind.title).value(Some(kind.example()));
        (kind.code.to_owned(), example.into())
    };
    kind::ALL.iter().map(example).collect()
}

/// Adds what every operation of this kind can answer, and the body of each answer that is a problem.
pub fn complete(path: &str, method: &str, operation: &mut Operation) {
    for kind in usual(path, method, operation) {
        let responses = &mut operation.responses.responses;
        let response = responses.entry(kind.status.as_str().to_owned());
        let response = response.or_insert_with(|| RefOr::T(Response::default()));
        if let RefOr::T(response) = response
            && response.content.is_empty()
            && !kinds(&response.description).any(|named| named.code == kind.code)
        {
            name(&mut response.description, kind.code);
        }
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && response.content.is_empty()
        {
            let content = RefOr::T(problem(&response.description));
            response.content.insert("application/problem+json".to_owned(), content);
        }
    }
}

/// Names a code after what is said already.
fn name(description: &mut String, code: &str) {
    let separator = match description.chars().next_back() {
        None => "",
        Some('`') => ", ",
        Some(_) => "; ",
    };
    *description = format!("{description}{separator}`{code}`");
}

/// What an operation can answer by its form.
fn usual(path: &str, method: &str, operation: &Operation) -> Vec<&'static Kind> {
    let has = |place: ParameterIn| has(operation, &place);
    let json = operation.request_body.as_ref().is_some_and(|body| match body {
        RefOr::T(body) => body.content.contains_key("application/json"),
        RefOr::Ref(_) => false,
    });
    let idempotent = parameters(operation).any(|parameter| parameter.name == "Idempotency-Key");
    let caller = operation.security.is_some();
    let buyer = !is_for_staff(operation);
    let pages = parameters(operation).any(|parameter| parameter.name == "after");
    let servers = operation.tags.iter().flatten().any(|tag| tag == "servers");
    let possible = [
        (json, &kind::MALFORMED),
        (json || has(ParameterIn::Query) || is_strict(operation), &kind::UNKNOWN_FIELD),
        (json || has(ParameterIn::Query) || idempotent, &kind::INVALID_FIELD),
        (idempotent, &kind::IDEMPOTENCY_KEY_MISSING),
        // Also where no caller is demanded: a session may have ended, a flow may ask for an account.
        (caller && buyer, &kind::ACCOUNT_REQUIRED),
        (caller, &kind::INVALID_CREDENTIALS),
        (caller, &kind::FORBIDDEN),
        (servers, &kind::SIGNATURE_REFUSED),
        (has(ParameterIn::Path) || pages || servers || is_of_some_roles(path), &kind::NOT_FOUND),
        (json, &kind::TOO_LARGE),
        (json, &kind::UNSUPPORTED_MEDIA_TYPE),
        (true, &kind::RATE_LIMITED),
        (true, &kind::INTERNAL),
        (true, &kind::BUSY),
        (servers || !matches!(method, "get" | "head"), &kind::RESTORING),
        (!matches!(method, "get" | "head"), &kind::STORAGE_FULL),
    ];
    possible.into_iter().filter_map(|(is, kind)| is.then_some(kind)).collect()
}

/// A problem with one of the codes that the description names.
fn problem(description: &str) -> Content {
    let codes = || kinds(description).map(|kind| kind.code);
    let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes()));
    let only = ObjectBuilder::new().property("code", code.build()).build();
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(only);
    let example = |code: &str| {
        (code.to_owned(), RefOr::Ref(Ref::new(format!("#/components/examples/{code}"))))
    };
    ContentBuilder::new()
        .schema(Some(Schema::AllOf(schema.build())))
        .examples_from_iter::<_, _, RefOr<Example>>(codes().map(example))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::{operations, split};

    #[test]
    fn every_problem_says_its_codes_and_they_have_its_status() {
        let (_, document) = split(crate::api::routes());
        for (path, item) in &document.paths.paths {
            for (method, operation) in operations(item) {
                for (status, response) in &operation.responses.responses {
                    let RefOr::T(response) = response else {
                        panic!("{method} {path}: a reference")
                    };
                    if !response.content.contains_key("application/problem+json") {
                        continue;
                    }
                    let codes: Vec<_> = kinds(&response.description).collect();
                    assert!(!codes.is_empty(), "{method} {path} {status}: no code");
                    for kind in codes {
                        assert_eq!(kind.status.as_str(), status, "{method} {path}: {}", kind.code);
                    }
                }
            }
        }
    }

    #[test]
    fn a_code_is_named_once_and_after_what_is_said() {
        let mut said = String::new();
        name(&mut said, "busy");
        assert_eq!(said, "`busy`");
        name(&mut said, "internal");
        assert_eq!(said, "`busy`, `internal`");
        let mut said = "`order_not_draft`: it is not paid".to_owned();
        name(&mut said, "order_expired");
        assert_eq!(said, "`order_not_draft`: it is not paid; `order_expired`");
    }
}
