//! Everything that is kept about an account, in one document for its owner.
//!
//! It is made while it is sent, a page of rows at a time: an account with many orders costs no more memory than one with few.

use std::io;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use scrip_domain::exchange::Exchange;
use scrip_domain::license::License;
use scrip_domain::partner::Partner;
use scrip_domain::settings::Token;
use scrip_domain::usage::Activation;
use scrip_domain::{Money, Timestamp};
use scrip_engine::Page;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::api::accounts::{self, AccountOut};
use crate::api::auto_top_ups::AutoTopUpOut;
use crate::api::credit_line::CreditLineOut;
use crate::api::exchanges::ExchangeOut;
use crate::api::export::file;
use crate::api::licenses::LicenseOut;
use crate::api::orders::OrderOut;
use crate::api::payment_methods::MethodOut;
use crate::api::refund_requests::RefundRequestOut;
use crate::api::top_ups::TopUpOut;
use crate::api::wallet::{TransferOut, WalletOut, whole};
use crate::caller::Buyer;
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export))
}

/// Everything that is kept about an account.
#[derive(ToSchema)]
#[schema(as = AccountExport)]
#[expect(dead_code, reason = "describes what is written piece by piece")]
struct ExportOut {
    account: AccountOut,
    /// Absent at a merchant, whose provider has it.
    wallet: Option<WalletOut>,
    payment_methods: Vec<MethodOut>,
    /// Null where none is set.
    auto_top_up: Option<AutoTopUpOut>,
    /// Null where none was granted.
    credit_line: Option<CreditLineOut>,
    merchants: Vec<KnownTo>,
    links: Vec<PartnerLink>,
    /// Clients that are signed in, at most a thousand.
    sessions: Vec<OwnSession>,
    /// Each movement of the wallet, newest first, as all lists here.
    transfers: Vec<TransferOut>,
    top_ups: Vec<TopUpOut>,
    orders: Vec<OrderOut>,
    licenses: Vec<OwnLicense>,
    exchanges: Vec<ExchangeOut>,
    /// What was bought at merchants with the tokens kept here.
    merchant_orders: Vec<MerchantOrder>,
    /// What of top-ups went back, or may, with what is owed for it.
    reversals: Vec<OwnReversal>,
    /// What was repaid of the credit line.
    repayments: Vec<OwnRepayment>,
    /// What was asked back of orders.
    refund_requests: Vec<RefundRequestOut>,
    /// Keys of the account's own programs, revoked ones too.
    api_keys: Vec<OwnKey>,
}

/// A license, with what its owner's machines and downloads have left of themselves.
#[derive(Debug, Serialize, ToSchema)]
struct OwnLicense {
    #[serde(flatten)]
    license: LicenseOut,
    /// Machines, the newest first, those that were deactivated too; at most a thousand.
    machines: Vec<OwnMachine>,
    /// Downloads that counted.
    downloads: Vec<OwnDownload>,
}

/// A machine on which a license is active, or was.
#[derive(Debug, Serialize, ToSchema)]
struct OwnMachine {
    /// What the program called it; may be empty.
    #[schema(example = "Ada's laptop")]
    name: String,
    activated_at: String,
    #[schema(required)]
    ended_at: Option<String>,
}

/// A download.
#[derive(Debug, Serialize, ToSchema)]
struct OwnDownload {
    #[schema(example = "fil_06bq3v8k2m9zc")]
    file: String,
    at: String,
}

/// An order at a merchant.
#[derive(Debug, Serialize, ToSchema)]
struct MerchantOrder {
    #[schema(example = "req_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "Field Sounds")]
    merchant: String,
    /// The merchant's name of the order.
    #[schema(example = "ord_06bq3v8k2m9zc")]
    order: String,
    /// As at the merchant's request.
    #[schema(example = "fulfilled")]
    state: &'static str,
    total: MoneyOut,
    refunded: MoneyOut,
    /// The merchant's signed offer: what was ordered.
    offer: String,
    opened_at: String,
}

/// A merchant that knows the account.
#[derive(Debug, Serialize, ToSchema)]
struct KnownTo {
    #[schema(example = "Field Sounds")]
    name: String,
    #[schema(example = "https://shop.example")]
    url: String,
    since: String,
    /// Whether its letters come.
    letters: bool,
}

/// A partner with which the account is linked.
#[derive(Debug, Serialize, ToSchema)]
struct PartnerLink {
    #[schema(example = "Aurora Instruments")]
    name: String,
    #[schema(example = "https://shop.example")]
    url: String,
    /// `there`: tokens can be given there; `here`: they can come from there.
    #[schema(example = "there")]
    way: &'static str,
    since: String,
}

/// Money of a top-up that went back, or may.
#[derive(Debug, Serialize, ToSchema)]
struct OwnReversal {
    #[schema(example = "rev_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "top_06bq3v8k2m9zc")]
    top_up: String,
    #[schema(example = "refund")]
    kind: &'static str,
    #[schema(example = "done")]
    state: &'static str,
    /// The tokens that were taken for it.
    tokens: MoneyOut,
    /// What of them was spent already, and is owed since.
    owed: MoneyOut,
    at: String,
}

/// A repayment of what was owed.
#[derive(Debug, Serialize, ToSchema)]
struct OwnRepayment {
    #[schema(example = "rep_06bq3v8k2m9zc")]
    id: String,
    money: MoneyOut,
    /// What was still owed after it.
    owed: MoneyOut,
    at: String,
}

/// A client that is signed in.
#[derive(Debug, Serialize, ToSchema)]
struct OwnSession {
    since: String,
    until: String,
}

/// A key of a program of the account, without its secret.
#[derive(Debug, Serialize, ToSchema)]
struct OwnKey {
    #[schema(example = "key_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "backup of my library")]
    label: String,
    #[schema(example = json!(["read"]))]
    scopes: Vec<&'static str>,
    created_at: String,
    #[schema(required)]
    revoked_at: Option<String>,
}

/// Everything that is kept about the caller's account, as a file.
#[utoipa::path(
    get, path = "/v1/account/export", tag = "accounts", security(("bearer" = [])),
    responses((status = 200, body = ExportOut))
)]
async fn export(State(app): State<App>, Buyer(buyer): Buyer) -> Result<Response, Problem> {
    everything(&app, buyer).await
}

/// How many rows are read at a time.
const ROWS: u32 = 50;
/// How many sessions are told.
const SESSIONS: u32 = 1000;
/// How many machines of a license are told.
const MACHINES: u32 = 1000;

/// The lists, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Transfers,
    TopUps,
    Orders,
    Licenses,
    Exchanges,
    MerchantOrders,
    Reversals,
    Repayments,
    RefundRequests,
    ApiKeys,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Transfers => "transfers",
            Self::TopUps => "top_ups",
            Self::Orders => "orders",
            Self::Licenses => "licenses",
            Self::Exchanges => "exchanges",
            Self::MerchantOrders => "merchant_orders",
            Self::Reversals => "reversals",
            Self::Repayments => "repayments",
            Self::RefundRequests => "refund_requests",
            Self::ApiKeys => "api_keys",
        }
    }

    const fn next(self) -> Option<Self> {
        match self {
            Self::Transfers => Some(Self::TopUps),
            Self::TopUps => Some(Self::Orders),
            Self::Orders => Some(Self::Licenses),
            Self::Licenses => Some(Self::Exchanges),
            Self::Exchanges => Some(Self::MerchantOrders),
            Self::MerchantOrders => Some(Self::Reversals),
            Self::Reversals => Some(Self::Repayments),
            Self::Repayments => Some(Self::RefundRequests),
            Self::RefundRequests => Some(Self::ApiKeys),
            Self::ApiKeys => None,
        }
    }
}

/// How far an export has come.
struct Writing {
    app: App,
    buyer: scrip_engine::Buyer,
    /// What is written next; `None` when all is.
    part: Option<Part>,
    after: Option<u64>,
    /// Whether the list that is written has something in it.
    begun: bool,
}

/// The file about `buyer`'s account. One that breaks off ends the connection, so that nobody takes what came for all.
pub async fn everything(app: &App, buyer: scrip_engine::Buyer) -> Result<Response, Problem> {
    let head = head(app, buyer).await?;
    let writing =
        Writing { app: app.clone(), buyer, part: Some(Part::Transfers), after: None, begun: false };
    let rest = stream::unfold((Some(head), Some(writing)), |(head, writing)| async {
        if let Some(head) = head {
            return Some((Ok(Bytes::from(head)), (None, writing)));
        }
        let mut writing = writing?;
        match writing.page().await {
            Ok(text) => {
                let writing = writing.part.is_some().then_some(writing);
                Some((Ok(Bytes::from(text)), (None, writing)))
            }
            Err(problem) => {
                tracing::error!(detail = problem.detail(), "an export broke off");
                Some((Err(io::Error::other("the export broke off")), (None, None)))
            }
        }
    });
    Ok(file(Body::from_stream(rest), "application/json", "account.json"))
}

/// What comes before the lists, and the beginning of the first one.
async fn head(app: &App, buyer: scrip_engine::Buyer) -> Result<String, Problem> {
    let account = accounts::show(State(app.clone()), Buyer(buyer)).await?.0;
    let default = account.payment_method().map(str::to_owned);
    let mut text = format!("{{\"account\":{}", json(&account)?);
    if app.engine.provider().is_none() {
        text.push_str(",\"wallet\":");
        text.push_str(&json(&whole(app, buyer).await?)?);
    }
    let cards = app.engine.payment_methods(buyer.account).await?;
    let cards: Vec<_> = cards.iter().map(|card| MethodOut::new(card, default.as_deref())).collect();
    text.push_str(",\"payment_methods\":");
    text.push_str(&json(&cards)?);
    rest_of_head(app, buyer, &mut text).await?;
    text.push_str(",\"transfers\":[");
    Ok(text)
}

/// What an account has few of.
async fn rest_of_head(
    app: &App,
    buyer: scrip_engine::Buyer,
    text: &mut String,
) -> Result<(), Problem> {
    let (engine, store) = (&app.engine, app.engine.store());
    let token = &engine.vendor().await?.settings.token;
    let auto = store.auto_top_up(buyer.account).await?;
    let auto = auto.as_ref().map(|auto| AutoTopUpOut::new(auto, token));
    text.push_str(",\"auto_top_up\":");
    text.push_str(&json(&auto)?);
    let line = store.credit_line(buyer.account).await?;
    text.push_str(",\"credit_line\":");
    text.push_str(&json(&line.as_ref().map(CreditLineOut::from))?);
    let known = engine.merchants_knowing(buyer.account).await?;
    let known = known.iter().map(|(row, merchant)| KnownTo {
        name: merchant.name.clone(),
        url: merchant.url.clone(),
        since: row.at.to_string(),
        letters: !row.muted,
    });
    text.push_str(",\"merchants\":");
    text.push_str(&json(&known.collect::<Vec<_>>())?);
    let link = |partner: &Partner, way, since: Timestamp| PartnerLink {
        name: partner.name.clone(),
        url: partner.url.clone(),
        way,
        since: since.to_string(),
    };
    let mut links = Vec::new();
    for row in store.links_of(buyer.account).await? {
        let partner = store.partner(row.partner).await?;
        links.extend(
            partner.map(|partner| link(&partner, "there", row.linked_at.unwrap_or(row.at))),
        );
    }
    let here = engine.linked_partners(buyer.account).await?;
    links.extend(here.iter().map(|(row, partner)| link(partner, "here", row.at)));
    text.push_str(",\"links\":");
    text.push_str(&json(&links)?);
    let sessions = engine.open_sessions(buyer, SESSIONS).await?;
    let sessions = sessions.iter().map(|session| OwnSession {
        since: session.created_at.to_string(),
        until: session.expires_at.to_string(),
    });
    text.push_str(",\"sessions\":");
    text.push_str(&json(&sessions.collect::<Vec<_>>())?);
    Ok(())
}

async fn own_license(app: &App, license: &License) -> Result<OwnLicense, Problem> {
    let (engine, store) = (&app.engine, app.engine.store());
    let machines = store.machines_of(license.id, Page { after: None, limit: MACHINES }).await?;
    let machine = |row: Activation| OwnMachine {
        name: row.name,
        activated_at: row.activated_at.to_string(),
        ended_at: row.ended_at.map(|at| at.to_string()),
    };
    let downloads = store.downloads_of(license.id).await?;
    let downloads = downloads
        .iter()
        .map(|row| OwnDownload { file: row.file.to_string(), at: row.at.to_string() });
    Ok(OwnLicense {
        license: LicenseOut::new(app, license, engine.now()).await?,
        machines: machines.into_iter().map(machine).collect(),
        downloads: downloads.collect(),
    })
}

fn json(value: &impl Serialize) -> Result<String, Problem> {
    let failed = |error: serde_json::Error| {
        Problem::from(scrip_engine::Fault::Bug(format!("an export cannot be written: {error}")))
    };
    serde_json::to_string(value).map_err(failed)
}

fn texts<T: Serialize>(rows: impl Iterator<Item = T>) -> Result<Vec<String>, Problem> {
    rows.map(|row| json(&row)).collect()
}

/// Rows of a list, each as text.
struct Rows {
    texts: Vec<String>,
    /// After which the list goes on; `None` when these are its last.
    last: Option<u64>,
}

impl Rows {
    fn of<R>(rows: &[R], number: impl Fn(&R) -> u64, texts: Vec<String>) -> Self {
        let full = u32::try_from(rows.len()).is_ok_and(|count| count == ROWS);
        Self { texts, last: rows.last().filter(|_| full).map(number) }
    }
}

impl Writing {
    /// The next piece: rows of the list that it is at, and what ends that list when there are no more.
    async fn page(&mut self) -> Result<String, Problem> {
        let Some(part) = self.part else { return Ok(String::new()) };
        let Rows { texts, last } = self.rows(part, Page { after: self.after, limit: ROWS }).await?;
        let mut text = String::new();
        for row in &texts {
            if std::mem::replace(&mut self.begun, true) {
                text.push(',');
            }
            text.push_str(row);
        }
        self.after = last;
        if last.is_none() {
            (self.part, self.begun) = (part.next(), false);
            match self.part {
                Some(next) => text.push_str(&format!("],\"{}\":[", next.name())),
                None => text.push_str("]}\n"),
            }
        }
        Ok(text)
    }

    async fn rows(&self, part: Part, page: Page) -> Result<Rows, Problem> {
        let (app, buyer) = (&self.app, self.buyer);
        let (engine, store) = (&app.engine, app.engine.store());
        let vendor = engine.vendor().await?;
        let token = &vendor.settings.token;
        match part {
            Part::Transfers => {
                let rows = store.transfers_of(buyer.account, page).await?;
                let shown = rows.iter().map(|row| TransferOut::of(row, buyer.wallet, token));
                Ok(Rows::of(&rows, |row| row.id.number(), texts(shown)?))
            }
            Part::TopUps => {
                let rows = store.top_ups_of(buyer.account, page).await?;
                let shown = rows.iter().map(|row| TopUpOut::new(row, token));
                Ok(Rows::of(&rows, |row| row.id.number(), texts(shown)?))
            }
            Part::Orders => {
                let rows = store.orders_of(buyer.account, page).await?;
                let shown = OrderOut::all(app, rows.clone(), &vendor).await?;
                Ok(Rows::of(&rows, |row| row.id.number(), texts(shown.into_iter())?))
            }
            Part::Licenses => {
                let rows = store.licenses_of(buyer.account, page).await?;
                let mut texts = Vec::with_capacity(rows.len());
                for row in &rows {
                    texts.push(json(&own_license(app, row).await?)?);
                }
                Ok(Rows::of(&rows, |row| row.id.number(), texts))
            }
            Part::Exchanges => {
                let rows: Vec<Exchange> = store.exchanges_of(buyer.account, page).await?;
                let mut texts = Vec::with_capacity(rows.len());
                for row in &rows {
                    texts.push(json(&ExchangeOut::of(app, row).await?)?);
                }
                Ok(Rows::of(&rows, |row| row.id.number(), texts))
            }
            Part::MerchantOrders => self.merchant_orders(page, token).await,
            Part::Reversals => self.reversals(page, token).await,
            Part::Repayments => {
                let rows = store.repayments_of(buyer.account, page).await?;
                let shown = rows.iter().map(|row| OwnRepayment {
                    id: row.id.to_string(),
                    money: MoneyOut::currency(row.money),
                    owed: MoneyOut::currency(Money { amount: row.owed, unit: row.money.unit }),
                    at: row.at.to_string(),
                });
                Ok(Rows::of(&rows, |row| row.id.number(), texts(shown)?))
            }
            Part::RefundRequests => {
                let rows = store.refund_requests_by(buyer.account, page).await?;
                let shown = rows.iter().map(RefundRequestOut::from);
                Ok(Rows::of(&rows, |row| row.id.number(), texts(shown)?))
            }
            Part::ApiKeys => {
                let rows = store.api_keys_of(buyer.account, page).await?;
                let shown = rows.iter().map(|row| OwnKey {
                    id: row.id.to_string(),
                    label: row.label.clone(),
                    scopes: row.scopes.iter().map(|scope| scope.as_str()).collect(),
                    created_at: row.created_at.to_string(),
                    revoked_at: row.revoked_at.map(|at| at.to_string()),
                });
                Ok(Rows::of(&rows, |row| row.id.number(), texts(shown)?))
            }
        }
    }

    async fn merchant_orders(&self, page: Page, token: &Token) -> Result<Rows, Problem> {
        let (engine, store) = (&self.app.engine, self.app.engine.store());
        let rows = store.purchase_requests_of(self.buyer.account, page).await?;
        let now = engine.now();
        let mut texts = Vec::with_capacity(rows.len());
        for row in &rows {
            let merchant = store.merchant(row.merchant).await?;
            texts.push(json(&MerchantOrder {
                id: row.id.to_string(),
                merchant: merchant.map(|merchant| merchant.name).unwrap_or_default(),
                order: row.order.clone(),
                state: row.state_at(now).as_str(),
                total: MoneyOut::tokens(row.amount, token),
                refunded: MoneyOut::tokens(row.refunded, token),
                offer: row.offer.clone(),
                opened_at: row.opened_at.to_string(),
            })?);
        }
        Ok(Rows::of(&rows, |row| row.id.number(), texts))
    }

    /// Those of a page of top-ups. Why staff gave back is the vendor's own record.
    async fn reversals(&self, page: Page, token: &Token) -> Result<Rows, Problem> {
        let store = self.app.engine.store();
        let rows = store.top_ups_of(self.buyer.account, page).await?;
        let mut texts = Vec::new();
        for top_up in &rows {
            for row in store.reversals_of(top_up.id).await? {
                texts.push(json(&OwnReversal {
                    id: row.id.to_string(),
                    top_up: row.top_up.to_string(),
                    kind: row.kind.as_str(),
                    state: row.state.as_str(),
                    tokens: MoneyOut::tokens(row.tokens, token),
                    owed: MoneyOut::tokens(row.owed, token),
                    at: row.at.to_string(),
                })?);
            }
        }
        Ok(Rows::of(&rows, |row| row.id.number(), texts))
    }
}
