//! What partners owe each other for a cycle, in the hands of staff.

use axum::extract::State;
use scrip_domain::agreement::Agreement;
use scrip_domain::exchange::Exchange;
use scrip_domain::statement::{Difference, Statement};
use scrip_domain::{Amount, Id, Span, Unit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::{List, ListQuery};
use crate::caller::{Admin, AtPartner};
use crate::extract::{IdPath, OrEmpty, Query};
use crate::money::{FineMoney, NetMoney};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(close))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(compare))
}

/// How long a cursor of lines is good.
const CURSOR: Span = Span::days(7);
/// The list of lines, as its cursors name it.
const LINES: &str = "cursor statement-lines";

/// Which cycle.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "cycle": 3 }))]
struct CycleBody {
    /// The number of the cycle. One that is closed already is shown and nothing is closed, so that the request can be repeated;
    /// without it the open one is closed.
    #[schema(minimum = 1)]
    cycle: Option<u32>,
}

/// The statement of a cycle that was closed.
#[derive(Debug, Serialize, ToSchema)]
struct ClosedCycle {
    #[schema(example = "stm_06bq3v8k2m9zc")]
    statement: String,
    #[schema(example = 3)]
    cycle: u32,
    /// As `state` of the statement.
    #[schema(example = "agreed")]
    state: &'static str,
}

/// What two vendors owe each other for a cycle.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statement)]
struct StatementOut {
    #[schema(example = "stm_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "par_06bq3v8k2m9zc")]
    partner: String,
    #[schema(example = 3)]
    cycle: u32,
    #[schema(example = "agr_06bq3v8k2m9zc")]
    agreement: String,
    /// `closing` while commits of ours wait for their answers, `closed` until both have said the same, `agreed`, `disputed`,
    /// `instructed`, `sent`, `settled` or `written_off`.
    #[schema(example = "agreed")]
    state: &'static str,
    /// When the cycle began here.
    from: String,
    /// When it was closed here.
    to: String,
    /// What we owe for its exchanges.
    gross_out: FineMoney,
    /// How many those are.
    #[schema(example = 12)]
    count_out: u64,
    /// What the partner owes.
    gross_in: FineMoney,
    #[schema(example = 7)]
    count_in: u64,
    /// What rounding left of the cycle before.
    carried_in: FineMoney,
    /// What it leaves of this one.
    carried_out: FineMoney,
    /// What is to be paid: above zero we pay, below the partner does.
    net: NetMoney,
    #[schema(required)]
    agreed_at: Option<String>,
    /// Until when it is to be paid.
    #[schema(required)]
    pay_until: Option<String>,
    /// The payment, once it is entered.
    #[schema(required, example = "stl_06bq3v8k2m9zc")]
    settlement: Option<String>,
    /// What we have signed: a JWS of type `scrip-account+jwt`.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    ours: Option<String>,
    /// What the partner has signed.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    theirs: Option<String>,
}

/// A statement with its exchanges.
#[derive(Debug, Serialize, ToSchema)]
struct StatementWithLines {
    #[serde(flatten)]
    statement: StatementOut,
    /// Its exchanges: first ours, then the partner's, each in order of their names.
    lines: List<StatementLine>,
    /// Where both sides differ, while it is disputed; at most 200.
    differences: Vec<DifferenceOut>,
}

/// An exchange of a statement.
#[derive(Debug, Serialize, ToSchema)]
struct StatementLine {
    /// The issuing vendor's name of it.
    #[schema(example = "exc_06bq3v8k2m9zc")]
    exchange: String,
    /// `out`: of our tokens, for which we owe; `in`: for our tokens.
    #[schema(example = "out")]
    way: &'static str,
    compensation: FineMoney,
}

/// An exchange of which two vendors say something else.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatementDifference)]
struct DifferenceOut {
    #[schema(example = "exc_06bq3v8k2m9zc")]
    exchange: String,
    /// As of a line.
    #[schema(example = "out")]
    way: &'static str,
    /// What is booked here; null: nothing.
    #[schema(required)]
    here: Option<FineMoney>,
    /// What the partner says.
    #[schema(required)]
    there: Option<FineMoney>,
}

fn way(ours: bool) -> &'static str {
    if ours { "out" } else { "in" }
}

/// The currency in which a statement is reckoned.
async fn currency(app: &App, statement: &Statement) -> Result<Unit, Problem> {
    let agreement = app.engine.store().agreement(statement.agreement).await?;
    Ok(agreement.ok_or_else(Problem::not_found)?.terms.currency)
}

impl StatementOut {
    async fn of(app: &App, row: &Statement) -> Result<Self, Problem> {
        let unit = currency(app, row).await?;
        let settlement = app.engine.store().settlement_of(row.id).await?;
        Ok(Self {
            id: row.id.to_string(),
            partner: row.partner.to_string(),
            cycle: row.cycle,
            agreement: row.agreement.to_string(),
            state: row.state.as_str(),
            from: row.from.to_string(),
            to: row.to.to_string(),
            gross_out: FineMoney::of(row.gross_out, unit),
            count_out: row.count_out,
            gross_in: FineMoney::of(row.gross_in, unit),
            count_in: row.count_in,
            carried_in: FineMoney::new(row.carried_in, unit),
            carried_out: FineMoney::new(row.carried_out, unit),
            net: NetMoney::new(row.net, unit),
            agreed_at: row.agreed_at.map(|at| at.to_string()),
            pay_until: row.pay_until.map(|at| at.to_string()),
            settlement: settlement.map(|settlement| settlement.id.to_string()),
            ours: row.ours.clone(),
            theirs: row.theirs.clone(),
        })
    }
}

/// The lines after one of them, at most `limit`: ours first.
async fn lines(
    app: &App,
    row: &Statement,
    query: &ListQuery,
    unit: Unit,
) -> Result<List<StatementLine>, Problem> {
    let limit = query.limit()?;
    let after = query.after.as_deref().map(|cursor| {
        let place = app.engine.unseal::<(bool, u64)>(LINES, cursor);
        place.ok_or_else(Problem::no_page)
    });
    let (from_ours, mut after) = match after.transpose()? {
        Some((ours, number)) => (ours, Id::<Exchange>::new(number)),
        None => (true, None),
    };
    let mut data = Vec::new();
    let mut last = None;
    for ours in [true, false].into_iter().filter(|ours| from_ours || !*ours) {
        let left = limit.saturating_sub(u32::try_from(data.len()).unwrap_or(limit));
        let of = (row.partner, row.cycle);
        for item in app.engine.store().cycle_items(of, ours, after, left).await? {
            last = Some((ours, item.exchange.number()));
            data.push(StatementLine {
                exchange: item.exchange.to_string(),
                way: way(ours),
                compensation: FineMoney::of(item.compensation, unit),
            });
        }
        after = None;
    }
    let is_full = u32::try_from(data.len()).is_ok_and(|count| count == limit);
    let until = app.engine.now().plus(CURSOR);
    let next = last.filter(|_| is_full).map(|place| app.engine.seal(LINES, &place, until));
    Ok(List { data, next })
}

async fn whole(
    app: &App,
    row: &Statement,
    query: &ListQuery,
) -> Result<StatementWithLines, Problem> {
    let unit = currency(app, row).await?;
    let differences = app.engine.store().differences(row.id).await?;
    let fine = |amount: Option<Amount>| amount.map(|amount| FineMoney::of(amount, unit));
    let show = |row: &Difference| DifferenceOut {
        exchange: row.exchange.to_string(),
        way: way(row.ours),
        here: fine(row.here),
        there: fine(row.there),
    };
    Ok(StatementWithLines {
        statement: StatementOut::of(app, row).await?,
        lines: lines(app, row, query, unit).await?,
        differences: differences.iter().map(show).collect(),
    })
}

/// Closes the open cycle with the partner of an agreement: what is committed from now on belongs to the next one.
#[utoipa::path(
    post, path = "/v1/admin/agreements/{id}/close-cycle", tag = "admin", security(("bearer" = [])),
    request_body = Option<CycleBody>,
    params(("id" = String, Path, example = "agr_06bq3v8k2m9zc")),
    responses((status = 200, body = ClosedCycle), (status = 404, description = "`not_found`: no such agreement, or a cycle that has not begun"))
)]
async fn close(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Agreement>,
    OrEmpty(body): OrEmpty<CycleBody>,
) -> Result<Json<ClosedCycle>, Problem> {
    let statement = app.engine.close_cycle(by, id, body.value.cycle).await??;
    Ok(Json(ClosedCycle {
        statement: statement.id.to_string(),
        cycle: statement.cycle,
        state: statement.state.as_str(),
    }))
}

/// The statements with all partners, newest first.
#[utoipa::path(
    get, path = "/v1/admin/statements", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<StatementOut>))
)]
async fn list(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<StatementOut>>, Problem> {
    let page = query.page(&app.engine, "statements")?;
    let rows = app.engine.store().statements(page).await?;
    let mut outs = Vec::with_capacity(rows.len());
    for row in &rows {
        outs.push(StatementOut::of(&app, row).await?);
    }
    let list = List::of(&app.engine, "statements", page, &rows, |row| row.id.number(), |_| ());
    Ok(Json(List { data: outs, next: list.next }))
}

/// A statement with a page of its exchanges, and where both sides differ.
#[utoipa::path(
    get, path = "/v1/admin/statements/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "stm_06bq3v8k2m9zc"), ListQuery),
    responses((status = 200, body = StatementWithLines))
)]
async fn show(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Statement>,
    Query(query): Query<ListQuery>,
) -> Result<Json<StatementWithLines>, Problem> {
    let row = app.engine.store().statement(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(whole(&app, &row, &query).await?))
}

/// Compares a statement with the partner's once more, now.
#[utoipa::path(
    post, path = "/v1/admin/statements/{id}/compare", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "stm_06bq3v8k2m9zc")),
    responses((status = 200, body = StatementWithLines))
)]
async fn compare(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Statement>,
) -> Result<Json<StatementWithLines>, Problem> {
    let row = app.engine.compare_statement(id).await??;
    Ok(Json(whole(&app, &row, &ListQuery::default()).await?))
}
