//! Exchanging tokens on a partner's page.
//!
//! ```text
//! how many? ──▶ the quote: what comes for it, how it is reckoned, what remains ──confirm──▶ what became of it
//! ```
//! Nothing is held before the confirmation. The page of an exchange that is not at its end asks again by itself.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::agreement::{Figures, Party};
use scrip_domain::exchange::{Exchange, ExchangeQuote, ExchangeState};
use scrip_domain::partner::Partner;
use scrip_domain::request::Request;
use scrip_domain::settings::{Settings, Token};
use scrip_domain::{Amount, Id};
use scrip_engine::exchange::Quoted;
use scrip_engine::purchase::Answered;
use serde::Deserialize;

use super::form::{Field, Form, complaint};
use super::look::{Tone, notice, price, steps};
use super::refused::sentence;
use super::visit::{Local, SignedIn};
use super::{chance, date, partner, private, private_again_in, top_up};
use crate::App;
use crate::api::exchanges::FiguresOut;
use crate::caller::AtPartner;
use crate::extract::IdPath;
use crate::language::{number, say, t, text};
use crate::money::{MoneyOut, example, typed};
use crate::problem::Problem;
use crate::request_id;

/// How soon the page of an exchange that goes on is asked for again, in seconds.
const AGAIN: u32 = 3;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/partners/{id}/quote", post(quote))
        .route("/partners/{id}/exchange", post(exchange))
        .route("/exchanges/{id}", get(show))
}

/// How many tokens, as somebody wrote it.
#[derive(Debug, Deserialize)]
struct QuoteForm {
    give: String,
}

/// That the quote is taken.
#[derive(Debug, Deserialize)]
struct TakeForm {
    quote: String,
    key: String,
}

/// The field that asks how many of `available` tokens are to be given; again, with what was typed and why it cannot be.
pub fn form(
    partner: &Partner,
    settings: &Settings,
    available: Amount,
    again: Option<(&str, &Problem)>,
) -> Markup {
    let token = &settings.token;
    let error = again.map(|(_, problem)| sentence(problem.detail()));
    let short = again.filter(|(_, problem)| problem.status() == StatusCode::PAYMENT_REQUIRED);
    let short =
        short.and_then(|(typed, _)| read(typed, token)).map(|give| available.shortfall(give));
    let here = Local::new(&format!("/partners/{}", partner.id)).unwrap_or_default();
    html! {
        (steps(&[t("Link your account there"), t("Say how many"), t("Confirm")], 1))
        h2 { (t("Exchange")) }
        p { (say!("You have {price}.", price = price(available, token))) }
        form.narrow method="post" action={ "/partners/" (partner.id) "/quote" } {
            (Field { name: "give", label: &text!("How many {code} do you give?", code = token.code), kind: "text",
                value: again.map_or("", |(typed, _)| typed), autocomplete: "off", required: true,
                hint: Some(t("You see what comes for it before anything is taken.")), error: error.as_deref() })
            button type="submit" { (t("See the offer")) }
        }
        @if let Some(short) = short {
            p { (top_up::button(&here, short, settings, "button second")) }
            (top_up::another_sum(short, settings))
        }
    }
}

/// How many tokens, as somebody wrote it.
fn read(text: &str, token: &Token) -> Option<Amount> {
    typed(text, token.scale)
}

async fn quote(
    _: AtPartner,
    State(app): State<App>,
    IdPath(id): IdPath<Partner>,
    visit: SignedIn,
    Form(form): Form<QuoteForm>,
) -> Result<Response, Problem> {
    let token = &visit.visit.vendor.settings.token;
    let Some(give) = read(&form.give, token) else {
        let example = example(token.scale);
        let detail = text!("a number of {code}, such as {example}", code = token.code, example);
        let problem = Problem::field("give", detail);
        return partner::again_with(&app, &visit.visit, id, form.give, problem).await;
    };
    match app.engine.ask_exchange_quote(visit.buyer, id, give).await? {
        Ok(quoted) => {
            let main = offer(&app, &visit, &quoted);
            Ok(private(&app, t("Your exchange"), &visit.visit, &main))
        }
        Err(refusal) => {
            let problem = Problem::exchange(&refusal, &visit.visit.vendor.settings);
            partner::again_with(&app, &visit.visit, id, form.give, problem).await
        }
    }
}

fn offer(app: &App, visit: &SignedIn, quoted: &Quoted) -> Markup {
    let Quoted { quote, partner, agreement } = quoted;
    let figures = FiguresOut::new(&quote.figures, agreement, app.engine.public_url());
    let way = agreement.terms.way(app.engine.public_url());
    let spread = way.map_or(0, |(way, ..)| way.spread_basis_points);
    let rate = way.and_then(|(_, from, to)| rate(&quote.figures, from, to));
    let token = &visit.visit.vendor.settings.token;
    let left = visit.member.available.checked_sub(quote.figures.give);
    html! {
        (steps(&[t("Link your account there"), t("Say how many"), t("Confirm")], 2))
        h1 { (say!("Exchange with {name}", name = html! { bdi { (partner.name) } })) }
        section.card.asked {
            p.swap {
                span { (figures.give) small { (t("from your wallet here")) } }
                span.unseen { " " (t("become")) " " }
                span.arrow aria-hidden="true" { "→" }
                span { (figures.receive) small { (say!("in your wallet at {name}", name = html! { bdi { (partner.name) } })) } }
            }
            dl.facts {
                dt { (t("You give")) } dd { (price(quote.figures.give, token)) }
                dt { (t("You receive there")) } dd { (figures.receive) }
                @if let Some((one, becomes)) = rate {
                    dt { (t("Rate")) } dd { (say!("{one} become {becomes}", one, becomes))
                        @if spread > 0 { (say!(", less {hundredths} percent", hundredths = hundredths(spread))) }
                        (t(", rounded down to the smallest unit")) }
                }
                @if let Some(left) = left { dt { (t("You keep here")) } dd { (MoneyOut::tokens(left, token)) } }
                dt { (t("Good until")) } dd { (date(quote.expires_at())) }
            }
            p { (say!("What you give leaves this shop for good: from then on {name} owes you what you receive.",
                name = html! { bdi { (partner.name) } })) }
            form method="post" action={ "/partners/" (partner.id) "/exchange" } {
                input type="hidden" name="quote" value=(quote.id);
                input type="hidden" name="key" value=(chance(app));
                div.choice {
                    button type="submit" { (say!("Give {give} for {receive}", give = figures.give, receive = figures.receive)) }
                    a.button.second href={ "/partners/" (partner.id) } { (t("Leave it")) }
                }
            }
        }
    }
}

/// One token here, or as many powers of ten as buy something, and what that becomes before the spread.
pub fn rate(figures: &Figures, from: &Party, to: &Party) -> Option<(MoneyOut, MoneyOut)> {
    let (numerator, denominator) = (figures.numerator, figures.denominator);
    (u32::from(from.scale)..15).find_map(|zeros| {
        let one = 10_u64.checked_pow(zeros)?;
        let becomes = u128::from(one) * u128::from(numerator) / u128::from(denominator.max(1));
        let becomes = Amount::new(u64::try_from(becomes).ok()?).filter(|units| !units.is_zero())?;
        let one = MoneyOut::scaled(Amount::new(one)?, from.token, from.scale);
        Some((one, MoneyOut::scaled(becomes, to.token, to.scale)))
    })
}

/// Basis points as a percentage with its decimals: 250 is 2.50.
pub fn hundredths(basis_points: u32) -> String {
    number(&Amount::new(basis_points.into()).unwrap_or_default().decimal(2).to_string())
}

async fn exchange(
    _: AtPartner,
    State(app): State<App>,
    IdPath(id): IdPath<Partner>,
    visit: SignedIn,
    Form(form): Form<TakeForm>,
) -> Result<Response, Problem> {
    let quote: Id<ExchangeQuote> = form.quote.parse().map_err(|_| Problem::not_found())?;
    let request = Request::new(&form.key, form.quote.as_bytes(), request_id::current());
    match app.engine.begin_exchange(visit.buyer, quote, request).await? {
        Ok(Answered::First(exchange) | Answered::Replayed(exchange)) => {
            Ok(Redirect::to(&format!("/exchanges/{}", exchange.id)).into_response())
        }
        Err(refusal) => {
            let settings = &visit.visit.vendor.settings;
            Ok(refused(&app, &visit, id, &Problem::exchange(&refusal, settings)))
        }
    }
}

fn refused(app: &App, visit: &SignedIn, partner: Id<Partner>, problem: &Problem) -> Response {
    let main = html! {
        h1 { (t("Nothing was exchanged")) }
        (complaint(&sentence(problem.detail())))
        @if problem.status() == StatusCode::PAYMENT_REQUIRED {
            p { a.button href="/wallet/top-up" { (t("Add funds")) } }
            p { a href={ "/partners/" (partner) } { (t("Back")) } }
        } @else {
            p { a.button href={ "/partners/" (partner) } { (t("Back")) } }
        }
    };
    let mut response = private(app, t("Nothing was exchanged"), &visit.visit, &main);
    *response.status_mut() = problem.status();
    response
}

async fn show(
    _: AtPartner,
    State(app): State<App>,
    IdPath(id): IdPath<Exchange>,
    visit: SignedIn,
) -> Result<Response, Problem> {
    let exchange = app.engine.exchange_of(visit.buyer, id).await?;
    let exchange = exchange.map_err(|_| Problem::not_found())?;
    let lost = || Problem::not_found();
    let partner = app.engine.store().partner(exchange.partner).await?.ok_or_else(lost)?;
    let agreement = app.engine.store().agreement(exchange.agreement).await?.ok_or_else(lost)?;
    let figures = FiguresOut::new(&exchange.figures, &agreement, app.engine.public_url());
    let text = outcome(exchange.state, &partner.name, &figures);
    let main = html! {
        p.trail { a href="/wallet" { (t("Wallet")) } " › " a href={ "/partners/" (partner.id) } { bdi { (partner.name) } } }
        h1 { (say!("Your exchange with {name}", name = html! { bdi { (partner.name) } })) }
        (notice(tone(exchange.state), &html! { p role="status" { (text) } }))
        dl.facts {
            dt { (t("Given")) } dd { (figures.give) }
            dt { (t("Received there")) } dd { (figures.receive) }
            dt { (t("Begun")) } dd { (date(exchange.at)) }
            dt { (t("Name")) } dd { code { (exchange.id) } }
        }
        div.choice {
            a.button href="/wallet" { (t("Your wallet")) }
            a.button.second href={ "/partners/" (partner.id) } { (t("Exchange more")) }
        }
    };
    let visited = &visit.visit;
    if exchange.state.is_final() {
        Ok(private(&app, t("Your exchange"), visited, &main))
    } else {
        Ok(private_again_in(&app, t("Your exchange"), visited, AGAIN, &main))
    }
}

/// Whether what became of it is good or bad.
const fn tone(state: ExchangeState) -> Tone {
    match state {
        ExchangeState::Fulfilled => Tone::Good,
        ExchangeState::Reserved | ExchangeState::Prepared | ExchangeState::Committed => Tone::Info,
        ExchangeState::Refused
        | ExchangeState::Expired
        | ExchangeState::Reversed
        | ExchangeState::WrittenOff => Tone::Warn,
    }
}

/// What became of it, in words.
fn outcome(state: ExchangeState, partner: &str, figures: &FiguresOut) -> String {
    let FiguresOut { give, receive, .. } = figures;
    match state {
        ExchangeState::Fulfilled => {
            text!("Done: {receive} are in your account at {partner}.", receive, partner)
        }
        ExchangeState::Reserved | ExchangeState::Prepared => {
            text!(
                "{give} are reserved, and {partner} is being asked. This page looks again by itself.",
                give,
                partner
            )
        }
        ExchangeState::Committed => text!(
            "{give} were given, and {partner} has not answered yet. It will: either \
            {receive} arrive there, or you have {give} back.",
            give,
            partner,
            receive
        ),
        ExchangeState::Refused => {
            text!("{partner} did not take it. {give} are yours to spend again.", partner, give)
        }
        ExchangeState::Expired => {
            text!("It could not be done in time. {give} are yours to spend again.", give)
        }
        ExchangeState::Reversed | ExchangeState::WrittenOff => {
            text!("It came to nothing. You have {give} back.", give)
        }
    }
}
