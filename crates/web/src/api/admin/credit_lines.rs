//! Credit lines in the vendor's hand: limits, and what is repaid.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use scrip_domain::account::Account;
use scrip_domain::credit_line::Repayment;
use scrip_domain::{Id, Money};
use scrip_engine::Buyer;
use scrip_engine::credit_line::Repaid;
use scrip_engine::purchase::Answered;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::admin::accounts::{HeldAccount, held};
use crate::api::top_ups::replayed;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, IdempotencyKey, Query};
use crate::money::{AboveZero, MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(limit)).routes(routes!(repay, repayments))
}

/// The limit that is granted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "limit": { "amount": 50_000, "unit": "EUR" } }))]
struct CreditLimitBody {
    /// The most that the account may owe, in the currency of the token's value; nothing closes the line.
    limit: MoneyIn,
}

/// Money that came back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "money": { "amount": 5000, "unit": "EUR" }, "note": "Statement 14, line 3" }))]
struct RepaymentBody {
    /// How much; at most what is owed.
    #[schema(value_type = AboveZero)]
    money: MoneyIn,
    /// Where it stands in the vendor's own papers.
    #[schema(inline)]
    note: Text<1, 500>,
}

/// A repayment of what an account owed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Repayment)]
struct RepaymentOut {
    #[schema(example = "rep_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "acc_06bq3v8k2m9zc")]
    account: String,
    money: MoneyOut,
    /// What was still owed after it.
    owed: MoneyOut,
    #[schema(example = "Statement 14, line 3")]
    note: String,
    at: String,
}

impl RepaymentOut {
    fn new(repayment: &Repayment) -> Self {
        let owed = Money { amount: repayment.owed, unit: repayment.money.unit };
        Self {
            id: repayment.id.to_string(),
            account: repayment.account.to_string(),
            money: MoneyOut::currency(repayment.money),
            owed: MoneyOut::currency(owed),
            note: repayment.note.clone(),
            at: repayment.at.to_string(),
        }
    }
}

async fn buyer(app: &App, account: Id<Account>) -> Result<Buyer, Problem> {
    let member = app.engine.member(account).await?.ok_or_else(Problem::not_found)?;
    Ok(Buyer { account, wallet: member.account.wallet })
}

/// Grants an account a credit line, or sets another limit. One below what is owed only stops further draws.
#[utoipa::path(
    put, path = "/v1/admin/accounts/{id}/credit-limit", tag = "admin", security(("bearer" = [])),
    operation_id = "set_credit_limit", request_body = CreditLimitBody,
    params(("id" = String, Path, example = "acc_06bq3v8k2m9zc")),
    responses((status = 200, body = HeldAccount))
)]
async fn limit(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(account): IdPath<Account>,
    body: Body<CreditLimitBody>,
) -> Result<Json<HeldAccount>, Problem> {
    let MoneyIn { amount, unit, .. } = body.value.limit;
    let currency = app.engine.vendor().await?.settings.token.unit_value.money.unit;
    if unit != currency {
        return Err(Problem::field("limit.unit", format!("tokens are sold in {currency}")));
    }
    let buyer = buyer(&app, account).await?;
    app.engine.set_credit_limit(by, buyer, Money { amount, unit }).await??;
    Ok(Json(held(&app, account).await?))
}

/// Books what an account repays of what it owes, wholly or in part.
#[utoipa::path(
    post, path = "/v1/admin/accounts/{id}/repayments", tag = "admin", security(("bearer" = [])),
    operation_id = "book_repayment", request_body = RepaymentBody,
    params(
        ("id" = String, Path, example = "acc_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new repayment", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 201, body = RepaymentOut),
        (status = 409, description = "`nothing_owed`, `idempotency_key_reused`"),
    )
)]
async fn repay(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(account): IdPath<Account>,
    key: IdempotencyKey,
    body: Body<RepaymentBody>,
) -> Result<Response, Problem> {
    let request = body.request(&key);
    let RepaymentBody { money, note } = body.value;
    let repaid = Repaid { money: Money { amount: money.amount, unit: money.unit }, note: note.0 };
    let buyer = buyer(&app, account).await?;
    let out = |row: &Repayment| (StatusCode::CREATED, Json(RepaymentOut::new(row))).into_response();
    Ok(match app.engine.repay(by, buyer, repaid, request).await?? {
        Answered::First(repayment) => out(&repayment),
        Answered::Replayed(repayment) => replayed(out(&repayment)),
    })
}

/// What an account repaid, newest first.
#[utoipa::path(
    get, path = "/v1/admin/accounts/{id}/repayments", tag = "admin", security(("bearer" = [])),
    operation_id = "list_repayments",
    params(("id" = String, Path, example = "acc_06bq3v8k2m9zc"), ListQuery),
    responses((status = 200, body = List<RepaymentOut>))
)]
async fn repayments(
    _: Admin,
    State(app): State<App>,
    IdPath(account): IdPath<Account>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<RepaymentOut>>, Problem> {
    let page = query.page(&app.engine, "repayments")?;
    let rows = app.engine.store().repayments_of(account, page).await?;
    Ok(Json(List::of(
        &app.engine,
        "repayments",
        page,
        &rows,
        |row| row.id.number(),
        RepaymentOut::new,
    )))
}
