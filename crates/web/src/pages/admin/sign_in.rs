//! Coming in at the console: by password and second factor, or by an invitation.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, header};
use maud::{Markup, html};
use scrip_domain::account::plausible_email;
use scrip_domain::settings::Vendor;
use scrip_engine::session::{Entered, Token};
use serde::Deserialize;

use super::desk::{Clerk, onward};
use super::frame::{door, role_name, with_status};
use crate::App;
use crate::extract::{Query, Source};
use crate::pages::form::{Field, Form, Nothing, complaint};
use crate::pages::refused::sentence;
use crate::pages::visit::Local;
use crate::problem::Problem;
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/sign-in", get(ask).post(sign_in))
        .route("/admin/sign-in/code", post(finish))
        .route("/admin/sign-out", post(sign_out))
        .route("/admin/welcome", get(invited).post(join))
}

#[derive(Debug, Default, Deserialize)]
struct Next {
    next: Option<String>,
    /// Whether the session had ended when a form was sent.
    #[serde(default)]
    lost: bool,
}

async fn ask(
    State(app): State<App>,
    headers: HeaderMap,
    Query(Next { next, lost }): Query<Next>,
) -> Result<Response, Problem> {
    let next = onward(next.as_deref());
    if Clerk::of(&headers, &app).await?.is_some() {
        return Ok(Redirect::to(next.as_str()).into_response());
    }
    let vendor = app.engine.vendor().await?;
    let lost = lost.then_some("Your session has ended; what you sent was not done.");
    Ok(door(Some(&vendor.settings), "Sign in to the console", &password_form(&next, "", lost)))
}

#[derive(Debug, Deserialize)]
struct SignInForm {
    email: String,
    password: String,
    #[serde(default)]
    next: Option<String>,
}

/// The right password signs in, or asks for a code; anything else shows the form again, and does not tell what was wrong.
async fn sign_in(
    State(app): State<App>,
    source: Source,
    Form(form): Form<SignInForm>,
) -> Result<Response, Problem> {
    let (vendor, next) = (app.engine.vendor().await?, onward(form.next.as_deref()));
    let plausible = plausible_email(form.email.trim()) && form.password.chars().count() <= 200;
    let problem = if plausible {
        let (email, password) = (&form.email, &form.password);
        let request = request_id::current();
        match app.engine.sign_in_staff(email, password, request, &source.0).await? {
            Ok(Entered::In(opened)) => return Ok(signed_in(&vendor, &opened.token, &next)),
            Ok(Entered::HalfWay(word)) => {
                let main = code_form(&next, &word, None);
                return Ok(door(Some(&vendor.settings), "One code more", &main));
            }
            Err(refusal) => Problem::from(refusal),
        }
    } else {
        Problem::invalid_credentials("the address or the password is wrong")
    };
    let main = password_form(&next, &form.email, Some(problem.detail()));
    Ok(with_status(door(Some(&vendor.settings), "Sign in to the console", &main), &problem))
}

#[derive(Debug, Deserialize)]
struct CodeForm {
    word: String,
    code: String,
    #[serde(default)]
    next: Option<String>,
}

async fn finish(State(app): State<App>, Form(form): Form<CodeForm>) -> Result<Response, Problem> {
    let (vendor, next) = (app.engine.vendor().await?, onward(form.next.as_deref()));
    let request = request_id::current();
    let problem = match app.engine.finish_sign_in_staff(&form.word, &form.code, request).await? {
        Ok(opened) => return Ok(signed_in(&vendor, &opened.token, &next)),
        Err(scrip_engine::session::SignInRefusal::InvalidCredentials) => {
            Problem::invalid_credentials("this code is wrong, was used, or came too late")
        }
        Err(refusal) => Problem::from(refusal),
    };
    let main = code_form(&next, &form.word, Some(&problem));
    Ok(with_status(door(Some(&vendor.settings), "One code more", &main), &problem))
}

async fn sign_out(
    State(app): State<App>,
    headers: HeaderMap,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    if let Some(clerk) = Clerk::of(&headers, &app).await? {
        app.engine.sign_out_staff(clerk.token()).await?;
    }
    let cookie = Clerk::sign_out(&vendor);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/admin/sign-in")).into_response())
}

#[derive(Debug, Default, Deserialize)]
struct Invitation {
    #[serde(default)]
    token: String,
}

/// Who has the link of an invitation chooses a password.
async fn invited(
    State(app): State<App>,
    Query(Invitation { token }): Query<Invitation>,
) -> Result<Response, Problem> {
    let main = welcome(&app, &token, None).await?;
    let vendor = app.engine.vendor().await?;
    Ok(door(Some(&vendor.settings), "Welcome", &main))
}

#[derive(Debug, Deserialize)]
struct JoinForm {
    token: String,
    password: String,
    again: String,
}

async fn join(
    State(app): State<App>,
    source: Source,
    Form(form): Form<JoinForm>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let problem = match new_password(&form.password, &form.again) {
        Ok(password) => {
            let request = request_id::current();
            let joined = app.engine.join_staff(&form.token, password, request, &source.0).await?;
            let opened = joined?;
            return Ok(signed_in(&vendor, &opened.token, &onward(None)));
        }
        Err(problem) => problem,
    };
    let main = welcome(&app, &form.token, Some(&problem)).await?;
    Ok(with_status(door(Some(&vendor.settings), "Welcome", &main), &problem))
}

/// A password that was typed twice.
pub fn new_password<'a>(password: &'a str, again: &str) -> Result<&'a str, Problem> {
    if !(10..=200).contains(&password.chars().count()) {
        return Err(Problem::field("password", "10 to 200 characters"));
    }
    if password != again {
        return Err(Problem::field("again", "this is another password"));
    }
    Ok(password)
}

/// Tells a password's keeper whose it is.
pub fn signs_in_as(email: &str) -> Markup {
    html! {
        input.unseen type="text" name="email" value=(email) autocomplete="username" readonly tabindex="-1" aria-hidden="true";
    }
}

/// A browser that is signed in now, and goes on.
fn signed_in(vendor: &Vendor, token: &Token, next: &Local) -> Response {
    let cookie = Clerk::sign_in(vendor, token);
    ([(header::SET_COOKIE, cookie)], Redirect::to(next.as_str())).into_response()
}

fn password_form(next: &Local, email: &str, wrong: Option<&str>) -> Markup {
    html! {
        @if let Some(wrong) = wrong { (complaint(&sentence(wrong))) }
        form.narrow method="post" action="/admin/sign-in" {
            input type="hidden" name="next" value=(next.as_str());
            (Field { name: "email", label: "E-mail", kind: "email", value: email, autocomplete: "username",
                required: true, hint: None, error: None })
            (Field { name: "password", label: "Password", kind: "password", value: "",
                autocomplete: "current-password", required: true, hint: None, error: None })
            button type="submit" { "Sign in" }
        }
        p.small { "Forgotten, or no password yet? An owner of the shop can give you a new invitation." }
    }
}

fn code_form(next: &Local, word: &str, problem: Option<&Problem>) -> Markup {
    html! {
        @if let Some(problem) = problem { (complaint(&sentence(problem.detail()))) }
        form.narrow method="post" action="/admin/sign-in/code" {
            input type="hidden" name="next" value=(next.as_str());
            input type="hidden" name="word" value=(word);
            (Field { name: "code", label: "Code", kind: "text", value: "", autocomplete: "one-time-code",
                required: true, error: None,
                hint: Some("The six digits that your authenticator shows now, or one of your recovery codes.") })
            button type="submit" { "Go on" }
        }
        p { a href="/admin/sign-in" { "Begin again" } }
    }
}

async fn welcome(app: &App, token: &str, problem: Option<&Problem>) -> Result<Markup, Problem> {
    let Some(member) = app.engine.invited_staff(token).await? else {
        return Err(scrip_engine::staff::StaffRefusal::NoInvitation.into());
    };
    let error = |name: &str| problem.and_then(|problem| problem.error(name));
    Ok(html! {
        p.lead { "Hello " (member.name) ". Choose the password with which you will sign in here." }
        dl.facts {
            dt { "E-mail" } dd { (member.email) }
            dt { "Role" } dd { (role_name(member.role)) }
        }
        form.narrow method="post" action="/admin/welcome" {
            input type="hidden" name="token" value=(token);
            (signs_in_as(&member.email))
            (Field { name: "password", label: "Password", kind: "password", value: "", autocomplete: "new-password",
                required: true, hint: Some("At least 10 characters."), error: error("password") })
            (Field { name: "again", label: "The same again", kind: "password", value: "", autocomplete: "new-password",
                required: true, hint: None, error: error("again") })
            button type="submit" { "Begin" }
        }
    })
}
