//! Purchase requests, as their merchant sees them: every route is signed by the merchant's server, and every answer but the
//! statement's is the provider's picture.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use scrip_domain::Amount;
use scrip_domain::merchant::{Merchant, MerchantState};
use scrip_domain::purchase_request::PurchaseRequest;
use scrip_engine::purchase_request::{OpenedRequest, Picture, RequestRefundAsk};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::AtProvider;
use crate::extract::{IdPath, IdempotencyKey};
use crate::problem::{Problem, kind};
use crate::signed::{Signed, SignedBody};
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(open))
        .routes(routes!(show))
        .routes(routes!(capture))
        .routes(routes!(cancel))
        .routes(routes!(fulfilled))
        .routes(routes!(refund))
}

/// The merchant whose server signed a request.
pub async fn merchant(app: &App, by: &Signed) -> Result<Merchant, Problem> {
    app.engine.merchant_at(&by.issuer).await?.ok_or_else(Problem::signature_refused)
}

/// The same, of one that has redeemed its invitation.
pub async fn selling(app: &App, by: &Signed) -> Result<Merchant, Problem> {
    let merchant = merchant(app, by).await?;
    if merchant.state == MerchantState::Invited {
        let detail = "redeem the invitation first";
        return Err(Problem::new(&kind::MERCHANT_LIMIT, detail));
    }
    Ok(merchant)
}

/// A signed offer.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PurchaseRequestBody, example = json!({ "offer": "eyJhbGciOiJFZERTQSIsImtpZCI6…" }))]
struct OfferBody {
    /// A compact JWS of type `scrip-offer+jwt`.
    offer: String,
}

/// A body that says nothing.
#[derive(Debug, Deserialize, ToSchema)]
struct NoBody {}

/// That the codes are minted and withheld.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({ "codes": "3u2j0TbIH2CWKNwq1qIVrlvpgLxICeGMqBYEFnAsHyo" }))]
struct FulfilledBody {
    /// The digest of all codes: base64url of SHA-256.
    codes: String,
}

/// What goes back.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = RequestRefundBody, example = json!({ "amount": 500, "reason": "Does not start" }))]
struct RefundBody {
    /// How much, in the token's smallest unit; all that is left without it.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 1_000_000_000_000_000u64)]
    amount: Option<Amount>,
    /// Why; it is signed, and the buyer sees it.
    #[schema(inline)]
    reason: Text<1, 500>,
}

impl RefundBody {
    /// What is asked.
    fn ask(self) -> Result<RequestRefundAsk, Problem> {
        if self.amount.is_some_and(Amount::is_zero) {
            return Err(Problem::field("amount", "more than nothing"));
        }
        Ok(RequestRefundAsk { amount: self.amount, reason: self.reason.0 })
    }
}

/// A purchase request as it is now, with the documents that prove it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PurchaseRequest)]
pub struct PictureOut {
    #[schema(example = "req_06bq3v8k2m9zc")]
    id: String,
    /// The merchant's name of the order.
    order: String,
    /// `open`, `claimed`, `authorized`, `captured`, `fulfilled`, `declined`, `expired`, `cancelled`, `voided`,
    /// `partially_refunded` or `refunded`.
    state: &'static str,
    /// The total, in the token's smallest unit.
    #[schema(value_type = u64)]
    amount: Amount,
    /// The signed decision, once there is one.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    confirmation: Option<String>,
    /// The signed receipt, once it was captured.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    receipt: Option<String>,
    /// The provider's signed final word, once the merchant has reported.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    fulfilment: Option<String>,
    /// The signed refunds, oldest first.
    #[schema(example = json!(["eyJhbGciOiJFZERTQSIsImtpZCI6…"]))]
    refunds: Vec<String>,
}

impl From<Picture> for PictureOut {
    fn from(picture: Picture) -> Self {
        let Picture { request, refunds } = picture;
        Self {
            id: request.id.to_string(),
            order: request.order,
            state: request.state.as_str(),
            amount: request.amount,
            confirmation: request.confirmation,
            receipt: request.receipt,
            fulfilment: request.fulfilment,
            refunds: refunds.into_iter().map(|refund| refund.document).collect(),
        }
    }
}

/// A purchase request that waits for a buyer.
#[derive(Debug, Serialize, ToSchema)]
struct OpenedOut {
    #[serde(flatten)]
    picture: PictureOut,
    /// Where the buyer goes.
    #[schema(example = "https://pay.example/pay/Qq8UYYdMM1976EFWi990jg")]
    url: String,
    /// For how many seconds it waits.
    #[schema(example = 600)]
    expires_in: i64,
}

impl From<OpenedRequest> for OpenedOut {
    fn from(opened: OpenedRequest) -> Self {
        let expires_in = opened.expires_in.as_millis() / 1000;
        Self { picture: opened.picture.into(), url: opened.url, expires_in }
    }
}

/// Opens a purchase request for an offer that the merchant has signed. One order has one: asking again brings it.
#[utoipa::path(
    post, path = "/v1/purchase-requests", tag = "servers", request_body = OfferBody,
    params(("Idempotency-Key" = String, Header, description = "the order's name, as the offer has it", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "ord_06bq3v8k2m9zc")),
    responses(
        (status = 201, body = OpenedOut),
        (status = 401, description = "`signature_refused`"),
        (status = 403, description = "`merchant_limit`"),
        (status = 404, description = "`not_found`: no provider"),
        (status = 409, description = "`idempotency_key_reused`"),
        (status = 422, description = "`offer_refused`"),
    )
)]
async fn open(
    _: AtProvider,
    State(app): State<App>,
    headers: HeaderMap,
    body: SignedBody<OfferBody>,
) -> Result<Response, Problem> {
    let merchant = selling(&app, &body.by).await?;
    let key = IdempotencyKey::of(&headers)?;
    let request = body.request(&key);
    let opened = app.engine.open_request(&merchant, key.as_str(), &body.value.offer, request);
    let opened = opened.await?.map_err(|refusal| app_problem(&refusal))?;
    Ok((StatusCode::CREATED, Json(OpenedOut::from(opened))).into_response())
}

/// What is said of a refusal to a merchant: it is never told of a buyer's account or balance.
fn app_problem(refusal: &scrip_engine::purchase_request::RequestRefusal) -> Problem {
    Problem::purchase_request(refusal, None)
}

/// A purchase request of the merchant's.
#[utoipa::path(
    get, path = "/v1/purchase-requests/{id}", tag = "servers",
    params(("id" = String, Path, example = "req_06bq3v8k2m9zc")),
    responses((status = 200, body = PictureOut), (status = 401, description = "`signature_refused`"))
)]
async fn show(
    _: AtProvider,
    State(app): State<App>,
    IdPath(id): IdPath<PurchaseRequest>,
    by: Signed,
) -> Result<Json<PictureOut>, Problem> {
    let merchant = merchant(&app, &by).await?;
    let picture = app.engine.look_at_request(merchant.id, id).await?;
    Ok(Json(picture.map_err(|refusal| app_problem(&refusal))?.into()))
}

/// Takes what is held for the merchant, whole. Asking again brings the same receipt.
#[utoipa::path(
    post, path = "/v1/purchase-requests/{id}/capture", tag = "servers", request_body = NoBody,
    params(("id" = String, Path, example = "req_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = PictureOut),
        (status = 401, description = "`signature_refused`"),
        (status = 403, description = "`merchant_limit`"),
        (status = 409, description = "`hold_expired`, `request_state`"),
    )
)]
async fn capture(
    _: AtProvider,
    State(app): State<App>,
    IdPath(id): IdPath<PurchaseRequest>,
    body: SignedBody<NoBody>,
) -> Result<Json<PictureOut>, Problem> {
    let merchant = merchant(&app, &body.by).await?;
    let picture = app.engine.capture_request(merchant.id, id).await?;
    Ok(Json(picture.map_err(|refusal| app_problem(&refusal))?.into()))
}

/// Takes a request back, and frees what is held for it. What was captured stays so.
#[utoipa::path(
    post, path = "/v1/purchase-requests/{id}/cancel", tag = "servers", request_body = NoBody,
    params(("id" = String, Path, example = "req_06bq3v8k2m9zc")),
    responses((status = 200, body = PictureOut), (status = 401, description = "`signature_refused`"))
)]
async fn cancel(
    _: AtProvider,
    State(app): State<App>,
    IdPath(id): IdPath<PurchaseRequest>,
    body: SignedBody<NoBody>,
) -> Result<Json<PictureOut>, Problem> {
    let merchant = merchant(&app, &body.by).await?;
    let picture = app.engine.cancel_request(merchant.id, id).await?;
    Ok(Json(picture.map_err(|refusal| app_problem(&refusal))?.into()))
}

/// Reports that the codes are minted and withheld. The picture has the provider's final word: `fulfilled` or
/// `already_refunded`.
#[utoipa::path(
    post, path = "/v1/purchase-requests/{id}/fulfilled", tag = "servers", request_body = FulfilledBody,
    params(("id" = String, Path, example = "req_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = PictureOut),
        (status = 401, description = "`signature_refused`"),
        (status = 409, description = "`request_state`"),
    )
)]
async fn fulfilled(
    _: AtProvider,
    State(app): State<App>,
    IdPath(id): IdPath<PurchaseRequest>,
    body: SignedBody<FulfilledBody>,
) -> Result<Json<PictureOut>, Problem> {
    let merchant = merchant(&app, &body.by).await?;
    let codes = body.value.codes;
    let is_digest = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if codes.len() != 43 || !codes.bytes().all(is_digest) {
        return Err(Problem::field("codes", "a SHA-256 in base64url without padding"));
    }
    let picture = app.engine.fulfil_request(merchant.id, id, codes).await?;
    Ok(Json(picture.map_err(|refusal| app_problem(&refusal))?.into()))
}

/// Gives tokens of a captured request back, from what the merchant has earned, into the very lots that had paid.
#[utoipa::path(
    post, path = "/v1/purchase-requests/{id}/refunds", tag = "servers", request_body = RefundBody,
    operation_id = "refund_purchase_request",
    params(
        ("id" = String, Path, example = "req_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new refund", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 200, body = PictureOut),
        (status = 401, description = "`signature_refused`"),
        (status = 409, description = "`already_refunded`, `request_state`, `idempotency_key_reused`"),
    )
)]
async fn refund(
    _: AtProvider,
    State(app): State<App>,
    IdPath(id): IdPath<PurchaseRequest>,
    headers: HeaderMap,
    body: SignedBody<RefundBody>,
) -> Result<Json<PictureOut>, Problem> {
    let merchant = merchant(&app, &body.by).await?;
    let request = body.request(&IdempotencyKey::of(&headers)?);
    let picture = app.engine.refund_request(merchant.id, id, body.value.ask()?, request).await?;
    Ok(Json(picture.map_err(|refusal| app_problem(&refusal))?.into()))
}
