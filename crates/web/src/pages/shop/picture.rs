//! Pictures for a browser's session: as for the API's callers, a hidden one is not there.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, Method};

use crate::App;
use crate::api::pictures;
use crate::caller::AtSeller;
use crate::pages::visit::Visit;
use crate::problem::Problem;

pub async fn show(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    Path((slug, sha256)): Path<(String, String)>,
    method: Method,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let member = visit.member.as_ref().map(|(_, member)| member);
    pictures::send(&app, member, &slug, &sha256, &method, &asked).await
}
