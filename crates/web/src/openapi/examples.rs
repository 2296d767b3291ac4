//! What bodies look like: examples, made from what the parts of a schema give as theirs, and bytes.

use serde_json::{Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ArrayItems, KnownFormat, Type};
use utoipa::openapi::{Components, Content, Object, ObjectBuilder, RefOr, Schema, SchemaFormat};

use super::{resolve, types};

/// What a string, or one of a list, usually is where it has this name.
const USUAL: &[(&str, &str)] = &[
    ("account", "acc_06bq3v8k2m9zc"),
    ("address", "12 St James's Square, London"),
    ("activation", "act_06bq3v8k2m9zc"),
    ("alt", "A recorder on a beach at low tide"),
    ("api_base", "https://shop.example/v1"),
    ("categories", "audio"),
    ("channel", "stable"),
    ("code", "06BQ3-V8K2M-9ZC7X-4GQ2H-TN5W0"),
    ("coupon", "SPRING-25"),
    ("description", "Records **what you hear**."),
    ("description_html", "<p>Records <strong>what you hear</strong>.</p>"),
    ("detail", "at least 1"),
    ("digest", "3u2j0TbIH2CWKNwq1qIVrlvpgLxICeGMqBYEFnAsHyo"),
    ("display", "12.50 AUR"),
    ("email", "ada@example.com"),
    ("fingerprint", "4c4c4544-0051-3710"),
    ("instructions", "Write to us with your code."),
    ("issuer", "vnd_06bq3v8k2m9zc"),
    ("jwks_uri", "https://shop.example/.well-known/jwks.json"),
    ("jws", "eyJhbGciOiJFZERTQSIsImtpZCI6…"),
    ("key", "standard"),
    ("kids", "3u2j0TbIH2CWKNwq1qIVrlvpgLxICeGMqBYEFnAsHyo"),
    ("kid", "3u2j0TbIH2CWKNwq1qIVrlvpgLxICeGMqBYEFnAsHyo"),
    ("label", "prometheus"),
    ("licenses", "lic_06bq3v8k2m9zc"),
    ("lot", "lot_06bq3v8k2m9zc"),
    ("manifest", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("media_type", "application/zip"),
    ("missing", "phone"),
    ("notes", "Quieter."),
    ("notes_html", "<p>Quieter.</p>"),
    ("offer", "ofr_06bq3v8k2m9zc"),
    ("order", "ord_06bq3v8k2m9zc"),
    ("payment_method", "demo_approved"),
    ("phone", "+44 20 7946 0000"),
    ("platform", "linux-x86_64"),
    ("product", "prd_06bq3v8k2m9zc"),
    ("protocol_jwks_uri", "https://shop.example/.well-known/protocol-jwks.json"),
    ("reasons", "demo_approved"),
    ("request_id", "req_8f14e45fceea167a"),
    ("server", "vnd_06bq3v8k2m9zc"),
    ("sessions", "scrip_Qq8UYYdMM1976EFWi990j-zgZ-xRig69gnJ9WxoKu-c"),
    ("sha256", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("slug", "field-recorder"),
    ("subject", "ord_06bq3v8k2m9zc"),
    ("summary", "A recorder for the field"),
    ("tags", "recording"),
    ("terms_version", "1"),
    ("title", "Field recorder"),
    ("token", "scrip_Qq8UYYdMM1976EFWi990j-zgZ-xRig69gnJ9WxoKu-c"),
    ("unit", "AUR"),
    ("url", "https://shop.example/v1/downloads/fil_06bq3v8k2m9zc?ticket=…"),
    ("version", "1.2.0"),
];

/// Gives a string that has no example of its own the one that is usual for its name.
pub fn usual(name: &str, field: &mut RefOr<Schema>) {
    let field = match field {
        RefOr::T(Schema::Object(field)) => field,
        RefOr::T(Schema::Array(list)) => {
            if let ArrayItems::RefOrSchema(item) = &mut list.items {
                usual(name, item);
            }
            return;
        }
        _ => return,
    };
    let (kinds, _) = types(&field.schema_type);
    let plain = kinds == [&Type::String] && field.format.is_none() && field.enum_values.is_none();
    if plain && field.example.is_none() && field.default.is_none() {
        let found = USUAL.iter().find(|(usual, _)| *usual == name);
        field.example = found.map(|(_, text)| Value::from(*text));
    }
}

/// Gives every JSON body of the operation an example, and says of the others that they are bytes.
pub fn give(operation: &mut Operation, components: &Components) {
    let asked = operation.request_body.iter_mut().filter_map(|body| match body {
        RefOr::T(body) => Some(&mut body.content),
        RefOr::Ref(_) => None,
    });
    let asked = asked.flat_map(|content| content.iter_mut());
    let responses = operation.responses.responses.values_mut();
    let answered = responses.filter_map(|response| match response {
        RefOr::T(response) => Some(&mut response.content),
        RefOr::Ref(_) => None,
    });
    let answered = answered.flat_map(|content| content.iter_mut());
    for (media_type, content) in asked.chain(answered) {
        match (content, media_type.as_str()) {
            (RefOr::T(content), "application/json") => fill(content, components),
            (RefOr::T(content), "application/octet-stream" | "*/*") => {
                let bytes = ObjectBuilder::new().schema_type(Type::String);
                let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
                content.schema = Some(bytes.format(Some(binary)).into());
            }
            _ => {}
        }
    }
}

fn fill(content: &mut Content, components: &Components) {
    if content.example.is_none() {
        content.example = content.schema.as_ref().and_then(|schema| example(components, schema));
    }
}

/// A value that the schema allows; `None` where it says too little.
pub fn example(components: &Components, schema: &RefOr<Schema>) -> Option<Value> {
    match resolve(components, schema)? {
        Schema::Object(object) => of_object(components, object),
        Schema::Array(array) => match (&array.example, &array.items) {
            (Some(example), _) => Some(example.clone()),
            (None, ArrayItems::RefOrSchema(item)) => {
                Some(Value::Array(example(components, item).into_iter().collect()))
            }
            (None, ArrayItems::False) => Some(json!([])),
        },
        // An optional part is one of null and something.
        Schema::OneOf(one_of) => one_of.example.clone().or_else(|| {
            let items = one_of.items.iter().filter_map(|item| example(components, item));
            items.into_iter().find(|example| !example.is_null())
        }),
        Schema::AllOf(all_of) => all_of.examples.first().cloned().or_else(|| {
            let parts = all_of.items.iter().filter_map(|item| example(components, item));
            parts.reduce(together)
        }),
        _ => None,
    }
}

/// A value that is both: the fields of two objects, or the first.
fn together(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            one.extend(other);
            Value::Object(one)
        }
        (one, _) => one,
    }
}

fn of_object(components: &Components, object: &Object) -> Option<Value> {
    let given = object.example.as_ref().or(object.default.as_ref());
    let given = given.or_else(|| object.enum_values.as_ref()?.first());
    if let Some(given) = given {
        return Some(given.clone());
    }
    let (kinds, nullable) = types(&object.schema_type);
    let time = object.format == Some(SchemaFormat::KnownFormat(KnownFormat::DateTime));
    Some(match kinds.first()? {
        // What may be absent, and has no example of its own, is absent.
        _ if nullable && !time => Value::Null,
        Type::String if time => json!("2026-11-22T12:00:00.000Z"),
        Type::String => json!("text"),
        Type::Integer => json!(1),
        Type::Number => json!(1.5),
        Type::Boolean => json!(true),
        Type::Object => {
            let fields = object.properties.iter().filter_map(|(name, field)| {
                let example = example(components, field)?;
                let absent = example.is_null() && !object.required.contains(name);
                (!absent).then_some((name.clone(), example))
            });
            Value::Object(fields.collect())
        }
        Type::Array | Type::Null => Value::Null,
    })
}
