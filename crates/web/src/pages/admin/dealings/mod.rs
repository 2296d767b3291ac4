//! The console's dealings with other servers: partners and what is settled with them, merchants and the provider, webhooks,
//! a restore's peers; and files for accountants.
//!
//! Whatever moves money, or cannot be taken back, is asked once more on a page of its own.

mod agreements;
mod bank;
mod exchanges;
mod export;
mod merchants;
mod partners;
mod parts;
mod provider;
mod requests;
mod restore;
mod settlements;
mod statements;
mod terms;
mod webhooks;

use axum::Router;

use crate::App;

/// Their pages.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(partners::routes())
        .merge(agreements::routes())
        .merge(exchanges::routes())
        .merge(statements::routes())
        .merge(settlements::routes())
        .merge(bank::routes())
        .merge(merchants::routes())
        .merge(requests::routes())
        .merge(provider::routes())
        .merge(webhooks::routes())
        .merge(restore::routes())
        .merge(export::routes())
}
