//! An account's statement of a period: what there was, each movement, what there is after it.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use scrip_domain::Id;
use scrip_domain::account_statement::{Standing, Statement};
use scrip_domain::journal::field;
use scrip_domain::ledger::Transfer;
use scrip_domain::settings::Token;
use scrip_domain::wallet::Wallet;
use scrip_engine::Period;
use scrip_engine::account_statement::{MOST_LINES, TooLong};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::export::{Day, file, period};
use crate::api::wallet::TransferOut;
use crate::caller::Buyer;
use crate::extract::Query;
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Which statement.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct StatementQuery {
    /// The first day, in UTC.
    #[param(inline)]
    from: Option<Day>,
    /// The last day.
    #[param(inline)]
    to: Option<Day>,
    /// `json`, or `csv` to be opened as a table.
    #[param(inline, value_type = Option<String>, pattern = "^(json|csv)$", default = "json")]
    format: Form,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    #[default]
    Json,
    Csv,
}

/// An account's statement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountStatement)]
struct StatementOut {
    #[schema(example = "acc_06bq3v8k2m9zc")]
    account: String,
    /// Its first instant; null: from the beginning.
    #[schema(required)]
    from: Option<String>,
    /// The first instant after it; null: until now.
    #[schema(required)]
    to: Option<String>,
    /// What there was when it begins.
    opening: StandingOut,
    /// Each movement, oldest first.
    lines: Vec<StatementLineOut>,
    /// What there is when it ends.
    closing: StandingOut,
}

/// What a wallet has at one time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WalletStanding)]
struct StandingOut {
    /// What can be spent.
    available: MoneyOut,
    /// What holds have reserved.
    held: MoneyOut,
    /// What is owed.
    owed: MoneyOut,
}

/// A movement, and what there is after it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountStatementLine)]
struct StatementLineOut {
    transfer: TransferOut,
    after: StandingOut,
}

impl StandingOut {
    fn of(standing: Standing, token: &Token) -> Self {
        Self {
            available: MoneyOut::tokens(standing.available, token),
            held: MoneyOut::tokens(standing.held, token),
            owed: MoneyOut::tokens(standing.owed, token),
        }
    }
}

impl From<TooLong> for Problem {
    fn from(_: TooLong) -> Self {
        let detail =
            format!("a statement has at most {MOST_LINES} lines: ask for a shorter period");
        Self::field("from", detail)
    }
}

/// The caller's statement of a period, oldest first, with opening and closing balance.
#[utoipa::path(
    get, path = "/v1/wallet/statement", tag = "wallet", security(("bearer" = [])), params(StatementQuery),
    responses((
        status = 200, description = "the statement",
        content((StatementOut = "application/json"), (String = "text/csv"))
    ))
)]
async fn show(
    State(app): State<App>,
    Buyer(buyer): Buyer,
    Query(query): Query<StatementQuery>,
) -> Result<Response, Problem> {
    let period = period(query.from, query.to)?;
    if matches!(query.format, Form::Csv) {
        return csv(&app, buyer, period).await;
    }
    let vendor = app.engine.vendor().await?;
    let statement = app.engine.account_statement(buyer, period).await??;
    Ok(Json(whole(&statement, buyer, period, &vendor.settings.token)).into_response())
}

/// The statement of a period as a table to be kept.
pub async fn csv(
    app: &App,
    buyer: scrip_engine::Buyer,
    period: Period,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let statement = app.engine.account_statement(buyer, period).await??;
    let table = table(&statement, buyer.wallet, &vendor.settings.token);
    Ok(file(Body::from(table), "text/csv; charset=utf-8", "statement.csv"))
}

fn whole(
    statement: &Statement,
    buyer: scrip_engine::Buyer,
    period: Period,
    token: &Token,
) -> StatementOut {
    let line = |(transfer, after): &(Transfer, Standing)| StatementLineOut {
        transfer: TransferOut::of(transfer, buyer.wallet, token),
        after: StandingOut::of(*after, token),
    };
    StatementOut {
        account: buyer.account.to_string(),
        from: period.from.map(|at| at.to_string()),
        to: period.to.map(|at| at.to_string()),
        opening: StandingOut::of(statement.opening, token),
        lines: statement.lines.iter().map(line).collect(),
        closing: StandingOut::of(statement.closing(), token),
    }
}

/// The same as a table: the first row opens, the last one closes.
fn table(statement: &Statement, wallet: Id<Wallet>, token: &Token) -> String {
    let has = |standing: Standing| {
        let Standing { available, held, owed } = standing;
        let [available, held, owed] =
            [available, held, owed].map(|amount| amount.decimal(token.scale));
        format!("{available},{held},{owed},{}\r\n", token.code)
    };
    let row = |(transfer, after): &(Transfer, Standing)| {
        let Transfer { at, id, reason, .. } = transfer;
        let direction = TransferOut::direction(transfer, wallet);
        let (subject, amount) =
            (field(&transfer.subject_name()), transfer.amount.decimal(token.scale));
        format!("{at},{id},{reason},{subject},{direction},{amount},{}", has(*after))
    };
    let head = "at,id,reason,subject,direction,amount,available,held,owed,unit\r\n".to_owned();
    let opening = format!(",,opening_balance,,,,{}", has(statement.opening));
    let closing = format!(",,closing_balance,,,,{}", has(statement.closing()));
    let lines = statement.lines.iter().map(row);
    [head, opening].into_iter().chain(lines).chain([closing]).collect()
}
