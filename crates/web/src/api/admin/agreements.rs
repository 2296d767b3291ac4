//! Agreements in the hands of this vendor's staff.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use scrip_domain::agreement::{Agreement, AgreementState, Terms};
use scrip_domain::partner::Partner;
use scrip_engine::Staff;
use scrip_engine::agreement::Turn;
use scrip_license::jws;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::agreement_terms::TermsSetting;
use crate::api::{List, ListQuery};
use crate::caller::{Admin, AtPartner};
use crate::extract::{Body, IdPath, Query};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(propose, list))
        .routes(routes!(show))
        .routes(routes!(accept))
        .routes(routes!(decline))
        .routes(routes!(withdraw))
        .routes(routes!(suspend))
        .routes(routes!(resume))
        .routes(routes!(end))
}

/// Terms for a partner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AgreementBody {
    #[schema(example = "par_06bq3v8k2m9zc")]
    partner: String,
    #[schema(value_type = TermsSetting)]
    terms: Terms,
}

/// An agreement, with the documents that are its proof.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agreement)]
struct AgreementOut {
    #[schema(example = "agr_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "par_06bq3v8k2m9zc")]
    partner: String,
    /// Counted up by partner, whoever proposes.
    #[schema(example = 1)]
    version: u32,
    /// `us` or `them`.
    proposed_by: &'static str,
    /// `proposed`, `accepted`, `declined`, `withdrawn`, `superseded` or `ended`.
    state: &'static str,
    /// Whether exchanges go by it now.
    in_force: bool,
    /// Whether the partner has heard what was last decided here.
    told: bool,
    #[schema(value_type = TermsSetting)]
    terms: Terms,
    /// The digest of the proposal: the agreement's name between the two.
    digest: String,
    /// A compact JWS of type `scrip-proposal+jwt`.
    #[schema(example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    proposal: String,
    /// A compact JWS of type `scrip-acceptance+jwt`, once there is one.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    acceptance: Option<String>,
    proposed_at: String,
    /// When it was accepted, declined or withdrawn.
    #[schema(required)]
    decided_at: Option<String>,
    /// From when on it holds.
    #[schema(required)]
    effective_at: Option<String>,
    /// From when on it holds no more.
    #[schema(required)]
    ends_at: Option<String>,
}

impl AgreementOut {
    fn new(agreement: &Agreement, partner: &Partner) -> Self {
        let time = |at: Option<scrip_domain::Timestamp>| at.map(|at| at.to_string());
        Self {
            id: agreement.id.to_string(),
            partner: agreement.partner.to_string(),
            version: agreement.version,
            proposed_by: agreement.proposed_by.as_str(),
            state: agreement.state.as_str(),
            in_force: agreement.state == AgreementState::Accepted
                && partner.agreement == Some(agreement.id),
            told: agreement.untold.is_none(),
            terms: agreement.terms.clone(),
            digest: jws::digest(&agreement.proposal),
            proposal: agreement.proposal.clone(),
            acceptance: agreement.acceptance.clone(),
            proposed_at: agreement.proposed_at.to_string(),
            decided_at: time(agreement.decided_at),
            effective_at: time(agreement.effective_at),
            ends_at: time(agreement.ends_at),
        }
    }

    async fn of(app: &App, agreement: &Agreement) -> Result<Self, Problem> {
        let partner = app.engine.store().partner(agreement.partner).await?;
        Ok(Self::new(agreement, &partner.ok_or_else(Problem::not_found)?))
    }
}

/// Proposes terms to a partner. It holds when the partner's staff has accepted it: the first one at once, a later one after
/// the days of notice of the one in force.
#[utoipa::path(
    post, path = "/v1/admin/agreements", tag = "admin", security(("bearer" = [])), request_body = AgreementBody,
    responses((status = 201, body = AgreementOut), (status = 409, description = "`agreement_state`"))
)]
async fn propose(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<AgreementBody>,
) -> Result<Response, Problem> {
    let AgreementBody { partner, terms } = body.value;
    let partner = partner.parse().map_err(|_| Problem::field("partner", "no partner's id"))?;
    let proposed = app.engine.propose_agreement(by, partner, terms).await?;
    let agreement = proposed.map_err(|refusal| Problem::proposal(&refusal))?;
    let out = AgreementOut::of(&app, &agreement).await?;
    Ok((StatusCode::CREATED, Json(out)).into_response())
}

/// The agreements, newest first.
#[utoipa::path(
    get, path = "/v1/admin/agreements", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<AgreementOut>))
)]
async fn list(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<AgreementOut>>, Problem> {
    let page = query.page(&app.engine, "agreements")?;
    let rows = app.engine.store().agreements(page).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for agreement in &rows {
        shown.push(AgreementOut::of(&app, agreement).await?);
    }
    let List { next, .. } =
        List::of(&app.engine, "agreements", page, &rows, |row| row.id.number(), |_| ());
    Ok(Json(List { data: shown, next }))
}

/// An agreement.
#[utoipa::path(
    get, path = "/v1/admin/agreements/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "agr_06bq3v8k2m9zc")),
    responses((status = 200, body = AgreementOut))
)]
async fn show(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Agreement>,
) -> Result<Json<AgreementOut>, Problem> {
    let agreement = app.engine.store().agreement(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(AgreementOut::of(&app, &agreement).await?))
}

async fn turn(
    app: &App,
    by: Staff,
    id: scrip_domain::Id<Agreement>,
    turn: Turn,
) -> Result<Json<AgreementOut>, Problem> {
    let agreement = app.engine.turn_agreement(by, id, turn, None).await?;
    let agreement = agreement.map_err(|refusal| Problem::agreement(&refusal))?;
    Ok(Json(AgreementOut::of(app, &agreement).await?))
}

/// Accepts a partner's proposal. It holds once the partner has heard of it.
#[utoipa::path(
    post, path = "/v1/admin/agreements/{id}/accept", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "agr_06bq3v8k2m9zc")),
    responses((status = 200, body = AgreementOut), (status = 409, description = "`agreement_state`"), (status = 422, description = "`agreement_refused`: the terms cannot be agreed to any more"))
)]
async fn accept(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Agreement>,
) -> Result<Json<AgreementOut>, Problem> {
    turn(&app, by, id, Turn::Accept).await
}

/// Declines a partner's proposal.
#[utoipa::path(
    post, path = "/v1/admin/agreements/{id}/decline", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "agr_06bq3v8k2m9zc")),
    responses((status = 200, body = AgreementOut), (status = 409, description = "`agreement_state`"))
)]
async fn decline(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Agreement>,
) -> Result<Json<AgreementOut>, Problem> {
    turn(&app, by, id, Turn::Decline).await
}

/// Withdraws a proposal of ours that the partner has not accepted.
#[utoipa::path(
    post, path = "/v1/admin/agreements/{id}/withdraw", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "agr_06bq3v8k2m9zc")),
    responses((status = 200, body = AgreementOut), (status = 409, description = "`agreement_state`"))
)]
async fn withdraw(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Agreement>,
) -> Result<Json<AgreementOut>, Problem> {
    turn(&app, by, id, Turn::Withdraw).await
}

/// Stops exchanges under the agreement in force at once. What is committed is answered, and settled.
#[utoipa::path(
    post, path = "/v1/admin/agreements/{id}/suspend", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "agr_06bq3v8k2m9zc")),
    responses((status = 200, body = AgreementOut), (status = 409, description = "`agreement_state`"))
)]
async fn suspend(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Agreement>,
) -> Result<Json<AgreementOut>, Problem> {
    turn(&app, by, id, Turn::Suspend).await
}

/// Takes exchanges up again.
#[utoipa::path(
    post, path = "/v1/admin/agreements/{id}/resume", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "agr_06bq3v8k2m9zc")),
    responses((status = 200, body = AgreementOut), (status = 409, description = "`agreement_state`"))
)]
async fn resume(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Agreement>,
) -> Result<Json<AgreementOut>, Problem> {
    turn(&app, by, id, Turn::Resume).await
}

/// Ends the agreement after its days of notice.
#[utoipa::path(
    post, path = "/v1/admin/agreements/{id}/end", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "agr_06bq3v8k2m9zc")),
    responses((status = 200, body = AgreementOut), (status = 409, description = "`agreement_state`"))
)]
async fn end(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Agreement>,
) -> Result<Json<AgreementOut>, Problem> {
    turn(&app, by, id, Turn::End).await
}
