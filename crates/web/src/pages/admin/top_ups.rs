//! Top-ups: what waits for a decision first, then all of them, and all that is on record of one.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::credit::{Assessment, CreditFile};
use scrip_domain::settings::Token;
use scrip_domain::top_up::{TopUp, TopUpState};
use scrip_engine::Page;
use scrip_engine::reversal::Reversed;
use scrip_engine::top_up::Reference;
use serde::Deserialize;

use super::desk::{Clerk, Desk, See};
use super::entry::Sent;
use super::orders::account_called;
use super::parts::{
    Told, account_link, address, done, filters, link_to, pager, plain, range, search, table,
    top_up_badge, top_up_link,
};
use super::top_up_acts::acts;
use super::{Section, page};
use crate::App;
use crate::api::List;
use crate::extract::{IdPath, Query};
use crate::money::MoneyOut;
use crate::pages::date;
use crate::pages::look::{Tone, badge, blank, notice};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/top-ups", get(list))
        .route("/admin/top-ups/{id}", get(show))
        .merge(super::top_up_acts::routes())
}

/// The states that staff look for.
const STATES: [TopUpState; 9] = [
    TopUpState::InReview,
    TopUpState::RequiresAction,
    TopUpState::Unknown,
    TopUpState::Credited,
    TopUpState::Declined,
    TopUpState::Disputed,
    TopUpState::DisputeLost,
    TopUpState::Refunded,
    TopUpState::Cancelled,
];

/// How many that wait are on the first page.
const WAITING: Page = Page { after: None, limit: 20 };

#[derive(Debug, Default, Deserialize)]
struct Wanted {
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
    if !q.is_empty() {
        if let Some(to) = called(&app, q).await? {
            return Ok(Redirect::to(&to).into_response());
        }
        let nothing = html! { p { "Nothing is called " bdi { (q) } ": no top-up, no reference, no account." } };
        let main = html! { (find(q)) (nothing) };
        return Ok(page(&app, &desk, "Top-ups", Section::TopUps, &main));
    }
    let token = &desk.vendor.settings.token;
    let state = TopUpState::parse(&wanted.state);
    let account = wanted.account.parse::<Id<Account>>().ok();
    let is_first = state.is_none() && account.is_none() && wanted.after.is_none();
    let waiting =
        if is_first { app.engine.store().top_ups_in_review(WAITING).await? } else { Vec::new() };
    let (rows, next) = rows(&app, account, state, wanted.after.as_deref()).await?;
    let here = state.map_or("", TopUpState::as_str);
    let mut views = vec![("/admin/top-ups".to_owned(), "All".to_owned(), state.is_none())];
    views.extend(STATES.map(|one| {
        let to = address("/admin/top-ups", &[("state", one.as_str())]);
        (to, plain(one.as_str()), state == Some(one))
    }));
    let main = html! {
        @if is_first { (queue(&waiting, token)) h2 { "All top-ups" } }
        (find(""))
        (filters("Which top-ups", &views))
        @if let Some(account) = account {
            p { "Top-ups of " (link_to(account, &account.to_string())) ". " a href="/admin/top-ups" { "All top-ups" } }
        }
        @if rows.is_empty() { (blank("No top-ups", "There are none of this kind.", None)) }
        @else { (top_up_table(&rows, token)) }
        (pager(&address("/admin/top-ups", &[("account", &wanted.account), ("state", here)]), next.as_deref()))
    };
    Ok(page(&app, &desk, "Top-ups", Section::TopUps, &main))
}

fn find(q: &str) -> Markup {
    search(
        "/admin/top-ups",
        "q",
        "Find top-ups",
        q,
        "The name of a top-up, the reference of a transfer, or the address or name of an account.",
    )
}

/// Where what staff mean is.
async fn called(app: &App, text: &str) -> Result<Option<String>, Problem> {
    if let Ok(id) = text.parse::<Id<TopUp>>() {
        return Ok(Some(format!("/admin/top-ups/{id}")));
    }
    if let Some(account) = account_called(app, text).await? {
        return Ok(Some(address("/admin/top-ups", &[("account", &account.to_string())])));
    }
    let Some(reference) = Reference::parse(text) else { return Ok(None) };
    let found = app.engine.store().top_up_by_reference(&reference.to_string()).await?;
    Ok(found.map(|top_up| format!("/admin/top-ups/{}", top_up.id)))
}

async fn rows(
    app: &App,
    account: Option<Id<Account>>,
    state: Option<TopUpState>,
    after: Option<&str>,
) -> Result<(Vec<TopUp>, Option<String>), Problem> {
    let list = format!(
        "console-top-ups {} {}",
        account.map(|id| id.to_string()).unwrap_or_default(),
        state.map_or("", TopUpState::as_str)
    );
    let page = range(app, &list, after)?;
    let store = app.engine.store();
    let rows = match (account, state) {
        (Some(account), _) => store.top_ups_of(account, page).await?,
        (None, Some(state)) => store.top_ups_in(state, page).await?,
        (None, None) => store.top_ups(page).await?,
    };
    let next = List::of(&app.engine, &list, page, &rows, |row| row.id.number(), |_| ()).next;
    Ok((rows, next))
}

/// What waits for somebody to decide, the oldest first.
fn queue(waiting: &[TopUp], token: &Token) -> Markup {
    html! {
        h2 { "Waiting for review" }
        @if waiting.is_empty() { p { "Nothing waits." } } @else {
            (table(&["Top-up", "Since", "Method", "Why it waits", "#Tokens"], &html! {
                @for top_up in waiting {
                    tr {
                        th scope="row" { (top_up_link(top_up.id)) }
                        td { (date(top_up.created_at)) }
                        td { (plain(top_up.method.as_str())) }
                        td {
                            (why(top_up.assessment()))
                            @if top_up.appeal.is_some() { " " (badge(Tone::Info, "Appeal")) }
                        }
                        td.sum { (MoneyOut::tokens(top_up.tokens, token)) }
                    }
                }
            }))
        }
    }
}

fn why(assessment: Option<&Assessment>) -> String {
    let reasons = assessment.map(|assessment| assessment.reasons.join(", "));
    reasons.filter(|reasons| !reasons.is_empty()).unwrap_or_else(|| "No reason given".to_owned())
}

/// Top-ups, a row each.
pub fn top_up_table(rows: &[TopUp], token: &Token) -> Markup {
    if rows.is_empty() {
        return html! { p { "None yet." } };
    }
    table(
        &["Top-up", "When", "Method", "State", "#Tokens", "#For"],
        &html! {
            @for top_up in rows {
                tr {
                    th scope="row" { (top_up_link(top_up.id)) }
                    td { (date(top_up.created_at)) }
                    td { (plain(top_up.method.as_str())) }
                    td { (top_up_badge(top_up.state)) }
                    td.sum { (MoneyOut::tokens(top_up.tokens, token)) }
                    td.sum { @if let Some(pay) = top_up.pay { (MoneyOut::currency(pay)) } }
                }
            }
        },
    )
}

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<TopUp>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    shown(&app, &desk, id, told.done.as_deref(), Sent::default()).await
}

/// What was done a moment ago, by its word.
const DONE: &[(&str, &str)] = &[
    ("decide", "Your word is on record, and the top-up has moved on."),
    ("received", "The money is booked, and its tokens are in the wallet."),
    ("cancel", "The top-up is cancelled. What it brought stays."),
    ("refund", "The tokens are taken, and the money goes back."),
];

/// A top-up's page; with a form that comes back, where one does.
pub async fn shown(
    app: &App,
    clerk: &Clerk,
    id: Id<TopUp>,
    told: Option<&str>,
    sent: Sent<'_>,
) -> Result<Response, Problem> {
    let store = app.engine.store();
    let top_up = store.top_up(id).await?.ok_or_else(Problem::not_found)?;
    let account = store.account(top_up.account).await?.ok_or_else(Problem::not_found)?;
    let file = store.credit_file(top_up.account).await?;
    let reversals = app.engine.reversals_of(&top_up).await?;
    let token = &clerk.vendor.settings.token;
    let main = html! {
        p.trail { a href="/admin/top-ups" { "Top-ups" } }
        (done(told, DONE))
        (facts(&top_up, &account, token))
        (acts(app, clerk, &top_up, sent))
        (assessments(&top_up, file.as_ref(), token))
        (remittances(app, &top_up, token).await?)
        (taken_back(&reversals, token))
    };
    Ok(page(app, clerk, &format!("Top-up {}", top_up.id), Section::TopUps, &main))
}

fn facts(top_up: &TopUp, account: &Account, token: &Token) -> Markup {
    html! {
        dl.facts {
            dt { "State" } dd { (top_up_badge(top_up.state)) @if let Some(reason) = &top_up.reason { " " (plain(reason)) } }
            dt { "Account" } dd { (account_link(account)) @if account.frozen_at.is_some() { " " (badge(Tone::Bad, "Frozen")) } }
            dt { "Tokens" } dd { (MoneyOut::tokens(top_up.tokens, token)) }
            @if let Some(pay) = top_up.pay { dt { "For" } dd { (MoneyOut::currency(pay)) } }
            dt { "Method" } dd { (plain(top_up.method.as_str())) }
            dt { "Asked for" } dd { (date(top_up.created_at)) }
            @if let Some(at) = top_up.credited_at { dt { "Credited" } dd { (date(at)) } }
            @if let Some(payment) = &top_up.payment {
                dt { "At the processor" } dd { (payment.processor) ", " code { (payment.name) } }
            }
            @if let Some(due) = &top_up.due {
                dt { "Reference" } dd { code { (due.reference) } }
                @if let Some(left) = top_up.left() { dt { "Still due" } dd { (MoneyOut::currency(left)) } }
            }
            @if let Some(note) = &top_up.note { dt { "Note" } dd.pre { (note) } }
        }
        @if let Some(appeal) = &top_up.appeal {
            (notice(Tone::Info, &html! { p { "The buyer says, " (date(appeal.at)) ":" } p.pre { (appeal.message) } }))
        }
    }
}

/// The evidence: each assessment, and what is known of the account.
fn assessments(top_up: &TopUp, file: Option<&CreditFile>, token: &Token) -> Markup {
    html! {
        h2 { "Assessments" }
        (table(&["By", "Found", "Decided", "Why", "Score", "When", "Evidence"], &html! {
            @for one in &top_up.assessments {
                tr {
                    th scope="row" { (plain(one.source.as_str())) }
                    td { (plain(one.status.as_str())) }
                    td { (plain(one.decision.as_str())) }
                    td { (one.reasons.join(", ")) }
                    td { @if let Some(score) = one.score { (score) } }
                    td { (date(one.decided_at)) }
                    td {
                        @if let Some(evidence) = &one.evidence {
                            @if let Some(reference) = &evidence.reference { code { (reference) } " " }
                            small { "SHA-256 " code { (evidence.sha256) } }
                        }
                    }
                }
            }
        }))
        @if let Some(file) = file {
            h3 { "What is known of the account" }
            dl.facts {
                dt { "Credited top-ups" } dd { (file.credited) }
                dt { "Declined" } dd { (file.declined) }
                dt { "Disputed" } dd { (file.disputed) }
                dt { "On " (file.day.date()) " (UTC)" } dd { (file.day_count) ", " (MoneyOut::tokens(file.day_tokens, token)) }
            }
            p { a href={ "/admin/top-ups?account=" (top_up.account) } { "All top-ups of the account" } }
        }
    }
}

async fn remittances(app: &App, top_up: &TopUp, token: &Token) -> Result<Markup, Problem> {
    if top_up.due.is_none() {
        return Ok(Markup::default());
    }
    let rows = app.engine.store().remittances_of(top_up.id).await?;
    Ok(html! {
        h2 { "Money that came" }
        @if rows.is_empty() { p { "None yet." } } @else {
            (table(&["When", "Where it stands", "#Money", "#Tokens"], &html! {
                @for row in &rows {
                    tr {
                        th scope="row" { (date(row.at)) }
                        td { (row.note) }
                        td.sum { (MoneyOut::currency(row.money)) }
                        td.sum { (MoneyOut::tokens(row.tokens, token)) }
                    }
                }
            }))
        }
    })
}

fn taken_back(all: &[Reversed], token: &Token) -> Markup {
    if all.is_empty() {
        return Markup::default();
    }
    html! {
        h2 { "Refunds and disputes" }
        (table(&["When", "What", "State", "Why", "#Money", "#Tokens", "#Of them owed"], &html! {
            @for Reversed { reversal, top_up, .. } in all {
                tr {
                    th scope="row" { (date(reversal.at)) }
                    td { (plain(reversal.kind.as_str())) @if let Some(name) = &reversal.name { " " code { (name) } } }
                    td { (plain(reversal.state.as_str())) }
                    td { (reversal.reason) }
                    td.sum {
                        @if let Some(pay) = top_up.pay {
                            (MoneyOut::currency(scrip_domain::Money { amount: reversal.money, ..pay }))
                        }
                    }
                    td.sum { (MoneyOut::tokens(reversal.tokens, token)) }
                    td.sum { (MoneyOut::tokens(reversal.owed, token)) }
                }
            }
        }))
    }
}
