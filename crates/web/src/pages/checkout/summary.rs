//! The summary before the confirmation: what is bought, for how much, from which account, on which terms.

use maud::{Markup, html};
use scrip_domain::order::{Line, Order, OrderState};
use scrip_domain::payment_method::PaymentMethod;
use scrip_engine::memory::Member;

use super::Wanted;
use crate::language::{say, t};
use crate::money::MoneyOut;
use crate::pages::account::card_name;
use crate::pages::legal::terms_of_sale;
use crate::pages::look::{Tone, date, notice, price, steps};
use crate::pages::orders::bill;
use crate::pages::top_up;
use crate::pages::visit::{Local, Visit};
use crate::pages::words::refund_policy;

/// An order that waits for its buyer's word.
pub fn page(
    visit: &Visit,
    member: &Member,
    cards: &[PaymentMethod],
    order: &Order,
    lines: &[Line],
) -> Markup {
    let settings = &visit.vendor.settings;
    let token = &settings.token;
    let here = Local::new(&format!("/checkout/{}", order.id)).unwrap_or_default();
    let short = member.available.shortfall(order.total);
    let left = member.available.checked_sub(order.total);
    let card = member.account.person.payment_method.as_deref();
    let card = card.and_then(|card| cards.iter().find(|one| one.name == card));
    html! {
        (steps(&[t("Cart"), t("Confirm"), t("Receive")], 1))
        h1 { (t("Confirm your order")) }
        @if order.state == OrderState::Declined {
            (notice(Tone::Warn, &html! { p { (t("This was declined for want of tokens, and nothing was charged. You \
                can try once more.")) } }))
        }
        div.beside {
            div { (bill(t("What you buy"), lines, order, token)) }
            aside.card aria-labelledby="pay" {
                h2 #pay { (t("Payment")) }
                dl.facts.figures {
                    dt { (t("To pay")) } dd { (price(order.total, token)) }
                    dt { (t("In your wallet")) } dd { (MoneyOut::tokens(member.available, token)) }
                    @match left {
                        Some(left) => { dt { (t("Left afterwards")) } dd { (MoneyOut::tokens(left, token)) } }
                        None => { dt { (t("Missing")) } dd { (price(short, token)) } }
                    }
                    dt { (t("Account")) } dd { bdi { (member.account.email) } }
                    @if let Some(card) = card { dt { (t("Topped up with")) } dd { (card_name(card)) } }
                }
                @if left.is_some() {
                    form method="post" action={ "/checkout/" (order.id) } {
                        button.whole type="submit" { (say!("Pay {tokens}", tokens = MoneyOut::tokens(order.total, token))) }
                    }
                    p.small { (refund_policy(order.refund_policy.unwrap_or(settings.refund_policy))) }
                    (accepting(visit, order))
                } @else {
                    p { (top_up::button(&here, short, settings, "button whole")) }
                    (top_up::another_sum(short, settings))
                    p.small { (t("You come back here when the tokens are in your wallet.")) }
                }
                p.small { (say!("These prices hold until {date}.", date = date(order.expires_at))) }
                @if order.state == OrderState::Draft {
                    form method="post" action={ "/checkout/" (order.id) "/cancel" } { button.plain type="submit" { (t("Cancel")) } }
                } @else {
                    p { a href="/cart" { (t("Back to the cart")) } }
                }
            }
        }
    }
}

/// What the buyer agrees to by paying: the terms under which the draft was opened, though there may be newer ones by now.
fn accepting(visit: &Visit, order: &Order) -> Markup {
    let settings = &visit.vendor.settings;
    let current = &settings.terms_version;
    let version = order.terms_version.as_ref().unwrap_or(current);
    let called = html! { (say!("terms of {name}", name = html! { bdi { (settings.name) } })) };
    let earlier = (version != current).then_some(version.as_str());
    html! {
        p.small { (say!("With this you accept the {terms_of_sale} (version {terms_version}) and ask for \
            delivery at once: you receive your codes and files in the same moment. What is refunded goes \
            back into your wallet.", terms_of_sale = terms_of_sale(&visit.legal, earlier, &called), terms_version = version)) }
    }
}

/// A draft that nobody confirmed in time, or that was given up.
pub fn over(visit: &Visit, order: &Order, lines: &[Line], key: String) -> Markup {
    let token = &visit.vendor.settings.token;
    let given_up = order.state == OrderState::Cancelled;
    html! {
        h1 { @if given_up { (t("You gave this up")) } @else { (t("This took too long")) } }
        p.lead role="status" {
            @if given_up { (t("The order was cancelled, and nothing was charged.")) }
            @else { (say!("The prices were held until {date}. Nothing was charged.", date = date(order.expires_at))) }
        }
        form.choice method="post" action="/checkout" {
            (Wanted::like(order.id, key).hidden())
            button type="submit" { (t("Order the same at today's prices")) }
            a.button.second href="/cart" { (t("Back to the cart")) }
        }
        (bill(t("What it was"), lines, order, token))
    }
}
