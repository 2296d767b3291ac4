//! Who works here: inviting people, giving them roles, letting them go.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::staff::{StaffMember, StaffRole, StaffState};
use scrip_engine::staff::{Invited, Invitee, StaffRefusal};
use serde::Deserialize;

use super::desk::{Clerk, Desk, Settings};
use super::frame::role_name;
use super::parts::{Place, pager, range, table};
use super::{Section, page, page_with_script, with_status};
use crate::App;
use crate::api::List;
use crate::api::admin::staff_link;
use crate::extract::{IdPath, Query};
use crate::pages::date;
use crate::pages::form::{Field, Form, Nothing, complaint, mistake};
use crate::pages::look::{Tone, badge, notice, once};
use crate::pages::refused::sentence;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/staff", get(list).post(invite))
        .route("/admin/staff/{id}", get(show))
        .route("/admin/staff/{id}/role", post(change_role))
        .route("/admin/staff/{id}/reset", post(reset))
        .route("/admin/staff/{id}/end", post(end))
}

async fn list(
    State(app): State<App>,
    desk: Desk<Settings>,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let main = roster(&app, place.after.as_deref(), &InviteForm::default(), None).await?;
    Ok(page(&app, &desk, "Staff", Section::Staff, &main))
}

#[derive(Debug, Default, Deserialize)]
struct InviteForm {
    email: String,
    name: String,
    role: String,
}

/// The page that comes shows the link, this once.
async fn invite(
    State(app): State<App>,
    desk: Desk<Settings>,
    Form(form): Form<InviteForm>,
) -> Result<Response, Problem> {
    let problem = match StaffRole::parse(&form.role) {
        Some(role) => {
            let who = Invitee { email: form.email.clone(), name: form.name.clone(), role };
            match app.engine.invite_staff(desk.staff, who).await? {
                Ok(invited) => return Ok(invitation(&app, &desk, &invited)),
                Err(refusal) => Problem::from(refusal),
            }
        }
        None => Problem::field("role", "choose one"),
    };
    let main = roster(&app, None, &form, Some(&problem)).await?;
    Ok(with_status(page(&app, &desk, "Staff", Section::Staff, &main), &problem))
}

async fn roster(
    app: &App,
    after: Option<&str>,
    form: &InviteForm,
    problem: Option<&Problem>,
) -> Result<Markup, Problem> {
    let asked = range(app, "staff", after)?;
    let rows = app.engine.store().staff(asked).await?;
    let number = |member: &StaffMember| member.id.number();
    let listed = List::of(&app.engine, "staff", asked, &rows, number, StaffMember::clone);
    Ok(html! {
        (table(&["Name", "E-mail", "Role", "State", "Second factor"], &html! {
            @for member in &listed.data {
                tr {
                    th scope="row" { a href={ "/admin/staff/" (member.id) } { (member.name) } }
                    td { (member.email) }
                    td { (role_name(member.role)) }
                    td { (state(member)) }
                    td { @if member.factor.is_on() { "On" } @else { "Off" } }
                }
            }
        }))
        @if listed.data.is_empty() { p { "Nobody yet: until now everything was done with API keys." } }
        (pager("/admin/staff", listed.next.as_deref()))
        (invite_form(form, problem))
    })
}

fn invite_form(form: &InviteForm, problem: Option<&Problem>) -> Markup {
    let error = |name: &str| problem.and_then(|problem| problem.error(name));
    let whole = problem.filter(|problem| problem.errors().is_empty());
    html! {
        h2 { "Invite somebody" }
        @if let Some(problem) = whole { (complaint(&sentence(problem.detail()))) }
        form.narrow method="post" action="/admin/staff" {
            (Field { name: "email", label: "E-mail", kind: "email", value: &form.email, autocomplete: "off",
                required: true, hint: Some("The address that will sign in."), error: error("email") })
            (Field { name: "name", label: "Name", kind: "text", value: &form.name, autocomplete: "off",
                required: true, hint: Some("As the audit log will call the person."), error: error("name") })
            (roles(StaffRole::parse(&form.role), error("role")))
            button type="submit" { "Make the invitation" }
        }
    }
}

/// A choice among the roles, each with what it reaches.
fn roles(chosen: Option<StaffRole>, error: Option<&str>) -> Markup {
    html! {
        fieldset {
            legend { "Role" }
            @for role in StaffRole::ALL {
                label.option {
                    input type="radio" name="role" value=(role) required checked[chosen == Some(*role)];
                    span { (role_name(*role)) " " span.small { (reach(*role)) } }
                }
            }
            @if let Some(text) = error { (mistake(None, text)) }
        }
    }
}

const fn reach(role: StaffRole) -> &'static str {
    match role {
        StaffRole::Owner => "does everything; alone decides on settings, keys and staff",
        StaffRole::Finance => {
            "top-ups and refunds of them, vouchers and coupons, credit, merchants, partners"
        }
        StaffRole::Catalogue => "products, offers, releases",
        StaffRole::Support => "accounts, orders and refunds of them in tokens, licenses",
        StaffRole::ReadOnly => "looks, and changes nothing",
    }
}

fn state(member: &StaffMember) -> Markup {
    match member.state() {
        StaffState::Active => badge(Tone::Good, "active"),
        StaffState::Invited => badge(Tone::Warn, "invited"),
        StaffState::Ended => badge(Tone::Info, "ended"),
    }
}

/// The link, which is shown this once.
fn invitation(app: &App, clerk: &Clerk, invited: &Invited) -> Response {
    let main = html! {
        p.lead { "Give this link to " (invited.member.name) ", by a way that only that person reads." }
        (once(&staff_link(app, invited)))
        @if let Some(until) = invited.member.invited_until { p { "It is good once, until " (date(until)) "." } }
        p { a.button href="/admin/staff" { "I have copied it" } }
    };
    page_with_script(app, clerk, "Invitation", Section::Staff, &main)
}

async fn show(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<StaffMember>,
) -> Result<Response, Problem> {
    let member = app.engine.staff_member(id).await?.ok_or_else(Problem::not_found)?;
    Ok(page(&app, &desk, &member.name, Section::Staff, &one(&desk, &member, None)))
}

fn one(clerk: &Clerk, member: &StaffMember, problem: Option<&Problem>) -> Markup {
    let id = member.id;
    let who = if clerk.member.id == id { "yourself" } else { member.name.as_str() };
    html! {
        p.trail { a href="/admin/staff" { "Staff" } }
        @if let Some(problem) = problem { (complaint(&sentence(problem.detail()))) }
        dl.facts {
            dt { "E-mail" } dd { (member.email) }
            dt { "Role" } dd { (role_name(member.role)) }
            dt { "State" } dd { (state(member)) }
            dt { "Second factor" } dd { @if member.factor.is_on() { "On" } @else { "Off" } }
            dt { "Invited" } dd { (date(member.created_at)) }
            @if let Some(at) = member.joined_at { dt { "Joined" } dd { (date(at)) } }
            @if let Some(at) = member.ended_at { dt { "Ended" } dd { (date(at)) } }
            dt { "Name in the log" } dd { a href={ "/admin/audit?subject=" (id) } { code { (id) } } }
        }
        @if member.ended_at.is_none() {
            h2 { "Role" }
            form.narrow method="post" action={ "/admin/staff/" (id) "/role" } {
                (roles(Some(member.role), problem.and_then(|problem| problem.error("role"))))
                button type="submit" { "Change the role" }
            }
            h2 { "Password" }
            details {
                summary { "Reset password and second factor" }
                p { "The password and the second factor of " (who) " are taken away, every browser is signed out, and you "
                    "get the link of a new invitation." }
                form method="post" action={ "/admin/staff/" (id) "/reset" } { button.danger type="submit" { "Reset" } }
            }
            h2 { "End" }
            details {
                summary { "End the work of " (who) " here" }
                p { "It works at once, and for good: what was done stays in the audit log. The address may be invited "
                    "again, as somebody new." }
                form method="post" action={ "/admin/staff/" (id) "/end" } { button.danger type="submit" { "End it" } }
            }
        } @else {
            (notice(Tone::Info, &html! { p { "This person does not work here any more." } }))
        }
    }
}

#[derive(Debug, Deserialize)]
struct RoleForm {
    role: String,
}

async fn change_role(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<StaffMember>,
    Form(form): Form<RoleForm>,
) -> Result<Response, Problem> {
    let Some(role) = StaffRole::parse(&form.role) else {
        return again(&app, &desk, id, &Problem::field("role", "choose one")).await;
    };
    match app.engine.change_staff_role(desk.staff, id, role).await? {
        Ok(_) => Ok(Redirect::to(&format!("/admin/staff/{id}")).into_response()),
        Err(StaffRefusal::NoSuchMember) => Err(Problem::not_found()),
        Err(refusal) => again(&app, &desk, id, &refusal.into()).await,
    }
}

async fn reset(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<StaffMember>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let invited = app.engine.reset_staff(desk.staff, id).await??;
    Ok(invitation(&app, &desk, &invited))
}

async fn end(
    State(app): State<App>,
    desk: Desk<Settings>,
    IdPath(id): IdPath<StaffMember>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    match app.engine.end_staff(desk.staff, id).await? {
        Ok(_) => Ok(Redirect::to("/admin/staff").into_response()),
        Err(StaffRefusal::NoSuchMember) => Err(Problem::not_found()),
        Err(refusal) => again(&app, &desk, id, &refusal.into()).await,
    }
}

/// The member's page, with what is wrong.
async fn again(
    app: &App,
    clerk: &Clerk,
    id: scrip_domain::Id<StaffMember>,
    problem: &Problem,
) -> Result<Response, Problem> {
    let member = app.engine.staff_member(id).await?.ok_or_else(Problem::not_found)?;
    let main = one(clerk, &member, Some(problem));
    Ok(with_status(page(app, clerk, &member.name, Section::Staff, &main), problem))
}
