//! The vendor's settings.

use axum::Json;
use axum::extract::State;
use scrip_domain::settings::Settings;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::caller::Admin;
use crate::extract::Body;
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
    let vendor = app.engine.vendor().await?;
    let mut settings = serde_json::to_value(&vendor.settings).unwrap_or_default();
    for (name, value) in body.value {
        let slot = settings.as_object_mut().map(|all| all.insert(name, value));
        debug_assert!(slot.is_some(), "settings are an object");
    }
    let settings = crate::extract::read(settings)?;
    let vendor = app.engine.put_settings(by, settings).await??;
    Ok(Json(vendor.settings.clone()))
}
