//! What partners say of a cycle, and the exchanges of one.

use axum::extract::State;
use scrip_domain::exchange::Exchange;
use scrip_domain::{Amount, Id};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::AtPartner;
use crate::extract::{NamePath, Query};
use crate::problem::Problem;
use crate::signed::{OfPartner, PartnerBody};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(account)).routes(routes!(items))
}

/// A signed account of a cycle.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({ "account": "eyJhbGciOiJFZERTQSIsImtpZCI6…" }))]
struct AccountBody {
    /// A compact JWS of type `scrip-account+jwt`.
    account: String,
}

/// The other side's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CycleAccount)]
struct AccountOut {
    /// The same of this server, once it has closed the cycle and each of its commits is answered.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    account: Option<String>,
}

/// Takes a partner's account of a cycle, which closes it here too, and answers with our own.
#[utoipa::path(
    put, path = "/v1/peer/accounts/{cycle}", tag = "servers", request_body = AccountBody,
    params(("cycle" = u32, Path, example = 3)),
    responses(
        (status = 200, body = AccountOut),
        (status = 404, description = "`not_found`: a cycle that has not begun"),
        (status = 422, description = "`account_refused`"),
    )
)]
async fn account(
    _: AtPartner,
    State(app): State<App>,
    NamePath(cycle): NamePath<String>,
    body: PartnerBody<AccountBody>,
) -> Result<Json<AccountOut>, Problem> {
    let cycle = number(&cycle)?;
    let account = app.engine.hear_account(&body.partner, cycle, body.value.account).await??;
    Ok(Json(AccountOut { account }))
}

pub(super) fn number(cycle: &str) -> Result<u32, Problem> {
    cycle.parse().ok().filter(|cycle| *cycle > 0).ok_or_else(Problem::not_found)
}

/// Where a page begins.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ItemsQuery {
    /// The last exchange of the page before.
    #[param(max_length = 30, example = "exc_06bq3v8k2m9zc")]
    after: Option<String>,
}

/// A page of exchanges, in order of their names: at most 500, and none after the last.
#[derive(Debug, Serialize, ToSchema)]
struct CycleItems {
    items: Vec<CycleItemOut>,
}

/// An exchange of a cycle.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CycleItem)]
struct CycleItemOut {
    /// The issuing vendor's name of it.
    #[schema(example = "exc_06bq3v8k2m9zc")]
    exchange: String,
    /// What the issuing vendor owes for it, in millionths of the currency.
    #[schema(value_type = u64, example = 1_250_000)]
    compensation: Amount,
}

/// The exchanges that are booked here for a cycle: `out` those that this server has committed, `in` those of the partner.
#[utoipa::path(
    get, path = "/v1/peer/accounts/{cycle}/{way}", tag = "servers",
    params(("cycle" = u32, Path, example = 3), ("way" = String, Path, example = "out"), ItemsQuery),
    responses((status = 200, body = CycleItems))
)]
async fn items(
    _: AtPartner,
    State(app): State<App>,
    NamePath((cycle, way)): NamePath<(String, String)>,
    Query(query): Query<ItemsQuery>,
    OfPartner(partner): OfPartner,
) -> Result<Json<CycleItems>, Problem> {
    let cycle = number(&cycle)?;
    let ours = match way.as_str() {
        "out" => true,
        "in" => false,
        _ => return Err(Problem::not_found()),
    };
    let after = query.after.map(|text| {
        let wrong = |_| Problem::field("after", "the name of an exchange");
        text.parse::<Id<Exchange>>().map_err(wrong)
    });
    let items = app.engine.cycle_items(partner.id, cycle, ours, after.transpose()?).await?;
    let show = |item: scrip_domain::statement::CycleItem| CycleItemOut {
        exchange: item.exchange.to_string(),
        compensation: item.compensation,
    };
    Ok(Json(CycleItems { items: items.into_iter().map(show).collect() }))
}
