//! Licenses: the library, and whether a code is valid.

use axum::Json;
use axum::extract::State;
use scrip_domain::Timestamp;
use scrip_domain::catalog::File;
use scrip_domain::license::{License, LicenseState};
use scrip_engine::license::state_at;
use scrip_engine::throttle::Limited;
use scrip_license::Reason;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::api::terms::{LimitsBody, TermsBody};
use crate::api::{List, ListQuery};
use crate::caller::Buyer;
use crate::extract::{Body, IdPath, Query, Source};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// What whoever has a code may ask, from anywhere.
pub fn by_code() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(validate))
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
struct FileOut {
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
    fn new(file: &File) -> Self {
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
            state: match state_at(license, at) {
                _ if license.state == LicenseState::Withheld => "withheld",
                Reason::Valid => "valid",
                Reason::Expired => "expired",
                Reason::Refunded => "refunded",
                Reason::Suspended => "suspended",
                _ => "revoked",
            },
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

/// The caller's library, newest first.
#[utoipa::path(
    get, path = "/v1/licenses", tag = "licenses", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<LicenseOut>))
)]
async fn list(
    State(app): State<App>,
    Buyer(buyer): Buyer,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<LicenseOut>>, Problem> {
    let page = query.page(&app.engine, "licenses")?;
    let rows = app.engine.store().licenses_of(buyer.account, page).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in &rows {
        shown.push(LicenseOut::new(&app, row, app.engine.now()).await?);
    }
    let next = List::of(&app.engine, "licenses", page, &rows, |row| row.id.number(), |_| ()).next;
    Ok(Json(List { data: shown, next }))
}

/// One of the caller's licenses.
#[utoipa::path(
    get, path = "/v1/licenses/{id}", tag = "licenses", security(("bearer" = [])),
    params(("id" = String, Path, example = "lic_06bq3v8k2m9zc")),
    responses((status = 200, body = LicenseOut))
)]
async fn show(
    State(app): State<App>,
    Buyer(buyer): Buyer,
    IdPath(license): IdPath<License>,
) -> Result<Json<LicenseOut>, Problem> {
    let license = app.engine.store().license(license).await?;
    let own = license.filter(|license| license.account == buyer.account);
    let own = own.ok_or_else(Problem::not_found)?;
    Ok(Json(LicenseOut::new(&app, &own, app.engine.now()).await?))
}

/// A code to be validated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ValidateBody {
    /// Either form.
    #[schema(max_length = 4096)]
    code: String,
    /// The product that it must be for.
    #[serde(default)]
    #[schema(max_length = 40)]
    product: Option<String>,
    /// The machine; counts once machines are activated.
    #[serde(default)]
    #[schema(max_length = 200)]
    fingerprint: Option<String>,
}

/// Whether a code is valid.
#[derive(Debug, Serialize, ToSchema)]
struct Verdict {
    valid: bool,
    /// A stable reason code.
    #[schema(example = "VALID")]
    code: &'static str,
    /// The license behind a genuine code, without its codes.
    #[schema(required)]
    license: Option<LicenseBrief>,
}

/// What a license allows.
#[derive(Debug, Serialize, ToSchema)]
struct LicenseBrief {
    #[schema(example = "lic_06bq3v8k2m9zc")]
    id: String,
    product: String,
    terms: TermsBody,
    limits: LimitsBody,
    #[schema(required)]
    expires_at: Option<String>,
    /// What can be downloaded with the code; nothing with one that is not valid.
    files: Vec<FileOut>,
}

impl LicenseBrief {
    async fn new(app: &App, license: &License, is_valid: bool) -> Result<Self, Problem> {
        let files = if is_valid { app.engine.files_of(license).await? } else { Vec::new() };
        Ok(Self {
            id: license.id.to_string(),
            product: license.product.to_string(),
            terms: license.terms.into(),
            limits: license.limits.into(),
            expires_at: license.expires_at.map(|at| at.to_string()),
            files: files.iter().map(FileOut::new).collect(),
        })
    }
}

/// Says whether a code in either form is valid, and why not.
#[utoipa::path(
    post, path = "/v1/licenses/validate", tag = "licenses", request_body = ValidateBody,
    responses((status = 200, body = Verdict))
)]
async fn validate(
    State(app): State<App>,
    source: Source,
    body: Body<ValidateBody>,
) -> Result<Json<Verdict>, Problem> {
    let engine = &app.engine;
    let now = engine.now();
    let body = body.value;
    // A signed code cannot be guessed: only the form for typing is slowed down.
    let guessable = !body.code.contains('.');
    if guessable {
        let waits = engine.throttle().check(Limited::Codes, &source.0, now);
        waits.map_err(|wait| Problem::rate_limited(wait.0))?;
    }
    let most = |text: &Option<String>, field: &str, most: usize| match text {
        Some(text) if text.chars().count() > most => {
            Err(Problem::field(field, format!("at most {most} characters")))
        }
        _ => Ok(()),
    };
    most(&body.product, "product", 40)?;
    most(&body.fingerprint, "fingerprint", 200)?;
    most(&Some(body.code.clone()), "code", 4096)?;
    let (mut reason, license) = engine.validate(body.code.trim()).await?;
    match &license {
        None if guessable => engine.throttle().count(Limited::Codes, &source.0, now),
        None => {}
        Some(license) => {
            let wrong = body
                .product
                .as_ref()
                .is_some_and(|product| *product != license.product.to_string());
            if reason == Reason::Valid && wrong {
                reason = Reason::WrongProduct;
            }
        }
    }
    let is_valid = reason == Reason::Valid;
    let brief = match &license {
        Some(license) => Some(LicenseBrief::new(&app, license, is_valid).await?),
        None => None,
    };
    Ok(Json(Verdict { valid: reason == Reason::Valid, code: reason.as_str(), license: brief }))
}
