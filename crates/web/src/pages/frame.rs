//! Around every page: its head, its masthead and its foot, and how long it may be kept.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use maud::{DOCTYPE, Markup, html};
use scrip_domain::role::Role;

use super::assets::STYLE_NOW;
use super::look::{Icon, icon};
use super::runs_scripts;
use super::visit::Visit;
use crate::App;
use crate::money::MoneyOut;
use crate::problem::Problem;

/// What may be kept by everybody for a while, because everybody sees the same.
pub const SAME_FOR_ALL: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))];

/// Who looks at a page, as far as its head shows it.
#[derive(Clone, Copy, Debug)]
pub enum Visited<'a> {
    /// Who reads what is for everybody.
    Unknown,
    /// This browser.
    By(&'a Visit),
}

/// A whole page called `title`, under the vendor's name, the same for everybody.
pub async fn page(app: &App, title: &str, main: &Markup) -> Result<Html<String>, Problem> {
    let vendor = app.engine.vendor().await?;
    Ok(Html(whole(app, &vendor.settings.name, title, Visited::Unknown, main).into_string()))
}

/// The same for one browser's eyes: no cache keeps it.
pub fn private(app: &App, title: &str, visit: &Visit, main: &Markup) -> Response {
    let name = &visit.vendor.settings.name;
    let page = Html(whole(app, name, title, Visited::By(visit), main).into_string());
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], page).into_response()
}

/// The same, and the browser asks for it again in so many seconds.
pub fn private_again_in(
    app: &App,
    title: &str,
    visit: &Visit,
    seconds: u32,
    main: &Markup,
) -> Response {
    let mut response = private(app, title, visit, main);
    again_in(&mut response, seconds);
    response
}

/// The browser asks for this page again in so many seconds.
pub fn again_in(response: &mut Response, seconds: u32) {
    response.headers_mut().insert(header::REFRESH, HeaderValue::from(seconds));
}

/// A private page on which a script of ours runs.
pub fn private_with_script(app: &App, title: &str, visit: &Visit, main: &Markup) -> Response {
    let mut response = private(app, title, visit, main);
    runs_scripts(&mut response);
    response
}

/// A page of the shop: what stands around `main`.
pub fn whole(app: &App, vendor: &str, title: &str, visited: Visited<'_>, main: &Markup) -> Markup {
    let body = html! {
        header.masthead {
            a.vendor href="/" { (vendor) }
            (navigation(app, visited))
        }
        main #main { (main) }
        footer.foot {
            p { (vendor) }
            nav aria-label="More" {
                a href="/docs" { "API reference" }
                a href="/problems" { "Problems" }
            }
        }
    };
    document(vendor, title, &Markup::default(), &body)
}

/// The whole document, of the shop and of the console alike: `head` is what one of them adds.
pub fn document(vendor: &str, title: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) @if !vendor.is_empty() { " · " (vendor) } }
                link rel="stylesheet" href=(*STYLE_NOW);
                (head)
            }
            body { a.skip href="#main" { "Skip to the content" } (body) }
        }
    }
}

fn navigation(app: &App, visited: Visited<'_>) -> Markup {
    let Visited::By(visit) = visited else {
        return html! {
            nav aria-label="Pages" {
                a href="/docs" { "API reference" }
                a href="/problems" { "Problems" }
                a href="/openapi.json" { "OpenAPI" }
            }
        };
    };
    let roles = app.engine.roles();
    // A provider's own pages are about wallets: it sells only as a vendor.
    let sells = roles.has(Role::Vendor) || roles.has(Role::Merchant);
    // A merchant's buyers have account and wallet at its provider.
    let own = app.engine.provider().is_none();
    let member = visit.member.as_ref().map(|(_, member)| member);
    let units = visit.cart.units();
    html! {
        nav aria-label="Pages" {
            @if sells { (entry(visit, "/products", &html! { "Products" })) }
            @if sells && member.is_some() { (entry(visit, "/library", &html! { "Library" })) }
            @if let (true, Some(member)) = (own, member) {
                (entry(visit, "/wallet", &html! {
                    span.unseen { "Wallet " }
                    span.balance-of { (MoneyOut::tokens(member.available, &visit.vendor.settings.token)) }
                }))
                (entry(visit, "/account", &html! { span.unseen { "Account " } span.who { (member.account.email) } }))
            }
            @if sells {
                (entry(visit, "/cart", &html! {
                    (icon(Icon::Cart)) "Cart"
                    @if units > 0 { span.count { (units) } }
                }))
            }
            @if member.is_some() {
                form method="post" action="/sign-out" { button.plain type="submit" { "Sign out" } }
            } @else {
                (entry(visit, if own { "/sign-in" } else { "/connect" }, &html! { "Sign in" }))
            }
        }
    }
}

/// A place that every page leads to; the one where the reader is says so.
fn entry(visit: &Visit, to: &str, name: &Markup) -> Markup {
    let rest = visit.path.strip_prefix(to);
    let here = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    html! { a href=(to) aria-current=[here.then_some("page")] { (name) } }
}
