//! A partner's page: what it is, whose its tokens are, and linking the account there.
//!
//! ```text
//! link ──▶ (the partner's page: sign in, approve or decline) ──▶ back here with a code, redeemed, taken out of the address
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::agreement::{Party, Terms};
use scrip_domain::link::{Link, LinkState};
use scrip_domain::partner::Partner;
use serde::Deserialize;

use super::form::{Form, Nothing, complaint};
use super::look::{Tone, notice, steps};
use super::pay::host;
use super::refused::sentence;
use super::visit::{Local, SignedIn, Visit};
use super::{date, exchange, leads_to, private};
use crate::App;
use crate::api::partners::{WayOut, in_force};
use crate::caller::AtPartner;
use crate::extract::{IdPath, Query};
use crate::language::{say, t};
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/partners/{id}", get(show))
        .route("/partners/{id}/link", post(link))
        .route("/partners/{id}/unlink", post(unlink))
}

/// What the partner puts into the address; more of it is ignored.
#[derive(Debug, Deserialize)]
struct Back {
    code: Option<String>,
    link: Option<String>,
    error: Option<String>,
}

/// What the page says above all else.
enum Said {
    Nothing,
    /// The buyer said no at the partner.
    Declined,
    /// Why something was not done.
    Problem(Problem),
    /// What was to be given, and why it cannot be.
    Give(String, Problem),
}

impl Said {
    /// What stands in the field of what is given, and what is wrong with it.
    fn give(&self) -> Option<(&str, &Problem)> {
        match self {
            Self::Give(typed, problem) => Some((typed, problem)),
            Self::Nothing | Self::Declined | Self::Problem(_) => None,
        }
    }
}

async fn show(
    _: AtPartner,
    State(app): State<App>,
    IdPath(id): IdPath<Partner>,
    Query(back): Query<Back>,
    visit: Visit,
) -> Result<Response, Problem> {
    match (&back.code, &visit.member) {
        (Some(code), Some((buyer, _))) => {
            // Without the partner's word for it a code could be somebody else's.
            let link = back.link.as_deref().and_then(|link| link.parse::<Id<Link>>().ok());
            let link = link.ok_or_else(|| Problem::field("link", t("a link's name")))?;
            match app.engine.redeem_link(*buyer, id, Some(link), code).await? {
                // The code stays in no history.
                Ok(_) => Ok(again(id)),
                Err(refusal) => page(&app, &visit, id, Said::Problem(refusal.into())).await,
            }
        }
        (Some(code), None) => {
            let link = back.link.as_deref().unwrap_or_default();
            let here = Local::new(&format!("/partners/{id}?code={code}&link={link}"));
            Ok(Redirect::to(&here.unwrap_or_default().after("/sign-in")).into_response())
        }
        (None, _) if back.error.is_some() => page(&app, &visit, id, Said::Declined).await,
        (None, _) => page(&app, &visit, id, Said::Nothing).await,
    }
}

/// Sends the buyer to the partner.
async fn link(
    _: AtPartner,
    State(app): State<App>,
    IdPath(id): IdPath<Partner>,
    visit: SignedIn,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    match app.engine.open_link(visit.buyer, id).await? {
        Ok(opened) => {
            let no_store = [(header::CACHE_CONTROL, "no-store")];
            let mut response = (no_store, Redirect::to(&opened.url)).into_response();
            leads_to(&mut response, &opened.url);
            Ok(response)
        }
        Err(refusal) => page(&app, &visit.visit, id, Said::Problem(refusal.into())).await,
    }
}

async fn unlink(
    _: AtPartner,
    State(app): State<App>,
    IdPath(id): IdPath<Partner>,
    visit: SignedIn,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    match app.engine.unlink(visit.buyer, id).await? {
        Ok(()) => Ok(again(id)),
        Err(refusal) => page(&app, &visit.visit, id, Said::Problem(refusal.into())).await,
    }
}

fn again(id: Id<Partner>) -> Response {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    (no_store, Redirect::to(&format!("/partners/{id}"))).into_response()
}

/// The page, with what it says above all else.
async fn page(app: &App, visit: &Visit, id: Id<Partner>, said: Said) -> Result<Response, Problem> {
    let partner = app.engine.store().partner(id).await?.ok_or_else(Problem::not_found)?;
    let agreement = in_force(app, &partner).await?;
    let link = match &visit.member {
        Some((buyer, _)) => app.engine.link_of(*buyer, id).await?,
        None => None,
    };
    let (vendor, ours) = (&visit.vendor.settings, app.engine.public_url());
    let is_linked = link.as_ref().is_some_and(|link| link.state == LinkState::Active);
    let goes = agreement.terms.way(ours).is_some();
    let main = html! {
        p.trail { a href="/wallet" { (t("Wallet")) } }
        h1 { bdi { (partner.name) } }
        (told(&said, &partner.name))
        (about(&vendor.name, &partner, &agreement.terms))
        @if !partner.is_open() {
            (notice(Tone::Warn, &html! {
                p role="status" { (say!("Nothing is exchanged with {name} at the moment. What you have is not touched by it.",
                    name = html! { bdi { (partner.name) } })) }
            }))
        }
        div.beside {
            div {
                @match (&visit.member, &link) {
                    (None, _) => (strangers(id, &partner)),
                    (Some((_, member)), _) if is_linked && partner.is_open() && goes => {
                        (exchange::form(&partner, vendor, member.available, said.give()))
                    }
                    (Some(_), _) if !is_linked && partner.is_open() => (unlinked(&partner)),
                    (Some(_), _) => {}
                }
                @if let (true, Some(link)) = (is_linked, &link) { (linked(&partner, link)) }
            }
            aside { (bounds(&vendor.name, &partner, &agreement.terms, ours)) }
        }
    };
    let mut response = private(app, &partner.name, visit, &main);
    leads_to(&mut response, &partner.url);
    if let Said::Problem(problem) | Said::Give(_, problem) = said {
        *response.status_mut() = match problem.status() {
            status if status.is_client_error() => status,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
    }
    Ok(response)
}

/// The same again, because so much as somebody typed cannot be given.
pub async fn again_with(
    app: &App,
    visit: &Visit,
    id: Id<Partner>,
    typed: String,
    problem: Problem,
) -> Result<Response, Problem> {
    page(app, visit, id, Said::Give(typed, problem)).await
}

fn told(said: &Said, partner: &str) -> Markup {
    match said {
        Said::Problem(problem) => complaint(&sentence(problem.detail())),
        Said::Declined => notice(
            Tone::Info,
            &html! { p role="status" { (say!("You said no at {partner}. Nothing is linked.",
            partner = html! { bdi { (partner) } })) } },
        ),
        // What is wrong with a field is said at the field.
        Said::Nothing | Said::Give(..) => Markup::default(),
    }
}

/// What the partner is, and whose its tokens are.
fn about(vendor: &str, partner: &Partner, terms: &Terms) -> Markup {
    let (name, url) = (&partner.name, &partner.url);
    let theirs = terms.parties.iter().find(|party| &party.url == url);
    html! {
        p.lead { (say!("{name} is another vendor, at {host}.", name = html! { bdi { (name) } }, host = host(url))) }
        @if let Some(party) = theirs {
            p { (say!("Its tokens, {token}, are its own: it issues them, sells for them, and answers for them. What \
                you exchange is no longer owed to you by {vendor} but by {name}.",
                    token = party.token, vendor = html! { bdi { (vendor) } }, name = html! { bdi { (name) } })) }
        }
    }
}

/// How many tokens become how many, and what may be given.
fn bounds(vendor: &str, partner: &Partner, terms: &Terms, ours: &str) -> Markup {
    html! {
        section.card {
            h2 { (t("What tokens become")) }
            @if let (Some(way), Some((_, from, to))) = (WayOut::new(terms, ours), terms.way(ours)) {
                dl.facts {
                    @if let Some((given, received)) = example(terms, ours, from, to) {
                        dt { (t("Rate")) } dd { (say!("{given} become {received}", given, received)) }
                    }
                    dt { (t("At once")) } dd { (say!("{min} to {max}", min = way.min, max = way.max)) }
                    dt { (t("In a day")) } dd { (say!("at most {buyer_day}", buyer_day = way.buyer_day)) }
                }
            } @else {
                p { (say!("Tokens of {vendor} buy nothing there; those of {name} can become tokens here.",
                    vendor = html! { bdi { (vendor) } }, name = html! { bdi { (partner.name) } })) }
            }
        }
    }
}

/// What the least that can be given becomes, as an example.
fn example(terms: &Terms, ours: &str, from: &Party, to: &Party) -> Option<(MoneyOut, MoneyOut)> {
    let (way, ..) = terms.way(ours)?;
    let figures = terms.figures(ours, way.min).ok()?;
    Some((
        MoneyOut::scaled(figures.give, from.token, from.scale),
        MoneyOut::scaled(figures.receive, to.token, to.scale),
    ))
}

fn strangers(id: Id<Partner>, partner: &Partner) -> Markup {
    let here = Local::new(&format!("/partners/{id}")).unwrap_or_default();
    html! {
        h2 { (t("Exchange tokens")) }
        p { (say!("To exchange tokens, sign in here, and link your account at {name}.", name = html! { bdi { (partner.name) } })) }
        p.choice {
            a.button href=(here.after("/sign-in")) { (t("Sign in")) }
            a.button.second href=(here.after("/register")) { (t("Open an account")) }
        }
    }
}

fn unlinked(partner: &Partner) -> Markup {
    html! {
        (steps(&[t("Link your account there"), t("Say how many"), t("Confirm")], 0))
        h2 { (t("Your account there")) }
        p { (say!("Before your first exchange, show which account at {name} is yours. You sign in there, or open an \
            account, and come back. {name} and this shop learn neither your address nor your balance from each other.",
                name = html! { bdi { (partner.name) } })) }
        form method="post" action={ "/partners/" (partner.id) "/link" } {
            button type="submit" { span { (say!("Link my account at {name}", name = html! { bdi { (partner.name) } })) } }
        }
    }
}

fn linked(partner: &Partner, link: &Link) -> Markup {
    html! {
        h2 { (t("Your account there")) }
        p {
            (say!("Your account at {name} is linked", name = html! { bdi { (partner.name) } }))
            @if let Some(at) = link.linked_at { " " (say!("since {date}", date = date(at))) }
            "."
        }
        form method="post" action={ "/partners/" (partner.id) "/unlink" } {
            button.second type="submit" { (t("Cut the link")) }
        }
    }
}
