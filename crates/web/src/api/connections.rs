//! Connections: signing in at a merchant through its provider, before selecting anything or later.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::AtMerchant;
use crate::extract::{OrEmpty, Source};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Nothing is asked for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectionBody {}

/// A way to the provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
struct ConnectionOut {
    /// Where the buyer's browser goes. It comes back to `/return` with a code, which `POST /v1/sessions` takes too.
    #[schema(example = "https://pay.example/connect/kJ0vq4mJm1S3n7Vx2c0T9A")]
    url: String,
    /// The provider's name of it, which comes back with the buyer.
    #[schema(example = "con_06bq3v8k2m9zc")]
    reference: String,
    /// For how long it waits for the buyer, in seconds.
    expires_in: i64,
}

/// Opens a way to sign in through the provider. At a merchant only.
#[utoipa::path(
    post, path = "/v1/connections", tag = "accounts", request_body = Option<ConnectionBody>,
    responses(
        (status = 201, body = ConnectionOut),
        (status = 404, description = "`not_found`: this server is no merchant"),
        (status = 409, description = "`provider_refused`"),
        (status = 429, description = "`rate_limited`"),
    )
)]
async fn create(
    _: AtMerchant,
    State(app): State<App>,
    source: Source,
    _: OrEmpty<ConnectionBody>,
) -> Result<(StatusCode, Json<ConnectionOut>), Problem> {
    let opened = app.engine.connect(&source.0).await??;
    let expires_in = opened.expires_in.as_millis() / 1000;
    let out = ConnectionOut { url: opened.url, reference: opened.id, expires_in };
    Ok((StatusCode::CREATED, Json(out)))
}
