//! Orders as the API shows them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use scrip_domain::Timestamp;
use scrip_domain::order::{Check, LinePayment, Order, OrderState};
use scrip_domain::settings::{Token, Vendor};
use scrip_engine::checkout::AtProvider;
use scrip_engine::order::Drafted;
use scrip_engine::purchase::Paid;
use scrip_engine::refund::Refunded;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::api::license_changes::ExtendedOut;
use crate::api::licenses::LicenseOut;
use crate::api::quotes::{PricedLine, discount};
use crate::api::refund_requests::PolicyOut;
use crate::api::refunds::RefundOut;
use crate::caller::Reader;
use crate::money::MoneyOut;
use crate::problem::Problem;

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
    pub(super) fn unpaid(drafted: &Drafted, state: OrderState, token: &Token) -> Self {
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
    pub(super) async fn paid(
        app: &App,
        paid: Paid,
        vendor: &Vendor,
        at: Timestamp,
    ) -> Result<Self, Problem> {
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
    pub(super) fn at_provider(mut self, at: &AtProvider, told: Told) -> Self {
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
    pub(super) async fn glance(app: &App, order: Order, vendor: &Vendor) -> Result<Self, Problem> {
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

    /// With the word by which a visitor comes back to it.
    pub(super) fn with_token(self, order_token: Option<String>) -> Self {
        Self { order_token, ..self }
    }

    /// The same without what is its holder's alone, for who is not.
    pub(super) fn told_to(self, reader: &Reader) -> Self {
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
pub(super) enum Told {
    /// Whoever decided on it.
    Owner,
    /// Whoever has its token.
    Anybody,
}
