//! The cards of an account: which one pays, and taking one away. Their numbers never come here.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::payment_method::PaymentMethod;
use scrip_engine::Mode;
use scrip_engine::processor::MethodName;
use serde::Deserialize;

use super::super::form::{Form, Nothing};
use super::super::look::{Tone, badge};
use super::super::private;
use super::super::visit::{Local, OwnAccounts, SignedIn};
use super::card_name;
use crate::App;
use crate::extract::{NamePath, Source};
use crate::language::{key, t};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/payment-method", post(choose))
        .route("/account/cards", post(keep))
        .route("/account/cards/{card}", get(ask).post(remove))
}

/// The cards of the demo, and what each is for.
const DEMO: [(&str, &str); 5] = [
    ("demo_approved", key("is approved")),
    ("demo_declined", key("is declined")),
    ("demo_review", key("is looked at by a person")),
    ("demo_action", key("asks at the bank first")),
    ("demo_disputed", key("is disputed afterwards")),
];

#[derive(Debug, Deserialize)]
struct ChoiceForm {
    payment_method: String,
    #[serde(default)]
    next: Option<String>,
}

impl ChoiceForm {
    fn then(&self) -> String {
        let next = self.next.as_deref().and_then(Local::new);
        next.map_or_else(|| "/account#cards".to_owned(), |next| next.as_str().to_owned())
    }
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
    Ok(Redirect::to(&form.then()).into_response())
}

/// Keeps a card of the demo. Real ones come from their processor's own form.
async fn keep(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(form): Form<ChoiceForm>,
) -> Result<Response, Problem> {
    let is_demo = app.engine.mode() == Mode::Demo
        && DEMO.iter().any(|(name, _)| *name == form.payment_method);
    let name = MethodName::new(&form.payment_method).filter(|_| is_demo);
    let name =
        name.ok_or_else(|| Problem::field("payment_method", t("choose one of the demo's cards")))?;
    let kept = app.engine.attach_payment_method(visit.buyer, &name, &source.0).await?;
    kept.map_err(|refusal| Problem::payment_method(&refusal))?;
    Ok(Redirect::to(&form.then()).into_response())
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
        @if app.engine.mode() == Mode::Demo && takes_cards { (demo(next)) }
        @else if takes_cards {
            p.hint { (t("Cards are added where their processor asks for the number itself, such as in the vendor's \
                app: this server never sees it.")) }
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

fn demo(next: Option<&str>) -> Markup {
    html! {
        details {
            summary { (t("Keep a card of the demo")) }
            form.narrow method="post" action="/account/cards" {
                @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                div.field {
                    label for="payment_method" { (t("A card that")) }
                    select id="payment_method" name="payment_method" {
                        @for (name, text) in DEMO { option value=(name) { (t(text)) } }
                    }
                }
                button.second type="submit" { (t("Keep it")) }
            }
        }
    }
}
