//! Verifying the address of an account.

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::caller::Spender;
use crate::extract::Body;
use crate::problem::Problem;
use crate::text::Visible;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ask)).routes(routes!(verify))
}

/// Sends the letter with the link once more. Where the address is verified already, nothing is sent.
#[utoipa::path(
    post, path = "/v1/account/verification", tag = "accounts", security(("bearer" = [])),
    responses(
        (status = 202, description = "the letter is on its way"),
        (status = 404, description = "`not_found`: this server sends no mail"),
        (status = 429, description = "`rate_limited`"),
    )
)]
async fn ask(State(app): State<App>, Spender(buyer): Spender) -> Result<StatusCode, Problem> {
    app.engine.ask_verification(buyer).await??;
    Ok(StatusCode::ACCEPTED)
}

/// What the link in the letter carries.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "token": "eyJ2Ijp7ImEiOiJhY2NfMDAwMDAwMDAwMDAwMSJ9fQ" }))]
struct VerificationBody {
    #[schema(inline)]
    token: Visible<1000>,
}

/// Verifies the address that the link was sent to. Doing it again changes nothing. An address that was asked for with `POST
/// /v1/account/email` takes the place of the account's then: its link is good once, and every session of the account ends.
#[utoipa::path(
    post, path = "/v1/verifications", tag = "accounts", request_body = VerificationBody,
    responses(
        (status = 204, description = "verified"),
        (status = 403, description = "`link_refused`"),
        (status = 409, description = "`email_taken`: the address has an account of its own"),
    )
)]
async fn verify(
    State(app): State<App>,
    body: Body<VerificationBody>,
) -> Result<StatusCode, Problem> {
    app.engine.verify_address(&body.value.token.0, None).await??;
    Ok(StatusCode::NO_CONTENT)
}
