//! Sessions: signing in and out.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use scrip_domain::account::plausible_email;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::caller::{Buyer, bearer};
use crate::extract::{Body, Source};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sign_in)).routes(routes!(sign_out))
}

/// Who signs in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignInBody {
    #[schema(example = "ada@example.com", max_length = 254)]
    email: String,
    #[schema(example = "correct horse battery", max_length = 200)]
    password: String,
}

/// A session that was opened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionOut {
    /// The bearer token; told once.
    token: String,
    expires_at: String,
}

/// Signs in.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "accounts", request_body = SignInBody,
    responses((status = 201, body = SessionOut), (status = 401, description = "`invalid_credentials`"))
)]
async fn sign_in(
    State(app): State<App>,
    source: Source,
    body: Body<SignInBody>,
) -> Result<(StatusCode, Json<SessionOut>), Problem> {
    let body = body.value;
    // What is no address has no account: nothing is looked up, nor hashed.
    if !plausible_email(body.email.trim()) || body.password.chars().count() > 200 {
        return Err(Problem::invalid_credentials("the address or the password is wrong"));
    }
    let opened = app.engine.sign_in(&body.email, &body.password, &source.0).await??;
    let token = opened.token.reveal().to_owned();
    Ok((StatusCode::CREATED, Json(SessionOut { token, expires_at: opened.expires_at.to_string() })))
}

/// Signs out: the session's token is worthless from now on.
#[utoipa::path(
    delete, path = "/v1/sessions/current", tag = "accounts", security(("bearer" = [])),
    responses((status = 204, description = "signed out"))
)]
async fn sign_out(State(app): State<App>, _: Buyer, parts: Parts) -> Result<StatusCode, Problem> {
    if let Some(token) = bearer(&parts)? {
        app.engine.sign_out(token).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
