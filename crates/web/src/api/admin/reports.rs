//! Figures over time: what each day came to.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use scrip_domain::report::{DayFigures, Figures};
use scrip_domain::settings::Token;
use scrip_domain::{Money, Span, Timestamp};
use scrip_engine::report::{MOST_DAYS, Report, ReportRefusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::export::{Day, file};
use crate::caller::Admin;
use crate::extract::Query;
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Of how many days a report is that names none.
const DAYS: u32 = 30;

/// Which report.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct ReportQuery {
    /// The first day, in UTC; 29 days before the last one without it.
    #[param(inline)]
    from: Option<Day>,
    /// The last day; today without it. A report has at most 400 days.
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

/// What days came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
struct ReportOut {
    /// The first day that was asked for.
    #[schema(format = "date", example = "2026-11-01")]
    from: String,
    /// The last one.
    #[schema(format = "date", example = "2026-11-30")]
    to: String,
    /// The last day whose figures never change again; null while there is none.
    #[schema(required, format = "date", example = "2026-11-21")]
    closed_until: Option<String>,
    /// Whether no day is missing that is over or has begun. After an upgrade the days before are summed little by little.
    complete: bool,
    /// The days, oldest first; none from before there was anything to count.
    days: Vec<DayOut>,
    /// All of them together.
    totals: FiguresOut,
}

/// What a day came to, in UTC.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DayFigures)]
struct DayOut {
    #[schema(format = "date", example = "2026-11-22")]
    day: String,
    /// Whether it is over and never changes again.
    closed: bool,
    #[serde(flatten)]
    figures: FiguresOut,
    /// Tokens in wallets when the day ended, held ones included.
    outstanding: MoneyOut,
}

/// What one or several days came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Figures)]
struct FiguresOut {
    /// Orders that were paid.
    sales: Sales,
    /// Tokens that were sold.
    top_ups: Sold,
    /// Tokens that went back to buyers for orders.
    refunds: MoneyOut,
    /// Tokens that expired.
    breakage: MoneyOut,
    /// Tokens that were taken back, or are owed, because the money for them went back.
    clawed_back: MoneyOut,
    /// Downloads that came to their end.
    downloads: Downloads,
    /// Accounts that were opened.
    #[schema(example = 3)]
    new_accounts: u64,
}

/// Orders that were paid.
#[derive(Debug, Serialize, ToSchema)]
struct Sales {
    #[schema(example = 12)]
    orders: u64,
    #[schema(example = 15)]
    lines: u64,
    /// What they came to.
    tokens: MoneyOut,
}

/// Tokens that were sold by top-ups.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokensSold)]
struct Sold {
    tokens: MoneyOut,
    /// What was paid, or is owed, for them: each currency once.
    money: Vec<MoneyOut>,
}

/// Downloads that came to their end.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DownloadFigures)]
struct Downloads {
    #[schema(example = 40)]
    count: u64,
    #[schema(example = 1_048_576)]
    bytes: u64,
}

impl FiguresOut {
    fn of(figures: &Figures, token: &Token) -> Self {
        let tokens = |amount| MoneyOut::tokens(amount, token);
        let Figures { orders, lines, .. } = *figures;
        Self {
            sales: Sales { orders, lines, tokens: tokens(figures.spent) },
            top_ups: Sold {
                tokens: tokens(figures.sold),
                money: figures.paid.iter().copied().map(MoneyOut::currency).collect(),
            },
            refunds: tokens(figures.refunded),
            breakage: tokens(figures.expired),
            clawed_back: tokens(figures.clawed_back),
            downloads: Downloads { count: figures.downloads, bytes: figures.bytes },
            new_accounts: figures.accounts,
        }
    }
}

impl From<ReportRefusal> for Problem {
    fn from(refusal: ReportRefusal) -> Self {
        match refusal {
            ReportRefusal::Backwards => Self::field("to", "not before `from`"),
            ReportRefusal::TooLong => {
                Self::field("from", format!("a report has at most {MOST_DAYS} days"))
            }
        }
    }
}

/// What each day came to: sales, top-ups, refunds, breakage, downloads, new accounts, and the tokens that are outstanding.
///
/// What happened counts on the day on which it was booked, in UTC. A day that is over is summed once; so a report costs
/// no more in large books.
#[utoipa::path(
    get, path = "/v1/admin/reports", tag = "admin", security(("bearer" = [])), params(ReportQuery),
    responses((
        status = 200, description = "the report",
        content((ReportOut = "application/json"), (String = "text/csv"))
    ))
)]
async fn show(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ReportQuery>,
) -> Result<Response, Problem> {
    let to = query.to.map_or(app.engine.now().midnight(), Day::first);
    let before = Span::days(DAYS.saturating_sub(1));
    let from = query.from.map_or(to.minus(before), Day::first);
    let report = app.engine.report(from, to).await??;
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    Ok(match query.format {
        Form::Json => Json(whole(&report, token)).into_response(),
        Form::Csv => {
            let table = Body::from(table(&report, token));
            file(table, "text/csv; charset=utf-8", "report.csv")
        }
    })
}

fn whole(report: &Report, token: &Token) -> ReportOut {
    let day = |figures: &DayFigures| DayOut {
        day: figures.day.date(),
        closed: is_closed(report, figures),
        figures: FiguresOut::of(&Figures::over([figures]), token),
        outstanding: MoneyOut::tokens(figures.in_wallets(), token),
    };
    ReportOut {
        from: report.from.date(),
        to: report.to.date(),
        closed_until: report.closed_until.map(Timestamp::date),
        complete: report.is_complete,
        days: report.days.iter().map(day).collect(),
        totals: FiguresOut::of(&Figures::over(&report.days), token),
    }
}

fn is_closed(report: &Report, figures: &DayFigures) -> bool {
    report.closed_until.is_some_and(|last| figures.day <= last)
}

/// The same as a table: a row for each day. Money has a column for each currency that occurs.
fn table(report: &Report, token: &Token) -> String {
    let all = Figures::over(&report.days);
    let mut text = "day,closed,orders,lines,sales,tokens_sold,refunds,breakage,clawed_back,downloads,bytes,new_accounts,outstanding,unit".to_owned();
    for money in &all.paid {
        text.push_str(&format!(",paid_{}", money.unit));
    }
    text.push_str("\r\n");
    for figures in &report.days {
        let tokens = [
            figures.spent,
            figures.sold,
            figures.refunded,
            figures.expired,
            figures.clawed_back,
            figures.in_wallets(),
        ];
        let [spent, sold, refunded, expired, clawed_back, outstanding] =
            tokens.map(|amount| amount.decimal(token.scale));
        let DayFigures { day, orders, lines, downloads, bytes, accounts, .. } = figures;
        let (day, closed) = (day.date(), is_closed(report, figures));
        text.push_str(&format!(
            "{day},{closed},{orders},{lines},{spent},{sold},{refunded},{expired},{clawed_back},{downloads},{bytes},{accounts},{outstanding},{}",
            token.code
        ));
        for Money { unit, .. } in &all.paid {
            let paid = figures.paid.iter().find(|money| money.unit == *unit);
            let amount = paid.map(|money| money.amount).unwrap_or_default();
            text.push_str(&format!(",{}", amount.decimal(unit.currency_scale())));
        }
        text.push_str("\r\n");
    }
    text
}
