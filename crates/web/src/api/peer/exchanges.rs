//! What partners ask about exchanges: a quote, to prepare, to fulfil, to cancel. Each can be asked again without a second effect.

use axum::extract::State;
use scrip_domain::Amount;
use scrip_domain::exchange::Exchange;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Done;
use crate::App;
use crate::answer::Json;
use crate::caller::AtPartner;
use crate::extract::IdPath;
use crate::problem::Problem;
use crate::signed::PartnerBody;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(quote))
        .routes(routes!(prepare))
        .routes(routes!(fulfil))
        .routes(routes!(cancel))
}

/// What a buyer of the partner's would give.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PeerQuoteBody, example = json!({ "subject": "rO0qv8Q3Tz6m1dJ2hXk5Vw", "give": 1000 }))]
struct QuoteBody {
    /// The linked account, under the name that the partner knows.
    #[schema(example = "rO0qv8Q3Tz6m1dJ2hXk5Vw")]
    subject: String,
    /// In the smallest unit of the partner's token.
    #[schema(value_type = u64, minimum = 1, maximum = 1_000_000_000_000_000u64, example = 1000)]
    give: Amount,
}

/// A signed quote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeerQuote)]
struct QuoteOut {
    /// A compact JWS of type `scrip-quote+jwt`.
    #[schema(example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    quote: String,
}

/// A quote of this vendor's that is taken.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PrepareBody, example = json!({ "quote": "eyJhbGciOiJFZERTQSIsImtpZCI6…" }))]
struct PrepareBody {
    /// The quote, as it was signed.
    quote: String,
}

/// The signed word that it is prepared.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreparedExchange)]
struct PreparedOut {
    /// A compact JWS of type `scrip-prepared+jwt`.
    #[schema(example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    prepared: String,
}

/// A signed commit.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CommitBody, example = json!({ "commit": "eyJhbGciOiJFZERTQSIsImtpZCI6…" }))]
struct CommitBody {
    /// A compact JWS of type `scrip-commit+jwt`.
    commit: String,
}

/// The final word on a commit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExchangeAnswer)]
struct AnswerOut {
    /// A compact JWS of type `scrip-answer+jwt`: `fulfilled`, `late` or `rejected`, for good.
    #[schema(example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    answer: String,
}

/// Nothing is asked for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = CancelExchangeBody)]
struct CancelBody {}

/// Offers a buyer of the partner's what so many of its tokens buy here: firm for a minute, and good once.
#[utoipa::path(
    post, path = "/v1/peer/exchange-quotes", tag = "servers", request_body = QuoteBody,
    responses(
        (status = 200, body = QuoteOut),
        (status = 401, description = "`signature_refused`"),
        (status = 409, description = "`not_linked`, `partner_suspended`, `exchange_limit`, `exchange_refused`"),
        (status = 422, description = "`amount_out_of_bounds`"),
    )
)]
async fn quote(
    _: AtPartner,
    State(app): State<App>,
    PartnerBody { partner, value }: PartnerBody<QuoteBody>,
) -> Result<Json<QuoteOut>, Problem> {
    let quote = app.engine.quote_for_partner(&partner, &value.subject, value.give).await?;
    let quote = quote.map_err(|refusal| Problem::partner_exchange(&refusal))?;
    Ok(Json(QuoteOut { quote }))
}

/// Reserves what a quote promises, for three minutes. The same name again brings the same document.
#[utoipa::path(
    put, path = "/v1/peer/exchanges/{exchange}", tag = "servers", request_body = PrepareBody,
    params(("exchange" = String, Path, example = "exc_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = PreparedOut),
        (status = 401, description = "`signature_refused`"),
        (status = 409, description = "`quote_expired`, `not_linked`, `partner_suspended`, `exchange_limit`, `exchange_refused`"),
    )
)]
async fn prepare(
    _: AtPartner,
    State(app): State<App>,
    IdPath(exchange): IdPath<Exchange>,
    PartnerBody { partner, value }: PartnerBody<PrepareBody>,
) -> Result<Json<PreparedOut>, Problem> {
    let prepared = app.engine.prepare_for_partner(&partner, exchange, &value.quote).await?;
    let prepared = prepared.map_err(|refusal| Problem::partner_exchange(&refusal))?;
    Ok(Json(PreparedOut { prepared }))
}

/// Answers a commit for good. The same commit again gets the same answer, whatever the clock says.
#[utoipa::path(
    post, path = "/v1/peer/exchanges/{exchange}/fulfil", tag = "servers", request_body = CommitBody,
    params(("exchange" = String, Path, example = "exc_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = AnswerOut),
        (status = 401, description = "`signature_refused`"),
        (status = 409, description = "`exchange_refused`: not signed by the partner for this exchange; no final word"),
    )
)]
async fn fulfil(
    _: AtPartner,
    State(app): State<App>,
    IdPath(exchange): IdPath<Exchange>,
    PartnerBody { partner, value }: PartnerBody<CommitBody>,
) -> Result<Json<AnswerOut>, Problem> {
    let answer = app.engine.fulfil_for_partner(&partner, exchange, &value.commit).await?;
    let answer = answer.map_err(|refusal| Problem::partner_exchange(&refusal))?;
    Ok(Json(AnswerOut { answer }))
}

/// Hears that an exchange will not be committed.
#[utoipa::path(
    post, path = "/v1/peer/exchanges/{exchange}/cancel", tag = "servers", request_body = CancelBody,
    params(("exchange" = String, Path, example = "exc_06bq3v8k2m9zc")),
    responses((status = 200, body = Done), (status = 401, description = "`signature_refused`"))
)]
async fn cancel(
    _: AtPartner,
    State(app): State<App>,
    IdPath(exchange): IdPath<Exchange>,
    PartnerBody { partner, .. }: PartnerBody<CancelBody>,
) -> Result<Json<Done>, Problem> {
    app.engine.cancel_for_partner(&partner, exchange).await?;
    Ok(Json(Done {}))
}
