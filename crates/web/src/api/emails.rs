//! Another address for an account.

use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use scrip_domain::account::plausible_email;
use scrip_engine::email::{EmailAsked, EmailRefusal};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::second_factors::{problem, shown};
use crate::App;
use crate::caller::{AtWallets, Spender, bearer};
use crate::extract::{Body, Source};
use crate::problem::Problem;
use crate::text::{Any, Line};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(change))
}

/// The address that is to sign in, and what shows the account's owner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EmailChange, example = json!({ "email": "ada@example.org", "password": "correct horse battery" }))]
struct EmailBody {
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(inline)]
    password: Any<0, 200>,
    /// A code of the second factor, or a recovery code, where the account has one.
    #[serde(default)]
    #[schema(inline)]
    otp: Option<Line<1, 40>>,
}

/// Puts another address in the place of the account's. Where this server sends mail, the old one stays until the link that is
/// sent to the new one was opened, within a day; asked for again, only the last link is good. Then every session of the
/// account ends. Without mail it is changed at once, and every other session ends.
#[utoipa::path(
    post, path = "/v1/account/email", tag = "accounts", security(("bearer" = [])), request_body = EmailBody,
    responses(
        (status = 202, description = "a letter with a link is on its way to the new address"),
        (status = 204, description = "changed"),
        (status = 400, description = "`invalid_field`: the address is none, or the code is wrong"),
        (status = 401, description = "`invalid_credentials`"),
        (status = 404, description = "`not_found`: at a merchant, whose buyers have their accounts at the provider"),
        (status = 409, description = "`email_taken`; where this server sends mail, only the link tells"),
        (status = 429, description = "`rate_limited`"),
    )
)]
async fn change(
    _: AtWallets,
    State(app): State<App>,
    Spender(buyer): Spender,
    source: Source,
    parts: Parts,
    body: Body<EmailBody>,
) -> Result<StatusCode, Problem> {
    let (kept, EmailBody { email, password, otp }) = (bearer(&parts)?, body.value);
    if !plausible_email(email.trim()) {
        return Err(Problem::field("email", "this is not an e-mail address"));
    }
    let shown = shown(&password.0, otp.as_ref(), &source);
    match app.engine.change_email(buyer, &email, shown, kept).await? {
        Ok(EmailAsked::Changed) => Ok(StatusCode::NO_CONTENT),
        Ok(EmailAsked::Sent) => Ok(StatusCode::ACCEPTED),
        Err(EmailRefusal::Owner(refusal)) => Err(problem(refusal)),
        Err(refusal) => Err(refusal.into()),
    }
}
