//! What a product says of itself: entering a new one, and changing one.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, PreEscaped, html};
use scrip_domain::catalog::{Labels, Product, ProductKind};
use scrip_domain::language::Language;
use scrip_domain::settings::Vendor;
use scrip_domain::texts::Texts;
use scrip_domain::visibility::{FieldGroup, Level, Visibility};
use scrip_engine::catalog::CatalogRefusal;
use scrip_engine::catalog::markdown;
use scrip_engine::catalog::product::ProductFields;
use serde::Deserialize;

use super::fields::{Area, Choice, refused, wrong};
use super::texts::{self, Typed};
use super::{
    Catalogue, Desk, Section, address, back, kind_name, named, page, part_again, with_status,
};
use crate::App;
use crate::extract::NamePath;
use crate::pages::admin::parts::{group_name, level_name};
use crate::pages::form::{Field, Form, Mistakes};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/new-product", get(blank).post(create))
        .route("/admin/products/{slug}/edit", get(edit).post(change))
}

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    title: String,
    slug: String,
    kind: String,
    summary: String,
    description: String,
    instructions: String,
    categories: String,
    tags: String,
    see_product: String,
    see_price: String,
    see_description: String,
    see_pictures: String,
    see_files: String,
    see_release_notes: String,
    /// What it says in further languages.
    #[serde(flatten)]
    texts: Typed,
    /// Which button was pressed: `preview` saves nothing.
    act: String,
}

impl Details {
    fn of(product: &Product) -> Self {
        let level = |group| product.visibility.get(group).map_or("", Level::as_str).to_owned();
        Self {
            title: product.title.clone(),
            slug: product.slug.clone(),
            kind: product.kind.to_string(),
            summary: product.summary.clone(),
            description: product.description.clone(),
            instructions: product.instructions.clone(),
            categories: product.labels.categories.join(", "),
            tags: product.labels.tags.join(", "),
            see_product: level(FieldGroup::Product),
            see_price: level(FieldGroup::Price),
            see_description: level(FieldGroup::Description),
            see_pictures: level(FieldGroup::Pictures),
            see_files: level(FieldGroup::Files),
            see_release_notes: level(FieldGroup::ReleaseNotes),
            texts: texts::typed(&product.texts),
            act: String::new(),
        }
    }

    fn level(&self, group: FieldGroup) -> &str {
        match group {
            FieldGroup::Product => &self.see_product,
            FieldGroup::Price => &self.see_price,
            FieldGroup::Description => &self.see_description,
            FieldGroup::Pictures => &self.see_pictures,
            FieldGroup::Files => &self.see_files,
            FieldGroup::ReleaseNotes => &self.see_release_notes,
        }
    }

    /// The fields as the engine takes them, without pictures; the vendor's own texts are in `own`.
    fn fields(&self, own: Language) -> Result<ProductFields, Problem> {
        let mut mistakes = Mistakes::default();
        let kind = ProductKind::parse(&self.kind).unwrap_or_else(|| {
            mistakes.add("kind", "one of these");
            ProductKind::Download
        });
        let mut level = |group: FieldGroup| {
            let text = self.level(group);
            let level = Level::parse(text);
            if level.is_none() && !text.is_empty() {
                mistakes.add(&field_of(group), "one of these");
            }
            level
        };
        let visibility = Visibility {
            product: level(FieldGroup::Product),
            price: level(FieldGroup::Price),
            description: level(FieldGroup::Description),
            pictures: level(FieldGroup::Pictures),
            files: level(FieldGroup::Files),
            release_notes: level(FieldGroup::ReleaseNotes),
        };
        if self.title.trim().is_empty() {
            mistakes.add("title", "a product has a title");
        }
        let typed = self.slug.trim();
        let slug = if typed.is_empty() { slug_of(&self.title) } else { typed.to_owned() };
        mistakes.or(ProductFields {
            slug,
            kind,
            title: self.title.clone(),
            summary: self.summary.clone(),
            description: self.description.clone(),
            labels: Labels { categories: labels(&self.categories), tags: labels(&self.tags) },
            pictures: Vec::new(),
            visibility,
            instructions: self.instructions.clone(),
            texts: texts::read(&self.texts, own, &Texts::default()),
        })
    }
}

/// The form's name of who sees a group.
fn field_of(group: FieldGroup) -> String {
    format!("see_{group}")
}

pub fn labels(text: &str) -> Vec<String> {
    let labels = text.split(',').map(str::trim).filter(|label| !label.is_empty());
    labels.map(str::to_owned).collect()
}

/// A name for addresses out of a title: `Field Recorder 2` becomes `field-recorder-2`.
fn slug_of(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars().map(|letter| letter.to_ascii_lowercase()) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(80);
    slug.trim_end_matches('-').to_owned()
}

async fn blank(State(app): State<App>, desk: Desk<Catalogue>) -> Response {
    let form = Details { kind: ProductKind::Download.to_string(), ..Details::default() };
    new_page(&app, &desk, &form, None)
}

async fn create(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    Form(form): Form<Details>,
) -> Result<Response, Problem> {
    if form.act == "preview" {
        return Ok(new_page(&app, &desk, &form, None));
    }
    let own = desk.vendor.settings.look.language;
    let fields = match form.fields(own) {
        Ok(fields) => fields,
        Err(problem) => return Ok(new_page(&app, &desk, &form, Some(&problem))),
    };
    let problem = match app.engine.create_product(desk.staff, fields.clone()).await? {
        Ok(product) => return Ok(back(&address(&product.slug), "made")),
        Err(CatalogRefusal::SlugTaken) => {
            // The button was pressed twice.
            let there = app.engine.store().product_by_slug(&fields.slug).await?;
            let same = |there: &Product| {
                fields
                    .clone()
                    .checked()
                    .is_ok_and(|fields| fields == ProductFields::of(there.clone()))
            };
            if let Some(there) = there.filter(same) {
                return Ok(back(&address(&there.slug), "made"));
            }
            taken()
        }
        Err(refusal) => refusal.into(),
    };
    Ok(new_page(&app, &desk, &form, Some(&problem)))
}

fn taken() -> Problem {
    let detail = "another product has this name: choose another";
    Problem::from(CatalogRefusal::SlugTaken).with_error("slug", "taken", detail)
}

async fn edit(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let form = Details::of(&product);
    Ok(edit_page(&app, &desk, &product, &form, None))
}

async fn change(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
    Form(form): Form<Details>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    if form.act == "preview" {
        return Ok(edit_page(&app, &desk, &product, &form, None));
    }
    let own = desk.vendor.settings.look.language;
    let problem = match form.fields(own) {
        Ok(fields) => {
            // Pictures have a page of their own, where somebody may be at work.
            let with = |now: ProductFields| ProductFields {
                pictures: now.pictures,
                texts: texts::read(&form.texts, own, &now.texts),
                ..fields.clone()
            };
            match app.engine.amend_product(desk.staff, &slug, with).await? {
                Ok(product) => return Ok(back(&address(&product.slug), "saved")),
                Err(CatalogRefusal::SlugTaken) => taken(),
                Err(refusal) => refusal.into(),
            }
        }
        Err(problem) => problem,
    };
    Ok(edit_page(&app, &desk, &product, &form, Some(&problem)))
}

fn new_page(
    app: &App,
    desk: &Desk<Catalogue>,
    form: &Details,
    problem: Option<&Problem>,
) -> Response {
    let main = html! {
        p.within { a href="/admin/products" { "Products" } }
        p.lead { "It begins as a draft that only the staff sees. Offers, files and pictures come next." }
        (written(form, &desk.vendor, "/admin/new-product", "Enter it", problem))
    };
    let response = page(app, desk, "New product", Section::Products, &main);
    match problem {
        Some(problem) => with_status(response, problem),
        None => response,
    }
}

fn edit_page(
    app: &App,
    desk: &Desk<Catalogue>,
    product: &Product,
    form: &Details,
    problem: Option<&Problem>,
) -> Response {
    let action = format!("{}/edit", address(&product.slug));
    let main = html! {
        (written(form, &desk.vendor, &action, "Save", problem))
        p { a href=(address(&product.slug)) { "Leave it as it was" } }
    };
    part_again((app, desk), product, "Edit", &main, problem)
}

/// The form, and what its texts look like if that was asked for.
fn written(
    form: &Details,
    vendor: &Vendor,
    action: &str,
    button: &str,
    problem: Option<&Problem>,
) -> Markup {
    html! {
        (refused(problem))
        @if form.act == "preview" { (looks(form)) }
        form.sheet method="post" action=(action) {
            (about(form, problem))
            (shelves(form, problem))
            (texts::fields(&form.texts, vendor.settings.look.language, problem))
            (visibility(form, vendor, problem))
            div.row {
                button type="submit" { (button) }
                button.second type="submit" name="act" value="preview" { "Preview the texts" }
            }
        }
    }
}

fn about(form: &Details, problem: Option<&Problem>) -> Markup {
    let kinds: Vec<_> =
        ProductKind::ALL.iter().map(|kind| (kind.as_str(), kind_name(*kind))).collect();
    let line = |name, label, value, required, hint| Field {
        name,
        label,
        kind: "text",
        value,
        autocomplete: "off",
        required,
        hint,
        error: wrong(problem, name),
    };
    html! {
        (line("title", "Title", &form.title, true, None))
        (line("slug", "Name in addresses", &form.slug, false,
            Some("Letters a to z, digits and dashes: /products/field-recorder. Left empty, it is made from the title.")))
        (Choice { name: "kind", label: "How it is received", options: &kinds, chosen: &form.kind,
            hint: Some("A download has files, a service is a code with your instructions, a bundle is several others together."),
            error: wrong(problem, "kind") })
        (line("summary", "Summary", &form.summary, false, Some("One or two sentences, for lists.")))
        (Area { name: "description", label: "Description", rows: 12, value: &form.description,
            hint: Some("Markdown: # Heading, *emphasis*, - list, [text](https://…)."),
            error: wrong(problem, "description") })
        (Area { name: "instructions", label: "Instructions for the buyer", rows: 5, value: &form.instructions,
            hint: Some("Markdown. Shown with the code, to whoever has bought it: how a service is had, where to go."),
            error: wrong(problem, "instructions") })
    }
}

fn shelves(form: &Details, problem: Option<&Problem>) -> Markup {
    let line = |name, label, value, hint| Field {
        name,
        label,
        kind: "text",
        value,
        autocomplete: "off",
        required: false,
        hint: Some(hint),
        error: wrong(problem, name),
    };
    html! {
        (line("categories", "Categories", &form.categories, "Shelves of the shop, with commas between: Sounds, Tools."))
        (line("tags", "Tags", &form.tags, "Free words, with commas between."))
    }
}

fn visibility(form: &Details, vendor: &Vendor, problem: Option<&Problem>) -> Markup {
    html! {
        fieldset {
            legend { "Who sees what" }
            p.hint { "Each sees what those before see. Members are signed in; funded ones have a balance that has reached the
                shop's threshold; the last have a balance that covers this product." }
            div.columns.two {
                @for group in FieldGroup::ALL {
                    @let field = field_of(*group);
                    @let shop = Visibility::default().needed(*group, &vendor.settings.visibility);
                    @let as_shop = format!("As the shop: {}", level_name(shop).to_lowercase());
                    @let options = {
                        let mut options = vec![("", as_shop.as_str())];
                        options.extend(Level::ALL.iter().map(|level| (level.as_str(), level_name(*level))));
                        options
                    };
                    (Choice { name: &field, label: group_name(*group), options: &options, chosen: form.level(*group),
                        hint: None, error: wrong(problem, &field) })
                }
            }
        }
    }
}

/// The texts as buyers would read them; nothing of it is saved.
fn looks(form: &Details) -> Markup {
    let text = |title: &str, text: &str| {
        html! {
            @if !text.trim().is_empty() {
                h3 { (title) }
                // Made harmless by the engine.
                div.prose dir="auto" { (PreEscaped(markdown::to_html(text))) }
            }
        }
    };
    html! {
        section.card aria-labelledby="looks" {
            h2 #looks { "Preview" }
            p.hint { "Nothing is saved yet." }
            p { strong { bdi { (form.title) } } }
            @if !form.summary.is_empty() { p { bdi { (form.summary) } } }
            (text("Description", &form.description))
            (text("Instructions for the buyer", &form.instructions))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_makes_a_name() {
        assert_eq!(slug_of("Field Recorder 2"), "field-recorder-2");
        assert_eq!(slug_of("  – Übung: 3/4! "), "bung-3-4");
        assert_eq!(slug_of("音"), "");
        assert_eq!(slug_of(&"a ".repeat(100)).len(), 79);
    }

    #[test]
    fn labels_stand_between_commas() {
        assert_eq!(labels(" Sounds,, Tools ,"), ["Sounds", "Tools"]);
        assert_eq!(labels(" "), Vec::<String>::new());
    }

    #[test]
    fn every_wrong_choice_is_named() {
        let form = Details {
            kind: "x".into(),
            see_price: "y".into(),
            see_files: "z".into(),
            title: "A".into(),
            ..Details::default()
        };
        let problem = form.fields(Language::English).unwrap_err();
        let fields: Vec<_> = problem.errors().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["kind", "see_price", "see_files"]);
    }
}
