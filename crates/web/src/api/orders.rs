//! Orders: drafts, confirming and buying in one step, history, receipts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use scrip_domain::api_key::Scope;
use scrip_domain::order::{Check, LinePayment, Order, OrderState};
use scrip_domain::request::Request;
use scrip_domain::settings::{Token, Vendor};
use scrip_domain::{Id, Timestamp};
use scrip_engine::checkout::AtProvider;
use scrip_engine::checkout::draft::Selecting;
use scrip_engine::order::Drafted;
use scrip_engine::purchase::{Answered, Ask, Paid, PurchaseRefusal};
use scrip_engine::refund::Refunded;
use scrip_engine::selection::Selection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::license_changes::ExtendedOut;
use crate::api::licenses::LicenseOut;
use crate::api::quotes::{LineIn, PricedLine, discount, selection};
use crate::api::refund_requests::PolicyOut;
use crate::api::refunds::RefundOut;
use crate::api::top_ups::replayed;
use crate::api::{List, ListQuery};
use crate::caller::{Buyer, Caller, Looker, Orderer, Reader};
use crate::extract::{Body, IdPath, IdempotencyKey, OrEmpty, Query, Source};
use crate::money::{MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::Line;

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

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderOut {
    #[schema(example = "ord_06bq3v8k2m9zc")]
    id: String,
    /// `draft`, `open`, `claimed`, `authorized`, `captured`, `paid`, `refund_pending`, `partially_refunded`, `refunded`,
    /// `declined`, `cancelled` or `expired`.
    #[schema(example = "paid")]
    state: &'static str,
    lines: Vec<LineOut>,
    /// What the coupon takes off all lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<MoneyOut>,
    total: MoneyOut,
    /// The coupon that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon: Option<String>,
    /// Why it was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'static, str>>,
    /// At a merchant: whether it was approved at the provider; null while nobody has decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<bool>)]
    approved: Option<Option<bool>>,
    /// At a merchant: who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    buyer: Option<BuyerOut>,
    /// At a merchant: what the buyer is to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action: Option<NextAction>,
    /// With a visitor's order at a merchant, once: `Authorization: Order <token>` looks at it, confirms it and gives it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_token: Option<String>,
    checks: Vec<CheckOut>,
    selected_at: String,
    /// Until when a draft holds its prices.
    expires_at: String,
    /// The version of the vendor's terms that confirming it accepts; until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    terms_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation: Option<Confirmation>,
    /// Which account paid, and the payment method chosen for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_from: Option<PaidFrom>,
    /// A license and its code for each unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    licenses: Option<Vec<LicenseOut>>,
    /// The licenses that its lines have extended, as they were then.
    #[serde(skip_serializing_if = "Option::is_none")]
    extended: Option<Vec<ExtendedOut>>,
    /// What was given back, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunds: Option<Vec<RefundOut>>,
    /// What the vendor promised of refunds when it was selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_policy: Option<PolicyOut>,
}

/// A buyer of the provider's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderBuyer)]
struct BuyerOut {
    /// The provider.
    #[schema(example = "https://pay.example")]
    iss: String,
    /// Its name for the buyer, which only this merchant knows.
    sub: String,
}

/// What the buyer is to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderNextAction)]
struct NextAction {
    /// Where the buyer's browser goes, to confirm at the provider.
    #[schema(example = "https://pay.example/pay/kJ0vq4mJm1S3n7Vx2c0T9A")]
    redirect: String,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Line)]
struct LineOut {
    #[schema(example = "lin_06bq3v8k2m9zc")]
    id: String,
    #[serde(flatten)]
    priced: PricedLine,
    /// Which lots paid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_from: Option<Vec<PaymentOut>>,
}

/// Tokens of one lot that paid for a line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LotPayment)]
struct PaymentOut {
    lot: String,
    /// `paid`, `promo`, `exchange` or `credit`.
    kind: &'static str,
    issuer: String,
    amount: MoneyOut,
}

/// A check that was made on the way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Check)]
pub struct CheckOut {
    /// `account` or `balance`.
    check: &'static str,
    /// `threshold` or `selection`.
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<MoneyOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<MoneyOut>,
    /// `passed` or `failed`.
    result: &'static str,
    at: String,
}

/// The summary of the transaction.
#[derive(Debug, Serialize, ToSchema)]
struct Confirmation {
    order: String,
    vendor: VendorRef,
    account: String,
    lines: Vec<PricedLine>,
    /// What the coupon took off all lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<MoneyOut>,
    total: MoneyOut,
    /// The coupon that did.
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon: Option<String>,
    /// What is left of the balance; at a merchant, who does not know it, absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    balance_after: Option<MoneyOut>,
    licenses: Vec<String>,
    /// The version of the vendor's terms that was accepted, with immediate delivery.
    terms_version: String,
    at: String,
}

/// A vendor, by name.
#[derive(Debug, Serialize, ToSchema)]
struct VendorRef {
    #[schema(example = "vnd_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "Aurora Instruments")]
    name: String,
}

/// Who paid.
#[derive(Debug, Serialize, ToSchema)]
struct PaidFrom {
    account: String,
    #[schema(required)]
    payment_method: Option<String>,
}

impl CheckOut {
    /// A check, its figures in the vendor's tokens.
    pub fn new(check: &Check, token: &Token) -> Self {
        let money = |amount| MoneyOut::tokens(amount, token);
        Self {
            check: check.check.as_str(),
            basis: check.basis.map(scrip_domain::order::Basis::as_str),
            required: check.required.map(money),
            available: check.available.map(money),
            result: check.result.as_str(),
            at: check.at.to_string(),
        }
    }
}

impl OrderOut {
    /// An order and its lines, without what only a paid one has.
    fn unpaid(drafted: &Drafted, state: OrderState, token: &Token) -> Self {
        let order = &drafted.order;
        let line = |line| LineOut {
            id: line_id(line),
            priced: PricedLine::new(line, token),
            paid_from: None,
        };
        Self {
            id: order.id.to_string(),
            state: state.as_str(),
            lines: drafted.lines.iter().map(line).collect(),
            discount: order.coupon.as_ref().map(|_| discount(&drafted.lines, token)),
            total: MoneyOut::tokens(order.total, token),
            coupon: order.coupon.as_ref().map(|coupon| coupon.code.clone()),
            reason: order.reason.map(|reason| Cow::Borrowed(reason.as_str())),
            approved: None,
            buyer: None,
            next_action: None,
            order_token: None,
            checks: order.checks.iter().map(|check| CheckOut::new(check, token)).collect(),
            selected_at: order.selected_at.to_string(),
            expires_at: order.expires_at.to_string(),
            terms_version: order.terms_version.clone(),
            confirmation: None,
            paid_from: None,
            licenses: None,
            extended: None,
            refunds: None,
            refund_policy: order.refund_policy.map(PolicyOut::from),
        }
    }

    /// A paid order, with everything that its confirmation says, and its licenses as they are at
    /// `at`.
    async fn paid(app: &App, paid: Paid, vendor: &Vendor, at: Timestamp) -> Result<Self, Problem> {
        let (token, paid_at) = (&vendor.settings.token, paid.at());
        let mut licenses = Vec::with_capacity(paid.licenses.len());
        for license in &paid.licenses {
            licenses.push(LicenseOut::new(app, license, at).await?);
        }
        let mut extended = Vec::with_capacity(paid.extended.len());
        for (license, extension) in &paid.extended {
            extended.push(ExtendedOut::new(app, license, extension).await?);
        }
        let Paid { order, lines, payments, licenses: rows, extended: _ } = paid;
        let drafted = Drafted { order, lines };
        let mut out = Self::unpaid(&drafted, OrderState::Paid, token);
        let issuer = vendor.id.to_string();
        for (line, row) in out.lines.iter_mut().zip(&drafted.lines) {
            let of_line = payments.iter().filter(|payment| payment.line == row.id);
            line.paid_from = Some(of_line.map(|row| payment(row, &issuer, token)).collect());
        }
        out.terms_version = None;
        let order = &drafted.order;
        let account = order.account.map(|account| account.to_string()).unwrap_or_default();
        out.confirmation = Some(Confirmation {
            order: out.id.clone(),
            vendor: VendorRef { id: issuer, name: vendor.name_at(paid_at).to_owned() },
            account: account.clone(),
            lines: drafted.lines.iter().map(|line| PricedLine::new(line, token)).collect(),
            discount: out.discount.clone(),
            total: MoneyOut::tokens(order.total, token),
            coupon: out.coupon.clone(),
            balance_after: order.balance_after.map(|after| MoneyOut::tokens(after, token)),
            licenses: rows.iter().map(|license| license.id.to_string()).collect(),
            terms_version: order.terms_version.clone().unwrap_or_default(),
            at: paid_at.to_string(),
        });
        out.paid_from = Some(PaidFrom { account, payment_method: order.payment_method.clone() });
        out.licenses = Some(licenses);
        out.extended = (!extended.is_empty()).then_some(extended);
        Ok(out)
    }

    /// The same with what is known of it at the provider. Who decided is told to them only.
    fn at_provider(mut self, at: &AtProvider, told: Told) -> Self {
        let AtProvider { order, checkout, .. } = at;
        self.approved = Some(at.approved());
        self.reason = at.reason().map(|reason| Cow::Owned(reason.to_owned())).or(self.reason);
        let waits = matches!(order.state, OrderState::Open | OrderState::Claimed);
        let redirect = checkout.url.clone().filter(|_| waits);
        self.next_action = redirect.map(|redirect| NextAction { redirect });
        let sub = checkout.subject.clone().filter(|_| told == Told::Owner);
        self.buyer = sub.map(|sub| BuyerOut { iss: checkout.provider.clone(), sub });
        self
    }

    /// An order in whatever state, as its token shows it: never with a code.
    async fn glance(app: &App, order: Order, vendor: &Vendor) -> Result<Self, Problem> {
        let lines = app.engine.store().order_lines(order.id).await?;
        let state = order.state_at(app.engine.now());
        let at = app.engine.at_provider(order.clone()).await?;
        let out = Self::unpaid(&Drafted { order, lines }, state, &vendor.settings.token);
        Ok(match at {
            Some(at) => out.at_provider(&at, Told::Anybody),
            None => out,
        })
    }

    /// An order in whatever state, as its owner sees it.
    pub async fn of(app: &App, order: Order, vendor: &Vendor) -> Result<Self, Problem> {
        let out = Self::all(app, vec![order], vendor).await?.pop();
        out.ok_or_else(Problem::not_found)
    }

    /// The same of each of these orders, in their order: what hangs from all of them is read at once.
    pub async fn all(app: &App, orders: Vec<Order>, vendor: &Vendor) -> Result<Vec<Self>, Problem> {
        let engine = &app.engine;
        let ids: Vec<_> = orders.iter().map(|order| order.id).collect();
        let checkouts = match engine.provider() {
            Some(_) => engine.store().checkouts_of(&ids).await?,
            None => Vec::new(),
        };
        let mut checkouts: BTreeMap<_, _> =
            checkouts.into_iter().map(|checkout| (checkout.order, checkout)).collect();
        let back = orders.iter().filter(|order| has_refunds(order)).map(|order| order.id);
        let refunds = engine.refunds_of_all(&back.collect::<Vec<_>>()).await?;
        let mut all = Vec::with_capacity(orders.len());
        for paid in engine.paid_all(orders).await? {
            let order = paid.order.id;
            let at = checkouts.remove(&order).map(|checkout| AtProvider {
                order: paid.order.clone(),
                lines: paid.lines.clone(),
                checkout,
            });
            let back = refunds.iter().filter(|refunded| refunded.refund.order == order);
            let out = Self::ours(app, paid, back, vendor).await?;
            all.push(match &at {
                Some(at) => out.at_provider(at, Told::Owner),
                None => out,
            });
        }
        Ok(all)
    }

    /// The same without what is its holder's alone, for who is not.
    fn told_to(self, reader: &Reader) -> Self {
        if matches!(reader, Reader::Admin) { self.without_codes() } else { self }
    }

    /// The same without what is its holder's alone.
    pub fn without_codes(mut self) -> Self {
        self.licenses.iter_mut().flatten().for_each(LicenseOut::hide_code);
        self.extended.iter_mut().flatten().for_each(ExtendedOut::hide_code);
        self
    }

    async fn ours(
        app: &App,
        paid: Paid,
        back: impl Iterator<Item = &Refunded>,
        vendor: &Vendor,
    ) -> Result<Self, Problem> {
        let (token, now) = (&vendor.settings.token, app.engine.now());
        if !paid.order.is_released() {
            let Paid { order, lines, .. } = paid;
            let state = order.state_at(now);
            return Ok(Self::unpaid(&Drafted { order, lines }, state, token));
        }
        let (state, has_refunds) = (paid.order.state.as_str(), has_refunds(&paid.order));
        let refunds = has_refunds.then(|| back.map(|row| RefundOut::new(row, token)).collect());
        Ok(Self { state, refunds, ..Self::paid(app, paid, vendor, now).await? })
    }
}

/// Whether something was given back of what was delivered, or is to be.
fn has_refunds(order: &Order) -> bool {
    order.is_released() && order.state != OrderState::Paid
}

fn line_id(line: &scrip_domain::order::Line) -> String {
    line.id.to_string()
}

fn payment(payment: &LinePayment, issuer: &str, token: &Token) -> PaymentOut {
    PaymentOut {
        lot: payment.lot.to_string(),
        kind: payment.kind.as_str(),
        issuer: issuer.to_owned(),
        amount: MoneyOut::tokens(payment.amount, token),
    }
}

/// Who looks at an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Whoever decided on it.
    Owner,
    /// Whoever has its token.
    Anybody,
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
        (StatusCode::CREATED, Json(OrderOut { order_token, ..out })).into_response()
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
