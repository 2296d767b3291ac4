//! The audit log: who changed what.

use axum::extract::State;
use scrip_domain::audit::Audit;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::Query;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// An act of the vendor's staff.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Audit)]
struct AuditOut {
    #[schema(example = "aud_06bq3v8k2m9zc")]
    id: String,
    at: String,
    /// The member of the staff (`stf_…`) or the API key that it was; `operator` for the command line on the server itself.
    #[schema(example = "key_06bq3v8k2m9zc")]
    actor: String,
    #[schema(example = "offer.changed")]
    act: &'static str,
    /// What it was done to: an id, or the name of a license key.
    #[schema(example = "ofr_06bq3v8k2m9zc")]
    subject: String,
    /// What changed, by member: `{from, to}`. What is long is told by its digest.
    #[schema(value_type = Object, example = json!({ "price": { "from": 1250, "to": 1400 } }))]
    changes: serde_json::Value,
    /// The request, as its answer and the log name it.
    request_id: String,
}

impl From<&Audit> for AuditOut {
    fn from(row: &Audit) -> Self {
        Self {
            id: row.id.to_string(),
            at: row.at.to_string(),
            actor: row.actor.to_string(),
            act: row.act.as_str(),
            subject: row.subject.clone(),
            changes: row.changes.clone(),
            request_id: row.request.to_string(),
        }
    }
}

/// What the vendor's staff did, newest first.
#[utoipa::path(
    get, path = "/v1/admin/audit", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<AuditOut>))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<AuditOut>>, Problem> {
    let page = query.page(&app.engine, "audit")?;
    let rows = app.engine.store().audit(page).await?;
    let number = |row: &Audit| row.id.number();
    Ok(Json(List::of(&app.engine, "audit", page, &rows, number, |row| row.into())))
}
