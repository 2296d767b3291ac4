//! Orders of merchants' buyers, as their provider has them; and giving tokens back where a merchant does not.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::merchant::Merchant;
use scrip_domain::purchase_request::{PurchaseRequest, RequestState};
use scrip_domain::request::Request;
use scrip_domain::staff::Power;
use scrip_engine::purchase_request::{Picture, RequestRefundAsk};
use serde::Deserialize;

use super::parts::{Question, Sheet, Typed, answer, document, pager, range, table, when, within};
use crate::App;
use crate::api::List;
use crate::caller::AtProvider;
use crate::extract::{IdPath, Query};
use crate::money::MoneyOut;
use crate::pages::admin::desk::{Clerk, Desk, Money, See};
use crate::pages::admin::{Section, page};
use crate::pages::form::Form;
use crate::pages::look::{Tone, badge, blank};
use crate::pages::{chance, date};
use crate::problem::Problem;
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/requests", get(list))
        .route("/admin/requests/{id}", get(show))
        .route("/admin/requests/{id}/refund", get(ask).post(refund))
}

/// The pages of what merchants sell, and which of them this is.
pub fn tabs(here: &str) -> Markup {
    let all = [("/admin/merchants", "Merchants"), ("/admin/requests", "Their orders")];
    html! {
        nav.tabs aria-label="Merchants" {
            @for (to, name) in all { a href=(to) aria-current=[(to == here).then_some("page")] { (name) } }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place {
    after: Option<String>,
}

async fn list(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<See>,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let range = range(&app, "purchase-requests", place.after.as_deref())?;
    let rows = app.engine.store().purchase_requests(range).await?;
    let number = |row: &PurchaseRequest| row.id.number();
    let next = List::of(&app.engine, "purchase-requests", range, &rows, number, |_| ()).next;
    let (now, token) = (app.engine.now(), &desk.vendor.settings.token);
    let main = html! {
        (tabs("/admin/requests"))
        @if rows.is_empty() {
            (blank("No orders yet", "What buyers order at merchants, and pay from their wallets here, is listed here.", None))
        } @else {
            (table("At all merchants, newest first", &html! {
                th scope="col" { "Request" } th scope="col" { "State" } th.sum scope="col" { "Total" }
                th.sum scope="col" { "Your fee" } th.sum scope="col" { "Given back" } th scope="col" { "Opened" }
            }, &html! {
                @for row in &rows {
                    tr {
                        th scope="row" { a href={ "/admin/requests/" (row.id) } { code { (row.id) } } }
                        td { (state_badge(row.state_at(now))) }
                        td.sum { (MoneyOut::tokens(row.amount, token)) }
                        td.sum { (MoneyOut::tokens(row.fee, token)) }
                        td.sum { (MoneyOut::tokens(row.refunded, token)) }
                        td { (date(row.opened_at)) }
                    }
                }
            }))
            (pager("/admin/requests", next.as_deref()))
        }
    };
    Ok(page(&app, &desk, "Orders at merchants", Section::Merchants, &main))
}

fn state_badge(state: RequestState) -> Markup {
    match state {
        RequestState::Open => badge(Tone::Info, "Open"),
        RequestState::Claimed => badge(Tone::Info, "A buyer looks at it"),
        RequestState::Authorized => badge(Tone::Warn, "Confirmed"),
        RequestState::Captured => badge(Tone::Warn, "Paid, not delivered"),
        RequestState::Fulfilled => badge(Tone::Good, "Delivered"),
        RequestState::Declined => badge(Tone::Info, "Declined"),
        RequestState::Expired => badge(Tone::Info, "Not paid in time"),
        RequestState::Cancelled => badge(Tone::Info, "Taken back"),
        RequestState::Voided => badge(Tone::Info, "Not taken in time"),
        RequestState::PartiallyRefunded => badge(Tone::Warn, "Partly given back"),
        RequestState::Refunded => badge(Tone::Info, "Given back"),
    }
}

/// A request as it is now, and who sells.
async fn found(app: &App, id: Id<PurchaseRequest>) -> Result<(Picture, Merchant), Problem> {
    let row = app.engine.store().purchase_request(id).await?.ok_or_else(Problem::not_found)?;
    let picture = app.engine.look_at_request(row.merchant, id).await?;
    let picture = picture.map_err(|refusal| Problem::purchase_request(&refusal, None))?;
    let merchant = app.engine.store().merchant(row.merchant).await?;
    Ok((picture, merchant.ok_or_else(Problem::not_found)?))
}

async fn show(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<PurchaseRequest>,
) -> Result<Response, Problem> {
    let (Picture { request, refunds }, merchant) = found(&app, id).await?;
    let token = &desk.vendor.settings.token;
    let money = |amount| MoneyOut::tokens(amount, token);
    let main = html! {
        (within("/admin/requests", "Orders at merchants"))
        p.lead { "At " a href={ "/admin/merchants/" (merchant.id) } { bdi { (merchant.name) } } ", for " (money(request.amount)) ". "
            (state_badge(request.state)) }
        @if desk.may(Power::Money) && request.is_captured() {
            p { a.button.second href={ "/admin/requests/" (id) "/refund" } { "Give tokens back" } }
        }
        dl.facts {
            dt { "The merchant's order" } dd { code { (request.order) } }
            @if let Some(account) = request.account { dt { "Account" } dd { code { (account) } } }
            dt { "You kept" } dd { (money(request.fee)) }
            dt { "Given back" } dd { (money(request.refunded)) }
            dt { "Opened" } dd { (date(request.opened_at)) }
            dt { "Decided" } dd { (when(request.decided_at)) }
            dt { "Paid" } dd { (when(request.captured_at)) }
            dt { "To be delivered until" } dd { (when(request.fulfil_until)) }
            dt { "Delivered" } dd { (when(request.fulfilled_at)) }
        }
        @if !refunds.is_empty() {
            (table("What went back, oldest first", &html! {
                th scope="col" { "When" } th.sum scope="col" { "Amount" } th scope="col" { "By" } th scope="col" { "Why" }
            }, &html! {
                @for refund in &refunds {
                    tr {
                        th scope="row" { (date(refund.at)) }
                        td.sum { (money(refund.amount)) }
                        td { (refund.by.as_str()) }
                        td { bdi { (refund.reason) } }
                    }
                }
            }))
        }
        h2 { "Proof" }
        (document("The merchant's offer", Some(&request.offer)))
        (document("The buyer's decision", request.confirmation.as_deref()))
        (document("The receipt", request.receipt.as_deref()))
        (document("The final word", request.fulfilment.as_deref()))
        @for refund in &refunds { (document("A refund", Some(&refund.document))) }
    };
    Ok(page(&app, &desk, "Order at a merchant", Section::Merchants, &main))
}

async fn ask(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<PurchaseRequest>,
) -> Result<Response, Problem> {
    let mut typed = Typed::default();
    typed.put("key", chance(&app));
    question(&app, &desk, id, Sheet { typed: &typed, problem: None }).await
}

async fn refund(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<PurchaseRequest>,
    Form(mut typed): Form<Typed>,
) -> Result<Response, Problem> {
    let problem = match typed
        .keyed(&app)
        .and_then(|()| wanted(&typed, desk.vendor.settings.token.scale))
    {
        Ok(ask) => {
            let what = format!("{id} {} {}", typed.get("amount"), ask.reason);
            let request = Request::new(typed.get("key"), what.as_bytes(), request_id::current());
            match app.engine.refund_request_as_staff(desk.staff, id, ask, request).await? {
                Ok(_) => return Ok(Redirect::to(&format!("/admin/requests/{id}")).into_response()),
                Err(refusal) => Problem::purchase_request(&refusal, None),
            }
        }
        Err(problem) => problem,
    };
    question(&app, &desk, id, Sheet { typed: &typed, problem: Some(&problem) }).await
}

fn wanted(typed: &Typed, scale: u8) -> Result<RequestRefundAsk, Problem> {
    let amount = match typed.get("amount") {
        "" => None,
        _ => Some(typed.amount("amount", scale)?),
    };
    if amount.is_some_and(scrip_domain::Amount::is_zero) {
        return Err(Problem::field("amount", "more than nothing"));
    }
    Ok(RequestRefundAsk { amount, reason: typed.text::<1, 500>("reason")? })
}

async fn question(
    app: &App,
    clerk: &Clerk,
    id: Id<PurchaseRequest>,
    sheet: Sheet<'_>,
) -> Result<Response, Problem> {
    let (Picture { request, .. }, merchant) = found(app, id).await?;
    let token = &clerk.vendor.settings.token;
    let label = format!("How many {}", token.code);
    let hint = format!("Empty for all that is left: {}.", MoneyOut::tokens(request.left(), token));
    let says = html! {
        p.lead { "The buyer gets the tokens back at once, from what " bdi { (merchant.name) } " has earned." }
        p { "The merchant hears of it. What the buyer has received is not taken back by this." }
    };
    let fields = html! {
        input type="hidden" name="key" value=(sheet.typed.get("key"));
        div.narrow {
            (sheet.optional("amount", &label, Some(&hint)))
            (sheet.field("reason", "Why", Some("It is signed, and the buyer sees it.")))
        }
    };
    let here = format!("/admin/requests/{id}");
    let question = Question {
        says: &says,
        action: &format!("{here}/refund"),
        fields: &fields,
        button: "Give them back",
        is_final: true,
        back: &here,
    };
    let main = question.ask(sheet.problem);
    Ok(answer(app, clerk, "Give tokens back", Section::Merchants, &main, sheet.problem))
}
