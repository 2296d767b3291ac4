//! Coupons: made, closed, and what they were used for.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::catalog::{Offer, Product};
use scrip_domain::coupon::{Coupon, Discount, MOST_USES, MOST_USES_PER_ACCOUNT};
use scrip_domain::settings::Token;
use scrip_domain::staff::Power;
use scrip_engine::coupon::CouponFields;
use serde::Deserialize;

use super::desk::{Clerk, Desk, Money, See};
use super::entry::{Entry, Sent, fresh, made};
use super::orders::order_table;
use super::parts::{done, pager, range, table};
use super::vouchers::kinds;
use super::{Section, page, with_status};
use crate::App;
use crate::api::List;
use crate::extract::{IdPath, Query};
use crate::money::MoneyOut;
use crate::pages::date;
use crate::pages::form::{Form, Nothing};
use crate::pages::look::{Tone, badge, blank};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/coupons", get(list).post(create))
        .route("/admin/coupons/new", get(ask))
        .route("/admin/coupons/{id}", get(show))
        .route("/admin/coupons/{id}/close", post(close))
}

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    after: Option<String>,
    done: Option<String>,
}

async fn list(
    State(app): State<App>,
    desk: Desk<See>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let part = range(&app, "console-coupons", wanted.after.as_deref())?;
    let rows = app.engine.store().coupons(part).await?;
    let next = List::of(&app.engine, "console-coupons", part, &rows, |row| row.id.number(), |_| ());
    let token = &desk.vendor.settings.token;
    let may = desk.may(Power::Money);
    let main = html! {
        (kinds(true))
        @if may { p { a.button href="/admin/coupons/new" { "Make a coupon" } } }
        @if rows.is_empty() {
            (blank("No coupons", "A coupon is a word that takes something off an order.", None))
        } @else {
            (table(&["Code", "Takes off", "#Uses", "Good until", "State"], &html! {
                @for coupon in &rows {
                    tr {
                        th scope="row" { a href={ "/admin/coupons/" (coupon.id) } { code { (coupon.code) } } }
                        td { (takes_off(coupon, token)) }
                        td.sum { (coupon.uses) @if let Some(most) = coupon.max_uses { " of " (most) } }
                        td { @match coupon.ends_at { Some(at) => (date(at)), None => "No end" } }
                        td { (state(coupon)) }
                    }
                }
            }))
        }
        (pager("/admin/coupons", next.next.as_deref()))
    };
    Ok(page(&app, &desk, "Coupons", Section::Vouchers, &main))
}

fn takes_off(coupon: &Coupon, token: &Token) -> String {
    match coupon.discount {
        Discount::Percent(percent) => format!("{percent} %"),
        Discount::Amount(amount) => MoneyOut::tokens(amount, token).to_string(),
    }
}

fn state(coupon: &Coupon) -> Markup {
    if coupon.closed_at.is_some() { badge(Tone::Info, "Closed") } else { badge(Tone::Good, "Open") }
}

async fn ask(State(app): State<App>, desk: Desk<Money>) -> Result<Response, Problem> {
    form(&app, &desk, Sent::default())
}

fn form(app: &App, clerk: &Clerk, sent: Sent<'_>) -> Result<Response, Problem> {
    let code = clerk.vendor.settings.token.code;
    let in_tokens = format!("In {code}.");
    let main = html! {
        p.trail { a href="/admin/coupons" { "Coupons" } }
        (sent.complaint())
        form.narrow method="post" action="/admin/coupons" {
            (fresh::<Coupon>(app)?)
            (sent.optional("code", "Code", Some("3 to 40 letters, digits, - and _. Empty: a random one.")))
            (sent.optional("percent", "Takes off, in percent", Some("Of each line. Either this or the next.")))
            (sent.optional("amount", "Or takes off tokens", Some(&in_tokens)))
            (sent.optional("min_total", "For orders of at least", Some(&in_tokens)))
            (sent.day("starts_at", "First day", "Empty: at once."))
            (sent.day("ends_at", "Last day", "Empty: no end."))
            (sent.optional("max_uses", "Most uses in all", Some("Empty: no limit.")))
            (sent.optional("max_uses_per_account", "How often by one account", Some("Empty: no limit.")))
            (sent.optional("products", "Only for these products", Some("Their short names, with blanks between. Empty: for all.")))
            (sent.optional("offers", "Only for these offers", Some("Their names, ofr_…, with blanks between.")))
            button type="submit" { "Make it" }
        }
    };
    Ok(page(app, clerk, "Make a coupon", Section::Vouchers, &main))
}

async fn read(app: &App, entry: &Entry, token: &Token) -> Result<CouponFields, Problem> {
    let percent = entry.count("percent", 1, 100)?;
    let discount = match (percent, entry.tokens_if_any("amount", token)?) {
        (Some(percent), None) => Discount::Percent(u8::try_from(percent).unwrap_or(100)),
        (None, Some(amount)) => Discount::Amount(amount),
        _ => return Err(Problem::field("percent", "either percent or tokens")),
    };
    let code = match entry.get("code") {
        "" => None,
        _ => Some(entry.line::<1, 100>("code")?),
    };
    Ok(CouponFields {
        code,
        discount,
        starts_at: entry.day("starts_at")?,
        ends_at: entry.end_of("ends_at")?,
        max_uses: entry.count("max_uses", 1, MOST_USES)?,
        max_uses_per_account: entry.count("max_uses_per_account", 1, MOST_USES_PER_ACCOUNT)?,
        min_total: entry.tokens_if_any("min_total", token)?,
        products: products(app, entry.get("products")).await?,
        offers: offers(entry.get("offers"))?,
    })
}

/// The most names that a field is read for.
const NAMES: usize = 100;

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',', ';', '\n', '\t']).map(str::trim).filter(|name| !name.is_empty())
}

async fn products(app: &App, text: &str) -> Result<Vec<Id<Product>>, Problem> {
    if names(text).count() > NAMES {
        return Err(Problem::field("products", format!("at most {NAMES}")));
    }
    let mut ids = Vec::new();
    for name in names(text) {
        let found = match name.parse() {
            Ok(id) => app.engine.store().product(id).await?,
            // No slug has NUL in it, which no database could be asked for.
            Err(_) if name.contains('\0') => None,
            Err(_) => app.engine.store().product_by_slug(name).await?,
        };
        let missing = || Problem::field("products", format!("there is no product {name}"));
        ids.push(found.ok_or_else(missing)?.id);
    }
    Ok(ids)
}

fn offers(text: &str) -> Result<Vec<Id<Offer>>, Problem> {
    let read = |name: &str| {
        name.parse().map_err(|_| Problem::field("offers", format!("{name} is no offer's name")))
    };
    names(text).map(read).collect()
}

async fn create(
    State(app): State<App>,
    desk: Desk<Money>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let fields = read(&app, &entry, &desk.vendor.settings.token).await;
    let wanted = made::<Coupon>(&app, entry.get("key")).and_then(|form| Ok((form, fields?)));
    let made = match wanted {
        Ok((form, fields)) => {
            let made = app.engine.make_coupon_once(desk.staff, fields, &form).await?;
            made.map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    match made {
        Ok(coupon) => {
            Ok(Redirect::to(&format!("/admin/coupons/{}?done=made", coupon.id)).into_response())
        }
        Err(problem) => {
            // What is wrong with one name of several is wrong with the field.
            let problem = match problem.errors().first() {
                Some(error) if error.field.starts_with("offers[") => {
                    Problem::field("offers", "one of these offers does not exist")
                }
                _ => problem,
            };
            let again = form(&app, &desk, Sent::back("new", &entry, &problem))?;
            Ok(with_status(again, &problem))
        }
    }
}

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<Coupon>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let store = app.engine.store();
    let coupon = store.coupon(id).await?.ok_or_else(Problem::not_found)?;
    let token = &desk.vendor.settings.token;
    let list = format!("console-coupon {id}");
    let part = range(&app, &list, wanted.after.as_deref())?;
    let orders = store.orders_with(id, part).await?;
    let next = List::of(&app.engine, &list, part, &orders, |row| row.id.number(), |_| ()).next;
    let may = desk.may(Power::Money) && coupon.closed_at.is_none();
    let told = [
        ("made", "The coupon is good now."),
        ("close", "The coupon is closed. Drafts keep their price."),
    ];
    let main = html! {
        p.trail { a href="/admin/coupons" { "Coupons" } }
        (done(wanted.done.as_deref(), &told))
        (facts(&app, &coupon, token).await?)
        @if may {
            form method="post" action={ "/admin/coupons/" (coupon.id) "/close" } {
                p.hint { "It is good for no further order then, for good. Its word is free for another." }
                button.danger type="submit" { "Close the coupon" }
            }
        }
        h2 { "Orders with it" }
        @if orders.is_empty() { p { "None yet." } } @else { (order_table(&app, &orders, token).await?) }
        (pager(&format!("/admin/coupons/{id}"), next.as_deref()))
    };
    Ok(page(&app, &desk, &format!("Coupon {}", coupon.code), Section::Vouchers, &main))
}

async fn facts(app: &App, coupon: &Coupon, token: &Token) -> Result<Markup, Problem> {
    let products = app.engine.store().products_called(&coupon.products).await?;
    let products: Vec<_> = products.into_iter().map(|product| product.title).collect();
    let offers: Vec<_> = coupon.offers.iter().map(ToString::to_string).collect();
    Ok(html! {
        dl.facts {
            dt { "State" } dd { (state(coupon)) }
            dt { "Takes off" } dd { (takes_off(coupon, token)) }
            dt { "Used" } dd { (coupon.uses) @if let Some(most) = coupon.max_uses { " of " (most) } }
            @if let Some(most) = coupon.max_uses_per_account { dt { "By one account" } dd { "At most " (most) } }
            @if let Some(least) = coupon.min_total { dt { "For orders of at least" } dd { (MoneyOut::tokens(least, token)) } }
            @if !products.is_empty() { dt { "Only for" } dd { (products.join(", ")) } }
            @if !offers.is_empty() { dt { "Only for offers" } dd { code { (offers.join(" ")) } } }
            @if let Some(at) = coupon.starts_at { dt { "Good from" } dd { (date(at)) } }
            @if let Some(at) = coupon.ends_at { dt { "Good until" } dd { (date(at)) } }
            dt { "Made" } dd { (date(coupon.created_at)) }
            @if let Some(at) = coupon.closed_at { dt { "Closed" } dd { (date(at)) } }
        }
    })
}

async fn close(
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Coupon>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    app.engine.close_coupon(desk.staff, id).await??;
    Ok(Redirect::to(&format!("/admin/coupons/{id}?done=close")).into_response())
}
