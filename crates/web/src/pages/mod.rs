//! Pages for people: made on the server, without scripts, with one stylesheet.

mod back;
mod bank;
mod docs;
mod json;
mod problems;
mod prose;

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::{HeaderName, HeaderValue, Uri, header};
use maud::{DOCTYPE, Markup, html};
use sha2::{Digest, Sha256};

use crate::App;
use crate::problem::Problem;

/// Every page.
pub fn routes(document: utoipa::openapi::OpenApi) -> Router<App> {
    problems::routes()
        .merge(docs::routes(document))
        .layer(from_fn(protect))
        .merge(back::routes())
        .merge(bank::routes())
        .route(STYLE, get(style))
}

/// What may be kept by everybody for a while, because everybody sees the same.
const SAME_FOR_ALL: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))];

/// A whole page called `title`, under the vendor's name.
async fn page(app: &App, title: &str, main: &Markup) -> Result<Html<String>, Problem> {
    let vendor = app.engine.vendor().await?;
    Ok(Html(whole(&vendor.settings.name, title, main).into_string()))
}

fn whole(vendor: &str, title: &str, main: &Markup) -> Markup {
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
                    nav aria-label="Pages" {
                        a href="/docs" { "API reference" }
                        a href="/problems" { "Problems" }
                        a href="/openapi.json" { "OpenAPI" }
                    }
                }
                main #main { (main) }
            }
        }
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

/// The same for a page with a form, which is sent here and nowhere else.
async fn protect_form(request: Request, next: Next) -> Response {
    let mut response = protect(request, next).await;
    let policy = POLICY.replace("form-action 'none'", "form-action 'self'");
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
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
