//! Partners in the hands of this vendor's staff.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use scrip_domain::Amount;
use scrip_domain::partner::Partner;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::{List, ListQuery};
use crate::caller::{Admin, AtPartner};
use crate::extract::{Body, IdPath, Query};
use crate::money::FineMoney;
use crate::problem::Problem;
use crate::text::Line;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(enter, list)).routes(routes!(show, change))
}

/// A partner to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "https://other.example", "name": "Belle Isle Sounds" }))]
struct PartnerBody {
    /// The address of its server, without a slash at the end: what signs its calls.
    #[schema(example = "https://other.example", max_length = 2000)]
    url: String,
    /// What buyers know it by.
    #[schema(inline)]
    name: Line<1, 100>,
}

/// What changes of a partner. What is not given stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Belle Isle Sounds" }))]
struct PartnerChange {
    #[serde(default)]
    #[schema(inline)]
    name: Option<Line<1, 100>>,
}

/// Another vendor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Partner)]
struct PartnerOut {
    #[schema(example = "par_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "https://other.example")]
    url: String,
    #[schema(example = "Belle Isle Sounds")]
    name: String,
    /// The agreement in force.
    #[schema(required, example = "agr_06bq3v8k2m9zc")]
    agreement: Option<String>,
    /// The currency in which the two settle.
    #[schema(required, example = "EUR")]
    currency: Option<String>,
    /// Why this server does not exchange with it: `staff`, `overdue` or `silent`; null when it does.
    #[schema(required, example = json!(null))]
    suspended: Option<&'static str>,
    /// Whether it has said that it does not exchange with this server.
    suspended_there: bool,
    /// What we owe, with six decimals; null before the first agreement.
    #[schema(required)]
    payable: Option<FineMoney>,
    /// What it owes us.
    #[schema(required)]
    receivable: Option<FineMoney>,
    /// What we may come to owe for exchanges that are under way.
    #[schema(required)]
    payable_reserved: Option<FineMoney>,
    /// What it may come to owe for exchanges that are under way.
    #[schema(required)]
    receivable_reserved: Option<FineMoney>,
    /// The number of the cycle to which the next exchange belongs.
    #[schema(example = 1)]
    cycle: u32,
    cycle_began_at: String,
    created_at: String,
}

impl PartnerOut {
    fn new(partner: &Partner) -> Self {
        let money = |amount: Amount| partner.currency.map(|unit| FineMoney::of(amount, unit));
        Self {
            id: partner.id.to_string(),
            url: partner.url.clone(),
            name: partner.name.clone(),
            agreement: partner.agreement.map(|id| id.to_string()),
            currency: partner.currency.map(|unit| unit.to_string()),
            suspended: partner.suspended.map(scrip_domain::partner::Suspended::as_str),
            suspended_there: partner.suspended_there,
            payable: money(partner.owed_to_it()),
            receivable: money(partner.owed_by_it()),
            payable_reserved: money(partner.payable_reserved),
            receivable_reserved: money(partner.receivable_reserved),
            cycle: partner.cycle,
            cycle_began_at: partner.cycle_began_at.to_string(),
            created_at: partner.created_at.to_string(),
        }
    }
}

/// Enters a partner by the address of its server: from then on it is heard. Nothing is exchanged before both have agreed.
#[utoipa::path(
    post, path = "/v1/admin/partners", tag = "admin", security(("bearer" = [])), request_body = PartnerBody,
    responses(
        (status = 201, body = PartnerOut),
        (status = 404, description = "`not_found`: a merchant has no partners"),
        (status = 409, description = "`partner_taken`"),
    )
)]
async fn enter(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<PartnerBody>,
) -> Result<Response, Problem> {
    let PartnerBody { url, name } = body.value;
    let partner = app.engine.enter_partner(by, url, &name.0).await??;
    Ok((StatusCode::CREATED, Json(PartnerOut::new(&partner))).into_response())
}

/// The partners, newest first.
#[utoipa::path(
    get, path = "/v1/admin/partners", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<PartnerOut>))
)]
async fn list(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<PartnerOut>>, Problem> {
    let page = query.page(&app.engine, "partners")?;
    let rows = app.engine.store().partners(page).await?;
    Ok(Json(List::of(&app.engine, "partners", page, &rows, |row| row.id.number(), PartnerOut::new)))
}

/// A partner, with what each owes the other.
#[utoipa::path(
    get, path = "/v1/admin/partners/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "par_06bq3v8k2m9zc")),
    responses((status = 200, body = PartnerOut))
)]
async fn show(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Partner>,
) -> Result<Json<PartnerOut>, Problem> {
    let partner = app.engine.store().partner(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(PartnerOut::new(&partner)))
}

/// Changes what is known of a partner. Its address stays: it is what signs.
#[utoipa::path(
    patch, path = "/v1/admin/partners/{id}", tag = "admin", security(("bearer" = [])), request_body = PartnerChange,
    params(("id" = String, Path, example = "par_06bq3v8k2m9zc")),
    responses((status = 200, body = PartnerOut))
)]
async fn change(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Partner>,
    body: Body<PartnerChange>,
) -> Result<Json<PartnerOut>, Problem> {
    let partner = match body.value.name {
        Some(name) => app.engine.rename_partner(by, id, &name.0).await??,
        None => app.engine.store().partner(id).await?.ok_or_else(Problem::not_found)?,
    };
    Ok(Json(PartnerOut::new(&partner)))
}
