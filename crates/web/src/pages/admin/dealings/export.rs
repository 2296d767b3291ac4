//! Files for accountants: the ledger as a journal, and the list of orders.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::journal::Format;
use scrip_engine::Period;

use super::parts::answer;
use crate::App;
use crate::api::export::{Day, file, period, pieces};
use crate::extract::Query;
use crate::pages::admin::desk::{Desk, See};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::admin::{Section, page};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/export", get(ask))
        .route("/admin/export/ledger", get(ledger))
        .route("/admin/export/orders", get(orders))
}

async fn ask(State(app): State<App>, desk: Desk<See>) -> Response {
    let mut typed = Entry::default();
    typed.put("format", "hledger");
    let main = forms(Sent::only(&typed, None));
    page(&app, &desk, "Exports", Section::Export, &main)
}

async fn ledger(
    State(app): State<App>,
    desk: Desk<See>,
    Query(typed): Query<Entry>,
) -> Result<Response, Problem> {
    let wanted = wanted(&typed).and_then(|period| Ok((period, format(&typed)?)));
    let (period, (format, media_type, name)) = match wanted {
        Ok(wanted) => wanted,
        Err(problem) => {
            let main = forms(Sent::only(&typed, Some(&problem)));
            return Ok(answer(&app, &desk, "Exports", Section::Export, &main, Some(&problem)));
        }
    };
    let export = app.engine.export(format, period).await?;
    Ok(file(pieces(export), media_type, name))
}

async fn orders(
    State(app): State<App>,
    desk: Desk<See>,
    Query(typed): Query<Entry>,
) -> Result<Response, Problem> {
    let period = match wanted(&typed) {
        Ok(period) => period,
        Err(problem) => {
            let main = forms(Sent::only(&typed, Some(&problem)));
            return Ok(answer(&app, &desk, "Exports", Section::Export, &main, Some(&problem)));
        }
    };
    let export = app.engine.export_orders(period).await?;
    Ok(file(pieces(export), "text/csv; charset=utf-8", "orders.csv"))
}

/// The period that is asked for; a day that is left empty bounds nothing.
fn wanted(typed: &Entry) -> Result<Period, Problem> {
    let day = |name: &str| match typed.get(name) {
        "" => Ok(None),
        text => {
            let wrong = || Problem::field(name, "a day such as 2026-11-22");
            Day::read(text).map(Some).ok_or_else(wrong)
        }
    };
    period(day("from")?, day("to")?)
}

fn format(typed: &Entry) -> Result<(Format, &'static str, &'static str), Problem> {
    Ok(match typed.get("format") {
        "hledger" => (Format::Hledger, "text/plain; charset=utf-8", "ledger.journal"),
        "beancount" => (Format::Beancount, "text/plain; charset=utf-8", "ledger.beancount"),
        "csv" => (Format::Csv, "text/csv; charset=utf-8", "ledger.csv"),
        _ => return Err(Problem::field("format", "choose one")),
    })
}

fn forms(sent: Sent<'_>) -> Markup {
    html! {
        (sent.complaint())
        p.lead { "The ledger and the orders of a period, to keep or to import. Days are in UTC; both are included." }
        form.narrow method="get" action="/admin/export/ledger" {
            (sent.utc_day("from", "First day"))
            (sent.utc_day("to", "Last day"))
            (sent.group("format", "The ledger, for", &html! {
                (sent.choice("format", "hledger", "hledger"))
                (sent.choice("format", "beancount", "Beancount"))
                (sent.choice("format", "csv", "a spreadsheet (CSV)"))
            }))
            p.row {
                button type="submit" { "Download the ledger" }
                button.second type="submit" formaction="/admin/export/orders" { "Download the orders" }
            }
        }
        p.small { "Leave both days empty for everything. A file that breaks off is not whole: its last lines say what each account must have." }
    }
}
