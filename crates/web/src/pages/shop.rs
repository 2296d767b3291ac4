//! A merchant's goods: what there is, what an item is and costs, and the way to the provider to pay for it.
//!
//! One button orders one item and sends the buyer to the provider, who shows the summary again and asks whether to pay. A
//! form that is sent twice orders once.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::header;
use maud::{Markup, PreEscaped, html};
use scrip_domain::Id;
use scrip_domain::catalog::Offer;
use scrip_domain::estimate::Pace;
use scrip_domain::request::Request;
use scrip_domain::settings::Token;
use scrip_domain::visibility::Level;
use scrip_engine::catalog::list::{Ask, Item, ListRefusal};
use scrip_engine::catalog::view::{Hidden, OfferView, ProductView};
use scrip_engine::checkout::Holder;
use scrip_engine::checkout::draft::Selecting;
use scrip_engine::purchase::Answered;
use scrip_engine::selection::{Choice, Selection};
use scrip_license::{RentalStart, Terms};
use serde::Deserialize;

use super::form::Form;
use super::pay::{size_text, span_text};
use super::visit::Visit;
use super::{chance, leads_to, private};
use crate::App;
use crate::caller::AtMerchant;
use crate::extract::{NamePath, Query, Source};
use crate::money::MoneyOut;
use crate::problem::Problem;
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/products", get(list))
        .route("/products/{slug}", get(show))
        .route("/products/{slug}/buy", post(buy))
}

/// How many products a page shows.
const PAGE: u32 = 24;

#[derive(Debug, Default, Deserialize)]
struct ListQuery {
    #[serde(default)]
    q: String,
    after: Option<String>,
}

async fn list(
    _: AtMerchant,
    State(app): State<App>,
    visit: Visit,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let member = visit.member.as_ref().map(|(_, member)| member);
    let words = Some(query.q.trim().to_owned()).filter(|words| !words.is_empty());
    if words.as_ref().is_some_and(|words| words.chars().count() > 200) {
        return Err(Problem::field("q", "at most 200 characters"));
    }
    let ask = Ask { q: words, ..Ask::default() };
    let page = app.engine.list_products(member, &ask, query.after.as_deref(), PAGE).await?;
    let page = match page {
        Ok(page) => page,
        Err(ListRefusal::BadCursor) => return Err(Problem::no_page()),
        Err(ListRefusal::Gate(_)) => return Ok(Redirect::to("/connect").into_response()),
    };
    let token = &page.vendor.settings.token;
    let main = html! {
        h1 { "Products" }
        form.search method="get" action="/products" role="search" {
            label.unseen for="q" { "Search" }
            input id="q" name="q" type="search" value=(query.q);
            button.second type="submit" { "Search" }
        }
        @if page.items.is_empty() { p { "Nothing is found." } }
        ul.items { @for item in &page.items { (item_row(item, token)) } }
        @if let Some(next) = &page.next {
            p { a href={ "/products?q=" (encoded(&query.q)) "&after=" (encoded(next)) } { "More" } }
        }
        (door(&visit))
    };
    Ok(private(&app, "Products", &visit, &main))
}

fn item_row(item: &Item, token: &Token) -> Markup {
    html! {
        li {
            a href={ "/products/" (item.slug) } { (item.title) }
            @if let Some(price) = item.price_from { span.sum { "from " (MoneyOut::tokens(price, token)) } }
            p.small { (item.summary) }
        }
    }
}

async fn show(
    _: AtMerchant,
    State(app): State<App>,
    visit: Visit,
    NamePath(slug): NamePath<String>,
) -> Result<Response, Problem> {
    let member = visit.member.as_ref().map(|(_, member)| member);
    let Ok(shown) = app.engine.show_product(member, &slug, None).await? else {
        return Ok(Redirect::to("/connect").into_response());
    };
    let shown = shown.ok_or_else(Problem::not_found)?;
    let view = shown.view().ok_or_else(Problem::not_found)?;
    let token = &shown.vendor().settings.token;
    let provider = app.engine.provider().map(|provider| provider.url().to_owned());
    let key = chance(&app);
    let main = html! {
        p.trail { a href="/products" { "Products" } }
        h1 { (view.title) }
        p.lead { (view.summary) }
        (facts(&view, shown.pace))
        @for offer in &view.offers { (offer_form(&view, offer, &key, token)) }
        @if let Some(provider) = &provider {
            p.small { "You pay at " (provider.split("://").nth(1).unwrap_or(provider)) ", and the goods come from here." }
        }
        @for hidden in &view.hidden { (unseen(hidden)) }
        @if let Some(description) = view.description_html {
            h2 { "About it" }
            // Made harmless where it was written.
            div.prose { (PreEscaped(description)) }
        }
        (door(&visit))
    };
    let mut response = private(&app, view.title, &visit, &main);
    if let Some(provider) = &provider {
        leads_to(&mut response, provider);
    }
    Ok(response)
}

/// The way in for who is not signed in.
fn door(visit: &Visit) -> Markup {
    html! {
        @if visit.member.is_none() {
            p.small { "Have you bought here before? " a href="/connect" { "Sign in through your provider" } "." }
        }
    }
}

/// What there is to receive, and how long that takes.
fn facts(view: &ProductView<'_>, pace: Pace) -> Markup {
    html! {
        dl.facts {
            @if let Some(size) = view.size {
                dt { "Size" } dd { (size_text(size)) }
                dt { "Download" } dd {
                    "about " (span_text(pace.speed.seconds_for(size))) " at " (pace.speed.mbps()) " Mbit/s"
                }
            }
            @if let Some(release) = &view.release { dt { "Version" } dd { (release.version) } }
            @if let Some(files) = view.files {
                dt { "Files" }
                dd { @for (place, file) in files.iter().enumerate() { @if place > 0 { ", " } (file.name) } }
            }
        }
    }
}

fn offer_form(view: &ProductView<'_>, offer: &OfferView, key: &str, token: &Token) -> Markup {
    html! {
        @if let Some(price) = offer.price {
            form.offer method="post" action={ "/products/" (view.slug) "/buy" } {
                input type="hidden" name="offer" value=(offer.id);
                input type="hidden" name="key" value=(key);
                @match view.contents.iter().find(|(of, _)| *of == offer.id) {
                    None => p { strong { (MoneyOut::tokens(price, token)) } " " (terms(offer.terms)) },
                    Some((_, items)) => {
                        p { strong { (MoneyOut::tokens(price, token)) } " together for:" }
                        ul { @for item in items {
                            li { a href={ "/products/" (item.slug) } { (item.title) } ", " (terms(item.terms)) }
                        } }
                    }
                }
                button type="submit" { "Buy" }
            }
        }
    }
}

/// What the buyer may do, for people.
pub fn terms(terms: Terms) -> String {
    match terms {
        Terms::Perpetual => "for good".to_owned(),
        Terms::Rental { seconds, from: RentalStart::Purchase } => {
            format!("for {}", days(seconds))
        }
        Terms::Rental { seconds, from: RentalStart::FirstActivation } => {
            format!("for {} from its first use", days(seconds))
        }
        Terms::Uses { count } => format!("for {count} uses"),
        Terms::Processings { count, unit: None } => format!("for {count} processings"),
        Terms::Processings { count, unit: Some(unit) } => format!("for {count} {unit}"),
        Terms::Trial { seconds } => format!("to try for {}", days(seconds)),
    }
}

fn days(seconds: u64) -> String {
    match seconds {
        0..172_800 => span_text(seconds),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// What is hidden, and what shows it.
fn unseen(hidden: &Hidden) -> Markup {
    let price = hidden.fields.contains(&"price_from");
    let what = if price { "The price is" } else { "A part of this is" };
    html! {
        p.small {
            @match hidden.needs {
                Level::Visitor | Level::Member => (format!("{what} shown to who is signed in.")),
                Level::Funded => (format!("{what} shown to who has enough tokens to order here, and lets us know.")),
                Level::Covered => (format!("{what} shown to whose tokens cover it.")),
            }
        }
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[derive(Debug, Deserialize)]
struct BuyForm {
    offer: String,
    key: String,
}

/// Orders one item, and sends the buyer to the provider with it.
async fn buy(
    _: AtMerchant,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    NamePath(slug): NamePath<String>,
    Form(form): Form<BuyForm>,
) -> Result<Response, Problem> {
    let offer: Id<Offer> =
        form.offer.parse().map_err(|_| Problem::field("offer", "this is no offer's id"))?;
    let selection = Selection::new(vec![Choice { offer, quantity: 1, extends: None }])?;
    // The same key orders, and confirms what it ordered.
    let key = |step: &str| format!("{step} {} {}", form.key, source.0);
    let what = format!("page {slug} {offer}");
    let request = |step| Request::new(&key(step), what.as_bytes(), request_id::current());
    let buyer = visit.member.as_ref().map(|(buyer, _)| *buyer);
    let who = match buyer {
        Some(buyer) => Selecting::Buyer(buyer, request("order")),
        None => Selecting::Visitor(request("order")),
    };
    let token = &visit.vendor.settings.token;
    let refused = |refusal| Problem::purchase(&refusal, token);
    let drafted = app.engine.draft_at_merchant(who, &selection, None, false).await?;
    let (Answered::First(drafted) | Answered::Replayed(drafted)) = drafted.map_err(refused)?;
    let holder = buyer.map_or(Holder::Token, Holder::Buyer);
    let begun = app.engine.begin_checkout(holder, drafted.order.id, request("pay")).await?;
    let (Answered::First(at) | Answered::Replayed(at)) = begun.map_err(refused)?;
    // Who comes back to an order that is over goes where it is shown.
    let here = format!("/return?order={}", drafted.order.id);
    let url = at.checkout.url.unwrap_or(here);
    let mut response = ([(header::CACHE_CONTROL, "no-store")], Redirect::to(&url)).into_response();
    leads_to(&mut response, &url);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_told_for_people() {
        assert_eq!(terms(Terms::Perpetual), "for good");
        let rental = |seconds| Terms::Rental { seconds, from: RentalStart::Purchase };
        assert_eq!(terms(rental(30 * 86_400)), "for 30 days");
        assert_eq!(terms(rental(3_600)), "for 60 minutes");
        assert_eq!(terms(Terms::Uses { count: 5 }), "for 5 uses");
    }
}
