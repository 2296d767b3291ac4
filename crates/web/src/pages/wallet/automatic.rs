//! What the wallet is topped up by itself: set, changed, switched off.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::Money;
use scrip_domain::auto_top_up::{AutoTopUp, Stopped};
use scrip_domain::payment_method::PaymentMethod;
use scrip_domain::settings::Token;
use scrip_engine::auto_top_up::{AutoAsk, AutoRefusal};
use serde::Deserialize;

use super::super::account::card_name;
use super::super::form::{Field, Form, Nothing, complaint, mistake};
use super::super::look::{Tone, blank, notice};
use super::super::private;
use super::super::refused::sentence;
use super::super::visit::{OwnAccounts, SignedIn};
use crate::App;
use crate::language::{t, text};
use crate::money::{MoneyOut, example, in_field, typed};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/wallet/automatic", get(ask).post(set))
        .route("/wallet/automatic/off", post(remove))
}

#[derive(Debug, Default, Deserialize)]
struct AutoForm {
    #[serde(default)]
    below: String,
    #[serde(default)]
    to: String,
    /// Blank for the card that the account pays with.
    #[serde(default)]
    payment_method: String,
    #[serde(default)]
    monthly_limit: String,
}

/// Why nothing more is tried.
pub fn stopped(why: Stopped) -> Markup {
    let text = match why {
        Stopped::Declined => t("Stopped: three in a row came to nothing. Set it anew to go on."),
        Stopped::PaymentMethod => t("Stopped: there is no card to pay with. Choose one to go on."),
        Stopped::Removed => t("Off."),
    };
    notice(Tone::Warn, &html! { p { (text) } })
}

async fn ask(_: OwnAccounts, State(app): State<App>, visit: SignedIn) -> Result<Response, Problem> {
    let auto = app.engine.store().auto_top_up(visit.buyer.account).await?;
    let auto = auto.filter(AutoTopUp::is_wanted);
    let scale = visit.visit.vendor.settings.token.scale;
    let form = auto.as_ref().map_or_else(AutoForm::default, |auto| AutoForm {
        below: in_field(auto.below, scale),
        to: in_field(auto.target, scale),
        payment_method: auto.payment_method.clone().unwrap_or_default(),
        monthly_limit: auto
            .monthly_limit
            .map_or_else(String::new, |limit| in_field(limit.amount, limit.unit.currency_scale())),
    });
    page(&app, &visit, &form, None).await
}

async fn set(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Form(form): Form<AutoForm>,
) -> Result<Response, Problem> {
    let problem = match read(&form, &visit.visit.vendor.settings.token) {
        Ok(ask) => match app.engine.set_auto_top_up(visit.buyer, ask).await? {
            Ok(_) => return Ok(Redirect::to("/wallet").into_response()),
            Err(AutoRefusal::NoCards) => {
                Problem::field("payment_method", t("this vendor takes no cards"))
            }
            Err(refusal) => Problem::from(refusal),
        },
        Err(problem) => problem,
    };
    let mut response = page(&app, &visit, &form, Some(&problem)).await?;
    *response.status_mut() = problem.status();
    Ok(response)
}

async fn remove(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    app.engine.remove_auto_top_up(visit.buyer).await?;
    Ok(Redirect::to("/wallet"))
}

/// What the form asks for, or which field is wrong.
fn read(form: &AutoForm, token: &Token) -> Result<AutoAsk, Problem> {
    let amount = |name: &str, text: &str, scale: u8| {
        let read = typed(text, scale);
        read.filter(|amount| !amount.is_zero()).ok_or_else(|| {
            Problem::field(
                name,
                text!("a number above zero, such as {example}", example = example(scale)),
            )
        })
    };
    let below = amount("below", &form.below, token.scale)?;
    let target = amount("to", &form.to, token.scale)?;
    if target <= below {
        return Err(Problem::field("to", t("more than that below which it is time")));
    }
    let unit = token.unit_value.money.unit;
    let monthly_limit = match form.monthly_limit.trim() {
        "" => None,
        text => Some(Money { amount: amount("monthly_limit", text, unit.currency_scale())?, unit }),
    };
    let payment_method = Some(form.payment_method.clone()).filter(|name| !name.is_empty());
    Ok(AutoAsk { below, target, payment_method, monthly_limit })
}

async fn page(
    app: &App,
    visit: &SignedIn,
    form: &AutoForm,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let auto = app.engine.store().auto_top_up(visit.buyer.account).await?;
    let auto = auto.filter(AutoTopUp::is_wanted);
    let cards = app.engine.payment_methods(visit.buyer.account).await?;
    let token = &visit.visit.vendor.settings.token;
    let main = html! {
        p.trail { a href="/wallet" { (t("Wallet")) } }
        h1 { (t("Automatic top-up")) }
        p.lead { (t("When a purchase leaves too little in your wallet, a card fills it up: one top-up at a time, at \
            most five a day.")) }
        @if let Some(why) = auto.as_ref().and_then(|auto| auto.stopped) { (stopped(why)) }
        @if cards.is_empty() {
            (blank(t("There is no card to pay with"), t("A card is needed for this. Keep one with your account first."),
                Some(("/account#cards", t("Go to your cards")))))
        } @else {
            (fields(form, &cards, token, problem))
        }
        @if auto.is_some() {
            form method="post" action="/wallet/automatic/off" {
                p { (t("It is on. A top-up that is under way goes on when you switch it off.")) }
                button.second type="submit" { (t("Switch it off")) }
            }
        }
    };
    Ok(private(app, t("Automatic top-up"), &visit.visit, &main))
}

fn fields(
    form: &AutoForm,
    cards: &[PaymentMethod],
    token: &Token,
    problem: Option<&Problem>,
) -> Markup {
    let error = |name: &str| problem.and_then(|problem| problem.error(name)).map(sentence);
    let [below, to, card, limit] = ["below", "to", "payment_method", "monthly_limit"].map(error);
    let whole = problem.filter(|problem| problem.errors().is_empty());
    let currency = token.unit_value.money.unit;
    let in_currency = text!("In {currency}. Optional.", currency);
    html! {
        @if let Some(problem) = whole { (complaint(&sentence(problem.detail()))) }
        form.narrow method="post" action="/wallet/automatic" {
            (Field { name: "below", label: &text!("When less than this is left ({code})", code = token.code), kind: "text",
                value: &form.below, autocomplete: "off", required: true, hint: None, error: below.as_deref() })
            (Field { name: "to", label: &text!("Fill up to ({code})", code = token.code), kind: "text", value: &form.to,
                autocomplete: "off", required: true, hint: Some(&value_of(&form.to, token)), error: to.as_deref() })
            fieldset aria-describedby=[card.as_ref().map(|_| "payment_method-error")] {
                legend { (t("Pay with")) }
                label.option {
                    input type="radio" name="payment_method" value="" checked[form.payment_method.is_empty()];
                    span { (t("The card of the account, whichever that is then")) }
                }
                @for each in cards {
                    label.option {
                        input type="radio" name="payment_method" value=(each.name) checked[form.payment_method == each.name];
                        span { (card_name(each)) }
                    }
                }
                @if let Some(text) = &card { (mistake(Some("payment_method-error"), text)) }
            }
            (Field { name: "monthly_limit", label: t("At most in 30 days"), kind: "text", value: &form.monthly_limit,
                autocomplete: "off", required: false, hint: Some(&in_currency), error: limit.as_deref() })
            button type="submit" { (t("Save")) }
        }
    }
}

/// What the tokens are worth that were typed, or what one is.
fn value_of(tokens: &str, token: &Token) -> String {
    let typed = typed(tokens, token.scale).filter(|amount| !amount.is_zero());
    let of = typed.unwrap_or(token.unit_value.tokens);
    let money = token.unit_value.price_of(of).map(MoneyOut::currency);
    let money = money.map_or_else(String::new, |money| money.to_string());
    text!("Price: {money} for {tokens}.", tokens = MoneyOut::tokens(of, token), money)
}
