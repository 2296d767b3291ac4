//! Erasing one's account: what goes, what stays, what is in the way.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use maud::{Markup, html};
use scrip_domain::account::Obstacle;
use scrip_engine::erasure::{EraseRefusal, Leftover};
use scrip_engine::factor::buyer::Shown;
use serde::Deserialize;

use super::super::form::{Field, Form, complaint};
use super::super::look::{Tone, notice};
use super::super::private;
use super::super::refused::sentence;
use super::super::visit::{OwnAccounts, SignedIn, Visit};
use super::second_factor::code;
use crate::App;
use crate::extract::Source;
use crate::language::{say, t};
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/account/erase", get(ask).post(erase))
}

/// The password is never shown again: not even by a `Debug`.
#[derive(Deserialize)]
struct EraseForm {
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    forfeit: Option<String>,
}

async fn ask(_: OwnAccounts, State(app): State<App>, visit: SignedIn) -> Result<Response, Problem> {
    let main = page(&app, &visit, None).await?;
    Ok(private(&app, t("Erase the account"), &visit.visit, &main))
}

async fn erase(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(form): Form<EraseForm>,
) -> Result<Response, Problem> {
    let leftover = if form.forfeit.is_some() { Leftover::Forfeit } else { Leftover::Keep };
    let token = &visit.visit.vendor.settings.token;
    let (problem, open) = if form.password.chars().count() > 200 {
        (Problem::field("password", t("at most 200 characters")), Vec::new())
    } else {
        let shown = Shown { password: &form.password, code: &form.code, source: &source.0 };
        match app.engine.erase_account(visit.buyer, shown, leftover).await? {
            Ok(_) => return Ok(done(&app, visit)),
            Err(refusal) => (Problem::erase(&refusal, token), open(refusal)),
        }
    };
    let main = page(&app, &visit, Some((&problem, &open))).await?;
    let mut response = private(&app, t("Erase the account"), &visit.visit, &main);
    *response.status_mut() = problem.status();
    Ok(response)
}

/// What was in the way.
fn open(refusal: EraseRefusal) -> Vec<Obstacle> {
    match refusal {
        EraseRefusal::Open(obstacles, _) => obstacles,
        _ => Vec::new(),
    }
}

/// Nobody is signed in on the page that says so.
fn done(app: &App, visit: SignedIn) -> Response {
    let mut anybody = visit.visit;
    anybody.member = None;
    let main = html! {
        h1 { (t("The account is erased")) }
        p role="status" { (t("Your address, name, cards, keys and sessions are gone. Codes that you kept go on working, and your address can open another account.")) }
        p { a.button href="/" { (t("To the front page")) } }
    };
    let cookie = Visit::sign_out(&anybody.vendor);
    let page = private(app, t("The account is erased"), &anybody, &main);
    ([(header::SET_COOKIE, cookie)], page).into_response()
}

async fn page(
    app: &App,
    visit: &SignedIn,
    wrong: Option<(&Problem, &[Obstacle])>,
) -> Result<Markup, Problem> {
    let obstacles = app.engine.in_the_way(visit.buyer).await?;
    let left = visit.member.available;
    let token = &visit.visit.vendor.settings.token;
    let factor = app.engine.credentials(&visit.member.account).await?.factor;
    let error = |name: &str| wrong.and_then(|(problem, _)| problem.error(name)).map(sentence);
    let [wrong_password, wrong_code] = ["password", "code"].map(error);
    let whole = wrong.filter(|(problem, _)| problem.errors().is_empty());
    let whole = whole.map(|(problem, open)| match open {
        [] => sentence(problem.detail()),
        // The others are listed below.
        open => {
            let rest = open.iter().filter(|one| !obstacles.contains(one));
            rest.map(|one| said(*one)).collect::<Vec<_>>().join(" ")
        }
    });
    let whole = whole.filter(|text| !text.is_empty());
    Ok(html! {
        p.trail { a href="/account" { (t("Account")) } }
        h1 { (t("Erase the account")) }
        p.lead { (t("This is for good.")) }
        ul {
            li { (t("Your address, name, cards, keys and sessions are taken away.")) }
            li { (t("Orders and the entries of the ledger stay, without your name.")) }
            li { (t("What you wrote to ask for refunds or about a top-up stays with them, and so do the names of your machines.")) }
            li { (t("Codes that you bought go on working. Keep them, and your files: your library is gone.")) }
        }
        p { a.button.second href="/account/data" download { (t("Save my data first")) } }
        @if let Some(text) = &whole { (complaint(text)) }
        @if !obstacles.is_empty() {
            (notice(Tone::Warn, &html! {
                p { (t("It cannot be erased yet:")) }
                ul { @for one in &obstacles { li { (said(*one)) } } }
            }))
        } @else {
            form.narrow method="post" action="/account/erase" {
                // Password keepers want to know whose it is.
                input type="hidden" name="username" autocomplete="username" value=(visit.member.account.email);
                @if !left.is_zero() {
                    (notice(Tone::Warn, &html! { p { (say!("There are {tokens} in your wallet. Use them up, or ask \
                        the vendor to pay them back: else they are lost.", tokens = MoneyOut::tokens(left, token))) } }))
                    label.option {
                        input type="checkbox" name="forfeit" value="yes";
                        span { (say!("I give up the {tokens} in my wallet", tokens = MoneyOut::tokens(left, token))) }
                    }
                }
                (Field { name: "password", label: t("Your password"), kind: "password", value: "",
                    autocomplete: "current-password", required: true, hint: None, error: wrong_password.as_deref() })
                @if factor.is_on() { (code(wrong_code.as_deref())) }
                div.choice {
                    button.danger type="submit" { (t("Erase my account")) }
                    a.button.second href="/account" { (t("Keep it")) }
                }
            }
        }
    })
}

/// What is in the way, for people.
fn said(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Balance => t("There are tokens in the wallet."),
        Obstacle::Holds => t("Tokens are held for something that is under way."),
        Obstacle::TopUps => t("A top-up is under way."),
        Obstacle::Disputes => t("A bank has not decided about a dispute."),
        Obstacle::Exchanges => t("An exchange with a partner is under way."),
        Obstacle::Payments => t("A payment to a merchant is under way."),
        Obstacle::RefundRequests => t("A request for a refund waits."),
        Obstacle::Debts => t("Tokens are owed for money that went back."),
        Obstacle::CreditLine => t("Money is owed that was lent."),
    }
}
