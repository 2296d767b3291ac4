//! How a byte stream to a server is opened: TCP, or whatever the simulator calls a network.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A byte stream to a server, in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

type Dialled = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Opens streams to a host and port. Streams are boxed, so that the client needs no type parameter:
/// one allocation per connection, none per request.
#[derive(Clone)]
pub struct Connector(Arc<dyn Fn(String, u16) -> Dialled + Send + Sync>);

impl Connector {
    /// Connects over the machine's own network.
    pub fn tcp() -> Self {
        Self::new(|host: String, port| async move {
            let stream = TcpStream::connect((host, port)).await?;
            // A request is one small write; waiting for more to fill a packet only costs latency.
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }

    /// Connects by a function, for instance over `turmoil::net::TcpStream`.
    pub fn new<F, S>(dial: impl Fn(String, u16) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<S>> + Send + 'static,
        S: Stream + 'static,
    {
        Self(Arc::new(move |host, port| {
            let dialled = dial(host, port);
            Box::pin(async move { Ok(Box::new(dialled.await?) as Box<dyn Stream>) })
        }))
    }

    pub(crate) async fn dial(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
        (self.0)(host.to_owned(), port).await
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}
