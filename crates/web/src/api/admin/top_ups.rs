//! Top-ups in the vendor's hand: what waits for review, and the word on it.

use axum::Json;
use axum::extract::State;
use scrip_domain::settings::Token;
use scrip_domain::top_up::TopUp;
use scrip_engine::top_up::Verdict;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::api::top_ups::{AssessmentOut, TopUpOut};
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, Query};
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(waiting)).routes(routes!(show)).routes(routes!(decide))
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

impl HeldTopUp {
    fn new(top_up: &TopUp, token: &Token) -> Self {
        let payment = top_up.payment.as_ref();
        Self {
            top_up: TopUpOut::new(top_up, token),
            account: top_up.account.to_string(),
            assessments: top_up.assessments.iter().map(AssessmentOut::new).collect(),
            payment: payment.map(|payment| PaymentOut {
                processor: payment.processor.clone(),
                name: payment.name.clone(),
                charge: payment.charge.clone(),
            }),
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
    let show = |row: &TopUp| HeldTopUp::new(row, &vendor.settings.token);
    Ok(Json(List::of(&app.engine, "assessments", page, &rows, |row| row.id.number(), show)))
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
    Ok(Json(HeldTopUp::new(&top_up, &vendor.settings.token)))
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
    Ok(Json(HeldTopUp::new(&top_up, &vendor.settings.token)))
}
