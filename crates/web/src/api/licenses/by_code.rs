//! What whoever has a code may ask, from anywhere: validate, activate, deactivate, consume, lease, return.
//!
//! Every answer is 200 with `valid` and one stable reason code; a refusal is such an answer, too. Only what is malformed
//! is a problem. `valid` says of a verb whether it was carried out.

use axum::extract::State;
use scrip_domain::catalog::Product;
use scrip_domain::license::License;
use scrip_domain::usage::{Lease, MAX_FINGERPRINT, MAX_KEY, MAX_UNITS};
use scrip_domain::{Id, Span, Timestamp};
use scrip_engine::license::activate::MachineFields;
use scrip_engine::license::consume::ConsumeFields;
use scrip_engine::license::lease::LeaseFields;
use scrip_engine::license::validate::Question;
use scrip_engine::license::{Refused, Standing, UseRefusal, is_extendable};
use scrip_license::Reason;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::FileOut;
use super::out::{ActivationOut, Machines, unit};
use crate::App;
use crate::answer::Json;
use crate::api::terms::{LimitsBody, TermsBody};
use crate::extract::{Body, Source};
use crate::problem::Problem;
use crate::text::{Any, Line, Pasted, Visible};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(validate))
        .routes(routes!(activate))
        .routes(routes!(deactivate))
        .routes(routes!(consume))
        .routes(routes!(lease))
        .routes(routes!(give_back))
}

/// A code in either form, blanks around it or not.
type Code = Pasted<4096>;
/// Whatever a program takes for the fingerprint of a machine: any characters, and at least one.
type Fingerprint = Any<1, MAX_FINGERPRINT>;
/// A program's key of a consumption or lease.
type Key = Visible<MAX_KEY>;
/// What is called so on a machine.
type Name = Line<0, 100>;
/// The longest lease that can be asked for, in seconds: ten years.
const LONGEST: u64 = 315_360_000;

/// A code to be validated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ValidateBody {
    /// Either form.
    #[schema(inline)]
    code: Code,
    /// The product that it must be for.
    #[serde(default)]
    #[schema(example = "prd_06bq3v8k2m9zc", pattern = "^prd_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    product: Option<String>,
    /// The machine that it must be good on, where machines are told apart.
    #[serde(default)]
    #[schema(inline)]
    fingerprint: Option<Fingerprint>,
}

/// A machine to be activated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ActivateBody {
    /// Either form.
    #[schema(inline)]
    code: Code,
    /// Whatever the program takes for the machine's fingerprint. Only its SHA-256 is kept.
    #[schema(inline)]
    fingerprint: Fingerprint,
    /// What the program calls the machine, for its owner's eyes.
    #[serde(default)]
    #[schema(inline, default = "", example = "Ada's laptop")]
    name: Name,
    /// The product that the program is.
    #[serde(default)]
    #[schema(example = "prd_06bq3v8k2m9zc", pattern = "^prd_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    product: Option<String>,
}

/// A machine to be deactivated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeactivateBody {
    /// Either form.
    #[schema(inline)]
    code: Code,
    /// The machine.
    #[schema(inline)]
    fingerprint: Fingerprint,
}

/// Uses or processings to be taken.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsumeBody {
    /// Either form.
    #[schema(inline)]
    code: Code,
    /// How many: all of them are taken, or none.
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 1)]
    units: u64,
    /// What they are: `uses`, `processings`, or the name of what is processed. Another license's is refused.
    #[serde(default)]
    #[schema(inline, example = "images")]
    kind: Option<Visible<24>>,
    /// A new one for each taking. With the same key the same is taken once, for ever.
    #[schema(inline, example = "5f3c-0001")]
    key: Key,
    /// The machine; needed where machines are limited.
    #[serde(default)]
    #[schema(inline)]
    fingerprint: Option<Fingerprint>,
    /// The product that the program is.
    #[serde(default)]
    #[schema(example = "prd_06bq3v8k2m9zc", pattern = "^prd_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    product: Option<String>,
}

/// Leave to work offline that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LeaseBody {
    /// Either form.
    #[schema(inline)]
    code: Code,
    /// The machine. One that is not active becomes so, if there is room.
    #[schema(inline)]
    fingerprint: Fingerprint,
    /// What the program calls the machine, should it have to be activated.
    #[serde(default)]
    #[schema(inline, default = "", example = "Ada's laptop")]
    name: Name,
    /// A new one for each lease. With the same key, machine and units the same lease comes again.
    #[schema(inline, example = "5f3c-0002")]
    key: Key,
    /// For how long; without it, and at most, for as long as the license lets a machine be offline.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 315_360_000, example = 604_800)]
    seconds: Option<u64>,
    /// How many uses or processings to set apart: all of them, or none.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 20)]
    units: Option<u64>,
    /// The product that the program is.
    #[serde(default)]
    #[schema(example = "prd_06bq3v8k2m9zc", pattern = "^prd_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    product: Option<String>,
}

/// A lease to be returned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReturnBody {
    /// Either form.
    #[schema(inline)]
    code: Code,
    /// The lease's id.
    #[schema(pattern = "^lea_[0-7][0-9a-hjkmnp-tv-z]{12}$", example = "lea_06bq3v8k2m9zc")]
    lease: String,
    /// How many of its uses or processings were used. The others are left again.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 12)]
    used: u64,
}

/// Whether what was asked is so, or was done.
#[derive(Debug, Serialize, ToSchema)]
struct Verdict {
    valid: bool,
    /// `VALID`, `EXPIRED`, `NOT_STARTED`, `REVOKED`, `SUPERSEDED`, `SUSPENDED`, `REFUNDED`, `NOT_ACTIVATED`,
    /// `MACHINE_LIMIT`, `USES_EXHAUSTED`, `PROCESSINGS_EXHAUSTED`, `LEASE_EXPIRED`, `WRONG_PRODUCT`, `WRONG_MACHINE`,
    /// `CLOCK_ROLLBACK`, `UNKNOWN_CODE` or `BAD_SIGNATURE`.
    #[schema(example = "VALID")]
    code: &'static str,
    /// The license behind a genuine code that is its newest, without its codes.
    #[schema(required)]
    license: Option<LicenseBrief>,
    /// When a machine can be deactivated again, where that is why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-22T12:00:00.000Z")]
    can_move_at: Option<String>,
}

/// What a license allows, and what is left of it.
#[derive(Debug, Serialize, ToSchema)]
struct LicenseBrief {
    #[schema(example = "lic_06bq3v8k2m9zc")]
    id: String,
    product: String,
    terms: TermsBody,
    limits: LimitsBody,
    #[schema(required)]
    expires_at: Option<String>,
    /// What is counted: `uses`, `processings`, or the name of what is processed; null where nothing is.
    #[schema(required, example = "images")]
    unit: Option<String>,
    /// How many are left; null where nothing is counted.
    #[schema(required, example = 940)]
    left: Option<u64>,
    machines: Machines,
    /// Whether tokens buy more of it, also once it has run out.
    extendable: bool,
    /// What can be downloaded with the code; nothing when it is not in force. Told by `validate` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<FileOut>>,
}

/// Whether a machine is active.
#[derive(Debug, Serialize, ToSchema)]
struct ActivateVerdict {
    #[serde(flatten)]
    verdict: Verdict,
    /// The machine.
    #[schema(required)]
    activation: Option<ActivationOut>,
    /// Leave for this machine to work offline, signed: a compact JWS of the type `scrip-lease+jwt`.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    lease: Option<String>,
}

/// Whether uses or processings were taken.
#[derive(Debug, Serialize, ToSchema)]
struct ConsumeVerdict {
    #[serde(flatten)]
    verdict: Verdict,
    /// What was taken; null where nothing is counted.
    #[schema(required)]
    consumption: Option<ConsumptionOut>,
}

/// Uses or processings that were taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Consumption)]
struct ConsumptionOut {
    #[schema(example = "5f3c-0001")]
    key: String,
    #[schema(example = 1)]
    units: u64,
    /// How many were left then.
    #[schema(example = 939)]
    left: u64,
    at: String,
}

/// Whether a lease was given.
#[derive(Debug, Serialize, ToSchema)]
struct LeaseVerdict {
    #[serde(flatten)]
    verdict: Verdict,
    /// What the lease is.
    #[schema(required)]
    leased: Option<LeasedOut>,
    /// The lease, signed: a compact JWS of the type `scrip-lease+jwt`.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    lease: Option<String>,
}

/// A lease.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lease)]
struct LeasedOut {
    /// What it is returned by.
    #[schema(example = "lea_06bq3v8k2m9zc")]
    id: String,
    /// How many uses or processings it has.
    #[schema(example = 20)]
    units: u64,
    at: String,
    expires_at: String,
}

/// Whether a lease was returned.
#[derive(Debug, Serialize, ToSchema)]
struct ReturnVerdict {
    #[serde(flatten)]
    verdict: Verdict,
    /// What was returned.
    #[schema(required)]
    returned: Option<ReturnedOut>,
}

/// A lease that was returned.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReturnedLease)]
struct ReturnedOut {
    #[schema(example = "lea_06bq3v8k2m9zc")]
    id: String,
    /// How many it had.
    #[schema(example = 20)]
    units: u64,
    /// How many of them were used.
    #[schema(example = 12)]
    used: u64,
    /// When it was returned.
    #[schema(required)]
    returned_at: Option<String>,
}

impl LicenseBrief {
    fn new(Standing { license, usage }: &Standing) -> Self {
        let License { id, product, terms, limits, expires_at, .. } = license;
        Self {
            id: id.to_string(),
            product: product.to_string(),
            terms: (*terms).into(),
            limits: (*limits).into(),
            expires_at: expires_at.map(|at| at.to_string()),
            unit: unit(*terms),
            left: usage.left(*terms),
            machines: Machines::new(license, usage),
            extendable: is_extendable(license),
            files: None,
        }
    }
}

impl Verdict {
    fn new(reason: Reason, standing: Option<&Standing>) -> Self {
        Self {
            valid: reason == Reason::Valid,
            code: reason.as_str(),
            license: standing.map(LicenseBrief::new),
            can_move_at: None,
        }
    }

    fn done(standing: &Standing) -> Self {
        Self::new(Reason::Valid, Some(standing))
    }

    /// The same of a license of which so many were left when this was done.
    fn with_left(mut self, left: Option<u64>) -> Self {
        if let Some(license) = &mut self.license {
            license.left = left;
        }
        self
    }

    /// What was not done, and why. What asked for something that cannot be is a problem.
    fn refused(refusal: UseRefusal) -> Result<Self, Problem> {
        let Refused { reason, standing, can_move_at } = match refusal {
            UseRefusal::Refused(refused) => *refused,
            UseRefusal::RateLimited(wait) => return Err(Problem::rate_limited(wait.0)),
            UseRefusal::KeyReused => {
                let detail = "this key was used for something else: use a new one";
                return Err(Problem::stands_for_another("key", detail));
            }
            UseRefusal::ReturnedOtherwise => {
                let detail = "this lease was returned with another number of used ones";
                return Err(Problem::stands_for_another("used", detail));
            }
            UseRefusal::WrongKind => {
                return Err(Problem::field("kind", "this license counts something else"));
            }
            UseRefusal::NoSuchLease => {
                let detail = "this license has no such lease";
                return Err(Problem::not_found().with_error("lease", "invalid", detail));
            }
            UseRefusal::MoreThanLeased(units) => {
                return Err(Problem::field("used", format!("at most {units}, as leased")));
            }
        };
        let can_move_at = can_move_at.map(|at: Timestamp| at.to_string());
        Ok(Self { can_move_at, ..Self::new(reason, standing.as_ref()) })
    }
}

/// What is no product's id names no product, not another one.
fn product_asked(product: Option<&str>) -> Result<Option<&str>, Problem> {
    match product.map(str::parse::<Id<Product>>) {
        Some(Err(_)) => Err(Problem::field("product", "this is no product's id")),
        Some(Ok(_)) | None => Ok(product),
    }
}

/// So many, at least one.
fn units(units: u64) -> Result<u64, Problem> {
    if (1..=MAX_UNITS).contains(&units) {
        Ok(units)
    } else {
        Err(Problem::field("units", format!("1 to {MAX_UNITS}")))
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
    let ValidateBody { code, product, fingerprint } = &body.value;
    let question = Question {
        product: product_asked(product.as_deref())?,
        fingerprint: fingerprint.as_ref().map(|fingerprint| fingerprint.0.as_str()),
    };
    let (reason, standing) = app
        .engine
        .is_good(&code.0, &source.0, question)
        .await?
        .map_err(|wait| Problem::rate_limited(wait.0))?;
    let mut verdict = Verdict::new(reason, standing.as_ref());
    if let (Some(brief), Some(standing)) = (&mut verdict.license, &standing) {
        // Downloads look at state and time only; what is for another product is nothing to this program.
        let opens = app.engine.state_of(&standing.license) == Reason::Valid;
        let files = if opens && reason != Reason::WrongProduct {
            app.engine.files_of(&standing.license).await?
        } else {
            Vec::new()
        };
        brief.files = Some(files.iter().map(FileOut::new).collect());
    }
    Ok(Json(verdict))
}

/// Activates a machine, or gives one that is active leave anew.
#[utoipa::path(
    post, path = "/v1/licenses/activate", tag = "licenses", request_body = ActivateBody,
    responses((status = 200, body = ActivateVerdict))
)]
async fn activate(
    State(app): State<App>,
    source: Source,
    body: Body<ActivateBody>,
) -> Result<Json<ActivateVerdict>, Problem> {
    let ActivateBody { code, fingerprint, name, product } = &body.value;
    let product = product_asked(product.as_deref())?;
    let fields = MachineFields { fingerprint: &fingerprint.0, name: &name.0, product };
    Ok(Json(match app.engine.activate(&code.0, &source.0, fields).await? {
        Ok(active) => ActivateVerdict {
            verdict: Verdict::done(&active.standing),
            activation: Some(ActivationOut::new(&active.activation)),
            lease: Some(active.leave),
        },
        Err(refusal) => {
            ActivateVerdict { verdict: Verdict::refused(refusal)?, activation: None, lease: None }
        }
    }))
}

/// Deactivates a machine: another one has room. How often, may be limited.
#[utoipa::path(
    post, path = "/v1/licenses/deactivate", tag = "licenses", request_body = DeactivateBody,
    operation_id = "deactivate_machine",
    responses((status = 200, body = Verdict))
)]
async fn deactivate(
    State(app): State<App>,
    source: Source,
    body: Body<DeactivateBody>,
) -> Result<Json<Verdict>, Problem> {
    let DeactivateBody { code, fingerprint } = &body.value;
    Ok(Json(match app.engine.deactivate(&code.0, &source.0, &fingerprint.0).await? {
        Ok(done) => Verdict::done(&done.standing),
        Err(refusal) => Verdict::refused(refusal)?,
    }))
}

/// Takes uses or processings, once per key for ever. Where nothing is counted, nothing is taken.
#[utoipa::path(
    post, path = "/v1/licenses/consume", tag = "licenses", request_body = ConsumeBody,
    responses(
        (status = 200, body = ConsumeVerdict),
        (status = 409, description = "`idempotency_key_reused`: the key stands for other units, or for a lease"),
    )
)]
async fn consume(
    State(app): State<App>,
    source: Source,
    body: Body<ConsumeBody>,
) -> Result<Json<ConsumeVerdict>, Problem> {
    let body = &body.value;
    let fields = ConsumeFields {
        units: units(body.units)?,
        kind: body.kind.as_ref().map(|kind| kind.0.as_str()),
        key: &body.key.0,
        fingerprint: body.fingerprint.as_ref().map(|fingerprint| fingerprint.0.as_str()),
        product: product_asked(body.product.as_deref())?,
    };
    Ok(Json(match app.engine.consume(&body.code.0, &source.0, fields).await? {
        Ok(consumed) => {
            let taken = consumed.consumption;
            let left = taken.as_ref().map(|taken| taken.left);
            let out = taken.map(|taken| ConsumptionOut {
                key: taken.key,
                units: taken.units,
                left: taken.left,
                at: taken.at.to_string(),
            });
            let verdict = Verdict::done(&consumed.standing).with_left(left);
            ConsumeVerdict { verdict, consumption: out }
        }
        Err(refusal) => ConsumeVerdict { verdict: Verdict::refused(refusal)?, consumption: None },
    }))
}

/// Gives a machine leave to work offline, with uses or processings set apart for it.
#[utoipa::path(
    post, path = "/v1/licenses/lease", tag = "licenses", request_body = LeaseBody,
    responses(
        (status = 200, body = LeaseVerdict),
        (status = 409, description = "`idempotency_key_reused`: the key stands for another machine or other units, or for a consumption"),
    )
)]
async fn lease(
    State(app): State<App>,
    source: Source,
    body: Body<LeaseBody>,
) -> Result<Json<LeaseVerdict>, Problem> {
    let body = &body.value;
    let span = match body.seconds {
        None => None,
        Some(seconds @ 1..=LONGEST) => {
            Some(Span::seconds(u32::try_from(seconds).unwrap_or(u32::MAX)))
        }
        Some(_) => return Err(Problem::field("seconds", format!("1 to {LONGEST}"))),
    };
    let fields = LeaseFields {
        fingerprint: &body.fingerprint.0,
        name: &body.name.0,
        key: &body.key.0,
        span,
        units: body.units.map(units).transpose()?.unwrap_or(0),
        product: product_asked(body.product.as_deref())?,
    };
    Ok(Json(match app.engine.lease(&body.code.0, &source.0, fields).await? {
        Ok(leased) => LeaseVerdict {
            verdict: Verdict::done(&leased.standing).with_left(leased.left),
            leased: Some(LeasedOut {
                id: leased.lease.id.to_string(),
                units: leased.lease.units,
                at: leased.lease.at.to_string(),
                expires_at: leased.lease.expires_at.to_string(),
            }),
            lease: Some(leased.leave),
        },
        Err(refusal) => {
            LeaseVerdict { verdict: Verdict::refused(refusal)?, leased: None, lease: None }
        }
    }))
}

/// Returns a lease, also one that has ended long ago. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/licenses/return", tag = "licenses", request_body = ReturnBody,
    operation_id = "return_lease",
    responses(
        (status = 200, body = ReturnVerdict),
        (status = 404, description = "`not_found`: the license has no such lease"),
        (status = 409, description = "`idempotency_key_reused`: it was returned with another number of used ones"),
    )
)]
async fn give_back(
    State(app): State<App>,
    source: Source,
    body: Body<ReturnBody>,
) -> Result<Json<ReturnVerdict>, Problem> {
    let ReturnBody { code, lease, used } = &body.value;
    let lease: Id<Lease> =
        lease.parse().map_err(|_| Problem::field("lease", "not a lease's id"))?;
    if *used > MAX_UNITS {
        return Err(Problem::field("used", format!("0 to {MAX_UNITS}")));
    }
    Ok(Json(match app.engine.return_lease(&code.0, &source.0, lease, *used).await? {
        Ok(returned) => ReturnVerdict {
            verdict: Verdict::done(&returned.standing),
            returned: Some(ReturnedOut {
                id: returned.lease.id.to_string(),
                units: returned.lease.units,
                used: *used,
                returned_at: returned.lease.returned_at.map(|at| at.to_string()),
            }),
        },
        Err(refusal) => ReturnVerdict { verdict: Verdict::refused(refusal)?, returned: None },
    }))
}
