//! What the owner of a license does with it: extends it, has its code issued again, takes it off a machine, downloads.
//!
//! ```text
//! /library/{license}/extend    asks ──▶ a draft order with the extension ──▶ /checkout/{order}
//! /library/{license}/reissue   asks ──▶ a new code, the old one is dead ──▶ /library/{license}
//! /library/{license}/machines/{machine}  asks ──▶ it is active no more ──▶ /library/{license}
//! /library/{license}/files/{file}  ──▶ the file, by a ticket made in that moment
//! ```
//! Whatever cannot be taken back is asked for on a page of its own, which says what follows.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header;
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::catalog::{File, Offer};
use scrip_domain::extension::is_same_kind;
use scrip_domain::gate::GateRefusal;
use scrip_domain::license::License;
use scrip_domain::request::Request;
use scrip_domain::settings::Token;
use scrip_domain::usage::Activation;
use scrip_engine::catalog::view::OfferView;
use scrip_engine::download::DownloadRefusal;
use scrip_engine::library::Owned;
use scrip_engine::license::deactivate::DeactivateRefusal;
use scrip_engine::license::is_extendable;
use scrip_engine::license::reissue::Asker;
use scrip_engine::purchase::{Answered, PurchaseRefusal};
use scrip_engine::selection::{Choice, Selection};
use serde::Deserialize;

use super::super::form::{Field, Form, Nothing, complaint, mistake};
use super::super::look::{Tone, blank, notice, price};
use super::super::refused::sentence;
use super::super::visit::SignedIn;
use super::super::{chance, date, private, words};
use super::license::{machine_name, own};
use super::title;
use crate::App;
use crate::extract::{IdPath, NamePath, Source};
use crate::language::{key, moment, reader, say, t, text};
use crate::problem::Problem;
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/library/{license}/extend", get(ask_extension).post(extend))
        .route("/library/{license}/reissue", get(ask_reissue).post(reissue))
        .route("/library/{license}/machines/{machine}", get(ask_machine).post(deactivate))
        .route("/library/{license}/files/{file}", get(download))
}

#[derive(Debug, Default, Deserialize)]
struct ExtendForm {
    #[serde(default)]
    offer: String,
    #[serde(default)]
    quantity: String,
    /// Chance: the same form sent twice makes one order.
    #[serde(default)]
    key: String,
}

/// What a license can be extended by, as far as its owner sees the prices.
struct Extensions {
    offers: Vec<OfferView>,
    /// Why there are none to be seen: the wallet has less than opens ordering.
    gate: Option<GateRefusal>,
}

async fn extensions(
    app: &App,
    visit: &SignedIn,
    owned: &Owned,
) -> Result<Option<Extensions>, Problem> {
    let license = &owned.standing.license;
    if !is_extendable(license) || app.engine.provider().is_some() {
        return Ok(None);
    }
    let (slug, language) = (&owned.product.slug, reader(&visit.visit.vendor.settings));
    let shown = app.engine.show_product(Some(&visit.member), slug, language, None).await?;
    Ok(Some(match shown {
        Err(gate) => Extensions { offers: Vec::new(), gate: Some(gate) },
        Ok(shown) => {
            let view = shown.as_ref().and_then(scrip_engine::catalog::view::Shown::view);
            let mut offers = view.map(|view| view.offers).unwrap_or_default();
            offers
                .retain(|offer| is_same_kind(license.terms, offer.terms) && offer.price.is_some());
            Extensions { offers, gate: None }
        }
    }))
}

async fn ask_extension(
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<License>,
) -> Result<Response, Problem> {
    let owned = own(&app, &visit, id).await?;
    extension_page(&app, &visit, &owned, &ExtendForm::default(), None).await
}

async fn extension_page(
    app: &App,
    visit: &SignedIn,
    owned: &Owned,
    form: &ExtendForm,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let extensions = extensions(app, visit, owned).await?;
    let token = &visit.visit.vendor.settings.token;
    let key = chance(app);
    let body = match &extensions {
        None => blank(
            t("This license cannot be extended"),
            t("Buy what you need anew: it gets a license of its own."),
            Some((&format!("/products/{}", owned.product.slug), t("See what there is"))),
        ),
        Some(Extensions { gate: Some(gate), .. }) => {
            let problem = Problem::gate(gate, &visit.visit.vendor.settings);
            html! {
                (complaint(&sentence(problem.detail())))
                p { a.button href="/wallet/top-up" { (t("Add funds")) } }
            }
        }
        Some(Extensions { offers, .. }) if offers.is_empty() => blank(
            t("Nothing is offered for it just now"),
            t("The vendor sells no extension of these terms at the moment."),
            Some((&format!("/library/{}", owned.standing.license.id), t("Back to the license"))),
        ),
        Some(Extensions { offers, .. }) => {
            extension_form(owned, offers, form, &key, token, problem)
        }
    };
    let main = html! {
        (trail(owned))
        h1 { (say!("Extend {title}", title = html! { bdi { (title(&owned.product)) } })) }
        p.lead { (t("The same license and the same machines go on. Nothing has to be installed again.")) }
        (how_it_stands(owned))
        (body)
    };
    Ok(private(app, t("Extend a license"), &visit.visit, &main))
}

fn how_it_stands(owned: &Owned) -> Markup {
    let license = &owned.standing.license;
    html! {
        @if let Some(until) = license.expires_at { p { (say!("It is good until {date}.", date = date(until))) } }
        @if let Some(left) = owned.standing.left() {
            p { (say!("{left} {units} are left.", left, units = words::units(license.terms, left))) }
        }
    }
}

fn extension_form(
    owned: &Owned,
    offers: &[OfferView],
    form: &ExtendForm,
    key: &str,
    token: &Token,
    problem: Option<&Problem>,
) -> Markup {
    let error = |name: &str| problem.and_then(|problem| problem.error(name));
    let elsewhere =
        problem.filter(|problem| problem.error("offer").or(problem.error("quantity")).is_none());
    let chosen = |offer: &OfferView, place: usize| {
        if form.offer.is_empty() { place == 0 } else { offer.id.to_string() == form.offer }
    };
    let quantity = if form.quantity.is_empty() { "1" } else { &form.quantity };
    html! {
        @if let Some(problem) = elsewhere { (complaint(&sentence(problem.detail()))) }
        form.narrow method="post" action={ "/library/" (owned.standing.license.id) "/extend" } {
            input type="hidden" name="key" value=(key);
            fieldset aria-describedby=[error("offer").map(|_| "offer-error")] {
                legend { (t("By how much")) }
                @for (place, offer) in offers.iter().enumerate() {
                    label.option {
                        input type="radio" name="offer" value=(offer.id) required checked[chosen(offer, place)];
                        span { (words::more(offer.terms, 1)) }
                        span.sum { (price(offer.price.unwrap_or_default(), token)) }
                    }
                }
                @if let Some(text) = error("offer") { (mistake(Some("offer-error"), text)) }
            }
            (Field { name: "quantity", label: t("How many times"), kind: "number", value: quantity, autocomplete: "off",
                required: true, hint: Some(t("1 to 100.")), error: error("quantity") })
            button type="submit" { (t("Go on to the checkout")) }
            p.hint { (t("Nothing is paid yet: the next page shows the sum, and asks.")) }
        }
    }
}

async fn extend(
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    IdPath(id): IdPath<License>,
    Form(form): Form<ExtendForm>,
) -> Result<Response, Problem> {
    let owned = own(&app, &visit, id).await?;
    let problem = match drafted(&app, &visit, &owned, &source, &form).await? {
        Ok(order) => return Ok(Redirect::to(&format!("/checkout/{order}")).into_response()),
        Err(problem) => problem,
    };
    let mut response = extension_page(&app, &visit, &owned, &form, Some(&problem)).await?;
    *response.status_mut() = problem.status();
    Ok(response)
}

/// A draft order of the extension; nothing is paid for it yet.
async fn drafted(
    app: &App,
    visit: &SignedIn,
    owned: &Owned,
    source: &Source,
    form: &ExtendForm,
) -> Result<Result<Id<scrip_domain::order::Order>, Problem>, Problem> {
    let license = owned.standing.license.id;
    let Ok(offer) = form.offer.parse::<Id<Offer>>() else {
        return Ok(Err(Problem::field("offer", t("choose by how much"))));
    };
    let quantity =
        form.quantity.trim().parse().ok().filter(|quantity| (1..=100).contains(quantity));
    let Some(quantity) = quantity else {
        return Ok(Err(Problem::field("quantity", t("a number from 1 to 100"))));
    };
    if app.engine.provider().is_some() {
        return Ok(Err(Problem::field("offer", t("a merchant extends no licenses"))));
    }
    let selection = Selection::new(vec![Choice { offer, quantity, extends: Some(license) }])?;
    let what = format!("extend {license} {offer} {quantity}");
    let request = Request::new(&form.key, what.as_bytes(), request_id::current());
    let engine = &app.engine;
    let answer = engine.draft(visit.buyer, &selection, None, false, &source.0, request).await?;
    let settings = &visit.visit.vendor.settings;
    Ok(match answer {
        Ok(Answered::First(drafted) | Answered::Replayed(drafted)) => Ok(drafted.order.id),
        Err(refusal @ (PurchaseRefusal::NotForSale(_) | PurchaseRefusal::NotExtendable { .. })) => {
            let problem = Problem::purchase(&refusal, settings);
            Err(Problem::field("offer", problem.detail().to_owned()))
        }
        Err(refusal) => Err(Problem::purchase(&refusal, settings)),
    })
}

async fn ask_reissue(
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<License>,
) -> Result<Response, Problem> {
    let owned = own(&app, &visit, id).await?;
    let main = html! {
        (trail(&owned))
        h1 { (t("Get a new code")) }
        (notice(Tone::Warn, &html! {
            p { (t("The code that you have stops working at once: programs and people who have it cannot use it any \
                more, nor can links that were made with it.")) }
        }))
        p { (t("Do this when somebody has your code who should not. Machines that are active stay active; a \
            program there asks for the new code when it next looks.")) }
        form.choice method="post" action={ "/library/" (id) "/reissue" } {
            input type="hidden" name="key" value=(chance(&app));
            button.danger type="submit" { (t("Replace the code")) }
            a.button.second href={ "/library/" (id) } { (t("Keep the code")) }
        }
    };
    Ok(private(&app, t("Get a new code"), &visit.visit, &main))
}

/// What was not done, why, and the way back.
fn stopped(
    app: &App,
    visit: &SignedIn,
    owned: &Owned,
    title: &str,
    problem: &Problem,
    text: &str,
) -> Response {
    let main = html! {
        (trail(owned))
        h1 { (title) }
        (complaint(text))
        p { a.button href={ "/library/" (owned.standing.license.id) } { (t("Back to the license")) } }
    };
    let mut response = private(app, title, &visit.visit, &main);
    *response.status_mut() = problem.status();
    response
}

#[derive(Debug, Deserialize)]
struct KeyForm {
    /// Chance: the same form sent twice makes one code.
    key: String,
}

async fn reissue(
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<License>,
    Form(form): Form<KeyForm>,
) -> Result<Response, Problem> {
    let what = format!("reissue {id}");
    let request = Request::new(&form.key, what.as_bytes(), request_id::current());
    if let Err(refusal) = app.engine.reissue(Asker::Holder(visit.buyer), id, request).await? {
        let owned = own(&app, &visit, id).await?;
        let problem = Problem::from(refusal);
        let text = sentence(problem.detail());
        return Ok(stopped(&app, &visit, &owned, t("There is no new code"), &problem, &text));
    }
    Ok(Redirect::to(&format!("/library/{id}")).into_response())
}

/// The machine of a license that an address names.
async fn machine(
    app: &App,
    visit: &SignedIn,
    (license, machine): (&str, &str),
) -> Result<(Owned, Activation), Problem> {
    let license = license.parse().map_err(|_| Problem::not_found())?;
    let owned = own(app, visit, license).await?;
    let machine = machine.parse().map_err(|_| Problem::not_found())?;
    let row = app.engine.store().activation_called(license, machine).await?;
    Ok((owned, row.ok_or_else(Problem::not_found)?))
}

const MOVED: &str =
    key("This license has moved between machines as often as it may within a year.");

async fn ask_machine(
    State(app): State<App>,
    visit: SignedIn,
    NamePath((license, name)): NamePath<(String, String)>,
) -> Result<Response, Problem> {
    let (owned, row) = machine(&app, &visit, (&license, &name)).await?;
    let moves = owned.standing.license.limits.moves;
    let made = owned.standing.usage.moves_at(app.engine.now());
    let main = html! {
        (trail(&owned))
        h1 { (say!("Deactivate {machine}", machine = html! { bdi { (machine_name(&row)) } })) }
        p { (say!("The license cannot be used there any more, and another machine has room. A program that is offline \
            notices at the latest on {date}.", date = date(row.offline_until))) }
        @if let Some(most) = moves {
            p { (say!("This counts as a move: {made} of {most} within a year are made.", made, most)) }
        }
        form.choice method="post" action={ "/library/" (license) "/machines/" (name) } {
            button.danger type="submit" { (t("Deactivate")) }
            a.button.second href={ "/library/" (license) } { (t("Keep it active")) }
        }
    };
    Ok(private(&app, t("Deactivate a machine"), &visit.visit, &main))
}

async fn deactivate(
    State(app): State<App>,
    visit: SignedIn,
    NamePath((license, name)): NamePath<(String, String)>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let (owned, row) = machine(&app, &visit, (&license, &name)).await?;
    if row.ended_at.is_none() {
        let done = app.engine.deactivate_own(&owned.standing.license, row.id).await?;
        if let Err(DeactivateRefusal::Refused(refused)) = done {
            let text = match refused.can_move_at {
                Some(at) => {
                    text!("{moved} It can move again on {at}.", moved = t(MOVED), at = moment(at))
                }
                None => words::refused(refused.reason).to_owned(),
            };
            let problem = Problem::license_refused(&refused);
            return Ok(stopped(&app, &visit, &owned, t("It stays active"), &problem, &text));
        }
        done?;
    }
    Ok(Redirect::to(&format!("/library/{license}")).into_response())
}

/// Sends the browser to the file with a ticket that was made in this moment, so that no link of a page grows old.
async fn download(
    State(app): State<App>,
    visit: SignedIn,
    NamePath((license, file)): NamePath<(String, String)>,
) -> Result<Response, Problem> {
    let license = license.parse().map_err(|_| Problem::not_found())?;
    let file: Id<File> = file.parse().map_err(|_| Problem::not_found())?;
    let owned = own(&app, &visit, license).await?;
    let ticket = match app.engine.holders_ticket(&owned.standing.license, file).await? {
        Ok(ticket) => ticket,
        Err(DownloadRefusal::CodeRefused(Some(reason))) => {
            let problem = Problem::from(DownloadRefusal::CodeRefused(Some(reason)));
            let text = words::refused(reason);
            return Ok(stopped(&app, &visit, &owned, t("No download"), &problem, text));
        }
        Err(refusal) => {
            let problem = Problem::from(refusal);
            let text = sentence(problem.detail());
            return Ok(stopped(&app, &visit, &owned, t("No download"), &problem, &text));
        }
    };
    let to = format!("/v1/downloads/{file}?ticket={}", ticket.text);
    Ok(([(header::CACHE_CONTROL, "no-store")], Redirect::to(&to)).into_response())
}

fn trail(owned: &Owned) -> Markup {
    html! {
        p.trail {
            a href="/library" { (t("Library")) } " / "
            a href={ "/library/" (owned.standing.license.id) } { bdi { (title(&owned.product)) } }
        }
    }
}
