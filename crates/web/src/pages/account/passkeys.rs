//! The account's passkeys: listed, one more made by this device, one removed.
//!
//! What the password was shown for is in the options, which the page that comes hands to the device; its script sends back what
//! the device says.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::passkey::Passkey;
use scrip_engine::factor::buyer::Shown;
use scrip_engine::session::Credentials;
use serde::Deserialize;

use super::super::assets::PASSKEY;
use super::super::form::{Field, Form, Nothing, Told, complaint, done};
use super::super::look::date;
use super::super::refused::sentence;
use super::super::visit::{OwnAccounts, SignedIn};
use super::super::{private, runs_scripts};
use super::second_factor::code;
use crate::App;
use crate::extract::{IdPath, Query, Source};
use crate::language::{say, t};
use crate::passkey::{Created, CreationOptions};
use crate::problem::Problem;
use crate::text::Line;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/passkeys", get(show).post(invite))
        .route("/account/passkeys/keep", post(keep))
        .route("/account/passkeys/{id}/remove", post(remove))
}

/// What is shown for a new passkey. A password is never shown again: not even by a `Debug`.
#[derive(Default, Deserialize)]
struct NewForm {
    name: String,
    password: String,
    #[serde(default)]
    code: String,
}

/// What a device has made.
#[derive(Deserialize)]
struct MadeForm {
    name: String,
    credential: String,
}

async fn show(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let all = [
        ("added", t("The passkey was added. From now on it signs in, without your password.")),
        ("removed", t("The passkey was removed. Your device may keep it; it signs in no more.")),
    ];
    page(&app, &visit, (&done(told.done.as_deref(), &all), ""), None).await
}

/// The page that comes has the device make it, for who has the password.
async fn invite(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(form): Form<NewForm>,
) -> Result<Response, Problem> {
    let problem = match Line::<1, 100>::read(&form.name) {
        Ok(name) => {
            let shown = Shown { password: &form.password, code: &form.code, source: &source.0 };
            match app.engine.invite_passkey(visit.buyer, shown).await? {
                Ok(invitation) => {
                    let (shop, account) =
                        (&visit.visit.vendor.settings.name, &visit.member.account);
                    let options = CreationOptions::new(invitation, shop, account);
                    return Ok(making(&app, &visit, &name.0, &options));
                }
                Err(refusal) => Problem::from(refusal),
            }
        }
        Err(wrong) => Problem::field("name", wrong),
    };
    wrong(&app, &visit, &form.name, &problem).await
}

async fn keep(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Form(form): Form<MadeForm>,
) -> Result<Response, Problem> {
    let made = Line::<1, 100>::read(&form.name).ok();
    let made = made.zip(serde_json::from_str::<Created>(&form.credential).ok());
    let problem = match made {
        Some((name, credential)) => {
            match app.engine.keep_passkey(visit.buyer, credential.called(&name.0)).await? {
                Ok(_) => return Ok(Redirect::to("/account/passkeys?done=added").into_response()),
                Err(refusal) => Problem::from(refusal),
            }
        }
        None => Problem::field("credential", t("this is not what a browser says of a passkey")),
    };
    wrong(&app, &visit, &form.name, &problem).await
}

async fn remove(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<Passkey>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    app.engine.remove_passkey(visit.buyer, id).await??;
    Ok(Redirect::to("/account/passkeys?done=removed"))
}

async fn wrong(
    app: &App,
    visit: &SignedIn,
    name: &str,
    problem: &Problem,
) -> Result<Response, Problem> {
    let mut response = page(app, visit, (&Markup::default(), name), Some(problem)).await?;
    *response.status_mut() = problem.status();
    Ok(response)
}

async fn page(
    app: &App,
    visit: &SignedIn,
    (told, name): (&Markup, &str),
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let Credentials { passkeys, factor, .. } =
        app.engine.credentials(&visit.member.account).await?;
    let error = |name: &str| problem.and_then(|problem| problem.error(name)).map(sentence);
    let [wrong_name, wrong_password, wrong_code] = ["name", "password", "code"].map(error);
    // What a device says is in no field that anybody sees.
    let whole = problem.filter(|problem| problem.errors().is_empty());
    let whole = error("credential").or_else(|| whole.map(|problem| sentence(problem.detail())));
    let main = html! {
        p.trail { a href="/account" { (t("Account")) } }
        h1 { (t("Passkeys")) }
        (told)
        p.lead { (t("A passkey signs in with your fingerprint, your face or the PIN of your device, without your password and without a \
            code. Nobody can guess it, and no other site can ask for it.")) }
        @if let Some(whole) = whole { (complaint(&whole)) }
        @if passkeys.is_empty() { p { (t("There are none yet.")) } } @else { (list(&passkeys)) }
        @if app.engine.relying_party().is_some() {
            h2 { (t("A new passkey")) }
            form.narrow method="post" action="/account/passkeys" {
                (Field { name: "name", label: t("What you call it"), kind: "text", value: name, autocomplete: "off",
                    required: true, hint: Some(t("So that you know it again: My phone, for example.")),
                    error: wrong_name.as_deref() })
                // Password keepers want to know whose it is.
                input type="hidden" name="username" autocomplete="username" value=(visit.member.account.email);
                (Field { name: "password", label: t("Your password"), kind: "password", value: "",
                    autocomplete: "current-password", required: true, hint: None, error: wrong_password.as_deref() })
                @if factor.is_on() { (code(wrong_code.as_deref())) }
                button type="submit" { (t("Go on")) }
            }
            p.small { (t("Your password goes on working. A new password by mail removes all passkeys.")) }
        }
    };
    Ok(private(app, t("Passkeys"), &visit.visit, &main))
}

fn list(passkeys: &[Passkey]) -> Markup {
    html! {
        ul.items {
            @for passkey in passkeys {
                li {
                    span {
                        bdi { (passkey.name) } br;
                        span.small {
                            (say!("since {date}", date = date(passkey.created_at)))
                            @if let Some(at) = passkey.used_at { ", " (say!("last used {date}", date = date(at))) }
                            @if passkey.synced { ", " (t("on several devices")) }
                        }
                    }
                    form method="post" action={ "/account/passkeys/" (passkey.id) "/remove" } {
                        button.plain type="submit" { (t("Remove")) span.unseen { " " (passkey.name) } }
                    }
                }
            }
        }
    }
}

/// The page that has the device make a passkey, by its script.
fn making(app: &App, visit: &SignedIn, name: &str, options: &CreationOptions) -> Response {
    let options = serde_json::to_string(options).unwrap_or_default();
    let main = html! {
        p.trail { a href="/account/passkeys" { (t("Passkeys")) } }
        h1 { (t("A new passkey")) }
        p.lead { (say!("Your device asks for your fingerprint, your face or its PIN, and keeps “{name}” for this shop.",
            name = html! { bdi { (name) } })) }
        p data-without-passkeys { (t("This takes a browser that knows passkeys and runs the script of this page.")) }
        form.narrow method="post" action="/account/passkeys/keep" hidden data-makes-passkey=(options)
            data-failed=(t("No passkey was made. Try again, or begin again when five minutes have passed."))
            data-known=(t("This device keeps a passkey of your account already.")) {
            input type="hidden" name="name" value=(name);
            input type="hidden" name="credential" value="";
            p role="status" {}
            button type="submit" { (t("Make the passkey")) }
        }
        script src=(PASSKEY.now()) defer {}
    };
    let mut response = private(app, t("A new passkey"), &visit.visit, &main);
    runs_scripts(&mut response);
    response
}

/// What the account's page says of them.
pub fn line(passkeys: &[Passkey]) -> Markup {
    let names = passkeys.iter().map(|passkey| passkey.name.as_str()).collect::<Vec<_>>();
    html! { @if names.is_empty() { (t("None")) } @else { bdi { (names.join(", ")) } } }
}
