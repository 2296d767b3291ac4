//! What an operation did not ask for. A route that takes no query or no body looks at none, and whoever sent one would
//! believe that it did something: here it is refused, for all of them, as a field is that a route does not know.

use std::collections::BTreeMap;

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request};
use http::Method;
use serde::Deserialize;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::ParameterIn;

use crate::extract::{MaxBody, parse, read, whole};
use crate::openapi::{has, is_strict, operations};
use crate::problem::{Problem, kind};
use crate::read::pairs;

/// The operations that refuse what they did not ask for, by path and method.
#[derive(Debug)]
pub struct Operations(BTreeMap<String, BTreeMap<&'static str, Takes>>);

#[derive(Clone, Copy, Debug)]
struct Takes {
    query: bool,
    body: bool,
}

/// A query or body without fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Operations {
    /// Those of `document`.
    pub fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter().map(|(path, item)| {
            let strict = operations(item).filter(|(_, operation)| is_strict(operation));
            let takes = strict.map(|(method, operation)| {
                let query = has(operation, &ParameterIn::Query);
                (method, Takes { query, body: operation.request_body.is_some() })
            });
            (path.clone(), takes.collect())
        });
        Self(paths.collect())
    }

    /// `request`, if there is nothing in it that its operation did not ask for.
    pub async fn check(
        &self,
        route: Option<&MatchedPath>,
        request: Request,
    ) -> Result<Request, Problem> {
        let query = request.uri().query();
        if query.is_none() && request.body().is_end_stream() {
            return Ok(request);
        }
        let Some(takes) = route.and_then(|route| self.takes(route, request.method())) else {
            return Ok(request);
        };
        if let Some(query) = query.filter(|_| !takes.query) {
            pairs::read::<Nothing>(query.as_bytes()).map(drop)?;
        }
        // Seldom, and large: every request would carry room for it.
        if takes.body { Ok(request) } else { Box::pin(without_body(request)).await }
    }

    fn takes(&self, route: &MatchedPath, method: &Method) -> Option<Takes> {
        let method = match *method {
            Method::GET | Method::HEAD => "get",
            Method::POST => "post",
            Method::PUT => "put",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => return None,
        };
        self.0.get(route.as_str())?.get(method).copied()
    }
}

/// An object without members says nothing, nor does null: many a program sends one where there is nothing to say.
async fn without_body(request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let MaxBody(most) = parts.extensions.get().copied().unwrap_or_default();
    let body = whole(body, most).await.map_err(|_| no_body())?;
    if !body.trim_ascii().is_empty() {
        let json = parse(&body).map_err(|_| no_body())?;
        read::<Option<Nothing>>(&json).map_err(|problem| {
            if problem.code() == kind::UNKNOWN_FIELD.code { problem } else { no_body() }
        })?;
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn no_body() -> Problem {
    let detail = "this takes no body";
    Problem::new(&kind::UNKNOWN_FIELD, detail).with_error(".", "unknown", detail)
}
