//! Money of top-ups that goes back, in the vendor's hand: refunds, and what disputes took.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use scrip_domain::reversal::ReversalKind;
use scrip_domain::settings::Token;
use scrip_domain::top_up::{TopUp, TopUpMethod};
use scrip_domain::{Amount, Money};
use scrip_engine::purchase::Answered;
use scrip_engine::reversal::{Reversed, Share, TopUpRefundAsk};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::top_ups::replayed;
use crate::caller::Admin;
use crate::extract::{Body, IdPath, IdempotencyKey};
use crate::money::{AboveZero, MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create, list))
}

/// What is given back of a top-up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "amount": { "amount": 2500, "unit": "AUR" }, "reason": "asked for it in time" }))]
struct TopUpRefundBody {
    /// So many of the vendor's tokens and the money for them, or so much money and the tokens for it; without
    /// it all that is unspent.
    #[serde(default)]
    #[schema(value_type = Option<AboveZero>)]
    amount: Option<MoneyIn>,
    /// Why, for the record.
    #[schema(inline, example = "Asked for it in time")]
    reason: Text<1, 500>,
}

/// Money of a top-up that goes back, or may, and the tokens that were taken for it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reversal)]
pub struct ReversalOut {
    #[schema(example = "rev_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "top_06bq3v8k2m9zc")]
    top_up: String,
    /// `refund` by the vendor, `processor_refund` in the processor's dashboard, or `dispute` by the buyer's bank.
    kind: &'static str,
    /// `pending` until the processor has given the money back, `done`, `failed` when it refused; a dispute is
    /// `open`, `won` or `lost`.
    state: &'static str,
    /// The processor's name of a dispute.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The money; null where none is on record.
    #[schema(required)]
    money: Option<MoneyOut>,
    /// The tokens for it.
    tokens: MoneyOut,
    /// What of them was spent already, and is owed since.
    owed: MoneyOut,
    /// What was taken from which lot.
    lots: Vec<ReversalLotOut>,
    /// Whether the vendor gives the money back by hand: there is no processor that could.
    by_hand: bool,
    reason: String,
    at: String,
    #[schema(required)]
    settled_at: Option<String>,
}

/// What was taken from one lot.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReversalLot)]
struct ReversalLotOut {
    #[schema(example = "lot_06bq3v8k2m9zc")]
    lot: String,
    amount: MoneyOut,
}

impl ReversalOut {
    /// A reversal, in the vendor's tokens.
    pub fn new(reversed: &Reversed, token: &Token) -> Self {
        let Reversed { reversal, lots, top_up } = reversed;
        let in_unit = |amount: Amount| {
            top_up.pay.map(|pay| MoneyOut::currency(Money { amount, unit: pay.unit }))
        };
        let lot = |lot: &scrip_domain::reversal::ReversalLot| ReversalLotOut {
            lot: lot.lot.to_string(),
            amount: MoneyOut::tokens(lot.amount, token),
        };
        Self {
            id: reversal.id.to_string(),
            top_up: reversal.top_up.to_string(),
            kind: reversal.kind.as_str(),
            state: reversal.state.as_str(),
            name: reversal.name.clone(),
            money: in_unit(reversal.money),
            tokens: MoneyOut::tokens(reversal.tokens, token),
            owed: MoneyOut::tokens(reversal.owed, token),
            lots: lots.iter().map(lot).collect(),
            by_hand: reversal.kind == ReversalKind::Refund && top_up.method != TopUpMethod::Card,
            reason: reversal.reason.clone(),
            at: reversal.at.to_string(),
            settled_at: reversal.settled_at.map(|at| at.to_string()),
        }
    }
}

/// Tokens or money, as the unit says.
fn share(amount: Option<MoneyIn>, token: &Token) -> Result<Share, Problem> {
    let Some(amount) = amount else { return Ok(Share::Rest) };
    if amount.amount.is_zero() {
        return Err(Problem::field("amount.amount", "more than nothing"));
    }
    if amount.unit == token.code {
        return Ok(Share::Tokens(amount.amount));
    }
    Ok(Share::Money(Money { amount: amount.amount, unit: amount.unit }))
}

/// Gives money of a top-up back, and takes the tokens for it first: of those that are still unspent. By card the
/// processor is asked; otherwise the money goes back by hand.
#[utoipa::path(
    post, path = "/v1/admin/top-ups/{id}/refunds", tag = "admin", security(("bearer" = [])),
    request_body = TopUpRefundBody, operation_id = "refund_top_up",
    params(
        ("id" = String, Path, example = "top_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new refund", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 201, body = ReversalOut),
        (status = 409, description = "`tokens_spent`, `already_refunded`, `top_up_state`, `idempotency_key_reused`"),
    )
)]
async fn create(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(top_up): IdPath<TopUp>,
    key: IdempotencyKey,
    body: Body<TopUpRefundBody>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let request = body.request(&key);
    let TopUpRefundBody { amount, reason } = body.value;
    let ask = TopUpRefundAsk { top_up, share: share(amount, token)?, reason: reason.0 };
    let out = |reversed| (StatusCode::CREATED, Json(ReversalOut::new(reversed, token)));
    match app.engine.refund_top_up(by, ask, request).await? {
        Ok(Answered::First(reversed)) => Ok(out(&reversed).into_response()),
        Ok(Answered::Replayed(reversed)) => Ok(replayed(out(&reversed).into_response())),
        Err(refusal) => Err(Problem::top_up_refund(&refusal, token)),
    }
}

/// What was taken back of a top-up.
#[derive(Debug, Serialize, ToSchema)]
struct Reversals {
    /// Oldest first: all of them.
    data: Vec<ReversalOut>,
}

/// What was taken back of a top-up, oldest first: refunds and disputes.
#[utoipa::path(
    get, path = "/v1/admin/top-ups/{id}/refunds", tag = "admin", security(("bearer" = [])),
    operation_id = "list_reversals", params(("id" = String, Path, example = "top_06bq3v8k2m9zc")),
    responses((status = 200, body = Reversals))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<TopUp>,
) -> Result<Json<Reversals>, Problem> {
    let vendor = app.engine.vendor().await?;
    let top_up = app.engine.store().top_up(id).await?.ok_or_else(Problem::not_found)?;
    let all = app.engine.reversals_of(&top_up).await?;
    let token = &vendor.settings.token;
    Ok(Json(Reversals { data: all.iter().map(|one| ReversalOut::new(one, token)).collect() }))
}
