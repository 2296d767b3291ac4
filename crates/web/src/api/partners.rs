//! Partners, as buyers see them: whose tokens theirs can become, and linking the account there.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use scrip_domain::agreement::{Agreement, Terms, Way};
use scrip_domain::api_key::Scope;
use scrip_domain::link::LinkState;
use scrip_domain::partner::Partner;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::{List, ListQuery};
use crate::caller::{AtPartner, Caller, Spender};
use crate::extract::{IdPath, OrEmpty, Query};
use crate::money::MoneyOut;
use crate::problem::Problem;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(link, unlink))
}

/// What anybody may read.
pub fn public() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// A vendor with which buyers can exchange now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PartnerOfBuyers)]
struct PartnerShown {
    #[schema(example = "par_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "Belle Isle Sounds")]
    name: String,
    #[schema(example = "https://other.example")]
    url: String,
    /// What its tokens are: it issues them, and answers for them.
    token: PartnerToken,
    /// What our tokens buy there; null: nothing.
    #[schema(required)]
    give: Option<WayOut>,
    /// What its tokens buy here.
    #[schema(required)]
    receive: Option<WayOut>,
    /// Whether the caller's account there is linked.
    linked: bool,
}

/// Another vendor's token.
#[derive(Debug, Serialize, ToSchema)]
struct PartnerToken {
    #[schema(example = "BEL")]
    code: String,
    /// Its decimals.
    #[schema(example = 2)]
    scale: u8,
}

/// One direction of an agreement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExchangeWay)]
pub struct WayOut {
    /// The least that can be given at once.
    pub min: MoneyOut,
    /// The most that can be given at once.
    pub max: MoneyOut,
    /// The most that one buyer can give in a day (UTC).
    pub buyer_day: MoneyOut,
    rate: RateOut,
}

/// What is received for what is given, in smallest units: `numerator` for `denominator`, less the spread.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExchangeRate)]
pub struct RateOut {
    /// So many received…
    #[schema(example = 4)]
    pub numerator: u64,
    /// …for so many given.
    #[schema(example = 1)]
    pub denominator: u64,
    /// What the buyer receives less, in hundredths of a percent.
    #[schema(example = 250)]
    pub spread_basis_points: u32,
    /// What is received is rounded `down`.
    #[schema(example = "down")]
    pub rounding: &'static str,
}

impl WayOut {
    /// What giving tokens of the vendor at `issuer` means under these terms.
    pub fn new(terms: &Terms, issuer: &str) -> Option<Self> {
        let (way, from, _) = terms.way(issuer)?;
        let Way { min, max, buyer_day, spread_basis_points, .. } = way;
        let figures = terms.figures(issuer, *min).ok()?;
        let tokens = |amount| MoneyOut::scaled(amount, from.token, from.scale);
        Some(Self {
            min: tokens(*min),
            max: tokens(*max),
            buyer_day: tokens(*buyer_day),
            rate: RateOut {
                numerator: figures.numerator,
                denominator: figures.denominator,
                spread_basis_points: *spread_basis_points,
                rounding: "down",
            },
        })
    }
}

impl PartnerShown {
    async fn of(app: &App, partner: &Partner, caller: &Caller) -> Result<Self, Problem> {
        let agreement = in_force(app, partner).await?;
        let terms = &agreement.terms;
        let theirs = terms.parties.iter().find(|party| party.url == partner.url);
        let theirs = theirs.ok_or_else(Problem::not_found)?;
        let linked = match caller.0.as_ref().and_then(|signed| signed.buyer) {
            Some(buyer) => app.engine.link_of(buyer, partner.id).await?,
            None => None,
        };
        Ok(Self {
            id: partner.id.to_string(),
            name: partner.name.clone(),
            url: partner.url.clone(),
            token: PartnerToken { code: theirs.token.to_string(), scale: theirs.scale },
            give: WayOut::new(terms, app.engine.public_url()),
            receive: WayOut::new(terms, &partner.url),
            linked: linked.is_some_and(|link| link.state == LinkState::Active),
        })
    }
}

/// The agreement in force with a partner; not found where there is none.
pub async fn in_force(app: &App, partner: &Partner) -> Result<Agreement, Problem> {
    let id = partner.agreement.ok_or_else(Problem::not_found)?;
    app.engine.store().agreement(id).await?.ok_or_else(Problem::not_found)
}

/// The partners with which buyers can exchange now, newest first.
#[utoipa::path(
    get, path = "/v1/partners", tag = "partners", security((), ("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<PartnerShown>))
)]
async fn list(
    _: AtPartner,
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<PartnerShown>>, Problem> {
    caller.buyer(Scope::Read)?;
    let page = query.page(&app.engine, "open-partners")?;
    let rows = app.engine.store().open_partners(page).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for partner in &rows {
        shown.push(PartnerShown::of(&app, partner, &caller).await?);
    }
    let List { next, .. } =
        List::of(&app.engine, "open-partners", page, &rows, |row| row.id.number(), |_| ());
    Ok(Json(List { data: shown, next }))
}

/// A partner with which buyers can exchange now.
#[utoipa::path(
    get, path = "/v1/partners/{id}", tag = "partners", security((), ("bearer" = [])),
    params(("id" = String, Path, example = "par_06bq3v8k2m9zc")),
    responses((status = 200, body = PartnerShown))
)]
async fn show(
    _: AtPartner,
    State(app): State<App>,
    caller: Caller,
    IdPath(id): IdPath<Partner>,
) -> Result<Json<PartnerShown>, Problem> {
    caller.buyer(Scope::Read)?;
    let partner = app.engine.store().partner(id).await?.filter(Partner::is_open);
    let partner = partner.ok_or_else(Problem::not_found)?;
    Ok(Json(PartnerShown::of(&app, &partner, &caller).await?))
}

/// With the code the link is finished; without it, it begins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
struct LinkBody {
    /// The `code` with which the buyer came back.
    #[serde(default)]
    #[schema(example = "Qq8UYYdMM1976EFWi990jg", max_length = 100)]
    return_code: Option<String>,
}

/// A link that waits for the buyer at the partner.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
struct LinkOut {
    #[schema(example = "lnk_06bq3v8k2m9zc")]
    id: String,
    /// `open` or `active`.
    #[schema(example = "open")]
    state: &'static str,
    /// Where the buyer's browser goes: there the buyer signs in, and says yes or no.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, example = "https://other.example/links/Qq8UYYdMM1976EFWi990jg")]
    url: Option<String>,
    /// What the partner's API calls it: `POST /v1/links/{reference}/approve` there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, example = "Qq8UYYdMM1976EFWi990jg")]
    reference: Option<String>,
    /// For how long it waits for the buyer, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, example = 600)]
    expires_in: Option<i64>,
}

/// Links the caller's account at the partner. Without a code it begins: the buyer goes to `url`, and comes back to this
/// server's page of the partner with `code` and `link`. With the code it is finished, for the account that began it.
#[utoipa::path(
    post, path = "/v1/partners/{id}/link", tag = "partners", security(("bearer" = [])), request_body = Option<LinkBody>,
    params(("id" = String, Path, example = "par_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = LinkOut, description = "linked"),
        (status = 201, body = LinkOut, description = "begun"),
        (status = 409, description = "`already_linked`, `not_linked`, `partner_suspended`, `partner_refused`"),
    )
)]
async fn link(
    _: AtPartner,
    State(app): State<App>,
    Spender(buyer): Spender,
    IdPath(partner): IdPath<Partner>,
    OrEmpty(body): OrEmpty<LinkBody>,
) -> Result<Response, Problem> {
    if let Some(code) = body.value.return_code {
        let link = app.engine.redeem_link(buyer, partner, None, &code).await??;
        let (id, state) = (link.id.to_string(), link.state.as_str());
        let out = LinkOut { id, state, url: None, reference: None, expires_in: None };
        return Ok(Json(out).into_response());
    }
    let opened = app.engine.open_link(buyer, partner).await??;
    let out = LinkOut {
        id: opened.link.to_string(),
        state: LinkState::Open.as_str(),
        url: Some(opened.url),
        reference: Some(opened.reference),
        expires_in: Some(opened.expires_in.as_millis() / 1000),
    };
    Ok((StatusCode::CREATED, Json(out)).into_response())
}

/// Cuts the link. What is committed already still arrives.
#[utoipa::path(
    delete, path = "/v1/partners/{id}/link", tag = "partners", security(("bearer" = [])),
    params(("id" = String, Path, example = "par_06bq3v8k2m9zc")),
    responses((status = 204), (status = 409, description = "`not_linked`"))
)]
async fn unlink(
    _: AtPartner,
    State(app): State<App>,
    Spender(buyer): Spender,
    IdPath(partner): IdPath<Partner>,
) -> Result<StatusCode, Problem> {
    app.engine.unlink(buyer, partner).await??;
    Ok(StatusCode::NO_CONTENT)
}
