//! License keys: a new one signs from now on; what the old ones signed stays good.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::caller::Admin;
use crate::problem::Problem;

/// The routes of license keys.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(rotate))
}

/// The license keys after a rotation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Keys)]
struct KeysOut {
    /// The name of the key that signs new codes (RFC 7638).
    kid: String,
    /// The names of all keys whose codes are good.
    kids: Vec<String>,
}

/// Makes a new license key, which signs all codes from now on.
#[utoipa::path(
    post, path = "/v1/admin/keys/rotate", tag = "admin", security(("bearer" = [])),
    responses((status = 200, body = KeysOut), (status = 409, description = "`keys_not_kept`"))
)]
async fn rotate(Admin(by): Admin, State(app): State<App>) -> Result<Json<KeysOut>, Problem> {
    let kid = app.engine.rotate_license_key(by).await??;
    tracing::info!(kid, "a new license key signs from now on");
    let kids = app.engine.keys().public().iter().map(|key| key.kid().to_owned()).collect();
    Ok(Json(KeysOut { kid, kids }))
}
