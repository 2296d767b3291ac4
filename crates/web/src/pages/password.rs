//! Another password, with the old one.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::{Field, Form, complaint};
use super::private;
use super::refused::sentence;
use super::visit::{OwnAccounts, SignedIn};
use crate::App;
use crate::extract::Source;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/account/password", get(ask).post(change))
}

#[derive(Debug, Deserialize)]
struct PasswordForm {
    old: String,
    new: String,
}

async fn ask(_: OwnAccounts, State(app): State<App>, visit: SignedIn) -> Response {
    private(&app, "Change the password", &visit.visit, &form(None))
}

/// Every other session of the account ends, and this one goes on.
async fn change(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(typed): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let changed = if (8..=200).contains(&typed.new.chars().count()) {
        let PasswordForm { old, new } = &typed;
        let kept = visit.visit.token();
        app.engine.change_password(visit.buyer, old, new, kept, &source.0).await?
    } else {
        let problem = Problem::field("new", "8 to 200 characters");
        return Ok(again(&app, &visit, &problem));
    };
    if let Err(refusal) = changed {
        return Ok(again(&app, &visit, &refusal.into()));
    }
    let main = html! {
        h1 { "Your password was changed" }
        p role="status" { "Whoever was signed in elsewhere is not any more." }
        p { a href="/account" { "Back to your account" } }
    };
    Ok(private(&app, "Your password was changed", &visit.visit, &main))
}

fn again(app: &App, visit: &SignedIn, problem: &Problem) -> Response {
    let page = private(app, "Change the password", &visit.visit, &form(Some(problem)));
    // What signs in with a form is not asked by a scheme: 401 would need one.
    let status = match problem.status() {
        http::StatusCode::UNAUTHORIZED => http::StatusCode::UNPROCESSABLE_ENTITY,
        status => status,
    };
    (status, page).into_response()
}

fn form(problem: Option<&Problem>) -> Markup {
    html! {
        h1 { "Change the password" }
        @if let Some(problem) = problem.filter(|problem| problem.errors().is_empty()) {
            (complaint(&sentence(problem.detail())))
        }
        form.narrow method="post" action="/account/password" {
            (Field { name: "old", label: "Old password", kind: "password", value: "",
                autocomplete: "current-password", required: true, hint: None, error: None })
            (Field { name: "new", label: "New password", kind: "password", value: "",
                autocomplete: "new-password", required: true, hint: Some("At least 8 characters."),
                error: problem.and_then(|problem| problem.error("new")) })
            button type="submit" { "Change the password" }
        }
        p { a href="/forgot" { "Forgotten your password?" } }
    }
}
