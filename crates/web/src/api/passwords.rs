//! New passwords: with the old one, or with a link that is sent to the account's address.

use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use scrip_domain::account::plausible_email;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::second_factors::{problem, shown};
use crate::App;
use crate::caller::{Spender, bearer};
use crate::extract::{Body, Source};
use crate::problem::Problem;
use crate::text::{Any, Line, Visible};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(change)).routes(routes!(ask)).routes(routes!(complete))
}

/// The old password and the new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordChange, example = json!({ "old": "correct horse battery", "new": "staple correct horse" }))]
struct ChangeBody {
    #[schema(inline)]
    old: Any<0, 200>,
    #[schema(inline)]
    new: Any<8, 200>,
    /// A code of the second factor, or a recovery code, where the account has one.
    #[serde(default)]
    #[schema(inline)]
    otp: Option<Line<1, 40>>,
}

/// Changes the password. Every other session of the account ends.
#[utoipa::path(
    post, path = "/v1/account/password", tag = "accounts", security(("bearer" = [])), request_body = ChangeBody,
    responses(
        (status = 204, description = "changed"),
        (status = 400, description = "`invalid_field`: the code is wrong"),
        (status = 401, description = "`invalid_credentials`: the old password is wrong"),
    )
)]
async fn change(
    State(app): State<App>,
    Spender(buyer): Spender,
    source: Source,
    parts: Parts,
    body: Body<ChangeBody>,
) -> Result<StatusCode, Problem> {
    let (kept, ChangeBody { old, new, otp }) = (bearer(&parts)?, body.value);
    let shown = shown(&old.0, otp.as_ref(), &source);
    app.engine.change_password(buyer, shown, &new.0, kept).await?.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose password is to be another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordReset)]
struct AskBody {
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
}

/// Sends a link to a new password to the address, if it has an account. Whether it has one is not told.
#[utoipa::path(
    post, path = "/v1/password-resets", tag = "accounts", request_body = AskBody,
    responses(
        (status = 202, description = "if the address has an account, a letter is on its way"),
        (status = 404, description = "`not_found`: this server sends no mail"),
        (status = 429, description = "`rate_limited`"),
    )
)]
async fn ask(
    State(app): State<App>,
    source: Source,
    body: Body<AskBody>,
) -> Result<StatusCode, Problem> {
    if !plausible_email(body.value.email.trim()) {
        return Err(Problem::field("email", "this is not an e-mail address"));
    }
    app.engine.ask_reset(&body.value.email, &source.0)?;
    Ok(StatusCode::ACCEPTED)
}

/// What the link in the letter carries, and the new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(
    as = PasswordResetCompletion,
    example = json!({ "token": "eyJ2Ijp7ImEiOiJhY2NfMDAwMDAwMDAwMDAwMSJ9fQ", "password": "staple correct horse" }),
)]
struct CompleteBody {
    #[schema(inline)]
    token: Visible<1000>,
    #[schema(inline)]
    password: Any<8, 200>,
}

/// Puts a new password in the place of the old one. The link is good once and for an hour; every session ends.
#[utoipa::path(
    post, path = "/v1/password-resets/complete", tag = "accounts", request_body = CompleteBody,
    responses((status = 204, description = "changed"), (status = 403, description = "`link_refused`"))
)]
async fn complete(State(app): State<App>, body: Body<CompleteBody>) -> Result<StatusCode, Problem> {
    let CompleteBody { token, password } = body.value;
    app.engine.reset_password(&token.0, &password.0).await??;
    Ok(StatusCode::NO_CONTENT)
}
