//! The console: pages of the vendor's staff.
//!
//! A handler takes a [`Desk`] of the power that it needs, and gives its page to [`page`]. Whoever is not signed in is sent to
//! sign in first and comes back; whoever lacks the power is told who has it.

mod audit;
mod catalog;
mod desk;
mod frame;
mod keys;
mod me;
mod settings;
mod sign_in;
mod staff;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::get;

use self::desk::Desk;
use self::frame::{Section, page, with_status};
use super::protect_form;
use crate::App;

/// Every page below `/admin`.
pub fn routes(app: &App) -> Router<App> {
    Router::new()
        .route("/admin", get(home))
        .merge(sign_in::routes())
        .merge(me::routes())
        .merge(catalog::routes(app))
        .merge(staff::routes())
        .merge(audit::routes())
        .merge(keys::routes())
        .merge(settings::routes())
        .layer(from_fn_with_state(app.clone(), frame::dress))
        .layer(from_fn(protect_form))
}

/// Where one begins, while there is no overview.
async fn home(_: Desk<desk::See>) -> Redirect {
    Redirect::to("/admin/audit")
}
