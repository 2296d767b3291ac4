//! The console: pages of the vendor's staff.
//!
//! A handler takes a [`desk::Desk`] of the power that it needs, and gives its page to [`page`]. Whoever is not signed in is sent to
//! sign in first and comes back; whoever lacks the power is told who has it.

mod account_acts;
mod accounts;
mod audit;
mod catalog;
mod coupons;
mod dealings;
mod desk;
mod entry;
mod frame;
mod keys;
mod licenses;
mod me;
mod order_refund;
mod orders;
mod overview;
mod parts;
mod refund_requests;
mod settings;
mod sign_in;
mod staff;
mod top_up_acts;
mod top_ups;
mod vouchers;

use axum::Router;
use axum::middleware::{from_extractor_with_state, from_fn, from_fn_with_state};

pub use self::frame::dressed;
use self::frame::{Section, mark, page, page_headed, page_with_script, with_status};
use super::protect_form;
use crate::App;
use crate::caller::AtWallets;

/// Every page below `/admin`.
pub fn routes(app: &App) -> Router<App> {
    // A merchant's buyers have their wallets at its provider, and what fills those is there, too.
    let funds = top_ups::routes().merge(vouchers::routes()).merge(coupons::routes());
    let funds = funds.layer(from_extractor_with_state::<AtWallets, _>(app.clone()));
    Router::new()
        .merge(overview::routes())
        .merge(orders::routes())
        .merge(refund_requests::routes())
        .merge(accounts::routes())
        .merge(funds)
        .merge(licenses::routes())
        .merge(sign_in::routes())
        .merge(me::routes())
        .merge(catalog::routes(app))
        .merge(dealings::routes())
        .merge(staff::routes())
        .merge(audit::routes())
        .merge(keys::routes())
        .merge(settings::routes())
        .layer(from_fn_with_state(app.clone(), frame::dress))
        .layer(from_fn(protect_form))
}
