//! Registering, signing in, and one's own data.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Body, Client, Error};

/// What a stranger says to become a member.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Registration {
    /// The address that names the account.
    pub email: String,
    /// The password.
    pub password: String,
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Value>,
    /// The telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// A new account, already signed in.
#[derive(Clone, Debug, Deserialize)]
pub struct Registered {
    /// The account.
    pub account: Account,
    /// The session's bearer token.
    pub token: String,
    /// When the session ends.
    pub expires_at: String,
}

/// A session.
#[derive(Clone, Debug, Deserialize)]
pub struct Session {
    /// Its bearer token.
    pub token: String,
    /// When it ends.
    pub expires_at: String,
}

/// One's own data.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// The account's id.
    pub id: String,
    /// The address that names it.
    pub email: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// `member`, `funded` and so on.
    pub standing: Option<String>,
    /// Required fields that are still missing.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Whether the account may trade, and if not, why.
    pub permits: Option<Permits>,
}

/// Whether an account may trade.
#[derive(Clone, Debug, Deserialize)]
pub struct Permits {
    /// It may.
    pub transact: bool,
    /// Why not.
    pub reason: Option<String>,
}

impl Client {
    /// Opens an account.
    pub async fn register(&self, registration: &Registration) -> Result<Registered, Error> {
        self.post("/v1/accounts", registration).await
    }

    /// Signs in by password, and by `otp` where the account has a second factor: without it the server answers
    /// `second_factor_required` then.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        otp: Option<&str>,
    ) -> Result<Session, Error> {
        let body = json!({ "email": email, "password": password, "otp": otp });
        self.post("/v1/sessions", &body).await
    }

    /// Ends the session that this client holds.
    pub async fn sign_out(&self) -> Result<(), Error> {
        let path = "/v1/sessions/current";
        self.stream(Method::DELETE, path, &[], Body::empty()).await?.accepted().await?;
        Ok(())
    }

    /// The account that this client acts for.
    pub async fn account(&self) -> Result<Account, Error> {
        self.get("/v1/account").await
    }

    /// Changes the fields that are given.
    pub async fn change_account(&self, changes: &Value) -> Result<Account, Error> {
        self.write(Method::PATCH, "/v1/account", None, changes).await?.json()
    }
}
