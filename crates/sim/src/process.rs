//! A server's process: everything that it does, and how it answers.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// Everything that the process does. Futures of one task, not tasks: when a runtime is dropped, its
/// tasks go in an order that depends on how many there ever were in the whole process, and with them
/// the order in which connections break.
pub(crate) type Running = FuturesUnordered<Pin<Box<dyn Future<Output = Result<(), String>>>>>;

/// The machine on which a process runs: what stands between network and router, and may spoil what passes.
pub(crate) trait Machine: 'static {
    /// What is answered.
    fn answer(
        &self,
        router: Router,
        request: Request<Bytes>,
    ) -> impl Future<Output = Response<Full<Bytes>>>;

    /// A panic is noticed; it ends the process.
    fn panicked(&self);
}

/// Answers on port 80 until something of `running` ends, or panics.
pub(crate) async fn listen<M: Machine>(
    mut running: Running,
    router: Router,
    machine: Arc<M>,
) -> Result<Infallible, String> {
    let listener = turmoil::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).await;
    let listener = listener.map_err(|error| error.to_string())?;
    loop {
        tokio::select! {
            biased;
            ended = running.next() => match ended {
                Some(Ok(())) => {}
                other => return Err(format!("{other:?}")),
            },
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let connection = connection(machine.clone(), router.clone(), stream);
                running.push(Box::pin(guarded(machine.clone(), connection)));
            }
        }
    }
}

async fn guarded<M: Machine>(
    machine: Arc<M>,
    work: impl Future<Output = ()>,
) -> Result<(), String> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| {
        machine.panicked();
        "a panic".to_owned()
    })
}

async fn connection<M: Machine>(machine: Arc<M>, router: Router, stream: turmoil::net::TcpStream) {
    let answer = service_fn(move |request| answer(machine.clone(), router.clone(), request));
    // How a connection ends is its client's business.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
}

async fn answer<M: Machine>(
    machine: Arc<M>,
    router: Router,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, body.collect().await?.to_bytes());
    Ok(machine.answer(router, request).await)
}
