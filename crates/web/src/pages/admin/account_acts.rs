//! What staff do with an account: freeze and thaw it, add tokens, grant credit, book what is repaid.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::credit_line::CreditLine;
use scrip_domain::factor::Factor;
use scrip_domain::staff::Power;
use scrip_engine::account::NoSuchAccount;
use scrip_engine::credit_line::Repaid;
use scrip_engine::erasure::Leftover;
use scrip_engine::grant::GrantAsk;
use scrip_engine::top_up::{TopUpAsk, Way};
use scrip_engine::{Buyer, Fault};

use super::accounts::shown;
use super::desk::{Clerk, Desk, Money, People};
use super::entry::{Entry, Sent, once};
use super::with_status;
use crate::App;
use crate::extract::IdPath;
use crate::money::MoneyOut;
use crate::pages::form::Form;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/accounts/{id}/freeze", post(freeze))
        .route("/admin/accounts/{id}/thaw", post(thaw))
        .route("/admin/accounts/{id}/second-factor", post(reset_factor))
        .route("/admin/accounts/{id}/erase", post(erase))
        .route("/admin/accounts/{id}/adjust", post(adjust))
        .route("/admin/accounts/{id}/credit-limit", post(limit))
        .route("/admin/accounts/{id}/repayment", post(repay))
}

/// The account's page again: that it is done, or the form that comes back.
async fn after(
    app: &App,
    clerk: &Clerk,
    account: Id<Account>,
    (form, entry): (&str, &Entry),
    done: Result<(), Problem>,
) -> Result<Response, Problem> {
    match done {
        Ok(()) => {
            Ok(Redirect::to(&format!("/admin/accounts/{account}?done={form}")).into_response())
        }
        Err(problem) => {
            let page = shown(app, clerk, account, None, Sent::back(form, entry, &problem)).await?;
            Ok(with_status(page, &problem))
        }
    }
}

/// Does to an account what takes no more than a reason, and shows the page after it.
async fn for_a_reason<T, D: Future<Output = Result<Result<T, NoSuchAccount>, Fault>>>(
    app: &App,
    clerk: &Clerk,
    account: Id<Account>,
    (form, entry): (&str, &Entry),
    act: impl FnOnce(String) -> D,
) -> Result<Response, Problem> {
    let done = match entry.words("reason") {
        Ok(reason) => {
            act(reason).await??;
            Ok(())
        }
        Err(problem) => Err(problem),
    };
    after(app, clerk, account, (form, entry), done).await
}

/// Whose wallet; not at a merchant, whose buyers have theirs at the provider.
async fn buyer(app: &App, account: Id<Account>) -> Result<Buyer, Problem> {
    let found = app.engine.store().account(account).await?;
    let found = found.filter(|_| app.engine.provider().is_none());
    let wallet = found.ok_or_else(Problem::not_found)?.wallet;
    Ok(Buyer { account, wallet })
}

async fn freeze(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(account): IdPath<Account>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let act = |reason| app.engine.freeze_account(desk.staff, account, Some(reason));
    for_a_reason(&app, &desk, account, ("freeze", &entry), act).await
}

async fn thaw(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(account): IdPath<Account>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let act = |reason| app.engine.thaw_account(desk.staff, account, Some(reason));
    for_a_reason(&app, &desk, account, ("thaw", &entry), act).await
}

async fn reset_factor(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(account): IdPath<Account>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let act = |reason| app.engine.reset_own_factor(desk.staff, account, Some(reason));
    for_a_reason(&app, &desk, account, ("second-factor", &entry), act).await
}

async fn erase(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(account): IdPath<Account>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    buyer(&app, account).await?;
    let leftover = match entry.get("forfeit") {
        "" => Leftover::Keep,
        _ => Leftover::Forfeit,
    };
    let token = &desk.vendor.settings.token;
    let done = match entry.words("reason") {
        Ok(reason) => {
            let erased = app.engine.erase_account_of(desk.staff, account, leftover, reason).await?;
            erased.map(|_| ()).map_err(|refusal| Problem::erase(&refusal, token))
        }
        Err(problem) => Err(problem),
    };
    after(&app, &desk, account, ("erase", &entry), done).await
}

async fn adjust(
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(account): IdPath<Account>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let buyer = buyer(&app, account).await?;
    let done = add(&app, &desk, buyer, &entry).await?;
    after(&app, &desk, account, ("adjust", &entry), done).await
}

/// Adds tokens that were paid for, or a gift that may expire at the end of a day.
async fn add(
    app: &App,
    clerk: &Clerk,
    buyer: Buyer,
    entry: &Entry,
) -> Result<Result<(), Problem>, Problem> {
    let token = &clerk.vendor.settings.token;
    let read = || -> Result<_, Problem> {
        let tokens = entry.tokens("tokens", token)?;
        let expires_at = entry.end_of("expires_at")?;
        let request = entry.request(&format!("adjust {}", buyer.account))?;
        Ok((tokens, expires_at, entry.words("reason")?, request))
    };
    let (tokens, expires_at, reason, request) = match read() {
        Ok(read) => read,
        Err(problem) => return Ok(Err(problem)),
    };
    if entry.get("kind") == "promo" {
        let ask = GrantAsk { tokens, expires_at, reason };
        let granted = app.engine.grant(clerk.staff, buyer, ask, request).await?;
        return Ok(granted.map(|_| ()).map_err(Problem::from));
    }
    if expires_at.is_some() {
        return Ok(Err(Problem::field("expires_at", "what was paid for does not expire")));
    }
    let way = Way::Administrator { by: clerk.staff, reason };
    let ask = TopUpAsk { tokens, pay: None, way };
    let added = app.engine.top_up(buyer, ask, request).await?;
    Ok(added.map(|_| ()).map_err(|refusal| Problem::top_up(&refusal, || serde_json::Value::Null)))
}

async fn limit(
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(account): IdPath<Account>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let buyer = buyer(&app, account).await?;
    let unit = desk.vendor.settings.token.unit_value.money.unit;
    let done = match entry.money_or_none("limit", unit) {
        Ok(limit) => {
            let set = app.engine.set_credit_limit(desk.staff, buyer, limit).await?;
            set.map(|_| ()).map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    after(&app, &desk, account, ("credit-limit", &entry), done).await
}

async fn repay(
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(account): IdPath<Account>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let buyer = buyer(&app, account).await?;
    // It is paid back in the currency in which it is owed.
    let line = app.engine.store().credit_line(account).await?.ok_or_else(Problem::not_found)?;
    let read = || -> Result<_, Problem> {
        let money = entry.money("money", line.limit.unit)?;
        let repaid = Repaid { money, note: entry.words("note")? };
        Ok((repaid, entry.request(&format!("repay {account}"))?))
    };
    let done = match read() {
        Ok((repaid, request)) => {
            let booked = app.engine.repay(desk.staff, buyer, repaid, request).await?;
            booked.map(|_| ()).map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    after(&app, &desk, account, ("repayment", &entry), done).await
}

/// The forms that this member may send, each folded away until it is wanted or comes back.
pub fn acts(
    app: &App,
    clerk: &Clerk,
    account: &Account,
    (line, factor): (Option<&CreditLine>, &Factor),
    sent: Sent<'_>,
) -> Markup {
    let at = format!("/admin/accounts/{}", account.id);
    let has_wallet = app.engine.provider().is_none();
    let (people, money) = (clerk.may(Power::People), clerk.may(Power::Money) && has_wallet);
    if (!people && !money) || account.erased_at.is_some() {
        return Markup::default();
    }
    html! {
        h2 { "What you can do" }
        div.acts {
            @if people {
                @if account.frozen_at.is_none() { (freeze_form(&at, sent.to("freeze"))) }
                @else { (thaw_form(&at, sent.to("thaw"))) }
                @if factor.is_on() { (factor_form(&at, sent.to("second-factor"))) }
                @if has_wallet { (erase_form(&at, sent.to("erase"))) }
            }
            @if money {
                (adjust_form(app, clerk, &at, sent.to("adjust")))
                (limit_form(clerk, line, &at, sent.to("credit-limit")))
                @if let Some(line) = line.filter(|line| !line.owed().amount.is_zero()) {
                    (repay_form(app, line, &at, sent.to("repayment")))
                }
            }
        }
    }
}

fn freeze_form(at: &str, sent: Sent<'_>) -> Markup {
    html! {
        details open[sent.is_back()] {
            summary { "Freeze the account" }
            (sent.complaint())
            form method="post" action={ (at) "/freeze" } {
                p.hint { "It permits no transactions until it is thawed. What it owns goes on working. Its owner is told by letter, "
                    "without the reason." }
                (sent.reason("For the record."))
                button.danger type="submit" { "Freeze" }
            }
        }
    }
}

fn thaw_form(at: &str, sent: Sent<'_>) -> Markup {
    html! {
        details open[sent.is_back()] {
            summary { "Thaw the account" }
            (sent.complaint())
            form method="post" action={ (at) "/thaw" } {
                (sent.reason("For the record."))
                button type="submit" { "Thaw" }
            }
        }
    }
}

fn factor_form(at: &str, sent: Sent<'_>) -> Markup {
    html! {
        details open[sent.is_back()] {
            summary { "Take the second factor away" }
            (sent.complaint())
            form method="post" action={ (at) "/second-factor" } {
                p.hint { "For a buyer who has lost authenticator and recovery codes. Be sure that it is the buyer who asks: the "
                    "password alone signs in then. The buyer is told by letter." }
                (sent.reason("For the record."))
                button.danger type="submit" { "Take it away" }
            }
        }
    }
}

fn erase_form(at: &str, sent: Sent<'_>) -> Markup {
    html! {
        details open[sent.is_back()] {
            summary { "Erase the account" }
            (sent.complaint())
            form method="post" action={ (at) "/erase" } {
                p.hint { "For good: what tells of the person goes. Orders and the ledger stay without a name, and codes go on working." }
                (sent.reason("For the record. It stays: name nobody in it."))
                label.option {
                    input type="checkbox" name="forfeit" value="yes" checked[!sent.value("forfeit").is_empty()];
                    span { "What is in the wallet is given up" }
                }
                button.danger type="submit" { "Erase" }
            }
        }
    }
}

fn adjust_form(app: &App, clerk: &Clerk, at: &str, sent: Sent<'_>) -> Markup {
    let token = &clerk.vendor.settings.token;
    let promo = sent.value("kind") == "promo";
    html! {
        details open[sent.is_back()] {
            summary { "Add tokens" }
            (sent.complaint())
            form method="post" action={ (at) "/adjust" } {
                (once(app))
                (sent.field("tokens", "Tokens", Some(&format!("In {}.", token.code))))
                fieldset {
                    legend { "What they are" }
                    label.option { input type="radio" name="kind" value="paid" checked[!promo]; span { "Paid for" } }
                    label.option { input type="radio" name="kind" value="promo" checked[promo]; span { "A gift" } }
                }
                (sent.day("expires_at", "Last day of a gift", "Empty: it never expires."))
                (sent.reason("For the record."))
                button type="submit" { "Add" }
            }
        }
    }
}

fn limit_form(clerk: &Clerk, line: Option<&CreditLine>, at: &str, sent: Sent<'_>) -> Markup {
    let unit = clerk.vendor.settings.token.unit_value.money.unit;
    let hint = match line {
        Some(line) => {
            format!("Now {}. In {unit}; nothing closes the line.", MoneyOut::currency(line.limit))
        }
        None => format!("There is none yet. In {unit}."),
    };
    html! {
        details open[sent.is_back()] {
            summary { "Credit limit" }
            (sent.complaint())
            form method="post" action={ (at) "/credit-limit" } {
                (sent.field("limit", "The most that may be owed", Some(&hint)))
                button type="submit" { "Set" }
            }
        }
    }
}

fn repay_form(app: &App, line: &CreditLine, at: &str, sent: Sent<'_>) -> Markup {
    let hint = format!("At most what is owed: {}.", MoneyOut::currency(line.owed()));
    html! {
        details open[sent.is_back()] {
            summary { "Book a repayment" }
            (sent.complaint())
            form method="post" action={ (at) "/repayment" } {
                (once(app))
                (sent.field("money", "Money that came", Some(&hint)))
                (sent.field("note", "Where it stands", Some("In your own papers.")))
                button type="submit" { "Book" }
            }
        }
    }
}
