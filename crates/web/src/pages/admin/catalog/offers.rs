//! Offers: made, changed, withdrawn and offered again. Orders and licenses keep what they were made with.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::Amount;
use scrip_domain::catalog::{Offer, Product, ProductKind};
use scrip_domain::settings::Token;
use scrip_engine::catalog::offer::OfferFields;
use scrip_license::{Limits, Terms};
use serde::Deserialize;

use super::fields::{Area, refused, wrong};
use super::list::newest;
use super::terms::TermsForm;
use super::{Catalogue, Desk, address, named, part, part_again};
use crate::App;
use crate::extract::NamePath;
use crate::money::{MoneyOut, example, typed};
use crate::pages::date;
use crate::pages::form::{Field, Form, Mistakes, Nothing, mistake};
use crate::pages::look::{Tone, notice, price};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/products/{slug}/new-offer", get(blank).post(create))
        .route("/admin/products/{slug}/offers/{key}", get(edit).post(change))
        .route("/admin/products/{slug}/offers/{key}/retire", get(ask_retire).post(retire))
}

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct OfferForm {
    key: String,
    price: String,
    /// Of a bundle: offers, one a line.
    items: String,
    #[serde(flatten)]
    terms: TermsForm,
}

impl OfferForm {
    /// What the engine is asked to put.
    fn fields(
        &self,
        kind: ProductKind,
        token: &Token,
    ) -> Result<(OfferFields, Vec<String>), Problem> {
        let mut mistakes = Mistakes::default();
        let price = typed(&self.price, token.scale).unwrap_or_else(|| {
            let example = example(token.scale);
            mistakes.add("price", format!("a number of {}, such as {example}", token.code));
            Amount::ZERO
        });
        let bundle = kind == ProductKind::Bundle;
        let (terms, limits) = if bundle {
            (Terms::Perpetual, Limits::default())
        } else {
            self.terms.read(&mut mistakes)
        };
        let items = self.items.split_whitespace().filter(|_| bundle).map(str::to_owned).collect();
        mistakes.or((OfferFields { price, terms, limits }, items))
    }
}

async fn blank(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let first = app.engine.store().offers_of(product.id).await?.is_empty();
    let key = if first { "standard".to_owned() } else { String::new() };
    new_page(&app, &desk, &product, &OfferForm { key, ..OfferForm::default() }, None).await
}

async fn create(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
    Form(form): Form<OfferForm>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let key = form.key.trim();
    let problem = match form.fields(product.kind, &desk.vendor.settings.token) {
        Ok((fields, items)) => match app.engine.store().offer_by_key(product.id, key).await? {
            // The button was pressed twice, or somebody else has made the same.
            Some(there) => {
                let same = there.retired_at.is_none()
                    && same(&there, &fields)
                    && app.engine.item_names(there.id).await? == items;
                if same {
                    return Ok(to_offers(&slug, "offer"));
                }
                let detail =
                    "the product has an offer of this name: choose another, or change that one";
                Problem::field("key", detail)
            }
            None => match app.engine.put_bundle(desk.staff, &slug, key, fields, &items).await? {
                Ok(_) => return Ok(to_offers(&slug, "offer")),
                Err(refusal) => form.terms.place(&refusal.into()),
            },
        },
        Err(problem) => problem,
    };
    new_page(&app, &desk, &product, &form, Some(&problem)).await
}

fn same(there: &Offer, fields: &OfferFields) -> bool {
    let OfferFields { price, terms, limits } = *fields;
    (there.price, there.terms, there.limits) == (price, terms, limits)
}

fn to_offers(slug: &str, word: &str) -> Response {
    Redirect::to(&format!("{}?done={word}#offers", address(slug))).into_response()
}

/// The offer that an address names.
async fn offer_of(app: &App, product: &Product, key: &str) -> Result<Offer, Problem> {
    let offer = app.engine.store().offer_by_key(product.id, key).await?;
    offer.ok_or_else(Problem::not_found)
}

async fn edit(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath((slug, key)): NamePath<(String, String)>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let offer = offer_of(&app, &product, &key).await?;
    let scale = desk.vendor.settings.token.scale;
    let form = OfferForm {
        key,
        price: offer.price.decimal(scale).to_string(),
        items: app.engine.item_names(offer.id).await?.join("\n"),
        terms: TermsForm::of(offer.terms, offer.limits),
    };
    Ok(edit_page(&app, &desk, &product, &offer, &form, None))
}

async fn change(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath((slug, key)): NamePath<(String, String)>,
    Form(form): Form<OfferForm>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let offer = offer_of(&app, &product, &key).await?;
    let problem = match form.fields(product.kind, &desk.vendor.settings.token) {
        Ok((fields, _)) => {
            // What is in a bundle never changes.
            let items = app.engine.item_names(offer.id).await?;
            match app.engine.put_bundle(desk.staff, &slug, &key, fields, &items).await? {
                Ok(_) => return Ok(to_offers(&slug, "offer")),
                Err(refusal) => form.terms.place(&refusal.into()),
            }
        }
        Err(problem) => problem,
    };
    let items = app.engine.item_names(offer.id).await?.join("\n");
    let form = OfferForm { key, items, ..form };
    Ok(edit_page(&app, &desk, &product, &offer, &form, Some(&problem)))
}

async fn ask_retire(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath((slug, key)): NamePath<(String, String)>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let offer = offer_of(&app, &product, &key).await?;
    let at = address(&slug);
    let main = html! {
        p.lead { "“" (offer.key) "” for " (price(offer.price, &desk.vendor.settings.token)) " is offered no more." }
        p { "Who has bought it keeps it. You can offer it again: change it and save." }
        form.choice method="post" action={ (at) "/offers/" (key) "/retire" } {
            button.danger type="submit" { "Retire it" }
            a.button.second href=(at) { "Leave it" }
        }
    };
    Ok(part(&app, &desk, &product, "Retire this offer?", &main))
}

async fn retire(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath((slug, key)): NamePath<(String, String)>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    app.engine.retire_offer(desk.staff, &slug, &key).await??;
    Ok(to_offers(&slug, "retired"))
}

async fn new_page(
    app: &App,
    desk: &Desk<Catalogue>,
    product: &Product,
    form: &OfferForm,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let action = format!("{}/new-offer", address(&product.slug));
    let hint = "Your own name of it, such as standard or rental-30d. Buyers do not see it, and it never changes.";
    let main = html! {
        (refused(problem))
        form.sheet method="post" action=(action) {
            (Field { name: "key", label: "Name of the offer", kind: "text", value: &form.key, autocomplete: "off",
                required: true, hint: Some(hint), error: wrong(problem, "key") })
            (price_field(form, &desk.vendor.settings.token, problem))
            @if product.kind == ProductKind::Bundle {
                (Area { name: "items", label: "What is in it", rows: 6, value: &form.items,
                    hint: Some("Offers of other products, one a line, each as product/offer. It never changes: another selection is another offer."),
                    error: wrong(problem, "items") })
                (to_choose_from(app).await?)
            } @else { (form.terms.fields(problem)) }
            button type="submit" { "Add this offer" }
        }
    };
    Ok(part_again((app, desk), product, "New offer", &main, problem))
}

/// Offers that a bundle can be made of: those of the newest products, to copy their names from.
async fn to_choose_from(app: &App) -> Result<Markup, Problem> {
    let mut names = Vec::new();
    for product in newest(app).await?.iter().filter(|product| product.kind != ProductKind::Bundle) {
        for offer in app.engine.store().offers_of(product.id).await? {
            if offer.retired_at.is_none() {
                names.push((format!("{}/{}", product.slug, offer.key), product.title.clone()));
            }
        }
    }
    Ok(html! {
        @if !names.is_empty() {
            details {
                summary { "Offers of your newest products" }
                ul { @for (name, title) in &names { li { code { (name) } " " bdi { (title) } } } }
            }
        }
    })
}

fn edit_page(
    app: &App,
    desk: &Desk<Catalogue>,
    product: &Product,
    offer: &Offer,
    form: &OfferForm,
    problem: Option<&Problem>,
) -> Response {
    let at = address(&product.slug);
    let bundle = product.kind == ProductKind::Bundle;
    let main = html! {
        (refused(problem))
        @if let Some(since) = offer.retired_at {
            (notice(Tone::Info, &html! { p { "Retired " (date(since)) ". Saving it offers it again." } }))
        }
        p { "Orders and licenses keep the price, terms and limits that they were made with." }
        form.sheet method="post" action={ (at) "/offers/" (offer.key) } {
            (price_field(form, &desk.vendor.settings.token, problem))
            @if bundle {
                h2 { "What is in it" }
                @if let Some(text) = wrong(problem, "items") { (mistake(None, text)) }
                ul { @for name in form.items.lines() { li { code { (name) } } } }
            } @else { (form.terms.fields(problem)) }
            div.row {
                button type="submit" { @if offer.retired_at.is_some() { "Offer it again" } @else { "Save" } }
                @if offer.retired_at.is_none() { a href={ (at) "/offers/" (offer.key) "/retire" } { "Retire it" } }
            }
        }
    };
    part_again((app, desk), product, &format!("Offer {}", offer.key), &main, problem)
}

fn price_field(form: &OfferForm, token: &Token, problem: Option<&Problem>) -> Markup {
    let (tokens, money) = (
        MoneyOut::tokens(token.unit_value.tokens, token),
        MoneyOut::currency(token.unit_value.money),
    );
    let value = typed(&form.price, token.scale)
        .and_then(|amount| token.unit_value.price_of(amount))
        .filter(|money| !money.amount.is_zero());
    let worth = value.map(|money| format!(" This is worth {}.", MoneyOut::currency(money)));
    let hint = format!("{tokens} for {money}. 0 is free.{}", worth.unwrap_or_default());
    html! {
        (Field { name: "price", label: &format!("Price in {}", token.code), kind: "text", value: &form.price,
            autocomplete: "off", required: true, hint: Some(&hint), error: wrong(problem, "price") })
    }
}
