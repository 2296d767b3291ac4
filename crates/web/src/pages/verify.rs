//! Verifying an address: the page that the link in the letter opens. Programs that look at links in mail press no button.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use maud::html;
use serde::Deserialize;

use super::form::Form;
use super::private;
use super::sign_in::Next;
use super::visit::{OwnAccounts, SignedIn, Visit};
use crate::App;
use crate::extract::Query;
use crate::language::{say, t};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/verify", get(ask).post(verify)).route("/verify/again", post(again))
}

/// What a link carries.
#[derive(Debug, Deserialize)]
pub struct Link {
    /// The secret.
    #[serde(default)]
    pub token: String,
}

async fn ask(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let is_new = app.engine.is_for_new_email(&link.token).await?;
    let main = html! {
        h1 { (t("Verify your address")) }
        @if is_new {
            p { (t("Press the button, and your account has this address in the place of the old one. Whoever is signed in elsewhere is signed out then.")) }
        } @else {
            p { (t("Press the button, and you can buy with your account.")) }
        }
        form.narrow method="post" action="/verify" {
            input type="hidden" name="token" value=(link.token);
            button type="submit" { (t("Verify my address")) }
        }
    };
    Ok(private(&app, t("Verify your address"), &visit, &main))
}

async fn verify(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    Form(link): Form<Link>,
) -> Result<Response, Problem> {
    let account = app.engine.verify_address(&link.token, visit.token()).await??;
    let main = html! {
        h1 { (t("Your address is verified")) }
        p role="status" { (say!("{email} is yours.", email = html! { bdi { (account.email) } })) }
        p { a.button href="/products" { (t("Look at the products")) } }
    };
    Ok(private(&app, t("Your address is verified"), &visit, &main))
}

/// Sends the letter once more.
async fn again(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Form(next): Form<Next>,
) -> Result<Response, Problem> {
    app.engine.ask_verification(visit.buyer).await??;
    let next = next.given();
    let next = next.as_ref().map_or("/account", |next| next.as_str());
    let main = html! {
        h1 { (t("The letter is on its way")) }
        p.lead role="status" { (say!("Open the link that it has. It went to {email}.",
            email = html! { bdi { (visit.member.account.email) } })) }
        p { a.button href=(next) { (t("I have opened it")) } }
    };
    Ok(private(&app, t("The letter is on its way"), &visit.visit, &main))
}
