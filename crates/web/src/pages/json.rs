//! JSON for people to read: fields in the order of their schema, and on one line what fits there.

use serde_json::Value;
use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::{Components, RefOr, Schema};

use crate::openapi::resolve;

/// The longest line.
const WIDTH: usize = 76;

/// The text of a value that the schema describes.
pub fn text(components: &Components, schema: &RefOr<Schema>, value: &Value) -> String {
    write(components, Some(schema), value, 0)
}

fn write(
    components: &Components,
    schema: Option<&RefOr<Schema>>,
    value: &Value,
    depth: usize,
) -> String {
    let inner = depth.saturating_add(2);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let known = schema.map_or_else(Vec::new, |schema| properties(components, schema));
            let place = |name: &str| known.iter().position(|(field, _)| *field == name);
            let mut names: Vec<_> = fields.keys().collect();
            names.sort_by_key(|name| place(name).unwrap_or(usize::MAX));
            let part = |name: &String| {
                let field = known.iter().find(|(field, _)| field == name).map(|(_, kind)| *kind);
                let text = write(components, field, &fields[name], inner);
                format!("{}: {text}", Value::from(name.as_str()))
            };
            join(['{', '}'], &names.into_iter().map(part).collect::<Vec<_>>(), depth, " ")
        }
        Value::Array(items) if !items.is_empty() => {
            let kind = schema.and_then(|schema| item(components, schema));
            let parts = items.iter().map(|item| write(components, kind, item, inner));
            join(['[', ']'], &parts.collect::<Vec<_>>(), depth, "")
        }
        _ => value.to_string(),
    }
}

/// The parts between brackets: on one line if they fit there, else on one each.
fn join([open, close]: [char; 2], parts: &[String], depth: usize, pad: &str) -> String {
    let flat = format!("{open}{pad}{}{pad}{close}", parts.join(", "));
    if !flat.contains('\n') && flat.len().saturating_add(depth) <= WIDTH {
        return flat;
    }
    let indent = " ".repeat(depth);
    let lines: Vec<_> = parts.iter().map(|part| format!("{indent}  {part}")).collect();
    format!("{open}\n{}\n{indent}{close}", lines.join(",\n"))
}

/// The fields of an object, of all that it can be.
fn properties<'a>(
    components: &'a Components,
    schema: &'a RefOr<Schema>,
) -> Vec<(&'a str, &'a RefOr<Schema>)> {
    let all = |items: &'a [RefOr<Schema>]| {
        items.iter().flat_map(|item| properties(components, item)).collect()
    };
    match resolve(components, schema) {
        Some(Schema::Object(object)) => {
            object.properties.iter().map(|(name, kind)| (name.as_str(), kind)).collect()
        }
        Some(Schema::OneOf(one_of)) => all(&one_of.items),
        Some(Schema::AllOf(all_of)) => all(&all_of.items),
        _ => Vec::new(),
    }
}

fn item<'a>(components: &'a Components, schema: &'a RefOr<Schema>) -> Option<&'a RefOr<Schema>> {
    match resolve(components, schema)? {
        Schema::Array(array) => match &array.items {
            ArrayItems::RefOrSchema(item) => Some(item),
            ArrayItems::False => None,
        },
        Schema::OneOf(one_of) => one_of.items.iter().find_map(|one| item(components, one)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::PartialSchema;

    use super::*;

    #[derive(utoipa::ToSchema)]
    #[expect(dead_code, reason = "describes the value")]
    struct Order {
        id: String,
        #[schema(inline)]
        lines: Vec<Line>,
        at: String,
    }

    #[derive(utoipa::ToSchema)]
    #[expect(dead_code, reason = "describes the value")]
    struct Line {
        offer: String,
        amount: u64,
    }

    #[test]
    fn fields_stand_in_their_order_and_on_one_line_where_they_fit() {
        let value = json!({
            "at": "noon", "extra": [], "id": "ord_1",
            "lines": [{ "amount": 1, "offer": "a" }, { "amount": 2, "offer": "b".repeat(70) }],
        });
        let text = text(&Components::default(), &Order::schema(), &value);
        insta::assert_snapshot!(text, @r#"
        {
          "id": "ord_1",
          "lines": [
            { "offer": "a", "amount": 1 },
            {
              "offer": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
              "amount": 2
            }
          ],
          "at": "noon",
          "extra": []
        }
        "#);
    }
}
