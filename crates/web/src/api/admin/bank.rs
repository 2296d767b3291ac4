//! Where money between partners goes to: our own account, and those of partners.

use axum::extract::State;
use scrip_domain::Id;
use scrip_domain::bank::{BankDetails, Bic, Iban, OWN, latin};
use scrip_domain::partner::Partner;
use scrip_engine::Staff;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::{Admin, AtPartner};
use crate::extract::{Body, IdPath};
use crate::problem::Problem;
use crate::text::Line;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_own, put_own)).routes(routes!(show, put))
}

/// A bank account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BankBody, example = json!({ "name": "Aurora Instruments", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX" }))]
struct BankBody {
    /// Its holder.
    #[schema(inline)]
    name: Line<1, 70>,
    /// The account number, with or without spaces.
    #[schema(max_length = 50, example = "DE89 3704 0044 0532 0130 00")]
    iban: String,
    /// Its bank (ISO 9362); in the euro area the account tells it.
    #[serde(default)]
    #[schema(max_length = 11, example = "COBADEFFXXX")]
    bic: Option<String>,
}

/// A bank account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BankDetails)]
struct BankOut {
    #[schema(example = "Aurora Instruments")]
    name: String,
    #[schema(example = "DE89370400440532013000")]
    iban: String,
    #[schema(required, example = "COBADEFFXXX")]
    bic: Option<String>,
}

impl From<BankDetails> for BankOut {
    fn from(details: BankDetails) -> Self {
        Self {
            name: details.holder,
            iban: details.iban.as_str().to_owned(),
            bic: details.bic.map(|bic| bic.as_str().to_owned()),
        }
    }
}

impl BankBody {
    fn details(self, owner: u64) -> Result<BankDetails, Problem> {
        bank_details(owner, self.name.0, &self.iban, self.bic.as_deref())
    }
}

/// A bank account, as somebody typed it.
pub fn bank_details(
    owner: u64,
    holder: String,
    iban: &str,
    bic: Option<&str>,
) -> Result<BankDetails, Problem> {
    // A bank carries no name that is written in other characters than these.
    if latin(&holder, holder.len()).chars().all(|symbol| " .".contains(symbol)) {
        return Err(Problem::field("name", "in Latin letters, as banks carry it"));
    }
    let iban = Iban::parse(iban);
    let iban = iban.ok_or_else(|| {
        Problem::field("iban", "not an account number: mistyped, or of the wrong length")
    })?;
    let bic = match bic {
        Some(text) => {
            let bic = Bic::parse(text);
            Some(bic.ok_or_else(|| Problem::field("bic", "8 or 11 letters and digits"))?)
        }
        None => None,
    };
    Ok(BankDetails { owner, holder, iban, bic })
}

async fn known(app: &App, owner: u64) -> Result<Json<BankOut>, Problem> {
    let details = app.engine.store().bank_details(owner).await?;
    Ok(Json(details.ok_or_else(Problem::not_found)?.into()))
}

async fn entered(
    app: &App,
    by: Staff,
    owner: u64,
    body: BankBody,
) -> Result<Json<BankOut>, Problem> {
    let Ok(details) = app.engine.put_bank_details(by, body.details(owner)?).await?;
    Ok(Json(details.into()))
}

async fn partner(app: &App, id: Id<Partner>) -> Result<u64, Problem> {
    let partner = app.engine.store().partner(id).await?.ok_or_else(Problem::not_found)?;
    Ok(partner.id.number())
}

/// Our own bank account, from which partners are paid.
#[utoipa::path(
    get, path = "/v1/admin/bank", tag = "admin", security(("bearer" = [])),
    responses((status = 200, body = BankOut), (status = 404, description = "`not_found`: none was entered"))
)]
async fn show_own(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
) -> Result<Json<BankOut>, Problem> {
    known(&app, OWN).await
}

/// Enters our own bank account, or changes it.
#[utoipa::path(
    put, path = "/v1/admin/bank", tag = "admin", security(("bearer" = [])), request_body = BankBody,
    responses((status = 200, body = BankOut))
)]
async fn put_own(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<BankBody>,
) -> Result<Json<BankOut>, Problem> {
    entered(&app, by, OWN, body.value).await
}

/// A partner's bank account, to which it is paid.
#[utoipa::path(
    get, path = "/v1/admin/partners/{id}/bank", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "par_06bq3v8k2m9zc")),
    responses((status = 200, body = BankOut), (status = 404, description = "`not_found`: none was entered"))
)]
async fn show(
    _: AtPartner,
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Partner>,
) -> Result<Json<BankOut>, Problem> {
    known(&app, partner(&app, id).await?).await
}

/// Enters a partner's bank account, or changes it.
#[utoipa::path(
    put, path = "/v1/admin/partners/{id}/bank", tag = "admin", security(("bearer" = [])), request_body = BankBody,
    params(("id" = String, Path, example = "par_06bq3v8k2m9zc")),
    responses((status = 200, body = BankOut))
)]
async fn put(
    _: AtPartner,
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Partner>,
    body: Body<BankBody>,
) -> Result<Json<BankOut>, Problem> {
    let owner = partner(&app, id).await?;
    entered(&app, by, owner, body.value).await
}
