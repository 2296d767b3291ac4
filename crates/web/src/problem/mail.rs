//! Why no letter is sent, and why a link in one opens nothing.

use crate::language::t;
use scrip_engine::email::EmailRefusal;
use scrip_engine::factor::buyer::OwnerRefusal;
use scrip_engine::mail::forward::ForwardRefusal;
use scrip_engine::password::{PasswordRefusal, ResetRefusal};
use scrip_engine::verification::{LinkRefused, VerificationRefusal, VerifyRefusal};

use super::{Problem, kind};

impl From<LinkRefused> for Problem {
    fn from(_: LinkRefused) -> Self {
        Self::new(
            &kind::LINK_REFUSED,
            t("the link is wrong, too old, or was used: ask for a new one"),
        )
    }
}

impl From<ForwardRefusal> for Problem {
    fn from(refusal: ForwardRefusal) -> Self {
        match refusal {
            ForwardRefusal::NoSuchSubject => Self::not_found(),
            ForwardRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
        }
    }
}

impl From<PasswordRefusal> for Problem {
    fn from(refusal: PasswordRefusal) -> Self {
        match refusal {
            PasswordRefusal::Link => LinkRefused.into(),
            PasswordRefusal::InvalidCredentials | PasswordRefusal::RateLimited(_) => {
                OwnerRefusal::Password(refusal).into()
            }
        }
    }
}

impl From<EmailRefusal> for Problem {
    fn from(refusal: EmailRefusal) -> Self {
        match refusal {
            EmailRefusal::Owner(refusal) => refusal.into(),
            EmailRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
            EmailRefusal::Taken => Self::email_taken(t("this address has an account")),
        }
    }
}

impl From<VerifyRefusal> for Problem {
    fn from(refusal: VerifyRefusal) -> Self {
        match refusal {
            VerifyRefusal::Link => LinkRefused.into(),
            VerifyRefusal::EmailTaken => Self::email_taken(t("this address has an account")),
        }
    }
}

impl From<ResetRefusal> for Problem {
    fn from(refusal: ResetRefusal) -> Self {
        match refusal {
            ResetRefusal::NoMail => Self::no_mail(),
            ResetRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
        }
    }
}

impl From<VerificationRefusal> for Problem {
    fn from(refusal: VerificationRefusal) -> Self {
        match refusal {
            VerificationRefusal::NoMail => Self::no_mail(),
            VerificationRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
        }
    }
}

impl Problem {
    fn no_mail() -> Self {
        Self::new(&kind::NOT_FOUND, t("this server sends no mail: ask the vendor"))
    }
}
