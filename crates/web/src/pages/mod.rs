//! Pages for people: made on the server, without scripts, with one stylesheet.

mod account;
mod admin;
mod back;
mod bank;
mod connect;
mod docs;
mod exchange;
mod form;
mod json;
mod link;
mod partner;
mod pay;
mod problems;
mod prose;
mod refused;
mod shop;
mod sign_in;
mod top_up;
mod visit;
mod wallet;

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use base64ct::{Base64UrlUnpadded, Encoding};
use http::{HeaderName, HeaderValue, Uri, header};
use maud::{DOCTYPE, Markup, html};
use scrip_domain::Timestamp;
use scrip_domain::merchant::origin_of;
use scrip_engine::memory::Member;
use sha2::{Digest, Sha256};

use crate::App;
use crate::problem::Problem;

/// Every page.
pub fn routes(app: &App, document: utoipa::openapi::OpenApi) -> Router<App> {
    let buyers = sign_in::routes().merge(account::routes()).merge(wallet::routes());
    let buyers = buyers.merge(top_up::routes()).merge(pay::routes()).merge(connect::routes());
    let buyers = buyers.merge(back::routes()).merge(shop::routes());
    let buyers = buyers.merge(partner::routes()).merge(exchange::routes()).merge(link::routes());
    problems::routes()
        .merge(docs::routes(document))
        .layer(from_fn(protect))
        .merge(
            buyers
                .layer(from_fn_with_state(app.clone(), refused::dress))
                .layer(from_fn(protect_form)),
        )
        .merge(bank::routes())
        .merge(admin::routes(app))
        .route(STYLE, get(style))
}

/// What may be kept by everybody for a while, because everybody sees the same.
const SAME_FOR_ALL: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))];

/// Who looks at a page, as far as its head shows it.
#[derive(Clone, Copy, Debug)]
enum Visited<'a> {
    /// Who reads what is for everybody.
    Unknown,
    /// Who is not signed in.
    Nobody,
    /// This account.
    By(&'a Member),
}

/// A whole page called `title`, under the vendor's name.
async fn page(app: &App, title: &str, main: &Markup) -> Result<Html<String>, Problem> {
    let vendor = app.engine.vendor().await?;
    Ok(Html(whole(&vendor.settings.name, title, Visited::Unknown, main).into_string()))
}

/// The same for one person's eyes: no cache keeps it.
async fn private(
    app: &App,
    title: &str,
    visited: Visited<'_>,
    main: &Markup,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let page = Html(whole(&vendor.settings.name, title, visited, main).into_string());
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], page).into_response())
}

/// The same, and the browser asks for it again in so many seconds.
async fn private_again_in(
    app: &App,
    title: &str,
    visited: Visited<'_>,
    seconds: u32,
    main: &Markup,
) -> Result<Response, Problem> {
    let mut response = private(app, title, visited, main).await?;
    response.headers_mut().insert(header::REFRESH, HeaderValue::from(seconds));
    Ok(response)
}

/// A word of chance for a form, so that the same form does the same thing once.
fn chance(app: &App) -> String {
    let mut bytes = [0; 16];
    app.engine.fill(&mut bytes);
    Base64UrlUnpadded::encode_string(&bytes)
}

/// A day and time, for people and programs.
fn date(at: Timestamp) -> Markup {
    let text = at.to_string();
    // 2026-11-29T12:00:00.000Z
    let day = text.get(..16).unwrap_or(&text).replace('T', " ");
    html! { time datetime=(text) { (day) " UTC" } }
}

fn whole(vendor: &str, title: &str, visited: Visited<'_>, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (vendor) }
                link rel="stylesheet" href=(*STYLE_NOW);
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.masthead {
                    p.vendor { (vendor) }
                    (navigation(visited))
                }
                main #main { (main) }
            }
        }
    }
}

fn navigation(visited: Visited<'_>) -> Markup {
    match visited {
        Visited::Unknown => html! {
            nav aria-label="Pages" {
                a href="/docs" { "API reference" }
                a href="/problems" { "Problems" }
                a href="/openapi.json" { "OpenAPI" }
            }
        },
        // The page itself says where to go.
        Visited::Nobody => Markup::default(),
        Visited::By(member) => html! {
            nav aria-label="Pages" {
                // A merchant's buyers have both at its provider.
                @if !member.account.email.is_empty() {
                    a href="/wallet" { "Wallet" }
                    a href="/account" { (member.account.email) }
                }
                form method="post" action="/sign-out" { button.plain type="submit" { "Sign out" } }
            }
        },
    }
}

/// A page may load the stylesheet and nothing else, run nothing, and be framed by nobody.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

const PROTECTION: [(HeaderName, HeaderValue); 3] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().extend(PROTECTION);
    response
}

/// In a page's extensions: where its forms may lead besides this server, an origin. Browsers ask this also of
/// the redirection that answers a form.
#[derive(Clone, Debug)]
struct SendsTo(String);

/// Lets the forms of this page, and the redirection that answers one, lead to the server at `url`.
fn leads_to(response: &mut Response, url: &str) {
    if let Some(origin) = origin_of(url) {
        response.extensions_mut().insert(SendsTo(origin.to_owned()));
    }
}

/// A refusal in the place of a page, by whatever stands before all pages.
pub async fn refusal(app: &App, problem: Problem) -> Response {
    let mut response = refused::dressed(app, problem.into_response()).await;
    response.headers_mut().extend(PROTECTION);
    response
}

/// The same for a page with a form, which is sent here, and leads elsewhere only where the page says so.
async fn protect_form(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let elsewhere = response.extensions_mut().remove::<SendsTo>();
    let to = elsewhere.map_or_else(String::new, |SendsTo(origin)| format!(" {origin}"));
    let policy = POLICY.replace("form-action 'none'", &format!("form-action 'self'{to}"));
    let headers = response.headers_mut();
    headers.extend(PROTECTION);
    // Without a referrer browsers do not say where a form comes from either.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

const STYLE: &str = "/style.css";
const SHEET: &str = include_str!("style.css");

/// The stylesheet's address with its digest: a new sheet has a new address, so that each can be kept for
/// ever, and a page never meets an old one.
static STYLE_NOW: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::digest(SHEET.as_bytes());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{STYLE}?{digest}")
});

async fn style(uri: Uri) -> Response {
    // Another version of the server beside this one may have named another sheet.
    let current = uri.path_and_query().is_some_and(|asked| asked.as_str() == *STYLE_NOW);
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, keep),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, SHEET).into_response()
}
