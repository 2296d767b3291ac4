//! Vouchers, by the batch: made, closed, and their codes, which are told once.
//!
//! Nobody can tell the codes again, so the page that made them is the answer to the form, and no redirection leads to it. They
//! can be saved from there: what the browser sends back comes as a file.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::settings::Token;
use scrip_domain::staff::Power;
use scrip_domain::voucher::{MOST, VoucherBatch, VoucherKind};
use scrip_engine::voucher::BatchFields;

use super::desk::{Clerk, Desk, Money, See};
use super::entry::{Entry, Sent, fresh, made};
use super::parts::{Place, Told, done, filters, pager, plain, range, table};
use super::{Section, page, with_status};
use crate::App;
use crate::api::List;
use crate::api::export::file;
use crate::extract::{IdPath, Query};
use crate::money::MoneyOut;
use crate::pages::date;
use crate::pages::form::{Form, Nothing};
use crate::pages::look::{Tone, badge, blank, notice};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/vouchers", get(list).post(create))
        .route("/admin/vouchers/new", get(ask))
        .route("/admin/vouchers/codes", post(save))
        .route("/admin/vouchers/{id}", get(show))
        .route("/admin/vouchers/{id}/close", post(close))
}

/// The two kinds of words that staff give away, of which this is the one or the other.
pub fn kinds(is_coupons: bool) -> Markup {
    filters(
        "Vouchers and coupons",
        &[
            ("/admin/vouchers".into(), "Vouchers".into(), !is_coupons),
            ("/admin/coupons".into(), "Coupons".into(), is_coupons),
        ],
    )
}

async fn list(
    State(app): State<App>,
    desk: Desk<See>,
    Query(Place { after }): Query<Place>,
) -> Result<Response, Problem> {
    let wanted = range(&app, "console-vouchers", after.as_deref())?;
    let rows = app.engine.store().voucher_batches(wanted).await?;
    let next =
        List::of(&app.engine, "console-vouchers", wanted, &rows, |row| row.id.number(), |_| ());
    let token = &desk.vendor.settings.token;
    let may = desk.may(Power::Money);
    let main = html! {
        (kinds(false))
        @if may { p { a.button href="/admin/vouchers/new" { "Make vouchers" } } }
        @if rows.is_empty() {
            (blank("No vouchers", "A voucher is a code that brings tokens once.", None))
        } @else {
            (table(&["Batch", "#Each brings", "#Redeemed", "Kind", "Good until", "State"], &html! {
                @for batch in &rows {
                    tr {
                        th scope="row" { a href={ "/admin/vouchers/" (batch.id) } { (batch.label) } }
                        td.sum { (MoneyOut::tokens(batch.tokens, token)) }
                        td.sum { (batch.redeemed) " of " (batch.count) }
                        td { (plain(batch.kind.as_str())) }
                        td { @match batch.expires_at { Some(at) => (date(at)), None => "No end" } }
                        td { (state(batch)) }
                    }
                }
            }))
        }
        (pager("/admin/vouchers", next.next.as_deref()))
    };
    Ok(page(&app, &desk, "Vouchers", Section::Vouchers, &main))
}

fn state(batch: &VoucherBatch) -> Markup {
    if batch.closed_at.is_some() { badge(Tone::Info, "Closed") } else { badge(Tone::Good, "Open") }
}

async fn ask(State(app): State<App>, desk: Desk<Money>) -> Result<Response, Problem> {
    form(&app, &desk, Sent::default())
}

fn form(app: &App, clerk: &Clerk, sent: Sent<'_>) -> Result<Response, Problem> {
    let code = clerk.vendor.settings.token.code;
    let promo = sent.value("kind") == "promo";
    let main = html! {
        p.trail { a href="/admin/vouchers" { "Vouchers" } }
        (sent.complaint())
        form.narrow method="post" action="/admin/vouchers" {
            (fresh::<VoucherBatch>(app)?)
            (sent.field("label", "What they are for", Some("For you and your colleagues.")))
            (sent.field("tokens", "Each brings", Some(&format!("In {code}."))))
            (sent.field("count", "How many", Some(&format!("At most {MOST} at once."))))
            fieldset {
                legend { "Their tokens" }
                label.option { input type="radio" name="kind" value="paid" checked[!promo]; span { "Somebody pays for them" } }
                label.option { input type="radio" name="kind" value="promo" checked[promo]; span { "You give them away" } }
            }
            (sent.day("starts_at", "First day", "Empty: at once."))
            (sent.day("expires_at", "Last day", "Empty: no end."))
            (sent.optional("per_account", "How many for one account", Some("Empty: no limit.")))
            (sent.optional("tokens_expire_after_days", "Their tokens expire after days", Some("Empty: never.")))
            button type="submit" { "Make them" }
        }
    };
    Ok(page(app, clerk, "Make vouchers", Section::Vouchers, &main))
}

fn read(entry: &Entry, token: &Token) -> Result<BatchFields, Problem> {
    let count = entry.count("count", 1, MOST)?;
    Ok(BatchFields {
        label: entry.line::<1, 100>("label")?,
        tokens: entry.tokens("tokens", token)?,
        count: count.ok_or_else(|| Problem::field("count", format!("1 to {MOST}")))?,
        kind: VoucherKind::parse(entry.get("kind"))
            .ok_or_else(|| Problem::field("kind", "paid for, or given away"))?,
        starts_at: entry.day("starts_at")?,
        expires_at: entry.end_of("expires_at")?,
        per_account: entry.count("per_account", 1, MOST)?,
        tokens_expire_after_days: entry.count("tokens_expire_after_days", 1, 3650)?,
    })
}

async fn create(
    State(app): State<App>,
    desk: Desk<Money>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let wanted = made::<VoucherBatch>(&app, entry.get("key"));
    let wanted = wanted.and_then(|form| Ok((form, read(&entry, &desk.vendor.settings.token)?)));
    let made = match wanted {
        Ok((form, fields)) => {
            let made = app.engine.make_vouchers_once(desk.staff, fields, &form).await?;
            made.map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    let (batch, codes) = match made {
        Ok(made) => made,
        Err(problem) => {
            let again = form(&app, &desk, Sent::back("new", &entry, &problem))?;
            return Ok(with_status(again, &problem));
        }
    };
    if codes.is_empty() {
        // The form was kept, and sent again much later.
        return Ok(
            Redirect::to(&format!("/admin/vouchers/{}?done=before", batch.id)).into_response()
        );
    }
    let main = html! {
        p.trail { a href="/admin/vouchers" { "Vouchers" } }
        (notice(Tone::Warn, &html! { "Keep these codes now: they are not shown again, to nobody." }))
        form method="post" action="/admin/vouchers/codes" {
            div.field {
                label for="codes" { (codes.len()) " codes" }
                textarea id="codes" name="codes" rows="12" readonly { (codes.join("\n")) }
            }
            div.row {
                button type="submit" name="form" value="csv" { "Save as CSV" }
                button.second type="submit" name="form" value="text" { "Save as text" }
                a.button.second href={ "/admin/vouchers/" (batch.id) } { "I have kept them" }
            }
        }
    };
    Ok(page(&app, &desk, &batch.label, Section::Vouchers, &main))
}

/// Gives the codes that a page showed back as a file. What is no code is left out.
async fn save(_: Desk<Money>, Form(entry): Form<Entry>) -> Response {
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let is_code = |line: &&str| {
        (1..=40).contains(&line.len())
            && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let codes = entry.get("codes").lines().map(str::trim).filter(is_code).take(most);
    if entry.get("form") == "csv" {
        let rows: String = codes.map(|code| format!("{code}\r\n")).collect();
        return file(
            Body::from(format!("code\r\n{rows}")),
            "text/csv; charset=utf-8",
            "vouchers.csv",
        );
    }
    let rows: String = codes.map(|code| format!("{code}\n")).collect();
    file(Body::from(rows), "text/plain; charset=utf-8", "vouchers.txt")
}

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<VoucherBatch>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let batch = app.engine.store().voucher_batch(id).await?.ok_or_else(Problem::not_found)?;
    let token = &desk.vendor.settings.token;
    let may = desk.may(Power::Money) && batch.closed_at.is_none();
    let main = html! {
        p.trail { a href="/admin/vouchers" { "Vouchers" } }
        (done(told.done.as_deref(), &[
            ("close", "The batch is closed: nobody can redeem any more of it."),
            ("before", "This form has made the batch before, and its codes are told no more."),
        ]))
        dl.facts {
            dt { "State" } dd { (state(&batch)) }
            dt { "Batch" } dd { code { (batch.id) } }
            dt { "Each brings" } dd { (MoneyOut::tokens(batch.tokens, token)) }
            dt { "Redeemed" } dd { (batch.redeemed) " of " (batch.count) }
            dt { "Kind" } dd { (plain(batch.kind.as_str())) }
            @if let Some(at) = batch.starts_at { dt { "Good from" } dd { (date(at)) } }
            @if let Some(at) = batch.expires_at { dt { "Good until" } dd { (date(at)) } }
            @if let Some(most) = batch.per_account { dt { "For one account" } dd { "At most " (most) } }
            @if let Some(days) = batch.tokens_expire_after_days { dt { "Tokens expire" } dd { "After " (days) " days" } }
            dt { "Made" } dd { (date(batch.created_at)) }
            @if let Some(at) = batch.closed_at { dt { "Closed" } dd { (date(at)) } }
        }
        @if may {
            form method="post" action={ "/admin/vouchers/" (batch.id) "/close" } {
                p.hint { "Nobody can redeem any more of it then, for good. What was redeemed stays." }
                button.danger type="submit" { "Close the batch" }
            }
        }
    };
    Ok(page(&app, &desk, &batch.label, Section::Vouchers, &main))
}

async fn close(
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<VoucherBatch>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    app.engine.close_vouchers(desk.staff, id).await??;
    Ok(Redirect::to(&format!("/admin/vouchers/{id}?done=close")).into_response())
}
