//! The way to addresses that somebody typed in: only out into the world.
//!
//! Whoever may name an address must not reach with it what only this machine or its network can: a database, a
//! neighbour, the cloud's own metadata. A name can mean another address each time, so it is looked at where the
//! connection is made, and not before.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioExecutor;
use tower::Service;

use crate::{SetupError, TraceHeader, Unanswered, chain, spans};

/// How far strangers may send us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To public addresses, over TLS.
    World,
    /// There, and to this very machine, also in the clear: for a demo, whose receivers run beside it.
    WorldAndHere,
}

/// The way to addresses that somebody typed in.
pub struct Strangers {
    client: Client<HttpsConnector<HttpConnector<Guarded>>, Full<Bytes>>,
    reach: Reach,
    patience: Duration,
    most: usize,
    trace_header: Option<TraceHeader>,
}

impl fmt::Debug for Strangers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strangers").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl Strangers {
    /// A client that waits for an answer so long in all, and reads so many bytes of its body at most.
    pub fn within(reach: Reach, patience: Duration, most: usize) -> Result<Self, SetupError> {
        let mut connector = HttpConnector::new_with_resolver(Guarded { reach });
        connector.enforce_http(false);
        let builder = HttpsConnectorBuilder::new().with_native_roots();
        let builder = builder.map_err(SetupError::Authorities)?;
        let connector = builder.https_or_http().enable_http1().wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, reach, patience, most, trace_header: None })
    }

    /// The same, for servers that are told the trace which a request is in.
    #[must_use]
    pub fn with_trace_header(self, trace_header: TraceHeader) -> Self {
        Self { trace_header: Some(trace_header), ..self }
    }

    /// Sends a request, and reads the beginning of the answer. What comes after it is not waited for.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<(Parts, Bytes), Unanswered> {
        spans::told(request, self.trace_header, |request| self.exchange(request)).await
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(Parts, Bytes), Unanswered> {
        self.reach.allows(request.uri()).map_err(|why| Unanswered(why.to_owned()))?;
        let exchange = async {
            let (head, mut body) = self.client.request(request).await?.into_parts();
            let mut beginning = BytesMut::new();
            while beginning.len() < self.most
                && let Some(frame) = body.frame().await
            {
                if let Ok(data) = frame?.into_data() {
                    beginning.extend_from_slice(&data);
                }
            }
            beginning.truncate(self.most);
            Ok::<_, Box<dyn Error + Send + Sync>>((head, beginning.freeze()))
        };
        match tokio::time::timeout(self.patience, exchange).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Unanswered(chain(error.as_ref()))),
            Err(_) => Err(Unanswered("it took too long".to_owned())),
        }
    }
}

/// Why an address is not gone to.
const NOT_PUBLIC: &str = "the address is not public";

impl Reach {
    /// Whether a request may go to this address at all. A host that is a name is looked at again when it is
    /// connected to.
    fn allows(self, uri: &Uri) -> Result<(), &'static str> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let literal = host.parse::<IpAddr>().ok();
        let here = host == "localhost" || literal.is_some_and(|address| address.is_loopback());
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if here && self == Self::WorldAndHere => {}
            _ => return Err("the address must begin with https://"),
        }
        match literal {
            Some(address) if !self.reaches(address) => Err(NOT_PUBLIC),
            _ => Ok(()),
        }
    }

    fn reaches(self, address: IpAddr) -> bool {
        is_public(address) || self == Self::WorldAndHere && address.is_loopback()
    }
}

/// Names, told as addresses that may be gone to, or not at all.
#[derive(Clone, Copy, Debug)]
struct Guarded {
    reach: Reach,
}

type Addresses = std::vec::IntoIter<SocketAddr>;
type Resolving<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl Service<Name> for Guarded {
    type Response = Addresses;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Resolving<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.reach;
        Box::pin(async move {
            let addresses: Vec<_> = GaiResolver::new().call(name).await?.collect();
            // One that is not public is no slip of who keeps the name.
            if addresses.iter().all(|address| reach.reaches(address.ip())) {
                Ok(addresses.into_iter())
            } else {
                Err(NOT_PUBLIC.into())
            }
        })
    }
}

/// Whether an address is one of the public internet: none of those that IANA keeps for special purposes.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

/// Of the addresses that are given out (`2000::/3`), those that carry no other one and are nobody's own.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [a, b, ..] = address.segments();
    let given_out = (0x2000..0x4000).contains(&a);
    let special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || a == 0x2002;
    given_out && !special && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for address in [
            "8.8.8.8",
            "1.1.1.1",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn nothing_goes_in_the_clear_and_nothing_home() {
        let allows = |reach: Reach, uri: &str| reach.allows(&uri.parse().unwrap()).is_ok();
        for (uri, world, here) in [
            ("https://hooks.example/", true, true),
            ("https://8.8.8.8/", true, true),
            ("https://127.0.0.1/", false, true),
            ("https://[::1]/", false, true),
            ("https://10.0.0.1/", false, false),
            ("https://[fe80::1]/", false, false),
            ("http://hooks.example/", false, false),
            ("http://8.8.8.8/", false, false),
            ("http://127.0.0.1:8080/", false, true),
            ("http://localhost:8080/", false, true),
            ("http://127.0.0.1.example/", false, false),
            ("/hooks", false, false),
        ] {
            assert_eq!(allows(Reach::World, uri), world, "{uri}");
            assert_eq!(allows(Reach::WorldAndHere, uri), here, "{uri}");
        }
    }

    /// A name is refused for what it means, at the moment of connecting. This one every machine knows.
    #[tokio::test]
    async fn a_name_is_refused_for_the_address_that_it_means() {
        let strangers = Strangers::within(Reach::World, Duration::from_secs(5), 10).unwrap();
        let request = Request::post("https://localhost:9/").body(Full::default()).unwrap();
        let Unanswered(why) = strangers.send(request).await.unwrap_err();
        assert!(why.contains(NOT_PUBLIC), "{why}");
    }
}
