//! Releases: made open, given files, published for ever.
//!
//! ```text
//! (nothing) ──made──▶ open ──published──▶ published: its notes can change, its files never
//!                     │  ▲
//!                     └──┘ files come and go, notes change
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::catalog::{File, Product, Release};
use scrip_domain::staff::Power;
use scrip_engine::catalog::release::{ReleaseFields, STABLE};
use serde::Deserialize;

use super::fields::{Area, refused, wrong};
use super::files::{self, FileForm};
use super::product::release_state;
use super::{Catalogue, Desk, See, back, named, part, part_again};
use crate::App;
use crate::extract::{NamePath, Query};
use crate::pages::admin::parts::{Told, done};
use crate::pages::form::{Field, Form, Nothing};
use crate::pages::look::{Tone, notice};
use crate::pages::{asks_here, runs_scripts};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    let release = "/admin/products/{slug}/releases/{channel}/{version}";
    Router::new()
        .route("/admin/products/{slug}/new-release", get(blank).post(create))
        .route(release, get(show).post(change))
        .route(&format!("{release}/publish"), get(ask_publish).post(publish))
}

/// What was done to it a moment ago, by its word.
const DONE: [(&str, &str); 5] = [
    ("made", "The release is made. Nobody gets it before it is published."),
    ("saved", "Saved."),
    ("uploaded", "The file is here."),
    ("removed", "The file is removed."),
    ("published", "Published: buyers get its files."),
];

/// A release's names in an address.
pub type Names = (String, String, String);

/// The address of a release's page.
pub fn address(product: &Product, channel: &str, version: &str) -> String {
    format!("{}/releases/{channel}/{version}", super::address(&product.slug))
}

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ReleaseForm {
    version: String,
    channel: String,
    notes: String,
}

/// A product and the release of it that an address names.
pub async fn found(
    app: &App,
    (slug, channel, version): &Names,
) -> Result<(Product, Release, Vec<File>), Problem> {
    let product = named(app, slug).await?;
    let store = app.engine.store();
    let release = store.release_by_version(product.id, version, channel).await?;
    let release = release.ok_or_else(Problem::not_found)?;
    let files = store.files_of(release.id).await?;
    Ok((product, release, files))
}

async fn blank(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let form = ReleaseForm { channel: STABLE.to_owned(), ..ReleaseForm::default() };
    Ok(new_page(&app, &desk, &product, &form, None))
}

async fn create(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
    Form(form): Form<ReleaseForm>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let (channel, version) = (form.channel.trim(), form.version.trim());
    let there = app.engine.store().release_by_version(product.id, version, channel).await?;
    let problem = match there {
        // The button was pressed twice.
        Some(there)
            if there.published_at.is_none() && there.notes == form.notes.replace("\r\n", "\n") =>
        {
            return Ok(back(&address(&product, channel, version), "made"));
        }
        Some(_) => Problem::field(
            "version",
            "the channel has this version: choose another, or open that one",
        ),
        None => {
            let fields =
                ReleaseFields { notes: form.notes.clone(), files: Vec::new(), publish: false };
            match app.engine.put_release(desk.staff, &slug, channel, version, fields).await? {
                Ok(_) => return Ok(back(&address(&product, channel, version), "made")),
                Err(refusal) => refusal.into(),
            }
        }
    };
    Ok(new_page(&app, &desk, &product, &form, Some(&problem)))
}

fn new_page(
    app: &App,
    desk: &Desk<Catalogue>,
    product: &Product,
    form: &ReleaseForm,
    problem: Option<&Problem>,
) -> Response {
    let line = |name, label, value, hint| Field {
        name,
        label,
        kind: "text",
        value,
        autocomplete: "off",
        required: true,
        hint: Some(hint),
        error: wrong(problem, name),
    };
    let main = html! {
        (refused(problem))
        p.lead { "It stays open until you publish it: upload its files next." }
        form.sheet method="post" action={ (super::address(&product.slug)) "/new-release" } {
            (line("version", "Version", &form.version, "As you write it: 1.2.0, 2026-11, 2.0.0-beta.1."))
            (line("channel", "Channel", &form.channel,
                "Buyers get the newest release of stable. A beta channel is for who asks for it."))
            (notes_field(&form.notes, problem))
            button type="submit" { "Make it" }
        }
    };
    part_again((app, desk), product, "New release", &main, problem)
}

fn notes_field(notes: &str, problem: Option<&Problem>) -> Markup {
    html! {
        (Area { name: "notes", label: "What is new", rows: 6, value: notes, hint: Some("Markdown."),
            error: wrong(problem, "notes") })
    }
}

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    NamePath(names): NamePath<Names>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let (product, release, files) = found(&app, &names).await?;
    let main = html! {
        (done(told.done.as_deref(), &DONE))
        (main(&desk, &product, &release, &files, &Shown::default()))
    };
    let mut response = part(&app, &desk, &product, &title(&release), &main);
    runs_scripts(&mut response);
    asks_here(&mut response);
    Ok(response)
}

fn title(release: &Release) -> String {
    format!("Release {}", release.version)
}

/// What stands in the forms of a release's page, when one of them was not taken.
#[derive(Debug, Default)]
pub struct Shown<'a> {
    /// The notes, as they were typed.
    pub notes: Option<&'a str>,
    /// What was typed about a file.
    pub file: FileForm,
    /// What is wrong.
    pub problem: Option<&'a Problem>,
}

/// The page of a release again, after a form of it was not taken.
pub async fn again(
    app: &App,
    desk: &Desk<Catalogue>,
    names: &Names,
    shown: &Shown<'_>,
) -> Result<Response, Problem> {
    let (product, release, files) = found(app, names).await?;
    let main = main(desk, &product, &release, &files, shown);
    let mut response = part_again((app, desk), &product, &title(&release), &main, shown.problem);
    runs_scripts(&mut response);
    asks_here(&mut response);
    Ok(response)
}

fn main(
    clerk: &super::Clerk,
    product: &Product,
    release: &Release,
    files: &[File],
    shown: &Shown<'_>,
) -> Markup {
    let at = address(product, &release.channel, &release.version);
    let (open, changes) = (release.published_at.is_none(), clerk.may(Power::Catalogue));
    html! {
        (refused(shown.problem))
        p.row { (release_state(product, release)) span { "Channel " code { (release.channel) } } }
        h2 { "Files" }
        (files::table(&at, files, open && changes))
        @if open && changes {
            (files::upload_form(&at, &shown.file, shown.problem))
            h2 { "Publish" }
            p { "Then its files are fixed for ever: codes carry the digest of their list." }
            p { a.button href={ (at) "/publish" } { "Publish this release" } }
        }
        @if !files.is_empty() {
            details {
                summary { "Digest of the list of files" }
                code.long { (release.manifest) }
            }
        }
        h2 { "Release notes" }
        @if changes {
            form.sheet method="post" action=(at) {
                (notes_field(shown.notes.unwrap_or(&release.notes), shown.problem))
                button.second type="submit" { "Save the notes" }
            }
        } @else { p.pre dir="auto" { (release.notes) } }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NotesForm {
    notes: String,
}

async fn change(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(names): NamePath<Names>,
    Form(form): Form<NotesForm>,
) -> Result<Response, Problem> {
    let (slug, channel, version) = &names;
    let with = |now: ReleaseFields| ReleaseFields { notes: form.notes.clone(), ..now };
    match app.engine.amend_release(desk.staff, slug, channel, version, with).await? {
        Ok(_) => to_release(&app, &names, "saved").await,
        Err(refusal) => {
            let problem = Problem::from(refusal);
            let shown =
                Shown { notes: Some(&form.notes), problem: Some(&problem), ..Shown::default() };
            again(&app, &desk, &names, &shown).await
        }
    }
}

/// Back to the page of the release, which tells what was done by its word.
pub async fn to_release(
    app: &App,
    (slug, channel, version): &Names,
    word: &str,
) -> Result<Response, Problem> {
    let product = named(app, slug).await?;
    Ok(back(&address(&product, channel, version), word))
}

async fn ask_publish(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(names): NamePath<Names>,
) -> Result<Response, Problem> {
    let (product, release, files) = found(&app, &names).await?;
    let at = address(&product, &release.channel, &release.version);
    let main = html! {
        p.lead { "Version " (release.version) " in the channel " (release.channel) ", "
            @match files.len() { 1 => "one file", count => { (count) " files" } } "." }
        p { "It cannot be taken back, and its files never change. Whoever owns the product can download it." }
        @if files.is_empty() {
            (notice(Tone::Warn, &html! { p {
                "It has no files, and will never have any. " a href=(at) { "Upload them first" }
            } }))
        }
        form.choice method="post" action={ (at) "/publish" } {
            button type="submit" { "Publish it" }
            a.button.second href=(at) { "Not now" }
        }
    };
    Ok(part(&app, &desk, &product, "Publish this release?", &main))
}

async fn publish(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(names): NamePath<Names>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let (slug, channel, version) = &names;
    let with = |now: ReleaseFields| ReleaseFields { publish: true, ..now };
    app.engine.amend_release(desk.staff, slug, channel, version, with).await??;
    to_release(&app, &names, "published").await
}
