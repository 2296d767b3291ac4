//! The account's second factor: set up, turned on, turned off.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::factor::Factor;
use scrip_engine::factor::buyer::Shown;
use serde::Deserialize;

use super::super::form::{Field, Form, complaint};
use super::super::look::{date, qr};
use super::super::private;
use super::super::refused::sentence;
use super::super::visit::{OwnAccounts, SignedIn};
use crate::App;
use crate::authenticator;
use crate::extract::Source;
use crate::language::{many, say, t};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/second-factor", get(show).post(begin))
        .route("/account/second-factor/on", post(turn_on))
        .route("/account/second-factor/off", post(turn_off))
}

/// What the page is about now.
enum Stage<'a> {
    Off,
    /// A secret waits for a code of it. It is shown once, to who had the password.
    Waits(Option<&'a str>),
    On(&'a Factor),
}

/// A password is never shown again: not even by a `Debug`.
#[derive(Default, Deserialize)]
struct FactorForm {
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
}

async fn show(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
) -> Result<Response, Problem> {
    settled(&app, &visit, None).await
}

/// The page that comes shows the secret, to who has the password.
async fn begin(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(form): Form<FactorForm>,
) -> Result<Response, Problem> {
    let proof = (form.password.as_str(), source.0.as_str());
    match app.engine.begin_own_factor(visit.buyer, proof).await? {
        Ok(secret) => Ok(page(&app, &visit, &Stage::Waits(Some(&secret)), None)),
        Err(refusal) => settled(&app, &visit, Some(&refusal.into())).await,
    }
}

/// From now on signing in takes a code. The recovery codes are shown once, here.
async fn turn_on(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Form(form): Form<FactorForm>,
) -> Result<Response, Problem> {
    let kept = visit.visit.token();
    let problem = match app.engine.confirm_own_factor(visit.buyer, &form.code, kept).await? {
        Ok(codes) => return Ok(turned_on(&app, &visit, &codes)),
        Err(refusal) => Problem::from(refusal),
    };
    if problem.error("code").is_some() {
        return Ok(page(&app, &visit, &Stage::Waits(None), Some(&problem)));
    }
    settled(&app, &visit, Some(&problem)).await
}

async fn turn_off(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(form): Form<FactorForm>,
) -> Result<Response, Problem> {
    let shown = Shown { password: &form.password, code: &form.code, source: &source.0 };
    match app.engine.remove_own_factor(visit.buyer, shown).await? {
        Ok(()) => Ok(Redirect::to("/account?done=factor").into_response()),
        Err(refusal) => settled(&app, &visit, Some(&refusal.into())).await,
    }
}

/// The page as things are.
async fn settled(
    app: &App,
    visit: &SignedIn,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let factor = app.engine.credentials(&visit.member.account).await?.factor;
    let stage = if factor.is_on() { Stage::On(&factor) } else { Stage::Off };
    Ok(page(app, visit, &stage, problem))
}

fn page(app: &App, visit: &SignedIn, stage: &Stage<'_>, problem: Option<&Problem>) -> Response {
    let whole = problem.filter(|problem| problem.errors().is_empty());
    let main = html! {
        p.trail { a href="/account" { (t("Account")) } }
        h1 { (t("Second factor")) }
        @if let Some(problem) = whole { (complaint(&sentence(problem.detail()))) }
        @match stage {
            Stage::Off => { (off(visit, problem)) }
            Stage::Waits(secret) => { (waits(visit, *secret, problem)) }
            Stage::On(factor) => { (on(visit, factor, problem)) }
        }
    };
    let mut response = private(app, t("Second factor"), &visit.visit, &main);
    if let Some(problem) = problem {
        *response.status_mut() = problem.status();
    }
    response
}

fn password(visit: &SignedIn, error: Option<&str>) -> Markup {
    html! {
        // Password keepers want to know whose it is.
        input type="hidden" name="username" autocomplete="username" value=(visit.member.account.email);
        (Field { name: "password", label: t("Your password"), kind: "password", value: "",
            autocomplete: "current-password", required: true, hint: None, error })
    }
}

/// The field that asks for a code of the second factor.
pub fn code(error: Option<&str>) -> Markup {
    html! {
        (Field { name: "code", label: t("Code"), kind: "text", value: "", autocomplete: "one-time-code", required: true,
            hint: Some(t("The six digits that your authenticator shows now, or one of your recovery codes.")), error })
    }
}

fn off(visit: &SignedIn, problem: Option<&Problem>) -> Markup {
    let wrong = problem.and_then(|problem| problem.error("password")).map(sentence);
    html! {
        p.lead { (t("A code of your phone beside the password: who learns the one still lacks the other.")) }
        p { (t("You need an authenticator app. A new password by mail does not turn the second factor off.")) }
        form.narrow method="post" action="/account/second-factor" {
            (password(visit, wrong.as_deref()))
            button type="submit" { (t("Set it up")) }
        }
    }
}

fn waits(visit: &SignedIn, secret: Option<&str>, problem: Option<&Problem>) -> Markup {
    let wrong = problem.and_then(|problem| problem.error("code")).map(sentence);
    html! {
        @if let Some(secret) = secret { (scan(visit, secret)) }
        p { (t("When you turn it on, you are signed out everywhere else.")) }
        form.narrow method="post" action="/account/second-factor/on" {
            (Field { name: "code", label: t("Code"), kind: "text", value: "", autocomplete: "one-time-code", required: true,
                hint: Some(t("The six digits that your authenticator shows now.")), error: wrong.as_deref() })
            button type="submit" { (t("Turn it on")) }
        }
        @if secret.is_none() { p { a href="/account/second-factor" { (t("Begin again")) } } }
    }
}

/// What an authenticator takes: a picture to scan, and the same to type.
fn scan(visit: &SignedIn, secret: &str) -> Markup {
    let shop = &visit.visit.vendor.settings.name;
    let uri = authenticator::uri(secret, shop, &visit.member.account.email);
    html! {
        p { (t("Scan this with an authenticator app, or type the secret into it.")) }
        (qr(&uri, t("The secret as a QR code")))
        dl.facts {
            dt { (t("Secret")) } dd { code { (secret) } }
            dt { (t("Address")) } dd { code.long { (uri) } }
        }
    }
}

fn on(visit: &SignedIn, factor: &Factor, problem: Option<&Problem>) -> Markup {
    let error = |name: &str| problem.and_then(|problem| problem.error(name)).map(sentence);
    let (wrong_password, wrong_code) = (error("password"), error("code"));
    html! {
        p.lead { (t("Signing in takes a code of your authenticator.")) }
        p { (many!(factor.recovery.len(), "{count} recovery code is left.", "{count} recovery codes are left.")) }
        h2 { (t("Turn it off")) }
        form.narrow method="post" action="/account/second-factor/off" {
            (password(visit, wrong_password.as_deref()))
            (code(wrong_code.as_deref()))
            button.second type="submit" { (t("Turn it off")) }
        }
    }
}

fn turned_on(app: &App, visit: &SignedIn, codes: &[String]) -> Response {
    let main = html! {
        p.trail { a href="/account" { (t("Account")) } }
        h1 { (t("The second factor is on")) }
        p.lead role="status" { (t("From now on, signing in takes a code of your authenticator. You are signed out everywhere else.")) }
        h2 { (t("Recovery codes")) }
        p { (t("Keep these where your authenticator is not. Each opens once in the place of a code. They are not shown again.")) }
        ul.codes { @for code in codes { li { code { (code) } } } }
        p { a.button href="/account" { (t("I have kept them")) } }
    };
    private(app, t("The second factor is on"), &visit.visit, &main)
}

/// What the account's page says of it.
pub fn line(factor: &Factor) -> Markup {
    html! {
        @match factor.since {
            Some(since) => { (say!("On since {date}", date = date(since))) }
            None => { (t("Off")) }
        }
    }
}
