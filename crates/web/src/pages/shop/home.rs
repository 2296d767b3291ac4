//! The front page: who sells here, what is new, and how buying works, in the words of the vendor's flow.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, PreEscaped, html};
use scrip_domain::gate::Standing;
use scrip_domain::listing::Category;
use scrip_domain::settings::{Flow, Settings};
use scrip_engine::catalog::list::{Ask, Listing};
use scrip_engine::catalog::markdown::to_html;

use super::beginning;
use super::door::Guest;
use super::list::{shelves, tiles};
use crate::App;
use crate::language::{reader, say, t, text};
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
    let main = if roles.sells() {
        let member = visit.member.as_ref().map(|(_, member)| member);
        let (engine, language) = (&app.engine, reader(settings));
        let listed = engine.list_products(member, &Ask::default(), None, NEWEST, language).await?;
        let listed = listed.ok();
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
    text!(
        "Digital goods, paid for with {name} ({code}), and yours at once.",
        name = token.name,
        code = token.code
    )
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
                    label.unseen for="q" { (t("Search")) }
                    input id="q" name="q" type="search" maxlength="200" placeholder=(t("Search products"));
                    button.second type="submit" { (t("Search")) }
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
                p { (t("The products are shown to members.")) @if own { " " (t("Opening an account is free.")) } }
                p.row { (guest.ways_in()) }
            }
        },
        Flow::RegisterFirst if !guest.is_signed_in() => html! {
            div.notice {
                p {
                    @if own { (say!("Ordering opens with {tokens} in your wallet: open an account, add funds, then choose.",
                        tokens = MoneyOut::tokens(enough, token))) }
                    @else { (t("Ordering opens with enough in your wallet: sign in through your provider first, then choose.")) }
                }
                p.row { (guest.ways_in()) }
            }
        },
        Flow::RegisterFirst if own && guest.standing < Standing::Funded && !missing.is_zero() => {
            html! {
                div.notice {
                    p { (say!("Ordering opens with {tokens} in your wallet. You have {available}.",
                        tokens = MoneyOut::tokens(enough, token), available = MoneyOut::tokens(guest.available(), token))) }
                    p { (top_up::exactly(&guest.here, missing, settings, Some("button"))) }
                    (top_up::another_sum(missing, settings))
                }
            }
        }
        _ => Markup::default(),
    }
}

fn newest(listed: &Listing, categories: &[Category], guest: &Guest<'_>) -> Markup {
    html! {
        section aria-labelledby="newest" {
            h2 #newest { (t("Newest")) }
            (shelves(categories, None))
            @if listed.items.is_empty() {
                (blank(t("Nothing here yet"), t("There is nothing for sale at the moment. Come back soon."), None))
            } @else {
                (tiles(&listed.items, &listed.vendor.settings.token, guest, 4))
                @if listed.next.is_some() { p { a.button.second href="/products" { (t("All products")) } } }
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
        (false, _) => t(
            "Your wallet is with your provider, which you know from other shops as well. Add funds there.",
        ),
        (_, Flow::BrowseFirst) => t(
            "Choose what you like; open an account when you pay. Then add funds once, for many purchases.",
        ),
        (_, Flow::RegisterFirst) => {
            t("Open an account and add funds, once for many purchases. Ordering opens with them.")
        }
        (_, Flow::MembersOnly) => {
            t("Open an account to see what there is, and add funds, once for many purchases.")
        }
    };
    html! {
        section aria-labelledby="how" {
            h2 #how { (t("How buying works")) }
            ol.ways {
                li { h3 { (t("Top up")) } p { (account) } }
                li {
                    h3 { (say!("Buy with {name}", name = html! { bdi { (token.name) } })) }
                    p { (say!("Prices are in {code}: {price}. No card is charged for a single purchase, so even the \
                        smallest price is exact.", code = token.code, price = price(value.tokens, token))) }
                }
                li {
                    h3 { (t("Receive at once")) }
                    p { (t("You get a signed code and your files in the same moment. The code stays in your library, \
                        and works without us.")) }
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
                @if settings.look.tagline.is_empty() { (say!("One wallet of {name} for many shops.",
                    name = html! { bdi { (token.name) } })) }
                @else { bdi { (settings.look.tagline) } }
            }
            (introduction(settings))
            @if guest.is_signed_in() {
                p.balance { (MoneyOut::tokens(guest.available(), token)) }
                p.row { a.button href="/wallet" { (t("Your wallet")) } a.button.second href="/wallet/top-up" { (t("Add funds")) } }
            } @else { p.row { (guest.ways_in()) } }
        }
        section aria-labelledby="how" {
            h2 #how { (t("How it works")) }
            ol.ways {
                li { h3 { (t("Open a wallet")) } p { (t("It is free, and asks for no card before you add funds.")) } }
                li { h3 { (t("Add funds once")) } p { (say!("{price}. From then on no purchase costs a card fee.",
                    price = price(token.unit_value.tokens, token))) } }
                li { h3 { (t("Buy at any of the shops")) } p { (t("A shop sends you here to confirm. It learns \
                    neither your name nor your balance; what you bought comes from the shop.")) } }
            }
        }
    }
}
