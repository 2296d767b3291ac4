//! Invitations, at the merchant who accepts one: by a call that only its own server can sign.
//!
//! ```text
//! (nothing) ──staff hand in the provider's token──▶ asked ─▶ active at the provider, and on record here
//! ```
//! The provider keeps what comes of it. An answer that is lost is asked for again with the same token.

use scrip_domain::audit::Act;
use serde_json::json;

use crate::audit::Staff;
use crate::identity::not_now;
use crate::peer::PeerError;
use crate::provider::Accepted;
use crate::{Engine, Outcome};

/// Why no invitation was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptRefusal {
    /// This server is no merchant.
    NoProvider,
    /// The provider refuses, by a word of its own.
    Refused(String),
}

impl Engine {
    /// Accepts the provider's invitation with this token. Doing it again changes nothing.
    pub async fn accept_invitation(
        &self,
        by: Staff,
        token: &str,
    ) -> Outcome<Accepted, AcceptRefusal> {
        let Some(provider) = self.provider() else { return Ok(Err(AcceptRefusal::NoProvider)) };
        match provider.accept(token).await {
            Ok(accepted) => {
                let what = json!({ "merchant": { "from": null, "to": accepted.merchant } });
                self.record(by, Act::InvitationAccepted, provider.url().to_owned(), what).await?;
                Ok(Ok(accepted))
            }
            Err(PeerError::Refused { code, .. }) => Ok(Err(AcceptRefusal::Refused(code))),
            Err(error) => Err(not_now(&error)),
        }
    }
}
