//! Spans of the crate `tracing` become spans of a trace, and wait in a queue for who sends them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderValue;
use scrip_domain::Entropy;
use scrip_web::Traceparent;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, Registry, SpanRef};

use crate::clock::since_1970;

/// Spans that may wait to be sent; what comes on top of them is dropped and counted.
const QUEUE: usize = 8192;

/// How many bits of a trace's id decide whether it is kept, as OpenTelemetry has it: the lowest.
const DECIDING: u32 = 56;

/// What only shows something inside a request: a worker looks for something to do each second, and mostly finds nothing.
const IN_REQUESTS: &str = "read";

/// A span that has ended.
#[derive(Clone, Debug)]
pub struct Span {
    pub trace: u128,
    pub id: u64,
    pub parent: Option<u64>,
    pub name: Cow<'static, str>,
    pub kind: Kind,
    /// Since 1970.
    pub begin: Duration,
    pub took: Duration,
    pub attributes: Vec<(&'static str, Value)>,
    pub is_error: bool,
}

/// On which side of a call a span stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On none.
    Internal,
    /// It answers.
    Server,
    /// It asks.
    Client,
}

/// What an attribute says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(i64),
}

/// Where spans wait to be sent.
#[derive(Debug)]
pub struct Waiting {
    pub spans: mpsc::Receiver<Span>,
    /// How many did not find room there, and are not counted yet.
    pub dropped: Arc<AtomicU64>,
}

/// Makes spans, and puts those that have ended into the queue. Never waits.
pub struct Tracer {
    ids: Ids,
    /// A trace whose deciding bits are below it is not kept.
    threshold: u64,
    queue: mpsc::Sender<Span>,
    dropped: Arc<AtomicU64>,
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").field("threshold", &self.threshold).finish_non_exhaustive()
    }
}

impl Tracer {
    /// Keeps so many of a hundred traces.
    pub fn new(percent: u8, entropy: &dyn Entropy) -> (Self, Waiting) {
        let (queue, spans) = mpsc::channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let threshold = u64::from(100_u8.saturating_sub(percent)) * (1 << DECIDING) / 100;
        let tracer = Self { ids: Ids::of(entropy), threshold, queue, dropped: dropped.clone() };
        (tracer, Waiting { spans, dropped })
    }

    /// Servers that keep as many keep the same, whoever has begun the trace.
    fn keeps(&self, trace: u128) -> bool {
        let deciding = trace & ((1 << DECIDING) - 1);
        deciding >= u128::from(self.threshold)
    }

    /// A span without one above it in this server: of a trace that somebody has begun, or of a new one.
    fn first(&self, told: &Told, at: Instant) -> Place {
        let (trace, parent, is_kept) = match told.traceparent {
            Some(Traceparent { trace, span, is_sampled }) => (trace, Some(span), is_sampled),
            None => (self.ids.trace(), None, true),
        };
        let is_kept = is_kept && self.keeps(trace);
        Place { trace, parent, is_kept, is_first: true, of: told.kind, origin: (since_1970(), at) }
    }
}

/// A span that has begun.
struct Open {
    span: Span,
    place: Place,
    at: Instant,
    is_alone: bool,
}

/// Where in which trace a span stands.
struct Place {
    trace: u128,
    parent: Option<u64>,
    is_kept: bool,
    /// Of its trace in this server, and of which kind that is.
    is_first: bool,
    of: Kind,
    /// When that began, by both clocks: all others are as much later as the one says that nobody sets.
    origin: (Duration, Instant),
}

/// Below `parent`, if it is one of ours.
fn below(parent: &SpanRef<'_, Registry>, name: &str) -> Option<Place> {
    let mut extensions = parent.extensions_mut();
    let open = extensions.get_mut::<Open>()?;
    let Place { trace, is_kept, of, origin, .. } = open.place;
    let is_kept = is_kept && (of == Kind::Server || name != IN_REQUESTS);
    open.is_alone &= !is_kept;
    Some(Place { trace, parent: Some(open.span.id), is_kept, is_first: false, of, origin })
}

impl Layer<Registry> for Tracer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, Registry>) {
        let Some(new) = context.span(id) else { return };
        let at = Instant::now();
        let mut told = Told::default();
        attributes.record(&mut told);
        let place = new.parent().and_then(|parent| below(&parent, new.name()));
        let place = place.unwrap_or_else(|| self.first(&told, at));
        let (begun, first) = place.origin;
        let span = Span {
            trace: place.trace,
            id: self.ids.span(),
            parent: place.parent,
            name: told.name.map_or(Cow::Borrowed(new.name()), Cow::Owned),
            kind: told.kind,
            begin: begun.saturating_add(at.saturating_duration_since(first)),
            took: Duration::ZERO,
            attributes: told.attributes,
            is_error: told.is_error,
        };
        new.extensions_mut().insert(Open { span, place, at, is_alone: true });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, Registry>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let Some(open) = extensions.get_mut::<Open>() else { return };
        let mut told = Told::default();
        values.record(&mut told);
        open.span.attributes.append(&mut told.attributes);
        open.span.is_error |= told.is_error;
    }

    fn on_close(&self, id: Id, context: Context<'_, Registry>) {
        let Some(span) = context.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<Open>() else { return };
        let Open { mut span, place, at, is_alone } = open;
        // A round that found nothing to do, or a write that nobody has asked for: one each second, which says nothing.
        let is_idle = place.is_first && is_alone && span.kind == Kind::Internal;
        if !place.is_kept || is_idle {
            return;
        }
        span.took = at.elapsed();
        if self.queue.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The value of the header by which other servers hang their spans from this one.
pub fn traceparent(span: &tracing::Span) -> Option<HeaderValue> {
    let found = span.with_subscriber(|(id, subscriber)| {
        let span = subscriber.downcast_ref::<Registry>()?.span(id)?;
        let extensions = span.extensions();
        let Open { span, place, .. } = extensions.get::<Open>()?;
        Some(Traceparent { trace: span.trace, span: span.id, is_sampled: place.is_kept })
    });
    HeaderValue::from_str(&found??.to_string()).ok()
}

/// What a span says of itself.
struct Told {
    name: Option<String>,
    kind: Kind,
    traceparent: Option<Traceparent>,
    attributes: Vec<(&'static str, Value)>,
    is_error: bool,
}

impl Default for Told {
    fn default() -> Self {
        let (name, kind, traceparent) = (None, Kind::Internal, None);
        Self { name, kind, traceparent, attributes: Vec::new(), is_error: false }
    }
}

impl Told {
    fn say(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("otel.name", Value::Text(name)) => self.name = Some(name),
            ("otel.kind", Value::Text(kind)) => {
                self.kind = match kind.as_str() {
                    "server" => Kind::Server,
                    "client" => Kind::Client,
                    _ => Kind::Internal,
                };
            }
            ("traceparent", Value::Text(text)) => self.traceparent = text.parse().ok(),
            (name, value) => {
                self.is_error |= name == "error.type";
                self.attributes.push((name, value));
            }
        }
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.say(field, Value::Text(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.say(field, Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.say(field, Value::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.say(field, Value::Number(i64::try_from(value).unwrap_or(i64::MAX)));
    }
}

/// Ids that nobody else has, and that are no secret: `SplitMix64`, from a beginning by chance. It costs no call of the system.
#[derive(Debug)]
struct Ids(AtomicU64);

impl Ids {
    fn of(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        Self(AtomicU64::new(u64::from_be_bytes(bytes)))
    }

    /// Never 0, which is no id.
    fn span(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).max(1)
    }

    fn trace(&self) -> u128 {
        u128::from(self.span()) << 64 | u128::from(self.span())
    }
}

#[cfg(test)]
mod tests;
