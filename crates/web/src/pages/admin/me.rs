//! What is one's own at the console: the password and the second factor.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

use super::desk::{Clerk, Desk, Own};
use super::frame::role_name;
use super::sign_in::{new_password, signs_in_as};
use super::{Section, page, with_status};
use crate::App;
use crate::authenticator;
use crate::pages::date;
use crate::pages::form::{Field, Form, Nothing, complaint};
use crate::pages::look::qr;
use crate::pages::refused::sentence;
use crate::problem::Problem;
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/me", get(show))
        .route("/admin/me/password", post(change_password))
        .route("/admin/me/second-factor", get(factor).post(begin))
        .route("/admin/me/second-factor/on", post(turn_on))
        .route("/admin/me/second-factor/off", post(turn_off))
}

async fn show(State(app): State<App>, desk: Desk<Own>) -> Response {
    page(&app, &desk, "You", Section::Me, &me(&desk, None))
}

#[derive(Debug, Deserialize)]
struct PasswordForm {
    old: String,
    password: String,
    again: String,
}

/// Another password ends every other session.
async fn change_password(
    State(app): State<App>,
    desk: Desk<Own>,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let problem = match new_password(&form.password, &form.again) {
        Ok(password) => {
            let request = request_id::current();
            let changed =
                app.engine.change_staff_password(&desk.member, &form.old, password, request);
            match changed.await? {
                Ok(opened) => {
                    let cookie = Clerk::sign_in(&desk.vendor, &opened.token);
                    let set = [(http::header::SET_COOKIE, cookie)];
                    return Ok((set, Redirect::to("/admin/me")).into_response());
                }
                Err(refusal) => Problem::from(refusal),
            }
        }
        Err(problem) => problem,
    };
    let main = me(&desk, Some(&problem));
    Ok(with_status(page(&app, &desk, "You", Section::Me, &main), &problem))
}

fn me(clerk: &Clerk, problem: Option<&Problem>) -> Markup {
    let error = |name: &str| problem.and_then(|problem| problem.error(name));
    let member = &clerk.member;
    html! {
        dl.facts {
            dt { "Name" } dd { (member.name) }
            dt { "E-mail" } dd { (member.email) }
            dt { "Role" } dd { (role_name(member.role)) }
            dt { "Second factor" }
            dd {
                @match member.factor.since {
                    Some(since) => {
                        "On since " (date(since)) ", " (member.factor.recovery.len()) " recovery codes left. "
                        a href="/admin/me/second-factor" { "Turn it off" }
                    }
                    None => { "Off. " a href="/admin/me/second-factor" { "Set it up" } }
                }
            }
        }
        h2 { "Password" }
        @if let Some(problem) = problem.filter(|problem| problem.errors().is_empty()) {
            (complaint(&sentence(problem.detail())))
        }
        form.narrow method="post" action="/admin/me/password" {
            (signs_in_as(&member.email))
            (Field { name: "old", label: "The password of today", kind: "password", value: "",
                autocomplete: "current-password", required: true, hint: None, error: error("old") })
            (Field { name: "password", label: "The new one", kind: "password", value: "",
                autocomplete: "new-password", required: true, error: error("password"),
                hint: Some("At least 10 characters. Every other browser is signed out.") })
            (Field { name: "again", label: "The new one again", kind: "password", value: "",
                autocomplete: "new-password", required: true, hint: None, error: error("again") })
            button type="submit" { "Change the password" }
        }
    }
}

async fn factor(State(app): State<App>, desk: Desk<Own>) -> Response {
    page(&app, &desk, "Second factor", Section::Me, &factor_page(&app, &desk, None))
}

/// A new secret: the page that comes shows it.
async fn begin(
    State(app): State<App>,
    desk: Desk<Own>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    app.engine.begin_factor(desk.member.id).await??;
    Ok(Redirect::to("/admin/me/second-factor"))
}

#[derive(Debug, Deserialize)]
struct CodeForm {
    code: String,
}

/// From now on signing in takes a code. The recovery codes are shown once, here.
async fn turn_on(
    State(app): State<App>,
    desk: Desk<Own>,
    Form(CodeForm { code }): Form<CodeForm>,
) -> Result<Response, Problem> {
    let turned = app.engine.confirm_factor(&desk.member, &code, request_id::current()).await?;
    Ok(match turned {
        Ok((codes, opened)) => {
            let main = html! {
                p.lead { "From now on, signing in takes a code of your authenticator. Every other browser is signed out." }
                h2 { "Recovery codes" }
                p { "Keep these where your authenticator is not. Each opens once in the place of a code. They are not "
                    "shown again." }
                ul.codes { @for code in &codes { li { code { (code) } } } }
                p { a.button href="/admin" { "I have kept them" } }
            };
            let cookie = Clerk::sign_in(&desk.vendor, &opened.token);
            let shown = page(&app, &desk, "Second factor is on", Section::Me, &main);
            ([(http::header::SET_COOKIE, cookie)], shown).into_response()
        }
        Err(refusal) => factor_again(&app, &desk, &refusal.into()),
    })
}

async fn turn_off(
    State(app): State<App>,
    desk: Desk<Own>,
    Form(CodeForm { code }): Form<CodeForm>,
) -> Result<Response, Problem> {
    let turned = app.engine.remove_factor(&desk.member, &code, request_id::current()).await?;
    Ok(match turned {
        Ok(()) => Redirect::to("/admin/me").into_response(),
        Err(refusal) => factor_again(&app, &desk, &refusal.into()),
    })
}

fn factor_again(app: &App, clerk: &Clerk, problem: &Problem) -> Response {
    let main = factor_page(app, clerk, Some(problem));
    with_status(page(app, clerk, "Second factor", Section::Me, &main), problem)
}

fn factor_page(app: &App, clerk: &Clerk, problem: Option<&Problem>) -> Markup {
    let error = problem.and_then(|problem| problem.error("code"));
    let whole = problem.filter(|problem| problem.errors().is_empty());
    let code = |hint| Field {
        name: "code",
        label: "Code",
        kind: "text",
        value: "",
        autocomplete: "one-time-code",
        required: true,
        hint: Some(hint),
        error,
    };
    html! {
        @if let Some(problem) = whole { (complaint(&sentence(problem.detail()))) }
        @if clerk.member.factor.is_on() {
            p.lead { "Signing in takes a code of your authenticator." }
            form.narrow method="post" action="/admin/me/second-factor/off" {
                (code("The six digits that it shows now, or one of your recovery codes."))
                button.second type="submit" { "Turn it off" }
            }
        } @else {
            @if clerk.lacks_factor() {
                p.lead { "An owner requires a second factor of everybody here. Set yours up, and go on." }
            } @else {
                p.lead { "A code of your phone beside the password: who learns the one still lacks the other." }
            }
            @if let Some(secret) = app.engine.factor_secret(&clerk.member) {
                (scan(&secret, &clerk.vendor.settings.name, &clerk.member.email))
                form.narrow method="post" action="/admin/me/second-factor/on" {
                    (code("The six digits that your authenticator shows now."))
                    button type="submit" { "Turn it on" }
                }
                form method="post" action="/admin/me/second-factor" {
                    button.plain type="submit" { "Show another secret" }
                }
            } @else {
                form method="post" action="/admin/me/second-factor" { button type="submit" { "Set it up" } }
            }
        }
    }
}

/// What an authenticator takes: a picture to scan, and the same to type.
fn scan(secret: &str, shop: &str, email: &str) -> Markup {
    let uri = authenticator::uri(secret, shop, email);
    html! {
        p { "Scan this with an authenticator app, or type the secret into it." }
        (qr(&uri, "The secret as a QR code"))
        dl.facts {
            dt { "Secret" } dd { code { (secret) } }
            dt { "Address" } dd { code.long { (uri) } }
        }
    }
}
