//! Refunds that buyers ask for: what waits, and the word on each.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::refund::LicensePolicy;
use scrip_domain::refund_request::{RefundRequest, RefundRequestState};
use scrip_domain::staff::Power;
use serde::Deserialize;

use super::desk::{Desk, Refunds, See};
use super::entry::{Entry, Sent};
use super::parts::{
    Told, account_link, address, distinct, done, filters, order_link, pager, plain, range, table,
};
use super::{Section, page, with_status};
use crate::App;
use crate::api::List;
use crate::extract::{IdPath, Query};
use crate::money::MoneyOut;
use crate::pages::date;
use crate::pages::form::Form;
use crate::pages::look::{Tone, badge, blank};
use crate::problem::Problem;
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/refund-requests", get(list))
        .route("/admin/refund-requests/{id}", get(show))
        .route("/admin/refund-requests/{id}/accept", post(accept))
        .route("/admin/refund-requests/{id}/decline", post(decline))
}

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    state: String,
    after: Option<String>,
}

/// How a request stands, for staff.
pub fn request_badge(state: RefundRequestState) -> Markup {
    let tone = match state {
        RefundRequestState::Open => Tone::Warn,
        RefundRequestState::Accepted => Tone::Good,
        RefundRequestState::Declined => Tone::Bad,
    };
    badge(tone, &plain(state.as_str()))
}

async fn list(
    State(app): State<App>,
    desk: Desk<See>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let state = RefundRequestState::parse(&wanted.state).unwrap_or(RefundRequestState::Open);
    let name = format!("console-refund-requests {state}");
    let part = range(&app, &name, wanted.after.as_deref())?;
    let store = app.engine.store();
    let rows = store.refund_requests(state, part).await?;
    let next = List::of(&app.engine, &name, part, &rows, |row| row.id.number(), |_| ()).next;
    let orders = distinct(rows.iter().map(|row| row.order));
    let lines = store.lines_of(&orders).await?;
    let accounts = distinct(rows.iter().map(|row| row.account));
    let accounts = store.accounts_called(&accounts).await?;
    let title = |row: &RefundRequest| {
        let line = lines.iter().find(|line| (line.order, line.id) == (row.order, row.line));
        line.map_or("", |line| &line.title)
    };
    let account = |row: &RefundRequest| accounts.iter().find(|one| one.id == row.account);
    let views = RefundRequestState::ALL.iter().map(|one| {
        let to = address("/admin/refund-requests", &[("state", one.as_str())]);
        (to, plain(one.as_str()), *one == state)
    });
    let views: Vec<_> = views.collect();
    let main = html! {
        p.trail { a href="/admin/orders" { "Orders" } }
        (filters("Which requests", &views))
        @if rows.is_empty() {
            (blank("No requests", "What buyers ask back stands here until somebody decides.", None))
        } @else {
            (table(&["Asked", "What", "Account", "Covered", "State"], &html! {
                @for row in &rows {
                    tr {
                        th scope="row" { a href={ "/admin/refund-requests/" (row.id) } { (date(row.at)) } }
                        td { bdi { (title(row)) } }
                        td { @if let Some(account) = account(row) { (account_link(account)) } }
                        td { @if row.covered { "By the policy" } @else { "No" } }
                        td { (request_badge(row.state)) }
                    }
                }
            }))
        }
        (pager(&address("/admin/refund-requests", &[("state", state.as_str())]), next.as_deref()))
    };
    Ok(page(&app, &desk, "Requests for refunds", Section::Orders, &main))
}

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<RefundRequest>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let may = desk.may(Power::Refunds);
    let main =
        one(&app, id, may, &desk.vendor.settings.token, told.done.as_deref(), Sent::default());
    Ok(page(&app, &desk, "Request for a refund", Section::Orders, &main.await?))
}

async fn one(
    app: &App,
    id: scrip_domain::Id<RefundRequest>,
    may: bool,
    token: &scrip_domain::settings::Token,
    told: Option<&str>,
    sent: Sent<'_>,
) -> Result<Markup, Problem> {
    let store = app.engine.store();
    let row = store.refund_request(id).await?.ok_or_else(Problem::not_found)?;
    let lines = store.order_lines(row.order).await?;
    let line = lines.iter().find(|line| line.id == row.line).ok_or_else(Problem::not_found)?;
    let account = store.account(row.account).await?;
    let order = store.order(row.order).await?.ok_or_else(Problem::not_found)?;
    let waits = may && row.is_open();
    Ok(html! {
        p.trail { a href="/admin/refund-requests" { "Requests for refunds" } }
        (done(told, &[
            ("accept", "The tokens are back with the buyer."), ("decline", "The buyer is told."),
        ]))
        dl.facts {
            dt { "State" } dd { (request_badge(row.state)) }
            dt { "What" } dd { bdi { (line.title) } @if line.quantity > 1 { " × " (line.quantity) } }
            dt { "Paid for it" } dd { (MoneyOut::tokens(line.total().unwrap_or_default(), token)) }
            dt { "Order" } dd { (order_link(row.order)) }
            @if let Some(account) = &account { dt { "Account" } dd { (account_link(account)) } }
            @if let Some(at) = order.paid_at { dt { "Paid" } dd { (date(at)) } }
            dt { "Asked" } dd { (date(row.at)) }
            dt { "Covered" } dd { @if row.covered { "By the policy that was shown with the order." } @else { "No: it was too late, or it had been opened." } }
            dt { "The buyer says" } dd.pre { (row.reason) }
            @if let Some(word) = &row.word { dt { "You said" } dd.pre { (word) } }
            @if let Some(at) = row.decided_at { dt { "Decided" } dd { (date(at)) } }
        }
        @if waits {
            h2 { "What you can do" }
            div.acts {
                (accept_form(id, sent.to("accept")))
                (decline_form(id, sent.to("decline")))
            }
        }
    })
}

fn accept_form(id: scrip_domain::Id<RefundRequest>, sent: Sent<'_>) -> Markup {
    let mut typed = Entry::default();
    typed.put("licenses", LicensePolicy::Revoke);
    let back = sent.is_back();
    let sent = if back { sent } else { Sent::only(&typed, None) };
    html! {
        details open[back] {
            summary { "Give the tokens back" }
            (sent.complaint())
            form method="post" action={ "/admin/refund-requests/" (id) "/accept" } {
                p.hint { "All that is left of the line goes back, into the lots that paid." }
                (sent.group("licenses", "Licenses of what goes back", &html! {
                    (sent.choice("licenses", "revoke", "End them"))
                    (sent.choice("licenses", "keep", "Leave them to the buyer"))
                }))
                button type="submit" { "Give back" }
            }
        }
    }
}

fn decline_form(id: scrip_domain::Id<RefundRequest>, sent: Sent<'_>) -> Markup {
    html! {
        details open[sent.is_back()] {
            summary { "Decline" }
            (sent.complaint())
            form method="post" action={ "/admin/refund-requests/" (id) "/decline" } {
                (sent.field("word", "A word to the buyer", Some("The buyer reads it in a letter, and in the order.")))
                button.danger type="submit" { "Decline" }
            }
        }
    }
}

async fn accept(
    State(app): State<App>,
    desk: Desk<Refunds>,
    IdPath(id): IdPath<RefundRequest>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let licenses = LicensePolicy::parse(entry.get("licenses"));
    let accepted = match licenses {
        Some(licenses) => {
            let request = request_id::current();
            let accepted = app.engine.accept_refund(desk.staff, id, licenses, request).await?;
            accepted.map_err(Problem::from)
        }
        None => Err(Problem::field("licenses", "end them, or leave them to the buyer")),
    };
    after(&app, &desk, id, ("accept", &entry), accepted).await
}

async fn decline(
    State(app): State<App>,
    desk: Desk<Refunds>,
    IdPath(id): IdPath<RefundRequest>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let declined = match entry.words("word") {
        Ok(word) => app.engine.decline_refund(desk.staff, id, word).await?.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    after(&app, &desk, id, ("decline", &entry), declined).await
}

async fn after(
    app: &App,
    desk: &Desk<Refunds>,
    id: scrip_domain::Id<RefundRequest>,
    (form, entry): (&str, &Entry),
    done: Result<RefundRequest, Problem>,
) -> Result<Response, Problem> {
    match done {
        Ok(_) => {
            Ok(Redirect::to(&format!("/admin/refund-requests/{id}?done={form}")).into_response())
        }
        Err(problem) => {
            let token = &desk.vendor.settings.token;
            let back = Sent::back(form, entry, &problem);
            let main = one(app, id, true, token, None, back).await?;
            let shown = page(app, desk, "Request for a refund", Section::Orders, &main);
            Ok(with_status(shown, &problem))
        }
    }
}
