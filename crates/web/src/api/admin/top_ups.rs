//! Top-ups in the vendor's hand: what waits for review, and the word on it; what is paid offline.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use scrip_domain::Money;
use scrip_domain::settings::Token;
use scrip_domain::top_up::{Remittance, TopUp};
use scrip_engine::top_up::offline::Received;
use scrip_engine::top_up::{Reference, Verdict};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reversals::ReversalOut;
use crate::App;
use crate::answer::Json;
use crate::api::top_ups::{AssessmentOut, TopUpOut, replayed};
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, IdempotencyKey, Query};
use crate::money::{AboveZero, MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(waiting))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(decide))
        .routes(routes!(receive))
        .routes(routes!(cancel))
}

/// A top-up, as the vendor sees it.
#[derive(Debug, Serialize, ToSchema)]
struct HeldTopUp {
    #[serde(flatten)]
    top_up: TopUpOut,
    /// Whose.
    #[schema(example = "acc_06bq3v8k2m9zc")]
    account: String,
    /// Every assessment, oldest first; the last one decides.
    assessments: Vec<AssessmentOut>,
    /// The payment at the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentOut>,
    /// The money that came, oldest first, when it is paid offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    remittances: Option<Vec<RemittanceOut>>,
    /// What was taken back of it, oldest first: refunds and disputes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    reversals: Vec<ReversalOut>,
    /// What the administrator noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// A payment at a processor, by the processor's own names.
#[derive(Debug, Serialize, ToSchema)]
struct PaymentOut {
    processor: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    charge: Option<String>,
}

/// Money that came for a top-up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Remittance)]
struct RemittanceOut {
    #[schema(example = "rem_06bq3v8k2m9zc")]
    id: String,
    money: MoneyOut,
    /// What it brought.
    tokens: MoneyOut,
    #[schema(example = "Statement 14, line 3")]
    note: String,
    at: String,
}

impl RemittanceOut {
    fn new(remittance: &Remittance, token: &Token) -> Self {
        Self {
            id: remittance.id.to_string(),
            money: MoneyOut::currency(remittance.money),
            tokens: MoneyOut::tokens(remittance.tokens, token),
            note: remittance.note.clone(),
            at: remittance.at.to_string(),
        }
    }
}

impl HeldTopUp {
    /// A top-up with what came for it.
    async fn of(app: &App, top_up: &TopUp, token: &Token) -> Result<Self, Problem> {
        let came = match &top_up.due {
            Some(due) if !due.received.is_zero() => {
                app.engine.store().remittances_of(top_up.id).await?
            }
            _ => Vec::new(),
        };
        let reversals = app.engine.reversals_of(top_up).await?;
        let reversals = reversals.iter().map(|one| ReversalOut::new(one, token)).collect();
        Ok(Self { reversals, ..Self::new(top_up, &came, token) })
    }

    fn new(top_up: &TopUp, came: &[Remittance], token: &Token) -> Self {
        let payment = top_up.payment.as_ref();
        Self {
            top_up: TopUpOut::new(top_up, token),
            account: top_up.account.to_string(),
            assessments: top_up.assessments.iter().map(AssessmentOut::held).collect(),
            payment: payment.map(|payment| PaymentOut {
                processor: payment.processor.clone(),
                name: payment.name.clone(),
                charge: payment.charge.clone(),
            }),
            remittances: top_up
                .due
                .as_ref()
                .map(|_| came.iter().map(|one| RemittanceOut::new(one, token)).collect()),
            reversals: Vec::new(),
            note: top_up.note.clone(),
        }
    }
}

/// The top-ups that wait for review, oldest first.
#[utoipa::path(
    get, path = "/v1/admin/assessments", tag = "admin", security(("bearer" = [])), params(ListQuery),
    operation_id = "list_assessments", responses((status = 200, body = List<HeldTopUp>))
)]
async fn waiting(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<HeldTopUp>>, Problem> {
    let vendor = app.engine.vendor().await?;
    let page = query.page(&app.engine, "assessments")?;
    let rows = app.engine.store().top_ups_in_review(page).await?;
    let show = |row: &TopUp| HeldTopUp::new(row, &[], &vendor.settings.token);
    Ok(Json(List::of(&app.engine, "assessments", page, &rows, |row| row.id.number(), show)))
}

/// Which top-ups.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct TopUpsQuery {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(max_length = 1000)]
    after: Option<String>,
    /// Only the one that is paid offline with this reference, in any case, with a dash or without.
    reference: Option<String>,
}

/// All top-ups, newest first; or the one that a payment names.
#[utoipa::path(
    get, path = "/v1/admin/top-ups", tag = "admin", security(("bearer" = [])), params(TopUpsQuery),
    responses(
        (status = 200, body = List<HeldTopUp>),
        (status = 404, description = "`not_found`: no reference, for a symbol of it is wrong; or no cursor"),
    )
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<TopUpsQuery>,
) -> Result<Json<List<HeldTopUp>>, Problem> {
    let TopUpsQuery { limit, after, reference } = query;
    let page = ListQuery { limit, after }.page(&app.engine, "all-top-ups")?;
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let rows = match reference {
        Some(reference) => {
            let reference = Reference::parse(&reference).ok_or_else(|| {
                let detail = "mistyped: a symbol is wrong, missing or too many";
                Problem::not_found().with_error("reference", "invalid", detail)
            })?;
            let found = app.engine.store().top_up_by_reference(&reference.to_string()).await?;
            let data = match &found {
                Some(top_up) => vec![HeldTopUp::of(&app, top_up, token).await?],
                None => Vec::new(),
            };
            return Ok(Json(List { data, next: None }));
        }
        None => app.engine.store().top_ups(page).await?,
    };
    let mut data = Vec::with_capacity(rows.len());
    for row in &rows {
        data.push(HeldTopUp::of(&app, row, token).await?);
    }
    let next =
        List::of(&app.engine, "all-top-ups", page, &rows, |row| row.id.number(), |_| ()).next;
    Ok(Json(List { data, next }))
}

/// Anybody's top-up.
#[utoipa::path(
    get, path = "/v1/admin/top-ups/{id}", tag = "admin", security(("bearer" = [])),
    operation_id = "show_held_top_up",
    params(("id" = String, Path, example = "top_06bq3v8k2m9zc")),
    responses((status = 200, body = HeldTopUp))
)]
async fn show(
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<TopUp>,
) -> Result<Json<HeldTopUp>, Problem> {
    let vendor = app.engine.vendor().await?;
    let top_up = app.engine.store().top_up(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(HeldTopUp::of(&app, &top_up, &vendor.settings.token).await?))
}

/// The word on a top-up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "approve": true, "reason": "known customer" }))]
struct DecideBody {
    /// Whether it may go on.
    approve: bool,
    /// Why, for the record; the buyer does not see it.
    #[schema(inline)]
    reason: Text<1, 500>,
}

/// Decides on a top-up that waits for review: it goes on, or is declined and what is reserved is let go.
#[utoipa::path(
    post, path = "/v1/admin/top-ups/{id}/decide", tag = "admin", security(("bearer" = [])),
    request_body = DecideBody, params(("id" = String, Path, example = "top_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = HeldTopUp),
        (status = 403, description = "`account_frozen`"),
        (status = 409, description = "`not_in_review`"),
    )
)]
async fn decide(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<TopUp>,
    body: Body<DecideBody>,
) -> Result<Json<HeldTopUp>, Problem> {
    let vendor = app.engine.vendor().await?;
    let DecideBody { approve, reason } = body.value;
    let verdict = Verdict { approve, reason: reason.0 };
    let decided = app.engine.decide_top_up(by, id, verdict).await?;
    let top_up = decided.map_err(|refusal| Problem::decide(&refusal))?;
    Ok(Json(HeldTopUp::of(&app, &top_up, &vendor.settings.token).await?))
}

/// Money that came.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "money": { "amount": 5000, "unit": "EUR" }, "note": "Statement 14, line 3" }))]
struct ReceivedBody {
    /// How much; at most what is due.
    #[schema(value_type = AboveZero)]
    money: MoneyIn,
    /// Where it stands in the vendor's own papers.
    #[schema(inline)]
    note: Text<1, 500>,
}

/// Books money that came for a top-up that is paid offline: its part of the tokens is credited at once, and
/// with the last part all that is missing.
#[utoipa::path(
    post, path = "/v1/admin/top-ups/{id}/received", tag = "admin", security(("bearer" = [])),
    request_body = ReceivedBody,
    params(
        ("id" = String, Path, example = "top_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new receipt of money", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 200, body = HeldTopUp),
        (status = 403, description = "`account_frozen`"),
        (status = 409, description = "`top_up_state`, `idempotency_key_reused`"),
    )
)]
async fn receive(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<TopUp>,
    key: IdempotencyKey,
    body: Body<ReceivedBody>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let request = body.request(&key);
    let ReceivedBody { money, note } = body.value;
    let money = Money { amount: money.amount, unit: money.unit };
    let booked = app.engine.receive(by, id, Received { money, note: note.0 }, request).await?;
    let booked = booked.map_err(|refusal| Problem::offline(&refusal))?;
    let held = HeldTopUp::new(&booked.top_up, &booked.remittances, &vendor.settings.token);
    let response = Json(held).into_response();
    Ok(if booked.replayed { replayed(response) } else { response })
}

/// Why a top-up is cancelled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "nothing came for a month" }))]
struct CancelBody {
    /// Why, for the record; the buyer does not see it.
    #[schema(inline)]
    reason: Text<1, 500>,
}

/// Cancels a top-up that is paid offline, of which no more will come. What it brought stays.
#[utoipa::path(
    post, path = "/v1/admin/top-ups/{id}/cancel", tag = "admin", security(("bearer" = [])),
    request_body = CancelBody, params(("id" = String, Path, example = "top_06bq3v8k2m9zc")),
    responses((status = 200, body = HeldTopUp), (status = 409, description = "`top_up_state`"))
)]
async fn cancel(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<TopUp>,
    body: Body<CancelBody>,
) -> Result<Json<HeldTopUp>, Problem> {
    let vendor = app.engine.vendor().await?;
    let cancelled = app.engine.cancel_top_up(by, id, body.value.reason.0).await?;
    let top_up = cancelled.map_err(|refusal| Problem::offline(&refusal))?;
    Ok(Json(HeldTopUp::of(&app, &top_up, &vendor.settings.token).await?))
}
