//! Terms, privacy, imprint and terms of the token: the version in force, and those before it.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, PreEscaped, html};
use scrip_domain::Timestamp;
use scrip_domain::legal::LegalName;
use scrip_engine::legal::Legal;
use serde::Deserialize;

use super::frame::{Card, Head, public};
use super::look::{Tone, date, notice};
use super::visit::Visit;
use crate::App;
use crate::extract::{NamePath, Query};
use crate::language::{say, t, text};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/terms/{document}", get(show))
}

/// What people call it.
fn called(name: LegalName) -> &'static str {
    match name {
        LegalName::Terms => t("Terms of sale"),
        LegalName::Privacy => t("Privacy"),
        LegalName::Imprint => t("Imprint"),
        LegalName::Tokens => t("Terms of the token"),
    }
}

/// The address of the text in force.
pub fn address(name: LegalName) -> String {
    format!("/terms/{name}")
}

#[derive(Debug, Default, Deserialize)]
struct Which {
    /// An earlier one than that in force.
    version: Option<String>,
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    NamePath(document): NamePath<String>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let name = LegalName::parse(&document).ok_or_else(Problem::not_found)?;
    let newest = visit.legal.iter().find(|legal| legal.text.name == name);
    let newest = newest.ok_or_else(Problem::not_found)?;
    let asked = which.version.filter(|version| *version != newest.text.version);
    let before = match &asked {
        Some(version) => {
            let text = app.engine.store().legal_text(name, version).await?;
            Some(Legal::from(text.ok_or_else(Problem::not_found)?))
        }
        None => None,
    };
    let versions = app.engine.store().legal_versions(name).await?;
    let main = shown(before.as_ref().unwrap_or(newest), &versions, before.is_some());
    let about =
        text!("{title}: version {version}", title = called(name), version = newest.text.version);
    let card = Card { about: &about, path: address(name), picture: None, kind: "article" };
    let head = Head { title: called(name), card: Some(card), unlisted: before.is_some() };
    Ok(public(&app, &head, &visit, &main))
}

fn shown(legal: &Legal, versions: &[(String, Timestamp)], former: bool) -> Markup {
    let Legal { text, html } = legal;
    let others = versions.iter().filter(|(version, _)| *version != text.version);
    html! {
        article.legal {
            h1 { (called(text.name)) }
            @if former {
                (notice(Tone::Warn, &html! {
                    p { (say!("This is an earlier version. {link}.",
                        link = html! { a href=(address(text.name)) { (t("Read the one in force")) } })) }
                }))
            }
            p.small { (say!("Version {version}, published {date}", version = text.version, date = date(text.published_at))) }
            // Made harmless where it was written.
            div.prose { (PreEscaped(html)) }
            @if versions.len() > 1 {
                h2 { (t("Other versions")) }
                ul {
                    @for (version, published_at) in others {
                        li { a href={ (address(text.name)) "?version=" (version) } { (version) } ", " (date(*published_at)) }
                    }
                }
            }
        }
    }
}

/// Links to what there is, for the foot of a page.
pub fn links(legal: &[Legal]) -> Markup {
    html! {
        @for Legal { text, .. } in legal { a href=(address(text.name)) { (called(text.name)) } }
    }
}

/// The terms of sale by this name: a link where they are published here.
pub fn terms_of_sale(legal: &[Legal], earlier: Option<&str>, called: &Markup) -> Markup {
    let has = legal.iter().any(|legal| legal.text.name == LegalName::Terms);
    let address = address(LegalName::Terms);
    let address = match earlier {
        Some(version) => {
            let version: String = form_urlencoded::byte_serialize(version.as_bytes()).collect();
            format!("{address}?version={version}")
        }
        None => address,
    };
    html! { @if has { a href=(address) { (called) } } @else { (called) } }
}

/// What somebody agrees to who opens an account; empty where there are no terms.
pub fn accepted(legal: &[Legal]) -> Markup {
    let has = |name| legal.iter().any(|legal| legal.text.name == name);
    html! {
        @if has(LegalName::Terms) {
            p.small {
                (say!("By opening an account you accept the {link}",
                    link = html! { a href=(address(LegalName::Terms)) { (t("terms of sale")) } }))
                @if has(LegalName::Tokens) { " " (say!("and the {link}",
                    link = html! { a href=(address(LegalName::Tokens)) { (t("terms of the token")) } })) }
                "."
                @if has(LegalName::Privacy) {
                    " " (say!("The page on {link} says what becomes of your data.",
                        link = html! { a href=(address(LegalName::Privacy)) { (t("privacy")) } }))
                }
            }
        }
    }
}
