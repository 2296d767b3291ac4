//! Exchanges in the hands of the vendor's staff.

use axum::extract::State;
use scrip_domain::Id;
use scrip_domain::exchange::{Exchange, ExchangeState};
use scrip_domain::partner::Partner;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::exchanges::{ExchangeOut, page_of};
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, Query};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(write_off))
}

/// Which exchanges.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct ExchangesQuery {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(max_length = 1000)]
    after: Option<String>,
    /// Only those in this state.
    #[param(
        pattern = "^(reserved|prepared|committed|fulfilled|refused|expired|reversed|written_off)$"
    )]
    state: Option<String>,
    /// Only those with this partner.
    #[param(pattern = "^par_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    partner: Option<String>,
}

/// Nothing is asked for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WriteOffBody {}

/// All exchanges of this vendor's tokens, newest first.
#[utoipa::path(
    get, path = "/v1/admin/exchanges", tag = "admin", security(("bearer" = [])), params(ExchangesQuery),
    responses((status = 200, body = List<ExchangeOut>))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ExchangesQuery>,
) -> Result<Json<List<ExchangeOut>>, Problem> {
    let ExchangesQuery { limit, after, state, partner } = query;
    let page = ListQuery { limit, after }.page(&app.engine, "all-exchanges")?;
    let unknown = |field: &str| Problem::field(field, "there is none of this name");
    let state = match state {
        Some(word) => {
            let known = ExchangeState::ALL.iter().find(|state| state.as_str() == word);
            Some(*known.ok_or_else(|| unknown("state"))?)
        }
        None => None,
    };
    let partner: Option<Id<Partner>> = match partner {
        Some(id) => Some(id.parse().map_err(|_| unknown("partner"))?),
        None => None,
    };
    let rows = app.engine.exchanges(state, partner, page).await?;
    page_of(&app, "all-exchanges", page, &rows).await
}

/// One exchange of this vendor's tokens.
#[utoipa::path(
    get, path = "/v1/admin/exchanges/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "exc_06bq3v8k2m9zc")),
    responses((status = 200, body = ExchangeOut))
)]
async fn show(
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Exchange>,
) -> Result<Json<ExchangeOut>, Problem> {
    let exchange = app.engine.store().exchange(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(ExchangeOut::of(&app, &exchange).await?))
}

/// Gives the tokens back of an exchange that was committed thirty days ago or more, and on which the partner has said nothing
/// since. What is owed stays owed until it answers, and nothing more is exchanged with it.
#[utoipa::path(
    post, path = "/v1/admin/exchanges/{id}/write-off", tag = "admin", security(("bearer" = [])),
    request_body = WriteOffBody,
    params(("id" = String, Path, example = "exc_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = ExchangeOut),
        (status = 409, description = "`exchange_refused`: `not_silent`, `wallet_full`"),
    )
)]
async fn write_off(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Exchange>,
    _: Body<WriteOffBody>,
) -> Result<Json<ExchangeOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let exchange = app.engine.write_off_exchange(by, id).await?;
    let exchange = exchange.map_err(|refusal| Problem::exchange(&refusal, &vendor.settings))?;
    Ok(Json(ExchangeOut::of(&app, &exchange).await?))
}
