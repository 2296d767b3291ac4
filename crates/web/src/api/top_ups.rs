//! Top-ups: adding funds.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use scrip_domain::credit::{self, Assessment, CreditDecision};
use scrip_domain::sale::{Sale, Wish};
use scrip_domain::settings::{Settings, Token};
use scrip_domain::top_up::{Action, Reversed, TopUp, TopUpMethod, TopUpState};
use scrip_domain::{Amount, Money, Unit};
use scrip_engine::purchase::Answered;
use scrip_engine::top_up::{TopUpAsk, TopUpRefusal, Way};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::Object;
use utoipa::openapi::schema::Type;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::payment_methods::MethodIn;
use crate::api::{List, ListQuery};
use crate::caller::{Buyer, Spender};
use crate::extract::{Body, IdPath, IdempotencyKey, Query, Source};
use crate::money::{AboveZero, MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::{Line, Text};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show))
        .routes(routes!(cancel))
        .routes(routes!(appeal))
}

/// What is asked for: `tokens`, `pay` or both; by voucher neither.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    #[serde(default)]
    tokens: Option<MoneyIn>,
    #[serde(default)]
    pay: Option<MoneyIn>,
    #[serde(default)]
    currency: Option<Unit>,
    method: String,
    #[serde(default)]
    payment_method: Option<MethodIn>,
    #[serde(default)]
    voucher: Option<Line<1, 100>>,
}

/// What is asked for: so many tokens, as many as some money buys, a pack or a price as it was shown, or the
/// tokens of a voucher.
#[derive(ToSchema)]
#[serde(untagged, deny_unknown_fields)]
#[schema(example = json!({ "tokens": { "amount": 5000, "unit": "AUR" }, "method": "demo" }))]
#[expect(dead_code, reason = "describes what `CreateBody` reads")]
enum TopUpBody {
    Tokens {
        /// So many tokens.
        #[schema(value_type = AboveZero)]
        tokens: MoneyIn,
        /// What they are paid in: one of the currencies that tokens are sold in, or else that of the token's value.
        #[schema(value_type = Option<String>, pattern = "^[A-Z][A-Z0-9]{2,7}$", example = "EUR")]
        currency: Option<Unit>,
        /// How it is paid; `demo` in demo mode only.
        #[schema(value_type = PaidWord)]
        method: String,
        /// With which payment method: one of the account's, or else the one that it pays with.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[A-Za-z0-9_-]+$")]
        payment_method: Option<MethodIn>,
        #[schema(schema_with = nothing)]
        pay: Option<()>,
        #[schema(schema_with = nothing)]
        voucher: Option<()>,
    },
    Pay {
        /// As many tokens as this buys.
        #[schema(value_type = AboveZero)]
        pay: MoneyIn,
        /// How it is paid; `demo` in demo mode only.
        #[schema(value_type = PaidWord)]
        method: String,
        /// With which payment method: one of the account's, or else the one that it pays with.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[A-Za-z0-9_-]+$")]
        payment_method: Option<MethodIn>,
        #[schema(schema_with = nothing)]
        tokens: Option<()>,
        #[schema(schema_with = nothing)]
        currency: Option<()>,
        #[schema(schema_with = nothing)]
        voucher: Option<()>,
    },
    TokensFor {
        /// So many tokens,
        #[schema(value_type = AboveZero)]
        tokens: MoneyIn,
        /// for this money: a pack, or the price as it was shown. `price_changed` when it is neither any more.
        #[schema(value_type = AboveZero)]
        pay: MoneyIn,
        /// How it is paid; `demo` in demo mode only.
        #[schema(value_type = PaidWord)]
        method: String,
        /// With which payment method: one of the account's, or else the one that it pays with.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[A-Za-z0-9_-]+$")]
        payment_method: Option<MethodIn>,
        #[schema(schema_with = nothing)]
        currency: Option<()>,
        #[schema(schema_with = nothing)]
        voucher: Option<()>,
    },
    Voucher {
        /// The voucher's code, in any case, with dashes or without.
        #[schema(inline, example = "7GQ2H-TN5W0-06BQ3-V8K2M")]
        voucher: Line<1, 100>,
        /// `voucher`.
        method: String,
        #[schema(schema_with = nothing)]
        tokens: Option<()>,
        #[schema(schema_with = nothing)]
        pay: Option<()>,
        #[schema(schema_with = nothing)]
        currency: Option<()>,
        #[schema(schema_with = nothing)]
        payment_method: Option<()>,
    },
}

/// A field that stays away.
pub fn nothing() -> Object {
    Object::with_type(Type::Null)
}

/// How money is paid.
#[derive(ToSchema)]
#[schema(as = PaidMethod)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `CreateBody` reads")]
enum PaidWord {
    Card,
    Offline,
    CreditLine,
    Demo,
}

/// A top-up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TopUp)]
pub struct TopUpOut {
    #[schema(example = "top_06bq3v8k2m9zc")]
    id: String,
    /// `assessing`, `declined`, `in_review`, `authorizing`, `requires_action`, `authorized`, `capturing`,
    /// `credited`, `failed`, `cancelled`, or `unknown` while the processor does not answer. After it was credited: `refunded` when all
    /// of the money went back, `disputed`, `dispute_won`, `dispute_lost`.
    state: &'static str,
    /// Why it failed, was cancelled or is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What came of the money so far, when it is paid offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<MoneyOut>,
    /// The money of it that went back, wholly or in part.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded: Option<MoneyOut>,
    /// The money of it that the buyer's bank has taken back, for now or for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    disputed: Option<MoneyOut>,
    /// What the buyer must do.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action: Option<ActionOut>,
    /// `card`, `offline`, `voucher`, `credit_line`, `demo` or `administrator`.
    #[schema(example = "demo")]
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
    /// What its buyer said against a decline.
    #[serde(skip_serializing_if = "Option::is_none")]
    appeal: Option<AppealOut>,
}

/// What a buyer said against a decline.
#[derive(Debug, Serialize, ToSchema)]
struct AppealOut {
    message: String,
    at: String,
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
    /// Send the money by transfer, cheque or order.
    Transfer {
        /// What to write beside it.
        #[schema(example = "7GQ2H-TN5W0")]
        reference: String,
        /// What is still due.
        money: MoneyOut,
        /// What to do, in the vendor's words.
        instructions: String,
    },
}

impl ActionOut {
    fn of(top_up: &TopUp) -> Option<Self> {
        if top_up.state != TopUpState::RequiresAction {
            return None;
        }
        if let (Some(due), Some(left)) = (&top_up.due, top_up.left()) {
            return Some(Self::Transfer {
                reference: due.reference.clone(),
                money: MoneyOut::currency(left),
                instructions: due.instructions.clone(),
            });
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
    /// Who made it: `rules`, `credit_line`, `bureau`, `demo`, `processor` or `staff`.
    source: &'static str,
    /// `good`, `doubtful` or `bad`; `error` where whoever was asked gave no answer.
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
    /// What a source outside said can be held to; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<EvidenceOut>,
}

/// What a source outside said.
#[derive(Debug, Serialize, ToSchema)]
struct EvidenceOut {
    /// Its own name of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// Of the answer as it came.
    sha256: String,
}

impl AssessmentOut {
    /// An assessment, as the account may see it: what a bureau holds against a buyer, and how it reckons, is
    /// between the bureau and the vendor.
    pub fn new(assessment: &Assessment) -> Self {
        let held = Self::held(assessment);
        if assessment.source != credit::Source::Bureau {
            return held;
        }
        let reasons = vec![match assessment.decision {
            CreditDecision::Approved => "credit_approved".to_owned(),
            CreditDecision::Review => "credit_in_review".to_owned(),
            CreditDecision::Declined => "credit_declined".to_owned(),
        }];
        Self { reasons, score: None, evidence: None, ..held }
    }

    /// An assessment with everything that is known of it.
    pub fn held(assessment: &Assessment) -> Self {
        let evidence = assessment.evidence.as_ref().map(|evidence| EvidenceOut {
            reference: evidence.reference.clone(),
            sha256: evidence.sha256.clone(),
        });
        Self {
            evidence,
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
            received: received(top_up).map(MoneyOut::currency),
            refunded: reversed(top_up, |sums| sums.refunded),
            disputed: reversed(top_up, |sums| sums.disputed),
            next_action: ActionOut::of(top_up),
            method: top_up.method.as_str(),
            payment_method: top_up.payment_method.clone(),
            tokens: MoneyOut::tokens(top_up.tokens, token),
            pay: top_up.pay.map(MoneyOut::currency),
            created_at: top_up.created_at.to_string(),
            credited_at: top_up.credited_at.map(|at| at.to_string()),
            assessment: top_up.assessment().map(AssessmentOut::new),
            appeal: top_up.appeal.as_ref().map(|appeal| AppealOut {
                message: appeal.message.clone(),
                at: appeal.at.to_string(),
            }),
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

/// A sum of money over a top-up's reversals, when there is any.
fn reversed(top_up: &TopUp, sum: fn(&Reversed) -> Amount) -> Option<MoneyOut> {
    let (pay, amount) = (top_up.pay?, sum(top_up.reversed.as_ref()?));
    let money = Money { amount, unit: pay.unit };
    (!amount.is_zero()).then(|| MoneyOut::currency(money))
}

/// What came of an offline top-up's money.
fn received(top_up: &TopUp) -> Option<Money> {
    let (pay, due) = (top_up.pay?, top_up.due.as_ref()?);
    Some(Money { amount: due.received, unit: pay.unit })
}

/// The same answer again, and it says so.
pub fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

/// How many tokens are asked for, and what they cost.
fn sale(body: &CreateBody, settings: &Settings) -> Result<Sale, Problem> {
    let money = |money: &MoneyIn| Money { amount: money.amount, unit: money.unit };
    let tokens = body.tokens.as_ref().map(|tokens| tokens.in_tokens(&settings.token, "tokens"));
    let wish = match (tokens.transpose()?, &body.pay, body.currency) {
        (Some(tokens), None, currency) => Wish::Tokens(tokens, currency),
        (Some(tokens), Some(pay), None) => Wish::TokensFor(tokens, money(pay)),
        (None, Some(pay), None) => Wish::Pay(money(pay)),
        (None, None, _) => return Err(Problem::field("tokens", "give tokens, or pay, or both")),
        (_, Some(_), Some(_)) => {
            return Err(Problem::field("currency", "pay says it already: leave it out"));
        }
    };
    settings.sale(wish).map_err(|why| Problem::no_sale(why, wish, settings))
}

/// The voucher that is to be redeemed, which stands by itself.
fn voucher(body: &CreateBody) -> Result<Option<&str>, Problem> {
    let by_voucher = TopUpMethod::parse(&body.method) == Some(TopUpMethod::Voucher);
    let bare = body.tokens.is_none()
        && body.pay.is_none()
        && body.currency.is_none()
        && body.payment_method.is_none();
    match &body.voucher {
        Some(code) if by_voucher && bare => Ok(Some(&code.0)),
        None if !by_voucher => Ok(None),
        Some(_) if by_voucher => Err(Problem::field(
            "voucher",
            "a voucher says itself what it brings: give nothing else",
        )),
        Some(_) => Err(Problem::field("method", "voucher, with a voucher")),
        None => Err(Problem::field("voucher", "this field is required")),
    }
}

/// Adds funds to the caller's wallet.
#[utoipa::path(
    post, path = "/v1/top-ups", tag = "wallet", security(("bearer" = [])), request_body = TopUpBody,
    params(("Idempotency-Key" = String, Header, description = "a new one for each new top-up", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f")),
    responses(
        (status = 201, body = TopUpOut),
        (status = 402, description = "`credit_declined`: on record, its key taken"),
        (status = 403, description = "`account_frozen`, `forbidden`"),
        (status = 409, description = "`idempotency_key_reused`; `price_changed`: tokens and pay are no pack, and not what tokens cost now"),
        (status = 422, description = "`voucher_refused`: whatever is wrong with it"),
        (status = 429, description = "`rate_limited`: too many vouchers were tried"),
    )
)]
async fn create(
    State(app): State<App>,
    Spender(buyer): Spender,
    source: Source,
    key: IdempotencyKey,
    body: Body<CreateBody>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let request = body.request(&key);
    let body = body.value;
    if let Some(code) = voucher(&body)? {
        let answer = app.engine.redeem_voucher(buyer, code, &source.0, request).await?;
        return TopUpOut::answer(answer, token);
    }
    let Sale { tokens, pay } = match sale(&body, &vendor.settings) {
        Ok(asked) => asked,
        // Tokens may have had another price, or another currency, when this was first asked.
        Err(problem) => match app.engine.topped_up_before(buyer, request).await? {
            Some(answer) => return TopUpOut::answer(answer, token),
            None => return Err(problem),
        },
    };
    let payment_method = body.payment_method.map(|method| method.0.as_str().to_owned());
    let way = match TopUpMethod::parse(&body.method) {
        Some(TopUpMethod::Card) => Way::Card { payment_method },
        Some(TopUpMethod::Demo) => Way::Demo { payment_method },
        Some(TopUpMethod::Offline) => Way::Offline,
        Some(TopUpMethod::CreditLine) => Way::CreditLine,
        Some(TopUpMethod::Voucher | TopUpMethod::Administrator) | None => {
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

/// Cancels one of the caller's top-ups that is paid offline, as long as nothing came.
#[utoipa::path(
    post, path = "/v1/top-ups/{id}/cancel", tag = "wallet", security(("bearer" = [])),
    params(("id" = String, Path, example = "top_06bq3v8k2m9zc")),
    responses((status = 200, body = TopUpOut), (status = 409, description = "`top_up_state`"))
)]
async fn cancel(
    State(app): State<App>,
    Spender(buyer): Spender,
    IdPath(id): IdPath<TopUp>,
) -> Result<Json<TopUpOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let cancelled = app.engine.cancel_own_top_up(buyer, id).await?;
    let top_up = cancelled.map_err(|refusal| Problem::offline(&refusal))?;
    Ok(Json(TopUpOut::new(&top_up, &vendor.settings.token)))
}

/// What the buyer says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "message": "I have bought here for years; call me." }))]
struct AppealBody {
    /// To the person who will look at it.
    #[schema(inline)]
    message: Text<1, 1000>,
}

/// Asks for a person to look at a top-up that was declined, once, within seven days, where nothing was reserved.
#[utoipa::path(
    post, path = "/v1/top-ups/{id}/appeal", tag = "wallet", security(("bearer" = [])), request_body = AppealBody,
    params(("id" = String, Path, example = "top_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = TopUpOut),
        (status = 403, description = "`account_frozen`, `forbidden`"),
        (status = 409, description = "`top_up_state`"),
    )
)]
async fn appeal(
    State(app): State<App>,
    Spender(buyer): Spender,
    IdPath(id): IdPath<TopUp>,
    body: Body<AppealBody>,
) -> Result<Json<TopUpOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let appealed = app.engine.appeal(buyer, id, body.value.message.0).await?;
    let top_up = appealed.map_err(|refusal| Problem::appeal(&refusal))?;
    Ok(Json(TopUpOut::new(&top_up, &vendor.settings.token)))
}
