//! The demo's bank: where a buyer is sent who adds a card, or whom the bank wants to see, and says yes or no. In
//! demo mode only; nothing is paid here, and nobody is asked for a secret.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderValue, header};
use maud::{Markup, html};
use scrip_engine::Mode;
use scrip_engine::processor::demo::{Answer, DemoProcessor, Question};
use scrip_engine::processor::{CardAsk, MethodName, PaymentName, PaymentState};
use serde::Deserialize;

use super::form::Form;
use super::page;
use crate::App;
use crate::Server;
use crate::extract::NamePath;
use crate::language::{key, t};
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/demo/bank/{payment}", get(ask).post(answer))
        .route("/demo/bank/cards/{page}", get(ask_for_card).post(give_card))
}

/// The cards of the demo, and what each is for.
const CARDS: [(&str, &str); 5] = [
    ("demo_approved", key("is approved")),
    ("demo_declined", key("is declined")),
    ("demo_review", key("is looked at by a person")),
    ("demo_action", key("asks at the bank first")),
    ("demo_disputed", key("is disputed afterwards")),
];

fn bank(app: &Server) -> Result<&DemoProcessor, Problem> {
    let demo = app.engine.mode() == Mode::Demo;
    let bank = app.engine.processor().filter(|_| demo).and_then(|known| known.demo_bank());
    bank.ok_or_else(Problem::not_found)
}

/// The payment of that name.
fn asked(bank: &DemoProcessor, name: String) -> Result<(PaymentName, Question), Problem> {
    let name = PaymentName::new(name).ok_or_else(Problem::not_found)?;
    let question = bank.question(&name).ok_or_else(Problem::not_found)?;
    Ok((name, question))
}

/// A page for one browser's eyes.
async fn shown(app: &App, title: &str, main: &Markup) -> Result<Response, Problem> {
    let private = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(([private], page(app, title, main).await?).into_response())
}

async fn ask(
    State(app): State<App>,
    NamePath(name): NamePath<String>,
) -> Result<Response, Problem> {
    let (name, question) = asked(bank(&app)?, name)?;
    shown(&app, t("Is this you?"), &payment(&name, &question)).await
}

/// Hears the buyer, tells the shop as a message of the processor would, and sends the browser back.
async fn answer(
    State(app): State<App>,
    NamePath(name): NamePath<String>,
    form: Bytes,
) -> Result<Redirect, Problem> {
    let bank = bank(&app)?;
    let (name, question) = asked(bank, name)?;
    let word = match form.as_ref() {
        b"answer=approve" => Answer::Passed,
        b"answer=refuse" => Answer::Missed,
        _ => return Err(Problem::field("answer", "approve or refuse")),
    };
    // A second answer changes nothing, and ends in the same place.
    if bank.answer(&name, word).is_err() {
        return Err(Problem::not_found());
    }
    app.engine.look_at(&name).await?;
    Ok(Redirect::to(&question.return_url))
}

fn payment(name: &PaymentName, question: &Question) -> Markup {
    let waits = matches!(question.payment.state, PaymentState::RequiresAction(_));
    html! {
        h1 { (t("Is this you?")) }
        p.lead {
            (t("This is the bank of the demo. It asks as a real one would before it lets a card be charged. No money \
                moves, whatever you say."))
        }
        dl.facts {
            dt { (t("For")) }
            dd { (question.description) }
            dt { (t("Amount")) }
            dd { (MoneyOut::currency(question.payment.money)) }
        }
        @if waits {
            form.choice method="post" action={ "/demo/bank/" (name) } {
                button type="submit" name="answer" value="approve" { (t("Approve the payment")) }
                button.second type="submit" name="answer" value="refuse" { (t("Refuse it")) }
            }
        } @else {
            p { (t("This was answered already.")) " " a href=(question.return_url) { (t("Back to the shop")) } "." }
        }
    }
}

#[derive(Debug, Deserialize)]
struct CardForm {
    card: String,
}

async fn ask_for_card(
    State(app): State<App>,
    NamePath(name): NamePath<String>,
) -> Result<Response, Problem> {
    let asked = bank(&app)?.asked_card(&name).ok_or_else(Problem::not_found)?;
    shown(&app, t("A card of the demo"), &cards(&name, &asked)).await
}

/// Keeps the card with the processor, as a real one would, and sends the browser back to the shop.
async fn give_card(
    State(app): State<App>,
    NamePath(name): NamePath<String>,
    Form(form): Form<CardForm>,
) -> Result<Redirect, Problem> {
    let bank = bank(&app)?;
    let asked = bank.asked_card(&name).ok_or_else(Problem::not_found)?;
    let given = MethodName::new(form.card).map(|card| bank.give_card(&name, card));
    if !matches!(given, Some(Ok(()))) {
        return Err(Problem::field("card", t("choose one of the demo's cards")));
    }
    Ok(Redirect::to(&asked.kept_url))
}

fn cards(name: &str, asked: &CardAsk) -> Markup {
    html! {
        h1 { (t("A card of the demo")) }
        p.lead {
            (t("A real shop's buyers type the number of their card on a page of the company that charges it. This one \
                is the demo's: choose what becomes of a payment with the card. No money moves."))
        }
        form.narrow method="post" action={ "/demo/bank/cards/" (name) } {
            fieldset {
                legend { (t("A card that")) }
                @for (place, (card, what)) in CARDS.into_iter().enumerate() {
                    label.pick.line {
                        input type="radio" name="card" value=(card) checked[place == 0];
                        span { (t(what)) }
                    }
                }
            }
            div.choice {
                button type="submit" { (t("Keep it")) }
                a.button.second href=(asked.left_url) { (t("Back without a card")) }
            }
        }
    }
}
