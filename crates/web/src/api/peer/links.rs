//! What partners ask to link a buyer's accounts.

use axum::extract::State;
use http::StatusCode;
use scrip_engine::purchase_request::{subject_from, subject_text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::AtPartner;
use crate::extract::NamePath;
use crate::problem::Problem;
use crate::signed::{OfPartner, PartnerBody};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(open)).routes(routes!(redeem)).routes(routes!(end))
}

/// A buyer of the partner's is to show which account here is theirs.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LinkRequestBody, example = json!({ "link": "lnk_06bq3v8k2m9zc", "return_url": "https://shop.example/partners/par_06bq3v8k2m9zc" }))]
struct LinkBody {
    /// The partner's name of the link: one link has one request.
    #[schema(example = "lnk_06bq3v8k2m9zc")]
    link: String,
    /// Where the buyer goes back to, at the partner's own address.
    #[schema(example = "https://shop.example/partners/par_06bq3v8k2m9zc", max_length = 2000)]
    return_url: String,
}

/// A request that waits for the buyer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkRequest)]
struct LinkRequestOut {
    #[schema(example = "lrq_06bq3v8k2m9zc")]
    id: String,
    /// Where the buyer goes.
    #[schema(example = "https://other.example/links/Qq8UYYdMM1976EFWi990jg")]
    url: String,
    /// For how many seconds it waits.
    #[schema(example = 600)]
    expires_in: i64,
}

/// The code with which a buyer came back.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LinkCodeBody, example = json!({ "code": "Qq8UYYdMM1976EFWi990jg" }))]
struct CodeBody {
    #[schema(example = "Qq8UYYdMM1976EFWi990jg")]
    code: String,
}

/// Whose account is linked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkedAccount)]
struct LinkedOut {
    /// The partner's name of the link.
    #[schema(example = "lnk_06bq3v8k2m9zc")]
    link: String,
    /// The account, under a name that no other partner has.
    #[schema(example = "rO0qv8Q3Tz6m1dJ2hXk5Vw")]
    subject: String,
}

/// Opens a request for a buyer of the partner's. The same link again brings the same request, as long as it waits.
#[utoipa::path(
    post, path = "/v1/peer/links", tag = "servers", request_body = LinkBody,
    responses(
        (status = 201, body = LinkRequestOut),
        (status = 401, description = "`signature_refused`"),
        (status = 409, description = "`request_state`, `partner_suspended`"),
    )
)]
async fn open(
    _: AtPartner,
    State(app): State<App>,
    PartnerBody { partner, value }: PartnerBody<LinkBody>,
) -> Result<(StatusCode, Json<LinkRequestOut>), Problem> {
    let opened = app.engine.open_link_request(&partner, &value.link, &value.return_url).await??;
    let out = LinkRequestOut {
        id: opened.request.id.to_string(),
        url: opened.url,
        expires_in: opened.expires_in.as_millis() / 1000,
    };
    Ok((StatusCode::CREATED, Json(out)))
}

/// Redeems the code with which a buyer came back, once, within a minute.
#[utoipa::path(
    post, path = "/v1/peer/return-codes", tag = "servers", request_body = CodeBody,
    responses(
        (status = 200, body = LinkedOut),
        (status = 401, description = "`signature_refused`"),
        (status = 404, description = "`not_found`: no code of this partner's, or used, or too old"),
    )
)]
async fn redeem(
    _: AtPartner,
    State(app): State<App>,
    PartnerBody { partner, value }: PartnerBody<CodeBody>,
) -> Result<Json<LinkedOut>, Problem> {
    let (link, subject) = app.engine.redeem_link_code(&partner, &value.code).await??;
    Ok(Json(LinkedOut { link: link.to_string(), subject: subject_text(subject) }))
}

/// The partner's buyer has cut the link: the account is known there no more.
#[utoipa::path(
    delete, path = "/v1/peer/links/{subject}", tag = "servers",
    params(("subject" = String, Path, example = "rO0qv8Q3Tz6m1dJ2hXk5Vw")),
    responses((status = 204), (status = 401, description = "`signature_refused`"))
)]
async fn end(
    _: AtPartner,
    State(app): State<App>,
    NamePath(subject): NamePath<String>,
    OfPartner(partner): OfPartner,
) -> Result<StatusCode, Problem> {
    let subject = subject_from(&subject).ok_or_else(Problem::not_found)?;
    app.engine.end_subject(partner.id, subject).await?;
    Ok(StatusCode::NO_CONTENT)
}
