//! Encrypted streams for who speaks HTTP itself.

use std::io;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::ServiceExt;

use crate::SetupError;

/// Opens TLS streams, with the authorities of this machine.
#[derive(Clone, Debug)]
pub struct Dialer(HttpsConnector<HttpConnector>);

impl Dialer {
    /// Reads the authorities; asks nothing of the network.
    pub fn new() -> Result<Self, SetupError> {
        let builder = HttpsConnectorBuilder::new().with_native_roots();
        let builder = builder.map_err(SetupError::Authorities)?;
        Ok(Self(builder.https_only().enable_http1().build()))
    }

    /// A stream to `host`, which proved that it is it.
    pub async fn dial(
        &self,
        host: &str,
        port: u16,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let uri: Uri = format!("https://{host}:{port}/").parse().map_err(io::Error::other)?;
        let stream = self.0.clone().oneshot(uri).await;
        stream.map(TokioIo::new).map_err(|error| {
            // Why a certificate is not believed stands at the end of the chain.
            io::Error::other(crate::chain(error.as_ref()))
        })
    }
}
