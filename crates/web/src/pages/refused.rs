//! Problems on pages: the same refusals as the API's, for people.

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, header};
use maud::{Markup, html};

use super::frame::{Face, Head, Visited, whole};
use super::language::asked;
use super::visit::Visit;
use super::words::capitalized;
use crate::App;
use crate::language::{say, speaking, t};
use crate::problem::Problem;

/// Answers in the language of who asks and by the vendor's clock, and makes a page of every refusal that a page gave.
///
/// Both in one layer: each layer costs every request a boxed copy of its route.
pub async fn dress(State(app): State<App>, request: Request, next: Next) -> Response {
    let voice = asked(&app, request.headers()).await;
    speaking(voice, undressed(app, request, next)).await
}

async fn undressed(app: App, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // Who looks is asked again when there is something to tell them, and not for every page.
    let mut again = http::Request::new(()).into_parts().0;
    again.method = parts.method.clone();
    again.uri = parts.uri.clone();
    again.headers = parts.headers.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    if response.extensions().get::<Problem>().is_none() {
        return response;
    }
    let visit = Visit::from_request_parts(&mut again, &app).await.ok();
    dressed(&app, visit.as_ref(), response).await
}

/// The same of an answer that is here already.
pub async fn dressed(app: &App, visit: Option<&Visit>, mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    // When there is none, that is what the problem is about.
    let vendor = app.engine.vendor().await.ok();
    let main = html! {
        h1 { (t(problem.title())) }
        p.lead { (sentence(problem.detail())) }
        @if let Some(visit) = visit { (ways_on(app, visit)) }
        p.small { (say!("If you ask for help, name this: {request_id}.", request_id = html! { code { (problem.request_id()) } })) }
    };
    let visited = visit.map_or(Visited::Unknown, Visited::By);
    let legal = app.engine.legal_texts().await.unwrap_or_default();
    let face = Face { settings: vendor.as_ref().map(|vendor| &vendor.settings), legal: &legal };
    let head = Head::of(t(problem.title()));
    let page = whole(app, face, &head, visited, &main).into_string();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.remove(header::CONTENT_LENGTH);
    let (head, _) = response.into_parts();
    Response::from_parts(head, page.into())
}

/// Where to go from here.
fn ways_on(app: &App, visit: &Visit) -> Markup {
    let sells = app.engine.roles().sells();
    html! {
        p.choice {
            @if sells { a.button href="/products" { (t("All products")) } }
            @else if visit.member.is_some() { a.button href="/wallet" { (t("Your wallet")) } }
            a.button.second href="/" { (t("Home")) }
        }
    }
}

/// A problem's detail as a sentence.
pub fn sentence(detail: &str) -> String {
    format!("{}.", capitalized(detail).trim_end_matches('.'))
}
