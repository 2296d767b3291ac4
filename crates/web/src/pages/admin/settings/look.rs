//! How the shop looks, and what it says of itself: colour, logo and a few texts.
//!
//! ```text
//! what is in force ──typed──▶ shown beside the form, as often as one likes ──saved──▶ in force
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::header;
use maud::{Markup, PreEscaped, html};
use scrip_domain::catalog::{PICTURE_TYPES, Picture};
use scrip_domain::language::Language;
use scrip_domain::look::{Accent, Look};
use scrip_domain::settings::Settings;
use scrip_domain::zone::Zone;
use scrip_engine::catalog::markdown;
use serde::Deserialize;

use crate::App;
use crate::extract::Query;
use crate::pages::admin::catalog::{Area, Choice, put_away};
use crate::pages::admin::desk::{Clerk, Desk, Settings as ToSettings};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::admin::parts::{Told, done};
use crate::pages::admin::{Section, mark, page_headed, with_status};
use crate::pages::assets::logo_now;
use crate::pages::form::{Field, Form, Nothing, mistake};
use crate::pages::multipart::Parts;
use crate::pages::theme;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/settings/look", get(show).post(change))
        .route("/admin/settings/look/theme.css", get(colours))
        .route("/admin/settings/look/logo", post(put_logo))
        .route("/admin/settings/look/logo/remove", post(remove_logo))
}

/// The most bytes of the text that says what the logo shows: 200 characters.
const ALT: usize = 800;

/// What was done a moment ago, by its word.
const DONE: [(&str, &str); 3] = [
    ("saved", "Saved. Every page looks so from now on."),
    ("logo", "The logo is on every page from now on."),
    ("removed", "The logo is gone: pages show the shop's name."),
];

async fn show(
    State(app): State<App>,
    desk: Desk<ToSettings>,
    Query(told): Query<Told>,
) -> Response {
    let entry = filled(&desk.vendor.settings.look);
    let told = done(told.done.as_deref(), &DONE);
    shown(&app, &desk, Sent::only(&entry, None), None, &told)
}

fn filled(look: &Look) -> Entry {
    let mut entry = Entry::default();
    entry.put("look.accent", look.accent.map(|accent| accent.to_string()).unwrap_or_default());
    entry.put("look.tagline", &look.tagline);
    entry.put("look.introduction", &look.introduction);
    entry.put("look.footer", &look.footer);
    entry.put("look.language", look.language);
    entry.put("look.time_zone", look.time_zone.name());
    entry.put("alt", look.logo.as_ref().map_or("", |logo| &logo.alt));
    entry
}

/// The look with what the form says; its logo stays.
fn read(entry: &Entry, old: &Look) -> Result<Look, Problem> {
    let accent = match entry.get("look.accent") {
        "" => None,
        text => {
            let wrong = || Problem::field("look.accent", "a colour such as #0a5a68");
            Some(Accent::parse(text).ok_or_else(wrong)?)
        }
    };
    let language = match entry.get("look.language") {
        "" => old.language,
        tag => {
            let known = Language::ALL.into_iter().find(|one| one.tag() == tag);
            known.ok_or_else(|| Problem::field("look.language", "choose one"))?
        }
    };
    let time_zone = match entry.get("look.time_zone") {
        "" => old.time_zone.clone(),
        name => {
            let wrong = || Problem::field("look.time_zone", "choose one");
            Zone::parse(name).ok_or_else(wrong)?
        }
    };
    Ok(Look {
        accent,
        language,
        time_zone,
        logo: old.logo.clone(),
        tagline: entry.line::<0, 200>("look.tagline")?,
        introduction: entry.text::<0, 5000>("look.introduction")?,
        footer: entry.text::<0, 1000>("look.footer")?,
    })
}

async fn change(
    State(app): State<App>,
    desk: Desk<ToSettings>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    if entry.get("act") == "preview" {
        return Ok(match read(&entry, &desk.vendor.settings.look) {
            Ok(look) => {
                let sent = Sent::only(&entry, None);
                shown(&app, &desk, sent, Some(&look), &Markup::default())
            }
            Err(problem) => again(&app, &desk, &entry, &problem),
        });
    }
    let with = |old: &Settings| Ok(Settings { look: read(&entry, &old.look)?, ..old.clone() });
    put(&app, &desk, &entry, "saved", with).await
}

async fn put_logo(
    State(app): State<App>,
    desk: Desk<ToSettings>,
    mut parts: Parts,
) -> Result<Response, Problem> {
    let mut entry = filled(&desk.vendor.settings.look);
    let mut logo = None;
    while let Some(head) = parts.next().await? {
        match (head.name.as_str(), &head.file) {
            ("alt", None) => entry.put("alt", parts.text(ALT).await?),
            ("logo", Some(name)) if !name.is_empty() => {
                let media_type = head.media_type.unwrap_or_default().to_ascii_lowercase();
                if !PICTURE_TYPES.contains(&media_type.as_str()) {
                    let problem = Problem::field("logo", "a PNG, JPEG, WebP, AVIF or GIF picture");
                    return Ok(again(&app, &desk, &entry, &problem));
                }
                let object = put_away(&app, &mut parts).await?.sha256.to_string();
                logo = Some((object, media_type));
            }
            _ => {}
        }
    }
    let Some((object, media_type)) = logo else {
        let problem = Problem::field("logo", "choose a picture");
        return Ok(again(&app, &desk, &entry, &problem));
    };
    let logo = Picture { alt: entry.get("alt").to_owned(), object, media_type };
    let with = |old: &Settings| {
        let look = Look { logo: Some(logo.clone()), ..old.look.clone() };
        Ok(Settings { look, ..old.clone() })
    };
    put(&app, &desk, &entry, "logo", with).await
}

async fn remove_logo(
    State(app): State<App>,
    desk: Desk<ToSettings>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let entry = filled(&desk.vendor.settings.look);
    let with = |old: &Settings| {
        let look = Look { logo: None, ..old.look.clone() };
        Ok(Settings { look, ..old.clone() })
    };
    put(&app, &desk, &entry, "removed", with).await
}

async fn put(
    app: &App,
    clerk: &Clerk,
    entry: &Entry,
    word: &str,
    with: impl Fn(&Settings) -> Result<Settings, Problem>,
) -> Result<Response, Problem> {
    let change = |old: Option<&Settings>| with(old.ok_or_else(Problem::not_found)?);
    Ok(match app.engine.change_settings(clerk.staff, change).await? {
        Ok(_) => Redirect::to(&format!("/admin/settings/look?done={word}")).into_response(),
        Err(problem) => again(app, clerk, entry, &problem),
    })
}

fn again(app: &App, clerk: &Clerk, entry: &Entry, problem: &Problem) -> Response {
    let sent = Sent::only(entry, Some(problem));
    with_status(shown(app, clerk, sent, None, &Markup::default()), problem)
}

/// The page; with `seen`, in the colours of a look that is not in force.
fn shown(app: &App, clerk: &Clerk, sent: Sent<'_>, seen: Option<&Look>, told: &Markup) -> Response {
    let settings = &clerk.vendor.settings;
    let main = html! {
        p.trail { a href="/admin/settings" { "Settings" } }
        (told)
        (sent.complaint())
        (form(sent))
        @if let Some(look) = seen { (preview(settings, look)) }
        (logo_forms(settings.look.logo.as_ref(), sent))
    };
    let accent = seen.and_then(|look| look.accent);
    let sheet = accent.map(|accent| {
        let asked = form_urlencoded::byte_serialize(accent.to_string().as_bytes()).collect();
        format!("/admin/settings/look/theme.css?accent={}", String::as_str(&asked))
    });
    let head = html! { @if let Some(sheet) = &sheet { link rel="stylesheet" href=(sheet); } };
    page_headed(app, clerk, "Look and texts", Section::Settings, &head, &main)
}

fn form(sent: Sent<'_>) -> Markup {
    let colour = "Of links and buttons, such as #0a5a68; lighter or darker on pages until it can be read. Empty: Scrip's own.";
    let introduction = "On the front page, in Markdown.";
    let names = Zone::names();
    let zones: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let footer = "At the foot of every page. Empty: the shop's name.";
    html! {
        form.narrow method="post" action="/admin/settings/look" {
            (sent.optional("look.accent", "Colour", Some(colour)))
            (sent.optional("look.tagline", "Line below the name", Some("On the front page, and where others show it.")))
            (Area { name: "look.introduction", label: "Introduction", rows: 8, value: sent.value("look.introduction"),
                hint: Some(introduction), error: sent.error("look.introduction") })
            (Area { name: "look.footer", label: "Foot", rows: 3, value: sent.value("look.footer"),
                hint: Some(footer), error: sent.error("look.footer") })
            (sent.group("look.language", "Language for visitors who ask for none of these", &html! {
                @for language in Language::ALL {
                    (sent.choice("look.language", language.tag(), language.name()))
                }
            }))
            (Choice { name: "look.time_zone", label: "Time zone", options: &zones, chosen: sent.value("look.time_zone"),
                hint: Some("By which pages and letters tell the time, and days are meant that people type. What programs are \
                    told, the days of reports and limits, and settlement stay in UTC."),
                error: sent.error("look.time_zone") })
            div.row {
                button type="submit" { "Save" }
                button.second type="submit" name="act" value="preview" { "Show how it looks" }
            }
        }
    }
}

/// The head, front and foot of the shop's pages, as they would be.
fn preview(settings: &Settings, look: &Look) -> Markup {
    let foot = if look.footer.is_empty() { &settings.name } else { &look.footer };
    html! {
        section.card aria-labelledby="preview" {
            h2 #preview { "Not saved yet" }
            p { strong { (mark(settings)) } }
            @if !look.tagline.is_empty() { p.lead { bdi { (look.tagline) } } }
            // Made harmless by the engine.
            div.prose dir="auto" { (PreEscaped(markdown::to_html(&look.introduction))) }
            p.row { a href="#preview" { "A link" } button type="button" { "A button" } }
            p.pre.small { (foot) }
        }
    }
}

fn logo_forms(logo: Option<&Picture>, sent: Sent<'_>) -> Markup {
    let wrong = sent.error("logo").or_else(|| sent.error("look.logo"));
    html! {
        h2 #logo { "Logo" }
        @match logo {
            Some(logo) => {
                p { img src=(logo_now(logo)) alt=(logo.alt) height="32"; }
                form method="post" action="/admin/settings/look/logo/remove" {
                    button.danger type="submit" { "Remove the logo" }
                }
            }
            None => p { "None: pages show the shop's name." },
        }
        form.narrow method="post" action="/admin/settings/look/logo" enctype="multipart/form-data" {
            (Field { name: "alt", label: "What it shows", kind: "text", value: sent.value("alt"), autocomplete: "off",
                required: false, hint: Some("For those who do not see it."), error: sent.error("alt") })
            div.field {
                label for="file" { "Picture" }
                p.hint #file-hint { "PNG, JPEG, WebP, AVIF or GIF. It is shown 32 pixels high, on light and on dark." }
                input #file name="logo" type="file" accept=(PICTURE_TYPES.join(",")) required
                    aria-describedby="file-hint file-error" aria-invalid=[wrong.map(|_| "true")];
                @if let Some(text) = wrong { (mistake(Some("file-error"), text)) }
            }
            button.second type="submit" { "Upload" }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    accent: String,
}

/// The sheet of a colour that is not in force.
async fn colours(
    _: Desk<ToSettings>,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, Problem> {
    let wrong = || Problem::field("accent", "a colour such as #0a5a68");
    let accent = Accent::parse(&asked.accent).ok_or_else(wrong)?;
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, theme::sheet(accent)))
}
