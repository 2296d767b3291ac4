//! What a collector takes: OTLP over HTTP, in its JSON. It is what Protobuf's own JSON would be, but that ids are hexadecimal.
//!
//! No crate: `opentelemetry-otlp` brings the SDK, prost and the types of tonic, to write a page of JSON; and how long a cold
//! build takes is a promise to newcomers.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::layer::{Kind, Span, Value};

/// The code of a status that says that something went wrong.
const ERROR: u8 = 2;

/// The body of a request with these spans, which happened at who is described by `resource`.
pub fn body(resource: &[(&'static str, Value)], spans: &[Span]) -> Vec<u8> {
    let scope = json!({ "name": "scrip", "version": env!("CARGO_PKG_VERSION") });
    let spans: Vec<_> = spans.iter().map(span).collect();
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": attributes(resource) },
        "scopeSpans": [{ "scope": scope, "spans": spans }],
    }] });
    body.to_string().into_bytes()
}

fn span(span: &Span) -> Json {
    let mut told = json!({
        "traceId": format!("{:032x}", span.trace),
        "spanId": format!("{:016x}", span.id),
        "name": span.name,
        "kind": kind(span.kind),
        "startTimeUnixNano": nanos(span.begin),
        "endTimeUnixNano": nanos(span.begin.saturating_add(span.took)),
        "attributes": attributes(&span.attributes),
    });
    if let Some(parent) = span.parent {
        told["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    if span.is_error {
        told["status"] = json!({ "code": ERROR });
    }
    told
}

fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
    }
}

/// Numbers of 64 bits are texts, since programs that read JSON round them.
fn nanos(since_1970: Duration) -> String {
    since_1970.as_nanos().to_string()
}

fn attributes(all: &[(&'static str, Value)]) -> Vec<Json> {
    let value = |value: &Value| match value {
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
    };
    all.iter().map(|(key, told)| json!({ "key": key, "value": value(told) })).collect()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn spans_are_written_as_a_collector_reads_them() {
        let span = Span {
            trace: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
            id: 0xb7ad_6b71_6920_3331,
            parent: None,
            name: Cow::Borrowed("GET /v1/vendor"),
            kind: Kind::Server,
            begin: Duration::new(1_795_000_000, 7),
            took: Duration::from_micros(1500),
            attributes: vec![("http.response.status_code", Value::Number(200))],
            is_error: false,
        };
        let call = Span {
            parent: Some(span.id),
            id: 1,
            kind: Kind::Client,
            is_error: true,
            ..span.clone()
        };
        let resource = [("service.name", Value::Text("scrip".into()))];
        let read: Json = serde_json::from_slice(&body(&resource, &[span, call])).unwrap();
        let of = &read["resourceSpans"][0];
        assert_eq!(of["resource"]["attributes"][0]["value"], json!({ "stringValue": "scrip" }));
        let spans = of["scopeSpans"][0]["spans"].as_array().unwrap();
        assert_eq!(
            spans[0],
            json!({
                "traceId": "0af7651916cd43dd8448eb211c80319c",
                "spanId": "b7ad6b7169203331",
                "name": "GET /v1/vendor",
                "kind": 2,
                "startTimeUnixNano": "1795000000000000007",
                "endTimeUnixNano": "1795000000001500007",
                "attributes": [
                    { "key": "http.response.status_code", "value": { "intValue": "200" } },
                ],
            })
        );
        assert_eq!(spans[1]["parentSpanId"], "b7ad6b7169203331");
        assert_eq!(spans[1]["spanId"], "0000000000000001");
        assert_eq!((&spans[1]["kind"], &spans[1]["status"]["code"]), (&json!(3), &json!(2)));
    }
}
