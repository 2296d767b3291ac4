//! Top-ups: adding funds.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use scrip_domain::Amount;
use scrip_domain::credit::Assessment;
use scrip_domain::settings::Token;
use scrip_domain::top_up::{Action, TopUp, TopUpMethod, TopUpState};
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
    /// How it is paid: `card`, or `demo` in demo mode.
    #[schema(pattern = "^(card|demo)$", example = "demo")]
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
    /// `declined`, `in_review`, `authorizing`, `requires_action`, `authorized`, `capturing`, `credited`, `failed`,
    /// `cancelled`, or `unknown` while the processor does not answer.
    state: &'static str,
    /// Why it failed, was cancelled or is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What the buyer must do.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action: Option<ActionOut>,
    method: &'static str,
    #[schema(required)]
    payment_method: Option<String>,
    tokens: MoneyOut,
    #[schema(required)]
    pay: Option<MoneyOut>,
    created_at: String,
    #[schema(required)]
    credited_at: Option<String>,
    #[schema(required)]
    assessment: Option<AssessmentOut>,
}

/// What the buyer must do before a payment goes on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ActionOut {
    /// Go to this address of the buyer's bank.
    Redirect {
        /// The address.
        url: String,
    },
    /// Answer the bank through the processor's script.
    Confirm {
        /// What the script is given; it completes this one payment.
        client_secret: String,
    },
}

impl ActionOut {
    fn of(top_up: &TopUp) -> Option<Self> {
        if top_up.state != TopUpState::RequiresAction {
            return None;
        }
        Some(match top_up.payment.as_ref()?.action.clone()? {
            Action::Redirect { url } => Self::Redirect { url },
            Action::Confirm { client_secret } => Self::Confirm { client_secret },
        })
    }
}

/// The recorded credit status, and the decision that it led to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Assessment)]
pub struct AssessmentOut {
    #[schema(example = "asm_06bq3v8k2m9zc")]
    id: String,
    /// Who made it: `rules`, `demo`, `processor` or `staff`.
    source: &'static str,
    /// `good`, `doubtful` or `bad`.
    status: &'static str,
    /// `approved`, `declined` or `review`.
    decision: &'static str,
    reasons: Vec<String>,
    /// From 0, nothing against it, to 100; where the source gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<u8>,
    obtained_at: String,
    decided_at: String,
    valid_until: String,
}

impl AssessmentOut {
    /// An assessment, as the account may see it.
    pub fn new(assessment: &Assessment) -> Self {
        Self {
            id: assessment.id.to_string(),
            source: assessment.source.as_str(),
            status: assessment.status.as_str(),
            decision: assessment.decision.as_str(),
            reasons: assessment.reasons.clone(),
            score: assessment.score,
            obtained_at: assessment.obtained_at.to_string(),
            decided_at: assessment.decided_at.to_string(),
            valid_until: assessment.valid_until.to_string(),
        }
    }
}

impl TopUpOut {
    /// A top-up in the vendor's tokens.
    pub fn new(top_up: &TopUp, token: &Token) -> Self {
        Self {
            id: top_up.id.to_string(),
            state: top_up.state.as_str(),
            reason: top_up.reason.clone(),
            next_action: ActionOut::of(top_up),
            method: top_up.method.as_str(),
            payment_method: top_up.payment_method.clone(),
            tokens: MoneyOut::tokens(top_up.tokens, token),
            pay: top_up.pay.map(MoneyOut::currency),
            created_at: top_up.created_at.to_string(),
            credited_at: top_up.credited_at.map(|at| at.to_string()),
            assessment: top_up.assessment().map(AssessmentOut::new),
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
    let payment_method = body.payment_method.map(|line| line.0);
    let way = match TopUpMethod::parse(&body.method) {
        Some(TopUpMethod::Card) => Way::Card { payment_method },
        Some(TopUpMethod::Demo) => Way::Demo { payment_method },
        Some(TopUpMethod::Administrator) | None => {
            return Err(Problem::field("method", "this vendor takes no such method"));
        }
    };
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
