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
use scrip_engine::Page;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::api::accounts::{self, AccountOut};
use crate::api::exchanges::ExchangeOut;
use crate::api::export::file;
use crate::api::licenses::LicenseOut;
use crate::api::orders::OrderOut;
use crate::api::payment_methods::MethodOut;
use crate::api::top_ups::TopUpOut;
use crate::api::wallet::{TransferOut, WalletOut, whole};
use crate::caller::Buyer;
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
    /// Each movement of the wallet, newest first, as all lists here.
    transfers: Vec<TransferOut>,
    top_ups: Vec<TopUpOut>,
    orders: Vec<OrderOut>,
    licenses: Vec<LicenseOut>,
    exchanges: Vec<ExchangeOut>,
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

/// The lists, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Transfers,
    TopUps,
    Orders,
    Licenses,
    Exchanges,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Transfers => "transfers",
            Self::TopUps => "top_ups",
            Self::Orders => "orders",
            Self::Licenses => "licenses",
            Self::Exchanges => "exchanges",
        }
    }

    const fn next(self) -> Option<Self> {
        match self {
            Self::Transfers => Some(Self::TopUps),
            Self::TopUps => Some(Self::Orders),
            Self::Orders => Some(Self::Licenses),
            Self::Licenses => Some(Self::Exchanges),
            Self::Exchanges => None,
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
}

/// The file about `buyer`'s account. One that breaks off ends the connection, so that nobody takes what came for all.
pub async fn everything(app: &App, buyer: scrip_engine::Buyer) -> Result<Response, Problem> {
    let head = head(app, buyer).await?;
    let writing = Writing { app: app.clone(), buyer, part: Some(Part::Transfers), after: None };
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
    text.push_str(",\"transfers\":[");
    Ok(text)
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

impl Writing {
    /// The next piece: rows of the list that it is at, and what ends that list when there are no more.
    async fn page(&mut self) -> Result<String, Problem> {
        let Some(part) = self.part else { return Ok(String::new()) };
        let first = self.after.is_none();
        let (rows, last) = self.rows(part, Page { after: self.after, limit: ROWS }).await?;
        let full = u32::try_from(rows.len()).is_ok_and(|count| count == ROWS);
        let mut text = String::new();
        for (place, row) in rows.iter().enumerate() {
            if !first || place > 0 {
                text.push(',');
            }
            text.push_str(row);
        }
        self.after = last;
        if !full {
            (self.part, self.after) = (part.next(), None);
            match self.part {
                Some(next) => text.push_str(&format!("],\"{}\":[", next.name())),
                None => text.push_str("]}\n"),
            }
        }
        Ok(text)
    }

    /// A page of a list, each row as text, and the number of the last one.
    async fn rows(&self, part: Part, page: Page) -> Result<(Vec<String>, Option<u64>), Problem> {
        let (app, buyer) = (&self.app, self.buyer);
        let (engine, store) = (&app.engine, app.engine.store());
        let vendor = engine.vendor().await?;
        let token = &vendor.settings.token;
        match part {
            Part::Transfers => {
                let rows = store.transfers_of(buyer.account, page).await?;
                let shown = rows.iter().map(|row| TransferOut::of(row, buyer.wallet, token));
                Ok((texts(shown)?, rows.last().map(|row| row.id.number())))
            }
            Part::TopUps => {
                let rows = store.top_ups_of(buyer.account, page).await?;
                let shown = rows.iter().map(|row| TopUpOut::new(row, token));
                Ok((texts(shown)?, rows.last().map(|row| row.id.number())))
            }
            Part::Orders => {
                let rows = store.orders_of(buyer.account, page).await?;
                let last = rows.last().map(|row| row.id.number());
                let mut texts = Vec::with_capacity(rows.len());
                for row in rows {
                    texts.push(json(&OrderOut::of(app, row, &vendor).await?)?);
                }
                Ok((texts, last))
            }
            Part::Licenses => {
                let rows = store.licenses_of(buyer.account, page).await?;
                let mut texts = Vec::with_capacity(rows.len());
                for row in &rows {
                    texts.push(json(&LicenseOut::new(app, row, engine.now()).await?)?);
                }
                Ok((texts, rows.last().map(|row| row.id.number())))
            }
            Part::Exchanges => {
                let rows: Vec<Exchange> = store.exchanges_of(buyer.account, page).await?;
                let last = rows.last().map(|row| row.id.number());
                let mut texts = Vec::with_capacity(rows.len());
                for row in &rows {
                    texts.push(json(&ExchangeOut::of(app, row).await?)?);
                }
                Ok((texts, last))
            }
        }
    }
}
