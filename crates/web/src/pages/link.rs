//! The page on which the owner of an account here links it to theirs at a partner, or does not.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header;
use maud::{Markup, html};
use scrip_domain::connection::ConnectionState;
use scrip_engine::link::request::LinkView;
use serde::Deserialize;

use super::form::Form;
use super::look::{Tone, notice, steps};
use super::pay::host;
use super::sign_in::as_another;
use super::visit::{Local, SignedIn};
use super::{leads_to, private};
use crate::App;
use crate::caller::AtPartner;
use crate::extract::NamePath;
use crate::language::{say, t, text};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/links/{reference}", get(show).post(decide))
}

#[derive(Debug, Deserialize)]
struct Decision {
    decision: String,
}

async fn show(
    _: AtPartner,
    State(app): State<App>,
    visit: SignedIn,
    NamePath(reference): NamePath<String>,
) -> Result<Response, Problem> {
    let view = app.engine.link_request(&reference, Some(visit.buyer)).await?;
    let view = view.map_err(Problem::from)?;
    let vendor = &visit.visit.vendor.settings.name;
    let main = shown(&reference, &view, vendor, &visit.member.account.email);
    let title = text!("Link with {name}", name = view.partner.name);
    let mut response = private(&app, &title, &visit.visit, &main);
    leads_to(&mut response, &view.request.return_url);
    Ok(response)
}

async fn decide(
    _: AtPartner,
    State(app): State<App>,
    visit: SignedIn,
    NamePath(reference): NamePath<String>,
    Form(form): Form<Decision>,
) -> Result<Response, Problem> {
    let decision = match form.decision.as_str() {
        "approve" => ConnectionState::Approved,
        "decline" => ConnectionState::Declined,
        _ => return Err(Problem::field("decision", t("approve or decline"))),
    };
    let to = app.engine.decide_link(visit.buyer, &reference, decision).await?;
    let to = to.map_err(Problem::from)?;
    // The address holds the code: no cache keeps it.
    let mut response = ([(header::CACHE_CONTROL, "no-store")], Redirect::to(&to)).into_response();
    leads_to(&mut response, &to);
    Ok(response)
}

fn shown(reference: &str, view: &LinkView, vendor: &str, email: &str) -> Markup {
    let partner = &view.partner.name;
    let here = Local::new(&format!("/links/{reference}")).unwrap_or_default();
    html! {
        @if view.waits { (steps(&[t("Sign in here"), t("Link the account"), t("Back where you came from")], 1)) }
        h1 { (say!("Link with {partner}", partner = html! { bdi { (partner) } })) }
        @if view.waits {
            p.lead { (say!("You come from {partner}, {host}, and are signed in here as {email}.",
                partner = html! { bdi { (partner) } }, host = host(&view.partner.url), email)) }
            section.card.asked {
                h2 { (t("What it means")) }
                ul {
                    li { (say!("Tokens that you exchange at {partner} arrive in your wallet at {vendor}.",
                        partner = html! { bdi { (partner) } }, vendor = html! { bdi { (vendor) } })) }
                    li { (say!("{partner} will know this account by a name that no other vendor has: neither your \
                        address nor your balance.", partner = html! { bdi { (partner) } })) }
                    li { (t("You can cut the link at any time, here and there.")) }
                }
                p { (say!("Go on only if you began this at {partner} yourself, a moment ago.",
                    partner = html! { bdi { (partner) } })) }
                form.choice method="post" action={ "/links/" (reference) } {
                    button type="submit" name="decision" value="approve" { (t("Link this account")) }
                    button.second type="submit" name="decision" value="decline" { (t("Decline")) }
                }
            }
            (as_another(&here))
        } @else {
            (notice(Tone::Warn, &html! {
                p role="status" { (say!("This was decided already, or has waited too long. Begin again at {partner}.",
                    partner = html! { bdi { (partner) } })) }
            }))
            p { a.button href=(view.partner.url) { span { (say!("To {partner}", partner = html! { bdi { (partner) } })) } } }
        }
    }
}
