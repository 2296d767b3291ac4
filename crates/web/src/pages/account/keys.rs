//! Keys of the buyer's own programs: made, told once, listed, taken back.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::api_key::{ApiKey, Scope};
use scrip_engine::Page;
use scrip_engine::account::NoSuchAccount;
use scrip_engine::api_key::OwnKeyRefusal;
use scrip_engine::factor::buyer::Shown;
use serde::Deserialize;

use super::super::form::{Field, Form, Nothing, complaint, mistake};
use super::super::look::{Tone, badge, date, once};
use super::super::refused::sentence;
use super::super::visit::{OwnAccounts, SignedIn};
use super::super::{private, private_with_script};
use super::second_factor::code;
use crate::App;
use crate::extract::{IdPath, Source};
use crate::language::{say, t};
use crate::problem::{Problem, kind};
use crate::text::Line;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/keys", get(show).post(make))
        .route("/account/keys/{id}/revoke", post(revoke))
}

/// Of keys that were taken back so many of the newest are shown.
const BACK: Page = Page { after: None, limit: 30 };
/// Of those that are good all are: the staff makes some, too.
const GOOD: u32 = 100;

/// A password is never shown again: not even by a `Debug`.
#[derive(Default, Deserialize)]
struct KeyForm {
    #[serde(default)]
    label: String,
    /// `read`, or `purchase`, which reads too.
    #[serde(default)]
    scope: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
}

impl KeyForm {
    fn read(&self) -> Result<(Vec<Scope>, String), Problem> {
        let label = Line::<1, 100>::read(&self.label);
        let label = label.map_err(|wrong| Problem::field("label", wrong))?.0;
        let scopes = match self.scope.as_str() {
            "read" => vec![Scope::Read],
            "purchase" => vec![Scope::Purchase, Scope::Read],
            _ => return Err(Problem::field("scope", t("choose one"))),
        };
        Ok((scopes, label))
    }
}

async fn show(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
) -> Result<Response, Problem> {
    page(&app, &visit, &KeyForm::default(), None).await
}

/// The page that comes shows the key, this once.
async fn make(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(form): Form<KeyForm>,
) -> Result<Response, Problem> {
    let lacking = || {
        let detail = t("the form lacks its key, or is a day old: send it again");
        Problem::new(&kind::MALFORMED, detail)
    };
    let once = app.engine.fresh_of::<ApiKey>(form.key.trim()).ok_or_else(lacking);
    let problem = match once.and_then(|once| Ok((once, form.read()?))) {
        Ok((once, (scopes, label))) => {
            let KeyForm { password, code, .. } = &form;
            let shown = Shown { password, code, source: &source.0 };
            match app.engine.make_own_key(visit.buyer, shown, scopes, label, &once).await? {
                Ok(Some(made)) => return Ok(told(&app, &visit, &made.key, &made.token)),
                // It was made by this form before, and is not told again.
                Ok(None) => return Ok(Redirect::to("/account/keys").into_response()),
                Err(OwnKeyRefusal::NoSuchAccount) => return Err(NoSuchAccount.into()),
                Err(OwnKeyRefusal::Owner(refusal)) => Problem::from(refusal),
                Err(OwnKeyRefusal::TooMany) => Problem::field(
                    "label",
                    t("you have as many keys as one account may have: revoke one first"),
                ),
            }
        }
        Err(problem) => problem,
    };
    let mut response = page(&app, &visit, &form, Some(&problem)).await?;
    *response.status_mut() = problem.status();
    Ok(response)
}

fn told(app: &App, visit: &SignedIn, key: &ApiKey, token: &str) -> Response {
    let main = html! {
        p.trail { a href="/account/keys" { (t("Keys for programs")) } }
        h1 { (t("A new key")) }
        p.lead role="status" { (say!("Give this to the program that is “{label}”.", label = html! { bdi { (key.label) } })) }
        (once(token))
        p { a.button href="/account/keys" { (t("I have kept it")) } }
    };
    private_with_script(app, t("A new key"), &visit.visit, &main)
}

async fn revoke(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    IdPath(key): IdPath<ApiKey>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    app.engine.revoke_own_key(visit.buyer, key).await??;
    Ok(Redirect::to("/account/keys"))
}

async fn page(
    app: &App,
    visit: &SignedIn,
    form: &KeyForm,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let store = app.engine.store();
    let mut keys = store.good_api_keys_of(visit.buyer.account, GOOD).await?;
    let newest = store.api_keys_of(visit.buyer.account, BACK).await?;
    keys.extend(newest.into_iter().filter(|key| key.revoked_at.is_some()));
    let error = |name: &str| problem.and_then(|problem| problem.error(name)).map(sentence);
    let (label, scope, password) = (error("label"), error("scope"), error("password"));
    let wrong_code = error("code");
    let factor = app.engine.credentials(&visit.member.account).await?.factor;
    let whole = problem.filter(|problem| problem.errors().is_empty());
    let once = app.engine.fresh::<ApiKey>()?;
    let main = html! {
        p.trail { a href="/account" { (t("Account")) } }
        h1 { (t("Keys for programs")) }
        p.lead { (t("A program can read your account or buy for it, with a key of its own. Whoever has the key can do what it \
            may: give each program one, and take it back when it is not needed any more.")) }
        @if keys.is_empty() { p { (t("There are none yet.")) } } @else { (list(&keys)) }
        h2 { (t("A new key")) }
        @if let Some(problem) = whole { (complaint(&sentence(problem.detail()))) }
        form.narrow method="post" action="/account/keys" {
            input type="hidden" name="key" value=(once);
            (Field { name: "label", label: t("What the key is for"), kind: "text", value: &form.label, autocomplete: "off",
                required: true, hint: None, error: label.as_deref() })
            fieldset {
                legend { (t("What it may do")) }
                label.option {
                    input type="radio" name="scope" value="read" checked[form.scope != "purchase"];
                    span { (t("Read the account, its orders and its codes")) }
                }
                label.option {
                    input type="radio" name="scope" value="purchase" checked[form.scope == "purchase"];
                    span { (t("Buy and top up, too")) }
                }
                @if let Some(text) = &scope { (mistake(None, text)) }
            }
            // Password keepers want to know whose it is.
            input type="hidden" name="username" autocomplete="username" value=(visit.member.account.email);
            (Field { name: "password", label: t("Your password"), kind: "password", value: "",
                autocomplete: "current-password", required: true, hint: None, error: password.as_deref() })
            @if factor.is_on() { (code(wrong_code.as_deref())) }
            button type="submit" { (t("Make the key")) }
        }
        p { a href="/docs" { (t("What a program can do")) } }
    };
    Ok(private(app, t("Keys for programs"), &visit.visit, &main))
}

fn list(keys: &[ApiKey]) -> Markup {
    html! {
        ul.items {
            @for key in keys {
                li {
                    span {
                        bdi { (key.label) } " " code.small { (key.id) } br;
                        span.small {
                            @if key.scopes.contains(&Scope::Purchase) { (t("Reads and buys")) } @else { (t("Reads")) }
                            ", " (say!("since {date}", date = date(key.created_at)))
                        }
                    }
                    @if key.revoked_at.is_some() { (badge(Tone::Info, t("Revoked"))) } @else {
                        form method="post" action={ "/account/keys/" (key.id) "/revoke" } {
                            button.plain type="submit" { (t("Revoke")) span.unseen { " " (key.label) } }
                        }
                    }
                }
            }
        }
    }
}
