//! What partners ask of each other, a file per noun. Every route is below `/v1/peer`, and signed by a partner's server:
//! handlers take [`crate::signed::OfPartner`] or [`crate::signed::PartnerBody`], after [`crate::caller::AtPartner`]. One is not of
//! partners: what a restored provider asks its merchants.

mod accounts;
mod agreements;
mod documents;
mod exchanges;
mod history;
mod links;
mod settlements;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::App;

/// All of them.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(agreements::routes())
        .merge(exchanges::routes())
        .merge(history::routes())
        .merge(links::routes())
        .merge(settlements::routes())
        .merge(documents::routes())
}

/// That it is done, and nothing more.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {}
