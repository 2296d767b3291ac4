//! The front page: who sells here, what is new, and how buying works, in the words of the vendor's flow.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, PreEscaped, html};
use scrip_domain::gate::Standing;
use scrip_domain::role::Role;
use scrip_domain::settings::{Flow, Settings};
use scrip_engine::catalog::list::{Ask, Listing};
use scrip_engine::catalog::markdown::to_html;

use super::beginning;
use super::door::Guest;
use super::list::{shelves, tiles};
use crate::App;
use crate::money::MoneyOut;
use crate::pages::frame::{Card, Head, public};
use crate::pages::look::{blank, price};
use crate::pages::top_up;
use crate::pages::visit::{Local, Visit};
use crate::problem::Problem;

/// How many of the newest products it shows.
const NEWEST: u32 = 8;

pub async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    let roles = app.engine.roles();
    let here = Local::new("/").unwrap_or_default();
    let settings = &visit.vendor.settings;
    let main = if roles.has(Role::Vendor) || roles.has(Role::Merchant) {
        let member = visit.member.as_ref().map(|(_, member)| member);
        let listed = app.engine.list_products(member, &Ask::default(), None, NEWEST).await?.ok();
        let standing = listed.as_ref().map_or(Standing::Visitor, |listed| listed.standing);
        let guest = Guest::at(&app, &visit, standing, here).await?;
        let categories = match &listed {
            Some(_) => app.engine.categories(standing).await?,
            None => [].into(),
        };
        html! {
            (hello(&guest, settings, listed.is_some()))
            @if let Some(listed) = &listed { (newest(listed, &categories, &guest)) }
            (how(&guest, settings))
        }
    } else {
        let guest = Guest::at(&app, &visit, Standing::Visitor, here).await?;
        wallets(&guest, settings)
    };
    let about = beginning(&lead(settings));
    let card = Card { about: &about, path: "/".to_owned(), picture: None, kind: "website" };
    let head = Head { title: &settings.name, card: Some(card), unlisted: false };
    Ok(public(&app, &head, &visit, &main))
}

/// The vendor's own line, or what is said of a shop that has none.
fn lead(settings: &Settings) -> String {
    let (look, token) = (&settings.look, &settings.token);
    if !look.tagline.is_empty() {
        return look.tagline.clone();
    }
    format!("Digital goods, paid for with {} ({}), and yours at once.", token.name, token.code)
}

/// What the vendor says of the shop.
fn introduction(settings: &Settings) -> Markup {
    let text = &settings.look.introduction;
    html! {
        // Raw HTML in it is shown as the text that it is.
        @if !text.is_empty() { div.prose { (PreEscaped(to_html(text))) } }
    }
}

fn hello(guest: &Guest<'_>, settings: &Settings, open: bool) -> Markup {
    html! {
        section.hello {
            h1 { bdi { (settings.name) } }
            p.lead { bdi { (lead(settings)) } }
            (introduction(settings))
            @if open {
                form.search method="get" action="/products" role="search" {
                    label.unseen for="q" { "Search" }
                    input id="q" name="q" type="search" maxlength="200" placeholder="Search products";
                    button.second type="submit" { "Search" }
                }
            }
            (first(guest, settings, open))
        }
    }
}

/// What is to be done first, where there is something.
fn first(guest: &Guest<'_>, settings: &Settings, open: bool) -> Markup {
    let enough = guest.threshold;
    let missing = guest.available().shortfall(enough);
    let token = &settings.token;
    let own = guest.provider.is_none();
    match settings.flow {
        _ if !open => html! {
            div.notice {
                p { "The products are shown to members." @if own { " Opening an account is free." } }
                p.row { (guest.ways_in()) }
            }
        },
        Flow::RegisterFirst if !guest.is_signed_in() => html! {
            div.notice {
                p {
                    "Ordering opens with "
                    @if own { (MoneyOut::tokens(enough, token)) " in your wallet: open an account, add funds, then choose." }
                    @else { "enough in your wallet: sign in through your provider first, then choose." }
                }
                p.row { (guest.ways_in()) }
            }
        },
        Flow::RegisterFirst if own && guest.standing < Standing::Funded && !missing.is_zero() => {
            html! {
                div.notice {
                    p { "Ordering opens with " (MoneyOut::tokens(enough, token)) " in your wallet. You have "
                        (MoneyOut::tokens(guest.available(), token)) "." }
                    @let exactly = settings.top_up_limits.nearest(missing);
                    p {
                        a.button href=(top_up::address(&guest.here, Some(exactly), settings)) {
                            "Top up exactly " (MoneyOut::tokens(exactly, token))
                        }
                    }
                }
            }
        }
        _ => Markup::default(),
    }
}

fn newest(listed: &Listing, categories: &[String], guest: &Guest<'_>) -> Markup {
    html! {
        section aria-labelledby="newest" {
            h2 #newest { "Newest" }
            (shelves(categories, None))
            @if listed.items.is_empty() {
                (blank("Nothing here yet", "There is nothing for sale at the moment. Come back soon.", None))
            } @else {
                (tiles(&listed.items, &listed.vendor.settings.token, guest, 4))
                @if listed.next.is_some() { p { a.button.second href="/products" { "All products" } } }
            }
        }
    }
}

/// How buying works, in three steps.
fn how(guest: &Guest<'_>, settings: &Settings) -> Markup {
    let token = &settings.token;
    let value = settings.token.unit_value;
    let own = guest.provider.is_none();
    let account = match (own, settings.flow) {
        (false, _) => {
            "Your wallet is with your provider, which you know from other shops as well. Add funds there."
        }
        (_, Flow::BrowseFirst) => {
            "Choose what you like; open an account when you pay. Then add funds once, for many purchases."
        }
        (_, Flow::RegisterFirst) => {
            "Open an account and add funds, once for many purchases. Ordering opens with them."
        }
        (_, Flow::MembersOnly) => {
            "Open an account to see what there is, and add funds, once for many purchases."
        }
    };
    html! {
        section aria-labelledby="how" {
            h2 #how { "How buying works" }
            ol.ways {
                li { h3 { "Top up" } p { (account) } }
                li {
                    h3 { "Buy with " bdi { (token.name) } }
                    p { "Prices are in " (token.code) ": " (price(value.tokens, token)) ". No card is charged for a single purchase, "
                        "so even the smallest price is exact." }
                }
                li {
                    h3 { "Receive at once" }
                    p { "You get a signed code and your files in the same moment. The code stays in your library, and works without us." }
                }
            }
            @if own && !guest.is_signed_in() { p.row { (guest.ways_in()) } }
        }
    }
}

/// The front page of who keeps wallets and sells nothing.
fn wallets(guest: &Guest<'_>, settings: &Settings) -> Markup {
    let token = &settings.token;
    html! {
        section.hello {
            h1 { bdi { (settings.name) } }
            p.lead {
                @if settings.look.tagline.is_empty() { "One wallet of " bdi { (token.name) } " for many shops." }
                @else { bdi { (settings.look.tagline) } }
            }
            (introduction(settings))
            @if guest.is_signed_in() {
                p.balance { (MoneyOut::tokens(guest.available(), token)) }
                p.row { a.button href="/wallet" { "Your wallet" } a.button.second href="/wallet/top-up" { "Add funds" } }
            } @else { p.row { (guest.ways_in()) } }
        }
        section aria-labelledby="how" {
            h2 #how { "How it works" }
            ol.ways {
                li { h3 { "Open a wallet" } p { "It is free, and asks for no card before you add funds." } }
                li { h3 { "Add funds once" } p { (price(token.unit_value.tokens, token)) ". From then on no purchase costs a card fee." } }
                li { h3 { "Buy at any of the shops" } p { "A shop sends you here to confirm. It learns neither your name nor your balance; what you bought comes from the shop." } }
            }
        }
    }
}
