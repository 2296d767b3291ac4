//! Adding funds: the form, and how a top-up stands.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::Amount;
use scrip_domain::payment_method::PaymentMethod;
use scrip_domain::request::Request;
use scrip_domain::sale::{Sale, Wish};
use scrip_domain::settings::{Settings, Token};
use scrip_domain::top_up::{Action, TopUp, TopUpState};
use scrip_engine::Mode;
use scrip_engine::purchase::Answered;
use scrip_engine::top_up::{TopUpAsk, TopUpRefusal, Way};
use serde::Deserialize;

use super::account::card_name;
use super::form::{Field, Form, complaint};
use super::refused::sentence;
use super::sign_in::Next;
use super::visit::{Local, OwnAccounts, SignedIn};
use super::{chance, private, private_again_in};
use crate::App;
use crate::extract::{IdPath, Query, Source};
use crate::money::MoneyOut;
use crate::problem::Problem;
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/wallet/top-up", get(ask).post(add))
        .route("/wallet/top-ups/{id}", get(show))
}

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    /// How many tokens, as people write it.
    #[serde(default)]
    tokens: String,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct AddForm {
    #[serde(default)]
    tokens: String,
    /// `card:pm_…`, `offline`, `voucher`, `credit_line`, `demo:demo_approved`.
    #[serde(default)]
    way: String,
    #[serde(default)]
    voucher: String,
    #[serde(default)]
    next: Option<String>,
    /// Chance: the same form sent twice adds funds once.
    #[serde(default)]
    key: String,
}

/// What there is to pay with.
struct Ways {
    cards: Vec<PaymentMethod>,
    chosen: Option<String>,
    offline: bool,
    credit_line: bool,
    demo: bool,
}

async fn ask(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let form = AddForm { tokens: wanted.tokens, next: wanted.next, ..AddForm::default() };
    page(&app, &visit, &form, None).await
}

async fn add(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(form): Form<AddForm>,
) -> Result<Response, Problem> {
    let problem = match top_up(&app, &visit, &source, &form).await? {
        Ok(top_up) => {
            let next = form.next.as_deref().and_then(Local::new);
            let here = Local::new(&format!("/wallet/top-ups/{}", top_up.id)).unwrap_or_default();
            let to = match (top_up.state, next) {
                (TopUpState::Credited, next) => next.unwrap_or_default().as_str().to_owned(),
                (_, Some(next)) => next.after(here.as_str()),
                (_, None) => here.as_str().to_owned(),
            };
            return Ok(Redirect::to(&to).into_response());
        }
        Err(problem) => problem,
    };
    let mut response = page(&app, &visit, &form, Some(&problem)).await?;
    *response.status_mut() = problem.status();
    Ok(response)
}

/// Does what the form asks for.
async fn top_up(
    app: &App,
    visit: &SignedIn,
    source: &Source,
    form: &AddForm,
) -> Result<Result<TopUp, Problem>, Problem> {
    let settings = &visit.visit.vendor.settings;
    let what = format!("{} {} {}", form.tokens.trim(), form.way, form.voucher.trim());
    let request = Request::new(&form.key, what.as_bytes(), request_id::current());
    let answer = if form.way == "voucher" {
        app.engine.redeem_voucher(visit.buyer, &form.voucher, &source.0, request).await?
    } else {
        let (ask, way) = (wish(&form.tokens, settings), way(&form.way));
        let (Sale { tokens, pay }, way) = match (ask, way) {
            (Ok(sale), Some(way)) => (sale, way),
            (Err(problem), _) => return Ok(Err(problem)),
            (_, None) => return Ok(Err(Problem::field("way", "choose how to pay"))),
        };
        let ask = TopUpAsk { tokens, pay: Some(pay), way };
        app.engine.top_up(visit.buyer, ask, request).await?
    };
    Ok(match answer {
        Ok(Answered::First(top_up) | Answered::Replayed(top_up)) => Ok(top_up),
        Err(TopUpRefusal::Declined { .. }) => {
            let detail = "this was not approved; nothing was charged";
            Err(Problem::new(&crate::problem::kind::CREDIT_DECLINED, detail))
        }
        Err(refusal) => Err(Problem::top_up(&refusal, || serde_json::Value::Null)),
    })
}

fn way(text: &str) -> Option<Way> {
    let (method, name) = text.split_once(':').unwrap_or((text, ""));
    let payment_method = Some(name.to_owned()).filter(|name| !name.is_empty());
    Some(match method {
        "card" => Way::Card { payment_method },
        "demo" => Way::Demo { payment_method },
        "offline" => Way::Offline,
        "credit_line" => Way::CreditLine,
        _ => return None,
    })
}

/// So many tokens as somebody wrote, and what they cost.
fn wish(text: &str, settings: &Settings) -> Result<Sale, Problem> {
    let token = &settings.token;
    let text = text.trim().replace(',', ".");
    let tokens = Amount::parse_decimal(&text, token.scale).ok_or_else(|| {
        let example = Amount::new(1250).unwrap_or_default().decimal(token.scale);
        Problem::field("tokens", format!("a number of {}, such as {example}", token.code))
    })?;
    let wish = Wish::Tokens(tokens, None);
    settings.sale(wish).map_err(|why| Problem::no_sale(why, wish, settings))
}

async fn ways(app: &App, visit: &SignedIn) -> Result<Ways, Problem> {
    let engine = &app.engine;
    let cards = match engine.processor() {
        Some(_) => engine.payment_methods(visit.buyer.account).await?,
        None => Vec::new(),
    };
    Ok(Ways {
        cards,
        chosen: visit.member.account.person.payment_method.clone(),
        offline: !visit.visit.vendor.settings.offline_instructions.is_empty(),
        credit_line: engine.store().credit_line(visit.buyer.account).await?.is_some(),
        demo: engine.mode() == Mode::Demo,
    })
}

async fn page(
    app: &App,
    visit: &SignedIn,
    form: &AddForm,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let settings = &visit.visit.vendor.settings;
    let ways = ways(app, visit).await?;
    // A form that was refused may be sent again, as another one.
    let key = chance(app);
    let error = |name: &str| problem.and_then(|problem| problem.error(name));
    let about_tokens = error("tokens").or_else(|| error("tokens.amount"));
    let elsewhere = problem.filter(|_| about_tokens.is_none());
    let price = settings.token.unit_value;
    let (tokens, money) =
        (MoneyOut::tokens(price.tokens, &settings.token), MoneyOut::currency(price.money));
    let main = html! {
        h1 { "Add funds" }
        p.lead { "You have " (MoneyOut::tokens(visit.member.available, &settings.token)) ". "
            (tokens) " cost " (money) "." }
        @if let Some(problem) = elsewhere { (complaint(&sentence(problem.detail()))) }
        form.narrow method="post" action="/wallet/top-up" {
            input type="hidden" name="key" value=(key);
            @if let Some(next) = &form.next { input type="hidden" name="next" value=(next); }
            (Field { name: "tokens", label: &format!("How many {}?", settings.token.name), kind: "text",
                value: &form.tokens, autocomplete: "off", required: false, hint: cost(&form.tokens, settings).as_deref(),
                error: about_tokens })
            (choice(&ways, &form.way))
            button type="submit" { "Add funds" }
        }
    };
    Ok(private(app, "Add funds", &visit.visit, &main))
}

/// What the tokens cost that the form begins with.
fn cost(tokens: &str, settings: &Settings) -> Option<String> {
    let sale = wish(tokens, settings).ok()?;
    let tokens = MoneyOut::tokens(sale.tokens, &settings.token);
    Some(format!("{tokens} cost {}.", MoneyOut::currency(sale.pay)))
}

/// How to pay.
fn choice(ways: &Ways, before: &str) -> Markup {
    let mut all: Vec<(String, String)> = Vec::new();
    all.extend(ways.cards.iter().map(|card| (format!("card:{}", card.name), card_name(card))));
    if ways.demo {
        all.push(("demo:demo_approved".into(), "Demo: approved at once".into()));
        all.push(("demo:demo_declined".into(), "Demo: declined".into()));
        all.push(("demo:demo_review".into(), "Demo: a person looks at it first".into()));
    }
    if ways.offline {
        all.push(("offline".into(), "Bank transfer or cheque".into()));
    }
    if ways.credit_line {
        all.push(("credit_line".into(), "On your credit line".into()));
    }
    let chosen = ways.chosen.as_ref().map(|name| format!("card:{name}"));
    let chosen = chosen.filter(|chosen| all.iter().any(|(way, _)| way == chosen));
    let first = all.first().map_or("voucher", |(way, _)| way.as_str()).to_owned();
    let before = Some(before.to_owned()).filter(|before| !before.is_empty());
    let checked = before.or(chosen).unwrap_or(first);
    html! {
        fieldset {
            legend { "Pay with" }
            @for (way, name) in &all {
                label.option { input type="radio" name="way" value=(way) checked[*way == checked]; span { (name) } }
            }
            label.option {
                input type="radio" name="way" value="voucher" checked[checked == "voucher"];
                span { "A voucher, which says itself how much it brings" }
            }
            (Field { name: "voucher", label: "Code of the voucher", kind: "text", value: "", autocomplete: "off",
                required: false, hint: None, error: None })
        }
    }
}

/// How a top-up stands; while it is on its way the page looks again by itself.
async fn show(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<TopUp>,
    Query(next): Query<Next>,
) -> Result<Response, Problem> {
    let top_up = app.engine.store().top_up(id).await?;
    let top_up = top_up.filter(|top_up| top_up.account == visit.buyer.account);
    let top_up = top_up.ok_or_else(Problem::not_found)?;
    let next = next.given();
    if let (TopUpState::Credited, Some(next)) = (top_up.state, &next) {
        return Ok(Redirect::to(next.as_str()).into_response());
    }
    let main = shown(&top_up, &visit.visit.vendor.settings.token, next.as_ref());
    let title = "Adding funds";
    if moves_by_itself(top_up.state) {
        Ok(private_again_in(&app, title, &visit.visit, 3, &main))
    } else {
        Ok(private(&app, title, &visit.visit, &main))
    }
}

fn moves_by_itself(state: TopUpState) -> bool {
    matches!(
        state,
        TopUpState::Assessing
            | TopUpState::Authorizing
            | TopUpState::Authorized
            | TopUpState::Capturing
            | TopUpState::Unknown
    )
}

fn shown(top_up: &TopUp, token: &Token, next: Option<&Local>) -> Markup {
    html! {
        h1 { "Adding funds" }
        dl.facts {
            dt { "Tokens" } dd { (MoneyOut::tokens(top_up.tokens, token)) }
            @if let Some(pay) = top_up.pay { dt { "For" } dd { (MoneyOut::currency(pay)) } }
        }
        p role="status" { (told(top_up.state)) }
        @if top_up.state == TopUpState::RequiresAction { (action(top_up)) }
        p { a href=(next.map_or("/wallet", Local::as_str)) { "Go on" } }
    }
}

fn told(state: TopUpState) -> &'static str {
    match state {
        TopUpState::Assessing
        | TopUpState::Authorizing
        | TopUpState::Authorized
        | TopUpState::Capturing => "This is on its way. This page looks again by itself.",
        TopUpState::Unknown => {
            "The payment processor gives no answer at the moment. It is asked again until it does; nothing is \
             charged twice."
        }
        TopUpState::RequiresAction => "One thing is left for you to do.",
        TopUpState::InReview => "A person looks at this first. You need not wait here.",
        TopUpState::Credited => "The tokens are in your wallet.",
        TopUpState::Declined => "This was not approved. Nothing was charged.",
        TopUpState::Failed => "The payment did not succeed. Nothing was charged.",
        TopUpState::Cancelled => "This was cancelled. Nothing was charged.",
        TopUpState::Refunded => "The money went back.",
        TopUpState::Disputed => "Your bank disputes this payment.",
        TopUpState::DisputeWon => "The tokens are in your wallet; the dispute is over.",
        TopUpState::DisputeLost => "Your bank took the money back.",
    }
}

/// What is left for the buyer to do.
fn action(top_up: &TopUp) -> Markup {
    if let (Some(due), Some(left)) = (&top_up.due, top_up.left()) {
        return html! {
            dl.facts {
                dt { "Send" } dd { (MoneyOut::currency(left)) }
                dt { "With the reference" } dd { code { (due.reference) } }
            }
            p.pre { (due.instructions) }
        };
    }
    match top_up.payment.as_ref().and_then(|payment| payment.action.clone()) {
        Some(Action::Redirect { url }) => html! {
            p { a.button href=(url) rel="noreferrer" { "Go on at your bank" } }
        },
        Some(Action::Confirm { .. }) => html! {
            p { "Your bank wants to see you: open this purchase in the vendor's app to answer it." }
        },
        None => Markup::default(),
    }
}
