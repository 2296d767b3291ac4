//! Payments at a provider, as buyers see them: from the signed offer alone. And connections, by which they sign in elsewhere.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use scrip_domain::api_key::Scope;
use scrip_domain::document::{Offer, OfferLine};
use scrip_domain::settings::{Settings, Token};
use scrip_engine::Buyer;
use scrip_engine::connection::{ConnectionView, Consent};
use scrip_engine::purchase::Answered;
use scrip_engine::purchase_request::{Decided, PaymentView, RequestRefusal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::purchase_requests::PictureOut;
use crate::api::top_ups::replayed;
use crate::api::{List, ListQuery};
use crate::caller::{AtProvider, Caller, Spender};
use crate::extract::{Body, IdempotencyKey, NamePath, OrEmpty, Query};
use crate::money::{MoneyOut, SuggestionOut};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(claim))
        .routes(routes!(release))
        .routes(routes!(confirm))
        .routes(routes!(decline))
        .routes(routes!(evidence))
        .routes(routes!(connection))
        .routes(routes!(approve))
        .routes(routes!(refuse))
}

/// Who sells.
#[derive(Debug, Serialize, ToSchema)]
struct SellerOut {
    #[schema(example = "Field Sounds")]
    name: String,
    #[schema(example = "https://shop.example")]
    url: String,
}

/// One line of an offer.
#[derive(Debug, Serialize, ToSchema)]
struct PaymentLineOut {
    #[schema(example = "Field recorder")]
    title: String,
    quantity: u32,
    /// What one costs.
    price: MoneyOut,
    /// What the line costs.
    total: MoneyOut,
    /// The bytes of its files; none for a service.
    #[schema(required)]
    size: Option<u64>,
    /// How long its download takes at the merchant's reference speed, in seconds.
    #[schema(required)]
    download_seconds: Option<u64>,
}

impl PaymentLineOut {
    fn new(line: &OfferLine, token: &Token) -> Self {
        Self {
            title: line.title.clone(),
            quantity: line.quantity,
            price: MoneyOut::tokens(line.price, token),
            total: MoneyOut::tokens(line.total().unwrap_or_default(), token),
            size: line.size,
            download_seconds: line.download_seconds,
        }
    }
}

/// What a merchant asks a buyer to pay.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MerchantPayment)]
struct PaymentOut {
    #[schema(example = "req_06bq3v8k2m9zc")]
    id: String,
    /// `open`, `claimed`, `authorized`, `captured`, `fulfilled`, `declined`, `expired`, `cancelled`, `voided`,
    /// `partially_refunded` or `refunded`.
    state: &'static str,
    merchant: SellerOut,
    /// The merchant's name of the order.
    #[schema(example = "ord_06bq3v8k2m9zc")]
    order: String,
    lines: Vec<PaymentLineOut>,
    total: MoneyOut,
    /// What the caller can spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    balance: Option<MoneyOut>,
    /// What the caller lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    shortfall: Option<MoneyOut>,
    /// What can be added of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    top_up: Option<SuggestionOut>,
    /// What went back.
    refunded: MoneyOut,
    /// The claims of the signed offer.
    #[schema(value_type = Object)]
    offer: Offer,
    /// For how many seconds it can be confirmed.
    #[schema(example = 600)]
    expires_in: i64,
}

impl PaymentOut {
    fn new(view: PaymentView, settings: &Settings) -> Self {
        let token = &settings.token;
        let shortfall = view.shortfall().filter(|short| !short.is_zero());
        let tokens = |amount| MoneyOut::tokens(amount, token);
        Self {
            id: view.request.id.to_string(),
            state: view.state.as_str(),
            merchant: SellerOut { name: view.merchant.name, url: view.merchant.url },
            order: view.request.order,
            lines: view.offer.lines.iter().map(|line| PaymentLineOut::new(line, token)).collect(),
            total: tokens(view.request.amount),
            balance: view.balance.map(tokens),
            shortfall: shortfall.map(tokens),
            top_up: shortfall.map(|missing| SuggestionOut::new(missing, settings)),
            refunded: tokens(view.request.refunded),
            expires_in: view.expires_in.as_millis() / 1000,
            offer: view.offer,
        }
    }
}

/// What came of a decision.
#[derive(Debug, Serialize, ToSchema)]
struct DecidedOut {
    /// `authorized` or `declined`.
    state: &'static str,
    /// Where the buyer goes now: with a code that is good once, for a minute.
    #[schema(
        example = "https://shop.example/return?code=Qq8UYYdMM1976EFWi990jg&order=ord_06bq3v8k2m9zc"
    )]
    return_url: String,
}

impl From<Decided> for DecidedOut {
    fn from(decided: Decided) -> Self {
        Self { state: decided.state.as_str(), return_url: decided.return_url }
    }
}

async fn problem(app: &App, refusal: RequestRefusal) -> Result<Problem, Problem> {
    let vendor = app.engine.vendor().await?;
    Ok(Problem::purchase_request(&refusal, Some(&vendor.settings)))
}

async fn shown(
    app: &App,
    view: Result<PaymentView, RequestRefusal>,
) -> Result<Json<PaymentOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    match view {
        Ok(view) => Ok(Json(PaymentOut::new(view, &vendor.settings))),
        Err(refusal) => Err(problem(app, refusal).await?),
    }
}

/// The caller's payments to merchants, newest first.
#[utoipa::path(
    get, path = "/v1/payments", tag = "payments", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<PaymentOut>))
)]
async fn list(
    _: AtProvider,
    State(app): State<App>,
    crate::caller::Buyer(buyer): crate::caller::Buyer,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<PaymentOut>>, Problem> {
    let vendor = app.engine.vendor().await?;
    let page = query.page(&app.engine, "payments")?;
    let rows = app.engine.payments_of(buyer, page).await?;
    let show = |view: &PaymentView| PaymentOut::new(view.clone(), &vendor.settings);
    let number = |view: &PaymentView| view.request.id.number();
    Ok(Json(List::of(&app.engine, "payments", page, &rows, number, show)))
}

/// What a merchant asks to have paid. Once an account has claimed it, it is there for that account only.
#[utoipa::path(
    get, path = "/v1/payments/{reference}", tag = "payments", security((), ("bearer" = [])),
    params(("reference" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses((status = 200, body = PaymentOut))
)]
async fn show(
    _: AtProvider,
    State(app): State<App>,
    caller: Caller,
    NamePath(reference): NamePath<String>,
) -> Result<Json<PaymentOut>, Problem> {
    let buyer = reader(&caller)?;
    shown(&app, app.engine.payment(&reference, buyer).await?).await
}

/// The buyer who looks; a visitor may, too.
fn reader(caller: &Caller) -> Result<Option<Buyer>, Problem> {
    caller.buyer(Scope::Read)
}

/// Claims it for the caller's account.
#[utoipa::path(
    post, path = "/v1/payments/{reference}/claim", tag = "payments", security(("bearer" = [])),
    params(("reference" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses((status = 200, body = PaymentOut), (status = 409, description = "`request_state`"))
)]
async fn claim(
    _: AtProvider,
    State(app): State<App>,
    Spender(buyer): Spender,
    NamePath(reference): NamePath<String>,
) -> Result<Json<PaymentOut>, Problem> {
    shown(&app, app.engine.claim_payment(buyer, &reference).await?).await
}

/// Lets go of it: whoever has its address can claim it again.
#[utoipa::path(
    post, path = "/v1/payments/{reference}/release", tag = "payments", security(("bearer" = [])),
    params(("reference" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses((status = 200, body = PaymentOut), (status = 409, description = "`request_state`"))
)]
async fn release(
    _: AtProvider,
    State(app): State<App>,
    Spender(buyer): Spender,
    NamePath(reference): NamePath<String>,
) -> Result<Json<PaymentOut>, Problem> {
    shown(&app, app.engine.release_payment(buyer, &reference).await?).await
}

/// A body that says nothing more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentConfirmBody)]
struct ConfirmBody {}

/// Confirms it: the total is held for the merchant. Where the balance does not cover it nothing changes: top up, and
/// confirm again.
#[utoipa::path(
    post, path = "/v1/payments/{reference}/confirm", tag = "payments", security(("bearer" = [])),
    request_body = Option<ConfirmBody>,
    params(
        ("reference" = String, Path, example = "Qq8UYYdMM1976EFWi990jg"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new confirmation", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 200, body = DecidedOut),
        (status = 402, description = "`insufficient_balance`"),
        (status = 403, description = "`account_frozen`, `account_incomplete`, `merchant_limit`, `forbidden`"),
        (status = 409, description = "`request_state`, `idempotency_key_reused`"),
    )
)]
async fn confirm(
    _: AtProvider,
    State(app): State<App>,
    Spender(buyer): Spender,
    NamePath(reference): NamePath<String>,
    key: IdempotencyKey,
    OrEmpty(body): OrEmpty<ConfirmBody>,
) -> Result<Response, Problem> {
    let request = body.request(&key);
    match app.engine.confirm_payment(buyer, &reference, request).await? {
        Ok(Answered::First(decided)) => Ok(Json(DecidedOut::from(decided)).into_response()),
        Ok(Answered::Replayed(decided)) => {
            Ok(replayed(Json(DecidedOut::from(decided)).into_response()))
        }
        Err(refusal) => Err(problem(&app, refusal).await?),
    }
}

/// Declines it: nothing is taken.
#[utoipa::path(
    post, path = "/v1/payments/{reference}/decline", tag = "payments", security(("bearer" = [])),
    params(("reference" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses((status = 200, body = DecidedOut), (status = 409, description = "`request_state`"))
)]
async fn decline(
    _: AtProvider,
    State(app): State<App>,
    Spender(buyer): Spender,
    NamePath(reference): NamePath<String>,
) -> Result<Json<DecidedOut>, Problem> {
    match app.engine.decline_payment(buyer, &reference).await? {
        Ok(decided) => Ok(Json(decided.into())),
        Err(refusal) => Err(problem(&app, refusal).await?),
    }
}

/// All that was signed about a payment.
#[derive(Debug, Serialize, ToSchema)]
struct PaymentEvidence {
    /// What the merchant signed.
    #[schema(example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    offer: String,
    /// The request, with what the provider signed: each document names the one before it by its SHA-256.
    request: PictureOut,
}

/// All that was signed about one of the caller's payments.
#[utoipa::path(
    get, path = "/v1/payments/{reference}/evidence", tag = "payments", security(("bearer" = [])),
    params(("reference" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses((status = 200, body = PaymentEvidence))
)]
async fn evidence(
    _: AtProvider,
    State(app): State<App>,
    crate::caller::Buyer(buyer): crate::caller::Buyer,
    NamePath(reference): NamePath<String>,
) -> Result<Json<PaymentEvidence>, Problem> {
    match app.engine.payment_evidence(&reference, buyer).await? {
        Ok(picture) => {
            let offer = picture.request.offer.clone();
            Ok(Json(PaymentEvidence { offer, request: picture.into() }))
        }
        Err(refusal) => Err(problem(&app, refusal).await?),
    }
}

/// A merchant that wants to know who a buyer is.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectionShown {
    #[schema(example = "con_06bq3v8k2m9zc")]
    id: String,
    /// `open`, `approved`, `declined` or `expired`.
    state: &'static str,
    merchant: SellerOut,
    /// For how many seconds it waits.
    #[schema(example = 600)]
    expires_in: i64,
}

impl From<ConnectionView> for ConnectionShown {
    fn from(view: ConnectionView) -> Self {
        let state = view.connection.state;
        let is_over = state == scrip_domain::connection::ConnectionState::Open && !view.waits;
        Self {
            id: view.connection.id.to_string(),
            state: if is_over { "expired" } else { state.as_str() },
            merchant: SellerOut { name: view.merchant.name, url: view.merchant.url },
            expires_in: view.expires_in.as_millis() / 1000,
        }
    }
}

/// A merchant's wish to know who a buyer is. Once it was decided, it is there for that account only.
#[utoipa::path(
    get, path = "/v1/connections/{reference}", tag = "payments", security((), ("bearer" = [])),
    params(("reference" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses((status = 200, body = ConnectionShown))
)]
async fn connection(
    _: AtProvider,
    State(app): State<App>,
    caller: Caller,
    NamePath(reference): NamePath<String>,
) -> Result<Json<ConnectionShown>, Problem> {
    Ok(Json(app.engine.connection(&reference, reader(&caller)?).await??.into()))
}

/// What the merchant may know.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "share": ["funded"] }))]
struct ShareBody {
    /// `funded`: whether the balance is at the merchant's threshold.
    #[serde(default)]
    share: Vec<Shared>,
}

/// Something that a merchant may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Shared {
    Funded,
}

/// Where the buyer goes back to.
#[derive(Debug, Serialize, ToSchema)]
struct ReturnOut {
    #[schema(
        example = "https://shop.example/return?code=Qq8UYYdMM1976EFWi990jg&connection=con_06bq3v8k2m9zc"
    )]
    return_url: String,
}

/// Signs the caller in at the merchant, and says what it may know.
#[utoipa::path(
    post, path = "/v1/connections/{reference}/approve", tag = "payments", security(("bearer" = [])),
    request_body = ShareBody,
    params(("reference" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses((status = 200, body = ReturnOut), (status = 409, description = "`request_state`"))
)]
async fn approve(
    _: AtProvider,
    State(app): State<App>,
    Spender(buyer): Spender,
    NamePath(reference): NamePath<String>,
    body: Body<ShareBody>,
) -> Result<Json<ReturnOut>, Problem> {
    let shares = body.value.share.contains(&Shared::Funded);
    let consent = if shares { Consent::ShareFunded } else { Consent::ShareNothing };
    let return_url = app.engine.decide_connection(buyer, &reference, consent).await??;
    Ok(Json(ReturnOut { return_url }))
}

/// Tells the merchant nothing.
#[utoipa::path(
    post, path = "/v1/connections/{reference}/decline", tag = "payments", security(("bearer" = [])),
    params(("reference" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses((status = 200, body = ReturnOut), (status = 409, description = "`request_state`"))
)]
async fn refuse(
    _: AtProvider,
    State(app): State<App>,
    Spender(buyer): Spender,
    NamePath(reference): NamePath<String>,
) -> Result<Json<ReturnOut>, Problem> {
    let return_url = app.engine.decide_connection(buyer, &reference, Consent::Refuse).await??;
    Ok(Json(ReturnOut { return_url }))
}
