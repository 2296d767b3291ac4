//! The card processor that the configuration names.

use std::sync::Arc;

use scrip_domain::{Clock, Entropy};
use scrip_engine::processor::demo::{Calm, DemoProcessor};
use scrip_engine::processor::{Processor, Secret};
use scrip_stripe::{PATIENCE, Settings, Stripe};

use crate::config::{Config, StripeAccount};
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome};
use crate::vault;

/// The processor; none where none is configured, in a demo the one that moves no money. Nothing is asked of
/// the network.
pub fn open(config: &Config, clock: &Arc<dyn Clock>) -> Outcome<Option<Arc<dyn Processor>>> {
    match &config.stripe {
        Some(account) => stripe(account).map(Some),
        None if config.demo => {
            let mut secret = [0; 32];
            SystemEntropy.fill(&mut secret);
            let demo = DemoProcessor::new(clock.clone(), secret, Box::new(Calm));
            Ok(Some(Arc::new(demo.with_page())))
        }
        None => Ok(None),
    }
}

fn stripe(account: &StripeAccount) -> Outcome<Arc<dyn Processor>> {
    let secret_key = vault::read(&account.secret_key_file)?;
    let webhook_secret = vault::read(&account.webhook_secret_file)?;
    let (secret_key, publishable_key) = (secret_key.trim(), account.publishable_key.as_str());
    let settings = Settings {
        secret_key: Secret::new(secret_key),
        publishable_key: publishable_key.to_owned(),
        webhook_secret: Secret::new(webhook_secret.trim()),
        api_base: account.api_base.clone(),
        patience: PATIENCE,
    };
    let stripe = Stripe::new(&settings).map_err(|error| {
        let failure = Failure::of(&error);
        Failure::new(format!("processor.stripe: {failure}"))
    })?;
    if is_test(secret_key) != is_test(publishable_key) {
        return Err(Failure::new("one of Stripe's two keys is for tests, the other one is not")
            .advise(
                "Take both from the same mode: sk_test_ with pk_test_, sk_live_ with pk_live_.",
            ));
    }
    Ok(Arc::new(stripe))
}

/// Whether a key is one of Stripe's test mode: `sk_test_…`.
fn is_test(key: &str) -> bool {
    key.split('_').nth(1) == Some("test")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    /// The account of a folder with these secrets.
    fn account(folder: &Path, secret_key: &str, webhook_secret: &str) -> StripeAccount {
        let write = |name: &str, secret: &str| {
            let path = folder.join(name);
            fs::write(&path, format!("{secret}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path
        };
        StripeAccount {
            secret_key_file: write("stripe.key", secret_key),
            webhook_secret_file: write("stripe.webhook", webhook_secret),
            publishable_key: "pk_test_1".to_owned(),
            api_base: scrip_stripe::API_BASE.to_owned(),
        }
    }

    fn refusal(account: &StripeAccount) -> String {
        let refusal = stripe(account).unwrap_err().to_string();
        assert!(!refusal.contains("hidden"), "{refusal}");
        refusal
    }

    #[test]
    fn a_good_account_is_opened_and_shows_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let opened = stripe(&account(folder.path(), "sk_test_hidden", "whsec_hidden")).unwrap();
        assert_eq!(opened.name(), "stripe");
        assert!(!format!("{opened:?}").contains("hidden"));
    }

    #[test]
    fn what_is_wrong_with_an_account_is_told_without_its_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let account = |key, secret| account(folder.path(), key, secret);
        let told = |key, secret, expected: &str| {
            let refusal = refusal(&account(key, secret));
            assert!(refusal.contains(expected), "{refusal}");
        };
        told("sk_live_hidden", "whsec_hidden", "is for tests");
        told("whsec_hidden", "whsec_hidden", "does not begin with sk_");
        told("sk_test_hidden", "hidden", "does not begin with whsec_");
        let good = account("sk_test_hidden", "whsec_hidden");
        let clear = StripeAccount { api_base: "http://api.stripe.com".to_owned(), ..good.clone() };
        assert!(refusal(&clear).contains("https://"));
        let gone = StripeAccount { secret_key_file: folder.path().join("gone"), ..good.clone() };
        assert!(refusal(&gone).contains("gone"));
        fs::set_permissions(&good.webhook_secret_file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(refusal(&good).contains("chmod 600"));
    }
}
