//! The HTTP/1.1 server: connections in, in the clear or over TLS, each bounded in time; a stop that lets answers finish.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::future::RouteFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::extract::{MaxBody, Peer};
use crate::health::Watch;
use crate::metrics::Connected;
use crate::network::{self, Network};
use crate::patience::{PatientBody, PatientStream, Unread};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// How long accepting rests when there are no more file descriptors.
const REST: Duration = Duration::from_millis(100);

/// What a client may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once; further ones wait to be accepted.
    pub connections: usize,
    /// Time for the head of a request, and between two; and for the agreement on TLS before the first.
    pub header: Duration,
    /// Time for the body of a request; more in so far as it keeps coming.
    pub body: Duration,
    /// Time in which something of an answer must be taken.
    pub stall: Duration,
    /// Bytes of a JSON body.
    pub json_bytes: usize,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

/// Listens on `address`, also right after another server has stopped there.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers on `listener` until `stop`, then lets requests finish for as long as `patience`. Gives the
/// number of connections that it had to cut. With `tls` nobody is answered in the clear.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    watch: Arc<Watch>,
    limits: Limits,
    stop: impl Future<Output = ()>,
    patience: Duration,
) -> usize {
    let house = House::new(router, watch, limits);
    let graceful = GracefulShutdown::new();
    // At the door: they agree on TLS, each in its own time, and have asked nothing yet.
    let mut arriving = JoinSet::new();
    let mut guests = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            guest = house.accept(&listener) => match &tls {
                Some(tls) => drop(arriving.spawn(guest.agree(tls.clone(), house.limits.header))),
                None => drop(guests.spawn(house.clone().entertain(guest, graceful.watcher()))),
            },
            Some(arrived) = arriving.join_next() => if let Ok(Some(guest)) = arrived {
                guests.spawn(house.clone().entertain(guest, graceful.watcher()));
            },
        }
        while guests.try_join_next().is_some() {}
    }
    drop(listener);
    drop(arriving);
    // Dropping the set on a timeout cuts what is left.
    let finished = tokio::time::timeout(patience, graceful.shutdown()).await;
    while guests.try_join_next().is_some() {}
    if finished.is_ok() { 0 } else { guests.len() }
}

/// Somebody who is connected; has a place, and is counted, for as long as this lives.
#[derive(Debug)]
struct Guest<S> {
    stream: S,
    peer: IpAddr,
    unread: Unread,
    place: Place,
}

#[derive(Debug)]
struct Place {
    _permit: Option<OwnedSemaphorePermit>,
    _counted: Connected,
}

impl Guest<PatientStream<TcpStream>> {
    /// The same behind TLS, if the other end comes to it in time.
    async fn agree(self, tls: TlsAcceptor, within: Duration) -> Option<Guest<impl Stream>> {
        let Self { stream, peer, unread, place } = self;
        match tokio::time::timeout(within, tls.accept(stream)).await {
            Ok(Ok(stream)) => Some(Guest { stream, peer, unread, place }),
            // A scanner, a browser that wants other authorities, somebody without TLS: theirs, and of no interest.
            Ok(Err(error)) => {
                tracing::debug!(%error, "no agreement on TLS");
                None
            }
            Err(_) => None,
        }
    }
}

/// What is spoken over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// What all connections share.
#[derive(Clone, Debug)]
struct House {
    router: Router,
    watch: Arc<Watch>,
    limits: Arc<Limits>,
    places: Arc<Semaphore>,
    http: http1::Builder,
}

impl House {
    fn new(router: Router, watch: Arc<Watch>, limits: Limits) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.header);
        let places = Arc::new(Semaphore::new(limits.connections));
        Self { router, watch, limits: Arc::new(limits), places, http }
    }

    async fn accept(&self, listener: &TcpListener) -> Guest<PatientStream<TcpStream>> {
        // The semaphore is never closed; without a permit the connection would merely go uncounted.
        let permit = self.places.clone().acquire_owned().await.ok();
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return self.seat(stream, peer.ip(), permit),
                // The caller went away before we came to it; nobody is hurt.
                Err(error) if is_theirs(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    fn seat(
        &self,
        stream: TcpStream,
        peer: IpAddr,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Guest<PatientStream<TcpStream>> {
        // An answer is one write; waiting for more to fill a packet only costs latency. A stream that
        // refuses is closing.
        let _ = stream.set_nodelay(true);
        let unread = Unread::default();
        // Below TLS: what TLS keeps back has to be taken in time, too.
        let stream = PatientStream::new(stream, self.limits.stall, unread.clone());
        let place = Place { _permit: permit, _counted: self.watch.metrics.connected() };
        Guest { stream, peer, unread, place }
    }

    async fn entertain(self, guest: Guest<impl Stream>, watcher: Watcher) {
        let Guest { stream, peer, unread, place } = guest;
        let door = Door { router: self.router, limits: self.limits, peer, unread };
        let connection = self.http.serve_connection(TokioIo::new(stream), door);
        // What ends a connection early is the client's doing, and of no interest.
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    }
}

fn is_theirs(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Where the requests of one connection come in.
#[derive(Clone, Debug)]
struct Door {
    router: Router,
    limits: Arc<Limits>,
    peer: IpAddr,
    unread: Unread,
}

impl hyper::service::Service<Request<Incoming>> for Door {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = RouteFuture<Self::Error>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let unread = self.unread.clone();
        let mut request =
            request.map(|body| PatientBody::new(body, self.limits.body, unread).into_request());
        let caller = network::caller(self.peer, request.headers(), &self.limits.trusted_proxies);
        request.extensions_mut().insert(Peer(caller));
        if self.limits.json_bytes != MaxBody::default().0 {
            request.extensions_mut().insert(MaxBody(self.limits.json_bytes));
        }
        tower::Service::call(&mut self.router.clone(), request)
    }
}
