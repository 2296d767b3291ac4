//! The way from one server to another: the real signed client, over the simulated network.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture, Either, select};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use scrip_https::Unanswered;
use scrip_peer::Transport;

use crate::chance::Chance;
use crate::trace::Trace;

/// How long a server waits for the other.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who sits on the wire, with the keys of the other server.
pub(crate) trait Meddler: Debug + Send + Sync {
    /// An answer in the other server's place.
    fn instead(&self, _: &Request<Bytes>) -> Option<Response<Bytes>> {
        None
    }

    /// What is made of its answer.
    fn passes(&self, asked: &Request<Bytes>, answer: Response<Bytes>) -> Response<Bytes>;
}

/// What goes wrong on a wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mishaps {
    /// Whence its chance comes.
    pub seed: u64,
    /// Of a thousand answers so many come to nobody: the other server has done what it was asked.
    pub mislaid: u64,
    /// Of a thousand requests so many arrive twice.
    pub doubled: u64,
}

/// One server's way to whatever host an address names.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    from: &'static str,
    trace: Trace,
    meddler: Option<Arc<dyn Meddler>>,
    mishaps: Arc<Mishap>,
}

#[derive(Debug)]
struct Mishap {
    mislays: Mutex<Chance>,
    doubles: Mutex<Chance>,
    times: Mishaps,
    calm: AtomicBool,
}

impl Mishap {
    fn strikes(&self, chance: &Mutex<Chance>, times: u64) -> bool {
        let mut chance = chance.lock().unwrap_or_else(PoisonError::into_inner);
        !self.calm.load(Ordering::SeqCst) && chance.permille(times)
    }

    fn mislays(&self) -> bool {
        self.strikes(&self.mislays, self.times.mislaid)
    }

    fn doubles(&self) -> bool {
        self.strikes(&self.doubles, self.times.doubled)
    }
}

impl Wire {
    /// The way of the server called `from`.
    pub fn new(
        from: &'static str,
        times: Mishaps,
        trace: Trace,
        meddler: Option<Arc<dyn Meddler>>,
    ) -> Self {
        let chance =
            |what: &str| Mutex::new(Chance::of(times.seed, &format!("the {from}'s {what}")));
        let (mislays, doubles) = (chance("wire"), chance("echo"));
        let mishaps = Mishap { mislays, doubles, times, calm: AtomicBool::new(false) };
        Self { from, trace, meddler, mishaps: Arc::new(mishaps) }
    }

    /// Whether nothing goes wrong from now on.
    pub fn calm(&self, calm: bool) {
        self.mishaps.calm.store(calm, Ordering::SeqCst);
    }

    async fn ask(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        self.trace.act(self.from, &format!("{method} {uri}"));
        if let Some(forged) = self.meddler.as_ref().and_then(|meddler| meddler.instead(&request)) {
            return Ok(forged);
        }
        let asked = self.meddler.as_ref().map(|meddler| (meddler, request.clone()));
        let answer = match tokio::time::timeout(PATIENCE, self.carried(request)).await {
            Ok(Ok(_)) if self.mishaps.mislays() => Err("its answer is mislaid".to_owned()),
            Ok(answer) => answer,
            Err(_) => Err("no patience left".to_owned()),
        };
        let answer = match (asked, answer) {
            (Some((meddler, asked)), Ok(answer)) => Ok(meddler.passes(&asked, answer)),
            (_, answer) => answer,
        };
        let what = match &answer {
            Ok(answer) => answer.status().to_string(),
            Err(why) => format!("nothing: {why}"),
        };
        self.trace.note(self.from, &format!("  {what} for {uri}"));
        answer
    }

    /// Once or twice, side by side; the first that was sent is the one that is heard.
    async fn carried(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        if self.mishaps.doubles() {
            self.trace.note(self.from, "  it is sent twice");
            return future::join(exchange(request.clone()), exchange(request)).await.0;
        }
        exchange(request).await
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
