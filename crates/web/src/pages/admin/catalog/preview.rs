//! A product as others see it: through the function by which the shop shows it, at each level.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, PreEscaped, html};
use scrip_domain::catalog::{Product, ProductState};
use scrip_domain::settings::{Flow, Token};
use scrip_domain::visibility::{FieldGroup, Level};
use scrip_engine::catalog::view::{Hidden, ProductView, fields_of};
use serde::Deserialize;

use super::{Desk, See, address, named, part};
use crate::App;
use crate::extract::{NamePath, Query};
use crate::pages::admin::parts::{filters, group_name, level_name};
use crate::pages::look::{Tone, notice, price};
use crate::pages::pay::size_text;
use crate::pages::words;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/admin/products/{slug}/preview", get(show))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    #[serde(rename = "as")]
    level: String,
}

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    NamePath(slug): NamePath<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let level = Level::parse(&asked.level).unwrap_or(Level::Visitor);
    let shown = app.engine.preview_product(&slug, level).await?;
    let view = shown.as_ref().and_then(scrip_engine::catalog::view::Shown::view);
    let shut = level == Level::Visitor && desk.vendor.settings.flow == Flow::MembersOnly;
    let eyes: Vec<_> = Level::ALL
        .iter()
        .map(|one| {
            let to = format!("{}/preview?as={one}", address(&slug));
            (to, level_name(*one).to_owned(), *one == level)
        })
        .collect();
    let main = html! {
        (filters("Seen by", &eyes))
        @if product.state != ProductState::Published {
            (notice(Tone::Info, &html! { p { "Nobody sees it now. This is how it would look if it were published." } }))
        }
        @match &view {
            Some(view) => (seen(&product, view, &desk.vendor.settings.token)),
            None if shut => p.lead { "A visitor sees nothing: this shop shows its products to members only." },
            None => p.lead { "They do not see this product at all: not in lists, not by a search, not at its address." },
        }
    };
    Ok(part(&app, &desk, &product, "As others see it", &main))
}

fn seen(product: &Product, view: &ProductView<'_>, token: &Token) -> Markup {
    let of = address(&product.slug);
    html! {
        @for hidden in &view.hidden {
            (notice(Tone::Warn, &html! { p { (unseen(hidden)) } }))
        }
        section.card aria-labelledby="seen" {
            h2 #seen { bdi { (view.title) } }
            @if !view.summary.is_empty() { p.lead { bdi { (view.summary) } } }
            @if let Some(pictures) = view.pictures {
                div.row { @for picture in pictures {
                    img.small-picture src={ (of) "/pictures/" (picture.object) } alt=(picture.alt) width="240" height="160"
                        loading="lazy";
                } }
            }
            ul.plain-list { @for offer in &view.offers { li {
                @if let Some(amount) = offer.price { (price(amount, token)) ", " } (words::terms(offer.terms).to_lowercase())
            } } }
            dl.facts {
                @if let Some(size) = view.size.filter(|size| *size > 0) { dt { "Size" } dd { (size_text(size)) } }
                @if let Some(release) = &view.release { dt { "Version" } dd { (release.version) } }
                @if let Some(files) = view.files.filter(|files| !files.is_empty()) {
                    dt { "Files" }
                    dd { ul.plain-list { @for file in files { li { bdi { (file.name) } " " small { (size_text(file.size)) } } } } }
                }
            }
            @if let Some(text) = view.description_html.filter(|text| !text.is_empty()) {
                h3 { "About it" }
                // Made harmless by the engine.
                div.prose dir="auto" { (PreEscaped(text)) }
            }
            @if let Some(notes) = view.release.and_then(|release| release.notes_html).filter(|notes| !notes.is_empty()) {
                h3 { "What is new" }
                div.prose dir="auto" { (PreEscaped(notes)) }
            }
        }
    }
}

/// What is hidden of a product, and who sees it.
pub fn unseen(hidden: &Hidden) -> String {
    let (what, who) = (groups(&hidden.fields).join(", "), level_name(hidden.needs));
    format!("Hidden: {}. Shown to: {}.", what.to_lowercase(), who.to_lowercase())
}

/// The groups that these fields of the API belong to.
fn groups(fields: &[&str]) -> Vec<&'static str> {
    let hidden = |group: &FieldGroup| fields_of(*group).iter().any(|field| fields.contains(field));
    FieldGroup::ALL.iter().filter(|group| hidden(group)).map(|group| group_name(*group)).collect()
}
