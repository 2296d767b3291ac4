//! Verifying an address: the page that the link in the letter opens. Programs that look at links in mail press no button.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::html;
use serde::Deserialize;

use super::form::{Form, Nothing};
use super::private;
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
    let main = html! {
        h1 { (t("Verify your address")) }
        p { (t("Press the button, and you can buy with your account.")) }
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
    let account = app.engine.verify_address(&link.token).await??;
    let main = html! {
        h1 { (t("Your address is verified")) }
        p role="status" { (say!("{email} is yours.", email = account.email)) }
        p { a.button href="/products" { (t("Look at the products")) } }
    };
    Ok(private(&app, t("Your address is verified"), &visit, &main))
}

/// Sends the letter once more.
async fn again(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Form(_): Form<Nothing>,
) -> Result<Response, Problem> {
    app.engine.ask_verification(visit.buyer).await??;
    Ok(Redirect::to("/account").into_response())
}
