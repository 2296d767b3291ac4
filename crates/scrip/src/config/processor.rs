//! The card processor: which account at which one.

use std::path::{Path, PathBuf};

use super::raw::Raw;
use crate::failure::{Failure, Outcome};

/// An account at Stripe. Its secrets stand in files of their own, which are read when the server starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripeAccount {
    /// Where the secret key is.
    pub secret_key_file: PathBuf,
    /// Where the webhook secret is.
    pub webhook_secret_file: PathBuf,
    /// What the buyer's browser shows to Stripe; no secret.
    pub publishable_key: String,
    /// Where Stripe's API stands.
    pub api_base: String,
}

impl StripeAccount {
    /// The account, if one is configured. Half of one is a mistake.
    pub fn of(raw: &Raw, folder: &Path) -> Outcome<Option<Self>> {
        let text = |name: &str| -> Outcome<Option<String>> {
            let text = raw.text(&format!("processor.stripe.{name}"))?;
            Ok(text.filter(|text| !text.is_empty()))
        };
        // Read in any case: what is of the wrong type is wrong without an account, too.
        let api_base = text("api_base")?;
        let names = ["secret_key_file", "webhook_secret_file", "publishable_key"];
        let [secret_key, webhook_secret, publishable_key] = names.map(text);
        let given = (secret_key?, webhook_secret?, publishable_key?);
        let (Some(secret_key), Some(webhook_secret), Some(publishable_key)) = given else {
            let (secret_key, webhook_secret, publishable_key) = given;
            let given = [secret_key, webhook_secret, publishable_key];
            if given.iter().all(Option::is_none) {
                return Ok(None);
            }
            let missing = names.iter().zip(&given).filter(|(_, given)| given.is_none());
            let missing: Vec<_> = missing.map(|(name, _)| *name).collect();
            let what = format!("processor.stripe lacks {}", missing.join(" and "));
            return Err(Failure::new(what).advise("docs/payments.md says where Stripe shows it."));
        };
        if !publishable_key.starts_with("pk_") {
            return Err(Failure::new("processor.stripe.publishable_key must begin with pk_"));
        }
        let api_base = api_base.unwrap_or_else(|| scrip_stripe::API_BASE.to_owned());
        Ok(Some(Self {
            secret_key_file: folder.join(secret_key),
            webhook_secret_file: folder.join(webhook_secret),
            publishable_key,
            api_base,
        }))
    }
}
