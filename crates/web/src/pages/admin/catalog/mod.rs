//! The catalogue in the hands of the vendor's staff: products, their offers, releases, files and pictures.
//!
//! Whoever may look sees everything of every product; who may change the catalogue sees the ways to do so as well. Every
//! act is the engine's verb that the JSON API calls, under the person's name.

mod details;
mod fields;
mod files;
mod list;
mod offers;
mod pictures;
mod preview;
mod product;
mod releases;
mod state;
mod terms;
mod texts;

use axum::Router;
use axum::middleware::from_extractor_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use scrip_domain::catalog::{Product, ProductKind, ProductState};

pub use self::fields::{Area, Choice};
pub use self::files::put_away;
pub use self::preview::unseen;
use super::desk::{Catalogue, Clerk, Desk, See};
use super::{Section, page, with_status};
use crate::App;
use crate::caller::AtSeller;
use crate::pages::look::{Tone, badge};
use crate::problem::Problem;

/// Every page below `/admin/products`.
pub fn routes(app: &App) -> Router<App> {
    list::routes()
        .merge(product::routes())
        .merge(details::routes())
        .merge(state::routes())
        .merge(pictures::routes())
        .merge(preview::routes())
        .merge(offers::routes())
        .merge(releases::routes())
        .merge(files::routes())
        // A provider that sells nothing has no catalogue.
        .layer(from_extractor_with_state::<AtSeller, _>(app.clone()))
}

/// The product that an address names, in whatever state.
async fn named(app: &App, slug: &str) -> Result<Product, Problem> {
    app.engine.store().product_by_slug(slug).await?.ok_or_else(Problem::not_found)
}

/// The address of a product's pages.
fn address(slug: &str) -> String {
    format!("/admin/products/{slug}")
}

/// Back to this address, which tells what was done by its word.
fn back(to: &str, word: &str) -> Response {
    Redirect::to(&format!("{to}?done={word}")).into_response()
}

/// The way back to a product, above a page about a part of it.
fn trail(product: &Product) -> Markup {
    html! {
        p.within {
            a href="/admin/products" { "Products" } " / "
            a href=(address(&product.slug)) { bdi { (product.title) } }
        }
    }
}

/// A page about a part of a product.
fn part(app: &App, clerk: &Clerk, product: &Product, title: &str, main: &Markup) -> Response {
    let main = html! { (trail(product)) (main) };
    page(app, clerk, title, Section::Products, &main)
}

/// The same with the status of the problem that it tells of.
fn part_again(
    (app, clerk): (&App, &Clerk),
    product: &Product,
    title: &str,
    main: &Markup,
    problem: Option<&Problem>,
) -> Response {
    let response = part(app, clerk, product, title, main);
    match problem {
        Some(problem) => with_status(response, problem),
        None => response,
    }
}

fn state_badge(state: ProductState) -> Markup {
    match state {
        ProductState::Draft => badge(Tone::Warn, "Draft"),
        ProductState::Published => badge(Tone::Good, "Published"),
        ProductState::Archived => badge(Tone::Info, "Archived"),
    }
}

const fn kind_name(kind: ProductKind) -> &'static str {
    match kind {
        ProductKind::Download => "Download",
        ProductKind::Service => "Service",
        ProductKind::Bundle => "Bundle",
    }
}
