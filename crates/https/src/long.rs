//! Exchanges of long bodies: an answer is read as it comes, at the reader's pace.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Request;
use http::response::Parts;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;

use crate::{SetupError, Unanswered, chain, client_of, spans};

/// The way to somebody outside who keeps long things.
pub struct Long {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    patience: Duration,
}

impl fmt::Debug for Long {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Long").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Long {
    /// A client of `address`, which waits so long for the head of an answer, and for each piece of its body. In the clear
    /// only to this very machine. Nothing is asked of the network yet.
    pub fn to(address: &str, patience: Duration) -> Result<Self, SetupError> {
        Ok(Self { client: client_of(address)?, patience })
    }

    /// Sends a request, and reads the head of the answer. A body that is sent may take so much longer.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        longer: Duration,
    ) -> Result<(Parts, Coming), Unanswered> {
        let patience = self.patience.saturating_add(longer);
        let exchange = |request| {
            let answer = within(patience, self.client.request(request));
            async move { Ok(answer.await?.into_parts()) }
        };
        let (head, body) = spans::told(request, None, exchange).await?;
        Ok((head, Coming { body, patience: self.patience }))
    }
}

/// The body of an answer, which is still coming.
#[derive(Debug)]
pub struct Coming {
    body: Incoming,
    patience: Duration,
}

impl Coming {
    /// The next piece; `None` at the end. A body that ends too early is an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Unanswered> {
        loop {
            let frame = async { self.body.frame().await.transpose() };
            match within(self.patience, frame).await? {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The whole body, of at most so many bytes.
    pub async fn whole(mut self, most: usize) -> Result<Bytes, Unanswered> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await? {
            if whole.len().saturating_add(piece.len()) > most {
                return Err(Unanswered("it is too long".to_owned()));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}

async fn within<T, E: Error + 'static>(
    patience: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Unanswered> {
    match tokio::time::timeout(patience, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Unanswered(chain(&error))),
        Err(_) => Err(Unanswered("it took too long".to_owned())),
    }
}
