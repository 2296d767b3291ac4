//! Why no passkey is kept.

use scrip_domain::passkey::PASSKEYS;
use scrip_engine::passkey::{NoSuchPasskey, PasskeyRefusal, Unfit};

use super::{Problem, kind};
use crate::language::{t, text};

impl From<PasskeyRefusal> for Problem {
    fn from(refusal: PasskeyRefusal) -> Self {
        match refusal {
            PasskeyRefusal::Owner(refusal) => refusal.into(),
            PasskeyRefusal::Unavailable => Self::new(
                &kind::NOT_FOUND,
                t(
                    "browsers keep passkeys for an https address with a name, which this server does not have",
                ),
            ),
            PasskeyRefusal::Unfit(unfit) => Self::field(
                "credential",
                match unfit {
                    Unfit::Elsewhere => t("this is a passkey for another site"),
                    Unfit::Unreadable => t("this is not what a browser says of a passkey"),
                    Unfit::NotRecognized => t(
                        "the device did not check who holds it: set up a fingerprint, a face or a PIN on it",
                    ),
                    Unfit::Kind => t("this device makes keys of a kind that is not known here"),
                },
            ),
            PasskeyRefusal::Late => {
                Self::field("credential", t("this took too long, or was done already: begin again"))
            }
            PasskeyRefusal::Known => {
                Self::field("credential", t("the account has this passkey already"))
            }
            PasskeyRefusal::TooMany => Self::new(
                &kind::TOO_MANY_PASSKEYS,
                text!("an account has at most {most} passkeys: remove one first", most = PASSKEYS),
            ),
        }
    }
}

impl From<NoSuchPasskey> for Problem {
    fn from(_: NoSuchPasskey) -> Self {
        Self::not_found()
    }
}
