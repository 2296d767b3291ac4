//! A buyer's orders: the history, one order with everything that it brought, and its receipt.
//!
//! The same page tells of every order, a vendor's and a merchant's: whether it was approved, what it was, and the codes and
//! files that it opens. What is still under way is looked at again by itself.

mod handed;
mod receipt;
mod refund;
mod show;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::Amount;
use scrip_domain::order::{Line, Order, OrderState};
use scrip_domain::settings::Token;
use serde::Deserialize;

use super::look::{Tone, badge, blank, date, price};
use super::private;
use super::visit::{SignedIn, Visit};
use super::words::terms;
use crate::App;
use crate::api::{List, ListQuery};
use crate::caller::AtSeller;
use crate::extract::Query;
use crate::language::{reader, say, t};
use crate::money::MoneyOut;
use crate::problem::Problem;

pub use show::not_here;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/orders", get(list))
        .route("/orders/{id}", get(show::show))
        .route("/orders/{id}/receipt", get(receipt::show))
        .route("/orders/{id}/refund/{line}", get(refund::ask).post(refund::send))
}

/// How many orders a page shows.
const PAGE: u32 = 20;

/// The lines as who reads this knows them. A receipt says what the order says.
pub async fn in_their_words(
    app: &App,
    visit: &Visit,
    lines: Vec<Line>,
) -> Result<Vec<Line>, Problem> {
    Ok(app.engine.lines_in(lines, reader(&visit.vendor.settings)).await?)
}

/// What an order costs, line by line.
pub fn bill(caption: &str, lines: &[Line], order: &Order, token: &Token) -> Markup {
    itemized(caption, lines, order, token, &price(order.total, token))
}

/// The same with the total as given: a document says the same for ever, and what tokens are worth does not.
fn itemized(caption: &str, lines: &[Line], order: &Order, token: &Token, total: &Markup) -> Markup {
    let money = |amount| MoneyOut::tokens(amount, token);
    let off = Amount::try_sum(lines.iter().filter_map(|line| line.discount));
    html! {
        table.bill {
            caption { (caption) }
            thead { tr { th scope="col" { (t("Item")) } th.sum scope="col" { (t("Price")) } } }
            tbody {
                @for line in lines {
                    tr {
                        th scope="row" {
                            bdi { (line.title) }
                            p.small {
                                (terms(line.terms))
                                @if line.quantity > 1 { " · " (line.quantity) " × " (money(line.price)) }
                                @if line.extends.is_some() { " " (t("· extends a license")) }
                                @if line.bundle.is_some() { " " (t("· in a bundle")) }
                            }
                        }
                        td.sum { (money(line.list_total().unwrap_or_default())) }
                    }
                }
                @if let Some(coupon) = &order.coupon {
                    tr {
                        th scope="row" { (say!("Coupon {code}", code = html! { code { (coupon.code) } })) }
                        td.sum { "−" (money(off.unwrap_or_default())) }
                    }
                }
            }
            tfoot { tr { th scope="row" { (t("Total")) } td.sum { (total) } } }
        }
    }
}

/// How an order stands, in a word.
pub fn word(state: OrderState) -> Markup {
    let (tone, text) = match state {
        OrderState::Draft => (Tone::Warn, t("Not confirmed")),
        OrderState::Open | OrderState::Claimed => (Tone::Warn, t("Waits for you")),
        OrderState::Authorized | OrderState::Captured => (Tone::Info, t("On its way")),
        OrderState::Paid => (Tone::Good, t("Paid")),
        OrderState::RefundPending => (Tone::Info, t("Refund under way")),
        OrderState::PartiallyRefunded => (Tone::Info, t("Refunded in part")),
        OrderState::Refunded => (Tone::Info, t("Refunded")),
        OrderState::Declined => (Tone::Bad, t("Declined")),
        OrderState::Cancelled => (Tone::Info, t("Cancelled")),
        OrderState::Expired => (Tone::Info, t("Expired")),
    };
    badge(tone, text)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: Option<String>,
}

async fn list(
    _: AtSeller,
    State(app): State<App>,
    SignedIn { visit, buyer, .. }: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let first = asked.after.is_none();
    let page = ListQuery::of(PAGE, asked.after).page(&app.engine, "orders")?;
    let rows = app.engine.store().orders_of(buyer.account, page).await?;
    let ids: Vec<_> = rows.iter().map(|order| order.id).collect();
    let lines = app.engine.store().lines_of(&ids).await?;
    let lines = in_their_words(&app, &visit, lines).await?;
    let of = |order: &Order| lines.iter().filter(|line| line.order == order.id).collect::<Vec<_>>();
    let shown: Vec<_> = rows.iter().map(|order| (order, of(order))).collect();
    let next = List::of(&app.engine, "orders", page, &rows, |row| row.id.number(), |_| ()).next;
    let token = &visit.vendor.settings.token;
    let now = app.engine.now();
    let main = html! {
        h1 { (t("Your orders")) }
        @if shown.is_empty() && first {
            (blank(t("No orders yet"), t("What you buy is listed here, with its codes and receipts."), Some(("/products", t("Look at the products")))))
        } @else if shown.is_empty() {
            p { (t("There are no more.")) }
        } @else {
            table.history {
                caption { (t("Newest first")) }
                thead {
                    tr { th scope="col" { (t("Order")) } th scope="col" { (t("When")) } th scope="col" { (t("How it stands")) } th.sum scope="col" { (t("Total")) } }
                }
                tbody { @for (order, lines) in &shown { (row(order, lines, order.state_at(now), token)) } }
            }
        }
        @if let Some(next) = &next {
            p.pager { a href={ "/orders?after=" (next) } { (t("Older orders")) } }
        }
        @if !first { p.pager { a href="/orders" { (t("The newest")) } } }
    };
    Ok(private(&app, t("Your orders"), &visit, &main))
}

fn row(order: &Order, lines: &[&Line], state: OrderState, token: &Token) -> Markup {
    html! {
        tr {
            th scope="row" { a href={ "/orders/" (order.id) } { (named(lines)) } }
            td { (date(order.paid_at.unwrap_or(order.selected_at))) }
            td { (word(state)) }
            td.sum { (MoneyOut::tokens(order.total, token)) }
        }
    }
}

/// An order by what is in it.
fn named(lines: &[&Line]) -> Markup {
    html! {
        @match lines {
            [] => (t("An order")),
            [line] => { bdi { (line.title) } @if line.quantity > 1 { " × " (line.quantity) } }
            [line, rest @ ..] => { (say!("{title} and {rest} more", title = html! { bdi { (line.title) } }, rest = rest.len())) }
        }
    }
}
