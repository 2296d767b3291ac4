//! What a merchant's staff asks of its provider.

use axum::extract::State;
use scrip_engine::invitation::AcceptRefusal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::{Admin, AtMerchant};
use crate::extract::Body;
use crate::problem::{Problem, kind};
use crate::text::Line;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(accept))
}

/// An invitation to accept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AcceptanceBody, example = json!({ "invitation": "kJ0vq4mJm1S3n7Vx2c0T9AkJ0vq4mJm1S3n7Vx2c0T9" }))]
struct AcceptanceBody {
    /// The token that the provider's staff told.
    #[schema(inline)]
    invitation: Line<1, 100>,
}

/// What this merchant is at its provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Acceptance)]
struct AcceptedOut {
    /// The provider's address.
    #[schema(example = "https://pay.example")]
    provider: String,
    /// The provider's name of this merchant.
    #[schema(example = "mer_06bq3v8k2m9zc")]
    merchant: String,
    /// Where it stands there; `active` sells.
    #[schema(example = "active")]
    state: String,
}

/// Accepts the provider's invitation, by a call that only this server can sign. At a merchant only. Doing it again
/// changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/provider/invitation", tag = "admin", security(("bearer" = [])),
    request_body = AcceptanceBody,
    responses(
        (status = 200, body = AcceptedOut),
        (status = 404, description = "`not_found`: this server is no merchant"),
        (status = 409, description = "`provider_refused`, with its `reason`"),
    )
)]
async fn accept(
    _: AtMerchant,
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<AcceptanceBody>,
) -> Result<Json<AcceptedOut>, Problem> {
    let Line(invitation) = body.value.invitation;
    let accepted = app.engine.accept_invitation(by, &invitation).await??;
    let provider = app.engine.provider().map(|provider| provider.url().to_owned());
    let (provider, merchant) = (provider.unwrap_or_default(), accepted.merchant);
    Ok(Json(AcceptedOut { provider, merchant, state: accepted.state }))
}

impl From<AcceptRefusal> for Problem {
    fn from(refusal: AcceptRefusal) -> Self {
        match refusal {
            AcceptRefusal::NoProvider => Self::not_found(),
            AcceptRefusal::Refused(code) => {
                let detail = match &*code {
                    "not_found" => "the provider knows no such invitation of this server's",
                    "signature_refused" => "the provider does not know a server at this address",
                    _ => "the provider does not accept this server",
                };
                Self::new(&kind::PROVIDER_REFUSED, detail).with("reason", code)
            }
        }
    }
}
