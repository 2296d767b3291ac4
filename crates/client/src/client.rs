//! The client itself: where the server is, who asks, and how a request is made.

use std::sync::Arc;

use http::{Method, Request, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::pool::Pool;
use crate::{Answer, BadUrl, BaseUrl, Body, Connector, Error, Reply};

/// The name of the header that makes a write safe to repeat.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A client of one server. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    base: Arc<BaseUrl>,
    pool: Arc<Pool>,
    authorization: Option<Arc<str>>,
}

impl Client {
    /// A client over TCP that is nobody yet. It encrypts nothing.
    pub fn new(base: &str) -> Result<Self, BadUrl> {
        let client = Self::with_connector(base, Connector::tcp())?;
        if client.base.encrypted { Err(BadUrl::Scheme) } else { Ok(client) }
    }

    /// A client over streams of the caller's making.
    pub fn with_connector(base: &str, connector: Connector) -> Result<Self, BadUrl> {
        let base = Arc::new(base.parse()?);
        Ok(Self { base, pool: Arc::new(Pool::new(connector)), authorization: None })
    }

    /// The same client as the holder of a session token or API key.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Self {
        self.authorized(&format!("Bearer {token}"))
    }

    /// The same client with any `Authorization`, such as `Order <token>`.
    #[must_use]
    pub fn authorized(&self, authorization: &str) -> Self {
        Self { authorization: Some(authorization.into()), ..self.clone() }
    }

    /// The address of the server.
    pub fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Any request; the answer is returned whatever its status.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Result<Answer, Error> {
        self.stream(method, path, headers, body).await?.collect().await
    }

    /// Any request, with the body of the answer as it comes in. An `Authorization` among the
    /// headers replaces the client's own.
    pub async fn stream(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Result<Reply, Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base.prefix))
            .header(header::HOST, self.base.authority());
        let own = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let Some(authorization) = self.authorization.as_deref().filter(|_| !own) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).map_err(Error::Request)?;
        let (response, connection) = self.pool.send(&self.base, request).await?;
        Ok(Reply::new(response, connection, Arc::clone(&self.pool)))
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.request(Method::GET, path, &[], Body::empty()).await?.json()
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.write(Method::POST, path, None, body).await?.json()
    }

    /// A write that happens once, however often it is sent under the same key.
    pub(crate) async fn post_once<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.write(Method::POST, path, Some(key), body).await?.json()
    }

    pub(crate) async fn write(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: &impl Serialize,
    ) -> Result<Answer, Error> {
        // The types of this crate have string keys only, so that writing them as JSON cannot fail.
        let body = serde_json::to_vec(body).expect("requests are plain data");
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(key.map(|key| (IDEMPOTENCY_KEY, key)));
        self.request(method, path, &headers, body).await
    }
}
