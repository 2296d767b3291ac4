//! The statement: each movement with what it belongs to, a page at a time, and as a table to keep.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::ledger::{LedgerAccount, Reason, Transfer};
use scrip_domain::merchant::Merchant;
use scrip_domain::purchase_request::PurchaseRequest;
use scrip_domain::settings::Token;
use scrip_domain::{Id, Timestamp};
use scrip_engine::Period;
use serde::Deserialize;

use super::super::form::{Field, complaint};
use super::super::refused::sentence;
use super::super::visit::{OwnAccounts, SignedIn};
use super::super::{date, private};
use crate::App;
use crate::api::account_statement::csv;
use crate::api::export::between;
use crate::api::{List, ListQuery};
use crate::extract::Query;
use crate::language::{say, t, text, zone};
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/wallet/statement", get(ask)).route("/wallet/statement.csv", get(table))
}

/// The part of the wallet's page that has the statement.
pub async fn lines(app: &App, visit: &SignedIn, query: &ListQuery) -> Result<Markup, Problem> {
    let engine = &app.engine;
    let page = query.page(engine, "transfers")?;
    let rows = engine.store().transfers_of(visit.buyer.account, page).await?;
    let token = &visit.visit.vendor.settings.token;
    let free = LedgerAccount::Free(visit.buyer.wallet);
    let number = |row: &Transfer| row.id.number();
    let sales = sales(app, &rows).await?;
    let line = |row: &Transfer| line_row(row, free, token, &sales);
    let list = List::of(engine, "transfers", page, &rows, number, line);
    let first = page.after.is_none();
    Ok(html! {
        h2 #statement { (t("Statement")) }
        @if list.data.is_empty() {
            p { @if first { (t("Nothing has moved yet.")) } @else { (t("This was all.")) } }
        } @else {
            div.wide tabindex="0" role="group" aria-label=(t("Table")) { table {
                caption.unseen { (t("Movements, the newest first")) }
                thead { tr { th scope="col" { (t("When")) } th scope="col" { (t("What")) } th.sum scope="col" { (t("Tokens")) } } }
                tbody { @for row in &list.data { (row) } }
            } }
        }
        nav.pager.row aria-label=(t("More of the statement")) {
            @if !first { a.button.second.small href="/wallet#statement" { (t("The newest")) } }
            @if let Some(next) = &list.next {
                a.button.second.small href={ "/wallet?after=" (encoded(next)) "#statement" } { (t("Older")) }
            }
            @if !list.data.is_empty() || !first { a href="/wallet/statement" { (t("Save as a table (CSV)")) } }
        }
    })
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What merchants asked for, and who they are.
type Sales = BTreeMap<Id<PurchaseRequest>, (PurchaseRequest, Merchant)>;

/// Those that these movements belong to; at a provider only there are any.
async fn sales(app: &App, rows: &[Transfer]) -> Result<Sales, Problem> {
    let store = app.engine.store();
    let ids: BTreeSet<_> = rows.iter().filter_map(sale_of).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let requests = store.purchase_requests_called(&ids).await?;
    let sellers: BTreeSet<_> = requests.iter().map(|request| request.merchant).collect();
    let sellers: Vec<_> = sellers.into_iter().collect();
    let sellers = store.merchants_called(&sellers).await?;
    let of = |request: PurchaseRequest| {
        let seller = sellers.iter().find(|seller| seller.id == request.merchant)?;
        Some((request.id, (request, seller.clone())))
    };
    Ok(requests.into_iter().filter_map(of).collect())
}

fn sale_of(line: &Transfer) -> Option<Id<PurchaseRequest>> {
    line.subject_name().parse().ok()
}

fn line_row(line: &Transfer, free: LedgerAccount, token: &Token, sales: &Sales) -> Markup {
    let sign = match (line.debit == free, line.credit == free) {
        (true, _) => "−",
        (_, true) => "+",
        _ => "",
    };
    let subject = line.subject_name();
    let sale = sale_of(line).and_then(|id| sales.get(&id));
    html! {
        tr {
            td { (date(line.at)) }
            td {
                @if let Some((request, seller)) = sale {
                    (at_merchant(line.reason, &seller.name)) ", "
                    a href={ (seller.url) "/orders/" (request.order) } { (t("order")) }
                } @else {
                    (reason(line.reason))
                    @if let Some((to, name)) = page_of(&subject) { ", " a href=(to) { (name) } }
                }
            }
            td.sum { (sign) (MoneyOut::tokens(line.amount, token)) }
        }
    }
}

/// What a merchant had to do with a movement. What it takes was held before, and has left the balance then.
fn at_merchant(why: Reason, merchant: &str) -> Markup {
    let merchant = html! { bdi { (merchant) } };
    match why {
        Reason::Hold => say!("Held for {merchant}", merchant),
        Reason::Capture => say!("Taken by {merchant}, of what was held", merchant),
        Reason::Void => say!("Held no more for {merchant}", merchant),
        Reason::Refund => say!("Refund from {merchant}", merchant),
        other => html! { (reason(other)) },
    }
}

/// The page of what a movement belongs to, by its name; some things have none.
fn page_of(subject: &str) -> Option<(String, &'static str)> {
    match subject.split('_').next()? {
        "ord" => Some((format!("/orders/{subject}"), t("order"))),
        "top" => Some((format!("/wallet/top-ups/{subject}"), t("top-up"))),
        "exc" => Some((format!("/exchanges/{subject}"), t("exchange"))),
        _ => None,
    }
}

pub fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::TopUp => t("Funds added"),
        Reason::Adjustment => t("Adjusted by the vendor"),
        Reason::Grant => t("A gift"),
        Reason::Purchase => t("Purchase"),
        Reason::Refund => t("Refund"),
        Reason::Expiry => t("Expired"),
        Reason::Clawback => t("Taken back with its money"),
        Reason::Restored => t("Given again"),
        Reason::Debt => t("Paid what was owed"),
        Reason::Hold => t("Held for a merchant"),
        Reason::Capture => t("Taken by a merchant"),
        Reason::Void | Reason::ExchangeVoid => t("Held no more"),
        Reason::Fee => t("Fee"),
        Reason::Payout => t("Paid to a merchant"),
        Reason::ExchangeHold => t("Held for an exchange"),
        Reason::Exchange => t("Exchange"),
        Reason::Reversal => t("Exchange taken back"),
    }
}

/// From which day to which; blank for all.
#[derive(Debug, Default, Deserialize)]
struct Days {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

async fn ask(_: OwnAccounts, State(app): State<App>, visit: SignedIn) -> Response {
    private(&app, t("Statement"), &visit.visit, &form(&Days::default(), None))
}

async fn table(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Query(days): Query<Days>,
) -> Result<Response, Problem> {
    let answer = match read(&days) {
        Ok(period) => csv(&app, visit.buyer, period).await,
        Err(problem) => Err(problem),
    };
    match answer {
        Err(problem) if !problem.errors().is_empty() => {
            let main = form(&days, Some(&problem));
            let mut response = private(&app, t("Statement"), &visit.visit, &main);
            *response.status_mut() = problem.status();
            Ok(response)
        }
        answer => Ok(answer.into_response()),
    }
}

/// The period from the first instant of one day to the last of another, by the vendor's clock.
fn read(days: &Days) -> Result<Period, Problem> {
    let zone = zone();
    let bound = |name: &str, text: &str, of: &dyn Fn(&str) -> Option<Timestamp>| match text.trim() {
        "" => Ok(None),
        text => {
            of(text).map(Some).ok_or_else(|| Problem::field(name, t("a day such as 2026-11-22")))
        }
    };
    let from = bound("from", &days.from, &|day| zone.first_of(day))?;
    let to = bound("to", &days.to, &|day| zone.end_of(day))?;
    between(from, to)
}

fn form(days: &Days, problem: Option<&Problem>) -> Markup {
    let error = |name: &str| problem.and_then(|problem| problem.error(name)).map(sentence);
    let (from, to) = (error("from"), error("to"));
    let zone = zone();
    let hint =
        text!("Days are those of {zone}. Leave both empty for everything.", zone = zone.name());
    html! {
        p.trail { a href="/wallet" { (t("Wallet")) } }
        h1 { (t("Save the statement")) }
        p.lead { (t("Every movement with the balance after it, as a table that spreadsheets open.")) }
        @if let Some(problem) = problem.filter(|_| from.is_none() && to.is_none()) {
            (complaint(&sentence(problem.detail())))
        }
        form.narrow method="get" action="/wallet/statement.csv" {
            (Field { name: "from", label: t("First day"), kind: "date", value: &days.from, autocomplete: "off", required: false,
                hint: Some(&hint), error: from.as_deref() })
            (Field { name: "to", label: t("Last day"), kind: "date", value: &days.to, autocomplete: "off", required: false,
                hint: None, error: to.as_deref() })
            button type="submit" { (t("Save")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_page_is_led_to() {
        let to = |name| page_of(name).map(|(to, _)| to);
        assert_eq!(to("ord_06bq3v8k2m9zc").as_deref(), Some("/orders/ord_06bq3v8k2m9zc"));
        assert_eq!(to("top_06bq3v8k2m9zc").as_deref(), Some("/wallet/top-ups/top_06bq3v8k2m9zc"));
        assert_eq!(to("wal_06bq3v8k2m9zc"), None);
    }
}
