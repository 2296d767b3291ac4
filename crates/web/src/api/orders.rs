//! Orders: drafts, confirming and buying in one step, history, receipts.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use scrip_domain::Id;
use scrip_domain::api_key::Scope;
use scrip_domain::order::{Order, OrderState};
use scrip_domain::request::Request;
use scrip_domain::settings::Vendor;
use scrip_engine::checkout::AtProvider;
use scrip_engine::checkout::draft::Selecting;
use scrip_engine::order::Drafted;
use scrip_engine::purchase::{Answered, Ask, Paid, PurchaseRefusal};
use scrip_engine::selection::Selection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::quotes::{LineIn, selection};
use crate::api::top_ups::replayed;
use crate::api::{List, ListQuery};
use crate::caller::{Buyer, Caller, Looker, Orderer, Reader};
use crate::extract::{Body, IdPath, IdempotencyKey, OrEmpty, Query, Source};
use crate::money::MoneyIn;
use crate::problem::Problem;
use crate::text::Line;

mod out;

use out::Told;
pub use out::{CheckOut, OrderOut};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show))
        .routes(routes!(confirm))
        .routes(routes!(cancel))
        .routes(routes!(receipt))
        .routes(routes!(purchase))
}

/// A selection, or one that was kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "lines": [{ "offer": "ofr_06bq3v8k2m9zc", "quantity": 1 }] }))]
struct OrderBody {
    /// 1 to 50 lines, at most 100 units.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 50)]
    lines: Option<Vec<LineIn>>,
    /// What an answer 401, 402 or 403 to an order carried.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    selection: Option<String>,
    /// A coupon's word, in either case; instead of the one that was kept with `selection`.
    #[serde(default)]
    #[schema(inline)]
    coupon: Option<Line<1, 100>>,
    /// Buy again what is owned.
    #[serde(default)]
    allow_duplicate: bool,
}

/// A purchase in one step.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "lines": [{ "offer": "ofr_06bq3v8k2m9zc", "quantity": 1 }],
    "expected_total": { "amount": 1250, "unit": "AUR" }
}))]
struct PurchaseBody {
    /// 1 to 50 lines, at most 100 units.
    #[schema(min_items = 1, max_items = 50)]
    lines: Vec<LineIn>,
    /// A coupon's word, in either case.
    #[serde(default)]
    #[schema(inline)]
    coupon: Option<Line<1, 100>>,
    /// What the buyer believes that it costs: another total is refused.
    expected_total: MoneyIn,
    /// Buy again what is owned.
    #[serde(default)]
    allow_duplicate: bool,
}

/// The answer to a purchase or a confirm: as of when it was paid, the first time and ever after.
pub async fn settled(
    app: &App,
    answer: Result<Answered<Paid>, PurchaseRefusal>,
    status: StatusCode,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    match answer {
        Ok(Answered::First(paid)) => {
            let at = paid.at();
            Ok((status, Json(OrderOut::paid(app, paid, &vendor, at).await?)).into_response())
        }
        Ok(Answered::Replayed(paid)) => {
            let at = paid.at();
            let out = OrderOut::paid(app, paid, &vendor, at).await?;
            Ok(replayed((status, Json(out)).into_response()))
        }
        Err(refusal) => refused(&refusal, &vendor),
    }
}

/// A refusal; where it is on record and this is the same request again, the first answer.
fn refused(refusal: &PurchaseRefusal, vendor: &Vendor) -> Result<Response, Problem> {
    let problem = Problem::purchase(refusal, &vendor.settings);
    match refusal {
        PurchaseRefusal::Declined { replayed: Some(first), .. }
        | PurchaseRefusal::ProviderRefused { replayed: Some(first), .. } => {
            Ok(replayed(problem.of_request(*first).into_response()))
        }
        _ => Err(problem),
    }
}

/// Keeps the selection of an order that was refused for its account or balance.
fn keep(app: &App, selection: &Selection, problem: Problem) -> Problem {
    match problem.status() {
        StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => {
            problem.with("selection", app.engine.keep_selection(selection, app.engine.now()))
        }
        _ => problem,
    }
}

/// Opens a draft: it holds its prices for 30 minutes.
#[utoipa::path(
    post, path = "/v1/orders", tag = "orders", request_body = OrderBody, security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "a new one for each new order", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f")),
    responses(
        (status = 201, body = OrderOut),
        (status = 401, description = "`account_required`, with `selection`"),
        (status = 402, description = "`balance_below_threshold`, `insufficient_balance`, with `selection`"),
        (status = 403, description = "`account_frozen`, `account_incomplete`, with `selection`; `forbidden`"),
        (status = 404, description = "`not_found`: a `license` to be extended is not yours"),
        (status = 409, description = "`not_for_sale`, `already_owned`, `trial_used`, `not_extendable`, `idempotency_key_reused`"),
        (status = 422, description = "`coupon_refused`: whatever is wrong with it"),
    )
)]
async fn create(
    State(app): State<App>,
    caller: Caller,
    source: Source,
    headers: HeaderMap,
    body: Body<OrderBody>,
) -> Result<Response, Problem> {
    let coupon = body.value.coupon.as_ref();
    let (selection, kept_until) = match (&body.value.lines, &body.value.selection) {
        (Some(lines), None) => (selection(lines, coupon)?, None),
        (None, Some(kept)) => {
            let unreadable = || Problem::field("selection", "not a kept selection: select again");
            let (selection, until) = app.engine.kept_selection(kept).ok_or_else(unreadable)?;
            let typed = coupon.map(|coupon| coupon.0.clone());
            (typed.into_iter().fold(selection, Selection::with_coupon), Some(until))
        }
        _ => return Err(Problem::field("lines", "give either lines or selection")),
    };
    let vendor = app.engine.vendor().await?;
    let (token, fields) = (&vendor.settings.token, &vendor.settings.registration);
    let again = body.value.allow_duplicate;
    let buyer = caller.buyer(Scope::Purchase)?;
    if app.engine.provider().is_some() {
        let key = IdempotencyKey::of(&headers)?;
        let who = match buyer {
            Some(buyer) => Selecting::Buyer(buyer, body.request(&key)),
            None => Selecting::Visitor(body.request(&key.of_visitor(&source))),
        };
        let answer = app.engine.draft_at_merchant(who, &selection, kept_until, again).await?;
        return drafted_at_merchant(&app, &vendor, &selection, who, answer);
    }
    let Some(buyer) = buyer else {
        return Err(keep(&app, &selection, Problem::account_required(fields)));
    };
    let request = body.request(&IdempotencyKey::of(&headers)?);
    let source = &source.0;
    match app.engine.draft(buyer, &selection, kept_until, again, source, request).await? {
        Ok(Answered::First(drafted)) => {
            let out = OrderOut::unpaid(&drafted, OrderState::Draft, token);
            Ok((StatusCode::CREATED, Json(out)).into_response())
        }
        Ok(Answered::Replayed(drafted)) => {
            let out = OrderOut::unpaid(&drafted, OrderState::Draft, token);
            Ok(replayed((StatusCode::CREATED, Json(out)).into_response()))
        }
        Err(refusal) => Err(keep(&app, &selection, Problem::purchase(&refusal, &vendor.settings))),
    }
}

/// The answer to a selection at a merchant: a visitor gets the order's token.
fn drafted_at_merchant(
    app: &App,
    vendor: &Vendor,
    selection: &Selection,
    who: Selecting,
    answer: Result<Answered<Drafted>, PurchaseRefusal>,
) -> Result<Response, Problem> {
    let token = &vendor.settings.token;
    let show = |drafted: &Drafted| {
        let out = OrderOut::unpaid(drafted, OrderState::Draft, token);
        let is_visitor = matches!(who, Selecting::Visitor(_));
        let order_token = is_visitor.then(|| app.engine.order_token(drafted.order.id));
        (StatusCode::CREATED, Json(out.with_token(order_token))).into_response()
    };
    match answer {
        Ok(Answered::First(drafted)) => Ok(show(&drafted)),
        Ok(Answered::Replayed(drafted)) => Ok(replayed(show(&drafted))),
        Err(refusal) => Err(keep(app, selection, Problem::purchase(&refusal, &vendor.settings))),
    }
}

/// Sends the buyer to the provider, to confirm there.
async fn confirm_at_provider(
    app: &App,
    orderer: &Orderer,
    order: Id<Order>,
    source: &Source,
    request: Request,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let holder = orderer.holder(app, order)?;
    let show = |mut at: AtProvider| {
        // As of the first answer, whatever became of it since.
        at.order.state = OrderState::Open;
        at.checkout.reason = None;
        let drafted = Drafted { order: at.order.clone(), lines: at.lines.clone() };
        let out = OrderOut::unpaid(&drafted, OrderState::Open, token);
        (StatusCode::ACCEPTED, Json(out.at_provider(&at, Told::Anybody))).into_response()
    };
    match app.engine.begin_checkout(holder, order, &source.0, request).await? {
        Ok(Answered::First(at)) => Ok(show(at)),
        Ok(Answered::Replayed(at)) => Ok(replayed(show(at))),
        Err(refusal) => refused(&refusal, &vendor),
    }
}

/// Nothing is asked for but the confirmation itself.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmBody {}

/// Confirms and pays a draft. The summary is the order as it was shown.
#[utoipa::path(
    post, path = "/v1/orders/{id}/confirm", tag = "orders", request_body = Option<ConfirmBody>, security(("bearer" = [])),
    params(
        ("id" = String, Path, example = "ord_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new try", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 200, body = OrderOut),
        (status = 202, body = OrderOut, description = "at a merchant: the buyer confirms at the provider, where `next_action` leads"),
        (status = 402, description = "`balance_below_threshold`, `insufficient_balance`: the order is `declined`, on record"),
        (status = 403, description = "`account_frozen`, `account_incomplete`, `forbidden`"),
        (status = 409, description = "`order_not_draft`, `order_expired`, `already_owned`, `trial_used`, `not_extendable`, `idempotency_key_reused`; at a merchant `provider_refused`"),
        (status = 422, description = "`coupon_refused`: its uses were used up meanwhile"),
        (status = 429, description = "`rate_limited`: too many orders were declined"),
    )
)]
async fn confirm(
    State(app): State<App>,
    orderer: Orderer,
    IdPath(order): IdPath<Order>,
    key: IdempotencyKey,
    source: Source,
    OrEmpty(body): OrEmpty<ConfirmBody>,
) -> Result<Response, Problem> {
    let request = body.request(&key);
    let buyer = match &orderer {
        Orderer::Buyer(buyer) if app.engine.provider().is_none() => *buyer,
        _ => return confirm_at_provider(&app, &orderer, order, &source, request).await,
    };
    let answer = app.engine.confirm(buyer, order, request).await?;
    settled(&app, answer, StatusCode::OK).await
}

/// Gives up a draft; at a merchant also an order whose tokens are not taken yet.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel", tag = "orders", security(("bearer" = [])),
    params(("id" = String, Path, example = "ord_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = OrderOut),
        (status = 409, description = "`order_not_draft`, `order_expired`"),
    )
)]
async fn cancel(
    State(app): State<App>,
    orderer: Orderer,
    IdPath(order): IdPath<Order>,
) -> Result<Json<OrderOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let buyer = match &orderer {
        Orderer::Buyer(buyer) if app.engine.provider().is_none() => *buyer,
        _ => {
            let holder = orderer.holder(&app, order)?;
            let cancelled = app.engine.cancel_checkout(holder, order).await?;
            let (order, _) =
                cancelled.map_err(|refusal| Problem::purchase(&refusal, &vendor.settings))?;
            return Ok(Json(OrderOut::glance(&app, order, &vendor).await?));
        }
    };
    let cancelled = app.engine.cancel(buyer, order).await?;
    let cancelled = cancelled.map_err(|refusal| Problem::purchase(&refusal, &vendor.settings))?;
    Ok(Json(OrderOut::unpaid(&cancelled, OrderState::Cancelled, token)))
}

/// Buys in one step.
#[utoipa::path(
    post, path = "/v1/purchases", tag = "orders", request_body = PurchaseBody, security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "a new one for each new purchase", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f")),
    responses(
        (status = 201, body = OrderOut),
        (status = 402, description = "`balance_below_threshold`, `insufficient_balance`: declined, on record"),
        (status = 403, description = "`account_frozen`, `account_incomplete`, `forbidden`"),
        (status = 404, description = "`not_found`: a `license` to be extended is not yours"),
        (status = 409, description = "`price_changed`, `not_for_sale`, `already_owned`, `trial_used`, `not_extendable`, `idempotency_key_reused`"),
        (status = 422, description = "`coupon_refused`: whatever is wrong with it"),
        (status = 429, description = "`rate_limited`: too many coupons were tried, or too many orders declined"),
    )
)]
async fn purchase(
    State(app): State<App>,
    caller: Caller,
    source: Source,
    headers: HeaderMap,
    body: Body<PurchaseBody>,
) -> Result<Response, Problem> {
    let selection = selection(&body.value.lines, body.value.coupon.as_ref())?;
    let vendor = app.engine.vendor().await?;
    let Some(buyer) = caller.buyer(Scope::Purchase)? else {
        let problem = Problem::account_required(&vendor.settings.registration);
        return Err(keep(&app, &selection, problem));
    };
    let expected = body.value.expected_total.in_tokens(&vendor.settings.token, "expected_total")?;
    let request = body.request(&IdempotencyKey::of(&headers)?);
    let again = body.value.allow_duplicate;
    let ask = Ask { selection, expected_total: Some(expected), again, source: source.0 };
    let answer = app.engine.purchase(buyer, ask, request).await?;
    settled(&app, answer, StatusCode::CREATED).await
}

/// The caller's orders, newest first.
#[utoipa::path(
    get, path = "/v1/orders", tag = "orders", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<OrderOut>))
)]
async fn list(
    State(app): State<App>,
    Buyer(buyer): Buyer,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<OrderOut>>, Problem> {
    let vendor = app.engine.vendor().await?;
    let page = query.page(&app.engine, "orders")?;
    let rows = app.engine.store().orders_of(buyer.account, page).await?;
    let next = List::of(&app.engine, "orders", page, &rows, |row| row.id.number(), |_| ()).next;
    Ok(Json(List { data: OrderOut::all(&app, rows, &vendor).await?, next }))
}

/// The order, if `reader` may read it.
async fn read_by(app: &App, reader: &Reader, order: Id<Order>) -> Result<Order, Problem> {
    let order = app.engine.store().order(order).await?;
    order.filter(|order| reader.may_read_of(order.account)).ok_or_else(Problem::not_found)
}

/// One of the caller's orders; for the vendor's staff any, without the codes, which are their holder's alone.
#[utoipa::path(
    get, path = "/v1/orders/{id}", tag = "orders", security(("bearer" = [])),
    params(("id" = String, Path, example = "ord_06bq3v8k2m9zc")),
    responses((status = 200, body = OrderOut))
)]
async fn show(
    State(app): State<App>,
    looker: Looker,
    IdPath(order): IdPath<Order>,
) -> Result<Json<OrderOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let reader = match looker {
        Looker::Reader(reader) => reader,
        Looker::Token(token) => {
            let order = app.engine.store().order(order).await?;
            let order = order.filter(|order| app.engine.holds_order(&token, order.id));
            let order = order.ok_or_else(Problem::not_found)?;
            return Ok(Json(OrderOut::glance(&app, order, &vendor).await?));
        }
    };
    let order = read_by(&app, &reader, order).await?;
    Ok(Json(OrderOut::of(&app, order, &vendor).await?.told_to(&reader)))
}

/// A receipt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Receipt)]
struct ReceiptOut {
    /// Counted up without gaps.
    number: u64,
    issued_at: String,
    order: OrderOut,
}

/// The receipt of a paid order, numbered when it is first asked for: for the account that ordered, and for the vendor's staff.
#[utoipa::path(
    get, path = "/v1/orders/{id}/receipt", tag = "orders", security(("bearer" = [])),
    params(("id" = String, Path, example = "ord_06bq3v8k2m9zc")),
    responses((status = 200, body = ReceiptOut), (status = 409, description = "`order_not_paid`"))
)]
async fn receipt(
    State(app): State<App>,
    reader: Reader,
    IdPath(order): IdPath<Order>,
) -> Result<Json<ReceiptOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let order = read_by(&app, &reader, order).await?;
    let receipt = app.engine.receipt(&order).await?;
    let receipt = receipt.map_err(|refusal| Problem::purchase(&refusal, &vendor.settings))?;
    Ok(Json(ReceiptOut {
        number: receipt.number,
        issued_at: receipt.issued_at.to_string(),
        order: OrderOut::of(&app, order, &vendor).await?.told_to(&reader),
    }))
}
