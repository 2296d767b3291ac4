//! What partners tell each other of payments.

use axum::extract::State;
use scrip_engine::partner::SettlementNews;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Done;
use super::accounts::number;
use crate::App;
use crate::answer::Json;
use crate::caller::AtPartner;
use crate::extract::NamePath;
use crate::problem::Problem;
use crate::signed::PartnerBody;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(news))
}

/// What has become of the payment of a cycle.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({ "type": "sent", "reference": "SCRIP-06BQ3V8K2M9ZC-3" }))]
struct NewsBody {
    /// `instructed` and `sent` by who pays, `received` by who is paid.
    #[serde(rename = "type")]
    #[schema(example = "sent")]
    kind: String,
    /// What the payment is called, of the first two.
    #[serde(default)]
    #[schema(example = "SCRIP-06BQ3V8K2M9ZC-3")]
    reference: Option<String>,
    /// A compact JWS of type `scrip-paid+jwt`, of the last.
    #[serde(default)]
    #[schema(example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    paid: Option<String>,
}

impl NewsBody {
    fn news(self) -> Result<SettlementNews, Problem> {
        let Self { kind, reference, paid } = self;
        let reference = || reference.ok_or_else(|| Problem::field("reference", "required"));
        Ok(match kind.as_str() {
            "instructed" => SettlementNews::Instructed(reference()?),
            "sent" => SettlementNews::Sent(reference()?),
            "received" => {
                SettlementNews::Received(paid.ok_or_else(|| Problem::field("paid", "required"))?)
            }
            _ => return Err(Problem::field("type", "instructed, sent or received")),
        })
    }
}

/// Takes what a partner tells of the payment of a cycle.
#[utoipa::path(
    post, path = "/v1/peer/settlements/{cycle}", tag = "servers", request_body = NewsBody,
    params(("cycle" = u32, Path, example = 3)),
    responses(
        (status = 200, body = Done),
        (status = 409, description = "`statement_state`: not agreed here yet, tell it again; `settlement_side`"),
        (status = 422, description = "`settlement_refused`"),
    )
)]
async fn news(
    _: AtPartner,
    State(app): State<App>,
    NamePath(cycle): NamePath<String>,
    body: PartnerBody<NewsBody>,
) -> Result<Json<Done>, Problem> {
    let cycle = number(&cycle)?;
    let heard = app.engine.hear_settlement(&body.partner, cycle, body.value.news()?).await?;
    heard.map_err(|refusal| Problem::settlement(refusal, None))?;
    Ok(Json(Done {}))
}
