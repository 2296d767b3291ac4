//! Refunds that buyers ask for, as buyers see them.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use scrip_domain::order::Order;
use scrip_domain::refund_request::{RefundPolicy, RefundRequest};
use scrip_engine::purchase::Answered;
use scrip_engine::refund_request::RefundWish;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::top_ups::replayed;
use crate::caller::{Buyer, Spender};
use crate::extract::{Body, IdPath, IdempotencyKey};
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create, list))
}

/// What the vendor promises to buyers who want their tokens back.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = RefundPolicy)]
pub struct PolicyOut {
    /// Within so many days of the payment; 0 for no promise.
    #[schema(example = 14)]
    days: u32,
    /// Whether also what was downloaded, activated or used.
    opened: bool,
}

impl From<RefundPolicy> for PolicyOut {
    fn from(policy: RefundPolicy) -> Self {
        Self { days: policy.days, opened: policy.opened }
    }
}

/// What a buyer wants back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "line": "lin_06bq3v8k2m9zc", "reason": "It does not start on my machine" }))]
struct RefundRequestBody {
    /// All that is left of which line.
    #[schema(example = "lin_06bq3v8k2m9zc", pattern = "^lin_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    line: String,
    /// Why, for the vendor.
    #[schema(inline, example = "It does not start on my machine")]
    reason: Text<1, 500>,
}

/// A wish for the tokens of a line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefundRequest)]
pub struct RefundRequestOut {
    #[schema(example = "rfq_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "ord_06bq3v8k2m9zc")]
    order: String,
    #[schema(example = "lin_06bq3v8k2m9zc")]
    line: String,
    account: String,
    /// `open`, `accepted` or `declined`.
    #[schema(example = "open")]
    state: &'static str,
    /// Whether the policy that was shown with the order covered it when it was asked.
    covered: bool,
    reason: String,
    /// What the vendor said with a decline.
    #[schema(required)]
    word: Option<String>,
    /// The refund that gave back.
    #[schema(required, example = "rfd_06bq3v8k2m9zc")]
    refund: Option<String>,
    created_at: String,
    #[schema(required, format = DateTime)]
    decided_at: Option<String>,
}

impl From<&RefundRequest> for RefundRequestOut {
    fn from(row: &RefundRequest) -> Self {
        Self {
            id: row.id.to_string(),
            order: row.order.to_string(),
            line: row.line.to_string(),
            account: row.account.to_string(),
            state: row.state.as_str(),
            covered: row.covered,
            reason: row.reason.clone(),
            word: row.word.clone(),
            refund: row.refund.map(|refund| refund.to_string()),
            created_at: row.at.to_string(),
            decided_at: row.decided_at.map(|at| at.to_string()),
        }
    }
}

/// Asks for all that is left of a line back. Where the vendor grants at once what its policy covers, it is accepted in the
/// answer, at a merchant when its provider has given back, unless a download of it has begun; else it waits for the vendor.
#[utoipa::path(
    post, path = "/v1/orders/{id}/refund-requests", tag = "orders", security(("bearer" = [])),
    request_body = RefundRequestBody,
    params(
        ("id" = String, Path, example = "ord_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new request", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 201, body = RefundRequestOut),
        (status = 409, description = "`refund_request_open`, `already_refunded`, `order_not_paid`, `idempotency_key_reused`"),
    )
)]
async fn create(
    State(app): State<App>,
    Spender(buyer): Spender,
    IdPath(order): IdPath<Order>,
    key: IdempotencyKey,
    body: Body<RefundRequestBody>,
) -> Result<Response, Problem> {
    let request = body.request(&key);
    let RefundRequestBody { line, reason } = body.value;
    let line = line.parse().map_err(|_| Problem::field("line", "not a line's id"))?;
    let wish = RefundWish { order, line, reason: reason.0 };
    let out = |row: &RefundRequest| {
        (StatusCode::CREATED, Json(RefundRequestOut::from(row))).into_response()
    };
    match app.engine.ask_refund(buyer, wish, request).await?? {
        Answered::First(row) => Ok(out(&row)),
        Answered::Replayed(row) => Ok(replayed(out(&row))),
    }
}

/// What was asked back of an order.
#[derive(Debug, Serialize, ToSchema)]
struct RefundRequests {
    /// Oldest first: all of them.
    data: Vec<RefundRequestOut>,
}

/// What the caller has asked back of an order, oldest first.
#[utoipa::path(
    get, path = "/v1/orders/{id}/refund-requests", tag = "orders", security(("bearer" = [])),
    params(("id" = String, Path, example = "ord_06bq3v8k2m9zc")),
    responses((status = 200, body = RefundRequests))
)]
async fn list(
    State(app): State<App>,
    Buyer(buyer): Buyer,
    IdPath(order): IdPath<Order>,
) -> Result<Json<RefundRequests>, Problem> {
    let row = app.engine.store().order(order).await?;
    row.filter(|row| row.is_of(buyer.account)).ok_or_else(Problem::not_found)?;
    let rows = app.engine.store().refund_requests_of(order).await?;
    Ok(Json(RefundRequests { data: rows.iter().map(RefundRequestOut::from).collect() }))
}
