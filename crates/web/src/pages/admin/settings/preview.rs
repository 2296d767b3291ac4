//! The shop as buyers see it: what is shown of it to whom, and what is hidden from them.
//!
//! It asks the same questions as the shop's own pages, with the eyes of a buyer who does not exist. A product by itself is
//! shown among its pages, at each level.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::settings::Token;
use scrip_engine::catalog::list::{Ask, Item, ListRefusal};
use scrip_engine::catalog::preview::Imagined;
use scrip_engine::memory::Member;
use serde::Deserialize;

use crate::App;
use crate::extract::Query;
use crate::money::MoneyOut;
use crate::pages::admin::catalog::unseen;
use crate::pages::admin::desk::{Desk, Settings};
use crate::pages::admin::parts::filters;
use crate::pages::admin::{Section, page};
use crate::pages::look::{Tone, notice};
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
    let seen = shelf(&app, member.as_ref(), who, token).await?;
    let views = whom(&app).iter().map(|one| {
        let to = format!("/admin/settings/preview?as={}", word(*one));
        (to, name(*one).to_owned(), *one == who)
    });
    let main = html! {
        p.trail { a href="/admin/settings" { "Settings" } }
        (filters("As whom", &views.collect::<Vec<_>>()))
        p.lead { (story(who, member.as_ref(), token)) }
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

const fn name(who: Imagined) -> &'static str {
    match who {
        Imagined::Visitor => "A visitor",
        Imagined::Member => "A member",
        Imagined::Funded => "A funded member",
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
    let own = app.engine.vendor().await?.settings.look.language;
    let listed = match app.engine.list_products(member, &Ask::default(), None, MOST, own).await? {
        Ok(listed) => listed,
        Err(ListRefusal::BadCursor) => return Err(Problem::no_page()),
        Err(ListRefusal::Gate(_)) => return Ok(shut()),
    };
    Ok(html! {
        @if listed.items.is_empty() { p { "Nothing is shown." } }
        ul.items { @for item in listed.items.iter() { (item_row(item, who, token)) } }
        @if listed.next.is_some() { p { "And more." } }
    })
}

fn item_row(item: &Item, who: Imagined, token: &Token) -> Markup {
    html! {
        li {
            a href={ "/admin/products/" (item.slug) "/preview?as=" (word(who)) } { bdi { (item.title) } }
            @if let Some(price) = item.price_from { span.sum { @if item.varies { "from " } (MoneyOut::tokens(price, token)) } }
            p.small { (item.summary) }
            @for hidden in &item.hidden { p.small { (unseen(hidden)) } }
        }
    }
}

/// What a shop for members only says.
fn shut() -> Markup {
    notice(Tone::Warn, &html! { p { "They see nothing: the shop asks them to sign in first." } })
}
