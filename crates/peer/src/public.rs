//! What other servers make public.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, USER_AGENT};
use http::{Request, StatusCode};
use scrip_engine::peer::PeerPort;
use scrip_https::Unanswered;

use crate::Transport;
use crate::line::AGENT;

/// Reads discovery documents and keys of other servers.
#[derive(Clone, Debug)]
pub struct PublicReader(Arc<dyn Transport>);

impl PublicReader {
    /// Reads through `transport`.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self(transport)
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let request =
            Request::get(url).header(ACCEPT, "application/json").header(USER_AGENT, AGENT);
        let request = request.body(Bytes::new()).map_err(|error| error.to_string())?;
        let answer = self.0.send(request).await.map_err(|Unanswered(why)| why)?;
        match answer.status() {
            StatusCode::OK => Ok(answer.into_body().to_vec()),
            status => Err(format!("status {}", status.as_u16())),
        }
    }
}

impl PeerPort for PublicReader {
    fn read<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        self.get(url).boxed()
    }
}
