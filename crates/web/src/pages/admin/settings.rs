//! How the shop is set: every setting in a group, each group a form of its own.
//!
//! A form that is wrong comes back as it was typed, among the others as they are in force. What is saved is what was
//! shown: settings that somebody else has changed meanwhile stay as that person left them, but for the group's own.

mod groups;
mod lines;
mod mail;
mod money;
mod preview;
mod refunds;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::settings::Settings;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::groups::{Called, Flow, Registration, Staff, Terms, Threshold, Visibility};
use self::mail::Mail;
use self::money::{Credit, Limits, Offline, Packs, Prices};
use self::refunds::Refunds;
use super::desk::{Clerk, Desk, Settings as ToSettings};
use super::{Section, page, with_status};
use crate::App;
use crate::extract::Query;
use crate::pages::form::{Form, complaint};
use crate::pages::look::{Tone, notice};
use crate::pages::refused::sentence;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    let groups = GROUPS.iter().fold(Router::new(), |router, group| (group.route)(router));
    groups.route("/admin/settings", get(show)).merge(preview::routes())
}

/// Some settings that belong together, as a form.
trait Group: DeserializeOwned + Send + Sync + 'static {
    /// Its word in addresses.
    const WORD: &'static str;
    /// What people call it.
    const TITLE: &'static str;

    /// The form, filled with what is in force.
    fn of(settings: &Settings) -> Self;

    /// The settings with what the form says in place of what was there.
    fn on(&self, settings: &Settings) -> Result<Settings, Problem>;

    /// The fields, each with what is wrong with it.
    fn fields(&self, settings: &Settings, wrong: Wrong<'_>) -> Markup;

    /// Whether this server has any use for it.
    fn is_here(_: &App) -> bool {
        true
    }
}

/// What is wrong with a form.
#[derive(Clone, Copy, Debug)]
struct Wrong<'a>(Option<&'a Problem>);

impl<'a> Wrong<'a> {
    /// What is wrong with the field that stands for the setting `name`, or for something within it.
    fn with(self, name: &str) -> Option<&'a str> {
        let error = self.0?.errors().iter().find(|error| {
            let rest = error.field.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        });
        error.map(|error| error.detail.as_str())
    }
}

/// A group, once its type is forgotten.
struct Entry {
    word: &'static str,
    title: &'static str,
    route: fn(Router<App>) -> Router<App>,
    is_here: fn(&App) -> bool,
    shown: fn(&Settings) -> Markup,
}

const fn entry<G: Group>() -> Entry {
    Entry {
        word: G::WORD,
        title: G::TITLE,
        route: |router| router.route(&address(G::WORD), post(change::<G>)),
        is_here: G::is_here,
        shown: |settings| G::of(settings).fields(settings, Wrong(None)),
    }
}

/// Every group, in the order in which they are shown. Between them they have every setting but `look`, which the API sets.
static GROUPS: [Entry; 14] = [
    entry::<Called>(),
    entry::<Flow>(),
    entry::<Threshold>(),
    entry::<Visibility>(),
    entry::<Registration>(),
    entry::<Prices>(),
    entry::<Packs>(),
    entry::<Limits>(),
    entry::<Credit>(),
    entry::<Offline>(),
    entry::<Terms>(),
    entry::<Refunds>(),
    entry::<Mail>(),
    entry::<Staff>(),
];

fn address(word: &str) -> String {
    format!("/admin/settings/{word}")
}

#[derive(Debug, Default, Deserialize)]
struct Saved {
    saved: Option<String>,
}

async fn show(
    State(app): State<App>,
    desk: Desk<ToSettings>,
    Query(Saved { saved }): Query<Saved>,
) -> Response {
    let saved = GROUPS.iter().find(|group| Some(group.word) == saved.as_deref());
    let main = html! {
        @if let Some(group) = saved { (notice(Tone::Good, &html! { p { "Saved: " (group.title) "." } })) }
        (all(&app, &desk.vendor.settings, None))
    };
    page(&app, &desk, "Settings", Section::Settings, &main)
}

async fn change<G: Group>(
    State(app): State<App>,
    desk: Desk<ToSettings>,
    Form(form): Form<G>,
) -> Result<Response, Problem> {
    let change = |old: Option<&Settings>| form.on(old.ok_or_else(Problem::not_found)?);
    match app.engine.change_settings(desk.staff, change).await? {
        Ok(_) => {
            let to = format!("/admin/settings?saved={word}#{word}", word = G::WORD);
            Ok(Redirect::to(&to).into_response())
        }
        Err(problem) => Ok(again(&app, &desk, &form, &problem)),
    }
}

fn again<G: Group>(app: &App, clerk: &Clerk, form: &G, problem: &Problem) -> Response {
    let settings = &clerk.vendor.settings;
    let fields = form.fields(settings, Wrong(Some(problem)));
    let fields = html! { (complaint(&sentence(problem.detail()))) (fields) };
    let main = all(app, settings, Some((G::WORD, &fields)));
    with_status(page(app, clerk, "Settings", Section::Settings, &main), problem)
}

/// Every group; the one that was sent as it was typed.
fn all(app: &App, settings: &Settings, sent: Option<(&str, &Markup)>) -> Markup {
    let here: Vec<_> = GROUPS.iter().filter(|group| (group.is_here)(app)).collect();
    html! {
        p.lead { "Each part is saved by itself, and holds at once. "
            a href="/admin/settings/preview" { "See the shop as buyers see it" } }
        nav aria-label="Settings" {
            ul.row { @for group in &here { li { a href={ "#" (group.word) } { (group.title) } } } }
        }
        @for group in &here {
            section id=(group.word) aria-labelledby={ (group.word) "-title" } {
                h2 id={ (group.word) "-title" } { (group.title) }
                form.settings method="post" action=(address(group.word)) {
                    @match sent.filter(|(word, _)| *word == group.word) {
                        Some((_, fields)) => (fields),
                        None => ((group.shown)(settings)),
                    }
                    button type="submit" { "Save" }
                }
            }
        }
    }
}
