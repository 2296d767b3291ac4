//! What processors say unasked.

use axum::extract::{Path, Request, State};
use http::StatusCode;
use scrip_engine::top_up::errand::HearRefusal;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::caller::AtMerchant;
use crate::extract::whole;
use crate::problem::{Problem, kind};
use crate::signed::SignedBody;

/// The longest message of a processor that is read: anybody can send one.
const LONGEST: usize = 256 * 1024;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(hear)).routes(routes!(notice))
}

/// What a provider tells a merchant: that there is something new of a request.
#[derive(Debug, Deserialize, ToSchema)]
struct NoticeBody {
    /// What it is about.
    #[serde(rename = "type")]
    #[schema(example = "purchase_request.authorized", max_length = 100)]
    kind: String,
    /// The provider's name of the request.
    #[schema(example = "req_06bq3v8k2m9zc", max_length = 100)]
    request: String,
}

/// A notice of a merchant's provider, signed by it (RFC 9421). It only makes the merchant ask.
#[utoipa::path(
    post, path = "/v1/hooks/provider", tag = "hooks", request_body = NoticeBody,
    responses(
        (status = 204, description = "heard; also when it was heard before, or is about nothing of this merchant's"),
        (status = 401, description = "`signature_refused`"),
        (status = 404, description = "`not_found`: this server is no merchant"),
        (status = 503, description = "`busy`: the provider could not be asked; send it again"),
    )
)]
async fn notice(
    _: AtMerchant,
    State(app): State<App>,
    body: SignedBody<NoticeBody>,
) -> Result<StatusCode, Problem> {
    let NoticeBody { kind, request } = body.value;
    tracing::debug!(kind, request, "the provider has news");
    app.engine.noticed(&request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A processor's own message, signed by its scheme. It only makes the server ask that processor.
#[utoipa::path(
    post, path = "/v1/hooks/{processor}", tag = "hooks",
    params(("processor" = String, Path, example = "stripe")),
    request_body(content = String, content_type = "application/json"),
    responses(
        (status = 204, description = "heard; also when it was heard before"),
        (status = 400, description = "`malformed`: not signed, or not now, or not readable"),
        (status = 404, description = "`not_found`: no such processor is set up"),
        (status = 503, description = "`busy`: the processor could not be asked; send it again"),
    )
)]
async fn hear(
    State(app): State<App>,
    Path(processor): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    if !app.engine.has_processor(&processor) {
        return Err(Problem::not_found());
    }
    let (head, body) = request.into_parts();
    let (headers, body) = (head.headers, whole(body, LONGEST).await?);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match app.engine.read_hook(&processor, &header, &body) {
        Ok(hook) => app.engine.heard(hook).await?,
        Err(HearRefusal::NoSuchProcessor) => return Err(Problem::not_found()),
        Err(HearRefusal::Hook(refusal)) => {
            return Err(Problem::new(&kind::MALFORMED, refusal.to_string()));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
