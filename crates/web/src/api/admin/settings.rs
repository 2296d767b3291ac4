//! The vendor's settings.

use axum::Json;
use axum::extract::State;
use scrip_domain::settings::Settings;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::caller::Admin;
use crate::extract::{Body, read};
use crate::json::Unambiguous;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, change))
}

/// The settings.
#[utoipa::path(
    get, path = "/v1/admin/settings", tag = "admin", security(("bearer" = [])),
    responses((status = 200, body = Object))
)]
async fn show(_: Admin, State(app): State<App>) -> Result<Json<Settings>, Problem> {
    Ok(Json(app.engine.vendor().await?.settings.clone()))
}

/// Changes the settings that are given; the others stay.
#[utoipa::path(
    patch, path = "/v1/admin/settings", tag = "admin", security(("bearer" = [])), request_body = Object,
    responses((status = 200, body = Object))
)]
async fn change(
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<Map<String, Value>>,
) -> Result<Json<Settings>, Problem> {
    let vendor = app.engine.change_settings(by, |old| changed(old, &body.value)).await??;
    Ok(Json(vendor.settings.clone()))
}

/// The settings in force with these members in the place of theirs.
fn changed(old: Option<&Settings>, given: &Map<String, Value>) -> Result<Settings, Problem> {
    let mut all = serde_json::to_value(old).unwrap_or_default();
    if let Some(all) = all.as_object_mut() {
        all.extend(given.clone());
    }
    read(&Unambiguous(all))
}
