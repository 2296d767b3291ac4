use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use scrip_domain::TRACES;
use tracing::field::Empty;
use tracing::{subscriber, trace_span};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

use super::*;

/// The same chance each time.
struct Seeded;

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        ChaCha20Rng::seed_from_u64(7).fill_bytes(bytes);
    }
}

/// The spans that come of `work`, and how many had no room.
fn told(percent: u8, work: impl FnOnce()) -> (Vec<Span>, u64) {
    let (tracer, mut waiting) = Tracer::new(percent, &Seeded);
    subscriber::with_default(registry().with(tracer), work);
    let spans = std::iter::from_fn(|| waiting.spans.try_recv().ok()).collect();
    (spans, waiting.dropped.load(Ordering::Relaxed))
}

fn request(traceparent: &str) -> tracing::Span {
    trace_span!(
        target: TRACES,
        parent: None,
        "request",
        "otel.kind" = "server",
        "otel.name" = %format!("GET {}", "/v1/vendor"),
        traceparent,
        "http.response.status_code" = Empty,
        "error.type" = Empty,
    )
}

fn round() -> tracing::Span {
    trace_span!(target: TRACES, parent: None, "round", "otel.name" = "send_letters")
}

fn read() {
    trace_span!(target: TRACES, "read").in_scope(|| {});
}

const THEIRS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

#[test]
fn a_request_hangs_from_who_asked_and_what_it_does_hangs_from_it() {
    let (spans, _) = told(100, || {
        let span = request(THEIRS);
        span.in_scope(|| {
            trace_span!(target: TRACES, "commit", "scrip.command" = "purchase::Purchase")
                .in_scope(read);
        });
        span.record("http.response.status_code", 503_u16);
        span.record("error.type", "503");
    });
    let [read, commit, request] = spans.try_into().unwrap();
    assert_eq!((request.trace, request.parent), (TRACE, Some(0x00f0_67aa_0ba9_02b7)));
    assert_eq!(
        (&*request.name, request.kind, request.is_error),
        ("GET /v1/vendor", Kind::Server, true)
    );
    let status = ("http.response.status_code", Value::Number(503));
    assert_eq!(request.attributes, [status, ("error.type", Value::Text("503".into()))]);
    assert_eq!((commit.trace, commit.parent), (TRACE, Some(request.id)));
    assert_eq!((&*commit.name, commit.kind, commit.is_error), ("commit", Kind::Internal, false));
    assert_eq!((read.trace, read.parent), (TRACE, Some(commit.id)));
    let end = |span: &Span| span.begin + span.took;
    assert!(request.begin <= commit.begin && commit.begin <= read.begin, "a child is not older");
    assert!(end(&read) <= end(&commit) && end(&commit) <= end(&request), "nor ends later");
}

#[test]
fn who_begins_no_trace_is_not_followed() {
    let (spans, _) = told(100, || {
        drop(request("nonsense"));
        drop(request(""));
        drop(request(&THEIRS.replace("-01", "-00")));
    });
    let [one, other] = spans.try_into().unwrap();
    assert_ne!(one.trace, other.trace, "each is a trace of its own");
    assert_eq!((one.parent, other.parent), (None, None));
}

#[test]
fn a_round_that_finds_nothing_to_do_is_not_told() {
    let commit = || drop(trace_span!(target: TRACES, "commit"));
    let (spans, _) = told(100, || {
        drop(round());
        round().in_scope(read);
        commit();
        read();
    });
    assert!(spans.is_empty(), "{spans:?}");
    let (spans, _) = told(100, || {
        round().in_scope(|| {
            read();
            commit();
        });
        drop(trace_span!(target: TRACES, "call", "otel.kind" = "client"));
    });
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["commit", "send_letters", "call"]);
    assert_eq!(spans[0].parent, Some(spans[1].id));
}

/// The share is right, and what a server with a smaller figure keeps, one with a larger keeps too.
#[test]
fn a_share_of_the_traces_is_kept() {
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    let traces: Vec<_> = (0..10_000)
        .map(|_| u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64()))
        .collect();
    let kept = |percent| {
        let (tracer, _) = Tracer::new(percent, &Seeded);
        traces.iter().copied().filter(|trace| tracer.keeps(*trace)).collect::<Vec<_>>()
    };
    assert_eq!(kept(100), traces);
    let (few, many) = (kept(1), kept(30));
    assert!((50..200).contains(&few.len()) && (2700..3300).contains(&many.len()));
    assert!(few.iter().all(|trace| many.contains(trace)));
    // Ids of our own are as evenly spread.
    let (spans, _) = told(30, || (0..1000).for_each(|_| drop(request(""))));
    assert!((200..400).contains(&spans.len()), "{}", spans.len());
}

#[test]
fn what_finds_no_room_is_counted_and_nobody_waits() {
    let (spans, dropped) = told(100, || (0..QUEUE + 3).for_each(|_| drop(request(THEIRS))));
    assert_eq!((spans.len(), dropped), (QUEUE, 3));
}

#[test]
fn another_server_is_told_the_span_that_asks_it() {
    let header = |span: &tracing::Span| traceparent(span).unwrap().to_str().unwrap().to_owned();
    let call = || trace_span!(target: TRACES, "call", "otel.kind" = "client");
    let mut said = (String::new(), String::new());
    let (spans, _) = told(100, || {
        said.0 = request(THEIRS).in_scope(|| header(&call()));
        said.1 = request(&THEIRS.replace("-01", "-00")).in_scope(|| header(&call()));
    });
    assert_eq!(said.0, format!("00-{TRACE:032x}-{:016x}-01", spans[0].id));
    assert!(said.1.starts_with("00-4bf92f") && said.1.ends_with("-00"), "{}", said.1);
    assert_eq!(traceparent(&call()), None, "there are no traces");
}
