//! Keys: what programs sign in with, and what the server signs with.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::api_key::{ApiKey, Scope};
use scrip_engine::account::NoSuchAccount;
use scrip_engine::api_key::NewKey;
use scrip_engine::keys::Purpose;
use scrip_license::KeySet;
use serde::Deserialize;

use super::desk::{Desk, Settings};
use super::entry::{fresh, made};
use super::parts::{Place, pager, range, table};
use super::{Section, page, page_with_script, with_status};
use crate::App;
use crate::api::List;
use crate::api::admin::scopes_fit;
use crate::extract::{IdPath, Query};
use crate::pages::date;
use crate::pages::form::{Field, Form, Nothing, complaint, mistake};
use crate::pages::look::{Tone, badge, once};
use crate::pages::refused::sentence;
use crate::problem::Problem;
use crate::text::Line;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/keys", get(list).post(make))
        .route("/admin/keys/{id}/revoke", post(revoke))
        .route("/admin/keys/rotate", get(ask).post(rotate))
}

async fn list(
    State(app): State<App>,
    desk: Desk<Settings>,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let main = all(&app, place.after.as_deref(), &KeyForm::default(), None).await?;
    Ok(page(&app, &desk, "Keys", Section::Keys, &main))
}

/// A key that is wanted: a field for each scope, since a form has no lists.
#[derive(Debug, Default, Deserialize)]
struct KeyForm {
    label: String,
    #[serde(default)]
    account: String,
    admin: Option<String>,
    catalog: Option<String>,
    accounts: Option<String>,
    metrics: Option<String>,
    read: Option<String>,
    purchase: Option<String>,
    #[serde(default)]
    key: String,
}

impl KeyForm {
    fn has(&self, scope: Scope) -> bool {
        let ticked = match scope {
            Scope::Admin => &self.admin,
            Scope::Catalog => &self.catalog,
            Scope::Accounts => &self.accounts,
            Scope::Read => &self.read,
            Scope::Purchase => &self.purchase,
            Scope::Metrics => &self.metrics,
        };
        ticked.is_some()
    }

    /// What it asks for, if it can be.
    async fn read(&self, app: &App) -> Result<(Option<Id<Account>>, Vec<Scope>, String), Problem> {
        let label = Line::<1, 100>::read(&self.label);
        let label = label.map_err(|wrong| Problem::field("label", wrong))?.0;
        let account = match self.account.trim() {
            "" => None,
            typed => {
                let account = typed.parse().map_err(|_| unknown())?;
                Some(app.engine.member(account).await?.map(|_| account).ok_or_else(unknown)?)
            }
        };
        let scopes: Vec<_> = Scope::ALL.iter().copied().filter(|scope| self.has(*scope)).collect();
        scopes_fit(&scopes, account.is_some())?;
        Ok((account, scopes, label))
    }
}

/// The page that comes shows the key, this once.
async fn make(
    State(app): State<App>,
    desk: Desk<Settings>,
    Form(form): Form<KeyForm>,
) -> Result<Response, Problem> {
    let wanted = match made::<ApiKey>(&app, form.key.trim()) {
        Ok(once) => form.read(&app).await.map(|fields| (once, fields)),
        Err(problem) => Err(problem),
    };
    let problem = match wanted {
        Ok((once, (account, scopes, label))) => {
            let made = app.engine.make_key_once(desk.staff, account, scopes, label, &once).await?;
            match made {
                Ok(Some(made)) => return Ok(told(&app, &desk, &made)),
                Ok(None) => return Ok(Redirect::to("/admin/keys").into_response()),
                Err(NoSuchAccount) => unknown(),
            }
        }
        Err(problem) => problem,
    };
    let main = all(&app, None, &form, Some(&problem)).await?;
    Ok(with_status(page(&app, &desk, "Keys", Section::Keys, &main), &problem))
}

fn unknown() -> Problem {
    Problem::field("account", "there is no such account")
}

fn told(app: &App, desk: &Desk<Settings>, made: &NewKey) -> Response {
    let main = html! {
        p.lead { "Give this to the program that is “" (made.key.label) "”." }
        (once(&made.token))
        p { a.button href="/admin/keys" { "I have copied it" } }
    };
    page_with_script(app, desk, "A new key", Section::Keys, &main)
}

async fn revoke(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(key): IdPath<ApiKey>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    app.engine.revoke_key(desk.staff, key).await??;
    Ok(Redirect::to("/admin/keys"))
}

async fn all(
    app: &App,
    after: Option<&str>,
    form: &KeyForm,
    problem: Option<&Problem>,
) -> Result<Markup, Problem> {
    let asked = range(app, "api-keys", after)?;
    let rows = app.engine.store().api_keys(asked).await?;
    let number = |key: &ApiKey| key.id.number();
    let listed = List::of(&app.engine, "api-keys", asked, &rows, number, ApiKey::clone);
    let keys = app.engine.keys();
    Ok(html! {
        h2 { "API keys" }
        p { "What programs sign in with, in the vendor's name or in that of an account." }
        (table(&["Label", "Scopes", "Whose", "Made", "?What can be done"], &html! {
            @for key in &listed.data { (row(key)) }
        }))
        (pager("/admin/keys", listed.next.as_deref()))
        (key_form(app, form, problem)?)
        h2 { "Signing keys" }
        p { "What the server signs with. A new key signs from then on; what the old ones signed stays good." }
        h3 { "Licenses" }
        (signing(keys.public()))
        p { a.button.second href="/admin/keys/rotate?purpose=license" { "Make a new license key" } }
        @if keys.protocol().is_some() {
            h3 { "Other servers" }
            (signing(keys.public_protocol()))
            p { a.button.second href="/admin/keys/rotate?purpose=protocol" { "Make a new protocol key" } }
        }
    })
}

fn row(key: &ApiKey) -> Markup {
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    html! {
        tr {
            td { (key.label) br; code.small { (key.id) } }
            td { (scopes.join(", ")) }
            td { @match key.account { Some(account) => code { (account) }, None => "the vendor's" } }
            td { (date(key.created_at)) }
            td {
                @if key.revoked_at.is_some() { (badge(Tone::Info, "revoked")) } @else {
                    details {
                        summary { "Revoke" }
                        form method="post" action={ "/admin/keys/" (key.id) "/revoke" } {
                            button.danger type="submit" { "Revoke it for good" }
                        }
                    }
                }
            }
        }
    }
}

fn key_form(app: &App, form: &KeyForm, problem: Option<&Problem>) -> Result<Markup, Problem> {
    let error = |name: &str| problem.and_then(|problem| problem.error(name));
    let whole = problem.filter(|problem| problem.errors().is_empty());
    Ok(html! {
        h3 { "A new key" }
        @if let Some(problem) = whole { (complaint(&sentence(problem.detail()))) }
        form.narrow method="post" action="/admin/keys" {
            (fresh::<ApiKey>(app)?)
            (Field { name: "label", label: "Label", kind: "text", value: &form.label, autocomplete: "off",
                required: true, hint: Some("What it is for."), error: error("label") })
            fieldset {
                legend { "Scopes" }
                @for scope in Scope::ALL {
                    label.option {
                        input type="checkbox" name=(scope) value="yes" checked[form.has(*scope)];
                        span { (scope) " " span.small { (reach(*scope)) } }
                    }
                }
                @if let Some(text) = error("scopes") { (mistake(None, text)) }
            }
            (Field { name: "account", label: "Account", kind: "text", value: &form.account, autocomplete: "off",
                required: false, hint: Some("Of a buyer's key only: the account's id."), error: error("account") })
            button type="submit" { "Make the key" }
        }
    })
}

const fn reach(scope: Scope) -> &'static str {
    match scope {
        Scope::Admin => "everything that the vendor manages",
        Scope::Catalog => "products, offers, releases, files",
        Scope::Accounts => "accounts: see, adjust, freeze",
        Scope::Read => "an account's own data",
        Scope::Purchase => "an account's tokens: orders, top-ups",
        Scope::Metrics => "the server's figures",
    }
}

/// Keys by name, the one that signs now first.
fn signing(keys: &KeySet) -> Markup {
    html! {
        ul {
            @for (place, key) in keys.iter().enumerate() {
                li { code { (key.kid()) } " " @if place == 0 { (badge(Tone::Good, "signs now")) } }
            }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Which {
    #[serde(default)]
    purpose: String,
    /// The key that signed when the page was made.
    #[serde(default)]
    seen: String,
}

impl Which {
    fn read(&self) -> Result<(Purpose, &'static str), Problem> {
        match self.purpose.as_str() {
            "license" => Ok((Purpose::License, "license")),
            "protocol" => Ok((Purpose::Protocol, "protocol")),
            _ => Err(Problem::field("purpose", "license or protocol")),
        }
    }
}

/// What would happen, before it does.
async fn ask(
    State(app): State<App>,
    desk: Desk<Settings>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let (purpose, word) = which.read()?;
    let main = html! {
        @match purpose {
            Purpose::License => {
                p { "A new key signs every code that is sold from then on. Codes that are out stay good, and programs "
                    "follow the chain of keys from the one they were shipped with." }
            }
            Purpose::Protocol => {
                p { "A new key signs what goes to other servers from then on. They read it here when they meet it first." }
            }
        }
        p { "The old key stays, since what it signed is verified with it. It cannot be undone. Take a backup of the keys "
            "afterwards." }
        form.choice method="post" action="/admin/keys/rotate" {
            input type="hidden" name="purpose" value=(word);
            // Whoever presses twice has seen the same key sign, and gets one new one.
            input type="hidden" name="seen" value=(app.engine.signs_now(purpose).unwrap_or_default());
            button type="submit" { "Make the new key" }
            a.button.second href="/admin/keys" { "Leave it" }
        }
    };
    Ok(page(&app, &desk, "A new signing key?", Section::Keys, &main))
}

async fn rotate(
    State(app): State<App>,
    desk: Desk<Settings>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    let (purpose, _) = which.read()?;
    let kid = app.engine.rotate_key_from(desk.staff, purpose, which.seen.trim()).await??;
    tracing::info!(kid, ?purpose, "a new key signs from now on");
    Ok(Redirect::to("/admin/keys").into_response())
}
