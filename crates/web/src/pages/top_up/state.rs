//! How a top-up stands, and what its buyer can do next; and all of them.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::settings::{Settings, Token};
use scrip_domain::top_up::{Action, TopUp, TopUpMethod, TopUpState};
use scrip_domain::{Amount, Money};
use serde::Deserialize;

use super::super::form::{Field, Form, complaint};
use super::super::look::{Tone, badge, blank, copy};
use super::super::refused::sentence;
use super::super::sign_in::Next;
use super::super::visit::{Local, OwnAccounts, SignedIn};
use super::super::{date, private, private_with_script};
use super::{address, private_again_in};
use crate::App;
use crate::api::{List, ListQuery};
use crate::extract::{IdPath, Query};
use crate::language::{say, t};
use crate::money::MoneyOut;
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/wallet/top-ups", get(list))
        .route("/wallet/top-ups/{id}", get(show))
        .route("/wallet/top-ups/{id}/cancel", post(cancel))
        .route("/wallet/top-ups/{id}/appeal", post(appeal))
}

/// All of them, the newest first.
async fn list(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let engine = &app.engine;
    let page = query.page(engine, "top-ups")?;
    let rows = engine.store().top_ups_of(visit.buyer.account, page).await?;
    let token = &visit.visit.vendor.settings.token;
    let show = |row: &TopUp| row_of(row, token);
    let list = List::of(engine, "top-ups", page, &rows, |row| row.id.number(), show);
    let main = html! {
        p.trail { a href="/wallet" { (t("Wallet")) } }
        h1 { (t("What you added")) }
        @if list.data.is_empty() && page.after.is_none() {
            (blank(t("Nothing yet"), t("What you add to your wallet is listed here."), Some(("/wallet/top-up", t("Add funds")))))
        } @else {
            table.history {
                caption.unseen { (t("Top-ups, the newest first")) }
                thead { tr {
                    th scope="col" { (t("When")) } th scope="col" { (t("How")) } th scope="col" { (t("State")) }
                    th.sum scope="col" { (t("Tokens")) }
                } }
                tbody { @for row in &list.data { (row) } }
            }
            @if let Some(next) = &list.next {
                @let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
                nav.pager aria-label=(t("More top-ups")) { a.button.second href={ "/wallet/top-ups?after=" (next) } { (t("Older")) } }
            }
        }
    };
    Ok(private(&app, t("What you added"), &visit.visit, &main))
}

fn row_of(top_up: &TopUp, token: &Token) -> Markup {
    let (tone, word) = word(top_up.state);
    html! {
        tr {
            th scope="row" { a href={ "/wallet/top-ups/" (top_up.id) } { (date(top_up.created_at)) } }
            td { (method(top_up.method)) }
            td { (badge(tone, word)) }
            td.sum {
                (MoneyOut::tokens(top_up.tokens, token))
                @if let Some(pay) = top_up.pay { p.small { (say!("for {costs}", costs = MoneyOut::currency(pay))) } }
            }
        }
    }
}

/// One of one's own. What is somebody else's is not there.
async fn own(app: &App, visit: &SignedIn, id: scrip_domain::Id<TopUp>) -> Result<TopUp, Problem> {
    let top_up = app.engine.store().top_up(id).await?;
    let top_up = top_up.filter(|top_up| top_up.account == visit.buyer.account);
    top_up.ok_or_else(Problem::not_found)
}

/// How it stands; while it is on its way the page looks again by itself.
async fn show(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<TopUp>,
    Query(next): Query<Next>,
) -> Result<Response, Problem> {
    let top_up = own(&app, &visit, id).await?;
    let next = next.given();
    if let (TopUpState::Credited, Some(next)) = (top_up.state, &next) {
        return Ok(Redirect::to(next.as_str()).into_response());
    }
    let main = shown(&top_up, &visit.visit.vendor.settings, next.as_ref(), None);
    if moves_by_itself(top_up.state) {
        Ok(private_again_in(&app, title(top_up.state), &visit.visit, 3, &main))
    } else {
        Ok(private_with_script(&app, title(top_up.state), &visit.visit, &main))
    }
}

#[derive(Debug, Deserialize)]
struct ActForm {
    #[serde(default)]
    message: String,
    #[serde(default)]
    next: Option<String>,
}

/// Where to look at it afterwards.
fn here(id: scrip_domain::Id<TopUp>, next: Option<&Local>) -> String {
    let page = format!("/wallet/top-ups/{id}");
    next.map_or_else(|| page.clone(), |next| next.after(&page))
}

async fn cancel(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<TopUp>,
    Form(form): Form<ActForm>,
) -> Result<Response, Problem> {
    let next = form.next.as_deref().and_then(Local::new);
    match app.engine.cancel_own_top_up(visit.buyer, id).await? {
        Ok(_) => Ok(Redirect::to(&here(id, next.as_ref())).into_response()),
        Err(refusal) => again(&app, &visit, id, next.as_ref(), &Problem::offline(&refusal)).await,
    }
}

async fn appeal(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<TopUp>,
    Form(form): Form<ActForm>,
) -> Result<Response, Problem> {
    let next = form.next.as_deref().and_then(Local::new);
    let problem = match Text::<1, 1000>::read(&form.message) {
        Ok(message) => match app.engine.appeal(visit.buyer, id, message.0).await? {
            Ok(_) => return Ok(Redirect::to(&here(id, next.as_ref())).into_response()),
            Err(refusal) => Problem::appeal(&refusal),
        },
        Err(wrong) => Problem::field("message", wrong),
    };
    again(&app, &visit, id, next.as_ref(), &problem).await
}

/// The page again, with what was wrong.
async fn again(
    app: &App,
    visit: &SignedIn,
    id: scrip_domain::Id<TopUp>,
    next: Option<&Local>,
    problem: &Problem,
) -> Result<Response, Problem> {
    let top_up = own(app, visit, id).await?;
    let main = shown(&top_up, &visit.visit.vendor.settings, next, Some(problem));
    let mut response = private_with_script(app, title(top_up.state), &visit.visit, &main);
    *response.status_mut() = problem.status();
    Ok(response)
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

fn shown(
    top_up: &TopUp,
    settings: &Settings,
    next: Option<&Local>,
    problem: Option<&Problem>,
) -> Markup {
    let token = &settings.token;
    let (tone, word) = word(top_up.state);
    let whole = problem.filter(|problem| problem.errors().is_empty());
    html! {
        p.trail { a href="/wallet" { (t("Wallet")) } " / " a href="/wallet/top-ups" { (t("What you added")) } }
        h1 { (title(top_up.state)) }
        p.lead role="status" { (told(top_up.state)) }
        @if let Some(problem) = whole { (complaint(&sentence(problem.detail()))) }
        @if top_up.state == TopUpState::RequiresAction { (action(top_up)) }
        div.card.narrow {
            dl.facts {
                dt { (t("State")) } dd { (badge(tone, word)) }
                dt { (t("Tokens")) } dd { (MoneyOut::tokens(top_up.tokens, token)) }
                @if let Some(pay) = top_up.pay { dt { (t("For")) } dd { (MoneyOut::currency(pay)) } }
                dt { (t("How")) } dd { (method(top_up.method)) }
                dt { (t("Asked for")) } dd { (date(top_up.created_at)) }
                @if let Some(at) = top_up.credited_at { dt { (t("Credited")) } dd { (date(at)) } }
                (money_back(top_up))
                dt { (t("Name")) } dd { code { (top_up.id) } }
            }
        }
        (steps_on(top_up, settings, next, problem))
    }
}

/// What of its money went back.
fn money_back(top_up: &TopUp) -> Markup {
    let (Some(pay), Some(sums)) = (top_up.pay, &top_up.reversed) else { return Markup::default() };
    let some = |amount: Amount| {
        (!amount.is_zero()).then(|| MoneyOut::currency(Money { amount, unit: pay.unit }))
    };
    html! {
        @if let Some(money) = some(sums.refunded) { dt { (t("Went back")) } dd { (money) } }
        @if let Some(money) = some(sums.disputed) { dt { (t("Disputed")) } dd { (money) } }
    }
}

/// What to do next.
fn steps_on(
    top_up: &TopUp,
    settings: &Settings,
    next: Option<&Local>,
    problem: Option<&Problem>,
) -> Markup {
    let hidden = html! {
        @if let Some(next) = next { input type="hidden" name="next" value=(next.as_str()); }
    };
    let went_wrong =
        matches!(top_up.state, TopUpState::Declined | TopUpState::Failed | TopUpState::Cancelled);
    let then = next.cloned().unwrap_or_default();
    let retry = address(&then, Some(top_up.tokens), settings);
    let here = format!("/wallet/top-ups/{}", top_up.id);
    html! {
        @if top_up.state == TopUpState::Declined && top_up.appeal.is_none() {
            h2 { (t("Ask for a second look")) }
            p { (t("A person of the vendor reads what you write, and decides anew. You can ask once, within seven days.")) }
            form.narrow method="post" action={ (here) "/appeal" } {
                (hidden)
                (Field { name: "message", label: t("What should be considered"), kind: "textarea", value: "",
                    autocomplete: "off", required: true, hint: None,
                    error: problem.and_then(|problem| problem.error("message")) })
                button.second type="submit" { (t("Ask")) }
            }
        }
        div.choice {
            @if went_wrong { a.button href=(retry) { (t("Try another way")) } }
            @if let Some(next) = next { a.button.second href=(next.as_str()) { (t("Go on without it")) } }
            @else { a.button.second href="/wallet" { (t("Go to your wallet")) } }
            @if top_up.state == TopUpState::RequiresAction && top_up.method == TopUpMethod::Offline {
                form method="post" action={ (here) "/cancel" } {
                    (hidden)
                    button.second type="submit" { (t("Give it up")) }
                }
            }
        }
    }
}

/// How it stands, in a few words.
fn title(state: TopUpState) -> &'static str {
    match state {
        TopUpState::Credited | TopUpState::DisputeWon => t("Funds added"),
        TopUpState::RequiresAction => t("Your turn"),
        TopUpState::InReview => t("Somebody looks at it"),
        TopUpState::Declined => t("Not approved"),
        TopUpState::Failed => t("It did not succeed"),
        TopUpState::Cancelled => t("Cancelled"),
        TopUpState::Refunded => t("The money went back"),
        TopUpState::Disputed | TopUpState::DisputeLost => t("Disputed"),
        TopUpState::Assessing
        | TopUpState::Authorizing
        | TopUpState::Authorized
        | TopUpState::Capturing
        | TopUpState::Unknown => t("On its way"),
    }
}

fn word(state: TopUpState) -> (Tone, &'static str) {
    match state {
        TopUpState::Credited | TopUpState::DisputeWon => (Tone::Good, t("Credited")),
        TopUpState::RequiresAction => (Tone::Warn, t("Waits for you")),
        TopUpState::InReview => (Tone::Info, t("In review")),
        TopUpState::Declined => (Tone::Bad, t("Declined")),
        TopUpState::Failed => (Tone::Bad, t("Failed")),
        TopUpState::Cancelled => (Tone::Info, t("Cancelled")),
        TopUpState::Refunded => (Tone::Info, t("Refunded")),
        TopUpState::Disputed => (Tone::Warn, t("Disputed")),
        TopUpState::DisputeLost => (Tone::Bad, t("Taken back")),
        TopUpState::Assessing
        | TopUpState::Authorizing
        | TopUpState::Authorized
        | TopUpState::Capturing
        | TopUpState::Unknown => (Tone::Info, t("On its way")),
    }
}

fn method(method: TopUpMethod) -> &'static str {
    match method {
        TopUpMethod::Card => t("Card"),
        TopUpMethod::Offline => t("Transfer or cheque"),
        TopUpMethod::Voucher => t("Voucher"),
        TopUpMethod::CreditLine => t("Credit line"),
        TopUpMethod::Demo => t("Demo"),
        TopUpMethod::Administrator => t("By the vendor"),
    }
}

fn told(state: TopUpState) -> &'static str {
    match state {
        TopUpState::Assessing
        | TopUpState::Authorizing
        | TopUpState::Authorized
        | TopUpState::Capturing => t("This takes a moment. This page looks again by itself."),
        TopUpState::Unknown => t(
            "The payment processor gives no answer at the moment. It is asked again until it does; nothing is \
             charged twice.",
        ),
        TopUpState::RequiresAction => t("One thing is left for you to do."),
        TopUpState::InReview => t("A person looks at this first. You need not wait here."),
        TopUpState::Credited => t("The tokens are in your wallet."),
        TopUpState::Declined => t("This was not approved. Nothing was charged."),
        TopUpState::Failed => t("The payment did not succeed. Nothing was charged."),
        TopUpState::Cancelled => t("This was cancelled. Nothing was charged."),
        TopUpState::Refunded => t("The money is on its way back to where it came from."),
        TopUpState::Disputed => t("Your bank disputes this payment."),
        TopUpState::DisputeWon => t("The tokens are in your wallet; the dispute is over."),
        TopUpState::DisputeLost => t("Your bank took the money back."),
    }
}

/// What is left for the buyer to do.
fn action(top_up: &TopUp) -> Markup {
    if let (Some(due), Some(left)) = (&top_up.due, top_up.left()) {
        return html! {
            section.card aria-label=(t("What to send")) {
                dl.facts {
                    dt { (t("Send")) } dd { strong { (MoneyOut::currency(left)) } }
                    dt { (t("With the reference")) }
                    dd { code.big #reference { (due.reference) }
                        " " (copy("reference", t("Copy"))) }
                }
                p.pre { (due.instructions) }
                p.hint { (t("Without the reference nobody knows whose money it is. The tokens are credited when it \
                    has come, and you need not wait here.")) }
            }
        };
    }
    match top_up.payment.as_ref().and_then(|payment| payment.action.clone()) {
        Some(Action::Redirect { url }) => html! {
            p { a.button href=(url) rel="noreferrer" { (t("Go on at your bank")) } }
        },
        Some(Action::Confirm { .. }) => html! {
            p { (t("Your bank wants to see you: open this purchase in the vendor's app to answer it.")) }
        },
        None => Markup::default(),
    }
}
