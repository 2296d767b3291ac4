//! What a vendor manages, as far as scripts and tests need it by name. Everything else goes through
//! [`Client::request`].

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Body, Client, Error, Money, Reply, url};

/// A client that acts as an administrator. Bodies and answers are plain JSON: who writes them has
/// the API's documentation open.
#[derive(Clone, Debug)]
pub struct Admin(Client);

impl Client {
    /// The same client with an administrator's API key.
    pub fn admin(&self, key: &str) -> Admin {
        Admin(self.bearer(key))
    }
}

impl Admin {
    /// The client below, for other routes.
    pub fn client(&self) -> &Client {
        &self.0
    }

    /// Reads `/v1/admin/{path}`.
    pub async fn get(&self, path: &str) -> Result<Value, Error> {
        self.0.get(&admin(path)).await
    }

    /// Reads the file at `/v1/admin/{path}` as a stream.
    pub async fn get_file(&self, path: &str) -> Result<Reply, Error> {
        self.0.stream(Method::GET, &admin(path), &[], Body::empty()).await?.accepted().await
    }

    /// Posts to `/v1/admin/{path}`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.0.post(&admin(path), body).await
    }

    /// Posts to `/v1/admin/{path}` where an idempotency key is required.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Result<Value, Error> {
        self.0.post_once(&admin(path), key, body).await
    }

    /// Changes what is at `/v1/admin/{path}`.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.0.write(Method::PATCH, &admin(path), None, body).await?.json()
    }

    /// Puts what `/v1/admin/{path}` is to be.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.0.write(Method::PUT, &admin(path), None, body).await?.json()
    }

    /// Deletes what is at `/v1/admin/{path}`.
    pub async fn delete(&self, path: &str) -> Result<Value, Error> {
        self.0.request(Method::DELETE, &admin(path), &[], Body::empty()).await?.json()
    }

    /// Whether the bytes with this SHA-256 are there.
    pub async fn has_object(&self, sha256: &str) -> Result<bool, Error> {
        let answer = self.0.request(Method::HEAD, &object(sha256), &[], Body::empty()).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            _ => Err(answer.refusal()),
        }
    }

    /// Uploads the bytes with this SHA-256 as a stream; the server checks it.
    pub async fn put_object(&self, sha256: &str, content: impl Into<Body>) -> Result<Value, Error> {
        let headers = [("content-type", "application/octet-stream")];
        self.0.request(Method::PUT, &object(sha256), &headers, content).await?.json()
    }

    /// The bytes with this SHA-256 as a stream.
    pub async fn get_object(&self, sha256: &str) -> Result<Reply, Error> {
        self.get_file(&format!("objects/{}", url::encode(sha256))).await
    }

    /// The vendor's settings.
    pub async fn settings(&self) -> Result<Value, Error> {
        self.get("settings").await
    }

    /// Changes the settings that are given.
    pub async fn change_settings(&self, changes: &Value) -> Result<Value, Error> {
        self.patch("settings", changes).await
    }

    /// Gives tokens to an account, for a reason that goes on record.
    pub async fn credit(
        &self,
        key: &str,
        account: &str,
        tokens: &Money,
        reason: &str,
    ) -> Result<Value, Error> {
        let path = format!("accounts/{}/adjust", url::encode(account));
        self.post_once(&path, key, &json!({"tokens": tokens, "reason": reason})).await
    }

    /// Gives an account promotional tokens, which expire when a time is given.
    pub async fn grant(
        &self,
        key: &str,
        account: &str,
        tokens: &Money,
        expires_at: Option<&str>,
        reason: &str,
    ) -> Result<Value, Error> {
        let path = format!("accounts/{}/adjust", url::encode(account));
        let body = json!({
            "kind": "promo", "tokens": tokens, "expires_at": expires_at, "reason": reason
        });
        self.post_once(&path, key, &body).await
    }
}

fn object(sha256: &str) -> String {
    admin(&format!("objects/{}", url::encode(sha256)))
}

fn admin(path: &str) -> String {
    format!("/v1/admin/{path}")
}
