//! Connections that are kept alive between requests.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use crate::{BaseUrl, Body, Connector, Error};

type RequestBody = http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, std::io::Error>;

/// A connection that is not in use, or that carries one request.
pub(crate) type Connection = SendRequest<RequestBody>;

/// More than a busy caller uses at once; what comes back beyond is closed.
const MAX_IDLE: usize = 256;

/// Connections to one server. The one used last is used first, so that a burst's surplus goes stale
/// and falls out.
pub(crate) struct Pool {
    connector: Connector,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(crate) fn new(connector: Connector) -> Self {
        Self { connector, idle: Mutex::new(Vec::new()) }
    }

    /// Sends a request on an idle connection or a new one. A connection that the server has closed
    /// meanwhile gives the request back unsent, and the next one is tried; a request of which a
    /// byte was sent is never sent again.
    pub(crate) async fn send(
        &self,
        base: &BaseUrl,
        request: Request<Body>,
    ) -> Result<(Response<Incoming>, Connection), Error> {
        let mut request = request.map(|body| body.0);
        while let Some(mut connection) = self.take() {
            if connection.ready().await.is_err() {
                continue;
            }
            match connection.try_send_request(request).await {
                Ok(response) => return Ok((response, connection)),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Error::Lost(failed.into_error().into())),
                },
            }
        }
        let mut connection = self.connect(base).await?;
        match connection.send_request(request).await {
            Ok(response) => Ok((response, connection)),
            Err(error) => Err(Error::Lost(error.into())),
        }
    }

    /// Takes back a connection whose answer has been read to its end.
    pub(crate) fn give(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !connection.is_closed() && idle.len() < MAX_IDLE {
            idle.push(connection);
        }
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    async fn connect(&self, base: &BaseUrl) -> Result<Connection, Error> {
        let unreachable = |source| Error::Unreachable { server: base.to_string(), source };
        let stream = self.connector.dial(&base.host, base.port).await.map_err(unreachable)?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Error::Lost(error.into()))?;
        // Its errors reach the request that waits on it.
        tokio::spawn(driver);
        Ok(connection)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("connector", &self.connector).finish_non_exhaustive()
    }
}
