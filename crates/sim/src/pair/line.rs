//! The way from one server to the other: the real signed client, over the simulated network.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use scrip_https::Unanswered;
use scrip_peer::Transport;

use super::plan::Plan;
use super::spoil::Forger;
use crate::chance::Chance;
use crate::trace::Trace;

/// How long a server waits for the other.
const PATIENCE: Duration = Duration::from_secs(3);

/// One server's way to whatever host an address names.
#[derive(Clone)]
pub(crate) struct Wire {
    from: &'static str,
    trace: Trace,
    forger: Option<Arc<Forger>>,
    mishaps: Arc<Mishaps>,
}

/// Answers that come to nobody: the other server has done what it was asked.
#[derive(Debug)]
struct Mishaps {
    chance: Mutex<Chance>,
    /// Of a thousand.
    times: u64,
    calm: AtomicBool,
}

impl Mishaps {
    fn strike(&self) -> bool {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        !self.calm.load(Ordering::SeqCst) && chance.permille(self.times)
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// The way of the server called `from`.
    pub fn new(from: &'static str, plan: &Plan, trace: Trace, forger: Option<Forger>) -> Self {
        let chance = Mutex::new(Chance::of(plan.seed, &format!("the {from}'s wire")));
        let mishaps = Mishaps { chance, times: plan.mislaid, calm: AtomicBool::new(false) };
        Self { from, trace, forger: forger.map(Arc::new), mishaps: Arc::new(mishaps) }
    }

    /// Nothing is mislaid from now on.
    pub fn calm(&self) {
        self.mishaps.calm.store(true, Ordering::SeqCst);
    }

    async fn ask(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        self.trace.act(self.from, &format!("{method} {uri}"));
        if let Some(forged) = self.forger.as_ref().and_then(|forger| forger.forges(&request)) {
            return Ok(forged);
        }
        let exchange = exchange(request);
        let answer = match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(Ok(_)) if self.mishaps.strike() => Err("its answer is mislaid".to_owned()),
            Ok(answer) => answer,
            Err(_) => Err("no patience left".to_owned()),
        };
        if let (Some(forger), Ok(answer)) = (&self.forger, &answer) {
            forger.hears(answer);
        }
        let what = match &answer {
            Ok(answer) => answer.status().to_string(),
            Err(why) => format!("nothing: {why}"),
        };
        self.trace.note(self.from, &format!("  {what} for {uri}"));
        answer
    }
}

impl Transport for Wire {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, Unanswered>> {
        async move { self.ask(request).await.map_err(Unanswered) }.boxed()
    }
}

/// One connection for one request, driven by the same future: when a process dies, nothing of it is left in an order
/// that depends on how many tasks there ever were.
async fn exchange(request: Request<Bytes>) -> Result<Response<Bytes>, String> {
    let host = request.uri().host().unwrap_or_default().to_owned();
    let stream = turmoil::net::TcpStream::connect((host.as_str(), 80)).await;
    let stream = stream.map_err(|error| error.to_string())?;
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, driver) = shaken.map_err(|error| error.to_string())?;
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    head.uri = Uri::try_from(path).map_err(|error| error.to_string())?;
    head.headers.insert("host", host.parse().map_err(|_| "no host".to_owned())?);
    let asked = async move {
        let answer = sender.send_request(Request::from_parts(head, Full::new(body))).await;
        let (head, body) = answer.map_err(|error| error.to_string())?.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?;
        Ok(Response::from_parts(head, body.to_bytes()))
    };
    let asked = Box::pin(asked);
    match select(asked, Box::pin(driver)).await {
        Either::Left((answer, _)) => answer,
        Either::Right((_, asked)) => asked.await,
    }
}
