//! Demo mode only: accounts by the thousand, for load tests; and time that passes at will.

use axum::extract::State;
use scrip_domain::Span;
use scrip_domain::request::Request;
use scrip_engine::Mode;
use scrip_engine::demo::DemoRefusal;
use scrip_engine::top_up::{TopUpAsk, Way};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::Admin;
use crate::extract::{Body, Query};
use crate::money::{AboveZero, MoneyIn};
use crate::problem::Problem;
use crate::request_id;

/// So many letters are shown at most.
const LETTERS: u32 = 50;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(seed)).routes(routes!(clock)).routes(routes!(mail))
}

/// How many accounts, with how many tokens each.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SeedBody {
    /// 1 to 10 000.
    #[schema(minimum = 1, maximum = 10_000)]
    accounts: u32,
    /// In each wallet; more than none.
    #[schema(value_type = AboveZero)]
    tokens: MoneyIn,
}

/// The sessions of the accounts that were opened.
#[derive(Debug, Serialize, ToSchema)]
struct Seeded {
    sessions: Vec<String>,
}

/// Opens accounts with tokens and a session each, without a password. In demo mode only.
#[utoipa::path(
    post, path = "/v1/demo/seed", tag = "demo", security(("bearer" = [])), request_body = SeedBody,
    responses((status = 200, body = Seeded))
)]
async fn seed(
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<SeedBody>,
) -> Result<Json<Seeded>, Problem> {
    if app.engine.mode() != Mode::Demo {
        return Err(Problem::not_found());
    }
    let body = body.value;
    if !(1..=10_000).contains(&body.accounts) {
        return Err(Problem::field("accounts", "1 to 10000"));
    }
    let vendor = app.engine.vendor().await?;
    let tokens = body.tokens.in_tokens(&vendor.settings.token, "tokens")?;
    if tokens.is_zero() {
        return Err(Problem::field("tokens.amount", "more than nothing"));
    }
    let opened = app.engine.seed_accounts(body.accounts as usize).await?;
    let mut sessions = Vec::with_capacity(opened.len());
    for chunk in opened.chunks(256) {
        let top_ups = chunk.iter().filter_map(|(signed, _)| signed.buyer).map(|buyer| {
            let way = Way::Administrator { by, reason: "seeded".into() };
            let ask = TopUpAsk { tokens, pay: None, way };
            app.engine.top_up(buyer, ask, Request::new("seed", b"seed", request_id::current()))
        });
        for answer in futures_util::future::join_all(top_ups).await {
            answer?.map_err(|refusal| Problem::top_up(&refusal, || serde_json::Value::Null))?;
        }
        sessions.extend(chunk.iter().map(|(_, token)| token.reveal().to_owned()));
    }
    Ok(Json(Seeded { sessions }))
}

/// How much time shall pass.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    /// Seconds, at least one.
    #[schema(minimum = 1, maximum = 4_294_967_295_u32, format = Int64, example = 3600)]
    advance: u32,
}

/// The server's clock.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Clock)]
struct ClockOut {
    /// The time now.
    #[schema(format = DateTime)]
    now: String,
}

/// Lets time pass: drafts expire, rentals end, sessions too. In demo mode only, where anybody may; a
/// new start sets the clock right.
#[utoipa::path(
    post, path = "/v1/demo/clock", tag = "demo", request_body = ClockBody,
    responses((status = 200, body = ClockOut))
)]
async fn clock(State(app): State<App>, body: Body<ClockBody>) -> Result<Json<ClockOut>, Problem> {
    let ClockBody { advance } = body.value;
    if advance == 0 {
        return Err(Problem::field("advance", "at least one second"));
    }
    match app.engine.advance_clock(Span::seconds(advance)).await? {
        Ok(now) => Ok(Json(ClockOut { now: now.to_string() })),
        Err(DemoRefusal::NoDemo) => Err(Problem::not_found()),
        Err(DemoRefusal::TooFar) => {
            Err(Problem::field("advance", "no demo goes beyond the year 2099"))
        }
    }
}

/// Whose letters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MailQuery {
    /// The address that they went to.
    #[param(example = "ada@example.com", max_length = 254)]
    to: String,
}

/// A letter, as it was sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Letter)]
struct LetterOut {
    #[schema(example = "let_06bq3v8k2m9zc")]
    id: String,
    to: String,
    created_at: String,
    subject: String,
    text: String,
    html: String,
}

/// The last letters to an address.
#[derive(Debug, Serialize, ToSchema)]
struct Letters {
    data: Vec<LetterOut>,
}

/// The last letters to an address, newest first, with those that merchants sent through here, and without those that are
/// of no use any more. In demo mode only, where anybody may.
#[utoipa::path(
    get, path = "/v1/demo/mail", tag = "demo", params(MailQuery),
    responses((status = 200, body = Letters))
)]
async fn mail(
    State(app): State<App>,
    Query(query): Query<MailQuery>,
) -> Result<Json<Letters>, Problem> {
    if app.engine.mode() != Mode::Demo {
        return Err(Problem::not_found());
    }
    if query.to.chars().count() > 254 {
        return Err(Problem::field("to", "at most 254 characters"));
    }
    let letters = app.engine.letters_to(&query.to, LETTERS).await?.into_iter();
    let letters = letters.map(|message| LetterOut {
        id: message.name,
        to: message.to,
        created_at: message.at.to_string(),
        subject: message.words.subject,
        text: message.words.text,
        html: message.words.html,
    });
    Ok(Json(Letters { data: letters.collect() }))
}
