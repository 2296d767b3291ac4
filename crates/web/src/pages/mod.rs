//! Pages for people: made on the server, with one stylesheet. All of it works without scripts; where there is
//! something to copy or to print, one helps.

mod account;
mod activate;
mod admin;
mod assets;
mod back;
mod bank;
mod cart;
mod chart;
mod checkout;
mod connect;
mod docs;
mod exchange;
mod favicon;
mod form;
mod frame;
mod json;
mod language;
mod legal;
mod library;
mod link;
mod look;
mod merchants;
mod multipart;
mod orders;
mod partner;
mod pay;
mod problems;
mod prose;
mod protection;
mod refused;
mod reset;
mod shop;
mod sign_in;
mod theme;
mod top_up;
mod verify;
mod visit;
mod wallet;
mod words;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use base64ct::{Base64UrlUnpadded, Encoding};

use self::frame::{again_in, page, private, private_again_in, private_with_script};
use self::look::date;
pub(crate) use self::pay::host;
use self::protection::{asks_here, leads_to, protect, protect_form, runs_scripts};
pub use self::protection::{no_method, nowhere, refusal};
pub(crate) use self::words::not_sold;
use crate::App;

/// Every page.
pub fn routes(app: &App, document: utoipa::openapi::OpenApi) -> Router<App> {
    let buyers = sign_in::routes().merge(account::routes()).merge(wallet::routes());
    let buyers = buyers.merge(top_up::routes()).merge(pay::routes()).merge(connect::routes());
    let buyers = buyers.merge(reset::routes()).merge(verify::routes());
    let buyers = buyers.merge(back::routes()).merge(shop::routes()).merge(library::routes());
    let buyers = buyers.merge(activate::routes());
    let buyers = buyers.merge(cart::routes()).merge(checkout::routes()).merge(orders::routes());
    let buyers = buyers.merge(legal::routes()).merge(bank::routes());
    let buyers = buyers.merge(partner::routes()).merge(exchange::routes()).merge(link::routes());
    let buyers = buyers.merge(merchants::routes()).merge(language::routes());
    problems::routes()
        .merge(docs::routes(document))
        .layer(from_fn(protect))
        .merge(
            buyers
                .layer(from_fn_with_state(app.clone(), refused::dress))
                .layer(from_fn(protect_form)),
        )
        .merge(assets::routes())
        .merge(admin::routes(app))
}

/// A word of chance for a form, so that the same form does the same thing once.
fn chance(app: &App) -> String {
    let mut bytes = [0; 16];
    app.engine.fill(&mut bytes);
    Base64UrlUnpadded::encode_string(&bytes)
}
