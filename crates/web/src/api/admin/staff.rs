//! Staff: invited, listed, given roles, reset, ended. An invitation's link is told once, when it is made.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use scrip_domain::staff::{StaffMember, StaffRole, StaffState};
use scrip_engine::staff::{Invited, Invitee};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, Query};
use crate::problem::Problem;
use crate::text::Line;

/// The routes of staff.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, invite))
        .routes(routes!(change, end))
        .routes(routes!(reset))
}

/// Somebody who works for the vendor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffMember)]
struct StaffOut {
    #[schema(example = "stf_06bq3v8k2m9zc")]
    id: String,
    /// The address that signs in.
    #[schema(example = "bea@shop.example")]
    email: String,
    #[schema(example = "Bea")]
    name: String,
    #[schema(value_type = StaffRoleWord)]
    role: StaffRole,
    #[schema(value_type = StaffStateWord)]
    state: StaffState,
    /// Whether signing in takes a code beside the password.
    second_factor: bool,
    created_at: String,
    /// When the first invitation was taken.
    #[schema(required)]
    joined_at: Option<String>,
    #[schema(required)]
    ended_at: Option<String>,
}

/// A member with an invitation: whoever has the link may choose the password, once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InvitedStaffMember)]
struct InvitedOut {
    #[serde(flatten)]
    member: StaffOut,
    /// The link; told once.
    #[schema(example = "https://shop.example/admin/welcome?token=scrip_3q2-7w")]
    invitation: String,
    /// Until when it is good.
    invited_until: String,
}

/// What somebody is in a shop: an owner does everything and alone decides on settings, keys and staff; `finance` decides
/// on money, `catalogue` on what is sold, `support` on accounts, licenses and refunds in tokens; `read_only` looks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffRole)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what the domain's own type reads")]
enum StaffRoleWord {
    Owner,
    Finance,
    Catalogue,
    Support,
    ReadOnly,
}

/// Where a member stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffState)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what the domain's own type tells")]
enum StaffStateWord {
    Invited,
    Active,
    Ended,
}

impl From<&StaffMember> for StaffOut {
    fn from(member: &StaffMember) -> Self {
        Self {
            id: member.id.to_string(),
            email: member.email.clone(),
            name: member.name.clone(),
            role: member.role,
            state: member.state(),
            second_factor: member.factor.is_on(),
            created_at: member.created_at.to_string(),
            joined_at: member.joined_at.map(|at| at.to_string()),
            ended_at: member.ended_at.map(|at| at.to_string()),
        }
    }
}

/// The link of an invitation.
pub fn link(app: &App, invited: &Invited) -> String {
    format!("{}/admin/welcome?token={}", app.public_url, invited.token.reveal())
}

fn told(app: &App, invited: &Invited, status: StatusCode) -> Response {
    let until = invited.member.invited_until.map(|at| at.to_string());
    let body = InvitedOut {
        member: (&invited.member).into(),
        invitation: link(app, invited),
        invited_until: until.unwrap_or_default(),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// All members, newest first, ended ones too.
#[utoipa::path(
    get, path = "/v1/admin/staff", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<StaffOut>))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<StaffOut>>, Problem> {
    let page = query.page(&app.engine, "staff")?;
    let rows = app.engine.store().staff(page).await?;
    let number = |member: &StaffMember| member.id.number();
    Ok(Json(List::of(&app.engine, "staff", page, &rows, number, |member| member.into())))
}

/// Somebody who shall work for the vendor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StaffBody, example = json!({ "email": "bea@shop.example", "name": "Bea", "role": "support" }))]
struct InviteBody {
    /// The address that will sign in.
    #[schema(example = "bea@shop.example", format = "email", max_length = 254)]
    email: String,
    #[schema(inline)]
    name: Line<1, 100>,
    #[schema(value_type = StaffRoleWord)]
    role: StaffRole,
}

/// Invites somebody. The link is good for 72 hours, once.
#[utoipa::path(
    post, path = "/v1/admin/staff", tag = "admin", security(("bearer" = [])), request_body = InviteBody,
    responses((status = 201, body = InvitedOut), (status = 409, description = "`email_taken`"))
)]
async fn invite(
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<InviteBody>,
) -> Result<Response, Problem> {
    let InviteBody { email, name, role } = body.value;
    let who = Invitee { email, name: name.0, role };
    let invited = app.engine.invite_staff(by, who).await??;
    Ok(told(&app, &invited, StatusCode::CREATED))
}

/// What is changed of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StaffChange, example = json!({ "role": "finance" }))]
struct ChangeBody {
    #[schema(value_type = StaffRoleWord)]
    role: StaffRole,
}

/// Gives a member another role. It works at once.
#[utoipa::path(
    patch, path = "/v1/admin/staff/{id}", tag = "admin", security(("bearer" = [])), request_body = ChangeBody,
    params(("id" = String, Path, example = "stf_06bq3v8k2m9zc")),
    responses((status = 200, body = StaffOut), (status = 409, description = "`last_owner`"))
)]
async fn change(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(member): IdPath<StaffMember>,
    body: Body<ChangeBody>,
) -> Result<Json<StaffOut>, Problem> {
    let changed = app.engine.change_staff_role(by, member, body.value.role).await??;
    Ok(Json((&changed).into()))
}

/// Takes a member's password and second factor away, ends every session, and invites the person anew.
#[utoipa::path(
    post, path = "/v1/admin/staff/{id}/reset", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "stf_06bq3v8k2m9zc")),
    responses((status = 200, body = InvitedOut))
)]
async fn reset(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(member): IdPath<StaffMember>,
) -> Result<Response, Problem> {
    let invited = app.engine.reset_staff(by, member).await??;
    Ok(told(&app, &invited, StatusCode::OK))
}

/// Ends a member, at once and for good. The address may be invited again.
#[utoipa::path(
    delete, path = "/v1/admin/staff/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "stf_06bq3v8k2m9zc")),
    responses((status = 200, body = StaffOut), (status = 409, description = "`last_owner`"))
)]
async fn end(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(member): IdPath<StaffMember>,
) -> Result<Json<StaffOut>, Problem> {
    Ok(Json((&app.engine.end_staff(by, member).await??).into()))
}
