//! Where a buyer comes back to a merchant from its provider, with a code that is good once.
//!
//! ```text
//! /return?code=… ──redeemed, a session in a cookie──▶ /return?order=… ──not delivered yet──▶ the same a few seconds later
//! ```
//! The order is shown to the buyer who decided on it and to nobody else, whatever address they have. The code is taken out
//! of the address at once, so that it stays in no history.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::license::License;
use scrip_domain::order::{Order, OrderState};
use scrip_domain::settings::Vendor;
use scrip_engine::Fault;
use scrip_engine::checkout::AtProvider;
use scrip_engine::identity::ConnectRefusal;
use serde::Deserialize;

use super::form::{Form, Nothing};
use super::visit::Visit;
use super::{leads_to, private, private_again_in};
use crate::App;
use crate::caller::AtMerchant;
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/return", get(come_back)).route("/connect", get(ask).post(connect))
}

/// After how many seconds a page that waits for something looks again.
const AGAIN: u32 = 3;

/// What the provider puts into the address; more of it is ignored.
#[derive(Debug, Deserialize)]
struct Back {
    code: Option<String>,
    order: Option<String>,
}

async fn come_back(
    _: AtMerchant,
    State(app): State<App>,
    Query(back): Query<Back>,
    visit: Visit,
) -> Result<Response, Problem> {
    if let Some(code) = &back.code {
        return redeem(&app, &visit, code, back.order.as_deref()).await;
    }
    let buyer = visit.member.as_ref().map(|(buyer, _)| *buyer);
    let Some(named) = &back.order else { return Ok(welcome(&app, &visit)) };
    let order = match named.parse::<Id<Order>>() {
        Ok(id) => app.engine.store().order(id).await?,
        Err(_) => None,
    };
    let own = order.filter(|order| buyer.is_some_and(|buyer| order.is_of(buyer.account)));
    let at = match own {
        Some(order) => app.engine.at_provider(order).await?,
        None => None,
    };
    match at {
        Some(at) => shown(&app, &visit, &at).await,
        None => {
            Ok(told(&app, &visit, StatusCode::NOT_FOUND, "This order is not shown here", OTHERS))
        }
    }
}

const OTHERS: &str = "An order is shown in the browser of the buyer who decided on it. Open it from the provider's \
    history, or sign in through the provider, and it is here.";
const ELSEWHERE: &str = "This way back was begun in another browser, or by somebody else. Begin here, and you come back signed in as \
    yourself.";
const USED: &str = "The address with which you came back is good once and for a minute. Nothing is lost: open the order \
    from the provider's history, or sign in through the provider again.";

/// Signs the browser in, and goes on without the code in the address.
async fn redeem(
    app: &App,
    visit: &Visit,
    code: &str,
    order: Option<&str>,
) -> Result<Response, Problem> {
    let fits = (1..=200).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        return Ok(told(app, visit, StatusCode::BAD_REQUEST, "This is no way back", USED));
    }
    match app.engine.come_back(code).await {
        Ok(Ok(came)) if came.connection.as_deref().is_some_and(|one| !visit.has_begun(one)) => {
            Ok(told(app, visit, StatusCode::FORBIDDEN, "Sign in from here", ELSEWHERE))
        }
        Ok(Ok(came)) => {
            let next = match came.order {
                Some(order) => format!("/return?order={order}"),
                None => "/return".to_owned(),
            };
            let mut response = Redirect::to(&next).into_response();
            let cookie = Visit::sign_in(&visit.vendor, &came.session.token);
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            Ok(response)
        }
        // Used before, perhaps by this very browser, whose answer was lost.
        Ok(Err(ConnectRefusal::CodeRefused)) => match order.and_then(|id| id.parse().ok()) {
            Some(id) => {
                let id: Id<Order> = id;
                Ok(Redirect::to(&format!("/return?order={id}")).into_response())
            }
            None => Ok(told(app, visit, StatusCode::FORBIDDEN, "Sign in again", USED)),
        },
        Ok(Err(refusal)) => Err(refusal.into()),
        Err(Fault::Busy) => {
            let text = "The provider does not answer just now. This page asks again by itself.";
            let mut response =
                told(app, visit, StatusCode::SERVICE_UNAVAILABLE, "One moment", text);
            response.headers_mut().insert(header::REFRESH, HeaderValue::from(AGAIN));
            Ok(response)
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Says what happens next, and sends nobody anywhere before they agree.
async fn ask(_: AtMerchant, State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    let provider = app.engine.provider().map(|provider| provider.url().to_owned());
    let provider = provider.ok_or_else(Problem::not_found)?;
    let main = html! {
        h1 { "Sign in" }
        p.lead { "Your account and your wallet are at " (provider) ". Sign in there, and you come back here." }
        form.narrow method="post" action="/connect" { button type="submit" { "Go on" } }
    };
    let mut response = private(&app, "Sign in", &visit, &main);
    leads_to(&mut response, &provider);
    Ok(response)
}

async fn connect(
    _: AtMerchant,
    State(app): State<App>,
    visit: Visit,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let opened = app.engine.connect().await??;
    let mut response = Redirect::to(&opened.url).into_response();
    let begun = Visit::connect(&visit.vendor, &opened.id);
    response.headers_mut().insert(header::SET_COOKIE, begun);
    leads_to(&mut response, &opened.url);
    Ok(response)
}

fn welcome(app: &App, visit: &Visit) -> Response {
    if visit.member.is_none() {
        return told(app, visit, StatusCode::FORBIDDEN, "Sign in again", USED);
    }
    let text = "You are signed in through the provider.";
    told(app, visit, StatusCode::OK, "Welcome back", text)
}

fn told(app: &App, visit: &Visit, status: StatusCode, title: &str, text: &str) -> Response {
    let main = html! {
        h1 { (title) }
        p.lead { (text) }
        p { a href="/products" { "Products" } }
    };
    let mut response = private(app, title, visit, &main);
    *response.status_mut() = status;
    response
}

/// What became of an order, in a sentence for its buyer.
fn verdict(at: &AtProvider) -> (&'static str, &'static str) {
    match at.order.state {
        OrderState::Draft | OrderState::Open | OrderState::Claimed => (
            "Not decided yet",
            "Confirm the order at the provider. This page looks again by itself.",
        ),
        OrderState::Authorized | OrderState::Captured => (
            "Approved",
            "Your payment is approved. The codes are made, and are here as soon as the provider has confirmed \
             the delivery; this page looks again by itself.",
        ),
        OrderState::Paid => ("Approved", "Paid and delivered. Your codes are below."),
        OrderState::RefundPending => {
            ("Refund under way", "The provider is asked to give tokens back for this order.")
        }
        OrderState::PartiallyRefunded => {
            ("Refunded in part", "A part of what you paid is back in your wallet at the provider.")
        }
        OrderState::Refunded => {
            ("Refunded", "All that you paid is back in your wallet at the provider.")
        }
        OrderState::Declined => ("Declined", "Nothing was charged."),
        OrderState::Cancelled => ("Cancelled", "The order was given up. Nothing was charged."),
        OrderState::Expired => (
            "Expired",
            "The order was not confirmed in time, or not taken up in time. Nothing was charged.",
        ),
    }
}

async fn shown(app: &App, visit: &Visit, at: &AtProvider) -> Result<Response, Problem> {
    let waits = at.order.state.is_at_provider() || at.order.state == OrderState::RefundPending;
    let licenses = if at.order.is_released() {
        app.engine.store().licenses_of_order(at.order.id).await?
    } else {
        Vec::new()
    };
    let mut codes = Vec::with_capacity(licenses.len());
    for license in licenses.iter().filter(|license| license.tells_its_code()) {
        codes.push(code(app, license).await?);
    }
    let (title, _) = verdict(at);
    let main = summary(&visit.vendor, at, &codes);
    if waits {
        return Ok(private_again_in(app, title, visit, AGAIN, &main));
    }
    Ok(private(app, title, visit, &main))
}

/// A license that is handed out.
struct Handed {
    id: String,
    jws: String,
    short: String,
    /// Names of its files, and where they are.
    files: Vec<(String, String)>,
}

async fn code(app: &App, license: &License) -> Result<Handed, Problem> {
    let code = app.engine.code(license).await?;
    let mut files = Vec::new();
    if let Some(release) = license.release {
        for file in &app.engine.released(release).await?.files {
            if let Ok(ticket) = app.engine.issue_ticket(&code.jws, file.id, "page").await? {
                let address = format!("/v1/downloads/{}?ticket={}", file.id, ticket.text);
                files.push((file.name.clone(), address));
            }
        }
    }
    Ok(Handed { id: license.id.to_string(), jws: code.jws, short: code.short, files })
}

fn summary(vendor: &Vendor, at: &AtProvider, codes: &[Handed]) -> Markup {
    let token = &vendor.settings.token;
    let (title, text) = verdict(at);
    html! {
        h1 { (title) }
        p.lead { (text) }
        p { a href="/products" { "Products" } }
        @if let Some(reason) = at.reason() {
            p { "Reason: " code { (reason) } }
        }
        h2 { "Order " (at.order.id) }
        table {
            thead {
                tr { th scope="col" { "What" } th scope="col" { "Units" } th scope="col" { "Total" } }
            }
            tbody {
                @for line in &at.lines {
                    tr {
                        td { (line.title) }
                        td { (line.quantity) }
                        td { (MoneyOut::tokens(line.total().unwrap_or_default(), token)) }
                    }
                }
            }
            tfoot {
                tr {
                    th scope="row" colspan="2" { "Total" }
                    td { (MoneyOut::tokens(at.order.total, token)) }
                }
            }
        }
        @if let (Some(url), OrderState::Open | OrderState::Claimed) = (&at.checkout.url, at.order.state) {
            p { a href=(url) { "Go on at the provider" } }
        }
        @for handed in codes {
            h2 { "License " (handed.id) }
            dl.facts {
                dt { "Code" }
                dd { code { (handed.short) } }
                dt { "Signed code" }
                dd { code.long { (handed.jws) } }
                @for (name, address) in &handed.files {
                    dt { "File" }
                    dd { a href=(address) { (name) } }
                }
            }
        }
    }
}
