//! Terms, privacy, imprint and terms of the token: written, looked at, and published as a version that stays.
//!
//! ```text
//! the text in force ──written anew──▶ shown as it will be ──publish──▶ the text in force
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, PreEscaped, html};
use scrip_domain::legal::LegalName;
use scrip_engine::catalog::markdown;
use scrip_engine::legal::Legal;

use crate::App;
use crate::extract::{NamePath, Query};
use crate::pages::admin::catalog::Area;
use crate::pages::admin::desk::{Clerk, Desk, Settings};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::admin::parts::{Told, done, table};
use crate::pages::admin::{Section, page, with_status};
use crate::pages::form::Form;
use crate::pages::{date, legal};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/settings/legal", get(list))
        .route("/admin/settings/legal/{document}", get(ask).post(publish))
}

/// What was done a moment ago, by its word.
const DONE: [(&str, &str); 1] =
    [("published", "It is in force now, and stays readable under its version.")];

async fn list(
    State(app): State<App>,
    desk: Desk<Settings>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let texts = app.engine.legal_texts().await?;
    let of = |name: LegalName| texts.iter().find(|legal| legal.text.name == name);
    let main = html! {
        p.trail { a href="/admin/settings" { "Settings" } }
        (done(told.done.as_deref(), &DONE))
        p.lead { "Every page leads to these. A version that was published stays: a change is a new one." }
        (table(&["Text", "In force", "Since", "?What can be done"], &html! {
            @for name in LegalName::ALL { (row(*name, of(*name))) }
        }))
    };
    Ok(page(&app, &desk, "Legal texts", Section::Settings, &main))
}

fn row(name: LegalName, legal: Option<&Legal>) -> Markup {
    let at = format!("/admin/settings/legal/{name}");
    html! {
        tr {
            th scope="row" { (name.title()) }
            td { @match legal {
                Some(Legal { text, .. }) => a href=(legal::address(name)) { "Version " (text.version) },
                None => "None yet",
            } }
            td { @if let Some(Legal { text, .. }) = legal { (date(text.published_at)) } }
            td { a href=(at) { @if legal.is_some() { "Write a new version" } @else { "Write it" } span.unseen { " of " (name.title()) } } }
        }
    }
}

fn named(document: &str) -> Result<LegalName, Problem> {
    LegalName::parse(document).ok_or_else(Problem::not_found)
}

async fn ask(
    State(app): State<App>,
    desk: Desk<Settings>,
    NamePath(document): NamePath<String>,
) -> Result<Response, Problem> {
    let name = named(&document)?;
    let texts = app.engine.legal_texts().await?;
    let mut entry = Entry::default();
    if let Some(legal) = texts.iter().find(|legal| legal.text.name == name) {
        entry.put("text", &legal.text.text);
    }
    Ok(form(&app, &desk, name, Sent::only(&entry, None), false))
}

async fn publish(
    State(app): State<App>,
    desk: Desk<Settings>,
    NamePath(document): NamePath<String>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let name = named(&document)?;
    if entry.get("act") == "preview" {
        return Ok(form(&app, &desk, name, Sent::only(&entry, None), true));
    }
    let version = Some(entry.get("version")).filter(|version| !version.is_empty());
    match app.engine.publish_legal(desk.staff, name, entry.get("text"), version).await? {
        Ok(_) => Ok(Redirect::to("/admin/settings/legal?done=published").into_response()),
        Err(refusal) => {
            let problem = Problem::from(refusal);
            let sent = Sent::only(&entry, Some(&problem));
            Ok(with_status(form(&app, &desk, name, sent, false), &problem))
        }
    }
}

fn form(app: &App, clerk: &Clerk, name: LegalName, sent: Sent<'_>, preview: bool) -> Response {
    let text = sent.value("text");
    let main = html! {
        p.trail { a href="/admin/settings" { "Settings" } " / " a href="/admin/settings/legal" { "Legal texts" } }
        (sent.complaint())
        @if name == LegalName::Terms {
            p { "Orders accept the version that is in force when they are made." }
        }
        @if preview {
            section.card aria-labelledby="preview" {
                h2 #preview { "Not published yet" }
                // Made harmless by the engine.
                div.prose dir="auto" { (PreEscaped(markdown::to_html(text))) }
            }
        }
        form method="post" action={ "/admin/settings/legal/" (name) } {
            (Area { name: "text", label: "Text", rows: 24, value: text, hint: Some("In Markdown."), error: sent.error("text") })
            (sent.optional("version", "Version", Some("Letters, digits and . - _ + ~. Empty: the day of today.")))
            div.row {
                button type="submit" { "Publish" }
                button.second type="submit" name="act" value="preview" { "Show how it looks" }
            }
        }
    };
    page(app, clerk, name.title(), Section::Settings, &main)
}
