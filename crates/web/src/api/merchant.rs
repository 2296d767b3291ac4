//! What a merchant asks its provider about itself and its buyers: all of it signed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use scrip_domain::ledger::{LedgerAccount, Reason, Transfer};
use scrip_domain::merchant::{MerchantEvent, Payout};
use scrip_domain::purchase_request::PurchaseRequest;
use scrip_domain::settings::Token;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_engine::connection::{CameBack, OpenedConnection};
use scrip_engine::mail::Posted;
use scrip_engine::mail::forward::{self as limits, Forwarded};
use scrip_engine::merchant::MerchantBalance;
use scrip_engine::purchase_request::{subject_from, subject_text};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::purchase_requests::{PictureOut, merchant, selling};
use crate::api::{List, ListQuery};
use crate::caller::AtProvider;
use crate::extract::{IdempotencyKey, NamePath, Query};
use crate::money::MoneyOut;
use crate::problem::Problem;
use crate::signed::{Signed, SignedBody};
use crate::text::{Line, Text};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(redeem_invitation))
        .routes(routes!(balance))
        .routes(routes!(transfers))
        .routes(routes!(events))
        .routes(routes!(connect))
        .routes(routes!(redeem))
        .routes(routes!(standing))
        .routes(routes!(forward))
}

/// What the provider's administrator has handed over.
#[derive(Debug, Deserialize, ToSchema)]
struct InvitationBody {
    /// The token.
    invitation: String,
}

/// What a merchant has at its provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct BalanceOut {
    #[schema(example = "mer_06bq3v8k2m9zc")]
    merchant: String,
    /// `invited`, `active` or `suspended`.
    state: &'static str,
    /// Captures less fees, refunds and payouts; the display of a debt has a minus.
    balance: NetOut,
    /// What still waits for delivery, or for the end of its refund window.
    pending: MoneyOut,
    /// What can be paid out.
    payable: MoneyOut,
}

/// A balance that can be below zero.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MerchantNet, example = json!({ "amount": -250, "unit": "AUR", "display": "-2.50 AUR" }))]
pub struct NetOut {
    /// Smallest units.
    amount: i64,
    /// The token.
    unit: String,
    /// The same for people.
    display: String,
}

impl NetOut {
    fn new(net: i64, token: &Token) -> Self {
        let size = Amount::new(net.unsigned_abs()).unwrap_or(Amount::MAX);
        let sign = if net < 0 { "-" } else { "" };
        let display = format!("{sign}{} {}", size.decimal(token.scale), token.code);
        Self { amount: net, unit: token.code.to_string(), display }
    }
}

impl BalanceOut {
    /// A merchant's balance, in the provider's token.
    pub fn new(balance: &MerchantBalance, token: &Token) -> Self {
        let MerchantBalance { merchant, pending, payable } = balance;
        Self {
            merchant: merchant.id.to_string(),
            state: merchant.state.as_str(),
            balance: NetOut::new(merchant.net(), token),
            pending: MoneyOut::tokens(*pending, token),
            payable: MoneyOut::tokens(*payable, token),
        }
    }
}

/// The server that signs accepts its invitation. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/merchant/invitation", tag = "servers", request_body = InvitationBody,
    responses(
        (status = 200, body = BalanceOut),
        (status = 401, description = "`signature_refused`"),
        (status = 404, description = "`not_found`: no such invitation"),
    )
)]
async fn redeem_invitation(
    _: AtProvider,
    State(app): State<App>,
    body: SignedBody<InvitationBody>,
) -> Result<Json<BalanceOut>, Problem> {
    let redeemed = app.engine.redeem_invitation(&body.by.issuer, &body.value.invitation).await??;
    balance_of(&app, redeemed.id).await
}

async fn balance_of(
    app: &App,
    id: Id<scrip_domain::merchant::Merchant>,
) -> Result<Json<BalanceOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let balance = app.engine.merchant_balance(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(BalanceOut::new(&balance, &vendor.settings.token)))
}

/// What the merchant has.
#[utoipa::path(
    get, path = "/v1/merchant/balance", tag = "servers",
    responses((status = 200, body = BalanceOut), (status = 401, description = "`signature_refused`"))
)]
async fn balance(
    _: AtProvider,
    State(app): State<App>,
    by: Signed,
) -> Result<Json<BalanceOut>, Problem> {
    let merchant = merchant(&app, &by).await?;
    balance_of(&app, merchant.id).await
}

/// A line of a merchant's statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantTransferOut {
    #[schema(example = "trf_06bq3v8k2m9zc")]
    id: String,
    /// `in` or `out`.
    direction: &'static str,
    amount: MoneyOut,
    /// `capture`, `fee`, `refund` or `payout`.
    reason: &'static str,
    /// The purchase request, or the payout.
    #[schema(example = "req_06bq3v8k2m9zc")]
    subject: String,
    at: String,
}

impl MerchantTransferOut {
    /// A line in the provider's token.
    pub fn new(transfer: &Transfer, token: &Token) -> Self {
        let number = transfer.subject.0;
        let subject = match transfer.reason {
            Reason::Payout => Id::<Payout>::new(number).map(|id| id.to_string()),
            _ => Id::<PurchaseRequest>::new(number).map(|id| id.to_string()),
        };
        let out = matches!(transfer.debit, LedgerAccount::Merchant(_));
        Self {
            id: transfer.id.to_string(),
            direction: if out { "out" } else { "in" },
            amount: MoneyOut::tokens(transfer.amount, token),
            reason: transfer.reason.as_str(),
            subject: subject.unwrap_or_default(),
            at: transfer.at.to_string(),
        }
    }
}

/// The merchant's statement, newest first.
#[utoipa::path(
    get, path = "/v1/merchant/transfers", tag = "servers", params(ListQuery),
    responses((status = 200, body = List<MerchantTransferOut>), (status = 401, description = "`signature_refused`"))
)]
async fn transfers(
    _: AtProvider,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
    by: Signed,
) -> Result<Json<List<MerchantTransferOut>>, Problem> {
    let merchant = merchant(&app, &by).await?;
    let vendor = app.engine.vendor().await?;
    let list = format!("merchant transfers {}", merchant.id);
    let page = query.page(&app.engine, &list)?;
    let rows = app.engine.store().merchant_transfers(merchant.id, page).await?;
    let show = |row: &Transfer| MerchantTransferOut::new(row, &vendor.settings.token);
    Ok(Json(List::of(&app.engine, &list, page, &rows, |row| row.id.number(), show)))
}

/// Which part of a feed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct FeedQuery {
    /// The `seq` of the last event that is known; 0 for all.
    #[param(minimum = 0, default = 0)]
    after: Option<u32>,
    /// Nothing that happened before.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-01-01T00:00:00Z")]
    since: Option<Timestamp>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Something that happened to a merchant.
#[derive(Debug, Serialize, ToSchema)]
struct MerchantEventOut {
    /// Its number: from one on, without a gap.
    #[schema(example = 1)]
    seq: u64,
    /// `purchase_request.authorized` and the like, or `merchant.paid_out`.
    #[serde(rename = "type")]
    #[schema(example = "purchase_request.authorized")]
    kind: &'static str,
    /// The purchase request; none of a payout.
    #[schema(required, example = "req_06bq3v8k2m9zc")]
    request: Option<String>,
    at: String,
}

impl MerchantEventOut {
    fn new(event: &MerchantEvent) -> Self {
        Self {
            seq: event.seq,
            kind: event.kind.as_str(),
            request: event.request.map(|request| request.to_string()),
            at: event.at.to_string(),
        }
    }
}

/// A part of a feed.
#[derive(Debug, Serialize, ToSchema)]
struct MerchantEvents {
    /// Oldest first.
    data: Vec<MerchantEventOut>,
}

/// What happened to the merchant, oldest first.
#[utoipa::path(
    get, path = "/v1/merchant/events", tag = "servers", params(FeedQuery),
    responses((status = 200, body = MerchantEvents), (status = 401, description = "`signature_refused`"))
)]
async fn events(
    _: AtProvider,
    State(app): State<App>,
    Query(query): Query<FeedQuery>,
    by: Signed,
) -> Result<Json<MerchantEvents>, Problem> {
    let merchant = merchant(&app, &by).await?;
    let limit = query.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Problem::field("limit", "1 to 100"));
    }
    let after = u64::from(query.after.unwrap_or(0));
    let since = query.since.unwrap_or(Timestamp::from_millis(0));
    let rows = app.engine.store().merchant_events(merchant.id, after, since, limit).await?;
    Ok(Json(MerchantEvents { data: rows.iter().map(MerchantEventOut::new).collect() }))
}

/// Where the buyer goes back to.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ConnectionRequestBody, example = json!({ "return_url": "https://shop.example/return" }))]
struct ConnectionBody {
    /// At an origin that is registered for the merchant.
    return_url: String,
}

/// A connection that waits for the buyer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionRequest)]
struct ConnectionOut {
    #[schema(example = "con_06bq3v8k2m9zc")]
    id: String,
    /// Where the buyer goes.
    #[schema(example = "https://pay.example/connect/Qq8UYYdMM1976EFWi990jg")]
    url: String,
    /// For how many seconds it waits.
    #[schema(example = 600)]
    expires_in: i64,
}

impl From<OpenedConnection> for ConnectionOut {
    fn from(opened: OpenedConnection) -> Self {
        let expires_in = opened.expires_in.as_millis() / 1000;
        Self { id: opened.connection.id.to_string(), url: opened.url, expires_in }
    }
}

/// Opens a connection, by which a buyer signs in at the merchant.
#[utoipa::path(
    post, path = "/v1/connection-requests", tag = "servers", request_body = ConnectionBody,
    params(("Idempotency-Key" = String, Header, description = "a new one for each new connection", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f")),
    responses(
        (status = 201, body = ConnectionOut),
        (status = 401, description = "`signature_refused`"),
        (status = 403, description = "`merchant_limit`"),
        (status = 409, description = "`idempotency_key_reused`"),
    )
)]
async fn connect(
    _: AtProvider,
    State(app): State<App>,
    headers: HeaderMap,
    body: SignedBody<ConnectionBody>,
) -> Result<Response, Problem> {
    let merchant = selling(&app, &body.by).await?;
    let request = body.request(&IdempotencyKey::of(&headers)?);
    let opened = app.engine.open_connection(&merchant, body.value.return_url, request).await??;
    Ok((StatusCode::CREATED, Json(ConnectionOut::from(opened))).into_response())
}

/// The code with which a buyer came back.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ReturnCodeBody, example = json!({ "code": "Qq8UYYdMM1976EFWi990jg" }))]
struct CodeBody {
    /// As it stood in the address.
    code: String,
}

/// Who came back.
#[derive(Debug, Serialize, ToSchema)]
struct CameBackOut {
    /// The buyer, under a name that only this merchant knows.
    #[schema(example = "Qq8UYYdMM1976EFWi990jg")]
    subject: String,
    /// The purchase request that they decided, if they come from one.
    #[schema(required)]
    request: Option<PictureOut>,
    /// The connection that they approved, if they come from one.
    #[schema(required, example = "con_06bq3v8k2m9zc")]
    connection: Option<String>,
    /// Whether their balance is at the threshold; none where that is not shared.
    #[schema(required)]
    funded: Option<bool>,
}

impl From<CameBack> for CameBackOut {
    fn from(back: CameBack) -> Self {
        Self {
            subject: subject_text(back.subject),
            request: back.request.map(PictureOut::from),
            connection: back.connection.map(|id| id.to_string()),
            funded: back.funded,
        }
    }
}

/// Redeems the code with which a buyer came back: once, within a minute, by the merchant that it is for.
#[utoipa::path(
    post, path = "/v1/return-codes", tag = "servers", request_body = CodeBody,
    responses(
        (status = 200, body = CameBackOut),
        (status = 401, description = "`signature_refused`"),
        (status = 404, description = "`not_found`: no such code, or it was used, or its minute is over"),
    )
)]
async fn redeem(
    _: AtProvider,
    State(app): State<App>,
    body: SignedBody<CodeBody>,
) -> Result<Json<CameBackOut>, Problem> {
    let merchant = merchant(&app, &body.by).await?;
    Ok(Json(app.engine.redeem_return_code(&merchant, &body.value.code).await??.into()))
}

/// What a buyer shares.
#[derive(Debug, Serialize, ToSchema)]
struct StandingOut {
    /// The buyer, under a name that only this merchant knows.
    #[schema(example = "Qq8UYYdMM1976EFWi990jg")]
    subject: String,
    /// Whether their balance is at the threshold; none where that is not shared.
    #[schema(required)]
    funded: Option<bool>,
}

/// What a buyer of the merchant's shares now.
#[utoipa::path(
    get, path = "/v1/subjects/{sub}", tag = "servers",
    params(("sub" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses((status = 200, body = StandingOut), (status = 401, description = "`signature_refused`"))
)]
async fn standing(
    _: AtProvider,
    State(app): State<App>,
    NamePath(text): NamePath<String>,
    by: Signed,
) -> Result<Json<StandingOut>, Problem> {
    let merchant = merchant(&app, &by).await?;
    let subject = subject_from(&text).ok_or_else(Problem::not_found)?;
    let funded =
        app.engine.standing_of(&merchant, subject).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(StandingOut { subject: subject_text(subject), funded }))
}

/// What a merchant writes to a buyer.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ForwardedLetterBody, example = json!({ "name": "let_06bq3v8k2m9zc", "subject": "Approved: Six strokes",
    "text": "Your order was approved." }))]
struct LetterBody {
    /// What no other letter of the merchant's is called: one that is sent again has the same name.
    #[schema(pattern = "^[0-9A-Za-z_-]{1,40}$")]
    name: String,
    #[schema(inline)]
    subject: Line<1, { limits::SUBJECT }>,
    /// All of it as plain text: at most 65,536 bytes of UTF-8. It comes to the buyer in a frame that says who writes.
    #[schema(inline)]
    text: Text<1, { limits::TEXT }>,
}

impl LetterBody {
    fn read(self) -> Result<Forwarded, Problem> {
        let Self { name, subject: Line(subject), text: Text(text) } = self;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !(1..=limits::NAME).contains(&name.len()) || !name.bytes().all(is_name) {
            return Err(Problem::field("name", "1 to 40 letters, digits, - and _"));
        }
        if text.len() > limits::TEXT {
            return Err(Problem::field("text", "at most 65536 bytes"));
        }
        Ok(Forwarded { name, subject, text })
    }
}

/// What became of a letter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ForwardedLetter)]
struct ForwardedOut {
    /// `sent`; `delayed`: try again later, with the same name; `refused`: it never comes to them, and nobody says why.
    #[schema(example = "sent")]
    state: &'static str,
}

/// Forwards a letter to a buyer of the merchant's, whose address it never learns. Nothing is kept of it: the answer is what
/// the mail server said.
#[utoipa::path(
    post, path = "/v1/subjects/{sub}/letters", tag = "servers", request_body = LetterBody,
    params(("sub" = String, Path, example = "Qq8UYYdMM1976EFWi990jg")),
    responses(
        (status = 200, body = ForwardedOut),
        (status = 401, description = "`signature_refused`"),
        (status = 404, description = "`not_found`: the merchant knows no such buyer, or may not write now"),
        (status = 429, description = "`rate_limited`: too many to this buyer today"),
    )
)]
async fn forward(
    _: AtProvider,
    State(app): State<App>,
    NamePath(text): NamePath<String>,
    body: SignedBody<LetterBody>,
) -> Result<Json<ForwardedOut>, Problem> {
    let merchant = merchant(&app, &body.by).await?;
    let letter = body.value.read()?;
    let subject = subject_from(&text).ok_or_else(Problem::not_found)?;
    let state = match app.engine.forward(&merchant, subject, letter).await?? {
        Posted::Accepted => "sent",
        Posted::Later(_) => "delayed",
        Posted::Refused(_) => "refused",
    };
    Ok(Json(ForwardedOut { state }))
}
