//! The audit log: who did what, newest first, of everything or of one thing.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::api_key::ApiKey;
use scrip_domain::audit::{Actor, Audit};
use scrip_domain::staff::StaffMember;
use serde::Deserialize;
use serde_json::Value;

use super::desk::{Desk, See};
use super::parts::{address, distinct, pager, range, search, table};
use super::{Section, page};
use crate::App;
use crate::api::List;
use crate::extract::Query;
use crate::pages::date;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/admin/audit", get(list))
}

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
    let asked = range(&app, &list, query.after.as_deref())?;
    let rows = match subject {
        "" => app.engine.store().audit(asked).await?,
        subject => app.engine.store().audit_of(subject, asked).await?,
    };
    let names = Names::of(&app, &rows).await?;
    let number = |row: &Audit| row.id.number();
    let next = List::of(&app.engine, &list, asked, &rows, number, |_| ()).next;
    let main = html! {
        (search("/admin/audit", "subject", "Done to", subject, "An id: ord_…, acc_…, stf_…"))
        @if !subject.is_empty() {
            p { "What was done to " code { (subject) } ". " a href="/admin/audit" { "Show everything" } }
        }
        @if rows.is_empty() { p { "Nothing is on record." } } @else { (acts(&rows, &names)) }
        (pager(&address("/admin/audit", &[("subject", subject)]), next.as_deref()))
    };
    Ok(page(&app, &desk, "Audit log", Section::Audit, &main))
}

fn acts(rows: &[Audit], names: &Names) -> Markup {
    table(
        &["When", "Who", "What", "To", "Changes"],
        &html! {
            @for row in rows {
                tr {
                    td { (date(row.at)) }
                    td { (names.of_actor(row.actor)) }
                    td { code { (row.act) } }
                    td.subject {
                        a href=(address("/admin/audit", &[("subject", &row.subject)])) { code { (row.subject) } }
                    }
                    td { (changes(&row.changes)) }
                }
            }
        },
    )
}

/// What those are called who did what a page shows: read at once.
struct Names {
    members: Vec<StaffMember>,
    keys: Vec<ApiKey>,
}

impl Names {
    async fn of(app: &App, rows: &[Audit]) -> Result<Self, Problem> {
        let member = |row: &Audit| match row.actor {
            Actor::Staff(id) => Some(id),
            _ => None,
        };
        let key = |row: &Audit| match row.actor {
            Actor::Key(id) => Some(id),
            _ => None,
        };
        let store = app.engine.store();
        Ok(Self {
            members: store.staff_called(&distinct(rows.iter().filter_map(member))).await?,
            keys: store.api_keys_called(&distinct(rows.iter().filter_map(key))).await?,
        })
    }

    fn of_actor(&self, actor: Actor) -> Markup {
        match actor {
            Actor::Staff(id) => match self.members.iter().find(|row| row.id == id) {
                Some(member) => html! { (member.name) },
                None => html! { code { (id) } },
            },
            Actor::Key(id) => match self.keys.iter().find(|row| row.id == id) {
                Some(key) => html! { "key “" (key.label) "”" },
                None => html! { code { (id) } },
            },
            Actor::Operator => html! { "the command line on the server" },
            Actor::Server => html! { "the server, by a rule" },
        }
    }
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
