//! Where logs go: standard error, a line each, for people or for programs. And where spans go, which no line tells of.

use std::io::{IsTerminal, stderr};

use scrip_domain::TRACES;
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

use super::traces::Tracer;
use crate::config::{Log, LogFormat};

/// Logs from now on, as `log` says, and gives spans to `tracer`. Called again it changes nothing.
pub fn start(log: &Log, tracer: Option<Tracer>) {
    if subscriber(log, stderr().is_terminal(), stderr, tracer).try_init().is_err() {
        tracing::debug!("logs were started before");
    }
}

/// Lines to `out`, spans to `tracer`. Each has a filter of its own: what the one wants changes nothing for the other, and
/// what neither wants is off at its place.
fn subscriber<W>(
    log: &Log,
    is_coloured: bool,
    out: W,
    tracer: Option<Tracer>,
) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(out);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Human => lines.with_ansi(is_coloured).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let no_spans = log.filter.clone().with_target(TRACES, LevelFilter::OFF);
    let mut layers = vec![lines.with_filter(no_spans).boxed()];
    let spans = Targets::new().with_target(TRACES, LevelFilter::TRACE);
    layers.extend(tracer.map(|tracer| tracer.with_filter(spans).boxed()));
    registry().with(layers)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing::subscriber::with_default;
    use tracing::trace_span;

    use super::*;
    use crate::entropy::SystemEntropy;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged of a request, with traces or without; and whether the span was made.
    fn logged(format: LogFormat, filter: &str, tracer: Option<Tracer>) -> (String, bool) {
        let (sink, is_made) = (Sink::default(), Cell::new(false));
        let log = Log { format, filter: filter.parse().unwrap() };
        let out = sink.clone();
        with_default(subscriber(&log, false, move || out.clone(), tracer), || {
            let name = || {
                is_made.set(true);
                "GET /"
            };
            trace_span!(target: TRACES, "request", "otel.name" = name()).in_scope(|| {
                tracing::info!(target: "scrip_web::request", route = "/", "answered");
                tracing::debug!(target: "scrip_web::request", "more");
            });
        });
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        (text, is_made.get())
    }

    #[test]
    fn lines_are_the_same_with_traces_and_without() {
        for (filter, lines) in [("info", 1), ("trace", 2), ("trace,scrip=trace", 2)] {
            for has_traces in [false, true] {
                let tracer = || has_traces.then(|| Tracer::new(100, &SystemEntropy).0);
                let (human, is_made) = logged(LogFormat::Human, filter, tracer());
                assert_eq!(is_made, has_traces, "without traces nothing of a span is looked at");
                assert_eq!(human.lines().count(), lines, "{human}");
                let first = human.lines().next().unwrap();
                let (_, first) = first.split_once("Z ").unwrap();
                assert_eq!(first, " INFO scrip_web::request: answered route=\"/\"");
                let (programs, _) = logged(LogFormat::Json, filter, tracer());
                assert_eq!(programs.lines().count(), lines, "{programs}");
                let mut first: Value =
                    serde_json::from_str(programs.lines().next().unwrap()).unwrap();
                first.as_object_mut().unwrap().remove("timestamp");
                let target = "scrip_web::request";
                let said = json!({ "level": "INFO", "message": "answered", "route": "/", "target": target });
                assert_eq!(first, said);
            }
        }
    }
}
