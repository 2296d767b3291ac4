//! The provider's page on which a buyer lets a merchant know them, and says what it may know.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header;
use maud::{Markup, html};
use scrip_engine::connection::{ConnectionView, Consent};
use serde::Deserialize;

use super::form::Form;
use super::look::{Tone, notice};
use super::pay::host;
use super::sign_in::as_another;
use super::visit::{Local, SignedIn};
use super::{leads_to, private};
use crate::App;
use crate::caller::AtProvider;
use crate::extract::NamePath;
use crate::language::{say, t, text};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/connect/{reference}", get(show).post(decide))
}

#[derive(Debug, Deserialize)]
struct Decision {
    decision: String,
    /// `funded` when the box was ticked.
    #[serde(default)]
    share: String,
}

async fn show(
    _: AtProvider,
    State(app): State<App>,
    visit: SignedIn,
    NamePath(reference): NamePath<String>,
) -> Result<Response, Problem> {
    let view = app.engine.connection(&reference, Some(visit.buyer)).await?;
    let view = view.map_err(Problem::from)?;
    let main = shown(&reference, &view, &visit.member.account.email);
    let title = text!("Sign in at {name}", name = view.merchant.name);
    let mut response = private(&app, &title, &visit.visit, &main);
    leads_to(&mut response, &view.connection.return_url);
    Ok(response)
}

async fn decide(
    _: AtProvider,
    State(app): State<App>,
    visit: SignedIn,
    NamePath(reference): NamePath<String>,
    Form(form): Form<Decision>,
) -> Result<Response, Problem> {
    let consent = match (form.decision.as_str(), form.share.as_str()) {
        ("approve", "funded") => Consent::ShareFunded,
        ("approve", _) => Consent::ShareNothing,
        ("decline", _) => Consent::Refuse,
        _ => return Err(Problem::field("decision", t("approve or decline"))),
    };
    let to = app.engine.decide_connection(visit.buyer, &reference, consent).await?;
    let to = to.map_err(Problem::from)?;
    let mut response = ([(header::CACHE_CONTROL, "no-store")], Redirect::to(&to)).into_response();
    leads_to(&mut response, &to);
    Ok(response)
}

/// What whoever deals with a merchant for the first time is to know of its letters.
pub fn may_write(merchant: &str) -> Markup {
    html! {
        (say!("{merchant} can write to you about what you buy there: its letters come through here, it never learns your address, and you can stop them at any time.",
            merchant = html! { bdi { (merchant) } }))
    }
}

fn shown(reference: &str, view: &ConnectionView, email: &str) -> Markup {
    let merchant = &view.merchant.name;
    let here = Local::new(&format!("/connect/{reference}")).unwrap_or_default();
    html! {
        h1 { (say!("Sign in at {merchant}", merchant = html! { bdi { (merchant) } })) }
        @if view.waits {
            p.lead { (say!("You come from {merchant}, {host}, and are signed in here as {email}.",
                merchant = html! { bdi { (merchant) } }, host = host(&view.merchant.url), email)) }
            section.card.asked {
                h2 { (say!("What {merchant} will know", merchant = html! { bdi { (merchant) } })) }
                ul {
                    li { (t("A name for you that no other merchant has, so that it knows you when you come again.")) }
                }
                p { (may_write(merchant)) }
                h2 { (t("What it will not know")) }
                ul {
                    li { (t("Your e-mail address, your name, and how much you have.")) }
                    li { (t("What you buy elsewhere.")) }
                }
                form method="post" action={ "/connect/" (reference) } {
                    fieldset {
                        legend { (t("Your choice")) }
                        label.option {
                            input type="checkbox" name="share" value="funded";
                            span { (say!("Also tell {merchant}, yes or no, whether my balance is enough to order there",
                                merchant = html! { bdi { (merchant) } })) }
                        }
                    }
                    div.choice {
                        button type="submit" name="decision" value="approve" { span { (say!("Sign in at {merchant}",
                            merchant = html! { bdi { (merchant) } })) } }
                        button.second type="submit" name="decision" value="decline" { (t("Decline")) }
                    }
                }
                p.small { (say!("You can end this at any time, under {link}.",
                    link = html! { a href="/account/merchants" { (t("Merchants that know you")) } })) }
            }
            (as_another(&here))
        } @else {
            (notice(Tone::Warn, &html! {
                p role="status" { (say!("This was decided already, or has waited too long. Begin again at {merchant}.",
                    merchant = html! { bdi { (merchant) } })) }
            }))
            p { a.button href=(view.merchant.url) { span { (say!("To {merchant}", merchant = html! { bdi { (merchant) } })) } } }
        }
    }
}
