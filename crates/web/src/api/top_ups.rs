//! Top-ups: adding funds.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use scrip_domain::Amount;
use scrip_domain::settings::Token;
use scrip_domain::top_up::{TopUp, TopUpMethod};
use scrip_engine::purchase::Answered;
use scrip_engine::top_up::{TopUpAsk, TopUpRefusal, Way};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::api::{List, ListQuery};
use crate::caller::{Buyer, Spender};
use crate::extract::{Body, IdPath, IdempotencyKey, Query};
use crate::money::{AboveZero, MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::Line;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(show))
}

/// What is asked for: either `tokens` or `pay`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "tokens": { "amount": 5000, "unit": "AUR" }, "method": "demo" }))]
struct TopUpBody {
    /// So many tokens.
    #[serde(default)]
    #[schema(value_type = Option<AboveZero>)]
    tokens: Option<MoneyIn>,
    /// As many tokens as this buys.
    #[serde(default)]
    #[schema(value_type = Option<AboveZero>)]
    pay: Option<MoneyIn>,
    /// How it is paid: `demo`, in demo mode.
    #[schema(pattern = "^demo$", example = "demo")]
    method: String,
    /// With which payment method.
    #[serde(default)]
    #[schema(inline)]
    payment_method: Option<Line<1, 100>>,
}

/// A top-up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TopUp)]
pub struct TopUpOut {
    #[schema(example = "top_06bq3v8k2m9zc")]
    id: String,
    /// `credited`, `in_review` or `declined`.
    state: &'static str,
    method: &'static str,
    #[schema(required)]
    payment_method: Option<String>,
    tokens: MoneyOut,
    #[schema(required)]
    pay: Option<MoneyOut>,
    created_at: String,
    #[schema(required)]
    credited_at: Option<String>,
    assessment: AssessmentOut,
}

/// The recorded credit status, and the decision that it led to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Assessment)]
struct AssessmentOut {
    /// `good`, `doubtful` or `bad`.
    status: &'static str,
    /// `approved`, `declined` or `review`.
    decision: &'static str,
    reasons: Vec<String>,
    obtained_at: String,
    decided_at: String,
    valid_until: String,
}

impl TopUpOut {
    /// A top-up in the vendor's tokens.
    pub fn new(top_up: &TopUp, token: &Token) -> Self {
        let assessment = &top_up.assessment;
        Self {
            id: top_up.id.to_string(),
            state: top_up.state.as_str(),
            method: top_up.method.as_str(),
            payment_method: top_up.payment_method.clone(),
            tokens: MoneyOut::tokens(top_up.tokens, token),
            pay: top_up.pay.map(MoneyOut::currency),
            created_at: top_up.created_at.to_string(),
            credited_at: top_up.credited_at.map(|at| at.to_string()),
            assessment: AssessmentOut {
                status: assessment.status.as_str(),
                decision: assessment.decision.as_str(),
                reasons: assessment.reasons.clone(),
                obtained_at: assessment.obtained_at.to_string(),
                decided_at: assessment.decided_at.to_string(),
                valid_until: assessment.valid_until.to_string(),
            },
        }
    }

    /// The answer to a top-up that was made, or why it was not.
    pub fn answer(
        answer: Result<Answered<TopUp>, TopUpRefusal>,
        token: &Token,
    ) -> Result<Response, Problem> {
        match answer {
            Ok(Answered::First(top_up)) => {
                Ok((StatusCode::CREATED, Json(Self::new(&top_up, token))).into_response())
            }
            Ok(Answered::Replayed(top_up)) => {
                Ok(replayed((StatusCode::CREATED, Json(Self::new(&top_up, token))).into_response()))
            }
            Err(refusal) => {
                let problem = Problem::top_up(&refusal, || match &refusal {
                    TopUpRefusal::Declined { top_up, .. } => {
                        serde_json::to_value(Self::new(top_up, token)).unwrap_or_default()
                    }
                    _ => serde_json::Value::Null,
                });
                match refusal {
                    TopUpRefusal::Declined { replayed: true, top_up } => {
                        let first = top_up.request.map(|request| request.id).unwrap_or_default();
                        Ok(replayed(problem.of_request(first).into_response()))
                    }
                    _ => Err(problem),
                }
            }
        }
    }
}

/// The same answer again, and it says so.
pub fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

/// How many tokens are asked for, and what they cost.
fn tokens(body: &TopUpBody, token: &Token) -> Result<(Amount, scrip_domain::Money), Problem> {
    let out_of_range = |field: &str| Problem::field(field, "out of range");
    let (tokens, field) = match (&body.tokens, &body.pay) {
        (Some(tokens), None) => (tokens.in_tokens(token, "tokens")?, "tokens"),
        (None, Some(pay)) => {
            let currency = token.unit_value.money.unit;
            if pay.unit != currency {
                return Err(Problem::field("pay.unit", format!("tokens are sold in {currency}")));
            }
            let tokens = token.unit_value.tokens_for(pay.amount);
            (tokens.ok_or_else(|| out_of_range("pay.amount"))?, "pay")
        }
        _ => return Err(Problem::field("tokens", "give either tokens or pay")),
    };
    if tokens.is_zero() {
        return Err(Problem::field(format!("{field}.amount"), "more than nothing"));
    }
    let pay = token
        .unit_value
        .price_of(tokens)
        .ok_or_else(|| out_of_range(&format!("{field}.amount")))?;
    Ok((tokens, pay))
}

/// Adds funds to the caller's wallet.
#[utoipa::path(
    post, path = "/v1/top-ups", tag = "wallet", security(("bearer" = [])), request_body = TopUpBody,
    params(("Idempotency-Key" = String, Header, description = "a new one for each new top-up", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f")),
    responses(
        (status = 201, body = TopUpOut),
        (status = 402, description = "`credit_declined`: on record, its key taken"),
        (status = 403, description = "`account_frozen`, `forbidden`"),
        (status = 409, description = "`idempotency_key_reused`"),
    )
)]
async fn create(
    State(app): State<App>,
    Spender(buyer): Spender,
    key: IdempotencyKey,
    body: Body<TopUpBody>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let request = body.request(&key);
    let body = body.value;
    let (tokens, pay) = match tokens(&body, token) {
        Ok(asked) => asked,
        // Tokens may have had another price, or another currency, when this was first asked.
        Err(problem) => match app.engine.topped_up_before(buyer, request).await? {
            Some(answer) => return TopUpOut::answer(answer, token),
            None => return Err(problem),
        },
    };
    if body.method != TopUpMethod::Demo.as_str() {
        return Err(Problem::field("method", "this vendor takes no such method"));
    }
    let way = Way::Demo { payment_method: body.payment_method.map(|line| line.0) };
    let ask = TopUpAsk { tokens, pay: Some(pay), way };
    TopUpOut::answer(app.engine.top_up(buyer, ask, request).await?, token)
}

/// The caller's top-ups, newest first.
#[utoipa::path(
    get, path = "/v1/top-ups", tag = "wallet", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<TopUpOut>))
)]
async fn list(
    State(app): State<App>,
    Buyer(buyer): Buyer,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<TopUpOut>>, Problem> {
    let vendor = app.engine.vendor().await?;
    let page = query.page(&app.engine, "top-ups")?;
    let rows = app.engine.store().top_ups_of(buyer.account, page).await?;
    let show = |row: &TopUp| TopUpOut::new(row, &vendor.settings.token);
    Ok(Json(List::of(&app.engine, "top-ups", page, &rows, |row| row.id.number(), show)))
}

/// One of the caller's top-ups.
#[utoipa::path(
    get, path = "/v1/top-ups/{id}", tag = "wallet", security(("bearer" = [])),
    params(("id" = String, Path, example = "top_06bq3v8k2m9zc")),
    responses((status = 200, body = TopUpOut))
)]
async fn show(
    State(app): State<App>,
    Buyer(buyer): Buyer,
    IdPath(id): IdPath<TopUp>,
) -> Result<Json<TopUpOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let top_up =
        app.engine.store().top_up(id).await?.filter(|top_up| top_up.account == buyer.account);
    let top_up = top_up.ok_or_else(Problem::not_found)?;
    Ok(Json(TopUpOut::new(&top_up, &vendor.settings.token)))
}
