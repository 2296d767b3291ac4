//! Another address for the account.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::account::plausible_email;
use scrip_engine::email::EmailAsked;
use scrip_engine::factor::buyer::Shown;
use serde::Deserialize;

use super::super::form::{Field, Form, complaint};
use super::super::private;
use super::super::refused::sentence;
use super::super::visit::{OwnAccounts, SignedIn};
use super::second_factor::code;
use crate::App;
use crate::extract::Source;
use crate::language::{say, t};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/account/email", get(ask).post(change))
}

/// The password is never shown again: not even by a `Debug`.
#[derive(Default, Deserialize)]
struct EmailForm {
    email: String,
    password: String,
    #[serde(default)]
    code: String,
}

async fn ask(_: OwnAccounts, State(app): State<App>, visit: SignedIn) -> Result<Response, Problem> {
    let main = form(&app, &visit, "", None).await?;
    Ok(private(&app, t("Change the address"), &visit.visit, &main))
}

async fn change(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(typed): Form<EmailForm>,
) -> Result<Response, Problem> {
    let email = typed.email.trim();
    let problem = if !plausible_email(email) {
        Problem::field("email", t("this is not an e-mail address"))
    } else if typed.password.chars().count() > 200 {
        Problem::field("password", t("at most 200 characters"))
    } else {
        let (password, code) = (&typed.password, &typed.code);
        let (shown, kept) = (Shown { password, code, source: &source.0 }, visit.visit.token());
        match app.engine.change_email(visit.buyer, email, shown, kept).await? {
            Ok(EmailAsked::Changed) => {
                return Ok(Redirect::to("/account?done=email").into_response());
            }
            Ok(EmailAsked::Sent) => return Ok(sent(&app, &visit, email)),
            Err(refusal) => Problem::from(refusal),
        }
    };
    let main = form(&app, &visit, email, Some(&problem)).await?;
    let mut response = private(&app, t("Change the address"), &visit.visit, &main);
    *response.status_mut() = problem.status();
    Ok(response)
}

fn sent(app: &App, visit: &SignedIn, email: &str) -> Response {
    let main = html! {
        h1 { (t("The letter is on its way")) }
        p.lead role="status" { (say!("Open the link that it has, within a day. It went to {email}; until then you sign in with \
            the address that you have.", email = html! { bdi { (email) } })) }
        p { a.button href="/account" { (t("Back to your account")) } }
    };
    private(app, t("The letter is on its way"), &visit.visit, &main)
}

async fn form(
    app: &App,
    visit: &SignedIn,
    email: &str,
    problem: Option<&Problem>,
) -> Result<Markup, Problem> {
    let account = &visit.member.account;
    let factor = app.engine.credentials(account).await?.factor;
    let error = |name: &str| problem.and_then(|problem| problem.error(name)).map(sentence);
    let [wrong_email, wrong_password, wrong_code] = ["email", "password", "code"].map(error);
    Ok(html! {
        p.trail { a href="/account" { (t("Account")) } }
        h1 { (t("Change the address")) }
        p.lead { (say!("Now you sign in with {email}, and letters go there.", email = html! { bdi { (account.email) } })) }
        @if app.engine.has_mail() {
            p { (t("We send a link to the new address. When you open it, you are signed out everywhere else.")) }
        } @else {
            p { (t("You stay signed in here, and are signed out everywhere else.")) }
        }
        @if let Some(problem) = problem.filter(|problem| problem.errors().is_empty()) {
            (complaint(&sentence(problem.detail())))
        }
        form.narrow method="post" action="/account/email" {
            (Field { name: "email", label: t("New e-mail address"), kind: "email", value: email, autocomplete: "email",
                required: true, hint: None, error: wrong_email.as_deref() })
            (Field { name: "password", label: t("Your password"), kind: "password", value: "",
                autocomplete: "current-password", required: true, hint: None, error: wrong_password.as_deref() })
            @if factor.is_on() { (code(wrong_code.as_deref())) }
            button type="submit" { (t("Change it")) }
        }
    })
}
