//! Links at the vendor whose account is linked: what its owner decides, and sees of it later.

use axum::extract::State;
use http::StatusCode;
use scrip_domain::connection::ConnectionState;
use scrip_domain::link::PartnerSubject;
use scrip_domain::partner::Partner;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::List;
use crate::caller::{AtPartner, Buyer, Spender};
use crate::extract::{IdPath, NamePath};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(cut))
        .routes(routes!(approve))
        .routes(routes!(decline))
}

/// A partner whose tokens this account can receive ours for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkHere)]
struct LinkOut {
    /// The partner: an account has one link to each.
    #[schema(example = "par_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "Aurora Instruments")]
    name: String,
    #[schema(example = "https://shop.example")]
    url: String,
    linked_at: String,
}

impl LinkOut {
    fn new((row, partner): &(PartnerSubject, Partner)) -> Self {
        Self {
            id: partner.id.to_string(),
            name: partner.name.clone(),
            url: partner.url.clone(),
            linked_at: row.at.to_string(),
        }
    }
}

/// Where the buyer goes back to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkReturn)]
struct ReturnOut {
    #[schema(
        example = "https://shop.example/partners/par_06bq3v8k2m9zc?code=Qq8UYYdMM1976EFWi990jg&link=lnk_06bq3v8k2m9zc"
    )]
    return_url: String,
}

/// The vendors from which this account can be reached: those where its owner has linked it.
#[utoipa::path(
    get, path = "/v1/links", tag = "partners", security(("bearer" = [])),
    responses((status = 200, body = List<LinkOut>))
)]
async fn list(
    _: AtPartner,
    State(app): State<App>,
    Buyer(buyer): Buyer,
) -> Result<Json<List<LinkOut>>, Problem> {
    let linked = app.engine.linked_partners(buyer.account).await?;
    Ok(Json(List { data: linked.iter().map(LinkOut::new).collect(), next: None }))
}

/// Cuts a link from this side: nothing comes from there any more. What is committed already still does.
#[utoipa::path(
    delete, path = "/v1/links/{id}", tag = "partners", security(("bearer" = [])),
    params(("id" = String, Path, example = "par_06bq3v8k2m9zc")),
    responses((status = 204))
)]
async fn cut(
    _: AtPartner,
    State(app): State<App>,
    Spender(buyer): Spender,
    IdPath(partner): IdPath<Partner>,
) -> Result<StatusCode, Problem> {
    app.engine.cut_link(buyer, partner).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Links the caller's account here to theirs at the partner that sent them. The partner learns no address and no balance.
#[utoipa::path(
    post, path = "/v1/links/{reference}/approve", tag = "partners", security(("bearer" = [])),
    params(("reference" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses((status = 200, body = ReturnOut), (status = 409, description = "`request_state`"))
)]
async fn approve(
    _: AtPartner,
    State(app): State<App>,
    Spender(buyer): Spender,
    NamePath(reference): NamePath<String>,
) -> Result<Json<ReturnOut>, Problem> {
    let approved = ConnectionState::Approved;
    let return_url = app.engine.decide_link(buyer, &reference, approved).await??;
    Ok(Json(ReturnOut { return_url }))
}

/// Links nothing.
#[utoipa::path(
    post, path = "/v1/links/{reference}/decline", tag = "partners", security(("bearer" = [])),
    params(("reference" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses((status = 200, body = ReturnOut), (status = 409, description = "`request_state`"))
)]
async fn decline(
    _: AtPartner,
    State(app): State<App>,
    Spender(buyer): Spender,
    NamePath(reference): NamePath<String>,
) -> Result<Json<ReturnOut>, Problem> {
    let declined = ConnectionState::Declined;
    let return_url = app.engine.decide_link(buyer, &reference, declined).await??;
    Ok(Json(ReturnOut { return_url }))
}
