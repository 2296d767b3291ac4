//! Accounts: the list, and all that is known of one.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::credit_line::CreditLine;
use scrip_domain::ledger::Transfer;
use scrip_domain::settings::Token;
use scrip_domain::wallet::Wallet;
use scrip_engine::Page;
use serde::Deserialize;

use super::account_acts::acts;
use super::desk::{Clerk, Desk, See};
use super::entry::Sent;
use super::licenses::license_table;
use super::orders::{account_called, latest};
use super::parts::{
    Place, Told, account_link, called, distinct, done, pager, plain, range, search, table,
};
use super::top_ups::top_up_table;
use super::{Section, page};
use crate::App;
use crate::api::List;
use crate::api::wallet::TransferOut;
use crate::extract::{IdPath, Query};
use crate::money::MoneyOut;
use crate::pages::date;
use crate::pages::look::{Tone, badge, blank, notice};
use crate::pages::wallet::statement::reason;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/accounts", get(list))
        .route("/admin/accounts/{id}", get(show))
        .route("/admin/accounts/{id}/statement", get(statement))
        .merge(super::account_acts::routes())
}

/// How many of what an account has are on its page: the newest.
const FEW: Page = Page { after: None, limit: 5 };

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    q: String,
    after: Option<String>,
}

async fn list(
    State(app): State<App>,
    desk: Desk<See>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let q = wanted.q.trim();
    let found = if q.is_empty() { None } else { account_called(&app, q).await? };
    if let Some(account) = found {
        return Ok(Redirect::to(&format!("/admin/accounts/{account}")).into_response());
    }
    let find = search(
        "/admin/accounts",
        "q",
        "Find an account",
        q,
        "The whole address that signs in, or the account's name.",
    );
    let main = if q.is_empty() {
        html! { (find) (everybody(&app, &desk, wanted.after.as_deref()).await?) }
    } else {
        html! { (find) p { "No account is called " bdi { (q) } "." } }
    };
    Ok(page(&app, &desk, "Accounts", Section::Accounts, &main))
}

async fn everybody(app: &App, clerk: &Clerk, after: Option<&str>) -> Result<Markup, Problem> {
    let page = range(app, "console-accounts", after)?;
    let rows = app.engine.store().accounts(page).await?;
    if rows.is_empty() {
        return Ok(blank("No accounts", "Nobody has registered yet.", None));
    }
    let token = &clerk.vendor.settings.token;
    let wallets = distinct(rows.iter().map(|account| account.wallet));
    let wallets = app.engine.store().wallets_called(&wallets).await?;
    let now = app.engine.now();
    let available = |account: &Account| {
        wallets.iter().find(|row| row.id == account.wallet).map(|row| row.available_at(now))
    };
    let next =
        List::of(&app.engine, "console-accounts", page, &rows, |row| row.id.number(), |_| ());
    Ok(html! {
        (table(&["Account", "Name", "Opened", "#Available"], &html! {
            @for account in &rows {
                tr {
                    th scope="row" { (account_link(account)) @if account.frozen_at.is_some() { " " (badge(Tone::Bad, "Frozen")) } }
                    td { (account.person.name.as_deref().unwrap_or_default()) }
                    td { (date(account.created_at)) }
                    td.sum { @if let Some(available) = available(account) { (MoneyOut::tokens(available, token)) } }
                }
            }
        }))
        (pager("/admin/accounts", next.next.as_deref()))
    })
}

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(account): IdPath<Account>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    shown(&app, &desk, account, told.done.as_deref(), Sent::default()).await
}

/// What was done a moment ago, by its word.
const DONE: &[(&str, &str)] = &[
    ("freeze", "The account is frozen: it permits no transactions."),
    ("thaw", "The account is thawed."),
    ("second-factor", "The second factor is taken away."),
    ("erase", "The account is erased."),
    ("adjust", "The tokens are in the wallet."),
    ("credit-limit", "The limit is set."),
    ("repayment", "The repayment is booked."),
];

/// An account's page; with a form that comes back, where one does.
pub async fn shown(
    app: &App,
    clerk: &Clerk,
    account: Id<Account>,
    told: Option<&str>,
    sent: Sent<'_>,
) -> Result<Response, Problem> {
    let store = app.engine.store();
    let account = store.account(account).await?.ok_or_else(Problem::not_found)?;
    let line = store.credit_line(account.id).await?;
    let wallet = match store.wallet(account.wallet).await? {
        Some(wallet) if app.engine.provider().is_none() => Some(wallet.as_of(app.engine.now())),
        _ => None,
    };
    let token = &clerk.vendor.settings.token;
    let licenses = store.licenses_of(account.id, FEW).await?;
    let factor = app.engine.credentials(&account).await?.factor;
    let main = html! {
        p.trail { a href="/admin/accounts" { "Accounts" } }
        (done(told, DONE))
        (person(&account))
        @if let Some(wallet) = &wallet { (balance(wallet, line.as_ref(), token)) }
        (acts(app, clerk, &account, (line.as_ref(), &factor), sent))
        @if let Some(wallet) = &wallet {
            (lots(wallet, token))
            h2 { "Statement" }
            (lines(&store.transfers_of(account.id, FEW).await?, &account, token))
            p { a href={ "/admin/accounts/" (account.id) "/statement" } { "All movements" } }
            h2 { "Top-ups" }
            (top_up_table(&store.top_ups_of(account.id, FEW).await?, token))
            p { a href={ "/admin/top-ups?account=" (account.id) } { "All top-ups" } }
            (repayments(app, account.id).await?)
        }
        h2 { "Orders" }
        (latest(app, account.id, token).await?)
        p { a href={ "/admin/orders?account=" (account.id) } { "All orders" } }
        h2 { "Licenses" }
        (license_table(app, &licenses).await?)
        p { a href={ "/admin/licenses?account=" (account.id) } { "All licenses" } }
    };
    Ok(page(app, clerk, &called(&account), Section::Accounts, &main))
}

fn person(account: &Account) -> Markup {
    let person = &account.person;
    html! {
        @if let Some(at) = account.erased_at {
            (notice(Tone::Info, &html! { "Erased on " (date(at)) ". What told of the person is gone." }))
        } @else if let Some(at) = account.frozen_at {
            (notice(Tone::Bad, &html! {
                "Frozen since " (date(at)) ". "
                @if account.frozen_by_dispute { "A dispute did it: it is thawed when all of its disputes are won." }
            }))
        }
        dl.facts {
            dt { "Account" } dd { code { (account.id) } }
            @if let Some(name) = &person.name { dt { "Name" } dd { (name) } }
            @if let Some(address) = &person.address { dt { "Address" } dd.pre { (address) } }
            @if let Some(phone) = &person.phone { dt { "Phone" } dd { (phone) } }
            dt { "Opened" } dd { (date(account.created_at)) }
        }
    }
}

fn balance(wallet: &Wallet, line: Option<&CreditLine>, token: &Token) -> Markup {
    let money = |amount| MoneyOut::tokens(amount, token);
    html! {
        dl.facts {
            dt { "Available" } dd.price { (money(wallet.available())) }
            @if !wallet.held().is_zero() { dt { "Held" } dd { (money(wallet.held())) } }
            @if !wallet.owed().is_zero() { dt { "Owed" } dd { (money(wallet.owed())) ", for money that went back" } }
            @if let Some(line) = line {
                dt { "Credit line" }
                dd { (MoneyOut::currency(line.owed())) " owed of " (MoneyOut::currency(line.limit)) }
            }
        }
    }
}

fn lots(wallet: &Wallet, token: &Token) -> Markup {
    html! {
        h2 { "What is in the wallet" }
        @if wallet.lots.is_empty() { p { "Nothing." } } @else {
            (table(&["Lot", "Kind", "#Left", "#Held", "Expires", "Exchangeable"], &html! {
                @for lot in &wallet.lots {
                    tr {
                        th scope="row" { code { (lot.lot) } }
                        td { (plain(lot.kind.as_str())) }
                        td.sum { (MoneyOut::tokens(lot.remaining, token)) }
                        td.sum { (MoneyOut::tokens(lot.held, token)) }
                        td { @match lot.expires_at { Some(at) => (date(at)), None => "Never" } }
                        td { @match lot.exchangeable_at { Some(at) => (date(at)), None => "Never" } }
                    }
                }
            }))
        }
    }
}

fn lines(lines: &[Transfer], account: &Account, token: &Token) -> Markup {
    if lines.is_empty() {
        return html! { p { "Nothing has moved yet." } };
    }
    table(
        &["When", "What", "About", "Direction", "#Tokens"],
        &html! {
            @for line in lines {
                tr {
                    th scope="row" { (date(line.at)) }
                    td { (reason(line.reason)) }
                    td { code { (line.subject_name()) } }
                    td { (plain(TransferOut::direction(line, account.wallet))) }
                    td.sum { (MoneyOut::tokens(line.amount, token)) }
                }
            }
        },
    )
}

async fn statement(
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(account): IdPath<Account>,
    Query(Place { after }): Query<Place>,
) -> Result<Response, Problem> {
    let account = app.engine.store().account(account).await?.ok_or_else(Problem::not_found)?;
    let list = format!("console-statement {}", account.id);
    let wanted = range(&app, &list, after.as_deref())?;
    let rows = app.engine.store().transfers_of(account.id, wanted).await?;
    let next = List::of(&app.engine, &list, wanted, &rows, |row| row.id.number(), |_| ()).next;
    let main = html! {
        p.trail { (account_link(&account)) }
        (lines(&rows, &account, &desk.vendor.settings.token))
        (pager(&format!("/admin/accounts/{}/statement", account.id), next.as_deref()))
    };
    Ok(page(&app, &desk, "Movements", Section::Accounts, &main))
}

async fn repayments(app: &App, account: Id<Account>) -> Result<Markup, Problem> {
    let rows = app.engine.store().repayments_of(account, FEW).await?;
    if rows.is_empty() {
        return Ok(Markup::default());
    }
    Ok(html! {
        h2 { "Repayments" }
        (table(&["When", "Where it stands", "#Money", "#Still owed"], &html! {
            @for row in &rows {
                tr {
                    th scope="row" { (date(row.at)) }
                    td { (row.note) }
                    td.sum { (MoneyOut::currency(row.money)) }
                    td.sum { (MoneyOut::currency(scrip_domain::Money { amount: row.owed, ..row.money })) }
                }
            }
        }))
    })
}
