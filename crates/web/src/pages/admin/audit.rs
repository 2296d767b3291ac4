//! The audit log: who did what, newest first, of everything or of one thing.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::audit::{Actor, Audit};
use serde::Deserialize;
use serde_json::Value;

use super::desk::{Desk, See};
use super::{Section, page};
use crate::App;
use crate::api::{List, ListQuery};
use crate::extract::Query;
use crate::pages::date;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/admin/audit", get(list))
}

/// How many acts a page shows.
const PAGE: u32 = 50;

#[derive(Debug, Default, Deserialize)]
struct AuditQuery {
    #[serde(default)]
    subject: String,
    after: Option<String>,
}

async fn list(
    State(app): State<App>,
    desk: Desk<See>,
    Query(query): Query<AuditQuery>,
) -> Result<Response, Problem> {
    let subject = query.subject.trim();
    if subject.chars().count() > 200 || subject.chars().any(char::is_control) {
        return Err(Problem::field("subject", "at most 200 characters on one line"));
    }
    // A cursor is good for the list that it came from only.
    let list = format!("audit {subject}");
    let asked = ListQuery::of(PAGE, query.after.clone()).page(&app.engine, &list)?;
    let rows = match subject {
        "" => app.engine.store().audit(asked).await?,
        subject => app.engine.store().audit_of(subject, asked).await?,
    };
    let mut shown = Vec::with_capacity(rows.len());
    for row in &rows {
        shown.push((row, actor(&app, row.actor).await?));
    }
    let number = |row: &Audit| row.id.number();
    let next = List::of(&app.engine, &list, asked, &rows, number, |_| ()).next;
    let main = html! {
        form.search method="get" action="/admin/audit" role="search" {
            label.unseen for="subject" { "Done to" }
            input id="subject" name="subject" type="search" value=(subject) placeholder="An id: ord_…, acc_…, stf_…";
            button.second type="submit" { "Show" }
        }
        @if !subject.is_empty() {
            p { "What was done to " code { (subject) } ". " a href="/admin/audit" { "Show everything" } }
        }
        @if shown.is_empty() { p { "Nothing is on record." } } @else { (table(&shown)) }
        @if let Some(next) = next {
            p.pager { a href={ "/admin/audit?subject=" (encoded(subject)) "&after=" (next) } { "Earlier" } }
        }
    };
    Ok(page(&app, &desk, "Audit log", Section::Audit, &main))
}

fn table(rows: &[(&Audit, Markup)]) -> Markup {
    html! {
        div.wide {
            table {
                thead { tr { th { "When" } th { "Who" } th { "What" } th { "To" } th { "Changes" } } }
                tbody {
                    @for (row, actor) in rows {
                        tr {
                            td { (date(row.at)) }
                            td { (actor) }
                            td { code { (row.act) } }
                            td { a href={ "/admin/audit?subject=" (encoded(&row.subject)) } { code { (row.subject) } } }
                            td { (changes(&row.changes)) }
                        }
                    }
                }
            }
        }
    }
}

/// Who it was, by name.
async fn actor(app: &App, actor: Actor) -> Result<Markup, Problem> {
    Ok(match actor {
        Actor::Staff(id) => match app.engine.staff_member(id).await? {
            Some(member) => html! { (member.name) },
            None => html! { code { (id) } },
        },
        Actor::Key(id) => match app.engine.store().api_key(id).await? {
            Some(key) => html! { "key “" (key.label) "”" },
            None => html! { code { (id) } },
        },
        Actor::Operator => html! { "the command line on the server" },
        Actor::Server => html! { "the server, by a rule" },
    })
}

/// Member by member what was, and what is.
fn changes(changes: &Value) -> Markup {
    let Some(members) = changes.as_object().filter(|members| !members.is_empty()) else {
        return html! { "" };
    };
    html! {
        details {
            summary { (members.keys().map(String::as_str).collect::<Vec<_>>().join(", ")) }
            dl.facts {
                @for (name, value) in members {
                    dt { (name) }
                    dd {
                        @match (value.get("from"), value.get("to")) {
                            (None, None) => code { (value.to_string()) },
                            (from, to) => {
                                @if let Some(from) = from { code { (from.to_string()) } " → " }
                                @if let Some(to) = to { code { (to.to_string()) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
