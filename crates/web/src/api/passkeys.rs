//! The passkeys of an account.

use axum::extract::State;
use http::StatusCode;
use scrip_domain::passkey::Passkey;
use scrip_engine::passkey::PasskeyRefusal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::second_factors::{self, shown};
use crate::App;
use crate::answer::Json;
use crate::caller::{AtWallets, Spender};
use crate::extract::{Body, IdPath, Source};
use crate::passkey::{Created, CreationOptions, RequestOptions};
use crate::problem::Problem;
use crate::text::{Any, Line};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(invite))
        .routes(routes!(keep))
        .routes(routes!(remove))
        .routes(routes!(ask))
}

/// A passkey of the account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Passkey)]
pub struct PasskeyOut {
    #[schema(example = "psk_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "My phone")]
    name: String,
    /// Whether more than one device keeps it, as far as the last one has said.
    synced: bool,
    created_at: String,
    /// When it signed in last.
    #[schema(required)]
    used_at: Option<String>,
}

impl From<&Passkey> for PasskeyOut {
    fn from(passkey: &Passkey) -> Self {
        Self {
            id: passkey.id.to_string(),
            name: passkey.name.clone(),
            synced: passkey.synced,
            created_at: passkey.created_at.to_string(),
            used_at: passkey.used_at.map(|at| at.to_string()),
        }
    }
}

/// What shows that the account is the caller's.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasskeyInvitation, example = json!({ "password": "correct horse battery" }))]
struct InviteBody {
    #[schema(inline)]
    password: Any<0, 200>,
    /// A code of the second factor, or a recovery code, where the account has one.
    #[serde(default)]
    #[schema(inline)]
    otp: Option<Line<1, 40>>,
}

/// Asks for a new passkey: what `navigator.credentials.create({publicKey})` takes, through
/// `PublicKeyCredential.parseCreationOptionsFromJSON`. From then on it signs in without the password and without a code.
#[utoipa::path(
    post, path = "/v1/account/passkeys/options", tag = "accounts", security(("bearer" = [])), request_body = InviteBody,
    responses(
        (status = 200, body = CreationOptions),
        (status = 400, description = "`invalid_field`: a code of the second factor is missing or wrong"),
        (status = 401, description = "`invalid_credentials`"),
        (status = 404, description = "`not_found`: browsers keep no passkeys for this server, which has no https address with a name; or at a merchant, whose buyers have their accounts at the provider"),
        (status = 409, description = "`too_many_passkeys`"),
        (status = 429, description = "`rate_limited`"),
    )
)]
async fn invite(
    _: AtWallets,
    State(app): State<App>,
    Spender(buyer): Spender,
    source: Source,
    body: Body<InviteBody>,
) -> Result<Json<CreationOptions>, Problem> {
    let InviteBody { password, otp } = body.value;
    let shown = shown(&password.0, otp.as_ref(), &source);
    let invitation = app.engine.invite_passkey(buyer, shown).await?.map_err(problem)?;
    let member = app.engine.member(buyer.account).await?.ok_or_else(Problem::not_found)?;
    let vendor = app.engine.vendor().await?;
    Ok(Json(CreationOptions::new(invitation, &vendor.settings.name, &member.account)))
}

/// A passkey that was made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasskeyBody)]
struct KeepBody {
    /// What its owner calls it.
    #[schema(inline, example = "My phone")]
    name: Line<1, 100>,
    /// What `navigator.credentials.create()` gave, by its `toJSON()`.
    credential: Created,
}

/// Keeps a passkey that was made for these options, once within five minutes.
#[utoipa::path(
    post, path = "/v1/account/passkeys", tag = "accounts", security(("bearer" = [])), request_body = KeepBody,
    responses(
        (status = 201, body = PasskeyOut),
        (status = 400, description = "`invalid_field`: the device or the browser says something else than was asked for, or too late"),
        (status = 404, description = "`not_found`: as for the options"),
        (status = 409, description = "`too_many_passkeys`"),
    )
)]
async fn keep(
    _: AtWallets,
    State(app): State<App>,
    Spender(buyer): Spender,
    body: Body<KeepBody>,
) -> Result<(StatusCode, Json<PasskeyOut>), Problem> {
    let KeepBody { name, credential } = body.value;
    let kept = app.engine.keep_passkey(buyer, credential.called(&name.0)).await?;
    Ok((StatusCode::CREATED, Json(PasskeyOut::from(&kept.map_err(problem)?))))
}

/// Removes a passkey: it signs in no more.
#[utoipa::path(
    delete, path = "/v1/account/passkeys/{id}", tag = "accounts", security(("bearer" = [])),
    params(("id" = String, Path, example = "psk_06bq3v8k2m9zc")),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "`not_found`"),
    )
)]
async fn remove(
    _: AtWallets,
    State(app): State<App>,
    Spender(buyer): Spender,
    IdPath(id): IdPath<Passkey>,
) -> Result<StatusCode, Problem> {
    app.engine.remove_passkey(buyer, id).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for a passkey to sign in with: what `navigator.credentials.get({publicKey})` takes, through
/// `PublicKeyCredential.parseRequestOptionsFromJSON`. What it gives signs in by `POST /v1/sessions`.
#[utoipa::path(
    post, path = "/v1/sessions/options", tag = "accounts",
    responses(
        (status = 200, body = RequestOptions),
        (status = 404, description = "`not_found`: browsers keep no passkeys for this server, which has no https address with a name; or at a merchant, whose buyers sign in at the provider"),
    )
)]
async fn ask(_: AtWallets, State(app): State<App>) -> Result<Json<RequestOptions>, Problem> {
    let asked = app.engine.passkey_challenge().ok_or(PasskeyRefusal::Unavailable)?;
    Ok(Json(RequestOptions::new(asked)))
}

/// As programs know the fields.
fn problem(refusal: PasskeyRefusal) -> Problem {
    match refusal {
        PasskeyRefusal::Owner(refusal) => second_factors::problem(refusal),
        refusal => refusal.into(),
    }
}
