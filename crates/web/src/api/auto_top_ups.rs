//! Automatic top-ups: what the caller wants to be topped up by itself.

use axum::extract::State;
use http::StatusCode;
use scrip_domain::Money;
use scrip_domain::auto_top_up::AutoTopUp;
use scrip_domain::settings::Token;
use scrip_engine::auto_top_up::AutoAsk;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::{Buyer, Spender};
use crate::extract::Body;
use crate::money::{AboveZero, MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::Line;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, put, remove))
}

/// What is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "below": { "amount": 500, "unit": "AUR" }, "to": { "amount": 5000, "unit": "AUR" }, "payment_method": "pm_1" }))]
struct AutoTopUpBody {
    /// When a purchase leaves less than this available, it is time.
    #[schema(value_type = AboveZero)]
    below: MoneyIn,
    /// This much is to be available afterwards; more than `below`.
    #[schema(value_type = AboveZero)]
    to: MoneyIn,
    /// The processor's name of the card; the account's own without one.
    #[serde(default)]
    #[schema(inline)]
    payment_method: Option<Line<1, 100>>,
    /// The most that is paid so in 30 days, in the currency of the token's value.
    #[serde(default)]
    #[schema(value_type = Option<AboveZero>)]
    monthly_limit: Option<MoneyIn>,
}

/// What is topped up by itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AutoTopUp)]
pub struct AutoTopUpOut {
    below: MoneyOut,
    to: MoneyOut,
    #[schema(required)]
    payment_method: Option<String>,
    #[schema(required)]
    monthly_limit: Option<MoneyOut>,
    /// `active`, or `stopped`: nothing more is tried until it is set anew.
    state: &'static str,
    /// Why it is stopped: `declined` three times in a row, or no `payment_method`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// How many in a row came to nothing.
    declines: u32,
    /// The one that is under way, or was last.
    #[schema(required, example = "top_06bq3v8k2m9zc")]
    top_up: Option<String>,
}

impl AutoTopUpOut {
    /// The automatic top-up of an account.
    pub fn new(auto: &AutoTopUp, token: &Token) -> Self {
        Self {
            below: MoneyOut::tokens(auto.below, token),
            to: MoneyOut::tokens(auto.target, token),
            payment_method: auto.payment_method.clone(),
            monthly_limit: auto.monthly_limit.map(MoneyOut::currency),
            state: if auto.stopped.is_some() { "stopped" } else { "active" },
            reason: auto.stopped.map(scrip_domain::auto_top_up::Stopped::as_str),
            declines: auto.declines,
            top_up: auto.top_up.map(|id| id.to_string()),
        }
    }
}

impl AutoTopUpBody {
    fn read(self, token: &Token) -> Result<AutoAsk, Problem> {
        let below = self.below.in_tokens(token, "below")?;
        let target = self.to.in_tokens(token, "to")?;
        if below.is_zero() {
            return Err(Problem::field("below.amount", "more than nothing"));
        }
        if target <= below {
            return Err(Problem::field("to.amount", "more than below"));
        }
        let currency = token.unit_value.money.unit;
        let monthly_limit = match self.monthly_limit {
            Some(limit) if limit.unit != currency => {
                let detail = format!("tokens are sold in {currency}");
                return Err(Problem::field("monthly_limit.unit", detail));
            }
            Some(limit) if limit.amount.is_zero() => {
                return Err(Problem::field("monthly_limit.amount", "more than nothing"));
            }
            limit => limit.map(|limit| Money { amount: limit.amount, unit: limit.unit }),
        };
        let payment_method = self.payment_method.map(|line| line.0);
        Ok(AutoAsk { below, target, payment_method, monthly_limit })
    }
}

/// What the caller's account is topped up by itself.
#[utoipa::path(
    get, path = "/v1/account/auto-top-up", tag = "wallet", security(("bearer" = [])),
    operation_id = "show_auto_top_up",
    responses((status = 200, body = AutoTopUpOut), (status = 404, description = "`not_found`: none is set"))
)]
async fn show(State(app): State<App>, Buyer(buyer): Buyer) -> Result<Json<AutoTopUpOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let auto = app.engine.store().auto_top_up(buyer.account).await?;
    let auto = auto.filter(AutoTopUp::is_wanted).ok_or_else(Problem::not_found)?;
    Ok(Json(AutoTopUpOut::new(&auto, &vendor.settings.token)))
}

/// Has the caller's account topped up by itself, by card, whenever a purchase leaves too little; at once if there is
/// too little now.
#[utoipa::path(
    put, path = "/v1/account/auto-top-up", tag = "wallet", security(("bearer" = [])), request_body = AutoTopUpBody,
    operation_id = "set_auto_top_up",
    responses(
        (status = 200, body = AutoTopUpOut),
        (status = 403, description = "`account_frozen`, `forbidden`"),
    )
)]
async fn put(
    State(app): State<App>,
    Spender(buyer): Spender,
    body: Body<AutoTopUpBody>,
) -> Result<Json<AutoTopUpOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let auto = app.engine.set_auto_top_up(buyer, body.value.read(token)?).await??;
    Ok(Json(AutoTopUpOut::new(&auto, token)))
}

/// Ends it. A top-up that is under way goes on.
#[utoipa::path(
    delete, path = "/v1/account/auto-top-up", tag = "wallet", security(("bearer" = [])),
    operation_id = "remove_auto_top_up", responses((status = 204, description = "it is ended"))
)]
async fn remove(State(app): State<App>, Spender(buyer): Spender) -> Result<StatusCode, Problem> {
    app.engine.remove_auto_top_up(buyer).await?;
    Ok(StatusCode::NO_CONTENT)
}
