//! A forgotten password: asking for a link, and choosing a new one with it.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::account::plausible_email;
use scrip_engine::verification::LinkRefused;
use serde::Deserialize;

use super::form::{Field, Form, complaint};
use super::private;
use super::refused::sentence;
use super::sign_in::Next;
use super::verify::Link;
use super::visit::{Local, OwnAccounts, Visit};
use crate::App;
use crate::extract::{Query, Source};
use crate::language::{say, t};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/forgot", get(ask).post(send)).route("/reset", get(choose).post(complete))
}

#[derive(Debug, Default, Deserialize)]
struct ForgotForm {
    email: String,
    #[serde(default)]
    next: Option<String>,
}

async fn ask(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    Query(next): Query<Next>,
) -> Result<Response, Problem> {
    let main = if app.engine.has_mail() {
        forgot_form("", next.given().as_ref(), None)
    } else {
        html! {
            h1 { (t("Forgotten your password?")) }
            p { (t("This shop sends no mail. Please ask the vendor.")) }
        }
    };
    Ok(private(&app, t("Forgotten your password?"), &visit, &main))
}

/// The same answer for every address.
async fn send(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    Form(form): Form<ForgotForm>,
) -> Result<Response, Problem> {
    let next = form.next.as_deref().and_then(Local::new);
    let asked = if plausible_email(form.email.trim()) {
        app.engine.ask_reset(&form.email, &source.0).map_err(Problem::from)
    } else {
        Err(Problem::field("email", t("this is not an e-mail address")))
    };
    let Err(problem) = asked else {
        let main = html! {
            h1 { (t("Look into your mail")) }
            p role="status" { (say!("If {email} has an account here, a letter with a link is on its way. The link is \
                good for an hour.", email = form.email.trim())) }
        };
        let mut page = private(&app, t("Look into your mail"), &visit, &main);
        if let Some(next) = next {
            page.headers_mut().append(header::SET_COOKIE, Visit::forget(&visit.vendor, &next));
        }
        return Ok(page);
    };
    let main = forgot_form(&form.email, next.as_ref(), Some(&problem));
    let page = private(&app, t("Forgotten your password?"), &visit, &main);
    Ok((problem.status(), page).into_response())
}

fn forgot_form(email: &str, next: Option<&Local>, problem: Option<&Problem>) -> Markup {
    html! {
        h1 { (t("Forgotten your password?")) }
        p { (t("Tell us the address of your account, and we send you a link to choose a new one.")) }
        @if let Some(problem) = problem.filter(|problem| problem.errors().is_empty()) {
            (complaint(&sentence(problem.detail())))
        }
        form.narrow method="post" action="/forgot" {
            @if let Some(next) = next { input type="hidden" name="next" value=(next.as_str()); }
            (Field { name: "email", label: t("E-mail"), kind: "email", value: email, autocomplete: "username",
                required: true, hint: None, error: problem.and_then(|problem| problem.error("email")) })
            button type="submit" { (t("Send the link")) }
        }
    }
}

#[derive(Debug, Deserialize)]
struct ResetForm {
    token: String,
    password: String,
}

async fn choose(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    if !app.engine.may_reset(&link.token).await? {
        return Err(LinkRefused.into());
    }
    Ok(private(&app, t("Choose a new password"), &visit, &reset_form(&link.token, None)))
}

async fn complete(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<ResetForm>,
) -> Result<Response, Problem> {
    if !(8..=200).contains(&form.password.chars().count()) {
        let problem = Problem::field("password", t("8 to 200 characters"));
        let main = reset_form(&form.token, Some(&problem));
        let page = private(&app, t("Choose a new password"), &visit, &main);
        return Ok((problem.status(), page).into_response());
    }
    app.engine.reset_password(&form.token, &form.password).await??;
    // In the browser in which it was forgotten, what was begun there goes on.
    let next = visit.forgot();
    let sign_in = next.map_or_else(|| "/sign-in".to_owned(), |next| next.after("/sign-in"));
    let main = html! {
        h1 { (t("Your password was changed")) }
        p role="status" { (t("Every session of your account has ended. Sign in with the new password.")) }
        p { a.button href=(sign_in) { (t("Sign in")) } }
    };
    Ok(private(&app, t("Your password was changed"), &visit, &main))
}

fn reset_form(token: &str, problem: Option<&Problem>) -> Markup {
    html! {
        h1 { (t("Choose a new password")) }
        p { (t("Whoever is signed in to your account is signed out then, and keys for programs are revoked.")) }
        form.narrow method="post" action="/reset" {
            input type="hidden" name="token" value=(token);
            (Field { name: "password", label: t("New password"), kind: "password", value: "",
                autocomplete: "new-password", required: true, hint: Some(t("At least 8 characters.")),
                error: problem.and_then(|problem| problem.error("password")) })
            button type="submit" { (t("Change the password")) }
        }
    }
}
