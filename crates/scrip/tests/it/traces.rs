//! Traces, as a collector gets them: what a request did, from whom it came, and nothing of what was in it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use http::Method;
use rustix::process::Signal;
use scrip_client::Client;
use serde_json::{Value, json};

use crate::shop::{Folder, Server, run, said};

/// A collector: what it was sent, as heads and bodies.
struct Collector {
    url: String,
    taken: Arc<Mutex<Vec<(String, String)>>>,
}

impl Collector {
    #[expect(clippy::disallowed_methods, reason = "it goes with the process of the tests")]
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let all = taken.clone();
        std::thread::spawn(move || {
            // One connection at a time: there is one who sends.
            for stream in listener.incoming() {
                while let Some(one) = take(stream.as_ref().unwrap()) {
                    all.lock().unwrap().push(one);
                }
            }
        });
        Self { url, taken }
    }

    fn bodies(&self) -> Vec<Value> {
        let taken = self.taken.lock().unwrap();
        taken.iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
    }

    /// Every span that it has.
    fn spans(&self) -> Vec<Value> {
        let of = |body: Value| body["resourceSpans"][0]["scopeSpans"][0]["spans"].clone();
        let all = self.bodies().into_iter().map(of);
        all.flat_map(|spans| spans.as_array().unwrap().clone()).collect()
    }
}

/// Takes one request, and answers it.
fn take(mut stream: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

fn tell(folder: &Folder, collector: &str) {
    let text = std::fs::read_to_string(folder.config()).unwrap();
    let table = format!("[traces]\nendpoint = \"{collector}\"\nauthorization_file = \"collector\"");
    std::fs::write(folder.config(), text.replace("[traces]", &table)).unwrap();
    std::fs::write(folder.path("collector"), "Bearer of-the-collector\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder.path("collector"), mode).unwrap();
}

/// Attributes of a span or a resource, by name.
fn attributes(of: &Value) -> BTreeMap<String, Value> {
    let all = of["attributes"].as_array().unwrap().iter();
    let value = |value: &Value| value.as_object().unwrap().values().next().unwrap().clone();
    all.map(|one| (one["key"].as_str().unwrap().to_owned(), value(&one["value"]))).collect()
}

/// A buyer who buys something for nothing, in the trace of somebody; gives what nobody else may know.
fn buy(server: &Server, folder: &Folder, traceparent: &str) -> Vec<String> {
    let staff = &folder.admin_key;
    let (email, password) = ("ada.of.the.traces@example.org", "a password that is nowhere else");
    let who = json!({ "email": email, "password": password });
    let opened = server.call(Method::POST, "/v1/accounts", "", "-", &who);
    let token = opened["token"].as_str().unwrap();
    let offer = server.offers(folder, 0, &json!({ "kind": "perpetual" }));
    let price = json!({ "amount": 0, "unit": "TOK" });
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": price });
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "a-key-of-its-own"),
        ("traceparent", traceparent),
    ];
    let client = Client::new(&server.url).unwrap().bearer(token);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bought = client.request(Method::POST, "/v1/purchases", &headers, body.to_string());
    let bought = runtime.block_on(bought).unwrap();
    assert_eq!(bought.status.as_u16(), 201, "{bought:?}");
    let order: Value = serde_json::from_slice(&bought.body).unwrap();
    let code = &order["licenses"][0]["code"];
    let secrets =
        [&opened["token"], &opened["account"]["id"], &order["id"], &code["jws"], &code["short"]];
    let secrets = secrets.map(|secret| secret.as_str().unwrap().to_owned());
    let known = [email, password, "a-key-of-its-own", "TOK", "of-the-collector", staff.as_str()];
    secrets.into_iter().chain(known.map(str::to_owned)).collect()
}

#[test]
fn a_collector_hears_where_a_request_spent_its_time_and_nothing_secret() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let (folder, collector) = (Folder::new(), Collector::start());
    tell(&folder, &collector.url);
    let server = folder.serve_as(3);
    let secrets = buy(&server, &folder, &format!("00-{TRACE}-00f067aa0ba902b7-01"));
    server.ask(Method::GET, "/v1/nothing?q=nowhere-else", "", "-", &Value::Null);
    server.signal(Signal::TERM);
    let (code, log) = server.end();
    assert_eq!(code, 0, "{log}");

    for (head, body) in &*collector.taken.lock().unwrap() {
        let head = head.to_lowercase();
        assert!(
            head.starts_with("post /v1/traces ") && head.contains("application/json"),
            "{head}"
        );
        assert!(head.contains("authorization: bearer of-the-collector"), "{head}");
        for secret in secrets.iter().map(String::as_str).chain(["nowhere-else", "nothing"]) {
            assert!(!body.contains(secret), "{secret} in {body}");
        }
    }
    assert!(!log.contains("of-the-collector"), "{log}");
    for body in collector.bodies() {
        let resource = attributes(&body["resourceSpans"][0]["resource"]);
        assert_eq!(
            (&resource["service.name"], &resource["service.instance.id"]),
            (&json!("scrip"), &json!("3"))
        );
        assert_eq!(resource["scrip.role"], "vendor");
        assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    }

    let spans = collector.spans();
    let called = |name: &str| {
        spans
            .iter()
            .find(|span| span["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {spans:#?}"))
    };
    let purchase = called("POST /v1/purchases");
    assert_eq!((&purchase["traceId"], &purchase["kind"]), (&json!(TRACE), &json!(2)));
    assert_eq!(purchase["parentSpanId"], "00f067aa0ba902b7");
    let said = attributes(purchase);
    assert_eq!(said["http.response.status_code"], "201");
    assert_eq!(
        (&said["http.route"], &said["http.request.method"]),
        (&json!("/v1/purchases"), &json!("POST"))
    );
    assert!(log.contains(said["scrip.request_id"].as_str().unwrap()), "the log has the same id");
    let children = spans.iter().filter(|span| span["parentSpanId"] == purchase["spanId"]);
    let commits: Vec<_> = children.filter(|span| span["name"] == "commit").collect();
    assert_eq!(commits.len(), 1, "{spans:#?}");
    assert_eq!(attributes(commits[0])["scrip.command"], "purchase::Purchase");
    let nanos = |span: &Value, at: &str| span[at].as_str().unwrap().parse::<u128>().unwrap();
    assert!(nanos(purchase, "startTimeUnixNano") <= nanos(commits[0], "startTimeUnixNano"));
    assert!(nanos(commits[0], "endTimeUnixNano") <= nanos(purchase, "endTimeUnixNano"));

    let hash = called("hash a password");
    let register = called("POST /v1/accounts");
    assert_eq!(
        (&hash["parentSpanId"], &hash["traceId"]),
        (&register["spanId"], &register["traceId"])
    );
    assert_eq!(register.get("parentSpanId"), None, "nobody began its trace");
    assert_eq!(called("read")["kind"], 1);
    let lost = called("GET");
    assert_eq!(attributes(lost).get("http.route"), None, "what was asked for is no name");
}

#[test]
fn without_a_collector_everything_is_answered_and_one_line_says_so() {
    let folder = Folder::new();
    // Nobody listens there: it was free a moment ago.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    tell(&folder, &format!("http://{nobody}/v1/traces"));
    let (text, code) = said(&run(&["config", "check", "--json", "--config", &folder.config()]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(&nobody.to_string()) && !text.contains("of-the-collector"), "{text}");
    let server = folder.serve();
    server.call(Method::GET, "/v1/vendor", "", "-", &Value::Null);
    server.logs("the collector of traces takes no spans");
    server.call(Method::GET, "/v1/vendor", "", "-", &Value::Null);
    let figures = server.text("/metrics", &folder.admin_key);
    assert!(figures.contains("scrip_trace_spans_total{outcome=\"dropped\"}"), "{figures}");
    server.signal(Signal::TERM);
    let (code, log) = server.end();
    assert_eq!((code, log.matches("the collector of traces").count()), (0, 1), "{log}");
}
