//! Partners: who they are, what each owes the other, and what is agreed.
//!
//! ```text
//! entered ──propose, the other accepts──▶ exchanging ◀──suspend, resume──▶ suspended ──end, with notice──▶ entered
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::agreement::Agreement;
use scrip_domain::exchange::Exchange;
use scrip_domain::partner::{Partner, Suspended};
use scrip_domain::staff::Power;
use scrip_domain::statement::Statement;
use scrip_domain::{Amount, Id};
use scrip_engine::Page;

use super::agreements::{agreement_badge, possible};
use super::exchanges::exchange_rows;
use super::parts::{answer, fine_of, tabs, within};
use super::statements::statement_rows;
use crate::App;
use crate::api::{List, ListQuery};
use crate::caller::AtPartner;
use crate::extract::{IdPath, Query};
use crate::money::MoneyOut;
use crate::pages::admin::desk::{Clerk, Desk, Money, See};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::admin::parts::{pager, table_of};
use crate::pages::admin::{Section, page};
use crate::pages::date;
use crate::pages::form::Form;
use crate::pages::look::{Tone, badge, blank, notice};
use crate::problem::Problem;

/// How many of each thing a partner's page shows.
const FEW: u32 = 10;
/// Links are counted up to here.
const MOST_LINKS: u32 = 1000;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/partners", get(list))
        .route("/admin/partners/new", get(ask).post(enter))
        .route("/admin/partners/{id}", get(show))
        .route("/admin/partners/{id}/name", post(rename))
}

async fn list(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<See>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let range = query.page(&app.engine, "partners")?;
    let rows = app.engine.store().partners(range).await?;
    let next = List::of(&app.engine, "partners", range, &rows, |row| row.id.number(), |_| ()).next;
    let may = desk.may(Power::Money);
    let enter = may.then_some(("/admin/partners/new", "Enter a partner"));
    let main = html! {
        (tabs("/admin/partners", &desk))
        @if rows.is_empty() {
            (blank("No partners yet",
                "A partner is another vendor, whose tokens your buyers can exchange yours for. Both of you enter the other, \
                    then one proposes terms and the other accepts them.", enter))
        } @else {
            @if let Some((to, name)) = enter { p { a.button href=(to) { (name) } } }
            (table_of("Other vendors, newest first", &["Name", "State", "#You owe", "#It owes you"], &html! { @for row in &rows { (partner_row(row)) } }))
            (pager("/admin/partners", next.as_deref()))
        }
    };
    Ok(page(&app, &desk, "Partners", Section::Partners, &main))
}

fn partner_row(partner: &Partner) -> Markup {
    html! {
        tr {
            th scope="row" {
                a href={ "/admin/partners/" (partner.id) } { bdi { (partner.name) } }
                br; span.small { (partner.url) }
            }
            td { (partner_badge(partner)) }
            td.sum { (owed(partner, partner.owed_to_it())) }
            td.sum { (owed(partner, partner.owed_by_it())) }
        }
    }
}

/// An amount between the two; nothing is owed before there is a currency.
fn owed(partner: &Partner, amount: Amount) -> String {
    partner.currency.map_or_else(|| "–".to_owned(), |unit| fine_of(amount, unit))
}

/// Whether the two exchange, in words.
pub fn partner_badge(partner: &Partner) -> Markup {
    match (partner.agreement, partner.suspended, partner.suspended_there) {
        (None, ..) => badge(Tone::Info, "Nothing agreed"),
        (_, Some(Suspended::Staff), _) => badge(Tone::Warn, "Suspended by you"),
        (_, Some(Suspended::Overdue), _) => badge(Tone::Bad, "Suspended: payment overdue"),
        (_, Some(Suspended::Disputed), _) => badge(Tone::Bad, "Suspended: statement disputed"),
        (_, Some(Suspended::Silent), _) => badge(Tone::Bad, "Suspended: it does not answer"),
        (_, None, true) => badge(Tone::Warn, "Suspended by them"),
        (_, None, false) => badge(Tone::Good, "Exchanging"),
    }
}

async fn ask(_: AtPartner, State(app): State<App>, desk: Desk<Money>) -> Response {
    let sent = Sent::default();
    page(&app, &desk, "Enter a partner", Section::Partners, &entry_form(sent))
}

async fn enter(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let problem = match typed.line::<1, 100>("name") {
        Ok(name) => {
            let url = typed.get("url").trim_end_matches('/').to_owned();
            match app.engine.enter_partner(desk.staff, url, &name).await? {
                Ok(partner) => {
                    let to = format!("/admin/partners/{}", partner.id);
                    return Ok(Redirect::to(&to).into_response());
                }
                Err(refusal) => Problem::from(refusal),
            }
        }
        Err(problem) => problem,
    };
    let main = entry_form(Sent::only(&typed, Some(&problem)));
    let title = "Enter a partner";
    Ok(answer(&app, &desk, title, Section::Partners, &main, Some(&problem)))
}

fn entry_form(sent: Sent<'_>) -> Markup {
    html! {
        (within("/admin/partners", "Partners"))
        (sent.complaint())
        p.lead { "From then on the two servers hear each other. Nothing is exchanged before both have agreed on terms." }
        form.narrow method="post" action="/admin/partners/new" {
            (sent.field("url", "Address of its server", Some("Such as https://other.example. Its keys are read from there.")))
            (sent.field("name", "Name", Some("What your buyers know it by.")))
            button type="submit" { "Enter it" }
        }
    }
}

async fn show(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<Partner>,
) -> Result<Response, Problem> {
    shown(&app, &desk, id, &Entry::default(), None).await
}

async fn rename(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Partner>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let problem = match typed.line::<1, 100>("name") {
        Ok(name) => match app.engine.rename_partner(desk.staff, id, &name).await? {
            Ok(_) => return Ok(Redirect::to(&format!("/admin/partners/{id}")).into_response()),
            Err(refusal) => Problem::from(refusal),
        },
        Err(problem) => problem,
    };
    shown(&app, &desk, id, &typed, Some(&problem)).await
}

/// What a partner's page tells.
struct Told {
    partner: Partner,
    agreements: Vec<Agreement>,
    exchanges: Vec<Exchange>,
    statements: Vec<Statement>,
    links: u64,
    has_bank: bool,
}

impl Told {
    async fn of(app: &App, id: Id<Partner>) -> Result<Self, Problem> {
        let store = app.engine.store();
        let partner = store.partner(id).await?.ok_or_else(Problem::not_found)?;
        let mut statements = Vec::new();
        let first = partner.cycle.saturating_sub(FEW).max(1);
        for cycle in (first..partner.cycle).rev() {
            statements.extend(store.statement_of(id, cycle).await?);
        }
        Ok(Self {
            agreements: store.agreements_of(id, FEW).await?,
            exchanges: app
                .engine
                .exchanges(None, Some(id), Page { after: None, limit: FEW })
                .await?,
            statements,
            links: store.links_with(id, MOST_LINKS).await?,
            has_bank: store.bank_details(id.number()).await?.is_some(),
            partner,
        })
    }
}

async fn shown(
    app: &App,
    clerk: &Clerk,
    id: Id<Partner>,
    typed: &Entry,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let told = Told::of(app, id).await?;
    let partner = &told.partner;
    let may = clerk.may(Power::Money);
    let sent = Sent::only(typed, problem);
    let main = html! {
        (within("/admin/partners", "Partners"))
        (sent.complaint())
        p.lead { (partner.url) " " (partner_badge(partner)) }
        (facts(&told))
        @if may { (acts(&told)) }
        (limits(app, &told))
        h2 { "Agreements" }
        @if told.agreements.is_empty() {
            p { "Nothing is agreed yet. One of you proposes terms; the other finds them on its own page of this partner." }
        } @else { (agreements(&told)) }
        h2 { "Statements" }
        @if told.statements.is_empty() { p { "No cycle was closed yet." } }
        @else { (statement_rows(app, &told.statements).await?) }
        h2 { "Exchanges" }
        @if told.exchanges.is_empty() { p { "None of your buyers has exchanged anything with it yet." } }
        @else {
            (exchange_rows(app, "The latest ones of your buyers", &told.exchanges).await?)
            p { a href={ "/admin/exchanges?partner=" (partner.id) } { "All of them" } }
        }
        @if may {
            h2 { "Its name" }
            form.narrow method="post" action={ "/admin/partners/" (partner.id) "/name" } {
                @let mine = named(partner, typed);
                (Sent::only(&mine, problem).field("name", "What your buyers know it by", None))
                button.second type="submit" { "Change the name" }
            }
        }
    };
    Ok(answer(app, clerk, &partner.name, Section::Partners, &main, problem))
}

/// What stands in the field of the name.
fn named(partner: &Partner, typed: &Entry) -> Entry {
    let mut mine = typed.clone();
    if !mine.has("name") {
        mine.put("name", &partner.name);
    }
    mine
}

fn facts(told: &Told) -> Markup {
    let partner = &told.partner;
    html! {
        dl.facts {
            dt { "You owe" } dd { (owed(partner, partner.owed_to_it()))
                @if !partner.payable_reserved.is_zero() {
                    ", and " (owed(partner, partner.payable_reserved)) " for exchanges under way" } }
            dt { "It owes you" } dd { (owed(partner, partner.owed_by_it()))
                @if !partner.receivable_reserved.is_zero() {
                    ", and " (owed(partner, partner.receivable_reserved)) " for exchanges under way" } }
            dt { "Open cycle" } dd { "number " (partner.cycle) ", since " (date(partner.cycle_began_at)) }
            dt { "Linked accounts" } dd {
                @if told.links >= u64::from(MOST_LINKS) { (told.links) " or more" } @else { (told.links) }
                " of your buyers" }
            dt { "Its bank account" } dd {
                @if told.has_bank { "known. " } @else { "not known yet. " }
                a href={ "/admin/partners/" (partner.id) "/bank" } { "Look at it" } }
            dt { "Entered" } dd { (date(partner.created_at)) }
        }
        @if partner.suspended_there {
            (notice(Tone::Warn, &html! { p { "The partner does not exchange with you at the moment: it has said so." } }))
        }
    }
}

/// How much of what is agreed is used up.
fn limits(app: &App, told: &Told) -> Markup {
    let partner = &told.partner;
    let in_force = told.agreements.iter().find(|one| Some(one.id) == partner.agreement);
    let Some(terms) = in_force.map(|agreement| &agreement.terms) else { return Markup::default() };
    let today = partner.day >= app.engine.now().midnight();
    let used = |amount: Amount| if today { amount } else { Amount::ZERO };
    let [out, back] = [app.engine.public_url(), &partner.url].map(|issuer| terms.way(issuer));
    html! {
        h2 { "Limits" }
        dl.facts {
            @if let Some((way, from, _)) = out {
                dt { "Given by your buyers today" }
                dd { (MoneyOut::scaled(used(partner.day_given), from.token, from.scale)) " of "
                    (MoneyOut::scaled(way.day, from.token, from.scale)) }
                dt { "You may owe" } dd { "at most " (fine_of(way.cap, terms.currency)) }
            }
            @if let Some((way, from, _)) = back {
                dt { "Given by its buyers today" }
                dd { (MoneyOut::scaled(used(partner.day_taken), from.token, from.scale)) " of "
                    (MoneyOut::scaled(way.day, from.token, from.scale)) }
                dt { "It may owe" } dd { "at most " (fine_of(way.cap, terms.currency)) }
            }
        }
    }
}

/// What can be done now, each on a page of its own.
fn acts(told: &Told) -> Markup {
    let id = told.partner.id;
    let in_force = told.partner.agreement;
    html! {
        div.choice {
            @for agreement in &told.agreements {
                @for turn in possible(agreement, &told.partner) {
                    a.button.second href={ "/admin/agreements/" (agreement.id) "/" (turn.word()) } {
                        (turn.name()) " " (agreement.version)
                    }
                }
            }
            @if let Some(agreement) = in_force {
                a.button.second href={ "/admin/agreements/" (agreement) "/close-cycle" } { "Close the cycle" }
            }
            a.button href={ "/admin/partners/" (id) "/propose" } { "Propose terms" }
        }
    }
}

fn agreements(told: &Told) -> Markup {
    table_of(
        "Each has a number, whoever proposed it",
        &["Number", "State", "Proposed", "Holds from", "Until"],
        &html! {
            @for agreement in &told.agreements {
                tr {
                    th scope="row" { a href={ "/admin/agreements/" (agreement.id) } { "Number " (agreement.version) } }
                    td { (agreement_badge(agreement, &told.partner)) }
                    td { (date(agreement.proposed_at)) }
                    td { (super::parts::when(agreement.effective_at)) }
                    td { (super::parts::when(agreement.ends_at)) }
                }
            }
        },
    )
}
