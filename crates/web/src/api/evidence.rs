//! Evidence of an order: its rows from offer to code, each with a digest, to be kept and compared.
//!
//! A digest is the SHA-256 of the row as canonical JSON (RFC 8785): members sorted, no white space.
//! Rows hold what does not change by itself, so a digest that is another later means that somebody
//! changed the row, or that the order went on (it was paid, a license was revoked).

use axum::extract::State;
use scrip_domain::catalog::{File, Release};
use scrip_domain::checkout::Checkout;
use scrip_domain::coupon::OrderCoupon;
use scrip_domain::event::Event;
use scrip_domain::ledger::{LedgerAccount, Transfer};
use scrip_domain::license::License;
use scrip_domain::lot::Lot;
use scrip_domain::order::{Check, Line, LinePayment, Order};
use scrip_domain::settings::{Token, Vendor};
use scrip_domain::usage::Extension;
use scrip_engine::evidence::{Download, Entry, Evidence, Receipt};
use scrip_license::Digest;
use serde::Serialize;
use sha2::Digest as _;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::orders::CheckOut;
use crate::api::refunds::RefundOut;
use crate::api::terms::{LimitsBody, TermsBody};
use crate::caller::Reader;
use crate::extract::IdPath;
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// A row, and the SHA-256 of it as canonical JSON (RFC 8785).
#[derive(Debug, Serialize, ToSchema)]
struct Proof<T> {
    row: T,
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
}

impl<T: Serialize> Proof<T> {
    fn of(row: T) -> Self {
        // Through a value, whose members are sorted. Rows have no fractions, so nothing else of the
        // canonical form differs.
        let canonical = serde_json::to_value(&row).unwrap_or_default().to_string();
        let digest = Digest(sha2::Sha256::digest(canonical.as_bytes()).into());
        Self { row, sha256: digest.to_string() }
    }

    fn all<R>(rows: &[R], show: impl Fn(&R) -> T) -> Vec<Self> {
        rows.iter().map(|row| Self::of(show(row))).collect()
    }
}

/// Everything that is on record of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
struct EvidenceOut {
    order: Proof<OrderRow>,
    /// Offers and products as sold.
    lines: Vec<Proof<LineRow>>,
    /// The releases as sold.
    releases: Vec<Proof<ReleaseRow>>,
    /// Their files. A release's manifest is the digest of their digests and names.
    files: Vec<Proof<FileRow>>,
    /// The checks that were made of account and balance.
    checks: Vec<Proof<CheckOut>>,
    /// The idempotency keys that name the order.
    requests: Vec<Proof<RequestRow>>,
    /// The movements of tokens.
    transfers: Vec<Proof<TransferRow>>,
    /// The lots that paid, as they came in.
    lots: Vec<Proof<LotRow>>,
    /// Which lot paid how much of which line.
    payments: Vec<Proof<PaymentRow>>,
    licenses: Vec<Proof<LicenseRow>>,
    /// What its lines have added to licenses that were there before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extensions: Vec<Proof<ExtensionRow>>,
    /// What was given back, of which line and to which lot.
    refunds: Vec<Proof<RefundOut>>,
    /// The downloads that count: they came to the last MiB of the file.
    downloads: Vec<Proof<DownloadRow>>,
    events: Vec<Proof<EventRow>>,
    /// Null until it is first asked for.
    #[schema(required)]
    receipt: Option<Proof<ReceiptRow>>,
    /// What merchant and provider have signed for each other, in this order; at a merchant only.
    #[serde(skip_serializing_if = "Option::is_none")]
    documents: Option<Vec<DocumentRow>>,
}

/// A signed document.
#[derive(Debug, Serialize, ToSchema)]
struct DocumentRow {
    /// `offer` is the merchant's; `confirmation`, `receipt`, `fulfilment` and `refunding` are the provider's.
    #[schema(example = "offer")]
    kind: &'static str,
    /// A compact JWS (`EdDSA`), as it came: the key is one at the signer's `protocol_jwks_uri`.
    jws: String,
    /// SHA-256 of that text, in base64url: by this the next document names it.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    digest: String,
}

impl DocumentRow {
    fn all(checkout: &Checkout) -> Vec<Self> {
        let Checkout { offer, confirmation, receipt, fulfilment, refunds, .. } = checkout;
        let row = |kind, jws: &String| Self {
            kind,
            jws: jws.clone(),
            digest: scrip_license::jws::digest(jws),
        };
        let mut rows = vec![row("offer", offer)];
        rows.extend(confirmation.iter().map(|jws| row("confirmation", jws)));
        rows.extend(receipt.iter().map(|jws| row("receipt", jws)));
        rows.extend(fulfilment.iter().map(|jws| row("fulfilment", jws)));
        rows.extend(refunds.iter().map(|jws| row("refunding", jws)));
        rows
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderRow {
    #[schema(example = "ord_06bq3v8k2m9zc")]
    id: String,
    vendor: String,
    /// Absent while nobody has confirmed a visitor's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    total: MoneyOut,
    /// The coupon that takes something off its lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon: Option<CouponRow>,
    selected_at: String,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    balance_after: Option<MoneyOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terms_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method: Option<String>,
}

impl OrderRow {
    fn new(order: &Order, vendor: &Vendor) -> Self {
        let token = &vendor.settings.token;
        Self {
            id: order.id.to_string(),
            vendor: vendor.id.to_string(),
            account: order.account.map(|account| account.to_string()),
            state: order.state.as_str(),
            reason: order.reason.map(scrip_domain::order::DeclineReason::as_str),
            total: MoneyOut::tokens(order.total, token),
            coupon: order.coupon.as_ref().map(CouponRow::new),
            selected_at: order.selected_at.to_string(),
            expires_at: order.expires_at.to_string(),
            paid_at: order.paid_at.map(|at| at.to_string()),
            balance_after: order.balance_after.map(|after| MoneyOut::tokens(after, token)),
            terms_version: order.accepted_terms().map(str::to_owned),
            payment_method: order.payment_method.clone(),
        }
    }
}

/// A coupon by its name, and its word as it was then.
#[derive(Debug, Serialize, ToSchema)]
struct CouponRow {
    #[schema(example = "cpn_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "SPRING-25")]
    code: String,
}

impl CouponRow {
    fn new(coupon: &OrderCoupon) -> Self {
        Self { id: coupon.id.to_string(), code: coupon.code.clone() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct LineRow {
    #[schema(example = "lin_06bq3v8k2m9zc")]
    id: String,
    offer: String,
    product: String,
    title: String,
    /// One unit.
    price: MoneyOut,
    /// What the coupon takes off all units together.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<MoneyOut>,
    quantity: u32,
    terms: TermsBody,
    limits: LimitsBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    /// The license that it extends.
    #[serde(skip_serializing_if = "Option::is_none")]
    extends: Option<String>,
    /// The offer of the bundle that it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<String>,
}

impl LineRow {
    fn new(line: &Line, token: &Token) -> Self {
        Self {
            id: line.id.to_string(),
            offer: line.offer.to_string(),
            product: line.product.to_string(),
            title: line.title.clone(),
            price: MoneyOut::tokens(line.price, token),
            discount: line.discount.map(|discount| MoneyOut::tokens(discount, token)),
            quantity: line.quantity,
            terms: line.terms.into(),
            limits: line.limits.into(),
            release: line.release.map(|release| release.to_string()),
            extends: line.extends.map(|license| license.to_string()),
            bundle: line.bundle.map(|bundle| bundle.to_string()),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct ReleaseRow {
    #[schema(example = "rel_06bq3v8k2m9zc")]
    id: String,
    product: String,
    version: String,
    channel: String,
    /// SHA-256 of the list of its files, which codes carry.
    manifest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<String>,
}

impl ReleaseRow {
    fn new(release: &Release) -> Self {
        Self {
            id: release.id.to_string(),
            product: release.product.to_string(),
            version: release.version.clone(),
            channel: release.channel.clone(),
            manifest: release.manifest.clone(),
            published_at: release.published_at.map(|at| at.to_string()),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct FileRow {
    #[schema(example = "fil_06bq3v8k2m9zc")]
    id: String,
    release: String,
    name: String,
    size: u64,
    sha256: String,
}

impl FileRow {
    fn new(file: &File) -> Self {
        Self {
            id: file.id.to_string(),
            release: file.release.to_string(),
            name: file.name.clone(),
            size: file.size,
            sha256: file.sha256.clone(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct RequestRow {
    /// The first 63 bits of the SHA-256 of the `Idempotency-Key`.
    #[schema(pattern = "^[0-7][0-9a-f]{15}$", example = "2c26b46b68ffc68f")]
    key: String,
    /// The same of method, path and JSON value.
    #[schema(pattern = "^[0-7][0-9a-f]{15}$", example = "2c26b46b68ffc68f")]
    fingerprint: String,
}

impl RequestRow {
    fn new(entry: &Entry) -> Self {
        let (key, fingerprint) = (format!("{:016x}", entry.key), format!("{:016x}", entry.note));
        Self { key, fingerprint }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct TransferRow {
    #[schema(example = "trf_06bq3v8k2m9zc")]
    id: String,
    /// A wallet, or an account of the vendor's own: `revenue`.
    debit: String,
    credit: String,
    amount: MoneyOut,
    /// `purchase` or `refund`.
    reason: &'static str,
    at: String,
}

impl TransferRow {
    fn new(transfer: &Transfer, token: &Token) -> Self {
        let side = |account: LedgerAccount| match account {
            LedgerAccount::Free(wallet) => wallet.to_string(),
            LedgerAccount::Held(wallet) => format!("{wallet} held"),
            LedgerAccount::Owed(wallet) => format!("{wallet} owed"),
            LedgerAccount::Merchant(merchant) => merchant.to_string(),
            LedgerAccount::House(house) => house.to_string(),
        };
        Self {
            id: transfer.id.to_string(),
            debit: side(transfer.debit),
            credit: side(transfer.credit),
            amount: MoneyOut::tokens(transfer.amount, token),
            reason: transfer.reason.as_str(),
            at: transfer.at.to_string(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct LotRow {
    #[schema(example = "lot_06bq3v8k2m9zc")]
    id: String,
    kind: &'static str,
    issuer: String,
    /// What it began with.
    amount: MoneyOut,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl LotRow {
    fn new(lot: &Lot, vendor: &Vendor) -> Self {
        Self {
            id: lot.id.to_string(),
            kind: lot.kind.as_str(),
            issuer: vendor.id.to_string(),
            amount: MoneyOut::tokens(lot.amount, &vendor.settings.token),
            created_at: lot.created_at.to_string(),
            expires_at: lot.expires_at.map(|at| at.to_string()),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PaymentRow {
    line: String,
    lot: String,
    amount: MoneyOut,
}

impl PaymentRow {
    fn new(payment: &LinePayment, token: &Token) -> Self {
        let (line, lot) = (payment.line.to_string(), payment.lot.to_string());
        Self { line, lot, amount: MoneyOut::tokens(payment.amount, token) }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct LicenseRow {
    #[schema(example = "lic_06bq3v8k2m9zc")]
    id: String,
    line: String,
    account: String,
    product: String,
    offer: String,
    terms: TermsBody,
    limits: LimitsBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    /// `valid`, `suspended`, `revoked` or `refunded`; whether its time is over, `expires_at` says.
    state: &'static str,
    /// How often its code was issued.
    issue: u32,
    /// The key that signs its code (RFC 7638).
    kid: String,
    /// When the code was issued.
    issued_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// SHA-256 of the code: the compact JWS.
    code_sha256: String,
}

impl LicenseRow {
    fn new(license: &License, code: Digest) -> Self {
        Self {
            id: license.id.to_string(),
            line: license.line.to_string(),
            account: license.account.to_string(),
            product: license.product.to_string(),
            offer: license.offer.to_string(),
            terms: license.terms.into(),
            limits: license.limits.into(),
            release: license.release.map(|release| release.to_string()),
            state: license.state.as_str(),
            issue: license.issue,
            kid: license.kid.clone(),
            issued_at: license.issued_at.to_string(),
            expires_at: license.expires_at.map(|at| at.to_string()),
            code_sha256: code.to_string(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct ExtensionRow {
    #[schema(example = "lin_06bq3v8k2m9zc")]
    line: String,
    license: String,
    /// Uses, processings or seconds, less what refunds of a part have taken off.
    amount: u64,
    /// When the license ended then, where it ends by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// How many uses or processings were left then, where they are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u64>,
    /// The issue of the license's code then.
    issue: u32,
    at: String,
    /// When a refund took it off again.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded_at: Option<String>,
}

impl ExtensionRow {
    fn new(extension: &Extension) -> Self {
        Self {
            line: extension.line.to_string(),
            license: extension.license.to_string(),
            amount: extension.amount,
            expires_at: extension.expires_at.map(|at| at.to_string()),
            left: extension.left,
            issue: extension.issue,
            at: extension.at.to_string(),
            refunded_at: extension.refunded_at.map(|at| at.to_string()),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct DownloadRow {
    license: String,
    file: String,
    at: String,
}

impl DownloadRow {
    fn new(download: &Download) -> Self {
        let (license, file) = (download.license.to_string(), download.file.to_string());
        Self { license, file, at: download.at.to_string() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct EventRow {
    #[schema(example = "evt_06bq3v8k2m9zc")]
    id: String,
    #[serde(rename = "type")]
    #[schema(example = "order.paid")]
    kind: &'static str,
    at: String,
}

impl EventRow {
    fn new(event: &Event) -> Self {
        Self { id: event.id.to_string(), kind: event.kind.as_str(), at: event.at.to_string() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct ReceiptRow {
    number: u64,
    issued_at: String,
}

impl ReceiptRow {
    fn new(receipt: &Receipt) -> Self {
        Self { number: receipt.number, issued_at: receipt.issued_at.to_string() }
    }
}

impl EvidenceOut {
    fn new(evidence: &Evidence, vendor: &Vendor) -> Self {
        let Evidence { order: paid, codes, releases, requests, .. } = evidence;
        let Evidence { transfers, lots, refunds, downloads, events, receipt, .. } = evidence;
        let token = &vendor.settings.token;
        let (sold, files): (Vec<_>, Vec<_>) =
            releases.iter().map(|(release, files)| (release, files.as_slice())).unzip();
        let licenses: Vec<_> = paid.licenses.iter().zip(codes).collect();
        Self {
            order: Proof::of(OrderRow::new(&paid.order, vendor)),
            lines: Proof::all(&paid.lines, |line| LineRow::new(line, token)),
            releases: Proof::all(&sold, |release| ReleaseRow::new(release)),
            files: Proof::all(&files.concat(), FileRow::new),
            checks: Proof::all(&paid.order.checks, |check: &Check| CheckOut::new(check, token)),
            requests: Proof::all(requests, RequestRow::new),
            transfers: Proof::all(transfers, |transfer| TransferRow::new(transfer, token)),
            lots: Proof::all(lots, |lot| LotRow::new(lot, vendor)),
            payments: Proof::all(&paid.payments, |payment| PaymentRow::new(payment, token)),
            licenses: Proof::all(&licenses, |(license, code)| LicenseRow::new(license, **code)),
            extensions: Proof::all(&paid.extended, |(_, row)| ExtensionRow::new(row)),
            refunds: Proof::all(refunds, |refunded| RefundOut::new(refunded, token)),
            downloads: Proof::all(downloads, DownloadRow::new),
            events: Proof::all(events, EventRow::new),
            receipt: receipt.as_ref().map(|receipt| Proof::of(ReceiptRow::new(receipt))),
            documents: evidence.checkout.as_ref().map(DocumentRow::all),
        }
    }
}

/// The evidence of an order, from offer to code: for the account that ordered, and for the vendor.
#[utoipa::path(
    get, path = "/v1/orders/{id}/evidence", tag = "orders", security(("bearer" = [])),
    params(("id" = String, Path, example = "ord_06bq3v8k2m9zc")),
    responses((status = 200, body = EvidenceOut))
)]
async fn show(
    State(app): State<App>,
    reader: Reader,
    IdPath(order): IdPath<Order>,
) -> Result<Json<EvidenceOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let order = app.engine.store().order(order).await?;
    let order = order.filter(|order| reader.may_read_of(order.account));
    let evidence = app.engine.evidence(&order.ok_or_else(Problem::not_found)?).await?;
    Ok(Json(EvidenceOut::new(&evidence, &vendor)))
}
