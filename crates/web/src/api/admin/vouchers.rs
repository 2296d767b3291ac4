//! Vouchers, by the batch. The codes are told once, when they are made.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use scrip_domain::Timestamp;
use scrip_domain::settings::Token;
use scrip_domain::voucher::{VoucherBatch, VoucherKind};
use scrip_engine::voucher::BatchFields;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, Query};
use crate::money::{AboveZero, MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::Line;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(show)).routes(routes!(close))
}

/// Vouchers that were made together, without their codes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VoucherBatch)]
struct BatchOut {
    #[schema(example = "vch_06bq3v8k2m9zc")]
    id: String,
    label: String,
    /// What each of them brings.
    tokens: MoneyOut,
    count: u32,
    /// How many of them are redeemed.
    redeemed: u32,
    /// `paid` or `promo`.
    kind: &'static str,
    #[schema(required)]
    starts_at: Option<String>,
    #[schema(required)]
    expires_at: Option<String>,
    #[schema(required)]
    per_account: Option<u32>,
    #[schema(required)]
    tokens_expire_after_days: Option<u32>,
    created_at: String,
    #[schema(required)]
    closed_at: Option<String>,
}

/// A batch that was made.
#[derive(Debug, Serialize, ToSchema)]
struct NewVoucherBatch {
    #[serde(flatten)]
    batch: BatchOut,
    /// The codes; told once.
    #[schema(example = json!(["7GQ2H-TN5W0-06BQ3-V8K2M"]))]
    codes: Vec<String>,
}

impl BatchOut {
    fn new(batch: &VoucherBatch, token: &Token) -> Self {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            id: batch.id.to_string(),
            label: batch.label.clone(),
            tokens: MoneyOut::tokens(batch.tokens, token),
            count: batch.count,
            redeemed: batch.redeemed,
            kind: batch.kind.as_str(),
            starts_at: time(batch.starts_at),
            expires_at: time(batch.expires_at),
            per_account: batch.per_account,
            tokens_expire_after_days: batch.tokens_expire_after_days,
            created_at: batch.created_at.to_string(),
            closed_at: time(batch.closed_at),
        }
    }
}

/// The batch that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "label": "Spring fair", "tokens": { "amount": 500, "unit": "AUR" }, "count": 3, "kind": "promo" }))]
struct VoucherBatchBody {
    /// What it is for, for staff.
    #[schema(inline)]
    label: Line<1, 100>,
    /// What each voucher brings.
    #[schema(value_type = AboveZero)]
    tokens: MoneyIn,
    /// How many vouchers.
    #[schema(minimum = 1, maximum = 500)]
    count: u32,
    /// Whether somebody paid for them, or the vendor gives them away.
    #[schema(value_type = KindWord)]
    kind: VoucherKind,
    /// From when on they can be redeemed; at once without it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    starts_at: Option<Timestamp>,
    /// Until when; later than `starts_at`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
    /// How many of them one account can redeem.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 500)]
    per_account: Option<u32>,
    /// After how many days their tokens expire.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3650)]
    tokens_expire_after_days: Option<u32>,
}

/// What a voucher's tokens are.
#[derive(ToSchema)]
#[schema(as = VoucherKind)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what the domain's own type reads")]
enum KindWord {
    Paid,
    Promo,
}

/// Makes a batch of vouchers.
#[utoipa::path(
    post, path = "/v1/admin/voucher-batches", tag = "admin", security(("bearer" = [])),
    request_body = VoucherBatchBody, responses((status = 201, body = NewVoucherBatch))
)]
async fn create(
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<VoucherBatchBody>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let body = body.value;
    let fields = BatchFields {
        label: body.label.0,
        tokens: body.tokens.in_tokens(token, "tokens")?,
        count: body.count,
        kind: body.kind,
        starts_at: body.starts_at,
        expires_at: body.expires_at,
        per_account: body.per_account,
        tokens_expire_after_days: body.tokens_expire_after_days,
    };
    let (batch, codes) = app.engine.make_vouchers(by, fields).await??;
    let body = NewVoucherBatch { batch: BatchOut::new(&batch, token), codes };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// All batches of vouchers, newest first.
#[utoipa::path(
    get, path = "/v1/admin/voucher-batches", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<BatchOut>))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<BatchOut>>, Problem> {
    let vendor = app.engine.vendor().await?;
    let page = query.page(&app.engine, "voucher-batches")?;
    let rows = app.engine.store().voucher_batches(page).await?;
    let show = |batch: &VoucherBatch| BatchOut::new(batch, &vendor.settings.token);
    let number = |batch: &VoucherBatch| batch.id.number();
    Ok(Json(List::of(&app.engine, "voucher-batches", page, &rows, number, show)))
}

/// A batch of vouchers.
#[utoipa::path(
    get, path = "/v1/admin/voucher-batches/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "vch_06bq3v8k2m9zc")),
    responses((status = 200, body = BatchOut))
)]
async fn show(
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<VoucherBatch>,
) -> Result<Json<BatchOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let batch = app.engine.store().voucher_batch(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(BatchOut::new(&batch, &vendor.settings.token)))
}

/// Closes a batch: nobody can redeem any more of it.
#[utoipa::path(
    post, path = "/v1/admin/voucher-batches/{id}/close", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "vch_06bq3v8k2m9zc")),
    responses((status = 200, body = BatchOut))
)]
async fn close(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<VoucherBatch>,
) -> Result<Json<BatchOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let batch = app.engine.close_vouchers(by, id).await??;
    Ok(Json(BatchOut::new(&batch, &vendor.settings.token)))
}
