//! Types of the reference: a schema in a few words, and the fields of an object.

use maud::{Markup, html};
use serde_json::Value;
use utoipa::openapi::schema::{Array, ArrayItems, KnownFormat, SchemaType, Type};
use utoipa::openapi::{Object, Ref, RefOr, Schema, SchemaFormat};

use super::Reference;
use crate::openapi::{resolve, target, types};
use crate::pages::prose::prose;

impl Reference<'_> {
    /// Every type, with its fields.
    pub fn types(&self) -> Markup {
        html! {
            @for (name, schema) in &self.components.schemas {
                section.schema aria-labelledby={ "type-" (name) } {
                    h3 id={ "type-" (name) } { code { (name) } }
                    @if let Some(description) = description(schema) { p { (prose(description)) } }
                    (self.fields(schema))
                }
            }
        }
    }

    /// What is said of a type, wherever it stands.
    pub fn about<'b>(&'b self, schema: &'b RefOr<Schema>) -> Option<&'b str> {
        match schema {
            RefOr::Ref(reference) => description(self.components.schemas.get(target(reference))?),
            RefOr::T(_) => description(schema),
        }
    }

    /// A schema in a few words.
    pub fn kind(&self, schema: &RefOr<Schema>) -> Markup {
        match schema {
            RefOr::Ref(reference) => link(reference),
            RefOr::T(Schema::Object(object)) => simple(object),
            RefOr::T(Schema::Array(array)) => self.list(array),
            RefOr::T(Schema::OneOf(one_of)) => {
                let (null, other): (Vec<_>, Vec<_>) =
                    one_of.items.iter().partition(|item| is_null(item));
                html! { (self.joined(other, " or ")) @if !null.is_empty() { " or null" } }
            }
            RefOr::T(Schema::AllOf(all_of)) => self.joined(all_of.items.iter().collect(), " with "),
            RefOr::T(_) => html! { "any" },
        }
    }

    fn list(&self, array: &Array) -> Markup {
        let (_, nullable) = types(&array.schema_type);
        html! {
            "list of "
            @match &array.items {
                ArrayItems::RefOrSchema(item) => (self.kind(item)),
                ArrayItems::False => "nothing",
            }
            (bounds(array.min_items.map(|n| n.to_string()), array.max_items.map(|n| n.to_string()), " items"))
            @if nullable { " or null" }
        }
    }

    fn joined(&self, items: Vec<&RefOr<Schema>>, between: &str) -> Markup {
        html! {
            @for (index, item) in items.into_iter().enumerate() {
                @if index > 0 { (between) }
                (self.kind(item))
            }
        }
    }

    /// The fields of what a body is, or of each thing that it can be.
    pub fn fields(&self, schema: &RefOr<Schema>) -> Markup {
        match resolve(self.components, schema) {
            Some(Schema::Object(object)) if !object.properties.is_empty() => html! {
                dl.fields {
                    @for (name, field) in in_order(object) {
                        (self.field(name, field, object.required.contains(name)))
                    }
                }
            },
            Some(Schema::Object(object)) => html! { p.type { (simple(object)) } },
            Some(Schema::OneOf(one_of)) => html! {
                @for (index, item) in one_of.items.iter().enumerate() {
                    @if index > 0 { p.or { "or" } }
                    (self.fields(item))
                }
            },
            // What comes after the first part says which of its fields go together, as does the text.
            Some(Schema::AllOf(all_of)) => html! {
                @if let Some(item) = all_of.items.first() { (self.fields(item)) }
            },
            _ => html! { p.type { (self.kind(schema)) } },
        }
    }

    fn field(&self, name: &str, field: &RefOr<Schema>, required: bool) -> Markup {
        html! {
            dt {
                code { (name) }
                @if required { " " span.required { "required" } }
                span.type { (self.kind(field)) }
            }
            dd { @if let Some(description) = description(field) { (prose(description)) } }
        }
    }
}

/// The fields as they are declared, but first the one that says which of several things this is.
fn in_order(object: &Object) -> Vec<(&String, &RefOr<Schema>)> {
    let only_word = |field: &RefOr<Schema>| match field {
        RefOr::T(Schema::Object(word)) => {
            word.enum_values.as_ref().is_some_and(|all| all.len() == 1)
        }
        _ => false,
    };
    let (mut all, other): (Vec<_>, Vec<_>) =
        object.properties.iter().partition(|(_, field)| only_word(field));
    all.extend(other);
    all
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    let RefOr::T(Schema::Object(object)) = schema else { return false };
    object.schema_type == SchemaType::Type(Type::Null)
}

fn link(reference: &Ref) -> Markup {
    let name = target(reference);
    html! { a href={ "#type-" (name) } { (name) } }
}

/// A value that has no parts.
fn simple(object: &Object) -> Markup {
    let (kinds, nullable) = types(&object.schema_type);
    let words: Vec<_> = kinds.into_iter().map(|kind| word(kind, object)).collect();
    html! {
        @if let Some(values) = &object.enum_values {
            @for (index, value) in values.iter().enumerate() {
                @if index > 0 { ", " }
                code { (value.as_str().map_or_else(|| value.to_string(), str::to_owned)) }
            }
        } @else {
            (words.join(" or "))
        }
        @match (words.is_empty(), nullable) {
            (true, true) => "null",
            (true, false) => "any",
            (false, true) => " or null",
            (false, false) => {}
        }
        (bounds(object.min_length.map(|n| n.to_string()), object.max_length.map(|n| n.to_string()), " characters"))
        (bounds(object.minimum.as_ref().map(figure), object.maximum.as_ref().map(figure), ""))
        @if let Some(default) = &object.default { ", " code { (default) } " if absent" }
    }
}

fn word(kind: &Type, object: &Object) -> &'static str {
    match (kind, &object.format) {
        (Type::String, Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))) => "time",
        (Type::String, _) => "string",
        (Type::Integer, _) => "integer",
        (Type::Number, _) => "number",
        (Type::Boolean, _) => "true or false",
        (Type::Array, _) => "list",
        (Type::Object, _) => "object",
        (Type::Null, _) => "null",
    }
}

fn figure(number: &utoipa::Number) -> String {
    serde_json::to_value(number).map(|value: Value| value.to_string()).unwrap_or_default()
}

/// Between which bounds something lies.
fn bounds(least: Option<String>, most: Option<String>, of: &str) -> Markup {
    html! {
        @match (least, most) {
            (Some(least), Some(most)) => { ", " (least) " to " (most) (of) },
            (None, Some(most)) => { ", at most " (most) (of) },
            (Some(least), None) => { ", " (least) " or more" (of) },
            (None, None) => {},
        }
    }
}

fn description(schema: &RefOr<Schema>) -> Option<&str> {
    let text = match schema {
        RefOr::Ref(reference) => Some(&reference.description),
        RefOr::T(Schema::Object(object)) => object.description.as_ref(),
        RefOr::T(Schema::Array(array)) => array.description.as_ref(),
        // Of an optional part, what is said stands beside the part.
        RefOr::T(Schema::OneOf(one_of)) => {
            let part = one_of.items.iter().find_map(|item| match item {
                RefOr::Ref(reference) => Some(&reference.description),
                RefOr::T(_) => None,
            });
            one_of.description.as_ref().or(part)
        }
        RefOr::T(Schema::AllOf(all_of)) => {
            all_of.description.as_ref().or_else(|| match all_of.items.first() {
                Some(RefOr::T(Schema::Object(object))) => object.description.as_ref(),
                _ => None,
            })
        }
        RefOr::T(_) => None,
    };
    text.map(String::as_str).filter(|text| !text.is_empty())
}
