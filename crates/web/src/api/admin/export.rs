//! What the vendor's accountants take: the ledger as a journal, and the list of orders.

use axum::extract::State;
use axum::response::Response;
use scrip_domain::journal::Format;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::api::export::{Day, file, period, pieces};
use crate::caller::Admin;
use crate::extract::Query;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(journal)).routes(routes!(orders))
}

/// Which journal.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct JournalQuery {
    /// For which program.
    #[param(inline, value_type = String, example = "hledger", pattern = "^(hledger|beancount|csv)$")]
    format: Format,
    /// The first day, in UTC: what was before is an opening balance.
    #[param(inline)]
    from: Option<Day>,
    /// The last day.
    #[param(inline)]
    to: Option<Day>,
}

/// The whole ledger as a journal.
///
/// Every movement of tokens, and the money that was paid for them, in balanced postings, oldest first; at the end
/// what each account must have. The same books give the same bytes. One is made at a time: another one gets
/// `busy`. An answer that breaks off is not whole.
#[utoipa::path(
    get, path = "/v1/admin/export", tag = "admin", security(("bearer" = [])), params(JournalQuery),
    responses((
        status = 200, description = "the journal",
        content((String = "text/plain"), (String = "text/csv"))
    ))
)]
async fn journal(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<JournalQuery>,
) -> Result<Response, Problem> {
    let period = period(query.from, query.to)?;
    let export = app.engine.export(query.format, period).await?;
    let (media_type, name) = match query.format {
        Format::Hledger => ("text/plain; charset=utf-8", "ledger.journal"),
        Format::Beancount => ("text/plain; charset=utf-8", "ledger.beancount"),
        Format::Csv => ("text/csv; charset=utf-8", "ledger.csv"),
    };
    Ok(file(pieces(export), media_type, name))
}

/// Which orders.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct OrdersQuery {
    /// The first day, in UTC, on which they were selected.
    #[param(inline)]
    from: Option<Day>,
    /// The last day.
    #[param(inline)]
    to: Option<Day>,
}

/// All orders as CSV, a row for each line, oldest first.
#[utoipa::path(
    get, path = "/v1/admin/orders/export", tag = "admin", security(("bearer" = [])), params(OrdersQuery),
    responses((status = 200, description = "the list", content_type = "text/csv", body = String))
)]
async fn orders(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<OrdersQuery>,
) -> Result<Response, Problem> {
    let period = period(query.from, query.to)?;
    let export = app.engine.export_orders(period).await?;
    Ok(file(pieces(export), "text/csv; charset=utf-8", "orders.csv"))
}
