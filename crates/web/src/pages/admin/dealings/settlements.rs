//! Payments between partners: what is instructed, on its way, has come, or was given up.
//!
//! ```text
//! instructed ──sent──▶ sent ──received──▶ settled
//!      └────────────────┴──────write-off──▶ written_off ──received after all──▶ (a receipt)
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header;
use maud::{Markup, html};
use scrip_domain::request::Request;
use scrip_domain::staff::Power;
use scrip_domain::statement::{Settlement, SettlementMethod, SettlementState, Statement};
use scrip_domain::{Id, Money as Sum};
use scrip_engine::purchase::Answered;
use scrip_engine::settlement::ReceiptAsk;

use super::parts::{Question, answer, document, tabs, when, within};
use super::statements::partner;
use crate::App;
use crate::api::List;
use crate::caller::AtPartner;
use crate::extract::{IdPath, Query};
use crate::money::MoneyOut;
use crate::pages::admin::desk::{Clerk, Desk, Money, See};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::admin::parts::{Place, distinct, pager, range, table_of};
use crate::pages::admin::{Section, page};
use crate::pages::form::{Form, Nothing};
use crate::pages::look::{Tone, badge, blank};
use crate::pages::{chance, date};
use crate::problem::Problem;
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/settlements", get(list))
        .route("/admin/settlements/{id}", get(show))
        .route("/admin/settlements/{id}/pain001", get(pain001))
        .route("/admin/settlements/{id}/sent", get(ask_sent).post(sent))
        .route("/admin/settlements/{id}/received", get(ask_received).post(received))
        .route("/admin/settlements/{id}/write-off", get(ask_write_off).post(write_off))
}

/// A payment, and which way it goes.
struct Told {
    row: Settlement,
    statement: Statement,
    name: String,
}

impl Told {
    /// All of these, read together.
    async fn all(app: &App, rows: Vec<Settlement>) -> Result<Vec<Self>, Problem> {
        let store = app.engine.store();
        let statements = distinct(rows.iter().map(|row| row.statement));
        let statements = store.statements_called(&statements).await?;
        let partners = distinct(rows.iter().map(|row| row.partner));
        let partners = store.partners_called(&partners).await?;
        let told = rows.into_iter().map(|row| {
            let statement = statements.iter().find(|one| one.id == row.statement)?.clone();
            let name = partners.iter().find(|one| one.id == row.partner)?.name.clone();
            Some(Self { row, statement, name })
        });
        told.collect::<Option<_>>().ok_or_else(Problem::not_found)
    }

    async fn found(app: &App, id: Id<Settlement>) -> Result<Self, Problem> {
        let row = app.engine.store().settlement(id).await?.ok_or_else(Problem::not_found)?;
        let statement = app.engine.store().statement(row.statement).await?;
        let statement = statement.ok_or_else(Problem::not_found)?;
        let name = partner(app, row.partner).await?.name;
        Ok(Self { row, statement, name })
    }

    fn pays(&self) -> bool {
        self.statement.net > 0
    }

    fn is_open(&self) -> bool {
        matches!(self.row.state, SettlementState::Instructed | SettlementState::Sent)
    }

    fn here(&self) -> String {
        format!("/admin/settlements/{}", self.row.id)
    }
}

async fn list(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<See>,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let range = range(&app, "settlements", place.after.as_deref())?;
    let rows = app.engine.store().settlements(range).await?;
    let next = List::of(&app.engine, "settlements", range, &rows, |row| row.id.number(), |_| ());
    let lines = Told::all(&app, rows).await?;
    let main = html! {
        (tabs("/admin/settlements", &desk))
        @if lines.is_empty() {
            (blank("No payments yet", "The sum of an agreed statement is paid from the statement's page.",
                Some(("/admin/statements", "Statements"))))
        } @else {
            (table_of("Payments with all partners, newest first", &["Reference", "Partner", "State", "#Amount", "Entered"], &html! { @for told in &lines { (line(told)) } }))
            (pager("/admin/settlements", next.next.as_deref()))
        }
    };
    Ok(page(&app, &desk, "Payments", Section::Partners, &main))
}

fn line(told: &Told) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(told.here()) { (told.row.reference) } }
            td { bdi { (told.name) } }
            td { (state_badge(told.row.state)) }
            td.sum { (MoneyOut::currency(told.row.money)) @if told.pays() { " out" } @else { " in" } }
            td { (date(told.row.at)) }
        }
    }
}

fn state_badge(state: SettlementState) -> Markup {
    match state {
        SettlementState::Instructed => badge(Tone::Warn, "Instructed"),
        SettlementState::Sent => badge(Tone::Warn, "Sent"),
        SettlementState::Settled => badge(Tone::Good, "Settled"),
        SettlementState::WrittenOff => badge(Tone::Bad, "Written off"),
    }
}

async fn show(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<Settlement>,
) -> Result<Response, Problem> {
    let told = Told::found(&app, id).await?;
    let row = &told.row;
    let main = html! {
        (within("/admin/settlements", "Payments"))
        p.lead { (MoneyOut::currency(row.money)) " " @if told.pays() { "to " } @else { "from " }
            a href={ "/admin/partners/" (row.partner) } { bdi { (told.name) } } ". " (state_badge(row.state)) }
        (acts(&desk, &told))
        dl.facts {
            dt { "Reference" } dd { code { (row.reference) } }
            dt { "Statement" } dd { a href={ "/admin/statements/" (row.statement) } { "Cycle " (told.statement.cycle) } }
            @if let Some(method) = row.method {
                dt { "How" } dd { @match method {
                    SettlementMethod::Pain001 => "by a file for the bank",
                    SettlementMethod::Recorded => "by hand",
                } }
            }
            dt { "Pay until" } dd { (when(told.statement.pay_until)) }
            dt { "Entered" } dd { (date(row.at)) }
            dt { "Ended" } dd { (when(row.ended_at)) }
        }
        (document("The receipt that the creditor has signed", row.receipt.as_deref()))
    };
    Ok(page(&app, &desk, "Payment", Section::Partners, &main))
}

/// What can be done with it, by whose turn it is.
fn acts(clerk: &Clerk, told: &Told) -> Markup {
    if !clerk.may(Power::Money) {
        return Markup::default();
    }
    let (here, open) = (told.here(), told.is_open());
    let has_file = told.row.method == Some(SettlementMethod::Pain001);
    let late = told.row.state == SettlementState::WrittenOff && told.row.receipt.is_none();
    html! {
        div.choice {
            @if told.pays() {
                @if open && has_file { a.button href={ (here) "/pain001" } download { "Download the file for the bank" } }
                @if told.row.state == SettlementState::Instructed {
                    a.button.second href={ (here) "/sent" } { "The money has gone out" }
                }
            } @else {
                @if open || late { a.button href={ (here) "/received" } { "The money has come" } }
                @if open { a.button.second href={ (here) "/write-off" } { "Give it up" } }
            }
        }
    }
}

async fn pain001(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Settlement>,
) -> Result<Response, Problem> {
    match app.engine.pain001(id).await? {
        Ok(file) => {
            let disposition = format!("attachment; filename=\"{id}.xml\"");
            let headers = [
                (header::CONTENT_TYPE, "application/xml".to_owned()),
                (header::CONTENT_DISPOSITION, disposition),
                (header::CACHE_CONTROL, "no-store".to_owned()),
            ];
            Ok((headers, file).into_response())
        }
        Err(refusal) => {
            let problem = Problem::settlement(refusal, None);
            let main = html! {
                (Sent { problem: Some(&problem), ..Sent::default() }.complaint())
                p { a.button href={ "/admin/settlements/" (id) } { "The payment" } }
            };
            Ok(answer(&app, &desk, "No file", Section::Partners, &main, Some(&problem)))
        }
    }
}

async fn ask_sent(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Settlement>,
) -> Result<Response, Problem> {
    question_sent(&app, &desk, id, None).await
}

async fn sent(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Settlement>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    match app.engine.settlement_sent(desk.staff, id).await? {
        Ok(_) => Ok(Redirect::to(&format!("/admin/settlements/{id}")).into_response()),
        Err(refusal) => {
            let problem = Problem::settlement(refusal, None);
            question_sent(&app, &desk, id, Some(&problem)).await
        }
    }
}

async fn question_sent(
    app: &App,
    clerk: &Clerk,
    id: Id<Settlement>,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let told = Told::found(app, id).await?;
    let says = html! {
        p.lead { (MoneyOut::currency(told.row.money)) " have left your bank account for " bdi { (told.name) } "." }
        p { "The partner is told so. It is settled once the partner says that it has come." }
    };
    let question = Question {
        says: &says,
        action: &format!("{}/sent", told.here()),
        fields: &Markup::default(),
        button: "It has gone out",
        is_final: false,
        back: &told.here(),
    };
    let main = question.ask(problem);
    Ok(answer(app, clerk, "The money has gone out", Section::Partners, &main, problem))
}

async fn ask_received(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Settlement>,
) -> Result<Response, Problem> {
    let mut typed = Entry::default();
    typed.put("key", chance(&app));
    question_received(&app, &desk, id, Sent::only(&typed, None)).await
}

async fn received(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Settlement>,
    Form(mut typed): Form<Entry>,
) -> Result<Response, Problem> {
    let unit = Told::found(&app, id).await?.row.money.unit;
    let problem = match typed.keyed(&app).and_then(|()| receipt(&typed, unit)) {
        Ok(ask) => {
            let what = format!("{id} {} {}", ask.money.amount.units(), typed.get("reference"));
            let request = Request::new(typed.get("key"), what.as_bytes(), request_id::current());
            let money = ask.money;
            match app.engine.settlement_received(desk.staff, id, ask, request).await? {
                Ok(Answered::First(_) | Answered::Replayed(_)) => {
                    return Ok(Redirect::to(&format!("/admin/settlements/{id}")).into_response());
                }
                Err(refusal) => Problem::settlement(refusal, Some(money)),
            }
        }
        Err(problem) => problem,
    };
    question_received(&app, &desk, id, Sent::only(&typed, Some(&problem))).await
}

fn receipt(typed: &Entry, unit: scrip_domain::Unit) -> Result<ReceiptAsk, Problem> {
    let amount = typed.amount("amount", unit.currency_scale())?;
    if amount.is_zero() {
        return Err(Problem::field("amount", "more than nothing"));
    }
    let reference = Some(typed.line::<0, 200>("reference")?).filter(|text| !text.is_empty());
    Ok(ReceiptAsk { money: Sum { amount, unit }, reference })
}

async fn question_received(
    app: &App,
    clerk: &Clerk,
    id: Id<Settlement>,
    sent: Sent<'_>,
) -> Result<Response, Problem> {
    let told = Told::found(app, id).await?;
    let due = MoneyOut::currency(told.row.money);
    let says = html! {
        p.lead { (due) " are due from " bdi { (told.name) } ". Type what stands on your bank statement: only exactly that settles it." }
        p { "The partner gets a signed receipt, and both of you book it." }
    };
    let label = format!("Amount in {}", told.row.money.unit);
    let fields = html! {
        input type="hidden" name="key" value=(sent.value("key"));
        div.narrow {
            (sent.field("amount", &label, None))
            (sent.optional("reference", "Where it stands in your own papers", None))
        }
    };
    let question = Question {
        says: &says,
        action: &format!("{}/received", told.here()),
        fields: &fields,
        button: "It has come",
        is_final: false,
        back: &told.here(),
    };
    let main = question.ask(sent.problem);
    Ok(answer(app, clerk, "The money has come", Section::Partners, &main, sent.problem))
}

async fn ask_write_off(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Settlement>,
) -> Result<Response, Problem> {
    question_write_off(&app, &desk, id, None).await
}

async fn write_off(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Settlement>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    match app.engine.write_off_settlement(desk.staff, id).await? {
        Ok(_) => Ok(Redirect::to(&format!("/admin/settlements/{id}")).into_response()),
        Err(refusal) => {
            let problem = Problem::settlement(refusal, None);
            question_write_off(&app, &desk, id, Some(&problem)).await
        }
    }
}

async fn question_write_off(
    app: &App,
    clerk: &Clerk,
    id: Id<Settlement>,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let told = Told::found(app, id).await?;
    let says = html! {
        p.lead { "You give up " (MoneyOut::currency(told.row.money)) " that " bdi { (told.name) } " owes you." }
        p { "Should it come after all, you can still say so: the partner gets its receipt, and nothing is booked." }
    };
    let question = Question {
        says: &says,
        action: &format!("{}/write-off", told.here()),
        fields: &Markup::default(),
        button: "Give it up",
        is_final: true,
        back: &told.here(),
    };
    let main = question.ask(problem);
    Ok(answer(app, clerk, "Give a payment up", Section::Partners, &main, problem))
}
