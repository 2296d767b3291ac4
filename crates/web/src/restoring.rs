//! While a server is restoring: what it does not do before its peers were heard.
//!
//! Signed calls of other servers wait, at the door of [`crate::signed`]. Where wallets are nothing moves tokens: it is said here
//! what is let through, and not what is kept out, so that a new route waits like all others.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method};

use crate::App;
use crate::pages;
use crate::problem::Problem;

/// What changes nothing of anybody's tokens: signing in and out, registering, asking prices, using licenses, and what ends the
/// wait.
const HARMLESS: &[&str] = &[
    "/v1/sessions",
    "/v1/sessions/current",
    "/v1/accounts",
    "/v1/quotes",
    "/v1/licenses/validate",
    "/v1/licenses/activate",
    "/v1/licenses/deactivate",
    "/v1/licenses/consume",
    "/v1/licenses/lease",
    "/v1/licenses/return",
    "/v1/admin/restore/skip",
    "/v1/admin/restore/again",
    "/v1/demo/clock",
    "/admin/sign-in",
    "/admin/sign-in/code",
    "/admin/sign-out",
    "/admin/welcome",
    "/admin/restore/skip",
    "/admin/restore/again",
    "/sign-in",
    "/sign-out",
    "/register",
    "/language",
];

/// The signed routes that are answered, or two servers that were both restored would wait for each other.
const FOR_PEERS: [&str; 2] = ["/v1/peer/documents", "/v1/peer/history"];

/// Whether a signed call to this path waits.
pub fn waits(app: &App, path: &str) -> bool {
    app.engine.is_restoring() && !FOR_PEERS.contains(&path)
}

/// Keeps out what could move tokens: what it is told; `None` lets it through.
pub async fn hold_still(
    app: &App,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response> {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || !app.engine.holds_tokens_still() || HARMLESS.contains(&path) {
        return None;
    }
    Some(if path.starts_with("/v1/") {
        Problem::restoring().into_response()
    } else {
        // Seldom, and large: every request would carry room for it.
        Box::pin(pages::refusal(app, headers, Problem::restoring)).await
    })
}
