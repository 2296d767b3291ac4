//! What staff do with a top-up: decide, book money that came, cancel, give money back.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::staff::Power;
use scrip_domain::top_up::{TopUp, TopUpState};
use scrip_engine::reversal::{Share, TopUpRefundAsk};
use scrip_engine::top_up::Verdict;
use scrip_engine::top_up::offline::{OfflineRefusal, Received};

use super::desk::{Clerk, Desk, Money};
use super::entry::{Entry, Sent, once};
use super::top_ups::shown;
use super::with_status;
use crate::App;
use crate::extract::IdPath;
use crate::money::MoneyOut;
use crate::pages::form::Form;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/top-ups/{id}/decide", post(decide))
        .route("/admin/top-ups/{id}/received", post(receive))
        .route("/admin/top-ups/{id}/cancel", post(cancel))
        .route("/admin/top-ups/{id}/refund", post(refund))
}

/// The top-up's page again: that it is done, or the form that comes back.
async fn after(
    app: &App,
    clerk: &Clerk,
    id: Id<TopUp>,
    (form, entry): (&str, &Entry),
    done: Result<(), Problem>,
) -> Result<Response, Problem> {
    match done {
        Ok(()) => Ok(Redirect::to(&format!("/admin/top-ups/{id}?done={form}")).into_response()),
        Err(problem) => {
            let page = shown(app, clerk, id, None, Sent::back(form, entry, &problem)).await?;
            Ok(with_status(page, &problem))
        }
    }
}

async fn decide(
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<TopUp>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let read = || {
        let approve = match entry.get("verdict") {
            "approve" => true,
            "decline" => false,
            _ => return Err(Problem::field("verdict", "approve it, or decline it")),
        };
        Ok(Verdict { approve, reason: entry.words("reason")? })
    };
    let done = match read() {
        Ok(verdict) => {
            let decided = app.engine.decide_top_up(desk.staff, id, verdict).await?;
            decided.map(|_| ()).map_err(|refusal| Problem::decide(&refusal))
        }
        Err(problem) => Err(problem),
    };
    after(&app, &desk, id, ("decide", &entry), done).await
}

async fn receive(
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<TopUp>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let top_up = app.engine.store().top_up(id).await?.ok_or_else(Problem::not_found)?;
    let read = || -> Result<_, Problem> {
        let not_due = || Problem::offline(&OfflineRefusal::NotDue(top_up.state));
        let money = entry.money("money", top_up.left().ok_or_else(not_due)?.unit)?;
        let received = Received { money, note: entry.words("note")? };
        Ok((received, entry.request(&format!("received {id}"))?))
    };
    let done = match read() {
        Ok((received, request)) => {
            let booked = app.engine.receive(desk.staff, id, received, request).await?;
            booked.map(|_| ()).map_err(|refusal| Problem::offline(&refusal))
        }
        Err(problem) => Err(problem),
    };
    after(&app, &desk, id, ("received", &entry), done).await
}

async fn cancel(
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<TopUp>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let done = match entry.words("reason") {
        Ok(reason) => {
            let cancelled = app.engine.cancel_top_up(desk.staff, id, reason).await?;
            cancelled.map(|_| ()).map_err(|refusal| Problem::offline(&refusal))
        }
        Err(problem) => Err(problem),
    };
    after(&app, &desk, id, ("cancel", &entry), done).await
}

async fn refund(
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<TopUp>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let token = &desk.vendor.settings.token;
    let read = || -> Result<_, Problem> {
        let tokens = entry.tokens_if_any("amount", token)?;
        let share = tokens.map_or(Share::Rest, Share::Tokens);
        let ask = TopUpRefundAsk { top_up: id, share, reason: entry.words("reason")? };
        Ok((ask, entry.request(&format!("refund {id}"))?))
    };
    let done = match read() {
        Ok((ask, request)) => {
            let given = app.engine.refund_top_up(desk.staff, ask, request).await?;
            given.map(|_| ()).map_err(|refusal| Problem::top_up_refund(&refusal, token))
        }
        Err(problem) => Err(problem),
    };
    after(&app, &desk, id, ("refund", &entry), done).await
}

/// The forms that this member may send, as the state allows. What waits for a decision is open.
pub fn acts(app: &App, clerk: &Clerk, top_up: &TopUp, sent: Sent<'_>) -> Markup {
    if !clerk.may(Power::Money) {
        return Markup::default();
    }
    let at = format!("/admin/top-ups/{}", top_up.id);
    let due = top_up.left().filter(|_| top_up.state == TopUpState::RequiresAction);
    // A form that comes back stays to be seen, whatever has become of the top-up meanwhile.
    let shows = |form: &str, fits: bool| fits || sent.form == form;
    html! {
        @if shows("decide", top_up.state == TopUpState::InReview) { (decide_form(&at, sent.to("decide"))) }
        div.acts {
            @if let Some(due) = due {
                (receive_form(app, &MoneyOut::currency(due).to_string(), &at, sent.to("received")))
            }
            @if shows("cancel", due.is_some()) { (cancel_form(&at, sent.to("cancel"))) }
            @if shows("refund", top_up.worth().is_some() && top_up.state != TopUpState::Refunded) {
                (refund_form(app, clerk, &at, sent.to("refund")))
            }
        }
        @if due.is_none() { (sent.to("received").complaint()) }
    }
}

fn decide_form(at: &str, sent: Sent<'_>) -> Markup {
    html! {
        section.card {
            h2 { "Decide" }
            (sent.complaint())
            form method="post" action={ (at) "/decide" } {
                (sent.reason("For the record; the buyer does not see it."))
                div.row {
                    button type="submit" name="verdict" value="approve" { "Approve" }
                    button.danger type="submit" name="verdict" value="decline" { "Decline" }
                }
            }
        }
    }
}

fn receive_form(app: &App, due: &str, at: &str, sent: Sent<'_>) -> Markup {
    html! {
        details open {
            summary { "Book money that came" }
            (sent.complaint())
            form method="post" action={ (at) "/received" } {
                (once(app))
                (sent.field("money", "Money", Some(&format!("Still due: {due}. A part brings its part of the tokens."))))
                (sent.field("note", "Where it stands", Some("In your own papers.")))
                button type="submit" { "Book" }
            }
        }
    }
}

fn cancel_form(at: &str, sent: Sent<'_>) -> Markup {
    html! {
        details open[sent.is_back()] {
            summary { "Cancel it" }
            (sent.complaint())
            form method="post" action={ (at) "/cancel" } {
                p.hint { "No more will come. What it brought stays." }
                (sent.reason("For the record."))
                button.danger type="submit" { "Cancel the top-up" }
            }
        }
    }
}

fn refund_form(app: &App, clerk: &Clerk, at: &str, sent: Sent<'_>) -> Markup {
    let hint = format!("In {}; empty for all that is unspent.", clerk.vendor.settings.token.code);
    html! {
        details open[sent.is_back()] {
            summary { "Give money back" }
            (sent.complaint())
            form method="post" action={ (at) "/refund" } {
                (once(app))
                p.hint { "The tokens are taken from the wallet first. By card the processor is asked; otherwise you send the money yourself." }
                (sent.optional("amount", "Tokens to take", Some(&hint)))
                (sent.reason("For the record."))
                button.danger type="submit" { "Give back" }
            }
        }
    }
}
