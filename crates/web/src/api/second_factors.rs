//! The second factor of an account.

use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use scrip_engine::factor::FactorRefusal;
use scrip_engine::factor::buyer::{OwnerRefusal, Shown};
use scrip_engine::password::PasswordRefusal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::authenticator;
use crate::caller::{AtWallets, Spender, bearer};
use crate::extract::{Body, Source};
use crate::problem::Problem;
use crate::text::{Any, Line};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(begin, remove)).routes(routes!(confirm))
}

/// The account's password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecondFactorBegin, example = json!({ "password": "correct horse battery" }))]
struct BeginBody {
    #[schema(inline)]
    password: Any<0, 200>,
}

/// A secret that an authenticator is to know. It counts for nothing until a code of it was seen.
#[derive(Serialize, ToSchema)]
#[schema(as = SecondFactorSecret)]
struct SecretOut {
    /// In base32 (RFC 4648).
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    secret: String,
    /// The same as an address that authenticators take, from a QR code for one.
    #[schema(
        example = "otpauth://totp/Aurora:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Aurora&algorithm=SHA1&digits=6&period=30"
    )]
    uri: String,
}

/// Begins to set a second factor up: codes of an authenticator (RFC 6238: SHA-1, six digits, 30 seconds). Begun again, only the
/// last secret counts.
#[utoipa::path(
    post, path = "/v1/account/second-factor", tag = "accounts", security(("bearer" = [])), request_body = BeginBody,
    responses(
        (status = 201, body = SecretOut),
        (status = 401, description = "`invalid_credentials`"),
        (status = 404, description = "`not_found`: it is on already; or at a merchant, whose buyers have their accounts at the provider"),
        (status = 429, description = "`rate_limited`"),
    )
)]
async fn begin(
    _: AtWallets,
    State(app): State<App>,
    Spender(buyer): Spender,
    source: Source,
    body: Body<BeginBody>,
) -> Result<(StatusCode, Json<SecretOut>), Problem> {
    let proof = (body.value.password.0.as_str(), source.0.as_str());
    let secret = app.engine.begin_own_factor(buyer, proof).await?.map_err(problem)?;
    let member = app.engine.member(buyer.account).await?.ok_or_else(Problem::not_found)?;
    let vendor = app.engine.vendor().await?;
    let uri = authenticator::uri(&secret, &vendor.settings.name, &member.account.email);
    Ok((StatusCode::CREATED, Json(SecretOut { secret, uri })))
}

/// A code of the secret that was set up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecondFactorConfirmation, example = json!({ "otp": "123456" }))]
struct ConfirmBody {
    #[schema(inline)]
    otp: Line<1, 40>,
}

/// What signs in where the authenticator is lost.
#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryCodes)]
struct RecoveryOut {
    /// Each is good once, in the place of a code. They are told once.
    #[schema(example = json!(["abcd-efgh-jkmn"]))]
    recovery_codes: Vec<String>,
}

/// Turns the second factor on, by a code of its secret. Every other session of the account ends; keys of programs go on.
#[utoipa::path(
    post, path = "/v1/account/second-factor/confirm", tag = "accounts", security(("bearer" = [])), request_body = ConfirmBody,
    responses(
        (status = 200, body = RecoveryOut),
        (status = 400, description = "`invalid_field`: the code is wrong"),
        (status = 404, description = "`not_found`: nothing was begun, or it is on already; or at a merchant"),
        (status = 429, description = "`rate_limited`"),
    )
)]
async fn confirm(
    _: AtWallets,
    State(app): State<App>,
    Spender(buyer): Spender,
    parts: Parts,
    body: Body<ConfirmBody>,
) -> Result<Json<RecoveryOut>, Problem> {
    let kept = bearer(&parts)?;
    let confirmed = app.engine.confirm_own_factor(buyer, &body.value.otp.0, kept).await?;
    let recovery_codes = confirmed.map_err(|refusal| problem(refusal.into()))?;
    Ok(Json(RecoveryOut { recovery_codes }))
}

/// The account's password, and a code of its second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecondFactorRemoval, example = json!({ "password": "correct horse battery", "otp": "123456" }))]
struct RemoveBody {
    #[schema(inline)]
    password: Any<0, 200>,
    /// Or a recovery code.
    #[schema(inline)]
    otp: Line<1, 40>,
}

/// Turns the second factor off.
#[utoipa::path(
    delete, path = "/v1/account/second-factor", tag = "accounts", security(("bearer" = [])), request_body = RemoveBody,
    responses(
        (status = 204, description = "off"),
        (status = 400, description = "`invalid_field`: the code is wrong"),
        (status = 401, description = "`invalid_credentials`"),
        (status = 404, description = "`not_found`: it is off already; or at a merchant"),
        (status = 429, description = "`rate_limited`"),
    )
)]
async fn remove(
    _: AtWallets,
    State(app): State<App>,
    Spender(buyer): Spender,
    source: Source,
    body: Body<RemoveBody>,
) -> Result<StatusCode, Problem> {
    let RemoveBody { password, otp } = body.value;
    let shown = shown(&password.0, Some(&otp), &source);
    app.engine.remove_own_factor(buyer, shown).await?.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the owner shows by these fields.
pub fn shown<'a>(password: &'a str, otp: Option<&'a Line<1, 40>>, source: &'a Source) -> Shown<'a> {
    Shown { password, code: otp.map_or("", |otp| &otp.0), source: &source.0 }
}

/// Why it is not believed that the owner asks, as programs know the fields.
pub fn problem(refusal: OwnerRefusal) -> Problem {
    match refusal {
        OwnerRefusal::Password(PasswordRefusal::RateLimited(wait)) => Problem::rate_limited(wait.0),
        OwnerRefusal::Password(_) => {
            Problem::invalid_credentials("this is not the account's password")
        }
        OwnerRefusal::Factor(FactorRefusal::WrongCode) => {
            Problem::field("otp", "a code is missing, wrong, or was used: wait for the next one")
        }
        OwnerRefusal::Factor(refusal) => refusal.into(),
    }
}
