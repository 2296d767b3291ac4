//! Traces: where requests and rounds spend their time, told to a collector that the configuration names.
//!
//! ```text
//! spans ──▶ Tracer ──▶ queue ──▶ Exporter: batches ──▶ Collector, over HTTP
//! ```
//! Nobody waits for any of it. What the queue or the collector does not take is dropped, and counted.

mod layer;
mod otlp;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;
use scrip_domain::role::Role;
use scrip_https::{Https, Unanswered};
use scrip_web::Watch;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use self::layer::{Span, Value};
pub use self::layer::{Tracer, Waiting, traceparent};
use crate::config::{Config, Secret};
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome};

/// How many spans go at once, and how long they wait for that.
const BATCH: usize = 512;
const WAIT: Duration = Duration::from_secs(5);

/// How long a collector may take, and when it is asked a second and last time.
const PATIENCE: Duration = Duration::from_secs(5);
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Nothing that it answers is of interest but the status.
const MAX_ANSWER: usize = 64 << 10;

/// How long a stop waits for what has not been sent.
const LAST_WORD: Duration = Duration::from_secs(5);

/// What makes spans, and where they wait; nothing where no traces are configured.
pub fn tracer(config: &Config) -> Option<(Tracer, Waiting)> {
    config.traces.as_ref().map(|traces| Tracer::new(traces.percent, &SystemEntropy))
}

/// Who takes spans.
#[derive(Debug)]
pub struct Collector {
    https: Https,
    endpoint: String,
    /// Marked as a secret, so that nothing prints it.
    authorization: Option<HeaderValue>,
}

/// The collector; none where none is configured. Nothing is asked of the network.
pub fn open(config: &Config) -> Outcome<Option<Collector>> {
    let Some(traces) = &config.traces else { return Ok(None) };
    let authorization = traces.authorization.as_ref().map(Secret::read).transpose()?;
    let wrong = |what: String| Failure::new(format!("traces: {what}"));
    let header = |value: String| {
        let mut header = HeaderValue::from_str(value.trim())
            .map_err(|_| wrong("what stands for the header Authorization cannot be one".into()))?;
        header.set_sensitive(true);
        Ok::<_, Failure>(header)
    };
    let https = Https::to(&traces.endpoint, PATIENCE, MAX_ANSWER);
    let https = https.map_err(|error| wrong(Failure::of(&error).to_string()))?;
    let authorization = authorization.map(header).transpose()?;
    Ok(Some(Collector { https, endpoint: traces.endpoint.clone(), authorization }))
}

/// Why spans were not taken, and whether they may be another time.
struct Untaken {
    why: String,
    for_now: bool,
}

impl Collector {
    /// Hands spans over; once more when it could not take them just now.
    async fn take(&self, body: Bytes) -> Result<(), String> {
        match self.try_once(body.clone()).await {
            Err(Untaken { for_now: true, .. }) => {
                sleep(AGAIN_AFTER).await;
                self.try_once(body).await.map_err(|untaken| untaken.why)
            }
            tried => tried.map_err(|untaken| untaken.why),
        }
    }

    async fn try_once(&self, body: Bytes) -> Result<(), Untaken> {
        let mut request = Request::post(&self.endpoint)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("Scrip/", env!("CARGO_PKG_VERSION")));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(body));
        let request =
            request.map_err(|error| Untaken { why: error.to_string(), for_now: false })?;
        let answer = self.https.send_untold(request).await;
        let (head, _) = answer.map_err(|Unanswered(why)| Untaken { why, for_now: true })?;
        if head.status.is_success() {
            return Ok(());
        }
        // Those that the protocol says to try again.
        let for_now = matches!(
            head.status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        Err(Untaken { why: format!("status {}", head.status.as_u16()), for_now })
    }
}

/// Who sends what waits, until it is told to end.
#[derive(Debug)]
pub struct Exporter {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Exporter {
    /// Begins to send what waits to `collector`.
    pub fn start(
        config: &Config,
        collector: Collector,
        waiting: Waiting,
        watch: Arc<Watch>,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let sending =
            Sending { collector, resource: resource(config), waiting, watch, is_away: false };
        Self { stop, task: tokio::spawn(sending.until(stopped)) }
    }

    /// Sends what is left, but not for long.
    pub async fn end(mut self) {
        // One that has ended already is waited for no longer.
        let _ = self.stop.send(());
        if timeout(LAST_WORD, &mut self.task).await.is_err() {
            self.task.abort();
            let _ = self.task.await;
        }
    }
}

/// Which server it is that tells.
fn resource(config: &Config) -> Vec<(&'static str, Value)> {
    let roles: Vec<_> = config.roles.iter().map(Role::as_str).collect();
    vec![
        ("service.name", Value::Text("scrip".into())),
        ("service.version", Value::Text(env!("CARGO_PKG_VERSION").into())),
        ("service.instance.id", Value::Text(config.server_number.to_string())),
        ("scrip.role", Value::Text(roles.join(","))),
    ]
}

struct Sending {
    collector: Collector,
    resource: Vec<(&'static str, Value)>,
    waiting: Waiting,
    watch: Arc<Watch>,
    is_away: bool,
}

impl Sending {
    async fn until(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut regular = interval(WAIT);
        regular.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let room = BATCH.saturating_sub(batch.len());
            tokio::select! {
                _ = &mut stopped => break,
                taken = self.waiting.spans.recv_many(&mut batch, room) => match taken {
                    0 => break,
                    _ if batch.len() < BATCH => continue,
                    _ => {}
                },
                _ = regular.tick() => {}
            }
            self.send(&mut batch).await;
        }
        loop {
            while batch.len() < BATCH
                && let Ok(span) = self.waiting.spans.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() {
                break;
            }
            self.send(&mut batch).await;
        }
    }

    /// Sends a batch, and empties it whatever comes of that.
    async fn send(&mut self, batch: &mut Vec<Span>) {
        let metrics = &self.watch.metrics;
        let lost = self.waiting.dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            metrics.spans_dropped(lost);
        }
        if batch.is_empty() {
            return;
        }
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let body = otlp::body(&self.resource, batch);
        batch.clear();
        match self.collector.take(body.into()).await {
            Ok(()) => {
                metrics.spans_sent(count);
                if std::mem::take(&mut self.is_away) {
                    tracing::info!("the collector of traces takes spans again");
                }
            }
            Err(why) => {
                metrics.spans_dropped(count);
                if !std::mem::replace(&mut self.is_away, true) {
                    tracing::warn!(%why, "the collector of traces takes no spans: until it does they are only counted");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::{Environment, FILE};

    #[test]
    fn what_is_wrong_with_a_collector_is_told_without_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("authorization");
        let opened = |endpoint: &str, value: &str, mode| {
            fs::write(&secret, value).unwrap();
            fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
            let text = format!(
                "[traces]\nendpoint = \"{endpoint}\"\nauthorization_file = \"authorization\""
            );
            fs::write(folder.path().join(FILE), text).unwrap();
            open(&Config::load(&folder.path().join(FILE), &Environment::new()).unwrap())
        };
        let here = "http://127.0.0.1:4318/v1/traces";
        let collector = opened(here, "Bearer hush\n", 0o600).unwrap().unwrap();
        assert_eq!(collector.authorization.as_ref().unwrap(), "Bearer hush");
        assert!(!format!("{collector:?}").contains("hush"));
        for (endpoint, value, mode, expected) in [
            (here, "Bearer hush", 0o644, "chmod 600"),
            (here, "Bearer\nhush", 0o600, "cannot be one"),
            ("http://otel.example/v1/traces", "hush", 0o600, "https://"),
        ] {
            let refusal = opened(endpoint, value, mode).unwrap_err().to_string();
            assert!(refusal.contains(expected) && !refusal.contains("hush"), "{refusal}");
        }
    }
}
