//! The cards of an account: which one pays, adding one, and taking one away. Their numbers never come here: the
//! processor asks for them on a page of its own, from which the browser comes back.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderValue, header};
use maud::{Markup, html};
use scrip_domain::payment_method::PaymentMethod;
use serde::Deserialize;

use super::super::form::{Form, Nothing};
use super::super::look::{Tone, badge};
use super::super::private;
use super::super::visit::{Local, OwnAccounts, SignedIn};
use super::card_name;
use crate::App;
use crate::extract::{NamePath, Query, Source};
use crate::language::t;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/payment-method", post(choose))
        .route("/account/cards/new", post(add))
        .route("/account/cards/kept", get(kept))
        .route("/account/cards/{card}", get(ask).post(remove))
}

/// Where the browser goes afterwards.
#[derive(Debug, Deserialize)]
struct Then {
    #[serde(default)]
    next: Option<String>,
}

impl Then {
    fn local(&self) -> Local {
        let next = self.next.as_deref().and_then(Local::new);
        next.or_else(|| Local::new("/account#cards")).unwrap_or_default()
    }
}

#[derive(Debug, Deserialize)]
struct ChoiceForm {
    payment_method: String,
    #[serde(flatten)]
    then: Then,
}

/// The card that the account pays with when none is named.
async fn choose(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Form(form): Form<ChoiceForm>,
) -> Result<Response, Problem> {
    let name = Some(form.payment_method.clone()).filter(|name| !name.is_empty());
    let chosen = app.engine.choose_payment_method(visit.buyer, name).await?;
    chosen.map_err(|refusal| Problem::payment_method(&refusal))?;
    Ok(Redirect::to(form.then.local().as_str()).into_response())
}

/// Leads to the processor's page. By a header and a link: browsers would hold a redirection that answers a form
/// to what the form's page allows, and where a processor's pages stand is its own affair.
async fn add(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(then): Form<Then>,
) -> Result<Response, Problem> {
    let (home, next) = (app.engine.public_url(), then.local());
    let kept = format!("{home}{}", next.after("/account/cards/kept"));
    let left = format!("{home}{}", next.as_str());
    let page = app.engine.card_page(visit.buyer, kept, left, &source.0).await?;
    let page = page.map_err(|refusal| Problem::payment_method(&refusal))?;
    let main = html! {
        h1 { (t("Add a card")) }
        p.lead { (t("The number of your card is asked for by the company that charges it, on a page of its own: this \
            server never sees it. You come back here afterwards.")) }
        p { a.button href=(page) rel="noreferrer" { (t("Go on to that page")) } }
    };
    let mut response = private(&app, t("Add a card"), &visit.visit, &main);
    if let Ok(refresh) = HeaderValue::try_from(format!("0; url={page}")) {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    Ok(response)
}

/// Back from the processor's page.
async fn kept(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Query(then): Query<Then>,
) -> Result<Redirect, Problem> {
    let kept = app.engine.card_given(visit.buyer, &source.0).await?;
    kept.map_err(|refusal| Problem::payment_method(&refusal))?;
    Ok(Redirect::to(then.local().as_str()))
}

/// A card of one's own.
async fn own(app: &App, visit: &SignedIn, name: &str) -> Result<PaymentMethod, Problem> {
    let cards = app.engine.payment_methods(visit.buyer.account).await?;
    cards.into_iter().find(|card| card.name == name).ok_or_else(Problem::not_found)
}

async fn ask(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    NamePath(name): NamePath<String>,
) -> Result<Response, Problem> {
    let card = own(&app, &visit, &name).await?;
    let main = html! {
        p.trail { a href="/account#cards" { (t("Account")) } }
        h1 { (t("Remove a card")) }
        p.lead { (card_name(&card)) }
        p { (t("Nothing is paid with it any more. What is under way with it goes on, and an automatic top-up that \
            needs it stops.")) }
        form.choice method="post" action={ "/account/cards/" (name) } {
            button.danger type="submit" { (t("Remove")) }
            a.button.second href="/account#cards" { (t("Keep it")) }
        }
    };
    Ok(private(&app, t("Remove a card"), &visit.visit, &main))
}

async fn remove(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    NamePath(name): NamePath<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    // One that is gone already is removed.
    let _ = app.engine.remove_payment_method(visit.buyer, name).await?;
    Ok(Redirect::to("/account#cards"))
}

/// The part of the account's page about cards.
pub fn part(
    app: &App,
    cards: &[PaymentMethod],
    chosen: Option<&str>,
    next: Option<&str>,
) -> Markup {
    let takes_cards = app.engine.processor().is_some();
    html! {
        h2 #cards { (t("Cards")) }
        @if cards.is_empty() {
            p { @if takes_cards { (t("No card is kept with this account.")) } @else { (t("This vendor takes no cards.")) } }
        } @else {
            ul.items { @for card in cards { (item(card, chosen, next)) } }
        }
        @if takes_cards {
            form method="post" action="/account/cards/new" {
                @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                button.second type="submit" { (t("Add a card")) }
            }
        }
    }
}

fn item(card: &PaymentMethod, chosen: Option<&str>, next: Option<&str>) -> Markup {
    let pays = chosen == Some(card.name.as_str());
    html! {
        li {
            span { (card_name(card)) @if pays { " " (badge(Tone::Good, t("pays"))) } }
            div.row {
                @if !pays {
                    form method="post" action="/account/payment-method" {
                        input type="hidden" name="payment_method" value=(card.name);
                        @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                        button.plain type="submit" { (t("Pay with this one")) span.unseen { ": " (card_name(card)) } }
                    }
                }
                a href={ "/account/cards/" (card.name) } {
                    (t("Remove")) span.unseen { " " (card_name(card)) }
                }
            }
        }
    }
}
