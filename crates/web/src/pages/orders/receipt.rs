//! The receipt of a paid order, to be printed and kept. It says the same whenever it is opened.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use scrip_domain::order::{Line, Order};
use scrip_domain::settings::Vendor;
use scrip_engine::memory::Member;
use scrip_engine::purchase::PurchaseRefusal;

use super::itemized;
use crate::App;
use crate::caller::AtSeller;
use crate::extract::IdPath;
use crate::language::{say, t, text};
use crate::money::MoneyOut;
use crate::pages::checkout::own;
use crate::pages::look::date;
use crate::pages::private_with_script;
use crate::pages::visit::SignedIn;
use crate::problem::Problem;

pub(super) async fn show(
    _: AtSeller,
    State(app): State<App>,
    SignedIn { visit, member, .. }: SignedIn,
    IdPath(id): IdPath<Order>,
) -> Result<Response, Problem> {
    let (order, lines) = own(&app, &visit, id).await?;
    let receipt = match app.engine.receipt(&order).await? {
        Ok(receipt) => receipt,
        // It is not paid: the order's page says what to do.
        Err(PurchaseRefusal::NotPaid(_)) => {
            return Ok(Redirect::to(&format!("/orders/{id}")).into_response());
        }
        Err(refusal) => {
            return Err(Problem::purchase(&refusal, &visit.vendor.settings));
        }
    };
    let refunded = app.engine.refunds_of(id).await?;
    let token = &visit.vendor.settings.token;
    let title = text!("Receipt {number}", number = receipt.number);
    let main = html! {
        p.trail { a href={ "/orders/" (id) } { (t("The order")) } }
        article.receipt {
            h1 { (title) }
            (parties(&app, &visit.vendor, &member, &order))
            dl.facts {
                dt { (t("Issued")) } dd { (date(receipt.issued_at)) }
                @if let Some(at) = order.paid_at { dt { (t("Paid")) } dd { (say!("{date} from the wallet", date = date(at))) } }
                dt { (t("Order")) } dd { code { (order.id) } }
                @if let Some(version) = order.accepted_terms() { dt { (t("Terms")) } dd { (say!("version {version}",
                    version)) } }
            }
            (table(&lines, &order, &visit.vendor))
            @if !refunded.is_empty() {
                h2 { (t("Given back")) }
                ul { @for one in &refunded { li { (MoneyOut::tokens(one.refund.amount, token)) ", " (date(one.refund.at)) } } }
            }
        }
        p.no-print { button.second type="button" hidden data-prints="" { (t("Print")) } }
    };
    Ok(private_with_script(&app, &title, &visit, &main))
}

fn parties(app: &App, vendor: &Vendor, member: &Member, order: &Order) -> Markup {
    let at = order.paid_at.unwrap_or(order.selected_at);
    let person = &member.account.person;
    html! {
        div.parties {
            div {
                h2 { (t("Sold by")) }
                p { bdi { (vendor.name_at(at)) } br; span.small { (app.engine.public_url()) } }
            }
            div {
                h2 { (t("Sold to")) }
                p.pre { @if let Some(name) = &person.name { bdi { (name) } "\n" }
                    @if let Some(address) = &person.address { bdi { (address) } "\n" }
                    bdi { (member.account.email) } }
            }
        }
    }
}

fn table(lines: &[Line], order: &Order, vendor: &Vendor) -> Markup {
    let token = &vendor.settings.token;
    itemized(t("Bought"), lines, order, token, &html! { (MoneyOut::tokens(order.total, token)) })
}
