//! The wallet: what is in it, and its statement.

use axum::extract::State;
use scrip_domain::Id;
use scrip_domain::gate;
use scrip_domain::ledger::{LedgerAccount, Transfer};
use scrip_domain::lot::LotKind;
use scrip_domain::settings::Token;
use scrip_domain::wallet::Wallet;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::credit_line::CreditLineOut;
use crate::api::{List, ListQuery};
use crate::caller::Buyer;
use crate::extract::Query;
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(transfers))
}

/// A wallet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wallet)]
pub struct WalletOut {
    /// Everything in it.
    posted: MoneyOut,
    /// What holds have reserved.
    held: MoneyOut,
    /// What can be spent.
    available: MoneyOut,
    /// What is owed for money that went back after its tokens were spent; bought tokens pay it first.
    owed: MoneyOut,
    /// The balance that opens ordering.
    threshold: MoneyOut,
    /// `visitor`, `member` or `funded`.
    standing: &'static str,
    /// Tokens that came in together.
    lots: Vec<LotOut>,
    /// What may be owed and is, where the vendor lends.
    #[schema(required)]
    credit_line: Option<CreditLineOut>,
}

/// Tokens that came in together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lot)]
struct LotOut {
    #[schema(example = "lot_06bq3v8k2m9zc")]
    id: String,
    /// `paid`, `promo`, `exchange` or `credit`.
    kind: &'static str,
    /// Who issued the tokens, and owes for them: this vendor.
    issuer: String,
    /// Of an `exchange` lot: the vendor whose tokens were given for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// What is left.
    remaining: MoneyOut,
    #[schema(required)]
    expires_at: Option<String>,
    /// From when on it can be exchanged for another vendor's tokens; null: never. What was bought says when, what
    /// was given (`promo`) or lent (`credit`) never can be.
    #[schema(required)]
    exchangeable_at: Option<String>,
}

/// A line of the statement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transfer)]
pub struct TransferOut {
    #[schema(example = "trf_06bq3v8k2m9zc")]
    id: String,
    /// `in` or `out` of what can be spent; `owed` and `cleared` move nothing there: what is owed became more,
    /// or less; neither does `captured`: a merchant took what was held for it.
    direction: &'static str,
    amount: MoneyOut,
    /// `top_up`, `adjustment`, `grant`, `purchase`, `refund`, `expiry`; `clawback` and `restored` when money of a
    /// top-up went back or came again; `debt` when what is owed was paid, or came back; `hold`, `capture` and `void`
    /// of what a merchant's order reserved, took or let go of;
    /// `exchange_hold`, `exchange_void`, `exchange` and `reversal` of exchanges with partners.
    reason: &'static str,
    /// The order, top-up or lot that it belongs to; for an expiry and a paid debt, the wallet.
    subject: String,
    at: String,
}

/// The caller's wallet.
#[utoipa::path(
    get, path = "/v1/wallet", tag = "wallet", security(("bearer" = [])),
    responses((status = 200, body = WalletOut))
)]
async fn show(State(app): State<App>, Buyer(buyer): Buyer) -> Result<Json<WalletOut>, Problem> {
    Ok(Json(whole(&app, buyer).await?))
}

/// A buyer's wallet with all that is in it.
pub async fn whole(app: &App, buyer: scrip_engine::Buyer) -> Result<WalletOut, Problem> {
    let engine = &app.engine;
    let vendor = engine.vendor().await?;
    let (settings, token) = (&vendor.settings, &vendor.settings.token);
    let member = engine.member(buyer.account).await?.ok_or_else(Problem::not_found)?;
    let wallet = engine.store().wallet(buyer.wallet).await?.ok_or_else(Problem::not_found)?;
    let wallet = wallet.as_of(engine.now());
    let cheapest = engine.cheapest().await?;
    let line = engine.store().credit_line(buyer.account).await?;
    let who = Some((member.account.as_ref(), wallet.available()));
    let issuer = vendor.id.to_string();
    let exchanged = wallet.lots.iter().any(|lot| lot.kind == LotKind::Exchange);
    let partners =
        if exchanged { engine.store().partners_of_lots(buyer.account).await? } else { Vec::new() };
    let from = |lot| partners.iter().find(|(of, _)| *of == lot).map(|(_, name)| name.clone());
    Ok(WalletOut {
        posted: MoneyOut::tokens(wallet.posted(), token),
        held: MoneyOut::tokens(wallet.held(), token),
        available: MoneyOut::tokens(wallet.available(), token),
        owed: MoneyOut::tokens(wallet.owed(), token),
        threshold: MoneyOut::tokens(settings.threshold.effective(cheapest), token),
        standing: gate::standing(who, settings, cheapest).as_str(),
        lots: wallet
            .lots
            .iter()
            .map(|lot| LotOut {
                id: lot.lot.to_string(),
                kind: lot.kind.as_str(),
                issuer: issuer.clone(),
                from: from(lot.lot),
                remaining: MoneyOut::tokens(lot.remaining, token),
                expires_at: lot.expires_at.map(|at| at.to_string()),
                exchangeable_at: lot.exchangeable_at.map(|at| at.to_string()),
            })
            .collect(),
        credit_line: line.as_ref().map(CreditLineOut::from),
    })
}

/// The caller's statement, newest first.
#[utoipa::path(
    get, path = "/v1/wallet/transfers", tag = "wallet", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<TransferOut>))
)]
async fn transfers(
    State(app): State<App>,
    Buyer(buyer): Buyer,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<TransferOut>>, Problem> {
    let engine = &app.engine;
    let vendor = engine.vendor().await?;
    let page = query.page(engine, "transfers")?;
    let rows = engine.store().transfers_of(buyer.account, page).await?;
    let token = &vendor.settings.token;
    let show = |row: &Transfer| TransferOut::of(row, buyer.wallet, token);
    Ok(Json(List::of(engine, "transfers", page, &rows, |row| row.id.number(), show)))
}

impl TransferOut {
    /// A line of the statement of `wallet`.
    pub fn of(transfer: &Transfer, wallet: Id<Wallet>, token: &Token) -> Self {
        Self {
            id: transfer.id.to_string(),
            direction: Self::direction(transfer, wallet),
            amount: MoneyOut::tokens(transfer.amount, token),
            reason: transfer.reason.as_str(),
            subject: transfer.subject_name(),
            at: transfer.at.to_string(),
        }
    }

    /// What it means to `wallet`.
    pub fn direction(transfer: &Transfer, wallet: Id<Wallet>) -> &'static str {
        let free = LedgerAccount::Free(wallet);
        match (transfer.debit, transfer.credit) {
            (debit, _) if debit == free => "out",
            (_, credit) if credit == free => "in",
            (LedgerAccount::Owed(_), _) => "owed",
            (LedgerAccount::Held(_), _) => "captured",
            _ => "cleared",
        }
    }
}
