//! What lies between two servers: nothing but the routers of both, and what a test lets go wrong on the way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt;
use scrip_domain::role::Role;
use scrip_engine::Engine;
use scrip_https::Unanswered;
use scrip_peer::{
    HttpArchive, HttpHerald, HttpPartners, HttpProvider, Line, PublicReader, Transport,
};
use tower::ServiceExt;

use crate::TestClock;

/// Where a pair's provider is.
pub const PAY: &str = "https://pay.test";
/// Where its merchant is.
pub const SHOP: &str = "https://shop.test";

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It arrives, and its answer too.
    Free,
    /// It never arrives.
    Lost,
    /// It is carried out, and the answer is lost.
    AnswerLost,
}

/// The servers that reach each other, by address, and their time.
#[derive(Debug, Default)]
pub struct Network {
    clock: Arc<TestClock>,
    wires: Mutex<Wires>,
}

#[derive(Debug, Default)]
struct Wires {
    routers: BTreeMap<String, Router>,
    /// What becomes of the next requests to a path that ends so, where it is told.
    fates: BTreeMap<String, VecDeque<Way>>,
    cut: bool,
    sent: Vec<String>,
}

impl Network {
    /// The time of all of them.
    pub fn clock(&self) -> Arc<TestClock> {
        self.clock.clone()
    }

    fn wires(&self) -> MutexGuard<'_, Wires> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What becomes of the next requests to paths that end with `end`, one after the other.
    pub fn fate(&self, end: &str, ways: &[Way]) {
        self.wires().fates.entry(end.to_owned()).or_default().extend(ways);
    }

    /// Lets nothing through, in any direction, until it is mended.
    pub fn cut(&self) {
        self.wires().cut = true;
    }

    /// Lets everything through again.
    pub fn mend(&self) {
        let mut wires = self.wires();
        wires.cut = false;
        wires.fates.clear();
    }

    /// What was sent so far, in order: method and address without its origin.
    pub fn sent(&self) -> Vec<String> {
        self.wires().sent.clone()
    }

    /// The seed of the protocol key of the server at this address: no two have the same one.
    pub(crate) fn seed(url: &str) -> [u8; 32] {
        match url {
            PAY => [18; 32],
            SHOP => [8; 32],
            url => {
                let mut seed = [28; 32];
                seed.iter_mut().zip(url.bytes().rev()).for_each(|(to, byte)| *to = byte);
                seed
            }
        }
    }

    /// A server is there now, perhaps in the place of one that was.
    pub fn join(&self, url: &str, router: Router) {
        self.wires().routers.insert(url.to_owned(), router);
    }

    /// The engine with all that leads to other servers.
    pub(crate) fn lead(self: &Arc<Self>, engine: Engine) -> Engine {
        let wire = Arc::new(Wire(Arc::downgrade(self)));
        let engine = engine.with_peer_port(Arc::new(PublicReader::new(wire.clone())));
        let line = Line::new(wire, engine.pen());
        if engine.roles().has(Role::Merchant) {
            let keys = engine.peer_keys().clone();
            engine.with_provider(Arc::new(HttpProvider::new(PAY, line, keys)))
        } else {
            let keys = engine.peer_keys().clone();
            let engine = engine.with_partners(Arc::new(HttpPartners::new(line.clone(), keys)));
            let archive = Arc::new(HttpArchive::new(line.clone()));
            engine.with_herald(Arc::new(HttpHerald::new(line))).with_archive(archive)
        }
    }

    /// Whom a request reaches, and what becomes of it.
    fn way(&self, request: &Request<Bytes>) -> Result<(Router, Way), Unanswered> {
        let path = request.uri().path();
        let url = request.uri().to_string();
        let mut wires = self.wires();
        wires.sent.push(format!("{} {path}", request.method()));
        let mut way = if wires.cut { Way::Lost } else { Way::Free };
        if let Some((_, ways)) = wires.fates.iter_mut().find(|(end, _)| path.ends_with(*end)) {
            way = ways.pop_front().unwrap_or(way);
        }
        let there = wires.routers.iter().find(|(home, _)| url.starts_with(&format!("{home}/")));
        match there {
            Some((_, router)) if way != Way::Lost => Ok((router.clone(), way)),
            _ => Err(Unanswered("nobody is there".to_owned())),
        }
    }

    async fn bring(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unanswered> {
        let (router, way) = self.way(&request)?;
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = path.parse().expect("a path");
        let request = Request::from_parts(parts, Body::from(body));
        let (head, body) = router.oneshot(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        if way == Way::AnswerLost {
            return Err(Unanswered("the answer was lost".to_owned()));
        }
        Ok(Response::from_parts(head, body))
    }
}

/// A server's way into the network. The network has its servers, which do not have it in turn: else none would ever go.
#[derive(Debug)]
struct Wire(Weak<Network>);

impl Transport for Wire {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, Unanswered>> {
        let network = self.0.upgrade();
        async move {
            match network {
                Some(network) => network.bring(request).await,
                None => Err(Unanswered("the network is gone".to_owned())),
            }
        }
        .boxed()
    }
}
