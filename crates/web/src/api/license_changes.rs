//! Licenses that change: a new code, more time, uses or processings; and what is good no more.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use scrip_domain::Id;
use scrip_domain::catalog::Product;
use scrip_domain::extension::NotExtendable;
use scrip_domain::license::License;
use scrip_domain::usage::Extension;
use scrip_engine::license::reissue::Asker;
use scrip_engine::purchase::{Answered, Ask, PurchaseRefusal};
use scrip_engine::selection::{Choice, Selection};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::downloads::conditions::{self, Verdict};
use crate::api::licenses::CodeOut;
use crate::api::orders::{OrderOut, settled};
use crate::api::top_ups::replayed;
use crate::caller::Spender;
use crate::extract::{Body, IdPath, IdempotencyKey, OrEmpty, Query, Source};
use crate::money::MoneyIn;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(reissue)).routes(routes!(extend))
}

/// What programs ask from anywhere.
pub fn public() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(revocations)).routes(routes!(chain))
}

/// A license that was extended, as it was then.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExtendedLicense)]
pub struct ExtendedOut {
    /// The line that did.
    #[schema(example = "lin_06bq3v8k2m9zc")]
    line: String,
    #[schema(example = "lic_06bq3v8k2m9zc")]
    license: String,
    product: String,
    /// When it ends now; null where it does not end by time, or has not begun.
    #[schema(required)]
    expires_at: Option<String>,
    /// How many uses or processings are left; null where they are not counted.
    #[schema(required)]
    left: Option<u64>,
    /// Its code, which says when it ends; absent for the vendor's staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CodeOut>,
}

impl ExtendedOut {
    /// What an extension told of the license that it is of.
    pub async fn new(app: &App, license: &License, extension: &Extension) -> Result<Self, Problem> {
        let code = app.engine.code(license).await?;
        Ok(Self {
            line: extension.line.to_string(),
            license: license.id.to_string(),
            product: license.product.to_string(),
            expires_at: extension.expires_at.map(|at| at.to_string()),
            left: extension.left,
            code: Some(CodeOut { jws: code.jws, short: code.short }),
        })
    }

    /// Leaves the code out, which is its holder's alone.
    pub fn hide_code(&mut self) {
        self.code = None;
    }
}

/// Nothing is asked for but the new code itself.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReissueBody {}

/// A code that was issued again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IssuedCode)]
struct IssuedOut {
    #[schema(example = "lic_06bq3v8k2m9zc")]
    license: String,
    /// The number of this issue. All before are dead.
    #[schema(minimum = 2, example = 2)]
    issue: u32,
    issued_at: String,
    #[schema(required)]
    expires_at: Option<String>,
    code: CodeOut,
}

/// Issues the code of one of the caller's licenses again: the one before is dead at once. Active machines stay active.
#[utoipa::path(
    post, path = "/v1/licenses/{id}/reissue", tag = "licenses", security(("bearer" = [])), request_body = Option<ReissueBody>,
    params(
        ("id" = String, Path, example = "lic_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new issue", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 200, body = IssuedOut),
        (status = 409, description = "`license_state`: it is not valid; `idempotency_key_reused`"),
    )
)]
async fn reissue(
    State(app): State<App>,
    Spender(buyer): Spender,
    IdPath(license): IdPath<License>,
    key: IdempotencyKey,
    OrEmpty(body): OrEmpty<ReissueBody>,
) -> Result<Response, Problem> {
    let ReissueBody {} = body.value;
    let request = body.request(&key);
    let answered = app.engine.reissue(Asker::Holder(buyer), license, request).await??;
    let (license, before) = match answered {
        Answered::First(license) => (license, false),
        Answered::Replayed(license) => (license, true),
    };
    let code = app.engine.code(&license).await?;
    let out = Json(IssuedOut {
        license: license.id.to_string(),
        issue: license.issue,
        issued_at: license.issued_at.to_string(),
        expires_at: license.expires_at.map(|at| at.to_string()),
        code: CodeOut { jws: code.jws, short: code.short },
    });
    Ok(if before { replayed(out.into_response()) } else { out.into_response() })
}

/// By what a license is extended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExtendBody {
    /// A current offer of the license's product, with terms of the same kind.
    #[schema(example = "ofr_06bq3v8k2m9zc", pattern = "^ofr_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    offer: String,
    /// How many times.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 100, default = 1)]
    quantity: u32,
    /// What the buyer believes that it costs: another total is refused.
    #[serde(default)]
    expected_total: Option<MoneyIn>,
}

const fn one() -> u32 {
    1
}

/// Extends one of the caller's licenses, in one step: an order of one line.
#[utoipa::path(
    post, path = "/v1/licenses/{id}/extend", tag = "licenses", security(("bearer" = [])), request_body = ExtendBody,
    params(
        ("id" = String, Path, example = "lic_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new extension", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 201, body = OrderOut),
        (status = 402, description = "`balance_below_threshold`, `insufficient_balance`: declined, on record"),
        (status = 403, description = "`account_frozen`, `account_incomplete`, `forbidden`"),
        (status = 409, description = "`not_extendable`, `price_changed`, `not_for_sale`, `idempotency_key_reused`"),
    )
)]
async fn extend(
    State(app): State<App>,
    Spender(buyer): Spender,
    IdPath(license): IdPath<License>,
    source: Source,
    key: IdempotencyKey,
    body: Body<ExtendBody>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let ExtendBody { offer, quantity, expected_total } = &body.value;
    let offer = offer.parse().map_err(|_| Problem::field("offer", "this is no offer's id"))?;
    let expected = expected_total.as_ref().map(|total| total.in_tokens(token, "expected_total"));
    let expected_total = expected.transpose()?;
    if app.engine.provider().is_some() {
        let why = NotExtendable::AtProvider;
        let refusal = PurchaseRefusal::NotExtendable { line: 0, why };
        return Err(Problem::purchase(&refusal, &vendor.settings));
    }
    let choice = Choice { offer, quantity: *quantity, extends: Some(license) };
    let ask = Ask {
        selection: Selection::new(vec![choice])?,
        expected_total,
        again: false,
        source: source.0,
    };
    let answer = app.engine.purchase(buyer, ask, body.request(&key)).await?;
    settled(&app, answer, StatusCode::CREATED).await
}

/// Of what.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct RevocationsQuery {
    /// A product; absent for all.
    #[param(example = "prd_06bq3v8k2m9zc", pattern = "^prd_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
    product: Option<String>,
}

/// What is good no more: dead codes, and leaves to work offline that ended early. A compact JWS, signed with the license
/// key of today; the same again, with the same `ETag`, while nothing is new.
#[utoipa::path(
    get, path = "/v1/revocations", tag = "licenses", params(RevocationsQuery),
    responses(
        (status = 200, body = String, content_type = "application/scrip-revocations+jwt"),
        (status = 304, description = "as the `If-None-Match` has it"),
        (status = 412, description = "`precondition_failed`: it is another list than you named"),
    )
)]
async fn revocations(
    State(app): State<App>,
    Query(query): Query<RevocationsQuery>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let product = query.product.as_deref().map(str::parse::<Id<Product>>).transpose();
    let product = product.map_err(|_| Problem::field("product", "this is no product's id"))?;
    let list = app.engine.revocations(product).await?;
    let verdict = conditions::check(&asked, &list.etag);
    if verdict == Verdict::Failed {
        return Err(Problem::precondition_failed("the list is another than the one you named"));
    }
    let mut headers = HeaderMap::new();
    headers.extend(HeaderValue::from_str(&list.etag).map(|etag| (header::ETAG, etag)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    if verdict == Verdict::NotModified {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let kind = HeaderValue::from_static("application/scrip-revocations+jwt");
    headers.insert(header::CONTENT_TYPE, kind);
    Ok((headers, list.jws.clone()).into_response())
}

/// The chain of license keys.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeyChain)]
struct ChainOut {
    /// Compact JWSes of the type `scrip-key+jwt`, the oldest first: each announces a key, signed by the one before it.
    /// Empty while there was one key only.
    keys: Vec<String>,
}

/// From the first license key to the one of today: a program that knows any of them believes all later ones.
#[utoipa::path(
    get, path = "/v1/keys/chain", tag = "licenses", responses((status = 200, body = ChainOut))
)]
async fn chain(State(app): State<App>) -> Result<Response, Problem> {
    let keys = app.engine.key_chain().await?;
    let cached = [(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))];
    Ok((cached, Json(ChainOut { keys })).into_response())
}
