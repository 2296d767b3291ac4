//! Where a buyer comes back to a merchant from its provider, with a code that is good once.
//!
//! ```text
//! /return?code=… ──redeemed, a session in a cookie──▶ /orders/{id}
//!                    └──in another browser than that which went to the provider: asked first──▲
//! ```
//! A code is a link, and anybody can send somebody a link: without asking, a stranger's code would sign a browser in to the
//! stranger's account. Who began the order by a program, or goes on with another browser, presses a button once.
//!
//! The order is shown to the buyer who decided on it and to nobody else, whatever address they have. The code is taken out
//! of the address at once, so that it stays in no history.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use maud::html;
use scrip_domain::Id;
use scrip_domain::order::Order;
use scrip_engine::Fault;
use scrip_engine::checkout::AtProvider;
use scrip_engine::identity::ConnectRefusal;
use serde::Deserialize;

use super::cart::Cart;
use super::checkout::choices;
use super::checkout::stop::things;
use super::form::Form;
use super::orders::not_here;
use super::sign_in::Next;
use super::visit::{Local, Visit};
use super::{leads_to, private};
use crate::App;
use crate::caller::AtMerchant;
use crate::extract::{Query, Source};
use crate::language::{key, say, t};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/return", get(come_back).post(go_on))
        .route("/connect", get(ask).post(connect))
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
    match back.order.as_deref().map(str::parse::<Id<Order>>) {
        Some(Ok(order)) => Ok(Redirect::to(&format!("/orders/{order}")).into_response()),
        Some(Err(_)) => Ok(not_here(&app, &visit, &Local::default())),
        None => Ok(welcome(&app, &visit)),
    }
}

const ELSEWHERE: &str =
    key("This way back was begun in another browser, or by somebody else. Begin here, and you \
    come back signed in as yourself.");
const USED: &str = key(
    "The address with which you came back is good once and for a minute. Nothing is lost: open the order \
    from the provider's history, or sign in through the provider again.",
);

/// Signs the browser in, and goes on without the code in the address.
async fn redeem(
    app: &App,
    visit: &Visit,
    code: &str,
    order: Option<&str>,
) -> Result<Response, Problem> {
    let fits = (1..=200).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        return Ok(told(app, visit, StatusCode::BAD_REQUEST, t("This is no way back"), t(USED)));
    }
    match app.engine.come_back(code).await {
        Ok(Ok(came)) => {
            let token = came.session.token.reveal();
            let is_own = match (&came.connection, came.order) {
                (Some(connection), _) => visit.has_begun(connection),
                (None, Some(order)) => visit.has_ordered(order) || visit.is_of(came.account),
                (None, None) => visit.is_of(came.account),
            };
            match came.order {
                order if is_own => signed_in(app, visit, token, order).await,
                Some(order) if came.connection.is_none() => Ok(is_it_you(app, visit, token, order)),
                _ => {
                    let title = t("Sign in from here");
                    Ok(told(app, visit, StatusCode::FORBIDDEN, title, t(ELSEWHERE)))
                }
            }
        }
        // Used before, perhaps by this very browser, whose answer was lost.
        Ok(Err(ConnectRefusal::CodeRefused)) => match order.and_then(|id| id.parse().ok()) {
            Some(id) => {
                let id: Id<Order> = id;
                Ok(Redirect::to(&format!("/orders/{id}")).into_response())
            }
            None => Ok(told(app, visit, StatusCode::FORBIDDEN, t("Sign in again"), t(USED))),
        },
        Ok(Err(refusal)) => Err(refusal.into()),
        Err(Fault::Busy | Fault::Away) => {
            let text = t("The provider does not answer just now. This page asks again by itself.");
            let mut response =
                told(app, visit, StatusCode::SERVICE_UNAVAILABLE, t("One moment"), text);
            response.headers_mut().insert(header::REFRESH, HeaderValue::from(AGAIN));
            Ok(response)
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Goes on in a browser that is signed in from now on.
async fn signed_in(
    app: &App,
    visit: &Visit,
    token: &str,
    order: Option<Id<Order>>,
) -> Result<Response, Problem> {
    let next = match order {
        Some(order) => format!("/orders/{order}"),
        None => visit.left().map_or_else(|| "/return".to_owned(), |next| next.as_str().to_owned()),
    };
    let mut response = Redirect::to(&next).into_response();
    let cookie = Visit::sign_in(&visit.vendor, token);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    if let Some(order) = order
        && let Some(cart) = bought(app, visit, order).await?
    {
        let cookie = Visit::carry(&visit.vendor, &cart);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Asks whether it is the buyer who comes back. The session is the form's, and no cookie's before it is sent.
fn is_it_you(app: &App, visit: &Visit, token: &str, order: Id<Order>) -> Response {
    let main = html! {
        h1 { (t("Is this your order?")) }
        p.lead { (say!("You come back from the provider with order {order}, which was not begun in this browser.",
            order = html! { code { (order) } })) }
        form.narrow method="post" action="/return" {
            input type="hidden" name="session" value=(token);
            input type="hidden" name="order" value=(order);
            button type="submit" { (t("Go on as the buyer of this order")) }
        }
        p.small { (t("If you have ordered nothing here, somebody else has sent you this way: do not go on.")) }
        p { a href="/products" { (t("Products")) } }
    };
    private(app, t("Is this your order?"), visit, &main)
}

/// The session of who says to be the buyer. Never shown by a `Debug`.
#[derive(Deserialize)]
struct GoOn {
    session: String,
    order: String,
}

async fn go_on(
    _: AtMerchant,
    State(app): State<App>,
    visit: Visit,
    Form(GoOn { session, order }): Form<GoOn>,
) -> Result<Response, Problem> {
    let order = order.parse().map_err(|_| Problem::not_found())?;
    let signed = app.engine.authenticate(&session).await?;
    // A key is a program's, and no browser's.
    if signed.is_none_or(|signed| signed.key.is_some()) {
        return Ok(told(&app, &visit, StatusCode::FORBIDDEN, t("Sign in again"), t(USED)));
    }
    signed_in(&app, &visit, &session, Some(order)).await
}

/// The cart without what an order that was approved has of it.
async fn bought(app: &App, visit: &Visit, order: Id<Order>) -> Result<Option<Cart>, Problem> {
    let store = app.engine.store();
    let Some(row) = store.order(order).await? else { return Ok(None) };
    let at = app.engine.at_provider(row).await?;
    if at.as_ref().and_then(AtProvider::approved) != Some(true) {
        return Ok(None);
    }
    let mut cart = visit.cart.clone();
    for choice in choices(&store.order_lines(order).await?) {
        cart.take(choice.offer, choice.quantity);
    }
    Ok(Some(cart))
}

/// Says what happens next, and sends nobody anywhere before they agree.
async fn ask(
    _: AtMerchant,
    State(app): State<App>,
    visit: Visit,
    Query(next): Query<Next>,
) -> Result<Response, Problem> {
    let next = next.given();
    let units = visit.cart.units();
    let provider = app.engine.provider().map(|provider| provider.url().to_owned());
    let provider = provider.ok_or_else(Problem::not_found)?;
    let main = html! {
        h1 { (t("Sign in")) }
        p.lead { (say!("Your account and your wallet are at {provider}. Sign in or open an account there, and you \
            come back here.", provider = html! { bdi { (provider) } })) }
        @if units > 0 { p { (say!("{things} in your cart, and kept there meanwhile.", things = things(units))) } }
        form.narrow method="post" action="/connect" {
            @if let Some(next) = &next { input type="hidden" name="next" value=(next.as_str()); }
            button type="submit" { (t("Go on to the provider")) }
        }
    };
    let mut response = private(&app, t("Sign in"), &visit, &main);
    leads_to(&mut response, &provider);
    Ok(response)
}

async fn connect(
    _: AtMerchant,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    Form(next): Form<Next>,
) -> Result<Response, Problem> {
    let opened = app.engine.connect(&source.0).await??;
    let mut response = Redirect::to(&opened.url).into_response();
    let begun = Visit::connect(&visit.vendor, &opened.id, next.given().as_ref());
    response.headers_mut().insert(header::SET_COOKIE, begun);
    leads_to(&mut response, &opened.url);
    Ok(response)
}

fn welcome(app: &App, visit: &Visit) -> Response {
    if visit.member.is_none() {
        return told(app, visit, StatusCode::FORBIDDEN, t("Sign in again"), t(USED));
    }
    let text = t("You are signed in through the provider.");
    told(app, visit, StatusCode::OK, t("Welcome back"), text)
}

fn told(app: &App, visit: &Visit, status: StatusCode, title: &str, text: &str) -> Response {
    let main = html! {
        h1 { (title) }
        p.lead { (text) }
        p { a href="/products" { (t("Products")) } }
    };
    let mut response = private(app, title, visit, &main);
    *response.status_mut() = status;
    response
}
