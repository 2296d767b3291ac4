//! Statements: what two vendors owe each other for a cycle, item by item, and paying it.
//!
//! ```text
//! closing ─▶ closed ──both say the same──▶ agreed ──instruct──▶ instructed ─▶ sent ─▶ settled
//!               └──they differ──▶ disputed ──mended, compare──▶ agreed
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::exchange::Exchange;
use scrip_domain::partner::Partner;
use scrip_domain::staff::Power;
use scrip_domain::statement::{
    CycleItem, Difference, Settlement, SettlementMethod, Statement, StatementState,
};
use scrip_domain::{Id, Span, Unit};

use super::parts::{Question, answer, document, fine, fine_of, tabs, when, within};
use crate::App;
use crate::api::List;
use crate::caller::AtPartner;
use crate::extract::{IdPath, Query};
use crate::money::NetMoney;
use crate::pages::admin::desk::{Clerk, Desk, Money, See};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::admin::parts::{Place, distinct, pager, range, table_of};
use crate::pages::admin::{Section, page};
use crate::pages::date;
use crate::pages::form::{Form, Nothing};
use crate::pages::look::{Tone, badge, blank};
use crate::problem::Problem;

/// How many items a page of a statement has.
const LINES: u32 = 100;
/// How long a place among them is good.
const CURSOR: Span = Span::days(7);

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/statements", get(list))
        .route("/admin/statements/{id}", get(show))
        .route("/admin/statements/{id}/compare", post(compare))
        .route("/admin/statements/{id}/pay", get(ask).post(instruct))
}

async fn list(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<See>,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let range = range(&app, "statements", place.after.as_deref())?;
    let rows = app.engine.store().statements(range).await?;
    let next = List::of(&app.engine, "statements", range, &rows, |row| row.id.number(), |_| ());
    let main = html! {
        (tabs("/admin/statements", &desk))
        @if rows.is_empty() {
            (blank("No cycle was closed yet",
                "When the days of a cycle are over, or one of you closes it, both servers say what each owes for it.", None))
        } @else {
            (statement_rows(&app, &rows).await?)
            (pager("/admin/statements", next.next.as_deref()))
        }
    };
    Ok(page(&app, &desk, "Statements", Section::Partners, &main))
}

/// A table of statements.
pub async fn statement_rows(app: &App, rows: &[Statement]) -> Result<Markup, Problem> {
    let partners = distinct(rows.iter().map(|row| row.partner));
    let partners = app.engine.store().partners_called(&partners).await?;
    let agreements = distinct(rows.iter().map(|row| row.agreement));
    let agreements = app.engine.store().agreements_called(&agreements).await?;
    let lines = rows.iter().map(|row| {
        let agreement = agreements.iter().find(|one| one.id == row.agreement)?;
        let partner = partners.iter().find(|one| one.id == row.partner)?;
        Some((row, agreement.terms.currency, partner))
    });
    let lines: Vec<_> = lines.collect::<Option<_>>().ok_or_else(Problem::not_found)?;
    Ok(table_of(
        "Cycles that were closed, newest first",
        &["Cycle", "State", "#You owe", "#It owes you", "#To be paid", "Until"],
        &html! {
            @for (row, unit, partner) in &lines {
                tr {
                    th scope="row" { a href={ "/admin/statements/" (row.id) } { bdi { (partner.name) } ", " (row.cycle) } }
                    td { (state_badge(row.state)) }
                    td.sum { (fine_of(row.gross_out, *unit)) }
                    td.sum { (fine_of(row.gross_in, *unit)) }
                    td.sum { (net(row, *unit)) }
                    td { (when(row.pay_until)) }
                }
            }
        },
    ))
}

/// Who pays how much.
fn net(row: &Statement, unit: Unit) -> String {
    let size = NetMoney::new(i64::try_from(row.net.unsigned_abs()).unwrap_or(i64::MAX), unit);
    match row.net {
        _ if !row.state.is_agreed() => "–".to_owned(),
        0 => "nothing".to_owned(),
        1.. => format!("{size} by you"),
        _ => format!("{size} by them"),
    }
}

/// Where a statement stands, in words.
pub fn state_badge(state: StatementState) -> Markup {
    match state {
        StatementState::Closing => badge(Tone::Info, "Waits for exchanges"),
        StatementState::Closed => badge(Tone::Info, "Being compared"),
        StatementState::Agreed => badge(Tone::Warn, "Agreed, to be paid"),
        StatementState::Disputed => badge(Tone::Bad, "Disputed"),
        StatementState::Instructed => badge(Tone::Warn, "Instructed"),
        StatementState::Sent => badge(Tone::Warn, "Sent"),
        StatementState::Settled => badge(Tone::Good, "Settled"),
        StatementState::WrittenOff => badge(Tone::Bad, "Written off"),
    }
}

/// The currency in which a statement is reckoned.
pub async fn currency(app: &App, statement: &Statement) -> Result<Unit, Problem> {
    let agreement = app.engine.store().agreement(statement.agreement).await?;
    Ok(agreement.ok_or_else(Problem::not_found)?.terms.currency)
}

/// With whom.
pub async fn partner(app: &App, id: Id<Partner>) -> Result<Partner, Problem> {
    app.engine.store().partner(id).await?.ok_or_else(Problem::not_found)
}

async fn found(app: &App, id: Id<Statement>) -> Result<Statement, Problem> {
    app.engine.store().statement(id).await?.ok_or_else(Problem::not_found)
}

async fn show(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<Statement>,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let row = found(&app, id).await?;
    shown(&app, &desk, &row, place.after.as_deref(), None).await
}

async fn compare(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Statement>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    match app.engine.compare_statement(id).await? {
        Ok(_) => Ok(Redirect::to(&format!("/admin/statements/{id}")).into_response()),
        Err(refusal) => {
            let row = found(&app, id).await?;
            shown(&app, &desk, &row, None, Some(&refusal.into())).await
        }
    }
}

/// The items of a statement, and where they go on.
struct Lines {
    items: Vec<(bool, CycleItem)>,
    next: Option<String>,
}

impl Lines {
    /// Those after a place: first ours, then the partner's.
    async fn of(app: &App, row: &Statement, after: Option<&str>) -> Result<Self, Problem> {
        let list = format!("cursor statement items {}", row.id);
        let place = after.map(|cursor| {
            app.engine.unseal::<(bool, u64)>(&list, cursor).ok_or_else(Problem::no_page)
        });
        let (from_ours, mut last) = match place.transpose()? {
            Some((ours, number)) => (ours, Id::<Exchange>::new(number)),
            None => (true, None),
        };
        let mut items = Vec::new();
        for ours in [true, false].into_iter().filter(|ours| from_ours || !*ours) {
            let had = u32::try_from(items.len()).unwrap_or(LINES);
            let of = (row.partner, row.cycle);
            let left = LINES.saturating_sub(had);
            let page = app.engine.store().cycle_items(of, ours, last, left).await?;
            items.extend(page.into_iter().map(|item| (ours, item)));
            last = None;
        }
        let is_full = u32::try_from(items.len()).is_ok_and(|count| count == LINES);
        let end = items.last().filter(|_| is_full);
        let until = app.engine.now().plus(CURSOR);
        let next =
            end.map(|(ours, item)| app.engine.seal(&list, &(*ours, item.exchange.number()), until));
        Ok(Self { items, next })
    }
}

async fn shown(
    app: &App,
    clerk: &Clerk,
    row: &Statement,
    after: Option<&str>,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let (unit, partner) = (currency(app, row).await?, partner(app, row.partner).await?);
    let differences = app.engine.store().differences(row.id).await?;
    let settlement = app.engine.store().settlement_of(row.id).await?;
    let lines = Lines::of(app, row, after).await?;
    let here = format!("/admin/statements/{}", row.id);
    let main = html! {
        (within("/admin/statements", "Statements"))
        (Sent { problem, ..Sent::default() }.complaint())
        p.lead { "With " a href={ "/admin/partners/" (partner.id) } { bdi { (partner.name) } } ". " (state_badge(row.state)) }
        (stands(row.state, &partner.name))
        (facts(row, unit))
        (acts(clerk, row, settlement.as_ref()))
        @if !differences.is_empty() { (difference_rows(&differences, unit)) }
        h2 { "Exchanges" }
        @if lines.items.is_empty() { p { "There are none in this cycle." } } @else {
            (table_of("First those of your buyers, then those of theirs", &["Exchange", "Whose", "#Owed for it"], &html! {
                @for (ours, item) in &lines.items {
                    tr {
                        th scope="row" {
                            @if *ours { a href={ "/admin/exchanges/" (item.exchange) } { code { (item.exchange) } } }
                            @else { code { (item.exchange) } }
                        }
                        td { (whose(*ours)) }
                        td.sum { (fine_of(item.compensation, unit)) }
                    }
                }
            }))
            (pager(&here, lines.next.as_deref()))
        }
        h2 { "Proof" }
        (document("What you have signed", row.ours.as_deref()))
        (document("What the partner has signed", row.theirs.as_deref()))
    };
    Ok(answer(app, clerk, &format!("Cycle {}", row.cycle), Section::Partners, &main, problem))
}

const fn whose(ours: bool) -> &'static str {
    if ours { "Your buyer's: you owe" } else { "Its buyer's: it owes" }
}

/// What happens next.
fn stands(state: StatementState, partner: &str) -> Markup {
    html! {
        p {
            @match state {
                StatementState::Closing => "Exchanges of this cycle still wait for their answers. Then it is signed.",
                StatementState::Closed => { bdi { (partner) } " has not said the same yet. It is asked until it has." }
                StatementState::Agreed => "Both say the same.",
                StatementState::Disputed => {
                    "You and " bdi { (partner) } " differ. Nothing is exchanged until that is mended. Compare again when it is."
                }
                StatementState::Instructed => "The payment is instructed.",
                StatementState::Sent => "The money has gone out. Its receipt is confirmed by who is paid.",
                StatementState::Settled => "This cycle is settled.",
                StatementState::WrittenOff => "Who was to be paid has given it up.",
            }
        }
    }
}

fn counted(count: u64) -> String {
    if count == 1 { "one exchange".to_owned() } else { format!("{count} exchanges") }
}

fn facts(row: &Statement, unit: Unit) -> Markup {
    html! {
        dl.facts {
            dt { "From" } dd { (date(row.from)) }
            dt { "To" } dd { (date(row.to)) }
            dt { "You owe" } dd { (fine_of(row.gross_out, unit)) ", for " (counted(row.count_out)) }
            dt { "It owes you" } dd { (fine_of(row.gross_in, unit)) ", for " (counted(row.count_in)) }
            dt { "Carried from before" } dd { (fine(row.carried_in, unit)) }
            dt { "Carried on" } dd { (fine(row.carried_out, unit)) }
            dt { "To be paid" } dd { strong { (net(row, unit)) } }
            dt { "Agreed" } dd { (when(row.agreed_at)) }
            dt { "Pay until" } dd { (when(row.pay_until)) }
        }
    }
}

fn acts(clerk: &Clerk, row: &Statement, settlement: Option<&Settlement>) -> Markup {
    let may = clerk.may(Power::Money);
    let compares = matches!(row.state, StatementState::Closed | StatementState::Disputed);
    html! {
        @if let Some(settlement) = settlement {
            p { a.button.second href={ "/admin/settlements/" (settlement.id) } { "The payment" } }
        } @else if may && row.state == StatementState::Agreed && row.net != 0 {
            p { a.button href={ "/admin/statements/" (row.id) "/pay" } {
                @if row.net > 0 { "Pay it" } @else { "Enter its payment" } } }
        }
        @if may && compares {
            form method="post" action={ "/admin/statements/" (row.id) "/compare" } {
                button.second type="submit" { "Compare again now" }
            }
        }
    }
}

fn difference_rows(differences: &[Difference], unit: Unit) -> Markup {
    let amount = |amount: Option<_>| {
        amount.map_or_else(|| "nothing".to_owned(), |amount| fine_of(amount, unit))
    };
    html! {
        h2 { "Where you differ" }
        (table_of("Exchanges of which the two say something else", &["Exchange", "Whose", "#Booked here", "#Booked there"], &html! {
            @for one in differences {
                tr {
                    th scope="row" { code { (one.exchange) } }
                    td { (whose(one.ours)) }
                    td.sum { (amount(one.here)) }
                    td.sum { (amount(one.there)) }
                }
            }
        }))
    }
}

async fn ask(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Statement>,
) -> Result<Response, Problem> {
    let mut typed = Entry::default();
    typed.put("method", SettlementMethod::Pain001);
    question(&app, &desk, id, Sent::only(&typed, None)).await
}

async fn instruct(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Statement>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let pays = found(&app, id).await?.net > 0;
    let method = SettlementMethod::parse(typed.get("method"));
    let problem = match (pays, method) {
        (true, None) => Problem::field("method", "choose how you pay"),
        (_, method) => {
            let method = method.filter(|_| pays);
            match app.engine.instruct(desk.staff, id, method).await? {
                Ok(row) => {
                    let to = format!("/admin/settlements/{}", row.id);
                    return Ok(Redirect::to(&to).into_response());
                }
                Err(refusal) => Problem::settlement(refusal, None),
            }
        }
    };
    question(&app, &desk, id, Sent::only(&typed, Some(&problem))).await
}

async fn question(
    app: &App,
    clerk: &Clerk,
    id: Id<Statement>,
    sent: Sent<'_>,
) -> Result<Response, Problem> {
    let row = found(app, id).await?;
    let (unit, partner) = (currency(app, &row).await?, partner(app, row.partner).await?);
    let pays = row.net > 0;
    let says = html! {
        p.lead { (net(&row, unit)) ", for cycle " (row.cycle) " with " bdi { (partner.name) } "." }
        @if pays {
            p { "Your bank account and that of " bdi { (partner.name) } " must be known for a file: "
                a href="/admin/bank" { "yours" } ", " a href={ "/admin/partners/" (partner.id) "/bank" } { "its" } "." }
        } @else {
            p { "It is entered here before the partner says that it pays: then you can say that the money has come." }
        }
    };
    let fields = html! {
        @if pays {
            (sent.group("method", "How you pay", &html! {
                (sent.choice("method", "pain001", "By a file for your bank (ISO 20022 pain.001)"))
                (sent.choice("method", "recorded", "By hand: somebody pays, and says so here"))
            }))
        }
    };
    let question = Question {
        says: &says,
        action: &format!("/admin/statements/{id}/pay"),
        fields: &fields,
        button: if pays { "Instruct the payment" } else { "Enter its payment" },
        is_final: false,
        back: &format!("/admin/statements/{id}"),
    };
    let main = question.ask(sent.problem);
    let title = if pays { "Pay a statement" } else { "Enter a payment" };
    Ok(answer(app, clerk, title, Section::Partners, &main, sent.problem))
}
