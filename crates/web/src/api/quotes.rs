//! Quotes: what a selection costs.

use axum::extract::State;
use scrip_domain::Amount;
use scrip_domain::api_key::Scope;
use scrip_domain::order::Line;
use scrip_domain::settings::Token;
use scrip_engine::selection::{Choice, Selection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::Caller;
use crate::extract::{Body, Source};
use crate::money::{MoneyOut, SuggestionOut};
use crate::problem::Problem;
use crate::text;

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
    /// A coupon's word, in either case.
    #[serde(default)]
    #[schema(inline)]
    coupon: Option<text::Line<1, 100>>,
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
    /// A license of yours that it extends, in place of a new one: by the offer's time, uses or processings.
    #[serde(default)]
    #[schema(example = "lic_06bq3v8k2m9zc", pattern = "^lic_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    license: Option<String>,
}

const fn one() -> u32 {
    1
}

/// The selection that `lines` make, with a coupon.
pub fn selection(
    lines: &[LineIn],
    coupon: Option<&text::Line<1, 100>>,
) -> Result<Selection, Problem> {
    let mut choices = Vec::with_capacity(lines.len().min(51));
    for (index, line) in lines.iter().take(51).enumerate() {
        let offer = line.offer.parse();
        let offer = offer.map_err(|_| {
            Problem::field(format!("lines[{index}].offer"), "this is no offer's id")
        })?;
        let extends = line.license.as_deref().map(str::parse).transpose();
        let extends = extends.map_err(|_| {
            Problem::field(format!("lines[{index}].license"), "this is no license's id")
        })?;
        choices.push(Choice { offer, quantity: line.quantity, extends });
    }
    let selection = Selection::new(choices)?;
    Ok(match coupon {
        Some(coupon) => selection.with_coupon(coupon.0.clone()),
        None => selection,
    })
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
    /// What the coupon takes off all units together, where it is for this line.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<MoneyOut>,
    total: MoneyOut,
    /// The license that it extends.
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<String>,
    /// The offer of the bundle that it is a part of: its price is its share of the bundle's.
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<String>,
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
            discount: line.discount.map(|discount| MoneyOut::tokens(discount, token)),
            total: MoneyOut::tokens(line.total().unwrap_or(Amount::MAX), token),
            license: line.extends.map(|license| license.to_string()),
            bundle: line.bundle.map(|bundle| bundle.to_string()),
        }
    }
}

/// What a coupon takes off all of these lines.
pub fn discount(lines: &[Line], token: &Token) -> MoneyOut {
    let off = Amount::try_sum(lines.iter().filter_map(|line| line.discount));
    MoneyOut::tokens(off.unwrap_or(Amount::MAX), token)
}

/// What a selection costs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quote)]
struct QuoteOut {
    lines: Vec<PricedLine>,
    /// What the coupon takes off all lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<MoneyOut>,
    total: MoneyOut,
    /// The coupon that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon: Option<String>,
    /// What the caller can spend; absent for a visitor, and for an account that is incomplete or frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<MoneyOut>,
    /// What would be left.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<MoneyOut>,
    /// What is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    shortfall: Option<MoneyOut>,
    /// What can be added of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_up: Option<SuggestionOut>,
}

/// What a selection costs now. Nothing is kept.
#[utoipa::path(
    post, path = "/v1/quotes", tag = "orders", request_body = QuoteBody, security((), ("bearer" = [])),
    responses(
        (status = 200, body = QuoteOut),
        (status = 402, description = "`balance_below_threshold`"),
        (status = 403, description = "`account_frozen`, `account_incomplete`, `forbidden`"),
        (status = 404, description = "`not_found`: a `license` to be extended is not yours"),
        (status = 409, description = "`not_for_sale`, `not_extendable`"),
        (status = 422, description = "`coupon_refused`: whatever is wrong with it"),
    )
)]
async fn create(
    State(app): State<App>,
    caller: Caller,
    source: Source,
    body: Body<QuoteBody>,
) -> Result<Json<QuoteOut>, Problem> {
    let selection = selection(&body.value.lines, body.value.coupon.as_ref())?;
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let member = match caller.buyer(Scope::Read)? {
        Some(buyer) => app.engine.member(buyer.account).await?,
        None => None,
    };
    let quote = app.engine.quote(member.as_ref(), &selection, &source.0).await?;
    let quote = quote.map_err(|refusal| Problem::purchase(&refusal, &vendor.settings))?;
    let money = |amount| MoneyOut::tokens(amount, token);
    let remaining = quote.balance.and_then(|balance| balance.checked_sub(quote.total));
    let shortfall = quote.balance.map(|balance| balance.shortfall(quote.total));
    let shortfall = shortfall.filter(|_| remaining.is_none());
    Ok(Json(QuoteOut {
        lines: quote.lines.iter().map(|line| PricedLine::new(line, token)).collect(),
        discount: quote.coupon.as_ref().map(|_| discount(&quote.lines, token)),
        total: money(quote.total),
        coupon: quote.coupon.map(|coupon| coupon.code),
        balance: quote.balance.map(money),
        remaining: remaining.map(money),
        shortfall: shortfall.map(money),
        top_up: shortfall.map(|missing| SuggestionOut::new(missing, &vendor.settings)),
    }))
}
