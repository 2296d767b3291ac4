//! A restore: which peers are still to be heard, and what the books lack.

use axum::extract::State;
use scrip_domain::restore::{Discrepancy, Reunion};
use scrip_domain::settings::Token;
use scrip_engine::restore::RestoreReport;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, Query};
use crate::money::MoneyOut;
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(skip)).routes(routes!(again))
}

/// How a restore goes on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Restore)]
struct RestoreOut {
    /// How often this server was restored from a backup, and one.
    #[schema(minimum = 1, example = 2)]
    epoch: u32,
    /// Whether peers are still to be heard. Until then signed calls are answered `restoring`, and where wallets
    /// are nothing moves tokens.
    restoring: bool,
    /// When it was restored; null of a server that never was.
    #[schema(required, example = "2026-11-22T12:00:00.000Z")]
    restored_at: Option<String>,
    /// What peers did from then on is asked for.
    #[schema(required, example = "2026-11-22T03:00:00.000Z")]
    since: Option<String>,
    /// Whom it asks.
    peers: Vec<PeerOut>,
    /// What peers have signed proof of, and the books lack; newest first, of earlier restores too.
    discrepancies: List<DiscrepancyOut>,
}

/// A peer that is asked, or was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RestorePeer)]
struct PeerOut {
    /// Its address.
    #[schema(example = "https://shop.example")]
    peer: String,
    /// What it is to this server: `merchant`, `provider` or `partner`.
    kind: &'static str,
    /// `asking`, `reconciled`, `skipped` or `superseded`.
    state: &'static str,
    /// How many purchases and exchanges were booked by what it told.
    booked: u32,
    /// How many are listed, because the books cannot take them.
    listed: u32,
    /// How often it was asked since it last answered.
    attempts: u32,
    /// Why it did not answer.
    #[schema(required, example = "nobody is there")]
    trouble: Option<String>,
    #[schema(required, example = "2026-11-22T12:00:00.000Z")]
    ended_at: Option<String>,
}

impl From<Reunion> for PeerOut {
    fn from(reunion: Reunion) -> Self {
        let Reunion { peer, kind, state, booked, listed, attempts, trouble, ended_at, .. } =
            reunion;
        let (kind, state) = (kind.as_str(), state.as_str());
        let ended_at = ended_at.map(|at| at.to_string());
        Self { peer, kind, state, booked, listed, attempts, trouble, ended_at }
    }
}

/// Something that a peer has signed proof of, and the books lack.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Discrepancy)]
struct DiscrepancyOut {
    #[schema(example = "dis_06bq3v8k2m9zc")]
    id: String,
    /// After which restore it was found.
    epoch: u32,
    /// Whose proof it is.
    #[schema(example = "https://shop.example")]
    peer: String,
    /// The provider's name of the purchase, or the issuing vendor's of the exchange; or a cycle, or an agreement, of a partner.
    #[schema(example = "req_06bq3v8k2m9zc")]
    request: String,
    /// The merchant's name of the order; empty where there is none.
    #[schema(example = "ord_06bq3v8k2m9zc")]
    order: String,
    /// `unknown_buyer`, `insufficient_funds`, `key_lost`, `conflict`, `unknown_order`, `code_lost`,
    /// `unknown_link`, `statement_differs` or `payment_unclear`.
    lack: &'static str,
    /// What is at stake, in this vendor's token.
    amount: MoneyOut,
    /// What happened, for a person.
    detail: String,
    at: String,
}

impl DiscrepancyOut {
    fn new(row: &Discrepancy, token: &Token) -> Self {
        Self {
            id: row.id.to_string(),
            epoch: row.epoch,
            peer: row.peer.clone(),
            request: row.name.clone(),
            order: row.order.clone(),
            lack: row.lack.as_str(),
            amount: MoneyOut::tokens(row.amount, token),
            detail: row.detail.clone(),
            at: row.at.to_string(),
        }
    }
}

/// The epoch, whether peers are still to be heard after a restore, and what the books lack.
#[utoipa::path(
    get, path = "/v1/admin/restore", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = RestoreOut))
)]
async fn show(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<RestoreOut>, Problem> {
    let page = query.page(&app.engine, "discrepancies")?;
    let RestoreReport { number, epoch, peers, discrepancies } =
        app.engine.restore_report(page).await?;
    let vendor = app.engine.vendor().await?;
    let show = |row: &Discrepancy| DiscrepancyOut::new(row, &vendor.settings.token);
    let id = |row: &Discrepancy| row.id.number();
    let time = |at: scrip_domain::Timestamp| at.to_string();
    Ok(Json(RestoreOut {
        epoch: number,
        restoring: app.engine.is_restoring(),
        restored_at: epoch.as_ref().map(|epoch| time(epoch.at)),
        since: epoch.map(|epoch| time(epoch.since)),
        peers: peers.into_iter().map(PeerOut::from).collect(),
        discrepancies: List::of(&app.engine, "discrepancies", page, &discrepancies, id, show),
    }))
}

/// Whom not to wait for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RestoreSkipBody, example = json!({ "peer": "https://shop.example", "reason": "closed down" }))]
struct SkipBody {
    /// Its address.
    #[schema(max_length = 2000)]
    peer: String,
    /// Why; it goes on record.
    #[schema(inline)]
    reason: Text<1, 500>,
}

/// Goes on without a peer: what it has from after the backup is not booked, and tokens that it captured then, or for which it
/// issued its own, can be spent again. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/restore/skip", tag = "admin", security(("bearer" = [])), request_body = SkipBody,
    responses(
        (status = 200, body = PeerOut),
        (status = 404, description = "`not_found`: nobody of this address is waited for"),
    )
)]
async fn skip(
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<SkipBody>,
) -> Result<Json<PeerOut>, Problem> {
    let skipped = app.engine.skip_peer(by, body.value.peer, body.value.reason.0).await?;
    Ok(Json(skipped.map_err(|_| Problem::not_found())?.into()))
}

/// Whom to ask once more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RestoreAgainBody, example = json!({ "peer": "https://shop.example" }))]
struct AgainBody {
    /// Its address.
    #[schema(max_length = 2000)]
    peer: String,
}

/// Asks a peer from the beginning once more, after what the books lacked was mended: what can be booked by now is. Everything
/// waits meanwhile, as after the restore. Doing it again while it is asked changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/restore/again", tag = "admin", security(("bearer" = [])), request_body = AgainBody,
    responses(
        (status = 200, body = PeerOut),
        (status = 404, description = "`not_found`: nobody of this address was asked after the last restore"),
    )
)]
async fn again(
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<AgainBody>,
) -> Result<Json<PeerOut>, Problem> {
    let asked = app.engine.ask_peer_again(by, body.value.peer).await?;
    Ok(Json(asked.map_err(|_| Problem::not_found())?.into()))
}
