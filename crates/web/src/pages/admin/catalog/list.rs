//! The list of products, in every state, and what finds one.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::catalog::{Product, ProductState};
use scrip_domain::settings::Token;
use serde::Deserialize;

use super::{Desk, Section, See, address, kind_name, page, state_badge};
use crate::App;
use crate::api::ListQuery;
use crate::extract::Query;
use crate::pages::admin::parts::{pager, range, table_of};
use crate::pages::date;
use crate::pages::look::{blank, price};
use crate::problem::Problem;
use scrip_domain::staff::Power;

pub fn routes() -> Router<App> {
    Router::new().route("/admin/products", get(list))
}

/// The same list as the API's, by the same cursors.
const LIST: &str = "admin products";
/// How many products a page shows.
const PAGE: u32 = 50;
/// The most characters that are looked for.
const MOST: usize = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    after: Option<String>,
}

/// A row of the list.
struct Row {
    slug: String,
    title: String,
    cells: Markup,
}

async fn list(
    State(app): State<App>,
    desk: Desk<See>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let q = asked.q.trim();
    if q.chars().count() > MOST {
        return Err(Problem::field("q", format!("at most {MOST} characters")));
    }
    let token = &desk.vendor.settings.token;
    let (rows, next) = if q.is_empty() {
        let page = range(&app, LIST, asked.after.as_deref())?;
        let rows = app.engine.store().products(page).await?;
        let number = |product: &Product| product.id.number();
        let list =
            crate::api::List::of(&app.engine, LIST, page, &rows, number, |row| of(row, token));
        (list.data, list.next)
    } else {
        // Whoever types a product's whole name wants that product.
        if app.engine.store().product_by_slug(q).await?.is_some() {
            return Ok(Redirect::to(&address(q)).into_response());
        }
        let found = app.engine.find_products(q, PAGE).await?;
        let row = |item: scrip_engine::catalog::list::Item| Row {
            cells: cells(
                ProductState::Published,
                kind_name(item.kind),
                item.price_from.map(|of| price(of, token)),
            ),
            slug: item.slug,
            title: item.title,
        };
        (found.into_iter().map(row).collect(), None)
    };
    let main = html! {
        div.row {
            form.search method="get" action="/admin/products" role="search" {
                label.unseen for="q" { "Words in published products, or the name in the address" }
                input id="q" name="q" type="search" value=(q) maxlength=(MOST) placeholder="Words, or a name";
                button.second type="submit" { "Find" }
            }
            @if desk.may(Power::Catalogue) { a.button href="/admin/new-product" { "New product" } }
        }
        (table(&rows, q, desk.may(Power::Catalogue)))
        (pager("/admin/products", next.as_deref()))
    };
    Ok(page(&app, &desk, "Products", Section::Products, &main))
}

fn of(product: &Product, token: &Token) -> Row {
    Row {
        slug: product.slug.clone(),
        title: product.title.clone(),
        cells: html! {
            (cells(product.state, kind_name(product.kind), product.price_from.map(|of| price(of, token))))
            td { (date(product.updated_at)) }
        },
    }
}

fn cells(state: ProductState, kind: &str, price: Option<Markup>) -> Markup {
    html! {
        td { (state_badge(state)) }
        td { (kind) }
        td { @if let Some(price) = price { (price) } @else { span.or { "no price yet" } } }
    }
}

fn table(rows: &[Row], q: &str, changes: bool) -> Markup {
    if rows.is_empty() && q.is_empty() {
        let next = changes.then_some(("/admin/new-product", "New product"));
        let text = "A product is what your shop sells: files to download, a service, or several of them together.";
        return blank("Nothing is sold here yet", text, next);
    }
    if rows.is_empty() {
        let text = "Words are looked for in what is published. A draft is found in the whole list, or by its name in addresses.";
        return blank("Nothing is found", text, Some(("/admin/products", "All products")));
    }
    let mut head = vec!["Product", "State", "Kind", "From"];
    head.extend(q.is_empty().then_some("Changed"));
    let rows = html! {
        @for row in rows { tr {
            th scope="row" { a href=(address(&row.slug)) { bdi { (row.title) } } }
            (row.cells)
        } }
    };
    let all = "Newest first".to_owned();
    let caption = if q.is_empty() { all } else { format!("Published products with “{q}”") };
    table_of(&caption, &head, &rows)
}

/// The newest products, of which a bundle is made.
pub async fn newest(app: &App) -> Result<Vec<Product>, Problem> {
    let page = ListQuery::of(30, None).page(&app.engine, LIST)?;
    Ok(app.engine.store().products(page).await?)
}
