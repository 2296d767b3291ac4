//! Payments between partners, in the hands of staff.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use scrip_domain::Money;
use scrip_domain::statement::{Settlement, SettlementMethod, Statement};
use scrip_engine::purchase::Answered;
use scrip_engine::settlement::ReceiptAsk;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::top_ups::replayed;
use crate::api::{List, ListQuery};
use crate::caller::{Admin, AtPartner};
use crate::extract::{Body, IdPath, IdempotencyKey, Query};
use crate::money::{AboveZero, MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::Line;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(instruct, list))
        .routes(routes!(show))
        .routes(routes!(pain001))
        .routes(routes!(sent))
        .routes(routes!(received))
        .routes(routes!(write_off))
}

/// A payment to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "statement": "stm_06bq3v8k2m9zc", "method": "pain001" }))]
struct SettlementBody {
    /// The agreed statement.
    #[schema(example = "stm_06bq3v8k2m9zc", max_length = 30)]
    statement: String,
    /// How we pay: `recorded`, somebody pays and says so; `pain001`, by a file for a bank. Without it where we are paid.
    #[serde(default)]
    #[schema(example = "pain001", max_length = 20)]
    method: Option<String>,
}

/// A payment between partners.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Settlement)]
struct SettlementOut {
    #[schema(example = "stl_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "stm_06bq3v8k2m9zc")]
    statement: String,
    #[schema(example = "par_06bq3v8k2m9zc")]
    partner: String,
    /// What it is called, the same on both sides: at a bank its `EndToEndId`.
    #[schema(example = "SCRIP-06BQ3V8K2M9ZC-3")]
    reference: String,
    /// `pay` where we do, `receive` where the partner does.
    #[schema(example = "pay")]
    direction: &'static str,
    /// `recorded` or `pain001`; null where we are paid.
    #[schema(required, example = "pain001")]
    method: Option<&'static str>,
    /// `instructed`, `sent`, `settled` or `written_off`.
    #[schema(example = "instructed")]
    state: &'static str,
    amount: MoneyOut,
    at: String,
    /// When it was settled or given up.
    #[schema(required)]
    ended_at: Option<String>,
    /// What the creditor has signed: a JWS of type `scrip-paid+jwt`.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    receipt: Option<String>,
}

impl SettlementOut {
    async fn of(app: &App, row: &Settlement) -> Result<Self, Problem> {
        let statement = app.engine.store().statement(row.statement).await?;
        let net = statement.ok_or_else(Problem::not_found)?.net;
        Ok(Self {
            id: row.id.to_string(),
            statement: row.statement.to_string(),
            partner: row.partner.to_string(),
            reference: row.reference.clone(),
            direction: if net > 0 { "pay" } else { "receive" },
            method: row.method.map(SettlementMethod::as_str),
            state: row.state.as_str(),
            amount: MoneyOut::currency(row.money),
            at: row.at.to_string(),
            ended_at: row.ended_at.map(|at| at.to_string()),
            receipt: row.receipt.clone(),
        })
    }
}

/// Instructs the payment of an agreed statement; where the partner pays, enters it before the partner says so.
#[utoipa::path(
    post, path = "/v1/admin/settlements", tag = "admin", security(("bearer" = [])), request_body = SettlementBody,
    responses(
        (status = 201, body = SettlementOut, description = "also when it was instructed like this before"),
        (status = 409, description = "`statement_state`, `settlement_side`, `settlement_exists`, `bank_details_missing`"),
    )
)]
async fn instruct(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<SettlementBody>,
) -> Result<Response, Problem> {
    let SettlementBody { statement, method } = body.value;
    let statement = statement.parse::<scrip_domain::Id<Statement>>();
    let statement = statement.map_err(|_| Problem::field("statement", "the id of a statement"))?;
    let method = method.map(|word| {
        let wrong = || Problem::field("method", "recorded or pain001");
        SettlementMethod::parse(&word).ok_or_else(wrong)
    });
    let settlement = app.engine.instruct(by, statement, method.transpose()?).await?;
    let settlement = settlement.map_err(|refusal| Problem::settlement(refusal, None))?;
    Ok((StatusCode::CREATED, Json(SettlementOut::of(&app, &settlement).await?)).into_response())
}

/// The payments with all partners, newest first.
#[utoipa::path(
    get, path = "/v1/admin/settlements", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<SettlementOut>))
)]
async fn list(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<SettlementOut>>, Problem> {
    let page = query.page(&app.engine, "settlements")?;
    let rows = app.engine.store().settlements(page).await?;
    let mut outs = Vec::with_capacity(rows.len());
    for row in &rows {
        outs.push(SettlementOut::of(&app, row).await?);
    }
    let list = List::of(&app.engine, "settlements", page, &rows, |row| row.id.number(), |_| ());
    Ok(Json(List { data: outs, next: list.next }))
}

/// A payment.
#[utoipa::path(
    get, path = "/v1/admin/settlements/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "stl_06bq3v8k2m9zc")),
    responses((status = 200, body = SettlementOut))
)]
async fn show(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Settlement>,
) -> Result<Json<SettlementOut>, Problem> {
    let row = app.engine.store().settlement(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(SettlementOut::of(&app, &row).await?))
}

/// The file by which our bank makes the payment: ISO 20022 `pain.001.001.09`, the same each time while no account changes.
#[utoipa::path(
    get, path = "/v1/admin/settlements/{id}/pain001", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "stl_06bq3v8k2m9zc")),
    responses(
        (status = 200, content_type = "application/xml", body = String),
        (status = 409, description = "`settlement_side`: not instructed as a file; `statement_state`: settled or given up"),
    )
)]
async fn pain001(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Settlement>,
) -> Result<Response, Problem> {
    let file = app.engine.pain001(id).await?;
    let file = file.map_err(|refusal| Problem::settlement(refusal, None))?;
    let disposition = format!("attachment; filename=\"{id}.xml\"");
    let headers = [
        (header::CONTENT_TYPE, "application/xml".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, file).into_response())
}

/// Says that the money has gone out.
#[utoipa::path(
    post, path = "/v1/admin/settlements/{id}/sent", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "stl_06bq3v8k2m9zc")),
    responses((status = 200, body = SettlementOut), (status = 409, description = "`statement_state`, `settlement_side`"))
)]
async fn sent(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Settlement>,
) -> Result<Json<SettlementOut>, Problem> {
    let settlement = app.engine.settlement_sent(by, id).await?;
    let settlement = settlement.map_err(|refusal| Problem::settlement(refusal, None))?;
    Ok(Json(SettlementOut::of(&app, &settlement).await?))
}

/// What has come.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettlementReceiptBody, example = json!({ "money": { "amount": 1250, "unit": "EUR" }, "reference": "statement 12, line 4" }))]
struct ReceiptBody {
    /// Exactly what was to be paid.
    #[schema(value_type = AboveZero)]
    money: MoneyIn,
    /// Where it stands in our own papers.
    #[serde(default)]
    #[schema(inline)]
    reference: Option<Line<1, 200>>,
}

/// Says that the money has come. The partner is told by a signed receipt, and both sides book it.
///
/// Also what was given up: then only the receipt is signed.
#[utoipa::path(
    post, path = "/v1/admin/settlements/{id}/received", tag = "admin", security(("bearer" = [])),
    request_body = ReceiptBody,
    params(
        ("id" = String, Path, example = "stl_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new receipt", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 200, body = SettlementOut),
        (status = 409, description = "`settlement_amount`, `settlement_side`, `statement_state`, `idempotency_key_reused`"),
    )
)]
async fn received(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Settlement>,
    key: IdempotencyKey,
    body: Body<ReceiptBody>,
) -> Result<Response, Problem> {
    let request = body.request(&key);
    let ReceiptBody { money, reference } = body.value;
    if money.amount.is_zero() {
        return Err(Problem::field("money.amount", "more than nothing"));
    }
    let money = Money { amount: money.amount, unit: money.unit };
    let ask = ReceiptAsk { money, reference: reference.map(|line| line.0) };
    let answer = app.engine.settlement_received(by, id, ask, request).await?;
    match answer.map_err(|refusal| Problem::settlement(refusal, Some(money)))? {
        Answered::First(row) => Ok(Json(SettlementOut::of(&app, &row).await?).into_response()),
        Answered::Replayed(row) => {
            Ok(replayed(Json(SettlementOut::of(&app, &row).await?).into_response()))
        }
    }
}

/// Gives a payment up that we should have had.
#[utoipa::path(
    post, path = "/v1/admin/settlements/{id}/write-off", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "stl_06bq3v8k2m9zc")),
    responses((status = 200, body = SettlementOut), (status = 409, description = "`statement_state`, `settlement_side`"))
)]
async fn write_off(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Settlement>,
) -> Result<Json<SettlementOut>, Problem> {
    let settlement = app.engine.write_off_settlement(by, id).await?;
    let settlement = settlement.map_err(|refusal| Problem::settlement(refusal, None))?;
    Ok(Json(SettlementOut::of(&app, &settlement).await?))
}
