//! The shop as buyers see it: what is shown of it to whom, and what is hidden from them.
//!
//! It asks the same questions as the shop's own pages, with the eyes of a buyer who does not exist.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, PreEscaped, html};
use scrip_domain::settings::Token;
use scrip_engine::catalog::list::{Ask, Item, ListRefusal};
use scrip_engine::catalog::preview::Imagined;
use scrip_engine::catalog::view::{Hidden, ProductView};
use scrip_engine::memory::Member;
use serde::Deserialize;

use super::groups::level_name;
use crate::App;
use crate::extract::Query;
use crate::money::MoneyOut;
use crate::pages::admin::desk::{Desk, Settings};
use crate::pages::admin::{Section, page};
use crate::pages::look::{Tone, notice};
use crate::pages::pay::size_text;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/admin/settings/preview", get(show))
}

/// How many products are shown.
const MOST: u32 = 24;

#[derive(Debug, Default, Deserialize)]
struct Eyes {
    #[serde(rename = "as", default)]
    who: String,
    #[serde(default)]
    product: String,
}

impl Eyes {
    fn read(&self) -> Result<Imagined, Problem> {
        match self.who.as_str() {
            "" | "visitor" => Ok(Imagined::Visitor),
            "member" => Ok(Imagined::Member),
            "funded" => Ok(Imagined::Funded),
            _ => Err(Problem::field("as", "visitor, member or funded")),
        }
    }
}

const fn word(who: Imagined) -> &'static str {
    match who {
        Imagined::Visitor => "visitor",
        Imagined::Member => "member",
        Imagined::Funded => "funded",
    }
}

async fn show(
    State(app): State<App>,
    desk: Desk<Settings>,
    Query(eyes): Query<Eyes>,
) -> Result<Response, Problem> {
    let who = eyes.read()?;
    let member = app.engine.imagine(who).await?;
    let token = &desk.vendor.settings.token;
    let seen = match eyes.product.as_str() {
        "" => shelf(&app, member.as_ref(), who, token).await?,
        slug => product(&app, member.as_ref(), slug, token).await?,
    };
    let main = html! {
        p.trail { a href="/admin/settings" { "Settings" } }
        nav aria-label="As whom" { p.row { @for one in whom(&app) { (eyes_of(*one, who, &eyes.product)) } } }
        p.lead { (story(who, member.as_ref(), token)) }
        @if !eyes.product.is_empty() {
            p { a href={ "/admin/settings/preview?as=" (word(who)) } { "All products" } }
        }
        (seen)
    };
    Ok(page(&app, &desk, "The shop as buyers see it", Section::Settings, &main))
}

/// Whose eyes can be borrowed: at a merchant the provider says who is funded, and nobody who does not exist.
fn whom(app: &App) -> &'static [Imagined] {
    match app.engine.provider() {
        Some(_) => &[Imagined::Visitor, Imagined::Member],
        None => &[Imagined::Visitor, Imagined::Member, Imagined::Funded],
    }
}

fn eyes_of(one: Imagined, now: Imagined, product: &str) -> Markup {
    let product: String = form_urlencoded::byte_serialize(product.as_bytes()).collect();
    let name = match one {
        Imagined::Visitor => "A visitor",
        Imagined::Member => "A member",
        Imagined::Funded => "A funded member",
    };
    html! {
        a href={ "/admin/settings/preview?as=" (word(one)) "&product=" (product) }
            aria-current=[(one == now).then_some("true")] { (name) }
    }
}

fn story(who: Imagined, member: Option<&Member>, token: &Token) -> String {
    match (who, member) {
        (Imagined::Funded, Some(member)) => {
            let tokens = MoneyOut::tokens(member.available, token);
            format!("Somebody with an account and {tokens}, which is the threshold.")
        }
        (_, Some(_)) => {
            "Somebody with an account who has told everything, and has no tokens.".to_owned()
        }
        (_, None) => "Somebody without an account.".to_owned(),
    }
}

/// The list of products.
async fn shelf(
    app: &App,
    member: Option<&Member>,
    who: Imagined,
    token: &Token,
) -> Result<Markup, Problem> {
    let listed = match app.engine.list_products(member, &Ask::default(), None, MOST).await? {
        Ok(listed) => listed,
        Err(ListRefusal::BadCursor) => return Err(Problem::no_page()),
        Err(ListRefusal::Gate(_)) => return Ok(shut()),
    };
    Ok(html! {
        @if listed.items.is_empty() { p { "Nothing is shown." } }
        ul.items { @for item in &listed.items { (item_row(item, who, token)) } }
        @if listed.next.is_some() { p { "And more." } }
    })
}

fn item_row(item: &Item, who: Imagined, token: &Token) -> Markup {
    html! {
        li {
            a href={ "/admin/settings/preview?as=" (word(who)) "&product=" (item.slug) } { (item.title) }
            @if let Some(price) = item.price_from { span.sum { "from " (MoneyOut::tokens(price, token)) } }
            p.small { (item.summary) }
            @for hidden in &item.hidden { p.small { (unseen(hidden)) } }
        }
    }
}

/// One product.
async fn product(
    app: &App,
    member: Option<&Member>,
    slug: &str,
    token: &Token,
) -> Result<Markup, Problem> {
    if slug.contains('\0') {
        return Err(Problem::not_found());
    }
    let Ok(shown) = app.engine.show_product(member, slug, None).await? else { return Ok(shut()) };
    let Some(shown) = shown else {
        let text = html! { p { "This product is not there for them, or not on sale." } };
        return Ok(notice(Tone::Warn, &text));
    };
    let view = shown.view().ok_or_else(Problem::not_found)?;
    Ok(html! {
        article.card {
            h2 { (view.title) }
            p { (view.summary) }
            (facts(&view, token))
            @if let Some(description) = view.description_html {
                // Made harmless where it was written.
                div.prose { (PreEscaped(description)) }
            }
        }
        h2 { "Hidden" }
        @if view.hidden.is_empty() { p { "Nothing: all of it is shown." } }
        ul { @for hidden in &view.hidden { li { (unseen(hidden)) } } }
    })
}

fn facts(view: &ProductView<'_>, token: &Token) -> Markup {
    html! {
        dl.facts {
            @for offer in view.offers.iter().filter_map(|offer| offer.price) {
                dt { "Price" } dd { (MoneyOut::tokens(offer, token)) }
            }
            @if let Some(pictures) = view.pictures { dt { "Pictures" } dd { (pictures.len()) } }
            @if let Some(size) = view.size { dt { "Size" } dd { (size_text(size)) } }
            @if let Some(release) = &view.release { dt { "Version" } dd { (release.version) } }
            @if let Some(files) = view.files {
                dt { "Files" }
                dd { @for (place, file) in files.iter().enumerate() { @if place > 0 { ", " } (file.name) } }
            }
        }
    }
}

/// What is hidden, and who sees it.
fn unseen(hidden: &Hidden) -> String {
    let who = level_name(hidden.needs).to_lowercase();
    format!("Hidden: {}. Shown to: {who}.", hidden.fields.join(", "))
}

/// What a shop for members only says.
fn shut() -> Markup {
    notice(Tone::Warn, &html! { p { "They see nothing: the shop asks them to sign in first." } })
}
