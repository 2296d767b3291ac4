//! Webhook endpoints: who is told of what, how each telling went, and telling once more.
//!
//! ```text
//! made ──▶ told of what happens ◀──enable, disable──▶ told nothing ──delete──▶ gone
//! ```
//! A secret is on the page that makes it, and on no other.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::event::EventType;
use scrip_domain::webhook::{Delivery, DeliveryState, Disabled, OVERLAP, WebhookEndpoint};
use scrip_engine::webhook::{EndpointChange, EndpointFields, WithSecret};
use serde::Deserialize;

use super::parts::{Question, answer, when, within};
use crate::App;
use crate::api::List;
use crate::extract::{IdPath, NamePath, Query};
use crate::language::zone;
use crate::pages::admin::desk::{Clerk, Desk, Settings};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::admin::parts::{pager, range, table_of};
use crate::pages::admin::{Section, page, page_with_script};
use crate::pages::date;
use crate::pages::form::{Form, Nothing};
use crate::pages::look::{Tone, badge, blank, notice, once};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/webhooks", get(list))
        .route("/admin/webhooks/new", get(ask).post(make))
        .route("/admin/webhooks/{id}", get(show))
        .route("/admin/webhooks/{id}/change", get(ask_change).post(change))
        .route("/admin/webhooks/{id}/rotate", get(ask_rotate).post(rotate))
        .route("/admin/webhooks/{id}/disable", post(disable))
        .route("/admin/webhooks/{id}/enable", post(enable))
        .route("/admin/webhooks/{id}/delete", get(ask_delete).post(delete))
        .route("/admin/webhooks/{id}/test", post(test))
        .route("/admin/webhooks/{id}/replay", post(replay))
        .route("/admin/webhooks/{id}/deliveries/{delivery}", post(again))
}

async fn list(State(app): State<App>, desk: Desk<Settings>) -> Result<Response, Problem> {
    // There are at most twenty.
    let range = range(&app, "webhook-endpoints", None)?;
    let rows = app.engine.store().webhook_endpoints(range).await?;
    let main = html! {
        @if rows.is_empty() {
            (blank("Nobody is told yet", "A webhook endpoint is a program of yours that is told, by a signed message, of what happens here.",
                Some(("/admin/webhooks/new", "Add an endpoint"))))
        } @else {
            p { a.button href="/admin/webhooks/new" { "Add an endpoint" } }
            (table_of("Who is told, newest first", &["Endpoint", "State", "Told of", "Made"], &html! {
                @for row in &rows {
                    tr {
                        th scope="row" {
                            a href={ "/admin/webhooks/" (row.id) } { (row.url) }
                            @if !row.label.is_empty() { br; span.small { bdi { (row.label) } } }
                        }
                        td { (state_badge(row)) }
                        td { @if row.events.is_empty() { "everything" } @else { (row.events.len()) " kinds of events" } }
                        td { (date(row.created_at)) }
                    }
                }
            }))
        }
        p.small { "How messages are signed, and how to check them, says the documentation of webhooks; the events are listed in the "
            a href="/docs" { "API reference" } "." }
    };
    Ok(page(&app, &desk, "Webhooks", Section::Webhooks, &main))
}

fn state_badge(endpoint: &WebhookEndpoint) -> Markup {
    match (endpoint.disabled, endpoint.failing_since) {
        (Some(Disabled::Staff), _) => badge(Tone::Info, "Disabled"),
        (Some(Disabled::Gone), _) => badge(Tone::Bad, "Disabled: it answered 410"),
        (Some(Disabled::Failing), _) => badge(Tone::Bad, "Disabled: nothing arrived for days"),
        (None, Some(_)) => badge(Tone::Warn, "Nothing arrives"),
        (None, None) => badge(Tone::Good, "Told"),
    }
}

async fn ask(State(app): State<App>, desk: Desk<Settings>) -> Response {
    let sent = Sent::default();
    let main = endpoint_form(sent, "/admin/webhooks/new", "Add it", "/admin/webhooks");
    page(&app, &desk, "Add an endpoint", Section::Webhooks, &main)
}

async fn make(
    State(app): State<App>,
    desk: Desk<Settings>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let problem = match typed.line::<0, 100>("label") {
        Ok(label) => {
            let fields =
                EndpointFields { url: typed.get("url").to_owned(), label, events: events(&typed) };
            match app.engine.make_webhook(desk.staff, fields).await? {
                Ok(made) => return Ok(secret(&app, &desk, &made, "The endpoint is made")),
                Err(refusal) => Problem::from(refusal),
            }
        }
        Err(problem) => problem,
    };
    let sent = Sent::only(&typed, Some(&problem));
    let main = endpoint_form(sent, "/admin/webhooks/new", "Add it", "/admin/webhooks");
    Ok(answer(&app, &desk, "Add an endpoint", Section::Webhooks, &main, Some(&problem)))
}

/// The events that were ticked.
fn events(typed: &Entry) -> Vec<EventType> {
    let ticked = |kind: &&EventType| typed.has(&format!("events.{kind}"));
    EventType::ALL.iter().filter(ticked).copied().collect()
}

fn endpoint_form(sent: Sent<'_>, action: &str, button: &str, back: &str) -> Markup {
    html! {
        (within(back, "Back"))
        (sent.complaint())
        form method="post" action=(action) {
            div.narrow {
                (sent.field("url", "Address", Some("A public address that begins with https://. In the demo, this machine too.")))
                (sent.optional("label", "What it is for", Some("Optional, for people.")))
            }
            fieldset {
                legend { "What it is told of" }
                p.hint { "Tick nothing, and it is told of everything, also of what there will be." }
                div.ticks { @for kind in EventType::ALL { (sent.tick(&format!("events.{kind}"), kind.as_str())) } }
            }
            div.choice {
                button type="submit" { (button) }
                a.button.second href=(back) { "Not now" }
            }
        }
    }
}

/// The one page that shows a secret.
fn secret(app: &App, clerk: &Clerk, made: &WithSecret, title: &str) -> Response {
    let endpoint = &made.endpoint;
    let until = endpoint.rotated_at.map(|at| at.plus(OVERLAP));
    let main = html! {
        p.lead { "This secret signs what is sent to " (endpoint.url) "." }
        (once(&made.secret))
        @if let Some(until) = until { p { "The one before signs too until " (date(until)) "." } }
        p { a.button href={ "/admin/webhooks/" (endpoint.id) } { "I have copied it" } }
    };
    page_with_script(app, clerk, title, Section::Webhooks, &main)
}

async fn found(app: &App, id: Id<WebhookEndpoint>) -> Result<WebhookEndpoint, Problem> {
    let endpoint = app.engine.store().webhook_endpoint(id).await?;
    endpoint.filter(|endpoint| endpoint.removed_at.is_none()).ok_or_else(Problem::not_found)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place {
    after: Option<String>,
    /// How many events were gone through once more, just now.
    replayed: Option<u64>,
}

async fn show(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<WebhookEndpoint>,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    shown(&app, &desk, id, &place, Sent::default()).await
}

async fn shown(
    app: &App,
    clerk: &Clerk,
    id: Id<WebhookEndpoint>,
    place: &Place,
    sent: Sent<'_>,
) -> Result<Response, Problem> {
    let endpoint = found(app, id).await?;
    let list = format!("deliveries {id}");
    let range = range(app, &list, place.after.as_deref())?;
    let rows = app.engine.store().deliveries_of(id, range).await?;
    let next = List::of(&app.engine, &list, range, &rows, |row| row.id.number(), |_| ()).next;
    let here = format!("/admin/webhooks/{id}");
    let since = format!(
        "A day such as 2026-11-22, or a time such as 2026-11-22 12:00, of {}.",
        zone().name()
    );
    let main = html! {
        (within("/admin/webhooks", "Webhooks"))
        (sent.complaint())
        @if let Some(count) = place.replayed {
            (notice(Tone::Good, &html! { p role="status" { (count) " events are gone through once more." } }))
        }
        p.lead { (endpoint.url) " " (state_badge(&endpoint)) }
        (facts(&endpoint))
        (acts(&endpoint, &here))
        h2 { "Messages of the last 30 days" }
        @if rows.is_empty() { p { "Nothing was told yet. Send a test to try it." } } @else {
            (delivery_rows(&here, &rows))
            (pager(&here, next.as_deref()))
        }
        h2 { "Tell it once more" }
        p { "Everything since a time, in order, as far as it wants to be told. Messages keep their names, so a program that has seen one knows it." }
        form.narrow method="post" action={ (here) "/replay" } {
            (sent.field("since", "Since", Some(&since)))
            button.second type="submit" { "Tell it once more" }
        }
    };
    Ok(answer(app, clerk, "Webhook endpoint", Section::Webhooks, &main, sent.problem))
}

fn facts(endpoint: &WebhookEndpoint) -> Markup {
    html! {
        dl.facts {
            @if !endpoint.label.is_empty() { dt { "What it is for" } dd { bdi { (endpoint.label) } } }
            dt { "Told of" } dd {
                @if endpoint.events.is_empty() { "everything" }
                @for (place, kind) in endpoint.events.iter().enumerate() {
                    @if place > 0 { ", " } code { (kind) }
                }
            }
            dt { "Made" } dd { (date(endpoint.created_at)) }
            @if endpoint.disabled.is_some() { dt { "Disabled" } dd { (when(endpoint.disabled_at)) } }
            @if endpoint.failing_since.is_some() { dt { "Nothing arrived since" } dd { (when(endpoint.failing_since)) } }
            @if endpoint.rotated_at.is_some() { dt { "Secret changed" } dd { (when(endpoint.rotated_at)) } }
        }
    }
}

fn acts(endpoint: &WebhookEndpoint, here: &str) -> Markup {
    html! {
        div.row {
            form method="post" action={ (here) "/test" } { button type="submit" { "Send a test" } }
            a.button.second href={ (here) "/change" } { "Change it" }
            a.button.second href={ (here) "/rotate" } { "New secret" }
            @if endpoint.disabled.is_some() {
                form method="post" action={ (here) "/enable" } { button.second type="submit" { "Enable" } }
            } @else {
                form method="post" action={ (here) "/disable" } { button.second type="submit" { "Disable" } }
            }
            a.button.second href={ (here) "/delete" } { "Delete" }
        }
    }
}

fn delivery_rows(here: &str, rows: &[Delivery]) -> Markup {
    table_of(
        "Newest first",
        &["Of", "State", "#Tries", "Last try", "Answer", "Next try", "?What you can do"],
        &html! {
            @for row in rows {
                tr {
                    th scope="row" { @match row.event { Some(event) => code { (event) }, None => "a test" } }
                    td { @match row.state {
                        DeliveryState::Pending => (badge(Tone::Warn, "Pending")),
                        DeliveryState::Delivered => (badge(Tone::Good, "Arrived")),
                        DeliveryState::Failed => (badge(Tone::Bad, "Given up")),
                    } }
                    td.sum { (row.attempts) }
                    td { (when(row.tried_at)) }
                    td.answer {
                        @if let Some(status) = row.status { (status) " " }
                        @if let Some(text) = &row.answer { bdi { (text) } }
                    }
                    td { (when(row.due_at)) }
                    td { form method="post" action={ (here) "/deliveries/" (row.id) } {
                        button.plain type="submit" { "Send again" span.unseen { " " (row.id) } } } }
                }
            }
        },
    )
}

async fn ask_change(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<WebhookEndpoint>,
) -> Result<Response, Problem> {
    let endpoint = found(&app, id).await?;
    let mut typed = Entry::default();
    typed.put("url", &endpoint.url);
    typed.put("label", &endpoint.label);
    for kind in &endpoint.events {
        typed.put(format!("events.{kind}"), "on");
    }
    let here = format!("/admin/webhooks/{id}");
    let sent = Sent::only(&typed, None);
    let main = endpoint_form(sent, &format!("{here}/change"), "Save", &here);
    Ok(page(&app, &desk, "Change an endpoint", Section::Webhooks, &main))
}

async fn change(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<WebhookEndpoint>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let here = format!("/admin/webhooks/{id}");
    let problem = match typed.line::<0, 100>("label") {
        Ok(label) => {
            let change = EndpointChange {
                url: Some(typed.get("url").to_owned()),
                label: Some(label),
                events: Some(events(&typed)),
            };
            match app.engine.change_webhook(desk.staff, id, change).await? {
                Ok(_) => return Ok(Redirect::to(&here).into_response()),
                Err(refusal) => Problem::from(refusal),
            }
        }
        Err(problem) => problem,
    };
    let sent = Sent::only(&typed, Some(&problem));
    let main = endpoint_form(sent, &format!("{here}/change"), "Save", &here);
    Ok(answer(&app, &desk, "Change an endpoint", Section::Webhooks, &main, Some(&problem)))
}

async fn ask_rotate(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<WebhookEndpoint>,
) -> Result<Response, Problem> {
    let endpoint = found(&app, id).await?;
    let here = format!("/admin/webhooks/{id}");
    let says = html! {
        p.lead { "Messages to " (endpoint.url) " are signed with a new secret. The one of now signs beside it for 24 hours." }
        p { "The new one is shown once, on the next page." }
    };
    let question = Question {
        says: &says,
        action: &format!("{here}/rotate"),
        fields: &html! { input type="hidden" name="issue" value=(endpoint.issue); },
        button: "Make a new secret",
        is_final: false,
        back: &here,
    };
    let main = html! { (within(&here, "Webhook endpoint")) (question.ask(None)) };
    Ok(page(&app, &desk, "New secret", Section::Webhooks, &main))
}

/// From which secret it is changed: the form sent twice changes it once, and tells the same.
#[derive(Debug, Deserialize)]
struct RotateForm {
    issue: u32,
}

async fn rotate(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<WebhookEndpoint>,
    Form(RotateForm { issue }): Form<RotateForm>,
) -> Result<Response, Problem> {
    let made = app.engine.rotate_webhook(desk.staff, id, Some(issue)).await??;
    Ok(secret(&app, &desk, &made, "The secret is changed"))
}

async fn ask_delete(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<WebhookEndpoint>,
) -> Result<Response, Problem> {
    let endpoint = found(&app, id).await?;
    let here = format!("/admin/webhooks/{id}");
    let says = html! { p.lead { (endpoint.url) " is told nothing more, also not what waits for it. This cannot be taken back." } };
    let question = Question {
        says: &says,
        action: &format!("{here}/delete"),
        fields: &Markup::default(),
        button: "Delete the endpoint",
        is_final: true,
        back: &here,
    };
    let main = html! { (within(&here, "Webhook endpoint")) (question.ask(None)) };
    Ok(page(&app, &desk, "Delete an endpoint", Section::Webhooks, &main))
}

async fn delete(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<WebhookEndpoint>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    app.engine.remove_webhook(desk.staff, id).await??;
    Ok(Redirect::to("/admin/webhooks"))
}

fn back(id: Id<WebhookEndpoint>) -> Redirect {
    Redirect::to(&format!("/admin/webhooks/{id}"))
}

async fn disable(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<WebhookEndpoint>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    app.engine.disable_webhook(desk.staff, id).await??;
    Ok(back(id))
}

async fn enable(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<WebhookEndpoint>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    app.engine.enable_webhook(desk.staff, id).await??;
    Ok(back(id))
}

async fn test(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<WebhookEndpoint>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    app.engine.test_webhook(desk.staff, id).await??;
    Ok(back(id))
}

async fn again(
    State(app): State<App>,
    desk: Desk<Settings>,
    NamePath((id, delivery)): NamePath<(String, String)>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let delivery: Id<Delivery> = delivery.parse().map_err(|_| Problem::not_found())?;
    app.engine.replay_delivery(desk.staff, id, delivery).await??;
    Ok(back(id))
}

async fn replay(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<WebhookEndpoint>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let text = typed.get("since");
    let Some(since) = zone().read(text) else {
        let problem = Problem::field("since", "a day or a time, such as 2026-11-22 12:00");
        let sent = Sent::only(&typed, Some(&problem));
        return shown(&app, &desk, id, &Place::default(), sent).await;
    };
    let count = app.engine.replay_webhook(desk.staff, id, since).await??;
    Ok(Redirect::to(&format!("/admin/webhooks/{id}?replayed={count}")).into_response())
}
