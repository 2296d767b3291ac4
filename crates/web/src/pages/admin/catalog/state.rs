//! Publishing a product and taking it off sale, each after a page that says what that does.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::html;
use scrip_domain::catalog::{ProductKind, ProductState};

use super::{Catalogue, Desk, address, back, named, part};
use crate::App;
use crate::extract::NamePath;
use crate::pages::form::{Form, Nothing};
use crate::pages::look::{Tone, notice};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/products/{slug}/publish", get(ask_publish).post(publish))
        .route("/admin/products/{slug}/archive", get(ask_archive).post(archive))
}

async fn ask_publish(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let offers = app.engine.store().offers_of(product.id).await?;
    let offered = offers.iter().filter(|offer| offer.retired_at.is_none()).count();
    let lacks_files = product.kind == ProductKind::Download && product.release.is_none();
    let at = address(&slug);
    let main = html! {
        p.lead { "It appears in the shop at once, for everybody who may see it." }
        @if offered == 0 {
            (notice(Tone::Warn, &html! { p {
                "It has no offer: it can be looked at, and not bought. " a href={ (at) "/new-offer" } { "Add an offer" }
            } }))
        }
        @if lacks_files {
            (notice(Tone::Warn, &html! { p {
                "It has no published release: whoever buys it gets no files yet. "
                a href={ (at) "/new-release" } { "Make a release" }
            } }))
        }
        form.choice method="post" action={ (at) "/publish" } {
            button type="submit" { "Publish" }
            a.button.second href=(at) { "Not now" }
        }
    };
    Ok(part(&app, &desk, &product, "Publish this product?", &main))
}

async fn publish(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let product = app.engine.move_product(desk.staff, &slug, ProductState::Published).await??;
    Ok(back(&address(&product.slug), "published"))
}

async fn ask_archive(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let at = address(&slug);
    let main = html! {
        p.lead { "Nobody can buy it any more, and nobody finds it in the shop." }
        p { "Its owners keep it: their codes stay good, and they can download it. You can publish it again at any time." }
        form.choice method="post" action={ (at) "/archive" } {
            button.danger type="submit" { "Take it off sale" }
            a.button.second href=(at) { "Leave it" }
        }
    };
    Ok(part(&app, &desk, &product, "Take this product off sale?", &main))
}

async fn archive(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let product = app.engine.move_product(desk.staff, &slug, ProductState::Archived).await??;
    Ok(back(&address(&product.slug), "archived"))
}
