//! Refunds that buyers ask for, in the vendor's hand: seen, accepted, declined.

use axum::extract::State;
use scrip_domain::refund::LicensePolicy;
use scrip_domain::refund_request::{RefundRequest, RefundRequestState};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::admin::refunds::LicenseWord;
use crate::api::refund_requests::RefundRequestOut;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, Query};
use crate::problem::Problem;
use crate::request_id;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(accept))
        .routes(routes!(decline))
}

/// Which requests.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct RequestsQuery {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(max_length = 1000)]
    after: Option<String>,
    /// Those that stand so; those that wait without it.
    #[param(value_type = Option<StateWord>, inline)]
    state: Option<StateWord>,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StateWord {
    Open,
    Accepted,
    Declined,
}

/// What buyers ask back, newest first: what waits, or what was decided.
#[utoipa::path(
    get, path = "/v1/admin/refund-requests", tag = "admin", security(("bearer" = [])), params(RequestsQuery),
    responses((status = 200, body = List<RefundRequestOut>))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<RequestsQuery>,
) -> Result<Json<List<RefundRequestOut>>, Problem> {
    let RequestsQuery { limit, after, state } = query;
    let state = match state {
        None | Some(StateWord::Open) => RefundRequestState::Open,
        Some(StateWord::Accepted) => RefundRequestState::Accepted,
        Some(StateWord::Declined) => RefundRequestState::Declined,
    };
    let list = format!("refund-requests {state}");
    let page = ListQuery { limit, after }.page(&app.engine, &list)?;
    let rows = app.engine.store().refund_requests(state, page).await?;
    let number = |row: &RefundRequest| row.id.number();
    Ok(Json(List::of(&app.engine, &list, page, &rows, number, |row| row.into())))
}

/// A request for a refund.
#[utoipa::path(
    get, path = "/v1/admin/refund-requests/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "rfq_06bq3v8k2m9zc")),
    responses((status = 200, body = RefundRequestOut))
)]
async fn show(
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<RefundRequest>,
) -> Result<Json<RefundRequestOut>, Problem> {
    let row = app.engine.store().refund_request(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json((&row).into()))
}

/// With a request that is accepted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptBody {
    /// `revoke` ends the licenses of the units that go back, `keep` leaves them to the buyer.
    #[serde(default = "revoke")]
    #[schema(value_type = LicenseWord, default = "revoke", inline)]
    licenses: LicensePolicy,
}

fn revoke() -> LicensePolicy {
    LicensePolicy::Revoke
}

/// Gives back what the buyer asked for, into the very lots that paid. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/refund-requests/{id}/accept", tag = "admin", security(("bearer" = [])),
    request_body = AcceptBody, params(("id" = String, Path, example = "rfq_06bq3v8k2m9zc")),
    responses((status = 200, body = RefundRequestOut), (status = 409, description = "`refund_request_decided`"))
)]
async fn accept(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<RefundRequest>,
    body: Body<AcceptBody>,
) -> Result<Json<RefundRequestOut>, Problem> {
    let (licenses, request) = (body.value.licenses, request_id::current());
    let row = app.engine.accept_refund(by, id, licenses, request).await??;
    Ok(Json((&row).into()))
}

/// Why a request is declined.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeclineBody {
    /// What the buyer is told.
    #[schema(inline, example = "It was downloaded, and works as described")]
    word: Text<1, 500>,
}

/// Gives nothing back, and tells the buyer why. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/refund-requests/{id}/decline", tag = "admin", security(("bearer" = [])),
    request_body = DeclineBody, params(("id" = String, Path, example = "rfq_06bq3v8k2m9zc")),
    responses((status = 200, body = RefundRequestOut), (status = 409, description = "`refund_request_decided`"))
)]
async fn decline(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<RefundRequest>,
    body: Body<DeclineBody>,
) -> Result<Json<RefundRequestOut>, Problem> {
    let row = app.engine.decline_refund(by, id, body.value.word.0).await??;
    Ok(Json((&row).into()))
}
