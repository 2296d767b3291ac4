//! Orders of all accounts, for the vendor's programs. One is read at `/v1/orders/{id}`, by the same key.

use axum::extract::State;
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::order::OrderState;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::orders::OrderOut;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::Query;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which orders.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct OrdersQuery {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(max_length = 1000)]
    after: Option<String>,
    /// Only those in this state. A draft past its `expires_at` is listed among drafts. With `account` a page may
    /// hold fewer than `limit`, or none: there are more while it has a `next`.
    #[param(
        pattern = "^(draft|open|claimed|authorized|captured|paid|refund_pending|partially_refunded|refunded|declined|cancelled|expired)$"
    )]
    state: Option<String>,
    /// Only those of this account.
    #[param(pattern = "^acc_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    account: Option<String>,
}

/// An order, as the vendor sees it: without the codes, which are their holder's alone.
#[derive(Debug, Serialize, ToSchema)]
struct HeldOrder {
    /// Whose; none while a visitor's order at a merchant is nobody's.
    #[schema(example = "acc_06bq3v8k2m9zc")]
    account: Option<String>,
    #[serde(flatten)]
    order: OrderOut,
}

/// All orders, newest first.
#[utoipa::path(
    get, path = "/v1/admin/orders", tag = "admin", security(("bearer" = [])), params(OrdersQuery),
    responses((status = 200, body = List<HeldOrder>))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<OrdersQuery>,
) -> Result<Json<List<HeldOrder>>, Problem> {
    let OrdersQuery { limit, after, state, account } = query;
    let unknown = |field: &str| Problem::field(field, "there is none of this name");
    let name = format!("all-orders {state:?} {account:?}");
    let page = ListQuery { limit, after }.page(&app.engine, &name)?;
    let state = match state {
        Some(word) => Some(OrderState::parse(&word).ok_or_else(|| unknown("state"))?),
        None => None,
    };
    let mut rows = match account {
        Some(id) => {
            let account: Id<Account> = id.parse().map_err(|_| unknown("account"))?;
            app.engine.store().orders_of(account, page).await?
        }
        None => app.engine.store().orders(state, page).await?,
    };
    let next = List::of(&app.engine, &name, page, &rows, |row| row.id.number(), |_| ()).next;
    // An account's orders are listed by time alone: one page is read, however few of it are in the state.
    rows.retain(|row| state.is_none_or(|state| row.state == state));
    let whose: Vec<_> = rows.iter().map(|row| row.account.map(|id| id.to_string())).collect();
    let vendor = app.engine.vendor().await?;
    let orders = OrderOut::all(&app, rows, &vendor).await?;
    let data = whose.into_iter().zip(orders);
    let data = data.map(|(account, order)| HeldOrder { account, order: order.without_codes() });
    Ok(Json(List { data: data.collect(), next }))
}
