//! Licenses: found by whatever is known of them, how they are used, and what staff do with them.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::license::{License, LicenseState};
use scrip_domain::order::Order;
use scrip_domain::staff::Power;
use scrip_domain::usage::Activation;
use scrip_engine::Page;
use scrip_engine::license::Standing;
use scrip_engine::license::reissue::Asker;
use scrip_engine::license::suspend::Verdict;
use serde::Deserialize;

use super::desk::{Clerk, Desk, People, See};
use super::entry::{Entry, Sent, once};
use super::orders::account_called;
use super::parts::{
    Told, account_link, address, distinct, done, license_badge, license_link, link_to, order_link,
    pager, range, table,
};
use super::{Section, page, with_status};
use crate::App;
use crate::api::List;
use crate::api::licenses::{MOST_MACHINES, unit, word};
use crate::extract::{IdPath, Query};
use crate::pages::date;
use crate::pages::form::{Form, mistake};
use crate::pages::look::blank;
use crate::pages::words::terms;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/licenses", get(list))
        .route("/admin/licenses/find", post(find))
        .route("/admin/licenses/{id}", get(show))
        .route("/admin/licenses/{id}/suspend", post(suspend))
        .route("/admin/licenses/{id}/resume", post(resume))
        .route("/admin/licenses/{id}/revoke", post(revoke))
        .route("/admin/licenses/{id}/reissue", post(reissue))
        .route("/admin/licenses/{id}/deactivate", post(deactivate))
}

/// The longest text that is looked at as a code.
const LONGEST: usize = 4096;

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    account: String,
    #[serde(default)]
    order: String,
    after: Option<String>,
}

async fn list(
    State(app): State<App>,
    desk: Desk<See>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let account = wanted.account.parse::<Id<Account>>().ok();
    let order = wanted.order.parse::<Id<Order>>().ok();
    let (rows, next) = rows(&app, account, order, wanted.after.as_deref()).await?;
    let here =
        address("/admin/licenses", &[("account", &wanted.account), ("order", &wanted.order)]);
    let main = html! {
        (finder("", None))
        @if let Some(account) = account {
            p { "Licenses of " (link_to(account, &account.to_string())) ". " a href="/admin/licenses" { "All licenses" } }
        }
        @if let Some(order) = order { p { "Licenses of " (order_link(order)) ". " a href="/admin/licenses" { "All licenses" } } }
        @if rows.is_empty() { (blank("No licenses", "There are none of this kind.", None)) }
        @else { (license_table(&app, &rows).await?) }
        (pager(&here, next.as_deref()))
    };
    Ok(page(&app, &desk, "Licenses", Section::Licenses, &main))
}

async fn rows(
    app: &App,
    account: Option<Id<Account>>,
    order: Option<Id<Order>>,
    after: Option<&str>,
) -> Result<(Vec<License>, Option<String>), Problem> {
    let named = |id: Option<String>| id.unwrap_or_default();
    let list = format!(
        "console-licenses {} {}",
        named(account.map(|id| id.to_string())),
        named(order.map(|id| id.to_string()))
    );
    let page = range(app, &list, after)?;
    let rows = app.engine.store().licenses(account, order, page).await?;
    let next = List::of(&app.engine, &list, page, &rows, |row| row.id.number(), |_| ()).next;
    Ok((rows, next))
}

/// What finds a license. It is sent in a form's body: a code is no part of an address, which browsers and logs keep.
fn finder(text: &str, wrong: Option<&str>) -> Markup {
    html! {
        form method="post" action="/admin/licenses/find" role="search" {
            div.field {
                label for="license-search" { "Find licenses" }
                p.hint id="license-search-hint" { "A code in either form, or the name of a license, of an order or of an account, or an address." }
                div.search {
                    input id="license-search" name="q" type="search" value=(text) autocomplete="off" aria-describedby="license-search-hint"
                        aria-invalid=[wrong.map(|_| "true")];
                    button.second type="submit" { "Find" }
                }
                @if let Some(wrong) = wrong { (mistake(None, wrong)) }
            }
        }
    }
}

async fn find(
    State(app): State<App>,
    desk: Desk<See>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let text = entry.get("q");
    if let Some(to) = called(&app, text).await? {
        return Ok(Redirect::to(&to).into_response());
    }
    let main =
        finder(text, Some("Nothing is called so, and this is no code of this shop's licenses."));
    let problem = Problem::field("q", "nothing is found");
    Ok(with_status(page(&app, &desk, "Licenses", Section::Licenses, &main), &problem))
}

async fn called(app: &App, text: &str) -> Result<Option<String>, Problem> {
    if text.is_empty() {
        return Ok(Some("/admin/licenses".to_owned()));
    }
    if let Ok(id) = text.parse::<Id<License>>() {
        let found = app.engine.store().license(id).await?;
        return Ok(found.map(|license| format!("/admin/licenses/{}", license.id)));
    }
    if let Ok(order) = text.parse::<Id<Order>>() {
        return Ok(Some(address("/admin/licenses", &[("order", &order.to_string())])));
    }
    if let Some(account) = account_called(app, text).await? {
        return Ok(Some(address("/admin/licenses", &[("account", &account.to_string())])));
    }
    if text.len() > LONGEST {
        return Ok(None);
    }
    let (_, license) = app.engine.validate(text).await?;
    Ok(license.map(|license| format!("/admin/licenses/{}", license.id)))
}

/// Licenses, a row each.
pub async fn license_table(app: &App, rows: &[License]) -> Result<Markup, Problem> {
    if rows.is_empty() {
        return Ok(html! { p { "None yet." } });
    }
    let products = distinct(rows.iter().map(|license| license.product));
    let products = app.engine.store().products_called(&products).await?;
    let product = |license: &License| products.iter().find(|row| row.id == license.product);
    let now = app.engine.now();
    Ok(table(
        &["License", "Product", "Terms", "State", "Issued"],
        &html! {
            @for license in rows {
                tr {
                    th scope="row" { (license_link(license.id)) }
                    td { @if let Some(product) = product(license) { (product.title) } }
                    td { (terms(license.terms)) }
                    td { (license_badge(word(license, now))) }
                    td { (date(license.issued_at)) }
                }
            }
        },
    ))
}

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<License>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    shown(&app, &desk, id, told.done.as_deref(), Sent::default()).await
}

/// What was done a moment ago, by its word.
const DONE: &[(&str, &str)] = &[
    ("suspend", "The license is suspended: its code answers so until it is resumed."),
    ("resume", "The license is in force again."),
    ("revoke", "The license is revoked, for good."),
    (
        "reissue",
        "A new code is issued: its holder finds it in the library. The one before is dead.",
    ),
    ("deactivate", "The machine is deactivated."),
];

async fn shown(
    app: &App,
    clerk: &Clerk,
    id: Id<License>,
    told: Option<&str>,
    sent: Sent<'_>,
) -> Result<Response, Problem> {
    let store = app.engine.store();
    let license = store.license(id).await?.ok_or_else(Problem::not_found)?;
    let account = store.account(license.account).await?.ok_or_else(Problem::not_found)?;
    let product = store.product(license.product).await?;
    let standing = app.engine.standing(license.clone()).await?;
    let machines = store.activations_of(id, MOST_MACHINES).await?;
    let leases = store.leases_of(id, Page { after: None, limit: 20 }).await?;
    let title = product.map_or_else(|| id.to_string(), |product| product.title);
    let main = html! {
        p.trail { a href="/admin/licenses" { "Licenses" } }
        (done(told, DONE))
        dl.facts {
            dt { "License" } dd { code { (license.id) } }
            dt { "State" } dd { (license_badge(word(&license, app.engine.now()))) }
            dt { "Account" } dd { (account_link(&account)) }
            dt { "Order" } dd { (order_link(license.order)) }
            dt { "Terms" } dd { (terms(license.terms)) }
            @if let Some(at) = license.expires_at { dt { "Until" } dd { (date(at)) } }
            dt { "Code" } dd { "Issue " (license.issue) ", " (date(license.issued_at)) }
        }
        (usage(app, &standing))
        (acts(app, clerk, &license, sent))
        (machine_table(clerk, &license, &machines, sent.to("deactivate")))
        h2 { "Leases" }
        @if leases.is_empty() { p { "None yet." } } @else {
            (table(&["Lease", "#Units", "Given", "Until", "Returned", "#Of them used"], &html! {
                @for lease in &leases {
                    tr {
                        th scope="row" { code { (lease.id) } }
                        td.sum { (lease.units) }
                        td { (date(lease.at)) }
                        td { (date(lease.expires_at)) }
                        td { @if let Some(at) = lease.returned_at { (date(at)) } @else { "Not yet" } }
                        td.sum { @if let Some(used) = lease.used { (used) } }
                    }
                }
            }))
        }
    };
    Ok(page(app, clerk, &title, Section::Licenses, &main))
}

fn usage(app: &App, Standing { license, usage }: &Standing) -> Markup {
    html! {
        h2 { "In use" }
        dl.facts {
            @if let Some(unit) = unit(license.terms) {
                dt { "Left" } dd { (usage.left(license.terms).unwrap_or_default()) " " (unit) }
                dt { "Used" } dd { (usage.used) }
                dt { "Leased" } dd { (usage.leased) }
            }
            dt { "Machines" }
            dd { (usage.machines) @if let Some(most) = license.limits.machines { " of " (most) } }
            dt { "Moves within a year" }
            dd { (usage.moves_at(app.engine.now())) @if let Some(most) = license.limits.moves { " of " (most) } }
        }
    }
}

fn acts(app: &App, clerk: &Clerk, license: &License, sent: Sent<'_>) -> Markup {
    if !clerk.may(Power::People) {
        return Markup::default();
    }
    let at = format!("/admin/licenses/{}", license.id);
    let is =
        |states: &[LicenseState], form: &str| states.contains(&license.state) || sent.form == form;
    let (valid, suspended) = (LicenseState::Valid, LicenseState::Suspended);
    let act = |form: &str, (name, hint): (&str, &str), is_danger: bool| {
        let sent = sent.to(form);
        html! {
            details open[sent.is_back()] {
                summary { (name) }
                (sent.complaint())
                form method="post" action={ (at) "/" (form) } {
                    (once(app))
                    p.hint { (hint) }
                    (sent.reason("For the record."))
                    button.danger[is_danger] type="submit" { (name) }
                }
            }
        }
    };
    html! {
        h2 { "What you can do" }
        div.acts {
            @if is(&[valid], "suspend") {
                (act("suspend", ("Suspend", "Its code answers that it is suspended, until it is resumed."), true))
            }
            @if is(&[suspended], "resume") { (act("resume", ("Resume", "It is in force again."), false)) }
            @if is(&[valid], "reissue") {
                (act("reissue", ("Issue a new code", "The one before is dead at once. The new one is shown to its holder only."), false))
            }
            @if is(&[valid, suspended], "revoke") {
                (act("revoke", ("Revoke", "For good. No token goes back with it: a refund is made at the order."), true))
            }
        }
    }
}

fn machine_table(
    clerk: &Clerk,
    license: &License,
    machines: &[Activation],
    sent: Sent<'_>,
) -> Markup {
    let may = clerk.may(Power::People) && !machines.is_empty();
    html! {
        h2 { "Machines" }
        @if machines.is_empty() { p { "It is active on none." } } @else {
            (table(&["Machine", "Name", "Since", "Offline until"], &html! {
                @for machine in machines {
                    tr {
                        th scope="row" { code { (machine.id) } }
                        td { (machine.name) }
                        td { (date(machine.activated_at)) }
                        td { (date(machine.offline_until)) }
                    }
                }
            }))
        }
        @if may || sent.is_back() {
            details open[sent.is_back()] {
                summary { "Deactivate a machine" }
                (sent.complaint())
                form.narrow method="post" action={ "/admin/licenses/" (license.id) "/deactivate" } {
                    div.field {
                        label for="activation" { "Machine" }
                        select id="activation" name="activation" {
                            @for machine in machines {
                                option value=(machine.id) selected[sent.value("activation") == machine.id.to_string()] {
                                    (machine.id) " " (machine.name)
                                }
                            }
                        }
                        @if let Some(wrong) = sent.error("activation") { (mistake(None, wrong)) }
                    }
                    (sent.reason("For the record. It counts as no move of the holder's."))
                    button.danger type="submit" { "Deactivate" }
                }
            }
        }
    }
}

/// The license's page again: that it is done, or the form that comes back.
async fn after(
    app: &App,
    clerk: &Clerk,
    id: Id<License>,
    (form, entry): (&str, &Entry),
    done: Result<(), Problem>,
) -> Result<Response, Problem> {
    match done {
        Ok(()) => Ok(Redirect::to(&format!("/admin/licenses/{id}?done={form}")).into_response()),
        Err(problem) => {
            let page = shown(app, clerk, id, None, Sent::back(form, entry, &problem)).await?;
            Ok(with_status(page, &problem))
        }
    }
}

async fn judge(
    app: &App,
    clerk: &Clerk,
    id: Id<License>,
    (form, verdict): (&str, Verdict),
    entry: &Entry,
) -> Result<Response, Problem> {
    let done = match entry.words("reason") {
        Ok(reason) => {
            let judged = app.engine.judge_license(clerk.staff, id, verdict, reason).await?;
            judged.map(|_| ()).map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    after(app, clerk, id, (form, entry), done).await
}

async fn suspend(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(id): IdPath<License>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    judge(&app, &desk, id, ("suspend", Verdict::Suspend), &entry).await
}

async fn resume(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(id): IdPath<License>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    judge(&app, &desk, id, ("resume", Verdict::Resume), &entry).await
}

async fn revoke(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(id): IdPath<License>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    judge(&app, &desk, id, ("revoke", Verdict::Revoke), &entry).await
}

async fn reissue(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(id): IdPath<License>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let read = || -> Result<_, Problem> {
        Ok((entry.words("reason")?, entry.request(&format!("reissue {id}"))?))
    };
    let done = match read() {
        Ok((reason, request)) => {
            let asker = Asker::Staff(desk.staff, reason);
            let issued = app.engine.reissue(asker, id, request).await?;
            issued.map(|_| ()).map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    after(&app, &desk, id, ("reissue", &entry), done).await
}

async fn deactivate(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(id): IdPath<License>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let license = app.engine.store().license(id).await?.ok_or_else(Problem::not_found)?;
    let read = || -> Result<(Id<Activation>, String), Problem> {
        let machine = entry.get("activation").parse();
        let machine = machine.map_err(|_| Problem::field("activation", "choose a machine"))?;
        Ok((machine, entry.words("reason")?))
    };
    let done = match read() {
        Ok((machine, reason)) => {
            let done =
                app.engine.deactivate_by_staff(desk.staff, &license, machine, reason).await?;
            done.map(|_| ()).map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    after(&app, &desk, id, ("deactivate", &entry), done).await
}
