//! The mail server that the configuration names, and who sends letters.

use std::sync::Arc;

use scrip_engine::mail::send::Mailed;
use scrip_engine::mail::{DemoPost, Mail, Post};
use scrip_engine::{Engine, Fault};
use scrip_mail::{Account, SmtpPost};
use scrip_web::Watch;

use crate::config::{Config, MailAccount, Secret};
use crate::failure::{Failure, Outcome};

/// What letters need: no way to a mail server where none is configured, but for a demo, which keeps its letters to itself.
/// Nothing is asked of the network.
pub fn open(config: &Config) -> Outcome<Mail> {
    let post: Option<Arc<dyn Post>> = match &config.mail {
        Some(account) => Some(Arc::new(smtp(account)?)),
        None if config.demo => Some(Arc::new(DemoPost::default())),
        None => None,
    };
    Ok(Mail { post, write: scrip_web::mail::write })
}

fn smtp(account: &MailAccount) -> Outcome<SmtpPost> {
    let MailAccount { server, port, security, user, password, from, reply_to } = account.clone();
    let password = password.as_ref().map(Secret::read).transpose()?;
    let credentials = user.zip(password);
    let post = SmtpPost::new(&Account { server, port, security, credentials, from, reply_to });
    post.map_err(|error| Failure::new(format!("mail: {}", Failure::of(&error))))
}

/// Says whether events become letters from now on.
pub async fn begin(engine: &Engine) -> Outcome {
    engine.open_postbox().await.map_err(|fault| Failure::of(&fault))?;
    let vendor = engine.vendor().await.map_err(|fault| Failure::of(&fault))?;
    if vendor.settings.mail.verify && !engine.has_mail() {
        tracing::warn!(
            "mail.verify is on and no mail is configured: accounts that are not verified permit nothing"
        );
    }
    Ok(())
}

/// Sends letters that are due.
pub async fn send(watch: Arc<Watch>) -> Result<(), Fault> {
    for mailed in watch.app().engine.send_letters().await? {
        if let Mailed::GivenUp(letter) = mailed {
            tracing::warn!(%letter, "a letter is given up; its row says why");
        }
        watch.metrics.mailed(mailed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use scrip_mail::Security;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_mail_server_is_told_without_its_password() {
        let account = |from: &str, security| MailAccount {
            server: "smtp.example".into(),
            port: 25,
            security,
            user: Some("shop".into()),
            password: Some(Secret::Given("hush".into())),
            from: from.into(),
            reply_to: None,
        };
        let told = |account: &MailAccount, expected: &str| {
            let refusal = smtp(account).unwrap_err().to_string();
            assert!(refusal.contains(expected) && !refusal.contains("hush"), "{refusal}");
        };
        told(&account("shop", Security::None), "starttls");
        told(&account("shop", Security::StartTls), "from must be an address");
    }
}
