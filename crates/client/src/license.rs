//! The library, and the check of a code that anybody may make.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Client, Error, File, Page, Paging, url};

/// An authorization code in both forms.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Code {
    /// The signed form, which proves itself offline.
    pub jws: String,
    /// The short form, which a person can type.
    pub short: String,
}

/// A license in the account's library.
#[derive(Clone, Debug, Deserialize)]
pub struct License {
    /// Its id.
    pub id: String,
    /// What it is for.
    #[serde(default)]
    pub product: Value,
    /// What it permits.
    #[serde(default)]
    pub terms: Value,
    /// Its state.
    pub state: Option<String>,
    /// The code that proves it.
    pub code: Option<Code>,
    /// What can be downloaded with it.
    #[serde(default)]
    pub files: Vec<File>,
    /// What it counts; none where it counts nothing.
    #[serde(default)]
    pub unit: Option<String>,
    /// How many uses or processings are left.
    #[serde(default)]
    pub left: Option<u64>,
    /// How many are gone.
    #[serde(default)]
    pub used: u64,
    /// Where it is in use; of one license only, not in lists.
    #[serde(default)]
    pub activations: Vec<Machine>,
}

/// A machine on which a license is active.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Machine {
    /// Its id: what the holder deactivates it by.
    pub id: String,
    /// What the program called it.
    #[serde(default)]
    pub name: String,
    /// Since when.
    pub activated_at: String,
    /// Until when it may be offline.
    #[serde(default)]
    pub offline_until: String,
}

/// What the server says of a code.
#[derive(Clone, Debug, Deserialize)]
pub struct Validation {
    /// Whether it holds now.
    pub valid: bool,
    /// `VALID`, or why it doesn't hold.
    pub code: String,
    /// The license behind it, as far as the public may know it.
    #[serde(default)]
    pub license: Value,
}

#[derive(Serialize)]
struct Validate<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a str>,
}

impl Client {
    /// The account's library.
    pub async fn licenses(&self, paging: &Paging) -> Result<Page<License>, Error> {
        self.get(&paging.of("/v1/licenses")).await
    }

    /// A license by id.
    pub async fn license(&self, id: &str) -> Result<License, Error> {
        self.get(&format!("/v1/licenses/{}", url::encode(id))).await
    }

    /// Whether a code holds now, on a machine and for a product where these are given.
    pub async fn validate(
        &self,
        code: &str,
        fingerprint: Option<&str>,
        product: Option<&str>,
    ) -> Result<Validation, Error> {
        self.post("/v1/licenses/validate", &Validate { code, fingerprint, product }).await
    }
}
