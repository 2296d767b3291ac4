//! Merchants in the hands of their provider's staff.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use scrip_domain::ledger::Transfer;
use scrip_domain::merchant::{Fee, Merchant, MerchantLimits, MerchantState, Payout};
use scrip_domain::purchase_request::PurchaseRequest;
use scrip_domain::settings::Token;
use scrip_domain::{Amount, Money};
use scrip_engine::merchant::{MerchantFields, PayoutAsk};
use scrip_engine::purchase::Answered;
use scrip_engine::purchase_request::RequestRefundAsk;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::merchant::{BalanceOut, MerchantTransferOut};
use crate::api::purchase_requests::PictureOut;
use crate::api::top_ups::replayed;
use crate::api::{List, ListQuery};
use crate::caller::{Admin, AtProvider};
use crate::extract::{Body, IdPath, IdempotencyKey, Query};
use crate::money::{AboveZero, MoneyIn, MoneyOut, TokensIn};
use crate::problem::Problem;
use crate::text::{Line, Text};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register, list))
        .routes(routes!(show, change))
        .routes(routes!(transfers))
        .routes(routes!(pay_out, payouts))
        .routes(routes!(requests))
        .routes(routes!(request))
        .routes(routes!(refund))
}

/// What the provider keeps of each capture.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FeeSetting<M> {
    /// Hundredths of a percent, rounded down.
    #[schema(maximum = 10_000)]
    basis_points: u32,
    /// Tokens beside that.
    #[serde(default = "none")]
    fixed: Option<M>,
}

/// How far a merchant is trusted.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LimitsOfMerchant<M> {
    /// The largest order.
    order: M,
    /// How many requests may wait at a time.
    open: u32,
    /// How much may be captured in a day (UTC).
    day: M,
}

// The derived default would demand one of `M`.
fn none<M>() -> Option<M> {
    None
}

/// A merchant to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "https://shop.example", "name": "Field Sounds", "return_origins": ["https://shop.example"],
    "limits": { "order": 100_000, "open": 100, "day": 1_000_000 }, "fee": { "basis_points": 250, "fixed": 10 } }))]
struct MerchantBody {
    /// The address of its server, without a slash at the end: what signs its calls.
    #[schema(example = "https://shop.example", max_length = 2000)]
    url: String,
    /// What buyers know it by.
    #[schema(inline)]
    name: Line<1, 100>,
    /// Where buyers may be sent back to: scheme, host and port.
    #[schema(example = json!(["https://shop.example"]), max_items = 10)]
    return_origins: Vec<String>,
    limits: LimitsOfMerchant<TokensIn>,
    #[serde(default)]
    fee: Option<FeeSetting<TokensIn>>,
    /// The balance from which on a buyer counts as funded.
    #[serde(default)]
    threshold: Option<TokensIn>,
    /// Whether its server has to redeem an invitation before it sells.
    #[serde(default)]
    invite: bool,
}

/// What changes of a merchant. What is not given stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "suspended": true }))]
struct MerchantChange {
    #[serde(default)]
    #[schema(inline)]
    name: Option<Line<1, 100>>,
    #[serde(default)]
    #[schema(example = json!(["https://shop.example"]), max_items = 10)]
    return_origins: Option<Vec<String>>,
    #[serde(default)]
    limits: Option<LimitsOfMerchant<TokensIn>>,
    #[serde(default)]
    fee: Option<FeeSetting<TokensIn>>,
    #[serde(default)]
    threshold: Option<TokensIn>,
    /// A suspended merchant opens and captures nothing; it can deliver and give back.
    #[serde(default)]
    suspended: Option<bool>,
}

/// A merchant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Merchant)]
struct MerchantOut {
    #[schema(example = "mer_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "https://shop.example")]
    url: String,
    #[schema(example = "Field Sounds")]
    name: String,
    #[schema(example = json!(["https://shop.example"]))]
    return_origins: Vec<String>,
    limits: LimitsOfMerchant<MoneyOut>,
    fee: FeeSetting<MoneyOut>,
    /// The balance from which on a buyer counts as funded.
    threshold: MoneyOut,
    /// `invited`, `active` or `suspended`.
    state: &'static str,
    balance: BalanceOut,
    created_at: String,
    /// The token with which its server redeems the invitation: told once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, example = "Qq8UYYdMM1976EFWi990jg")]
    invitation: Option<String>,
}

impl MerchantOut {
    async fn of(
        app: &App,
        merchant: &Merchant,
        invitation: Option<String>,
    ) -> Result<Self, Problem> {
        let vendor = app.engine.vendor().await?;
        let token = &vendor.settings.token;
        let balance = app.engine.merchant_balance(merchant.id).await?;
        let balance = balance.ok_or_else(Problem::not_found)?;
        let money = |amount| MoneyOut::tokens(amount, token);
        let MerchantLimits { order, open, day } = merchant.limits;
        let Fee { basis_points, fixed } = merchant.fee;
        Ok(Self {
            id: merchant.id.to_string(),
            url: merchant.url.clone(),
            name: merchant.name.clone(),
            return_origins: merchant.return_origins.clone(),
            limits: LimitsOfMerchant { order: money(order), open, day: money(day) },
            fee: FeeSetting { basis_points, fixed: Some(money(fixed)) },
            threshold: money(merchant.threshold),
            state: merchant.state.as_str(),
            balance: BalanceOut::new(&balance, token),
            created_at: merchant.created_at.to_string(),
            invitation,
        })
    }
}

impl LimitsOfMerchant<TokensIn> {
    fn read(&self, token: &Token) -> Result<MerchantLimits, Problem> {
        Ok(MerchantLimits {
            order: self.order.in_tokens(token, "limits.order")?,
            open: self.open,
            day: self.day.in_tokens(token, "limits.day")?,
        })
    }
}

impl FeeSetting<TokensIn> {
    fn read(&self, token: &Token) -> Result<Fee, Problem> {
        let fixed = self.fixed.as_ref().map(|fixed| fixed.in_tokens(token, "fee.fixed"));
        let fixed = fixed.transpose()?.unwrap_or_default();
        Ok(Fee { basis_points: self.basis_points, fixed })
    }
}

fn threshold(threshold: Option<&TokensIn>, token: &Token) -> Result<Option<Amount>, Problem> {
    threshold.map(|threshold| threshold.in_tokens(token, "threshold")).transpose()
}

/// Registers a merchant by the address of its server.
#[utoipa::path(
    post, path = "/v1/admin/merchants", tag = "admin", security(("bearer" = [])), request_body = MerchantBody,
    responses(
        (status = 201, body = MerchantOut),
        (status = 404, description = "`not_found`: no provider"),
        (status = 409, description = "`merchant_taken`"),
    )
)]
async fn register(
    _: AtProvider,
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<MerchantBody>,
) -> Result<Response, Problem> {
    let body = body.value;
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let fee = body.fee.map(|fee| fee.read(token)).transpose()?;
    let fields = MerchantFields {
        name: body.name.0,
        return_origins: body.return_origins,
        limits: body.limits.read(token)?,
        fee: fee.unwrap_or_default(),
        threshold: threshold(body.threshold.as_ref(), token)?.unwrap_or_default(),
        suspended: false,
    };
    let registered = app.engine.register_merchant(by, body.url, fields, body.invite).await??;
    let out = MerchantOut::of(&app, &registered.merchant, registered.invitation).await?;
    Ok((StatusCode::CREATED, Json(out)).into_response())
}

/// The merchants, newest first.
#[utoipa::path(
    get, path = "/v1/admin/merchants", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<MerchantOut>))
)]
async fn list(
    _: AtProvider,
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<MerchantOut>>, Problem> {
    let page = query.page(&app.engine, "merchants")?;
    let rows = app.engine.store().merchants(page).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for merchant in &rows {
        shown.push((merchant.id.number(), MerchantOut::of(&app, merchant, None).await?));
    }
    let numbers: Vec<u64> = shown.iter().map(|(number, _)| *number).collect();
    let mut outs = shown.into_iter().map(|(_, out)| out);
    let empty =
        List::of(&app.engine, "merchants", page, &numbers, |number| *number, |_| outs.next());
    let List { data, next } = empty;
    Ok(Json(List { data: data.into_iter().flatten().collect(), next }))
}

/// A merchant.
#[utoipa::path(
    get, path = "/v1/admin/merchants/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "mer_06bq3v8k2m9zc")),
    responses((status = 200, body = MerchantOut))
)]
async fn show(
    _: AtProvider,
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Merchant>,
) -> Result<Json<MerchantOut>, Problem> {
    let merchant = app.engine.store().merchant(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(MerchantOut::of(&app, &merchant, None).await?))
}

/// Changes what is known of a merchant, and how far it is trusted.
#[utoipa::path(
    patch, path = "/v1/admin/merchants/{id}", tag = "admin", security(("bearer" = [])), request_body = MerchantChange,
    params(("id" = String, Path, example = "mer_06bq3v8k2m9zc")),
    responses((status = 200, body = MerchantOut))
)]
async fn change(
    _: AtProvider,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Merchant>,
    body: Body<MerchantChange>,
) -> Result<Json<MerchantOut>, Problem> {
    let old = app.engine.store().merchant(id).await?.ok_or_else(Problem::not_found)?;
    let body = body.value;
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let limits = body.limits.map(|limits| limits.read(token)).transpose()?;
    let fee = body.fee.map(|fee| fee.read(token)).transpose()?;
    let fields = MerchantFields {
        name: body.name.map_or(old.name, |name| name.0),
        return_origins: body.return_origins.unwrap_or(old.return_origins),
        limits: limits.unwrap_or(old.limits),
        fee: fee.unwrap_or(old.fee),
        threshold: threshold(body.threshold.as_ref(), token)?.unwrap_or(old.threshold),
        suspended: body.suspended.unwrap_or(old.state == MerchantState::Suspended),
    };
    let merchant = app.engine.change_merchant(by, id, fields).await??;
    Ok(Json(MerchantOut::of(&app, &merchant, None).await?))
}

/// A merchant's statement, newest first.
#[utoipa::path(
    get, path = "/v1/admin/merchants/{id}/transfers", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "mer_06bq3v8k2m9zc"), ListQuery),
    responses((status = 200, body = List<MerchantTransferOut>))
)]
async fn transfers(
    _: AtProvider,
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Merchant>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<MerchantTransferOut>>, Problem> {
    let vendor = app.engine.vendor().await?;
    let page = query.page(&app.engine, "merchant-transfers")?;
    let rows = app.engine.store().merchant_transfers(id, page).await?;
    let show = |row: &Transfer| MerchantTransferOut::new(row, &vendor.settings.token);
    Ok(Json(List::of(&app.engine, "merchant-transfers", page, &rows, |row| row.id.number(), show)))
}

/// A payment that was made to a merchant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "tokens": { "amount": 5000, "unit": "AUR" }, "money": { "amount": 5000, "unit": "EUR" }, "reference": "SEPA 2026-11-30/4" }))]
struct PayoutBody {
    /// For so many of what it has earned.
    #[schema(value_type = AboveZero)]
    tokens: MoneyIn,
    /// This much money was paid.
    #[schema(value_type = AboveZero)]
    money: MoneyIn,
    /// Where it stands in the provider's own papers.
    #[schema(inline)]
    reference: Text<1, 500>,
}

/// A payment that was made to a merchant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payout)]
struct PayoutOut {
    #[schema(example = "pay_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "mer_06bq3v8k2m9zc")]
    merchant: String,
    tokens: MoneyOut,
    money: MoneyOut,
    #[schema(example = "SEPA 2026-11-30/4")]
    reference: String,
    at: String,
}

impl PayoutOut {
    fn new(payout: &Payout, token: &Token) -> Self {
        Self {
            id: payout.id.to_string(),
            merchant: payout.merchant.to_string(),
            tokens: MoneyOut::tokens(payout.tokens, token),
            money: MoneyOut::currency(payout.money),
            reference: payout.reference.clone(),
            at: payout.at.to_string(),
        }
    }
}

/// Records that a merchant was paid for what it has earned, at most what can be paid out.
#[utoipa::path(
    post, path = "/v1/admin/merchants/{id}/payouts", tag = "admin", security(("bearer" = [])), request_body = PayoutBody,
    params(
        ("id" = String, Path, example = "mer_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new payout", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses((status = 201, body = PayoutOut), (status = 409, description = "`idempotency_key_reused`"))
)]
async fn pay_out(
    _: AtProvider,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Merchant>,
    key: IdempotencyKey,
    body: Body<PayoutBody>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let request = body.request(&key);
    let PayoutBody { tokens, money, reference } = body.value;
    let tokens = tokens.in_tokens(token, "tokens")?;
    if money.amount.is_zero() {
        return Err(Problem::field("money.amount", "more than nothing"));
    }
    let money = Money { amount: money.amount, unit: money.unit };
    let ask = PayoutAsk { tokens, money, reference: reference.0 };
    let out = |payout: &Payout| (StatusCode::CREATED, Json(PayoutOut::new(payout, token)));
    match app.engine.pay_out(by, id, ask, request).await? {
        Ok(Answered::First(payout)) => Ok(out(&payout).into_response()),
        Ok(Answered::Replayed(payout)) => Ok(replayed(out(&payout).into_response())),
        Err(refusal) => Err(Problem::payout(&refusal, token)),
    }
}

/// The payments to a merchant, newest first.
#[utoipa::path(
    get, path = "/v1/admin/merchants/{id}/payouts", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "mer_06bq3v8k2m9zc"), ListQuery),
    responses((status = 200, body = List<PayoutOut>))
)]
async fn payouts(
    _: AtProvider,
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Merchant>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<PayoutOut>>, Problem> {
    let vendor = app.engine.vendor().await?;
    let page = query.page(&app.engine, "payouts")?;
    let rows = app.engine.store().payouts_of(id, page).await?;
    let show = |row: &Payout| PayoutOut::new(row, &vendor.settings.token);
    Ok(Json(List::of(&app.engine, "payouts", page, &rows, |row| row.id.number(), show)))
}

/// A merchant's request, in a list.
#[derive(Debug, Serialize, ToSchema)]
struct RequestOut {
    #[schema(example = "req_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "mer_06bq3v8k2m9zc")]
    merchant: String,
    /// The merchant's name of the order.
    #[schema(example = "ord_06bq3v8k2m9zc")]
    order: String,
    /// Who has claimed it.
    #[schema(required, example = "acc_06bq3v8k2m9zc")]
    account: Option<String>,
    /// `open`, `claimed`, `authorized`, `captured`, `fulfilled`, `declined`, `expired`, `cancelled`, `voided`,
    /// `partially_refunded` or `refunded`.
    state: &'static str,
    total: MoneyOut,
    /// What the provider kept.
    fee: MoneyOut,
    refunded: MoneyOut,
    opened_at: String,
}

/// All purchase requests, newest first.
#[utoipa::path(
    get, path = "/v1/admin/purchase-requests", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<RequestOut>))
)]
async fn requests(
    _: AtProvider,
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<RequestOut>>, Problem> {
    let vendor = app.engine.vendor().await?;
    let page = query.page(&app.engine, "purchase-requests")?;
    let rows = app.engine.store().purchase_requests(page).await?;
    let (now, token) = (app.engine.now(), &vendor.settings.token);
    let show = |row: &PurchaseRequest| RequestOut {
        id: row.id.to_string(),
        merchant: row.merchant.to_string(),
        order: row.order.clone(),
        account: row.account.map(|account| account.to_string()),
        state: row.state_at(now).as_str(),
        total: MoneyOut::tokens(row.amount, token),
        fee: MoneyOut::tokens(row.fee, token),
        refunded: MoneyOut::tokens(row.refunded, token),
        opened_at: row.opened_at.to_string(),
    };
    Ok(Json(List::of(&app.engine, "purchase-requests", page, &rows, |row| row.id.number(), show)))
}

/// A purchase request with its documents.
#[utoipa::path(
    get, path = "/v1/admin/purchase-requests/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "req_06bq3v8k2m9zc")),
    responses((status = 200, body = PictureOut))
)]
async fn request(
    _: AtProvider,
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<PurchaseRequest>,
) -> Result<Json<PictureOut>, Problem> {
    let row = app.engine.store().purchase_request(id).await?.ok_or_else(Problem::not_found)?;
    let picture = app.engine.look_at_request(row.merchant, id).await?;
    Ok(Json(picture.map_err(|refusal| Problem::purchase_request(&refusal, None))?.into()))
}

/// What goes back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StaffRequestRefundBody, example = json!({ "reason": "The merchant is gone" }))]
struct RefundBody {
    /// How much; all that is left without it.
    #[serde(default)]
    #[schema(value_type = Option<AboveZero>)]
    amount: Option<MoneyIn>,
    /// Why; it is signed, and the buyer sees it.
    #[schema(inline)]
    reason: Text<1, 500>,
}

/// Gives tokens of a merchant's order back, from what the merchant has earned: where it is gone, or does not do it.
#[utoipa::path(
    post, path = "/v1/admin/purchase-requests/{id}/refunds", tag = "admin", security(("bearer" = [])),
    request_body = RefundBody,
    params(
        ("id" = String, Path, example = "req_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new refund", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 200, body = PictureOut),
        (status = 409, description = "`already_refunded`, `request_state`, `idempotency_key_reused`"),
    )
)]
async fn refund(
    _: AtProvider,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<PurchaseRequest>,
    key: IdempotencyKey,
    body: Body<RefundBody>,
) -> Result<Json<PictureOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let request = body.request(&key);
    let RefundBody { amount, reason } = body.value;
    let amount = match amount {
        Some(amount) => Some(amount.in_tokens(&vendor.settings.token, "amount")?),
        None => None,
    };
    if amount.is_some_and(Amount::is_zero) {
        return Err(Problem::field("amount.amount", "more than nothing"));
    }
    let ask = RequestRefundAsk { amount, reason: reason.0 };
    let picture = app.engine.refund_request_as_staff(by, id, ask, request).await?;
    Ok(Json(picture.map_err(|refusal| Problem::purchase_request(&refusal, None))?.into()))
}
