//! Exchanges: a buyer gives tokens here and receives a partner's.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use scrip_domain::agreement::{Agreement, Figures};
use scrip_domain::exchange::{Exchange, ExchangeQuote};
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Timestamp};
use scrip_engine::Page;
use scrip_engine::exchange::Quoted;
use scrip_engine::purchase::Answered;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::top_ups::replayed;
use crate::api::{List, ListQuery};
use crate::caller::{Buyer, Spender};
use crate::extract::{Body, IdPath, IdempotencyKey, Query};
use crate::money::{AboveZero, FineMoney, MoneyIn, MoneyOut};
use crate::problem::Problem;

/// Every route of exchanges.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(quote)).routes(routes!(create, list)).routes(routes!(show))
}

/// What is to be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "partner": "par_06bq3v8k2m9zc", "give": { "amount": 1000, "unit": "AUR" } }))]
struct ExchangeQuoteBody {
    /// Whose tokens are to be received.
    #[schema(example = "par_06bq3v8k2m9zc", pattern = "^par_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    partner: String,
    /// So many of this vendor's tokens.
    #[schema(value_type = AboveZero)]
    give: MoneyIn,
}

/// A quote that is taken.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "quote": "exq_06bq3v8k2m9zc" }))]
struct ExchangeBody {
    /// The quote.
    #[schema(example = "exq_06bq3v8k2m9zc", pattern = "^exq_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    quote: String,
}

/// What giving so many tokens comes to: firm for a minute, and good once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExchangeQuote)]
struct ExchangeQuoteOut {
    #[schema(example = "exq_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "par_06bq3v8k2m9zc")]
    partner: String,
    #[serde(flatten)]
    figures: FiguresOut,
    rate: RateOut,
    /// A minute after it was asked for.
    expires_at: String,
}

/// What an exchange comes to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExchangeFigures)]
pub struct FiguresOut {
    /// What leaves the wallet here.
    pub give: MoneyOut,
    /// What comes into the wallet there.
    pub receive: MoneyOut,
    /// What this vendor owes the partner for it, in millionths of the currency.
    pub compensation: FineMoney,
}

/// How it was reckoned.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExchangeRate)]
struct RateOut {
    /// So many smallest units are received…
    #[schema(example = 4)]
    numerator: u64,
    /// …for so many given, before the spread.
    #[schema(example = 1)]
    denominator: u64,
    /// What is received less, in hundredths of a percent.
    #[schema(example = 100)]
    spread_basis_points: u32,
    /// What is received is rounded `down`, to the smallest unit.
    rounding: &'static str,
}

/// An exchange.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Exchange)]
pub struct ExchangeOut {
    #[schema(example = "exc_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "par_06bq3v8k2m9zc")]
    partner: String,
    /// `reserved`, `prepared`, `committed`, `fulfilled`, `refused`, `expired`, `reversed` or `written_off`.
    #[schema(example = "fulfilled")]
    state: &'static str,
    /// Why it was refused, given up or reversed: a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(flatten)]
    figures: FiguresOut,
    created_at: String,
    /// When the tokens left.
    #[serde(skip_serializing_if = "Option::is_none")]
    committed_at: Option<String>,
    /// When the partner had its final word.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_at: Option<String>,
    /// When it was written off.
    #[serde(skip_serializing_if = "Option::is_none")]
    written_off_at: Option<String>,
}

impl FiguresOut {
    /// What it comes to, under an agreement by which tokens of the vendor at `issuer` are given.
    pub fn new(figures: &Figures, agreement: &Agreement, issuer: &str) -> Self {
        let [first, second] = &agreement.terms.parties;
        let (from, to) = if first.url == issuer { (first, second) } else { (second, first) };
        let currency = agreement.terms.currency;
        Self {
            give: MoneyOut::scaled(figures.give, from.token, from.scale),
            receive: MoneyOut::scaled(figures.receive, to.token, to.scale),
            compensation: FineMoney::of(figures.compensation, currency),
        }
    }
}

impl ExchangeQuoteOut {
    fn new(quoted: &Quoted, issuer: &str) -> Self {
        let Quoted { quote, agreement, .. } = quoted;
        let way = agreement.terms.way(issuer).map(|(way, ..)| way);
        Self {
            id: quote.id.to_string(),
            partner: quote.partner.to_string(),
            figures: FiguresOut::new(&quote.figures, agreement, issuer),
            rate: RateOut {
                numerator: quote.figures.numerator,
                denominator: quote.figures.denominator,
                spread_basis_points: way.map_or(0, |way| way.spread_basis_points),
                rounding: "down",
            },
            expires_at: quote.expires_at().to_string(),
        }
    }
}

impl ExchangeOut {
    /// An exchange, with what its agreement says of the tokens.
    pub async fn of(app: &App, exchange: &Exchange) -> Result<Self, Problem> {
        let agreement = app.engine.store().agreement(exchange.agreement).await?;
        let agreement = agreement.ok_or_else(Problem::not_found)?;
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Ok(Self {
            id: exchange.id.to_string(),
            partner: exchange.partner.to_string(),
            state: exchange.state.as_str(),
            reason: exchange.reason.clone(),
            figures: FiguresOut::new(&exchange.figures, &agreement, &app.public_url),
            created_at: exchange.at.to_string(),
            committed_at: time(exchange.committed_at),
            answered_at: time(exchange.answered_at),
            written_off_at: time(exchange.written_off_at),
        })
    }
}

/// A page of the list of exchanges that is called so.
pub async fn page_of(
    app: &App,
    list: &str,
    page: Page,
    rows: &[Exchange],
) -> Result<Json<List<ExchangeOut>>, Problem> {
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
        data.push(ExchangeOut::of(app, row).await?);
    }
    let next = List::of(&app.engine, list, page, rows, |row| row.id.number(), |_| ()).next;
    Ok(Json(List { data, next }))
}

/// Asks a partner what giving so many tokens comes to. Nothing is held.
#[utoipa::path(
    post, path = "/v1/exchange-quotes", tag = "partners", request_body = ExchangeQuoteBody, security(("bearer" = [])),
    responses(
        (status = 201, body = ExchangeQuoteOut),
        (status = 403, description = "`account_frozen`, `account_incomplete`"),
        (status = 404, description = "`not_found`: no such partner"),
        (status = 409, description = "`not_linked`, `partner_suspended`, `exchange_limit`, `exchange_refused`"),
        (status = 422, description = "`amount_out_of_bounds`"),
        (status = 429, description = "`rate_limited`: too many quotes were asked for"),
    )
)]
async fn quote(
    Spender(buyer): Spender,
    State(app): State<App>,
    body: Body<ExchangeQuoteBody>,
) -> Result<(StatusCode, Json<ExchangeQuoteOut>), Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let partner: Id<Partner> = body
        .value
        .partner
        .parse()
        .map_err(|_| Problem::field("partner", "this is no partner's id"))?;
    let give = body.value.give.in_tokens(token, "give")?;
    let quoted = app.engine.ask_exchange_quote(buyer, partner, give).await?;
    let quoted = quoted.map_err(|refusal| Problem::exchange(&refusal, &vendor.settings))?;
    Ok((StatusCode::CREATED, Json(ExchangeQuoteOut::new(&quoted, &app.public_url))))
}

/// Takes a quote: the tokens are held, the partner is asked, and what can be decided now is decided. 202 while it is not at its end:
/// it goes on by itself.
#[utoipa::path(
    post, path = "/v1/exchanges", tag = "partners", request_body = ExchangeBody, security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, min_length = 1, max_length = 128)),
    responses(
        (status = 200, body = ExchangeOut, description = "It is at its end: `state` says at which"),
        (status = 202, body = ExchangeOut, description = "It goes on"),
        (status = 402, description = "`insufficient_balance`"),
        (status = 403, description = "`account_frozen`, `account_incomplete`"),
        (status = 404, description = "`not_found`: no such quote"),
        (status = 409, description = "`quote_expired`, `not_exchangeable`, `exchange_limit`, `not_linked`, `partner_suspended`"),
    )
)]
async fn create(
    Spender(buyer): Spender,
    State(app): State<App>,
    key: IdempotencyKey,
    body: Body<ExchangeBody>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let quote: Id<ExchangeQuote> = body
        .value
        .quote
        .parse()
        .map_err(|_| Problem::field("quote", "this is no exchange quote's id"))?;
    let answered = app.engine.begin_exchange(buyer, quote, body.request(&key)).await?;
    let answered = answered.map_err(|refusal| Problem::exchange(&refusal, &vendor.settings))?;
    Ok(match answered {
        Answered::First(exchange) => answer(&app, &exchange).await?,
        Answered::Replayed(exchange) => replayed(answer(&app, &exchange).await?),
    })
}

async fn answer(app: &App, exchange: &Exchange) -> Result<Response, Problem> {
    let status = if exchange.state.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(ExchangeOut::of(app, exchange).await?)).into_response())
}

/// The caller's exchanges, newest first.
#[utoipa::path(
    get, path = "/v1/exchanges", tag = "partners", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<ExchangeOut>))
)]
async fn list(
    Buyer(buyer): Buyer,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<ExchangeOut>>, Problem> {
    let page = query.page(&app.engine, "exchanges")?;
    let rows = app.engine.store().exchanges_of(buyer.account, page).await?;
    page_of(&app, "exchanges", page, &rows).await
}

/// One of the caller's exchanges.
#[utoipa::path(
    get, path = "/v1/exchanges/{id}", tag = "partners", security(("bearer" = [])),
    params(("id" = String, Path, example = "exc_06bq3v8k2m9zc")),
    responses((status = 200, body = ExchangeOut))
)]
async fn show(
    Buyer(buyer): Buyer,
    State(app): State<App>,
    IdPath(id): IdPath<Exchange>,
) -> Result<Json<ExchangeOut>, Problem> {
    let exchange = app.engine.exchange_of(buyer, id).await?;
    let exchange = exchange.map_err(|refusal| Problem::partner_exchange(&refusal))?;
    Ok(Json(ExchangeOut::of(&app, &exchange).await?))
}
