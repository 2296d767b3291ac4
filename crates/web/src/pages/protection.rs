//! What a page may do, and who may frame or embed it.

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use scrip_domain::merchant::origin_of;

use super::language::asked;
use super::visit::Visit;
use super::{admin, refused};
use crate::App;
use crate::language::{speaking, t};
use crate::problem::{Problem, kind};

/// A page may load the stylesheet and pictures of this server and nothing else, run nothing, and be framed by nobody.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

const PROTECTION: [(HeaderName, HeaderValue); 3] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Dresses every answer of a page that has no form.
pub async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().extend(PROTECTION);
    response
}

/// In a page's extensions: where its forms may lead besides this server, an origin. Browsers ask this also of
/// the redirection that answers a form.
#[derive(Clone, Debug)]
struct SendsTo(String);

/// Lets the forms of this page, and the redirection that answers one, lead to the server at `url`.
pub fn leads_to(response: &mut Response, url: &str) {
    if let Some(origin) = origin_of(url) {
        response.extensions_mut().insert(SendsTo(origin.to_owned()));
    }
}

/// In a page's extensions: its script asks this server.
#[derive(Clone, Copy, Debug)]
struct Asks;

/// Lets the scripts of this page ask this server, and no other.
pub fn asks_here(response: &mut Response) {
    response.extensions_mut().insert(Asks);
}

/// In a page's extensions: it loads a script from here.
#[derive(Clone, Copy, Debug)]
struct Runs;

/// Lets this page run scripts of this server, and no others.
pub fn runs_scripts(response: &mut Response) {
    response.extensions_mut().insert(Runs);
}

/// A refusal in the place of a page, by whatever stands before all pages.
pub async fn refusal(
    app: &App,
    headers: &HeaderMap,
    problem: impl FnOnce() -> Problem,
) -> Response {
    let voice = asked(app, headers).await;
    let answer = async { refused::dressed(app, None, problem().into_response()).await };
    let mut response = speaking(voice, answer).await;
    response.headers_mut().extend(PROTECTION);
    response
}

/// No route has this path.
pub async fn nowhere(State(app): State<App>, request: Request) -> Response {
    lost(&app, request, Problem::not_found).await
}

/// A route has it, and takes other methods; axum adds `Allow`. A person has most often opened the address of a form.
pub async fn no_method(State(app): State<App>, request: Request) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let problem = || {
        if reads {
            let detail =
                t("this address takes only what a form sends: go back to the page with the form");
            Problem::new(&kind::METHOD_NOT_ALLOWED, detail)
        } else {
            Problem::no_method()
        }
    };
    lost(&app, request, problem).await
}

/// Nothing answers this: a person is told so on a page that leads on, a program by the problem.
async fn lost(app: &App, request: Request, problem: impl FnOnce() -> Problem) -> Response {
    let (mut parts, _) = request.into_parts();
    let accepted = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let person = accepted.is_some_and(|accepted| accepted.contains("text/html"));
    let path = parts.uri.path();
    if !person || path.starts_with("/v1/") {
        return problem().into_response();
    }
    let mut response = if path == "/admin" || path.starts_with("/admin/") {
        admin::dressed(app, &parts.headers, async { problem().into_response() }).await
    } else {
        let voice = asked(app, &parts.headers).await;
        let answer = async {
            let visit = Visit::from_request_parts(&mut parts, app).await.ok();
            refused::dressed(app, visit.as_ref(), problem().into_response()).await
        };
        speaking(voice, answer).await
    };
    with_forms(&mut response);
    response
}

/// The same for a page with a form, which is sent here, and leads elsewhere only where the page says so.
pub async fn protect_form(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    with_forms(&mut response);
    response
}

fn with_forms(response: &mut Response) {
    let elsewhere = response.extensions_mut().remove::<SendsTo>();
    let to = elsewhere.map_or_else(String::new, |SendsTo(origin)| format!(" {origin}"));
    let policy = POLICY.replace("form-action 'none'", &format!("form-action 'self'{to}"));
    let policy = match response.extensions_mut().remove::<Runs>() {
        Some(Runs) => policy.replace("style-src 'self'", "style-src 'self'; script-src 'self'"),
        None => policy,
    };
    let policy = match response.extensions_mut().remove::<Asks>() {
        Some(Asks) => policy.replace("script-src 'self'", "script-src 'self'; connect-src 'self'"),
        None => policy,
    };
    let headers = response.headers_mut();
    headers.extend(PROTECTION);
    // Without a referrer browsers do not say where a form comes from either.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}
