//! License keys and protocol keys: a new one signs from now on; what the old ones signed stays good.

use axum::extract::State;
use scrip_engine::keys::Purpose;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::Admin;
use crate::extract::Query;
use crate::problem::Problem;

/// The routes of keys.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(rotate))
}

/// Which keys.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct RotateQuery {
    #[param(inline)]
    purpose: PurposeIn,
}

/// What a key signs: `license` codes, or by `protocol` documents and requests for other servers.
#[derive(Debug, Default, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PurposeIn {
    #[default]
    License,
    Protocol,
}

/// The keys of one purpose after a rotation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Keys)]
struct KeysOut {
    /// The name of the key that signs from now on (RFC 7638).
    kid: String,
    /// The names of all keys whose signatures are good.
    kids: Vec<String>,
}

/// Makes a new key, which signs from now on: all codes, or what goes to other servers.
#[utoipa::path(
    post, path = "/v1/admin/keys/rotate", tag = "admin", security(("bearer" = [])), params(RotateQuery),
    responses((status = 200, body = KeysOut), (status = 409, description = "`keys_not_kept`"))
)]
async fn rotate(
    Admin(by): Admin,
    State(app): State<App>,
    Query(query): Query<RotateQuery>,
) -> Result<Json<KeysOut>, Problem> {
    let purpose = match query.purpose {
        PurposeIn::License => Purpose::License,
        PurposeIn::Protocol => Purpose::Protocol,
    };
    let kid = app.engine.rotate_key(by, purpose).await??;
    tracing::info!(kid, ?purpose, "a new key signs from now on");
    let keys = app.engine.keys();
    let all = match purpose {
        Purpose::License => keys.public(),
        Purpose::Protocol => keys.public_protocol(),
    };
    Ok(Json(KeysOut { kid, kids: all.iter().map(|key| key.kid().to_owned()).collect() }))
}
