//! The mail server that takes letters.

use std::path::Path;

use scrip_mail::Security;

use super::raw::Raw;
use super::secret::Secret;
use crate::failure::{Failure, Outcome};

/// A mail server, and in whose name letters are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAccount {
    /// Its host.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the way there is kept from others.
    pub security: Security,
    /// Who sends, to the server; nobody, where it asks nobody.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// Who sends, to people.
    pub from: String,
    /// Who gets answers.
    pub reply_to: Option<String>,
}

impl MailAccount {
    /// The mail server, if one is configured. Half of one is a mistake.
    pub fn of(raw: &Raw, folder: &Path) -> Outcome<Option<Self>> {
        let text = |name: &str| -> Outcome<Option<String>> {
            Ok(raw.text(&format!("mail.{name}"))?.filter(|text| !text.is_empty()))
        };
        let expected = "\"starttls\", \"tls\" or \"none\"";
        let security = raw.read("mail.tls", expected, |value| match value.text()? {
            "starttls" => Some(Security::StartTls),
            "tls" => Some(Security::Tls),
            "none" => Some(Security::None),
            _ => None,
        })?;
        let security = security.unwrap_or(Security::StartTls);
        let port = raw.number("mail.port", 0..=65_535)?.filter(|port| *port != 0);
        let (from, reply_to, user) = (text("from")?, text("reply_to")?, text("user")?);
        let password = Secret::of(raw, folder, "mail.password")?;
        let Some(server) = text("server")? else {
            let others = [
                ("from", from.is_some()),
                ("reply_to", reply_to.is_some()),
                ("user", user.is_some()),
                ("password_file", password.as_ref().is_some_and(|secret| secret.file().is_some())),
            ];
            return match others.iter().find(|(_, given)| *given) {
                Some((name, _)) => {
                    Err(Failure::new(format!("mail.{name} is given, and no mail.server"))
                        .advise("Without a server no letters are sent."))
                }
                None => Ok(None),
            };
        };
        let lacks = |what: &str| {
            Failure::new(format!("mail lacks {what}")).advise("docs/mail.md says what mail needs.")
        };
        let from = from.ok_or_else(|| lacks("from"))?;
        if user.is_some() != password.is_some() {
            let missing = if user.is_some() {
                "password_file, or SCRIP_MAIL_PASSWORD in the environment"
            } else {
                "user"
            };
            return Err(lacks(missing));
        }
        let port = port.unwrap_or(security.port());
        Ok(Some(Self { server, port, security, user, password, from, reply_to }))
    }
}
