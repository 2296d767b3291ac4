//! One order: whether it was approved, what it was, and what it brought.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::{Markup, html};
use scrip_domain::gate::GateRefusal;
use scrip_domain::order::{Line, Order, OrderState};
use scrip_domain::refund_request::RefundRequest;
use scrip_engine::checkout::AtProvider;
use scrip_engine::refund::Refunded;

use super::handed::{self, Handed};
use super::refund;
use super::{bill, in_their_words};
use crate::App;
use crate::caller::AtSeller;
use crate::extract::IdPath;
use crate::language::{say, t};
use crate::money::MoneyOut;
use crate::pages::checkout::{Wanted, is_open, own, pays_elsewhere};
use crate::pages::look::{Tone, date, notice, price, steps};
use crate::pages::top_up;
use crate::pages::visit::{Local, Visit};
use crate::pages::words::not_sold;
use crate::pages::{again_in, chance, private, private_with_script};
use crate::problem::Problem;

/// After how many seconds a page that waits for something looks again.
const AGAIN: u32 = 3;

/// An order with all that its page tells.
#[derive(Debug)]
struct Seen {
    order: Order,
    lines: Vec<Line>,
    /// As of now.
    state: OrderState,
    /// At a merchant, once the provider was asked.
    at: Option<AtProvider>,
    handed: Vec<Handed>,
    refunds: Vec<Refunded>,
    /// What its buyer asked back.
    requests: Vec<RefundRequest>,
    /// Whether it can be confirmed once more.
    open: bool,
}

impl Seen {
    /// Everything about an order of whoever looks.
    async fn new(app: &App, order: Order, lines: Vec<Line>) -> Result<Self, Problem> {
        let engine = &app.engine;
        let at = match engine.provider() {
            Some(_) => engine.at_provider(order.clone()).await?,
            None => None,
        };
        let (mut handed, mut refunds, mut requests) = (Vec::new(), Vec::new(), Vec::new());
        if order.is_released()
            && let Some(paid) = engine.paid(order.id).await?
        {
            for license in paid.licenses {
                let line = lines.iter().find(|line| line.id == license.line);
                handed.push(Handed::new(app, license, line).await?);
            }
            for (license, _) in paid.extended {
                let line = lines.iter().find(|line| line.extends == Some(license.id));
                // As it is now: others may have extended it since.
                let license = engine.store().license(license.id).await?.unwrap_or(license);
                handed.push(Handed::new(app, license, line).await?);
            }
            refunds = engine.refunds_of(order.id).await?;
            requests = engine.store().refund_requests_of(order.id).await?;
        }
        let state = order.state_at(engine.now());
        let open = is_open(app, &order);
        Ok(Self { order, lines, state, at, handed, refunds, requests, open })
    }

    /// Whether something is still to come by itself.
    fn waits(&self) -> bool {
        self.state.is_at_provider() || self.state == OrderState::RefundPending
    }

    /// What became of it: how it sounds, in a word or two, in a sentence.
    fn verdict(&self) -> (Tone, &'static str, &'static str) {
        match self.state {
            OrderState::Draft => (Tone::Warn, t("Not confirmed yet"), t("Nothing was charged.")),
            OrderState::Open | OrderState::Claimed => (
                Tone::Warn,
                t("Not decided yet"),
                t("Confirm the order at the provider. This page looks again by itself."),
            ),
            OrderState::Authorized
                if self.at.as_ref().and_then(AtProvider::approved) == Some(false) =>
            {
                (
                    Tone::Bad,
                    t("Declined"),
                    t(
                        "Nothing is charged. The provider is asked to let go of the tokens that it holds.",
                    ),
                )
            }
            OrderState::Authorized | OrderState::Captured => (
                Tone::Good,
                t("Approved"),
                t(
                    "Your payment is approved. The codes are made, and are here as soon as the provider has confirmed the \
                 delivery; this page looks again by itself.",
                ),
            ),
            OrderState::Paid => {
                (Tone::Good, t("Approved"), t("Paid and delivered. What you bought is below."))
            }
            OrderState::RefundPending => (
                Tone::Info,
                t("Refund under way"),
                t("The provider is asked to give tokens back for this order."),
            ),
            OrderState::PartiallyRefunded => (
                Tone::Info,
                t("Refunded in part"),
                t("A part of what you paid is back in your wallet."),
            ),
            OrderState::Refunded => {
                (Tone::Info, t("Refunded"), t("All that you paid is back in your wallet."))
            }
            OrderState::Declined => (Tone::Bad, t("Declined"), t("Nothing was charged.")),
            OrderState::Cancelled => {
                (Tone::Info, t("Cancelled"), t("The order was given up. Nothing was charged."))
            }
            OrderState::Expired => (
                Tone::Info,
                t("Expired"),
                t(
                    "The order was not confirmed in time, or not taken up in time. Nothing was charged.",
                ),
            ),
        }
    }
}

pub(super) async fn show(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    IdPath(id): IdPath<Order>,
) -> Result<Response, Problem> {
    let here = Local::new(&format!("/orders/{id}")).unwrap_or_default();
    let elsewhere = app.engine.provider().is_some();
    if visit.member.is_none() && !elsewhere {
        return Ok(Redirect::to(&here.after("/sign-in")).into_response());
    }
    let (order, lines) = match own(&app, &visit, id).await {
        Err(problem) if elsewhere && problem.status() == StatusCode::NOT_FOUND => {
            return Ok(not_here(&app, &visit, &here));
        }
        own => own?,
    };
    if order.state_at(app.engine.now()) == OrderState::Draft && !elsewhere {
        return Ok(Redirect::to(&format!("/checkout/{id}")).into_response());
    }
    let lines = in_their_words(&app, &visit, lines).await?;
    let seen = Seen::new(&app, order, lines).await?;
    let main = page(&app, &visit, &seen);
    let (_, title, _) = seen.verdict();
    let mut response = private_with_script(&app, title, &visit, &main);
    if seen.waits() {
        again_in(&mut response, AGAIN);
    }
    pays_elsewhere(&app, &mut response);
    Ok(response)
}

/// At a merchant, where an order has no address that shows it to anybody.
pub fn not_here(app: &App, visit: &Visit, here: &Local) -> Response {
    let title = t("This order is not shown here");
    let main = html! {
        h1 { (title) }
        p.lead { (t("An order is shown in the browser of the buyer who decided on it. Open it from the provider's \
            history, or sign in \
            through the provider, and it is here.")) }
        p.choice {
            a.button href=(here.after("/connect")) { (t("Sign in through the provider")) }
            a.button.second href="/products" { (t("Products")) }
        }
    };
    let mut response = private(app, title, visit, &main);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn page(app: &App, visit: &Visit, seen: &Seen) -> Markup {
    let token = &visit.vendor.settings.token;
    let (tone, title, text) = seen.verdict();
    let order = &seen.order;
    html! {
        @if order.is_released() { (steps(&[t("Cart"), t("Confirm"), t("Receive")], 2)) }
        h1 { (title) }
        div role="status" { (notice(tone, &html! { p { (text) } })) }
        (next_step(app, visit, seen))
        div.beside {
            div {
                @if !seen.handed.is_empty() {
                    h2.first { (t("What you received")) }
                    (handed::all(&seen.handed))
                }
                (bill(t("The order"), &seen.lines, order, token))
                (refund::part(order, &seen.lines, &seen.refunds, &seen.requests, token))
            }
            aside.card aria-labelledby="facts" {
                h2 #facts { (t("Summary")) }
                (facts(visit, seen))
                @if order.is_released() {
                    p { a href={ "/orders/" (order.id) "/receipt" } { (t("Receipt")) } }
                    p { a href="/library" { (t("Your library")) } }
                }
                p { a href="/orders" { (t("All orders")) } }
                p { a href="/products" { (t("Products")) } }
            }
        }
    }
}

/// The summary of the transaction.
fn facts(visit: &Visit, seen: &Seen) -> Markup {
    let token = &visit.vendor.settings.token;
    let order = &seen.order;
    let email = visit.member.as_ref().map(|(_, member)| member.account.email.as_str());
    html! {
        dl.stacked {
            dt { (t("Order")) } dd { code { (order.id) } }
            dt { (t("Sold by")) } dd { bdi { (visit.vendor.name_at(order.paid_at.unwrap_or(order.selected_at))) } }
            @if let Some(email) = email.filter(|email| !email.is_empty()) { dt { (t("Account")) } dd { bdi { (email) } } }
            dt { (t("Total")) } dd { (price(order.total, token)) }
            @if let Some(at) = order.paid_at { dt { (t("Paid")) } dd { (date(at)) } }
            @else { dt { (t("Selected")) } dd { (date(order.selected_at)) } }
            @if let Some(after) = order.balance_after { dt { (t("Left in the wallet then")) } dd { (MoneyOut::tokens(after, token)) } }
            @if let Some(version) = order.accepted_terms() { dt { (t("Terms")) } dd { (say!("version {version}, delivered at once", version)) } }
        }
    }
}

/// What is left for the buyer to do, where something is.
fn next_step(app: &App, visit: &Visit, seen: &Seen) -> Markup {
    let order = &seen.order;
    let going_on = matches!(seen.state, OrderState::Open | OrderState::Claimed);
    if let (Some(at), true) = (&seen.at, going_on) {
        return html! {
            form.choice method="post" action={ "/checkout/" (order.id) "/cancel" } {
                @if let Some(url) = &at.checkout.url { a.button href=(url) { (t("Go on at the provider")) } }
                button.second type="submit" { (t("Give the order up")) }
            }
        };
    }
    let over = matches!(
        seen.state,
        OrderState::Draft | OrderState::Declined | OrderState::Cancelled | OrderState::Expired
    );
    if !over {
        return Markup::default();
    }
    let token = &visit.vendor.settings.token;
    // That it was given up is said above.
    let reason = seen.at.as_ref().and_then(AtProvider::reason).filter(|word| *word != "cancelled");
    let short = order.checks.iter().rev().find_map(GateRefusal::from_check);
    let here = Local::new(&format!("/checkout/{}", order.id)).unwrap_or_default();
    let available = visit.member.as_ref().map(|(_, member)| member.available).unwrap_or_default();
    html! {
        @if let Some(reason) = reason { p { (say!("Reason: {said}", said = said(reason))) } }
        @if let (OrderState::Declined, Some(GateRefusal::BelowThreshold(short) | GateRefusal::InsufficientBalance(short))) = (seen.state, short) {
            p { (say!("The order needed {price}, and {tokens} could be spent.", price = price(short.required, token),
                tokens = MoneyOut::tokens(short.balance, token))) }
        }
        @if seen.open && seen.at.is_none() && app.engine.provider().is_none() {
            @let missing = available.shortfall(order.total);
            @let settings = &visit.vendor.settings;
            p.choice {
                @if missing.is_zero() { a.button href=(here.as_str()) { (t("Try again")) } }
                @else { (top_up::button(&here, missing, settings, "button")) }
                a.button.second href="/cart" { (t("Back to the cart")) }
            }
            (top_up::another_sum(missing, settings))
        } @else if reason == Some("already_owned") {
            form.choice method="post" action="/checkout" {
                a.button href="/library" { (t("Your library")) }
                (Wanted::like(order.id, chance(app)).insisting().hidden())
                button.second type="submit" { (t("Buy it again anyway")) }
                a.button.second href="/cart" { (t("Back to the cart")) }
            }
        } @else {
            form.choice method="post" action="/checkout" {
                (Wanted::like(order.id, chance(app)).hidden())
                button type="submit" { (t("Order the same again")) }
                a.button.second href="/cart" { (t("Back to the cart")) }
            }
        }
    }
}

/// Why it came to nothing, for people; a provider's own word where it has one of its own.
fn said(reason: &str) -> Markup {
    html! {
        @match not_sold(reason) {
            Some(words) => { (words) }
            None => { code { (reason) } }
        }
    }
}
