//! Letters by SMTP (RFC 5321), behind the engine's port: one message over one connection, within a minute.
//!
//! Whoever hands a letter over twice hands over the same message, with the same name (`Message-ID`) and date, so that
//! mail programs know it again.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use scrip_domain::Timestamp;
use scrip_engine::mail::{Message, Post, Posted};

/// How long each step of the conversation may take, and all of it.
const STEP: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_mins(1);

/// How what is sent is kept from others on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS after a few words in the clear, or nothing is sent (RFC 3207).
    StartTls,
    /// TLS from the first byte on (RFC 8314).
    Tls,
    /// None.
    None,
}

impl Security {
    /// The port that servers use for it.
    pub fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// A mail server, and in whose name letters are sent.
#[derive(Clone)]
pub struct Account {
    /// Its host.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the way there is kept from others.
    pub security: Security,
    /// User and password, if it asks for them.
    pub credentials: Option<(String, String)>,
    /// Who sends: an address, perhaps with a name before it.
    pub from: String,
    /// Who gets answers, if not the sender.
    pub reply_to: Option<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Why there can be no post.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Nobody could answer.
    #[error("{0} must be an address such as Aurora <shop@example.com>")]
    Address(&'static str),
    /// A password would go in the clear.
    #[error(
        "with a user, tls must be \"starttls\" or \"tls\", but for a server on this very machine"
    )]
    Clear,
    /// Without authorities nobody's certificate can be checked.
    #[error("TLS cannot be used: {0}")]
    Tls(String),
}

/// The way to a mail server.
pub struct SmtpPost {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
}

impl fmt::Debug for SmtpPost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpPost").finish_non_exhaustive()
    }
}

impl SmtpPost {
    /// The way to this server. Nothing is asked of the network yet.
    pub fn new(account: &Account) -> Result<Self, SetupError> {
        let here = matches!(account.server.as_str(), "localhost" | "127.0.0.1" | "::1");
        if account.credentials.is_some() && account.security == Security::None && !here {
            return Err(SetupError::Clear);
        }
        let mailbox = |text: &str, field| text.parse().map_err(|_| SetupError::Address(field));
        let from: Mailbox = mailbox(&account.from, "from")?;
        let reply_to = account.reply_to.as_deref();
        let reply_to = reply_to.map(|text| mailbox(text, "reply_to")).transpose()?;
        let tls = || {
            let parameters = TlsParameters::new(account.server.clone());
            parameters.map_err(|error| SetupError::Tls(chain(&error)))
        };
        let tls = match account.security {
            Security::StartTls => Tls::Required(tls()?),
            Security::Tls => Tls::Wrapper(tls()?),
            Security::None => Tls::None,
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&account.server)
            .port(account.port)
            .tls(tls)
            .timeout(Some(STEP))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        let builder = match account.credentials.clone() {
            Some((user, password)) => builder.credentials(Credentials::new(user, password)),
            None => builder,
        };
        Ok(Self { transport: builder.build(), from, reply_to })
    }

    async fn hand_over(&self, message: &Message) -> Posted {
        let Ok(to) = message.to.parse::<Address>() else {
            return Posted::Refused("this is no address that mail can be sent to".to_owned());
        };
        let email = match self.email(message, to) {
            Ok(email) => email,
            Err(error) => return Posted::Refused(chain(&error)),
        };
        match tokio::time::timeout(PATIENCE, self.transport.send(email)).await {
            Ok(Ok(_)) => Posted::Accepted,
            Ok(Err(error)) if is_final(&error, &message.to) => Posted::Refused(chain(&error)),
            Ok(Err(error)) => Posted::Later(chain(&error)),
            Err(_) => Posted::Later("it took too long".to_owned()),
        }
    }

    fn email(
        &self,
        message: &Message,
        to: Address,
    ) -> Result<lettre::Message, lettre::error::Error> {
        let name = format!("<{}@{}>", message.name, self.from.email.domain());
        let auto = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.words.subject.clone())
            .message_id(Some(name))
            .date(system(message.at))
            .raw_header(HeaderValue::new(auto, "auto-generated".to_owned()));
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        let part = |kind, text: &str| SinglePart::builder().header(kind).body(text.to_owned());
        // The boundary is no chance either: the same letter has the same bytes.
        let parts = MultiPart::alternative()
            .boundary(format!("scrip-{}", message.name))
            .singlepart(part(ContentType::TEXT_PLAIN, &message.words.text))
            .singlepart(part(ContentType::TEXT_HTML, &message.words.html));
        builder.multipart(parts)
    }
}

impl Post for SmtpPost {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Posted> {
        self.hand_over(message).boxed()
    }
}

/// Whether the server will never take this message: it refuses the mailbox or what is in it, or cannot carry such an
/// address. What it says of us (a password, a command, its own state) may be mended.
fn is_final(error: &SmtpError, to: &str) -> bool {
    let code = error.status().map(u16::from);
    // What else is called a client's error is a server without STARTTLS, or without a way to sign in: that is mended.
    error.is_client() && !to.is_ascii() || error.is_permanent() && matches!(code, Some(550..=556))
}

fn system(at: Timestamp) -> SystemTime {
    let millis = u64::try_from(at.millis()).unwrap_or(0);
    UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH)
}

/// An error with what caused it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use scrip_engine::mail::Words;

    use super::*;

    fn account() -> Account {
        Account {
            server: "127.0.0.1".into(),
            port: 25,
            security: Security::None,
            credentials: None,
            from: "Aurora \"A\" Instruments <shop@shop.example>".into(),
            reply_to: Some("help@shop.example".into()),
        }
    }

    fn message() -> Message {
        let words = Words {
            subject: "Übung\r\nBcc: eve@evil.example".into(),
            text: format!("Grüße\n{}\n", "e".repeat(2000)),
            html: "<p>Grüße</p>".into(),
        };
        let at = Timestamp::from_millis(1_795_348_800_000);
        let name = "let_0000000000007".into();
        Message { name, to: "ada@example.com".into(), at, words }
    }

    fn bytes() -> String {
        let post =
            SmtpPost::new(&Account { from: "shop@shop.example".into(), ..account() }).unwrap();
        let email = post.email(&message(), "ada@example.com".parse().unwrap()).unwrap();
        String::from_utf8(email.formatted()).unwrap()
    }

    #[test]
    fn the_same_letter_has_the_same_bytes_and_says_what_it_is() {
        let sent = bytes();
        assert_eq!(sent, bytes());
        let (head, _) = sent.split_once("\r\n\r\n").unwrap();
        for line in [
            "Message-ID: <let_0000000000007@shop.example>",
            "Date: Sun, 22 Nov 2026 12:00:00 +0000",
            "Auto-Submitted: auto-generated",
            "Reply-To: help@shop.example",
            "To: ada@example.com",
            "Content-Type: multipart/alternative;",
        ] {
            assert!(head.contains(line), "{line}: {head}");
        }
        assert!(head.lines().all(|line| !line.starts_with("Bcc")), "{head}");
        assert!(sent.is_ascii() && sent.lines().all(|line| line.len() <= 998));
    }

    #[test]
    fn a_password_goes_in_the_clear_to_nobody_but_this_machine() {
        let secret = Some(("u".to_owned(), "hush".to_owned()));
        let here = Account { credentials: secret, ..account() };
        assert!(!format!("{here:?} {:?}", SmtpPost::new(&here).unwrap()).contains("hush"));
        let there = Account { server: "smtp.example".into(), ..here.clone() };
        assert!(matches!(SmtpPost::new(&there), Err(SetupError::Clear)));
        let nobody = Account { from: "shop".into(), ..account() };
        assert!(matches!(SmtpPost::new(&nobody), Err(SetupError::Address("from"))));
        let nobody = Account { reply_to: Some("x".into()), ..account() };
        assert!(matches!(SmtpPost::new(&nobody), Err(SetupError::Address("reply_to"))));
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused_and_who_is_not_there_is_asked_later() {
        let post = SmtpPost::new(&Account { port: 9, ..account() });
        let post = post.unwrap_or_else(|_| {
            SmtpPost::new(&Account { from: "a@b.example".into(), port: 9, ..account() }).unwrap()
        });
        let nobody = Message { to: "no body".into(), ..message() };
        assert!(matches!(post.send(&nobody).await, Posted::Refused(_)));
        assert!(matches!(post.send(&message()).await, Posted::Later(_)));
    }
}
