//! Refunds in the vendor's hand: giving tokens of an order back.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use scrip_domain::Id;
use scrip_domain::order::{Line, Order};
use scrip_domain::refund::{LicensePolicy, Share};
use scrip_domain::settings::Token;
use scrip_engine::purchase::Answered;
use scrip_engine::refund::RefundAsk;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::refunds::RefundOut;
use crate::api::top_ups::{nothing, replayed};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, IdempotencyKey};
use crate::money::{AboveZero, MoneyIn};
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create, list))
}

/// What is given back of an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "lines": [{ "line": "lin_06bq3v8k2m9zc", "quantity": 1 }], "reason": "does not start", "licenses": "revoke"
}))]
struct RefundBody {
    /// Which lines; without them all that is left of the order.
    #[serde(default)]
    #[schema(value_type = Option<Vec<RefundLineBody>>, min_items = 1, max_items = 50)]
    lines: Option<Vec<RefundLineIn>>,
    /// Why, for the record and for the buyer.
    #[schema(inline, example = "Does not start")]
    reason: Text<1, 500>,
    /// `revoke` ends the licenses of the units that go back, `keep` leaves them to the buyer.
    #[serde(default = "revoke")]
    #[schema(value_type = LicenseWord, default = "revoke", inline)]
    licenses: LicensePolicy,
}

/// What becomes of licenses.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "names the words for the document; `LicensePolicy` reads them")]
pub enum LicenseWord {
    Revoke,
    Keep,
}

fn revoke() -> LicensePolicy {
    LicensePolicy::Revoke
}

/// What is given back of one line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundLineIn {
    line: String,
    #[serde(default)]
    quantity: Option<u32>,
    #[serde(default)]
    amount: Option<MoneyIn>,
}

/// What is given back of one line: all that is left, so many units, or so much.
#[derive(ToSchema)]
#[serde(untagged, deny_unknown_fields)]
#[schema(example = json!({ "line": "lin_06bq3v8k2m9zc", "quantity": 1 }))]
#[expect(dead_code, reason = "describes what `RefundLineIn` reads")]
enum RefundLineBody {
    Rest {
        #[schema(example = "lin_06bq3v8k2m9zc", pattern = "^lin_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
        line: String,
        #[schema(schema_with = nothing)]
        quantity: Option<()>,
        #[schema(schema_with = nothing)]
        amount: Option<()>,
    },
    Units {
        #[schema(example = "lin_06bq3v8k2m9zc", pattern = "^lin_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
        line: String,
        /// So many units, for what was paid for them.
        #[schema(minimum = 1, maximum = 100)]
        quantity: u32,
        #[schema(schema_with = nothing)]
        amount: Option<()>,
    },
    Amount {
        #[schema(example = "lin_06bq3v8k2m9zc", pattern = "^lin_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
        line: String,
        #[schema(schema_with = nothing)]
        quantity: Option<()>,
        /// So much. No license ends before the last token goes back.
        #[schema(value_type = AboveZero)]
        amount: MoneyIn,
    },
}

impl RefundLineIn {
    fn share(&self, index: usize, token: &Token) -> Result<(Id<Line>, Share), Problem> {
        let field = |name: &str| format!("lines[{index}].{name}");
        let line =
            self.line.parse().map_err(|_| Problem::field(field("line"), "not a line's id"))?;
        let share = match (self.quantity, &self.amount) {
            (None, None) => Share::Rest,
            (Some(0), None) => return Err(Problem::field(field("quantity"), "more than nothing")),
            (Some(quantity), None) => Share::Quantity(quantity),
            (None, Some(amount)) => {
                let amount = amount.in_tokens(token, &field("amount"))?;
                if amount.is_zero() {
                    return Err(Problem::field(field("amount.amount"), "more than nothing"));
                }
                Share::Amount(amount)
            }
            (Some(_), Some(_)) => {
                return Err(Problem::field(field("amount"), "give either quantity or amount"));
            }
        };
        Ok((line, share))
    }
}

fn shares(body: &RefundBody, token: &Token) -> Result<Vec<(Id<Line>, Share)>, Problem> {
    match &body.lines {
        None => Ok(Vec::new()),
        Some(lines) if (1..=50).contains(&lines.len()) => {
            lines.iter().enumerate().map(|(index, line)| line.share(index, token)).collect()
        }
        Some(_) => Err(Problem::field("lines", "1 to 50 lines, or leave it out for all")),
    }
}

/// Gives tokens of an order back, into the very lots that paid: whole, or by line.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/refunds", tag = "admin", security(("bearer" = [])), request_body = RefundBody,
    params(
        ("id" = String, Path, example = "ord_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new refund", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 201, body = RefundOut),
        (status = 409, description = "`already_refunded`, `order_not_paid`, `idempotency_key_reused`"),
    )
)]
async fn create(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(order): IdPath<Order>,
    key: IdempotencyKey,
    body: Body<RefundBody>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let request = body.request(&key);
    let lines_back = shares(&body.value, token)?;
    let RefundBody { reason, licenses, .. } = body.value;
    let ask = RefundAsk { order, lines: lines_back, licenses, reason: reason.0 };
    let out = |refunded| (StatusCode::CREATED, Json(RefundOut::new(refunded, token)));
    match app.engine.refund(by, ask, request).await? {
        Ok(Answered::First(refunded)) => Ok(out(&refunded).into_response()),
        Ok(Answered::Replayed(refunded)) => Ok(replayed(out(&refunded).into_response())),
        Err(refusal) => Err(Problem::refund(&refusal)),
    }
}

/// What was given back of an order.
#[derive(Debug, Serialize, ToSchema)]
struct Refunds {
    /// Oldest first: all of them.
    data: Vec<RefundOut>,
}

/// The refunds of an order, oldest first.
#[utoipa::path(
    get, path = "/v1/admin/orders/{id}/refunds", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "ord_06bq3v8k2m9zc")),
    responses((status = 200, body = Refunds))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    IdPath(order): IdPath<Order>,
) -> Result<Json<Refunds>, Problem> {
    let vendor = app.engine.vendor().await?;
    app.engine.store().order(order).await?.ok_or_else(Problem::not_found)?;
    let refunds = app.engine.refunds_of(order).await?;
    let token = &vendor.settings.token;
    Ok(Json(Refunds { data: refunds.iter().map(|one| RefundOut::new(one, token)).collect() }))
}
