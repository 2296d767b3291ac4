//! Orders: the list, and all that is on record of one.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::account::{Account, Login, plausible_email};
use scrip_domain::order::{Line, Order, OrderState};
use scrip_domain::refund::Extent;
use scrip_domain::settings::Token;
use scrip_domain::staff::Power;
use scrip_engine::Page;
use scrip_engine::evidence::Evidence;
use scrip_engine::refund::Refunded;
use serde::Deserialize;

use super::desk::{Clerk, Desk, See};
use super::parts::{
    Told, account_link, address, distinct, done, filters, license_badge, license_link, link_to,
    order_badge, order_link, pager, plain, range, search, table,
};
use super::refund_requests::request_badge;
use super::{Section, page};
use crate::App;
use crate::api::List;
use crate::api::licenses::word;
use crate::extract::{IdPath, Query};
use crate::money::MoneyOut;
use crate::pages::date;
use crate::pages::look::{Tone, badge, blank, notice};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/orders", get(list))
        .route("/admin/orders/{id}", get(show))
        .merge(super::order_refund::routes())
}

/// The states that staff look for.
const STATES: [OrderState; 8] = [
    OrderState::Paid,
    OrderState::PartiallyRefunded,
    OrderState::Refunded,
    OrderState::RefundPending,
    OrderState::Declined,
    OrderState::Draft,
    OrderState::Cancelled,
    OrderState::Captured,
];

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    /// An order's name, an account's, or an address.
    #[serde(default)]
    q: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    state: String,
    after: Option<String>,
}

async fn list(
    State(app): State<App>,
    desk: Desk<See>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let q = wanted.q.trim();
    if let Ok(order) = q.parse::<Id<Order>>() {
        return Ok(Redirect::to(&format!("/admin/orders/{order}")).into_response());
    }
    if !q.is_empty() {
        return Ok(match account_called(&app, q).await? {
            Some(account) => {
                let to = address("/admin/orders", &[("account", &account.to_string())]);
                Redirect::to(&to).into_response()
            }
            None => {
                let nothing = html! {
                    p { "Nothing is called " bdi { (q) } ": neither an order nor an account." }
                };
                let main = html! { (find(q)) (nothing) };
                page(&app, &desk, "Orders", Section::Orders, &main)
            }
        });
    }
    let state = OrderState::parse(&wanted.state);
    let account = wanted.account.parse::<Id<Account>>().ok();
    let (rows, next) = rows(&app, account, state, wanted.after.as_deref()).await?;
    let here = state.map_or("", OrderState::as_str);
    let asked = [("account", wanted.account.as_str()), ("state", here)];
    let mut views =
        vec![("/admin/orders".to_owned(), "All".to_owned(), state.is_none() && account.is_none())];
    views.extend(STATES.map(|one| {
        let to = address("/admin/orders", &[("state", one.as_str())]);
        (to, plain(one.as_str()), state == Some(one))
    }));
    let main = html! {
        (find(""))
        (asked_back(&app).await?)
        (filters("Which orders", &views))
        @if let Some(account) = account {
            p { "Orders of " (link_to(account, &account.to_string())) ". " a href="/admin/orders" { "All orders" } }
        }
        @if rows.is_empty() {
            (blank("No orders", "There are none of this kind.", None))
        } @else {
            (order_table(&app, &rows, &desk.vendor.settings.token).await?)
        }
        (pager(&address("/admin/orders", &asked), next.as_deref()))
    };
    Ok(page(&app, &desk, "Orders", Section::Orders, &main))
}

/// The way to what buyers ask back, and how much of it waits.
async fn asked_back(app: &App) -> Result<Markup, Problem> {
    let open = app.engine.store().open_refund_requests(100).await?;
    Ok(html! {
        p {
            a href="/admin/refund-requests" { "Requests for refunds" }
            @if open > 0 { " " (badge(Tone::Warn, &format!("{open} open"))) }
        }
    })
}

fn find(q: &str) -> Markup {
    search(
        "/admin/orders",
        "q",
        "Find orders",
        q,
        "The name of an order, or the address or name of an account.",
    )
}

/// The account that staff mean: by its name, or by the address that signs in to it.
pub async fn account_called(app: &App, text: &str) -> Result<Option<Id<Account>>, Problem> {
    if let Ok(id) = text.parse::<Id<Account>>() {
        return Ok(app.engine.store().account(id).await?.map(|account| account.id));
    }
    if !plausible_email(text) {
        return Ok(None);
    }
    Ok(app.engine.store().login(&Login::fold(text)).await?.map(|login| login.account))
}

async fn rows(
    app: &App,
    account: Option<Id<Account>>,
    state: Option<OrderState>,
    after: Option<&str>,
) -> Result<(Vec<Order>, Option<String>), Problem> {
    let list = format!(
        "console-orders {} {}",
        account.map(|id| id.to_string()).unwrap_or_default(),
        state.map_or("", OrderState::as_str)
    );
    let page = range(app, &list, after)?;
    let store = app.engine.store();
    let rows = match account {
        Some(account) => store.orders_of(account, page).await?,
        None => store.orders(state, page).await?,
    };
    let next = List::of(&app.engine, &list, page, &rows, |row| row.id.number(), |_| ()).next;
    Ok((rows, next))
}

/// Orders, a row each.
pub async fn order_table(app: &App, rows: &[Order], token: &Token) -> Result<Markup, Problem> {
    let now = app.engine.now();
    let accounts = distinct(rows.iter().filter_map(|order| order.account));
    let accounts = app.engine.store().accounts_called(&accounts).await?;
    let account = |order: &Order| accounts.iter().find(|row| Some(row.id) == order.account);
    Ok(table(
        &["Order", "Account", "Selected", "State", "#Total"],
        &html! {
            @for order in rows {
                tr {
                    th scope="row" { (order_link(order.id)) }
                    td { @match account(order) { Some(account) => (account_link(account)), None => "Nobody yet" } }
                    td { (date(order.selected_at)) }
                    td { (order_badge(order.state_at(now))) }
                    td.sum { (MoneyOut::tokens(order.total, token)) }
                }
            }
        },
    ))
}

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(order): IdPath<Order>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let order = app.engine.store().order(order).await?.ok_or_else(Problem::not_found)?;
    let evidence = app.engine.evidence(&order).await?;
    let main = html! {
        (done(told.done.as_deref(), &[("refunded", "The tokens are back with the buyer.")]))
        (about(&app, &desk, &evidence).await?)
        (lines(&desk, &evidence))
        (licenses(&app, &evidence))
        (refunds(&desk, &evidence.refunds))
        (requests(&app, order.id).await?)
        (record(&desk, &evidence))
    };
    Ok(page(&app, &desk, &format!("Order {}", order.id), Section::Orders, &main))
}

async fn about(app: &App, clerk: &Clerk, evidence: &Evidence) -> Result<Markup, Problem> {
    let order = &evidence.order.order;
    let token = &clerk.vendor.settings.token;
    let account = match order.account {
        Some(account) => app.engine.store().account(account).await?,
        None => None,
    };
    let checkout = evidence.checkout.as_ref().filter(|_| !order.is_released());
    let not_sold = checkout.and_then(|checkout| checkout.reason.as_deref());
    let is_open = order.is_released() && left(evidence).iter().any(|(_, left)| !left.is_empty());
    Ok(html! {
        p.trail { a href="/admin/orders" { "Orders" } }
        dl.facts {
            dt { "State" } dd { (order_badge(order.state_at(app.engine.now()))) }
            @if let Some(account) = &account { dt { "Account" } dd { (account_link(account)) } }
            dt { "Selected" } dd { (date(order.selected_at)) }
            @if let Some(at) = order.paid_at { dt { "Paid" } dd { (date(at)) } }
            @if let Some(reason) = not_sold { dt { "Declined because" } dd { (plain(reason)) } }
            @if let Some(reason) = order.reason { dt { "Declined because" } dd { (plain(reason.as_str())) } }
            dt { "Total" } dd { (MoneyOut::tokens(order.total, token)) }
            @if let Some(after) = order.balance_after { dt { "Balance after" } dd { (MoneyOut::tokens(after, token)) } }
            @if let Some(coupon) = &order.coupon { dt { "Coupon" } dd { a href={ "/admin/coupons/" (coupon.id) } { (coupon.code) } } }
            @if let Some(receipt) = &evidence.receipt { dt { "Receipt" } dd { "No. " (receipt.number) } }
        }
        @if is_open && clerk.may(Power::People) {
            p { a.button.second href={ "/admin/orders/" (order.id) "/refund" } { "Give tokens back" } }
        }
    })
}

/// What is left of each line after what was given back.
pub fn left(evidence: &Evidence) -> Vec<(&Line, Extent)> {
    let before: Vec<_> =
        evidence.refunds.iter().flat_map(|refunded| refunded.lines.iter().cloned()).collect();
    let lines = evidence.order.lines.iter();
    lines.map(|line| (line, Extent::left_to_show(line, &before))).collect()
}

fn lines(clerk: &Clerk, evidence: &Evidence) -> Markup {
    let token = &clerk.vendor.settings.token;
    let payments = |line: &Line| {
        let paid = evidence.order.payments.iter().filter(|payment| payment.line == line.id);
        let each = paid
            .map(|payment| format!("{} {}", MoneyOut::tokens(payment.amount, token), payment.kind));
        each.collect::<Vec<_>>().join(", ")
    };
    html! {
        h2 { "Lines" }
        (table(&["What", "Units", "#Price", "#Total", "Paid with", "#Left"], &html! {
            @for (line, left) in left(evidence) {
                tr {
                    th scope="row" { (line.title) " " small { code { (line.id) } } }
                    td { (line.quantity) }
                    td.sum { (MoneyOut::tokens(line.price, token)) }
                    td.sum { (MoneyOut::tokens(line.total().unwrap_or_default(), token)) }
                    td { (payments(line)) }
                    td.sum { (MoneyOut::tokens(left.amount, token)) }
                }
            }
        }))
    }
}

fn licenses(app: &App, evidence: &Evidence) -> Markup {
    let all = &evidence.order.licenses;
    if all.is_empty() {
        return Markup::default();
    }
    html! {
        h2 { "Licenses" }
        (table(&["License", "Of", "State", "Issue", "Issued"], &html! {
            @for license in all {
                @let line = evidence.order.lines.iter().find(|line| line.id == license.line);
                tr {
                    th scope="row" { (license_link(license.id)) }
                    td { @if let Some(line) = line { bdi { (line.title) } } }
                    td { (license_badge(word(license, app.engine.now()))) }
                    td { (license.issue) }
                    td { (date(license.issued_at)) }
                }
            }
        }))
    }
}

fn refunds(clerk: &Clerk, all: &[Refunded]) -> Markup {
    if all.is_empty() {
        return Markup::default();
    }
    let token = &clerk.vendor.settings.token;
    html! {
        h2 { "Refunds" }
        (table(&["When", "Why", "Licenses", "#Tokens"], &html! {
            @for Refunded { refund, .. } in all {
                tr {
                    th scope="row" { (date(refund.at)) }
                    td { (refund.reason) }
                    td { (plain(refund.licenses.as_str())) }
                    td.sum { (MoneyOut::tokens(refund.amount, token)) }
                }
            }
        }))
    }
}

/// What the buyer has asked back of it.
async fn requests(app: &App, order: Id<Order>) -> Result<Markup, Problem> {
    let rows = app.engine.store().refund_requests_of(order).await?;
    if rows.is_empty() {
        return Ok(Markup::default());
    }
    Ok(html! {
        h2 { "Requests for refunds" }
        (table(&["When", "Why", "State"], &html! {
            @for row in &rows {
                tr {
                    th scope="row" { a href={ "/admin/refund-requests/" (row.id) } { (date(row.at)) } }
                    td { (row.reason) }
                    td { (request_badge(row.state)) }
                }
            }
        }))
    })
}

/// What is on record: checks, movements, events, downloads, and what was signed.
fn record(clerk: &Clerk, evidence: &Evidence) -> Markup {
    let token = &clerk.vendor.settings.token;
    let order = &evidence.order.order;
    html! {
        h2 { "On record" }
        @if order.state == OrderState::RefundPending {
            (notice(Tone::Warn, &html! { "The provider has not said yet whether it gave the tokens back." }))
        }
        details {
            summary { "Checks (" (order.checks.len()) ")" }
            (table(&["Check", "Against", "#Required", "#There", "Result", "When"], &html! {
                @for check in &order.checks {
                    tr {
                        th scope="row" { (plain(check.check.as_str())) }
                        td { (check.basis.map(|basis| plain(basis.as_str())).unwrap_or_default()) }
                        td.sum { @if let Some(amount) = check.required { (MoneyOut::tokens(amount, token)) } }
                        td.sum { @if let Some(amount) = check.available { (MoneyOut::tokens(amount, token)) } }
                        td { (plain(check.result.as_str())) }
                        td { (date(check.at)) }
                    }
                }
            }))
        }
        details {
            summary { "Movements (" (evidence.transfers.len()) ")" }
            (table(&["Movement", "Why", "#Tokens", "When"], &html! {
                @for transfer in &evidence.transfers {
                    tr {
                        th scope="row" { code { (transfer.id) } }
                        td { (plain(transfer.reason.as_str())) }
                        td.sum { (MoneyOut::tokens(transfer.amount, token)) }
                        td { (date(transfer.at)) }
                    }
                }
            }))
        }
        details {
            summary { "Events and downloads (" (evidence.events.len() + evidence.downloads.len()) ")" }
            (table(&["What", "About", "When"], &html! {
                @for event in &evidence.events {
                    tr { th scope="row" { code { (event.kind) } } td { code { (event.id) } } td { (date(event.at)) } }
                }
                @for download in &evidence.downloads {
                    tr { th scope="row" { "Download" } td { code { (download.license) " " (download.file) } } td { (date(download.at)) } }
                }
            }))
        }
        @if let Some(checkout) = &evidence.checkout {
            details {
                summary { "Signed with the provider" }
                dl.facts {
                    dt { "Offer" } dd { code.long { (checkout.offer) } }
                    @if let Some(text) = &checkout.confirmation { dt { "Confirmation" } dd { code.long { (text) } } }
                    @if let Some(text) = &checkout.receipt { dt { "Receipt" } dd { code.long { (text) } } }
                    @if let Some(text) = &checkout.fulfilment { dt { "Delivery" } dd { code.long { (text) } } }
                }
            }
        }
        p.small { a href={ "/admin/orders?account=" (order.account.map(|id| id.to_string()).unwrap_or_default()) } { "All orders of this account" } }
    }
}

/// A few of an account's orders.
pub async fn latest(app: &App, account: Id<Account>, token: &Token) -> Result<Markup, Problem> {
    let rows = app.engine.store().orders_of(account, Page { after: None, limit: 5 }).await?;
    if rows.is_empty() {
        return Ok(html! { p { "None yet." } });
    }
    order_table(app, &rows, token).await
}
