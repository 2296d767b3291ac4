//! The merchants that know a buyer of this provider's: what each may know, since when, whether its letters come, and ending it.
//!
//! ```text
//! (nothing) ──sign in, or buy, at a merchant──▶ known, its letters come ──disconnect──▶ (nothing)
//!                                                  │ ▲
//!                                                  ▼ │ mute, and back
//!                                               known, no letter comes
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::connection::MerchantSubject;
use scrip_domain::merchant::Merchant;
use serde::Deserialize;

use super::form::{Form, Nothing};
use super::look::{Tone, badge, blank};
use super::pay::host;
use super::visit::SignedIn;
use super::{date, private};
use crate::App;
use crate::caller::AtProvider;
use crate::extract::IdPath;
use crate::language::{say, t};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/merchants", get(list))
        .route("/account/merchants/{id}/letters", post(letters))
        .route("/account/merchants/{id}/disconnect", get(ask).post(disconnect))
}

async fn list(_: AtProvider, State(app): State<App>, visit: SignedIn) -> Result<Response, Problem> {
    let known = app.engine.merchants_knowing(visit.buyer.account).await?;
    let main = html! {
        p.trail { a href="/account" { (t("Account")) } }
        h1 { (t("Merchants that know you")) }
        @if known.is_empty() {
            (blank(t("No merchant knows you"),
                t("When you sign in at a merchant with this account, or buy there, it is listed here with what you share."),
                Some(("/wallet", t("Your wallet")))))
        } @else {
            p.lead { (t("Each knows you by a name of its own, and cannot tell from it who you are elsewhere.")) }
            ul.known { @for (row, merchant) in &known { (entry(row, merchant)) } }
        }
    };
    Ok(private(&app, t("Merchants that know you"), &visit.visit, &main))
}

fn entry(row: &MerchantSubject, merchant: &Merchant) -> Markup {
    html! {
        li {
            div {
                h2 { bdi { (merchant.name) } }
                p.small { a href=(merchant.url) { (host(&merchant.url)) } }
                p.small { (say!("Since {date}", date = date(row.at))) }
                p {
                    @if row.share_funded { (badge(Tone::Info, t("Knows whether your balance is enough"))) }
                    @else { (badge(Tone::Good, t("Knows nothing of your balance"))) }
                }
                (letters_of(row, merchant))
            }
            a.button.second href={ "/account/merchants/" (merchant.id) "/disconnect" } {
                (t("Disconnect")) span.unseen { " " (merchant.name) }
            }
        }
    }
}

/// Whether its letters come, and the way to change that.
fn letters_of(row: &MerchantSubject, merchant: &Merchant) -> Markup {
    let (state, wish, act) = if row.muted {
        (t("You get no letters of it."), "come", t("Get its letters"))
    } else {
        let state =
            t("Its letters about what you buy there come to your address, which it does not know.");
        (state, "stay_away", t("Stop its letters"))
    };
    html! {
        form.choice method="post" action={ "/account/merchants/" (merchant.id) "/letters" } {
            p { (state) }
            button.second type="submit" name="letters" value=(wish) {
                (act) span.unseen { " " (merchant.name) }
            }
        }
    }
}

/// What a buyer wishes of a merchant's letters.
#[derive(Debug, Deserialize)]
struct Wish {
    /// `come` or `stay_away`.
    letters: String,
}

async fn letters(
    _: AtProvider,
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<Merchant>,
    Form(Wish { letters }): Form<Wish>,
) -> Result<Response, Problem> {
    let muted = match letters.as_str() {
        "come" => false,
        "stay_away" => true,
        _ => return Err(Problem::field("letters", t("come or stay_away"))),
    };
    if !app.engine.mute(visit.buyer, id, muted).await? {
        return Err(Problem::not_found());
    }
    Ok(Redirect::to("/account/merchants").into_response())
}

async fn ask(
    _: AtProvider,
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<Merchant>,
) -> Result<Response, Problem> {
    let known = app.engine.merchants_knowing(visit.buyer.account).await?;
    let (_, merchant) =
        known.into_iter().find(|(row, _)| row.merchant == id).ok_or_else(Problem::not_found)?;
    let main = html! {
        p.trail { a href="/account" { (t("Account")) } " › " a href="/account/merchants" { (t("Merchants that know you")) } }
        h1 { (say!("Disconnect {name}?", name = html! { bdi { (merchant.name) } })) }
        p.lead { (t("It learns nothing more of you from here, and its letters do not come any more.")) }
        ul {
            li { (t("What you bought there stays yours, and so do orders that are under way.")) }
            li { (t("Where you are signed in there, you stay so until you sign out.")) }
            li { (t("If you sign in or buy there again, it knows you by the same name.")) }
        }
        form.choice method="post" action={ "/account/merchants/" (id) "/disconnect" } {
            button.danger type="submit" { (t("Disconnect")) }
            a.button.second href="/account/merchants" { (t("Not now")) }
        }
    };
    Ok(private(&app, t("Disconnect a merchant"), &visit.visit, &main))
}

async fn disconnect(
    _: AtProvider,
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<Merchant>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    app.engine.disconnect(visit.buyer, id).await?;
    Ok(Redirect::to("/account/merchants").into_response())
}
