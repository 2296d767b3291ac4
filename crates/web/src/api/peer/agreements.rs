//! What partners tell of agreements: proposals, acceptances, and what else becomes of them.

use axum::extract::State;
use http::StatusCode;
use scrip_engine::agreement::Told;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Done;
use crate::App;
use crate::answer::Json;
use crate::caller::AtPartner;
use crate::problem::Problem;
use crate::signed::PartnerBody;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(propose)).routes(routes!(accept)).routes(routes!(notice))
}

/// A signed proposal.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({ "proposal": "eyJhbGciOiJFZERTQSIsImtpZCI6…" }))]
struct ProposalBody {
    /// A compact JWS of type `scrip-proposal+jwt`.
    proposal: String,
}

/// A signed acceptance.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({ "acceptance": "eyJhbGciOiJFZERTQSIsImtpZCI6…" }))]
struct AcceptanceBody {
    /// A compact JWS of type `scrip-acceptance+jwt`.
    acceptance: String,
}

/// What has become of an agreement, or of the partnership.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({ "type": "suspended", "at": 1_795_348_800_000u64 }))]
struct NoticeBody {
    /// `declined`, `withdrawn`, `ends`, `suspended` or `resumed`.
    #[serde(rename = "type")]
    #[schema(example = "suspended")]
    kind: String,
    /// The digest of its proposal, of what is about an agreement.
    #[serde(default)]
    #[schema(example = "3u2j0TbIH2CWKNwq1qIVrlvpgLxICeGMqBYEFnAsHyo")]
    agreement: Option<String>,
    /// When it ends, in Unix seconds; since when it is suspended or not, in Unix milliseconds by the sender's clock: a word of
    /// an earlier time says nothing.
    #[serde(default)]
    #[schema(example = 1_795_348_800_000u64)]
    at: Option<u64>,
}

impl NoticeBody {
    fn told(self) -> Result<Told, Problem> {
        let Self { kind, agreement, at } = self;
        let agreement = || agreement.ok_or_else(|| Problem::field("agreement", "required"));
        let at = || at.ok_or_else(|| Problem::field("at", "required"));
        Ok(match kind.as_str() {
            "declined" => Told::Declined(agreement()?),
            "withdrawn" => Told::Withdrawn(agreement()?),
            "ends" => Told::Ends(agreement()?, at()?),
            "suspended" => Told::Suspended(at()?),
            "resumed" => Told::Resumed(at()?),
            _ => return Err(Problem::field("type", "none that is known here")),
        })
    }
}

/// A partner proposes terms. The same proposal again changes nothing.
#[utoipa::path(
    post, path = "/v1/peer/proposals", tag = "servers", request_body = ProposalBody,
    responses(
        (status = 202, body = Done),
        (status = 401, description = "`signature_refused`: no partner that was entered here"),
        (status = 422, description = "`agreement_refused`"),
    )
)]
async fn propose(
    _: AtPartner,
    State(app): State<App>,
    PartnerBody { partner, value }: PartnerBody<ProposalBody>,
) -> Result<(StatusCode, Json<Done>), Problem> {
    let heard = app.engine.hear_proposal(&partner, &value.proposal).await?;
    heard.map_err(|refusal| Problem::agreed(&refusal))?;
    Ok((StatusCode::ACCEPTED, Json(Done {})))
}

/// A partner accepts a proposal. The same acceptance again changes nothing.
#[utoipa::path(
    post, path = "/v1/peer/acceptances", tag = "servers", request_body = AcceptanceBody,
    responses(
        (status = 200, body = Done),
        (status = 401, description = "`signature_refused`"),
        (status = 422, description = "`agreement_refused`"),
    )
)]
async fn accept(
    _: AtPartner,
    State(app): State<App>,
    PartnerBody { partner, value }: PartnerBody<AcceptanceBody>,
) -> Result<Json<Done>, Problem> {
    let heard = app.engine.hear_acceptance(&partner, &value.acceptance).await?;
    heard.map_err(|refusal| Problem::agreed(&refusal))?;
    Ok(Json(Done {}))
}

/// A partner says what else has become of an agreement, or of the partnership. What is known already, or about nothing that
/// is known here, changes nothing.
#[utoipa::path(
    post, path = "/v1/peer/notices", tag = "servers", request_body = NoticeBody,
    responses((status = 200, body = Done), (status = 401, description = "`signature_refused`"))
)]
async fn notice(
    _: AtPartner,
    State(app): State<App>,
    PartnerBody { partner, value }: PartnerBody<NoticeBody>,
) -> Result<Json<Done>, Problem> {
    let heard = app.engine.hear_notice(&partner, value.told()?).await?;
    heard.map_err(|refusal| Problem::agreed(&refusal))?;
    Ok(Json(Done {}))
}
