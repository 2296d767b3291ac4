//! The lines between the demo's servers: each carries every request to one of them, and can be cut for one kind, so that the
//! story shows what two servers make of that.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::failure::{Failure, Outcome};

/// What does not get through where a line is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The report that goods are ready: the last thing that a merchant asks of its provider. It is never heard.
    Report,
    /// The answer to a commit: the partner has heard it and issued, and nobody learns of that.
    LastWord,
}

impl Cut {
    /// How the path of such a request ends.
    fn ending(self) -> &'static str {
        match self {
            Self::Report => "/fulfilled",
            Self::LastWord => "/fulfil",
        }
    }
}

/// For how long the story waits for something to be held up.
const PATIENCE: Duration = Duration::from_secs(30);

impl State {
    fn hold_up(&self) -> std::io::Error {
        self.held_up.notify_one();
        std::io::Error::other("the line is cut")
    }
}

/// A line to a server, open from when it is laid until it is dropped.
#[derive(Debug)]
pub struct Line {
    state: Arc<State>,
    _task: JoinSet<()>,
}

#[derive(Debug)]
struct State {
    to: SocketAddr,
    kind: Cut,
    cut: AtomicBool,
    held_up: Notify,
}

impl Line {
    /// Lays a line from `here` to `there`, which can be cut for this.
    pub async fn lay(here: SocketAddr, there: SocketAddr, kind: Cut) -> Outcome<Self> {
        let listener = TcpListener::bind(here).await.map_err(|error| {
            Failure::new(format!("cannot listen on {here}: {error}"))
                .advise("If the port is taken, choose another with --port.")
        })?;
        let (cut, held_up) = (AtomicBool::new(false), Notify::new());
        let state = Arc::new(State { to: there, kind, cut, held_up });
        let mut task = JoinSet::new();
        task.spawn(carry(listener, state.clone()));
        Ok(Self { state, _task: task })
    }

    /// From now on nothing of its kind gets through.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
    }

    /// Everything gets through again.
    pub fn mend(&self) {
        self.state.cut.store(false, Ordering::SeqCst);
    }

    /// Waits until something was held up; whether it was.
    pub async fn has_held_up(&self) -> bool {
        tokio::time::timeout(PATIENCE, self.state.held_up.notified()).await.is_ok()
    }
}

async fn carry(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let state = state.clone();
                connections.spawn(async move {
                    let serve = service_fn(|request| pass(request, &state));
                    // A connection that breaks is the caller's to see.
                    drop(server::Builder::new().serve_connection(TokioIo::new(stream), serve).await);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Passes a request on as it is. What cannot be passed on ends its connection without an answer.
async fn pass(request: Request<Incoming>, state: &State) -> std::io::Result<Response<Incoming>> {
    let cut = state.cut.load(Ordering::SeqCst);
    let concerned = cut && request.uri().path().ends_with(state.kind.ending());
    if concerned && state.kind == Cut::Report {
        return Err(state.hold_up());
    }
    let stream = TcpStream::connect(state.to).await?;
    let (mut send, connection) =
        client::handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
    tokio::spawn(async move {
        // One that breaks shows in the answer.
        drop(connection.await);
    });
    let answer = send.send_request(request).await.map_err(std::io::Error::other)?;
    if concerned && answer.status().is_success() {
        return Err(state.hold_up());
    }
    Ok(answer)
}
