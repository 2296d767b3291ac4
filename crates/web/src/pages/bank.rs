//! The demo's bank: where a buyer is sent whom the bank wants to see, and says yes or no. In demo mode only;
//! nothing is paid here, and nobody is asked for a secret.

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderValue, header};
use maud::{Markup, html};
use scrip_engine::Mode;
use scrip_engine::processor::demo::{Answer, DemoProcessor, Question};
use scrip_engine::processor::{PaymentName, PaymentState};

use super::{page, protect_form};
use crate::App;
use crate::Server;
use crate::extract::NamePath;
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/demo/bank/{payment}", get(ask).post(answer)).layer(from_fn(protect_form))
}

/// The bank, and the payment of that name.
fn bank(app: &Server, name: String) -> Result<(&DemoProcessor, PaymentName, Question), Problem> {
    let demo = app.engine.mode() == Mode::Demo;
    let bank = app.engine.processor().filter(|_| demo).and_then(|known| known.demo_bank());
    let (Some(bank), Some(name)) = (bank, PaymentName::new(name)) else {
        return Err(Problem::not_found());
    };
    let question = bank.question(&name).ok_or_else(Problem::not_found)?;
    Ok((bank, name, question))
}

async fn ask(
    State(app): State<App>,
    NamePath(name): NamePath<String>,
) -> Result<Response, Problem> {
    let (_, name, question) = bank(&app, name)?;
    let page = page(&app, "Is this you?", &shown(&name, &question)).await?;
    let private = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(([private], page).into_response())
}

/// Hears the buyer, tells the shop as a message of the processor would, and sends the browser back.
async fn answer(
    State(app): State<App>,
    NamePath(name): NamePath<String>,
    form: Bytes,
) -> Result<Redirect, Problem> {
    let (bank, name, question) = bank(&app, name)?;
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

fn shown(name: &PaymentName, question: &Question) -> Markup {
    let waits = matches!(question.payment.state, PaymentState::RequiresAction(_));
    html! {
        h1 { "Is this you?" }
        p.lead {
            "This is the bank of the demo. It asks as a real one would before it lets a card be charged. "
            "No money moves, whatever you say."
        }
        dl.facts {
            dt { "For" }
            dd { (question.description) }
            dt { "Amount" }
            dd { (MoneyOut::currency(question.payment.money)) }
        }
        @if waits {
            form.choice method="post" action={ "/demo/bank/" (name) } {
                button type="submit" name="answer" value="approve" { "Approve the payment" }
                button.second type="submit" name="answer" value="refuse" { "Refuse it" }
            }
        } @else {
            p { "This was answered already. " a href=(question.return_url) { "Back to the shop" } "." }
        }
    }
}
