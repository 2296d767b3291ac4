//! Licenses in the vendor's hand: suspended, resumed, revoked, and with a new code.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use scrip_domain::license::License;
use scrip_engine::license::reissue::Asker;
use scrip_engine::license::suspend::Verdict;
use scrip_engine::purchase::Answered;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::top_ups::replayed;
use crate::caller::Admin;
use crate::extract::{Body, IdPath, IdempotencyKey};
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(suspend))
        .routes(routes!(resume))
        .routes(routes!(revoke))
        .routes(routes!(reissue))
}

/// Why it is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReasonBody {
    /// For the record.
    #[schema(inline, example = "The card was stolen")]
    reason: Text<1, 500>,
}

/// A license, as it stands. Its code is its holder's alone.
#[derive(Debug, Serialize, ToSchema)]
struct JudgedLicense {
    #[schema(example = "lic_06bq3v8k2m9zc")]
    id: String,
    account: String,
    order: String,
    product: String,
    /// `withheld`, `valid`, `suspended`, `revoked` or `refunded`; whether its time is over, `expires_at` says.
    state: &'static str,
    /// The number of the code's issue that is good.
    issue: u32,
    issued_at: String,
    #[schema(required)]
    expires_at: Option<String>,
}

impl From<License> for JudgedLicense {
    fn from(license: License) -> Self {
        Self {
            id: license.id.to_string(),
            account: license.account.to_string(),
            order: license.order.to_string(),
            product: license.product.to_string(),
            state: license.state.as_str(),
            issue: license.issue,
            issued_at: license.issued_at.to_string(),
            expires_at: license.expires_at.map(|at| at.to_string()),
        }
    }
}

async fn judge(
    app: &App,
    by: scrip_engine::Staff,
    license: scrip_domain::Id<License>,
    verdict: Verdict,
    body: Body<ReasonBody>,
) -> Result<Json<JudgedLicense>, Problem> {
    let reason = body.value.reason.0;
    let license = app.engine.judge_license(by, license, verdict, reason).await??;
    Ok(Json(license.into()))
}

/// Suspends a license: its code answers `SUSPENDED` until it is resumed. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/licenses/{id}/suspend", tag = "admin", security(("bearer" = [])), request_body = ReasonBody,
    params(("id" = String, Path, example = "lic_06bq3v8k2m9zc")),
    responses((status = 200, body = JudgedLicense), (status = 409, description = "`license_state`"))
)]
async fn suspend(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(license): IdPath<License>,
    body: Body<ReasonBody>,
) -> Result<Json<JudgedLicense>, Problem> {
    judge(&app, by, license, Verdict::Suspend, body).await
}

/// Resumes a suspended license. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/licenses/{id}/resume", tag = "admin", security(("bearer" = [])), request_body = ReasonBody,
    params(("id" = String, Path, example = "lic_06bq3v8k2m9zc")),
    responses((status = 200, body = JudgedLicense), (status = 409, description = "`license_state`"))
)]
async fn resume(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(license): IdPath<License>,
    body: Body<ReasonBody>,
) -> Result<Json<JudgedLicense>, Problem> {
    judge(&app, by, license, Verdict::Resume, body).await
}

/// Revokes a license for good; no token goes back. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/licenses/{id}/revoke", tag = "admin", security(("bearer" = [])), request_body = ReasonBody,
    params(("id" = String, Path, example = "lic_06bq3v8k2m9zc")),
    responses((status = 200, body = JudgedLicense), (status = 409, description = "`license_state`"))
)]
async fn revoke(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(license): IdPath<License>,
    body: Body<ReasonBody>,
) -> Result<Json<JudgedLicense>, Problem> {
    judge(&app, by, license, Verdict::Revoke, body).await
}

/// Issues the code of a license again: the one before is dead at once, and its holder finds the new one in the library.
#[utoipa::path(
    post, path = "/v1/admin/licenses/{id}/reissue", tag = "admin", security(("bearer" = [])), request_body = ReasonBody,
    params(
        ("id" = String, Path, example = "lic_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new issue", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 200, body = JudgedLicense),
        (status = 409, description = "`license_state`, `idempotency_key_reused`"),
    )
)]
async fn reissue(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(license): IdPath<License>,
    key: IdempotencyKey,
    body: Body<ReasonBody>,
) -> Result<Response, Problem> {
    let request = body.request(&key);
    let asker = Asker::Staff(by, body.value.reason.0);
    let out = |license| Json(JudgedLicense::from(license)).into_response();
    Ok(match app.engine.reissue(asker, license, request).await?? {
        Answered::First(license) => out(license),
        Answered::Replayed(license) => replayed(out(license)),
    })
}
