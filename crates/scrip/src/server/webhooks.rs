//! Telling webhooks: the way there, and who goes it when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::Full;
use scrip_domain::Span;
use scrip_engine::signature::{ID, SIGNATURE, TIME};
use scrip_engine::webhook::{Message, Reply, Sender, Unsent};
use scrip_https::{Reach, Strangers, Unanswered};
use scrip_web::Watch;
use tracing::Instrument;

use super::beside::{every_second, round, warn};
use crate::config::Config;
use crate::failure::{Failure, Outcome};

/// How long an endpoint may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Of an answer nothing but its beginning is kept, for people.
const BEGINNING: usize = 1 << 10;

/// Pages of events that are published in one second at most.
const PAGES: usize = 40;

/// The way to webhook endpoints.
#[derive(Debug)]
pub struct HttpSender(Strangers);

/// The sender. Nothing is asked of the network.
pub fn open(config: &Config) -> Outcome<Arc<dyn Sender>> {
    let reach = if config.demo { Reach::WorldAndHere } else { Reach::World };
    let strangers = Strangers::within(reach, PATIENCE, BEGINNING);
    let strangers = strangers.map_err(|error| {
        let failure = Failure::of(&error);
        Failure::new(format!("webhooks: {failure}"))
    })?;
    Ok(Arc::new(HttpSender(strangers)))
}

impl HttpSender {
    async fn post(&self, message: &Message) -> Result<Reply, Unsent> {
        let request = request(message).map_err(|error| Unsent(error.to_string()))?;
        let answer = self.0.send(request).await;
        let (head, body) = answer.map_err(|Unanswered(why)| Unsent(why))?;
        let waits =
            matches!(head.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let seconds = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let seconds = seconds.filter(|_| waits).and_then(|text| text.trim().parse().ok());
        Ok(Reply {
            status: head.status.as_u16(),
            retry_after: seconds.map(Span::seconds),
            beginning: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

impl Sender for HttpSender {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Reply, Unsent>> {
        self.post(message).boxed()
    }
}

fn request(message: &Message) -> http::Result<Request<Full<Bytes>>> {
    Request::post(&message.url)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("Scrip/", env!("CARGO_PKG_VERSION")))
        .header(ID, &message.id)
        .header(TIME, &message.timestamp)
        .header(SIGNATURE, &message.signature)
        .body(Full::new(Bytes::from(message.body.clone())))
}

/// Each second publishes what has happened, and sees to it that every endpoint that has something to be told is run:
/// each by itself, so that none waits for another.
pub async fn tell(watch: Arc<Watch>) {
    let mut second = every_second();
    let mut running = BTreeMap::new();
    loop {
        second.tick().await;
        let engine = &watch.app().engine;
        publish(&watch).instrument(round("publish")).await;
        let waiting = match engine.webhooks_waiting().await {
            Ok(waiting) => waiting,
            Err(fault) => {
                warn(&watch, "webhooks wait", Err::<(), _>(fault));
                continue;
            }
        };
        running.retain(|_, run: &mut Run| !run.0.is_finished());
        for id in waiting {
            let watch = watch.clone();
            running.entry(id).or_insert_with(|| {
                Run(tokio::spawn(async move {
                    let run = watch.app().engine.run_webhook(id);
                    match run.instrument(round("run_webhook")).await {
                        Ok(tries) => tries.iter().for_each(|tried| watch.metrics.told(*tried)),
                        Err(fault) if watch.is_news(&fault) => {
                            tracing::warn!(%fault, endpoint = %id, "a webhook waits");
                        }
                        Err(fault) => tracing::debug!(%fault, endpoint = %id, "a webhook waits"),
                    }
                }))
            });
        }
    }
}

/// Publishes what there is, but not for ever: beside many buyers there is always something more.
async fn publish(watch: &Watch) {
    for _ in 0..PAGES {
        match watch.app().engine.publish().await {
            Ok(0) => break,
            Ok(_) => {}
            Err(fault) => {
                warn(watch, "events are published at the next try", Err::<(), _>(fault));
                break;
            }
        }
    }
}

/// A run that ends with who watches it.
struct Run(tokio::task::JoinHandle<()>);

impl Drop for Run {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use scrip_domain::Clock;
    use scrip_engine::signature::Key;
    use standardwebhooks::Webhook;

    use super::*;
    use crate::clock::SystemClock;

    /// What is sent now, signed with both of these secrets, as while one is rotated.
    fn message(keys: [&Key; 2], body: &str) -> Message {
        let (id, timestamp) = ("dlv_0000000000001", SystemClock.now().unix_seconds().to_string());
        let signatures = keys.map(|key| key.sign(id, &timestamp, body.as_bytes()));
        Message {
            url: "https://hooks.example/scrip".into(),
            id: id.into(),
            timestamp,
            signature: signatures.join(" "),
            body: body.into(),
        }
    }

    #[test]
    fn the_stock_library_knows_what_is_sent_from_what_is_not() {
        let keys = [Key::of([7; 32]), Key::of([8; 32])];
        let body = r#"{"type":"order.paid"}"#;
        let sent = request(&message([&keys[0], &keys[1]], body)).unwrap();
        for key in &keys {
            let stock = Webhook::new(&key.reveal()).unwrap();
            stock.verify(body.as_bytes(), sent.headers()).unwrap();
            stock.verify(b"{}", sent.headers()).unwrap_err();
        }
        let other = Webhook::new(&Key::of([9; 32]).reveal()).unwrap();
        other.verify(body.as_bytes(), sent.headers()).unwrap_err();
    }

    #[test]
    fn what_the_stock_library_signs_is_verified() {
        let key = Key::of([7; 32]);
        let stock = Webhook::new(&key.reveal()).unwrap();
        let signature = stock.sign("msg_1", 1_795_348_800, b"{}").unwrap();
        assert!(key.verifies("msg_1", "1795348800", b"{}", &signature));
        assert!(!key.verifies("msg_2", "1795348800", b"{}", &signature));
    }
}
