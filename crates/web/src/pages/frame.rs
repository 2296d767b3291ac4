//! Around every page: its head, its masthead and its foot, and how long it may be kept.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use maud::{DOCTYPE, Markup, html};
use scrip_domain::settings::Settings;
use scrip_engine::legal::Legal;

use super::assets::{COPY, STYLE, logo_now};
use super::favicon::favicon_now;
use super::language::switch;
use super::legal::links;
use super::look::{Icon, icon};
use super::runs_scripts;
use super::theme::theme;
use super::visit::Visit;
use crate::App;
use crate::answer::{PRIVATE, VISITORS};
use crate::language::{spoken, t};
use crate::money::MoneyOut;
use crate::problem::Problem;

/// What may be kept by everybody for a while, because everybody sees the same.
pub const SAME_FOR_ALL: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))];

/// What a page depends on besides its address: who looks, and in which language.
const VARY: HeaderValue = HeaderValue::from_static("Accept-Language, Authorization, Cookie");

/// Who looks at a page, as far as its head shows it.
#[derive(Clone, Copy, Debug)]
pub enum Visited<'a> {
    /// Who reads what is for everybody.
    Unknown,
    /// This browser.
    By(&'a Visit),
}

/// What a page's head says of it.
#[derive(Clone, Debug, Default)]
pub struct Head<'a> {
    /// What it is called.
    pub title: &'a str,
    /// What it is about, for who has not opened it; none where it is not for everybody.
    pub card: Option<Card<'a>>,
    /// Whether search engines are to leave it out.
    pub unlisted: bool,
}

/// What others show of a page that somebody names: search engines, and cards in conversations. It says nothing that a
/// visitor does not see.
#[derive(Clone, Debug)]
pub struct Card<'a> {
    /// One or two sentences.
    pub about: &'a str,
    /// The path under which the page is known.
    pub path: String,
    /// The path of a picture.
    pub picture: Option<String>,
    /// What kind of thing it is, in the words of Open Graph.
    pub kind: &'static str,
}

impl<'a> Head<'a> {
    /// A page called `title`, of which nothing else is said.
    pub fn of(title: &'a str) -> Self {
        Self { title, ..Self::default() }
    }
}

/// A whole page called `title`, under the vendor's name, the same for everybody.
pub async fn page(app: &App, title: &str, main: &Markup) -> Result<Html<String>, Problem> {
    let vendor = app.engine.vendor().await?;
    let legal = app.engine.legal_texts().await?;
    let face = Face { settings: Some(&vendor.settings), legal: &legal };
    let page = whole(app, face, &Head::of(title), Visited::Unknown, main);
    Ok(Html(page.into_string()))
}

/// The same for one browser's eyes: no cache keeps it.
pub fn private(app: &App, title: &str, visit: &Visit, main: &Markup) -> Response {
    private_headed(app, &Head::of(title), visit, main)
}

/// The same with more in its head.
pub fn private_headed(app: &App, head: &Head<'_>, visit: &Visit, main: &Markup) -> Response {
    let page = written(app, head, visit, main);
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], page).into_response()
}

/// A page of the shop. A visitor's is the same for every visitor, and is kept for a moment; a member's is kept by nobody.
pub fn public(app: &App, head: &Head<'_>, visit: &Visit, main: &Markup) -> Response {
    let page = written(app, head, visit, main);
    let keep = if visit.is_anybody() { VISITORS } else { PRIVATE };
    ([(header::CACHE_CONTROL, keep), (header::VARY, VARY)], page).into_response()
}

fn written(app: &App, head: &Head<'_>, visit: &Visit, main: &Markup) -> Html<String> {
    let face = Face { settings: Some(&visit.vendor.settings), legal: &visit.legal };
    Html(whole(app, face, head, Visited::By(visit), main).into_string())
}

/// The same, and the browser asks for it again in so many seconds.
pub fn private_again_in(
    app: &App,
    title: &str,
    visit: &Visit,
    seconds: u32,
    main: &Markup,
) -> Response {
    let mut response = private(app, title, visit, main);
    again_in(&mut response, seconds);
    response
}

/// The browser asks for this page again in so many seconds.
pub fn again_in(response: &mut Response, seconds: u32) {
    response.headers_mut().insert(header::REFRESH, HeaderValue::from(seconds));
}

/// A private page on which codes are copied, or which is printed, by a script of ours.
pub fn private_with_script(app: &App, title: &str, visit: &Visit, main: &Markup) -> Response {
    let main = html! { (main) script src=(COPY.now()) defer {} };
    let mut response = private(app, title, visit, &main);
    runs_scripts(&mut response);
    response
}

/// Whose page it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Face<'a> {
    /// What the vendor has set. Without it nobody knows whose the page is, and that is what it is about.
    pub settings: Option<&'a Settings>,
    /// The texts that every page leads to.
    pub legal: &'a [Legal],
}

/// A page of the shop: what stands around `main`.
pub fn whole(
    app: &App,
    face: Face<'_>,
    head: &Head<'_>,
    visited: Visited<'_>,
    main: &Markup,
) -> Markup {
    let vendor = face.settings.map_or("", |settings| settings.name.as_str());
    let look = face.settings.map(|settings| &settings.look);
    let theme = look.and_then(|look| look.accent).map(theme);
    let body = html! {
        header.masthead {
            a.vendor href="/" {
                @match look.and_then(|look| look.logo.as_ref()) {
                    Some(logo) => img src=(logo_now(logo)) alt=(vendor) height="32";,
                    None => bdi { (vendor) },
                }
            }
            (navigation(app, visited))
        }
        main #main { (main) }
        footer.foot {
            p.pre { (look.map(|look| look.footer.as_str()).filter(|text| !text.is_empty()).unwrap_or(vendor)) }
            nav aria-label=(t("More")) {
                (links(face.legal))
                a href="/docs" { (t("API reference")) }
                a href="/problems" { (t("Problems")) }
            }
            @if let Visited::By(visit) = visited { (switch(&visit.here)) }
        }
    };
    let more = html! {
        @if let Some(theme) = &theme { link rel="stylesheet" href=(theme.address); }
        @if let Some(settings) = face.settings { link rel="icon" type="image/svg+xml" href=(favicon_now(settings)); }
        @if head.unlisted { meta name="robots" content="noindex"; }
        @match &head.card {
            Some(card) => (card_of(app, vendor, head.title, card)),
            // What is shown to one person is described by its name alone.
            None => meta name="description" content={ (head.title) @if !vendor.is_empty() { ", " (vendor) } };,
        }
    };
    document(vendor, head.title, &more, &body)
}

/// The whole document, of the shop and of the console alike: `head` is what one of them adds.
pub fn document(vendor: &str, title: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(spoken().unwrap_or_default()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) @if !vendor.is_empty() && title != vendor { " · " (vendor) } }
                link rel="stylesheet" href=(STYLE.now());
                (head)
            }
            body { a.skip href="#main" { (t("Skip to the content")) } (body) }
        }
    }
}

/// The page as others show it (Open Graph, ogp.me).
fn card_of(app: &App, vendor: &str, title: &str, card: &Card<'_>) -> Markup {
    let url = &app.public_url;
    html! {
        meta name="description" content=(card.about);
        link rel="canonical" href={ (url) (card.path) };
        meta property="og:site_name" content=(vendor);
        meta property="og:title" content=(title);
        meta property="og:description" content=(card.about);
        meta property="og:type" content=(card.kind);
        meta property="og:url" content={ (url) (card.path) };
        @if let Some(picture) = &card.picture {
            meta property="og:image" content={ (url) (picture) };
            meta name="twitter:card" content="summary_large_image";
        }
    }
}

fn navigation(app: &App, visited: Visited<'_>) -> Markup {
    let Visited::By(visit) = visited else {
        return html! {
            nav aria-label=(t("Pages")) {
                a href="/docs" { (t("API reference")) }
                a href="/problems" { (t("Problems")) }
                a href="/openapi.json" { (t("OpenAPI")) }
            }
        };
    };
    let sells = app.engine.roles().sells();
    // A merchant's buyers have account and wallet at its provider.
    let own = app.engine.provider().is_none();
    let member = visit.member.as_ref().map(|(_, member)| member);
    let units = visit.cart.units();
    html! {
        nav aria-label=(t("Pages")) {
            @if sells { (entry(visit, "/products", &html! { (t("Products")) })) }
            @if sells && member.is_some() {
                (entry(visit, "/library", &html! { (t("Library")) }))
                (entry(visit, "/orders", &html! { (t("Orders")) }))
            }
            @if let (true, Some(member)) = (own, member) {
                (entry(visit, "/wallet", &html! {
                    span.unseen { (t("Wallet")) " " }
                    span.balance-of { (MoneyOut::tokens(member.available, &visit.vendor.settings.token)) }
                }))
                (entry(visit, "/account", &html! { span.unseen { (t("Account")) " " } span.who { (member.account.email) } }))
            }
            @if sells {
                (entry(visit, "/cart", &html! {
                    (icon(Icon::Cart)) (t("Cart"))
                    @if units > 0 { span.count { (units) } }
                }))
            }
            @if member.is_some() {
                form method="post" action="/sign-out" { button.plain type="submit" { (t("Sign out")) } }
            } @else {
                (entry(visit, if own { "/sign-in" } else { "/connect" }, &html! { (t("Sign in")) }))
            }
        }
    }
}

/// A place that every page leads to; the one where the reader is says so.
fn entry(visit: &Visit, to: &str, name: &Markup) -> Markup {
    let rest = visit.path.strip_prefix(to);
    let here = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    html! { a href=(to) aria-current=[here.then_some("page")] { (name) } }
}
