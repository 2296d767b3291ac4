//! What a vendor that was restored asks its partners: what the two have signed since, as they have it.

use axum::extract::State;
use scrip_domain::Timestamp;
use scrip_engine::partner::{Agreed, Closed, Exchanged, History, SettlementNews, Standing, Way};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::AtPartner;
use crate::extract::Query;
use crate::problem::Problem;
use crate::signed::OfPartner;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(history))
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HistoryQuery {
    /// What began from then on.
    #[param(value_type = String, format = DateTime, example = "2026-01-01T00:00:00Z")]
    since: Timestamp,
    /// The `next` of the page before.
    #[serde(default)]
    #[param(max_length = 100, example = "in-exc_06bq3v8k2m9zc")]
    after: Option<String>,
}

/// Whether the two exchange. Times are in Unix milliseconds, by the clock of who said it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeerStanding)]
struct StandingOut {
    /// Whether this server does not exchange with the caller.
    suspended: bool,
    /// Since when that is so, or not so.
    #[schema(example = 1_795_348_800_000u64)]
    since: u64,
    /// Whether the caller had said that it does not exchange.
    told: bool,
    /// Since when, as it had said.
    #[schema(example = 1_795_348_800_000u64)]
    told_since: u64,
}

/// An agreement that both have signed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeerAgreement)]
struct AgreedOut {
    /// A compact JWS of type `scrip-proposal+jwt`.
    #[schema(example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    proposal: String,
    /// A compact JWS of type `scrip-acceptance+jwt`.
    #[schema(example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    acceptance: String,
    /// When it ends, in Unix seconds; null while nobody has ended it.
    #[schema(required, example = 1_795_348_800u64)]
    ends_at: Option<u64>,
}

/// The documents of one exchange, each on top of the one before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeerExchange)]
struct ExchangedOut {
    /// `in`: the caller has committed it. `out`: this server has.
    #[schema(example = "in")]
    way: &'static str,
    /// A compact JWS of type `scrip-quote+jwt`; null of what was rejected unseen.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    quote: Option<String>,
    /// A compact JWS of type `scrip-prepared+jwt`; null of the same.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    prepared: Option<String>,
    /// A compact JWS of type `scrip-commit+jwt`.
    #[schema(example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    commit: String,
    /// A compact JWS of type `scrip-answer+jwt`; null while it is waited for.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    answer: Option<String>,
}

/// A cycle that is closed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeerCycle)]
struct ClosedOut {
    /// Its number.
    #[schema(minimum = 1, example = 3)]
    cycle: u32,
    /// What this server has signed: a compact JWS of type `scrip-account+jwt`; null before it has.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    account: Option<String>,
    /// The same of the caller.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    heard: Option<String>,
    /// What has become of its payment; null when nothing has.
    #[schema(required)]
    payment: Option<PaymentOut>,
}

/// What has become of the payment of a cycle, in the words by which partners tell each other.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeerPayment)]
struct PaymentOut {
    /// `instructed`, `sent` or `received`.
    #[serde(rename = "type")]
    #[schema(example = "received")]
    kind: &'static str,
    /// What the payment is called, of the first two.
    #[schema(required, example = "SCRIP-06BQ3V8K2M9ZC-3")]
    reference: Option<String>,
    /// A compact JWS of type `scrip-paid+jwt`, of the last.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    paid: Option<String>,
}

/// A page of what the two have signed: first whether they exchange and the agreements, then exchanges that this server has
/// committed, those of the caller, and cycles.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeerHistory)]
struct HistoryOut {
    /// Whether the two exchange; on the first page, else null.
    #[schema(required)]
    standing: Option<StandingOut>,
    /// Agreements, in the order of their numbers; on the first page.
    agreements: Vec<AgreedOut>,
    /// Exchanges, in the order of their names.
    exchanges: Vec<ExchangedOut>,
    /// Cycles, in order.
    cycles: Vec<ClosedOut>,
    /// Where the next page begins; null on the last one.
    #[schema(required, example = "in-exc_06bq3v8k2m9zc")]
    next: Option<String>,
}

impl From<Standing> for StandingOut {
    fn from(standing: Standing) -> Self {
        let Standing { suspended, since, told, told_since } = standing;
        Self { suspended, since, told, told_since }
    }
}

impl From<Agreed> for AgreedOut {
    fn from(agreed: Agreed) -> Self {
        let Agreed { proposal, acceptance, ends_at } = agreed;
        Self { proposal, acceptance, ends_at }
    }
}

impl From<Exchanged> for ExchangedOut {
    fn from(exchanged: Exchanged) -> Self {
        let Exchanged { way, quote, prepared, commit, answer } = exchanged;
        let way = match way {
            Way::Out => "out",
            Way::In => "in",
        };
        Self { way, quote, prepared, commit, answer }
    }
}

impl From<Closed> for ClosedOut {
    fn from(closed: Closed) -> Self {
        let Closed { cycle, account, heard, payment } = closed;
        Self { cycle, account, heard, payment: payment.map(PaymentOut::from) }
    }
}

impl From<SettlementNews> for PaymentOut {
    fn from(news: SettlementNews) -> Self {
        let (kind, reference, paid) = match news {
            SettlementNews::Instructed(reference) => ("instructed", Some(reference), None),
            SettlementNews::Sent(reference) => ("sent", Some(reference), None),
            SettlementNews::Received(paid) => ("received", None, Some(paid)),
        };
        Self { kind, reference, paid }
    }
}

impl From<History> for HistoryOut {
    fn from(history: History) -> Self {
        let History { standing, agreements, exchanges, cycles, next } = history;
        Self {
            standing: standing.map(StandingOut::from),
            agreements: agreements.into_iter().map(AgreedOut::from).collect(),
            exchanges: exchanges.into_iter().map(ExchangedOut::from).collect(),
            cycles: cycles.into_iter().map(ClosedOut::from).collect(),
            next,
        }
    }
}

/// What this server has of what it and the caller have signed since then, for a partner that was restored from a backup: its
/// own words, found again. It is answered also while this server itself is restoring.
#[utoipa::path(
    get, path = "/v1/peer/history", tag = "servers", params(HistoryQuery),
    responses(
        (status = 200, body = HistoryOut),
        (status = 401, description = "`signature_refused`"),
        (status = 404, description = "`not_found`: not a `next` of a page before"),
    )
)]
async fn history(
    _: AtPartner,
    State(app): State<App>,
    Query(query): Query<HistoryQuery>,
    OfPartner(partner): OfPartner,
) -> Result<Json<HistoryOut>, Problem> {
    let after = query.after.unwrap_or_default();
    let page = app.engine.history_for(&partner, query.since, &after).await?;
    Ok(Json(page.map_err(|_| Problem::no_page())?.into()))
}
