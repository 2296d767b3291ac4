//! The API reference: the OpenAPI document that this server publishes, for people to read.

mod types;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use maud::{Markup, PreEscaped, html};
use serde_json::Value;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Components, Content, OpenApi, RefOr, Required, Response, Schema};

use super::frame::SAME_FOR_ALL;
use super::prose::{paragraphs, prose};
use super::{json, page};
use crate::App;
use crate::openapi::{example, is_for_staff, operations};
use crate::problem::Problem;

/// `GET /docs`.
pub fn routes(document: OpenApi) -> Router<App> {
    // Made when it is first asked for: a start is quicker without.
    let main = Arc::new(LazyLock::new(move || Reference::new(&document).page().into_string()));
    let show = move |State(app): State<App>| {
        let main = main.clone();
        async move {
            // The one thing in which servers with the same document differ.
            let address = html! { (app.public_url) }.into_string();
            let main = PreEscaped(main.replace(ADDRESS, &address));
            Ok::<_, Problem>((SAME_FOR_ALL, page(&app, "API reference", &main).await?))
        }
    };
    Router::new().route("/docs", get(show))
}

/// Stands for the server's address in the examples.
const ADDRESS: &str = "https://address.invalid";

/// The document with what its references point to.
struct Reference<'a> {
    document: &'a OpenApi,
    components: &'a Components,
}

/// An operation and how it is asked for.
struct Asked<'a> {
    method: &'static str,
    path: &'a str,
    operation: &'a Operation,
}

impl Asked<'_> {
    fn id(&self) -> &str {
        self.operation.operation_id.as_deref().unwrap_or_default()
    }

    /// The path without what almost all begin with.
    fn short(&self) -> &str {
        self.path.strip_prefix("/v1").unwrap_or(self.path)
    }

    fn label(&self, path: &str) -> Markup {
        html! {
            span.method { (self.method.to_ascii_uppercase()) } " "
            // A long one breaks where a part ends.
            code.path { @for part in path.split_inclusive('/') { (part) wbr; } }
        }
    }

    fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
    }
}

impl<'a> Reference<'a> {
    fn new(document: &'a OpenApi) -> Self {
        static NONE: LazyLock<Components> = LazyLock::new(Components::default);
        Self { document, components: document.components.as_ref().unwrap_or(&NONE) }
    }

    /// The operations of a group, by address.
    fn group(&self, tag: &str) -> Vec<Asked<'a>> {
        let paths = self.document.paths.paths.iter();
        let all = paths.flat_map(|(path, item)| {
            operations(item).map(move |(method, operation)| Asked { method, path, operation })
        });
        let inside = |asked: &Asked| asked.operation.tags.iter().flatten().any(|name| name == tag);
        all.filter(inside).collect()
    }

    fn page(&self) -> Markup {
        let tags = || self.document.tags.iter().flatten();
        html! {
            div.reference {
                nav.contents aria-label="Contents" {
                    @for tag in tags() {
                        a.group href={ "#" (tag.name) } { (tag.name) }
                        ul {
                            @for asked in self.group(&tag.name) {
                                li { a href={ "#" (asked.id()) } { (asked.label(asked.short())) } }
                            }
                        }
                    }
                    a.group href="#types" { "types" }
                }
                div {
                    h1 { "API reference" }
                    @if let Some(description) = &self.document.info.description {
                        div.intro { (paragraphs(description)) }
                    }
                    @for tag in tags() {
                        h2 #(tag.name) { (tag.name) }
                        @if let Some(description) = &tag.description { p.lead { (prose(description)) } }
                        @for asked in self.group(&tag.name) { (self.operation(&asked)) }
                    }
                    h2 #types { "types" }
                    p.lead { "What bodies are made of." }
                    (self.types())
                }
            }
        }
    }

    fn operation(&self, asked: &Asked) -> Markup {
        let Asked { operation, .. } = asked;
        html! {
            section.operation aria-labelledby=(asked.id()) {
                h3 #(asked.id()) { (asked.label(asked.path)) }
                @if let Some(summary) = &operation.summary { p { (prose(summary)) } }
                @if let Some(description) = &operation.description { (paragraphs(description)) }
                p.access { (access(operation)) }
                @if asked.parameters().next().is_some() {
                    h4 { "Parameters" }
                    dl.fields {
                        @for parameter in asked.parameters() { (self.parameter(parameter)) }
                    }
                }
                (self.body(operation))
                h4 { "Answers" }
                (self.answers(operation))
                h4 { "Example" }
                pre tabindex="0" aria-label={ "Example of " (operation.summary.as_deref().unwrap_or_default()) } {
                    code { (self.curl(asked)) }
                }
                (self.answer(operation))
            }
        }
    }

    fn parameter(&self, parameter: &Parameter) -> Markup {
        let place = match parameter.parameter_in {
            ParameterIn::Path => "path",
            ParameterIn::Header => "header",
            _ => "query",
        };
        html! {
            dt {
                code { (parameter.name) }
                @if parameter.required == Required::True { " " span.required { "required" } }
                span.type {
                    (place)
                    @if let Some(schema) = &parameter.schema { ", " (self.kind(schema)) }
                }
            }
            dd { @if let Some(description) = &parameter.description { (prose(description)) } }
        }
    }

    fn body(&self, operation: &Operation) -> Markup {
        let Some(RefOr::T(body)) = &operation.request_body else { return html! {} };
        html! {
            @for (media_type, content) in &body.content {
                h4 { "Body" }
                @if let RefOr::T(content) = content
                    && media_type == "application/json"
                    && let Some(schema) = &content.schema
                {
                    @if let Some(description) = self.about(schema) { p { (prose(description)) } }
                    (self.fields(schema))
                } @else {
                    p { "The bytes themselves, as " code { (media_type) } "." }
                }
            }
        }
    }

    /// A row for each answer of which there is something to say; the codes of the others in a sentence.
    fn answers(&self, operation: &Operation) -> Markup {
        let all = operation.responses.responses.iter().filter_map(|(status, response)| {
            let RefOr::T(response) = response else { return None };
            Some((status, response))
        });
        let (plain, said): (Vec<_>, Vec<_>) = all.partition(|(_, response)| only_codes(response));
        html! {
            table.answers {
                thead { tr { th scope="col" { "Status" } th scope="col" { "What" } } }
                tbody {
                    @for (status, response) in said {
                        tr {
                            th.status scope="row" { (status) }
                            td {
                                @let content = self.content(response);
                                (content)
                                @if !content.0.is_empty() && !response.description.is_empty() { ": " }
                                (prose(&response.description))
                            }
                        }
                    }
                }
            }
            p.access {
                "Also "
                @for (index, (status, response)) in plain.iter().enumerate() {
                    @if index > 0 { "; " }
                    (status) " " (prose(&response.description))
                }
                "."
            }
        }
    }

    /// What the body of an answer is.
    fn content(&self, response: &Response) -> Markup {
        match (schema(response), response.content.first()) {
            (Some(schema), _) => self.kind(schema),
            (None, Some((media_type, _))) if media_type != "application/problem+json" => {
                html! { code { (media_type) } }
            }
            _ => html! {},
        }
    }

    /// The first answer that has a body, folded: it is often long.
    fn answer(&self, operation: &Operation) -> Markup {
        let first = operation.responses.responses.iter().find_map(|(status, response)| {
            let RefOr::T(response) = response else { return None };
            let RefOr::T(content) = response.content.get("application/json")? else { return None };
            let text = json::text(self.components, schema(response)?, content.example.as_ref()?);
            Some((status, text))
        });
        let Some((status, text)) = first else { return html! {} };
        html! {
            details {
                summary { "Answer " (status) }
                pre tabindex="0" aria-label={ "Answer " (status) } { code { (text) } }
            }
        }
    }

    /// The request as a command line.
    fn curl(&self, asked: &Asked) -> String {
        let mut path = asked.path.to_owned();
        let mut lines = Vec::new();
        if needs_caller(asked.operation) {
            lines.push("-H 'Authorization: Bearer <token>'".to_owned());
        }
        for parameter in asked.parameters() {
            let value = self.value(parameter);
            match parameter.parameter_in {
                ParameterIn::Path => {
                    path = path.replace(&format!("{{{}}}", parameter.name), &value);
                }
                ParameterIn::Header if parameter.required == Required::True => {
                    lines.push(format!("-H '{}: {value}'", parameter.name));
                }
                _ => {}
            }
        }
        if let Some(RefOr::T(body)) = &asked.operation.request_body {
            for (media_type, content) in &body.content {
                lines.push(format!("-H 'Content-Type: {media_type}'"));
                lines.push(match content {
                    RefOr::T(Content { example: Some(example), schema: Some(schema), .. }) => {
                        let text = json::text(self.components, schema, example);
                        format!("-d '{}'", text.replace('\'', r"'\''"))
                    }
                    _ => "-T FILE".to_owned(),
                });
            }
        }
        let method = match asked.method {
            "get" => String::new(),
            "head" => "--head ".to_owned(),
            method => format!("-X {} ", method.to_ascii_uppercase()),
        };
        lines.insert(0, format!("curl {method}{ADDRESS}{path}"));
        lines.join(" \\\n  ")
    }

    fn value(&self, parameter: &Parameter) -> String {
        let made = || parameter.schema.as_ref().and_then(|schema| example(self.components, schema));
        // Of all its parts only this one is not public.
        let given =
            serde_json::to_value(parameter).ok().and_then(|all| all.get("example").cloned());
        match given.or_else(made) {
            Some(Value::String(text)) => text,
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}

/// Who may ask.
fn access(operation: &Operation) -> &'static str {
    match &operation.security {
        None => "Needs no account.",
        Some(_) if needs_caller(operation) && is_for_staff(operation) => {
            "Needs one of the vendor's API keys."
        }
        Some(_) if needs_caller(operation) => "Needs a session's token or an account's API key.",
        Some(_) => "Says more with a session's token or an API key.",
    }
}

fn needs_caller(operation: &Operation) -> bool {
    let nobody = SecurityRequirement::default();
    operation.security.as_ref().is_some_and(|ways| !ways.contains(&nobody))
}

fn schema(response: &Response) -> Option<&RefOr<Schema>> {
    match response.content.get("application/json")? {
        RefOr::T(content) => content.schema.as_ref(),
        RefOr::Ref(_) => None,
    }
}

/// Whether nothing is said of an answer but its problem codes.
fn only_codes(response: &Response) -> bool {
    let mut between = response.description.split('`').step_by(2);
    response.content.contains_key("application/problem+json")
        && between.all(|text| matches!(text.trim(), "" | ","))
}
