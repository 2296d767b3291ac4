//! What there is: searched, by category and tag, sorted, a page at a time.
//!
//! Everything that was chosen stands in the address, so each state of the list is a link.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use scrip_domain::listing::{self, Category};
use scrip_domain::settings::Token;
use scrip_domain::visibility::Level;
use scrip_engine::catalog::list::{Ask, Item, ListRefusal, Listing, Sort};
use serde::Deserialize;

use super::cover;
use super::door::{Guest, shut};
use crate::App;
use crate::caller::AtSeller;
use crate::extract::Query;
use crate::language::{reader, say, spoken, t, text};
use crate::pages::assets::SUGGEST;
use crate::pages::frame::{Card, Head, public};
use crate::pages::look::{blank, price};
use crate::pages::visit::{Local, Visit};
use crate::pages::{asks_here, runs_scripts};
use crate::problem::Problem;

/// How many products a page shows.
const PAGE: u32 = 24;
/// How many tags of what is on the page are offered to choose.
const TAGS: usize = 12;
/// The tiles that are likely to be seen without scrolling.
const SOON: usize = 6;

/// What was chosen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    q: String,
    category: String,
    tag: String,
    sort: Sort,
    after: Option<String>,
}

impl Wish {
    /// Its address, from the first page.
    fn address(&self) -> String {
        self.page(None)
    }

    /// The address of the page behind `after`.
    fn page(&self, after: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", &self.q), ("category", &self.category), ("tag", &self.tag)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if self.sort != Sort::default() {
            query.append_pair("sort", name_of(self.sort));
        }
        if let Some(after) = after {
            query.append_pair("after", after);
        }
        let query = query.finish();
        if query.is_empty() { "/products".to_owned() } else { format!("/products?{query}") }
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut other = self.clone();
        change(&mut other);
        other.address()
    }

    fn ask(&self) -> Ask {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Ask {
            q: given(&self.q),
            kind: None,
            category: given(&self.category),
            tag: given(&self.tag),
            sort: self.sort,
        }
    }

    /// What the page is called.
    fn title<'a>(&'a self, categories: &'a [Category], items: &'a [Item]) -> &'a str {
        if !self.category.is_empty() {
            return name_in(categories, &self.category);
        }
        if self.tag.is_empty() { t("Products") } else { tag_name(items, &self.tag) }
    }
}

/// The address of everything in `category`.
pub fn of_category(category: &str) -> String {
    Wish::default().with(|wish| category.clone_into(&mut wish.category))
}

/// The address of everything with `tag`.
pub fn of_tag(tag: &str) -> String {
    Wish::default().with(|wish| tag.clone_into(&mut wish.tag))
}

/// What `category` is called for who reads this: its name in the language of the page, if it has one.
fn name_in<'a>(categories: &'a [Category], category: &'a str) -> &'a str {
    let key = listing::sort_key(category);
    let found = categories.iter().find(|one| listing::sort_key(&one.label) == key);
    found.zip(spoken()).map_or(category, |(found, language)| found.name_in(language))
}

/// What `tag` is called by the products that have it.
fn tag_name<'a>(items: &'a [Item], tag: &'a str) -> &'a str {
    let key = listing::sort_key(tag);
    let mut named = items.iter().flat_map(|item| item.labels.tags.iter().zip(&item.called.tags));
    named.find(|(own, _)| listing::sort_key(own) == key).map_or(tag, |(_, called)| called)
}

fn name_of(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "newest",
        Sort::Title => "title",
        Sort::Price => "price",
        Sort::PriceDown => "-price",
    }
}

pub async fn show(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    Query(mut wish): Query<Wish>,
) -> Result<Response, Problem> {
    for text in [&mut wish.q, &mut wish.category, &mut wish.tag] {
        *text = text.trim().to_owned();
    }
    for (name, text) in [("q", &wish.q), ("category", &wish.category), ("tag", &wish.tag)] {
        if text.chars().count() > 200 {
            return Err(Problem::field(name, t("at most 200 characters")));
        }
    }
    let member = visit.member.as_ref().map(|(_, member)| member);
    let here = Local::new(&wish.address()).or_else(|| Local::new("/products")).unwrap_or_default();
    let after = wish.after.as_deref();
    let (engine, language) = (&app.engine, reader(&visit.vendor.settings));
    let page = match engine.list_products(member, &wish.ask(), after, PAGE, language).await? {
        Ok(page) => page,
        Err(ListRefusal::BadCursor) => return Err(Problem::no_page()),
        Err(ListRefusal::Gate(_)) => {
            let standing = scrip_domain::gate::Standing::Visitor;
            return Ok(shut(&app, &Guest::at(&app, &visit, standing, here).await?));
        }
    };
    let guest = Guest::at(&app, &visit, page.standing, here).await?;
    let categories = app.engine.categories(page.standing).await?;
    let title = wish.title(&categories, &page.items);
    let main = html! {
        h1 { bdi { (title) } }
        (search(&wish))
        (shelves(&categories, Some(&wish)))
        (chosen(&wish, &page.items))
        @if page.items.is_empty() { (nothing(&wish)) } @else {
            (order(&wish))
            (tiles(&page.items, &page.vendor.settings.token, &guest, SOON))
            (tags(&page, &wish))
        }
        @if let Some(next) = &page.next {
            nav.pager aria-label=(t("Pages of the list")) { a.button.second rel="next" href=(wish.page(Some(next))) { (t("More")) } }
        }
        @if !guest.is_signed_in() && guest.provider.is_some() {
            p.small { (say!("Have you bought here before? {link}.", link = html! { a href=(guest.sign_in()) { (t("Sign in through your provider")) } })) }
        }
    };
    let vendor = &visit.vendor.settings.name;
    let about = text!("{title}, by {vendor}", title, vendor);
    let plain = wish.q.is_empty() && wish.tag.is_empty() && wish.after.is_none();
    let path = of_category(&wish.category);
    let card = Card { about: &about, path, picture: None, kind: "website" };
    let card = plain.then_some(card);
    let head = Head { title, card, unlisted: !plain };
    let mut response = public(&app, &head, &visit, &main);
    runs_scripts(&mut response);
    asks_here(&mut response);
    Ok(response)
}

/// The form that finds things by words. What else was chosen stays.
fn search(wish: &Wish) -> Markup {
    html! {
        form.search method="get" action="/products" role="search" {
            label.unseen for="q" { (t("Search")) }
            input id="q" name="q" type="search" value=(wish.q) maxlength="200" placeholder=(t("Search products"))
                list="suggested" data-suggests;
            datalist #suggested {}
            @for (name, value) in [("category", &wish.category), ("tag", &wish.tag)] {
                @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
            }
            @if wish.sort != Sort::default() { input type="hidden" name="sort" value=(name_of(wish.sort)); }
            button.second type="submit" { (t("Search")) }
        }
        script src=(SUGGEST.now()) defer {}
    }
}

/// The categories; on the list itself, with the chosen one marked, and a way back to all.
pub fn shelves(categories: &[Category], wish: Option<&Wish>) -> Markup {
    let on_list = wish.is_some();
    let wish = wish.cloned().unwrap_or_default();
    if categories.len() < 2 && wish.category.is_empty() {
        return Markup::default();
    }
    let key = listing::sort_key;
    let chosen = key(&wish.category);
    html! {
        nav.shelves aria-label=(t("Categories")) {
            @if on_list {
                a href=(wish.with(|all| all.category.clear())) aria-current=[chosen.is_empty().then_some("true")] { (t("All")) }
            }
            @for category in categories {
                a href=(wish.with(|all| category.label.clone_into(&mut all.category)))
                    aria-current=[(key(&category.label) == chosen).then_some("true")] {
                    bdi { (name_in(categories, &category.label)) }
                }
            }
        }
    }
}

/// What was chosen besides the category, each with a way out of it.
fn chosen(wish: &Wish, items: &[Item]) -> Markup {
    let chip = |what: &str, text: &str, without: String| {
        html! {
            li { a href=(without) { span.unseen { (t("Remove:")) " " } (what) " " bdi { (text) } span aria-hidden="true" { "×" } } }
        }
    };
    html! {
        @if !wish.q.is_empty() || !wish.tag.is_empty() {
            ul.chips {
                @if !wish.q.is_empty() { (chip(t("Words:"), &wish.q, wish.with(|all| all.q.clear()))) }
                @if !wish.tag.is_empty() { (chip(t("Tag:"), tag_name(items, &wish.tag), wish.with(|all| all.tag.clear()))) }
            }
        }
    }
}

fn order(wish: &Wish) -> Markup {
    let all = [
        (Sort::Newest, t("Newest")),
        (Sort::Title, t("Title")),
        (Sort::Price, t("Lowest price")),
        (Sort::PriceDown, t("Highest price")),
    ];
    html! {
        nav.sorts aria-label=(t("Sort by")) {
            span aria-hidden="true" { (t("Sort by")) }
            @for (sort, name) in all {
                a href=(wish.with(|all| all.sort = sort)) aria-current=[(sort == wish.sort).then_some("true")] { (name) }
            }
        }
    }
}

/// Tags of what is on this page: what is hidden is not on it.
fn tags(page: &Listing, wish: &Wish) -> Markup {
    let mut tags: Vec<(&String, &String)> = Vec::new();
    let all = page.items.iter().flat_map(|item| item.labels.tags.iter().zip(&item.called.tags));
    for (tag, called) in all {
        let known = tags.iter().any(|(known, _)| *known == tag);
        if tags.len() < TAGS && !known && *tag != wish.tag {
            tags.push((tag, called));
        }
    }
    html! {
        @if !tags.is_empty() {
            nav.tags aria-label=(t("Tags")) {
                span aria-hidden="true" { (t("Tags")) }
                @for (tag, called) in tags { a href=(wish.with(|all| tag.clone_into(&mut all.tag))) { bdi { (called) } } }
            }
        }
    }
}

fn nothing(wish: &Wish) -> Markup {
    if wish.address() == "/products" {
        return blank(
            t("Nothing here yet"),
            t("There is nothing for sale at the moment. Come back soon."),
            None,
        );
    }
    let text = t("Try fewer or other words, or look at everything.");
    blank(t("Nothing is found"), text, Some(("/products", t("All products"))))
}

/// Products as tiles; the first `soon` pictures are fetched at once.
pub fn tiles(items: &[Item], token: &Token, guest: &Guest<'_>, soon: usize) -> Markup {
    html! {
        ul.goods {
            @for (place, item) in items.iter().enumerate() { (tile(item, token, guest, place < soon)) }
        }
    }
}

fn tile(item: &Item, token: &Token, guest: &Guest<'_>, soon: bool) -> Markup {
    let picture = item.pictures.as_ref().and_then(|all| all.first());
    let hidden = item.hidden.iter().find(|hidden| hidden.fields.contains(&"price_from"));
    html! {
        li {
            (cover(&item.slug, &item.title, picture, soon))
            h2 { a href={ "/products/" (item.slug) } { bdi { (item.title) } } }
            p { bdi { (item.summary) } }
            @if let Some(least) = item.price_from {
                p.from { @if item.varies { (t("from")) " " } (price(least, token)) }
            } @else if hidden.is_some_and(|hidden| hidden.needs == Level::Member) && !guest.is_signed_in() {
                p.key { a href=(guest.sign_in()) { (t("Sign in to see the price")) } }
            } @else if hidden.is_some() {
                p.key { (t("See what shows the price")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_stands_in_the_address() {
        let wish = Wish { q: "a&b ä".into(), sort: Sort::PriceDown, ..Wish::default() };
        assert_eq!(wish.address(), "/products?q=a%26b+%C3%A4&sort=-price");
        assert_eq!(wish.page(Some("x")), "/products?q=a%26b+%C3%A4&sort=-price&after=x");
        assert_eq!(wish.with(|all| all.q.clear()), "/products?sort=-price");
        assert_eq!(of_category("Éditions"), "/products?category=%C3%89ditions");
        assert_eq!(Wish::default().address(), "/products");
    }
}
