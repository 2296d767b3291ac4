//! Licenses: the library of their holders. What whoever has a code may ask lies in [`by_code`].

pub mod by_code;
mod out;

use axum::extract::State;
use scrip_domain::catalog::File;
use scrip_domain::license::License;
use scrip_domain::usage::Activation;
use scrip_domain::{Id, Timestamp};
use scrip_engine::license::Standing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::terms::{LimitsBody, TermsBody};
use crate::api::{List, ListQuery};
use crate::caller::{Buyer, Reader, Spender};
use crate::extract::{Body, IdPath, Query};
use crate::problem::Problem;

pub use out::{ActivationOut, InUse, MOST_MACHINES, unit, word};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(machines))
        .routes(routes!(deactivate))
}

/// A license, with its code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = License)]
pub struct LicenseOut {
    #[schema(example = "lic_06bq3v8k2m9zc")]
    id: String,
    product: String,
    order: String,
    /// `withheld`, `valid`, `expired`, `suspended`, `revoked` or `refunded`.
    state: &'static str,
    terms: TermsBody,
    limits: LimitsBody,
    issued_at: String,
    #[schema(required)]
    expires_at: Option<String>,
    /// Absent while it is withheld, which is until a merchant's provider has said its last word; and of what was refunded.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CodeOut>,
    /// What can be downloaded with the code.
    files: Vec<FileOut>,
}

/// Both forms of an authorization code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Codes)]
pub struct CodeOut {
    /// A compact JWS (EdDSA): any JOSE library verifies it.
    pub jws: String,
    /// The form for typing.
    #[schema(example = "06BQ3-V8K2M-9ZC7X-4GQ2H-TN5W0")]
    pub short: String,
}

/// A file that a license opens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LicensedFile)]
pub struct FileOut {
    #[schema(example = "fil_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "field-recorder.zip")]
    name: String,
    #[schema(example = 1_048_576)]
    size: u64,
    sha256: String,
    platform: String,
}

impl FileOut {
    pub fn new(file: &File) -> Self {
        Self {
            id: file.id.to_string(),
            name: file.name.clone(),
            size: file.size,
            sha256: file.sha256.clone(),
            platform: file.platform.clone(),
        }
    }
}

impl LicenseOut {
    /// A license in its owner's hand, in the state that it has at `at`.
    pub async fn new(app: &App, license: &License, at: Timestamp) -> Result<Self, Problem> {
        let code =
            if license.tells_its_code() { Some(app.engine.code(license).await?) } else { None };
        let released = match license.release {
            Some(release) => Some(app.engine.released(release).await?),
            None => None,
        };
        Ok(Self {
            id: license.id.to_string(),
            product: license.product.to_string(),
            order: license.order.to_string(),
            state: word(license, at),
            terms: license.terms.into(),
            limits: license.limits.into(),
            issued_at: license.issued_at.to_string(),
            expires_at: license.expires_at.map(|at| at.to_string()),
            code: code.map(|code| CodeOut { jws: code.jws, short: code.short }),
            files: released
                .iter()
                .flat_map(|released| released.files.iter().map(FileOut::new))
                .collect(),
        })
    }
}

/// A license in the library: with what it is used for.
#[derive(Debug, Serialize, ToSchema)]
struct LibraryLicense {
    #[serde(flatten)]
    license: LicenseOut,
    #[serde(flatten)]
    in_use: InUse,
}

/// The same, with the machines.
#[derive(Debug, Serialize, ToSchema)]
struct ShownLicense {
    #[serde(flatten)]
    license: LibraryLicense,
    /// Its active machines, the newest first, at most 100: `GET /v1/licenses/{id}/activations` has all.
    activations: Vec<ActivationOut>,
}

/// The machine that is to be deactivated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HolderDeactivateBody {
    /// The name of the machine.
    #[schema(pattern = "^act_[0-7][0-9a-hjkmnp-tv-z]{12}$", example = "act_06bq3v8k2m9zc")]
    activation: String,
}

/// The activation that a body names.
pub fn named(activation: &str) -> Result<Id<Activation>, Problem> {
    activation.parse().map_err(|_| Problem::field("activation", "not a machine's id"))
}

/// The caller's library: the licenses of the newest order first.
#[utoipa::path(
    get, path = "/v1/licenses", tag = "licenses", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<LibraryLicense>))
)]
async fn list(
    State(app): State<App>,
    Buyer(buyer): Buyer,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<LibraryLicense>>, Problem> {
    let page = query.page(&app.engine, "licenses")?;
    let rows = app.engine.store().licenses_of(buyer.account, page).await?;
    let next = List::of(&app.engine, "licenses", page, &rows, |row| row.id.number(), |_| ()).next;
    let mut shown = Vec::with_capacity(rows.len());
    for Standing { license: row, usage } in app.engine.standings(rows).await? {
        let license = LicenseOut::new(&app, &row, app.engine.now()).await?;
        shown.push(LibraryLicense { license, in_use: InUse::new(&row, &usage) });
    }
    Ok(Json(List { data: shown, next }))
}

/// One of the caller's licenses.
#[utoipa::path(
    get, path = "/v1/licenses/{id}", tag = "licenses", security(("bearer" = [])),
    params(("id" = String, Path, example = "lic_06bq3v8k2m9zc")),
    responses((status = 200, body = ShownLicense))
)]
async fn show(
    State(app): State<App>,
    Buyer(buyer): Buyer,
    IdPath(license): IdPath<License>,
) -> Result<Json<ShownLicense>, Problem> {
    let own = own(&app, buyer, license).await?;
    Ok(Json(shown(&app, own).await?))
}

/// The active machines of a license, the newest first.
#[utoipa::path(
    get, path = "/v1/licenses/{id}/activations", tag = "licenses", security(("bearer" = [])),
    params(("id" = String, Path, example = "lic_06bq3v8k2m9zc"), ListQuery),
    responses((status = 200, body = List<ActivationOut>))
)]
async fn machines(
    State(app): State<App>,
    reader: Reader,
    IdPath(license): IdPath<License>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<ActivationOut>>, Problem> {
    let list = format!("activations {license}");
    let page = query.page(&app.engine, &list)?;
    let row = app.engine.store().license(license).await?;
    if row.is_none_or(|row| !reader.may_read_of(Some(row.account))) {
        return Err(Problem::not_found());
    }
    let rows = app.engine.store().activations_of(license, page).await?;
    let number = |row: &Activation| row.id.number();
    Ok(Json(List::of(&app.engine, &list, page, &rows, number, ActivationOut::new)))
}

/// Deactivates a machine, also one that is gone or lost. It counts as a move.
#[utoipa::path(
    post, path = "/v1/licenses/{id}/deactivate", tag = "licenses", security(("bearer" = [])),
    operation_id = "deactivate_own_machine", request_body = HolderDeactivateBody,
    params(("id" = String, Path, example = "lic_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = ShownLicense),
        (status = 409, description = "`license_refused`"),
    )
)]
async fn deactivate(
    State(app): State<App>,
    Spender(buyer): Spender,
    IdPath(license): IdPath<License>,
    body: Body<HolderDeactivateBody>,
) -> Result<Json<ShownLicense>, Problem> {
    let activation = named(&body.value.activation)?;
    let own = own(&app, buyer, license).await?;
    let done = app.engine.deactivate_own(&own, activation).await??;
    Ok(Json(shown(&app, done.standing.license).await?))
}

/// A license of this buyer's own. What is somebody else's is not there.
async fn own(
    app: &App,
    buyer: scrip_engine::Buyer,
    license: Id<License>,
) -> Result<License, Problem> {
    let license = app.engine.store().license(license).await?;
    let own = license.filter(|license| license.account == buyer.account);
    own.ok_or_else(Problem::not_found)
}

async fn shown(app: &App, license: License) -> Result<ShownLicense, Problem> {
    let activations = app.engine.store().activations_of(license.id, MOST_MACHINES).await?;
    let standing = app.engine.standing(license).await?;
    let license = LicenseOut::new(app, &standing.license, app.engine.now()).await?;
    let in_use = InUse::new(&standing.license, &standing.usage);
    Ok(ShownLicense {
        license: LibraryLicense { license, in_use },
        activations: activations.iter().map(ActivationOut::new).collect(),
    })
}
