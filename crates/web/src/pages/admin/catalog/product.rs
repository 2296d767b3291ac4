//! One product with all that belongs to it, and what is left to do before somebody can buy it.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, PreEscaped, html};
use scrip_domain::catalog::{Offer, Product, ProductKind, ProductState, Release};
use scrip_domain::settings::{Token, Vendor};
use scrip_domain::staff::Power;
use scrip_domain::visibility::FieldGroup;
use scrip_engine::catalog::markdown;

use super::terms::limits_text;
use super::{Desk, Section, See, address, kind_name, named, page, state_badge};
use crate::App;
use crate::extract::{NamePath, Query};
use crate::pages::admin::parts::{Told, done, group_name, level_name, table_of};
use crate::pages::date;
use crate::pages::look::{Tone, badge, notice, price};
use crate::pages::words;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/admin/products/{slug}", get(show))
}

/// What was done to the product a moment ago, by its word.
const DONE: [(&str, &str); 4] = [
    ("made", "The product is made. Nobody else sees it yet."),
    ("saved", "Saved."),
    ("published", "Published: the shop has it."),
    ("archived", "It is off sale. Its owners keep it."),
];

/// And to its offers, told beside them.
const OFFERS_DONE: [(&str, &str); 2] =
    [("offer", "The offer is saved."), ("retired", "The offer is retired.")];

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    NamePath(slug): NamePath<String>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let told = told.done.as_deref();
    let product = named(&app, &slug).await?;
    let offers = app.engine.store().offers_of(product.id).await?;
    let releases = app.engine.store().releases_of(product.id).await?;
    let changes = desk.may(Power::Catalogue);
    let main = html! {
        p.within { a href="/admin/products" { "Products" } }
        p.row {
            (state_badge(product.state)) span { (kind_name(product.kind)) }
            span.small { "Changed " (date(product.updated_at)) }
        }
        (done(told, &DONE))
        (left_to_do(&product, &offers, &releases, changes))
        (ways(&product, changes))
        (facts(&product, &desk.vendor))
        h2 #offers { "Offers" }
        (done(told, &OFFERS_DONE))
        (offers_table(&product, &offers, &desk.vendor.settings.token, changes))
        @if product.kind == ProductKind::Download || !releases.is_empty() {
            (releases_table(&product, &releases, changes))
        }
        (texts(&product))
    };
    Ok(page(&app, &desk, &product.title, Section::Products, &main))
}

/// What keeps buyers from it, each with the page where that is done.
fn left_to_do(product: &Product, offers: &[Offer], releases: &[Release], changes: bool) -> Markup {
    let at = |rest: &str| format!("{}{rest}", address(&product.slug));
    let mut left: Vec<(String, &str, &str)> = Vec::new();
    if offers.iter().all(|offer| offer.retired_at.is_some()) {
        left.push((
            at("/new-offer"),
            "Add an offer",
            "it says what it costs and what the buyer may do.",
        ));
    }
    if product.kind == ProductKind::Download && product.release.is_none() {
        match releases.iter().find(|release| release.published_at.is_none()) {
            Some(open) => {
                let to = super::releases::address(product, &open.channel, &open.version);
                left.push((to, "Publish the release", "buyers get its files."));
            }
            None => left.push((
                at("/new-release"),
                "Make a release",
                "it holds the files that buyers get.",
            )),
        }
    }
    match product.state {
        ProductState::Draft => {
            left.push((at("/publish"), "Publish it", "until then nobody else sees it."));
        }
        ProductState::Archived => {
            left.push((at("/publish"), "Publish it again", "only its owners have it now."));
        }
        ProductState::Published => {}
    }
    if left.is_empty() || !changes {
        return Markup::default();
    }
    notice(
        Tone::Info,
        &html! {
            p { strong { "Before somebody can buy it" } }
            ul { @for (to, what, why) in &left { li { a href=(to) { (what) } ": " (why) } } }
        },
    )
}

fn ways(product: &Product, changes: bool) -> Markup {
    let at = |rest: &str| format!("{}{rest}", address(&product.slug));
    html! {
        p.row {
            @if changes {
                a.button.second href=(at("/edit")) { "Edit" }
                a.button.second href=(at("/pictures")) { "Pictures" }
            }
            a.button.second href=(at("/preview")) { "See it as a visitor" }
            @if product.state == ProductState::Published {
                a href={ "/products/" (product.slug) } { "In the shop" }
                @if changes { a href=(at("/archive")) { "Take it off sale" } }
            }
        }
    }
}

fn facts(product: &Product, vendor: &Vendor) -> Markup {
    let own: Vec<_> = FieldGroup::ALL
        .iter()
        .filter_map(|group| Some((*group, product.visibility.get(*group)?)))
        .collect();
    html! {
        dl.facts {
            dt { "Name in addresses" } dd { code { (product.slug) } }
            @if !product.summary.is_empty() { dt { "Summary" } dd { bdi { (product.summary) } } }
            @if !product.labels.categories.is_empty() {
                dt { "Categories" } dd { bdi { (product.labels.categories.join(", ")) } }
            }
            @if !product.labels.tags.is_empty() { dt { "Tags" } dd { bdi { (product.labels.tags.join(", ")) } } }
            @if !product.texts.0.is_empty() {
                dt { "Also in" }
                dd { @for language in product.texts.0.keys() { span lang=(language) { (language.name()) } " " } }
            }
            dt { "Pictures" } dd { (product.pictures.len()) }
            dt { "Who sees it" }
            dd {
                (level_name(product.visibility.needed(FieldGroup::Product, &vendor.settings.visibility)))
                @for (group, level) in own.iter().filter(|(group, _)| *group != FieldGroup::Product) {
                    "; " (group_name(*group).to_lowercase()) ": " (level_name(*level).to_lowercase())
                }
            }
        }
    }
}

fn offers_table(product: &Product, offers: &[Offer], token: &Token, changes: bool) -> Markup {
    let at = address(&product.slug);
    html! {
        @if offers.is_empty() {
            p { "None yet." }
        } @else {
            (table_of("What buyers can choose from", &["Offer", "Price", "Terms", "Limits", "State"], &html! {
                @for offer in offers { tr {
                    th scope="row" {
                        @if changes { a href={ (at) "/offers/" (offer.key) } { (offer.key) } } @else { (offer.key) }
                    }
                    td { (price(offer.price, token)) }
                    td {
                        @if product.kind == ProductKind::Bundle { "those of what is in it" }
                        @else { (words::terms(offer.terms)) }
                    }
                    td { (limits_text(offer.limits)) }
                    td {
                        @if offer.current { (badge(Tone::Good, "Offered")) }
                        @else if let Some(at) = offer.retired_at { (badge(Tone::Info, "Retired")) " " (date(at)) }
                        @else { (badge(Tone::Warn, "Not yet")) }
                    }
                } }
            }))
        }
        @if changes { p { a href={ (at) "/new-offer" } { "Add an offer" } } }
    }
}

fn releases_table(product: &Product, releases: &[Release], changes: bool) -> Markup {
    html! {
        h2 #releases { "Releases" }
        @if releases.is_empty() {
            p { "None yet." }
        } @else {
            (table_of("Newest first", &["Version", "Channel", "State"], &html! {
                @for release in releases { tr {
                    th scope="row" {
                        a href=(super::releases::address(product, &release.channel, &release.version)) {
                            (release.version)
                        }
                    }
                    td { (release.channel) }
                    td { (release_state(product, release)) }
                } }
            }))
        }
        @if changes { p { a href={ (address(&product.slug)) "/new-release" } { "Make a release" } } }
    }
}

/// How a release stands, and whether buyers get it.
pub fn release_state(product: &Product, release: &Release) -> Markup {
    html! {
        @match release.published_at {
            None => (badge(Tone::Warn, "Open")),
            Some(at) => { (badge(Tone::Good, "Published")) " " (date(at)) }
        }
        @if product.release == Some(release.id) { " " (badge(Tone::Info, "What buyers get")) }
    }
}

/// The long texts, as the shop shows them.
fn texts(product: &Product) -> Markup {
    html! {
        @if !product.description.is_empty() {
            h2 { "Description" }
            // Made harmless by the engine.
            div.prose dir="auto" { (PreEscaped(markdown::to_html(&product.description))) }
        }
        @if !product.instructions.is_empty() {
            h2 { "What the buyer is told with the code" }
            div.prose dir="auto" { (PreEscaped(markdown::to_html(&product.instructions))) }
        }
    }
}
