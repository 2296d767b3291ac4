//! What each problem code means and what to do about it, from the table of problem types.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use maud::{Markup, html};
use utoipa::PartialSchema;
use utoipa::openapi::Components;

use super::frame::SAME_FOR_ALL;
use super::prose::prose;
use super::{json, page};
use crate::App;
use crate::extract::NamePath;
use crate::problem::{Kind, Problem, ProblemOut, kind};

pub fn routes() -> Router<App> {
    Router::new().route("/problems", get(list)).route("/problems/{code}", get(show))
}

async fn list(State(app): State<App>) -> Result<Response, Problem> {
    Ok((SAME_FOR_ALL, page(&app, "Problems", &all()).await?).into_response())
}

async fn show(
    State(app): State<App>,
    NamePath(code): NamePath<String>,
) -> Result<Response, Problem> {
    let Some(kind) = Kind::of(&code) else {
        let page = page(&app, "Unknown code", &unknown(&code)).await?;
        return Ok((StatusCode::NOT_FOUND, page).into_response());
    };
    Ok((SAME_FOR_ALL, page(&app, kind.title, &one(kind)).await?).into_response())
}

fn all() -> Markup {
    html! {
        h1 { "Problems" }
        p.lead {
            "When a request cannot be answered, the answer is a problem document (RFC 9457) with a "
            code { "code" } " that stays the same for ever. Branch on it; show " code { "detail" }
            " to people; keep " code { "request_id" } " for support."
        }
        @for kinds in kind::ALL.chunk_by(|one, next| one.status == next.status) {
            @if let Some(first) = kinds.first() { h2 { (status(first.status)) } }
            dl.fields {
                @for kind in kinds {
                    dt { a href=(kind.address()) { code { (kind.code) } } }
                    dd { (prose(kind.meaning)) }
                }
            }
        }
    }
}

/// `402 Payment Required`.
fn status(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default())
}

fn one(kind: &Kind) -> Markup {
    let example = json::text(&Components::default(), &ProblemOut::schema(), &kind.example());
    html! {
        p.trail { a href="/problems" { "Problems" } }
        h1 { (kind.title) }
        dl.facts {
            dt { "Code" }
            dd { code { (kind.code) } }
            dt { "Status" }
            dd { (status(kind.status)) }
        }
        h2 { "What it means" }
        p { (prose(kind.meaning)) }
        h2 { "What to do" }
        p { (prose(kind.remedy)) }
        h2 { "An answer" }
        pre tabindex="0" aria-label="An answer with this code" { code { (example) } }
    }
}

fn unknown(code: &str) -> Markup {
    html! {
        p.trail { a href="/problems" { "Problems" } }
        h1 { "Unknown code" }
        p {
            "This server has no problem with the code " code { (code) } ". "
            a href="/problems" { "All that it has" } "."
        }
    }
}
