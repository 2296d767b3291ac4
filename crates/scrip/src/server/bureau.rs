//! The external bureau that the configuration names.

use std::sync::Arc;

use scrip_bureau::HttpBureau;
use scrip_engine::bureau::Bureau;

use crate::config::{BureauAccount, Config};
use crate::failure::{Failure, Outcome};
use crate::vault;

/// The bureau; none where none is configured. Nothing is asked of the network.
pub fn open(config: &Config) -> Outcome<Option<Arc<dyn Bureau>>> {
    config.bureau.as_ref().map(http).transpose()
}

fn http(account: &BureauAccount) -> Outcome<Arc<dyn Bureau>> {
    let secret = vault::read(&account.secret_file)?;
    let bureau = HttpBureau::new(&account.url, secret.trim(), account.budget);
    let bureau = bureau.map_err(|error| {
        let failure = Failure::of(&error);
        Failure::new(format!("bureau: {failure}"))
    })?;
    Ok(Arc::new(bureau))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_bureau_is_told_without_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        let secret_file = folder.path().join("bureau.secret");
        let account = |url: &str, secret: &str, mode| {
            fs::write(&secret_file, format!("{secret}\n")).unwrap();
            fs::set_permissions(&secret_file, fs::Permissions::from_mode(mode)).unwrap();
            let budget = Duration::from_secs(1);
            BureauAccount { url: url.to_owned(), secret_file: secret_file.clone(), budget }
        };
        let (url, secret) =
            ("https://bureau.example/ask", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let opened = http(&account(url, secret, 0o600)).unwrap();
        assert!(!format!("{opened:?}").contains("MfKQ"));
        let told = |account: &BureauAccount, expected: &str| {
            let refusal = http(account).unwrap_err().to_string();
            assert!(refusal.contains(expected) && !refusal.contains("MfKQ"), "{refusal}");
        };
        told(&account(url, secret, 0o644), "chmod 600");
        told(&account(url, "whsec_MfKQ", 0o600), "24 bytes");
        told(&account("http://bureau.example/ask", secret, 0o600), "https://");
    }
}
