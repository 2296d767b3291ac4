//! What is counted, in the Prometheus text format.

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use scrip_domain::Timestamp;
use scrip_engine::mail::send::Mailed;
use scrip_engine::webhook::deliver::Tried;
use scrip_engine::{Engine, Fault};

/// Bounds of the histogram of answer times, in seconds: around a commit, and around a password.
const BOUNDS: [f64; 10] = [0.000_25, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0];

/// The content type of what [`Metrics::render`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The counters of a server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram>,
    deliveries: Family<Delivery, Counter>,
    letters: Family<Delivery, Counter>,
    spans: Family<Delivery, Counter>,
    faults: Family<Kind, Counter>,
    connections: Gauge,
    certificate: Family<Unlabelled, Gauge>,
    waiting: Gauge,
    resident: Gauge,
}

// Labels are few and known beforehand: a route is its pattern, never the path that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// A figure that is not there from the beginning.
type Unlabelled = [(&'static str, &'static str); 0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivery {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("scrip");
        let requests = Family::<Request, Counter>::default();
        let durations = Family::<Route, Histogram>::new_with_constructor(|| Histogram::new(BOUNDS));
        let (connections, waiting, resident) =
            (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time to the head of an answer",
            Unit::Seconds,
            durations.clone(),
        );
        let deliveries = Family::<Delivery, Counter>::default();
        registry.register(
            "webhook_deliveries",
            "Tries to tell webhooks, by what came of them",
            deliveries.clone(),
        );
        let letters = Family::<Delivery, Counter>::default();
        registry.register(
            "letters",
            "Tries to hand letters to the mail server, by what came of them",
            letters.clone(),
        );
        let spans = Family::<Delivery, Counter>::default();
        registry.register(
            "trace_spans",
            "Spans for the collector of traces: sent, or dropped because it or the queue did not take them",
            spans.clone(),
        );
        let faults = Family::<Kind, Counter>::default();
        registry.register(
            "faults",
            "Requests and work beside them that had no answer, by why",
            faults.clone(),
        );
        registry.register("http_connections", "Connections that are open", connections.clone());
        // Without a certificate of our own there is no figure, rather than one that says 1970.
        let certificate = Family::<Unlabelled, Gauge>::default();
        registry.register_with_unit(
            "tls_certificate_end",
            "When the certificate in use ends, in seconds since 1970",
            Unit::Seconds,
            certificate.clone(),
        );
        registry.register("commands_waiting", "Commands that wait for the writer", waiting.clone());
        registry.register_with_unit(
            "resident_memory",
            "Memory that the process occupies",
            Unit::Bytes,
            resident.clone(),
        );
        Self {
            registry,
            requests,
            durations,
            deliveries,
            letters,
            spans,
            faults,
            connections,
            certificate,
            waiting,
            resident,
        }
    }
}

impl Metrics {
    /// Counts an answer.
    pub fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let route = route.to_owned();
        let labels =
            Request { method: known(method), route: route.clone(), status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&Route { route }).observe(took.as_secs_f64());
    }

    /// Counts a try to tell a webhook.
    pub fn told(&self, tried: Tried) {
        self.deliveries.get_or_create(&Delivery { outcome: tried.as_str() }).inc();
    }

    /// Counts a try to hand over a letter.
    pub fn mailed(&self, mailed: Mailed) {
        self.letters.get_or_create(&Delivery { outcome: mailed.as_str() }).inc();
    }

    /// Counts spans that the collector of traces has.
    pub fn spans_sent(&self, count: u64) {
        self.spans.get_or_create(&Delivery { outcome: "sent" }).inc_by(count);
    }

    /// Counts spans that it will never have.
    pub fn spans_dropped(&self, count: u64) {
        self.spans.get_or_create(&Delivery { outcome: "dropped" }).inc_by(count);
    }

    /// Counts a fault.
    pub fn fault(&self, fault: &Fault) {
        let kind = match fault {
            Fault::Busy => "busy",
            Fault::Away => "away",
            Fault::Full => "full",
            Fault::Unavailable(_) | Fault::Unfit(_) => "unavailable",
            Fault::Objects(_) => "objects",
            Fault::Unknown(_) => "unknown",
            Fault::Conflict => "conflict",
            Fault::Corrupt { .. } => "corrupt",
            Fault::Bug(_) => "bug",
        };
        self.faults.get_or_create(&Kind { kind }).inc();
    }

    /// Says when the certificate in use ends.
    pub fn certificate_ends(&self, at: Timestamp) {
        self.certificate.get_or_create(&[]).set(at.millis() / 1000);
    }

    /// Counts a connection until what is returned is dropped.
    pub(crate) fn connected(&self) -> Connected {
        Connected::new(self.connections.clone())
    }

    /// Everything that was counted, as text.
    pub fn render(&self, engine: &Engine) -> String {
        self.waiting.set(i64::try_from(engine.waiting()).unwrap_or(i64::MAX));
        self.resident.set(resident().unwrap_or(0));
        let mut text = String::new();
        // Writing into a string does not fail; half a text would be no metrics.
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        text
    }
}

/// A connection that is counted.
#[derive(Debug)]
pub(crate) struct Connected(Gauge);

impl Connected {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Anybody can invent methods; a label for each would fill the memory.
pub(crate) fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// What Linux says of this process: `VmRSS:     12345 kB`.
fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kib.checked_mul(1024)
}
