//! Licenses in the vendor's hand: which there are, what is left of them, and where they are in use.

use axum::extract::State;
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::license::License;
use scrip_domain::order::Order;
use scrip_engine::license::Standing;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::licenses::{ActivationOut, InUse, MOST_MACHINES, named, word};
use crate::api::terms::{LimitsBody, TermsBody};
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, Query};
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(deactivate))
}

/// A license, as the vendor sees it: without its code, which is its holder's.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldLicense {
    #[schema(example = "lic_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "acc_06bq3v8k2m9zc")]
    account: String,
    product: String,
    order: String,
    offer: String,
    /// `withheld`, `valid`, `expired`, `suspended`, `revoked` or `refunded`.
    #[schema(example = "valid")]
    state: &'static str,
    terms: TermsBody,
    limits: LimitsBody,
    /// The issue of its code: 1, and one more with each re-issue.
    #[schema(example = 1)]
    issue: u32,
    issued_at: String,
    #[schema(required)]
    expires_at: Option<String>,
    #[serde(flatten)]
    in_use: InUse,
    /// How many machines were deactivated within the last 365 days, by those who have the license.
    #[schema(example = 0)]
    moves: u32,
}

/// The same, with the machines.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownHeldLicense {
    #[serde(flatten)]
    license: HeldLicense,
    /// Its active machines, the newest first, at most 100: `GET /v1/licenses/{id}/activations` has all.
    activations: Vec<ActivationOut>,
}

impl HeldLicense {
    fn new(app: &App, Standing { license, usage }: &Standing) -> Self {
        let now = app.engine.now();
        Self {
            id: license.id.to_string(),
            account: license.account.to_string(),
            product: license.product.to_string(),
            order: license.order.to_string(),
            offer: license.offer.to_string(),
            state: word(license, now),
            terms: license.terms.into(),
            limits: license.limits.into(),
            issue: license.issue,
            issued_at: license.issued_at.to_string(),
            expires_at: license.expires_at.map(|at| at.to_string()),
            in_use: InUse::new(license, usage),
            moves: usage.moves_at(now),
        }
    }
}

/// A license, as it is now.
pub async fn held(app: &App, license: License) -> Result<ShownHeldLicense, Problem> {
    let activations = app.engine.store().activations_of(license.id, MOST_MACHINES).await?;
    let standing = app.engine.standing(license).await?;
    Ok(ShownHeldLicense {
        license: HeldLicense::new(app, &standing),
        activations: activations.iter().map(ActivationOut::new).collect(),
    })
}

/// Which licenses.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct LicensesQuery {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(max_length = 1000)]
    after: Option<String>,
    /// Only those of this account.
    #[param(pattern = "^acc_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    account: Option<String>,
    /// Only those of this order.
    #[param(pattern = "^ord_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    order: Option<String>,
}

/// A machine that is to be deactivated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StaffDeactivateBody {
    /// The name of the machine.
    #[schema(pattern = "^act_[0-7][0-9a-hjkmnp-tv-z]{12}$", example = "act_06bq3v8k2m9zc")]
    activation: String,
    /// Why, for the record.
    #[schema(inline, example = "The laptop was stolen")]
    reason: Text<1, 500>,
}

/// All licenses, newest first; those of one account the newest order first.
#[utoipa::path(
    get, path = "/v1/admin/licenses", tag = "admin", security(("bearer" = [])), params(LicensesQuery),
    operation_id = "list_all_licenses",
    responses((status = 200, body = List<HeldLicense>))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<LicensesQuery>,
) -> Result<Json<List<HeldLicense>>, Problem> {
    let LicensesQuery { limit, after, account, order } = query;
    let page = ListQuery { limit, after }.page(&app.engine, "all-licenses")?;
    let account: Option<Id<Account>> = match account {
        Some(id) => Some(id.parse().map_err(|_| Problem::field("account", "not an account's id"))?),
        None => None,
    };
    let order: Option<Id<Order>> = match order {
        Some(id) => Some(id.parse().map_err(|_| Problem::field("order", "not an order's id"))?),
        None => None,
    };
    let rows = app.engine.store().licenses(account, order, page).await?;
    let next =
        List::of(&app.engine, "all-licenses", page, &rows, |row| row.id.number(), |_| ()).next;
    let standings = app.engine.standings(rows).await?;
    let data = standings.iter().map(|standing| HeldLicense::new(&app, standing)).collect();
    Ok(Json(List { data, next }))
}

/// A license.
#[utoipa::path(
    get, path = "/v1/admin/licenses/{id}", tag = "admin", security(("bearer" = [])),
    operation_id = "show_any_license",
    params(("id" = String, Path, example = "lic_06bq3v8k2m9zc")),
    responses((status = 200, body = ShownHeldLicense))
)]
async fn show(
    _: Admin,
    State(app): State<App>,
    IdPath(license): IdPath<License>,
) -> Result<Json<ShownHeldLicense>, Problem> {
    let license = app.engine.store().license(license).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(held(&app, license).await?))
}

/// Deactivates a machine, whatever has been moved before and whatever state the license is in. It counts as no move.
#[utoipa::path(
    post, path = "/v1/admin/licenses/{id}/deactivate", tag = "admin", security(("bearer" = [])),
    operation_id = "deactivate_any_machine", request_body = StaffDeactivateBody,
    params(("id" = String, Path, example = "lic_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = ShownHeldLicense),
        (status = 409, description = "`license_refused`"),
    )
)]
async fn deactivate(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(license): IdPath<License>,
    body: Body<StaffDeactivateBody>,
) -> Result<Json<ShownHeldLicense>, Problem> {
    let activation = named(&body.value.activation)?;
    let license = app.engine.store().license(license).await?.ok_or_else(Problem::not_found)?;
    let reason = body.value.reason.0;
    let done = app.engine.deactivate_by_staff(by, &license, activation, reason).await??;
    Ok(Json(held(&app, done.standing.license).await?))
}
