//! The audit log: who changed what.

use axum::extract::State;
use scrip_domain::audit::Audit;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::Query;
use crate::problem::Problem;
use crate::text::Line;

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

/// Which acts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(max_length = 1000)]
    after: Option<String>,
    /// Only those that were done to this: an id, or the name of a license key.
    #[param(value_type = Option<Line<1, 200>>, inline, example = "acc_06bq3v8k2m9zc")]
    subject: Option<Line<1, 200>>,
}

/// What the vendor's staff did, newest first.
#[utoipa::path(
    get, path = "/v1/admin/audit", tag = "admin", security(("bearer" = [])), params(AuditQuery),
    responses((status = 200, body = List<AuditOut>))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<List<AuditOut>>, Problem> {
    let AuditQuery { limit, after, subject } = query;
    // A cursor is good for the list that it came from only.
    let list =
        subject.as_ref().map_or("audit".to_owned(), |subject| format!("audit {}", subject.0));
    let page = ListQuery { limit, after }.page(&app.engine, &list)?;
    let rows = match &subject {
        None => app.engine.store().audit(page).await?,
        Some(subject) => app.engine.store().audit_of(&subject.0, page).await?,
    };
    let number = |row: &Audit| row.id.number();
    Ok(Json(List::of(&app.engine, &list, page, &rows, number, |row| row.into())))
}
