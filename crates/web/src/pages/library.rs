//! The library: what somebody owns, and a page for each license of it.
//!
//! A merchant's buyers have their library at the merchant, where the goods are, and their wallet at its provider.

mod acts;
mod license;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::catalog::Product;
use scrip_domain::{Span, Timestamp};
use scrip_engine::library::{Owned, Shelf, Wanted};
use serde::Deserialize;

use super::look::{badge, blank};
use super::shop::cover;
use super::visit::SignedIn;
use super::{date, private, words};
use crate::App;
use crate::extract::Query;
use crate::language::{say, spoken, t};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/library", get(list)).merge(license::routes()).merge(acts::routes())
}

/// How many licenses a page shows.
const PAGE: usize = 24;
/// How long the link to the next page is good.
const CURSOR: Span = Span::days(7);

#[derive(Debug, Default, Deserialize)]
struct ListQuery {
    #[serde(default)]
    q: String,
    /// `active`, `ended`; anything else is all.
    #[serde(default)]
    show: String,
    after: Option<String>,
}

impl ListQuery {
    fn wanted(&self) -> Wanted<'_> {
        let ended = match self.show.as_str() {
            "active" => Some(false),
            "ended" => Some(true),
            _ => None,
        };
        Wanted { words: self.q.trim(), ended }
    }

    /// The same list from `after` on.
    fn next(&self, after: &str) -> String {
        let pairs = [("q", self.q.trim()), ("show", &self.show), ("after", after)];
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        format!("/library?{query}")
    }
}

async fn list(
    State(app): State<App>,
    visit: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    if query.q.chars().count() > 200 {
        return Err(Problem::field("q", t("at most 200 characters")));
    }
    let after = query.after.as_deref().map(|cursor| {
        app.engine.unseal::<u64>("cursor library", cursor).ok_or_else(Problem::no_page)
    });
    let after = after.transpose()?;
    let shelf = app.engine.library(visit.buyer.account, query.wanted(), after, PAGE).await?;
    let now = app.engine.now();
    let next = shelf.next.map(|last| app.engine.seal("cursor library", &last, now.plus(CURSOR)));
    let whole = query.q.trim().is_empty() && query.wanted().ended.is_none() && after.is_none();
    let main = html! {
        h1 { (t("Your library")) }
        @if shelf.things.is_empty() && whole {
            (nothing_yet(&app))
        } @else {
            (filter(&query))
            (found(&shelf, now, next.is_some()))
            @if let Some(next) = &next {
                nav.pager aria-label=(t("More of the library")) { a.button.second href=(query.next(next)) { (t("Show older ones")) } }
            }
        }
    };
    Ok(private(&app, t("Your library"), &visit.visit, &main))
}

/// What to do first.
fn nothing_yet(app: &App) -> Markup {
    if app.engine.roles().sells() {
        let text = t(
            "What you buy is kept here: its code, its files and the machines that it is used on.",
        );
        return blank(t("Nothing here yet"), text, Some(("/products", t("Look at the products"))));
    }
    let text =
        t("This server keeps wallets. What you buy is in your library at the shop that sold it.");
    blank(t("Nothing here"), text, Some(("/wallet", t("Go to your wallet"))))
}

fn filter(query: &ListQuery) -> Markup {
    html! {
        form.filter method="get" action="/library" role="search" {
            div.field {
                label for="q" { (t("Search")) }
                input id="q" name="q" type="search" value=(query.q.trim()) maxlength="200" autocomplete="off";
            }
            div.field {
                label for="show" { (t("Show")) }
                select id="show" name="show" {
                    @for (value, name) in [("", t("All")), ("active", t("Active")), ("ended", t("Ended or used up"))] {
                        option value=(value) selected[query.show == value] { (name) }
                    }
                }
            }
            button.second type="submit" { (t("Apply")) }
        }
    }
}

fn found(shelf: &Shelf, now: Timestamp, more: bool) -> Markup {
    html! {
        @if shelf.things.is_empty() {
            @let text = if more { t("Nothing so far: what is older was not looked at yet.") } else { t("Try other words, or show all.") };
            (blank(t("Nothing is found"), text, Some(("/library", t("Show all")))))
        } @else {
            p { (say!("What each purchase cost, and its receipt, is in {link}.",
                link = html! { a href="/orders" { (t("your orders")) } })) }
            ul.goods.owned { @for owned in &shelf.things { (tile(owned, now)) } }
        }
    }
}

/// What a product is called for who reads this.
pub fn title(product: &Product) -> &str {
    spoken().map_or(&product.title, |language| product.title_in(language))
}

fn tile(owned: &Owned, now: Timestamp) -> Markup {
    let title = title(&owned.product);
    let license = &owned.standing.license;
    let (tone, word) = words::standing(owned, now);
    html! {
        li {
            (cover(&owned.product.slug, title, owned.product.pictures.first(), false))
            h2 { a href={ "/library/" (license.id) } { bdi { (title) } } }
            p { (badge(tone, word)) " " (words::terms(license.terms)) }
            @if let Some(until) = license.expires_at {
                p { @if until > now { (t("Until")) " " } @else { (t("Ended")) " " } (date(until)) }
            }
            @if let Some(left) = owned.standing.left() {
                p { (say!("{left} {units} left", left, units = words::units(license.terms, left))) }
            }
        }
    }
}
