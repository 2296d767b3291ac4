//! What a vendor's staff manages.

mod accounts;
mod agreements;
mod api_keys;
mod audit;
mod bank;
mod catalog;
mod coupons;
mod credit;
mod credit_lines;
mod documents;
mod exchanges;
mod export;
mod keys;
mod license_states;
mod licenses;
mod look;
mod merchants;
mod objects;
mod orders;
mod partners;
mod provider;
mod refund_requests;
mod refunds;
mod reports;
mod restore;
mod reversals;
mod settings;
mod settlements;
mod staff;
mod statements;
mod top_ups;
mod vouchers;
mod webhooks;

pub use api_keys::check as scopes_fit;
pub use bank::bank_details;
pub use settings::LimitsSetting;
pub use staff::link as staff_link;

use utoipa_axum::router::OpenApiRouter;

use crate::App;

/// Every route under `/v1/admin`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(settings::routes())
        .merge(documents::routes())
        .merge(top_ups::routes())
        .merge(vouchers::routes())
        .merge(coupons::routes())
        .merge(accounts::routes())
        .merge(credit_lines::routes())
        .merge(orders::routes())
        .merge(refunds::routes())
        .merge(refund_requests::routes())
        .merge(reversals::routes())
        .merge(reports::routes())
        .merge(objects::routes())
        .merge(api_keys::routes())
        .merge(staff::routes())
        .merge(audit::routes())
        .merge(export::routes())
        .merge(provider::routes())
        .merge(keys::routes())
        .merge(license_states::routes())
        .merge(licenses::routes())
        .merge(merchants::routes())
        .merge(bank::routes())
        .merge(statements::routes())
        .merge(settlements::routes())
        .merge(restore::routes())
        .merge(partners::routes())
        .merge(agreements::routes())
        .merge(exchanges::routes())
        .merge(catalog::routes())
        .merge(webhooks::routes())
}
