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

/// Whether a machine is active now.
#[derive(Clone, Debug, Deserialize)]
pub struct Activated {
    /// Whether it is so.
    #[serde(flatten)]
    pub verdict: Validation,
    /// The machine.
    pub activation: Option<Machine>,
    /// Leave for it to work offline, signed.
    pub lease: Option<String>,
}

/// Whether uses or processings were taken.
#[derive(Clone, Debug, Deserialize)]
pub struct Consumed {
    /// Whether it is so.
    #[serde(flatten)]
    pub verdict: Validation,
    /// What was taken; none where nothing is counted.
    pub consumption: Option<Value>,
}

/// Whether a lease was given.
#[derive(Clone, Debug, Deserialize)]
pub struct Leased {
    /// Whether it is so.
    #[serde(flatten)]
    pub verdict: Validation,
    /// What the lease is: its id, units and times.
    pub leased: Option<Value>,
    /// The lease, signed.
    pub lease: Option<String>,
}

/// What a machine asks by the code of its license. The same body, written down and carried, is an activation request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Activation {
    /// The code, in either form.
    pub code: String,
    /// Whatever the program takes for the machine's fingerprint.
    pub fingerprint: String,
    /// What the program calls the machine.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The product that the program is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
}

/// Uses or processings to be taken.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Consumption {
    /// The code, in either form.
    pub code: String,
    /// How many.
    pub units: u64,
    /// A new one for each taking.
    pub key: String,
    /// What they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The machine, where machines are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// Leave to work offline that is asked for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LeaseWish {
    /// The code, in either form.
    pub code: String,
    /// The machine.
    pub fingerprint: String,
    /// A new one for each lease.
    pub key: String,
    /// For how long; as long as can be without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// How many uses or processings to set apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<u64>,
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

    /// Activates a machine, or gives one that is active leave anew.
    pub async fn activate(&self, machine: &Activation) -> Result<Activated, Error> {
        self.post("/v1/licenses/activate", machine).await
    }

    /// Deactivates a machine.
    pub async fn deactivate(&self, code: &str, fingerprint: &str) -> Result<Validation, Error> {
        let body = serde_json::json!({ "code": code, "fingerprint": fingerprint });
        self.post("/v1/licenses/deactivate", &body).await
    }

    /// Takes uses or processings, once per key.
    pub async fn consume(&self, wish: &Consumption) -> Result<Consumed, Error> {
        self.post("/v1/licenses/consume", wish).await
    }

    /// Leave to work offline.
    pub async fn lease(&self, wish: &LeaseWish) -> Result<Leased, Error> {
        self.post("/v1/licenses/lease", wish).await
    }

    /// Returns a lease of which `used` were used.
    pub async fn return_lease(
        &self,
        code: &str,
        lease: &str,
        used: u64,
    ) -> Result<Validation, Error> {
        let body = serde_json::json!({ "code": code, "lease": lease, "used": used });
        self.post("/v1/licenses/return", &body).await
    }

    /// Deactivates a machine of the account's own license.
    pub async fn deactivate_own(&self, license: &str, activation: &str) -> Result<License, Error> {
        let body = serde_json::json!({ "activation": activation });
        self.post(&format!("/v1/licenses/{}/deactivate", url::encode(license)), &body).await
    }
}
