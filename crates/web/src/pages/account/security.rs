//! The password of an account, and where it is signed in.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::account::Account;
use scrip_domain::session::Session;
use scrip_engine::factor::buyer::{OwnerRefusal, Shown};
use scrip_engine::password::PasswordRefusal;
use scrip_engine::session::Credentials;
use serde::Deserialize;

use super::super::form::{Field, Form, Nothing, complaint};
use super::super::refused::sentence;
use super::super::visit::{OwnAccounts, SignedIn};
use super::super::{date, private};
use super::{passkeys, second_factor};
use crate::App;
use crate::extract::Source;
use crate::language::{say, t};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/password", get(ask).post(change))
        .route("/account/sessions/end", post(end))
}

/// How many sessions are told.
pub const MOST_SESSIONS: u32 = 50;

/// The part of the account's page about signing in.
pub fn part(
    app: &App,
    account: &Account,
    credentials: &Credentials,
    sessions: &[Session],
) -> Markup {
    let others = sessions.len().saturating_sub(1);
    let passkeys = &credentials.passkeys;
    let offered = app.engine.relying_party().is_some() || !passkeys.is_empty();
    html! {
        section.card aria-labelledby="sign-in" {
            h2 #sign-in { (t("Sign-in")) }
            dl.facts {
                dt { (t("E-mail")) } dd { bdi { (account.email) } }
                dt { (t("Since")) } dd { (date(account.created_at)) }
                dt { (t("Account")) } dd { code { (account.id) } }
                dt { (t("Second factor")) } dd { (second_factor::line(&credentials.factor)) }
                @if offered { dt { (t("Passkeys")) } dd { (passkeys::line(passkeys)) } }
            }
            @if let Some(new) = &credentials.new_email {
                p { (say!("{email} takes its place when you open the link that was sent there.",
                    email = html! { bdi { (new.email) } })) }
            }
            p { a href="/account/email" { (t("Change the address")) } }
            p { a href="/account/password" { (t("Change the password")) } }
            p { a href="/account/second-factor" {
                @if credentials.factor.is_on() { (t("Turn the second factor off")) } @else { (t("Set a second factor up")) }
            } }
            @if offered { p { a href="/account/passkeys" { (t("Add or remove passkeys")) } } }
            @if others > 0 {
                details {
                    summary { (say!("Signed in elsewhere, too ({others})", others)) }
                    ul { @for session in sessions { li { (say!("since {date}", date = date(session.created_at))) } } }
                }
                form method="post" action="/account/sessions/end" {
                    p { button.second type="submit" { (t("Sign out everywhere else")) } }
                }
            }
            form method="post" action="/sign-out" { button.second type="submit" { (t("Sign out here")) } }
        }
    }
}

/// Ends every session of the account but this one.
async fn end(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    app.engine.end_other_sessions(visit.buyer, visit.visit.token()).await?;
    Ok(Redirect::to("/account"))
}

/// Passwords are never shown again: not even by a `Debug`.
#[derive(Deserialize)]
struct PasswordForm {
    old: String,
    new: String,
    #[serde(default)]
    code: String,
}

async fn ask(_: OwnAccounts, State(app): State<App>, visit: SignedIn) -> Result<Response, Problem> {
    let main = form(&app, &visit.member.account, None).await?;
    Ok(private(&app, t("Change the password"), &visit.visit, &main))
}

async fn change(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(typed): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let problem = if (8..=200).contains(&typed.new.chars().count()) {
        let shown = Shown { password: &typed.old, code: &typed.code, source: &source.0 };
        let kept = visit.visit.token();
        match app.engine.change_password(visit.buyer, shown, &typed.new, kept).await? {
            Ok(()) => return Ok(changed(&app, &visit)),
            Err(OwnerRefusal::Password(PasswordRefusal::InvalidCredentials)) => {
                Problem::field("old", t("this is not your password"))
            }
            Err(refusal) => Problem::from(refusal),
        }
    } else {
        Problem::field("new", t("8 to 200 characters"))
    };
    let main = form(&app, &visit.member.account, Some(&problem)).await?;
    let mut response = private(&app, t("Change the password"), &visit.visit, &main);
    *response.status_mut() = problem.status();
    Ok(response)
}

fn changed(app: &App, visit: &SignedIn) -> Response {
    let main = html! {
        h1 { (t("Your password was changed")) }
        p role="status" { (t("You stay signed in here, and are signed out everywhere else.")) }
        (keys_go_on())
        p { a.button href="/account" { (t("Back to your account")) } }
    };
    private(app, t("Your password was changed"), &visit.visit, &main).into_response()
}

/// Programs are not a browser that somebody forgot to sign out of.
fn keys_go_on() -> Markup {
    let link = html! { a href="/account/keys" { (t("look through them")) } };
    html! { p { (say!("Keys for programs go on working: {link}.", link)) } }
}

async fn form(app: &App, account: &Account, problem: Option<&Problem>) -> Result<Markup, Problem> {
    let factor = app.engine.credentials(account).await?.factor;
    let error = |name: &str| problem.and_then(|problem| problem.error(name)).map(sentence);
    let [old, new, wrong_code] = ["old", "new", "code"].map(error);
    Ok(html! {
        p.trail { a href="/account" { (t("Account")) } }
        h1 { (t("Change the password")) }
        p.lead { (t("You stay signed in here, and are signed out everywhere else.")) }
        (keys_go_on())
        @if let Some(problem) = problem.filter(|problem| problem.errors().is_empty()) {
            (complaint(&sentence(problem.detail())))
        }
        form.narrow method="post" action="/account/password" {
            // Password keepers want to know whose it is.
            input type="hidden" name="username" autocomplete="username" value=(account.email);
            (Field { name: "old", label: t("Present password"), kind: "password", value: "",
                autocomplete: "current-password", required: true, hint: None, error: old.as_deref() })
            (Field { name: "new", label: t("New password"), kind: "password", value: "", autocomplete: "new-password",
                required: true, hint: Some(t("At least 8 characters.")), error: new.as_deref() })
            @if factor.is_on() { (second_factor::code(wrong_code.as_deref())) }
            button type="submit" { (t("Change it")) }
        }
    })
}
