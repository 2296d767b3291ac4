//! Exchanges of this vendor's buyers: which wait for what, and giving tokens back where a partner is silent.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::exchange::{Exchange, ExchangeState, SILENCE};
use scrip_domain::partner::Partner;
use scrip_domain::staff::Power;
use serde::Deserialize;

use super::parts::{Question, answer, document, fine_of, tabs, when, within};
use crate::App;
use crate::api::List;
use crate::api::exchanges::FiguresOut;
use crate::caller::AtPartner;
use crate::extract::{IdPath, Query};
use crate::pages::admin::desk::{Clerk, Desk, Money, See};
use crate::pages::admin::parts::{distinct, pager, range, table_of};
use crate::pages::admin::{Section, page};
use crate::pages::date;
use crate::pages::form::{Form, Nothing};
use crate::pages::look::{Tone, badge, blank};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/exchanges", get(list))
        .route("/admin/exchanges/{id}", get(show))
        .route("/admin/exchanges/{id}/write-off", get(ask).post(write_off))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    state: String,
    partner: String,
    after: Option<String>,
}

async fn list(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<See>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let part = range(&app, "all-exchanges", wanted.after.as_deref())?;
    let state = ExchangeState::parse(&wanted.state);
    let partner = wanted.partner.parse::<Id<Partner>>().ok();
    let rows = app.engine.exchanges(state, partner, part).await?;
    let next = List::of(&app.engine, "all-exchanges", part, &rows, |row| row.id.number(), |_| ());
    let here = format!(
        "/admin/exchanges?state={}&partner={}",
        state.map_or("", ExchangeState::as_str),
        partner.map(|id| id.to_string()).unwrap_or_default()
    );
    let main = html! {
        (tabs("/admin/exchanges", &desk))
        form.filter method="get" action="/admin/exchanges" {
            @if let Some(partner) = partner { input type="hidden" name="partner" value=(partner); }
            label for="state" { "State" }
            select id="state" name="state" {
                option value="" { "All" }
                @for one in ExchangeState::ALL {
                    option value=(one) selected[state == Some(*one)] { (words(*one)) }
                }
            }
            button.second type="submit" { "Show" }
            @if partner.is_some() { a href="/admin/exchanges" { "Of all partners" } }
        }
        @if rows.is_empty() {
            (blank("None of these", "What buyers give for tokens of a partner is listed here.", None))
        } @else {
            (exchange_rows(&app, "What your buyers gave, newest first", &rows).await?)
            (pager(&here, next.next.as_deref()))
        }
    };
    Ok(page(&app, &desk, "Exchanges", Section::Partners, &main))
}

/// A table of exchanges.
pub async fn exchange_rows(app: &App, caption: &str, rows: &[Exchange]) -> Result<Markup, Problem> {
    let agreements = distinct(rows.iter().map(|row| row.agreement));
    let agreements = app.engine.store().agreements_called(&agreements).await?;
    let figures = |row: &Exchange| {
        let agreement = agreements.iter().find(|one| one.id == row.agreement);
        agreement.map(|one| FiguresOut::new(&row.figures, one, app.engine.public_url()))
    };
    let lines = rows.iter().map(|row| Some((row, figures(row)?)));
    let lines: Vec<_> = lines.collect::<Option<_>>().ok_or_else(Problem::not_found)?;
    Ok(table_of(
        caption,
        &["Exchange", "State", "#Given", "#Received there", "Begun"],
        &html! {
            @for (row, figures) in &lines {
                tr {
                    th scope="row" { a href={ "/admin/exchanges/" (row.id) } { code { (row.id) } } }
                    td { (state_badge(row.state)) }
                    td.sum { (figures.give) }
                    td.sum { (figures.receive) }
                    td { (date(row.at)) }
                }
            }
        },
    ))
}

async fn figures(app: &App, exchange: &Exchange) -> Result<FiguresOut, Problem> {
    let agreement = app.engine.store().agreement(exchange.agreement).await?;
    let agreement = agreement.ok_or_else(Problem::not_found)?;
    Ok(FiguresOut::new(&exchange.figures, &agreement, app.engine.public_url()))
}

const fn words(state: ExchangeState) -> &'static str {
    match state {
        ExchangeState::Reserved => "Reserved",
        ExchangeState::Prepared => "Prepared there",
        ExchangeState::Committed => "Waits for the partner",
        ExchangeState::Fulfilled => "Done",
        ExchangeState::Refused => "Refused there",
        ExchangeState::Expired => "Not done in time",
        ExchangeState::Reversed => "Reversed",
        ExchangeState::WrittenOff => "Written off",
    }
}

fn state_badge(state: ExchangeState) -> Markup {
    let tone = match state {
        ExchangeState::Fulfilled => Tone::Good,
        ExchangeState::Committed => Tone::Warn,
        ExchangeState::WrittenOff => Tone::Bad,
        ExchangeState::Reserved
        | ExchangeState::Prepared
        | ExchangeState::Refused
        | ExchangeState::Expired
        | ExchangeState::Reversed => Tone::Info,
    };
    badge(tone, words(state))
}

async fn found(app: &App, id: Id<Exchange>) -> Result<(Exchange, Partner), Problem> {
    let exchange = app.engine.store().exchange(id).await?.ok_or_else(Problem::not_found)?;
    let partner = app.engine.store().partner(exchange.partner).await?;
    Ok((exchange, partner.ok_or_else(Problem::not_found)?))
}

async fn show(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<Exchange>,
) -> Result<Response, Problem> {
    let (exchange, partner) = found(&app, id).await?;
    let figures = figures(&app, &exchange).await?;
    let since = exchange.committed_at.map(|at| at.plus(SILENCE));
    let waits = exchange.state == ExchangeState::Committed;
    let main = html! {
        (within("/admin/exchanges", "Exchanges"))
        p.lead { (state_badge(exchange.state)) }
        @if waits {
            p { "The tokens were given, and " bdi { (partner.name) } " has not said what became of it. It is asked until it does." }
            @if let Some(since) = since {
                @if since > app.engine.now() {
                    p.small { "After thirty days of silence, " (date(since)) ", the tokens can be given back." }
                } @else if desk.may(Power::Money) {
                    p { a.button.danger href={ "/admin/exchanges/" (id) "/write-off" } { "Give the tokens back" } }
                }
            }
        }
        dl.facts {
            dt { "Partner" } dd { a href={ "/admin/partners/" (partner.id) } { bdi { (partner.name) } } }
            dt { "Account" } dd { code { (exchange.account) } }
            dt { "Given" } dd { (figures.give) }
            dt { "Received there" } dd { (figures.receive) }
            dt { "You owe for it" } dd { (owed(&app, &exchange).await?) }
            @if let Some(reason) = &exchange.reason { dt { "Why" } dd { code { (reason) } } }
            dt { "Begun" } dd { (date(exchange.at)) }
            dt { "Committed" } dd { (when(exchange.committed_at)) }
            dt { "Answered" } dd { (when(exchange.answered_at)) }
            dt { "Written off" } dd { (when(exchange.written_off_at)) }
            @if let Some(cycle) = exchange.cycle { dt { "Cycle" } dd { (cycle) } }
        }
        h2 { "Proof" }
        @if exchange.commit.is_none() && exchange.prepared.is_none() { p { "Nothing was signed yet." } }
        (document("Prepared, by the partner", exchange.prepared.as_deref()))
        (document("The commit, by you", exchange.commit.as_deref()))
        (document("The final word, by the partner", exchange.answer.as_deref()))
    };
    Ok(page(&app, &desk, "Exchange", Section::Partners, &main))
}

async fn owed(app: &App, exchange: &Exchange) -> Result<String, Problem> {
    let agreement = app.engine.store().agreement(exchange.agreement).await?;
    let agreement = agreement.ok_or_else(Problem::not_found)?;
    Ok(fine_of(exchange.figures.compensation, agreement.terms.currency))
}

async fn ask(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Exchange>,
) -> Result<Response, Problem> {
    question(&app, &desk, id, None).await
}

async fn write_off(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Exchange>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    match app.engine.write_off_exchange(desk.staff, id).await? {
        Ok(_) => Ok(Redirect::to(&format!("/admin/exchanges/{id}")).into_response()),
        Err(refusal) => {
            let problem = Problem::exchange(&refusal, &desk.vendor.settings);
            question(&app, &desk, id, Some(&problem)).await
        }
    }
}

async fn question(
    app: &App,
    clerk: &Clerk,
    id: Id<Exchange>,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let (exchange, partner) = found(app, id).await?;
    let figures = figures(app, &exchange).await?;
    let says = html! {
        p.lead { "The buyer has " (figures.give) " back, at your risk." }
        p { "What you owe " bdi { (partner.name) } " for it stays owed until it answers, and nothing more is exchanged with it." }
    };
    let question = Question {
        says: &says,
        action: &format!("/admin/exchanges/{id}/write-off"),
        fields: &Markup::default(),
        button: "Give the tokens back",
        is_final: true,
        back: &format!("/admin/exchanges/{id}"),
    };
    let main = question.ask(problem);
    Ok(answer(app, clerk, "Give the tokens back", Section::Partners, &main, problem))
}
