//! Quotes: what a selection costs.

use axum::Json;
use axum::extract::State;
use scrip_domain::api_key::Scope;
use scrip_domain::order::Line;
use scrip_domain::settings::Token;
use scrip_engine::selection::{Choice, Selection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::caller::Caller;
use crate::extract::Body;
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create))
}

/// A selection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "lines": [{ "offer": "ofr_06bq3v8k2m9zc", "quantity": 1 }] }))]
struct QuoteBody {
    /// 1 to 50 lines, at most 100 units.
    #[schema(min_items = 1, max_items = 50)]
    lines: Vec<LineIn>,
}

/// One chosen offer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LineBody)]
pub struct LineIn {
    /// The offer.
    #[schema(example = "ofr_06bq3v8k2m9zc", pattern = "^ofr_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    offer: String,
    /// How many units.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 100, default = 1)]
    quantity: u32,
}

const fn one() -> u32 {
    1
}

/// The selection that `lines` make.
pub fn selection(lines: &[LineIn]) -> Result<Selection, Problem> {
    let mut choices = Vec::with_capacity(lines.len().min(51));
    for (index, line) in lines.iter().take(51).enumerate() {
        let offer = line.offer.parse();
        let offer = offer.map_err(|_| {
            Problem::field(format!("lines[{index}].offer"), "this is no offer's id")
        })?;
        choices.push(Choice { offer, quantity: line.quantity });
    }
    Ok(Selection::new(choices)?)
}

/// A line with its price.
#[derive(Debug, Serialize, ToSchema)]
pub struct PricedLine {
    offer: String,
    product: String,
    title: String,
    quantity: u32,
    /// One unit.
    price: MoneyOut,
    total: MoneyOut,
}

impl PricedLine {
    /// A line in the vendor's tokens.
    pub fn new(line: &Line, token: &Token) -> Self {
        Self {
            offer: line.offer.to_string(),
            product: line.product.to_string(),
            title: line.title.clone(),
            quantity: line.quantity,
            price: MoneyOut::tokens(line.price, token),
            total: MoneyOut::tokens(line.total().unwrap_or(scrip_domain::Amount::MAX), token),
        }
    }
}

/// What a selection costs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quote)]
struct QuoteOut {
    lines: Vec<PricedLine>,
    total: MoneyOut,
    /// What the caller can spend; absent for a visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<MoneyOut>,
    /// What would be left.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<MoneyOut>,
    /// What is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    shortfall: Option<MoneyOut>,
}

/// What a selection costs now. Nothing is kept.
#[utoipa::path(
    post, path = "/v1/quotes", tag = "orders", request_body = QuoteBody, security((), ("bearer" = [])),
    responses(
        (status = 200, body = QuoteOut),
        (status = 402, description = "`balance_below_threshold`"),
        (status = 403, description = "`account_frozen`, `account_incomplete`, `forbidden`"),
        (status = 409, description = "`not_for_sale`"),
    )
)]
async fn create(
    State(app): State<App>,
    caller: Caller,
    body: Body<QuoteBody>,
) -> Result<Json<QuoteOut>, Problem> {
    let selection = selection(&body.value.lines)?;
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let member = match caller.buyer(Scope::Read)? {
        Some(buyer) => app.engine.member(buyer.account).await?,
        None => None,
    };
    let quote = app.engine.quote(member.as_ref(), &selection).await?;
    let quote = quote.map_err(|refusal| Problem::purchase(&refusal, token))?;
    let money = |amount| MoneyOut::tokens(amount, token);
    let remaining = quote.balance.and_then(|balance| balance.checked_sub(quote.total));
    let shortfall = quote.balance.map(|balance| balance.shortfall(quote.total));
    Ok(Json(QuoteOut {
        lines: quote.lines.iter().map(|line| PricedLine::new(line, token)).collect(),
        total: money(quote.total),
        balance: quote.balance.map(money),
        remaining: remaining.map(money),
        shortfall: shortfall.filter(|_| remaining.is_none()).map(money),
    }))
}
