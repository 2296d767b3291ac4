//! The line between the demo's servers: it carries every request to the provider, and can be cut for one kind of them,
//! so that the story shows what two servers make of that.

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

/// How the path of a report ends that goods are ready: the last thing that a merchant asks of its provider.
const REPORT: &str = "/fulfilled";
/// For how long the story waits for something to be held up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A line to a server, open from when it is laid until it is dropped.
#[derive(Debug)]
pub struct Line {
    state: Arc<State>,
    _task: JoinSet<()>,
}

#[derive(Debug)]
struct State {
    to: SocketAddr,
    cut: AtomicBool,
    held_up: Notify,
}

impl Line {
    /// Lays a line from `here` to `there`.
    pub async fn lay(here: SocketAddr, there: SocketAddr) -> Outcome<Self> {
        let listener = TcpListener::bind(here).await.map_err(|error| {
            Failure::new(format!("cannot listen on {here}: {error}"))
                .advise("If the port is taken, choose another with --port.")
        })?;
        let state =
            Arc::new(State { to: there, cut: AtomicBool::new(false), held_up: Notify::new() });
        let mut task = JoinSet::new();
        task.spawn(carry(listener, state.clone()));
        Ok(Self { state, _task: task })
    }

    /// From now on no report of a delivery gets through.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
    }

    /// Everything gets through again.
    pub fn mend(&self) {
        self.state.cut.store(false, Ordering::SeqCst);
    }

    /// Waits until a report was held up; whether one was.
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
    if state.cut.load(Ordering::SeqCst) && request.uri().path().ends_with(REPORT) {
        state.held_up.notify_one();
        return Err(std::io::Error::other("the line is cut"));
    }
    let stream = TcpStream::connect(state.to).await?;
    let (mut send, connection) =
        client::handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
    tokio::spawn(async move {
        // One that breaks shows in the answer.
        drop(connection.await);
    });
    send.send_request(request).await.map_err(std::io::Error::other)
}
